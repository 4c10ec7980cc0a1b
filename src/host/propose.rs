//! Deployment approval: risky versions wait until a second person accepts them.
//!
//! Invariant: a pending version cannot be started. It becomes a deployment in the commit in which
//! an administrator other than the deployer accepts it, after the same checks as any other
//! deployment.

use super::{Host, HostError, lock};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::id::{RunId, hex};
use crate::base::rights::{Approval, FlowChange};
use crate::base::{Diagnostic, FlowRight, FlowRights, Reach, Timestamp, diagnostic};
use crate::lint::{SECRET_NOT_ALLOWED, new_rules};
use crate::people::{Directory, roles};
use crate::plan::Plan;
use crate::plan::approvals::changes;
use crate::plan::rights::rights_of;
use crate::space::names;
use crate::spec::run::order_of_version as number;
use crate::store::{Deployment, OutboxMail, StoreError, Write};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Scope of the keys for pending deployments; the key is their id.
const SCOPE: &str = "pending_deployment";
/// Maximum number of stored pending deployments, including answered ones. The oldest answered ones
/// are deleted first.
pub const MAX_PENDING: usize = 200;
/// Longest reason for a rejection, in bytes.
pub const MAX_REASON_BYTES: usize = 4_000;
/// The deployer of flows in the definitions folder.
pub const BY_SYSTEM: &str = "user:system";

/// The deployer of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployer<'d> {
    /// The deployer's name in records, such as `user:anna`.
    pub by: &'d str,
    /// Whether they deploy over the API and are not an administrator.
    pub is_foreign: bool,
    /// The address and the token of the request.
    pub origin: Origin,
}

/// The result of deploying a flow.
#[derive(Clone, Debug)]
pub enum Proposed {
    /// New runs use the version.
    Deployed(Deployment),
    /// The version waits for a second person.
    Pending(Box<Pending>),
}

/// A pending deployment: a version that waits, or waited, for a second person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Its id.
    pub id: String,
    /// The flow.
    pub flow: String,
    /// The version.
    pub version: String,
    /// The version with which it was compared; `None` if the flow is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// The name of the file, for findings.
    pub name: String,
    /// The text.
    pub source: String,
    /// Hash of the plan.
    pub hash: String,
    /// Who deployed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The differences from the version that it replaces.
    pub changes: Vec<FlowChange>,
    /// All rights of the version.
    pub rights: FlowRights,
    /// The answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<PendingAnswer>,
}

/// The answer of a second person to a pending deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAnswer {
    /// Whether it was accepted.
    pub accepted: bool,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The reason, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Pending {
    /// The state: `pending`, `accepted` or `rejected`.
    pub const fn state(&self) -> &'static str {
        match &self.answer {
            None => "pending",
            Some(answer) if answer.accepted => "accepted",
            Some(_) => "rejected",
        }
    }

    fn what(&self) -> String {
        format!("{} {}", self.flow, self.version)
    }

    fn put(&self, is_new: bool) -> Vec<Write> {
        let forget = Write::ForgetKey {
            scope: SCOPE.to_owned(),
            key: self.id.clone(),
        };
        let put = Write::Once {
            scope: SCOPE.to_owned(),
            key: self.id.clone(),
            value: serde_json::to_string(self).expect("a deployment is plain data"),
            digest: None,
            until: None,
        };
        if is_new { vec![put] } else { vec![forget, put] }
    }
}

/// A flow that passed every check and may be deployed.
struct Checked {
    plan: Plan,
    deployment: Deployment,
    /// The same version, if it is already deployed.
    same: Option<Deployment>,
    /// The version that new runs use at present.
    latest: Option<Deployment>,
    warnings: Vec<Diagnostic>,
}

