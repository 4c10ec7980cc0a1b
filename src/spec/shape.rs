//! Keys that may be written in more than one shape: a word, a number, a list or a map.

use super::step::{AfterSpec, DeadlineSpec, DispositionSpec, JoinSpec, RuleSpec};
use crate::base::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;

macro_rules! stub {
    ($($name:ident),*) => {$(
        impl TryFrom<Value> for $name {
            type Error = String;
            fn try_from(value: Value) -> Result<Self, String> { let _ = value; todo!() }
        }
        impl From<$name> for Value {
            fn from(value: $name) -> Self { let _ = value; todo!() }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema { todo!() }
        }
    )*};
}
stub!(AfterSpec, DeadlineSpec, DispositionSpec, JoinSpec, RuleSpec);
