//! How often what came of many simulations of the same flow.

use super::Simulated;
use crate::base::Value;
use jiff::SignedDuration;
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// Most simulations at once.
pub const MAX_REPEATS: u32 = 10_000;

/// What came of many simulations.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many there were.
    pub count: usize,
    /// How often each end came.
    pub ends: BTreeMap<String, usize>,
    /// How often each step came to each outcome.
    pub outcomes: BTreeMap<String, BTreeMap<String, usize>>,
    /// The shortest of those that ended, and the longest.
    pub lengths: Option<(SignedDuration, SignedDuration)>,
}

impl Summary {
    /// Takes one more into account.
    pub fn add(&mut self, one: &Simulated) {
        self.count += 1;
        *self.ends.entry(one.end.word().to_owned()).or_default() += 1;
        for (step, outcome) in &one.outcomes {
            let of_step = self.outcomes.entry(step.clone()).or_default();
            *of_step.entry(outcome.clone()).or_default() += 1;
        }
        if let super::End::Ended(_) = one.end {
            let (shortest, longest) = self.lengths.unwrap_or((one.passed, one.passed));
            self.lengths = Some((shortest.min(one.passed), longest.max(one.passed)));
        }
    }

    /// All of it as data; lengths in seconds.
    pub fn to_json(&self) -> Value {
        let lengths = self
            .lengths
            .map(|(shortest, longest)| (shortest.as_secs(), longest.as_secs()));
        let mut data = Map::new();
        data.insert("version".to_owned(), json!(1));
        data.insert("count".to_owned(), json!(self.count));
        data.insert("ends".to_owned(), json!(self.ends));
        data.insert("outcomes".to_owned(), json!(self.outcomes));
        data.insert("shortest".to_owned(), json!(lengths.map(|(shortest, _)| shortest)));
        data.insert("longest".to_owned(), json!(lengths.map(|(_, longest)| longest)));
        Value::Object(data)
    }
}

/// `a 61, b 22`: the most frequent first.
pub fn counted(counts: &BTreeMap<String, usize>) -> String {
    let mut counts: Vec<(&String, &usize)> = counts.iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let counted: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    counted.join(", ")
}
