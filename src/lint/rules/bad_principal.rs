//! Who is meant cannot be told.

use crate::base::diagnostic::nearest;
use crate::base::source::escape;
use crate::base::{Code, Diagnostic};
use crate::lint::principals::{Named, literals};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::lint::rules::expression_as_text::is_slip;

const CODE: Code = Code {
    id: "GF502",
    name: "bad-principal",
};

/// What may stand before the colon.
const KINDS: [&str; 6] = ["user", "role", "group", "skill", "email", "manager_of"];

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        braces(cx, step, report);
        for named in literals(cx, step) {
            let Named { text, in_with, .. } = named;
            // An action takes whatever a person would write on an envelope.
            let is_fine = in_with && (text.trim() == "anyone" || text.contains('@') && !text.contains(':'));
            if is_fine {
                continue;
            }
            if let Some((message, help)) = wrong(text) {
                report.push(Diagnostic::error(CODE, message, named.span(cx)).with_help(help));
            }
        }
    }
}

/// Weights are for people as they are written: nothing is put in there.
fn braces(cx: &Context<'_>, step: &StepView<'_>, report: &mut Report) {
    let weights = step.spec.approve.iter().flat_map(|approve| approve.weights.keys());
    for name in weights.filter(|name| name.contains("${{")) {
        let span = cx.key(&step.at(&format!("approve/weights/{}", escape(name))));
        let message = format!("`{name}` is looked up as it is written");
        report.push(Diagnostic::error(CODE, message, span).with_help("write the person, role or group itself"));
    }
}

/// What is wrong with `text`, and what to write instead.
fn wrong(text: &str) -> Option<(String, String)> {
    // What lacks its braces has a finding of its own.
    if text.trim_start().starts_with("${{") || is_slip(text) {
        return None;
    }
    let Some((kind, name)) = text.split_once(':') else {
        let help = if text.contains('@') {
            format!("for a mail address write `email:{text}`")
        } else {
            format!("write `role:{text}` for a role, or `user:{text}` for a person")
        };
        return Some((
            format!("`{text}` does not say whether it is a person, a role or a group"),
            help,
        ));
    };
    if !KINDS.contains(&kind) {
        let help = match nearest(kind, KINDS) {
            Some(near) => format!("did you mean `{near}:{name}`?"),
            None => {
                "people are named as `user:…`, `role:…`, `group:…`, `skill:…`, `email:…` or `manager_of:…`".to_owned()
            }
        };
        return Some((format!("`{kind}:` is no kind of people"), help));
    }
    if name.contains("${{") {
        return None;
    }
    if name.trim().is_empty() || name.contains(char::is_whitespace) {
        return Some((
            format!("`{text}` names nobody"),
            format!("write `{kind}:` and a name without spaces"),
        ));
    }
    let is_address = name
        .split_once('@')
        .is_some_and(|(local, host)| !local.is_empty() && host.contains('.'));
    (kind == "email" && !is_address).then(|| {
        (
            format!("`{name}` is no mail address"),
            "write `email:name@example.com`".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn every_kind_passes_and_slips_are_named() {
        for good in [
            "user:anna",
            "role:legal",
            "group:board",
            "skill:spanish",
            "email:a@example.com",
            "manager_of:anna",
            "${{ inputs.x }}",
            "role:${{ item }}",
        ] {
            assert_eq!(wrong(good), None, "{good}");
        }
        for (bad, help) in [
            ("legal", "write `role:legal` for a role, or `user:legal` for a person"),
            ("a@example.com", "for a mail address write `email:a@example.com`"),
            ("roles:legal", "did you mean `role:legal`?"),
            ("role:", "write `role:` and a name without spaces"),
            ("email:anna", "write `email:name@example.com`"),
        ] {
            assert_eq!(wrong(bad).expect(bad).1, help);
        }
    }
}
