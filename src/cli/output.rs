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

/// A name that a server gave, as a file of this folder: a name and never a path.
pub fn own_name(name: &str) -> Result<std::path::PathBuf, Failure> {
    let path = std::path::Path::new(name);
    match path.file_name() {
        Some(alone) if alone == path.as_os_str() => Ok(path.to_owned()),
        _ => Err(Failure::Usage(
            "the server names no file: say where to with --output".to_owned(),
        )),
    }
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

/// Asks the person: what is typed stands behind it.
pub fn ask(question: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// Says what went wrong.
pub fn complain(text: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    say(&format!("{style}error{style:#}: {text}"));
}

/// Shows rows: as a table where nobody looks or it fits the terminal, else one below the other.
/// `none` is said where there are no rows.
pub fn rows(header: &[&str], rows: &[Vec<String>], none: &str) -> Outcome {
    if rows.is_empty() {
        say(none);
        return Ok(());
    }
    line(&laid_out(header, rows, terminal_width()))
}

/// Columns of the terminal that stdout is, if it is one.
fn terminal_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(usize::from(width.0))
}

fn laid_out(header: &[&str], rows: &[Vec<String>], width: Option<usize>) -> String {
    let table = table(header, rows);
    match width {
        Some(width) if table.lines().any(|line| line.chars().count() > width) => records(header, rows),
        _ => table,
    }
}

/// Each row as lines of its own, `NAME  value`, with an empty line in between.
fn records(header: &[&str], rows: &[Vec<String>]) -> String {
    let pairs = |row: &Vec<String>| {
        let lines = header
            .iter()
            .zip(row)
            .map(|(name, cell)| vec![name.to_uppercase(), cell.clone()]);
        aligned(&lines.collect::<Vec<_>>())
    };
    rows.iter().map(pairs).collect::<Vec<_>>().join("\n\n")
}

/// A table without lines: columns two spaces apart, the last one as long as it likes.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|cell| cell.to_uppercase()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(rows.iter().cloned()).collect();
    aligned(&lines)
}

/// Lines of as many cells, each column as wide as its widest cell.
pub fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
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
        Ok(moment) if key == "due" || key == "at" || key.ends_with("_at") => second(moment),
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
    fn what_does_not_fit_the_terminal_stands_one_below_the_other() {
        let rows = [
            vec!["tsk_1".to_owned(), "Legal sign-off".to_owned()],
            vec!["tsk_22".to_owned(), "-".to_owned()],
        ];
        let table = "TASK    TITLE\ntsk_1   Legal sign-off\ntsk_22  -";
        assert_eq!(laid_out(&["task", "title"], &rows, None), table);
        assert_eq!(laid_out(&["task", "title"], &rows, Some(22)), table);
        assert_eq!(
            laid_out(&["task", "title"], &rows, Some(21)),
            "TASK   tsk_1\nTITLE  Legal sign-off\n\nTASK   tsk_22\nTITLE  -"
        );
    }

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
