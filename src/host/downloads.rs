//! Records downloads after the last byte was sent.
//!
//! Invariant: before that, only the attempt is recorded. If the process ends between the last byte
//! and the commit, the download does not count.

use super::files::inbound;
use super::{Host, HostError};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::FileRef;
use crate::base::id::{EventId, FileId, ShareId};
use crate::space::Share;
use crate::space::events::FileDownloaded;
use crate::store::Write;
use std::sync::Arc;

/// A download in progress.
#[derive(Clone, Debug)]
pub struct Download {
    /// The access log entry of the attempt.
    attempt: AccessEntry,
    /// The version for which flows receive an event after it was sent.
    told_of: Option<FileRef>,
}

impl Download {
    /// Creates a download from its access log entry and the version to report to flows.
    pub(super) fn new(attempt: AccessEntry, told_of: Option<FileRef>) -> Self {
        Self { attempt, told_of }
    }
}

impl Host {
    /// Records that all bytes were sent.
    pub async fn record_download(self: &Arc<Self>, download: &Download) -> Result<(), HostError> {
        let id = &EventId(format!("{}_{}", EventId::PREFIX, self.new_id()));
        self.decide_anew("the share", || async move {
            let sent = AccessEntry {
                at: self.now(),
                kind: AccessKind::Downloaded,
                ..download.attempt.clone()
            };
            let mut writes = Vec::with_capacity(3);
            if let Some(document) = &download.told_of {
                writes.extend(self.tell_of_download(id, document, &sent).await?);
            }
            writes.push(Write::Access(sent));
            Ok(((), writes))
        })
        .await
    }

    /// The writes of the event for flows, with the number of files of the share downloaded so far.
    async fn tell_of_download(
        &self,
        id: &EventId,
        document: &FileRef,
        sent: &AccessEntry,
    ) -> Result<Vec<Write>, HostError> {
        let share = match &sent.share {
            Some(share) => self.parts().store.share(&ShareId(share.clone())).await?,
            None => None,
        };
        let before = share.as_ref().map(|share| share.downloaded.len());
        let share = share.map(|share| share.with_downloaded(&FileId(document.id.clone())));
        let counts = share.as_ref().map(Share::downloads);
        let event = FileDownloaded {
            share: sent.share.clone(),
            file: document.clone(),
            files_downloaded: counts.map(|counts| counts.downloaded),
            files_shared: counts.map(|counts| counts.shared),
            by: sent.actor.clone(),
            at: sent.at,
        };
        let event = Write::Event(inbound(id.clone(), &event, sent.at));
        let changed = share.filter(|share| before.is_some_and(|before| share.downloaded.len() > before));
        Ok(changed.map(Write::PutShare).into_iter().chain([event]).collect())
    }

    /// Records the download in a background task, because the client may have disconnected.
    pub fn record_download_beside(self: &Arc<Self>, download: Download) {
        let host = Arc::clone(self);
        self.spawn(async move {
            if let Err(error) = host.record_download(&download).await {
                tracing::error!(%error, "a download was sent but could not be recorded");
            }
        });
    }
}
