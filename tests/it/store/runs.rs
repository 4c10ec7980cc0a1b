//! Runs and their journals.

use super::samples::{access, at, conflict, done, event, inbound, of_run, of_writes, progress, run_row};
use gatefold::audit::AccessEntry;
use gatefold::base::id::RunId;
use gatefold::engine::InboundEvent;
use gatefold::store::{CommitError, RunCommit, RunFilter, RunStatus, Store, StoreError, Write};
use jiff::SignedDuration;
use std::sync::Arc;

pub async fn a_run_grows_by_its_events(store: &Arc<dyn Store>) {
    let id = RunId::from("run_1");
    assert_eq!(store.run(&id).await, Ok(None));
    done(&**store, of_run(progress("run_1", 0, 3))).await;
    done(&**store, of_run(progress("run_2", 0, 2))).await;
    done(&**store, of_run(progress("run_1", 3, 4))).await;
    let journal = store.journal(&id, 0, 100).await.unwrap();
    assert_eq!(journal, (1..=4).map(|seq| event("run_1", seq)).collect::<Vec<_>>());
    assert_eq!(store.run(&id).await, Ok(Some(run_row("run_1", 4))));
    let untouched = RunCommit {
        events: Vec::new(),
        row: gatefold::store::RunRow {
            busy: true,
            ..run_row("run_1", 4)
        },
    };
    done(&**store, of_run(untouched.clone())).await;
    assert_eq!(store.run(&id).await, Ok(Some(untouched.row)));
    assert_eq!(store.journal(&id, 0, 100).await.unwrap().len(), 4);
}

pub async fn a_gap_or_a_repetition_is_refused(store: &Arc<dyn Store>) {
    assert_eq!(
        store.commit(of_run(progress("run_1", 1, 2))).await,
        conflict("run run_1")
    );
    done(&**store, of_run(progress("run_1", 0, 2))).await;
    for (before, seq) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (3, 4), (7, 9)] {
        let answer = store.commit(of_run(progress("run_1", before, seq))).await;
        assert_eq!(answer, conflict("run run_1"), "events {before} to {seq}");
    }
    let nothing_new = RunCommit {
        events: Vec::new(),
        row: run_row("run_1", 1),
    };
    assert_eq!(store.commit(of_run(nothing_new)).await, conflict("run run_1"));
    let journal = store.journal(&RunId::from("run_1"), 0, 100).await.unwrap();
    assert_eq!(journal, [event("run_1", 1), event("run_1", 2)]);
    assert_eq!(store.run(&RunId::from("run_1")).await, Ok(Some(run_row("run_1", 2))));
}

pub async fn a_commit_that_contradicts_itself_is_refused(store: &Arc<dyn Store>) {
    let with = |events: Vec<_>, seq| {
        of_run(RunCommit {
            events,
            row: run_row("run_1", seq),
        })
    };
    let contradictions = [
        ("an event of another run", with(vec![event("run_2", 1)], 1)),
        ("a hole", with(vec![event("run_1", 1), event("run_1", 3)], 2)),
        ("the row ahead of the events", with(vec![event("run_1", 1)], 2)),
        (
            "more events than positions",
            with(vec![event("run_1", 1), event("run_1", 2)], 1),
        ),
        ("no event at all", with(Vec::new(), 0)),
    ];
    for (name, unit) in contradictions {
        let answer = store.commit(unit).await;
        assert!(
            matches!(answer, Err(CommitError::Store(StoreError::Failed(_)))),
            "{name}: {answer:?}"
        );
    }
    assert_eq!(store.run(&RunId::from("run_1")).await, Ok(None));
}

pub async fn one_of_many_commits_to_the_same_position_wins(store: &Arc<dyn Store>) {
    done(&**store, of_run(progress("run_1", 0, 1))).await;
    for position in 1..20 {
        let mut contenders = tokio::task::JoinSet::new();
        for contender in 0..8 {
            let store = Arc::clone(store);
            contenders.spawn(async move {
                let mut commit = progress("run_1", position, position + 1);
                commit.events[0].at = at(contender);
                (contender, store.commit(of_run(commit)).await)
            });
        }
        let answers = contenders.join_all().await;
        let winners: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_ok()).collect();
        assert_eq!(winners.len(), 1, "at position {position}");
        let lost = answers
            .iter()
            .filter(|(_, answer)| *answer == conflict("run run_1"))
            .count();
        assert_eq!(lost, 7, "at position {position}");
        let journal = store.journal(&RunId::from("run_1"), position, 10).await.unwrap();
        assert_eq!(
            journal.iter().map(|record| record.at).collect::<Vec<_>>(),
            [at(winners[0].0)]
        );
    }
}

