//! Names of time zones, and which one was meant.

use super::diagnostic::nearest;
use jiff::tz::{self, TimeZone};

/// The zone with this IANA name.
///
/// # Errors
/// Says how it is written, with the one that may be meant: that of a city, or the nearest.
pub fn named(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        let meant = meant(name).map_or_else(
            || "write its IANA name, as `Europe/Madrid`".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        format!("`{name}` is no time zone: {meant}")
    })
}

/// The zone of a city that is written alone, or the one that is written nearly so.
fn meant(name: &str) -> Option<String> {
    let known: Vec<String> = tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
    let city = |zone: &str| zone.rsplit('/').next().unwrap_or(zone).to_owned();
    let wanted = name.trim().replace(' ', "_");
    let of_city = known
        .iter()
        .find(|zone| zone.contains('/') && city(zone).eq_ignore_ascii_case(&wanted));
    let nearly = || nearest(&wanted, known.iter().map(String::as_str)).map(str::to_owned);
    of_city.cloned().or_else(nearly)
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_zone_that_is_not_there_is_told_with_the_one_that_is_meant() {
        assert!(named("Europe/Madrid").is_ok());
        for (name, meant) in [
            ("Madrid", "Europe/Madrid"),
            ("new york", "America/New_York"),
            ("Europe/Madird", "Europe/Madrid"),
        ] {
            let told = named(name).unwrap_err();
            assert_eq!(told, format!("`{name}` is no time zone: did you mean `{meant}`?"));
        }
        let told = named("Middle of nowhere").unwrap_err();
        assert!(told.ends_with("write its IANA name, as `Europe/Madrid`"), "{told}");
    }
}
