//! What names hold, before anything runs: inputs, outputs of steps, events.

use super::flows::{Flows, Outline, given, outline_of};
use super::places::EventScope;
use crate::base::Value;
use crate::expr::{Field, Type};
use crate::spec::catalog::DOCUMENT_EXPIRING;
use crate::spec::step::WaitSpec;
use crate::spec::{
    ApproveSpec, Catalog, CollectSpec, EachSpec, FieldSpec, FlowSpec, InputKind, InputSpec, ItemSpec, NeedSpec,
    RunSpec, StepSpec, TaskSpec, Verb,
};
use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Types of everything that expressions of one flow can name.
#[derive(Debug)]
pub struct Shapes {
    /// Inputs by name.
    pub inputs: IndexMap<String, Type>,
    /// The options of inputs that are a choice.
    pub options: HashMap<String, Vec<String>>,
    /// Paths of inputs, settings and values that are a day.
    pub days: HashSet<Vec<String>>,
    /// Fields of `settings`.
    pub settings: Type,
    /// Fields of `values`: sure where they have a default.
    pub values: Type,
    /// What each step gives, by id.
    pub steps: IndexMap<String, StepShape>,
    /// Fields of `run`.
    pub run: Type,
    events: HashMap<String, Type>,
}

/// What a step gives, by outcome.
#[derive(Debug)]
pub enum StepShape {
    /// The same for every outcome.
    Same(Type),
    /// By outcome. An outcome that is not listed gives nothing.
    ByOutcome(Vec<(String, Type)>),
}

/// Fields that every finished step has.
pub const OF_EVERY_STEP: [&str; 3] = ["outcome", "round", "rounds"];

impl Shapes {
    /// The types of `spec` by the catalogue.
    pub fn of(spec: &FlowSpec, catalog: &Catalog, flows: Option<&Flows>) -> Self {
        let mut shapes = Self {
            inputs: spec
                .inputs
                .iter()
                .map(|(name, input)| (name.clone(), input_type(input)))
                .collect(),
            options: spec
                .inputs
                .iter()
                .filter(|(_, input)| input.kind == InputKind::Choice && !input.options.is_empty())
                .map(|(name, input)| (name.clone(), input.options.clone()))
                .collect(),
            days: days(spec),
            settings: Type::object(
                spec.settings
                    .iter()
                    .map(|(name, setting)| (name.as_str(), Field::sure(input_type(setting)))),
            ),
            values: values_type(spec),
            steps: IndexMap::new(),
            run: run_type(),
            events: HashMap::new(),
        };
        let mut actions = HashMap::new();
        if let Some(event) = &spec.on.event {
            shapes.event(&event.kind, catalog);
        }
        if spec.on.document.is_some() {
            shapes.event(DOCUMENT_EXPIRING, catalog);
        }
        shapes.list(&spec.steps, catalog, &mut actions);
        shapes.list(&spec.always, catalog, &mut actions);
        shapes.runs(&spec.steps, flows);
        shapes.runs(&spec.always, flows);
        shapes
    }

