//! `gatefold backup`, `restore` and `check`: with a running server, an earlier layout, and damage.

use super::{gatefold, serving, typed};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

fn answer(folder: &Path, arguments: &[&str]) -> Output {
    gatefold()
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("it starts")
}

/// Runs a command that must exit with `code`; returns its stderr.
#[track_caller]
fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = answer(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let listed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}{listed}");
    format!("{listed}{said}")
}

/// Makes an installation with a run that waits for a decision on a document; returns the run.
fn installation(folder: &Path) -> String {
    typed(folder, &["init"]);
    typed(folder, &["deploy", "definitions/hello.flow.yaml"]);
    fs::create_dir_all(folder.join("data/secrets")).expect("it can be made");
    write_private(&folder.join("data/secrets/ERP_TOKEN"), b"a secret");
    start(folder)
}

fn start(folder: &Path) -> String {
    let run = typed(folder, &["run", "hello", "-i", "document=@people.yaml", "--as", "dora"]);
    run.trim().to_owned()
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("it can be written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
}

/// Decides the only open task in a data folder; returns the run's status.
fn approve(folder: &Path, data: &str, run: &str) -> String {
    let tasks = typed(folder, &["tasks", "list", "--as", "anna", "--json", "--data", data]);
    let task = tasks
        .split('"')
        .find(|word| word.starts_with("tsk_"))
        .expect("a task is open")
        .to_owned();
    let document = [
        "tasks", "document", &task, "--output", "seen", "--as", "anna", "--data", data,
    ];
    typed(folder, &document);
    let decision = [
        "tasks",
        "decide",
        "approved",
        "--task",
        &task,
        "--file",
        "seen",
        "--as",
        "anna",
        "--data",
        data,
        "--break-glass",
        "the backup is tried out",
    ];
    typed(folder, &decision);
    fs::remove_file(folder.join("seen")).expect("it was made");
    typed(folder, &["runs", "show", run, "--json", "--data", data])
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The only blob of a folder.
fn blob_in(folder: &Path) -> PathBuf {
    let mut blobs = files_below(&folder.join("blobs"));
    blobs.retain(|path| path.file_name().is_some_and(|name| name.len() == 62));
    assert_eq!(blobs.len(), 1, "{blobs:?}");
    blobs.remove(0)
}

fn flip_a_bit(path: &Path) {
    let mut bytes = fs::read(path).expect("it can be read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("it can be written");
}

#[test]
fn a_backup_beside_a_running_server_holds_everything_and_can_be_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let run = installation(folder);
    let server = serving(folder);
    typed(folder, &["backup", "copy"]);
    drop(server);
    typed(folder, &["check", "--data", "copy"]);
    typed(folder, &["check"]);
    typed(folder, &["restore", "copy", "--data", "restored"]);
    assert_eq!(
        fs::read(folder.join("restored/key")).expect("a key"),
        fs::read(folder.join("data/key")).expect("a key")
    );
    assert_eq!(
        fs::read(folder.join("restored/secrets/ERP_TOKEN")).expect("a secret"),
        b"a secret"
    );
    assert!(!folder.join("copy/outbox").exists(), "mails of the moment stay out");
    let ended = approve(folder, "restored", &run);
    assert!(ended.contains("\"outcome\": \"completed\""), "{ended}");
    let waiting = typed(folder, &["runs", "show", &run, "--json"]);
    assert!(
        !waiting.contains("\"outcome\": \"completed\""),
        "the first one stays as it was"
    );
    let left: Vec<_> = fs::read_dir(folder)
        .expect("it is there")
        .map(|entry| entry.expect("it is there").file_name())
        .filter(|name| name.to_string_lossy().starts_with(".gatefold-backup"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[cfg(unix)]
#[test]
fn backups_and_restored_folders_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    installation(folder);
    typed(folder, &["backup", "copy"]);
    fs::create_dir(folder.join("restored")).expect("it can be made");
    typed(folder, &["restore", "copy", "--data", "restored"]);
    for place in ["copy", "restored"] {
        let place = folder.join(place);
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&place), 0o700);
        for file in files_below(&place) {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
}

/// The folders of backups that are not complete.
fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it is there");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("it is there").path()).collect();
    found.retain(|path| path.display().to_string().contains(".gatefold-backup-unfinished-"));
    found
}

#[cfg(unix)]
#[test]
fn a_backup_that_is_interrupted_leaves_nothing_and_one_that_is_killed_nothing_that_can_be_restored() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    installation(folder);
    // a hole that takes long to copy
    let large = fs::File::create(folder.join("data/secrets/LARGE")).expect("it can be made");
    large.set_len(16 << 30).expect("a file may have holes");
    for (signal, code) in [("TERM", Some(3)), ("INT", Some(3)), ("KILL", None)] {
        let child = gatefold()
            .args(["backup", "copy"])
            .current_dir(folder)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        let has_begun = || unfinished(folder).iter().any(|copy| copy.join("key").exists());
        while !has_begun() {
            std::thread::yield_now();
        }
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(sent.expect("it starts").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), code, "{signal}");
        assert!(!folder.join("copy").exists());
        if code.is_some() {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("interrupted: nothing of it was kept"), "{said}");
            assert_eq!(unfinished(folder), Vec::<PathBuf>::new(), "{signal}");
        }
    }
    let left = unfinished(folder).remove(0);
    let mode = fs::metadata(&left).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(!left.join("gatefold.db").exists() && !left.join("backup.json").exists());
    let left = left.display().to_string();
    let said = refused(folder, &["restore", &left, "--data", "new"], 2);
    assert!(said.contains("is not complete"), "{said}");
}

