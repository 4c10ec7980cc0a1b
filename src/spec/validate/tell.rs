//! What the schema finds wrong, as findings in an author's words.

use super::hints::{instead, synonym, why_not};
use super::place::Place;
use crate::base::diagnostic::nearest;
use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Period, Span, Value};
use crate::spec::codes;
use crate::spec::limits::{
    EXPIRED, FLOW_PATTERN, MOMENT_PATTERN, NAME_PATTERN, RANGE_PATTERN, RESERVED_OUTPUTS, SIZE_PATTERN, VERSION_PATTERN,
};
use crate::spec::min_files::MinFiles;
use crate::spec::schema::WITH_USES;
use crate::spec::shape::describe;
use crate::spec::step::{AfterSpec, DeadlineSpec, DispositionSpec, JoinSpec, RuleSpec};
use crate::spec::{EscalationSpec, LabelSpec};
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use std::collections::HashSet;

/// Something wrong at a place.
pub(super) struct Wrong {
    pub finding: Diagnostic,
    /// Pointer of what is wrong, in the whole document.
    pub pointer: String,
    /// Pointer of what the finding is about: for a missing key, what it is missing from.
    pub node: String,
    /// Whether what stands there cannot be read into types.
    pub unusable: bool,
}

/// Words of other tools, and keys that stand one level too high.
const MEANT: [(&str, &str); 22] = [
    ("name", "the key for people's eyes is `title`"),
    ("needs", "the order is given by `after`"),
    ("depends_on", "the order is given by `after`"),
    ("next", "the order is given by `after` of the step that follows"),
    ("when", "a condition on a step is written as `if`"),
    ("condition", "a condition on a step is written as `if`"),
    ("timeout", "the time limit is written as `deadline: { due: … }`"),
    ("action", "an action is called by `uses`"),
    ("trigger", "what starts a flow is written under `on`"),
    ("triggers", "what starts a flow is written under `on`"),
    ("parameters", "what a run needs to know is written under `inputs`"),
    ("due", "it belongs under `deadline`"),
    ("remind", "it belongs under `deadline`"),
    ("escalate", "it belongs under `deadline`"),
    ("document", "it belongs under `approve`"),
    ("by", "it belongs under `approve`"),
    ("rule", "it belongs under `approve`"),
    ("exclude", "it belongs under `approve`"),
    ("event", "it belongs under `wait`"),
    ("until", "it belongs under `wait`"),
    (
        "back_to",
        "it belongs under `outcomes`, behind the outcome that leads back",
    ),
    ("max_rounds", "it belongs beside `back_to` under `outcomes`"),
];

/// What is told of one part.
#[derive(Default)]
pub(super) struct Told {
    pub wrong: Vec<Wrong>,
    /// How much more is wrong.
    pub untold: usize,
}

/// Tells the errors of one part, as far as there is room for them.
pub(super) fn all<'e>(
    errors: impl Iterator<Item = ValidationError<'e>>,
    schema: &Value,
    place: &Place<'_>,
    room: usize,
) -> Told {
    let teller = Teller { schema, place, room };
    let errors: Vec<_> = errors.collect();
    let mut told = Told::default();
    teller.several(&errors.iter().collect::<Vec<_>>(), &mut told);
    told.wrong.sort_by_key(|wrong| wrong.finding.primary);
    told
}

impl Told {
    fn push(&mut self, wrong: Wrong) {
        self.wrong.push(wrong);
    }
}

struct Teller<'t, 'd> {
    schema: &'t Value,
    place: &'t Place<'d>,
    /// How many are told.
    room: usize,
}

