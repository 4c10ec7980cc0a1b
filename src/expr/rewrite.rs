//! Expressions rewritten for strict values.
//!
//! minijinja orders values of any two types, and its `~` formats a value otherwise than `${{ }}` does. Neither can be
//! configured. So an expression is printed anew from its syntax tree, with calls of our own functions in place of
//! these operators, and with names in place of paths (`r0`) and constants (`k0`).
//!
//! Invariant: the printed text means the same otherwise, and is nested no deeper than twice the original.

use super::parse::Reference;
use super::syntax::Syntax;
use minijinja::machinery::ast::{BinOp, BinOpKind, Call, CallArg, CallType, Compare, CompareOpKind, Expr, UnaryOpKind};
use std::collections::HashMap;

/// Name of the function that compares: `a < b <= c` as `compared(a, "<", b, "<=", c)`.
pub(super) const COMPARED: &str = "compared";
/// Name of the function that joins values as text: `a ~ b` as `joined(a, b)`.
pub(super) const JOINED: &str = "joined";

/// An expression as minijinja shall read it.
pub(super) struct Rewritten {
    pub(super) source: String,
    /// The values of `k0`, `k1`, …
    pub(super) constants: Vec<minijinja::Value>,
}

/// How tightly an expression binds: what binds less tightly stands in brackets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    If,
    Or,
    And,
    Not,
    Compare,
    Add,
    Multiply,
    Power,
    /// `a is b`.
    Test,
    /// `a | b`.
    Filter,
    Atom,
}

impl Level {
    const fn tighter(self) -> Self {
        match self {
            Self::If => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Compare,
            Self::Compare => Self::Add,
            Self::Add => Self::Multiply,
            Self::Multiply => Self::Power,
            Self::Power => Self::Test,
            Self::Test => Self::Filter,
            Self::Filter | Self::Atom => Self::Atom,
        }
    }
}

/// Prints the tree of `syntax`, whose paths are `references`.
pub(super) fn rewritten(syntax: &Syntax<'_>, references: &[Reference]) -> Rewritten {
    let places = references.iter().enumerate();
    let mut printer = Printer {
        syntax,
        references: places
            .map(|(number, reference)| (reference.span.start, number))
            .collect(),
        printed: Rewritten {
            source: String::new(),
            constants: Vec::new(),
        },
    };
    printer.print(&syntax.tree, Level::If);
    printer.printed
}

struct Printer<'p, 's> {
    syntax: &'p Syntax<'s>,
    /// The number of each reference, by where it begins.
    references: HashMap<usize, usize>,
    printed: Rewritten,
}

impl Printer<'_, '_> {
    fn text(&mut self, text: &str) {
        self.printed.source.push_str(text);
    }

    fn constant(&mut self, value: minijinja::Value) {
        let name = format!("k{}", self.printed.constants.len());
        self.printed.constants.push(value);
        self.text(&name);
    }

    /// Prints `expr`, in brackets where it binds less tightly than `least`.
    fn print(&mut self, expr: &Expr<'_>, least: Level) {
        let level = Self::level(expr);
        if level < least {
            self.text("(");
            self.print_bare(expr, level);
            self.text(")");
        } else {
            self.print_bare(expr, level);
        }
    }

    fn level(expr: &Expr<'_>) -> Level {
        match expr {
            Expr::IfExpr(_) => Level::If,
            Expr::UnaryOp(node) if matches!(node.op, UnaryOpKind::Not) => Level::Not,
            Expr::Compare(node) if !node.ops.iter().any(|part| is_order(part.op)) => Level::Compare,
            Expr::BinOp(node) if comparison(node.op).is_none_or(|op| !is_order(op)) => level_of(node.op),
            Expr::Test(_) => Level::Test,
            Expr::Filter(_) => Level::Filter,
            _ => Level::Atom,
        }
    }

