//! The steps, one by one: a broken step spoils no other.

use super::place::Place;
use super::{Reader, SCHEMAS};
use crate::base::source::escape;
use crate::base::{Diagnostic, Span, Value};
use crate::spec::limits::{MAX_EACH_DEPTH, MAX_STEPS};
use crate::spec::schema::OWN_KEYS;
use crate::spec::step::{StepSpec, Verb};
use crate::spec::{codes, schema};
use serde::Deserialize;
use serde_json::Map;
use std::collections::HashMap;

/// The steps of a flow that could be read.
#[derive(Default)]
pub(super) struct Steps {
    pub main: Vec<StepSpec>,
    pub always: Vec<StepSpec>,
    /// Ids of the others, as far as they have one.
    pub broken: Vec<String>,
}

fn id_of(step: &Map<String, Value>) -> Option<String> {
    step.get("id").and_then(Value::as_str).map(str::to_owned)
}

/// What is gathered over every list of steps, those inside `each` included.
#[derive(Default)]
struct Gathered {
    /// Ids seen so far, without their underscores, and where.
    seen: HashMap<String, (String, Span)>,
    /// Ids of steps that could not be read.
    broken: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn steps(&mut self, root: &Map<String, Value>) -> Steps {
        let mut gathered = Gathered::default();
        let main = self.list("/steps", root.get("steps"), 0, &mut gathered);
        let always = self.list("/always", root.get("always"), 0, &mut gathered);
        Steps {
            main,
            always,
            broken: gathered.broken,
        }
    }

