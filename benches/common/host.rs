//! A host on a store of its own, with nobody to write to.

use gatefold::base::Calendars;
use gatefold::connect::{ActionError, Links, Mailer, OutgoingMail};
use gatefold::connectors::http::HttpSettings;
use gatefold::connectors::{Settings, registry};
use gatefold::host::reading::{Reader, Where};
use gatefold::host::runs::StartRun;
use gatefold::host::{Clock, Host, Limits, Parts, Policy, Secrets};
use gatefold::people::{Directory, Person};
use gatefold::store::Blobs;
use gatefold::store::sqlite::SqliteStore;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, RwLock};

/// Nobody writes mails here.
struct NoMail;

#[async_trait::async_trait]
impl Mailer for NoMail {
    async fn send(&self, _: &OutgoingMail) -> Result<(), ActionError> {
        Err(ActionError::Permanent("there is no mail here".to_owned()))
    }
    fn is_idempotent(&self) -> bool {
        true
    }
}

/// Somebody who can be asked: `user:ana`.
fn directory() -> Directory {
    let ana = Person {
        name: "Ana".to_owned(),
        email: "ana@example.com".to_owned(),
        roles: BTreeSet::new(),
        groups: BTreeSet::new(),
        skills: BTreeSet::new(),
        manager: None,
        absent: Vec::new(),
    };
    Directory {
        users: [("ana".to_owned(), ana)].into(),
    }
}

/// A host on `store`, with its files below `folder`.
pub fn host(store: Arc<SqliteStore>, folder: &Path) -> Arc<Host> {
    let settings = Settings {
        http: HttpSettings::default(),
        mailer: Arc::new(NoMail),
        directory: Arc::new(RwLock::new(Arc::new(directory()))),
        links: Links::new([7; 32], "http://localhost"),
        blobs: Blobs::open(folder.join("blobs")).expect("the folder can be made"),
    };
    Host::new(Parts {
        store,
        registry: registry(&settings),
        blobs: settings.blobs,
        reader: Reader::new(Where::Here),
        mailer: settings.mailer,
        links: settings.links,
        directory: settings.directory,
        calendars: Calendars::default(),
        secrets: Secrets::default(),
        clock: Clock::system().expect("the clock shows a usable time"),
        seed: None,
        limits: Limits::default(),
        policy: Policy::open(),
    })
}

/// The store of this name in `folder`.
pub fn open(folder: &Path, name: &str) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(folder.join(name)).expect("the store opens"))
}

/// A start of `flow` by hand.
pub fn start(flow: &str, inputs: Value) -> StartRun {
    StartRun {
        flow: flow.to_owned(),
        inputs,
        initiator: "user:bench".to_owned(),
        trigger: "manual".to_owned(),
        once: None,
        ..StartRun::default()
    }
}
