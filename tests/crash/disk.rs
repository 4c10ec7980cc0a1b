//! A server whose disk refuses things answers so, keeps nothing of what it refused, and goes on.

use crate::process::{Server, furnish};
use gatefold::cli::client::{Client, file_path};
use gatefold::store::fault::ERRORS;
use reqwest::Method;

/// Where storing a file can fail, in the order in which an upload passes.
const STORING: [&str; 4] = [
    "blob-create-fails",
    "blob-write-fails",
    "blob-sync-fails",
    "blob-rename-fails",
];
/// Where reading one can.
const READING: [&str; 2] = ["blob-open-fails", "blob-read-fails"];

/// The points, each failing once with every error, one after the other.
fn every_error_at(points: &[&str]) -> String {
    let spec = |point: &&str| -> Vec<String> {
        let passes = ERRORS.iter().zip(1..);
        passes
            .map(|((name, _), pass)| format!("{point}:{pass}={name}"))
            .collect()
    };
    points.iter().flat_map(spec).collect::<Vec<_>>().join(",")
}

/// The status for an error of the disk while something is written.
fn status_of(error: &str) -> u16 {
    match error {
        "EIO" | "EROFS" | "EACCES" => 503,
        _ => 507,
    }
}

async fn put(client: &Client, name: &str) -> Result<String, (u16, String)> {
    let path = file_path("/in", name);
    match client.upload(Method::POST, &path, b"some bytes".to_vec()).await {
        Ok(document) => Ok(document["id"].as_str().expect("a document has an id").to_owned()),
        Err(failure) => Err((failure.status().unwrap_or_default(), failure.to_string())),
    }
}

async fn files(client: &Client) -> usize {
    let listed = client.all("/api/v1/files", "after").await.expect("files can be listed");
    listed.len()
}

#[tokio::test]
async fn an_upload_that_the_disk_refuses_is_answered_and_leaves_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let token = furnish(data.path(), &["admin"]).remove(0);
    let faults = every_error_at(&STORING);
    let mut server = Server::start(data.path(), Some(&faults)).expect("it starts");
    let client = server.client(&token);
    for point in STORING {
        for (error, _) in ERRORS {
            let (status, said) = put(&client, "a.txt").await.expect_err("it is refused");
            assert_eq!(status, status_of(error), "{point} with {error}: {said}");
            assert!(said.contains("repeat the request"), "{said}");
            let left = std::fs::read_dir(data.path().join("blobs/incoming")).expect("it is there");
            assert_eq!(left.count(), 0, "{point} with {error}");
            assert_eq!(files(&client).await, 0, "{point} with {error}");
        }
    }
    let file = put(&client, "a.txt").await.expect("the disk works again");
    let bytes = client
        .download(&format!("/api/v1/files/{file}"))
        .await
        .expect("it is there");
    assert_eq!(bytes, b"some bytes");
    assert!(!server.is_dead());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_now_is_answered_with_503_and_is_there_later() {
    let data = tempfile::tempdir().expect("a folder");
    let token = furnish(data.path(), &["admin"]).remove(0);
    let faults = every_error_at(&READING);
    let mut server = Server::start(data.path(), Some(&faults)).expect("it starts");
    let client = server.client(&token);
    let file = put(&client, "a.txt").await.expect("nothing that writes fails");
    let path = format!("/api/v1/files/{file}");
    for point in READING {
        for (error, _) in ERRORS.iter().filter(|(name, _)| status_of(name) == 503) {
            let failure = client.download(&path).await.expect_err("it is refused");
            assert_eq!(failure.status(), Some(503), "{point} with {error}");
        }
        // errors of a disk that is full, which no read has
        for _ in ERRORS.iter().filter(|(name, _)| status_of(name) != 503) {
            client.download(&path).await.expect_err("it is refused");
        }
    }
    assert_eq!(
        client.download(&path).await.expect("the disk works again"),
        b"some bytes"
    );
    assert!(!server.is_dead());
}

#[tokio::test]
async fn a_store_that_the_disk_refuses_is_answered_and_goes_on_where_nothing_is_in_doubt() {
    let data = tempfile::tempdir().expect("a folder");
    let token = furnish(data.path(), &["admin"]).remove(0);
    // later than anything that the start does
    let faults: Vec<String> = (0..6)
        .flat_map(|more| {
            [
                format!("store-write-fails:{}", 60 + more),
                format!("store-read-fails:{}", 600 + more),
            ]
        })
        .collect();
    let mut server = Server::start(data.path(), Some(&faults.join(","))).expect("it starts");
    let client = server.client(&token);
    let (mut stored, mut refused) = (0, 0);
    for number in 0..80 {
        match put(&client, &format!("{number}.txt")).await {
            Ok(_) => stored += 1,
            Err((status, said)) => {
                assert_eq!(status, 503, "{said}");
                assert!(said.contains("look first whether it was made"), "{said}");
                refused += 1;
            }
        }
    }
    let mut looked = 0;
    while looked < 400 {
        looked += 1;
        if let Err(failure) = client.get("/api/v1/files").await {
            assert_eq!(failure.status(), Some(503), "{failure}");
            refused += 1;
        }
    }
    assert!(refused > 0, "no fault was passed");
    assert_eq!(files(&client).await, stored, "nothing of what was refused was kept");
    assert!(!server.is_dead());
}
