//! Expired shares, passes, codes and signatures stay expired after the system clock was set back,
//! even over a restart.

use crate::harness::{Answer, HOOK_SECRET, Harness};
use crate::set_clock::{SetClock, virtual_time};
use axum::http::StatusCode;
use gatefold::host::visit::PASS_MINUTES;
use gatefold::server::signature::{TOLERANCE_SECONDS, sign};
use gatefold::space::Role;
use gatefold::space::code::{CODE_MINUTES, Codes};
use gatefold::store::memory::MemoryStore;
use gatefold::store::{UnitOfWork, Write};
use jiff::SignedDuration;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const PASSWORD: &str = "correct horse";

/// A machine with one store, on which processes start one after the other.
struct Machine {
    clock: SetClock,
    store: Arc<MemoryStore>,
}

impl Machine {
    fn new() -> Self {
        Self {
            clock: SetClock::new(),
            store: Arc::new(MemoryStore::default()),
        }
    }

    async fn start(&self) -> Harness {
        Harness::under(Arc::clone(&self.store) as Arc<_>, self.clock.clock()).await
    }

    /// Sets the clock back and starts a new process.
    async fn set_back_and_restart(&self, by: SignedDuration, before: &Harness) -> Harness {
        self.clock.jump(-by);
        before.stop.cancel();
        before.host.abandon();
        self.start().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_that_has_expired_stays_expired() {
    let machine = Machine::new();
    let harness = machine.start().await;
    let link = harness.share(Role::Download).await;
    let path = link.path("");
    assert_eq!(harness.get(&path).send().await.status, StatusCode::OK);
    machine.clock.pass(31 * DAY);
    assert_eq!(harness.get(&path).send().await.problem(), "expired");
    machine.clock.jump(-(31 * DAY));
    assert_eq!(harness.get(&path).send().await.problem(), "expired");
    let harness = machine.set_back_and_restart(DAY, &harness).await;
    assert_eq!(harness.get(&path).send().await.problem(), "expired");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_has_expired_stays_expired() {
    let machine = Machine::new();
    let harness = machine.start().await;
    let link = harness.share_of(Role::Download, b"x".as_slice(), Some(PASSWORD)).await;
    let answer = harness
        .post(&link.path("/pass"))
        .header("x-share-password", "correct%20horse")
        .send()
        .await;
    let pass = answer.json()["pass"].as_str().unwrap().to_owned();
    let look = async |harness: &Harness| {
        let ask = harness.get(&link.path("")).header("x-share-pass", pass.as_str());
        ask.send().await.status
    };
    assert_eq!(look(&harness).await, StatusCode::OK);
    machine.clock.pass(SignedDuration::from_mins(PASS_MINUTES));
    assert_eq!(look(&harness).await, StatusCode::UNAUTHORIZED);
    machine.clock.jump(-DAY);
    assert_eq!(look(&harness).await, StatusCode::UNAUTHORIZED);
    let harness = machine.set_back_and_restart(DAY, &harness).await;
    assert_eq!(look(&harness).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_has_expired_stays_expired() {
    let machine = Machine::new();
    let harness = machine.start().await;
    let link = harness.share(Role::Download).await;
    let mut grant = harness.store.grant(&link.grant).await.unwrap().unwrap();
    let sent = harness.host.now();
    grant.codes = Codes::default().sent_anew(sent);
    let unit = UnitOfWork {
        run: None,
        writes: vec![Write::PutGrant(grant)],
    };
    harness.store.commit(unit).await.unwrap();
    let code = harness.links.code(&link.grant, sent);
    let enter = async |harness: &Harness| -> Answer {
        let ask = harness.post(&link.path("/pass"));
        ask.header("x-share-password", code.as_str()).send().await
    };
    machine.clock.pass(SignedDuration::from_mins(CODE_MINUTES));
    assert_eq!(enter(&harness).await.problem(), "code-wrong");
    machine.clock.jump(-DAY);
    assert_eq!(enter(&harness).await.problem(), "code-wrong");
    let harness = machine.set_back_and_restart(DAY, &harness).await;
    assert_eq!(enter(&harness).await.problem(), "code-wrong");
}

#[tokio::test(start_paused = true)]
async fn a_signature_that_is_too_old_stays_too_old() {
    const HOOKED: &str = "flow: hooked\nversion: 1.0.0\non: { webhook: { secret: HOOK_SECRET } }\nsteps:\n  - id: signed\n    \
                          wait: { event: crm.signed, key: a }\n    deadline: { due: 2 days }\n    outcomes: { expired: { end: expired } }\n";
    let machine = Machine::new();
    let harness = machine.start().await;
    harness.deploy(HOOKED).await;
    let at = harness.host.now().as_second();
    let signed = sign(&SecretString::from(HOOK_SECRET), at, "hooked", None, b"{}");
    let call = async |harness: &Harness| {
        let ask = harness
            .post("/api/v1/hooks/hooked")
            .header("content-type", "application/json");
        ask.header("gatefold-signature", signed.as_str())
            .body("{}")
            .send()
            .await
            .status
    };
    machine
        .clock
        .pass(SignedDuration::from_secs(TOLERANCE_SECONDS.cast_signed() + 1));
    assert_eq!(call(&harness).await, StatusCode::UNAUTHORIZED);
    machine.clock.jump(-DAY);
    assert_eq!(call(&harness).await, StatusCode::UNAUTHORIZED);
    // the next process starts at the last recorded time or later
    harness.begin("hooked", serde_json::json!({})).await;
    let harness = machine.set_back_and_restart(DAY, &harness).await;
    assert_eq!(call(&harness).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn a_jump_is_reported_and_an_administrator_confirms_it() {
    let machine = Machine::new();
    let harness = machine.start().await;
    let link = harness.share(Role::Download).await;
    let readiness = async || harness.get("/readyz").send().await.json();
    assert_eq!(readiness().await, serde_json::json!({ "status": "ok" }));
    machine.clock.jump(31 * DAY);
    let told = readiness().await;
    assert!(
        told["clock"].as_str().unwrap().contains("gatefold clock confirm"),
        "{told}"
    );
    assert_eq!(
        harness.get(&link.path("")).send().await.status,
        StatusCode::OK,
        "its time is not over"
    );
    let shown = harness.get("/api/v1/clock").by("admin").send().await.json();
    assert_eq!(shown["is_held"], true);
    for (user, status) in [
        ("operator", StatusCode::FORBIDDEN),
        ("admin", StatusCode::OK),
        ("admin", StatusCode::CONFLICT),
    ] {
        let answer = harness.post("/api/v1/clock/confirm").by(user).send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert_eq!(readiness().await, serde_json::json!({ "status": "ok" }));
    assert_eq!(harness.host.now(), machine.clock.wall());
    assert_eq!(harness.get(&link.path("")).send().await.problem(), "expired");
    machine.clock.jump(-DAY);
    virtual_time(Duration::from_mins(1)).await;
    assert!(readiness().await["clock"].as_str().unwrap().contains("behind"));
}
