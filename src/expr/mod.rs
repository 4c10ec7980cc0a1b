//! The expression language: minijinja's expressions, typed, bounded and without side effects.
//!
//! Invariant: evaluation is deterministic. No clock, no randomness, no I/O; fuel and size are bounded.

pub mod check;
pub mod eval;
pub mod parse;
pub mod template;
pub mod types;

pub use check::{ExprFinding, TypeScope};
pub use eval::{EvalError, Scope};
pub use parse::{ExprError, Expression, Reference};
pub use template::{Part, SecretUse, Template, Tree};
pub use types::{Field, Type};
