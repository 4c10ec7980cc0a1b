//! A request: a share through which somebody is asked for documents, item by item.
//!
//! Invariants: every change is counted and none is undone; what somebody has looked at and accepted
//! stays; an item never holds more files than it takes.

use super::media::Media;
use super::names;
pub use super::not_taken::NotTaken;
use crate::base::{FileRef, ItemState, Period, Semantics, Timestamp, calendar, file_type, moment, size};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Changes that one request takes: what is sent, taken back, sent again.
pub const MAX_CHANGES: u64 = 1_000;
/// Longest reason why an item does not apply or nothing is given, in characters.
pub const MAX_REASON_CHARS: usize = 2_000;

/// What somebody is asked for, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The zone in which a day begins.
    pub zone: String,
    /// The evaluation rules that the run which made it follows.
    #[serde(default, skip_serializing_if = "Semantics::is_first")]
    pub semantics: Semantics,
    /// The items, in order.
    pub items: Vec<Item>,
    /// Changes so far.
    pub changes: u64,
    /// Why nothing will be given, once that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// Whether it closed because nothing was left to be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Item {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What to send, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Types of files that are taken, as ends of names; any where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
    /// Largest file, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The same as the author wrote it, as `50 MB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<String>,
    /// Fewest files.
    pub min: u32,
    /// Most files.
    pub max: u32,
    /// Whether the request is complete without it.
    pub optional: bool,
    /// Whether it may be said why it does not apply, though it is not optional.
    pub or_because: bool,
    /// Whether a day until which it is valid is entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Need>,
    /// How far ahead that day has to lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// How long before that day the document is due for renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<String>,
    /// What its files are labelled with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<String>,
    /// Whether somebody looks at it before it counts.
    pub reviewed: bool,
    /// What must hold of each file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<ItemCheck>,
    /// How it stands.
    pub state: ItemState,
    /// What was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Given>,
    /// Why it was sent back, or does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The change that led here.
    pub change: u64,
    /// Whether what was sent back was sent again as it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
}

/// What a file that is sent becomes in its item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'i> {
    /// Nothing: the item holds it already.
    Same(&'i Given),
    /// A version of this file.
    Version(&'i Given),
    /// A file of this name.
    New(String),
}

/// Whether something is to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It has to be.
    Required,
    /// It may be.
    Optional,
}

/// What must hold of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(deny_unknown_fields)]
pub struct ItemCheck {
    /// Bare expression over `file`: its `name`, `size`, `media_type`, `sha256`, `valid_until`; its `text`; of a CSV
    /// its `columns` and `rows`.
    #[serde(rename = "where")]
    pub condition: String,
    /// What to say where it does not hold.
    #[serde(rename = "else")]
    pub message: String,
}

/// A file that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Given {
    /// The file.
    pub file: FileRef,
    /// The day until which it is valid, as `2026-11-23`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
}

impl Request {
    /// The item called `name`.
    ///
    /// # Errors
    /// Where there is none.
    pub fn item(&self, name: &str) -> Result<&Item, NotTaken> {
        let found = self.items.iter().find(|item| item.name == name);
        found.ok_or_else(|| NotTaken::NoItem(shown(name)))
    }

    /// The request with one file more, or another version of one. Where an item takes one file, the
    /// new one takes the place of the old.
    ///
    /// # Errors
    /// Why the item takes nothing now.
    pub fn received(mut self, name: &str, given: Given) -> Result<Self, NotTaken> {
        let item = self.item(name)?;
        let is_there = item.files.iter().find(|one| one.file.id == given.file.id);
        item.takes(Some(&given.file.name), is_there.map(|one| one.file.id.as_str()))?;
        let item = self.change(name)?;
        match item.files.iter().position(|one| one.file.id == given.file.id) {
            Some(at) => item.files[at] = given,
            None if item.max == 1 => item.files = vec![given],
            None => item.files.push(given),
        }
        item.stand();
        Ok(self)
    }

    /// The request after an item got once more what it holds; `None` where that changes nothing. An item that was sent back
    /// is looked at again.
    ///
    /// # Errors
    /// Why the item takes nothing now.
    pub fn received_again(mut self, name: &str) -> Result<Option<Self>, NotTaken> {
        self.is_open()?;
        if self.item(name)?.state != ItemState::SentBack {
            return Ok(None);
        }
        let item = self.change(name)?;
        item.stand();
        item.unchanged = true;
        Ok(Some(self))
    }

