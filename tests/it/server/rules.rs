//! Every route of the table against everybody who may not call it, and somebody who may.

use crate::harness::{Ask, Harness, Link};
use crate::host::store::Told;
use axum::http::StatusCode;
use gatefold::config::tokens;
use gatefold::host::throttle;
use gatefold::server::{Access, Route, routes};
use gatefold::space::Role;
use gatefold::store::Write;
use gatefold::store::memory::MemoryStore;
use std::sync::Arc;

/// The route's path with its variable parts filled in.
fn path_of(route: &Route, link: &Link) -> String {
    route
        .path
        .replace("{token}", &link.token)
        .replace("{file}", link.file.as_str())
        .replace("{flow}", "none")
        .replace("{run}", "run_none")
        .replace("{step}", "none")
        .replace("{task}", "tsk_none")
        .replace("{mail}", "mal_none")
        .replace("{grant}", "grt_none")
}

fn ask(harness: &Harness, route: &Route, path: &str) -> Ask {
    harness.ask(route.method.clone(), path)
}

fn named(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

#[tokio::test(start_paused = true)]
async fn without_a_right_token_nothing_that_needs_one_answers() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    let (unknown, _) = tokens::new_token("admin", None, gatefold::base::Timestamp::UNIX_EPOCH);
    for route in routes() {
        if !matches!(route.access, Access::Token(_) | Access::Metrics) {
            continue;
        }
        // Failures of the route before are forgotten.
        tokio::time::advance(throttle::PROOFS.window).await;
        let path = path_of(&route, &link);
        let admin = harness.token("admin").to_owned();
        let attempts = [
            ask(&harness, &route, &path),
            ask(&harness, &route, &path).header("authorization", format!("Bearer {unknown}")),
            ask(&harness, &route, &path).header("authorization", "Bearer "),
            ask(&harness, &route, &path).header("authorization", format!("Basic {admin}")),
            ask(&harness, &route, &path).header("authorization", tokens::hash_token(&admin)),
            ask(&harness, &route, &path)
                .by("admin")
                .header("authorization", format!("Bearer {admin}")),
            ask(&harness, &route, &format!("{path}?token={admin}")),
        ];
        for attempt in attempts {
            let answer = attempt.send().await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", named(&route));
            assert_eq!(answer.problem(), "token", "{}", named(&route));
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{}", named(&route));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_role_opens_exactly_the_doors_of_the_table() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    let product_roles = ["admin", "author", "operator"];
    for route in routes() {
        let needed: &[&str] = match route.access {
            Access::Token([]) => &["admin", "author", "operator", "nobody"],
            Access::Token(needed) => needed,
            Access::Metrics => &["admin"],
            _ => continue,
        };
        for user in product_roles.into_iter().chain(["nobody"]) {
            let answer = ask(&harness, &route, &path_of(&route, &link)).by(user).open().await;
            let is_let_in = answer.status() != StatusCode::FORBIDDEN && answer.status() != StatusCode::UNAUTHORIZED;
            let should = needed.contains(&user) || user == "admin";
            assert_eq!(is_let_in, should, "{user}: {} gave {}", named(&route), answer.status());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_of_a_link_answers_to_its_token_alone() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Manage).await;
    let for_links = |route: &Route| {
        matches!(
            route.access,
            Access::Link | Access::LinkDoor | Access::Page | Access::PageDoor
        )
    };
    for route in routes().into_iter().filter(for_links) {
        let right = ask(&harness, &route, &path_of(&route, &link)).open().await;
        assert_ne!(right.status(), StatusCode::NOT_FOUND, "{}", named(&route));
        let hash = gatefold::connect::Links::hash(&link.token);
        let wrong = [
            "0".repeat(64),
            hash,
            link.grant.to_string(),
            link.token.to_uppercase(),
            format!("{}0", link.token),
            link.token[..63].to_owned(),
            "..".to_owned(),
        ];
        for token in wrong {
            tokio::time::advance(throttle::PROOFS.window).await;
            let path = path_of(&route, &Link { token, ..link.clone() });
            let answer = ask(&harness, &route, &path).by("admin").send().await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_webhook_without_a_right_signature_is_refused_in_the_same_words_whatever_is_wrong() {
    let harness = Harness::new().await;
    let mut answers = Vec::new();
    for signature in ["", "t=1,v1=00", "v1=zz", "nonsense"] {
        let ask = harness.post("/api/v1/hooks/none").json(&serde_json::json!({}));
        let answer = ask.header("gatefold-signature", signature).by("admin").send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        answers.push(answer.text().to_owned());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn before_it_has_recovered_only_public_routes_answer() {
    let harness = Harness::not_recovered(Arc::new(MemoryStore::default()));
    let link = Link {
        token: "0".repeat(64),
        share: "shr_0".into(),
        grant: "grt_0".into(),
        file: "fil_0".into(),
        sha256: String::new(),
    };
    for route in routes() {
        let answer = ask(&harness, &route, &path_of(&route, &link)).by("admin").send().await;
        let is_public = matches!(route.access, Access::Public | Access::Health) && route.path != "/readyz";
        let expected = if is_public {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        assert_eq!(answer.status, expected, "{}", named(&route));
        assert_eq!(answer.header("retry-after").is_empty(), is_public, "{}", named(&route));
    }
    harness.host.recover().await.unwrap();
    assert_eq!(harness.get("/readyz").send().await.status, StatusCode::OK);
}

const SIGNING: &str = "flow: signs
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [user:admin] }
    deadline: { due: 5 days }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }
";

#[tokio::test(start_paused = true)]
async fn nothing_that_reads_changes_anything_but_the_access_log() {
    // every thing is there, so that nothing is spared by not being found; nothing goes on by itself
    let store = Arc::new(Told::default());
    let harness = Harness::at_rest(store.clone()).await;
    harness.deploy(SIGNING).await;
    let link = harness.share_of(Role::Manage, "bytes", Some("open sesame")).await;
    let run = harness
        .begin("signs", serde_json::json!({ "document": link.file }))
        .await;
    let tasks = harness.host.open_tasks(Some("user:admin")).await.unwrap();
    let with_password = |ask: Ask| ask.header("x-share-password", "open sesame");
    let pass = with_password(harness.post(&link.path("/pass"))).send().await.json();
    let pass = pass["pass"].as_str().unwrap().to_owned();
    let waits = serde_json::json!({
        "id": "dep_1", "flow": "signs", "version": "2.0.0", "name": "signs.flow.yaml", "source": SIGNING, "hash": "00",
        "by": "user:author", "at": "2026-11-23T09:00:00Z", "changes": [], "rights": [],
    });
    let waits = Write::Once {
        scope: "pending_deployment".to_owned(),
        key: "dep_1".to_owned(),
        value: waits.to_string(),
        digest: None,
        until: None,
    };
    harness.commit(vec![waits]).await;
    store.committed();

    let mut answered = 0;
    for route in routes().into_iter().filter(|route| route.method == "GET") {
        let path = route.path.replace("{flow}", "signs").replace("{run}", run.as_str());
        let path = path
            .replace("{task}", tasks[0].id.as_str())
            .replace("{deployment}", "dep_1");
        let path = path
            .replace("{token}", &link.token)
            .replace("{grant}", link.grant.as_str())
            .replace("{file}", link.file.as_str());
        for method in [axum::http::Method::GET, axum::http::Method::HEAD] {
            let ask = || harness.ask(method.clone(), &path).by("admin");
            let opened = ask().header("x-share-pass", &pass).open().await;
            assert_eq!(opened.status(), StatusCode::OK, "{method} {path}");
            answered += 1;
            // neither a right password nor a wrong one is tried
            with_password(ask()).open().await;
            ask().header("x-share-password", "open barley").open().await;
        }
        // but for the trial of whether anything can be stored
        let is_trial = route.path == "/readyz";
        for unit in store.committed().into_iter().filter(|_| !is_trial) {
            let is_line = |write: &Write| matches!(write, Write::Access(_));
            let only_lines = unit.run.is_none() && unit.writes.iter().all(is_line);
            assert!(only_lines, "{} wrote {unit:#?}", named(&route));
        }
    }
    assert!(answered > 30, "{answered}");
    assert!(harness.access_lines().await > 2, "looking at a share leaves lines");
}
