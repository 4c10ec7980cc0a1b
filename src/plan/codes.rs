//! What can be wrong with names, expressions, durations and order.

use crate::base::Code;

/// A text is no expression.
pub const EXPRESSION_SYNTAX: Code = Code {
    id: "GF201",
    name: "expression-syntax",
};
/// `after`, `back_to` or `exclude` names a step that is not there.
pub const UNKNOWN_STEP: Code = Code {
    id: "GF203",
    name: "unknown-step",
};
/// A bare expression is written with `${{ }}`.
pub const CONDITION_IN_BRACES: Code = Code {
    id: "GF209",
    name: "condition-in-braces",
};
/// Steps wait for each other.
pub const CYCLE: Code = Code {
    id: "GF302",
    name: "cycle",
};
/// A step has no such outcome.
pub const UNKNOWN_OUTCOME: Code = Code {
    id: "GF305",
    name: "unknown-outcome",
};
/// A way back has no bound that leaves room for a second round.
pub const UNBOUNDED_BACK_TO: Code = Code {
    id: "GF306",
    name: "unbounded-back-to",
};
/// A deadline stands at a step that does not wait for anybody.
pub const DEADLINE_OUT_OF_PLACE: Code = Code {
    id: "GF308",
    name: "deadline-out-of-place",
};
/// A text is no length of time.
pub const BAD_DURATION: Code = Code {
    id: "GF403",
    name: "bad-duration",
};
/// Working time is counted without a calendar, or the calendar is not there.
pub const CALENDAR_MISSING: Code = Code {
    id: "GF404",
    name: "calendar-missing",
};
/// A recurring moment cannot be read, never comes, or has no zone.
pub const BAD_SCHEDULE: Code = Code {
    id: "GF405",
    name: "bad-schedule",
};
/// The end of a flow starts the same flow.
pub const STARTS_ITSELF: Code = Code {
    id: "GF309",
    name: "starts-itself",
};
