//! Refusals of callers who have proved nothing, or nothing but that they have a link: counted, and recorded with their
//! number.
//!
//! Invariant: however often somebody is refused, a link makes a bounded number of commits in a minute, and all strangers
//! together make one. Refusals of identified actors are recorded one by one.

use super::{Host, HostError, lock};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::Timestamp;
use crate::store::Write;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Time for which refusals are counted before the count is recorded.
pub const COUNTED_FOR: Duration = Duration::from_mins(1);
/// Maximum number of different refusals of one link that are recorded immediately within that time.
pub const RECORDED_AT_ONCE: usize = 16;
/// Maximum number of links whose refusals are counted at the same time. Beyond it, all counts are
/// recorded.
pub const MAX_COUNTED_LINKS: usize = 4_096;
/// Addresses of strangers that are counted apart, for each reason; the others are counted together.
pub const MAX_COUNTED_ADDRESSES: usize = 256;
/// The actor of an entry about somebody of whom nothing is known.
const STRANGER: &str = "unknown";
/// Where strangers come from that are counted together.
const OTHER_ADDRESSES: &str = "other addresses";

/// What a stranger failed to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unproven {
    /// That they have a token.
    Token,
    /// That they may call a webhook.
    Signature,
    /// That they have a link.
    Link,
}

impl Unproven {
    /// As the access log has it.
    const fn in_words(self) -> &'static str {
        match self {
            Self::Token => "the token is not valid",
            Self::Signature => "the signature of the webhook is not valid",
            Self::Link => "there is no such link",
        }
    }
}

/// The refusals that are counted.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Tallies>);

#[derive(Debug, Default)]
struct Tallies {
    links: BTreeMap<LinkKey, Tally>,
    strangers: BTreeMap<(Unproven, String), Tally>,
}

/// The share and the actor of a link.
type LinkKey = (Option<String>, String);

/// The refusals of one link, or of one address for one reason, since the first of them.
#[derive(Debug)]
struct Tally {
    until: Timestamp,
    /// Refusals that were recorded immediately.
    recorded: Vec<AccessEntry>,
    /// The last refusal that was only counted, with the count.
    counted: Option<AccessEntry>,
}

impl Tally {
    fn from(first: Timestamp) -> Self {
        Self {
            until: first.saturating_add(minute()).unwrap_or(Timestamp::MAX),
            recorded: Vec::new(),
            counted: None,
        }
    }

    fn count(&mut self, entry: AccessEntry) {
        let before = self.counted.as_ref().and_then(|counted| counted.origin.times);
        self.counted = Some(AccessEntry {
            origin: Origin {
                times: Some(before.unwrap_or_default().saturating_add(1)),
                ..entry.origin
            },
            ..entry
        });
    }
}

impl Refusals {
    /// Takes a refusal of a link in. Gives what is to be recorded now.
    fn add(&self, entry: AccessEntry) -> Vec<AccessEntry> {
        let links = &mut lock(&self.0).links;
        let key = (entry.share.clone(), entry.actor.clone());
        let is_full = links.len() >= MAX_COUNTED_LINKS && !links.contains_key(&key);
        let mut due = take_due(links, if is_full { Timestamp::MAX } else { entry.at });
        let tally = links.entry(key).or_insert_with(|| Tally::from(entry.at));
        let is_new = !tally.recorded.iter().any(|before| is_same(before, &entry));
        if is_new && tally.recorded.len() < RECORDED_AT_ONCE {
            tally.recorded.push(entry.clone());
            due.push(entry);
        } else {
            tally.count(entry);
        }
        due
    }

    /// Counts a stranger, who makes no commit of their own.
    fn add_stranger(&self, why: Unproven, from: IpAddr, what: Option<String>, now: Timestamp) {
        let strangers = &mut lock(&self.0).strangers;
        let mut key = (why, from.to_canonical().to_string());
        let counted_apart = strangers.keys().filter(|(reason, _)| *reason == why).count();
        if counted_apart >= MAX_COUNTED_ADDRESSES && !strangers.contains_key(&key) {
            OTHER_ADDRESSES.clone_into(&mut key.1);
        }
        let origin = Origin {
            from: Some(key.1.clone()),
            what,
            ..Origin::default()
        };
        let entry = AccessEntry {
            refused: Some(why.in_words().to_owned()),
            ..AccessEntry::of(AccessKind::Authenticate, STRANGER, origin, now)
        };
        strangers.entry(key).or_insert_with(|| Tally::from(now)).count(entry);
    }

    /// What was counted until `now` and has not been recorded.
    fn due(&self, now: Timestamp) -> Vec<AccessEntry> {
        let mut tallies = lock(&self.0);
        let mut due = take_due(&mut tallies.links, now);
        due.extend(take_due(&mut tallies.strangers, now));
        due
    }
}

fn minute() -> SignedDuration {
    SignedDuration::try_from(COUNTED_FOR).expect("a minute is short")
}

fn take_due<K: Ord>(tallies: &mut BTreeMap<K, Tally>, now: Timestamp) -> Vec<AccessEntry> {
    let over = tallies.extract_if(.., |_, tally| tally.until <= now);
    over.filter_map(|(_, tally)| tally.counted).collect()
}

