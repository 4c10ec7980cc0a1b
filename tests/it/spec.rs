//! Flow files, good and bad: what reading finds in them, drawn as people see it.
//!
//! `UPDATE=1 cargo test --test it spec` rewrites the drawings in `tests/data/spec/err`.

use gatefold::base::render::{FileFindings, human};
use gatefold::base::{Diagnostic, Document, Severity};
use gatefold::spec::{FlowSpec, read_flow};
use std::fs;
use std::path::{Path, PathBuf};

/// The flow files of one folder, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/spec")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

struct Read {
    document: Document,
    flow: Option<FlowSpec>,
    findings: Vec<Diagnostic>,
}

fn read(path: &Path) -> Read {
    let name = path.file_name().unwrap().to_str().unwrap();
    let (document, mut findings) = Document::parse_bytes(name, &fs::read(path).unwrap());
    let (flow, of_shape) = read_flow(&document);
    findings.extend(of_shape);
    Read {
        document,
        flow,
        findings: findings.into(),
    }
}

fn is_error(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Error
}

#[test]
fn good_flows_are_read_without_a_finding() {
    for path in files("ok") {
        let read = read(&path);
        assert_eq!(read.findings, [], "{}", path.display());
        let flow = read.flow.expect("a flow");
        assert_eq!(flow.broken, Vec::<String>::new());
    }
}

#[test]
fn bad_flows_are_told_as_committed() {
    let update = std::env::var_os("UPDATE").is_some();
    for path in files("err") {
        let Read { document, findings, .. } = read(&path);
        assert!(findings.iter().any(is_error), "{} has nothing wrong", path.display());
        let file = FileFindings {
            name: document.name,
            text: document.text,
            findings,
        };
        let drawn = human::render(&[file], false);
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &drawn).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&expected).unwrap_or_default(),
            drawn,
            "{}",
            path.display()
        );
    }
}
