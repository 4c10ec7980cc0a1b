//! Decides which versions of which files somebody may read. Every route that returns bytes uses
//! this.
//!
//! Invariant: access to one version of a file never includes access to another version.

use super::{File, Follow, Share, SharedVersion, Version};
use crate::base::Timestamp;
use crate::base::id::FileId;
use std::collections::BTreeSet;

impl SharedVersion {
    /// A version of a file.
    pub fn new(file: &File, version: &Version) -> Self {
        Self {
            file: file.id.clone(),
            version: version.number,
        }
    }
}

impl Share {
    /// The ids of the files in the share, without repetition, in the order in which they were
    /// added.
    pub fn file_ids(&self) -> Vec<&FileId> {
        let mut seen = BTreeSet::new();
        let files = self.files.iter().map(|shared| &shared.file);
        files.filter(|file| seen.insert(file.as_str())).collect()
    }

    /// Whether the share holds a version of the file.
    pub fn holds(&self, file: &FileId) -> bool {
        self.files.iter().any(|shared| shared.file == *file)
    }

    /// Whether a link into the share may read this version.
    pub fn reaches(&self, file: &File, version: &Version) -> bool {
        match self.follow {
            Follow::Exact => {
                let is_it = |shared: &SharedVersion| shared.file == file.id && shared.version == version.number;
                self.files.iter().any(is_it)
            }
            Follow::Newest => self.holds(&file.id) && version.number == file.current().number,
        }
    }

    /// The version that a link into the share may read: the one that is `asked` for, or else the
    /// newest.
    pub fn version_of<'f>(&self, file: &'f File, asked: Option<u64>) -> Option<&'f Version> {
        newest(file, asked, |version| self.reaches(file, version))
    }

    /// The file of which an upload called `name` becomes a new version: the one of `files` that is
    /// in the share and has that name. Any other upload becomes a new file, even if the folder has
    /// a file of that name.
    pub fn target_of<'f>(&self, files: &'f [File], name: &str) -> Option<&'f File> {
        files.iter().find(|file| self.holds(&file.id) && file.name == name)
    }

    /// Adds a version that was uploaded through the share.
    pub fn add(&mut self, shared: SharedVersion) {
        if !self.files.contains(&shared) {
            self.files.push(shared);
        }
    }
}

/// The read permissions of a person in the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaffReader {
    /// The person, as `user:anna`.
    pub person: String,
    /// Whether they have left: they read nothing.
    pub has_left: bool,
    /// Up to when an earlier person had their user name. What that one uploaded is not theirs.
    pub since: Option<Timestamp>,
    /// Whether they look after the installation, so that they read everything.
    pub is_operator: bool,
    /// The versions about which open tasks ask them.
    pub asked: BTreeSet<SharedVersion>,
    /// SHA-256 of the versions on which they decided.
    pub decided: BTreeSet<String>,
}

impl StaffReader {
    /// Whether the person may read this version. Having stored one version does not allow reading
    /// another.
    pub fn may_read(&self, file: &File, version: &Version) -> bool {
        let is_theirs = version.by == self.person && self.is_about_them(version.at);
        let may_read = self.is_operator
            || is_theirs
            || self.asked.contains(&SharedVersion::new(file, version))
            || self.decided.contains(&version.sha256);
        may_read && !self.has_left
    }

    /// Whether what names them, and was written at `at`, means them and not an earlier person of their user name.
    pub fn is_about_them(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at > since)
    }

    /// The version for the person: the one that is `asked` for if they may read it, or else the
    /// newest one that they may read.
    pub fn version_of<'f>(&self, file: &'f File, asked: Option<u64>) -> Option<&'f Version> {
        newest(file, asked, |version| self.may_read(file, version))
    }
}

