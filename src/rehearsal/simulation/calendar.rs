//! The calendar of a simulation: its lines, and how journals become lines.

use crate::base::Timestamp;
use crate::engine::event::{DecisionRecord, Event, StandIn, TimerKind};
use crate::engine::{EventRecord, TaskAct};
use jiff::tz::TimeZone;
use serde::Serialize;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A run began.
    Started,
    /// A step calls something outside.
    Call,
    /// A step waits.
    Waits,
    /// People are asked for papers.
    Papers,
    /// People are asked.
    Task,
    /// Somebody answered, or did something about a task.
    Answer,
    /// A mail went.
    Mail,
    /// Those who are asked were reminded.
    Reminder,
    /// Others were told.
    Escalation,
    /// The time of a step was over.
    Deadline,
    /// Something happened outside the run.
    Event,
    /// An item of a checklist stands otherwise than before.
    Item,
    /// A share or a workspace was opened.
    Opened,
    /// It was taken back.
    Released,
    /// A step started the run of another flow.
    SubFlow,
    /// Elements of an `each`.
    Each,
    /// A step came to an outcome.
    Outcome,
    /// A step was skipped.
    Skipped,
    /// A step begins anew.
    Back,
    /// Values of the run changed.
    Values,
    /// A person has to look, or did.
    Incident,
    /// A run ended.
    Ended,
}

impl What {
    /// The word in the table, where underscores would look odd.
    pub fn word(self) -> String {
        let written = serde_json::to_value(self).ok();
        let written = written.as_ref().and_then(|word| word.as_str()).unwrap_or_default();
        written.replace('_', "-")
    }
}

/// One line of the calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub what: What,
    /// The flow, where it is not the one that is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// The step, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What happened.
    pub text: String,
    /// Until when something is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Why it is due then, or why it comes now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Line {
    /// A line about a step.
    pub fn of(at: Timestamp, what: What, step: &str, text: impl Into<String>) -> Self {
        Self {
            at,
            what,
            flow: None,
            step: Some(step.to_owned()).filter(|step| !step.is_empty()),
            text: text.into(),
            due: None,
            because: None,
        }
    }

    /// What stands in the last column: what happened, until when, and why then.
    pub fn words(&self, zone: &str) -> String {
        let due = self.due.map(|due| format!("until {}", short(due, zone)));
        let parts = [Some(self.text.clone()), due, self.because.clone()];
        parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The step, with the flow before it where that is another one.
    pub fn place(&self) -> String {
        match (&self.flow, &self.step) {
            (Some(flow), Some(step)) => format!("{flow}/{step}"),
            (Some(flow), None) => flow.clone(),
            (None, step) => step.clone().unwrap_or_default(),
        }
    }
}

/// A moment as the calendar shows it, as `Mon 2026-03-02 10:00`.
pub fn short(moment: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    moment.to_zoned(zone).strftime("%a %Y-%m-%d %H:%M").to_string()
}

