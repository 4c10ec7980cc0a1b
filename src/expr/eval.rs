//! Bounded evaluation.

use super::{Expression, Template, Tree, template::SecretUse};
use crate::base::Value;

/// What names mean during one evaluation: `inputs`, `steps`, `run`, `event` … The values are
/// looked up one by one, so a large run costs no more than what an expression reads.
pub trait Scope: Send + Sync {
    /// The value that the dotted `path` begins with, as far as this scope knows it: the name at
    /// the root (`inputs`), then what it holds. `None` where there is no such name or value.
    fn get(&self, path: &[&str]) -> Option<Value>;
}

/// Why an evaluation gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// What was missing or wrong, naming the expression, never showing values.
    pub message: String,
}

impl Expression {
    /// The value. A missing value is an error unless the expression has something to fall back on.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let _ = scope;
        todo!()
    }

    /// The value, which must be a boolean.
    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        let _ = scope;
        todo!()
    }
}

impl Template {
    /// A single `${{ }}` keeps its type; anything else becomes text.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let _ = scope;
        todo!()
    }
}

impl Tree {
    /// The data with every template evaluated. Uses of secrets are not evaluated but listed;
    /// their place in the data holds `***`.
    pub fn eval(&self, scope: &dyn Scope) -> Result<(Value, Vec<SecretUse>), EvalError> {
        let _ = scope;
        todo!()
    }
}
