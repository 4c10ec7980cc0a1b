//! Every page under `docs/rules/`: its examples are its tests.

use gatefold::base::diagnostic::Severity;
use gatefold::base::secret_rules::{SecretBinding, SecretRules};
use gatefold::base::{Calendar, Calendars, Diagnostic, Document};
use gatefold::lint::{CODES, Flows, Page, RULES, Surroundings, check, explain, outline};
use gatefold::people::{Directory, Person};
use gatefold::spec::Catalog;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const HEADINGS: [&str; 5] = ["What it finds", "Why", "Fails", "Passes", "How to mend"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules")
}

fn file(page: &Page) -> PathBuf {
    folder().join(format!("{}-{}.md", page.code.id, page.code.name))
}

fn calendars() -> Calendars {
    let calendar = Calendar {
        zone: "Europe/Madrid".into(),
        hours: vec!["09:00-17:00".into()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        holidays: Vec::new(),
    };
    Calendars::from([("corporate".to_owned(), calendar)])
}

fn people() -> Directory {
    let person = |name: &str| Person {
        name: name.to_owned(),
        email: format!("{name}@example.com"),
        roles: BTreeSet::from(["legal".to_owned()]),
        groups: BTreeSet::new(),
        skills: std::collections::BTreeSet::default(),
        manager: None,
        absent: Vec::new(),
    };
    Directory {
        users: ["anna", "ben"].map(|name| (name.to_owned(), person(name))).into(),
    }
}

/// A secret that is bound to a flow and a host, and one of the server itself.
fn secrets() -> SecretRules {
    let list = |word: &str| Some(vec![word.to_owned()]);
    let binding = SecretBinding {
        flows: list("orders"),
        hosts: list("erp.example.com"),
    };
    SecretRules {
        bindings: [("ERP_TOKEN".to_owned(), binding)].into(),
        reserved: BTreeSet::from(["SMTP_PASSWORD".to_owned()]),
    }
}

/// One example of a page.
struct Example {
    /// The heading that it stands under.
    heading: String,
    /// Whether it is a `calendar` or a `test` and no flow, or a flow that is read with a directory of `people`
    /// or with bindings of `secrets`.
    /// Whether it is a `calendar` or a `test` and no flow, or a flow that stands `beside` the others.
    kind: String,
    text: String,
}

fn examples(page: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut heading = "";
    let mut open: Option<Example> = None;
    for line in page.lines() {
        match &mut open {
            Some(_) if line == "```" => found.extend(open.take()),
            Some(example) => {
                example.text.push_str(line);
                example.text.push('\n');
            }
            None => {
                heading = line.strip_prefix("## ").unwrap_or(heading);
                if let Some(info) = line.strip_prefix("```yaml") {
                    open = Some(Example {
                        heading: heading.into(),
                        kind: info.trim().to_owned(),
                        text: String::new(),
                    });
                }
            }
        }
    }
    found
}

fn findings(example: &Example, page: &[Example]) -> Vec<Diagnostic> {
    if example.kind == "test" {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rehearsal/review.test.yaml");
        let report = gatefold::rehearsal::rehearse(&beside, "review.test.yaml", &example.text, None);
        let of_cases = report.cases.iter().flat_map(|case| case.findings.clone());
        return report.findings.iter().cloned().chain(of_cases).collect();
    }
    if example.kind == "calendar" {
        let (document, mut findings) = Document::parse("calendars/corporate.yaml", &example.text);
        findings.extend(Calendar::from_document(&document).1);
        return findings.into();
    }
    let (calendars, people, secrets) = (calendars(), people(), secrets());
    let mut surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &calendars,
        people: (example.kind == "people").then_some(&people),
        flows: None,
        secrets: (example.kind == "secrets").then_some(&secrets),
    };
    let beside = page.iter().filter(|other| other.kind == "beside");
    let mut flows = Flows::default();
    for other in beside.chain([example]) {
        if let Some(outline) = outline("example.flow.yaml", &other.text, surroundings) {
            flows.add(Arc::new(outline));
        }
    }
    if page.iter().any(|other| other.kind == "beside") {
        surroundings.flows = Some(&flows);
    }
    check("example.flow.yaml", &example.text, surroundings).findings
}

/// `CODE at LINE: message`, and what else a reader needs when a page is wrong.
fn told(text: &str, finding: &Diagnostic) -> String {
    let line = text[..finding.primary.start].matches('\n').count() + 1;
    format!("{} at line {line}: {}", finding.code.id, finding.message)
}

