//! Policy that an administrator sets for flows: which deployments need approval, and where secrets
//! may be sent.
//!
//! Invariant: a secret leaves this process only in a call to a host that was accepted for the flow
//! and that the secret's binding allows, if there is one. No flow can use a secret of the server
//! itself.

use crate::base::rights::Approval;
use crate::base::secret_rules::SecretRules;
use crate::base::{FlowRight, FlowRights, Reach, Value};
use crate::connect::ActionError;
use crate::connect::hosts::host_of;
use std::collections::BTreeSet;

/// The action that sends secrets to other services.
const CALL: &str = "http.request";
/// Actions that send their input to people.
const TELLS_PEOPLE: [&str; 1] = ["mail.send"];

/// Policy that an administrator sets for flows.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Which deployments wait for a second person, if configured.
    pub approval: Option<Approval>,
    /// Where secrets may go.
    pub secrets: SecretRules,
}

impl Policy {
    /// A policy without approval and without limits, for rehearsals and tests.
    pub fn open() -> Self {
        Self {
            approval: Some(Approval::Off),
            ..Self::default()
        }
    }

    /// Which deployments wait, given whether the deployer is foreign (deploys over the API and is
    /// no administrator) and the number of administrators.
    pub fn approval_for(&self, is_foreign: bool, administrators: usize) -> Approval {
        self.approval.unwrap_or(if is_foreign || administrators > 1 {
            Approval::Risky
        } else {
            Approval::Off
        })
    }

    /// Why the flow cannot have this right even if somebody accepts it; `None` if it can.
    pub fn forbids(&self, flow: &str, right: &FlowRight) -> Option<String> {
        let refusal = self.secrets.forbids(flow, right)?;
        Some(format!("{refusal}: {}", refusal.remedy()))
    }

    /// Checks a call whose `input` already contains the secrets.
    pub(super) fn check_use(
        &self,
        flow: &str,
        rights: &FlowRights,
        action: &str,
        names: &BTreeSet<&str>,
        input: &Value,
    ) -> Result<(), ActionError> {
        for name in names {
            let needed = if action == CALL {
                let url = input.get("url").and_then(Value::as_str).unwrap_or_default();
                let host = host_of(url).ok_or_else(|| {
                    let why = "url: it has no host, so no secret can be sent to it";
                    ActionError::Permanent(why.to_owned())
                })?;
                FlowRight::Secret {
                    name: (*name).to_owned(),
                    host: Reach::Only(host),
                }
            } else {
                FlowRight::SecretInside {
                    name: (*name).to_owned(),
                }
            };
            if TELLS_PEOPLE.contains(&action) {
                let why = format!("the secret {name} cannot be used in {action}, which sends its input to people");
                return Err(ActionError::Permanent(why));
            }
            if let Some(why) = self.forbids(flow, &needed) {
                return Err(ActionError::Permanent(why));
            }
            if !rights.include(&needed) {
                return Err(ActionError::Permanent(not_accepted(flow, &needed)));
            }
        }
        Ok(())
    }
}

