//! The clock of the installation.
//!
//! Invariants: the returned time never runs backwards, even over a restart. If the system clock
//! jumps ahead of the steady clock (which includes suspend and cannot be set) while the process
//! runs, the jump is ignored until an administrator confirms it or the clocks agree again. Until
//! then the time follows the steady clock, and timers and expiries stand still.

use crate::base::Timestamp;
use jiff::SignedDuration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How far the system clock may get ahead of the steady one, at once or in small steps within [`DRIFT_WINDOW`], before
/// it is not believed.
pub const MAX_JUMP: SignedDuration = SignedDuration::from_hours(1);

/// Steady time over which small steps ahead are added up. A clock that is corrected by the network gains less than a
/// minute in it.
pub const DRIFT_WINDOW: Duration = Duration::from_hours(24);

/// Steady time between two anchors, from which drift is measured.
const ANCHOR_EVERY: Duration = Duration::from_hours(1);

/// How far the system clock may be behind before an administrator is told.
pub const BEHIND_TOLD: SignedDuration = SignedDuration::from_secs(1);

/// The step from the last recorded time to the first time that is given after a restart, where the
/// system clock shows an earlier one: the resolution of the time in a run's id.
const AFTER_RECORDED: SignedDuration = SignedDuration::from_millis(1);

/// Valid years of the system clock.
const YEARS: std::ops::Range<i16> = 1970..9999;

/// An error of reading the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The system clock shows a time before 1970 or after 9998. Later moments cannot be stored in the order of time.
    #[error(
        "the clock of this machine shows a time before {} or after {}, so nothing can be dated: set it right, and start again",
        YEARS.start,
        YEARS.end - 1
    )]
    OutOfRange,
}

/// Tells the time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system clock, compared with a steady clock because somebody may set it.
    Watched(Arc<Watched>),
    /// Tokio's, counted from a moment; tests pause and advance it.
    Tokio {
        /// What time it was.
        origin: Timestamp,
        /// When that was by tokio's clock.
        start: tokio::time::Instant,
    },
    /// It stands still until whoever holds it sets it on: rehearsals do.
    Held(Arc<Mutex<Timestamp>>),
}

/// A reading of both clocks at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The system clock; `None` if it shows an unusable time.
    pub wall: Option<Timestamp>,
    /// The steady clock: time since a fixed moment, including suspend.
    pub steady: Duration,
}

/// A system clock that is compared with a steady clock.
#[derive(Debug)]
pub struct Watched {
    source: Source,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Source {
    System,
    /// Set by a test.
    Set(Arc<Mutex<Reading>>),
}

#[derive(Debug)]
struct State {
    /// The latest time returned, and the steady clock at that moment.
    given: Timestamp,
    steady: Duration,
    standing: ClockStanding,
    /// Whether the last recorded time is known.
    has_begun: bool,
    /// What was given over the last [`DRIFT_WINDOW`], oldest first; never empty once time is given.
    anchors: VecDeque<Anchor>,
}

/// A time that was given, and the steady clock then.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    given: Timestamp,
    steady: Duration,
}

/// How the system clock relates to the returned time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockStanding {
    /// The system clock is used.
    #[default]
    Agrees,
    /// It got ahead, at once or in small steps, or shows no usable time; timers and expiries stand still.
    Ahead {
        /// The returned time when this was noticed.
        since: Timestamp,
        /// How far it was ahead; `None` if it shows an unusable time.
        by: Option<SignedDuration>,
    },
    /// The system clock is behind the returned time, which runs at half speed until the clock has
    /// caught up.
    Behind {
        /// The returned time when this was noticed.
        since: Timestamp,
        /// How far it was behind when this was noticed.
        by: SignedDuration,
    },
}

impl ClockStanding {
    /// Whether timers and expiries stand still.
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Ahead { .. })
    }

    /// A message for the administrator; `None` if the clocks agree.
    pub fn in_words(self) -> Option<String> {
        match self {
            Self::Agrees => None,
            Self::Ahead { since, by } => {
                let jumped = match by {
                    Some(by) => format!("got ahead of the steady clock by {by:#} within a day"),
                    None => "shows no usable time".to_owned(),
                };
                Some(format!(
                    "the system clock {jumped}, which was noticed at {since}, so timers and expiries stand still: set it \
                     right, or confirm its time with `gatefold clock confirm`"
                ))
            }
            Self::Behind { since, by } => Some(format!(
                "the system clock was {by:#} behind the recorded time at {since}, so time runs at half speed until it has \
                 caught up: set it right if it is wrong"
            )),
        }
    }
}

