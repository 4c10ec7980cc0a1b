//! Text and data with `${{ }}` in them.
//!
//! What stands between the braces ends at the first `}}` outside of quotes and of `{ }` of its
//! own. To write the opening sign itself: `${{ '${{' }}`.

use super::{EvalError, ExprError, Expression, Scope, Texts, convert};
use crate::base::source::escape;
use crate::base::{Span, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands in data in the place of a secret.
pub const HIDDEN: &str = "***";

/// Most `${{ }}` in one text.
pub const MAX_EXPRESSIONS: usize = 200;

const OPEN: &str = "${{";
const CLOSE: &str = "}}";

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
    /// `${{ expression }}`, with the place of the expression itself, without braces and blanks,
    /// in the template's source.
    Expression(Expression, Span),
    /// `${{ secrets.NAME }}`, with the place of `secrets.NAME` in the template's source.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretUse {
    /// JSON pointer of the text in the input.
    pub pointer: String,
    /// The text's pieces: text as it stands, or the name of a secret.
    pub pieces: Vec<SecretPiece>,
}

/// One piece of a text with a secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
        let mut parts = Vec::new();
        let mut errors = Vec::new();
        let mut at = 0;
        let mut count = 0;
        while let Some(open) = source[at..].find(OPEN).map(|found| at + found) {
            if open > at {
                parts.push(Part::Text(source[at..open].to_owned()));
            }
            let begin = open + OPEN.len();
            count += 1;
            if count > MAX_EXPRESSIONS {
                let message = format!("this text has more than {MAX_EXPRESSIONS} `${{{{ }}}}`, which is the most");
                errors.push(ExprError::new(message, Span::new(open, begin)));
                at = source.len();
                break;
            }
            let Some(length) = inner_length(&source[begin..]) else {
                errors.push(ExprError::new("`${{` is not closed by `}}`", Span::new(open, begin)));
                at = source.len();
                break;
            };
            match part(source, Span::new(begin, begin + length)) {
                Ok(part) => parts.push(part),
                Err(error) => errors.push(error),
            }
            at = begin + length + CLOSE.len();
        }
        if at < source.len() {
            parts.push(Part::Text(source[at..].to_owned()));
        }
        if errors.is_empty() {
            Ok(Self {
                source: source.to_owned(),
                parts,
            })
        } else {
            Err(errors)
        }
    }

    /// The expressions in it, each with its place in the source.
    pub fn expressions(&self) -> impl Iterator<Item = (&Expression, Span)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression, span) => Some((expression, *span)),
            Part::Text(_) | Part::Secret(..) => None,
        })
    }

    /// The secrets in it, each with its place in the source.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, Span)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(name, span) => Some((name.as_str(), *span)),
            Part::Text(_) | Part::Expression(..) => None,
        })
    }

    /// How the text uses secrets, if it does; everything else in it is evaluated.
    pub(super) fn secret_use(&self, scope: &dyn Scope, pointer: &str) -> Result<Option<SecretUse>, EvalError> {
        if self.secrets().next().is_none() {
            return Ok(None);
        }
        let mut pieces = Vec::with_capacity(self.parts.len());
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(written) => text.push_str(written),
                Part::Expression(expression, _) => convert::print(&mut text, &expression.eval(scope)?),
                Part::Secret(name, _) => {
                    if !text.is_empty() {
                        pieces.push(SecretPiece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(SecretPiece::Secret(name.clone()));
                }
            }
        }
        if !text.is_empty() {
            pieces.push(SecretPiece::Text(text));
        }
        Ok(Some(SecretUse {
            pointer: pointer.to_owned(),
            pieces,
        }))
    }
}