impl Host {
    /// Checks a flow, and deploys it or makes it wait for a second person if it is risky.
    pub async fn propose(
        self: &Arc<Self>,
        name: &str,
        source: &str,
        deployer: Deployer<'_>,
    ) -> Result<(Proposed, Vec<Diagnostic>), HostError> {
        let _alone = self.deploying.lock().await;
        let checked = self.checked(name, source, deployer.by).await?;
        let changes = self.changes_of(&checked).await?;
        let is_risky = changes.iter().any(FlowChange::is_risky);
        let approval = self.approval_for(deployer.is_foreign);
        let waits = match approval {
            Approval::Off => false,
            Approval::Risky => is_risky,
            Approval::All => true,
        };
        if checked.same.is_some() || !waits {
            let told = self.told_deployment(deployer.by, deployer.origin, &checked.deployment, "deployed");
            let (deployment, warnings) = self.put_into_force_with(checked, deployer.by, vec![told]).await?;
            return Ok((Proposed::Deployed(deployment), warnings));
        }
        let told = self.told_deployment(deployer.by, deployer.origin, &checked.deployment, "waits");
        let (pending, warnings) = self.let_wait(name, checked, changes, told).await?;
        Ok((Proposed::Pending(Box::new(pending)), warnings))
    }

    /// Checks and deploys the flow in `source` without a second person, for rehearsals and for a
    /// person who may decide alone. Returns the deployment and its warnings. Deploying the same
    /// source again changes nothing, even if it is not the latest version. A different source under
    /// the same version, and a version lower than a deployed one, are refused.
    pub async fn deploy(&self, name: &str, source: &str, by: &str) -> Result<(Deployment, Vec<Diagnostic>), HostError> {
        let _alone = self.deploying.lock().await;
        let checked = self.checked(name, source, by).await?;
        self.put_into_force(checked, by).await
    }

    /// Which deployments wait, given whether the deployer is foreign: deploys over the API and is
    /// no administrator.
    pub fn approval_for(&self, is_foreign: bool) -> Approval {
        let administrators = administrators(&self.directory()).len();
        self.parts().policy.approval_for(is_foreign, administrators)
    }

    /// Runs every check that a deployment has to pass.
    async fn checked(&self, name: &str, source: &str, by: &str) -> Result<Checked, HostError> {
        let verdict = self.check(name, source).await?;
        let mut findings = verdict.findings;
        let Some(plan) = verdict.plan else {
            return Err(HostError::Findings { findings });
        };
        let deployment = self.deployment_of(&plan, source, by);
        let before = self.parts().store.deployments_of(&plan.flow).await?;
        let same = before.iter().find(|one| one.version == deployment.version).cloned();
        if same.as_ref().is_some_and(|same| same.hash == deployment.hash) {
            // a secret that was bound since is refused when the run uses it
            findings.retain(|finding| finding.code != SECRET_NOT_ALLOWED);
        }
        if diagnostic::has_errors(&findings) {
            return Err(HostError::Findings { findings });
        }
        if same.as_ref().is_some_and(|same| same.hash != deployment.hash) {
            return Err(HostError::Conflict(format!(
                "flow {} {} is deployed already with another text: give it a new version",
                plan.flow, plan.version
            )));
        }
        let newer = before.iter().find(|one| number(&one.version) > number(&plan.version));
        if let Some(newer) = newer.filter(|_| same.is_none()) {
            return Err(HostError::Conflict(format!(
                "flow {} {} is deployed, and new runs take the highest version: give this one a higher version than {}",
                plan.flow, newer.version, plan.version
            )));
        }
        let policy = &self.parts().policy;
        let rights = rights_of(&plan);
        let forbidden = rights.0.iter().find_map(|right| policy.forbids(&plan.flow, right));
        if let Some(why) = forbidden.filter(|_| same.is_none()) {
            return Err(HostError::Invalid(why));
        }
        let mut warnings = findings;
        if let Some(latest) = before.last().filter(|_| same.is_none()) {
            warnings.extend(new_rules(name, source, latest.semantics));
        }
        Ok(Checked {
            deployment,
            same,
            latest: before.into_iter().next_back(),
            warnings,
            plan,
        })
    }

