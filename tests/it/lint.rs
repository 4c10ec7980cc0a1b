//! The verdict as a whole: everything in one pass, in order, at the exact word, whatever the text.

use gatefold::base::render::{FileFindings, human};
use gatefold::base::{Calendar, Calendars, Diagnostic, Severity};
use gatefold::lint::{Surroundings, Verdict, check};
use gatefold::spec::Catalog;
use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;

static CALENDARS: LazyLock<Calendars> = LazyLock::new(|| {
    let calendar = Calendar {
        zone: "Europe/Madrid".into(),
        hours: vec!["09:00-17:00".into()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        holidays: Vec::new(),
    };
    Calendars::from([("corporate".to_owned(), calendar)])
});

const EXTERNAL_REVIEW: &str = include_str!("../../definitions/external-review.flow.yaml");
const DEFINITIONS: [&str; 6] = [
    EXTERNAL_REVIEW,
    MANY,
    include_str!("../../definitions/cooling-off.flow.yaml"),
    include_str!("../../definitions/customer-deliverable.flow.yaml"),
    include_str!("../../definitions/payment-release.flow.yaml"),
    include_str!("../../definitions/supplier-papers.flow.yaml"),
];
const MANY: &str = include_str!("../data/lint/many-errors.flow.yaml");

pub fn lint(text: &str) -> Verdict {
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &CALENDARS,
        people: None,
        flows: None,
        secrets: None,
    };
    check("a.flow.yaml", text, surroundings)
}

fn word<'t>(text: &'t str, finding: &Diagnostic) -> &'t str {
    &text[finding.primary.start..finding.primary.end]
}

/// Each finding as `CODE word`.
pub fn told(text: &str) -> Vec<String> {
    let found = lint(text).findings;
    found
        .iter()
        .map(|finding| format!("{} {}", finding.code.id, word(text, finding)))
        .collect()
}

/// A flow with these steps, a document, an amount and a share as its inputs.
pub fn flow(steps: &str) -> String {
    let inputs = "  document: { type: file }\n  amount: { type: number }\n  share: { type: text }\n";
    format!("flow: a\nversion: 1.0.0\ncalendar: corporate\ninputs:\n{inputs}steps:\n{steps}")
}

/// A mail with this text, as the last step.
fn mail(rest: &str, text: &str) -> String {
    format!(
        "  - id: mail\n{rest}    uses: mail.send\n    with: {{ to: role:legal, subject: News, text: \"{text}\" }}\n"
    )
}

