//! Lengths of time in flows: wherever one stands, working time wants a calendar.

use gatefold::base::{Calendar, Calendars, Period};
use gatefold::lint::{Surroundings, check};
use gatefold::spec::Catalog;

/// Every key of the language and of the actions that takes a length of time, by what stands around it: `LENGTH` is
/// the length of time. Beside each key the finding that working time has there without a calendar.
const LENGTHS: [(&str, &str, &str); 21] = [
    (
        "DocumentTrigger/expires_within",
        "GF404",
        "on: { document: { expires_within: LENGTH } }\nsteps: [{ id: z, end: { status: ok } }]",
    ),
    (
        "Input/default",
        "GF404",
        "inputs: { a: { type: duration, default: LENGTH } }\nsteps: [{ id: z, end: { status: ok } }]",
    ),
    (
        "settings",
        "GF404",
        "settings: { a: { type: duration, default: LENGTH } }\nsteps: [{ id: z, end: { status: ok } }]",
    ),
    (
        "values",
        "GF404",
        "values: { a: { type: duration, default: LENGTH } }\nsteps: [{ id: z, set: { a: 1 day } }]",
    ),
    (
        "set",
        "GF404",
        "values: { a: { type: duration } }\nsteps: [{ id: z, set: { a: LENGTH } }]",
    ),
    (
        "webhook/inputs",
        "GF404",
        "on: { webhook: { secret: S, inputs: { a: LENGTH } } }\ninputs: { a: { type: duration } }\nsteps: [{ id: z, end: { status: ok } }]",
    ),
    (
        "Field/default",
        "GF404",
        "steps: [{ id: z, task: { kind: form, to: [role:x], form: { a: { type: duration, default: LENGTH } } }, deadline: { due: 9 days }, outcomes: { declined: continue, expired: continue } }]",
    ),
    (
        "Approve/hold_back",
        "GF404",
        "inputs: { d: { type: file } }\nsteps: [{ id: z, approve: { document: \"${{ inputs.d }}\", by: [role:x], decisions: [ok], hold_back: LENGTH }, deadline: { due: 9 days }, outcomes: { expired: continue } }]",
    ),
    (
        "Task/hold_back",
        "GF404",
        "steps: [{ id: z, task: { to: [role:x], hold_back: LENGTH }, deadline: { due: 9 days }, outcomes: { declined: continue, expired: continue } }]",
    ),
    (
        "Due/due",
        "GF404",
        "steps: [{ id: z, task: { to: [role:x] }, deadline: { due: LENGTH }, outcomes: { declined: continue, expired: continue } }]",
    ),
    (
        "Due/remind",
        "GF404",
        "steps: [{ id: z, task: { to: [role:x] }, deadline: { due: 9 days, remind: [LENGTH before] }, outcomes: { declined: continue, expired: continue } }]",
    ),
    (
        "Escalate/after",
        "GF404",
        "steps: [{ id: z, task: { to: [role:x] }, deadline: { due: 9 days, escalate: { after: LENGTH, to: [role:y] } }, outcomes: { declined: continue, expired: continue } }]",
    ),
    ("Wait/until", "GF404", "steps: [{ id: z, wait: { until: LENGTH } }]"),
    (
        "Item/at_least",
        "GF403",
        "steps: [{ id: z, collect: { from: role:x, items: { a: { title: A, valid_until: required, at_least: LENGTH } } }, deadline: { due: 9 days }, outcomes: { incomplete: continue, withdrawn: continue } }]",
    ),
    (
        "Item/renew_before",
        "GF403",
        "steps: [{ id: z, collect: { from: role:x, items: { a: { title: A, valid_until: required, at_least: 90 days, renew_before: LENGTH } } }, deadline: { due: 9 days }, outcomes: { incomplete: continue, withdrawn: continue } }]",
    ),
    (
        "Retry/backoff",
        "GF403",
        "steps: [{ id: z, uses: data.set, with: { value: 1 }, retry: { attempts: 2, backoff: LENGTH } }]",
    ),
    (
        "Retry/max",
        "GF403",
        "steps: [{ id: z, uses: data.set, with: { value: 1 }, retry: { attempts: 2, max: LENGTH } }]",
    ),
    (
        "file360.create_share/expires_in",
        "GF404",
        "inputs: { d: { type: file } }\nsteps: [{ id: z, uses: file360.create_share, with: { name: x, files: [\"${{ inputs.d }}\"], expires_in: LENGTH } }]",
    ),
    (
        "file360.update_share/expires_in",
        "GF404",
        "inputs: { s: { type: text } }\nsteps: [{ id: z, uses: file360.update_share, with: { share: \"${{ inputs.s }}\", expires_in: LENGTH } }]",
    ),
    (
        "file360.request_files/expires_in",
        "GF404",
        "steps: [{ id: z, uses: file360.request_files, with: { name: x, to: role:x, items: { a: { title: A } }, expires_in: LENGTH } }]",
    ),
    (
        "fallback",
        "GF404",
        "inputs: { d: { type: file }, e: { type: text } }\nsteps: [{ id: z, uses: file360.create_share, with: { name: x, files: [\"${{ inputs.d }}\"], expires_in: \"${{ inputs.e or 'LENGTH' }}\" } }]",
    ),
];

