//! Inputs of a run: complete, of the right type, within their limits.

use crate::base::{Semantics, Value, diagnostic};
use crate::spec::InputSpec;
use crate::spec::values::check_for;
use indexmap::IndexMap;

/// Name of an input, and what is wrong with it.
pub type Problem = (String, String);

/// Checks `given` against what a flow wants and fills in defaults. Every problem is told. Business
/// time is refused where there is no calendar to count it in.
///
/// # Errors
/// Every input that is unknown, missing, of the wrong type or beyond its limits.
pub fn check(
    wanted: &IndexMap<String, InputSpec>,
    given: &Value,
    has_calendar: bool,
    semantics: Semantics,
) -> Result<Value, Vec<Problem>> {
    let empty = serde_json::Map::new();
    let given = match given {
        Value::Object(given) => given,
        Value::Null => &empty,
        _ => {
            return Err(vec![(
                "*".to_owned(),
                "inputs are an object of names and values".to_owned(),
            )]);
        }
    };
    let mut problems: Vec<Problem> = given
        .keys()
        .filter(|name| !wanted.contains_key(*name))
        .map(|name| (name.clone(), unknown(name, wanted)))
        .collect();
    let mut checked = serde_json::Map::new();
    for (name, spec) in wanted {
        match given
            .get(name)
            .filter(|value| !value.is_null())
            .or(spec.default.as_ref())
        {
            None => problems.push((name.clone(), "is missing".to_owned())),
            Some(value) => match check_for(spec, value, has_calendar, semantics) {
                Ok(value) => {
                    checked.insert(name.clone(), value);
                }
                Err(why) => problems.push((name.clone(), why)),
            },
        }
    }
    if problems.is_empty() {
        Ok(Value::Object(checked))
    } else {
        Err(problems)
    }
}

fn unknown(name: &str, wanted: &IndexMap<String, InputSpec>) -> String {
    let names = wanted.keys().map(String::as_str);
    match diagnostic::nearest(name, names) {
        Some(near) => format!("is not an input of this flow; did you mean {near}?"),
        None if wanted.is_empty() => "is not an input of this flow, which has none".to_owned(),
        None => {
            let all: Vec<&str> = wanted.keys().map(String::as_str).collect();
            format!("is not an input of this flow; there are {}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(wanted: &IndexMap<String, InputSpec>, given: &Value) -> Result<Value, Vec<Problem>> {
        super::check(wanted, given, true, Semantics::CURRENT)
    }

    fn wanted(spec: &Value) -> IndexMap<String, InputSpec> {
        serde_json::from_value(spec.clone()).unwrap()
    }

    #[test]
    fn business_time_needs_a_calendar_to_count_it_in() {
        let wanted = wanted(&json!({ "d": { "type": "duration" }, "l": { "type": "list", "of": "duration" } }));
        let given = |d: &str, l: &str| json!({ "d": d, "l": [l] });
        assert!(
            super::check(
                &wanted,
                &given("3 business days", "2 business hours"),
                true,
                Semantics::CURRENT
            )
            .is_ok()
        );
        assert!(super::check(&wanted, &given("3 days", "2 hours"), false, Semantics::CURRENT).is_ok());
        for (d, l, name) in [("3 business days", "2 hours", "d"), ("3 days", "2 business hours", "l")] {
            let problems = super::check(&wanted, &given(d, l), false, Semantics::CURRENT).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].0, name);
            assert!(problems[0].1.contains("names no calendar"), "{problems:?}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let wanted = wanted(&json!({
            "amount": { "type": "integer", "min": 1 }, "reviewer": { "type": "email" },
            "kind": { "type": "choice", "options": ["a", "b"] }, "note": { "type": "text", "default": "x" },
        }));
        let problems = check(&wanted, &json!({ "amount": 0, "kind": "c", "reviewr": "x" })).unwrap_err();
        let names: Vec<&str> = problems.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["reviewr", "amount", "reviewer", "kind"]);
        assert!(problems[0].1.contains("did you mean reviewer?"), "{problems:?}");
    }

    #[test]
    fn texts_from_a_command_line_become_what_is_wanted() {
        let wanted =
            wanted(&json!({ "n": { "type": "integer" }, "b": { "type": "boolean" }, "t": { "type": "text" } }));
        let checked = check(&wanted, &json!({ "n": "12", "b": "true", "t": "12" })).unwrap();
        assert_eq!(checked, json!({ "n": 12, "b": true, "t": "12" }));
    }

    #[test]
    fn what_only_looks_like_a_number_is_refused() {
        let wanted = wanted(&json!({ "n": { "type": "number", "max": 100 }, "i": { "type": "integer", "max": 10 } }));
        for bad in [
            "+5", "+5000", "-.5", ".5", "5.", "007", "NaN", "inf", "", "1 2", "\"5\"", "5000",
        ] {
            assert!(check(&wanted, &json!({ "n": bad, "i": 1 })).is_err(), "{bad:?}");
            assert!(check(&wanted, &json!({ "n": 1, "i": bad })).is_err(), "{bad:?}");
        }
        let checked = check(&wanted, &json!({ "n": "1e1", "i": "-5" })).unwrap();
        assert_eq!(checked, json!({ "n": 10.0, "i": -5 }));
    }

    #[test]
    fn addresses_cannot_carry_a_second_header() {
        let wanted = wanted(&json!({ "to": { "type": "email" } }));
        for bad in ["a@b.c\r\nBcc: x@y.z", "a@@b", "@b", "a b@c.d", ""] {
            assert!(check(&wanted, &json!({ "to": bad })).is_err(), "{bad:?}");
        }
        assert!(check(&wanted, &json!({ "to": "rita@reviewers.example" })).is_ok());
    }

    #[test]
    fn files_are_held_to_type_and_size() {
        let wanted = wanted(&json!({ "f": { "type": "file", "accept": ["pdf"], "max_size": "1 kB" } }));
        let file = |name: &str, size: u64| json!({ "f": { "id": "fil_1", "name": name, "size": size } });
        assert!(check(&wanted, &file("a.PDF", 1_000)).is_ok());
        assert!(check(&wanted, &file("a.pdf", 1_001)).is_err());
        assert!(check(&wanted, &file("a.exe", 1)).is_err());
    }

    #[test]
    fn patterns_match_the_whole_text() {
        let wanted = wanted(&json!({ "order": { "type": "text", "pattern": "[A-Z]{2}[0-9]+" } }));
        assert!(check(&wanted, &json!({ "order": "AB12" })).is_ok());
        assert!(check(&wanted, &json!({ "order": "xAB12" })).is_err());
    }
}
