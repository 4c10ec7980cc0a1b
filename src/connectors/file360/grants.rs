//! Letting somebody into a share: the grant, its link, the mail that brings it.

use super::Space;
use super::support::{access, permanent, store_failed};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::id::{GrantId, MailId};
use crate::base::{FlowRight, Reach};
use crate::connect::{ActionError, CallContext, Links, passwords};
use crate::people::Directory;
use crate::space::principal::ANYONE;
use crate::space::{Announcement, Grant, Principal, Role, Share, State, invitation, names};
use crate::store::{OutboxMail, Store, Write};

/// Shortest password, in characters.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Longest message in a mail, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4_000;

/// Who is to be let in, and how.
pub(super) struct Invitation {
    pub(super) to: String,
    pub(super) role: Role,
    pub(super) password: Option<String>,
    pub(super) notify: bool,
    pub(super) message: Option<String>,
    pub(super) code_by_mail: bool,
}

/// New or changed grants, with the writes that store them.
pub(super) struct Invited {
    /// The party that was invited, as given.
    pub(super) to: Principal,
    /// One grant for each person.
    pub(super) grants: Vec<Grant>,
    pub(super) writes: Vec<Write>,
}

/// One recipient with their own grant and link.
struct Party {
    to: Principal,
    /// The role or group of which they are a member.
    through: Option<Principal>,
    /// Their mail address.
    address: Option<String>,
}

impl Party {
    fn grant(&self, share: &Share) -> GrantId {
        match &self.through {
            Some(through) => GrantId::of_member(&share.id, &through.to_string(), &self.to.to_string()),
            None => GrantId::derived(&format!("{}:{}", share.id, self.to)),
        }
    }
}

/// Makes or changes the grant of a party in a share. For a role or group, makes one grant for each
/// member, so that each link identifies a person. `share` need not be stored yet.
pub(super) async fn invite(
    space: &Space,
    cx: &CallContext,
    store: &dyn Store,
    share: &Share,
    invitation: Invitation,
) -> Result<Invited, ActionError> {
    check_message(invitation.message.as_deref())?;
    let directory = space.directory();
    let (to, parties) = parties(&directory, &invitation.to)?;
    if let Principal::Email(who) = &to {
        let who = Reach::only(who);
        cx.check(&FlowRight::Recipient { who })?;
    }
    if to == Principal::Link {
        let who = Reach::only(ANYONE);
        cx.check(&FlowRight::Recipient { who })?;
    }
    if invitation.code_by_mail {
        check_reach(&to, &parties)?;
    }
    let password_hash = match &invitation.password {
        Some(password) => Some(password_hash(password).await?),
        None => None,
    };
    let entry = AccessEntry {
        share: Some(share.id.to_string()),
        ..access(cx, AccessKind::Administer)
    };
    let mut invited = Invited {
        writes: vec![Write::Access(entry)],
        grants: Vec::new(),
        to,
    };
    for party in parties {
        let id = party.grant(share);
        let known = store.grant(&id).await.map_err(store_failed)?;
        // a member whose own grant was revoked stays out
        if party.through.is_some() && known.as_ref().is_some_and(|grant| grant.state != State::Live) {
            continue;
        }
        let mut grant = match known {
            Some(grant) => grant
                .with_role(invitation.role)
                .map_err(|over| permanent(over.to_string()))?,
            None => new_grant(space, cx, share, id, &party, invitation.role),
        };
        if invitation.code_by_mail {
            grant.codes = Some(grant.codes.unwrap_or_default());
        }
        if let Some(hash) = &password_hash {
            set_password(&mut grant, hash)?;
        }
        grant.announced = Some(Announcement {
            is_mailed: invitation.notify,
            message: invitation.message.clone(),
        });
        let address = party.address.filter(|_| invitation.notify);
        let mail = address.map(|address| mail(cx, share, &grant, &address, invitation.message.as_deref()));
        invited.writes.extend(mail.map(Write::PutMail));
        invited.writes.push(Write::PutGrant(grant.clone()));
        invited.grants.push(grant);
    }
    invited
        .writes
        .extend(shared_link_ended(store, share, &invited.to).await?);
    Ok(invited)
}

