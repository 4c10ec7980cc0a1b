//! The server that a command talks to: a running one, or one inside this process.

use super::client::Client;
use super::compose;
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use crate::base::LocalAccess;
use crate::config::{Environment, Resolved};
use crate::host::Host;
use crate::host::clock::system_time;
use crate::people::{Person, roles};
use clap::Args;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Any free port of this machine, reached from this machine alone.
const ANY_LOOPBACK: &str = "127.0.0.1:0";

/// How long a command waits at most for what its runs can do at once.
const REST: Duration = Duration::from_secs(5);

/// Which server.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    #[arg(
        long,
        value_name = "URL",
        help = "A running server, as http://127.0.0.1:8080; or GATEFOLD_URL. Without one, the data folder is opened"
    )]
    server: Option<String>,
    #[arg(long, help = "Token for that server; or GATEFOLD_TOKEN")]
    token: Option<String>,
    /// The data folder to open where no server is named
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<String>,
    /// Act as this person of people.yaml where no server is named; without, as an administrator
    #[arg(long = "as", value_name = "USER", conflicts_with = "server")]
    user: Option<String>,
    /// Act or decide on the data folder although a server runs on it, for this reason, which is recorded
    #[arg(long, value_name = "REASON", value_parser = reason, conflicts_with = "server")]
    break_glass: Option<String>,
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("say why: the reason is recorded".to_owned());
    }
    Ok(text.to_owned())
}

/// Refuses what is no address of a server before anything is asked of it: a mistake in the command
/// is not a failure of the network.
fn check_address(server: &str) -> Outcome {
    let address = server.parse::<reqwest::Url>().ok();
    let fits = address.is_some_and(|address| {
        let is_plain = address.username().is_empty() && address.password().is_none();
        matches!(address.scheme(), "http" | "https") && is_plain && address.query().is_none()
    });
    if fits {
        return Ok(());
    }
    Err(Failure::Usage(
        "--server (or GATEFOLD_URL) is no address of a server: write it as https://files.example.com".to_owned(),
    ))
}

/// Refuses what is for a data folder of this machine beside a server: whoever gives both would not know which counts.
fn check_alone(args: &ServerArgs) -> Outcome {
    let given = [
        ("--data", args.data.is_some()),
        ("--as", args.user.is_some()),
        ("--break-glass", args.break_glass.is_some()),
    ];
    let given: Vec<&str> = given
        .iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(name, _)| *name)
        .collect();
    if given.is_empty() {
        return Ok(());
    }
    let (given, verb) = (given.join(" and "), if given.len() == 1 { "is" } else { "are" });
    Err(Failure::Usage(format!(
        "GATEFOLD_URL names a server, and {given} {verb} for a data folder of this machine: leave out {given}, or unset GATEFOLD_URL"
    )))
}

/// A server to talk to, for the time of one command.
pub struct Session {
    /// Talks to it.
    pub client: Client,
    embedded: Option<Embedded>,
}

/// What a command does with a data folder that it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Looks: nothing is taken up, started or sent.
    Look,
    /// Works: runs go on, mails are sent, calls are made, for as long as the command takes.
    Work,
}

impl Session {
    /// For a command that changes something; see `to`.
    pub async fn open(args: &ServerArgs, settings: Settings) -> Result<Self, Failure> {
        Self::to(Purpose::Work, args, settings).await
    }

    /// For a command that only looks; see `to`.
    pub async fn look(args: &ServerArgs, settings: Settings) -> Result<Self, Failure> {
        Self::to(Purpose::Look, args, settings).await
    }

    /// Connects to the server that the arguments or the environment name, or opens the data folder.
    async fn to(purpose: Purpose, args: &ServerArgs, settings: Settings) -> Result<Self, Failure> {
        let environment = settings.environment().clone();
        let server = args.server.as_deref().or_else(|| environment.get("GATEFOLD_URL"));
        if let Some(server) = server {
            check_alone(args)?;
            check_address(server)?;
            let token = args.token.as_deref().or_else(|| environment.get("GATEFOLD_TOKEN"));
            return Ok(Self {
                client: Client::new(server, token),
                embedded: None,
            });
        }
        let settings = settings.with("data", args.data.as_deref());
        // mails that go out now lead to where the server answers later
        let base_url = settings.load()?.base_url;
        let settings = settings
            .with("listen", Some(ANY_LOOPBACK))
            .with("base_url", Some(&base_url));
        let embedded = Embedded::start_to(purpose, settings.load()?, &environment).await?;
        let client = embedded.client_of(args.user.as_deref(), args.break_glass.as_deref())?;
        Ok(Self {
            client,
            embedded: Some(embedded),
        })
    }

