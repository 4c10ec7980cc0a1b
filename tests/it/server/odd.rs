//! Odd requests against every route of the table: methods, slashes, encodings, lengths, origins.

use crate::harness::{Answer, Harness, Link};
use axum::http::{Method, StatusCode};
use gatefold::host::throttle;
use gatefold::server::{Route, routes};
use gatefold::space::Role;
use std::collections::{BTreeMap, BTreeSet};

/// Methods that a client may come upon.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
];

/// The route's path, with `value` for every variable part that is no token of a link.
fn path_of(route: &Route, link: &Link, value: &str) -> String {
    let path = route.path.replace("{token}", &link.token);
    ["{file}", "{flow}", "{grant}", "{run}", "{step}", "{task}"]
        .iter()
        .fold(path, |path, part| path.replace(part, value))
}

/// What every answer has that a browser could come by.
fn assert_closed(answer: &Answer, what: &str) {
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert!(
        answer.header("content-security-policy").contains("default-src 'none'"),
        "{what}"
    );
    let open = answer
        .headers
        .keys()
        .find(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(open, None, "{what}");
    assert_eq!(answer.header("set-cookie"), "", "{what}");
}

#[tokio::test(start_paused = true)]
async fn no_route_takes_another_method_than_the_table_says() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Manage).await;
    let mut table: BTreeMap<String, BTreeSet<Method>> = BTreeMap::new();
    for route in routes() {
        let taken = table.entry(path_of(&route, &link, "none")).or_default();
        if route.method == Method::GET {
            taken.insert(Method::HEAD);
        }
        taken.insert(route.method);
    }
    let before = harness.access_lines().await;
    for (path, taken) in table {
        for method in METHODS.iter().filter(|method| !taken.contains(*method)) {
            let ask = harness.ask(method.clone(), &path).by("admin");
            let ask = ask.header("origin", "https://elsewhere.example");
            let ask = ask.header("access-control-request-method", "POST");
            let answer = ask.header("x-http-method-override", "POST").send().await;
            let what = format!("{method} {path}");
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
            let allowed: BTreeSet<Method> = answer
                .header("allow")
                .split(',')
                .map(|method| method.trim().parse().unwrap())
                .collect();
            assert_eq!(allowed, taken, "{what}");
            if *method != Method::HEAD {
                assert_eq!(answer.problem(), "method-not-allowed", "{what}");
                assert!(
                    answer.text().contains("Allow header"),
                    "it tells what to do: {}",
                    answer.text()
                );
            }
            assert_closed(&answer, &what);
        }
    }
    assert_eq!(harness.access_lines().await, before, "nobody came in");
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_closed_to_other_origins_and_kept_by_nobody() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Manage).await;
    for route in routes() {
        for user in [None, Some("admin")] {
            tokio::time::advance(throttle::PROOFS.window).await;
            let ask = harness.ask(route.method.clone(), &path_of(&route, &link, link.file.as_str()));
            let ask = ask.header("origin", "https://elsewhere.example");
            let ask = match user {
                Some(user) => ask.by(user),
                None => ask,
            };
            let answer = ask.send().await;
            let what = format!("{} {} by {user:?}", route.method, route.path);
            assert_closed(&answer, &what);
            // A form leads back to its page.
            if !answer.status.is_success() && !answer.status.is_redirection() {
                answer.problem();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slash_too_many_leads_nowhere() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Manage).await;
    for route in routes() {
        let path = path_of(&route, &link, "none");
        for odd in [
            format!("{path}/"),
            format!("/{path}"),
            format!("/.{path}"),
            path.replace("/s/", "/s//"),
        ] {
            if odd == path {
                continue;
            }
            let answer = harness.ask(route.method.clone(), &odd).by("admin").send().await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::NOT_FOUND, "not-found"),
                "{} {odd}",
                route.method
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_stands_in_a_path_is_a_name_or_a_problem() {
    let harness = Harness::new().await;
    let link = harness.share(Role::Manage).await;
    let long = "x".repeat(20_000);
    let values = [
        "%2e%2e%2f%2e%2e",
        "..%2F..",
        "a%2Fb",
        "%00",
        "%0d%0aset-cookie:a=b",
        "%ff%fe",
        "%",
        "%zz",
        &long,
    ];
    for route in routes().into_iter().filter(|route| route.path.contains('{')) {
        for value in values {
            tokio::time::advance(throttle::PROOFS.window).await;
            let paths = [
                path_of(&route, &link, value),
                path_of(
                    &route,
                    &Link {
                        token: value.to_owned(),
                        ..link.clone()
                    },
                    "none",
                ),
            ];
            for path in paths.iter().filter(|path| path.contains(value)) {
                let answer = harness.ask(route.method.clone(), path).by("admin").send().await;
                let what = format!("{} {path:.120}: {}", route.method, answer.text());
                assert!(answer.status.is_client_error(), "{what}");
                answer.problem();
                assert_closed(&answer, &what);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_any_length_or_letters_is_just_wrong() {
    let harness = Harness::new().await;
    let long = format!("Bearer gf_{}", "x".repeat(30_000));
    for token in [
        long.as_bytes(),
        b"Bearer \xff\xfe",
        "Bearer gf_ü".as_bytes(),
        b"Bearer",
        b" ",
        b"Bearer a b",
    ] {
        let answer = harness.get("/api/v1/tasks").header("authorization", token).send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "token"),
            "{}",
            String::from_utf8_lossy(token)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_yours_is_told_like_what_is_not_there() {
    let harness = Harness::new().await;
    let theirs = harness.put("plan.txt", "x").await.id;
    let (mine, other) = (harness.share(Role::Manage).await, harness.share(Role::Manage).await);
    let none = "fil_00000000000000000000000000000000";
    let told = async |path: String, id: &str| {
        let answer = harness.get(&path).by("anna").send().await;
        (answer.status, answer.text().replace(id, "ID"))
    };
    for (there, id) in [
        ("/api/v1/files/ID".to_owned(), theirs.as_str()),
        ("/api/v1/files/ID?version=7".to_owned(), theirs.as_str()),
        (mine.path("/files/ID"), other.file.as_str()),
        (mine.path("/files/ID?version=7"), other.file.as_str()),
    ] {
        let theirs = told(there.replace("ID", id), id).await;
        assert_eq!(theirs, told(there.replace("ID", none), none).await, "{there}");
        assert_eq!(theirs.0, StatusCode::NOT_FOUND, "{there}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_sent_twice_is_no_key() {
    let harness = Harness::new().await;
    let ask = harness.post("/api/v1/flows/none/runs").by("operator");
    let ask = ask.header("idempotency-key", "a").header("idempotency-key", "b");
    let answer = ask.json(&serde_json::json!({})).send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::BAD_REQUEST, "idempotency-key")
    );
}
