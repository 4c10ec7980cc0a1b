//! Syntax errors in an author's words, and how much of the text each of them spoils.

use super::build::SyntaxError;
use crate::base::{Diagnostic, Span, codes};
use granit_parser::ErrorKind;

/// A syntax error, told.
pub(super) struct Explained {
    pub finding: Diagnostic,
    /// What has to be left out to read on behind it; empty where that makes no sense.
    pub hides: Span,
    /// For an error of layout, the line above: it may be the one that is out of place.
    pub or_above: Option<Span>,
}

/// How much of the text around an error is spoilt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoils {
    /// The value behind the key on the line, and what is indented below.
    Value,
    /// The line with its key, and what is indented below.
    Line,
}

/// Tells `error`, which was found while `text` was read.
pub(super) fn explain(text: &str, error: &SyntaxError) -> Explained {
    if let Some(explained) = unquoted_expression(text, error) {
        return explained;
    }
    let mut explained = by_kind(text, error);
    let same_line = !text[error.last.start..error.offset.max(error.last.start)].contains('\n');
    if error.flow_start.is_none() && !same_line {
        explained.or_above = Some(line(text, error.last.start));
    }
    explained
}

fn by_kind(text: &str, error: &SyntaxError) -> Explained {
    let at = character(text, error.offset);
    match &error.kind {
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => tab(text, error),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::SimpleKeyExpected => quotes(text, error),
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => escape(text, error),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement if error.flow_start.is_none() => {
            colon(text, error)
        }
        ErrorKind::UnexpectedCharacter { character } => odd_character(text, at, *character),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidBlockScalarIndent => indentation(text, error, at),
        ErrorKind::UnclosedFlowCollection { open } => unclosed(text, at, *open),
        ErrorKind::MisplacedFlowCollectionEnd => tell(
            text,
            at,
            Spoils::Value,
            "this bracket closes nothing",
            "delete it, or put the text in quotes",
        ),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => tell(
            text,
            at,
            Spoils::Value,
            format!("the `{open}` that opens here meets a `{close}`"),
            "close what was opened last first",
        ),
        ErrorKind::DirectiveDisallowed => Explained {
            finding: Diagnostic::error(codes::FORBIDDEN_YAML, "YAML directives are not used here", at)
                .with_help("leave out the line that begins with `%`"),
            hides: line(text, error.offset),
            or_above: None,
        },
        ErrorKind::BomInsideDocument => tell(
            text,
            at,
            Spoils::Line,
            "an invisible byte-order mark stands in the middle of the text",
            "delete it",
        ),
        _ if error.flow_start.is_some() => in_brackets(text, error, at),
        other => tell(
            text,
            at,
            Spoils::Value,
            format!("this is not understood as YAML: {other}"),
            "if a text is meant, put it in quotes",
        ),
    }
}

fn tell(text: &str, at: Span, spoils: Spoils, message: impl Into<String>, help: impl Into<String>) -> Explained {
    Explained {
        finding: Diagnostic::error(codes::YAML_SYNTAX, message, at).with_help(help),
        hides: hidden(text, at.start, spoils),
        or_above: None,
    }
}

/// `${{ … }}` behind an opening brace or bracket, where it needs quotes.
fn unquoted_expression(text: &str, error: &SyntaxError) -> Option<Explained> {
    let flow_start = error.flow_start?;
    let before = text.get(flow_start..error.offset)?;
    let rest = &text[error.offset..];
    let start = if before.ends_with('$') && rest.starts_with("{{") {
        error.offset - 1
    } else {
        let open = flow_start + before.rfind("{{")?;
        if text[flow_start..open].contains("${{") || text[open..error.offset].contains("}}") {
            return None;
        }
        if text[..open].ends_with('$') { open - 1 } else { open }
    };
    let line_end = line(text, start).end;
    let end = text[start..line_end].find("}}").map_or(line_end, |at| start + at + 2);
    let place = Span::new(start, end);
    let expression = &text[start..end];
    let dollar = if expression.starts_with('$') { "" } else { "$" };
    let mut finding = Diagnostic::error(
        codes::YAML_SYNTAX,
        "an expression inside `{ }` or `[ ]` needs quotes",
        place,
    )
    .with_help(format!("write \"{dollar}{expression}\""));
    if !expression.contains('"') {
        finding = finding.with_fix(place, format!("\"{dollar}{expression}\""));
    }
    let hides = hidden(text, flow_start, Spoils::Value);
    Some(Explained {
        finding,
        hides,
        or_above: None,
    })
}

