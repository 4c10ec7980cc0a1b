//! What came of the tests in a file, as data.

use super::coverage::Coverage;
use crate::base::diagnostic::has_errors;
use crate::base::render::{FileFindings, json};
use crate::base::{Diagnostic, Value};
use jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// What came of the tests in one file.
#[derive(Debug, Default)]
pub struct FileReport {
    /// The path to show.
    pub name: String,
    /// The text of the test.
    pub text: Arc<str>,
    /// The flow under test, where it could be read.
    pub flow: String,
    /// What is wrong with the test itself; an error keeps it from being played.
    pub findings: Vec<Diagnostic>,
    /// Flows that cannot be played, with what is wrong with them.
    pub flows: Vec<FileFindings>,
    /// The cases that were played, in order.
    pub cases: Vec<CaseReport>,
    /// Whether every case was played.
    pub is_whole: bool,
    /// The outcomes that the cases came to.
    pub coverage: Coverage,
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// What is wrong; nothing where it passed.
    pub findings: Vec<Diagnostic>,
    /// Virtual time from its beginning to its end.
    pub passed: SignedDuration,
    /// Real time.
    pub took: Duration,
}

impl CaseReport {
    /// Whether everything came out as the test says.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

impl FileReport {
    /// Whether the test and its flows can be played.
    pub fn is_fit(&self) -> bool {
        !has_errors(&self.findings) && self.flows.is_empty()
    }

    /// Whether everything could be played and came out as the test says.
    pub fn is_good(&self) -> bool {
        self.is_fit() && self.cases.iter().all(CaseReport::is_good)
    }

    /// Everything that is wrong, with the texts that it points into.
    pub fn all_findings(&self) -> Vec<FileFindings> {
        let mut files = self.flows.clone();
        let of_cases = self.cases.iter().flat_map(|case| &case.findings);
        let findings: Vec<Diagnostic> = self.findings.iter().chain(of_cases).cloned().collect();
        if !findings.is_empty() {
            files.push(FileFindings {
                name: self.name.clone(),
                text: Arc::clone(&self.text),
                findings,
            });
        }
        files
    }

    /// The same as data, for programs.
    pub fn to_json(&self) -> Value {
        let case = |case: &CaseReport| {
            let drawn = [super::drawn(&self.name, &self.text, &case.findings)];
            json!({
                "name": case.name,
                "passed": case.is_good(),
                "virtual_seconds": case.passed.as_secs(),
                "real_milliseconds": u64::try_from(case.took.as_millis()).unwrap_or(u64::MAX),
                "findings": findings(&drawn),
            })
        };
        let mut of_file = self.flows.clone();
        of_file.push(super::drawn(&self.name, &self.text, &self.findings));
        let untested = self.coverage.untested.iter();
        let untested: Vec<Value> = untested
            .map(|(step, outcome)| json!({ "step": step, "outcome": outcome }))
            .collect();
        json!({
            "path": self.name,
            "flow": self.flow,
            "passed": self.is_good(),
            "findings": findings(&of_file),
            "cases": self.cases.iter().map(case).collect::<Vec<_>>(),
            "coverage": {
                "outcomes": self.coverage.outcomes,
                "percent": self.coverage.percent(),
                "untested": untested,
            },
        })
    }
}

/// Findings as the linter's data shows them.
fn findings(files: &[FileFindings]) -> Value {
    let rendered = serde_json::to_value(json::render(files)).unwrap_or_default();
    let files = rendered["files"].as_array().cloned().unwrap_or_default();
    let of_file = |file: &Value| {
        let path = file["path"].clone();
        let found = file["findings"].as_array().cloned().unwrap_or_default();
        found.into_iter().map(move |mut finding| {
            finding["path"] = path.clone();
            finding
        })
    };
    files.iter().flat_map(of_file).collect()
}
