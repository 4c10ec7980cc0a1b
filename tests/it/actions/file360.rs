//! The actions of the file space against a store: what they write, what they refuse, and that
//! nothing happens without a line in the access log.

use super::desk::Desk;
use super::{at, context};
use gatefold::audit::AccessKind;
use gatefold::base::{Calendar, Value};
use gatefold::connect::{ActionError, CallContext, Links};
use gatefold::connectors::file360::{MAX_FILES, MAX_MESSAGE_BYTES, MAX_TEXT_BYTES, MIN_PASSWORD_CHARS};
use gatefold::space::access::{Denial, Entitlement, Right, decide};
use gatefold::space::{Content, Paper, Role, SharedVersion, State};
use gatefold::spec::limits::MAX_ITEM_LABELS;
use gatefold::store::{CommitError, Store, Write};
use serde_json::json;

pub fn version_of(file: &str, version: u64) -> SharedVersion {
    SharedVersion {
        file: file.into(),
        version,
    }
}

pub fn for_thirty_days(files: &[&Value]) -> Value {
    json!({"name": "Review", "files": files, "expires_in": "30 days"})
}

#[tokio::test]
async fn a_share_is_made_and_ends_with_everything_in_it() {
    let desk = Desk::new();
    let contract = desk.contract().await;
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[&contract]))
        .await
        .unwrap();
    let share = desk.share(&made["share"]).await;
    assert_eq!(share.files, [version_of("fil_c", 1)]);
    assert_eq!(
        share.folder,
        format!("/shares/{}", share.id),
        "uploads go to a folder of its own"
    );
    assert_eq!(
        (share.created_by.as_str(), share.run.as_ref().unwrap().as_str()),
        ("run:run_1", "run_1")
    );
    assert_eq!(share.expires_at, at(30 * 86_400));

    let input = json!({"share": made["share"], "to": "eve@example.org", "role": "contribute"});
    let granted = desk.act("access", "file360.set_permissions", input).await.unwrap();
    assert_eq!(granted["to"], "email:eve@example.org");
    let grant = desk.grant(&granted["grant"]).await;
    assert_eq!(decide(&share, &grant, Entitlement::Held, Right::Upload, at(1)), Ok(()));

    let revoked = desk
        .act("end", "file360.revoke_share", json!({"share": made["share"]}))
        .await
        .unwrap();
    assert_eq!(revoked["revoked"], true);
    let (share, grant) = (desk.share(&made["share"]).await, desk.grant(&granted["grant"]).await);
    assert_eq!((share.state, grant.state), (State::Revoked, State::Revoked));
    assert_eq!(
        decide(&share, &grant, Entitlement::Held, Right::List, at(1)),
        Err(Denial::Revoked)
    );
    let events = desk.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind.as_str(), &events[0].subjects),
        ("file360.share_revoked", &vec![share.id.to_string()])
    );
    assert!(
        desk.log()
            .await
            .iter()
            .all(|entry| entry.kind == AccessKind::Administer && entry.actor == "run:run_1")
    );
}

#[tokio::test]
async fn revoking_what_is_over_changes_nothing() {
    let desk = Desk::new();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[]))
        .await
        .unwrap();
    desk.act("end", "file360.revoke_share", json!({"share": made["share"]}))
        .await
        .unwrap();
    let (log, events) = (desk.log().await.len(), desk.events().await.len());
    let again = desk
        .act("again", "file360.revoke_share", json!({"share": made["share"]}))
        .await
        .unwrap();
    assert_eq!(again["revoked"], false);
    assert_eq!((desk.log().await.len(), desk.events().await.len()), (log, events));
    for (action, input) in [
        (
            "file360.set_permissions",
            json!({"share": made["share"], "to": "anyone", "role": "view"}),
        ),
        (
            "file360.update_share",
            json!({"share": made["share"], "expires_in": "60 days"}),
        ),
        ("file360.add_comment", json!({"share": made["share"], "text": "hello"})),
        ("file360.list_files", json!({"share": made["share"]})),
    ] {
        assert!(desk.refused(action, input).await.contains("revoked"), "{action}");
    }
}

