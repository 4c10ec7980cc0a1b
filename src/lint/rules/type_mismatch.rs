//! Types do not fit: text where a number is wanted, a condition that is neither true nor false.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Semantics, Span, Value};
use crate::expr::check::ExprFindingKind;
use crate::expr::{Part, Template, Type};
use crate::lint::places::{Form, Purpose};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::lint::rules::bad_input::misfit;
use crate::lint::rules::expression_as_text::is_slip;
use crate::lint::rules::unknown_name::given_settings;
use crate::lint::shapes::{self, Lookup, field_of};
use crate::lint::triggers::{Trigger, triggers};
use crate::lint::uses::Use;
use crate::plan::Priority;
use crate::spec::values::{check_value, wanted};
use crate::spec::{InputKind, InputSpec};

pub(in crate::lint) const CODE: Code = Code {
    id: "GF206",
    name: "type-mismatch",
};

const NAME_A_FILE: &str = "name a file, as `${{ inputs.document }}` of an input with `type: file`";

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        no_list(cx, step, report);
        set(cx, step, report);
    }
    no_files(cx, report);
    for one in &cx.uses {
        let mismatches = one.wrong.iter().filter(|wrong| wrong.kind == ExprFindingKind::Mismatch);
        let before = report.total();
        for wrong in mismatches {
            report.push(Diagnostic::error(CODE, wrong.message.clone(), wrong.span));
        }
        let mut types = one
            .members
            .iter()
            .filter(|ty| **ty != Type::Null)
            .chain(one.members.is_empty().then_some(&one.ty));
        while report.total() == before
            && let Some(ty) = types.next()
        {
            place(cx, one, ty, report);
        }
    }
    for trigger in triggers(cx.spec, &cx.shapes) {
        given(cx, &trigger, report);
    }
}

/// A text with anything but one `${{ }}` in it is a text, and no list.
fn no_list(cx: &Context<'_>, step: &StepView<'_>, report: &mut Report) {
    let text = step.spec.each.as_ref().and_then(|each| each.list.as_str());
    let is_alone = |template: &Template| matches!(template.parts.as_slice(), [Part::Expression(..) | Part::Secret(..)]);
    if text.is_some_and(|text| !is_slip(text) && Template::parse(text).is_ok_and(|template| !is_alone(&template))) {
        let message = "`in` must be a list, and this is a text";
        report.push(
            Diagnostic::error(CODE, message, cx.value(&step.at("each/in")))
                .with_help("write one `${{ }}` that gives a list, or the elements themselves: `[legal, finance]`"),
        );
    }
}

/// Documents to decide on that are named by a text, and so by nothing.
fn no_files(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let of_approval = step.spec.approve.as_ref().map(|approve| approve.document.as_str());
        let of_task = step.spec.task.as_ref().and_then(|task| task.document.as_deref());
        for (path, text) in [("approve/document", of_approval), ("task/document", of_task)] {
            if text.is_some_and(|text| !text.contains("${{") && !is_slip(text)) {
                let message = "people decide on a file, and this is a text";
                report.push(Diagnostic::error(CODE, message, cx.value(&step.at(path))).with_help(NAME_A_FILE));
            }
        }
    }
}

/// Whether the value fits the place it is for.
fn place(cx: &Context<'_>, one: &Use, ty: &Type, report: &mut Report) {
    let place = &cx.places[one.place];
    let found = ty.words();
    let span = || cx.locator.place(&place.pointer, one.part);
    // Text around an expression makes it text.
    let text = Type::Text;
    let ty = if one.whole { ty } else { &text };
    if let Purpose::Input(name) = place.purpose
        && let Some(input) = cx.spec.inputs.get(name)
        && !shapes::may_be_given(input.kind, ty)
    {
        let message = format!(
            "input `{name}` must be {}, and this is {}",
            wanted(input.kind),
            ty.words()
        );
        report.push(Diagnostic::error(CODE, message, span()));
    }
    if let Purpose::Value(name) = place.purpose
        && let Some(value) = cx.spec.values.get(name)
        && !shapes::may_be_given(value.kind, ty)
    {
        let message = format!(
            "value `{name}` must be {}, and this is {}",
            wanted(value.kind),
            ty.words()
        );
        report.push(Diagnostic::error(CODE, message, span()));
    }
    if !one.whole {
        return;
    }
    match (place.form, place.purpose) {
        (Form::Condition(key), _) if !matches!(ty, Type::Boolean | Type::Any) => {
            let message = format!("`{key}` must be true or false, and this is {found}");
            report.push(
                Diagnostic::error(CODE, message, span())
                    .with_help("compare it with something, as `inputs.amount > 1000` or `inputs.note != \'\'`"),
            );
        }
        (Form::Template, Purpose::Document) if !shapes::may_be_file(ty) => {
            let message = format!("people decide on a file, and this is {found}");
            report.push(Diagnostic::error(CODE, message, span()).with_help(NAME_A_FILE));
        }
        (Form::Template, Purpose::List) if !matches!(ty, Type::List(_) | Type::Any) => {
            let message = format!("`in` must be a list, and this is {found}");
            report.push(
                Diagnostic::error(CODE, message, span())
                    .with_help("name a list, as `${{ inputs.departments }}` of an input with `type: list`"),
            );
        }
        (Form::Template, Purpose::Time(_) | Purpose::Priority) if !matches!(ty, Type::Text | Type::Any) => {
            report.push(no_text(place.purpose, found, span()));
        }
        (Form::Template, Purpose::Text) if matches!(ty, Type::Object { .. } | Type::List(_)) => {
            let finding = Diagnostic::error(CODE, format!("this must be a text, and is {found}"), span());
            let has_id = matches!(ty, Type::Object { fields, .. } if fields.contains_key("id"));
            report.push(if has_id {
                finding.with_help("name it by its id: end the expression with `.id`")
            } else {
                finding
            });
        }
        _ => {}
    }
}

