//! What to write instead of the slips that are made most often.

use crate::base::Value;

/// Words of other languages for the types of inputs, and for rules, with ours.
const SYNONYMS: [(&str, &str); 25] = [
    ("money", "number"),
    ("amount", "number"),
    ("decimal", "number"),
    ("float", "number"),
    ("int", "integer"),
    ("string", "text"),
    ("str", "text"),
    ("bool", "boolean"),
    ("datetime", "date"),
    ("day", "date"),
    ("select", "choice"),
    ("enum", "choice"),
    ("options", "choice"),
    ("array", "list"),
    ("map", "object"),
    ("document", "file"),
    ("pdf", "file"),
    ("user", "person"),
    ("mail", "email"),
    ("period", "duration"),
    ("both", "all"),
    ("everybody", "all"),
    ("everyone", "all"),
    ("one", "any"),
    ("reset_affected", "reset"),
];

/// The word of this language for one of another.
pub(super) fn synonym<'w>(word: &str, words: &[&'w str]) -> Option<&'w str> {
    let (_, ours) = SYNONYMS.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(word))?;
    words.iter().copied().find(|word| word == ours)
}

/// Why there is no such word.
pub(super) fn why_not(word: &str) -> Option<&'static str> {
    (word == "reset_affected").then_some(
        "an approval is about one document, so a newer version touches every decision on it: that is what `reset` does",
    )
}

/// What to write in place of a value of the wrong type at `inside`, which is written as `raw`.
pub(super) fn instead(inside: &str, value: &Value, raw: &str) -> Option<String> {
    let path: Vec<&str> = inside.split('/').skip(1).collect();
    let yes_or_no = value.is_boolean()
        || ["yes", "no", "on", "off"]
            .iter()
            .any(|word| value.as_str() == Some(word));
    let text = value.as_str();
    Some(match (path.as_slice(), text) {
        ([.., "keep"], _) if yes_or_no => "write the reason, as `keep: The archive needs it.`".to_owned(),
        ([.., "if"], None) if value == &Value::Bool(true) => "leave `if` out: the step is done in any case".to_owned(),
        ([.., "if"], None) if value == &Value::Bool(false) => "take the step out of the flow".to_owned(),
        ([.., "veto"], _) if yes_or_no => "say whose: `veto: [role:legal-lead]`".to_owned(),
        ([.., "exclude"], _) if yes_or_no => "say whom: `exclude: [initiator]`".to_owned(),
        (
            [
                "on",
                trigger @ ("manual" | "webhook" | "event" | "schedule" | "flow" | "document"),
            ],
            _,
        ) if *trigger == "manual" => "write `manual: {}`".to_owned(),
        (["on"], Some(word)) => format!("write `on: {{ {word}: {{}} }}`"),
        (["on"], None) => list_of_one(value).map(|word| format!("write `on: {{ {word}: {{}} }}`"))?,
        (["end"], Some(_)) => format!("write `end: {{ status: {raw} }}`"),
        ([.., "escalate"], Some(_)) => format!("write `escalate: {{ after: 3 days, to: [{raw}] }}`"),
        (["inputs", _], Some(_)) => format!("write `{{ type: {raw} }}`"),
        (["check", _], Some(_)) => "write `{ that: CONDITION, else: What is wrong. }`".to_owned(),
        (_, Some(text)) if is_comma_list(text) && raw == text => format!("write `[{text}]`"),
        (_, None) => {
            let (kind, name) = value.as_object().filter(|map| map.len() == 1)?.iter().next()?;
            let is_party = ["user", "role", "group", "email", "manager_of"].contains(&kind.as_str());
            let name = name.as_str().filter(|_| is_party)?;
            format!("write `{kind}:{name}`, without a blank behind the colon")
        }
        _ => return None,
    })
}

fn list_of_one(value: &Value) -> Option<&str> {
    match value.as_array()?.as_slice() {
        [Value::String(word)] => Some(word),
        _ => None,
    }
}

/// Parties one after the other, as `user:anna, user:ben`.
fn is_comma_list(text: &str) -> bool {
    let is_party = |part: &str| {
        part.trim()
            .split_once(':')
            .is_some_and(|(_, name)| !name.contains([' ', ':']))
    };
    text.contains(',') && text.split(',').all(is_party)
}

#[cfg(test)]
mod tests {
    use super::{instead, synonym};
    use serde_json::{Value, json};

    #[test]
    fn every_slip_is_answered_by_what_to_write() {
        let cases: [(&str, Value, &str); 14] = [
            (
                "/keep",
                json!(true),
                "write the reason, as `keep: The archive needs it.`",
            ),
            ("/if", json!(true), "leave `if` out: the step is done in any case"),
            ("/if", json!(false), "take the step out of the flow"),
            ("/approve/veto", json!("yes"), "say whose: `veto: [role:legal-lead]`"),
            ("/approve/exclude", json!("yes"), "say whom: `exclude: [initiator]`"),
            ("/on/manual", json!("yes"), "write `manual: {}`"),
            ("/on", json!("manual"), "write `on: { manual: {} }`"),
            ("/on", json!(["manual"]), "write `on: { manual: {} }`"),
            ("/end", json!("done"), "write `end: { status: done }`"),
            (
                "/deadline/escalate",
                json!("manager_of:dora"),
                "write `escalate: { after: 3 days, to: [manager_of:dora] }`",
            ),
            ("/inputs/supplier", json!("email"), "write `{ type: email }`"),
            (
                "/check/0",
                json!("x > 0"),
                "write `{ that: CONDITION, else: What is wrong. }`",
            ),
            (
                "/approve/by",
                json!("user:anna, user:ben"),
                "write `[user:anna, user:ben]`",
            ),
            (
                "/approve/by/0",
                json!({ "user": "anna" }),
                "write `user:anna`, without a blank behind the colon",
            ),
        ];
        for (inside, value, help) in cases {
            let raw = value.as_str().unwrap_or_default();
            assert_eq!(instead(inside, &value, raw).as_deref(), Some(help), "{inside} {value}");
        }
        assert_eq!(instead("/approve/ask", &json!(3), "3"), None);
    }

    #[test]
    fn words_of_other_languages_are_translated_where_ours_can_stand() {
        assert_eq!(synonym("money", &["text", "number"]), Some("number"));
        assert_eq!(synonym("Both", &["any", "all"]), Some("all"));
        assert_eq!(synonym("both", &["text", "number"]), None);
    }
}
