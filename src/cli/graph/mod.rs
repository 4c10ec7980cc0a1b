//! `gatefold graph`: a flow drawn from its plan.
//!
//! Invariant: the same plan gives the same bytes.

mod dot;
mod layout;
mod mermaid;
mod svg;

use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, sources};
use crate::base::render::{FileFindings, human};
use crate::plan::{AskKind, Body, BodyId, Disposition, Plan, PlanStep, PlanVerb, StepId};
use clap::{Args, ValueEnum};

/// Draw a flow.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gatefold graph definitions/external-review.flow.yaml\n  gatefold graph hello.flow.yaml --format svg > hello.svg"
)]
pub struct GraphArgs {
    /// The flow's file, or `-` for standard input
    flow: String,
    /// What to draw it as
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
}

/// What a flow can be drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for Markdown pages
    Mermaid,
    /// Text for Graphviz
    Dot,
    /// A picture
    Svg,
}

/// Runs the command.
pub fn run(args: &GraphArgs, settings: &Settings) -> Outcome {
    let source = sources::read_one(&args.flow)?;
    let mut surroundings = sources::Surroundings::load(settings)?;
    let verdict = surroundings.check(&source)?;
    let Some(plan) = verdict.plan else {
        let why = format!("{} cannot be drawn before its errors are mended", source.name);
        let files = [FileFindings {
            name: source.name,
            text: source.text.into(),
            findings: verdict.findings,
        }];
        output::say(&human::render(&files, true));
        return Err(Failure::Negative(why));
    };
    let drawing = Drawing::of(&plan);
    output::data(&match args.format {
        Format::Mermaid => mermaid::draw(&drawing),
        Format::Dot => dot::draw(&drawing),
        Format::Svg => svg::draw(&drawing),
    })
}

/// How a node looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Where runs begin.
    Start,
    /// An action of a machine.
    Action,
    /// Waiting for something.
    Wait,
    /// People.
    People,
    /// A branch or a check.
    Branch,
    /// Where runs end.
    End,
}

/// A box with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    id: String,
    title: String,
    /// What it does, in a word or two: `file360.publish`, `approve`.
    kind: String,
    shape: Shape,
    /// The node of the `each` that it is inside of.
    inside: Option<usize>,
}

/// An arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Arrow {
    from: usize,
    to: usize,
    label: Option<String>,
    /// Whether it leads back to an earlier step.
    is_back: bool,
}

/// A flow as boxes and arrows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Drawing {
    title: String,
    nodes: Vec<Node>,
    arrows: Vec<Arrow>,
}

impl Drawing {
    fn of(plan: &Plan) -> Self {
        let mut drawing = Self {
            title: format!("{} {}", plan.title, plan.version),
            nodes: vec![node("start", "start", "", Shape::Start)],
            arrows: Vec::new(),
        };
        drawing.list(plan, plan.body(BodyId::FLOW), 0);
        drawing
    }

    /// Draws a list of steps that begins at the node `start`.
    fn list(&mut self, plan: &Plan, body: Body<'_>, start: usize) {
        let inside = (start > 0).then_some(start);
        let first = self.nodes.len();
        let at = |step: StepId| first + step.index();
        for step in body.steps {
            self.nodes.push(Node {
                id: step.id.clone(),
                title: step.title.clone(),
                kind: kind(&step.verb),
                shape: shape(&step.verb),
                inside,
            });
        }
        for step in body.steps {
            self.arrows_into(step, start, &at);
            self.arrows_by_outcome(step, inside, &at);
        }
        self.last_steps_end(body.steps, inside, &at);
        for step in body.steps {
            if let PlanVerb::Each(each) = &step.verb {
                self.list(plan, plan.body(each.body), at(step.index));
            }
        }
    }

    /// Adds an arrow; one beside another shares its label, so that no two lie on each other.
    fn arrow(&mut self, from: usize, to: usize, label: Option<String>, is_back: bool) {
        let beside = |arrow: &&mut Arrow| (arrow.from, arrow.to, arrow.is_back) == (from, to, is_back);
        let Some(other) = self.arrows.iter_mut().find(beside) else {
            self.arrows.push(Arrow {
                from,
                to,
                label,
                is_back,
            });
            return;
        };
        match (&mut other.label, label) {
            (Some(labels), Some(label)) if !labels.split(", ").any(|known| known == label) => {
                labels.push_str(&format!(", {label}"));
            }
            (Some(_), _) => {}
            (none, label) => *none = label,
        }
    }

    fn arrows_into(&mut self, step: &PlanStep, start: usize, at: &dyn Fn(StepId) -> usize) {
        let to = at(step.index);
        if step.after.is_empty() {
            let label = (start > 0).then(|| "each element".to_owned());
            self.arrow(start, to, label, false);
        }
        for edge in &step.after {
            self.arrow(at(edge.from), to, edge.outcome.clone(), false);
        }
    }

