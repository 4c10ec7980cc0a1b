//! Every code of every layer with its page under `docs/rules/`.

use crate::base::Code;

/// What a code means: its page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The code.
    pub code: Code,
    /// The page, in Markdown.
    pub text: &'static str,
}

impl Page {
    /// What the code finds, in a paragraph.
    pub fn summary(&self) -> &'static str {
        let found = self.text.split_once("## What it finds").map_or("", |(_, rest)| rest);
        found.split("\n## ").next().unwrap_or_default().trim()
    }
}

macro_rules! pages {
    ($($id:literal $name:literal),* $(,)?) => {
        &[$(Page {
            code: Code { id: $id, name: $name },
            text: include_str!(concat!("../../docs/rules/", $id, "-", $name, ".md")),
        }),*]
    };
}

/// Every code, in order.
pub const CODES: &[Page] = pages![
    "GF001" "yaml-syntax",
    "GF002" "duplicate-key",
    "GF003" "forbidden-yaml",
    "GF004" "ambiguous-scalar",
    "GF005" "alias-budget",
    "GF006" "too-large-or-deep",
    "GF007" "bad-calendar",
    "GF101" "unknown-key",
    "GF102" "missing-key",
    "GF103" "wrong-value",
    "GF104" "one-verb",
    "GF105" "bad-id",
    "GF106" "duplicate-id",
    "GF108" "bad-input",
    "GF109" "input-not-given",
    "GF201" "expression-syntax",
    "GF202" "unknown-input",
    "GF203" "unknown-step",
    "GF204" "unknown-output",
    "GF205" "unknown-function",
    "GF206" "type-mismatch",
    "GF207" "not-upstream",
    "GF208" "may-be-missing",
    "GF209" "condition-in-braces",
    "GF210" "unknown-name",
    "GF211" "expression-as-text",
    "GF301" "unreachable-step",
    "GF302" "cycle",
    "GF303" "join-never-met",
    "GF304" "outcome-goes-nowhere",
    "GF305" "unknown-outcome",
    "GF306" "unbounded-back-to",
    "GF307" "back-to-not-upstream",
    "GF308" "deadline-out-of-place",
    "GF309" "starts-itself",
    "GF310" "too-few-elements",
    "GF311" "nothing-to-keep",
    "GF312" "never-changes",
    "GF313" "complete-at-once",
    "GF315" "bad-cancel",
    "GF316" "lock-in-lock",
    "GF317" "never-chosen",
    "GF401" "no-deadline",
    "GF402" "reminder-after-due",
    "GF403" "bad-duration",
    "GF404" "calendar-missing",
    "GF405" "bad-schedule",
    "GF406" "due-at-once",
    "GF408" "escalation-order",
    "GF501" "quorum-impossible",
    "GF502" "bad-principal",
    "GF503" "bad-ask",
    "GF504" "nobody-completed",
    "GF505" "bad-item",
    "GF506" "unknown-person",
    "GF507" "quorum-short",
    "GF508" "excludes-nobody",
    "GF601" "unknown-action",
    "GF602" "unknown-with-key",
    "GF603" "missing-with-key",
    "GF604" "wrong-with-value",
    "GF605" "unknown-event",
    "GF606" "share-without-expiry",
    "GF607" "wait-in-vain",
    "GF610" "unknown-flow",
    "GF611" "wrong-flow-input",
    "GF612" "end-goes-nowhere",
    "GF613" "unknown-end",
    "GF614" "endless-runs",
    "GF701" "secret-in-text",
    "GF702" "secret-out-of-place",
    "GF703" "secret-in-journal",
    "GF704" "secret-not-allowed",
    "GF801" "not-as-expected",
    "GF802" "not-in-the-flow",
    "GF803" "no-answer-given",
    "GF804" "cannot-be-played",
    "GF901" "unused-suppression",
    "GF902" "suppression-without-reason",
];

/// The page of a code, by its id (`GF401`) or its name (`no-deadline`), in any case.
pub fn explain(code: &str) -> Option<&'static Page> {
    let wanted = code.trim();
    CODES
        .iter()
        .find(|page| page.code.id.eq_ignore_ascii_case(wanted) || page.code.name.eq_ignore_ascii_case(wanted))
}
