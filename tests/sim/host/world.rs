//! What the host is put together from: a store in memory, actions that do as the schedule says.

use super::super::driver::PATIENCE_MS;
use super::super::flows::{CATALOG, calendars};
use super::super::pool::{EMIT, directory, fate};
use super::super::schedule::{CallFate, Fate, Schedule};
use super::super::world::{Effect, World, computed, output};
use gatefold::base::Value;
use gatefold::connect::{
    ActionError, CallContext, Handler, Links, LocalAction, LocalEffect, Mailer, OutgoingMail, OutsideAction,
    Registered, Registry,
};
use gatefold::connectors::{self, http::HttpSettings};
use gatefold::host::reading::{Reader, Where};
use gatefold::host::{Clock, Limits, Parts, Policy, Secrets};
use gatefold::store::{Blobs, Store, Write};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, RwLock};
use std::time::Duration;

/// Local actions say in this scope what they did.
pub const LOCAL: &str = "test-local";

/// The world outside the host. It outlives every process.
pub struct Outside {
    pub schedule: Schedule,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    world: World,
    /// Calls whose effect is on its way.
    promised: BTreeSet<String>,
    /// Under which keys local actions were asked to do something.
    local: Vec<String>,
}

impl Outside {
    pub fn new(schedule: Schedule) -> Arc<Self> {
        let inner = Mutex::default();
        Arc::new(Self { schedule, inner })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics with it")
    }

    /// A copy of the world, with what local actions did that is durable.
    pub async fn world(&self, store: &dyn Store) -> World {
        let (mut world, local) = {
            let inner = self.inner();
            (inner.world.clone(), inner.local.clone())
        };
        for key in local {
            if let Some(done) = store.used_for(LOCAL, &key).await.expect("it is in memory") {
                let done: Value = serde_json::from_str(&done.value).expect("written below");
                world.ledger.push(Effect {
                    key: done["key"].as_str().unwrap_or_default().to_owned(),
                    action: done["action"].as_str().unwrap_or_default().to_owned(),
                    input: done["input"].clone(),
                });
            }
        }
        world
    }

    /// Whether no effect is on its way.
    pub fn is_quiet(&self) -> bool {
        self.inner().promised.is_empty()
    }

    /// Whether the effect of this call is on its way.
    pub fn is_promised(&self, key: &str) -> bool {
        self.inner().promised.contains(key)
    }

    /// What is about to become of a call.
    fn fate(&self, key: &str, attempt: u32) -> CallFate {
        let mut call = self.schedule.call(0, key, attempt);
        let inner = self.inner();
        if call.fate == Fate::Impossible && (inner.world.has(key) || inner.promised.contains(key)) {
            call.fate = Fate::Done;
        }
        call
    }

    /// The effect comes about whether or not the process lives that asked for it.
    fn promise(self: &Arc<Self>, key: String, action: String, input: Value, after: Duration) {
        self.inner().promised.insert(key.clone());
        let outside = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let idempotent = CATALOG.action(&action).is_some_and(|info| info.idempotent);
            let mut inner = outside.inner();
            inner.promised.remove(&key);
            inner.world.call(&key, &action, &input, idempotent);
        });
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).expect("it is not negative"))
}

struct Action {
    name: String,
    outside: Arc<Outside>,
}

#[async_trait::async_trait]
impl OutsideAction for Action {
    async fn call(&self, cx: &CallContext, input: Value) -> Result<Value, ActionError> {
        let CallFate { fate, delay_ms } = self.outside.fate(&cx.key, cx.attempt);
        if matches!(fate, Fate::Done | Fate::LostAnswer) {
            let (key, action) = (cx.key.clone(), self.name.clone());
            self.outside.promise(key, action, input, millis(delay_ms * 2 / 3));
        }
        if matches!(fate, Fate::LostAnswer | Fate::Hang) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(millis(delay_ms)).await;
        match fate {
            Fate::Refused => Err(ActionError::Transient("refused".to_owned())),
            Fate::Impossible => Err(ActionError::Permanent("impossible".to_owned())),
            _ => Ok(output(&self.name, &cx.key)),
        }
    }
}

