//! A flow compiled: names resolved, expressions parsed, order as a graph.
//!
//! Invariant: the forward edges form a DAG; a way back stands at the outcome that leads there.

pub mod approvals;
pub mod body;
pub mod codes;
pub mod collect;
pub mod compile;
pub mod graph;
mod locate;
pub mod rights;
pub mod run;
#[cfg(test)]
pub mod testing;

pub use body::{Body, BodyId, EachBody};
pub use collect::{PlanCollect, PlanItem};
pub use compile::{compile, compile_with};
pub use graph::{Certainty, Completion, DeadEdge, Index, Knowledge, StepSet, WayBack};
pub use locate::Locator;
pub use run::PlanRun;

use crate::base::{Calendar, Period, Schedule, Semantics};
use crate::expr::{Expression, Template, Tree};
pub use crate::spec::ask::{Detour, Pick};
use crate::spec::min_files::MinFiles;
pub use crate::spec::reach::{Priority, Starts};
use crate::spec::step::{OnNewVersion, RuleSpec};
use crate::spec::{Acquires, InputSpec, JoinSpec, TriggerSpec};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Index of a step in the list it stands in: `Plan::steps`, `Plan::always`, or the steps of an `each`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

impl StepId {
    /// The index as a number to index with.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The name of an outcome, as `approved`.
pub type Outcome = String;

/// A compiled flow.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the flow.
    pub flow: String,
    /// Its version.
    pub version: String,
    /// What people call it.
    pub title: String,
    /// SHA-256 of the source text and the calendar, in hexadecimal: what a run is pinned to.
    pub hash: String,
    /// The evaluation rules that new runs follow.
    pub semantics: Semantics,
    /// Who looks after it, as written.
    pub owner: Option<String>,
    /// Whether its tasks go to one person.
    pub same_person: bool,
    /// What starts it.
    pub triggers: TriggerSpec,
    /// When it starts by itself, if it does.
    pub schedule: Option<Schedule>,
    /// How long before a document expires it starts, if it says so itself.
    pub expires_within: Option<Period>,
    /// What a run needs to know.
    pub inputs: IndexMap<String, InputSpec>,
    /// What its runs share.
    pub settings: IndexMap<String, InputSpec>,
    /// What changes while a run goes on.
    pub values: IndexMap<String, InputSpec>,
    /// What a run gives.
    pub outputs: Vec<(String, Tree)>,
    /// The steps, in the order of the file.
    pub steps: Vec<PlanStep>,
    /// Steps that run last: a plan of their own kind, in the order of the file.
    pub always: Vec<PlanStep>,
    /// Where each step is, by id, in all lists.
    pub positions: HashMap<String, (BodyId, StepId)>,
    /// The graph of `steps`: edges, order, upstream and downstream.
    pub index: Index,
    /// The same of `always`, whose edges name steps of `always`.
    pub always_index: Index,
    /// The steps inside each `each`, the outer ones first.
    pub eaches: Vec<EachBody>,
    /// Working time, if the flow names a calendar.
    pub calendar: Option<Calendar>,
    /// Guarantees as written; proved elsewhere.
    pub guarantees: Vec<String>,
}

/// A compiled step.
#[derive(Clone, Debug)]
pub struct PlanStep {
    /// Its index.
    pub index: StepId,
    /// Its id as written.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// JSON pointer of the step in the document, as `/steps/3`.
    pub pointer: String,
    /// What it does.
    pub verb: PlanVerb,
    /// What it comes after. Empty for a step that begins the flow.
    pub after: Vec<Edge>,
    /// How many of `after` it takes.
    pub join: JoinSpec,
    /// What it shares with others so that only one of them is under way.
    pub lock: Option<PlanLock>,
    /// Skipped where this is false.
    pub condition: Option<Expression>,
    /// By when.
    pub deadline: Option<Deadline>,
    /// How to try again.
    pub retry: Retry,
    /// Every outcome the step can have, in order, and where each leads.
    pub outcomes: IndexMap<Outcome, Disposition>,
    /// Whether what it acquires outlives the run.
    pub keep: bool,
}

/// What a step shares with others so that only one of them is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLock {
    /// The name that the steps share.
    pub name: String,
    /// It is kept until this step of the same list is over too.
    pub until: Option<StepId>,
}

/// One edge into a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The predecessor.
    pub from: StepId,
    /// The one outcome that counts, or any that goes on.
    pub outcome: Option<Outcome>,
}

