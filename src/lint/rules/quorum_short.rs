//! More agreement is needed than the people of the directory can give.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::lint::rules::quorum_impossible;
use crate::people::Directory;
use crate::spec::{ApproveSpec, RuleSpec, Verb};

const CODE: Code = Code {
    id: "GF507",
    name: "quorum-short",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    // A directory without anybody is one that is not there yet.
    let Some(people) = cx.people.filter(|people| !people.users.is_empty()) else {
        return;
    };
    for step in &cx.steps {
        if let Some(Verb::Approve(approve)) = step.spec.verb() {
            report_short(cx, step, approve, people, report);
        }
    }
}

fn report_short(cx: &Context<'_>, step: &StepView<'_>, approve: &ApproveSpec, people: &Directory, report: &mut Report) {
    let Some(RuleSpec::Count(wanted)) = approve.rule else {
        return;
    };
    // What the flow alone tells has a finding of its own; so has somebody who is not there.
    if quorum_impossible::people(approve).is_some() || approve.by.iter().any(|who| who.contains("${{")) {
        return;
    }
    let Ok(asked) = people.resolve(&approve.by, &[]) else {
        return;
    };
    let votes: usize = asked.iter().map(|person| weight(approve, people, person)).sum();
    if votes >= wanted as usize {
        return;
    }
    let message = format!(
        "step {} needs {wanted} to agree, and {} of people.yaml can give {votes}",
        step.title(),
        match asked.len() {
            1 => "the one person".to_owned(),
            count => format!("the {count} people"),
        }
    );
    report.push(
        Diagnostic::warning(CODE, message, cx.value(&step.at("approve/rule")))
            .with_help("ask more people, give somebody the role or group, or ask for fewer agreements"),
    );
}

/// How much a decision of `person` counts: the largest weight of all words that fit.
fn weight(approve: &ApproveSpec, people: &Directory, person: &String) -> usize {
    let fits = |word: &String| {
        let members = people.resolve(std::slice::from_ref(word), &[]);
        members.is_ok_and(|members| members.contains(person))
    };
    let weights = approve.weights.iter().filter(|(word, _)| fits(word));
    weights.map(|(_, weight)| *weight as usize).max().unwrap_or(1)
}
