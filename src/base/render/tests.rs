use super::*;
use crate::base::codes;
use proptest::prelude::*;
use serde_json::json;

fn file(name: &str, text: &str, findings: Vec<Diagnostic>) -> FileFindings {
    FileFindings {
        name: name.to_owned(),
        text: text.into(),
        findings,
    }
}

/// A finding with everything, behind characters that need several bytes.
fn sample() -> FileFindings {
    let text = "title: Überprüfung 𝄞\nid: a\nid: b\n";
    let second = text.rfind("id").expect("it is there");
    let first = text.find("id").expect("it is there");
    let finding = Diagnostic::error(
        codes::DUPLICATE_KEY,
        "the key `id` stands twice",
        Span::new(second, second + 2),
    )
    .with_label("and again here")
    .with_related(Span::new(first, first + 2), "first here")
    .with_help("leave one of them out")
    .with_fix(Span::new(second, second + 2), "title");
    let music = text.find('𝄞').expect("it is there");
    let warning = Diagnostic::warning(codes::AMBIGUOUS_SCALAR, "50%, or:\nmore", Span::new(music, music + 4));
    file("flows/a b,c.flow.yaml", text, vec![warning, finding])
}

#[test]
fn people_get_a_drawing() {
    let expected = "\
warning[GF004]: 50%, or:
                more
 --> flows/a b,c.flow.yaml:1:20
  |
1 | title: Überprüfung 𝄞
  |                    ^

error[GF002]: the key `id` stands twice
 --> flows/a b,c.flow.yaml:3:1
  |
2 | id: a
  | -- first here
3 | id: b
  | ^^ and again here
  |
  = help: leave one of them out

";
    assert_eq!(human::render(&[sample()], false), expected);
    let styled = human::render(&[sample()], true);
    assert!(styled.contains("\u{1b}["), "{styled}");
}

#[test]
fn an_empty_file_and_a_huge_line_have_a_position_and_no_drawing() {
    let nothing = Diagnostic::error(codes::YAML_SYNTAX, "nothing", Span::default());
    let drawn = human::render(&[file("a.yaml", "", vec![nothing])], false);
    assert_eq!(drawn, "error[GF001]: nothing\n--> a.yaml:1:1\n\n");
    let at = |offset| Diagnostic::error(codes::YAML_SYNTAX, "deep", Span::new(offset, offset + 1));
    let line = |size| "[".repeat(size);
    let fits = human::render(&[file("a", &line(human::MAX_WINDOW_BYTES), vec![at(64)])], false);
    assert!(fits.contains('^'));
    let huge = human::render(&[file("a", &line(human::MAX_WINDOW_BYTES + 1), vec![at(64)])], false);
    assert_eq!(huge, "error[GF001]: deep\n--> a:1:65\n\n");
}

#[test]
fn a_terminal_gets_no_codes_from_the_text() {
    let evil = Diagnostic::error(codes::YAML_SYNTAX, "a\u{1b}[31m", Span::new(0, 3)).with_help("\u{1b}]0;x\u{7}");
    let drawn = human::render(&[file("\u{1b}[2J", "a\u{1b}[31m\n", vec![evil])], false);
    assert!(!drawn.contains('\u{1b}') && !drawn.contains('\u{7}'), "{drawn:?}");
}

#[test]
fn github_gets_commands_with_everything_escaped() {
    let expected = "\
::warning file=flows/a b%2Cc.flow.yaml,line=1,col=20,endColumn=20,title=GF004 ambiguous-scalar::50%25, or:%0Amore
::error file=flows/a b%2Cc.flow.yaml,line=3,col=1,endColumn=2,title=GF002 duplicate-key::the key `id` stands twice%0Ahelp: leave one of them out
";
    assert_eq!(github::render(&[sample()]), expected);
    let long = Diagnostic::error(codes::YAML_SYNTAX, "x", Span::new(0, 4));
    let commands = github::render(&[file("a:b", "a\nb\n", vec![long])]);
    assert_eq!(
        commands,
        "::error file=a%3Ab,line=1,endLine=3,title=GF001 yaml-syntax::x\n"
    );
}

#[test]
fn programs_get_json_with_bytes_lines_and_columns() {
    let report = json::render(&[sample(), file("clean", "", vec![])]);
    assert_eq!(report["version"], 1);
    assert_eq!(
        report["summary"],
        json!({"files": 2, "errors": 1, "warnings": 1, "infos": 0})
    );
    assert_eq!(report["files"][1], json!({"path": "clean", "findings": []}));
    assert_eq!(
        report["files"][0]["findings"][1],
        json!({
            "code": "GF002",
            "name": "duplicate-key",
            "severity": "error",
            "message": "the key `id` stands twice",
            "label": "and again here",
            "span": {"start": 32, "end": 34, "line": 3, "column": 1, "end_line": 3, "end_column": 3},
            "related": [{
                "message": "first here",
                "span": {"start": 26, "end": 28, "line": 2, "column": 1, "end_line": 2, "end_column": 3},
            }],
            "help": "leave one of them out",
            "fix": {
                "span": {"start": 32, "end": 34, "line": 3, "column": 1, "end_line": 3, "end_column": 3},
                "replacement": "title",
            },
            "url": "https://github.com/gatefold/gatefold/blob/main/docs/rules/GF002-duplicate-key.md",
        })
    );
    assert_eq!(report["files"][0]["findings"][0]["span"]["end_column"], 21);
}

