//! A document read as a test, with every finding about its shape.

use super::codes;
use super::file::{AnswerSpec, AnswersSpec, CaseSpec, EntrySpec, NeverSpec, TestSpec};
use crate::base::source::escape;
use crate::base::{Diagnostic, Document, Value};
use crate::spec::{FileShape, codes as shape_codes};
use indexmap::IndexMap;
use schemars::generate::SchemaSettings;
use serde_json::{Map, json};
use std::sync::LazyLock;

/// Where editors find the schema.
pub const ID: &str = "https://raw.githubusercontent.com/gatefold/gatefold/main/schema/test.schema.json";
/// What can happen, of which each entry of a time line has one.
#[rustfmt::skip]
pub const DOINGS: [&str; 31] = [
    "upload", "comment", "open", "download", "give", "take_back", "not_applicable", "withdraw", "revoke", "put",
    "decide", "answer", "claim", "release", "delegate", "reassign", "remark", "act",
    "event", "webhook", "fail", "cancel", "change", "configure", "look", "retry", "skip", "set", "crash", "down",
    "expect",
];
const ANSWERS: [&str; 4] = ["gives", "made_up", "fails", "hangs"];
const NEVERS: [&str; 5] = ["step", "action", "mail", "share", "event"];

static SHAPE: LazyLock<FileShape> = LazyLock::new(|| FileShape::new(types_schema(), "the test"));

fn types_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<TestSpec>().to_value();
    crate::spec::schema::tidy(&mut schema);
    schema
}

/// The schema of test files, in draft 2020-12.
pub fn test_schema() -> Value {
    let mut schema = types_schema();
    for (name, keys) in [("Entry", &DOINGS[..]), ("Answer", &ANSWERS), ("Never", &NEVERS)] {
        let required: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
        schema["$defs"][name]["oneOf"] = json!(required);
    }
    schema["$defs"]["Case"]["anyOf"] = json!([
        { "required": ["expect"] },
        { "required": ["never"] },
        { "required": ["start"], "properties": { "start": { "required": ["refused"] } } },
        { "required": ["timeline"], "properties": { "timeline": { "contains": {
            "anyOf": [{ "required": ["expect"] }, { "required": ["look"] }, { "required": ["refused"] }],
        } } } },
    ]);
    let root = schema.as_object_mut().expect("a schema of a struct is a map");
    root.remove("title");
    let mut ordered = Map::new();
    ordered.insert("$schema".to_owned(), root.remove("$schema").unwrap_or_default());
    ordered.insert("$id".to_owned(), json!(ID));
    ordered.insert("title".to_owned(), json!("Tests of a Gatefold flow"));
    ordered.append(root);
    Value::Object(ordered)
}

/// Reads a test. Nothing is returned where it cannot be played.
pub fn read_test(document: &Document) -> (Option<TestSpec>, Vec<Diagnostic>) {
    let mut findings = SHAPE.check(document);
    if !findings.is_empty() || !document.value.is_object() {
        if findings.is_empty() {
            let finding = Diagnostic::error(
                shape_codes::MISSING_KEY,
                "the test lacks `cases`",
                document.spans.value(""),
            );
            findings.push(finding);
        }
        return (None, findings);
    }
    match serde_path_to_error::deserialize::<_, TestSpec>(&document.value) {
        Ok(test) => {
            let mut reader = Reader { document, findings };
            reader.test(&test);
            let is_right = reader.findings.is_empty();
            (is_right.then_some(test), reader.findings)
        }
        Err(error) => {
            let message = format!("this test is not understood: {}: {}", error.path(), error.inner());
            findings.push(Diagnostic::error(
                shape_codes::WRONG_VALUE,
                message,
                document.spans.value(""),
            ));
            (None, findings)
        }
    }
}

/// Whether anything that the case says must be so.
fn can_fail(case: &CaseSpec) -> bool {
    let is_refused = case.start.as_ref().is_some_and(|start| start.refused.is_some());
    let says = |entry: &EntrySpec| entry.expect.is_some() || entry.look.is_some() || entry.refused.is_some();
    case.expect.is_some() || !case.never.is_empty() || is_refused || case.timeline.iter().any(says)
}

