//! Types of values, as far as they are known before a run.

use crate::base::Value;
use indexmap::IndexMap;

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
        /// The fields.
        fields: IndexMap<String, Field>,
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

impl Type {
    /// The type that a JSON Schema describes, local `$ref`s followed.
    pub fn from_schema(schema: &Value) -> Self {
        let _ = schema;
        todo!()
    }

    /// The type of a file reference: `id`, `name`, `version`, `sha256`, `size`, `media_type`.
    pub fn file() -> Self {
        todo!()
    }
}
