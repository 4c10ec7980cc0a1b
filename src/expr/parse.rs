//! Expression text → syntax tree and references, with positions.

use crate::base::Span;

/// A bare expression, parsed and compiled once.
#[derive(Clone)]
pub struct Expression {
    /// The text.
    pub source: String,
    /// Every dotted path the expression reads.
    pub references: Vec<Reference>,
}

/// One dotted path that an expression reads, as `steps.room.share`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The names, from the root on.
    pub path: Vec<String>,
    /// Where, counted from the start of the expression's text.
    pub span: Span,
    /// Whether the expression has something to fall back on where the value is missing
    /// (`a or b`, `a | default(b)`, `a is defined and …`).
    pub guarded: bool,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// What is wrong, in the analyst's words.
    pub message: String,
    /// Where, counted from the start of the expression's text.
    pub span: Span,
}

impl Expression {
    /// Parses and compiles.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let _ = source;
        todo!()
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expression({:?})", self.source)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}
