//! Moments as people read them.

use super::{Semantics, Timestamp, zone};
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

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

/// A text that is no moment or no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// It has another form.
    #[error("is no timestamp, as 2026-12-24T18:00:00Z or 2026-12-24 18:00, and no day, as 2026-12-24")]
    Form,
    /// It is no day.
    #[error("is no day, as 2026-11-23")]
    Day,
    /// There is no such day or time.
    #[error("is no moment that there is")]
    Never,
    /// The clocks are set forward over it, or back so that it comes twice.
    #[error(
        "does not name one moment in {0}, where the clocks change then: add the offset, as in 2026-10-25T02:30+01:00"
    )]
    Twice(String),
    /// The zone is none.
    #[error("{0}")]
    Zone(String),
}

/// The day that a text names, which is written in one form: `2026-11-23`.
///
/// # Errors
/// Where it is another text.
pub fn day(text: &str, semantics: Semantics) -> Result<Date, NotRead> {
    let day: Date = text.parse().map_err(|_| NotRead::Day)?;
    if semantics.has_exact_times() && day.to_string() != text {
        return Err(NotRead::Day);
    }
    Ok(day)
}

/// The moment that a text means: a timestamp, in `zone` where it names neither an offset nor a zone, or a day, which
/// is over at its end in `zone`.
///
/// # Errors
/// Where it is neither, or names no single moment.
pub fn read(text: &str, zone: &str, semantics: Semantics) -> Result<Timestamp, NotRead> {
    let text = text.trim();
    if !semantics.has_exact_times() {
        return text
            .parse()
            .or_else(|_| end_of_day(text.parse().map_err(|_| NotRead::Form)?, zone));
    }
    if let Ok(day) = day(text, semantics) {
        return end_of_day(day, zone);
    }
    let Stamp { local, offset, named } = Stamp::parse(text).ok_or(NotRead::Form)?;
    let local: DateTime = local.replacen(' ', "T", 1).parse().map_err(|_| NotRead::Never)?;
    let exact = match offset {
        Some("Z" | "z") => Some(Offset::UTC),
        Some(offset) => Some(read_offset(offset).ok_or(NotRead::Form)?),
        None => None,
    };
    let there = match named {
        Some(name) => Some(zone::named(name).map_err(NotRead::Zone)?),
        None => None,
    };
    let Some(exact) = exact else {
        let name = named.unwrap_or(zone);
        let there = there.map_or_else(|| zone::named(zone).map_err(NotRead::Zone), Ok)?;
        let one = there.to_ambiguous_timestamp(local).unambiguous();
        return one.map_err(|_| NotRead::Twice(name.to_owned()));
    };
    let moment = exact.to_timestamp(local).map_err(|_| NotRead::Never)?;
    match there {
        // an offset that the zone does not have then contradicts it
        Some(there) if there.to_offset(moment) != exact && exact != Offset::UTC => Err(NotRead::Never),
        _ => Ok(moment),
    }
}

fn end_of_day(day: Date, zone: &str) -> Result<Timestamp, NotRead> {
    let next = day.tomorrow().map_err(|_| NotRead::Never)?;
    let zone = zone::named(zone).map_err(NotRead::Zone)?;
    let end = next.to_zoned(zone).map_err(|_| NotRead::Never)?;
    Ok(end.timestamp())
}

/// The parts of a timestamp as written: `2026-03-10T12:00`, `+01:00`, `Europe/Madrid`.
struct Stamp<'t> {
    local: &'t str,
    offset: Option<&'t str>,
    named: Option<&'t str>,
}

impl<'t> Stamp<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (rest, named) = match text.strip_suffix(']').map(|rest| rest.split_once('[')) {
            Some(split) => split.map(|(rest, name)| (rest, Some(name)))?,
            None => (text, None),
        };
        let end = rest
            .get(MINUTES.len()..)?
            .find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.')
            .map_or(rest.len(), |at| at + MINUTES.len());
        let (local, offset) = rest.split_at(end);
        let seconds = &local[MINUTES.len()..];
        let is_second = |digits: &str| digits.len() == 2 && digits < "60" && is_digits(digits);
        let fits = match seconds
            .strip_prefix(':')
            .map(|rest| rest.split_once('.').unwrap_or((rest, "0")))
        {
            None => seconds.is_empty(),
            Some((whole, fraction)) => is_second(whole) && is_digits(fraction) && fraction.len() <= 9,
        };
        (fits && has_shape(&local[..MINUTES.len()])).then_some(Self {
            local,
            offset: (!offset.is_empty()).then_some(offset),
            named,
        })
    }
}

/// The shape of a timestamp up to its minutes: `0` stands for a digit.
const MINUTES: &str = "0000-00-00T00:00";