    /// The request without a file that was given, and that file.
    ///
    /// # Errors
    /// Why it stays.
    pub fn removed(mut self, name: &str, file: &str) -> Result<(Self, Given), NotTaken> {
        let item = self.item(name)?;
        item.is_open()?;
        let at = item.files.iter().position(|one| one.file.id == file);
        let at = at.ok_or_else(|| NotTaken::NoFile(item.title.clone()))?;
        let item = self.change(name)?;
        let given = item.files.remove(at);
        item.stand();
        Ok((self, given))
    }

    /// The request after it was said why an item does not apply.
    ///
    /// # Errors
    /// If the request cannot be declined.
    pub fn not_applicable(mut self, name: &str, because: &str) -> Result<Self, NotTaken> {
        let item = self.item(name)?;
        item.is_open()?;
        if !item.optional && !item.or_because {
            return Err(NotTaken::Needed(item.title.clone()));
        }
        let because = reason(because)?;
        let item = self.change(name)?;
        item.files.clear();
        item.state = ItemState::NotApplicable;
        item.unchanged = false;
        item.reason = Some(because);
        Ok(self)
    }

    /// The request after it was said that nothing will be given.
    ///
    /// # Errors
    /// If the request cannot be declined.
    pub fn withdraw(mut self, why: &str) -> Result<Self, NotTaken> {
        self.is_open()?;
        self.withdrawn = Some(reason(why)?);
        self.changes += 1;
        Ok(self)
    }

    /// The request after one of several people declined while others may still give something.
    ///
    /// # Errors
    /// If the request cannot be declined.
    pub fn withdrawn_by_one(self, why: &str) -> Result<(Self, String), NotTaken> {
        let withdrawn = self.clone().withdraw(why)?;
        let said = withdrawn.withdrawn.unwrap_or_default();
        let request = Self {
            changes: withdrawn.changes,
            ..self
        };
        Ok((request, said))
    }

    /// The request after the run has looked at an item as it stood after `change`; `None` where the
    /// item has changed since, or stands so already.
    pub fn looked_at(mut self, name: &str, change: u64, state: ItemState, reason: Option<&str>) -> Option<Self> {
        let item = self.items.iter_mut().find(|item| item.name == name)?;
        if item.change != change || item.state == state {
            return None;
        }
        item.state = state;
        item.reason = reason.map(str::to_owned);
        Some(self)
    }

    /// Whether anything is still taken.
    ///
    /// # Errors
    /// Why not.
    pub fn is_open(&self) -> Result<(), NotTaken> {
        match &self.withdrawn {
            Some(_) => Err(NotTaken::Withdrawn),
            None if self.changes >= MAX_CHANGES => Err(NotTaken::TooOften),
            None => Ok(()),
        }
    }

    /// Counts a change of the item.
    fn change(&mut self, name: &str) -> Result<&mut Item, NotTaken> {
        self.is_open()?;
        self.changes += 1;
        let item = self.items.iter_mut().find(|item| item.name == name);
        let item = item.ok_or_else(|| NotTaken::NoItem(shown(name)))?;
        item.change = self.changes;
        Ok(item)
    }
}

impl Item {
    /// Whether what was given may be changed.
    fn is_open(&self) -> Result<(), NotTaken> {
        if self.reviewed && self.state == ItemState::Accepted {
            return Err(NotTaken::Accepted(self.title.clone()));
        }
        Ok(())
    }

    /// Whether the item takes a file of this name now, in the place of the file `replaces` if there is one.
    ///
    /// # Errors
    /// Why not.
    pub fn takes(&self, name: Option<&str>, replaces: Option<&str>) -> Result<(), NotTaken> {
        self.is_open()?;
        let has = |id: &str| self.files.iter().any(|one| one.file.id == id);
        if replaces.is_some_and(|id| !has(id)) {
            return Err(NotTaken::NoFile(self.title.clone()));
        }
        // One of the same name may be the same file, which takes no room.
        let may_be_there = self.files.iter().any(|one| Some(one.file.name.as_str()) == name);
        let is_full = self.max > 1 && self.files.len() >= self.max as usize;
        if is_full && replaces.is_none() && !may_be_there {
            return Err(self.full());
        }
        Ok(())
    }