    /// The steps of a list, and those inside them.
    fn list<'a>(&mut self, steps: &'a [StepSpec], catalog: &Catalog, actions: &mut HashMap<&'a str, Type>) {
        for step in steps {
            let shape = self.step(step, catalog, actions);
            self.steps.entry(step.id.clone()).or_insert(shape);
            if let Some(each) = &step.each {
                self.list(&each.steps, catalog, actions);
            }
        }
    }

    /// What the steps of a list give that run other flows, and those inside them.
    fn runs(&mut self, steps: &[StepSpec], flows: Option<&Flows>) {
        for step in steps {
            if step.run.is_some() && self.steps.contains_key(&step.id) {
                let shape = run_shape(outline_of(flows, step));
                self.steps.insert(step.id.clone(), shape);
            }
            if let Some(each) = &step.each {
                self.runs(&each.steps, flows);
            }
        }
    }

    /// The type of `event` there; `None` where there is no event.
    pub fn event_in(&self, scope: EventScope<'_>) -> Option<Type> {
        match scope {
            EventScope::None | EventScope::File | EventScope::Results => None,
            EventScope::Body => Some(Type::Any),
            EventScope::Moment => Some(moment_type()),
            EventScope::RunEnded => Some(run_ended_type()),
            EventScope::Kind(kind) => Some(self.events.get(kind).cloned().unwrap_or(Type::Any)),
        }
    }

    fn event(&mut self, kind: &str, catalog: &Catalog) -> Type {
        let of_catalog = || {
            catalog
                .event(kind)
                .map_or(Type::Any, |event| Type::from_schema(&event.data))
        };
        self.events.entry(kind.to_owned()).or_insert_with(of_catalog).clone()
    }

    fn step<'a>(&mut self, step: &'a StepSpec, catalog: &Catalog, actions: &mut HashMap<&'a str, Type>) -> StepShape {
        match step.verb() {
            Some(Verb::Uses(name, _)) => {
                let of_catalog = || {
                    catalog
                        .action(name)
                        .map_or(Type::Any, |action| Type::from_schema(&action.output))
                };
                let output = actions.entry(name).or_insert_with(of_catalog).clone();
                StepShape::ByOutcome(vec![("done".into(), output), ("failed".into(), failure([]))])
            }
            Some(Verb::Wait(wait)) => self.wait(wait, catalog),
            Some(Verb::Approve(approve)) => approve_shape(approve),
            Some(Verb::Task(task)) => task_shape(task),
            Some(Verb::Collect(collect)) => collect_shape(collect),
            Some(Verb::Check(_)) => {
                let failures = ("failures", Field::sure(Type::list(Type::Text)));
                StepShape::ByOutcome(vec![("failed".into(), failure([failures]))])
            }
            Some(Verb::Cancel(_)) => {
                StepShape::Same(Type::object([("cancelled", Field::sure(Type::list(Type::Text)))]))
            }
            Some(Verb::Complete(_)) => {
                StepShape::Same(Type::object([("completed", Field::sure(Type::list(Type::Text)))]))
            }
            Some(Verb::Add(_)) => {
                let fields = || [("index", Field::sure(Type::Integer)), ("item", Field::sure(Type::Any))];
                let added = ("done".into(), Type::object(fields()));
                StepShape::ByOutcome(vec![added, ("closed".into(), Type::object([]))])
            }
            Some(Verb::Choose(_) | Verb::Set(_) | Verb::End(_)) => StepShape::Same(Type::object([])),
            Some(Verb::Each(each)) => each_shape(&result_type(each, Type::Any, &HashMap::new())),
            Some(Verb::Run(_)) | None => StepShape::Same(Type::Any),
        }
    }

    fn wait(&mut self, wait: &WaitSpec, catalog: &Catalog) -> StepShape {
        if let Some(event) = &wait.event {
            return StepShape::ByOutcome(vec![("received".into(), self.event(event, catalog))]);
        }
        if wait.when.is_some() {
            return StepShape::Same(Type::object([]));
        }
        if !wait.all.is_empty() {
            let fields = wait
                .all
                .iter()
                .map(|(name, one)| (name.clone(), Field::sure(self.event(&one.event, catalog))));
            let all = Type::Object {
                fields: Arc::new(fields.collect()),
                open: false,
            };
            return StepShape::ByOutcome(vec![("received".into(), all)]);
        }
        let alternatives = wait
            .any
            .iter()
            .map(|(name, one)| (name.clone(), self.event(&one.event, catalog)));
        StepShape::ByOutcome(alternatives.collect())
    }
}

impl StepShape {
    /// What the step gives when it ends with `outcome`.
    pub fn with_outcome(&self, outcome: &str) -> Option<&Type> {
        match self {
            Self::Same(ty) => Some(ty),
            Self::ByOutcome(outcomes) => outcomes.iter().find(|(name, _)| name == outcome).map(|(_, ty)| ty),
        }
    }

    /// Everything that the step can give, whatever the outcome.
    pub fn types(&self) -> Vec<&Type> {
        match self {
            Self::Same(ty) => vec![ty],
            Self::ByOutcome(outcomes) => outcomes.iter().map(|(_, ty)| ty).collect(),
        }
    }

    /// The names of every field that the step can give.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.types().into_iter().flat_map(field_names).chain(OF_EVERY_STEP) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// What is known of a field.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// There is such a field.
    Known(Field),
    /// There is none.
    Missing,
    /// The value has no fields at all; what follows the dot is a method, or wrong.
    NoFields,
}

