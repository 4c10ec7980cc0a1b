//! People work on a task before they answer it: they start, and keep what they have filled in.

use super::super::input::{Refusal, Reply};
use super::super::limits::{MAX_FORM_BYTES, payload_bytes};
use super::super::state::Task;
use super::form;
use crate::base::{Semantics, Value};
use crate::plan::PlanAsk;
use serde_json::Map;

pub(super) fn start(task: &Task, ask: &PlanAsk, by: &str) -> Result<Reply, Refusal> {
    if task.seat_of(by).is_none() {
        return Err(Refusal::NoSuchTask);
    }
    task.check_rests()?;
    if ask.settles_alone() {
        has_not_answered(task, by)?;
    }
    if ask.settles_alone() && task.holder().is_some_and(|holder| holder != by) {
        return Err(Refusal::Taken);
    }
    if task.started.iter().any(|one| one.by == by) {
        return Ok(Reply::AlreadyDone);
    }
    Ok(Reply::Accepted)
}

/// Refuses who wants to take a task and has answered already, which settled nothing: it is for the others.
pub(super) fn has_not_answered(task: &Task, by: &str) -> Result<(), Refusal> {
    if task.has_decided(task.seat_of(by).unwrap_or(by)) {
        let why = "you have answered already: it is for the others who are asked";
        return Err(Refusal::NotAllowed(why));
    }
    Ok(())
}

/// Whoever could answer keeps what they have, and so does whoever was asked for help.
pub(super) fn save(
    task: &Task,
    ask: &PlanAsk,
    by: &str,
    given: &Map<String, Value>,
    semantics: Semantics,
) -> Result<Reply, Refusal> {
    let helps = task.is_consulted(by);
    if task.seat_of(by).is_none() && !helps {
        return Err(Refusal::NoSuchTask);
    }
    task.check_rests()?;
    if !ask.settles_alone() {
        return Err(Refusal::NotAllowed(
            "several people answer this task, each with what they fill in themselves",
        ));
    }
    if !helps && task.holder().is_some_and(|holder| holder != by) {
        return Err(Refusal::Taken);
    }
    let mut kept = task.draft.as_ref().map(|draft| draft.form.clone()).unwrap_or_default();
    kept.extend(given.clone());
    if payload_bytes(&Value::Object(kept.clone())) > MAX_FORM_BYTES {
        let why = format!("has more than {MAX_FORM_BYTES} bytes with what was kept before");
        return Err(Refusal::Form(vec![("the form".to_owned(), why)]));
    }
    // no answer is called so: nothing is needed yet, and the answer is what will be counted
    form::checked(ask, "", &kept, true, semantics)?;
    if task.draft.as_ref().is_some_and(|draft| draft.form == kept) {
        return Ok(Reply::AlreadyDone);
    }
    Ok(Reply::Accepted)
}

/// What somebody fills in with an answer, over what was kept before.
pub(super) fn with_draft(task: &Task, given: &Map<String, Value>) -> Map<String, Value> {
    let mut form = task.draft.as_ref().map(|draft| draft.form.clone()).unwrap_or_default();
    form.extend(given.clone());
    form
}
