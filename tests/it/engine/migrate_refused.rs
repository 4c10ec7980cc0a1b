//! Why a run cannot go on by another version of its flow: every reason, at once.

use super::kit::Run;
use serde_json::json;

const HEAD: &str =
    "flow: t\nversion: 1.0.0\ncalendar: office\ninputs: { document: { type: file, default: { id: fil_1 } } }\n";
const DECIDE: &str = "deadline: { due: 5 days }, outcomes: { declined: { end: no }, expired: { end: late } }";

/// Both versions, with these steps; and the reasons.
fn refused(run: &mut Run, new: &str, steps: &[(&str, &str)]) -> Vec<String> {
    let new = format!("{HEAD}{new}").replace("version: 1.0.0", "version: 2.0.0");
    let before = run.journal.len();
    let reasons = run.migrate(&new, steps).expect_err("it cannot go by that version");
    assert_eq!(run.journal.len(), before);
    reasons
}

fn start(text: &str) -> Run {
    Run::start(&format!("{HEAD}{text}"), json!({}))
}

fn ask(id: &str) -> String {
    format!("  - {{ id: {id}, task: {{ to: [role:legal] }}, {DECIDE} }}\n")
}

fn wait(id: &str, more: &str) -> String {
    format!(
        "  - {{ id: {id}, wait: {{ {more} }}, deadline: {{ due: 5 days }}, outcomes: {{ expired: {{ end: late }} }} }}\n"
    )
}

const CALL: &str = "  - { id: call, uses: t.call }\n";

#[test]
fn every_reason_is_told_at_once() {
    let mut run = Run::start(
        &format!(
            "{HEAD}values: {{ seen: {{ type: number, default: 1 }} }}\nsteps:\n  - {{ id: room, uses: t.share }}\n{}",
            ask("sign")
        ),
        json!({}),
    );
    run.done("room:1", json!({ "share": "shr_1" }));
    run.assign(&["lea"]);
    let reasons = refused(
        &mut run,
        "settings: { unknown: { type: number } }\nvalues: { seen: { type: text } }\nsteps:\n  - { id: room, uses: t.grant }\n  - { id: first, uses: t.call }\n  - { id: sign, wait: { event: t.ping, key: k }, deadline: none, because: test }\n",
        &[("nowhere", "room"), ("room", "elsewhere")],
    );
    assert_eq!(
        reasons,
        [
            "step nowhere: there is no such step in 1.0.0, which the run goes by",
            "step room: 2.0.0 has no step elsewhere",
            "step room: this run has done another step under that name, and what a step did is told apart by its name: give the one of 2.0.0 another",
            "step sign: the run has begun it as task, and it is wait in 2.0.0",
            "step sign: the run has begun it, and in 2.0.0 it comes after first, which the run has not done",
            "setting unknown: 2.0.0 wants it, and it has not been given: gatefold flows set t unknown=…",
            "value seen: what the run has does not fit 2.0.0: it must be a text: write \"1\"",
        ]
    );
}

#[test]
fn what_was_begun_has_to_be_there_doing_the_same() {
    let steps = format!("steps:\n{CALL}{}", ask("sign"));
    let cases = [
        (
            format!("steps:\n{}", ask("sign")),
            "step call: the run has begun it, and 2.0.0 has no such step: say which one it is there, as call=NEW",
        ),
        (
            steps.replace("t.call", "t.once"),
            "step call: the run has begun it as uses: t.call, and it is uses: t.once in 2.0.0",
        ),
        (
            steps.replace("uses: t.call", "choose: [{ otherwise: done }]"),
            "step call: the run has begun it as uses: t.call, and it is choose in 2.0.0",
        ),
        (
            format!(
                "steps:\n  - {{ id: all, each: {{ in: [1], steps: [{{ id: call, uses: t.call }}] }}, outcomes: {{ failed: continue }} }}\n{}",
                ask("sign")
            ),
            "step call: it stands in another list of steps in 2.0.0",
        ),
    ];
    for (new, reason) in cases {
        let mut run = start(&steps);
        run.done("call:1", json!({}));
        let reasons = refused(&mut run, &new, &[]);
        assert!(reasons.iter().any(|one| one == reason), "{reasons:#?}");
    }
}

