//! Every place of a flow that may hold an expression, and what is in scope there.

use super::rule::StepView;
use crate::base::Value;
use crate::base::source::escape;
use crate::spec::catalog::DOCUMENT_EXPIRING;
use crate::spec::step::{WaitAlternative, WaitSpec};
use crate::spec::{CollectSpec, DeadlineSpec, EscalationSpec, FlowSpec, ReachSpec};

/// Whose expression it is: that decides which names may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A trigger; nothing has run yet.
    Trigger,
    /// A step, by its position in `Context::steps`.
    Step(usize),
    /// The end of each element of a step, by its position in `Context::steps`.
    Element(usize),
    /// The outputs of the flow.
    Outputs,
}

/// How the text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A bare expression that must be boolean, under this key.
    Condition(&'static str),
    /// Text with `${{ }}` in it.
    Template,
}

/// Which event is in scope as `event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventScope<'a> {
    /// None.
    None,
    /// One of this kind.
    Kind(&'a str),
    /// The body of a call, of any shape.
    Body,
    /// A recurring moment.
    Moment,
    /// No event, and a file of a checklist as `file`: nothing else is in scope.
    File,
    /// The end of another run.
    RunEnded,
    /// No event, and the results of the elements so far as `results`.
    Results,
}

/// What the value is for, where that limits its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Anything.
    Data,
    /// Under `with` of an action: the one place for secrets.
    With,
    /// The document of a decision.
    Document,
    /// Text: a name, a sentence.
    Text,
    /// A length of time, a timestamp or a day, under this key.
    Time(&'static str),
    /// A priority.
    Priority,
    /// The input of this name, given by a trigger.
    Input(&'a str),
    /// The elements of an `each`.
    List,
    /// The value of the run of this name, given by a step.
    Value(&'a str),
}

/// One place.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// JSON pointer of the text.
    pub pointer: String,
    /// The text.
    pub text: &'a str,
    /// How it is read.
    pub form: Form,
    /// Whose it is.
    pub owner: Owner,
    /// The event in scope.
    pub event: EventScope<'a>,
    /// The `each` whose `item` and `index` are in scope, by its position in `Context::steps`.
    pub each: Option<usize>,
    /// What the value is for.
    pub purpose: Purpose<'a>,
}

impl Place<'_> {
    /// The names that an expression may begin with there.
    pub fn roots(&self) -> Vec<&'static str> {
        if self.owner == Owner::Trigger {
            return vec!["event"];
        }
        if self.event == EventScope::File {
            return vec!["file"];
        }
        let mut roots = vec!["inputs", "settings", "values", "steps", "run"];
        if self.each.is_some() {
            roots.extend(["item", "index"]);
        }
        match self.event {
            EventScope::None => {}
            EventScope::Results => roots.push("results"),
            _ => roots.push("event"),
        }
        roots
    }
}

/// Every place of the flow, in the order of the file.
pub fn places<'a>(spec: &'a FlowSpec, steps: &[StepView<'a>]) -> Vec<Place<'a>> {
    let mut collector = Collector {
        places: Vec::new(),
        owner: Owner::Trigger,
        event: EventScope::None,
        each: None,
    };
    collector.triggers(spec);
    for (index, step) in steps.iter().enumerate() {
        (collector.owner, collector.each) = (Owner::Step(index), step.each);
        collector.step(step);
        if let Some(each) = &step.spec.each {
            collector.data(&step.at("each/in"), &each.list, Purpose::List);
            collector.event = EventScope::Results;
            collector.condition(step.at("each/until"), each.until.as_deref(), "until");
            collector.event = EventScope::None;
            (collector.owner, collector.each) = (Owner::Element(index), Some(index));
            for (name, value) in &each.outputs {
                collector.data(
                    &step.at(&format!("each/outputs/{}", escape(name))),
                    value,
                    Purpose::Data,
                );
            }
        }
    }
    (collector.owner, collector.each) = (Owner::Outputs, None);
    for (name, value) in &spec.outputs {
        collector.data(&format!("/outputs/{}", escape(name)), value, Purpose::Data);
    }
    collector.places
}

struct Collector<'a> {
    places: Vec<Place<'a>>,
    owner: Owner,
    event: EventScope<'a>,
    each: Option<usize>,
}

