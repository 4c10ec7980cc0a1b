//! `gatefold lint`: the verdict of the deploy gate, in a form for people or programs.

use super::exit::{Failure, Outcome};
use super::output;
use super::settings::Settings;
use super::sources::{self, Surroundings};
use crate::base::render::{FileFindings, github, human, json, sarif};
use crate::base::{Severity, diagnostic};
use clap::{Args, ValueEnum};

/// Check flows.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold lint\n  gatefold lint definitions/external-review.flow.yaml\n  gatefold lint - < draft.flow.yaml\n  gatefold lint --format sarif > findings.sarif"
)]
pub struct LintArgs {
    /// Files and folders; `-` is standard input. Without any: every *.flow.yaml below definitions, or below here
    paths: Vec<String>,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Let warnings count as errors
    #[arg(long)]
    strict: bool,
}

/// How findings can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With the lines they are about
    Human,
    /// As data
    Json,
    /// As annotations of a GitHub workflow
    Github,
    /// As SARIF 2.1.0, for code scanning
    Sarif,
}

/// Runs the command.
pub fn run(args: &LintArgs, settings: &Settings) -> Outcome {
    let mut surroundings = Surroundings::load(settings)?;
    let sources = sources::read_all(&args.paths)?;
    surroundings.know(&sources)?;
    let mut checked = Vec::new();
    for source in sources {
        let findings = surroundings.check(&source)?.findings;
        checked.push(FileFindings {
            name: source.name,
            text: source.text.into(),
            findings,
        });
    }
    let flows = checked.len();
    checked.extend(surroundings.broken_calendars());
    let format = if args.json { Format::Json } else { args.format };
    match format {
        // Colours are taken out again where nobody sees them.
        Format::Human => output::data(&human::render(&checked, true))?,
        Format::Json => output::json(&json::render(&checked))?,
        Format::Github => output::data(&github::render(&checked))?,
        Format::Sarif => output::json(&sarif::render(&checked))?,
    }
    if format == Format::Human {
        output::say(&summary(flows, &checked));
    }
    let is_refused = checked.iter().any(|file| {
        diagnostic::has_errors(&file.findings) || args.strict && count(&file.findings, Severity::Warning) > 0
    });
    if is_refused { Err(Failure::Said) } else { Ok(()) }
}

fn count(findings: &[crate::base::Diagnostic], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

/// The verdict in a line, with what to do next.
fn summary(flows: usize, checked: &[FileFindings]) -> String {
    let files = counted(flows, "flow");
    let errors: usize = checked.iter().map(|file| count(&file.findings, Severity::Error)).sum();
    let warnings: usize = checked
        .iter()
        .map(|file| count(&file.findings, Severity::Warning))
        .sum();
    let first = checked.iter().flat_map(|file| &file.findings).next();
    match first {
        None => format!("{files} checked, nothing found"),
        Some(finding) => format!(
            "{files} checked: {}, {}. More about the first: gatefold explain {}",
            counted(errors, "error"),
            counted(warnings, "warning"),
            finding.code.id
        ),
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
