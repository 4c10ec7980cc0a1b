//! What reading and checking does with texts that are far too much.

use gatefold::base::findings::MAX_FINDINGS;
use gatefold::base::{Calendars, Severity};
use gatefold::lint::{Surroundings, Verdict, check};
use gatefold::spec::Catalog;
use gatefold::spec::limits::MAX_STEPS;

fn lint(text: &str) -> Verdict {
    let calendars = Calendars::new();
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars: &calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    check("a.flow.yaml", text, surroundings)
}

fn steps(count: usize) -> String {
    let step = |at: usize| format!("  - {{ id: s{at}, uses: data.set, with: {{ value: \"${{{{ run.id }}}}\" }} }}\n");
    let steps: String = (0..count).map(step).collect();
    format!("flow: a\nversion: 1.0.0\nsteps:\n{steps}")
}

#[test]
fn of_very_many_findings_the_first_are_told_and_the_others_counted() {
    let flow = |count: usize| -> String {
        let keys: String = (0..count).map(|at| format!("    k{at}: 1\n")).collect();
        format!("flow: a\nversion: 1.0.0\nsteps:\n  - id: s\n    uses: data.set\n    with: {{ value: 1 }}\n{keys}")
    };
    assert_eq!(lint(&flow(MAX_FINDINGS)).findings.len(), MAX_FINDINGS);
    for more in [1, 20_000] {
        let found = lint(&flow(MAX_FINDINGS + more)).findings;
        assert_eq!(found.len(), MAX_FINDINGS + 1);
        assert!(found[..MAX_FINDINGS].iter().all(|finding| finding.code.id == "GF101"));
        let last = &found[MAX_FINDINGS];
        assert_eq!(last.severity, Severity::Error);
        assert!(last.message.contains(&format!("{more} finding")), "{}", last.message);
    }
}

#[test]
fn what_would_be_searched_for_every_finding_is_searched_for_those_that_are_told() {
    let mut text = steps(MAX_STEPS);
    let names = "\n  - { id: last, uses: data.set, with: { value: [";
    let wrong: String = (0..5_000)
        .map(|at| format!("\"${{{{ steps.t{at}.value }}}}\", "))
        .collect();
    text.truncate(text.rfind("  - {").expect("a step"));
    text.push_str(&format!("{}{wrong}1] }} }}\n", names.trim_start_matches('\n')));
    let found = lint(&text).findings;
    assert_eq!(found.len(), MAX_FINDINGS + 1);
    assert!(
        found[MAX_FINDINGS].message.contains("4000 findings"),
        "{}",
        found[MAX_FINDINGS].message
    );
}

#[test]
fn steps_beyond_the_limit_are_not_looked_at() {
    let found = lint(&steps(MAX_STEPS));
    assert_eq!(found.findings, []);
    assert_eq!(found.plan.map(|plan| plan.steps.len()), Some(MAX_STEPS));
    let found = lint(&steps(MAX_STEPS + 1));
    assert_eq!(found.findings.len(), 1, "{:?}", found.findings);
    assert!(found.findings[0].message.contains("more than 1000 entries"));
    assert!(found.plan.is_none_or(|plan| plan.steps.len() <= MAX_STEPS));
}
