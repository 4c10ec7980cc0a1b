//! Plans for unit tests, from YAML.

use super::{Plan, compile};
use crate::base::{Calendar, Calendars, Document, Findings};
use crate::spec::{Acquires, ActionInfo, Catalog, Effect, FlowSpec};
use serde_json::json;

/// An action that takes and gives anything.
pub fn action(name: &str, effect: Effect) -> ActionInfo {
    ActionInfo {
        name: name.to_owned(),
        summary: name.to_owned(),
        effect,
        idempotent: true,
        local: true,
        acquires: None,
        input: json!({"type": "object"}),
        output: json!({"type": "object"}),
    }
}

/// `data.make` (pure), `file360.create_share` (acquires a share) and `mail.send`.
pub fn catalog() -> Catalog {
    let mut share = action("file360.create_share", Effect::Share);
    share.acquires = Some(Acquires {
        kind: "share".to_owned(),
        output: "share".to_owned(),
        release: "file360.revoke_share".to_owned(),
        with: "share".to_owned(),
    });
    let actions = [
        action("data.make", Effect::Pure),
        share,
        action("mail.send", Effect::Notify),
    ];
    Catalog {
        actions: actions
            .into_iter()
            .map(|action| (action.name.clone(), action))
            .collect(),
        ..Catalog::default()
    }
}

/// `corporate`: Monday to Friday, nine to five, UTC.
pub fn calendars() -> Calendars {
    let corporate = Calendar {
        zone: "UTC".to_owned(),
        hours: vec!["09:00-17:00".to_owned()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        holidays: Vec::new(),
    };
    Calendars::from([("corporate".to_owned(), corporate)])
}

/// Compiles `yaml`, which is a flow or, without a `flow:`, the list of its steps.
///
/// # Panics
/// If it is no flow.
pub fn compiled(yaml: &str) -> (Document, Plan, Findings) {
    let text = if yaml.contains("flow:") {
        yaml.to_owned()
    } else {
        format!("flow: test\nversion: 1.0.0\ncalendar: corporate\nsteps:\n{yaml}")
    };
    let (document, findings) = Document::parse("test.flow.yaml", &text);
    assert_eq!(findings, [], "{text}");
    let spec: FlowSpec = serde_json::from_value(document.value.clone()).expect("a flow");
    let (plan, findings) = compile(&document, &spec, &catalog(), &calendars());
    (document, plan.expect("there is always a plan"), findings)
}

/// The plan of `yaml`, which has nothing wrong.
///
/// # Panics
/// If there is a finding.
pub fn plan(yaml: &str) -> Plan {
    let (_, plan, findings) = compiled(yaml);
    assert_eq!(findings, []);
    plan
}
