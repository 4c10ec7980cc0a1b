//! Bindings of secrets: which flows may use them, and which hosts they may go to.
//!
//! An administrator writes them into `gatefold.toml`. Lint and the deploy gate ask here, and so does every call that a
//! run makes.

use super::rights::{FlowRight, Reach};
use std::collections::{BTreeMap, BTreeSet};

/// What the name of a webhook's earlier secret ends with, while the sender changes to the new one.
pub const PREVIOUS: &str = "_PREVIOUS";

/// Where an administrator lets a secret go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretBinding {
    /// The flows that may use it; every flow where nothing is said.
    pub flows: Option<Vec<String>>,
    /// The hosts that may get it, with their port where that is not the usual one; every host that is accepted when the
    /// flow is deployed where nothing is said.
    pub hosts: Option<Vec<String>>,
}

/// Where the secrets of an installation may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretRules {
    /// Where each secret may go, by name.
    pub bindings: BTreeMap<String, SecretBinding>,
    /// Names of secrets of the server itself, which no flow may use.
    pub reserved: BTreeSet<String>,
}

/// Why a flow may not have a right to a secret, whoever accepts it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefusal {
    /// It is a secret of the server itself.
    #[error("the secret {name} belongs to the server itself, and no flow can use it")]
    Reserved {
        /// The secret.
        name: String,
    },
    /// It is bound to other flows.
    #[error("flow {flow} may not use the secret {name}")]
    Flow {
        /// The secret.
        name: String,
        /// The flow.
        flow: String,
    },
    /// It is bound to other hosts.
    #[error("the secret {name} may not be sent to {host}")]
    Host {
        /// The secret.
        name: String,
        /// The host.
        host: String,
    },
    /// It is bound to hosts, and is to be used inside the server.
    #[error("the secret {name} is bound to hosts, and cannot be used for a link or a webhook")]
    Inside {
        /// The secret.
        name: String,
    },
}

impl SecretRefusal {
    /// What can be done about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Reserved { .. } | Self::Inside { .. } => "use another secret".to_owned(),
            Self::Flow { name, .. } => {
                format!(
                    "an administrator can name the flow under [secrets.{name}] flows in gatefold.toml and restart the server"
                )
            }
            Self::Host { name, .. } => {
                format!(
                    "an administrator can name the host under [secrets.{name}] hosts in gatefold.toml and restart the server"
                )
            }
        }
    }
}

impl SecretRules {
    /// Why the flow may not have this right, whoever accepts it.
    pub fn forbids(&self, flow: &str, right: &FlowRight) -> Option<SecretRefusal> {
        match right {
            FlowRight::Secret { name, host } => {
                let host = match host {
                    Reach::Only(host) => Some(host.as_str()),
                    // it is looked at again when the call is made
                    Reach::Any => None,
                };
                self.flow_forbidden(flow, name)
                    .or_else(|| self.host_forbidden(name, host?))
            }
            FlowRight::SecretInside { name } => self.flow_forbidden(flow, name).or_else(|| self.inside_forbidden(name)),
            _ => None,
        }
    }

    fn binding(&self, name: &str) -> Option<&SecretBinding> {
        let base = name.strip_suffix(PREVIOUS).and_then(|base| self.bindings.get(base));
        self.bindings.get(name).or(base)
    }

    fn flow_forbidden(&self, flow: &str, name: &str) -> Option<SecretRefusal> {
        let (name, flow) = (name.to_owned(), flow.to_owned());
        if self.reserved.contains(&name) {
            return Some(SecretRefusal::Reserved { name });
        }
        let flows = self.binding(&name)?.flows.as_ref()?;
        (!flows.contains(&flow)).then_some(SecretRefusal::Flow { name, flow })
    }

    fn host_forbidden(&self, name: &str, host: &str) -> Option<SecretRefusal> {
        let hosts = self.binding(name)?.hosts.as_ref()?;
        (!hosts.iter().any(|one| one == host)).then(|| SecretRefusal::Host {
            name: name.to_owned(),
            host: host.to_owned(),
        })
    }

    fn inside_forbidden(&self, name: &str) -> Option<SecretRefusal> {
        self.binding(name)?.hosts.as_ref()?;
        Some(SecretRefusal::Inside { name: name.to_owned() })
    }
}
