//! Fewer people are left than have to agree or to answer.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::lint::rules::quorum_impossible::{self, Asked};
use crate::people::Directory;
use crate::spec::RuleSpec;
use std::collections::BTreeSet;

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
    let people = cx.people.filter(|people| !people.users.is_empty());
    for step in &cx.steps {
        if let Some(asked) = Asked::of(step.spec) {
            report_short(cx, step, &asked, people, report);
        }
    }
}

fn report_short(
    cx: &Context<'_>,
    step: &StepView<'_>,
    asked: &Asked<'_>,
    people: Option<&Directory>,
    report: &mut Report,
) {
    // What the flow alone tells has a finding of its own; so has somebody who is not there.
    if quorum_impossible::is_told(asked) {
        return;
    }
    let Some(all) = persons(asked.by, people) else { return };
    let wanted = match asked.rule {
        Some(RuleSpec::Count(count)) => count as usize,
        _ => 1,
    };
    let votes = |who: &BTreeSet<String>| who.iter().map(|one| weight(asked, people, one)).sum::<usize>();
    if votes(&all) < wanted {
        let message = format!(
            "step {} needs {wanted} to agree, and {} of people.yaml can give {}",
            step.title(),
            counted(all.len()),
            votes(&all),
        );
        let help = "ask more people, give somebody the role or group, or ask for fewer agreements";
        let span = cx.value(&step.at(&format!("{}/rule", asked.verb)));
        report.push(Diagnostic::warning(CODE, message, span).with_help(help));
        return;
    }
    let may = allowed(asked, &all, people);
    let (key, why, lost) = if votes(&may) < wanted {
        ("only", "`only` lets answer", 0)
    } else {
        let lost = left_out(cx, asked, &may, people, |who| weight(asked, people, who));
        ("exclude", "`exclude` leaves", lost)
    };
    let left = votes(&may).saturating_sub(lost);
    if left >= wanted {
        return;
    }
    let message = format!(
        "step {} needs {wanted} to answer, and {why} {}",
        step.title(),
        if left == 0 {
            "nobody".to_owned()
        } else {
            left.to_string()
        }
    );
    let help = "ask more people, or leave fewer of them out";
    let span = cx.key(&step.at(&format!("{}/{key}", asked.verb)));
    report.push(Diagnostic::warning(CODE, message, span).with_help(help));
}

/// Those who are meant, where that is known before a run.
fn persons(written: &[String], people: Option<&Directory>) -> Option<BTreeSet<String>> {
    if written.is_empty() || written.iter().any(|who| who.contains("${{")) {
        return None;
    }
    match people {
        Some(people) => people.resolve(written, &[]).ok().map(BTreeSet::from_iter),
        None => {
            let all_users = written.iter().all(|who| who.starts_with("user:"));
            all_users.then(|| written.iter().cloned().collect())
        }
    }
}

/// Those of `all` whom `only` lets answer.
fn allowed(asked: &Asked<'_>, all: &BTreeSet<String>, people: Option<&Directory>) -> BTreeSet<String> {
    match persons(asked.only, people) {
        Some(only) => all.intersection(&only).cloned().collect(),
        None => all.clone(),
    }
}

/// How many decisions at least are lost to those who have completed the steps that `exclude` names: of each group
/// that was asked there one has, where all of them may answer here. Groups that overlap may have been the same person.
fn left_out(
    cx: &Context<'_>,
    asked: &Asked<'_>,
    may: &BTreeSet<String>,
    people: Option<&Directory>,
    weight: impl Fn(&String) -> usize,
) -> usize {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut lost = 0;
    for id in asked.exclude {
        let there = cx.step(id).and_then(|step| Asked::of(step.spec));
        let Some(there) = there else { continue };
        let Some(all) = persons(there.by, people) else { continue };
        let group = allowed(&there, &all, people);
        if group.is_empty() || !group.is_subset(may) || !group.is_disjoint(&taken) {
            continue;
        }
        lost += group.iter().map(&weight).min().unwrap_or_default();
        taken.extend(group);
    }
    lost
}

/// How much a decision of `person` counts: the largest weight of all words that fit.
fn weight(asked: &Asked<'_>, people: Option<&Directory>, person: &String) -> usize {
    let fits = |word: &String| match people {
        Some(people) => {
            let members = people.resolve(std::slice::from_ref(word), &[]);
            members.is_ok_and(|members| members.contains(person))
        }
        None => word == person,
    };
    let weights = asked.weights.into_iter().flatten().filter(|(word, _)| fits(word));
    weights.map(|(_, weight)| *weight as usize).max().unwrap_or(1)
}

fn counted(count: usize) -> String {
    match count {
        1 => "the one person".to_owned(),
        count => format!("the {count} people"),
    }
}
