//! Real sockets: slow heads, cut-off uploads, revoked links, shutting down.

use crate::harness::Harness;
use gatefold::server::listen::{HEAD_BYTES_MAX, HEADERS_MAX, accept};
use gatefold::space::Role;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub async fn listening(harness: &Harness) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = accept(std::sync::Arc::clone(&harness.server), listener, harness.stop.clone());
    (address, tokio::spawn(accepting))
}

pub async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

pub async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has said what it said.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_head_is_answered_up_to_its_limits_and_not_past_them() {
    let harness = Harness::new().await;
    let (address, _) = listening(&harness).await;
    let ask = async |headers: &str| {
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        let length = head.len();
        (rest(&mut send(address, &head).await).await, length)
    };
    let (answer, frame) = ask("a: \r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let filled = |length: usize| format!("a: {}\r\n", "x".repeat(length - frame));
    let many = |lines: usize| (2..lines).map(|line| format!("a{line}: x\r\n")).collect::<String>();
    for (headers, status) in [
        (filled(HEAD_BYTES_MAX), "200"),
        (filled(HEAD_BYTES_MAX + 1), "431"),
        (filled(1_000_000), "431"),
        (many(HEADERS_MAX), "200"),
        (many(HEADERS_MAX + 1), "431"),
    ] {
        let (answer, length) = ask(&headers).await;
        // Where much was sent that nobody reads, the connection may be reset before the answer is seen.
        let is_cut_off = answer.is_empty() && length > 2 * HEAD_BYTES_MAX;
        assert!(
            is_cut_off || answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{length} bytes: {answer}"
        );
    }
}

/// RFC 9112 has a server refuse a body of two lengths, or take the chunks and close: what follows
/// is never another request.
#[tokio::test]
async fn a_body_of_two_lengths_ends_the_connection() {
    let harness = Harness::new().await;
    let (address, _) = listening(&harness).await;
    let second = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    for lengths in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", second.len() + 5),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", second.len() + 5),
        "content-length: 1\r\ncontent-length: 2\r\n".to_owned(),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: x\r\ncontent-length: 4\r\n".to_owned(),
    ] {
        let head = format!("POST /api/v1/flows HTTP/1.1\r\nhost: x\r\n{lengths}\r\n0\r\n\r\n{second}");
        let answer = rest(&mut send(address, &head).await).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{lengths}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{lengths}: {answer}");
    }
}

#[tokio::test]
async fn an_upload_whose_connection_breaks_leaves_nothing() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let (address, _) = listening(&harness).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n",
        link.path("/files?name=cut.bin")
    );
    let mut stream = send(address, &head).await;
    stream.write_all(&[1; 5000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let share = harness.store.share(&link.share).await.unwrap().unwrap();
    assert_eq!(share.files.len(), 1);
    let incoming = harness.data.path().join("blobs/incoming");
    assert_eq!(std::fs::read_dir(incoming).map_or(0, Iterator::count), 0);
}

/// As a browser does: it sends everything first, and reads the answer then.
#[tokio::test]
async fn a_refusal_can_be_read_by_a_client_that_sends_everything_first() {
    let harness = Harness::new().await;
    let reader = harness.share(Role::Download).await;
    let (address, _) = listening(&harness).await;
    let piece = vec![b'x'; 1 << 20];
    for (path, status) in [
        (format!("/s/{}/files", "0".repeat(64)), "404"),
        (reader.path("/files?name=a.bin"), "413"),
        ("/api/v1/files?name=a.bin".to_owned(), "401"),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            20 << 20
        );
        let mut stream = send(address, &head).await;
        for _ in 0..20 {
            stream.write_all(&piece).await.unwrap();
        }
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer.as_slice(), format!("HTTP/1.1 {status}").as_bytes(), "{path}");
    }
}

/// `curl` asks first whether it may send a large body.
#[tokio::test]
async fn a_client_that_asks_first_is_refused_at_once() {
    let harness = Harness::new().await;
    let (address, _) = listening(&harness).await;
    let head = "POST /api/v1/files?name=a.bin HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    let answer = rest(&mut send(address, head).await).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_not_waited_for() {
    let harness = Harness::new().await;
    let (address, _) = listening(&harness).await;
    let mut stream = send(address, "GET /healthz HTTP/1.1\r\nhost: x\r\nx: ").await;
    tokio::time::pause();
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn when_it_stops_what_is_in_flight_ends_well_and_nothing_new_begins() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let (address, accepting) = listening(&harness).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab",
        link.path("/files?name=a.txt")
    );
    let mut stream = send(address, &head).await;
    // The upload has begun once its blob is being written.
    let incoming = harness.data.path().join("blobs/incoming");
    while std::fs::read_dir(&incoming).map_or(0, Iterator::count) == 0 {
        crate::turn::turn().await;
    }
    harness.stop.cancel();
    stream.write_all(b"cd").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    accepting.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
