//! Real sockets: slow heads, cut-off uploads, revoked links, shutting down.

use crate::harness::Harness;
use gatefold::server::listen::accept;
use gatefold::space::Role;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

async fn listening(harness: &Harness) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = accept(std::sync::Arc::clone(&harness.server), listener, harness.stop.clone());
    (address, tokio::spawn(accepting))
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has said what it said.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_request_is_answered_and_a_head_that_is_too_large_is_not() {
    let harness = Harness::new().await;
    let (address, _) = listening(&harness).await;
    let mut stream = send(address, "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    let large = "x".repeat(1_000_000);
    let mut stream = send(
        address,
        &format!("GET /healthz HTTP/1.1\r\nhost: x\r\na: {large}\r\n\r\n"),
    )
    .await;
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
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
        tokio::task::yield_now().await;
    }
    harness.stop.cancel();
    stream.write_all(b"cd").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    accepting.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
