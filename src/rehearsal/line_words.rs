//! What a test says of lines of the journal, held against the flow and the directory: steps, outcomes, people.

use super::check::Checker;
use super::line::LineSpec;
use super::named::ends;
use crate::base::source::escape;
use crate::base::{Value, diagnostic::nearest};
use crate::engine::RUN_ENDED;
use crate::people::Person;
use crate::plan::{PlanStep, PlanVerb};
use crate::spec::limits::RESERVED_STATUSES;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Fields that name one person or several, as `user:anna`.
const PEOPLE: [&str; 8] = [
    "by",
    "of",
    "to",
    "on_behalf_of",
    "assigned_to",
    "person",
    "people",
    "initiator",
];
/// Fields that hold what authors and people made up.
const FREE: [&str; 8] = [
    "inputs", "settings", "values", "input", "output", "outputs", "data", "form",
];
/// What stands before the thing that is released, and before a call whose step was cancelled.
const SIDE: [&str; 2] = ["release:", "abandoned:"];
/// How a person answers an incident.
const ANSWERS: [&str; 2] = ["retry", "skip"];
/// What starts runs.
const TRIGGERS: [&str; 7] = ["manual", "webhook", "event", "schedule", "flow", "document", "run"];

impl Checker<'_> {
    /// A line that the test names at `at`.
    pub(super) fn line(&mut self, at: &str, line: &LineSpec) {
        let kind = line.word("type").unwrap_or_default();
        let goes_back = kind == "went_back";
        let steps: &[&str] = if goes_back { &["from", "to"] } else { &["step"] };
        for key in steps {
            let is_side = |name: &&str| SIDE.iter().any(|side| name.starts_with(side));
            if let Some(name) = line.word(key).filter(|name| !is_side(name)) {
                self.exact(&format!("{at}/{key}"), false, false, name);
            }
        }
        let of = line.word(if goes_back { "from" } else { "step" });
        if let Some(outcome) = line.word("outcome") {
            self.outcome_of_line(&format!("{at}/outcome"), of, outcome);
        }
        if let Some(status) = line.word("status") {
            let plan = Arc::clone(&self.setting.plan);
            let mut known = ends(plan.bodies());
            known.extend(RESERVED_STATUSES);
            self.word(&format!("{at}/status"), "nothing of the flow ends as", status, &known);
        }
        self.words_of_line(at, kind, line);
        let as_written = kind == "task_opened" || kind == "timer_fired";
        let fields = line
            .0
            .iter()
            .filter(|(key, _)| !(goes_back && steps.contains(&key.as_str())));
        for (key, value) in fields {
            self.people_of_line(&format!("{at}/{}", escape(key)), key, value, as_written);
        }
    }

    fn outcome_of_line(&mut self, at: &str, of: Option<&str>, outcome: &str) {
        let plan = Arc::clone(&self.setting.plan);
        let steps = plan
            .all_steps()
            .filter(|step| of.is_none_or(|of| plan.step(of).is_some_and(|of| of.id == step.id)));
        let known: Vec<&str> = steps
            .flat_map(|step| step.outcomes.keys().map(String::as_str))
            .collect();
        // of a step that there is not, only that is told
        if !known.is_empty() {
            let who = of.map_or_else(|| "no step".to_owned(), |of| format!("`{of}`"));
            let what = format!("{who} has {} outcome", if of.is_some() { "no" } else { "the" });
            self.word(at, &what, outcome, &known);
        }
    }

    /// Words that only lines of one type have.
    fn words_of_line(&mut self, at: &str, kind: &str, line: &LineSpec) {
        let plan = Arc::clone(&self.setting.plan);
        if let (Some(item), false) = (line.word("item"), kind == "element_ended") {
            self.item(&format!("{at}/item"), item);
        }
        if let (Some(how), "incident_resolved") = (line.word("how"), kind) {
            self.word(&format!("{at}/how"), "nobody answers an incident by", how, &ANSWERS);
        }
        if let (Some(trigger), "run_started") = (line.word("trigger"), kind) {
            self.word(&format!("{at}/trigger"), "no run is started by", trigger, &TRIGGERS);
        }
        match (kind, line.word("kind")) {
            ("released", Some(thing)) => {
                let actions = self.setting.registry.catalog().actions;
                let of_actions = actions.values().filter_map(|action| action.acquires.as_ref());
                let things = of_actions.chain(plan.all_steps().filter_map(PlanStep::acquires));
                let known: Vec<&str> = things.map(|acquires| acquires.kind.as_str()).collect();
                self.word(&format!("{at}/kind"), "no run owns a", thing, &known);
            }
            ("event_received", Some(event)) => self.event(&format!("{at}/kind"), event),
            _ => {}
        }
        if let ("run_started" | "child_started", Some(flow)) = (kind, line.word("flow")) {
            self.flow(&format!("{at}/flow"), flow);
        }
        if let Some(Value::Object(values)) = line.0.get("values") {
            for name in values.keys().filter(|name| !plan.values.contains_key(*name)) {
                let near = nearest(name, plan.values.keys().map(String::as_str)).map(str::to_owned);
                let at = format!("{at}/values/{}", escape(name));
                self.wrong_key(&at, format!("the flow has no value `{name}`"), near);
            }
        }
        if let Some(decision) = line.0.get("record").and_then(|record| record["decision"].as_str()) {
            let asked = plan.all_steps().filter_map(|step| match &step.verb {
                PlanVerb::Ask(ask) => Some(ask),
                _ => None,
            });
            let known: Vec<&str> = asked.flat_map(|ask| ask.decisions.iter().map(String::as_str)).collect();
            let has_items = plan.all_steps().any(|step| matches!(step.verb, PlanVerb::Collect(_)));
            if !has_items {
                self.word(
                    &format!("{at}/record/decision"),
                    "no step knows the decision",
                    decision,
                    &known,
                );
            }
        }
    }

    /// The type of an event that comes to the run: one of the catalogue, or one that a flow writes.
    fn event(&mut self, at: &str, kind: &str) {
        let setting = self.setting;
        if kind == RUN_ENDED || setting.flows.iter().any(|flow| flow.text.contains(kind)) {
            return;
        }
        let catalog = setting.registry.catalog();
        let known: Vec<&str> = catalog.events.keys().map(String::as_str).collect();
        self.word(at, "no flow waits for", kind, &known);
    }

    /// The people that a field names, with those of the maps in it.
    fn people_of_line(&mut self, at: &str, key: &str, value: &Value, as_written: bool) {
        match value {
            Value::String(text) if PEOPLE.contains(&key) => self.party_of_line(at, text, as_written),
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    self.people_of_line(&format!("{at}/{index}"), key, value, as_written);
                }
            }
            Value::Object(map) if !FREE.contains(&key) => {
                for (key, value) in map {
                    self.people_of_line(&format!("{at}/{}", escape(key)), key, value, as_written);
                }
            }
            _ => {}
        }
    }

    fn party_of_line(&mut self, at: &str, text: &str, as_written: bool) {
        let users = &self.setting.directory.users;
        match text.split_once(':') {
            Some((kind @ ("role" | "group"), name)) => self.many_of_line(at, kind, name, as_written),
            Some(("user", name)) if !users.contains_key(name) => {
                let near = nearest(name, users.keys().map(String::as_str)).map(|near| format!("user:{near}"));
                self.wrong(at, self.no_person(name), near);
            }
            None if !as_written => {
                let near = users.contains_key(text).then(|| format!("user:{text}"));
                let message = format!("`{text}` is nobody: journals write `user:NAME` and `email:ADDRESS`");
                self.wrong(at, message, near);
            }
            _ => {}
        }
    }

    /// A role or a group: flows name them, and journals only where they keep what the flow says.
    fn many_of_line(&mut self, at: &str, kind: &str, name: &str, as_written: bool) {
        let setting = self.setting;
        let text = format!("{kind}:{name}");
        if !as_written {
            let message = format!("`{text}` is nobody: journals write `user:NAME` and `email:ADDRESS`");
            return self.wrong(at, message, None);
        }
        let of = |person: &'_ Person| {
            if kind == "role" {
                person.roles.clone()
            } else {
                person.groups.clone()
            }
        };
        let known: BTreeSet<String> = setting.directory.users.values().flat_map(of).collect();
        if !known.contains(name) && !setting.flows.iter().any(|flow| flow.text.contains(&text)) {
            let near = nearest(name, known.iter().map(String::as_str)).map(|near| format!("{kind}:{near}"));
            self.wrong(
                at,
                format!("nobody has the {kind} `{name}` {}", setting.people_from),
                near,
            );
        }
    }
}
