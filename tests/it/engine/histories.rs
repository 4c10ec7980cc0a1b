//! How the golden histories were made. A history that is missing is recorded by its script and the
//! test fails once, so that somebody looks at what is new. One that is there is never made again:
//! a later build may decide otherwise, and still has to read it.

use super::kit::Run;
use super::runs::child;
use super::{later, members, via};
use gatefold::engine::FailureKind::{InDoubt, Permanent, Transient};
use gatefold::engine::{Decision, Input, Parent, RunPhase, TaskAct};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const REVIEW: &str = "\
flow: review
version: 1.0.0
calendar: office
inputs:
  document: { type: file }
  reviewer: { type: email }
outputs:
  file: ${{ steps.publish.file }}
steps:
  - id: room
    uses: t.share
    with: { name: 'Review of ${{ inputs.document.name }}' }
  - id: access
    uses: t.grant
    with: { share: '${{ steps.room.share }}', to: '${{ inputs.reviewer }}' }
  - id: response
    wait:
      any:
        new_version: { event: file360.file_uploaded, on: '${{ steps.room.share }}' }
        comment: { event: file360.comment_added, on: '${{ steps.room.share }}' }
    deadline: { due: 10 business days, remind: [3 business days before] }
    outcomes: { expired: { end: expired } }
  - id: approval
    approve:
      document: ${{ steps.response.file or inputs.document }}
      ask: Is it fit to be signed?
      by: [role:legal]
      rule: 2
      veto: [role:lead]
      exclude: [initiator]
      reason: [changes_requested, rejected]
    deadline: { due: 5 business days, remind: [1 business day before], escalate: { after: 3 business days, to: [role:lead] } }
    outcomes:
      changes_requested: { back_to: response, max_rounds: 3, then: { end: rejected } }
      rejected: { end: rejected }
      expired: { end: expired }
  - id: publish
    uses: t.call
    with: { file: '${{ steps.approval.document }}', token: '${{ secrets.TOKEN }}' }
";

fn review() -> Run {
    let inputs = json!({ "document": super::kit::document(1), "reviewer": "eve@example.com" });
    let mut run = Run::start(REVIEW, inputs);
    run.done("room:1", json!({ "share": "shr_1" }));
    run.done("access:1", json!({ "grant": "grt_1" }));
    run.wake_after("8 business days");
    run.upload(2, "email:eve@example.com");
    run.assign_with_veto(&["lea", "leo"], &["boss"]);
    run.decide("lea", "approved").expect("it counts");
    run.upload(3, "email:eve@example.com");
    run.decide("lea", "changes_requested").expect("it counts");
    run.upload(4, "email:eve@example.com");
    run.assign(&["lea", "leo"]);
    run.decide("lea", "approved").expect("it counts");
    run.wake_after("3 business days");
    run.assign(&["boss"]);
    run.wake_after("1 business day");
    run.decide("boss", "approved").expect("it counts");
    run.done("publish:2", json!({ "file": "fil_9" }));
    run.done(":release:grt_1", json!({}));
    run.done(":release:shr_1", json!({}));
    run
}

const REPAIRED: &str = "\
flow: repaired
version: 1.0.0
steps:
  - id: a
    uses: t.call
    with: { n: 1 }
    retry: { attempts: 2, backoff: 10 seconds }
  - { id: b, uses: t.once, after: start }
  - { id: c, uses: t.pure, with: { n: 2 }, after: [a, b] }
  - { id: d, uses: t.call, outcomes: { failed: continue } }
";

fn repaired() -> Run {
    let mut run = Run::start(REPAIRED, json!({}));
    run.fail("b:1", InDoubt);
    run.fail("a:1", Transient);
    run.next();
    run.fail("a:1", Transient);
    run.retry("a").expect("it has an incident");
    run.skip("b").expect("it has an incident");
    run.done("a:1", json!({}));
    run.done("c:1", json!({ "n": 2 }));
    run.fail("d:1", Permanent);
    run
}

const BRANCHES: &str = "\
flow: branches
version: 1.0.0
inputs:
  amount: { type: integer, default: 50 }
