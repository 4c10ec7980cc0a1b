//! Why a run does not go on: a sentence for every verb that waits, nothing for those that do not.

use super::kit::Run;
use super::runs::child;
use gatefold::engine::FailureKind::{Permanent, Transient};
use gatefold::engine::why::MAX_REASONS;
use gatefold::engine::{TaskAct, why};
use serde_json::json;

impl Run {
    fn why(&self) -> Vec<String> {
        why(&self.machine).reasons.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn an_event_is_waited_for_until_the_deadline_and_what_then_happens_is_told() {
    let run = Run::of(
        "steps:
  - id: reply
    title: The reply
    wait: { any: { paid: { event: shop.paid, key: o1 }, lost: { event: shop.lost, key: o1 } } }
    deadline: { due: 2 business days }
    outcomes: { lost: continue, expired: { end: late } }",
    );
    assert_eq!(
        run.why(),
        [
            "\"The reply\" waits for one of shop.paid of o1 and shop.lost of o1, since Monday, 23 November 2026, 10:00, \
          until Wednesday, 25 November 2026, 10:00 CET (Europe/Madrid), 2 business days after it began; then the run ends as late."
        ]
    );
}

#[test]
fn in_the_last_round_what_then_happens_is_the_end_and_not_another_round() {
    let mut run = Run::of(
        "steps:
  - { id: draft, title: The draft, uses: t.call }
  - id: reply
    wait: { event: shop.paid, key: o1 }
    deadline: { due: 2 days }
    outcomes: { expired: { back_to: draft, max_rounds: 2, then: { end: late } } }",
    );
    run.done("draft:1", json!({}));
    assert!(
        run.why()[0].ends_with("; then it goes back to \"The draft\"."),
        "{:?}",
        run.why()
    );
    run.next();
    run.done("draft:2", json!({}));
    assert!(
        run.why()[0].ends_with("; then the run ends as late."),
        "{:?}",
        run.why()
    );
}

#[test]
fn of_several_events_those_are_told_that_have_not_come() {
    let mut run = Run::of(
        "steps:
  - id: both
    wait: { all: { a: { event: shop.a, key: k }, b: { event: shop.b, key: k } } }
    deadline: none
    because: nobody is in a hurry",
    );
    assert!(
        run.why()[0].contains("all of shop.a of k and shop.b of k"),
        "{:?}",
        run.why()
    );
    run.keyed("shop.a", "k", json!({}));
    assert!(run.why()[0].contains("waits for shop.b of k, since"), "{:?}", run.why());
    assert!(run.why()[0].ends_with(", without end."), "{:?}", run.why());
}

#[test]
fn a_moment_goes_on_with_the_next_step() {
    let run = Run::of(
        "steps:
  - { id: pause, wait: { until: 2 days } }
  - { id: after, title: After the pause, uses: t.call }",
    );
    assert_eq!(
        run.why(),
        ["\"pause\" waits for a moment, since Monday, 23 November 2026, 10:00, \
          until Wednesday, 25 November 2026, 10:00 CET (Europe/Madrid), 2 days after it began; then it goes on with \"After the pause\"."]
    );
}

#[test]
fn people_are_named_until_they_have_decided() {
    let mut run = Run::of(
        "steps:
  - { id: begin, wait: { until: 1 hour } }
  - id: sign
    title: Sign-off
    approve: { document: '${{ inputs.document }}', by: [role:legal], rule: all }
    deadline: { due: 5 days }
    outcomes:
      changes_requested: { end: no }
      rejected: { end: no }
      expired: { back_to: begin, max_rounds: 2, then: { end: late } }",
    );
    run.wake_after("1 hour");
    assert!(
        run.why()[0].contains("the directory to tell who is meant"),
        "{:?}",
        run.why()
    );
    run.assign(&["anna", "ben"]);
    assert_eq!(
        run.why(),
        [
            "\"Sign-off\" waits for a decision on contract.pdf, version 1, from user:anna and user:ben, \
          since Monday, 23 November 2026, 11:00, until Saturday, 28 November 2026, 11:00 CET (Europe/Madrid), \
          5 days after it began; then it goes back to \"begin\"."
        ]
    );
    run.decide("anna", "approved").unwrap();
    assert!(run.why()[0].contains("from user:ben, since"), "{:?}", run.why());
    assert!(!run.why()[0].contains("anna"), "{:?}", run.why());
}

#[test]
fn work_for_people_is_an_answer() {
    let mut run = Run::of(
        "steps:
  - id: shelve
    task: { to: [role:records] }
    deadline: none
    because: it may take for ever
    outcomes: { declined: continue }",
    );
    run.assign(&["rita"]);
    assert_eq!(
        run.why(),
        [
            "\"shelve\" waits for an answer from user:rita, since Monday, 23 November 2026, 10:00 CET (Europe/Madrid), without end."
        ]
    );
}

#[test]
fn calls_are_waited_for_and_tried_again() {
    let mut run = Run::of("steps: [{ id: call, uses: t.call, retry: { attempts: 3, backoff: 10 minutes } }]");
    assert!(
        run.why()[0].contains("\"call\" waits for the answer of t.call, since"),
        "{:?}",
        run.why()
    );
    run.fail("call:1", Transient);
    let told = run.why().concat();
    assert!(told.contains("another try of t.call after 1 that failed"), "{told}");
    assert!(told.ends_with("; then it is tried again."), "{told}");
    run.next();
    run.fail("call:1", Permanent);
    let told = run.why().concat();
    assert!(told.contains("an administrator: ") && told.contains("broken"), "{told}");
    assert!(told.contains(" (tried 2 times)"), "{told}");
    assert_eq!(run.machine.incidents()[0].attempts, 2);
    assert_eq!(run.step("call").attempts, Some(2));
    run.retry("call").expect("it is an incident");
    assert_eq!(run.step("call").attempts, None, "nobody has to look");
    run.fail("call:1", Permanent);
    assert_eq!(run.step("call").attempts, Some(3));
    assert!(
        told.ends_with("without end: it is retried or skipped by hand."),
        "{told}"
    );
}

#[test]
fn of_a_checklist_what_is_missing_is_told_and_who_looks_at_what_came() {
    let mut run = Run::of(
        "steps:
  - id: papers
    title: Your papers
    collect:
      from: ${{ inputs.who }}
      items:
        tax: { title: Tax form, review: [role:tax] }
        cover: { title: Cover }
        iso: { title: ISO certificate, optional: true }
    deadline: { due: 10 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }",
    );
    assert!(
        run.why()[0].contains("the answer of file360.request_files"),
        "{:?}",
        run.why()
    );
    run.done("papers:1", json!({ "request": "shr_9" }));
    let told = run.why().concat();
    assert!(
        told.contains("waits for tax (missing) and cover (missing) from role:legal, since"),
        "{told}"
    );
    assert!(told.ends_with("; then the run ends as incomplete."), "{told}");
    run.item("tax", "received", &["fil_7"], 1);
    run.assign(&["tom"]);
    let told = run.why();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("waits for cover (missing) from"), "{told:?}");
    assert!(told[1].contains("from user:tom, since"), "{told:?}");
    assert!(told[1].ends_with("; then the run ends as incomplete."), "{told:?}");
}

#[test]
fn an_each_and_its_elements_are_told_and_very_many_are_counted() {
    let names: Vec<String> = (0..MAX_REASONS + 50).map(|number| format!("e{number}")).collect();
    let flow = |parallel: usize| {
        format!(
            "steps:
  - id: every
    each:
      in: [{}]
      parallel: {parallel}
      steps: [{{ id: reply, wait: {{ event: shop.paid, key: '${{{{ item }}}}' }}, deadline: {{ due: 2 days }} }}]
    outcomes: {{ failed: continue }}",
            names.join(", ")
        )
    };
    let run = Run::of(&flow(MAX_REASONS - 1));
    let all = why(&run.machine);
    assert_eq!((all.reasons.len(), all.more), (MAX_REASONS, 0));
    let told = all.reasons[0].to_string();
    assert!(
        told.contains("waits for 250 of 250 elements, 199 of them under way, since"),
        "{told}"
    );
    assert_eq!(all.reasons[1].step, "every[0].reply");
    assert!(all.reasons[1].what == "shop.paid of e0", "{:?}", all.reasons[1]);
    let more = why(&Run::of(&flow(MAX_REASONS)).machine);
    assert_eq!((more.reasons.len(), more.more), (MAX_REASONS, 1));
}

#[test]
fn branches_checks_and_ends_wait_for_nothing() {
    let run = Run::of(
        "steps:
  - { id: pick, choose: [{ when: 'true', outcome: big }, { otherwise: small }] }
  - { id: sure, check: [{ that: 'true', else: never }], after: [pick.big, pick.small], join: any }
  - { id: over, end: { status: fine } }",
    );
    assert_eq!(run.why(), [""; 0]);
}

#[test]
fn a_cancelled_run_waits_for_what_it_takes_back() {
    let mut run = Run::of(
        "steps:
  - { id: room, uses: t.share }
  - { id: pause, wait: { until: 2 days } }",
    );
    run.done("room:1", json!({ "share": "shr_1" }));
    run.cancel().unwrap();
    let told = run.why().concat();
    assert!(told.contains("the share shr_1 to be taken back"), "{told}");
}

#[test]
fn a_step_that_runs_another_flow_waits_for_the_start_of_a_run_and_then_for_its_end() {
    let mut run = Run::of(
        "steps:
  - { id: screening, title: The screening, run: { flow: sanctions-screening }, outcomes: { hit: { end: blocked } } }",
    );
    assert!(
        run.why()[0].contains("waits for the start of the flow sanctions-screening, since"),
        "{:?}",
        run.why()
    );
    run.fail("screening:1", Transient);
    let told = run.why().concat();
    assert!(
        told.contains("another try of the start of the flow sanctions-screening after 1 that failed"),
        "{told}"
    );
    run.next();
    run.started("screening", 1);
    let child = child("screening", 1);
    let told = run.why();
    assert_eq!(told.len(), 1, "{told:?}");
    let begins = format!(
        "\"The screening\" waits for the end of run {child} of the flow sanctions-screening, since Monday, 23 November 2026, 10:00 CET"
    );
    assert!(told[0].starts_with(&begins), "{told:?}");
    assert!(
        told[0].ends_with(&format!(
            "without end: it goes on when that is over; gatefold why {child} says what it waits for."
        )),
        "{told:?}"
    );
    run.ends("screening", 1, "completed", &json!({}));
    assert_eq!(run.why(), [""; 0]);
}

#[test]
fn a_wait_for_values_says_so() {
    let run = Run::of(
        "values: { amount: { type: integer, default: 1 } }
steps:
  - { id: large, wait: { when: values.amount > 10 }, deadline: { due: 10 days }, outcomes: { expired: { end: small } } }",
    );
    assert!(
        run.why()[0].contains("waits for values of the run that meet its condition, since"),
        "{:?}",
        run.why()
    );
    assert!(
        run.why()[0].ends_with("; then the run ends as small."),
        "{:?}",
        run.why()
    );
}

#[test]
fn a_step_that_has_not_its_turn_says_who_has_the_lock() {
    let run = Run::of(
        "steps:
  - { id: a, uses: t.call, after: start, lock: desk }
  - { id: b, uses: t.call, after: start, lock: desk }",
    );
    let told = run.why();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("\"a\" waits for the answer of t.call"), "{told:?}");
    assert!(
        told[1].contains("\"b\" waits for its turn: \"a\" has the lock desk, since"),
        "{told:?}"
    );
}

