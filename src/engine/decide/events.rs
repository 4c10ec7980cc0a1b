//! Something happened outside.

use super::super::event::{DocumentRef, Event};
use super::super::input::{InboundEvent, Reply};
use super::super::limits::{MAX_KEPT_EVENTS, MAX_PAYLOAD_BYTES, payload_bytes};
use super::super::state::{KeptEvent, Slot};
use super::Decider;
use crate::base::Value;
use crate::base::id::EventId;
use crate::plan::PlanVerb;
use crate::spec::step::OnNewVersion;

/// What tells of a new version of a file.
const FILE_UPLOADED: &str = "file360.file_uploaded";

impl Decider<'_> {
    pub(super) fn event(&mut self, event: InboundEvent) -> Reply {
        // An answer that was recorded before a timer counts; one that came at its moment or later
        // comes after it.
        self.fire_due(event.at.min(self.now));
        let state = self.state();
        let refused = state.is_ended()
            || state.seen.contains(&event.id)
            || !self.is_of_interest(&event.kind)
            || state.kept.len() >= MAX_KEPT_EVENTS
            || payload_bytes(&event.data) > MAX_PAYLOAD_BYTES;
        if refused {
            return Reply::AlreadyDone;
        }
        self.emit(Event::EventReceived {
            id: event.id,
            kind: event.kind,
            subjects: event.subjects,
            key: event.key,
            data: event.data,
        });
        Reply::Accepted
    }

    /// Whether a step may still look at events of this kind. What nobody looks at is not recorded.
    fn is_of_interest(&self, kind: &str) -> bool {
        let running = self.state().is_running();
        let steps = self.plan.steps.iter().filter(|_| running).chain(&self.plan.always);
        steps.into_iter().any(|step| match &step.verb {
            PlanVerb::Wait(wait) => wait.alternatives.values().any(|one| one.event == kind),
            PlanVerb::Ask(ask) => {
                kind == FILE_UPLOADED && ask.document.is_some() && ask.on_new_version == OnNewVersion::Reset
            }
            _ => false,
        })
    }

    /// Hands a kept event to the first wait that it meets, and to every task on an older version
    /// of the file it tells of.
    pub(super) fn offer(&mut self, id: &EventId) {
        let Some(event) = self.state().kept.iter().find(|kept| kept.id == *id).cloned() else {
            return;
        };
        let mut waiting = self.state().waiting.iter();
        let met = waiting.find_map(|slot| Some((*slot, self.met_by(*slot, &event)?)));
        if let Some((slot, name)) = met {
            self.meet(slot, name, &event);
        }
        let asking: Vec<Slot> = self.state().asking.iter().copied().collect();
        for slot in asking {
            self.void_by(slot, &event);
        }
    }

    /// Makes the decisions of the task at `slot` void if `event` brings a newer version.
    pub(super) fn void_by(&mut self, slot: Slot, event: &KeptEvent) {
        let PlanVerb::Ask(ask) = &self.step(slot).verb else {
            return;
        };
        if event.kind != FILE_UPLOADED || ask.on_new_version != OnNewVersion::Reset {
            return;
        }
        let Some(task) = self.state().task_of(slot) else {
            return;
        };
        let Some(document) = uploaded(&event.data) else {
            return;
        };
        let is_newer = |current: &DocumentRef| document.id == current.id && document.version > current.version;
        if !task.document.as_ref().is_some_and(is_newer) {
            return;
        }
        let task = task.id.clone();
        let exclude = self.excluded(slot, ask, Some(&document));
        self.emit(Event::DecisionsVoided {
            task,
            document,
            exclude,
            cause: event.id.clone(),
        });
    }
}

/// The version that an upload tells of.
fn uploaded(data: &Value) -> Option<DocumentRef> {
    let mut document: DocumentRef = serde_json::from_value(data.get("file")?.clone()).ok()?;
    if document.by.is_none() {
        document.by = data.get("by").and_then(Value::as_str).map(str::to_owned);
    }
    Some(document)
}
