//! Names of things, each its own type so that one cannot be taken for another.
//!
//! Ids are opaque text with a prefix that tells a person what they name: `run_…`, `shr_…`.
//! The pure half never draws one; it receives them or derives them from a key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// What every id of this kind begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id that `key` always leads to, so that doing a thing twice names it once.
            pub fn derived(key: &str) -> Self {
                Self(derive($prefix, key))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

id!(/// One execution of a flow.
    RunId, "run");
id!(/// A piece of work for people.
    TaskId, "tsk");
id!(/// Something that happened, as delivered to runs.
    EventId, "evt");
id!(/// A place that holds folders and files.
    WorkspaceId, "wsp");
id!(/// A file with all its versions.
    FileId, "fil");
id!(/// A share of files with people.
    ShareId, "shr");
id!(/// The right of one party in one share.
    GrantId, "grt");
id!(/// A remark on a share or a file.
    CommentId, "cmt");
id!(/// A mail to be sent.
    MailId, "mal");

/// `PREFIX_` and 128 bits of the SHA-256 of `PREFIX:key`, in hexadecimal.
pub fn derive(prefix: &str, key: &str) -> String {
    let digest = Sha256::digest(format!("{prefix}:{key}").as_bytes());
    format!("{prefix}_{}", hex(&digest[..16]))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            use fmt::Write;
            write!(text, "{byte:02x}").expect("writing to a string succeeds");
            text
        })
}