#[test]
fn what_it_came_to_has_to_be_possible_and_lead_on() {
    let first = "  - { id: size, choose: [{ when: 'false', outcome: large }, { otherwise: small }] }\n";
    let steps = format!("steps:\n{first}{}", ask("sign"));
    let cases = [
        (
            "otherwise: small",
            "otherwise: tiny",
            "step size: it came to small, which it cannot come to in 2.0.0",
        ),
        (
            "otherwise: small }]",
            "otherwise: small }], outcomes: { small: { end: too_small } }",
            "step size: it came to small, after which 2.0.0 ends as too_small",
        ),
    ];
    for (old, new, reason) in cases {
        let mut run = start(&steps);
        let reasons = refused(&mut run, &steps.replace(old, new), &[]);
        assert_eq!(reasons[0], reason);
    }
    let ways = "  - { id: draft, choose: [{ otherwise: written }] }\n  - { id: size, check: [{ that: 'false', else: No. }], outcomes: { failed: continue } }\n";
    let steps = format!("steps:\n{ways}{}", ask("sign"));
    let mut run = start(&steps);
    let back = "failed: { back_to: draft, max_rounds: 9, then: continue }";
    let reasons = refused(&mut run, &steps.replace("failed: continue", back), &[]);
    assert_eq!(
        reasons,
        ["step size: it came to failed, after which 2.0.0 goes back to draft"]
    );
}

#[test]
fn what_comes_before_has_to_have_been_done() {
    let mut run = start(&format!("steps:\n{CALL}{}", ask("sign")));
    run.done("call:1", json!({}));
    let between = format!(
        "steps:\n{CALL}  - {{ id: check, uses: t.call }}\n  - {{ id: also, uses: t.call, after: call }}\n{}",
        ask("sign").replace("id: sign,", "id: sign, after: [check, also],")
    );
    assert_eq!(
        refused(&mut run, &between, &[]),
        ["step sign: the run has begun it, and in 2.0.0 it comes after check and also, which the run has not done"]
    );
    let other = format!(
        "steps:\n{CALL}{}",
        ask("sign").replace("id: sign,", "id: sign, after: call.failed,")
    );
    assert_eq!(
        refused(&mut run, &other, &[]),
        ["step sign: the run has begun it, and in 2.0.0 it comes after call.failed, which the run has not done"]
    );
}

#[test]
fn what_is_told_apart_by_its_name_keeps_it_until_it_is_over() {
    let each =
        "  - { id: all, each: { in: [1], steps: [{ id: one, uses: t.call }] }, outcomes: { failed: continue } }\n";
    let child = "  - { id: other, run: { flow: child, with: {} } }\n";
    let list = "  - { id: papers, collect: { from: 'email:rosa@example.com', into: /in, items: { id: { title: A } } }, deadline: { due: 5 days }, outcomes: { incomplete: { end: late }, withdrawn: { end: no } } }\n";
    let told = "and is told apart by the name of the step: rename it once that is over";
    for (step, id, what) in [
        (CALL, "call", "its call is under way"),
        (each, "all", "its elements are under way"),
        (each, "one", "its call is under way"),
        (child, "other", "its call is under way"),
        (list, "papers", "its call is under way"),
    ] {
        let mut run = start(&format!("steps:\n{step}"));
        let new = format!("steps:\n{step}").replace(&format!("id: {id},"), "id: renamed,");
        let reasons = refused(&mut run, &new, &[(id, "renamed")]);
        assert_eq!(reasons, [format!("step {id}: {what}, {told}")]);
        if id == "papers" {
            run.done("papers:1", json!({ "request": "shr_1" }));
            let reasons = refused(&mut run, &new, &[(id, "renamed")]);
            assert_eq!(reasons, [format!("step papers: its checklist is open, {told}")]);
        }
        if id == "other" {
            let started = gatefold::base::id::RunId::derived("run_1:other:1");
            run.done("other:1", json!({ "run": started, "version": "1.0.0" }));
            let reasons = refused(&mut run, &new, &[(id, "renamed")]);
            assert_eq!(
                reasons,
                [format!("step other: the run that it started goes on, {told}")]
            );
        }
    }
}

