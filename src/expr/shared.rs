//! Values that expressions read where they stand: part of what is shared, and never copied, however long they are.

use super::convert;
use crate::base::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use std::sync::Arc;

/// A list of values that are shared one by one.
pub type Rows = Arc<Vec<Arc<Value>>>;

/// What a name in an expression means.
#[derive(Clone, Debug)]
pub struct Found(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Own(Value),
    Part(Part),
    Rows(Rows),
}

impl From<Value> for Found {
    fn from(value: Value) -> Self {
        Self(Inner::Own(value))
    }
}

impl Found {
    /// The value at the end of `path` in `root`, of which nothing is copied.
    pub fn within(root: &Arc<Value>, path: &[&str]) -> Option<Self> {
        let mut place = Vec::with_capacity(path.len());
        let mut value = root.as_ref();
        for name in path {
            let (step, below) = child(value, name)?;
            place.push(step);
            value = below;
        }
        Some(match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::from(value.clone()),
            Value::String(_) | Value::Array(_) | Value::Object(_) => {
                let root = Arc::clone(root);
                Self(Inner::Part(Part { root, place }))
            }
        })
    }

    /// The value at the end of `path` in a list of shared values.
    pub fn among(rows: &Rows, path: &[&str]) -> Option<Self> {
        match path {
            [] => Some(Self(Inner::Rows(Arc::clone(rows)))),
            [position, rest @ ..] => Self::within(rows.get(index(position, rows.len())?)?, rest),
        }
    }

    /// The value itself: a copy, where it is part of another.
    pub fn into_value(self) -> Value {
        match self.0 {
            Inner::Own(value) => value,
            Inner::Part(part) => part.value().clone(),
            Inner::Rows(rows) => Value::Array(rows.iter().map(|row| row.as_ref().clone()).collect()),
        }
    }

    /// As minijinja reads it.
    pub(super) fn to_minijinja(&self) -> minijinja::Value {
        match &self.0 {
            Inner::Own(value) => convert::to_minijinja(value),
            Inner::Part(part) => part.to_minijinja(),
            Inner::Rows(rows) => minijinja::Value::from_object(List(Arc::clone(rows))),
        }
    }
}

/// One step down into a value.
#[derive(Clone, Debug)]
enum Step {
    Field(Box<str>),
    At(usize),
}

/// What `name` means in `value`, and how to get there again.
fn child<'v>(value: &'v Value, name: &str) -> Option<(Step, &'v Value)> {
    match value {
        Value::Object(fields) => Some((Step::Field(name.into()), fields.get(name)?)),
        Value::Array(items) => {
            let at = index(name, items.len())?;
            Some((Step::At(at), items.get(at)?))
        }
        _ => None,
    }
}

/// A position in a list of so many as it is written: negative ones count from the end.
pub(super) fn index(name: &str, length: usize) -> Option<usize> {
    let position = name.parse::<i64>().ok()?;
    let number = usize::try_from(position.unsigned_abs()).ok()?;
    if position < 0 {
        length.checked_sub(number)
    } else {
        Some(number)
    }
}

/// A text, a list or an object inside a value that is shared.
#[derive(Clone, Debug)]
struct Part {
    root: Arc<Value>,
    place: Vec<Step>,
}

impl Part {
    fn value(&self) -> &Value {
        let mut value = self.root.as_ref();
        for step in &self.place {
            value = match (value, step) {
                (Value::Object(fields), Step::Field(name)) => &fields[name.as_ref()],
                (Value::Array(items), Step::At(at)) => &items[*at],
                _ => unreachable!("nobody changes what is shared"),
            };
        }
        value
    }

    fn to_minijinja(&self) -> minijinja::Value {
        match self.value() {
            Value::Array(_) | Value::Object(_) => minijinja::Value::from_object(self.clone()),
            scalar => convert::to_minijinja(scalar),
        }
    }

