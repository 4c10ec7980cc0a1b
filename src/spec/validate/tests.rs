use super::*;
use crate::base::Severity;
use crate::base::render::{FileFindings, human};
use crate::spec::limits::*;
use crate::spec::schema::flow_schema;
use proptest::prelude::*;

fn read(text: &str) -> (Option<FlowSpec>, Vec<Diagnostic>, Document) {
    let (document, mut findings) = Document::parse("a.flow.yaml", text);
    let (flow, more) = read_flow(&document);
    findings.extend(more);
    (flow, findings.into(), document)
}

/// Each finding as `CODE place: message`.
fn told(text: &str) -> Vec<String> {
    let (_, findings, document) = read(text);
    let place = |span: Span| document.text[span.start..span.end].to_owned();
    findings
        .iter()
        .map(|finding| format!("{} `{}`: {}", finding.code.id, place(finding.primary), finding.message))
        .collect()
}

/// A flow with these steps.
fn flow(steps: &str) -> String {
    format!("flow: a\nversion: 1.0.0\nsteps:\n{steps}")
}

/// What is told of a step called `s` with these lines.
fn told_of(step: &str) -> Vec<String> {
    let lines = step
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect::<Vec<_>>()
        .concat();
    told(&flow(&format!("  - id: s\n    title: Sign off\n{lines}")))
}

#[track_caller]
fn assert_step(step: &str, expected: &[&str]) {
    assert_eq!(told_of(step), expected, "{step}");
}

const EXTERNAL_REVIEW: &str = include_str!("../../../tests/data/spec/ok/external-review.flow.yaml");
const EVERY_KEY: &str = include_str!("../../../tests/data/spec/ok/every-key.flow.yaml");