/// What stands at `inner`, between the braces.
fn part(source: &str, inner: Span) -> Result<Part, ExprError> {
    let written = &source[inner.start..inner.end];
    let text = written.trim();
    let start = inner.start + (written.len() - written.trim_start().len());
    let place = Span::new(start, start + text.len());
    if text.is_empty() {
        return Err(ExprError::new("there is no expression between the braces", inner));
    }
    if let Some(name) = text.strip_prefix("secrets.")
        && is_name(name)
    {
        return Ok(Part::Secret(name.to_owned(), place));
    }
    let expression = Expression::parse(text).map_err(|error| error.shifted(start))?;
    Ok(Part::Expression(expression, place))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// How many bytes stand before the `}}` that closes.
fn inner_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut open = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(sign), byte) if sign == byte => quote = None,
            (None, sign @ (b'\'' | b'"')) => quote = Some(sign),
            (None, b'{') => open += 1,
            (None, b'}') if open > 0 => open -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The beginning of `text`, to name it in a message.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(LONGEST).collect::<String>())
    }
}

/// Extends a JSON pointer by `name`; returns how long it was.
pub(super) fn descend(pointer: &mut String, name: &str) -> usize {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(&escape(name));
    length
}

impl Tree {
    /// Parses every text in `value`. Errors carry the JSON pointer of the text they are in.
    pub fn parse(value: &Value) -> Result<Self, Vec<(String, ExprError)>> {
        Self::parse_with(&mut Texts::default(), value)
    }

    /// The same, with what `texts` knows already.
    pub fn parse_with(texts: &mut Texts, value: &Value) -> Result<Self, Vec<(String, ExprError)>> {
        let mut reader = Reader {
            texts,
            pointer: String::new(),
            errors: Vec::new(),
        };
        let tree = reader.tree(value);
        if reader.errors.is_empty() {
            Ok(tree)
        } else {
            Err(reader.errors)
        }
    }

    /// Every template with its JSON pointer.
    pub fn templates(&self) -> Vec<(String, &Template)> {
        let mut found = Vec::new();
        self.collect(&mut String::new(), &mut found);
        found
    }

    fn collect<'t>(&'t self, pointer: &mut String, found: &mut Vec<(String, &'t Template)>) {
        let mut below = |name: &str, tree: &'t Self| {
            let length = descend(pointer, name);
            tree.collect(pointer, found);
            pointer.truncate(length);
        };
        match self {
            Self::Plain(_) => {}
            Self::Template(template) => found.push((pointer.clone(), template)),
            Self::List(items) => items
                .iter()
                .enumerate()
                .for_each(|(at, item)| below(&at.to_string(), item)),
            Self::Object(fields) => fields.iter().for_each(|(name, field)| below(name, field)),
        }
    }
}

/// Reads data, and remembers where it is.
struct Reader<'t> {
    texts: &'t mut Texts,
    pointer: String,
    errors: Vec<(String, ExprError)>,
}

impl Reader<'_> {
    fn tree(&mut self, value: &Value) -> Tree {
        match value {
            Value::String(text) if text.contains(OPEN) => match self.texts.template(text).as_ref() {
                Ok(template) => return Tree::Template(template.clone()),
                Err(found) => {
                    let here = |error: &ExprError| (self.pointer.clone(), error.clone());
                    self.errors.extend(found.iter().map(here));
                }
            },
            Value::Array(items) => {
                let mut trees = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    trees.push(self.below(&at.to_string(), item));
                }
                if !trees.iter().all(is_plain) {
                    return Tree::List(trees);
                }
            }
            Value::Object(fields) => {
                let mut trees = Vec::with_capacity(fields.len());
                for (name, field) in fields {
                    trees.push((name.clone(), self.below(name, field)));
                }
                if !trees.iter().all(|(_, tree)| is_plain(tree)) {
                    return Tree::Object(trees);
                }
            }
            _ => {}
        }
        Tree::Plain(value.clone())
    }

    fn below(&mut self, name: &str, value: &Value) -> Tree {
        let length = descend(&mut self.pointer, name);
        if name.contains(OPEN) {
            let message = "a key is written as it stands; `${{ }}` belongs into the value";
            self.errors
                .push((self.pointer.clone(), ExprError::new(message, Span::default())));
        }
        let tree = self.tree(value);
        self.pointer.truncate(length);
        tree
    }
}

const fn is_plain(tree: &Tree) -> bool {
    matches!(tree, Tree::Plain(_))
}
