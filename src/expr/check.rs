//! Types of expressions, before anything runs.
//!
//! Invariant: what is not known (`Type::Any`, an open object) never leads to a finding.

use super::functions::{FILTERS, METHODS, TESTS, arity};
use super::syntax::{self, Chain, Syntax, extent, span};
use super::{Expression, Field, Type};
use crate::base::diagnostic::nearest;
use crate::base::{Semantics, Span, moment};
use indexmap::IndexMap;
use minijinja::machinery::ast::{
    BinOpKind, Call, CallArg, CallType, Compare, CompareOpKind, Expr, Filter, UnaryOpKind,
};
use minijinja::value::ValueKind;

/// What names mean to the checker.
pub trait TypeScope {
    /// The type of the name at the root, as `inputs`; its fields are the names that may follow.
    /// `None` where there is no such name here.
    fn root(&self, name: &str) -> Option<Type>;
    /// The names at the root, for suggestions.
    fn roots(&self) -> Vec<&str>;
    /// The type at the end of a path, for scopes that can tell without building everything below
    /// the root. `None` leaves it to [`TypeScope::root`].
    fn field(&self, root: &str, name: &str) -> Option<Type> {
        let _ = (root, name);
        None
    }
    /// The texts that may be at the end of a path, where there are only so many.
    fn words(&self, path: &[String]) -> Option<Vec<&str>> {
        let _ = path;
        None
    }
    /// Whether a day is at the end of a path, as `2026-11-23`.
    fn is_day(&self, path: &[String]) -> bool {
        let _ = path;
        false
    }
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
    /// The path that was being read, up to and including the name that is not there.
    pub path: Vec<String>,
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
        let Ok(syntax) = syntax::parse(&self.source) else {
            return (Type::Any, Vec::new());
        };
        let mut checker = Checker {
            source: &self.source,
            syntax: &syntax,
            scope,
            findings: Vec::new(),
        };
        let ty = checker.infer(&syntax.tree);
        (ty, checker.findings)
    }

    /// The types of the values between which the expression chooses: of `a or b`, `a | default(b)` and `a if c else b`
    /// those of `a` and `b`. One type where it does not choose.
    pub fn members(&self, scope: &dyn TypeScope) -> Vec<Type> {
        let Ok(syntax) = syntax::parse(&self.source) else {
            return vec![Type::Any];
        };
        let mut checker = Checker {
            source: &self.source,
            syntax: &syntax,
            scope,
            findings: Vec::new(),
        };
        let mut found = Vec::new();
        checker.members(&syntax.tree, &mut found);
        found
    }
}

struct Checker<'c, 's> {
    source: &'c str,
    syntax: &'c Syntax<'s>,
    scope: &'c dyn TypeScope,
    findings: Vec<ExprFinding>,
}

impl Checker<'_, '_> {
    fn members(&mut self, expr: &Expr<'_>, found: &mut Vec<Type>) {
        match expr {
            Expr::BinOp(node) if matches!(node.op, BinOpKind::ScOr) => {
                self.members(&node.left, found);
                self.members(&node.right, found);
            }
            Expr::IfExpr(node) => {
                self.members(&node.true_expr, found);
                node.false_expr.iter().for_each(|expr| self.members(expr, found));
            }
            Expr::Filter(node) if matches!(node.name, "default" | "d") => {
                node.expr.iter().for_each(|expr| self.members(expr, found));
                if let Some(CallArg::Pos(value)) = node.args.first() {
                    self.members(value, found);
                }
            }
            other => {
                let ty = self.infer(other);
                found.push(ty);
            }
        }
    }