#[test]
fn reset_affected_is_answered_by_reset_and_why() {
    let text = flow("  - { id: s, approve: { document: d, by: [x], on_new_version: reset_affected } }\n");
    let (_, findings, document) = read(&text);
    let file = FileFindings {
        name: document.name,
        text: document.text,
        findings,
    };
    let shown = human::render(std::slice::from_ref(&file), false);
    assert_eq!(file.findings.len(), 1, "{shown}");
    assert_eq!(file.findings[0].code.id, "GF103");
    for words in [
        "did you mean `reset`?",
        "an approval is about one document, so a newer version touches every decision on it",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn whole_flows_are_read() {
    for (text, steps) in [(EXTERNAL_REVIEW, 6), (EVERY_KEY, 11)] {
        let (flow, findings, document) = read(text);
        assert_eq!(findings, []);
        let flow = flow.expect("a flow");
        assert_eq!(flow.steps.len(), steps);
        assert!(flow.on.manual.is_some(), "`manual:` alone starts by hand");
        assert!(flow.steps.iter().all(|step| step.verb().is_some()));
        let schema = jsonschema::validator_for(&flow_schema()).expect("a schema");
        assert!(schema.is_valid(&document.value));
        let written = serde_json::to_value(&flow).expect("plain data");
        assert!(schema.is_valid(&written), "what is read can be written");
    }
}

#[test]
fn the_schema_is_a_schema() {
    jsonschema::draft202012::meta::validate(&flow_schema()).expect("valid");
}

#[test]
fn unknown_keys_are_told_at_the_word_with_the_nearest() {
    let (_, findings, document) = read(&flow("  - id: s\n    uses: mail.send\n    outcome: {}\n    wiht: {}\n"));
    let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        ["step `s` has no key `outcome`", "step `s` has no key `wiht`"]
    );
    for (finding, near) in findings.iter().zip(["outcomes", "with"]) {
        let fix = finding.fix.as_ref().expect("a fix");
        assert_eq!((fix.span, fix.replacement.as_str()), (finding.primary, near));
        let word = &document.text[finding.primary.start..finding.primary.end];
        assert!(finding.message.ends_with(&format!("`{word}`")));
    }
    assert_step(
        "uses: a.b\nneeds: [x]",
        &["GF101 `needs`: step \"Sign off\" has no key `needs`"],
    );
    assert_step(
        "wait: { until: 2 days }\nwith: {}",
        &["GF101 `with`: step \"Sign off\" has no key `with`"],
    );
    assert_step(
        "approve: { document: d, by: [x], rul: any }",
        &["GF101 `rul`: `approve` of step \"Sign off\" has no key `rul`"],
    );
    assert_eq!(
        told("flow: a\nversion: 1.0.0\nx-mine: 1\ninput: {}\nsteps: [{id: a, end: {status: x}}]\n"),
        ["GF101 `input`: the flow has no key `input`"]
    );
}

#[test]
fn missing_keys_are_told_where_they_are_missing() {
    assert_step(
        "approve: { by: [x] }",
        &["GF102 `approve`: `approve` of step \"Sign off\" lacks `document`"],
    );
    assert_step(
        "wait: { any: { a: { on: x } } }\ndeadline: { remind: [] }",
        &[
            "GF102 `a`: `a` in `any` in `wait` of step \"Sign off\" lacks `event`",
            "GF102 `deadline`: `deadline` of step \"Sign off\" lacks `due`",
        ],
    );
    assert_step(
        "wait: {}",
        &["GF102 `wait`: `wait` of step \"Sign off\" does not say what it waits for"],
    );
    assert_step(
        "choose: [{ when: a, outcome: b }]",
        &["GF102 `choose`: `choose` of step \"Sign off\" lacks `otherwise`"],
    );
    assert_step(
        "choose: [{ when: a }, { otherwise: b }]",
        &["GF102 `{ when: a }`: entry 1 of `choose` of step \"Sign off\" lacks `outcome`"],
    );
    assert_step(
        "end: { status: x }\noutcomes: { rejected: { back_to: a } }",
        &[
            "GF102 `rejected`: `rejected` in `outcomes` of step \"Sign off\" lacks `max_rounds`",
            "GF102 `rejected`: `rejected` in `outcomes` of step \"Sign off\" lacks `then`",
        ],
    );
    assert_eq!(
        told("title: x\n"),
        [
            "GF102 ``: the flow lacks `flow`",
            "GF102 ``: the flow lacks `steps`",
            "GF102 ``: the flow lacks `version`"
        ]
    );
    assert_eq!(told("# nothing\n"), ["GF102 ``: this file is empty"]);
    assert_eq!(
        told(&flow("  - uses: a.b\n")),
        ["GF102 `uses: a.b`: step number 1 lacks `id`"]
    );
}

#[test]
fn escalations_are_one_or_a_list() {
    assert_step(
        "wait: { until: 1 day }\ndeadline: { due: 9 days, escalate: role:lead }",
        &[
            "GF103 `role:lead`: `escalate` in `deadline` of step \"Sign off\" must be a map as \
           `{ after: 3 days, to: [role:lead] }`, or a list of such maps, found the text `role:lead`",
        ],
    );
    assert_step(
        "wait: { until: 1 day }\ndeadline: { due: 9 days, escalate: [{ after: 1 day, too: [a] }, { after: 2 days, to: role:b }] }",
        &[
            "GF101 `too`: entry 1 of `escalate` in `deadline` of step \"Sign off\" has no key `too`",
            "GF103 `role:b`: `to` in entry 2 of `escalate` in `deadline` of step \"Sign off\" must be a list, found the text `role:b`",
        ],
    );
}

#[test]
fn wrong_values_are_told_in_words() {
    assert_step(
        "wait: { until: 1 day }\ndeadline: [3 days]",
        &[
            "GF103 `[3 days]`: `deadline` of step \"Sign off\" must be a map as `{ due: 10 business days }`, or `none` \
           with a `because`, found a list",
        ],
    );
    assert_step(
        "approve: { document: d, by: role:legal }",
        &["GF103 `role:legal`: `by` in `approve` of step \"Sign off\" must be a list, found the text `role:legal`"],
    );
    assert_step(
        "approve: { document: d, by: [x], on_new_version: rest }",
        &[
            "GF103 `rest`: `on_new_version` in `approve` of step \"Sign off\" must be one of `reset`, `keep`, `lock`, \
           found the text `rest`",
        ],
    );
    assert_step(
        "approve: { document: d, by: [x], rule: most }",
        &[
            "GF103 `most`: `rule` in `approve` of step \"Sign off\" must be `all`, `any`, `majority`, `in_order`, a \
           number from 1 or a share as `60%`, found the text `most`",
        ],
    );
    assert_step(
        "wait: 2 days",
        &["GF103 `2 days`: `wait` of step \"Sign off\" must be a map of keys, found the text `2 days`"],
    );
    assert_step(
        "wait: { any: { a: { event: e } }, until: 2 days }",
        &["GF103 `until`: `wait` of step \"Sign off\" takes only one of `any` and `until`"],
    );
    assert_step(
        "uses: a.b\nretry: { attempts: 0 }",
        &["GF103 `0`: `attempts` in `retry` of step \"Sign off\" must be at least 1, found the number 0"],
    );
    assert_step(
        "uses:",
        &["GF103 `uses`: `uses` of step \"Sign off\" has no value: it must be a text"],
    );
    assert_step(
        "end: { status: x }\noutcomes: { rejected: ende }",
        &[
            "GF103 `ende`: `rejected` in `outcomes` of step \"Sign off\" must be `continue`, `{ end: STATUS }` or \
           `{ back_to: STEP, max_rounds: N, then: … }`, found the text `ende`",
        ],
    );
    assert_eq!(told("[a]\n"), ["GF103 `[a]`: a flow is a map of keys, found a list"]);
    assert_eq!(
        told("flow: a\nversion: 1.10\nsteps: [x, {id: a, end: {status: x}}]\n"),
        [
            "GF103 `1.10`: `version` must be a text, found the number 1.1, written `1.10`",
            "GF103 `x`: step number 1 must be a map of keys, found the text `x`",
        ]
    );
    assert_eq!(
        told("flow: a\nversion: '1.0'\nsteps: []\n"),
        [
            "GF103 `'1.0'`: `version` must be three numbers, MAJOR.MINOR.PATCH, found the text `1.0`",
            "GF103 `[]`: `steps` must not be empty: give it an entry",
        ]
    );
    assert_eq!(
        told("flow: a\nversion: 1.0.0\ninputs: { d: { type: texts } }\nsteps: [{id: a, end: {status: x}}]\n").len(),
        1
    );
}

#[test]
fn text_that_was_read_as_something_else_gets_quotes() {
    let (_, findings, document) = read(&flow(
        "  - id: s\n    title: 1.10\n    end: { status: done, message: true }\n",
    ));
    assert_eq!(findings.len(), 2);
    for finding in findings {
        let fix = finding.fix.expect("a fix");
        let raw = &document.text[fix.span.start..fix.span.end];
        assert_eq!(fix.replacement, format!("\"{raw}\""));
    }
}

#[test]
fn a_step_has_one_verb() {
    assert_step("if: a", &["GF104 `id: s`: step \"Sign off\" does not say what it does"]);
    assert_step("aprove: {}", &["GF101 `aprove`: step \"Sign off\" has no key `aprove`"]);
    let (_, findings, _) = read(&flow("  - id: s\n    uses: a.b\n    end: { status: x }\n"));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].message, "step `s` does two things: `uses` and `end`");
    assert_eq!(findings[0].related.len(), 1);
}

