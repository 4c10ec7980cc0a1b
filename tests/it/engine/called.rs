//! Ways back to a step that the run has not taken: it begins all the same, and what follows it waits for it.

use super::kit::{Run, task_id};
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::StepPhase::{Active, Finished, NotReached, Pending, Skipped};
use gatefold::engine::{Acting, EventRecord, Input, Reply, RunMachine, TaskAct};
use serde_json::json;

/// `pick` leads to `b` or past it to `c`, whose failure leads back to `b`; `d` is where both end.
fn two_entries(join: &str, way: &str) -> Run {
    Run::start(
        &format!(
            "flow: entries
version: 1.0.0
inputs: {{ way: {{ type: text }} }}
steps:
  - {{ id: first, uses: t.call }}
  - {{ id: pick, choose: [{{ when: inputs.way == 'long', outcome: long }}, {{ otherwise: short }}] }}
  - {{ id: a, uses: t.call, after: pick.long }}
  - {{ id: b, uses: t.call, outcomes: {{ failed: continue }} }}
  - {{ id: c, uses: t.call, after: [b.done, pick.short], join: {join}, outcomes: {{ failed: {{ back_to: b, max_rounds: 3, then: {{ end: no }} }} }} }}
  - {{ id: d, uses: t.call }}
  - {{ id: e, uses: t.call, after: b.failed }}
"
        ),
        json!({ "way": way }),
    )
}

#[test]
fn a_way_back_begins_a_step_that_was_not_taken_and_what_follows_waits_for_it() {
    for join in ["any", "settled", "1"] {
        let mut run = two_entries(join, "short");
        run.done("first:1", json!({}));
        assert_eq!((run.phase("a"), run.phase("b")), (NotReached, NotReached));
        assert_eq!(run.work(), ["c:1"], "{join}");
        run.fail("c:1", Permanent);
        assert_eq!((run.phase("a"), run.phase("c")), (NotReached, Pending), "{join}");
        assert_eq!(run.work(), ["b:2"], "{join}");
        run.done("b:2", json!({}));
        assert_eq!(run.work(), ["c:2"], "{join}");
        run.fail("c:2", Permanent);
        assert_eq!(run.work(), ["b:3"], "{join}");
        run.done("b:3", json!({}));
        run.done("c:3", json!({}));
        assert_eq!(run.work(), ["d:3"], "{join}");
        run.done("d:3", json!({}));
        assert_eq!(run.ended().as_deref(), Some("completed"), "{join}");
        let rounds = ["first", "pick", "a", "b"].map(|id| run.step(id).round);
        assert_eq!(rounds, [1, 1, 1, 3], "{join}");
    }
}

#[test]
fn a_called_step_can_lead_out_of_the_loop() {
    for join in ["any", "settled"] {
        let mut run = two_entries(join, "short");
        run.done("first:1", json!({}));
        run.fail("c:1", Permanent);
        run.fail("b:2", Permanent);
        assert_eq!((run.phase("c"), run.phase("d")), (NotReached, NotReached), "{join}");
        assert_eq!(run.work(), ["e:2"], "{join}");
        run.done("e:2", json!({}));
        assert_eq!(run.ended().as_deref(), Some("completed"), "{join}");
    }
}

#[test]
fn a_step_that_was_taken_is_called_by_nothing() {
    let mut run = two_entries("any", "long");
    run.done("first:1", json!({}));
    run.done("a:1", json!({}));
    run.done("b:1", json!({}));
    run.fail("c:1", Permanent);
    assert_eq!(run.work(), ["b:2"]);
    run.done("b:2", json!({}));
    assert_eq!(run.work(), ["c:2"]);
}

#[test]
fn rounds_of_a_called_step_are_bounded() {
    let mut run = two_entries("any", "short");
    run.done("first:1", json!({}));
    for round in 1..=2 {
        run.fail(&format!("c:{round}"), Permanent);
        run.done(&format!("b:{}", round + 1), json!({}));
    }
    run.fail("c:3", Permanent);
    assert_eq!(run.ended().as_deref(), Some("no"));
    assert_eq!(run.count("went_back"), 2);
}

/// `pick` takes no branch of `inputs`; `c` comes after `x`, or after `b`, and leads back to `b`.
fn beside(b: &str, c: &str) -> Run {
    Run::of(&format!(
        "steps:
  - {{ id: pick, choose: [{{ when: inputs.who == 'nobody', outcome: long }}, {{ otherwise: short }}] }}
  - {{ id: x, uses: t.call, after: pick.short }}
  - {{ id: y, uses: t.call, after: start }}
  - {{ id: b, {b} }}
  - {{ id: c, uses: t.call, {c}, outcomes: {{ failed: {{ back_to: b, max_rounds: 5, then: continue }} }} }}
"
    ))
}