impl Teller<'_, '_> {
    fn several(&self, errors: &[&ValidationError<'_>], told: &mut Told) {
        // Of a value of the wrong type nothing else is worth saying.
        let mistyped: HashSet<_> = errors
            .iter()
            .filter(|error| matches!(error.kind(), Kind::Type { .. }))
            .map(|error| error.instance_path().to_string())
            .collect();
        for error in errors {
            let is_type = matches!(error.kind(), Kind::Type { .. });
            if told.wrong.len() >= self.room {
                told.untold += 1;
            } else if is_type || !mistyped.contains(error.instance_path().as_str()) {
                self.one(error, told);
            }
        }
    }

    fn one(&self, error: &ValidationError<'_>, told: &mut Told) {
        let inside = error.instance_path().to_string();
        let node = self.node(error);
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                let room = self.room.saturating_sub(told.wrong.len());
                let some = unexpected.iter().take(room);
                told.wrong.extend(some.map(|key| self.unknown(&inside, key, node)));
                told.untold += unexpected.len().saturating_sub(room);
            }
            Kind::PropertyNames { error } => {
                let key = error.instance().as_str().unwrap_or_default().to_owned();
                told.push(self.bad_name(&inside, &key));
            }
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                if !self.is_misspelt(&inside, key, node) {
                    told.push(self.missing(&inside, key, node));
                }
            }
            Kind::OneOfNotValid { context } => self.no_branch(error, &inside, context, told),
            Kind::AnyOf { context } => self.nearest_branch(error, &inside, context, told),
            Kind::OneOfMultipleValid { .. } => told.push(self.two_ways(&inside, node)),
            kind => told.push(self.wrong_value(&inside, kind, node)),
        }
    }

    /// The part of the schema that the error's keyword stands in.
    fn node(&self, error: &ValidationError<'_>) -> &Value {
        let path = error.schema_path().to_string();
        let parent = path.rfind('/').map_or("", |at| &path[..at]);
        self.schema.pointer(parent).unwrap_or(&Value::Null)
    }

    fn wrong(&self, code: Code, inside: &str, span: Span, message: String) -> Wrong {
        let pointer = self.place.absolute(inside);
        Wrong {
            finding: Diagnostic::error(code, message, span),
            node: pointer.clone(),
            pointer,
            unusable: true,
        }
    }

    fn unknown(&self, inside: &str, key: &str, node: &Value) -> Wrong {
        let pointer = format!("{inside}/{}", escape(key));
        let span = self.place.key_span(&self.place.absolute(&pointer));
        let subject = self.place.subject(inside);
        let known: Vec<_> = keys(node).collect();
        let mut wrong = self.wrong(
            codes::UNKNOWN_KEY,
            &pointer,
            span,
            format!("{subject} has no key `{key}`"),
        );
        let in_step = inside.is_empty() && !self.place.pointer.is_empty();
        let finding = if in_step && WITH_USES.contains(&key) {
            wrong.finding.with_help(format!("`{key}` belongs to steps with `uses`"))
        } else if let Some(near) = nearest(key, known.iter().copied()) {
            let finding = wrong.finding.with_label(format!("did you mean `{near}`?"));
            let taken = self.place.value(&self.place.absolute(inside)).get(near).is_some();
            if taken { finding } else { finding.with_fix(span, near) }
        } else if key == "required" && inside.starts_with("/inputs/") {
            wrong
                .finding
                .with_help("leave it out: an input without `default` must be given")
        } else if let Some((_, meant)) = MEANT.iter().find(|(word, _)| *word == key && inside.is_empty()) {
            wrong.finding.with_help(*meant)
        } else {
            let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            let own = if inside.is_empty() {
                "; keys of your own begin with `x-`"
            } else {
                ""
            };
            wrong.finding.with_help(format!("it knows {}{own}", known.join(", ")))
        };
        wrong.finding = finding;
        wrong
    }

    /// Whether `key` stands there in other words, which is told already.
    fn is_misspelt(&self, inside: &str, key: &str, node: &Value) -> bool {
        let unknown = |word: &str| !word.starts_with("x-") && !keys(node).any(|known| known == word);
        let map = self.place.value(&self.place.absolute(inside)).as_object();
        map.is_some_and(|map| map.keys().any(|word| unknown(word) && nearest(word, [key]).is_some()))
    }

    fn missing(&self, inside: &str, key: &str, node: &Value) -> Wrong {
        let pointer = self.place.absolute(inside);
        let span = if pointer.is_empty() {
            Span::default()
        } else {
            self.place.key_span(&pointer)
        };
        let subject = self.place.subject(inside);
        let mut wrong = self.wrong(codes::MISSING_KEY, inside, span, format!("{subject} lacks `{key}`"));
        if key == "max_rounds" {
            wrong.finding = wrong.finding.with_help(
                "say how many rounds there may be in all, the first one included: every way back is bounded",
            );
        } else if let Some(help) = self.about(&node["properties"][key]) {
            wrong.finding = wrong.finding.with_help(format!("`{key}`: {help}"));
        }
        wrong
    }

    fn bad_name(&self, inside: &str, key: &str) -> Wrong {
        let pointer = format!("{inside}/{}", escape(key));
        let span = self.place.key_span(&self.place.absolute(&pointer));
        let subject = self.place.subject(inside);
        let mut wrong = self.wrong(
            codes::BAD_ID,
            &pointer,
            span,
            format!("`{key}` in {subject} is no name"),
        );
        let in_wait = inside.ends_with("/any");
        wrong.finding = wrong.finding.with_help(if RESERVED_OUTPUTS.contains(&key) {
            format!("every result has a `{key}` of its own: choose another name")
        } else if in_wait && key == EXPIRED {
            own_outcome(key)
        } else {
            name_help(key)
        });
        wrong
    }

    /// None of several shapes fits: what is wrong with the one that has the right type.
    fn nearest_branch(
        &self,
        error: &ValidationError<'_>,
        inside: &str,
        context: &[Vec<ValidationError<'static>>],
        told: &mut Told,
    ) {
        let is_other_type = |error: &ValidationError<'_>| {
            matches!(error.kind(), Kind::Type { .. }) && error.instance_path().as_str() == inside
        };
        match context.iter().find(|errors| !errors.iter().any(is_other_type)) {
            Some(errors) => self.several(&errors.iter().collect::<Vec<_>>(), told),
            None => told.push(self.wrong_value(inside, error.kind(), self.node(error))),
        }
    }

    /// None of several shapes fits.
    fn no_branch(
        &self,
        error: &ValidationError<'_>,
        inside: &str,
        context: &[Vec<ValidationError<'static>>],
        told: &mut Told,
    ) {
        let path = error.schema_path().to_string();
        let def = path.trim_end_matches("/oneOf").rsplit('/').next().unwrap_or_default();
        let value = self.place.value(&self.place.absolute(inside));
        let has = |key: &str| value.get(key).is_some();
        let branch = match def {
            "Deadline" if value.is_object() => Some(1),
            "Escalation" if value.is_object() => Some(0),
            "Escalation" if value.as_array().is_some_and(|list| !list.is_empty()) => Some(1),
            "Disposition" if has("back_to") => Some(2),
            "Disposition" if has("end") => Some(1),
            "Choose" if has("when") || has("outcome") => Some(0),
            _ => None,
        };
        if let Some(errors) = branch.and_then(|index| context.get(index)) {
            self.several(&errors.iter().collect::<Vec<_>>(), told);
            return;
        }
        told.push(match def {
            "Wait" => self.unclear(
                inside,
                "does not say what it waits for",
                "give it one of `any`, `all`, `until`, `when` or `event`",
            ),
            "Choose" => self.unclear(
                inside,
                "is no branch",
                "write `{ when: CONDITION, outcome: NAME }`, and `{ otherwise: NAME }` at the end",
            ),
            _ => self.other_shape(inside, def, value, self.node(error)),
        });
    }

    fn unclear(&self, inside: &str, what: &str, help: &str) -> Wrong {
        let span = self.place.key_span(&self.place.absolute(inside));
        let subject = self.place.subject(inside);
        let mut wrong = self.wrong(codes::MISSING_KEY, inside, span, format!("{subject} {what}"));
        wrong.finding = wrong.finding.with_help(help);
        wrong
    }

    /// A value that is none of the shapes of its type.
    fn other_shape(&self, inside: &str, def: &str, value: &Value, node: &Value) -> Wrong {
        let refusal = match def {
            "After" => AfterSpec::try_from(value.clone()).err(),
            "Label" => LabelSpec::try_from(value.clone()).err(),
            "Join" => JoinSpec::try_from(value.clone()).err(),
            "Rule" => RuleSpec::try_from(value.clone()).err(),
            "MinFiles" => MinFiles::try_from(value.clone()).err(),
            "Deadline" => DeadlineSpec::try_from(value.clone()).err(),
            "Escalation" => EscalationSpec::try_from(value.clone()).err(),
            "Disposition" => DispositionSpec::try_from(value.clone()).err(),
            _ => None,
        };
        let words: Vec<_> = branches(node).filter_map(|branch| branch["const"].as_str()).collect();
        let must = refusal.unwrap_or_else(|| one_of(&words, value));
        let mut wrong = self.value_is(inside, &must);
        let raw = self
            .place
            .document
            .raw(&self.place.absolute(inside))
            .unwrap_or_default();
        if let Some(help) = instead(inside, value, raw).filter(|_| def == "Escalation") {
            wrong.finding = wrong.finding.with_help(help);
        }
        let meant = |word: &str| synonym(word, &words).or_else(|| nearest(word, words.iter().copied()));
        if let Some(near) = value.as_str().and_then(meant) {
            let span = wrong.finding.primary;
            wrong.finding = wrong
                .finding
                .with_label(format!("did you mean `{near}`?"))
                .with_fix(span, near);
        }
        if let Some(why) = value.as_str().and_then(why_not) {
            wrong.finding = wrong.finding.with_help(why);
        }
        wrong
    }

    fn value_is(&self, inside: &str, must: &str) -> Wrong {
        let span = self.place.span(&self.place.absolute(inside));
        let subject = self.place.subject(inside);
        self.wrong(codes::WRONG_VALUE, inside, span, format!("{subject} {must}"))
    }

    /// Keys of two shapes in one map.
    fn two_ways(&self, inside: &str, node: &Value) -> Wrong {
        let pointer = self.place.absolute(inside);
        let value = self.place.value(&pointer);
        let present: Vec<_> = branches(node)
            .filter_map(|branch| branch["required"][0].as_str())
            .filter(|key| value.get(*key).is_some())
            .collect();
        let key = |key: &str| self.place.key_span(&format!("{pointer}/{key}"));
        let words: Vec<_> = present.iter().map(|key| format!("`{key}`")).collect();
        let message = format!(
            "{} takes only one of {}",
            self.place.subject(inside),
            words.join(" and ")
        );
        let span = present
            .last()
            .map_or_else(|| self.place.key_span(&pointer), |last| key(last));
        let mut wrong = self.wrong(codes::WRONG_VALUE, inside, span, message);
        if let [first, _, ..] = present.as_slice() {
            wrong.finding = wrong.finding.with_related(key(first), "the first one");
        }
        wrong
    }

    fn wrong_value(&self, inside: &str, kind: &Kind, node: &Value) -> Wrong {
        let value = self.place.value(&self.place.absolute(inside));
        let (must, unusable) = match kind {
            Kind::Type { kind } => return self.wrong_type(inside, kind, value, node),
            Kind::Pattern { pattern } => return self.wrong_text(inside, pattern, value),
            Kind::Not { .. } => return self.reserved(inside, value),
            Kind::Constant { expected_value } => {
                (format!("must be `{expected_value}`, found {}", describe(value)), true)
            }
            Kind::MinLength { .. } | Kind::MinItems { .. } | Kind::MinProperties { .. } => (
                format!(
                    "must not be empty{}",
                    if value.is_array() { ": give it an entry" } else { "" }
                ),
                true,
            ),
            Kind::MaxLength { limit } => (format!("is longer than {limit} characters"), false),
            Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
                (format!("has more than {limit} entries"), false)
            }
            Kind::Minimum { limit } => (format!("must be at least {limit}, found {}", describe(value)), true),
            Kind::Maximum { limit } => (format!("must be at most {limit}, found {}", describe(value)), true),
            Kind::UniqueItems => ("names something twice".to_owned(), true),
            Kind::AnyOf { .. } => (format!("cannot be {}", describe(value)), true),
            other => (format!("is not as it must be ({})", other.keyword()), true),
        };
        let mut wrong = self.value_is(inside, &must);
        wrong.unusable = unusable;
        if let Some(help) = self.about(node) {
            wrong.finding = wrong.finding.with_help(help);
        }
        wrong
    }

    fn wrong_type(&self, inside: &str, kind: &TypeKind, value: &Value, node: &Value) -> Wrong {
        let pointer = self.place.absolute(inside);
        let wanted = wanted(kind);
        let raw = self.place.document.raw(&pointer).unwrap_or_default();
        let must = if value.is_null() {
            format!("has no value: it must be {}", wanted.1)
        } else {
            format!("must be {}, found {}", wanted.1, written(value, raw))
        };
        let mut wrong = self.value_is(inside, &must);
        let span = wrong.finding.primary;
        let whole = self.place.document.spans.value(&pointer) == span;
        let quotable = wanted.0 == "string" && (value.is_number() || value.is_boolean()) && whole;
        let listable = wanted.0 == "array" && value.is_string() && node["items"]["type"] == "string" && whole;
        let example = node["examples"][0].as_str();
        let help = if let Some(help) = instead(inside, value, raw) {
            Some(help)
        } else if let (true, Some(period)) = (value.is_number(), example.filter(|text| Period::parse(text).is_ok())) {
            Some(format!("a length of time says of what, as `{period}`"))
        } else if quotable && node["pattern"].is_null() {
            wrong.finding = wrong.finding.with_fix(span, format!("\"{raw}\""));
            Some(format!("put it in quotes: \"{raw}\""))
        } else if listable && !raw.starts_with(['|', '>']) && !raw.contains([',', '[', ']', '{', '}']) {
            wrong.finding = wrong.finding.with_fix(span, format!("[{raw}]"));
            Some(format!("write `[{raw}]`"))
        } else if inside == "/wait" && value.is_string() {
            Some("to wait for a moment, write `{ until: … }`; for an event, `{ event: … }`".to_owned())
        } else {
            self.about(node)
        };
        if let Some(help) = help {
            wrong.finding = wrong.finding.with_help(help);
        }
        wrong
    }

    fn wrong_text(&self, inside: &str, pattern: &str, value: &Value) -> Wrong {
        let text = value.as_str().unwrap_or_default();
        let subject = self.place.subject(inside);
        let span = self.place.span(&self.place.absolute(inside));
        let (code, message, help) = match pattern {
            NAME_PATTERN => (
                codes::BAD_ID,
                format!("{subject} is no name: `{text}`"),
                name_help(text),
            ),
            FLOW_PATTERN => (
                codes::BAD_ID,
                format!("{subject} is no name of a flow: `{text}`"),
                "write a small letter first, then small letters, digits, `-` or `_`, as `external-review`".to_owned(),
            ),
            VERSION_PATTERN => (
                codes::WRONG_VALUE,
                format!(
                    "{subject} must be three numbers, MAJOR.MINOR.PATCH, found {}",
                    describe(value)
                ),
                "write it as `1.0.0`".to_owned(),
            ),
            RANGE_PATTERN => (
                codes::WRONG_VALUE,
                format!("{subject} must say which versions, found {}", describe(value)),
                "write `1.2.0` for that one, `^1` for any that is compatible with 1, or leave it out for the newest"
                    .to_owned(),
            ),
            SIZE_PATTERN => (
                codes::WRONG_VALUE,
                format!("{subject} must be a size, found {}", describe(value)),
                "write it as `10 MB`".to_owned(),
            ),
            MOMENT_PATTERN => (
                codes::WRONG_VALUE,
                format!("{subject} must be a moment in UTC, found {}", describe(value)),
                "write it as `2026-03-04T10:00:00Z`".to_owned(),
            ),
            other => (
                codes::WRONG_VALUE,
                format!("{subject} must look like `{other}`, found {}", describe(value)),
                "see the schema of flows".to_owned(),
            ),
        };
        let mut wrong = self.wrong(code, inside, span, message);
        wrong.finding = wrong.finding.with_help(help);
        wrong
    }

    fn reserved(&self, inside: &str, value: &Value) -> Wrong {
        let word = value.as_str().unwrap_or_default();
        let span = self.place.span(&self.place.absolute(inside));
        let (what, help) = match inside.rsplit('/').next() {
            Some("id") => ("a step", "choose another id".to_owned()),
            Some("status") => (
                "an end",
                "it says what happened without the author: choose another word".to_owned(),
            ),
            _ => ("an outcome", own_outcome(word)),
        };
        let message = format!("`{word}` is a word of the language and cannot name {what}");
        let mut wrong = self.wrong(codes::BAD_ID, inside, span, message);
        wrong.finding = wrong.finding.with_help(help);
        wrong
    }

    /// What the schema says of a value, with an example.
    fn about(&self, node: &Value) -> Option<String> {
        let node = match node["$ref"].as_str() {
            Some(target) if node["description"].is_null() => self.schema.pointer(target.trim_start_matches('#'))?,
            _ => node,
        };
        let text = node["description"]
            .as_str()?
            .trim_start_matches("Verb: ")
            .trim_end_matches('.');
        Some(match &node["examples"][0] {
            Value::String(example) if !text.contains(example.as_str()) => format!("{text}; for example `{example}`"),
            _ => text.to_owned(),
        })
    }
}

