//! Compiled plans, kept within a budget of bytes.
//!
//! A plan that a run in memory or the latest version of a flow goes by is in use and stays: dropping it
//! here would free nothing, and the next run would compile it a second time.

use crate::plan::Plan;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Bytes of the plans that are kept, as estimated from their texts.
pub const MAX_PLAN_BYTES: usize = 128 << 20;

/// How many bytes of memory a plan is taken to need for each byte of its flow's text. An estimate, and not a measurement.
pub const BYTES_A_TEXT_BYTE: usize = 32;

/// Plans by hash.
pub(super) struct Plans {
    inner: Mutex<Inner>,
    most_bytes: usize,
}

#[derive(Default)]
struct Inner {
    plans: HashMap<String, Kept>,
    /// Of all plans.
    bytes: usize,
    /// How often a plan was asked for.
    uses: u64,
}

struct Kept {
    plan: Arc<Plan>,
    bytes: usize,
    used: u64,
}

impl Plans {
    /// Keeps plans of so many bytes.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            inner: Mutex::default(),
            most_bytes,
        }
    }

    /// A plan that is kept.
    pub(super) fn get(&self, hash: &str) -> Option<Arc<Plan>> {
        let mut inner = super::lock(&self.inner);
        inner.uses += 1;
        let used = inner.uses;
        let kept = inner.plans.get_mut(hash)?;
        kept.used = used;
        Some(Arc::clone(&kept.plan))
    }

    /// Keeps a plan that was compiled from so many bytes of text. Gives the one that was kept already, if any.
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

    /// Whether there are too many bytes.
    pub(super) fn are_too_many(&self) -> bool {
        super::lock(&self.inner).bytes > self.most_bytes
    }

    /// Drops plans that nobody uses, the one asked for longest ago first, until they fit.
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

    /// Bytes of the plans that are kept.
    pub(super) fn bytes(&self) -> usize {
        super::lock(&self.inner).bytes
    }
}
