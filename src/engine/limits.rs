//! What one run may not exceed. Each has a test at the limit and one past it.

use crate::base::Value;
use crate::plan::{Plan, Retry};

/// Events in a run's journal while it runs. A run that reaches this closes as `too_long`;
/// releasing and `always` steps still happen.
pub const MAX_EVENTS: u64 = 50_000;
/// The same for a run of a flow with an `each`, which may have 10,000 elements: fifty events for each
/// of them.
pub const MAX_EVENTS_WITH_EACH: u64 = 500_000;
/// What the outputs of the elements of one `each` may take, as compact JSON. An element whose outputs
/// no longer fit ends as `too_large` without any.
pub const MAX_RESULTS_BYTES: usize = 8 << 20;
/// Events kept for waits that are not open yet. A further one takes the place of another, which the
/// journal names.
pub const MAX_KEPT_EVENTS: usize = 1_000;
/// Size of one input or output, as compact JSON.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;
/// Things done about one task beside answering it: taken, given back, passed on.
pub const MAX_TASK_ACTS: usize = 500;
/// Times that people may have one step done again.
pub const MAX_REDONE: u32 = 10;
/// Remarks about one task.
pub const MAX_REMARKS: usize = 100;
/// Characters of one remark.
pub const MAX_REMARK_CHARS: usize = 4_000;
/// Size of what one person fills in, as compact JSON.
pub const MAX_FORM_BYTES: usize = 16 << 10;
/// Size of all values of a run together, as compact JSON.
pub const MAX_VALUES_BYTES: usize = 64 << 10;
/// Times that one way back may be taken, whatever the flow says.
pub const MAX_ROUNDS: u32 = 1_000;
/// Characters kept of an error's text.
pub const MAX_ERROR_CHARS: usize = 2_000;

/// How releasing a thing is tried again.
pub const RELEASE_RETRY: Retry = Retry {
    attempts: 5,
    backoff_ms: 1_000,
    factor: 4.0,
    max_ms: 600_000,
};

/// Events that a run of `plan` may have.
pub(super) const fn max_events(plan: &Plan) -> u64 {
    if plan.eaches.is_empty() {
        MAX_EVENTS
    } else {
        MAX_EVENTS_WITH_EACH
    }
}

/// Size of `value` as compact JSON, in bytes.
pub(super) fn payload_bytes(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("a value can be written and counting does not fail");
    count.0
}

/// `text`, cut where it is too long to keep.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_ERROR_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_size_is_that_of_compact_json() {
        for value in [json!(null), json!("ä\"\n"), json!({"a": [1, 2.5, true], "b": {}})] {
            assert_eq!(payload_bytes(&value), value.to_string().len());
        }
    }

    #[test]
    fn an_error_is_cut_one_past_the_limit() {
        let at = "ä".repeat(MAX_ERROR_CHARS);
        assert_eq!(shorten(&at), at);
        assert_eq!(shorten(&format!("{at}b")), format!("{at}…"));
    }
}
