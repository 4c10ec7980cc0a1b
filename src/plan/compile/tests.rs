//! Every finding of the compiler, and what the plan says of a flow without any.

use super::order::MAX_CYCLES;
use crate::plan::testing::{compiled, plan};
use crate::plan::{Disposition, Edge, Exclusion, PlanVerb, Reminder, StepId, codes};
use crate::spec::JoinSpec;

/// `CODE "text in the file": message (help)` of each finding.
fn findings(yaml: &str) -> Vec<String> {
    let (document, _, findings) = compiled(yaml);
    let one = |finding: &crate::base::Diagnostic| {
        let place = &document.text[finding.primary.start..finding.primary.end];
        let help = finding.help.as_deref().unwrap_or_default();
        format!("{} {place:?}: {} ({help})", finding.code.id, finding.message)
    };
    findings.iter().map(one).collect()
}

#[track_caller]
fn finds(yaml: &str, expected: &[&str]) {
    assert_eq!(findings(yaml), expected, "{yaml}");
}

const REVIEW: &str = "
  - id: room
    title: The room
    uses: file360.create_share
    with: { name: 'Review of ${{ inputs.name }}' }
    retry: { attempts: 5, backoff: 10 s, factor: 3, max: 2 days }
  - id: response
    wait:
      any:
        version: { event: file360.file_uploaded, on: '${{ steps.room.share }}', where: event.folder == '/' }
        comment: { event: file360.comment_added, on: '${{ steps.room.share }}' }
    deadline: { due: 10 business days, remind: [3 business days before, 1 day after], escalate: { after: 2 days, to: [role:x] } }
  - id: approval
    if: inputs.name != ''
    approve:
      document: ${{ steps.response.file or inputs.document }}
      by: [role:legal]
      exclude: [initiator, uploader, response]
    deadline: { due: '${{ inputs.days }}' }
    outcomes:
      changes_requested: { back_to: response, max_rounds: 3, then: { end: rejected } }
      rejected: { end: rejected }
  - id: make
    uses: data.make
    keep: it stays
  - id: late
    after: [response.expired, approval.expired]
    join: any
    uses: mail.send
    outcomes: { done: { end: expired }, failed: continue }
";

#[test]
fn a_flow_becomes_a_graph() {
    let plan = plan(REVIEW);
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["room", "response", "approval", "make", "late"]);
    let edge = |from: u32, outcome: Option<&str>| Edge {
        from: StepId(from),
        outcome: outcome.map(str::to_owned),
    };
    assert_eq!(plan.steps[0].after, []);
    assert_eq!(plan.steps[1].after, [edge(0, None)]);
    assert_eq!(
        plan.steps[4].after,
        [edge(1, Some("expired")), edge(2, Some("expired"))]
    );
    assert_eq!(plan.steps[4].join, JoinSpec::Any);
    let room: Vec<_> = plan.index.edges_out(StepId(1)).collect();
    assert_eq!(room, [(StepId(2), 0), (StepId(4), 0)]);
    assert_eq!(plan.steps[0].title, "The room");
    assert_eq!(plan.steps[1].title, "response");
    assert_eq!(plan.steps[2].pointer, "/steps/2");
    assert_eq!(plan.step("make").map(|step| step.keep), Some(true));
    assert!(plan.calendar.is_some());
}

#[test]
fn outcomes_lead_somewhere_by_verb_and_by_wish() {
    let plan = plan(REVIEW);
    let of = |step: usize| {
        plan.steps[step]
            .outcomes
            .iter()
            .map(|(name, to)| (name.as_str(), to.clone()))
            .collect::<Vec<_>>()
    };
    let end = |status: &str| Disposition::End(status.to_owned());
    assert_eq!(of(0), [("done", Disposition::GoOn), ("failed", Disposition::Nowhere)]);
    assert_eq!(
        of(1),
        [
            ("version", Disposition::GoOn),
            ("comment", Disposition::GoOn),
            ("expired", Disposition::Named)
        ]
    );
    let back = Disposition::BackTo {
        target: StepId(1),
        max_rounds: 3,
        then: Box::new(end("rejected")),
    };
    assert_eq!(
        of(2),
        [
            ("approved", Disposition::GoOn),
            ("changes_requested", back),
            ("rejected", end("rejected")),
            ("expired", Disposition::Named),
        ]
    );
    assert_eq!(of(4), [("done", end("expired")), ("failed", Disposition::GoOn)]);
}

