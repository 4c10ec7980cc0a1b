//! Codes that are sent by mail to whoever has a link, so that a link that was passed on is not enough.
//!
//! A code is derived from its grant and the moment it was sent (`connect::links`): what is kept says
//! which code is good, and not what it is.

use crate::base::Timestamp;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// For how long a code is good, in minutes.
pub const CODE_MINUTES: i64 = 10;
/// Wrong tries after which a code is good no longer.
pub const MAX_CODE_TRIES: u32 = 5;
/// Codes that are sent for one grant within an hour.
pub const MAX_CODES_AN_HOUR: usize = 5;
/// Pause between two codes, in seconds: whoever asks twice gets one.
pub const CODE_PAUSE_SECONDS: i64 = 60;

/// The codes of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// When codes were sent, the newest last; of the last hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Timestamp>,
    /// Wrong tries at the newest one.
    #[serde(default)]
    pub tries: u32,
    /// Whether the newest one was used.
    #[serde(default)]
    pub is_used: bool,
}

impl Codes {
    /// The codes after another one was sent at `now`, the only one that is good then; `None` where
    /// none is to be sent: the last one is too new, or there were too many within the hour.
    pub fn sent_anew(&self, now: Timestamp) -> Option<Self> {
        let is_over = |sent: &Timestamp, seconds: i64| now.duration_since(*sent) >= SignedDuration::from_secs(seconds);
        if self.sent.last().is_some_and(|sent| !is_over(sent, CODE_PAUSE_SECONDS)) {
            return None;
        }
        let mut sent: Vec<Timestamp> = self.sent.iter().filter(|sent| !is_over(sent, 3_600)).copied().collect();
        if sent.len() >= MAX_CODES_AN_HOUR {
            return None;
        }
        sent.push(now);
        Some(Self {
            sent,
            tries: 0,
            is_used: false,
        })
    }

    /// When the code was sent that is good at `now`, if one is.
    pub fn good(&self, now: Timestamp) -> Option<Timestamp> {
        let sent = *self.sent.last()?;
        let is_young = now.duration_since(sent) < SignedDuration::from_mins(CODE_MINUTES);
        (is_young && !self.is_used && self.tries < MAX_CODE_TRIES).then_some(sent)
    }

    /// The codes after a wrong try.
    #[must_use]
    pub fn after_wrong(mut self) -> Self {
        self.tries = self.tries.saturating_add(1);
        self
    }

    /// The codes after the newest one was used: it is good no longer.
    #[must_use]
    pub fn after_right(mut self) -> Self {
        self.is_used = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::testing::at;

    fn sent() -> Codes {
        Codes::default().sent_anew(at(0)).unwrap()
    }

    #[test]
    fn a_code_is_good_for_ten_minutes_and_once() {
        assert_eq!(Codes::default().good(at(0)), None);
        assert_eq!(sent().good(at(0)), Some(at(0)));
        assert_eq!(sent().good(at(CODE_MINUTES * 60 - 1)), Some(at(0)));
        assert_eq!(sent().good(at(CODE_MINUTES * 60)), None);
        assert_eq!(sent().after_right().good(at(1)), None);
    }

    #[test]
    fn a_code_takes_so_many_wrong_tries_and_no_more() {
        let last = (1..MAX_CODE_TRIES).fold(sent(), |codes, _| codes.after_wrong());
        assert_eq!(last.good(at(1)), Some(at(0)));
        assert_eq!(last.clone().after_wrong().good(at(1)), None);
        let anew = last.after_wrong().sent_anew(at(CODE_PAUSE_SECONDS)).unwrap();
        assert_eq!(anew.good(at(CODE_PAUSE_SECONDS)), Some(at(CODE_PAUSE_SECONDS)));
    }

    #[test]
    fn so_many_codes_are_sent_within_an_hour_and_not_all_at_once() {
        assert_eq!(sent().sent_anew(at(CODE_PAUSE_SECONDS - 1)), None);
        let step = i64::try_from(MAX_CODES_AN_HOUR).unwrap();
        let full = (1..step).fold(sent(), |codes, number| {
            codes.sent_anew(at(number * CODE_PAUSE_SECONDS)).unwrap()
        });
        assert_eq!(full.sent.len(), MAX_CODES_AN_HOUR);
        assert_eq!(full.sent_anew(at(step * CODE_PAUSE_SECONDS)), None);
        assert_eq!(full.sent_anew(at(3_599)), None);
        let next = full.sent_anew(at(3_600)).unwrap();
        assert_eq!(next.sent.len(), MAX_CODES_AN_HOUR, "the first is forgotten");
        assert_eq!(next.good(at(3_600)), Some(at(3_600)));
    }
}
