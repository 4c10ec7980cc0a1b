//! A secret that the configuration binds to other flows or hosts, or keeps for the server itself.

use crate::base::secret_rules::SecretRefusal;
use crate::base::{Code, Diagnostic, FlowRight, Span, Value};
use crate::lint::paths::Paths;
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::lint::uses::{Meaning, Name};
use crate::plan::rights::secret_rights;

/// What the rule raises. The deploy gate passes over it where the same version is deployed already.
pub const CODE: Code = Code {
    id: "GF704",
    name: "secret-not-allowed",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Graph(check),
};

fn check(cx: &Context<'_>, _: &[Paths<'_>], report: &mut Report) {
    let (Some(secrets), Some(plan)) = (cx.secrets, cx.plan) else {
        return;
    };
    if let Some(webhook) = &plan.triggers.webhook {
        let right = FlowRight::SecretInside {
            name: webhook.secret.clone(),
        };
        if let Some(refusal) = secrets.forbids(&plan.flow, &right) {
            let place = cx.value("/on/webhook/secret");
            report.push(Diagnostic::error(CODE, refusal.to_string(), place).with_help(refusal.remedy()));
        }
    }
    for (one, name) in cx.names().filter(|(_, name)| name.meaning == Meaning::Secret) {
        let Some(view) = cx.owner(one) else { continue };
        let Some(step) = plan.all_steps().find(|step| step.pointer == view.pointer) else {
            continue;
        };
        let is_this = |right: &FlowRight| match right {
            FlowRight::Secret { name: secret, .. } | FlowRight::SecretInside { name: secret } => {
                name.path.get(1) == Some(secret)
            }
            _ => false,
        };
        for right in secret_rights(&step.verb).iter().filter(|right| is_this(right)) {
            if let Some(refusal) = secrets.forbids(&plan.flow, right) {
                report.push(finding(cx, view, name, &refusal));
            }
        }
    }
}

/// The finding, at the host that the secret may not go to, or at the secret.
fn finding(cx: &Context<'_>, step: &StepView<'_>, name: &Name, refusal: &SecretRefusal) -> Diagnostic {
    let finding = match refusal {
        SecretRefusal::Host { host, .. } => Diagnostic::error(CODE, refusal.to_string(), host_in_url(cx, step, host))
            .with_related(name.span, "the secret"),
        _ => Diagnostic::error(CODE, refusal.to_string(), name.span),
    };
    finding.with_help(refusal.remedy())
}

/// Where the host stands in the address that the step calls.
fn host_in_url(cx: &Context<'_>, step: &StepView<'_>, host: &str) -> Span {
    let pointer = step.at("with/url");
    let url = cx.document.value.pointer(&pointer).and_then(Value::as_str);
    let start = url.and_then(|url| url.to_ascii_lowercase().find(host));
    match start {
        Some(start) => cx.locator.place(&pointer, Span::new(start, start + host.len())),
        None => cx.value(&pointer),
    }
}
