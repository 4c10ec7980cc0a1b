//! A run that goes on by another version of its flow.

use super::kit::Run;
use gatefold::engine::FailureKind::{InDoubt, Permanent};
use gatefold::engine::StepPhase::{Active, Finished, Incident, Pending};
use gatefold::engine::{Event, Reply};
use serde_json::json;

const HEAD: &str = "flow: t\nversion: 1.0.0\ncalendar: office\n";

/// Another version of what is written in `text`.
fn v2(text: &str) -> String {
    text.replace("version: 1.0.0", "version: 2.0.0")
}

/// A flow whose first step waits for people, and `more` steps after it.
fn signing(more: &str) -> String {
    format!(
        "{HEAD}steps:
  - id: sign
    task: {{ to: [role:legal], title: Sign it }}
    deadline: {{ due: 5 days, remind: [1 day before] }}
    outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}
{more}"
    )
}

#[test]
fn a_mended_step_further_on_reaches_a_run_that_waits() {
    let old = signing("  - { id: tell, uses: t.call, with: { n: 1 } }\n");
    let mut run = Run::start(&old, json!({}));
    run.assign(&["lea"]);
    assert_eq!(run.migrate(&v2(&old).replace("n: 1", "n: 2"), &[]), Ok(Vec::new()));
    assert_eq!(run.phase("sign"), Active);
    run.decide("lea", "done").expect("it counts");
    assert_eq!(run.call("tell:1").2, json!({ "n": 2 }));
    run.done("tell:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
    let migrated = run
        .journal
        .iter()
        .find(|record| matches!(record.event, Event::Migrated { .. }));
    let migrated = serde_json::to_value(migrated.expect("it is in the journal")).expect("it can be written");
    for (key, value) in [
        ("by", json!("user:ines")),
        ("reason", json!("the new version is better")),
        ("steps", json!(null)),
    ] {
        assert_eq!(migrated[key], value, "{migrated}");
    }
    assert_eq!(
        (&migrated["from"]["version"], &migrated["to"]["version"]),
        (&json!("1.0.0"), &json!("2.0.0"))
    );
}

#[test]
fn what_is_open_keeps_its_deadline_and_what_comes_gets_the_new_one() {
    let more = "  - { id: then, wait: { event: t.ping, key: k }, deadline: { due: 1 day }, outcomes: { expired: { end: late } } }\n";
    let old = signing(more);
    let mut run = Run::start(&old, json!({}));
    run.assign(&["lea"]);
    let due = run.step("sign").due;
    run.pass("2 days");
    let new = v2(&old)
        .replace("due: 5 days", "due: 9 days")
        .replace("due: 1 day", "due: 3 days");
    assert_eq!(run.migrate(&new, &[]), Ok(Vec::new()));
    assert_eq!(run.step("sign").due, due);
    run.decide("lea", "done").expect("it counts");
    let opened = run.now;
    run.pass("3 days");
    assert_eq!(run.step("then").due, Some(run.now), "three days after {opened}");
}

#[test]
fn a_step_that_is_new_beside_what_waits_begins_at_once_and_counts_from_then() {
    let old = signing("");
    let mut run = Run::start(&old, json!({}));
    run.assign(&["lea"]);
    run.pass("2 days");
    let new = v2(&signing(
        "  - { id: beside, after: start, wait: { event: t.ping, key: k }, deadline: { due: 1 day }, outcomes: { expired: { end: late } } }\n",
    ));
    assert_eq!(run.migrate(&new, &[]), Ok(vec!["beside".to_owned()]));
    assert_eq!(run.phase("beside"), Active);
    run.pass("1 day");
    assert_eq!(run.step("beside").due, Some(run.now), "and not since the run began");
    run.decide("lea", "done").expect("it counts");
    run.wake();
    assert_eq!(run.ended().as_deref(), Some("late"));
}

#[test]
fn a_task_whose_step_has_another_name_goes_on_under_it() {
    let old = signing("  - { id: tell, uses: t.call, with: { n: '${{ steps.sign.by }}' } }\n");
    let mut run = Run::start(&old, json!({}));
    let new = v2(&old).replace("sign", "seal").replace("Sign it", "Seal it");
    assert_eq!(run.migrate(&new, &[("sign", "seal")]), Ok(Vec::new()));
    assert_eq!(run.task("seal").title, "Sign it", "it was asked so");
    assert_eq!(run.work(), ["seal:1:assign:1"]);
    // the directory is asked under the new name
    run.assign(&["lea"]);
    assert_eq!(run.task("seal").people, ["user:lea"]);
    run.decide("lea", "done").expect("it counts");
    assert_eq!(run.call("tell:1").2, json!({ "n": "user:lea" }));
}

#[test]
fn a_step_that_is_done_can_have_another_name_and_goes_into_new_rounds_under_it() {
    let old = format!(
        "{HEAD}steps:
  - {{ id: draft, uses: t.call }}
  - id: look
    task: {{ to: [role:legal] }}
    deadline: {{ due: 5 days }}
    outcomes: {{ declined: {{ back_to: draft, max_rounds: 3, then: {{ end: no }} }}, expired: {{ end: late }} }}
"
    );
    let mut run = Run::start(&old, json!({}));
    run.done("draft:1", json!({}));
    run.assign(&["lea"]);
    run.decide("lea", "declined").expect("it counts");
    run.done("draft:2", json!({}));
    run.assign(&["lea"]);
    let new = v2(&old).replace("draft", "write");
    assert_eq!(run.migrate(&new, &[("draft", "write")]), Ok(Vec::new()));
    assert_eq!((run.phase("write"), run.step("write").round), (Finished, 2));
    run.decide("lea", "declined").expect("it counts");
    assert_eq!(
        run.work(),
        ["write:3"],
        "rounds go on being counted, and no key is used twice"
    );
    run.done("write:3", json!({}));
    run.assign(&["lea"]);
    run.decide("lea", "declined").expect("it counts");
    assert_eq!(run.ended().as_deref(), Some("no"));
}

#[test]
fn a_call_under_way_comes_back_to_the_version_that_the_run_goes_by_then() {
    let old =
        format!("{HEAD}steps:\n  - {{ id: a, uses: t.share, with: {{ n: 1 }} }}\n  - {{ id: b, uses: t.call }}\n");
    let mut run = Run::start(&old, json!({}));
    let new = v2(&old).replace("n: 1", "n: 2").replace("id: b", "id: c");
    assert_eq!(run.migrate(&new, &[]), Ok(Vec::new()));
    // what it was called with stays
    assert_eq!(run.call("a:1").2, json!({ "n": 1 }));
    run.done("a:1", json!({ "share": "shr_1" }));
    run.done("c:1", json!({}));
    run.done(":release:shr_1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_condition_that_could_not_be_computed_is_mended_by_a_version() {
    let old = format!(
        "{HEAD}steps:\n  - {{ id: a, uses: t.call }}\n  - {{ id: b, check: [{{ that: steps.a.n > 1, else: Small. }}], outcomes: {{ failed: {{ end: no }} }} }}\n"
    );
    let mut run = Run::start(&old, json!({}));
    run.done("a:1", json!({}));
    assert_eq!(run.phase("b"), Incident);
    let new = v2(&old).replace("steps.a.n > 1", "(steps.a.n or 2) > 1");
    assert_eq!(run.migrate(&new, &[]), Ok(Vec::new()));
    assert_eq!(run.phase("b"), Incident, "a person says when it is tried again");
    assert_eq!(run.retry("b"), Ok(Reply::Accepted));
    assert_eq!(run.ended().as_deref(), Some("completed"));
}

#[test]
fn a_failed_call_keeps_its_incident() {
    let old = format!("{HEAD}steps:\n  - {{ id: a, uses: t.call }}\n  - {{ id: b, uses: t.call }}\n");
    for kind in [Permanent, InDoubt] {
        let mut run = Run::start(&old, json!({}));
        run.fail("a:1", kind);
        assert_eq!(run.migrate(&v2(&old), &[]), Ok(Vec::new()));
        assert_eq!(run.phase("a"), Incident);
        assert_eq!(run.skip("a"), Ok(Reply::Accepted));
        assert_eq!(run.work(), ["b:1"]);
    }
}

#[test]
fn new_inputs_settings_and_values_have_what_they_begin_with_and_the_others_stay() {
    let old = format!(
        "{HEAD}inputs: {{ amount: {{ type: number }}, gone: {{ type: text, default: x }} }}
values: {{ limit: {{ type: number, default: 1 }}, open: {{ type: number, default: 1 }} }}
{}",
        signing("  - { id: then, uses: t.call, with: { n: 0 } }\n").replace(HEAD, "")
    );
    let new = v2(&old)
        .replace("gone: { type: text, default: x }", "currency: { type: text, default: EUR }")
        .replace("default: 1 }, open", "default: 5 }, more: { type: number, default: 9 }, open")
        .replace("values:", "settings: { rate: { type: number } }\nvalues:")
        .replace(
            "n: 0",
            "n: '${{ [inputs.amount, inputs.currency, settings.rate, values.limit, values.more, values.open, run.version] }}'",
        );
    let mut run = Run::start(&old, json!({ "amount": 3 }));
    run.assign(&["lea"]);
    let change = gatefold::engine::Input::Change {
        values: [("open".to_owned(), json!(2))].into_iter().collect(),
        by: "user:ines".to_owned(),
        reason: "it is so".to_owned(),
    };
    run.handle(change).expect("it fits");
    assert_eq!(run.migrate(&new, &[]), Ok(Vec::new()));
    run.decide("lea", "done").expect("it counts");
    assert_eq!(run.call("then:1").2["n"], json!([3, "EUR", 7, 1, 9, 2, "2.0.0"]));
}

#[test]
fn a_run_moves_more_than_once_and_back() {
    let old = signing("  - { id: tell, uses: t.call }\n");
    let second = v2(&old).replace("sign", "seal");
    let third = old
        .replace("1.0.0", "3.0.0")
        .replace("sign", "stamp")
        .replace("tell", "told");
    let mut run = Run::start(&old, json!({}));
    run.assign(&["lea"]);
    assert_eq!(run.migrate(&second, &[("sign", "seal")]), Ok(Vec::new()));
    run.wake_after("1 day");
    assert_eq!(run.migrate(&third, &[("seal", "stamp")]), Ok(Vec::new()));
    assert_eq!(run.phase("stamp"), Active);
    assert_eq!(
        run.migrate(&old.replace("1.0.0", "1.0.1"), &[("stamp", "sign")]),
        Ok(Vec::new())
    );
    run.decide("lea", "done").expect("it counts");
    run.done("tell:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
    assert_eq!(run.count("migrated"), 3);
}

#[test]
fn elements_under_way_go_on_and_the_others_are_of_the_new_version() {
    let old = format!(
        "{HEAD}steps:
  - id: all
    each:
      in: [a, b, c]
      parallel: 2
      steps:
        - {{ id: query, task: {{ to: [role:legal] }}, deadline: {{ due: 5 days }}, outcomes: {{ declined: {{ end: no }}, expired: {{ end: late }} }} }}
        - {{ id: act, uses: t.call, with: {{ n: 1 }} }}
    outcomes: {{ failed: continue }}
"
    );
    let mut run = Run::start(&old, json!({}));
    run.assign(&["lea"]);
    run.assign(&["leo"]);
    run.decide("leo", "done").expect("it counts");
    run.done("all[1].act:1", json!({}));
    let new = v2(&old)
        .replace("query", "question")
        .replace("n: 1", "n: 2")
        .replace("parallel: 2", "parallel: 3");
    assert_eq!(run.migrate(&new, &[("query", "question")]), Ok(Vec::new()));
    run.assign(&["lou"]);
    assert_eq!(
        run.machine.step("all[0].question").expect("it is under way").phase,
        Active
    );
    assert_eq!(
        run.machine.step("all[2].question").expect("it is under way").phase,
        Active
    );
    run.decide("lou", "done").expect("it counts");
    assert_eq!(run.call("all[2].act:1").2, json!({ "n": 2 }));
}

#[test]
fn elements_come_to_be_in_order_and_no_longer_are() {
    let old = format!(
        "{HEAD}steps:
  - id: all
    each:
      in: [a, b]
      in_order: true
      steps:
        - {{ id: first, uses: t.call }}
        - {{ id: query, task: {{ to: [role:legal] }}, deadline: {{ due: 5 days }}, outcomes: {{ declined: {{ end: no }}, expired: {{ end: late }} }} }}
    outcomes: {{ failed: continue }}
"
    );
    let mut run = Run::start(&old, json!({}));
    run.done("all[0].first:1", json!({}));
    run.assign(&["lea"]);
    run.done("all[1].first:1", json!({}));
    let phase = |run: &Run| run.machine.step("all[1].query").expect("it is under way").phase;
    assert_eq!(phase(&run), Pending);
    let same = v2(&old);
    assert_eq!(run.migrate(&same, &[]), Ok(Vec::new()));
    assert_eq!(phase(&run), Pending);
    let apart = same.replace("2.0.0", "3.0.0").replace("      in_order: true\n", "");
    assert_eq!(run.migrate(&apart, &[]), Ok(vec!["all[1].query".to_owned()]));
    assert_eq!(phase(&run), Active, "nobody is before it any more");
    let mut begins = Run::start(&old.replace("      in_order: true\n", ""), json!({}));
    begins.done("all[0].first:1", json!({}));
    begins.assign(&["lea"]);
    assert_eq!(begins.migrate(&same, &[]), Ok(Vec::new()), "each is at another step");
    begins.done("all[1].first:1", json!({}));
    assert_eq!(phase(&begins), Pending, "it is in order from now on");
    begins.decide("lea", "done").expect("it counts");
    assert_eq!(phase(&begins), Active);
}

#[test]
fn a_step_that_was_out_of_reach_may_come_into_it() {
    let old = format!(
        "{HEAD}steps:
  - {{ id: size, choose: [{{ when: 'false', outcome: large }}, {{ otherwise: small }}] }}
  - {{ id: special, uses: t.call, after: size.large }}
  - {{ id: usual, after: size.small, wait: {{ event: t.ping, key: k }}, deadline: none, because: test }}
"
    );
    let mut run = Run::start(&old, json!({}));
    let new = v2(&old).replace("after: size.large", "after: size.small");
    assert_eq!(run.migrate(&new, &[]), Ok(vec!["special".to_owned()]));
    assert_eq!(run.work(), ["special:1"]);
    assert_eq!(run.phase("usual"), Active);
    let back = v2(&old).replace("2.0.0", "3.0.0");
    let refused = run.migrate(&back, &[]).expect_err("it is being called");
    assert_eq!(
        refused,
        ["step special: the run has begun it, and in 3.0.0 it comes after size.large, which the run has not done"]
    );
    assert_eq!(run.phase("special"), Active);
    assert_ne!(run.phase("usual"), Pending);
}
