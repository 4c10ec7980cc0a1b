//! `file360`: the embedded file space.
//!
//! Every action here is local: it reads the store, decides by the rules of `space`, and gives
//! back writes that commit together with the journal event that records them. The access log
//! entry is one of these writes, so that nothing happens without it.

mod add_comment;
mod close_workspace;
mod create_share;
mod create_workspace;
mod grants;
mod list_files;
mod publish;
mod put_file;
mod request_files;
mod revoke_share;
mod set_permissions;
mod support;
mod update_share;

pub use create_share::MAX_FILES;
pub use grants::{MAX_MESSAGE_BYTES, MIN_PASSWORD_CHARS};
pub use put_file::MAX_TEXT_BYTES;

use super::action::{Action, event_info, info};
use crate::base::Value;
use crate::connect::{ActionError, CallContext, Handler, Links, LocalAction, LocalEffect, Registered, read_input};
use crate::people::Directory;
use crate::space::events::{
    CommentAdded, DocumentExpiring, FileDownloaded, FileUploaded, GrantRevoked, ItemNotApplicable, ItemReceived,
    ItemRemoved, RequestWithdrawn, ShareExpired, ShareOpened, ShareRevoked,
};
use crate::spec::EventInfo;
use crate::store::{Blobs, Store, Write};
use std::sync::{Arc, RwLock};

/// What the actions need besides the store.
#[derive(Clone)]
pub struct Space {
    /// Bytes of files.
    pub blobs: Blobs,
    /// Derives links.
    pub links: Links,
    /// Who there is; replaced as a whole when people.yaml changes.
    pub directory: Arc<RwLock<Arc<Directory>>>,
}

impl Space {
    fn directory(&self) -> Arc<Directory> {
        let guard = self.directory.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(&guard)
    }
}

/// What an action came to.
struct Done<T> {
    output: T,
    writes: Vec<Write>,
}

/// An action of the space: reads, decides, writes nothing itself.
#[async_trait::async_trait]
trait SpaceAction: Action + Send + Sync {
    async fn call(
        space: &Space,
        cx: &CallContext,
        store: &dyn Store,
        input: Self::Input,
    ) -> Result<Done<Self::Output>, ActionError>;
}

struct Local<A> {
    space: Space,
    action: std::marker::PhantomData<A>,
}

#[async_trait::async_trait]
impl<A: SpaceAction> LocalAction for Local<A> {
    async fn call(&self, cx: &CallContext, store: &dyn Store, input: Value) -> Result<LocalEffect, ActionError> {
        let done = A::call(&self.space, cx, store, read_input(input)?).await?;
        Ok(LocalEffect {
            output: super::output(done.output)?,
            writes: done.writes,
        })
    }
}

fn registered<A: SpaceAction + 'static>(space: &Space) -> Registered {
    Registered {
        info: info::<A>(true, true),
        handler: Handler::Local(Arc::new(Local::<A> {
            space: space.clone(),
            action: std::marker::PhantomData,
        })),
    }
}

/// The actions of `file360`.
pub(super) fn actions(space: &Space) -> [Registered; 11] {
    [
        registered::<create_workspace::CreateWorkspace>(space),
        registered::<close_workspace::CloseWorkspace>(space),
        registered::<create_share::CreateShare>(space),
        registered::<request_files::RequestFiles>(space),
        registered::<set_permissions::SetPermissions>(space),
        registered::<update_share::UpdateShare>(space),
        registered::<revoke_share::RevokeShare>(space),
        registered::<put_file::PutFile>(space),
        registered::<list_files::ListFiles>(space),
        registered::<add_comment::AddComment>(space),
        registered::<publish::Publish>(space),
    ]
}

/// The events of `file360`.
pub(super) fn events() -> [EventInfo; 12] {
    [
        event_info::<FileUploaded>(),
        event_info::<FileDownloaded>(),
        event_info::<CommentAdded>(),
        event_info::<ShareOpened>(),
        event_info::<ShareRevoked>(),
        event_info::<GrantRevoked>(),
        event_info::<ShareExpired>(),
        event_info::<ItemReceived>(),
        event_info::<ItemRemoved>(),
        event_info::<ItemNotApplicable>(),
        event_info::<RequestWithdrawn>(),
        event_info::<DocumentExpiring>(),
    ]
}