/// What is said of a moment or a priority that is no text.
fn no_text(purpose: Purpose<'_>, found: &str, span: Span) -> Diagnostic {
    match purpose {
        Purpose::Time(key) => {
            let message = format!("`{key}` must be a length of time, a timestamp or a day, and this is {found}");
            Diagnostic::error(CODE, message, span).with_help(
                "name an input with `type: duration` or `type: date`, or write the unit: `${{ inputs.days }} days`",
            )
        }
        _ => {
            let message = format!("`priority` must be {}, and this is {found}", Priority::WORDS);
            Diagnostic::error(CODE, message, span)
        }
    }
}

/// What is wrong with a value that is given to a flow, by a trigger or by a step that runs it. A text may
/// stand for the id of a file, and for a number or `true` that it reads as.
pub(super) fn misgiven(input: &InputSpec, value: &Value) -> Option<String> {
    let is_open = match input.kind {
        InputKind::File => value.is_string(),
        InputKind::Number | InputKind::Integer | InputKind::Boolean if value.is_string() => {
            has_expression(value) || check_value(input, value, Semantics::CURRENT).is_ok()
        }
        _ => has_expression(value),
    };
    if is_open { None } else { misfit(input, value) }
}

fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${{"),
        Value::Array(items) => items.iter().any(has_expression),
        Value::Object(fields) => fields.values().any(has_expression),
        _ => false,
    }
}

/// What a step gives a value of the run, or a setting of the flow, as it stands.
fn set(cx: &Context<'_>, step: &StepView<'_>, report: &mut Report) {
    for (name, value) in step.spec.set.iter().flatten() {
        let known = cx.spec.values.get(name).filter(|_| !has_expression(value));
        if let Some(Err(why)) = known.map(|known| check_value(known, value, Semantics::CURRENT)) {
            let message = format!("value `{name}` {why}");
            let span = cx.value(&step.at(&format!("set/{}", escape(name))));
            report.push(Diagnostic::error(CODE, message, span));
        }
    }
    for (name, value) in given_settings(step) {
        let known = cx.spec.settings.get(name).filter(|_| !has_expression(value));
        if let Some(Err(why)) = known.map(|known| check_value(known, value, Semantics::CURRENT)) {
            let message = format!("setting `{name}` {why}");
            let span = cx.value(&step.at(&format!("with/settings/{}", escape(name))));
            report.push(Diagnostic::error(CODE, message, span));
        }
    }
}

/// What a trigger gives as it stands, or by its name alone.
fn given(cx: &Context<'_>, trigger: &Trigger<'_>, report: &mut Report) {
    for (name, input) in &cx.spec.inputs {
        if let Some(why) = trigger.map.get(name).and_then(|value| misgiven(input, value)) {
            let message = format!("input `{name}` {why}");
            let span = cx.value(&format!("/on/{}/inputs/{}", trigger.key, escape(name)));
            report.push(Diagnostic::error(CODE, message, span));
        }
        if trigger.map.is_empty()
            && let Lookup::Known(field) = field_of(&trigger.fields, name)
            && !shapes::may_be_given(input.kind, &field.ty)
        {
            let (must_be, found) = (wanted(input.kind), field.ty.words());
            let message = format!("input `{name}` must be {must_be}, and what comes as `{name}` is {found}");
            report.push(
                Diagnostic::error(CODE, message, cx.key(&format!("/on/{}", trigger.key)))
                    .with_help("say under `inputs` of the trigger what each input is, or give the input another name"),
            );
        }
    }
}