/// The field `name` of a value of type `ty`.
pub fn field_of(ty: &Type, name: &str) -> Lookup {
    match ty {
        Type::Any => Lookup::Known(Field::sure(Type::Any)),
        Type::Object { fields, open } => match fields.get(name) {
            Some(field) => Lookup::Known(field.clone()),
            None if *open => Lookup::Known(Field::sure(Type::Any)),
            None => Lookup::Missing,
        },
        Type::Null | Type::Boolean | Type::Integer | Type::Number | Type::Text | Type::List(_) => Lookup::NoFields,
    }
}

/// The names of a value's fields.
pub fn field_names(ty: &Type) -> Vec<&str> {
    match ty {
        Type::Object { fields, .. } => fields.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The type of a field that every step has.
pub fn of_every_step(name: &str) -> Option<Type> {
    match name {
        "outcome" => Some(Type::Text),
        "round" => Some(Type::Integer),
        "rounds" => Some(Type::List(Box::new(Type::Any))),
        _ => None,
    }
}

/// Whether the value can be a file: something with a version that has a SHA-256.
pub fn may_be_file(ty: &Type) -> bool {
    ["id", "version", "sha256"]
        .iter()
        .all(|name| matches!(field_of(ty, name), Lookup::Known(_)))
}

/// The paths of inputs, settings and values that are a day.
fn days(spec: &FlowSpec) -> HashSet<Vec<String>> {
    let named = [
        ("inputs", &spec.inputs),
        ("settings", &spec.settings),
        ("values", &spec.values),
    ];
    let all = named
        .into_iter()
        .flat_map(|(root, inputs)| inputs.iter().map(move |one| (root, one)));
    all.filter(|(_, (_, input))| input.kind == InputKind::Date)
        .map(|(root, (name, _))| vec![root.to_owned(), name.clone()])
        .collect()
}

/// The type of an input's value.
pub fn input_type(input: &InputSpec) -> Type {
    match input.kind {
        InputKind::List => Type::List(Box::new(input.of.map_or(Type::Any, kind_type))),
        kind => kind_type(kind),
    }
}

fn kind_type(kind: InputKind) -> Type {
    match kind {
        InputKind::Text
        | InputKind::Date
        | InputKind::Duration
        | InputKind::Email
        | InputKind::Person
        | InputKind::Choice => Type::Text,
        InputKind::Number => Type::Number,
        InputKind::Integer => Type::Integer,
        InputKind::Boolean => Type::Boolean,
        InputKind::File => Type::file(),
        InputKind::List => Type::List(Box::new(Type::Any)),
        InputKind::Object => Type::Any,
    }
}

/// What a step gives that could not be done: why, and what else is known.
fn failure<const N: usize>(more: [(&str, Field); N]) -> Type {
    Type::object([("error", Field::sure(Type::Text))].into_iter().chain(more))
}

/// The type of the elements of `list`, as far as it is written out; what an expression gives is
/// known elsewhere.
pub fn literal_item(list: &Value) -> Type {
    let items = list.as_array().into_iter().flatten();
    items.map(literal).reduce(Type::or).unwrap_or(Type::Any)
}

/// The type of a value as written.
pub fn literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Boolean,
        Value::Number(number) if number.is_i64() || number.is_u64() => Type::Integer,
        Value::Number(_) => Type::Number,
        Value::String(text) if text.contains("${{") => Type::Any,
        Value::String(_) => Type::Text,
        Value::Array(_) => Type::list(literal_item(value)),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.as_str(), Field::sure(literal(value))));
            Type::object(fields)
        }
    }
}

/// What is known of one element that is over, where the element is an `item` and its outputs are as
/// told by name.
pub fn result_type(each: &EachSpec, item: Type, outputs: &HashMap<&str, Type>) -> Type {
    let own = [
        ("index", Field::sure(Type::Integer)),
        ("item", Field::sure(item)),
        ("status", Field::sure(Type::Text)),
    ];
    let outputs = each.outputs.keys().map(|name| {
        let ty = outputs.get(name.as_str()).cloned().unwrap_or(Type::Any);
        (name.as_str(), Field::maybe(ty))
    });
    Type::object(own.into_iter().chain(outputs))
}