/// `a, b and c`.
pub fn list(words: &[String]) -> String {
    match words {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Who, without what kind of name it is.
pub fn who(party: &str) -> &str {
    match party.split_once(':') {
        Some(("user" | "email", name)) => name,
        _ => party,
    }
}

/// All of these, without what kind of names they are.
pub fn all_of(parties: &[String]) -> String {
    list(&parties.iter().map(|one| who(one).to_owned()).collect::<Vec<_>>())
}

/// What an event of a journal looks like in the calendar, where it needs nothing but itself; nothing for what
/// nobody looks for there.
pub fn line(record: &EventRecord, step: &str) -> Option<Line> {
    let of = |what, text: String| Some(Line::of(record.at, what, step, text));
    match &record.event {
        Event::RunStarted { initiator, .. } => of(What::Started, format!("by {}", who(initiator))),
        Event::TaskAssigned {
            people,
            veto,
            escalated: true,
            ..
        } if people.is_empty() && veto.is_empty() => None,
        Event::TaskAssigned { .. } => of(What::Task, assigned(&record.event)),
        Event::TaskActed { by, act, .. } => of(What::Answer, format!("{} {}", who(by), acted(act))),
        Event::DecisionRecorded { record: decision, .. } => of(What::Answer, decided(decision)),
        Event::DecisionsVoided { document, .. } => of(
            What::Answer,
            format!(
                "{} is now version {}: answers so far are void",
                document.name, document.version
            ),
        ),
        Event::EventReceived { kind, data, key, .. } => of(What::Event, event(kind, key.as_deref(), data)),
        Event::AttemptFailed { attempt, error, .. } => of(What::Call, format!("try {attempt} failed: {error}")),
        Event::TimerFired { timer, to, .. } => match timer {
            TimerKind::Remind(_) => of(What::Reminder, String::new()),
            TimerKind::Escalate | TimerKind::Onwards(_) => of(What::Escalation, format!("to {}", all_of(to))),
            TimerKind::Retry => of(What::Call, "is tried again".to_owned()),
            TimerKind::Tell => None,
        },
        Event::ItemChanged {
            item, state, reason, ..
        } => {
            let reason = reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
            of(
                What::Item,
                format!("{item} is {}{reason}", state.as_str().replace('_', " ")),
            )
        }
        Event::ChildStarted { flow, version, .. } => of(What::SubFlow, format!("{flow} {version} begins")),
        Event::EachOpened { items, .. } => of(What::Each, format!("{} elements", items.len())),
        Event::EachPassed { outcome, .. } => of(What::Each, format!("{outcome}; what is left goes on")),
        Event::ElementEnded { index, status, .. } => of(What::Each, format!("element {index} ends as {status}")),
        Event::StepSkipped { .. } => of(What::Skipped, String::new()),
        Event::ValuesSet { values, by, .. } => {
            let given: Vec<String> = values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let by = by.as_ref().map_or(String::new(), |by| format!(", by {}", who(by)));
            of(What::Values, format!("{}{by}", list(&given)))
        }
        Event::WentBack { outcome, to, .. } => of(What::Back, format!("to {to}, because of {outcome}")),
        Event::IncidentRaised { error, .. } => of(What::Incident, format!("an administrator has to look: {error}")),
        Event::IncidentResolved { how, by, .. } => of(What::Incident, format!("{}: {how}", who(by))),
        Event::RunEnded { status, .. } => of(What::Ended, format!("as {status}")),
        _ => None,
    }
}

fn assigned(event: &Event) -> String {
    let Event::TaskAssigned {
        people,
        veto,
        deputies,
        assigned_to,
        escalated,
        ..
    } = event
    else {
        return String::new();
    };
    let mut asked: Vec<String> = people.iter().chain(veto).map(|one| who(one).to_owned()).collect();
    asked.dedup();
    let stand_in = |one: &StandIn| format!(", {} for {}", who(&one.by), who(&one.on_behalf_of));
    let deputies: String = deputies.iter().map(stand_in).collect();
    let given = assigned_to.as_ref().map(|one| format!("it is for {}", who(one)));
    let also = if *escalated { " as well" } else { "" };
    let verb = if asked.len() == 1 { "is" } else { "are" };
    given.unwrap_or_else(|| format!("{} {verb} asked{also}{deputies}", list(&asked)))
}

fn decided(decision: &DecisionRecord) -> String {
    let for_whom = decision.for_whom(|one| who(one).to_owned());
    let reason = decision
        .reason
        .as_ref()
        .map_or(String::new(), |reason| format!(", \"{reason}\""));
    let form: String = decision
        .form
        .iter()
        .map(|(name, value)| format!(", {name} = {value}"))
        .collect();
    format!("{}{for_whom}: {}{reason}{form}", who(&decision.by), decision.decision)
}

fn acted(act: &TaskAct) -> String {
    let fields = serde_json::to_value(act).unwrap_or_default();
    fields["act"].as_str().unwrap_or_default().to_owned()
}

/// What came, with the file or the person that it is about.
fn event(kind: &str, key: Option<&str>, data: &crate::base::Value) -> String {
    let key = key.map_or(String::new(), |key| format!(" of {key}"));
    let file = data["file"]["name"]
        .as_str()
        .map_or(String::new(), |name| format!(": {name}"));
    let by = data["by"].as_str().filter(|by| !by.starts_with("link:"));
    let by = by.map_or(String::new(), |by| format!(" by {}", who(by)));
    format!("{kind}{key}{file}{by}")
}
