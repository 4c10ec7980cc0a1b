//! Deadlines, reminders, escalation, and who wins where time and people meet.

use super::kit::Run;
use gatefold::engine::StepPhase::{Active, Finished};
use gatefold::engine::{Event, Input, Refusal, Reply, Work};
use serde_json::json;

const WAIT: &str = "steps:
  - id: reply
    wait: { event: t.ping }
    deadline: { due: 10 days, remind: [3 days before, 2 days after, 3 days before] }
    outcomes: { expired: { end: late } }
";

const SIGN: &str = "steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [role:legal], rule: all }
    deadline: { due: 5 days, remind: [1 day before], escalate: { after: 3 days, to: [\"${{ inputs.who }}-lead\"] } }
    outcomes: { rejected: { end: no }, changes_requested: { end: no }, expired: { end: late } }
";

/// To whom each timer that fired tells it.
fn told(run: &Run) -> Vec<Vec<String>> {
    let fired = run.journal.iter().filter_map(|record| match &record.event {
        Event::TimerFired { to, .. } => Some(to.clone()),
        _ => None,
    });
    fired.collect()
}

#[test]
fn reminders_go_out_in_order_of_time_and_once() {
    let mut run = Run::of(WAIT);
    run.wake_after("1 day");
    assert_eq!(run.count("timer_fired"), 0);
    run.wake_after("1 day");
    assert_eq!(run.count("timer_fired"), 1);
    run.wake();
    assert_eq!(run.count("timer_fired"), 1);
    run.wake_after("5 days");
    assert_eq!(run.count("timer_fired"), 2);
    run.wake_after("2 days");
    assert_eq!((run.phase("reply"), run.count("timer_fired")), (Active, 2));
    run.wake_after("1 day");
    assert_eq!(run.ended().as_deref(), Some("late"));
}

#[test]
fn nobody_is_reminded_of_what_expired_meanwhile() {
    let mut run = Run::of(WAIT);
    run.wake_after("30 days");
    assert_eq!(run.ended().as_deref(), Some("late"));
    assert_eq!(run.count("timer_fired"), 0);
}

#[test]
fn an_answer_recorded_before_the_timer_counts_even_if_it_is_handled_late() {
    let mut run = Run::of(WAIT);
    run.pass("9 days");
    let event = run.inbound("t.ping", &[], json!({}));
    run.pass("2 days");
    assert_eq!(run.handle(Input::Event(event)), Ok(Reply::Accepted));
    assert_eq!(run.outcome("reply").as_deref(), Some("received"));
    run.wake();
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn at_the_same_instant_the_timer_wins_over_the_event() {
    let mut run = Run::of(WAIT);
    run.pass("10 days");
    run.event("t.ping", &[], json!({}));
    assert_eq!(run.outcome("reply").as_deref(), Some("expired"));
    assert_eq!(run.ended().as_deref(), Some("late"));
}

#[test]
fn a_decision_before_the_timer_counts_whenever_the_timer_is_handled() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea"]);
    run.pass("4 days");
    assert_eq!(run.decide("lea", "approved"), Ok(Reply::Accepted));
    run.wake_after("20 days");
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_decision_at_the_due_moment_is_too_late_and_changes_nothing() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea"]);
    run.pass("5 days");
    assert_eq!(
        run.decide("lea", "approved"),
        Err(Refusal::TaskClosed("expired".to_owned()))
    );
    assert_eq!(run.phase("sign"), Active);
    run.wake();
    assert_eq!(run.ended().as_deref(), Some("late"));
    assert_eq!(run.output("sign")["decisions"], json!([]));
}

#[test]
fn whoever_has_decided_is_not_reminded() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea", "leo"]);
    run.decide("leo", "approved").expect("it counts");
    run.wake_after("4 days");
    assert_eq!(
        told(&run),
        [vec!["role:legal-lead".to_owned()], vec!["user:lea".to_owned()]]
    );
}

#[test]
fn escalation_asks_more_people_who_stand_in() {
    let mut run = Run::of(SIGN);
    run.assign(&["lea", "leo"]);
    run.decide("leo", "approved").expect("it counts");
    run.wake_after("3 days");
    assert_eq!(run.work(), ["sign:1:escalate"]);
    assert!(matches!(
        &run.machine.outstanding()[..],
        [Work::Assign { escalated: true, .. }]
    ));
    assert_eq!(run.decide("boss", "approved"), Err(Refusal::NoSuchTask));
    run.assign(&["boss", "lea"]);
    assert_eq!(run.task("sign").people, ["user:lea", "user:leo", "user:boss"]);
    assert_eq!(run.decide("boss", "approved"), Ok(Reply::Accepted));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_step_may_have_any_name_and_is_assigned_escalated_and_released_all_the_same() {
    for id in ["release", "assign", "escalate", "abandoned"] {
        let text = format!("{}\n  - {{ id: room, uses: t.share }}\n", SIGN.trim_end()).replace("sign", id);
        let mut run = Run::of(&text);
        assert_eq!(run.work(), [format!("{id}:1:assign:1")]);
        run.assign(&["lea", "leo"]);
        run.wake_after("3 days");
        assert_eq!(run.work(), [format!("{id}:1:escalate")]);
        run.assign(&["boss"]);
        for person in ["lea", "boss"] {
            assert_eq!(run.decide(person, "approved"), Ok(Reply::Accepted), "{id}");
        }
        run.done("room:1", json!({ "share": "1" }));
        run.done(":release:1", json!({}));
        assert_eq!(run.ended().as_deref(), Some("completed"), "{id}");
    }
}

#[test]
fn due_may_be_an_expression_a_moment_or_working_time() {
    let due = |due: &str| {
        let run = Run::of(&format!(
            "steps:
  - {{ id: w, wait: {{ event: t.ping }}, deadline: {{ due: \"{due}\" }}, outcomes: {{ expired: {{ end: late }} }} }}
"
        ));
        run.machine.next_wakeup().map(|at| at.to_string())
    };
    assert_eq!(due("2026-12-01").as_deref(), Some("2026-12-01T23:00:00Z"));
    assert_eq!(
        due("${{ '2026-12-01T10:00:00Z' }}").as_deref(),
        Some("2026-12-01T10:00:00Z")
    );
    // Monday 10:00 in Madrid and five working days on: next Monday.
    assert_eq!(due("5 business days").as_deref(), Some("2026-11-30T09:00:00Z"));
}

#[test]
fn a_clock_that_steps_back_fires_nothing_twice_and_nothing_early() {
    let mut run = Run::of(WAIT);
    run.wake_after("3 days");
    assert_eq!(run.count("timer_fired"), 1);
    let before = run.now;
    run.now = "2026-01-01T00:00:00Z".parse().expect("it is a time");
    run.wake();
    run.event("t.ping", &["x"], json!({}));
    assert_eq!(run.phase("reply"), Finished);
    assert!(run.journal.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert_eq!(run.journal.last().map(|record| record.at), Some(before));
}

#[test]
fn the_earliest_timer_fires_first_when_several_are_late() {
    let mut run = Run::of(
        "steps:
  - { id: slow, wait: { event: t.ping }, deadline: { due: 3 days }, after: start, outcomes: { expired: { end: slow } } }
  - { id: fast, wait: { event: t.pong }, deadline: { due: 2 days }, after: start, outcomes: { expired: { end: fast } } }
",
    );
    run.wake_after("9 days");
    assert_eq!(run.ended().as_deref(), Some("fast"));
}
