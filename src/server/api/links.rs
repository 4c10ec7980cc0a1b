//! Shares, for people who have a link.

use super::files::VersionQuery;
use crate::base::id::FileId;
use crate::host::files::Visitor;
use crate::host::once::Repeat;
use crate::server::Problem;
use crate::server::access::Client;
use crate::server::dto::{Comment, CommentBody, Document, Page, SharedView};
use crate::server::extract::{Answer, Created, Done, JsonBody, Once, Path, Query, State, Upload};
use crate::server::transfer::{self, Transfer};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a file is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NameQuery {
    /// The file's name; a name that is shared already makes a new version of that file.
    name: String,
    /// Says that the file has no bytes; without it, a body without any is refused.
    #[serde(default)]
    empty: bool,
}

/// What a right password gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pass {
    /// What `X-Share-Pass` takes for the next hour; nothing where the link has no password.
    pass: Option<String>,
}

/// Which part of a share.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartQuery {
    /// Files after this one, in the order of the list.
    #[serde(default)]
    after: Option<String>,
    /// Comments after this one.
    #[serde(default)]
    after_comment: Option<String>,
    /// At most so many of each, up to 200.
    #[serde(default)]
    limit: Option<usize>,
}

/// The share with its files and comments.
pub async fn view(
    State(server): State,
    visitor: Visitor,
    Query(query): Query<PartQuery>,
) -> Result<Answer<SharedView>, Problem> {
    let mut view = SharedView::from(server.host.view_share(&visitor).await?);
    let (files, comments) = (std::mem::take(&mut view.files), std::mem::take(&mut view.comments));
    let files = Page::after(files, query.after.as_deref(), query.limit, |file| file.id.clone())?;
    let comments = Page::after(comments, query.after_comment.as_deref(), query.limit, |one| {
        one.id.clone()
    })?;
    (view.files, view.next) = (files.items, files.next);
    (view.comments, view.next_comment) = (comments.items, comments.next);
    Ok(Answer(view))
}

/// A person has opened the share. Looking at it does not say so: programs look at links too.
pub async fn open(State(server): State, visitor: Visitor) -> Result<Done, Problem> {
    server.host.open_share(&visitor).await?;
    Ok(Done)
}

/// Has a code sent by mail. Tells nothing of whether one was.
pub async fn send_code(State(server): State, visitor: Visitor, client: Client) -> Result<Done, Problem> {
    server.host.send_code(&visitor, client.0).await?;
    Ok(Done)
}

/// What a right password gives; the guard has tried it.
pub async fn pass(State(server): State, visitor: Visitor) -> Result<Answer<Pass>, Problem> {
    let pass = server.host.pass(&visitor);
    Ok(Answer(Pass { pass }))
}

/// The bytes of a file. Proves nothing about who asked: scanners of mails fetch what is behind links.
pub async fn read(
    State(server): State,
    visitor: Visitor,
    Path((_, file)): Path<(String, FileId)>,
    Query(query): Query<VersionQuery>,
    headers: HeaderMap,
) -> Result<Transfer, Problem> {
    let open = server.host.download(&visitor, &file, query.version, false).await?;
    transfer::send(&headers, open).await
}

/// The bytes of a file, for somebody who says that they take them.
pub async fn download(
    State(server): State,
    visitor: Visitor,
    Path((_, file)): Path<(String, FileId)>,
    Query(query): Query<VersionQuery>,
    headers: HeaderMap,
) -> Result<Transfer, Problem> {
    let open = server.host.download(&visitor, &file, query.version, true).await?;
    transfer::send(&headers, open).await
}

/// Puts a file.
pub async fn upload(
    State(server): State,
    visitor: Visitor,
    Query(query): Query<NameQuery>,
    Once(key): Once,
    upload: Upload,
) -> Result<Created<Document>, Problem> {
    let bytes = upload.bytes(query.empty).await?;
    let once = key.map(Repeat::of_request);
    let document = server.host.send_upload(&visitor, &query.name, bytes, once).await?;
    Ok(Created {
        location: None,
        body: document.into(),
    })
}

/// Writes a comment.
pub async fn comment(
    State(server): State,
    visitor: Visitor,
    Once(key): Once,
    JsonBody(body): JsonBody<CommentBody>,
) -> Result<Created<Comment>, Problem> {
    let file = body.file.map(FileId);
    let once = key.map(Repeat::of_request);
    let comment = server
        .host
        .comment_once(&visitor, file.as_ref(), &body.text, once)
        .await?;
    Ok(Created {
        location: None,
        body: comment.into(),
    })
}
