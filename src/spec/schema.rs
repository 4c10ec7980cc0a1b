//! The JSON Schema of flow files: generated from the types, then shaped for editors.
//!
//! Invariant: it accepts what [`super::read_flow`] reads without an error, and nothing else, but
//! for what a schema cannot say (ids that stand twice, an `otherwise` that is not last).

use super::flow::FlowSpec;
use super::step::Verb;
use crate::base::Value;
use schemars::generate::SchemaSettings;
use serde_json::{Map, json};

/// Where editors find the schema.
pub const ID: &str = "https://raw.githubusercontent.com/gatefold/gatefold/main/schema/flow.schema.json";
/// Keys of the author's own.
pub const OWN_KEYS: &str = "^x-";

/// Keys that any step may have, whatever its verb.
pub(super) const COMMON: [&str; 9] = [
    "id", "title", "after", "join", "if", "lock", "deadline", "because", "outcomes",
];
/// Keys that go with `uses` only.
pub(super) const WITH_USES: [&str; 3] = ["with", "retry", "keep"];

/// The verbs, in the order of the language page.
pub(super) fn verbs() -> impl Iterator<Item = &'static str> {
    Verb::WORDS.into_iter()
}

/// The name of the schema of steps with one verb, as `WaitStep`.
pub(super) fn step_name(verb: &str) -> String {
    let (first, rest) = verb.split_at(1);
    format!("{}{rest}Step", first.to_uppercase())
}

/// The schema of flow files, in draft 2020-12.
pub fn flow_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<FlowSpec>().to_value();
    tidy(&mut schema);
    let root = schema.as_object_mut().expect("a schema of a struct is a map");
    root.remove("title");
    let description = root.remove("description").unwrap_or_default();
    let mut ordered = Map::new();
    ordered.insert("$schema".to_owned(), root.remove("$schema").unwrap_or_default());
    ordered.insert("$id".to_owned(), json!(ID));
    ordered.insert("title".to_owned(), json!("Gatefold flow"));
    ordered.insert("description".to_owned(), description);
    ordered.append(root);
    ordered.insert("patternProperties".to_owned(), own_keys());
    shape(&mut ordered);
    Value::Object(ordered)
}

fn own_keys() -> Value {
    json!({ OWN_KEYS: { "description": "A key of your own; nothing here reads it." } })
}

/// What authors never write is not offered: `null`, and defaults that say nothing.
pub fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [one] = types.as_slice() {
                    map["type"] = one.clone();
                }
            }
            if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
                branches.retain(|branch| branch.get("type") != Some(&json!("null")));
                if let [Value::Object(one)] = branches.as_slice() {
                    let one = one.clone();
                    map.remove("anyOf");
                    map.extend(one);
                }
            }
            let empty = |value: &Value| {
                *value == json!(null) || *value == json!("") || *value == json!([]) || *value == json!({})
            };
            if map.get("default").is_some_and(empty) {
                map.remove("default");
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            // Widths of machine numbers mean nothing to an author.
            let is_schema = map.get("type").is_some_and(Value::is_string);
            if is_schema {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

/// One schema for each verb, and what the types alone cannot say.
fn shape(root: &mut Map<String, Value>) {
    let defs = root
        .get_mut("$defs")
        .and_then(Value::as_object_mut)
        .expect("the flow has definitions");
    let all = defs["Step"]["properties"].as_object().expect("a step has keys").clone();
    for verb in verbs() {
        defs.insert(step_name(verb), step(&all, verb));
    }
    let one_of: Vec<_> = verbs()
        .map(|verb| json!({ "$ref": format!("#/$defs/{}", step_name(verb)) }))
        .collect();
    defs.insert(
        "Step".to_owned(),
        json!({
            "title": "Step",
            "description": "One step: an id, exactly one verb, and what belongs to every verb.",
            "type": "object",
            "oneOf": one_of,
        }),
    );
    exactly_one(defs, "Wait", &[&["any"], &["all"], &["until"], &["when"], &["event"]]);
    exactly_one(defs, "Choose", &[&["when", "outcome"], &["otherwise"]]);
    for key in ["on", "key", "where", "min_files", "kept"] {
        defs["Wait"]["dependentRequired"][key] = json!(["event"]);
    }
    // `manual:` with nothing behind it.
    defs["Triggers"]["properties"]["manual"] = json!({
        "description": defs["Triggers"]["properties"]["manual"]["description"],
        "type": ["object", "null"],
        "additionalProperties": false,
    });
    defs.remove("ManualTrigger");
}

fn step(all: &Map<String, Value>, verb: &str) -> Value {
    let uses = if verb == "uses" { WITH_USES.as_slice() } else { &[] };
    let mut properties = Map::new();
    // Verbs stand behind the title, as people write them.
    let keys = COMMON[..2].iter().chain([&verb]).chain(uses).chain(&COMMON[2..]);
    for key in keys {
        properties.insert((*key).to_owned(), all[*key].clone());
    }
    let description = all[verb]["description"].as_str().unwrap_or_default();
    let description = description.trim_start_matches("Verb: ");
    json!({
        "title": format!("{verb} step"),
        "description": format!("A step that does one thing: {description}"),
        "type": "object",
        "properties": properties,
        "required": ["id", verb],
        "additionalProperties": false,
        "patternProperties": own_keys(),
    })
}

fn exactly_one(defs: &mut Map<String, Value>, name: &str, sets: &[&[&str]]) {
    let sets: Vec<_> = sets.iter().map(|keys| json!({ "required": keys })).collect();
    defs[name]["oneOf"] = json!(sets);
}

/// The schema, out of that of flows, that reads a flow but for its steps, which are read one by one.
pub(super) fn outer_schema(flow: &Value) -> Value {
    let mut schema = flow.clone();
    for key in ["steps", "always"] {
        schema["properties"][key]["items"] = json!({ "type": "object" });
    }
    schema
}

/// The schema of flows with the steps of `each` left to be read one by one.
pub(super) fn shallow(flow: &Value) -> Value {
    let mut schema = flow.clone();
    schema["$defs"]["Each"]["properties"]["steps"]["items"] = json!({ "type": "object" });
    schema
}

/// The schema of steps with `verb`; with any word of the language where there is no verb.
pub(super) fn step_schema(flow: &Value, verb: Option<&str>) -> Value {
    let target = match verb {
        Some(verb) => json!({ "$ref": format!("#/$defs/{}", step_name(verb)) }),
        None => any_verb(flow),
    };
    let mut reduced = Map::new();
    for key in ["$schema", "$defs"] {
        reduced.insert(key.to_owned(), flow[key].clone());
    }
    reduced.extend(target.as_object().cloned().unwrap_or_default());
    Value::Object(reduced)
}

/// A step whose verb is not known: every key of every verb is fine.
fn any_verb(flow: &Value) -> Value {
    let mut properties = Map::new();
    for verb in verbs() {
        if let Some(keys) = flow["$defs"][step_name(verb)]["properties"].as_object() {
            properties.extend(keys.clone());
        }
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": ["id"],
        "additionalProperties": false,
        "patternProperties": own_keys(),
    })
}
