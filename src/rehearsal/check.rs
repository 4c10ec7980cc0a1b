//! What a test names, held against the flow and the directory before anything is played.

use super::codes;
use super::facts::parties;
use super::file::{AnswerSpec, AnswersSpec, CaseSpec, EntrySpec, ExpectSpec, NeverSpec, OneOrMany, TestSpec};
use super::moment::When;
use super::setting::Setting;
use crate::base::diagnostic::nearest;
use crate::base::source::escape;
use crate::base::{Diagnostic, Document};
use crate::connect::Handler;
use crate::plan::{PlanStep, PlanVerb};
use crate::spec::{Acquires, codes as shape_codes};
use indexmap::{IndexMap, IndexSet};
use std::sync::Arc;

/// How a step can stand, besides its outcomes.
const STATES: [&str; 7] = [
    "not_reached",
    "skipped",
    "waiting",
    "incident",
    "cancelled",
    "pending",
    "finished",
];

/// What has a link, and is open or not.
const SHARES: [&str; 2] = ["share", "request"];

/// Everything that the test names and that there is not.
pub fn check(document: &Document, test: &TestSpec, setting: &Setting) -> Vec<Diagnostic> {
    let mut checker = Checker {
        document,
        setting,
        findings: Vec::new(),
    };
    if let Some(clock) = &test.clock {
        checker.moment("/clock", When::parse(clock));
    }
    checker.answers("/actions", &test.actions);
    for (index, case) in test.cases.iter().enumerate() {
        checker.case(&format!("/cases/{index}"), case);
    }
    super::in_order(document, checker.findings)
}

