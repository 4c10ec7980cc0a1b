//! Expression text → minijinja's syntax tree, within limits, and the dotted paths in it.
//!
//! Invariant: no text, however long or nested, overflows the stack here or in anything that walks
//! the tree afterwards, because its tokens are counted before it is parsed.

use super::ExprError;
use crate::base::Span;
use minijinja::machinery::ast::{Expr, UnaryOpKind};
use minijinja::machinery::{self, Token};

/// Longest expression, in bytes.
pub const MAX_SOURCE_BYTES: usize = 8 * 1024;
/// Most words, numbers and signs in one expression.
pub const MAX_TOKENS: usize = 500;
/// Deepest nesting of brackets, `not`, `-` and `else`.
pub const MAX_NESTING: usize = 32;

/// One bracket in the text; `true` opens a round one, `false` closes one.
type Bracket = (usize, bool);

/// An expression, parsed.
pub(super) struct Syntax<'s> {
    /// The tree.
    pub(super) tree: Expr<'s>,
    /// Round brackets in the order of the text.
    brackets: Vec<Bracket>,
}

/// A dotted path in the tree: a name and the constant names and positions after it.
pub(super) struct Chain {
    /// The names, from the root on, each with its place.
    pub(super) names: Vec<(String, Span)>,
    /// The whole path as written.
    pub(super) span: Span,
}

impl Chain {
    /// The names alone.
    pub(super) fn path(&self) -> Vec<String> {
        self.names.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The name at the root.
    pub(super) fn root(&self) -> &str {
        &self.names[0].0
    }
}

/// The span of minijinja as ours.
pub(super) fn span(of: machinery::Span) -> Span {
    Span::new(of.start_offset as usize, of.end_offset as usize)
}

/// Where `expr` begins and ends. minijinja's own spans begin late for what has parts before it.
pub(super) fn extent(expr: &Expr<'_>) -> Span {
    Span::new(start(expr), span(expr.span()).end)
}

fn start(expr: &Expr<'_>) -> usize {
    match expr {
        Expr::BinOp(node) => start(&node.left),
        Expr::Compare(node) => start(&node.expr),
        Expr::IfExpr(node) => start(&node.true_expr),
        Expr::Filter(node) => node.expr.as_ref().map_or(span(expr.span()).start, start),
        Expr::Test(node) => start(&node.expr),
        Expr::GetAttr(node) => start(&node.expr),
        Expr::GetItem(node) => start(&node.expr),
        Expr::Slice(node) => start(&node.expr),
        Expr::Call(node) => start(&node.expr),
        Expr::UnaryOp(node) => match node.op {
            // `a is not b` and `a not in b` are negations of what begins before the word.
            UnaryOpKind::Not => span(expr.span()).start.min(start(&node.expr)),
            UnaryOpKind::Neg => span(expr.span()).start,
        },
        Expr::Var(_) | Expr::Const(_) | Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => span(expr.span()).start,
    }
}

/// Parses `source`.
pub(super) fn parse(source: &str) -> Result<Syntax<'_>, ExprError> {
    if source.trim().is_empty() {
        return Err(error("there is no expression here", 0, source.len()));
    }
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "the expression has {} bytes; at most {MAX_SOURCE_BYTES} are allowed",
            source.len()
        );
        return Err(error(message, 0, source.len()));
    }
    let brackets = measure(source)?;
    let tree = machinery::parse_expr(source).map_err(|cause| explain(source, &cause))?;
    Ok(Syntax { tree, brackets })
}

/// Counts tokens and nesting, and notes the round brackets.
fn measure(source: &str) -> Result<Vec<Bracket>, ExprError> {
    let mut brackets = Vec::new();
    let (mut tokens, mut open, mut prefixes, mut elses) = (0_usize, 0_usize, 0_usize, 0_usize);
    for token in machinery::tokenize(source, true, minijinja::syntax::SyntaxConfig::default()) {
        let (token, place) = token.map_err(|cause| explain(source, &cause))?;
        let place = span(place);
        prefixes = match token {
            Token::Minus | Token::Ident("not") => prefixes + 1,
            _ => 0,
        };
        match token {
            Token::ParenOpen => {
                open += 1;
                brackets.push((place.start, true));
            }
            Token::ParenClose => {
                open = open.saturating_sub(1);
                brackets.push((place.start, false));
            }
            Token::BracketOpen | Token::BraceOpen => open += 1,
            Token::BracketClose | Token::BraceClose => open = open.saturating_sub(1),
            Token::Ident("else") => elses += 1,
            _ => {}
        }
        tokens += 1;
        if tokens > MAX_TOKENS {
            let message = format!("the expression has more than {MAX_TOKENS} words and signs");
            return Err(error(message, place.start, place.end));
        }
        if open + prefixes + elses > MAX_NESTING {
            let message = format!("the expression is nested deeper than {MAX_NESTING} levels");
            return Err(error(message, place.start, place.end));
        }
    }
    Ok(brackets)
}

