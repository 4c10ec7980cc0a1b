//! What a test file says, as types. The schema in `schema/test.schema.json` is made from these.

use super::acts::{ActSpec, SetSpec};
use super::line::LineSpec;
use crate::base::Value;
use crate::host::tasks::{Next, Order};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

/// Tests of a flow: cases that are played in virtual time, and what must come of each.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Test")]
pub struct TestSpec {
    /// The flow under test, as a path from this file. Without it, NAME.flow.yaml beside NAME.test.yaml.
    #[schemars(extend("examples" = ["external-review.flow.yaml"]))]
    pub flow: Option<String>,
    /// Other flows that are deployed as well, as paths from this file.
    #[serde(default)]
    pub beside: Vec<String>,
    /// When each case begins. Without it, Monday 2026-03-02 at 09:00 in UTC.
    #[schemars(extend("examples" = ["2026-03-02T09:00:00Z"]))]
    pub clock: Option<String>,
    /// Who there is: a path from this file, or persons by user name. Without it, people.yaml beside this file, or else that of the configuration.
    pub people: Option<PeopleSpec>,
    /// Working time: a folder from this file, or calendars by name. Without it, those of the folder calendars beside this
    /// file, and those of the configuration.
    pub calendars: Option<CalendarsSpec>,
    /// What calls to the outside give, by action or by step, for every case.
    #[serde(default)]
    pub actions: IndexMap<String, AnswersSpec>,
    /// The cases.
    #[schemars(length(min = 1, max = 1000))]
    pub cases: Vec<CaseSpec>,
}

/// Who there is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "People")]
pub enum PeopleSpec {
    /// A file as people.yaml, as a path from this file.
    File(String),
    /// Persons by user name.
    Given(IndexMap<String, PersonSpec>),
}

/// A person, as in people.yaml.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Person")]
pub struct PersonSpec {
    /// What people call them. Without it, their user name.
    pub name: Option<String>,
    /// Where mails go. Without it, USER@example.com.
    pub email: Option<String>,
    /// Roles, as `legal`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Groups, as `board`.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What they are able to do, as `spanish`.
    #[serde(default)]
    pub skills: Vec<String>,
    /// When they are away, as people.yaml says it: `from`, `until`, `deputy`.
    #[serde(default)]
    pub absent: Vec<Value>,
    /// The user name of their manager.
    pub manager: Option<String>,
}

/// Working time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Calendars")]
pub enum CalendarsSpec {
    /// A folder of calendar files, as a path from this file.
    Folder(String),
    /// Calendars by name, as their files write them: `zone`, `hours`, `week`, `holidays`.
    Given(IndexMap<String, Value>),
}

/// What the calls of an action or a step give.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Answers")]
pub enum AnswersSpec {
    /// The same each time.
    One(AnswerSpec),
    /// One after the other; the last one stays.
    Several(Vec<AnswerSpec>),
}

