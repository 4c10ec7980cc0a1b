//! Calls that leave the process.
//!
//! A call that cannot be repeated is marked durably before it is made; where the mark is there
//! already, the call may have been made, and a person must look.

use super::children::{Caller, is_about_runs};
use super::drive::failure;
use super::masks::{hidden, hidden_failure};
use super::slots::Slot;
use super::{Host, HostError};
use crate::base::id::RunId;
use crate::base::{Semantics, Value};
use crate::connect::{ActionError, CallContext, Handler, OutsideAction};
use crate::engine::{Failure, FailureKind, Input, Work, WorkKey};
use crate::expr::SecretUse;
use crate::expr::template::SecretPiece;
use crate::plan::{BodyId, Plan};
use crate::store::{CommitError, UnitOfWork, Write, fault};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// Pause before an answer that could not be stored is offered again.
const OFFER_AGAIN: Duration = Duration::from_millis(500);

/// Scope of the marks of calls that may have been made.
const MARKS: &str = "call";

/// One call to be made.
struct Call {
    key: WorkKey,
    /// The name of the flow.
    flow: String,
    step: String,
    attempt: u32,
    action: String,
    input: Value,
    secrets: Vec<SecretUse>,
    initiator: String,
    plan: Arc<Plan>,
    semantics: Semantics,
    /// How many runs stand above the one that calls.
    depth: u32,
    /// Whether it is one of the steps that runs take at their end.
    is_always: bool,
    /// Whether it cannot be repeated, and so is marked before it is made.
    is_marked: bool,
}

impl Call {
    /// The key of its mark.
    fn mark(&self) -> String {
        format!("{}#{}", self.key, self.attempt)
    }
}

impl Host {
    /// Starts every call that is due and not in flight.
    pub(super) fn start_calls(self: &Arc<Self>, run: &RunId, slot: &mut Slot) {
        let Some(loaded) = &slot.loaded else { return };
        if self.stop.is_cancelled() {
            return;
        }
        for due in loaded.machine.due() {
            let Some((action, false)) = due.action() else { continue };
            let registered = self.parts().registry.get(action);
            let outside = registered.filter(|it| matches!(it.handler, Handler::Outside(_)));
            if outside.is_none() && !is_about_runs(action) {
                continue;
            }
            if due.call().is_none_or(|call| slot.in_flight.contains(&call)) {
                continue;
            }
            let Some(Work::Call {
                key,
                attempt,
                step,
                action,
                input,
                secrets,
                ..
            }) = due.work().next()
            else {
                continue;
            };
            slot.in_flight.insert((key.clone(), attempt));
            let initiator = loaded.row.initiator.clone();
            let is_marked = outside.is_some_and(|registered| !registered.is_repeatable(&input));
            let call = Call {
                is_always: is_always(loaded.machine.plan(), &step),
                key,
                flow: loaded.row.flow.clone(),
                semantics: loaded.machine.semantics(),
                step,
                attempt,
                action,
                input,
                secrets,
                initiator,
                plan: Arc::clone(loaded.machine.plan()),
                depth: loaded.machine.parent().map_or(0, |parent| parent.depth),
                is_marked,
            };
            let (host, run) = (Arc::clone(self), run.clone());
            self.spawn(async move { host.see_through(run, call).await });
        }
    }

