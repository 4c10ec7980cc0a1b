//! Bounded evaluation.

use super::functions::MAX_FUEL;
use super::shared::{Found, index};
use super::{Expression, Template, Tree, convert, template::SecretUse};
use crate::base::{Semantics, Value};
use minijinja::value::Object;
use minijinja::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Largest value or text that an expression or a template may make, in bytes.
pub const MAX_RESULT_BYTES: usize = 1024 * 1024;
/// Deepest nesting of lists and objects in a value that an expression may make or read.
pub const MAX_RESULT_DEPTH: usize = 64;

/// What names mean during one evaluation: `inputs`, `steps`, `run`, `event` … The values are
/// looked up one by one, so a large run costs no more than what an expression reads.
pub trait Scope: Send + Sync {
    /// The value at the end of the dotted `path`: the name at the root (`inputs`), then the names
    /// below it, down to the last. Positions in lists are names too, as `0` or `-1`. `None` where
    /// there is no such name or value on the way. [`dig`] walks what is data, [`Found::within`] what is shared.
    fn get(&self, path: &[&str]) -> Option<Found>;

    /// The evaluation rules that are followed.
    fn semantics(&self) -> Semantics;
}

/// Data as a scope: the names of an object are the roots.
#[derive(Clone, Debug)]
pub struct DataScope {
    /// The data.
    pub data: Value,
    /// The evaluation rules that are followed.
    pub semantics: Semantics,
}

impl Scope for DataScope {
    fn get(&self, path: &[&str]) -> Option<Found> {
        dig(&self.data, path).cloned().map(Found::from)
    }

    fn semantics(&self) -> Semantics {
        self.semantics
    }
}

/// Data as a scope that follows the current evaluation rules.
impl Scope for Value {
    fn get(&self, path: &[&str]) -> Option<Found> {
        dig(self, path).cloned().map(Found::from)
    }

    fn semantics(&self) -> Semantics {
        Semantics::CURRENT
    }
}

/// The value at the end of `path` in `value`. Negative positions count from a list's end.
pub fn dig<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| match value {
        Value::Object(fields) => fields.get(*name),
        Value::Array(items) => items.get(index(name, items.len())?),
        _ => None,
    })
}

/// Why an evaluation gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// What was missing or wrong, naming the expression, never showing values.
    pub message: String,
    /// Whether a value that it reads is missing; otherwise it cannot be computed from the values.
    pub is_missing: bool,
}

impl EvalError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_missing: false,
        }
    }

    fn of_missing(message: impl Into<String>) -> Self {
        Self {
            is_missing: true,
            ..Self::new(message)
        }
    }
}

/// No path was looked up in vain.
const NOTHING: usize = usize::MAX;

/// The values of an expression's references, handed to minijinja as `r0`, `r1`, …
#[derive(Debug)]
struct Slots {
    values: Vec<Option<Found>>,
    /// The values of an expression's constants, as `k0`, `k1`, …, where it was rewritten.
    constants: Arc<[minijinja::Value]>,
    tolerant: Vec<bool>,
    /// The first reference that was read, had no value and nothing to fall back on.
    missing: AtomicUsize,
}

impl Object for Slots {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        if let Some(number) = key.strip_prefix('k') {
            return self.constants.get(number.parse::<usize>().ok()?).cloned();
        }
        let number: usize = key.strip_prefix('r')?.parse().ok()?;
        let value = self.values.get(number)?;
        if value.is_none() && !self.tolerant[number] {
            let _ = self
                .missing
                .compare_exchange(NOTHING, number, Ordering::Relaxed, Ordering::Relaxed);
        }
        value.as_ref().map(Found::to_minijinja)
    }
}

