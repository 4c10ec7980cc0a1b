//! Golden histories of what came after the first ones: what people do about tasks beside answering
//! them, whom tasks reach, outcomes by hand, values and settings. See [`super::histories`].

use super::kit::{Run, task_id};
use gatefold::engine::FailureKind::{InDoubt, Permanent, Transient};
use gatefold::engine::event::Weight;
use gatefold::engine::{Acting, Assignment, Event, Input, TaskAct, Work};
use serde_json::{Map, Value, json};

pub const ACTS: &str = "\
flow: acts
version: 1.0.0
steps:
  - id: work
    task:
      to: [role:legal]
      allow: [delegate, reassign, release, suspend, skip, redo]
      form: { shelf: { type: text, required: true }, boxes: { type: integer } }
    deadline: { due: 9 days, remind: [1 day before] }
    outcomes: { declined: { end: declined }, expired: { end: late } }
  - { id: note, uses: t.call, with: { shelf: \"${{ steps.work.shelf or 'none' }}\" } }
";

fn form(field: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(field.to_owned(), value)])
}

/// The task goes through many hands.
fn pass_around(run: &mut Run) {
    let mut act = |by: &str, act: TaskAct| run.act(by, act).expect("it is taken");
    let text = || "which shelf is free?".to_owned();
    act("leo", TaskAct::Claim);
    let reason = Some("ill today".to_owned());
    act("leo", TaskAct::Release { reason });
    act("lea", TaskAct::Start);
    act(
        "lea",
        TaskAct::Save {
            form: form("shelf", json!("A1")),
        },
    );
    let (to, answers) = (Some("user:max".to_owned()), None);
    act(
        "lea",
        TaskAct::Remark {
            text: text(),
            to,
            answers,
        },
    );
    let (to, answers) = (None, Some(1));
    act(
        "max",
        TaskAct::Remark {
            text: "B2 is".to_owned(),
            to,
            answers,
        },
    );
    act(
        "max",
        TaskAct::Save {
            form: form("boxes", json!(2)),
        },
    );
    let (of, to, reason) = (
        "user:leo".to_owned(),
        "user:dan".to_owned(),
        Some("on holiday".to_owned()),
    );
    act("leo", TaskAct::Delegate { of, to, reason });
    let (of, to, reason) = ("user:lea".to_owned(), "user:ria".to_owned(), None);
    act(
        "lea",
        TaskAct::Reassign {
            of,
            to,
            reason,
            afresh: true,
        },
    );
    let reason = "the archive is closed".to_owned();
    act("ria", TaskAct::Suspend { reason });
    act(
        "admin",
        TaskAct::Resume {
            reason: Some("it is open".to_owned()),
        },
    );
}

pub fn acts() -> Run {
    let mut run = Run::start(ACTS, json!({}));
    run.assign(&["lea", "leo", "lou"]);
    pass_around(&mut run);
    let mut decision = run.decision("ria", "done");
    decision.form = form("shelf", json!("B2"));
    run.handle(Input::Decide(decision)).expect("it counts");
    let redo = Acting {
        task: task_id("work", 1),
        by: "user:ria".to_owned(),
        admin: false,
        act: TaskAct::Redo {
            reason: "the wrong shelf".to_owned(),
        },
    };
    run.handle(Input::Act(redo)).expect("the run goes on");
    run.assign(&["lea", "leo"]);
    let reason = "it was never there".to_owned();
    run.act("lea", TaskAct::Skip { reason }).expect("it is theirs");
    run.done("note:2", json!({}));
    run
}

pub const ASKED: &str = "\
flow: asked
version: 1.0.0
inputs:
  document: { type: file }
steps:
  - id: sign
    approve:
      document: ${{ inputs.document }}
      by: [role:legal]
      rule: majority
      weights: { 'role:legal-lead': 2 }
      only: [role:certified]
      exclude: [initiator]
      visible: { untaken: [role:desk], taken: [role:legal-lead] }
      priority: urgent
      hold_back: 2 hours
      starts: opened
    deadline: { due: 5 days, escalate: { after: 2 days, to: [role:lead] } }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: late } }
  - id: shelve
    task: { to: [role:records], distribution: assign, pick: random, starts: taken }
    deadline: { due: 5 days }
    outcomes: { declined: continue, expired: continue }
";

/// The directory answers with everything that it can say.
fn assign_fully(run: &mut Run) {
    let outstanding = run.machine.outstanding();
    let asked = outstanding.iter().find(|work| matches!(work, Work::Assign { .. }));
    let work = asked.expect("the directory is asked").key().clone();
    let persons = |names: &[&str]| names.iter().map(|name| format!("user:{name}")).collect::<Vec<_>>();
    let assignment = Assignment {
        people: persons(&["lea", "leo", "lou", "max"]),
        exclude: persons(&["ines-maria"]),
        only: Some(persons(&["lea", "leo", "lou"])),
        weights: vec![Weight {
            person: "user:lea".to_owned(),
            weight: 2,
        }],
        ..Assignment::default()
    };
    run.handle(Input::Assigned { work, assignment }).expect("it counts");
}

