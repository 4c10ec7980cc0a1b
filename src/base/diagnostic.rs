//! Findings about an author's text, as plain data.

use super::Span;
use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably not what was meant; the flow can be deployed.
    Warning,
    /// The flow cannot be deployed.
    Error,
}

/// Stable identity of a kind of finding. Never reused for another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// `GF` and three digits; the first digit is the area.
    pub id: &'static str,
    /// A short name in words, as in the file name of its page under `docs/rules/`.
    pub name: &'static str,
}

/// A place in the text with a remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// The remark, in a few words.
    pub text: String,
}

/// A replacement of text that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What to replace.
    pub span: Span,
    /// What to put there.
    pub replacement: String,
}

/// One finding: what was found, where, what was expected and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding this is.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence in the analyst's words, lower case, without a full stop.
    pub message: String,
    /// The exact place.
    pub primary: Span,
    /// A few words to print under the place.
    pub label: Option<String>,
    /// Other places that belong to the finding.
    pub related: Vec<Label>,
    /// What to do next.
    pub help: Option<String>,
    /// A replacement that mends it, where one is certain.
    pub fix: Option<Fix>,
    /// Whether what stands at the place is a secret, which nothing that is printed shows.
    pub secret: bool,
}

impl Diagnostic {
    /// A finding with nothing but its sentence and its place.
    pub fn new(code: Code, severity: Severity, message: impl Into<String>, primary: Span) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            primary,
            label: None,
            related: Vec::new(),
            help: None,
            fix: None,
            secret: false,
        }
    }

    /// A finding that keeps the flow from being deployed.
    pub fn error(code: Code, message: impl Into<String>, primary: Span) -> Self {
        Self::new(code, Severity::Error, message, primary)
    }

    /// A finding that leaves the flow deployable.
    pub fn warning(code: Code, message: impl Into<String>, primary: Span) -> Self {
        Self::new(code, Severity::Warning, message, primary)
    }

    /// Adds the words under the place.
    #[must_use]
    pub fn with_label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn with_related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says that what stands at the place is not to be shown.
    #[must_use]
    pub fn with_secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Adds a certain mend.
    #[must_use]
    pub fn with_fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix {
            span,
            replacement: replacement.into(),
        });
        self
    }
}

/// Whether any finding keeps the flow from being deployed.
pub fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// Longest word that may be a slip of another one, in characters.
pub const MAX_SLIP: usize = 100;

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // In bytes first: a word may be as long as a file.
    let length = if word.len() > 4 * MAX_SLIP {
        usize::MAX
    } else {
        word.chars().count()
    };
    if length > MAX_SLIP {
        return None;
    }
    let limit = (length / 3).max(1);
    candidates
        .into_iter()
        // Each letter more is a letter wrong: most candidates need no closer look.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *candidate != word)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_that_can_be_a_slip_is_compared() {
        let word = |length: usize| "a".repeat(length);
        let other = |length: usize| format!("{}b", "a".repeat(length - 1));
        assert_eq!(
            nearest(&word(MAX_SLIP), [other(MAX_SLIP).as_str()]),
            Some(other(MAX_SLIP).as_str())
        );
        assert_eq!(nearest(&word(MAX_SLIP + 1), [other(MAX_SLIP + 1).as_str()]), None);
        assert_eq!(nearest("deadlin", ["uses", "deadline", "dead"]), Some("deadline"));
        assert_eq!(nearest("wait", ["wait", "waits"]), Some("waits"));
    }
}
