//! What the simulated runs went through: verbs with what is written of them, types of events, what
//! people did. A word of the language that no run ever reaches proves nothing of the language.
//!
//! | verb | what is generated |
//! |---|---|
//! | `uses` | calls that can and cannot be repeated, local and pure ones, shares and grants, `workflow.emit`; with `retry`, `keep` |
//! | `wait` | `event` (with `on`, `key`, `where`, `kept: false`), `any`, `all`, `until`, `when` |
//! | `approve` | every rule, `veto`, `exclude`, `reason`, `form`, both `on_new_version`, `allow`, `hold_back`, `starts` |
//! | `task` | with and without a document and a form, `distribution: assign` with every `pick`, `allow` |
//! | `collect` | items with and without review, optional, several files |
//! | `each` | nested, every `join`, `parallel`, `in_order`, `until`, `rest`, `add` to it |
//! | `run` | flows that end in every way and that cannot be started |
//! | `choose`, `check`, `set`, `add`, `cancel`, `complete`, `end` | with every outcome |
//! | any | `after`, `join`, `if`, `lock`, sections, `deadline`, `outcomes` with `continue`, `end`, `back_to` |

use super::driver::{Marks, Sim};
use gatefold::engine::Event;
use gatefold::plan::{AskKind, PlanStep, PlanVerb};
use gatefold::spec::step::JoinSpec;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

/// Every word that is looked for; how often follows from how rare it is.
pub const WORDS: [&str; 36] = [
    "add",
    "approve",
    "called by a way back",
    "cancel",
    "check",
    "choose",
    "collect",
    "complete",
    "each",
    "each done",
    "each failed",
    "each in order",
    "each join any",
    "each join count",
    "each join settled",
    "each passed",
    "each rest",
    "each until",
    "end",
    "if",
    "join any",
    "join count",
    "join settled",
    "lock",
    "run",
    "section",
    "set",
    "task",
    "task of an item",
    "uses",
    "uses emit",
    "wait all",
    "wait any",
    "wait event",
    "wait until",
    "wait when",
];

/// Notes what the run went through.
pub fn note(sim: &mut Sim<'_>) {
    let mut found = BTreeSet::new();
    for record in &sim.journal {
        let event = json!(record.event);
        found.insert(format!("event {}", event["type"].as_str().unwrap_or_default()));
        if let Some(timer) = event["timer"].as_str() {
            found.insert(format!("timer {timer}"));
        }
        let step = event["step"].as_str().and_then(|name| sim.flow.plan.step(name));
        match (&record.event, step) {
            (Event::StepFinished { outcome, .. }, Some(step)) => {
                found.extend(words(step, Some(outcome)).into_iter().map(str::to_owned));
            }
            (Event::EachPassed { .. }, _) => _ = found.insert("each passed".to_owned()),
            (Event::StepSkipped { .. }, Some(step)) if step.condition.is_some() => _ = found.insert("if".to_owned()),
            (Event::TaskOpened { item: Some(_), .. }, _) => _ = found.insert("task of an item".to_owned()),
            (Event::RunClosing { message: Some(_), .. }, _) => _ = found.insert("end".to_owned()),
            _ => {}
        }
    }
    if super::flows::calls(&sim.journal) > 0 {
        found.insert("called by a way back".to_owned());
    }
    sim.marks.extend(found.into_iter().map(|word| (word, 1)));
}

/// The words of a step that came to an outcome.
fn words(step: &PlanStep, outcome: Option<&String>) -> Vec<&'static str> {
    let mut words = match &step.verb {
        PlanVerb::Uses { action, .. } if action == super::pool::EMIT => vec!["uses emit"],
        PlanVerb::Uses { .. } => vec!["uses"],
        PlanVerb::Wait(wait) if wait.until.is_some() => vec!["wait until"],
        PlanVerb::Wait(wait) if wait.when.is_some() => vec!["wait when"],
        PlanVerb::Wait(wait) if wait.all => vec!["wait all"],
        PlanVerb::Wait(wait) if wait.alternatives.len() > 1 => vec!["wait any"],
        PlanVerb::Wait(_) => vec!["wait event"],
        PlanVerb::Ask(ask) if ask.kind == AskKind::Approve => vec!["approve"],
        PlanVerb::Ask(_) => vec!["task"],
        PlanVerb::Choose(_) => vec!["choose"],
        PlanVerb::Check(_) => vec!["check"],
        PlanVerb::Collect(_) => vec!["collect"],
        PlanVerb::Run(_) => vec!["run"],
        PlanVerb::Set(_) => vec!["set"],
        PlanVerb::Cancel(_) => vec!["cancel"],
        PlanVerb::Complete(_) => vec!["complete"],
        PlanVerb::Add { .. } => vec!["add"],
        PlanVerb::End { .. } => vec!["end"],
        PlanVerb::Each(each) => {
            let mut words = vec!["each"];
            words.extend(match outcome.map(String::as_str) {
                Some("done") => Some("each done"),
                _ => Some("each failed"),
            });
            words.extend(match each.join {
                JoinSpec::All => None,
                JoinSpec::Any => Some("each join any"),
                JoinSpec::Count(_) => Some("each join count"),
                JoinSpec::Settled => Some("each join settled"),
            });
            words.extend(each.until.as_ref().map(|_| "each until"));
            words.extend(each.goes_on.then_some("each rest"));
            words.extend(each.in_order.then_some("each in order"));
            words
        }
    };
    words.extend(match step.join {
        JoinSpec::All => None,
        JoinSpec::Any => Some("join any"),
        JoinSpec::Count(_) => Some("join count"),
        JoinSpec::Settled => Some("join settled"),
    });
    words.extend(
        step.lock
            .as_ref()
            .map(|lock| if lock.until.is_some() { "section" } else { "lock" }),
    );
    words
}

/// The types that an enumeration of the journal has, as a reader of it lists them.
fn types<'de, T: Deserialize<'de>>(tag: &'de serde_json::Value) -> Vec<String> {
    let error = T::deserialize(tag).err().expect("there is no such type").to_string();
    let (_, listed) = error.split_once("expected one of").expect("the types are listed");
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Fails where something of the language was reached in too few of the runs.
pub fn check(marks: &Marks, seeds: u64) {
    let none = json!({ "type": "nothing", "act": "nothing", "timer": "nothing" });
    let acts = types::<gatefold::engine::TaskAct>(&none);
    let events = types::<Event>(&none);
    assert!(acts.len() > 10 && events.len() > 25, "{acts:?} {events:?}");
    let timers = ["remind", "escalate", "onwards", "tell", "retry"];
    let looked_for: Vec<String> = WORDS
        .map(str::to_owned)
        .into_iter()
        // Runs are moved in `tests/it/engine/property`, where there are two versions of a flow.
        .chain(
            events
                .iter()
                .filter(|event| *event != "migrated")
                .map(|event| format!("event {event}")),
        )
        .chain(acts.iter().map(|act| format!("act: {act}")))
        .chain(timers.map(|timer| format!("timer {timer}")))
        .collect();
    let count = |word: &String| marks.get(word).copied().unwrap_or(0);
    let rare: Vec<String> = looked_for
        .iter()
        .filter(|word| count(word) < seeds / 400)
        .map(|word| format!("{word}: {}", count(word)))
        .collect();
    assert!(rare.is_empty(), "of {seeds} runs too few reach {rare:?}: {marks:?}");
}
