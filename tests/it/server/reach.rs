//! Tests for every route which file versions a link or a person can read or write.

use crate::harness::{Answer, Ask, Harness, Link};
use axum::http::{Method, StatusCode};
use gatefold::audit::AccessKind;
use gatefold::base::id::{FileId, ShareId};
use gatefold::base::{FileRef, Value};
use gatefold::server::{Access, routes};
use gatefold::space::request::Item;
use gatefold::space::{Follow, Request, Role, SharedVersion};
use gatefold::store::Write;
use serde_json::json;
use std::collections::BTreeSet;

/// Text in every version that nobody in these tests may read.
const SECRET: &str = "SECRET";

/// The effect of a route on the files of the file space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Somebody with a link calls it.
    ForLinks,
    /// A person of the directory calls it, and it reads versions or names them.
    Reads,
    /// It stores a version; only operators and administrators may call it.
    Puts,
    /// It gives a version to a run: held below, in `given_files.rs`, `separation.rs` and `hooks.rs`.
    Gives,
    /// It neither reads nor writes bytes of files.
    Nothing,
}

/// The effect of every route, by name. Each new route must be added here and is then tested
/// accordingly.
fn does(name: &str) -> Does {
    match name {
        "view_share"
        | "get_pass"
        | "send_code"
        | "get_shared_file"
        | "download_shared_file"
        | "put_shared_file"
        | "give_item"
        | "take_back_item"
        | "decline_item"
        | "withdraw_request"
        | "open_share"
        | "add_comment"
        | "open_link"
        | "give_password"
        | "send_code_on_page"
        | "upload_on_page"
        | "download_on_page"
        | "give_item_on_page"
        | "take_back_item_on_page"
        | "decline_item_on_page"
        | "withdraw_on_page"
        | "comment_on_page" => Does::ForLinks,
        "list_files" | "get_file" | "get_task_document" => Does::Reads,
        "put_file" => Does::Puts,
        "start_run" | "call_webhook" | "publish_event" => Does::Gives,
        "list_accesses" | "list_tokens" | "list_deployments" | "get_deployment" | "approve_deployment"
        | "reject_deployment" | "list_grants" | "get_grant" | "revoke_grant" | "list_mails" | "retry_mail"
        | "get_openapi" | "get_health" | "get_readiness" | "get_metrics" | "deploy_flow" | "list_flows"
        | "get_flow" | "list_settings" | "set_settings" | "list_runs" | "get_run" | "get_journal" | "watch_run"
        | "cancel_run" | "set_run_values" | "migrate_run" | "retry_step" | "set_step" | "skip_step" | "list_tasks"
        | "get_task" | "decide_task" | "claim_task" | "start_task" | "save_task" | "release_task"
        | "add_task_remark" | "delegate_task" | "reassign_task" | "suspend_task" | "resume_task" | "skip_task"
        | "redo_task" | "list_damaged_files" | "list_people" | "confirm_people" | "remove_person" | "get_clock"
        | "confirm_clock" => Does::Nothing,
        other => panic!("say in `does` what the route {other} does with bytes of files, so that it is tried"),
    }
}

/// A contract whose version 2 is shared, and other files that are not.
struct Room {
    harness: Harness,
    /// Version 1 was redacted, version 3 was never approved.
    contract: FileRef,
    /// A file in the folder for uploads that is in no share.
    minutes: FileRef,
    /// The file of another share.
    other: Link,
    /// A link into the share of the contract, and one into a request.
    links: [Link; 2],
}

impl Room {
    async fn new() -> Self {
        let harness = Harness::new().await;
        let put = async |folder: &str, name: &str, bytes: &str| {
            let put = harness.host.put_file("user:operator", folder, name, bytes.as_bytes());
            put.await.unwrap()
        };
        put("/contracts", "contract.pdf", "SECRET salaries").await;
        let contract = put("/contracts", "contract.pdf", "approved").await;
        put("/contracts", "contract.pdf", "SECRET draft").await;
        let minutes = put("/reviews", "SECRET-minutes.txt", "SECRET minutes").await;
        let other = harness.share_of(Role::Manage, "SECRET of another", None).await;
        let room = harness.share(Role::Manage).await;
        holds(&harness, &room.share, &contract).await;
        let request = harness.share(Role::Manage).await;
        asks(&harness, &request.share).await;
        Self {
            harness,
            contract,
            minutes,
            other,
            links: [room, request],
        }
    }

