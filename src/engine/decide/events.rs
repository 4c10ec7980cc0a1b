//! Something happened outside.

use super::super::event::{DecisionRecord, Event};
use super::super::frame::Slot;
use super::super::input::{InboundEvent, Reply};
use super::super::limits::{MAX_KEPT_EVENTS, MAX_PAYLOAD_BYTES, payload_bytes};
use super::super::state::KeptEvent;
use super::Decider;
use super::collect::is_about_items;
use crate::base::id::{EventId, TaskId};
use crate::base::{FileRef, Timestamp, Value};
use crate::plan::{Body, BodyId, PlanVerb};
use crate::spec::step::OnNewVersion;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What tells of a new version of a file.
const FILE_UPLOADED: &str = "file360.file_uploaded";
/// What events of the file space begin with.
const SPACE: &str = "file360.";
/// The field of events of the file space that says that bytes were sent again.
const UNCHANGED: &str = "unchanged";

impl Decider<'_> {
    /// `told` is what the clock says, which is never taken to be before the last event.
    pub(super) fn event(&mut self, event: InboundEvent, told: Timestamp) -> Reply {
        // An answer that was recorded before a timer counts; one that came at its moment or later
        // comes after it.
        self.fire_due(event.at.min(self.now));
        if let Some(reply) = self.child_ended(&event) {
            return reply;
        }
        let state = self.state();
        let refused = state.is_ended()
            || state.seen.contains(&event.id)
            || !self.is_of_interest(&event.kind)
            || payload_bytes(&event.data) > MAX_PAYLOAD_BYTES;
        if refused {
            return Reply::AlreadyDone;
        }
        let event = KeptEvent {
            id: event.id,
            kind: event.kind,
            subjects: event.subjects,
            key: event.key,
            data: event.data,
            came: (
                if event.at < told {
                    event.at.min(self.now)
                } else {
                    self.now
                },
                self.state().seq + 1,
            ),
        };
        if is_unchanged(&event) && !self.takes(&self.state().waiting, &self.state().asking, &event) {
            return Reply::AlreadyDone;
        }
        let displaced = self.displaced_by(&event);
        self.emit(Event::EventReceived {
            id: event.id,
            kind: event.kind,
            subjects: event.subjects,
            key: event.key,
            data: event.data,
            happened: Some(event.came.0).filter(|at| *at < self.now),
            displaced,
        });
        Reply::Accepted
    }

    /// The kept event that gives its place to `event` where as many are kept as may be and nothing
    /// takes this one at once: the oldest of those that there are most of, by kind and by what they
    /// are about. So nobody pushes out what others said by saying much.
    fn displaced_by(&self, event: &KeptEvent) -> Option<EventId> {
        let state = self.state();
        if state.kept.len() < MAX_KEPT_EVENTS {
            return None;
        }
        if self.takes(&state.waiting, &state.asking, event) {
            return None;
        }
        let mut groups = BTreeMap::new();
        for (at, kept) in state.kept.iter().enumerate() {
            let group = (kept.kind.as_str(), kept.subjects.first());
            let (count, _) = groups.entry(group).or_insert((0, Reverse(at)));
            *count += 1;
        }
        let (_, Reverse(oldest)) = groups.into_values().max()?;
        Some(state.kept[oldest].id.clone())
    }

    /// Whether one of these waits, or of these that ask, has a use for `event`.
    pub(super) fn takes<'s>(
        &self,
        waiting: impl IntoIterator<Item = &'s Slot>,
        asking: impl IntoIterator<Item = &'s Slot>,
        event: &KeptEvent,
    ) -> bool {
        let mut waiting = waiting.into_iter();
        let mut asking = asking.into_iter();
        waiting.any(|slot| self.met_by(*slot, event).is_some()) || asking.any(|slot| self.concerns(*slot, event))
    }

    /// Whether `event` brings a newer version of what people decide on there, or tells of an item.
    pub(super) fn concerns(&self, slot: Slot, event: &KeptEvent) -> bool {
        self.newer_version(slot, event).is_some() || self.is_news(slot, event)
    }

    /// Whether a step may still look at events of this kind. What nobody looks at is not recorded.
    fn is_of_interest(&self, kind: &str) -> bool {
        let running = self.state().is_running();
        let is_ahead = |body: &Body<'_>| running || self.plan.within(body.id, BodyId::ALWAYS).is_some();
        let mut steps = self.plan.bodies().filter(is_ahead).flat_map(|body| body.steps);
        steps.any(|step| match &step.verb {
            PlanVerb::Wait(wait) => wait.alternatives.values().any(|one| one.event == kind),
            PlanVerb::Ask(ask) => {
                kind == FILE_UPLOADED && ask.document.is_some() && ask.on_new_version == OnNewVersion::Reset
            }
            PlanVerb::Collect(_) => is_about_items(kind),
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
            self.collect_by(slot, &event);
        }
    }

    /// Makes the decisions of the task at `slot` void if `event` brings a newer version.
    pub(super) fn void_by(&mut self, slot: Slot, event: &KeptEvent) {
        let PlanVerb::Ask(ask) = &self.step(slot).verb else {
            return;
        };
        let Some((task, document)) = self.newer_version(slot, event) else {
            return;
        };
        let exclude = self.excluded_anew(slot, ask, &document);
        let at = self.state().task_index.get(&task).copied();
        self.emit(Event::DecisionsVoided {
            decided: self.answered_at(slot),
            task,
            document,
            exclude,
            cause: event.id.clone(),
        });
        if let Some(at) = at {
            self.look_at_places(at);
        }
    }

    /// The file space knows a newer version of what the task is about than the run does.
    pub(super) fn newer(&mut self, task: &TaskId, document: FileRef) -> Reply {
        let mut asking = self.state().asking.iter().copied();
        let of_task = |slot: &Slot| self.state().task_of(*slot).is_some_and(|open| open.id == *task);
        let Some(slot) = asking.find(of_task) else {
            return Reply::AlreadyDone;
        };
        let PlanVerb::Ask(ask) = &self.step(slot).verb else {
            return Reply::AlreadyDone;
        };
        if !self.is_newer(slot, &document) {
            return Reply::AlreadyDone;
        }
        let exclude = self.excluded_anew(slot, ask, &document);
        self.emit(Event::DecisionsVoided {
            decided: self.answered_at(slot),
            task: task.clone(),
            cause: EventId::derived(&format!("upload:{}:{}", document.id, document.version)),
            document,
            exclude,
        });
        let at = self.state().task_index.get(task).copied();
        if let Some(at) = at {
            self.look_at_places(at);
        }
        Reply::Accepted
    }

    /// Who has answered the task at `slot`, and for whom.
    fn answered_at(&self, slot: Slot) -> Vec<String> {
        let records = self.state().task_of(slot).into_iter().flat_map(|task| &task.decisions);
        let people = records.flat_map(DecisionRecord::persons);
        let mut found: Vec<String> = Vec::new();
        for person in people {
            if !found.contains(person) {
                found.push(person.clone());
            }
        }
        found
    }

    /// The task at `slot` and the newer version of its document that `event` brings, where that
    /// makes decisions void.
    fn newer_version(&self, slot: Slot, event: &KeptEvent) -> Option<(TaskId, FileRef)> {
        let task = self.state().task_of(slot)?;
        if event.kind != FILE_UPLOADED || task.document.is_none() {
            return None;
        }
        let document = uploaded(&event.data)?;
        self.is_newer(slot, &document).then(|| (task.id.clone(), document))
    }

    /// Whether `document` is a newer version of what people decide on at `slot`, and makes decisions void.
    fn is_newer(&self, slot: Slot, document: &FileRef) -> bool {
        let PlanVerb::Ask(ask) = &self.step(slot).verb else {
            return false;
        };
        let current = self.state().task_of(slot).and_then(|task| task.document.as_ref());
        let is_newer = |current: &FileRef| document.id == current.id && document.version > current.version;
        ask.on_new_version == OnNewVersion::Reset && current.is_some_and(is_newer)
    }
}

/// Whether the event tells of bytes that were there already. It is for what waits now, and is kept for nothing later.
fn is_unchanged(event: &KeptEvent) -> bool {
    event.kind.starts_with(SPACE) && event.data.get(UNCHANGED) == Some(&Value::Bool(true))
}

/// The version that an upload tells of.
fn uploaded(data: &Value) -> Option<FileRef> {
    let mut document: FileRef = serde_json::from_value(data.get("file")?.clone()).ok()?;
    if document.by.is_none() {
        document.by = data.get("by").and_then(Value::as_str).map(str::to_owned);
    }
    Some(document)
}
