//! Flows and runs: deploying, starting, watching, mending.

use crate::harness::Harness;
use axum::http::StatusCode;
use futures_util::StreamExt;
use gatefold::base::Value;
use gatefold::base::id::RunId;
use serde_json::json;

/// Waits for an event of our own, for at most two days.
const WAITING: &str = "flow: waits
version: 1.0.0
inputs: { who: { type: text, default: somebody } }
steps:
  - id: signed
    wait: { event: crm.signed, key: order-7 }
    deadline: { due: 2 days }
    outcomes: { expired: { end: expired } }
outputs: { who: \"${{ inputs.who }}\" }
";

async fn tell(harness: &Harness, id: &str) {
    let body = json!({ "id": id, "type": "crm.signed", "key": "order-7", "data": { "by": "crm" } });
    let answer = harness.post("/api/v1/events").by("operator").json(&body).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
}

async fn run_of(harness: &Harness, run: &RunId) -> Value {
    harness
        .get(&format!("/api/v1/runs/{run}"))
        .by("operator")
        .send()
        .await
        .json()
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_lint_refuses_is_refused_with_the_same_findings() {
    let harness = Harness::new().await;
    let yaml = "flow: broken\nversion: 1.0.0\nsteps:\n  - id: act\n    uses: file360.create_shar\n    with: {}\n";
    let answer = harness
        .post("/api/v1/flows?name=broken.yaml")
        .by("author")
        .text(yaml.to_owned())
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "findings")
    );
    let findings = answer.json()["findings"].clone();
    let found = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["code"] == "GF601");
    assert_eq!(found.expect("the action is unknown")["span"]["line"], 5, "{findings}");
    assert!(harness.store.deployments().await.unwrap().is_empty());

    let nothing = harness
        .post("/api/v1/flows")
        .by("author")
        .text(String::new())
        .send()
        .await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", nothing.text());
    let bytes = harness
        .post("/api/v1/flows")
        .by("author")
        .body(vec![0xff, 0xfe])
        .send()
        .await;
    assert_eq!(bytes.status, StatusCode::BAD_REQUEST);
}

/// Threads for work that takes a while: one, and it is taken. A server with a single thread of its
/// own answers all the same while a flow waits to be checked.
#[test]
fn a_flow_that_takes_long_to_check_holds_nobody_up() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let harness = Harness::new().await;
        let (free, is_free) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || is_free.recv());
        let ask = harness.post("/api/v1/flows").by("author").text(WAITING.to_owned());
        let deploying = tokio::spawn(ask.send());
        for _ in 0..100 {
            let answer = harness.get("/api/v1/runs").by("operator").send().await;
            assert_eq!(answer.status, StatusCode::OK);
        }
        assert!(
            !deploying.is_finished(),
            "the flow is checked on the thread that answers"
        );
        free.send(()).unwrap();
        busy.await.unwrap().unwrap();
        assert_eq!(deploying.await.unwrap().status, StatusCode::CREATED);
    });
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_deployed_listed_and_shown() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    harness.deploy(WAITING).await;
    let flows = harness.get("/api/v1/flows").by("operator").send().await.json();
    assert_eq!(flows["items"].as_array().map(Vec::len), Some(1), "{flows}");
    assert_eq!(
        (&flows["items"][0]["by"], &flows["items"][0]["source"]),
        (&json!("user:author"), &Value::Null)
    );
    let flow = harness.get("/api/v1/flows/waits").by("author").send().await.json();
    assert_eq!(flow["source"], WAITING);
    assert_eq!(
        harness.get("/api/v1/flows/none").by("author").send().await.status,
        StatusCode::NOT_FOUND
    );
    let other = WAITING.replace("2 days", "3 days");
    let answer = harness.post("/api/v1/flows").by("author").text(other).send().await;
    assert_eq!(
        answer.status,
        StatusCode::CONFLICT,
        "the same version is another text: {}",
        answer.text()
    );
}

