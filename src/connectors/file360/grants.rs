//! Letting somebody into a share: the grant, its link, the mail that brings it.

use super::Space;
use super::support::{access, permanent, store_failed};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::id::{GrantId, MailId};
use crate::base::{FlowRight, Reach, moment};
use crate::connect::{ActionError, CallContext, Links, passwords};
use crate::people::Directory;
use crate::space::principal::ANYONE;
use crate::space::{Grant, Principal, Request, Role, Share, State, names};
use crate::store::{MailState, OutboxMail, Store, Write};
use std::fmt::Write as _;

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

/// A grant and what makes it durable.
pub(super) struct Invited {
    pub(super) grant: Grant,
    pub(super) writes: Vec<Write>,
}

/// Makes or changes the one grant of a party in a share. `share` may be one that is not stored yet.
pub(super) async fn invite(
    space: &Space,
    cx: &CallContext,
    store: &dyn Store,
    share: &Share,
    invitation: Invitation,
) -> Result<Invited, ActionError> {
    check_message(invitation.message.as_deref())?;
    let directory = space.directory();
    let (to, people) = party(&directory, &invitation.to)?;
    if let Principal::Email(who) = &to {
        let who = Reach::only(who);
        cx.check(&FlowRight::Recipient { who })?;
    }
    if to == Principal::Link {
        let who = Reach::only(ANYONE);
        cx.check(&FlowRight::Recipient { who })?;
    }
    let id = GrantId::derived(&format!("{}:{to}", share.id));
    let known = store.grant(&id).await.map_err(store_failed)?;
    let mut grant = match known {
        Some(grant) => grant
            .with_role(invitation.role)
            .map_err(|over| permanent(over.to_string()))?,
        None => new_grant(space, cx, share, id, to, invitation.role),
    };
    if invitation.code_by_mail {
        check_reach(&grant.to, &people)?;
        grant.codes = Some(grant.codes.unwrap_or_default());
    }
    if invitation.password.is_some() && grant.codes.is_some() {
        return Err(permanent("password: this link asks for a code by mail"));
    }
    if let Some(password) = invitation.password {
        if password.chars().count() < MIN_PASSWORD_CHARS {
            return Err(permanent(format!(
                "password: it needs at least {MIN_PASSWORD_CHARS} characters"
            )));
        }
        grant.password_hash = Some(passwords::hash(password).await?);
        grant.failed_passwords = 0;
        grant.locked_until = None;
    }
    let entry = AccessEntry {
        share: Some(share.id.to_string()),
        ..access(cx, AccessKind::Administer)
    };
    let mut writes = vec![Write::Access(entry), Write::PutGrant(grant.clone())];
    if invitation.notify {
        let message = invitation.message.as_deref();
        writes.extend(
            people
                .iter()
                .map(|address| Write::PutMail(mail(cx, share, &grant, address, message))),
        );
    }
    Ok(Invited { grant, writes })
}

fn new_grant(space: &Space, cx: &CallContext, share: &Share, id: GrantId, to: Principal, role: Role) -> Grant {
    Grant {
        token_hash: Links::hash(&space.links.token(&id)),
        id,
        share: share.id.clone(),
        to,
        role,
        password_hash: None,
        failed_passwords: 0,
        locked_until: None,
        codes: None,
        expires_at: None,
        state: State::Live,
        created_at: cx.now,
        opened_at: None,
        rev: 0,
    }
}

/// The party meant by `text`, and the addresses that its mails go to. The address of somebody of
/// the directory means that person, so that nobody counts as two.
fn party(directory: &Directory, text: &str) -> Result<(Principal, Vec<String>), ActionError> {
    let to = Principal::parse(text).map_err(|error| permanent(format!("to: {error}")))?;
    if to == Principal::Link {
        return Ok((to, Vec::new()));
    }
    let people = directory
        .resolve(&[to.to_string()], &[])
        .map_err(|unknown| permanent(format!("to: {unknown}")))?;
    let addresses = people.iter().filter_map(|person| directory.email_of(person)).collect();
    let to = match (&to, people.as_slice()) {
        (Principal::Email(_), [person]) => {
            Principal::parse(person).map_err(|error| permanent(format!("to: {error}")))?
        }
        _ => to,
    };
    Ok((to, addresses))
}

/// Whether codes reach the party and nobody else.
fn check_reach(to: &Principal, addresses: &[String]) -> Result<(), ActionError> {
    match (to, addresses) {
        (Principal::User(_) | Principal::Email(_), [_]) => Ok(()),
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
        Some(text) => names::check_text(text).map_err(|error| permanent(format!("message: {error}"))),
        None => Ok(()),
    }
}

/// What a request asks for, as its mail begins.
fn asked_for(name: &str, request: &Request) -> String {
    let mut text = format!("You are asked for documents: {name}\n\n");
    for item in &request.items {
        let optional = if item.optional { " (optional)" } else { "" };
        text.push_str(&format!("- {}{optional}\n", item.title));
    }
    text.push('\n');
    text
}

/// The mail that brings a link. `{link}` is filled in when it is sent.
fn mail(cx: &CallContext, share: &Share, grant: &Grant, address: &str, message: Option<&str>) -> OutboxMail {
    let mut text = match &share.request {
        Some(request) => asked_for(&share.name, request),
        None => format!("“{}” is shared with you.\n\n", share.name),
    };
    if let Some(message) = message {
        text.push_str(message.trim());
        text.push_str("\n\n");
    }
    text.push_str("Open it here: {link}\n\n");
    if grant.password_hash.is_some() {
        text.push_str("You also need the password, which comes to you another way.\n");
    }
    if grant.codes.is_some() {
        text.push_str("It asks for a code, which is then sent to this address.\n");
    }
    let zone = cx.calendar.as_ref().map_or("UTC", |calendar| calendar.zone.as_str());
    let end = moment::in_words(share.expires_at, zone);
    writeln!(text, "The link works until {end}. Please do not pass it on.").expect("writing to a string succeeds");
    OutboxMail {
        id: MailId::derived(&format!("{}:{}:{address}", cx.key, grant.id)),
        to: vec![address.to_owned()],
        subject: share.name.clone(),
        text,
        grant: Some(grant.id.to_string()),
        run: Some(cx.run.clone()),
        at: cx.now,
        state: MailState::Queued,
        attempts: 0,
        next_at: None,
        error: None,
        rev: 0,
    }
}