#[tokio::test]
async fn a_share_that_is_over_by_the_clock_is_not_given_more_time() {
    let desk = Desk::new();
    let made = desk
        .act(
            "room",
            "file360.create_share",
            json!({"name": "x", "expires_in": "1 hour"}),
        )
        .await
        .unwrap();
    let late = CallContext {
        now: at(3600),
        ..context("late")
    };
    let input = json!({"share": made["share"], "expires_in": "1 day"});
    let error = desk
        .act_as(&late, "file360.update_share", input.clone())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
    let in_time = CallContext {
        now: at(3599),
        ..context("in-time")
    };
    let updated = desk.act_as(&in_time, "file360.update_share", input).await.unwrap();
    assert_eq!(updated["expires_at"], at(3599 + 86_400).to_string());
}

#[tokio::test]
async fn a_share_needs_an_end_and_good_names() {
    let desk = Desk::new();
    let contract = desk.contract().await;
    let mut forged = contract.clone();
    forged["sha256"] = json!("bb".repeat(32));
    let mut unknown = contract.clone();
    unknown["id"] = json!("fil_x");
    let mut newer = contract.clone();
    newer["version"] = json!(2);
    for (input, why) in [
        (json!({"name": "x"}), "needs an end"),
        (
            json!({"name": "x", "expires_in": "1 day", "expires_at": "2099-01-01"}),
            "one of them",
        ),
        (json!({"name": "x", "expires_at": "2001-01-01"}), "is over"),
        (json!({"name": "x", "expires_at": "soon"}), "no timestamp"),
        (json!({"name": "x", "expires_in": "30"}), "expires_in: "),
        (json!({"name": "x", "expires_in": "3 business days"}), "expires_in: "),
        (json!({"name": " ", "expires_in": "1 day"}), "`name` must not"),
        (json!({"name": "a\r\nBcc: x", "expires_in": "1 day"}), "`name` must not"),
        (
            json!({"name": "x", "expires_in": "1 day", "folder": "/a/../b"}),
            "folder: ",
        ),
        (
            json!({"name": "x", "expires_in": "1 day", "workspace": "wsp_x"}),
            "no workspace",
        ),
        (
            json!({"name": "x", "expires_in": "1 day", "files": [forged]}),
            "not the one that was meant",
        ),
        (
            json!({"name": "x", "expires_in": "1 day", "files": [unknown]}),
            "no file",
        ),
        (
            json!({"name": "x", "expires_in": "1 day", "files": [newer]}),
            "no version 2",
        ),
        (
            json!({"name": "x", "expires_in": "1 day", "role": "view"}),
            "`to` is missing",
        ),
        (
            json!({"name": "x", "expires_in": "1 day", "too": "anyone"}),
            "unknown field",
        ),
    ] {
        let message = desk.refused("file360.create_share", input.clone()).await;
        assert!(message.contains(why), "{input}: {message}");
    }
}

#[tokio::test]
async fn ends_can_be_dates_and_business_days() {
    let desk = Desk::new();
    let calendar = Calendar {
        zone: "Europe/Madrid".into(),
        hours: vec!["09:00-17:00".into()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).into(),
        holidays: Vec::new(),
    };
    let cx = CallContext {
        calendar: Some(calendar),
        ..context("room")
    };
    let made = desk
        .act_as(
            &cx,
            "file360.create_share",
            json!({"name": "x", "expires_at": "2027-06-30"}),
        )
        .await
        .unwrap();
    assert_eq!(
        made["expires_at"], "2027-06-30T22:00:00Z",
        "the day ends at midnight in Madrid"
    );
    let cx = CallContext {
        key: "run_1:other:1".into(),
        ..cx
    };
    let made = desk
        .act_as(
            &cx,
            "file360.create_share",
            json!({"name": "x", "expires_in": "2 business days"}),
        )
        .await
        .unwrap();
    assert!(made["expires_at"].as_str().unwrap() > "2027-01-16", "{made}");
}