    /// The steps of the list at `pointer`, inside so many `each`.
    fn list(&mut self, pointer: &str, list: Option<&Value>, depth: usize, gathered: &mut Gathered) -> Vec<StepSpec> {
        let list = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut read = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            let Value::Object(map) = value else { continue };
            if index >= MAX_STEPS {
                // That there are too many is told; what they are is not looked at.
                gathered.broken.extend(id_of(map));
                continue;
            }
            let place = Place::step(self.document, format!("{pointer}/{index}"), index, value);
            let understood = self.step(map, value, &place);
            let unique = self.unique(map, &place, &mut gathered.seen);
            let inner = self.inner(map, &place, depth, gathered);
            match understood {
                Some(mut step) if unique => {
                    if let (Some(each), Some(inner)) = (&mut step.each, inner) {
                        each.steps = inner;
                    }
                    read.push(step);
                }
                _ => gathered.broken.extend(id_of(map)),
            }
        }
        read
    }

    /// The steps inside an `each`, which are read even where the step itself is broken: what reads
    /// from them is then not told as a second mistake.
    fn inner(
        &mut self,
        map: &Map<String, Value>,
        place: &Place<'_>,
        depth: usize,
        gathered: &mut Gathered,
    ) -> Option<Vec<StepSpec>> {
        let each = map.get("each")?.as_object()?;
        let pointer = place.absolute("/each");
        if depth >= MAX_EACH_DEPTH {
            let message = format!("`each` stands inside {depth} others, and {MAX_EACH_DEPTH} is the most in all");
            let finding = Diagnostic::error(codes::WRONG_VALUE, message, place.key_span(&pointer))
                .with_help("make one list of the inner ones, or give the inner work a flow of its own");
            self.say(&pointer, finding);
            return None;
        }
        Some(self.list(&format!("{pointer}/steps"), each.get("steps"), depth + 1, gathered))
    }

    /// One step, told where it is wrong, and returned where it is right.
    fn step(&mut self, map: &Map<String, Value>, value: &Value, place: &Place<'_>) -> Option<StepSpec> {
        let before = self.findings.total();
        let verbs: Vec<_> = Verb::WORDS.into_iter().filter(|verb| map.contains_key(*verb)).collect();
        let verb = match verbs.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        let wrong = self.check(SCHEMAS.step(verb), value, place).wrong;
        match verbs.as_slice() {
            [] => self.no_verb(map, place),
            [_] => {}
            [first, others @ ..] => self.two_verbs(first, others, place),
        }
        self.choices(map, place);
        if !wrong.is_empty() || self.findings.total() > before || verb.is_none() {
            return None;
        }
        self.typed(map, value, place)
    }

    fn typed(&mut self, map: &Map<String, Value>, value: &Value, place: &Place<'_>) -> Option<StepSpec> {
        let is_own = |key: &str| key.starts_with(OWN_KEYS.trim_start_matches('^'));
        let read = if map.keys().any(|key| is_own(key) || key == "each") {
            let keys = map.iter().filter(|(key, _)| !is_own(key));
            let keys = keys.map(|(key, value)| (key.clone(), without_steps(key, value)));
            StepSpec::deserialize(Value::Object(keys.collect()))
        } else {
            StepSpec::deserialize(value)
        };
        match read {
            Ok(step) => Some(step),
            Err(error) => {
                let message = format!("{} is not understood: {error}", place.name);
                let finding = Diagnostic::error(codes::WRONG_VALUE, message, place.span(&place.pointer));
                self.say(&place.pointer, finding);
                None
            }
        }
    }

    fn no_verb(&mut self, map: &Map<String, Value>, place: &Place<'_>) {
        let misspelt = |key: &String| crate::base::diagnostic::nearest(key, Verb::WORDS).is_some();
        if map.keys().any(misspelt) {
            return;
        }
        let verbs: Vec<_> = schema::verbs().map(|verb| format!("`{verb}`")).collect();
        let finding = Diagnostic::error(
            codes::ONE_VERB,
            format!("{} does not say what it does", place.name),
            place.span(&place.pointer),
        )
        .with_help(format!("give it one of {}", verbs.join(", ")));
        self.say(&place.pointer, finding);
    }

    fn two_verbs(&mut self, first: &str, others: &[&str], place: &Place<'_>) {
        let key = |verb: &str| place.key_span(&place.absolute(&format!("/{verb}")));
        for other in others {
            let finding = Diagnostic::error(
                codes::ONE_VERB,
                format!("{} does two things: `{first}` and `{other}`", place.name),
                key(other),
            )
            .with_label("a second verb")
            .with_related(key(first), "the first verb")
            .with_help("make two steps of it, one after the other");
            self.say(&place.pointer, finding);
        }
    }

    /// Tells of a `choose` that does not end with its only `otherwise`.
    fn choices(&mut self, map: &Map<String, Value>, place: &Place<'_>) {
        let branches = map.get("choose").and_then(Value::as_array);
        let Some((last, others)) = branches.and_then(|branches| branches.split_last()) else {
            return;
        };
        let pointer = place.absolute("/choose");
        let is_otherwise = |branch: &Value| branch.get("otherwise").is_some();
        if let Some(early) = others.iter().position(is_otherwise) {
            let entry = format!("{pointer}/{early}");
            let message = format!("`otherwise` of {} is not the last branch", place.name);
            let finding = Diagnostic::error(codes::WRONG_VALUE, message, place.span(&entry))
                .with_help("put it last: what stands below it is never looked at");
            self.say(&entry, finding);
        } else if !is_otherwise(last) {
            let message = format!("`choose` of {} lacks `otherwise`", place.name);
            let finding = Diagnostic::error(codes::MISSING_KEY, message, place.key_span(&pointer))
                .with_help("end the list with `- otherwise: OUTCOME`, for when nothing above holds");
            self.say(&pointer, finding);
        }
    }

    /// Whether no step above has the same id.
    fn unique(
        &mut self,
        map: &Map<String, Value>,
        place: &Place<'_>,
        seen: &mut HashMap<String, (String, Span)>,
    ) -> bool {
        let Some(id) = map.get("id").and_then(Value::as_str) else {
            return true;
        };
        let pointer = place.absolute(&format!("/{}", escape("id")));
        let span = place.span(&pointer);
        let bare: String = id.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        let Some((other, first)) = seen.get(&bare).cloned() else {
            seen.insert(bare, (id.to_owned(), span));
            return true;
        };
        if other == id {
            let finding = Diagnostic::error(codes::DUPLICATE_ID, format!("two steps are called `{id}`"), span)
                .with_label("and again here")
                .with_related(first, "first here")
                .with_help("give one of them another id");
            self.say(&pointer, finding);
            return false;
        }
        let message = format!("the ids `{other}` and `{id}` are easily taken for each other");
        let finding = Diagnostic::warning(codes::BAD_ID, message, span)
            .with_related(first, "the other one")
            .with_help("rename one of them");
        self.say(&pointer, finding);
        true
    }
}

/// The value of a step's key; the steps of an `each` are read apart from it.
fn without_steps(key: &str, value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(each) = value.as_object_mut().filter(|_| key == "each") {
        each.insert("steps".to_owned(), Value::Array(Vec::new()));
    }
    value
}
