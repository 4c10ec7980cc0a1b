//! One client cannot block the others: idle connections, half-sent bodies, concurrent requests,
//! ambiguous requests.

use super::sockets::{listening, rest, send};
use crate::harness::Harness;
use axum::body::Body;
use axum::http::StatusCode;
use gatefold::server::connections::RESERVED_PLACES;
use gatefold::server::flight::UNPROVEN_PER_ADDRESS;
use gatefold::space::Role;
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// The response status of a path, requested over a new connection.
async fn status(address: SocketAddr, path: &str, more: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n");
    let answer = rest(&mut send(address, &head).await).await;
    answer.split(' ').nth(1).unwrap_or("nothing").to_owned()
}

fn by(harness: &Harness, user: &str) -> String {
    format!("authorization: Bearer {}\r\n", harness.token(user))
}

#[tokio::test]
async fn idle_connections_are_closed_for_new_ones() {
    let harness = Harness::new().await;
    let (address, _) = listening(&harness).await;
    let mut silent = Vec::new();
    for number in 0..harness.server.settings.room.all * 3 {
        let begun = ["", "GET / HT", "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"][number % 3];
        silent.push(send(address, begun).await);
    }
    for user in ["operator", "admin"] {
        assert_eq!(status(address, "/api/v1/runs", &by(&harness, user)).await, "200");
    }
    assert_eq!(status(address, "/healthz", "").await, "200");
}

/// An upload through a link that sends only its beginning.
async fn half_upload(address: SocketAddr, path: &str) -> TcpStream {
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\nabc");
    send(address, &head.replace("4000000", "400000")).await
}

#[tokio::test]
async fn health_checks_and_administrators_are_served_when_all_connections_are_busy() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let (address, _) = listening(&harness).await;
    let mut held = Vec::new();
    for number in 0..harness.server.settings.room.all {
        held.push(half_upload(address, &link.path(&format!("/files?name={number}.bin"))).await);
    }
    // each upload has begun when its blob is being written
    let incoming = harness.data.path().join("blobs/incoming");
    while std::fs::read_dir(&incoming).map_or(0, Iterator::count) < held.len() {
        crate::turn::turn().await;
    }
    for _ in 0..RESERVED_PLACES * 2 {
        held.push(send(address, "").await);
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(status(address, path, "").await, "200", "{path}");
    }
    assert_eq!(status(address, "/api/v1/runs", &by(&harness, "admin")).await, "200");
    for (path, more) in [
        ("/api/v1/openapi.json", String::new()),
        ("/api/v1/runs", by(&harness, "operator")),
        (&link.path(""), String::new()),
    ] {
        assert_eq!(status(address, path, &more).await, "503", "{path}");
    }
    drop(held);
    while status(address, "/api/v1/runs", &by(&harness, "operator")).await != "200" {
        crate::turn::turn().await;
    }
}

#[tokio::test(start_paused = true)]
async fn unauthenticated_half_sent_bodies_are_limited_in_number_and_time() {
    let harness = Harness::new().await;
    let half = || {
        let body = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let ask = harness
            .post("/api/v1/hooks/x")
            .header("content-type", "application/json");
        tokio::spawn(ask.body(body).send())
    };
    let held: Vec<_> = (0..UNPROVEN_PER_ADDRESS).map(|_| half()).collect();
    crate::turn::turn().await;
    let past = half().await.unwrap();
    assert_eq!(
        (past.status, past.problem().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "too-many-requests")
    );
    assert_eq!(past.header("retry-after"), "1");
    assert_eq!(
        harness.get("/api/v1/runs").by("operator").send().await.status,
        StatusCode::OK
    );
    for half in held {
        let answer = half.await.unwrap();
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::REQUEST_TIMEOUT, "too-slow")
        );
    }
    let took = harness.host.now() - "2026-11-23T09:00:00Z".parse::<gatefold::base::Timestamp>().unwrap();
    assert!(took.get_seconds() < 10, "{took}");
}

const WAITING: &str = "flow: waits
version: 1.0.0
steps:
  - id: never
    wait: { event: crm.signed, key: never }
    deadline: { due: 9 days }
    outcomes: { expired: { end: expired } }
";