/// A tab that indents, on the line of the error or on one that follows.
fn tab(text: &str, error: &SyntaxError) -> Explained {
    let mut here = line(text, error.offset.min(error.last.end));
    loop {
        let content = &text[here.start..here.end];
        let found = content[..indent(content)].find('\t').map(|at| here.start + at);
        if let Some(offset) = found {
            return tell(
                text,
                character(text, offset),
                Spoils::Line,
                "a tab stands where blanks are needed",
                "indent with blanks, two for each level",
            );
        }
        if here.end >= text.len() {
            let at = character(text, error.offset);
            return tell(
                text,
                at,
                Spoils::Value,
                "a tab stands where none can be",
                "write blanks instead",
            );
        }
        here = line(text, here.end + 1);
    }
}

/// A quote that is not closed, or closed somewhere else than was meant.
fn quotes(text: &str, error: &SyntaxError) -> Explained {
    let behind = if matches!(error.kind, ErrorKind::UnclosedQuotedScalar) {
        error.offset
    } else {
        error.last.end.min(error.offset)
    };
    let opening = text[behind..].find(['"', '\'']).map_or(error.offset, |at| behind + at);
    let quote = character(text, opening);
    let mark = &text[quote.start..quote.end];
    let same_line = !text[opening..error.offset.max(opening)].contains('\n');
    if same_line && !matches!(error.kind, ErrorKind::UnclosedQuotedScalar) {
        let help = if mark == "'" {
            "put the whole text in double quotes, or write `''` for a single quote inside"
        } else {
            "put the whole text inside the quotes, or write `\\\"` for a quote inside"
        };
        let at = character(text, error.offset);
        return tell(text, at, Spoils::Value, "something follows the closing quote", help);
    }
    let mut explained = tell(
        text,
        quote,
        Spoils::Value,
        "the quote that opens here is not closed on its line",
        format!("close it with {mark} where the text ends"),
    );
    explained.hides = Span::new(opening, line(text, opening).end);
    explained
}

fn escape(text: &str, error: &SyntaxError) -> Explained {
    let rest = &text[error.offset..line(text, error.offset).end];
    let place = rest.find('\\').map_or_else(
        || character(text, error.offset),
        |at| {
            let start = error.offset + at;
            let end = character(text, start + 1).end.max(start + 1);
            Span::new(start, end)
        },
    );
    let mut explained = tell(
        text,
        place,
        Spoils::Value,
        "a backslash in double quotes begins an escape, and this one is unknown",
        "use single quotes, or write `\\\\` for a backslash",
    );
    explained.hides = hidden(text, error.offset, Spoils::Value);
    explained
}

/// A `: ` where none can be: inside a text, behind a lost blank, or too deep.
fn colon(text: &str, error: &SyntaxError) -> Explained {
    let at = character(text, error.offset);
    let first_line = line(text, error.last.start);
    let spans_lines = error.last_plain && text[error.last.start..error.last.end].contains('\n');
    if spans_lines {
        let first = text[error.last.start..first_line.end].trim_end();
        let place = Span::new(error.last.start, error.last.start + first.len());
        let key_before = text[first_line.start..error.last.start].trim_end().ends_with(':');
        if key_before {
            let here = line(text, error.offset);
            let words = here.start + indent(&text[here.start..here.end]);
            return tell(
                text,
                Span::new(words, error.offset.max(words)),
                Spoils::Line,
                "this line is indented as if it went on with the text above",
                "give it the indentation of the key above, or leave out the value above",
            );
        }
        if first.contains(':') {
            let help = format!("write `{}`", first.replacen(':', ": ", 1));
            return tell(text, place, Spoils::Line, "a blank is missing behind the colon", help);
        }
        let help = format!("write `{first}: …`, or delete it");
        return tell(text, place, Spoils::Line, "a key without a colon", help);
    }
    let here = line(text, error.offset);
    let value = Span::new(
        error.last.start.clamp(here.start, here.end),
        text[..here.end].trim_end().len(),
    );
    let whole = text.get(value.start..value.end).unwrap_or_default();
    let mut explained = tell(
        text,
        at,
        Spoils::Value,
        "a colon and a blank inside a text without quotes",
        format!("put the text in quotes: {}", quoted(whole)),
    );
    if error.last_plain && !whole.is_empty() {
        explained.finding = explained.finding.with_fix(value, quoted(whole));
    }
    explained
}

/// The text in the quotes that need no escapes.
fn quoted(text: &str) -> String {
    if text.contains('"') || text.contains('\\') {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{text}\"")
    }
}

fn odd_character(text: &str, at: Span, character: char) -> Explained {
    if character.is_control() {
        let message = format!(
            "the control character U+{:04X} cannot stand in a text",
            u32::from(character)
        );
        return tell(
            text,
            at,
            Spoils::Value,
            message,
            "delete it; it may have come with copied text",
        );
    }
    tell(
        text,
        at,
        Spoils::Value,
        format!("a text without quotes cannot begin with `{character}`"),
        "put the text in quotes",
    )
}

