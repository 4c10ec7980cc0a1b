//! What changes while a run goes on.

use super::{Applier, Impossible};
use crate::base::Value;
use crate::plan::Plan;
use serde_json::Map;

/// The values that a run begins with.
pub(super) fn first(plan: &Plan) -> Map<String, Value> {
    let given = plan.values.iter();
    given
        .filter_map(|(name, spec)| Some((name.clone(), spec.default.clone()?)))
        .collect()
}

impl Applier<'_> {
    pub(super) fn values_set(&mut self, values: &Map<String, Value>) -> Result<(), Impossible> {
        for (name, value) in values {
            if !self.plan.values.contains_key(name) {
                return Err(format!("the flow has no value {name}"));
            }
            self.state.values.insert(name.clone(), value.clone());
        }
        Ok(())
    }
}
