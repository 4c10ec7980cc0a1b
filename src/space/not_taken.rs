//! Why a request does not take something, in sentences that the giver reads.

use super::media;
use super::request::{MAX_CHANGES, MAX_REASON_CHARS};
use crate::base::file_type;
use jiff::civil::Date;

/// Why something is not taken, in words for the giver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// There is no such item.
    #[error("There is no item {0} in this request.")]
    NoItem(String),
    /// There is no such file in the item.
    #[error("There is no such file in {0}.")]
    NoFile(String),
    /// Somebody has looked at it.
    #[error("{0} has been accepted and can no longer be changed.")]
    Accepted(String),
    /// There is no room.
    #[error("{title} takes {max} files at most. Remove one first, or choose which one the new file replaces.")]
    Full {
        /// The item.
        title: String,
        /// How many.
        max: u32,
    },
    /// It was changed too often.
    #[error("This request was changed {MAX_CHANGES} times, which is the most. Write to the person who sent it to you.")]
    TooOften,
    /// Nothing will be given.
    #[error("You have declined this request, so it takes nothing more.")]
    Withdrawn,
    /// Another type of file.
    #[error("{title} takes {}, and this file is {}.", accept.join(", "), kind_in_words(found))]
    Type {
        /// The item.
        title: String,
        /// What it takes.
        accept: Vec<String>,
        /// What came.
        found: String,
    },
    /// The name says another type than the content.
    #[error("The name of the file does not fit its content, which is {}. Give it the right extension.", kind_in_words(.0))]
    Name(String),
    /// A larger file.
    #[error("{title} takes files of {max} at most.")]
    TooLarge {
        /// The item.
        title: String,
        /// The largest size, as people say it.
        max: String,
    },
    /// The file has no bytes.
    #[error("The file is empty.")]
    Empty,
    /// The day is missing.
    #[error("Enter the day until which {0} is valid.")]
    DayMissing(String),
    /// No day is entered.
    #[error("{0} takes no day until which it is valid.")]
    DayUnwanted(String),
    /// It is no day.
    #[error("The day until which it is valid must be a date, as 2026-11-23.")]
    NoDay,
    /// The day is too early.
    #[error("{title} must be valid until {earliest} at least.")]
    DayTooEarly {
        /// The item.
        title: String,
        /// The earliest day.
        earliest: Date,
    },
    /// It is wanted.
    #[error("{0} is needed and cannot be left out.")]
    Needed(String),
    /// No reason was given.
    #[error("Say why, in a few words.")]
    ReasonMissing,
    /// The reason is no text to keep.
    #[error("The reason must be text of {MAX_REASON_CHARS} characters at most.")]
    Reason,
    /// A condition does not hold.
    #[error("{0}")]
    Check(String),
    /// A condition is about what stands in the file, which could not be read.
    #[error("{0}")]
    Unread(String),
}

/// A media type as people call it: `a PDF file`, or the type itself where it has no extension.
fn kind_in_words(media_type: &str) -> String {
    match (media_type, file_type::endings_of(media_type).next()) {
        ("text/plain", _) => "a plain text".to_owned(),
        (media::UNKNOWN, _) => "of a type that is not known".to_owned(),
        (_, Some(ending)) => format!("of type {ending}"),
        (other, None) => format!("of type {other}"),
    }
}