#[test]
fn scanning_services_get_sarif() {
    let log = sarif::render(&[sample()]);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "utf16CodeUnits");
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "GF002");
    let results = &run["results"];
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "flows/a%20b%2Cc.flow.yaml");
    assert_eq!(
        place["region"],
        json!({"startLine": 1, "startColumn": 20, "endLine": 1, "endColumn": 22})
    );
    assert_eq!(
        (&results[1]["ruleId"], &results[1]["ruleIndex"]),
        (&json!("GF002"), &json!(0))
    );
    assert_eq!(results[1]["level"], "error");
    assert_eq!(results[1]["relatedLocations"][0]["message"]["text"], "first here");
    let change = &results[1]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(change["insertedContent"]["text"], "title");
}

#[test]
fn fingerprints_stay_when_lines_move_and_differ_when_repeated() {
    let hash = |text: &str, offsets: &[usize]| {
        let findings = offsets
            .iter()
            .map(|at| Diagnostic::error(codes::YAML_SYNTAX, "x", Span::new(*at, at + 1)))
            .collect();
        let log = sarif::render(&[file("a", text, findings)]);
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        let hash = |result: &crate::base::Value| result["partialFingerprints"]["primaryLocationLineHash"].clone();
        results.iter().map(hash).collect::<Vec<_>>()
    };
    let moved = hash("\n\n  a\n", &[4]);
    assert_eq!(hash("a\n", &[0]), moved);
    let twice = hash("a\na\n", &[0, 2]);
    assert_eq!(twice[0], moved[0]);
    assert_ne!(twice[0], twice[1]);
}

#[test]
fn counts_are_said_in_words() {
    assert_eq!(Counts::of(&[sample()]).to_string(), "1 error, 1 warning in 1 file");
    let counts = Counts {
        files: 2,
        errors: 2,
        ..Counts::default()
    };
    assert_eq!(counts.to_string(), "2 errors in 2 files");
    assert_eq!(Counts::of(&[]).to_string(), "no findings in 0 files");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_span_on_any_text_makes_a_renderer_fail(
        text in "[a-bé𝄞\\r\\n\\t \u{1b}\u{feff}]{0,40}",
        spans in proptest::collection::vec((0_usize..60, 0_usize..60), 1..5),
    ) {
        let mut finding = Diagnostic::error(codes::YAML_SYNTAX, "x", Span::new(spans[0].0, spans[0].1)).with_label("here");
        for (start, end) in &spans[1..] {
            finding = finding.with_related(Span::new(*start, *end), "there").with_fix(Span::new(*start, *end), "y");
        }
        let files = [file("a.yaml", &text, vec![finding])];
        prop_assert!(human::render(&files, false).contains("GF001"));
        prop_assert!(human::render(&files, true).contains("GF001"));
        prop_assert!(github::render(&files).ends_with("::x\n"));
        prop_assert_eq!(json::render(&files)["summary"]["errors"].clone(), json!(1));
        prop_assert_eq!(sarif::render(&files)["runs"][0]["results"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn no_renderer_shows_a_secret() {
    let text = "note: \"hüter2-𝄞\" # beside\nkey: |\n  first-line\n  other-line\n";
    let at = |word: &str| text.find(word).expect("it is there");
    let quoted = Span::new(at("\"hüter2"), at(" # beside"));
    let block = Span::new(at("first"), text.len());
    let secret = |span| Diagnostic::error(codes::FORBIDDEN_YAML, "a password stands here", span).with_secret();
    let beside = Diagnostic::error(
        codes::DUPLICATE_KEY,
        "must be a number, found `hüter2-𝄞`",
        Span::new(0, 4),
    )
    .with_label("not first-line")
    .with_related(Span::new(at("beside"), at("beside") + 6), "hüter2-𝄞 again")
    .with_help("not other-line")
    .with_fix(quoted, "\"hüter2-𝄞!\"");
    let files = [file("a.flow.yaml", text, vec![beside, secret(quoted), secret(block)])];
    let drawn = human::render(&files, false);
    let all = [
        drawn.clone(),
        human::render(&files, true),
        github::render(&files),
        json::render(&files).to_string(),
        sarif::render(&files).to_string(),
    ];
    for shown in &all {
        for word in ["hüter2", "𝄞", "first-line", "other-line"] {
            assert!(!shown.contains(word), "{word} in {shown}");
        }
    }
    assert!(drawn.contains("beside"), "the rest of the line is there:\n{drawn}");
    // Positions are those of the text as it is.
    let place = |files: &[FileFindings]| json::render(files)["files"][0]["findings"][0]["related"][0]["span"].clone();
    let mut plain = files.clone();
    plain[0].findings.iter_mut().for_each(|finding| finding.secret = false);
    assert_eq!(place(&files), place(&plain));
}
