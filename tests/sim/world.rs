//! The world outside, as far as calls reach it: an append-only ledger of what happened.

use gatefold::base::id::EventId;
use gatefold::plan::run::{CANCEL_ACTION, START_ACTION};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub key: String,
    pub action: String,
    pub input: Value,
}

/// Everything outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub ledger: Vec<Effect>,
    /// Shares, grants and runs of other flows that are alive.
    pub alive: BTreeSet<String>,
    /// How runs of other flows ended.
    pub ended: BTreeMap<String, String>,
    outputs: BTreeMap<String, Value>,
}

impl World {
    /// Whether anything happened under the key.
    pub fn has(&self, key: &str) -> bool {
        self.outputs.contains_key(key)
    }

    /// Does it. An idempotent action gives the same answer to the same key and does nothing more.
    pub fn call(&mut self, key: &str, action: &str, input: &Value, idempotent: bool) -> Value {
        if let Some(before) = self.outputs.get(key)
            && idempotent
        {
            let first = self
                .ledger
                .iter()
                .find(|effect| effect.key == key)
                .expect("it is in the ledger");
            assert_eq!(
                (&first.input, first.action.as_str()),
                (input, action),
                "{key} came with another input"
            );
            return before.clone();
        }
        let output = output(action, key);
        self.ledger.push(Effect {
            key: key.to_owned(),
            action: action.to_owned(),
            input: input.clone(),
        });
        match action {
            "t.share" => self.alive.insert(text(&output, "share")),
            "file360.request_files" => self.alive.insert(text(&output, "request")),
            "file360.revoke_share" => self.alive.remove(&text(input, "share")),
            "t.grant" => self.alive.insert(text(&output, "grant")),
            "t.unshare" => self.alive.remove(&text(input, "share")),
            START_ACTION => self.alive.insert(text(&output, "run")),
            CANCEL_ACTION => self.end(&text(input, "run"), "cancelled"),
            "t.ungrant" => self.alive.remove(&text(input, "grant")),
            _ => false,
        };
        self.outputs.insert(key.to_owned(), output.clone());
        output
    }

    /// That happened under `key`, though not by the hands of this world.
    pub fn take_down(&mut self, key: &str, action: &str) {
        self.outputs.insert(key.to_owned(), output(action, key));
    }

    /// The run of another flow comes to its end. False where it had before.
    pub fn end(&mut self, run: &str, outcome: &str) -> bool {
        let is_first = self.alive.remove(run);
        if is_first {
            self.ended.insert(run.to_owned(), outcome.to_owned());
        }
        is_first
    }
}

/// What an action gives: it follows from the key.
pub fn output(action: &str, key: &str) -> Value {
    if action == super::pool::EMIT {
        return json!({ "event": EventId::derived(key) });
    }
    json!({
        "n": key.len(),
        "share": gatefold::base::id::derive("shr", key),
        "run": gatefold::base::id::derive("run", key),
        "version": "1.0.0",
        "grant": gatefold::base::id::derive("grt", key),
        "request": gatefold::base::id::derive("shr", key),
    })
}

/// What an action that only computes gives: it follows from the input.
pub fn computed(input: &Value) -> Value {
    output("t.pure", &input.to_string())
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