/// A wait for a signed file or a comment.
const REPLY: &str = "  - id: reply
    wait:
      any:
        signed: { event: file360.file_uploaded, on: \"${{ inputs.share }}\" }
        remark: { event: file360.comment_added, on: \"${{ inputs.share }}\" }
    deadline: { due: 5 days }
";

#[test]
fn all_findings_of_a_file_come_in_one_pass_and_in_order() {
    let found = lint(MANY).findings;
    let codes: Vec<&str> = found.iter().map(|finding| finding.code.id).collect();
    let marked: Vec<&str> = MANY
        .lines()
        .filter_map(|line| {
            line.rsplit_once("  # GF")
                .map(|(_, code)| &line[line.len() - code.len() - 2..])
        })
        .collect();
    assert_eq!(codes, marked, "{:#?}", told(MANY));
    assert!(
        codes.iter().collect::<std::collections::BTreeSet<_>>().len() >= 12,
        "twelve different ones"
    );
    assert!(found.is_sorted_by_key(|finding| finding.primary), "in reading order");
    for (finding, line) in found
        .iter()
        .zip(MANY.lines().enumerate().filter(|(_, line)| line.contains("  # GF")))
    {
        assert_eq!(
            MANY[..finding.primary.start].matches('\n').count(),
            line.0,
            "{}",
            line.1
        );
    }
}

#[test]
fn the_same_text_has_the_same_verdict() {
    let first = lint(MANY).findings;
    for _ in 0..10 {
        assert_eq!(lint(MANY).findings, first);
    }
}

#[test]
fn every_definition_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("definitions");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.to_string_lossy().ends_with(".flow.yaml") {
            let text = std::fs::read_to_string(&path).expect("it can be read");
            let verdict = lint(&text);
            assert_eq!(verdict.findings, [], "{}", path.display());
            assert!(verdict.plan.is_some());
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn a_misspelt_word_in_an_expression_is_told_at_the_word_with_its_mend() {
    let upstream = "  - id: first\n    uses: data.set\n    with: { value: 1 }\n";
    for (wrong, word_wrong, code, right) in [
        ("${{ inputs.documnet.name }}", "documnet", "GF202", "document"),
        ("${{ steps.fist.value }}", "fist", "GF203", "first"),
        ("${{ steps.first.vaule }}", "vaule", "GF204", "value"),
        ("${{ inputs.document.nmae }}", "nmae", "GF210", "name"),
        ("${{ run.intiator }}", "intiator", "GF210", "initiator"),
        ("${{ input.share }}", "input", "GF210", "inputs"),
        ("${{ document.name }}", "document", "GF210", "inputs.document"),
        ("twice ${{ run.id }} and ${{ run.idd }}", "idd", "GF210", "id"),
    ] {
        let text = flow(&format!("{upstream}{}", mail("", wrong)));
        let found = lint(&text).findings;
        let [finding] = found.as_slice() else {
            panic!("{wrong}: {found:#?}")
        };
        assert_eq!((finding.code.id, word(&text, finding)), (code, word_wrong), "{wrong}");
        let help = finding.help.as_deref().unwrap_or_default();
        assert_eq!(help, format!("did you mean `{right}`?"), "{wrong}");
        let fix = finding.fix.as_ref().expect("a certain mend");
        let mut mended = text.clone();
        mended.replace_range(fix.span.start..fix.span.end, &fix.replacement);
        assert_eq!(told(&mended), [""; 0], "{mended}");
    }
}

#[test]
fn words_are_found_in_every_style_of_text() {
    for text in [
        "'a ''b'' ${{ inputs.amout }}'",
        "\"a \\\"b\\\" ${{ inputs.amout }}\"",
        "|\n        a\n        ${{ inputs.amout }}",
    ] {
        let steps = format!(
            "  - id: mail\n    uses: mail.send\n    with:\n      to: role:legal\n      subject: News\n      text: {text}\n"
        );
        assert_eq!(told(&flow(&steps)), ["GF202 amout"], "{text}");
    }
}

#[test]
fn what_hangs_on_one_outcome_may_use_what_that_outcome_gives() {
    let expired = "    outcomes: { expired: { end: late }, signed: continue, remark: continue }\n";
    let after = |after: &str, join: &str| format!("    after: {after}\n{join}");
    for (rest, expression, expected) in [
        (after("reply.signed", ""), "${{ steps.reply.file.name }}", ""),
        (after("reply.remark", ""), "${{ steps.reply.comment.text }}", ""),
        (
            after("reply.remark", ""),
            "${{ steps.reply.folder }}",
            "GF208 steps.reply.folder",
        ),
        (
            after("reply", ""),
            "${{ steps.reply.comment.text }}",
            "GF208 steps.reply.comment.text",
        ),
        (after("reply", ""), "${{ steps.reply.comment.text or 'none' }}", ""),
        (after("reply", ""), "${{ steps.reply.by }}", ""),
        (after("reply", ""), "${{ steps.reply.outcome }}", ""),
        (
            after("[reply.signed, reply.remark]", "    join: any\n"),
            "${{ steps.reply.comment.text }}",
            "GF208 steps.reply.comment.text",
        ),
        (
            after("reply", ""),
            "${{ steps.reply.share }}",
            "GF208 steps.reply.share",
        ),
        (after("reply.remark", ""), "${{ steps.reply.share }}", ""),
    ] {
        let text = flow(&format!("{REPLY}{expired}{}", mail(&rest, expression)));
        assert_eq!(told(&text).join("\n"), expected, "{text}");
    }
}

#[test]
fn what_an_if_proves_holds_in_its_step() {
    let large = "  - { id: large, if: inputs.amount > 10, uses: data.set, with: { value: Look twice. } }\n";
    let reply = REPLY.to_owned() + "    outcomes: { expired: { end: late } }\n";
    for (before, condition, expression, expected) in [
        (large, "steps.large is defined", "${{ steps.large.value }}", ""),
        (
            large,
            "steps.large is defined and inputs.amount < 99",
            "${{ steps.large.value }}",
            "",
        ),
        (
            large,
            "steps.large is defined or inputs.amount < 99",
            "${{ steps.large.value }}",
            "GF208 steps.large.value",
        ),
        (
            large,
            "steps.large is not defined",
            "${{ steps.large.value }}",
            "GF208 steps.large.value",
        ),
        (
            &reply,
            "steps.reply.outcome == 'remark'",
            "${{ steps.reply.comment.text }}",
            "",
        ),
        (
            &reply,
            "inputs.amount > 1 and 'remark' == steps.reply.outcome",
            "${{ steps.reply.comment.text }}",
            "",
        ),
        (
            &reply,
            "steps.reply.outcome != 'signed'",
            "${{ steps.reply.comment.text }}",
            "GF208 steps.reply.comment.text",
        ),
        (
            &reply,
            "steps.reply.outcome == 'signed'",
            "${{ steps.reply.comment.text }}",
            "GF208 steps.reply.comment.text",
        ),
        (
            &reply,
            "steps.reply.comment is defined",
            "${{ steps.reply.comment.text }}",
            "",
        ),
    ] {
        let text = flow(&format!(
            "{before}{}",
            mail(&format!("    if: {condition}\n"), expression)
        ));
        assert_eq!(told(&text).join("\n"), expected, "{condition}");
    }
}

#[test]
fn what_an_outcome_excludes_is_never_there() {
    let text = flow(&format!(
        "{REPLY}{}",
        mail("    after: reply.expired\n", "${{ steps.reply.file.name }}")
    ));
    let found = lint(&text).findings;
    assert_eq!(told(&text), ["GF208 steps.reply.file.name"]);
    assert!(
        found[0]
            .message
            .contains("no outcome of step \"reply\" that leads here"),
        "{}",
        found[0].message
    );
    let failed = "  - id: call\n    uses: http.request\n    with: { url: \"https://example.com\" }\n";
    let text = flow(&format!(
        "{failed}{}",
        mail("    after: call.failed\n", "${{ steps.call.error }}")
    ));
    assert_eq!(told(&text), [""; 0]);
    let text = flow(&format!(
        "{failed}{}",
        mail("    after: call\n", "${{ steps.call.error }}")
    ));
    assert_eq!(told(&text), ["GF208 steps.call.error"]);
}

#[test]
fn joins_that_exclude_each_other_are_found_through_the_steps_between() {
    let split = "  - id: size
    choose:
      - { when: inputs.amount > 10, outcome: large }
      - { otherwise: small }
  - { id: one, after: size.large, uses: data.set, with: { value: 1 } }
  - { id: two, after: size.small, uses: data.set, with: { value: 2 } }
";
    for (join, expected) in [
        ("    after: [one, two]\n", "GF303 [one, two]"),
        ("    after: [one, two]\n    join: 2\n", "GF303 2"),
        ("    after: [one, two]\n    join: 3\n", "GF303 3"),
        ("    after: [one, two]\n    join: any\n", ""),
        ("    after: [one, two]\n    join: settled\n", ""),
        ("    after: [one, two]\n    join: 1\n", ""),
        ("    after: [size, one]\n", ""),
    ] {
        let text = flow(&format!("{split}{}", mail(join, "It is there.")));
        assert_eq!(told(&text).join("\n"), expected, "{join}");
    }
}

#[test]
fn an_outcome_that_goes_nowhere_is_told_with_the_line_to_add() {
    let text = flow(
        "  - id: sign
    title: Legal sign-off
    approve: { document: \"${{ inputs.document }}\", by: [role:legal] }
    deadline: { due: 5 days }
    outcomes: { rejected: { end: rejected } }
",
    );
    let found = lint(&text).findings;
    let messages: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "outcome `changes_requested` of step \"Legal sign-off\" goes nowhere",
            "outcome `expired` of step \"Legal sign-off\" goes nowhere",
        ]
    );
    assert_eq!(told(&text), ["GF304 approve", "GF304 deadline"]);
    let mended = text.replace(
        "{ rejected: { end: rejected } }",
        "{ rejected: { end: rejected }, changes_requested: { end: changes_requested }, expired: { end: expired } }",
    );
    for finding in &found {
        let help = finding.help.as_deref().unwrap_or_default();
        let line = help.split('`').nth(1).expect("a line to add");
        assert!(mended.contains(line), "{line}");
    }
    assert_eq!(told(&mended), [""; 0]);
}

#[test]
fn one_mistake_is_told_once() {
    // A step that is not understood is not missing, and what it named still goes somewhere.
    let text = flow(&format!(
        "{REPLY}  - id: late\n    after: reply.expired\n    usse: mail.send\n{}",
        mail("    after: late\n", "${{ steps.late.mail }}")
    ));
    assert_eq!(told(&text), ["GF101 usse"]);
    // A syntax error hides what follows, which is not missing either.
    let text = flow(&format!(
        "  - id: first\n    title: \"open\n    uses: data.set\n    with: {{ value: 1 }}\n{}",
        mail("", "${{ steps.first.value }}")
    ));
    let codes: Vec<String> = told(&text).iter().map(|told| told[..5].to_owned()).collect();
    assert!(
        codes.iter().all(|code| code == "GF001") && !codes.is_empty(),
        "{codes:?}"
    );
    // What comes after a step that can never run is not reported as well.
    let over = "  - { id: over, end: { status: done } }\n  - { id: one, uses: data.set, with: { value: 1 } }\n  - { id: two, uses: data.set, with: { value: \"${{ steps.one.value }}\" } }\n";
    assert_eq!(told(&flow(over)), ["GF301 one"]);
}

#[test]
fn comments_silence_what_is_opinion_and_nothing_else() {
    let dated = |above: &str, behind: &str| {
        flow(&format!(
            "  - id: sign\n    task: {{ to: [role:legal], title: Sign }}\n{above}    deadline: {{ due: \"2999-01-31\" }}{behind}\n    outcomes: {{ declined: {{ end: declined }}, expired: {{ end: late }} }}\n"
        ))
    };
    for (above, behind, expected) in [
        ("", "", "GF403 \"2999-01-31\""),
        ("    # lint: allow GF403 because it is short\n", "", ""),
        (
            "    # lint: allow GF403 because it is short\n    # and more\n\n",
            "",
            "",
        ),
        ("", " # lint: allow GF403 because it is short", ""),
        ("", " # lint: allow GF403", "GF902 # lint: allow GF403"),
        ("", " # lint: allow GF403 because", "GF902 # lint: allow GF403 because"),
        ("", " # lint: ignore", "GF403 \"2999-01-31\"\nGF902 # lint: ignore"),
        ("", " # lint: allow GF403, GF401 because it is short", "GF901 GF401"),
        (
            "    # lint: allow GF403 because it is short\n    x-note: between\n",
            "",
            "GF901 GF403\nGF403 \"2999-01-31\"",
        ),
    ] {
        assert_eq!(told(&dated(above, behind)).join("\n"), expected, "{above:?} {behind:?}");
    }
    let text = flow(&mail("", "${{ inputs.amout }}").replace("\" }\n", "\" } # lint: allow GF202 because I want to\n"));
    let found = lint(&text).findings;
    assert_eq!(told(&text), ["GF202 amout", "GF901 GF202"]);
    assert_eq!(found[1].message, "GF202 would break a run and cannot be silenced");
    let in_a_text = flow(&mail("", "a # lint: allow GF403 because it is no comment"));
    assert_eq!(told(&in_a_text), [""; 0]);
}

#[test]
fn a_secret_is_found_and_never_repeated() {
    let text = flow(
        "  - id: call
    uses: http.request
    with: { url: \"https://anna:hunter2@example.com\", headers: { authorization: hunter2 } }
",
    );
    let found = lint(&text).findings;
    assert_eq!(
        found.iter().map(|finding| finding.code.id).collect::<Vec<_>>(),
        ["GF701", "GF701"]
    );
    for finding in found {
        let shown = format!(
            "{}{:?}{:?}{:?}",
            finding.message, finding.label, finding.help, finding.related
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn always_steps_are_checked_by_the_same_rules() {
    let text = flow(&format!(
        "{}always:\n  - id: last\n    uses: data.set\n    with: {{ value: \"${{{{ steps.mail.mail }}}}\" }}\n  - id: very_last\n    uses: data.set\n    with: {{ value: \"${{{{ steps.last.value }}}}\" }}\n",
        mail("", "x")
    ));
    assert_eq!(
        told(&text),
        ["GF208 steps.mail.mail"],
        "the run may end before any step"
    );
}

#[test]
fn triggers_know_only_their_event() {
    let head = |on: &str| {
        let given = flow(&mail("", "x")).replace("type: file }", "type: object, default: {} }");
        let given = given
            .replace("type: number }", "type: number, default: 1 }")
            .replace("type: text }", "type: text, default: x }");
        given.replace("inputs:\n  document", &format!("on:\n{on}inputs:\n  document"))
    };
    for (on, expected) in [
        (
            "  event: { type: file360.file_uploaded, where: event.folder == '/in' }\n",
            "",
        ),
        (
            "  event: { type: file360.file_uploaded, where: event.foldr == '/in' }\n",
            "GF210 foldr",
        ),
        (
            "  event: { type: file360.file_uploaded, where: inputs.amount > 1 }\n",
            "GF210 inputs",
        ),
        ("  event: { type: file360.file_upload }\n", "GF605 file360.file_upload"),
        ("  event: { type: erp.order_placed, where: event.any.thing == 1 }\n", ""),
        (
            "  document: { expires_within: 5 business days, in: /in, where: event.item == 'tax' }\n",
            "",
        ),
        ("  document: { where: event.itm == 'tax' }\n", "GF210 itm"),
        ("  document: { where: inputs.amount > 1 }\n", "GF210 inputs"),
        ("  document: { expires_within: soon }\n", "GF403 soon"),
        ("  document: { in: in }\n", "GF103 in"),
    ] {
        assert_eq!(told(&head(on)).join("\n"), expected, "{on}");
    }
}

/// What lint finds in a flow with these inputs and this trigger.
fn told_of_trigger(inputs: &str, on: &str) -> String {
    let (inputs, steps) = (inputs.replace("; ", "\n  "), mail("", "x"));
    told(&format!(
        "flow: a\nversion: 1.0.0\non:\n  {on}\ninputs:\n  {inputs}\nsteps:\n{steps}"
    ))
    .join("\n")
}

#[test]
fn a_trigger_without_a_map_gives_what_has_the_name_of_an_input() {
    let uploaded = "event: { type: file360.file_uploaded }";
    for (inputs, on, expected) in [
        ("file: { type: file }", uploaded, ""),
        ("doc: { type: file }", uploaded, "GF109 event"),
        ("share: { type: text }", uploaded, "GF109 event"),
        ("doc: { type: text, default: x }", uploaded, ""),
        ("file: { type: text }", uploaded, "GF206 event"),
        ("date: { type: date }", "schedule: { cron: 0 8 * * *, zone: UTC }", ""),
        (
            "day: { type: date }",
            "schedule: { cron: 0 8 * * *, zone: UTC }",
            "GF109 schedule",
        ),
        ("any: { type: text }", "flow: { name: other }", ""),
        ("file: { type: file }; valid_until: { type: date }", "document: {}", ""),
        ("item: { type: text }", "document: {}", ""),
        ("doc: { type: file }", "document: {}", "GF109 document"),
        ("label: { type: number }", "document: {}", "GF206 document"),
        ("any: { type: text }", "event: { type: erp.order_placed }", ""),
        ("any: { type: text }", "webhook: { secret: S }", ""),
    ] {
        assert_eq!(told_of_trigger(inputs, on), expected, "{inputs} {on}");
    }
}

#[test]
fn a_trigger_with_a_map_gives_that_and_nothing_else() {
    for (inputs, map, expected) in [
        ("doc: { type: file }", "doc: '${{ event.file }}'", ""),
        (
            "doc: { type: file }; to: { type: email }",
            "doc: '${{ event.file }}'",
            "GF109 inputs",
        ),
        ("doc: { type: file }", "doc: '${{ event.file }}', dok: 1", "GF202 dok"),
        ("doc: { type: number }", "doc: '${{ event.file }}'", "GF206 event.file"),
        ("doc: { type: list }", "doc: 'x ${{ event.by }}'", "GF206 event.by"),
        ("doc: { type: text }", "doc: 'x ${{ event.file }}'", ""),
        ("doc: { type: date }", "doc: soon", "GF206 soon"),
        ("doc: { type: number }", "doc: '12'", ""),
        ("doc: { type: number }", "doc: twelve", "GF206 twelve"),
    ] {
        let on = format!("event: {{ type: file360.file_uploaded, inputs: {{ {map} }} }}");
        assert_eq!(told_of_trigger(inputs, &on), expected, "{inputs} {on}");
    }
    let on = "webhook: { secret: S, inputs: { dok: '${{ event.x }}' } }";
    assert_eq!(told_of_trigger("doc: { type: text }", on), "GF109 inputs\nGF202 dok");
}

#[test]
fn outputs_that_a_completed_run_may_lack_are_told() {
    let two =
        "  - { id: one, uses: data.set, with: { value: 1 } }\n  - { id: two, IFuses: data.set, with: { value: 2 } }\n";
    let choice = "  - { id: pick, choose: [{ when: inputs.amount > 1, outcome: a }, { otherwise: b }] }
  - { id: a, after: pick.a, uses: data.set, with: { value: 1 } }
  - { id: b, after: pick.b, uses: data.set, with: { value: 2 } }\n";
    let joined = format!("{choice}  - {{ id: z, after: [a, b], join: any, uses: data.set, with: {{ value: 3 }} }}\n");
    let fork = "  - { id: a, after: start, uses: data.set, with: { value: 1 } }
  - { id: b, after: start, uses: data.set, with: { value: 2 } }\n";
    let asked = "  - id: ok
    approve: { document: '${{ inputs.document }}', by: [role:legal] }
    deadline: { due: 2 days }
    outcomes: { changes_requested: { end: nay }, rejected: { end: nay }, expired: { end: late } }\n";
    let always = two.replace("IF", "");
    let skipped = two.replace("IF", "if: inputs.amount > 1, ");
    for (steps, output, expected) in [
        (always.as_str(), "steps.two.value", ""),
        (&skipped, "steps.one.value", ""),
        (&skipped, "steps.two.value", "GF208 steps.two.value"),
        (&skipped, "steps.two.value or none", ""),
        (choice, "steps.pick.outcome", ""),
        (choice, "steps.a.value", "GF208 steps.a.value"),
        (&joined, "steps.z.value", ""),
        (&joined, "steps.b.value", "GF208 steps.b.value"),
        (fork, "steps.a.value ~ steps.b.value", ""),
        // Where the run ends before, it gives what it has.
        (asked, "steps.ok.document", ""),
        (&always, "steps.two.valeu", "GF204 valeu"),
    ] {
        let text = flow(steps).replace(
            "steps:\n",
            &format!("outputs: {{ x: \"${{{{ {output} }}}}\" }}\nsteps:\n"),
        );
        assert_eq!(told(&text).join("\n"), expected, "{output} of\n{steps}");
        let is_error = |finding: &Diagnostic| finding.code.id == "GF208" && finding.severity == Severity::Error;
        assert!(!lint(&text).findings.iter().any(is_error), "the run does without");
    }
}

#[test]
fn a_value_that_cannot_be_what_its_place_needs_is_told() {
    for (steps, expected) in [
        (
            REPLY.replace("${{ inputs.share }}", "${{ inputs.document }}"),
            "GF206 inputs.document\nGF206 inputs.document",
        ),
        (REPLY.replace("${{ inputs.share }}", "${{ inputs.document.id }}"), ""),
        (mail("", "${{ inputs.amount }}"), "GF604 \"${{ inputs.amount }}\""),
        (mail("", "${{ inputs.amount | string }}"), ""),
        (mail("", "for ${{ inputs.amount }}"), ""),
        (mail("", "${{ inputs.document }}"), "GF604 \"${{ inputs.document }}\""),
    ] {
        let steps = steps.replace(
            "due: 5 days }\n",
            "due: 5 days }\n    outcomes: { expired: { end: late } }\n",
        );
        assert_eq!(told(&flow(&steps)).join("\n"), expected, "{steps}");
    }
}

#[test]
fn a_way_that_never_opens_is_told_where_the_step_can_do_without() {
    let reply = REPLY.to_owned() + "    outcomes: { expired: { end: late }, remark: continue }\n";
    let text = flow(&format!(
        "{reply}{}",
        mail("    after: [reply.signed, reply.expired]\n    join: any\n", "x")
    ));
    assert_eq!(told(&text), ["GF301 [reply.signed, reply.expired]"]);
    assert_eq!(lint(&text).findings[0].severity, Severity::Warning);
}

/// A small change of a text, as a hurried author or a bad merge would make it.
#[derive(Clone, Debug)]
enum Change {
    Truncate(usize),
    Nest(usize, usize, &'static str),
    DropLine(usize),
    RepeatLine(usize),
    SwapLines(usize, usize),
    DropBytes(usize, usize),
    Insert(usize, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    const PIECES: [&str; 20] = [
        "\t",
        "\n",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "\"",
        "'",
        "#",
        "&a ",
        "*a",
        "${{",
        "}}",
        "é",
        "steps.room.",
        "| ",
        "!x ",
        "\u{0}",
        "# lint: allow GF401 because x",
    ];
    const BRACKETS: [&str; 5] = ["[", "{a: ", "- ", "${{ (", "&a [*a, "];
    prop_oneof![
        any::<usize>().prop_map(Change::Truncate),
        (any::<usize>(), 1_usize..200, proptest::sample::select(&BRACKETS[..]))
            .prop_map(|(at, times, piece)| Change::Nest(at, times, piece)),
        any::<usize>().prop_map(Change::DropLine),
        any::<usize>().prop_map(Change::RepeatLine),
        any::<(usize, usize)>().prop_map(|(a, b)| Change::SwapLines(a, b)),
        (any::<usize>(), 1_usize..40).prop_map(|(at, length)| Change::DropBytes(at, length)),
        (any::<usize>(), proptest::sample::select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert(at, piece)),
    ]
}

fn boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at % (text.len() + 1))
}

fn changed(text: &str, change: &Change) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.is_empty() {
        return text.to_owned();
    }
    let count = lines.len();
    match *change {
        Change::DropLine(at) => {
            lines.remove(at % count);
        }
        Change::RepeatLine(at) => lines.insert(at % count, lines[at % count]),
        Change::SwapLines(a, b) => lines.swap(a % count, b % count),
        Change::DropBytes(at, length) => {
            let start = boundary(text, at);
            let end = text.floor_char_boundary((start + length).min(text.len()));
            return [&text[..start], &text[end..]].concat();
        }
        Change::Truncate(at) => return text[..boundary(text, at)].to_owned(),
        Change::Nest(at, times, piece) => {
            let at = boundary(text, at);
            return [&text[..at], &piece.repeat(times), &text[at..]].concat();
        }
        Change::Insert(at, piece) => {
            let at = boundary(text, at);
            return [&text[..at], piece, &text[at..]].concat();
        }
    }
    lines.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_verdict_panic_or_point_outside(
        which in 0_usize..DEFINITIONS.len(),
        changes in proptest::collection::vec(change(), 1..8),
    ) {
        let mut text = DEFINITIONS[which].to_owned();
        for change in &changes {
            text = changed(&text, change);
        }
        let verdict = lint(&text);
        for finding in &verdict.findings {
            let spans = std::iter::once(finding.primary)
                .chain(finding.related.iter().map(|label| label.span))
                .chain(finding.fix.iter().map(|fix| fix.span));
            for span in spans {
                prop_assert!(span.start <= span.end, "{finding:?}");
                prop_assert!(text.get(span.start..span.end).is_some(), "{finding:?}");
            }
            prop_assert!(!finding.message.is_empty() && !finding.message.ends_with('.'), "{}", finding.message);
        }
        prop_assert!(verdict.findings.is_sorted_by_key(|finding| finding.primary));
        let errors = verdict.findings.iter().any(|finding| finding.severity == Severity::Error);
        prop_assert!(errors || verdict.plan.is_some(), "what has no errors has a plan");
        let file = FileFindings { name: "a.flow.yaml".to_owned(), text: text.as_str().into(), findings: verdict.findings };
        prop_assert_eq!(human::render(std::slice::from_ref(&file), false).is_empty(), file.findings.is_empty());
    }
}
