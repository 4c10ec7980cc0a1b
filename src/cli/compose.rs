//! Everything put together: the adapters behind the ports, as the configuration says.

use super::backup::cannot;
use super::client::escaped;
use super::data_folder::{BLOBS, DATABASE, private_folder};
use super::exit::{Failure, Outcome};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::config::{self, Accounts, ConfigError, Environment, Resolved};
use crate::connect::{Links, Mailer};
use crate::connectors::http::HttpSettings;
use crate::connectors::mail::{self, MailSettings};
use crate::host::clock::{ClockError, system_time};
use crate::host::reading::{Reader, Where};
use crate::host::{Clock, Host, HostError, Limits, Parts, Policy, Secrets};
use crate::server::{self, Settings};
use crate::store::sqlite::{Opening, SqliteStore};
use crate::store::{BlobError, Blobs, Store, StoreError, fault};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The variable that arms a fault point for a crash test.
const FAULT_VARIABLE: &str = "GATEFOLD_FAULT";
/// Where mails go below the data folder while there is no mail server.
pub const OUTBOX: &str = "outbox";

/// An installation, put together and listening, not yet answering.
pub struct Installation {
    /// Drives everything.
    pub host: Arc<Host>,
    /// Who may call.
    pub accounts: Arc<Accounts>,
    /// Where it listens, in fact.
    pub address: SocketAddr,
    /// Returns once the store has closed itself.
    closed: BoxFuture<'static, ()>,
    listener: TcpListener,
    settings: Settings,
}

/// Builds the installation that `resolved` describes. Refuses a store that has lost acknowledged
/// changes.
pub async fn open(resolved: Resolved, environment: &Environment) -> Result<Installation, Failure> {
    open_as(resolved, environment, false).await
}

/// Builds the installation that `resolved` describes. With `accept_loss`, accepts a store that has
/// lost acknowledged changes.
pub async fn open_as(
    mut resolved: Resolved,
    environment: &Environment,
    accept_loss: bool,
) -> Result<Installation, Failure> {
    if let Some(point) = environment.get(FAULT_VARIABLE) {
        fault::arm(point).map_err(|error| Failure::Usage(format!("{FAULT_VARIABLE}: {error}")))?;
    }
    let listener = TcpListener::bind(resolved.listen)
        .await
        .map_err(|error| Failure::Environment(format!("{} cannot be listened on: {error}", resolved.listen)))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::Environment(format!("the address cannot be told: {error}")))?;
    // Port 0 means any free one, which is known only now.
    let (wanted, got) = (resolved.listen.to_string(), address.to_string());
    resolved.base_url = resolved.base_url.replace(&wanted, &got);
    let accounts = Arc::new(Accounts::open(&resolved.people)?);
    let Composed {
        parts,
        closed,
        has_lost_blobs,
    } = parts(&resolved, environment, &accounts, accept_loss).await?;
    let host = Host::new(parts);
    // before anything is recorded
    host.begin_clock().await?;
    // before a deployment asks how many administrators there are
    if let Some(before) = host.last_directory().await? {
        accounts.hold_to(before);
    }
    if has_lost_blobs {
        let what = Origin::default().about("the folder of blobs is missing, which was accepted with --accept-loss");
        let entry = AccessEntry::of(AccessKind::Administer, "gatefold", what, host.now());
        host.log(vec![entry]).await?;
    }
    Ok(Installation {
        host,
        accounts,
        address,
        closed,
        listener,
        settings: Settings::from(&resolved),
    })
}

/// What the host is put together from.
struct Composed {
    parts: Parts,
    /// Returns once the store has closed itself.
    closed: BoxFuture<'static, ()>,
    /// Whether the bytes of files were lost, and the start goes on without them.
    has_lost_blobs: bool,
}

async fn parts(
    resolved: &Resolved,
    environment: &Environment,
    accounts: &Accounts,
    accept_loss: bool,
) -> Result<Composed, Failure> {
    let data = &resolved.data;
    private_folder(data).map_err(|error| cannot("make", data, &error))?;
    // before the store, which a missing key is missed in
    let key = config::installation_key(data)?;
    // then first of all: whoever holds the store may tidy up beside it, and nobody else
    let store = store(data, accept_loss)?;
    let closed = store.closed().boxed();
    let mut secrets = config::secrets(data, environment)?;
    let has_lost_blobs = has_lost_blobs(&*store, data).await?;
    if has_lost_blobs && !accept_loss {
        return Err(Failure::Environment(format!(
            "{} is missing or empty, although the database names files. Mount its disk or restore a backup with `gatefold \
             restore`, or go on without the files with `gatefold serve --accept-loss`, which is recorded",
            data.join(BLOBS).display()
        )));
    }
    let blobs = Blobs::open(data.join(BLOBS))?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::Environment(format!("the program cannot be found: {error}")))?;
    let links = Links::new(key, resolved.base_url.clone());
    let mailer = mailer(resolved, &secrets)?;
    // no flow may use the secrets with which the server itself signs in
    secrets.remove(&resolved.mail.password_secret);
    let registry = crate::connectors::registry(&crate::connectors::Settings {
        http: HttpSettings {
            allowed_networks: resolved.http.allow_networks.clone(),
            timeout_ms: resolved.limits.call_timeout_ms,
            ..HttpSettings::default()
        },
        mailer: Arc::clone(&mailer),
        directory: accounts.directory(),
        links: links.clone(),
        blobs: blobs.clone(),
    });
    let parts = Parts {
        store,
        blobs,
        reader: Reader::new(Where::Apart(program)),
        registry,
        mailer,
        links,
        directory: accounts.directory(),
        calendars: config::calendars(&resolved.calendars)?,
        secrets,
        clock: Clock::system()?,
        seed: None,
        limits: Limits {
            upload_bytes: resolved.limits.upload_bytes,
            calls_in_flight: resolved.limits.calls_in_flight,
            call_timeout_ms: resolved.limits.call_timeout_ms,
            ..Limits::default()
        },
        policy: Policy {
            approval: resolved.approval,
            secrets: resolved.secret_rules(),
        },
    };
    Ok(Composed {
        parts,
        closed,
        has_lost_blobs,
    })
}