    fn full(&self) -> NotTaken {
        NotTaken::Full {
            title: self.title.clone(),
            max: self.max,
        }
    }

    /// What a file of this name and content becomes. Where the item takes several files, another one of the same name is
    /// a file of its own with a number in its name, unless it is said which one it `replaces`.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn target(
        &self,
        name: &str,
        sha256: &str,
        day: Option<&str>,
        replaces: Option<&str>,
    ) -> Result<Target<'_>, NotTaken> {
        let target = |given| becomes(given, sha256, day);
        let named = |name: &str| self.files.iter().find(|one| one.file.name == name);
        if let Some(id) = replaces {
            let found = self.files.iter().find(|one| one.file.id == id);
            return found.map(target).ok_or_else(|| NotTaken::NoFile(self.title.clone()));
        }
        if self.max == 1 {
            return Ok(named(name).map_or_else(|| Target::New(name.to_owned()), target));
        }
        let mut candidate = name.to_owned();
        for number in 2.. {
            match named(&candidate).map(target) {
                Some(Target::Same(given)) => return Ok(Target::Same(given)),
                Some(_) => candidate = names::numbered(name, number),
                None => break,
            }
        }
        if self.files.len() >= self.max as usize {
            return Err(self.full());
        }
        Ok(Target::New(candidate))
    }

    /// Why a file that is larger than the item takes is refused; nothing where it takes any.
    pub fn too_large(&self) -> Option<NotTaken> {
        let max = self.largest()?;
        Some(NotTaken::TooLarge {
            title: self.title.clone(),
            max,
        })
    }

    /// The size of the largest file that it takes, as its author wrote it.
    pub fn largest(&self) -> Option<String> {
        let written = self.max_size.clone();
        written.or_else(|| self.max_bytes.map(size::in_words))
    }

    /// Whether a file of this size and kind is one that is asked for. What it is, its content tells;
    /// a name that says otherwise is refused too.
    ///
    /// # Errors
    /// What was expected.
    pub fn check_file(&self, size: u64, media: Media) -> Result<(), NotTaken> {
        let found = media.media_type.to_owned();
        let is_accepted = |ending: &String| file_type::of_ending(ending) == Some(media.media_type);
        if size == 0 {
            return Err(NotTaken::Empty);
        }
        if !self.accept.is_empty() && !self.accept.iter().any(is_accepted) {
            return Err(NotTaken::Type {
                title: self.title.clone(),
                accept: self.accept.clone(),
                found,
            });
        }
        if !media.name_agrees {
            return Err(NotTaken::Name(found));
        }
        match self.max_bytes {
            Some(max) if size > max => self.too_large().map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    /// Whether the day that was entered with a file at `at` is one that is asked for.
    ///
    /// # Errors
    /// What was expected.
    pub fn check_day(&self, day: Option<&str>, at: Timestamp, zone: &str) -> Result<(), NotTaken> {
        let day = match (day, self.valid_until) {
            (None, Some(Need::Required)) => return Err(NotTaken::DayMissing(self.title.clone())),
            (None, _) => return Ok(()),
            (Some(_), None) => return Err(NotTaken::DayUnwanted(self.title.clone())),
            (Some(day), Some(_)) => day,
        };
        // Only the form that is kept: what is written otherwise could be meant otherwise.
        let parsed = moment::day(day, Semantics::CURRENT).map_err(|_| NotTaken::NoDay)?;
        let ahead = self.at_least.as_deref().and_then(|text| Period::parse(text).ok());
        let from = ahead.and_then(|period| calendar::after(at, &period, None).ok());
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let earliest = from.unwrap_or(at).to_zoned(zone).date();
        if parsed < earliest {
            return Err(NotTaken::DayTooEarly {
                title: self.title.clone(),
                earliest,
            });
        }
        Ok(())
    }

    /// How the item stands after what is given has changed.
    fn stand(&mut self) {
        self.reason = None;
        self.unchanged = false;
        self.state = match self.files.len() {
            0 => ItemState::Missing,
            some if some < self.min as usize => ItemState::MoreNeeded,
            _ if self.reviewed => ItemState::Received,
            _ => ItemState::Accepted,
        };
    }
}

/// What a file of this content becomes in the place of `given`: nothing new, or a version.
fn becomes<'i>(given: &'i Given, sha256: &str, day: Option<&str>) -> Target<'i> {
    if given.file.sha256 == sha256 && given.valid_until.as_deref() == day {
        Target::Same(given)
    } else {
        Target::Version(given)
    }
}

