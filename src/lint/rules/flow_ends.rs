//! Ends of another flow that this one does not say anything about, or that the other does not have.

use crate::base::diagnostic::nearest;
use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Span};
use crate::lint::flows::{Outline, outline_of};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule, list_words};
use crate::plan::{Disposition, PlanRun, PlanStep, PlanVerb};
use crate::spec::RunSpec;

const GOES_NOWHERE: Code = Code {
    id: "GF612",
    name: "end-goes-nowhere",
};

const UNKNOWN: Code = Code {
    id: "GF613",
    name: "unknown-end",
};

/// What the other flow comes to leads nowhere.
pub const RULE: Rule = Rule {
    code: GOES_NOWHERE,
    check: Check::Graph(nowhere),
};

/// What the other flow never comes to is waited for.
pub const RULE_UNKNOWN: Rule = Rule {
    code: UNKNOWN,
    check: Check::Graph(unknown),
};

/// The steps that run flows that are known.
fn runs<'a>(
    cx: &'a Context<'_>,
    graphs: &'a [Paths<'_>],
) -> impl Iterator<Item = (&'a PlanStep, &'a PlanRun, &'a Outline)> {
    let steps = graphs.iter().flat_map(|paths| paths.steps);
    steps.filter_map(|step| {
        let PlanVerb::Run(run) = &step.verb else { return None };
        let outline = outline_of(cx.flows, cx.step(&step.id)?.spec)?;
        Some((step, run, outline))
    })
}

fn nowhere(cx: &Context<'_>, graphs: &[Paths<'_>], report: &mut Report) {
    for (step, run, outline) in runs(cx, graphs) {
        for end in outline
            .ends
            .iter()
            .filter(|end| *end != RunSpec::FAILED && *end != RunSpec::CANCELLED)
        {
            let leads = step
                .outcomes
                .get(end)
                .is_some_and(|leads| *leads != Disposition::Nowhere);
            if leads {
                continue;
            }
            let message = format!(
                "flow `{}` may end as `{end}`, and step \"{}\" does not say what happens then",
                run.flow, step.title
            );
            let help = format!(
                "add `{end}: {{ end: {end} }}` to its `outcomes`, or a step with `after: {}.{end}`",
                step.id
            );
            let span = cx.value(&format!("{}/run/flow", step.pointer));
            report.push(Diagnostic::error(GOES_NOWHERE, message, span).with_help(help));
        }
    }
}

fn unknown(cx: &Context<'_>, graphs: &[Paths<'_>], report: &mut Report) {
    of_trigger(cx, report);
    for (step, run, outline) in runs(cx, graphs) {
        let is_known = |end: &str| RunSpec::ENDS.contains(&end) || outline.ends.iter().any(|one| one == end);
        for end in step.outcomes.keys().filter(|end| !is_known(end)) {
            let message = format!("flow `{}` never ends as `{end}`", run.flow);
            let ends = || outline.ends.iter().map(String::as_str);
            let help = match nearest(end, ends()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it ends as {}", list_words(ends())),
            };
            report.push(Diagnostic::error(UNKNOWN, message, place(cx, step, end)).with_help(help));
        }
    }
}

/// The statuses that a trigger waits for.
fn of_trigger(cx: &Context<'_>, report: &mut Report) {
    let Some(trigger) = &cx.spec.on.flow else {
        return;
    };
    let Some(outline) = cx.flows.and_then(|flows| flows.get(&trigger.name, None)) else {
        return;
    };
    for (index, end) in trigger.outcome.iter().enumerate() {
        if end == RunSpec::CANCELLED || outline.ends.contains(end) {
            continue;
        }
        let message = format!("flow `{}` never ends as `{end}`", trigger.name);
        let ends = || outline.ends.iter().map(String::as_str).chain([RunSpec::CANCELLED]);
        let help = match nearest(end, ends()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it ends as {}", list_words(ends())),
        };
        let span = cx.value(&format!("/on/flow/outcome/{index}"));
        report.push(Diagnostic::error(UNKNOWN, message, span).with_help(help));
    }
}

/// Where the end is named: under `outcomes`, or in the `after` of another step.
fn place(cx: &Context<'_>, step: &PlanStep, end: &str) -> Span {
    let own = format!("{}/outcomes/{}", step.pointer, escape(end));
    if cx.document.spans.get(&own).is_some() {
        return cx.key(&own);
    }
    let named = format!("{}.{end}", step.id);
    let found = cx.steps.iter().find_map(|other| {
        let after = other.spec.after.as_ref()?;
        let at = after.0.iter().position(|one| *one == named)?;
        let in_list = other.at(&format!("after/{at}"));
        let alone = other.at("after");
        Some(
            cx.document
                .spans
                .get(&in_list)
                .map_or_else(|| cx.value(&alone), |_| cx.value(&in_list)),
        )
    });
    found.unwrap_or_else(|| cx.value(&step.pointer))
}
