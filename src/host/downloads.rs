//! What is recorded once every byte of a file was sent: in one answer, or in several parts to the same holder.
//!
//! Invariant: before that, only the attempt is recorded. If the process ends between the last byte
//! and the commit, the download does not count.

use super::files::inbound;
use super::parts_sent::PartsKey;
use super::{Host, HostError};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::FileRef;
use crate::base::id::{EventId, FileId, ShareId};
use crate::space::Share;
use crate::space::events::FileDownloaded;
use crate::store::Write;
use std::ops::Range;
use std::sync::Arc;

/// An answer with bytes of a file, while they are being sent.
#[derive(Clone, Debug)]
pub struct Download {
    /// The access log entry of the attempt.
    attempt: AccessEntry,
    /// The version for which flows receive an event after it was sent.
    told_of: Option<FileRef>,
    /// Whose parts add up to a whole file. Those of an anonymous holder never do: several people have such a link.
    holder: Option<String>,
}

impl Download {
    /// The bytes that `attempt` is about, sent to `holder`, of which flows are told as `told_of`.
    pub(super) fn new(attempt: AccessEntry, told_of: Option<FileRef>, holder: Option<String>) -> Self {
        Self {
            attempt,
            told_of,
            holder,
        }
    }

    fn parts_key(&self) -> Option<PartsKey> {
        Some(PartsKey {
            holder: self.holder.clone()?,
            file: self.attempt.file.clone()?,
            sha256: self.attempt.sha256.clone()?,
            is_told: self.told_of.is_some(),
        })
    }
}

/// Bytes of an answer that the other side was sent.
#[derive(Clone, Debug)]
pub struct SentBytes {
    /// Which of the file.
    pub part: Range<u64>,
    /// How many the file has.
    pub size: u64,
}

impl Host {
    /// Takes down which bytes were sent so far in an answer, and records the download once they are, together with what
    /// the same holder was sent before, the whole file. Returns whether they are: nothing more is to be told of then.
    pub fn note_sent(self: &Arc<Self>, download: &Download, sent: SentBytes) -> bool {
        let key = download.parts_key();
        let is_whole = if sent.part == (0..sent.size) {
            if let Some(key) = &key {
                self.parts_sent.forget(key);
            }
            true
        } else {
            key.is_some_and(|key| self.parts_sent.add(&key, sent.part, sent.size))
        };
        if is_whole {
            self.record_download_beside(download.clone());
        }
        is_whole
    }

    /// Records that every byte was sent.
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

    /// The same beside everything else: whoever took the bytes may be gone.
    fn record_download_beside(self: &Arc<Self>, download: Download) {
        let host = Arc::clone(self);
        self.spawn(async move {
            if let Err(error) = host.record_download(&download).await {
                tracing::error!(%error, "a download was sent but could not be recorded");
            }
        });
    }
}
