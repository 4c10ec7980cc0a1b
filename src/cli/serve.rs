//! `gatefold serve`: the server, until it is told to stop.

use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{compose, logging, output, sources, with_runtime};
use crate::audit::Origin;
use crate::host::propose::{BY_SYSTEM, Deployer, Proposed};
use crate::host::{Host, HostError};
use clap::Args;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often is asked whether the host is ready.
const READY_POLL: Duration = Duration::from_millis(2);

/// Run the server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gatefold serve\n  gatefold serve --data /var/lib/gatefold --listen 0.0.0.0:8080")]
pub struct ServeArgs {
    /// Folder under which everything is stored
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address and port to listen on; port 0 means any free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Start although the store has lost acknowledged changes, and record that you accepted this
    #[arg(long)]
    accept_loss: bool,
}

/// Runs the command.
pub fn run(args: &ServeArgs, settings: Settings) -> Outcome {
    let settings = settings
        .with("data", args.data.as_deref())
        .with("listen", args.listen.as_deref());
    let accept_loss = args.accept_loss;
    let started = Instant::now();
    with_runtime(async move {
        let resolved = settings.load()?;
        logging::start(&resolved);
        for warning in &resolved.warnings {
            tracing::warn!("{warning}");
        }
        let definitions = resolved.definitions.clone();
        let data = resolved.data.clone();
        let installation = compose::open_as(resolved, settings.environment(), accept_loss).await?;
        if let Some(folder) = definitions {
            deploy_all(&installation.host, &folder).await?;
        }
        installation.host.mark_served().await?;
        let stop = CancellationToken::new();
        tokio::spawn(cancel_on_signal(stop.clone()));
        let address = installation.address;
        tokio::spawn(ready(Arc::clone(&installation.host), stop.clone(), move || {
            let (data, took) = (data.display(), started.elapsed().as_millis());
            output::say(&format!(
                "gatefold serves http://{address} from {data}, ready after {took} ms; ctrl-c stops it"
            ));
        }));
        installation.serve(stop).await
    })
}

/// Deploys every flow of a folder. One that is refused keeps its last good version.
async fn deploy_all(host: &Arc<Host>, folder: &Path) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::Usage(format!(
            "{} is no folder; definitions names one",
            folder.display()
        )));
    }
    let names = match sources::names(&[folder.display().to_string()]) {
        Ok(names) => names,
        Err(failure) => {
            let why = failure.message().unwrap_or_default();
            tracing::warn!(folder = %folder.display(), why, "no flow to deploy");
            return Ok(());
        }
    };
    for name in names {
        match sources::read_one(&name) {
            Ok(source) => deploy_one(host, &source).await,
            Err(failure) => tracing::error!(file = name, why = failure.message(), "not deployed"),
        }
    }
    Ok(())
}

async fn deploy_one(host: &Arc<Host>, source: &sources::Source) {
    let began = host.now();
    let deployer = Deployer {
        by: BY_SYSTEM,
        is_foreign: false,
        origin: Origin::default(),
    };
    match host.propose(&source.name, &source.text, deployer).await {
        Ok((Proposed::Pending(pending), _)) => {
            let (flow, version, id) = (&pending.flow, &pending.version, &pending.id);
            tracing::warn!(
                flow,
                version,
                id,
                "not deployed: it waits until an administrator accepts it"
            );
        }
        Ok((Proposed::Deployed(deployment), _)) if deployment.at < began => {
            tracing::debug!(flow = %deployment.flow, version = %deployment.version, "deployed before");
        }
        Ok((Proposed::Deployed(deployment), _)) => {
            tracing::info!(flow = %deployment.flow, version = %deployment.version, "deployed");
        }
        Err(error @ HostError::Findings { .. }) => {
            tracing::error!(file = %source.name, %error, "not deployed; `gatefold lint` tells why");
        }
        Err(error) => tracing::error!(file = %source.name, %error, "not deployed"),
    }
}

/// Calls `then` once the host is ready, or nothing if it is stopped before.
pub async fn ready(host: Arc<Host>, stop: CancellationToken, then: impl FnOnce()) {
    while !host.is_ready() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(READY_POLL) => {}
        }
    }
    then();
}

/// Cancels at the first interrupt or request to terminate; the second ends the process.
pub async fn cancel_on_signal(stop: CancellationToken) {
    signal().await;
    stop.cancel();
    signal().await;
    std::process::exit(i32::from(super::exit::ENVIRONMENT));
}

/// Returns at an interrupt or a request to terminate.
#[cfg(unix)]
pub async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("a process may listen for signals");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Returns at an interrupt.
#[cfg(not(unix))]
pub async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
