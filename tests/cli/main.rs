//! Transcripts of the command line: what is typed, what is answered, how it ends.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what is answered now into the transcripts.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_command_line_answers_as_its_transcripts_say() {
    trycmd::TestCases::new()
        .register_bin("gatefold", trycmd::cargo::cargo_bin!("gatefold"))
        .env("NO_COLOR", "1")
        .case("tests/cli/*.md");
}

/// The README is typed into an empty folder, as a reader would.
#[test]
fn the_readme_does_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("README.md");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), &page).expect("the README is there");
    for made in ["README.in", "README.out"] {
        fs::create_dir(folder.path().join(made)).expect("it can be made");
    }
    trycmd::TestCases::new()
        .register_bin("gatefold", trycmd::cargo::cargo_bin!("gatefold"))
        .env("NO_COLOR", "1")
        .case(page.to_str().expect("a path in UTF-8"));
}

fn gatefold() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatefold"));
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

#[test]
fn the_demo_ends_well_and_prints_the_whole_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = gatefold()
        .arg("demo")
        .current_dir(folder.path())
        .output()
        .expect("it starts");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    let journal = String::from_utf8_lossy(&output.stdout);
    assert!(
        journal.contains("started by user:dora") && journal.ends_with("ended: completed\n"),
        "{journal}"
    );
    for told in ["409", "410", "published SHA-256", "Everything above was checked"] {
        assert!(talk.contains(told), "{told} is missing:\n{talk}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).expect("it is there").collect();
    assert!(left.is_empty(), "the demo leaves nothing behind: {left:?}");
}

#[test]
fn the_demo_does_not_touch_a_folder_that_is_in_use() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mine"), "").expect("it can be written");
    let output = gatefold()
        .args(["demo", "--data"])
        .arg(folder.path())
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
}

/// A server that is ended with the test.
struct Served(std::process::Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server over `data` that answers.
fn serving(data: &Path) -> Served {
    let mut child = gatefold()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .current_dir(data)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let said = std::io::BufReader::new(child.stderr.take().expect("it is piped"));
    let mut lines = std::io::BufRead::lines(said);
    let is_ready = lines.any(|line| line.is_ok_and(|line| line.contains("gatefold serves")));
    // whoever logs to a closed pipe ends
    std::thread::spawn(move || lines.for_each(drop));
    assert!(is_ready, "it ends instead");
    Served(child)
}

#[test]
fn a_command_beside_a_running_server_is_refused_and_leaves_its_uploads_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let _server = serving(folder.path());
    let upload = folder.path().join("blobs/incoming/upload");
    fs::write(&upload, "half of a file").expect("it can be written");
    for command in ["runs", "tasks"] {
        let output = gatefold()
            .args([command, "list", "--data"])
            .arg(folder.path())
            .current_dir(folder.path())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("--server URL"), "{said}");
    }
    assert!(upload.exists(), "an upload of the server is gone");
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    let mut child = gatefold()
        .args(["schema", "flow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.stderr.is_empty());
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let mut child = gatefold()
        .args(["lint", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, b"flow: x\n").expect("it is read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("<stdin>:1"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_told() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/lint.in");
    for arguments in [
        &["lint", "bad.flow.yaml"][..],
        &["lint", "--help"],
        &["--version"],
        &["help", "lint"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("it is there");
        let output = gatefold()
            .args(arguments)
            .current_dir(folder)
            .stdout(full)
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("stdout"),
            "{arguments:?}"
        );
    }
}
