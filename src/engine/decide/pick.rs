//! Whom a task is given to, of those asked. The host knows who has how much to do; the run's seed is
//! the only chance.

use super::super::work::{Assignment, Load};
use crate::plan::Pick;
use sha2::{Digest, Sha256};
use std::cmp::Reverse;

/// The person out of `people` (never empty), in their order. Of equals the first. `name` is another one for
/// each task of a run, and the same where the run is played again.
pub(super) fn picked<'p>(
    pick: Pick,
    people: &'p [String],
    assignment: &Assignment,
    seed: u64,
    name: &str,
) -> Option<&'p String> {
    let load = |person: &String| assignment.load.iter().find(|load| load.person == *person);
    match pick {
        Pick::Random => {
            let at = chance(seed, name) % u64::try_from(people.len()).ok()?.max(1);
            people.get(usize::try_from(at).ok()?)
        }
        Pick::ShortestQueue => people
            .iter()
            .min_by_key(|person| load(person).map_or(0, |load| load.open)),
        Pick::MostExperienced => {
            let done = |person: &String| load(person).map_or(0, |load| load.done);
            people.iter().min_by_key(|person| std::cmp::Reverse(done(person)))
        }
        // Whoever never got one comes before everybody who did.
        Pick::RoundRobin => people
            .iter()
            .min_by_key(|person| load(person).and_then(since).map(Reverse)),
    }
}

const fn since(load: &Load) -> Option<u32> {
    load.since
}

/// The same for the same seed and task.
fn chance(seed: u64, name: &str) -> u64 {
    let mut digest = Sha256::new();
    digest.update(seed.to_be_bytes());
    digest.update(name.as_bytes());
    let bytes = digest.finalize();
    bytes
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Vec<String> {
        ["user:a", "user:b", "user:c"].map(str::to_owned).to_vec()
    }

    fn of(pick: Pick, load: &[(&str, u32, Option<u32>)]) -> String {
        let load = load.iter().map(|(person, open, since)| Load {
            person: format!("user:{person}"),
            open: *open,
            since: *since,
            done: *open,
        });
        let assignment = Assignment {
            load: load.collect(),
            ..Assignment::default()
        };
        let people = people();
        picked(pick, &people, &assignment, 7, "work#1").unwrap().clone()
    }

    #[test]
    fn the_shortest_queue_is_that_of_who_has_least_and_of_equals_the_first() {
        assert_eq!(
            of(Pick::ShortestQueue, &[("a", 2, None), ("b", 1, None), ("c", 1, None)]),
            "user:b"
        );
        assert_eq!(of(Pick::ShortestQueue, &[("a", 2, None), ("b", 1, None)]), "user:c");
        assert_eq!(of(Pick::ShortestQueue, &[]), "user:a");
    }

    #[test]
    fn the_round_goes_on_to_who_waited_longest() {
        let (early, late) = (Some(7), Some(0));
        assert_eq!(
            of(Pick::RoundRobin, &[("a", 0, early), ("b", 9, early), ("c", 0, late)]),
            "user:a"
        );
        assert_eq!(
            of(Pick::RoundRobin, &[("a", 0, late), ("b", 9, early), ("c", 0, late)]),
            "user:b"
        );
        assert_eq!(of(Pick::RoundRobin, &[("a", 0, late), ("b", 9, early)]), "user:c");
    }

    #[test]
    fn the_most_experienced_is_who_answered_most_often_and_of_equals_the_first() {
        let of = |done: &[(&str, u32, Option<u32>)]| of(Pick::MostExperienced, done);
        assert_eq!(of(&[("a", 1, None), ("b", 2, None), ("c", 2, None)]), "user:b");
        assert_eq!(of(&[("c", 1, None)]), "user:c");
        assert_eq!(of(&[]), "user:a");
    }

    #[test]
    fn chance_follows_from_the_seed_and_meets_everybody() {
        let people = people();
        let of = |seed: u64| picked(Pick::Random, &people, &Assignment::default(), seed, "work#1").unwrap();
        assert_eq!(of(1), of(1));
        let met: std::collections::BTreeSet<&String> = (0..50).map(of).collect();
        assert_eq!(met.len(), 3);
    }
}
