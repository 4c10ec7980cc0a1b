//! Separation of duties: evaluates `exclude`, the people who may not answer a task.

use super::super::frame::Slot;
use super::super::input::SENT_BY;
use super::super::state::Task;
use super::Decider;
use super::ask::texts;
use crate::base::address::mail_address;
use crate::base::{FileRef, Value};
use crate::expr::Template;
use crate::plan::{Exclusion, PlanAsk, PlanVerb};

/// Prefixes of parties that are not mail addresses.
const KINDS: [&str; 7] = ["user", "email", "link", "run", "flow", "trigger", "local"];

impl Decider<'_> {
    /// Persons who may not answer when the task is about `document`.
    ///
    /// # Errors
    /// If an expression fails, or its value is not a person. Nobody is asked then, because an
    /// excluded person could be among them.
    pub(super) fn excluded(
        &self,
        slot: Slot,
        ask: &PlanAsk,
        document: Option<&FileRef>,
    ) -> Result<Vec<String>, String> {
        let mut persons = Vec::new();
        for exclusion in &ask.exclude {
            match exclusion {
                Exclusion::Initiator => {
                    persons.push(self.state().initiator.clone());
                    persons.extend(self.state().starter.clone());
                }
                Exclusion::Uploader => persons.extend(document.and_then(|document| document.by.clone())),
                Exclusion::Step(step) => persons.extend(self.completed(slot.sibling(*step))),
                Exclusion::Person(written) => persons.extend(self.named(slot, written)?),
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        persons.retain(|person| seen.insert(person.clone()));
        Ok(persons)
    }

    /// Persons who may not answer the open task at `slot` now that it is about `document`. If an
    /// expression can no longer be evaluated, the persons whom it excluded before stay excluded.
    pub(super) fn excluded_anew(&self, slot: Slot, ask: &PlanAsk, document: &FileRef) -> Vec<String> {
        let before = self.state().task_of(slot).map(|task: &Task| task.exclude.clone());
        self.excluded(slot, ask, Some(document)).unwrap_or_else(|_| {
            let mut excluded = before.unwrap_or_default();
            excluded.extend(document.by.clone());
            excluded
        })
    }

    /// Persons who completed a step.
    fn completed(&self, other: Slot) -> Vec<String> {
        let output = &self.state().step(other).output;
        match (&self.step(other).verb, output.as_ref()) {
            (PlanVerb::Wait(wait), Value::Object(all)) if wait.all => all.values().flat_map(completed_by).collect(),
            _ => completed_by(output),
        }
    }

    /// The persons that an expression of `exclude` gives.
    fn named(&self, slot: Slot, written: &Template) -> Result<Vec<String>, String> {
        let persons = texts(std::slice::from_ref(written), &self.scope(slot))
            .map_err(|error| format!("`exclude` could not be evaluated: {error}"))?;
        match persons.iter().find(|text| !is_party(text)) {
            None => Ok(persons),
            Some(text) => Err(format!(
                "`{}` of `exclude` gives {text:?}, which names no person. Give user:NAME, a mail address, or a list of these.",
                written.source
            )),
        }
    }
}

/// Whether the text names exactly one party, in the form that journals use.
fn is_party(text: &str) -> bool {
    let kind = text.split_once(':').filter(|(_, name)| !name.trim().is_empty());
    kind.is_some_and(|(kind, _)| KINDS.contains(&kind)) || mail_address(text).is_some()
}

/// Who brought a step to its outcome, as far as its output tells: whoever acted, for whom, who was escalated to, and who
/// sent the event.
pub(in super::super) fn completed_by(output: &Value) -> Vec<String> {
    let decisions = output.get("decisions").and_then(Value::as_array);
    let records = decisions.into_iter().flatten().chain(std::iter::once(output));
    records
        .flat_map(|record| ["by", "on_behalf_of", "escalated_to", SENT_BY].map(|name| record.get(name)))
        .filter_map(|person| person.and_then(Value::as_str).map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_party;

    #[test]
    fn only_people_and_other_parties_can_be_excluded() {
        for party in [
            "user:anna",
            "Rosa@supplier.example",
            "email:rosa@supplier.example",
            "run:run_1",
            "trigger:webhook",
        ] {
            assert!(is_party(party), "{party}");
        }
        for text in ["", "anna", "user:", "user: ", "role:legal", "initiator", "null"] {
            assert!(!is_party(text), "{text}");
        }
    }
}
