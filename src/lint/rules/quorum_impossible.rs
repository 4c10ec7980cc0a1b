//! A decision that nobody can ever bring about, or that names decisions it does not have.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, StepView, suggest};
use crate::spec::{ApproveSpec, RuleSpec, Verb};
use std::collections::BTreeSet;

const CODE: Code = Code {
    id: "GF501",
    name: "quorum-impossible",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(Verb::Approve(approve)) = step.spec.verb() else {
            continue;
        };
        if approve.by.is_empty() {
            let message = format!("nobody is asked to decide in step {}", step.title());
            report.push(
                Diagnostic::error(CODE, message, cx.value(&step.at("approve/by")))
                    .with_help("name people, as `by: [role:legal]`"),
            );
        }
        rule(cx, step, approve, report);
        reasons(cx, step, approve, report);
    }
}

fn rule(cx: &Context<'_>, step: &StepView<'_>, approve: &ApproveSpec, report: &mut Report) {
    let span = cx.value(&step.at("approve/rule"));
    let (message, help) = match approve.rule {
        Some(RuleSpec::Count(0)) => (
            format!("step {} needs nobody's agreement", step.title()),
            "ask for 1 or more".to_owned(),
        ),
        Some(RuleSpec::Percent(percent)) if percent == 0 || percent > 100 => (
            format!("{percent}% of the people cannot agree"),
            "ask for 1% to 100%".to_owned(),
        ),
        Some(RuleSpec::Count(wanted)) => match people(approve) {
            Some(people) if people > 0 && people < wanted as usize => (
                format!(
                    "step {} needs {wanted} people to agree, and asks {people}",
                    step.title()
                ),
                format!("ask more people, or write `rule: {people}`"),
            ),
            _ => return,
        },
        _ => return,
    };
    report.push(Diagnostic::error(CODE, message, span).with_help(help));
}

/// How much the decisions of those asked count, where the flow alone tells: roles and groups have any
/// number, and somebody may have a weighted role.
pub(super) fn people(approve: &ApproveSpec) -> Option<usize> {
    let one_each = approve.by.iter().all(|who| {
        !who.contains("${{")
            && ["user:", "email:", "manager_of:"]
                .iter()
                .any(|prefix| who.starts_with(prefix))
    });
    let plain = |who: &String| who.starts_with("user:") || who.starts_with("email:");
    if !one_each || !approve.weights.keys().all(plain) {
        return None;
    }
    let people: BTreeSet<&String> = approve.by.iter().collect();
    let weight = |who: &&String| approve.weights.get(*who).map_or(1, |weight| *weight as usize);
    Some(people.iter().map(weight).sum())
}

fn reasons(cx: &Context<'_>, step: &StepView<'_>, approve: &ApproveSpec, report: &mut Report) {
    let decisions = approve.decisions();
    for (index, reason) in approve.reason.iter().enumerate() {
        if decisions.contains(&reason.as_str()) {
            continue;
        }
        let span = cx.value(&step.at(&format!("approve/reason/{index}")));
        let message = format!("step {} has no decision `{reason}` to give a reason for", step.title());
        report.push_with(|| {
            suggest(
                Diagnostic::error(CODE, message, span),
                reason,
                decisions.clone(),
                "its decisions are",
            )
        });
    }
}
