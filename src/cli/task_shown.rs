//! One task as a person reads it: what is asked, about what, by when and why then, what was said and filled in so far.

use super::output;
use crate::base::{Value, Via};
use crate::engine::event::for_whom;

/// A task in lines, each with its name before it.
pub(super) fn shown(task: &Value) -> String {
    let field = |name: &str| output::field(task, name);
    let mut lines = vec![
        ("task", field("id")),
        ("flow", field("flow")),
        ("run", field("run")),
        ("title", field("title")),
        ("ask", field("ask")),
        ("document", about(task)),
        ("sha256", output::field(&task["document"], "sha256")),
        ("people", words(&task["people"], ", ")),
        ("stands in", stand_ins(task)),
        ("escalated", escalated(task)),
        ("taken by", field("claimed_by")),
        ("priority", field("priority")),
        ("decisions", words(&task["decisions"], " | ")),
        ("reason for", words(&task["reason"], ", ")),
        ("allowed", words(&task["allow"], ", ")),
        ("due", due(task)),
        ("state", state(task)),
    ];
    let each = |list: &str| task[list].as_array().into_iter().flatten().enumerate();
    lines.extend(each("form").map(|(_, one)| ("form", to_fill_in(one))));
    lines.extend(drafted(&task["draft"]).into_iter().map(|kept| ("kept", kept)));
    lines.extend(each("started").map(|(_, one)| {
        (
            "started",
            format!("{} {}", output::field(one, "by"), output::cell(one, "at")),
        )
    }));
    lines.extend(each("thread").map(|(at, one)| ("thread", said(at + 1, one))));
    lines.extend(each("decided").map(|(_, one)| ("decided", decided(one))));
    lines.retain(|(_, value)| !value.is_empty() && value != "-");
    let rows: Vec<Vec<String>> = lines.iter().flat_map(|(name, value)| rows(name, value)).collect();
    output::aligned(&rows)
}

/// The lines of a value below each other, the first behind its name.
fn rows(name: &str, value: &str) -> Vec<Vec<String>> {
    // a carriage return alone would write over the line
    let value = value.replace("\r\n", "\n").replace('\r', "\n");
    let lines = value.lines().enumerate();
    let head = |at: usize| if at == 0 { name.to_uppercase() } else { String::new() };
    lines.map(|(at, line)| vec![head(at), line.to_owned()]).collect()
}

/// The document and its version, if the task is about one.
pub(super) fn about(task: &Value) -> String {
    let part = |name: &str| output::field(&task["document"], name);
    if task["document"].is_null() {
        "-".to_owned()
    } else {
        format!("{} v{}", part("name"), part("version"))
    }
}

/// The texts of a list.
pub(super) fn words(list: &Value, between: &str) -> String {
    let words = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(between)
}

