//! What is said about a task.

use crate::base::Timestamp;
use crate::engine::event::Remark;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something said about a task.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskRemark {
    /// Who said it.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The words.
    pub text: String,
    /// Who is asked, where it is a question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which remark it answers, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<u32>,
}

impl From<Remark> for TaskRemark {
    fn from(remark: Remark) -> Self {
        Self {
            by: remark.by,
            at: remark.at,
            text: remark.text,
            to: remark.to,
            answers: remark.answers,
        }
    }
}

/// Something to say about a task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemarkBody {
    /// The words.
    pub text: String,
    /// Whom to ask, as `user:ben`: they see the task and may answer.
    #[serde(default)]
    pub to: Option<String>,
    /// Which remark it answers, counted from 1.
    #[serde(default)]
    pub answers: Option<u32>,
}
