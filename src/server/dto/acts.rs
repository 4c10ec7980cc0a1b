//! What is done about a task beside answering it, and about a step in the place of the run.

use crate::base::id::RunId;
use crate::base::{Timestamp, Value};
use crate::engine::event::{Draft, Started, Suspension};
use crate::host::migrate::MoveReport;
use crate::server::problem::{Problem, Wrong};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::collections::BTreeMap;

/// What a failed step came to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetStepBody {
    /// One of the step's outcomes; without it, the one that goes on.
    #[serde(default)]
    pub outcome: Option<String>,
    /// What it gives: what its action gives, by name.
    #[serde(default)]
    pub output: Map<String, Value>,
    /// In a sentence; it goes into the journal.
    pub reason: String,
}

/// Why somebody steps in, or whether they could.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByHandBody {
    /// In a sentence; it goes into the journal. Needed unless nothing is changed.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether it is only said if it would be refused.
    #[serde(default)]
    pub dry_run: bool,
}

impl ByHandBody {
    /// Why; without it nothing is done.
    pub fn reason(self) -> Result<String, Problem> {
        self.reason
            .ok_or_else(|| Problem::bad_request("json", "the body does not fit: missing field `reason`"))
    }
}

/// Where a run is to go on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrateBody {
    /// A deployed version of its flow; without it, the one that new runs take.
    #[serde(default)]
    pub to: Option<String>,
    /// Steps that are called otherwise there: old name, new name.
    #[serde(default)]
    pub steps: BTreeMap<String, String>,
    /// In a sentence; it goes into the journal. Needed unless nothing is changed.
    #[serde(default)]
    pub reason: String,
    /// Whether it is only said what would become of it.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of a run that was to be moved, or would become of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Migrated {
    /// The run.
    pub run: String,
    /// The version that it went by.
    pub from: String,
    /// The other version.
    pub to: String,
    /// `moved`; `compatible` or `incompatible` where nothing was changed; `same` where it went by that version
    /// already.
    pub state: String,
    /// Every reason why it cannot go on so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Wrong>,
    /// Steps that begin with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub begins: Vec<String>,
}

impl Migrated {
    /// As the API tells of it.
    pub fn new(run: &RunId, report: MoveReport, dry_run: bool) -> Self {
        let state = match (report.same, report.obstacles.is_empty(), dry_run) {
            (true, ..) => "same",
            (false, true, false) => "moved",
            (false, true, true) => "compatible",
            (false, false, _) => "incompatible",
        };
        let reasons = report.obstacles.into_iter();
        Self {
            run: run.to_string(),
            from: report.from,
            to: report.to,
            state: state.to_owned(),
            reasons: reasons
                .map(|one| Wrong {
                    place: one.place,
                    detail: one.why,
                })
                .collect(),
            begins: report.begins,
        }
    }
}

/// A task that rests.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskRest {
    /// Who lets it rest.
    pub by: String,
    /// Since when.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl From<Suspension> for TaskRest {
    fn from(rest: Suspension) -> Self {
        Self {
            by: rest.by,
            at: rest.at,
            reason: rest.reason,
        }
    }
}

/// Somebody who works on a task.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskStart {
    /// Who.
    pub by: String,
    /// Since when.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl From<Started> for TaskStart {
    fn from(started: Started) -> Self {
        Self {
            by: started.by,
            at: started.at,
        }
    }
}

/// What was filled in and kept before the answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskDraft {
    /// Who kept it last.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// By the names of the fields.
    pub form: Map<String, Value>,
}

impl From<Draft> for TaskDraft {
    fn from(draft: Draft) -> Self {
        Self {
            by: draft.by,
            at: draft.at,
            form: draft.form,
        }
    }
}

/// What is filled in and kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveBody {
    /// By the names of the fields; what was kept of others stays.
    pub form: Map<String, Value>,
}

/// Somebody else for a task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOnBody {
    /// Who, as `user:ben`.
    pub to: String,
    /// In whose place; without it, in the caller's own.
    #[serde(default)]
    pub of: Option<String>,
    /// Why; administrators need one.
    #[serde(default)]
    pub reason: Option<String>,
    /// For handing over: whether they begin anew, and what was kept is forgotten.
    #[serde(default)]
    pub afresh: bool,
}

/// Why a task is given back.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseBody {
    /// Administrators need one.
    #[serde(default)]
    pub reason: Option<String>,
}
