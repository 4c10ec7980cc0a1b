//! Working time: hours, week, holidays, zone.
//!
//! What a period means, part by part and in this order:
//!
//! 1. *Months and days* keep the clock time in the calendar's zone (UTC without a calendar). A day
//!    that a month lacks becomes its last day; a clock time that the zone skips moves forward.
//! 2. *N business days* lead to the Nth working day after the day of the start, whether that day
//!    is a working day or not, at the same clock time. A clock time before opening becomes opening,
//!    one after closing becomes closing, and one in a break becomes the end of the break.
//! 3. *Business minutes* run only while somebody works; from outside working hours they start at
//!    the next opening. What ends with the working day ends at closing, not at the next opening.
//! 4. *Seconds* run always.
//!
//! [`before`] is the mirror image. No business time at all leaves the moment where it is.
//!
//! Invariant: every walk is bounded, whatever the calendar says.

use super::{Diagnostic, Document, Period, Timestamp, codes, zone};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most days that a walk over a calendar looks at: about a hundred and nine years.
pub const MAX_WALK_DAYS: u32 = 40_000;
/// Most stretches of working hours in a day.
pub const MAX_STRETCHES: usize = 24;
/// Most holidays in a calendar.
pub const MAX_HOLIDAYS: usize = 5_000;

const KEYS: [&str; 4] = ["zone", "hours", "week", "holidays"];
const HELP: &str = "a calendar has `zone: Europe/Madrid`, `hours: [09:00-17:00]`, `week: [mon, tue, wed, thu, fri]` \
    and, where there are any, `holidays: [2026-12-25]`";
