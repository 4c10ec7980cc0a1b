//! Codes that are sent by mail to whoever has a link, so that a link that was passed on is not enough.
//!
//! A code is derived from its grant and the moment it was sent (`connect::links`): what is kept says
//! which code is good, and not what it is.

use crate::base::Timestamp;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// For how long a code is good, in minutes.
pub const CODE_MINUTES: i64 = 10;
/// Wrong codes, of all networks together, since the last right one, after which codes of a link are looked at one by one
/// and slowly. More than one network may try.
pub const MAX_CODE_TRIES: u32 = 20;
/// Pause between two codes, in seconds: whoever asks twice gets one.
pub const CODE_PAUSE_SECONDS: i64 = 60;
/// Codes that are sent for one grant within an hour with that pause. More than one address may ask for.
pub const MAX_QUICK_CODES: usize = 6;
/// Pause between two codes after these, in seconds. It is shorter than a code is good, so that there is always one in the
/// mailbox of the rightful user, whoever asked for it.
pub const SLOW_CODE_PAUSE_SECONDS: i64 = 300;

/// The codes of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// When codes were sent, the newest last; of the last hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Timestamp>,
    /// Wrong tries since the last right one.
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
    /// The codes after another one was sent at `now`; `None` where none is to be sent, because the last one is too new.
    pub fn sent_anew(&self, now: Timestamp) -> Option<Self> {
        let is_over = |sent: &Timestamp, seconds: i64| now.duration_since(*sent) >= SignedDuration::from_secs(seconds);
        let mut sent: Vec<Timestamp> = self.sent.iter().filter(|sent| !is_over(sent, 3_600)).copied().collect();
        let pause = if sent.len() < MAX_QUICK_CODES {
            CODE_PAUSE_SECONDS
        } else {
            SLOW_CODE_PAUSE_SECONDS
        };
        if self.sent.last().is_some_and(|sent| !is_over(sent, pause)) {
            return None;
        }
        sent.push(now);
        Some(Self {
            sent,
            tries: self.tries,
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

    /// Whether so many wrong ones were tried that tries take turns from now on.
    pub const fn take_turns(&self) -> bool {
        self.tries >= MAX_CODE_TRIES
    }

    /// The codes after a wrong try.
    #[must_use]
    pub fn after_wrong(mut self) -> Self {
        self.tries = self.tries.saturating_add(1);
        self
    }

    /// The codes after one of them was used, which makes all of them invalid.
    #[must_use]
    pub fn after_right(mut self) -> Self {
        self.tries = 0;
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
    fn codes_take_turns_after_so_many_wrong_ones_and_stay_good() {
        let almost = (1..MAX_CODE_TRIES).fold(sent(), |codes, _| codes.after_wrong());
        assert!(!almost.take_turns());
        let tried = almost.after_wrong();
        assert!(tried.take_turns());
        assert_eq!(tried.good(at(1)), Some(at(0)));
        let anew = tried.sent_anew(at(CODE_PAUSE_SECONDS)).unwrap();
        assert!(anew.take_turns(), "another code is no reason to try faster");
        assert!(!anew.after_right().take_turns());
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
    fn codes_come_fast_at_first_and_then_so_that_there_is_always_a_good_one() {
        assert_eq!(sent().sent_anew(at(CODE_PAUSE_SECONDS - 1)), None);
        let quick = i64::try_from(MAX_QUICK_CODES).unwrap();
        let mut codes = (1..quick).fold(sent(), |codes, number| {
            codes.sent_anew(at(number * CODE_PAUSE_SECONDS)).unwrap()
        });
        let mut last = (quick - 1) * CODE_PAUSE_SECONDS;
        const { assert!(SLOW_CODE_PAUSE_SECONDS < CODE_MINUTES * 60) };
        while last < 3_600 {
            assert_eq!(codes.sent_anew(at(last + SLOW_CODE_PAUSE_SECONDS - 1)), None);
            last += SLOW_CODE_PAUSE_SECONDS;
            assert!(codes.good(at(last)).is_some());
            codes = codes.sent_anew(at(last)).unwrap();
        }
        assert!(codes.sent.len() <= MAX_QUICK_CODES + 12, "{}", codes.sent.len());
        assert!(
            codes.sent_anew(at(last + 3_600)).unwrap().sent.len() == 1,
            "they are forgotten"
        );
    }
}
