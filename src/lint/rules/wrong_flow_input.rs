//! Inputs of another flow that it does not take: missing, unknown, of another type.

use super::type_mismatch::misgiven;
use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Value};
use crate::expr::Type;
use crate::lint::flows::{Outline, outline_of};
use crate::lint::rule::{Check, Context, Report, Rule, StepView, suggest};
use crate::lint::shapes;
use crate::spec::values::wanted;
use crate::spec::{InputSpec, RunSpec};

const CODE: Code = Code {
    id: "GF611",
    name: "wrong-flow-input",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        if let (Some(run), Some(outline)) = (&step.spec.run, outline_of(cx.flows, step.spec)) {
            missing(cx, step, run, outline, report);
            for (name, value) in &run.with {
                one(cx, step, outline, (name, value), report);
            }
        }
    }
}

fn missing(cx: &Context<'_>, step: &StepView<'_>, run: &RunSpec, outline: &Outline, report: &mut Report) {
    let needed = outline.inputs.iter().filter(|(_, input)| !input.is_optional());
    for (name, _) in needed.filter(|(name, _)| !run.with.contains_key(*name)) {
        let with = step.at("run/with");
        let span = match cx.document.spans.get(&with) {
            Some(_) => cx.key(&with),
            None => cx.value(&step.at("run/flow")),
        };
        let message = format!("flow `{}` needs input `{name}`", run.flow);
        let help = format!("add `{name}: …` under `with`: it has no `default` there");
        report.push(Diagnostic::error(CODE, message, span).with_help(help));
    }
}

fn one(cx: &Context<'_>, step: &StepView<'_>, outline: &Outline, (name, value): (&str, &Value), report: &mut Report) {
    let pointer = step.at(&format!("run/with/{}", escape(name)));
    let Some(input) = outline.inputs.get(name) else {
        let message = format!("flow `{}` has no input `{name}`", outline.flow);
        let finding = Diagnostic::error(CODE, message, cx.key(&pointer));
        let names: Vec<&str> = outline.inputs.keys().map(String::as_str).collect();
        return report.push(suggest(finding, name, names, "its inputs are"));
    };
    if let Some(wrong) = mistyped(cx, &pointer, input, value) {
        let message = format!("input `{name}` of flow `{}` {wrong}", outline.flow);
        report.push(Diagnostic::error(CODE, message, cx.value(&pointer)));
    }
}

/// What is wrong with the value for the input.
fn mistyped(cx: &Context<'_>, pointer: &str, input: &InputSpec, value: &Value) -> Option<String> {
    let used = cx.uses.iter().find(|one| cx.places[one.place].pointer == pointer);
    let Some(used) = used else {
        return misgiven(input, value);
    };
    let text = Type::Text;
    let ty = if used.whole { &used.ty } else { &text };
    let fits = shapes::may_be_given(input.kind, ty);
    (!fits).then(|| format!("must be {}, and this is {}", wanted(input.kind), ty.words()))
}
