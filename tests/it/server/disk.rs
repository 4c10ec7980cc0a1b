//! A disk that takes no file now: the same answer at every door through which bytes come, and nothing half done.

use crate::harness::{Answer, Ask, Harness, Link};
use gatefold::space::Role;

/// Every door through which somebody stores bytes, but for the items of a request.
fn doors(harness: &Harness, link: &Link) -> Vec<(&'static str, Ask)> {
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"page.txt\"\r\n\r\nbytes\r\n--b--\r\n";
    vec![
        (
            "staff",
            harness
                .post("/api/v1/files?folder=/in&name=staff.txt")
                .by("operator")
                .body("bytes"),
        ),
        ("link", harness.post(&link.path("/files?name=link.txt")).body("bytes")),
        (
            "page",
            harness
                .post(&format!("/s/{}/files", link.token))
                .header("content-type", "multipart/form-data; boundary=b")
                .body(form),
        ),
    ]
}

async fn ask_all(harness: &Harness, link: &Link) -> Vec<(&'static str, Answer)> {
    let mut answers = Vec::new();
    for (door, ask) in doors(harness, link) {
        answers.push((door, ask.send().await));
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_cannot_be_stored_is_answered_alike_at_every_door() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let incoming = harness.data.path().join("blobs/incoming");
    let before = harness.store.all_files(None, usize::MAX).await.unwrap().len();
    std::fs::remove_dir(&incoming).unwrap();
    for (door, answer) in ask_all(&harness, &link).await {
        assert_eq!(answer.status.as_u16(), 503, "{door}: {}", answer.text());
        assert_eq!(answer.problem(), "disk-failed", "{door}");
        assert_eq!(answer.header("retry-after"), "5", "{door}");
        assert!(answer.text().contains("nothing was changed"), "{door}");
        assert!(!answer.text().contains("incoming"), "{door}: no path is told");
    }
    assert_eq!(harness.store.all_files(None, usize::MAX).await.unwrap().len(), before);
    std::fs::create_dir(&incoming).unwrap();
    for (door, answer) in ask_all(&harness, &link).await {
        let is_fine = answer.status.is_success() || answer.status.is_redirection();
        assert!(is_fine, "{door}: {} {}", answer.status, answer.text());
    }
}
