//! Shares through their links: what is let through, and what people try.

use crate::harness::{Harness, UPLOAD_BYTES, days_after};
use axum::body::Body;
use axum::http::StatusCode;
use gatefold::audit::AccessKind;
use gatefold::base::id::CommentId;
use gatefold::host::turns::TRY_PACE;
use gatefold::space::life::{MAX_SHARE_COMMENTS, MAX_WRONG_PASSWORDS};
use gatefold::space::{Comment, Role, State};
use gatefold::store::Write;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_reviewer_sees_fetches_comments_and_uploads() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let view = harness.get(&link.path("")).send().await.json();
    assert_eq!(view["files"][0]["sha256"], link.sha256);
    assert_eq!(view["role"], "contribute");

    let file = harness.get(&link.file_path()).send().await;
    assert_eq!(file.bytes().as_ref(), b"the contract");

    let body = json!({ "text": "Clause 4, please.", "file": link.file.to_string() });
    let comment = harness.post(&link.path("/comments")).json(&body).send().await;
    assert_eq!(comment.status, StatusCode::CREATED, "{}", comment.text());
    assert_eq!(comment.json()["by"], "email:rita@outside.example");

    let name = view["files"][0]["name"].as_str().unwrap();
    let upload = harness
        .post(&link.path(&format!("/files?name={name}")))
        .body("version two")
        .send()
        .await;
    assert_eq!(upload.status, StatusCode::CREATED, "{}", upload.text());
    assert_eq!(upload.json()["version"], 2);
    assert_eq!(upload.json()["id"], link.file.to_string());

    let old = harness.get(&format!("{}?version=1", link.file_path())).send().await;
    assert_eq!(old.bytes().as_ref(), b"the contract");
    let view = harness.get(&link.path("")).send().await.json();
    assert_eq!(
        (&view["files"][0]["version"], &view["comments"][0]["text"]),
        (&json!(2), &json!("Clause 4, please."))
    );
}

