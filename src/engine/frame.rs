//! Lists of steps that are being done: the flow's, the `always` steps, and one for each element of
//! an `each` that is under way.
//!
//! Invariant: a frame lives as long as its element is under way, and its number is never given
//! again, so that a run over many elements holds no more than those under way at once.

use super::each::Each;
use super::state::{Ending, Phase, RunState, StepState};
use crate::base::{Timestamp, Value};
use crate::plan::{BodyId, Plan, PlanStep, PlanVerb, StepId};
use std::collections::BTreeMap;

/// A list of steps that is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FrameId(u32);

impl FrameId {
    /// The flow's steps.
    pub(super) const FLOW: Self = Self(0);
    /// The `always` steps.
    pub(super) const ALWAYS: Self = Self(1);

    /// Whether it is an element of an `each`.
    pub(super) const fn is_element(self) -> bool {
        self.0 > Self::ALWAYS.0
    }
}

/// A step that is being done: which list, which of its steps. Those of the flow come first, then
/// the `always` steps, then those of elements in the order in which these began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) frame: FrameId,
    pub(super) step: StepId,
}

impl Slot {
    /// The step of the same list.
    pub(super) const fn sibling(self, step: StepId) -> Self {
        Self {
            frame: self.frame,
            step,
        }
    }

    /// Whether it is an `always` step.
    pub(super) fn is_always(self) -> bool {
        self.frame == FrameId::ALWAYS
    }
}

/// One list of steps as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) body: BodyId,
    /// The element it is, if it is one.
    pub(super) element: Option<Element>,
    pub(super) steps: Vec<StepState>,
    /// Steps that are not over.
    pub(super) live: usize,
    /// An outcome ended it, which nothing was made of yet.
    pub(super) ending: Option<Ending>,
}

/// Which element of which `each`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Element {
    /// The `each`.
    pub(super) of: Slot,
    /// From 0.
    pub(super) index: u32,
    /// What the names of its steps begin with, as `departments[3].`.
    pub(super) prefix: String,
}

impl Frame {
    fn new(plan: &Plan, body: BodyId, element: Option<Element>, at: Timestamp) -> Self {
        let nothing = Default::default();
        let steps: Vec<_> = plan
            .body(body)
            .steps
            .iter()
            .map(|step| StepState::new(step, at, &nothing))
            .collect();
        Self {
            body,
            element,
            live: steps.len(),
            steps,
            ending: None,
        }
    }
}

/// Every list of steps that is being done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frames {
    flow: Frame,
    always: Frame,
    elements: BTreeMap<FrameId, Frame>,
    /// Elements by what the names of their steps begin with.
    names: BTreeMap<String, FrameId>,
    next: u32,
}

impl Frames {
    pub(super) fn new(plan: &Plan, at: Timestamp) -> Self {
        Self {
            flow: Frame::new(plan, BodyId::FLOW, None, at),
            always: Frame::new(plan, BodyId::ALWAYS, None, at),
            elements: BTreeMap::new(),
            names: BTreeMap::new(),
            next: FrameId::ALWAYS.0 + 1,
        }
    }

    pub(super) fn get(&self, id: FrameId) -> Option<&Frame> {
        match id {
            FrameId::FLOW => Some(&self.flow),
            FrameId::ALWAYS => Some(&self.always),
            other => self.elements.get(&other),
        }
    }

    pub(super) fn get_mut(&mut self, id: FrameId) -> Option<&mut Frame> {
        match id {
            FrameId::FLOW => Some(&mut self.flow),
            FrameId::ALWAYS => Some(&mut self.always),
            other => self.elements.get_mut(&other),
        }
    }

    /// Lets an element begin.
    pub(super) fn open(&mut self, plan: &Plan, body: BodyId, element: Element, at: Timestamp) -> FrameId {
        let id = FrameId(self.next);
        self.next += 1;
        self.names.insert(element.prefix.clone(), id);
        self.elements.insert(id, Frame::new(plan, body, Some(element), at));
        id
    }

    /// Forgets an element that is over.
    pub(super) fn close(&mut self, id: FrameId) {
        if let Some(Element { prefix, .. }) = self.elements.remove(&id).and_then(|frame| frame.element) {
            self.names.remove(&prefix);
        }
    }

    /// All of them: the flow's steps, the `always` steps, elements in the order in which they began.
    pub(super) fn iter(&self) -> impl Iterator<Item = (FrameId, &Frame)> {
        let elements = self.elements.iter().map(|(id, frame)| (*id, frame));
        [(FrameId::FLOW, &self.flow), (FrameId::ALWAYS, &self.always)]
            .into_iter()
            .chain(elements)
    }
}

/// The slots of a list.
pub(super) fn slots(id: FrameId, frame: &Frame) -> impl Iterator<Item = (Slot, &StepState)> {
    let slot = move |step| Slot { frame: id, step };
    (0..).map(StepId).map(slot).zip(&frame.steps)
}

