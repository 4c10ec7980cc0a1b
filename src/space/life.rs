//! How the records of the space change: every function takes a record and gives the next one.
//!
//! Invariant: no function here leads from revoked or expired back to live, none changes or drops
//! a version.

use super::code::Codes;
use super::{File, Grant, Paper, Principal, Role, Share, SharedVersion, State, Version};
use crate::base::id::{FileId, GrantId, ShareId, WorkspaceId};
use crate::base::{FileRef, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Wrong passwords in a row, of all networks together, after which passwords of a link are looked at one by one and slowly.
/// It is far more than one network may try.
pub const MAX_WRONG_PASSWORDS: u32 = 100;

/// The bytes of a new version, stored already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Media type.
    pub media_type: String,
}

/// Why a file takes no new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file is locked: it takes no new version until the decision about it is made")]
pub struct Locked;

/// Why a share or a grant cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    /// Somebody ended it.
    #[error("the share has been revoked and cannot be changed")]
    Revoked,
    /// Its time is over.
    #[error("the share has expired and cannot be changed")]
    Expired,
}

/// Most files of a share, whoever put them there.
pub const MAX_SHARE_FILES: usize = 1_000;
/// Most comments in a share.
pub const MAX_SHARE_COMMENTS: usize = 1_000;
/// Most versions of one file in a share.
pub const MAX_SHARED_VERSIONS: usize = 1_000;
/// Maximum number of versions of all files in a share.
pub const MAX_VERSIONS_IN_ALL: usize = 5_000;
/// Maximum total size of all versions in a share, in bytes.
pub const MAX_SHARE_BYTES: u64 = 64 << 30;

/// What a share holds no more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Crowded {
    /// Files.
    #[error("the share has {MAX_SHARE_FILES} files, which is the limit")]
    Files,
    /// Versions of the file.
    #[error("the file has {MAX_SHARED_VERSIONS} versions, which is the limit in a share")]
    Versions,
    /// Number of versions of all files.
    #[error("the share has {MAX_VERSIONS_IN_ALL} versions of its files, which is the limit")]
    InAll,
    /// Bytes.
    #[error("the share would hold more than {} GiB", MAX_SHARE_BYTES >> 30)]
    Bytes,
    /// Comments.
    #[error("the share has {MAX_SHARE_COMMENTS} comments, which is the limit")]
    Comments,
}

/// Checks whether `share`, which has these files, accepts `size` more bytes, as a version of `onto`
/// or as a new file.
///
/// # Errors
/// What there is too much of.
pub fn has_room(share: &Share, files: &[File], onto: Option<&File>, size: u64) -> Result<(), Crowded> {
    if onto.is_none() && files.len() >= MAX_SHARE_FILES {
        return Err(Crowded::Files);
    }
    if share.files.len() >= MAX_VERSIONS_IN_ALL {
        return Err(Crowded::InAll);
    }
    if onto.is_some_and(|file| file.versions.len() >= MAX_SHARED_VERSIONS) {
        return Err(Crowded::Versions);
    }
    let shared: BTreeSet<&SharedVersion> = share.files.iter().collect();
    let is_shared = |file: &File, version: &Version| shared.contains(&SharedVersion::new(file, version));
    let versions = files.iter().flat_map(|file| {
        let versions = file.versions.iter();
        versions.filter(move |version| is_shared(file, version))
    });
    let held = versions.fold(size, |sum, version| sum.saturating_add(version.size));
    if held > MAX_SHARE_BYTES {
        return Err(Crowded::Bytes);
    }
    Ok(())
}

