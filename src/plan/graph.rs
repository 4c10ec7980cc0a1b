//! Questions about the graph: order, upstream, downstream, what has surely happened.
//!
//! Everything here is computed from the steps alone, once, and answered without walking again.
//! Steps are named by their index in the list they stand in (`Plan::steps` or `Plan::always`).

mod calls;

pub use calls::WayBack;

use calls::either;

use super::{Disposition, Edge, PlanStep, PlanVerb, StepId};
use crate::spec::JoinSpec;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A set of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepSet {
    words: Vec<u64>,
}

impl StepSet {
    /// No steps, with room for `count`.
    fn with_room(count: usize) -> Self {
        Self {
            words: vec![0; count.div_ceil(64)],
        }
    }

    fn insert(&mut self, step: StepId) {
        self.words[step.index() / 64] |= 1 << (step.index() % 64);
    }

    fn absorb(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// Whether `step` is in the set.
    pub fn contains(&self, step: StepId) -> bool {
        let word = self.words.get(step.index() / 64).copied().unwrap_or(0);
        word & (1 << (step.index() % 64)) != 0
    }

    /// Whether there is nothing in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The steps in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = StepId> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let at = u32::try_from(at * 64).expect("a plan has fewer than 2^32 steps");
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| StepId(at + bit))
        })
    }
}

/// What can be asked of a list of steps without walking it again.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The steps as nodes, in the order of their list; an edge for each of their `after`, which says which it is.
    graph: DiGraph<StepId, usize>,
    /// Every step after all of its predecessors; otherwise in the order of the file.
    pub order: Vec<StepId>,
    /// Every step that a step comes after, directly or not.
    pub upstream: Vec<StepSet>,
    /// Every step that comes after a step, directly or not.
    pub downstream: Vec<StepSet>,
}

impl Index {
    /// Indexes `steps`. Steps on a cycle are the error, in the order of the cycle.
    pub fn of(steps: &[PlanStep]) -> Result<Self, Vec<StepId>> {
        let graph = graph(steps);
        let order = order(&graph)?;
        let mut upstream = vec![StepSet::with_room(steps.len()); steps.len()];
        for &step in &order {
            let mut above = StepSet::with_room(steps.len());
            for from in graph.neighbors_directed(node(step), Direction::Incoming) {
                above.insert(graph[from]);
                above.absorb(&upstream[from.index()]);
            }
            upstream[step.index()] = above;
        }
        let mut downstream = vec![StepSet::with_room(steps.len()); steps.len()];
        for &step in order.iter().rev() {
            let mut below = StepSet::with_room(steps.len());
            for next in graph.neighbors(node(step)) {
                below.insert(graph[next]);
                below.absorb(&downstream[next.index()]);
            }
            downstream[step.index()] = below;
        }
        Ok(Self {
            graph,
            order,
            upstream,
            downstream,
        })
    }

    /// Edges out of a step: the successor, and which of its `after` the edge is; in the order of the file.
    pub fn edges_out(&self, step: StepId) -> impl Iterator<Item = (StepId, usize)> + '_ {
        self.graph
            .edges(node(step))
            .map(|edge| (self.graph[edge.target()], *edge.weight()))
    }

    /// Whether `above` comes before `below` on some path.
    pub fn is_upstream(&self, above: StepId, below: StepId) -> bool {
        self.upstream
            .get(below.index())
            .is_some_and(|steps| steps.contains(above))
    }
}

/// The node of a step.
fn node(step: StepId) -> NodeIndex {
    NodeIndex::new(step.index())
}

/// The steps and what they come after. petgraph gives the edge first that came last: they are put in backwards.
fn graph(steps: &[PlanStep]) -> DiGraph<StepId, usize> {
    let edges = steps.iter().map(|step| step.after.len()).sum();
    let mut graph = DiGraph::with_capacity(steps.len(), edges);
    for step in steps {
        graph.add_node(step.index);
    }
    for step in steps.iter().rev() {
        for (at, edge) in step.after.iter().enumerate().rev() {
            graph.add_edge(node(edge.from), node(step.index), at);
        }
    }
    graph
}