#[tokio::test]
async fn the_same_party_has_one_grant_and_its_link_stays() {
    let desk = Desk::new();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[]))
        .await
        .unwrap();
    let input = |to: &str, role: &str| json!({"share": made["share"], "to": to, "role": role});
    let first = desk
        .act("a", "file360.set_permissions", input("eve@example.org", "view"))
        .await
        .unwrap();
    let second = desk
        .act("b", "file360.set_permissions", input("email:EVE@example.org", "manage"))
        .await
        .unwrap();
    assert_eq!(first["grant"], second["grant"]);
    let grant = desk.grant(&second["grant"]).await;
    assert_eq!(grant.role, Role::Manage);
    let links: &Links = &desk.installation.settings.links;
    assert_eq!(grant.token_hash, Links::hash(&links.token(&grant.id)));
    assert_eq!(
        desk.store.grant_by_token(&grant.token_hash).await.unwrap().unwrap().id,
        grant.id
    );
    let anna = desk
        .act("c", "file360.set_permissions", input("anna@corp.example", "view"))
        .await
        .unwrap();
    assert_eq!(
        anna["to"], "user:anna",
        "the address of a colleague means the colleague"
    );
    assert_eq!(
        desk.store
            .grants_of(&made["share"].as_str().unwrap().into())
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn everybody_meant_gets_a_mail_of_their_own_without_the_link_in_it() {
    let desk = Desk::new();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[]))
        .await
        .unwrap();
    let input = json!({"share": made["share"], "to": "role:legal", "role": "comment", "message": "Please look."});
    let granted = desk.act("access", "file360.set_permissions", input).await.unwrap();
    let mails = desk.mails().await;
    let to: Vec<&str> = mails.iter().flat_map(|mail| &mail.to).map(String::as_str).collect();
    assert_eq!(to, ["anna@corp.example", "ben@corp.example"]);
    assert_eq!(
        (granted["grants"].as_array().unwrap().len(), &granted["to"]),
        (2, &json!("role:legal"))
    );
    for (mail, grant) in mails.iter().zip(granted["grants"].as_array().unwrap()) {
        assert_eq!(mail.to.len(), 1, "nobody sees who else was told");
        assert_eq!(
            mail.grant.as_deref(),
            grant.as_str(),
            "everybody has a link of their own"
        );
        assert!(
            mail.text.contains(gatefold::store::OutboxMail::LINK)
                && mail.text.contains(" UTC. Please do not pass")
                && mail.text.contains("Please look.")
                && !mail.text.contains("/s/"),
            "{}",
            mail.text
        );
    }
    let quiet = json!({"share": made["share"], "to": "eve@example.org", "role": "view", "notify": false});
    desk.act("quiet", "file360.set_permissions", quiet).await.unwrap();
    desk.act(
        "open",
        "file360.set_permissions",
        json!({"share": made["share"], "to": "anyone", "role": "view"}),
    )
    .await
    .unwrap();
    assert_eq!(desk.mails().await.len(), 2, "no more mails");
}

#[tokio::test]
async fn a_password_is_kept_only_as_its_hash() {
    let desk = Desk::new();
    let input = json!({"name": "x", "expires_in": "1 day", "to": "eve@example.org", "password": "correct horse"});
    let made = desk.act("room", "file360.create_share", input).await.unwrap();
    let grants = desk
        .store
        .grants_of(&made["share"].as_str().unwrap().into())
        .await
        .unwrap();
    assert_eq!(grants[0].role, Role::Download);
    let hash = grants[0].password_hash.clone().unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    assert_eq!(
        gatefold::connect::passwords::verify("correct horse".into(), hash).await,
        Ok(true)
    );
    let mails = desk.mails().await;
    assert!(
        mails[0].text.contains("password") && !mails[0].text.contains("correct horse"),
        "never in the same mail"
    );

    let share = made["share"].clone();
    let keep = json!({"share": share, "to": "eve@example.org", "role": "comment"});
    let again = desk.act("keep", "file360.set_permissions", keep).await.unwrap();
    assert!(
        desk.grant(&again["grant"]).await.password_hash.is_some(),
        "a new role does not drop the password"
    );
    let short = json!({"share": share, "to": "ben@corp.example", "role": "view", "password": "1234567"});
    assert!(
        desk.refused("file360.set_permissions", short)
            .await
            .contains("at least 8")
    );
}

