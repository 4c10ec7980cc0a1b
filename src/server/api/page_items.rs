//! The page behind the link of a request: what its forms do.

use super::page::{back_to, words};
use crate::base::id::FileId;
use crate::host::files::Visitor;
use crate::host::once::Repeat;
use crate::server::Problem;
use crate::server::extract::{Path, State};
use crate::server::form::{DatedForm, TextForm, confirmed};
use crate::server::items::{BecauseBody, WithdrawBody};
use crate::server::page::BackToPage;
use schemars::JsonSchema;
use serde::Deserialize;

/// Gives a file for an item, as it comes in.
pub async fn give(
    State(server): State,
    visitor: Visitor,
    Path((token, item)): Path<(String, String)>,
    form: DatedForm,
) -> Result<BackToPage, Problem> {
    let form = form.filled_in().await?;
    let bytes = form.upload.bytes(false).await?;
    server.host.open_share(&visitor).await?;
    let (day, once) = (form.day.as_deref(), form.key.map(Repeat::of_form));
    server
        .host
        .give_once(&visitor, &item, &form.name, day, bytes, once)
        .await?;
    Ok(back_to(&token))
}

/// The form for removing a file.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RemoveForm {
    /// The file.
    file: String,
    /// `yes` if the box is ticked.
    #[serde(default)]
    confirm: String,
}

/// Removes a file.
pub async fn take_back(
    State(server): State,
    visitor: Visitor,
    Path((token, item)): Path<(String, String)>,
    TextForm(form): TextForm<RemoveForm>,
) -> Result<BackToPage, Problem> {
    confirmed(&form.confirm)?;
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
