//! Flipped bits in the database and its log are detected, or have no effect.

use super::samples::{
    access, at, comment, deployment, done, event, file, grant, inbound, mail, of_run, of_writes, progress, share, task,
    workspace,
};
use gatefold::base::id::{FileId, GrantId, MailId, RunId, ShareId, TaskId, WorkspaceId};
use gatefold::space::Expiry;
use gatefold::store::sqlite::check::inspect;
use gatefold::store::sqlite::{Opening, SqliteStore};
use gatefold::store::{Delivery, Outdated, Store, StoreError, Subscription, Write};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Number of bits that are flipped in the database, and the same number in the log.
const FLIPS: usize = 150;
/// Seed of the random positions.
const STEP: usize = 2_654_435_761;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("gatefold.db");
    (folder, path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies the files of a store into a new folder, as they are when the process is killed.
fn copied(path: &Path, suffixes: &[&str]) -> (TempDir, PathBuf) {
    let (folder, copy) = place();
    for suffix in suffixes {
        if beside(path, suffix).exists() {
            fs::copy(beside(path, suffix), beside(&copy, suffix)).expect("it can be copied");
        }
    }
    (folder, copy)
}

const ALL: [&str; 3] = ["", "-wal", ".last"];

/// Flips one of the bits that are spread over a file: the one with this `number`.
fn flip(path: &Path, number: usize) -> usize {
    let mut bytes = fs::read(path).expect("it can be read");
    let bit = number.wrapping_mul(STEP) % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(path, bytes).expect("it can be written");
    bit
}

/// A store with rows in every table.
async fn fill(store: &SqliteStore) {
    for run in 1..=4_u64 {
        let id = format!("run_{run}");
        done(store, of_run(progress(&id, 0, 20))).await;
        done(store, of_run(progress(&id, 20, 25 + run))).await;
    }
    let event = inbound("evt_1");
    done(
        store,
        of_writes([
            Write::Deploy(deployment("review", "1.0.0")),
            Write::PutWorkspace(workspace("wsp_main")),
            Write::PutFile(file("fil_1", "/contracts", "contract.pdf")),
            Write::Lock {
                file: FileId::from("fil_2"),
                run: RunId::from("run_1"),
            },
            Write::PutExpiry(Expiry {
                file: FileId::from("fil_1"),
                version: 1,
                day: at(90),
                renew_at: Some(at(60)),
            }),
            Write::PutShare(share("shr_1", at(99))),
            Write::PutGrant(grant("grt_1", "shr_1", "hash")),
            Write::AddComment(comment("com_1", "shr_1")),
            Write::Access(access(Some("shr_1"))),
            Write::PutTask(task("tsk_1", &["user:anna"], at(3))),
            Write::Own {
                thing: "shr_1".to_owned(),
                run: RunId::from("run_1"),
            },
            Write::Subscribe {
                run: RunId::from("run_1"),
                to: vec![Subscription {
                    kind: "crm.signed".to_owned(),
                    key: "7".to_owned(),
                }],
                no_longer: Vec::new(),
            },
            Write::Event(event.clone()),
            Write::Delivered(Delivery {
                event: event.id,
                target: "run_1".to_owned(),
            }),
            Write::PutMail(mail("mal_1")),
            Write::Once {
                scope: "webhook".to_owned(),
                key: "k".to_owned(),
                value: "run_1".to_owned(),
                digest: None,
                until: None,
            },
        ]),
    )
    .await;
}

/// All rows of all tables, without their checksums.
fn dump(path: &Path) -> BTreeMap<String, Vec<String>> {
    let db = rusqlite::Connection::open(path).expect("it opens");
    let names = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).expect("it can be asked");
        let rows = statement.query_map([], |row| row.get(0)).expect("it can be asked");
        rows.map(|name| name.expect("a name")).collect()
    };
    let tables = names("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'last_commit'");
    let read = |table: &String| {
        let columns = names(&format!(
            "SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0"
        ))
        .join(", ");
        let sql = format!("SELECT {columns} FROM {table} ORDER BY {columns}");
        let mut statement = db.prepare(&sql).expect("it can be asked");
        let count = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let values = (0..count).map(|index| row.get::<_, rusqlite::types::Value>(index));
            Ok(format!("{:?}", values.collect::<Result<Vec<_>, _>>()?))
        };
        let rows = statement.query_map([], row).expect("it can be asked");
        rows.map(|row| row.expect("it can be read")).collect::<Vec<_>>()
    };
    tables.iter().map(|table| (table.clone(), read(table))).collect()
}

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path)
}

