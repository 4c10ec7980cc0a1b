//! Tasks: look and decide. A task that is not yours is a task that does not exist.

use crate::base::id::{FileId, TaskId};
use crate::engine::{Acting, Decision, Reply, TaskAct};
use crate::host::tasks::Order;
use crate::people::roles::ADMIN;
use crate::server::dto::{
    DecisionAnswer, DecisionBody, HandOnBody, Page, ReasonBody, ReleaseBody, RemarkBody, SaveBody, Task,
};
use crate::server::extract::{Answer, JsonBody, Path, Query, State};
use crate::server::transfer::{self, Transfer};
use crate::server::{Caller, Problem, Server};
use crate::store::TaskRow;
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Digits of a SHA-256.
const HASH_DIGITS: usize = 64;

/// Which tasks to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TasksQuery {
    /// Everybody's, for administrators.
    #[serde(default)]
    all: bool,
    /// Those that you see without being asked, instead of your own.
    #[serde(default)]
    watched: bool,
    /// Of this flow.
    #[serde(default)]
    flow: Option<String>,
    /// Of this step.
    #[serde(default)]
    step: Option<String>,
    /// Of this run.
    #[serde(default)]
    run: Option<String>,
    /// In which order; without it, by priority.
    #[serde(default)]
    order: Order,
    /// After this task, in that order.
    #[serde(default)]
    after: Option<String>,
    /// At most so many, up to 200.
    #[serde(default)]
    limit: Option<usize>,
}

/// Open tasks, in the order that is asked for.
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
    let mut tasks = match whose {
        _ if query.watched => server.host.watched_tasks(&person).await?,
        Some(person) => server.host.tasks_of(person).await?,
        None => server.host.open_tasks(None).await?,
    };
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    tasks
        .retain(|task| is(&query.flow, &task.flow) && is(&query.step, &task.step) && is(&query.run, task.run.as_str()));
    query.order.sort(&mut tasks);
    let from = match query.after.map(TaskId) {
        Some(after) => behind(&server, &tasks, query.order, &after).await?,
        None => 0,
    };
    let page = Page::part(tasks, from, query.limit, |task| task.id.to_string());
    Ok(Answer(Page {
        items: page.items.into_iter().map(Task::from).collect(),
        next: page.next,
    }))
}

/// Where the tasks behind `after` begin: it may have been answered since it was listed.
async fn behind(server: &Server, tasks: &[TaskRow], order: Order, after: &TaskId) -> Result<usize, Problem> {
    if let Some(found) = tasks.iter().position(|task| task.id == *after) {
        return Ok(found + 1);
    }
    let gone = server.host.task(after).await?;
    Ok(tasks.partition_point(|task| order.compare(task, &gone).is_lt()))
}

/// One task.
pub async fn get(State(server): State, caller: Caller, Path(task): Path<TaskId>) -> Result<Answer<Task>, Problem> {
    let mut row = visible(&server, &caller, &task).await?;
    let because = row.because.take();
    Ok(Answer(Task {
        because,
        ..Task::from(row)
    }))
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

/// The hash of a version as documents have it. A shortened one would look like that of another version.
fn whole(hash: &str) -> Result<String, Problem> {
    let digits = hash.chars().count();
    if digits == HASH_DIGITS && hash.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(hash.to_ascii_lowercase());
    }
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "hash-not-whole",
        format!(
            "`sha256` must be the whole hash of the version that was read, {HASH_DIGITS} hexadecimal digits, and has {digits} characters; \
             the task has it under `document`"
        ),
    ))
}

/// Decides.
pub async fn decide(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<DecisionBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    let sha256 = body.sha256.map(|hash| whole(&hash)).transpose()?;
    let decision = Decision {
        task: task.clone(),
        by: caller.principal(),
        on_behalf_of: None,
        decision: body.decision,
        reason: body.reason.filter(|reason| !reason.trim().is_empty()),
        sha256,
        form: body.form,
        via: caller.via(),
    };
    let mut answer = answered(server.host.decide(decision).await?);
    if let Some(next) = body.next {
        answer.next = server
            .host
            .next_task(caller.actor(), &task, next)
            .await
            .map(|task| task.0);
    }
    Ok(Answer(answer))
}

/// Takes a task.
pub async fn claim(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Claim).await
}

/// Works on a task from now on.
pub async fn start(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Start).await
}

/// Keeps what is filled in so far.
pub async fn save(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<SaveBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Save { form: body.form }).await
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
    let HandOnBody { to, of, reason, afresh } = body;
    if afresh {
        return Err(Problem::bad_request(
            "afresh",
            "only what is handed over begins anew: reassign the task",
        ));
    }
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
    let HandOnBody { to, of, reason, afresh } = body;
    let of = of.unwrap_or_else(|| caller.principal());
    let act_of = TaskAct::Reassign { of, to, reason, afresh };
    act(&server, &caller, task, act_of).await
}

/// Lets a task rest.
pub async fn suspend(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<ReasonBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Suspend { reason: body.reason }).await
}

/// Lets a task go on that rests.
pub async fn resume(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<ReleaseBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Resume { reason: body.reason }).await
}

/// Has the flow go on past the step of a task.
pub async fn skip(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<ReasonBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Skip { reason: body.reason }).await
}

/// Has the step of a settled task done again.
pub async fn redo(
    State(server): State,
    caller: Caller,
    Path(task): Path<TaskId>,
    JsonBody(body): JsonBody<ReasonBody>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    act(&server, &caller, task, TaskAct::Redo { reason: body.reason }).await
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
    Ok(Answer(answered(server.host.act_via(acting, caller.via()).await?)))
}

fn answered(reply: Reply) -> DecisionAnswer {
    let result = match reply {
        Reply::Accepted => "accepted",
        Reply::AlreadyDone => "already_done",
    };
    DecisionAnswer {
        result: result.to_owned(),
        next: None,
    }
}

/// The task, if it is one of the caller's, the flow lets them see it, or the caller administers.
async fn visible(server: &Server, caller: &Caller, task: &TaskId) -> Result<TaskRow, Problem> {
    if caller.has(ADMIN) {
        return Ok(server.host.task(task).await?);
    }
    let shown = server.host.task_shown_to(&caller.principal(), task).await?;
    shown.ok_or_else(|| Problem::not_found("such task for you"))
}