    async fn see_through(self: Arc<Self>, run: RunId, call: Call) {
        let result = if is_about_runs(&call.action) {
            self.call_about_run(&run, &call).await
        } else {
            let _permit = self.calls.acquire().await.expect("the semaphore is never closed");
            self.perform(&run, &call).await
        };
        let counter = if result.is_ok() {
            &self.metrics().calls_done
        } else {
            &self.metrics().calls_failed
        };
        counter.add(1);
        let input = Input::Finished {
            work: call.key.clone(),
            attempt: call.attempt,
            result,
        };
        // the answer is durable with the end of the mark that said that there may be one
        let unmark = Write::ForgetKey {
            scope: MARKS.to_owned(),
            key: call.mark(),
        };
        let unmark: Vec<Write> = call.is_marked.then_some(unmark).into_iter().collect();
        while let Err(error) = self.drive(&run, input.clone(), unmark.clone()).await {
            if matches!(
                error,
                HostError::Refused(_) | HostError::NotFound(_) | HostError::Damaged { .. }
            ) {
                tracing::warn!(%run, step = call.step, %error, "the run did not take the answer of a call");
                break;
            }
            tracing::error!(%run, step = call.step, %error, "the answer of a call could not be stored; it is offered again");
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(OFFER_AGAIN) => {}
            }
        }
        let place = self.slots.of(&run);
        place.lock().await.in_flight.remove(&(call.key, call.attempt));
        drop(place);
        self.slots.put_back(&run);
    }

    /// A call about another run stays in the house.
    async fn call_about_run(self: &Arc<Self>, run: &RunId, call: &Call) -> Result<Value, Failure> {
        let caller = Caller {
            run: run.clone(),
            step: call.step.clone(),
            key: call.key.to_string(),
            initiator: call.initiator.clone(),
            depth: call.depth,
            is_always: call.is_always,
        };
        self.about_run(&caller, &call.action, call.input.clone()).await
    }

    async fn perform(self: &Arc<Self>, run: &RunId, call: &Call) -> Result<Value, Failure> {
        let registered = self
            .parts()
            .registry
            .get(&call.action)
            .expect("only registered actions are started");
        let Handler::Outside(action) = &registered.handler else {
            unreachable!("only outside actions are started");
        };
        let rights = self.rights(&call.plan).await.map_err(|error| not_now(&error))?;
        let (input, used) = self
            .with_secrets(call.input.clone(), &call.secrets)
            .map_err(|error| failure(&error))?;
        let names = names_of(&call.secrets);
        let policy = &self.parts().policy;
        policy
            .check_use(&call.flow, &rights, &call.action, &names, &input)
            .map_err(|error| hidden_failure(&error, &used))?;
        if call.is_marked {
            self.mark_started(call).await?;
        }
        let cx = CallContext {
            run: run.clone(),
            flow: call.flow.clone(),
            step: call.step.clone(),
            key: call.key.to_string(),
            attempt: call.attempt,
            now: self.now(),
            initiator: call.initiator.clone(),
            rights,
            calendar: call.plan.calendar.clone(),
            semantics: call.semantics,
        };
        fault::point("host-before-call");
        let result = self.call_outside(Arc::clone(action), cx, input, !call.is_marked).await;
        fault::point("host-after-call");
        match result {
            Ok(output) => Ok(hidden(output, &used)),
            Err(error) => Err(hidden_failure(&error, &used)),
        }
    }

    /// Calls, for so long at most; a panic fails the call and nothing else.
    async fn call_outside(
        &self,
        action: Arc<dyn OutsideAction>,
        cx: CallContext,
        input: Value,
        repeatable: bool,
    ) -> Result<Value, ActionError> {
        let limit = Duration::from_millis(self.parts().limits.call_timeout_ms);
        let called = AbortOnDropHandle::new(tokio::spawn(async move {
            tokio::time::timeout(limit, action.call(&cx, input)).await
        }));
        let unclear = |what: String| {
            if repeatable {
                ActionError::Transient(what)
            } else {
                ActionError::InDoubt(what)
            }
        };
        match called.await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(unclear(format!("no answer within {} ms", limit.as_millis()))),
            Err(_) => Err(ActionError::InDoubt(
                "the action broke off: this is a bug, please report it".to_owned(),
            )),
        }
    }

    /// Says durably that a call may have been made.
    async fn mark_started(&self, call: &Call) -> Result<(), Failure> {
        let mark = Write::Once {
            scope: MARKS.to_owned(),
            key: call.mark(),
            value: String::new(),
            digest: None,
            until: None,
        };
        match self
            .parts()
            .store
            .commit(UnitOfWork {
                run: None,
                writes: vec![mark],
            })
            .await
        {
            Ok(()) => Ok(()),
            Err(CommitError::Duplicate { .. }) => Err(Failure {
                kind: FailureKind::InDoubt,
                message: "the process stopped during this call: look whether it happened before you retry or skip"
                    .to_owned(),
            }),
            Err(error) => Err(Failure {
                kind: FailureKind::Transient,
                message: error.to_string(),
            }),
        }
    }

    /// `input` with its secrets, and the secrets used.
    pub(super) fn with_secrets<'a>(
        &'a self,
        mut input: Value,
        uses: &[SecretUse],
    ) -> Result<(Value, Vec<&'a SecretString>), ActionError> {
        let mut used = Vec::new();
        for place in uses {
            let mut text = String::new();
            for piece in &place.pieces {
                match piece {
                    SecretPiece::Text(piece) => text.push_str(piece),
                    SecretPiece::Secret(name) => {
                        let secret = self.parts().secrets.get(name).ok_or_else(|| {
                            ActionError::Permanent(format!(
                                "secret {name} is not configured: set GATEFOLD_SECRET_{name}"
                            ))
                        })?;
                        text.push_str(secret.expose_secret());
                        used.push(secret);
                    }
                }
            }
            if let Some(value) = input.pointer_mut(&place.pointer) {
                *value = Value::String(text);
            }
        }
        Ok((input, used))
    }
}

/// The names of the secrets in the input.
pub(super) fn names_of(uses: &[SecretUse]) -> BTreeSet<&str> {
    let pieces = uses.iter().flat_map(|place| &place.pieces);
    let names = pieces.filter_map(|piece| match piece {
        SecretPiece::Secret(name) => Some(name.as_str()),
        SecretPiece::Text(_) => None,
    });
    names.collect()
}

/// A temporary failure, because the store did not answer.
pub(super) fn not_now(error: &HostError) -> Failure {
    Failure {
        kind: FailureKind::Transient,
        message: error.to_string(),
    }
}

/// Whether the step, as the journal names it, is one of `always`, or stands in one.
fn is_always(plan: &Plan, step: &str) -> bool {
    let outermost = step.split(['[', '#']).next().unwrap_or_default();
    plan.body(BodyId::ALWAYS).steps.iter().any(|one| one.id == outermost)
}
