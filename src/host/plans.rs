//! A cache of compiled plans with a memory budget.
//!
//! A plan that is used by a run in memory, or by the latest version of a flow, is never evicted:
//! that would free nothing, and the next run would compile it again.

use crate::plan::Plan;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Memory budget in bytes, estimated from the lengths of the flows' texts.
pub const MAX_PLAN_BYTES: usize = 128 << 20;

/// How many bytes of memory a plan is taken to need for each byte of its flow's text. The 157 flows of this package need
/// 5 to 17, and 9 in the middle, which `tests/memory` measures; the rest is for what an allocator adds.
pub const BYTES_A_TEXT_BYTE: usize = 24;

/// Plans by hash.
pub(super) struct Plans {
    inner: Mutex<Inner>,
    most_bytes: usize,
}

#[derive(Default)]
struct Inner {
    plans: HashMap<String, Kept>,
    /// Estimated bytes of all plans.
    bytes: usize,
    /// Number of lookups so far; orders plans by last use.
    uses: u64,
}

struct Kept {
    plan: Arc<Plan>,
    bytes: usize,
    used: u64,
}

impl Plans {
    /// Creates a cache with a budget of `most_bytes` bytes.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            inner: Mutex::default(),
            most_bytes,
        }
    }

    /// Looks up a plan.
    pub(super) fn get(&self, hash: &str) -> Option<Arc<Plan>> {
        let mut inner = super::lock(&self.inner);
        inner.uses += 1;
        let used = inner.uses;
        let kept = inner.plans.get_mut(hash)?;
        kept.used = used;
        Some(Arc::clone(&kept.plan))
    }

    /// Adds a plan that was compiled from a text of `text_bytes` bytes. Returns the cached plan if
    /// there already is one.
    pub(super) fn put(&self, plan: Plan, text_bytes: usize) -> Arc<Plan> {
        let mut inner = super::lock(&self.inner);
        inner.uses += 1;
        let (used, hash) = (inner.uses, plan.hash.clone());
        let bytes = text_bytes.saturating_mul(BYTES_A_TEXT_BYTE);
        if !inner.plans.contains_key(&hash) {
            inner.bytes += bytes;
            let plan = Arc::new(plan);
            inner.plans.insert(hash.clone(), Kept { plan, bytes, used });
        }
        Arc::clone(&inner.plans[&hash].plan)
    }

    /// Whether the cache exceeds its budget.
    pub(super) fn are_too_many(&self) -> bool {
        super::lock(&self.inner).bytes > self.most_bytes
    }

    /// Evicts unused plans, the least recently used first, until the budget is met.
    pub(super) fn make_room(&self) {
        let mut inner = super::lock(&self.inner);
        let mut unused: Vec<(u64, String)> = inner
            .plans
            .iter()
            .filter(|(_, kept)| Arc::strong_count(&kept.plan) == 1)
            .map(|(hash, kept)| (kept.used, hash.clone()))
            .collect();
        unused.sort_unstable();
        for (_, hash) in unused {
            if inner.bytes <= self.most_bytes {
                return;
            }
            if let Some(kept) = inner.plans.remove(&hash) {
                inner.bytes -= kept.bytes;
            }
        }
    }

    /// Estimated bytes of the cached plans.
    pub(super) fn bytes(&self) -> usize {
        super::lock(&self.inner).bytes
    }
}
