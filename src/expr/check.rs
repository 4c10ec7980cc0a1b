//! Types of expressions, before anything runs.

use super::{Expression, Type};
use crate::base::Span;

/// What names mean to the checker.
pub trait TypeScope {
    /// The type of the name at the root, as `inputs`; its fields are the names that may follow.
    /// `None` where there is no such name here.
    fn root(&self, name: &str) -> Option<Type>;
    /// The names at the root, for suggestions.
    fn roots(&self) -> Vec<&str>;
}

/// Something wrong with an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct ExprFinding {
    /// What kind of thing.
    pub kind: ExprFindingKind,
    /// In the analyst's words.
    pub message: String,
    /// Where, counted from the start of the expression's text.
    pub span: Span,
    /// The nearest valid word, if one is near.
    pub nearest: Option<String>,
}

/// Kinds of things wrong with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExprFindingKind {
    /// No such name at the root.
    UnknownRoot,
    /// No such name in what stands before the dot.
    UnknownField,
    /// No such function, filter, test or method.
    UnknownFunction,
    /// The types do not fit.
    Mismatch,
}

impl Expression {
    /// The expression's type and everything wrong with it.
    pub fn check(&self, scope: &dyn TypeScope) -> (Type, Vec<ExprFinding>) {
        let _ = scope;
        todo!()
    }
}
