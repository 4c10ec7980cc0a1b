//! Whether data with `${{ }}` in it can fit a JSON Schema. An ordinary validator would refuse
//! every template; this one checks what is known before a run: keys, literal values, and the type
//! of each template that stands alone.

use super::rule::list_words;
use crate::base::diagnostic::nearest;
use crate::base::source::escape;
use crate::base::{Period, Semantics, Value, moment};
use crate::expr::Type;
use serde_json::Map;
use std::collections::HashMap;

/// How deep `$ref`s may lead.
const DEPTH_MAX: usize = 64;

/// Key of how long something lasts, which is some time.
const ENDS_IN: &str = "/expires_in";

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The object at the pointer has no such key; it may have these.
    UnknownKey {
        /// JSON pointer of the key's value.
        pointer: String,
        /// The key.
        key: String,
        /// What there may be.
        known: Vec<String>,
    },
    /// The object at the pointer lacks a key.
    MissingKey {
        /// JSON pointer of the object.
        pointer: String,
        /// The key.
        key: String,
        /// What the key is for.
        description: Option<String>,
    },
    /// The value at the pointer does not fit.
    WrongValue {
        /// JSON pointer of the value.
        pointer: String,
        /// What must be there and what is.
        message: String,
        /// The nearest valid word, or what else to do.
        help: Option<String>,
    },
    /// The length of time at the pointer has none without a calendar.
    WorkingTime {
        /// JSON pointer of the value.
        pointer: String,
    },
}

impl Problem {
    /// Whether the data is not as the schema wants it.
    const fn is_misfit(&self) -> bool {
        !matches!(self, Self::WorkingTime { .. })
    }
}

/// Everything in `data` that cannot fit `schema`. `types` gives the types of the templates that
/// stand alone, by pointer.
pub fn problems(schema: &Value, data: &Value, pointer: &str, types: &HashMap<&str, &Type>) -> Vec<Problem> {
    let mut checker = Checker {
        root: schema,
        types,
        found: Vec::new(),
        depth: 0,
    };
    checker.visit(schema, data, pointer);
    checker.found
}

struct Checker<'a> {
    root: &'a Value,
    types: &'a HashMap<&'a str, &'a Type>,
    found: Vec<Problem>,
    depth: usize,
}

impl<'a> Checker<'a> {
    fn visit(&mut self, schema: &'a Value, data: &Value, pointer: &str) {
        let Some(keywords) = schema.as_object() else { return };
        if self.depth >= DEPTH_MAX {
            return;
        }
        self.depth += 1;
        self.keywords(keywords, data, pointer);
        self.depth -= 1;
    }

