//! `file360.close_workspace`.

use super::support::{access, actor, permanent, store_failed};
use super::{Done, Space, SpaceAction};
use crate::audit::AccessKind;
use crate::base::FlowRight;
use crate::base::id::WorkspaceId;
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::Workspace;
use crate::spec::Effect;
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which workspace is to be closed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The workspace's id.
    workspace: String,
}

/// The workspace as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The workspace's id.
    workspace: String,
    /// Whether this call closed it; false where it was closed already.
    closed: bool,
}

pub(super) struct CloseWorkspace;

impl Action for CloseWorkspace {
    const NAME: &'static str = "file360.close_workspace";
    const SUMMARY: &'static str =
        "Close a workspace, now and for good: it takes nothing new. Its files stay for whoever may open them.";
    const EFFECT: Effect = Effect::Write;
    type Input = Input;
    type Output = Output;
}

#[async_trait::async_trait]
impl SpaceAction for CloseWorkspace {
    async fn call(_: &Space, cx: &CallContext, store: &dyn Store, input: Input) -> Result<Done<Output>, ActionError> {
        if input.workspace == Workspace::MAIN {
            return Err(permanent("the main workspace is never closed"));
        }
        let id = WorkspaceId(input.workspace);
        let found = store.workspace(&id).await.map_err(store_failed)?;
        let workspace = found.ok_or_else(|| permanent(format!("there is no workspace {id}")))?;
        if workspace.created_by != actor(cx) {
            cx.check(&FlowRight::OthersShares)?;
        }
        let closed = workspace.closed();
        let output = Output {
            workspace: id.to_string(),
            closed: closed.is_some(),
        };
        let entry = closed
            .is_some()
            .then(|| Write::Access(access(cx, AccessKind::Administer)));
        let writes = entry.into_iter().chain(closed.map(Write::PutWorkspace)).collect();
        Ok(Done { output, writes })
    }
}
