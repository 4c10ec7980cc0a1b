//! Requests: what somebody was asked for comes in, item by item. Decided by the rules of
//! `space::request` on what is stored then, committed with the access log and the event.

use super::expiries::{counts, ended};
use super::files::{Visitor, inbound, share_entry};
use super::once::{self, OnceKey, Repeat};
use super::reading::{Reading, is_needed};
use super::retention::key_until;
use super::uploads::{Incoming, Place, Sent, about, one_form, uploaded};
use super::visit::actor;
use super::{Host, HostError};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::file_type::readable;
use crate::base::id::{EventId, FileId, ShareId};
use crate::base::{FileRef, ItemState, Timestamp};
use crate::engine::Input;
use crate::expr::{DataScope, Expression};
use crate::space::access::{Entitlement, Right};
use crate::space::events::{ItemNotApplicable, ItemReceived, ItemRemoved, RequestWithdrawn};
use crate::space::media::media_type;
use crate::space::request::{Given, Item, ItemCheck, NotTaken, Target};
use crate::space::{File, Grant, Paper, Request, Share, SharedVersion, SpaceEvent, State};
use crate::store::{StoredBlob, Write};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::io::AsyncRead;

/// Grants that are looked through at once.
const GRANTS_AT_ONCE: usize = 500;

impl Host {
    /// Gives a file for an item of a request.
    pub async fn give(
        self: &Arc<Self>,
        visitor: &Visitor,
        item: &str,
        name: &str,
        valid_until: Option<&str>,
        bytes: impl AsyncRead + Send + Unpin,
    ) -> Result<FileRef, HostError> {
        self.give_once(visitor, item, name, valid_until, bytes, None).await
    }

    /// Gives a file like [`Self::give`]. With an idempotency key, a repeat through the same link
    /// returns the first document.
    pub async fn give_once(
        self: &Arc<Self>,
        visitor: &Visitor,
        item: &str,
        name: &str,
        valid_until: Option<&str>,
        bytes: impl AsyncRead + Send + Unpin,
        once: Option<Repeat>,
    ) -> Result<FileRef, HostError> {
        let gift = Gift {
            item,
            name,
            valid_until,
            replaces: None,
        };
        Ok(self.send_gift(visitor, gift, bytes, once).await?.document)
    }

    /// The same, with whether the item has these bytes under this name already. A file whose name another one has in an
    /// item of several files gets a number, unless it is said which one it replaces.
    pub async fn send_gift(
        self: &Arc<Self>,
        visitor: &Visitor,
        gift: Gift<'_>,
        bytes: impl AsyncRead + Send + Unpin,
        once: Option<Repeat>,
    ) -> Result<Sent, HostError> {
        let Gift { item, valid_until, .. } = gift;
        let entry = self.entry(visitor, AccessKind::Upload);
        let now = self.allow(visitor, Right::Upload, &entry).await?;
        let name = &match one_form(gift.name) {
            Ok(name) => name,
            Err(error) => return Err(self.refused(&entry, error).await),
        };
        // What can be said before the bytes came is said before they came.
        let before = || {
            let request = request_of(&now.share)?;
            let asked = request.item(item)?;
            request.is_open()?;
            asked.takes(Some(name), gift.replaces)?;
            asked.check_day(valid_until, entry.at, &request.zone)?;
            Ok((asked.max_bytes, asked.too_large()))
        };
        let (limit, too_large) = match before() {
            Ok(asked) => asked,
            Err(why) => return Err(self.not_taken(entry.clone(), why).await),
        };
        let blob = match self.store_blob_within(bytes, limit).await {
            Ok(blob) => blob,
            Err(error) => {
                let is_items = limit.is_some_and(|limit| limit <= self.parts().limits.upload_bytes);
                return Err(match (error, too_large) {
                    (HostError::TooLarge(_), Some(why)) if is_items => self.not_taken(entry, why).await,
                    (error, _) => self.refused(&entry, error).await,
                });
            }
        };
        let gift = Gift { name, ..gift };
        let sent = match self.read_for(&now.share, item, name, &blob).await {
            Ok(reading) => self.give_read(visitor, gift, &blob, &reading, once).await,
            Err(error) => Err(self.refused(&entry, error).await),
        };
        self.keep_or_discard(blob, sent).await
    }

