//! `min_files`: how many files of a share must be downloaded before a wait ends.

use super::shape::{MAX_COUNT, count, must_be};
use crate::base::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;

/// Type of the event for a downloaded file.
pub const FILE_DOWNLOADED: &str = "file360.file_downloaded";

/// How many different files must be downloaded. Written as `all` or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum MinFiles {
    /// Every file of the share.
    All,
    /// This many.
    Count(u32),
}

impl MinFiles {
    /// The value for a wait for `event`, or its default: every file, but `None` if the wait has its
    /// own condition, so that the first matching download ends it.
    pub fn or_default(written: Option<Self>, event: &str, has_condition: bool) -> Option<Self> {
        let default = (!has_condition).then_some(Self::All);
        written.or(default).filter(|_| event == FILE_DOWNLOADED)
    }

    /// Whether enough files have been downloaded, according to the event's fields. Events of an
    /// older build have no such fields; then one download is enough.
    pub fn is_met_by(self, data: &Value) -> bool {
        let field = |name| data.get(name).and_then(Value::as_u64);
        let (Some(downloaded), Some(shared)) = (field("files_downloaded"), field("files_shared")) else {
            return true;
        };
        match self {
            Self::All => downloaded >= shared,
            Self::Count(count) => downloaded >= u64::from(count),
        }
    }
}

impl TryFrom<Value> for MinFiles {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        if value.as_str() == Some("all") {
            return Ok(Self::All);
        }
        let number = count(&value, MAX_COUNT).map(Self::Count);
        number.ok_or_else(|| must_be("`all` or a number from 1", &value))
    }
}

impl From<MinFiles> for Value {
    fn from(min: MinFiles) -> Self {
        match min {
            MinFiles::All => json!("all"),
            MinFiles::Count(count) => json!(count),
        }
    }
}

impl JsonSchema for MinFiles {
    fn schema_name() -> Cow<'static, str> {
        "MinFiles".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "min_files",
            "description": "How many different files of the share must be downloaded.",
            "oneOf": [
                { "const": "all", "description": "Every file of the share." },
                { "type": "integer", "minimum": 1, "maximum": MAX_COUNT, "description": "This many." },
            ],
            "examples": ["all", 2],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_have_to_be_downloaded_as_are_wanted() {
        let event = |downloaded: u64| json!({ "files_downloaded": downloaded, "files_shared": 3 });
        for (min, enough) in [(MinFiles::All, 3), (MinFiles::Count(2), 2), (MinFiles::Count(1), 1)] {
            assert!(
                min.is_met_by(&event(enough)) && !min.is_met_by(&event(enough - 1)),
                "{min:?}"
            );
        }
        assert!(MinFiles::All.is_met_by(&json!({ "by": "an older build" })));
    }

    #[test]
    fn all_is_the_default_of_downloads_that_are_not_chosen_by_a_condition() {
        assert_eq!(MinFiles::or_default(None, FILE_DOWNLOADED, false), Some(MinFiles::All));
        assert_eq!(MinFiles::or_default(None, FILE_DOWNLOADED, true), None);
        let two = Some(MinFiles::Count(2));
        assert_eq!(MinFiles::or_default(two, FILE_DOWNLOADED, true), two);
        assert_eq!(MinFiles::or_default(two, "file360.file_uploaded", false), None);
    }

    #[test]
    fn it_is_written_as_a_word_or_a_number() {
        for (written, min) in [(json!("all"), MinFiles::All), (json!(2), MinFiles::Count(2))] {
            assert_eq!(MinFiles::try_from(written.clone()), Ok(min));
            assert_eq!(Value::from(min), written);
        }
        for wrong in [json!(0), json!(MAX_COUNT + 1), json!("any"), json!(1.5), json!("2")] {
            assert!(MinFiles::try_from(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(MinFiles::try_from(json!(MAX_COUNT)).is_ok());
    }
}
