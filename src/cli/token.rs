//! `gatefold token`: tokens for the API. A token is shown once; what is stored is its hash.

use super::embedded::{ServerArgs, Session};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, with_runtime};
use crate::base::diagnostic::nearest;
use crate::base::{Period, Timestamp, Value, calendar};
use crate::config::{Resolved, Scope, TokenLine, accounts, people, tokens};
use crate::host::Clock;
use clap::{Args, Subcommand, ValueEnum};

/// Make, list and revoke tokens for the API.
#[derive(Debug, Args)]
#[command(
    after_help = "A running server notices new and revoked tokens within two seconds. Examples:\n  gatefold token new anna --label laptop --expires '90 days'\n  gatefold token new anna --scope read,write\n  gatefold token list\n  gatefold token revoke tok_0123456789ab"
)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token for a person of people.yaml and print it, this once
    New {
        /// The person's name in people.yaml, as anna
        user: String,
        /// What it is for
        #[arg(long)]
        label: Option<String>,
        /// What the token may do; everything if not given
        #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
        scope: Vec<ScopeArg>,
        /// How long the token is valid, such as `90 days`
        #[arg(long, value_name = "PERIOD")]
        expires: Option<String>,
        /// The data folder
        #[arg(long, value_name = "DIR")]
        data: Option<String>,
    },
    /// List tokens, and when each was last used
    List {
        /// Print as data
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Revoke a token permanently
    Revoke {
        /// The token's id, as `gatefold token list` shows it
        id: String,
        /// The data folder
        #[arg(long, value_name = "DIR")]
        data: Option<String>,
    },
}

/// A scope of a token: one kind of request that it may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScopeArg {
    /// Read data and download files
    Read,
    /// Start runs, store files, send events, work on tasks without deciding them
    Write,
    /// Decide tasks
    Decide,
    /// Deploy flows
    Deploy,
    /// Do what only administrators may do
    Admin,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Read => Self::Read,
            ScopeArg::Write => Self::Write,
            ScopeArg::Decide => Self::Decide,
            ScopeArg::Deploy => Self::Deploy,
            ScopeArg::Admin => Self::Admin,
        }
    }
}

/// Runs the command.
pub fn run(args: &TokenArgs, settings: Settings) -> Outcome {
    match &args.command {
        TokenCommand::New {
            user,
            label,
            scope,
            expires,
            data,
        } => {
            let resolved = settings.with("data", data.as_deref()).load()?;
            new(&resolved, user, label.as_deref(), scope, expires.as_deref())
        }
        TokenCommand::List { json, server } => with_runtime(async move {
            let session = Session::look(server, settings).await?;
            let found = session.client.get("/api/v1/tokens").await;
            session.close().await?;
            list(&found?["items"], *json)
        }),
        TokenCommand::Revoke { id, data } => revoke(&settings.with("data", data.as_deref()).load()?, id),
    }
}

fn new(resolved: &Resolved, user: &str, label: Option<&str>, scopes: &[ScopeArg], expires: Option<&str>) -> Outcome {
    let directory = people::read(&resolved.people)?;
    if !directory.users.contains_key(user) {
        let hint = nearest(user, directory.users.keys().map(String::as_str)).map_or_else(
            || "add them there first".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Err(Failure::Usage(format!(
            "{} has no person {user:?}: {hint}",
            resolved.people.display()
        )));
    }
    let now = Clock::system()?.now();
    let (token, mut line) = tokens::new_token(user, label, now);
    if !scopes.is_empty() {
        line.scopes = Some(scopes.iter().map(|scope| Scope::from(*scope)).collect());
    }
    line.expires = expires.map(|text| end_of(now, text)).transpose()?;
    tokens::append(&accounts::tokens_beside(&resolved.people), &line)?;
    output::say(&format!(
        "A token for {user}. It is shown this once; only its hash is stored."
    ));
    output::line(&token)
}

/// The time that is one period from now.
fn end_of(now: Timestamp, text: &str) -> Result<Timestamp, Failure> {
    let wrong = |why: String| Failure::Usage(format!("--expires: {why}"));
    let period = Period::parse(text).map_err(|error| wrong(error.to_string()))?;
    if period.needs_calendar() {
        return Err(wrong(format!("{text} counts working time: give it in days or hours")));
    }
    let end = calendar::after(now, &period, None).map_err(|error| wrong(error.to_string()))?;
    if end <= now {
        return Err(wrong(format!("{text} has no length: use a duration longer than zero")));
    }
    Ok(end)
}

fn list(items: &Value, as_json: bool) -> Outcome {
    if as_json {
        return output::json(items);
    }
    let row = |token: &Value| {
        let scopes = token["scopes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let mut scopes = scopes.collect::<Vec<_>>().join(", ");
        if token["before_scopes"] == true {
            scopes.push_str(" (made before scopes)");
        }
        let cell = |key: &str| output::cell(token, key);
        vec![
            cell("id"),
            cell("user"),
            cell("label"),
            cell("state"),
            scopes,
            cell("created"),
            cell("expires"),
            cell("last_used"),
        ]
    };
    let rows: Vec<Vec<String>> = items.as_array().into_iter().flatten().map(row).collect();
    let header = ["id", "user", "label", "state", "scopes", "made", "expires", "last used"];
    output::rows(&header, &rows, "no tokens")
}

fn revoke(resolved: &Resolved, id: &str) -> Outcome {
    let file = accounts::tokens_beside(&resolved.people);
    let lines = tokens::read(&file)?;
    let mut found = lines.into_iter().filter(|line| line.id() == id);
    let (Some(line), None) = (found.next(), found.next()) else {
        return Err(Failure::Usage(format!(
            "{} has no token {id}: `gatefold token list` shows all tokens",
            file.display()
        )));
    };
    if line.revoked.is_some() {
        return Err(Failure::Negative(format!("{id} is revoked already")));
    }
    let user = line.user.clone();
    tokens::append(
        &file,
        &TokenLine {
            revoked: Some(Clock::system()?.now()),
            ..line
        },
    )?;
    output::say(&format!("{id} of {user} is revoked"));
    Ok(())
}
