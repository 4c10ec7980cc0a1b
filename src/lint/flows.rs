//! Flows that stand beside the one that is checked, as far as whoever runs them needs to know.

use super::{Surroundings, context};
use crate::base::{Document, Value};
use crate::expr::{Field, Texts, Type};
use crate::plan::{Body, BodyId, Locator, Plan, PlanVerb};
use crate::spec::run::{admits, order_of_version};
use crate::spec::{DispositionSpec, FlowSpec, InputSpec, RunSpec, StepSpec};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a flow wants, gives and comes to.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Its name.
    pub flow: String,
    /// Its version.
    pub version: String,
    /// What a run needs to know.
    pub inputs: IndexMap<String, InputSpec>,
    /// What a run gives that has completed.
    pub outputs: Vec<(String, Type)>,
    /// The statuses that its author lets runs end with, in order.
    pub ends: Vec<String>,
    /// The flows that it runs whatever is decided in it.
    pub runs: Vec<String>,
    /// The events that it hears of and tells.
    pub events: Events,
}

/// The action that tells of an event.
pub(super) const TELL: &str = "workflow.emit";

/// Types of events, as far as they are known before a run.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// Those that waits hear of.
    pub waited_for: BTreeSet<String>,
    /// Those that start flows.
    pub starting: BTreeSet<String>,
    /// Those that steps tell.
    pub told: BTreeSet<String>,
}

impl Events {
    /// The events of one flow.
    pub fn of(spec: &FlowSpec) -> Self {
        let mut events = Self::default();
        events
            .starting
            .extend(spec.on.event.as_ref().map(|event| event.kind.clone()));
        events.steps(&spec.steps);
        events.steps(&spec.always);
        events
    }

    /// Adds those of another flow.
    pub fn add(&mut self, other: &Self) {
        self.waited_for.extend(other.waited_for.iter().cloned());
        self.starting.extend(other.starting.iter().cloned());
        self.told.extend(other.told.iter().cloned());
    }

    fn steps(&mut self, steps: &[StepSpec]) {
        for step in steps {
            if let Some(wait) = &step.wait {
                self.waited_for.extend(wait.event.clone());
                let several = wait.any.values().chain(wait.all.values());
                self.waited_for.extend(several.map(|one| one.event.clone()));
            }
            if step.uses.as_deref() == Some(TELL) {
                let kind = step.with.as_ref().and_then(|with| with.get("type")?.as_str());
                self.told.extend(kind.map(str::to_owned));
            }
            if let Some(each) = &step.each {
                self.steps(&each.steps);
            }
        }
    }
}

/// Flows by name, in one or several versions each.
#[derive(Clone, Debug, Default)]
pub struct Flows(BTreeMap<String, Vec<Arc<Outline>>>);

impl Flows {
    /// Adds a flow.
    pub fn add(&mut self, outline: Arc<Outline>) {
        self.0.entry(outline.flow.clone()).or_default().push(outline);
    }

    /// The newest version of a flow that `range` admits, as a step of a run takes it.
    pub fn get(&self, flow: &str, range: Option<&str>) -> Option<&Outline> {
        let versions = self.0.get(flow).map_or(&[][..], Vec::as_slice).iter();
        let admitted = versions.filter(|one| range.is_none_or(|range| admits(range, &one.version)));
        admitted
            .max_by_key(|one| order_of_version(&one.version))
            .map(|one| &**one)
    }

    /// The versions of a flow that there are.
    pub fn versions(&self, flow: &str) -> impl Iterator<Item = &str> {
        self.0.get(flow).into_iter().flatten().map(|one| one.version.as_str())
    }

    /// The names of all of them.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }

    /// The events of all of them.
    pub fn events(&self) -> impl Iterator<Item = &Events> {
        self.0.values().flatten().map(|one| &one.events)
    }

    /// Whether running `from` leads to `to` whatever is decided on the way.
    pub fn leads_to(&self, from: &str, to: &str) -> bool {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(flow) = next.pop() {
            if flow == to {
                return true;
            }
            if seen.insert(flow) {
                next.extend(
                    self.get(flow, None)
                        .into_iter()
                        .flat_map(|one| &one.runs)
                        .map(String::as_str),
                );
            }
        }
        false
    }
}

/// Whether a text may name other flows, to run or to start after, or tell them of an event: others need not be looked
/// at where it does not.
pub fn may_run_others(text: &str) -> bool {
    ["run:", "\"run\"", "outcome:", "\"outcome\"", TELL]
        .iter()
        .any(|word| text.contains(word))
}