/// Whether the database names files and there is no folder of blobs beside it. A crash of the first start leaves a
/// database without that folder, but also without files.
async fn has_lost_blobs(store: &dyn Store, data: &Path) -> Result<bool, Failure> {
    Ok(!Blobs::is_there(&data.join(BLOBS)) && !store.all_files(None, 1).await?.is_empty())
}

fn store(data: &Path, accept_loss: bool) -> Result<Arc<SqliteStore>, Failure> {
    let opening = Opening {
        // the folder of blobs is made after the database
        was_used: data.join(BLOBS).exists(),
        loss_accepted_at: accept_loss.then(system_time).transpose()?,
    };
    let opened = SqliteStore::open_as(&data.join(DATABASE), opening);
    Ok(Arc::new(opened.map_err(|error| match error {
        StoreError::Busy(why) => {
            Failure::Environment(format!("{why}; talk to that server with --server URL --token T"))
        }
        other => other.into(),
    })?))
}

fn mailer(resolved: &Resolved, secrets: &Secrets) -> Result<Arc<dyn Mailer>, Failure> {
    let password = secrets.get(&resolved.mail.password_secret);
    let smtp_url = resolved.mail.smtp.as_ref().map(|smtp| with_password(smtp, password));
    mail::mailer(&MailSettings {
        smtp_url,
        from: resolved.mail.from.clone(),
        outbox: resolved.data.join(OUTBOX),
        timeout_ms: resolved.limits.call_timeout_ms,
    })
    .map_err(|error| Failure::Usage(error.to_string()))
}

/// The address of a mail server with the password put in after the user.
fn with_password(smtp: &str, password: Option<&SecretString>) -> SecretString {
    let address = match (smtp.rsplit_once('@'), password) {
        (Some((user, host)), Some(password)) => format!("{user}:{}@{host}", escaped(password.expose_secret())),
        _ => smtp.to_owned(),
    };
    SecretString::from(address)
}

impl Installation {
    /// Answers whoever only looks, until `stop` is cancelled. Takes up nothing, sends nothing.
    pub async fn show(self, stop: CancellationToken) -> Outcome {
        server::show(self.host, self.accounts, self.settings, self.listener, stop)
            .await
            .map_err(|error| Failure::Environment(error.to_string()))
    }

    /// Takes up what was left, answers, and drives runs until `stop` is cancelled; then finishes
    /// what is in flight. A store that closes itself stops it too: another process can tell what is durable.
    pub async fn serve(self, stop: CancellationToken) -> Outcome {
        let stop = stop.child_token();
        let until = stop.clone();
        let closed = self.closed;
        let failed = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = closed => {
                    until.cancel();
                    true
                }
                () = until.cancelled() => false,
            }
        });
        let served = server::serve(self.host, self.accounts, self.settings, self.listener, stop.clone()).await;
        stop.cancel();
        if failed.await.unwrap_or(false) {
            return Err(Failure::Environment(
                "the disk failed during a write, so gatefold stops. Acknowledged changes are stored: check the disk, and \
                 start again"
                    .to_owned(),
            ));
        }
        served.map_err(|error| Failure::Environment(error.to_string()))
    }
}

impl From<ClockError> for Failure {
    fn from(error: ClockError) -> Self {
        Self::Environment(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let message = error.to_string();
        if error.is_of_disk {
            Self::Environment(message)
        } else {
            Self::Usage(message)
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Environment(error.to_string())
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        Self::Environment(error.to_string())
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        let message = error.to_string();
        match error {
            HostError::Store(_)
            | HostError::Damaged { .. }
            | HostError::BytesLost { .. }
            | HostError::DiskFailed(_)
            | HostError::ShuttingDown => Self::Environment(message),
            _ => Self::Negative(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{private_folder, with_password};
    use secrecy::{ExposeSecret, SecretString};

    #[test]
    fn a_password_cannot_change_the_server() {
        let url = with_password(
            "smtps://me@mail.example.com:465",
            Some(&SecretString::from("a@evil/:?")),
        );
        assert_eq!(url.expose_secret(), "smtps://me:a%40evil%2F%3A%3F@mail.example.com:465");
    }

    #[cfg(unix)]
    #[test]
    fn the_data_folder_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("installations/data");
        private_folder(&data).unwrap();
        for folder in [data.as_path(), data.parent().unwrap()] {
            let mode = std::fs::metadata(folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
        }
        private_folder(&data).expect("one that is there stays");
    }

    #[test]
    fn a_server_without_a_user_gets_no_password() {
        let url = with_password("smtp://localhost:25", Some(&SecretString::from("x")));
        assert_eq!(url.expose_secret(), "smtp://localhost:25");
    }
}
