//! The page behind a link, as a browser without scripts meets it.

use crate::harness::{Answer, Ask, Harness, Link};
use axum::http::StatusCode;
use gatefold::space::{Role, State};
use gatefold::store::Write;
use serde_json::json;

/// Sends a form without files, as a browser does.
const FORM: &str = "application/x-www-form-urlencoded";
/// A form whose box is ticked.
const CONFIRMED: &str = "confirm=yes";
/// What a browser accepts.
const BROWSER: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

fn path(link: &Link, rest: &str) -> String {
    format!("/s/{}{rest}", link.token)
}

fn browser(ask: Ask) -> Ask {
    ask.header("accept", BROWSER)
}

async fn look(harness: &Harness, link: &Link) -> Answer {
    browser(harness.get(&path(link, ""))).send().await
}

/// A form without files.
async fn fill_in(harness: &Harness, path: &str, fields: &str) -> Answer {
    let ask = browser(harness.post(path)).header("content-type", FORM);
    ask.body(fields.to_owned()).send().await
}

/// The form with a file.
fn with_file(name: &str, bytes: &str) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: \
         application/octet-stream\r\n\r\n{bytes}\r\n--b--\r\n"
    )
}

async fn upload(harness: &Harness, link: &Link, body: String) -> Answer {
    let ask = browser(harness.post(&path(link, "/files"))).header("content-type", "multipart/form-data; boundary=b");
    ask.body(body).send().await
}

#[tokio::test(start_paused = true)]
async fn a_reviewer_with_nothing_but_a_browser_reads_comments_and_uploads() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let page = look(&harness, &link).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
    assert!(!page.text().contains("<script"), "{}", page.text());
    let name = "contract-0.pdf";
    assert!(
        page.text().contains(name) && page.text().contains(&link.sha256),
        "{}",
        page.text()
    );

    let download = fill_in(&harness, &path(&link, &format!("/files/{}", link.file)), CONFIRMED).await;
    assert_eq!(download.bytes().as_ref(), b"the contract");
    assert!(download.header("content-disposition").starts_with("attachment"));

    let sent = upload(&harness, &link, with_file(name, "version two")).await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (StatusCode::SEE_OTHER, path(&link, "").as_str())
    );
    let file = harness.store.file(&link.file).await.unwrap().unwrap();
    assert_eq!((file.versions.len(), file.current().size), (2, 11));

    let sent = fill_in(&harness, &path(&link, "/comments"), "text=Clause+4%2C%0D%0Aplease.").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    let page = look(&harness, &link).await;
    assert!(
        page.text().contains("version 2") && page.text().contains("Clause 4,\nplease."),
        "{}",
        page.text()
    );
    assert!(page.text().contains("<footer>you, "), "{}", page.text());
}

#[tokio::test(start_paused = true)]
async fn looking_at_the_page_changes_nothing_and_a_button_says_that_a_person_is_there() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Download).await;
    let grant = async || harness.store.grant(&link.grant).await.unwrap().unwrap();
    let before = grant().await;
    look(&harness, &link).await;
    assert_eq!(grant().await, before);
    let button = path(&link, &format!("/files/{}", link.file));
    let back = browser(harness.get(&button)).send().await;
    assert_eq!(
        (back.status, back.header("location")),
        (StatusCode::SEE_OTHER, path(&link, "").as_str())
    );
    let program = harness.get(&button).send().await;
    assert_eq!(program.status, StatusCode::METHOD_NOT_ALLOWED);
    fill_in(&harness, &button, CONFIRMED).await;
    assert!(grant().await.opened_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_password_is_typed_once_and_kept_for_this_link_alone() {
    let harness = Harness::new().await;
    let link = harness
        .share_of(Role::Download, "secret".as_bytes(), Some("öpen sesame"))
        .await;
    let other = harness
        .share_of(Role::Download, "other".as_bytes(), Some("another"))
        .await;
    let door = look(&harness, &link).await;
    assert_eq!(door.status, StatusCode::UNAUTHORIZED);
    assert!(
        door.text().contains("type=\"password\"") && !door.text().contains("Review"),
        "{}",
        door.text()
    );

    let wrong = fill_in(&harness, &path(&link, "/password"), "password=wrong").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text().contains("The password is wrong") && wrong.header("set-cookie").is_empty());

    let right = fill_in(&harness, &path(&link, "/password"), "password=%C3%B6pen+sesame").await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text());
    let cookie = right.header("set-cookie").to_owned();
    for part in [
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=3600",
        &format!("Path=/s/{};", link.token),
    ] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let kept = cookie.split(';').next().unwrap();
    let with = |ask: Ask| browser(ask).header("cookie", format!("a=b; {kept}"));
    assert_eq!(with(harness.get(&path(&link, ""))).send().await.status, StatusCode::OK);
    let button = path(&link, &format!("/files/{}", link.file));
    let confirmed = with(harness.post(&button)).header("content-type", FORM).body(CONFIRMED);
    assert_eq!(confirmed.send().await.bytes().as_ref(), b"secret");
    assert_eq!(
        with(harness.get(&path(&other, ""))).send().await.status,
        StatusCode::UNAUTHORIZED
    );
    // for programs the header stays the way
    assert_eq!(
        with(harness.get(&link.path(""))).send().await.status,
        StatusCode::UNAUTHORIZED
    );
    tokio::time::advance(std::time::Duration::from_hours(1)).await;
    assert_eq!(
        with(harness.get(&path(&link, ""))).send().await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(start_paused = true)]