/// What one call gives: exactly one of `gives`, `made_up`, `fails` and `hangs`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Answer")]
pub struct AnswerSpec {
    /// The output.
    pub gives: Option<Value>,
    /// An output made up from the schema of the action: write `made_up: true`.
    #[serde(default)]
    #[schemars(extend("const" = true))]
    pub made_up: bool,
    /// The call fails so.
    pub fails: Option<FailsSpec>,
    /// The call never comes back; after a minute the engine gives it up: write `hangs: true`.
    #[serde(default)]
    #[schemars(extend("const" = true))]
    pub hangs: bool,
    /// What a failed call says.
    pub message: Option<String>,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Fails")]
pub enum FailsSpec {
    /// Trying again may help.
    Transient,
    /// Trying again will not help.
    Permanent,
    /// Nobody knows whether it happened.
    InDoubt,
}

/// One case: how a run starts, what happens, and what must come of it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Case")]
pub struct CaseSpec {
    /// What the case shows, as a sentence; each in a file has its own.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// When this case begins, if not when the others do.
    pub clock: Option<String>,
    /// What an administrator has set for the flow before the case begins.
    #[serde(default)]
    pub settings: IndexMap<String, Value>,
    /// The start by hand. Without it, something on the time line starts the run.
    pub start: Option<StartSpec>,
    /// What calls to the outside give, by action or by step; these come before those of the file.
    #[serde(default)]
    pub actions: IndexMap<String, AnswersSpec>,
    /// What happens, in order. When it is over, time goes on until the run ends.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub timeline: Vec<EntrySpec>,
    /// What must have come of it in the end.
    pub expect: Option<ExpectSpec>,
    /// What must not have happened.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub never: Vec<NeverSpec>,
}

/// The start of a run by hand.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Start")]
pub struct StartSpec {
    /// Who starts it, by user name.
    #[schemars(extend("examples" = ["dora"]))]
    pub by: String,
    /// The inputs. A file is given as `{ name: contract.pdf, text: … }`, or with `size` or `path` instead of `text`.
    #[serde(default)]
    pub inputs: IndexMap<String, Value>,
    /// The start must be refused, with these words in the sentence that says why.
    #[schemars(length(min = 1))]
    pub refused: Option<String>,
}

/// A file, with its bytes made on the spot or read from beside the test.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GivenFile")]
pub struct FileSpec {
    /// Its name.
    pub name: String,
    /// What stands in it. Where the name says that it is a PDF or another format, the bytes begin as such files do.
    pub text: Option<String>,
    /// So many bytes of anything, as `3 MB`.
    pub size: Option<String>,
    /// The bytes of this file, as a path from the test.
    pub path: Option<String>,
    /// The folder it lies in. Without it, /rehearsal.
    pub folder: Option<String>,
    /// Who has put it there, by user name, if not whoever starts the run.
    pub by: Option<String>,
}

/// Something that happens: a moment and exactly one doing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Entry")]
pub struct EntrySpec {
    /// When: so long after the case began (`+7 business days`), or a moment. Without it, the moment of the entry before.
    #[schemars(extend("examples" = ["+7 business days", "2026-03-04T10:00:00Z"]))]
    pub at: Option<String>,
    /// When: so long after the entry before.
    #[schemars(extend("examples" = ["3 hours"]))]
    pub after: Option<String>,
    /// It must be refused, with these words in the sentence that says why.
    #[schemars(length(min = 1), extend("examples" = ["revoked"]))]
    pub refused: Option<String>,
    /// Somebody with a link puts a file into the share: a new version where one of this name is shared.
    pub upload: Option<UploadSpec>,
    /// Somebody with a link writes a comment.
    pub comment: Option<CommentSpec>,
    /// Somebody with a link opens the share.
    pub open: Option<VisitSpec>,
    /// Somebody with a link fetches a file.
    pub download: Option<DownloadSpec>,
    /// Somebody who was asked for papers gives a file for an item of the checklist.
    pub give: Option<GiveSpec>,
    /// Somebody who was asked for papers takes a file back.
    pub take_back: Option<TakeBackSpec>,
    /// Somebody who was asked for papers says why an item does not apply.
    pub not_applicable: Option<NotApplicableSpec>,
    /// Somebody who was asked for papers says that they will give none.
    pub withdraw: Option<WithdrawSpec>,
    /// An administrator revokes one person's link and no other.
    pub revoke: Option<RevokeSpec>,
    /// A person of the directory puts a file into a folder.
    pub put: Option<PutSpec>,
    /// A person decides a task.
    pub decide: Option<DecideSpec>,
    /// A person does a task: its first answer, as `done`.
    pub answer: Option<AnswerTaskSpec>,
    /// A person takes a task off the lists of the others.
    pub claim: Option<TaskActSpec>,
    /// A person gives a task back to all who are asked.
    pub release: Option<TaskActSpec>,
    /// A person lets somebody act for one who is asked and stays accountable.
    pub delegate: Option<HandOverSpec>,
    /// A person hands the place of one who is asked over to somebody else.
    pub reassign: Option<HandOverSpec>,
    /// A person says something about a task, asks somebody, or answers.
    pub remark: Option<RemarkSpec>,
    /// A person does something about a task beside answering it.
    pub act: Option<ActSpec>,
    /// Something happens outside.
    pub event: Option<EventSpec>,
    /// A signed call comes in for the flow.
    pub webhook: Option<WebhookSpec>,
    /// From now on, calls fail.
    pub fail: Option<FailSpec>,
    /// A person cancels the run.
    pub cancel: Option<ByHandSpec>,
    /// A person, or a program in their name, changes values of the run.
    pub change: Option<ChangeSpec>,
    /// An administrator, or a program in their name, gives settings of the flow.
    pub configure: Option<ConfigureSpec>,
    /// A person, or a program in their name, looks at the run, or at their task.
    pub look: Option<LookSpec>,
    /// A person has a failed step tried again.
    pub retry: Option<StepByHandSpec>,
    /// A person has the run go on past a failed step.
    pub skip: Option<StepByHandSpec>,
    /// A person says what a failed step came to.
    pub set: Option<SetSpec>,
    /// The process dies and another one takes up what is stored: write `crash: true`.
    #[serde(default)]
    #[schemars(extend("const" = true))]
    pub crash: bool,
    /// The process is down for so long, and then another one takes up what is stored.
    #[schemars(extend("examples" = ["3 days"]))]
    pub down: Option<String>,
    /// What must be so at this moment.
    pub expect: Option<ExpectSpec>,
}

/// Somebody who comes through a link.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Visit")]
pub struct VisitSpec {
    /// Whom the share was opened to, as `rosa@example.com`.
    #[serde(rename = "as")]
    pub visitor: String,
    /// The password of the link.
    pub password: Option<String>,
}

/// An upload through a link.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Upload")]
pub struct UploadSpec {
    /// Whom the share was opened to, as `rosa@example.com`.
    #[serde(rename = "as")]
    pub visitor: String,
    /// The password of the link.
    pub password: Option<String>,
    /// The file's name.
    pub name: String,
    /// What stands in it.
    pub text: Option<String>,
    /// So many bytes of anything, as `3 MB`.
    pub size: Option<String>,
    /// The bytes of this file, as a path from the test.
    pub path: Option<String>,
}

/// A comment through a link.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Comment")]
pub struct CommentSpec {
    /// Whom the share was opened to, as `rosa@example.com`.
    #[serde(rename = "as")]
    pub visitor: String,
    /// The password of the link.
    pub password: Option<String>,
    /// What they write.
    pub text: String,
    /// The name of the file it is about, if it is about one.
    pub file: Option<String>,
}

/// A download through a link.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Download")]
pub struct DownloadSpec {
    /// Whom the share was opened to, as `rosa@example.com`.
    #[serde(rename = "as")]
    pub visitor: String,
    /// The password of the link.
    pub password: Option<String>,
    /// The file's name. Without it, the first one.
    pub file: Option<String>,
    /// The version, from 1. If not given, the newest version that the link can read.
    pub version: Option<u64>,
}

/// Revoking a link.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Revoke")]
pub struct RevokeSpec {
    /// The holder of the link, such as `rosa@example.com`; the last link that they received is
    /// revoked.
    pub from: String,
    /// Who revokes it, by user name.
    pub by: String,
}

/// An upload by a person of the directory.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Put")]
pub struct PutSpec {
    /// Who, by user name.
    pub by: String,
    /// The folder, as `/contracts/outbox`.
    pub folder: String,
    /// The file's name.
    pub name: String,
    /// What stands in it.
    pub text: Option<String>,
    /// So many bytes of anything, as `3 MB`.
    pub size: Option<String>,
    /// The bytes of this file, as a path from the test.
    pub path: Option<String>,
    /// The day until which it is valid, as `2027-03-31`, where it is a document that expires.
    pub valid_until: Option<String>,
}

/// A decision.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Decide")]
pub struct DecideSpec {
    /// Who: a user name or an address.
    pub by: String,
    /// For whom, where they stand in for somebody: a user name.
    #[serde(rename = "for")]
    pub on_behalf_of: Option<String>,
    /// The step that asks. Without it, the only task that the person has.
    pub step: Option<String>,
    /// The item of the step's checklist that it is about, where it is about one.
    pub item: Option<String>,
    /// What.
    pub decision: String,
    /// Why.
    pub reason: Option<String>,
    /// The version that they have read. Without it, the one that is asked about.
    pub version: Option<u64>,
    /// What they fill in, by the names of the fields.
    #[serde(default)]
    pub form: Map<String, Value>,
    /// Which task they take and start next: `same_run` or `same_step`.
    pub next: Option<Next>,
}

/// A task that is done.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AnswerTask")]
pub struct AnswerTaskSpec {
    /// Who: a user name or an address.
    pub by: String,
    /// The step that asks. Without it, the only task that the person has.
    pub step: Option<String>,
    /// What they fill in, by the names of the fields.
    #[serde(default)]
    pub form: Map<String, Value>,
    /// Which task they take and start next: `same_run` or `same_step`.
    pub next: Option<Next>,
}

/// Something done about a task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TaskAct")]
pub struct TaskActSpec {
    /// Who: a user name.
    pub by: String,
    /// The step that asks. Without it, the only task that the person has.
    pub step: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A task handed to somebody else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HandOver")]
pub struct HandOverSpec {
    /// Who does it: a user name.
    pub by: String,
    /// The step that asks. Without it, the only task that the person has.
    pub step: Option<String>,
    /// Whose place it is, if not that of whoever does it.
    pub of: Option<String>,
    /// To whom.
    pub to: String,
    /// Why.
    pub reason: Option<String>,
    /// Whether whoever gets it begins anew: for `reassign`.
    #[serde(default)]
    pub afresh: bool,
}

/// Words about a task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Remark")]
pub struct RemarkSpec {
    /// Who: a user name.
    pub by: String,
    /// The step that asks. Without it, the only task that the person has.
    pub step: Option<String>,
    /// The words.
    pub text: String,
    /// Who is asked.
    pub to: Option<String>,
    /// Which remark it answers, counted from 1.
    pub answers: Option<u32>,
}

/// A file for an item of a checklist.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Give")]
pub struct GiveSpec {
    /// Who was asked, as `sam@example.com`.
    #[serde(rename = "as")]
    pub visitor: String,
    /// The item.
    pub item: String,
    /// The file's name.
    pub name: String,
    /// Until when it is valid, as `2027-03-31`.
    pub valid_until: Option<String>,
    /// What stands in it.
    pub text: Option<String>,
    /// So many bytes of anything, as `3 MB`.
    pub size: Option<String>,
    /// The bytes of this file, as a path from the test.
    pub path: Option<String>,
}

/// A file that is taken back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TakeBack")]
pub struct TakeBackSpec {
    /// Who was asked, as `sam@example.com`.
    #[serde(rename = "as")]
    pub visitor: String,
    /// The item.
    pub item: String,
    /// The file's name.
    pub name: String,
}

/// An item that does not apply.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NotApplicable")]
pub struct NotApplicableSpec {
    /// Who was asked, as `sam@example.com`.
    #[serde(rename = "as")]
    pub visitor: String,
    /// The item.
    pub item: String,
    /// Why.
    pub because: String,
}

/// A request that is turned down.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Withdraw")]
pub struct WithdrawSpec {
    /// Who was asked, as `sam@example.com`.
    #[serde(rename = "as")]
    pub visitor: String,
    /// Why.
    pub reason: String,
}

/// An event from outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Event")]
pub struct EventSpec {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its key, which waits match it by.
    pub key: Option<String>,
    /// The sender: a user name or a mail address. If not given, the sender is unknown.
    pub by: Option<String>,
    /// Its id: one of the same id counts once. Without it, it is another one each time.
    pub id: Option<String>,
    /// Its fields.
    #[serde(default)]
    pub data: IndexMap<String, Value>,
}

/// A call of the webhook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Webhook")]
pub struct WebhookSpec {
    /// The body. A file is given as under `inputs` of `start`.
    #[serde(default)]
    pub body: IndexMap<String, Value>,
    /// The delivery: the same one starts one run. Without it, it is another one each time.
    pub delivery: Option<String>,
}

/// Calls that fail from now on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fail")]
pub struct FailSpec {
    /// The step whose calls fail, or the action, as `http.request`.
    pub of: String,
    /// How.
    pub how: FailsSpec,
    /// What the call says.
    pub message: Option<String>,
    /// How often; then the calls go as before.
    #[serde(default = "once")]
    #[schemars(range(min = 1, max = 1000))]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// Something that a person does to the run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ByHand")]
pub struct ByHandSpec {
    /// Who, by user name.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Values of the run that somebody changes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Change")]
pub struct ChangeSpec {
    /// Who, by user name.
    pub by: String,
    /// The values, by name.
    #[schemars(extend("minProperties" = 1))]
    pub values: IndexMap<String, Value>,
    /// Why.
    pub reason: String,
}

/// Settings of the flow that somebody gives.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Configure")]
pub struct ConfigureSpec {
    /// Who, by user name.
    pub by: String,
    /// The settings, by name.
    #[schemars(extend("minProperties" = 1))]
    pub settings: IndexMap<String, Value>,
}

/// What somebody finds who looks.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Look")]
pub struct LookSpec {
    /// Who, by user name.
    pub by: String,
    /// The step whose open task they look at. Without it and without `settings`, the run.
    pub step: Option<String>,
    /// Whether they look at the settings of the flow: write `settings: true`.
    #[serde(default)]
    #[schemars(extend("const" = true))]
    pub settings: bool,
    /// What they must find; of a map, the keys that are given.
    pub finds: Value,
}

/// Something that a person does to a step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StepByHand")]
pub struct StepByHandSpec {
    /// The step.
    pub step: String,
    /// Who, by user name.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What must be so.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expect", extend("minProperties" = 1))]
pub struct ExpectSpec {
    /// The status that the run ended with; `waiting` where it has not ended, `incident` where a person must look.
    pub outcome: Option<String>,
    /// By step: its outcome, `not_reached`, `skipped`, `waiting`, `incident` or `cancelled`; or with several rounds a list of outcomes.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub steps: IndexMap<String, OneOrMany>,
    /// By step: exactly who is asked, in any order.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub tasks: IndexMap<String, Vec<String>>,
    /// By person: exactly the steps whose open tasks they have on their list, in any order.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub inbox: IndexMap<String, Vec<String>>,
    /// By person: the same, in the order of the list.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub in_order: IndexMap<String, Vec<String>>,
    /// Lists of tasks as people ask for them.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub lists: Vec<ListSpec>,
    /// By step: exactly who works on its open tasks, in any order.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub started: IndexMap<String, Vec<String>>,
    /// By person: exactly the steps whose open tasks they see without being asked.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub watched: IndexMap<String, Vec<String>>,
    /// Mails that must have gone, each by something of it.
    #[serde(default)]
    #[schemars(length(min = 1), extend("items" = { "$ref": "#/$defs/Mail", "minProperties": 1 }))]
    pub mails: Vec<MailSpec>,
    /// Steps whose share, right or workspace has been taken back.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub released: Vec<String>,
    /// Outputs of the run; of a map, the keys that are given.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub outputs: IndexMap<String, Value>,
    /// Lines of the journal that there must be, each by its type and any of its fields.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub events: Vec<LineSpec>,
    /// How many runs of the flow there are.
    pub runs: Option<usize>,
}

/// A list of tasks, as somebody asks for it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "List")]
pub struct ListSpec {
    /// Whose list: a user name.
    pub of: String,
    /// In which order; without it, by priority.
    #[serde(default)]
    pub order: Order,
    /// Of this flow alone.
    pub flow: Option<String>,
    /// Of this step alone.
    pub step: Option<String>,
    /// Exactly the steps whose open tasks it shows, in order.
    pub shows: Vec<String>,
}

/// A text or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several, in order.
    Many(Vec<String>),
}

/// Mails.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mail")]
pub struct MailSpec {
    /// To whom: a user name, `role:legal`, an address.
    pub to: Option<String>,
    /// What stands in the subject.
    #[schemars(length(min = 1))]
    pub subject: Option<String>,
    /// What stands in the text.
    #[schemars(length(min = 1))]
    pub contains: Option<String>,
    /// How many there are; without it, at least one. Under `never`, how many there may be.
    pub count: Option<usize>,
}

/// What must not have happened: exactly one of `step`, `action`, `mail`, `share` and `event`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Never")]
pub struct NeverSpec {
    /// A step that is not begun, or with `outcome`, does not come to it.
    pub step: Option<String>,
    /// The outcome that the step does not come to.
    pub outcome: Option<String>,
    /// An action that is not called.
    pub action: Option<String>,
    /// Mails that do not go.
    pub mail: Option<MailSpec>,
    /// A step whose share is not open in the end.
    pub share: Option<String>,
    /// A line of the journal that there is not, by its type and any of its fields.
    pub event: Option<LineSpec>,
}
