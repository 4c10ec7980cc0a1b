//! Settings of a flow: look, and give.

use crate::server::dto::{Page, SettingRow, SettingsBody};
use crate::server::extract::{Answer, Done, JsonBody, Path, State};
use crate::server::{Caller, Problem};

/// The settings of a flow.
pub async fn list(State(server): State, Path(flow): Path<String>) -> Result<Answer<Page<SettingRow>>, Problem> {
    server.host.plan_meant(&flow).await?;
    let settings = server.host.settings_of(&flow).await?;
    Ok(Answer(Page {
        items: settings.into_iter().map(SettingRow::from).collect(),
        next: None,
    }))
}

/// Gives settings.
pub async fn set(
    State(server): State,
    caller: Caller,
    Path(flow): Path<String>,
    JsonBody(body): JsonBody<SettingsBody>,
) -> Result<Done, Problem> {
    server.host.plan_meant(&flow).await?;
    server
        .host
        .set_settings(&flow, &body.settings, &caller.principal(), caller.origin())
        .await?;
    Ok(Done)
}
