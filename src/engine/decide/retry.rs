//! How long to pause before another try.

use super::super::work::WorkKey;
use crate::plan::Retry;
use jiff::SignedDuration;

/// The pause after the `failed`th failure in a row: it grows by the factor up to the longest, and
/// 50 to 100 % of it are taken, always the same for the same seed, work and try, so that many runs
/// that failed together do not come back together.
pub(super) fn pause(retry: &Retry, failed: u32, seed: u64, key: &WorkKey, attempt: u32) -> SignedDuration {
    let exponent = i32::try_from(failed.saturating_sub(1)).unwrap_or(i32::MAX);
    #[allow(clippy::cast_precision_loss, reason = "a pause of centuries may be off by some")]
    let (backoff, longest) = (retry.backoff_ms as f64, retry.max_ms as f64);
    let grown = (backoff * retry.factor.powi(exponent)).min(longest).max(0.0);
    let share = 0.5 + 0.5 * fraction(seed, key, attempt);
    #[allow(clippy::cast_possible_truncation, reason = "the pause is bounded by `max_ms`")]
    let pause_ms = (grown * share).round() as i64;
    SignedDuration::from_millis(pause_ms)
}

/// A number from 0 to 1 that follows from its arguments: FNV-1a, stirred by splitmix64.
fn fraction(seed: u64, key: &WorkKey, attempt: u32) -> f64 {
    let bytes = key.0.bytes().chain(attempt.to_le_bytes()).chain(seed.to_le_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    let top = u32::try_from(hash >> 32).expect("32 bits are left");
    f64::from(top) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        attempts: 9,
        backoff_ms: 1_000,
        factor: 2.0,
        max_ms: 10_000,
    };

    #[test]
    fn it_grows_up_to_the_longest_and_stays_between_half_and_whole() {
        for seed in 0..50 {
            for (failed, whole) in [
                (1, 1_000),
                (2, 2_000),
                (3, 4_000),
                (4, 8_000),
                (5, 10_000),
                (500, 10_000),
            ] {
                let pause = pause(&RETRY, failed, seed, &WorkKey("run:a:1".into()), failed).as_millis();
                assert!((whole / 2..=whole).contains(&pause), "{failed}: {pause}");
            }
        }
    }

    #[test]
    fn it_is_the_same_for_the_same_and_differs_otherwise() {
        let of = |seed, key: &str, attempt| pause(&RETRY, 5, seed, &WorkKey(key.into()), attempt);
        assert_eq!(of(1, "run:a:1", 1), of(1, "run:a:1", 1));
        assert_ne!(of(1, "run:a:1", 1), of(2, "run:a:1", 1));
        assert_ne!(of(1, "run:a:1", 1), of(1, "run:b:1", 1));
        assert_ne!(of(1, "run:a:1", 1), of(1, "run:a:1", 2));
    }
}
