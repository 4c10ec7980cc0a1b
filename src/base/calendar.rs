//! Working time: hours, week, holidays, zone.

use super::{Period, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
pub fn after(start: Timestamp, period: &Period, calendar: Option<&Calendar>) -> Result<Timestamp, CalendarError> {
    let _ = (start, period, calendar);
    todo!()
}

/// The moment `period` before `end`, by the same rules.
pub fn before(end: Timestamp, period: &Period, calendar: Option<&Calendar>) -> Result<Timestamp, CalendarError> {
    let _ = (end, period, calendar);
    todo!()
}