const INVITING: &str = "flow: invites
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: room
    uses: file360.create_share
    with: { name: Review, files: [\"${{ inputs.document }}\"], expires_in: 30 days, to: rita@outside.example, role: view }
  - id: signed
    wait: { event: crm.signed, key: never }
    deadline: { due: 2 days }
    outcomes: { expired: { end: expired } }
";

#[tokio::test(start_paused = true)]
async fn the_address_in_the_mail_leads_to_the_share_until_the_run_ends() {
    let harness = Harness::new().await;
    harness.deploy(INVITING).await;
    let document = harness.put("contract.pdf", "x").await;
    let run = harness.begin("invites", json!({ "document": document.id })).await;
    let mail = loop {
        if let Some(mail) = harness.mails.lock().unwrap().pop() {
            break mail;
        }
        crate::turn::turn().await;
    };
    assert_eq!(mail.to, ["rita@outside.example"]);
    let address = mail
        .text
        .split_whitespace()
        .find_map(|word| word.strip_prefix("http://gatefold.test"));
    let path = address.expect("the link is in the mail").to_owned();
    let view = harness.get(&path).send().await.json();
    assert_eq!(
        (&view["name"], &view["files"][0]["id"]),
        (&json!("Review"), &json!(document.id)),
        "{view}"
    );

    let cancel = harness.post(&format!("/api/v1/runs/{run}/cancel")).by("operator");
    cancel.json(&json!({ "reason": "done" })).send().await;
    harness
        .get(&format!("/api/v1/runs/{run}/events"))
        .by("operator")
        .send()
        .await;
    assert_eq!(harness.get(&path).send().await.status, StatusCode::GONE);
}

#[tokio::test(start_paused = true)]
async fn a_role_does_what_it_includes_and_nothing_more() {
    let harness = Harness::new().await;
    let roles = [
        Role::View,
        Role::Download,
        Role::Comment,
        Role::Contribute,
        Role::Manage,
    ];
    for (held, role) in roles.into_iter().enumerate() {
        let link = harness.share(role).await;
        let statuses = [
            harness.get(&link.path("")).send().await.status,
            harness.get(&link.file_path()).send().await.status,
            harness
                .post(&link.path("/comments"))
                .json(&json!({ "text": "x" }))
                .send()
                .await
                .status,
            harness
                .post(&link.path("/files?name=new.txt"))
                .body("x")
                .send()
                .await
                .status,
        ];
        for (needed, status) in statuses.into_iter().enumerate() {
            let expected = held >= needed;
            assert_eq!(status.is_success(), expected, "{role:?}: right {needed} gave {status}");
            assert!(
                expected || status == StatusCode::FORBIDDEN,
                "{role:?}: right {needed} gave {status}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn looking_is_not_opening_but_saying_so_is_and_counts_once() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    harness.get(&link.path("")).send().await;
    assert_eq!(harness.store.grant(&link.grant).await.unwrap().unwrap().opened_at, None);
    for _ in 0..2 {
        assert_eq!(
            harness.post(&link.path("/open")).send().await.status,
            StatusCode::NO_CONTENT
        );
    }
    let opened = harness.store.grant(&link.grant).await.unwrap().unwrap().opened_at;
    assert_eq!(
        opened.map(gatefold::base::Timestamp::as_second),
        Some(harness.host.now().as_second())
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_of_another_share_is_not_there() {
    let harness = Harness::new().await;
    let (mine, theirs) = (harness.share(Role::Manage).await, harness.share(Role::Manage).await);
    let answer = harness.get(&mine.path(&format!("/files/{}", theirs.file))).send().await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let body = json!({ "text": "x", "file": theirs.file.to_string() });
    let answer = harness.post(&mine.path("/comments")).json(&body).send().await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_over_says_so_and_gives_nothing() {
    let harness = Harness::new().await;
    for (name, over) in [("revoked", true), ("expired", false)] {
        let link = harness.share(Role::Manage).await;
        if over {
            harness.revoke(&link).await;
        } else {
            let mut grant = harness.store.grant(&link.grant).await.unwrap().unwrap();
            grant.expires_at = Some(days_after(harness.host.now(), 1));
            harness.commit(vec![Write::PutGrant(grant)]).await;
            assert_eq!(
                harness.get(&link.path("")).send().await.status,
                StatusCode::OK,
                "not yet"
            );
            tokio::time::advance(std::time::Duration::from_hours(24)).await;
        }
        let answers = [
            harness.get(&link.path("")).send().await,
            harness.get(&link.file_path()).send().await,
            harness.post(&link.path("/open")).send().await,
            harness
                .post(&link.path("/comments"))
                .json(&json!({ "text": "x" }))
                .send()
                .await,
            harness.post(&link.path("/files?name=a.txt")).body("x").send().await,
        ];
        for answer in answers {
            assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::GONE, name));
            assert!(!answer.text().contains("contract"), "{}", answer.text());
        }
        let log = harness.store.access_log(Some(&link.share), 0, 1000).await.unwrap();
        let refused = log.iter().filter(|(_, entry)| entry.refused.is_some()).count();
        assert_eq!(refused, 1, "they are counted: {log:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_takes_so_many_comments_and_no_more() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Comment).await;
    let comment = |number: usize| {
        Write::AddComment(Comment {
            id: CommentId(format!("cmt_{number}")),
            share: link.share.clone(),
            file: None,
            text: "again".to_owned(),
            by: "email:rita@outside.example".to_owned(),
            at: harness.host.now(),
        })
    };
    harness.commit((1..MAX_SHARE_COMMENTS).map(comment).collect()).await;
    let say = || harness.post(&link.path("/comments")).json(&json!({ "text": "more" }));
    assert_eq!(say().send().await.status, StatusCode::CREATED);
    let refused = say().send().await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("1000 comments"), "{}", refused.text());
}

#[tokio::test(start_paused = true)]
async fn ten_wrong_passwords_of_an_address_lock_the_link_for_it_even_for_the_right_one() {
    let harness = Harness::new().await;
    let link = harness
        .share_of(Role::Download, "secret".as_bytes(), Some("open sesame"))
        .await;
    let with = |password: &str| harness.post(&link.path("/pass")).header("x-share-password", password);

    let without = harness.get(&link.path("")).send().await;
    assert_eq!(
        (without.status, without.problem().as_str()),
        (StatusCode::UNAUTHORIZED, "password-needed")
    );
    let right = with("open sesame").send().await;
    assert_eq!(right.status, StatusCode::OK);
    let pass = right.json()["pass"].as_str().unwrap().to_owned();
    let view = harness.get(&link.path("")).header("x-share-pass", &pass).send().await;
    assert_eq!(view.status, StatusCode::OK);
    for _ in 0..20 {
        // a GET tries no password, so that whoever has a bare link cannot lock its owner out by looking
        let untried = harness
            .get(&link.path(""))
            .header("x-share-password", "open barley")
            .send()
            .await;
        assert_eq!(
            (untried.status, untried.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "password-needed")
        );
        assert!(untried.text().contains("/pass"), "{}", untried.text());
    }
    for _ in 0..10 {
        let wrong = with("open barley").send().await;
        assert_eq!(
            (wrong.status, wrong.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "password-wrong")
        );
    }
    for password in ["open barley", "open sesame"] {
        let locked = with(password).send().await;
        assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
        let seconds: u64 = locked.header("retry-after").parse().unwrap();
        assert!((1..=901).contains(&seconds), "{seconds}");
    }
    let file = harness
        .post(&format!("{}/download", link.file_path()))
        .header("x-share-password", "open sesame")
        .send()
        .await;
    assert_eq!(
        file.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the lock holds on every route"
    );
    let before = harness.get(&link.path("")).header("x-share-pass", &pass).send().await;
    assert_eq!(before.status, StatusCode::OK, "who was let in before stays in");
    let elsewhere = with("open sesame").from("198.51.100.7").send().await;
    assert_eq!(elsewhere.status, StatusCode::OK, "another address is not locked out");
    tokio::time::advance(std::time::Duration::from_mins(16)).await;
    assert_eq!(with("open sesame").send().await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn many_networks_together_are_slowed_and_do_not_lock_out_the_rightful_user() {
    let harness = Harness::new().await;
    let link = harness
        .share_of(Role::Download, "secret".as_bytes(), Some("open sesame"))
        .await;
    let grant = harness.store.grant(&link.grant).await.unwrap().unwrap();
    let tried = (1..MAX_WRONG_PASSWORDS).fold(grant, |grant, _| grant.after_wrong_password());
    harness.commit(vec![Write::PutGrant(tried)]).await;
    let with = |from: &str, password: &str| {
        let ask = harness.post(&link.path("/pass")).header("x-share-password", password);
        ask.from(from).send()
    };
    let began = tokio::time::Instant::now();
    for network in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(with(network, "open barley").await.problem(), "password-wrong");
    }
    assert_eq!(began.elapsed().as_secs(), 0, "the last free one, and the first turn");
    let (again, right) = tokio::join!(with("192.0.2.1", "open barley"), with("198.51.100.7", "open sesame"));
    assert_eq!(again.problem(), "password-wrong");
    assert_eq!(right.status, StatusCode::OK, "who has not failed goes first");
    assert!(began.elapsed() <= TRY_PACE * 2);
    let after = with("192.0.2.2", "open sesame").await;
    assert_eq!(after.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_password_of_any_letters_is_entered_in_percent_encoding() {
    let harness = Harness::new().await;
    // Set with the accent apart, as some keyboards send it; entered with it together.
    let set = " Gru\u{308}\u{df}e 50% + \u{65e5}\u{672c} ";
    let link = harness.share_of(Role::Download, "secret".as_bytes(), Some(set)).await;
    let with = |password: &str| {
        let ask = harness.post(&link.path("/pass"));
        ask.header("x-share-password", password).send()
    };
    for right in [
        "%20Gr%C3%BC%C3%9Fe%2050%25%20+%20%E6%97%A5%E6%9C%AC%20",
        "%20Gru%cc%88%c3%9fe 50%25 %2B %E6%97%A5%E6%9C%AC%20",
    ] {
        let answer = with(right).await;
        assert_eq!(answer.status, StatusCode::OK, "{right}: {}", answer.text());
    }
    for unreadable in [set.trim(), "50%", "50%2", "50%2x", "%C3", "%ff", "a\tb"] {
        let answer = with(unreadable).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::BAD_REQUEST, "password"),
            "{unreadable}"
        );
        assert!(answer.text().contains("percent-encoded"), "{}", answer.text());
    }
    let wrong = with("50%20").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text().contains("percent-encoded"), "{}", wrong.text());
    let twice = harness.post(&link.path("/pass")).header("x-share-password", "a");
    assert_eq!(
        twice.header("x-share-password", "b").send().await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test(start_paused = true)]
async fn many_right_passwords_at_once_are_all_let_in() {
    let harness = Harness::new().await;
    let link = harness
        .share_of(Role::Download, "secret".as_bytes(), Some("open sesame"))
        .await;
    let with = |password: &'static str| {
        let ask = harness.post(&link.path("/pass"));
        ask.header("x-share-password", password).send()
    };
    // More than the wrong ones that lock a link: each counts as a try until it turns out right.
    let right = (0..24).map(|_| with("open sesame"));
    for answer in futures_util::future::join_all(right).await {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    // Wrong ones at once count one by one: ten are told so, the others are locked out.
    let wrong = futures_util::future::join_all((0..12).map(|_| with("open barley"))).await;
    let told = wrong
        .iter()
        .filter(|answer| answer.status == StatusCode::UNAUTHORIZED)
        .count();
    let locked: Vec<_> = wrong
        .iter()
        .filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS)
        .collect();
    assert_eq!((told, locked.len()), (10, 2));
    for answer in locked {
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    }
    assert_eq!(
        with("open sesame").await.status,
        StatusCode::OK,
        "who waits as long as told is let in"
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_forgotten_is_no_version() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let shared = link.path("/files?name=a.txt");
    let nothing = || futures_util::stream::iter([Ok::<_, std::io::Error>(Vec::new()), Ok(Vec::new())]);
    for path in [shared.as_str(), "/api/v1/files?name=a.txt"] {
        let ask = || harness.post(path).by("operator");
        let forgotten = [
            ask(),
            ask().header("content-length", "0"),
            ask().body(Body::from_stream(nothing())),
        ];
        for ask in forgotten {
            let answer = ask.send().await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::BAD_REQUEST, "empty"),
                "{path}"
            );
        }
        let meant = harness.post(&format!("{path}&empty=true")).by("operator").send().await;
        assert_eq!(meant.status, StatusCode::CREATED, "{}", meant.text());
        assert_eq!(
            (&meant.json()["version"], &meant.json()["size"]),
            (&json!(1), &json!(0)),
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_route_of_a_link_asks_for_its_password() {
    let harness = Harness::new().await;
    let link = harness
        .share_of(Role::Manage, "secret".as_bytes(), Some("open sesame"))
        .await;
    let answers = [
        harness.get(&link.path("")).send().await,
        harness.get(&format!("/s/{}", link.token)).send().await,
        harness.get(&link.file_path()).header("range", "bytes=0-1").send().await,
        harness.ask(axum::http::Method::HEAD, &link.file_path()).send().await,
        harness.post(&link.path("/open")).send().await,
        harness
            .post(&link.path("/comments"))
            .json(&json!({ "text": "x" }))
            .send()
            .await,
        harness.post(&link.path("/files?name=a.txt")).body("x").send().await,
    ];
    for answer in answers {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_never_a_path() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    for name in [
        "..",
        "../x",
        "a%2Fb",
        "a%5Cb",
        "%00",
        "a%0Ab",
        "",
        "con",
        "%E2%80%AEfdp.exe",
        "a%22b",
        "%ff",
    ] {
        let answer = harness
            .post(&link.path(&format!("/files?name={name}")))
            .body("x")
            .send()
            .await;
        assert!(answer.status.is_client_error(), "{name}: {}", answer.status);
        let answer = harness
            .post(&format!("/api/v1/files?name={name}"))
            .by("operator")
            .body("x")
            .send()
            .await;
        assert!(answer.status.is_client_error(), "{name}: {}", answer.status);
    }
    for folder in ["/..", "/a/../b", "a", "/%00"] {
        let path = format!("/api/v1/files?folder={folder}&name=a.txt");
        let answer = harness.post(&path).by("operator").body("x").send().await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{folder}");
    }
    let share = harness.store.share(&link.share).await.unwrap().unwrap();
    assert_eq!(share.files.len(), 1, "nothing came in");
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_bounded_whatever_it_declares() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let path = link.path("/files?name=big.bin");
    let limit = usize::try_from(UPLOAD_BYTES).unwrap();

    // Refused for what it declares, before a byte is read.
    let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let declared = harness.post(&path).header("content-length", (limit + 1).to_string());
    let answer = declared.body(Body::from_stream(never)).send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too-large")
    );

    // Refused while it comes in, where it declares nothing.
    let pieces = (0..=limit / 1024).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 1024]));
    let undeclared = Body::from_stream(futures_util::stream::iter(pieces));
    let answer = harness.post(&path).body(undeclared).send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too-large")
    );
    assert_eq!(incoming(&harness), 0, "nothing is left of it");

    let answer = harness.post(&path).body(vec![0_u8; limit]).send().await;
    assert_eq!(answer.status, StatusCode::CREATED, "at the limit: {}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let pieces = [
        Ok(vec![1_u8; 4096]),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let answer = harness.post(&link.path("/files?name=cut.bin")).body(body).send().await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    assert_eq!(incoming(&harness), 0);
    let share = harness.store.share(&link.share).await.unwrap().unwrap();
    assert_eq!(share.files.len(), 1);
    let log = harness.store.access_log(Some(&link.share), 0, 1000).await.unwrap();
    assert!(
        !log.iter()
            .any(|(_, entry)| entry.kind == AccessKind::Upload && entry.refused.is_none()),
        "{log:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_is_given_up() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let pieces = futures_util::StreamExt::chain(
        futures_util::stream::iter([Ok::<_, std::io::Error>(vec![1_u8; 10])]),
        futures_util::stream::pending(),
    );
    let answer = harness
        .post(&link.path("/files?name=slow.bin"))
        .body(Body::from_stream(pieces))
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    assert_eq!(incoming(&harness), 0);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_ends_after_the_share_does_not_count() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let upload = tokio::spawn(harness.post(&link.path("/files?name=late.txt")).body(body).send());
    sender.send(Ok(b"the beginning".to_vec())).await.unwrap();
    sender.send(Ok(b"the middle".to_vec())).await.unwrap();
    harness.revoke(&link).await;
    drop(sender);
    let answer = upload.await.unwrap();
    assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text());
    let share = harness.store.share(&link.share).await.unwrap().unwrap();
    assert_eq!((share.files.len(), share.state), (1, State::Revoked));
}

/// Files that wait to be complete.
fn incoming(harness: &Harness) -> usize {
    let folder = harness.data.path().join("blobs/incoming");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
