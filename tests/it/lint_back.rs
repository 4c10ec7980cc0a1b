//! What lint makes of ways back to steps that need not have been reached.

use super::lint::{flow, lint, told};

/// `a` and `b` are a branch, `c` is where the other one comes in, and leads back to `to`.
fn led_back(to: &str, more: &str) -> String {
    flow(&format!(
        "  - {{ id: pick, choose: [{{ when: inputs.amount > 1, outcome: more }}, {{ otherwise: less }}] }}
  - {{ id: a, after: pick.more, uses: data.set, with: {{ value: 1 }} }}
  - {{ id: b, title: Bring, uses: data.set, with: {{ value: \"${{{{ steps.a.value }}}}\" }} }}
  - id: c
    after: [b, pick.less]
    join: any
    check: [{{ that: inputs.amount > 5, else: Too little. }}]
    outcomes: {{ failed: {{ back_to: {to}, max_rounds: 3, then: {{ end: over }} }} }}
{more}"
    ))
}

#[test]
fn what_a_way_back_leads_past_may_be_missing_and_the_way_is_named() {
    for to in ["a", "pick"] {
        assert_eq!(told(&led_back(to, "")), [""; 0], "{to}");
    }
    let found = lint(&led_back("b", "")).findings;
    let [finding] = found.as_slice() else {
        panic!("one thing is wrong: {found:#?}");
    };
    assert_eq!(
        finding.message,
        "`steps.a.value` may be missing: `c.failed` leads back to step \"Bring\", and step \"a\" need not have run then"
    );
    let help = finding.help.as_deref().unwrap_or_default();
    assert!(
        help.ends_with("or lead `c.failed` back to `a` or to what comes before it"),
        "{help}"
    );
    // what comes after the step knows no more, and what came before both is known
    let more = "  - { id: d, after: b, uses: data.set, with: { value: \"${{ steps.a.value }} ${{ steps.pick.outcome }}\" } }\n";
    let found = told(&led_back("b", more));
    assert_eq!(found, ["GF208 steps.a.value", "GF208 steps.a.value"]);
}

#[test]
fn what_is_left_of_a_run_that_was_led_back_is_told() {
    for (output, expected) in [
        ("steps.c.outcome", ""),
        ("steps.pick.outcome", ""),
        ("steps.b.value", "GF208 steps.b.value"),
    ] {
        let text = led_back("a", "").replace(
            "steps:\n  -",
            &format!("outputs: {{ x: \"${{{{ {output} }}}}\" }}\nsteps:\n  -"),
        );
        assert_eq!(told(&text).join("\n"), expected, "{output}");
    }
}

#[test]
fn a_step_that_only_a_way_back_begins_can_run() {
    let text = flow(
        "  - { id: a, uses: data.set, with: { value: 1 } }
  - { id: over, after: a, end: { status: over } }
  - { id: b, uses: data.set, with: { value: 2 } }
",
    );
    assert_eq!(told(&text), ["GF301 b"], "nothing leads back to it");
    let text = flow(
        "  - { id: a, check: [{ that: inputs.amount > 1, else: No. }], outcomes: { failed: { end: over } } }
  - { id: b, after: a.failed, uses: data.set, with: { value: 2 } }
  - id: c
    after: [b, a]
    join: any
    check: [{ that: inputs.amount > 5, else: Too little. }]
    outcomes: { failed: { back_to: b, max_rounds: 3, then: { end: over } } }
",
    );
    assert_eq!(told(&text), [""; 0]);
}
