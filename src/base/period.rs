//! Lengths of time as people say them: `10 business days`, `90 minutes`, `P3D`.
//!
//! Invariant: what [`Period::parse`] accepts is within the limits below, and what `Display`
//! prints is read back as the same period.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Most calendar months in one period: a hundred years.
pub const MAX_MONTHS: u32 = 1_200;
/// Most calendar days, and most business days, in one period: a little over a hundred years.
pub const MAX_DAYS: u32 = 36_600;
/// Most elapsed seconds in one period: as many as [`MAX_DAYS`] hold.
pub const MAX_SECONDS: u64 = MAX_DAYS as u64 * 86_400;
/// Most business minutes in one period: as many as [`MAX_DAYS`] hold.
pub const MAX_BUSINESS_MINUTES: u32 = MAX_DAYS * 1_440;
/// Longest text that is read as a period, in bytes.
pub const MAX_TEXT_BYTES: usize = 200;

/// A length of time. The parts are kept apart, because a month, a day, a business day and
/// 24 hours are four different things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Period {
    /// Calendar months (years are twelve).
    pub months: u32,
    /// Calendar days in the calendar's zone (weeks are seven).
    pub days: u32,
    /// Elapsed seconds.
    pub seconds: u64,
    /// Working days of the calendar.
    pub business_days: u32,
    /// Working minutes of the calendar.
    pub business_minutes: u32,
}

/// Why a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PeriodError(pub String);

/// What one word counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    BusinessDay,
    BusinessHour,
    BusinessMinute,
}

/// The words of plain units, with what they count.
const WORDS: [(&str, Unit); 20] = [
    ("year", Unit::Year),
    ("years", Unit::Year),
    ("month", Unit::Month),
    ("months", Unit::Month),
    ("week", Unit::Week),
    ("weeks", Unit::Week),
    ("day", Unit::Day),
    ("days", Unit::Day),
    ("hour", Unit::Hour),
    ("hours", Unit::Hour),
    ("minute", Unit::Minute),
    ("minutes", Unit::Minute),
    ("second", Unit::Second),
    ("seconds", Unit::Second),
    ("d", Unit::Day),
    ("h", Unit::Hour),
    ("min", Unit::Minute),
    ("mins", Unit::Minute),
    ("s", Unit::Second),
    ("sec", Unit::Second),
];

impl Period {
    /// Reads words or ISO 8601. A bare number is refused, zero is not: see [`Period::is_zero`].
    ///
    /// # Errors
    /// Says what is wrong with the text and how to write it instead.
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PeriodError(format!("a length of time is missing: {EXAMPLES}")));
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(PeriodError(format!(
                "that is too long for a length of time: {EXAMPLES}"
            )));
        }
        if is_iso(text) {
            return parse_iso(text);
        }
        parse_words(text)
    }

    /// Whether a calendar is needed to know how long this is.
    pub const fn needs_calendar(&self) -> bool {
        self.business_days > 0 || self.business_minutes > 0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(&self) -> bool {
        self.months == 0 && self.days == 0 && self.seconds == 0 && self.business_days == 0 && self.business_minutes == 0
    }

    /// Adds `count` of `unit`, or nothing where that passes a limit.
    fn add(&mut self, count: u64, unit: Unit) -> Option<()> {
        let small = |factor: u64, now: u32, limit: u32| {
            let sum = count.checked_mul(factor)?.checked_add(u64::from(now))?;
            u32::try_from(sum).ok().filter(|sum| *sum <= limit)
        };
        let elapsed = |factor: u64| {
            let sum = count.checked_mul(factor)?.checked_add(self.seconds)?;
            (sum <= MAX_SECONDS).then_some(sum)
        };
        match unit {
            Unit::Year => self.months = small(12, self.months, MAX_MONTHS)?,
            Unit::Month => self.months = small(1, self.months, MAX_MONTHS)?,
            Unit::Week => self.days = small(7, self.days, MAX_DAYS)?,
            Unit::Day => self.days = small(1, self.days, MAX_DAYS)?,
            Unit::Hour => self.seconds = elapsed(3_600)?,
            Unit::Minute => self.seconds = elapsed(60)?,
            Unit::Second => self.seconds = elapsed(1)?,
            Unit::BusinessDay => self.business_days = small(1, self.business_days, MAX_DAYS)?,
            Unit::BusinessHour => {
                self.business_minutes = small(60, self.business_minutes, MAX_BUSINESS_MINUTES)?;
            }
            Unit::BusinessMinute => {
                self.business_minutes = small(1, self.business_minutes, MAX_BUSINESS_MINUTES)?;
            }
        }
        Some(())
    }
}

const EXAMPLES: &str = "write it as `10 business days`, `90 minutes` or `P3D`";

fn too_long(text: &str) -> PeriodError {
    PeriodError(format!("`{text}` is longer than a hundred years"))
}

/// Whether the text means to be ISO 8601: `P` and then a digit or `T`.
fn is_iso(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next() == Some('P') && letters.next().is_none_or(|c| c == 'T' || c.is_ascii_digit())
}

