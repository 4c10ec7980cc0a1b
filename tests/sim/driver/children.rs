//! What goes on beside the run: runs of other flows that it started, and requests that it opened.

use super::super::pool::{NO_VERSION, child_end};
use super::super::world::output;
use super::{Happening, Sim, failure};
use gatefold::base::Value;
use gatefold::base::id::{EventId, derive};
use gatefold::engine::{Event, FailureKind, InboundEvent, RUN_ENDED, RunMachine, RunPhase, WorkKey};
use gatefold::plan::PlanStep;
use gatefold::plan::run::START_ACTION;
use serde_json::json;

/// Whether the run of another flow is asked for that there is no such version of.
pub(super) fn is_impossible(action: &str, input: &Value) -> bool {
    action == START_ACTION && input["version"] == NO_VERSION
}

impl Sim<'_> {
    /// A run of another flow was started under `key`: its end follows.
    pub(super) fn child_begins(&mut self, key: &str) {
        let run = derive("run", key);
        let (delay_ms, outcome) = child_end(&run);
        self.push(self.now_ms + delay_ms, Happening::ChildEnds { run, outcome });
    }

    /// One that was cancelled before says so. Where the host drives it, it ends when there is one.
    pub(super) fn child_ends(&mut self, run: &str, outcome: &str) {
        if self.schedule.by_key && self.machine.is_none() {
            self.overdue.insert((self.now_ms, run.to_owned()));
            return;
        }
        let outcome = if self.world.end(run, outcome) {
            self.mark("child ended");
            outcome
        } else {
            self.mark("child cancelled");
            "cancelled"
        };
        let event = InboundEvent {
            id: EventId(format!("evt_{run}")),
            kind: RUN_ENDED.to_owned(),
            subjects: vec![run.to_owned()],
            key: None,
            data: json!({ "run": run, "flow": "child", "version": "1.0.0", "outcome": outcome, "outputs": { "n": 1 } }),
            at: self.now(),
        };
        self.happen(Happening::Arrive(event));
    }

    /// The process is there again: what was to end meanwhile ends.
    pub(super) fn end_overdue(&mut self) {
        for (_, run) in std::mem::take(&mut self.overdue) {
            let (_, outcome) = child_end(&run);
            self.push(self.now_ms, Happening::ChildEnds { run, outcome });
        }
    }

    /// What a host does about runs itself takes no time, and neither fails nor is forgotten.
    pub(super) fn begin_in_house(&mut self, work: WorkKey, attempt: u32, action: &str, input: &Value) {
        let result = if is_impossible(action, input) || (action == START_ACTION && !self.is_wanted(&work)) {
            Err(failure(FailureKind::Permanent))
        } else {
            let is_first = !self.world.has(&work.0);
            self.world.call(&work.0, action, input, true);
            if action == START_ACTION && is_first {
                self.child_begins(&work.0);
            }
            Ok(output(action, &work.0))
        };
        let life = self.life;
        self.push_at_once(Happening::Reply {
            life,
            work,
            attempt,
            result,
        });
    }

    /// Whether a run is still wanted that a step is about to start: a run that closes begins nothing more but what it
    /// does at its end.
    fn is_wanted(&self, work: &WorkKey) -> bool {
        let is_running = |machine: &RunMachine| matches!(machine.status(), RunPhase::Running);
        let is_of = |step: &PlanStep| work.0.split(':').nth(1) == Some(step.id.as_str());
        self.machine.as_ref().is_none_or(is_running) || self.flow.plan.always.iter().any(is_of)
    }

    /// Whether the event is about a request that the run does not own any more.
    pub(super) fn is_for_nobody(&self, event: &InboundEvent) -> bool {
        let is_request = |subject: &String| subject.starts_with("shr_");
        let owned = self.machine.as_ref().map(RunMachine::owned).unwrap_or_default();
        let is_owned = |subject: &String| owned.iter().any(|thing| thing.id == *subject);
        event.subjects.iter().any(is_request) && !event.subjects.iter().any(is_owned)
    }

    /// Whoever is asked for documents has something to say about some of them.
    pub(super) fn hear_of_requests(&mut self) {
        let opened = |event: &Event| match event {
            Event::CollectOpened { request, .. } => Some(request.clone()),
            _ => None,
        };
        let new = &self.journal[self.looked_through..];
        let requests: Vec<String> = new.iter().filter_map(|record| opened(&record.event)).collect();
        self.looked_through = self.journal.len();
        for request in requests {
            for (after_ms, item) in self.schedule.items(&request) {
                let at_ms = self.now_ms + after_ms;
                let event = item.event(&request, self.time_at(at_ms));
                self.push(at_ms, Happening::Arrive(event));
            }
        }
    }
}
