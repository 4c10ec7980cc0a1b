//! What people fill in: of the right type, within its limits, complete.

use super::super::input::Refusal;
use super::super::limits::{MAX_FORM_BYTES, payload_bytes};
use crate::base::diagnostic::nearest;
use crate::base::{Semantics, Value};
use crate::plan::PlanAsk;
use crate::spec::values::check_for;
use serde_json::Map;

/// The fields as they are recorded with the answer `decision`; every fault is told, by the name of
/// the field. What is not given and has a default gets it where the answer goes on or needs it.
pub(super) fn checked(
    ask: &PlanAsk,
    decision: &str,
    given: &Map<String, Value>,
    has_calendar: bool,
    semantics: Semantics,
) -> Result<Map<String, Value>, Refusal> {
    let bytes = payload_bytes(&Value::Object(given.clone()));
    if !given.is_empty() && bytes > MAX_FORM_BYTES {
        let why = format!("has {bytes} bytes; {MAX_FORM_BYTES} is the most");
        return Err(Refusal::Form(vec![("the form".to_owned(), why)]));
    }
    let mut faults: Vec<(String, String)> = given
        .keys()
        .filter(|name| ask.form.iter().all(|field| field.name != **name))
        .map(|name| (name.clone(), unknown(name, ask)))
        .collect();
    let mut checked = Map::new();
    for field in &ask.form {
        let needed = field.required_for.iter().any(|answer| answer == decision);
        let goes_on = ask.decisions.first().is_some_and(|first| first == decision);
        let default = field.input.default.as_ref().filter(|_| needed || goes_on);
        match given.get(&field.name).filter(|value| !value.is_null()).or(default) {
            None if needed => faults.push((field.name.clone(), "is missing".to_owned())),
            None => {}
            Some(value) => match check_for(&field.input, value, has_calendar, semantics) {
                Ok(value) => {
                    checked.insert(field.name.clone(), value);
                }
                Err(why) => faults.push((field.name.clone(), why)),
            },
        }
    }
    if faults.is_empty() {
        Ok(checked)
    } else {
        Err(Refusal::Form(faults))
    }
}

fn unknown(name: &str, ask: &PlanAsk) -> String {
    let names: Vec<&str> = ask.form.iter().map(|field| field.name.as_str()).collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("is no field of this form; did you mean {near}?"),
        None if names.is_empty() => "is no field: there is nothing to fill in".to_owned(),
        None => format!("is no field of this form; there are {}", names.join(", ")),
    }
}
