//! What stands in files, for conditions on it: the text of a PDF, the table of a CSV.
//!
//! Files come from people who need not be trusted, and a PDF can be made so that reading it takes all the
//! memory or time there is. So a process of its own reads: with little memory and time, without the
//! environment and the secrets of this one, and with nothing but the bytes. What goes wrong in it is that the
//! file could not be read.

mod apart;
mod pdf;
mod table;
#[cfg(test)]
mod tests;

pub use apart::{ENVIRONMENT, MAX_MEMORY, answer};

use super::HostError;
use crate::base::Value;
use crate::base::encoding::{Extent, decode};
use crate::base::file_type::Readable;
use crate::expr::Expression;
use crate::store::Blobs;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 32 << 20;
/// Longest text, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 512 << 10;
/// Longest first line of a table, in bytes.
pub const MAX_HEADER_BYTES: usize = 64 << 10;
/// Most pages.
pub const MAX_PAGES: usize = 500;
/// Most bytes that one compressed part of a PDF may come to.
pub const MAX_STREAM_BYTES: usize = 16 << 20;
/// Longest time that reading a file may take.
pub const MAX_TIME: Duration = Duration::from_secs(10);
/// Files that are read at once; others wait.
pub const MAX_AT_ONCE: usize = 2;
/// Stack of the thread that reads: what nests deeply is refused before it is used up.
const STACK_BYTES: usize = 32 << 20;

/// The fields of `file` that are read out of it.
const READ: [&str; 3] = ["text", "columns", "rows"];

/// Where files are read.
#[derive(Clone, Debug, Default)]
pub enum Where {
    /// In this process: for files of one's own.
    #[default]
    Here,
    /// By this program, which is Gatefold, in a process of its own.
    Apart(PathBuf),
}

/// Reads files, a few at once.
#[derive(Debug)]
pub struct Reader {
    place: Where,
    turns: Semaphore,
}

/// What stands in a file. What is not there could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The names of its columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Rows below them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Why something is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// Why a file could not be read. To be read after "because".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is of another type.
    #[error("it is of a type that holds none")]
    Type,
    /// It is larger than what is read.
    #[error("it has more than {} MB", MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// There is more text than is read.
    #[error("its text has more than {} kB", MAX_TEXT_BYTES >> 10)]
    TooLong,
    /// There are more pages than are read.
    #[error("it has more than {MAX_PAGES} pages")]
    TooManyPages,
    /// Nobody reads it without a password.
    #[error("it is protected by a password")]
    Protected,
    /// There are pictures at most.
    #[error("it holds none, as a scan does")]
    NoText,
    /// The bytes are text in no encoding that is known.
    #[error("its encoding is not known")]
    Encoding,
    /// It is not made as such files are.
    #[error("it is damaged, or made in an unusual way")]
    Damaged,
    /// Time was up.
    #[error("reading it takes too long")]
    TooSlow,
}

impl Reader {
    /// Reads there.
    pub fn new(place: Where) -> Self {
        Self {
            place,
            turns: Semaphore::new(MAX_AT_ONCE),
        }
    }

    /// What stands in a blob of `size` bytes.
    ///
    /// # Errors
    /// Where the bytes cannot be fetched, or no process can be started.
    pub async fn read(&self, blobs: &Blobs, sha256: &str, size: u64, kind: Readable) -> Result<Reading, HostError> {
        if size > MAX_FILE_BYTES {
            return Ok(Why::TooLarge.into());
        }
        let _turn = self.turns.acquire().await;
        let file = blobs.open_blob(sha256).await.map_err(super::files::blob_error)?;
        let mut bytes = Vec::new();
        let fetched = file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).await;
        fetched.map_err(|error| super::files::blob_error(error.into()))?;
        let place = self.place.clone();
        let read = spawn_blocking(move || match &place {
            Where::Apart(program) => apart::read(program, bytes, kind),
            Where::Here => Ok(read(kind, bytes)),
        });
        let read = read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        read.map_err(|error| HostError::Damaged {
            what: "the file that was sent".to_owned(),
            why: format!("nobody can read it now ({error})"),
        })
    }
}

/// What stands in these bytes. Never panics, whatever they are.
pub fn read(kind: Readable, bytes: Vec<u8>) -> Reading {
    let reader = std::thread::Builder::new().stack_size(STACK_BYTES);
    let reader = reader.spawn(move || match kind {
        Readable::Pdf => pdf::text(&bytes).map_or_else(Reading::from, |text| Reading {
            text: Some(text),
            ..Reading::default()
        }),
        Readable::Plain => text(&bytes).map_or_else(Reading::from, |text| of_text(&text)),
        Readable::Table => text(&bytes).map_or_else(Reading::from, |text| of_table(&text)),
    });
    let read = reader.ok().and_then(|reader| reader.join().ok());
    read.unwrap_or_else(|| Why::Damaged.into())
}

/// The text of a text file, in whatever encoding it came.
fn text(bytes: &[u8]) -> Result<String, Why> {
    decode(bytes, Extent::Whole).map(Cow::into_owned).ok_or(Why::Encoding)
}

fn of_text(text: &str) -> Reading {
    if text.len() > MAX_TEXT_BYTES {
        return Why::TooLong.into();
    }
    Reading {
        text: Some(text.to_owned()),
        ..Reading::default()
    }
}

/// A long table has no text, and columns and rows all the same.
fn of_table(text: &str) -> Reading {
    let as_text = of_text(text);
    match table::table(text) {
        Ok(table) => Reading {
            columns: Some(table.columns),
            rows: Some(table.rows),
            ..as_text
        },
        Err(why) => Reading {
            why: as_text.why.or(Some(why)),
            ..as_text
        },
    }
}

impl From<Why> for Reading {
    fn from(why: Why) -> Self {
        Self {
            why: Some(why),
            ..Self::default()
        }
    }
}

impl Reading {
    /// The fields of `file` that are known of it.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let known = [
            self.text.as_ref().map(|text| Value::from(text.as_str())),
            self.columns.as_ref().map(|names| Value::from(names.as_slice())),
            self.rows.map(Value::from),
        ];
        READ.into_iter()
            .zip(known)
            .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Whether a condition asks for something that could not be read.
    pub fn lacks(&self, condition: &Expression) -> bool {
        words(condition).iter().any(|word| !self.has(word))
    }

    fn has(&self, word: &str) -> bool {
        self.fields().any(|(name, _)| name == word)
    }

    /// What to say to whoever sent the file for a condition that asks for what could not be read.
    pub fn refusal(&self, condition: &Expression) -> String {
        let why = self.why.unwrap_or(Why::Type);
        let lacks_table = words(condition).iter().any(|word| *word != "text" && !self.has(word));
        if lacks_table {
            format!(
                "The table in this file could not be read, because {why}. Send a CSV file whose first line names the \
                 columns."
            )
        } else {
            format!(
                "The text of this file could not be read, because {why}. Send a PDF whose text can be selected, or a text \
                 file."
            )
        }
    }
}

/// Whether a condition asks for something that is read out of the file.
pub fn is_needed(condition: &Expression) -> bool {
    !words(condition).is_empty()
}

/// What is read out of a file and asked for by a condition.
fn words(condition: &Expression) -> Vec<&'static str> {
    let mut words = Vec::new();
    for reference in &condition.references {
        match reference.path.as_slice() {
            // Whoever takes it as a whole takes everything.
            [file] if file == "file" => words.extend(READ),
            [file, word, ..] if file == "file" => words.extend(READ.iter().find(|read| *read == word)),
            _ => {}
        }
    }
    words
}
