//! A decision that nobody can ever bring about, or that names decisions it does not have; a task that nobody
//! may answer.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, StepView, suggest};
use crate::spec::{ApproveSpec, RuleSpec, StepSpec, Verb};
use indexmap::IndexMap;
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
        if let Some(asked) = Asked::of(step.spec) {
            nobody(cx, step, &asked, report);
            rule(cx, step, &asked, report);
        }
        if let Some(Verb::Approve(approve)) = step.spec.verb() {
            unheard(cx, step, approve, report);
            reasons(cx, step, approve, report);
        }
    }
}

/// Whom an `approve` or a `task` asks, and how many of them have to answer.
pub(super) struct Asked<'a> {
    pub(super) verb: &'static str,
    pub(super) by: &'a [String],
    pub(super) only: &'a [String],
    pub(super) exclude: &'a [String],
    pub(super) rule: Option<RuleSpec>,
    pub(super) weights: Option<&'a IndexMap<String, u32>>,
}

impl<'a> Asked<'a> {
    /// What the step asks, if it asks people.
    pub(super) fn of(step: &'a StepSpec) -> Option<Self> {
        match step.verb()? {
            Verb::Approve(approve) => Some(Self {
                verb: "approve",
                by: &approve.by,
                only: &approve.only,
                exclude: &approve.exclude,
                rule: approve.rule,
                weights: Some(&approve.weights),
            }),
            Verb::Task(task) => Some(Self {
                verb: "task",
                by: &task.to,
                only: &task.only,
                exclude: &task.exclude,
                rule: None,
                weights: None,
            }),
            _ => None,
        }
    }

    /// Whether `only` surely leaves `who` out: users are told apart by their names alone.
    fn is_left_out(&self, who: &String) -> bool {
        let is_user = |who: &String| who.starts_with("user:") && !who.contains("${{");
        !self.only.is_empty() && is_user(who) && self.only.iter().all(is_user) && !self.only.contains(who)
    }

    /// Those whom `only` may let answer.
    fn allowed(&self) -> impl Iterator<Item = &'a String> {
        self.by.iter().filter(|who| !self.is_left_out(who))
    }

    /// How much the decisions of those who may answer count, where the flow alone tells: roles and groups
    /// have any number, and somebody may have a weighted role.
    fn votes(&self) -> Option<usize> {
        let is_one = |who: &&String| {
            let kinds = ["user:", "email:", "manager_of:"];
            !who.contains("${{") && kinds.iter().any(|kind| who.starts_with(kind))
        };
        let plain = |who: &String| who.starts_with("user:") || who.starts_with("email:");
        let mut weights = self.weights.into_iter().flatten();
        if !self.allowed().all(|who| is_one(&who)) || !weights.all(|(who, _)| plain(who)) {
            return None;
        }
        let people: BTreeSet<&String> = self.allowed().collect();
        let weight = |who: &&String| {
            let given = self.weights.and_then(|weights| weights.get(*who));
            given.map_or(1, |weight| *weight as usize)
        };
        Some(people.iter().map(weight).sum())
    }
}

/// Whether the flow alone tells that too few can answer.
pub(super) fn is_told(asked: &Asked<'_>) -> bool {
    let wanted = match asked.rule {
        Some(RuleSpec::Count(count)) => count as usize,
        _ => 1,
    };
    asked.votes().is_some_and(|votes| votes < wanted)
}

/// Nobody is asked, or nobody of those who are may answer.
fn nobody(cx: &Context<'_>, step: &StepView<'_>, asked: &Asked<'_>, report: &mut Report) {
    if asked.by.is_empty() && asked.verb == "approve" {
        let message = format!("nobody is asked to decide in step {}", step.title());
        report.push(
            Diagnostic::error(CODE, message, cx.value(&step.at("approve/by")))
                .with_help("name people, as `by: [role:legal]`"),
        );
    } else if !asked.by.is_empty() && asked.allowed().next().is_none() {
        let message = format!("`only` lets nobody answer of those whom step {} asks", step.title());
        report.push(
            Diagnostic::error(CODE, message, cx.key(&step.at(&format!("{}/only", asked.verb))))
                .with_help("ask those who may answer, or let those answer who are asked"),
        );
    }
}

/// A veto of somebody who may not answer, and a weight of somebody who is not asked.
fn unheard(cx: &Context<'_>, step: &StepView<'_>, approve: &ApproveSpec, report: &mut Report) {
    let Some(asked) = Asked::of(step.spec) else { return };
    for (index, who) in approve
        .veto
        .iter()
        .enumerate()
        .filter(|(_, who)| asked.is_left_out(who))
    {
        let message = format!(
            "`{who}` has a veto in step {}, and `only` does not let them answer",
            step.title()
        );
        let span = cx.value(&step.at(&format!("approve/veto/{index}")));
        report.push(Diagnostic::error(CODE, message, span).with_help("add them to `only`, or take the veto away"));
    }
    let is_user = |who: &String| who.starts_with("user:") && !who.contains("${{");
    let meant = || approve.by.iter().chain(&approve.veto);
    if !meant().all(is_user) {
        return;
    }
    for who in approve.weights.keys().filter(|who| is_user(who)) {
        if meant().any(|asked| asked == who) {
            continue;
        }
        let message = format!("`{who}` has a weight in step {}, and is not asked", step.title());
        let span = cx.key(&step.at(&format!("approve/weights/{}", escape(who))));
        let names = approve.by.iter().map(String::as_str);
        report.push(suggest(Diagnostic::error(CODE, message, span), who, names, "it asks"));
    }
}

fn rule(cx: &Context<'_>, step: &StepView<'_>, asked: &Asked<'_>, report: &mut Report) {
    let span = cx.value(&step.at("approve/rule"));
    let (message, help) = match asked.rule {
        Some(RuleSpec::Count(0)) => (
            format!("step {} needs nobody's agreement", step.title()),
            "ask for 1 or more".to_owned(),
        ),
        Some(RuleSpec::Percent(percent)) if percent == 0 || percent > 100 => (
            format!("{percent}% of the people cannot agree"),
            "ask for 1% to 100%".to_owned(),
        ),
        Some(RuleSpec::Count(wanted)) => match asked.votes() {
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
