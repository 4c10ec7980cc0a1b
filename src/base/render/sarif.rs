//! Findings as SARIF 2.1.0, which code scanning services read.
//!
//! Only what those services use: rules, results with places, related places, fixes, and
//! fingerprints that stay the same when a line moves.

use super::mask::masked;
use super::{FileFindings, Lines, Unit, page};
use crate::base::{Code, Diagnostic, Severity, Span, Value, id};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Outcome>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: &'static str,
    short_description: Message,
    help_uri: String,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fingerprints {
    primary_location_line_hash: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(rename = "physicalLocation")]
    place: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Clone, Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix {
    description: Message,
    artifact_changes: [Change; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact_location: Artifact,
    replacements: [Replacement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Message,
}

/// One run of the tool with all its results.
pub fn render(files: &[FileFindings]) -> Value {
    let mut codes: Vec<Code> = files
        .iter()
        .flat_map(|file| &file.findings)
        .map(|one| one.code)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "gatefold",
                    version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: codes.iter().map(|code| rule(*code)).collect(),
                },
            },
            column_kind: "utf16CodeUnits",
            results: files.iter().flat_map(|file| results(&masked(file), &codes)).collect(),
        }],
    };
    serde_json::to_value(log).expect("a log is plain data")
}

fn rule(code: Code) -> Rule {
    Rule {
        id: code.id,
        name: code.name,
        short_description: Message {
            text: code.name.replace('-', " "),
        },
        help_uri: page(code),
    }
}

fn results(file: &FileFindings, codes: &[Code]) -> Vec<Outcome> {
    let lines = Lines::of(&file.text);
    let artifact = Artifact { uri: uri(&file.name) };
    let mut seen = HashMap::new();
    let result = |finding: &Diagnostic| {
        let related = finding.related.iter().enumerate();
        let help = finding.help.as_ref().map(|help| format!("\n{help}"));
        Outcome {
            rule_id: finding.code.id,
            rule_index: codes.binary_search(&finding.code).unwrap_or_default(),
            level: match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "note",
            },
            message: Message {
                text: format!("{}{}", finding.message, help.unwrap_or_default()),
            },
            locations: [location(&artifact, &lines, finding.primary)],
            related_locations: related
                .map(|(index, label)| Location {
                    id: Some(index + 1),
                    message: Some(Message {
                        text: label.text.clone(),
                    }),
                    ..location(&artifact, &lines, label.span)
                })
                .collect(),
            partial_fingerprints: fingerprint(&lines, finding, &mut seen),
            fixes: fixes(&artifact, &lines, finding),
        }
    };
    file.findings.iter().map(result).collect()
}

fn location(artifact: &Artifact, lines: &Lines<'_>, span: Span) -> Location {
    Location {
        id: None,
        place: PhysicalLocation {
            artifact_location: artifact.clone(),
            region: region(lines, span),
        },
        message: None,
    }
}

fn region(lines: &Lines<'_>, span: Span) -> Region {
    let span = lines.fit(span);
    let start = lines.position(span.start, Unit::Utf16);
    let end = lines.position(span.end, Unit::Utf16);
    Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}

fn fixes(artifact: &Artifact, lines: &Lines<'_>, finding: &Diagnostic) -> Vec<Fix> {
    let fix = finding.fix.iter().map(|fix| Fix {
        description: Message {
            text: format!("write `{}`", fix.replacement),
        },
        artifact_changes: [Change {
            artifact_location: artifact.clone(),
            replacements: [Replacement {
                deleted_region: region(lines, fix.span),
                inserted_content: Message {
                    text: fix.replacement.clone(),
                },
            }],
        }],
    });
    fix.collect()
}

/// What the finding says and the text of its line, and how often that was seen above.
fn fingerprint(lines: &Lines<'_>, finding: &Diagnostic, seen: &mut HashMap<String, usize>) -> Fingerprints {
    let line = lines.line(lines.index(lines.fit(finding.primary).start)).trim();
    let digest = Sha256::digest(format!("{}\n{}\n{line}", finding.code.id, finding.message));
    let hash = id::hex(&digest[..8]);
    let count = seen.entry(hash.clone()).or_default();
    *count += 1;
    Fingerprints {
        primary_location_line_hash: format!("{hash}:{count}"),
    }
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    use std::fmt::Write;
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => write!(uri, "%{other:02X}").expect("writing to a string succeeds"),
        }
    }
    uri
}
