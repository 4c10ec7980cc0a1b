//! Tests that analysts write beside their flows, played in virtual time.
//!
//! The product's own host, engine, people and file space play; a clock that is held takes the
//! place of the clock, canned answers take the place of everything outside, and a store in memory
//! holds it all. The same test comes out the same each time.

mod acts;
mod canned;
mod check;
pub mod codes;
pub mod coverage;
mod doings;
mod expect;
mod facts;
pub mod file;
pub mod junit;
pub mod line;
mod line_words;
mod lists;
mod made_up;
mod material;
mod moment;
mod named;
mod packed;
mod paper_doings;
pub mod pdf;
mod play;
pub mod read;
pub mod report;
mod setting;
pub mod simulation;
mod stage;
mod task_doings;

pub use read::test_schema;
pub use report::{CaseReport, FileReport};
pub use setting::{CannotPlay, ENDING, Flow, Installed};

use crate::base::diagnostic::has_errors;
use crate::base::render::FileFindings;
use crate::base::{Diagnostic, Document, Findings, Span};
use coverage::Coverage;
use setting::{Setting, Unfit};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// [`rehearse_in`] nothing but the test's own folder.
pub fn rehearse(path: &Path, name: &str, text: &str, filter: Option<&str>) -> FileReport {
    rehearse_in(None, path, name, text, filter)
}

/// Plays the cases of the test in the file `path`, whose text is `text` and which people know as
/// `name`: all of them, or those with `filter` in their name. People and calendars that the test neither
/// names nor has beside it are those of `installed`. Must not be called in a runtime.
pub fn rehearse_in(
    installed: Option<&Installed>,
    path: &Path,
    name: &str,
    text: &str,
    filter: Option<&str>,
) -> FileReport {
    let mut report = FileReport {
        name: name.to_owned(),
        text: text.into(),
        ..FileReport::default()
    };
    let (document, of_text) = Document::parse(name, text);
    let mut findings = in_order(&document, of_text.into());
    let (test, of_shape) = read::read_test(&document);
    findings.extend(of_shape);
    let test = test.filter(|_| !has_errors(&findings));
    report.findings = findings;
    let Some(test) = test else { return report };
    let setting = match Setting::load(path, &document, &test, installed) {
        Ok(setting) => setting,
        Err(unfit) => {
            take(&mut report, unfit);
            return report;
        }
    };
    report.findings.extend(check::check(&document, &test, &setting));
    if has_errors(&report.findings) {
        return report;
    }
    report.flow.clone_from(&setting.plan.flow);
    let mut seen = BTreeSet::new();
    for (index, case) in test.cases.iter().enumerate() {
        if filter.is_some_and(|filter| !case.name.contains(filter)) {
            continue;
        }
        let begun = Instant::now();
        let played = in_virtual_time(play::play(&setting, &document, &test, index));
        report.cases.push(CaseReport {
            name: case.name.clone(),
            findings: played.findings,
            passed: played.passed,
            took: begun.elapsed(),
        });
        seen.extend(played.outcomes);
    }
    report.is_whole = filter.is_none();
    report.coverage = Coverage::of(&setting.plan, &seen);
    report
}

fn take(report: &mut FileReport, unfit: Unfit) {
    report.findings.extend(unfit.test);
    report.flows = unfit.flows;
}

/// Runs `work` on this thread, with a clock that goes on only when nothing else can be done.
fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime on this thread needs nothing from the system");
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::ZERO);
    done
}

/// Findings in reading order, each once, and no more than anybody reads.
fn in_order(document: &Document, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    Findings::from(findings).told(document.text.len())
}

/// The first line of a stretch, without blanks at its end.
fn first_line(text: &str, span: Span) -> Span {
    let whole = text.get(span.start..span.end).unwrap_or_default();
    let line = whole.lines().next().unwrap_or_default().trim_end();
    Span::new(span.start, span.start + line.len())
}

/// Findings with the text that they point into, for the renderers.
pub fn drawn(name: &str, text: &str, findings: &[Diagnostic]) -> FileFindings {
    FileFindings {
        name: name.to_owned(),
        text: text.into(),
        findings: findings.to_vec(),
    }
}
