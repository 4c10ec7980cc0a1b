//! What a rule is, what it may look at, and where it reports.

use super::flows::Flows;
use super::paths::Paths;
use super::places::{Owner, Place};
use super::schema::Problem;
use super::shapes::Shapes;
use super::uses::{Name, Use};
use crate::base::diagnostic::nearest;
use crate::base::secret_rules::SecretRules;
use crate::base::{Code, Diagnostic, Document, Findings, Span};
use crate::people::Directory;
use crate::plan::{Locator, Plan};
use crate::spec::{Catalog, FlowSpec, StepSpec};

/// One rule: a code and the check that raises it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it raises.
    pub code: Code,
    /// How it looks for it.
    pub check: Check,
}

/// What a rule needs before it can look. A rule does not run where that is missing, so that one
/// mistake is not reported a second time by its consequences.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// The data as read, even if it is no flow.
    Data(fn(&Document, &mut Report)),
    /// The flow as typed.
    Flow(fn(&Context<'_>, &mut Report)),
    /// The flow as typed, where no syntax error hides a part of the text: for rules that conclude
    /// from what is not there.
    Whole(fn(&Context<'_>, &mut Report)),
    /// The flow as a graph.
    Graph(fn(&Context<'_>, &[Paths<'_>], &mut Report)),
}

/// One step with its place in the file.
#[derive(Clone, Debug)]
pub struct StepView<'a> {
    /// JSON pointer, as `/steps/3`.
    pub pointer: String,
    /// The step as written.
    pub spec: &'a StepSpec,
    /// Whether it is one of `always`, or stands inside one.
    pub always: bool,
    /// The `each` that it stands in, by its position in `Context::steps`.
    pub each: Option<usize>,
}

impl StepView<'_> {
    /// JSON pointer of something in the step.
    pub fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.pointer)
    }

    /// The step's title as people read it in a finding.
    pub fn title(&self) -> String {
        format!("\"{}\"", self.spec.label())
    }
}

/// All that rules may look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The text and where everything stands in it.
    pub document: &'a Document,
    /// Where parts of texts stand.
    pub locator: &'a Locator<'a>,
    /// The flow as typed.
    pub spec: &'a FlowSpec,
    /// What flows may call and wait for.
    pub catalog: &'a Catalog,
    /// Who there is, where that is known.
    pub people: Option<&'a Directory>,
    /// The flows that it may run, where they are known.
    pub flows: Option<&'a Flows>,
    /// Where secrets may go, where the configuration is known.
    pub secrets: Option<&'a SecretRules>,
    /// The compiled flow, where it compiles.
    pub plan: Option<&'a Plan>,
    /// The graphs of all lists, in the order of `Plan::bodies`; none where there is no plan.
    pub paths: &'a [Paths<'a>],
    /// Steps that run another flow whatever is decided before: their place, and the flow.
    pub sure_runs: Vec<(String, String)>,
    /// Every step, those inside an `each` right behind it, those of `always` last.
    pub steps: Vec<StepView<'a>>,
    /// Every place that may hold an expression.
    pub places: Vec<Place<'a>>,
    /// What names hold.
    pub shapes: Shapes,
    /// Every expression, typed, with what its names mean.
    pub uses: Vec<Use>,
    /// What under `with` does not fit the action, with the step's position in `steps`.
    pub problems: Vec<(usize, Problem)>,
}

impl Context<'_> {
    /// The key at `pointer`, or the value where there is no key.
    pub fn key(&self, pointer: &str) -> Span {
        self.document.spans.key(pointer)
    }

    /// The value at `pointer`.
    pub fn value(&self, pointer: &str) -> Span {
        self.document.spans.value(pointer)
    }

    /// The step called `id`.
    pub fn step(&self, id: &str) -> Option<&StepView<'_>> {
        self.steps.iter().find(|step| step.spec.id == id)
    }

    /// Every name that expressions use, with the expression it is in.
    pub fn names(&self) -> impl Iterator<Item = (&Use, &Name)> {
        self.uses
            .iter()
            .flat_map(|one| one.names.iter().map(move |name| (one, name)))
    }

    /// The step that the place of an expression belongs to.
    pub fn owner(&self, one: &Use) -> Option<&StepView<'_>> {
        match self.places[one.place].owner {
            Owner::Step(index) | Owner::Element(index) => self.steps.get(index),
            Owner::Trigger | Owner::Outputs => None,
        }
    }

    /// What under `with` does not fit the action, with the step.
    pub fn with_problems(&self) -> impl Iterator<Item = (&StepView<'_>, &Problem)> {
        self.problems
            .iter()
            .map(|(step, problem)| (&self.steps[*step], problem))
    }

    /// The title of the step called `id`, as people read it in a finding.
    pub fn title_of(&self, id: &str) -> String {
        self.step(id).map_or_else(|| format!("\"{id}\""), StepView::title)
    }
}

/// Where rules report.
#[derive(Debug, Default)]
pub struct Report {
    findings: Findings,
}

impl Report {
    /// Adds a finding.
    pub fn push(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Adds a finding that is worth making only where there is room for it: what is searched for a
    /// near word, or drawn from much.
    pub fn push_with(&mut self, make: impl FnOnce() -> Diagnostic) {
        self.findings.push_with(make);
    }

    /// How many findings there are.
    pub fn total(&self) -> usize {
        self.findings.total()
    }

    /// Everything reported.
    pub fn into_findings(self) -> Findings {
        self.findings
    }
}

/// Adds what a misspelt word was meant to be, with the mend; or what there is, where nothing is near.
#[must_use]
pub fn suggest<'a>(
    finding: Diagnostic,
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
    there_are: &str,
) -> Diagnostic {
    let span = finding.primary;
    if let Some(near) = nearest(word, candidates.clone()) {
        return finding
            .with_help(format!("did you mean `{near}`?"))
            .with_fix(span, near);
    }
    match list_words(candidates) {
        words if words.is_empty() => finding,
        words => finding.with_help(format!("{there_are} {words}")),
    }
}

/// Words as a sentence has them: `a`, `b` and 3 more.
pub fn list_words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let words: Vec<_> = words.into_iter().collect();
    let shown: Vec<_> = words.iter().take(SHOWN).map(|word| format!("`{word}`")).collect();
    match words.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