/// Kahn's algorithm with the smallest index first, so that the order does not depend on chance and is that of the
/// file where it can be (petgraph's own order is not). Steps on a cycle are the error.
fn order(graph: &DiGraph<StepId, usize>) -> Result<Vec<StepId>, Vec<StepId>> {
    let incoming = |node| graph.edges_directed(node, Direction::Incoming).count();
    let mut missing: Vec<usize> = graph.node_indices().map(incoming).collect();
    let mut ready: BinaryHeap<_> = graph.externals(Direction::Incoming).map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(Reverse(step)) = ready.pop() {
        order.push(graph[step]);
        for next in graph.neighbors(step) {
            missing[next.index()] -= 1;
            if missing[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    if order.len() == graph.node_count() {
        Ok(order)
    } else {
        Err(cycle(graph, &missing))
    }
}

/// A cycle among the steps that still miss a predecessor, beginning with its first step in the file.
fn cycle(graph: &DiGraph<StepId, usize>, missing: &[usize]) -> Vec<StepId> {
    let is_open = |node: &NodeIndex| missing[node.index()] > 0;
    let mut walked = Vec::new();
    let mut at = graph.node_indices().find(is_open);
    while let Some(step) = at {
        if let Some(begin) = walked.iter().position(|seen| *seen == graph[step]) {
            let mut cycle = walked.split_off(begin);
            // Predecessors were followed, so what was found runs backwards.
            cycle.reverse();
            let first = (0..cycle.len()).min_by_key(|at| cycle[*at]).unwrap_or(0);
            cycle.rotate_left(first);
            return cycle;
        }
        walked.push(graph[step]);
        at = graph.neighbors_directed(step, Direction::Incoming).find(is_open);
    }
    walked
}

/// Whether a step has happened by the time another one starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty<'a> {
    /// It has surely finished, with one of these outcomes.
    Sure(Vec<&'a str>),
    /// It may have been skipped or not reached, or may still be running.
    Maybe,
}

/// Why an edge can never arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadEdge {
    /// The predecessor has no such outcome.
    NoSuchOutcome,
    /// The outcome ends the run or goes back every time.
    LeadsAway,
    /// No outcome of the predecessor goes on.
    NothingGoesOn,
    /// The predecessor itself can never start.
    NeverStarts,
}

/// What is surely known at the start of each step, whatever path led there.
///
/// A person who skips an incident is not counted: nothing would be sure then.
#[derive(Clone, Debug)]
pub struct Knowledge {
    /// By step: what has finished when it starts. Nothing for a step that can never start.
    known: Vec<Option<Finished>>,
    /// The same as it would be if no way back began a step that was not reached; empty where none does.
    plain: Vec<Option<Finished>>,
    /// The ways back that may begin a step that was not reached.
    calling: Vec<WayBack>,
}

/// By step, the outcomes that it may have had; none where it need not have finished.
type Finished = Vec<Outcomes>;

/// Outcomes of one step, a bit for each in the order of the step; the last bit stands for all
/// that have no bit of their own.
type Outcomes = u128;

fn bit(position: usize) -> Outcomes {
    1 << position.min(127)
}

impl Disposition {
    /// Whether edges without an outcome of their own can count this, be it after the last round.
    pub fn can_go_on(&self) -> bool {
        match self {
            Self::GoOn => true,
            Self::BackTo { then, .. } => then.can_go_on(),
            Self::Named | Self::End(_) | Self::Nowhere => false,
        }
    }

    /// Whether an edge that names the outcome can arrive, be it after the last round.
    pub fn can_be_named(&self) -> bool {
        match self {
            Self::GoOn | Self::Named => true,
            Self::BackTo { then, .. } => then.can_be_named(),
            Self::End(_) | Self::Nowhere => false,
        }
    }
}

/// Whether `edge` can arrive as far as its predecessor's outcomes go: what the predecessor's
/// outcome is then, and whether it may have been skipped instead.
fn arrival(from: &PlanStep, edge: &Edge) -> Result<(Outcomes, bool), DeadEdge> {
    if let Some(name) = &edge.outcome {
        return match from.outcomes.get_full(name) {
            None => Err(DeadEdge::NoSuchOutcome),
            Some((position, _, disposition)) if disposition.can_be_named() => Ok((bit(position), false)),
            Some(_) => Err(DeadEdge::LeadsAway),
        };
    }
    let outcomes = from
        .outcomes
        .values()
        .enumerate()
        .filter(|(_, disposition)| disposition.can_go_on())
        .fold(0, |all, (position, _)| all | bit(position));
    let skippable = from.may_be_skipped();
    if outcomes == 0 && !skippable {
        Err(DeadEdge::NothingGoesOn)
    } else {
        Ok((outcomes, skippable))
    }
}

impl Knowledge {
    /// Works it out for `steps`, which `index` was made of.
    pub fn of(steps: &[PlanStep], index: &Index) -> Self {
        let mut this = Self {
            known: vec![None; steps.len()],
            plain: Vec::new(),
            calling: Vec::new(),
        };
        for &id in &index.order {
            let step = &steps[id.index()];
            let arriving: Vec<_> = step
                .after
                .iter()
                .filter_map(|edge| this.along(steps, edge).ok())
                .collect();
            this.known[id.index()] = joined(step, arriving, steps.len());
        }
        this.shrink(steps, index);
        this
    }

    /// What is known when `edge` arrives.
    fn along(&self, steps: &[PlanStep], edge: &Edge) -> Result<Finished, DeadEdge> {
        let from = &steps[edge.from.index()];
        let (outcomes, skippable) = arrival(from, edge)?;
        let mut known = self.known[edge.from.index()].clone().ok_or(DeadEdge::NeverStarts)?;
        if !skippable {
            known[edge.from.index()] = outcomes;
        }
        Ok(known)
    }

    /// The outcomes that `other` may have had when `edge` arrives, a bit for each; nothing where it
    /// need not have finished, or where the edge can never arrive.
    pub fn when_arrived(&self, steps: &[PlanStep], edge: &Edge, other: StepId) -> Option<u128> {
        let (outcomes, skippable) = arrival(&steps[edge.from.index()], edge).ok()?;
        if edge.from == other && !skippable {
            return Some(outcomes);
        }
        let known = self.known[edge.from.index()].as_ref()?;
        Some(known[other.index()]).filter(|outcomes| *outcomes != 0)
    }

    /// Why `edge` can never arrive, if it cannot.
    pub fn dead(&self, steps: &[PlanStep], edge: &Edge) -> Option<DeadEdge> {
        let from = &steps[edge.from.index()];
        match arrival(from, edge) {
            Err(dead) => Some(dead),
            Ok(_) if !self.can_start(edge.from) => Some(DeadEdge::NeverStarts),
            Ok(_) => None,
        }
    }

    /// Whether there is a path on which `step` starts.
    pub fn can_start(&self, step: StepId) -> bool {
        self.known.get(step.index()).is_some_and(Option::is_some)
    }

    /// Whether `other` has finished whenever `step` starts.
    pub fn before<'a>(&self, steps: &'a [PlanStep], step: StepId, other: StepId) -> Certainty<'a> {
        let Some(Some(known)) = self.known.get(step.index()) else {
            return Certainty::Maybe;
        };
        match known[other.index()] {
            0 => Certainty::Maybe,
            outcomes => Certainty::Sure(names(&steps[other.index()], outcomes)),
        }
    }
}