fn newest(file: &File, asked: Option<u64>, is_reached: impl Fn(&Version) -> bool) -> Option<&Version> {
    let mut versions = file.versions.iter().rev();
    versions.find(|version| asked.is_none_or(|asked| asked == version.number) && is_reached(version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Content;
    use crate::space::testing::{at, share};

    /// Three versions: by anna, by the outsider eve, by ben.
    fn file(id: &str) -> File {
        let content = |sha256: &str| Content {
            sha256: sha256.into(),
            size: 3,
            media_type: "text/plain".into(),
        };
        let (workspace, folder, name) = ("wsp_main".into(), "/".into(), format!("{id}.txt"));
        File::create(id.into(), workspace, folder, name, content("aa"), "user:anna", at(0))
            .with_version(content("bb"), "email:eve@example.com", at(1))
            .with_version(content("cc"), "user:ben", at(2))
    }

    fn shared(file: &str, version: u64) -> SharedVersion {
        SharedVersion {
            file: file.into(),
            version,
        }
    }

    fn holding(files: &[(&str, u64)], follow: Follow) -> Share {
        Share {
            files: files.iter().map(|(file, version)| shared(file, *version)).collect(),
            follow,
            ..share()
        }
    }

    #[test]
    fn a_link_reaches_the_versions_of_its_share_and_no_other() {
        use Follow::{Exact, Newest};
        /// The contents of a share, and which of the three versions a link into it may read.
        struct Row {
            what: &'static str,
            held: &'static [(&'static str, u64)],
            follow: Follow,
            reached: [bool; 3],
            newest: Option<u64>,
        }
        let row = |what, held, follow, reached, newest| Row {
            what,
            held,
            follow,
            reached,
            newest,
        };
        let none = [false, false, false];
        let table = [
            row("nothing", &[], Exact, none, None),
            row("the first", &[("a", 1)], Exact, [true, false, false], Some(1)),
            row("the middle one", &[("a", 2)], Exact, [false, true, false], Some(2)),
            row(
                "two of three",
                &[("a", 3), ("a", 1)],
                Exact,
                [true, false, true],
                Some(3),
            ),
            row("another file", &[("b", 1), ("b", 2), ("b", 3)], Exact, none, None),
            row("the newest", &[("a", 1)], Newest, [false, false, true], Some(3)),
            row("the newest of another file", &[("b", 1)], Newest, none, None),
        ];
        let file = file("a");
        for Row {
            what,
            held,
            follow,
            reached,
            newest,
        } in table
        {
            let share = holding(held, follow);
            for (version, expected) in file.versions.iter().zip(reached) {
                assert_eq!(share.reaches(&file, version), expected, "{what}: {}", version.number);
                let asked = share.version_of(&file, Some(version.number));
                assert_eq!(asked.is_some(), expected, "{what}: {}", version.number);
            }
            let found = share.version_of(&file, None).map(|version| version.number);
            assert_eq!(found, newest, "{what}");
            assert_eq!(share.version_of(&file, Some(4)), None, "{what}");
        }
    }

    #[test]
    fn an_upload_becomes_a_version_of_a_shared_file_alone() {
        let files = [file("a"), file("b")];
        let share = holding(&[("b", 2)], Follow::Exact);
        let target = |name: &str| share.target_of(&files, name).map(|file| file.id.as_str());
        assert_eq!(target("b.txt"), Some("b"));
        assert_eq!(target("a.txt"), None, "it lies in the folder, and not in the share");
        assert_eq!(target("B.txt"), None);
    }

    #[test]
    fn a_version_is_added_once_and_a_file_is_listed_once() {
        let mut share = holding(&[("a", 1), ("b", 1)], Follow::Exact);
        for version in [2, 2, 3] {
            share.add(shared("a", version));
        }
        assert_eq!(share.files.len(), 4);
        assert_eq!(share.file_ids(), [&FileId::from("a"), &FileId::from("b")]);
    }

    /// Who reads, whether they read each of the three versions, and which one is the newest for them.
    type Row = (&'static str, StaffReader, [bool; 3], Option<u64>);

    fn readers() -> Vec<Row> {
        let reader = |person: &str| StaffReader {
            person: person.to_owned(),
            ..StaffReader::default()
        };
        vec![
            ("nobody", reader("user:nobody"), [false, false, false], None),
            ("who put the first", reader("user:anna"), [true, false, false], Some(1)),
            ("who put the last", reader("user:ben"), [false, false, true], Some(3)),
            (
                "who is asked about the second",
                StaffReader {
                    asked: BTreeSet::from([shared("a", 2)]),
                    ..reader("user:carla")
                },
                [false, true, false],
                Some(2),
            ),
            (
                "who is asked about another file",
                StaffReader {
                    asked: BTreeSet::from([shared("b", 2)]),
                    ..reader("user:carla")
                },
                [false, false, false],
                None,
            ),
            (
                "who decided on the first and is asked about the third",
                StaffReader {
                    asked: BTreeSet::from([shared("a", 3)]),
                    decided: BTreeSet::from(["aa".to_owned()]),
                    ..reader("user:carla")
                },
                [true, false, true],
                Some(3),
            ),
        ]
    }

    fn readers_of_another_standing() -> Vec<Row> {
        let reader = |person: &str| StaffReader {
            person: person.to_owned(),
            ..StaffReader::default()
        };
        vec![
            (
                "an operator",
                StaffReader {
                    is_operator: true,
                    ..reader("user:olga")
                },
                [true, true, true],
                Some(3),
            ),
            (
                "an operator who has left",
                StaffReader {
                    is_operator: true,
                    has_left: true,
                    ..reader("user:ben")
                },
                [false, false, false],
                None,
            ),
            (
                "the next person with the user name of who put the last",
                StaffReader {
                    since: Some(at(2)),
                    ..reader("user:ben")
                },
                [false, false, false],
                None,
            ),
            (
                "who put the last, and had a predecessor of the same user name",
                StaffReader {
                    since: Some(at(1)),
                    ..reader("user:ben")
                },
                [false, false, true],
                Some(3),
            ),
        ]
    }

    #[test]
    fn a_person_reads_what_they_put_are_asked_about_or_decided_on() {
        let file = file("a");
        for (who, reader, reads, newest) in readers().into_iter().chain(readers_of_another_standing()) {
            for (version, expected) in file.versions.iter().zip(reads) {
                assert_eq!(reader.may_read(&file, version), expected, "{who}: {}", version.number);
                let asked = reader.version_of(&file, Some(version.number));
                assert_eq!(asked.is_some(), expected, "{who}: {}", version.number);
            }
            let found = reader.version_of(&file, None).map(|version| version.number);
            assert_eq!(found, newest, "{who}");
        }
    }
}
