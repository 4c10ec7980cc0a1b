//! `after` → edges, and the cycles in them.

use super::{Compiler, Names};
use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Span};
use crate::plan::{Edge, Index, PlanStep, StepId, codes};

/// Most cycles that are told of one list of steps.
pub const MAX_CYCLES: usize = 20;

impl<'a> Compiler<'a> {
    /// The edges into each step of a list.
    pub(super) fn edges(&mut self, names: &Names<'a>) -> Vec<Vec<Edge>> {
        let mut all = Vec::with_capacity(names.steps.len());
        for (position, known) in names.steps.values().enumerate() {
            let mut edges = Vec::new();
            match &known.spec.after {
                // The step above, be it one or another that was understood.
                None => edges.extend(position.checked_sub(1).map(|above| Edge {
                    from: names.steps[above].index,
                    outcome: None,
                })),
                Some(after) if after.0 == ["start"] => {}
                Some(after) => {
                    let pointer = format!("{}/after", known.pointer);
                    let in_list = self
                        .document
                        .value
                        .pointer(&pointer)
                        .is_some_and(serde_json::Value::is_array);
                    for (at, text) in after.0.iter().enumerate() {
                        let pointer = if in_list {
                            format!("{pointer}/{at}")
                        } else {
                            pointer.clone()
                        };
                        let edge = self.edge(names, text, &pointer);
                        edges.extend(edge.filter(|edge| !edges.contains(edge)));
                    }
                }
            }
            all.push(edges);
        }
        all
    }

    fn edge(&mut self, names: &Names<'a>, text: &str, pointer: &str) -> Option<Edge> {
        if text == "start" {
            let place = self.locator.place(pointer, Span::new(0, text.len()));
            self.report(
                Diagnostic::error(codes::UNKNOWN_STEP, "`start` cannot stand beside steps", place)
                    .with_help("write `after: start` alone for a step that begins the flow"),
            );
            return None;
        }
        let (id, outcome) = match text.split_once('.') {
            Some((id, outcome)) => (id, Some(outcome)),
            None => (text, None),
        };
        let from = self.resolve(names, id, pointer, Span::new(0, id.len())).ok()?;
        if let Some(outcome) = outcome
            && !from.outcomes.contains_key(outcome)
        {
            let place = self.locator.place(pointer, Span::new(id.len() + 1, text.len()));
            self.unknown_outcome(from, outcome, place);
            return None;
        }
        Some(Edge {
            from: from.index,
            outcome: outcome.map(str::to_owned),
        })
    }

    /// Says that the step has no such outcome.
    pub(super) fn unknown_outcome(&mut self, of: &super::Known<'a>, outcome: &str, place: Span) {
        let id = &of.spec.id;
        let mut finding = Diagnostic::error(
            codes::UNKNOWN_OUTCOME,
            format!("`{id}` has no outcome `{outcome}`"),
            place,
        );
        let known: Vec<&str> = of.outcomes.keys().map(String::as_str).collect();
        finding.help = Some(if outcome == "expired" {
            format!("`{id}` cannot expire, because it has no `deadline` with `due`")
        } else if let Some(near) = nearest(outcome, known.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if known.is_empty() {
            format!("`{id}` ends the run and has no outcomes")
        } else {
            format!("its outcomes are {}", known.join(", "))
        });
        self.report(finding.with_related(
            self.document.spans.value(&format!("{}/id", of.pointer)),
            format!("the step `{id}`"),
        ));
    }

    /// Indexes the steps. Each cycle is told and cut at the `after` that closes it, and after the
    /// last that is told, whatever leads up the file is cut.
    pub(super) fn acyclic(&mut self, names: &Names<'a>, steps: &mut [PlanStep]) -> Index {
        for told in 0.. {
            if told == MAX_CYCLES {
                for step in steps.iter_mut() {
                    step.after.retain(|edge| edge.from < step.index);
                }
            }
            let cycle = match Index::of(steps) {
                Ok(index) => return index,
                Err(cycle) => cycle,
            };
            let is_written = |id: &StepId| names.steps[id.index()].spec.after.is_some();
            let at = cycle.iter().position(is_written).unwrap_or(0);
            let (closing, before) = (cycle[at], cycle[(at + cycle.len() - 1) % cycle.len()]);
            self.cycle(steps, &cycle, closing);
            steps[closing.index()].after.retain(|edge| edge.from != before);
        }
        unreachable!("what leads down the file has no cycles")
    }

    fn cycle(&mut self, steps: &[PlanStep], cycle: &[StepId], closing: StepId) {
        let place = |id: &StepId| {
            let pointer = &steps[id.index()].pointer;
            let after = self
                .document
                .spans
                .get(&format!("{pointer}/after"))
                .map(|node| node.value);
            after.unwrap_or_else(|| self.document.spans.value(&format!("{pointer}/id")))
        };
        let ids: Vec<String> = cycle.iter().map(|id| format!("`{}`", steps[id.index()].id)).collect();
        let message = match ids.as_slice() {
            [alone] => format!("{alone} comes after itself"),
            several => format!("{} come after each other", several.join(", ")),
        };
        let mut finding = Diagnostic::error(codes::CYCLE, message, place(&closing))
            .with_help("to do steps again, lead an outcome back with `back_to` and `max_rounds`");
        for id in cycle.iter().filter(|id| **id != closing) {
            finding = finding.with_related(place(id), format!("`{}` is part of the cycle", steps[id.index()].id));
        }
        self.report(finding);
    }
}
