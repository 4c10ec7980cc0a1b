//! Links for people who join a role or group after something was shared with it.
//!
//! Each gets a link of their own after the pattern of the other members' grants, and hears of it as they did. A grant
//! that was taken from somebody stays taken, and nobody gets one for a share that is over.

use super::files::share_entry;
use super::{Host, HostError};
use crate::audit::AccessKind;
use crate::base::Timestamp;
use crate::base::id::{GrantId, MailId, ShareId};
use crate::connect::Links;
use crate::space::code::Codes;
use crate::space::invitation::{patterns, text};
use crate::space::{Grant, Principal, Share};
use crate::store::{OutboxMail, Write};
use std::sync::Arc;

/// Who gives the links.
const BY: &str = "gatefold";

impl Host {
    /// Gives links to new members of roles and groups in the background.
    pub fn invite_new_members_beside(self: &Arc<Self>) {
        let host = Arc::clone(self);
        self.spawn(async move {
            if let Err(error) = host.invite_new_members().await {
                tracing::error!(%error, "new members of roles have no links yet; the next change of people tries again");
            }
        });
    }

    /// Gives every member of a role or group a link into each live share that was shared with it, where they have none.
    pub async fn invite_new_members(self: &Arc<Self>) -> Result<(), HostError> {
        let mut has_mail = false;
        for share in self.parts().store.shares_due(Timestamp::MAX).await? {
            has_mail |= self.invite_to(&share.id).await?;
            tokio::task::coop::consume_budget().await;
        }
        if has_mail {
            self.mails_queued.notify_one();
        }
        Ok(())
    }

    /// The same for one share. Returns whether anybody got a link.
    async fn invite_to(self: &Arc<Self>, share: &ShareId) -> Result<bool, HostError> {
        self.decide_anew("the share", || async move {
            let store = &self.parts().store;
            let share = store.share(share).await?;
            let Some(share) = share.filter(|share| share.over(self.now()).is_none()) else {
                return Ok((false, Vec::new()));
            };
            let grants = store.grants_of(&share.id).await?;
            let zone = self.zone_of(&share).await;
            let mut writes = Vec::new();
            for (through, pattern) in patterns(&grants) {
                for member in self.without_grant(&grants, through) {
                    writes.extend(self.let_in(&share, pattern, member, &zone));
                }
            }
            if !writes.is_empty() {
                writes.push(Write::Access(share_entry(
                    AccessKind::Administer,
                    BY,
                    &share,
                    self.now(),
                )));
            }
            Ok((!writes.is_empty(), writes))
        })
        .await
    }

    /// Members of a role or group who have no grant through it, neither a live one nor one that was taken from them.
    /// What an earlier person of their user name had is not theirs.
    fn without_grant(&self, grants: &[Grant], through: &Principal) -> Vec<String> {
        let members = self
            .directory()
            .resolve(&[through.to_string()], &[])
            .unwrap_or_default();
        let has_one = |user: &str| {
            grants.iter().any(|grant| {
                let is_theirs = matches!(&grant.to, Principal::User(name) if name == user);
                is_theirs && grant.through.as_ref() == Some(through) && !self.is_later_than(user, grant.created_at)
            })
        };
        let users = members.iter().filter_map(|member| member.strip_prefix("user:"));
        users.filter(|user| !has_one(user)).map(str::to_owned).collect()
    }

    /// A grant for a member, and the mail that brings its link.
    fn let_in(&self, share: &Share, pattern: &Grant, user: String, zone: &str) -> Vec<Write> {
        let member = Principal::User(user);
        let party = member.to_string();
        let through = pattern.through.as_ref().map(ToString::to_string).unwrap_or_default();
        let id = match self.earlier_until(&party) {
            None => GrantId::of_member(&share.id, &through, &party),
            // an earlier person of this name may have had that one, and still has its link
            Some(until) => GrantId::of_member(&share.id, &through, &format!("{party}:{until}")),
        };
        let token_hash = Links::hash(&self.parts().links.token(&id));
        let now = self.now();
        let announced = pattern.announced.clone().unwrap_or_default();
        let grant = Grant {
            through: pattern.through.clone(),
            withdrawn: None,
            codes: pattern.codes.as_ref().map(|_| Codes::default()),
            ..pattern.for_member(id, member, token_hash, now)
        };
        let address = self.directory().email_of(&party).filter(|_| announced.is_mailed);
        let mail = address.map(|address| OutboxMail {
            grant: Some(grant.id.to_string()),
            run: share.run.clone(),
            ..OutboxMail::queued(
                MailId::derived(&format!("new-member:{}", grant.id)),
                vec![address],
                share.name.clone(),
                text(share, &grant, announced.message.as_deref(), zone, OutboxMail::LINK),
                now,
            )
        });
        mail.map(Write::PutMail)
            .into_iter()
            .chain([Write::PutGrant(grant)])
            .collect()
    }
}
