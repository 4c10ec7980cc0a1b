//! Another flow to run that nobody knows of here.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, list_words, suggest};

const CODE: Code = Code {
    id: "GF610",
    name: "unknown-flow",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    let Some(flows) = cx.flows else { return };
    for step in &cx.steps {
        let Some(run) = &step.spec.run else { continue };
        if flows.get(&run.flow, run.version.as_deref()).is_some() {
            continue;
        }
        let versions: Vec<&str> = flows.versions(&run.flow).collect();
        let finding = if versions.is_empty() {
            let message = format!("there is no flow `{}` here", run.flow);
            let finding = Diagnostic::warning(CODE, message, cx.value(&step.at("run/flow")));
            suggest(finding, &run.flow, flows.names(), "there are")
        } else {
            let range = run.version.as_deref().unwrap_or_default();
            let message = format!("no version of flow `{}` here is `{range}`", run.flow);
            Diagnostic::warning(CODE, message, cx.value(&step.at("run/version")))
                .with_help(format!("there are {}", list_words(versions)))
        };
        report.push(finding);
    }
}
