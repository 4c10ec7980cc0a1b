//! A host over a store in memory, with connectors that do as they are told. Dropping the host and
//! making another one over the same world is a crash and a restart.

use gatefold::base::id::RunId;
use gatefold::base::{Calendars, Timestamp, Value};
use gatefold::connect::{
    ActionError, CallContext, Handler, Links, LocalAction, LocalEffect, Mailer, OutgoingMail, OutsideAction,
    Registered, Registry,
};
use gatefold::connectors;
use gatefold::connectors::http::HttpSettings;
use gatefold::engine::{Event, EventRecord};
use gatefold::host::reading::{Reader, Where};
use gatefold::host::runs::StartRun;
use gatefold::host::{Clock, Host, Limits, Parts, Policy, Secrets};
use gatefold::people::{Absence, Directory, Person};
use gatefold::spec::{Acquires, ActionInfo, Effect};
use gatefold::store::memory::MemoryStore;
use gatefold::store::{Blobs, Store};
use secrecy::SecretString;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a call does.
#[derive(Clone, Copy, Debug)]
pub enum Behaviour {
    Succeed,
    FailTransiently,
    Hang,
    Panic,
    Leak,
}

/// What happened outside, in order: action and key.
pub type Ledger = Arc<Mutex<Vec<(String, String)>>>;

pub struct World {
    pub store: Arc<dyn Store>,
    pub ledger: Ledger,
    pub mails: Arc<Mutex<Vec<OutgoingMail>>>,
    script: Arc<Mutex<BTreeMap<String, Vec<Behaviour>>>>,
    clock: Clock,
    folder: tempfile::TempDir,
}

/// When every test begins.
pub fn beginning() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

impl World {
    pub fn new() -> Self {
        Self::over(Arc::new(MemoryStore::default()))
    }

    /// A world that keeps what is durable in `store`.
    pub fn over(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            ledger: Ledger::default(),
            mails: Arc::default(),
            script: Arc::default(),
            clock: Clock::tokio_from(beginning()),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// What the calls of the step `name`, or the sending of mails for `mail`, do, one after the other; then they succeed.
    pub fn script(&self, name: &str, behaviours: &[Behaviour]) {
        let behaviours = behaviours.iter().rev().copied().collect();
        self.script.lock().unwrap().insert(name.to_owned(), behaviours);
    }

    /// A new process over what is stored, recovered and serving.
    pub async fn start(&self) -> Process {
        self.start_with(self.parts()).await
    }

    /// The same, put together otherwise.
    pub async fn start_with(&self, parts: Parts) -> Process {
        let host = Host::new(parts);
        host.recover().await.unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(Arc::clone(&host).serve(stop.clone(), Duration::from_secs(1)));
        Process { host, stop, serving }
    }

    pub fn parts(&self) -> Parts {
        let person = |name: &str, roles: &[&str]| Person {
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            groups: BTreeSet::new(),
            skills: BTreeSet::new(),
            manager: None,
            absent: Vec::new(),
        };
        let mut carla = person("carla", &["records"]);
        carla.absent.push(Absence {
            from: "2000-01-01".parse().unwrap(),
            until: "2999-12-31".parse().unwrap(),
            deputy: "dan".to_owned(),
        });
        let users = [
            ("anna", person("anna", &["legal"])),
            ("ben", person("ben", &["legal"])),
            ("carla", carla),
            ("dan", person("dan", &[])),
            ("eve", person("eve", &["records"])),
        ];
        let users = users
            .into_iter()
            .map(|(user, person)| (user.to_owned(), person))
            .collect();
        let settings = connectors::Settings {
            http: HttpSettings::default(),
            mailer: Arc::new(FakeMailer {
                sent: Arc::clone(&self.mails),
                script: Arc::clone(&self.script),
            }),
            directory: Arc::new(RwLock::new(Arc::new(Directory { users }))),
            links: Links::new([7; 32], "http://gatefold.test"),
            blobs: Blobs::open(self.folder.path().join("blobs")).unwrap(),
        };
        Parts {
            store: Arc::clone(&self.store),
            registry: self.registry(&settings),
            blobs: settings.blobs,
            reader: Reader::new(Where::Here),
            mailer: settings.mailer,
            links: settings.links,
            directory: settings.directory,
            calendars: Calendars::new(),
            secrets: Secrets::from([("TOKEN".to_owned(), SecretString::from("hunter2hunter2"))]),
            clock: self.clock.clone(),
            seed: None,
            limits: Limits {
                call_timeout_ms: 10_000,
                ..Limits::default()
            },
            policy: Policy::open(),
        }
    }

    /// What is built in, and probes.
    fn registry(&self, settings: &connectors::Settings) -> Registry {
        let mut registry = connectors::registry(settings);
        let info = |name: &str, effect, idempotent, local, acquires| ActionInfo {
            name: name.to_owned(),
            summary: "for tests".to_owned(),
            effect,
            idempotent,
            local,
            acquires,
            input: json!({ "type": "object" }),
            output: json!({ "type": "object" }),
        };
        let outside = |name: &str| {
            Handler::Outside(Arc::new(Outside {
                name: name.to_owned(),
                ledger: Arc::clone(&self.ledger),
                script: Arc::clone(&self.script),
            }))
        };
        let thing = Acquires {
            kind: "thing".to_owned(),
            output: "thing".to_owned(),
            release: "probe.release".to_owned(),
            with: "thing".to_owned(),
        };
        registry.add(Registered {
            info: info("probe.compute", Effect::Pure, true, false, None),
            handler: Handler::Pure(Ok),
        });
        for (name, idempotent) in [("probe.effect", true), ("probe.once", false), ("probe.release", true)] {
            registry.add(Registered {
                info: info(name, Effect::Write, idempotent, false, None),
                handler: outside(name),
            });
        }
        registry.add(Registered {
            info: info("probe.acquire", Effect::Share, true, true, Some(thing)),
            handler: Handler::Local(Arc::new(Acquire)),
        });
        registry.add(Registered {
            info: ActionInfo {
                input: json!({ "type": "object", "properties": { "password": { "type": "string", "format": "password" } } }),
                ..info("probe.keep", Effect::Write, true, true, None)
            },
            handler: Handler::Local(Arc::new(Keep {
                script: Arc::clone(&self.script),
            })),
        });
        registry
    }

    /// How often `action` happened outside under each key.
    pub fn effects(&self, action: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (name, key) in self.ledger.lock().unwrap().iter() {
            if name == action {
                *counts.entry(key.clone()).or_default() += 1;
            }
        }
        counts
    }
}

/// A running host.
pub struct Process {
    pub host: Arc<Host>,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Process {
    /// Stops at once: what is in flight is lost.
    pub fn kill(self) {
        self.serving.abort();
        self.host.abandon();
    }

    /// Stops as asked.
    pub async fn shut_down(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
    }

    pub async fn deploy(&self, yaml: &str) {
        if let Err(error) = self.host.deploy("test.flow.yaml", yaml, "user:anna").await {
            panic!("{error}: {error:#?}");
        }
    }

    pub async fn begin(&self, flow: &str, inputs: Value) -> RunId {
        let start = StartRun {
            flow: flow.to_owned(),
            inputs,
            initiator: "user:anna".to_owned(),
            trigger: "manual".to_owned(),
            once: None,
            ..StartRun::default()
        };
        self.host.start_run(start).await.unwrap()
    }

    pub async fn journal(&self, run: &RunId) -> Vec<EventRecord> {
        self.host.journal(run, 0, 10_000).await.unwrap()
    }

    /// Waits until an event of `run` satisfies `is_it`; time passes by itself where the clock is paused.
    pub async fn until(&self, run: &RunId, is_it: impl Fn(&Event) -> bool) {
        let mut listener = self.host.watch();
        let look = async {
            loop {
                if self.journal(run).await.iter().any(|record| is_it(&record.event)) {
                    return;
                }
                let _ = listener.recv().await;
            }
        };
        let limit = Duration::from_hours(366 * 24);
        let happened = tokio::time::timeout(limit, look).await.is_ok();
        assert!(happened, "it never happened: {:#?}", self.journal(run).await);
    }

    /// Waits until `run` has ended and gives its status.
    pub async fn end(&self, run: &RunId) -> String {
        self.until(run, |event| matches!(event, Event::RunEnded { .. })).await;
        self.host.run_view(run).await.unwrap().run.outcome.unwrap()
    }
}

struct Outside {
    name: String,
    ledger: Ledger,
    script: Arc<Mutex<BTreeMap<String, Vec<Behaviour>>>>,
}

#[async_trait::async_trait]
impl OutsideAction for Outside {
    fn is_repeatable(&self, input: &Value) -> bool {
        input["repeatable"] == true
    }

