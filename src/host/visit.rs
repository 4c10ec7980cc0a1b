//! Coming through a link: the token, the password, and what is seen of a share.

use super::files::{inbound, share_entry};
use super::{Host, HostError};
use crate::audit::AccessKind;
use crate::base::id::{EventId, ShareId};
use crate::base::network::Network;
use crate::base::{FileRef, Timestamp};
use crate::connect::{Links, passwords};
use crate::space::access::{Right, may_finish};
use crate::space::events::{ShareExpired, ShareOpened};
use crate::space::{Comment, Grant, Principal, Request, Role, Share};
use crate::store::{StoreError, Write};
use std::sync::Arc;
use tokio::sync::MutexGuard;

/// How long a browser need not give the password, or another code by mail, again, in minutes.
pub const PASS_MINUTES: i64 = 60;

/// Somebody who came through a link, checked: the share lives, the password was right.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The grant.
    pub grant: Grant,
    /// The share.
    pub share: Share,
    /// Who it is, for the log: `email:…`, `user:…` or `link:GRANT`.
    pub actor: String,
    /// Whether they have entered a code that was sent to their address.
    pub is_verified: bool,
}

/// What a visitor sees of a share.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ShareView {
    /// The share.
    pub share: ShareId,
    /// What people call it.
    pub name: String,
    /// What the visitor may do.
    pub role: Role,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The zone of the flow's calendar, in which moments are told; UTC without one.
    pub zone: String,
    /// Its files, each at the newest version that the share shows.
    pub files: Vec<FileRef>,
    /// Its comments.
    pub comments: Vec<Comment>,
    /// What is asked for through it, if it is a request.
    pub request: Option<Request>,
    /// The reason for declining the request, once the visitor or everybody who was asked has
    /// declined.
    pub withdrawn: Option<String>,
}

impl Host {
    /// Authenticates a visitor by link, and by password or code if required. Counts wrong tries for
    /// the link and for the address `from`, and logs refusals.
    pub async fn enter(
        self: &Arc<Self>,
        token: &str,
        given: Option<&str>,
        from: Network,
    ) -> Result<Visitor, HostError> {
        let visitor = self.knock(token).await?;
        match visitor.grant.password_hash.clone() {
            _ if visitor.grant.codes.is_some() => self.check_code(visitor, given, from).await,
            None => Ok(visitor),
            Some(hash) => self.check_password(visitor, &hash, given, from).await,
        }
    }

    /// Lets somebody in whose browser has kept that they gave the right password or code. Changes nothing but
    /// the access log.
    pub async fn enter_with_pass(self: &Arc<Self>, token: &str, pass: Option<&str>) -> Result<Visitor, HostError> {
        let visitor = self.knock(token).await?;
        let Some(proof) = visitor.grant.proof() else {
            return Ok(visitor);
        };
        let (links, grant) = (&self.parts().links, &visitor.grant.id);
        if pass.is_some_and(|pass| links.is_pass(pass, grant, proof, self.now())) {
            return Ok(Visitor {
                is_verified: visitor.grant.codes.is_some(),
                ..visitor
            });
        }
        let entry = self.entry(&visitor, AccessKind::Open);
        let needed = match visitor.grant.codes {
            Some(_) => HostError::CodeNeeded { wrong: false },
            None => HostError::PasswordNeeded { wrong: false },
        };
        Err(self.refused(&entry, needed).await)
    }

    /// What a browser keeps of the right password or code, for [`PASS_MINUTES`]; nothing where none is needed.
    pub fn pass(&self, visitor: &Visitor) -> Option<String> {
        let proof = visitor.grant.proof()?;
        let until = self.now().saturating_add(jiff::SignedDuration::from_mins(PASS_MINUTES));
        Some(
            self.parts()
                .links
                .pass(&visitor.grant.id, proof, until.unwrap_or(Timestamp::MAX)),
        )
    }

    /// Whose link it is, while it and its share live. Asks for no password and no code.
    pub async fn knock(self: &Arc<Self>, token: &str) -> Result<Visitor, HostError> {
        let unknown = || HostError::NotFound("such share".to_owned());
        let store = &self.parts().store;
        let grant = store.grant_by_token(&Links::hash(token)).await?.ok_or_else(unknown)?;
        // a new key of the installation ends the links of the old one
        if !self.parts().links.is_of(token, &grant.id) {
            return Err(unknown());
        }
        let share = store.share(&grant.share).await?.ok_or_else(unknown)?;
        let visitor = Visitor {
            actor: actor(&grant),
            grant,
            share,
            is_verified: false,
        };
        let entry = self.entry(&visitor, AccessKind::Open);
        match self.decide_access(&visitor.share, &visitor.grant, Right::List, entry.at) {
            Ok(()) => Ok(visitor),
            Err(denial) => Err(self.refuse(entry, denial).await),
        }
    }

