//! A run as people follow it: one line an event, and a spinner for what goes on on a terminal.

use super::output;
use crate::base::Via;
use crate::engine::event::{Event, TimerKind, Timers};
use crate::engine::{EventRecord, StandIn, TaskAct};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// Characters of a hash that tell versions apart at a glance.
const HASH_CHARS: usize = 12;
const TICK: Duration = Duration::from_millis(120);

/// What a person reads of a line of the journal: the step or actor it is about, and a sentence that ends with what a
/// person acted through.
pub fn describe(record: &EventRecord) -> (String, String) {
    let (who, what) = describe_event(&record.event);
    let via = match &record.event {
        Event::DecisionRecorded { record, .. } => record.via(),
        // an account of the machine is told of decisions alone: a run that somebody tries on their own machine stays short
        _ => record.via.clone().filter(|via| !matches!(via, Via::Local(_))),
    };
    match via {
        Some(via) => (who, format!("{what} ({via})")),
        None => (who, what),
    }
}

fn describe_event(event: &Event) -> (String, String) {
    match event {
        Event::RunStarted {
            flow,
            version,
            initiator,
            ..
        } => ("run".to_owned(), format!("{flow} {version} started by {initiator}")),
        Event::Migrated {
            from, to, by, reason, ..
        } => (
            "run".to_owned(),
            format!(
                "goes on by {} instead of {}, moved by {by}: {reason}",
                to.version, from.version
            ),
        ),
        Event::RunClosing { status, by, .. } => {
            let by = by.as_ref().map_or(String::new(), |by| format!(", cancelled by {by}"));
            ("run".to_owned(), format!("closing as {status}{by}"))
        }
        Event::Released { kind, id } => ("run".to_owned(), format!("{kind} {id} released")),
        Event::RunEnded { status, .. } => ("run".to_owned(), format!("ended: {status}")),
        Event::EventReceived { kind, data, .. } => ("event".to_owned(), format!("{kind}{}", by_whom(data))),
        Event::TaskOpened { .. }
        | Event::TaskAssigned { .. }
        | Event::TaskMembersChanged { .. }
        | Event::TaskActed { .. }
        | Event::DecisionRecorded { .. }
        | Event::DecisionsVoided { .. } => describe_task(event),
        _ => describe_step(event),
    }
}

/// Describes who was added to an open task and who can no longer answer it.
fn members_changed(event: &Event) -> String {
    let Event::TaskMembersChanged {
        people,
        veto,
        joined,
        left,
        ..
    } = event
    else {
        return String::new();
    };
    let new: Vec<&str> = [people, veto, joined]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let parts = [
        (new.join(", "), "may answer from now on"),
        (left.join(", "), "can no longer answer"),
    ];
    let told = parts.iter().filter(|(who, _)| !who.is_empty());
    let told: Vec<String> = told.map(|(who, what)| format!("{who} {what}")).collect();
    told.join("; ")
}

fn describe_task(event: &Event) -> (String, String) {
    match event {
        Event::TaskOpened { step, document, by, .. } => {
            let what = match document {
                Some(document) => format!(
                    "asks about {} version {} ({})",
                    document.name,
                    document.version,
                    short(&document.sha256)
                ),
                None => format!("asks {}", by.join(", ")),
            };
            (step.clone(), what)
        }
        Event::TaskMembersChanged { .. } => ("task".to_owned(), members_changed(event)),
        Event::TaskAssigned {
            people,
            veto,
            deputies,
            assigned_to,
            escalated,
            ..
        } => {
            let how = if *escalated { "escalated to" } else { "assigned to" };
            let vetoing: Vec<&str> = veto
                .iter()
                .filter(|one| !people.contains(one))
                .map(String::as_str)
                .collect();
            let people = assigned_to.as_ref().map_or_else(|| people.join(", "), Clone::clone);
            let for_whom = |one: &StandIn| format!(", {} for {}", one.by, one.on_behalf_of);
            let deputies: String = deputies.iter().map(for_whom).collect();
            let vetoing = match vetoing.as_slice() {
                [] => String::new(),
                several => format!(", with a veto {}", several.join(", ")),
            };
            ("task".to_owned(), format!("{how} {people}{deputies}{vetoing}"))
        }
        Event::TaskActed { by, act, .. } => (by.clone(), acted(act)),
        Event::DecisionRecorded { record, .. } => {
            let reason = record
                .reason
                .as_ref()
                .map_or(String::new(), |reason| format!(": {reason}"));
            let on = record.sha256.as_deref().map(|sha256| format!(" on {}", short(sha256)));
            let on = on.unwrap_or_default();
            let whom = record.for_whom(str::to_owned);
            (
                record.by.clone(),
                format!("decides{whom} {}{on}{reason}", record.decision),
            )
        }
        Event::DecisionsVoided { document, .. } => (
            "task".to_owned(),
            format!("version {} makes earlier decisions void", document.version),
        ),
        _ => other(event),
    }
}