fn has_shape(text: &str) -> bool {
    let fits = |(written, wanted): (char, char)| match wanted {
        '0' => written.is_ascii_digit(),
        'T' => matches!(written, 'T' | 't' | ' '),
        other => written == other,
    };
    text.chars().count() == MINUTES.len() && text.chars().zip(MINUTES.chars()).all(fits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `+01:00`, `+0100` or `+01` as an offset.
fn read_offset(text: &str) -> Option<Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = text[1..].replacen(':', "", 1);
    let has_form = matches!((text.len(), digits.len()), (3, 2) | (5 | 6, 4)) && is_digits(&digits);
    if !has_form || (text.len() == 6 && text.as_bytes()[3] != b':') {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits.get(2..4).map_or(Some(0), |minutes| minutes.parse().ok())?;
    if minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, zone: &str) -> Result<String, NotRead> {
        read(text, zone, Semantics::CURRENT).map(|moment| moment.to_string())
    }

    #[test]
    fn a_timestamp_is_read_exactly() {
        for (text, zone, moment) in [
            (" 2026-11-23T10:00:00+01:00", "UTC", "2026-11-23T09:00:00Z"),
            ("2026-11-23T10:00:00Z", "Europe/Madrid", "2026-11-23T10:00:00Z"),
            ("2026-11-23t10:00:00.25z", "UTC", "2026-11-23T10:00:00.25Z"),
            ("2026-11-23T10:00:00.000+0100", "UTC", "2026-11-23T09:00:00Z"),
            ("2026-11-23T10:00-03", "UTC", "2026-11-23T13:00:00Z"),
            ("2026-03-10T12:00", "UTC", "2026-03-10T12:00:00Z"),
            ("2026-03-10T12:00", "Europe/Madrid", "2026-03-10T11:00:00Z"),
            ("2026-03-10 12:00", "Europe/Madrid", "2026-03-10T11:00:00Z"),
            ("2026-03-10 12:00:30", "Europe/Madrid", "2026-03-10T11:00:30Z"),
            ("2026-03-10T12:00[Europe/Madrid]", "Asia/Tokyo", "2026-03-10T11:00:00Z"),
            (
                "2026-03-10T12:00+01:00[Europe/Madrid]",
                "Asia/Tokyo",
                "2026-03-10T11:00:00Z",
            ),
            ("2026-11-23", "UTC", "2026-11-24T00:00:00Z"),
            ("2026-11-23", "Europe/Madrid", "2026-11-23T23:00:00Z"),
        ] {
            assert_eq!(told(text, zone).as_deref(), Ok(moment), "{text} in {zone}");
        }
    }

    #[test]
    fn a_text_that_is_not_one_moment_is_refused() {
        for text in [
            "soon",
            "",
            "20260310",
            "20260310T120000Z",
            "+012026-03-10",
            "2026-03-10[Europe/Madrid]",
            "2026-03-10T12",
            "2026-03-10T12:00:60Z",
            "2026-03-10T12:00Zulu",
            "2026-03-10T12:00+1",
            "2026-03-10T12:00+01:0",
            "2026-03-10T12:00:00,5Z",
            "2026-W10-2",
        ] {
            assert_eq!(told(text, "UTC"), Err(NotRead::Form), "{text}");
        }
        for text in [
            "9999-12-31",
            "2026-11-31T12:00",
            "2026-11-23T25:00",
            "2026-03-10T12:00+02:00[Europe/Madrid]",
        ] {
            assert_eq!(told(text, "UTC"), Err(NotRead::Never), "{text}");
        }
        // the clocks are set forward at two, and back at three
        for text in ["2026-03-29T02:30", "2026-10-25T02:30"] {
            assert_eq!(
                told(text, "Europe/Madrid"),
                Err(NotRead::Twice("Europe/Madrid".to_owned())),
                "{text}"
            );
        }
        assert!(matches!(told("2026-03-10T12:00[Madrid]", "UTC"), Err(NotRead::Zone(_))));
    }

    #[test]
    fn a_day_has_one_form() {
        assert!(day("2026-03-10", Semantics::CURRENT).is_ok());
        for text in [
            "20260310",
            "+012026-03-10",
            "2026-03-10T12:00",
            "2026-03-10 ",
            "2026-03-10[UTC]",
            "2026-02-30",
        ] {
            assert_eq!(day(text, Semantics::CURRENT), Err(NotRead::Day), "{text}");
        }
    }

    #[test]
    fn runs_begun_before_read_as_they_did() {
        let is = |text: &str| read(text, "Europe/Madrid", Semantics::FIRST).map(|moment| moment.to_string());
        for text in ["2026-03-10T12:00", "2026-03-10 12:00", "20260310", "2026-03-10"] {
            assert_eq!(is(text).as_deref(), Ok("2026-03-10T23:00:00Z"), "{text}");
        }
        assert_eq!(is("2026-03-10T12:00Z").as_deref(), Ok("2026-03-10T12:00:00Z"));
        assert!(day("20260310", Semantics::FIRST).is_ok());
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