/// Whether two refusals are about the same thing and have the same reason.
fn is_same(one: &AccessEntry, other: &AccessEntry) -> bool {
    let what = |entry: &AccessEntry| (entry.kind, entry.file.clone(), entry.refused.clone());
    what(one) == what(other)
}

impl Host {
    /// Records a refusal, immediately or together with similar ones.
    pub(super) async fn record_refusal(self: &Arc<Self>, entry: AccessEntry) -> Result<(), HostError> {
        self.metrics().accesses_refused.add(1);
        if !entry.has_link_only {
            return self.record(vec![Write::Access(entry)]).await;
        }
        let due = self.refusals.add(entry);
        self.record_all(due).await
    }

    /// Counts somebody who proved nothing, with what they asked for where that is known.
    pub fn count_stranger(&self, why: Unproven, from: IpAddr, what: Option<String>) {
        self.refusals.add_stranger(why, from, what, self.now());
    }

    /// Records the counts of refusals whose minute is over, until the host stops; then those that are left.
    pub(super) async fn run_refusals(self: Arc<Self>) {
        loop {
            let is_over = tokio::select! {
                () = self.stop.cancelled() => true,
                () = tokio::time::sleep(COUNTED_FOR) => false,
            };
            let now = if is_over { Timestamp::MAX } else { self.now() };
            if let Err(error) = self.record_all(self.refusals.due(now)).await {
                tracing::error!(%error, "counts of refused accesses are lost");
            }
            if is_over {
                return;
            }
        }
    }

    async fn record_all(self: &Arc<Self>, entries: Vec<AccessEntry>) -> Result<(), HostError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.record(entries.into_iter().map(Write::Access).collect()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn refusal(share: usize, why: &str, second: i64) -> AccessEntry {
        AccessEntry {
            at: at(second),
            actor: "link:grt_1".to_owned(),
            kind: AccessKind::Open,
            share: Some(format!("shr_{share}")),
            file: None,
            version: None,
            sha256: None,
            refused: Some(why.to_owned()),
            run: None,
            has_link_only: true,
            origin: Origin::default(),
        }
    }

    #[test]
    fn the_same_refusal_is_recorded_once_and_then_counted_for_a_minute() {
        let refusals = Refusals::default();
        assert_eq!(refusals.add(refusal(1, "revoked", 0)).len(), 1);
        for second in 1..60 {
            assert_eq!(refusals.add(refusal(1, "revoked", second)), []);
        }
        assert_eq!(refusals.due(at(59)), []);
        let due = refusals.due(at(60));
        assert_eq!(
            due.iter().map(|entry| entry.origin.times).collect::<Vec<_>>(),
            [Some(59)]
        );
        assert_eq!(refusals.due(at(60)), []);
        let anew = refusals.add(refusal(1, "revoked", 60));
        assert_eq!((anew.len(), anew[0].origin.times), (1, None));
    }

    #[test]
    fn so_many_different_refusals_of_a_link_are_recorded_at_once() {
        let refusals = Refusals::default();
        for number in 0..RECORDED_AT_ONCE {
            assert_eq!(refusals.add(refusal(1, &number.to_string(), 0)).len(), 1);
        }
        assert_eq!(refusals.add(refusal(1, "one more", 0)), []);
        assert_eq!(refusals.add(refusal(2, "another link", 0)).len(), 1);
    }

    #[test]
    fn past_so_many_links_all_counts_are_recorded() {
        let refusals = Refusals::default();
        for share in 0..MAX_COUNTED_LINKS {
            refusals.add(refusal(share, "revoked", 0));
            assert!(refusals.add(refusal(share, "revoked", 0)).is_empty(), "{share}");
        }
        let due = refusals.add(refusal(MAX_COUNTED_LINKS, "revoked", 0));
        assert_eq!(due.len(), MAX_COUNTED_LINKS + 1);
    }

    fn address(number: usize) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(u32::try_from(number).unwrap()))
    }

    #[test]
    fn so_many_addresses_are_counted_apart_and_the_others_together() {
        let refusals = Refusals::default();
        let add = |number| refusals.add_stranger(Unproven::Token, address(number), None, at(0));
        for number in 0..MAX_COUNTED_ADDRESSES {
            add(number);
        }
        add(0);
        refusals.add_stranger(Unproven::Signature, address(0), Some("sign".to_owned()), at(0));
        assert_eq!(refusals.due(at(59)), []);
        let due = refusals.due(at(60));
        assert_eq!(due.len(), MAX_COUNTED_ADDRESSES + 1, "each reason is counted apart");
        assert_eq!(
            (due[0].origin.from.as_deref(), due[0].origin.times),
            (Some("0.0.0.0"), Some(2))
        );
        for number in 0..=MAX_COUNTED_ADDRESSES + 1 {
            add(number);
        }
        let due = refusals.due(at(60));
        let others = due
            .iter()
            .find(|entry| entry.origin.from.as_deref() == Some(OTHER_ADDRESSES));
        assert_eq!(due.len(), MAX_COUNTED_ADDRESSES + 1);
        assert_eq!(others.and_then(|entry| entry.origin.times), Some(2));
        assert_eq!(refusals.due(Timestamp::MAX), []);
    }
}