#[test]
fn names_are_names() {
    assert_eq!(
        told(&flow("  - { id: Sign-Off, end: { status: x } }\n")),
        ["GF105 `Sign-Off`: `id` of step `Sign-Off` is no name: `Sign-Off`"]
    );
    assert_eq!(
        told(&flow("  - { id: start, end: { status: x } }\n")),
        ["GF105 `start`: `start` is a word of the language and cannot name a step"]
    );
    assert_eq!(
        told("flow: My Flow\nversion: 1.0.0\ninputs: { Doc: { type: file } }\nsteps: [{id: a, end: {status: x}}]\n"),
        [
            "GF105 `My Flow`: `flow` is no name of a flow: `My Flow`",
            "GF105 `Doc`: `Doc` in `inputs` is no name",
        ]
    );
    assert_eq!(
        told(&flow(
            "  - { id: a, end: { status: x } }\nalways:\n  - { id: a, uses: b.c }\n"
        )),
        ["GF106 `a`: two steps are called `a`"]
    );
    assert_eq!(
        told(&flow(
            "  - { id: sign_off, uses: b.c }\n  - { id: signoff, uses: b.c }\n"
        )),
        ["GF105 `signoff`: the ids `sign_off` and `signoff` are easily taken for each other"]
    );
}

#[test]
fn a_decision_is_not_called_what_happens_without_anybody_deciding() {
    let approve = |word: &str| {
        flow(&format!(
            "  - {{ id: a, approve: {{ document: x, by: [user:a], decisions: [ok, {word}] }} }}\n"
        ))
    };
    let wait = |word: &str| {
        flow(&format!(
            "  - {{ id: a, wait: {{ any: {{ {word}: {{ event: a.b, key: k }} }} }} }}\n"
        ))
    };
    for word in RESERVED_DECISIONS {
        let told_of = format!("GF105 `{word}`: `{word}` is a word of the language and cannot name an outcome");
        assert_eq!(told(&approve(word)), [told_of]);
    }
    let told_of = "GF105 `expired`: `expired` in `any` in `wait` of step `a` is no name";
    assert_eq!(told(&wait(EXPIRED)), [told_of]);
    for word in ["failed", "received", "done"] {
        assert_eq!(told(&approve(word)), [""; 0]);
    }
    assert_eq!(told(&wait("cancelled")), [""; 0], "an order may be cancelled");
}