    /// What stands at `step` in `value`, which is this part.
    fn below(&self, value: &Value, step: impl FnOnce() -> Step) -> minijinja::Value {
        match value {
            Value::Array(_) | Value::Object(_) => {
                let mut place = Vec::with_capacity(self.place.len() + 1);
                place.extend_from_slice(&self.place);
                place.push(step());
                let root = Arc::clone(&self.root);
                minijinja::Value::from_object(Self { root, place })
            }
            scalar => convert::to_minijinja(scalar),
        }
    }
}

impl Object for Part {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.value() {
            Value::Array(_) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        match self.value() {
            Value::Array(items) => {
                let at = key.as_usize()?;
                Some(self.below(items.get(at)?, || Step::At(at)))
            }
            _ => self.get_value_by_str(key.as_str()?),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        let field = self.value().as_object()?.get(key)?;
        Some(self.below(field, || Step::Field(key.into())))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.value() {
            Value::Array(items) => Enumerator::Seq(items.len()),
            Value::Object(fields) => Enumerator::Values(fields.keys().map(|name| name.as_str().into()).collect()),
            _ => Enumerator::NonEnumerable,
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        match self.value() {
            Value::Array(items) => Some(items.len()),
            Value::Object(fields) => Some(fields.len()),
            _ => None,
        }
    }
}

/// A list of values that are shared one by one.
#[derive(Debug)]
struct List(Rows);

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        let root = Arc::clone(self.0.get(key.as_usize()?)?);
        Some(
            Part {
                root,
                place: Vec::new(),
            }
            .to_minijinja(),
        )
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Semantics;
    use crate::expr::{Expression, Scope};
    use serde_json::json;

    struct Results(Rows);

    impl Scope for Results {
        fn get(&self, path: &[&str]) -> Option<Found> {
            Found::among(&self.0, path.strip_prefix(&["results"])?)
        }

        fn semantics(&self) -> Semantics {
            Semantics::CURRENT
        }
    }

    #[test]
    fn rows_read_as_the_list_that_they_are() {
        let list =
            json!([{"index": 0, "price": 3}, {"index": 1, "price": 1}, {"index": 2, "price": 2, "of": {"a": [7]}}]);
        let rows: Rows = Arc::new(list.as_array().unwrap().iter().cloned().map(Arc::new).collect());
        for source in [
            "results",
            "results | length",
            "results[-1].of.a[0]",
            "results[5] is defined",
            "(results | last).of",
            "results | map(attribute='price') | sort",
            "results | sort(attribute='price') | first",
            "(results | reverse | list)[0].index",
            "results[1:] | length",
            "results + [1]",
            "results == results and results[0] in results and {'index': 0, 'price': 3} == results[0]",
            "results ~ ''",
        ] {
            let expression = Expression::parse(source).unwrap();
            let copied = expression.eval(&json!({ "results": list }));
            assert!(copied.is_ok(), "{source}: {copied:?}");
            assert_eq!(expression.eval(&Results(Arc::clone(&rows))), copied, "{source}");
        }
    }

    #[test]
    fn what_is_found_is_shared_and_not_copied() {
        let root = Arc::new(json!({"list": [[1, 2], "long"], "number": 1}));
        let found = Found::within(&root, &["list", "0"]).unwrap();
        let (again, text) = (found.clone(), Found::within(&root, &["list", "-1"]).unwrap());
        let read = found.to_minijinja();
        assert_eq!(Arc::strong_count(&root), 5);
        drop((again, read));
        assert_eq!((found.into_value(), text.into_value()), (json!([1, 2]), json!("long")));
        assert!(Found::within(&root, &["number", "0"]).is_none() && Found::within(&root, &["list", "2"]).is_none());
        let rows: Rows = Arc::new(vec![root]);
        let all = Found::among(&rows, &[]).unwrap();
        let read = all.to_minijinja();
        assert_eq!(Arc::strong_count(&rows), 3);
        drop(read);
        assert_eq!(all.into_value()[0]["number"], 1);
    }
}
