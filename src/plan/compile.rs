//! `FlowSpec` → `Plan`, with every finding on the way.
//!
//! Invariant: whatever is wrong with the flow, a plan comes out in which everything that can be
//! understood stands; what cannot is a finding and is left out or replaced by something harmless.

mod ask;
mod collect;
mod order;
mod outcomes;
mod text;
mod time;
mod triggers;
mod verbs;

use super::{BodyId, EachBody, Locator, Plan, PlanStep, PlanVerb, Retry, StepId, codes};
use crate::base::diagnostic::nearest;
use crate::base::id::hex;
use crate::base::source::escape;
use crate::base::{Calendar, Calendars, Diagnostic, Document, Findings, Semantics, Span, Value};
use crate::expr::{Texts, Tree};
use crate::spec::{Catalog, FlowSpec, JoinSpec, StepSpec, Verb};
use indexmap::{IndexMap, IndexSet};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The keys of the two outermost lists of steps.
const STEPS: &str = "steps";
const ALWAYS: &str = "always";

/// Compiles. Returns a plan if one can be made (references and types may still be wrong; lint
/// tells), and the findings of resolving names, expressions, durations and order.
pub fn compile(
    document: &Document,
    spec: &FlowSpec,
    catalog: &Catalog,
    calendars: &Calendars,
) -> (Option<Plan>, Findings) {
    compile_with(&mut Texts::default(), document, spec, catalog, calendars)
}

/// The same, for whom the parsed texts are of use afterwards.
pub fn compile_with(
    texts: &mut Texts,
    document: &Document,
    spec: &FlowSpec,
    catalog: &Catalog,
    calendars: &Calendars,
) -> (Option<Plan>, Findings) {
    let mut compiler = Compiler {
        document,
        texts,
        locator: Locator::new(document),
        catalog,
        broken: &spec.broken,
        calendar: None,
        zone: "UTC".to_owned(),
        standing: HashMap::new(),
        eaches: Vec::new(),
        findings: Findings::default(),
    };
    let calendar = compiler.calendar(spec, calendars);
    if let Some(calendar) = calendar {
        compiler.zone.clone_from(&calendar.zone);
    }
    compiler.stand(&[STEPS], &spec.steps);
    compiler.stand(&[ALWAYS], &spec.always);
    let steps = compiler.list(BodyId::FLOW, "/steps", &[STEPS], &spec.steps);
    let always = compiler.list(BodyId::ALWAYS, "/always", &[ALWAYS], &spec.always);
    let schedule = compiler.triggers(spec, calendar);
    let expires_within = compiler.document_trigger(spec);
    let outputs = compiler.outputs(spec);
    compiler.input_defaults(spec);
    let mut plan = Plan {
        flow: spec.flow.clone(),
        version: spec.version.clone(),
        title: spec.title.clone().unwrap_or_else(|| spec.flow.clone()),
        hash: hash(document, calendar),
        semantics: Semantics::CURRENT,
        same_person: spec.same_person,
        triggers: spec.on.clone(),
        schedule,
        expires_within,
        inputs: spec.inputs.clone(),
        settings: spec.settings.clone(),
        values: spec.values.clone(),
        outputs,
        positions: HashMap::new(),
        steps: steps.0,
        always: always.0,
        index: steps.1,
        always_index: always.1,
        eaches: compiler.eaches,
        calendar: calendar.cloned(),
        owner: spec.owner.clone(),
        guarantees: spec.guarantees.clone(),
    };
    plan.positions = plan.place_steps();
    (Some(plan), compiler.findings)
}

/// Whether the flow names a calendar, be it one that is not there, or under a key that is misspelt.
pub fn names_calendar(document: &Document, spec: &FlowSpec) -> bool {
    let mut keys = document.value.as_object().into_iter().flatten().map(|(key, _)| key);
    spec.calendar.is_some() || keys.any(|key| nearest(key, ["calendar"]).is_some())
}

/// What a run is pinned to: the text and the calendar.
fn hash(document: &Document, calendar: Option<&Calendar>) -> String {
    let mut digest = Sha256::new();
    digest.update(document.text.as_bytes());
    if let Some(calendar) = calendar {
        let calendar = serde_json::to_vec(calendar).expect("a calendar is plain data");
        // Length first, so that no text can be mistaken for a shorter one with a calendar.
        digest.update([0]);
        digest.update((document.text.len() as u64).to_be_bytes());
        digest.update(calendar);
    }
    hex(&digest.finalize())
}

