//! The engine under a seeded simulator: virtual time, a world that fails, hangs and answers twice,
//! a process that dies between any two writes, clocks that step, people who click twice.
//!
//! `SEED=n cargo test --test sim -- --nocapture` runs one seed and prints its journal;
//! `SEEDS=n cargo test --test sim` runs as many.

mod checks;
mod coverage;
mod deeds;
mod driver;
mod flows;
mod generate;
#[cfg(feature = "runtime")]
mod host;
mod pool;
mod rng;
mod schedule;
mod world;

use driver::{Marks, Sim};
use schedule::{Crash, Schedule};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

/// Seeds of a usual run.
const SEEDS: u64 = 2_000;

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn simulate(seed: u64) -> Sim<'static> {
    let mut sim = Sim::new(pool::flow_of(seed), Schedule::of(seed));
    sim.run();
    checks::check(&sim);
    coverage::note(&mut sim);
    sim
}

/// Runs the seeds on all cores. Gives in how many of them each kind of trouble came about. `filter`
/// is what names the test on the command line.
fn on_all_cores(seeds: u64, filter: &str, run: fn(u64) -> Marks) -> Marks {
    LazyLock::force(&pool::POOL);
    let next = AtomicU64::new(0);
    let marks: Mutex<Marks> = Mutex::new(Marks::new());
    let failed: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    match catch_unwind(|| run(seed)) {
                        Ok(found) => {
                            let mut marks = marks.lock().expect("nobody panics with it");
                            for name in found.into_keys() {
                                *marks.entry(name).or_insert(0) += 1;
                            }
                        }
                        Err(_) => failed.lock().expect("nobody panics with it").push(seed),
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("nobody panics with it");
    failed.sort_unstable();
    if let Some(seed) = failed.first() {
        panic!(
            "{} seeds fail, {:?}; the first: SEED={seed} cargo test --test sim{filter} -- --nocapture",
            failed.len(),
            &failed[..failed.len().min(20)]
        );
    }
    marks.into_inner().expect("nobody panics with it")
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_or_done_twice() {
    if let Some(seed) = number("SEED") {
        let mut sim = Sim::new(pool::flow_of(seed), Schedule::of(seed));
        println!("{}\n{:#?}", sim.flow.text, sim.schedule);
        let ran = catch_unwind(AssertUnwindSafe(|| sim.run()));
        for record in &sim.journal {
            println!("{}", serde_json::to_string(record).expect("it can be written"));
        }
        println!("{:#?}\n{:?}", sim.world.ledger, sim.marks);
        if let Err(panic) = ran {
            std::panic::resume_unwind(panic);
        }
        return checks::check(&sim);
    }
    let asked = number("SEEDS").unwrap_or(SEEDS);
    let marks = on_all_cores(asked, " whatever", |seed| simulate(seed).marks);
    // what is rare need not happen among few
    if asked < SEEDS {
        println!("{asked} seeds: {marks:?}");
        return;
    }
    coverage::check(&marks, asked);
    let expected = [
        "answer lost",
        "answer to a dead process",
        "call answered twice",
        "call done",
        "call hung",
        "call impossible",
        "call late",
        "call refused",
        "cancelled",
        "child cancelled",
        "child ended",
        "act done before",
        "act refused",
        "clock stepped back",
        "clock stepped on",
        "crash after a write",
        "crash before a write",
        "decision on what rests",
        "decision on what somebody else has taken",
        "decision refused",
        "decision without an answer",
        "event sent again",
        "in doubt after a crash",
        "incident",
        "outcome by hand",
        "second answer",
        "second decision refused",
        "somebody moved",
        "value given from outside",
    ];
    for name in expected {
        let seeds = marks.get(name).copied().unwrap_or(0);
        assert!(
            seeds >= asked / 200,
            "only {seeds} of {asked} seeds had {name:?}: {marks:?}"
        );
    }
}

/// The process dies before and after every single write of runs of the flows that were written by hand.
#[test]
fn a_crash_before_or_after_any_write_changes_nothing_that_counts() {
    let mut crashes = 0;
    for at in 0..pool::WRITTEN {
        let mut schedule = Schedule::of(at);
        schedule.crashes.clear();
        let flow = pool::flow_of(at * 3);
        let run = |schedule: &Schedule| {
            let mut sim = Sim::new(flow, schedule.clone());
            sim.run();
            checks::check(&sim);
            sim
        };
        for write in 1..=run(&schedule).writes {
            for after in [false, true] {
                let mut schedule = schedule.clone();
                let down_ms = 40_000;
                schedule.crashes = vec![Crash { write, after, down_ms }];
                crashes += u64::from(run(&schedule).marks.keys().any(|mark| mark.starts_with("crash")));
            }
        }
    }
    assert!(crashes > 200, "only {crashes} crashes");
}

#[test]
fn the_same_seed_gives_the_same_journal_and_the_same_effects() {
    for seed in (0..SEEDS).step_by(29) {
        let (first, second) = (simulate(seed), simulate(seed));
        assert_eq!(first.journal, second.journal, "seed {seed}");
        assert_eq!(first.world, second.world, "seed {seed}");
    }
}

/// Breaks a finished run in one way.
type Break = fn(&mut Sim<'static>);

/// A check that cannot fail proves nothing: each of them has to find what it is for.
#[test]
fn the_checks_find_what_they_are_for() {
    let breaks: [(&str, Break); 7] = [
        ("an effect twice", |sim| {
            let effect = sim.world.ledger[0].clone();
            sim.world.ledger.push(effect);
        }),
        ("an effect nobody announced", |sim| {
            sim.world.ledger[0].key = "run_1:nothing:1".to_owned();
        }),
        ("a share that lives on", |sim| {
            sim.world.alive.insert("shr_left".to_owned());
        }),
        ("a gap", |sim| {
            sim.journal.remove(3);
        }),
        ("time that goes back", |sim| {
            let last = sim.journal.len() - 1;
            sim.journal[last].at = sim.journal[0].at - jiff::SignedDuration::from_secs(1);
        }),
        ("no end", |sim| {
            sim.journal.pop();
        }),
        ("another state than replay's", |sim| {
            sim.journal[0].at -= jiff::SignedDuration::from_secs(1);
        }),
    ];
    // A run of the review without faults that has every kind of event to break.
    let seed = (0..SEEDS)
        .step_by(12)
        .find(|seed| simulate(*seed).journal.len() > 20)
        .expect("there is one");
    for (name, break_it) in breaks {
        let mut sim = simulate(seed);
        break_it(&mut sim);
        let found = catch_unwind(AssertUnwindSafe(|| checks::check(&sim)));
        assert!(found.is_err(), "no check finds {name}");
    }
}