#[async_trait::async_trait]
impl LocalAction for Action {
    async fn call(&self, cx: &CallContext, store: &dyn Store, input: Value) -> Result<LocalEffect, ActionError> {
        let built_in = BUILT_IN.get(&self.name).filter(|_| self.name == EMIT);
        let real = match built_in.map(|action| &action.handler) {
            Some(Handler::Local(action)) => Some(action.call(cx, store, input.clone()).await?),
            _ => None,
        };
        let mut inner = self.outside.inner();
        // each asking has its own key, so that doing it twice is seen
        let key = format!("{}#{}", cx.key, inner.local.len());
        inner.local.push(key.clone());
        let done = json!({ "key": cx.key, "action": self.name, "input": input });
        let write = Write::Once {
            scope: LOCAL.to_owned(),
            key,
            value: done.to_string(),
            digest: None,
            until: None,
        };
        let mut effect = real.unwrap_or_else(|| LocalEffect {
            output: output(&self.name, &cx.key),
            writes: Vec::new(),
        });
        effect.writes.push(write);
        Ok(effect)
    }
}

/// The built-in actions that a run does here as it does everywhere.
static BUILT_IN: LazyLock<Registry> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("there can be another one");
    connectors::registry(&connectors::Settings {
        http: HttpSettings::default(),
        mailer: Arc::new(Letterbox),
        directory: Arc::new(RwLock::new(Arc::new(directory()))),
        links: Links::new([7; 32], "http://gatefold.test"),
        blobs: Blobs::open(folder.path()).expect("the folder can be written"),
    })
});

struct Letterbox;

#[async_trait::async_trait]
impl Mailer for Letterbox {
    async fn send(&self, _: &OutgoingMail) -> Result<(), ActionError> {
        Ok(())
    }

    fn is_idempotent(&self) -> bool {
        true
    }
}

/// What checklists call, which only says here that it was called.
const OF_CHECKLISTS: [&str; 2] = ["file360.request_files", "file360.revoke_share"];

fn registry(outside: &Arc<Outside>) -> Registry {
    let mut registry = Registry::default();
    let is_called = |name: &str| name.starts_with("t.") || name == EMIT || OF_CHECKLISTS.contains(&name);
    for (name, info) in CATALOG.actions.iter().filter(|(name, _)| is_called(name)) {
        let action = || {
            Arc::new(Action {
                name: name.clone(),
                outside: Arc::clone(outside),
            })
        };
        let handler = match name.as_str() {
            "t.pure" => Handler::Pure(|input| Ok(computed(&input))),
            "t.fate" => Handler::Pure(|input| Ok(fate(&input))),
            _ if info.local => Handler::Local(action()),
            _ => Handler::Outside(action()),
        };
        registry.add(Registered {
            info: info.clone(),
            handler,
        });
    }
    CATALOG
        .events
        .values()
        .for_each(|event| registry.add_event(event.clone()));
    registry
}

/// The parts of a new process.
pub fn parts(store: &Arc<dyn Store>, outside: &Arc<Outside>, clock: Clock, folder: &Path) -> Parts {
    Parts {
        store: Arc::clone(store),
        blobs: Blobs::open(folder).expect("the folder can be written"),
        reader: Reader::new(Where::Here),
        registry: registry(outside),
        mailer: Arc::new(Letterbox),
        links: Links::new([7; 32], "http://gatefold.test"),
        directory: Arc::new(RwLock::new(Arc::new(directory()))),
        calendars: calendars(),
        secrets: Secrets::new(),
        clock,
        seed: None,
        limits: Limits {
            call_timeout_ms: u64::try_from(PATIENCE_MS).expect("it is not negative"),
            ..Limits::default()
        },
        policy: Policy::open(),
    }
}
