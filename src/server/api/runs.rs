//! Runs: start, list, show, watch, cancel, mend.

use crate::audit::{AccessEntry, AccessKind};
use crate::base::Value;
use crate::base::id::RunId;
use crate::host::by_hand::SetStep;
use crate::host::migrate::Move;
use crate::host::once::{self, OnceKey};
use crate::host::runs::StartRun;
use crate::server::dto::{
    ByHandBody, JournalLine, MigrateBody, Migrated, Page, Run, RunDetail, SetStepBody, StartBody, Started, ValuesBody,
};
use crate::server::extract::{Answer, Created, Done, JsonBody, Once, Path, Query, State};
use crate::server::live::{self, Live};
use crate::server::{Caller, Problem, Server};
use crate::store::{RunFilter, RunStatus};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// Most runs in an answer.
const RUNS_MAX: usize = 200;
/// Most journal lines in an answer.
const LINES_MAX: usize = 1000;
/// Header of a listener that comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// Starts a run. The same `Idempotency-Key` of the same person starts one, and with other inputs
/// it is refused.
pub async fn start(
    State(server): State,
    caller: Caller,
    Path(flow): Path<String>,
    Once(key): Once,
    JsonBody(body): JsonBody<StartBody>,
) -> Result<Created<Started>, Problem> {
    server.host.plan_meant(&flow).await?;
    let initiator = caller.principal();
    let inputs = Value::Object(body.inputs);
    let once = key.map(|key| OnceKey {
        name: "Idempotency-Key",
        scope: format!("api:{initiator}:{flow}"),
        key,
        digest: Some(once::digest(&inputs)),
    });
    let start = StartRun {
        flow,
        inputs,
        initiator,
        trigger: "manual".to_owned(),
        once,
        via: caller.via(),
        ..StartRun::default()
    };
    let run = server.host.start_run(start).await?;
    Ok(Created {
        location: Some(format!("/api/v1/runs/{run}")),
        body: Started { run: run.0 },
    })
}

/// Which runs to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunsQuery {
    /// Of this flow.
    #[serde(default)]
    flow: Option<String>,
    /// That go by this version of their flow.
    #[serde(default)]
    version: Option<String>,
    /// Whose flow has this step, by its id; together with `flow`.
    #[serde(default)]
    step: Option<String>,
    /// `running`, `closing` or `ended`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    status: Option<RunStatus>,
    /// Whether a person must look.
    #[serde(default)]
    incident: Option<bool>,
    /// Before this run, in the order of the list.
    #[serde(default)]
    before: Option<String>,
    /// At most so many, up to 200.
    #[serde(default)]
    limit: Option<usize>,
}

/// Runs, newest first. Where none fits and there is no such flow, version or step, that is said.
pub async fn list(State(server): State, Query(query): Query<RunsQuery>) -> Result<Answer<Page<Run>>, Problem> {
    let limit = query.limit.unwrap_or(RUNS_MAX / 2).clamp(1, RUNS_MAX);
    let filter = RunFilter {
        flow: query.flow,
        version: query.version,
        status: query.status,
        incident: query.incident,
        initiator: None,
        before: query.before.map(RunId),
        limit,
    };
    let (rows, next) = server.host.runs_meant(&filter, query.step.as_deref()).await?;
    let next = next.map(|run| run.0);
    let items = rows.into_iter().map(Run::from).collect();
    Ok(Answer(Page { items, next }))
}

/// One run with its steps.
pub async fn get(State(server): State, Path(run): Path<RunId>) -> Result<Answer<RunDetail>, Problem> {
    Ok(Answer(server.host.run_view(&run).await?.into()))
}

/// Which lines of a journal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalQuery {
    /// After this position.
    #[serde(default)]
    after: u64,
    /// At most so many, up to 1000.
    #[serde(default)]
    limit: Option<usize>,
}

/// What happened in a run, in order.
pub async fn journal(
    State(server): State,
    caller: Caller,
    Path(run): Path<RunId>,
    Query(query): Query<JournalQuery>,
) -> Result<Answer<Page<JournalLine>>, Problem> {
    let limit = query.limit.unwrap_or(LINES_MAX).clamp(1, LINES_MAX);
    let lines = server.host.journal(&run, query.after, limit).await?;
    // A run has a journal from its first moment on.
    if lines.is_empty() {
        server.host.run_view(&run).await?;
    }
    log_reading(&server, &caller, &run).await?;
    let next = lines
        .last()
        .filter(|_| lines.len() == limit)
        .map(|line| line.seq.to_string());
    let items = lines.iter().map(JournalLine::from).collect();
    Ok(Answer(Page { items, next }))
}

