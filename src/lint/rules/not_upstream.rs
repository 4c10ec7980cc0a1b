//! An expression reads from a step that does not come before.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::uses::{Meaning, Name};

const CODE: Code = Code {
    id: "GF207",
    name: "not-upstream",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (one, name) in cx.names().filter(|(_, name)| name.meaning == Meaning::NotUpstream) {
        let (id, Some(own)) = (&name.path[1], cx.owner(one)) else {
            continue;
        };
        let title = cx.title_of(id);
        let (message, help) = if own.spec.id == *id {
            (
                format!("step {title} reads its own result"),
                "read from a step that comes before".to_owned(),
            )
        } else {
            (
                format!("step {title} does not come before step {}", own.title()),
                format!("order them with `after: {id}`, or read from a step that comes before"),
            )
        };
        let mut finding = Diagnostic::error(CODE, message, name.span).with_help(help);
        if let Some(step) = cx.step(id) {
            finding = finding.with_related(cx.value(&step.at("id")), "this step");
        }
        report.push(finding);
    }
    for (_, name) in cx.names() {
        if let Meaning::Inside(each) = &name.meaning {
            report.push(inside(cx, name, each));
        }
    }
}

/// What stands inside an `each` has run once for each element: there is no one result to read.
fn inside(cx: &Context<'_>, name: &Name, each: &str) -> Diagnostic {
    let (id, title) = (&name.path[1], cx.title_of(&name.path[1]));
    let message = format!("step {title} runs inside the `each` of step `{each}`, once for each element");
    let output = name.path.get(2).map_or("NAME", String::as_str);
    let mut finding = Diagnostic::error(CODE, message, name.span).with_help(format!(
        "read `steps.{each}.results`, a list with an entry for each element, and let the `each` give it: `outputs: {{ {output}: \"${{{{ {} }}}}\" }}`",
        name.path.join(".")
    ));
    if let Some(step) = cx.step(id) {
        finding = finding.with_related(cx.value(&step.at("id")), "this step");
    }
    finding
}