    /// Gives a file whose bytes are stored and were looked at.
    async fn give_read(
        self: &Arc<Self>,
        visitor: &Visitor,
        gift: Gift<'_>,
        blob: &StoredBlob,
        reading: &Reading,
        once: Option<Repeat>,
    ) -> Result<Sent, HostError> {
        let Gift {
            item,
            name,
            valid_until,
            replaces,
        } = gift;
        let mut content = json!({ "item": item, "name": name, "valid_until": valid_until, "sha256": blob.sha256 });
        if let Some(replaces) = replaces {
            content["replaces"] = json!(replaces);
        }
        let once = &once.map(|once| once.through(&visitor.grant.id, &content));
        let _alone = self.uploads.of((&visitor.share.folder, &item.to_owned())).await;
        self.decide_anew("the request", || async move {
            let entry = self.entry(visitor, AccessKind::Upload);
            let visitor = self.allow(visitor, Right::Upload, &entry).await?;
            let (by, at) = (visitor.actor.as_str(), entry.at);
            let incoming = Incoming { name, blob, by, at };
            if let Some(before) = self.put_before(once.as_ref()).await? {
                return Ok((Sent::new(before), Vec::new()));
            }
            let fits = fits(&visitor.share, item, &incoming, valid_until, reading);
            if let Err(why) = fits {
                return Err(self.not_taken(entry, why).await);
            }
            let (sent, mut writes) = self.plan_gift(&visitor.share, gift, &incoming, entry).await?;
            let used = |once: &OnceKey| once.used_for(once::of_document(&sent.document), key_until(at));
            writes.extend(once.as_ref().map(used));
            Ok((sent, writes))
        })
        .await
    }

    /// What stands in a file, where a condition of its item asks for it. What an item asks for never
    /// changes, so this holds whatever happens meanwhile.
    async fn read_for(&self, share: &Share, item: &str, name: &str, blob: &StoredBlob) -> Result<Reading, HostError> {
        let media = media_type(name, blob.sample());
        let asks = request_of(share)
            .and_then(|request| request.item(item))
            .is_ok_and(|item| {
                let mut conditions = item.checks.iter().map(|check| Expression::parse(&check.condition));
                item.check_file(blob.size, media).is_ok() && conditions.any(|one| one.is_ok_and(|one| is_needed(&one)))
            });
        match readable(media.media_type).filter(|_| asks) {
            Some(kind) => {
                self.parts()
                    .reader
                    .read(&self.parts().blobs, &blob.sha256, blob.size, kind)
                    .await
            }
            None => Ok(Reading::default()),
        }
    }

    /// What a gift writes, as the request stands now.
    async fn plan_gift(
        self: &Arc<Self>,
        share: &Share,
        gift: Gift<'_>,
        incoming: &Incoming<'_>,
        entry: AccessEntry,
    ) -> Result<(Sent, Vec<Write>), HostError> {
        if let Err(error) = self.takes_new(&share.workspace).await {
            return Err(self.refused(&entry, error).await);
        }
        let digest = incoming.blob.sha256.as_str();
        let target = request_of(share)
            .and_then(|request| request.item(gift.item))
            .and_then(|item| item.target(incoming.name, digest, gift.valid_until, gift.replaces));
        match target {
            Ok(Target::Same(given)) => {
                let document = given.file.clone();
                self.plan_again(share, gift, document, incoming, entry).await
            }
            Ok(Target::Version(given)) => {
                let file = self.stored_file(&FileId(given.file.id.clone())).await?;
                let place = Place {
                    folder: file.folder.clone(),
                    existing: Some(file),
                };
                self.plan_file(share, gift, place, incoming, entry).await
            }
            Ok(Target::New(name)) => {
                let incoming = Incoming {
                    name: &name,
                    ..*incoming
                };
                match self.place_of_gift(share, gift.item, &name).await {
                    Ok(place) => self.plan_file(share, gift, place, &incoming, entry).await,
                    Err(error) => Err(self.refused(&entry, error).await),
                }
            }
            Err(why) => Err(self.not_taken(entry, why).await),
        }
    }