#[test]
fn what_steps_do_is_compiled() {
    let plan = plan(REVIEW);
    let PlanVerb::Uses { pure, acquires, .. } = &plan.steps[0].verb else {
        panic!()
    };
    assert!(!pure && acquires.is_some());
    assert!(matches!(
        &plan.steps[3].verb,
        PlanVerb::Uses {
            pure: true,
            acquires: None,
            ..
        }
    ));
    let retry = plan.steps[0].retry;
    assert_eq!(
        (retry.attempts, retry.backoff_ms, retry.max_ms),
        (5, 10_000, 172_800_000)
    );
    assert!((retry.factor - 3.0).abs() < f64::EPSILON);
    let PlanVerb::Wait(wait) = &plan.steps[1].verb else {
        panic!()
    };
    assert!(!wait.all && wait.alternatives["version"].filter.is_some());
    let deadline = plan.steps[1].deadline.as_ref().unwrap();
    assert!(matches!(deadline.remind[..], [Reminder::Before(_), Reminder::After(_)]));
    assert_eq!(deadline.escalate[0].to.len(), 1);
    let PlanVerb::Ask(approve) = &plan.steps[2].verb else {
        panic!()
    };
    assert_eq!(
        approve.exclude,
        [Exclusion::Initiator, Exclusion::Uploader, Exclusion::Step(StepId(1))]
    );
    assert_eq!(approve.decisions, ["approved", "changes_requested", "rejected"]);
}