#[test]
fn a_call_that_nobody_waits_for_any_more_keeps_its_name_too() {
    let text = "steps:\n  - { id: room, uses: t.share }\n  - { id: stop, after: start, wait: { event: t.ping, key: k }, deadline: none, because: test }\n  - { id: withdraw, cancel: [room] }\n  - { id: on, after: withdraw, wait: { event: t.pong, key: k }, deadline: none, because: test }\n";
    let mut run = start(text);
    run.keyed("t.ping", "k", json!({}));
    let new = text.replace("id: room", "id: place").replace("[room]", "[place]");
    let reasons = refused(&mut run, &new, &[("room", "place")]);
    assert_eq!(
        reasons,
        [
            "step room: what it may have acquired is still looked after, and is told apart by the name of the step: rename it once that is over"
        ]
    );
    assert_eq!(
        run.migrate(&format!("{HEAD}{text}").replace("1.0.0", "2.0.0"), &[]),
        Ok(Vec::new())
    );
    run.done("room:1", json!({ "share": "shr_1" }));
    assert_eq!(run.work(), [":release:shr_1"]);
}

#[test]
fn a_wait_that_is_open_waits_for_the_same() {
    let any = wait(
        "w",
        "any: { a: { event: t.ping, key: k }, b: { event: t.pong, key: k } }",
    );
    let all = wait(
        "w",
        "all: { a: { event: t.ping, key: k }, b: { event: t.pong, key: k } }",
    );
    let until = "  - { id: w, wait: { until: 2 days } }\n".to_owned();
    let cases = [
        (
            &any,
            any.replace("b: {", "c: {"),
            "it waits for a, b, and for a, c in 2.0.0",
        ),
        (
            &any,
            any.replace("t.pong", "t.ping"),
            "its b is the event t.pong, and t.ping in 2.0.0",
        ),
        (
            &any,
            all.clone(),
            "it waits for any of several or for all, and otherwise in 2.0.0",
        ),
        (
            &all,
            all.replace("b: {", "c: {"),
            "it waits for a, b (of these a has come), and for a, c in 2.0.0",
        ),
        (
            &any,
            any.replace("deadline: { due: 5 days }", "deadline: none, because: test")
                .replace(", outcomes: { expired: { end: late } }", ""),
            "it has a deadline, and cannot come to expired in 2.0.0",
        ),
        (
            &until,
            wait("w", "event: t.ping, key: k"),
            "it waits for , and for received in 2.0.0",
        ),
    ];
    for (old, new, reason) in cases {
        let mut run = start(&format!("steps:\n{old}"));
        if reason.contains("has come") {
            run.keyed("t.ping", "k", json!({}));
        }
        let reasons = refused(&mut run, &format!("steps:\n{new}"), &[]);
        assert_eq!(reasons[0], format!("step w: {reason}"));
    }
}

