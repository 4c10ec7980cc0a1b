//! What the runs of a flow share: read at the start of each, changed by administrators and by flows themselves.

use super::inputs::Problem;
use super::{Host, HostError};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::Value;
use crate::base::diagnostic::nearest;
use crate::plan::Plan;
use crate::spec::values::check_for;
use crate::store::Write;
use crate::store::settings::{Setting, change, setting};
use serde_json::Map;
use std::sync::Arc;

/// A setting as people see it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SettingView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The value that runs get which start now; nothing where it has neither been given nor a default.
    pub value: Option<Value>,
    /// Who gave it, and when; nothing where it is the default.
    pub given: Option<Setting>,
}

impl Host {
    /// The settings of the version of a flow that new runs take.
    pub async fn settings_of(&self, flow: &str) -> Result<Vec<SettingView>, HostError> {
        let plan = self.latest_plan(flow).await?;
        let mut views = Vec::with_capacity(plan.settings.len());
        for (name, spec) in &plan.settings {
            let given = setting(&*self.parts().store, flow, name).await?;
            views.push(SettingView {
                name: name.clone(),
                title: spec.title.clone().unwrap_or_else(|| name.clone()),
                value: given.as_ref().map(|given| given.value.clone()).or(spec.default.clone()),
                given,
            });
        }
        Ok(views)
    }

    /// Gives settings of a flow; runs that start from now on have them. All of them, or none where one does not fit.
    pub async fn set_settings(
        self: &Arc<Self>,
        flow: &str,
        values: &Map<String, Value>,
        by: &str,
        origin: Origin,
    ) -> Result<(), HostError> {
        let plan = self.latest_plan(flow).await?;
        let (mut problems, mut writes) = (Vec::new(), Vec::new());
        for (name, value) in values {
            match plan
                .settings
                .get(name)
                .map(|spec| check_for(spec, value, plan.calendar.is_some(), plan.semantics))
            {
                Some(Ok(value)) => writes.extend(self.change_of(flow, name, value, by).await?),
                Some(Err(why)) => problems.push((name.clone(), why)),
                None => problems.push((name.clone(), unknown(name, &plan))),
            }
        }
        if !problems.is_empty() {
            return Err(HostError::BadSettings { problems });
        }
        if writes.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        let origin = origin.about(format!("{flow}: {}", names.join(", ")));
        writes.push(Write::Access(AccessEntry::of(
            AccessKind::Configure,
            by,
            origin,
            self.now(),
        )));
        self.record(writes).await
    }

    async fn change_of(&self, flow: &str, name: &str, value: Value, by: &str) -> Result<Vec<Write>, HostError> {
        let before = setting(&*self.parts().store, flow, name).await?;
        if before.is_some_and(|before| before.value == value) {
            return Ok(Vec::new());
        }
        let given = Setting {
            value,
            by: by.to_owned(),
            at: self.now(),
        };
        let key = self.new_id();
        Ok(change(flow, name, &given, &key))
    }

    /// What a run gets that starts now.
    pub(super) async fn settings_for(&self, plan: &Plan) -> Result<Map<String, Value>, HostError> {
        let mut settings = Map::new();
        let mut problems: Vec<Problem> = Vec::new();
        for (name, spec) in &plan.settings {
            let given = setting(&*self.parts().store, &plan.flow, name).await?;
            let value = given.map(|given| given.value).or_else(|| spec.default.clone());
            match value.map(|value| check_for(spec, &value, plan.calendar.is_some(), plan.semantics)) {
                Some(Ok(value)) => {
                    settings.insert(name.clone(), value);
                }
                Some(Err(why)) => problems.push((name.clone(), why)),
                None => {
                    let why = format!(
                        "has not been given; an administrator does so: gatefold flows set {} {name}=…",
                        plan.flow
                    );
                    problems.push((name.clone(), why));
                }
            }
        }
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(HostError::BadSettings { problems })
        }
    }
}

fn unknown(name: &str, plan: &Plan) -> String {
    let names = || plan.settings.keys().map(String::as_str);
    match nearest(name, names()) {
        Some(near) => format!("is not a setting of this flow; did you mean {near}?"),
        None if plan.settings.is_empty() => "is not a setting of this flow, which has none".to_owned(),
        None => {
            let all: Vec<&str> = names().collect();
            format!("is not a setting of this flow; there are {}", all.join(", "))
        }
    }
}