fn refusal(path: &Path) -> String {
    match open(path) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn there_is_something_in_every_table() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    fill(&store).await;
    drop(store);
    let inspection = inspect(&path).unwrap();
    let empty: Vec<_> = inspection
        .rows
        .iter()
        .filter(|(table, rows)| **rows == 0 && *table != "accepted_loss")
        .collect();
    assert!(empty.is_empty(), "{empty:?}");
    assert_eq!(inspection.damage, Vec::<String>::new());
}

/// Asserts that everything read after a bit flip is unchanged, or is refused.
async fn reads_are_true(store: &SqliteStore, bit: usize) {
    let run = RunId::from("run_2");
    if let Ok(journal) = store.journal(&run, 0, 100).await {
        let expected: Vec<_> = (1..=27).map(|seq| event("run_2", seq)).collect();
        assert!(journal == expected || journal.is_empty(), "bit {bit}: {journal:?}");
    }
    let mut read_task = task("tsk_1", &["user:anna"], at(3));
    read_task.rev = 1;
    if let Ok(Some(found)) = store.task(&TaskId::from("tsk_1")).await {
        assert_eq!(found, read_task, "bit {bit}");
    }
    if let Ok(Some(found)) = store.share(&ShareId::from("shr_1")).await {
        assert_eq!(found.name, "For review", "bit {bit}");
    }
    if let Ok(Some(found)) = store.grant(&GrantId::from("grt_1")).await {
        assert_eq!(
            (found.token_hash.as_str(), found.expires_at),
            ("hash", Some(at(50))),
            "bit {bit}"
        );
    }
    if let Ok(Some(found)) = store.mail(&MailId::from("mal_1")).await {
        assert_eq!(found.text, "Open {link}", "bit {bit}");
    }
    for entry in store.access_log(None, 0, 10).await.unwrap_or_default() {
        assert_eq!(entry.1, access(Some("shr_1")), "bit {bit}");
    }
}

#[tokio::test]
async fn a_bit_that_is_flipped_in_the_database_is_found_or_changes_nothing() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    fill(&store).await;
    drop(store);
    let sound = dump(&path);
    let mut found = 0;
    for number in 0..FLIPS {
        let (_folder, copy) = copied(&path, &ALL);
        let bit = flip(&copy, number);
        let is_found = match inspect(&copy) {
            Ok(inspection) => !inspection.damage.is_empty(),
            Err(_) => true,
        };
        if is_found {
            found += 1;
        } else {
            assert_eq!(dump(&copy), sound, "bit {bit} changed something, and nobody noticed");
        }
        if let Ok(store) = open(&copy) {
            reads_are_true(&store, bit).await;
        }
    }
    assert!(found > FLIPS / 10, "{found} of {FLIPS} were found");
}

/// A store whose process was killed after twenty commits, with its contents.
async fn killed() -> (TempDir, PathBuf, Vec<u64>) {
    let (folder, path) = place();
    let store = open(&path).unwrap();
    // lengths of the log after each commit
    let mut lengths = Vec::new();
    for seq in 0..20 {
        done(&store, of_run(progress("run_1", seq, seq + 1))).await;
        lengths.push(fs::metadata(beside(&path, "-wal")).unwrap().len());
    }
    let (copy_folder, copy) = copied(&path, &ALL);
    drop(store);
    drop(folder);
    (copy_folder, copy, lengths)
}

async fn length(store: &SqliteStore) -> usize {
    store.journal(&RunId::from("run_1"), 0, 100).await.unwrap().len()
}

#[tokio::test]
async fn a_bit_that_is_flipped_in_the_log_loses_nothing_silently() {
    let (_folder, path, _) = killed().await;
    let mut refused = 0;
    for number in 0..FLIPS {
        let (_folder, copy) = copied(&path, &ALL);
        let bit = flip(&beside(&copy, "-wal"), number);
        match open(&copy) {
            Ok(store) => assert_eq!(length(&store).await, 20, "bit {bit}"),
            Err(StoreError::Damaged(why)) => {
                assert!(why.contains("--accept-loss"), "bit {bit}: {why}");
                refused += 1;
            }
            Err(other) => panic!("bit {bit}: {other}"),
        }
    }
    assert!(refused > FLIPS * 9 / 10, "{refused} of {FLIPS} were refused");
}

