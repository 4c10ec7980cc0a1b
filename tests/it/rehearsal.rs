//! Tests that analysts write: those of the examples pass, those that must fail do, and both are
//! told as committed.
//!
//! `UPDATE=1 cargo test --test it rehearsal` rewrites what is told in `tests/data/rehearsal`.

use gatefold::base::render::human;
use gatefold::rehearsal::{ENDING, FileReport, junit, rehearse, test_schema};
use std::fs;
use std::path::{Path, PathBuf};

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder whose name ends so, in order.
fn below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn played(path: &Path) -> FileReport {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    rehearse(path, &name, &text, None)
}

fn data(name: &str) -> PathBuf {
    package().join("tests/data/rehearsal").join(name)
}

fn told(report: &FileReport) -> String {
    // paths of flows are those of this machine
    let folder = format!("{}/", data("").display().to_string().trim_end_matches('/'));
    human::render(&report.all_findings(), false).replace(&folder, "")
}

#[test]
fn every_example_has_tests_that_pass_and_come_to_every_outcome() {
    let folder = package().join("definitions");
    for flow in below(&folder, ".flow.yaml") {
        let test = PathBuf::from(flow.to_string_lossy().replace(".flow.yaml", ENDING));
        assert!(test.is_file(), "{} has no test beside it", flow.display());
    }
    for test in below(&folder, ENDING) {
        let report = played(&test);
        assert!(report.is_good(), "{}", told(&report));
        assert!(!report.cases.is_empty());
        assert_eq!(report.coverage.untested, [], "{}", test.display());
    }
}

