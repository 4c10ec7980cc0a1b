//! What several actions of the space do alike.

use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::id::{EventId, FileId, ShareId, WorkspaceId};
use crate::base::rights::folder_name;
use crate::base::{FileRef, FlowRight, Period, Reach, Timestamp, calendar, moment};
use crate::connect::{ActionError, CallContext};
use crate::engine::InboundEvent;
use crate::space::{File, Follow, Share, SpaceEvent, State, Version, Workspace, names};
use crate::store::{BlobError, Store, StoreError, Write};

pub(super) fn permanent(message: impl Into<String>) -> ActionError {
    ActionError::Permanent(message.into())
}

// Both take the error by value, as `map_err` hands it over.

/// A store that does not answer may answer later, unless it is damaged.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn store_failed(error: StoreError) -> ActionError {
    match error {
        StoreError::Newer { .. } | StoreError::Damaged(_) => ActionError::Permanent(error.to_string()),
        StoreError::Full(_)
        | StoreError::Disk(_)
        | StoreError::InDoubt(_)
        | StoreError::Busy(_)
        | StoreError::Closed
        | StoreError::Failed(_) => ActionError::Transient(error.to_string()),
    }
}

#[allow(clippy::needless_pass_by_value)]
pub(super) fn blob_failed(error: BlobError) -> ActionError {
    match error {
        BlobError::TooLarge { .. } | BlobError::Missing(_) | BlobError::Damaged(_) => {
            ActionError::Permanent(error.to_string())
        }
        BlobError::Interrupted(_) | BlobError::Full(_) | BlobError::Failed(_) => {
            ActionError::Transient(error.to_string())
        }
    }
}

/// Who acts, for logs and versions.
pub(super) fn actor(cx: &CallContext) -> String {
    format!("run:{}", cx.run)
}

/// A line of the access log about something this run does.
pub(super) fn access(cx: &CallContext, kind: AccessKind) -> AccessEntry {
    AccessEntry {
        at: cx.now,
        actor: actor(cx),
        kind,
        share: None,
        file: None,
        version: None,
        sha256: None,
        refused: None,
        run: Some(cx.run.to_string()),
        has_link_only: false,
        origin: Origin::default(),
    }
}

/// The same about a version of a file.
pub(super) fn access_to(cx: &CallContext, kind: AccessKind, share: Option<&ShareId>, file: &FileRef) -> AccessEntry {
    AccessEntry {
        share: share.map(ToString::to_string),
        file: Some(file.id.clone()),
        version: Some(file.version),
        sha256: Some(file.sha256.clone()),
        ..access(cx, kind)
    }
}

/// Records an event. Its id follows from the work's key, so that it is recorded once.
pub(super) fn event<T: SpaceEvent>(cx: &CallContext, event: &T) -> Write {
    Write::Event(InboundEvent {
        id: EventId::derived(&format!("{}:{}", cx.key, T::KIND)),
        kind: T::KIND.to_owned(),
        subjects: event.subjects(),
        key: None,
        data: event.data(),
        at: cx.now,
    })
}

/// The share called `id`, whatever its state.
pub(super) async fn share(store: &dyn Store, id: &str) -> Result<Share, ActionError> {
    let found = store.share(&ShareId::from(id)).await.map_err(store_failed)?;
    found.ok_or_else(|| permanent(format!("there is no share {id:?}")))
}

/// The same, refused where it is over.
pub(super) async fn live_share(store: &dyn Store, id: &str, now: Timestamp) -> Result<Share, ActionError> {
    let share = share(store, id).await?;
    match share.over(now) {
        None => Ok(share),
        Some(over) => Err(permanent(over.to_string())),
    }
}

/// The workspace to work in: the one named, or the main one.
pub(super) async fn workspace(store: &dyn Store, id: Option<&str>) -> Result<WorkspaceId, ActionError> {
    let Some(id) = id.filter(|id| *id != Workspace::MAIN) else {
        return Ok(WorkspaceId::from(Workspace::MAIN));
    };
    let id = WorkspaceId::from(id);
    match store.workspace(&id).await.map_err(store_failed)? {
        Some(workspace) if workspace.state == State::Live => Ok(id),
        Some(_) => Err(permanent(format!("the workspace {id} is closed"))),
        None => Err(permanent(format!("there is no workspace {id}"))),
    }
}