/// Holds the words of one test against what there is.
pub(super) struct Checker<'c> {
    pub(super) document: &'c Document,
    pub(super) setting: &'c Setting,
    findings: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn case(&mut self, at: &str, case: &CaseSpec) {
        if let Some(clock) = &case.clock {
            self.moment(&format!("{at}/clock"), When::parse(clock));
        }
        self.answers(&format!("{at}/actions"), &case.actions);
        if let Some(start) = &case.start {
            self.person(&format!("{at}/start/by"), &start.by);
        }
        for (index, entry) in case.timeline.iter().enumerate() {
            self.entry(&format!("{at}/timeline/{index}"), entry);
        }
        if let Some(expect) = &case.expect {
            self.expect(&format!("{at}/expect"), expect);
        }
        for (index, never) in case.never.iter().enumerate() {
            self.never(&format!("{at}/never/{index}"), never);
        }
    }

    fn entry(&mut self, at: &str, entry: &EntrySpec) {
        if let Some(text) = &entry.at {
            self.moment(&format!("{at}/at"), When::parse(text));
        }
        if let Some(text) = &entry.after {
            self.moment(&format!("{at}/after"), When::length(text));
        }
        if let Some(text) = &entry.down {
            self.moment(&format!("{at}/down"), When::length(text));
        }
        let visitors = [
            ("upload", entry.upload.as_ref().map(|it| &it.visitor)),
            ("comment", entry.comment.as_ref().map(|it| &it.visitor)),
            ("open", entry.open.as_ref().map(|it| &it.visitor)),
            ("download", entry.download.as_ref().map(|it| &it.visitor)),
            ("give", entry.give.as_ref().map(|it| &it.visitor)),
            ("take_back", entry.take_back.as_ref().map(|it| &it.visitor)),
            ("not_applicable", entry.not_applicable.as_ref().map(|it| &it.visitor)),
            ("withdraw", entry.withdraw.as_ref().map(|it| &it.visitor)),
        ];
        for (key, visitor) in visitors {
            if let Some(visitor) = visitor {
                self.person(&format!("{at}/{key}/as"), visitor);
            }
        }
        if let Some(revoke) = &entry.revoke {
            self.person(&format!("{at}/revoke/from"), &revoke.from);
        }
        let people = [
            ("revoke", entry.revoke.as_ref().map(|it| &it.by)),
            ("put", entry.put.as_ref().map(|it| &it.by)),
            ("decide", entry.decide.as_ref().map(|it| &it.by)),
            ("answer", entry.answer.as_ref().map(|it| &it.by)),
            ("claim", entry.claim.as_ref().map(|it| &it.by)),
            ("release", entry.release.as_ref().map(|it| &it.by)),
            ("delegate", entry.delegate.as_ref().map(|it| &it.by)),
            ("reassign", entry.reassign.as_ref().map(|it| &it.by)),
            ("remark", entry.remark.as_ref().map(|it| &it.by)),
            ("act", entry.act.as_ref().map(|it| &it.by)),
            ("cancel", entry.cancel.as_ref().map(|it| &it.by)),
            ("change", entry.change.as_ref().map(|it| &it.by)),
            ("configure", entry.configure.as_ref().map(|it| &it.by)),
            ("look", entry.look.as_ref().map(|it| &it.by)),
            ("retry", entry.retry.as_ref().map(|it| &it.by)),
            ("skip", entry.skip.as_ref().map(|it| &it.by)),
            ("set", entry.set.as_ref().map(|it| &it.by)),
        ];
        for (key, person) in people {
            if let Some(person) = person {
                self.person(&format!("{at}/{key}/by"), person);
            }
        }
        self.steps_of(at, entry);
        if let Some(expect) = &entry.expect {
            self.expect(&format!("{at}/expect"), expect);
        }
    }

    fn steps_of(&mut self, at: &str, entry: &EntrySpec) {
        if let Some(decide) = &entry.decide
            && let Some(step) = &decide.step
            && let Some(found) = self.step(&format!("{at}/decide/step"), step)
        {
            match &found.verb {
                PlanVerb::Collect(_) => {}
                PlanVerb::Ask(approve) if entry.refused.is_none() => {
                    let words: Vec<&str> = approve.decisions.iter().map(String::as_str).collect();
                    let what = format!("`{step}` knows no decision");
                    self.word(&format!("{at}/decide/decision"), &what, &decide.decision, &words);
                }
                PlanVerb::Ask(_) => {}
                _ => self.wrong(&format!("{at}/decide/step"), format!("`{step}` asks nobody"), None),
            }
        }
        let asked = [
            ("answer", entry.answer.as_ref().and_then(|it| it.step.as_ref())),
            ("act", entry.act.as_ref().and_then(|it| it.step.as_ref())),
        ];
        for (key, step) in asked {
            let at = format!("{at}/{key}/step");
            if let Some(step) = step
                && let Some(found) = self.step(&at, step)
                && !matches!(found.verb, PlanVerb::Ask(_))
            {
                self.wrong(&at, format!("`{step}` asks nobody"), None);
            }
        }
        let about_tasks = [
            ("claim", entry.claim.as_ref().and_then(|it| it.step.as_ref())),
            ("release", entry.release.as_ref().and_then(|it| it.step.as_ref())),
            ("delegate", entry.delegate.as_ref().and_then(|it| it.step.as_ref())),
            ("reassign", entry.reassign.as_ref().and_then(|it| it.step.as_ref())),
            ("remark", entry.remark.as_ref().and_then(|it| it.step.as_ref())),
        ];
        for (key, step) in about_tasks {
            if let Some(step) = step {
                self.step(&format!("{at}/{key}/step"), step);
            }
        }
        self.items_of(at, entry);
        self.values_of(at, entry);
        if let Some(retry) = &entry.retry {
            self.incident(&format!("{at}/retry/step"), &retry.step);
        }
        if let Some(skip) = &entry.skip {
            self.incident(&format!("{at}/skip/step"), &skip.step);
        }
        if let Some(set) = &entry.set {
            self.incident(&format!("{at}/set/step"), &set.step);
        }
        if let Some(fail) = &entry.fail {
            self.cannable(&format!("{at}/fail/of"), &fail.of);
        }
    }

    /// Items that an entry names.
    fn items_of(&mut self, at: &str, entry: &EntrySpec) {
        let items = [
            ("give", entry.give.as_ref().map(|it| &it.item)),
            ("take_back", entry.take_back.as_ref().map(|it| &it.item)),
            ("not_applicable", entry.not_applicable.as_ref().map(|it| &it.item)),
            ("decide", entry.decide.as_ref().and_then(|it| it.item.as_ref())),
        ];
        for (key, item) in items {
            if let Some(item) = item {
                self.item(&format!("{at}/{key}/item"), item);
            }
        }
    }

    /// An item of any checklist of the flow.
    pub(super) fn item(&mut self, at: &str, item: &str) {
        let plan = Arc::clone(&self.setting.plan);
        let checklists = plan.all_steps().filter_map(|step| match &step.verb {
            PlanVerb::Collect(collect) => Some(collect),
            _ => None,
        });
        let known: Vec<&str> = checklists
            .flat_map(|collect| collect.items.keys().map(String::as_str))
            .collect();
        self.word(at, "no checklist has an item", item, &known);
    }

    /// Values that an entry names, where they are not to be refused; a task that it looks at.
    fn values_of(&mut self, at: &str, entry: &EntrySpec) {
        if let Some(step) = entry.look.as_ref().and_then(|look| look.step.as_ref()) {
            self.step(&format!("{at}/look/step"), step);
        }
        let known: Vec<String> = self.setting.plan.values.keys().cloned().collect();
        let given = entry.change.iter().filter(|_| entry.refused.is_none());
        for name in given
            .flat_map(|change| change.values.keys())
            .filter(|name| !known.contains(*name))
        {
            let near = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            let at = format!("{at}/change/values/{}", escape(name));
            self.wrong_key(&at, format!("the flow has no value `{name}`"), near);
        }
    }

    /// A step, or something that is released: `release:THING`.
    fn incident(&mut self, at: &str, name: &str) {
        if !name.contains(':') {
            self.step(at, name);
        }
    }

    fn expect(&mut self, at: &str, expect: &ExpectSpec) {
        if let Some(outcome) = &expect.outcome {
            self.status(&format!("{at}/outcome"), outcome);
        }
        for (step, wanted) in &expect.steps {
            let at = format!("{at}/steps/{}", escape(step));
            match wanted {
                OneOrMany::One(outcome) => self.outcome(&at, &at, step, outcome, &STATES),
                OneOrMany::Many(outcomes) => {
                    for (index, outcome) in outcomes.iter().enumerate() {
                        self.outcome(&at, &format!("{at}/{index}"), step, outcome, &[]);
                    }
                }
            }
        }
        for (key, lists) in [("tasks", &expect.tasks), ("started", &expect.started)] {
            for (step, people) in lists {
                let at = format!("{at}/{key}/{}", escape(step));
                self.exact(&at, true, false, step);
                for (index, person) in people.iter().enumerate() {
                    self.person(&format!("{at}/{index}"), person);
                }
            }
        }
        self.lists(at, expect);
        for (index, mail) in expect.mails.iter().enumerate() {
            if let Some(to) = &mail.to {
                self.recipient(&format!("{at}/mails/{index}/to"), to);
            }
        }
        for (index, step) in expect.released.iter().enumerate() {
            self.acquirer(&format!("{at}/released/{index}"), step, false);
        }
        for (index, line) in expect.events.iter().enumerate() {
            self.line(&format!("{at}/events/{index}"), line);
        }
        let outputs: Vec<&str> = self
            .setting
            .plan
            .outputs
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        for name in expect.outputs.keys().filter(|name| !outputs.contains(&name.as_str())) {
            let at = format!("{at}/outputs/{}", escape(name));
            let near = nearest(name, outputs.iter().copied()).map(str::to_owned);
            self.wrong_key(&at, format!("the flow has no output `{name}`"), near);
        }
    }

    /// Lists of tasks: whose, and the steps on them.
    fn lists(&mut self, at: &str, expect: &ExpectSpec) {
        let by_person = [
            ("inbox", &expect.inbox),
            ("in_order", &expect.in_order),
            ("watched", &expect.watched),
        ];
        for (key, lists) in by_person {
            for (person, steps) in lists {
                let at = format!("{at}/{key}/{}", escape(person));
                self.one_person(&at, true, person);
                for (index, step) in steps.iter().enumerate() {
                    self.exact(&format!("{at}/{index}"), false, false, step);
                }
            }
        }
        for (index, list) in expect.lists.iter().enumerate() {
            let at = format!("{at}/lists/{index}");
            self.one_person(&format!("{at}/of"), false, &list.of);
            if let Some(flow) = &list.flow {
                self.flow(&format!("{at}/flow"), flow);
            }
            if let Some(step) = &list.step {
                self.exact(&format!("{at}/step"), false, false, step);
            }
            for (place, step) in list.shows.iter().enumerate() {
                self.exact(&format!("{at}/shows/{place}"), false, false, step);
            }
        }
    }

    fn never(&mut self, at: &str, never: &NeverSpec) {
        match (&never.step, &never.outcome) {
            (Some(step), Some(outcome)) => {
                self.outcome(&format!("{at}/step"), &format!("{at}/outcome"), step, outcome, &[]);
            }
            (Some(step), None) => {
                self.exact(&format!("{at}/step"), false, true, step);
            }
            _ => {}
        }
        if let Some(action) = &never.action {
            let catalog = self.setting.registry.catalog();
            let names: Vec<&str> = catalog.actions.keys().map(String::as_str).collect();
            self.word(&format!("{at}/action"), "there is no action", action, &names);
        }
        if let Some(to) = never.mail.as_ref().and_then(|mail| mail.to.as_ref()) {
            self.recipient(&format!("{at}/mail/to"), to);
        }
        if let Some(step) = &never.share {
            self.share(&format!("{at}/share"), step);
        }
        if let Some(line) = &never.event {
            self.line(&format!("{at}/event"), line);
        }
    }

    fn answers(&mut self, at: &str, answers: &IndexMap<String, AnswersSpec>) {
        for (name, answers) in answers {
            let at = format!("{at}/{}", escape(name));
            let Some(action) = self.cannable(&at, name) else {
                continue;
            };
            match answers {
                AnswersSpec::One(answer) => self.answer(&at, &action, answer),
                AnswersSpec::Several(several) => {
                    for (index, answer) in several.iter().enumerate() {
                        self.answer(&format!("{at}/{index}"), &action, answer);
                    }
                }
            }
        }
    }

    fn answer(&mut self, at: &str, action: &str, answer: &AnswerSpec) {
        let Some(registered) = self.setting.registry.get(action) else {
            return;
        };
        if matches!(registered.handler, Handler::Local(_)) && answer.fails.is_none() {
            let message = format!("`{action}` is played for real: the test can only make it fail");
            self.wrong(at, message, None);
        }
        if let Some(output) = &answer.gives {
            let schema = registered.info.output.clone();
            let validator = jsonschema::draft202012::options().offline().build(&schema);
            let problem = validator.ok().and_then(|validator| {
                let first = validator.iter_errors(output).next();
                first.map(|error| error.to_string())
            });
            if let Some(problem) = problem {
                self.wrong(
                    &format!("{at}/gives"),
                    format!("`{action}` gives no such thing: {problem}"),
                    None,
                );
            }
        }
    }

    /// The action that a step or an action names, if the test can say what its calls give.
    fn cannable(&mut self, at: &str, name: &str) -> Option<String> {
        let setting = self.setting;
        let step = setting.plan.step(name);
        let action = match step.map(|step| &step.verb) {
            Some(PlanVerb::Uses { action, .. }) => action.clone(),
            Some(_) => {
                self.wrong_key(at, format!("step `{name}` calls no action"), None);
                return None;
            }
            None => name.to_owned(),
        };
        let catalog = self.setting.registry.catalog();
        if setting.registry.get(&action).is_none() {
            let steps = setting
                .plan
                .steps
                .iter()
                .chain(&setting.plan.always)
                .map(|step| step.id.as_str());
            let known: Vec<&str> = steps.chain(catalog.actions.keys().map(String::as_str)).collect();
            let near = nearest(name, known).map(str::to_owned);
            self.wrong_key(at, format!("there is no step and no action `{name}`"), near);
            return None;
        }
        if setting
            .registry
            .get(&action)
            .is_some_and(|found| matches!(found.handler, Handler::Pure(_)))
        {
            self.wrong_key(at, format!("`{action}` only computes: it is played for real"), None);
            return None;
        }
        Some(action)
    }

    fn acquirer(&mut self, at: &str, name: &str, in_all: bool) -> Option<Acquires> {
        let step = self.exact(at, false, in_all, name)?;
        let acquires = step.acquires().cloned();
        if acquires.is_none() {
            let message = format!("step `{name}` makes nothing that could be taken back");
            self.wrong(at, message, None);
        }
        acquires
    }

    /// A step that makes something with a link, which is open or not.
    fn share(&mut self, at: &str, name: &str) {
        let acquires = self.acquirer(at, name, true);
        if let Some(acquires) = acquires.filter(|acquires| !SHARES.contains(&acquires.kind.as_str())) {
            let message = format!("step `{name}` makes no share, but a {}", acquires.kind);
            self.wrong_with(
                at,
                false,
                message,
                format!("say that it is gone: `released: [{name}]` under `expect`"),
            );
        }
    }

    /// An outcome, at `at`, of the step that is named at `of`.
    fn outcome(&mut self, of: &str, at: &str, step: &str, outcome: &str, states: &[&str]) {
        let is_key = of == at || at.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'));
        let Some(found) = self.exact(of, is_key, !is_key, step) else {
            return;
        };
        let own = found.outcomes.keys().map(String::as_str);
        let others = states.iter().filter(|state| !found.outcomes.contains_key(**state));
        let words: Vec<&str> = own.chain(others.copied()).collect();
        self.word(at, &format!("`{step}` has no outcome"), outcome, &words);
    }

    fn find(&self, id: &str) -> Option<PlanStep> {
        self.setting.plan.step(id).cloned()
    }

    /// The step that the value at `at` names.
    pub(super) fn step(&mut self, at: &str, id: &str) -> Option<PlanStep> {
        let found = self.find(id);
        if found.is_none() {
            let near = self.nearest_step(id);
            self.wrong(at, format!("the flow has no step `{id}`"), near);
        }
        found
    }

    /// The step that the key at `at` names.
    pub(super) fn step_by_key(&mut self, at: &str, id: &str) -> Option<PlanStep> {
        let found = self.find(id);
        if found.is_none() {
            let near = self.nearest_step(id);
            self.wrong_key(at, format!("the flow has no step `{id}`"), near);
        }
        found
    }

    fn nearest_step(&self, id: &str) -> Option<String> {
        let plan = &self.setting.plan;
        let ids = plan.steps.iter().chain(&plan.always).map(|step| step.id.as_str());
        nearest(id, ids).map(str::to_owned)
    }

    pub(super) fn word(&mut self, at: &str, what: &str, word: &str, known: &[&str]) {
        if known.contains(&word) {
            return;
        }
        let near = nearest(word, known.iter().copied()).map(str::to_owned);
        let has_near = near.is_some();
        self.wrong(at, format!("{what} `{word}`"), near);
        if !has_near && let Some(finding) = self.findings.pop() {
            let listed: IndexSet<String> = known.iter().map(|word| format!("`{word}`")).collect();
            let listed: Vec<String> = listed.into_iter().collect();
            let help = if listed.is_empty() {
                "none".to_owned()
            } else {
                listed.join(", ")
            };
            self.findings.push(finding.with_help(format!("there is {help}")));
        }
    }

    pub(super) fn no_person(&self, name: &str) -> String {
        format!("there is no person `{name}` {}", self.setting.people_from)
    }

    pub(super) fn person(&mut self, at: &str, text: &str) {
        let Err(why) = parties(&self.setting.directory, text) else {
            return;
        };
        let users = self.setting.directory.users.keys().map(String::as_str);
        let near = nearest(text, users).map(str::to_owned);
        let is_name = !text.contains([':', '@']);
        let message = if is_name { self.no_person(text) } else { why };
        self.wrong(at, message, near);
    }

    fn moment(&mut self, at: &str, when: Result<When, String>) {
        let calendar = self.setting.plan.calendar.as_ref();
        let beginning = super::setting::BEGINNING.parse().expect("it is a moment");
        if let Err(why) = when.and_then(|when| when.resolve(beginning, calendar)) {
            let span = self.document.spans.value(at);
            self.findings
                .push(Diagnostic::error(shape_codes::WRONG_VALUE, why, span));
        }
    }

    pub(super) fn wrong(&mut self, at: &str, message: String, near: Option<String>) {
        let span = super::first_line(&self.document.text, self.document.spans.value(at));
        self.say(span, message, near);
    }

    pub(super) fn wrong_key(&mut self, at: &str, message: String, near: Option<String>) {
        self.say(self.document.spans.key(at), message, near);
    }

    pub(super) fn wrong_with(&mut self, at: &str, is_key: bool, message: String, help: String) {
        let spans = &self.document.spans;
        let span = if is_key { spans.key(at) } else { spans.value(at) };
        let span = super::first_line(&self.document.text, span);
        let finding = Diagnostic::error(codes::NOT_IN_THE_FLOW, message, span).with_help(help);
        self.findings.push(finding);
    }

    fn say(&mut self, span: crate::base::Span, message: String, near: Option<String>) {
        let finding = Diagnostic::error(codes::NOT_IN_THE_FLOW, message, span);
        self.findings.push(match near {
            Some(near) => finding
                .with_label(format!("did you mean `{near}`?"))
                .with_fix(span, near),
            None => finding,
        });
    }
}