impl<'a> Collector<'a> {
    fn triggers(&mut self, spec: &'a FlowSpec) {
        if let Some(webhook) = &spec.on.webhook {
            self.event = EventScope::Body;
            for (name, value) in &webhook.inputs {
                self.input(&format!("/on/webhook/inputs/{}", escape(name)), name, value);
            }
        }
        if let Some(event) = &spec.on.event {
            self.event = EventScope::Kind(&event.kind);
            self.condition("/on/event/where".into(), event.filter.as_deref(), "where");
            for (name, value) in &event.inputs {
                self.input(&format!("/on/event/inputs/{}", escape(name)), name, value);
            }
        }
        if let Some(schedule) = &spec.on.schedule {
            self.event = EventScope::Moment;
            for (name, value) in &schedule.inputs {
                self.input(&format!("/on/schedule/inputs/{}", escape(name)), name, value);
            }
        }
        if let Some(flow) = &spec.on.flow {
            self.event = EventScope::RunEnded;
            self.condition("/on/flow/where".into(), flow.filter.as_deref(), "where");
            for (name, value) in &flow.inputs {
                self.input(&format!("/on/flow/inputs/{}", escape(name)), name, value);
            }
        }
        if let Some(document) = &spec.on.document {
            self.event = EventScope::Kind(DOCUMENT_EXPIRING);
            self.condition("/on/document/where".into(), document.filter.as_deref(), "where");
            for (name, value) in &document.inputs {
                self.input(&format!("/on/document/inputs/{}", escape(name)), name, value);
            }
        }
        self.event = EventScope::None;
    }

    /// What a trigger gives as an input.
    fn input(&mut self, pointer: &str, name: &'a str, value: &'a Value) {
        let purpose = if value.is_string() {
            Purpose::Input(name)
        } else {
            Purpose::Data
        };
        self.data(pointer, value, purpose);
    }

    fn step(&mut self, step: &StepView<'a>) {
        let spec = step.spec;
        self.condition(step.at("if"), spec.condition.as_deref(), "if");
        if let Some(with) = &spec.with {
            self.data(&step.at("with"), with, Purpose::With);
        }
        if let Some(wait) = &spec.wait {
            self.wait(&step.at("wait"), wait);
        }
        if let Some(approve) = &spec.approve {
            self.text(step.at("approve/document"), Some(&approve.document), Purpose::Document);
            self.text(step.at("approve/ask"), approve.ask.as_deref(), Purpose::Text);
            self.texts(&step.at("approve/by"), &approve.by);
            self.texts(&step.at("approve/veto"), &approve.veto);
            self.persons(&step.at("approve/exclude"), &approve.exclude);
            self.reach(&step.at("approve"), &approve.reach());
        }
        if let Some(task) = &spec.task {
            self.text(step.at("task/document"), task.document.as_deref(), Purpose::Document);
            self.text(step.at("task/title"), task.title.as_deref(), Purpose::Text);
            self.text(step.at("task/ask"), task.ask.as_deref(), Purpose::Text);
            self.texts(&step.at("task/to"), &task.to);
            self.persons(&step.at("task/exclude"), &task.exclude);
            self.reach(&step.at("task"), &task.reach());
        }
        if let Some(collect) = &spec.collect {
            self.collect(&step.at("collect"), collect);
        }
        if let Some(run) = &spec.run {
            for (name, value) in &run.with {
                self.data(&step.at(&format!("run/with/{}", escape(name))), value, Purpose::Data);
            }
        }
        for (index, branch) in spec.choose.iter().flatten().enumerate() {
            self.condition(step.at(&format!("choose/{index}/when")), branch.when.as_deref(), "when");
        }
        for (index, check) in spec.check.iter().flatten().enumerate() {
            self.condition(step.at(&format!("check/{index}/that")), Some(&check.that), "that");
        }
        for (name, value) in spec.set.iter().flatten() {
            let purpose = if value.is_string() {
                Purpose::Value(name)
            } else {
                Purpose::Data
            };
            self.data(&step.at(&format!("set/{}", escape(name))), value, purpose);
        }
        if let Some(add) = &spec.add {
            self.data(&step.at("add/item"), &add.item, Purpose::Data);
        }
        if let Some(end) = &spec.end {
            self.text(step.at("end/message"), end.message.as_deref(), Purpose::Text);
        }
        if let Some(DeadlineSpec::Due(deadline)) = &spec.deadline {
            self.text(step.at("deadline/due"), Some(&deadline.due), Purpose::Time("due"));
            for (place, escalate) in deadline.escalate.iter().flat_map(EscalationSpec::each) {
                self.texts(&step.at(&format!("deadline/escalate{place}/to")), &escalate.to);
            }
        }
    }

