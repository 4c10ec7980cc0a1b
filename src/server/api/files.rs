//! Files of the main workspace, for people of the directory.

use crate::base::id::FileId;
use crate::server::dto::{DamagedFile, Document, Page, StoredFile};
use crate::server::extract::{Answer, Created, Once, Path, Query, State, Upload};
use crate::server::transfer::{self, Transfer};
use crate::server::{Caller, Problem};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// Most files in an answer.
const FILES_MAX: usize = 200;

/// Where a file goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutQuery {
    /// The folder, as `/contracts`; the root without it. A file for one run belongs in a folder of its
    /// own, as `/inputs/ID`: under a name that is taken it would be a new version of another run's document.
    #[serde(default)]
    folder: Option<String>,
    /// The file's name.
    name: String,
    /// Says that the file has no bytes; without it, a body without any is refused.
    #[serde(default)]
    empty: bool,
    /// The day until which it is valid, as `2026-11-23`, where it is a document that expires. It counts from
    /// then on in the place of what was put under this name before.
    #[serde(default)]
    valid_until: Option<String>,
}

/// Which version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionQuery {
    /// The version, from 1. If not given, the newest version that you may read.
    #[serde(default)]
    pub version: Option<u64>,
}

/// Puts a file: a new version where there is one of this name with other bytes. The same `Idempotency-Key` of the
/// same person puts one version, however often it is sent.
pub async fn put(
    State(server): State,
    caller: Caller,
    Query(query): Query<PutQuery>,
    Once(key): Once,
    upload: Upload,
) -> Result<Created<Document>, Problem> {
    let bytes = upload.bytes(query.empty).await?;
    let folder = query.folder.as_deref().unwrap_or("/");
    let day = query.valid_until.as_deref();
    let sent = server
        .host
        .send_file(&caller.principal(), folder, &query.name, bytes, key, day)
        .await?;
    let document = Document::from(sent);
    Ok(Created {
        location: Some(format!("/api/v1/files/{}?version={}", document.id, document.version)),
        body: document,
    })
}

/// Which files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesQuery {
    /// In this folder and below it; everywhere without it.
    #[serde(default)]
    folder: Option<String>,
    /// After this file, in the order of the list.
    #[serde(default)]
    after: Option<String>,
    /// At most so many, up to 200.
    #[serde(default)]
    limit: Option<usize>,
}

/// Files by folder and name, each at the newest version that the caller may read.
pub async fn list(
    State(server): State,
    caller: Caller,
    Query(query): Query<FilesQuery>,
) -> Result<Answer<Page<StoredFile>>, Problem> {
    let limit = query.limit.unwrap_or(FILES_MAX).clamp(1, FILES_MAX);
    let folder = query.folder.as_deref().unwrap_or("/");
    let after = query.after.map(FileId);
    let files = server
        .host
        .files_below(&caller.principal(), folder, after.as_ref(), limit)
        .await?;
    let next = files
        .last()
        .filter(|_| files.len() == limit)
        .map(|listed| listed.file.id.to_string());
    let items = files.iter().map(StoredFile::from).collect();
    Ok(Answer(Page { items, next }))
}

/// Versions of files whose bytes have changed on the disk.
pub async fn damaged(State(server): State) -> Result<Answer<Page<DamagedFile>>, Problem> {
    let found = server.host.damaged_versions().await?;
    let items = found.into_iter().map(DamagedFile::from).collect();
    Ok(Answer(Page { items, next: None }))
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
