//! The page behind the link of a request: what its forms do.

use super::page::{back_after_files, back_to, words};
use crate::base::id::FileId;
use crate::host::files::Visitor;
use crate::host::once::Repeat;
use crate::host::requests::Gift;
use crate::server::Problem;
use crate::server::extract::{Path, State};
use crate::server::form::{DatedForm, FormFile, TextForm, confirmed};
use crate::server::items::{BecauseBody, WithdrawBody};
use crate::server::page::BackToPage;
use schemars::JsonSchema;
use serde::Deserialize;

/// Gives the files of a form for an item, as they come in.
pub async fn give(
    State(server): State,
    visitor: Visitor,
    Path((token, item)): Path<(String, String)>,
    mut form: DatedForm,
) -> Result<BackToPage, Problem> {
    let mut is_unchanged = true;
    while let Some(file) = form.next_file().await? {
        let (name, before, fields) = (file.name, file.before, file.fields);
        let refused = |problem| FormFile::refused(&name, before, problem);
        let bytes = file.upload.bytes(false).await.map_err(refused)?;
        if before == 0 {
            server.host.open_share(&visitor).await?;
        }
        let gift = Gift {
            item: &item,
            name: &name,
            valid_until: fields.day.as_deref(),
            replaces: fields.replaces.as_deref(),
        };
        let once = fields.key.clone().map(Repeat::of_form);
        let sent = server.host.send_gift(&visitor, gift, bytes, once).await;
        is_unchanged &= sent.map_err(|error| refused(error.into()))?.is_unchanged;
    }
    Ok(back_after_files(&token, is_unchanged))
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
