//! Codes that are sent by mail to whoever has a link, so that a link that was passed on is not enough.
//!
//! A code is derived from its grant and the moment it was sent (`connect::links`): what is kept says
//! which code is good, and not what it is.

use crate::base::Timestamp;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// For how long a code is good, in minutes.
pub const CODE_MINUTES: i64 = 10;
/// Maximum number of wrong tries from all addresses before the sent codes become invalid. It is
/// higher than the limit of one address, so that somebody who has only the link cannot use up all
/// tries.
pub const MAX_CODE_TRIES: u32 = 20;
/// Maximum number of codes for one grant within an hour. It is higher than the limit of one
/// address.
pub const MAX_CODES_AN_HOUR: usize = 10;
/// Pause between two codes, in seconds: whoever asks twice gets one.
pub const CODE_PAUSE_SECONDS: i64 = 60;

/// The codes of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// When codes were sent, the newest last; of the last hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Timestamp>,
    /// Wrong tries since a code was sent.
    #[serde(default)]
    pub tries: u32,
    /// Whether the newest code was used; only in data of an older build.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_used: bool,
    /// Codes sent at or before this time are invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    void_until: Option<Timestamp>,
}

impl Codes {
    /// The codes after another one was sent at `now`. `None` if no code may be sent, because the
    /// last one is too recent or there were too many within the hour.
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
            void_until: self.void_until(),
        })
    }

    /// When the newest valid code was sent; `None` if no code is valid at `now`.
    pub fn good(&self, now: Timestamp) -> Option<Timestamp> {
        self.all_good(now).last()
    }

    /// When the codes that are valid at `now` were sent, newest last.
    pub fn all_good(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        let void_until = self.void_until();
        let is_young = move |sent: &Timestamp| now.duration_since(*sent) < SignedDuration::from_mins(CODE_MINUTES);
        let is_void = move |sent: &Timestamp| void_until.is_some_and(|until| *sent <= until);
        let sent = self.sent.iter().copied();
        sent.filter(move |sent| is_young(sent) && !is_void(sent))
    }

    fn void_until(&self) -> Option<Timestamp> {
        let newest = self.sent.last().filter(|_| self.is_used);
        self.void_until.max(newest.copied())
    }

    /// The codes after a wrong try.
    #[must_use]
    pub fn after_wrong(mut self) -> Self {
        self.tries = self.tries.saturating_add(1);
        if self.tries >= MAX_CODE_TRIES {
            self.void()
        } else {
            self
        }
    }

    /// The codes after one of them was used, which makes all of them invalid.
    #[must_use]
    pub fn after_right(self) -> Self {
        self.void()
    }

    fn void(mut self) -> Self {
        self.void_until = self.void_until().max(self.sent.last().copied());
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
    fn codes_take_so_many_wrong_tries_and_no_more() {
        let last = (1..MAX_CODE_TRIES).fold(sent(), |codes, _| codes.after_wrong());
        assert_eq!(last.good(at(1)), Some(at(0)));
        let void = last.after_wrong();
        assert_eq!(void.good(at(1)), None);
        let anew = void.sent_anew(at(CODE_PAUSE_SECONDS)).unwrap();
        let good: Vec<Timestamp> = anew.all_good(at(CODE_PAUSE_SECONDS)).collect();
        assert_eq!(good, [at(CODE_PAUSE_SECONDS)], "the one before stays void");
    }

    #[test]
    fn another_code_leaves_those_before_it_good_and_one_that_is_used_ends_them_all() {
        let both = sent().sent_anew(at(CODE_PAUSE_SECONDS)).unwrap();
        let good = |codes: &Codes| codes.all_good(at(CODE_PAUSE_SECONDS)).count();
        assert_eq!(good(&both), 2);
        assert_eq!(good(&both.clone().after_right()), 0);
        let stored = r#"{"sent":["2026-11-23T09:00:00Z"],"tries":1,"is_used":true}"#;
        let before: Codes = serde_json::from_str(stored).unwrap();
        assert_eq!(before.good("2026-11-23T09:00:01Z".parse().unwrap()), None);
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