fn parse_iso(text: &str) -> Result<Period, PeriodError> {
    const DATE: [(char, Unit); 4] = [
        ('Y', Unit::Year),
        ('M', Unit::Month),
        ('W', Unit::Week),
        ('D', Unit::Day),
    ];
    const TIME: [(char, Unit); 3] = [('H', Unit::Hour), ('M', Unit::Minute), ('S', Unit::Second)];
    let mut period = Period::default();
    let body = text.strip_prefix('P').unwrap_or(text);
    match body.split_once('T') {
        None => add_iso(&mut period, text, body, &DATE)?,
        Some((date, time)) => {
            if !date.is_empty() {
                add_iso(&mut period, text, date, &DATE)?;
            }
            add_iso(&mut period, text, time, &TIME)?;
        }
    }
    Ok(period)
}

/// Adds one half of an ISO 8601 period; its units may come once each and in this order only.
fn add_iso(period: &mut Period, text: &str, half: &str, units: &[(char, Unit)]) -> Result<(), PeriodError> {
    let wrong = || {
        PeriodError(format!(
            "`{text}` is no ISO 8601 length of time: write `P3D`, `PT30M` or `P1Y2M`, in whole numbers"
        ))
    };
    let mut units = units;
    let mut rest = half;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let sign = tail.chars().next().ok_or_else(wrong)?;
        let at = units.iter().position(|(unit, _)| *unit == sign).ok_or_else(wrong)?;
        if number.is_empty() {
            return Err(wrong());
        }
        let count = number.parse().map_err(|_| too_long(text))?;
        period.add(count, units[at].1).ok_or_else(|| too_long(text))?;
        units = &units[at + 1..];
        rest = &tail[sign.len_utf8()..];
    }
    Ok(())
}

fn parse_words(text: &str) -> Result<Period, PeriodError> {
    let lower = text.to_lowercase();
    let mut words = words(&lower).peekable();
    let mut period = Period::default();
    let mut seen = Vec::new();
    while let Some(word) = words.next() {
        if word == "and" && !seen.is_empty() && words.peek().is_some() {
            continue;
        }
        let count = number(text, word)?;
        let unit = match words.next() {
            None => {
                return Err(PeriodError(format!(
                    "`{text}` does not say of what: write `{word} days`, `{word} business days` or `{word} minutes`"
                )));
            }
            Some("business" | "working") => business(text, words.next())?,
            Some(word) => unit(text, word)?,
        };
        if seen.contains(&unit) {
            return Err(PeriodError(format!(
                "`{text}` gives the same unit twice: add the numbers up"
            )));
        }
        seen.push(unit);
        period.add(count, unit).ok_or_else(|| too_long(text))?;
    }
    Ok(period)
}

/// The words of a text, where a number and the unit glued to it are two.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|word| {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = word.split_at(digits);
        let whole = unit.is_empty() || number.is_empty() || !unit.bytes().all(|b| b.is_ascii_alphabetic());
        let parts = if whole { [word, ""] } else { [number, unit] };
        parts.into_iter().filter(|part| !part.is_empty())
    })
}

fn number(text: &str, word: &str) -> Result<u64, PeriodError> {
    if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
        return word.parse().map_err(|_| too_long(text));
    }
    if word.starts_with('-') {
        return Err(PeriodError(format!("`{text}` is negative: a length of time is not")));
    }
    if word.parse::<f64>().is_ok() && word.contains('.') {
        return Err(PeriodError(format!(
            "`{text}` has a fraction: use whole numbers of a smaller unit, as `90 minutes`"
        )));
    }
    Err(PeriodError(format!("`{text}` is no length of time: {EXAMPLES}")))
}

fn unit(text: &str, word: &str) -> Result<Unit, PeriodError> {
    if let Some((_, unit)) = WORDS.iter().find(|(name, _)| *name == word) {
        return Ok(*unit);
    }
    if word == "m" {
        return Err(PeriodError(format!(
            "`m` in `{text}` may be minutes or months: write the word out"
        )));
    }
    let near = super::diagnostic::nearest(word, WORDS.iter().map(|(name, _)| *name).filter(|name| name.len() > 3));
    Err(PeriodError(match near {
        Some(near) => format!("`{word}` in `{text}` is no unit of time: did you mean `{near}`?"),
        None => format!(
            "`{word}` in `{text}` is no unit of time: there are years, months, weeks, days, hours, minutes, seconds, and \
             business days, hours and minutes"
        ),
    }))
}