impl File {
    /// A file with its first version.
    pub fn create(
        id: FileId,
        workspace: WorkspaceId,
        folder: String,
        name: String,
        content: Content,
        by: &str,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            workspace,
            folder,
            name,
            versions: vec![content.into_version(1, by, at)],
            rev: 0,
        }
    }

    /// The file with one more version.
    pub fn with_version(mut self, content: Content, by: &str, at: Timestamp) -> Self {
        let number = self.current().number + 1;
        self.versions.push(content.into_version(number, by, at));
        self
    }

    /// The file, with what is known as a document of the version that was just added.
    #[must_use]
    pub fn with_paper(mut self, paper: Option<Paper>) -> Self {
        if let Some(newest) = self.versions.last_mut() {
            newest.paper = paper;
        }
        self
    }

    /// The file with the uploader of its newest version's bytes, which a run has copied.
    #[must_use]
    pub fn with_uploader(mut self, uploader: Option<String>) -> Self {
        if let Some(newest) = self.versions.last_mut() {
            newest.uploaded_by = uploader;
        }
        self
    }

    /// The file, with the knowledge that these parties put the bytes of its newest version too. `None` where it is known.
    pub fn with_putters(mut self, putters: &[String]) -> Option<Self> {
        let newest = self.versions.last_mut()?;
        let before = newest.also_by.len();
        for putter in putters {
            if newest.putters().all(|one| one != putter) {
                newest.also_by.push(putter.clone());
            }
        }
        (newest.also_by.len() > before).then_some(self)
    }

    /// The newest version.
    pub fn current(&self) -> &Version {
        self.versions.last().expect("a file has at least one version")
    }

    /// One version by its number.
    pub fn version(&self, number: u64) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The newest version as flows know it.
    pub fn reference(&self) -> FileRef {
        self.reference_to(self.current())
    }

    /// A version as flows know it.
    pub fn reference_to(&self, version: &Version) -> FileRef {
        FileRef {
            id: self.id.to_string(),
            name: self.name.clone(),
            version: version.number,
            sha256: version.sha256.clone(),
            size: version.size,
            media_type: version.media_type.clone(),
            by: Some(version.by.clone()),
        }
    }
}

impl Version {
    /// The day until which it is valid, where one was entered.
    pub fn day(&self) -> Option<&str> {
        self.paper.as_ref()?.valid_until.as_deref()
    }

    /// Who uploaded the bytes: nobody where a run made them.
    pub fn uploader(&self) -> Option<&str> {
        let own = Some(self.by.as_str()).filter(|by| !by.starts_with("run:"));
        self.uploaded_by.as_deref().or(own)
    }

    /// Everybody who put these bytes here or uploaded them, for separation of duties.
    pub fn putters(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.by).chain(&self.uploaded_by).chain(&self.also_by)
    }
}

impl Content {
    fn into_version(self, number: u64, by: &str, at: Timestamp) -> Version {
        Version {
            number,
            sha256: self.sha256,
            size: self.size,
            media_type: self.media_type,
            by: by.to_owned(),
            uploaded_by: None,
            also_by: Vec::new(),
            at,
            paper: None,
        }
    }
}

/// Download counts of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downloads {
    /// Number of files that somebody has downloaded completely.
    pub downloaded: u64,
    /// Number of files in the share.
    pub shared: u64,
}

impl Share {
    /// Why the share is over at `now`, if it is.
    pub fn over(&self, now: Timestamp) -> Option<Over> {
        match self.state {
            State::Revoked => Some(Over::Revoked),
            State::Expired => Some(Over::Expired),
            State::Live if now >= self.expires_at => Some(Over::Expired),
            State::Live => None,
        }
    }

    /// The share after one of its files was downloaded completely.
    #[must_use]
    pub fn with_downloaded(mut self, file: &FileId) -> Self {
        if !self.downloaded.contains(file) {
            self.downloaded.push(file.clone());
        }
        self
    }

    /// How many of its current files have been downloaded.
    pub fn downloads(&self) -> Downloads {
        let files: BTreeSet<&FileId> = self.files.iter().map(|shared| &shared.file).collect();
        let downloaded = files.iter().filter(|file| self.downloaded.contains(**file));
        Downloads {
            downloaded: downloaded.count() as u64,
            shared: files.len() as u64,
        }
    }

    /// The share after somebody ended it; `None` where it was over already.
    pub fn revoked(mut self) -> Option<Self> {
        (self.state == State::Live).then(|| {
            self.state = State::Revoked;
            self
        })
    }

    /// The share after its time; `None` where it is not yet over, or was before.
    pub fn expired(mut self, now: Timestamp) -> Option<Self> {
        (self.state == State::Live && now >= self.expires_at).then(|| {
            self.state = State::Expired;
            self
        })
    }
}

