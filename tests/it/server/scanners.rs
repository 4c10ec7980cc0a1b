//! Mail scanners open every link in a mail and submit every form that needs no input. This must
//! change nothing.

use crate::harness::{Ask, Harness, Link};
use axum::http::StatusCode;
use gatefold::audit::AccessKind;
use gatefold::base::Timestamp;
use gatefold::space::Role;
use gatefold::store::MailState;
use serde_json::json;

const PAPERS: &str = "flow: papers
version: 1.0.0
steps:
  - id: papers
    title: Your papers
    collect:
      from: email:rosa@outside.example
      items:
        tax: { title: Tax form }
        bank: { title: Bank statement }
        misc: { title: Anything else, optional: true }
    deadline: { due: 10 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";

fn browser(ask: Ask) -> Ask {
    ask.header("accept", "text/html,*/*;q=0.8")
}

/// The value of an attribute in the beginning of a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

/// A form on a page, as a mail scanner sees it.
struct Form {
    action: String,
    /// Hidden fields, as they are sent.
    hidden: String,
    /// Whether it has a field that requires input.
    has_field: bool,
    is_multipart: bool,
}

fn forms(page: &str) -> Vec<Form> {
    let forms = page
        .split("<form")
        .skip(1)
        .map(|form| form.split("</form>").next().unwrap());
    let read = |form: &str| {
        let fields = form
            .split('<')
            .filter(|tag| tag.starts_with("input") || tag.starts_with("textarea"));
        let (hidden, shown): (Vec<&str>, Vec<&str>) = fields.partition(|tag| tag.contains("type=\"hidden\""));
        let pairs = hidden.iter().map(|tag| {
            let (name, value) = (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap());
            format!("{name}={value}")
        });
        Form {
            action: attribute(form, "action").unwrap().to_owned(),
            hidden: pairs.collect::<Vec<_>>().join("&"),
            has_field: shown.iter().any(|tag| tag.contains(" required")),
            is_multipart: form.contains("multipart/form-data"),
        }
    };
    forms.map(read).collect()
}

/// Submits every form of the page at `path` without input, even those with fields. Returns the
/// number of forms.
async fn scan(harness: &Harness, path: &str) -> usize {
    let page = browser(harness.get(path)).send().await;
    let forms = forms(page.text());
    for form in &forms {
        assert!(
            form.has_field,
            "{} can be sent by a program that fills nothing in",
            form.action
        );
        let bodies = if form.is_multipart {
            vec![("multipart/form-data; boundary=b", "--b--\r\n".to_owned())]
        } else {
            let empty = ["confirm=", "reason=", "because=", "text=", "password="].join("&");
            vec![
                ("application/x-www-form-urlencoded", form.hidden.clone()),
                ("application/x-www-form-urlencoded", format!("{}&{empty}", form.hidden)),
            ]
        };
        for (media_type, body) in bodies {
            let ask = browser(harness.post(&form.action)).header("content-type", media_type);
            let answer = ask.body(body).send().await;
            assert!(answer.status.is_client_error(), "{}: {}", form.action, answer.status);
        }
        let bare = browser(harness.post(&form.action)).send().await;
        assert!(bare.status.is_client_error(), "{}: {}", form.action, bare.status);
    }
    forms.len()
}

/// The state that must not change: everything except the access log. Recorded events are delivered
/// first.
async fn everything(harness: &Harness, link: &Link) -> String {
    while !harness
        .store
        .pending_events(Timestamp::MAX, 1)
        .await
        .unwrap()
        .is_empty()
    {
        crate::turn::turn().await;
    }
    let grant = harness.store.grant(&link.grant).await.unwrap();
    let share = harness.store.share(&link.share).await.unwrap();
    let comments = harness.store.comments_in(&link.share).await.unwrap();
    let runs = harness
        .store
        .runs(&gatefold::store::RunFilter::default())
        .await
        .unwrap();
    let mails = [MailState::Queued, MailState::Sending, MailState::Sent].map(|state| harness.store.mails(state, 99));
    let mails = futures_util::future::join_all(mails).await;
    let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    let kinds = [AccessKind::Downloaded, AccessKind::Remove, AccessKind::Decline];
    let done = log
        .iter()
        .filter(|(_, entry)| kinds.contains(&entry.kind) && entry.refused.is_none());
    let done = done.count();
    format!("{done} {grant:#?} {share:#?} {comments:#?} {runs:#?} {mails:#?}")
}

#[tokio::test(start_paused = true)]
async fn the_page_of_a_share_gives_scanners_nothing_to_press() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    let before = everything(&harness, &link).await;
    let count = scan(&harness, &format!("/s/{}", link.token)).await;
    assert_eq!(count, 3, "download, upload, comment");
    assert_eq!(everything(&harness, &link).await, before);
}

#[tokio::test(start_paused = true)]
async fn the_password_and_code_pages_give_scanners_nothing_to_press() {
    let harness = Harness::new().await;
    let link = harness.share_of(Role::Download, "x", Some("open sesame")).await;
    let mut coded = harness.store.grant(&link.grant).await.unwrap().unwrap();
    let path = format!("/s/{}", link.token);
    assert_eq!(scan(&harness, &path).await, 1, "the password");
    (coded.codes, coded.rev) = (Some(gatefold::space::code::Codes::default()), coded.rev);
    let coded = gatefold::space::Grant {
        rev: harness.store.grant(&link.grant).await.unwrap().unwrap().rev,
        ..coded
    };
    harness.commit(vec![gatefold::store::Write::PutGrant(coded)]).await;
    let before = everything(&harness, &link).await;
    assert_eq!(scan(&harness, &path).await, 2, "sending a code, and entering it");
    assert_eq!(everything(&harness, &link).await, before);
}

#[tokio::test(start_paused = true)]
async fn the_page_of_a_checklist_gives_scanners_nothing_to_press() {
    let harness = Harness::new().await;
    harness.deploy(PAPERS).await;
    let run = harness.begin("papers", json!({})).await;
    let shares = harness.host.shares_of(&run).await.unwrap();
    let (share, grants) = &shares[0];
    let token = harness.links.token(&grants[0].id);
    let give = format!("/api/v1/links/{token}/items/tax?name=tax.txt");
    // the bank statement is missing, so that the checklist stays open
    let given = harness.post(&give).body("x").send().await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.text());
    let link = Link {
        token: token.clone(),
        share: share.id.clone(),
        grant: grants[0].id.clone(),
        file: gatefold::base::id::FileId(given.json()["id"].as_str().unwrap().to_owned()),
        sha256: String::new(),
    };
    let before = everything(&harness, &link).await;
    let count = scan(&harness, &format!("/s/{token}")).await;
    assert!(count >= 4, "removing, giving, not applicable, declining: {count}");
    assert_eq!(everything(&harness, &link).await, before);
}

#[tokio::test(start_paused = true)]
async fn each_button_of_a_page_has_a_name_of_its_own() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Contribute).await;
    harness
        .post(&link.path("/files?name=second.txt"))
        .body("x")
        .send()
        .await;
    let page = browser(harness.get(&format!("/s/{}", link.token))).send().await;
    let names: Vec<&str> = page
        .text()
        .split("<button>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    let different: std::collections::BTreeSet<&&str> = names.iter().collect();
    assert!(names.len() == 4 && different.len() == 4, "{names:?}");
}
