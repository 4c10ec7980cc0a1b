//! Bytes on their way out: ranges, tags, names, and links that end in the middle.

use crate::harness::{Answer, Harness, Link};
use axum::http::{Method, StatusCode};
use futures_util::StreamExt;
use gatefold::space::Role;

/// Ten bytes.
const BYTES: &[u8] = b"0123456789";

async fn ranged(harness: &Harness, link: &Link, range: &str) -> Answer {
    harness.get(&link.file_path()).header("range", range).send().await
}

#[tokio::test(start_paused = true)]
async fn a_download_never_runs_on_this_origin() {
    let harness = Harness::new().await;
    let link = harness
        .share_of(Role::Download, "<svg onload=alert(1)>".as_bytes(), None)
        .await;
    let answer = harness.get(&link.file_path()).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer
            .header("content-disposition")
            .starts_with("attachment; filename=")
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").starts_with("sandbox;"));
    assert_eq!(answer.header("etag"), format!("\"{}\"", link.sha256));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
}

#[tokio::test(start_paused = true)]
async fn ranges_are_cut_refused_or_ignored_as_the_standard_says() {
    let harness = Harness::new().await;
    let link = harness.share_of(Role::Download, BYTES, None).await;
    for (range, content_range, bytes) in [
        ("bytes=0-0", "bytes 0-0/10", "0"),
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=8-99", "bytes 8-9/10", "89"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-3", "bytes 7-9/10", "789"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
    ] {
        let answer = ranged(&harness, &link, range).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            (answer.header("content-range"), answer.text()),
            (content_range, bytes),
            "{range}"
        );
        assert_eq!(answer.header("content-length"), bytes.len().to_string(), "{range}");
    }
    for range in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
        let answer = ranged(&harness, &link, range).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(
            (answer.header("content-range"), answer.problem().as_str()),
            ("bytes */10", "range")
        );
    }
    for range in ["bytes=0-1,3-4", "bytes=5-2", "lines=1-2", "bytes=x-", "bytes"] {
        let answer = ranged(&harness, &link, range).await;
        assert_eq!(
            (answer.status, answer.bytes().as_ref()),
            (StatusCode::OK, BYTES),
            "{range}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_of_another_version_gives_the_whole_of_this_one() {
    let harness = Harness::new().await;
    let link = harness.share_of(Role::Download, BYTES, None).await;
    let with = |tag: String| {
        harness
            .get(&link.file_path())
            .header("range", "bytes=5-")
            .header("if-range", tag)
    };
    let same = with(format!("\"{}\"", link.sha256)).send().await;
    assert_eq!((same.status, same.text()), (StatusCode::PARTIAL_CONTENT, "56789"));
    let other = with(format!("\"{}\"", "0".repeat(64))).send().await;
    assert_eq!((other.status, other.bytes().as_ref()), (StatusCode::OK, BYTES));
    let date = with("Mon, 23 Nov 2026 09:00:00 GMT".to_owned()).send().await;
    assert_eq!(date.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn who_has_the_bytes_is_told_so_and_head_gives_no_body() {
    let harness = Harness::new().await;
    let link = harness.share_of(Role::Download, BYTES, None).await;
    let tag = format!("W/\"{}\"", link.sha256);
    let answer = harness.get(&link.file_path()).header("if-none-match", tag).send().await;
    assert_eq!((answer.status, answer.bytes().len()), (StatusCode::NOT_MODIFIED, 0));
    let answer = harness.ask(Method::HEAD, &link.file_path()).send().await;
    assert_eq!((answer.status, answer.bytes().len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-length"), "10");
}

#[tokio::test(start_paused = true)]
async fn an_empty_file_is_whole_and_has_no_range() {
    let harness = Harness::new().await;
    let link = harness.share_of(Role::Download, b"".as_slice(), None).await;
    let answer = harness.get(&link.file_path()).send().await;
    assert_eq!((answer.status, answer.header("content-length")), (StatusCode::OK, "0"));
    assert_eq!(
        ranged(&harness, &link, "bytes=0-").await.status,
        StatusCode::RANGE_NOT_SATISFIABLE
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_revoked_stops_a_download_in_the_middle() {
    let harness = Harness::new().await;
    let bytes = vec![7_u8; 1 << 20];
    let link = harness.share_of(Role::Download, bytes.clone(), None).await;
    let whole = harness.get(&link.file_path()).send().await;
    assert_eq!(whole.bytes().len(), bytes.len());

    let mut pieces = harness
        .get(&link.file_path())
        .open()
        .await
        .into_body()
        .into_data_stream();
    let first = pieces.next().await.unwrap().unwrap();
    assert!(first.len() < bytes.len(), "there is more to come");
    harness.revoke(&link).await;
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert!(
        pieces.next().await.unwrap().is_err(),
        "the answer breaks off instead of ending"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_does_not_leave_its_header() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let name = "a%3B%20filename%3Dx.html%20%C3%B1.pdf";
    let answer = harness
        .post(&link.path(&format!("/files?name={name}")))
        .body("x")
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let file = answer.json()["id"].as_str().unwrap().to_owned();
    let answer = harness.get(&link.path(&format!("/files/{file}"))).send().await;
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"a; filename=x.html _.pdf\"; \
         filename*=UTF-8''a%3B%20filename%3Dx.html%20%C3%B1.pdf"
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_is_for_who_put_it_decides_on_it_or_looks_after_the_place() {
    let harness = Harness::new().await;
    let document = harness.put("plan.txt", "x").await;
    let path = format!("/api/v1/files/{}", document.id);
    for (user, status) in [("operator", 200), ("admin", 200), ("anna", 404), ("nobody", 404)] {
        assert_eq!(
            harness.get(&path).by(user).send().await.status.as_u16(),
            status,
            "{user}"
        );
    }
    assert_eq!(
        harness
            .get(&format!("{path}?version=2"))
            .by("operator")
            .send()
            .await
            .status
            .as_u16(),
        404
    );
    assert_eq!(
        harness
            .get(&format!("{path}?version=x"))
            .by("operator")
            .send()
            .await
            .status
            .as_u16(),
        400
    );
}
