//! API tokens: shown once, stored as their SHA-256 in `tokens.yaml`, one line each.
//!
//! Invariant: this program only appends to the file. Revoking a token appends a second line for it.
//! An administrator may also delete the first line by hand.

use super::ConfigError;
use super::file::{strict, text_of};
use crate::base::Timestamp;
use crate::base::id::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

/// What every token begins with, so that scanners for leaked secrets find it.
pub const PREFIX: &str = "gf_";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Length of a token's id: the number of characters that it takes from the hash.
const ID_LENGTH: usize = 12;

/// One token as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenLine {
    /// Whose.
    pub user: String,
    /// SHA-256 of the token, in hexadecimal.
    pub sha256: String,
    /// When it was made.
    pub created: Timestamp,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its scopes; `None` means all scopes, as for tokens that were made before scopes existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<BTreeSet<Scope>>,
    /// When it expires; `None` means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// A scope of a token: one kind of request that it may make. Its person still needs the right to
/// make the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read data and download files.
    Read,
    /// Start runs, store files, send events, work on tasks without deciding them.
    Write,
    /// Decide, skip and redo tasks.
    Decide,
    /// Deploy flows.
    Deploy,
    /// Do what only administrators may do.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Decide, Self::Deploy, Self::Admin];

    /// The name of the scope.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Decide => "decide",
            Self::Deploy => "deploy",
            Self::Admin => "admin",
        }
    }
}

impl TokenLine {
    /// The id of the token: the beginning of its hash, which does not reveal the token.
    pub fn id(&self) -> String {
        format!("tok_{}", self.sha256.get(..ID_LENGTH).unwrap_or_default())
    }

    /// Whether the token has the scope.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope))
    }

    /// Whether it has expired or was revoked.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.revoked.is_some() || self.expires.is_some_and(|end| now >= end)
    }
}

/// Makes a token for `user`: the token, to be shown once, and what to store.
pub fn new_token(user: &str, label: Option<&str>, now: Timestamp) -> (String, TokenLine) {
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    let token = format!("{PREFIX}{}", hex(&bytes));
    let line = TokenLine {
        user: user.to_owned(),
        sha256: hash_token(&token),
        created: now,
        label: label.map(str::to_owned),
        scopes: Some(BTreeSet::from(Scope::ALL)),
        expires: None,
        revoked: None,
    };
    (token, line)
}

/// What is stored of a token.
pub fn hash_token(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Appends a token to the file, which is made where it is missing, readable by its owner alone.
pub fn append(file: &Path, line: &TokenLine) -> Result<(), ConfigError> {
    let failed = |error: std::io::Error| ConfigError::of_disk(file, "cannot be written", &error);
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // JSON is YAML, and quotes whatever a label may hold.
    let text = serde_json::to_string(line).expect("texts and a time become JSON");
    let mut open = options.open(file).map_err(failed)?;
    let before = open.metadata().map_err(failed)?.len();
    let written = open
        .write_all(format!("- {text}\n").as_bytes())
        .and_then(|()| open.sync_all());
    if written.is_err() {
        // half a line would make every token of the file unreadable
        let _ = open.set_len(before);
    }
    written.map_err(failed)
}

/// Reads the file; one that is missing holds no token.
pub fn read(file: &Path) -> Result<Vec<TokenLine>, ConfigError> {
    let Some(text) = text_of(file)? else {
        return Ok(Vec::new());
    };
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut lines: Vec<TokenLine> = strict(file, &text)?;
    let revoked: BTreeMap<String, Timestamp> = lines
        .iter()
        .filter_map(|line| Some((line.sha256.clone(), line.revoked?)))
        .collect();
    // the last line of each token counts
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.sha256.clone()));
    for line in &mut lines {
        line.revoked = revoked.get(&line.sha256).copied();
    }
    for line in &lines {
        if line.sha256.len() != 64
            || !line
                .sha256
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            let message = format!("a token of {} has no SHA-256 in lower-case hexadecimal", line.user);
            return Err(ConfigError::at(file.display().to_string(), message));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_new_token_has_every_scope_and_one_from_before_is_told_apart() {
        let (_, line) = new_token("anna", None, at(0));
        assert!(Scope::ALL.into_iter().all(|scope| line.has(scope)));
        assert!(line.scopes.is_some());
        let old = r#"{"user":"anna","sha256":"00","created":"2026-01-01T00:00:00Z"}"#;
        let old: TokenLine = serde_json::from_str(old).unwrap();
        assert!(old.scopes.is_none() && Scope::ALL.into_iter().all(|scope| old.has(scope)));
    }

    #[test]
    fn a_token_is_good_until_its_end() {
        let (_, mut line) = new_token("anna", None, at(0));
        assert!(!line.is_over(at(1_000_000)));
        line.expires = Some(at(10));
        assert!(!line.is_over(at(9)));
        assert!(line.is_over(at(10)), "the moment itself is over");
    }

    #[test]
    fn a_second_line_revokes_a_token_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.yaml");
        let ((_, one), (_, other)) = (new_token("anna", None, at(0)), new_token("ben", None, at(0)));
        for line in [&one, &other] {
            append(&file, line).unwrap();
        }
        let revoked = TokenLine {
            revoked: Some(at(5)),
            ..one.clone()
        };
        append(&file, &revoked).unwrap();
        append(&file, &one).unwrap();
        let lines = read(&file).unwrap();
        let over: Vec<(&str, bool)> = lines
            .iter()
            .map(|line| (line.user.as_str(), line.is_over(at(6))))
            .collect();
        assert_eq!(over, [("anna", true), ("ben", false)]);
    }
}