/// The keys that a map of the schema may have.
fn keys(node: &Value) -> impl Iterator<Item = &str> {
    node["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
}

fn branches(node: &Value) -> impl Iterator<Item = &Value> {
    node["oneOf"].as_array().into_iter().flatten()
}

fn one_of(words: &[&str], value: &Value) -> String {
    if words.is_empty() {
        return format!("cannot be {}", describe(value));
    }
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("must be one of {}, found {}", words.join(", "), describe(value))
}

/// The wanted type, in the schema's word and in an author's.
fn wanted(kind: &TypeKind) -> (&'static str, &'static str) {
    const WORDS: [(&str, &str); 6] = [
        ("string", "a text"),
        ("object", "a map of keys"),
        ("array", "a list"),
        ("integer", "a whole number"),
        ("number", "a number"),
        ("boolean", "`true` or `false`"),
    ];
    let has = |name: &str| match kind {
        TypeKind::Single(one) => one.to_string() == name,
        TypeKind::Multiple(several) => several.iter().any(|one| one.to_string() == name),
    };
    WORDS
        .into_iter()
        .find(|(name, _)| has(name))
        .unwrap_or(("null", "left empty"))
}

/// What was found, and how it was written where that differs from how it was read.
fn written(value: &Value, raw: &str) -> String {
    match value {
        Value::Number(number) if number.to_string() != raw && !raw.is_empty() => {
            format!("the number {number}, written `{raw}`")
        }
        other => describe(other),
    }
}

/// Why no author's outcome is called so.
fn own_outcome(word: &str) -> String {
    let why = if word == EXPIRED {
        "that is what a deadline leads to"
    } else {
        "that happens to a step without anybody deciding"
    };
    format!("{why}: choose another name")
}

fn name_help(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name
        .trim_matches('_')
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '_')
        .to_owned();
    let example = if name.is_empty() { "legal_sign_off" } else { &name };
    format!("write a small letter first, then small letters, digits or `_`, as `{example}`")
}
