//! Elements in order: each step takes them one at a time, the first that it is not through with first.

use super::kit::Run;
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::StepPhase::{self, Active, Finished, Incident, Pending};
use gatefold::engine::{Acting, Event, Input, TaskAct, Work};
use gatefold::spec::limits::MAX_ELEMENTS;
use serde_json::json;

/// Three elements with these steps.
fn three(steps: &str) -> Run {
    of("[x, y, z]", "", steps)
}

fn of(list: &str, more: &str, steps: &str) -> Run {
    Run::of(&format!(
        "steps:
  - id: e
    each:
      in: {list}
      in_order: true
      join: settled
      {more}
      steps:
{steps}    outcomes: {{ failed: continue }}
"
    ))
}

/// How a step of an element stands.
fn phase(run: &Run, step: &str) -> StepPhase {
    run.machine.step(step).expect("the element is under way").phase
}

fn yes(run: &mut Run, step: &str) {
    run.done(&format!("{step}:1"), json!({}));
}

const TWO: &str = "        - { id: a, uses: t.call, outcomes: { failed: { end: bad } } }
        - { id: b, uses: t.call, outcomes: { failed: { end: bad } } }
";

#[test]
fn each_step_takes_one_at_a_time_and_several_are_under_way() {
    let mut run = three(TWO);
    assert_eq!(run.work(), ["e[0].a:1"]);
    assert_eq!((phase(&run, "e[1].a"), phase(&run, "e[2].a")), (Pending, Pending));
    yes(&mut run, "e[0].a");
    assert_eq!(run.work(), ["e[0].b:1", "e[1].a:1"]);
    yes(&mut run, "e[1].a");
    assert_eq!(run.work(), ["e[0].b:1", "e[2].a:1"], "the first is at b still");
    yes(&mut run, "e[2].a");
    assert_eq!(run.work(), ["e[0].b:1"]);
    yes(&mut run, "e[0].b");
    assert_eq!(run.work(), ["e[1].b:1"]);
    yes(&mut run, "e[1].b");
    assert_eq!(run.work(), ["e[2].b:1"]);
    yes(&mut run, "e[2].b");
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn no_more_than_parallel_are_under_way() {
    let mut run = of("[x, y, z]", "parallel: 2", TWO);
    yes(&mut run, "e[0].a");
    yes(&mut run, "e[1].a");
    assert_eq!(run.work(), ["e[0].b:1"], "the third has not begun");
    yes(&mut run, "e[0].b");
    assert_eq!(run.work(), ["e[1].b:1", "e[2].a:1"]);
}

/// The first element goes by a longer way to `c`, or not at all.
const WAYS: &str = "        - { id: way, choose: [{ when: 'index == 0', outcome: long }, { otherwise: short }] }
        - { id: long, after: way.long, uses: t.call }
        - { id: c, after: [long.done, way.short], join: any, uses: t.call, outcomes: { failed: continue } }
";

#[test]
fn a_later_element_that_is_ready_first_waits() {
    let mut run = three(WAYS);
    assert_eq!(run.work(), ["e[0].long:1"]);
    assert_eq!((phase(&run, "e[0].c"), phase(&run, "e[1].c")), (Pending, Pending));
    yes(&mut run, "e[0].long");
    assert_eq!(run.work(), ["e[0].c:1"]);
    yes(&mut run, "e[0].c");
    assert_eq!(run.work(), ["e[1].c:1"]);
}

#[test]
fn an_element_that_cannot_reach_the_step_passes_its_turn_on() {
    let mut run = three(&WAYS.replace("uses: t.call }", "uses: t.call, outcomes: { failed: continue } }"));
    run.fail("e[0].long:1", Permanent);
    assert_eq!(run.work(), ["e[1].c:1"]);
}

/// `c` begins at the first of two arrivals.
const FIRST: &str = "        - { id: a, after: start, uses: t.call }
        - { id: b, after: start, uses: t.call, outcomes: { failed: continue } }
        - { id: c, after: [a, b.done], join: any, uses: t.call }
";

#[test]
fn what_arrives_late_belongs_to_the_element_before() {
    let mut run = three(FIRST);
    yes(&mut run, "e[0].a");
    yes(&mut run, "e[0].c");
    yes(&mut run, "e[1].a");
    assert_eq!(run.work(), ["e[0].b:1", "e[2].a:1"], "c waits for the late arrival");
    assert_eq!((phase(&run, "e[0].c"), phase(&run, "e[1].c")), (Finished, Pending));
    yes(&mut run, "e[0].b");
    assert_eq!(run.work(), ["e[1].b:1", "e[1].c:1", "e[2].a:1"]);
}

#[test]
fn what_will_not_arrive_is_not_waited_for() {
    let mut run = three(FIRST);
    yes(&mut run, "e[0].a");
    yes(&mut run, "e[0].c");
    yes(&mut run, "e[1].a");
    run.fail("e[0].b:1", Permanent);
    assert_eq!(run.work(), ["e[1].b:1", "e[1].c:1", "e[2].a:1"]);
}

#[test]
fn an_element_that_goes_back_waits_for_who_is_there_and_comes_before_the_others() {
    let mut run = three(
        "        - { id: a, uses: t.call }
        - { id: b, uses: t.call, outcomes: { failed: { back_to: a, max_rounds: 3, then: continue } } }
",
    );
    yes(&mut run, "e[0].a");
    run.fail("e[0].b:1", Permanent);
    assert_eq!(run.work(), ["e[1].a:1"], "a is at the second");
    assert_eq!(phase(&run, "e[0].a"), Pending);
    yes(&mut run, "e[1].a");
    assert_eq!(run.work(), ["e[0].a:2"], "before the third, and b is still the first's");
    assert_eq!((phase(&run, "e[1].b"), phase(&run, "e[2].a")), (Pending, Pending));
    run.done("e[0].a:2", json!({}));
    assert_eq!(run.work(), ["e[0].b:2", "e[2].a:1"]);
    run.done("e[0].b:2", json!({}));
    assert_eq!(run.work(), ["e[1].b:1", "e[2].a:1"]);
}

#[test]
fn a_way_back_that_jumps_over_elements_stops_nobody_for_ever() {
    let mut run = three(
        "        - { id: a, uses: t.call }
        - { id: b, uses: t.call }
        - { id: c, uses: t.call, outcomes: { failed: { back_to: a, max_rounds: 3, then: continue } } }
",
    );
    for step in ["e[0].a", "e[0].b", "e[1].a", "e[1].b"] {
        yes(&mut run, step);
    }
    assert_eq!(run.work(), ["e[0].c:1", "e[2].a:1"]);
    run.fail("e[0].c:1", Permanent);
    yes(&mut run, "e[2].a");
    assert_eq!(
        run.work(),
        ["e[0].a:2"],
        "b has not begun with the third and is the first's again"
    );
    run.done("e[0].a:2", json!({}));
    assert_eq!(run.work(), ["e[0].b:2"]);
    run.done("e[0].b:2", json!({}));
    assert_eq!(run.work(), ["e[0].c:2", "e[2].b:1"]);
    run.done("e[0].c:2", json!({}));
    assert_eq!(run.work(), ["e[1].c:1", "e[2].b:1"]);
    yes(&mut run, "e[1].c");
    yes(&mut run, "e[2].b");
    yes(&mut run, "e[2].c");
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn what_is_done_again_waits_for_its_turn() {
    let mut run = of(
        "[x, y]",
        "",
        "        - { id: a, task: { to: [role:legal], allow: [redo] }, deadline: { due: 2 days }, outcomes: { declined: { end: no }, expired: { end: late } } }
        - { id: b, uses: t.call }
",
    );
    run.assign(&["lea"]);
    let first = run.task("e[0].a").id;
    run.decide("lea", "done").expect("it counts");
    assert_eq!(run.work(), ["e[0].b:1", "e[1].a:1:assign:1"]);
    run.assign(&["lou"]);
    let acting = Acting {
        task: first,
        by: "user:lea".to_owned(),
        admin: false,
        act: TaskAct::Redo {
            reason: "I took the wrong one".to_owned(),
        },
    };
    run.handle(Input::Act(acting)).expect("it may be done again");
    assert_eq!((phase(&run, "e[0].a"), phase(&run, "e[1].a")), (Pending, Active));
    run.decide("lou", "done").expect("it counts");
    assert_eq!(phase(&run, "e[0].a"), Active);
    assert_eq!(run.machine.step("e[0].a").expect("it is under way").round, 2);
    assert_eq!(phase(&run, "e[1].b"), Pending, "b is at the first still, or again");
}

#[test]
fn an_element_that_ends_in_the_middle_is_through_everywhere() {
    let mut run = three(
        "        - { id: stop, after: start, uses: t.call, outcomes: { failed: { end: bad } } }
        - { id: a, after: start, uses: t.call }
        - { id: b, after: a, uses: t.call }
",
    );
    yes(&mut run, "e[0].a");
    assert_eq!(run.work(), ["e[0].stop:1", "e[0].b:1", "e[1].a:1"]);
    run.fail("e[0].stop:1", Permanent);
    assert_eq!(run.work(), ["e[1].stop:1", "e[1].a:1"]);
    yes(&mut run, "e[1].a");
    run.fail("e[1].stop:1", Permanent);
    assert_eq!(run.work(), ["e[2].stop:1", "e[2].a:1"]);
}

#[test]
fn a_step_that_is_withdrawn_passes_its_turn_on() {
    let mut run = three(
        "        - { id: go, after: start, uses: t.call }
        - { id: stop, after: go, cancel: [a] }
        - { id: a, after: start, uses: t.call }
        - { id: b, after: [a, go], join: settled, uses: t.call }
",
    );
    assert_eq!(run.work(), ["e[0].go:1", "e[0].a:1"]);
    yes(&mut run, "e[0].go");
    assert_eq!(run.work(), ["e[0].b:1", "e[1].go:1", "e[1].a:1"]);
}

#[test]
fn an_incident_keeps_the_turn_until_it_is_settled() {
    let mut run = three("        - { id: a, uses: t.call }\n        - { id: b, if: 'item.size > 1', uses: t.call }\n");
    run.fail("e[0].a:1", Permanent);
    assert_eq!((phase(&run, "e[0].a"), phase(&run, "e[1].a")), (Incident, Pending));
    assert_eq!(run.work(), [""; 0]);
    run.skip("e[0].a").expect("it can be skipped");
    assert_eq!((phase(&run, "e[0].b"), phase(&run, "e[1].a")), (Incident, Active));
    yes(&mut run, "e[1].a");
    assert_eq!((phase(&run, "e[0].b"), phase(&run, "e[1].b")), (Incident, Pending));
    run.skip("e[0].b").expect("it can be skipped");
    assert_eq!(
        phase(&run, "e[1].b"),
        Incident,
        "it has its turn, and is looked at only now"
    );
}

#[test]
fn a_deadline_counts_from_when_the_step_has_its_turn() {
    let mut run = of(
        "[x, y]",
        "",
        "        - { id: a, task: { to: [role:records] }, deadline: { due: 2 days }, outcomes: { declined: continue, expired: continue } }\n",
    );
    run.wake_after("2 days");
    assert_eq!(phase(&run, "e[1].a"), Active);
    run.wake_after("1 day");
    assert_eq!(phase(&run, "e[1].a"), Active);
    run.wake_after("1 day");
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn every_kind_of_work_is_for_one_element_at_a_time() {
    let ask = "deadline: { due: 2 days }, outcomes: { declined: { end: no }, expired: { end: late } }";
    let kinds = [
        ("uses: t.call".to_owned(), "e[0].s:1"),
        ("uses: t.pure".to_owned(), "e[0].s:1"),
        ("uses: t.local".to_owned(), "e[0].s:1"),
        ("run: { flow: child, version: ^1, with: { n: 1 } }, outcomes: { completed: continue, hit: continue, failed: continue, cancelled: continue }".to_owned(), "e[0].s:1"),
        (format!("task: {{ to: [role:legal] }}, {ask}"), "e[0].s:1:assign:1"),
        ("approve: { document: '${{ inputs.document }}', by: [role:legal] }, deadline: { due: 2 days }, outcomes: { changes_requested: continue, rejected: continue, expired: continue }".to_owned(), "e[0].s:1:assign:1"),
        ("collect: { from: 'role:legal', items: { one: { title: One } } }, deadline: { due: 9 days }, outcomes: { incomplete: continue, withdrawn: continue }".to_owned(), "e[0].s:1"),
        ("each: { in: [1, 2], steps: [{ id: t, uses: t.call }] }, outcomes: { failed: continue }".to_owned(), "e[0].s[0].t:1"),
        ("each: { in: [1, 2], in_order: true, steps: [{ id: t, uses: t.call }] }, outcomes: { failed: continue }".to_owned(), "e[0].s[0].t:1"),
    ];
    for (kind, first) in kinds {
        let text = format!(
            "steps:
  - id: e
    each:
      in: [x, y]
      in_order: true
      steps: [{{ id: s, {kind} }}]
    outcomes: {{ failed: continue }}
"
        );
        let mut run = Run::of(&text);
        let work = run.work();
        assert_eq!(work[0], first, "{kind}");
        assert!(work.iter().all(|key| key.starts_with("e[0].")), "{kind}: {work:?}");
        assert_eq!(phase(&run, "e[1].s"), Pending, "{kind}");
        for _ in 0..2 {
            match run.machine.outstanding().first() {
                Some(Work::Assign { .. }) => {
                    run.assign(&["lea"]);
                    let first = run.machine.tasks().pop().expect("somebody is asked").decisions[0].clone();
                    run.decide("lea", &first).expect("it counts");
                }
                Some(Work::Call { key, .. }) if kind.starts_with("uses") || kind.starts_with("each") => {
                    let key = key.0.replace("run_1:", "");
                    run.done(&key, json!({}));
                }
                _ => {}
            }
        }
        if kind.starts_with("run") || kind.starts_with("collect") {
            run.fail(first, Permanent);
        }
        if run.machine.incident() {
            run.skip("e[0].s").expect("it can be skipped");
        }
        let over = run.ended().is_some() || run.machine.step("e[0].s").is_none();
        assert!(over, "{kind}: {:?}", run.work());
        assert!(
            run.ended().is_some() || run.work().iter().all(|key| key.starts_with("e[1].")),
            "{kind}: {:?}",
            run.work()
        );
    }
}

#[test]
fn elements_of_an_inner_list_in_order_wait_for_their_own_list_alone() {
    let run = of(
        "[x, y]",
        "",
        "        - { id: in, each: { in: [1, 2], in_order: true, steps: [{ id: t, uses: t.call }] }, outcomes: { failed: continue } }\n",
    );
    assert_eq!(run.work(), ["e[0].in[0].t:1"]);
    let run = Run::of(
        "steps:
  - id: e
    each:
      in: [x, y]
      steps:
        - { id: in, each: { in: [1, 2], in_order: true, steps: [{ id: t, uses: t.call }] }, outcomes: { failed: continue } }
    outcomes: { failed: continue }
",
    );
    assert_eq!(run.work(), ["e[0].in[0].t:1", "e[1].in[0].t:1"]);
}

#[test]
fn an_element_that_is_added_comes_last() {
    let mut run = Run::of(
        "steps:
  - { id: begin, uses: t.call }
  - id: e
    each:
      in: [x, y]
      in_order: true
      steps: [{ id: a, uses: t.call }]
    outcomes: { failed: continue }
  - { id: pause, uses: t.call, after: begin }
  - { id: more, add: { to: e, item: z }, outcomes: { closed: continue } }
",
    );
    yes(&mut run, "begin");
    yes(&mut run, "pause");
    assert_eq!(run.work(), ["e[0].a:1"]);
    yes(&mut run, "e[0].a");
    yes(&mut run, "e[1].a");
    assert_eq!(run.work(), ["e[2].a:1"]);
    yes(&mut run, "e[2].a");
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn elements_that_go_on_when_it_is_decided_stay_in_order() {
    let mut run = Run::of(
        "steps:
  - id: e
    each:
      in: [x, y, z]
      in_order: true
      join: any
      rest: continue
      steps: [{ id: a, uses: t.call }]
    outcomes: { failed: continue }
  - { id: b, uses: t.call }
",
    );
    yes(&mut run, "e[0].a");
    assert_eq!(run.work(), ["b:1", "e[1].a:1"]);
    yes(&mut run, "b");
    yes(&mut run, "e[1].a");
    assert_eq!(run.work(), ["e[2].a:1"]);
    yes(&mut run, "e[2].a");
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn all_of_it_done_again_begins_in_order() {
    let mut run = Run::of(
        "steps:
  - id: e
    each:
      in: [x, y]
      in_order: true
      steps: [{ id: a, uses: t.call, outcomes: { failed: { end: bad } } }]
",
    );
    yes(&mut run, "e[0].a");
    run.fail("e[1].a:1", Permanent);
    assert_eq!(run.phase("e"), Incident);
    run.retry("e").expect("it can be done again");
    assert_eq!(run.work(), ["e#2[0].a:1"]);
    yes(&mut run, "e#2[0].a");
    assert_eq!(run.work(), ["e#2[1].a:1"]);
}

#[test]
fn as_many_as_there_may_be_come_out_in_order() {
    let list: Vec<usize> = (0..MAX_ELEMENTS).collect();
    let text = "flow: t
version: 1.0.0
inputs: { list: { type: list } }
steps:
  - id: e
    each:
      in: ${{ inputs.list }}
      in_order: true
      parallel: 1000
      steps:
        - { id: a, after: start, check: [{ that: 'index >= 0', else: never }], outcomes: { failed: continue } }
        - { id: b, after: start, choose: [{ when: 'index % 2 == 0', outcome: even }, { otherwise: odd }] }
        - { id: c, after: [a, b.even], join: any, check: [{ that: 'index >= 0', else: never }], outcomes: { failed: continue } }
    outcomes: { failed: continue }
";
    let run = Run::start(text, json!({ "list": list }));
    assert_eq!(run.ended().as_deref(), Some("completed"));
    let ended = run.journal.iter().filter_map(|record| match &record.event {
        Event::ElementEnded { index, status, .. } if status == "completed" => Some(*index as usize),
        _ => None,
    });
    assert!(ended.eq(0..MAX_ELEMENTS), "in the order of the list");
}