/// Who revoked a grant, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Who, as `user:anna`.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl GrantId {
    /// The grant of one member of a role or group in a share.
    pub fn of_member(share: &ShareId, through: &str, member: &str) -> Self {
        Self::derived(&format!("{share}:{through}:{member}"))
    }
}

impl Grant {
    /// The grant of one member that replaces this one, which a whole role or group shared.
    #[must_use]
    pub fn for_member(&self, id: GrantId, member: Principal, token_hash: String, now: Timestamp) -> Self {
        Self {
            id,
            to: member,
            through: Some(self.to.clone()),
            token_hash,
            failed_passwords: 0,
            created_at: now,
            opened_at: None,
            rev: 0,
            ..self.clone()
        }
    }

    /// The grant after it was revoked individually; `None` if it had already ended.
    pub fn revoked(self, revocation: Revocation) -> Option<Self> {
        self.ended(State::Revoked).map(|grant| Self {
            revocation: Some(revocation),
            ..grant
        })
    }

    /// The grant after it was ended together with its share; `None` where it was over already.
    pub fn ended(mut self, state: State) -> Option<Self> {
        (self.state == State::Live && state != State::Live).then(|| {
            self.state = state;
            self
        })
    }

    /// The grant with another role.
    pub fn with_role(mut self, role: Role) -> Result<Self, Over> {
        match self.state {
            State::Live => {
                self.role = role;
                Ok(self)
            }
            State::Revoked => Err(Over::Revoked),
            State::Expired => Err(Over::Expired),
        }
    }

    /// The grant after its link was opened; `None` where it had been opened before.
    pub fn opened(mut self, now: Timestamp) -> Option<Self> {
        self.opened_at.is_none().then(|| {
            self.opened_at = Some(now);
            self
        })
    }

    /// What whoever has the link must have given, as a pass of it is bound to; nothing where the link
    /// is enough.
    pub fn proof(&self) -> Option<&str> {
        match &self.codes {
            Some(_) => Some("code by mail"),
            None => self.password_hash.as_deref(),
        }
    }

    /// Whether so many wrong passwords or codes were given in a row that tries take turns from now on.
    pub fn takes_turns(&self) -> bool {
        let has_many_codes = self.codes.as_ref().is_some_and(Codes::take_turns);
        has_many_codes || self.failed_passwords >= MAX_WRONG_PASSWORDS
    }

    /// The grant after a wrong password.
    #[must_use]
    pub fn after_wrong_password(mut self) -> Self {
        self.failed_passwords = self.failed_passwords.saturating_add(1);
        self
    }