impl Expression {
    /// The value. A missing value is an error unless the expression has something to fall back on.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        if let Some(unknown) = &self.program.unknown {
            return Err(EvalError::new(format!("{unknown}: `{}`", self.source)));
        }
        let compiled = if scope.semantics().has_strict_values() {
            let strict = self.strict();
            strict.map(|strict| strict.map(|strict| (&strict.compiled, Arc::clone(&strict.constants))))
        } else {
            let compiled = self.program.compiled();
            compiled.map(|compiled| compiled.map(|compiled| (compiled, Arc::default())))
        };
        match compiled {
            None => self
                .look_up(0, scope)
                .map(Found::into_value)
                .ok_or_else(|| self.missing(0)),
            Some(Err(cause)) => Err(EvalError::new(format!("`{}` is no expression: {cause}", self.source))),
            Some(Ok((compiled, constants))) => self.run(compiled, constants, scope),
        }
    }

    fn run(
        &self,
        compiled: &minijinja::Expression<'static, 'static>,
        constants: Arc<[minijinja::Value]>,
        scope: &dyn Scope,
    ) -> Result<Value, EvalError> {
        let slots = Arc::new(Slots {
            values: (0..self.references.len())
                .map(|number| self.look_up(number, scope))
                .collect(),
            constants,
            tolerant: self.program.tolerant.clone(),
            missing: AtomicUsize::new(NOTHING),
        });
        let result = compiled.eval(minijinja::Value::from_dyn_object(slots.clone()));
        match slots.missing.load(Ordering::Relaxed) {
            NOTHING => {}
            number => return Err(self.missing(number)),
        }
        let value = result.map_err(|cause| self.failed(&cause, &slots))?;
        convert::from_minijinja(&value).map_err(|why| match why {
            convert::Refused::Missing => self.nothing(&slots),
            convert::Refused::Because(why) => EvalError::new(format!("`{}` {why}", self.source)),
        })
    }

    fn look_up(&self, number: usize, scope: &dyn Scope) -> Option<Found> {
        const SHORT: usize = 8;
        let path = &self.references[number].path;
        if path.len() <= SHORT {
            let mut names = [""; SHORT];
            for (name, written) in names.iter_mut().zip(path) {
                *name = written;
            }
            scope.get(&names[..path.len()])
        } else {
            scope.get(&path.iter().map(String::as_str).collect::<Vec<_>>())
        }
    }

    /// The error of a reference without a value.
    fn missing(&self, number: usize) -> EvalError {
        let path = self.references[number].path.join(".");
        if path == self.source {
            EvalError::of_missing(format!("`{path}` has no value"))
        } else {
            EvalError::of_missing(format!("`{path}` has no value in `{}`", self.source))
        }
    }

    /// The error of an expression that came to nothing.
    fn nothing(&self, slots: &Slots) -> EvalError {
        let tolerated = slots.values.iter().position(Option::is_none);
        tolerated.map_or_else(
            || EvalError::of_missing(format!("`{}` has no value", self.source)),
            |number| self.missing(number),
        )
    }

    /// The error of minijinja without the values it may quote.
    fn failed(&self, cause: &Error, slots: &Slots) -> EvalError {
        let source = &self.source;
        EvalError::new(match cause.kind() {
            ErrorKind::UndefinedError => return self.nothing(slots),
            ErrorKind::OutOfFuel => format!("`{source}` is too much work: more than {MAX_FUEL} operations"),
            ErrorKind::MissingArgument => format!("an argument is missing in `{source}`"),
            ErrorKind::TooManyArguments => format!("there is an argument too many in `{source}`"),
            ErrorKind::UnknownMethod => format!("a value in `{source}` has no such method"),
            _ => match cause.detail().filter(|detail| is_told(detail)) {
                Some(detail) => format!("`{source}` cannot be computed: {detail}"),
                None => format!("`{source}` cannot be computed from these values"),
            },
        })
    }

    /// The value, which must be a boolean.
    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        match self.eval(scope)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(EvalError::new(format!(
                "`{}` must be true or false and is {}",
                self.source,
                convert::kind(&other)
            ))),
        }
    }
}

/// Whether the detail of an error tells types only, and no values.
fn is_told(detail: &str) -> bool {
    detail.starts_with("tried to use ") || detail.starts_with(super::strict::TOLD)
}

impl Template {
    /// A single `${{ }}` keeps its type; anything else becomes text: numbers and booleans as
    /// written in JSON, lists and objects as JSON, none as nothing. A value that itself has
    /// `${{ }}` in it is text like any other.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        use super::Part;
        if let [Part::Expression(expression, _)] = self.parts.as_slice() {
            return expression.eval(scope);
        }
        let mut text = String::with_capacity(self.source.len());
        for part in &self.parts {
            match part {
                Part::Text(written) => text.push_str(written),
                Part::Expression(expression, _) => convert::print(&mut text, &expression.eval(scope)?),
                Part::Secret(name, _) => {
                    return Err(EvalError::new(format!("the secret {name} cannot be used here")));
                }
            }
            if text.len() > MAX_RESULT_BYTES {
                return Err(EvalError::new(format!(
                    "the text made of {:?} is larger than {MAX_RESULT_BYTES} bytes",
                    super::template::shortened(&self.source)
                )));
            }
        }
        Ok(Value::String(text))
    }
}

impl Tree {
    /// The data with every template evaluated. Uses of secrets are not evaluated but listed;
    /// their place in the data holds `***`.
    pub fn eval(&self, scope: &dyn Scope) -> Result<(Value, Vec<SecretUse>), EvalError> {
        let mut secrets = Vec::new();
        let value = self.eval_at(scope, &mut String::new(), &mut secrets)?;
        Ok((value, secrets))
    }

    fn eval_at(
        &self,
        scope: &dyn Scope,
        pointer: &mut String,
        secrets: &mut Vec<SecretUse>,
    ) -> Result<Value, EvalError> {
        match self {
            Self::Plain(value) => Ok(value.clone()),
            Self::Template(template) => match template.secret_use(scope, pointer)? {
                Some(used) => {
                    secrets.push(used);
                    Ok(Value::String(super::template::HIDDEN.to_owned()))
                }
                None => template.eval(scope),
            },
            Self::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    let length = super::template::descend(pointer, &at.to_string());
                    values.push(item.eval_at(scope, pointer, secrets)?);
                    pointer.truncate(length);
                }
                Ok(Value::Array(values))
            }
            Self::Object(fields) => {
                let mut values = serde_json::Map::with_capacity(fields.len());
                for (name, field) in fields {
                    let length = super::template::descend(pointer, name);
                    values.insert(name.clone(), field.eval_at(scope, pointer, secrets)?);
                    pointer.truncate(length);
                }
                Ok(Value::Object(values))
            }
        }
    }
}