#[tokio::test]
async fn who_is_let_in_must_be_somebody() {
    let desk = Desk::new();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[]))
        .await
        .unwrap();
    for (to, why) in [
        ("role:leagl", "legal"),
        ("user:ana", "anna"),
        ("everyone", "anyone"),
        ("", "names nobody"),
        ("eve", "names nobody"),
    ] {
        let input = json!({"share": made["share"], "to": to, "role": "view"});
        let message = desk.refused("file360.set_permissions", input).await;
        assert!(message.starts_with("to: ") && message.contains(why), "{to}: {message}");
    }
    let message = desk
        .refused(
            "file360.set_permissions",
            json!({"share": "shr_x", "to": "anyone", "role": "view"}),
        )
        .await;
    assert!(message.contains("no share"), "{message}");
    let message = desk
        .refused(
            "file360.set_permissions",
            json!({"share": "shr_x", "to": "anyone", "role": "owner"}),
        )
        .await;
    assert!(message.starts_with("role: "), "{message}");
}

#[tokio::test]
async fn a_text_becomes_a_file_and_then_a_version() {
    let desk = Desk::new();
    let input = |text: &str| json!({"folder": "/notes/", "name": "note.md", "text": text});
    let first = desk.act("a", "file360.put_file", input("# One")).await.unwrap();
    assert_eq!(
        (&first["path"], &first["file"]["version"]),
        (&json!("/notes/note.md"), &json!(1))
    );
    assert_eq!(first["file"]["media_type"], "text/markdown");
    let second = desk.act("b", "file360.put_file", input("# Two")).await.unwrap();
    assert_eq!(
        (&second["file"]["id"], &second["file"]["version"]),
        (&first["file"]["id"], &json!(2))
    );
    let same = desk.act("c", "file360.put_file", input("# Two")).await.unwrap();
    assert_eq!(same["file"], second["file"], "the same bytes are no new version");
    let events = desk.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].data["file"], second["file"]);
    let kinds: Vec<AccessKind> = desk.log().await.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [AccessKind::Upload; 3]);
    let sha256 = second["file"]["sha256"].as_str().unwrap();
    desk.installation.settings.blobs.open_blob(sha256).await.unwrap();
}