    fn arrows_by_outcome(&mut self, step: &PlanStep, inside: Option<usize>, at: &dyn Fn(StepId) -> usize) {
        let from = at(step.index);
        if let PlanVerb::End { status, .. } = &step.verb {
            let to = self.end(status, inside);
            self.arrow(from, to, None, false);
        }
        for (outcome, disposition) in &step.outcomes {
            self.disposed((from, inside), outcome, disposition, at);
        }
    }

    fn disposed(
        &mut self,
        (from, inside): (usize, Option<usize>),
        outcome: &str,
        disposition: &Disposition,
        at: &dyn Fn(StepId) -> usize,
    ) {
        match disposition {
            Disposition::GoOn | Disposition::Named | Disposition::Nowhere => {}
            Disposition::End(status) => {
                let to = self.end(status, inside);
                self.arrow(from, to, Some(outcome.to_owned()), false);
            }
            Disposition::BackTo {
                target,
                max_rounds,
                then,
            } => {
                let label = format!("{outcome} (at most {max_rounds} rounds)");
                self.arrow(from, at(*target), Some(label), true);
                self.disposed((from, inside), &format!("{outcome} after round {max_rounds}"), then, at);
            }
        }
    }

    /// Steps whose outcomes that go on lead nowhere end the run, or the element, as `completed`.
    fn last_steps_end(&mut self, steps: &[PlanStep], inside: Option<usize>, at: &dyn Fn(StepId) -> usize) {
        for step in steps {
            let (open, is_all) = left_over(steps, step);
            if !open.is_empty() {
                let to = self.end("completed", inside);
                self.arrow(at(step.index), to, (!is_all).then(|| open.join(", ")), false);
            }
        }
    }

    /// The node of a status of the run, or of an element, made where it is missing.
    fn end(&mut self, status: &str, inside: Option<usize>) -> usize {
        let id = match inside {
            None => format!("end_{status}"),
            Some(each) => format!("end_{status}_of_{}", self.nodes[each].id),
        };
        if let Some(at) = self.nodes.iter().position(|node| node.id == id) {
            return at;
        }
        self.nodes.push(Node {
            inside,
            ..node(&id, status, "", Shape::End)
        });
        self.nodes.len() - 1
    }

    /// The nodes inside of `each`, or outside of all.
    fn inside(&self, each: Option<usize>) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes
            .iter()
            .enumerate()
            .filter(move |(_, node)| node.inside == each)
    }

    /// Whether anything is inside of the node.
    fn is_each(&self, at: usize) -> bool {
        self.nodes.iter().any(|node| node.inside == Some(at))
    }
}

/// The outcomes of `step` that go on and that no step comes after, and whether no other goes on.
fn left_over<'s>(steps: &'s [PlanStep], step: &'s PlanStep) -> (Vec<&'s str>, bool) {
    let edges = steps.iter().flat_map(|next| &next.after);
    let taken: Vec<Option<&str>> = edges
        .filter(|edge| edge.from == step.index)
        .map(|edge| edge.outcome.as_deref())
        .collect();
    if taken.contains(&None) {
        return (Vec::new(), false);
    }
    let going_on = step
        .outcomes
        .iter()
        .filter(|(_, disposition)| **disposition == Disposition::GoOn);
    let (named, open): (Vec<&str>, Vec<&str>) = going_on
        .map(|(outcome, _)| outcome.as_str())
        .partition(|outcome| taken.contains(&Some(*outcome)));
    (open, named.is_empty())
}

fn node(id: &str, title: &str, kind: &str, shape: Shape) -> Node {
    Node {
        id: id.to_owned(),
        title: title.to_owned(),
        kind: kind.to_owned(),
        shape,
        inside: None,
    }
}

fn kind(verb: &PlanVerb) -> String {
    match verb {
        PlanVerb::Uses { action, .. } => action.clone(),
        PlanVerb::Wait(_) => "wait".to_owned(),
        PlanVerb::Ask(ask) if ask.kind == AskKind::Approve => "approve".to_owned(),
        PlanVerb::Ask(_) => "task".to_owned(),
        PlanVerb::Choose(_) => "choose".to_owned(),
        PlanVerb::Check(_) => "check".to_owned(),
        PlanVerb::Set(_) => "set".to_owned(),
        PlanVerb::Collect(_) => "collect".to_owned(),
        PlanVerb::Run(run) => format!("run {}", run.flow),
        PlanVerb::Each(_) => "each".to_owned(),
        PlanVerb::Cancel(_) => "cancel".to_owned(),
        PlanVerb::Complete(_) => "complete".to_owned(),
        PlanVerb::Add { .. } => "add".to_owned(),
        PlanVerb::End { .. } => "end".to_owned(),
    }
}

