//! Idempotency of requests through a link, with the caller's key or with the key of the page's
//! form.

use crate::harness::{Answer, Harness, Link};
use axum::http::StatusCode;
use gatefold::space::Role;
use serde_json::{Value, json};

async fn versions(harness: &Harness, link: &Link) -> u64 {
    let share = harness.store.share(&link.share).await.unwrap().unwrap();
    let view = harness.get(&link.path("")).send().await.json();
    assert_eq!(view["files"].as_array().unwrap().len(), share.files.len());
    let numbers = view["files"].as_array().unwrap().iter();
    numbers.map(|file| file["version"].as_u64().unwrap()).sum()
}

#[tokio::test(start_paused = true)]
async fn an_upload_with_the_same_key_is_stored_once() {
    let harness = Harness::new().await;
    let (link, other) = (
        harness.share(Role::Contribute).await,
        harness.share(Role::Contribute).await,
    );
    let put = |link: &Link, name: &str, bytes: &'static str, key: &str| {
        let ask = harness.post(&link.path(&format!("/files?name={name}")));
        ask.header("idempotency-key", key).body(bytes).send()
    };
    let first = put(&link, "a.txt", "one", "k1").await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    let again = put(&link, "a.txt", "one", "k1").await;
    assert_eq!((again.status, again.json()), (StatusCode::CREATED, first.json()));
    assert_eq!(versions(&harness, &link).await, 2, "the shared file and this one");
    for (name, bytes) in [("b.txt", "one"), ("a.txt", "two")] {
        let reused = put(&link, name, bytes, "k1").await;
        assert_eq!((reused.status.as_u16(), reused.problem().as_str()), (422, "key-reused"));
    }
    assert_eq!(put(&link, "a.txt", "two", "k2").await.json()["version"], 2);
    assert_eq!(
        put(&other, "a.txt", "two", "k1").await.status,
        StatusCode::CREATED,
        "another link"
    );
}

#[tokio::test(start_paused = true)]
async fn uploads_at_once_with_the_same_key_are_stored_once() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let put = |_| {
        let ask = harness.post(&link.path("/files?name=a.txt"));
        ask.header("idempotency-key", "k").body("one").send()
    };
    let answers: Vec<Answer> = futures_util::future::join_all((0..8).map(put)).await;
    for answer in answers {
        assert_eq!(
            (answer.status, &answer.json()["version"]),
            (StatusCode::CREATED, &json!(1))
        );
    }
    assert_eq!(versions(&harness, &link).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_comment_with_the_same_key_is_written_once() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Comment).await;
    let say = |text: &str, key: &str| {
        let ask = harness.post(&link.path("/comments")).header("idempotency-key", key);
        ask.json(&json!({ "text": text })).send()
    };
    let first = say("Clause 4.", "k").await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(say("Clause 4.", "k").await.json(), first.json());
    assert_eq!(say("Clause 5.", "k").await.problem(), "key-reused");
    let view = harness.get(&link.path("")).send().await.json();
    assert_eq!(view["comments"].as_array().map(Vec::len), Some(1));
}

/// The value of the hidden key in the form of the page that leads to `action`.
fn key_of(page: &str, action: &str) -> String {
    let form = page
        .split("<form")
        .find(|form| form.contains(&format!("{action}\"")))
        .unwrap();
    let (_, rest) = form.split_once("name=\"key\" value=\"").expect("the form has a key");
    rest.split('"').next().unwrap().to_owned()
}

async fn page(harness: &Harness, link: &Link) -> String {
    let ask = harness.get(&format!("/s/{}", link.token)).header("accept", "text/html");
    ask.send().await.text().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_double_click_on_the_page_counts_once_but_other_content_is_a_new_request() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let shown = page(&harness, &link).await;
    let (files, comments) = (key_of(&shown, "/files"), key_of(&shown, "/comments"));
    assert!(
        files.len() == 32 && files != key_of(&page(&harness, &link).await, "/files"),
        "each page has its own"
    );
    let upload = |bytes: &str| {
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{files}\r\n--b\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"a.txt\"\r\n\r\n{bytes}\r\n--b--\r\n"
        );
        let ask = harness
            .post(&format!("/s/{}/files", link.token))
            .header("accept", "text/html");
        ask.header("content-type", "multipart/form-data; boundary=b")
            .body(form)
            .send()
    };
    let say = |text: &str| {
        let ask = harness
            .post(&format!("/s/{}/comments", link.token))
            .header("accept", "text/html");
        let ask = ask.header("content-type", "application/x-www-form-urlencoded");
        ask.body(format!("key={comments}&text={text}")).send()
    };
    for bytes in ["one", "one", "two"] {
        assert_eq!(upload(bytes).await.status, StatusCode::SEE_OTHER);
    }
    for text in ["Yes.", "Yes.", "No."] {
        assert_eq!(say(text).await.status, StatusCode::SEE_OTHER);
    }
    let view: Value = harness.get(&link.path("")).send().await.json();
    let version = view["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["name"] == "a.txt")
        .unwrap();
    assert_eq!(version["version"], 2);
    assert_eq!(view["comments"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_form_with_much_before_its_file_is_refused() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let head = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n";
    let pieces = (0..1_024).map(move |number| {
        let piece = if number == 0 {
            head.as_bytes().to_vec()
        } else {
            vec![b'x'; 64 << 10]
        };
        Ok::<_, std::io::Error>(piece)
    });
    let body = axum::body::Body::from_stream(futures_util::stream::iter(pieces));
    let ask = harness
        .post(&format!("/s/{}/files", link.token))
        .header("accept", "text/html");
    let answer = ask
        .header("content-type", "multipart/form-data; boundary=b")
        .body(body)
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text());
}
