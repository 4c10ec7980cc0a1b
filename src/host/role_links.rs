//! Replaces links that an older build sent to a whole role or group. Those do not identify who uses
//! them. At the first start of this build each member gets their own link, and the shared one is
//! revoked.

use super::{Host, HostError};
use crate::audit::AccessKind;
use crate::base::Timestamp;
use crate::base::id::{GrantId, MailId};
use crate::connect::Links;
use crate::space::life::Revocation;
use crate::space::{Grant, Principal, Share, State};
use crate::store::{CommitError, OutboxMail, UnitOfWork, Write};

/// Scope of the key that marks the replacement as done.
const SCOPE: &str = "upgrade";
/// The key that marks it as done.
const KEY: &str = "one link for each member";
/// The actor that revokes the shared links.
const BY: &str = "gatefold";

impl Host {
    /// Replaces every link of a role or group; does nothing if this was already done in this store.
    pub(super) async fn split_role_links(&self) -> Result<(), HostError> {
        let store = &self.parts().store;
        if store.is_used(SCOPE, KEY).await? {
            return Ok(());
        }
        for share in store.shares_due(Timestamp::MAX).await? {
            for grant in store.grants_of(&share.id).await? {
                let is_shared = matches!(grant.to, Principal::Role(_) | Principal::Group(_));
                if is_shared && grant.state == State::Live {
                    self.commit_alone(self.split(&share, grant)).await?;
                }
            }
        }
        let done = Write::Once {
            scope: SCOPE.to_owned(),
            key: KEY.to_owned(),
            value: String::new(),
            digest: None,
            until: None,
        };
        let unit = UnitOfWork {
            run: None,
            writes: vec![done],
        };
        match store.commit(unit).await {
            Ok(()) | Err(CommitError::Duplicate { .. }) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(HostError::Conflict(other.to_string())),
        }
    }

    /// The writes that revoke the shared grant and make a grant and a mail for each member.
    fn split(&self, share: &Share, shared: Grant) -> Vec<Write> {
        let (directory, now) = (self.directory(), self.now());
        let members = directory.resolve(&[shared.to.to_string()], &[]).unwrap_or_default();
        let entry = super::files::share_entry(AccessKind::Administer, BY, share, now);
        let mut writes = vec![Write::Access(entry)];
        for member in members {
            let Some(user) = member.strip_prefix("user:") else {
                continue;
            };
            let id = GrantId::of_member(&share.id, &shared.to.to_string(), &member);
            let token_hash = Links::hash(&self.parts().links.token(&id));
            let grant = shared.for_member(id, Principal::User(user.to_owned()), token_hash, now);
            if let Some(address) = directory.email_of(&member).filter(|_| share.over(now).is_none()) {
                writes.push(Write::PutMail(mail(share, &grant, address, now)));
            }
            writes.push(Write::PutGrant(grant));
        }
        let revocation = Revocation {
            by: BY.to_owned(),
            at: now,
        };
        writes.extend(shared.revoked(revocation).map(Write::PutGrant));
        writes
    }
}

fn mail(share: &Share, grant: &Grant, address: String, now: Timestamp) -> OutboxMail {
    let text = format!(
        "“{}” is shared with you. You now have your own link. The link that several people shared before no \
         longer works.\n\nOpen it here: {link}\n\nPlease do not pass it on.\n",
        share.name,
        link = OutboxMail::LINK,
    );
    OutboxMail {
        grant: Some(grant.id.to_string()),
        run: share.run.clone(),
        ..OutboxMail::queued(
            MailId::derived(&format!("own-link:{}", grant.id)),
            vec![address],
            share.name.clone(),
            text,
            now,
        )
    }
}
