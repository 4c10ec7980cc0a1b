//! Rights of a flow: everything outside its own run that it may use.
//!
//! A version of a flow acts with the rights that were accepted when it was deployed, not with those
//! of the person who started the run. The rights are computed from the text of the flow alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Describes the value of a right when the flow computes it from data.
pub const ANY_VALUE: &str = "any value given at run time";

/// Id of the main workspace. Its folders are written without the name of a workspace in front.
pub const MAIN: &str = "wsp_main";

/// The value that a right covers: one literal from the text, or any value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Option<String>", into = "Option<String>")]
#[schemars(with = "Option<String>")]
pub enum Reach {
    /// Only this value.
    Only(String),
    /// Any value given at run time.
    Any,
}

/// One right of a flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FlowRight {
    /// Sends a secret to a host.
    Secret {
        /// The secret.
        name: String,
        /// The host, with its port unless it is the default one.
        host: Reach,
    },
    /// Uses a secret inside the server: as the password of a link, or to check webhook signatures.
    SecretInside {
        /// The secret.
        name: String,
    },
    /// Calls a host.
    Call {
        /// The host, with its port unless it is the default one.
        host: Reach,
    },
    /// Uses files of a folder although nobody gave them to the run.
    Read {
        /// The folder, as `/contracts`, or `WORKSPACE:/contracts` outside the main workspace.
        folder: Reach,
    },
    /// Puts files into a folder.
    Write {
        /// The folder, as for `read`.
        folder: Reach,
    },
    /// Sends files, tasks or mails to somebody who is not in the directory.
    Recipient {
        /// A mail address, or `anyone`.
        who: Reach,
    },
    /// Starts runs of another flow.
    Start {
        /// The other flow.
        flow: String,
    },
    /// Starts when runs of another flow end, and receives their outputs.
    Follow {
        /// The other flow.
        flow: String,
    },
    /// Publishes an event, which may start other flows.
    Emit {
        /// The type of the event.
        event: Reach,
    },
    /// Changes shares and workspaces that other runs made.
    OthersShares,
    /// Shares versions of its files that nobody gave to the run, whoever stores them: `follow: newest`.
    NewerVersions,
}

/// The rights of one version of a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FlowRights(pub BTreeSet<FlowRight>);

impl From<Option<String>> for Reach {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Any, Self::Only)
    }
}

impl From<Reach> for Option<String> {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Only(value) => Some(value),
            Reach::Any => None,
        }
    }
}

impl Reach {
    /// Only this value.
    pub fn only(value: impl Into<String>) -> Self {
        Self::Only(value.into())
    }

    fn has(&self, value: &str) -> bool {
        match self {
            Self::Only(one) => one == value,
            Self::Any => true,
        }
    }

    /// Whether it is the folder `value` or a folder above it, and therefore includes it.
    fn has_folder(&self, value: &str) -> bool {
        match self {
            Self::Only(folder) => value
                .strip_prefix(folder.trim_end_matches('/'))
                .is_some_and(|below| below.is_empty() || below.starts_with('/')),
            Self::Any => true,
        }
    }

    fn includes(&self, other: &Self, has: impl Fn(&Self, &str) -> bool) -> bool {
        match other {
            Self::Only(value) => has(self, value),
            Self::Any => *self == Self::Any,
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only(value) => f.write_str(value),
            Self::Any => f.write_str(ANY_VALUE),
        }
    }
}