    /// Looks at one password of a link at a time, and slowly where many were wrong. The try is counted before, so that a
    /// process that dies in between has counted it.
    async fn check_password(
        self: &Arc<Self>,
        visitor: Visitor,
        hash: &str,
        given: Option<&str>,
        from: Network,
    ) -> Result<Visitor, HostError> {
        let Some(given) = given else {
            let entry = self.entry(&visitor, AccessKind::Open);
            return Err(self.refused(&entry, HostError::PasswordNeeded { wrong: false }).await);
        };
        let (_alone, visitor) = self.turn(visitor, from).await?;
        self.count_try_from(&visitor, from).await?;
        let visitor = self.count_try(visitor).await?;
        let fits = passwords::verify(given.to_owned(), hash.to_owned()).await;
        if fits.map_err(|error| HostError::Store(StoreError::Failed(error.to_string())))? {
            self.tries.succeeded((visitor.grant.id.as_str(), from));
            return self.forgive(visitor).await;
        }
        let mut entry = self.entry(&visitor, AccessKind::Open);
        entry.refused = Some("wrong password".to_owned());
        self.record_refusal(entry).await?;
        Err(HostError::PasswordNeeded { wrong: true })
    }

    /// Waits until nobody else tries something at the link, and for a turn where many have tried. The visitor is as they
    /// stand then.
    pub(super) async fn turn(
        self: &Arc<Self>,
        visitor: Visitor,
        from: Network,
    ) -> Result<(MutexGuard<'_, ()>, Visitor), HostError> {
        let link = visitor.grant.id.clone();
        let mut has_turn = false;
        loop {
            let alone = self.passwords.of(link.as_str()).await;
            let visitor = self.look_again(&visitor).await?;
            if has_turn || !visitor.grant.takes_turns() {
                return Ok((alone, visitor));
            }
            drop(alone);
            let failures = self.tries.failures((link.as_str(), from));
            if let Err(seconds) = self.turns.wait(link.as_str(), failures).await {
                let mut entry = self.entry(&visitor, AccessKind::Open);
                entry.refused = Some("too many tries at once".to_owned());
                self.record_refusal(entry).await?;
                return Err(HostError::TooMany { seconds });
            }
            has_turn = true;
        }
    }

    /// Counts a try of an address at a link before it is known whether it is right. Too many are refused.
    pub(super) async fn count_try_from(self: &Arc<Self>, visitor: &Visitor, from: Network) -> Result<(), HostError> {
        let Err(seconds) = self.tries.failed((visitor.grant.id.as_str(), from)) else {
            return Ok(());
        };
        let mut entry = self.entry(visitor, AccessKind::Open);
        entry.refused = Some("too many wrong tries from one address".to_owned());
        self.record_refusal(entry).await?;
        Err(HostError::TooMany { seconds })
    }

    async fn count_try(self: &Arc<Self>, visitor: Visitor) -> Result<Visitor, HostError> {
        let visitor = &visitor;
        self.decide_anew("the link", || async move {
            let visitor = self.look_again(visitor).await?;
            Ok(((), vec![Write::PutGrant(visitor.grant.after_wrong_password())]))
        })
        .await?;
        self.look_again(visitor).await
    }

    /// The right password takes back every wrong one before it.
    async fn forgive(self: &Arc<Self>, visitor: Visitor) -> Result<Visitor, HostError> {
        let visitor = &visitor;
        self.decide_anew("the link", || async move {
            let forgiven = self.look_again(visitor).await?.grant.after_right_password();
            Ok(((), forgiven.map(Write::PutGrant).into_iter().collect()))
        })
        .await?;
        self.look_again(visitor).await
    }

