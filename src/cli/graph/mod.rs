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
use crate::plan::{AskKind, Disposition, Plan, PlanStep, PlanVerb};
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
    let surroundings = sources::Surroundings::load(settings)?;
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
        for step in &plan.steps {
            drawing.nodes.push(Node {
                id: step.id.clone(),
                title: step.title.clone(),
                kind: kind(&step.verb),
                shape: shape(&step.verb),
            });
        }
        for step in &plan.steps {
            drawing.arrows_into(step);
            drawing.arrows_by_outcome(step);
        }
        drawing.last_steps_end(plan);
        drawing
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

    fn arrows_into(&mut self, step: &PlanStep) {
        let to = step.index.index() + 1;
        if step.after.is_empty() {
            self.arrow(0, to, None, false);
        }
        for edge in &step.after {
            self.arrow(edge.from.index() + 1, to, edge.outcome.clone(), false);
        }
    }

    fn arrows_by_outcome(&mut self, step: &PlanStep) {
        let from = step.index.index() + 1;
        if let PlanVerb::End { status, .. } = &step.verb {
            let to = self.end(status);
            self.arrow(from, to, None, false);
        }
        for (outcome, disposition) in &step.outcomes {
            self.disposed(from, outcome, disposition);
        }
    }

    fn disposed(&mut self, from: usize, outcome: &str, disposition: &Disposition) {
        match disposition {
            Disposition::GoOn | Disposition::Named | Disposition::Nowhere => {}
            Disposition::End(status) => {
                let to = self.end(status);
                self.arrow(from, to, Some(outcome.to_owned()), false);
            }
            Disposition::BackTo {
                target,
                max_rounds,
                then,
            } => {
                let label = format!("{outcome} (at most {max_rounds} rounds)");
                self.arrow(from, target.index() + 1, Some(label), true);
                self.disposed(from, &format!("{outcome} after round {max_rounds}"), then);
            }
        }
    }

    /// Steps whose outcomes that go on lead nowhere end the run as `completed`.
    fn last_steps_end(&mut self, plan: &Plan) {
        for step in &plan.steps {
            let from = step.index.index() + 1;
            let goes_on = step
                .outcomes
                .values()
                .any(|disposition| *disposition == Disposition::GoOn);
            let has_next = plan.steps.iter().any(|next| {
                next.after
                    .iter()
                    .any(|edge| edge.from == step.index && edge.outcome.is_none())
            });
            if goes_on && !has_next {
                let to = self.end("completed");
                self.arrow(from, to, None, false);
            }
        }
    }

    /// The node of a status, made where it is missing.
    fn end(&mut self, status: &str) -> usize {
        let id = format!("end_{status}");
        if let Some(at) = self.nodes.iter().position(|node| node.id == id) {
            return at;
        }
        self.nodes.push(node(&id, status, "", Shape::End));
        self.nodes.len() - 1
    }
}

fn node(id: &str, title: &str, kind: &str, shape: Shape) -> Node {
    Node {
        id: id.to_owned(),
        title: title.to_owned(),
        kind: kind.to_owned(),
        shape,
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
        PlanVerb::End { .. } => "end".to_owned(),
    }
}

fn shape(verb: &PlanVerb) -> Shape {
    match verb {
        PlanVerb::Uses { .. } | PlanVerb::End { .. } => Shape::Action,
        PlanVerb::Wait(_) => Shape::Wait,
        PlanVerb::Ask(_) => Shape::People,
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
}