/// Ends the link that an older build sent to the whole role or group, now that each member has
/// their own.
async fn shared_link_ended(store: &dyn Store, share: &Share, to: &Principal) -> Result<Option<Write>, ActionError> {
    if !matches!(to, Principal::Role(_) | Principal::Group(_)) {
        return Ok(None);
    }
    let id = GrantId::derived(&format!("{}:{to}", share.id));
    let shared = store.grant(&id).await.map_err(store_failed)?;
    Ok(shared
        .and_then(|grant| grant.ended(State::Revoked))
        .map(Write::PutGrant))
}

/// Has the link of a grant ask for another password.
fn set_password(grant: &mut Grant, hash: &str) -> Result<(), ActionError> {
    if grant.codes.is_some() {
        return Err(permanent("password: this link asks for a code by mail"));
    }
    grant.password_hash = Some(hash.to_owned());
    grant.failed_passwords = 0;
    Ok(())
}

async fn password_hash(password: &str) -> Result<String, ActionError> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(permanent(format!(
            "password: it needs at least {MIN_PASSWORD_CHARS} characters"
        )));
    }
    passwords::hash(password.to_owned()).await
}

fn new_grant(space: &Space, cx: &CallContext, share: &Share, id: GrantId, party: &Party, role: Role) -> Grant {
    Grant {
        token_hash: Links::hash(&space.links.token(&id)),
        id,
        share: share.id.clone(),
        to: party.to.clone(),
        through: party.through.clone(),
        role,
        password_hash: None,
        failed_passwords: 0,
        codes: None,
        expires_at: None,
        state: State::Live,
        created_at: cx.now,
        opened_at: None,
        withdrawn: None,
        revocation: None,
        announced: None,
        rev: 0,
    }
}

/// The party that `text` names, and the recipients it stands for. The mail address of somebody in
/// the directory means that person, so that nobody counts twice.
fn parties(directory: &Directory, text: &str) -> Result<(Principal, Vec<Party>), ActionError> {
    let wrong = |error: String| permanent(format!("to: {error}"));
    let to = Principal::parse(text).map_err(|error| wrong(error.to_string()))?;
    if to == Principal::Link {
        let holder = Party {
            to: Principal::Link,
            through: None,
            address: None,
        };
        return Ok((to, vec![holder]));
    }
    let people = directory
        .resolve(&[to.to_string()], &[])
        .map_err(|error| wrong(error.to_string()))?;
    let is_several = matches!(to, Principal::Role(_) | Principal::Group(_));
    let party = |person: &String| {
        Ok(Party {
            to: Principal::parse(person).map_err(|error| wrong(error.to_string()))?,
            through: is_several.then(|| to.clone()),
            address: directory.email_of(person),
        })
    };
    let parties = people.iter().map(party).collect::<Result<Vec<_>, ActionError>>()?;
    match parties.first() {
        Some(one) if !is_several => Ok((one.to.clone(), parties)),
        _ => Ok((to, parties)),
    }
}

/// Whether codes reach the party and nobody else.
fn check_reach(to: &Principal, parties: &[Party]) -> Result<(), ActionError> {
    let is_reached = |party: &Party| party.address.is_some();
    match (to, parties) {
        (Principal::User(_) | Principal::Email(_), [one]) if is_reached(one) => Ok(()),
        _ => Err(permanent(format!(
            "code_by_mail: {to} is not one person: ask a person of the directory, or a mail address"
        ))),
    }
}

fn check_message(message: Option<&str>) -> Result<(), ActionError> {
    match message {
        Some(text) if text.len() > MAX_MESSAGE_BYTES => Err(permanent(format!(
            "message: it is longer than {MAX_MESSAGE_BYTES} bytes"
        ))),
        Some(text) => names::check_text(text).map_err(|error| permanent(error.of("`message`"))),
        None => Ok(()),
    }
}

/// The mail that brings a link, which is filled in when the mail is sent.
fn mail(cx: &CallContext, share: &Share, grant: &Grant, address: &str, message: Option<&str>) -> OutboxMail {
    let zone = cx.calendar.as_ref().map_or("UTC", |calendar| calendar.zone.as_str());
    OutboxMail {
        grant: Some(grant.id.to_string()),
        run: Some(cx.run.clone()),
        ..OutboxMail::queued(
            MailId::derived(&format!("{}:{}:{address}", cx.key, grant.id)),
            vec![address.to_owned()],
            share.name.clone(),
            invitation::text(share, grant, message, zone, OutboxMail::LINK),
            cx.now,
        )
    }
}