pub async fn what_a_run_began_with_never_changes(store: &Arc<dyn Store>) {
    done(&**store, of_run(progress("run_1", 0, 1))).await;
    let mut commit = progress("run_1", 1, 2);
    "other".clone_into(&mut commit.row.flow);
    "user:eve".clone_into(&mut commit.row.initiator);
    commit.row.started_at = at(99);
    commit.row.ended_at = Some(at(60));
    commit.row.status = RunStatus::Ended;
    commit.row.outcome = Some("completed".to_owned());
    done(&**store, of_run(commit)).await;
    let mut expected = run_row("run_1", 2);
    expected.ended_at = Some(at(60));
    expected.status = RunStatus::Ended;
    expected.outcome = Some("completed".to_owned());
    assert_eq!(store.run(&RunId::from("run_1")).await, Ok(Some(expected)));
}

pub async fn the_version_that_a_run_goes_by_changes_with_its_events(store: &Arc<dyn Store>) {
    done(&**store, of_run(progress("run_1", 0, 1))).await;
    done(&**store, of_run(progress("run_2", 0, 1))).await;
    let mut moved = progress("run_1", 1, 2);
    "2".clone_into(&mut moved.row.version);
    "beef".clone_into(&mut moved.row.plan);
    let mut late = moved.clone();
    done(&**store, of_run(moved.clone())).await;
    assert_eq!(store.run(&RunId::from("run_1")).await, Ok(Some(moved.row.clone())));
    // whoever decided on the run as it was before is refused, and changes nothing
    "3".clone_into(&mut late.row.version);
    assert_eq!(store.commit(of_run(late)).await, conflict("run run_1"));
    assert_eq!(store.run(&RunId::from("run_1")).await, Ok(Some(moved.row)));
    for (version, runs) in [("1", vec!["run_2"]), ("2", vec!["run_1"]), ("3", Vec::new())] {
        let filter = RunFilter {
            version: Some(version.to_owned()),
            ..RunFilter::default()
        };
        let found = store.runs(&filter).await.unwrap();
        let found: Vec<&str> = found.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(found, runs, "by {version}");
    }
}

pub async fn runs_are_listed_newest_first_by_filter(store: &Arc<dyn Store>) {
    for number in 0..120 {
        let mut commit = progress(&format!("run_{number:03}"), 0, 1);
        commit.row.flow = String::from(if number % 2 == 0 { "even" } else { "odd" });
        commit.row.incident = number % 3 == 0;
        commit.row.initiator = format!("user:{}", number % 5);
        commit.row.status = match number % 4 {
            0 => RunStatus::Running,
            1 => RunStatus::Closing,
            _ => RunStatus::Ended,
        };
        done(&**store, of_run(commit)).await;
    }
    let listed = async |filter: RunFilter| -> Vec<String> {
        let runs = store.runs(&filter).await.unwrap();
        runs.into_iter().map(|row| row.id.0).collect()
    };
    let expected = |numbers: &mut dyn Iterator<Item = usize>| -> Vec<String> {
        numbers.map(|number| format!("run_{number:03}")).collect()
    };
    let all = RunFilter::default();
    assert_eq!(
        listed(all.clone()).await,
        expected(&mut (20..120).rev()),
        "100 where nothing is said"
    );
    let few = RunFilter {
        limit: 3,
        ..all.clone()
    };
    assert_eq!(listed(few.clone()).await, expected(&mut (117..120).rev()));
    let next = RunFilter {
        before: Some(RunId::from("run_117")),
        ..few.clone()
    };
    assert_eq!(listed(next).await, expected(&mut (114..117).rev()));
    let after_nothing = RunFilter {
        before: Some(RunId::from("run_none")),
        ..few
    };
    assert_eq!(listed(after_nothing).await, expected(&mut (0..0)));
    let odd_closing = RunFilter {
        flow: Some("odd".to_owned()),
        status: Some(RunStatus::Closing),
        limit: 1000,
        ..all.clone()
    };
    assert_eq!(
        listed(odd_closing).await,
        expected(&mut (0..120).rev().filter(|number| number % 4 == 1))
    );
    for incident in [true, false] {
        let filter = RunFilter {
            incident: Some(incident),
            limit: 1000,
            ..all.clone()
        };
        let mut meant = (0..120).rev().filter(|number| (number % 3 == 0) == incident);
        assert_eq!(listed(filter).await, expected(&mut meant));
    }
    let by_one = RunFilter {
        initiator: Some("user:0".to_owned()),
        ..all
    };
    let mut meant = (0..120).rev().filter(|number| number % 5 == 0);
    assert_eq!(listed(by_one).await, expected(&mut meant));
}