/// Where an outcome leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// On: edges without an outcome of their own count it.
    GoOn,
    /// Only to the steps that name it in `after`.
    Named,
    /// The run ends with this status.
    End(String),
    /// A new round of the target and everything downstream of it.
    BackTo {
        /// The step that starts the round.
        target: StepId,
        /// Rounds in all, the first one included.
        max_rounds: u32,
        /// Where the outcome leads after the last round.
        then: Box<Disposition>,
    },
    /// Nowhere. For `failed` this makes an incident; for anything else lint refuses the flow.
    Nowhere,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum PlanVerb {
    /// Calls an action.
    Uses {
        /// `CONNECTION.ACTION`.
        action: String,
        /// Its input.
        with: Tree,
        /// Whether the output follows from the input alone, so that no record need precede the call.
        pure: bool,
        /// What it acquires.
        acquires: Option<Acquires>,
    },
    /// Waits.
    Wait(PlanWait),
    /// Asks people: `approve` and `task`.
    Ask(PlanAsk),
    /// Branches; the last element has no condition.
    Choose(Vec<(Option<Expression>, Outcome)>),
    /// Checks conditions, each with its sentence.
    Check(Vec<(Expression, String)>),
    /// A checklist of documents from somebody.
    Collect(PlanCollect),
    /// Another flow, as a child.
    Run(PlanRun),
    /// Steps of its own, once for each element.
    Each(PlanEach),
    /// Gives values of the run.
    Set(Vec<(String, Tree)>),
    /// Withdraws steps of the same list.
    Cancel(Vec<StepId>),
    /// Ends these `each` of the same list as done.
    Complete(Vec<StepId>),
    /// One more element for an `each` of the same list.
    Add {
        /// The `each`.
        to: StepId,
        /// The element.
        item: Tree,
    },
    /// Ends the run, or the element it stands in, with a status and a sentence.
    End {
        /// The status.
        status: String,
        /// The sentence.
        message: Option<Template>,
    },
}

/// Steps of its own, once for each element.
#[derive(Clone, Debug)]
pub struct PlanEach {
    /// The list.
    pub list: Tree,
    /// How many elements are under way at once.
    pub parallel: u32,
    /// Whether each step takes them one at a time, in the order of the list.
    pub in_order: bool,
    /// How many of them have to complete.
    pub join: JoinSpec,
    /// Done where this holds of the results so far.
    pub until: Option<Expression>,
    /// Whether elements that are not over once it is decided go on.
    pub goes_on: bool,
    /// Steps of the same list that may add elements and do not come after it: all of them are over before
    /// all elements are.
    pub adders: Vec<StepId>,
    /// Its steps.
    pub body: BodyId,
    /// What an element gives at its end.
    pub outputs: Vec<(String, Tree)>,
}

/// What a wait waits for.
#[derive(Clone, Debug)]
pub struct PlanWait {
    /// Whether every alternative must happen (`received`) or the first names the outcome.
    pub all: bool,
    /// The events by outcome name. A single event is called `received`.
    pub alternatives: IndexMap<String, PlanAlternative>,
    /// A moment or a length of time; the outcome is `received`.
    pub until: Option<Template>,
    /// What must hold; the outcome is `received`.
    pub when: Option<Expression>,
}

/// One event to wait for.
#[derive(Clone, Debug)]
pub struct PlanAlternative {
    /// The event's type.
    pub event: String,
    /// What it must be about.
    pub on: Option<Template>,
    /// Its key.
    pub key: Option<Template>,
    /// What must hold.
    pub filter: Option<Expression>,
    /// How many files of a share must be downloaded.
    pub min_files: Option<MinFiles>,
    /// Whether an event counts that came before the wait opened.
    pub kept: bool,
}

/// What people are asked: a decision, or work.
#[derive(Clone, Debug)]
pub struct PlanAsk {
    /// Which of both, and which kind of work.
    pub kind: AskKind,
    /// The document.
    pub document: Option<Template>,
    /// What people see in their list, if not the step's title.
    pub title: Option<Template>,
    /// The question.
    pub ask: Option<Template>,
    /// Who answers.
    pub by: Vec<Template>,
    /// How many must agree. Without a rule, whoever answers first settles it.
    pub rule: Option<RuleSpec>,
    /// How much a decision counts where it is not 1, by principal.
    pub weights: Vec<(String, u32)>,
    /// Who can settle it alone with another decision than the first.
    pub veto: Vec<Template>,
    /// Who may not decide.
    pub exclude: Vec<Exclusion>,
    /// The decisions; the first goes on.
    pub decisions: Vec<Outcome>,
    /// Decisions that need a reason.
    pub reason: Vec<Outcome>,
    /// What a newer version does.
    pub on_new_version: OnNewVersion,
    /// What is filled in, in the order of the file.
    pub form: Vec<PlanField>,
    /// Whom it is assigned to, where it is assigned to one.
    pub pick: Option<Pick>,
    /// Whoever completed this step gets it, if they are asked.
    pub prefer: Option<StepId>,
    /// What people may do beside answering.
    pub allow: Vec<Detour>,
    /// Whom it reaches, when, and who else sees it.
    pub reach: Box<PlanReach>,
}