impl Clock {
    /// The system's clock.
    ///
    /// # Errors
    /// If the system clock shows an unusable time.
    pub fn system() -> Result<Self, ClockError> {
        Self::watched(Source::System)
    }

    /// A clock that a test sets.
    ///
    /// # Errors
    /// If the system clock shows an unusable time.
    pub fn set_by(reading: Arc<Mutex<Reading>>) -> Result<Self, ClockError> {
        Self::watched(Source::Set(reading))
    }

    fn watched(source: Source) -> Result<Self, ClockError> {
        let Reading { wall, steady } = source.read();
        let mut state = State {
            given: wall.ok_or(ClockError::OutOfRange)?,
            steady,
            standing: ClockStanding::Agrees,
            has_begun: false,
            anchors: VecDeque::new(),
        };
        state.measure_from_here();
        Ok(Self::Watched(Arc::new(Watched {
            source,
            state: Mutex::new(state),
        })))
    }

    /// Tokio's clock, which shows `origin` now.
    pub fn tokio_from(origin: Timestamp) -> Self {
        Self::Tokio {
            origin,
            start: tokio::time::Instant::now(),
        }
    }

    /// Whether somebody may set it to another time meanwhile, as administrators do with the system's.
    pub const fn may_step(&self) -> bool {
        matches!(self, Self::Watched(_))
    }

    /// The current time; never earlier than a time that was returned before.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Watched(watched) => watched.now(),
            Self::Held(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
            Self::Tokio { origin, start } => {
                let elapsed =
                    jiff::SignedDuration::try_from(start.elapsed()).expect("a process does not live that long");
                origin.checked_add(elapsed).expect("a process does not live that long")
            }
        }
    }

    /// How the system clock relates to the returned time.
    pub fn standing(&self) -> ClockStanding {
        match self {
            Self::Watched(watched) => {
                watched.now();
                watched.lock().standing
            }
            Self::Held(_) | Self::Tokio { .. } => ClockStanding::Agrees,
        }
    }

    /// Continues from the last recorded time if that is later than the system clock. Otherwise the
    /// difference is downtime of the process.
    pub fn begin_after(&self, recorded: Timestamp) {
        if let Self::Watched(watched) = self {
            watched.begin_after(recorded);
        }
    }

    /// Accepts the system clock, as confirmed by an administrator. Returns the new time; `None` if
    /// the clock shows an unusable time or there is nothing to confirm.
    pub fn confirm(&self) -> Option<Timestamp> {
        match self {
            Self::Watched(watched) => watched.confirm(),
            Self::Held(_) | Self::Tokio { .. } => None,
        }
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        let mut state = self.lock();
        let reading = self.source.read();
        let before = state.standing;
        state.go_on(reading);
        if std::mem::discriminant(&before) != std::mem::discriminant(&state.standing) {
            match state.standing.in_words() {
                Some(words) => tracing::error!("{words}"),
                None => tracing::warn!(now = %state.given, "the system clock agrees with the recorded time again"),
            }
        }
        state.given
    }

    fn begin_after(&self, recorded: Timestamp) {
        let mut state = self.lock();
        let shown = state.given;
        if std::mem::replace(&mut state.has_begun, true) && recorded <= shown {
            return;
        }
        if recorded > shown {
            let by = recorded.duration_since(shown);
            // The ids of runs are in order of their milliseconds. An id of this millisecond may have been given.
            state.given = recorded.saturating_add(AFTER_RECORDED).unwrap_or(Timestamp::MAX);
            state.standing = ClockStanding::Behind { since: recorded, by };
            state.measure_from_here();
            let words = state.standing.in_words().unwrap_or_default();
            tracing::error!("{words}");
        } else {
            let down = shown.duration_since(recorded);
            tracing::info!(last_recorded = %recorded, "nothing was recorded for {down:#}; what came due meanwhile is taken up");
        }
    }

    fn confirm(&self) -> Option<Timestamp> {
        let mut state = self.lock();
        let Reading { wall, steady } = self.source.read();
        let wall = wall.filter(|wall| state.standing.is_held() && *wall > state.given)?;
        (state.given, state.steady, state.standing) = (wall, steady, ClockStanding::Agrees);
        state.measure_from_here();
        tracing::warn!(now = %wall, "an administrator has confirmed the time of the system clock");
        Some(wall)
    }
}