steps:
  - id: size
    choose:
      - { when: inputs.amount > 100, outcome: large }
      - { otherwise: small }
  - { id: special, uses: t.call, after: size.large }
  - { id: usual, uses: t.share, after: size.small }
  - { id: never, uses: t.call, if: inputs.amount < 0 }
  - id: sound
    check: [{ that: steps.usual.round == 3, else: Not good enough yet. }]
    outcomes: { failed: { back_to: usual, max_rounds: 3, then: { end: unsound } } }
  - { id: done, end: { status: filed, message: 'After ${{ steps.usual.round }} rounds' } }
always:
  - { id: tell, uses: t.call }
";

fn branches() -> Run {
    let mut run = Run::start(BRANCHES, json!({}));
    run.done("usual:1", json!({ "share": "shr_1" }));
    run.done(":release:shr_1", json!({}));
    run.done("usual:2", json!({ "share": "shr_2" }));
    run.done("usual:3", json!({ "share": "shr_3" }));
    run.done(":release:shr_3", json!({}));
    run.done(":release:shr_2", json!({}));
    run.done("tell:1", json!({}));
    run
}

const ELEMENTS: &str = "\
flow: elements
version: 1.0.0
inputs:
  document: { type: file }
  departments: { type: list, of: text }
outputs:
  signed: ${{ steps.departments.results }}
steps:
  - { id: head, uses: t.call }
  - id: departments
    each:
      in: ${{ inputs.departments }}
      parallel: 2
      join: 2
      steps:
        - { id: room, uses: t.share, with: { name: 'For ${{ item }} of ${{ steps.head.name }}' } }
        - id: sign
          approve: { document: '${{ inputs.document }}', by: ['role:${{ item }}'] }
          deadline: { due: 5 days }
          outcomes:
            changes_requested: { back_to: room, max_rounds: 2, then: { end: refused } }
            rejected: { end: refused }
            expired: { end: late }
        - id: copies
          each:
            in: [1, 2]
            steps: [{ id: copy, uses: t.pure, with: { n: '${{ item }}', of: '${{ steps.sign.document.name }}' } }]
      outputs: { share: '${{ steps.room.share }}', copies: '${{ steps.copies.results }}' }
    outcomes: { failed: { back_to: head, max_rounds: 2, then: { end: not_signed } } }
";

fn elements() -> Run {
    let departments = ["legal", "finance", "board"];
    let inputs = json!({ "document": super::kit::document(1), "departments": departments });
    let mut run = Run::start(ELEMENTS, inputs);
    let sign = |run: &mut Run, element: &str, round: u32, decision: &str| {
        run.assign(&["lea"]);
        let task = super::kit::task_id(&format!("{element}.sign"), round);
        let decision = Decision {
            task,
            ..run.decision("lea", decision)
        };
        run.handle(Input::Decide(decision)).expect("it counts");
    };
    run.done("head:1", json!({ "name": "Sales" }));
    run.done("departments[0].room:1", json!({ "share": "shr_1" }));
    sign(&mut run, "departments[0]", 1, "changes_requested");
    run.fail("departments[1].room:1", Permanent);
    run.done("departments[0].room:2", json!({ "share": "shr_2" }));
    run.done(":release:shr_1", json!({}));
    sign(&mut run, "departments[0]", 2, "rejected");
    run.done("departments[2].room:1", json!({ "share": "shr_3" }));
    sign(&mut run, "departments[2]", 1, "rejected");
    // Only one is left of the two that it takes: all of it anew.
    run.done(":release:shr_3", json!({}));
    run.done(":release:shr_2", json!({}));
    run.done("head:2", json!({ "name": "Sales" }));
    for (element, share) in [("departments#2[0]", "shr_4"), ("departments#2[1]", "shr_5")] {
        run.done(&format!("{element}.room:1"), json!({ "share": share }));
        sign(&mut run, element, 1, "approved");
        run.done(&format!("{element}.copies[0].copy:1"), json!({ "n": 1 }));
        run.done(&format!("{element}.copies[1].copy:1"), json!({ "n": 2 }));
    }
    // The third was under way: it is cancelled, and what it may have acquired is released.
    run.done("departments#2[2].room:1", json!({ "share": "shr_6" }));
    run.fail("departments[1].room:1", Permanent);
    for thing in ["shr_6", "shr_5", "shr_4"] {
        run.done(&format!(":release:{thing}"), json!({}));
    }
    run
}

const CANCELLED: &str = "\
flow: cancelled
version: 1.0.0
steps:
  - { id: room, uses: t.share }
  - { id: hall, uses: t.share, after: start, retry: { attempts: 3 } }
  - { id: broken, uses: t.call, after: start }
