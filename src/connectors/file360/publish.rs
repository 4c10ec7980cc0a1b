//! `file360.publish`.

use super::put_file::{Place, content_of, place, putters_of, uploaded};
use super::support::{access_to, event, folder, referenced};
use super::{Done, Space, SpaceAction};
use crate::audit::AccessKind;
use crate::base::FileRef;
use crate::base::id::WorkspaceId;
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::{Workspace, names};
use crate::spec::Effect;
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which exact version is to be published, and where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The file at its exact version. Refused where the stored bytes have another SHA-256.
    file: FileRef,
    /// The folder of the main workspace, as `/contracts/final`.
    #[schemars(extend("format" = "folder"))]
    to: String,
    /// Its name there; the one it has if none is given.
    name: Option<String>,
}

/// The published file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The published file at its version there.
    file: FileRef,
    /// The folder and the name.
    path: String,
}

pub(super) struct Publish;

impl Action for Publish {
    const NAME: &'static str = "file360.publish";
    const SUMMARY: &'static str = "Put one exact version of a file where it is final.";
    const EFFECT: Effect = Effect::Publish;
    type Input = Input;
    type Output = Output;
}

#[async_trait::async_trait]
impl SpaceAction for Publish {
    async fn call(_: &Space, cx: &CallContext, store: &dyn Store, input: Input) -> Result<Done<Output>, ActionError> {
        let (source, version) = referenced(store, &input.file).await?;
        let target = Place {
            workspace: WorkspaceId::from(Workspace::MAIN),
            folder: folder("to", &input.to)?,
            name: input.name.unwrap_or(source.name),
        };
        let placed = place(cx, store, target, content_of(&version), putters_of(&version)).await?;
        let published = placed.file.reference();
        let path = names::path(&placed.file.folder, &placed.file.name);
        let mut writes = vec![Write::Access(access_to(cx, AccessKind::Publish, None, &published))];
        if placed.is_new {
            let event = event(cx, &uploaded(cx, &placed.file));
            writes.push(Write::PutFile(placed.file.with_paper(version.paper)));
            writes.push(event);
        } else if placed.is_changed {
            writes.push(Write::PutFile(placed.file));
        }
        Ok(Done {
            output: Output { file: published, path },
            writes,
        })
    }
}
