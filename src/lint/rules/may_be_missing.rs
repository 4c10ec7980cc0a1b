//! An expression reads a value that is not there on every path.

use crate::base::{Code, Diagnostic, Severity};
use crate::lint::places::Owner;
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
    for (one, name) in cx.names().filter(|(_, name)| !name.guarded) {
        let Meaning::MayBeMissing(missing) = name.meaning else {
            continue;
        };
        let finding = finding(cx, name, missing);
        report.push(match cx.places[one.place].owner {
            Owner::Outputs | Owner::Element(_) => of_output(name, finding),
            Owner::Trigger | Owner::Step(_) => finding,
        });
    }
}

/// A run goes on without an output that it cannot give; nobody may have meant that.
fn of_output(name: &Name, finding: Diagnostic) -> Diagnostic {
    let path = name.path.join(".");
    Diagnostic {
        severity: Severity::Warning,
        message: finding.message.replace("to here", "to the end"),
        ..finding
    }
    .with_help(format!(
        "where it is missing the run gives no such output; say what to give instead, as `{path} or none`"
    ))
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