/// What is known of the flow in `text`. Nothing where it is none.
pub fn outline(name: &str, text: &str, surroundings: Surroundings<'_>) -> Option<Outline> {
    let alone = Surroundings {
        flows: None,
        ..surroundings
    };
    let (document, _) = Document::parse(name, text);
    let (spec, _) = crate::spec::read_flow(&document);
    let spec = spec?;
    let mut texts = Texts::default();
    let (plan, _) = crate::plan::compile_with(
        &mut texts,
        &document,
        &spec,
        surroundings.catalog,
        surroundings.calendars,
    );
    let plan = plan?;
    Some(Outline {
        flow: spec.flow.clone(),
        version: spec.version.clone(),
        inputs: spec.inputs.clone(),
        outputs: outputs(&document, &spec, alone, &plan, &mut texts),
        ends: ends(&spec),
        runs: sure_runs(&plan).into_iter().map(|(_, flow)| flow).collect(),
        events: Events::of(&spec),
    })
}

fn outputs(
    document: &Document,
    spec: &FlowSpec,
    surroundings: Surroundings<'_>,
    plan: &Plan,
    texts: &mut Texts,
) -> Vec<(String, Type)> {
    let graphs = super::paths::Paths::of(plan);
    let locator = Locator::new(document);
    let cx = context(&locator, document, spec, surroundings, Some(plan), &graphs, texts);
    let of = |name: &str, value: &Value| {
        let pointer = format!("/outputs/{}", crate::base::source::escape(name));
        let mut whole = cx.uses.iter().filter(|one| one.whole);
        let found = whole.find(|one| cx.places[one.place].pointer == pointer);
        found.map_or_else(|| super::shapes::literal(value), |one| one.ty.clone())
    };
    let outputs = spec.outputs.iter();
    outputs.map(|(name, value)| (name.clone(), of(name, value))).collect()
}

/// The statuses of the author's own that a run can end with. What ends inside an `each` is its element.
fn ends(spec: &FlowSpec) -> Vec<String> {
    let mut ends = vec![RunSpec::COMPLETED.to_owned()];
    let mut add = |status: &str| {
        if !ends.iter().any(|one| one == status) {
            ends.push(status.to_owned());
        }
    };
    for step in &spec.steps {
        if let Some(end) = &step.end {
            add(&end.status);
        }
        step.outcomes
            .values()
            .for_each(|disposition| ends_of(disposition, &mut add));
    }
    ends
}

fn ends_of(disposition: &DispositionSpec, add: &mut impl FnMut(&str)) {
    match disposition {
        DispositionSpec::Continue => {}
        DispositionSpec::End(status) => add(status),
        DispositionSpec::BackTo(back) => ends_of(&back.then, add),
    }
}

/// The steps that run another flow whatever is decided before: their place and the flow. Only other
/// work stands before them, and no condition.
pub(super) fn sure_runs(plan: &Plan) -> Vec<(String, String)> {
    let lists = [BodyId::FLOW, BodyId::ALWAYS].map(|id| plan.body(id));
    let mut found = Vec::new();
    for body in lists {
        for step in body.steps {
            if let PlanVerb::Run(run) = &step.verb
                && is_sure(&body, step.index)
            {
                found.push((step.pointer.clone(), run.flow.clone()));
            }
        }
    }
    found
}

fn is_sure(body: &Body<'_>, step: crate::plan::StepId) -> bool {
    let decides_nothing =
        |verb: &PlanVerb| matches!(verb, PlanVerb::Uses { .. } | PlanVerb::Run(_) | PlanVerb::Each(_));
    let by_default = |outcome: &str| outcome == "done" || outcome == RunSpec::COMPLETED;
    let follows = |step: crate::plan::StepId| {
        let after = &body.step(step).after;
        after.iter().all(|edge| edge.outcome.as_deref().is_none_or(by_default))
    };
    body.step(step).condition.is_none()
        && follows(step)
        && body.index.upstream[step.index()]
            .iter()
            .all(|above| decides_nothing(&body.step(above).verb) && follows(above))
}

/// The flow that a step runs, where it is known.
pub(super) fn outline_of<'a>(flows: Option<&'a Flows>, step: &StepSpec) -> Option<&'a Outline> {
    let run = step.run.as_ref()?;
    flows?.get(&run.flow, run.version.as_deref())
}

/// What the step gives that runs the flow: its outputs and its run.
pub(super) fn given(outline: &Outline, completed: bool) -> IndexMap<String, Field> {
    let field = |ty: &Type| Field {
        ty: ty.clone(),
        optional: !completed,
    };
    let outputs = outline.outputs.iter().map(|(name, ty)| (name.clone(), field(ty)));
    outputs.collect()
}
