//! How many predecessors a step takes, and what dead edges make of it.

use super::kit::Run;
use gatefold::engine::StepPhase::{Active, Finished, NotReached, Pending, Skipped};
use serde_json::json;

/// Three branches of which each may come to `yes` or `no`, and a join of their `yes`.
fn joined(join: &str) -> Run {
    Run::of(&format!(
        "steps:
  - {{ id: a, uses: t.call, after: start }}
  - {{ id: b, uses: t.call, after: start }}
  - {{ id: c, uses: t.call, after: start }}
  - {{ id: fa, uses: t.call, after: a.failed }}
  - {{ id: fb, uses: t.call, after: b.failed }}
  - {{ id: fc, uses: t.call, after: c.failed }}
  - {{ id: j, uses: t.call, after: [a, b, c], join: {join} }}
  - {{ id: k, uses: t.call, after: j }}
"
    ))
}

fn yes(run: &mut Run, step: &str) {
    run.done(&format!("{step}:1"), json!({}));
}

fn no(run: &mut Run, step: &str) {
    run.fail(&format!("{step}:1"), gatefold::engine::FailureKind::Permanent);
}

#[test]
fn all_takes_every_one() {
    let mut run = joined("all");
    yes(&mut run, "a");
    yes(&mut run, "c");
    assert_eq!(run.phase("j"), Pending);
    yes(&mut run, "b");
    assert_eq!(run.phase("j"), Active);
}

#[test]
fn all_is_out_of_reach_with_the_first_dead_edge_and_so_is_what_follows() {
    let mut run = joined("all");
    yes(&mut run, "a");
    no(&mut run, "b");
    assert_eq!((run.phase("j"), run.phase("k")), (NotReached, NotReached));
    // The others still run.
    assert_eq!(run.work(), ["c:1", "fb:1"]);
}

#[test]
fn any_takes_the_first_and_absorbs_the_rest() {
    let mut run = joined("any");
    no(&mut run, "a");
    assert_eq!(run.phase("j"), Pending);
    yes(&mut run, "b");
    assert_eq!(run.phase("j"), Active);
    run.done("j:1", json!({}));
    yes(&mut run, "c");
    assert_eq!(run.phase("j"), Finished);
    assert_eq!(run.step("j").round, 1);
}

#[test]
fn any_is_out_of_reach_when_every_edge_is_dead() {
    let mut run = joined("any");
    for step in ["a", "b", "c"] {
        assert_eq!(run.phase("j"), Pending);
        no(&mut run, step);
    }
    assert_eq!((run.phase("j"), run.phase("k")), (NotReached, NotReached));
}

#[test]
fn a_number_takes_that_many() {
    let mut run = joined("2");
    yes(&mut run, "a");
    no(&mut run, "b");
    assert_eq!(run.phase("j"), Pending);
    yes(&mut run, "c");
    assert_eq!(run.phase("j"), Active);
}

#[test]
fn a_number_is_out_of_reach_when_too_many_edges_are_dead() {
    let mut run = joined("2");
    no(&mut run, "a");
    no(&mut run, "b");
    assert_eq!(run.phase("j"), NotReached);
    assert_eq!(run.phase("c"), Active);
}

#[test]
fn settled_waits_for_whatever_can_still_arrive() {
    let mut run = joined("settled");
    yes(&mut run, "a");
    no(&mut run, "b");
    assert_eq!(run.phase("j"), Pending);
    no(&mut run, "c");
    assert_eq!(run.phase("j"), Active);
}

#[test]
fn settled_is_out_of_reach_when_nothing_arrived() {
    let mut run = joined("settled");
    for step in ["a", "b", "c"] {
        no(&mut run, step);
    }
    assert_eq!(run.phase("j"), NotReached);
}

#[test]
fn a_skipped_step_lets_the_flow_past_but_has_no_outcome() {
    let run = Run::of(
        "steps:
  - { id: a, uses: t.call, if: 1 == 2 }
  - { id: b, uses: t.call, after: a }
  - { id: c, uses: t.call, after: a.done }
",
    );
    assert_eq!(
        (run.phase("a"), run.phase("b"), run.phase("c")),
        (Skipped, Active, NotReached)
    );
}

#[test]
fn steps_follow_each_other_and_start_stands_for_nothing_before() {
    let mut run = Run::of(
        "steps:
  - { id: a, uses: t.call }
  - { id: b, uses: t.call }
  - { id: c, uses: t.call, after: start }
",
    );
    assert_eq!(run.work(), ["a:1", "c:1"]);
    run.done("a:1", json!({}));
    assert_eq!(run.work(), ["b:1", "c:1"]);
    run.done("c:1", json!({}));
    assert_eq!(run.ended(), None);
    run.done("b:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}