/// A reason as it is kept.
fn reason(text: &str) -> Result<String, NotTaken> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NotTaken::ReasonMissing);
    }
    if text.chars().count() > MAX_REASON_CHARS || names::check_text(text).is_err() {
        return Err(NotTaken::Reason);
    }
    Ok(text.to_owned())
}

/// A name that somebody sent, as far as it can be shown.
fn shown(name: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    name.chars().filter(fits).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::media::{Sample, media_type};

    fn item(name: &str) -> Item {
        Item {
            name: name.to_owned(),
            title: "Tax form".to_owned(),
            instructions: None,
            accept: vec!["pdf".to_owned(), "jpg".to_owned()],
            max_bytes: Some(10),
            max_size: None,
            min: 1,
            max: 1,
            optional: false,
            or_because: false,
            valid_until: None,
            at_least: None,
            renew_before: None,
            label: Vec::new(),
            reviewed: false,
            checks: Vec::new(),
            state: ItemState::Missing,
            files: Vec::new(),
            reason: None,
            change: 0,
            unchanged: false,
        }
    }

    fn request(item: Item) -> Request {
        Request {
            zone: "Europe/Madrid".to_owned(),
            semantics: Semantics::CURRENT,
            items: vec![item],
            changes: 0,
            withdrawn: None,
            complete: false,
        }
    }

    fn given(file: &str) -> Given {
        let file = FileRef {
            id: file.to_owned(),
            name: format!("{file}.pdf"),
            version: 1,
            sha256: "aa".to_owned(),
            size: 3,
            media_type: "application/pdf".to_owned(),
            by: None,
        };
        Given {
            file,
            valid_until: None,
        }
    }

    fn state(request: &Request) -> (ItemState, usize) {
        (request.items[0].state, request.items[0].files.len())
    }

    #[test]
    fn one_file_takes_the_place_of_another() {
        let first = request(item("tax")).received("tax", given("a")).unwrap();
        assert_eq!(state(&first), (ItemState::Accepted, 1));
        let second = first.received("tax", given("b")).unwrap();
        assert_eq!(second.items[0].files[0].file.id, "b");
        assert_eq!((state(&second), second.changes), ((ItemState::Accepted, 1), 2));
    }

    #[test]
    fn so_many_files_and_no_more() {
        let many = Item {
            min: 2,
            max: 3,
            ..item("tax")
        };
        let mut open = request(many);
        for (file, expected) in [
            ("a", ItemState::MoreNeeded),
            ("b", ItemState::Accepted),
            ("c", ItemState::Accepted),
        ] {
            open = open.received("tax", given(file)).unwrap();
            assert_eq!(open.items[0].state, expected);
        }
        let refused = open.clone().received("tax", given("d"));
        assert!(matches!(refused, Err(NotTaken::Full { max: 3, .. })));
        open = open.received("tax", given("c")).unwrap();
        assert_eq!(state(&open), (ItemState::Accepted, 3), "a newer version needs no room");
        for left in [ItemState::Accepted, ItemState::MoreNeeded, ItemState::Missing] {
            let file = open.items[0].files[0].file.id.clone();
            open = open.removed("tax", &file).unwrap().0;
            assert_eq!(open.items[0].state, left);
        }
        assert!(matches!(open.removed("tax", "a"), Err(NotTaken::NoFile(_))));
    }

    #[test]
    fn files_of_one_name_are_several_where_an_item_takes_several() {
        let many = Item {
            min: 2,
            max: 3,
            ..item("photos")
        };
        let named = |id: &str, name: &str, digest: &str| {
            let mut given = given(id);
            (given.file.name, given.file.sha256) = (name.to_owned(), digest.to_owned());
            given
        };
        let first = request(many).received("photos", named("a", "image.jpg", "aa")).unwrap();
        let item = &first.items[0];
        assert_eq!(
            item.target("image.jpg", "bb", None, None),
            Ok(Target::New("image (2).jpg".to_owned()))
        );
        assert!(matches!(
            item.target("image.jpg", "aa", None, None),
            Ok(Target::Same(_))
        ));
        assert!(matches!(
            item.target("other.jpg", "bb", None, Some("a")),
            Ok(Target::Version(_))
        ));
        assert!(matches!(
            item.target("other.jpg", "bb", None, Some("z")),
            Err(NotTaken::NoFile(_))
        ));
        let second = first.received("photos", named("b", "image (2).jpg", "bb")).unwrap();
        let item = &second.items[0];
        assert!(matches!(item.target("image.jpg", "bb", None, None), Ok(Target::Same(given)) if given.file.id == "b"));
        let full = second.received("photos", named("c", "c.jpg", "cc")).unwrap();
        assert!(matches!(
            full.items[0].target("image.jpg", "dd", None, None),
            Err(NotTaken::Full { .. })
        ));
        assert!(full.items[0].takes(Some("d.jpg"), Some("a")).is_ok());
        let one = request(super::tests::item("tax"))
            .received("tax", named("a", "a.pdf", "aa"))
            .unwrap();
        assert!(matches!(
            one.items[0].target("a.pdf", "bb", None, None),
            Ok(Target::Version(_))
        ));
        assert!(matches!(
            one.items[0].target("a.pdf", "aa", Some("2027-01-01"), None),
            Ok(Target::Version(_))
        ));
    }

    #[test]
    fn the_same_again_changes_only_what_was_sent_back() {
        let reviewed = Item {
            reviewed: true,
            ..item("tax")
        };
        let open = request(reviewed).received("tax", given("a")).unwrap();
        assert_eq!(open.clone().received_again("tax"), Ok(None));
        let back = open.looked_at("tax", 1, ItemState::SentBack, Some("blurred")).unwrap();
        let again = back.received_again("tax").unwrap().unwrap();
        let item = &again.items[0];
        assert_eq!(
            (item.state, item.unchanged, item.change),
            (ItemState::Received, true, 2)
        );
        let other = again.received("tax", given("b")).unwrap();
        assert!(!other.items[0].unchanged);
    }

    #[test]
    fn what_a_person_accepted_stays() {
        let reviewed = Item {
            reviewed: true,
            optional: true,
            ..item("tax")
        };
        let open = request(reviewed).received("tax", given("a")).unwrap();
        assert_eq!(open.items[0].state, ItemState::Received);
        let back = open
            .clone()
            .looked_at("tax", 1, ItemState::SentBack, Some("page 2 is missing"));
        let back = back.unwrap();
        assert_eq!(back.items[0].reason.as_deref(), Some("page 2 is missing"));
        let again = back.received("tax", given("a")).unwrap();
        assert_eq!(
            (again.items[0].state, &again.items[0].reason),
            (ItemState::Received, &None)
        );
        assert_eq!(
            again.clone().looked_at("tax", 1, ItemState::Accepted, None),
            None,
            "an older version"
        );
        let done = open.looked_at("tax", 1, ItemState::Accepted, None).unwrap();
        let accepted = Err(NotTaken::Accepted("Tax form".to_owned()));
        assert_eq!(done.clone().received("tax", given("b")), accepted);
        assert_eq!(done.clone().not_applicable("tax", "none"), accepted);
        assert!(matches!(done.removed("tax", "a"), Err(NotTaken::Accepted(_))));
    }

    #[test]
    fn only_what_may_be_left_out_does_not_apply_and_says_why() {
        let needed = request(item("tax"));
        assert!(matches!(needed.not_applicable("tax", "x"), Err(NotTaken::Needed(_))));
        for (optional, or_because) in [(true, false), (false, true)] {
            let open = request(Item {
                optional,
                or_because,
                ..item("tax")
            });
            assert_eq!(open.clone().not_applicable("tax", "  "), Err(NotTaken::ReasonMissing));
            let long = "x".repeat(MAX_REASON_CHARS);
            assert!(open.clone().not_applicable("tax", &long).is_ok());
            assert_eq!(
                open.clone().not_applicable("tax", &format!("{long}x")),
                Err(NotTaken::Reason)
            );
            let said = open.not_applicable("tax", "We pay none.").unwrap();
            assert_eq!(state(&said), (ItemState::NotApplicable, 0));
            let given = said.received("tax", given("a")).unwrap();
            assert_eq!(state(&given), (ItemState::Accepted, 1), "it may still come");
        }
    }

    #[test]
    fn content_decides_and_a_name_that_lies_is_refused() {
        let check = |name: &str, head: &'static [u8], size| {
            let sample = Sample { head, packed: None };
            item("tax").check_file(size, media_type(name, sample))
        };
        assert_eq!(check("a.pdf", b"%PDF-1.7", 10), Ok(()));
        assert_eq!(
            check("a.JPEG", b"\xff\xd8\xff", 1),
            Ok(()),
            "the type is asked for, not the ending"
        );
        assert_eq!(check("a", b"%PDF-1.7", 1), Ok(()));
        assert!(matches!(check("a.pdf", b"MZ\x90\0", 1), Err(NotTaken::Type { .. })));
        assert!(matches!(
            check("a.png", b"\x89PNG\r\n\x1a\n", 1),
            Err(NotTaken::Type { .. })
        ));
        assert!(matches!(check("a.exe", b"%PDF-1.7", 1), Err(NotTaken::Name(_))));
        assert!(matches!(
            check("a.pdf", b"%PDF-1.7", 11),
            Err(NotTaken::TooLarge { .. })
        ));
        assert_eq!(check("a.pdf", b"%PDF-1.7", 0), Err(NotTaken::Empty));
    }

    #[test]
    fn a_day_lies_far_enough_ahead_in_the_zone_of_the_request() {
        let dated = Item {
            valid_until: Some(Need::Required),
            at_least: Some("30 days".to_owned()),
            ..item("tax")
        };
        // 23:30 UTC: in Madrid the next day has begun.
        let now: Timestamp = "2026-11-23T23:30:00Z".parse().unwrap();
        let check = |day: Option<&str>| dated.check_day(day, now, "Europe/Madrid");
        assert_eq!(check(Some("2026-12-24")), Ok(()));
        assert!(matches!(check(Some("2026-12-23")), Err(NotTaken::DayTooEarly { .. })));
        assert!(matches!(check(None), Err(NotTaken::DayMissing(_))));
        assert_eq!(check(Some("24.12.2026")), Err(NotTaken::NoDay));
        assert_eq!(check(Some("20261224")), Err(NotTaken::NoDay));
        assert!(matches!(
            item("tax").check_day(Some("2026-12-24"), now, "UTC"),
            Err(NotTaken::DayUnwanted(_))
        ));
        let optional = Item {
            valid_until: Some(Need::Optional),
            ..item("tax")
        };
        assert_eq!(optional.check_day(None, now, "UTC"), Ok(()));
        assert_eq!(optional.check_day(Some("2026-11-23"), now, "UTC"), Ok(()));
        assert!(
            optional.check_day(Some("2026-11-22"), now, "UTC").is_err(),
            "it is over"
        );
    }

    #[test]
    fn a_request_takes_so_many_changes_and_not_one_more() {
        let mut open = request(item("tax"));
        for _ in 0..MAX_CHANGES {
            open = open.received("tax", given("a")).unwrap();
        }
        assert_eq!(open.clone().received("tax", given("a")), Err(NotTaken::TooOften));
        assert_eq!(open.withdraw("no"), Err(NotTaken::TooOften));
    }

    #[test]
    fn after_the_giver_is_gone_nothing_is_taken() {
        let over = request(item("tax")).withdraw("We do not supply you.").unwrap();
        assert_eq!(over.clone().received("tax", given("a")), Err(NotTaken::Withdrawn));
        assert_eq!(over.withdraw("again"), Err(NotTaken::Withdrawn));
        assert_eq!(
            request(item("tax")).received("other\u{1b}", given("a")),
            Err(NotTaken::NoItem("other".to_owned()))
        );
    }
}
