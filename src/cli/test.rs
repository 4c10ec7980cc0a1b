//! `gatefold test`: the tests beside the flows, played in virtual time.

use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, sources};
use crate::base::render::{FileFindings, human};
use crate::rehearsal::{self, CaseReport, FileReport, Installed, junit};
use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use serde_json::json;
use std::path::Path;

/// Play tests.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold test\n  gatefold test definitions/external-review.test.yaml --filter deadline\n  gatefold test --coverage-min 80\n  gatefold test --format junit > tests.xml"
)]
pub struct TestArgs {
    /// Tests, flows with a test beside them, and folders; without any: every *.test.yaml below definitions, or below here
    paths: Vec<String>,
    /// How to print what came of them
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Play only cases with this in their name
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Refuse where a smaller share of the outcomes of a flow is tested, in percent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100), conflicts_with = "filter")]
    coverage_min: Option<u8>,
}

/// How reports can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As a table, with the lines of tests that failed
    Human,
    /// As data
    Json,
    #[value(help = "As JUnit XML, for build servers")]
    Junit,
}

/// Runs the command.
pub fn run(args: &TestArgs, settings: &Settings) -> Outcome {
    let resolved = settings.load()?;
    let installed = Installed {
        people: resolved.people,
        calendars: resolved.calendars,
    };
    let paths = tests_meant(&args.paths)?;
    let mut reports = Vec::new();
    for source in sources::read_all_ending(&paths, rehearsal::ENDING)? {
        let path = Path::new(&source.name);
        reports.push(rehearsal::rehearse_in(
            Some(&installed),
            path,
            &source.name,
            &source.text,
            args.filter.as_deref(),
        ));
    }
    let played: usize = reports.iter().map(|report| report.cases.len()).sum();
    let is_good = reports.iter().all(FileReport::is_good);
    if let Some(filter) = args.filter.as_ref().filter(|_| played == 0 && is_good) {
        return Err(Failure::Usage(format!("no case has {filter:?} in its name")));
    }
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Human => show(&reports)?,
        Format::Json => {
            let files: Vec<_> = reports.iter().map(FileReport::to_json).collect();
            output::json(&json!({ "version": 1, "passed": is_good, "files": files }))?;
        }
        Format::Junit => output::data(&junit::render(&reports))?,
    }
    let is_covered = covered(&reports, args.coverage_min);
    if format == Format::Human {
        output::say(&summary(&reports));
    }
    if is_good && is_covered {
        Ok(())
    } else {
        Err(Failure::Said)
    }
}

/// The paths, with the test beside a flow in the place of the flow.
fn tests_meant(paths: &[String]) -> Result<Vec<String>, Failure> {
    let mut meant: Vec<String> = Vec::new();
    for path in paths {
        let test = match path.strip_suffix(sources::ENDING) {
            None => path.clone(),
            Some(stem) => {
                let test = format!("{stem}{}", rehearsal::ENDING);
                if !Path::new(&test).is_file() {
                    let why = format!("{path} is a flow, and its test would be {test}, which is not there");
                    return Err(Failure::Usage(format!("{why}: name the test that plays it")));
                }
                test
            }
        };
        if !meant.contains(&test) {
            meant.push(test);
        }
    }
    Ok(meant)
}

fn show(reports: &[FileReport]) -> Outcome {
    let row = |report: &FileReport, case: &CaseReport| {
        let result = if case.is_good() { "passed" } else { "failed" };
        vec![
            report.name.clone(),
            case.name.clone(),
            result.to_owned(),
            span(case.passed),
            format!("{} ms", case.took.as_millis()),
        ]
    };
    let rows: Vec<Vec<String>> = reports
        .iter()
        .flat_map(|report| report.cases.iter().map(|case| row(report, case)))
        .collect();
    if !rows.is_empty() {
        output::line(&output::table(&["test", "case", "result", "virtual", "real"], &rows))?;
    }
    let wrong: Vec<FileFindings> = reports.iter().flat_map(FileReport::all_findings).collect();
    if !wrong.is_empty() {
        output::data(&format!("\n{}", human::render(&wrong, true)))?;
    }
    let untested = reports
        .iter()
        .filter(|report| report.is_whole)
        .flat_map(|report| report.coverage.untested.iter().map(move |pair| (report, pair)));
    for (report, (step, outcome)) in untested {
        output::line(&format!("{}: `{outcome}` of `{step}` is never tested", report.flow))?;
    }
    Ok(())
}

/// A length of virtual time, as `12 d 4 h`.
pub fn span(passed: SignedDuration) -> String {
    let (days, hours) = (passed.as_hours() / 24, passed.as_hours() % 24);
    let (minutes, seconds) = (passed.as_mins() % 60, passed.as_secs() % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Whether every flow is tested as far as it must be; says which are not.
fn covered(reports: &[FileReport], least: Option<u8>) -> bool {
    let Some(least) = least else { return true };
    let mut is_covered = true;
    for report in reports.iter().filter(|report| report.is_whole) {
        let percent = report.coverage.percent();
        if percent < usize::from(least) {
            is_covered = false;
            output::complain(&format!(
                "{percent} % of the outcomes of {} are tested, and {least} % must be",
                report.flow
            ));
        }
    }
    is_covered
}

/// What came of it all, in a line.
fn summary(reports: &[FileReport]) -> String {
    let cases: usize = reports.iter().map(|report| report.cases.len()).sum();
    let all = reports.iter().flat_map(|report| &report.cases);
    let failed = all.filter(|case| !case.is_good()).count();
    let unplayed = reports.iter().filter(|report| !report.is_fit()).count();
    let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut line = format!("{} played, {failed} failed", counted(cases, "case"));
    if unplayed > 0 {
        line.push_str(&format!(", {} cannot be played", counted(unplayed, "file")));
    }
    let whole: Vec<&FileReport> = reports.iter().filter(|report| report.is_whole).collect();
    let outcomes: usize = whole.iter().map(|report| report.coverage.outcomes).sum();
    if outcomes > 0 {
        let untested: usize = whole.iter().map(|report| report.coverage.untested.len()).sum();
        line.push_str(&format!("; {} of {outcomes} outcomes tested", outcomes - untested));
    }
    line
}