/// What a step gives that goes through a list, with this of each element.
pub fn each_shape(result: &Type) -> StepShape {
    let results = || ("results", Field::sure(Type::list(result.clone())));
    StepShape::ByOutcome(vec![
        ("done".into(), Type::object([results()])),
        ("failed".into(), failure([results()])),
    ])
}

/// What changes while a run goes on: there from the start where it has a default.
fn values_type(spec: &FlowSpec) -> Type {
    let fields = spec.values.iter().map(|(name, value)| {
        let ty = input_type(value);
        let field = if value.is_optional() {
            Field::sure(ty)
        } else {
            Field::maybe(ty)
        };
        (name.as_str(), field)
    });
    Type::object(fields)
}

fn run_type() -> Type {
    let text = || Field::sure(Type::Text);
    Type::object([
        ("id", text()),
        ("flow", text()),
        ("version", text()),
        ("initiator", text()),
        ("started_at", text()),
        ("now", text()),
    ])
}

/// What a schedule tells of the moment that came.
fn moment_type() -> Type {
    let text = || Field::sure(Type::Text);
    Type::object([("scheduled_at", text()), ("date", text())])
}

/// What is told of the end of another flow's run.
fn run_ended_type() -> Type {
    let text = || Field::sure(Type::Text);
    Type::object([
        ("run", text()),
        ("flow", text()),
        ("version", text()),
        ("outcome", text()),
        ("initiator", text()),
        ("outputs", Field::sure(Type::Any)),
    ])
}

/// What `file` holds there: something in a condition on a file of a checklist, nothing elsewhere.
pub fn file_in(scope: EventScope<'_>) -> Option<Type> {
    (scope == EventScope::File).then(item_file_type)
}

fn item_file_type() -> Type {
    let text = || Field::sure(Type::Text);
    Type::object([
        ("name", text()),
        ("size", Field::sure(Type::Integer)),
        ("media_type", text()),
        ("sha256", text()),
        ("valid_until", Field::maybe(Type::Text)),
        // What cannot be read is refused where it is asked for.
        ("text", text()),
        ("columns", Field::sure(Type::list(Type::Text))),
        ("rows", Field::sure(Type::Integer)),
    ])
}

/// What a checklist gives: how each item stands, and its files as far as they are there.
fn collect_shape(collect: &CollectSpec) -> StepShape {
    let items = |complete: bool| {
        let fields = collect
            .items
            .iter()
            .map(|(name, item)| (name.as_str(), Field::sure(given_type(item, complete))));
        Field::sure(Type::object(fields))
    };
    let reason = ("reason", Field::sure(Type::Text));
    StepShape::ByOutcome(vec![
        (CollectSpec::COMPLETE.into(), Type::object([("items", items(true))])),
        (CollectSpec::INCOMPLETE.into(), Type::object([("items", items(false))])),
        (
            CollectSpec::WITHDRAWN.into(),
            Type::object([("items", items(false)), reason]),
        ),
    ])
}

/// What is known of one item. Its file is there where the checklist is complete and the item is not
/// one that may be left out.
fn given_type(item: &ItemSpec, complete: bool) -> Type {
    let sure = complete && !item.may_not_apply();
    let field = |sure: bool, ty: Type| if sure { Field::sure(ty) } else { Field::maybe(ty) };
    let own = [
        ("state", Field::sure(Type::Text)),
        ("files", Field::sure(Type::list(Type::file()))),
        ("file", field(sure, Type::file())),
        ("because", Field::maybe(Type::Text)),
        ("reason", Field::maybe(Type::Text)),
    ];
    let until = item.valid_until.map(|need| {
        let sure = sure && need == NeedSpec::Required;
        ("valid_until", field(sure, Type::Text))
    });
    Type::object(own.into_iter().chain(until))
}

/// What the run of another flow gives: its outputs, as far as they are known, and its id.
fn run_shape(outline: Option<&Outline>) -> StepShape {
    let run = || (RunSpec::RUN.to_owned(), Field::sure(Type::Text));
    let Some(outline) = outline else {
        return StepShape::Same(Type::of_fields([run()].into_iter().collect(), true));
    };
    let ended = |end: &str| {
        let mut fields = given(outline, end == RunSpec::COMPLETED);
        fields.extend([run()]);
        if end == RunSpec::FAILED {
            // It may never have begun.
            fields.extend([(RunSpec::RUN.to_owned(), Field::maybe(Type::Text))]);
            fields.extend([("error".to_owned(), Field::maybe(Type::Text))]);
        }
        (end.to_owned(), Type::of_fields(fields, false))
    };
    let ends = outline.ends.iter().map(String::as_str);
    let others = [RunSpec::FAILED, RunSpec::CANCELLED].into_iter();
    let others = others.filter(|end| !outline.ends.iter().any(|one| one == end));
    StepShape::ByOutcome(ends.chain(others).map(ended).collect())
}

