//! Files of the main workspace, for people of the directory.

use crate::base::id::FileId;
use crate::server::dto::Document;
use crate::server::extract::{Created, Path, Query, State, Upload};
use crate::server::transfer::{self, Transfer};
use crate::server::{Caller, Problem};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where a file goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutQuery {
    /// The folder, as `/contracts`; the root without it.
    #[serde(default)]
    folder: Option<String>,
    /// The file's name.
    name: String,
    /// Says that the file has no bytes; without it, a body without any is refused.
    #[serde(default)]
    empty: bool,
}

/// Which version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionQuery {
    /// From 1; the newest without it.
    #[serde(default)]
    pub version: Option<u64>,
}

/// Puts a file: a new version where there is one of this name.
pub async fn put(
    State(server): State,
    caller: Caller,
    Query(query): Query<PutQuery>,
    upload: Upload,
) -> Result<Created<Document>, Problem> {
    let bytes = upload.bytes(query.empty).await?;
    let folder = query.folder.as_deref().unwrap_or("/");
    let document = server
        .host
        .put_file(&caller.principal(), folder, &query.name, bytes)
        .await?;
    Ok(Created {
        location: Some(format!("/api/v1/files/{}?version={}", document.id, document.version)),
        body: document.into(),
    })
}

/// The bytes of a file.
pub async fn get(
    State(server): State,
    caller: Caller,
    Path(file): Path<FileId>,
    Query(query): Query<VersionQuery>,
    headers: HeaderMap,
) -> Result<Transfer, Problem> {
    let open = server.host.open_file(&caller.principal(), &file, query.version).await?;
    transfer::send(&headers, open).await
}