const MINUTES_OF_DAY: u16 = 1_440;
const WEEK: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Working time of an organisation. Read from `calendars/NAME.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// IANA name of the zone, as `Europe/Madrid`.
    pub zone: String,
    /// Working hours of a working day, as `09:00-17:00`; several stretches are allowed.
    pub hours: Vec<String>,
    /// Working days of the week: `mon` … `sun`.
    pub week: Vec<String>,
    /// Days on which nobody works, as `2026-12-25`.
    #[serde(default)]
    pub holidays: Vec<jiff::civil::Date>,
}

/// The calendars that flows may name.
pub type Calendars = BTreeMap<String, Calendar>;

/// Why a moment cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CalendarError(pub String);

/// The moment `period` after `start`. Business parts need `calendar`; calendar days are counted
/// in the calendar's zone, or in UTC without one.
///
/// # Errors
/// Where a calendar is needed and missing, where it has no working time, and where the moment
/// lies beyond what can be counted.
pub fn after(start: Timestamp, period: &Period, calendar: Option<&Calendar>) -> Result<Timestamp, CalendarError> {
    walk(start, period, calendar, Direction::Forward)
}

/// The moment `period` before `end`, by the same rules.
///
/// # Errors
/// As [`after`].
pub fn before(end: Timestamp, period: &Period, calendar: Option<&Calendar>) -> Result<Timestamp, CalendarError> {
    walk(end, period, calendar, Direction::Backward)
}

impl Calendar {
    /// Reads a calendar file. Returns it only where working time can be computed from it.
    pub fn from_document(document: &Document) -> (Option<Self>, Vec<Diagnostic>) {
        let mut problems = unknown_keys(document);
        let has_unknown = !problems.is_empty();
        let finding = |pointer: &str, message: String| {
            Diagnostic::error(codes::BAD_CALENDAR, message, document.spans.value(pointer)).with_help(HELP)
        };
        if !document.value.is_object() {
            // A file that is not read at all has a finding of its own.
            let is_unread = !document.unread.is_empty() && document.value.is_null();
            let found = if document.value.is_null() {
                "nothing is in it"
            } else {
                "it is no map of keys"
            };
            problems.extend((!is_unread).then(|| finding("", format!("this is no calendar: {found}"))));
            return (None, problems);
        }
        let mut readable = document.value.clone();
        if let Some(keys) = readable.as_object_mut() {
            keys.retain(|key, _| KEYS.contains(&key.as_str()));
        }
        for (index, day) in unreadable_holidays(&mut readable).into_iter().rev() {
            problems.push(finding(
                &format!("/holidays/{index}"),
                format!("`{day}` is no day: write it as `2026-12-25`"),
            ));
        }
        match serde_path_to_error::deserialize::<_, Self>(&readable) {
            Ok(calendar) => {
                let more = calendar.problems().into_iter();
                problems.extend(more.map(|(pointer, problem)| finding(&pointer, problem)));
                (problems.is_empty().then_some(calendar), problems)
            }
            // A key that is missing is there under another name.
            Err(_) if has_unknown => (None, problems),
            Err(error) => {
                let message = format!("this is no calendar: {}", error.inner());
                problems.push(finding(&pointer_of(error.path()), message));
                (None, problems)
            }
        }
    }

    /// The holidays after the day of `start`, up to the day of `end`, on which people would work otherwise, in order.
    pub fn holidays_between(&self, start: Timestamp, end: Timestamp) -> Vec<Date> {
        let Ok(working) = Working::of(self) else {
            return Vec::new();
        };
        let day = |moment: Timestamp| moment.to_zoned(working.zone.clone()).date();
        let (first, last) = (day(start), day(end));
        let days = working.holidays.iter().copied();
        days.filter(|date| *date > first && *date <= last && working.is_of_week(*date))
            .collect()
    }

    /// Everything that keeps working time from being computed, a sentence each.
    pub fn check(&self) -> Vec<String> {
        self.problems().into_iter().map(|(_, problem)| problem).collect()
    }

    /// The same with the JSON pointer of what is wrong.
    fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut say = |pointer: &str, problem: String| problems.push((pointer.to_owned(), problem));
        if let Err(why) = zone::named(&self.zone) {
            say("/zone", why);
        }
        if self.hours.is_empty() || self.hours.len() > MAX_STRETCHES {
            say(
                "/hours",
                format!("`hours` must hold 1 to {MAX_STRETCHES} stretches, as `09:00-17:00`"),
            );
        }
        if self.week.is_empty() {
            say(
                "/week",
                "`week` must name at least one working day: mon, tue, wed, thu, fri, sat or sun".to_owned(),
            );
        }
        if self.holidays.len() > MAX_HOLIDAYS {
            say("/holidays", format!("`holidays` must hold at most {MAX_HOLIDAYS} days"));
        }
        for (index, day) in self.week.iter().enumerate() {
            if weekday(day).is_none() {
                let text = format!("`{day}` is no day of the week: write mon, tue, wed, thu, fri, sat or sun");
                say(&format!("/week/{index}"), text);
            }
        }
        let mut closed_at = 0;
        for (index, hours) in self.hours.iter().enumerate() {
            let pointer = format!("/hours/{index}");
            match stretch(hours) {
                None => say(
                    &pointer,
                    format!("`{hours}` are no working hours: write them as `09:00-17:00`, at most to 24:00"),
                ),
                Some((open, _)) if open < closed_at => {
                    say(&pointer, format!("`{hours}` begins before the stretch above it ends"));
                }
                Some((_, close)) => closed_at = close,
            }
        }
        problems
    }
}

/// A finding for each key that a calendar does not have.
fn unknown_keys(document: &Document) -> Vec<Diagnostic> {
    let keys = document.value.as_object().into_iter().flat_map(|map| map.keys());
    let unknown = keys.filter(|key| !KEYS.contains(&key.as_str())).map(|key| {
        let span = document.spans.key(&format!("/{}", super::source::escape(key)));
        let finding = Diagnostic::error(codes::BAD_CALENDAR, format!("a calendar has no key `{key}`"), span);
        match super::diagnostic::nearest(key, KEYS) {
            Some(near) => finding
                .with_label(format!("did you mean `{near}`?"))
                .with_fix(span, near),
            None => finding.with_help(HELP),
        }
    });
    unknown.collect()
}

/// Takes out of `holidays` what is a text and no day, the last first, with its place.
fn unreadable_holidays(calendar: &mut super::Value) -> Vec<(usize, String)> {
    let mut unreadable = Vec::new();
    if let Some(days) = calendar.get_mut("holidays").and_then(super::Value::as_array_mut) {
        for index in (0..days.len()).rev() {
            let day = days[index].as_str().filter(|day| day.parse::<Date>().is_err());
            if let Some(day) = day.map(str::to_owned) {
                days.remove(index);
                unreadable.push((index, day));
            }
        }
    }
    unreadable
}

/// `/a/0/b` from serde's path.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", super::source::escape(key)),
        _ => pointer,
    })
}

fn weekday(word: &str) -> Option<Weekday> {
    WEEK.iter().find(|(name, _)| *name == word).map(|(_, day)| *day)
}

/// `09:00-17:00` as minutes of the day.
fn stretch(text: &str) -> Option<(u16, u16)> {
    let (open, close) = text.split_once('-')?;
    let (open, close) = (minute(open.trim())?, minute(close.trim())?);
    (open < close).then_some((open, close))
}

/// `09:00` as a minute of the day; `24:00` is the last one.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if hour.is_empty() || hour.len() > 2 || minute.len() != 2 || !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_OF_DAY).then_some(total)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

fn beyond() -> CalendarError {
    CalendarError("the moment is further away than can be counted".to_owned())
}

fn walk(
    from: Timestamp,
    period: &Period,
    calendar: Option<&Calendar>,
    direction: Direction,
) -> Result<Timestamp, CalendarError> {
    let working = calendar.map(Working::of).transpose()?;
    let zone = working.as_ref().map_or(TimeZone::UTC, |working| working.zone.clone());
    let mut moment = shift_date(from, period, &zone, direction)?;
    if period.needs_calendar() {
        let Some(working) = &working else {
            return Err(CalendarError(format!(
                "`{period}` needs a calendar: name one with `calendar:` at the top of the flow"
            )));
        };
        if period.business_days > 0 {
            moment = working.shift_days(moment, period.business_days, direction)?;
        }
        if period.business_minutes > 0 {
            moment = working.shift_minutes(moment, period.business_minutes, direction)?;
        }
    }
    let seconds = i64::try_from(period.seconds).map_err(|_| beyond())?;
    let elapsed = SignedDuration::from_secs(seconds);
    match direction {
        Direction::Forward => moment.checked_add(elapsed),
        Direction::Backward => moment.checked_sub(elapsed),
    }
    .map_err(|_| beyond())
}

/// Months and days, keeping the clock time of the zone.
fn shift_date(
    from: Timestamp,
    period: &Period,
    zone: &TimeZone,
    direction: Direction,
) -> Result<Timestamp, CalendarError> {
    if period.months == 0 && period.days == 0 {
        return Ok(from);
    }
    let span = jiff::Span::new()
        .try_months(period.months)
        .and_then(|span| span.try_days(period.days))
        .map_err(|_| beyond())?;
    let start = from.to_zoned(zone.clone());
    let end = match direction {
        Direction::Forward => start.checked_add(span),
        Direction::Backward => start.checked_sub(span),
    };
    Ok(end.map_err(|_| beyond())?.timestamp())
}

/// A calendar made ready for counting.
struct Working {
    zone: TimeZone,
    stretches: Vec<(u16, u16)>,
    week: [bool; 7],
    holidays: BTreeSet<Date>,
}

impl Working {
    fn of(calendar: &Calendar) -> Result<Self, CalendarError> {
        if let Some(problem) = calendar.check().into_iter().next() {
            return Err(CalendarError(problem));
        }
        let mut week = [false; 7];
        for day in calendar.week.iter().filter_map(|word| weekday(word)) {
            week[usize::from(day.to_monday_zero_offset().unsigned_abs())] = true;
        }
        Ok(Self {
            zone: TimeZone::get(&calendar.zone).map_err(|error| CalendarError(error.to_string()))?,
            stretches: calendar.hours.iter().filter_map(|text| stretch(text)).collect(),
            week,
            holidays: calendar.holidays.iter().copied().collect(),
        })
    }

    fn works_on(&self, date: Date) -> bool {
        self.is_of_week(date) && !self.holidays.contains(&date)
    }

    fn is_of_week(&self, date: Date) -> bool {
        self.week[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())]
    }

    fn shift_days(&self, from: Timestamp, count: u32, direction: Direction) -> Result<Timestamp, CalendarError> {
        let local = from.to_zoned(self.zone.clone()).datetime();
        let mut date = local.date();
        let mut left = count;
        for _ in 0..MAX_WALK_DAYS {
            date = next_date(date, direction)?;
            if self.works_on(date) {
                left -= 1;
            }
            if left == 0 {
                return self.clamped(date, local);
            }
        }
        Err(beyond())
    }

    /// The clock time of `local` on `date`, moved into working hours.
    fn clamped(&self, date: Date, local: DateTime) -> Result<Timestamp, CalendarError> {
        let midnight = local.date().to_datetime(jiff::civil::Time::midnight());
        let into_day = local.duration_since(midnight);
        let at = |minute: u16| SignedDuration::from_mins(i64::from(minute));
        for (open, close) in &self.stretches {
            if into_day < at(*open) {
                return self.instant(date, *open);
            }
            if into_day <= at(*close) {
                return self.resolve(date.to_datetime(local.time()));
            }
        }
        let close = self.stretches.last().map_or(MINUTES_OF_DAY, |(_, close)| *close);
        self.instant(date, close)
    }

    fn shift_minutes(&self, from: Timestamp, count: u32, direction: Direction) -> Result<Timestamp, CalendarError> {
        let mut date = from.to_zoned(self.zone.clone()).date();
        let mut left = SignedDuration::from_mins(i64::from(count));
        for _ in 0..MAX_WALK_DAYS {
            if self.works_on(date) {
                match self.take(date, from, left, direction)? {
                    Taken::Done(moment) => return Ok(moment),
                    Taken::Left(rest) => left = rest,
                }
            }
            date = next_date(date, direction)?;
        }
        Err(beyond())
    }

    /// Takes what one day has to offer beyond `from`.
    fn take(
        &self,
        date: Date,
        from: Timestamp,
        mut left: SignedDuration,
        direction: Direction,
    ) -> Result<Taken, CalendarError> {
        for index in 0..self.stretches.len() {
            let index = match direction {
                Direction::Forward => index,
                Direction::Backward => self.stretches.len() - 1 - index,
            };
            let (open, close) = self.stretches[index];
            let (mut open, mut close) = (self.instant(date, open)?, self.instant(date, close)?);
            match direction {
                Direction::Forward => open = open.max(from),
                Direction::Backward => close = close.min(from),
            }
            let length = close.duration_since(open);
            if length <= SignedDuration::ZERO {
                continue;
            }
            if left <= length {
                let end = match direction {
                    Direction::Forward => open.checked_add(left),
                    Direction::Backward => close.checked_sub(left),
                };
                return end.map(Taken::Done).map_err(|_| beyond());
            }
            left -= length;
        }
        Ok(Taken::Left(left))
    }

    /// The instant of a minute of a day; the minute past the last is the next midnight.
    fn instant(&self, date: Date, minute: u16) -> Result<Timestamp, CalendarError> {
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        let local = midnight
            .checked_add(i64::from(minute).minutes())
            .map_err(|_| beyond())?;
        self.resolve(local)
    }

    fn resolve(&self, local: DateTime) -> Result<Timestamp, CalendarError> {
        let zoned = local.to_zoned(self.zone.clone()).map_err(|_| beyond())?;
        Ok(zoned.timestamp())
    }
}

enum Taken {
    Done(Timestamp),
    Left(SignedDuration),
}

fn next_date(date: Date, direction: Direction) -> Result<Date, CalendarError> {
    match direction {
        Direction::Forward => date.tomorrow(),
        Direction::Backward => date.yesterday(),
    }
    .map_err(|_| beyond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn madrid() -> Calendar {
        Calendar {
            zone: "Europe/Madrid".into(),
            hours: vec!["09:00-13:00".into(), "14:00-18:00".into()],
            week: ["mon", "tue", "wed", "thu", "fri"].map(String::from).to_vec(),
            holidays: vec![jiff::civil::date(2026, 12, 25)],
        }
    }

    /// A clock time in Madrid.
    fn at(text: &str) -> Timestamp {
        let local: DateTime = text.parse().expect("a date and a clock time");
        local.in_tz("Europe/Madrid").expect("a zone").timestamp()
    }

    fn forward(start: &str, period: &str) -> Timestamp {
        after(at(start), &Period::parse(period).expect("a period"), Some(&madrid())).expect("a moment")
    }

    fn backward(end: &str, period: &str) -> Timestamp {
        before(at(end), &Period::parse(period).expect("a period"), Some(&madrid())).expect("a moment")
    }

    #[test]
    fn holidays_on_the_way_are_those_on_which_people_would_work() {
        let day = |month, day| jiff::civil::date(2026, month, day);
        let mut calendar = madrid();
        // a Saturday, a Sunday and two working days
        calendar.holidays = vec![day(12, 26), day(12, 27), day(12, 25), day(12, 8)];
        let between = |start, end| calendar.holidays_between(at(start), at(end));
        assert_eq!(
            between("2026-12-07T10:00", "2026-12-28T10:00"),
            [day(12, 8), day(12, 25)]
        );
        assert_eq!(between("2026-12-08T10:00", "2026-12-24T10:00"), []);
        assert_eq!(between("2026-12-08T10:00", "2026-12-25T10:00"), [day(12, 25)]);
    }

    // 2026-11-23 is a Monday.
    #[test]
    fn a_business_day_is_one_working_day() {
        let cases = [
            ("2026-11-23T10:00", "1 business day", "2026-11-24T10:00"),
            ("2026-11-27T10:00", "1 business day", "2026-11-30T10:00"),
            ("2026-11-27T22:00", "1 business day", "2026-11-30T18:00"),
            ("2026-11-27T06:00", "1 business day", "2026-11-30T09:00"),
            ("2026-11-27T13:30", "1 business day", "2026-11-30T14:00"),
            ("2026-11-28T10:00", "1 business day", "2026-11-30T10:00"),
            ("2026-11-23T10:00", "10 business days", "2026-12-07T10:00"),
            ("2026-12-24T10:00", "1 business day", "2026-12-28T10:00"),
            ("2026-11-28T10:00", "0 business days", "2026-11-28T10:00"),
        ];
        for (start, period, end) in cases {
            assert_eq!(forward(start, period), at(end), "{start} + {period}");
        }
        assert_eq!(backward("2026-11-30T10:00", "1 business day"), at("2026-11-27T10:00"));
        assert_eq!(backward("2026-11-29T22:00", "1 business day"), at("2026-11-27T18:00"));
        assert_eq!(backward("2026-12-28T10:00", "1 business day"), at("2026-12-24T10:00"));
    }

    #[test]
    fn business_minutes_run_while_somebody_works() {
        let cases = [
            ("2026-11-23T10:00", "2 business hours", "2026-11-23T12:00"),
            ("2026-11-23T12:00", "2 business hours", "2026-11-23T15:00"),
            ("2026-11-27T17:00", "1 business hour", "2026-11-27T18:00"),
            ("2026-11-27T17:00", "90 business minutes", "2026-11-30T09:30"),
            ("2026-11-28T12:00", "1 business minute", "2026-11-30T09:01"),
            (
                "2026-11-23T09:00",
                "1 business day 8 business hours",
                "2026-11-24T18:00",
            ),
        ];
        for (start, period, end) in cases {
            assert_eq!(forward(start, period), at(end), "{start} + {period}");
        }
        assert_eq!(
            backward("2026-11-30T09:30", "90 business minutes"),
            at("2026-11-27T17:00")
        );
        assert_eq!(backward("2026-11-23T15:00", "2 business hours"), at("2026-11-23T12:00"));
    }

    #[test]
    fn days_keep_the_clock_and_hours_run_through_the_change_of_clocks() {
        // In Madrid the night to 2026-03-29 has 23 hours.
        assert_eq!(forward("2026-03-28T12:00", "1 day"), at("2026-03-29T12:00"));
        assert_eq!(forward("2026-03-28T12:00", "24 hours"), at("2026-03-29T13:00"));
        assert_eq!(forward("2026-03-28T02:30", "1 day"), at("2026-03-29T03:30"));
        assert_eq!(forward("2026-01-31T12:00", "1 month"), at("2026-02-28T12:00"));
        let night = Calendar {
            hours: vec!["00:00-24:00".into()],
            week: vec!["sun".into()],
            ..madrid()
        };
        let day = Period::parse("23 business hours").expect("a period");
        let start = at("2026-03-29T00:00");
        assert_eq!(after(start, &day, Some(&night)), Ok(at("2026-03-30T00:00")));
    }

    #[test]
    fn without_a_calendar_only_business_time_is_refused() {
        let two_days = Period::parse("2 days").expect("a period");
        let start: Timestamp = "2026-03-28T12:00:00Z".parse().expect("a moment");
        assert_eq!(
            after(start, &two_days, None).expect("a moment").to_string(),
            "2026-03-30T12:00:00Z"
        );
        let business = Period::parse("2 business days").expect("a period");
        let error = after(start, &business, None).expect_err("no calendar");
        assert!(error.0.contains("`2 business days` needs a calendar"), "{error}");
    }

    #[test]
    fn a_calendar_that_nobody_works_in_is_an_error_and_no_endless_walk() {
        let never = Calendar {
            week: vec![],
            ..madrid()
        };
        let period = Period::parse("1 business day").expect("a period");
        assert!(after(at("2026-11-23T10:00"), &period, Some(&never)).is_err());
        let minute = Calendar {
            hours: vec!["09:00-09:01".into()],
            ..madrid()
        };
        let far = Period {
            business_minutes: u32::MAX,
            ..Period::default()
        };
        assert_eq!(after(at("2026-11-23T10:00"), &far, Some(&minute)), Err(beyond()));
        let all = Period {
            months: u32::MAX,
            days: u32::MAX,
            seconds: u64::MAX,
            business_days: u32::MAX,
            business_minutes: u32::MAX,
        };
        assert_eq!(after(at("2026-11-23T10:00"), &all, Some(&madrid())), Err(beyond()));
        assert_eq!(before(at("2026-11-23T10:00"), &all, Some(&madrid())), Err(beyond()));
    }

    #[test]
    fn a_walk_ends_at_its_limit() {
        let daily = Calendar {
            week: WEEK.map(|(name, _)| name.to_owned()).to_vec(),
            holidays: vec![],
            ..madrid()
        };
        let period = |days| Period {
            business_days: days,
            ..Period::default()
        };
        assert!(after(at("2026-11-23T10:00"), &period(MAX_WALK_DAYS), Some(&daily)).is_ok());
        assert!(after(at("2026-11-23T10:00"), &period(MAX_WALK_DAYS + 1), Some(&daily)).is_err());
    }

    #[test]
    fn check_names_every_problem() {
        let wrong = Calendar {
            zone: "Madrid".into(),
            hours: vec![
                "17:00-09:00".into(),
                "09:00-25:00".into(),
                "10:00-12:00".into(),
                "11:00-13:00".into(),
            ],
            week: vec!["monday".into()],
            holidays: vec![],
        };
        let problems = wrong.check();
        assert_eq!(problems.len(), 5, "{problems:#?}");
        assert_eq!(madrid().check(), Vec::<String>::new());
        let many = |hours: usize, holidays: usize| Calendar {
            hours: (0..hours).map(|h| format!("{h:02}:00-{h:02}:30")).collect(),
            holidays: vec![jiff::civil::date(2026, 1, 1); holidays],
            ..madrid()
        };
        assert_eq!(many(MAX_STRETCHES, MAX_HOLIDAYS).check().len(), 0);
        assert_eq!(many(1, MAX_HOLIDAYS + 1).check().len(), 1);
        let crowded = Calendar {
            hours: vec!["09:00-10:00".into(); MAX_STRETCHES + 1],
            ..madrid()
        };
        assert!(crowded.check()[0].contains("1 to 24 stretches"));
    }

    #[test]
    fn a_calendar_file_is_read_with_positions() {
        let text = "zone: Europe/Madrid\nhours: [09:00-17:00]\nweek: [mon, tue]\nholidays: [2026-12-25]\n";
        let (document, findings) = Document::parse("corporate.yaml", text);
        assert_eq!(findings, []);
        let (calendar, findings) = Calendar::from_document(&document);
        assert_eq!(findings, []);
        assert_eq!(calendar.expect("a calendar").holidays.len(), 1);

        let (document, _) = Document::parse("corporate.yaml", &text.replace("09:00-17:00", "nine to five"));
        let (calendar, findings) = Calendar::from_document(&document);
        assert_eq!(calendar, None);
        let span = findings[0].primary;
        assert_eq!(&document.text[span.start..span.end], "nine to five");

        let (document, _) = Document::parse("corporate.yaml", &text.replace("holidays", "holiday"));
        let (calendar, findings) = Calendar::from_document(&document);
        assert_eq!(calendar, None);
        assert_eq!(findings[0].message, "a calendar has no key `holiday`");
        assert_eq!(
            findings[0].fix.as_ref().map(|fix| fix.replacement.as_str()),
            Some("holidays")
        );

        let (document, _) = Document::parse("corporate.yaml", &text.replace("2026-12-25", "Christmas"));
        let (calendar, findings) = Calendar::from_document(&document);
        assert_eq!(calendar, None);
        let span = findings[0].primary;
        assert_eq!(&document.text[span.start..span.end], "Christmas");
    }

    proptest! {
        #[test]
        fn after_goes_forward_and_before_goes_back(
            start in 0_i64..4_000_000_000,
            days in 0_u32..400,
            minutes in 0_u32..100_000,
            seconds in 0_u64..10_000_000,
        ) {
            let calendar = madrid();
            let start = Timestamp::from_second(start).expect("a moment");
            let period = Period { days, seconds, business_days: days, business_minutes: minutes, ..Period::default() };
            let later = after(start, &period, Some(&calendar)).expect("a moment");
            let earlier = before(start, &period, Some(&calendar)).expect("a moment");
            prop_assert!(later >= start);
            prop_assert!(earlier <= start);
        }

        #[test]
        fn business_minutes_add_up(start in 1_700_000_000_i64..1_900_000_000, one in 1_u32..3_000, two in 1_u32..3_000) {
            let calendar = madrid();
            let start = Timestamp::from_second(start).expect("a moment");
            let period = |business_minutes| Period { business_minutes, ..Period::default() };
            let middle = after(start, &period(one), Some(&calendar)).expect("a moment");
            let end = after(middle, &period(two), Some(&calendar)).expect("a moment");
            prop_assert_eq!(end, after(start, &period(one + two), Some(&calendar)).expect("a moment"));
        }
    }
}