fn business(text: &str, word: Option<&str>) -> Result<Unit, PeriodError> {
    match word {
        Some("day" | "days") => Ok(Unit::BusinessDay),
        Some("hour" | "hours") => Ok(Unit::BusinessHour),
        Some("minute" | "minutes") => Ok(Unit::BusinessMinute),
        _ => Err(PeriodError(format!(
            "business time in `{text}` is counted in days, hours or minutes: write `5 business days`"
        ))),
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (u64::from(self.months), "month"),
            (u64::from(self.days), "day"),
            (u64::from(self.business_days), "business day"),
            (u64::from(self.business_minutes / 60), "business hour"),
            (u64::from(self.business_minutes % 60), "business minute"),
            (self.seconds / 3_600, "hour"),
            (self.seconds / 60 % 60, "minute"),
            (self.seconds % 60, "second"),
        ];
        let mut space = "";
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{space}{count} {unit}{plural}")?;
            space = " ";
        }
        if self.is_zero() {
            f.write_str("0 seconds")?;
        }
        Ok(())
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Period {
        Period::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refusal(text: &str) -> String {
        Period::parse(text).expect_err(text).0
    }

    #[test]
    fn words_are_read() {
        let zero = Period::default();
        let cases = [
            (
                "10 business days",
                Period {
                    business_days: 10,
                    ..zero
                },
            ),
            (
                "4 business hours",
                Period {
                    business_minutes: 240,
                    ..zero
                },
            ),
            (
                "30 working minutes",
                Period {
                    business_minutes: 30,
                    ..zero
                },
            ),
            ("2 days", Period { days: 2, ..zero }),
            ("1 Week", Period { days: 7, ..zero }),
            ("90 minutes", Period { seconds: 5_400, ..zero }),
            ("10 s", Period { seconds: 10, ..zero }),
            ("10s", Period { seconds: 10, ..zero }),
            ("3 months", Period { months: 3, ..zero }),
            (
                "1 day 4 hours",
                Period {
                    days: 1,
                    seconds: 14_400,
                    ..zero
                },
            ),
            ("1 year and  2 months", Period { months: 14, ..zero }),
            ("0 days", zero),
            ("P3D", Period { days: 3, ..zero }),
            ("PT30M", Period { seconds: 1_800, ..zero }),
            ("P1Y2M", Period { months: 14, ..zero }),
            ("P1W", Period { days: 7, ..zero }),
            (
                "P1DT4H",
                Period {
                    days: 1,
                    seconds: 14_400,
                    ..zero
                },
            ),
        ];
        for (text, period) in cases {
            assert_eq!(read(text), period, "{text}");
        }
    }

    #[test]
    fn refusals_say_what_to_write() {
        assert_eq!(
            refusal("10"),
            "`10` does not say of what: write `10 days`, `10 business days` or `10 minutes`"
        );
        assert!(refusal("3 busness days").contains("no unit of time"));
        assert!(refusal("3 dasy").contains("did you mean `days`?"));
        assert!(refusal("5 m").contains("minutes or months"));
        assert!(refusal("2 business weeks").contains("write `5 business days`"));
        assert!(refusal("-3 days").contains("negative"));
        assert!(refusal("1.5 days").contains("fraction"));
        assert!(refusal("1 day 2 days").contains("twice"));
        for text in [
            "",
            "soon",
            "days",
            "P",
            "PT",
            "P3",
            "P1.5D",
            "P1D1Y",
            "P-1D",
            "PT3D",
            "3 days and",
            "p3d",
            "٣ days",
        ] {
            assert!(!refusal(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn limits_hold_at_the_limit_and_not_past_it() {
        assert_eq!(read(&format!("{MAX_MONTHS} months")).months, MAX_MONTHS);
        assert!(refusal(&format!("{} months", MAX_MONTHS + 1)).contains("hundred years"));
        assert_eq!(read(&format!("{MAX_DAYS} days")).days, MAX_DAYS);
        assert!(refusal(&format!("{} days", MAX_DAYS + 1)).contains("hundred years"));
        assert_eq!(read(&format!("{MAX_DAYS} business days")).business_days, MAX_DAYS);
        assert!(refusal(&format!("{} business days", MAX_DAYS + 1)).contains("hundred years"));
        assert_eq!(read(&format!("{MAX_SECONDS} s")).seconds, MAX_SECONDS);
        assert!(refusal(&format!("{} s", MAX_SECONDS + 1)).contains("hundred years"));
        assert_eq!(
            read(&format!("{MAX_BUSINESS_MINUTES} business minutes")).business_minutes,
            MAX_BUSINESS_MINUTES
        );
        assert!(refusal(&format!("{} business minutes", MAX_BUSINESS_MINUTES + 1)).contains("hundred years"));
        assert!(refusal("99999999999999999999999 years").contains("hundred years"));
        assert!(refusal(&format!("P{}Y", u64::MAX)).contains("hundred years"));
        assert!(Period::parse(&format!("1{} day", " ".repeat(MAX_TEXT_BYTES - 5))).is_ok());
        assert!(refusal(&format!("1{} day", " ".repeat(MAX_TEXT_BYTES - 4))).contains("too long"));
    }

    proptest! {
        #[test]
        fn display_is_read_back(
            months in 0..=MAX_MONTHS,
            days in 0..=MAX_DAYS,
            seconds in 0..=MAX_SECONDS,
            business_days in 0..=MAX_DAYS,
            business_minutes in 0..=MAX_BUSINESS_MINUTES,
        ) {
            let period = Period { months, days, seconds, business_days, business_minutes };
            prop_assert_eq!(Period::parse(&period.to_string()), Ok(period));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Ok(period) = Period::parse(&text) {
                prop_assert_eq!(Period::parse(&period.to_string()), Ok(period));
            }
        }
    }
}