    fn infer(&mut self, expr: &Expr<'_>) -> Type {
        if let Some(chain) = self.syntax.chain(expr) {
            return self.path(&chain);
        }
        match expr {
            Expr::Var(_) => Type::Any,
            Expr::Const(node) => of_constant(&node.value),
            Expr::BinOp(node) => self.binary(node.op, &node.left, &node.right),
            Expr::Compare(node) => self.comparison(node),
            Expr::IfExpr(node) => {
                self.infer(&node.test_expr);
                let yes = self.infer(&node.true_expr);
                let no = node.false_expr.as_ref().map_or(Type::Any, |expr| self.infer(expr));
                yes.or(no)
            }
            Expr::UnaryOp(node) => {
                let ty = self.infer(&node.expr);
                match node.op {
                    UnaryOpKind::Not => Type::Boolean,
                    UnaryOpKind::Neg => self.number(ty, &node.expr),
                }
            }
            Expr::Filter(node) => self.filter(node, span(expr.span())),
            Expr::Test(node) => {
                self.infer(&node.expr);
                self.arguments(&node.args);
                self.known("test", node.name, span(expr.span()).start, &TESTS);
                Type::Boolean
            }
            Expr::GetAttr(node) => {
                let ty = self.infer(&node.expr);
                let end = span(expr.span()).end;
                self.field(ty, node.name, Span::new(end - node.name.len(), end), &[])
            }
            Expr::GetItem(node) => {
                let ty = self.infer(&node.expr);
                self.infer(&node.subscript_expr);
                element(ty)
            }
            Expr::Slice(node) => {
                for bound in [&node.start, &node.stop, &node.step].into_iter().flatten() {
                    let ty = self.infer(bound);
                    self.number(ty, bound);
                }
                self.infer(&node.expr)
            }
            Expr::Call(node) => self.call(node, span(expr.span())),
            Expr::List(node) => Type::list(self.any_of(&node.items)),
            Expr::Tuple(node) => Type::list(self.any_of(&node.items)),
            Expr::Map(node) => {
                let mut fields = IndexMap::new();
                for (key, value) in node.keys.iter().zip(&node.values) {
                    let ty = self.infer(value);
                    if let Some(name) = key.as_const().and_then(|key| key.as_str().map(str::to_owned)) {
                        fields.insert(name, Field::sure(ty));
                    }
                }
                Type::of_fields(fields, false)
            }
        }
    }

    fn comparison(&mut self, node: &Compare<'_>) -> Type {
        let mut left = (self.infer(&node.expr), extent(&node.expr));
        for part in &node.ops {
            let right = (self.infer(&part.expr), extent(&part.expr));
            self.compare(part.op, &left, &right);
            left = right;
        }
        if let [part] = node.ops.as_slice() {
            self.words(part.op, &node.expr, &part.expr);
        }
        Type::Boolean
    }