/// The live share `id`. It must belong to this run, unless the flow may change shares of other
/// runs.
pub(super) async fn own_share(cx: &CallContext, store: &dyn Store, id: &str) -> Result<Share, ActionError> {
    let share = live_share(store, id, cx.now).await?;
    check_own(cx, &share)?;
    Ok(share)
}

/// Refuses a share of another run, unless the flow may change those.
pub(super) fn check_own(cx: &CallContext, share: &Share) -> Result<(), ActionError> {
    if share.run.as_ref() == Some(&cx.run) {
        return Ok(());
    }
    cx.check(&FlowRight::OthersShares)
}

/// Refuses a folder that the flow may not write to or read. A folder in a workspace of the run
/// itself needs no right.
pub(super) async fn check_folder(
    cx: &CallContext,
    store: &dyn Store,
    workspace: &WorkspaceId,
    folder: &str,
    right: fn(Reach) -> FlowRight,
) -> Result<(), ActionError> {
    if workspace.as_str() != Workspace::MAIN {
        let found = store.workspace(workspace).await.map_err(store_failed)?;
        if found.is_some_and(|workspace| workspace.created_by == actor(cx)) {
            return Ok(());
        }
    }
    cx.check(&right(Reach::Only(folder_name(workspace.as_str(), folder))))
}

/// Refuses a share that shows the newest version of its files, whoever stores it, unless the flow may do that.
pub(super) fn check_follow(cx: &CallContext, follow: Follow) -> Result<(), ActionError> {
    match follow {
        Follow::Exact => Ok(()),
        Follow::Newest => cx.check(&FlowRight::NewerVersions),
    }
}

/// The right to put files into a folder.
pub(super) fn write(folder: Reach) -> FlowRight {
    FlowRight::Write { folder }
}

/// The right to read a folder.
pub(super) fn read(folder: Reach) -> FlowRight {
    FlowRight::Read { folder }
}

/// The file and the version that `reference` names, refused where the stored bytes are others.
pub(super) async fn referenced(store: &dyn Store, reference: &FileRef) -> Result<(File, Version), ActionError> {
    let found = store
        .file(&FileId::from(reference.id.as_str()))
        .await
        .map_err(store_failed)?;
    let file = found.ok_or_else(|| permanent(format!("there is no file {:?} ({})", reference.id, reference.name)))?;
    let Some(version) = file.version(reference.version).cloned() else {
        return Err(permanent(format!("{} has no version {}", file.name, reference.version)));
    };
    if version.sha256 != reference.sha256 {
        return Err(permanent(format!(
            "version {} of {} has SHA-256 {}, not {}: it is not the one that was meant",
            version.number, file.name, version.sha256, reference.sha256
        )));
    }
    Ok((file, version))
}

/// A folder in its one form.
pub(super) fn folder(field: &str, text: &str) -> Result<String, ActionError> {
    names::folder(text).map_err(|error| permanent(format!("{field}: {error}")))
}

/// When something ends that is given as a length of time or as a moment.
pub(super) fn ends_at(
    cx: &CallContext,
    within: Option<&str>,
    moment: Option<&str>,
) -> Result<Option<Timestamp>, ActionError> {
    let end = match (within, moment) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(permanent("expires_in and expires_at: give one of them")),
        (Some(text), None) => {
            let period = Period::parse(text).map_err(|error| permanent(format!("expires_in: {error}")))?;
            calendar::after(cx.now, &period, cx.calendar.as_ref())
                .map_err(|error| permanent(format!("expires_in: {error}")))?
        }
        (None, Some(text)) => moment_of(cx, text)?,
    };
    if end <= cx.now {
        return Err(permanent(format!(
            "it would end at {end}, which is over: give a later moment"
        )));
    }
    Ok(Some(end))
}

/// A timestamp, or the end of a day in the calendar's zone.
fn moment_of(cx: &CallContext, text: &str) -> Result<Timestamp, ActionError> {
    let zone = cx.calendar.as_ref().map_or("UTC", |calendar| calendar.zone.as_str());
    moment::read(text, zone, cx.semantics).map_err(|error| permanent(format!("expires_at: {text:?} {error}")))
}
