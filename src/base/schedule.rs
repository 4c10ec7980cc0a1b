//! Recurring moments: a cron pattern in a zone.
//!
//! A pattern has the five fields of POSIX crontab (minute, hour, day of month, month, day of
//! week) with names, ranges, steps, `L`, `W` and `#`. Where both days are given, either counts, as
//! in crontab. When clocks change, a job at a fixed clock time runs once: at the next valid moment
//! where its own is skipped, and the first time where it comes twice; a job that recurs within the
//! hour runs on. The arithmetic is the crate `croner`'s.

use super::{Timestamp, zone};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;

/// Longest pattern, in characters.
pub const MAX_PATTERN: usize = 200;

/// When something recurs.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// Why a text is no schedule: a sentence, and whether it is about the zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// What is wrong.
    pub message: String,
    /// Whether the zone is, and not the pattern.
    pub of_zone: bool,
}

/// The fields of a pattern: what each is, and what may stand in it.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31, or `L` for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of week", "0 to 7, where 0 and 7 are Sunday, or SUN to SAT"),
];

/// Which field cannot be read, where it is one: each is tried with all others left open.
fn wrong_field(parser: CronParser, pattern: &str) -> Option<String> {
    let fields = pattern.split_whitespace().zip(FIELDS).enumerate();
    let is_wrong = |at: usize, field: &str| {
        let mut alone = ["*"; FIELDS.len()];
        alone[at] = field;
        parser.parse(&alone.join(" ")).is_err()
    };
    let (_, (field, (what, allowed))) = fields.into_iter().find(|(at, (field, _))| is_wrong(*at, field))?;
    Some(format!(
        "`{field}` is no {what}: write {allowed}, `*` for each, a range as `1-5`, a list as `1,3`, or a step as `*/2`"
    ))
}

impl Schedule {
    /// Reads `pattern`, meant in the zone with the IANA name `zone`.
    ///
    /// # Errors
    /// Where the pattern cannot be read or never comes true, and where there is no such zone.
    pub fn parse(pattern: &str, zone: &str) -> Result<Self, ScheduleError> {
        let wrong = |message: String| ScheduleError {
            message,
            of_zone: false,
        };
        if pattern.chars().count() > MAX_PATTERN {
            return Err(wrong(format!("the pattern has more than {MAX_PATTERN} characters")));
        }
        let fields = pattern.split_whitespace().count();
        if fields != 5 {
            return Err(wrong(format!("`{pattern}` has {fields} fields instead of 5")));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(pattern).map_err(|error| {
            wrong(wrong_field(parser, pattern).unwrap_or_else(|| format!("`{pattern}` is no cron pattern: {error}")))
        })?;
        let zone = zone::named(zone).map_err(|message| ScheduleError { message, of_zone: true })?;
        let schedule = Self { cron, zone };
        if schedule.after(Timestamp::UNIX_EPOCH).is_none() {
            return Err(wrong(format!("`{pattern}` never comes true")));
        }
        Ok(schedule)
    }

    /// The first moment after `moment`. Nothing where the calendar of this world ends first.
    pub fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let from = moment.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        Some(next.timestamp())
    }

    /// The moments after `from` up to `to`, oldest first; of more than `most` the newest.
    pub fn between(&self, from: Timestamp, to: Timestamp, most: usize) -> Vec<Timestamp> {
        let mut moments = Vec::new();
        let mut at = to.to_zoned(self.zone.clone());
        let mut inclusive = true;
        while moments.len() < most {
            let Ok(before) = self.cron.find_previous_occurrence(&at, inclusive) else {
                break;
            };
            if before.timestamp() <= from {
                break;
            }
            moments.push(before.timestamp());
            at = before;
            inclusive = false;
        }
        moments.reverse();
        moments
    }