    fn reach(&mut self, pointer: &str, reach: &ReachSpec<'a>) {
        self.texts(&format!("{pointer}/only"), reach.only);
        if let Some(visible) = reach.visible {
            self.texts(&format!("{pointer}/visible/untaken"), &visible.untaken);
            self.texts(&format!("{pointer}/visible/taken"), &visible.taken);
        }
        self.text(format!("{pointer}/priority"), reach.priority, Purpose::Priority);
    }

    fn collect(&mut self, pointer: &str, collect: &'a CollectSpec) {
        self.text(format!("{pointer}/from"), Some(&collect.from), Purpose::Data);
        self.text(format!("{pointer}/into"), collect.into.as_deref(), Purpose::Text);
        for (name, item) in &collect.items {
            let pointer = format!("{pointer}/items/{}", escape(name));
            self.text(format!("{pointer}/title"), Some(&item.title), Purpose::Text);
            self.text(
                format!("{pointer}/instructions"),
                item.instructions.as_deref(),
                Purpose::Text,
            );
            self.texts(&format!("{pointer}/review"), &item.review);
            self.event = EventScope::File;
            for (index, check) in item.checks.iter().enumerate() {
                self.condition(
                    format!("{pointer}/checks/{index}/where"),
                    Some(&check.condition),
                    "where",
                );
            }
            self.event = EventScope::None;
        }
    }

    fn wait(&mut self, pointer: &str, wait: &'a WaitSpec) {
        self.text(
            format!("{pointer}/until"),
            wait.until.as_deref(),
            Purpose::Time("until"),
        );
        self.text(format!("{pointer}/on"), wait.on.as_deref(), Purpose::Text);
        self.text(format!("{pointer}/key"), wait.key.as_deref(), Purpose::Text);
        self.condition(format!("{pointer}/when"), wait.when.as_deref(), "when");
        if let Some(event) = &wait.event {
            self.event = EventScope::Kind(event);
            self.condition(format!("{pointer}/where"), wait.filter.as_deref(), "where");
            self.event = EventScope::None;
        }
        for (group, alternatives) in [("any", &wait.any), ("all", &wait.all)] {
            for (name, alternative) in alternatives {
                self.alternative(&format!("{pointer}/{group}/{}", escape(name)), alternative);
            }
        }
    }

    fn alternative(&mut self, pointer: &str, alternative: &'a WaitAlternative) {
        self.text(format!("{pointer}/on"), alternative.on.as_deref(), Purpose::Text);
        self.text(format!("{pointer}/key"), alternative.key.as_deref(), Purpose::Text);
        self.event = EventScope::Kind(&alternative.event);
        self.condition(format!("{pointer}/where"), alternative.filter.as_deref(), "where");
        self.event = EventScope::None;
    }

    fn texts(&mut self, pointer: &str, texts: &'a [String]) {
        for (index, text) in texts.iter().enumerate() {
            self.text(format!("{pointer}/{index}"), Some(text), Purpose::Data);
        }
    }

    /// The expressions in `exclude`. Its plain words are names and are skipped.
    fn persons(&mut self, pointer: &str, texts: &'a [String]) {
        let written = texts.iter().enumerate().filter(|(_, text)| text.contains("${{"));
        for (index, text) in written {
            self.text(format!("{pointer}/{index}"), Some(text), Purpose::Data);
        }
    }

    fn data(&mut self, pointer: &str, value: &'a Value, purpose: Purpose<'a>) {
        match value {
            Value::String(text) => self.text(pointer.to_owned(), Some(text), purpose),
            Value::Array(items) => {
                let purpose = if purpose == Purpose::List {
                    Purpose::Data
                } else {
                    purpose
                };
                for (index, item) in items.iter().enumerate() {
                    self.data(&format!("{pointer}/{index}"), item, purpose);
                }
            }
            Value::Object(fields) => {
                for (key, field) in fields {
                    self.data(&format!("{pointer}/{}", escape(key)), field, purpose);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, pointer: String, text: Option<&'a str>, purpose: Purpose<'a>) {
        let Some(text) = text.filter(|text| text.contains("${{")) else {
            return;
        };
        self.add(pointer, text, Form::Template, purpose);
    }

    fn condition(&mut self, pointer: String, text: Option<&'a str>, key: &'static str) {
        let Some(text) = text else { return };
        self.add(pointer, text, Form::Condition(key), Purpose::Data);
    }

    fn add(&mut self, pointer: String, text: &'a str, form: Form, purpose: Purpose<'a>) {
        self.places.push(Place {
            pointer,
            text,
            form,
            owner: self.owner,
            event: self.event,
            each: self.each,
            purpose,
        });
    }
}
