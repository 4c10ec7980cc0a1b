//! Conditions on what stands in a file that somebody gives: read by a process of its own, refused in a
//! sentence where nothing can be read.

use crate::harness::Harness;
use axum::http::StatusCode;
use gatefold::host::reading::{self, MAX_FILE_BYTES, MAX_MEMORY, MAX_STREAM_BYTES};
use gatefold::rehearsal::pdf;
use lopdf::{Document, EncryptionState, EncryptionVersion, Permissions};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const PAPERS: &str = "flow: papers
version: 1.0.0
outputs: { prices: \"${{ steps.papers.items.prices.file.name }}\" }
steps:
  - id: papers
    collect:
      from: email:rosa@outside.example
      items:
        tax: { title: Tax form, accept: [pdf], checks: [{ where: \"'W-9' in file.text\", else: This is no W-9. }] }
        site:
          title: Site
          accept: [pdf, jpeg]
          checks:
            - { where: \"file.media_type == 'image/jpeg' or 'Site 7' in file.text\", else: Please show site 7. }
        prices:
          title: Prices
          accept: [csv]
          checks:
            - { where: \"'Price' in file.columns\", else: A column Price is missing. }
            - { where: \"file.rows >= 2 and 'EUR' in file.text\", else: Give two prices in EUR at least. }
        pdf_with_rows: { title: Rows, checks: [{ where: file.rows > 0, else: Give rows. }] }
    deadline: { due: 10 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";

/// A run that asks Rosa, and the path of her link.
async fn asked() -> (Harness, String) {
    let harness = Harness::new().await;
    harness.deploy(PAPERS).await;
    harness.begin("papers", json!({})).await;
    let mail = loop {
        if let Some(mail) = harness.mails.lock().unwrap().pop() {
            break mail;
        }
        crate::turn::turn().await;
    };
    let mut words = mail.text.split_whitespace();
    let link = words.find_map(|word| word.strip_prefix("http://gatefold.test/s/"));
    let path = format!("/api/v1/links/{}", link.expect("the link is in the mail"));
    (harness, path)
}

async fn give(harness: &Harness, path: &str, item_and_name: &str, bytes: impl Into<Vec<u8>>) -> (StatusCode, String) {
    let path = format!("{path}/items/{item_and_name}");
    let answer = harness.post(&path).body(bytes.into()).send().await;
    let told: Value = answer.json();
    (answer.status, told["detail"].as_str().unwrap_or_default().to_owned())
}

fn form(words: &str) -> Vec<u8> {
    pdf::make("", &["Form", words])
}

/// A page that is small as long as it is packed.
fn bomb() -> Vec<u8> {
    let mut document = Document::load_mem(&form("W-9")).unwrap();
    let page = document.page_iter().next().unwrap();
    let content = document.get_page_contents(page)[0];
    let stream = document
        .get_object_mut(content)
        .and_then(lopdf::Object::as_stream_mut)
        .unwrap();
    let mut drawn = stream.content.clone();
    drawn.resize(MAX_STREAM_BYTES + 1, b' ');
    stream.set_plain_content(drawn);
    stream.compress().unwrap();
    saved(document)
}

fn protected() -> Vec<u8> {
    let mut document = Document::load_mem(&form("W-9")).unwrap();
    let id = lopdf::Object::string_literal("a");
    document.trailer.set("ID", vec![id.clone(), id]);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: "user",
        key_length: 128,
        permissions: Permissions::PRINTABLE,
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    saved(document)
}

fn saved(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_a_file_is_held_against_its_conditions() {
    let (harness, path) = asked().await;
    let no = StatusCode::UNPROCESSABLE_ENTITY;
    let selected = "Send a PDF whose text can be selected";
    let half = form("W-9")[..100].to_vec();
    for (file, bytes, words) in [
        ("tax?name=a.pdf", form("W-8"), "This is no W-9."),
        ("tax?name=a.pdf", form(""), "This is no W-9."),
        ("tax?name=a.pdf", pdf::make("", &[]), "as a scan does"),
        ("tax?name=a.pdf", pdf::make("", &[]), selected),
        ("tax?name=a.pdf", bomb(), "more than 512 kB"),
        ("tax?name=a.pdf", protected(), "protected by a password"),
        ("tax?name=a.pdf", half, "damaged"),
        ("tax?name=a.pdf", b"%PDF-1.7 W-9".to_vec(), "damaged"),
        ("tax?name=a.pdf", b"%".to_vec(), "takes pdf"),
        ("site?name=a.pdf", form("Site 8"), "Please show site 7."),
        ("site?name=a.pdf", b"%PDF-1.7 Site 7".to_vec(), selected),
        (
            "prices?name=a.csv",
            b"Name;Cost\na;1\n".to_vec(),
            "A column Price is missing.",
        ),
        (
            "prices?name=a.csv",
            b"Name;Price\na;1 EUR\n".to_vec(),
            "Give two prices",
        ),
        ("prices?name=a.csv", b"\n\n".to_vec(), "first line names"),
        ("prices?name=a.csv", b"\x01\x02\xff".to_vec(), "takes csv"),
        ("pdf_with_rows?name=a.pdf", form("W-9"), "Send a CSV file"),
        (
            "pdf_with_rows?name=a.png",
            b"\x89PNG\r\n\x1a\n".to_vec(),
            "of a type that holds none",
        ),
    ] {
        let (status, told) = give(&harness, &path, file, bytes).await;
        assert_eq!(status, no, "{file}: {told}");
        assert!(told.contains(words), "{file}, {words}: {told}");
    }
    let view = harness.get(&path).send().await.json();
    let items = view["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["state"] == "missing"), "{view}");
    assert!(
        items
            .iter()
            .all(|item| item["files"].as_array().is_none_or(Vec::is_empty)),
        "{view}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_its_conditions_hold_of_is_taken() {
    let (harness, path) = asked().await;
    for (file, bytes) in [
        ("tax?name=a.pdf", form("W-9 (Rev. 2026)")),
        ("site?name=a.pdf", form("Site 7")),
        ("site?name=a.jpg", b"\xff\xd8\xff and a picture".to_vec()),
        (
            "prices?name=a.csv",
            "\u{feff}\"Name\";Price\r\nä;1 EUR\r\nb;2 EUR".as_bytes().to_vec(),
        ),
        ("pdf_with_rows?name=a.csv", b"a,b\n1,2\n".to_vec()),
    ] {
        let (status, told) = give(&harness, &path, file, bytes).await;
        assert_eq!(status, StatusCode::CREATED, "{file}: {told}");
    }
    let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    assert!(
        !format!("{log:?}").contains("W-9 (Rev"),
        "what stands in files is kept nowhere else"
    );
}

/// What `gatefold read` says of these bytes, and whether it ended well.
fn read_apart(kind: &str, bytes: &[u8]) -> (Option<reading::Reading>, bool) {
    read_in([reading::ENVIRONMENT], kind, bytes)
}

/// The same with this in its environment.
fn read_in<const N: usize>(
    environment: [(&str, &str); N],
    kind: &str,
    bytes: &[u8],
) -> (Option<reading::Reading>, bool) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_gatefold"))
        .args(["read", kind])
        .env_clear()
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let written = process.stdin.take().unwrap().write_all(bytes);
    let output = process.wait_with_output().unwrap();
    assert!(written.is_ok() || !output.status.success());
    (serde_json::from_slice(&output.stdout).ok(), output.status.success())
}

#[test]
fn a_reader_takes_so_many_bytes_and_no_more() {
    let most = usize::try_from(MAX_FILE_BYTES).unwrap();
    let table = ["a\n", &"1\n".repeat(most / 2 - 1)].concat();
    let (read, _) = read_apart("table", table.as_bytes());
    assert_eq!(read.unwrap().rows, Some(MAX_FILE_BYTES / 2 - 1));
    let (read, is_well) = read_apart("table", [table.as_bytes(), b"\n"].concat().as_slice());
    assert_eq!((read.unwrap().why, is_well), (Some(reading::Why::TooLarge), true));
    assert_eq!(read_apart("other", b"a"), (None, false));
}

/// A file that takes more than a hundred times its size to read, so that it would take gigabytes.
#[test]
#[cfg(target_os = "linux")]
fn a_reader_that_takes_too_much_memory_ends_alone() {
    let most = usize::try_from(MAX_FILE_BYTES).unwrap();
    const { assert!(MAX_MEMORY < MAX_FILE_BYTES / 2 * 60) };
    let mut greedy = b"%PDF-1.7\n1 0 obj\n[".to_vec();
    greedy.extend(b"0 ".repeat(most / 2 - 100));
    greedy.extend(b"]\nendobj\n2 0 obj\n<</Type/Catalog/Pages 1 0 R>>\nendobj\ntrailer\n<</Root 2 0 R>>\n%%EOF");
    let (read, is_well) = read_apart("pdf", &greedy);
    assert!(!is_well && read.is_none(), "{read:?}");
}

/// As a service manager bounds the server, and with it whatever the server starts.
#[test]
#[cfg(target_os = "linux")]
fn a_reader_that_was_bounded_more_already_reads() {
    let (name, value) = reading::ENVIRONMENT;
    let output = Command::new("/bin/sh")
        .args([
            "-c",
            "ulimit -v 500000 && ulimit -t 5 && echo words | \"$0\" read plain",
        ])
        .arg(env!("CARGO_BIN_EXE_gatefold"))
        .env_clear()
        .env(name, value)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let read: reading::Reading = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read.text.as_deref(), Some("words\n"));
}

/// Its bound on memory would bound nothing.
#[test]
#[cfg(target_os = "linux")]
fn a_reader_that_has_taken_too_much_memory_before_reads_nothing() {
    assert_eq!(
        read_in([("MIMALLOC_ARENA_RESERVE", "1GiB")], "plain", b"a"),
        (None, false)
    );
    assert_eq!(read_in([], "plain", b"a"), (None, false));
}
