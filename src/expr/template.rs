//! Text and data with `${{ }}` in them.

use super::{ExprError, Expression};
use crate::base::{Span, Value};
use serde::{Deserialize, Serialize};

/// A text, cut at its `${{ }}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The text as written.
    pub source: String,
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// One part of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text as it stands.
    Text(String),
    /// `${{ expression }}`, with the expression's place in the template's source.
    Expression(Expression, Span),
    /// `${{ secrets.NAME }}`, with its place in the template's source.
    Secret(String, Span),
}

/// Data with templates in its texts.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Anything without a template.
    Plain(Value),
    /// A text with at least one `${{ }}`.
    Template(Template),
    /// A list.
    List(Vec<Tree>),
    /// Named values.
    Object(Vec<(String, Tree)>),
}

/// A place in an action's input where a secret belongs. Kept beside the input so that no value
/// from outside can pretend to be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretUse {
    /// JSON pointer of the text in the input.
    pub pointer: String,
    /// The text's pieces: text as it stands, or the name of a secret.
    pub pieces: Vec<SecretPiece>,
}

/// One piece of a text with a secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretPiece {
    /// Text as it stands.
    Text(String),
    /// The name of a secret.
    Secret(String),
}

impl Template {
    /// Parses `source`. Every broken `${{ }}` is reported, with its place in `source`.
    pub fn parse(source: &str) -> Result<Self, Vec<ExprError>> {
        let _ = source;
        todo!()
    }

    /// The expressions in it, each with its place in the source.
    pub fn expressions(&self) -> impl Iterator<Item = (&Expression, Span)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression, span) => Some((expression, *span)),
            Part::Text(_) | Part::Secret(..) => None,
        })
    }
}

impl Tree {
    /// Parses every text in `value`. Errors carry the JSON pointer of the text they are in.
    pub fn parse(value: &Value) -> Result<Self, Vec<(String, ExprError)>> {
        let _ = value;
        todo!()
    }

    /// Every template with its JSON pointer.
    pub fn templates(&self) -> Vec<(String, &Template)> {
        todo!()
    }
}
