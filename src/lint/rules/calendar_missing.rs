//! Working time where the compiler does not count it: what actions are given, and lengths of time that are data.
//! Deadlines, waits and whatever else is compiled have the finding from there.

use crate::base::source::escape;
use crate::base::{Diagnostic, Period, Value};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::lint::schema::Problem;
use crate::lint::triggers::triggers;
use crate::plan::codes::CALENDAR_MISSING;
use crate::plan::compile::names_calendar;
use crate::spec::{FieldSpec, InputKind};
use indexmap::IndexMap;

/// The rule.
pub const RULE: Rule = Rule {
    code: CALENDAR_MISSING,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    if names_calendar(cx.document, cx.spec) {
        return;
    }
    let mut pointers = Vec::new();
    for trigger in triggers(cx.spec, &cx.shapes) {
        for (name, value) in trigger.map {
            let input = cx.spec.inputs.get(name);
            if input.is_some_and(|input| input.kind == InputKind::Duration) && is_working_time(value) {
                pointers.push(format!("/on/{}/inputs/{}", trigger.key, escape(name)));
            }
        }
    }
    for (name, input) in &cx.spec.settings {
        defaults("/settings", name, (input.kind, input.default.as_ref()), &mut pointers);
    }
    for (name, input) in &cx.spec.values {
        defaults("/values", name, (input.kind, input.default.as_ref()), &mut pointers);
    }
    for step in &cx.steps {
        of_step(cx, step, &mut pointers);
    }
    for (_, problem) in cx.with_problems() {
        if let Problem::WorkingTime { pointer } = problem {
            pointers.push(pointer.clone());
        }
    }
    for pointer in pointers {
        let message = "working time is counted here, and the flow names no calendar";
        report.push(
            Diagnostic::error(CALENDAR_MISSING, message, cx.value(&pointer))
                .with_help("add `calendar: NAME` at the top of the flow, or count in days and hours"),
        );
    }
}

fn of_step(cx: &Context<'_>, step: &StepView<'_>, pointers: &mut Vec<String>) {
    let mut form = |path: &str, form: &IndexMap<String, FieldSpec>| {
        for (name, field) in form {
            let kind = InputKind::from(field.kind);
            defaults(&step.at(path), name, (kind, field.default.as_ref()), pointers);
        }
    };
    if let Some(approve) = &step.spec.approve {
        form("approve/form", &approve.form);
    }
    if let Some(task) = &step.spec.task {
        form("task/form", &task.form);
    }
    for (name, value) in step.spec.set.iter().flatten() {
        let spec = cx.spec.values.get(name);
        if spec.is_some_and(|spec| spec.kind == InputKind::Duration) && is_working_time(value) {
            pointers.push(step.at(&format!("set/{}", escape(name))));
        }
    }
}

/// What stands in for a length of time that nobody gives.
fn defaults(at: &str, name: &str, (kind, default): (InputKind, Option<&Value>), pointers: &mut Vec<String>) {
    if kind == InputKind::Duration && default.is_some_and(is_working_time) {
        pointers.push(format!("{at}/{}/default", escape(name)));
    }
}

/// Whether the value is a length of time that has no length without a calendar.
fn is_working_time(value: &Value) -> bool {
    let period = value.as_str().and_then(|text| Period::parse(text).ok());
    period.is_some_and(|period| period.needs_calendar())
}
