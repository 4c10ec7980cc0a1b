//! What makes a request count once: a key, and which request the key belongs to.

use super::{Host, HostError};
use crate::base::id::{FileId, GrantId, RunId, hex};
use crate::base::{FileRef, Timestamp, Value};
use crate::store::{Mark, Write};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A key that makes a start happen once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnceKey {
    /// What people call the key, for the refusal of another request with it.
    pub name: &'static str,
    /// Whose key it is and what for: the same key in another scope is another key.
    pub scope: String,
    /// The key.
    pub key: String,
    /// Digest of the request, where another request with the key is refused instead of answered
    /// with what the first one started.
    pub digest: Option<String>,
}

/// Digest of a request: the same for the same JSON, in whatever order its fields were written.
pub fn digest(request: &Value) -> String {
    let mut sorted = request.clone();
    sorted.sort_all_objects();
    hex(&Sha256::digest(sorted.to_string().as_bytes()))
}

/// The key of a file that a person puts: bound to the file's name and bytes.
pub(super) fn upload(by: &str, key: String, name: &str, sha256: &str) -> OnceKey {
    OnceKey {
        name: "Idempotency-Key",
        scope: format!("file:{by}"),
        key,
        digest: Some(digest(&json!({ "name": name, "sha256": sha256 }))),
    }
}

/// The idempotency key of a request through a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    key: String,
    /// Whether different content under the same key counts as a new request, as when somebody goes
    /// back to a form and fills it in again.
    is_of_form: bool,
}

impl Repeat {
    /// The idempotency key of an API request.
    pub fn of_request(key: String) -> Self {
        Self { key, is_of_form: false }
    }

    /// The idempotency key in a rendered form.
    pub fn of_form(key: String) -> Self {
        Self { key, is_of_form: true }
    }

    /// The key of `content`, which came through the link of `grant`.
    pub(super) fn through(self, grant: &GrantId, content: &Value) -> OnceKey {
        let scope = format!("link:{grant}");
        let (key, digest) = if self.is_of_form {
            (digest(&json!({ "form": self.key, "content": content })), None)
        } else {
            (self.key, Some(digest(content)))
        };
        OnceKey {
            name: "Idempotency-Key",
            scope,
            key,
            digest,
        }
    }
}

/// What is remembered of a document that was put.
pub(super) fn of_document(document: &FileRef) -> String {
    format!("{}@{}", document.id, document.version)
}

impl OnceKey {
    /// The mark that using the key sets.
    pub(super) fn mark(&self) -> Mark {
        Mark::Used {
            scope: self.scope.clone(),
            key: self.key.clone(),
        }
    }

    /// The key is used from now on, for `value`, until it may be forgotten.
    pub(super) fn used_for(&self, value: String, until: Timestamp) -> Write {
        Write::Once {
            scope: self.scope.clone(),
            key: self.key.clone(),
            value,
            digest: self.digest.clone(),
            until: Some(until),
        }
    }
}

impl Host {
    /// The run that `once` has started already.
    ///
    /// # Errors
    /// `KeyReused` where the key came with another request then.
    pub(super) async fn started_before(&self, once: &OnceKey) -> Result<Option<RunId>, HostError> {
        Ok(self.used_before(once).await?.map(RunId))
    }

    /// The document that was put under `once` already.
    ///
    /// # Errors
    /// `KeyReused` where the key came with another file then.
    pub(super) async fn put_before(&self, once: Option<&OnceKey>) -> Result<Option<FileRef>, HostError> {
        let Some(once) = once else { return Ok(None) };
        let Some(value) = self.used_before(once).await? else {
            return Ok(None);
        };
        let Some((file, version)) = value.split_once('@') else {
            return Ok(None);
        };
        let file = self.stored_file(&FileId::from(file)).await?;
        super::files::version_of(&file, version.parse().ok()).map(Some)
    }

    pub(super) async fn used_before(&self, once: &OnceKey) -> Result<Option<String>, HostError> {
        let Some(used) = self.parts().store.used_for(&once.scope, &once.key).await? else {
            return Ok(None);
        };
        match (&once.digest, &used.digest) {
            (Some(now), Some(then)) if now != then => Err(HostError::KeyReused { name: once.name }),
            _ => Ok(Some(used.value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_fields_is_no_difference_and_anything_else_is() {
        let read = |text: &str| digest(&serde_json::from_str(text).unwrap());
        let first = read(r#"{"a":1,"b":[{"c":2,"d":3}]}"#);
        assert_eq!(first, read(r#" {"b": [{"d": 3, "c": 2}], "a": 1}"#));
        for other in [
            r#"{"a":1,"b":[{"c":2,"d":4}]}"#,
            r#"{"a":1}"#,
            r#"{"a":"1","b":[{"c":2,"d":3}]}"#,
        ] {
            assert_ne!(first, read(other), "{other}");
        }
        assert_eq!(digest(&json!({})).len(), 64);
    }
}