fn acted(act: &TaskAct) -> String {
    let because = |reason: &Option<String>| reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    match act {
        TaskAct::Claim => "takes the task".to_owned(),
        TaskAct::Start => "starts the task".to_owned(),
        TaskAct::Save { .. } => "keeps what is filled in".to_owned(),
        TaskAct::Release { reason } => format!("gives the task back{}", because(reason)),
        TaskAct::Remark { text, to: Some(to), .. } => format!("asks {to}: {text}"),
        TaskAct::Remark { text, .. } => format!("says: {text}"),
        TaskAct::Delegate { of, to, reason } => format!("lets {to} act for {of}{}", because(reason)),
        TaskAct::Reassign { of, to, reason, .. } => format!("hands over from {of} to {to}{}", because(reason)),
        TaskAct::Suspend { reason } => format!("lets the task rest: {reason}"),
        TaskAct::Resume { reason } => format!("lets the task go on{}", because(reason)),
        TaskAct::Skip { reason } => format!("skips the step: {reason}"),
        TaskAct::Redo { reason } => format!("has the step done again: {reason}"),
    }
}

fn describe_step(event: &Event) -> (String, String) {
    match event {
        Event::ActionScheduled { step, round, .. } => (step.clone(), format!("begins{}", in_round(*round))),
        Event::AttemptFailed {
            step,
            attempt,
            error,
            retry_at,
        } => (
            step.clone(),
            format!("try {attempt} failed: {error}; again at {}", output::second(*retry_at)),
        ),
        Event::WaitOpened {
            step,
            round,
            expected,
            timers,
        } => {
            let names: Vec<&str> = expected.iter().map(|expected| expected.name.as_str()).collect();
            let what = if names.is_empty() { "" } else { " for " };
            (
                step.clone(),
                format!("waits{what}{}{}{}", names.join(", "), until(timers), in_round(*round)),
            )
        }
        Event::AlternativeMet { step, name, .. } => (step.clone(), format!("{name} has come")),
        Event::TimerFired { step, timer, to } => (step.clone(), fired(*timer, to)),
        Event::StepFinished {
            step,
            outcome,
            round,
            output,
            by_hand,
            ..
        } => {
            let by_hand = by_hand
                .as_ref()
                .map_or_else(String::new, |one| format!(", set by {}: {}", one.by, one.reason));
            (
                step.clone(),
                format!("{outcome}{}{}{by_hand}", in_round(*round), in_words(output)),
            )
        }
        Event::ChildStarted {
            step,
            flow,
            version,
            child,
            ..
        } => (step.clone(), format!("runs {flow} {version} as {child}")),
        Event::ValuesSet { .. } => values_set(event),
        Event::StepSkipped { step, .. } => (step.clone(), "skipped".to_owned()),
        Event::WentBack { from, outcome, to } => (from.clone(), format!("{outcome}: back to {to}")),
        Event::IncidentRaised {
            step, error, attempts, ..
        } => (
            step.clone(),
            format!("needs a person{}: {error}", after_tries(*attempts)),
        ),
        Event::IncidentResolved { step, how, by, reason } => (step.clone(), format!("{how} by {by}: {reason}")),
        _ => describe_part(event),
    }
}

fn fired(timer: TimerKind, to: &[String]) -> String {
    match timer {
        TimerKind::Remind(index) => format!("reminder {}", index + 1),
        TimerKind::Escalate | TimerKind::Onwards(_) => format!("escalated to {}", to.join(", ")),
        TimerKind::Tell => "people are told".to_owned(),
        TimerKind::Retry => "tries again".to_owned(),
    }
}

fn after_tries(attempts: u32) -> String {
    if attempts > 1 {
        format!(" after {attempts} tries")
    } else {
        String::new()
    }
}

/// Values that a step or a person gave.
fn values_set(event: &Event) -> (String, String) {
    let Event::ValuesSet {
        values,
        step,
        by,
        reason,
    } = event
    else {
        return other(event);
    };
    let who = step.as_ref().or(by.as_ref()).cloned().unwrap_or_default();
    let given: Vec<String> = values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let why = reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    (who, format!("sets {}{why}", given.join(", ")))
}

