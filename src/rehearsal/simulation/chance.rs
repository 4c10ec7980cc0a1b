//! Chance from a seed: the same seed, the same course.

use super::player::{Blank, CODE, Choice, Player, Scene};
use crate::base::Value;
use jiff::SignedDuration;
use serde_json::json;

/// Of a hundred times, how often somebody lets time pass where something else could be done.
const PATIENCE: usize = 35;
/// How long somebody takes at most where nothing presses, in hours.
const LONGEST_PAUSE: i64 = 3 * 24;
/// Of so many codes, one is typed wrong.
const SLIPS: usize = 6;
/// Moments at which people do something are whole numbers of so many minutes.
const GRAIN: i64 = 5;

/// Numbers that follow from a seed: `SplitMix64`.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let drawn = self.next() % (limit.max(1) as u64);
        usize::try_from(drawn).unwrap_or_default()
    }

    /// One of these.
    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        let at = self.below(of.len());
        of.get(at)
    }
}

/// Answers at random, each after a while.
#[derive(Debug)]
pub struct AtRandom(Chance);

impl AtRandom {
    /// The answers of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(Chance::new(seed))
    }

    /// How long somebody takes: less than there is until something is due.
    fn pause(&mut self, scene: &Scene<'_>) -> SignedDuration {
        let most = scene.next.map_or(LONGEST_PAUSE * 60, |next| {
            next.at.duration_since(scene.now).as_mins() - 1
        });
        let steps = usize::try_from(most.min(LONGEST_PAUSE * 60) / GRAIN).unwrap_or_default();
        let drawn = i64::try_from(self.0.below(steps + 1)).unwrap_or_default();
        SignedDuration::from_mins(drawn * GRAIN)
    }
}

impl Player for AtRandom {
    fn choose(&mut self, scene: &Scene<'_>) -> Choice {
        let weights: usize = scene.moves.iter().map(|one| one.weight).sum();
        if scene.next.is_some() && (weights == 0 || self.0.below(100) < PATIENCE) {
            return Choice::Pass;
        }
        if weights == 0 {
            return Choice::Quit;
        }
        let mut left = self.0.below(weights);
        let chosen = scene.moves.iter().position(|one| match left.checked_sub(one.weight) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        let index = chosen.unwrap_or_default();
        let after = if scene.moves[index].is_at_once {
            SignedDuration::ZERO
        } else {
            self.pause(scene)
        };
        Choice::Do { index, after }
    }

    fn fill(&mut self, blank: &Blank) -> Option<Value> {
        if blank.name == CODE && self.0.below(SLIPS) == 0 {
            return Some(json!("another code"));
        }
        let is_given = blank.is_needed || self.0.below(2) == 0;
        blank.made_up.clone().filter(|_| is_given)
    }

    fn refused(&mut self, _why: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_one_others() {
        let drawn = |seed| {
            let mut chance = Chance::new(seed);
            [(); 8].map(|()| chance.below(1000))
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn every_number_below_the_limit_comes() {
        let mut chance = Chance::new(1);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[chance.below(5)] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.pick::<u8>(&[]), None);
    }
}
