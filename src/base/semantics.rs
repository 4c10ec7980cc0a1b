//! The number of the evaluation rules that a run follows.
//!
//! Evaluation rules change rarely. A flow version keeps the number that was current when it was deployed, and a run
//! keeps the number of its version, so that neither a replay nor an upgrade changes what a stored run does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The number of the evaluation rules that a flow version and its runs follow.
///
/// 1. Values of any two types have an order; texts are formatted in two ways; the time of day of a timestamp without
///    an offset is ignored.
/// 2. Only two numbers or two texts have an order; `~`, `string`, `join` and `${{ }}` format alike; a timestamp is read
///    exactly or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Semantics(u32);

impl Semantics {
    /// The rules of journals and flow versions that name no number.
    pub const FIRST: Self = Self(1);
    /// The rules that a flow deployed now follows.
    pub const CURRENT: Self = Self(2);

    /// Whether these are the rules of journals and flow versions that name no number.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub fn is_first(&self) -> bool {
        *self == Self::FIRST
    }

    /// Whether this build knows the rules.
    pub fn is_known(self) -> bool {
        (Self::FIRST..=Self::CURRENT).contains(&self)
    }

    /// Whether only two numbers or two texts have an order, and a value has one format in texts.
    pub fn has_strict_values(self) -> bool {
        self >= Self(2)
    }

    /// Whether a timestamp, a day or a number is read exactly or refused.
    pub fn has_exact_times(self) -> bool {
        self >= Self(2)
    }
}

/// The rules of what was stored before there were numbers.
impl Default for Semantics {
    fn default() -> Self {
        Self::FIRST
    }
}

impl std::fmt::Display for Semantics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Semantics;

    #[test]
    fn numbers_without_rules_are_unknown() {
        assert!(Semantics::FIRST.is_known() && Semantics::CURRENT.is_known());
        assert!(!Semantics(0).is_known() && !Semantics(Semantics::CURRENT.0 + 1).is_known());
        assert_eq!(Semantics::default(), Semantics::FIRST);
    }
}
