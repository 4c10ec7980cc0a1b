//! Requests, for people who have the link: giving what is asked for, item by item.

use crate::base::id::FileId;
use crate::host::files::Visitor;
use crate::host::once::Repeat;
use crate::host::requests::Gift;
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
    /// The file's name; where the item takes one file, one of the same name becomes its next version.
    name: String,
    /// The day until which it is valid, as `2026-11-23`, where the item asks for it.
    #[serde(default)]
    valid_until: Option<String>,
    /// The id of the file of this item that it replaces. Without it, where an item takes several files, one of the same
    /// name becomes a file of its own with a number in its name.
    #[serde(default)]
    replaces: Option<String>,
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
    let once = key.map(Repeat::of_request);
    let gift = Gift {
        item: &item,
        name: &query.name,
        valid_until: query.valid_until.as_deref(),
        replaces: query.replaces.as_deref(),
    };
    let document = server.host.send_gift(&visitor, gift, bytes, once).await?;
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
