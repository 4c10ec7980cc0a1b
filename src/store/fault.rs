//! Named points at which a crash test kills the process, between any two things that are not
//! one durable step, or lets something fail.
//!
//! Invariant: a point that is not armed costs one relaxed load and does nothing. Points are
//! armed once, at process start, by the command line alone.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Every point there is, in the order in which an upload and a decision pass them. A crash test
/// walks through this list.
pub const POINTS: &[&str] = &[
    "blob-temp-written",
    "blob-synced",
    "blob-renamed",
    "store-before-commit",
    "store-after-commit",
    "host-before-call",
    "host-after-call",
    "host-before-delivery",
    "host-after-delivery",
    "mail-before-send",
    "mail-after-send",
];

/// Points at which an operation fails, as if the disk had refused it.
pub const FAILURES: &[&str] = &["store-commit-fails"];

/// Why nothing was armed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The text is not `NAME` or `NAME:N`.
    #[error("{0:?} is not a fault point: write NAME or NAME:N, N from 1")]
    Malformed(String),
    /// No point has this name.
    #[error("there is no fault point {0:?}; there are {list}", list = [POINTS, FAILURES].concat().join(", "))]
    Unknown(String),
    /// One is armed already.
    #[error("a fault point is armed already")]
    Twice,
}

struct Armed {
    name: &'static str,
    passes_left: AtomicU64,
}

static IS_ARMED: AtomicBool = AtomicBool::new(false);
static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms one point: at the `N`th pass of `NAME:N` the process dies as if its power was cut.
pub fn arm(spec: &str) -> Result<(), FaultError> {
    let (name, pass) = read(spec)?;
    let armed = Armed {
        name,
        passes_left: AtomicU64::new(pass),
    };
    ARMED.set(armed).map_err(|_| FaultError::Twice)?;
    IS_ARMED.store(true, Ordering::Release);
    Ok(())
}

fn read(spec: &str) -> Result<(&'static str, u64), FaultError> {
    let malformed = || FaultError::Malformed(spec.to_owned());
    let (name, pass) = spec.split_once(':').unwrap_or((spec, "1"));
    let pass: u64 = pass.parse().map_err(|_| malformed())?;
    if name.is_empty() || pass == 0 {
        return Err(malformed());
    }
    let known = POINTS.iter().chain(FAILURES).find(|point| **point == name);
    let name = known.ok_or_else(|| FaultError::Unknown(name.to_owned()))?;
    Ok((name, pass))
}

/// Dies here, if this is the armed point and the pass is the armed one.
#[inline]
pub fn point(name: &str) {
    if IS_ARMED.load(Ordering::Relaxed) {
        pass(name);
    }
}

/// Whether the operation here must fail, because this is the armed point and the armed pass.
#[inline]
pub fn fails(name: &str) -> bool {
    IS_ARMED.load(Ordering::Relaxed) && is_armed_pass(name)
}

#[cold]
fn pass(name: &str) {
    if is_armed_pass(name) {
        tracing::error!(name, "dying at a fault point");
        std::process::abort();
    }
}

#[cold]
fn is_armed_pass(name: &str) -> bool {
    ARMED
        .get()
        .filter(|armed| armed.name == name)
        .is_some_and(|armed| armed.passes_left.fetch_sub(1, Ordering::Relaxed) == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_name_with_or_without_a_pass() {
        assert_eq!(read("store-before-commit"), Ok(("store-before-commit", 1)));
        assert_eq!(read("blob-synced:7"), Ok(("blob-synced", 7)));
    }

    #[test]
    fn refuses_what_would_never_fire() {
        for spec in ["", ":1", "blob-synced:0", "blob-synced:", "blob-synced:x"] {
            assert_eq!(read(spec), Err(FaultError::Malformed(spec.to_owned())), "{spec}");
        }
        assert_eq!(read("nowhere:1"), Err(FaultError::Unknown("nowhere".to_owned())));
    }

    #[test]
    fn every_point_has_its_own_name() {
        let all = [POINTS, FAILURES].concat();
        let names: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(names.len(), all.len());
    }
}
