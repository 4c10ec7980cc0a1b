//! Requests, for people who have the link: giving what is asked for, item by item.

use crate::base::id::FileId;
use crate::host::files::Visitor;
use crate::host::once::Repeat;
use crate::server::Problem;
use crate::server::dto::Document;
use crate::server::extract::{Created, Done, JsonBody, Once, Path, Query, State, Upload};
use crate::server::items::{BecauseBody, TakeBackBody, WithdrawBody};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a file for an item is called, and until when it is valid.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveQuery {
    /// The file's name; a name that is there already makes a new version of that file.
    name: String,
    /// The day until which it is valid, as `2026-11-23`, where the item asks for it.
    #[serde(default)]
    valid_until: Option<String>,
}

/// Gives a file.
pub async fn give(
    State(server): State,
    visitor: Visitor,
    Path((_, item)): Path<(String, String)>,
    Query(query): Query<GiveQuery>,
    Once(key): Once,
    upload: Upload,
) -> Result<Created<Document>, Problem> {
    let bytes = upload.bytes(false).await?;
    let day = query.valid_until.as_deref();
    let once = key.map(Repeat::of_request);
    let given = server.host.give_once(&visitor, &item, &query.name, day, bytes, once);
    let document = given.await?;
    Ok(Created {
        location: None,
        body: document.into(),
    })
}

/// Takes a file back.
pub async fn take_back(
    State(server): State,
    visitor: Visitor,
    Path((_, item)): Path<(String, String)>,
    JsonBody(body): JsonBody<TakeBackBody>,
) -> Result<Done, Problem> {
    server.host.take_back(&visitor, &item, &FileId(body.file)).await?;
    Ok(Done)
}

/// Says why an item does not apply.
pub async fn not_applicable(
    State(server): State,
    visitor: Visitor,
    Path((_, item)): Path<(String, String)>,
    JsonBody(body): JsonBody<BecauseBody>,
) -> Result<Done, Problem> {
    server.host.not_applicable(&visitor, &item, &body.because).await?;
    Ok(Done)
}

/// Says that nothing will be given.
pub async fn withdraw(
    State(server): State,
    visitor: Visitor,
    JsonBody(body): JsonBody<WithdrawBody>,
) -> Result<Done, Problem> {
    server.host.withdraw(&visitor, &body.reason).await?;
    Ok(Done)
}
