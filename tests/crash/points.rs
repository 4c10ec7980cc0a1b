//! Stories, with the process killed at every pass of every fault point.

use super::story::{Played, Story, play};
use super::{onboarding, review};
use gatefold::store::fault::POINTS;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Servers at once.
const WORKERS: usize = 4;
/// More passes than any point has in one story; a point that has more is a mistake of these tests.
const PASSES_MAX: usize = 90;
/// Where the process stops while it is not known whether something outside happened: a mail or a call that
/// cannot be repeated is left to a person then.
const IN_DOUBT: [&str; 4] = [
    "host-before-call",
    "host-after-call",
    "mail-before-send",
    "mail-after-send",
];
/// A mail leaves beside whatever the run does, and a call may be under way beside both: so many things may be
/// in doubt after any death.
const IN_DOUBT_MAX: usize = 2;

#[test]
fn a_review_ends_the_same_wherever_the_process_is_killed() {
    let template = tempfile::tempdir().expect("a folder");
    let story = runtime().block_on(review::prepare(template.path()));
    let kills = kill_everywhere(&story, template.path());
    println!("kills by fault point: {kills:?}");
}

/// A run of another flow and a checklist.
#[test]
fn an_onboarding_ends_the_same_wherever_the_process_is_killed() {
    let template = tempfile::tempdir().expect("a folder");
    let story = runtime().block_on(onboarding::prepare(template.path()));
    let kills = kill_everywhere(&story, template.path());
    println!("kills by fault point: {kills:?}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Plays the story once soundly, and once for every pass of every point that it has. Gives how many each has.
fn kill_everywhere<S: Story>(story: &S, template: &Path) -> Vec<(&'static str, usize)> {
    let attempt = |fault: Option<&str>| -> Played<S::Ending> {
        let data = tempfile::tempdir().expect("a folder");
        copy(template, data.path());
        runtime().block_on(play(story, data.path(), fault))
    };
    let sound = attempt(None);
    assert_eq!((sound.died, sound.doubts), (false, 0));
    let next = AtomicUsize::new(0);
    let kills = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(point) = POINTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let count = kill_at_every_pass(point, &sound.ending, &attempt);
                    kills.lock().expect("no worker panicked").push((*point, count));
                }
            });
        }
    });
    let mut kills = kills.into_inner().expect("no worker panicked");
    kills.sort_unstable();
    let never: Vec<_> = kills.iter().filter(|(_, count)| *count == 0).collect();
    assert!(never.is_empty(), "the story never passes {never:?}");
    kills
}

/// Kills at the first pass, the second, … until the story has no such pass; gives their number.
fn kill_at_every_pass<E: PartialEq + std::fmt::Debug>(
    point: &str,
    sound: &E,
    attempt: &impl Fn(Option<&str>) -> Played<E>,
) -> usize {
    for pass in 1..=PASSES_MAX {
        let fault = format!("{point}:{pass}");
        let played = attempt(Some(&fault));
        assert_eq!(played.ending, *sound, "GATEFOLD_FAULT={fault}");
        if !played.died {
            return pass - 1;
        }
        let expected = usize::from(IN_DOUBT.contains(&point))..=IN_DOUBT_MAX;
        assert!(
            expected.contains(&played.doubts),
            "GATEFOLD_FAULT={fault}: {} things were in doubt, and {expected:?} should have been",
            played.doubts
        );
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
