//! Checklists: asking for one, what came, who looks at it, when it is complete.

use super::super::collect::review_name;
use super::super::event::{Event, ItemFile, Timers, Watchers};
use super::super::frame::Slot;
use super::super::input::Reply;
use super::super::state::KeptEvent;
use super::super::work::WorkKey;
use super::Decider;
use super::ask::texts;
use super::branch::text_of;
use super::due::timers;
use super::rule::verdict;
use crate::base::id::TaskId;
use crate::base::{ItemState, Value};
use crate::expr::Template;
use crate::plan::{PlanAsk, PlanCollect, PlanVerb};
use crate::spec::CollectSpec;
use serde::Deserialize;

/// What tells that whoever was asked gives nothing.
const WITHDRAWN: &str = "file360.request_withdrawn";
/// The incident of a checklist to which nobody can give anything any more.
const NOBODY_GIVES: &str = "Nobody who was asked can give what is missing: they are not in people.yaml any more, have \
                            withdrawn, or their links were revoked. Share the request with somebody else, or bring a \
                            person back, and retry the step; or skip it.";
/// What tells of one item.
const OF_ITEMS: [&str; 3] = [
    "file360.item_received",
    "file360.item_removed",
    "file360.item_not_applicable",
];

/// Whether checklists hear of events of this kind.
pub(super) fn is_about_items(kind: &str) -> bool {
    kind == WITHDRAWN || OF_ITEMS.contains(&kind)
}

/// How an item stands in the file space, as events tell of it.
#[derive(Deserialize)]
struct News {
    item: String,
    state: ItemState,
    files: Vec<ItemFile>,
    #[serde(default)]
    because: Option<String>,
    change: u64,
}