impl State {
    /// Advances the time to a new reading of the clocks.
    fn go_on(&mut self, reading: Reading) {
        let elapsed = reading.steady.saturating_sub(self.steady);
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        let expected = self.given.saturating_add(elapsed).unwrap_or(Timestamp::MAX);
        self.steady = reading.steady.max(self.steady);
        self.forget_anchors();
        let reference = self.reference(expected);
        match reading.wall {
            Some(wall) if wall.duration_since(reference) <= MAX_JUMP && wall >= self.given => {
                (self.given, self.standing) = (wall, ClockStanding::Agrees);
            }
            Some(wall) if wall < self.given => {
                let slow = self.given.saturating_add(elapsed / 2).unwrap_or(Timestamp::MAX);
                let by = self.given.duration_since(wall);
                if by >= BEHIND_TOLD && !matches!(self.standing, ClockStanding::Behind { .. }) {
                    self.standing = ClockStanding::Behind { since: slow, by };
                } else if by < BEHIND_TOLD {
                    self.standing = ClockStanding::Agrees;
                }
                self.given = slow;
            }
            wall => {
                if !self.standing.is_held() {
                    let by = wall.map(|wall| wall.duration_since(reference));
                    self.standing = ClockStanding::Ahead { since: expected, by };
                }
                self.given = expected;
            }
        }
        self.add_anchor();
    }

    /// Forgets the drift until now, where a time is given that does not follow from the steady clock.
    fn measure_from_here(&mut self) {
        let (given, steady) = (self.given, self.steady);
        self.anchors = VecDeque::from([Anchor { given, steady }]);
    }

    /// The time from which it is measured how far the system clock is ahead: what the steady clock makes of the last
    /// time that was given, or of the one at the beginning of the window, whichever is earlier.
    fn reference(&self, expected: Timestamp) -> Timestamp {
        let Some(first) = self.anchors.front() else {
            return expected;
        };
        let passed = SignedDuration::try_from(self.steady.saturating_sub(first.steady)).unwrap_or(SignedDuration::MAX);
        let without_drift = first.given.saturating_add(passed).unwrap_or(Timestamp::MAX);
        without_drift.min(expected)
    }

    /// Keeps one anchor for each [`ANCHOR_EVERY`].
    fn add_anchor(&mut self) {
        let (given, steady) = (self.given, self.steady);
        let is_due = |last: &Anchor| steady.saturating_sub(last.steady) >= ANCHOR_EVERY;
        if self.anchors.back().is_none_or(is_due) {
            self.anchors.push_back(Anchor { given, steady });
        }
    }

    /// Keeps of the anchors before the window the newest.
    fn forget_anchors(&mut self) {
        let steady = self.steady;
        let is_before = |anchor: &Anchor| steady.saturating_sub(anchor.steady) >= DRIFT_WINDOW;
        while self.anchors.get(1).is_some_and(is_before) {
            self.anchors.pop_front();
        }
    }
}

impl Source {
    fn read(&self) -> Reading {
        match self {
            Self::Set(reading) => *reading.lock().unwrap_or_else(PoisonError::into_inner),
            Self::System => Reading {
                wall: usable(SystemTime::now()),
                steady: steady(),
            },
        }
    }
}

/// What the system clock shows, for what happens outside of an installation: a new token, the date of a backup.
///
/// # Errors
/// Where it shows no usable time.
pub fn system_time() -> Result<Timestamp, ClockError> {
    usable(SystemTime::now()).ok_or(ClockError::OutOfRange)
}

/// A time of the system clock, where it is one that can be recorded.
fn usable(time: SystemTime) -> Option<Timestamp> {
    let time = Timestamp::try_from(time).ok()?;
    YEARS
        .contains(&time.to_zoned(jiff::tz::TimeZone::UTC).year())
        .then_some(time)
}