/// What an approval gives, by decision: who decided what, and the fields of its form.
fn approve_shape(approve: &ApproveSpec) -> StepShape {
    let decisions = approve.decisions();
    if approve.form.is_empty() {
        return StepShape::Same(Type::object(approve_fields()));
    }
    let with_form = |decision: &&str| {
        let fields = form_fields(&approve.form, decision, decisions[0]);
        (
            (*decision).to_owned(),
            Type::object(approve_fields().into_iter().chain(fields)),
        )
    };
    let mut outcomes: Vec<(String, Type)> = decisions.iter().map(with_form).collect();
    outcomes.push(("expired".to_owned(), Type::object(approve_fields())));
    StepShape::ByOutcome(outcomes)
}

/// What a task gives, by answer: who settled it and when, and the fields of its form.
fn task_shape(task: &TaskSpec) -> StepShape {
    let text = || Field::sure(Type::Text);
    let maybe = || Field::maybe(Type::Text);
    let document = || {
        task.document
            .as_ref()
            .map(|_| ("document", Field::sure(Type::file())))
            .into_iter()
    };
    let [done, _] = TaskSpec::ANSWERS;
    let answered = |answer: &str| {
        let reason = if answer == done { maybe() } else { text() };
        let settled = [
            ("by", text()),
            ("at", text()),
            ("on_behalf_of", maybe()),
            ("escalated_to", maybe()),
            ("reason", reason),
        ];
        let fields = form_fields(&task.form, answer, done);
        (answer.to_owned(), Type::object(document().chain(settled).chain(fields)))
    };
    let mut outcomes: Vec<(String, Type)> = TaskSpec::ANSWERS.iter().map(|answer| answered(answer)).collect();
    outcomes.push(("expired".to_owned(), Type::object(document())));
    StepShape::ByOutcome(outcomes)
}

/// The fields of a form with one answer: sure where the answer needs them or they have a default.
fn form_fields<'f>(
    form: &'f IndexMap<String, FieldSpec>,
    answer: &str,
    goes_on: &str,
) -> impl Iterator<Item = (&'f str, Field)> {
    form.iter().map(move |(name, field)| {
        let needed = field.needed_for(goes_on).iter().any(|one| one == answer);
        let given = needed || (field.default.is_some() && answer == goes_on);
        let ty = input_type(&field.input());
        (name.as_str(), if given { Field::sure(ty) } else { Field::maybe(ty) })
    })
}

fn approve_fields() -> [(&'static str, Field); 2] {
    let text = || Field::sure(Type::Text);
    let maybe = || Field::maybe(Type::Text);
    let decision = Type::object([
        ("by", text()),
        ("on_behalf_of", maybe()),
        ("escalated_to", maybe()),
        ("decision", text()),
        ("reason", maybe()),
        ("sha256", text()),
        ("form", Field::maybe(Type::Any)),
        ("at", text()),
    ]);
    [
        ("document", Field::sure(Type::file())),
        ("decisions", Field::sure(Type::List(Box::new(decision)))),
    ]
}

/// Whether a value of type `ty` may be given as an input of this kind. A text may stand for a
/// number, for `true` and for the id of a file.
pub fn may_be_given(kind: InputKind, ty: &Type) -> bool {
    match (kind, ty) {
        (_, Type::Any | Type::Null) => true,
        (InputKind::Boolean, ty) => matches!(ty, Type::Boolean | Type::Text),
        (InputKind::Number | InputKind::Integer, ty) => ty.is_number() || *ty == Type::Text,
        (InputKind::File, ty) => *ty == Type::Text || may_be_file(ty),
        (InputKind::List, ty) => matches!(ty, Type::List(_)),
        (InputKind::Object, ty) => matches!(ty, Type::Object { .. }),
        (_, ty) => *ty == Type::Text,
    }
}
