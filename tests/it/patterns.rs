//! The published workflow patterns: each row of the lists in `tests/patterns` is a flow with a test beside it, or
//! says why the language has no word for it. `docs/patterns.md` is made from the lists.
//!
//! `UPDATE=1 cargo test --test it patterns` rewrites the page.

use gatefold::base::diagnostic::has_errors;
use gatefold::base::render::human;
use gatefold::base::{Document, Value};
use gatefold::rehearsal::{ENDING, rehearse};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// One of the three catalogues of patterns.
struct Family {
    /// Its list is `NAME.yaml`, its flows and tests are in the folder of that name.
    name: &'static str,
    title: &'static str,
    /// What its patterns are called, as `WCP` 1.
    letters: &'static str,
    /// How many patterns were published.
    size: usize,
    /// Where they were published.
    source: &'static str,
}

const FAMILIES: [Family; 3] = [
    Family {
        name: "control",
        title: "Control flow",
        letters: "WCP",
        size: 43,
        source: "Russell, ter Hofstede, van der Aalst and Mulyar, 2006",
    },
    Family {
        name: "resource",
        title: "Resources",
        letters: "WRP",
        size: 43,
        source: "Russell, van der Aalst, ter Hofstede and Edmond, 2005",
    },
    Family {
        name: "data",
        title: "Data",
        letters: "WDP",
        size: 40,
        source: "Russell, ter Hofstede, Edmond and van der Aalst, 2005",
    },
];

/// What the language has for a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rating {
    Direct,
    Partial,
    No,
}

/// A pattern, as a list tells it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: usize,
    name: String,
    rating: Rating,
    construct: Option<String>,
    why: Option<String>,
}

impl Row {
    /// What its files are called, as `01-sequence`.
    fn stem(&self) -> String {
        let words = self.name.to_lowercase();
        let words = words
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty());
        format!("{:02}-{}", self.number, words.collect::<Vec<_>>().join("-"))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/patterns")
}

/// The rows of a family, in order.
fn rows(family: &Family) -> Vec<Row> {
    let name = format!("{}.yaml", family.name);
    let text = fs::read_to_string(folder().join(&name)).expect("each family has its list");
    let (document, findings) = Document::parse(&name, &text);
    // that `no` is a word here, and something else to other readers, is no fault
    let findings = Vec::from(findings);
    assert!(!has_errors(&findings), "{name}: {findings:?}");
    serde_json::from_value(document.value).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn family(name: &str) -> &'static Family {
    FAMILIES.iter().find(|family| family.name == name).unwrap()
}

/// What is wrong with what a row says.
fn faults_of_row(row: &Row) -> Vec<String> {
    let is_said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let mut faults = Vec::new();
    if row.rating != Rating::No && !is_said(&row.construct) {
        faults.push("says no `construct`".to_owned());
    }
    if row.rating != Rating::Direct && !is_said(&row.why) {
        faults.push("does not say `why`".to_owned());
    }
    faults
}

/// Whether a test says what must happen, and what must not: something that is refused, or forbidden by `never`, or
/// that an `expect` says is not there.
fn says_both(test: &Value) -> (bool, bool) {
    let (mut must, mut must_not) = (false, false);
    for case in test["cases"].as_array().into_iter().flatten() {
        let entries = case["timeline"].as_array().into_iter().flatten();
        let held = entries.clone().map(|entry| &entry["expect"]).chain([&case["expect"]]);
        for (key, value) in held.filter_map(Value::as_object).flatten() {
            let absent = is_absence(key, value);
            must |= !absent;
            must_not |= absent;
        }
        let is_forbidden = case["never"].as_array().is_some_and(|never| !never.is_empty());
        let is_refused = case.pointer("/start/refused").is_some();
        must_not |= is_forbidden || is_refused || entries.into_iter().any(|entry| entry.get("refused").is_some());
    }
    (must, must_not)
}

