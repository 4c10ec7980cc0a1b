//! How an `each` stands, and when enough of its elements are over.

use super::frame::FrameId;
use super::limits::payload_bytes;
use crate::base::Value;
use crate::expr::Rows;
use crate::plan::StepId;
use crate::spec::JoinSpec;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The status of an element that did everything there was to do.
pub(super) const COMPLETED: &str = "completed";
/// The status of an element that was cancelled.
pub(super) const CANCELLED: &str = "cancelled";
/// The status of an element that goes on when its `each` has passed.
pub(super) const RUNNING: &str = "running";
/// The status of an element whose outputs no longer fit.
pub(super) const TOO_LARGE: &str = "too_large";

/// An `each` under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Each {
    pub(super) items: Vec<Value>,
    /// How many of these the list gave; the others were added.
    pub(super) listed: usize,
    /// Bytes that they take.
    pub(super) item_bytes: usize,
    /// The first element that has not begun.
    pub(super) next: u32,
    /// Elements under way, by index.
    pub(super) running: BTreeMap<u32, FrameId>,
    /// What is known of the elements that are over, by index.
    pub(super) ended: BTreeMap<u32, Arc<Value>>,
    /// Those of these that completed, in the order of the list: what `until` looks at, whenever one more has.
    pub(super) completed: Rows,
    /// Bytes that their outputs take.
    pub(super) bytes: usize,
    /// The outcome with which the run went on while elements still do.
    pub(super) passed: Option<String>,
    /// Where it is in order: by step, the element that the step takes now.
    pub(super) turns: Option<BTreeMap<StepId, u32>>,
}

/// What the elements that are over make of an `each`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Open,
    Done,
    Failed,
}

/// `open` says that elements may still be added.
fn verdict(join: JoinSpec, open: bool, (total, completed, ended): (u32, u32, u32)) -> Verdict {
    let needed = match join {
        JoinSpec::Settled if open || ended < total => return Verdict::Open,
        JoinSpec::All if open && completed == ended => return Verdict::Open,
        JoinSpec::Settled => total.min(1),
        JoinSpec::All => total,
        JoinSpec::Any => 1,
        JoinSpec::Count(count) => count.max(1),
    };
    if completed >= needed {
        Verdict::Done
    } else if (join == JoinSpec::All || !open) && completed + (total - ended) < needed {
        Verdict::Failed
    } else {
        Verdict::Open
    }
}

