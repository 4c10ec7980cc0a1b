//! A server with a file size limit (`ulimit -f`) refuses a larger file and keeps running.

use crate::process::{Server, furnish};
use gatefold::cli::client::file_path;
use reqwest::Method;

/// Maximum file size of the server process, in bytes.
const MOST: usize = 2 << 20;

#[tokio::test]
async fn a_file_that_is_larger_than_the_system_allows_is_refused_and_nothing_dies() {
    let data = tempfile::tempdir().unwrap();
    let token = furnish(data.path(), &["admin"]).remove(0);
    let mut server = Server::start_with_small_files(data.path(), (MOST / 512) as u64);
    let client = server.client(&token);
    let put = async |name: &str, size: usize| {
        let answer = client
            .upload(Method::POST, &file_path("/in", name), vec![7; size])
            .await;
        answer.err().map(|failure| (failure.status(), failure.to_string()))
    };
    for _ in 0..2 {
        let (status, said) = put("large.bin", MOST + 1).await.expect("it is refused");
        assert_eq!(status, Some(507), "{said}");
        assert!(said.contains("repeat the request"), "{said}");
    }
    assert_eq!(put("small.bin", MOST).await, None);
    assert!(!server.is_dead());
    let left = std::fs::read_dir(data.path().join("blobs/incoming")).unwrap().count();
    assert_eq!(left, 0, "nothing is left of what was refused");
}