impl fmt::Display for FlowRight {
    /// Describes the right for the person who accepts it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { name, host } => write!(f, "send the secret {name} to the host: {host}"),
            Self::SecretInside { name } => write!(f, "use the secret {name} for a link's password or a webhook"),
            Self::Call { host } => write!(f, "call the host: {host}"),
            Self::Read { folder } => write!(f, "use files of the folder: {folder}"),
            Self::Write { folder } => write!(f, "put files into the folder: {folder}"),
            Self::Recipient { who: Reach::Only(who) } if who == "anyone" => {
                f.write_str("share with anyone who has the link")
            }
            Self::Recipient { who } => write!(f, "send to a recipient outside the directory: {who}"),
            Self::Start { flow } => write!(f, "start runs of the flow: {flow}"),
            Self::Follow { flow } => write!(f, "receive the outputs of runs of the flow: {flow}"),
            Self::Emit { event } => write!(f, "publish an event, which may start other flows: {event}"),
            Self::OthersShares => f.write_str("change shares and workspaces that other runs made"),
            Self::NewerVersions => f.write_str("share newer versions of its files, whoever stores them"),
        }
    }
}

impl FlowRight {
    /// Whether this right includes `other`.
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret { name, host }, Self::Secret { name: other, host: to }) => {
                name == other && host.includes(to, Reach::has)
            }
            (Self::Call { host: one }, Self::Call { host: other })
            | (Self::Recipient { who: one }, Self::Recipient { who: other })
            | (Self::Emit { event: one }, Self::Emit { event: other }) => one.includes(other, Reach::has),
            (Self::Read { folder: one }, Self::Read { folder: other })
            | (Self::Write { folder: one }, Self::Write { folder: other }) => one.includes(other, Reach::has_folder),
            (one, other) => one == other,
        }
    }
}

impl FlowRights {
    /// Rights to everything except secrets and other flows, for tests of actions.
    pub fn everything() -> Self {
        Self(BTreeSet::from([
            FlowRight::Call { host: Reach::Any },
            FlowRight::Read { folder: Reach::Any },
            FlowRight::Write { folder: Reach::Any },
            FlowRight::Recipient { who: Reach::Any },
            FlowRight::Emit { event: Reach::Any },
            FlowRight::OthersShares,
            FlowRight::NewerVersions,
        ]))
    }

    /// Whether one of these rights includes `right`.
    pub fn include(&self, right: &FlowRight) -> bool {
        self.0.contains(right) || self.0.iter().any(|one| one.includes(right))
    }

    /// The rights in `self` that `before` does not include.
    pub fn beyond(&self, before: &Self) -> Vec<FlowRight> {
        self.0.iter().filter(|right| !before.include(right)).cloned().collect()
    }
}

/// A difference between a version of a flow and the accepted one, for the person who accepts the
/// version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum FlowChange {
    /// The version has an additional right.
    RightAdded {
        /// The right.
        right: FlowRight,
    },
    /// An approval was removed.
    ApprovalRemoved {
        /// The step that asked.
        step: String,
    },
    /// A key of an approval has changed.
    ApprovalChanged {
        /// The step that asks.
        step: String,
        /// The key of the step that is different.
        key: String,
        /// The value before.
        before: String,
        /// The value now.
        after: String,
    },
    /// An action no longer waits for an approval.
    ApprovalBypassed {
        /// The step that asks for the approval.
        step: String,
        /// The name of the action.
        action: String,
    },
    /// An action uses a document other than the approved one.
    OtherDocument {
        /// The step that asks for the approval.
        step: String,
        /// The name of the action.
        action: String,
    },
    /// A guarantee was removed.
    GuaranteeRemoved {
        /// The guarantee.
        guarantee: String,
    },
    /// The version no longer has a right.
    RightRemoved {
        /// The right.
        right: FlowRight,
    },
}

impl FlowChange {
    /// Whether the change makes a deployment risky, so that a second person may have to accept it.
    pub const fn is_risky(&self) -> bool {
        !matches!(self, Self::RightRemoved { .. })
    }
}

