//! What each step does.

use super::{Compiler, Known, Names};
use crate::base::source::escape;
use crate::base::{Span, Value};
use crate::expr::{Expression, Tree};
use crate::plan::{
    BodyId, EachBody, Index, Outcome, PlanAlternative, PlanEach, PlanLock, PlanRun, PlanVerb, PlanWait, StepId,
};
use crate::spec::limits::DEFAULT_PARALLEL;
use crate::spec::min_files::MinFiles;
use crate::spec::step::{Rest, WaitAlternative, WaitSpec};
use crate::spec::{CheckSpec, ChooseSpec, EachSpec, Effect, JoinSpec, RunSpec, Verb};
use indexmap::IndexMap;

impl<'a> Compiler<'a> {
    pub(super) fn verb(&mut self, known: &Known<'a>, names: &Names<'a>) -> PlanVerb {
        let pointer = &known.pointer;
        match known.verb {
            Verb::Uses(action, with) => self.uses(pointer, action, with),
            Verb::Wait(wait) => PlanVerb::Wait(self.wait(&format!("{pointer}/wait"), wait)),
            Verb::Approve(approve) => PlanVerb::Ask(self.approve(&format!("{pointer}/approve"), approve, names)),
            Verb::Task(task) => PlanVerb::Ask(self.task(&format!("{pointer}/task"), task, names)),
            Verb::Choose(branches) => PlanVerb::Choose(self.choose(&format!("{pointer}/choose"), branches)),
            Verb::Check(checks) => PlanVerb::Check(self.check(&format!("{pointer}/check"), checks)),
            Verb::Set(values) => PlanVerb::Set(self.set(&format!("{pointer}/set"), values)),
            Verb::End(end) => PlanVerb::End {
                status: end.status.clone(),
                message: end
                    .message
                    .as_ref()
                    .map(|text| self.template(&format!("{pointer}/end/message"), text)),
            },
            Verb::Collect(collect) => {
                PlanVerb::Collect(self.collect(&format!("{pointer}/collect"), known.spec.label(), collect))
            }
            Verb::Each(each) => PlanVerb::Each(self.each(known, each, names)),
            Verb::Run(run) => PlanVerb::Run(self.run(&format!("{pointer}/run"), run)),
            Verb::Cancel(ids) => PlanVerb::Cancel(self.steps_named(&format!("{pointer}/cancel"), ids, names)),
            Verb::Complete(ids) => PlanVerb::Complete(self.steps_named(&format!("{pointer}/complete"), ids, names)),
            Verb::Add(add) => {
                let (at, id) = (format!("{pointer}/add"), add.to.as_str());
                let item = self.tree(&format!("{at}/item"), &add.item);
                let found = self.resolve(names, id, &format!("{at}/to"), Span::new(0, id.len()));
                // Adding to itself adds to nothing; that the step is not there is told.
                let to = found.map_or(known.index, |found| found.index);
                PlanVerb::Add { to, item }
            }
        }
    }

    /// The steps of the same list that are named at `pointer`, each once.
    fn steps_named(&mut self, pointer: &str, ids: &[String], names: &Names<'a>) -> Vec<StepId> {
        let mut steps = Vec::with_capacity(ids.len());
        for (at, id) in ids.iter().enumerate() {
            let found = self.resolve(names, id, &format!("{pointer}/{at}"), Span::new(0, id.len()));
            steps.extend(found.map(|known| known.index).ok().filter(|step| !steps.contains(step)));
        }
        steps
    }

    /// What the step shares with others.
    pub(super) fn lock(&mut self, known: &Known<'a>, names: &Names<'a>) -> Option<PlanLock> {
        let lock = known.spec.lock.as_ref()?;
        let pointer = format!("{}/lock/until", known.pointer);
        let until = lock.until.as_ref().and_then(|id| {
            let found = self.resolve(names, id, &pointer, Span::new(0, id.len()));
            found.map(|known| known.index).ok()
        });
        Some(PlanLock {
            name: lock.name.clone(),
            until,
        })
    }

    fn uses(&mut self, pointer: &str, action: &str, with: Option<&Value>) -> PlanVerb {
        let nothing = || Tree::Plain(Value::Object(serde_json::Map::new()));
        let info = self.catalog.action(action);
        let with = with.map_or_else(nothing, |with| self.tree(&format!("{pointer}/with"), with));
        PlanVerb::Uses {
            action: action.to_owned(),
            with,
            pure: info.is_some_and(|info| info.effect == Effect::Pure),
            acquires: info.and_then(|info| info.acquires.clone()),
        }
    }

    fn run(&mut self, pointer: &str, run: &RunSpec) -> PlanRun {
        let with = run.with.iter();
        let with = with.map(|(name, value)| {
            let pointer = format!("{pointer}/with/{}", escape(name));
            (name.clone(), self.tree(&pointer, value))
        });
        let with = Tree::Object(with.collect());
        let plain = |text: &String| Tree::Plain(Value::String(text.clone()));
        let mut input = vec![("flow".to_owned(), plain(&run.flow))];
        input.extend(
            run.version
                .as_ref()
                .map(|version| ("version".to_owned(), plain(version))),
        );
        input.push(("with".to_owned(), with));
        PlanRun {
            flow: run.flow.clone(),
            version: run.version.clone(),
            input: Tree::Object(input),
            acquires: PlanRun::acquires(),
        }
    }

