//! A download counts when its last byte was sent, and a download in progress may finish unless
//! somebody revokes it.

use super::sockets::{listening, rest, send};
use crate::harness::{Harness, Link, days_after};
use axum::http::{Method, StatusCode};
use futures_util::StreamExt;
use gatefold::audit::AccessKind;
use gatefold::base::Timestamp;
use gatefold::space::{Principal, Role, State};
use gatefold::store::Write;
use gatefold::store::memory::MemoryStore;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

/// Ten bytes.
const BYTES: &[u8] = b"0123456789";
/// More bytes than the buffers of two sockets can hold.
const LARGE: usize = 24 << 20;

/// Numbers of download events for flows and of `downloaded` entries in the access log.
async fn counted(harness: &Harness) -> (usize, usize) {
    let pending = harness.store.pending_events(Timestamp::MAX, usize::MAX).await.unwrap();
    let told = pending
        .iter()
        .filter(|pending| pending.event.kind == "file360.file_downloaded");
    let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    let sent = log.iter().filter(|(_, entry)| entry.kind == AccessKind::Downloaded);
    (told.count(), sent.count())
}

/// Waits until all background work is done.
async fn settled() {
    for _ in 0..100 {
        crate::turn::turn().await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_whole_answer_to_somebody_who_takes_the_file_counts() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let link = harness.share_of(Role::Download, BYTES, None).await;
    let tag = format!("\"{}\"", link.sha256);
    let other = format!("\"{}\"", "0".repeat(64));
    let (mut attempts, mut expected) = (0, (0, 0));
    for (method, headers, status, counts) in [
        (Method::POST, vec![], 200, (1, 1)),
        (Method::GET, vec![], 200, (0, 1)),
        (Method::GET, vec![("range", "bytes=9-")], 206, (0, 0)),
        (Method::HEAD, vec![], 200, (0, 0)),
        (Method::POST, vec![("if-none-match", tag.as_str())], 304, (0, 0)),
        (Method::POST, vec![("range", "bytes=10-")], 416, (0, 0)),
        (Method::POST, vec![("range", "bytes=0-0")], 206, (0, 0)),
        (Method::POST, vec![("range", "bytes=-1")], 206, (0, 0)),
        (Method::POST, vec![("range", "bytes=9-")], 206, (0, 0)),
        (Method::POST, vec![("range", "bytes=0-7")], 206, (0, 0)),
        (Method::POST, vec![("range", "bytes=0-9")], 206, (1, 1)),
        (Method::POST, vec![("range", "bytes=0-0,9-9")], 200, (1, 1)),
        (
            Method::POST,
            vec![("range", "bytes=0-0"), ("if-range", other.as_str())],
            200,
            (1, 1),
        ),
    ] {
        let path = match method {
            Method::POST => format!("{}/download", link.file_path()),
            _ => link.file_path(),
        };
        let mut ask = harness.ask(method.clone(), &path);
        for (name, value) in &headers {
            ask = ask.header(name, value);
        }
        assert_eq!(ask.send().await.status.as_u16(), status, "{method} {headers:?}");
        settled().await;
        attempts += 1;
        expected = (expected.0 + counts.0, expected.1 + counts.1);
        assert_eq!(counted(&harness).await, expected, "{method} {headers:?}");
        let log = harness
            .store
            .access_log(Some(&link.share), 0, usize::MAX)
            .await
            .unwrap();
        let asked = log.iter().filter(|(_, entry)| entry.kind == AccessKind::Download);
        assert_eq!(
            asked.count(),
            attempts,
            "each attempt leaves a line: {method} {headers:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_to_its_end_does_not_count() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let link = harness.share_of(Role::Download, vec![7; 1 << 20], None).await;
    let path = format!("{}/download", link.file_path());
    let mut pieces = harness.post(&path).open().await.into_body().into_data_stream();
    pieces.next().await.unwrap().unwrap();
    settled().await;
    drop(pieces);
    settled().await;
    assert_eq!(counted(&harness).await, (0, 0));
    harness.post(&path).send().await;
    settled().await;
    assert_eq!(counted(&harness).await, (1, 1));
}

/// A share of a file that is larger than all socket buffers.
async fn large(harness: &Harness) -> Link {
    let link = harness.share(Role::Download).await;
    let bytes = vec![7; LARGE];
    let blob = harness
        .host
        .parts()
        .blobs
        .put(bytes.as_slice(), u64::MAX)
        .await
        .unwrap();
    let mut file = harness.store.file(&link.file).await.unwrap().unwrap();
    (file.versions[0].sha256, file.versions[0].size) = (blob.sha256, blob.size);
    harness.commit(vec![Write::PutFile(file)]).await;
    link
}

async fn ask_for(stream: &mut TcpStream, link: &Link) {
    use tokio::io::AsyncWriteExt;
    let path = format!("{}/download", link.file_path());
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_hangs_up_has_not_downloaded_and_one_that_stays_has() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let link = large(&harness).await;
    let (address, _) = listening(&harness).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let mut cut = socket.connect(address).await.unwrap();
    ask_for(&mut cut, &link).await;
    cut.read_exact(&mut [0; 100]).await.unwrap();
    drop(cut);
    let mut whole = TcpStream::connect(address).await.unwrap();
    ask_for(&mut whole, &link).await;
    let mut taken = Vec::new();
    whole.read_to_end(&mut taken).await.unwrap();
    assert!(taken.len() > LARGE);
    while counted(&harness).await == (0, 0) {
        crate::turn::turn().await;
    }
    assert_eq!(counted(&harness).await, (1, 1));
}

#[tokio::test]
async fn a_small_file_counts_over_a_connection_that_stays_open() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let (link, empty) = (
        harness.share_of(Role::Download, BYTES, None).await,
        harness.share_of(Role::Download, b"".as_slice(), None).await,
    );
    let (address, _) = listening(&harness).await;
    let head = |link: &Link| format!("POST {}/download HTTP/1.1\r\nhost: x\r\n\r\n", link.file_path());
    let mut stream = send(address, &head(&link)).await;
    while counted(&harness).await != (1, 1) {
        crate::turn::turn().await;
    }
    let last = head(&empty).replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    stream.write_all(last.as_bytes()).await.unwrap();
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    while counted(&harness).await != (2, 2) {
        crate::turn::turn().await;
    }
}

/// A way in which a share ends during a download.
#[derive(Clone, Copy, Debug)]
enum End {
    Revoked,
    GrantRevoked,
    WithItsRun,
    Expired,
}

async fn end(harness: &Harness, link: &Link, end: End) {
    let mut share = harness.store.share(&link.share).await.unwrap().unwrap();
    let mut grant = harness.store.grant(&link.grant).await.unwrap().unwrap();
    match end {
        End::GrantRevoked => grant.state = State::Revoked,
        End::Expired => (share.state, grant.expires_at) = (State::Expired, Some(days_after(harness.host.now(), -1))),
        End::Revoked | End::WithItsRun => {
            (share.state, grant.state) = (State::Revoked, State::Revoked);
            share.has_ended_with_run = matches!(end, End::WithItsRun);
        }
    }
    harness
        .commit(vec![Write::PutShare(share), Write::PutGrant(grant)])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_download_may_finish_when_its_share_ends_and_is_cut_when_somebody_revokes_it() {
    for (how, finishes) in [
        (End::Revoked, false),
        (End::GrantRevoked, false),
        (End::WithItsRun, true),
        (End::Expired, true),
    ] {
        let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
        let link = harness.share_of(Role::Download, vec![7; 1 << 20], None).await;
        let path = format!("{}/download", link.file_path());
        let mut pieces = harness.post(&path).open().await.into_body().into_data_stream();
        let mut taken = pieces.next().await.unwrap().unwrap().len();
        end(&harness, &link, how).await;
        tokio::time::advance(Duration::from_secs(1)).await;
        let mut is_cut = false;
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => taken += piece.len(),
                Err(_) => is_cut = true,
            }
        }
        settled().await;
        assert_eq!((!is_cut, taken == 1 << 20), (finishes, finishes), "{how:?}");
        assert_eq!(
            counted(&harness).await,
            if finishes { (1, 1) } else { (0, 0) },
            "{how:?}"
        );
        let again = harness.post(&path).send().await;
        assert_eq!(again.status, StatusCode::GONE, "{how:?}: nobody begins anew");
    }
}

const SHARING: &str = "flow: shares
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: room
    uses: file360.create_share
    with: { name: Review, files: [\"${{ inputs.document }}\"], expires_in: 30 days, to: rita@outside.example, role: download }
  - id: fetched
    wait: { event: file360.file_downloaded, on: \"${{ steps.room.share }}\" }
    deadline: { due: 2 days }
    outcomes: { expired: { end: expired } }
";

#[tokio::test(start_paused = true)]
async fn a_share_knows_whether_it_ended_with_its_run_or_somebody_ended_it() {
    let harness = Harness::new().await;
    harness.deploy(SHARING).await;
    let document = harness.put("contract.pdf", "x").await;
    for (is_cancelled, has_ended_with_run) in [(true, false), (false, true)] {
        let run = harness.begin("shares", json!({ "document": document.id })).await;
        let shares = harness.host.shares_of(&run).await.unwrap();
        let (share, grants) = &shares[0];
        let path = format!("/api/v1/links/{}", harness.links.token(&grants[0].id));
        if is_cancelled {
            let cancel = harness.post(&format!("/api/v1/runs/{run}/cancel")).by("operator");
            cancel.json(&json!({ "reason": "a mistake" })).send().await;
        } else {
            harness
                .post(&format!("{path}/files/{}/download", document.id))
                .send()
                .await;
        }
        let events = harness.get(&format!("/api/v1/runs/{run}/events")).by("operator");
        events.send().await;
        let share = harness.store.share(&share.id).await.unwrap().unwrap();
        assert_eq!(
            (share.state, share.has_ended_with_run),
            (State::Revoked, has_ended_with_run)
        );
        assert_eq!(harness.get(&path).send().await.problem(), "revoked");
    }
}

#[tokio::test(start_paused = true)]
async fn parts_count_once_they_make_the_whole_file_for_one_holder() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let [link, other] = [
        harness.share_of(Role::Download, BYTES, None).await,
        harness.share_of(Role::Download, BYTES, None).await,
    ];
    let fetch = async |link: &Link, method: Method, range: &str| {
        let path = match method {
            Method::POST => format!("{}/download", link.file_path()),
            _ => link.file_path(),
        };
        let answer = harness.ask(method, &path).header("range", range).send().await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        settled().await;
        counted(&harness).await
    };
    assert_eq!(fetch(&link, Method::POST, "bytes=0-4").await, (0, 0));
    assert_eq!(fetch(&other, Method::POST, "bytes=5-9").await, (0, 0), "another holder");
    assert_eq!(
        fetch(&link, Method::GET, "bytes=5-9").await,
        (0, 0),
        "a look is no download"
    );
    assert_eq!(
        fetch(&link, Method::POST, "bytes=9-9").await,
        (0, 0),
        "the last byte alone"
    );
    assert_eq!(
        fetch(&link, Method::POST, "bytes=4-8").await,
        (1, 1),
        "now each byte was sent"
    );
    assert_eq!(fetch(&link, Method::POST, "bytes=9-9").await, (1, 1), "it begins anew");
    assert_eq!(
        fetch(&link, Method::GET, "bytes=0-4").await,
        (1, 2),
        "what was looked at in parts is in the log"
    );
}

#[tokio::test(start_paused = true)]
async fn parts_through_a_link_that_anyone_has_never_add_up() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let link = harness.share_of(Role::Download, BYTES, None).await;
    let mut grant = harness.store.grant(&link.grant).await.unwrap().unwrap();
    grant.to = Principal::Link;
    harness.commit(vec![Write::PutGrant(grant)]).await;
    let path = format!("{}/download", link.file_path());
    for range in ["bytes=0-4", "bytes=5-9"] {
        harness.post(&path).header("range", range).send().await;
        settled().await;
        assert_eq!(counted(&harness).await, (0, 0), "several people may have it");
    }
    harness.post(&path).send().await;
    settled().await;
    assert_eq!(counted(&harness).await, (1, 1));
}

/// Over a real socket: the first answer is cut in the middle, and the client asks for the rest.
#[tokio::test]
async fn a_download_that_was_cut_and_resumed_counts() {
    let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
    let link = large(&harness).await;
    let (address, _) = listening(&harness).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut cut = socket.connect(address).await.unwrap();
    ask_for(&mut cut, &link).await;
    let mut taken = vec![0; 4 << 20];
    cut.read_exact(&mut taken).await.unwrap();
    let head = taken.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    drop(cut);
    let have = taken.len() - head;
    assert_eq!(counted(&harness).await, (0, 0));
    let rest_of = async |first: usize| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let path = format!("{}/download", link.file_path());
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nrange: bytes={first}-\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        rest.len()
    };
    assert!(rest_of(LARGE - 1).await > 0);
    settled().await;
    assert_eq!(counted(&harness).await, (0, 0), "the last byte alone");
    assert!(rest_of(have).await > LARGE - have);
    while counted(&harness).await == (0, 0) {
        crate::turn::turn().await;
    }
    assert_eq!(counted(&harness).await, (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_download_is_cut_when_its_holder_loses_what_it_was_given_for() {
    for (instead, what) in [("", "left"), (BEN_WITHOUT, "lost the role")] {
        let harness = Harness::at_rest(Arc::new(MemoryStore::default())).await;
        let link = harness.share_of(Role::Download, vec![7; 1 << 20], None).await;
        let mut grant = harness.store.grant(&link.grant).await.unwrap().unwrap();
        grant.to = Principal::User("ben".to_owned());
        grant.through = Some(Principal::Role("legal".to_owned()));
        harness.commit(vec![Write::PutGrant(grant)]).await;
        let path = format!("{}/download", link.file_path());
        let mut pieces = harness.post(&path).open().await.into_body().into_data_stream();
        pieces.next().await.unwrap().unwrap();
        let file = harness.data.path().join("people.yaml");
        let people = std::fs::read_to_string(&file).unwrap();
        assert!(people.contains(BEN), "{people}");
        std::fs::write(&file, people.replace(BEN, instead)).unwrap();
        harness.server.accounts.refresh_now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let mut is_cut = false;
        while let Some(piece) = pieces.next().await {
            is_cut |= piece.is_err();
        }
        settled().await;
        assert!(is_cut, "{what}");
        assert_eq!(counted(&harness).await, (0, 0), "{what}");
    }
}

const BEN: &str = "  ben: { name: Ben, email: ben@example.com, roles: [legal] }\n";
const BEN_WITHOUT: &str = "  ben: { name: Ben, email: ben@example.com, roles: [finance] }\n";
