//! An expression reads something that a step does not give.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule, suggest};
use crate::lint::uses::Meaning;

const CODE: Code = Code {
    id: "GF204",
    name: "unknown-output",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (_, name) in cx.names().filter(|(_, name)| name.path[0] == "steps") {
        let Meaning::NoField(position, candidates) = &name.meaning else {
            continue;
        };
        let word = &name.path[*position];
        let title = cx.title_of(&name.path[1]);
        let message = match *position {
            2 => format!("step {title} gives no `{word}`"),
            _ => format!(
                "`{}` of step {title} has no `{word}`",
                name.path[2..*position].join(".")
            ),
        };
        let finding = Diagnostic::error(CODE, message, name.span);
        let there_are = if *position == 2 { "it gives" } else { "it has" };
        report.push_with(|| suggest(finding, word, candidates.iter().map(String::as_str), there_are));
    }
}