struct Compiler<'a> {
    document: &'a Document,
    texts: &'a mut Texts,
    locator: Locator<'a>,
    catalog: &'a Catalog,
    /// Steps that are written and not understood.
    broken: &'a [String],
    /// Whether working time can be counted, once that is known.
    calendar: Option<bool>,
    /// The zone of timestamps without an offset: that of the calendar.
    zone: String,
    /// The list that each step stands in: `steps` or `always`, then the ids of the `each` around it.
    standing: HashMap<&'a str, Vec<&'a str>>,
    /// What stands inside each `each`, as far as it is compiled.
    eaches: Vec<EachBody>,
    findings: Findings,
}

/// A step that can be compiled, and what its neighbours need to know of it.
struct Known<'a> {
    index: StepId,
    /// The list it stands in.
    body: BodyId,
    spec: &'a StepSpec,
    verb: Verb<'a>,
    /// JSON pointer of the step.
    pointer: String,
    /// Its outcomes, and whether each goes on unless the author says otherwise.
    outcomes: IndexMap<String, bool>,
}

/// The steps of one list by id.
struct Names<'a> {
    steps: IndexMap<&'a str, Known<'a>>,
    /// Ids that are there and not understood.
    broken: IndexSet<&'a str>,
    /// Which list: `steps` or `always`, then the ids of the `each` around it.
    path: Vec<&'a str>,
}

impl<'a> Compiler<'a> {
    fn report(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Whether everything that is written was read, so that what is missing is really missing.
    fn complete(&self) -> bool {
        self.document.unread.is_empty()
    }

    fn calendar<'c>(&mut self, spec: &FlowSpec, calendars: &'c Calendars) -> Option<&'c Calendar> {
        let calendar = spec.calendar.as_ref().and_then(|name| calendars.get(name));
        // A calendar that is named and missing is told once, here, and not at every deadline.
        self.calendar = Some(names_calendar(self.document, spec) || !self.complete());
        if let (Some(name), None) = (&spec.calendar, calendar) {
            let mut finding = Diagnostic::error(
                codes::CALENDAR_MISSING,
                format!("there is no calendar `{name}`"),
                self.document.spans.value("/calendar"),
            );
            finding.help = Some(match nearest(name, calendars.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write working hours, week and holidays into calendars/{name}.yaml"),
            });
            self.report(finding);
        }
        calendar
    }

    /// Takes down where every step of a list stands, and those inside them.
    fn stand(&mut self, path: &[&'a str], specs: &'a [StepSpec]) {
        for spec in specs {
            self.standing.entry(&spec.id).or_insert_with(|| path.to_vec());
            if let Some(each) = &spec.each {
                let inner: Vec<&str> = path.iter().copied().chain([spec.id.as_str()]).collect();
                self.stand(&inner, &each.steps);
            }
        }
    }

    /// Compiles `specs`, the list at `pointer`.
    fn list(
        &mut self,
        body: BodyId,
        pointer: &str,
        path: &[&'a str],
        specs: &'a [StepSpec],
    ) -> (Vec<PlanStep>, super::Index) {
        let names = self.names(body, pointer, path, specs);
        let edges = self.edges(&names);
        let wanted = outcomes::named(&edges);
        let mut steps = Vec::with_capacity(names.steps.len());
        for (known, after) in names.steps.values().zip(edges) {
            steps.push(self.step(known, after, &names, &wanted));
        }
        let index = self.acyclic(&names, &mut steps);
        adders(&mut steps, &index);
        (steps, index)
    }

    fn names(&self, body: BodyId, pointer: &str, path: &[&'a str], specs: &'a [StepSpec]) -> Names<'a> {
        let written = self.document.value.pointer(pointer).and_then(Value::as_array);
        let mut position = 0;
        let mut steps = IndexMap::with_capacity(specs.len());
        let mut broken: IndexSet<&str> = self.broken.iter().map(String::as_str).collect();
        for spec in specs {
            // Steps that were not understood stand in the file and not among the specs.
            let is_it = |step: &Value| step.get("id").and_then(Value::as_str) == Some(&spec.id);
            let ahead = written.and_then(|steps| steps.iter().skip(position).position(is_it));
            position += ahead.unwrap_or(0);
            let pointer = format!("{pointer}/{position}");
            position += 1;
            match spec.verb() {
                None => {
                    broken.insert(&spec.id);
                }
                Some(verb) => {
                    let index = StepId(u32::try_from(steps.len()).expect("a file of 1 MiB has fewer steps"));
                    let known = Known {
                        index,
                        body,
                        spec,
                        verb,
                        pointer,
                        outcomes: outcomes::possible(spec, verb),
                    };
                    // The first of two steps with one id stays; the second is a finding elsewhere.
                    steps.entry(spec.id.as_str()).or_insert(known);
                }
            }
        }
        outcomes::named_of_runs(specs, &mut steps);
        Names {
            steps,
            broken,
            path: path.to_vec(),
        }
    }

    fn step(
        &mut self,
        known: &Known<'a>,
        after: Vec<super::Edge>,
        names: &Names<'a>,
        wanted: &outcomes::Named,
    ) -> PlanStep {
        let spec = known.spec;
        let condition = spec
            .condition
            .as_deref()
            .and_then(|text| self.condition(&format!("{}/if", known.pointer), text));
        PlanStep {
            index: known.index,
            id: spec.id.clone(),
            title: spec.label().to_owned(),
            pointer: known.pointer.clone(),
            verb: self.verb(known, names),
            after,
            join: spec.join.unwrap_or(JoinSpec::All),
            lock: self.lock(known, names),
            condition,
            deadline: self.deadline(known),
            retry: match (&spec.retry, known.verb) {
                (Some(retry), _) => self.retry(&known.pointer, retry),
                (None, Verb::Run(_)) => super::run::START_RETRY,
                (None, _) => Retry::default(),
            },
            outcomes: self.outcomes(known, names, wanted),
            keep: spec.keep.is_some(),
        }
    }

    /// Looks up a step by its id; says so where there is none. `part` is the id's place in the
    /// text at `pointer`. `Err(())` means that something is wrong and told.
    fn resolve<'n>(&mut self, names: &'n Names<'a>, id: &str, pointer: &str, part: Span) -> Result<&'n Known<'a>, ()> {
        if let Some(known) = names.steps.get(id) {
            return Ok(known);
        }
        if names.broken.contains(id) || !self.complete() {
            return Err(());
        }
        if self.findings.is_full() {
            self.findings.leave_out(1);
            return Err(());
        }
        let place = self.locator.place(pointer, part);
        let mut finding = Diagnostic::error(codes::UNKNOWN_STEP, format!("there is no step `{id}`"), place);
        if let Some(path) = self.standing.get(id) {
            (finding.message, finding.help) = elsewhere(id, path, &names.path);
        } else if let Some(near) = nearest(id, names.steps.keys().copied()) {
            finding.help = Some(format!("did you mean `{near}`?"));
        } else {
            let ids: Vec<&str> = names.steps.keys().copied().take(12).collect();
            finding.help = Some(format!("the steps are {}", ids.join(", ")));
        }
        self.report(finding);
        Err(())
    }

    fn outputs(&mut self, spec: &FlowSpec) -> Vec<(String, Tree)> {
        let tree = |this: &mut Self, (name, value): (&String, &Value)| {
            (name.clone(), this.tree(&format!("/outputs/{}", escape(name)), value))
        };
        spec.outputs.iter().map(|output| tree(self, output)).collect()
    }
}

