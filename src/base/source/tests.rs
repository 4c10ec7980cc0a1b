use super::*;
use crate::base::Severity;
use crate::base::findings::MAX_FINDINGS;
use proptest::prelude::*;
use serde_json::json;

fn parse(text: &str) -> (Document, Vec<Diagnostic>) {
    let (document, findings) = Document::parse("a.flow.yaml", text);
    (document, findings.into())
}

/// Each finding as `CODE place: message`.
fn told(text: &str) -> Vec<String> {
    let (document, findings) = parse(text);
    findings
        .iter()
        .map(|finding| {
            let place = &document.text[finding.primary.start..finding.primary.end];
            format!("{} `{place}`: {}", finding.code.id, finding.message)
        })
        .collect()
}

#[track_caller]
fn assert_told(text: &str, expected: &[&str]) {
    assert_eq!(told(text), expected, "{text}");
}

#[test]
fn a_document_is_data_with_positions() {
    let text = "on: yes_please\nlist:\n  - a: 1\n    b: \"x y\"\n  - [1.5, ~]\n# the end\n\nlast: |\n  one\n  two\n";
    let (document, findings) = parse(text);
    assert_eq!(findings, []);
    assert_eq!(
        document.value,
        json!({"on": "yes_please", "list": [{"a": 1, "b": "x y"}, [1.5, null]], "last": "one\ntwo\n"})
    );
    let cases = [
        ("/on", "on", "yes_please"),
        ("/list/0/a", "a", "1"),
        ("/list/0/b", "b", "\"x y\""),
        ("/list/0", "a: 1\n    b: \"x y\"", "a: 1\n    b: \"x y\""),
        ("/list/1", "[1.5, ~]", "[1.5, ~]"),
        ("/list/1/0", "1.5", "1.5"),
        ("/last", "last", "one\n  two"),
        ("/last/not/there", "last", "one\n  two"),
    ];
    for (pointer, key, value) in cases {
        let text = |span: Span| &document.text[span.start..span.end];
        assert_eq!(text(document.spans.key(pointer)), key, "{pointer}");
        assert_eq!(text(document.spans.value(pointer)), value, "{pointer}");
    }
    assert!(document.spans.get("/on").is_some_and(|node| node.plain));
    assert!(document.spans.get("/list/0/b").is_some_and(|node| !node.plain));
    assert_eq!(document.raw("/list/1/0"), Some("1.5"));
    assert_eq!(document.spans.value("").start, 0);
}

#[test]
fn keys_are_escaped_in_pointers() {
    let (document, _) = parse("a/b: {c~d: 1}\n");
    assert_eq!(document.raw("/a~1b/c~0d"), Some("1"));
}

#[test]
fn nothing_and_marks_are_fine() {
    for text in ["", "# only a remark\n", "\u{feff}", "---\n"] {
        let (document, findings) = parse(text);
        assert_eq!((document.value, findings), (Value::Null, vec![]), "{text:?}");
    }
    let (document, findings) = parse("\u{feff}a: é\r\nb: ü\r\n");
    assert_eq!(findings, []);
    assert_eq!(document.raw("/b"), Some("ü"));
}

#[test]
fn syntax_errors_are_told_in_words() {
    assert_told("a:\n\tb: 1\n", &["GF001 `\t`: a tab stands where blanks are needed"]);
    assert_told(
        "a: \"open\nb: 1\n",
        &["GF001 `\"`: the quote that opens here is not closed on its line"],
    );
    assert_told("a: 'it's'\n", &["GF001 `s`: something follows the closing quote"]);
    assert_told(
        "a:\n  - b: \"open\n    c: 1\n  - d: \"x\"\n",
        &["GF001 `\"`: the quote that opens here is not closed on its line"],
    );
    assert_told(
        "a: \"x\\q\"\n",
        &["GF001 `\\q`: a backslash in double quotes begins an escape, and this one is unknown"],
    );
    assert_told(
        "t: Review: contract\n",
        &["GF001 `:`: a colon and a blank inside a text without quotes"],
    );
    assert_told(
        "a: {t: x: y}\n",
        &["GF001 `:`: a colon and a blank inside a text without quotes"],
    );
    assert_told("a:b\nc: d\n", &["GF001 `a:b`: a blank is missing behind the colon"]);
    assert_told("key\nc: d\n", &["GF001 `key`: a key without a colon"]);
    assert_told(
        "a: b\n  c: d\n",
        &["GF001 `c`: this line is indented as if it went on with the text above"],
    );
    assert_told(
        "a:\n  b: 1\n c: 2\n",
        &["GF001 `c: 2`: the indentation of this line fits none of the lines above"],
    );
    assert_told(
        "a: - b\n",
        &["GF001 `-`: a list cannot begin behind a key on the same line"],
    );
    assert_told("a: @b\n", &["GF001 `@`: a text without quotes cannot begin with `@`"]);
    assert_told(
        "a: \u{1}\n",
        &["GF001 `\u{1}`: the control character U+0001 cannot stand in a text"],
    );
    assert_told("a: [1, 2\n", &["GF001 `[`: the `[` that opens here is not closed"]);
    assert_told("a: {b: [1}\n", &["GF001 `[`: the `[` that opens here meets a `}`"]);
    assert_told(
        "b: *.pdf\n",
        &["GF001 `*.pdf`: `*.pdf` repeats the anchor `&.pdf`, and there is none above"],
    );
}

