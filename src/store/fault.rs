//! Named points at which a crash test kills the process, between any two things that are not
//! one durable step, or lets something fail.
//!
//! Invariant: a point that is not armed costs one relaxed load and does nothing. Points are
//! armed once, at process start, by the command line alone.

use std::io::{self, ErrorKind};
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

/// Points at which something fails instead, as if the disk had refused it.
pub const FAILURES: &[&str] = &[
    "blob-create-fails",
    "blob-write-fails",
    "blob-sync-fails",
    "blob-rename-fails",
    "blob-open-fails",
    "blob-read-fails",
    "store-write-fails",
    "store-commit-fails",
    "store-read-fails",
];

/// The errors with which a point of [`FAILURES`] that concerns a file can fail, by their names.
pub const ERRORS: &[(&str, ErrorKind)] = &[
    ("EIO", ErrorKind::Other),
    ("EROFS", ErrorKind::ReadOnlyFilesystem),
    ("EACCES", ErrorKind::PermissionDenied),
    ("ENOSPC", ErrorKind::StorageFull),
    ("EDQUOT", ErrorKind::QuotaExceeded),
    ("EFBIG", ErrorKind::FileTooLarge),
];

/// Why nothing was armed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The text is not `NAME`, `NAME:N` or `NAME:N=ERROR`.
    #[error("{0:?} is not a fault point: write NAME, NAME:N or NAME:N=ERROR, N from 1, and commas between several")]
    Malformed(String),
    /// No point has this name.
    #[error("there is no fault point {0:?}; there are {list}", list = [POINTS, FAILURES].concat().join(", "))]
    Unknown(String),
    /// One is armed already.
    #[error("a fault point is armed already")]
    Twice,
}

#[derive(Debug)]
struct Armed {
    name: &'static str,
    passes_left: AtomicU64,
    error: ErrorKind,
}

static IS_ARMED: AtomicBool = AtomicBool::new(false);
static ARMED: OnceLock<Vec<Armed>> = OnceLock::new();

/// Arms points, with commas between them: at the `N`th pass of `NAME:N` the process dies as if its power was cut, or
/// what is done there fails, with the error that `=` names.
pub fn arm(spec: &str) -> Result<(), FaultError> {
    let armed = spec.split(',').map(read).collect::<Result<_, _>>()?;
    ARMED.set(armed).map_err(|_| FaultError::Twice)?;
    IS_ARMED.store(true, Ordering::Release);
    Ok(())
}

fn read(spec: &str) -> Result<Armed, FaultError> {
    let malformed = || FaultError::Malformed(spec.to_owned());
    let (place, error) = match spec.split_once('=') {
        Some((place, error)) => (place, Some(error)),
        None => (spec, None),
    };
    let (name, pass) = place.split_once(':').unwrap_or((place, "1"));
    let pass: u64 = pass.parse().map_err(|_| malformed())?;
    if name.is_empty() || pass == 0 {
        return Err(malformed());
    }
    let known = POINTS.iter().chain(FAILURES).find(|point| **point == name);
    let name = known.ok_or_else(|| FaultError::Unknown(name.to_owned()))?;
    let kind = |error: &str| ERRORS.iter().find(|(known, _)| *known == error).map(|(_, kind)| *kind);
    let error = error.map_or(Some(ErrorKind::Other), kind).ok_or_else(malformed)?;
    Ok(Armed {
        name,
        passes_left: AtomicU64::new(pass),
        error,
    })
}

/// Dies here, if this is an armed point and the pass is the armed one.
#[inline]
pub fn point(name: &str) {
    if IS_ARMED.load(Ordering::Relaxed) {
        pass(name);
    }
}

/// Whether what is done here shall fail, if this is an armed point and the pass is the armed one.
#[inline]
pub fn fails(name: &str) -> bool {
    IS_ARMED.load(Ordering::Relaxed) && armed_error(name).is_some()
}

/// Fails with the error of the armed point, if this is one and the pass is the armed one.
#[inline]
pub fn io(name: &str) -> io::Result<()> {
    if IS_ARMED.load(Ordering::Relaxed)
        && let Some(error) = armed_error(name)
    {
        return Err(error.into());
    }
    Ok(())
}

#[cold]
fn pass(name: &str) {
    if armed_error(name).is_some() {
        tracing::error!(name, "dying at a fault point");
        std::process::abort();
    }
}

/// The error of the point whose armed pass this is. Each pass counts for every armed point of this name.
#[cold]
fn armed_error(name: &str) -> Option<ErrorKind> {
    let armed = ARMED.get()?.iter().filter(|armed| armed.name == name);
    let due = armed.filter(|armed| armed.passes_left.fetch_sub(1, Ordering::Relaxed) == 1);
    due.last().map(|armed| armed.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_name_with_or_without_a_pass() {
        for (spec, expected) in [
            ("store-before-commit", ("store-before-commit", 1, ErrorKind::Other)),
            ("blob-synced:7", ("blob-synced", 7, ErrorKind::Other)),
            (
                "blob-write-fails:2=EROFS",
                ("blob-write-fails", 2, ErrorKind::ReadOnlyFilesystem),
            ),
        ] {
            let armed = read(spec).unwrap();
            let passes = armed.passes_left.load(Ordering::Relaxed);
            assert_eq!((armed.name, passes, armed.error), expected, "{spec}");
        }
    }

    #[test]
    fn refuses_what_would_never_fire() {
        for spec in [
            "",
            ":1",
            "blob-synced:0",
            "blob-synced:",
            "blob-synced:x",
            "blob-synced:1=E",
        ] {
            assert_eq!(
                read(spec).unwrap_err(),
                FaultError::Malformed(spec.to_owned()),
                "{spec}"
            );
        }
        assert_eq!(
            read("nowhere:1").unwrap_err(),
            FaultError::Unknown("nowhere".to_owned())
        );
    }

    #[test]
    fn every_point_has_its_own_name() {
        let all = [POINTS, FAILURES].concat();
        let names: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(names.len(), all.len());
    }
}