    /// The differences from the version that new runs use at present.
    async fn changes_of(&self, checked: &Checked) -> Result<Vec<FlowChange>, HostError> {
        let outsiders = |mut changes: Vec<FlowChange>| {
            let directory = self.directory();
            changes.retain(|change| !is_about_staff(&directory, change));
            changes
        };
        let Some(latest) = &checked.latest else {
            return Ok(outsiders(changes(None, &FlowRights::default(), &checked.plan)));
        };
        match self.plan(&latest.hash).await {
            Ok(before) => {
                let accepted = self.rights(&before).await?;
                Ok(outsiders(changes(Some(&before), &accepted, &checked.plan)))
            }
            // a version that this build can no longer read counts as having no approvals and no
            // rights
            Err(HostError::Damaged { .. }) => Ok(outsiders(changes(None, &FlowRights::default(), &checked.plan))),
            Err(error) => Err(error),
        }
    }

    /// Makes this the version that new runs use. `accepted_by` has accepted its rights.
    async fn put_into_force(
        &self,
        checked: Checked,
        accepted_by: &str,
    ) -> Result<(Deployment, Vec<Diagnostic>), HostError> {
        self.put_into_force_with(checked, accepted_by, Vec::new()).await
    }

    async fn put_into_force_with(
        &self,
        checked: Checked,
        accepted_by: &str,
        mut writes: Vec<Write>,
    ) -> Result<(Deployment, Vec<Diagnostic>), HostError> {
        let (plan, deployment) = (checked.plan, checked.deployment);
        if let Some(same) = checked.same {
            return Ok((same, checked.warnings));
        }
        writes.push(Write::Deploy(deployment.clone()));
        writes.push(Self::accept(&plan, accepted_by, self.now()));
        self.commit_alone(writes).await?;
        self.remember_rights(&plan);
        let plan = self.remember_plan(plan, deployment.source.len());
        lock(&self.latest).insert(plan.flow.clone(), plan);
        self.flow_deployed.notify_one();
        self.expiring.changed.notify_one();
        self.warn_of_missing_secrets(&deployment);
        Ok((deployment, checked.warnings))
    }

    async fn let_wait(
        &self,
        name: &str,
        checked: Checked,
        changes: Vec<FlowChange>,
        told: Write,
    ) -> Result<(Pending, Vec<Diagnostic>), HostError> {
        let deployment = checked.deployment;
        let pending = Pending {
            id: id_of(&deployment),
            flow: deployment.flow,
            version: deployment.version,
            replaces: checked.latest.map(|latest| latest.version),
            name: name.to_owned(),
            source: deployment.source,
            hash: deployment.hash,
            by: deployment.by,
            at: deployment.at,
            changes,
            rights: rights_of(&checked.plan),
            answer: None,
        };
        let known = self.find_pending(&pending.id).await?;
        if let Some(known) = known.as_ref().filter(|known| known.answer.is_none()) {
            return Ok((known.clone(), checked.warnings));
        }
        let mut writes = self.room_for_one().await?;
        writes.push(told);
        writes.extend(pending.put(known.is_none()));
        writes.extend(self.tell_administrators(&pending).await?);
        self.commit_alone(writes).await?;
        self.mails_queued.notify_one();
        tracing::info!(
            flow = pending.flow,
            version = pending.version,
            id = pending.id,
            "a deployment waits for a second person"
        );
        Ok((pending, checked.warnings))
    }

    /// The access log entry of a deployment.
    fn told_deployment(&self, by: &str, origin: Origin, deployment: &Deployment, became: &str) -> Write {
        let origin = origin.about(format!("{} {} {became}", deployment.flow, deployment.version));
        Write::Access(AccessEntry::of(AccessKind::Deploy, by, origin, self.now()))
    }