    fn any_of(&mut self, items: &[Expr<'_>]) -> Type {
        let types: Vec<Type> = items.iter().map(|item| self.infer(item)).collect();
        types.into_iter().reduce(Type::or).unwrap_or(Type::Any)
    }

    fn arguments(&mut self, args: &[CallArg<'_>]) -> Vec<(Type, Span)> {
        args.iter()
            .map(|arg| match arg {
                CallArg::Pos(value)
                | CallArg::Kwarg(_, value)
                | CallArg::PosSplat(value)
                | CallArg::KwargSplat(value) => (self.infer(value), extent(value)),
            })
            .collect()
    }

    fn path(&mut self, chain: &Chain) -> Type {
        let (root, place) = &chain.names[0];
        let mut walked = vec![root.clone()];
        let second = chain.names.get(1);
        let (mut ty, mut from) = match second.and_then(|(name, _)| self.scope.field(root, name)) {
            Some(ty) => {
                walked.extend(second.map(|(name, _)| name.clone()));
                (ty, 2)
            }
            None => {
                let Some(ty) = self.scope.root(root) else {
                    let message = match root.to_ascii_lowercase().as_str() {
                        "yes" | "true" => format!("there is no `{root}` here: write `true`"),
                        "no" | "false" => format!("there is no `{root}` here: write `false`"),
                        _ => format!("there is no `{root}` here; there are {}", listed(self.scope.roots())),
                    };
                    let near = nearest(root, self.scope.roots()).map(str::to_owned);
                    self.found(ExprFindingKind::UnknownRoot, message, *place, near, walked);
                    return Type::Any;
                };
                (ty, 1)
            }
        };
        while let Some((name, place)) = chain.names.get(from) {
            ty = self.field(ty, name, *place, &walked);
            walked.push(name.clone());
            from += 1;
        }
        ty
    }

    /// The type of `name` in a value of type `ty`, which is at the end of `walked`.
    fn field(&mut self, ty: Type, name: &str, place: Span, walked: &[String]) -> Type {
        let position = name.parse::<i64>().is_ok();
        let message = match ty {
            Type::Any | Type::Null => return Type::Any,
            Type::List(of) if position => return *of,
            Type::Text if position => return Type::Text,
            Type::Object { fields, open } => match fields.get(name).cloned() {
                Some(field) => return field.ty,
                None if open => return Type::Any,
                None => {
                    let names = || fields.keys().map(String::as_str);
                    let near = nearest(name, names()).map(str::to_owned);
                    let message = format!("{} has no `{name}`; it has {}", of_path(walked), listed(names()));
                    let path = [walked, &[name.to_owned()]].concat();
                    self.found(ExprFindingKind::UnknownField, message, place, near, path);
                    return Type::Any;
                }
            },
            Type::List(_) => format!(
                "{} is a list and has no `{name}`: take one element first, as `[0]` or `| first`",
                of_path(walked)
            ),
            other => format!("{} is {} and has no `{name}`", of_path(walked), other.words()),
        };
        let path = [walked, &[name.to_owned()]].concat();
        self.found(ExprFindingKind::UnknownField, message, place, None, path);
        Type::Any
    }

    fn binary(&mut self, op: BinOpKind, left: &Expr<'_>, right: &Expr<'_>) -> Type {
        let one = (self.infer(left), extent(left));
        let two = (self.infer(right), extent(right));
        let compared = match op {
            BinOpKind::Eq => CompareOpKind::Eq,
            BinOpKind::Ne => CompareOpKind::Ne,
            BinOpKind::Lt => CompareOpKind::Lt,
            BinOpKind::Lte => CompareOpKind::Lte,
            BinOpKind::Gt => CompareOpKind::Gt,
            BinOpKind::Gte => CompareOpKind::Gte,
            BinOpKind::In => CompareOpKind::In,
            BinOpKind::ScAnd | BinOpKind::ScOr => return one.0.or(two.0),
            BinOpKind::Concat => return Type::Text,
            BinOpKind::Add if matches!(one.0, Type::Text | Type::List(_)) => return self.added(one, two),
            _ => {
                let whole = one.0 == Type::Integer && two.0 == Type::Integer && !matches!(op, BinOpKind::Div);
                self.number(one.0, left);
                self.number(two.0, right);
                return if whole { Type::Integer } else { Type::Number };
            }
        };
        self.compare(compared, &one, &two);
        self.words(compared, left, right);
        Type::Boolean
    }

    /// A comparison with a word that is never there.
    fn words(&mut self, op: CompareOpKind, left: &Expr<'_>, right: &Expr<'_>) {
        use CompareOpKind::{Eq, In, Ne, NotIn};
        self.days(left, right);
        let pairs = match (op, right) {
            (Eq | Ne, _) => vec![(left, right), (right, left)],
            (In | NotIn, Expr::List(list)) => list.items.iter().map(|item| (left, item)).collect(),
            _ => return,
        };
        for (path, word) in pairs {
            let (Some(chain), Expr::Const(node)) = (self.syntax.chain(path), word) else {
                continue;
            };
            let (path, place, scope) = (chain.path(), extent(word), self.scope);
            let (Some(words), Some(word)) = (scope.words(&path), node.value.as_str()) else {
                continue;
            };
            if !words.contains(&word) {
                let near = nearest(word, words.iter().copied()).map(str::to_owned);
                let message = match &near {
                    Some(near) => format!("`{}` is never `{word}`: did you mean `{near}`?", path.join(".")),
                    None => format!("`{}` is never `{word}`: it is one of {}", path.join("."), listed(words)),
                };
                self.found(ExprFindingKind::Mismatch, message, place, near, Vec::new());
            }
        }
    }

    /// A comparison of a day with a text that is no day.
    fn days(&mut self, left: &Expr<'_>, right: &Expr<'_>) {
        for (path, text) in [(left, right), (right, left)] {
            let (Some(chain), Expr::Const(node)) = (self.syntax.chain(path), text) else {
                continue;
            };
            let path = chain.path();
            if let Some(text) = node.value.as_str()
                && self.scope.is_day(&path)
                && moment::day(text, Semantics::CURRENT).is_err()
            {
                let message = format!(
                    "`{}` is a day, and `{text}` is none: write it as `2026-11-23`",
                    path.join(".")
                );
                self.mismatch(message, Span::new(extent(left).start, extent(right).end));
            }
        }
    }

    /// `+` between texts or lists.
    fn added(&mut self, one: (Type, Span), two: (Type, Span)) -> Type {
        if one.0.overlaps(&two.0) && two.0 != Type::Null {
            return one.0.or(two.0);
        }
        let hint = if one.0 == Type::Text {
            "; `~` joins them as text"
        } else {
            ""
        };
        let message = format!("{} and {} cannot be added{hint}", one.0.words(), two.0.words());
        self.mismatch(message, Span::new(one.1.start, two.1.end));
        one.0
    }

    fn compare(&mut self, op: CompareOpKind, one: &(Type, Span), two: &(Type, Span)) {
        let whole = Span::new(one.1.start, two.1.end);
        let (left, right) = (&one.0, &two.0);
        match op {
            CompareOpKind::Eq | CompareOpKind::Ne => {
                if !left.overlaps(right) {
                    let message = format!("{} is never equal to {}", left.words(), right.words());
                    self.mismatch(message, whole);
                }
            }
            CompareOpKind::Lt | CompareOpKind::Lte | CompareOpKind::Gt | CompareOpKind::Gte => {
                let ordered = |ty: &Type| matches!(ty, Type::Any | Type::Text) || ty.is_number();
                if !ordered(left) || !ordered(right) || !left.overlaps(right) {
                    let message = format!("{} and {} have no order", left.words(), right.words());
                    self.mismatch(message, whole);
                }
            }
            CompareOpKind::In | CompareOpKind::NotIn => {
                let message = match right {
                    Type::Text if !left.overlaps(&Type::Text) => format!("{} is never in a text", left.words()),
                    Type::List(of) if !left.overlaps(of) => {
                        format!("{} is never in a list whose elements are {}", left.words(), of.words())
                    }
                    Type::Boolean | Type::Integer | Type::Number => format!("nothing is in {}", right.words()),
                    _ => return,
                };
                self.mismatch(message, whole);
            }
        }
    }

    /// Wants a number of `expr`, which is of type `ty`.
    fn number(&mut self, ty: Type, expr: &Expr<'_>) -> Type {
        if !ty.is_number() && ty != Type::Any {
            let place = extent(expr);
            let message = format!("{} is {}, not a number", self.quoted(place), ty.words());
            self.mismatch(message, place);
        }
        ty
    }

    fn filter(&mut self, node: &Filter<'_>, place: Span) -> Type {
        let input = node.expr.as_ref();
        let ty = input.map_or(Type::Any, |expr| self.infer(expr));
        let args = self.arguments(&node.args);
        if !self.known("filter", node.name, place.start, &FILTERS) {
            return Type::Any;
        }
        let wanted: &[Type] = match node.name {
            "lower" | "upper" | "trim" | "replace" | "split" => &[Type::Text],
            "abs" | "round" => &[Type::Number],
            "first" | "last" | "length" | "min" | "max" | "sum" | "sort" | "unique" | "reverse" | "join" | "map" => {
                &[Type::List(Box::new(Type::Any)), Type::Text]
            }
            _ => &[],
        };
        let object = node.name == "length" && matches!(ty, Type::Object { .. });
        if !wanted.is_empty() && !object && !wanted.iter().any(|wanted| wanted.overlaps(&ty)) {
            let message = format!("`{}` takes {}, not {}", node.name, wanted[0].words(), ty.words());
            self.mismatch(message, input.map_or(place, extent));
            return Type::Any;
        }
        match node.name {
            "lower" | "upper" | "trim" | "replace" | "string" | "join" => Type::Text,
            "split" => Type::list(Type::Text),
            "length" | "int" => Type::Integer,
            "float" | "round" | "sum" => Type::Number,
            "bool" => Type::Boolean,
            "first" | "last" | "min" | "max" => element(ty),
            "default" | "d" => ty.or(args.into_iter().next().map_or(Type::Text, |(ty, _)| ty)),
            "abs" | "sort" | "unique" | "reverse" => ty,
            "list" | "map" => Type::list(Type::Any),
            _ => Type::Any,
        }
    }

    fn call(&mut self, node: &Call<'_>, place: Span) -> Type {
        let args = self.arguments(&node.args);
        match node.identify_call() {
            CallType::Function(name) => {
                let start = extent(&node.expr).start;
                if FILTERS.contains(&name) {
                    let message = format!("`{name}` stands behind its value: `VALUE | {name}`");
                    let path = vec![name.to_owned()];
                    let place = Span::new(start, start + name.len());
                    self.found(ExprFindingKind::UnknownFunction, message, place, None, path);
                } else {
                    self.known("function", name, start, &[]);
                }
                Type::Any
            }
            CallType::Method(on, name) => {
                let ty = self.infer(on);
                let end = span(node.expr.span()).end;
                self.method(&ty, name, Span::new(end - name.len(), end), &args, place.end)
            }
            CallType::Object(_) => Type::Any,
        }
    }

    fn method(&mut self, on: &Type, name: &str, place: Span, args: &[(Type, Span)], end: usize) -> Type {
        if !self.known("method", name, place.start, &METHODS) {
            return Type::Any;
        }
        if !on.overlaps(&Type::Text) {
            let message = format!("`{name}` belongs to texts; this is {}", on.words());
            self.mismatch(message, place);
            return Type::Any;
        }
        let (least, most) = arity(name);
        if !(least..=most).contains(&args.len()) {
            let wanted = if least == most {
                least.to_string()
            } else {
                format!("{least} to {most}")
            };
            let message = format!("`{name}` takes {wanted} arguments, not {}", args.len());
            self.mismatch(message, Span::new(place.start, end));
        }
        for (ty, place) in args {
            if !ty.overlaps(&Type::Text) {
                self.mismatch(format!("`{name}` takes a text, not {}", ty.words()), *place);
            }
        }
        match name {
            "endswith" | "startswith" => Type::Boolean,
            "split" => Type::list(Type::Text),
            _ => Type::Text,
        }
    }

    /// Reports `name` if it is none of `names`.
    fn known(&mut self, kind: &str, name: &str, start: usize, names: &[&str]) -> bool {
        if names.contains(&name) {
            return true;
        }
        let near = nearest(name, names.iter().copied()).map(str::to_owned);
        let offered = if names.is_empty() {
            String::new()
        } else {
            format!("; there are {}", listed(names.iter().copied()))
        };
        let message = format!("there is no {kind} `{name}`{offered}");
        let place = Span::new(start, start + name.len());
        self.found(
            ExprFindingKind::UnknownFunction,
            message,
            place,
            near,
            vec![name.to_owned()],
        );
        false
    }

    fn mismatch(&mut self, message: String, span: Span) {
        self.found(ExprFindingKind::Mismatch, message, span, None, Vec::new());
    }

    fn found(
        &mut self,
        kind: ExprFindingKind,
        message: String,
        span: Span,
        nearest: Option<String>,
        path: Vec<String>,
    ) {
        self.findings.push(ExprFinding {
            kind,
            message,
            span,
            nearest,
            path,
        });
    }

    fn quoted(&self, place: Span) -> String {
        format!("`{}`", self.source.get(place.start..place.end).unwrap_or_default())
    }
}

/// The type of one element.
fn element(of: Type) -> Type {
    match of {
        Type::List(of) => *of,
        Type::Text => Type::Text,
        _ => Type::Any,
    }
}

fn of_path(walked: &[String]) -> String {
    if walked.is_empty() {
        "this".to_owned()
    } else {
        format!("`{}`", walked.join("."))
    }
}

/// Names for a message; not more than can be read at a glance.
fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const MOST: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let mut text = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST {
        text.push_str(" …");
    }
    if text.is_empty() { "nothing".to_owned() } else { text }
}

fn of_constant(value: &minijinja::Value) -> Type {
    match value.kind() {
        ValueKind::Bool => Type::Boolean,
        ValueKind::Number if value.is_integer() => Type::Integer,
        ValueKind::Number => Type::Number,
        ValueKind::String => Type::Text,
        ValueKind::None => Type::Null,
        _ => Type::Any,
    }
}