pub async fn wakeups_and_busy_runs_are_found_again(store: &Arc<dyn Store>) {
    for (id, wakeup, busy, status) in [
        ("run_late", Some(at(20)), false, RunStatus::Running),
        ("run_soon", Some(at(10)), true, RunStatus::Closing),
        ("run_ended", Some(at(5)), false, RunStatus::Ended),
        ("run_never", None, true, RunStatus::Running),
    ] {
        let mut commit = progress(id, 0, 1);
        commit.row.wakeup_at = wakeup;
        commit.row.busy = busy;
        commit.row.status = status;
        done(&**store, of_run(commit)).await;
    }
    let wakeups = vec![(at(10), RunId::from("run_soon")), (at(20), RunId::from("run_late"))];
    assert_eq!(store.wakeups().await, Ok(wakeups));
    assert_eq!(
        store.busy_runs().await,
        Ok(vec![RunId::from("run_soon"), RunId::from("run_never")])
    );
    done(&**store, of_run(progress("run_soon", 1, 2))).await;
    assert_eq!(store.wakeups().await, Ok(vec![(at(20), RunId::from("run_late"))]));
    assert_eq!(store.busy_runs().await, Ok(vec![RunId::from("run_never")]));
}

pub async fn a_journal_is_read_in_parts(store: &Arc<dyn Store>) {
    let id = RunId::from("run_1");
    let mut before = 0;
    for seq in [1, 4, 5, 11, 12, 30] {
        done(&**store, of_run(progress("run_1", before, seq))).await;
        done(&**store, of_run(progress("run_2", before, seq))).await;
        before = seq;
    }
    for after in 0..=31 {
        for limit in [0, 1, 3, 100, usize::MAX] {
            let journal = store.journal(&id, after, limit).await.unwrap();
            let expected: Vec<_> = (after + 1..=30).take(limit).map(|seq| event("run_1", seq)).collect();
            assert_eq!(journal, expected, "after {after}, at most {limit}");
        }
    }
    assert_eq!(store.journal(&id, u64::MAX, 10).await, Ok(Vec::new()));
    assert_eq!(store.journal(&RunId::from("run_3"), 0, 10).await, Ok(Vec::new()));
}

pub async fn the_latest_time_is_of_a_journal_the_access_log_or_an_event(store: &Arc<dyn Store>) {
    assert_eq!(store.last_recorded().await, Ok(None), "nothing is recorded");
    done(&**store, of_run(progress("run_1", 0, 3))).await;
    let journal = store.journal(&RunId::from("run_1"), 2, 1).await.unwrap()[0].at;
    assert_eq!(store.last_recorded().await, Ok(Some(journal)));
    let entry = AccessEntry {
        at: journal + SignedDuration::from_secs(1),
        ..access(None)
    };
    done(&**store, of_writes([Write::Access(entry.clone())])).await;
    assert_eq!(store.last_recorded().await, Ok(Some(entry.at)));
    let event = InboundEvent {
        at: entry.at + SignedDuration::from_nanos(1),
        ..inbound("evt_1")
    };
    done(&**store, of_writes([Write::Event(event.clone())])).await;
    assert_eq!(store.last_recorded().await, Ok(Some(event.at)), "to the nanosecond");
    let mut later = progress("run_2", 0, 1);
    later.events[0].at = event.at + SignedDuration::from_nanos(1);
    let at = later.events[0].at;
    done(&**store, of_run(later)).await;
    assert_eq!(store.last_recorded().await, Ok(Some(at)), "of every run");
}