    /// The path suffixes of all versions that are not shared.
    fn hidden(&self) -> Vec<String> {
        let contract = &self.contract.id;
        let mut hidden = vec![
            format!("{contract}?version=1"),
            format!("{contract}?version=3"),
            format!("{contract}?version=4"),
            self.minutes.id.clone(),
            self.other.file.to_string(),
        ];
        let first = [&self.minutes.id, self.other.file.as_str()].map(|id| format!("{id}?version=1"));
        hidden.extend(first);
        hidden
    }

    /// The versions of a file, by the SHA-256 of their bytes.
    async fn versions(&self, file: &str) -> Vec<String> {
        let file = self.harness.store.file(&FileId::from(file)).await.unwrap().unwrap();
        file.versions.into_iter().map(|version| version.sha256).collect()
    }
}

/// Makes a share hold exactly one version, and store uploads in a folder with files of others.
async fn holds(harness: &Harness, share: &ShareId, document: &FileRef) {
    let mut share = harness.store.share(share).await.unwrap().unwrap();
    "/reviews".clone_into(&mut share.folder);
    share.files = vec![SharedVersion {
        file: FileId(document.id.clone()),
        version: document.version,
    }];
    harness.commit(vec![Write::PutShare(share)]).await;
}

/// Turns a share into a request with an item called `paper`.
async fn asks(harness: &Harness, share: &ShareId) {
    let mut share = harness.store.share(share).await.unwrap().unwrap();
    let item: Item = serde_json::from_value(json!({
        "name": "paper", "title": "Paper", "min": 1, "max": 3, "optional": true, "or_because": true, "reviewed": false,
        "state": "missing", "change": 0,
    }))
    .unwrap();
    share.files = Vec::new();
    "/reviews".clone_into(&mut share.folder);
    share.request = Some(Request {
        semantics: gatefold::base::Semantics::CURRENT,
        zone: "UTC".to_owned(),
        items: vec![item],
        changes: 0,
        withdrawn: None,
        complete: false,
    });
    harness.commit(vec![Write::PutShare(share)]).await;
}

/// A form with one file.
fn form(ask: Ask, name: &str) -> Ask {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: \
         application/octet-stream\r\n\r\nfrom outside\r\n--b--\r\n"
    );
    ask.header("content-type", "multipart/form-data; boundary=b").body(body)
}