    /// The day of `moment` where the schedule is meant, as `2026-11-23`.
    pub fn day_of(&self, moment: Timestamp) -> jiff::civil::Date {
        moment.to_zoned(self.zone.clone()).date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn next(pattern: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(pattern, zone).unwrap();
        let mut moment = at(from);
        (0..count)
            .map(|_| {
                moment = schedule.after(moment).unwrap();
                moment.to_string()
            })
            .collect()
    }

    #[test]
    fn a_field_that_cannot_be_read_is_named_with_what_may_stand_there() {
        for (pattern, told) in [
            ("60 8 * * *", "`60` is no minute: write 0 to 59"),
            ("0 25 * * *", "`25` is no hour: write 0 to 23"),
            ("0 8 32 * *", "`32` is no day of month: write 1 to 31"),
            ("0 8 * JANUARY *", "`JANUARY` is no month: write 1 to 12"),
            ("0 8 * * MONDAY", "`MONDAY` is no day of week: write 0 to 7"),
        ] {
            let error = Schedule::parse(pattern, "UTC").unwrap_err();
            assert!(error.message.starts_with(told), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_pattern_is_meant_in_its_zone() {
        assert_eq!(
            next("0 8 * * MON-FRI", "Europe/Madrid", "2026-11-20T08:00:00Z", 2),
            ["2026-11-23T07:00:00Z", "2026-11-24T07:00:00Z"]
        );
        assert_eq!(
            next("0 8 * * 1-5", "UTC", "2026-11-23T08:00:00Z", 1),
            ["2026-11-24T08:00:00Z"]
        );
        assert_eq!(
            next("0 0 L * *", "UTC", "2026-02-01T00:00:00Z", 1),
            ["2026-02-28T00:00:00Z"]
        );
        assert_eq!(
            next("0 9 * * FRI#1", "UTC", "2026-11-23T00:00:00Z", 1),
            ["2026-12-04T09:00:00Z"]
        );
    }

    #[test]
    fn either_day_counts_where_both_are_given() {
        assert_eq!(
            next("0 0 13 * 5", "UTC", "2026-11-01T00:00:00Z", 3),
            ["2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"]
        );
    }

    #[test]
    fn a_clock_time_that_is_skipped_or_comes_twice_counts_once() {
        assert_eq!(
            next("30 2 * * *", "Europe/Madrid", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            next("30 2 * * *", "Europe/Madrid", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        assert_eq!(
            next("*/30 2 * * *", "Europe/Madrid", "2026-10-24T23:59:00Z", 4),
            [
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z"
            ]
        );
    }

    #[test]
    fn what_was_missed_is_told_oldest_first_and_of_many_the_newest() {
        let schedule = Schedule::parse("0 8 * * *", "UTC").unwrap();
        let between = |from: &str, to: &str, most: usize| -> Vec<String> {
            let moments = schedule.between(at(from), at(to), most);
            moments.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            between("2026-11-20T08:00:00Z", "2026-11-22T08:00:00Z", 10),
            ["2026-11-21T08:00:00Z", "2026-11-22T08:00:00Z"]
        );
        assert_eq!(
            between("2026-11-01T00:00:00Z", "2026-11-22T09:00:00Z", 1),
            ["2026-11-22T08:00:00Z"]
        );
        assert_eq!(between("2026-11-22T08:00:00Z", "2026-11-23T07:59:59Z", 10), [""; 0]);
        assert_eq!(between("2026-11-23T00:00:00Z", "2026-11-22T00:00:00Z", 10), [""; 0]);
    }

    #[test]
    fn both_ways_of_asking_agree_over_a_year() {
        for (pattern, zone) in [
            ("15 1-3 * * *", "Europe/Madrid"),
            ("0 0 1 * *", "America/New_York"),
            ("*/20 * * * 0", "Australia/Lord_Howe"),
        ] {
            let schedule = Schedule::parse(pattern, zone).unwrap();
            let (from, to) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
            let mut forward = Vec::new();
            let mut moment = from;
            while let Some(next) = schedule.after(moment).filter(|next| *next <= to) {
                forward.push(next);
                moment = next;
            }
            assert_eq!(schedule.between(from, to, usize::MAX), forward, "{pattern} in {zone}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_never_comes_is_told() {
        for (pattern, zone, part) in [
            ("", "UTC", "0 fields instead of 5"),
            ("0 8 * *", "UTC", "4 fields instead of 5"),
            ("0 0 8 * * *", "UTC", "6 fields instead of 5"),
            ("@daily", "UTC", "1 fields instead of 5"),
            ("0 25 * * *", "UTC", "is no hour"),
            ("0 8 * * someday", "UTC", "is no day of week"),
            ("0 0 30 2 *", "UTC", "never comes true"),
            ("0 8 * * *", "Mars/Olympus", "is no time zone"),
        ] {
            let error = Schedule::parse(pattern, zone).unwrap_err();
            assert!(error.message.contains(part), "{pattern}: {error}");
            assert_eq!(error.of_zone, zone != "UTC", "{pattern}");
        }
        let minutes = format!("00{}", ",0".repeat((MAX_PATTERN - 10) / 2));
        assert_eq!(format!("{minutes} 8 * * *").len(), MAX_PATTERN);
        assert!(Schedule::parse(&format!("{minutes} 8 * * *"), "UTC").is_ok());
        let past = Schedule::parse(&format!("{minutes} 08 * * *"), "UTC");
        assert!(past.unwrap_err().message.contains("more than"));
    }
}
