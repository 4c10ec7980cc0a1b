//! How times and states look in columns, both ways.

use crate::base::Timestamp;
use crate::store::model::{MailState, RunStatus, StoreError};

/// A time as text of one width, so that its order is that of the text, and exact.
pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.9}")
}

pub(super) fn read_time(text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| damaged(format!("{text:?} is not a time")))
}

pub(super) fn run_status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Closing => "closing",
        RunStatus::Ended => "ended",
    }
}

pub(super) fn read_run_status(text: &str) -> Result<RunStatus, StoreError> {
    match text {
        "running" => Ok(RunStatus::Running),
        "closing" => Ok(RunStatus::Closing),
        "ended" => Ok(RunStatus::Ended),
        other => Err(damaged(format!("{other:?} is not a status of a run"))),
    }
}

pub(super) fn mail_state(state: MailState) -> &'static str {
    state.as_str()
}

pub(super) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_ordered_as_their_text_is_and_come_back_exactly() {
        let times = [
            "1969-12-31T23:59:59.999999999Z",
            "2026-11-23T05:00:00Z",
            "2026-11-23T05:00:00.000000001Z",
        ];
        let times: Vec<Timestamp> = times.iter().map(|text| text.parse().unwrap()).collect();
        let mut texts: Vec<String> = times.iter().copied().chain([Timestamp::MAX]).map(time).collect();
        let before = texts.clone();
        texts.sort();
        assert_eq!(texts, before);
        assert!(texts.iter().all(|text| text.len() == 30), "{texts:?}");
        for at in times {
            assert_eq!(read_time(&time(at)), Ok(at));
        }
    }
}