/// Whether an entry of an `expect` says that something is not there: nobody is asked, no mail went, a step is not reached.
fn is_absence(key: &str, value: &Value) -> bool {
    const NOT_DONE: [&str; 4] = ["not_reached", "skipped", "pending", "cancelled"];
    let is_empty = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
    let in_map = |is_it: &dyn Fn(&Value) -> bool| value.as_object().is_some_and(|map| map.values().any(is_it));
    let in_list = |is_it: &dyn Fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().any(is_it));
    match key {
        "tasks" | "inbox" | "in_order" | "watched" | "started" => in_map(&is_empty),
        "steps" => in_map(&|outcome| outcome.as_str().is_some_and(|outcome| NOT_DONE.contains(&outcome))),
        "lists" => in_list(&|list| is_empty(&list["shows"])),
        "mails" => in_list(&|mail| mail["count"] == 0),
        "runs" => *value == 0,
        _ => false,
    }
}

#[test]
fn a_test_says_what_must_not_happen_only_where_it_says_that_something_is_not_there() {
    for (case, both) in [
        ("{ expect: { outcome: completed } }", (true, false)),
        (
            "{ timeline: [{ expect: { outcome: waiting } }], expect: { steps: { a: done } } }",
            (true, false),
        ),
        ("{ timeline: [{ expect: { inbox: { anna: [a] } } }] }", (true, false)),
        ("{ never: [] }", (false, false)),
        ("{ never: [{ step: a }] }", (false, true)),
        ("{ timeline: [{ expect: { inbox: { anna: [] } } }] }", (false, true)),
        ("{ timeline: [{ decide: {}, refused: late }] }", (false, true)),
        ("{ start: { refused: late } }", (false, true)),
        (
            "{ expect: { outcome: completed, steps: { a: not_reached } } }",
            (true, true),
        ),
        ("{ expect: { runs: 0 } }", (false, true)),
        (
            "{ expect: { outcome: completed, mails: [{ to: anna, count: 0 }] } }",
            (true, true),
        ),
        (
            "{ expect: { outcome: completed, lists: [{ of: anna, shows: [] }] } }",
            (true, true),
        ),
    ] {
        let test = Document::parse("a.test.yaml", &format!("cases: [{case}]")).0.value;
        assert_eq!(says_both(&test), both, "{case}");
    }
}

/// What is wrong with the test of a row.
fn faults_of_test(row: &Row, path: &Path) -> Vec<String> {
    let name = path.file_name().unwrap().to_string_lossy();
    let Ok(text) = fs::read_to_string(path) else {
        return vec![format!("has no {name}")];
    };
    let mut faults = Vec::new();
    let (must, must_not) = says_both(&Document::parse(&name, &text).0.value);
    if row.rating == Rating::Direct && !(must && must_not) {
        faults.push("is tested in one direction only: say what must happen and what must not".to_owned());
    }
    let report = rehearse(path, &name, &text, None);
    if !report.is_good() || report.cases.is_empty() {
        faults.push(format!("fails:\n{}", human::render(&report.all_findings(), false)));
    }
    faults
}