#[test]
fn a_broken_step_spoils_no_other_and_stays_known() {
    let text = flow(
        "  - { id: one, uses: a.b }\n  - { id: two, uses: [a] }\n  - { id: three, run: {} }\n  - 4\n  - { uses: a.b }\n  - { id: five, end: { status: x } }\n",
    );
    let (flow, findings, _) = read(&text);
    let flow = flow.expect("a flow");
    let ids: Vec<_> = flow.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["one", "five"]);
    assert_eq!(flow.broken, ["two", "three"]);
    assert_eq!(findings.len(), 4);
}

#[test]
fn what_is_broken_elsewhere_is_left_out() {
    let text = "flow: 3\nversion: x\ntitle: [a]\non: { manual: {}, webhook: {} }\nguarantees: [a, 2, b]\n\
                inputs: { a: { type: text, min: x }, b: { type: 3 }, c: { type: file } }\noutputs: []\n\
                labels: { a: 1, b: x }\nsteps: [{ id: a, end: { status: x } }]\n";
    let (flow, findings, _) = read(text);
    let flow = flow.expect("a flow");
    assert_eq!(findings.len(), 9, "{findings:#?}");
    assert_eq!((flow.title, flow.on.webhook), (None, None));
    assert_eq!(flow.guarantees, ["a", "b"]);
    assert_eq!(flow.inputs.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(flow.labels.len(), 1);
    assert_eq!(flow.steps.len(), 1);
}

#[test]
fn what_a_syntax_error_hides_is_not_missing() {
    let text = flow(
        "  - id: one\n    uses: @x\n  - id: two\n    uses: a.b\n\twith: {}\n  - id: three\n    end: {status: x}\n",
    );
    let told = told(&text);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told.iter().all(|finding| finding.starts_with("GF001")), "{told:#?}");
    assert_eq!(told_codes("flow: a\nversion: 1.0.0\n@"), ["GF001"]);
}

fn told_codes(text: &str) -> Vec<&'static str> {
    read(text).1.iter().map(|finding| finding.code.id).collect()
}

/// `count` times what `one` makes, without a break between.
fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().concat()
}

#[track_caller]
fn assert_limit(limit: usize, text: impl Fn(usize) -> String) {
    assert_eq!(told(&text(limit)), Vec::<String>::new());
    assert_eq!(told(&text(limit + 1)).len(), 1, "{limit}");
}

