//! When something happens: `+7 business days`, `3 hours`, or a moment.

use crate::base::moment::{self, NotRead};
use crate::base::{Calendar, Period, Semantics, Timestamp, calendar};

/// A moment as written: a length of time from some beginning, or a point in time.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// So long after the beginning.
    Later(Period),
    /// A timestamp as written; without an offset, in the zone of the calendar.
    At(String),
}

impl When {
    /// Reads `+7 business days`, `2026-03-04T10:00:00Z` or `2026-03-04 10:00`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(period) = text.strip_prefix('+') {
            return Self::length(period);
        }
        match moment::read(text, "UTC", Semantics::CURRENT) {
            Ok(_) | Err(NotRead::Twice(_)) if moment::day(text, Semantics::CURRENT).is_err() => {
                Ok(Self::At(text.to_owned()))
            }
            _ => Err(format!(
                "`{text}` is no moment: write `+7 business days`, `2026-03-04 10:00` or `2026-03-04T10:00:00Z`"
            )),
        }
    }

    /// Reads `3 hours`.
    pub fn length(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_start_matches('+');
        Period::parse(text).map(Self::Later).map_err(|error| error.to_string())
    }

    /// The moment, counted from `from`.
    pub fn resolve(&self, from: Timestamp, calendar: Option<&Calendar>) -> Result<Timestamp, String> {
        match self {
            Self::Later(period) => calendar::after(from, period, calendar).map_err(|error| error.to_string()),
            Self::At(text) => {
                let zone = calendar.map_or("UTC", |calendar| calendar.zone.as_str());
                moment::read(text, zone, Semantics::CURRENT).map_err(|error| format!("`{text}` {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Result<String, String> {
        let madrid = Calendar {
            zone: "Europe/Madrid".to_owned(),
            hours: vec!["09:00-17:00".to_owned()],
            week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
            holidays: Vec::new(),
        };
        let from = "2026-03-02T09:00:00Z".parse().unwrap();
        let when = When::parse(text)?;
        when.resolve(from, Some(&madrid)).map(|moment| moment.to_string())
    }

    #[test]
    fn moments_are_counted_from_the_beginning_or_told_outright() {
        for (text, expected) in [
            ("+3 hours", "2026-03-02T12:00:00Z"),
            ("+5 business days", "2026-03-09T09:00:00Z"),
            ("2026-03-04T10:00:00Z", "2026-03-04T10:00:00Z"),
            ("2026-03-04T10:00:00+02:00", "2026-03-04T08:00:00Z"),
            ("2026-03-04 10:00", "2026-03-04T09:00:00Z"),
        ] {
            assert_eq!(moment(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(When::length("3 hours"), When::parse("+3 hours"));
    }

    #[test]
    fn what_is_no_moment_is_said() {
        assert!(moment("3 hours").unwrap_err().contains("`+7 business days`"));
        assert!(moment("+3").is_err());
        assert!(moment("tomorrow").is_err());
    }
}
