//! The findings that are raised while text is read, before anybody asks what it means.

use super::Code;

/// The text is no YAML, or no text at all.
pub const YAML_SYNTAX: Code = Code {
    id: "GF001",
    name: "yaml-syntax",
};
/// A map has the same key twice.
pub const DUPLICATE_KEY: Code = Code {
    id: "GF002",
    name: "duplicate-key",
};
/// A part of YAML that flows do without: tags, merge keys, a second document, keys that are no text.
pub const FORBIDDEN_YAML: Code = Code {
    id: "GF003",
    name: "forbidden-yaml",
};
/// A word or number without quotes that other YAML versions read differently.
pub const AMBIGUOUS_SCALAR: Code = Code {
    id: "GF004",
    name: "ambiguous-scalar",
};
/// Anchors and aliases beyond their small budget, or one that contains itself.
pub const ALIAS_BUDGET: Code = Code {
    id: "GF005",
    name: "alias-budget",
};
/// The file is too large or nested too deep.
pub const TOO_LARGE_OR_DEEP: Code = Code {
    id: "GF006",
    name: "too-large-or-deep",
};
/// A calendar file that no working time can be computed from.
pub const BAD_CALENDAR: Code = Code {
    id: "GF007",
    name: "bad-calendar",
};

/// All of them, in order.
pub const ALL: [Code; 7] = [
    YAML_SYNTAX,
    DUPLICATE_KEY,
    FORBIDDEN_YAML,
    AMBIGUOUS_SCALAR,
    ALIAS_BUDGET,
    TOO_LARGE_OR_DEEP,
    BAD_CALENDAR,
];
