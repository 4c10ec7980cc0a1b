//! An action that no connection has.

use crate::base::diagnostic::nearest;
use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, list_words, suggest};
use crate::spec::Verb;

const CODE: Code = Code {
    id: "GF601",
    name: "unknown-action",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(Verb::Uses(action, _)) = step.spec.verb() else {
            continue;
        };
        if cx.catalog.action(action).is_some() {
            continue;
        }
        let finding = Diagnostic::error(
            CODE,
            format!("there is no action `{action}`"),
            cx.value(&step.at("uses")),
        );
        report.push(help(cx, finding, action));
    }
}

fn help(cx: &Context<'_>, finding: Diagnostic, action: &str) -> Diagnostic {
    let names = || cx.catalog.actions.keys().map(String::as_str);
    if nearest(action, names()).is_some() {
        return suggest(finding, action, names().collect::<Vec<_>>(), "");
    }
    let (connection, word) = action.split_once('.').unwrap_or(("", action));
    let of_connection = || {
        names()
            .filter_map(|name| name.split_once('.'))
            .filter(|(of, _)| *of == connection)
            .map(|(_, own)| own)
    };
    if let Some(near) = nearest(word, of_connection()) {
        return finding.with_help(format!("did you mean `{connection}.{near}`?"));
    }
    match list_words(of_connection()) {
        words if words.is_empty() => {
            let mut connections: Vec<&str> = names().filter_map(|name| Some(name.split_once('.')?.0)).collect();
            connections.dedup();
            finding.with_help(format!(
                "an action is written `CONNECTION.ACTION`; connections are {}",
                list_words(connections)
            ))
        }
        words => finding.with_help(format!("`{connection}` has {words}")),
    }
}
