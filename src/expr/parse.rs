//! Expression text → syntax tree and references, with positions.
//!
//! Every dotted path in the text becomes a slot of its own (`r0`, `r1`, …) before minijinja sees
//! it, so that one lookup gives one value, only what is mentioned is read, and a missing step in
//! the middle of a path is as missing as one at its end.

use super::functions::{ENVIRONMENT, FILTERS, METHODS, TESTS};
use super::rewrite::{Rewritten, rewritten};
use super::strict::STRICT;
use super::syntax::{self, Chain, Syntax, extent};
use crate::base::Span;
use minijinja::machinery::ast::{BinOpKind, Call, CallArg, CallType, CompareOpKind, Expr, Filter, UnaryOpKind};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A bare expression, parsed and compiled once. Copies share what was made of it.
#[derive(Clone)]
pub struct Expression(Arc<Parsed>);

/// What was made of an expression's text.
pub struct Parsed {
    /// The text.
    pub source: String,
    /// Every dotted path the expression reads, once for each place where it does.
    pub references: Vec<Reference>,
    /// Every dotted path of which it takes one element by `first` or `last`, where nothing stands in for the
    /// element that an empty list does not have.
    pub ends: Vec<Reference>,
    /// How it is evaluated.
    pub(super) program: Program,
}

impl Deref for Expression {
    type Target = Parsed;

    fn deref(&self) -> &Parsed {
        &self.0
    }
}

/// How an expression is evaluated.
pub(super) struct Program {
    /// By reference: whether a missing value is handed on instead of being an error.
    pub(super) tolerant: Vec<bool>,
    /// A function, filter, test or method that does not exist.
    pub(super) unknown: Option<String>,
    /// The text with slots in place of paths; nothing where the whole text is one path.
    slots: Option<String>,
    compiled: OnceLock<Result<minijinja::Expression<'static, 'static>, String>>,
    strict: OnceLock<Result<Strict, String>>,
}

/// An expression compiled for strict values.
pub(super) struct Strict {
    pub(super) compiled: minijinja::Expression<'static, 'static>,
    /// The values of `k0`, `k1`, … in it.
    pub(super) constants: Arc<[minijinja::Value]>,
}

impl Parsed {
    /// The expression compiled for strict values; nothing where the whole text is one path.
    pub(super) fn strict(&self) -> Option<Result<&Strict, &str>> {
        self.program.slots.as_ref()?;
        let compile = || {
            let syntax = syntax::parse(&self.source).map_err(|error| error.message)?;
            let Rewritten { source, constants } = rewritten(&syntax, &self.references);
            let compiled = STRICT.compile_expression_owned(source);
            Ok(Strict {
                compiled: compiled.map_err(|error| error.to_string())?,
                constants: constants.into(),
            })
        };
        let strict = self.program.strict.get_or_init(compile);
        Some(strict.as_ref().map_err(String::as_str))
    }
}

impl Program {
    /// The compiled expression; nothing where the whole text is one path.
    pub(super) fn compiled(&self) -> Option<Result<&minijinja::Expression<'static, 'static>, &str>> {
        let slots = self.slots.as_ref()?;
        let compiled = self.compiled.get_or_init(|| {
            ENVIRONMENT
                .compile_expression_owned(slots.clone())
                .map_err(|error| error.to_string())
        });
        Some(compiled.as_ref().map_err(String::as_str))
    }
}

/// One dotted path that an expression reads, as `steps.room.share`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The names, from the root on. Positions in lists are names too: `rounds[0]` is `rounds`, `0`.
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

impl ExprError {
    pub(super) fn new(message: impl Into<String>, span: Span) -> Self {
        Self {
            message: message.into(),
            span,
        }
    }

    /// The same, in a text that the expression begins `by` bytes into.
    #[must_use]
    pub(super) fn shifted(mut self, by: usize) -> Self {
        self.span = Span::new(self.span.start + by, self.span.end + by);
        self
    }
}