";

fn cancelled() -> Run {
    let mut run = Run::start(CANCELLED, json!({}));
    run.fail("broken:1", Permanent);
    run.fail("hall:1", Transient);
    run.cancel().expect("it runs");
    run.done("room:1", json!({ "share": "shr_1" }));
    run.next();
    run.fail("hall:1", Permanent);
    for _ in 0..4 {
        run.fail(":release:shr_1", Transient);
        run.next();
    }
    run.fail(":release:shr_1", Transient);
    run.retry("release:shr_1").expect("it has an incident");
    run.done(":release:shr_1", json!({}));
    run
}

const WAITS: &str = "\
flow: waits
version: 1.0.0
steps:
  - { id: pause, wait: { until: 2 hours } }
  - id: both
    wait: { all: { left: { event: t.ping, key: k1 }, right: { event: t.pong, where: event.n > 1 } } }
    deadline: { due: 2 days, remind: [1 day after], escalate: { after: 30 hours, to: ['role:lead'] } }
    outcomes: { expired: { end: late } }
  - id: last
    wait: { event: t.ping }
    deadline: { due: 1 day }
    outcomes: { expired: continue }
";

fn waits() -> Run {
    let mut run = Run::start(WAITS, json!({}));
    run.keyed("t.ping", "k1", json!({ "n": 1 }));
    run.event("t.pong", &[], json!({ "n": 1 }));
    run.next();
    run.next();
    run.next();
    run.event("t.pong", &[], json!({ "n": 2 }));
    run.next();
    run
}

const WORK: &str = "\
flow: work
version: 1.0.0
inputs:
  document: { type: file }
steps:
  - id: read
    task: { kind: review, to: [role:legal], document: '${{ inputs.document }}', exclude: [uploader] }
    deadline: { due: 2 days }
    outcomes: { declined: continue, expired: { end: late } }
  - id: shelve
    task:
      kind: form
      to: [role:records]
      title: Shelve ${{ inputs.document.name }}
      ask: Which shelf?
      form: { shelf: { type: text, required: true }, boxes: { type: integer, default: 1 } }
    deadline: { due: 2 days }
    outcomes: { declined: { back_to: read, max_rounds: 2, then: { end: declined } }, expired: { end: late } }
  - { id: note, uses: t.call, with: { shelf: '${{ steps.shelve.shelf }}', boxes: '${{ steps.shelve.boxes }}' } }
";

fn work() -> Run {
    let mut run = Run::start(WORK, json!({ "document": super::kit::document(1) }));
    run.assign(&["lea"]);
    run.upload(2, "user:leo");
    run.assign(&["lea"]);
    run.decide("lea", "done").expect("it counts");
    run.assign(&["rex"]);
    run.decide("rex", "declined").expect("it counts");
    run.assign(&["lea"]);
    run.decide("lea", "declined").expect("it counts");
    run.assign(&["rex", "ria"]);
    let mut decision = run.decision("ria", "done");
    decision.form.insert("shelf".to_owned(), json!("A1"));
    run.handle(Input::Decide(decision)).expect("it counts");
    run.done("note:2", json!({}));
    run
}

const PEOPLE: &str = "\
flow: people
version: 1.0.0
inputs:
  document: { type: file }
steps:
  - id: prepare
    task: { to: [role:records] }
    deadline: { due: 9 days }
    outcomes: { declined: continue, expired: continue }
  - id: sign
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: all, exclude: [prepare] }
    deadline: { due: 5 days }
    outcomes: { rejected: continue, changes_requested: continue, expired: continue }
  - id: shelve
    task: { to: [role:records], prefer: prepare, distribution: assign, pick: random }
    deadline: { due: 5 days }
    outcomes: { declined: continue, expired: continue }
";

