//! Moments as people read them.

use super::Timestamp;
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

#[cfg(test)]
mod tests {
    use super::*;

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
        }
    }
}