#[test]
fn expressions_without_quotes_are_told_with_a_fix() {
    for (text, fixed) in [
        (
            "with: { share: ${{ steps.room.share }}, to: x }\n",
            "\"${{ steps.room.share }}\"",
        ),
        ("files: [${{ inputs.document }}, x]\n", "\"${{ inputs.document }}\""),
        (
            "files: [\n  ${{ inputs.document }},\n  x\n]\nb: 1\n",
            "\"${{ inputs.document }}\"",
        ),
    ] {
        let (document, findings) = parse(text);
        assert_eq!(findings.len(), 1, "{text}: {findings:#?}");
        assert_eq!(findings[0].message, "an expression inside `{ }` or `[ ]` needs quotes");
        let fix = findings[0].fix.clone().expect("a fix");
        assert_eq!(fix.replacement, fixed);
        let mended = format!(
            "{}{}{}",
            &text[..fix.span.start],
            fix.replacement,
            &text[fix.span.end..]
        );
        assert_eq!(told(&mended), Vec::<String>::new());
        assert!(
            document.is_unread(document.spans.value("/with")) || document.is_unread(document.spans.value("/files"))
        );
    }
    assert_told(
        "a: {{ inputs.x }}\nb: 1\n",
        &["GF003 `{{ inputs.x }`: `{{ … }}` without quotes is read as a map in a map"],
    );
    assert_told("a: ${{ inputs.x }}\n", &[]);
}

#[test]
fn reading_goes_on_behind_an_error() {
    let text = "a: @x\nb:\n  c: 1\n\td: 2\n  e: 3\nf: \"open\ng: Review: of\nh: 4\n";
    let (document, findings) = parse(text);
    assert_eq!(findings.len(), 4, "{findings:#?}");
    assert_eq!(
        document.value,
        json!({"a": null, "b": {"c": 1, "e": 3}, "f": null, "g": null, "h": 4})
    );
    assert!(document.is_unread(document.spans.value("/a")));
    assert!(!document.is_unread(document.spans.value("/h")));
    assert!(!document.is_unread(document.spans.value("/b/c").part(0, 0)));
}

#[test]
fn a_step_that_ends_in_an_unread_line_counts_as_unread() {
    let (document, _) = parse("steps:\n  - id: a\n\tuses: x\n  - id: b\n");
    assert!(document.is_unread(document.spans.value("/steps/0")));
    assert!(!document.is_unread(document.spans.value("/steps/1")));
}

#[test]
fn errors_are_counted_and_not_endless() {
    let lines = |count: usize| (0..count).map(|n| format!("k{n}: @x\n")).collect::<Vec<_>>().concat();
    assert_eq!(told(&lines(MAX_SYNTAX_ERRORS)).len(), MAX_SYNTAX_ERRORS);
    assert_eq!(told(&lines(MAX_SYNTAX_ERRORS + 1)).len(), MAX_SYNTAX_ERRORS);
    let padded = |size: usize| {
        let text = "a: @x\nb: @y\n";
        format!("{text}#{}", " ".repeat(size - text.len() - 1))
    };
    assert_eq!(told(&padded(MAX_RECOVERY_BYTES)).len(), 2);
    assert_eq!(told(&padded(MAX_RECOVERY_BYTES + 1)).len(), 1);
}

#[test]
fn findings_are_limited() {
    let text = |count: usize| (0..count).map(|n| format!("k{n}: no\n")).collect::<Vec<_>>().concat();
    assert_eq!(told(&text(MAX_FINDINGS)).len(), MAX_FINDINGS);
    assert_eq!(told(&text(MAX_FINDINGS + 1)).len(), MAX_FINDINGS);
    assert_eq!(
        Document::parse("a", &text(MAX_FINDINGS + 1)).1.total(),
        MAX_FINDINGS + 1
    );
}

