//! Steps once for each element: joins, cancelling, ways back, incidents, and who sees what.

use super::kit::{Run, document, task_id};
use gatefold::engine::FailureKind::{InDoubt, Permanent, Transient};
use gatefold::engine::StepPhase::{Active, Finished, Incident, NotReached, Skipped};
use gatefold::engine::{ElementsView, Event, Input, Refusal, Reply, TaskPhase};
use serde_json::{Value, json};

/// Three elements of one step each, and a step behind.
fn three(rest: &str) -> Run {
    Run::of(&format!(
        "outputs: {{ results: \"${{{{ steps.e.results }}}}\" }}
steps:
  - id: e
    each:
      in: [x, y, z]
      {rest}
      steps:
        - {{ id: a, uses: t.call, with: {{ item: \"${{{{ item }}}}\", at: \"${{{{ index }}}}\" }}, outcomes: {{ failed: {{ end: bad }} }} }}
      outputs: {{ out: \"${{{{ steps.a.out }}}}\" }}
    outcomes: {{ failed: {{ end: too_few }} }}
  - {{ id: b, uses: t.call }}
"
    ))
}

fn yes(run: &mut Run, index: u32) {
    run.done(&format!("e[{index}].a:1"), json!({ "out": index }));
}

fn no(run: &mut Run, index: u32) {
    run.fail(&format!("e[{index}].a:1"), Permanent);
}

fn elements(run: &Run) -> ElementsView {
    run.step("e").elements.expect("it is an each")
}

/// `index:status` of every result, as the step behind sees them.
fn statuses(results: &Value) -> Vec<String> {
    let results = results.as_array().expect("it is a list");
    let text = |result: &Value| format!("{}:{}", result["index"], result["status"].as_str().unwrap_or("?"));
    results.iter().map(text).collect()
}

#[test]
fn each_element_has_its_own_item_index_and_steps() {
    let mut run = three("");
    assert_eq!(run.work(), ["e[0].a:1", "e[1].a:1", "e[2].a:1"]);
    assert_eq!(run.call("e[1].a:1").2, json!({ "item": "y", "at": 1 }));
    yes(&mut run, 2);
    yes(&mut run, 0);
    assert_eq!(run.phase("e"), Active);
    let view = elements(&run);
    assert_eq!((view.total, view.completed, view.running), (3, 2, 1));
    assert_eq!(view.shown[0].steps[0].id, "e[1].a");
    yes(&mut run, 1);
    assert_eq!((run.phase("e"), run.outcome("e").as_deref()), (Finished, Some("done")));
    assert_eq!(run.work(), ["b:1"]);
    run.done("b:1", json!({}));
    let outputs = run.machine.outputs().expect("it ended").clone();
    assert_eq!(
        outputs["results"],
        json!([
            { "index": 0, "item": "x", "status": "completed", "out": 0 },
            { "index": 1, "item": "y", "status": "completed", "out": 1 },
            { "index": 2, "item": "z", "status": "completed", "out": 2 },
        ])
    );
}

#[test]
fn no_more_than_parallel_are_under_way() {
    let mut run = three("parallel: 2");
    assert_eq!(run.work(), ["e[0].a:1", "e[1].a:1"]);
    yes(&mut run, 1);
    assert_eq!(run.work(), ["e[0].a:1", "e[2].a:1"]);
    yes(&mut run, 0);
    assert_eq!(run.work(), ["e[2].a:1"]);
    yes(&mut run, 2);
    assert_eq!(run.work(), ["b:1"]);
}

#[test]
fn all_fails_with_the_first_and_starts_no_other() {
    let mut run = three("parallel: 2");
    no(&mut run, 0);
    assert_eq!(run.ended().as_deref(), Some("too_few"));
    let outputs = run.machine.outputs().expect("it ended").clone();
    assert_eq!(statuses(&outputs["results"]), ["0:bad", "1:cancelled", "2:not_started"]);
    assert_eq!(run.finished("e[1].a:1", 1, json!({})), Ok(Reply::AlreadyDone));
}

#[test]
fn any_is_done_with_the_first_and_cancels_the_others() {
    let mut run = three("join: any");
    no(&mut run, 0);
    assert_eq!(run.phase("e"), Active);
    yes(&mut run, 2);
    assert_eq!(run.outcome("e").as_deref(), Some("done"));
    assert_eq!(run.work(), ["b:1"]);
    // What comes later is absorbed.
    assert_eq!(run.finished("e[1].a:1", 1, json!({})), Ok(Reply::AlreadyDone));
    assert_eq!(run.work(), ["b:1"]);
}

#[test]
fn a_number_fails_once_it_is_out_of_reach() {
    let mut run = three("join: 2");
    no(&mut run, 1);
    assert_eq!(run.phase("e"), Active);
    no(&mut run, 0);
    assert_eq!(run.ended().as_deref(), Some("too_few"));

    let mut run = three("join: 2");
    yes(&mut run, 1);
    no(&mut run, 0);
    assert_eq!(run.phase("e"), Active);
    yes(&mut run, 2);
    assert_eq!(run.outcome("e").as_deref(), Some("done"));
}

#[test]
fn settled_waits_for_all_and_takes_what_completed() {
    let mut run = three("join: settled");
    no(&mut run, 0);
    yes(&mut run, 1);
    assert_eq!(run.phase("e"), Active);
    no(&mut run, 2);
    assert_eq!(run.outcome("e").as_deref(), Some("done"));

    let mut run = three("join: settled");
    (0..3).for_each(|index| no(&mut run, index));
    assert_eq!(run.ended().as_deref(), Some("too_few"));
}

#[test]
fn no_elements_are_done_for_all_and_settled_and_failed_for_the_others() {
    for (join, outcome) in [("all", "done"), ("settled", "done"), ("any", "failed"), ("1", "failed")] {
        let run = Run::of(&format!(
            "steps:
  - {{ id: e, each: {{ in: [], join: {join}, steps: [{{ id: a, uses: t.call }}] }} }}
  - {{ id: b, uses: t.call }}
  - {{ id: c, uses: t.call, after: e.failed }}
"
        ));
        assert_eq!(run.outcome("e").as_deref(), Some(outcome), "{join}");
        assert_eq!(run.work(), [if outcome == "done" { "b:1" } else { "c:1" }], "{join}");
    }
}

#[test]
fn what_is_no_list_is_an_incident() {
    let mut run = Run::of(
        "steps:
  - { id: e, each: { in: \"${{ inputs.who }}\", steps: [{ id: a, uses: t.call }] } }
",
    );
    let incident = &run.machine.incidents()[0];
    assert_eq!(incident.error, "`in` must give a list, and gave the text `role:legal`");
    assert_eq!(run.skip("e"), Ok(Reply::Accepted));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn cancelled_elements_release_what_they_acquired_and_withdraw_their_tasks() {
    let mut run = Run::of(
        "steps:
  - id: e
    each:
      in: [x, y]
      join: any
      steps:
        - { id: room, uses: t.share }
        - { id: sign, approve: { document: \"${{ inputs.document }}\", by: [role:legal] }, deadline: { due: 5 days } , outcomes: { changes_requested: { end: no }, rejected: { end: no }, expired: { end: late } } }
  - { id: b, uses: t.call }
",
    );
    run.done("e[0].room:1", json!({ "share": "shr_0" }));
    run.done("e[1].room:1", json!({ "share": "shr_1" }));
    assert_eq!(run.task("e[1].sign").id, task_id("e[1].sign", 1));
    assert!(run.machine.next_wakeup().is_some());
    run.assign(&["lea"]);
    let decision = gatefold::engine::Decision {
        task: task_id("e[0].sign", 1),
        ..run.decision("lea", "approved")
    };
    assert_eq!(run.handle(Input::Decide(decision)), Ok(Reply::Accepted));
    assert_eq!(run.task("e[0].sign").phase, TaskPhase::Settled("approved".to_owned()));
    assert_eq!(run.task("e[1].sign").phase, TaskPhase::Withdrawn);
    let late = gatefold::engine::Decision {
        task: task_id("e[1].sign", 1),
        ..run.decision("lea", "approved")
    };
    assert!(run.handle(Input::Decide(late)).is_err());
    // Its timers are gone with it, and only its share is released while the run goes on.
    assert_eq!(run.machine.next_wakeup(), None);
    assert_eq!(run.work(), ["b:1", ":release:shr_1"]);
    run.done(":release:shr_1", json!({}));
    run.done("b:1", json!({}));
    assert_eq!(run.work(), [":release:shr_0"]);
    run.done(":release:shr_0", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_call_cancelled_with_its_element_is_followed_up() {
    let mut run = Run::of(
        "steps:
  - id: e
    each: { in: [x, y], join: any, steps: [{ id: room, uses: t.share }] }
  - { id: b, uses: t.call }
",
    );
    run.done("e[0].room:1", json!({ "share": "shr_0" }));
    assert_eq!(run.work(), ["b:1", "e[1].room:1"]);
    run.done("e[1].room:1", json!({ "share": "shr_1" }));
    assert_eq!(run.work(), ["b:1", ":release:shr_1"]);
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.work(), ["b:1"]);
}

#[test]
fn a_call_in_doubt_is_followed_up_past_the_end_of_its_element() {
    let mut run = Run::of(
        "steps:
  - id: e
    each: { in: [x], join: settled, steps: [{ id: room, uses: t.share, outcomes: { failed: { end: bad } } }] }
    outcomes: { failed: continue }
  - { id: b, uses: t.call }
",
    );
    run.fail("e[0].room:1", Transient);
    assert_eq!(run.work(), ["b:1", "e[0].room:1 #2"]);
    run.fail("e[0].room:1", InDoubt);
    assert_eq!(run.machine.incidents()[0].name, "abandoned:e[0].room:1");
    assert_eq!(run.retry("abandoned:e[0].room:1"), Ok(Reply::Accepted));
    run.done("e[0].room:1", json!({ "share": "shr_1" }));
    assert_eq!(run.work(), ["b:1", ":release:shr_1"]);
}

#[test]
fn an_end_inside_ends_its_element_and_nothing_else() {
    let mut run = Run::of(
        "steps:
  - id: e
    each:
      in: [1, 2]
      join: settled
      steps:
        - { id: a, uses: t.call }
        - { id: odd, choose: [{ when: item == 1, outcome: stop }, { otherwise: go }], after: start }
        - { id: out, end: { status: refused }, after: odd.stop }
        - { id: on, uses: t.call, after: odd.go }
  - { id: b, uses: t.call }
",
    );
    // The first is over at once, its other step is cancelled.
    assert_eq!(run.work(), ["e[1].a:1", "e[1].on:1"]);
    run.done("e[1].a:1", json!({}));
    run.done("e[1].on:1", json!({}));
    assert_eq!(run.work(), ["b:1"]);
    let ended = run.journal.iter().filter_map(|record| match &record.event {
        Event::ElementEnded { index, status, .. } => Some((*index, status.as_str())),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), [(0, "refused"), (1, "completed")]);
}

#[test]
fn a_way_back_inside_is_a_round_of_its_element() {
    let mut run = Run::of(
        "steps:
  - id: e
    each:
      in: [x, y]
      steps:
        - { id: room, uses: t.share }
        - { id: a, uses: t.call, with: { share: \"${{ steps.room.share }}\" }, outcomes: { failed: { back_to: room, max_rounds: 2, then: { end: tired } } } }
  - { id: b, uses: t.call }
",
    );
    run.done("e[0].room:1", json!({ "share": "shr_0" }));
    run.done("e[1].room:1", json!({ "share": "shr_1" }));
    run.fail("e[0].a:1", Permanent);
    assert_eq!(run.work(), ["e[0].room:2", "e[1].a:1", ":release:shr_0"]);
    run.done(":release:shr_0", json!({}));
    run.done("e[0].room:2", json!({ "share": "shr_2" }));
    assert_eq!(run.call("e[0].a:2").2, json!({ "share": "shr_2" }));
    run.done("e[0].a:2", json!({}));
    run.done("e[1].a:1", json!({}));
    assert_eq!(run.work(), ["b:1"]);
}

#[test]
fn a_way_back_over_it_cancels_releases_and_names_everything_anew() {
    let mut run = Run::of(
        "steps:
  - { id: first, uses: t.call }
  - id: e
    after: first
    each: { in: [x, y], steps: [{ id: room, uses: t.share }, { id: a, uses: t.call, retry: { attempts: 2 } }] }
  - { id: side, uses: t.call, after: first, outcomes: { failed: { back_to: first, max_rounds: 3, then: { end: no } } } }
",
    );
    run.done("first:1", json!({}));
    for index in [0, 1] {
        run.done(
            &format!("e[{index}].room:1"),
            json!({ "share": format!("shr_{index}") }),
        );
    }
    run.done("e[0].a:1", json!({}));
    run.fail("e[1].a:1", Transient);
    run.fail("side:1", Permanent);
    // What the element that was over had acquired goes as well.
    assert_eq!(run.machine.next_wakeup(), None);
    assert_eq!(run.work(), ["first:2", ":release:shr_1"]);
    run.done(":release:shr_1", json!({}));
    run.done(":release:shr_0", json!({}));
    run.done("first:2", json!({}));
    assert_eq!(run.work(), ["side:2", "e#2[0].room:1", "e#2[1].room:1"]);
    // A late answer of the round before.
    assert_eq!(run.finished("e[1].a:1", 2, json!({})), Ok(Reply::AlreadyDone));
}

#[test]
fn an_incident_of_one_element_stops_no_other() {
    let mut run = Run::of(
        "steps:
  - id: e
    each: { in: [x, y], steps: [{ id: a, uses: t.call }] }
  - { id: b, uses: t.call }
",
    );
    run.fail("e[0].a:1", Permanent);
    assert_eq!(run.machine.incidents()[0].name, "e[0].a");
    let view = elements(&run);
    assert_eq!(view.shown[0].steps[0].phase, Incident);
    run.done("e[1].a:1", json!({}));
    assert_eq!(run.phase("e"), Active);
    assert_eq!(run.retry("e[1].a"), Err(Refusal::NoIncident("e[1].a".to_owned())));
    assert_eq!(run.retry("e[0].a"), Ok(Reply::Accepted));
    run.done("e[0].a:1", json!({}));
    assert_eq!(run.outcome("e").as_deref(), Some("done"));
}

#[test]
fn a_failure_of_the_whole_that_nothing_handles_is_an_incident_to_do_again_or_skip() {
    let start = || {
        let mut run = Run::of(
            "steps:
  - id: e
    each: { in: [x, y], steps: [{ id: room, uses: t.share }, { id: a, uses: t.call, outcomes: { failed: { end: bad } } }] }
  - { id: b, uses: t.call }
",
        );
        run.done("e[0].room:1", json!({ "share": "shr_0" }));
        run.done("e[1].room:1", json!({ "share": "shr_1" }));
        run.fail("e[0].a:1", Permanent);
        assert_eq!(run.phase("e"), Incident);
        run
    };
    let mut run = start();
    assert_eq!(run.retry("e"), Ok(Reply::Accepted));
    assert_eq!(run.work(), ["e#2[0].room:1", "e#2[1].room:1", ":release:shr_1"]);

    let mut run = start();
    // What is still under way may finish; nothing comes of it.
    run.done("e[1].a:1", json!({}));
    assert_eq!(run.machine.incidents().len(), 1);
    assert_eq!(run.skip("e"), Ok(Reply::Accepted));
    assert_eq!((run.phase("e"), run.work()), (Skipped, vec!["b:1".to_owned()]));
}

#[test]
fn elements_inside_elements_see_what_is_around_them() {
    let mut run = Run::of(
        "outputs: { first: \"${{ steps.outer.results[0].inner[1].both }}\" }
steps:
  - { id: head, uses: t.call }
  - id: outer
    each:
      in: [[1, 2], [3]]
      steps:
        - { id: o, uses: t.call, with: { item: \"${{ item }}\" } }
        - id: inner
          each:
            in: ${{ item }}
            steps:
              - { id: i, uses: t.call, with: { item: \"${{ item }}\", head: \"${{ steps.head.v }}\", o: \"${{ steps.o.v }}\" } }
            outputs: { both: \"${{ steps.i.v ~ item ~ steps.o.v }}\" }
      outputs: { inner: \"${{ steps.inner.results }}\" }
",
    );
    run.done("head:1", json!({ "v": "h" }));
    assert_eq!(run.work(), ["outer[0].o:1", "outer[1].o:1"]);
    run.done("outer[0].o:1", json!({ "v": "o0" }));
    run.done("outer[1].o:1", json!({ "v": "o1" }));
    assert_eq!(
        run.work(),
        [
            "outer[0].inner[0].i:1",
            "outer[0].inner[1].i:1",
            "outer[1].inner[0].i:1"
        ]
    );
    assert_eq!(
        run.call("outer[1].inner[0].i:1").2,
        json!({ "item": 3, "head": "h", "o": "o1" })
    );
    for (key, v) in [
        ("outer[0].inner[1]", "b"),
        ("outer[1].inner[0]", "c"),
        ("outer[0].inner[0]", "a"),
    ] {
        run.done(&format!("{key}.i:1"), json!({ "v": v }));
    }
    assert_eq!(run.ended().as_deref(), Some("completed"));
    assert_eq!(run.machine.outputs().expect("it ended")["first"], "b2o0");
}

#[test]
fn an_event_reaches_the_element_that_waits_for_its_share_even_if_it_came_early() {
    let mut run = Run::of(
        "steps:
  - id: e
    each:
      in: [x, y, z]
      steps:
        - { id: room, uses: t.share }
        - { id: key, uses: t.grant, with: { share: \"${{ steps.room.share }}\" } }
        - { id: reply, wait: { event: file360.file_uploaded, on: \"${{ steps.room.share }}\" }, deadline: none, because: a test }
      outputs: { file: \"${{ steps.reply.file.name }}\" }
  - { id: b, uses: t.call }
",
    );
    for index in 0..3 {
        run.done(
            &format!("e[{index}].room:1"),
            json!({ "share": format!("shr_{index}") }),
        );
    }
    let upload = |run: &mut Run, share: &str, name: &str| {
        let mut file = document(1);
        file["name"] = json!(name);
        run.event(
            "file360.file_uploaded",
            &[share],
            json!({ "share": share, "file": file }),
        )
    };
    // Before its wait is open, while others are.
    upload(&mut run, "shr_2", "early.pdf");
    for index in 0..3 {
        run.done(&format!("e[{index}].key:1"), json!({ "grant": format!("grt_{index}") }));
    }
    assert_eq!(elements(&run).completed, 1);
    upload(&mut run, "shr_1", "one.pdf");
    assert_eq!(run.machine.expected("e[0].reply")[0].on.as_deref(), Some("shr_0"));
    upload(&mut run, "shr_0", "zero.pdf");
    assert_eq!(run.outcome("e").as_deref(), Some("done"));
    let files: Vec<_> = run
        .journal
        .iter()
        .filter_map(|record| match &record.event {
            Event::ElementEnded { index, output, .. } => Some((*index, output["file"].clone())),
            _ => None,
        })
        .collect();
    assert_eq!(
        files,
        [(2, json!("early.pdf")), (1, json!("one.pdf")), (0, json!("zero.pdf"))]
    );
}

#[test]
fn pure_steps_inside_need_no_record_and_are_asked_for_by_their_full_name() {
    let mut run = Run::of(
        "steps:
  - id: e
    each: { in: [x, y], steps: [{ id: p, uses: t.pure, with: { v: \"${{ item }}\" } }] }
",
    );
    assert_eq!(run.work(), ["e[0].p:1", "e[1].p:1"]);
    assert_eq!(run.count("action_scheduled"), 0);
    run.done("e[0].p:1", json!({}));
    run.done("e[1].p:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn cancelling_the_run_cancels_every_element() {
    let mut run = three("");
    yes(&mut run, 0);
    assert_eq!(run.cancel(), Ok(Reply::Accepted));
    assert_eq!(run.ended().as_deref(), Some("cancelled"));
    assert!(run.machine.outstanding().is_empty());
}

#[test]
fn an_each_among_the_always_steps_runs_when_the_rest_is_over() {
    let mut run = Run::of(
        "steps: [{ id: a, uses: t.call }]
always:
  - { id: tell, each: { in: [x, y], steps: [{ id: mail, uses: t.call }, { id: done, end: { status: completed } }] } }
",
    );
    run.done("a:1", json!({}));
    assert_eq!(run.work(), ["tell[0].mail:1", "tell[1].mail:1"]);
    run.done("tell[0].mail:1", json!({}));
    assert_eq!(run.ended(), None);
    run.done("tell[1].mail:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_step_behind_is_not_reached_where_it_fails() {
    let mut run = Run::of(
        "steps:
  - { id: e, each: { in: [x], steps: [{ id: a, uses: t.call, outcomes: { failed: { end: bad } } }] } }
  - { id: b, uses: t.call, after: e.done }
  - { id: c, uses: t.call, after: e.failed }
",
    );
    run.fail("e[0].a:1", Permanent);
    assert_eq!((run.phase("b"), run.work()), (NotReached, vec!["c:1".to_owned()]));
    assert_eq!(
        run.step("e").error.as_deref(),
        Some("0 of 1 elements completed and 1 ended otherwise, so that too few can complete")
    );
}
