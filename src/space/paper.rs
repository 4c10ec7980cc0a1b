//! What is known of a version as a document: until when it is valid, and what it was given for.

use super::events::DocumentExpiring;
use super::request::Item;
use super::{File, Share, Version};
use crate::base::id::{FileId, ShareId};
use crate::base::{Calendar, Period, Timestamp, calendar};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What is known of a version as a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// The day until which it is valid, as `2026-11-23`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// The zone that the day is meant in.
    pub zone: String,
    /// How long before that day it is due for renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<String>,
    /// What it is labelled with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<String>,
    /// What it was given for, if through a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_for: Option<GivenFor>,
}

/// The item of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenFor {
    /// The request.
    pub request: ShareId,
    /// What people call it.
    pub name: String,
    /// The item.
    pub item: String,
}

/// The document that counts in a file, and when it expires. At most one for each file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// The file.
    pub file: FileId,
    /// Its version.
    pub version: u64,
    /// When the day begins until which it is valid.
    pub day: Timestamp,
    /// When it is due for renewal, if anybody said how long before that day.
    pub renew_at: Option<Timestamp>,
}

impl Paper {
    /// What is known of a file that is given for `item` of the request `share`; nothing where nothing is.
    pub fn given(share: &Share, item: &Item, zone: &str, valid_until: Option<&str>) -> Option<Self> {
        if valid_until.is_none() && item.label.is_empty() {
            return None;
        }
        Some(Self {
            valid_until: valid_until.map(str::to_owned),
            zone: zone.to_owned(),
            renew_before: item.renew_before.clone(),
            label: item.label.clone(),
            given_for: Some(GivenFor {
                request: share.id.clone(),
                name: share.name.clone(),
                item: item.name.clone(),
            }),
        })
    }

    /// When the day begins until which it is valid.
    pub fn day(&self) -> Option<Timestamp> {
        let day: Date = self.valid_until.as_ref()?.parse().ok()?;
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        Some(day.to_zoned(zone).ok()?.timestamp())
    }

    /// The moment `period` before that day: by `calendar`, or else in the zone that the day is meant in. `None` where
    /// there is none, as before the beginning of time.
    pub fn ahead(&self, period: &Period, calendar: Option<&Calendar>) -> Option<Timestamp> {
        let of_zone;
        let calendar = match calendar {
            Some(calendar) => calendar,
            None => {
                of_zone = always(&self.zone);
                &of_zone
            }
        };
        calendar::before(self.day()?, period, Some(calendar)).ok()
    }
}

/// Every minute of every day, so that only the zone counts.
fn always(zone: &str) -> Calendar {
    Calendar {
        zone: zone.to_owned(),
        hours: vec!["00:00-24:00".to_owned()],
        week: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .map(str::to_owned)
            .to_vec(),
        holidays: Vec::new(),
    }
}

impl Expiry {
    /// When a version expires, from now on; `None` where nobody said until when it is valid.
    pub fn of(file: &File, version: &Version) -> Option<Self> {
        let paper = version.paper.as_ref()?;
        let ahead = paper.renew_before.as_deref().and_then(|text| Period::parse(text).ok());
        Some(Self {
            file: file.id.clone(),
            version: version.number,
            day: paper.day()?,
            renew_at: ahead.and_then(|period| paper.ahead(&period, None)),
        })
    }

    /// What tells of it; `None` where `file` has no such document.
    pub fn event(&self, file: &File, at: Timestamp) -> Option<DocumentExpiring> {
        let version = file.version(self.version)?;
        let paper = version.paper.as_ref()?;
        let given = paper.given_for.as_ref();
        let of_request = |text: fn(&GivenFor) -> &str| given.map(text).unwrap_or_default().to_owned();
        Some(DocumentExpiring {
            file: file.reference_to(version),
            valid_until: paper.valid_until.clone()?,
            workspace: file.workspace.to_string(),
            folder: file.folder.clone(),
            from: version.by.clone(),
            request: of_request(|given| given.request.as_str()),
            request_name: of_request(|given| &given.name),
            item: of_request(|given| &given.item),
            label: paper.label.clone(),
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::testing::file;

    fn paper(valid_until: &str, zone: &str) -> Paper {
        Paper {
            valid_until: Some(valid_until.to_owned()),
            zone: zone.to_owned(),
            renew_before: Some("30 days".to_owned()),
            ..Paper::default()
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("it is a moment")
    }

    #[test]
    fn a_day_begins_in_its_zone_and_days_before_it_keep_the_clock_time() {
        let madrid = paper("2027-04-15", "Europe/Madrid");
        assert_eq!(madrid.day(), Some(at("2027-04-14T22:00:00Z")));
        let file = file().with_paper(Some(madrid.clone()));
        let expiry = Expiry::of(&file, file.current()).expect("it expires");
        // on 16 March it is still winter there
        assert_eq!(expiry.renew_at, Some(at("2027-03-15T23:00:00Z")));
        let month = Period::parse("1 month").expect("a period");
        assert_eq!(madrid.ahead(&month, None), Some(at("2027-03-14T23:00:00Z")));
        assert_eq!(paper("2027-02-30", "UTC").day(), None);
        assert_eq!(paper("2027-02-28", "nowhere").day(), Some(at("2027-02-28T00:00:00Z")));
    }

    #[test]
    fn working_days_are_counted_by_the_calendar_that_is_given() {
        let office = Calendar {
            zone: "Europe/Madrid".to_owned(),
            hours: vec!["09:00-17:00".to_owned()],
            week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
            holidays: Vec::new(),
        };
        // 2026-11-30 is a Monday
        let five = Period::parse("5 business days").expect("a period");
        let ahead = paper("2026-11-30", "Europe/Madrid").ahead(&five, Some(&office));
        assert_eq!(ahead, Some(at("2026-11-23T08:00:00Z")));
    }

    #[test]
    fn what_has_no_day_does_not_expire() {
        let labelled = Paper {
            label: vec!["confidential".to_owned()],
            zone: "UTC".to_owned(),
            ..Paper::default()
        };
        assert_eq!(Expiry::of(&file(), file().current()), None);
        let file = file().with_paper(Some(labelled));
        assert_eq!(Expiry::of(&file, file.current()), None);
    }
}