#[test]
fn people_who_have_answered_have_answered_the_same_question() {
    let sign = |more: &str| {
        format!(
            "steps:\n  - {{ id: sign, approve: {{ document: '${{{{ inputs.document }}}}', by: [role:legal]{more} }}, deadline: {{ due: 5 days }}, outcomes: {{ changes_requested: {{ end: no }}, rejected: {{ end: no }}, expired: {{ end: late }} }} }}\n"
        )
    };
    let inputs = |text: String| Run::start(&format!("{HEAD}{text}"), json!({ "document": super::kit::document(1) }));
    let mut run = inputs(sign(", rule: 2"));
    run.assign(&["lea", "leo"]);
    let needs = refused(&mut run, &sign(", rule: 3"), &[]);
    assert_eq!(needs, ["step sign: 2 people are asked, and more must agree in 2.0.0"]);
    let task = "steps:\n  - { id: sign, task: { to: [role:legal] }, deadline: { due: 5 days }, outcomes: { declined: { end: no }, expired: { end: late } } }\n";
    let other = refused(&mut run, task, &[]);
    assert_eq!(
        other[0],
        "step sign: the run has begun it as approve, and it is task in 2.0.0"
    );
    run.decide("lea", "approved").expect("it counts");
    let one = refused(&mut run, &sign(", rule: 1"), &[]);
    assert_eq!(
        one,
        [
            "step sign: people have answered already, and the answers, their form or how many must agree are others in 2.0.0"
        ]
    );
    // before the first answer the rule may change
    let mut early = inputs(sign(", rule: 2"));
    early.assign(&["lea", "leo"]);
    let new = format!("{HEAD}{}", sign(", rule: 1")).replace("1.0.0", "2.0.0");
    assert_eq!(early.migrate(&new, &[]), Ok(Vec::new()));
    early.decide("lea", "approved").expect("it counts");
    assert_eq!(early.ended().as_deref(), Some("completed"));
}

#[test]
fn a_checklist_that_is_open_keeps_its_items() {
    let list = "steps:\n  - { id: papers, collect: { from: 'email:rosa@example.com', into: /in, items: { id: { title: A }, tax: { title: B } } }, deadline: { due: 5 days }, outcomes: { incomplete: { end: late }, withdrawn: { end: no } } }\n";
    let mut run = start(list);
    run.done("papers:1", json!({ "request": "shr_1" }));
    let reasons = refused(&mut run, &list.replace("tax: { title: B }", "vat: { title: B }"), &[]);
    assert_eq!(
        reasons,
        ["step papers: its checklist is open, and has other items in 2.0.0"]
    );
}

#[test]
fn what_it_owns_stays_its_own_and_nothing_else() {
    let steps = format!("steps:\n  - {{ id: room, uses: t.share }}\n{}", ask("sign"));
    let kept = steps.replace("uses: t.share", "uses: t.share, keep: others need it");
    let mut owns = start(&steps);
    owns.done("room:1", json!({ "share": "shr_1" }));
    assert_eq!(
        refused(&mut owns, &kept, &[]),
        ["step room: shr_1, which it acquired, would not belong to the run as it does by 2.0.0"]
    );
    let mut keeps = start(&kept);
    keeps.done("room:1", json!({ "share": "shr_1" }));
    assert_eq!(
        refused(&mut keeps, &steps, &[]),
        ["step room: shr_1, which it gave, does not belong to the run and would by 2.0.0"]
    );
}

#[test]
fn two_steps_under_way_do_not_get_one_lock() {
    let steps = format!(
        "steps:\n{}{}",
        ask("a"),
        ask("b").replace("id: b,", "id: b, after: start,")
    );
    let mut run = start(&steps);
    run.assign(&["lea"]);
    run.assign(&["leo"]);
    let new = steps
        .replace("id: a,", "id: a, lock: desk,")
        .replace("id: b,", "id: b, lock: desk,");
    assert_eq!(
        refused(&mut run, &new, &[]),
        ["step b: it is under way, and so is another step that has the lock desk by 2.0.0"]
    );
}

