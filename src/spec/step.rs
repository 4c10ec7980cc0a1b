//! One step of a flow, as written.

use super::ask::{Detour, Distribution, FieldSpec, Pick, TaskSpec};
use super::collect::CollectSpec;
use super::escalation::EscalationSpec;
use super::limits::{
    DEFAULT_PARALLEL, EXPIRED, MAX_ALTERNATIVES, MAX_ATTEMPTS, MAX_BRANCHES, MAX_DECISIONS, MAX_ELEMENTS, MAX_FIELDS,
    MAX_INPUTS, MAX_LINE, MAX_NAME, MAX_OUTCOMES, MAX_PARALLEL, MAX_PEOPLE, MAX_REMINDERS, MAX_STEPS, MAX_TEXT,
    MAX_VALUES, NAME_PATTERN, RESERVED_DECISIONS, RESERVED_FIELDS, RESERVED_IDS, RESERVED_OUTPUTS, RESERVED_STATUSES,
};
use super::min_files::MinFiles;
use super::reach::{Starts, VisibleSpec};
use super::run::RunSpec;
use super::shape::{MAX_AFTER, MAX_COUNT};
use crate::base::Value;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One step: an id, exactly one verb, and what belongs to every verb.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Step")]
pub struct StepSpec {
    /// Name of the step, unique in the flow: a small letter, then small letters, digits, `_`.
    #[schemars(regex(pattern = NAME_PATTERN), length(max = MAX_NAME), extend("not" = { "enum": RESERVED_IDS }), extend("examples" = ["sign_off"]))]
    pub id: String,
    /// What people see instead of the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["Legal sign-off"]))]
    pub title: Option<String>,

    /// Verb: one action of a connection, as `file360.create_share`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["file360.create_share"]))]
    pub uses: Option<String>,
    /// What the action needs to know; values may hold `${{ }}`.
    #[serde(rename = "with", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "object"))]
    pub with: Option<Value>,
    /// Verb: wait for something to happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitSpec>,
    /// Verb: people decide on one exact version of a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve: Option<ApproveSpec>,
    /// Verb: work for people that is not a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskSpec>,
    /// Verb: the first `when` that holds names the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_BRANCHES))]
    pub choose: Option<Vec<ChooseSpec>>,
    /// Verb: conditions that must hold, each with its sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_BRANCHES))]
    pub check: Option<Vec<CheckSpec>>,
    /// Verb: give values of the run, by name; each may hold `${{ }}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1, "maxProperties" = MAX_VALUES), extend("examples" = [{ "arrival": "${{ steps.shipped.arrival }}" }]))]
    pub set: Option<IndexMap<String, Value>>,
    /// Verb: end the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<EndSpec>,
    /// Verb: a checklist of documents from somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collect: Option<CollectSpec>,
    /// Verb: steps of its own, once for each element of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<EachSpec>,
    /// Verb: withdraw these steps of the same list; what comes after them is not reached through them, the rest goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_AFTER), inner(length(min = 1)), extend("examples" = [["reply", "review"]]))]
    pub cancel: Option<Vec<String>>,
    /// Verb: end these `each` of the same list as `done` with what there is; the elements under way are cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_AFTER), inner(length(min = 1)), extend("examples" = [["reviews"]]))]
    pub complete: Option<Vec<String>>,
    /// Verb: one more element for an `each` of the same list that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add: Option<AddSpec>,
    /// Verb: another flow, as a child of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSpec>,

    /// What the step comes after, if not the step above it: a step, one of its outcomes
    /// (`response.expired`), a list of them, or `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<AfterSpec>,
    /// How many of several predecessors it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<JoinSpec>,
    /// Bare expression; where it is false the step is skipped and the flow goes on.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["inputs.amount > 1000"]))]
    pub condition: Option<String>,
    /// A name: of the steps of a run with the same lock, one at most is under way, the first that was ready first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockSpec>,
    /// By when, with reminders and escalation; or `none`, with a `because`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DeadlineSpec>,
    /// Why the step needs no deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub because: Option<String>,
    /// How often and how fast to try again when the action fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// Where each outcome leads.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_OUTCOMES, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME }))]
    pub outcomes: IndexMap<String, DispositionSpec>,
    /// Why what the step acquires outlives the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub keep: Option<String>,
}

