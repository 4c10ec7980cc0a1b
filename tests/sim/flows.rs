//! Flows for the engine's tests: the actions they call, and how their text becomes a plan.

use gatefold::base::diagnostic::has_errors;
use gatefold::base::{Calendar, Calendars, Diagnostic, Document};
use gatefold::engine::{Event, EventRecord};
use gatefold::plan::run::{CANCEL_ACTION, START_ACTION};
use gatefold::plan::{Plan, compile};
use gatefold::spec::{Catalog, read_flow};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// What the tests' flows may call and wait for: the built-in catalogue, and a connection `t`
/// whose actions take and give anything.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = Catalog::builtin().clone();
    let acquires =
        |kind: &str, release: &str| json!({ "kind": kind, "output": kind, "release": release, "with": kind });
    let actions = [
        ("t.call", "write", true, Value::Null),
        ("t.once", "write", false, Value::Null),
        ("t.pure", "pure", true, Value::Null),
        ("t.fate", "pure", true, Value::Null),
        ("t.local", "write", true, Value::Null),
        ("t.share", "share", true, acquires("share", "t.unshare")),
        ("t.grant", "share", true, acquires("grant", "t.ungrant")),
        ("t.unshare", "write", true, Value::Null),
        ("t.ungrant", "write", true, Value::Null),
        (START_ACTION, "write", true, acquires("run", CANCEL_ACTION)),
        (CANCEL_ACTION, "write", true, Value::Null),
    ];
    for (name, effect, idempotent, acquires) in actions {
        let mut info = json!({
            "name": name, "summary": "For tests.", "effect": effect, "idempotent": idempotent,
            "local": name == "t.local", "input": {}, "output": {},
        });
        if !acquires.is_null() {
            info["acquires"] = acquires;
        }
        let info = serde_json::from_value(info).expect("it is an action");
        catalog.actions.insert(name.to_owned(), info);
    }
    for name in ["t.ping", "t.pong"] {
        let info = json!({ "name": name, "summary": "For tests.", "data": {} });
        let info = serde_json::from_value(info).expect("it is an event");
        catalog.events.insert(name.to_owned(), info);
    }
    catalog
});

/// The calendar `office`: nine to five in Madrid, Monday to Friday.
pub fn calendars() -> Calendars {
    let office = Calendar {
        zone: "Europe/Madrid".to_owned(),
        hours: vec!["09:00-17:00".to_owned()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        holidays: Vec::new(),
    };
    [("office".to_owned(), office)].into()
}

/// Compiles `text`, YAML or JSON.
pub fn try_plan(text: &str) -> (Option<Plan>, Vec<Diagnostic>) {
    let (document, mut findings) = Document::parse("test.flow.yaml", text);
    let (spec, more) = read_flow(&document);
    findings.extend(more);
    let Some(spec) = spec else {
        return (None, findings.into());
    };
    let (plan, more) = compile(&document, &spec, &CATALOG, &calendars());
    findings.extend(more);
    (plan, findings.into())
}

/// Compiles `text`, which has to be a flow without errors.
pub fn plan(text: &str) -> Arc<Plan> {
    let (plan, findings) = try_plan(text);
    assert!(!has_errors(&findings), "{text}\n{findings:#?}");
    Arc::new(plan.expect("a flow without errors has a plan"))
}

/// How often a way back led to a step that was not taken before, of those that began then.
pub fn calls(journal: &[EventRecord]) -> usize {
    let mut called = BTreeSet::new();
    let mut begun = BTreeSet::new();
    for record in journal {
        if let Event::WentBack { to, .. } = &record.event
            && !begun.contains(to)
        {
            called.insert(to.clone());
        }
        let event = json!(record.event);
        begun.extend(event["step"].as_str().map(str::to_owned));
    }
    called.intersection(&begun).count()
}
