//! One run: the only way in and the questions a host may ask.

use super::apply;
use super::decide;
use super::event::{Event, JOURNAL_VERSION};
use super::frame::Slot;
use super::input::{Input, Refusal, Reply, Start};
use super::state::{Changes, Fresh, RunState};
use super::{EventRecord, Work};
use crate::base::{Semantics, Timestamp, Value, Via};
use crate::expr::SecretUse;
use crate::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events for which there is room before any is decided: those of a short run.
const FIRST: usize = 16;

/// The interpreter of one run.
#[derive(Clone, Debug)]
pub struct RunMachine {
    pub(super) plan: Arc<Plan>,
    pub(super) state: RunState,
    /// What has not been decided on; nothing between two inputs.
    pub(super) fresh: Fresh,
    /// Decided and not taken.
    pub(super) pending: Vec<EventRecord>,
    /// Inputs of pure actions with their round, which need not be computed again.
    pub(super) rendered: BTreeMap<Slot, (u32, (Value, Vec<SecretUse>))>,
    /// The journal ends in the middle of a decision: a wake-up takes it up.
    pub(super) unsettled: bool,
    /// How the run stood after each event, where somebody wants to know.
    pub(super) traced: Option<Vec<RunState>>,
}

impl RunMachine {
    /// Begins a run. Everything that follows at once has been decided; see `take_events`.
    pub fn start(plan: Arc<Plan>, now: Timestamp, start: Start) -> Self {
        let record = EventRecord {
            run: start.run,
            seq: 1,
            at: now,
            v: JOURNAL_VERSION,
            via: None,
            event: Event::RunStarted {
                flow: plan.flow.clone(),
                version: plan.version.clone(),
                plan: plan.hash.clone(),
                semantics: plan.semantics,
                inputs: with_defaults(&plan, start.inputs),
                settings: start.settings,
                initiator: start.initiator,
                starter: start.starter,
                trigger: start.trigger,
                seed: start.seed,
                parent: start.parent,
            },
        };
        let mut fresh = Fresh::default();
        let state = apply::begin(&plan, &record, &mut fresh).expect("the first event was made from this plan");
        let mut pending = Vec::with_capacity(FIRST);
        pending.push(record);
        let mut machine = Self {
            plan,
            state,
            fresh,
            pending,
            rendered: BTreeMap::new(),
            unsettled: false,
            traced: None,
        };
        decide::settle(&mut machine);
        machine
    }

    /// Lets something happen. Refused inputs change nothing. Time never goes back within a run:
    /// a `now` before the last event counts as the time of that event.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<Reply, Refusal> {
        self.handle_via(now, input, None)
    }

    /// The same for what a person does `via` something: the line of their act names it.
    pub fn handle_via(&mut self, now: Timestamp, input: Input, via: Option<Via>) -> Result<Reply, Refusal> {
        if self.unsettled {
            self.unsettled = false;
            decide::settle(self);
        }
        let before = self.pending.len();
        let reply = decide::handle(self, now, input);
        self.note_via(before, via);
        reply
    }

    /// Notes through what a person acted in the decided event at `position`: the first one of their act.
    pub fn note_via(&mut self, position: usize, via: Option<Via>) {
        if let Some(record) = self.pending.get_mut(position) {
            record.via = via;
        }
    }

    /// The events that were decided but not taken yet, in order.
    pub fn decided(&self) -> &[EventRecord] {
        &self.pending
    }

    /// The events decided since the last call, in order. They count once they are durable.
    pub fn take_events(&mut self) -> Vec<EventRecord> {
        std::mem::take(&mut self.pending)
    }

    /// What may be otherwise since the last call, of what a host keeps beside the run. Nothing after a replay: who
    /// replays looks at everything.
    pub fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.fresh.changes)
    }

    /// Remembers how the run stands after each event from now on, for tests that compare that with a
    /// replay up to the event. Costs a copy of the state for each.
    pub fn trace(&mut self) {
        self.traced = Some(Vec::new());
    }

    /// How the run stood after each event since the last call, in order. Nothing where nobody traces it.
    pub fn take_trace(&mut self) -> Vec<RunState> {
        self.traced.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The evaluation rules that the run follows.
    pub fn semantics(&self) -> Semantics {
        self.state.semantics
    }

    /// How the run stands, to be compared.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// When to send `Input::Wake` next. A host that was down delivers events that were recorded
    /// meanwhile before it wakes a run, so that an answer counts that came before its deadline.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        if self.unsettled {
            return Some(self.state.now);
        }
        if self.state.is_ended() {
            return None;
        }
        self.state.timers.first().map(|timer| timer.at)
    }

    /// Everything that must be in flight now. The same answer until an input changes it.
    pub fn outstanding(&self) -> Vec<Work> {
        self.due().flat_map(|due| due.work()).collect()
    }
}

/// The inputs, with defaults where none was given.
fn with_defaults(plan: &Plan, inputs: Value) -> Value {
    let mut given = match inputs {
        Value::Object(given) => given,
        _ => serde_json::Map::new(),
    };
    for (name, spec) in &plan.inputs {
        if let Some(default) = &spec.default
            && given.get(name).is_none_or(Value::is_null)
        {
            given.insert(name.clone(), default.clone());
        }
    }
    Value::Object(given)
}
