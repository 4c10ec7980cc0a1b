use super::*;
use crate::plan::testing::plan;

const BEFORE: &str = "
  - id: sign
    approve: { document: \"${{ inputs.doc }}\", by: [role:legal], rule: 2, exclude: [initiator], decisions: [approved, rejected] }
    deadline: { due: 3 days }
    outcomes: { rejected: { end: refused }, expired: { end: expired } }
  - id: room
    uses: file360.create_share
    with: { name: Report, files: [\"${{ steps.sign.document }}\"] }
";

/// The changes from [`BEFORE`] to the same text with `old` replaced by `new`, in words.
fn told(old: &str, new: &str) -> Vec<String> {
    assert!(BEFORE.contains(old), "{old}");
    told_of(BEFORE, &BEFORE.replace(old, new))
}

fn told_of(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (plan(before), plan(after));
    let accepted = rights_of(&before);
    let all = changes(Some(&before), &accepted, &after);
    all.iter()
        .filter(|change| change.is_risky())
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_same_approval_is_no_change() {
    assert_eq!(told("", ""), [""; 0]);
    assert_eq!(told("name: Report", "name: Our report"), [""; 0]);
}

#[test]
fn a_stricter_approval_is_no_change() {
    for (old, new) in [
        ("rule: 2", "rule: 3"),
        ("exclude: [initiator]", "exclude: [initiator, uploader]"),
        (
            "decisions: [approved, rejected]",
            "veto: [role:risk], decisions: [approved, rejected]",
        ),
    ] {
        assert_eq!(told(old, new), [""; 0], "{new}");
    }
}

#[test]
fn a_weaker_approval_is_told_by_its_key() {
    for (old, new, key) in [
        ("rule: 2", "rule: 1", "rule was `2` and is `1`"),
        ("rule: 2", "rule: any", "rule was `2` and is `any`"),
        ("rule: 2", "rule: majority", "rule was `2` and is `majority`"),
        (", exclude: [initiator]", "", "exclude was `initiator` and is nothing"),
        (
            "[role:legal]",
            "[role:sales]",
            "by was `role:legal` and is `role:sales`",
        ),
        (
            "[role:legal]",
            "[role:legal, role:sales]",
            "by was `role:legal` and is `role:legal, role:sales`",
        ),
        ("inputs.doc }}", "inputs.other }}", "document was"),
        (
            "rejected: { end: refused }",
            "rejected: continue",
            "outcomes that go on was `approved` and is `approved, rejected`",
        ),
        (
            "    deadline:",
            "    if: inputs.big\n    deadline:",
            "if was nothing and is `inputs.big`",
        ),
        ("rule: 2,", "rule: 2, allow: [skip],", "allow was"),
        (
            "due: 3 days",
            "due: 3 days, escalate: { after: 1 day, to: [role:sales] }",
            "escalate was nothing",
        ),
    ] {
        let told = told(old, new);
        assert!(
            told.iter()
                .any(|one| one.starts_with("changes the approval `sign`:") && one.contains(key)),
            "{new}: {told:?}"
        );
    }
}

#[test]
fn an_approval_that_is_gone_is_told() {
    let after = "
  - id: room
    uses: file360.create_share
    with: { name: Report, files: [\"${{ inputs.doc }}\"] }
";
    assert_eq!(told_of(BEFORE, after), ["removes the approval `sign`"]);
}

#[test]
fn a_way_around_an_approval_is_told() {
    let bypass = ["calls file360.create_share without waiting for the approval `sign`"];
    assert_eq!(
        told("  - id: room\n", "  - id: room\n    after: start\n"),
        bypass,
        "the same step begins at once"
    );
    let beside =
        format!("{BEFORE}  - {{ id: other, after: start, uses: file360.create_share, with: {{ name: X }} }}\n");
    assert!(
        told_of(BEFORE, &beside).contains(&bypass[0].to_owned()),
        "another step does the same"
    );
}

#[test]
fn another_document_than_the_one_that_was_approved_is_told() {
    assert_eq!(
        told("steps.sign.document", "inputs.doc"),
        ["calls file360.create_share with a document other than the one that `sign` approved"]
    );
}

#[test]
fn a_review_of_an_item_counts_as_an_approval() {
    let collect = |review: &str| {
        format!(
            "
  - id: papers
    collect: {{ from: role:sales, items: {{ tax: {{ title: Tax form{review} }} }} }}
    deadline: {{ due: 3 days }}
    outcomes: {{ incomplete: {{ end: incomplete }}, withdrawn: {{ end: withdrawn }} }}
"
        )
    };
    let told = told_of(&collect(", review: [role:finance]"), &collect(""));
    assert_eq!(told, ["removes the approval `papers/tax`"]);
}

#[test]
fn rights_that_a_new_flow_needs_are_all_added() {
    let after = plan("  - { id: m, uses: mail.send, with: { to: \"${{ inputs.who }}\" } }\n");
    let all = changes(None, &FlowRights::default(), &after);
    let told: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["adds a right: send to a recipient outside the directory: any value given at run time"]
    );
}

#[test]
fn a_guarantee_that_is_gone_is_told() {
    let flow =
        |guarantees: &str| format!("flow: test\nversion: 1.0.0\ncalendar: corporate\nsteps:\n{BEFORE}{guarantees}");
    let guarantee = "guarantees: [file360.create_share only after sign.approved]\n";
    assert_eq!(
        told_of(&flow(guarantee), &flow("")),
        ["removes the guarantee `file360.create_share only after sign.approved`"]
    );
}
