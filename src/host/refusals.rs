//! Refusals of callers who have only a link, recorded for each link and minute with a count.
//!
//! Invariant: the refusals of one link cause a bounded number of commits in a minute. Refusals of
//! identified actors are recorded one by one.

use super::{Host, HostError, lock};
use crate::audit::{AccessEntry, Origin};
use crate::base::Timestamp;
use crate::store::Write;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Time for which refusals are counted before the count is recorded.
pub const COUNTED_FOR: Duration = Duration::from_mins(1);
/// Maximum number of different refusals of one link that are recorded immediately within that time.
pub const RECORDED_AT_ONCE: usize = 16;
/// Maximum number of links whose refusals are counted at the same time. Beyond it, all counts are
/// recorded.
pub const MAX_COUNTED_LINKS: usize = 4_096;

/// Counts of refusals, by share and actor.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<BTreeMap<(Option<String>, String), Tally>>);

/// The refusals of one link since the first of them.
#[derive(Debug)]
struct Tally {
    until: Timestamp,
    /// Refusals that were recorded immediately.
    recorded: Vec<AccessEntry>,
    /// The last refusal that was only counted, with the count.
    counted: Option<AccessEntry>,
}

impl Refusals {
    /// Counts a refusal. Returns the entries to record now.
    fn add(&self, entry: AccessEntry) -> Vec<AccessEntry> {
        let mut tallies = lock(&self.0);
        let key = (entry.share.clone(), entry.actor.clone());
        let is_full = tallies.len() >= MAX_COUNTED_LINKS && !tallies.contains_key(&key);
        let mut due = take_due(&mut tallies, if is_full { Timestamp::MAX } else { entry.at });
        let tally = tallies.entry(key).or_insert_with(|| Tally {
            until: entry.at.saturating_add(minute()).unwrap_or(Timestamp::MAX),
            recorded: Vec::new(),
            counted: None,
        });
        let is_new = !tally.recorded.iter().any(|before| is_same(before, &entry));
        if is_new && tally.recorded.len() < RECORDED_AT_ONCE {
            tally.recorded.push(entry.clone());
            due.push(entry);
            return due;
        }
        let before = tally.counted.as_ref().and_then(|counted| counted.origin.times);
        tally.counted = Some(AccessEntry {
            origin: Origin {
                times: Some(before.unwrap_or_default().saturating_add(1)),
                ..entry.origin
            },
            ..entry
        });
        due
    }

    /// The counts whose minute is over at `now`.
    fn due(&self, now: Timestamp) -> Vec<AccessEntry> {
        take_due(&mut lock(&self.0), now)
    }
}

fn minute() -> SignedDuration {
    SignedDuration::try_from(COUNTED_FOR).expect("a minute is short")
}

fn take_due(tallies: &mut BTreeMap<(Option<String>, String), Tally>, now: Timestamp) -> Vec<AccessEntry> {
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

    /// Records counts whose minute is over, until the host stops; then records the remaining ones.
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
    use crate::audit::AccessKind;

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
}