/// What has surely finished when a run is completed, and is not ended before by an outcome that
/// leads to an end. What has finished on every way to the last steps has, and so has what no
/// outcome on the way can lead past.
#[derive(Clone, Debug)]
pub struct Completion(Finished);

impl Completion {
    /// Works it out for `steps`, which `index` and `knowledge` were made of.
    pub fn of(steps: &[PlanStep], index: &Index, knowledge: &Knowledge) -> Self {
        let cut = cut(steps, index, knowledge);
        let mut sure = at_last_steps(steps, index, knowledge, &cut);
        let mut inevitable = vec![false; steps.len()];
        for &id in &index.order {
            let step = &steps[id.index()];
            let arriving = step.after.iter().filter(|edge| {
                let from = &steps[edge.from.index()];
                inevitable[edge.from.index()] && is_sure_to_arrive(from, edge)
            });
            let arriving: Vec<StepId> = arriving.map(|edge| edge.from).collect();
            let enough = arriving.len() >= needed(step) && knowledge.arrives_anew(index, id, &arriving);
            let arrives = step.after.is_empty() || enough;
            inevitable[id.index()] = arrives && !cut[id.index()];
            if inevitable[id.index()] && !step.may_be_skipped() && sure[id.index()] == 0 {
                sure[id.index()] = staying(step);
            }
        }
        Self(sure)
    }

    /// Whether `step` has finished then.
    pub fn has<'a>(&self, steps: &'a [PlanStep], step: StepId) -> Certainty<'a> {
        match self.0[step.index()] {
            0 => Certainty::Maybe,
            outcomes => Certainty::Sure(names(&steps[step.index()], outcomes)),
        }
    }
}

/// How many edges have to arrive for the step to begin.
fn needed(step: &PlanStep) -> usize {
    step.join.needed(step.after.len())
}

/// The outcomes after which the run goes on, be it past nothing.
fn staying(step: &PlanStep) -> Outcomes {
    let stays = |disposition: &Disposition| disposition.can_go_on() || disposition.can_be_named();
    let outcomes = step.outcomes.values().enumerate();
    outcomes
        .filter(|(_, disposition)| stays(disposition))
        .fold(0, |all, (position, _)| all | bit(position))
}

