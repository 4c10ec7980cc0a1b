//! Why the host did not do what it was asked, by what the caller can do about it.

use crate::base::Diagnostic;
use crate::base::id::RunId;
use crate::engine::{Obstacle, Refusal};
use crate::space::Denial;
use crate::store::StoreError;

/// Why the host did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// There is no such thing, or it is not for the caller to know.
    #[error("there is no {0}")]
    NotFound(String),
    /// The flow has findings that keep it from being deployed.
    #[error("the flow is not fit to be deployed: {}", counted(findings))]
    Findings {
        /// All of them, warnings included.
        findings: Vec<Diagnostic>,
    },
    /// An input is missing or wrong: its name, what was wrong.
    #[error("{}", problems.iter().map(|(name, why)| format!("input {name}: {why}")).collect::<Vec<_>>().join("; "))]
    BadInputs {
        /// Every one.
        problems: Vec<(String, String)>,
    },
    /// A setting is missing or wrong: its name, what was wrong.
    #[error("{}", problems.iter().map(|(name, why)| format!("setting {name}: {why}")).collect::<Vec<_>>().join("; "))]
    BadSettings {
        /// Every one.
        problems: Vec<(String, String)>,
    },
    /// A run cannot go on by another version of its flow.
    #[error("run {run} cannot go on by version {version}: {}", obstacles.iter().map(|one| format!("{}: {}", one.place, one.why)).collect::<Vec<_>>().join("; "))]
    Incompatible {
        /// The run.
        run: RunId,
        /// The version.
        version: String,
        /// Every reason.
        obstacles: Vec<Obstacle>,
    },
    /// What was sent is wrong, in words for the sender.
    #[error("{0}")]
    Invalid(String),
    /// The run refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules of the file space refused.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The link wants a password, or another one.
    #[error("{}", if *.wrong { "the password is wrong" } else { "the link needs a password" })]
    PasswordNeeded {
        /// Whether one was given.
        wrong: bool,
    },
    /// The link wants a code that is sent by mail, or another one.
    #[error("{}", if *.wrong { "the code is wrong, or good no longer" } else { "the link needs a code that is sent by mail" })]
    CodeNeeded {
        /// Whether one was given.
        wrong: bool,
    },
    /// Too many tries.
    #[error("too many tries: wait {seconds} seconds")]
    TooMany {
        /// Seconds to wait.
        seconds: u64,
    },
    /// A key that stands for one request came with another one.
    #[error("this {name} came before with another request: repeat that request as it was, or choose a new {name}")]
    KeyReused {
        /// What people call the key.
        name: &'static str,
    },
    /// It is in a state that forbids it.
    #[error("{0}")]
    Conflict(String),
    /// The upload is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something stored cannot be read.
    #[error("{what}: {why}")]
    Damaged {
        /// What: a run, a deployment.
        what: String,
        /// Why.
        why: String,
    },
    /// The server's disk cannot store or read files at present.
    #[error("the server cannot use its disk for files now, so nothing was changed ({0}): repeat the request later")]
    DiskFailed(String),
    /// The bytes of a file are missing or damaged.
    #[error(
        "the bytes of this file are {how} on the server, so it cannot be downloaded: upload the same file again, or \
         restore it from a backup"
    )]
    BytesLost {
        /// SHA-256 of the original bytes, in hexadecimal.
        sha256: String,
        /// `missing` or `damaged`.
        how: &'static str,
    },
    /// The host is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl HostError {
    /// Whether what was asked for was refused, so that surely nothing was changed.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotFound(_)
                | Self::Invalid(_)
                | Self::Conflict(_)
                | Self::TooLarge(_)
                | Self::KeyReused { .. }
                | Self::Denied(_)
        )
    }
}

/// As `1 finding`.
fn counted(findings: &[Diagnostic]) -> String {
    let noun = if findings.len() == 1 { "finding" } else { "findings" };
    format!("{} {noun}", findings.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Span, codes};

    #[test]
    fn one_finding_is_one() {
        let said = |count: usize| {
            let finding = Diagnostic::error(codes::YAML_SYNTAX, "x", Span::default());
            let findings = vec![finding; count];
            HostError::Findings { findings }.to_string()
        };
        assert!(said(1).ends_with(": 1 finding"), "{}", said(1));
        assert!(said(2).ends_with(": 2 findings"), "{}", said(2));
    }
}
