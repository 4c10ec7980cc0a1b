//! `file360.put_file`.

use super::support::{
    access_to, actor, blob_failed, check_folder, event, folder, permanent, referenced, store_failed, workspace, write,
};
use super::{Done, Space, SpaceAction};
use crate::audit::AccessKind;
use crate::base::FileRef;
use crate::base::id::{FileId, WorkspaceId};
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::events::FileUploaded;
use crate::space::{Content, File, Locked, Version, media, names};
use crate::spec::Effect;
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest text that becomes a file, in bytes.
pub const MAX_TEXT_BYTES: u64 = 1 << 20;

/// What is to be put, and where. Give either `text` or `file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The workspace; the main one if none is given.
    workspace: Option<String>,
    /// The folder, as `/contracts/drafts`.
    #[schemars(extend("format" = "folder"))]
    folder: String,
    /// The name within the folder; that of `file` if none is given. Where there is a file of this
    /// name, it gets a new version.
    name: Option<String>,
    /// The words of a new text file.
    text: Option<String>,
    /// A file to copy, at its exact version.
    file: Option<FileRef>,
}

/// The file as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The file at its new version.
    file: FileRef,
    /// The workspace.
    workspace: String,
    /// The folder.
    folder: String,
    /// The folder and the name.
    path: String,
}

pub(super) struct PutFile;

impl Action for PutFile {
    const NAME: &'static str = "file360.put_file";
    const SUMMARY: &'static str = "Put a text or a copy of a file into a folder, as a new file or a new version.";
    const EFFECT: Effect = Effect::Write;
    type Input = Input;
    type Output = Output;
}

#[async_trait::async_trait]
impl SpaceAction for PutFile {
    async fn call(
        space: &Space,
        cx: &CallContext,
        store: &dyn Store,
        input: Input,
    ) -> Result<Done<Output>, ActionError> {
        let workspace = workspace(store, input.workspace.as_deref()).await?;
        let folder = folder("folder", &input.folder)?;
        let (name, content, uploader) = match (input.name, input.text, input.file) {
            (name, None, Some(reference)) => {
                let (file, version) = referenced(store, &reference).await?;
                (name.unwrap_or(file.name), content_of(&version), uploader_of(&version))
            }
            (Some(name), Some(text), None) => {
                let content = text_content(space, &name, &text).await?;
                (name, content, None)
            }
            (None, Some(_), None) => return Err(permanent("name: a text needs the name of a file")),
            _ => return Err(permanent("give either text or file")),
        };
        let placed = place(
            cx,
            store,
            Place {
                workspace,
                folder,
                name,
            },
            content,
            uploader,
        )
        .await?;
        let event = event(cx, &uploaded(cx, &placed.file));
        let entry = access_to(cx, AccessKind::Upload, None, &placed.file.reference());
        let mut writes = vec![Write::Access(entry)];
        let output = Output {
            file: placed.file.reference(),
            workspace: placed.file.workspace.to_string(),
            folder: placed.file.folder.clone(),
            path: names::path(&placed.file.folder, &placed.file.name),
        };
        if placed.is_new {
            writes.push(Write::PutFile(placed.file));
            writes.push(event);
        }
        Ok(Done { output, writes })
    }
}

/// Where a file is to lie.
pub(super) struct Place {
    pub(super) workspace: WorkspaceId,
    pub(super) folder: String,
    pub(super) name: String,
}

/// A file with the content wanted.
pub(super) struct Placed {
    pub(super) file: File,
    /// Whether it has to be stored; not so where its newest version is the same bytes.
    pub(super) is_new: bool,
}

/// The bytes of the version to copy.
pub(super) fn content_of(version: &Version) -> Content {
    Content {
        sha256: version.sha256.clone(),
        size: version.size,
        media_type: version.media_type.clone(),
    }
}

/// The uploader of the bytes of the version to copy.
pub(super) fn uploader_of(version: &Version) -> Option<String> {
    version.uploader().map(str::to_owned)
}

/// The file at `place` with `content` as its newest version and the uploader of these bytes.
pub(super) async fn place(
    cx: &CallContext,
    store: &dyn Store,
    place: Place,
    content: Content,
    uploader: Option<String>,
) -> Result<Placed, ActionError> {
    let name = names::name(&place.name).map_err(|error| permanent(error.of("`name`")))?;
    let place = Place { name, ..place };
    check_folder(cx, store, &place.workspace, &place.folder, write).await?;
    let known = store
        .file_named(&place.workspace, &place.folder, &place.name)
        .await
        .map_err(store_failed)?;
    let by = actor(cx);
    match known {
        Some(file) if file.current().sha256 == content.sha256 => Ok(Placed { file, is_new: false }),
        // said here in words; the store refuses it in any case
        Some(file) if store.is_locked(&file.id).await.map_err(store_failed)? => {
            let path = names::path(&file.folder, &file.name);
            Err(ActionError::Transient(format!("{path}: {Locked}")))
        }
        Some(file) => Ok(Placed {
            file: file.with_version(content, &by, cx.now).with_uploader(uploader),
            is_new: true,
        }),
        None => {
            let id = FileId::derived(&cx.key);
            let file = File::create(id, place.workspace, place.folder, place.name, content, &by, cx.now);
            Ok(Placed {
                file: file.with_uploader(uploader),
                is_new: true,
            })
        }
    }
}

pub(super) fn uploaded(cx: &CallContext, file: &File) -> FileUploaded {
    FileUploaded {
        share: None,
        workspace: file.workspace.to_string(),
        folder: file.folder.clone(),
        file: file.reference(),
        unchanged: false,
        by: actor(cx),
        at: cx.now,
    }
}

async fn text_content(space: &Space, name: &str, text: &str) -> Result<Content, ActionError> {
    let blob = space
        .blobs
        .put(text.as_bytes(), MAX_TEXT_BYTES)
        .await
        .map_err(blob_failed)?;
    Ok(Content {
        media_type: media::media_type(name, blob.sample()).media_type.to_owned(),
        sha256: blob.sha256,
        size: blob.size,
    })
}