impl Decider<'_> {
    /// The request is open: from now on its items are waited for.
    pub(super) fn request_opened(&mut self, slot: Slot, output: &Value) {
        let id = self
            .step(slot)
            .acquires()
            .and_then(|acquires| output.get(&acquires.output));
        let timers = timers(self.plan, self.state(), slot, None, &self.scope(slot));
        match (id.and_then(Value::as_str), timers) {
            (Some(request), Ok(timers)) => self.emit(Event::CollectOpened {
                step: self.id(slot),
                round: self.round(slot),
                request: request.to_owned(),
                timers,
            }),
            (None, _) => self.raise(slot, "the action that asks for documents named no request", false, 0),
            (_, Err(error)) => self.raise(slot, &error, false, 0),
        }
    }

    /// Whether `event` tells the checklist at `slot` something that it does not know.
    pub(super) fn is_news(&self, slot: Slot, event: &KeptEvent) -> bool {
        let is_about = is_about_items(&event.kind)
            && self
                .state()
                .collecting(slot)
                .is_some_and(|open| event.subjects.contains(&open.request));
        is_about && (event.kind == WITHDRAWN || self.news(slot, event).is_some())
    }

    /// What `event` tells of an item of the checklist at `slot`. Events may come out of order; the
    /// file space counts its changes.
    fn news(&self, slot: Slot, event: &KeptEvent) -> Option<News> {
        let news = News::deserialize(&event.data).ok()?;
        let known = self.state().collecting(slot)?.items.get(&news.item)?;
        (known.change < news.change).then_some(news)
    }

    /// What `event` means to the checklist at `slot`, if it is about it.
    pub(super) fn collect_by(&mut self, slot: Slot, event: &KeptEvent) {
        if !self.is_news(slot, event) {
            return;
        }
        if event.kind == WITHDRAWN {
            let reason = event.data.get("reason").cloned();
            return self.collected(slot, CollectSpec::WITHDRAWN, reason, Some(event));
        }
        let Some(news) = self.news(slot, event) else {
            return;
        };
        self.emit(Event::ItemChanged {
            step: self.id(slot),
            round: self.round(slot),
            item: news.item,
            state: news.state,
            files: news.files,
            reason: news.because,
            change: news.change,
            cause: Some(event.id.clone()),
        });
    }

    /// A person must look where something is still to be given and nobody can give it.
    pub(super) fn nobody_gives(&mut self, request: &str) -> Reply {
        let mut asking = self.state().asking.iter().copied();
        let is_it = |slot: &Slot| {
            self.state()
                .collecting(*slot)
                .is_some_and(|open| open.request == request)
        };
        let Some(slot) = asking.find(is_it).filter(|slot| !self.has_incident(*slot)) else {
            return Reply::AlreadyDone;
        };
        let PlanVerb::Collect(plan) = &self.step(slot).verb else {
            return Reply::AlreadyDone;
        };
        if !self.state().collecting(slot).is_some_and(|open| open.wants_more(plan)) {
            return Reply::AlreadyDone;
        }
        self.raise(slot, NOBODY_GIVES, false, 0);
        Reply::Accepted
    }

    /// Asks those who look at what came, and brings the step to its end where nothing is left.
    pub(super) fn look_at_items(&mut self) -> bool {
        let Some(slot) = self.machine.fresh.collects.pop_front() else {
            return false;
        };
        if self.state().collecting(slot).is_none() || self.has_incident(slot) {
            return true;
        }
        let PlanVerb::Collect(plan) = &self.step(slot).verb else {
            return true;
        };
        for (name, item) in &plan.items {
            let Some(ask) = item.review.as_ref().filter(|_| self.wants_review(slot, name)) else {
                continue;
            };
            match self.review_of(slot, plan, name, ask) {
                Ok(event) => self.emit(event),
                Err(error) => {
                    self.raise(slot, &error, false, 0);
                    return true;
                }
            }
        }
        if self.state().collecting(slot).is_some_and(|open| open.is_complete(plan)) {
            self.collected(slot, CollectSpec::COMPLETE, None, None);
        }
        true
    }

    fn wants_review(&self, slot: Slot, name: &str) -> bool {
        let open = self.state().collecting(slot);
        let item = open.and_then(|open| open.items.get(name));
        item.is_some_and(|item| item.state == ItemState::Received)
    }

    /// What those are asked who look at an item, about the file that came.
    fn review_of(&self, slot: Slot, plan: &PlanCollect, name: &str, ask: &PlanAsk) -> Result<Event, String> {
        let scope = self.scope(slot);
        let (planned, open) = (&plan.items[name], self.state().collecting(slot));
        let (open, item) = open
            .and_then(|open| Some((open, open.items.get(name)?)))
            .ok_or("nothing is asked for")?;
        let text = |template: &Template| template.eval(&scope).map(|value| text_of(&value));
        let instructions = planned.instructions.as_ref().map(text).transpose();
        let document = item.files.first().map(|given| given.file.clone());
        let (step, round) = (self.id(slot), self.round(slot));
        let key = WorkKey::of_step(&self.state().run, &review_name(&step, name, item.change), round);
        Ok(Event::TaskOpened {
            step,
            round,
            task: TaskId::derived(&key.0),
            item: Some(name.to_owned()),
            title: Some(text(&planned.title).map_err(|error| error.message)?),
            ask: instructions.map_err(|error| error.message)?,
            by: texts(&ask.by, &scope)?,
            veto: Vec::new(),
            exclude: self.excluded(slot, ask, document.as_ref())?,
            only: Vec::new(),
            visible: Watchers::default(),
            priority: None,
            timers: Timers {
                due: open.timers.due,
                ..Timers::default()
            },
            document,
        })
    }

    /// Somebody who looks at an item has answered.
    pub(super) fn item_decided(&mut self, slot: Slot, task: usize) {
        let Some(task) = self.state().tasks.get(task) else {
            return;
        };
        let (Some(ask), Some(name)) = (task.asked(self.plan), &task.item) else {
            return;
        };
        let state = match verdict(task, ask) {
            Some("accepted") => ItemState::Accepted,
            Some(_) => ItemState::SentBack,
            None => return,
        };
        let Some(item) = self.state().collecting(slot).and_then(|open| open.items.get(name)) else {
            return;
        };
        let reason = task.decisions.first().and_then(|record| record.reason.clone());
        let event = Event::ItemChanged {
            step: self.id(slot),
            round: self.round(slot),
            item: name.clone(),
            state,
            files: item.files.clone(),
            reason: reason.filter(|_| state == ItemState::SentBack),
            change: item.change,
            cause: None,
        };
        self.emit(event);
    }

    /// The checklist came to an outcome.
    pub(super) fn collected(&mut self, slot: Slot, outcome: &str, reason: Option<Value>, cause: Option<&KeptEvent>) {
        let PlanVerb::Collect(plan) = &self.step(slot).verb else {
            return;
        };
        let Some(mut output) = self.state().collecting(slot).map(|open| open.output(plan)) else {
            return;
        };
        output.extend(reason.map(|reason| ("reason".to_owned(), reason)));
        self.finish(
            slot,
            outcome,
            Value::Object(output),
            cause.map(|event| event.id.clone()),
        );
    }
}
