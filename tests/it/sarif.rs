//! SARIF as the standard has it.

use gatefold::base::render::{FileFindings, sarif};
use gatefold::base::{Calendars, Value};
use gatefold::lint::{Surroundings, check};
use gatefold::spec::Catalog;

/// Whatever lint finds comes out as a log that the official schema of SARIF 2.1.0 accepts.
#[test]
fn logs_fit_the_official_schema() {
    // A bracket too many in the schema, which not every reader of regular expressions forgives.
    let text = include_str!("../data/sarif/sarif-schema-2.1.0.json").replace("{2}]?$", "{2}$");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::draft7::new(&schema).expect("the schema is one");
    let calendars = Calendars::new();
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    let file = |name: &str, text: &str| FileFindings {
        name: name.to_owned(),
        text: text.into(),
        findings: check(name, text, surroundings).findings,
    };
    let many = file("b c/ü.flow.yaml", include_str!("../data/lint/many-errors.flow.yaml"));
    let two_steps = file(
        "two.flow.yaml",
        "flow: a\nsteps:\n  - { id: a, end: { status: x } }\n  - { id: a, wiat: 1 }\n",
    );
    assert!(many.findings.len() > 10);
    assert!(two_steps.findings.iter().any(|finding| !finding.related.is_empty()));
    assert!(
        [&many, &two_steps]
            .iter()
            .any(|file| file.findings.iter().any(|finding| finding.fix.is_some()))
    );
    for files in [vec![], vec![many, two_steps, file("empty.flow.yaml", "")]] {
        let log = sarif::render(&files);
        let errors: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0]);
    }
    // The schema is no rubber stamp.
    let mut wrong = sarif::render(&[]);
    wrong["runs"][0]["results"] = serde_json::json!([{ "ruleId": "GF001" }]);
    assert!(!validator.is_valid(&wrong));
}
