//! An `each` that takes more elements while it is under way, is done by a condition, or is gone on past.

use super::kit::Run;
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::StepPhase::{Active, Finished, Incident, NotReached, Pending};
use serde_json::json;

/// Elements may be added by `more` until `stop` says that there will be none.
fn open(rest: &str) -> Run {
    Run::of(&format!(
        "outputs: {{ results: \"${{{{ steps.e.results }}}}\" }}
steps:
  - id: e
    each:
      in: [x]
      {rest}
      steps: [{{ id: a, uses: t.call, with: {{ item: \"${{{{ item }}}}\" }}, outcomes: {{ failed: {{ end: bad }} }} }}]
      outputs: {{ n: \"${{{{ steps.a.n }}}}\" }}
    outcomes: {{ failed: continue }}
  - {{ id: b, uses: t.call }}
  - {{ id: ask, after: start, wait: {{ any: {{ more: {{ event: t.ping, on: k }}, stop: {{ event: t.pong, on: k }} }} }}, deadline: {{ due: 5 days }}, outcomes: {{ expired: continue }} }}
  - {{ id: more, after: ask.more, add: {{ to: e, item: \"${{{{ steps.ask.n }}}}\" }}, outcomes: {{ done: {{ back_to: ask, max_rounds: 20, then: continue }}, closed: continue }} }}
"
    ))
}

fn more(run: &mut Run, n: u32) {
    run.event("t.ping", &["k"], json!({ "n": n }));
}

#[test]
fn elements_are_added_until_no_step_can_add_another() {
    let mut run = open("");
    more(&mut run, 7);
    assert_eq!(run.call("e[1].a:1").2, json!({ "item": 7 }));
    run.done("e[1].a:1", json!({ "n": 1 }));
    run.done("e[0].a:1", json!({ "n": 0 }));
    assert_eq!((run.phase("e"), run.phase("b")), (Active, Pending), "more may come");
    more(&mut run, 8);
    run.event("t.pong", &["k"], json!({}));
    assert_eq!((run.phase("more"), run.phase("e")), (NotReached, Active));
    run.done("e[2].a:1", json!({ "n": 2 }));
    assert_eq!(run.work(), ["b:1"]);
    run.done("b:1", json!({}));
    let results = run.machine.outputs().expect("it has ended")["results"].clone();
    assert_eq!(
        results[2],
        json!({ "index": 2, "item": 8, "status": "completed", "n": 2 })
    );
}

#[test]
fn an_each_with_nothing_in_it_waits_for_what_may_be_added_and_then_is_done() {
    let mut run = Run::of(
        "steps:
  - { id: e, each: { in: [], steps: [{ id: a, uses: t.call }] } }
  - { id: ask, uses: t.call, after: start, outcomes: { failed: continue } }
  - { id: more, after: ask.done, add: { to: e, item: 1 }, outcomes: { closed: continue } }
",
    );
    assert_eq!(run.phase("e"), Active);
    run.fail("ask:1", Permanent);
    assert_eq!((run.phase("e"), run.ended().as_deref()), (Finished, Some("completed")));
}

#[test]
fn one_that_ended_otherwise_decides_although_more_may_come() {
    let mut run = open("");
    run.fail("e[0].a:1", Permanent);
    assert_eq!(run.outcome("e").as_deref(), Some("failed"));
    more(&mut run, 7);
    assert_eq!(run.outcome("more").as_deref(), Some("closed"));
}

#[test]
fn an_element_for_an_each_that_has_not_begun_is_an_incident() {
    let mut run = Run::of(
        "steps:
  - { id: first, uses: t.call }
  - { id: e, each: { in: [], steps: [{ id: a, uses: t.call }] } }
  - { id: more, after: start, add: { to: e, item: 1 }, outcomes: { closed: continue } }
",
    );
    assert_eq!(run.phase("more"), Incident);
    run.done("first:1", json!({}));
    run.retry("more").expect("it has an incident");
    assert_eq!(run.work(), ["e[0].a:1"]);
}

#[test]
fn a_condition_on_the_results_so_far_is_enough() {
    let mut run = open("until: results | map(attribute='n') | sum >= 10");
    more(&mut run, 7);
    run.done("e[0].a:1", json!({ "n": 4 }));
    assert_eq!(run.phase("e"), Active);
    run.done("e[1].a:1", json!({ "n": 6 }));
    assert_eq!(run.outcome("e").as_deref(), Some("done"));
}

/// It is looked at again when another element has completed.
#[test]
fn a_condition_that_has_no_value_yet_does_not_hold_yet() {
    let mut run = open("until: results[1].n > 5");
    more(&mut run, 7);
    run.done("e[0].a:1", json!({ "n": 7 }));
    assert_eq!(run.phase("e"), Active);
    run.done("e[1].a:1", json!({ "n": 7 }));
    assert_eq!(run.outcome("e").as_deref(), Some("done"));
}

#[test]
fn what_was_added_stays_when_all_of_it_is_done_again() {
    let mut run = Run::of(
        "steps:
  - id: e
    each:
      in: [x]
      steps: [{ id: a, uses: t.call, with: { item: \"${{ item }}\" }, outcomes: { failed: { end: bad } } }]
  - { id: more, after: start, add: { to: e, item: y }, outcomes: { closed: continue } }
",
    );
    run.fail("e[1].a:1", Permanent);
    for round in 2..4 {
        assert_eq!(run.phase("e"), Incident);
        run.retry("e").expect("it has an incident");
        assert_eq!(run.call(&format!("e#{round}[0].a:1")).2, json!({ "item": "x" }));
        assert_eq!(run.call(&format!("e#{round}[1].a:1")).2, json!({ "item": "y" }));
        run.done(&format!("e#{round}[1].a:1"), json!({}));
        assert!(!run.work().contains(&format!("e#{round}[2].a:1")), "each of them once");
        if round < 3 {
            run.fail(&format!("e#{round}[0].a:1"), Permanent);
        }
    }
    run.done("e#3[0].a:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

/// Three elements of which one is enough, and a step behind.
fn passing(rest: &str) -> Run {
    Run::of(&format!(
        "outputs: {{ results: \"${{{{ steps.e.results }}}}\" }}
steps:
  - id: e
    each:
      in: [x, y, z]
      parallel: 2
      join: any
      rest: continue
      steps: [{{ id: a, uses: t.share, outcomes: {{ failed: {{ end: bad }} }} }}]
    outcomes: {{ {rest} }}
  - {{ id: b, uses: t.call }}
  - {{ id: stop, after: b, cancel: [e] }}
"
    ))
}

#[test]
fn elements_go_on_and_nobody_waits_for_them() {
    let mut run = passing("failed: continue");
    run.done("e[1].a:1", json!({ "share": "shr_1" }));
    assert_eq!(run.count("each_passed"), 1);
    assert_eq!(
        (run.phase("e"), run.work()),
        (Active, vec!["b:1".into(), "e[0].a:1".into(), "e[2].a:1".into()])
    );
    run.fail("e[0].a:1", Permanent);
    run.done("e[2].a:1", json!({ "share": "shr_2" }));
    assert_eq!((run.phase("e"), run.outcome("e").as_deref()), (Finished, Some("done")));
    run.done("b:1", json!({}));
    assert_eq!(run.output("stop"), json!({ "cancelled": [] }));
    run.done(":release:shr_2", json!({}));
    run.done(":release:shr_1", json!({}));
    let results = run.machine.outputs().expect("it has ended")["results"].clone();
    assert_eq!(
        results[2]["status"], "running",
        "results are those of when it was decided"
    );
}

#[test]
fn what_goes_on_can_still_be_cancelled_and_keeps_its_outcome() {
    let mut run = passing("failed: continue");
    run.done("e[1].a:1", json!({ "share": "shr_1" }));
    run.done("b:1", json!({}));
    assert_eq!((run.phase("e"), run.outcome("e").as_deref()), (Finished, Some("done")));
    assert_eq!(run.output("stop"), json!({ "cancelled": ["e"] }));
}

#[test]
fn an_earlier_round_that_was_gone_past_is_among_the_rounds() {
    let mut run = Run::of(
        "steps:
  - id: e
    each: { in: [x, y], join: any, rest: continue, steps: [{ id: a, uses: t.call, outcomes: { failed: { end: bad } } }] }
    outcomes: { failed: continue }
  - { id: b, uses: t.call, outcomes: { failed: { back_to: e, max_rounds: 2, then: continue } } }
  - { id: c, uses: t.call, with: { rounds: \"${{ steps.e.rounds }}\" } }
",
    );
    run.done("e[0].a:1", json!({}));
    run.fail("b:1", Permanent);
    run.done("e#2[1].a:1", json!({}));
    run.done("b:2", json!({}));
    let rounds = run.call("c:2").2["rounds"].clone();
    assert_eq!(rounds.as_array().map(Vec::len), Some(1), "{rounds}");
    assert_eq!(
        (&rounds[0]["outcome"], &rounds[0]["results"][0]["status"]),
        (&json!("done"), &json!("completed"))
    );
}

#[test]
fn an_end_ends_what_goes_on_as_well() {
    let mut run = passing("failed: continue, done: { end: enough }");
    run.done("e[1].a:1", json!({ "share": "shr_1" }));
    assert_eq!(run.closing().as_deref(), Some("enough"));
}
