//! The built-in actions, called as the host calls them.

mod data;
mod desk;
mod file360;
mod http;
mod mail;
mod mail_tls;
mod shares;

use gatefold::base::{FlowRights, Semantics, Timestamp, Value};
use gatefold::connect::{ActionError, CallContext, Handler, Links, Mailer, OutgoingMail, Registry};
use gatefold::connectors::{Settings, http::HttpSettings, registry};
use gatefold::people::{Directory, Person};
use gatefold::store::Blobs;
use std::sync::{Arc, LazyLock, RwLock};

/// Sends nothing.
pub struct NoMailer;

#[async_trait::async_trait]
impl Mailer for NoMailer {
    async fn send(&self, _: &OutgoingMail) -> Result<(), ActionError> {
        Ok(())
    }
    fn is_idempotent(&self) -> bool {
        false
    }
}

/// One folder of bytes for all tests: what is stored by its hash is nobody's in particular, and
/// making a folder durable takes its time.
static BLOBS: LazyLock<Blobs> =
    LazyLock::new(|| Blobs::open(concat!(env!("CARGO_TARGET_TMPDIR"), "/actions-blobs")).unwrap());

/// An installation with two lawyers.
pub struct Installation {
    pub settings: Settings,
}

impl Installation {
    pub fn new() -> Self {
        let settings = Settings {
            http: HttpSettings::default(),
            mailer: Arc::new(NoMailer),
            directory: Arc::new(RwLock::new(Arc::new(directory()))),
            links: Links::new([1; 32], "https://files.example.com"),
            blobs: BLOBS.clone(),
        };
        Self { settings }
    }

    pub fn registry(&self) -> Registry {
        registry(&self.settings)
    }
}

fn directory() -> Directory {
    let person = |name: &str| Person {
        name: name.to_owned(),
        email: format!("{name}@corp.example"),
        roles: ["legal".to_owned()].into(),
        groups: std::collections::BTreeSet::default(),
        skills: std::collections::BTreeSet::default(),
        manager: None,
        absent: Vec::new(),
    };
    Directory {
        users: ["anna", "ben"].map(|name| (name.to_owned(), person(name))).into(),
    }
}

/// So many seconds after an arbitrary moment.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A call of one step.
pub fn context(step: &str) -> CallContext {
    CallContext {
        run: "run_1".into(),
        flow: "review".to_owned(),
        step: step.to_owned(),
        key: format!("run_1:{step}:1"),
        attempt: 1,
        now: at(0),
        initiator: "user:anna".to_owned(),
        rights: Arc::new(FlowRights::everything()),
        calendar: None,
        semantics: Semantics::CURRENT,
    }
}

/// Calls an action that leaves the process.
pub async fn call_outside(registry: &Registry, action: &str, input: Value) -> Result<Value, ActionError> {
    let action = registry.get(action).unwrap();
    let Handler::Outside(handler) = &action.handler else {
        panic!("it stays inside")
    };
    let output = handler.call(&context("step"), input).await?;
    fits(&action.info.output, &output);
    Ok(output)
}

/// An output is what the catalogue promises.
pub fn fits(schema: &Value, output: &Value) {
    let schema = jsonschema::validator_for(schema).unwrap();
    let wrong: Vec<String> = schema.iter_errors(output).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{output} does not fit its schema: {wrong:?}");
}