fn people() -> Run {
    let mut run = Run::start(PEOPLE, json!({ "document": super::kit::document(1) }));
    let (rex, ria) = ("user:rex".to_owned(), "user:ria".to_owned());
    run.assign(&["rex", "ria"]);
    run.act("rex", TaskAct::Claim).expect("it is free");
    run.act("rex", TaskAct::Release { reason: None }).expect("it is theirs");
    run.decide("rex", "done").expect("it counts");
    run.assign_with_deputies(&["lea", "leo", "lou"], &[("dan", "lou")]);
    let (of, to, reason) = ("user:lea".to_owned(), "user:max".to_owned(), None);
    run.act("lea", TaskAct::Delegate { of, to, reason })
        .expect("it is theirs");
    let (of, to, reason) = ("user:leo".to_owned(), ria, Some("leo has left".to_owned()));
    run.act(
        "admin",
        TaskAct::Reassign {
            of,
            to,
            reason,
            afresh: false,
        },
    )
    .expect("they administer");
    for person in ["max", "dan", "ria"] {
        run.decide(person, "approved").expect("it counts");
    }
    run.assign(&["ria", "rex"]);
    assert_eq!(run.task("shelve").claimed_by, Some(rex));
    run.act("rex", TaskAct::Release { reason: None }).expect("it is theirs");
    run.decide("ria", "done").expect("it counts");
    run
}

const COLLECTED: &str = "\
flow: collected
version: 1.0.0
inputs:
  supplier: { type: email }
steps:
  - id: papers
    collect:
      from: ${{ inputs.supplier }}
      into: /suppliers
      items:
        tax: { title: Tax form, accept: [pdf], review: [role:tax] }
        cover: { title: Cover, valid_until: required, at_least: 30 days }
        iso: { title: ISO certificate, optional: true }
    deadline: { due: 15 days, remind: [5 days before] }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
  - { id: note, uses: t.call, with: { file: '${{ steps.papers.items.tax.file }}' } }
";

fn collected() -> Run {
    let mut run = Run::start(COLLECTED, json!({ "supplier": "eve@example.com" }));
    run.done("papers:1", json!({ "request": "shr_9" }));
    run.item("tax", "received", &["fil_t"], 1);
    run.assign(&["tom"]);
    run.item("tax", "received", &["fil_u"], 2);
    run.assign(&["tom"]);
    run.decide("tom", "sent_back").expect("it counts");
    run.item("cover", "accepted", &["fil_c"], 3);
    run.wake_after("10 days");
    run.item("cover", "missing", &[], 4);
    run.item("tax", "received", &["fil_v"], 5);
    run.assign(&["tom"]);
    run.item("cover", "accepted", &["fil_c"], 6);
    let data = json!({ "item": "iso", "state": "not_applicable", "files": [], "because": "None.", "change": 7 });
    run.event("file360.item_not_applicable", &["shr_9"], data);
    run.decide("tom", "accepted").expect("it counts");
    run.done("note:1", json!({}));
    run.done(":release:shr_9", json!({}));
    run
}

const CHILDREN: &str = "\
flow: children
version: 1.0.0
inputs: { company: { type: text } }
outputs: { score: '${{ steps.screening.score }}', all: '${{ steps.all.results }}' }
steps:
  - id: screening
    run: { flow: sanctions-screening, version: ^1, with: { company: '${{ inputs.company }}' } }
    outcomes: { hit: { back_to: screening, max_rounds: 2, then: { end: blocked } } }
  - id: all
    each:
      in: [legal, finance]
      join: any
      steps: [{ id: own, run: { flow: sign-off, with: { role: '${{ item }}' } } }]
    outcomes: { failed: { end: unsigned } }
  - { id: last, run: { flow: archive }, outcomes: { failed: continue } }
";

fn children() -> Run {
    let parent = Parent {
        run: "run_0".into(),
        step: "checks[2].one".to_owned(),
        depth: 1,
    };
    let inputs = json!({ "company": "Acme" });
    let mut run = Run::start_within(super::flows::plan(CHILDREN), inputs, Some(parent));
    run.started("screening", 1);
    run.ends("screening", 1, "hit", &json!({ "score": 99 }));
    run.fail("screening:2", Transient);
    run.next();
    run.started("screening", 2);
    run.ends("screening", 2, "unclear", &json!({}));
    run.retry("screening").expect("it has an incident");
    run.done(&format!(":release:{}", child("screening", 2)), json!({}));
    run.started("screening", 3);
    run.ends("screening", 3, "completed", &json!({ "score": 2 }));
    run.started("all#2[0].own", 1);
    run.ends("all#2[1].own", 1, "completed", &json!({}));
    run.done(&format!(":release:{}", child("all#2[0].own", 1)), json!({}));
    run.fail("last:2", Permanent);
    run
}

/// Name, flow and script.
type Script = (&'static str, &'static str, fn() -> Run);

