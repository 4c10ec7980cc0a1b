//! Transcripts of the command line: what is typed, what is answered, how it ends.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what is answered now into the transcripts.

mod backup;
mod loss;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_command_line_answers_as_its_transcripts_say() {
    trycmd::TestCases::new()
        .register_bin("gatefold", trycmd::cargo::cargo_bin!("gatefold"))
        .env("NO_COLOR", "1")
        .case("tests/cli/*.md")
        .case("tests/cli/*.toml");
}

/// What the page about tests says of simulations is typed beside the flow of that page.
#[test]
fn the_page_about_tests_is_typed_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("testing.md");
    let written = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/testing.md");
    let text = fs::read_to_string(&written).expect("the page is there");
    fs::write(&page, &text).expect("it can be written");
    let flow = text
        .split("```yaml flow\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let beside = folder.path().join("testing.in");
    fs::create_dir_all(beside.join("calendars")).expect("it can be made");
    fs::write(
        beside.join("small-review.flow.yaml"),
        flow.expect("the page has a flow"),
    )
    .expect("it can be written");
    let office = "zone: Europe/Madrid\nhours: [\"09:00-17:00\"]\nweek: [mon, tue, wed, thu, fri]\n";
    fs::write(beside.join("calendars/office.yaml"), office).expect("it can be written");
    trycmd::TestCases::new()
        .register_bin("gatefold", trycmd::cargo::cargo_bin!("gatefold"))
        .env("NO_COLOR", "1")
        .case(page.to_str().expect("a path in UTF-8"))
        .run();
    if std::env::var("TRYCMD").is_ok_and(|how| how == "overwrite") {
        fs::copy(&page, &written).expect("it can be written");
    }
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

/// What the README shows of findings is what a transcript has seen.
#[test]
fn the_readme_shows_findings_as_they_are() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |path: &str| fs::read_to_string(package.join(path)).expect("it can be read");
    let (readme, seen) = (text("README.md"), text("tests/cli/lint.md"));
    let shown: Vec<&str> = readme
        .split("```text\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!shown.is_empty(), "the README shows no finding");
    for finding in shown {
        assert!(seen.contains(finding), "not in tests/cli/lint.md:\n{finding}");
    }
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
    serving_as(data, &[])
}

/// A server over `data` that answers, started with more arguments.
fn serving_as(data: &Path, arguments: &[&str]) -> Served {
    let mut child = gatefold()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.join("data"))
        .args(arguments)
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
    let upload = folder.path().join("data/blobs/incoming/upload");
    fs::write(&upload, "half of a file").expect("it can be written");
    for command in ["runs", "tasks"] {
        let output = gatefold()
            .args([command, "list", "--data", "data"])
            .current_dir(folder.path())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("--server URL"), "{said}");
    }
    assert!(upload.exists(), "an upload of the server is gone");
}

/// Runs a command in a folder; what it says on stdout.
fn typed(folder: &Path, arguments: &[&str]) -> String {
    let output = gatefold()
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_command_ends_when_its_runs_have_done_what_they_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/sub-flows.in");
    for name in ["child.flow.yaml", "good.flow.yaml", "people.yaml", "gatefold.toml"] {
        fs::copy(given.join(name), folder.join(name)).expect("it is there");
    }
    for _ in 0..3 {
        let run = typed(folder, &["run", "good.flow.yaml", "--as", "dora"]);
        // a command that looks takes nothing up
        let view = typed(folder, &["runs", "show", run.trim(), "--json"]);
        assert!(view.contains("\"outcome\": \"completed\""), "{view}");
        assert!(view.contains("\"double\": 8"), "{view}");
    }
}

#[test]
fn a_start_that_is_repeated_under_its_key_is_one_run_about_one_document() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    typed(folder, &["deploy", "definitions/hello.flow.yaml"]);
    let start = [
        "run",
        "hello",
        "--input",
        "document=@people.yaml",
        "--once",
        "k1",
        "--as",
        "dora",
    ];
    let run = typed(folder, &start);
    assert_eq!(typed(folder, &start), run);
    let files = typed(folder, &["files", "list", "--as", "dora"]);
    assert_eq!(files.lines().count(), 2, "a header and one file:\n{files}");
    assert!(
        files.contains("/inputs/") && files.contains("people.yaml  1 "),
        "{files}"
    );
}

#[test]
fn what_init_makes_can_be_played_as_it_is_and_a_calendar_that_is_missing_is_told_with_where_was_looked() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    let played = typed(folder, &["test"]);
    assert!(
        played.contains("hello.test.yaml") && !played.contains("failed"),
        "{played}"
    );
    fs::rename(folder.join("calendars"), folder.join("elsewhere")).expect("it can be moved");
    for command in ["test", "lint"] {
        let output = gatefold().arg(command).current_dir(folder).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let looked = fs::canonicalize(folder).expect("it is there").join("calendars");
        let looked = looked.display().to_string();
        assert!(said.contains("GF404") && said.contains(&looked), "{command}: {said}");
        assert!(said.contains("definitions/calendars"), "{command}: {said}");
    }
}