#[tokio::test(start_paused = true)]
async fn live_streams_of_one_person_are_limited_and_others_are_not_affected() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("waits", json!({})).await;
    let path = format!("/api/v1/runs/{run}/events");
    let mut streams = Vec::new();
    for _ in 0..harness.server.settings.most.streams_per_person {
        let answer = harness.get(&path).by("operator").open().await;
        assert_eq!(answer.status(), StatusCode::OK);
        streams.push(answer);
    }
    let past = harness.get(&path).by("operator").send().await;
    assert_eq!(past.status, StatusCode::TOO_MANY_REQUESTS, "{}", past.text());
    assert_eq!(
        harness.get("/api/v1/runs").by("operator").send().await.status,
        StatusCode::OK
    );
    assert_eq!(harness.get(&path).by("admin").open().await.status(), StatusCode::OK);
    streams.pop();
    assert_eq!(harness.get(&path).by("operator").open().await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn requests_through_one_link_are_limited_and_others_are_not_affected() {
    let harness = Harness::new().await;
    let (link, other) = (harness.share(Role::Contribute).await, harness.share(Role::View).await);
    let path = link.path("/files?name=a.bin");
    let half = || {
        let first = futures_util::stream::iter([Ok::<_, std::io::Error>(b"abc".to_vec())]);
        let body = futures_util::StreamExt::chain(first, futures_util::stream::pending());
        tokio::spawn(harness.post(&path).body(Body::from_stream(body)).send())
    };
    let _held: Vec<_> = (0..harness.server.settings.most.per_link).map(|_| half()).collect();
    crate::turn::turn().await;
    let past = harness.get(&link.path("")).send().await;
    assert_eq!(
        (past.status, past.problem().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "too-many-requests")
    );
    assert_eq!(harness.get(&other.path("")).send().await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn the_memory_of_request_bodies_is_limited() {
    let harness = Harness::new().await;
    let most = harness.server.settings.most.body_memory_bytes;
    let mut all = harness.server.flights.body();
    all.add(&vec![0; most - 1024]).unwrap();
    let ask = || harness.post("/api/v1/events").by("operator");
    let small = ask().json(&json!({ "x": "y" })).send().await;
    assert_ne!(small.status, StatusCode::SERVICE_UNAVAILABLE, "{}", small.text());
    let large = ask().json(&json!({ "x": "y".repeat(2048) })).send().await;
    assert_eq!(
        (large.status, large.problem().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "busy")
    );
}

#[tokio::test]
async fn an_ambiguous_request_head_is_refused() {
    let harness = Harness::new().await;
    let (address, _) = listening(&harness).await;
    let second = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    for (head, why) in [
        ("GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", "Host"),
        ("GET /healthz HTTP/1.1\r\nhost: x\r\nHOST: x\r\n\r\n", "Host"),
        ("GET /healthz HTTP/1.1\r\na: b\r\n\r\n", "Host"),
        ("GET /healthz HTTP/1.1\r\nhost: x\na: b\r\n\r\n", "line feed"),
        ("GET /healthz HTTP/1.1\nhost: x\n\n", "line feed"),
        ("GET /healthz HTTP/1.1\r\nhost: x\r\n\n", "line feed"),
        (
            "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "length",
        ),
        (
            "POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
            "length",
        ),
        (
            "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n",
            "length",
        ),
    ] {
        let mut stream = send(address, &format!("{head}{second}")).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head:?}: {answer}");
        assert!(
            answer.contains(why) && answer.contains("connection: close"),
            "{head:?}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head:?}: {answer}");
    }
    let pipelined = format!(
        "{second}{}",
        second.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")
    );
    let answer = rest(&mut send(address, &pipelined).await).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    let hidden = format!("{second}{}", second.replace("x\r\n\r\n", "x\na: b\r\n\r\n"));
    let answer = rest(&mut send(address, &hidden).await).await;
    assert!(
        answer.contains("HTTP/1.1 200 OK") && answer.contains("HTTP/1.1 400 "),
        "{answer}"
    );
}

#[tokio::test]
async fn bodies_of_known_and_unknown_length_are_read_to_their_end_and_not_further() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let (address, _) = listening(&harness).await;
    let second = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let path = link.path("/files?name=a.bin");
    let bytes = "x".repeat(300_000);
    let known = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n{bytes}{second}");
    let answer = rest(&mut send(address, &known).await).await;
    assert!(
        answer.contains("HTTP/1.1 201 Created") && answer.contains("HTTP/1.1 200 OK"),
        "{answer}"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 201 Created") && answer.contains("connection: close"),
        "{answer}"
    );
}