    fn each(&mut self, known: &Known<'a>, each: &'a EachSpec, names: &Names<'a>) -> PlanEach {
        let pointer = format!("{}/each", known.pointer);
        let list = self.tree(&format!("{pointer}/in"), &each.list);
        // Its place is kept first, so that outer lists come before inner ones.
        let position = self.eaches.len();
        let body = BodyId::of_each(position);
        self.eaches.push(EachBody {
            outer: (known.body, known.index),
            steps: Vec::new(),
            index: Index::default(),
        });
        let path: Vec<&str> = names.path.iter().copied().chain([known.spec.id.as_str()]).collect();
        let (steps, index) = self.list(body, &format!("{pointer}/steps"), &path, &each.steps);
        (self.eaches[position].steps, self.eaches[position].index) = (steps, index);
        let outputs = each.outputs.iter();
        PlanEach {
            list,
            parallel: each.parallel.unwrap_or(DEFAULT_PARALLEL),
            in_order: each.in_order,
            join: each.join.unwrap_or(JoinSpec::All),
            until: each
                .until
                .as_deref()
                .and_then(|text| self.condition(&format!("{pointer}/until"), text)),
            goes_on: each.rest == Some(Rest::Continue),
            adders: Vec::new(),
            body,
            outputs: outputs
                .map(|(name, value)| {
                    let pointer = format!("{pointer}/outputs/{}", escape(name));
                    (name.clone(), self.tree(&pointer, value))
                })
                .collect(),
        }
    }

    fn wait(&mut self, pointer: &str, wait: &WaitSpec) -> PlanWait {
        let mut alternatives = IndexMap::new();
        let all = wait.any.is_empty() && !wait.all.is_empty();
        let (key, several) = if all { ("all", &wait.all) } else { ("any", &wait.any) };
        for (name, alternative) in several {
            let pointer = format!("{pointer}/{key}/{}", escape(name));
            alternatives.insert(name.clone(), self.alternative(&pointer, alternative));
        }
        if let Some(event) = wait.event.as_ref().filter(|_| several.is_empty()) {
            let alone = WaitAlternative {
                event: event.clone(),
                on: wait.on.clone(),
                key: wait.key.clone(),
                filter: wait.filter.clone(),
                min_files: wait.min_files,
                kept: wait.kept,
            };
            alternatives.insert("received".to_owned(), self.alternative(pointer, &alone));
        }
        PlanWait {
            all,
            alternatives,
            until: wait
                .until
                .as_ref()
                .map(|text| self.moment(&format!("{pointer}/until"), text)),
            when: wait
                .when
                .as_deref()
                .and_then(|text| self.condition(&format!("{pointer}/when"), text)),
        }
    }

    fn alternative(&mut self, pointer: &str, alternative: &WaitAlternative) -> PlanAlternative {
        let mut template = |key: &str, text: &Option<String>| {
            text.as_ref()
                .map(|text| self.template(&format!("{pointer}/{key}"), text))
        };
        let on = template("on", &alternative.on);
        let key = template("key", &alternative.key);
        PlanAlternative {
            event: alternative.event.clone(),
            on,
            key,
            kept: alternative.kept.unwrap_or(true),
            min_files: MinFiles::or_default(alternative.min_files, &alternative.event, alternative.filter.is_some()),
            filter: alternative
                .filter
                .as_deref()
                .and_then(|text| self.condition(&format!("{pointer}/where"), text)),
        }
    }

    fn set(&mut self, pointer: &str, values: &IndexMap<String, Value>) -> Vec<(String, Tree)> {
        let one = |(name, value): (&String, &Value)| {
            let pointer = format!("{pointer}/{}", escape(name));
            (name.clone(), self.tree(&pointer, value))
        };
        values.iter().map(one).collect()
    }

    /// The branches up to the first `otherwise`.
    fn choose(&mut self, pointer: &str, branches: &[ChooseSpec]) -> Vec<(Option<Expression>, Outcome)> {
        let mut compiled = Vec::with_capacity(branches.len());
        for (at, branch) in branches.iter().enumerate() {
            match (&branch.when, &branch.outcome, &branch.otherwise) {
                (Some(when), Some(outcome), _) => {
                    let condition = self.condition(&format!("{pointer}/{at}/when"), when);
                    compiled.push((Some(condition.unwrap_or_else(|| constant("false"))), outcome.clone()));
                }
                (_, _, Some(otherwise)) => {
                    compiled.push((None, otherwise.clone()));
                    break;
                }
                _ => {}
            }
        }
        compiled
    }

    fn check(&mut self, pointer: &str, checks: &[CheckSpec]) -> Vec<(Expression, String)> {
        let mut compiled = Vec::with_capacity(checks.len());
        for (at, check) in checks.iter().enumerate() {
            let condition = self.condition(&format!("{pointer}/{at}/that"), &check.that);
            compiled.push((condition.unwrap_or_else(|| constant("true")), check.message.clone()));
        }
        compiled
    }
}

/// In the place of a condition that is broken and told.
fn constant(word: &str) -> Expression {
    Expression::parse(word).expect("a constant is an expression")
}
