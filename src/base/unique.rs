//! JSON in which no object has a key twice. `serde_json` takes the last one without a word, so that
//! two readers of the same text may act on two different values.

use super::Value;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number};
use std::fmt;

/// JSON data in which no key comes twice, at any depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Unique(pub Value);

impl<'de> Deserialize<'de> for Unique {
    /// # Errors
    /// At the key that comes a second time.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AnyValue { is_there: false }.deserialize(deserializer).map(Self)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let is_there = object.contains_key(&key);
            // read in any case, so that the error is told at this key
            let value = fields.next_value_seed(AnyValue { is_there })?;
            object.insert(key, value);
        }
        Ok(object)
    }
}

/// Any value; refused where its key is there already.
struct AnyValue {
    is_there: bool,
}

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.is_there {
            return Err(D::Error::custom(
                "this key is there twice: which value is meant? Leave one of them out",
            ));
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(AnyValue { is_there: false })? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Value, A::Error> {
        ObjectVisitor.visit_map(fields).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let mut json = serde_json::Deserializer::from_str(text);
        let mut track = serde_path_to_error::Track::new();
        let read = Unique::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
        read.map(|Unique(value)| value)
            .map_err(|error| format!("{}: {error}", track.path()))
    }

    #[test]
    fn everything_else_is_read_as_it_is() {
        let text = r#"{"a":null,"b":[true,-1,18446744073709551615,0.1,"é\n",{}],"c":{"a":{"a":1}},"":[]}"#;
        assert_eq!(read(text), Ok(serde_json::from_str(text).unwrap()));
    }

    #[test]
    fn a_key_that_comes_twice_is_told_at_its_path() {
        for (text, path) in [
            (r#"{"a":1,"a":1}"#, "a: "),
            (r#"{"b":{"c":[0,{"d":1,"e":2,"d":3}]}}"#, "b.c[1].d: "),
            (r#"{"a":1,"\u0061":2}"#, "a: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(path) && error.contains("twice"), "{text}: {error}");
        }
    }
}