/// Whom a task reaches, when, and who else sees it.
#[derive(Clone, Debug, Default)]
pub struct PlanReach {
    /// Who may answer at all; everybody who is asked where it is empty.
    pub only: Vec<Template>,
    /// Who else sees it while nobody has taken it.
    pub untaken: Vec<Template>,
    /// Who else sees it while somebody has it.
    pub taken: Vec<Template>,
    /// What comes first in lists.
    pub priority: Option<Template>,
    /// How long after the step begins people hear of it.
    pub hold_back: Option<Period>,
    /// When it counts as started without anybody saying so.
    pub starts: Option<Starts>,
}

impl PlanAsk {
    /// Whether one answer of the right kind settles it, so that one person can take it.
    pub const fn settles_alone(&self) -> bool {
        matches!(self.rule, None | Some(RuleSpec::Any | RuleSpec::Count(1)))
    }

    /// Whether everybody decides, one after the other.
    pub const fn in_order(&self) -> bool {
        matches!(self.rule, Some(RuleSpec::InOrder))
    }
}

/// What people are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// A decision on a document.
    Approve,
    /// To read a document.
    Review,
    /// To do something.
    Todo,
    /// To fill in a form.
    Form,
}

impl AskKind {
    /// As written in views and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Review => "review",
            Self::Todo => "todo",
            Self::Form => "form",
        }
    }
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanField {
    /// Its name.
    pub name: String,
    /// Its type and limits.
    #[serde(flatten)]
    pub input: InputSpec,
    /// The answers that need it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_for: Vec<Outcome>,
}

/// Somebody who may not decide.
#[derive(Clone, Debug, PartialEq)]
pub enum Exclusion {
    /// Who started the run.
    Initiator,
    /// Who uploaded the version.
    Uploader,
    /// Who completed a step.
    Step(StepId),
    /// The persons named by the value of an expression.
    Person(Template),
}

/// By when, with everything that happens on the way.
#[derive(Clone, Debug)]
pub struct Deadline {
    /// A length of time from the step's start, or a moment.
    pub due: Template,
    /// Reminders in the order written.
    pub remind: Vec<Reminder>,
    /// Escalations in the order written, each meant to come later than the one before.
    pub escalate: Vec<Escalation>,
}

/// When a reminder is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// So long before the due moment.
    Before(Period),
    /// So long after the step's start.
    After(Period),
}

/// Who else is told, and when.
#[derive(Clone, Debug)]
pub struct Escalation {
    /// How long after the step's start.
    pub after: Period,
    /// Who.
    pub to: Vec<Template>,
}

/// How to try again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Tries in all.
    pub attempts: u32,
    /// Pause before the second try, in milliseconds.
    pub backoff_ms: u64,
    /// By what the pause grows.
    pub factor: f64,
    /// Longest pause, in milliseconds.
    pub max_ms: u64,
}

impl Default for Retry {
    /// One try.
    fn default() -> Self {
        Self {
            attempts: 1,
            backoff_ms: 1_000,
            factor: 2.0,
            max_ms: 3_600_000,
        }
    }
}

impl PlanStep {
    /// Whether the flow may go on past it as if it were not there: by its condition, or because people
    /// may skip it.
    pub fn may_be_skipped(&self) -> bool {
        let by_people = matches!(&self.verb, PlanVerb::Ask(ask) if ask.allow.contains(&Detour::Skip));
        self.condition.is_some() || by_people
    }

    /// What it acquires for the run, if anything.
    pub const fn acquires(&self) -> Option<&Acquires> {
        match &self.verb {
            PlanVerb::Uses { acquires, .. } => acquires.as_ref(),
            PlanVerb::Collect(collect) => collect.acquires.as_ref(),
            PlanVerb::Run(run) => Some(&run.acquires),
            _ => None,
        }
    }
}

impl Plan {
    /// The step called `id`, wherever it stands. A step of an element may be called by its full
    /// name, as `departments[3].grant`.
    pub fn step(&self, id: &str) -> Option<&PlanStep> {
        let id = id.rsplit_once('.').map_or(id, |(_, id)| id);
        let (body, step) = self.find(id)?;
        self.body(body).steps.get(step.index())
    }

    /// What is surely known when each of `steps` starts.
    pub fn knowledge(&self) -> Knowledge {
        Knowledge::of(&self.steps, &self.index)
    }
}