    /// Whether this process has opened the data folder, so that no other process can use it.
    pub const fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Stops a server inside this process.
    pub async fn close(self) -> Outcome {
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}

/// A server inside this process.
pub struct Embedded {
    /// Where it answers.
    pub url: String,
    accounts: std::sync::Arc<crate::config::Accounts>,
    stop: CancellationToken,
    served: JoinHandle<Outcome>,
    /// What works as long as the command takes; nothing where it only looks.
    working: Option<std::sync::Arc<Host>>,
}

impl Embedded {
    /// Starts it. It is ready when this returns.
    pub async fn start(resolved: Resolved, environment: &Environment) -> Result<Self, Failure> {
        Self::start_to(Purpose::Work, resolved, environment).await
    }

    /// Starts it for a purpose. It is ready when this returns.
    async fn start_to(purpose: Purpose, resolved: Resolved, environment: &Environment) -> Result<Self, Failure> {
        let installation = compose::open(resolved, environment).await?;
        let url = format!("http://{}", installation.address);
        let accounts = std::sync::Arc::clone(&installation.accounts);
        let stop = CancellationToken::new();
        let host = std::sync::Arc::clone(&installation.host);
        let working = (purpose == Purpose::Work).then(|| std::sync::Arc::clone(&host));
        let until = stop.clone();
        let mut served = tokio::spawn(async move {
            match purpose {
                Purpose::Look => installation.show(until).await,
                Purpose::Work => installation.serve(until).await,
            }
        });
        tokio::select! {
            () = super::serve::ready(host, stop.clone(), || {}) => Ok(Self { url, accounts, stop, served, working }),
            early = &mut served => Err(early.map_err(ended_early).and_then(|outcome| outcome).err().unwrap_or(Failure::Said)),
        }
    }

    /// A caller for a person of the directory, or for an administrator who is in none.
    pub fn client_of(&self, user: Option<&str>, break_glass: Option<&str>) -> Result<Client, Failure> {
        let local = LocalAccess {
            account: account(),
            break_glass: break_glass.map(str::to_owned),
        };
        let (name, person) = match user {
            Some(user) => {
                let user = user.strip_prefix("user:").unwrap_or(user);
                let directory = self.accounts.directory();
                let directory = directory.read().unwrap_or_else(std::sync::PoisonError::into_inner);
                let person = directory.users.get(user).cloned();
                let known: Vec<&str> = directory.users.keys().map(String::as_str).collect();
                let missing = || {
                    Failure::Usage(format!(
                        "people.yaml has no person {user:?}; it has {}",
                        known.join(", ")
                    ))
                };
                (user, person.ok_or_else(missing)?)
            }
            None => (local.account.as_str(), administrator()),
        };
        let token = self.accounts.admit(name, person, local.clone(), system_time()?);
        Ok(Client::new(&self.url, Some(&token)))
    }

    /// Stops it, letting what is in flight finish, and what follows from it at once: the end of a run that another one
    /// waits for is told to it.
    pub async fn stop(self) -> Outcome {
        if let Some(host) = &self.working {
            host.come_to_rest(REST).await?;
        }
        self.stop.cancel();
        self.served.await.map_err(ended_early)?
    }
}

fn ended_early(error: tokio::task::JoinError) -> Failure {
    Failure::Environment(format!("the server ended early: {error}"))
}

/// The account that runs the command, as journals name it.
fn account() -> String {
    #[cfg(unix)]
    let account = rustix::process::getuid().as_raw().to_string();
    #[cfg(not(unix))]
    let account = std::env::var("USERNAME").unwrap_or_else(|_| "unknown".to_owned());
    format!("local:{account}")
}

/// Whoever can open the data folder may do everything with it.
fn administrator() -> Person {
    Person {
        name: "Operator of this machine".to_owned(),
        email: String::new(),
        roles: BTreeSet::from([roles::ADMIN.to_owned()]),
        groups: BTreeSet::new(),
        skills: BTreeSet::new(),
        manager: None,
        absent: Vec::new(),
    }
}
