//! `file360.create_workspace`.

use super::support::{access, actor, permanent};
use super::{Done, Space, SpaceAction};
use crate::audit::AccessKind;
use crate::base::id::WorkspaceId;
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::{State, Workspace, names};
use crate::spec::{Acquires, Effect};
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a new workspace is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What people call it.
    name: String,
}

/// The new workspace.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The workspace's id.
    workspace: String,
    /// What people call it.
    name: String,
}

pub(super) struct CreateWorkspace;

impl Action for CreateWorkspace {
    const NAME: &'static str = "file360.create_workspace";
    const SUMMARY: &'static str = "Make a workspace for files that belong together. It is closed when the run ends.";
    const EFFECT: Effect = Effect::Write;
    type Input = Input;
    type Output = Output;

    fn acquires() -> Option<Acquires> {
        Some(Acquires {
            kind: "workspace".to_owned(),
            output: "workspace".to_owned(),
            release: "file360.close_workspace".to_owned(),
            with: "workspace".to_owned(),
        })
    }
}

#[async_trait::async_trait]
impl SpaceAction for CreateWorkspace {
    async fn call(_: &Space, cx: &CallContext, _: &dyn Store, input: Input) -> Result<Done<Output>, ActionError> {
        names::check_title(&input.name).map_err(|error| permanent(error.of("`name`")))?;
        let workspace = Workspace {
            id: WorkspaceId::derived(&cx.key),
            name: input.name,
            created_by: actor(cx),
            created_at: cx.now,
            state: State::Live,
            rev: 0,
        };
        Ok(Done {
            output: Output {
                workspace: workspace.id.to_string(),
                name: workspace.name.clone(),
            },
            writes: vec![
                Write::Access(access(cx, AccessKind::Administer)),
                Write::PutWorkspace(workspace),
            ],
        })
    }
}