#[test]
fn what_is_for_a_data_folder_is_refused_beside_a_server_of_the_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    typed(folder.path(), &["init"]);
    let told = |given: &[&str]| {
        let mut command = gatefold();
        command.args(["tasks", "list"]).args(given).current_dir(folder.path());
        let output = command
            .env("GATEFOLD_URL", "http://127.0.0.1:1")
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for (given, name) in [(["--as", "anna"], "--as"), (["--data", "data"], "--data")] {
        let said = told(&given);
        let wanted = format!("leave out {name}, or unset GATEFOLD_URL");
        assert!(said.contains(&wanted), "{said}");
    }
}

#[test]
fn a_document_is_not_put_over_a_file_and_what_to_do_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    let flow = "definitions/hello.flow.yaml";
    typed(folder, &["run", flow, "-i", "document=@people.yaml", "--as", "dora"]);
    let tasks = typed(folder, &["tasks", "list", "--as", "anna", "--json"]);
    let task = tasks
        .split('"')
        .find(|word| word.starts_with("tsk_"))
        .expect("a task")
        .to_owned();
    let refused = |arguments: &[&str]| {
        let output = gatefold()
            .args(arguments)
            .current_dir(folder)
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = refused(&["tasks", "document", &task, "--output", "gatefold.toml", "--as", "anna"]);
    assert!(said.contains("name another file with --output"), "{said}");
    let said = refused(&["tasks", "decide", "approved", "--task", &task, "--as", "anna"]);
    assert!(
        said.contains("people.yaml v1: say which version you read with --file FILE or --sha256"),
        "{said}"
    );
    let done = typed(folder, &["tasks", "claim", &task, "--as", "anna"]);
    assert_eq!(done, "you have taken the task\n");
    let done = typed(folder, &["tasks", "release", &task, "--as", "anna"]);
    assert_eq!(done, "the task is given back to everybody who is asked\n");
}

#[test]
fn mails_of_a_command_lead_to_where_the_server_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    typed(folder, &["deploy", "definitions/hello.flow.yaml"]);
    typed(
        folder,
        &["run", "hello", "--input", "document=@people.yaml", "--as", "dora"],
    );
    let outbox = folder.join("data/outbox");
    let mails = || -> Vec<_> {
        fs::read_dir(&outbox)
            .map(|found| found.flatten().collect())
            .unwrap_or_default()
    };
    // a mail that a command leaves is sent by the next one that works
    for _ in 0..20 {
        if mails().is_empty() {
            typed(folder, &["deploy", "definitions/hello.flow.yaml"]);
        }
    }
    let mail = fs::read_to_string(mails().first().expect("a mail").path()).expect("text");
    let mail = mail.replace("=\r\n", "").replace("=\n", "");
    assert!(mail.contains("--server http://127.0.0.1:8080"), "{mail}");
}

#[test]
fn a_flow_that_cannot_be_read_keeps_no_other_from_being_deployed() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    fs::write(folder.join("definitions/a.flow.yaml"), b"flow: \xff\n").expect("it can be written");
    fs::write(
        folder.join("gatefold.toml"),
        "people = 'people.yaml'\ncalendars = 'calendars'\ndefinitions = 'definitions'\n",
    )
    .expect("it can be written");
    drop(serving(folder));
    let flows = typed(folder, &["flows", "list"]);
    assert!(flows.contains("hello"), "{flows}");
}

/// What a server over a folder says until it answers.
fn log_of_a_start(folder: &Path) -> String {
    let mut child = gatefold()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(folder)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let said = std::io::BufReader::new(child.stderr.take().expect("it is piped"));
    let served = Served(child);
    let mut log = Vec::new();
    for line in std::io::BufRead::lines(said) {
        log.push(line.expect("text"));
        if log.last().is_some_and(|line| line.contains("gatefold serves")) {
            break;
        }
    }
    drop(served);
    log.join("\n")
}

#[test]
fn a_start_tells_of_flows_that_it_deploys_and_of_those_that_changed_under_their_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    typed(folder, &["init"]);
    let is_told = |log: &str| {
        log.lines()
            .any(|line| line.contains("hello") && line.contains("deployed"))
    };
    let log = log_of_a_start(folder);
    assert!(is_told(&log), "{log}");
    let log = log_of_a_start(folder);
    assert!(!is_told(&log), "nothing was deployed:\n{log}");
    let flow = folder.join("definitions/hello.flow.yaml");
    let text = fs::read_to_string(&flow).expect("it is there");
    fs::write(&flow, text.replace("rule: any", "rule: all")).expect("it can be written");
    let log = log_of_a_start(folder);
    assert!(log.contains("deployed already with another text"), "{log}");
    assert!(!log.contains("gatefold lint"), "lint tells nothing:\n{log}");
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