/// A request body for a route, aimed at a file that is not shared and at a name that is taken.
fn aimed(name: &str, ask: Ask, file: &str) -> Ask {
    let fields = |ask: Ask, body: String| {
        ask.header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    match name {
        "add_comment" => ask.json(&json!({ "text": "x", "file": file })),
        "take_back_item" => ask.json(&json!({ "file": file })),
        "decline_item" => ask.json(&json!({ "because": "x" })),
        "withdraw_request" => ask.json(&json!({ "reason": "x" })),
        "put_shared_file" | "give_item" => ask.body("from outside"),
        "upload_on_page" | "give_item_on_page" => form(ask, "SECRET-minutes.txt"),
        "take_back_item_on_page" | "comment_on_page" => fields(ask, format!("text=x&file={file}")),
        "decline_item_on_page" => fields(ask, "because=x".to_owned()),
        "withdraw_on_page" => fields(ask, "reason=x".to_owned()),
        "give_password" => fields(ask, "password=x".to_owned()),
        _ => ask,
    }
}

/// Asserts that a response reveals nothing hidden. A name that the caller sent is not a secret.
fn tells_nothing(answer: &Answer, what: &str) {
    let text = String::from_utf8_lossy(answer.bytes()).replace("SECRET-minutes.txt", "");
    assert!(!text.contains(SECRET), "{what}: {} {text}", answer.status);
}

#[tokio::test(start_paused = true)]
async fn no_route_of_a_link_reaches_a_version_that_was_not_shared() {
    let room = Room::new().await;
    let before = [&room.contract.id, &room.minutes.id, &room.other.file.0];
    let before = [
        room.versions(before[0]).await,
        room.versions(before[1]).await,
        room.versions(before[2]).await,
    ];
    let mut tried = BTreeSet::new();
    let mut of_links: Vec<_> = routes()
        .into_iter()
        .filter(|route| does(route.name) == Does::ForLinks)
        .collect();
    // after declining, there is nothing more to try
    of_links.sort_by_key(|route| route.name.contains("withdraw"));
    for route in &of_links {
        for link in &room.links {
            for hidden in room.hidden() {
                let file = hidden.split('?').next().unwrap_or_default().to_owned();
                let path = route.path.replace("{token}", &link.token).replace("{item}", "paper");
                let mut path = path.replace("{file}", &hidden);
                if ["put_shared_file", "give_item"].contains(&route.name) {
                    path.push_str("?name=SECRET-minutes.txt");
                }
                for range in ["", "bytes=0-3", "bytes=-4"] {
                    let method = if route.method == Method::GET {
                        Method::HEAD
                    } else {
                        route.method.clone()
                    };
                    for method in [route.method.clone(), method] {
                        let ask = room.harness.ask(method, &path).header("accept", "*/*");
                        let ask = if range.is_empty() {
                            ask
                        } else {
                            ask.header("range", range)
                        };
                        let answer = aimed(route.name, ask, &file).send().await;
                        let what = format!("{} {path}", route.name);
                        tells_nothing(&answer, &what);
                        // the page's button has no version parameter and returns the shared version
                        let gives_the_shared_one = route.name == "download_on_page" && file == room.contract.id;
                        let names_a_file = route.path.contains("{file}") || route.name.contains("take_back");
                        let is_hidden = names_a_file && !gives_the_shared_one;
                        assert!(!(is_hidden && answer.status.is_success()), "{what}: {}", answer.status);
                        assert!(answer.status.as_u16() < 500, "{what}: {}", answer.status);
                    }
                }
            }
        }
        tried.insert(route.name);
    }
    assert_eq!(tried.len(), 22, "{tried:?}");
    for (file, versions) in [&room.contract.id, &room.minutes.id, &room.other.file.0]
        .into_iter()
        .zip(before)
    {
        assert_eq!(room.versions(file).await, versions, "{file} is as it was");
    }
}

#[test]
fn every_route_says_what_it_does_with_bytes() {
    for route in routes() {
        let is_link = matches!(
            route.access,
            Access::Link | Access::LinkDoor | Access::Page | Access::PageDoor
        );
        let does = does(route.name);
        assert_eq!(is_link, does == Does::ForLinks, "{}", route.name);
        let is_about_files =
            route.path.contains("/files") && route.name != "list_damaged_files" || route.path.ends_with("/document");
        let is_nothing = does == Does::Nothing;
        assert!(!(is_about_files && is_nothing), "{}", route.name);
        assert!(
            !route.streaming || !is_nothing || route.name == "watch_run",
            "{}",
            route.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_reads_the_version_that_was_shared() {
    let room = Room::new().await;
    let link = &room.links[0];
    let path = link.path(&format!("/files/{}", room.contract.id));
    let page = format!("/s/{}/files/{}", link.token, room.contract.id);
    let asks = [
        room.harness.get(&path),
        room.harness.get(&format!("{path}?version=2")),
        room.harness.post(&format!("{path}/download")),
        room.harness
            .post(&page)
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .body("confirm=yes".to_owned()),
    ];
    for ask in asks {
        let answer = ask.send().await;
        assert_eq!(
            (answer.status, answer.bytes().as_ref()),
            (StatusCode::OK, b"approved".as_slice())
        );
    }
    let view = room.harness.get(&link.path("")).send().await.json();
    assert_eq!(view["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&view["files"][0]["version"], &view["files"][0]["sha256"]),
        (&json!(2), &json!(room.contract.sha256))
    );
}

#[tokio::test(start_paused = true)]
async fn an_upload_of_a_taken_name_is_a_new_file_and_one_of_a_shared_name_a_new_version() {
    let room = Room::new().await;
    let link = &room.links[0];
    let upload = async |name: &str, bytes: &'static str| {
        let answer = room
            .harness
            .post(&link.path(&format!("/files?name={name}")))
            .body(bytes)
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    };
    let mine = upload("SECRET-minutes.txt", "mine").await;
    assert_ne!(mine["id"], json!(room.minutes.id));
    assert_eq!(
        (&mine["version"], &mine["name"]),
        (&json!(1), &json!("SECRET-minutes.txt")),
        "the name tells nothing"
    );
    let again = upload("SECRET-minutes.txt", "mine again").await;
    assert_eq!((&again["id"], &again["version"]), (&mine["id"], &json!(2)));
    let stored = room
        .harness
        .store
        .file(&FileId::from(mine["id"].as_str().unwrap()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.folder, format!("/reviews/{}", link.share));

    let next = upload("contract.pdf", "from the customer").await;
    assert_eq!((&next["id"], &next["version"]), (&json!(room.contract.id), &json!(4)));
    let path = |version: u64| link.path(&format!("/files/{}?version={version}", room.contract.id));
    for (version, status) in [(1, 404), (2, 200), (3, 404), (4, 200)] {
        let answer = room.harness.get(&path(version)).send().await;
        assert_eq!(answer.status.as_u16(), status, "version {version}");
    }
    let newest = room
        .harness
        .get(&link.path(&format!("/files/{}", room.contract.id)))
        .send()
        .await;
    assert_eq!(newest.bytes().as_ref(), b"from the customer");
}

#[tokio::test(start_paused = true)]
async fn two_bidders_with_one_folder_never_see_files_of_each_other() {
    let harness = Harness::new().await;
    let bidders = [
        harness.share(Role::Contribute).await,
        harness.share(Role::Contribute).await,
    ];
    for bidder in &bidders {
        let mut share = harness.store.share(&bidder.share).await.unwrap().unwrap();
        share.folder = "/bids".to_owned();
        share.files.clear();
        harness.commit(vec![Write::PutShare(share)]).await;
    }
    for (bidder, offer) in bidders.iter().zip(["100", "90"]) {
        let answer = harness
            .post(&bidder.path("/files?name=offer.pdf"))
            .body(offer)
            .send()
            .await;
        assert_eq!(answer.json()["name"], "offer.pdf");
    }
    for (bidder, offer) in bidders.iter().zip(["100", "90"]) {
        let view = harness.get(&bidder.path("")).send().await.json();
        let files = view["files"].as_array().unwrap();
        assert_eq!((files.len(), &files[0]["version"]), (1, &json!(1)), "{view}");
        let path = bidder.path(&format!("/files/{}", files[0]["id"].as_str().unwrap()));
        assert_eq!(harness.get(&path).send().await.bytes().as_ref(), offer.as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_twice_over_is_refused() {
    let room = Room::new().await;
    let link = &room.links[0];
    let own = format!("/reviews/{}", link.share);
    let put = room
        .harness
        .host
        .put_file("user:operator", &own, "SECRET-minutes.txt", &b"SECRET"[..]);
    put.await.unwrap();
    let answer = room
        .harness
        .post(&link.path("/files?name=SECRET-minutes.txt"))
        .body("x")
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
    assert!(answer.text().contains("another name"), "{}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn what_is_given_for_an_item_replaces_nothing_that_others_put() {
    let room = Room::new().await;
    let link = &room.links[1];
    let put = |bytes: &'static str| {
        let host = std::sync::Arc::clone(&room.harness.host);
        async move {
            host.put_file("user:operator", "/reviews/paper", "form.txt", bytes.as_bytes())
                .await
                .unwrap()
        }
    };
    let theirs = put("SECRET").await;
    let give = async |bytes: &'static str, replaces: &str| {
        let answer = room
            .harness
            .post(&link.path(&format!("/items/paper?name=form.txt{replaces}")))
            .body(bytes)
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    };
    let first = give("one", "").await;
    assert_ne!(first["id"], json!(theirs.id));
    let second = give("two", &format!("&replaces={}", first["id"].as_str().unwrap())).await;
    assert_eq!((&second["id"], &second["version"]), (&first["id"], &json!(2)));
    let path = |version: &str| link.path(&format!("/files/{}{version}", first["id"].as_str().unwrap()));
    assert_eq!(room.harness.get(&path("")).send().await.bytes().as_ref(), b"two");
    let replaced = room.harness.get(&path("?version=1")).send().await;
    assert_eq!(
        replaced.status,
        StatusCode::NOT_FOUND,
        "what was replaced is no longer given"
    );
    assert_eq!(room.versions(&theirs.id).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_share_that_follows_shows_the_newest_version_and_the_log_names_it() {
    let room = Room::new().await;
    let link = &room.links[0];
    let mut share = room.harness.store.share(&link.share).await.unwrap().unwrap();
    share.follow = Follow::Newest;
    room.harness.commit(vec![Write::PutShare(share)]).await;
    let path = link.path(&format!("/files/{}", room.contract.id));
    let newest = room.harness.get(&path).send().await;
    assert_eq!(newest.bytes().as_ref(), b"SECRET draft", "the author wants it so");
    for old in ["?version=1", "?version=2"] {
        let answer = room.harness.get(&format!("{path}{old}")).send().await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{old}");
    }
    let log = room.harness.store.access_log(Some(&link.share), 0, 100).await.unwrap();
    let read = log
        .iter()
        .find(|(_, entry)| entry.sha256.is_some())
        .expect("it is recorded");
    assert_eq!(
        (read.1.file.as_deref(), read.1.version),
        (Some(room.contract.id.as_str()), Some(3))
    );
    let view = room.harness.get(&link.path("")).send().await.json();
    assert_eq!(view["files"][0]["version"], 3);
}

const REVIEW: &str = "flow: review
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [user:anna], reason: [rejected], on_new_version: reset }
    deadline: { due: 10 days }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: unsigned } }
  - id: room
    uses: file360.create_share
    with: { name: Result, files: [\"${{ steps.sign.document }}\"], expires_in: 30 days, to: rita@outside.example }
  - id: fetched
    wait: { event: file360.file_downloaded, on: \"${{ steps.room.share }}\" }
    deadline: { due: 20 days }
    outcomes: { expired: { end: expired } }
";

async fn task_of(harness: &Harness, user: &str) -> Value {
    loop {
        let tasks = harness.get("/api/v1/tasks").by(user).send().await.json();
        if let Some(task) = tasks["items"].as_array().and_then(|tasks| tasks.first()) {
            return task.clone();
        }
        crate::turn::turn().await;
    }
}

async fn link_in_mail(harness: &Harness, to: &str) -> String {
    loop {
        let mail = {
            let mails = harness.mails.lock().unwrap();
            mails
                .iter()
                .find(|mail| mail.to == [to] && mail.text.contains("/s/"))
                .cloned()
        };
        if let Some(mail) = mail {
            let mut words = mail.text.split_whitespace();
            let token = words.find_map(|word| word.strip_prefix("http://gatefold.test/s/"));
            return token.expect("the link is in the mail").to_owned();
        }
        crate::turn::turn().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_customer_receives_the_version_that_was_approved_and_no_other() {
    let harness = Harness::new().await;
    harness.deploy(REVIEW).await;
    harness.put("report.pdf", "with salaries").await;
    let approved = harness.put("report.pdf", "approved").await;
    harness.begin("review", json!({ "document": approved.id })).await;
    let task = task_of(&harness, "anna").await;
    let body = json!({ "decision": "approved", "sha256": approved.sha256 });
    let path = format!("/api/v1/tasks/{}/decision", task["id"].as_str().unwrap());
    let decided = harness.post(&path).by("anna").json(&body).send().await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    let token = link_in_mail(&harness, "rita@outside.example").await;
    harness.put("report.pdf", "never approved").await;

    let path = format!("/api/v1/links/{token}/files/{}", approved.id);
    for (rest, bytes) in [("", b"approved".as_slice()), ("?version=2", b"approved")] {
        assert_eq!(
            harness.get(&format!("{path}{rest}")).send().await.bytes().as_ref(),
            bytes,
            "{rest}"
        );
    }
    for version in [1, 3] {
        let answer = harness.get(&format!("{path}?version={version}")).send().await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "version {version}");
    }
    let fetched = harness.post(&format!("{path}/download")).send().await;
    assert_eq!(fetched.bytes().as_ref(), b"approved");
}

#[tokio::test(start_paused = true)]
async fn a_person_reads_the_version_that_they_are_asked_about_and_the_one_they_decided_on() {
    let harness = Harness::new().await;
    harness.deploy(REVIEW).await;
    harness.put("report.pdf", "SECRET").await;
    let second = harness.put("report.pdf", "two").await;
    harness.begin("review", json!({ "document": second.id })).await;
    let task = task_of(&harness, "anna").await;
    let document = format!("/api/v1/tasks/{}/document", task["id"].as_str().unwrap());
    let file = |rest: &str| format!("/api/v1/files/{}{rest}", second.id);
    let read = async |user: &str, path: String| {
        let answer = harness.get(&path).by(user).send().await;
        (
            answer.status.as_u16(),
            String::from_utf8_lossy(answer.bytes()).into_owned(),
        )
    };
    for path in [document.clone(), file(""), file("?version=2")] {
        assert_eq!(read("anna", path).await, (200, "two".to_owned()));
    }
    let hidden = read("anna", file("?version=1")).await;
    assert_eq!(hidden.0, 404, "{}", hidden.1);
    let listed = harness.get("/api/v1/files").by("anna").send().await.json();
    assert_eq!(listed["items"][0]["version"], 2, "{listed}");
    assert_eq!(read("operator", file("?version=1")).await.0, 200);
    for path in [document.clone(), file(""), file("?version=2")] {
        assert_eq!(read("ben", path).await.0, 404);
    }

    // she decides, and can read again what she decided on
    let path = format!("/api/v1/tasks/{}/decision", task["id"].as_str().unwrap());
    let body = json!({ "decision": "approved", "sha256": second.sha256 });
    harness.post(&path).by("anna").json(&body).send().await;
    link_in_mail(&harness, "rita@outside.example").await;
    harness.put("report.pdf", "SECRET three").await;
    for path in [document.clone(), file(""), file("?version=2")] {
        assert_eq!(read("anna", path).await, (200, "two".to_owned()));
    }
    for version in ["?version=1", "?version=3"] {
        assert_eq!(read("anna", file(version)).await.0, 404, "{version}");
    }
    let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    let reads = log
        .iter()
        .filter(|(_, entry)| entry.actor == "user:anna" && entry.version == Some(2) && entry.refused.is_none())
        .filter(|(_, entry)| entry.kind == AccessKind::Download);
    assert_eq!(reads.count(), 6, "each read is recorded");
    let listed = harness.get("/api/v1/files").by("anna").send().await.json();
    let listed: Vec<(&Value, &Value)> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (&file["id"], &file["version"]))
        .collect();
    assert_eq!(
        listed,
        [(&json!(second.id), &json!(2))],
        "the list has what she decided on"
    );
    let of_ben = harness.get("/api/v1/files").by("ben").send().await.json();
    assert_eq!(of_ben["items"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_a_newer_version_made_void_can_still_be_reread() {
    let harness = Harness::new().await;
    let flow = REVIEW.replace("[user:anna]", "[user:anna, user:ben], rule: 2");
    harness.deploy(&flow).await;
    let first = harness.put("report.pdf", "one").await;
    harness.begin("review", json!({ "document": first.id })).await;
    let task = task_of(&harness, "anna").await;
    let path = format!("/api/v1/tasks/{}/decision", task["id"].as_str().unwrap());
    let body = json!({ "decision": "approved", "sha256": first.sha256 });
    harness.post(&path).by("anna").json(&body).send().await;
    let put = harness
        .host
        .put_file("user:operator", "/in", "report.pdf", &b"two"[..])
        .await
        .unwrap();
    while task_of(&harness, "ben").await["document"]["version"] != 2 {
        crate::turn::turn().await;
    }
    let file = |version: u64| format!("/api/v1/files/{}?version={version}", put.id);
    for (user, version, status) in [("anna", 1, 200), ("anna", 2, 200), ("ben", 1, 404), ("ben", 2, 200)] {
        let answer = harness.get(&file(version)).by(user).send().await;
        assert_eq!(answer.status.as_u16(), status, "{user} {version}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_put_a_version_reads_that_one() {
    let harness = Harness::new().await;
    let put = async |by: &str, bytes: &'static str| {
        harness
            .host
            .put_file(by, "/in", "report.pdf", bytes.as_bytes())
            .await
            .unwrap()
    };
    put("user:operator", "one").await;
    put("user:anna", "two").await;
    let document = put("user:operator", "three").await;
    let file = |rest: &str| format!("/api/v1/files/{}{rest}", document.id);
    for (rest, status) in [("", 200), ("?version=1", 404), ("?version=2", 200), ("?version=3", 404)] {
        let answer = harness.get(&file(rest)).by("anna").send().await;
        assert_eq!(answer.status.as_u16(), status, "{rest}");
    }
    let listed = harness.get("/api/v1/files").by("anna").send().await.json();
    assert_eq!(listed["items"][0]["version"], 2);
}

const GIVEN: &str = "flow: given
version: 1.0.0
on: { event: { type: crm.ready, inputs: { document: \"${{ event.document }}\" } } }
inputs: { document: { type: file } }
steps:
  - { id: done, uses: data.set, with: { value: 1 } }
";

/// Those who send events and start runs are operators, who read every file as long as they are operators. Who asks for
/// a file of others by a start or by an event must be one when the run begins.
#[tokio::test(start_paused = true)]
async fn nobody_gives_a_run_a_file_that_they_may_not_read() {
    let room = Room::new().await;
    let harness = &room.harness;
    harness.deploy(GIVEN).await;
    let put = harness
        .host
        .put_file("user:admin", "/minutes", "minutes.txt", &b"SECRET"[..]);
    let minutes = put.await.unwrap().id;
    let runs = async || {
        let runs = harness.get("/api/v1/runs?flow=given").by("admin").send().await.json();
        runs["items"].as_array().unwrap().len()
    };
    let event = |id: &str| json!({ "id": id, "type": "crm.ready", "data": { "document": minutes } });
    for user in ["anna", "author"] {
        let start = harness.post("/api/v1/flows/given/runs").by(user);
        let started = start.json(&json!({ "inputs": { "document": minutes } })).send().await;
        let sent = harness.post("/api/v1/events").by(user).json(&event("1")).send().await;
        for answer in [&started, &sent] {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{user}");
            tells_nothing(answer, user);
        }
    }
    let sent = harness
        .post("/api/v1/events")
        .by("operator")
        .json(&event("2"))
        .send()
        .await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text());
    settled().await;
    assert_eq!(runs().await, 1);
    // the operator's role is taken away before the next event is delivered
    let file = harness.data.path().join("people.yaml");
    let people = std::fs::read_to_string(&file).unwrap();
    let sender = gatefold::engine::SENT_BY;
    let late = gatefold::engine::InboundEvent {
        id: gatefold::base::id::EventId::from("evt_late"),
        kind: "crm.ready".to_owned(),
        subjects: Vec::new(),
        key: None,
        data: json!({ "document": minutes, sender: "user:operator" }),
        at: harness.host.now(),
    };
    std::fs::write(&file, people.replace("roles: [operator]", "roles: []")).unwrap();
    harness.server.accounts.refresh_now();
    harness.host.publish_event(late).await.unwrap();
    settled().await;
    assert_eq!((runs().await, harness.host.metrics().runs_not_started.get()), (1, 1));
}

/// Lets everything happen that can happen at once.
async fn settled() {
    let nothing = std::future::pending::<()>();
    let waited = tokio::time::timeout(std::time::Duration::from_secs(1), nothing).await;
    assert!(waited.is_err());
}
