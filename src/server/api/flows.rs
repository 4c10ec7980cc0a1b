//! Flows: deploy, list, show.

use crate::host::HostError;
use crate::host::propose::{Deployer, Proposed};
use crate::people::roles;
use crate::server::dto::{Finding, Flow, Page, Waiting};
use crate::server::extract::{Answer, Created, Path, Query, State, TextBody};
use crate::server::operation::{Described, Shape};
use crate::server::{Caller, Problem};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;

/// How a flow is deployed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployQuery {
    /// Name of the file, for findings.
    #[serde(default)]
    name: Option<String>,
}

/// The response to a deployment: deployed, or 202 if it waits for a second person.
pub struct Deployed(Flow);

impl IntoResponse for Deployed {
    fn into_response(self) -> Response {
        let Self(flow) = self;
        match &flow.pending {
            Some(id) => {
                let location = HeaderValue::try_from(format!("/api/v1/deployments/{id}"));
                let mut response = (StatusCode::ACCEPTED, axum::Json(flow)).into_response();
                response
                    .headers_mut()
                    .extend(location.ok().map(|place| (header::LOCATION, place)));
                response
            }
            None => Created {
                location: Some(format!("/api/v1/flows/{}", flow.flow)),
                body: flow,
            }
            .into_response(),
        }
    }
}

impl Described for Deployed {
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        Created::<Flow>::describe(shape, schemas);
    }
}

/// Checks and deploys.
pub async fn deploy(
    State(server): State,
    caller: Caller,
    Query(query): Query<DeployQuery>,
    TextBody(source): TextBody,
) -> Result<Deployed, Problem> {
    let name = query.name.unwrap_or_else(|| "flow.yaml".to_owned());
    let by = caller.principal();
    let deployer = Deployer {
        by: &by,
        is_foreign: caller.local.is_none() && !caller.has(roles::ADMIN),
        origin: caller.origin(),
    };
    match server.host.propose(&name, &source, deployer).await {
        Ok((Proposed::Pending(pending), warnings)) => {
            let mut flow = Flow::from(*pending);
            flow.findings = Finding::all(&name, &source, warnings);
            Ok(Deployed(flow))
        }
        Ok((Proposed::Deployed(deployment), warnings)) => {
            let touching = server.host.touched(&deployment).await;
            // it is deployed, whatever becomes of the look at what runs will miss
            let lacking = server.host.lacking(&deployment).await.unwrap_or_else(|error| {
                tracing::error!(flow = %deployment.flow, %error, "what runs of it will miss could not be looked at");
                Vec::new()
            });
            let mut flow = Flow::from(deployment);
            flow.lacking = lacking;
            flow.findings = Finding::all(&name, &source, warnings);
            flow.waiting = touching.waiting.into_iter().map(Waiting::from).collect();
            flow.more_waiting = touching.more;
            flow.waiting_unknown = touching.failed;
            Ok(Deployed(flow))
        }
        Err(HostError::Findings { findings }) => {
            let mut problem = Problem::from(HostError::Findings {
                findings: findings.clone(),
            });
            problem.more.findings = Finding::all(&name, &source, findings);
            Err(problem)
        }
        Err(error) => Err(error.into()),
    }
}

/// Which flows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowsQuery {
    /// After this flow, in the order of the list.
    #[serde(default)]
    after: Option<String>,
    /// At most so many, up to 200.
    #[serde(default)]
    limit: Option<usize>,
}

/// The latest version of every flow, by name.
pub async fn list(State(server): State, Query(query): Query<FlowsQuery>) -> Result<Answer<Page<Flow>>, Problem> {
    let flows = server.host.flows().await?;
    let flows = flows.into_iter().map(Flow::from).collect();
    let page = Page::after(flows, query.after.as_deref(), query.limit, |flow: &Flow| {
        flow.flow.clone()
    })?;
    Ok(Answer(page))
}

/// The latest version of one flow, with its text, also where this build cannot start it any more.
pub async fn get(State(server): State, Path(flow): Path<String>) -> Result<Answer<Flow>, Problem> {
    let (deployment, broken) = server.host.flow_meant(&flow).await?;
    let source = deployment.source.clone();
    let mut flow = Flow::from(deployment);
    if let Some(broken) = broken {
        flow.cannot_start = Some(broken.why);
        flow.findings = Finding::all(&format!("{}.flow.yaml", flow.flow), &source, broken.findings);
    }
    flow.source = Some(source);
    Ok(Answer(flow))
}