    fn keywords(&mut self, schema: &'a Map<String, Value>, data: &Value, pointer: &str) {
        if let Some(target) = self.referred(schema) {
            self.visit(target, data, pointer);
        }
        for part in list(schema, "allOf") {
            self.visit(part, data, pointer);
        }
        for key in ["anyOf", "oneOf"] {
            self.one_of(list(schema, key), data, pointer);
        }
        if let Some(text) = data.as_str().filter(|text| text.contains("${{")) {
            self.template(schema, pointer);
            // A length of time that an expression falls back on.
            if schema.get("format").and_then(Value::as_str) == Some("period") && text.contains("business") {
                self.working_time(pointer);
            }
            return;
        }
        if !self.has_type(schema, data, pointer) || !self.is_listed(schema, data, pointer) {
            return;
        }
        match data {
            Value::Object(fields) => self.object(schema, fields, pointer),
            Value::Array(items) => self.array(schema, items, pointer),
            Value::Number(number) => {
                self.bounds(schema, number.as_f64(), pointer, ["minimum", "maximum"], "the number");
            }
            Value::String(text) => {
                #[allow(clippy::cast_precision_loss, reason = "no text is that long")]
                let length = text.chars().count() as f64;
                self.bounds(
                    schema,
                    Some(length),
                    pointer,
                    ["minLength", "maxLength"],
                    "the number of characters",
                );
                self.format(schema, text, pointer);
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn referred(&self, schema: &'a Map<String, Value>) -> Option<&'a Value> {
        let target = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(target)
    }

    /// Keeps quiet where one branch fits; otherwise reports what the nearest branch misses.
    fn one_of(&mut self, branches: &'a [Value], data: &Value, pointer: &str) {
        if branches.is_empty() {
            return;
        }
        let constants: Option<Vec<&Value>> = branches.iter().map(|branch| branch.get("const")).collect();
        if let Some(constants) = constants {
            if data.as_str().is_none_or(|text| !text.contains("${{")) {
                self.listed(&constants, data, pointer);
            }
            return;
        }
        let mut best: Option<Vec<Problem>> = None;
        let mut types = Vec::new();
        for branch in branches {
            let before = self.found.len();
            self.visit(branch, data, pointer);
            let found = self.found.split_off(before);
            if !found.iter().any(Problem::is_misfit) {
                self.found.extend(found);
                return;
            }
            types.extend(self.type_names(branch));
            let misfit = |found: &[Problem]| found.iter().filter(|problem| is_at(problem, pointer)).count();
            let is_better = |best: &Vec<Problem>| (misfit(&found), found.len()) < (misfit(best), best.len());
            if best.as_ref().is_none_or(is_better) {
                best = Some(found);
            }
        }
        let best = best.unwrap_or_default();
        if best.len() == 1 && is_at(&best[0], pointer) && types.len() > 1 {
            let words: Vec<&str> = types.iter().map(|name| in_words(name)).collect();
            self.wrong(
                pointer,
                format!("must be {}, and is {}", words.join(" or "), kind_of(data)),
                None,
            );
        } else {
            self.found.extend(best);
        }
    }

    fn template(&mut self, schema: &'a Map<String, Value>, pointer: &str) {
        let alone = self.types.get(pointer).copied();
        let ty = alone.unwrap_or(&Type::Text);
        let names = own_types(schema);
        if names.is_empty() || names.iter().any(|name| can_be(ty, name)) {
            return;
        }
        let words: Vec<&str> = names.iter().map(|name| in_words(name)).collect();
        let help = match alone {
            None => Some("text around `${{ }}` makes it text; alone it keeps its type".to_owned()),
            Some(Type::Boolean | Type::Integer | Type::Number) if names.contains(&"string") => {
                Some("for text, end the expression with `| string`".to_owned())
            }
            Some(_) => None,
        };
        self.wrong(
            pointer,
            format!("must be {}, and is {}", words.join(" or "), ty.words()),
            help,
        );
    }

    fn has_type(&mut self, schema: &Map<String, Value>, data: &Value, pointer: &str) -> bool {
        let names = own_types(schema);
        if names.is_empty() || names.iter().any(|name| is_of(data, name)) {
            return true;
        }
        let words: Vec<&str> = names
            .iter()
            .filter(|name| **name != "null")
            .map(|name| in_words(name))
            .collect();
        let help = match data {
            Value::Null => Some("give it a value, or leave the key out".to_owned()),
            Value::Number(number) if schema.get("format").and_then(Value::as_str) == Some("period") => {
                Some(format!("say of what, as `{number} days`"))
            }
            Value::Number(number) if names.contains(&"string") => {
                Some(format!("for text, write \"{number}\" in quotes"))
            }
            Value::String(_)
                if schema
                    .get("properties")
                    .is_some_and(|keys| keys.get("sha256").is_some()) =>
            {
                Some("name a file, as `${{ inputs.document }}` of an input with `type: file`".to_owned())
            }
            Value::Bool(value) if names.contains(&"string") => Some(format!("for text, write \"{value}\" in quotes")),
            _ => None,
        };
        self.wrong(
            pointer,
            format!("must be {}, and is {}", words.join(" or "), kind_of(data)),
            help,
        );
        false
    }

    fn is_listed(&mut self, schema: &Map<String, Value>, data: &Value, pointer: &str) -> bool {
        if let Some(constant) = schema.get("const") {
            return self.listed(&[constant], data, pointer);
        }
        let allowed: Vec<&Value> = list(schema, "enum").iter().collect();
        allowed.is_empty() || self.listed(&allowed, data, pointer)
    }

    fn listed(&mut self, allowed: &[&Value], data: &Value, pointer: &str) -> bool {
        if allowed.contains(&data) {
            return true;
        }
        let words: Vec<&str> = allowed.iter().filter_map(|value| value.as_str()).collect();
        let near = data.as_str().and_then(|word| nearest(word, words.iter().copied()));
        let message = format!("must be one of {}", list_words(words));
        self.wrong(pointer, message, near.map(|word| format!("did you mean `{word}`?")));
        false
    }

    fn object(&mut self, schema: &'a Map<String, Value>, fields: &Map<String, Value>, pointer: &str) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema
            .get("additionalProperties")
            .or_else(|| schema.get("unevaluatedProperties"));
        for (key, value) in fields {
            let below = format!("{pointer}/{}", escape(key));
            match properties.and_then(|properties| properties.get(key)) {
                Some(property) => self.visit(property, value, &below),
                None if others == Some(&Value::Bool(false)) => {
                    let known = properties.into_iter().flat_map(Map::keys).cloned().collect();
                    self.found.push(Problem::UnknownKey {
                        pointer: below,
                        key: key.clone(),
                        known,
                    });
                }
                None => {
                    if let Some(schema) = others {
                        self.visit(schema, value, &below);
                    }
                }
            }
        }
        for key in list(schema, "required").iter().filter_map(Value::as_str) {
            if !fields.contains_key(key) {
                let property = properties.and_then(|properties| properties.get(key));
                let description = property
                    .and_then(|property| property.get("description"))
                    .and_then(Value::as_str);
                self.found.push(Problem::MissingKey {
                    pointer: pointer.to_owned(),
                    key: key.to_owned(),
                    description: description.map(str::to_owned),
                });
            }
        }
    }

    fn array(&mut self, schema: &'a Map<String, Value>, items: &[Value], pointer: &str) {
        if let Some(of) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.visit(of, item, &format!("{pointer}/{index}"));
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "no list is that long")]
        let length = items.len() as f64;
        self.bounds(
            schema,
            Some(length),
            pointer,
            ["minItems", "maxItems"],
            "the number of entries",
        );
    }

    fn format(&mut self, schema: &Map<String, Value>, text: &str, pointer: &str) {
        match schema.get("format").and_then(Value::as_str) {
            Some("period") => match Period::parse(text) {
                Err(error) => {
                    let message = format!("must be a length of time, as `30 days`: {error}");
                    self.wrong(pointer, message, None);
                }
                Ok(period) if period.is_zero() && pointer.ends_with(ENDS_IN) => {
                    let message = "must be some time: it would be over as it begins".to_owned();
                    self.wrong(pointer, message, Some("say how long it is, as `30 days`".to_owned()));
                }
                Ok(period) if period.needs_calendar() => self.working_time(pointer),
                Ok(_) => {}
            },
            Some("moment") => {
                if let Err(error) = moment::read(text, "UTC", Semantics::CURRENT) {
                    self.wrong(pointer, error.to_string(), None);
                }
            }
            Some("folder") if !text.starts_with('/') => {
                let help = (!text.is_empty()).then(|| format!("write `/{text}`"));
                self.wrong(pointer, "must be a folder, which begins with `/`".to_owned(), help);
            }
            Some("uri") if !["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) => {
                let message = "must be an address that begins with `https://` or `http://`".to_owned();
                self.wrong(pointer, message, None);
            }
            _ => {}
        }
    }

    fn bounds(&mut self, schema: &Map<String, Value>, found: Option<f64>, pointer: &str, keys: [&str; 2], what: &str) {
        let Some(found) = found else { return };
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        if let Some(least) = bound(keys[0]).filter(|least| found < *least) {
            self.wrong(pointer, format!("is too small: {what} must be {least} or more"), None);
        }
        if let Some(most) = bound(keys[1]).filter(|most| found > *most) {
            self.wrong(pointer, format!("is too large: {what} must be {most} or less"), None);
        }
    }

    fn type_names(&self, schema: &'a Value) -> Vec<&'a str> {
        let Some(keywords) = schema.as_object() else {
            return Vec::new();
        };
        let own = own_types(keywords);
        match self.referred(keywords).and_then(Value::as_object) {
            Some(target) if own.is_empty() => own_types(target),
            _ => own,
        }
    }

    fn working_time(&mut self, pointer: &str) {
        self.found.push(Problem::WorkingTime {
            pointer: pointer.to_owned(),
        });
    }

    fn wrong(&mut self, pointer: &str, message: String, help: Option<String>) {
        self.found.push(Problem::WrongValue {
            pointer: pointer.to_owned(),
            message,
            help,
        });
    }
}

fn list<'a>(schema: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether the problem is that the value at `pointer` itself is of another kind.
fn is_at(problem: &Problem, pointer: &str) -> bool {
    matches!(problem, Problem::WrongValue { pointer: at, .. } if at == pointer)
}

fn own_types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of(data: &Value, name: &str) -> bool {
    match name {
        "string" => data.is_string(),
        "integer" => data.is_i64() || data.is_u64(),
        "number" => data.is_number(),
        "boolean" => data.is_boolean(),
        "array" => data.is_array(),
        "object" => data.is_object(),
        "null" => data.is_null(),
        _ => true,
    }
}

fn can_be(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Any => true,
        Type::Null => name == "null",
        Type::Boolean => name == "boolean",
        Type::Integer | Type::Number => matches!(name, "integer" | "number"),
        Type::Text => name == "string",
        Type::List(_) => name == "array",
        Type::Object { .. } => name == "object",
    }
}

fn in_words(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a map",
        "null" => "nothing",
        other => other,
    }
}

fn kind_of(data: &Value) -> &'static str {
    match data {
        Value::Null => "empty",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(schema: &Value, data: &Value) -> Vec<String> {
        let any = Type::Any;
        let number = Type::Number;
        let types = HashMap::from([("/any", &any), ("/number", &number)]);
        problems(schema, data, "", &types)
            .into_iter()
            .map(|problem| match problem {
                Problem::UnknownKey { pointer, .. } => format!("unknown {pointer}"),
                Problem::MissingKey { pointer, key, .. } => format!("missing {pointer}/{key}"),
                Problem::WrongValue { pointer, message, .. } => format!("{pointer} {message}"),
                Problem::WorkingTime { pointer } => format!("{pointer} counts working time"),
            })
            .collect()
    }

    #[test]
    fn keys_values_and_templates_are_checked() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["name"],
            "properties": {
                "name": { "type": "string", "minLength": 1 },
                "any": { "type": "integer" },
                "number": { "type": "string" },
                "role": { "$ref": "#/$defs/Role" },
                "files": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
                "to": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
            },
            "$defs": { "Role": { "enum": ["view", "comment"] } },
        });
        assert_eq!(
            found(
                &schema,
                &json!({ "name": "x", "any": "${{ a }}", "role": "view", "to": ["a"] })
            ),
            [""; 0]
        );
        assert_eq!(
            found(&schema, &json!({ "nam": "x" })),
            ["unknown /nam", "missing /name"]
        );
        assert_eq!(
            found(&schema, &json!({ "name": "", "files": [], "role": "veiw" })),
            [
                "/name is too small: the number of characters must be 1 or more",
                "/files is too small: the number of entries must be 1 or more",
                "/role must be one of `view`, `comment`",
            ]
        );
        assert_eq!(
            found(&schema, &json!({ "name": "x", "to": 3 })),
            ["/to must be text or a list, and is a number"]
        );
        assert_eq!(
            found(&schema, &json!({ "name": "x", "to": ["a", 3] })),
            ["/to/1 must be text, and is a number"]
        );
        assert_eq!(
            found(&schema, &json!({ "name": "x", "number": "${{ n }}" })),
            ["/number must be text, and is a number"]
        );
    }
}
