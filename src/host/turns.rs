//! Turns at a link that was tried too often: one password or code is looked at in a while, whoever gives it.
//!
//! Wrong tries are counted by network, which refuses that network alone. What many networks try together is slowed here
//! and not refused, so that they cannot keep the rightful user out. Whoever has failed least goes first, and among equals
//! it is drawn: a network that fails makes room for those that have not.

use super::lock;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Time between two tries at one link, once it takes turns: a hundred in a quarter of an hour.
pub const TRY_PACE: Duration = Duration::from_secs(9);
/// Longest time that a try waits for its turn: less than requests may take.
pub const TURN_WAIT_MAX: Duration = Duration::from_secs(20);
/// Most tries that wait for a turn at one link. A newer one takes the place of one that has failed more. It is less than
/// the requests that a link may have open, so that those who wait take no room from others.
pub const WAITING_MAX: usize = 8;
/// Links that are remembered before those at which nobody waits are forgotten.
const REMEMBERED: usize = 1_024;

/// Who waits where.
#[derive(Default)]
pub(super) struct Turns {
    lines: Mutex<HashMap<String, Line>>,
    /// Somebody has had a turn, or has gone.
    moved: Notify,
    count: AtomicU64,
    draw: RandomState,
}

/// Who waits at one link.
struct Line {
    /// From when on the next one has a turn.
    next: Instant,
    waiting: BTreeSet<Place>,
}

/// A place in a line: the one that has failed least is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    failures: u32,
    drawn: u64,
}

/// Gives a place back, also where whoever waits goes away.
struct Waiting<'t> {
    turns: &'t Turns,
    link: &'t str,
    place: Place,
}

/// What somebody who waits is told.
enum Told {
    /// It is their turn.
    Go,
    /// Somebody took their place.
    Gone,
    /// Not yet; it may be then.
    Wait(Instant),
}

impl Turns {
    /// Waits for a turn at `link`, for somebody who has failed so often there. Seconds to wait before another try where
    /// there is none in time.
    pub(super) async fn wait(&self, link: &str, failures: u32) -> Result<(), u64> {
        let place = Place {
            failures,
            drawn: self.draw.hash_one(self.count.fetch_add(1, Ordering::Relaxed)),
        };
        let until = Instant::now() + TURN_WAIT_MAX;
        if !self.enter(link, place) {
            return Err(TRY_PACE.as_secs());
        }
        let waiting = Waiting {
            turns: self,
            link,
            place,
        };
        loop {
            let moved = self.moved.notified();
            match waiting.look() {
                Told::Go => return Ok(()),
                Told::Gone => return Err(TRY_PACE.as_secs()),
                Told::Wait(_) if Instant::now() >= until => return Err(TRY_PACE.as_secs()),
                Told::Wait(next) => {
                    tokio::select! {
                        () = moved => {}
                        () = tokio::time::sleep_until(next.min(until)) => {}
                    }
                }
            }
        }
    }

    /// Takes a place in the line; `false` where all are taken by those who have failed less.
    fn enter(&self, link: &str, place: Place) -> bool {
        let mut lines = lock(&self.lines);
        let now = Instant::now();
        if lines.len() >= REMEMBERED {
            lines.retain(|_, line| !line.waiting.is_empty() || line.next > now);
        }
        let line = lines.entry(link.to_owned()).or_insert_with(|| Line {
            next: now,
            waiting: BTreeSet::new(),
        });
        if line.waiting.len() >= WAITING_MAX {
            let is_better = line.waiting.last().is_some_and(|last| place < *last);
            if !is_better {
                return false;
            }
            line.waiting.pop_last();
            self.moved.notify_waiters();
        }
        line.waiting.insert(place);
        true
    }
}

impl Waiting<'_> {
    fn look(&self) -> Told {
        let mut lines = lock(&self.turns.lines);
        let Some(line) = lines.get_mut(self.link) else {
            return Told::Gone;
        };
        if !line.waiting.contains(&self.place) {
            return Told::Gone;
        }
        let now = Instant::now();
        let is_first = line.waiting.first() == Some(&self.place);
        if is_first && now >= line.next {
            line.next = now + TRY_PACE;
            return Told::Go;
        }
        // who is not first is woken when the one before has gone
        Told::Wait(if is_first { line.next } else { now + TURN_WAIT_MAX })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(line) = lock(&self.turns.lines).get_mut(self.link) {
            line.waiting.remove(&self.place);
        }
        self.turns.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Lets so many wait who have failed so often; gives how each fared, in the order in which they were answered.
    async fn answered(turns: &Arc<Turns>, failures: impl IntoIterator<Item = u32>) -> Vec<(u32, bool, u64)> {
        let began = Instant::now();
        let mut tries = tokio::task::JoinSet::new();
        for failures in failures {
            let turns = Arc::clone(turns);
            tries.spawn(async move {
                let had_turn = turns.wait("link", failures).await.is_ok();
                (failures, had_turn, began.elapsed().as_secs())
            });
        }
        let mut all = Vec::new();
        while let Some(one) = tries.join_next().await {
            all.push(one.unwrap());
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn one_try_is_let_in_at_a_time_and_who_has_failed_least_goes_first() {
        let turns = Arc::<Turns>::default();
        assert_eq!(turns.wait("link", 9).await, Ok(()), "nobody else is there");
        let all = answered(&turns, [9, 0, 9, 5]).await;
        let pace = TRY_PACE.as_secs();
        assert_eq!(all[..2], [(0, true, pace), (5, true, 2 * pace)]);
        assert!(
            all[2..]
                .iter()
                .all(|(_, had_turn, at)| !had_turn && *at == TURN_WAIT_MAX.as_secs())
        );
        assert_eq!(turns.wait("another link", 9).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_has_not_failed_finds_a_place_however_many_wait() {
        let turns = Arc::<Turns>::default();
        turns.wait("link", 0).await.unwrap();
        let crowd = answered(&turns, std::iter::repeat_n(3, WAITING_MAX + 1)).await;
        assert_eq!(crowd[0].2, 0, "the one too many is told at once");
        let (mut all, turns) = (Vec::new(), Arc::<Turns>::default());
        turns.wait("link", 0).await.unwrap();
        all.extend(answered(&turns, std::iter::repeat_n(3, WAITING_MAX).chain([0])).await);
        assert!(all.contains(&(0, true, TRY_PACE.as_secs())), "{all:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_holds_up_nobody() {
        let turns = Arc::<Turns>::default();
        turns.wait("link", 0).await.unwrap();
        let gone = tokio::time::timeout(Duration::from_secs(1), turns.wait("link", 0)).await;
        assert!(gone.is_err());
        assert_eq!(turns.wait("link", 5).await, Ok(()));
    }
}