#[test]
fn nothing_is_overwritten_and_a_wrong_place_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    installation(folder);
    typed(folder, &["backup", "copy"]);
    for (arguments, told) in [
        (
            &["backup", "copy"][..],
            "copy exists, and a backup overwrites nothing: name a new folder",
        ),
        (
            &["backup", "data/copy"],
            "data/copy lies in the data folder: name a folder outside of it",
        ),
        (&["backup", "other", "--data", "nowhere"], "nowhere has no gatefold.db"),
        (
            &["restore", "copy"],
            "data is not empty, and a restore overwrites nothing",
        ),
        (
            &["restore", "definitions", "--data", "new"],
            "definitions has no gatefold.db, so it is no backup",
        ),
        (&["check", "--data", "nowhere"], "nowhere has no gatefold.db"),
    ] {
        let said = refused(folder, arguments, 2);
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
    assert!(!folder.join("new").exists() && !folder.join("other").exists());
}

#[test]
fn a_damaged_or_missing_file_is_told_with_its_name_and_the_rest_is_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let run = installation(folder);
    let blob = blob_in(&folder.join("data"));
    let sound = fs::read(&blob).expect("it can be read");
    flip_a_bit(&blob);
    for arguments in [&["check"][..], &["backup", "damaged"]] {
        let said = refused(folder, arguments, 1);
        assert!(said.contains("people.yaml: its bytes"), "{said}");
        assert!(said.contains("1 thing is damaged or missing"), "{said}");
    }
    fs::remove_file(&blob).expect("it can be removed");
    let said = refused(folder, &["check"], 1);
    assert!(said.contains("people.yaml: its bytes are missing"), "{said}");
    // everything that is not damaged was copied
    let said = refused(folder, &["restore", "damaged", "--data", "restored"], 1);
    assert!(said.contains("people.yaml: its bytes are missing"), "{said}");
    let restored = folder
        .join("restored")
        .join(blob.strip_prefix(folder.join("data")).expect("it lies there"));
    write_private(&restored, &sound);
    typed(folder, &["check", "--data", "restored"]);
    let ended = approve(folder, "restored", &run);
    assert!(ended.contains("\"outcome\": \"completed\""), "{ended}");
}

#[test]
fn a_backup_that_was_changed_is_not_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    installation(folder);
    for name in ["gatefold.db", "key", "secrets/ERP_TOKEN", "backup.json"] {
        let copy = name.replace(['/', '.'], "-");
        typed(folder, &["backup", &copy]);
        let file = folder.join(&copy).join(name);
        if name == "backup.json" {
            write_private(&file, b"{");
        } else {
            flip_a_bit(&file);
        }
        let said = refused(folder, &["restore", &copy, "--data", "restored"], 1);
        assert!(said.contains(name) && said.contains("use another backup"), "{said}");
        assert!(!folder.join("restored").exists(), "{said}");
    }
}

