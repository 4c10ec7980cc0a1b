//! The page behind the link of a request: what its forms do.

use super::page::{back_to, words};
use crate::base::id::FileId;
use crate::host::files::Visitor;
use crate::server::Problem;
use crate::server::extract::{Path, State};
use crate::server::form::{DatedForm, TextForm};
use crate::server::items::{BecauseBody, TakeBackBody, WithdrawBody};
use crate::server::page::BackToPage;

/// Gives a file for an item, as it comes in.
pub async fn give(
    State(server): State,
    visitor: Visitor,
    Path((token, item)): Path<(String, String)>,
    form: DatedForm,
) -> Result<BackToPage, Problem> {
    let (day, name, upload) = form.dated_file().await?;
    let bytes = upload.bytes(false).await?;
    server.host.open_share(&visitor).await?;
    server.host.give(&visitor, &item, &name, day.as_deref(), bytes).await?;
    Ok(back_to(&token))
}

/// Takes a file back.
pub async fn take_back(
    State(server): State,
    visitor: Visitor,
    Path((token, item)): Path<(String, String)>,
    TextForm(form): TextForm<TakeBackBody>,
) -> Result<BackToPage, Problem> {
    server.host.take_back(&visitor, &item, &FileId(form.file)).await?;
    Ok(back_to(&token))
}

/// Says why an item does not apply.
pub async fn not_applicable(
    State(server): State,
    visitor: Visitor,
    Path((token, item)): Path<(String, String)>,
    TextForm(form): TextForm<BecauseBody>,
) -> Result<BackToPage, Problem> {
    let because = words(&form.because);
    server.host.not_applicable(&visitor, &item, &because).await?;
    Ok(back_to(&token))
}

/// Says that nothing will be given.
pub async fn withdraw(
    State(server): State,
    visitor: Visitor,
    Path(token): Path<String>,
    TextForm(form): TextForm<WithdrawBody>,
) -> Result<BackToPage, Problem> {
    server.host.withdraw(&visitor, &words(&form.reason)).await?;
    Ok(back_to(&token))
}