    async fn call(&self, cx: &CallContext, input: Value) -> Result<Value, ActionError> {
        let behaviour = self
            .script
            .lock()
            .unwrap()
            .get_mut(&cx.step)
            .and_then(Vec::pop)
            .unwrap_or(Behaviour::Succeed);
        match behaviour {
            Behaviour::FailTransiently => return Err(ActionError::Transient("the other side is busy".to_owned())),
            Behaviour::Leak => return Err(ActionError::Permanent(format!("refused: {input}"))),
            Behaviour::Panic => panic!("as told by the test"),
            Behaviour::Hang | Behaviour::Succeed => {}
        }
        self.ledger.lock().unwrap().push((self.name.clone(), cx.key.clone()));
        if matches!(behaviour, Behaviour::Hang) {
            std::future::pending::<()>().await;
        }
        Ok(json!({ "done": true, "echo": input }))
    }
}

struct Acquire;

#[async_trait::async_trait]
impl LocalAction for Acquire {
    async fn call(&self, cx: &CallContext, _: &dyn Store, _: Value) -> Result<LocalEffect, ActionError> {
        Ok(LocalEffect {
            output: json!({ "thing": format!("thing_{}", cx.key) }),
            writes: Vec::new(),
        })
    }
}

/// Says what it was given.
struct Keep {
    script: Arc<Mutex<BTreeMap<String, Vec<Behaviour>>>>,
}

#[async_trait::async_trait]
impl LocalAction for Keep {
    async fn call(&self, cx: &CallContext, _: &dyn Store, input: Value) -> Result<LocalEffect, ActionError> {
        let next = self.script.lock().unwrap().get_mut(&cx.step).and_then(Vec::pop);
        if matches!(next, Some(Behaviour::Panic)) {
            panic!("as told by the test");
        }
        if matches!(next, Some(Behaviour::Leak)) {
            return Err(ActionError::Permanent(format!("refused: {input}")));
        }
        Ok(LocalEffect {
            output: json!({ "echo": input }),
            writes: Vec::new(),
        })
    }
}

struct FakeMailer {
    sent: Arc<Mutex<Vec<OutgoingMail>>>,
    script: Arc<Mutex<BTreeMap<String, Vec<Behaviour>>>>,
}

#[async_trait::async_trait]
impl Mailer for FakeMailer {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), ActionError> {
        let next = self.script.lock().unwrap().get_mut("mail").and_then(Vec::pop);
        if matches!(next, Some(Behaviour::FailTransiently)) {
            return Err(ActionError::Transient("the mail server is away".to_owned()));
        }
        self.sent.lock().unwrap().push(mail.clone());
        Ok(())
    }

    fn is_idempotent(&self) -> bool {
        true
    }
}
