//! Data folders with lost transactions, and disks that fail during a write.

use super::{gatefold, serving, typed};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;

/// Runs a command that must exit with `code`; returns its output.
#[track_caller]
fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = gatefold()
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn a_data_folder_whose_database_is_missing_or_empty_is_no_new_installation() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    typed(folder, &["deploy", "definitions/hello.flow.yaml"]);
    let database = folder.join("data/gatefold.db");
    let serve: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
    fs::remove_file(&database).expect("it is there");
    for arguments in [serve, &["runs", "list"], &["deploy", "definitions/hello.flow.yaml"]] {
        let said = refused(folder, arguments, 3);
        assert!(said.contains("gatefold.db is missing or empty"), "{said}");
        assert!(said.contains("`gatefold restore`"), "{said}");
        assert!(!database.exists(), "nothing was made in its place");
    }
    fs::write(&database, "").expect("it can be written");
    assert!(refused(folder, serve, 3).contains("gatefold.db is missing or empty"));
    // no new key is made if the old one was lost with the database
    fs::remove_file(&database).expect("it is there");
    fs::remove_file(folder.join("data/key")).expect("it is there");
    assert!(refused(folder, serve, 2).contains("bring it back from the backup"));
    assert!(!folder.join("data/key").exists());
}

#[test]
fn a_second_process_is_refused_also_where_the_lock_file_was_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    let _server = serving(folder);
    fs::remove_file(folder.join("data/gatefold.db.lock")).expect("it is there");
    let said = refused(folder, &["runs", "list"], 3);
    assert!(said.contains("another process uses"), "{said}");
    // a copy is made nevertheless
    typed(folder, &["backup", "copy"]);
}

/// A server whose disk fails at a commit exits with the code for which a supervisor restarts it.
#[test]
fn a_commit_that_fails_ends_the_server_so_that_it_is_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    fs::write(folder.join("gatefold.toml"), "data = 'data'\npeople = 'people.yaml'\n").expect("it can be written");
    for pass in 1..=2 {
        let mut child = gatefold()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("GATEFOLD_FAULT", format!("store-commit-fails:{pass}"))
            // so that the pipe never fills
            .env("GATEFOLD_LOG", "error")
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut said = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let ready = said
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("gatefold serves http://"));
        if let Some(address) = ready.as_deref().and_then(address_in) {
            // each readiness check makes a commit
            while said_ready(address).is_ok() {}
        }
        said.for_each(drop);
        let status = child.wait().expect("it ends by itself");
        assert_eq!(status.code(), Some(3), "pass {pass}");
    }
    typed(folder, &["runs", "list"]);
}

#[test]
fn a_data_folder_whose_blobs_are_missing_is_refused_until_somebody_accepts_the_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    typed(folder, &["deploy", "definitions/hello.flow.yaml"]);
    let blobs = folder.join("data/blobs");
    // a first start that a crash ended leaves a database that names no file
    fs::remove_dir_all(&blobs).expect("it is there");
    typed(folder, &["run", "hello", "-i", "document=@people.yaml", "--as", "dora"]);
    fs::rename(&blobs, folder.join("elsewhere")).expect("it is there");
    let serve: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
    for is_empty in [false, true] {
        if is_empty {
            // as the folder is where another disk should be mounted
            fs::create_dir(&blobs).expect("it can be made");
        }
        for arguments in [serve, &["runs", "list"], &["deploy", "definitions/hello.flow.yaml"]] {
            let said = refused(folder, arguments, 3);
            assert!(said.contains("data/blobs is missing or empty"), "{said}");
            assert!(
                said.contains("`gatefold restore`") && said.contains("--accept-loss"),
                "{said}"
            );
        }
        let made = fs::read_dir(&blobs).map(Iterator::count).unwrap_or_default();
        assert_eq!(made, 0, "nothing was made in its place");
    }
    fs::remove_dir(&blobs).expect("it is there");
    fs::rename(folder.join("elsewhere"), &blobs).expect("it is there");
    typed(folder, &["check"]);
    fs::remove_dir_all(&blobs).expect("it is there");
    drop(super::serving_as(folder, &["--accept-loss"]));
    let log = typed(folder, &["access", "--json"]);
    assert!(log.contains("accepted with --accept-loss"), "{log}");
}

/// One bit of the log that a disk flips after a crash.
#[test]
fn a_damaged_log_is_refused_until_somebody_accepts_the_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    drop(serving(folder));
    let log = folder.join("data/gatefold.db-wal");
    let mut bytes = fs::read(&log).expect("a server that was killed leaves its log");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).expect("it can be written");
    let serve: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
    for arguments in [serve, &["runs", "list"], &["deploy", "definitions/hello.flow.yaml"]] {
        let said = refused(folder, arguments, 3);
        assert!(said.contains("missing from data/gatefold.db"), "{said}");
        assert!(said.contains("`gatefold serve --accept-loss`"), "{said}");
    }
    let output = gatefold().arg("check").current_dir(folder).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(listed.contains("acknowledged"), "{listed}");
    drop(super::serving_as(folder, &["--accept-loss"]));
    let output = gatefold().arg("check").current_dir(folder).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("a start accepted the loss"),
        "{said}"
    );
    typed(folder, &["runs", "list"]);
}

fn address_in(line: &str) -> Option<&str> {
    line.split("http://").nth(1)?.split(' ').next()
}

/// The readiness response of the server, as long as it responds.
fn said_ready(address: &str) -> std::io::Result<String> {
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.is_empty() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer)
}
