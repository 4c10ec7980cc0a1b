//! What can come of a step, and where it leads.

use super::{Compiler, Known, Names};
use crate::base::source::escape;
use crate::base::{Diagnostic, Span};
use crate::plan::{Disposition, Edge, Outcome, StepId, codes};
use crate::spec::{
    ApproveSpec, BackToSpec, CollectSpec, DeadlineSpec, DispositionSpec, RunSpec, StepSpec, TaskSpec, Verb,
};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Outcomes that some `after` names.
pub(super) type Named = BTreeSet<(StepId, Outcome)>;

pub(super) fn named(edges: &[Vec<Edge>]) -> Named {
    let named = edges
        .iter()
        .flatten()
        .filter_map(|edge| Some((edge.from, edge.outcome.clone()?)));
    named.collect()
}

/// The outcomes a step can have, in order, and whether each goes on by default.
pub(super) fn possible(spec: &StepSpec, verb: Verb<'_>) -> IndexMap<Outcome, bool> {
    let mut outcomes = IndexMap::new();
    let mut add = |name: &str, goes_on: bool| {
        outcomes.entry(name.to_owned()).or_insert(goes_on);
    };
    match verb {
        Verb::Uses(..) | Verb::Each(_) => {
            add("done", true);
            add("failed", false);
        }
        Verb::Wait(wait) if wait.any.is_empty() => add("received", true),
        Verb::Wait(wait) => wait.any.keys().for_each(|name| add(name, true)),
        Verb::Approve(approve) => decisions(approve)
            .iter()
            .enumerate()
            .for_each(|(position, decision)| add(decision, position == 0)),
        Verb::Task(_) => TaskSpec::ANSWERS
            .iter()
            .enumerate()
            .for_each(|(position, answer)| add(answer, position == 0)),
        Verb::Collect(_) => {
            add(CollectSpec::COMPLETE, true);
            if matches!(spec.deadline, Some(DeadlineSpec::Due(_))) {
                add(CollectSpec::INCOMPLETE, false);
            }
            add(CollectSpec::WITHDRAWN, false);
        }
        Verb::Choose(branches) => {
            let names = branches
                .iter()
                .filter_map(|branch| branch.outcome.as_ref().or(branch.otherwise.as_ref()));
            names.for_each(|name| add(name, true));
        }
        Verb::Check(_) => {
            add("passed", true);
            add("failed", false);
        }
        Verb::Run(_) => {
            // Which others there are is known to whoever wrote the other flow.
            for end in RunSpec::ENDS {
                add(end, end == RunSpec::COMPLETED);
            }
            spec.outcomes.keys().for_each(|name| add(name, false));
        }
        Verb::Set(_) | Verb::Cancel(_) | Verb::Complete(_) => add("done", true),
        Verb::Add(_) => {
            add("done", true);
            add("closed", false);
        }
        Verb::End(_) => {}
    }
    let waits = matches!(verb, Verb::Wait(_) | Verb::Approve(_) | Verb::Task(_));
    if waits && matches!(spec.deadline, Some(DeadlineSpec::Due(_))) {
        add("expired", false);
    }
    outcomes
}

/// What comes of another flow is what its author wrote: an outcome of it is there where somebody names
/// it, here by coming after it.
pub(super) fn named_of_runs<'a>(specs: &'a [StepSpec], steps: &mut IndexMap<&'a str, Known<'a>>) {
    let after = specs.iter().filter_map(|spec| spec.after.as_ref());
    for text in after.flat_map(|after| &after.0) {
        if let Some((id, outcome)) = text.split_once('.')
            && let Some(known) = steps.get_mut(id).filter(|known| matches!(known.verb, Verb::Run(_)))
        {
            known.outcomes.entry(outcome.to_owned()).or_insert(false);
        }
    }
}

/// What people can decide.
pub(super) fn decisions(approve: &ApproveSpec) -> Vec<String> {
    approve.decisions().into_iter().map(str::to_owned).collect()
}

impl<'a> Compiler<'a> {
    /// Where each outcome of a step leads.
    pub(super) fn outcomes(
        &mut self,
        known: &Known<'a>,
        names: &Names<'a>,
        wanted: &Named,
    ) -> IndexMap<Outcome, Disposition> {
        let mut all: IndexMap<Outcome, Disposition> = known
            .outcomes
            .iter()
            .map(|(name, goes_on)| {
                let disposition = match (goes_on, wanted.contains(&(known.index, name.clone()))) {
                    (true, _) => Disposition::GoOn,
                    (false, true) => Disposition::Named,
                    (false, false) => Disposition::Nowhere,
                };
                (name.clone(), disposition)
            })
            .collect();
        for (name, written) in &known.spec.outcomes {
            let pointer = format!("{}/outcomes/{}", known.pointer, escape(name));
            if let Some(disposition) = all.get_mut(name) {
                *disposition = self.disposition(names, written, &pointer);
            } else {
                let place = self.document.spans.key(&pointer);
                self.unknown_outcome(known, name, place);
            }
        }
        all
    }

    fn disposition(&mut self, names: &Names<'a>, written: &DispositionSpec, pointer: &str) -> Disposition {
        match written {
            DispositionSpec::Continue => Disposition::GoOn,
            DispositionSpec::End(status) => Disposition::End(status.clone()),
            DispositionSpec::BackTo(back) => self.back_to(names, back, pointer),
        }
    }

    fn back_to(&mut self, names: &Names<'a>, back: &BackToSpec, pointer: &str) -> Disposition {
        let then = self.disposition(names, &back.then, &format!("{pointer}/then"));
        if back.max_rounds < 2 {
            let place = self.document.spans.value(&format!("{pointer}/max_rounds"));
            self.report(
                Diagnostic::error(
                    codes::UNBOUNDED_BACK_TO,
                    "`max_rounds` counts the first round too, so it must be at least 2",
                    place,
                )
                .with_help("write how many rounds there may be in all"),
            );
        }
        let id = back.back_to.as_str();
        match self.resolve(names, id, &format!("{pointer}/back_to"), Span::new(0, id.len())) {
            Ok(target) => Disposition::BackTo {
                target: target.index,
                max_rounds: back.max_rounds,
                then: Box::new(then),
            },
            // What is left of a way back to nowhere is what comes after it.
            Err(()) => then,
        }
    }
}
