//! The expression language: minijinja's expressions, typed, bounded and without side effects.
//!
//! Invariant: evaluation is deterministic. No clock, no randomness, no I/O; fuel and size are bounded.

pub mod check;
mod convert;
pub mod eval;
pub mod functions;
pub mod parse;
mod rewrite;
pub mod shared;
mod strict;
pub mod syntax;
pub mod template;
pub mod texts;
pub mod types;

pub use check::{ExprFinding, TypeScope};
pub use eval::{DataScope, EvalError, Scope, dig};
pub use parse::{ExprError, Expression, Proofs, Reference};
pub use shared::{Found, Rows};
pub use template::{Part, SecretPiece, SecretUse, Template, Tree};
pub use texts::Texts;
pub use types::{Field, Type};

#[cfg(test)]
mod tests;