    /// Deletes the oldest answered deployments when the maximum number is reached.
    async fn room_for_one(&self) -> Result<Vec<Write>, HostError> {
        let mut all = self.pending_deployments().await?;
        if all.len() < MAX_PENDING {
            return Ok(Vec::new());
        }
        all.sort_by_key(|one| one.at);
        let oldest = all.into_iter().find(|one| one.answer.is_some());
        let oldest = oldest.ok_or_else(|| {
            HostError::Conflict(format!(
                "{MAX_PENDING} deployments wait, which is as many as may: an administrator has to answer some of them"
            ))
        })?;
        Ok(vec![Write::ForgetKey {
            scope: SCOPE.to_owned(),
            key: oldest.id,
        }])
    }

    /// Pending deployments, including answered ones, newest first.
    pub async fn pending_deployments(&self) -> Result<Vec<Pending>, HostError> {
        let kept = self.parts().store.used_keys(SCOPE).await?;
        let mut all = Vec::with_capacity(kept.len());
        for (id, used) in kept {
            all.push(read(&id, &used.value)?);
        }
        all.sort_by(|one: &Pending, other: &Pending| other.at.cmp(&one.at).then_with(|| one.id.cmp(&other.id)));
        Ok(all)
    }

    /// One pending deployment, which may be answered already.
    pub async fn pending_deployment(&self, id: &str) -> Result<Pending, HostError> {
        let found = self.find_pending(id).await?;
        found.ok_or_else(|| HostError::NotFound(format!("pending deployment {id}")))
    }

    async fn find_pending(&self, id: &str) -> Result<Option<Pending>, HostError> {
        let found = self.parts().store.used_for(SCOPE, id).await?;
        found.map(|used| read(id, &used.value)).transpose()
    }

    /// Accepts a pending deployment in the name of a second person: checks it again and deploys it.
    pub async fn accept_deployment(self: &Arc<Self>, id: &str, by: &str, origin: Origin) -> Result<Pending, HostError> {
        let _alone = self.deploying.lock().await;
        let pending = self.waiting(id, by).await?;
        let mut checked = self.checked(&pending.name, &pending.source, &pending.by).await?;
        let latest = checked.latest.as_ref().map(|latest| latest.version.clone());
        if checked.plan.hash != pending.hash || latest != pending.replaces || checked.same.is_some() {
            return Err(HostError::Conflict(format!(
                "another version of flow {} was deployed since: deploy {} again, so that you see what changes now",
                pending.flow,
                pending.what()
            )));
        }
        checked.deployment.at = self.now();
        let answered = self.answered(pending, true, by, None);
        let mut writes = answered.put(false);
        writes.push(self.told_deployment(by, origin, &checked.deployment, "accepted"));
        self.put_into_force_with(checked, by, writes).await?;
        Ok(answered)
    }

    /// Rejects a pending deployment, in the name of a second person or of the deployer.
    pub async fn reject_deployment(
        self: &Arc<Self>,
        id: &str,
        by: &str,
        reason: &str,
        origin: Origin,
    ) -> Result<Pending, HostError> {
        let _alone = self.deploying.lock().await;
        let wrong = |why: &str| HostError::Invalid(format!("the reason: {why}"));
        if reason.trim().is_empty() {
            return Err(wrong("say why, so that the deployer knows"));
        }
        if reason.len() > MAX_REASON_BYTES {
            return Err(wrong(&format!("it has at most {MAX_REASON_BYTES} bytes")));
        }
        names::check_text(reason).map_err(|error| wrong(&error.to_string()))?;
        let pending = self.open_pending(id).await?;
        let answered = self.answered(pending, false, by, Some(reason.to_owned()));
        let mut writes = answered.put(false);
        let origin = origin.about(format!("{} rejected", answered.what()));
        writes.push(Write::Access(AccessEntry::of(
            AccessKind::Deploy,
            by,
            origin,
            self.now(),
        )));
        self.commit_alone(writes).await?;
        Ok(answered)
    }

    fn answered(&self, pending: Pending, accepted: bool, by: &str, reason: Option<String>) -> Pending {
        let answer = PendingAnswer {
            accepted,
            by: by.to_owned(),
            at: self.now(),
            reason,
        };
        Pending {
            answer: Some(answer),
            ..pending
        }
    }

