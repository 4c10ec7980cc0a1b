//! What a run was given, held against what another version wants.

use super::Check;
use crate::base::Value;
use crate::engine::event::Event;
use crate::plan::Plan;
use crate::spec::InputSpec;
use crate::spec::values::check_value;
use serde_json::Map;
use std::collections::BTreeSet;

impl Check<'_> {
    /// Inputs, settings and values: what is there has to fit, what is not has to have a default.
    pub(super) fn data(&mut self) {
        let to = self.to;
        let state = &self.old.state;
        for (name, spec) in &to.inputs {
            let given = state.inputs.get(name).filter(|value| !value.is_null());
            let why = match given {
                Some(given) => unfit(spec, given, self.to),
                None if spec.default.is_none() => Some(format!(
                    "{} wants it, the run was not given it, and it has no default",
                    self.version()
                )),
                None => None,
            };
            self.extend(format!("input {name}"), why);
        }
        for (name, spec) in &to.settings {
            let why = match state.settings.get(name).or_else(|| self.settings.get(name)) {
                Some(value) => unfit(spec, value, self.to),
                None => Some(format!(
                    "{} wants it, and it has not been given: gatefold flows set {} {name}=…",
                    self.version(),
                    to.flow
                )),
            };
            self.extend(format!("setting {name}"), why);
        }
        for name in self.set_values() {
            if !to.values.contains_key(&name) {
                let why = format!("the run was given it, and {} has no such value", self.version());
                self.obstacle(format!("value {name}"), why);
            }
        }
        for (name, spec) in &to.values {
            let why = state.values.get(name);
            let why = why.and_then(|value| unfit(spec, value, self.to));
            self.extend(format!("value {name}"), why);
        }
    }

    fn extend(&mut self, place: String, why: Option<String>) {
        if let Some(why) = why {
            self.obstacle(place, why);
        }
    }

    /// The values that a step or the outside has given.
    fn set_values(&self) -> BTreeSet<String> {
        let set = self.journal.iter().filter_map(|record| match &record.event {
            Event::ValuesSet { values, .. } => Some(values.keys().cloned()),
            _ => None,
        });
        set.flatten().collect()
    }

    /// Inputs that the run did not have, with their defaults.
    pub(super) fn new_inputs(&self) -> Map<String, Value> {
        let missing = self.to.inputs.iter().filter(|(name, _)| {
            let given = self.old.state.inputs.get(*name);
            given.is_none_or(Value::is_null)
        });
        missing
            .filter_map(|(name, spec)| Some((name.clone(), spec.default.clone()?)))
            .collect()
    }

    /// Settings that the run did not have, as they are now.
    pub(super) fn new_settings(&self) -> Map<String, Value> {
        let missing = self.to.settings.keys();
        let missing = missing.filter(|name| !self.old.state.settings.contains_key(*name));
        missing
            .filter_map(|name| Some((name.clone(), self.settings.get(name)?.clone())))
            .collect()
    }

    /// Values that the run began with and that the other version begins with otherwise: they stay.
    pub(super) fn kept_values(&self) -> Map<String, Value> {
        let values = self.to.values.iter().filter_map(|(name, spec)| {
            let before = self.old.plan.values.get(name)?.default.as_ref();
            let now = self.old.state.values.get(name)?;
            (before == Some(now) && spec.default.as_ref() != Some(now)).then(|| (name.clone(), now.clone()))
        });
        values.collect()
    }
}

/// What is wrong with a value where it has to be as it is.
fn unfit(spec: &InputSpec, value: &Value, plan: &Plan) -> Option<String> {
    let version = &plan.version;
    let why = match check_value(spec, value, plan.semantics) {
        Err(why) => why,
        Ok(fits) if fits == *value => return None,
        Ok(_) => "must be of another type".to_owned(),
    };
    Some(format!("what the run has does not fit {version}: it {why}"))
}
