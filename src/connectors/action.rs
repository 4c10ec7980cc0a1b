//! What every file of an action says about it, and how that becomes its line in the catalogue.

use crate::base::Value;
use crate::spec::{Acquires, ActionInfo, Effect, EventInfo};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One action: its name, its shapes, what it does to the world. The doc comments of the input's
/// fields are what authors read in the reference and in their editor.
pub(crate) trait Action {
    /// `CONNECTION.ACTION`.
    const NAME: &'static str;
    /// One line for lists.
    const SUMMARY: &'static str;
    /// What it does to the world.
    const EFFECT: Effect;
    /// What stands under `with`. Denies unknown fields.
    type Input: DeserializeOwned + JsonSchema + Send;
    /// What it gives.
    type Output: Serialize + JsonSchema;

    /// What it acquires for the run, if anything.
    fn acquires() -> Option<Acquires> {
        None
    }
}

/// The line of an action in the catalogue.
pub(crate) fn info<A: Action>(idempotent: bool, local: bool) -> ActionInfo {
    ActionInfo {
        name: A::NAME.to_owned(),
        summary: A::SUMMARY.to_owned(),
        effect: A::EFFECT,
        idempotent,
        local,
        acquires: A::acquires(),
        input: schema::<A::Input>(SchemaSettings::draft2020_12().for_deserialize()),
        output: schema::<A::Output>(SchemaSettings::draft2020_12().for_serialize()),
    }
}

/// The line of an event in the catalogue.
pub(crate) fn event_info<T: crate::space::SpaceEvent>() -> EventInfo {
    EventInfo {
        name: T::KIND.to_owned(),
        summary: T::SUMMARY.to_owned(),
        data: schema::<T>(SchemaSettings::draft2020_12().for_serialize()),
    }
}

/// The schema of a type, with nothing outside itself: it is put into other schemas as it is.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Drops what tells an author nothing: names of Rust types and widths of numbers.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("title").is_some_and(Value::is_string) {
                map.shift_remove("title");
            }
            let is_width = |format: &Value| {
                format
                    .as_str()
                    .is_some_and(|f| f.starts_with("uint") || f.starts_with("int"))
            };
            if map.get("format").is_some_and(is_width) {
                map.shift_remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
