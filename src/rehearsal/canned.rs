//! What stands in for the world: calls to the outside answer as the test says, mails are kept.
//!
//! Actions on the file space are the product's own; a test can only make them fail.

use super::facts::bare;
use super::file::{AnswerSpec, AnswersSpec, FailSpec, FailsSpec};
use crate::base::id::RunId;
use crate::base::{Timestamp, Value};
use crate::connect::{
    ActionError, CallContext, Handler, LocalAction, LocalEffect, Mailer, OutgoingMail, OutsideAction, Registered,
    Registry,
};
use crate::host::Clock;
use crate::store::Store;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// How long the engine waits for a call that never comes back, in milliseconds.
pub const CALL_TIMEOUT_MS: u64 = 60_000;
/// The action that tells people; its mails are kept.
const MAIL: &str = "mail.send";

/// A mail that went, and when.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// The mail.
    pub mail: OutgoingMail,
    /// The run and the step that called for it, where one did.
    pub by: Option<(RunId, String)>,
}

/// A call to the outside that somebody is asked to answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Counts up.
    pub number: u64,
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: String,
    /// The action.
    pub action: String,
    /// An output that fits.
    pub made_up: Value,
    /// When it is given up.
    until: Timestamp,
}

/// A call on its way, and where its answer goes.
#[derive(Debug)]
struct OnItsWay {
    call: Asked,
    answer: oneshot::Sender<Result<Value, ActionError>>,
}

/// A call for which the test gives no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The step.
    pub step: String,
    /// The action.
    pub action: String,
}

/// Everything outside, for one case.
#[derive(Debug)]
pub struct World {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Answers by step or action: those of the case, then those of the file.
    answers: Vec<IndexMap<String, AnswersSpec>>,
    /// Answers taken so far, by the list and the name.
    taken: BTreeMap<(usize, String), usize>,
    /// Failures to come, by step or action.
    failures: Vec<FailSpec>,
    mails: Vec<Sent>,
    calls: Vec<String>,
    unanswered: Vec<Unanswered>,
    /// When calls that never come back are given up.
    given_up_at: Vec<Timestamp>,
    /// Whether somebody is asked what a call gives for which there is no answer.
    asks: bool,
    /// Calls that somebody is asked to answer, the oldest first.
    asked: Vec<OnItsWay>,
    /// How many there were.
    numbered: u64,
}

impl World {
    /// A world in which nothing has happened.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// Forgets everything, and answers from now on as told: the first list that knows a name wins.
    pub fn begin(&self, answers: Vec<IndexMap<String, AnswersSpec>>) {
        *self.state() = State {
            answers,
            ..State::default()
        };
    }

    /// Forgets everything. Whoever has the world is asked from now on what calls give.
    pub fn begin_asking(&self) {
        *self.state() = State {
            asks: true,
            ..State::default()
        };
    }

    /// The calls that wait for an answer, the oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        let mut state = self.state();
        state.asked.retain(|one| !one.answer.is_closed());
        state.asked.iter().map(|one| one.call.clone()).collect()
    }

    /// Answers a call. Nothing happens where it was given up.
    pub fn answer_call(&self, number: u64, answer: Result<Value, ActionError>) {
        let mut state = self.state();
        let place = state.asked.iter().position(|one| one.call.number == number);
        if let Some(place) = place {
            let _ = state.asked.remove(place).answer.send(answer);
        }
    }

    /// Waits for the answer of whoever is asked; nothing where nobody is.
    async fn ask(&self, cx: &CallContext, action: &str, output: &Value) -> Option<Result<Value, ActionError>> {
        let answered = {
            let mut state = self.state();
            if !state.asks {
                return None;
            }
            let (answer, answered) = oneshot::channel();
            state.numbered += 1;
            let call = Asked {
                number: state.numbered,
                run: cx.run.clone(),
                step: cx.step.clone(),
                action: action.to_owned(),
                made_up: super::made_up::value(output),
                until: given_up(self.clock.now())?,
            };
            state.asked.push(OnItsWay { call, answer });
            answered
        };
        let gone = |_| Err(ActionError::Transient("nobody answers any more".to_owned()));
        Some(answered.await.unwrap_or_else(gone))
    }

    /// The last mail went because this step called for it.
    fn called_for(&self, cx: &CallContext) {
        if let Some(last) = self.state().mails.last_mut() {
            last.by = Some((cx.run.clone(), cx.step.clone()));
        }
    }

    /// Calls fail from now on.
    pub fn fail(&self, failure: FailSpec) {
        self.state().failures.push(failure);
    }

    /// Mails that went so far.
    pub fn mails(&self) -> Vec<Sent> {
        self.state().mails.clone()
    }

    /// Actions that were called outside, in order.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// Calls for which there was no answer.
    pub fn unanswered(&self) -> Vec<Unanswered> {
        self.state().unanswered.clone()
    }

    /// When the next call that never comes back is given up.
    pub fn next_given_up(&self, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.state();
        state.asked.retain(|one| !one.answer.is_closed());
        let asked = state.asked.iter().map(|one| one.call.until);
        state
            .given_up_at
            .iter()
            .copied()
            .chain(asked)
            .filter(|at| *at > now)
            .min()
    }

    /// The process died: nobody waits for calls any more.
    pub fn forget_calls(&self) {
        self.state().given_up_at.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The failure that is to come for a call of `action` at `step`.
    fn failure(&self, step: &str, action: &str) -> Option<ActionError> {
        let mut state = self.state();
        let place = state
            .failures
            .iter()
            .position(|failure| failure.times > 0 && [step, bare(step), action].contains(&failure.of.as_str()))?;
        let failure = &mut state.failures[place];
        failure.times -= 1;
        Some(error(failure.how, failure.message.as_deref()))
    }

    /// The answer that the test gives to a call.
    fn answer(&self, step: &str, action: &str) -> Option<AnswerSpec> {
        let mut state = self.state();
        let names = [step, bare(step), action];
        let found = state.answers.iter().enumerate().find_map(|(list, answers)| {
            let name = names.into_iter().find(|name| answers.contains_key(*name))?;
            Some((list, name, answers[name].clone()))
        });
        let (list, name, answers) = found?;
        match answers {
            AnswersSpec::One(answer) => Some(answer),
            AnswersSpec::Several(several) => {
                let taken = state.taken.entry((list, name.to_owned())).or_default();
                let answer = several.get(*taken).or(several.last()).cloned();
                *taken += 1;
                answer
            }
        }
    }

    fn hangs(&self) {
        self.state().given_up_at.extend(given_up(self.clock.now()));
    }
}