impl fmt::Display for FlowChange {
    /// Describes the change for the person who accepts the version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| {
            if text.is_empty() {
                "nothing".to_owned()
            } else {
                format!("`{text}`")
            }
        };
        match self {
            Self::RightAdded { right } => write!(f, "adds a right: {right}"),
            Self::RightRemoved { right } => write!(f, "removes a right: {right}"),
            Self::ApprovalRemoved { step } => write!(f, "removes the approval `{step}`"),
            Self::ApprovalChanged {
                step,
                key,
                before,
                after,
            } => write!(
                f,
                "changes the approval `{step}`: {key} was {} and is {}",
                quoted(before),
                quoted(after)
            ),
            Self::ApprovalBypassed { step, action } => {
                write!(f, "calls {action} without waiting for the approval `{step}`")
            }
            Self::OtherDocument { step, action } => {
                write!(
                    f,
                    "calls {action} with a document other than the one that `{step}` approved"
                )
            }
            Self::GuaranteeRemoved { guarantee } => write!(f, "removes the guarantee `{guarantee}`"),
        }
    }
}

/// Which deployments wait for a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// None.
    Off,
    /// Risky deployments: those that add a right, or remove or weaken an approval or a guarantee.
    Risky,
    /// All.
    All,
}

/// A folder as rights name it.
pub fn folder_name(workspace: &str, folder: &str) -> String {
    if workspace == MAIN {
        folder.to_owned()
    } else {
        format!("{workspace}:{folder}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: Reach) -> FlowRight {
        FlowRight::Read { folder }
    }

    #[test]
    fn a_folder_includes_what_lies_below_it_and_nothing_beside_it() {
        let have = read(Reach::only("/legal"));
        for (folder, is_included) in [
            ("/legal", true),
            ("/legal/2026", true),
            ("/legal-other", false),
            ("/", false),
            ("wsp_1:/legal", false),
        ] {
            assert_eq!(have.includes(&read(Reach::only(folder))), is_included, "{folder}");
        }
        assert!(!have.includes(&read(Reach::Any)));
        assert!(read(Reach::only("/")).includes(&have));
        assert!(read(Reach::Any).includes(&have) && read(Reach::Any).includes(&read(Reach::Any)));
    }

    #[test]
    fn reading_is_not_writing_and_a_secret_goes_to_its_host_alone() {
        let host = |host: &str| Reach::only(host);
        let secret = |name: &str, host| FlowRight::Secret {
            name: name.to_owned(),
            host,
        };
        let have = secret("ERP", host("erp.example"));
        assert!(have.includes(&secret("ERP", host("erp.example"))));
        assert!(!have.includes(&secret("ERP", host("evil.example"))));
        assert!(!have.includes(&secret("CRM", host("erp.example"))));
        assert!(!have.includes(&secret("ERP", Reach::Any)));
        let write = FlowRight::Write { folder: Reach::Any };
        assert!(!write.includes(&read(Reach::only("/a"))));
    }

    #[test]
    fn only_what_was_not_included_before_is_added() {
        let of = |rights: &[FlowRight]| FlowRights(rights.iter().cloned().collect());
        let before = of(&[read(Reach::only("/a")), FlowRight::Call { host: Reach::Any }]);
        let call = FlowRight::Call {
            host: Reach::only("x.example"),
        };
        let after = of(&[read(Reach::only("/a/b")), call, read(Reach::only("/c"))]);
        assert_eq!(after.beyond(&before), [read(Reach::only("/c"))]);
        assert_eq!(before.beyond(&before), []);
    }

    #[test]
    fn a_computed_value_is_told_in_these_words() {
        let right = FlowRight::Recipient { who: Reach::Any };
        assert!(right.to_string().ends_with("any value given at run time"), "{right}");
    }

    #[test]
    fn rights_are_stored_as_data_and_read_back() {
        let rights = FlowRights::everything();
        let json = serde_json::to_string(&rights).unwrap();
        assert_eq!(serde_json::from_str::<FlowRights>(&json).unwrap(), rights);
        let call = FlowRight::Call {
            host: Reach::only("erp.example"),
        };
        assert_eq!(
            serde_json::to_string(&call).unwrap(),
            r#"{"kind":"call","host":"erp.example"}"#
        );
    }
}
