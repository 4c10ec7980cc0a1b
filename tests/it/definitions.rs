//! Every flow that is shown to people has no finding: the examples, the one that `gatefold init`
//! makes, and those on the language page.

use gatefold::base::render::{FileFindings, human};
use gatefold::base::{Calendar, Calendars};
use gatefold::lint::{Flows, Surroundings, check, outline};
use gatefold::spec::Catalog;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn calendars() -> Calendars {
    let file = package().join("definitions/calendars");
    let calendars = gatefold::config::calendars(&file).expect("the calendars can be read");
    let _: &Calendar = calendars.get("corporate").expect("the examples name it");
    calendars
}

fn assert_clean(name: &str, text: &str) {
    let calendars = calendars();
    let mut surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    let mut flows = Flows::default();
    for path in flows_in("definitions") {
        let text = fs::read_to_string(&path).expect("it can be read");
        let outline = outline("beside.flow.yaml", &text, surroundings);
        flows.add(Arc::new(outline.expect("it is a flow")));
    }
    surroundings.flows = Some(&flows);
    let findings = check(name, text, surroundings).findings;
    let file = FileFindings {
        name: name.to_owned(),
        text: text.into(),
        findings: findings.clone(),
    };
    assert!(findings.is_empty(), "{}", human::render(&[file], false));
}

fn flows_in(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(package().join(folder))
        .expect("the folder is there")
        .map(|entry| entry.expect("the entry can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(".flow.yaml"))
        .collect();
    found.sort();
    found
}

#[test]
fn the_examples_are_clean() {
    let mut found = flows_in("definitions");
    assert!(found.len() >= 5, "the examples are gone: {found:?}");
    found.extend(flows_in("src/cli/init"));
    for path in found {
        let text = fs::read_to_string(&path).expect("it can be read");
        assert_clean(&path.display().to_string(), &text);
    }
}

#[test]
fn the_flows_on_the_language_page_are_clean() {
    let page = fs::read_to_string(package().join("docs/language.md")).expect("the page is there");
    let blocks = page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let flows: Vec<&str> = blocks.filter(|block| block.starts_with("flow:")).collect();
    assert!(!flows.is_empty(), "the page shows no flow");
    for text in flows {
        assert_clean("docs/language.md", text);
    }
}

#[test]
fn the_language_page_names_every_filter_method_and_test() {
    let page = fs::read_to_string(package().join("docs/language.md")).expect("the page is there");
    let words: Vec<&str> = page.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let all = [
        gatefold::expr::functions::FILTERS.as_slice(),
        gatefold::expr::functions::METHODS.as_slice(),
        gatefold::expr::functions::TESTS.as_slice(),
    ];
    for word in all.into_iter().flatten() {
        assert!(words.contains(word), "docs/language.md does not name {word}");
    }
}