/// The one verb of a step.
#[derive(Clone, Copy, Debug)]
pub enum Verb<'a> {
    /// An action and its `with`.
    Uses(&'a str, Option<&'a Value>),
    /// A wait.
    Wait(&'a WaitSpec),
    /// A decision of people.
    Approve(&'a ApproveSpec),
    /// Work for people.
    Task(&'a TaskSpec),
    /// A checklist of documents.
    Collect(&'a CollectSpec),
    /// A branch on data.
    Choose(&'a [ChooseSpec]),
    /// Conditions on data.
    Check(&'a [CheckSpec]),
    /// Values of the run.
    Set(&'a IndexMap<String, Value>),
    /// The end of the run, or of an element.
    End(&'a EndSpec),
    /// Steps once for each element.
    Each(&'a EachSpec),
    /// Withdraws steps.
    Cancel(&'a [String]),
    /// Ends an `each` as if it were complete.
    Complete(&'a [String]),
    /// One more element for an `each`.
    Add(&'a AddSpec),
    /// Another flow.
    Run(&'a RunSpec),
}

impl Verb<'_> {
    /// Every verb, in the order of the language page.
    pub const WORDS: [&'static str; 14] = [
        "uses", "wait", "approve", "task", "collect", "each", "run", "choose", "check", "set", "cancel", "complete",
        "add", "end",
    ];
}

impl StepSpec {
    /// The step's verb, or nothing where it has none or several.
    pub fn verb(&self) -> Option<Verb<'_>> {
        let mut found = [
            self.uses
                .as_deref()
                .map(|action| Verb::Uses(action, self.with.as_ref())),
            self.wait.as_ref().map(Verb::Wait),
            self.approve.as_ref().map(Verb::Approve),
            self.task.as_ref().map(Verb::Task),
            self.choose.as_deref().map(Verb::Choose),
            self.check.as_deref().map(Verb::Check),
            self.set.as_ref().map(Verb::Set),
            self.end.as_ref().map(Verb::End),
            self.collect.as_ref().map(Verb::Collect),
            self.each.as_ref().map(Verb::Each),
            self.cancel.as_deref().map(Verb::Cancel),
            self.complete.as_deref().map(Verb::Complete),
            self.add.as_ref().map(Verb::Add),
            self.run.as_ref().map(Verb::Run),
        ]
        .into_iter()
        .flatten();
        let verb = found.next()?;
        found.next().is_none().then_some(verb)
    }

    /// What people call the step.
    pub fn label(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.id)
    }
}

/// One or several predecessors. Written as a text or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct AfterSpec(pub Vec<String>);

/// What a step shares with others so that only one of them is under way. Written as a name, or as
/// `{ name, until: STEP }` where it is kept until that step is over too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct LockSpec {
    /// The name that the steps share.
    pub name: String,
    /// A step of the same list: the lock is kept until it is over, and all that lies between.
    pub until: Option<String>,
}

/// How many predecessors a step takes. Written as a word or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum JoinSpec {
    /// Every one.
    All,
    /// The first.
    Any,
    /// This many.
    Count(u32),
    /// All that can still arrive, and at least one.
    Settled,
}

impl JoinSpec {
    /// How many of `total` predecessors have to arrive, from 1; none where there are none.
    pub fn needed(self, total: usize) -> usize {
        match self {
            _ if total == 0 => 0,
            Self::All => total,
            Self::Any | Self::Settled => 1,
            Self::Count(count) => (count as usize).max(1),
        }
    }
}

/// Steps of its own, once for each element of a list. Inside, `item` is the element and `index` its
/// position, from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Each")]
pub struct EachSpec {
    /// The list: one `${{ }}`, or the elements themselves.
    #[serde(rename = "in")]
    #[schemars(extend("type" = ["string", "array"], "minLength" = 1, "maxItems" = MAX_ELEMENTS), extend("examples" = ["${{ inputs.departments }}", ["legal", "finance"]]))]
    pub list: Value,
    /// How many elements are under way at once. Default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_PARALLEL), extend("examples" = [10]))]
    #[schemars(extend("default" = DEFAULT_PARALLEL))]
    pub parallel: Option<u32>,
    /// Whether each of the steps takes the elements one at a time, in the order of the list: it takes the next one when
    /// it is over in the one before, and nothing more comes to it there. Default no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_order: bool,
    /// How many elements have to complete: `all` (default), `any`, a number, or `settled`: wait for
    /// all, take what completed. As soon as it is decided, the others are cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<JoinSpec>,
    /// Bare expression over `results`, those of the elements that completed so far: where it holds, the `each` is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["results | length >= 3"]))]
    pub until: Option<String>,
    /// What becomes of the elements that are not over once it is decided: `cancel` (default), or `continue`,
    /// and nobody waits for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "cancel"))]
    pub rest: Option<Rest>,
    /// The steps of one element. `end` among them ends the element.
    #[schemars(length(min = 1, max = MAX_STEPS))]
    pub steps: Vec<StepSpec>,
    /// What an element gives at its end, found in `steps.ID.results`; each value may hold `${{ }}`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_INPUTS, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME, "not": { "enum": RESERVED_OUTPUTS } }))]
    pub outputs: IndexMap<String, Value>,
}

/// What becomes of elements that are not over once it is decided what comes of their `each`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// They are cancelled.
    #[default]
    Cancel,
    /// They go on, and nobody waits for them.
    Continue,
}

/// One more element for an `each` that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Add")]
pub struct AddSpec {
    /// The `each`: a step of the same list.
    #[schemars(length(min = 1, max = MAX_NAME), extend("examples" = ["reviews"]))]
    pub to: String,
    /// The element; may hold `${{ }}`.
    pub item: Value,
}

/// Wait for one event (`event` …), any or all of several, until a moment, or until something holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Wait")]
pub struct WaitSpec {
    /// Alternatives by name; the first to happen names the outcome.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("minProperties" = 1, "maxProperties" = MAX_ALTERNATIVES, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME, "not": { "enum": [EXPIRED] } }))]
    pub any: IndexMap<String, WaitAlternative>,
    /// Events by name that must all happen; the outcome is `received`.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("minProperties" = 1, "maxProperties" = MAX_ALTERNATIVES, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME }))]
    pub all: IndexMap<String, WaitAlternative>,
    /// A moment (`${{ }}` of a time) or a length of time from now; the outcome is `received`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["2 business days"]))]
    pub until: Option<String>,
    /// Bare expression over what changes while the run goes on; the outcome is `received` as soon as it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["values.amount > 1000"]))]
    pub when: Option<String>,
    /// Type of the one event to wait for; the outcome is `received`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["file360.file_uploaded"]))]
    pub event: Option<String>,
    /// What the event must be about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["${{ steps.room.share }}"]))]
    pub on: Option<String>,
    /// The key of an event from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["${{ inputs.order }}"]))]
    pub key: Option<String>,
    /// Bare expression over `event` that must hold.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["event.file.name.endswith('.pdf')"]))]
    pub filter: Option<String>,
    /// For `file360.file_downloaded`, how many different files of the share must be downloaded:
    /// `all` or a number. The default is `all`; with `where`, the first matching download is
    /// enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_files: Option<MinFiles>,
    /// Whether an event counts that came before the wait opened. Default true; with `false` it is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub kept: Option<bool>,
}

/// One event to wait for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitAlternative {
    /// The event's type, as `file360.file_uploaded`.
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["file360.file_uploaded"]))]
    pub event: String,
    /// What the event must be about, as `${{ steps.room.share }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["${{ steps.room.share }}"]))]
    pub on: Option<String>,
    /// The key of an event from outside, as `${{ inputs.order }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["${{ inputs.order }}"]))]
    pub key: Option<String>,
    /// Bare expression over `event` that must hold.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["event.file.name.endswith('.pdf')"]))]
    pub filter: Option<String>,
    /// For `file360.file_downloaded`, how many different files of the share must be downloaded:
    /// `all` or a number. The default is `all`; with `where`, the first matching download is
    /// enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_files: Option<MinFiles>,
    /// Whether an event counts that came before the wait opened. Default true; with `false` it is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub kept: Option<bool>,
}

/// People decide on one exact version of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Approve")]
pub struct ApproveSpec {
    /// The document, as `${{ steps.reply.file }}`.
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["${{ steps.reply.file }}"]))]
    pub document: String,
    /// The question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["Is this contract fit to be signed?"]))]
    pub ask: Option<String>,
    /// Who decides: `user:anna`, `role:legal`, `group:…`, `email:…`, `${{ … }}`.
    #[schemars(length(min = 1, max = MAX_PEOPLE), inner(length(min = 1)), extend("examples" = [["role:legal", "user:anna"]]))]
    pub by: Vec<String>,
    /// How many must agree: `all`, `any`, `majority`, a number, `60%` or `in_order`. Default `any`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleSpec>,
    /// How much a decision counts where it is not 1, by person, role or group.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_PEOPLE, "additionalProperties" = { "type": "integer", "minimum": 1, "maximum": MAX_COUNT }))]
    #[schemars(extend("examples" = [{ "role:legal-lead": 2 }]))]
    pub weights: IndexMap<String, u32>,
    /// Whose other decision than the first one settles it alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_PEOPLE), inner(length(min = 1)), extend("examples" = [["role:legal-lead"]]))]
    pub veto: Vec<String>,
    /// People who may not decide: `initiator`, `uploader`, a step (everybody who completed it), or
    /// an expression that gives a person or a list of people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_PEOPLE), inner(length(min = 1)), extend("examples" = [["initiator", "${{ inputs.requester }}"]]))]
    pub exclude: Vec<String>,
    /// The decisions; the first one goes on. Default `approved`, `changes_requested`, `rejected`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = MAX_DECISIONS), extend("uniqueItems" = true, "items" = { "type": "string", "pattern": NAME_PATTERN, "not": { "enum": RESERVED_DECISIONS } }), extend("examples" = [["approved", "rejected"]]))]
    #[schemars(extend("default" = ["approved", "changes_requested", "rejected"]))]
    pub decisions: Vec<String>,
    /// Decisions that need a reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_DECISIONS), inner(length(min = 1)), extend("examples" = [["rejected"]]))]
    pub reason: Vec<String>,
    /// How it reaches them: `offer` to everybody, or `assign` to one. Default `offer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "offer"))]
    pub distribution: Option<Distribution>,
    /// Whom it is assigned to: `random`, `round_robin`, `shortest_queue` or `most_experienced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<Pick>,
    /// A step: whoever completed it gets this too, if they are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_NAME), extend("examples" = ["prepare"]))]
    pub prefer: Option<String>,
    /// Who may answer at all, however the task reaches them: by a deputy, by delegation, by escalation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_PEOPLE), inner(length(min = 1, max = MAX_TEXT)), extend("examples" = [["role:certified"]]))]
    pub only: Vec<String>,
    /// What comes first in lists: `urgent`, `high`, `normal` or `low`. Default `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["high"]), extend("default" = "normal"))]
    pub priority: Option<String>,
    /// How long after the step begins people hear of it, as `2 business hours`. The deadline goes on meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["2 business hours"]))]
    pub hold_back: Option<String>,
    /// When it counts as started without anybody saying so: as soon as it is `opened`, or `taken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Starts>,
    /// Who sees it beside those who are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [{ "untaken": ["role:legal-lead"] }]))]
    pub visible: Option<VisibleSpec>,
    /// What people may do beside answering. Default `delegate`, `reassign`, `release`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true), extend("examples" = [["release"]]), extend("default" = ["delegate", "reassign", "release"]))]
    pub allow: Option<Vec<Detour>>,
    /// What to fill in with a decision, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_FIELDS, "propertyNames" = { "pattern": NAME_PATTERN, "maxLength": MAX_NAME, "not": { "enum": RESERVED_FIELDS } }))]
    pub form: IndexMap<String, FieldSpec>,
    /// What a newer version does to decisions already made. Default `reset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "reset"))]
    pub on_new_version: Option<OnNewVersion>,
}