#[test]
fn two_elements_under_way_are_not_at_one_step_in_order() {
    let steps = format!(
        "steps:\n  - id: all\n    each:\n      in: [1, 2]\n      parallel: 2\n      steps:\n        {}        {}    outcomes: {{ failed: continue }}\n",
        ask("one").trim_start(),
        ask("two").trim_start()
    );
    let in_order = steps.replace("parallel: 2", "in_order: true\n      parallel: 2");
    let mut run = start(&steps);
    run.assign(&["lea"]);
    run.assign(&["leo"]);
    assert_eq!(
        refused(&mut run, &in_order, &[]),
        ["step one: it is under way, and by 2.0.0 all[0].one is before it"]
    );
    run.decide("leo", "done").expect("it counts");
    run.assign(&["lou"]);
    assert_eq!(
        refused(&mut run, &in_order, &[]),
        ["step two: it is under way, and by 2.0.0 all[0].two is before it"]
    );
}

#[test]
fn elements_under_way_are_no_fewer() {
    let each = "steps:\n  - { id: all, each: { in: [1, 2, 3], parallel: 3, steps: [{ id: one, uses: t.call }] }, outcomes: { failed: continue } }\n";
    let mut run = start(each);
    let reasons = refused(&mut run, &each.replace("parallel: 3", "parallel: 1"), &[]);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(
        reasons[0].starts_with("run: what it has done could not have been done by 2.0.0: event 4 cannot"),
        "{reasons:?}"
    );
    let waits = format!(
        "steps:\n  - {{ id: all, each: {{ in: [1, 2], parallel: 2, steps: [{{ id: one, lock: desk, task: {{ to: [role:legal] }}, {DECIDE} }}] }}, outcomes: {{ failed: continue }} }}\n"
    );
    let mut run = start(&waits);
    let reasons = refused(&mut run, &waits.replace("parallel: 2", "parallel: 1"), &[]);
    assert_eq!(
        reasons,
        ["step all: element 1 is under way, and would not have begun by 2.0.0"]
    );
}

#[test]
fn a_run_that_is_over_stays_as_it_was() {
    let steps = format!("steps:\n{}", wait("w", "event: t.ping, key: k"));
    let mut run = start(&steps);
    run.keyed("t.ping", "k", json!({}));
    assert!(run.ended().is_some());
    assert_eq!(
        refused(&mut run, &steps, &[]),
        ["run: it is over or about to be: only a run that goes on goes by another version"]
    );
    let mut closing = start(&format!("steps:\n  - {{ id: room, uses: t.share }}\n{}", ask("sign")));
    closing.done("room:1", json!({ "share": "shr_1" }));
    closing.cancel().expect("it goes on");
    assert!(closing.ended().is_none());
    assert_eq!(refused(&mut closing, &steps, &[]).len(), 1);
}

#[test]
fn two_steps_do_not_become_one() {
    let steps = format!("steps:\n{CALL}{}", ask("sign"));
    let mut run = start(&steps);
    run.done("call:1", json!({}));
    let one = format!("steps:\n{}", ask("sign"));
    let reasons = refused(&mut run, &one, &[("call", "sign")]);
    assert_eq!(reasons[0], "step sign: steps call and sign would all be this one");
}

#[test]
fn an_input_that_is_wanted_and_was_not_given_has_a_default() {
    let steps = format!("steps:\n{}", ask("sign"));
    let mut run = start(&steps);
    let new = format!("{HEAD}{steps}")
        .replace("inputs: {", "inputs: { amount: { type: number },")
        .replace("1.0.0", "2.0.0");
    assert_eq!(
        run.migrate(&new, &[]),
        Err(vec![
            "input amount: 2.0.0 wants it, the run was not given it, and it has no default".to_owned()
        ])
    );
    let new = new
        .replace("document: { type: file", "document: { type: text")
        .replace("{ id: fil_1 }", "x")
        .replace("amount: { type: number },", "");
    assert_eq!(
        run.migrate(&new, &[]),
        Err(vec![
            "input document: what the run has does not fit 2.0.0: it must be a text".to_owned()
        ])
    );
}