const STOPPED: &str = "\
flow: stopped
version: 1.0.0
outputs:
  offers: ${{ steps.offers.results }}
steps:
  - id: offers
    each:
      in: [one]
      join: 2
      until: results | length >= 2
      rest: continue
      steps:
        - { id: room, uses: t.share, lock: { name: desk, until: copy }, with: { name: '${{ item }}' } }
        - { id: copy, uses: t.call }
      outputs: { share: '${{ steps.room.share }}' }
    outcomes: { failed: continue }
  - { id: behind, uses: t.call }
  - id: ask
    after: start
    wait: { any: { more: { event: t.ping, key: k, kept: false }, stop: { event: t.pong, key: k } } }
    deadline: { due: 5 days }
    outcomes: { expired: continue }
  - { id: add, after: ask.more, add: { to: offers, item: '${{ steps.ask.n }}' }, outcomes: { done: { back_to: ask, max_rounds: 9, then: continue }, closed: continue } }
  - id: others
    after: start
    each: { in: [1, 2], steps: [{ id: other, uses: t.call }] }
  - { id: side, after: start, wait: { event: t.ping, key: z }, deadline: { due: 9 days }, outcomes: { expired: continue } }
  - { id: finish, after: behind, complete: [others] }
  - { id: withdraw, cancel: [side, ask] }
";

fn stopped() -> Run {
    let mut run = Run::start(STOPPED, json!({}));
    run.keyed("t.ping", "k", json!({ "n": "two" }));
    run.keyed("t.ping", "k", json!({ "n": "three" }));
    run.pass("1 hour");
    let mut late = run.inbound("t.pong", &[], json!({}));
    late.key = Some("other".to_owned());
    late.at = "2026-11-23T08:00:00Z".parse().expect("it is a time");
    run.handle(Input::Event(late)).expect("an event is never refused");
    for at in 0..2 {
        run.done(&format!("offers[{at}].room:1"), json!({ "share": format!("shr_{at}") }));
        run.done(&format!("offers[{at}].copy:1"), json!({}));
    }
    run.done("others[0].other:1", json!({}));
    run.done("behind:1", json!({}));
    run.done("offers[2].room:1", json!({ "share": "shr_2" }));
    run.done("offers[2].copy:1", json!({}));
    for at in [2, 1, 0] {
        run.done(&format!(":release:shr_{at}"), json!({}));
    }
    run
}

const MIGRATED: &str = "\
flow: migrated
version: 1.0.0
inputs: { names: { type: list, of: text, default: [a, b] } }
values: { limit: { type: number, default: 3 } }
steps:
  - { id: room, uses: t.share }
  - id: all
    each:
      in: ${{ inputs.names }}
      steps:
        - id: question
          task: { to: [role:legal] }
          deadline: { due: 5 days }
          outcomes: { declined: { end: refused }, expired: { end: late } }
    outcomes: { failed: continue }
  - id: sign
    after: room
    task: { to: [role:legal], title: Sign it }
    deadline: { due: 5 days, remind: [1 day before] }
    outcomes: { declined: { back_to: sign, max_rounds: 3, then: { end: refused } }, expired: { end: late } }
  - { id: tell, after: [all, sign], uses: t.call }
";

/// The version that the run is moved to.
const MIGRATED_TO: &str = "\
flow: migrated
version: 2.0.0
inputs: { names: { type: list, of: text, default: [a, b] }, note: { type: text, default: new } }
values: { limit: { type: number, default: 4 } }
settings: { rate: { type: number } }
steps:
  - { id: place, uses: t.share }
  - id: all
    each:
      in: ${{ inputs.names }}
      steps:
        - id: query
          task: { to: [role:legal] }
          deadline: { due: 9 days }
          outcomes: { declined: { end: refused }, expired: { end: late } }
        - { id: note, uses: t.call }
    outcomes: { failed: continue }
  - id: seal
    after: place
    task: { to: [role:legal], title: Seal it }
    deadline: { due: 9 days }
    outcomes: { declined: { back_to: seal, max_rounds: 3, then: { end: refused } }, expired: { end: late } }
  - { id: beside, after: start, uses: t.call, with: { n: '${{ settings.rate }}' } }
  - id: told
    after: [all, seal, beside]
    uses: t.call
    with: { limit: '${{ values.limit }}', note: '${{ inputs.note }}', by: '${{ steps.seal.by }}', share: '${{ steps.place.share }}' }