    /// Where a file goes whose name the item does not hold. What was taken back and is given again is a version of the
    /// same file.
    async fn place_of_gift(&self, share: &Share, item: &str, name: &str) -> Result<Place, HostError> {
        let grants = self.parts().store.grants_of(&share.id).await?;
        let parties: BTreeSet<String> = grants.iter().map(actor).collect();
        let came_through = |file: &File| file.versions.iter().all(|version| parties.contains(&version.by));
        let folder = format!("{}/{item}", share.folder);
        self.place_for(share, &folder, name, came_through).await
    }

    /// What is written where an item gets a file, or a version of one. Bytes that the file has already, from before it was
    /// taken back, make no version.
    async fn plan_file(
        self: &Arc<Self>,
        share: &Share,
        gift: Gift<'_>,
        place: Place,
        incoming: &Incoming<'_>,
        entry: AccessEntry,
    ) -> Result<(Sent, Vec<Write>), HostError> {
        let is_stored = |file: &File| incoming.is_newest_of(file) && file.current().day() == gift.valid_until;
        let mut writes = Vec::new();
        let (file, document) = match place.existing {
            Some(file) if is_stored(&file) => {
                let document = file.reference();
                (file, document)
            }
            existing => {
                let stored = self.next_version(existing, &share.workspace, &place.folder, incoming);
                let (file, document) = stored.await?;
                let asked = request_of(share).and_then(|request| Ok((request.item(gift.item)?, &request.zone)));
                let paper = asked.map(|(asked, zone)| Paper::given(share, asked, zone, gift.valid_until));
                let file = file.with_paper(paper.unwrap_or_default());
                writes.push(Write::PutFile(file.clone()));
                writes.push(Write::Event(uploaded(None, &file, &document, incoming)));
                (file, document)
            }
        };
        let given = Given {
            file: document.clone(),
            valid_until: gift.valid_until.map(str::to_owned),
        };
        let taken = request_of(share).and_then(|request| request.clone().received(gift.item, given));
        let request = match taken {
            Ok(request) => request,
            Err(why) => return Err(self.not_taken(entry, why).await),
        };
        let event = received(share, &request, gift, &document, incoming, false)?;
        writes.extend(changed(share, request.clone(), about(entry, &document), &event));
        writes.extend(self.counting(&request, gift.item, &file, &document).await?);
        Ok((Sent::new(document), writes))
    }

    /// What is written where an item holds these bytes already. Only an item that was sent back takes them again.
    async fn plan_again(
        self: &Arc<Self>,
        share: &Share,
        gift: Gift<'_>,
        document: FileRef,
        incoming: &Incoming<'_>,
        entry: AccessEntry,
    ) -> Result<(Sent, Vec<Write>), HostError> {
        let entry = about(entry, &document);
        let again = match request_of(share).and_then(|request| request.clone().received_again(gift.item)) {
            Ok(again) => again,
            Err(why) => return Err(self.not_taken(entry, why).await),
        };
        let writes = match again {
            Some(request) => {
                let event = received(share, &request, gift, &document, incoming, true)?;
                changed(share, request, entry, &event)
            }
            None => vec![Write::Access(entry)],
        };
        let sent = Sent {
            document,
            is_unchanged: true,
        };
        Ok((sent, writes))
    }

    /// The documents of an item that count from now on, where it is accepted.
    async fn counting(
        &self,
        request: &Request,
        item: &str,
        file: &File,
        document: &FileRef,
    ) -> Result<Vec<Write>, HostError> {
        let now = stood(request, item)?;
        let mut counting = Vec::new();
        for given in now.files.iter().filter(|_| now.state == ItemState::Accepted) {
            counting.extend(match &given.file.id {
                id if *id == document.id => counts(file, document.version),
                id => {
                    let other = self.parts().store.file(&FileId(id.clone())).await?;
                    other.and_then(|other| counts(&other, given.file.version))
                }
            });
        }
        Ok(counting)
    }