/// Time since the machine started, including suspend.
#[cfg(target_os = "linux")]
fn steady() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Time since the first call. Whether it includes suspend depends on the operating system.
#[cfg(not(target_os = "linux"))]
fn steady() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_790_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(START + second).unwrap()
    }

    /// A clock, and a function that sets its wall clock and its steady clock, in seconds.
    fn clock() -> (Clock, impl Fn(i64, u64)) {
        let reading = |wall, steady| Reading {
            wall: Some(at(wall)),
            steady: Duration::from_secs(steady),
        };
        let shown = Arc::new(Mutex::new(reading(0, 0)));
        let clock = Clock::set_by(Arc::clone(&shown)).unwrap();
        (clock, move |wall, steady| {
            *shown.lock().unwrap() = reading(wall, steady);
        })
    }

    #[test]
    fn time_goes_with_the_system_clock_while_that_agrees() {
        let (clock, set) = clock();
        for (wall, steady) in [
            (0, 0),
            (10, 10),
            (10, 12),
            (3_610, 12),
            (90_000, 86_400),
            (93_600, 90_000),
        ] {
            set(wall, steady);
            assert_eq!(
                (clock.now(), clock.standing()),
                (at(wall), ClockStanding::Agrees),
                "{wall}"
            );
        }
    }

    #[test]
    fn a_jump_of_an_hour_is_believed_and_one_second_more_is_not() {
        let (clock, set) = clock();
        let hour = MAX_JUMP.as_secs();
        set(hour + 6, 5);
        assert_eq!(clock.now(), at(5), "it goes on by the steady clock");
        let by = Some(SignedDuration::from_secs(hour + 1));
        let ahead = ClockStanding::Ahead { since: at(5), by };
        assert_eq!(clock.standing(), ahead);
        set(hour + 71, 70);
        assert_eq!((clock.now(), clock.standing()), (at(70), ahead));
        set(hour + 72, 72);
        assert_eq!((clock.now(), clock.standing()), (at(hour + 72), ClockStanding::Agrees));
    }

    #[test]
    fn steps_of_less_than_an_hour_are_added_up_over_a_day() {
        let (clock, set) = clock();
        let (hour, step) = (3_600, 20 * 60);
        // three steps make an hour, and one second more is not believed
        for number in 1..=3 {
            let passed = number * hour;
            set(passed + number * step, passed.unsigned_abs());
            assert_eq!(clock.standing(), ClockStanding::Agrees, "step {number}");
        }
        set(4 * hour + 3 * step + 1, 4 * 3_600);
        let ahead = ClockStanding::Ahead {
            since: at(4 * hour + 3 * step),
            by: Some(SignedDuration::from_secs(hour + 1)),
        };
        assert_eq!(clock.standing(), ahead);
        assert_eq!(clock.now(), at(4 * hour + 3 * step));
        // the first step is more than a day old
        set(26 * hour + 3 * step + 1, 26 * 3_600);
        assert_eq!(clock.now(), at(26 * hour + 3 * step + 1));
        assert_eq!(clock.standing(), ClockStanding::Agrees);
    }

    #[test]
    fn a_clock_that_steps_all_the_time_gains_an_hour_and_is_held() {
        let (clock, set) = clock();
        let days = 10;
        // every ten minutes, it gains five
        for number in 1..=days * 144 {
            set(number * 900, (number * 600).unsigned_abs());
            clock.now();
        }
        let gained = clock.now().duration_since(at(days * 86_400));
        assert!(gained <= MAX_JUMP && gained >= MAX_JUMP / 2, "{gained:#}");
        assert!(clock.standing().is_held());
        let Clock::Watched(watched) = &clock else {
            unreachable!()
        };
        let kept = watched.lock().anchors.len();
        assert!(kept <= 26, "{kept} anchors");
    }

    #[test]
    fn what_the_network_corrects_is_believed_for_ever() {
        let (clock, set) = clock();
        // 500 ppm, the most that NTP slews, and steps of ten seconds back and forth
        for number in 1..=1_000_i64 {
            let wobble = if number % 2 == 0 { 10 } else { 0 };
            set(number * 3_600 + number * 2 + wobble, (number * 3_600).unsigned_abs());
            assert!(!clock.standing().is_held(), "hour {number}");
        }
    }

    #[test]
    fn a_time_that_was_confirmed_is_where_drift_is_measured_from() {
        let (clock, set) = clock();
        set(1_000_000, 1);
        assert!(clock.standing().is_held());
        clock.confirm();
        set(1_000_000 + MAX_JUMP.as_secs() + 1, 2);
        assert_eq!(clock.standing(), ClockStanding::Agrees);
        clock.begin_after(at(2_000_000));
        set(2_000_000 + MAX_JUMP.as_secs() + 1, 3);
        assert!(!clock.standing().is_held(), "an hour ahead of what was recorded");
    }

    #[test]
    fn a_jump_counts_once_it_is_confirmed() {
        let (clock, set) = clock();
        assert_eq!(clock.confirm(), None, "there is nothing to confirm");
        set(1_000_000, 1);
        assert!(clock.standing().is_held());
        assert_eq!(clock.confirm(), Some(at(1_000_000)));
        assert_eq!((clock.now(), clock.standing()), (at(1_000_000), ClockStanding::Agrees));
    }

    #[test]
    fn a_clock_that_is_set_right_again_is_believed() {
        let (clock, set) = clock();
        set(1_000_000, 1);
        assert_eq!(clock.now(), at(1));
        set(3, 3);
        assert_eq!((clock.now(), clock.standing()), (at(3), ClockStanding::Agrees));
    }

    #[test]
    fn time_suspended_is_no_jump() {
        let (clock, set) = clock();
        set(1_000_000, 1_000_000);
        assert_eq!((clock.now(), clock.standing()), (at(1_000_000), ClockStanding::Agrees));
    }

    #[test]
    fn time_never_runs_backwards_and_goes_on_slowly_until_the_clock_has_caught_up() {
        let (clock, set) = clock();
        set(100, 100);
        assert_eq!(clock.now(), at(100));
        set(40, 100);
        assert_eq!(clock.now(), at(100));
        let by = SignedDuration::from_secs(60);
        assert_eq!(clock.standing(), ClockStanding::Behind { since: at(100), by });
        set(70, 130);
        assert_eq!(clock.now(), at(115));
        set(100, 160);
        assert_eq!(clock.now(), at(130));
        set(160, 220);
        assert_eq!((clock.now(), clock.standing()), (at(160), ClockStanding::Agrees));
    }

    #[test]
    fn a_start_goes_on_from_what_was_recorded_last() {
        let (clock, set) = clock();
        clock.begin_after(at(-50));
        assert_eq!(
            (clock.now(), clock.standing()),
            (at(0), ClockStanding::Agrees),
            "it was down"
        );
        clock.begin_after(at(1_000));
        assert_eq!(clock.now(), at(1_000) + AFTER_RECORDED);
        set(10, 10);
        assert_eq!(clock.now(), at(1_005) + AFTER_RECORDED);
        assert!(!clock.standing().is_held());
    }

    #[test]
    fn a_clock_that_shows_no_usable_time_is_refused_at_the_start_and_not_believed_later() {
        let year = |year: i16| {
            let date = jiff::civil::date(year, 1, 1).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
            usable(SystemTime::from(date.timestamp())).is_some()
        };
        assert_eq!([1969, 1970, 9998, 9999].map(year), [false, true, true, false]);
        assert_eq!(usable(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)), None);
        let unusable = Reading {
            wall: None,
            steady: Duration::ZERO,
        };
        let refused = Clock::set_by(Arc::new(Mutex::new(unusable)));
        assert!(matches!(refused, Err(ClockError::OutOfRange)));
        let shown = Arc::new(Mutex::new(Reading {
            wall: Some(at(0)),
            ..unusable
        }));
        let clock = Clock::set_by(Arc::clone(&shown)).unwrap();
        *shown.lock().unwrap() = Reading {
            wall: None,
            steady: Duration::from_secs(7),
        };
        assert_eq!(clock.now(), at(7));
        assert!(clock.standing().is_held());
        assert_eq!(clock.confirm(), None);
    }
}
