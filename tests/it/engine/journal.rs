//! Journals as they are stored: every event reads back as it was written, every history ever
//! recorded replays for ever.

use super::flows;
use gatefold::engine::{Event, EventRecord, JOURNAL_VERSION, ReplayError, RunMachine, RunPhase};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/histories")
}

/// Name, text of the flow and journal of every recorded history.
fn histories() -> Vec<(String, String, Vec<EventRecord>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the folder can be read")
        .map(|entry| entry.expect("the entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
            let flow = fs::read_to_string(path.with_extension("flow.yaml")).expect("the flow stands beside it");
            let text = fs::read_to_string(&path).expect("it can be read");
            let lines = text
                .lines()
                .map(|line| serde_json::from_str(line).expect("a line is an event"));
            (name, flow, lines.collect())
        })
        .collect()
}

/// Replays a recorded history. Plans may be pinned by another hash than today's: what a history
/// proves is that its events still mean what they meant.
fn replay(flow: &str, journal: &[EventRecord]) -> Result<RunMachine, ReplayError> {
    let mut plan = flows::plan(flow);
    let pinned = journal.iter().rev().find_map(|record| match &record.event {
        Event::RunStarted { plan, .. } => Some(plan),
        Event::Migrated { to, .. } => Some(&to.plan),
        _ => None,
    });
    if let Some(hash) = pinned {
        Arc::make_mut(&mut plan).hash.clone_from(hash);
    }
    RunMachine::replay(plan, journal)
}

/// The flow that a run goes by at the end of `journal`: the one beside the history, or the other version, to
/// which it was moved.
fn flow_at_end(name: &str, flow: &str, journal: &[EventRecord]) -> String {
    let is_moved = |record: &EventRecord| matches!(record.event, Event::Migrated { .. });
    if journal.iter().any(is_moved) {
        fs::read_to_string(folder().join(format!("{name}.to.flow.yaml"))).expect("the other version stands beside it")
    } else {
        flow.to_owned()
    }
}

#[test]
fn every_recorded_history_replays_and_reads_back_as_it_was_written() {
    let histories = histories();
    assert!(histories.len() >= 5, "histories are never removed");
    for (name, flow, journal) in histories {
        let last = flow_at_end(&name, &flow, &journal);
        let machine = replay(&last, &journal).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(machine.status(), RunPhase::Ended { .. }), "{name} has ended");
        let text = fs::read_to_string(folder().join(format!("{name}.jsonl"))).expect("it can be read");
        for (line, record) in text.lines().zip(&journal) {
            assert_eq!(
                serde_json::to_string(record).expect("it can be written"),
                line,
                "{name}"
            );
        }
        for end in 1..journal.len() {
            let flow = flow_at_end(&name, &flow, &journal[..end]);
            replay(&flow, &journal[..end]).unwrap_or_else(|error| panic!("{name}, {end} events: {error}"));
        }
    }
}

/// The source files that declare the public types of the journal.
fn declared() -> String {
    let files = ["event.rs", "decision_record.rs"].into_iter();
    let read = |file| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine").join(file));
    files.map(|file| read(file).expect("it can be read")).collect()
}

/// The variants of an enumeration as they are written into journals, each with its fields.
fn variants(source: &str, name: &str) -> Vec<(String, Vec<String>)> {
    let (_, rest) = source
        .split_once(&format!("pub enum {name} {{"))
        .expect("it is declared");
    let (body, _) = rest.split_once("\n}\n").expect("it ends");
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut flat = false;
    for line in body.lines() {
        let word = line.trim().trim_end_matches([',', '{']).trim();
        let indent = line.len() - line.trim_start().len();
        if indent == 4 && word.starts_with(char::is_uppercase) {
            let name = word.split(['(', ' ']).next().unwrap_or(word);
            found.push((snake(name), Vec::new()));
        }
        flat |= word.contains("serde(flatten)");
        let field = word.split_once(": ").map(|(field, _)| field);
        if let (8, Some(field), Some((_, fields))) = (indent, field.filter(|field| is_word(field)), found.last_mut()) {
            if !flat {
                fields.push(field.to_owned());
            }
            flat = false;
        }
    }
    found
}

fn is_word(text: &str) -> bool {
    text.chars()
        .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for char in name.chars() {
        if char.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(char.to_lowercase());
    }
    snake
}

/// The fields of the structures in the file.
fn fields_of_structs(source: &str) -> BTreeSet<String> {
    let fields = source.lines().filter_map(|line| line.strip_prefix("    pub "));
    let names = fields.filter_map(|line| line.split_once(": ").map(|(name, _)| name.to_owned()));
    names.filter(|name| is_word(name)).collect()
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            keys(value, found);
        }),
        Value::Array(elements) => elements.iter().for_each(|element| keys(element, found)),
        _ => {}
    }
}

/// Whatever a journal can say, some recorded history says: every type of event, everything that people do
/// about tasks, every timer and every state of an item, each with every field it can have.
#[test]
fn the_recorded_histories_have_every_type_of_event_with_every_field() {
    let lines: Vec<Value> = histories()
        .into_iter()
        .flat_map(|(_, _, journal)| journal)
        .map(|record| serde_json::to_value(&record).expect("it can be written"))
        .collect();
    let source = declared();
    let mut missing = Vec::new();
    let enums = [("type", "Event"), ("act", "TaskAct"), ("timer", "TimerKind")];
    for (tag, name) in enums {
        let variants = variants(&source, name);
        assert!(variants.len() > 3, "{name} has {variants:?}");
        for (variant, fields) in variants {
            let of_it: Vec<&Value> = lines.iter().filter(|line| line[tag] == variant).collect();
            if of_it.is_empty() {
                missing.push(format!("{tag} {variant}"));
            }
            let never = fields
                .iter()
                .filter(|field| of_it.iter().all(|line| line.get(field).is_none()));
            missing.extend(never.map(|field| format!("{tag} {variant} with {field}")));
        }
    }
    let mut found = BTreeSet::new();
    for line in &lines {
        keys(line, &mut found);
    }
    missing.extend(fields_of_structs(&source).difference(&found).cloned());
    assert!(missing.is_empty(), "no history has {missing:?}");
}

#[test]
fn a_journal_of_a_newer_build_is_refused_by_name() {
    let (_, flow, mut journal) = histories().remove(0);
    journal[1].v = JOURNAL_VERSION + 1;
    let error = replay(&flow, &journal).expect_err("it is newer");
    assert!(matches!(error, ReplayError::Newer { seq: 2, .. }), "{error}");
}

#[test]
fn a_journal_that_does_not_fit_is_refused_at_the_event() {
    let (_, flow, journal) = histories().remove(0);
    assert!(matches!(
        replay(&flow, &[]),
        Err(ReplayError::Impossible { seq: 1, .. })
    ));
    for at in 1..journal.len() {
        let mut gap = journal.clone();
        gap.remove(at);
        if at + 1 < journal.len() {
            let error = replay(&flow, &gap).expect_err("there is a gap");
            assert!(
                matches!(error, ReplayError::Impossible { seq, .. } if seq == at as u64 + 2),
                "{error}"
            );
        }
        let mut twice = journal.clone();
        let mut again = journal[at].clone();
        again.seq = journal.len() as u64 + 1;
        twice.push(again);
        assert!(replay(&flow, &twice).is_err(), "nothing happens after the end");
    }
    let other = flows::plan(&flow.replacen("version: 1.0.0", "version: 1.0.1", 1));
    let error = RunMachine::replay(other, &journal).expect_err("it is pinned to another plan");
    assert!(error.to_string().contains("pinned"), "{error}");
}