    fn print_bare(&mut self, expr: &Expr<'_>, level: Level) {
        if let Some(chain) = self.syntax.chain(expr) {
            let number = self.references.get(&chain.span.start).copied();
            let name = format!("r{}", number.expect("every path was taken down"));
            return self.text(&name);
        }
        match expr {
            Expr::Var(node) => self.text(node.id),
            Expr::Const(node) => self.constant(node.value.clone()),
            Expr::BinOp(node) => self.binary(node, level),
            Expr::Compare(node) => self.comparison(node),
            Expr::IfExpr(node) => {
                self.print(&node.true_expr, Level::Or);
                self.text(" if ");
                self.print(&node.test_expr, Level::Or);
                if let Some(otherwise) = &node.false_expr {
                    self.text(" else ");
                    self.print(otherwise, Level::If);
                }
            }
            Expr::UnaryOp(node) => match node.op {
                UnaryOpKind::Not => {
                    self.text("not ");
                    self.print(&node.expr, Level::Not);
                }
                UnaryOpKind::Neg => {
                    self.text("(-");
                    self.print(&node.expr, Level::Atom);
                    self.text(")");
                }
            },
            Expr::Filter(node) => {
                if let Some(input) = &node.expr {
                    self.print(input, Level::Filter);
                }
                self.text("|");
                self.text(node.name);
                self.arguments(&node.args);
            }
            Expr::Test(node) => {
                self.print(&node.expr, Level::Filter);
                self.text(" is ");
                self.text(node.name);
                if !node.args.is_empty() {
                    self.arguments(&node.args);
                }
            }
            Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Slice(_) => self.part(expr),
            Expr::Call(node) => self.call(node),
            Expr::List(node) => self.items("[", &node.items, "]"),
            Expr::Tuple(node) => self.items("(", &node.items, if node.items.len() == 1 { ",)" } else { ")" }),
            Expr::Map(node) => {
                self.text("{");
                for (key, value) in node.keys.iter().zip(&node.values) {
                    self.print(key, Level::If);
                    self.text(": ");
                    self.print(value, Level::If);
                    self.text(", ");
                }
                self.text("}");
            }
        }
    }

    /// A part of a value: a field, an element, a slice.
    fn part(&mut self, expr: &Expr<'_>) {
        match expr {
            Expr::GetAttr(node) => {
                self.print(&node.expr, Level::Atom);
                self.text(".");
                self.text(node.name);
            }
            Expr::GetItem(node) => {
                self.print(&node.expr, Level::Atom);
                self.text("[");
                self.print(&node.subscript_expr, Level::If);
                self.text("]");
            }
            Expr::Slice(node) => {
                self.print(&node.expr, Level::Atom);
                self.text("[");
                for (bound, after) in [(&node.start, ":"), (&node.stop, ":"), (&node.step, "]")] {
                    if let Some(bound) = bound {
                        self.print(bound, Level::If);
                    }
                    self.text(after);
                }
            }
            _ => {}
        }
    }

    fn items(&mut self, open: &str, items: &[Expr<'_>], close: &str) {
        self.text(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.text(", ");
            }
            self.print(item, Level::If);
        }
        self.text(close);
    }