impl ApproveSpec {
    /// The decisions where the author names none.
    pub const DECISIONS: [&'static str; 3] = ["approved", "changes_requested", "rejected"];

    /// The decisions that are possible; the first goes on.
    pub fn decisions(&self) -> Vec<&str> {
        if self.decisions.is_empty() {
            Self::DECISIONS.to_vec()
        } else {
            self.decisions.iter().map(String::as_str).collect()
        }
    }
}

/// What a newer version does to decisions already made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnNewVersion {
    /// They are void and everybody is asked again.
    #[default]
    Reset,
    /// They stand, and so does the version they were made on.
    Keep,
    /// A newer version is refused while the decision is open.
    Lock,
}

/// How many must agree. Written as a word, a number or a percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum RuleSpec {
    /// Everybody.
    All,
    /// One.
    Any,
    /// More than half.
    Majority,
    /// This many.
    Count(u32),
    /// At least this share of them, 1 to 100.
    Percent(u32),
    /// Everybody, one after the other, as listed.
    InOrder,
}

/// One branch of a `choose`: `{ when, outcome }`, or `{ otherwise }` as the last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Choose")]
pub struct ChooseSpec {
    /// Bare expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["inputs.amount > 100000"]))]
    pub when: Option<String>,
    /// The outcome where it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = NAME_PATTERN), length(max = MAX_NAME), extend("examples" = ["large"]))]
    pub outcome: Option<String>,
    /// The outcome where nothing before it held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = NAME_PATTERN), length(max = MAX_NAME), extend("examples" = ["small"]))]
    pub otherwise: Option<String>,
}