async fn what_others_wrote_is_text_and_nobody_learns_who_else_was_asked() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Comment).await;
    let mut grant = harness.store.grant(&link.grant).await.unwrap().unwrap();
    let second = gatefold::base::id::GrantId::from("grt_second");
    let token = harness.links.token(&second);
    (grant.id, grant.token_hash, grant.rev) = (second, gatefold::connect::Links::hash(&token), 0);
    grant.to = gatefold::space::Principal::Email("sam@elsewhere.example".to_owned());
    harness.commit(vec![Write::PutGrant(grant)]).await;
    let sams = Link { token, ..link.clone() };
    let evil = "text=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%26";
    assert_eq!(
        fill_in(&harness, &path(&sams, "/comments"), evil).await.status,
        StatusCode::SEE_OTHER
    );

    let page = look(&harness, &link).await;
    let page = page.text();
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"),
        "{page}"
    );
    let view = harness.get(&link.path("")).send().await;
    assert_eq!(view.json()["comments"][0]["by"], "another participant");
    assert_eq!(view.json()["files"][0]["by"], "Operator");
    for told in [page, view.text()] {
        assert!(!told.contains("sam@") && !told.contains("user:"), "{told}");
    }
    assert_eq!(
        harness.get(&sams.path("")).send().await.json()["comments"][0]["by"],
        "email:sam@elsewhere.example"
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_offers_what_the_role_allows_and_refuses_the_rest_in_words() {
    let harness = Harness::new().await;
    for (role, offers) in [
        (Role::View, [false, false, false]),
        (Role::Download, [true, false, false]),
        (Role::Comment, [true, true, false]),
        (Role::Contribute, [true, true, true]),
    ] {
        let link = harness.share(role).await;
        let page = look(&harness, &link).await;
        let has = ["<button>Download", "<textarea", "type=\"file\""].map(|part| page.text().contains(part));
        assert_eq!(has, offers, "{role:?}");
        let refused = upload(&harness, &link, with_file("new.txt", "x")).await;
        let expected = if offers[2] {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(refused.status, expected, "{role:?}");
        if expected == StatusCode::FORBIDDEN {
            assert!(
                refused.text().contains("Your role in the share does not allow that."),
                "{}",
                refused.text()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_said_on_a_page_and_changes_nothing() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let cut_off = with_file("a.txt", "half").replace("\r\n--b--\r\n", "");
    let large = "x".repeat(usize::try_from(crate::harness::UPLOAD_BYTES).unwrap() + 1);
    for (body, status) in [
        (with_file("", ""), (400, "Choose a file first.")),
        (
            with_file("a.txt", ""),
            (400, "<h1>The file is empty</h1><p>The file is empty.</p>"),
        ),
        (with_file("..", "x"), (422, "A name must not be `.` or `..`.")),
        (with_file("a:b.txt", "x"), (422, "A name must not contain `:`.")),
        ("--b--\r\n".to_owned(), (400, "Choose a file first.")),
        (cut_off, (422, "This was not accepted")),
        (with_file("a.txt", &large), (413, "The file is larger than ")),
    ] {
        let answer = upload(&harness, &link, body).await;
        let (status, words) = status;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        assert!(answer.text().contains(words), "{words}: {}", answer.text());
        for phrase in ["..<", "Unprocessable", "Payload", "Bad Request", "Gone"] {
            assert!(!answer.text().contains(phrase), "{phrase}: {}", answer.text());
        }
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
    assert_eq!(
        fill_in(&harness, &path(&link, "/comments"), "text=%1B%5B2J")
            .await
            .status
            .as_u16(),
        422
    );
    assert_eq!(
        fill_in(&harness, &path(&link, "/files"), "x=y").await.status.as_u16(),
        415
    );
    let share = harness.store.share(&link.share).await.unwrap().unwrap();
    assert_eq!(share.files.len(), 1);
    assert_eq!(share.files[0].file, link.file);
    harness.revoke(&link).await;
    let gone = look(&harness, &link).await;
    assert_eq!(gone.status, StatusCode::GONE);
    assert!(gone.text().contains("<h1>This link has ended</h1>"), "{}", gone.text());
    assert_eq!(
        harness.store.share(&link.share).await.unwrap().unwrap().state,
        State::Revoked
    );
}

#[tokio::test(start_paused = true)]
async fn a_form_on_a_route_for_bytes_is_refused_with_what_to_do() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    for ask in [
        harness.post(&link.path("/files?name=a.txt")),
        harness.post("/api/v1/files?name=a.txt").by("operator"),
    ] {
        let ask = ask.header("content-type", "multipart/form-data; boundary=b");
        let answer = ask.body(with_file("a.txt", "x")).send().await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(answer.text().contains("--data-binary @FILE"), "{}", answer.text());
    }
}

#[tokio::test(start_paused = true)]
async fn every_refusal_is_in_the_access_log() {
    let harness = Harness::new().await;
    let link = harness
        .share_of(Role::Contribute, "x".as_bytes(), Some("open sesame"))
        .await;
    let other = harness.share(Role::View).await;
    let pass = harness
        .post(&link.path("/pass"))
        .header("x-share-password", "open sesame");
    let pass = pass.send().await.json()["pass"].as_str().unwrap().to_owned();
    let with = |ask: Ask| ask.header("x-share-pass", &pass);
    harness.get(&link.path("")).send().await;
    with(harness.get(&link.path(&format!("/files/{}", other.file))))
        .send()
        .await;
    with(harness.get(&format!("{}?version=9", link.file_path())))
        .send()
        .await;
    with(harness.post(&link.path("/files?name=.."))).body("x").send().await;
    let large = vec![b'x'; usize::try_from(crate::harness::UPLOAD_BYTES).unwrap() + 1];
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(axum::body::Bytes::from(large))]);
    with(harness.post(&link.path("/files?name=a.txt")))
        .body(axum::body::Body::from_stream(pieces))
        .send()
        .await;
    with(harness.post(&link.path("/comments")))
        .json(&json!({ "text": "\u{1b}[2J" }))
        .send()
        .await;
    let lines = harness.store.access_log(Some(&link.share), 0, 100).await.unwrap();
    let refused: Vec<String> = lines.into_iter().filter_map(|(_, line)| line.refused).collect();
    let expected = [
        "needs a password",
        "in this share",
        "in this share",
        "must not be `.` or `..`",
        "larger than",
        "the control character U+001B",
    ];
    assert_eq!(refused.len(), expected.len(), "{refused:?}");
    for (why, part) in refused.iter().zip(expected) {
        assert!(why.contains(part), "{part}: {refused:?}");
    }
}

/// A form with several files.
fn with_files(files: &[(&str, &str)]) -> String {
    let parts = files.iter().map(|(name, bytes)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{bytes}\r\n")
    });
    parts.chain(["--b--\r\n".to_owned()]).collect()
}

#[tokio::test(start_paused = true)]
async fn every_file_of_a_form_is_taken() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let form = with_files(&[("image.jpg", "\u{1}one"), ("b.txt", "two"), ("image.jpg", "\u{1}three")]);
    let sent = upload(&harness, &link, form).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    let view = harness.get(&link.path("")).send().await.json();
    let names: Vec<&str> = view["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["name"].as_str())
        .collect();
    assert_eq!(names, ["contract-0.pdf", "image.jpg", "b.txt", "image (2).jpg"]);
    let refused = upload(
        &harness,
        &link,
        with_files(&[("c.txt", "x"), ("..", "x"), ("d.txt", "x")]),
    )
    .await;
    assert_eq!(refused.status.as_u16(), 422);
    let words = "..: a name must not be `.` or `..` The 1 file before it was received.";
    assert!(refused.text().contains(words), "{}", refused.text());
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_again_make_no_version_and_the_page_says_so() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let form = || with_file("contract-0.pdf", "the contract");
    let sent = upload(&harness, &link, form()).await;
    let back = format!("{}?note=unchanged", path(&link, ""));
    assert_eq!(
        (sent.status, sent.header("location")),
        (StatusCode::SEE_OTHER, back.as_str())
    );
    let page = browser(harness.get(&back)).send().await;
    assert!(
        page.text().contains("This is the same file as before."),
        "{}",
        page.text()
    );
    let api = harness
        .post(&link.path("/files?name=contract-0.pdf"))
        .body("the contract")
        .send()
        .await;
    assert_eq!(
        (api.json()["version"].clone(), api.json()["unchanged"].clone()),
        (json!(1), json!(true))
    );
    let file = harness.store.file(&link.file).await.unwrap().unwrap();
    assert_eq!(file.versions.len(), 1);
    let staff = async |bytes: &'static str| {
        let put = harness.post("/api/v1/files?folder=/in&name=a.txt").by("operator");
        put.body(bytes).send().await.json()
    };
    assert_eq!(staff("one").await["version"], 1);
    let again = staff("one").await;
    assert_eq!((&again["version"], &again["unchanged"]), (&json!(1), &json!(true)));
    assert_eq!(staff("two").await["version"], 2);
    assert_eq!(staff("one").await["version"], 3, "the newest version has other bytes");
}

#[tokio::test(start_paused = true)]
async fn refused_files_leave_no_bytes() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let stored = || walk(&harness.data.path().join("blobs"));
    let before = stored();
    let name = format!("/files?name={}.txt", "n".repeat(300));
    for (path, body) in [(link.path(&name), "x"), (link.path("/items/tax?name=a.txt"), "y")] {
        assert!(harness.post(&path).body(body).send().await.status.is_client_error());
    }
    harness
        .post("/api/v1/files?name=a.txt")
        .by("operator")
        .header("idempotency-key", "k")
        .body("one")
        .send()
        .await;
    let with_one = stored();
    let reused = harness
        .post("/api/v1/files?name=a.txt")
        .by("operator")
        .header("idempotency-key", "k");
    assert_eq!(reused.body("two").send().await.status.as_u16(), 422);
    assert_eq!(stored(), with_one);
    assert_eq!(with_one, before + 1);
}