    /// The grant after the right password; `None` where nothing is to be forgotten.
    pub fn after_right_password(mut self) -> Option<Self> {
        (self.failed_passwords > 0).then(|| {
            self.failed_passwords = 0;
            self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::testing::{at, file, grant, share};
    use proptest::prelude::*;

    fn content(sha256: &str) -> Content {
        Content {
            sha256: sha256.into(),
            size: 3,
            media_type: "text/plain".into(),
        }
    }

    #[test]
    fn a_share_takes_so_much_and_no_more() {
        let named = |number: usize| {
            let mut file = file();
            file.id = FileId(format!("fil_{number}"));
            file
        };
        let holding = |files: &[File]| Share {
            files: files
                .iter()
                .flat_map(|file| file.versions.iter().map(|version| SharedVersion::new(file, version)))
                .collect(),
            ..share()
        };
        let room = |files: &[File], onto: Option<&File>, size: u64| has_room(&holding(files), files, onto, size);
        let files: Vec<File> = (0..MAX_SHARE_FILES).map(named).collect();
        assert_eq!(room(&files[1..], None, 1), Ok(()));
        assert_eq!(room(&files, None, 1), Err(Crowded::Files));
        assert_eq!(room(&files, Some(&files[0]), 1), Ok(()), "a version is no file");

        let with_versions =
            |count: usize| (1..count).fold(file(), |file, _| file.with_version(content("bb"), "x", at(5)));
        let full = with_versions(MAX_SHARED_VERSIONS);
        let nearly = with_versions(MAX_SHARED_VERSIONS - 1);
        assert_eq!(room(std::slice::from_ref(&nearly), Some(&nearly), 1), Ok(()));
        assert_eq!(
            room(std::slice::from_ref(&full), Some(&full), 1),
            Err(Crowded::Versions)
        );

        let first = file();
        let versions = (1..=MAX_VERSIONS_IN_ALL as u64).map(|version| SharedVersion {
            file: first.id.clone(),
            version,
        });
        let mut crowded = share();
        crowded.files = versions.collect();
        assert_eq!(
            has_room(&crowded, std::slice::from_ref(&first), Some(&first), 1),
            Err(Crowded::InAll)
        );
        crowded.files.pop();
        assert_eq!(
            has_room(&crowded, std::slice::from_ref(&first), Some(&first), 1),
            Ok(())
        );

        let mut large = file();
        large.versions[0].size = MAX_SHARE_BYTES - 10;
        assert_eq!(room(std::slice::from_ref(&large), None, 10), Ok(()));
        assert_eq!(room(std::slice::from_ref(&large), None, 11), Err(Crowded::Bytes));
        let shared = holding(std::slice::from_ref(&large));
        let large = large.with_version(content("bb"), "x", at(5));
        assert_eq!(
            has_room(&shared, &[large], None, 10),
            Ok(()),
            "a version that is not shared does not count"
        );
    }

    #[test]
    fn versions_are_only_added() {
        let first = file();
        let second = first
            .clone()
            .with_version(content("bb"), "email:eve@example.com", at(5));
        assert_eq!(second.versions[..1], first.versions[..]);
        assert_eq!(second.current().number, 2);
        assert_eq!(second.reference().by.as_deref(), Some("email:eve@example.com"));
        assert_eq!(second.version(1).map(|version| version.sha256.as_str()), Some("aa"));
        assert_eq!(second.version(3), None);
    }

    #[test]
    fn passwords_take_turns_after_so_many_wrong_ones_until_the_right_one() {
        let almost = (1..MAX_WRONG_PASSWORDS).fold(grant(), |grant, _| grant.after_wrong_password());
        assert!(!almost.takes_turns());
        let tried = almost.after_wrong_password();
        assert!(tried.takes_turns());
        let right = tried.after_right_password().unwrap();
        assert!(!right.takes_turns());
        assert_eq!(right.after_right_password(), None);
    }

    #[test]
    fn a_share_expires_at_its_moment_and_not_before() {
        assert_eq!(share().expired(at(999)), None);
        assert_eq!(share().over(at(999)), None);
        assert_eq!(share().over(at(1000)), Some(Over::Expired));
        assert_eq!(share().expired(at(1000)).unwrap().state, State::Expired);
    }

    #[derive(Clone, Debug)]
    enum Act {
        Revoke,
        Expire(i64),
        EndGrant(State),
        Role(Role),
        Open(i64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            Just(Act::Revoke),
            (0i64..2000).prop_map(Act::Expire),
            prop_oneof![Just(State::Live), Just(State::Revoked), Just(State::Expired)].prop_map(Act::EndGrant),
            Just(Act::Role(Role::Manage)),
            (0i64..2000).prop_map(Act::Open),
        ]
    }

    proptest! {
        #[test]
        fn what_is_over_never_lives_again(acts in proptest::collection::vec(act(), 0..20)) {
            let (mut share, mut grant) = (share(), grant());
            for act in acts {
                let (share_before, grant_before) = (share.state, grant.state);
                match act {
                    Act::Revoke => share = share.clone().revoked().unwrap_or(share),
                    Act::Expire(now) => share = share.clone().expired(at(now)).unwrap_or(share),
                    Act::EndGrant(state) => grant = grant.clone().ended(state).unwrap_or(grant),
                    Act::Role(role) => grant = grant.clone().with_role(role).unwrap_or(grant),
                    Act::Open(now) => grant = grant.clone().opened(at(now)).unwrap_or(grant),
                }
                prop_assert!(share_before == State::Live || share.state == share_before);
                prop_assert!(grant_before == State::Live || grant.state == grant_before);
            }
        }
    }
}