#[tokio::test]
async fn a_locked_file_is_left_alone() {
    let desk = Desk::new();
    let put = desk
        .act(
            "a",
            "file360.put_file",
            json!({"folder": "/", "name": "a.txt", "text": "one"}),
        )
        .await
        .unwrap();
    let lock = Write::Lock {
        file: put["file"]["id"].as_str().unwrap().into(),
        run: "run_other".into(),
    };
    desk.commit(vec![lock]).await.unwrap();
    let input = json!({"folder": "/", "name": "a.txt", "text": "two"});
    match desk.act("b", "file360.put_file", input).await {
        // it passes with the decision
        Err(ActionError::Transient(message)) => assert!(message.contains("/a.txt: the file is locked"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_put_is_told() {
    let desk = Desk::new();
    let contract = desk.contract().await;
    let limit = usize::try_from(MAX_TEXT_BYTES).unwrap();
    let long = "x".repeat(limit + 1);
    for (input, why) in [
        (
            json!({"folder": "/", "name": "../a", "text": "x"}),
            "`name` must not contain `/`",
        ),
        (json!({"folder": "a", "name": "a", "text": "x"}), "folder: "),
        (json!({"folder": "/", "text": "x"}), "name of a file"),
        (json!({"folder": "/", "name": "a"}), "either text or file"),
        (
            json!({"folder": "/", "name": "a", "text": "x", "file": contract}),
            "either text or file",
        ),
        (json!({"folder": "/", "name": "a", "text": long}), "larger than"),
    ] {
        let message = desk.refused("file360.put_file", input).await;
        assert!(message.contains(why), "{message}");
    }
    let at_limit = json!({"folder": "/", "name": "a", "text": "x".repeat(limit)});
    desk.act("limit", "file360.put_file", at_limit).await.unwrap();
}

#[tokio::test]
async fn publishing_means_the_exact_version_that_was_approved() {
    let desk = Desk::new();
    let approved = desk.contract().await;
    let file = desk.store.file(&"fil_c".into()).await.unwrap().unwrap();
    let content = Content {
        sha256: "cc".repeat(32),
        size: 11,
        media_type: "application/pdf".into(),
    };
    desk.commit(vec![Write::PutFile(file.with_version(
        content,
        "email:eve@example.org",
        at(1),
    ))])
    .await
    .unwrap();

    let input = json!({"file": approved, "to": "/contracts/final"});
    let published = desk.act("publish", "file360.publish", input.clone()).await.unwrap();
    assert_eq!(published["path"], "/contracts/final/contract.pdf");
    assert_eq!(
        published["file"]["sha256"], approved["sha256"],
        "not the version that came after"
    );
    assert_ne!(
        published["file"]["id"], approved["id"],
        "what is published is a file of its own"
    );
    let entry = desk.log().await.pop().unwrap();
    assert_eq!(
        (entry.kind, entry.sha256.as_deref()),
        (AccessKind::Publish, approved["sha256"].as_str())
    );
    let again = desk.act("again", "file360.publish", input).await.unwrap();
    assert_eq!(again, published, "published twice, it is there once");

    let mut swapped = approved.clone();
    swapped["sha256"] = json!("cc".repeat(32));
    let message = desk
        .refused("file360.publish", json!({"file": swapped, "to": "/contracts/final"}))
        .await;
    assert!(message.contains("not the one that was meant"), "{message}");
    let newer = desk.reference("fil_c").await;
    let second = desk
        .act(
            "second",
            "file360.publish",
            json!({"file": newer, "to": "/contracts/final"}),
        )
        .await
        .unwrap();
    assert_eq!(
        (&second["file"]["id"], &second["file"]["version"]),
        (&published["file"]["id"], &json!(2)),
        "nothing is overwritten"
    );
}

#[tokio::test]
async fn comments_go_to_the_share_and_only_about_its_files() {
    let desk = Desk::new();
    let contract = desk.contract().await;
    let other = desk
        .act(
            "other",
            "file360.put_file",
            json!({"folder": "/", "name": "b.txt", "text": "x"}),
        )
        .await
        .unwrap();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[&contract]))
        .await
        .unwrap();
    let input = json!({"share": made["share"], "file": contract, "text": "Page 3?"});
    let added = desk.act("say", "file360.add_comment", input).await.unwrap();
    let comments = desk
        .store
        .comments_in(&made["share"].as_str().unwrap().into())
        .await
        .unwrap();
    assert_eq!(comments.len(), 1);
    assert_eq!(
        (comments[0].id.as_str(), comments[0].text.as_str()),
        (added["comment"].as_str().unwrap(), "Page 3?")
    );
    let event = desk.events().await.pop().unwrap();
    assert_eq!(event.kind, "file360.comment_added");
    assert_eq!(event.subjects, [made["share"].as_str().unwrap(), "fil_c"]);
    assert_eq!(event.data["by"], "run:run_1");
    let foreign = json!({"share": made["share"], "file": other["file"], "text": "x"});
    assert!(
        desk.refused("file360.add_comment", foreign)
            .await
            .contains("not in the share")
    );
    assert!(
        desk.refused("file360.add_comment", json!({"share": made["share"], "text": " "}))
            .await
            .contains("`text` must not be empty")
    );
}

#[tokio::test]
async fn a_closed_workspace_takes_nothing_new_and_stays_closed() {
    let desk = Desk::new();
    let made = desk
        .act("ws", "file360.create_workspace", json!({"name": "Audit 2027"}))
        .await
        .unwrap();
    let put = json!({"workspace": made["workspace"], "folder": "/a", "name": "n.txt", "text": "x"});
    desk.act("put", "file360.put_file", put.clone()).await.unwrap();
    for (key, closed) in [("close", true), ("again", false)] {
        let input = json!({"workspace": made["workspace"]});
        let output = desk.act(key, "file360.close_workspace", input).await.unwrap();
        assert_eq!(output["closed"], closed);
    }
    let refused = desk.act("late", "file360.put_file", put).await.unwrap_err();
    assert!(refused.to_string().contains("is closed"), "{refused}");
    for (id, why) in [("wsp_main", "never closed"), ("wsp_none", "no workspace")] {
        let refused = desk.act(id, "file360.close_workspace", json!({"workspace": id})).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}

#[tokio::test]
async fn files_are_listed_by_share_or_by_folder() {
    let desk = Desk::new();
    let contract = desk.contract().await;
    let room = desk
        .act("ws", "file360.create_workspace", json!({"name": "Audit 2027"}))
        .await
        .unwrap();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[&contract, &contract]))
        .await
        .unwrap();
    let put = json!({"workspace": room["workspace"], "folder": "/a", "name": "n.txt", "text": "x"});
    let put = desk.act("put", "file360.put_file", put).await.unwrap();
    for (input, files) in [
        (json!({"share": made["share"]}), json!([contract])),
        (json!({"folder": "/in"}), json!([contract])),
        (
            json!({"workspace": room["workspace"], "folder": "/a/"}),
            json!([put["file"]]),
        ),
        (json!({"workspace": room["workspace"], "folder": "/in"}), json!([])),
    ] {
        assert_eq!(
            desk.act("list", "file360.list_files", input.clone()).await.unwrap()["files"],
            files,
            "{input}"
        );
    }
    assert_eq!(
        desk.log()
            .await
            .iter()
            .filter(|entry| entry.kind == AccessKind::List)
            .count(),
        4
    );
    for input in [
        json!({}),
        json!({"share": made["share"], "folder": "/"}),
        json!({"share": made["share"], "workspace": "wsp_main"}),
    ] {
        assert!(desk.refused("file360.list_files", input).await.contains("give either"));
    }
}

#[tokio::test]
async fn whoever_was_slower_decides_again() {
    let desk = Desk::new();
    let input = |text: &str| json!({"folder": "/", "name": "a.txt", "text": text});
    let (_, slow) = desk
        .decide(&context("slow"), "file360.put_file", input("slow"))
        .await
        .unwrap();
    desk.act("fast", "file360.put_file", input("fast")).await.unwrap();
    assert!(matches!(desk.commit(slow).await, Err(CommitError::Conflict { .. })));
    let put = desk.act("slow", "file360.put_file", input("slow")).await.unwrap();
    assert_eq!(put["file"]["version"], 2, "both are there");

    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[]))
        .await
        .unwrap();
    let more_time = json!({"share": made["share"], "expires_in": "60 days"});
    let (_, slow) = desk
        .decide(&context("more"), "file360.update_share", more_time)
        .await
        .unwrap();
    desk.act("end", "file360.revoke_share", json!({"share": made["share"]}))
        .await
        .unwrap();
    assert!(
        matches!(desk.commit(slow).await, Err(CommitError::Conflict { .. })),
        "a revoked share is not revived"
    );
}