#[tokio::test(start_paused = true)]
async fn a_deployment_tells_which_runs_of_earlier_versions_wait_at_which_steps() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    for _ in 0..2 {
        harness.begin("waits", json!({ "who": "anna" })).await;
    }
    let deploy = async |text: String| {
        let answer = harness.post("/api/v1/flows").by("author").text(text).send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["waiting"].clone()
    };
    assert_eq!(
        deploy(WAITING.to_owned()).await,
        Value::Null,
        "they are of this version"
    );
    let told = |change: &str| json!([{ "version": "1.0.0", "step": "signed", "runs": 2, "change": change }]);
    let same = WAITING.replace("version: 1.0.0", "version: 1.1.0");
    assert_eq!(deploy(same).await, told("same"));
    let changed = WAITING
        .replace("version: 1.0.0", "version: 1.2.0")
        .replace("2 days", "3 days");
    assert_eq!(deploy(changed).await, told("changed"));
    let gone = WAITING
        .replace("version: 1.0.0", "version: 1.3.0")
        .replace("id: signed", "id: other");
    assert_eq!(deploy(gone).await, told("gone"));
}

#[tokio::test(start_paused = true)]
async fn a_run_starts_waits_and_ends() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("waits", json!({ "who": "anna" })).await;
    let view = run_of(&harness, &run).await;
    assert_eq!(
        (&view["status"], &view["steps"][0]["state"]),
        (&json!("running"), &json!("active")),
        "{view}"
    );
    assert_eq!(
        (&view["initiator"], &view["inputs"]["who"]),
        (&json!("user:operator"), &json!("anna"))
    );

    tell(&harness, "1").await;
    watch(&harness, &run, 0).await;
    let view = run_of(&harness, &run).await;
    assert_eq!(
        (&view["status"], &view["outcome"]),
        (&json!("ended"), &json!("completed")),
        "{view}"
    );
    assert_eq!(view["outputs"], json!({ "who": "anna" }));
}

