//! The findings about tests.

use crate::base::Code;

/// Something came out otherwise than the test says.
pub const NOT_AS_EXPECTED: Code = Code {
    id: "GF801",
    name: "not-as-expected",
};
/// The test names a step, an outcome, a person or an action that there is not.
pub const NOT_IN_THE_FLOW: Code = Code {
    id: "GF802",
    name: "not-in-the-flow",
};
/// A call goes outside, and the test does not say what it gives.
pub const NO_ANSWER_GIVEN: Code = Code {
    id: "GF803",
    name: "no-answer-given",
};
/// The test cannot be played as it is written.
pub const CANNOT_BE_PLAYED: Code = Code {
    id: "GF804",
    name: "cannot-be-played",
};

/// All of them, in order.
pub const ALL: [Code; 4] = [NOT_AS_EXPECTED, NOT_IN_THE_FLOW, NO_ANSWER_GIVEN, CANNOT_BE_PLAYED];
