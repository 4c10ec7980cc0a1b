//! The two channels: data on stdout, talk on stderr. Nothing else in the program prints.
//!
//! Invariant: colours reach a terminal alone, and none where `NO_COLOR` is set; a reader who goes
//! away ends the program quietly.

use super::exit::{Failure, Outcome};
use crate::base::{Timestamp, Value};
use std::io::{ErrorKind, Write};

/// Writes data as it is.
pub fn data(text: &str) -> Outcome {
    let mut stdout = anstream::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(broken)
}

/// Writes data and a line break.
pub fn line(text: &str) -> Outcome {
    data(&format!("{text}\n"))
}

/// Writes data as indented JSON.
pub fn json(value: &impl serde::Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(value).expect("what is shown becomes JSON");
    line(&text)
}

/// Writes bytes that are no text.
pub fn bytes(bytes: &[u8]) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(broken)
}

/// Hands on what was written.
pub fn flush() -> Outcome {
    std::io::stdout().flush().map_err(broken)
}

/// What it means that stdout takes no more.
pub fn broken(error: std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::NobodyReads,
        _ => Failure::Environment(format!("stdout: {error}")),
    }
}

/// Says something to the person. Not being heard is no failure.
pub fn say(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// Says what went wrong.
pub fn complain(text: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    say(&format!("{style}error{style:#}: {text}"));
}

/// A table without lines: columns two spaces apart, the last one as long as it likes.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|cell| cell.to_uppercase()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&header).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let drawn: Vec<String> = lines
        .iter()
        .map(|line| {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect();
    drawn.join("\n")
}

/// A field of a JSON object as text, a moment to the second; `-` where there is none.
pub fn cell(value: &Value, key: &str) -> String {
    let text = field(value, key);
    match text.parse::<Timestamp>() {
        Ok(moment) if key == "due" || key.ends_with("_at") => second(moment),
        _ => text,
    }
}

/// A moment to the second, so that it is as wide as every other.
pub fn second(moment: Timestamp) -> String {
    format!("{moment:.0}")
}

/// A field of a JSON object as text; `-` where there is none.
pub fn field(value: &Value, key: &str) -> String {
    match &value[key] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_moment_is_as_wide_as_every_other_whatever_its_fraction() {
        let row = json!({
            "due": "2026-11-30T08:31:12.123456789Z",
            "started_at": "2026-11-30T08:31:12Z",
            "title": "2026-11-30T08:31:12.5Z",
            "ended_at": null,
        });
        for (key, shown) in [
            ("due", "2026-11-30T08:31:12Z"),
            ("started_at", "2026-11-30T08:31:12Z"),
            ("title", "2026-11-30T08:31:12.5Z"),
            ("ended_at", "-"),
        ] {
            assert_eq!(cell(&row, key), shown);
        }
    }
}