#[test]
fn duplicate_keys_name_the_first() {
    let (document, findings) = parse("a:\n  b: 1\n  c: 2\n  b: {d: 3}\n");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, codes::DUPLICATE_KEY);
    assert_eq!(findings[0].primary, Span::new(19, 20));
    assert_eq!(findings[0].related[0].span, Span::new(5, 6));
    assert_eq!(document.value, json!({"a": {"b": 1, "c": 2}}));
    assert_eq!(document.raw("/a/b"), Some("1"));
    assert!(document.spans.get("/a/b/d").is_none());
}

#[test]
fn the_rest_of_yaml_is_refused_at_the_word() {
    assert_told(
        "a: !foo 1\n",
        &["GF003 `!foo`: `!foo` is a YAML tag, and tags are not used here"],
    );
    assert_told(
        "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n",
        &["GF003 `<<`: merge keys (`<<`) are not used here"],
    );
    assert_told("a: 1\n---\nb: 2\n", &["GF003 `---`: a second document begins here"]);
    assert_told("2024: x\n", &["GF003 `2024`: the key `2024` is no text"]);
    assert_told("true: x\n", &["GF003 `true`: the key `true` is no text"]);
    assert_told(": x\n", &["GF003 ``: the key `` is no text"]);
    assert_told(
        "? [a]\n: b\nc: d\n",
        &["GF003 `[a]`: a list or map stands where a key should be"],
    );
    assert_told(
        "%TAG ! x\n---\na: 1\n",
        &["GF003 `%`: YAML directives are not used here"],
    );
    let (document, _) = parse("2024: x\n");
    assert_eq!(document.value, json!({"2024": "x"}));
}

#[test]
fn ambiguous_words_are_warned_of_as_values_only() {
    let (document, findings) = parse("on: {yes: 1}\na: no\nb: 012\nc: '012'\nd: [1_000, 1:30]\n");
    assert_eq!(findings.len(), 4, "{findings:#?}");
    for finding in &findings {
        assert_eq!(
            (finding.code, finding.severity),
            (codes::AMBIGUOUS_SCALAR, Severity::Warning)
        );
    }
    assert_eq!(
        findings[0].message,
        "`no` is read as text here, but other readers of YAML take it for false"
    );
    assert_eq!(
        findings[0].fix.as_ref().map(|fix| fix.replacement.as_str()),
        Some("\"no\"")
    );
    assert_eq!(
        document.value,
        json!({"on": {"yes": 1}, "a": "no", "b": "012", "c": "012", "d": ["1_000", "1:30"]})
    );
}

#[test]
fn aliases_repeat_within_their_budget() {
    let (document, findings) = parse("a: &x [1, {b: 2}]\nc: *x\nd: {e: *x }\n");
    assert_eq!(findings, []);
    assert_eq!(document.value["d"]["e"], json!([1, {"b": 2}]));
    assert_eq!(document.raw("/c"), Some("*x"));
    assert_eq!(document.spans.value("/c/1/b"), document.spans.value("/c"));

    let items = |count: usize| vec!["1"; count].join(",");
    // The list is one value, and its elements are one each.
    let text = |count: usize| format!("a: &x [{}]\nb: *x\nc: &y 1\nd: *y\n", items(count));
    assert_eq!(told(&text(MAX_ALIAS_NODES - 2)), Vec::<String>::new());
    assert_eq!(told(&text(MAX_ALIAS_NODES - 1)).len(), 1);
    assert!(told(&text(MAX_ALIAS_NODES - 1))[0].starts_with("GF005 `*y`"));
    let long = |size: usize| format!("a: &x {}\nb: [*x, *x]\n", "x".repeat(size));
    assert_eq!(told(&long(MAX_ALIAS_BYTES / 2)), Vec::<String>::new());
    assert_eq!(told(&long(MAX_ALIAS_BYTES / 2 + 1)).len(), 1);
}

#[test]
fn anchors_are_few() {
    let text = |count: usize| {
        (0..count)
            .map(|n| format!("a{n}: &x{n} 1\n"))
            .collect::<Vec<_>>()
            .concat()
    };
    assert_eq!(told(&text(MAX_ANCHORS)), Vec::<String>::new());
    let findings = told(&text(MAX_ANCHORS + 5));
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0].starts_with(&format!("GF005 `&x{MAX_ANCHORS}`")),
        "{findings:?}"
    );
}