#[test]
fn the_condition_of_a_called_step_counts() {
    let mut run = beside(
        "uses: t.call, after: pick.long, if: inputs.who == 'somebody'",
        "after: [b, x], join: any",
    );
    run.done("x:1", json!({}));
    run.fail("c:1", Permanent);
    assert_eq!((run.phase("b"), run.step("b").round), (Skipped, 2));
    assert_eq!(run.work(), ["y:1", "c:2"], "the flow goes on past it");
}

#[test]
fn a_called_step_waits_for_what_may_still_lead_to_it() {
    for fails in [false, true] {
        let mut run = beside(
            "uses: t.call, after: [pick.short, y], join: all",
            "after: [b, x], join: any",
        );
        run.done("x:1", json!({}));
        run.fail("c:1", Permanent);
        assert_eq!((run.phase("b"), run.phase("c")), (Pending, Pending));
        assert_eq!(run.work(), ["y:1"]);
        if fails {
            // an administrator has to look, and goes on past nothing
            run.fail("y:1", Permanent);
            assert_eq!(run.phase("b"), Pending);
            run.skip("y").expect("it is skipped");
        } else {
            run.done("y:1", json!({}));
        }
        assert_eq!(run.work(), ["b:2"]);
        run.done("b:2", json!({}));
        assert_eq!(run.work(), ["c:2"]);
    }
}

#[test]
fn a_called_step_begins_when_what_may_still_lead_to_it_does_not() {
    let mut run = beside(
        "uses: t.call, after: [pick.long, y], join: 2",
        "after: [b, x], join: any",
    );
    run.done("x:1", json!({}));
    run.fail("c:1", Permanent);
    assert_eq!(
        run.work(),
        ["y:1", "b:2"],
        "nothing of it is open: two can no longer arrive"
    );
    let mut run = beside(
        "uses: t.call, after: [pick.long, y.failed], join: any",
        "after: [b, x], join: any",
    );
    run.done("x:1", json!({}));
    run.fail("c:1", Permanent);
    assert_eq!(run.work(), ["y:1"]);
    run.done("y:1", json!({}));
    assert_eq!(run.work(), ["b:2"]);
}

#[test]
fn of_a_number_one_arrives_anew() {
    let mut run = beside("uses: t.call, after: pick.long", "after: [x, y, b], join: 2");
    run.done("x:1", json!({}));
    run.done("y:1", json!({}));
    run.fail("c:1", Permanent);
    assert_eq!(run.work(), ["b:2"]);
    run.done("b:2", json!({}));
    assert_eq!(run.work(), ["c:2"]);
}

#[test]
fn who_waits_for_all_counts_what_has_arrived() {
    let mut run = Run::of(
        "steps:
  - { id: pick, choose: [{ when: inputs.who == 'nobody', outcome: long }, { otherwise: short }] }
  - { id: y, uses: t.call, after: start }
  - { id: b, uses: t.call, after: pick.long }
  - { id: d, uses: t.call, after: [b, y] }
  - { id: c, uses: t.call, after: [d, pick.short], join: any, outcomes: { failed: { back_to: b, max_rounds: 5, then: continue } } }
",
    );
    run.done("y:1", json!({}));
    assert_eq!((run.phase("b"), run.phase("d")), (NotReached, NotReached));
    run.fail("c:1", Permanent);
    assert_eq!(run.work(), ["b:2"]);
    run.done("b:2", json!({}));
    assert_eq!(run.work(), ["d:2"]);
    run.done("d:2", json!({}));
    assert_eq!(run.work(), ["c:2"]);
}

