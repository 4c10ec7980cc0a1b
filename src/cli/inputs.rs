//! Values as they are given on the command line: words, or a file. What the flow wants says how words are read.

use super::client::{Client, escaped};
use super::exit::Failure;
use crate::base::{Document, Value};
use crate::spec::{FlowSpec, InputKind, InputSpec};
use indexmap::IndexMap;
use serde_json::Map;
use std::path::{Path, PathBuf};

/// What is wanted, by name.
pub type Wanted = IndexMap<String, InputSpec>;

/// A value as it is given.
#[derive(Debug, PartialEq)]
pub enum Given {
    /// A value.
    Plain(Value),
    /// A file of this machine.
    File(PathBuf),
}

/// The flow as its text has it; nothing where it cannot be read.
pub fn flow_of(text: &str) -> Option<FlowSpec> {
    let (document, _) = Document::parse("flow", text);
    crate::spec::read_flow(&document).0
}

/// The version of a flow that new runs take; nothing where that cannot be seen: whoever takes the values checks them.
pub async fn deployed(client: &Client, flow: &str) -> Option<FlowSpec> {
    let answer = client.get(&format!("/api/v1/flows/{}", escaped(flow))).await.ok()?;
    flow_of(answer["source"].as_str()?)
}

/// What the arguments of `--input` say. Nothing is uploaded before all of them make sense.
pub fn given(arguments: &[String], wanted: &Wanted) -> Result<Vec<(String, Given)>, Failure> {
    let mut inputs: Vec<(String, Given)> = Vec::new();
    for pair in arguments {
        let Some((name, words)) = pair.split_once('=') else {
            return Err(Failure::Usage(format!(
                "--input {pair}: write NAME=VALUE or NAME=@FILE"
            )));
        };
        if inputs.iter().any(|(other, _)| other == name) {
            return Err(Failure::Usage(format!("--input {name} is given twice")));
        }
        let value = match words.strip_prefix('@') {
            Some(file) if !Path::new(file).is_file() => {
                return Err(Failure::Usage(format!("--input {name}: there is no file {file}")));
            }
            Some(file) => Given::File(PathBuf::from(file)),
            None => Given::Plain(plain(name, words, wanted)?),
        };
        inputs.push((name.to_owned(), value));
    }
    Ok(inputs)
}

/// `NAME=VALUE` by name, each once, where no file can be given.
pub fn values(arguments: &[String], wanted: &Wanted) -> Result<Map<String, Value>, Failure> {
    let mut values = Map::new();
    for text in arguments {
        let wrong = || Failure::Usage(format!("{text}: write NAME=VALUE"));
        let (name, words) = text.split_once('=').ok_or_else(wrong)?;
        if values.insert(name.to_owned(), read(words, wanted.get(name))).is_some() {
            return Err(Failure::Usage(format!("{name} is given twice")));
        }
    }
    Ok(values)
}

fn plain(name: &str, words: &str, wanted: &Wanted) -> Result<Value, Failure> {
    let spec = wanted.get(name);
    let value = read(words, spec);
    if spec.is_some_and(|spec| spec.kind == InputKind::File) && value.is_string() {
        return Err(Failure::Usage(format!(
            "--input {name} is a file: write {name}=@{words}"
        )));
    }
    Ok(value)
}

/// What words mean where `spec` is wanted. A text is taken as it is typed; numbers, `true` and `false` are read by whoever
/// checks them, so that no text is taken for one of them.
pub fn read(words: &str, spec: Option<&InputSpec>) -> Value {
    let data = || {
        let read: Option<Value> = serde_json::from_str(words).ok();
        read.filter(|value| value.is_array() || value.is_object())
            .unwrap_or_else(|| Value::from(words))
    };
    match spec.map(|spec| (spec.kind, spec.of)) {
        None | Some((InputKind::Object | InputKind::File, _)) => data(),
        Some((InputKind::List, Some(InputKind::Person))) => match data() {
            Value::Array(people) => people.into_iter().map(of_directory).collect(),
            other => other,
        },
        Some((InputKind::List, _)) => data(),
        Some((InputKind::Person, _)) => Value::from(person(words)),
        Some(_) => Value::from(words),
    }
}

fn of_directory(value: Value) -> Value {
    match value {
        Value::String(name) => Value::from(person(&name)),
        other => other,
    }
}

/// A person where nothing but a person can be meant: `anna` is `user:anna`.
pub fn person(words: &str) -> String {
    if words.is_empty() || words.contains([':', '@']) {
        words.to_owned()
    } else {
        format!("user:{words}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanted() -> Wanted {
        serde_json::from_value(json!({
            "order": { "type": "text" }, "kind": { "type": "choice", "options": ["1", "true"] },
            "day": { "type": "date" }, "count": { "type": "integer" }, "chief": { "type": "person" },
            "team": { "type": "list", "of": "person" }, "mails": { "type": "list", "of": "email" },
            "more": { "type": "object" }, "document": { "type": "file" },
        }))
        .unwrap()
    }

    #[test]
    fn a_text_is_taken_as_it_is_typed() {
        for words in ["7", "true", "[1]", "{\"a\":1}", "\"7\"", "null", "", "007"] {
            assert_eq!(read(words, wanted().get("order")), json!(words));
            assert_eq!(read(words, wanted().get("kind")), json!(words));
        }
        // whoever checks them reads numbers, also where nobody here knows what is wanted
        assert_eq!(read("7", wanted().get("count")), json!("7"));
        assert_eq!(read("7", None), json!("7"));
    }

    #[test]
    fn a_name_is_given_once() {
        let given = |names: &[&str]| {
            let pairs: Vec<String> = names.iter().map(|name| format!("{name}=1")).collect();
            values(&pairs, &wanted())
        };
        assert_eq!(given(&["count", "order"]).unwrap().len(), 2);
        let refused = given(&["count", "order", "count"]).unwrap_err();
        assert_eq!(refused.message(), Some("count is given twice"));
    }

    #[test]
    fn lists_and_objects_are_json() {
        assert_eq!(read("[\"a@b.c\"]", wanted().get("mails")), json!(["a@b.c"]));
        assert_eq!(read("{\"a\":1}", wanted().get("more")), json!({ "a": 1 }));
        assert_eq!(read("[1]", None), json!([1]));
    }

    #[test]
    fn a_bare_name_is_a_person_where_a_person_is_wanted() {
        assert_eq!(read("eva", wanted().get("chief")), json!("user:eva"));
        assert_eq!(read("user:eva", wanted().get("chief")), json!("user:eva"));
        assert_eq!(read("eva@example.com", wanted().get("chief")), json!("eva@example.com"));
        assert_eq!(read("[\"eva\"]", wanted().get("team")), json!(["user:eva"]));
    }

    #[test]
    fn a_file_without_its_sign_is_told_how_to_be_written() {
        let refused = given(&["document=cert9.pdf".to_owned()], &wanted()).unwrap_err();
        let said = refused.message().unwrap_or_default();
        assert!(said.ends_with("write document=@cert9.pdf"), "{said}");
        let by_id = given(&["document={\"id\":\"fil_1\"}".to_owned()], &wanted()).unwrap();
        assert_eq!(by_id[0].1, Given::Plain(json!({ "id": "fil_1" })));
    }
}
