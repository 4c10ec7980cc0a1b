//! Reports damaged file contents to the administrators, and removes unreferenced blobs.

use super::files::blob_error;
use super::{Host, HostError};
use crate::base::id::RunId;
use crate::people::roles;
use crate::store::blobs::Candidates;
use crate::store::{OutboxMail, Write};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Page size when searching all files for references to a blob.
const FILES: usize = 500;
/// Maximum number of file versions that a mail about damage names.
pub const NAMED_IN_MAIL: usize = 20;
/// Pause before a failed report is retried.
const AGAIN: Duration = Duration::from_secs(30);

/// A version of a file whose bytes are damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedVersion {
    /// Id of the file.
    pub file: String,
    /// Its folder and name.
    pub path: String,
    /// Number of the version.
    pub version: u64,
    /// SHA-256 of the original bytes.
    pub sha256: String,
}

impl Host {
    /// Reports damage as it is found, until the host stops.
    pub(super) async fn run_damage(self: Arc<Self>) {
        loop {
            let found = tokio::select! {
                () = self.stop.cancelled() => return,
                found = self.parts().blobs.damage() => found,
            };
            for sha256 in found {
                self.metrics().blobs_damaged.add(1);
                while let Err(error) = self.report_damage(&sha256).await {
                    tracing::error!(sha256, %error, "damage could not be reported; this will be retried");
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(AGAIN) => {}
                    }
                }
            }
        }
    }

    /// Mails each administrator, at most once a day about the same blob.
    async fn report_damage(&self, sha256: &str) -> Result<(), HostError> {
        let versions = self.versions_with(&BTreeSet::from([sha256.to_owned()])).await?;
        let now = self.now();
        let key = format!("damaged:{sha256}:{}", now.to_zoned(TimeZone::UTC).date());
        let subject = "A stored file is damaged";
        let text = damage_words(subject, sha256, &versions);
        let to = [format!("role:{}", roles::ADMIN)];
        let mut writes = Vec::new();
        for mail in self.mail_each(&RunId::from(""), &key, &to, subject, &text, now) {
            if self.parts().store.mail(&mail.id).await?.is_none() {
                writes.push(Write::PutMail(OutboxMail { run: None, ..mail }));
            }
        }
        if !writes.is_empty() {
            self.commit_alone(writes).await?;
            self.mails_queued.notify_one();
        }
        Ok(())
    }

    /// Versions of files whose bytes are in quarantine, by file.
    pub async fn damaged_versions(&self) -> Result<Vec<DamagedVersion>, HostError> {
        let quarantined = self.parts().blobs.quarantined().await.map_err(blob_error)?;
        let mut hashes = BTreeSet::new();
        for blob in quarantined {
            if !self.parts().blobs.has(&blob.sha256) {
                hashes.insert(blob.sha256);
            }
        }
        self.versions_with(&hashes).await
    }

    /// Every version of a file whose bytes have one of these hashes.
    async fn versions_with(&self, hashes: &BTreeSet<String>) -> Result<Vec<DamagedVersion>, HostError> {
        let mut found = Vec::new();
        if hashes.is_empty() {
            return Ok(found);
        }
        let mut after = None;
        loop {
            let files = self.parts().store.all_files(after.as_ref(), FILES).await?;
            for file in &files {
                let meant = file.versions.iter().filter(|version| hashes.contains(&version.sha256));
                found.extend(meant.map(|version| DamagedVersion {
                    file: file.id.to_string(),
                    path: crate::space::names::path(&file.folder, &file.name),
                    version: version.number,
                    sha256: version.sha256.clone(),
                }));
            }
            if files.len() < FILES {
                return Ok(found);
            }
            after = files.into_iter().last().map(|file| file.id);
        }
    }

    /// Removes blobs to which no file version refers.
    pub(super) async fn sweep_blobs(&self, which: Candidates) -> Result<(), HostError> {
        let blobs = &self.parts().blobs;
        let mut orphans = blobs.candidates(which).await.map_err(blob_error)?;
        let mut after = None;
        while !orphans.is_empty() {
            let files = self.parts().store.all_files(after.as_ref(), FILES).await?;
            for version in files.iter().flat_map(|file| &file.versions) {
                orphans.remove(&version.sha256);
            }
            if files.len() < FILES {
                break;
            }
            after = files.into_iter().last().map(|file| file.id);
        }
        let removed = blobs.remove_orphans(orphans).await.map_err(blob_error)?;
        if removed.blobs > 0 {
            tracing::info!(
                blobs = removed.blobs,
                bytes = removed.bytes,
                "removed bytes that no file refers to"
            );
        }
        Ok(())
    }
}

/// The text of the mail about damage.
fn damage_words(subject: &str, sha256: &str, versions: &[DamagedVersion]) -> String {
    let mut text = format!("{subject}\n\n");
    for one in versions.iter().take(NAMED_IN_MAIL) {
        text.push_str(&format!("{}, version {} ({})\n", one.path, one.version, one.file));
    }
    if versions.len() > NAMED_IN_MAIL {
        text.push_str(&format!("and {} more versions\n", versions.len() - NAMED_IN_MAIL));
    }
    text.push_str(&format!(
        "SHA-256: {sha256}\n\nThe damaged bytes were moved to blobs/quarantine in the data folder and are not sent to anybody. \
         Upload the same file again, or copy its blob from a backup. Check the disk: other files may be damaged too.\n"
    ));
    text
}
