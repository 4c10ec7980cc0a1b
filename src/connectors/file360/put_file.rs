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
        let (name, content, putters) = match (input.name, input.text, input.file) {
            (name, None, Some(reference)) => {
                let (file, version) = referenced(store, &reference).await?;
                (name.unwrap_or(file.name), content_of(&version), putters_of(&version))
            }
            (Some(name), Some(text), None) => {
                let content = text_content(space, &name, &text).await?;
                (name, content, Vec::new())
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
            putters,
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
        if placed.is_changed {
            writes.push(Write::PutFile(placed.file));
        }
        if placed.is_new {
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
    /// Whether it has a new version; not so where its newest version is the same bytes.
    pub(super) is_new: bool,
    /// Whether it has to be stored: it is new, or it was not known that these parties put its bytes too.
    pub(super) is_changed: bool,
}

/// The bytes of the version to copy.
pub(super) fn content_of(version: &Version) -> Content {
    Content {
        sha256: version.sha256.clone(),
        size: version.size,
        media_type: version.media_type.clone(),
    }
}

/// Who uploaded the bytes of a version that is copied, the first one first.
pub(super) fn putters_of(version: &Version) -> Vec<String> {
    let uploader = version.uploader().map(str::to_owned);
    uploader.into_iter().chain(version.also_by.iter().cloned()).collect()
}

/// The file at `place` with `content` as its newest version, which remembers who uploaded these bytes. Where these bytes
/// are there already it is remembered who put them this time.
pub(super) async fn place(
    cx: &CallContext,
    store: &dyn Store,
    place: Place,
    content: Content,
    putters: Vec<String>,
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
        Some(file) if file.current().sha256 == content.sha256 => {
            let putters = if putters.is_empty() { vec![by] } else { putters };
            let changed = file.clone().with_putters(&putters);
            // whoever decides on it now must not be one of those who put it
            if changed.is_some() && store.is_locked(&file.id).await.map_err(store_failed)? {
                return Err(locked(&file));
            }
            Ok(Placed {
                is_new: false,
                is_changed: changed.is_some(),
                file: changed.unwrap_or(file),
            })
        }
        // said here in words; the store refuses it in any case
        Some(file) if store.is_locked(&file.id).await.map_err(store_failed)? => Err(locked(&file)),
        Some(file) => Ok(Placed::new(file.with_version(content, &by, cx.now), putters)),
        None => {
            let id = FileId::derived(&cx.key);
            let file = File::create(id, place.workspace, place.folder, place.name, content, &by, cx.now);
            Ok(Placed::new(file, putters))
        }
    }
}

impl Placed {
    /// The file with a new version, whose bytes `putters` uploaded.
    fn new(file: File, putters: Vec<String>) -> Self {
        let mut putters = putters.into_iter();
        let file = file.with_uploader(putters.next());
        let also_by: Vec<String> = putters.collect();
        Self {
            file: file.clone().with_putters(&also_by).unwrap_or(file),
            is_new: true,
            is_changed: true,
        }
    }
}

fn locked(file: &File) -> ActionError {
    let path = names::path(&file.folder, &file.name);
    ActionError::Transient(format!("{path}: {Locked}"))
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