/// Records who reads the journal of a run.
async fn log_reading(server: &Server, caller: &Caller, run: &RunId) -> Result<(), Problem> {
    let entry = AccessEntry {
        run: Some(run.to_string()),
        ..AccessEntry::of(
            AccessKind::ReadJournal,
            &caller.principal(),
            caller.origin(),
            server.host.now(),
        )
    };
    Ok(server.host.log(vec![entry]).await?)
}

/// The same live.
pub async fn events(
    State(server): State,
    caller: Caller,
    Path(run): Path<RunId>,
    headers: HeaderMap,
) -> Result<Live, Problem> {
    let told = match headers.get(LAST_EVENT_ID) {
        None => 0,
        Some(id) => match id.to_str().ok().and_then(|id| id.parse().ok()) {
            Some(seq) => seq,
            None => {
                return Err(Problem::bad_request(
                    "last-event-id",
                    "Last-Event-ID is no position in a journal",
                ));
            }
        },
    };
    let live = live::listen(&server, &run, told).await?;
    log_reading(&server, &caller, &run).await?;
    Ok(live)
}

/// Cancels a run.
pub async fn cancel(
    State(server): State,
    caller: Caller,
    Path(run): Path<RunId>,
    JsonBody(body): JsonBody<ByHandBody>,
) -> Result<Done, Problem> {
    if body.dry_run {
        server.host.try_cancel(&run).await?;
        return Ok(Done);
    }
    let reason = body.reason()?;
    server.host.cancel_run(&run, caller.actor(), &reason).await?;
    Ok(Done)
}

/// Gives values of a run.
pub async fn set_values(
    State(server): State,
    caller: Caller,
    Path(run): Path<RunId>,
    JsonBody(body): JsonBody<ValuesBody>,
) -> Result<Done, Problem> {
    let by = caller.actor();
    server.host.set_values(&run, body.values, by, &body.reason).await?;
    Ok(Done)
}

/// Lets a run go on by another version of its flow, or says what would become of it.
pub async fn migrate(
    State(server): State,
    caller: Caller,
    Path(run): Path<RunId>,
    JsonBody(body): JsonBody<MigrateBody>,
) -> Result<Answer<Migrated>, Problem> {
    let to = Move {
        to: body.to,
        steps: body.steps,
        by: caller.actor(),
        reason: body.reason,
    };
    let report = if body.dry_run {
        server.host.try_migration(&run, &to).await?
    } else {
        server.host.migrate_run(&run, to).await?
    };
    Ok(Answer(Migrated::new(&run, report, body.dry_run)))
}

/// Tries a failed step again.
pub async fn retry(
    State(server): State,
    caller: Caller,
    Path((run, step)): Path<(RunId, String)>,
    JsonBody(body): JsonBody<ByHandBody>,
) -> Result<Done, Problem> {
    if body.dry_run {
        server.host.try_answer(&run, &step).await?;
        return Ok(Done);
    }
    let reason = body.reason()?;
    server.host.retry_step(&run, &step, caller.actor(), &reason).await?;
    Ok(Done)
}

/// Lets a failed step come to what the caller says.
pub async fn set(
    State(server): State,
    caller: Caller,
    Path((run, step)): Path<(RunId, String)>,
    JsonBody(body): JsonBody<SetStepBody>,
) -> Result<Done, Problem> {
    let set = SetStep {
        step,
        outcome: body.outcome,
        output: body.output,
        by: caller.actor(),
        reason: body.reason,
    };
    server.host.set_step(&run, set).await?;
    Ok(Done)
}

/// Goes on past a failed step.
pub async fn skip(
    State(server): State,
    caller: Caller,
    Path((run, step)): Path<(RunId, String)>,
    JsonBody(body): JsonBody<ByHandBody>,
) -> Result<Done, Problem> {
    if body.dry_run {
        server.host.try_answer(&run, &step).await?;
        return Ok(Done);
    }
    let reason = body.reason()?;
    server.host.skip_step(&run, &step, caller.actor(), &reason).await?;
    Ok(Done)
}
