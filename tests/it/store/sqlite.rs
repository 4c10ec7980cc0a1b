//! What only a store on a disk can do wrong.

use super::samples::{access, conflict, done, event, of_run, of_writes, progress, run_row, workspace};
use gatefold::base::id::{RunId, WorkspaceId};
use gatefold::store::sqlite::{Opening, SqliteStore};
use gatefold::store::{CommitError, Store, StoreError, UnitOfWork, Write};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("gatefold.db");
    (folder, path)
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).expect("the store opens")
}

fn refusal(path: &Path) -> StoreError {
    match SqliteStore::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What the disk would hold if the power was cut now.
fn cut_power(path: &Path) -> (TempDir, PathBuf) {
    let (folder, copy) = place();
    for suffix in ["", "-wal", ".lock"] {
        fs::copy(with_suffix(path, suffix), with_suffix(&copy, suffix)).expect("the file can be copied");
    }
    (folder, copy)
}

async fn length(store: &SqliteStore, run: &str) -> usize {
    store
        .journal(&RunId::from(run), 0, 1000)
        .await
        .expect("the journal can be read")
        .len()
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let (_folder, path) = place();
    for times in 0..3 {
        let store = open(&path);
        assert_eq!(length(&store, "run_1").await, times * 2);
        let before = times as u64 * 2;
        done(&store, of_run(progress("run_1", before, before + 2))).await;
        assert_eq!(
            store.run(&RunId::from("run_1")).await,
            Ok(Some(run_row("run_1", before + 2)))
        );
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_without_a_clean_end() {
    let (_folder, path) = place();
    let store = open(&path);
    for seq in 0..50 {
        done(&store, of_run(progress("run_1", seq, seq + 1))).await;
        if seq % 7 == 0 {
            let (_folder, copy) = cut_power(&path);
            let revived = open(&copy);
            let journal = revived.journal(&RunId::from("run_1"), 0, 100).await.unwrap();
            assert_eq!(
                journal,
                (1..=seq + 1).map(|seq| event("run_1", seq)).collect::<Vec<_>>()
            );
            done(&revived, of_run(progress("run_1", seq + 1, seq + 2))).await;
        }
    }
}

#[tokio::test]
async fn a_commit_that_was_torn_by_a_crash_is_as_if_it_had_not_begun() {
    let (_folder, path) = place();
    let store = open(&path);
    done(&store, of_run(progress("run_1", 0, 3))).await;
    let whole = fs::metadata(with_suffix(&path, "-wal")).unwrap().len();
    let second = UnitOfWork {
        run: Some(progress("run_1", 3, 200)),
        writes: vec![Write::Access(access(None))],
    };
    done(&store, second.clone()).await;
    let longer = fs::metadata(with_suffix(&path, "-wal")).unwrap().len();
    assert!(longer > whole + 2 * 4096, "the second commit takes several pages");
    for cut in [
        whole + 1,
        whole + 4096,
        whole.midpoint(longer),
        longer - 4096,
        longer - 1,
    ] {
        let (_folder, copy) = cut_power(&path);
        let log = fs::OpenOptions::new()
            .write(true)
            .open(with_suffix(&copy, "-wal"))
            .unwrap();
        log.set_len(cut).unwrap();
        let revived = open(&copy);
        assert_eq!(length(&revived, "run_1").await, 3, "cut at {cut} of {longer}");
        assert_eq!(
            revived.access_log(None, 0, 10).await,
            Ok(Vec::new()),
            "cut at {cut} of {longer}"
        );
        done(&revived, second.clone()).await;
        assert_eq!(length(&revived, "run_1").await, 200);
    }
}

#[tokio::test]
async fn a_second_opener_is_refused_until_the_first_is_gone() {
    let (_folder, path) = place();
    let first = open(&path);
    let StoreError::Busy(message) = refusal(&path) else {
        panic!("another error");
    };
    assert!(
        message.contains(&format!("process {} uses", std::process::id())),
        "{message}"
    );
    assert!(message.contains("gatefold.db"), "{message}");
    drop(first);
    drop(open(&path));
}

/// The database itself is locked, so that it does not help to remove the file that says so.
#[test]
fn a_second_opener_is_refused_also_where_the_lock_file_is_gone() {
    let (_folder, path) = place();
    let first = open(&path);
    fs::remove_file(with_suffix(&path, ".lock")).unwrap();
    assert!(matches!(refusal(&path), StoreError::Busy(why) if why.contains("this process uses")));
    drop(first);
    drop(open(&path));
}

#[tokio::test]
async fn a_database_that_is_missing_or_empty_although_the_store_was_used_is_refused_and_not_made() {
    let used = Opening {
        was_used: true,
        ..Opening::default()
    };
    let refusal = |path: &Path| match SqliteStore::open_as(path, used) {
        Ok(_) => panic!("it was opened"),
        Err(StoreError::Damaged(why)) => assert!(why.contains("is missing or empty"), "{why}"),
        Err(other) => panic!("{other}"),
    };
    let (_folder, path) = place();
    refusal(&path);
    assert!(!path.exists(), "nothing was made in its place");
    fs::write(&path, "").unwrap();
    refusal(&path);
    fs::remove_file(&path).unwrap();
    // a database without tables, as a program leaves it that only looked
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE t (a); DROP TABLE t").unwrap();
    drop(raw);
    refusal(&path);
    fs::remove_file(&path).unwrap();
    drop(open(&path));
    drop(SqliteStore::open_as(&path, used).unwrap());
    // what was stored last is in a log that is left over
    let store = open(&path);
    done(&store, of_run(progress("run_1", 0, 1))).await;
    let (_folder, copy) = cut_power(&path);
    drop(store);
    fs::remove_file(&copy).unwrap();
    assert!(matches!(self::refusal(&copy), StoreError::Damaged(why) if why.contains("missing or empty")));
}

#[test]
fn a_store_of_a_newer_build_is_refused_and_left_alone() {
    let (_folder, path) = place();
    drop(open(&path));
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 7).unwrap();
    drop(raw);
    let before = fs::read(&path).unwrap();
    assert_eq!(refusal(&path), StoreError::Newer { found: 7, known: 6 });
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// A number that is too low, on tables that are newer: nothing runs on them, and no statement is shown to anybody.
#[test]
fn a_store_whose_layout_was_set_back_is_refused_and_left_alone() {
    for (found, told) in [
        (4, "layout 4, but its tables"),
        (1, "layout 1, but its tables"),
        (0, "which does not exist"),
        (-1, "which does not exist"),
    ] {
        let (_folder, path) = place();
        drop(open(&path));
        let raw = rusqlite::Connection::open(&path).unwrap();
        raw.pragma_update(None, "user_version", found).unwrap();
        drop(raw);
        let before = fs::read(&path).unwrap();
        let StoreError::Damaged(why) = refusal(&path) else {
            panic!("another error");
        };
        assert!(why.contains(told) && why.contains("restore a backup"), "{why}");
        for word in ["CREATE", "TABLE", "SQL", "column"] {
            assert!(!why.contains(word), "{why}");
        }
        assert!(gatefold::store::sqlite::check::inspect(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

/// Tables that an administrator added for their own queries are left alone.
#[test]
fn a_store_with_tables_and_indexes_of_its_administrator_is_migrated() {
    let (_folder, path) = place();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("../../data/store/layout-3.sql"))
        .unwrap();
    raw.execute_batch(
        "CREATE TABLE my_notes (note TEXT); INSERT INTO my_notes VALUES ('x'); CREATE INDEX my_index ON run (outcome); \
         PRAGMA application_id = 1198802532; PRAGMA user_version = 3;",
    )
    .unwrap();
    drop(raw);
    drop(open(&path));
    let inspection = gatefold::store::sqlite::check::inspect(&path).unwrap();
    assert_eq!((inspection.layout, inspection.damage), (6, Vec::new()));
}

#[test]
fn what_is_not_a_store_is_refused_and_left_alone() {
    let (_folder, path) = place();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE song (title TEXT)").unwrap();
    drop(raw);
    let before = fs::read(&path).unwrap();
    assert!(matches!(refusal(&path), StoreError::Damaged(why) if why.contains("another program")));
    assert_eq!(fs::read(&path).unwrap(), before);

    let (_folder, path) = place();
    fs::write(
        &path,
        "not a database, but longer than the header of one, which is of 100 bytes".repeat(3),
    )
    .unwrap();
    assert!(matches!(refusal(&path), StoreError::Damaged(_)));

    let (_folder, path) = place();
    let nowhere = path.join("below/a/file.db");
    assert!(matches!(refusal(&nowhere), StoreError::Failed(why) if why.contains("below/a")));
}

#[tokio::test]
async fn commits_that_wait_share_one_sync() {
    let (_folder, path) = place();
    let store = open(&path);
    let units = (0..300).map(|number| store.commit(of_run(progress(&format!("run_{number}"), 0, 1))));
    for answer in futures_util::future::join_all(units).await {
        assert_eq!(answer, Ok(()));
    }
    assert!(store.commits() < 150, "{} syncs for 300 units of work", store.commits());
}

#[tokio::test]
async fn what_is_refused_costs_no_sync() {
    let (_folder, path) = place();
    let store = open(&path);
    let before = store.commits();
    assert_eq!(
        store.commit(of_run(progress("run_1", 1, 2))).await,
        conflict("run run_1")
    );
    assert_eq!(store.commits(), before);
}

#[tokio::test]
async fn a_unit_whose_caller_left_is_done_before_the_store_closes() {
    let (_folder, path) = place();
    let store = open(&path);
    {
        let mut commit = Box::pin(store.commit(of_run(progress("run_1", 0, 1))));
        // Polled once: queued.
        let _ = futures_util::poll!(&mut commit);
    }
    drop(store);
    assert_eq!(length(&open(&path), "run_1").await, 1);
}

fn large(id: &str) -> UnitOfWork {
    let mut record = workspace(id);
    record.name = "x".repeat(200_000);
    UnitOfWork {
        run: Some(progress(&format!("run_{id}"), 0, 2)),
        writes: vec![Write::PutWorkspace(record)],
    }
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_recovers() {
    let (_folder, path) = place();
    let store = open(&path);
    store.set_size_limit(Some(2 << 20)).await.unwrap();
    let mut accepted = 0;
    let refused = loop {
        match store.commit(large(&format!("wsp_{accepted}"))).await {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 100, "the limit has no effect");
    };
    assert!(matches!(refused, CommitError::Store(StoreError::Full(_))), "{refused}");
    assert!(accepted > 2);
    let missing = format!("wsp_{accepted}");
    assert_eq!(store.workspace(&WorkspaceId::from(missing.as_str())).await, Ok(None));
    assert_eq!(length(&store, &format!("run_{missing}")).await, 0);

    // What fits still goes through, also beside what does not.
    let small = of_run(progress("run_small", 0, 1));
    let (too_large, fits) = tokio::join!(store.commit(large(&missing)), store.commit(small));
    assert!(
        matches!(too_large, Err(CommitError::Store(StoreError::Full(_)))),
        "{too_large:?}"
    );
    assert_eq!(fits, Ok(()));

    store.set_size_limit(None).await.unwrap();
    done(&store, large(&missing)).await;
    drop(store);
    let store = open(&path);
    for number in 0..=accepted {
        assert_eq!(length(&store, &format!("run_wsp_{number}")).await, 2);
    }
}

#[tokio::test]
async fn a_journal_with_a_hole_is_damaged_not_shorter() {
    let (_folder, path) = place();
    let store = open(&path);
    done(&store, of_run(progress("run_1", 0, 5))).await;
    drop(store);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute("DELETE FROM event WHERE seq = 3", []).unwrap();
    drop(raw);
    let store = open(&path);
    let journal = store.journal(&RunId::from("run_1"), 0, 100).await;
    assert!(
        matches!(&journal, Err(StoreError::Damaged(why)) if why.contains("event 3 of run run_1")),
        "{journal:?}"
    );
}

#[tokio::test]
async fn reads_see_what_was_acknowledged_before_them() {
    let (_folder, path) = place();
    let store = Arc::new(open(&path));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let id = format!("wsp_{number}");
            for rev in 0..20 {
                let mut record = workspace(&id);
                record.rev = rev;
                done(&*store, of_writes([Write::PutWorkspace(record)])).await;
                let seen = store.workspace(&WorkspaceId::from(id.as_str())).await.unwrap();
                assert_eq!(seen.map(|record| record.rev), Some(rev + 1));
            }
        });
    }
    tasks.join_all().await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = place();
    let all = ["", "-wal", "-shm", ".lock"].map(|suffix| with_suffix(&path, suffix));
    for round in ["a new one", "one that others could read"] {
        let store = open(&path);
        done(&store, of_writes([Write::Access(access(None))])).await;
        store.access_log(None, 0, 1).await.unwrap();
        for file in &all {
            let mode = fs::metadata(file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}: {round}", file.display());
        }
        // a crash leaves them all; here by hand, as a store of an earlier build has them
        let (_folder, copy) = cut_power(&path);
        drop(store);
        fs::copy(with_suffix(&copy, "-wal"), &all[1]).unwrap();
        for file in all.iter().filter(|file| file.exists()) {
            fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}

/// The statements that make the newest layout, as SQLite keeps them.
fn layout_of(path: &Path) -> String {
    let connection = rusqlite::Connection::open(path).expect("the store can be opened by anybody who may");
    let version: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let mut statements = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")
        .unwrap();
    let rows = statements.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut layout = format!("-- layout {version}\n");
    for statement in rows {
        layout.push_str(&statement.unwrap());
        layout.push_str(";\n");
    }
    layout
}

/// The newest layout, as it is known.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/store/layout-6.sql")
}

/// The layout that a number stands for never changes once a release has written it: a change is a
/// new number, a new migration and a new file here. Before the first release `UPDATE=1 cargo test`
/// writes the file anew.
#[test]
fn a_layout_is_what_its_number_says() {
    let (_folder, path) = place();
    drop(open(&path));
    let layout = layout_of(&path);
    let golden = golden();
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &layout).unwrap();
    }
    let known = fs::read_to_string(&golden).expect("`UPDATE=1 cargo test` makes it");
    assert_eq!(
        layout, known,
        "the tables changed, and the number of the layout did not"
    );
}

#[tokio::test]
async fn a_store_of_an_older_layout_is_brought_up_to_date_with_what_is_in_it() {
    let (_folder, path) = place();
    let raw = rusqlite::Connection::open(&path).unwrap();
    let older = include_str!("../../data/store/layout-1.sql");
    raw.execute_batch(older).unwrap();
    raw.execute_batch(
        "INSERT INTO deployment (flow, hash, body) VALUES ('review', 'f00d', '{\"version\":\"1.0.0\"}'), \
         ('review', 'beef', '{\"version\":\"1.0.0\"}'), ('review', 'cafe', '{\"version\":\"1.1.0\"}'); \
         INSERT INTO inbound (id, kind, bytes, attempts, due_at, body) VALUES ('evt_1', 'crm.signed', 1, 0, \
         '1970-01-01T00:00:00.000000000Z', '{\"id\":\"evt_1\",\"kind\":\"crm.signed\",\"subjects\":[\"shr_1\",\"shr_1\"],\
         \"data\":null,\"at\":\"2026-11-23T09:00:00Z\"}'); \
         PRAGMA application_id = 1198802532; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(raw);
    let store = open(&path);
    assert_eq!(store.expiry(&gatefold::base::id::FileId::from("fil_1")).await, Ok(None));
    let things = Arc::new(["shr_1".to_owned()].into());
    let recorded = store.undelivered(&RunId::from("run_1"), &things, &Arc::default()).await;
    assert_eq!(recorded.map(|events| events.len()), Ok(1), "what it is about is known");
    drop(store);
    assert_eq!(
        layout_of(&path),
        fs::read_to_string(golden()).unwrap(),
        "it is as if it had been made by this build"
    );
    let raw = rusqlite::Connection::open(&path).unwrap();
    let mut kept = raw
        .prepare("SELECT hash, coalesce(version, '-') FROM deployment ORDER BY key")
        .unwrap();
    let kept = kept.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let kept: Vec<_> = kept.unwrap().map(Result::unwrap).collect();
    let expected = [("f00d", "1.0.0"), ("beef", "-"), ("cafe", "1.1.0")];
    let expected = expected.map(|(hash, version)| (hash.to_owned(), version.to_owned()));
    assert_eq!(
        kept, expected,
        "what was deployed twice stays, and its first text has the version"
    );
}

/// A share as layout 4 kept it: the files without their versions.
fn share_of_layout_4(id: &str, files: &str, request: &str) -> String {
    format!(
        "INSERT INTO share (id, rev, live, expires_at, body) VALUES ('{id}', 1, 1, '2027-01-01T00:00:00.000000000Z', \
         '{{\"id\":\"{id}\",\"name\":\"Room\",\"workspace\":\"wsp_main\",\"folder\":\"/reviews\",\"files\":{files},\
         \"expires_at\":\"2027-01-01T00:00:00Z\",\"state\":\"live\",\"created_by\":\"run:run_1\",\
         \"created_at\":\"2026-11-23T09:00:00.5Z\",\"run\":\"run_1\"{request},\"rev\":1}}');"
    )
}

fn file_of_layout_4(id: &str, moments: &[&str]) -> String {
    let version = |(number, at): (usize, &&str)| {
        format!(
            "{{\"number\":{},\"sha256\":\"aa\",\"size\":1,\"media_type\":\"text/plain\",\"by\":\"user:anna\",\"at\":\"{at}\"}}",
            number + 1
        )
    };
    let versions: Vec<String> = moments.iter().enumerate().map(version).collect();
    format!(
        "INSERT INTO file (id, rev, workspace, folder, name, body) VALUES ('{id}', 1, 'wsp_main', '/', '{id}', \
         '{{\"id\":\"{id}\",\"workspace\":\"wsp_main\",\"folder\":\"/\",\"name\":\"{id}\",\"versions\":[{}],\"rev\":1}}');",
        versions.join(",")
    )
}

fn upload_of_layout_4(share: &str, file: &str, version: u64, rest: &str) -> String {
    format!(
        "INSERT INTO access_log (share, body) VALUES ('{share}', '{{\"at\":\"2026-11-23T10:00:00Z\",\
         \"actor\":\"email:eve@example.com\",\"kind\":\"upload\",\"share\":\"{share}\",\"file\":\"{file}\",\
         \"version\":{version}{rest}}}');"
    )
}

/// A share of an older build shows the newest version at the time when it was made, and versions
/// uploaded through it.
#[tokio::test]
async fn a_share_of_an_older_layout_shows_what_it_was_made_of_and_what_came_through_it() {
    let (_folder, path) = place();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("../../data/store/layout-4.sql"))
        .unwrap();
    let request = ",\"request\":{\"zone\":\"UTC\",\"changes\":2,\"items\":[{\"name\":\"tax\",\"title\":\"Tax\",\"min\":1,\
                   \"max\":2,\"optional\":false,\"or_because\":false,\"reviewed\":false,\"state\":\"accepted\",\"change\":2,\
                   \"files\":[{\"file\":{\"id\":\"fil_given\",\"name\":\"tax.pdf\",\"version\":2,\"sha256\":\"aa\",\"size\":1,\
                   \"media_type\":\"text/plain\"}}]}]}";
    let statements = [
        // 09:00:00.5 is when the shares were made
        file_of_layout_4(
            "fil_doc",
            &[
                "2026-11-23T08:00:00Z",
                "2026-11-23T09:00:00Z",
                "2026-11-23T09:00:00.6Z",
                "2026-11-24T00:00:00Z",
            ],
        ),
        file_of_layout_4("fil_same", &["2026-11-23T09:00:00.5Z", "2026-11-23T09:00:01Z"]),
        file_of_layout_4("fil_new", &["2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"]),
        file_of_layout_4("fil_given", &["2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"]),
        share_of_layout_4("shr_room", "[\"fil_same\",\"fil_doc\",\"fil_new\",\"fil_gone\"]", ""),
        share_of_layout_4("shr_request", "[\"fil_given\"]", request),
        share_of_layout_4("shr_empty", "[]", ""),
        upload_of_layout_4("shr_room", "fil_new", 1, ""),
        upload_of_layout_4("shr_room", "fil_doc", 4, ""),
        upload_of_layout_4("shr_room", "fil_doc", 3, ",\"refused\":\"too large\""),
        upload_of_layout_4("shr_other", "fil_new", 2, ""),
        upload_of_layout_4("shr_request", "fil_given", 1, ""),
    ];
    raw.execute_batch(&statements.concat()).unwrap();
    raw.execute_batch("PRAGMA application_id = 1198802532; PRAGMA user_version = 4;")
        .unwrap();
    drop(raw);
    let store = open(&path);
    let held = async |share: &str| -> Vec<(String, u64)> {
        let share = store.share(&share.into()).await.unwrap().unwrap();
        share.files.into_iter().map(|one| (one.file.0, one.version)).collect()
    };
    let expected = [("fil_same", 1), ("fil_doc", 2), ("fil_new", 1), ("fil_doc", 4)];
    assert_eq!(
        held("shr_room").await,
        expected.map(|(file, version)| (file.to_owned(), version))
    );
    assert_eq!(held("shr_request").await, [("fil_given".to_owned(), 2)]);
    assert_eq!(held("shr_empty").await, []);
}
