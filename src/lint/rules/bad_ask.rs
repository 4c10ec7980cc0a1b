//! What people are asked does not fit together: a form without fields, a field that is needed by an
//! answer that nobody can give.

use crate::base::diagnostic::nearest;
use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Period};
use crate::lint::rule::{Check, Context, Report, Rule, StepView, suggest};
use crate::lint::rules::reminder_after_due::at_least;
use crate::spec::{
    DeadlineSpec, Distribution, FieldSpec, Pick, Priority, ReachSpec, RuleSpec, TaskKind, TaskSpec, Verb,
};
use indexmap::IndexMap;

const CODE: Code = Code {
    id: "GF503",
    name: "bad-ask",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        match step.spec.verb() {
            Some(Verb::Approve(approve)) => {
                let decisions = approve.decisions();
                fields(cx, step, "approve/form", &approve.form, &decisions, report);
                let alone = matches!(approve.rule, None | Some(RuleSpec::Any | RuleSpec::Count(1)));
                let how = (approve.distribution, approve.pick, approve.prefer.is_some());
                given_to_one(cx, step, "approve", how, alone, report);
                reached(cx, step, "approve", &approve.reach(), report);
            }
            Some(Verb::Task(task)) => {
                kind(cx, step, task, report);
                fields(cx, step, "task/form", &task.form, &TaskSpec::ANSWERS, report);
                let how = (task.distribution, task.pick, task.prefer.is_some());
                given_to_one(cx, step, "task", how, true, report);
                reached(cx, step, "task", &task.reach(), report);
            }
            _ => {}
        }
    }
}

/// A kind of work that lacks what it is about.
fn kind(cx: &Context<'_>, step: &StepView<'_>, task: &TaskSpec, report: &mut Report) {
    let uploader = task.exclude.iter().position(|who| who == "uploader");
    if let Some(at) = uploader.filter(|_| task.document.is_none()) {
        let message = format!("step {} is about no document, so `uploader` is nobody", step.title());
        let span = cx.value(&step.at(&format!("task/exclude/{at}")));
        report.push(
            Diagnostic::error(CODE, message, span)
                .with_help("name the document, or leave out whoever is meant by a step"),
        );
    }
    let (lacks, help) = match task.kind {
        Some(TaskKind::Review) if task.document.is_none() => (
            "is a review of nothing",
            "name the document, as `document: ${{ inputs.document }}`",
        ),
        Some(TaskKind::Form) if task.form.is_empty() => (
            "is a form without fields",
            "add `form: { shelf: { type: text, required: true } }`",
        ),
        _ => return,
    };
    let message = format!("step {} {lacks}", step.title());
    report.push(Diagnostic::error(CODE, message, cx.value(&step.at("task/kind"))).with_help(help));
}

/// Whom to give it to, where it is not given to one, or where one alone cannot settle it.
fn given_to_one(
    cx: &Context<'_>,
    step: &StepView<'_>,
    verb: &str,
    (distribution, pick, prefer): (Option<Distribution>, Option<Pick>, bool),
    alone: bool,
    report: &mut Report,
) {
    let assign = distribution == Some(Distribution::Assign);
    let mut tell = |key: &str, message: String, help: &str| {
        let span = cx.value(&step.at(&format!("{verb}/{key}")));
        report.push(Diagnostic::error(CODE, message, span).with_help(help));
    };
    if pick.is_some() && !assign {
        let message = format!("step {} picks nobody: it is offered to everybody", step.title());
        tell("pick", message, "add `distribution: assign`, or take `pick` out");
    }
    let key = if assign { "distribution" } else { "prefer" };
    if !alone && (assign || prefer) {
        let message = format!("step {} needs several people, and is given to one", step.title());
        tell(key, message, "write `rule: any`, or offer it to everybody");
    }
}

/// A priority that there is not, and a task that is held back for longer than there is time for it.
fn reached(cx: &Context<'_>, step: &StepView<'_>, verb: &str, reach: &ReachSpec<'_>, report: &mut Report) {
    if let Some(priority) = reach.priority.filter(|text| !text.contains("${{"))
        && Priority::parse(priority).is_none()
    {
        let span = cx.value(&step.at(&format!("{verb}/priority")));
        let message = format!("`{priority}` is no priority");
        let help = match nearest(priority, Priority::ALL.map(Priority::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write {}", Priority::WORDS),
        };
        report.push(Diagnostic::error(CODE, message, span).with_help(help));
    }
    if let Some(held) = reach.hold_back
        && let Some(DeadlineSpec::Due(deadline)) = &step.spec.deadline
        && let (Ok(after), Ok(due)) = (Period::parse(held), Period::parse(&deadline.due))
        && at_least(&after, &due)
    {
        let span = cx.value(&step.at(&format!("{verb}/hold_back")));
        let message = format!("step {} is due when people would hear of it", step.title());
        report.push(
            Diagnostic::error(CODE, message, span).with_help("hold it back for less time than the deadline leaves"),
        );
    }
}

/// Fields that are needed by answers which do not exist.
fn fields(
    cx: &Context<'_>,
    step: &StepView<'_>,
    path: &str,
    form: &IndexMap<String, FieldSpec>,
    answers: &[&str],
    report: &mut Report,
) {
    for (name, field) in form {
        for (index, answer) in field.required_for.iter().enumerate() {
            if answers.contains(&answer.as_str()) {
                continue;
            }
            let span = cx.value(&step.at(&format!("{path}/{}/required_for/{index}", escape(name))));
            let message = format!(
                "step {} has no answer `{answer}` that could need `{name}`",
                step.title()
            );
            report.push(suggest(
                Diagnostic::error(CODE, message, span),
                answer,
                answers.iter().copied(),
                "its answers are",
            ));
        }
    }
}