impl RunState {
    /// The step at `slot`, if its element is still under way.
    pub(super) fn get(&self, slot: Slot) -> Option<&StepState> {
        self.frames.get(slot.frame)?.steps.get(slot.step.index())
    }

    /// The step at `slot`, which is of the flow or of an element that is under way.
    pub(super) fn step(&self, slot: Slot) -> &StepState {
        self.get(slot).expect("a step that is done stands in a list that is")
    }

    pub(super) fn step_mut(&mut self, slot: Slot) -> &mut StepState {
        &mut self.frame_mut(slot.frame).steps[slot.step.index()]
    }

    pub(super) fn frame(&self, id: FrameId) -> &Frame {
        self.frames.get(id).expect("the element is under way")
    }

    pub(super) fn frame_mut(&mut self, id: FrameId) -> &mut Frame {
        self.frames.get_mut(id).expect("the element is under way")
    }

    /// The step at `slot` as the plan has it.
    pub(super) fn planned<'p>(&self, plan: &'p Plan, slot: Slot) -> &'p PlanStep {
        plan.body(self.frame(slot.frame).body).step(slot.step)
    }

    /// How journals and people name the step at `slot`, as `departments[3].grant`.
    pub(super) fn name(&self, plan: &Plan, slot: Slot) -> String {
        let id = &self.planned(plan, slot).id;
        match &self.frame(slot.frame).element {
            None => id.clone(),
            Some(element) => format!("{}{id}", element.prefix),
        }
    }

    /// Where the step is that journals name so. Nowhere if its element is over.
    pub(super) fn find(&self, plan: &Plan, name: &str) -> Option<Slot> {
        let Some((_, id)) = name.rsplit_once('.') else {
            let (body, step) = plan.find(name)?;
            let frame = match body {
                BodyId::FLOW => FrameId::FLOW,
                BodyId::ALWAYS => FrameId::ALWAYS,
                _ => return None,
            };
            return Some(Slot { frame, step });
        };
        let frame = *self.frames.names.get(&name[..name.len() - id.len()])?;
        let step = plan.body(self.frame(frame).body).find(id)?;
        Some(Slot { frame, step })
    }

    /// Where the step that an expression at `frame` calls `id` is: among the steps of the same
    /// element, or among those around it.
    pub(super) fn seen_from(&self, plan: &Plan, mut frame: FrameId, id: &str) -> Option<Slot> {
        let (body, step) = plan.find(id)?;
        match body {
            BodyId::FLOW => frame = FrameId::FLOW,
            BodyId::ALWAYS => frame = FrameId::ALWAYS,
            _ => {
                while self.frame(frame).body != body {
                    frame = self.frame(frame).element.as_ref()?.of.frame;
                }
            }
        }
        Some(Slot { frame, step })
    }

    /// The element that `item` and `index` mean at `frame`.
    pub(super) fn element(&self, frame: FrameId) -> Option<(u32, &Value)> {
        let element = self.frame(frame).element.as_ref()?;
        let item = self.each(element.of)?.items.get(element.index as usize)?;
        Some((element.index, item))
    }

    /// How the `each` at `slot` stands, if it is under way.
    pub(super) fn each(&self, slot: Slot) -> Option<&Each> {
        match &self.get(slot)?.phase {
            Phase::Spreading(each) => Some(each),
            _ => None,
        }
    }

    /// What the names of an element's steps begin with: `departments[3].`, and the round of the
    /// `each` after the first one, as `departments#2[3].`.
    pub(super) fn prefix(&self, plan: &Plan, of: Slot, index: u32) -> String {
        let name = self.name(plan, of);
        match self.step(of).round {
            1 => format!("{name}[{index}]."),
            round => format!("{name}#{round}[{index}]."),
        }
    }

    /// The step at `slot` and every `each` around it.
    pub(super) fn chain(&self, slot: Slot) -> Vec<Slot> {
        let mut chain = vec![slot];
        let mut frame = slot.frame;
        while let Some(element) = &self.frame(frame).element {
            chain.push(element.of);
            frame = element.of.frame;
        }
        chain
    }
}

/// Edges out of `slot`: the successor and which of its `after` the edge is.
pub(super) fn edges_out(plan: &Plan, body: BodyId, slot: Slot) -> impl Iterator<Item = (Slot, usize)> {
    let edges = plan.body(body).index.edges_out(slot.step);
    edges.map(move |(step, edge)| (slot.sibling(step), edge))
}

/// Everything that comes after `slot`, without itself.
pub(super) fn downstream(plan: &Plan, body: BodyId, slot: Slot) -> Vec<Slot> {
    plan.body(body).index.downstream[slot.step.index()]
        .iter()
        .map(|step| slot.sibling(step))
        .collect()
}

/// Whether the step does an `each`.
pub(super) const fn is_each(step: &PlanStep) -> bool {
    matches!(step.verb, PlanVerb::Each(_))
}