/// One condition of a `check`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Check")]
pub struct CheckSpec {
    /// Bare expression that must hold.
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub that: String,
    /// What to say where it does not.
    #[serde(rename = "else")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub message: String,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "End")]
pub struct EndSpec {
    /// The status the run ends with: a word of the author's.
    #[schemars(regex(pattern = NAME_PATTERN), length(max = MAX_NAME), extend("not" = { "enum": RESERVED_STATUSES }), extend("examples" = ["rejected"]))]
    pub status: String,
    /// A sentence for people; may hold `${{ }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub message: Option<String>,
}

/// By when. Written as the word `none` or as a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum DeadlineSpec {
    /// No deadline.
    None,
    /// A deadline.
    Due(DueSpec),
}

/// A deadline with its reminders and its escalations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Due")]
pub struct DueSpec {
    /// How long from the step's start: a length of time, or `${{ }}` of one or of a moment.
    #[schemars(length(min = 1, max = MAX_TEXT), extend("examples" = ["10 business days"]))]
    pub due: String,
    /// Reminders, each as `3 business days before` or `2 days after` (the step's start).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_REMINDERS), inner(length(min = 1)), extend("examples" = [["3 business days before"]]))]
    pub remind: Vec<String>,
    /// Who else is told, and when: once, or a list of which each comes later than the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<EscalationSpec>,
}