/// When a call that begins now is given up.
fn given_up(now: Timestamp) -> Option<Timestamp> {
    let timeout = jiff::SignedDuration::from_millis(i64::try_from(CALL_TIMEOUT_MS).unwrap_or(i64::MAX));
    now.checked_add(timeout).ok()
}

/// A failure as a connector tells it.
fn error(how: FailsSpec, message: Option<&str>) -> ActionError {
    let message = message.unwrap_or("as the test says").to_owned();
    match how {
        FailsSpec::Transient => ActionError::Transient(message),
        FailsSpec::Permanent => ActionError::Permanent(message),
        FailsSpec::InDoubt => ActionError::InDoubt(message),
    }
}

/// The product's actions, with what leaves the process answered by `world`.
pub fn registry(real: &Registry, world: &Arc<World>) -> Registry {
    let mut registry = Registry::default();
    let catalog = real.catalog();
    for (name, info) in catalog.actions {
        let Some(action) = real.get(&name) else { continue };
        let handler = match action.handler.clone() {
            Handler::Pure(compute) => Handler::Pure(compute),
            Handler::Local(real) => Handler::Local(Arc::new(Local {
                action: name.clone(),
                real,
                world: Arc::clone(world),
            })),
            Handler::Outside(real) => Handler::Outside(Arc::new(Outside {
                output: info.output.clone(),
                is_real: name == MAIL,
                real,
                action: name,
                world: Arc::clone(world),
            })),
        };
        registry.add(Registered { info, handler });
    }
    for (_, event) in catalog.events {
        registry.add_event(event);
    }
    registry
}

/// An action on the file space, which is real unless the test lets it fail.
struct Local {
    action: String,
    real: Arc<dyn LocalAction>,
    world: Arc<World>,
}

#[async_trait::async_trait]
impl LocalAction for Local {
    async fn call(&self, cx: &CallContext, store: &dyn Store, input: Value) -> Result<LocalEffect, ActionError> {
        if let Some(error) = self.world.failure(&cx.step, &self.action) {
            return Err(error);
        }
        if let Some(answer) = self.world.answer(&cx.step, &self.action)
            && let Some(how) = answer.fails
        {
            return Err(error(how, answer.message.as_deref()));
        }
        self.real.call(cx, store, input).await
    }
}

/// An action that leaves the process in the product, and not here.
struct Outside {
    action: String,
    output: Value,
    real: Arc<dyn OutsideAction>,
    /// Whether `real` is called where the test says nothing.
    is_real: bool,
    world: Arc<World>,
}

#[async_trait::async_trait]
impl OutsideAction for Outside {
    fn is_repeatable(&self, input: &Value) -> bool {
        self.real.is_repeatable(input)
    }

    async fn call(&self, cx: &CallContext, input: Value) -> Result<Value, ActionError> {
        self.world.state().calls.push(self.action.clone());
        if let Some(error) = self.world.failure(&cx.step, &self.action) {
            return Err(error);
        }
        let Some(answer) = self.world.answer(&cx.step, &self.action) else {
            if self.is_real {
                let sent = self.real.call(cx, input).await;
                if sent.is_ok() {
                    self.world.called_for(cx);
                }
                return sent;
            }
            let asked = self.world.ask(cx, &self.action, &self.output).await;
            return asked.unwrap_or_else(|| Err(self.unanswered(cx)));
        };
        if let Some(how) = answer.fails {
            return Err(error(how, answer.message.as_deref()));
        }
        if answer.hangs {
            self.world.hangs();
            std::future::pending::<()>().await;
        }
        Ok(answer.gives.unwrap_or_else(|| super::made_up::value(&self.output)))
    }
}

impl Outside {
    fn unanswered(&self, cx: &CallContext) -> ActionError {
        let call = Unanswered {
            step: cx.step.clone(),
            action: self.action.clone(),
        };
        let mut state = self.world.state();
        if !state.unanswered.contains(&call) {
            state.unanswered.push(call);
        }
        ActionError::Permanent(format!("the test does not say what {} gives", self.action))
    }
}

/// Keeps mails.
pub struct Letterbox(pub Arc<World>);

#[async_trait::async_trait]
impl Mailer for Letterbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), ActionError> {
        let at = self.0.clock.now();
        self.0.state().mails.push(Sent {
            at,
            mail: mail.clone(),
            by: None,
        });
        Ok(())
    }

    fn is_idempotent(&self) -> bool {
        false
    }
}