    /// Takes a file back that was given for an item.
    pub async fn take_back(self: &Arc<Self>, visitor: &Visitor, item: &str, file: &FileId) -> Result<(), HostError> {
        self.change_request(visitor, AccessKind::Remove, |share, entry| {
            let (request, given) = request_of(share)?.clone().removed(item, file.as_str())?;
            let now = request.item(item)?;
            let event = ItemRemoved {
                request: share.id.to_string(),
                item: item.to_owned(),
                file: given.file.clone(),
                state: now.state,
                files: now.files.clone(),
                change: now.change,
                by: entry.actor.clone(),
                at: entry.at,
            };
            let entry = AccessEntry {
                file: Some(given.file.id),
                version: Some(given.file.version),
                sha256: Some(given.file.sha256),
                ..entry
            };
            Ok(changed(share, request, entry, &event))
        })
        .await
    }

    /// Says why there is nothing to give for an item.
    pub async fn not_applicable(
        self: &Arc<Self>,
        visitor: &Visitor,
        item: &str,
        because: &str,
    ) -> Result<(), HostError> {
        self.change_request(visitor, AccessKind::Decline, |share, entry| {
            let request = request_of(share)?.clone().not_applicable(item, because)?;
            let now = request.item(item)?;
            let event = ItemNotApplicable {
                request: share.id.to_string(),
                item: item.to_owned(),
                because: now.reason.clone().unwrap_or_default(),
                state: now.state,
                files: Vec::new(),
                change: now.change,
                by: entry.actor.clone(),
                at: entry.at,
            };
            Ok(changed(share, request, entry, &event))
        })
        .await
    }

    /// Records that the visitor declines the request. The request is withdrawn once everybody who
    /// may give has declined.
    pub async fn withdraw(self: &Arc<Self>, visitor: &Visitor, reason: &str) -> Result<(), HostError> {
        self.decide_anew("the request", || async move {
            let entry = self.entry(visitor, AccessKind::Decline);
            let visitor = self.allow(visitor, Right::Upload, &entry).await?;
            let said = request_of(&visitor.share).and_then(|request| request.clone().withdrawn_by_one(reason));
            let (request, said) = match said {
                Ok(said) => said,
                Err(why) => return Err(self.not_taken(entry, why).await),
            };
            let grant = Grant {
                withdrawn: Some(said.clone()),
                ..visitor.grant
            };
            let mut writes = if self.gives_alone(&visitor.share, &grant, entry.at).await? {
                withdrawn(&visitor.share, &said, entry)
            } else {
                // the share is written too, so that of two people who decline at the same time, one
                // sees the other
                let share = Share {
                    request: Some(request),
                    ..visitor.share
                };
                vec![Write::PutShare(share), Write::Access(entry)]
            };
            writes.push(Write::PutGrant(grant));
            Ok(((), writes))
        })
        .await
    }

    /// Whether the holder of `grant` is the only one who may still give something to the request.
    async fn gives_alone(&self, share: &Share, grant: &Grant, now: Timestamp) -> Result<bool, HostError> {
        let grants = self.parts().store.grants_of(&share.id).await?;
        let may_give = |other: &&Grant| self.decide_access(share, other, Right::Upload, now).is_ok();
        Ok(!grants.iter().filter(may_give).any(|other| other.id != grant.id))
    }