/// What is wrong with one example, if anything.
fn fault(page: &Page, example: &Example, all: &[Example]) -> Option<String> {
    let found = findings(example, all);
    let all = || {
        found
            .iter()
            .map(|finding| told(&example.text, finding))
            .collect::<Vec<_>>()
            .join("\n  ")
    };
    match example.heading.as_str() {
        "Passes" if found.is_empty() => None,
        "Passes" => Some(format!("the passing example has findings:\n  {}", all())),
        "Fails" => {
            let mark = format!("# {}", page.code.id);
            let marked: BTreeSet<usize> = example
                .text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.trim_end().ends_with(&mark))
                .map(|(index, _)| index + 1)
                .collect();
            let line = |finding: &Diagnostic| example.text[..finding.primary.start].matches('\n').count() + 1;
            let lines: Vec<usize> = found.iter().map(line).collect();
            let right = found.iter().all(|finding| finding.code == page.code)
                && !marked.is_empty()
                && lines.iter().copied().collect::<BTreeSet<_>>() == marked
                && lines.len() == marked.len();
            (!right).then(|| format!("the failing example is marked at lines {marked:?} and has\n  {}", all()))
        }
        other => Some(format!("an example stands under {other:?}")),
    }
}

#[test]
fn examples_of_every_page_hold() {
    let mut wrong = String::new();
    for page in CODES {
        let text = std::fs::read_to_string(file(page)).expect("the page can be read");
        let examples = examples(&text);
        for example in examples.iter().filter(|example| example.kind != "beside") {
            if let Some(fault) = fault(page, example, &examples) {
                writeln!(wrong, "{}: {fault}", page.code.id).expect("a string takes it");
            }
        }
        for heading in ["Fails", "Passes"] {
            if !examples.iter().any(|example| example.heading == heading) {
                writeln!(wrong, "{}: no example under {heading:?}", page.code.id).expect("a string takes it");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_page_has_its_title_and_headings_in_order() {
    for page in CODES {
        let title = format!("# {} {}", page.code.id, page.code.name);
        assert_eq!(page.text.lines().next(), Some(title.as_str()));
        let headings: Vec<&str> = page.text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}", page.code.id);
        assert!(
            !page.summary().is_empty() && !page.summary().contains('\n'),
            "{}: one line",
            page.code.id
        );
    }
}

#[test]
fn every_code_has_one_page_and_every_page_a_code() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder can be read")
        .map(|entry| {
            entry
                .expect("the entry can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "README.md")
        .collect();
    files.sort();
    let pages: Vec<String> = CODES
        .iter()
        .map(|page| format!("{}-{}.md", page.code.id, page.code.name))
        .collect();
    assert_eq!(files, pages, "in order, each once");
    for rule in RULES {
        assert!(
            CODES.iter().any(|page| page.code == rule.code),
            "{} has no page",
            rule.code.id
        );
    }
    let of_tests = gatefold::rehearsal::codes::ALL;
    let of_flows = gatefold::base::codes::ALL.into_iter().chain(gatefold::spec::codes::ALL);
    for code in of_flows.chain(of_tests) {
        assert!(CODES.iter().any(|page| page.code == code), "{} has no page", code.id);
    }
}

#[test]
fn a_page_is_found_by_code_or_name() {
    assert_eq!(explain("gf401").expect("a page").code.name, "no-deadline");
    assert_eq!(explain(" no-deadline ").expect("a page").code.id, "GF401");
    assert!(explain("GF999").is_none());
}

#[test]
fn the_index_is_what_the_pages_say() {
    let mut index = String::from(
        "# Findings\n\nWhat `gatefold lint` and `gatefold test` can find, by code. `gatefold explain CODE` prints the same pages.\n\
         Each page's examples are run by the tests, so what they say is true.\n\n\
         | code | name | severity | what it finds |\n|---|---|---|---|\n",
    );
    for page in CODES {
        let all = examples(page.text);
        let severity = all
            .iter()
            .filter(|example| example.heading == "Fails" && example.kind != "beside")
            .flat_map(|example| findings(example, &all))
            .map(|finding| finding.severity)
            .max()
            .map_or("", |severity| match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "info",
            });
        let code = page.code;
        writeln!(
            index,
            "| [{0}]({0}-{1}.md) | {1} | {severity} | {2} |",
            code.id,
            code.name,
            page.summary()
        )
        .expect("a string takes it");
    }
    index.push_str(
        "\nA finding is silenced on its line, or on a line above, by `# lint: allow CODE because REASON`; errors below\n\
         GF400 would break a run and cannot be silenced.\n",
    );
    let path = folder().join("README.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &index).expect("the index can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == index,
        "run the tests with UPDATE=1 to write docs/rules/README.md anew"
    );
}