fn indentation(text: &str, error: &SyntaxError, at: Span) -> Explained {
    let here = line(text, error.offset);
    let content = &text[here.start..here.end];
    let before = &text[here.start..error.offset];
    if before.trim().is_empty() {
        let words = Span::new(here.start + indent(content), here.start + content.trim_end().len());
        let message = match error.kind {
            ErrorKind::ExpectedBlockSequenceEntry => {
                "this line fits no list above: the entries of a list begin with `- ` at the same indentation"
            }
            _ => "the indentation of this line fits none of the lines above",
        };
        let place = if words.is_empty() { at } else { words };
        return tell(
            text,
            place,
            Spoils::Line,
            message,
            "line it up with the keys it belongs to, two blanks for each level",
        );
    }
    if matches!(error.kind, ErrorKind::BlockSequenceEntryNotAllowed) {
        return tell(
            text,
            at,
            Spoils::Value,
            "a list cannot begin behind a key on the same line",
            "put `- …` on a line of its own, or write the list as `[a, b]`",
        );
    }
    tell(
        text,
        at,
        Spoils::Value,
        "a key is expected here, or the end of the line",
        "if a text is meant, put it in quotes",
    )
}

fn unclosed(text: &str, at: Span, open: char) -> Explained {
    let close = if open == '[' { ']' } else { '}' };
    tell(
        text,
        at,
        Spoils::Value,
        format!("the `{open}` that opens here is not closed"),
        format!("close it with `{close}`"),
    )
}

fn in_brackets(text: &str, error: &SyntaxError, at: Span) -> Explained {
    let flow_start = error.flow_start.unwrap_or(error.offset);
    let open = character(text, flow_start);
    let bracket = &text[open.start..open.end];
    let (close, kind) = if bracket == "[" { ("]", "list") } else { ("}", "map") };
    let colon = text[error.offset..].starts_with(':');
    let same_line = !text[flow_start..error.offset].contains('\n');
    let (message, help) = if colon && same_line {
        (
            "a colon and a blank inside a text without quotes".to_owned(),
            "put the text in quotes".to_owned(),
        )
    } else {
        (
            format!("this does not go on with the {kind} in `{bracket} {close}`: a comma or a `{close}` is expected"),
            format!(
                "separate entries with commas, close the {kind} with `{close}`, and put texts with `,:[]{{}}` in quotes"
            ),
        )
    };
    let mut finding = Diagnostic::error(codes::YAML_SYNTAX, message, at).with_help(help);
    if !same_line {
        finding = finding.with_related(open, "opens here");
    }
    Explained {
        finding,
        hides: hidden(text, flow_start, Spoils::Value),
        or_above: None,
    }
}

/// The character at `offset`, or the empty stretch at the end of a line or the text.
fn character(text: &str, offset: usize) -> Span {
    let length = text[offset..]
        .chars()
        .next()
        .filter(|c| !matches!(c, '\n' | '\r'))
        .map_or(0, char::len_utf8);
    Span::new(offset, offset + length)
}

/// The line around `offset`, without its line break.
fn line(text: &str, offset: usize) -> Span {
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
    Span::new(start, end)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// What to leave out because of an error at `offset`: from there or from the beginning of the
/// line's value on, and every line below that is indented deeper or only closes brackets.
fn hidden(text: &str, offset: usize, spoils: Spoils) -> Span {
    let here = line(text, offset);
    let content = &text[here.start..here.end];
    let tabs = content[..indent(content)].contains('\t');
    let value = value_start(content).filter(|_| spoils == Spoils::Value && !tabs);
    let start = here.start + value.unwrap_or(0);
    // How deep a tab indents, nobody knows.
    let level = if tabs { usize::MAX } else { indent(content) };
    let mut end = here.end;
    while end < text.len() {
        let below = line(text, end + 1);
        let content = &text[below.start..below.end];
        let blank = content.trim().is_empty();
        let closes = content.trim_start().starts_with([']', '}']);
        if !blank && indent(content) <= level && !closes {
            break;
        }
        end = below.end;
    }
    Span::new(start, end)
}

/// Where the value begins on a line as `  - key: value`.
fn value_start(line: &str) -> Option<usize> {
    let mut start = indent(line);
    while line[start..].starts_with("- ") {
        start += 1 + indent(&line[start + 1..]);
    }
    let colon = line[start..].find(": ").map(|at| start + at + 2)?;
    let key = line[start..colon - 2].trim_end();
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    plain.then_some(colon)
}