/// Tells each `each` which steps it has to wait for because they may add elements to it. Those that come
/// after it are not waited for: they may be waiting for it.
fn adders(steps: &mut [PlanStep], order: &super::Index) {
    for at in 0..steps.len() {
        let (index, PlanVerb::Add { to, .. }) = (steps[at].index, &steps[at].verb) else {
            continue;
        };
        let to = *to;
        if let PlanVerb::Each(each) = &mut steps[to.index()].verb
            && !order.is_upstream(to, index)
        {
            each.adders.push(index);
        }
    }
}

/// Why a step that stands in the list `there` cannot be named in the list `here`.
fn elsewhere(id: &str, there: &[&str], here: &[&str]) -> (String, Option<String>) {
    match (there, here) {
        ([.., each], _) if there.len() > 1 && !here.starts_with(there) => (
            format!("`{id}` stands inside the `each` of step `{each}`"),
            Some(format!(
                "order by `{each}`: what its elements gave is there in `steps.{each}.results` once all are over"
            )),
        ),
        (_, [.., each]) if here.starts_with(there) => (
            format!("`{id}` stands outside the `each` of step `{each}`"),
            Some(format!(
                "the steps of an `each` are ordered among themselves: put `after` at step `{each}` itself"
            )),
        ),
        _ => (
            format!("`{id}` does not stand under `{}`", here[0]),
            Some("`steps` and `always` are ordered apart: `always` runs when the rest is over".to_owned()),
        ),
    }
}

#[cfg(test)]
mod tests;
