//! Webhooks: signed calls that start runs. The guard has checked the signature.

use crate::base::Value;
use crate::server::Problem;
use crate::server::dto::Started;
use crate::server::extract::{Accepted, JsonBody, Path, State};
use crate::server::signature::Signed;

/// Starts a run; the same delivery starts one, however often it is sent.
pub async fn call(
    State(server): State,
    Path(flow): Path<String>,
    signed: Signed,
    JsonBody(body): JsonBody<serde_json::Map<String, Value>>,
) -> Result<Accepted<Started>, Problem> {
    let run = server
        .host
        .webhook(&flow, &signed.delivery, Value::Object(body))
        .await?;
    Ok(Accepted(Started { run: run.0 }))
}