/// What is known of one element.
fn result(index: u32, item: &Value, status: &str, output: Option<&Map<String, Value>>) -> Value {
    let mut fields = Map::new();
    fields.insert("index".to_owned(), json!(index));
    fields.insert("item".to_owned(), item.clone());
    fields.insert("status".to_owned(), json!(status));
    for (name, value) in output.into_iter().flatten() {
        fields.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(fields)
}

impl Each {
    /// `added` of an earlier try stand behind those of the list.
    pub(super) fn new(items: Vec<Value>, added: &[Value], in_order: bool) -> Self {
        let added = if items.ends_with(added) { added.len() } else { 0 };
        Self {
            listed: items.len() - added,
            item_bytes: items.iter().map(payload_bytes).sum(),
            items,
            next: 0,
            running: BTreeMap::new(),
            ended: BTreeMap::new(),
            completed: Rows::default(),
            bytes: 0,
            passed: None,
            turns: in_order.then(BTreeMap::new),
        }
    }

    /// One more element.
    pub(super) fn add(&mut self, item: Value) {
        self.item_bytes += payload_bytes(&item);
        self.items.push(item);
    }

    /// An element is over. What it gave is taken down once, so that looking at all results costs no more
    /// with every one of them.
    pub(super) fn end(&mut self, index: u32, status: &str, output: &Value) {
        let item = self.items.get(index as usize).unwrap_or(&Value::Null);
        let ended = Arc::new(result(index, item, status, output.as_object()));
        self.running.remove(&index);
        self.bytes += payload_bytes(output);
        if status == COMPLETED {
            let before = self
                .completed
                .partition_point(|one| one["index"].as_u64() < Some(u64::from(index)));
            Arc::make_mut(&mut self.completed).insert(before, Arc::clone(&ended));
        }
        self.ended.insert(index, ended);
    }

    /// What was added to the list.
    pub(super) fn added(&self) -> &[Value] {
        &self.items[self.listed..]
    }

    /// How many elements there are.
    pub(super) fn total(&self) -> u32 {
        u32::try_from(self.items.len()).expect("there is a limit to elements")
    }

    /// What is to come of it; `open` says that elements may still be added.
    pub(super) fn verdict(&self, join: JoinSpec, open: bool) -> Verdict {
        let count = |elements: usize| u32::try_from(elements).expect("there is a limit to elements");
        verdict(
            join,
            open,
            (self.total(), count(self.completed.len()), count(self.ended.len())),
        )
    }

    /// What is known of every element, in the order of the list.
    /// Of one that is under way it says `under_way`: `running`, or `cancelled`.
    pub(super) fn results(&self, under_way: &str) -> Value {
        let elements = (0..).zip(&self.items);
        let result = |(index, item): (u32, &Value)| match self.ended.get(&index) {
            Some(ended) => ended.as_ref().clone(),
            None if self.running.contains_key(&index) => result(index, item, under_way, None),
            None => result(index, item, "not_started", None),
        };
        Value::Array(elements.map(result).collect())
    }

    /// Whether every element is over.
    pub(super) fn is_over(&self) -> bool {
        self.ended.len() == self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_is_done_failed_or_open() {
        use Verdict::{Done, Failed, Open};
        let cases = [
            (JoinSpec::All, 0, 0, 0, Done),
            (JoinSpec::All, 3, 2, 2, Open),
            (JoinSpec::All, 3, 3, 3, Done),
            (JoinSpec::All, 3, 1, 2, Failed),
            (JoinSpec::Any, 0, 0, 0, Failed),
            (JoinSpec::Any, 3, 0, 2, Open),
            (JoinSpec::Any, 3, 1, 1, Done),
            (JoinSpec::Any, 3, 0, 3, Failed),
            (JoinSpec::Count(2), 3, 1, 1, Open),
            (JoinSpec::Count(2), 3, 2, 2, Done),
            (JoinSpec::Count(2), 3, 0, 2, Failed),
            (JoinSpec::Count(4), 3, 0, 0, Failed),
            (JoinSpec::Settled, 0, 0, 0, Done),
            (JoinSpec::Settled, 3, 2, 2, Open),
            (JoinSpec::Settled, 3, 1, 3, Done),
            (JoinSpec::Settled, 3, 0, 3, Failed),
        ];
        for (join, total, completed, ended, expected) in cases {
            assert_eq!(
                verdict(join, false, (total, completed, ended)),
                expected,
                "{join:?} {total} {completed} {ended}"
            );
        }
    }

    #[test]
    fn while_elements_may_be_added_nothing_is_decided_that_they_could_change() {
        use Verdict::{Done, Failed, Open};
        let cases = [
            (JoinSpec::All, 0, 0, 0, Open),
            (JoinSpec::All, 3, 3, 3, Open),
            (JoinSpec::All, 3, 1, 2, Failed),
            (JoinSpec::Any, 3, 0, 3, Open),
            (JoinSpec::Any, 3, 1, 1, Done),
            (JoinSpec::Count(2), 1, 0, 1, Open),
            (JoinSpec::Count(2), 2, 2, 2, Done),
            (JoinSpec::Settled, 0, 0, 0, Open),
            (JoinSpec::Settled, 2, 2, 2, Open),
        ];
        for (join, total, completed, ended, expected) in cases {
            assert_eq!(
                verdict(join, true, (total, completed, ended)),
                expected,
                "{join:?} {total} {completed} {ended}"
            );
        }
    }

    #[test]
    fn results_stand_in_the_order_of_the_list() {
        let mut each = Each::new(vec![json!("a"), json!("b"), json!("c")], &[], false);
        each.end(1, COMPLETED, &json!({ "share": "shr_1", "index": 9 }));
        each.running.insert(0, FrameId::FLOW);
        assert_eq!(
            each.results(CANCELLED),
            json!([
                { "index": 0, "item": "a", "status": "cancelled" },
                { "index": 1, "item": "b", "status": "completed", "share": "shr_1" },
                { "index": 2, "item": "c", "status": "not_started" },
            ])
        );
    }
}
