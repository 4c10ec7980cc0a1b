//! The review, with the process killed at every pass of every fault point.

use super::review::{Ending, play, prepare};
use gatefold::store::fault::POINTS;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Servers at once.
const WORKERS: usize = 4;
/// More passes than any point has in one review; a point that has more is a mistake of this test.
const PASSES_MAX: usize = 60;

#[test]
fn a_review_ends_the_same_wherever_the_process_is_killed() {
    let template = tempfile::tempdir().expect("a folder");
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let (cast, document) = runtime().block_on(prepare(template.path()));
    let attempt = |fault: Option<&str>| -> (Ending, bool) {
        let data = tempfile::tempdir().expect("a folder");
        copy(template.path(), data.path());
        runtime().block_on(play(data.path(), &cast, &document, fault))
    };
    let (sound, _) = attempt(None);
    let next = AtomicUsize::new(0);
    let kills = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(point) = POINTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let count = kill_at_every_pass(point, &sound, &attempt);
                    kills.lock().expect("no worker panicked").push((*point, count));
                }
            });
        }
    });
    let mut kills = kills.into_inner().expect("no worker panicked");
    kills.sort_unstable();
    println!("kills by fault point: {kills:?}");
    let never: Vec<_> = kills.iter().filter(|(_, count)| *count == 0).collect();
    assert!(never.is_empty(), "the review never passes {never:?}");
}

/// Kills at the first pass, the second, … until the review has no such pass; gives their number.
fn kill_at_every_pass(point: &str, sound: &Ending, attempt: &impl Fn(Option<&str>) -> (Ending, bool)) -> usize {
    for pass in 1..=PASSES_MAX {
        let fault = format!("{point}:{pass}");
        let (ending, died) = attempt(Some(&fault));
        assert_eq!(ending, *sound, "GATEFOLD_FAULT={fault}");
        if !died {
            return pass - 1;
        }
    }
    panic!("{point} is passed more than {PASSES_MAX} times");
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the entry can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).expect("it can be made");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("it can be copied");
        }
    }
}
