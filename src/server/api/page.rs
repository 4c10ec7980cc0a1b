//! The page behind a link: what its buttons do.

use crate::base::id::FileId;
use crate::host::files::Visitor;
use crate::host::visit::PASS_MINUTES;
use crate::server::dto::SharedView;
use crate::server::extract::{Path, State};
use crate::server::form::{FileForm, TextForm};
use crate::server::page::{self, BackToPage, PASS_COOKIE, Shared};
use crate::server::transfer::{self, Transfer};
use crate::server::{Problem, Server};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where the page of a link is.
pub fn path_of(token: &str) -> String {
    format!("/s/{token}")
}

/// The share: a page for browsers, data for programs. Changes nothing but the access log.
pub async fn open(
    State(server): State,
    visitor: Visitor,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Shared, Problem> {
    let view = SharedView::from(server.host.view_share(&visitor).await?);
    if page::is_wanted(&headers) {
        return Ok(Shared::Page(page::share(&view, &path_of(&token), &visitor.actor)));
    }
    Ok(Shared::Data(view))
}

/// The form for the password.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PasswordForm {
    /// As it was typed.
    password: String,
}

/// Tries the password; the browser keeps for a while that it was right.
pub async fn password(
    State(server): State,
    Path(token): Path<String>,
    TextForm(form): TextForm<PasswordForm>,
) -> Result<BackToPage, Problem> {
    let visitor = server.host.enter(&token, Some(&form.password)).await?;
    server.host.open_share(&visitor).await?;
    let path = path_of(&token);
    let cookie = server.host.pass(&visitor).map(|pass| cookie(&server, &path, &pass));
    Ok(BackToPage { path, cookie })
}

/// Has a code sent by mail, and leads back to where it is entered.
pub async fn send_code(
    State(server): State,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Result<BackToPage, Problem> {
    server.host.send_code(&visitor).await?;
    Ok(back_to(&token))
}

fn cookie(server: &Server, path: &str, pass: &str) -> String {
    let seconds = PASS_MINUTES * 60;
    let secure = if server.settings.behind_tls { "; Secure" } else { "" };
    format!("{PASS_COOKIE}={pass}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// The bytes of a file. Somebody has pressed a button: no scanner of mails does.
pub async fn download(
    State(server): State,
    visitor: Visitor,
    Path((_, file)): Path<(String, FileId)>,
    headers: HeaderMap,
) -> Result<Transfer, Problem> {
    server.host.open_share(&visitor).await?;
    let ends = |document: &_| transfer::ends_a_download(&headers, document);
    let open = server.host.download(&visitor, &file, None, ends).await?;
    transfer::send(&headers, open).await
}

/// Puts a file, as it comes in.
pub async fn upload(
    State(server): State,
    visitor: Visitor,
    Path(token): Path<String>,
    form: FileForm,
) -> Result<BackToPage, Problem> {
    let (name, upload) = form.file().await?;
    let bytes = upload.bytes(false).await?;
    server.host.open_share(&visitor).await?;
    server.host.upload(&visitor, &name, bytes).await?;
    Ok(back_to(&token))
}

/// The form for a comment.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CommentForm {
    /// The words.
    text: String,
}

/// Writes a comment.
pub async fn comment(
    State(server): State,
    visitor: Visitor,
    Path(token): Path<String>,
    TextForm(form): TextForm<CommentForm>,
) -> Result<BackToPage, Problem> {
    server.host.open_share(&visitor).await?;
    server.host.comment(&visitor, None, &words(&form.text)).await?;
    Ok(back_to(&token))
}

/// What was typed: browsers end lines as mails do.
pub(super) fn words(text: &str) -> String {
    text.replace("\r\n", "\n")
}

pub(super) fn back_to(token: &str) -> BackToPage {
    BackToPage {
        path: path_of(token),
        cookie: None,
    }
}
