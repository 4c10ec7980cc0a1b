//! Moments as people read them.

use super::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Day, clock time and zone, to the minute: `Monday, 23 November 2026, 10:30 CET (Europe/Madrid)`.
/// In UTC where `zone` is no IANA name.
pub fn in_words(moment: Timestamp, zone: &str) -> String {
    match TimeZone::get(zone) {
        Ok(there) if zone != "UTC" => {
            let local = moment.to_zoned(there);
            format!("{} ({zone})", local.strftime("%A, %-d %B %Y, %H:%M %Z"))
        }
        _ => moment
            .to_zoned(TimeZone::UTC)
            .strftime("%A, %-d %B %Y, %H:%M UTC")
            .to_string(),
    }
}

/// Day and clock time, beside a moment [`in_words`] that names the zone: `Monday, 23 November 2026, 10:30`.
pub fn beside(moment: Timestamp, zone: &str) -> String {
    let there = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    moment.to_zoned(there).strftime("%A, %-d %B %Y, %H:%M").to_string()
}

/// The moment that a text means: a timestamp, or a day, which is over at its end in `zone`. `None` where
/// it is neither, or further away than can be counted.
pub fn read(text: &str, zone: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let next = text.parse::<Date>().ok()?.tomorrow().ok()?;
        let end = next.to_zoned(TimeZone::get(zone).ok()?).ok()?;
        Some(end.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_a_timestamp_or_the_end_of_a_day() {
        let is = |text: &str, zone: &str| read(text, zone).map(|moment| moment.to_string());
        assert_eq!(
            is(" 2026-11-23T10:00:00+01:00", "UTC").as_deref(),
            Some("2026-11-23T09:00:00Z")
        );
        assert_eq!(is("2026-11-23", "UTC").as_deref(), Some("2026-11-24T00:00:00Z"));
        assert_eq!(
            is("2026-11-23", "Europe/Madrid").as_deref(),
            Some("2026-11-23T23:00:00Z")
        );
        for text in ["soon", "", "9999-12-31", "2026-11-31"] {
            assert_eq!(is(text, "UTC"), None, "{text}");
        }
    }

    #[test]
    fn a_moment_is_told_in_its_zone() {
        let moment: Timestamp = "2026-11-23T09:30:59.123456789Z".parse().unwrap();
        let summer: Timestamp = "2026-07-01T22:30:00Z".parse().unwrap();
        for (moment, zone, words) in [
            (moment, "UTC", "Monday, 23 November 2026, 09:30 UTC"),
            (
                moment,
                "Europe/Madrid",
                "Monday, 23 November 2026, 10:30 CET (Europe/Madrid)",
            ),
            (
                summer,
                "Europe/Madrid",
                "Thursday, 2 July 2026, 00:30 CEST (Europe/Madrid)",
            ),
            (moment, "nowhere", "Monday, 23 November 2026, 09:30 UTC"),
        ] {
            assert_eq!(in_words(moment, zone), words);
            assert!(words.starts_with(&format!("{} ", beside(moment, zone))), "{zone}");
        }
    }
}