#[test]
fn a_task_that_rests_waits_for_whoever_lets_it_rest() {
    let mut run = Run::of(
        "steps:
  - id: sign
    task: { to: [role:legal], allow: [suspend] }
    deadline: { due: 5 days }
    outcomes: { declined: { end: no }, expired: { end: late } }",
    );
    run.assign(&["anna", "ben"]);
    let reason = "the notary is away".to_owned();
    run.act("anna", TaskAct::Suspend { reason }).unwrap();
    let told = run.why().concat();
    assert!(
        told.contains(
            "waits for its task to be resumed, which rests because \"the notary is away\", from user:anna, since"
        ),
        "{told}"
    );
    assert!(
        told.ends_with("5 days after it began; then the run ends as late."),
        "{told}"
    );
}

#[test]
fn the_sentence_of_a_due_moment_names_what_led_to_it() {
    let due = |due: &str, calendar: &str| {
        let text = format!(
            "flow: t\nversion: 1.0.0\n{calendar}inputs: {{ days: {{ type: duration, default: 3 days }} }}
values: {{ arrival: {{ type: date, default: 2026-12-01 }} }}
steps:
  - {{ id: a, wait: {{ event: t.ping, key: k }}, deadline: {{ due: {due} }}, outcomes: {{ expired: {{ end: late }} }} }}"
        );
        let mut run = Run::start(&text, json!({}));
        let because = why(&run.machine).reasons[0].because.clone();
        let change = [("arrival".to_owned(), json!("2026-12-24"))].into_iter().collect();
        let (by, reason) = ("user:ines".to_owned(), "late".to_owned());
        let _ = run.handle(gatefold::engine::Input::Change {
            values: change,
            by,
            reason,
        });
        (because, why(&run.machine).reasons[0].because.clone())
    };
    let both = |text: &str| (Some(text.to_owned()), Some(text.to_owned()));
    assert_eq!(due("'${{ inputs.days }}'", ""), both("3 days after it began"));
    assert_eq!(due("2026-12-01", ""), both("the end of 2026-12-01"));
    assert_eq!(due("2026-12-01T10:00:00Z", ""), (None, None));
    // what the flow says means another day by now
    let first = Some("the end of 2026-12-01".to_owned());
    assert_eq!(due("'${{ values.arrival }}'", ""), (first, None));
}

#[test]
fn a_step_that_waits_for_its_turn_names_the_element_before_it() {
    let mut run = Run::of(
        "steps:
  - id: every
    each:
      in: [x, y]
      in_order: true
      steps:
        - { id: first, title: Write it, uses: t.call }
        - { id: last, title: Send it, uses: t.call }
    outcomes: { failed: continue }",
    );
    let told = run.why();
    assert_eq!(told.len(), 3, "{told:?}");
    let turn = "\"Write it\" waits for its turn: \"every[0].first\" is before it, since ";
    assert!(told[2].starts_with(turn), "{told:?}");
    run.done("every[0].first:1", json!({}));
    assert!(
        run.why()[2].contains("waits for the answer of t.call"),
        "{:?}",
        run.why()
    );
    run.done("every[1].first:1", json!({}));
    let turn = "\"Send it\" waits for its turn: \"every[0].last\" is before it, since ";
    assert!(run.why()[2].starts_with(turn), "{:?}", run.why());
    run.done("every[0].last:1", json!({}));
    assert!(
        run.why()[1].contains("waits for the answer of t.call"),
        "{:?}",
        run.why()
    );
}