fn error(message: impl Into<String>, start: usize, end: usize) -> ExprError {
    ExprError {
        message: message.into(),
        span: Span::new(start, end),
    }
}

/// Signs of other languages, and what this one says instead.
const FOREIGN: [(&str, &str); 9] = [
    ("AND ", "write `and`"),
    ("OR ", "write `or`"),
    ("NOT ", "write `not`"),
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("===", "write `==`"),
    ("!", "write `not`"),
    ("?", "write `A if CONDITION else B`"),
    ("=", "write `==` to compare"),
];

/// Whether `sign` is written around the place `at`.
fn spans(source: &str, at: usize, sign: &str) -> bool {
    (1..sign.len()).any(|before| {
        at.checked_sub(before)
            .and_then(|from| source.get(from..from + sign.len()))
            .is_some_and(|written| written == sign)
    })
}

/// minijinja's complaint in the analyst's words.
fn explain(source: &str, cause: &minijinja::Error) -> ExprError {
    let range = cause.range().unwrap_or(0..source.len());
    // minijinja counts a letter that it does not know as one byte.
    let (start, end) = (
        source.floor_char_boundary(range.start),
        source.ceil_char_boundary(range.end),
    );
    let detail = cause
        .detail()
        .unwrap_or("this is no expression")
        .replace("template exceeds maximum recursion limits", "it is nested too deeply")
        .replace("end of input", "the end");
    let around = source.get(start..).unwrap_or_default().trim_start();
    let before = source.get(..start).unwrap_or_default().trim_end();
    let hint = FOREIGN
        .iter()
        .find(|(sign, _)| around.starts_with(sign) || before.ends_with(sign) || spans(source, start, sign));
    error(
        hint.map_or_else(|| detail.clone(), |(_, hint)| format!("{detail}: {hint}")),
        start,
        end,
    )
}

impl Syntax<'_> {
    /// The dotted path that `expr` is, if it is one.
    pub(super) fn chain(&self, expr: &Expr<'_>) -> Option<Chain> {
        let mut names = Vec::new();
        let mut at = expr;
        let begin = loop {
            match at {
                Expr::Var(node) => {
                    let place = span(node.span());
                    names.push((node.id.to_owned(), place));
                    break place.start;
                }
                Expr::GetAttr(node) => {
                    let end = span(node.span()).end;
                    names.push((node.name.to_owned(), Span::new(end - node.name.len(), end)));
                    at = &node.expr;
                }
                Expr::GetItem(node) => {
                    names.push((constant(&node.subscript_expr)?, extent(&node.subscript_expr)));
                    at = &node.expr;
                }
                _ => return None,
            }
        };
        names.reverse();
        let end = span(expr.span()).end;
        Some(Chain {
            names,
            span: Span::new(self.with_brackets(begin, end), end),
        })
    }

    /// Where a path begins whose first names stand in round brackets, as `(a.b).c`.
    fn with_brackets(&self, begin: usize, end: usize) -> usize {
        let mut unmatched = 0_usize;
        let mut open = 0_usize;
        for (_, opens) in self.brackets.iter().filter(|(at, _)| (begin..end).contains(at)) {
            match (opens, open) {
                (true, _) => open += 1,
                (false, 0) => unmatched += 1,
                (false, _) => open -= 1,
            }
        }
        let before = self.brackets.iter().rev().filter(|(at, opens)| *at < begin && *opens);
        before.take(unmatched).last().map_or(begin, |(at, _)| *at)
    }
}

/// A constant name or position between square brackets.
fn constant(expr: &Expr<'_>) -> Option<String> {
    let value = match expr {
        Expr::Const(_) | Expr::UnaryOp(_) => expr.as_const()?,
        _ => return None,
    };
    match value.as_str() {
        Some(name) => Some(name.to_owned()),
        None => value
            .as_i64()
            .filter(|_| value.is_integer())
            .map(|position| position.to_string()),
    }
}