fn shape(verb: &PlanVerb) -> Shape {
    match verb {
        PlanVerb::Uses { .. }
        | PlanVerb::Run(_)
        | PlanVerb::Each(_)
        | PlanVerb::Set(_)
        | PlanVerb::Cancel(_)
        | PlanVerb::Complete(_)
        | PlanVerb::Add { .. }
        | PlanVerb::End { .. } => Shape::Action,
        PlanVerb::Wait(_) => Shape::Wait,
        PlanVerb::Ask(_) | PlanVerb::Collect(_) => Shape::People,
        PlanVerb::Choose(_) | PlanVerb::Check(_) => Shape::Branch,
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrow, Drawing, Node, Shape, node};

    #[test]
    fn arrows_beside_each_other_share_their_label() {
        let mut drawing = Drawing {
            title: String::new(),
            nodes: Vec::new(),
            arrows: Vec::new(),
        };
        for label in ["rejected", "expired", "rejected"] {
            drawing.arrow(0, 1, Some(label.to_owned()), false);
        }
        drawing.arrow(1, 0, None, true);
        let labels: Vec<_> = drawing.arrows.iter().map(|arrow| arrow.label.as_deref()).collect();
        assert_eq!(labels, [Some("rejected, expired"), None]);
    }

    /// The arrows out of the step `id` of a flow with these steps, as `label -> target`.
    fn arrows_of(id: &str, steps: &str) -> Vec<String> {
        let text = format!("flow: t\nversion: 1.0.0\nsteps:\n{steps}");
        let surroundings = crate::lint::Surroundings {
            catalog: crate::spec::Catalog::builtin(),
            calendars: &crate::base::Calendars::new(),
            people: None,
            flows: None,
            secrets: None,
        };
        let plan = crate::lint::check("t.flow.yaml", &text, surroundings).plan.unwrap();
        let drawing = Drawing::of(&plan);
        let out = drawing.arrows.iter().filter(|arrow| drawing.nodes[arrow.from].id == id);
        out.map(|arrow| {
            let label = arrow.label.as_deref().unwrap_or_default();
            format!("{label} -> {}", drawing.nodes[arrow.to].id)
        })
        .collect()
    }

    #[test]
    fn only_what_no_step_comes_after_completes_the_run() {
        let choose = "  - { id: size, choose: [{ when: run.id == 'x', outcome: large }, { otherwise: small }] }\n";
        let step = |id: &str, after: &str| {
            format!("  - {{ id: {id}, after: {after}, uses: data.set, with: {{ value: 1 }} }}\n")
        };
        let both = format!("{choose}{}{}", step("a", "size.large"), step("b", "size.small"));
        assert_eq!(arrows_of("size", &both), ["large -> a", "small -> b"]);
        let one = format!("{choose}{}", step("a", "size.large"));
        assert_eq!(arrows_of("size", &one), ["large -> a", "small -> end_completed"]);
        assert_eq!(arrows_of("size", choose), [" -> end_completed"]);
        let any = format!("{choose}{}", step("a", "size"));
        assert_eq!(arrows_of("size", &any), [" -> a"]);
    }

    /// A small flow with every kind of node and arrow, for the tests of the drawers.
    pub(super) fn example() -> Drawing {
        let arrow = |from: usize, to: usize, label: Option<&str>, is_back: bool| Arrow {
            from,
            to,
            label: label.map(str::to_owned),
            is_back,
        };
        let nodes: Vec<Node> = vec![
            node("start", "start", "", Shape::Start),
            node("ask", "Ask <them>", "mail.send", Shape::Action),
            node("reply", "Wait for it", "wait", Shape::Wait),
            node("sign", "Sign", "approve", Shape::People),
            node("end_completed", "completed", "", Shape::End),
        ];
        Drawing {
            title: "Review \"A & B\" 1.0.0".to_owned(),
            nodes,
            arrows: vec![
                arrow(0, 1, None, false),
                arrow(1, 2, None, false),
                arrow(2, 3, Some("signed"), false),
                arrow(3, 2, Some("no, at most 3 rounds"), true),
                arrow(3, 4, None, false),
            ],
        }
    }

    /// Many branches, ways past several rows and ways back, with much to be said on each.
    pub(super) fn crowded() -> Drawing {
        let arrow = |from: usize, to: usize, label: &str, is_back: bool| Arrow {
            from,
            to,
            label: (!label.is_empty()).then(|| label.to_owned()),
            is_back,
        };
        let names = [
            "start",
            "count",
            "legal",
            "finance",
            "board",
            "store",
            "finish",
            "end_expired",
            "end_rejected",
        ];
        Drawing {
            title: "Crowded".to_owned(),
            nodes: names.map(|name| node(name, name, "approve", Shape::People)).into(),
            arrows: vec![
                arrow(0, 1, "", false),
                arrow(0, 6, "without anybody", false),
                arrow(1, 2, "a few", false),
                arrow(1, 3, "rather many of them", false),
                arrow(1, 4, "more than anybody wants to count", false),
                arrow(2, 5, "", false),
                arrow(3, 5, "approved", false),
                arrow(4, 5, "approved", false),
                arrow(5, 6, "", false),
                arrow(2, 7, "changes_requested after round 3, rejected, expired", false),
                arrow(2, 1, "incomplete (at most 3 rounds)", true),
                arrow(3, 8, "rejected", false),
                arrow(4, 8, "rejected", false),
                arrow(4, 2, "changes_requested (at most 3 rounds)", true),
                arrow(6, 2, "once more (at most 9 rounds)", true),
            ],
        }
    }
}