    /// Tells the run of a request that nobody can give anything to any more, where that is so.
    pub(super) async fn look_for_givers(self: &Arc<Self>, request: &ShareId) -> Result<(), HostError> {
        let Some(share) = self.parts().store.share(request).await? else {
            return Ok(());
        };
        let Some(run) = share.run.clone().filter(|_| share.request.is_some()) else {
            return Ok(());
        };
        if self.can_be_given(&share, self.now()).await? {
            return Ok(());
        }
        let input = Input::NobodyGives {
            request: share.id.to_string(),
        };
        match self.drive(&run, input, Vec::new()).await {
            Ok(_) | Err(HostError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether somebody may give something to the request, or it is over.
    pub(super) async fn can_be_given(&self, share: &Share, now: Timestamp) -> Result<bool, HostError> {
        if share.over(now).is_some() {
            return Ok(true);
        }
        let grants = self.parts().store.grants_of(&share.id).await?;
        let may_give = |grant: &Grant| self.decide_access(share, grant, Right::Upload, now).is_ok();
        Ok(grants.iter().any(may_give))
    }

    /// Looks at every request of which a giver has left or has lost what they had it through.
    pub(super) async fn givers_changed(self: &Arc<Self>) -> Result<(), HostError> {
        let mut seen = BTreeSet::new();
        let mut last = None;
        loop {
            let grants = self.parts().store.grants_after(last.as_ref(), GRANTS_AT_ONCE).await?;
            let is_last = grants.len() < GRANTS_AT_ONCE;
            last = grants.last().map(|grant| grant.id.clone());
            let lost = grants
                .into_iter()
                .filter(|grant| grant.state == State::Live && self.entitlement(grant) == Entitlement::Lost);
            for grant in lost {
                if seen.insert(grant.share.to_string()) {
                    self.look_for_givers(&grant.share).await?;
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// What withdraws a request whose last giver loses `revoked`, after the others have said that they give nothing.
    pub(super) async fn withdrawn_with(
        &self,
        share: &Share,
        revoked: &Grant,
        by: &str,
        at: Timestamp,
    ) -> Result<Vec<Write>, HostError> {
        let is_open = share
            .request
            .as_ref()
            .is_some_and(|request| request.withdrawn.is_none());
        if !is_open || share.over(at).is_some() || !self.gives_alone(share, revoked, at).await? {
            return Ok(Vec::new());
        }
        let grants = self.parts().store.grants_of(&share.id).await?;
        let said = grants.into_iter().rev().find_map(|grant| grant.withdrawn);
        let entry = share_entry(AccessKind::Decline, by, share, at);
        Ok(said.map(|said| withdrawn(share, &said, entry)).unwrap_or_default())
    }

    /// Changes the request as it stands now, or logs why it is not changed.
    async fn change_request(
        self: &Arc<Self>,
        visitor: &Visitor,
        kind: AccessKind,
        change: impl Fn(&Share, AccessEntry) -> Result<Vec<Write>, NotTaken> + Sync,
    ) -> Result<(), HostError> {
        let change = &change;
        self.decide_anew("the request", || async move {
            let entry = self.entry(visitor, kind);
            let visitor = self.allow(visitor, Right::Upload, &entry).await?;
            match change(&visitor.share, entry.clone()) {
                Ok(writes) => Ok(((), writes)),
                Err(why) => Err(self.not_taken(entry, why).await),
            }
        })
        .await
    }

    /// Logs why something is not taken, and says so.
    async fn not_taken(self: &Arc<Self>, mut entry: AccessEntry, why: NotTaken) -> HostError {
        entry.refused = Some(why.to_string());
        match self.record_refusal(entry).await {
            Ok(()) => refusal(why),
            Err(error) => error,
        }
    }
}

/// A file that is sent for an item.
#[derive(Clone, Copy, Debug)]
pub struct Gift<'a> {
    /// The item.
    pub item: &'a str,
    /// The file's name.
    pub name: &'a str,
    /// The day until which it is valid.
    pub valid_until: Option<&'a str>,
    /// The file of the item in whose place it comes, where the giver says so.
    pub replaces: Option<&'a str>,
}

/// The event of a file that came for an item, or came again.
fn received(
    share: &Share,
    request: &Request,
    gift: Gift<'_>,
    document: &FileRef,
    incoming: &Incoming<'_>,
    unchanged: bool,
) -> Result<ItemReceived, HostError> {
    let now = stood(request, gift.item)?;
    Ok(ItemReceived {
        request: share.id.to_string(),
        item: gift.item.to_owned(),
        file: document.clone(),
        valid_until: gift.valid_until.map(str::to_owned),
        state: now.state,
        files: now.files.clone(),
        change: now.change,
        unchanged,
        by: incoming.by.to_owned(),
        at: incoming.at,
    })
}

/// What a request writes that was changed.
fn changed<E: SpaceEvent>(share: &Share, request: Request, entry: AccessEntry, event: &E) -> Vec<Write> {
    let id = EventId::derived(&format!("request:{}:{}", share.id, request.changes));
    let event = inbound(id, event, entry.at);
    let given = request.items.iter().flat_map(|item| &item.files);
    let ended = share.request.as_ref().map(|before| ended(before, &request));
    let share = Share {
        // What was taken back can no longer be fetched.
        files: given.map(shared).collect(),
        request: Some(request),
        ..share.clone()
    };
    let mut writes = vec![Write::PutShare(share), Write::Access(entry), Write::Event(event)];
    writes.extend(ended.unwrap_or_default());
    writes
}

/// The writes that withdraw a request; none if it is already withdrawn.
fn withdrawn(share: &Share, reason: &str, entry: AccessEntry) -> Vec<Write> {
    let request = request_of(share).and_then(|request| request.clone().withdraw(reason));
    let Ok(request) = request else {
        return vec![Write::Access(entry)];
    };
    let event = RequestWithdrawn {
        request: share.id.to_string(),
        reason: reason.to_owned(),
        by: entry.actor.clone(),
        at: entry.at,
    };
    changed(share, request, entry, &event)
}

/// The shared version of a given file.
fn shared(given: &Given) -> SharedVersion {
    SharedVersion {
        file: FileId(given.file.id.clone()),
        version: given.file.version,
    }
}

/// What is asked for through a share.
fn request_of(share: &Share) -> Result<&Request, NotTaken> {
    share.request.as_ref().ok_or_else(|| NotTaken::NoItem(String::new()))
}

fn stood<'r>(request: &'r Request, item: &str) -> Result<&'r Item, HostError> {
    request.item(item).map_err(refusal)
}

/// Whether what came is what the item asks for.
fn fits(
    share: &Share,
    item: &str,
    incoming: &Incoming<'_>,
    valid_until: Option<&str>,
    reading: &Reading,
) -> Result<(), NotTaken> {
    let request = request_of(share)?;
    let item = request.item(item)?;
    let media = media_type(incoming.name, incoming.blob.sample());
    item.check_file(incoming.blob.size, media)?;
    item.check_day(valid_until, incoming.at, &request.zone)?;
    let mut file = json!({
        "name": incoming.name,
        "size": incoming.blob.size,
        "media_type": media.media_type,
        "sha256": incoming.blob.sha256,
        "valid_until": valid_until,
    });
    for (name, value) in reading.fields() {
        file[name] = value;
    }
    let scope = DataScope {
        data: json!({ "file": file }),
        semantics: request.semantics,
    };
    item.checks.iter().try_for_each(|check| holds(check, &scope, reading))
}

/// Whether a condition holds. One that gives no answer does not; where it asks for what could not be
/// read, that is said instead.
fn holds(check: &ItemCheck, scope: &DataScope, reading: &Reading) -> Result<(), NotTaken> {
    let unmet = || NotTaken::Check(check.message.clone());
    let condition = Expression::parse(&check.condition).map_err(|_| unmet())?;
    match condition.holds(scope) {
        Ok(true) => Ok(()),
        Err(_) if reading.lacks(&condition) => Err(NotTaken::Unread(reading.refusal(&condition))),
        Ok(false) | Err(_) => Err(unmet()),
    }
}

/// A refusal by what the caller can do about it.
fn refusal(why: NotTaken) -> HostError {
    match why {
        NotTaken::NoItem(_) => HostError::NotFound("such item in this request".to_owned()),
        NotTaken::NoFile(_) => HostError::NotFound("such file in this item".to_owned()),
        NotTaken::Accepted(_) | NotTaken::Full { .. } | NotTaken::TooOften | NotTaken::Withdrawn => {
            HostError::Conflict(why.to_string())
        }
        NotTaken::TooLarge { .. } => HostError::TooLarge(why.to_string()),
        other => HostError::Invalid(other.to_string()),
    }
}
