//! Grants: each member of a role has their own link while they have the role; links are listed and
//! revoked individually.

use crate::harness::{Answer, Harness};
use axum::http::StatusCode;
use gatefold::audit::AccessKind;
use gatefold::base::Value;
use gatefold::base::id::{GrantId, RunId, ShareId};
use gatefold::connect::Links;
use gatefold::host::refusals::COUNTED_FOR;
use gatefold::server::Access;
use gatefold::space::{Grant, Principal, Role, State};
use gatefold::store::memory::MemoryStore;
use gatefold::store::{Store, Write};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const ROOM: &str = "flow: room
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: room
    uses: file360.create_share
    with: { name: Draft, files: [\"${{ inputs.document }}\"], expires_in: 30 days, to: role:legal, role: contribute }
  - id: fresh
    wait: { event: file360.file_uploaded, on: \"${{ steps.room.share }}\" }
    deadline: { due: 10 days }
    outcomes: { expired: { end: expired } }
  - id: sign
    approve: { document: \"${{ steps.fresh.file }}\", by: [role:legal], exclude: [uploader], reason: [rejected] }
    deadline: { due: 10 days }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: unsigned } }
";

const PAPERS: &str = "flow: papers
version: 1.0.0
steps:
  - id: papers
    title: Papers
    collect: { from: role:legal, items: { tax: { title: Tax form, review: [role:legal] } } }
    deadline: { due: 10 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";

const REVOKING: &str = "flow: revoking
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: room
    uses: file360.create_share
    with: { name: Draft, files: [\"${{ inputs.document }}\"], expires_in: 30 days, to: rita@outside.example }
  - id: revoked
    wait: { event: file360.grant_revoked, on: \"${{ steps.room.share }}\" }
    deadline: { due: 10 days }
    outcomes: { expired: { end: expired } }
  - id: over
    end: { status: taken_back }
";

/// Waits until `found` returns something.
async fn wait_for<T>(mut found: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..10_000 {
        if let Some(found) = found().await {
            return found;
        }
        crate::turn::turn().await;
    }
    panic!("it does not come");
}

/// The path of the link that was sent to an address.
async fn link_of(harness: &Harness, address: &str) -> String {
    wait_for(async || {
        let mails = harness.mails.lock().unwrap();
        let mail = mails
            .iter()
            .rev()
            .find(|mail| mail.to == [address] && mail.text.contains("/s/"))?;
        let mut words = mail.text.split_whitespace();
        let token = words.find_map(|word| word.strip_prefix("http://gatefold.test/s/"))?;
        Some(format!("/api/v1/links/{token}"))
    })
    .await
}

/// A run of the room, with the links of Anna and Ben.
async fn room(harness: &Harness) -> (RunId, [String; 2]) {
    harness.deploy(ROOM).await;
    let document = harness.put("contract.pdf", "one").await;
    let run = harness.begin("room", json!({ "document": document.id })).await;
    let anna = link_of(harness, "anna@example.com").await;
    (run, [anna, link_of(harness, "ben@example.com").await])
}

async fn tasks(harness: &Harness, user: &str) -> Vec<Value> {
    let tasks = harness.get("/api/v1/tasks").by(user).send().await.json();
    tasks["items"].as_array().cloned().unwrap_or_default()
}

/// Removes `line` from the directory, or replaces it by `instead`.
fn change_people(harness: &Harness, line: &str, instead: &str) {
    let file = harness.data.path().join("people.yaml");
    let people = std::fs::read_to_string(&file).unwrap();
    assert!(people.contains(line), "{people}");
    std::fs::write(&file, people.replace(line, instead)).unwrap();
    harness.server.accounts.refresh_now();
}

const BEN: &str = "  ben: { name: Ben, email: ben@example.com, roles: [legal] }\n";

async fn grants(harness: &Harness, query: &str) -> Vec<Value> {
    let page = harness.get(&format!("/api/v1/grants{query}")).by("admin").send().await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page.json()["items"].as_array().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_member_of_a_role_acts_in_their_own_name_and_cannot_approve_what_they_put() {
    let harness = Harness::new().await;
    let (_, [anna, ben]) = room(&harness).await;
    assert_ne!(anna, ben, "each has a link of their own");
    let said = harness
        .post(&format!("{ben}/comments"))
        .json(&json!({ "text": "Please" }))
        .send()
        .await;
    assert_eq!(said.json()["by"], "user:ben");
    let fetched = harness.get(&anna).send().await.json();
    let file = format!("{anna}/files/{}/download", fetched["files"][0]["id"].as_str().unwrap());
    assert_eq!(harness.post(&file).send().await.status, StatusCode::OK);
    let put = harness
        .post(&format!("{anna}/files?name=contract.pdf"))
        .body("by anna")
        .send()
        .await;
    assert_eq!(
        (put.status, &put.json()["by"]),
        (StatusCode::CREATED, &json!("user:anna"))
    );

    let task = wait_for(async || tasks(&harness, "ben").await.pop()).await;
    assert_eq!(task["document"]["by"], "user:anna");
    assert_eq!(task["people"], json!(["user:ben"]));
    assert_eq!(tasks(&harness, "anna").await, [Value::Null; 0]);
    let path = format!("/api/v1/tasks/{}/decision", task["id"].as_str().unwrap());
    let body = json!({ "decision": "approved", "sha256": task["document"]["sha256"] });
    let refused = harness.post(&path).by("anna").json(&body).send().await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    assert!(
        log.iter().all(|(_, entry)| !entry.actor.starts_with("link:")),
        "{log:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_member_who_gave_a_paper_does_not_look_at_it() {
    let harness = Harness::new().await;
    harness.deploy(PAPERS).await;
    harness.begin("papers", json!({})).await;
    let anna = link_of(&harness, "anna@example.com").await;
    let given = harness
        .post(&format!("{anna}/items/tax?name=tax.pdf"))
        .body("%PDF-1.7")
        .send()
        .await;
    assert_eq!(
        (given.status, &given.json()["by"]),
        (StatusCode::CREATED, &json!("user:anna")),
        "{}",
        given.text()
    );
    let task = wait_for(async || tasks(&harness, "ben").await.pop()).await;
    assert_eq!(task["document"]["by"], "user:anna");
}

#[tokio::test(start_paused = true)]
async fn a_request_is_withdrawn_when_everybody_who_was_asked_gives_nothing() {
    let harness = Harness::new().await;
    harness.deploy(PAPERS).await;
    let run = harness.begin("papers", json!({})).await;
    let [anna, ben] = [
        link_of(&harness, "anna@example.com").await,
        link_of(&harness, "ben@example.com").await,
    ];
    let withdraw = async |link: &str, reason: &str| {
        let ask = harness.post(&format!("{link}/withdraw"));
        ask.json(&json!({ "reason": reason })).send().await
    };
    assert_eq!(withdraw(&anna, "not mine").await.status, StatusCode::NO_CONTENT);
    // her link reports this and accepts nothing more
    assert_eq!(harness.get(&anna).send().await.json()["withdrawn"], "not mine");
    let late = harness
        .post(&format!("{anna}/items/tax?name=tax.pdf"))
        .body("%PDF-1.7")
        .send()
        .await;
    assert_eq!((late.status, late.problem().as_str()), (StatusCode::GONE, "withdrawn"));
    // his link is not affected
    assert_eq!(harness.get(&ben).send().await.json()["withdrawn"], Value::Null);
    assert_eq!(status(&harness, &run).await["status"], "running");
    assert_eq!(withdraw(&ben, "nor mine").await.status, StatusCode::NO_CONTENT);
    let ended = wait_for(async || Some(status(&harness, &run).await).filter(|run| run["status"] == "ended")).await;
    assert_eq!(ended["outcome"], "withdrawn");
}

#[tokio::test(start_paused = true)]
async fn who_left_does_not_keep_a_request_open() {
    for leaves in [true, false] {
        let harness = Harness::new().await;
        harness.deploy(PAPERS).await;
        let run = harness.begin("papers", json!({})).await;
        let anna = link_of(&harness, "anna@example.com").await;
        let withdraw = harness
            .post(&format!("{anna}/withdraw"))
            .json(&json!({ "reason": "not mine" }));
        if leaves {
            change_people(&harness, BEN, "");
            withdraw.send().await;
        } else {
            withdraw.send().await;
            let of_ben = grants(&harness, "?to=user:ben").await;
            revoke(&harness, &of_ben[0]).await;
        }
        let ended = wait_for(async || Some(status(&harness, &run).await).filter(|run| run["status"] == "ended")).await;
        assert_eq!(ended["outcome"], "withdrawn", "{leaves}");
    }
}

async fn status(harness: &Harness, run: &RunId) -> Value {
    harness
        .get(&format!("/api/v1/runs/{run}"))
        .by("operator")
        .send()
        .await
        .json()
}

async fn revoke(harness: &Harness, grant: &Value) -> Answer {
    let path = format!("/api/v1/grants/{}/revoke", grant["id"].as_str().unwrap());
    harness.post(&path).by("admin").send().await
}

#[tokio::test(start_paused = true)]
async fn who_left_or_lost_the_role_is_out_at_once_and_in_again_when_they_return() {
    let harness = Harness::new().await;
    let (_, [anna, ben]) = room(&harness).await;
    let without_role = BEN.replace("[legal]", "[finance]");
    let mut before = 0;
    for (gone, what) in [("", "left"), (without_role.as_str(), "lost the role")] {
        let file = harness.get(&ben).send().await.json()["files"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        change_people(&harness, BEN, gone);
        let asks = [
            harness.get(&ben),
            harness.get(&format!("{ben}/files/{file}")),
            harness.post(&format!("{ben}/files/{file}/download")),
            harness.post(&format!("{ben}/files?name=n.pdf")).body("x"),
            harness.post(&format!("{ben}/comments")).json(&json!({ "text": "x" })),
            harness.post(&format!("{ben}/open")),
            harness.get(&ben.replace("/api/v1/links/", "/s/")),
        ];
        for ask in asks {
            let answer = ask.send().await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::GONE, "revoked"),
                "{what}"
            );
        }
        // repeats of one refusal within a minute are counted, and their number is written after it
        tokio::time::advance(COUNTED_FOR + Duration::from_secs(1)).await;
        let refused = wait_for(async || {
            let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
            let refused = log
                .iter()
                .filter(|(_, entry)| entry.actor == "user:ben" && entry.refused.is_some());
            let times: u32 = refused.map(|(_, entry)| entry.origin.times.unwrap_or(1)).sum();
            (times >= before + 7).then_some(times)
        })
        .await;
        assert_eq!(refused, before + 7, "each refusal is recorded: {what}");
        before = refused;
        assert_eq!(harness.get(&anna).send().await.status, StatusCode::OK, "others stay in");
        assert_eq!(grants(&harness, "?to=user:ben").await, [Value::Null; 0], "{what}");
        assert_eq!(
            grants(&harness, "?to=user:ben&all=true").await[0]["state"],
            "lost",
            "{what}"
        );
        if gone.is_empty() {
            change_people(&harness, "users:\n", &format!("users:\n{BEN}"));
        } else {
            change_people(&harness, gone, BEN);
        }
        assert_eq!(
            harness.get(&ben).send().await.status,
            StatusCode::OK,
            "and in again: {what}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_of_one_person_ends_when_they_leave() {
    let harness = Harness::new().await;
    harness.deploy(&ROOM.replace("to: role:legal", "to: user:nobody")).await;
    let document = harness.put("contract.pdf", "one").await;
    harness.begin("room", json!({ "document": document.id })).await;
    let link = link_of(&harness, "nobody@example.com").await;
    assert_eq!(harness.get(&link).send().await.status, StatusCode::OK);
    change_people(&harness, "  nobody: { name: Nobody, email: nobody@example.com }\n", "");
    assert_eq!(harness.get(&link).send().await.status, StatusCode::GONE);
}

#[tokio::test(start_paused = true)]
async fn an_administrator_revokes_one_grant_and_the_others_stay() {
    let harness = Harness::new().await;
    let (_, [anna, ben]) = room(&harness).await;
    let all = grants(&harness, "").await;
    let who: Vec<(&str, &str, &str)> = all
        .iter()
        .map(|grant| ["to", "through", "state"].map(|key| grant[key].as_str().unwrap_or_default()))
        .map(|[to, through, state]| (to, through, state))
        .collect();
    assert_eq!(
        who,
        [("user:anna", "role:legal", "live"), ("user:ben", "role:legal", "live")]
    );
    assert_eq!(grants(&harness, "?to=role:legal").await.len(), 2);
    assert_eq!(grants(&harness, "?share=shr_other").await.len(), 0);
    let text = serde_json::to_string(&all).unwrap();
    assert!(
        !text.contains(anna.rsplit('/').next().unwrap()),
        "the link itself is never told"
    );

    for expected in [true, false] {
        let answer = revoke(&harness, &all[1]).await;
        assert_eq!(
            (answer.status, answer.json()["revoked"].as_bool()),
            (StatusCode::OK, Some(expected))
        );
    }
    assert_eq!(harness.get(&ben).send().await.status, StatusCode::GONE);
    assert_eq!(harness.get(&anna).send().await.status, StatusCode::OK);
    let path = format!("/api/v1/grants/{}", all[1]["id"].as_str().unwrap());
    let revoked = harness.get(&path).by("admin").send().await.json();
    assert_eq!(
        (&revoked["state"], &revoked["revoked_by"]),
        (&json!("revoked"), &json!("user:admin"))
    );
    assert_eq!(grants(&harness, "").await.len(), 1);
    assert_eq!(grants(&harness, "?all=true").await.len(), 2);
    let page = harness
        .get("/api/v1/grants?all=true&limit=1")
        .by("admin")
        .send()
        .await
        .json();
    let next = page["next"].as_str().expect("there is more");
    assert_eq!(grants(&harness, &format!("?all=true&after={next}")).await, [revoked]);
    let log = harness.store.access_log(None, 0, usize::MAX).await.unwrap();
    assert_eq!(
        log.iter()
            .filter(|(_, entry)| entry.actor == "user:admin" && entry.kind == AccessKind::Administer)
            .count(),
        1,
        "it is recorded once"
    );

    for user in ["operator", "author", "anna"] {
        for ask in [
            harness.get("/api/v1/grants"),
            harness.get(&path),
            harness.post(&format!("{path}/revoke")),
        ] {
            assert_eq!(ask.by(user).send().await.status, StatusCode::FORBIDDEN, "{user}");
        }
    }
    let unknown = harness.post("/api/v1/grants/grt_none/revoke").by("admin").send().await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_run_hears_that_a_grant_was_revoked() {
    let harness = Harness::new().await;
    harness.deploy(REVOKING).await;
    let document = harness.put("contract.pdf", "one").await;
    let run = harness.begin("revoking", json!({ "document": document.id })).await;
    link_of(&harness, "rita@outside.example").await;
    let all = grants(&harness, "").await;
    revoke(&harness, &all[0]).await;
    let ended = wait_for(async || Some(status(&harness, &run).await).filter(|run| run["status"] == "ended")).await;
    assert_eq!(ended["outcome"], "taken_back");
}

/// A grant as an older build stored it, for a whole role.
fn shared(harness: &Harness, share: &ShareId, now: gatefold::base::Timestamp) -> Grant {
    let id = GrantId::derived(&format!("{share}:role:legal"));
    Grant {
        token_hash: Links::hash(&harness.links.token(&id)),
        id,
        share: share.clone(),
        to: Principal::Role("legal".into()),
        through: None,
        role: Role::Contribute,
        password_hash: None,
        failed_passwords: 0,
        codes: None,
        expires_at: None,
        state: State::Live,
        created_at: now,
        opened_at: None,
        withdrawn: None,
        revocation: None,
        announced: None,
        rev: 0,
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_shared_by_a_role_stops_working_and_each_member_gets_their_own() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let harness = Harness::not_recovered(Arc::clone(&store));
    let room = harness.share(Role::Download).await;
    let grant = shared(&harness, &room.share, harness.host.now());
    let token = harness.links.token(&grant.id);
    harness.commit(vec![Write::PutGrant(grant.clone())]).await;
    for _ in 0..2 {
        harness.host.recover().await.unwrap();
    }
    let old = harness.get(&format!("/api/v1/links/{token}")).send().await;
    assert_eq!((old.status, old.problem().as_str()), (StatusCode::GONE, "revoked"));
    let of_share = store.grants_of(&room.share).await.unwrap();
    let members: Vec<&Grant> = of_share.iter().filter(|grant| grant.through.is_some()).collect();
    assert_eq!(members.len(), 2, "once, however often it starts");
    let mails = store.mails(gatefold::store::MailState::Queued, 10).await.unwrap();
    assert_eq!(mails.len(), 2);
    for (member, user) in members.iter().zip(["anna", "ben"]) {
        assert_eq!(
            (&member.to, member.role),
            (&Principal::User(user.into()), Role::Contribute)
        );
        let path = format!("/api/v1/links/{}", harness.links.token(&member.id));
        assert_eq!(harness.get(&path).send().await.status, StatusCode::OK);
    }
    // a shared link that a later restore brings back does not work either
    let mut late = grant;
    late.id = GrantId::from("grt_late");
    late.token_hash = Links::hash(&harness.links.token(&late.id));
    harness.commit(vec![Write::PutGrant(late.clone())]).await;
    let path = format!("/api/v1/links/{}", harness.links.token(&late.id));
    let refused = harness.get(&path).send().await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (StatusCode::GONE, "revoked")
    );
    assert!(refused.text().contains("use your own link"));
}

/// The incident of a run, if it has one.
async fn incident(harness: &Harness, run: &RunId) -> Option<String> {
    harness
        .host
        .come_to_rest(std::time::Duration::from_secs(5))
        .await
        .unwrap();
    let run = status(harness, run).await;
    run["incidents"][0]["error"].as_str().map(str::to_owned)
}

const ANNA: &str = "  anna: { name: Anna, email: anna@example.com, roles: [legal] }\n";

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_can_answer_any_more_is_an_incident() {
    /// Who ceases to be able to give something, in which way, one after the other.
    #[derive(Clone, Copy)]
    enum Ends {
        Leaves,
        LosesTheRole,
        Withdraws,
        IsRevoked,
    }
    use Ends::{IsRevoked, Leaves, LosesTheRole, Withdraws};
    for (anna, ben) in [
        (Withdraws, Leaves),
        (Withdraws, LosesTheRole),
        (Leaves, Leaves),
        (LosesTheRole, IsRevoked),
        (IsRevoked, Leaves),
        (IsRevoked, IsRevoked),
    ] {
        let harness = Harness::new().await;
        harness.server.start_following().await.unwrap();
        harness.deploy(PAPERS).await;
        let run = harness.begin("papers", json!({})).await;
        let end = async |user: &str, line: &str, ends: Ends| {
            let link = link_of(&harness, &format!("{user}@example.com")).await;
            match ends {
                Leaves => change_people(&harness, line, ""),
                LosesTheRole => change_people(&harness, line, &line.replace("[legal]", "[finance]")),
                Withdraws => {
                    let withdraw = harness.post(&format!("{link}/withdraw"));
                    withdraw.json(&json!({ "reason": "not mine" })).send().await;
                }
                IsRevoked => {
                    let grant = grants(&harness, &format!("?to=user:{user}")).await.remove(0);
                    revoke(&harness, &grant).await;
                }
            }
            harness.server.refresh_accounts().await;
        };
        end("anna", ANNA, anna).await;
        assert_eq!(incident(&harness, &run).await, None, "ben can give it still");
        end("ben", BEN, ben).await;
        let why = incident(&harness, &run).await.expect("nobody can give it");
        assert!(why.contains("Nobody who was asked can give what is missing"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_giver_who_returns_gives_what_was_asked_for() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    harness.deploy(PAPERS).await;
    let run = harness.begin("papers", json!({})).await;
    let ben = link_of(&harness, "ben@example.com").await;
    change_people(&harness, ANNA, "");
    harness.server.refresh_accounts().await;
    change_people(&harness, BEN, "");
    harness.server.refresh_accounts().await;
    assert!(incident(&harness, &run).await.is_some());
    let file = harness.data.path().join("people.yaml");
    let people = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{people}{BEN}{ANNA}")).unwrap();
    harness.server.accounts.refresh_now();
    harness.server.refresh_accounts().await;
    harness
        .host
        .retry_step(&run, "papers", "user:admin", "they are back")
        .await
        .unwrap();
    assert_eq!(incident(&harness, &run).await, None);
    let given = harness.post(&format!("{ben}/items/tax?name=tax.pdf")).body("%PDF-1.7");
    assert_eq!(given.send().await.status, StatusCode::CREATED);
    let task = wait_for(async || tasks(&harness, "anna").await.pop()).await;
    assert_eq!(task["document"]["by"], "user:ben");
}

/// Every route that acts for a person looks at the directory when it is called, whether by a token or through a link.
#[tokio::test(start_paused = true)]
async fn every_route_is_shut_to_a_person_who_left_and_to_a_later_one_of_the_name() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    let everything = BEN.replace("[legal]", "[legal, author, operator, admin]");
    change_people(&harness, BEN, &everything);
    harness.server.refresh_accounts().await;
    let (_, [_, link]) = room(&harness).await;
    let token = link.rsplit('/').next().unwrap().to_owned();
    let other = everything.replace("ben@example.com", "benedikt@example.com");
    let with = |name: &'static str, ask: crate::harness::Ask| match name {
        "give_password" => ask
            .header("content-type", "application/x-www-form-urlencoded")
            .body("password=x"),
        _ => ask.json(&json!({})),
    };
    let answers = async |round: usize| {
        let mut answers = Vec::new();
        for (number, route) in gatefold::server::routes().into_iter().enumerate() {
            let is_link = matches!(
                route.access,
                Access::Link | Access::LinkDoor | Access::Page | Access::PageDoor
            );
            let is_token = matches!(route.access, Access::Token(_));
            // a stream would be open for ever
            if !is_link && !is_token || route.name == "watch_run" {
                continue;
            }
            let path = route.path.replace("{token}", &token);
            let path = path.replace(['{', '}'], "");
            let ask = harness
                .ask(route.method.clone(), &path)
                .header("accept", "application/json");
            // an address that fails too often is refused whoever it asks for
            let ask = ask.from(&format!("192.0.{round}.{number}"));
            let ask = if is_token { ask.by("ben") } else { ask };
            answers.push((route.name, is_token, with(route.name, ask).send().await.status));
        }
        answers
    };
    for (name, is_token, status) in answers(0).await {
        let shut = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::GONE];
        assert!(!is_token || !shut.contains(&status), "{name} is open to ben: {status}");
    }
    let changes = [(everything.as_str(), ""), ("users:\n", &format!("users:\n{other}"))];
    for (round, (before, after)) in changes.into_iter().enumerate() {
        change_people(&harness, before, after);
        harness.server.refresh_accounts().await;
        let answers = answers(round + 1).await;
        assert!(answers.len() > 60, "{answers:?}");
        for (name, is_token, status) in answers {
            let expected = if is_token {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::GONE
            };
            assert_eq!(status, expected, "{name}");
        }
    }
}

const CARLA: &str = "  carla: { name: Carla, email: carla@example.com, roles: [legal] }\n";

fn add_people(harness: &Harness, line: &str) {
    change_people(harness, "users:\n", &format!("users:\n{line}"));
}

/// How many mails with a link went to an address.
async fn mails_to(harness: &Harness, address: &str) -> usize {
    for _ in 0..1_000 {
        crate::turn::turn().await;
    }
    let mails = harness.mails.lock().unwrap();
    let links = mails
        .iter()
        .filter(|mail| mail.to == [address] && mail.text.contains("/s/"));
    links.count()
}

#[tokio::test(start_paused = true)]
async fn who_joins_a_role_later_gets_a_link_of_their_own_once() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    harness
        .deploy(&ROOM.replace(
            "role: contribute }",
            "role: contribute, message: \"Please look by Friday\" }",
        ))
        .await;
    let document = harness.put("contract.pdf", "one").await;
    harness.begin("room", json!({ "document": document.id })).await;
    let ben = link_of(&harness, "ben@example.com").await;
    add_people(&harness, CARLA);
    harness.server.refresh_accounts().await;
    let carla = link_of(&harness, "carla@example.com").await;
    assert_ne!(carla, ben);
    let put = harness
        .post(&format!("{carla}/files?name=c.pdf"))
        .body("by carla")
        .send()
        .await;
    assert_eq!(
        (put.status, &put.json()["by"]),
        (StatusCode::CREATED, &json!("user:carla"))
    );
    let of_carla = grants(&harness, "?to=user:carla").await;
    assert_eq!(
        (&of_carla[0]["through"], &of_carla[0]["role"]),
        (&json!("role:legal"), &json!("contribute"))
    );
    let words = {
        let mails = harness.mails.lock().unwrap();
        let mut texts = mails.iter().filter(|mail| mail.text.contains("/s/"));
        let mail = texts.find(|mail| mail.to == ["carla@example.com"]).unwrap();
        mail.text.clone()
    };
    assert!(
        words.contains("Please look by Friday") && words.contains("The link works until"),
        "{words}"
    );
    for _ in 0..2 {
        harness.host.invite_new_members().await.unwrap();
    }
    assert_eq!(
        mails_to(&harness, "carla@example.com").await,
        1,
        "once, however often people change"
    );
    assert_eq!(mails_to(&harness, "ben@example.com").await, 1);
    // who leaves the role and comes back has the same link
    change_people(&harness, CARLA, &CARLA.replace("[legal]", "[]"));
    harness.host.invite_new_members().await.unwrap();
    assert_eq!(harness.get(&carla).send().await.status, StatusCode::GONE);
    change_people(&harness, &CARLA.replace("[legal]", "[]"), CARLA);
    harness.host.invite_new_members().await.unwrap();
    assert_eq!(harness.get(&carla).send().await.status, StatusCode::OK);
    assert_eq!(mails_to(&harness, "carla@example.com").await, 1);
}

#[tokio::test(start_paused = true)]
async fn who_joined_while_nothing_ran_gets_a_link_at_the_start() {
    let harness = Harness::new().await;
    let (_, _) = room(&harness).await;
    add_people(&harness, CARLA);
    harness.host.recover().await.unwrap();
    let carla = link_of(&harness, "carla@example.com").await;
    assert_eq!(harness.get(&carla).send().await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_a_link_that_was_taken_away_or_into_a_share_that_is_over() {
    let harness = Harness::new().await;
    let (run, _) = room(&harness).await;
    let of_ben = grants(&harness, "?to=user:ben").await;
    revoke(&harness, &of_ben[0]).await;
    harness.host.invite_new_members().await.unwrap();
    assert_eq!(
        mails_to(&harness, "ben@example.com").await,
        1,
        "what was taken away stays so"
    );
    assert_eq!(grants(&harness, "?to=user:ben").await, [Value::Null; 0]);
    let of_anna = grants(&harness, "?to=user:anna").await;
    revoke(&harness, &of_anna[0]).await;
    add_people(&harness, CARLA);
    harness.host.invite_new_members().await.unwrap();
    assert_eq!(
        grants(&harness, "?to=user:carla&all=true").await,
        [Value::Null; 0],
        "the role has no link left"
    );

    let harness_of_end = Harness::new().await;
    let (run_of_end, _) = self::room(&harness_of_end).await;
    let cancel = harness_of_end
        .post(&format!("/api/v1/runs/{run_of_end}/cancel"))
        .by("operator");
    cancel.json(&json!({ "reason": "a mistake" })).send().await;
    wait_for(async || Some(status(&harness_of_end, &run_of_end).await).filter(|run| run["status"] == "ended")).await;
    add_people(&harness_of_end, CARLA);
    harness_of_end.host.invite_new_members().await.unwrap();
    assert_eq!(
        grants(&harness_of_end, "?to=user:carla&all=true").await,
        [Value::Null; 0],
        "the share is over"
    );
    drop(run);
}

#[tokio::test(start_paused = true)]
async fn the_next_person_of_a_user_name_gets_a_link_that_the_first_one_does_not_have() {
    let harness = Harness::new().await;
    harness.server.start_following().await.unwrap();
    let (_, [_, ben]) = room(&harness).await;
    change_people(&harness, BEN, "");
    harness.server.refresh_accounts().await;
    tokio::time::advance(Duration::from_secs(1)).await;
    add_people(
        &harness,
        "  ben: { name: Benedikt, email: benedikt@example.com, roles: [legal] }\n",
    );
    harness.server.refresh_accounts().await;
    let benedikt = link_of(&harness, "benedikt@example.com").await;
    assert_eq!(harness.get(&benedikt).send().await.status, StatusCode::OK);
    assert_eq!(harness.get(&ben).send().await.status, StatusCode::GONE);
}

#[tokio::test(start_paused = true)]
async fn who_left_is_kept_out_of_the_page_too() {
    let harness = Harness::new().await;
    harness.deploy(&ROOM.replace("to: role:legal", "to: user:nobody")).await;
    let document = harness.put("secret.pdf", "%PDF-1.7").await;
    harness.begin("room", json!({ "document": document.id })).await;
    let page = link_of(&harness, "nobody@example.com")
        .await
        .replace("/api/v1/links/", "/s/");
    assert_eq!(
        harness.get(&page).header("accept", "text/html").send().await.status,
        StatusCode::OK
    );
    change_people(&harness, "  nobody: { name: Nobody, email: nobody@example.com }\n", "");
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"n.pdf\"\r\n\r\n%PDF-1.7\r\n--b--\r\n";
    let asks = [
        harness.get(&page),
        harness
            .post(&format!("{page}/files/{}", document.id))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("confirm=yes"),
        harness
            .post(&format!("{page}/files"))
            .header("content-type", "multipart/form-data; boundary=b")
            .body(form),
    ];
    for ask in asks {
        let answer = ask.header("accept", "text/html").send().await;
        assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text());
    }
}