#[tokio::test]
async fn a_party_let_in_while_the_share_is_revoked_gets_nowhere() {
    let desk = Desk::new();
    let made = desk
        .act("room", "file360.create_share", for_thirty_days(&[]))
        .await
        .unwrap();
    let input = json!({"share": made["share"], "to": "eve@example.org", "role": "manage"});
    let (output, late) = desk
        .decide(&context("late"), "file360.set_permissions", input)
        .await
        .unwrap();
    desk.act("end", "file360.revoke_share", json!({"share": made["share"]}))
        .await
        .unwrap();
    desk.commit(late).await.unwrap();
    let (share, grant) = (desk.share(&made["share"]).await, desk.grant(&output["grant"]).await);
    assert_eq!(
        decide(&share, &grant, Entitlement::Held, Right::List, at(1)),
        Err(Denial::Revoked)
    );
}

#[tokio::test]
async fn what_is_given_may_be_so_much_and_not_more() {
    let desk = Desk::new();
    let contract = desk.contract().await;
    let many = |count: usize| json!({"name": "x", "expires_in": "1 day", "files": vec![contract.clone(); count]});
    let made = desk.act("room", "file360.create_share", many(MAX_FILES)).await.unwrap();
    assert!(
        desk.refused("file360.create_share", many(MAX_FILES + 1))
            .await
            .starts_with("files: ")
    );

    let invite = |message: usize, password: usize| {
        let (message, password) = ("m".repeat(message), "p".repeat(password));
        json!({"share": made["share"], "to": "anyone", "role": "view", "message": message, "password": password})
    };
    let at_limit = invite(MAX_MESSAGE_BYTES, MIN_PASSWORD_CHARS);
    desk.act("limit", "file360.set_permissions", at_limit).await.unwrap();
    let message = desk
        .refused("file360.set_permissions", invite(MAX_MESSAGE_BYTES + 1, 8))
        .await;
    assert!(message.starts_with("message: "), "{message}");
    let message = desk
        .refused("file360.set_permissions", invite(1, MIN_PASSWORD_CHARS - 1))
        .await;
    assert!(message.starts_with("password: "), "{message}");
}

