//! Why a run does not go on: a sentence for every verb that waits, nothing for those that do not.

use super::kit::Run;
use gatefold::engine::FailureKind::{Permanent, Transient};
use gatefold::engine::why;
use gatefold::engine::why::MAX_REASONS;
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
            "\"The reply\" waits for one of shop.paid of o1 and shop.lost of o1, since Monday, 23 November 2026, 10:00 CET (Europe/Madrid), \
          until Wednesday, 25 November 2026, 10:00 CET (Europe/Madrid); then the run ends as late."
        ]
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
        [
            "\"pause\" waits for a moment, since Monday, 23 November 2026, 10:00 CET (Europe/Madrid), \
          until Wednesday, 25 November 2026, 10:00 CET (Europe/Madrid); then it goes on with \"After the pause\"."
        ]
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
          since Monday, 23 November 2026, 11:00 CET (Europe/Madrid), until Saturday, 28 November 2026, 11:00 CET (Europe/Madrid); \
          then it goes back to \"begin\"."
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
    assert!(told.ends_with("; then it is called again."), "{told}");
    run.next();
    run.fail("call:1", Permanent);
    let told = run.why().concat();
    assert!(told.contains("an administrator: ") && told.contains("broken"), "{told}");
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