#[test]
fn limits_of_the_flow_hold_at_the_limit_and_not_past_it() {
    let head = |entries: &str| format!("flow: a\nversion: 1.0.0\n{entries}steps: [{{ id: a, uses: a.b }}]\n");
    assert_limit(MAX_STEPS, |count| {
        flow(&many(count, |n| format!("  - {{ id: s{n}, uses: a.b }}\n")))
    });
    assert_limit(MAX_INPUTS, |count| {
        head(&format!(
            "inputs:\n{}",
            many(count, |n| format!("  i{n}: {{ type: text }}\n"))
        ))
    });
    assert_limit(MAX_INPUTS, |count| {
        head(&format!("outputs:\n{}", many(count, |n| format!("  i{n}: x\n"))))
    });
    assert_limit(MAX_LABELS, |count| {
        head(&format!("labels:\n{}", many(count, |n| format!("  i{n}: x\n"))))
    });
    assert_limit(MAX_GUARANTEES, |count| {
        head(&format!("guarantees:\n{}", "  - a never after b\n".repeat(count)))
    });
    assert_limit(MAX_OPTIONS, |count| {
        head(&format!(
            "inputs: {{ a: {{ type: choice, options: [{}] }} }}\n",
            many(count, |n| format!("o{n},"))
        ))
    });
    assert_limit(MAX_NAME, |length| {
        flow(&format!("  - {{ id: {}, uses: a.b }}\n", "a".repeat(length)))
    });
    assert_limit(MAX_LINE, |length| head(&format!("title: {}\n", "a".repeat(length))));
    assert_limit(MAX_TEXT, |length| {
        head(&format!("description: {}\n", "ä".repeat(length)))
    });
}

#[test]
fn limits_of_a_step_hold_at_the_limit_and_not_past_it() {
    let step = |keys: String| flow(&format!("  - {{ id: s, {keys} }}\n"));
    let approve = |keys: String| step(format!("approve: {{ document: d, {keys} }}"));
    assert_limit(MAX_ALTERNATIVES, |count| {
        step(format!(
            "wait: {{ any: {{ {} }} }}",
            many(count, |n| format!("e{n}: {{ event: e }}, "))
        ))
    });
    assert_limit(MAX_PEOPLE, |count| {
        approve(format!("by: [{}]", many(count, |n| format!("user:u{n},"))))
    });
    assert_limit(MAX_DECISIONS, |count| {
        approve(format!("by: [x], decisions: [{}]", many(count, |n| format!("d{n},"))))
    });
    assert_limit(MAX_BRANCHES, |count| {
        let others = many(count - 1, |n| format!("{{ when: a, outcome: o{n} }}, "));
        step(format!("choose: [{others}{{ otherwise: b }}]"))
    });
    assert_limit(MAX_BRANCHES, |count| {
        step(format!("check: [{}]", "{ that: a, else: b }, ".repeat(count)))
    });
    assert_limit(MAX_ESCALATIONS, |count| {
        step(format!(
            "uses: a.b, deadline: {{ due: 9 days, escalate: [{}] }}",
            "{ after: 1 day, to: [a] }, ".repeat(count)
        ))
    });
    assert_limit(MAX_REMINDERS, |count| {
        step(format!(
            "uses: a.b, deadline: {{ due: 9 days, remind: [{}] }}",
            "1 day before, ".repeat(count)
        ))
    });
    assert_limit(MAX_OUTCOMES, |count| {
        step(format!(
            "uses: a.b, outcomes: {{ {} }}",
            many(count, |n| format!("o{n}: continue, "))
        ))
    });
    assert_limit(MAX_ATTEMPTS as usize, |count| {
        step(format!("uses: a.b, retry: {{ attempts: {count} }}"))
    });
}

/// The schema that editors use says the same as reading does, of every file that one change makes
/// of a good one.
#[test]
fn the_schema_accepts_what_is_read_and_nothing_else() {
    let schema = jsonschema::draft202012::new(&flow_schema()).expect("a schema");
    let mut changed = 0;
    for text in [EXTERNAL_REVIEW, EVERY_KEY] {
        let (_, _, document) = read(text);
        for pointer in pointers(&document.value) {
            for (number, change) in changes().iter().enumerate() {
                let mut other = document.clone();
                change(other.value.pointer_mut(&pointer).expect("it is there"));
                let (_, findings) = read_flow(&other);
                let good = !findings.iter().any(beyond_doubt);
                assert_eq!(
                    schema.is_valid(&other.value),
                    good,
                    "change {number} at {pointer}: {findings:#?}"
                );
                changed += 1;
            }
        }
    }
    assert!(changed > 1_000, "only {changed} changes");
}

