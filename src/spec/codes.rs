//! The findings about the shape of what an author wrote.

use crate::base::Code;

/// A key that the language does not have there.
pub const UNKNOWN_KEY: Code = Code {
    id: "GF101",
    name: "unknown-key",
};
/// A key that has to be there is not.
pub const MISSING_KEY: Code = Code {
    id: "GF102",
    name: "missing-key",
};
/// A value of the wrong kind, or none of those that are allowed.
pub const WRONG_VALUE: Code = Code {
    id: "GF103",
    name: "wrong-value",
};
/// A step with no verb, or with several.
pub const ONE_VERB: Code = Code {
    id: "GF104",
    name: "one-verb",
};
/// A name that cannot name what it should.
pub const BAD_ID: Code = Code {
    id: "GF105",
    name: "bad-id",
};
/// Two steps with the same id.
pub const DUPLICATE_ID: Code = Code {
    id: "GF106",
    name: "duplicate-id",
};

/// All of them, in order.
pub const ALL: [Code; 6] = [UNKNOWN_KEY, MISSING_KEY, WRONG_VALUE, ONE_VERB, BAD_ID, DUPLICATE_ID];