pub fn asked() -> Run {
    let mut run = Run::start(ASKED, json!({ "document": super::kit::document(1) }));
    run.next();
    assign_fully(&mut run);
    run.decide("leo", "approved").expect("it counts");
    run.decide("lea", "approved").expect("it counts");
    run.assign(&["rex", "ria"]);
    let holder = run.task("shelve").claimed_by.expect("it is assigned");
    run.decide(holder.trim_start_matches("user:"), "done")
        .expect("it counts");
    run
}

pub const BY_HAND: &str = "\
flow: by-hand
version: 1.0.0
steps:
  - { id: a, uses: t.call, with: { n: 1 } }
  - { id: b, uses: t.once, with: { n: '${{ steps.a.n }}' }, outcomes: { failed: continue } }
  - { id: size, choose: [{ when: steps.b.n > 1, outcome: large }, { otherwise: small }], outcomes: { large: continue, small: continue } }
  - { id: c, uses: t.once, outcomes: { failed: { back_to: a, max_rounds: 2, then: continue } } }
";

pub fn by_hand() -> Run {
    let mut run = Run::start(BY_HAND, json!({}));
    run.fail("a:1", Permanent);
    run.set("a", None, json!({ "n": 2 })).expect("it has an incident");
    run.fail("b:1", InDoubt);
    run.set("b", Some("failed"), json!({})).expect("it has an incident");
    run.set("size", Some("large"), json!({})).expect("it has an incident");
    run.fail("c:1", InDoubt);
    run.retry("c").expect("it has an incident");
    run.fail("c:1", Transient);
    // Nobody knows of the first try: the failure is taken, and the doubt stays with it.
    run.done("a:2", json!({ "n": 3 }));
    run.done("b:2", json!({ "n": 3 }));
    run.done("c:2", json!({}));
    run
}

pub const DISPLACED: &str = "\
flow: displaced
version: 1.0.0
steps:
  - { id: pause, wait: { until: 1 day } }
  - { id: reply, wait: { event: t.ping, key: k }, deadline: { due: 9 days }, outcomes: { expired: { end: late } } }
";

/// A journal need not have the thousand kept events that it takes until one gives its place: what the
/// line says is what counts.
pub fn displaced() -> Run {
    let mut run = Run::start(DISPLACED, json!({}));
    run.keyed("t.ping", "other", json!({ "n": 1 }));
    run.keyed("t.ping", "k", json!({ "n": 2 }));
    run.next();
    let mut oldest = None;
    for record in &mut run.journal {
        if let Event::EventReceived { id, displaced, .. } = &mut record.event {
            displaced.clone_from(&oldest);
            oldest.get_or_insert_with(|| id.clone());
        }
    }
    run
}

pub const ONWARDS: &str = "\
flow: onwards
version: 1.0.0
inputs:
  document: { type: file }
steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal] }
    deadline:
      due: 9 days
      escalate:
        - { after: 3 days, to: [role:lead] }
        - { after: 4 days, to: [role:board] }
        - { after: 5 days, to: [user:chief] }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: late } }
";

/// Two escalations at once, after a standstill, the third on its own; the first asks nobody.
pub fn onwards() -> Run {
    let mut run = Run::start(ONWARDS, json!({ "document": super::kit::document(1) }));
    run.assign(&["lea", "leo"]);
    run.wake_after("4 days");
    run.failed("run_1:sign:1:escalate", 1, Permanent).expect("it counts");
    run.assign(&["chair"]);
    run.next();
    run.assign(&["chief", "chair"]);
    run.decide("chief", "approved").expect("it counts");
    run
}

pub const VALUES: &str = "\
flow: values
version: 1.0.0
settings: { limit: { type: number } }
inputs:
  amount: { type: integer }
values:
  sum: { type: integer, default: 0 }
  note: { type: text }
outputs: { sum: '${{ values.sum }}', limit: '${{ settings.limit }}' }
steps:
  - { id: first, set: { sum: '${{ inputs.amount }}' } }
  - id: enough
    wait: { when: values.sum > settings.limit }
    deadline: { due: 9 days }
    outcomes: { expired: { end: too_little } }
  - { id: last, set: { note: 'It came to ${{ values.sum }}' } }
";

pub fn values() -> Run {
    let settings = Map::from_iter([("limit".to_owned(), json!(100))]);
    let mut run = Run::start_with(super::flows::plan(VALUES), json!({ "amount": 7 }), None, settings);
    for sum in [50, 101] {
        let values = Map::from_iter([("sum".to_owned(), json!(sum))]);
        let (by, reason) = ("user:ines".to_owned(), "more was ordered".to_owned());
        run.handle(Input::Change { values, by, reason }).expect("it fits");
    }
    run
}

pub const ANEW: &str = "\
flow: anew
version: 1.0.0
inputs:
  document: { type: file }
steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: in_order }
    deadline: { due: 9 days, remind: [1 day after] }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: late } }
";

/// A newer version makes decisions void, and the line says whose.
pub fn anew() -> Run {
    let mut run = Run::start(ANEW, json!({ "document": super::kit::document(1) }));
    run.assign(&["lea", "leo", "max"]);
    run.decide("lea", "approved").expect("it counts");
    run.wake_after("1 day");
    run.decide("leo", "approved").expect("it counts");
    run.upload(2, "user:eve");
    for by in ["lea", "leo", "max"] {
        run.decide(by, "approved").expect("it counts");
    }
    run
}

pub const IN_ORDER: &str = "\
flow: in-order
version: 1.0.0
steps:
  - id: letters
    each:
      in: [x, y, z]
      in_order: true
      join: settled
      steps:
        - { id: one, after: start, uses: t.call, with: { n: '${{ index }}' } }
        - { id: other, after: start, uses: t.call, outcomes: { failed: { end: stopped } } }
        - { id: first, after: [one, other], join: any, uses: t.call }
        - { id: last, after: first, uses: t.call, outcomes: { failed: { back_to: first, max_rounds: 3, then: continue } } }
    outcomes: { failed: { end: none_left } }
";

/// One step is left behind, one goes back while others wait, one element ends where others want to be.
pub fn in_order() -> Run {
    let mut run = Run::start(IN_ORDER, json!({}));
    for step in ["one", "first"] {
        run.done(&format!("letters[0].{step}:1"), json!({}));
    }
    run.done("letters[1].one:1", json!({}));
    run.fail("letters[0].last:1", Permanent);
    run.done("letters[0].other:1", json!({}));
    run.done("letters[0].first:2", json!({}));
    run.done("letters[1].first:1", json!({}));
    run.done("letters[0].last:2", json!({}));
    run.fail("letters[1].other:1", Permanent);
    for step in ["one", "first", "last", "other"] {
        run.done(&format!("letters[2].{step}:1"), json!({}));
    }
    run
}

/// A way back into the branch that was not taken, from one into its other end.
pub const CALLED: &str = "\
flow: called
version: 1.0.0
inputs:
  value: { type: integer, default: 10 }
steps:
  - id: track
    choose: [{ when: inputs.value > 50, outcome: full }, { otherwise: fast }]
  - { id: terms, uses: t.call, after: track.full }
  - id: review
    task: { to: [role:legal], title: Review it, allow: [redo] }
    deadline: { due: 5 days }
    outcomes: { declined: { end: rejected }, expired: { end: late } }
  - id: sign
    after: [review, track.fast]
    join: any
    task: { to: [role:signatory], title: Sign it }
    deadline: { due: 5 days }
    outcomes: { declined: { back_to: review, max_rounds: 3, then: { end: rejected } }, expired: { end: late } }
  - { id: filed, uses: t.call, with: { round: '${{ steps.review.round }}' } }
";

pub fn called() -> Run {
    let mut run = Run::start(CALLED, json!({}));
    run.assign(&["anna"]);
    run.decide("anna", "declined").expect("it counts");
    run.assign(&["lea"]);
    run.decide("lea", "done").expect("it counts");
    run.assign(&["anna"]);
    run.handle(Input::Act(Acting {
        task: task_id("review", 2),
        by: "user:lea".to_owned(),
        admin: false,
        act: TaskAct::Redo {
            reason: "a page was missing".to_owned(),
        },
    }))
    .expect("it is done again");
    run.assign(&["lea"]);
    run.decide("lea", "done").expect("it counts");
    run.assign(&["anna"]);
    run.decide("anna", "done").expect("it counts");
    assert_eq!(run.call("filed:3").2, json!({ "round": 3 }));
    run.done("filed:3", json!({}));
    run
}

pub const ESCALATED: &str = "\
flow: escalated
version: 1.0.0
inputs:
  document: { type: file }
steps:
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: in_order }
    deadline: { due: 9 days, escalate: { after: 3 days, to: [role:lead] } }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: late } }
  - id: shelve
    task: { to: [role:records], exclude: [sign] }
    deadline: { due: 9 days, escalate: { after: 3 days, to: [role:lead] } }
    outcomes: { declined: { end: declined }, expired: { end: late } }
";

/// Those who are escalated to answer in the place of who was asked, one of them by a deputy.
pub fn escalated() -> Run {
    let mut run = Run::start(ESCALATED, json!({ "document": super::kit::document(1) }));
    run.assign(&["lea", "leo"]);
    run.wake_after("3 days");
    run.assign_with_deputies(&["boss", "chair"], &[("dan", "boss")]);
    run.decide("dan", "approved").expect("it counts");
    run.decide("leo", "approved").expect("it counts");
    run.assign(&["rex", "ria"]);
    run.wake_after("3 days");
    run.assign(&["boss", "chair"]);
    run.decide("chair", "done").expect("it counts");
    run
}
