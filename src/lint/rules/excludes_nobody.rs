//! GF508: finds an `exclude` that can exclude nobody, because only a webhook or a schedule starts
//! the flow, or because the run itself writes the document.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::spec::{FlowSpec, Verb};

const CODE: Code = Code {
    id: "GF508",
    name: "excludes-nobody",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    let system = only_system(cx.spec);
    for step in &cx.steps {
        let (verb, exclude, document) = match step.spec.verb() {
            Some(Verb::Approve(approve)) => ("approve", &approve.exclude, Some(&approve.document)),
            Some(Verb::Task(task)) => ("task", &task.exclude, task.document.as_ref()),
            _ => continue,
        };
        for (at, who) in exclude.iter().enumerate() {
            let place = cx.value(&step.at(&format!("{verb}/exclude/{at}")));
            let finding = match who.as_str() {
                "initiator" => system.map(|system| {
                    let message = format!("`initiator` is never a person here: the flow is started by {system} alone");
                    Diagnostic::warning(CODE, message, place).with_help(
                        "exclude the person who asked for it, for example `exclude: [\"${{ inputs.requester }}\"]`",
                    )
                }),
                "uploader" => document.and_then(|document| text_of_run(cx, document)).map(|from| {
                    let message = format!(
                        "`uploader` is never a person here: {} writes the document itself",
                        from.title()
                    );
                    Diagnostic::warning(CODE, message, place)
                        .with_related(cx.value(&from.at("with/text")), "the run writes this text")
                        .with_help("exclude the step whose people wrote the text, or leave `uploader` out")
                }),
                _ => None,
            };
            if let Some(finding) = finding {
                report.push(finding);
            }
        }
    }
}

/// The triggers of the flow if none of them is a person; `None` if one may be.
fn only_system(spec: &FlowSpec) -> Option<&'static str> {
    let on = &spec.on;
    // for these triggers the person is known who sent the event, started the other run or stored
    // the document
    if on.manual.is_some() || on.event.is_some() || on.flow.is_some() || on.document.is_some() {
        return None;
    }
    match (on.webhook.is_some(), on.schedule.is_some()) {
        (true, true) => Some("a webhook and a schedule"),
        (true, false) => Some("a webhook"),
        (false, true) => Some("a schedule"),
        (false, false) => None,
    }
}

/// The step that writes the document from a text, if there is one.
fn text_of_run<'c>(cx: &'c Context<'_>, document: &str) -> Option<&'c StepView<'c>> {
    let path = document.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    let id = path.strip_prefix("steps.")?.strip_suffix(".file")?;
    let step = cx.step(id)?;
    let Some(Verb::Uses("file360.put_file", Some(with))) = step.spec.verb() else {
        return None;
    };
    (with.get("text").is_some() && with.get("file").is_none()).then_some(step)
}