#[tokio::test(start_paused = true)]
async fn inputs_that_do_not_fit_are_named() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let path = "/api/v1/flows/waits/runs";
    let body = json!({ "inputs": { "who": 5, "what": "x" } });
    let answer = harness.post(path).by("operator").json(&body).send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "bad-inputs")
    );
    let problem = answer.json();
    let places: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wrong| wrong["place"].clone())
        .collect();
    assert_eq!(places, [json!("what"), json!("who")], "{problem}");
    let none = harness
        .post("/api/v1/flows/none/runs")
        .by("operator")
        .json(&json!({}))
        .send()
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn the_same_key_of_the_same_person_starts_one_run() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let start = |user: &'static str, key: &str| {
        let ask = harness
            .post("/api/v1/flows/waits/runs")
            .by(user)
            .header("idempotency-key", key);
        ask.json(&json!({}))
    };
    let (first, second) = tokio::join!(start("operator", "k").send(), start("operator", "k").send());
    assert_eq!((first.status, first.json()), (StatusCode::CREATED, second.json()));
    assert_ne!(
        start("admin", "k").send().await.json(),
        first.json(),
        "another person's key is another key"
    );
    assert_ne!(start("operator", "l").send().await.json(), first.json());
    for key in [String::new(), "x".repeat(201)] {
        assert_eq!(start("operator", &key).send().await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_with_another_request_starts_nothing_and_says_so() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let start = |key: &str, who: &str| {
        let ask = harness
            .post("/api/v1/flows/waits/runs")
            .by("operator")
            .header("idempotency-key", key);
        ask.json(&json!({ "inputs": { "who": who } })).send()
    };
    let first = start("k", "anna").await;
    let other = start("k", "ben").await;
    assert_eq!(
        (other.status, other.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "key-reused")
    );
    assert!(
        other.text().contains("choose a new Idempotency-Key"),
        "{}",
        other.text()
    );
    assert_eq!(
        start("k", "anna").await.json(),
        first.json(),
        "the first request still has its answer"
    );
    // Also where both come at once: one of them starts, the other is refused.
    let (one, two) = tokio::join!(start("l", "anna"), start("l", "ben"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    let runs = harness.get("/api/v1/runs").by("operator").send().await.json();
    assert_eq!(runs["items"].as_array().map(Vec::len), Some(2), "{runs}");
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_newest_first_in_pages() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let mut begun = Vec::new();
    for _ in 0..3 {
        tokio::time::advance(std::time::Duration::from_millis(5)).await;
        begun.push(harness.begin("waits", json!({})).await.0);
    }
    begun.reverse();
    let (mut listed, mut before) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/runs?limit=2&status=running&flow=waits&incident=false{before}");
        let page = harness.get(&path).by("operator").send().await.json();
        let items = page["items"].as_array().unwrap();
        listed.extend(items.iter().map(|run| run["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(listed, begun);
    for query in ["status=lost", "limit=x", "colour=red"] {
        let answer = harness
            .get(&format!("/api/v1/runs?{query}"))
            .by("operator")
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::BAD_REQUEST, "query"),
            "{query}"
        );
    }
}

/// Hears a run from position `told` to its end: positions and types.
async fn watch(harness: &Harness, run: &RunId, told: u64) -> Vec<(u64, String)> {
    let ask = harness.get(&format!("/api/v1/runs/{run}/events")).by("operator");
    let answer = ask.header("last-event-id", told.to_string()).send().await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    heard(answer.text())
}

fn heard(text: &str) -> Vec<(u64, String)> {
    let field = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name));
        line.map(|line| line.trim().to_owned())
    };
    text.split("\n\n")
        .filter_map(|event| {
            let data: Value = serde_json::from_str(&field(event, "data:")?).unwrap();
            let id = field(event, "id:")?.parse().unwrap();
            assert_eq!(data["seq"], id, "{data}");
            Some((id, data["type"].as_str().unwrap().to_owned()))
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn who_watches_hears_everything_once_in_order_to_the_end() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("waits", json!({})).await;
    let path = format!("/api/v1/runs/{run}/events");
    let mut live = harness
        .get(&path)
        .by("operator")
        .open()
        .await
        .into_body()
        .into_data_stream();
    let first = live.next().await.unwrap().unwrap();
    assert_eq!(
        heard(std::str::from_utf8(&first).unwrap())[0],
        (1, "run_started".to_owned())
    );
    tell(&harness, "1").await;
    let mut text = String::from_utf8(first.to_vec()).unwrap();
    while let Some(piece) = live.next().await {
        text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
    }
    let live = heard(&text);
    let positions: Vec<u64> = live.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(positions, (1..=live.len() as u64).collect::<Vec<_>>());
    assert_eq!(live.last().unwrap().1, "run_ended");

    assert_eq!(watch(&harness, &run, 0).await, live, "told again from the journal");
    assert_eq!(watch(&harness, &run, 2).await, live[2..], "told from where one left");
    let end = harness
        .get(&path)
        .by("operator")
        .header("last-event-id", live.len().to_string())
        .send()
        .await;
    assert_eq!(end.status, StatusCode::NO_CONTENT, "there will be no other");
    let wrong = harness
        .get(&path)
        .by("operator")
        .header("last-event-id", "x")
        .send()
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let none = harness.get("/api/v1/runs/run_none/events").by("operator").send().await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn who_heard_more_than_happened_is_told_to_begin_again() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("waits", json!({})).await;
    let path = format!("/api/v1/runs/{run}/events");
    let from = |told: u64| {
        let ask = harness.get(&path).by("operator");
        ask.header("last-event-id", told.to_string())
    };
    let journal = harness
        .get(&format!("/api/v1/runs/{run}/journal"))
        .by("operator")
        .send()
        .await;
    let last = journal.json()["items"].as_array().unwrap().len() as u64;
    assert_eq!(from(last).open().await.status(), StatusCode::OK, "there will be more");
    for told in [last + 1, u64::MAX] {
        let answer = from(told).send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::RANGE_NOT_SATISFIABLE, "past-the-end")
        );
        let text = answer.text();
        assert!(
            text.contains(&format!("ends at {last}")) && text.contains("begin again"),
            "{text}"
        );
    }
    tell(&harness, "1").await;
    let last = watch(&harness, &run, 0).await.len() as u64;
    assert_eq!(from(last).send().await.status, StatusCode::NO_CONTENT);
    assert_eq!(from(last + 1).send().await.status, StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test(start_paused = true)]
async fn who_watches_is_let_go_when_the_server_stops() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("waits", json!({})).await;
    let listening = tokio::spawn(harness.get(&format!("/api/v1/runs/{run}/events")).by("operator").send());
    crate::turn::turn().await;
    harness.stop.cancel();
    let answer = listening.await.unwrap();
    assert!(answer.status == StatusCode::OK && answer.body.is_ok() || answer.status == StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_journal_is_read_in_pages() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("waits", json!({})).await;
    tell(&harness, "1").await;
    let all = watch(&harness, &run, 0).await;
    let (mut read, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let path = format!("/api/v1/runs/{run}/journal?limit=2&after={after}");
        let page = harness.get(&path).by("operator").send().await.json();
        read.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| line["seq"].as_u64().unwrap()),
        );
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    assert_eq!(read, all.iter().map(|(seq, _)| *seq).collect::<Vec<_>>());
    let none = harness.get("/api/v1/runs/run_none/journal").by("operator").send().await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_once() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("waits", json!({})).await;
    let cancel = || harness.post(&format!("/api/v1/runs/{run}/cancel")).by("operator");
    assert_eq!(
        cancel().json(&json!({})).send().await.status,
        StatusCode::BAD_REQUEST,
        "it needs a reason"
    );
    let body = json!({ "reason": "no longer wanted" });
    assert_eq!(cancel().json(&body).send().await.status, StatusCode::NO_CONTENT);
    watch(&harness, &run, 0).await;
    assert_eq!(run_of(&harness, &run).await["outcome"], "cancelled");
    let again = cancel().json(&body).send().await;
    assert_eq!(
        (again.status, again.problem().as_str()),
        (StatusCode::CONFLICT, "run-ended")
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_is_mended_by_an_administrator() {
    let harness = Harness::new().await;
    // The port is closed: the call fails at once, and for good.
    let yaml = "flow: calls\nversion: 1.0.0\nsteps:\n  - id: call\n    uses: http.request\n    with: { method: GET, url: \"http://127.0.0.1:9/\" }\n";
    harness.deploy(yaml).await;
    let run = harness.begin("calls", json!({})).await;
    let view = loop {
        let view = run_of(&harness, &run).await;
        if view["incident"] == true {
            break view;
        }
        crate::turn::turn().await;
    };
    assert_eq!(view["steps"][0]["state"], "incident", "{view}");
    assert_eq!(view["steps"][0]["attempts"], 1, "{view}");
    let what = view["why"][0]["what"].as_str().expect("it says what it waits for");
    assert!(what.starts_with("an administrator: "), "{view}");
    let body = json!({ "reason": "it is not needed" });
    let mend = |step: &str, user: &str| harness.post(&format!("/api/v1/runs/{run}/steps/{step}/skip")).by(user);
    assert_eq!(
        mend("call", "operator").json(&body).send().await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        mend("none", "admin").json(&body).send().await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        mend("call", "admin").json(&body).send().await.status,
        StatusCode::NO_CONTENT
    );
    watch(&harness, &run, 0).await;
    assert_eq!(run_of(&harness, &run).await["outcome"], "completed");
}

#[tokio::test(start_paused = true)]
async fn values_are_given_with_a_reason_and_shown_and_what_does_not_fit_is_told_by_name() {
    let harness = Harness::new().await;
    let flow = "flow: order\nversion: 1.0.0\nvalues: { amount: { type: integer, default: 0 } }\nsteps:
  - { id: large, wait: { when: values.amount > 10 }, deadline: { due: 2 days }, outcomes: { expired: { end: small } } }\n";
    harness.deploy(flow).await;
    let run = harness.begin("order", json!({})).await;
    let path = format!("/api/v1/runs/{run}/values");
    let wrong = json!({ "values": { "amount": "much" }, "reason": "it grew" });
    let answer = harness.post(&path).by("operator").json(&wrong).send().await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "bad-values")
    );
    assert_eq!(answer.json()["errors"][0]["place"], "amount");
    assert_eq!(run_of(&harness, &run).await["values"], json!({ "amount": 0 }));

    let right = json!({ "values": { "amount": 11 }, "reason": "it grew" });
    let answer = harness.post(&path).by("operator").json(&right).send().await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let shown = run_of(&harness, &run).await;
    assert_eq!(
        (&shown["values"], &shown["outcome"]),
        (&json!({ "amount": 11 }), &json!("completed"))
    );
    let late = harness.post(&path).by("operator").json(&right).send().await;
    assert_eq!(
        (late.status, late.problem().as_str()),
        (StatusCode::CONFLICT, "run-ended")
    );
}

#[tokio::test(start_paused = true)]
async fn settings_are_given_by_administrators_and_read_by_the_runs_that_start_afterwards() {
    let harness = Harness::new().await;
    let flow = "flow: order\nversion: 1.0.0\nsettings: { limit: { type: integer, max: 10 } }
outputs: { limit: \"${{ settings.limit }}\" }\nsteps:\n  - { id: pause, wait: { until: 1 day } }\n";
    harness.deploy(flow).await;
    let path = "/api/v1/flows/order/settings";
    let start = || {
        harness
            .post("/api/v1/flows/order/runs")
            .by("operator")
            .json(&json!({ "inputs": {} }))
    };
    let early = start().send().await;
    assert_eq!(
        early.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "it was never given: {}",
        early.text()
    );

    let set = |limit: i64| {
        harness
            .post(path)
            .by("admin")
            .json(&json!({ "settings": { "limit": limit } }))
    };
    let wrong = set(11).send().await;
    assert_eq!(wrong.json()["errors"][0]["place"], "limit", "{}", wrong.text());
    let own = json!({ "settings": { "limit": 7 } });
    let denied = harness.post(path).by("operator").json(&own).send().await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert!(set(7).send().await.status.is_success());
    let run = harness.begin("order", json!({})).await;
    assert!(set(8).send().await.status.is_success());

    let shown = harness.get(path).by("author").send().await.json();
    assert_eq!(
        (&shown["items"][0]["value"], &shown["items"][0]["by"]),
        (&json!(8), &json!("user:admin"))
    );
    let journal = harness
        .get(&format!("/api/v1/runs/{run}/journal"))
        .by("operator")
        .send()
        .await
        .json();
    assert_eq!(journal["items"][0]["settings"], json!({ "limit": 7 }), "{journal}");
}

#[tokio::test(start_paused = true)]
async fn an_administrator_says_what_a_failed_step_came_to() {
    let harness = Harness::new().await;
    // The port is closed: the call fails at once, and for good.
    let yaml = "flow: calls\nversion: 1.0.0\noutputs: { status: \"${{ steps.call.status }}\" }\nsteps:\n  - id: call\n    uses: http.request\n    with: { method: GET, url: \"http://127.0.0.1:9/\" }\n";
    harness.deploy(yaml).await;
    let run = harness.begin("calls", json!({})).await;
    while run_of(&harness, &run).await["incident"] != true {
        crate::turn::turn().await;
    }
    let set = async |user: &str, body: Value| {
        let path = format!("/api/v1/runs/{run}/steps/call/set");
        let answer = harness.post(&path).by(user).json(&body).send().await;
        (answer.status, answer.text().to_string())
    };
    let output = json!({ "status": 201, "headers": {}, "body": null });
    let right = json!({ "output": output, "reason": "done by telephone" });
    assert_eq!(set("operator", right.clone()).await.0, StatusCode::FORBIDDEN);
    let (status, text) = set("admin", json!({ "output": { "status": "fine" }, "reason": "done" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    assert!(text.contains("http.request gives no such thing"), "{text}");
    let (status, text) = set("admin", json!({ "output": output, "reason": " " })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    let (status, text) = set(
        "admin",
        json!({ "output": output, "outcome": "failed", "reason": "no" }),
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    let (status, text) = set("admin", right).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{text}");
    watch(&harness, &run, 0).await;
    let view = run_of(&harness, &run).await;
    assert_eq!(
        (&view["outcome"], &view["outputs"]["status"]),
        (&json!("completed"), &json!(201))
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_there_is_told_with_the_nearest() {
    let harness = Harness::new().await;
    harness.deploy(WAITING).await;
    let run = harness.begin("waits", json!({})).await;
    let told = async |user: &str, path: String| {
        let is_step = path.contains("/steps/");
        let body = if is_step {
            json!({ "reason": "why" })
        } else {
            json!({ "inputs": {} })
        };
        harness.post(&path).by(user).json(&body).send().await.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        told("operator", "/api/v1/flows/wait/runs".to_owned()).await,
        "there is no flow wait; did you mean waits?"
    );
    for how in ["retry", "skip", "set"] {
        assert_eq!(
            told("admin", format!("/api/v1/runs/{run}/steps/sined/{how}")).await,
            "there is no step sined in this run; did you mean signed?"
        );
        let none = told("admin", format!("/api/v1/runs/{run}/steps/signed/{how}")).await;
        assert_eq!(none, "step signed has no incident");
    }
    let problem = harness
        .post("/api/v1/files?folder=/a")
        .by("operator")
        .body("x")
        .send()
        .await;
    assert_eq!(problem.json()["detail"], "the parameter name is missing: write ?name=…");
}