/// Each finding of a flow, as `CODE word`.
fn told(text: &str) -> Vec<(&'static str, String)> {
    let calendar = Calendar {
        zone: "UTC".into(),
        hours: vec!["09:00-17:00".into()],
        week: vec!["mon".into()],
        holidays: Vec::new(),
    };
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &Calendars::from([("corporate".to_owned(), calendar)]),
        people: None,
        flows: None,
        secrets: None,
    };
    let found = check("a.flow.yaml", text, surroundings).findings;
    let word = |one: &gatefold::base::Diagnostic| text[one.primary.start..one.primary.end].to_owned();
    found.iter().map(|one| (one.code.id, word(one))).collect()
}

#[test]
fn working_time_without_a_calendar_is_told_wherever_a_length_of_time_stands() {
    for (key, code, around) in LENGTHS {
        let text = |length: &str| format!("flow: a\nversion: 1.0.0\n{}\n", around.replace("LENGTH", length));
        let codes = |text: &str| told(text).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
        let (plain, working) = (text("3 days"), text("3 business days"));
        assert_eq!(codes(&plain), [""; 0], "{key}: {:?}", told(&plain));
        assert_eq!(codes(&working), [code], "{key}: {:?}", told(&working));
        if code == "GF404" {
            let named = working.replace("version", "calendar: corporate\nversion");
            assert_eq!(codes(&named), [""; 0], "{key}: {:?}", told(&named));
        }
    }
}

#[test]
fn no_key_that_takes_a_length_of_time_is_forgotten_here() {
    let schema = gatefold::spec::schema::flow_schema();
    let is_length = |property: &serde_json::Value| {
        let examples = property["examples"].as_array().into_iter().flatten();
        let mut words = examples.flat_map(|one| one.as_array().map_or(std::slice::from_ref(one), Vec::as_slice));
        words.any(|word| {
            let word = word.as_str().unwrap_or_default().trim_end_matches(" before");
            Period::parse(word).is_ok()
        })
    };
    let mut keys = Vec::new();
    for (name, def) in schema["$defs"].as_object().expect("there are definitions") {
        let properties = def["properties"].as_object().into_iter().flatten();
        let lengths = properties.filter(|(_, property)| is_length(property));
        keys.extend(lengths.map(|(key, _)| format!("{name}/{key}")));
    }
    for action in Catalog::builtin().actions.values() {
        let properties = action.input["properties"].as_object().into_iter().flatten();
        let lengths = properties.filter(|(_, property)| property["format"] == "period");
        keys.extend(lengths.map(|(key, _)| format!("{}/{key}", action.name)));
    }
    assert!(keys.len() > 12, "they are found: {keys:?}");
    for key in keys {
        assert!(
            LENGTHS.iter().any(|(known, ..)| *known == key),
            "{key} is in no example"
        );
    }
}
