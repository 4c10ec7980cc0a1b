//! Checklists: opened, items that changed, those who look at them.

use super::super::collect::Collecting;
use super::super::event::{Event, Timers};
use super::super::frame::Slot;
use super::super::state::Phase;
use super::super::view::TaskPhase;
use super::{Applier, Impossible};
use crate::base::ItemState;
use crate::plan::PlanVerb;
use serde_json::json;

impl Applier<'_> {
    pub(super) fn collect(&mut self, event: &Event) -> Result<(), Impossible> {
        match event {
            Event::CollectOpened {
                step,
                round,
                request,
                timers,
            } => self.collect_opened(step, *round, request, timers),
            Event::ItemChanged { .. } => self.item_changed(event),
            _ => Err("it is no event of a checklist".to_owned()),
        }
    }

    fn collect_opened(&mut self, step: &str, round: u32, request: &str, timers: &Timers) -> Result<(), Impossible> {
        let slot = self.live_slot(step, round)?;
        let planned = self.planned(slot);
        let (PlanVerb::Collect(collect), Phase::Calling(_)) = (&planned.verb, &self.state.step(slot).phase) else {
            return Err(format!("step {step} does not ask for a checklist"));
        };
        let opened = Collecting::new(collect, request.to_owned(), timers.clone());
        let output = planned
            .acquires()
            .map(|acquires| json!({ acquires.output.clone(): request }));
        self.leave(slot);
        if let Some(output) = output {
            let place = (self.state.frame(slot.frame).body, slot.step);
            self.acquire(place, self.state.chain(slot), &output, false);
        }
        self.state.step_mut(slot).phase = Phase::Collecting(Box::new(opened));
        self.state.asking.insert(slot);
        self.start_timers(slot, timers);
        self.fresh.opened.push_back(slot);
        self.fresh.collects.push_back(slot);
        Ok(())
    }

    pub(super) fn collecting_mut(&mut self, slot: Slot) -> Option<&mut Collecting> {
        match &mut self.state.step_mut(slot).phase {
            Phase::Collecting(collecting) => Some(collecting),
            _ => None,
        }
    }

    fn item_changed(&mut self, event: &Event) -> Result<(), Impossible> {
        let Event::ItemChanged {
            step,
            round,
            item: name,
            state,
            files,
            reason,
            change,
            cause,
        } = event
        else {
            return Err("it changes no item".to_owned());
        };
        let slot = self.live_slot(step, *round)?;
        if let Some(cause) = cause {
            self.consume(cause)?;
        }
        let collecting = self.collecting_mut(slot);
        let item = collecting
            .and_then(|collecting| collecting.items.get_mut(name))
            .ok_or_else(|| format!("step {step} does not ask for {name}"))?;
        let review = item.review.take();
        item.state = *state;
        item.files.clone_from(files);
        item.reason.clone_from(reason);
        item.change = *change;
        if let Some(at) = review {
            let settled = matches!(state, ItemState::Accepted | ItemState::SentBack) && cause.is_none();
            self.close_task(
                at,
                if settled {
                    TaskPhase::Settled(state.as_str().to_owned())
                } else {
                    TaskPhase::Withdrawn
                },
            );
            self.list_task(slot);
        }
        self.fresh.collects.push_back(slot);
        Ok(())
    }

    /// Somebody is asked to look at an item.
    pub(super) fn review_opened(&mut self, slot: Slot, name: &str, task: usize) -> Result<(), Impossible> {
        let collecting = self.collecting_mut(slot);
        let item = collecting
            .and_then(|collecting| collecting.items.get_mut(name))
            .ok_or_else(|| format!("{name} is not asked for"))?;
        item.state = ItemState::InReview;
        item.review = Some(task);
        Ok(())
    }

    /// The checklist is no longer asked for: who looks at items need not, and the request closes.
    pub(super) fn close_collect(&mut self, slot: Slot) {
        for at in self.state.tasks_at(slot) {
            self.close_task(at, TaskPhase::Withdrawn);
        }
        self.state.owned.release_of(|one| one == slot);
    }

    /// What a person was told is mended: looks at the items again, and asks again who is meant.
    pub(super) fn collect_again(&mut self, slot: Slot) {
        for at in self.state.tasks_at(slot) {
            let task = &mut self.state.tasks[at];
            // if too few people are left, ask the directory again: there may be others now
            let is_short = task.empty_places().next().is_some();
            task.unassigned |= is_short;
            task.questions += u32::from(task.unassigned);
        }
        self.list_task(slot);
        self.fresh.collects.push_back(slot);
    }
}
