//! An expression reads a value that is not there on every path.

use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::uses::{Meaning, Missing, Name};

const CODE: Code = Code {
    id: "GF208",
    name: "may-be-missing",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for (_, name) in cx.names().filter(|(_, name)| !name.guarded) {
        let Meaning::MayBeMissing(missing) = name.meaning else {
            continue;
        };
        report.push(finding(cx, name, missing));
    }
}

fn finding(cx: &Context<'_>, name: &Name, missing: Missing) -> Diagnostic {
    let path = name.path.join(".");
    let title = name.path.get(1).map(|id| cx.title_of(id)).unwrap_or_default();
    let why = match missing {
        Missing::OtherPath => format!("step {title} does not run on every path to here"),
        Missing::Skipped => format!("step {title} is skipped where its `if` does not hold"),
        Missing::OtherOutcome => format!("step {title} gives it with some of its outcomes only"),
        Missing::Never => format!("no outcome of step {title} that leads here gives it"),
        Missing::Optional => "it is not always given".to_owned(),
    };
    let finding = Diagnostic::error(CODE, format!("`{path}` may be missing: {why}"), name.span);
    match missing {
        Missing::Never => finding.with_help("read from another step, or come here after another outcome"),
        _ => finding.with_help(format!(
            "say what to take instead, as `{path} or inputs.…`, or come here only after it is there"
        )),
    }
}