/// Who acts for whom.
fn stand_ins(task: &Value) -> String {
    let each = task["deputies"].as_array().into_iter().flatten();
    let told = each.map(|one| {
        format!(
            "{} for {}",
            output::field(one, "by"),
            output::field(one, "on_behalf_of")
        )
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Who was added by escalation, and in whose place they answer.
fn escalated(task: &Value) -> String {
    let whose = task["in_place_of"].as_str();
    let whose = whose.map_or_else(String::new, |whose| format!(", in the place of {whose}"));
    let people = words(&task["escalated"], ", ");
    if people.is_empty() {
        people
    } else {
        format!("{people}{whose}")
    }
}

fn due(task: &Value) -> String {
    let because = task["because"].as_str();
    let because = because.map_or_else(String::new, |because| format!(", {because}"));
    format!("{}{because}", output::cell(task, "due"))
}

/// Whether it is open, settled or rests, with by whom and why.
pub(super) fn state(task: &Value) -> String {
    let (state, rest) = (output::field(task, "state"), &task["suspended"]);
    match (rest["by"].as_str(), task["outcome"].as_str()) {
        (Some(by), _) => format!("rests by {by}: {}", output::field(rest, "reason")),
        (None, Some(outcome)) => format!("{state}: {outcome}"),
        (None, None) => state,
    }
}

/// A field of the form: its name, what fits it, and what it means.
fn to_fill_in(field: &Value) -> String {
    let mut fits = vec![output::field(field, "type")];
    for limit in ["of", "options", "min", "max", "pattern", "default"] {
        match &field[limit] {
            Value::Null => {}
            Value::Array(options) if limit == "options" => fits.push(words(&Value::Array(options.clone()), " | ")),
            _ => fits.push(format!("{limit} {}", output::field(field, limit))),
        }
    }
    let needed = words(&field["required_for"], ", ");
    fits.extend((!needed.is_empty()).then(|| format!("needed for {needed}")));
    let mut text = format!("{} ({})", output::field(field, "name"), fits.join(", "));
    for more in ["title", "description"] {
        text.extend(field[more].as_str().map(|more| format!(": {more}")));
    }
    text
}

/// What is filled in and kept so far, if anything is.
fn drafted(draft: &Value) -> Option<String> {
    let form = draft["form"].as_object()?;
    let fields: Vec<String> = form.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let (by, at) = (output::field(draft, "by"), output::cell(draft, "at"));
    Some(format!("{}, by {by} {at}", fields.join(", ")))
}

/// A remark with the number that an answer names.
fn said(number: usize, remark: &Value) -> String {
    let how = match (remark["to"].as_str(), remark["answers"].as_u64()) {
        (Some(to), _) => format!(" asks {to}"),
        (None, Some(question)) => format!(" answers {question}"),
        (None, None) => String::new(),
    };
    let part = |name: &str| output::field(remark, name);
    format!("{number}. {}{how}: {}", part("by"), part("text"))
}

fn decided(answer: &Value) -> String {
    let part = |name: &str| output::field(answer, name);
    let name = |name: &str| answer[name].as_str();
    let whom = for_whom(
        name("by").unwrap_or_default(),
        name("on_behalf_of"),
        name("escalated_to"),
        str::to_owned,
    );
    let reason = answer["reason"].as_str();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let via = serde_json::from_value::<Via>(answer["via"].clone());
    let via = via.map_or_else(|_| String::new(), |via| format!(" ({via})"));
    format!("{}{whom} {}{reason}{via}", part("by"), part("decision"))
}

#[cfg(test)]
mod tests {
    use super::{shown, state};
    use serde_json::json;

    #[test]
    fn a_task_tells_what_was_said_and_filled_in_who_has_it_and_why_it_is_due_then() {
        let task = json!({
            "id": "tsk_1", "flow": "filing", "run": "run_1", "title": "File it", "ask": "Where?", "document": {
                "name": "a.pdf", "version": 2, "sha256": "ab"
            },
            "people": ["user:anna", "user:eva"], "deputies": [{ "by": "user:dan", "on_behalf_of": "user:carla" }],
            "escalated": ["user:eva"], "in_place_of": "user:anna", "claimed_by": "user:anna", "priority": "normal", "decisions": ["done", "declined"],
            "reason": ["declined"], "allow": [], "state": "open", "due": "2026-11-28T09:00:00Z",
            "because": "5 days after it began",
            "form": [
                { "name": "shelf", "type": "text", "pattern": "[A-Z][0-9]+", "title": "Shelf", "required_for": ["done"] },
                { "name": "size", "type": "choice", "options": ["small", "large"], "default": "small", "required_for": [] }
            ],
            "draft": { "by": "user:anna", "at": "2026-11-24T09:00:00Z", "form": { "shelf": "A1" } },
            "started": [{ "by": "user:anna", "at": "2026-11-24T08:00:00Z" }],
            "thread": [
                { "by": "user:anna", "text": "Which one\r\nis free?\rIs it A1?", "to": "user:ben" },
                { "by": "user:ben", "text": "A1", "answers": 1 },
                { "by": "user:anna", "text": "Thanks" }
            ],
            "decided": [
                { "by": "user:dan", "on_behalf_of": "user:carla", "decision": "declined", "reason": "too late" },
                { "by": "user:eva", "on_behalf_of": "user:ben", "escalated_to": "user:eva", "decision": "done" }
            ]
        });
        let expected = "TASK        tsk_1
FLOW        filing
RUN         run_1
TITLE       File it
ASK         Where?
DOCUMENT    a.pdf v2
SHA256      ab
PEOPLE      user:anna, user:eva
STANDS IN   user:dan for user:carla
ESCALATED   user:eva, in the place of user:anna
TAKEN BY    user:anna
PRIORITY    normal
DECISIONS   done | declined
REASON FOR  declined
DUE         2026-11-28T09:00:00Z, 5 days after it began
STATE       open
FORM        shelf (text, pattern [A-Z][0-9]+, needed for done): Shelf
FORM        size (choice, small | large, default small)
KEPT        shelf = \"A1\", by user:anna 2026-11-24T09:00:00Z
STARTED     user:anna 2026-11-24T08:00:00Z
THREAD      1. user:anna asks user:ben: Which one
            is free?
            Is it A1?
THREAD      2. user:ben answers 1: A1
THREAD      3. user:anna: Thanks
DECIDED     user:dan for user:carla declined: too late
DECIDED     user:eva in the place of user:ben, who had not answered, done";
        assert_eq!(shown(&task), expected);
    }

    #[test]
    fn how_a_task_stands_is_told_with_who_lets_it_rest_and_why() {
        let rests = json!({ "state": "open", "suspended": { "by": "user:anna", "reason": "a letter is on its way" } });
        assert_eq!(state(&rests), "rests by user:anna: a letter is on its way");
        assert_eq!(state(&json!({ "state": "open" })), "open");
        assert_eq!(
            state(&json!({ "state": "settled", "outcome": "approved" })),
            "settled: approved"
        );
    }

    #[test]
    fn what_there_is_not_has_no_line() {
        let task =
            json!({ "id": "tsk_1", "people": ["user:anna"], "due": null, "document": null, "state": "withdrawn" });
        assert_eq!(shown(&task), "TASK    tsk_1\nPEOPLE  user:anna\nSTATE   withdrawn");
    }
}