";

/// Somebody answers the task that is open at a step.
fn answer(run: &mut Run, step: &str, by: &str, decision: &str) {
    let open = run.machine.open_tasks();
    let task = open
        .into_iter()
        .find(|task| task.step == step)
        .expect("people are asked there");
    let answer = Decision {
        task: task.id,
        by: format!("user:{by}"),
        on_behalf_of: None,
        decision: decision.to_owned(),
        reason: Some("because".to_owned()),
        sha256: None,
        form: serde_json::Map::new(),
        via: None,
    };
    run.handle(Input::Decide(answer)).expect("it counts");
}

fn migrated() -> Run {
    let mut run = Run::start(MIGRATED, json!({}));
    run.done("room:1", json!({ "share": "shr_1" }));
    for _ in 0..3 {
        run.assign(&["lea"]);
    }
    answer(&mut run, "sign", "lea", "declined");
    run.pass("1 day");
    let names = [("room", "place"), ("question", "query"), ("sign", "seal")];
    let begins = run.migrate(MIGRATED_TO, &names).expect("it can go on so");
    assert_eq!(begins, ["beside"]);
    // the directory is asked about the second round of what was called `sign` under its new name
    run.assign(&["leo"]);
    answer(&mut run, "seal", "leo", "done");
    for index in [0, 1] {
        answer(&mut run, &format!("all[{index}].query"), "lea", "done");
        run.done(&format!("all[{index}].note:1"), json!({}));
    }
    run.done("beside:1", json!({}));
    let given = run.call("told:2").2;
    assert_eq!(
        given,
        json!({ "limit": 3, "note": "new", "by": "user:leo", "share": "shr_1" })
    );
    run.done("told:2", json!({}));
    run.done(":release:shr_1", json!({}));
    run
}

fn scripts() -> Vec<Script> {
    vec![
        ("v1-branches", BRANCHES, branches),
        ("v1-cancelled", CANCELLED, cancelled),
        ("v1-children", CHILDREN, children),
        ("v1-collected", COLLECTED, collected),
        ("v1-stopped", STOPPED, stopped),
        ("v1-elements", ELEMENTS, elements),
        ("v1-migrated", MIGRATED, migrated),
        ("v1-people", PEOPLE, people),
        ("v1-repaired", REPAIRED, repaired),
        ("v1-review", REVIEW, review),
        ("v1-waits", WAITS, waits),
        ("v1-work", WORK, work),
        ("v1-acts", later::ACTS, later::acts),
        ("v1-anew", later::ANEW, later::anew),
        ("v1-asked", later::ASKED, later::asked),
        ("v1-by-hand", later::BY_HAND, later::by_hand),
        ("v1-called", later::CALLED, later::called),
        ("v1-escalated", later::ESCALATED, later::escalated),
        ("v1-displaced", later::DISPLACED, later::displaced),
        ("v1-in-order", later::IN_ORDER, later::in_order),
        ("v1-members", members::MEMBERS, members::members),
        ("v1-onwards", later::ONWARDS, later::onwards),
        ("v1-values", later::VALUES, later::values),
        ("v1-via", via::VIA, via::via),
    ]
}

#[test]
fn every_script_comes_to_its_end_and_its_history_is_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/histories");
    let mut recorded = Vec::new();
    for (name, flow, script) in scripts() {
        let mut run = script();
        assert!(
            matches!(run.machine.status(), RunPhase::Ended { .. }),
            "{name}: {:?}",
            run.work()
        );
        assert!(run.machine.handle(run.now, Input::Wake).is_ok());
        let path = folder.join(format!("{name}.jsonl"));
        if path.exists() {
            continue;
        }
        let lines: String = run
            .journal
            .iter()
            .map(|record| format!("{}\n", json_line(record)))
            .collect();
        fs::write(&path, lines).expect("the history can be written");
        fs::write(path.with_extension("flow.yaml"), flow).expect("the flow can be written");
        if name == "v1-migrated" {
            fs::write(path.with_extension("to.flow.yaml"), MIGRATED_TO).expect("the flow can be written");
        }
        recorded.push(name);
    }
    assert!(
        recorded.is_empty(),
        "recorded {recorded:?}: look at them and commit them"
    );
}

fn json_line(record: &gatefold::engine::EventRecord) -> Value {
    serde_json::to_value(record).expect("it can be written")
}