impl Expression {
    /// Parses. Names that do not exist are not looked for here; see [`Expression::check`].
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let syntax = syntax::parse(source)?;
        let mut walk = Walk {
            syntax: &syntax,
            references: Vec::new(),
            ends: Vec::new(),
            tolerant: Vec::new(),
            proven: Vec::new(),
            unknown: None,
        };
        walk.visit(&syntax.tree, false)?;
        let Walk {
            references,
            ends,
            tolerant,
            unknown,
            ..
        } = walk;
        let alone = syntax.chain(&syntax.tree).is_some();
        let slots = (!alone).then(|| with_slots(source, &references));
        Ok(Self(Arc::new(Parsed {
            source: source.to_owned(),
            references,
            ends,
            program: Program {
                tolerant,
                unknown,
                slots,
                compiled: OnceLock::new(),
                strict: OnceLock::new(),
            },
        })))
    }
}

/// What is known wherever a condition holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proofs {
    /// Paths whose value is there.
    pub present: Vec<Vec<String>>,
    /// Paths whose value is this text.
    pub equal: Vec<(Vec<String>, String)>,
}

impl Expression {
    /// What is known wherever the expression is true.
    pub fn proofs(&self) -> Proofs {
        let Ok(syntax) = syntax::parse(&self.source) else {
            return Proofs::default();
        };
        let mut equal = Vec::new();
        equalities(&syntax, &syntax.tree, &mut equal);
        let mut present = proofs(&syntax, &syntax.tree, true);
        present.extend(equal.iter().map(|(path, _)| path.clone()));
        Proofs { present, equal }
    }
}

/// Paths that `expr` compares with a text, where it holds only if they are equal.
fn equalities(syntax: &Syntax<'_>, expr: &Expr<'_>, found: &mut Vec<(Vec<String>, String)>) {
    let (left, right) = match expr {
        Expr::BinOp(node) if matches!(node.op, BinOpKind::ScAnd) => {
            equalities(syntax, &node.left, found);
            return equalities(syntax, &node.right, found);
        }
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Eq) => (&node.left, &node.right),
        Expr::Compare(node) => match node.ops.as_slice() {
            [only] if matches!(only.op, CompareOpKind::Eq) => (&node.expr, &only.expr),
            _ => return,
        },
        _ => return,
    };
    for (path, text) in [(left, right), (right, left)] {
        if let (Some(chain), Expr::Const(text)) = (syntax.chain(path), text)
            && let Some(text) = text.value.as_str()
        {
            found.push((chain.path(), text.to_owned()));
        }
    }
}

/// `source` with `r0`, `r1`, … in place of the references.
fn with_slots(source: &str, references: &[Reference]) -> String {
    let mut places: Vec<(usize, Span)> = references.iter().map(|reference| reference.span).enumerate().collect();
    places.sort_by_key(|(_, place)| place.start);
    let mut slots = String::with_capacity(source.len());
    let mut at = 0;
    for (number, place) in places {
        slots.push_str(&source[at..place.start]);
        slots.push('r');
        slots.push_str(&number.to_string());
        at = place.end;
    }
    slots.push_str(&source[at..]);
    slots
}

/// Largest step of a slice. A list has far fewer elements.
pub(super) const MAX_SLICE_STEP: u64 = 1_000_000;

/// Whether the step of a slice is a number, as written, that can be counted with.
fn is_step(step: &Expr<'_>) -> bool {
    let number = match step {
        Expr::UnaryOp(node) => node.expr.as_const(),
        other => other.as_const(),
    };
    let number = number.and_then(|number| i64::try_from(number).ok());
    number.is_some_and(|number| (1..=MAX_SLICE_STEP).contains(&number.unsigned_abs()))
}

/// Finds references and refuses what the language does not have.
struct Walk<'w, 's> {
    syntax: &'w Syntax<'s>,
    references: Vec<Reference>,
    ends: Vec<Reference>,
    tolerant: Vec<bool>,
    /// Paths that surely have a value here, because something before asked.
    proven: Vec<Vec<String>>,
    unknown: Option<String>,
}