/// Whether `edge` arrives whenever the run goes on past `from`, however that went.
fn is_sure_to_arrive(from: &PlanStep, edge: &Edge) -> bool {
    let skipped = edge.outcome.is_none() || !from.may_be_skipped();
    skipped && arrival(from, edge).is_ok_and(|(outcomes, _)| outcomes & staying(from) == staying(from))
}

/// Which steps some `cancel` may keep from finishing: those that it names, and those that then can no
/// longer begin. What has surely finished when the `cancel` begins is out of its reach.
fn cut(steps: &[PlanStep], index: &Index, knowledge: &Knowledge) -> Vec<bool> {
    let mut all = vec![false; steps.len()];
    let after_called = knowledge.after_called(index, steps.len());
    for step in steps {
        let PlanVerb::Cancel(named) = &step.verb else { continue };
        let Some(known) = &knowledge.known[step.index.index()] else {
            continue;
        };
        let mut reached = vec![false; steps.len()];
        for &id in &index.order {
            let mut before = steps[id.index()].after.iter().map(|edge| reached[edge.from.index()]);
            let starves = match steps[id.index()].join {
                // what arrived before the way back does not begin it
                _ if after_called[id.index()] => before.any(|reached| reached),
                JoinSpec::All | JoinSpec::Count(_) => before.any(|reached| reached),
                JoinSpec::Any | JoinSpec::Settled => before.len() > 0 && before.all(|reached| reached),
            };
            reached[id.index()] = known[id.index()] == 0 && (starves || named.contains(&id));
            all[id.index()] |= reached[id.index()];
        }
    }
    all
}

/// What has finished on every way to a step that nothing comes after, or that is followed only by
/// what a `cancel` may withdraw, or, where a way back may begin a branch beside another one, by what
/// waits for more than that one.
fn at_last_steps(steps: &[PlanStep], index: &Index, knowledge: &Knowledge, cut: &[bool]) -> Finished {
    let mut sure: Option<Finished> = None;
    for step in steps {
        let Some(known) = &knowledge.known[step.index.index()] else {
            continue;
        };
        let edges = || {
            let edges_out = index.edges_out(step.index).filter(|(next, _)| {
                let alone = knowledge.calling.is_empty() || needed(&steps[next.index()]) <= 1;
                alone && !cut[next.index()]
            });
            edges_out.map(|(next, at)| &steps[next.index()].after[at])
        };
        let taken = edges()
            .filter_map(|edge| arrival(step, edge).ok())
            .fold(0, |all, (outcomes, _)| all | outcomes);
        let last = staying(step) & !taken;
        let skipped = step.may_be_skipped() && edges().all(|edge| edge.outcome.is_some());
        if last == 0 && !skipped {
            continue;
        }
        let mut known = known.clone();
        known[step.index.index()] = if skipped { 0 } else { last };
        sure = Some(match sure {
            None => known,
            Some(others) => either(others, known),
        });
    }
    sure.unwrap_or_else(|| vec![0; steps.len()])
}

/// The names of a step's outcomes.
fn names(step: &PlanStep, outcomes: Outcomes) -> Vec<&str> {
    let named = step.outcomes.keys().enumerate();
    named
        .filter(|(position, _)| outcomes & bit(*position) != 0)
        .map(|(_, name)| name.as_str())
        .collect()
}

/// What is known at the start of a step of `count`, given what is known along each edge that can
/// arrive.
fn joined(step: &PlanStep, arriving: Vec<Finished>, count: usize) -> Option<Finished> {
    if step.after.is_empty() {
        return Some(vec![0; count]);
    }
    let needed = needed(step);
    if arriving.len() < needed {
        return None;
    }
    let edges = arriving.len();
    let mut arriving = arriving.into_iter();
    let mut all = arriving.next()?;
    if step.join == JoinSpec::All {
        for known in arriving {
            for (sure, more) in all.iter_mut().zip(known) {
                match (*sure, more) {
                    (_, 0) => {}
                    (0, more) => *sure = more,
                    // Two edges that want two different outcomes of one step cannot both arrive.
                    (one, other) if one & other == 0 => return None,
                    (one, other) => *sure = one & other,
                }
            }
        }
        return Some(all);
    }
    let mut knowing: Vec<usize> = all.iter().map(|outcomes| usize::from(*outcomes != 0)).collect();
    for known in arriving {
        for ((sure, knowing), more) in all.iter_mut().zip(&mut knowing).zip(known) {
            *sure |= more;
            *knowing += usize::from(more != 0);
        }
    }
    // Sure if no `needed` edges can arrive that all leave it open.
    for (sure, knowing) in all.iter_mut().zip(knowing) {
        if edges - knowing >= needed {
            *sure = 0;
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests;
