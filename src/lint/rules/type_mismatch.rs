//! Types do not fit: text where a number is wanted, a condition that is neither true nor false.

use crate::base::{Code, Diagnostic};
use crate::expr::Type;
use crate::expr::check::ExprFindingKind;
use crate::lint::places::{Form, Purpose};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::lint::shapes;
use crate::lint::uses::Use;
use crate::plan::locate;

const CODE: Code = Code {
    id: "GF206",
    name: "type-mismatch",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for one in &cx.uses {
        let mismatches = one.wrong.iter().filter(|wrong| wrong.kind == ExprFindingKind::Mismatch);
        let before = report.len();
        for wrong in mismatches {
            report.push(Diagnostic::error(CODE, wrong.message.clone(), wrong.span));
        }
        if report.len() == before && one.whole {
            place(cx, one, report);
        }
    }
}

/// Whether the value fits the place it is for.
fn place(cx: &Context<'_>, one: &Use, report: &mut Report) {
    let place = &cx.places[one.place];
    let found = one.ty.words();
    let span = || locate(cx.document, &place.pointer, one.part);
    match (place.form, place.purpose) {
        (Form::Condition(key), _) if !matches!(one.ty, Type::Boolean | Type::Any) => {
            let message = format!("`{key}` must be true or false, and this is {found}");
            report.push(
                Diagnostic::error(CODE, message, span())
                    .with_help("compare it with something, as `inputs.amount > 1000` or `inputs.note != \'\'`"),
            );
        }
        (Form::Template, Purpose::Document) if !shapes::may_be_file(&one.ty) => {
            let message = format!("people decide on a file, and this is {found}");
            report.push(
                Diagnostic::error(CODE, message, span())
                    .with_help("name a file, as `${{ inputs.document }}` of an input with `type: file`"),
            );
        }
        (Form::Template, Purpose::Text) if matches!(one.ty, Type::Object { .. } | Type::List(_)) => {
            let finding = Diagnostic::error(CODE, format!("this must be a text, and is {found}"), span());
            let has_id = matches!(&one.ty, Type::Object { fields, .. } if fields.contains_key("id"));
            report.push(if has_id {
                finding.with_help("name it by its id: end the expression with `.id`")
            } else {
                finding
            });
        }
        _ => {}
    }
}