    /// The share and its files. Changes nothing but the access log.
    pub async fn view_share(self: &Arc<Self>, visitor: &Visitor) -> Result<ShareView, HostError> {
        let entry = self.entry(visitor, AccessKind::List);
        let visitor = self.allow(visitor, Right::List, &entry).await?;
        self.record(vec![Write::Access(entry)]).await?;
        let store = &self.parts().store;
        let shared = visitor.share.file_ids();
        let mut files = Vec::with_capacity(shared.len());
        for id in shared {
            let stored = store.file(id).await?;
            let reached = stored
                .as_ref()
                .and_then(|file| Some((file, visitor.share.version_of(file, None)?)));
            if let Some((file, version)) = reached {
                let mut document = file.reference_to(version);
                document.by = document.by.map(|by| self.known_as(&visitor, by));
                files.push(document);
            }
        }
        let mut comments = store.comments_in(&visitor.share.id).await?;
        for comment in &mut comments {
            comment.by = self.known_as(&visitor, std::mem::take(&mut comment.by));
        }
        let zone = self.zone_of(&visitor.share).await;
        Ok(ShareView {
            share: visitor.share.id.clone(),
            name: visitor.share.name.clone(),
            role: visitor.grant.role,
            expires_at: visitor.share.expires_at,
            zone,
            files,
            comments,
            withdrawn: visitor.grant.withdrawn.clone().or_else(|| {
                let request = visitor.share.request.as_ref();
                request.and_then(|request| request.withdrawn.clone())
            }),
            request: visitor.share.request.clone(),
        })
    }

    /// How a visitor is told of somebody: themselves as they are, people inside by their names, and
    /// others in the share not at all, as they were asked one by one.
    fn known_as(&self, visitor: &Visitor, by: String) -> String {
        if by == visitor.actor {
            return by;
        }
        let directory = self.directory();
        match by.split_once(':') {
            Some(("user", user)) => match directory.users.get(user) {
                Some(person) => person.name.clone(),
                None => "somebody inside".to_owned(),
            },
            Some(("email" | "link", _)) => "another participant".to_owned(),
            _ => "gatefold".to_owned(),
        }
    }

    /// The zone in which people are told of moments of a share: that of its flow, as in mails. A share whose flow cannot be
    /// read is told of in UTC.
    pub(super) async fn zone_of(&self, share: &Share) -> String {
        let plan = match &share.run {
            Some(run) => self.plan_of_run(run).await.ok(),
            None => None,
        };
        let calendar = plan.as_ref().and_then(|plan| plan.calendar.as_ref());
        calendar.map_or_else(|| "UTC".to_owned(), |calendar| calendar.zone.clone())
    }

    /// Says that a person, not a mail scanner, has opened the share. The first time counts.
    pub async fn open_share(self: &Arc<Self>, visitor: &Visitor) -> Result<(), HostError> {
        self.decide_anew("the share", || async move {
            let entry = self.entry(visitor, AccessKind::Open);
            let visitor = self.allow(visitor, Right::List, &entry).await?;
            let at = entry.at;
            let Some(grant) = visitor.grant.opened(at) else {
                return Ok(((), vec![Write::Access(entry)]));
            };
            let event = ShareOpened {
                share: visitor.share.id.to_string(),
                by: visitor.actor.clone(),
                at,
            };
            let event = inbound(EventId::derived(&format!("opened:{}", grant.id)), &event, at);
            let writes = vec![Write::PutGrant(grant), Write::Access(entry), Write::Event(event)];
            Ok(((), writes))
        })
        .await
    }

    /// Whether a visitor who came in before may still fetch bytes: asked again while they flow.
    pub async fn may_continue(&self, visitor: &Visitor) -> bool {
        match self.look_again(visitor).await {
            Ok(visitor) => may_finish(&visitor.share, &visitor.grant, self.entitlement(&visitor.grant)),
            Err(_) => false,
        }
    }

    /// Ends every share whose time is over. Returns when the next one ends.
    pub(super) async fn end_due_shares(self: &Arc<Self>, now: Timestamp) -> Option<Timestamp> {
        match self.try_end_due_shares(now).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "shares whose time is over could not be ended; it is tried again");
                now.checked_add(jiff::SignedDuration::from_secs(5)).ok()
            }
        }
    }

    async fn try_end_due_shares(self: &Arc<Self>, now: Timestamp) -> Result<Option<Timestamp>, HostError> {
        for share in self.parts().store.shares_due(now).await? {
            let Some(share) = share.expired(now) else { continue };
            let event = ShareExpired {
                share: share.id.to_string(),
                at: now,
            };
            let event = inbound(EventId::derived(&format!("expired:{}", share.id)), &event, now);
            let entry = share_entry(AccessKind::Administer, "gatefold", &share, now);
            self.try_record(vec![Write::PutShare(share), Write::Access(entry), Write::Event(event)])
                .await?;
        }
        Ok(self.parts().store.next_share_expiry().await?)
    }
}

/// Who comes through a grant's link, as the log names them.
pub(super) fn actor(grant: &Grant) -> String {
    match &grant.to {
        Principal::Email(address) => format!("email:{address}"),
        Principal::User(user) => format!("user:{user}"),
        Principal::Role(_) | Principal::Group(_) | Principal::Link => format!("link:{}", grant.id),
    }
}
