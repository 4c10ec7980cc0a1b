//! Records for tests.

use super::{Content, File, Follow, Grant, Principal, Role, Share, SharedVersion, State};
use crate::base::Timestamp;

/// So many seconds after an arbitrary moment.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("in range")
}

/// A live share that ends after 1000 seconds.
pub(crate) fn share() -> Share {
    Share {
        id: "shr_a".into(),
        name: "Review".into(),
        workspace: "wsp_main".into(),
        folder: "/shares/a".into(),
        files: vec![SharedVersion {
            file: "fil_a".into(),
            version: 1,
        }],
        follow: Follow::Exact,
        expires_at: at(1000),
        state: State::Live,
        downloaded: Vec::new(),
        has_ended_with_run: false,
        request: None,
        created_by: "run:run_a".into(),
        created_at: at(0),
        run: Some("run_a".into()),
        rev: 1,
    }
}

/// A live grant in it.
pub(crate) fn grant() -> Grant {
    Grant {
        id: "grt_a".into(),
        share: "shr_a".into(),
        to: Principal::Email("eve@example.com".into()),
        through: None,
        role: Role::View,
        token_hash: "00".into(),
        password_hash: None,
        failed_passwords: 0,
        codes: None,
        expires_at: None,
        state: State::Live,
        created_at: at(0),
        opened_at: None,
        withdrawn: None,
        revocation: None,
        announced: None,
        rev: 1,
    }
}

/// A file with one version.
pub(crate) fn file() -> File {
    let content = Content {
        sha256: "aa".into(),
        size: 3,
        media_type: "text/plain".into(),
    };
    File::create(
        "fil_a".into(),
        "wsp_main".into(),
        "/".into(),
        "a.txt".into(),
        content,
        "user:anna",
        at(0),
    )
}