#[test]
fn verbs_have_their_outcomes() {
    let plan = plan(
        "
  - { id: one, wait: { event: a.b, key: '${{ inputs.k }}' }, deadline: none, because: it may take for ever }
  - { id: all, wait: { all: { x: { event: a.b }, y: { event: a.c } } }, deadline: { due: 20 days } }
  - { id: until, wait: { until: 2 days } }
  - { id: pick, choose: [{ when: inputs.n > 1, outcome: big }, { when: inputs.n > 0, outcome: big }, { otherwise: small }] }
  - { id: sure, check: [{ that: inputs.n > 0, else: too small }] }
  - { id: done, end: { status: over, message: 'n is ${{ inputs.n }}' } }
",
    );
    let of = |id: &str| {
        plan.step(id)
            .unwrap()
            .outcomes
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(of("one"), "received");
    assert_eq!(of("all"), "received expired");
    assert_eq!(of("until"), "received");
    assert_eq!(of("pick"), "big small");
    assert_eq!(of("sure"), "passed failed");
    assert_eq!(of("done"), "");
    let PlanVerb::Choose(branches) = &plan.step("pick").unwrap().verb else {
        panic!()
    };
    assert_eq!(
        branches.iter().map(|(when, _)| when.is_some()).collect::<Vec<_>>(),
        [true, true, false]
    );
}

#[test]
fn broken_expressions_are_found_at_the_word() {
    finds(
        "
  - id: a
    if: inputs.a =< 3
    uses: data.make
    with: { x: 'so ${{ 1 +* 2 }}', list: [\"${{ secrets.A ~ 'b' }}\"] }
",
        &[
            "GF201 \"=\": unexpected input after expression: write `==` to compare ()",
            "GF201 \"*\": unexpected `*` ()",
            "GF201 \"secrets.A\": a secret stands alone in its braces, under `with` of an action: `${{ secrets.NAME }}` ()",
        ],
    );
}

#[test]
fn conditions_lose_their_braces() {
    let yaml = "
  - { id: a, uses: data.make, if: \"${{ inputs.a == 'b' }}\" }
  - { id: b, check: [{ that: '${{ inputs.a }} == 1', else: not so }] }
";
    finds(
        yaml,
        &[
            "GF209 \"${{ inputs.a == 'b' }}\": a condition is written without `${{ }}` (remove the braces)",
            "GF209 \"${{\": a condition is one expression, written without `${{ }}` (write the names as they are, as `inputs.amount > 1000`)",
        ],
    );
    let (document, plan, findings) = compiled(yaml);
    let fix = findings[0].fix.as_ref().unwrap();
    let mut text = document.text.to_string();
    text.replace_range(fix.span.start..fix.span.end, &fix.replacement);
    assert!(text.contains("if: \"inputs.a == 'b'\""), "{text}");
    assert_eq!(plan.steps[0].condition.as_ref().unwrap().source, "inputs.a == 'b'");
}

#[test]
fn unknown_steps_and_outcomes_come_with_the_nearest() {
    finds(
        "
  - { id: room, uses: data.make }
  - { id: ask, after: rom, approve: { document: x, by: [a], exclude: [roam] }, outcomes: { rejectd: { end: x }, rejected: { back_to: rooom, max_rounds: 2, then: { end: x } } } }
  - { id: next, after: [room.don, ask.expired, start, zzz] }
  - { id: last, uses: data.make, after: [room.don, ask.expired, start, zzz] }
",
        &[
            "GF203 \"rom\": there is no step `rom` (did you mean `room`?)",
            "GF305 \"don\": `room` has no outcome `don` (did you mean `done`?)",
            "GF305 \"expired\": `ask` has no outcome `expired` (`ask` cannot expire, because it has no `deadline` with `due`)",
            "GF203 \"start\": `start` cannot stand beside steps (write `after: start` alone for a step that begins the flow)",
            "GF203 \"zzz\": there is no step `zzz` (the steps are room, ask, last)",
            "GF203 \"roam\": there is no step `roam` (did you mean `room`?)",
            "GF305 \"rejectd\": `ask` has no outcome `rejectd` (did you mean `rejected`?)",
            "GF203 \"rooom\": there is no step `rooom` (did you mean `room`?)",
        ],
    );
}

#[test]
fn broken_steps_are_known_and_absent() {
    let yaml = "flow: t\nversion: 1.0.0\nsteps: [{ id: odd, title: Odd }, { id: a, uses: data.make }, { id: b, uses: data.make, after: [odd, a] }, { id: c, uses: data.make, after: gone }]";
    let (document, _, _) = compiled(yaml);
    let mut spec: crate::spec::FlowSpec = serde_json::from_value(document.value.clone()).unwrap();
    spec.broken.push("gone".to_owned());
    let (plan, findings) = crate::plan::compile(
        &document,
        &spec,
        &crate::plan::testing::catalog(),
        &crate::base::Calendars::new(),
    );
    assert_eq!(findings, []);
    let plan = plan.unwrap();
    assert_eq!(
        plan.steps.iter().map(|step| step.pointer.as_str()).collect::<Vec<_>>(),
        ["/steps/1", "/steps/2", "/steps/3"]
    );
    assert_eq!(plan.steps[1].after.len(), 1);
}

#[test]
fn cycles_are_told_once_with_all_their_steps() {
    let yaml = "
  - { id: a, uses: data.make, after: c }
  - { id: b, uses: data.make }
  - { id: c, uses: data.make }
  - { id: d, uses: data.make, after: d }
";
    finds(
        yaml,
        &[
            "GF302 \"c\": `a`, `b`, `c` come after each other (to do steps again, lead an outcome back with `back_to` and `max_rounds`)",
            "GF302 \"d\": `d` comes after itself (to do steps again, lead an outcome back with `back_to` and `max_rounds`)",
        ],
    );
    let (document, plan, findings) = compiled(yaml);
    let related: Vec<&str> = findings[0]
        .related
        .iter()
        .map(|label| &document.text[label.span.start..label.span.end])
        .collect();
    assert_eq!(related, ["b", "c"]);
    assert_eq!(plan.index.order.len(), 4);
}

#[test]
fn only_so_many_cycles_are_told_and_every_one_is_cut() {
    let flow = |count: usize| -> String {
        let step = |at| {
            format!(
                "  - {{ id: s{at}, uses: data.make, after: [s{at}, s{}] }}\n",
                (at + 1) % count
            )
        };
        (0..count).map(step).collect()
    };
    for (count, told) in [
        (MAX_CYCLES - 1, MAX_CYCLES),
        (MAX_CYCLES, MAX_CYCLES),
        (MAX_CYCLES + 1, MAX_CYCLES),
    ] {
        let (_, plan, findings) = compiled(&flow(count));
        assert!(findings.iter().all(|finding| finding.code == codes::CYCLE));
        assert_eq!(findings.len(), told, "{count}");
        assert_eq!(plan.index.order.len(), count);
    }
}

#[test]
fn ways_back_are_bounded() {
    finds(
        "
  - { id: a, uses: data.make }
  - { id: b, check: [{ that: 'true', else: x }], outcomes: { failed: { back_to: a, max_rounds: 1, then: { end: x } } } }
",
        &[
            "GF306 \"1\": `max_rounds` counts the first round too, so it must be at least 2 (write how many rounds there may be in all)",
        ],
    );
}

#[test]
fn times_are_read() {
    let found = findings(
        "
  - id: a
    wait: { until: soon }
    deadline: { due: ten days, remind: [3 days, 1 dy before], escalate: { after: x, to: [] } }
    retry: { attempts: 2, backoff: 1 month }
",
    );
    let places: Vec<&str> = found.iter().map(|finding| finding.split(':').next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "GF403 \"soon\"",
            "GF403 \"ten days\"",
            "GF403 \"3 days\"",
            "GF403 \"1 dy before\"",
            "GF403 \"x\"",
            "GF403 \"1 month\"",
        ]
    );
}

#[test]
fn working_time_needs_a_calendar() {
    let steps = "steps:\n  - { id: a, wait: { event: a.b }, deadline: { due: 2 business days } }\n";
    finds(
        &format!("flow: t\nversion: 1.0.0\n{steps}"),
        &[
            "GF404 \"2 business days\": working time is counted here, and the flow names no calendar (add `calendar: NAME` at the top of the flow, or count in days and hours)",
        ],
    );
    finds(
        &format!("flow: t\nversion: 1.0.0\ncalendar: corprate\n{steps}"),
        &["GF404 \"corprate\": there is no calendar `corprate` (did you mean `corporate`?)"],
    );
    finds(&format!("flow: t\nversion: 1.0.0\ncalendar: corporate\n{steps}"), &[]);
}

#[test]
fn deadlines_stand_where_somebody_is_waited_for() {
    finds(
        "
  - { id: a, uses: data.make, deadline: { due: 2 days } }
  - { id: b, uses: data.make, after: a.expired }
",
        &[
            "GF305 \"expired\": `a` has no outcome `expired` (`a` cannot expire, because it has no `deadline` with `due`)",
            "GF308 \"deadline\": `a` waits for nobody, so it has no deadline (put the deadline at a `wait`, an `approve`, a `task` or a `collect`; a call is bounded by its connection and `retry`)",
        ],
    );
}

#[test]
fn always_is_a_list_of_its_own() {
    let yaml = "flow: t\nversion: 1.0.0\nsteps: [{ id: a, uses: data.make }]\nalways: [{ id: x, uses: mail.send }, { id: y, uses: mail.send, after: [x.failed, a] }]";
    finds(
        yaml,
        &[
            "GF203 \"a\": `a` does not stand under `always` (`steps` and `always` are ordered apart: `always` runs when the rest is over)",
        ],
    );
    let (_, plan, _) = compiled(yaml);
    assert_eq!(plan.always[1].after.len(), 1);
    assert_eq!(plan.always[1].pointer, "/always/1");
    assert_eq!(plan.always_index.order, [StepId(0), StepId(1)]);
}

#[test]
fn the_hash_tells_texts_and_calendars_apart() {
    let with = |text: &str| compiled(text).1.hash;
    let one = "flow: t\nversion: 1.0.0\nsteps: [{ id: a, uses: data.make }]\n";
    let two = "flow: t\nversion: 1.0.0\ncalendar: corporate\nsteps: [{ id: a, uses: data.make }]\n";
    assert_eq!(with(one), with(one));
    assert_ne!(with(one), with(two));
    assert_eq!(with(one).len(), 64);
}

#[test]
fn the_flow_of_the_first_page_has_no_finding() {
    let text = include_str!("../../../definitions/external-review.flow.yaml");
    let (document, _) = crate::base::Document::parse("external-review.flow.yaml", text);
    let (spec, findings) = crate::spec::read_flow(&document);
    assert_eq!(findings, []);
    let calendars = crate::plan::testing::calendars();
    let (plan, findings) = crate::plan::compile(&document, &spec.unwrap(), crate::spec::Catalog::builtin(), &calendars);
    assert_eq!(findings, []);
    let plan = plan.unwrap();
    assert!(plan.steps.iter().all(|step| plan.knowledge().can_start(step.index)));
}
