//! Lint and the actions agree on constants: what lint accepts under `with`, the action's own parser takes.

use gatefold::base::{Calendars, Period, Semantics, Severity, Value, moment};
use gatefold::lint::{Surroundings, check};
use gatefold::spec::Catalog;

const CONSTANTS: [&str; 20] = [
    "30 days",
    "0 days",
    "5",
    "P3D",
    "PT0S",
    "3 business days",
    "soon",
    "",
    " ",
    "2026-12-24",
    "20261224",
    "2026-12-24 18:00",
    "2026-12-24T18:00",
    "2026-12-24T18:00Z",
    "2026-12-24T25:00Z",
    "2026-12-24[Asia/Tokyo]",
    "2026-12-24T18:00[Asia/Tokyo]",
    "2026-12-24T18:00[Tokyo]",
    "+012026-12-24",
    "9999-12-31",
];

/// Whether the parser that actions use for values of a format takes the text.
fn is_taken(format: &str, text: &str) -> bool {
    match format {
        "period" => Period::parse(text).is_ok_and(|period| !period.needs_calendar()),
        "moment" => moment::read(text, "UTC", Semantics::CURRENT).is_ok(),
        _ => true,
    }
}

#[test]
fn lengths_of_time_and_moments_that_lint_accepts_are_taken_by_every_action() {
    let catalog = Catalog::builtin();
    let calendars = Calendars::new();
    let mut pairs = 0;
    for action in catalog.actions.values() {
        let properties = action.input.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            let Some(format @ ("period" | "moment")) = property.get("format").and_then(Value::as_str) else {
                continue;
            };
            for text in CONSTANTS {
                let flow = format!(
                    "flow: t\nversion: 1.0.0\nsteps:\n  - id: one\n    uses: {}\n    with: {{ {key}: {text:?} }}\n",
                    action.name
                );
                let surroundings = Surroundings {
                    catalog,
                    calendars: &calendars,
                    people: None,
                    flows: None,
                    secrets: None,
                };
                let verdict = check("t.flow.yaml", &flow, surroundings);
                let begin = flow.find(&format!("{text:?} }}")).expect("it is there");
                let refused = verdict
                    .findings
                    .iter()
                    .any(|one| one.severity == Severity::Error && one.primary.start >= begin);
                assert!(refused || is_taken(format, text), "{}: {key}: {text:?}", action.name);
                assert!(
                    !refused || !is_taken(format, text) || text.starts_with(['0', 'P']),
                    "{}: {key}: {text:?}",
                    action.name
                );
                pairs += 1;
            }
        }
    }
    assert!(pairs >= 6 * CONSTANTS.len(), "{pairs}");
}
