//! Grants: checking whether the holder is still entitled, listing, and revoking.

use super::files::{inbound, share_entry};
use super::{Host, HostError};
use crate::audit::AccessKind;
use crate::base::Timestamp;
use crate::base::id::{EventId, GrantId, ShareId};
use crate::space::access::{Denial, Entitlement, Right, decide};
use crate::space::events::GrantRevoked;
use crate::space::life::Revocation;
use crate::space::{Grant, Principal, Share};
use crate::store::Write;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Filter for listing grants.
#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    /// Grants of this share.
    pub share: Option<ShareId>,
    /// Grants that this party holds, as `user:anna`, or that were given through it, as
    /// `role:legal`.
    pub to: Option<String>,
    /// Whether to include grants whose link no longer works.
    pub all: bool,
}

/// A grant with its share and the reason why its link is refused, if it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGrant {
    /// The grant.
    pub grant: Grant,
    /// Its share.
    pub share: Share,
    /// Why its link is refused now; `None` if it works.
    pub denial: Option<Denial>,
}

impl Host {
    /// Whether the holder of a grant is still entitled to it according to the current directory.
    pub fn entitlement(&self, grant: &Grant) -> Entitlement {
        let through = grant.through.as_ref().map(ToString::to_string);
        let is_entitled = match &grant.to {
            Principal::User(name) => {
                self.directory().is_entitled(&grant.to.to_string(), through.as_deref())
                    && !self.is_later_than(name, grant.created_at)
            }
            Principal::Role(_) | Principal::Group(_) | Principal::Email(_) | Principal::Link => true,
        };
        if is_entitled {
            Entitlement::Held
        } else {
            Entitlement::Lost
        }
    }

    /// Whether the holder of `grant` may do `right` in `share` at `now`.
    ///
    /// # Errors
    /// Why not.
    pub fn decide_access(&self, share: &Share, grant: &Grant, right: Right, now: Timestamp) -> Result<(), Denial> {
        decide(share, grant, self.entitlement(grant), right, now)
    }

    /// The grants whose holders receive reminders about the share: one for each party whose link
    /// works.
    pub(super) fn reminded(&self, share: &Share, mut grants: Vec<Grant>, now: Timestamp) -> Vec<Grant> {
        let mut seen = BTreeSet::new();
        grants.retain(|grant| {
            grant.to != Principal::Link
                && grant.withdrawn.is_none()
                && self.decide_access(share, grant, Right::List, now).is_ok()
                && seen.insert(grant.to.clone())
        });
        grants
    }

    /// Grants that match `filter`, oldest first, at most `limit` after the grant `after`.
    pub async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
    ) -> Result<Vec<ListedGrant>, HostError> {
        let mut last = after.cloned();
        let mut found = Vec::new();
        loop {
            let grants = self.parts().store.grants_after(last.as_ref(), limit).await?;
            let is_last = grants.len() < limit;
            last = grants.last().map(|grant| grant.id.clone());
            for grant in grants.into_iter().filter(|grant| filter.fits(grant)) {
                let Some(listed) = self.listed(grant).await? else {
                    continue;
                };
                if filter.all || listed.denial.is_none() {
                    found.push(listed);
                }
                if found.len() == limit {
                    return Ok(found);
                }
            }
            if is_last {
                return Ok(found);
            }
        }
    }

    /// One grant.
    pub async fn grant(&self, id: &GrantId) -> Result<ListedGrant, HostError> {
        let unknown = || HostError::NotFound(format!("grant {id}"));
        let grant = self.parts().store.grant(id).await?.ok_or_else(unknown)?;
        self.listed(grant).await?.ok_or_else(unknown)
    }

    async fn listed(&self, grant: Grant) -> Result<Option<ListedGrant>, HostError> {
        let share = self.parts().store.share(&grant.share).await?;
        Ok(share.map(|share| ListedGrant {
            denial: self.decide_access(&share, &grant, Right::List, self.now()).err(),
            grant,
            share,
        }))
    }

    /// Revokes one grant, so that its link stops working. Returns `false` if it had already ended.
    /// The share and its other grants stay as they are.
    pub async fn revoke_grant(self: &Arc<Self>, id: &GrantId, by: &str) -> Result<bool, HostError> {
        let revoked = self.revoke_now(id, by).await?;
        if revoked {
            self.look_for_givers(&self.grant(id).await?.share.id).await?;
        }
        Ok(revoked)
    }

    async fn revoke_now(self: &Arc<Self>, id: &GrantId, by: &str) -> Result<bool, HostError> {
        self.decide_anew("the grant", || async move {
            let ListedGrant { grant, share, .. } = self.grant(id).await?;
            let at = self.now();
            let to = grant.to.to_string();
            let revocation = Revocation { by: by.to_owned(), at };
            let Some(grant) = grant.revoked(revocation) else {
                return Ok((false, Vec::new()));
            };
            let event = GrantRevoked {
                share: share.id.to_string(),
                grant: id.to_string(),
                to,
                by: by.to_owned(),
                at,
            };
            let event = inbound(EventId::derived(&format!("grant_revoked:{id}")), &event, at);
            let mut entry = share_entry(AccessKind::Administer, by, &share, at);
            entry.origin.what = Some(format!("grant {id}"));
            let mut writes = vec![
                Write::PutGrant(grant.clone()),
                Write::Access(entry),
                Write::Event(event),
            ];
            writes.extend(self.withdrawn_with(&share, &grant, by, at).await?);
            Ok((true, writes))
        })
        .await
    }
}

impl GrantFilter {
    fn fits(&self, grant: &Grant) -> bool {
        let is_to = |to: &String| {
            let through = grant.through.as_ref().map(ToString::to_string);
            grant.to.to_string() == *to || through.as_ref() == Some(to)
        };
        self.share.as_ref().is_none_or(|share| grant.share == *share) && self.to.as_ref().is_none_or(is_to)
    }
}