    fn arguments(&mut self, args: &[CallArg<'_>]) {
        self.text("(");
        for (at, arg) in args.iter().enumerate() {
            if at > 0 {
                self.text(", ");
            }
            match arg {
                CallArg::Pos(value) | CallArg::PosSplat(value) | CallArg::KwargSplat(value) => {
                    self.print(value, Level::If);
                }
                CallArg::Kwarg(name, value) => {
                    self.text(name);
                    self.text("=");
                    self.print(value, Level::If);
                }
            }
        }
        self.text(")");
    }

    fn call(&mut self, node: &Call<'_>) {
        match node.identify_call() {
            CallType::Method(on, name) => {
                self.print(on, Level::Atom);
                self.text(".");
                self.text(name);
            }
            CallType::Function(name) => self.text(name),
            CallType::Object(on) => self.print(on, Level::Atom),
        }
        self.arguments(&node.args);
    }

    fn binary(&mut self, node: &BinOp<'_>, level: Level) {
        if matches!(node.op, BinOpKind::Concat) {
            return self.concatenation(node);
        }
        if let Some(op) = comparison(node.op) {
            return self.compared(&node.left, &[(op, &node.right)]);
        }
        self.print(&node.left, level);
        self.text(match node.op {
            BinOpKind::ScAnd => " and ",
            BinOpKind::ScOr => " or ",
            BinOpKind::Add => " + ",
            BinOpKind::Sub => " - ",
            BinOpKind::Mul => " * ",
            BinOpKind::Div => " / ",
            BinOpKind::FloorDiv => " // ",
            BinOpKind::Rem => " % ",
            BinOpKind::Pow => " ** ",
            _ => unreachable!("a comparison, or text put together"),
        });
        self.print(&node.right, level.tighter());
    }

    /// `a ~ b ~ c` in one call: a nested one for each would be too deep.
    fn concatenation(&mut self, node: &BinOp<'_>) {
        let mut parts = vec![&node.right];
        let mut left = &node.left;
        while let Expr::BinOp(inner) = left
            && matches!(inner.op, BinOpKind::Concat)
        {
            parts.push(&inner.right);
            left = &inner.left;
        }
        self.text(JOINED);
        self.text("(");
        self.print(left, Level::If);
        for part in parts.into_iter().rev() {
            self.text(", ");
            self.print(part, Level::If);
        }
        self.text(")");
    }

    fn comparison(&mut self, node: &Compare<'_>) {
        let parts: Vec<_> = node.ops.iter().map(|part| (part.op, &part.expr)).collect();
        self.compared(&node.expr, &parts);
    }

    fn compared(&mut self, first: &Expr<'_>, parts: &[(CompareOpKind, &Expr<'_>)]) {
        if !parts.iter().any(|(op, _)| is_order(*op)) {
            self.print(first, Level::Add);
            for (op, part) in parts {
                self.text(&format!(" {} ", sign(*op)));
                self.print(part, Level::Add);
            }
            return;
        }
        self.text(COMPARED);
        self.text("(");
        self.print(first, Level::If);
        for (op, part) in parts {
            self.text(", ");
            self.constant(sign(*op).into());
            self.text(", ");
            self.print(part, Level::If);
        }
        self.text(")");
    }
}

const fn level_of(op: BinOpKind) -> Level {
    match op {
        BinOpKind::ScOr => Level::Or,
        BinOpKind::ScAnd => Level::And,
        BinOpKind::Add | BinOpKind::Sub => Level::Add,
        BinOpKind::Mul | BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem => Level::Multiply,
        BinOpKind::Pow => Level::Power,
        BinOpKind::Concat => Level::Atom,
        _ => Level::Compare,
    }
}

/// The comparison that an operator between two values is, if it is one.
const fn comparison(op: BinOpKind) -> Option<CompareOpKind> {
    Some(match op {
        BinOpKind::Eq => CompareOpKind::Eq,
        BinOpKind::Ne => CompareOpKind::Ne,
        BinOpKind::Lt => CompareOpKind::Lt,
        BinOpKind::Lte => CompareOpKind::Lte,
        BinOpKind::Gt => CompareOpKind::Gt,
        BinOpKind::Gte => CompareOpKind::Gte,
        BinOpKind::In => CompareOpKind::In,
        _ => return None,
    })
}

/// Whether a comparison asks for an order.
pub(super) const fn is_order(op: CompareOpKind) -> bool {
    matches!(
        op,
        CompareOpKind::Lt | CompareOpKind::Lte | CompareOpKind::Gt | CompareOpKind::Gte
    )
}

const fn sign(op: CompareOpKind) -> &'static str {
    match op {
        CompareOpKind::Eq => "==",
        CompareOpKind::Ne => "!=",
        CompareOpKind::Lt => "<",
        CompareOpKind::Lte => "<=",
        CompareOpKind::Gt => ">",
        CompareOpKind::Gte => ">=",
        CompareOpKind::In => "in",
        CompareOpKind::NotIn => "not in",
    }
}
