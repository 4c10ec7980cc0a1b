//! Tasks: look and decide. A task that is not yours is a task that does not exist.

use crate::base::id::{FileId, TaskId};
use crate::engine::{Decision, Reply};
use crate::people::roles::ADMIN;
use crate::server::dto::{DecisionAnswer, DecisionBody, Page, Task};
use crate::server::extract::{Answer, JsonBody, Path, Query, State};
use crate::server::transfer::{self, Transfer};
use crate::server::{Caller, Problem, Server};
use crate::store::TaskRow;
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which tasks to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TasksQuery {
    /// Everybody's, for administrators.
    #[serde(default)]
    all: bool,
}

/// Open tasks, oldest first.
pub async fn list(
    State(server): State,
    caller: Caller,
    Query(query): Query<TasksQuery>,
) -> Result<Answer<Page<Task>>, Problem> {
    let person = caller.principal();
    let whose = if query.all && caller.has(ADMIN) {
        None
    } else {
        Some(person.as_str())
    };
    let tasks = server.host.open_tasks(whose).await?;
    Ok(Answer(Page {
        items: tasks.into_iter().map(Task::from).collect(),
        next: None,
    }))
}

/// One task.
pub async fn get(State(server): State, caller: Caller, Path(task): Path<TaskId>) -> Result<Answer<Task>, Problem> {
    Ok(Answer(visible(&server, &caller, &task).await?.into()))
}

/// The bytes of the version to decide on.
pub async fn document(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    headers: HeaderMap,
) -> Result<Transfer, Problem> {
    let task = visible(&server, &caller, &task).await?;
    let Some(document) = task.document else {
        return Err(Problem::not_found("document: the task is about none"));
    };
    let file = FileId(document.id);
    let version = Some(document.version);
    let open = server.host.open_file(&caller.principal(), &file, version).await?;
    transfer::send(&headers, open).await
}

/// Decides.
pub async fn decide(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<DecisionBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    let decision = Decision {
        task,
        by: caller.principal(),
        on_behalf_of: None,
        decision: body.decision,
        reason: body.reason.filter(|reason| !reason.trim().is_empty()),
        sha256: body.sha256,
        form: body.form,
    };
    let result = match server.host.decide(decision).await? {
        Reply::Accepted => "accepted",
        Reply::AlreadyDone => "already_done",
    };
    Ok(Answer(DecisionAnswer {
        result: result.to_owned(),
    }))
}

/// The task, if it is one of the caller's or the caller administers.
async fn visible(server: &Server, caller: &Caller, task: &TaskId) -> Result<TaskRow, Problem> {
    let row = server.host.task(task).await.map_err(Problem::from)?;
    let person = caller.principal();
    let is_theirs = row.people.contains(&person) || row.decided.iter().any(|record| record.by == person);
    if is_theirs || caller.has(ADMIN) {
        return Ok(row);
    }
    Err(Problem::not_found("such task for you"))
}
