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

/// Sorts findings into reading order and drops exact repeats.
pub fn in_order(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    findings.sort_by(|a, b| (a.primary, a.code, &a.message).cmp(&(b.primary, b.code, &b.message)));
    findings.dedup();
    findings
}

/// Whether any finding keeps the flow from being deployed.
pub fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *candidate != word)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
