//! Somebody is named whom the directory does not have.

use crate::base::{Code, Diagnostic};
use crate::lint::principals::{Named, literals};
use crate::lint::rule::{Check, Context, Report, Rule};

const CODE: Code = Code {
    id: "GF506",
    name: "unknown-person",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    // A directory without anybody is one that is not there yet.
    let Some(people) = cx.people.filter(|people| !people.users.is_empty()) else {
        return;
    };
    for step in &cx.steps {
        for named in literals(cx, step) {
            let Named { text, in_with, .. } = named;
            if !in_with && text.starts_with("email:") && answers(&named.pointer) {
                if people
                    .canonical_all(&[text.to_owned()])
                    .iter()
                    .any(|who| who.starts_with("email:"))
                {
                    let message = format!("`{text}` is nobody in the directory, and answers nothing here");
                    let help = "add them to people.yaml; outsiders give files to a `collect`, or to a share that a `wait` watches";
                    report.push(Diagnostic::error(CODE, message, named.span(cx)).with_help(help));
                }
                continue;
            }
            // What says nothing has a finding of its own.
            let says_who = ["user:", "role:", "group:", "skill:", "manager_of:"]
                .iter()
                .any(|kind| text.strip_prefix(kind).is_some_and(|name| !name.trim().is_empty()));
            if !says_who {
                continue;
            }
            if let Err(unknown) = people.resolve(&[text.to_owned()], &[]) {
                let sentence = unknown.to_string();
                let (message, help) = match sentence.split_once("; ") {
                    Some((message, help)) => (message.to_owned(), help.to_owned()),
                    None => (
                        sentence,
                        "correct the name, or add who is meant before a run gets here".to_owned(),
                    ),
                };
                report.push(Diagnostic::warning(CODE, message, named.span(cx)).with_help(help));
            }
        }
    }
}

/// Whether whoever is named there has to answer, which takes a token of this server.
fn answers(pointer: &str) -> bool {
    ["/approve/by/", "/approve/veto/", "/task/to/", "/review/"]
        .iter()
        .any(|place| pointer.contains(place))
}