/// After a power cut, the number beside the database may be outdated or missing.
#[tokio::test]
async fn a_damaged_transaction_before_others_is_noticed_without_the_noted_number() {
    let (_folder, path, lengths) = killed().await;
    for number in 0..FLIPS / 3 {
        let (_folder, copy) = copied(&path, &["", "-wal"]);
        let log = beside(&copy, "-wal");
        let bit = flip(&log, number);
        // not in the header, nor in the last transactions, which a power cut may have torn
        let is_between = (32 * 8..lengths[17] * 8).contains(&(bit as u64));
        match open(&copy) {
            Ok(store) => assert!(
                !is_between || length(&store).await == 20,
                "bit {bit} of {}",
                lengths[17] * 8
            ),
            Err(error) => assert!(error.to_string().contains("--accept-loss"), "bit {bit}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_transaction_that_was_torn_before_it_was_acknowledged_is_no_loss() {
    let (_folder, path, lengths) = killed().await;
    let (before, whole) = (lengths[18], lengths[19]);
    for cut in [before, before + 1, before + 4096, whole - 4096, whole - 1] {
        let (_folder, copy) = copied(&path, &["", "-wal"]);
        let log = fs::OpenOptions::new().write(true).open(beside(&copy, "-wal")).unwrap();
        log.set_len(cut).unwrap();
        // pages reach the disk in any order: the end of the transaction is there, its beginning is not
        let (_other, reordered) = copied(&path, &["", "-wal"]);
        let mut bytes = fs::read(beside(&reordered, "-wal")).unwrap();
        let from = usize::try_from(before).unwrap();
        bytes[from..from + 4096].fill(0);
        fs::write(beside(&reordered, "-wal"), bytes).unwrap();
        for copy in [copy, reordered] {
            let store = open(&copy).unwrap();
            assert_eq!(length(&store).await, 19, "cut at {cut}");
            done(&store, of_run(progress("run_1", 19, 20))).await;
        }
    }
}

#[tokio::test]
async fn a_loss_that_is_accepted_is_recorded_and_the_store_goes_on() {
    let (_folder, path, lengths) = killed().await;
    let log = beside(&path, "-wal");
    let mut bytes = fs::read(&log).unwrap();
    bytes[usize::try_from(lengths[14]).unwrap() + 100] ^= 1;
    fs::write(&log, &bytes).unwrap();
    for _ in 0..2 {
        let why = refusal(&path);
        assert!(
            why.contains("at least 5 acknowledged transactions are missing"),
            "{why}"
        );
        assert_eq!(
            fs::read(&log).unwrap(),
            bytes,
            "what is left of the log stays as it was"
        );
    }
    assert!(inspect(&path).unwrap().damage[0].contains("5 acknowledged transactions are missing"));
    let accepting = Opening {
        loss_accepted_at: Some(at(0)),
        ..Opening::default()
    };
    let store = SqliteStore::open_as(&path, accepting).unwrap();
    assert_eq!(length(&store).await, 15);
    done(&store, of_run(progress("run_1", 15, 16))).await;
    drop(store);
    assert_eq!(length(&open(&path).unwrap()).await, 16);
    let inspection = inspect(&path).unwrap();
    assert_eq!(inspection.damage, Vec::<String>::new());
    assert!(
        inspection.notes[0].contains("accepted the loss of at least 5"),
        "{:?}",
        inspection.notes
    );
    let kept = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("-wal.damaged-"))
        .expect("the damaged log is kept");
    assert_eq!(fs::read(kept).unwrap(), bytes);
}

/// Replaces the database with an older copy.
#[tokio::test]
async fn a_database_that_was_replaced_by_an_older_one_is_noticed() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    done(&store, of_run(progress("run_1", 0, 1))).await;
    drop(store);
    let older = fs::read(&path).unwrap();
    let store = open(&path).unwrap();
    done(&store, of_run(progress("run_1", 1, 2))).await;
    drop(store);
    fs::write(&path, older).unwrap();
    assert!(refusal(&path).contains("at least 1 acknowledged transaction is missing"));
}

/// Changes a text in the database file, as disk damage would.
fn overwrite(path: &Path, from: &str, to: &str) {
    let bytes = fs::read(path).unwrap();
    let at: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from.as_bytes()))
        .collect();
    assert!(!at.is_empty(), "{from} is not there");
    let mut bytes = bytes;
    for at in at {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_row_that_a_disk_changed_is_neither_read_nor_changed_and_keeps_no_other_from_being_read() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    let mut sound = workspace("wsp_1");
    sound.name = "Sound".to_owned();
    let mut damaged = workspace("wsp_2");
    damaged.name = "Original".to_owned();
    let mut task_2 = task("tsk_2", &["user:anna"], at(3));
    task_2.title = "Pay nothing".to_owned();
    done(
        &store,
        of_writes([
            Write::PutWorkspace(sound),
            Write::PutWorkspace(damaged.clone()),
            Write::PutTask(task("tsk_1", &["user:anna"], at(3))),
            Write::PutTask(task_2),
        ]),
    )
    .await;
    drop(store);
    overwrite(&path, "Original", "Modified");
    overwrite(&path, "Pay nothing", "Pay a lot!!");
    let store = open(&path).unwrap();
    assert!(store.workspace(&WorkspaceId::from("wsp_1")).await.unwrap().is_some());
    let read = store.workspace(&WorkspaceId::from("wsp_2")).await;
    assert!(
        matches!(&read, Err(StoreError::Damaged(why)) if why.contains("a row of workspace") && why.contains("gatefold check")),
        "{read:?}"
    );
    assert!(matches!(
        store.task(&TaskId::from("tsk_2")).await,
        Err(StoreError::Damaged(_))
    ));
    let listed = store.open_tasks(None).await.unwrap();
    assert_eq!(listed.len(), 1, "the other one is listed");
    // a change would give the damage a fresh checksum
    damaged.rev = 1;
    let changed = store.commit(of_writes([Write::PutWorkspace(damaged)])).await;
    assert!(changed.is_err_and(|error| error.to_string().contains("damaged")));
    drop(store);
    let damage = inspect(&path).unwrap().damage;
    assert_eq!(damage.len(), 2, "{damage:?}");
    assert!(
        damage
            .iter()
            .any(|line| line.contains("the row of workspace whose key is 2")),
        "{damage:?}"
    );
}