#[test]
fn calls_outside_give_what_the_test_says() {
    let report = played(&data("answers.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert!(report.cases.len() >= 8);
}

#[test]
fn tasks_are_answered_with_what_their_forms_ask_for() {
    let report = played(&data("tasks.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 2);
}

#[test]
fn who_is_escalated_to_answers_in_the_place_of_one_who_was_asked() {
    let report = played(&data("escalated.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 2);
}

#[test]
fn everybody_who_can_answer_hears_of_a_task_once_and_nobody_else_is_told_to() {
    let report = played(&data("heard.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 6);
}

#[test]
fn people_are_excluded_by_expressions_and_as_senders_of_events() {
    let report = played(&data("excluded.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 4);
}

#[test]
fn the_escalation_of_a_checklist_names_what_is_missing() {
    let report = played(&data("late-papers.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 1);
}

#[test]
fn people_hear_when_it_is_their_turn_and_when_they_are_asked_anew() {
    let report = played(&data("turns.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 3);
}

#[test]
fn a_share_shows_its_versions_to_each_person_by_a_link_of_their_own() {
    let report = played(&data("versions.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 4);
}

#[test]
fn a_delivery_of_several_files_is_not_complete_at_the_first_one() {
    let report = played(&data("deliveries.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 2);
}

#[test]
fn documents_that_expire_start_runs() {
    let report = played(&data("documents.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 5);
}

#[test]
fn people_do_things_about_tasks_beside_answering_them() {
    let report = played(&data("set.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    let report = played(&data("reach.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 6);
    let report = played(&data("acts.test.yaml"));
    assert!(report.is_good(), "{}", told(&report));
    assert_eq!(report.cases.len(), 4);
}

#[test]
fn schedules_and_ends_of_other_flows_start_runs_as_the_clock_goes_on() {
    for (name, cases) in [("weekly", 6), ("weekly-kept", 2), ("weekly-all", 1), ("followed", 2)] {
        let report = played(&data(&format!("{name}.test.yaml")));
        assert!(report.is_good(), "{}", told(&report));
        assert_eq!(report.cases.len(), cases, "{name}");
    }
}

#[test]
fn every_kind_of_expectation_fails_where_it_should() {
    let report = played(&data("expectations.test.yaml"));
    assert!(report.findings.is_empty(), "{}", told(&report));
    for case in &report.cases {
        assert_eq!(
            case.findings.len(),
            1,
            "\"{}\" fails in one way: {:#?}",
            case.name,
            case.findings
        );
    }
}

/// The findings of a test as lines: where, and what.
fn told_short(name: &str) -> Vec<String> {
    let report = played(&data(name));
    let line = |at: usize| report.text[..at].lines().count();
    let of_cases = report.cases.iter().flat_map(|case| &case.findings);
    let findings = report.findings.iter().chain(of_cases);
    findings
        .map(|one| format!("{}: {}", line(one.primary.start), one.message))
        .collect()
}

#[test]
fn a_word_that_no_line_of_the_journal_has_is_told_before_anything_is_played() {
    for (name, is_line) in [("fields.test.yaml", "{ "), ("lines.test.yaml", "- event: {")] {
        let told = told_short(name);
        assert!(played(&data(name)).cases.is_empty());
        let text = fs::read_to_string(data(name)).unwrap();
        let lines = text
            .lines()
            .enumerate()
            .skip_while(|(_, line)| !line.contains("timeline"));
        for (index, line) in lines.filter(|(_, line)| line.contains(is_line)) {
            let is_told = told.iter().any(|told| told.starts_with(&format!("{}: ", index + 1)));
            // what is released has a name of its own
            assert_eq!(is_told, !line.contains("release:"), "{line}: {told:#?}");
        }
    }
}

#[test]
fn an_expectation_that_says_nothing_is_told() {
    let told = told_short("silent.test.yaml");
    let text = fs::read_to_string(data("silent.test.yaml")).unwrap();
    let lines = text.lines().skip_while(|line| !line.contains("start:"));
    let empty: usize = lines
        .map(|line| {
            ["{}", "[]", "\"\""]
                .map(|it| line.matches(it).count())
                .iter()
                .sum::<usize>()
        })
        .sum();
    assert_eq!(told.len(), empty, "{told:#?}");
    assert!(played(&data("silent.test.yaml")).cases.is_empty());
}

#[test]
fn a_case_that_cannot_fail_is_told() {
    assert_eq!(
        told_short("mute.test.yaml"),
        ["5: the case \"nothing must be so\" says nothing that must be so"]
    );
}

#[test]
fn under_never_the_id_alone_stands_for_the_step_in_every_element() {
    let told = told_short("elements.test.yaml");
    assert_eq!(
        told,
        [
            "12: `sign` was begun",
            "14: `sign` came to `done`",
            "16: `sign` came to `expired`",
        ]
    );
}

#[test]
fn what_is_wrong_is_told_as_committed() {
    let update = std::env::var_os("UPDATE").is_some();
    let files = below(&data(""), ENDING);
    assert!(files.len() >= 8, "{files:?}");
    for path in files {
        let drawing = path.with_extension("txt");
        let told = told(&played(&path));
        if update {
            fs::write(&drawing, &told).unwrap();
        }
        let committed = fs::read_to_string(&drawing).unwrap_or_default();
        assert_eq!(told, committed, "{}", path.display());
    }
}

#[test]
fn the_same_test_comes_out_the_same_each_time() {
    let path = package().join("definitions/cooling-off.test.yaml");
    let virtual_times = || played(&path).cases.iter().map(|case| case.passed).collect::<Vec<_>>();
    let first = virtual_times();
    assert!(first.iter().any(|passed| passed.as_hours() > 24 * 5), "{first:?}");
    assert_eq!(virtual_times(), first);
}

#[test]
fn cases_are_chosen_by_their_name() {
    let path = data("answers.test.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let report = rehearse(&path, "answers.test.yaml", &text, Some("made up"));
    assert_eq!(report.cases.len(), 1);
    assert!(!report.is_whole);
    assert!(
        rehearse(&path, "answers.test.yaml", &text, Some("nothing like it"))
            .cases
            .is_empty()
    );
}

#[test]
fn a_flow_that_the_linter_refuses_is_not_played() {
    let report = played(&data("broken.test.yaml"));
    assert!(!report.is_good());
    assert!(report.cases.is_empty());
    assert_eq!(report.flows.len(), 1);
}

#[test]
fn what_is_read_is_what_the_schema_accepts() {
    let schema = test_schema();
    for file in below(&data(""), ENDING)
        .into_iter()
        .chain(below(&package().join("definitions"), ENDING))
    {
        let text = fs::read_to_string(&file).unwrap();
        let (document, _) = gatefold::base::Document::parse("a.test.yaml", &text);
        let is_read = gatefold::rehearsal::read::read_test(&document).0.is_some();
        let is_twofold = file.ends_with("twofold.test.yaml");
        assert_eq!(
            jsonschema::is_valid(&schema, &document.value),
            is_read,
            "{}",
            file.display()
        );
        assert!(!is_twofold || !is_read);
    }
}

#[test]
fn junit_is_xml_with_a_case_for_each_and_a_failure_where_one_failed() {
    let reports = ["answers.test.yaml", "expectations.test.yaml", "broken.test.yaml"].map(|name| played(&data(name)));
    let xml = junit::render(&reports);
    let tags = well_formed(&xml);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    let cases: usize = reports.iter().map(|report| report.cases.len()).sum();
    let failed = reports[1].cases.len();
    assert_eq!((count("testsuites"), count("testsuite")), (1, 3));
    assert_eq!(
        (count("testcase"), count("failure"), count("error")),
        (cases + 1, failed, 1)
    );
    let suites: Vec<&Tag> = tags.iter().filter(|tag| tag.name == "testsuite").collect();
    let number = |suite: &Tag, key: &str| suite.attribute(key).parse::<usize>().unwrap();
    assert_eq!(number(suites[0], "failures"), 0);
    assert_eq!(
        (number(suites[1], "tests"), number(suites[1], "failures")),
        (failed, failed)
    );
    assert_eq!((number(suites[2], "tests"), number(suites[2], "errors")), (1, 1));
}

/// Two cases of the review with names as odd as can be, of which the second fails.
fn odd(name: &str) -> String {
    let case = |name: &str, outcome: &str| {
        format!(
            "  - name: {}\n    start: {{ by: dora, inputs: {{ document: {{ name: a.pdf }}, guest: gwen@example.com }} }}\n    \
             expect: {{ outcome: {outcome} }}\n",
            serde_json::json!(name)
        )
    };
    let calendar = "{ office: { zone: Europe/Madrid, hours: [\"09:00-17:00\"], week: [mon, tue, wed, thu, fri] } }";
    let head = format!("flow: review.flow.yaml\npeople: people.yaml\ncalendars: {calendar}\ncases:\n");
    head + &case(&format!("{name} passes"), "no_answer") + &case(name, "completed")
}

#[test]
fn odd_characters_in_names_do_not_break_junit() {
    let name = "<b> & \"c\" 'd' ]]> --> &amp; \u{1} é 😀 end";
    let file = "folder <&>/\"odd\".test.yaml";
    let report = rehearse(&data("odd.test.yaml"), file, &odd(name), None);
    assert!(report.findings.is_empty(), "{}", told(&report));
    let tags = well_formed(&junit::render(std::slice::from_ref(&report)));
    let named = |tag: &Tag, key: &str| {
        let written = tag.attribute(key).replace("&quot;", "\"");
        written.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    let cases: Vec<&Tag> = tags.iter().filter(|tag| tag.name == "testcase").collect();
    // XML has no place for some characters
    let shown = name.replace('\u{1}', "?");
    assert_eq!(named(cases[0], "name"), format!("{shown} passes"));
    assert_eq!(
        (named(cases[1], "name"), named(cases[1], "classname")),
        (shown, file.to_owned())
    );
    let failure = tags.iter().find(|tag| tag.name == "failure").unwrap();
    assert!(named(failure, "message").contains("`no_answer`"));
}

#[test]
fn the_same_tests_are_reported_the_same_but_for_how_long_they_took() {
    let told = || {
        let mut report = rehearse(&data("odd.test.yaml"), "odd.test.yaml", &odd("odd"), None);
        report
            .cases
            .iter_mut()
            .for_each(|case| case.took = std::time::Duration::ZERO);
        (report.to_json().to_string(), junit::render(&[report]))
    };
    let (data, xml) = told();
    assert_eq!(told(), (data.clone(), xml));
    assert!(data.contains("\"untested\":[{"), "{data}");
}

#[test]
fn coverage_is_rounded_down_and_nothing_to_test_is_tested() {
    let coverage = |outcomes: usize, untested: usize| gatefold::rehearsal::coverage::Coverage {
        outcomes,
        untested: vec![("step".to_owned(), "outcome".to_owned()); untested],
    };
    for (outcomes, untested, percent) in [(0, 0, 100), (3, 0, 100), (3, 1, 66), (200, 1, 99), (3, 3, 0)] {
        assert_eq!(
            coverage(outcomes, untested).percent(),
            percent,
            "{untested} of {outcomes}"
        );
    }
}

/// A tag as it opens.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, key: &str) -> &str {
        let found = self.attributes.iter().find(|(name, _)| name == key);
        found.map_or("", |(_, value)| value)
    }
}

/// The tags of an XML document; panics where one is not closed in order, or a letter is not escaped.
fn well_formed(xml: &str) -> Vec<Tag> {
    let mut rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
    let (mut open, mut tags) = (Vec::new(), Vec::new());
    while let Some(at) = rest.find('<') {
        assert_escaped(&rest[..at]);
        let end = rest.find('>').unwrap();
        let inside = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(closed) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closed));
            continue;
        }
        let (inside, is_empty) = inside
            .strip_suffix('/')
            .map_or((inside, false), |inside| (inside, true));
        let (name, mut attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut tag = Tag {
            name: name.to_owned(),
            attributes: Vec::new(),
        };
        while let Some((key, value)) = attributes.trim_start().split_once("=\"") {
            let (value, others) = value.split_once('"').unwrap();
            assert_escaped(value);
            tag.attributes.push((key.to_owned(), value.to_owned()));
            attributes = others;
        }
        assert_eq!(attributes.trim(), "", "{inside}");
        tags.push(tag);
        if !is_empty {
            open.push(name.to_owned());
        }
    }
    assert_eq!((open, rest.trim()), (Vec::new(), ""));
    tags
}

fn assert_escaped(text: &str) {
    for piece in text.split('&').skip(1) {
        let entity = piece.split_once(';').map(|(entity, _)| entity).unwrap_or_default();
        assert!(
            ["amp", "lt", "gt", "quot", "#10", "#9", "#13"].contains(&entity),
            "&{piece}"
        );
    }
    assert!(!text.contains(['<', '>']));
}

/// The blocks of a page that are marked with `info`.
fn blocks<'p>(page: &'p str, info: &str) -> Vec<&'p str> {
    let opening = format!("```{info}\n");
    let rest = page.split(opening.as_str()).skip(1);
    rest.filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn the_page_about_tests_does_what_it_says() {
    let page = fs::read_to_string(package().join("docs/testing.md")).unwrap();
    let (flows, tests) = (blocks(&page, "yaml flow"), blocks(&page, "yaml test"));
    assert_eq!((flows.len(), tests.len()), (1, 1));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("page.flow.yaml"), flows[0]).unwrap();
    let report = rehearse(&folder.path().join("page.test.yaml"), "page.test.yaml", tests[0], None);
    assert!(report.is_good(), "{}", human::render(&report.all_findings(), false));
    assert_eq!((report.cases.len(), report.coverage.percent()), (5, 100));
}

#[test]
fn the_page_about_tests_names_every_word() {
    let page = fs::read_to_string(package().join("docs/testing.md")).unwrap();
    let words: Vec<&str> = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let schema = test_schema();
    let of_defs = schema["$defs"].as_object().unwrap().values();
    for map in of_defs.chain([&schema]).filter_map(|def| def["properties"].as_object()) {
        for key in map.keys() {
            assert!(words.contains(&key.as_str()), "docs/testing.md does not name {key}");
        }
    }
}