impl Walk<'_, '_> {
    /// `tolerant`: whether something falls back if this value is missing.
    fn visit(&mut self, expr: &Expr<'_>, tolerant: bool) -> Result<(), ExprError> {
        if let Some(chain) = self.syntax.chain(expr) {
            return self.reference(&chain, tolerant);
        }
        match expr {
            Expr::Var(_) | Expr::Const(_) => Ok(()),
            Expr::BinOp(node) => self.binary(node.op, &node.left, &node.right, tolerant),
            Expr::IfExpr(node) => {
                let Some(otherwise) = &node.false_expr else {
                    return Err(ExprError::new(
                        "an `if` needs an `else`: `A if CONDITION else B`",
                        extent(expr),
                    ));
                };
                self.visit(&node.test_expr, false)?;
                self.visit_knowing(&node.true_expr, tolerant, proofs(self.syntax, &node.test_expr, true))?;
                self.visit_knowing(otherwise, tolerant, proofs(self.syntax, &node.test_expr, false))
            }
            Expr::UnaryOp(node) => self.visit(&node.expr, false),
            Expr::Compare(node) => {
                self.visit(&node.expr, false)?;
                node.ops.iter().try_for_each(|part| self.visit(&part.expr, false))
            }
            Expr::Filter(node) => self.filter(node, extent(expr), tolerant),
            Expr::Test(node) => {
                self.known("test", node.name, &TESTS);
                self.visit(&node.expr, matches!(node.name, "defined" | "undefined"))?;
                self.arguments(&node.args)
            }
            Expr::GetAttr(node) => self.visit(&node.expr, false),
            Expr::GetItem(node) => {
                self.not_dynamic(&node.expr, &node.subscript_expr)?;
                self.visit(&node.expr, false)?;
                self.visit(&node.subscript_expr, false)
            }
            Expr::Slice(node) => {
                if let Some(step) = node.step.as_ref().filter(|step| !is_step(step)) {
                    let message =
                        format!("the step of a slice is a number from 1 to {MAX_SLICE_STEP}, or below zero as far");
                    return Err(ExprError::new(message, extent(step)));
                }
                self.visit(&node.expr, false)?;
                let bounds = [&node.start, &node.stop, &node.step];
                bounds
                    .into_iter()
                    .flatten()
                    .try_for_each(|bound| self.visit(bound, false))
            }
            Expr::Call(node) => self.call(node, extent(expr)),
            Expr::List(node) => node.items.iter().try_for_each(|item| self.visit(item, false)),
            Expr::Tuple(node) => node.items.iter().try_for_each(|item| self.visit(item, false)),
            Expr::Map(node) => {
                for key in &node.keys {
                    if key.as_const().is_none_or(|key| key.as_str().is_none()) {
                        return Err(ExprError::new("a name in `{ }` is a text in quotes", extent(key)));
                    }
                }
                node.values.iter().try_for_each(|value| self.visit(value, false))
            }
        }
    }

    fn filter(&mut self, node: &Filter<'_>, place: Span, tolerant: bool) -> Result<(), ExprError> {
        self.known("filter", node.name, &FILTERS);
        if let Some(input) = &node.expr {
            self.visit(input, matches!(node.name, "default" | "d"))?;
            if matches!(node.name, "first" | "last") && !tolerant {
                self.end(input, place);
            }
        }
        if node.name == "map" {
            only_attribute(&node.args, place)?;
        }
        self.arguments(&node.args)
    }

    fn call(&mut self, node: &Call<'_>, place: Span) -> Result<(), ExprError> {
        match node.identify_call() {
            CallType::Method(on, name) => {
                self.known("method", name, &METHODS);
                self.visit(on, false)?;
            }
            CallType::Function(name) => self.known("function", name, &[]),
            CallType::Object(_) => return Err(ExprError::new("this cannot be called", place)),
        }
        self.arguments(&node.args)
    }

    fn binary(&mut self, op: BinOpKind, left: &Expr<'_>, right: &Expr<'_>, tolerant: bool) -> Result<(), ExprError> {
        match op {
            BinOpKind::ScAnd => {
                self.visit(left, tolerant)?;
                self.visit_knowing(right, tolerant, proofs(self.syntax, left, true))
            }
            BinOpKind::ScOr => {
                self.visit(left, true)?;
                self.visit_knowing(right, tolerant, proofs(self.syntax, left, false))
            }
            _ => {
                self.visit(left, false)?;
                self.visit(right, false)
            }
        }
    }

    fn visit_knowing(&mut self, expr: &Expr<'_>, tolerant: bool, proofs: Vec<Vec<String>>) -> Result<(), ExprError> {
        let before = self.proven.len();
        self.proven.extend(proofs);
        let result = self.visit(expr, tolerant);
        self.proven.truncate(before);
        result
    }

