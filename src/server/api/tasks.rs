//! Tasks: look and decide. A task that is not yours is a task that does not exist.

use crate::base::id::{FileId, TaskId};
use crate::engine::{Acting, Decision, Reply, TaskAct};
use crate::people::roles::ADMIN;
use crate::server::dto::{DecisionAnswer, DecisionBody, HandOnBody, Page, ReleaseBody, RemarkBody, Task};
use crate::server::extract::{Answer, JsonBody, Path, Query, State};
use crate::server::transfer::{self, Transfer};
use crate::server::{Caller, Problem, Server};
use crate::store::TaskRow;
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

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
    Ok(Answer(answered(server.host.decide(decision).await?)))
}

/// Takes a task.
pub async fn claim(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Claim).await
}

/// Gives a task back.
pub async fn release(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<ReleaseBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Release { reason: body.reason }).await
}

/// Lets somebody act for one who is asked.
pub async fn delegate(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<HandOnBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    let HandOnBody { to, of, reason } = body;
    let of = of.unwrap_or_else(|| caller.principal());
    act(&server, &caller, task, TaskAct::Delegate { of, to, reason }).await
}

/// Hands the place of one who is asked over.
pub async fn reassign(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<HandOnBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    let HandOnBody { to, of, reason } = body;
    let of = of.unwrap_or_else(|| caller.principal());
    act(&server, &caller, task, TaskAct::Reassign { of, to, reason }).await
}

/// Says something about a task, asks somebody, or answers.
pub async fn remark(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<RemarkBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    let RemarkBody { text, to, answers } = body;
    act(&server, &caller, task, TaskAct::Remark { text, to, answers }).await
}

async fn act(
    server: &Arc<Server>,
    caller: &Caller,
    task: TaskId,
    act: TaskAct,
) -> Result<Answer<DecisionAnswer>, Problem> {
    let acting = Acting {
        task,
        by: caller.principal(),
        admin: caller.has(ADMIN),
        act,
    };
    Ok(Answer(answered(server.host.act(acting).await?)))
}

fn answered(reply: Reply) -> DecisionAnswer {
    let result = match reply {
        Reply::Accepted => "accepted",
        Reply::AlreadyDone => "already_done",
    };
    DecisionAnswer {
        result: result.to_owned(),
    }
}

/// The task, if it is one of the caller's or the caller administers.
async fn visible(server: &Server, caller: &Caller, task: &TaskId) -> Result<TaskRow, Problem> {
    let row = server.host.task(task).await.map_err(Problem::from)?;
    if row.is_shown_to(&caller.principal()) || caller.has(ADMIN) {
        return Ok(row);
    }
    Err(Problem::not_found("such task for you"))
}