/// Plays every row of a family and holds the list against its files.
fn assert_whole(family: &Family) {
    let rows = rows(family);
    let mut wrong = String::new();
    let mut files = BTreeSet::new();
    for row in &rows {
        let stem = row.stem();
        let mut faults = faults_of_row(row);
        if row.rating != Rating::No {
            let test = format!("{stem}{ENDING}");
            faults.extend(faults_of_test(row, &folder().join(family.name).join(&test)));
            files.extend([test, format!("{stem}.flow.yaml")]);
        }
        for fault in faults {
            writeln!(wrong, "{} {stem} {fault}", family.letters).unwrap();
        }
    }
    for stray in strays(family, &files) {
        writeln!(wrong, "{}/{stray} belongs to no row", family.name).unwrap();
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Files that should be there, or should not. Flows that a test names beside its own begin with the same number.
fn strays(family: &Family, files: &BTreeSet<String>) -> Vec<String> {
    let entries = fs::read_dir(folder().join(family.name)).expect("each family has its flows");
    let found: BTreeSet<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let numbers: BTreeSet<&str> = files.iter().filter_map(|file| file.get(..3)).collect();
    let is_beside =
        |file: &String| file.ends_with(".flow.yaml") && file.get(..3).is_some_and(|of| numbers.contains(of));
    let extra = found.difference(files).filter(|file| !is_beside(file));
    extra.chain(files.difference(&found)).cloned().collect()
}

#[test]
fn every_pattern_of_control_flow_is_played() {
    assert_whole(family("control"));
}

#[test]
fn every_pattern_of_resources_is_played() {
    assert_whole(family("resource"));
}

#[test]
fn every_pattern_of_data_is_played() {
    assert_whole(family("data"));
}

#[test]
fn every_list_has_every_pattern_once_and_in_order() {
    for family in &FAMILIES {
        let rows = rows(family);
        let numbers: Vec<usize> = rows.iter().map(|row| row.number).collect();
        let all: Vec<usize> = (1..=family.size).collect();
        assert_eq!(numbers, all, "{}", family.name);
        let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), rows.len(), "{} names a pattern twice", family.name);
    }
}

#[test]
fn the_page_of_patterns_is_what_the_lists_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/patterns.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/patterns.md is not what the lists say: run `UPDATE=1 cargo test --test it patterns`"
    );
}

/// What stands above the tables.
const OPENING: &str = "# The workflow patterns

The [workflow patterns](http://www.workflowpatterns.com) are the published yardstick of what a language for processes can say. Each row
below that is `direct` or `partial` is a flow with a test beside it, which plays it in virtual time, with `cargo test` and with
`gatefold test tests/patterns`.

- `direct`: a word of the language does it, in the pattern's own semantics. Its test says what must happen and what must not.
- `partial`: it can be had with a restriction, which the row tells.
- `no`: it cannot be had, or only by a detour; the row tells why.

This page is made from the lists in `tests/patterns`.
";

fn page() -> String {
    let families: Vec<(&Family, Vec<Row>)> = FAMILIES.iter().map(|family| (family, rows(family))).collect();
    let mut page = format!("{OPENING}\n| | direct | partial | no | of |\n|---|---|---|---|---|\n");
    for (family, rows) in &families {
        let count = |rating: Rating| rows.iter().filter(|row| row.rating == rating).count();
        let (direct, partial, no) = (count(Rating::Direct), count(Rating::Partial), count(Rating::No));
        let title = family.title;
        writeln!(page, "| {title} | {direct} | {partial} | {no} | {} |", family.size).unwrap();
    }
    for (family, rows) in &families {
        write!(page, "\n## {}\n\n{}.\n\n", family.title, family.source).unwrap();
        page.push_str("| | pattern | | said with | test |\n|---|---|---|---|---|\n");
        for row in rows {
            page.push_str(&line(family, row));
        }
        let unsaid: Vec<&Row> = rows.iter().filter(|row| row.rating != Rating::Direct).collect();
        if !unsaid.is_empty() {
            page.push_str("\nWhat is not direct, and why:\n\n");
        }
        for row in unsaid {
            let why = row.why.as_deref().unwrap_or_default().trim();
            writeln!(page, "- {}{} {}: {why}", family.letters, row.number, row.name).unwrap();
        }
    }
    page
}

/// A row of a table.
fn line(family: &Family, row: &Row) -> String {
    let rating = match row.rating {
        Rating::Direct => "direct",
        Rating::Partial => "partial",
        Rating::No => "no",
    };
    let construct = row.construct.as_deref().unwrap_or("–").trim().replace('|', "\\|");
    let stem = row.stem();
    let test = match row.rating {
        Rating::No => "–".to_owned(),
        _ => format!("[{stem}](../tests/patterns/{}/{stem}{ENDING})", family.name),
    };
    let (letters, number, name) = (family.letters, row.number, &row.name);
    format!("| {letters}{number} | {name} | {rating} | {construct} | {test} |\n")
}
