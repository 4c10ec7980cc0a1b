//! `gatefold lint`: one verdict for command line, deploy gate and editor.
//!
//! Invariant: a verdict holds every finding of every layer, in reading order, whatever is wrong
//! with the text; no text makes it panic. A rule runs only when what it needs is there, so that
//! one mistake is told once.

pub mod codes;
mod flows;
mod looked_in;
mod new_rules;
mod paths;
mod places;
mod principals;
mod results;
pub mod rule;
mod rules;
mod schema;
mod shapes;
mod suppress;
mod triggers;
mod uses;

pub use codes::{CODES, Page, explain};
pub use flows::{Flows, Outline, may_run_others, outline};
pub use looked_in::say_where;
pub use new_rules::new_rules;
pub use rule::{Check, Rule};
pub use rules::RULES;
pub use rules::secret_not_allowed::CODE as SECRET_NOT_ALLOWED;

use crate::base::codes::AMBIGUOUS_SCALAR;
use crate::base::secret_rules::SecretRules;
use crate::base::{Calendars, Diagnostic, Document, Findings, Severity, Span, Value};
use crate::expr::{Texts, Type};
use crate::people::Directory;
use crate::plan::{Locator, Plan};
use crate::spec::{Catalog, FlowSpec, StepSpec, Verb};
use paths::Paths;
use places::Purpose;
use rule::{Context, Report, StepView};
use schema::Problem;
use shapes::Shapes;
use std::collections::{HashMap, HashSet};
use uses::{Ground, Use};

/// What a flow is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// What flows may call.
    pub catalog: &'a Catalog,
    /// The calendars that flows may name.
    pub calendars: &'a Calendars,
    /// Who there is, where that is known: a flow that names others is warned of.
    pub people: Option<&'a Directory>,
    /// The flows that a flow may run, where they are known.
    pub flows: Option<&'a Flows>,
    /// Where secrets may go, where the configuration is known.
    pub secrets: Option<&'a SecretRules>,
}

/// What reading and checking a flow gave.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Every finding, in reading order; of very many the first, and how many more there are.
    pub findings: Vec<Diagnostic>,
    /// The plan; there is one whenever no finding is an error.
    pub plan: Option<Plan>,
}

/// Reads, checks and compiles the flow in `text`. `name` is what people know the file by.
pub fn check(name: &str, text: &str, surroundings: Surroundings<'_>) -> Verdict {
    let (document, mut findings) = Document::parse(name, text);
    let (spec, of_shape) = crate::spec::read_flow(&document);
    findings.append(of_shape);
    let mut report = Report::default();
    for rule in RULES {
        if let Check::Data(check) = rule.check {
            check(&document, &mut report);
        }
    }
    let mut plan = None;
    if let Some(spec) = &spec {
        let Surroundings { catalog, calendars, .. } = surroundings;
        let mut texts = Texts::default();
        let (compiled, of_plan) = crate::plan::compile_with(&mut texts, &document, spec, catalog, calendars);
        findings.append(of_plan);
        run_rules(
            &document,
            spec,
            surroundings,
            compiled.as_ref(),
            &mut texts,
            &mut report,
        );
        plan = compiled;
    }
    findings.append(report.into_findings());
    let findings = without_doubles(findings);
    Verdict {
        findings: suppress::apply(&document, findings).told(document.text.len()),
        plan,
    }
}

/// Leaves out that a value may be read in two ways where it is wrong in both: quotes would not mend it.
fn without_doubles(findings: Findings) -> Findings {
    let is_doubtful = |finding: &Diagnostic| finding.code == AMBIGUOUS_SCALAR;
    if !findings.iter().any(is_doubtful) {
        return findings;
    }
    let mut left = Findings::default();
    left.leave_out(findings.total() - findings.len());
    let all: Vec<Diagnostic> = findings.into_iter().collect();
    let errors: HashSet<Span> = all
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.primary)
        .collect();
    let kept = all
        .into_iter()
        .filter(|finding| !is_doubtful(finding) || !errors.contains(&finding.primary));
    left.append(kept.collect::<Vec<_>>().into());
    left
}