    async fn open_pending(&self, id: &str) -> Result<Pending, HostError> {
        let pending = self.pending_deployment(id).await?;
        match &pending.answer {
            None => Ok(pending),
            Some(_) => Err(HostError::Conflict(format!(
                "the deployment of {} is {} already",
                pending.what(),
                pending.state()
            ))),
        }
    }

    /// The open pending deployment, if `by` may accept it.
    async fn waiting(&self, id: &str, by: &str) -> Result<Pending, HostError> {
        let pending = self.open_pending(id).await?;
        if person(&pending.by) == person(by) {
            return Err(HostError::Invalid(format!(
                "you deployed {} yourself: another administrator has to accept it",
                pending.what()
            )));
        }
        Ok(pending)
    }

    /// The mails to all administrators except the deployer.
    async fn tell_administrators(&self, pending: &Pending) -> Result<Vec<Write>, HostError> {
        let people: Vec<String> = administrators(&self.directory())
            .into_iter()
            .filter(|one| person(one) != person(&pending.by))
            .collect();
        let subject = format!("A deployment waits for you: {}", pending.what());
        let changes: String = pending.changes.iter().map(|change| format!("- {change}\n")).collect();
        let before = match &pending.replaces {
            Some(version) => format!("Compared with version {version}, it\n"),
            None => "The flow is new. It\n".to_owned(),
        };
        let (by, id, server) = (&pending.by, &pending.id, self.parts().links.base_url());
        let text = format!(
            "{subject}\n\n{by} deployed {}. It cannot be started until another administrator accepts it.\n\n\
             {before}{changes}\nTo look at it and to answer, with a token of yours in GATEFOLD_TOKEN:\n  \
             gatefold deployments show {id} --server {server}\n  gatefold deployments approve {id} --server {server}\n  \
             gatefold deployments reject {id} --reason TEXT --server {server}\n",
            pending.what()
        );
        let key = format!("pending:{id}:{}", pending.at);
        let mails = self.mail_each(&RunId::from(""), &key, &people, &subject, &text, pending.at);
        let mut writes = Vec::with_capacity(mails.len());
        for mail in mails {
            if self.parts().store.mail(&mail.id).await?.is_none() {
                writes.push(Write::PutMail(OutboxMail { run: None, ..mail }));
            }
        }
        Ok(writes)
    }
}

/// Everybody with the role admin, as `user:NAME`.
fn administrators(directory: &Directory) -> Vec<String> {
    let all = directory
        .users
        .iter()
        .filter(|(_, person)| person.roles.contains(roles::ADMIN));
    all.map(|(name, _)| format!("user:{name}")).collect()
}

/// The person behind an operating system account, for comparing who acts.
fn person(by: &str) -> &str {
    by.rsplit_once(" as ").map_or(by, |(_, person)| person)
}

/// Whether the change adds a recipient whose address belongs to somebody in the directory.
fn is_about_staff(directory: &Directory, change: &FlowChange) -> bool {
    let FlowChange::RightAdded {
        right: FlowRight::Recipient {
            who: Reach::Only(address),
        },
    } = change
    else {
        return false;
    };
    let found = directory.resolve(std::slice::from_ref(address), &[]);
    found.is_ok_and(|people| people.iter().all(|one| one.starts_with("user:")))
}

fn id_of(deployment: &Deployment) -> String {
    let digest = Sha256::digest(format!(
        "{}\n{}\n{}",
        deployment.flow, deployment.version, deployment.hash
    ));
    format!("dep_{}", &hex(&digest)[..16])
}

fn read(id: &str, value: &str) -> Result<Pending, HostError> {
    serde_json::from_str(value).map_err(|error| {
        let why = format!("the pending deployment {id} cannot be read: {error}");
        HostError::Store(StoreError::Damaged(why))
    })
}