#[tokio::test]
async fn a_scrub_reads_every_row_once_and_finds_what_is_damaged() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    fill(&store).await;
    drop(store);
    let rows: u64 = inspect(&path).unwrap().rows.values().sum();
    overwrite(&path, "For review", "For nobody");
    let store = open(&path).unwrap();
    for limit in [1, 7, 10_000] {
        let (mut position, mut count, mut damage) = (None, 0, Vec::new());
        loop {
            let scrubbed = store.scrub(position.as_deref(), limit).await.unwrap().unwrap();
            assert!(scrubbed.rows <= limit);
            count += scrubbed.rows as u64;
            damage.extend(scrubbed.damage);
            position = scrubbed.next;
            if position.is_none() {
                break;
            }
        }
        assert_eq!(count, rows, "at most {limit} at once");
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert!(damage[0].contains("the row of share whose key is 1"), "{damage:?}");
    }
    let unknown = store
        .scrub(Some("{\"table\":\"gone\",\"key\":[3]}"), 5)
        .await
        .unwrap()
        .unwrap();
    assert!(
        unknown.next.is_some_and(|next| next.contains("access_grant")),
        "it begins anew"
    );
}

/// The date by which a key may be forgotten, made earlier by one flipped bit: in the row, and in the index.
#[tokio::test]
async fn a_key_is_not_forgotten_by_a_date_that_a_disk_flipped() {
    let (_folder, path) = place();
    let until = at(90 * 86_400);
    let store = open(&path).unwrap();
    let once = Write::Once {
        scope: "webhook".to_owned(),
        key: "k".to_owned(),
        value: "run_1".to_owned(),
        digest: None,
        until: Some(until),
    };
    done(&store, of_writes([once])).await;
    drop(store);
    let bytes = fs::read(&path).unwrap();
    let date = format!("{until:.9}").into_bytes();
    let places: Vec<usize> = (0..bytes.len() - date.len())
        .filter(|from| bytes[*from..].starts_with(&date))
        .collect();
    assert_eq!(places.len(), 2, "one in the table and one in the index");
    for place in places {
        let (_copy, damaged) = copied(&path, &ALL);
        let mut bytes = bytes.clone();
        // `2` becomes `0`, and `1` as well
        bytes[place] &= !3;
        fs::write(&damaged, bytes).unwrap();
        let store = open(&damaged).unwrap();
        let what = Outdated::UsedKeys { now: at(5) };
        assert_eq!(store.has_outdated(what).await, Ok(false));
        done(&store, of_writes([Write::Forget { what, at_most: 5 }])).await;
        let kept = store.used_for("webhook", "k").await;
        assert_ne!(kept, Ok(None), "it is there, or told as damaged");
    }
}
