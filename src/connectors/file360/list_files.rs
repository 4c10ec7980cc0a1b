//! `file360.list_files`.

use super::support::{access, check_folder, folder, own_share, permanent, read, store_failed, workspace};
use super::{Done, Space, SpaceAction};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::FileRef;
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::spec::Effect;
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which files. Give either `share` or `folder`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The share's id.
    share: Option<String>,
    /// The workspace that the folder is in; the main one if none is given.
    workspace: Option<String>,
    /// The folder, as `/contracts`.
    #[schemars(extend("format" = "folder"))]
    folder: Option<String>,
}

/// The files.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The files. Those of a folder are at their newest versions, those of a share at the newest
    /// version that the share shows.
    files: Vec<FileRef>,
}

pub(super) struct ListFiles;

impl Action for ListFiles {
    const NAME: &'static str = "file360.list_files";
    const SUMMARY: &'static str = "List the files of a share or of a folder.";
    const EFFECT: Effect = Effect::Read;
    type Input = Input;
    type Output = Output;
}

#[async_trait::async_trait]
impl SpaceAction for ListFiles {
    async fn call(_: &Space, cx: &CallContext, store: &dyn Store, input: Input) -> Result<Done<Output>, ActionError> {
        let entry = AccessEntry {
            share: input.share.clone(),
            ..access(cx, AccessKind::List)
        };
        let files = match (input.share, input.folder) {
            (Some(share), None) if input.workspace.is_none() => shared(cx, store, &share).await?,
            (None, Some(text)) => {
                let workspace = workspace(store, input.workspace.as_deref()).await?;
                let folder = folder("folder", &text)?;
                check_folder(cx, store, &workspace, &folder, read).await?;
                let files = store.files_in(&workspace, &folder).await.map_err(store_failed)?;
                files.iter().map(crate::space::File::reference).collect()
            }
            _ => return Err(permanent("give either share, or folder with or without workspace")),
        };
        Ok(Done {
            output: Output { files },
            writes: vec![Write::Access(entry)],
        })
    }
}

async fn shared(cx: &CallContext, store: &dyn Store, share: &str) -> Result<Vec<FileRef>, ActionError> {
    let share = own_share(cx, store, share).await?;
    let ids = share.file_ids();
    let mut files = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(file) = store.file(id).await.map_err(store_failed)? {
            let reached = share.version_of(&file, None);
            files.extend(reached.map(|version| file.reference_to(version)));
        }
    }
    Ok(files)
}
