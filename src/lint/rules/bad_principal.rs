//! Who is meant cannot be told.

use crate::base::diagnostic::nearest;
use crate::base::source::escape;
use crate::base::{Code, Diagnostic};
use crate::lint::rule::{Check, Context, Report, Rule};
use crate::spec::DeadlineSpec;

const CODE: Code = Code {
    id: "GF502",
    name: "bad-principal",
};

/// What may stand before the colon.
const KINDS: [&str; 5] = ["user", "role", "group", "email", "manager_of"];

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let mut lists: Vec<(String, &[String])> = Vec::new();
        if let Some(approve) = &step.spec.approve {
            lists.push(("approve/by".to_owned(), &approve.by));
            lists.push(("approve/veto".to_owned(), &approve.veto));
        }
        if let Some(task) = &step.spec.task {
            lists.push(("task/to".to_owned(), &task.to));
        }
        if let Some(collect) = &step.spec.collect {
            lists.extend(
                collect
                    .items
                    .iter()
                    .map(|(name, item)| (format!("collect/items/{}/review", escape(name)), item.review.as_slice())),
            );
            whole(cx, &step.at("collect/from"), &collect.from, report);
        }
        if let Some(DeadlineSpec::Due(deadline)) = &step.spec.deadline
            && let Some(escalate) = &deadline.escalate
        {
            lists.push(("deadline/escalate/to".to_owned(), &escalate.to));
        }
        for weighted in step.spec.approve.iter().flat_map(|approve| approve.weights.keys()) {
            let literal = (!weighted.contains("${{")).then(|| wrong(weighted)).flatten();
            let braces = || {
                let help = "write the person, role or group itself".to_owned();
                weighted
                    .contains("${{")
                    .then(|| (format!("`{weighted}` is looked up as it is written"), help))
            };
            if let Some((message, help)) = literal.or_else(braces) {
                let span = cx.key(&step.at(&format!("approve/weights/{}", escape(weighted))));
                report.push(Diagnostic::error(CODE, message, span).with_help(help));
            }
        }
        for (path, principals) in lists {
            for (index, principal) in principals.iter().enumerate() {
                whole(cx, &step.at(&format!("{path}/{index}")), principal, report);
            }
        }
    }
}

/// Says what is wrong with the principal at `pointer`.
fn whole(cx: &Context<'_>, pointer: &str, principal: &str, report: &mut Report) {
    if let Some((message, help)) = wrong(principal) {
        report.push(Diagnostic::error(CODE, message, cx.value(pointer)).with_help(help));
    }
}

/// What is wrong with `text`, and what to write instead.
fn wrong(text: &str) -> Option<(String, String)> {
    if text.trim_start().starts_with("${{") {
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
            None => "people are named as `user:…`, `role:…`, `group:…`, `email:…` or `manager_of:…`".to_owned(),
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