#[test]
fn bombs_and_circles_are_refused_at_once() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..30 {
        let list = vec![format!("*a{}", n - 1); 9].join(", ");
        bomb.extend([format!("a{n}: &a{n} [{list}]\n")]);
    }
    let findings = told(&bomb);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("GF005"));
    assert_told(
        "a: &x\n  b: *x\n",
        &["GF005 `*x`: `*x` stands inside the value that it repeats"],
    );
}

#[test]
fn depth_is_limited_at_the_limit_and_not_past_it() {
    let flow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(told(&flow(MAX_DEPTH)), Vec::<String>::new());
    assert!(told(&flow(MAX_DEPTH + 1))[0].starts_with("GF006"));
    let block = |depth: usize| format!("{}x\n", "- ".repeat(depth));
    assert_eq!(told(&block(MAX_DEPTH)), Vec::<String>::new());
    assert!(told(&block(MAX_DEPTH + 1))[0].starts_with("GF006"));
    let mixed = |depth: usize| format!("{}{}", "- ".repeat(depth / 2), flow(depth - depth / 2));
    assert_eq!(told(&mixed(MAX_DEPTH)), Vec::<String>::new());
    assert!(told(&mixed(MAX_DEPTH + 1))[0].starts_with("GF006"));
    let aliased = |depth: usize| format!("a: &x {}\nb: [[*x]]\n", flow(depth));
    assert_eq!(told(&aliased(MAX_DEPTH - 3)), Vec::<String>::new());
    assert!(told(&aliased(MAX_DEPTH - 2))[0].starts_with("GF006"));
}

#[test]
fn a_large_file_is_refused_and_a_hostile_one_read_quickly() {
    let padded = |size: usize| format!("a: 1\n#{}", " ".repeat(size - 6));
    assert_eq!(told(&padded(MAX_FILE_BYTES)), Vec::<String>::new());
    assert!(told(&padded(MAX_FILE_BYTES + 1))[0].starts_with("GF006"));
    for hostile in [
        "[", "{", "- ", "? ", "a: {", "\"", "'a", "&a ", "*a ", "!a ", "a:\n", "a:\n\tb", "|\n", "{{", "[a: ",
    ] {
        let text = hostile.repeat(MAX_FILE_BYTES / hostile.len());
        let started = std::time::Instant::now();
        let (_, findings) = parse(&text);
        assert!(
            started.elapsed().as_secs() < 20,
            "{hostile:?} took {:?}",
            started.elapsed()
        );
        assert!(findings.len() <= MAX_FINDINGS, "{hostile:?}");
    }
}

#[test]
fn bytes_that_are_no_text_are_told_and_the_rest_is_read() {
    let (document, findings) = Document::parse_bytes("a", b"a: 1\nb: \xff\xfe\nc: 3\n");
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0].message.contains("0xff at offset 8"),
        "{}",
        findings[0].message
    );
    assert_eq!(document.value["c"], 3);
    let (document, findings) = Document::parse_bytes("a", "a: ü\n".as_bytes());
    assert_eq!(document.value, json!({"a": "ü"}));
    assert_eq!(findings, []);
    let (_, findings) = Document::parse_bytes("a", &[0xff; 10]);
    assert_eq!(findings[0].code, codes::YAML_SYNTAX);
}

fn assert_sound(text: &str) {
    let (document, findings) = parse(text);
    let spans = findings.iter().flat_map(|finding| {
        let related = finding.related.iter().map(|label| label.span);
        let fix = finding.fix.iter().map(|fix| fix.span);
        related.chain(fix).chain([finding.primary])
    });
    for span in spans.chain(document.unread.iter().copied()) {
        assert!(
            document.text.get(span.start..span.end).is_some(),
            "{span:?} in {text:?}"
        );
    }
    for node in document.spans.nodes.values() {
        for span in node.key.into_iter().chain([node.value]) {
            assert!(
                document.text.get(span.start..span.end).is_some(),
                "{span:?} in {text:?}"
            );
        }
    }
}

#[test]
fn blanks_in_place_of_long_characters_move_no_span_into_one() {
    assert_sound(">6\n.}\u{feff}é\u{feff}%");
    assert_sound(">7\n\n\u{feff}]**é[bc-'@{.\n&\n{[\n:&\n\t\u{feff}%.`\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_with_sound_spans(text in "[a-cé:\\- \\n\\t{}\\[\\],\"'#&*!|>?%@$\u{feff}\r0-9.]{0,60}") {
        assert_sound(&text);
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Document::parse_bytes("a", &bytes);
    }
}
