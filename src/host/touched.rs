//! What a new version of a flow would touch: runs of earlier versions that wait, and whether the
//! steps at which they do are the same in it.

use super::{Host, HostError};
use crate::base::{Document, Value};
use crate::store::{Deployment, RunFilter, RunStatus};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How many runs under way, the newest first, are looked at for one deployment.
pub const MAX_LOOKED_AT: usize = 500;
/// How long runs are looked at for one deployment, which is done by then.
pub const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// What became of a step in a new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is written as it was.
    Same,
    /// It is written otherwise.
    Changed,
    /// There is none of its id.
    Gone,
}

impl Change {
    /// As written in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// Runs of one earlier version that wait at one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Their version.
    pub version: String,
    /// The step, by its id.
    pub step: String,
    /// How many runs.
    pub runs: u32,
    /// What became of the step in the new version.
    pub change: Change,
}

/// What a new version would touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touching {
    /// By version and step.
    pub waiting: Vec<Touched>,
    /// Whether there are more runs than were looked at.
    pub more: bool,
    /// Whether runs could not be looked at.
    pub failed: bool,
}

/// How many runs wait, by version, step and what became of it.
type Counted = BTreeMap<(String, String, Change), u32>;

impl Host {
    /// Which runs of other versions of the flow wait now, at which steps. They stay with the version
    /// that they began with. What cannot be looked at, or not within [`LONGEST_LOOK`], is left out: the
    /// flow is deployed, whatever comes of this.
    pub async fn touched(self: &Arc<Self>, new: &Deployment) -> Touching {
        let mut counted = Counted::new();
        let looked = tokio::time::timeout(LONGEST_LOOK, self.count_waiting(new, &mut counted)).await;
        let (more, failed) = match looked {
            Ok(Ok(more)) => (more, false),
            Ok(Err(error)) => {
                tracing::warn!(flow = new.flow, %error, "which runs a new version touches could not be looked at");
                (false, true)
            }
            Err(_) => (true, false),
        };
        let waiting = counted.into_iter().map(|((version, step, change), runs)| Touched {
            version,
            step,
            runs,
            change,
        });
        Touching {
            waiting: waiting.collect(),
            more,
            failed,
        }
    }

    /// Counts the runs of other versions that wait; gives whether there are more than were looked at.
    async fn count_waiting(self: &Arc<Self>, new: &Deployment, counted: &mut Counted) -> Result<bool, HostError> {
        let filter = RunFilter {
            flow: Some(new.flow.clone()),
            status: Some(RunStatus::Running),
            limit: MAX_LOOKED_AT + 1,
            ..RunFilter::default()
        };
        let mut runs = self.list_runs(&filter).await?;
        let more = runs.len() > MAX_LOOKED_AT;
        runs.truncate(MAX_LOOKED_AT);
        let new_steps = steps_of(&new.source);
        let mut old_steps: HashMap<String, HashMap<String, Value>> = HashMap::new();
        for row in runs.into_iter().filter(|row| row.plan != new.hash) {
            // a run that cannot be read is told of elsewhere, and does not keep a flow from being deployed
            let Ok(view) = self.run_view(&row.id).await else {
                continue;
            };
            if !old_steps.contains_key(&row.plan) {
                let old = self.parts().store.deployment(&row.plan).await?;
                let steps = old.map_or_else(HashMap::new, |old| steps_of(&old.source));
                old_steps.insert(row.plan.clone(), steps);
            }
            let old = &old_steps[&row.plan];
            let at: BTreeSet<&str> = view.why.reasons.iter().map(|reason| own_id(&reason.step)).collect();
            for step in at.into_iter().filter(|step| old.contains_key(*step)) {
                let change = match new_steps.get(step) {
                    None => Change::Gone,
                    Some(new) if old.get(step) == Some(new) => Change::Same,
                    Some(_) => Change::Changed,
                };
                *counted
                    .entry((row.version.clone(), step.to_owned(), change))
                    .or_default() += 1;
            }
        }
        Ok(more)
    }
}

/// The id of a step as its flow has it: `sign` of `departments[3].sign`.
pub(super) fn own_id(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, id)| id)
}

/// Every step of a flow as it is written, by id.
fn steps_of(source: &str) -> HashMap<String, Value> {
    let (document, _) = Document::parse("flow.yaml", source);
    let mut found = HashMap::new();
    for list in ["steps", "always"] {
        collect(document.value.get(list), &mut found);
    }
    found
}

fn collect(list: Option<&Value>, found: &mut HashMap<String, Value>) {
    for step in list.and_then(Value::as_array).into_iter().flatten() {
        if let Some(id) = step.get("id").and_then(Value::as_str) {
            found.insert(id.to_owned(), step.clone());
        }
        collect(step.get("each").and_then(|each| each.get("steps")), found);
    }
}

#[cfg(test)]
mod tests {
    use super::{own_id, steps_of};

    #[test]
    fn steps_are_found_wherever_they_stand() {
        let steps = steps_of(
            "steps:\n  - { id: a, end: {} }\n  - { id: b, each: { in: [1], steps: [{ id: c, end: {} }] } }\nalways: [{ id: d }]\n",
        );
        let mut names: Vec<&str> = steps.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c", "d"]);
        assert_eq!((own_id("b#2[3].c"), own_id("a")), ("c", "a"));
    }
}