#[tokio::test]
async fn an_item_takes_so_many_labels_of_plain_words_and_a_renewal_in_days() {
    let desk = Desk::new();
    let input = |label: Value, before: &str| {
        json!({ "name": "Papers", "to": "user:anna", "items": { "tax": {
            "title": "Tax form", "valid_until": "required", "renew_before": before, "label": label,
        } } })
    };
    let labels = |count: usize| json!(vec!["confidential"; count]);
    let made = desk.act(
        "most",
        "file360.request_files",
        input(labels(MAX_ITEM_LABELS), "30 days"),
    );
    let made = made.await.unwrap();
    let item = desk.share(&made["request"]).await.request.unwrap().items.remove(0);
    assert_eq!(
        (item.label.len(), item.renew_before.as_deref()),
        (MAX_ITEM_LABELS, Some("30 days"))
    );
    for (label, before, words) in [
        (labels(MAX_ITEM_LABELS + 1), "30 days", "at most 10 words"),
        (json!(["Top Secret"]), "30 days", "small letters"),
        (
            labels(1),
            "30 business days",
            "renew_before: 30 business days counts working time",
        ),
    ] {
        let message = desk.refused("file360.request_files", input(label, before)).await;
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn what_is_known_of_a_document_goes_with_it_where_it_is_published() {
    let desk = Desk::new();
    desk.contract().await;
    let file = desk.store.file(&"fil_c".into()).await.unwrap().unwrap();
    let paper = Paper {
        valid_until: Some("2027-03-31".to_owned()),
        label: vec!["confidential".to_owned()],
        ..Paper::default()
    };
    desk.commit(vec![Write::PutFile(file.with_paper(Some(paper.clone())))])
        .await
        .unwrap();
    let input = json!({"file": desk.reference("fil_c").await, "to": "/final"});
    let published = desk.act("publish", "file360.publish", input).await.unwrap();
    let id = published["file"]["id"].as_str().unwrap();
    let published = desk.store.file(&id.into()).await.unwrap().unwrap();
    assert_eq!(published.current().paper, Some(paper));
}
