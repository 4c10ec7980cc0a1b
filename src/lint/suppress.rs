//! Comments that silence a finding: `# lint: allow GF401 because …`, on its line or above it.
//!
//! A comment without a reason is a finding in place of the one that it silences; a comment that
//! silences nothing is one as well. What would break a run cannot be silenced.

use crate::base::{Code, Diagnostic, Document, Findings, Severity, Span, Value};

/// A comment that silences nothing.
const UNUSED: Code = Code {
    id: "GF901",
    name: "unused-suppression",
};
/// A comment that does not say why.
const WITHOUT_REASON: Code = Code {
    id: "GF902",
    name: "suppression-without-reason",
};

const MARK: &str = "# lint:";
const FORM: &str = "write `# lint: allow GF401 because …`";
/// The error that a share has no end: the action refuses it.
const SHARE_WITHOUT_EXPIRY: &str = "GF606";
/// Errors below this code would break a run.
const FIRST_OF_OPINION: &str = "GF400";

/// The findings without those that a comment silences, and with those about the comments.
pub(super) fn apply(document: &Document, findings: Findings) -> Findings {
    let mut comments = comments(document);
    if comments.is_empty() {
        return findings;
    }
    let lines = Lines::of(&document.text);
    let mut left = Findings::default();
    left.leave_out(findings.total() - findings.len());
    let mut kept = Vec::with_capacity(findings.len());
    for finding in findings {
        let line = lines.of_offset(finding.primary.start);
        // Comments stand in the order of the lines that they are about.
        let first = comments.partition_point(|comment| comment.target < line);
        let silencing = comments[first..]
            .iter_mut()
            .take_while(|comment| comment.target == line);
        let allowed = silencing
            .flat_map(|comment| &mut comment.codes)
            .filter(|allowed| allowed.code == finding.code.id);
        let mut silenced = false;
        for allowed in allowed {
            if may_be_silenced(&finding) {
                silenced = true;
                allowed.used = true;
            } else {
                allowed.refused = true;
            }
        }
        if !silenced {
            kept.push(finding);
        }
    }
    left.append(kept.into());
    left.extend(comments.iter().flat_map(about));
    left
}

fn may_be_silenced(finding: &Diagnostic) -> bool {
    finding.severity != Severity::Error
        || (finding.code.id > FIRST_OF_OPINION && finding.code.id != SHARE_WITHOUT_EXPIRY)
}

/// One comment.
#[derive(Debug)]
struct Comment {
    span: Span,
    /// The line that it is about, from 0.
    target: usize,
    codes: Vec<Allowed>,
    has_reason: bool,
}

/// One code of a comment.
#[derive(Debug)]
struct Allowed {
    code: String,
    span: Span,
    used: bool,
    refused: bool,
}

/// What is wrong with the comment itself.
fn about(comment: &Comment) -> Vec<Diagnostic> {
    if comment.codes.is_empty() {
        let message = "this comment does not say which finding it allows";
        return vec![Diagnostic::error(WITHOUT_REASON, message, comment.span).with_help(FORM)];
    }
    let mut findings = Vec::new();
    if !comment.has_reason {
        let message = "this comment does not say why the finding is allowed";
        findings.push(Diagnostic::error(WITHOUT_REASON, message, comment.span).with_help(FORM));
    }
    for allowed in comment.codes.iter().filter(|allowed| !allowed.used) {
        let (message, help) = if allowed.refused {
            (
                format!("{} would break a run and cannot be silenced", allowed.code),
                "mend it, and take the comment out",
            )
        } else {
            (
                format!("there is no {} here to silence", allowed.code),
                "take the comment out",
            )
        };
        findings.push(Diagnostic::warning(UNUSED, message, allowed.span).with_help(help));
    }
    findings
}

/// Every comment that begins with the mark, outside of texts.
fn comments(document: &Document) -> Vec<Comment> {
    let text = &document.text;
    if !text.contains(MARK) {
        return Vec::new();
    }
    let texts = texts(document);
    let mut offset = 0;
    let mut waiting: Vec<Comment> = Vec::new();
    let mut found = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let own = line.trim_end_matches(['\n', '\r']);
        let is_comment = own.trim_start().starts_with('#');
        if !is_comment && !own.trim().is_empty() {
            found.extend(waiting.drain(..).map(|comment| Comment {
                target: number,
                ..comment
            }));
        }
        if let Some(at) = mark(own).filter(|at| !is_in_text(&texts, offset + at)) {
            let comment = read(own, at, offset, number);
            if is_comment {
                waiting.push(comment);
            } else {
                found.push(comment);
            }
        }
        offset += line.len();
    }
    found.extend(waiting);
    found.sort_by_key(|comment| comment.span);
    found
}

/// Where the mark begins a comment on the line.
fn mark(line: &str) -> Option<usize> {
    line.match_indices(MARK)
        .map(|(at, _)| at)
        .find(|at| line[..*at].is_empty() || line[..*at].ends_with([' ', '\t']))
}

fn read(line: &str, at: usize, offset: usize, number: usize) -> Comment {
    let body = line[at + MARK.len()..].split(" #").next().unwrap_or_default();
    let (allowing, reason) = match body.split_once(" because") {
        Some((allowing, reason)) => (allowing, reason.trim_start_matches([':', ' ']).trim()),
        None => (body, ""),
    };
    let words = allowing.trim_start().strip_prefix("allow").unwrap_or_default();
    let codes = words.split([' ', ',', '\t']).filter(|word| is_code(word)).map(|word| {
        let start = offset + (word.as_ptr() as usize - line.as_ptr() as usize);
        Allowed {
            code: word.to_owned(),
            span: Span::new(start, start + word.len()),
            used: false,
            refused: false,
        }
    });
    Comment {
        span: Span::new(offset + at, offset + line.trim_end().len()),
        target: number,
        codes: codes.collect(),
        has_reason: !reason.is_empty(),
    }
}

fn is_code(word: &str) -> bool {
    word.strip_prefix("GF")
        .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Where texts stand, in order; none stands in another.
fn texts(document: &Document) -> Vec<Span> {
    let mut texts: Vec<Span> = document
        .spans
        .iter()
        .filter(|(pointer, _)| document.value.pointer(pointer).is_some_and(Value::is_string))
        .map(|(_, node)| node.value)
        .collect();
    texts.sort_unstable();
    texts
}

/// Whether the offset lies in a quoted text or a block, where `#` is no comment.
fn is_in_text(texts: &[Span], offset: usize) -> bool {
    let before = texts.partition_point(|text| text.start < offset);
    texts[..before].last().is_some_and(|text| offset < text.end)
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(
            std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
        )
    }

    /// The line of an offset, from 0.
    fn of_offset(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset).saturating_sub(1)
    }
}
