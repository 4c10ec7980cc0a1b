//! The page behind a link: what its buttons do.

use crate::base::id::FileId;
use crate::host::HostError;
use crate::host::files::Visitor;
use crate::host::once::Repeat;
use crate::host::visit::PASS_MINUTES;
use crate::server::access::Client;
use crate::server::dto::SharedView;
use crate::server::extract::{Path, Query, State};
use crate::server::form::{ConfirmForm, FileForm, FormFile, TextForm};
use crate::server::page::{self, BackToPage, PASS_COOKIE, Shared};
use crate::server::transfer::{self, Transfer};
use crate::server::{Problem, Server};
use crate::space::names;
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Where the page of a link is.
pub fn path_of(token: &str) -> String {
    format!("/s/{token}")
}

/// What the page says of what was just done.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NoteQuery {
    /// `unchanged` where the files that were sent were there already.
    #[serde(default)]
    note: Option<String>,
}

/// The share: a page for browsers, data for programs. Changes nothing but the access log.
pub async fn open(
    State(server): State,
    visitor: Visitor,
    Path(token): Path<String>,
    Query(query): Query<NoteQuery>,
    headers: HeaderMap,
) -> Result<Shared, Problem> {
    let view = SharedView::from(server.host.view_share(&visitor).await?);
    if page::is_wanted(&headers) {
        let note = query.note.as_deref().and_then(page::note);
        return Ok(Shared::Page(page::share(&view, &path_of(&token), &visitor.actor, note)));
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
    client: Client,
    TextForm(form): TextForm<PasswordForm>,
) -> Result<BackToPage, Problem> {
    let visitor = server.host.enter(&token, Some(&form.password), client.0).await?;
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
    client: Client,
    TextForm(form): TextForm<ConfirmForm>,
) -> Result<BackToPage, Problem> {
    form.check()?;
    server.host.send_code(&visitor, client.0).await?;
    Ok(back_to(&token))
}

fn cookie(server: &Server, path: &str, pass: &str) -> String {
    let seconds = PASS_MINUTES * 60;
    let secure = if server.settings.behind_tls { "; Secure" } else { "" };
    format!("{PASS_COOKIE}={pass}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Downloads a file from the page. The person has ticked a box and pressed a button, which no mail
/// scanner does.
pub async fn download(
    State(server): State,
    visitor: Visitor,
    Path((_, file)): Path<(String, FileId)>,
    headers: HeaderMap,
    TextForm(form): TextForm<ConfirmForm>,
) -> Result<Transfer, Problem> {
    form.check()?;
    server.host.open_share(&visitor).await?;
    let open = server.host.download(&visitor, &file, None, true).await?;
    transfer::send(&headers, open).await
}

/// Puts a file, as it comes in.
pub async fn upload(
    State(server): State,
    visitor: Visitor,
    Path(token): Path<String>,
    mut form: FileForm,
) -> Result<BackToPage, Problem> {
    let mut is_unchanged = true;
    let mut names = BTreeSet::new();
    while let Some(file) = form.next_file().await? {
        let (name, before) = (file.name, file.before);
        let refused = |problem| FormFile::refused(&name, before, problem);
        let bytes = file.upload.bytes(false).await.map_err(refused)?;
        if before == 0 {
            server.host.open_share(&visitor).await?;
        }
        let once = file.fields.key.map(Repeat::of_form);
        // Two files of one name in one form are two files.
        let own = first_free(&names, &name);
        let sent = server.host.send_upload(&visitor, &own, bytes, once).await;
        is_unchanged &= sent.map_err(|error| refused(error.into()))?.is_unchanged;
        names.insert(own);
    }
    Ok(back_after_files(&token, is_unchanged))
}

/// `name`, or the first name with a number that no file of the form has.
fn first_free(taken: &BTreeSet<String>, name: &str) -> String {
    let numbered = (2..).map(|number| names::numbered(name, number));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    candidates
        .find(|one| !taken.contains(one))
        .unwrap_or_else(|| name.to_owned())
}

/// Back to the page after files were sent, with a note where nothing was new.
pub(super) fn back_after_files(token: &str, is_unchanged: bool) -> BackToPage {
    let note = if is_unchanged { page::UNCHANGED_QUERY } else { "" };
    BackToPage {
        path: format!("{}{note}", path_of(token)),
        cookie: None,
    }
}

/// The form for a comment.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CommentForm {
    /// The words.
    text: String,
    /// The idempotency key.
    #[serde(default)]
    key: Option<String>,
}

/// Writes a comment.
pub async fn comment(
    State(server): State,
    visitor: Visitor,
    Path(token): Path<String>,
    TextForm(form): TextForm<CommentForm>,
) -> Result<BackToPage, Problem> {
    let text = words(&form.text);
    // A form that nobody has filled in does not say that a person is there.
    names::check_comment(&text).map_err(|error| HostError::Invalid(error.of("the comment")))?;
    server.host.open_share(&visitor).await?;
    let once = form.key.map(Repeat::of_form);
    server.host.comment_once(&visitor, None, &text, once).await?;
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