fn walk(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}

#[tokio::test(start_paused = true)]
async fn a_form_of_another_site_is_refused() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    for (site, status) in [
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 303),
        ("none", 303),
    ] {
        let ask = browser(harness.post(&path(&link, "/comments"))).header("sec-fetch-site", site);
        let answer = ask
            .header("content-type", FORM)
            .body(format!("text={site}"))
            .send()
            .await;
        assert_eq!(answer.status.as_u16(), status, "{site}: {}", answer.text());
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_without_a_page_leads_back_or_says_so() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    for rest in ["/", "/files", "/items/tax", "/nothing"] {
        let answer = browser(harness.get(&path(&link, rest))).send().await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, path(&link, "").as_str()),
            "{rest}"
        );
    }
    for nowhere in ["/", "/s/", "/s/abc", "/elsewhere"] {
        let answer = browser(harness.get(nowhere)).send().await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{nowhere}");
        assert!(answer.text().contains("<h1>"), "{nowhere}: {}", answer.text());
    }
    assert_eq!(harness.get("/elsewhere").send().await.problem(), "not-found");
    let unknown = browser(harness.get(&format!("/s/{}", "0".repeat(64)))).send().await;
    assert!(
        unknown.text().contains("<h1>This link leads nowhere</h1>"),
        "{}",
        unknown.text()
    );
}