/// A data folder in layout 4, with a run that waits for an outsider and for a decision.
fn layout_4(folder: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/store/installation-4");
    for file in files_below(&fixture) {
        let to = folder.join(file.strip_prefix(&fixture).expect("it lies there"));
        fs::create_dir_all(to.parent().expect("it lies in a folder")).expect("it can be made");
        write_private(&to, &fs::read(&file).expect("it can be read"));
    }
    let statements = fs::read_to_string(fixture.join("data/gatefold.sql")).expect("it can be read");
    fs::remove_file(folder.join("data/gatefold.sql")).expect("it was copied");
    let database = rusqlite::Connection::open(folder.join("data/gatefold.db")).expect("it can be made");
    database.execute_batch(&statements).expect("the fixture is sound");
}

/// Copies a data folder by hand, as the documentation described before `gatefold backup` existed.
fn copy_by_hand(data: &Path, copy: &Path) {
    fs::create_dir_all(copy).expect("it can be made");
    let database = rusqlite::Connection::open(data.join("gatefold.db")).expect("it opens");
    let to = copy.join("gatefold.db");
    let to = to.to_str().expect("a path in UTF-8");
    database.execute("VACUUM INTO ?1", [to]).expect("it can be copied");
    for file in files_below(data) {
        let below = file.strip_prefix(data).expect("it lies there");
        if below.starts_with("blobs") || below.starts_with("key") || below.starts_with("secrets") {
            let to = copy.join(below);
            fs::create_dir_all(to.parent().expect("it lies in a folder")).expect("it can be made");
            fs::copy(&file, to).expect("it can be copied");
        }
    }
}

fn layout_in(database: &Path) -> u32 {
    let database = rusqlite::Connection::open(database).expect("it opens");
    database
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("it has a layout")
}

/// Asserts that runs, tasks and links of the fixture work in this data folder.
#[track_caller]
fn works(folder: &Path, data: &str) {
    let run = fs::read_to_string(folder.join("run")).expect("the fixture names its run");
    let files = typed(folder, &["files", "list", "--as", "dora", "--data", data]);
    assert!(files.contains("contract.txt"), "{files}");
    let token = fs::read_to_string(folder.join("link")).expect("the fixture names its link");
    let fetched = link_answer(folder, data, token.trim());
    assert!(fetched.contains("contract.txt"), "{fetched}");
    let ended = approve(folder, data, run.trim());
    assert!(ended.contains("\"outcome\": \"completed\""), "{ended}");
}

/// The response of a server on the data folder to the holder of the link.
fn link_answer(folder: &Path, data: &str, token: &str) -> String {
    use std::io::{BufRead, BufReader, Read, Write};
    let mut child = gatefold()
        .args(["serve", "--listen", "127.0.0.1:0", "--data", data])
        .current_dir(folder)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let served = super::Served(child);
    let ready = said
        .by_ref()
        .map_while(Result::ok)
        .find(|line| line.contains("gatefold serves http://"))
        .expect("it becomes ready");
    std::thread::spawn(move || said.for_each(drop));
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
    let mut stream = std::net::TcpStream::connect(address.expect("an address")).expect("it answers");
    write!(
        stream,
        "GET /api/v1/links/{token} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .expect("it is heard");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    drop(served);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

#[test]
fn a_copy_of_an_earlier_layout_that_was_made_by_hand_is_restored_and_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    layout_4(folder);
    copy_by_hand(&folder.join("data"), &folder.join("copy"));
    typed(folder, &["restore", "copy", "--data", "restored"]);
    assert_eq!(
        layout_in(&folder.join("restored/gatefold.db")),
        4,
        "a restore migrates nothing"
    );
    works(folder, "restored");
    // and the way that the documentation described before: copy it into an empty data folder and
    // start
    works(folder, "copy");
}

#[test]
fn an_earlier_layout_is_backed_up_as_it_is_before_it_is_migrated() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    layout_4(folder);
    typed(folder, &["check"]);
    typed(folder, &["backup", "copy"]);
    assert_eq!(layout_in(&folder.join("data/gatefold.db")), 4);
    assert_eq!(layout_in(&folder.join("copy/gatefold.db")), 4);
    works(folder, "data");
    typed(folder, &["restore", "copy", "--data", "restored"]);
    works(folder, "restored");
}