/// What the types alone cannot say.
struct Reader<'d> {
    document: &'d Document,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn test(&mut self, test: &TestSpec) {
        self.answers("", &test.actions);
        let mut names: IndexMap<&str, usize> = IndexMap::new();
        for (index, case) in test.cases.iter().enumerate() {
            let at = format!("/cases/{index}");
            if let Some(first) = names.insert(&case.name, index) {
                let span = self.document.spans.value(&format!("{at}/name"));
                let other = self.document.spans.value(&format!("/cases/{first}/name"));
                let message = format!("two cases are called \"{}\"", case.name);
                let finding = Diagnostic::error(shape_codes::DUPLICATE_ID, message, span)
                    .with_related(other, "first here")
                    .with_help("say in the name what is different about this one");
                self.findings.push(finding);
            }
            self.case(&at, case);
        }
    }

    fn case(&mut self, at: &str, case: &CaseSpec) {
        self.answers(at, &case.actions);
        for (index, entry) in case.timeline.iter().enumerate() {
            self.entry(&format!("{at}/timeline/{index}"), entry);
        }
        if !can_fail(case) {
            let span = self.document.spans.value(&format!("{at}/name"));
            let message = format!("the case \"{}\" says nothing that must be so", case.name);
            let finding = Diagnostic::error(codes::CANNOT_BE_PLAYED, message, span)
                .with_help("say what must come of it with `expect`, in the end or on the time line, or with `never`");
            self.findings.push(finding);
        }
        for index in 0..case.never.len() {
            let at = format!("{at}/never/{index}");
            self.one_of(&at, "this entry of `never`", &NEVERS);
            self.outcome_with_step(&at, &case.never[index]);
        }
    }

    fn outcome_with_step(&mut self, at: &str, never: &NeverSpec) {
        if never.outcome.is_some() && never.step.is_none() {
            let span = self.document.spans.key(&format!("{at}/outcome"));
            let finding = Diagnostic::error(shape_codes::MISSING_KEY, "`outcome` lacks its `step`", span);
            self.findings.push(finding);
        }
    }

    fn entry(&mut self, at: &str, entry: &EntrySpec) {
        self.one_of(at, "this entry of the time line", &DOINGS);
        if entry.at.is_some() && entry.after.is_some() {
            let span = self.document.spans.key(&format!("{at}/after"));
            let finding = Diagnostic::error(
                shape_codes::WRONG_VALUE,
                "an entry takes only one of `at` and `after`",
                span,
            )
            .with_related(self.document.spans.key(&format!("{at}/at")), "the first one");
            self.findings.push(finding);
        }
        let nobody = ["expect", "crash", "fail"];
        let has = |key: &&str| self.document.value.pointer(&format!("{at}/{key}")).is_some();
        if entry.refused.is_some()
            && let Some(key) = nobody.iter().find(|key| has(key))
        {
            let span = self.document.spans.key(&format!("{at}/refused"));
            let message = format!("`{key}` cannot be refused");
            self.findings
                .push(Diagnostic::error(shape_codes::WRONG_VALUE, message, span).with_help("leave `refused` out"));
        }
    }

    fn answers(&mut self, at: &str, answers: &IndexMap<String, AnswersSpec>) {
        for (name, answers) in answers {
            let at = format!("{at}/actions/{}", escape(name));
            match answers {
                AnswersSpec::One(answer) => self.answer(&at, answer),
                AnswersSpec::Several(several) => {
                    if several.is_empty() {
                        let span = self.document.spans.value(&at);
                        let message = format!("no answer is given for `{name}`");
                        self.findings
                            .push(Diagnostic::error(codes::CANNOT_BE_PLAYED, message, span));
                    }
                    for (index, answer) in several.iter().enumerate() {
                        self.answer(&format!("{at}/{index}"), answer);
                    }
                }
            }
        }
    }

    fn answer(&mut self, at: &str, answer: &AnswerSpec) {
        self.one_of(at, "this answer", &ANSWERS);
        if answer.message.is_some() && answer.fails.is_none() {
            let span = self.document.spans.key(&format!("{at}/message"));
            let finding = Diagnostic::error(shape_codes::WRONG_VALUE, "only a call that fails has a `message`", span);
            self.findings.push(finding);
        }
    }

    /// Tells of a map that has none of `keys`, or several.
    fn one_of(&mut self, at: &str, subject: &str, keys: &[&str]) {
        let map = self.document.value.pointer(at).and_then(Value::as_object);
        let present: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|key| map.is_some_and(|map| map.contains_key(*key)))
            .collect();
        let spans = &self.document.spans;
        let finding = match present.as_slice() {
            [_] => return,
            [] => {
                let words: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                let span = super::first_line(&self.document.text, spans.value(at));
                Diagnostic::error(shape_codes::MISSING_KEY, format!("{subject} says nothing"), span)
                    .with_help(format!("give it one of {}", words.join(", ")))
            }
            [first, second, ..] => {
                let message = format!("{subject} says two things: `{first}` and `{second}`");
                Diagnostic::error(shape_codes::WRONG_VALUE, message, spans.key(&format!("{at}/{second}")))
                    .with_related(spans.key(&format!("{at}/{first}")), "the first one")
                    .with_help("make two entries of it, one after the other")
            }
        };
        self.findings.push(finding);
    }
}
