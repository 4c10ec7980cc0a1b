//! What the store knows of tokens: whose each is, when it was last used, and that it was made or revoked.
//!
//! Invariant: a request that only looks changes nothing; uses are known in memory and stored now and then. A token that
//! was bound to a person is good for no other one, whoever has the user name.

use super::{Problem, Server};
use crate::audit::{AccessEntry, AccessKind, Origin};
use crate::base::Timestamp;
use crate::host::HostError;
use std::collections::BTreeMap;

/// Scope of the keys for the last use of tokens; the key is the token's id.
const SCOPE: &str = "token_use";
/// Scope of the keys under which the id of its person is stored for each token, by the id of the token.
const OWNERS: &str = "token_person";
/// Scope of the keys under which tokens are remembered whose making or revoking is written down.
const KNOWN: &str = "known_token";
const MADE: &str = "made";
const REVOKED: &str = "revoked";
/// The actor of token changes, which somebody on this machine makes in the file.
const BY_FILE: &str = "system:tokens.yaml";
/// Maximum age of the stored last use, in minutes.
const STORED_EVERY_MINUTES: i64 = 10;

impl Server {
    /// When each token was last used, by token id.
    pub async fn token_uses(&self) -> Result<BTreeMap<String, Timestamp>, Problem> {
        let mut uses = self.stored_uses().await?;
        uses.extend(self.accounts.last_used());
        Ok(uses)
    }

    /// Reads which person each token is bound to.
    pub(super) async fn load_token_owners(&self) -> Result<(), HostError> {
        self.accounts.bind(self.host.remembered(OWNERS).await?);
        Ok(())
    }

    /// Binds tokens that were not seen before to the persons who have their user names now.
    pub(super) async fn bind_tokens(&self) {
        let tokens = self.accounts.to_bind();
        match self.host.remember(OWNERS, tokens.clone()).await {
            Ok(()) => self.accounts.bind(tokens),
            Err(error) => {
                tracing::error!(%error, "new tokens could not be bound to their persons; it is tried again");
                self.accounts.bind_again();
            }
        }
    }

    async fn stored_uses(&self) -> Result<BTreeMap<String, Timestamp>, HostError> {
        let stored = self.host.remembered(SCOPE).await?;
        let uses = stored.into_iter().filter_map(|(id, at)| Some((id, at.parse().ok()?)));
        Ok(uses.collect())
    }

    /// Logs tokens that were made or revoked since the last call. Another process changes the file.
    pub async fn log_tokens(&self) -> Result<(), HostError> {
        let known: BTreeMap<String, String> = self.host.remembered(KNOWN).await?.into_iter().collect();
        let (mut entries, mut facts) = (Vec::new(), Vec::new());
        let mut tell = |id: &str, user: &str, state: &str| {
            let origin = Origin {
                token: Some(id.to_owned()),
                ..Origin::default()
            };
            let origin = origin.about(format!("token of {user} {state}"));
            entries.push(AccessEntry::of(AccessKind::Token, BY_FILE, origin, self.host.now()));
            facts.push((id.to_owned(), format!("{state} {user}")));
        };
        let tokens = self.accounts.tokens();
        for line in &tokens {
            let (id, state) = (line.id(), if line.revoked.is_some() { REVOKED } else { MADE });
            if known
                .get(&id)
                .is_none_or(|before| *before != format!("{state} {}", line.user))
            {
                tell(&id, &line.user, state);
            }
        }
        for (id, before) in &known {
            let (state, user) = before.split_once(' ').unwrap_or((before.as_str(), ""));
            if state == MADE && tokens.iter().all(|line| line.id() != *id) {
                tell(id, user, REVOKED);
            }
        }
        self.host.log(entries).await?;
        self.host.remember(KNOWN, facts).await
    }

    /// Stores the last uses of tokens whose stored value is missing or too old.
    pub async fn store_token_uses(&self) -> Result<(), HostError> {
        self.store_uses_later_by(jiff::SignedDuration::from_mins(STORED_EVERY_MINUTES))
            .await
    }

    /// Stores the last use of every token, before the server ends.
    pub async fn store_last_token_uses(&self) -> Result<(), HostError> {
        self.store_uses_later_by(jiff::SignedDuration::from_nanos(1)).await
    }

    /// Stores each use that is later by `least` than the stored one.
    async fn store_uses_later_by(&self, least: jiff::SignedDuration) -> Result<(), HostError> {
        let known = self.accounts.last_used();
        if known.is_empty() {
            return Ok(());
        }
        let stored = self.stored_uses().await?;
        let is_old =
            |id: &String, at: Timestamp| stored.get(id).is_none_or(|before| at.duration_since(*before) >= least);
        let fresh = known.into_iter().filter(|(id, at)| is_old(id, *at));
        let fresh: Vec<(String, String)> = fresh.map(|(id, at)| (id, at.to_string())).collect();
        self.host.remember(SCOPE, fresh).await
    }
}