/// What happens to a checklist and its items, and to the elements of an `each`.
fn describe_part(event: &Event) -> (String, String) {
    match event {
        Event::CollectOpened {
            step, round, timers, ..
        } => (
            step.clone(),
            format!("asks for documents{}{}", until(timers), in_round(*round)),
        ),
        Event::ItemChanged {
            step,
            item,
            state,
            files,
            reason,
            ..
        } => {
            let names: Vec<&str> = files.iter().map(|given| given.file.name.as_str()).collect();
            let files = if names.is_empty() { "" } else { ", " };
            let why = reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
            let stands = state.as_str().replace('_', " ");
            (
                step.clone(),
                format!("{item}: {stands}{files}{}{why}", names.join(", ")),
            )
        }
        Event::EachOpened { step, round, items } => (
            step.clone(),
            format!("begins with {}{}", elements(items.len()), in_round(*round)),
        ),
        Event::EachPassed {
            step, round, outcome, ..
        } => (
            step.clone(),
            format!("{outcome}{}, and its elements go on", in_round(*round)),
        ),
        Event::ElementEnded {
            step,
            round,
            index,
            status,
            ..
        } => {
            // as journals name the steps of an element
            let round = if *round > 1 { format!("#{round}") } else { String::new() };
            (format!("{step}{round}[{index}]"), format!("ended: {status}"))
        }
        Event::CallAbandoned { step, round, .. } => (
            step.clone(),
            format!("a call came back that nobody needs any more{}", in_round(*round)),
        ),
        _ => other(event),
    }
}

fn until(timers: &Timers) -> String {
    let due = timers.due.map(output::second);
    due.map_or(String::new(), |due| format!(" until {due}"))
}

fn elements(number: usize) -> String {
    match number {
        1 => "1 element".to_owned(),
        number => format!("{number} elements"),
    }
}

/// The type of an event that this page has no sentence for.
fn other(event: &Event) -> (String, String) {
    let data = serde_json::to_value(event).unwrap_or_default();
    ("run".to_owned(), data["type"].as_str().unwrap_or("event").to_owned())
}

fn in_round(round: u32) -> String {
    if round > 1 {
        format!(" (round {round})")
    } else {
        String::new()
    }
}

/// What a check that failed, an end or an action that failed says.
fn in_words(output: &crate::base::Value) -> String {
    let said = output["message"].as_str().or_else(|| output["error"].as_str());
    said.map_or(String::new(), |said| format!(": {said}"))
}

fn by_whom(data: &crate::base::Value) -> String {
    data["by"].as_str().map_or(String::new(), |by| format!(" by {by}"))
}

/// The beginning of a hash.
pub fn short(hash: &str) -> &str {
    hash.get(..HASH_CHARS).unwrap_or(hash)
}

/// An event as one line.
pub fn line(record: &EventRecord) -> String {
    let (who, what) = describe(record);
    let time = record.at.strftime("%H:%M:%S%.3f");
    format!("{:>4}  {time}  {who:<12} {what}", record.seq)
}

/// The same with the day and the zone, for whoever looks later.
pub fn line_of_day(record: &EventRecord) -> String {
    let (who, what) = describe(record);
    format!("{:>4}  {}  {who:<12} {what}", record.seq, output::second(record.at))
}

/// Shows a run while it goes on.
pub struct Progress {
    spinner: Option<ProgressBar>,
}

impl Progress {
    /// With a spinner if somebody is looking at stderr.
    pub fn start(text: &str) -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is well formed");
            let spinner = ProgressBar::new_spinner()
                .with_style(style)
                .with_message(text.to_owned());
            spinner.enable_steady_tick(TICK);
            spinner
        });
        Self { spinner }
    }

    /// Says a line, above the spinner if there is one.
    pub fn say(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| super::output::say(text)),
            None => super::output::say(text),
        }
    }

    /// Shows an event, and what goes on after it.
    pub fn event(&self, record: &EventRecord) {
        self.say(&line(record));
        if let Some(spinner) = &self.spinner {
            let (who, what) = describe(record);
            spinner.set_message(format!("{who} {what}"));
        }
    }

    /// Takes the spinner away.
    pub fn finish(self) {
        if let Some(spinner) = self.spinner {
            spinner.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use crate::engine::EventRecord;

    /// The golden histories have every type of event with every field.
    #[test]
    fn every_event_has_a_sentence() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/histories");
        let mut told = Vec::new();
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.extension().is_none_or(|ending| ending != "jsonl") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("it can be read");
            for line in text.lines() {
                let record: EventRecord = serde_json::from_str(line).expect("it is a line of a journal");
                let kind = serde_json::to_value(&record.event).expect("it can be written")["type"].clone();
                let (who, what) = describe(&record);
                assert_ne!(kind, what.as_str(), "{line}");
                told.push(format!("{who}: {what}"));
            }
        }
        for sentence in [
            "papers: asks for documents until 2026-12-08T09:00:00Z",
            "papers: tax: received, fil_t.pdf",
            "papers: cover: missing",
            "departments: begins with 3 elements",
            "departments[2]: ended: refused",
            "departments#2[",
            "user:dan: decides for user:boss, in the place of user:lea, who had not answered, approved on",
            "user:chair: decides in the place of user:rex, who had not answered, done",
        ] {
            assert!(told.iter().any(|one| one.contains(sentence)), "{sentence}: {told:#?}");
        }
    }
}
