//! An item of a checklist that contradicts itself, or that nobody could ever give.

use crate::base::file_type::{Readable, endings, of_ending, readable};
use crate::base::id::WorkspaceId;
use crate::base::source::escape;
use crate::base::{Code, Diagnostic};
use crate::expr::Expression;
use crate::lint::rule::{Check, Context, Report, Rule, StepView, suggest};
use crate::lint::rules::expression_as_text::is_slip;
use crate::spec::{CollectSpec, ItemSpec, NeedSpec};

const CODE: Code = Code {
    id: "GF505",
    name: "bad-item",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(collect) = &step.spec.collect else { continue };
        code_by_mail(cx, step, collect, report);
        place(cx, step, collect, report);
        for (name, item) in &collect.items {
            let pointer = step.at(&format!("collect/items/{}", escape(name)));
            types(cx, &pointer, name, item, report);
            counts(cx, &pointer, name, item, report);
            reviewed(cx, &pointer, name, (collect, item), report);
            days(cx, &pointer, name, item, report);
            contents(cx, &pointer, name, item, report);
        }
    }
}

/// A code by mail for whom is not one person.
fn code_by_mail(cx: &Context<'_>, step: &StepView<'_>, collect: &CollectSpec, report: &mut Report) {
    let from = collect.from.trim();
    let is_one = match from.split_once(':') {
        Some((kind, _)) => kind == "user" || kind == "email",
        None => from != "anyone",
    };
    if collect.code_by_mail && !from.contains("${{") && !is_one {
        let message = format!("a code by mail is for one person, and `{from}` is not one");
        report.push(
            Diagnostic::error(CODE, message, cx.value(&step.at("collect/from")))
                .with_help("ask `user:NAME` or `email:ADDRESS`, or leave `code_by_mail` out"),
        );
    }
}

/// A folder without its slash, which would be looked up as a workspace.
fn place(cx: &Context<'_>, step: &StepView<'_>, collect: &CollectSpec, report: &mut Report) {
    let Some(into) = &collect.into else { return };
    let is_workspace = into
        .strip_prefix(WorkspaceId::PREFIX)
        .is_some_and(|rest| rest.starts_with('_'));
    if into.starts_with('/') || into.contains("${{") || is_workspace || is_slip(into) {
        return;
    }
    let message = format!("`{into}` is neither a folder, which begins with `/`, nor a workspace");
    report.push(
        Diagnostic::error(CODE, message, cx.value(&step.at("collect/into"))).with_help(format!("write `/{into}`")),
    );
}

/// Whoever gives a file is not asked about it.
fn reviewed(cx: &Context<'_>, pointer: &str, name: &str, (of, item): (&CollectSpec, &ItemSpec), report: &mut Report) {
    let from = of.from.trim();
    let is_person = ["user:", "email:"].iter().any(|kind| from.starts_with(kind)) && !from.contains("${{");
    if !is_person || item.review.is_empty() || !item.review.iter().all(|who| who.trim() == from) {
        return;
    }
    let message = format!("item `{name}` is looked at by whoever gives it, who is not asked");
    report.push(Diagnostic::error(CODE, message, cx.key(&format!("{pointer}/review"))).with_help("name somebody else"));
}

/// Types of files that nobody knows.
fn types(cx: &Context<'_>, pointer: &str, name: &str, item: &ItemSpec, report: &mut Report) {
    for (index, ending) in item.accept.iter().enumerate() {
        if of_ending(ending).is_some() {
            continue;
        }
        let message = format!("item `{name}` accepts `{ending}`, which is no type of file that is known");
        let finding = Diagnostic::error(CODE, message, cx.value(&format!("{pointer}/accept/{index}")));
        report.push(suggest(finding, ending, endings(), "the types are"));
    }
}

/// Numbers of files that contradict each other.
fn counts(cx: &Context<'_>, pointer: &str, name: &str, item: &ItemSpec, report: &mut Report) {
    let (min, max) = item.counts();
    if min > max {
        let message = format!("item `{name}` wants at least {min} files and takes at most {max}");
        report.push(
            Diagnostic::error(CODE, message, cx.value(&format!("{pointer}/max")))
                .with_help("make `max` as large as `min`, or leave it out"),
        );
    } else if max > 1 && !item.review.is_empty() {
        let message = format!("item `{name}` takes up to {max} files, and a review is of one");
        report.push(
            Diagnostic::error(CODE, message, cx.key(&format!("{pointer}/review")))
                .with_help("make an item of each file that somebody looks at"),
        );
    }
}

/// A day that is measured and never entered.
fn days(cx: &Context<'_>, pointer: &str, name: &str, item: &ItemSpec, report: &mut Report) {
    if item.at_least.is_some() && item.valid_until.is_none() {
        let message = format!("item `{name}` says how far ahead the day must lie, and no day is entered");
        report.push(
            Diagnostic::error(CODE, message, cx.key(&format!("{pointer}/at_least")))
                .with_help("add `valid_until: required`"),
        );
    }
    if item.renew_before.is_some() && item.valid_until != Some(NeedSpec::Required) {
        let message = format!("item `{name}` is renewed before a day that need not be entered");
        report.push(
            Diagnostic::error(CODE, message, cx.key(&format!("{pointer}/renew_before")))
                .with_help("write `valid_until: required`"),
        );
    }
}

/// Conditions on what stands in files of which none can be read.
fn contents(cx: &Context<'_>, pointer: &str, name: &str, item: &ItemSpec, report: &mut Report) {
    let kinds = item.accept.iter().map(|ending| of_ending(ending).and_then(readable));
    let kinds: Vec<Option<Readable>> = kinds.collect();
    let has_text = kinds.iter().any(Option::is_some);
    let has_table = kinds.contains(&Some(Readable::Table));
    for (index, check) in item.checks.iter().enumerate().filter(|_| !kinds.is_empty()) {
        let Ok(condition) = Expression::parse(&check.condition) else {
            continue;
        };
        let asked = condition
            .references
            .iter()
            .find_map(|reference| match reference.path.as_slice() {
                [file, text, ..] if file == "file" && text == "text" && !has_text => Some(("file.text", "pdf")),
                [file, word, ..] if file == "file" && (word == "columns" || word == "rows") && !has_table => {
                    Some(("columns and rows", "csv"))
                }
                _ => None,
            });
        if let Some((asked, ending)) = asked {
            let message = format!("item `{name}` is asked for {asked}, and no type that it accepts has that");
            report.push(
                Diagnostic::error(CODE, message, cx.value(&format!("{pointer}/checks/{index}/where")))
                    .with_help(format!("accept `{ending}` too, or leave the condition out")),
            );
        }
    }
}
