//! Commits of changes that are about no run, and have to be decided anew where somebody else was
//! faster.

use super::expiries::Expiring;
use super::{Host, HostError};
use crate::audit::AccessEntry;
use crate::store::{CommitError, UnitOfWork, Write};
use std::sync::Arc;

/// How often a change is decided anew.
const TRIES: usize = 16;

impl Host {
    /// Commits writes that no other change meets, and has their events delivered.
    ///
    /// # Errors
    /// `Conflict` where another change met them after all: nothing of them is stored.
    pub(super) async fn record(self: &Arc<Self>, writes: Vec<Write>) -> Result<(), HostError> {
        if self.try_record(writes).await? {
            return Ok(());
        }
        Err(HostError::Conflict(
            "somebody else changed this at the same time: look again and repeat".to_owned(),
        ))
    }

    /// Commits writes. `false` where somebody else was faster.
    pub(super) async fn try_record(self: &Arc<Self>, writes: Vec<Write>) -> Result<bool, HostError> {
        let has_event = writes.iter().any(|write| matches!(write, Write::Event(_)));
        let begun = Expiring::begun(&writes);
        match self.parts().store.commit(UnitOfWork { run: None, writes }).await {
            Ok(()) => {
                if has_event {
                    self.events_recorded.notify_one();
                }
                self.expiring.add(begun);
                Ok(true)
            }
            Err(CommitError::Conflict { .. } | CommitError::Duplicate { .. }) => Ok(false),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Appends entries to the access log.
    pub async fn log(self: &Arc<Self>, entries: Vec<AccessEntry>) -> Result<(), HostError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.record(entries.into_iter().map(Write::Access).collect()).await
    }

    /// Small facts stored permanently under a scope, by key.
    pub async fn remembered(&self, scope: &str) -> Result<Vec<(String, String)>, HostError> {
        let found = self.parts().store.used_keys(scope).await?;
        Ok(found.into_iter().map(|(key, used)| (key, used.value)).collect())
    }

    /// Stores facts under a scope, replacing earlier values of the same keys.
    pub async fn remember(self: &Arc<Self>, scope: &str, facts: Vec<(String, String)>) -> Result<(), HostError> {
        if facts.is_empty() {
            return Ok(());
        }
        let writes = facts.into_iter().flat_map(|(key, value)| remembered(scope, key, value));
        self.record(writes.collect()).await
    }

    /// Commits what `decide` wants written and gives what it gives; where somebody else was
    /// faster, it decides anew on what is stored then. Nothing is committed where it wants nothing
    /// written. `what` is changed, as a person knows it.
    pub(super) async fn decide_anew<T, F>(
        self: &Arc<Self>,
        what: &str,
        mut decide: impl FnMut() -> F,
    ) -> Result<T, HostError>
    where
        F: Future<Output = Result<(T, Vec<Write>), HostError>>,
    {
        for _ in 0..TRIES {
            let (decided, writes) = decide().await?;
            if writes.is_empty() || self.try_record(writes).await? {
                return Ok(decided);
            }
        }
        Err(HostError::Conflict(format!(
            "{what} is being changed by many at once: repeat"
        )))
    }
}

/// The writes that replace a stored fact.
pub(super) fn remembered(scope: &str, key: String, value: String) -> [Write; 2] {
    [
        Write::ForgetKey {
            scope: scope.to_owned(),
            key: key.clone(),
        },
        Write::Once {
            scope: scope.to_owned(),
            key,
            value,
            digest: None,
            until: None,
        },
    ]
}