/// Runs every rule that has what it needs.
fn run_rules(
    document: &Document,
    spec: &FlowSpec,
    surroundings: Surroundings<'_>,
    plan: Option<&Plan>,
    texts: &mut Texts,
    report: &mut Report,
) {
    let plan = plan.filter(|_| document.unread.is_empty());
    let graphs = plan.map(Paths::of);
    let graphs: &[Paths<'_>] = graphs.as_ref().map_or(&[], |graphs| graphs);
    let locator = Locator::new(document);
    let cx = context(&locator, document, spec, surroundings, plan, graphs, texts);
    for rule in RULES {
        match rule.check {
            Check::Data(_) => {}
            Check::Flow(check) => check(&cx, report),
            Check::Whole(check) if document.unread.is_empty() => check(&cx, report),
            Check::Graph(check) if plan.is_some() => check(&cx, graphs, report),
            Check::Whole(_) | Check::Graph(_) => {}
        }
    }
}

fn context<'a>(
    locator: &'a Locator<'a>,
    document: &'a Document,
    spec: &'a FlowSpec,
    surroundings: Surroundings<'a>,
    plan: Option<&'a Plan>,
    paths: &'a [Paths<'a>],
    texts: &mut Texts,
) -> Context<'a> {
    let Surroundings {
        catalog,
        people,
        flows,
        secrets,
        ..
    } = surroundings;
    let mut steps = Vec::new();
    views(document, "/steps", &spec.steps, (false, None), &mut steps);
    views(document, "/always", &spec.always, (true, None), &mut steps);
    let places = places::places(spec, &steps);
    let mut shapes = Shapes::of(spec, catalog, flows);
    let ground = Ground {
        locator,
        broken: &spec.broken,
        steps: &steps,
        plan,
        paths,
    };
    results::refine(&mut shapes, &ground, &places, texts);
    let mut resolver = ground.resolver(&shapes);
    let uses = uses::uses(&places, &mut resolver, texts);
    let problems = with_problems(catalog, &steps, &places, &uses);
    Context {
        document,
        locator,
        spec,
        catalog,
        people,
        flows,
        secrets,
        plan,
        paths,
        sure_runs: plan.map(flows::sure_runs).unwrap_or_default(),
        steps,
        places,
        shapes,
        uses,
        problems,
    }
}

/// The steps of the list at `pointer` with their places, those inside an `each` right behind it.
/// Steps that were not understood are in the file and not in `steps`, so the places are found by
/// id, in order.
fn views<'a>(
    document: &Document,
    pointer: &str,
    steps: &'a [StepSpec],
    (always, each): (bool, Option<usize>),
    found: &mut Vec<StepView<'a>>,
) {
    let written = document.value.pointer(pointer).and_then(Value::as_array);
    let written = written.map_or(&[][..], Vec::as_slice);
    let mut next = 0;
    for spec in steps {
        let is_it = |step: &Value| step.get("id").and_then(Value::as_str) == Some(spec.id.as_str());
        let ahead = written.iter().skip(next).position(is_it).unwrap_or(0);
        let position = next + ahead;
        next = position + 1;
        let view = StepView {
            pointer: format!("{pointer}/{position}"),
            spec,
            always,
            each,
        };
        let inner = view.at("each/steps");
        found.push(view);
        if let Some(each) = &spec.each {
            let within = (always, Some(found.len() - 1));
            views(document, &inner, &each.steps, within, found);
        }
    }
}

/// What under `with` does not fit the action that it is for.
fn with_problems(
    catalog: &Catalog,
    steps: &[StepView<'_>],
    places: &[places::Place<'_>],
    uses: &[Use],
) -> Vec<(usize, Problem)> {
    let types: HashMap<&str, &Type> = uses
        .iter()
        .filter(|one| one.whole && places[one.place].purpose == Purpose::With)
        .map(|one| (places[one.place].pointer.as_str(), &one.ty))
        .collect();
    let nothing = Value::Object(serde_json::Map::new());
    let mut problems = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let Some(Verb::Uses(name, with)) = step.spec.verb() else {
            continue;
        };
        let Some(action) = catalog.action(name) else { continue };
        let found = schema::problems(&action.input, with.unwrap_or(&nothing), &step.at("with"), &types);
        problems.extend(found.into_iter().map(|problem| (index, problem)));
    }
    problems
}
