//! A document read as a flow, with every finding about its shape.
//!
//! The JSON Schema says what is wrong, `tell` says it in an author's words at the exact place, and
//! what is right is read into types. Invariant: what the schema accepts, the types accept.

mod hints;
mod outer;
mod place;
mod steps;
mod tell;

use super::{FlowSpec, codes, schema};
use crate::base::findings::MAX_FINDINGS;
use crate::base::{Diagnostic, Document, Findings, Span, Value};
use place::Place;
use std::sync::{LazyLock, OnceLock};

/// A compiled schema, kept together with its source, which the messages quote.
struct Schema {
    validator: jsonschema::Validator,
    source: Value,
}

impl Schema {
    fn compile(source: Value) -> Self {
        let validator = jsonschema::draft202012::options()
            .offline()
            .build(&source)
            .expect("the schema is generated and tested");
        Self { validator, source }
    }
}

/// The schemas that reading needs, each compiled once, and where it is needed.
struct Schemas {
    outer: Schema,
    /// By verb; compiled when the first step of that verb is read.
    steps: Vec<(&'static str, OnceLock<Schema>)>,
    any_step: OnceLock<Schema>,
    /// What they are cut out of.
    flow: Value,
}

impl Schemas {
    /// The schema of steps with `verb`; of any step where there is none.
    fn step(&self, verb: Option<&str>) -> &Schema {
        let known = self.steps.iter().find(|(word, _)| Some(*word) == verb);
        let (verb, cell) = known.map_or((None, &self.any_step), |(word, cell)| (Some(*word), cell));
        cell.get_or_init(|| Schema::compile(schema::step_schema(&self.flow, verb)))
    }
}

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let flow = schema::shallow(&schema::flow_schema());
    Schemas {
        outer: Schema::compile(schema::outer_schema(&flow)),
        steps: schema::verbs().map(|verb| (verb, OnceLock::new())).collect(),
        any_step: OnceLock::new(),
        flow,
    }
});

/// Reads a flow. Steps that are broken are left out and named in [`FlowSpec::broken`]; anything
/// else that is broken is left out too, or replaced by the least that can be said of it. Nothing
/// is returned where there is no list of steps at all.
pub fn read_flow(document: &Document) -> (Option<FlowSpec>, Findings) {
    let mut reader = Reader {
        document,
        findings: Findings::default(),
    };
    let flow = reader.flow();
    reader.findings.sort();
    (flow, reader.findings)
}

/// A schema of files other than flows, which are told about in the same words.
pub struct FileShape {
    schema: Schema,
    name: &'static str,
}

impl FileShape {
    /// The shape that `schema` describes, called `name`, as `the test`.
    ///
    /// # Panics
    /// If the schema is none: it is generated and tested.
    pub fn new(schema: Value, name: &'static str) -> Self {
        Self {
            schema: Schema::compile(schema),
            name,
        }
    }

    /// Everything that keeps the document from having this shape.
    pub fn check(&self, document: &Document) -> Vec<Diagnostic> {
        let mut reader = Reader {
            document,
            findings: Findings::default(),
        };
        let place = Place::whole(document, self.name);
        reader.check(&self.schema, &document.value, &place);
        reader.findings.told(document.text.len())
    }
}

/// One reading of one document.
struct Reader<'d> {
    document: &'d Document,
    findings: Findings,
}

impl Reader<'_> {
    fn flow(&mut self) -> Option<FlowSpec> {
        let root = match &self.document.value {
            Value::Object(root) => root,
            Value::Null => {
                self.say_nothing();
                return None;
            }
            other => {
                let message = format!("a flow is a map of keys, found {}", super::shape::describe(other));
                let finding = Diagnostic::error(codes::WRONG_VALUE, message, self.brief(self.document.spans.value("")))
                    .with_help("begin with `flow: NAME`");
                self.say("", finding);
                return None;
            }
        };
        let outer = self.outer(root);
        let read = self.steps(root);
        let mut flow = outer?;
        flow.steps = read.main;
        flow.always = read.always;
        flow.broken = read.broken;
        Some(flow)
    }

    fn say_nothing(&mut self) {
        let finding = Diagnostic::error(codes::MISSING_KEY, "this file is empty", Span::default())
            .with_help("a flow begins with `flow: NAME`, `version: 1.0.0` and `steps:`");
        self.say("", finding);
    }

    /// Keeps a finding about the node at `pointer`, unless a syntax error hid a part of it.
    fn say(&mut self, pointer: &str, finding: Diagnostic) {
        let node = self.document.spans.get(pointer);
        let hidden = node.is_some_and(|node| {
            let whole = Span::new(node.key.map_or(node.value.start, |key| key.start), node.value.end);
            self.document.is_unread(whole)
        });
        let at_the_end = node.is_none() && !self.document.unread.is_empty();
        if !hidden && !at_the_end && !self.document.is_unread(finding.primary) {
            self.findings.push(finding);
        }
    }

    /// Tells everything that `schema` finds wrong with `value`; returns where.
    fn check(&mut self, schema: &Schema, value: &Value, place: &Place<'_>) -> tell::Told {
        // At least one, by which the caller sees that something is wrong.
        let room = MAX_FINDINGS.saturating_sub(self.findings.len()).max(1);
        let told = tell::all(schema.validator.iter_errors(value), &schema.source, place, room);
        for wrong in &told.wrong {
            self.say(&wrong.node, wrong.finding.clone());
        }
        self.findings.leave_out(told.untold);
        told
    }

    /// The first line of a stretch.
    fn brief(&self, span: Span) -> Span {
        place::first_line(&self.document.text, span)
    }
}

#[cfg(test)]
mod tests;