/// An error that a schema can find: not an id that stands twice, nor an `otherwise` that is not last.
fn beyond_doubt(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Error
        && finding.code != codes::DUPLICATE_ID
        && !finding.message.contains("is not the last branch")
        && !finding.message.ends_with("lacks `otherwise`")
}

/// Ways to spoil a value, or to leave it right.
fn changes() -> Vec<fn(&mut Value)> {
    vec![
        |value| *value = Value::Null,
        |value| *value = Value::from("x"),
        |value| *value = Value::from(""),
        |value| *value = Value::from(0),
        |value| *value = Value::from(1_000_000),
        |value| *value = Value::from(true),
        |value| *value = Value::Array(vec![]),
        |value| *value = Value::Array(vec![Value::from("x")]),
        |value| *value = Value::Object(serde_json::Map::new()),
        |value| {
            if let Some(map) = value.as_object_mut() {
                map.insert("surprise".to_owned(), Value::from(1));
            }
        },
        |value| {
            if let Some(map) = value.as_object_mut() {
                let first = map.keys().next().cloned();
                first.and_then(|key| map.shift_remove(&key));
            }
        },
        |value| {
            if let Some(map) = value.as_object_mut() {
                map.insert("x-mine".to_owned(), Value::from(1));
            }
        },
    ]
}

/// Every place in `value`.
fn pointers(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let children: Vec<(String, &Value)> = match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (at.to_string(), item))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (crate::base::source::escape(key).into_owned(), item))
            .collect(),
        _ => vec![],
    };
    for (segment, child) in children {
        found.extend(pointers(child).into_iter().map(|rest| format!("/{segment}{rest}")));
    }
    found
}

/// Pieces that authors leave, lose or mistype.
const PIECES: [&str; 16] = [
    "",
    " ",
    "\n",
    "\n  ",
    "\t",
    ": ",
    "- ",
    "{",
    "]",
    "\"",
    "'",
    "${{",
    "*a",
    "é",
    "x-y: ",
    "\n  - id: s\n    ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_flow_with_a_slip_is_read_and_drawn(
        every in any::<bool>(),
        at in 0_usize..5_000,
        lost in 0_usize..40,
        piece in 0..PIECES.len(),
    ) {
        let text = if every { EVERY_KEY } else { EXTERNAL_REVIEW };
        let start = text.floor_char_boundary(at % text.len());
        let end = text.floor_char_boundary((start + lost).min(text.len()));
        let slipped = format!("{}{}{}", &text[..start], PIECES[piece], &text[end..]);
        let (flow, findings, document) = read(&slipped);
        prop_assert!(flow.is_some() || findings.iter().any(|finding| finding.severity == Severity::Error));
        let file = FileFindings { name: document.name, text: document.text, findings };
        let drawn = human::render(std::slice::from_ref(&file), false);
        prop_assert_eq!(drawn.is_empty(), file.findings.is_empty());
    }
}

#[test]
fn one_slip_is_told_in_few_findings() {
    let slips = [
        ("", 1),
        (" ", 0),
        ("\"", 0),
        ("\t", 0),
        ("{", 0),
        ("\n", 0),
        (": ", 0),
        ("]", 1),
        ("", 5),
    ];
    for at in (0..EXTERNAL_REVIEW.len() - 5).step_by(31) {
        for (piece, lost) in slips {
            let slipped = format!("{}{piece}{}", &EXTERNAL_REVIEW[..at], &EXTERNAL_REVIEW[at + lost..]);
            let findings = told(&slipped);
            assert!(findings.len() <= 4, "{piece:?} at {at}: {findings:#?}");
        }
    }
}
