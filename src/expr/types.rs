//! Types of values, as far as they are known before a run.

use crate::base::Value;
use indexmap::IndexMap;
use std::sync::Arc;

/// How many `$ref`s and levels of a schema are followed before the rest counts as not known.
const MAX_SCHEMA_DEPTH: usize = 16;

/// Type of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Not known.
    Any,
    /// `none`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list of one type of element.
    List(Box<Type>),
    /// Named fields.
    Object {
        /// The fields, shared by the copies of the type.
        fields: Arc<IndexMap<String, Field>>,
        /// Whether there may be others.
        open: bool,
    },
}

/// One field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its type.
    pub ty: Type,
    /// Whether it may be missing.
    pub optional: bool,
}

impl Field {
    /// A field that is always there.
    pub const fn sure(ty: Type) -> Self {
        Self { ty, optional: false }
    }

    /// A field that may be missing.
    pub const fn maybe(ty: Type) -> Self {
        Self { ty, optional: true }
    }
}

impl Type {
    /// The type that a JSON Schema describes, local `$ref`s followed. An object that names its
    /// properties and says nothing of others has no others.
    pub fn from_schema(schema: &Value) -> Self {
        read(schema, schema, MAX_SCHEMA_DEPTH).0
    }

    /// The type of a file reference: `id`, `name`, `version`, `sha256`, `size`, `media_type`, and
    /// `by` where it is known who uploaded it.
    pub fn file() -> Self {
        Self::object([
            ("id", Field::sure(Self::Text)),
            ("name", Field::sure(Self::Text)),
            ("version", Field::sure(Self::Integer)),
            ("sha256", Field::sure(Self::Text)),
            ("size", Field::sure(Self::Integer)),
            ("media_type", Field::sure(Self::Text)),
            ("by", Field::maybe(Self::Text)),
        ])
    }

    /// An object with these fields and no others.
    pub fn object<'n>(fields: impl IntoIterator<Item = (&'n str, Field)>) -> Self {
        Self::Object {
            fields: Arc::new(
                fields
                    .into_iter()
                    .map(|(name, field)| (name.to_owned(), field))
                    .collect(),
            ),
            open: false,
        }
    }

    /// An object with these fields, and perhaps others.
    pub fn of_fields(fields: IndexMap<String, Field>, open: bool) -> Self {
        Self::Object {
            fields: Arc::new(fields),
            open,
        }
    }

    /// An object of which nothing is known.
    pub fn any_object() -> Self {
        Self::Object {
            fields: Arc::default(),
            open: true,
        }
    }

    /// A list of elements of this type.
    pub fn list(of: Self) -> Self {
        Self::List(Box::new(of))
    }

    /// The type in words, with its article.
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Null => "none",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List(_) => "a list",
            Self::Object { .. } => "an object",
        }
    }

    /// Whether it is a number of any kind.
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Integer | Self::Number)
    }

    /// The type of a value that is of this type or of that.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, two) if one == two => one,
            (Self::Null, one) | (one, Self::Null) => one,
            (one, two) if one.is_number() && two.is_number() => Self::Number,
            (Self::List(one), Self::List(two)) => Self::list(one.or(*two)),
            (
                Self::Object { fields, open },
                Self::Object {
                    fields: more,
                    open: wide,
                },
            ) => merged(fields, more, open || wide),
            _ => Self::Any,
        }
    }

    /// Whether a value can be of both types.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any | Self::Null, _) | (_, Self::Any | Self::Null) | (Self::Object { .. }, Self::Object { .. }) => {
                true
            }
            (Self::List(one), Self::List(two)) => one.overlaps(two),
            (one, two) if one.is_number() => two.is_number(),
            (one, two) => one == two,
        }
    }
}

/// An object that is one of two: what only one of them has may be missing.
fn merged(fields: Arc<IndexMap<String, Field>>, more: Arc<IndexMap<String, Field>>, open: bool) -> Type {
    let (mut fields, mut more) = (Arc::unwrap_or_clone(fields), Arc::unwrap_or_clone(more));
    for (name, field) in &mut fields {
        match more.shift_remove(name) {
            Some(other) => {
                field.optional |= other.optional;
                field.ty = std::mem::replace(&mut field.ty, Type::Any).or(other.ty);
            }
            None => field.optional = true,
        }
    }
    fields.extend(more.into_iter().map(|(name, field)| (name, Field::maybe(field.ty))));
    Type::Object {
        fields: Arc::new(fields),
        open,
    }
}

/// The type, and whether it may be none.
fn read(schema: &Value, root: &Value, depth: usize) -> (Type, bool) {
    let (Some(map), Some(deeper)) = (schema.as_object(), depth.checked_sub(1)) else {
        return (Type::Any, false);
    };
    if let Some(target) = map.get("$ref").and_then(Value::as_str) {
        let found = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return found.map_or((Type::Any, false), |found| read(found, root, deeper));
    }
    if let Some(options) = ["anyOf", "oneOf"].iter().find_map(|key| map.get(*key)?.as_array()) {
        return one_of(options.iter().map(|option| read(option, root, deeper)));
    }
    if let Some([only]) = map.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        return read(only, root, deeper);
    }
    if let Some(values) = map.get("enum").and_then(Value::as_array) {
        return one_of(values.iter().map(of_value));
    }
    if let Some(value) = map.get("const") {
        return of_value(value);
    }
    match map.get("type") {
        Some(Value::String(word)) => named(word, map, root, deeper),
        Some(Value::Array(words)) => {
            let words = words.iter().filter_map(Value::as_str);
            one_of(words.map(|word| named(word, map, root, deeper)))
        }
        _ if map.contains_key("properties") => named("object", map, root, deeper),
        _ => (Type::Any, false),
    }
}

fn one_of(options: impl Iterator<Item = (Type, bool)>) -> (Type, bool) {
    let all = options.reduce(|(one, none), (other, also)| (one.or(other), none || also));
    all.unwrap_or((Type::Any, false))
}

const fn of_value(value: &Value) -> (Type, bool) {
    match value {
        Value::Null => (Type::Null, true),
        Value::Bool(_) => (Type::Boolean, false),
        Value::Number(_) => (Type::Number, false),
        Value::String(_) => (Type::Text, false),
        Value::Array(_) | Value::Object(_) => (Type::Any, false),
    }
}

fn named(word: &str, map: &serde_json::Map<String, Value>, root: &Value, depth: usize) -> (Type, bool) {
    let ty = match word {
        "null" => return (Type::Null, true),
        "boolean" => Type::Boolean,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "string" => Type::Text,
        "array" => Type::list(map.get("items").map_or(Type::Any, |items| read(items, root, depth).0)),
        "object" => object(map, root, depth),
        _ => Type::Any,
    };
    (ty, false)
}

fn object(map: &serde_json::Map<String, Value>, root: &Value, depth: usize) -> Type {
    let properties = map.get("properties").and_then(Value::as_object);
    let required: Vec<&str> = map
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let fields = properties.into_iter().flatten().map(|(name, schema)| {
        let (ty, nullable) = read(schema, root, depth);
        let optional = nullable || !required.contains(&name.as_str());
        (name.clone(), Field { ty, optional })
    });
    let open = match map.get("additionalProperties") {
        Some(Value::Bool(open)) => *open,
        Some(_) => true,
        None => properties.is_none_or(serde_json::Map::is_empty),
    };
    Type::Object {
        fields: Arc::new(fields.collect()),
        open,
    }
}
