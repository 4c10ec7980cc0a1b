//! One run with its steps.

use super::{Reason, Run};
use crate::base::{Timestamp, Value};
use crate::host::runs::{self, ElementCounts, RunView, StepView};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;

/// A run with its steps.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunDetail {
    /// How it stands.
    #[serde(flatten)]
    pub run: Run,
    /// Its steps in the order of the file.
    pub steps: Vec<Step>,
    /// What a person must look at, in the order of names: at most 1,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_none")]
    pub more_incidents: usize,
    /// Its inputs.
    pub inputs: Value,
    /// What changes while it goes on, as it is now, by name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// Its outputs, once it ended.
    pub outputs: Option<Value>,
    /// The step of another run that started it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// The person who started the first run of the chain, as `user:anna`, if `initiator` is a run
    /// or a system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starter: Option<String>,
    /// What it waits for.
    pub why: Vec<Reason>,
}

/// The step of another run that started a run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Parent {
    /// The other run.
    pub run: String,
    /// Its step.
    pub step: String,
}

impl From<RunView> for RunDetail {
    fn from(view: RunView) -> Self {
        Self {
            run: view.run.into(),
            steps: view.steps.into_iter().map(Step::from).collect(),
            incidents: view.incidents.into_iter().map(Incident::from).collect(),
            more_incidents: view.more_incidents,
            inputs: view.inputs,
            values: view.values,
            outputs: view.outputs,
            starter: view.starter,
            why: Reason::all(view.why),
            parent: view.parent.map(|parent| Parent {
                run: parent.run.0,
                step: parent.step,
            }),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// Something that a person must look at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Incident {
    /// A step by its full name, `release:THING` for what is to be taken back, `abandoned:STEP:ROUND` for a call that
    /// was given up: what `retry` and `skip` name.
    pub step: String,
    /// What is wrong.
    pub error: String,
    /// How often it was tried; 0 where nothing was called.
    pub attempts: u32,
    /// Whether it is not known if the effect happened.
    pub in_doubt: bool,
}

impl From<runs::Incident> for Incident {
    fn from(incident: runs::Incident) -> Self {
        Self {
            step: incident.step,
            error: incident.error,
            attempts: incident.attempts,
            in_doubt: incident.in_doubt,
        }
    }
}

/// How a step stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Step {
    /// Its id; of a step of an element its full name, as `departments[3].sign`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// `pending`, `active`, `finished`, `skipped`, `not_reached`, `cancelled` or `incident`.
    pub state: String,
    /// Its outcome.
    pub outcome: Option<String>,
    /// Its round, from 1.
    pub round: u32,
    /// When it expires.
    #[schemars(with = "Option<String>")]
    pub due: Option<Timestamp>,
    /// What is wrong, where a person must look.
    pub error: Option<String>,
    /// How often it was tried, where a person must look at a call that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// How many of its elements stand how, where it does its steps for each of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elements: Option<Elements>,
    /// The run of another flow that it started, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// How many elements of an `each` stand how.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Elements {
    /// All of them.
    pub total: u32,
    /// Those that completed.
    pub completed: u32,
    /// Those that ended otherwise.
    pub otherwise: u32,
    /// Those under way; the steps of the first of these are listed behind it.
    pub running: u32,
}

impl From<ElementCounts> for Elements {
    fn from(counts: ElementCounts) -> Self {
        Self {
            total: counts.total,
            completed: counts.completed,
            otherwise: counts.otherwise,
            running: counts.running,
        }
    }
}

impl From<StepView> for Step {
    fn from(step: StepView) -> Self {
        Self {
            id: step.id,
            title: step.title,
            state: step.state,
            outcome: step.outcome,
            round: step.round,
            due: step.due,
            error: step.error,
            attempts: step.attempts,
            elements: step.elements.map(Elements::from),
            run: step.run.map(|run| run.0),
        }
    }
}