/// The error for a right that was not accepted when the flow was deployed.
pub(super) fn not_accepted(flow: &str, right: &FlowRight) -> String {
    format!("flow {flow} has no accepted right to {right}: deploy a version that names it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret_rules::SecretBinding;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn policy(binding: SecretBinding) -> Policy {
        Policy {
            secrets: SecretRules {
                bindings: BTreeMap::from([("ERP".to_owned(), binding)]),
                reserved: BTreeSet::from(["SMTP_PASSWORD".to_owned()]),
            },
            ..Policy::default()
        }
    }

    fn bound(flows: &[&str], hosts: &[&str]) -> Policy {
        let list = |words: &[&str]| Some(words.iter().map(ToString::to_string).collect());
        policy(SecretBinding {
            flows: list(flows),
            hosts: list(hosts),
        })
    }

    fn sent(name: &str, host: Reach) -> FlowRight {
        FlowRight::Secret {
            name: name.to_owned(),
            host,
        }
    }

    /// Why a call of `orders` to `url` with the secret is refused although the flow has the right
    /// to any host.
    fn refusal(policy: &Policy, rights: &FlowRights, name: &str, url: &str) -> Option<String> {
        let names = BTreeSet::from([name]);
        let checked = policy.check_use("orders", rights, "http.request", &names, &json!({ "url": url }));
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn a_bound_secret_goes_to_its_hosts_from_its_flows_alone() {
        let any = FlowRights(BTreeSet::from([sent("ERP", Reach::Any)]));
        let policy = bound(&["orders"], &["erp.example"]);
        assert_eq!(refusal(&policy, &any, "ERP", "https://erp.example/x"), None);
        let elsewhere = refusal(&policy, &any, "ERP", "https://evil.example/x").unwrap();
        assert!(elsewhere.contains("may not be sent to evil.example"), "{elsewhere}");
        let trick = refusal(&policy, &any, "ERP", "https://erp.example@evil.example/").unwrap();
        assert!(trick.contains("may not be sent to evil.example"), "{trick}");
        let other = bound(&["others"], &["erp.example"]);
        let refused = refusal(&other, &any, "ERP", "https://erp.example/x").unwrap();
        assert!(refused.contains("flow orders may not use the secret ERP"), "{refused}");
    }

    #[test]
    fn an_unbound_secret_goes_where_its_flow_was_accepted_for() {
        let one = FlowRights(BTreeSet::from([sent("ERP", Reach::only("erp.example"))]));
        let policy = Policy::default();
        assert_eq!(refusal(&policy, &one, "ERP", "https://erp.example/x"), None);
        for url in ["https://evil.example/x", "https://erp.example:8443/x"] {
            let refused = refusal(&policy, &one, "ERP", url).unwrap();
            assert!(
                refused.contains("has no accepted right to send the secret ERP"),
                "{refused}"
            );
        }
    }

    #[test]
    fn no_flow_gets_a_secret_of_the_server() {
        let rights = FlowRights(BTreeSet::from([sent("SMTP_PASSWORD", Reach::Any)]));
        let refused = refusal(
            &policy(SecretBinding::default()),
            &rights,
            "SMTP_PASSWORD",
            "https://x.example/",
        );
        assert!(refused.unwrap().contains("belongs to the server itself"));
        let inside = FlowRight::SecretInside {
            name: "SMTP_PASSWORD".to_owned(),
        };
        assert!(policy(SecretBinding::default()).forbids("orders", &inside).is_some());
    }

    #[test]
    fn the_binding_of_a_secret_holds_for_the_one_before_it() {
        let policy = bound(&["orders"], &["erp.example"]);
        assert!(policy.forbids("others", &sent("ERP_PREVIOUS", Reach::Any)).is_some());
        assert!(policy.forbids("orders", &sent("ERP_PREVIOUS", Reach::Any)).is_none());
    }

    #[test]
    fn a_secret_for_hosts_is_for_nothing_inside_the_server() {
        let inside = FlowRight::SecretInside { name: "ERP".to_owned() };
        assert!(
            bound(&["orders"], &["erp.example"])
                .forbids("orders", &inside)
                .is_some()
        );
        assert!(policy(SecretBinding::default()).forbids("orders", &inside).is_none());
    }

    #[test]
    fn a_secret_is_not_sent_to_people() {
        let rights = FlowRights(BTreeSet::from([FlowRight::SecretInside { name: "ERP".to_owned() }]));
        let names = BTreeSet::from(["ERP"]);
        let checked = Policy::open().check_use("orders", &rights, "mail.send", &names, &json!({}));
        assert!(checked.unwrap_err().to_string().contains("sends its input to people"));
    }

    #[test]
    fn deployments_wait_where_somebody_could_look_at_them() {
        let default = Policy::default();
        assert_eq!(default.approval_for(false, 1), Approval::Off);
        assert_eq!(default.approval_for(true, 1), Approval::Risky);
        assert_eq!(default.approval_for(false, 2), Approval::Risky);
        let off = Policy::open();
        assert_eq!(off.approval_for(true, 2), Approval::Off);
    }
}