/// How often and how fast to try again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Retry")]
pub struct RetrySpec {
    /// Tries in all, the first one included.
    #[schemars(range(min = 1, max = MAX_ATTEMPTS), extend("examples" = [5]))]
    pub attempts: u32,
    /// Pause before the second try. Default `1 s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["10 s"]))]
    #[schemars(extend("default" = "1 s"))]
    pub backoff: Option<String>,
    /// By what the pause grows each time. Default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 10.0), extend("examples" = [2.0]))]
    #[schemars(extend("default" = 2))]
    pub factor: Option<f64>,
    /// Longest pause. Default `1 hour`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_LINE), extend("examples" = ["10 minutes"]))]
    #[schemars(extend("default" = "1 hour"))]
    pub max: Option<String>,
}

/// Where an outcome leads. Written as `continue`, `{ end: STATUS }` or `{ back_to: … }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum DispositionSpec {
    /// On to what comes after.
    Continue,
    /// The run ends with this status.
    End(String),
    /// A new round.
    BackTo(BackToSpec),
}

/// A new round from an earlier step on.
#[derive(Clone, Debug, PartialEq)]
pub struct BackToSpec {
    /// The step that starts the new round.
    pub back_to: String,
    /// Rounds in all, the first one included.
    pub max_rounds: u32,
    /// Where the outcome leads after the last round.
    pub then: Box<DispositionSpec>,
}
