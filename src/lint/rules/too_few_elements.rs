//! An `each` that wants more elements to complete than its list has.

use crate::base::{Code, Diagnostic, Value};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::spec::JoinSpec;

const CODE: Code = Code {
    id: "GF310",
    name: "too-few-elements",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(each) = &step.spec.each else { continue };
        let (Some(Value::Array(items)), Some(join)) = (Some(&each.list), each.join) else {
            continue;
        };
        let needed = match join {
            JoinSpec::Any => 1,
            JoinSpec::Count(count) => count as usize,
            JoinSpec::All | JoinSpec::Settled => 0,
        };
        let grows = cx
            .steps
            .iter()
            .any(|other| other.spec.add.as_ref().is_some_and(|add| add.to == step.spec.id));
        if items.len() < needed && !grows {
            let message = format!(
                "`each` of step {} wants {needed} of its elements to complete, and the list has {}",
                step.title(),
                items.len()
            );
            report.push(
                Diagnostic::error(CODE, message, cx.value(&step.at("each/join")))
                    .with_related(cx.value(&step.at("each/in")), "the list")
                    .with_help("ask for fewer, or add elements"),
            );
        }
    }
}