    fn reference(&mut self, chain: &Chain, tolerant: bool) -> Result<(), ExprError> {
        let path = chain.path();
        match chain.root() {
            "secrets" => {
                let message = "a secret stands alone in its braces, under `with` of an action: `${{ secrets.NAME }}`";
                return Err(ExprError::new(message, chain.span));
            }
            "steps" if path.len() == 1 => {
                return Err(ExprError::new("name one step, as `steps.review`", chain.span));
            }
            _ => {}
        }
        // What has a value has come to be, and so has what is around it and what is in it.
        let proves = |known: &Vec<String>| known.starts_with(&path) || path.starts_with(known);
        let proven = self.proven.iter().any(proves);
        self.references.push(Reference {
            path,
            span: chain.span,
            guarded: tolerant || proven,
        });
        self.tolerant.push(tolerant);
        Ok(())
    }

    /// Notes that one element of `list` is taken, unless something before asked whether there is any.
    fn end(&mut self, list: &Expr<'_>, span: Span) {
        if let Some(chain) = self.syntax.chain(list)
            && !self.proven.contains(&chain.path())
        {
            self.ends.push(Reference {
                path: chain.path(),
                span,
                guarded: false,
            });
        }
    }

    /// Refuses to look up a step or an input by a name that is only known during the run.
    fn not_dynamic(&self, of: &Expr<'_>, by: &Expr<'_>) -> Result<(), ExprError> {
        let Some(chain) = self.syntax.chain(of) else {
            return Ok(());
        };
        let fixed = match chain.root() {
            "steps" => 3,
            "inputs" | "run" | "secrets" => 2,
            _ => 1,
        };
        if chain.names.len() >= fixed {
            return Ok(());
        }
        let message = format!(
            "what follows `{}` must be a name, so that it can be checked before the flow runs: `{0}.NAME`",
            chain.path().join(".")
        );
        Err(ExprError::new(message, extent(by)))
    }

    fn arguments(&mut self, args: &[CallArg<'_>]) -> Result<(), ExprError> {
        for arg in args {
            match arg {
                CallArg::Pos(value) | CallArg::Kwarg(_, value) => self.visit(value, false)?,
                CallArg::PosSplat(value) | CallArg::KwargSplat(value) => {
                    return Err(ExprError::new("`*` cannot stand before an argument", extent(value)));
                }
            }
        }
        Ok(())
    }

    fn known(&mut self, kind: &str, name: &str, names: &[&str]) {
        if !names.contains(&name) && self.unknown.is_none() {
            self.unknown = Some(format!("there is no {kind} `{name}`"));
        }
    }
}

/// `map` could otherwise call any filter by a name made during the run.
fn only_attribute(args: &[CallArg<'_>], place: Span) -> Result<(), ExprError> {
    let fine = args
        .iter()
        .any(|arg| matches!(arg, CallArg::Kwarg("attribute", Expr::Const(_))))
        && args
            .iter()
            .all(|arg| matches!(arg, CallArg::Kwarg("attribute" | "default", _)));
    if fine {
        Ok(())
    } else {
        Err(ExprError::new("`map` takes one name: `map(attribute='name')`", place))
    }
}

/// The paths that have a value wherever `expr` came out as `truth`.
fn proofs(syntax: &Syntax<'_>, expr: &Expr<'_>, truth: bool) -> Vec<Vec<String>> {
    if let Some(chain) = syntax.chain(expr) {
        return if truth { vec![chain.path()] } else { Vec::new() };
    }
    match expr {
        Expr::Test(node) if node.name == if truth { "defined" } else { "undefined" } => {
            syntax.chain(&node.expr).map(|chain| chain.path()).into_iter().collect()
        }
        Expr::UnaryOp(node) if matches!(node.op, UnaryOpKind::Not) => proofs(syntax, &node.expr, !truth),
        Expr::BinOp(node) => match (node.op, truth) {
            (BinOpKind::ScAnd, true) | (BinOpKind::ScOr, false) => {
                let mut both = proofs(syntax, &node.left, truth);
                both.extend(proofs(syntax, &node.right, truth));
                both
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
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