#[test]
fn what_follows_a_called_step_and_never_begins_ends_the_run() {
    // `d` wants `z` too, which was not taken either
    let mut run = Run::of(
        "steps:
  - { id: pick, choose: [{ when: inputs.who == 'nobody', outcome: long }, { otherwise: short }] }
  - { id: z, uses: t.call, after: pick.long }
  - { id: b, uses: t.call, after: pick.long }
  - { id: d, uses: t.call, after: [b, z] }
  - { id: c, uses: t.call, after: [d, pick.short], join: any, outcomes: { failed: { back_to: b, max_rounds: 5, then: continue } } }
",
    );
    run.fail("c:1", Permanent);
    run.done("b:2", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
    assert_eq!((run.phase("d"), run.phase("c")), (NotReached, NotReached));
}

/// A round from `begin` on decides anew which way is taken.
#[test]
fn a_round_of_what_comes_before_undoes_the_call() {
    let mut run = Run::of(
        "steps:
  - { id: begin, uses: t.call, after: start, outcomes: { failed: continue } }
  - { id: x, uses: t.call, after: start }
  - { id: b, uses: t.call, after: begin.failed }
  - { id: c, uses: t.call, after: [b, x], join: any, outcomes: { failed: { back_to: b, max_rounds: 2, then: { back_to: begin, max_rounds: 3, then: { end: no } } } } }
",
    );
    run.done("begin:1", json!({}));
    run.done("x:1", json!({}));
    run.fail("c:1", Permanent);
    assert_eq!(run.work(), ["b:2"], "it is called");
    run.done("b:2", json!({}));
    run.fail("c:2", Permanent);
    // nothing calls `b` now, and `x` counts for `c` as it did before
    assert_eq!(run.work(), ["begin:2", "c:3"]);
    run.done("begin:2", json!({}));
    assert_eq!(run.phase("b"), NotReached);
}

/// The run with a task that a way back has called, answered.
fn called_task() -> Run {
    let mut run = beside(
        "after: pick.long, task: { to: [role:legal], allow: [redo] }, deadline: none, outcomes: { declined: { end: no } }",
        "after: [b, x], join: any",
    );
    run.done("x:1", json!({}));
    run.fail("c:1", Permanent);
    run.assign(&["lea"]);
    run.decide("lea", "done").expect("it counts");
    assert_eq!(run.work(), ["y:1", "c:2"]);
    run
}

#[test]
fn a_called_step_is_done_again_by_people_too() {
    let mut run = called_task();
    let redo = Input::Act(Acting {
        task: task_id("b", 2),
        by: "user:lea".to_owned(),
        admin: false,
        act: TaskAct::Redo {
            reason: "wrong shelf".to_owned(),
        },
    });
    assert_eq!(run.handle(redo), Ok(Reply::Accepted));
    assert_eq!((run.phase("b"), run.phase("c")), (Active, Pending));
    assert_eq!(run.step("b").round, 3);
    run.assign(&["lea"]);
    run.decide("lea", "done").expect("it counts");
    assert_eq!(run.work(), ["y:1", "c:3"]);
}

/// The flow of [`called_task`], of which `x` is the only other step.
const MOVED: &str = "flow: moved
version: 1.0.0
steps:
  - { id: pick, choose: [{ when: 1 > 2, outcome: long }, { otherwise: short }] }
  - { id: a, uses: t.call, after: pick.long }
  - { id: b, task: { to: [role:legal] }, deadline: none, because: so, outcomes: { declined: { end: no } } }
  - { id: c, uses: t.call, after: [b, pick.short], join: any, outcomes: { failed: { back_to: b, max_rounds: 5, then: continue } } }
";

#[test]
fn a_run_moves_while_a_called_step_is_under_way_and_after_it() {
    let new = MOVED.replace("1.0.0", "2.0.0");
    let mut run = Run::start(MOVED, json!({}));
    run.fail("c:1", Permanent);
    run.assign(&["lea"]);
    assert_eq!(run.migrate(&new, &[]), Ok(Vec::new()));
    run.decide("lea", "done").expect("it counts");
    assert_eq!(run.work(), ["c:2"]);
    let newer = new
        .replace("2.0.0", "3.0.0")
        .replace("id: b,", "id: review,")
        .replace("[b,", "[review,");
    let newer = newer.replace("back_to: b", "back_to: review");
    assert_eq!(run.migrate(&newer, &[("b", "review")]), Ok(Vec::new()));
    assert_eq!((run.phase("review"), run.work()), (Finished, vec!["c:2".to_owned()]));
    run.fail("c:2", Permanent);
    assert_eq!(run.phase("review"), Active);
}

#[test]
fn a_run_stays_where_the_other_version_calls_another_step() {
    let new = MOVED.replace("1.0.0", "2.0.0").replace("back_to: b", "back_to: a");
    let mut run = Run::start(MOVED, json!({}));
    run.fail("c:1", Permanent);
    run.assign(&["lea"]);
    let refused = run.migrate(&new, &[]).expect_err("it goes back elsewhere");
    assert!(!refused.is_empty());
}

#[test]
fn inside_an_each_too_a_way_back_begins_what_was_not_taken() {
    let mut run = Run::start(
        "flow: elements
version: 1.0.0
inputs: { all: { type: list, of: integer } }
steps:
  - id: all
    each:
      in: ${{ inputs.all }}
      steps:
        - { id: pick, choose: [{ when: item > 5, outcome: long }, { otherwise: short }] }
        - { id: b, uses: t.call, after: pick.long }
        - { id: c, uses: t.call, after: [b, pick.short], join: any, outcomes: { failed: { back_to: b, max_rounds: 5, then: continue } } }
",
        json!({ "all": [1, 9] }),
    );
    assert_eq!(run.work(), ["all[0].c:1", "all[1].b:1"]);
    run.fail("all[0].c:1", Permanent);
    assert_eq!(run.work(), ["all[0].b:2", "all[1].b:1"]);
    run.done("all[0].b:2", json!({}));
    assert_eq!(run.work(), ["all[0].c:2", "all[1].b:1"]);
}

/// What an earlier version wrote: what followed the target of a way back began at once, because it had been reached.
#[test]
fn a_journal_from_before_steps_were_called_is_replayed_as_it_was() {
    let mut run = two_entries("any", "short");
    run.done("first:1", json!({}));
    let scheduled = run.journal.last().expect("c is called").event.clone();
    run.fail("c:1", Permanent);
    let text = serde_json::to_string(&scheduled).expect("it can be written");
    let event = serde_json::from_str(&text.replace("\"round\":1", "\"round\":2")).expect("it can be read");
    let back = run.types().iter().position(|kind| kind == "went_back");
    let mut journal = run.journal[..=back.expect("it went back")].to_vec();
    let last = journal.last().expect("there are some").clone();
    journal.push(EventRecord {
        seq: last.seq + 1,
        event,
        ..last
    });
    let machine = RunMachine::replay(run.plan, &journal).expect("it is a journal");
    let keys: Vec<String> = machine
        .outstanding()
        .into_iter()
        .map(|work| work.key().0.clone())
        .collect();
    assert_eq!(keys, ["run_1:c:2"]);
}

/// `sign` comes after either of two branches or past both, and each of its other answers leads back to one of them;
/// `send` leads back to it.
fn two_called() -> Run {
    let mut run = Run::of(
        "steps:
  - { id: pick, choose: [{ when: inputs.who == 'one', outcome: one }, { when: inputs.who == 'two', outcome: two }, { otherwise: short }] }
  - { id: b1, uses: t.call, after: pick.one }
  - { id: b2, uses: t.call, after: pick.two }
  - id: sign
    after: [b1, b2, pick.short]
    join: any
    task: { to: [role:legal], allow: [redo] }
    deadline: { due: 2 days }
    outcomes: { declined: { back_to: b1, max_rounds: 5, then: { end: no } }, expired: { back_to: b2, max_rounds: 5, then: { end: no } } }
  - { id: send, uses: t.call, outcomes: { failed: { back_to: sign, max_rounds: 5, then: { end: no } } } }
",
    );
    run.assign(&["lea"]);
    run.decide("lea", "declined").expect("it counts");
    run.done("b1:2", json!({}));
    run.assign(&["lea"]);
    run.wake_after("3 days");
    assert_eq!(run.work(), ["b2:2"], "not beside it");
    run.done("b2:2", json!({}));
    run.assign(&["lea"]);
    run.decide("lea", "done").expect("it counts");
    assert_eq!(run.work(), ["send:3"]);
    run
}

#[test]
fn what_a_way_back_leads_to_begins_after_two_called_steps() {
    let mut run = two_called();
    run.fail("send:3", Permanent);
    assert_eq!((run.phase("sign"), run.phase("send")), (Active, Pending));
    assert_eq!(run.work(), ["sign:4:assign:1"]);
}

#[test]
fn what_people_have_done_again_begins_after_two_called_steps() {
    let mut run = two_called();
    let redo = Input::Act(Acting {
        task: task_id("sign", 3),
        by: "user:lea".to_owned(),
        admin: false,
        act: TaskAct::Redo {
            reason: "wrong shelf".to_owned(),
        },
    });
    assert_eq!(run.handle(redo), Ok(Reply::Accepted));
    assert_eq!((run.phase("sign"), run.phase("send")), (Active, Pending));
    assert_eq!(run.work(), ["sign:4:assign:1"]);
}

#[test]
fn what_a_way_back_leads_to_begins_where_the_called_step_led_elsewhere() {
    let mut run = Run::of(
        "steps:
  - { id: pick, choose: [{ when: inputs.who == 'nobody', outcome: long }, { otherwise: short }] }
  - { id: b, uses: t.call, after: pick.long, outcomes: { failed: continue } }
  - { id: c, uses: t.call, after: [b.done, pick.short], join: any, outcomes: { failed: { back_to: b, max_rounds: 5, then: continue } } }
  - { id: d, uses: t.call, after: [b.failed, c.done], join: any, outcomes: { failed: { back_to: c, max_rounds: 5, then: continue } } }
",
    );
    run.fail("c:1", Permanent);
    run.fail("b:2", Permanent);
    assert_eq!(run.work(), ["d:2"]);
    run.fail("d:2", Permanent);
    assert_eq!((run.phase("c"), run.phase("d")), (Active, Pending));
    assert_eq!(run.work(), ["c:3"]);
}
