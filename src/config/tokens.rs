//! API tokens: shown once, stored as their SHA-256 in `tokens.yaml`, one line each.
//!
//! Invariant: the file is only ever appended to by this program; taking a token back is deleting
//! its line by hand.

use super::ConfigError;
use super::file::{strict, text_of};
use crate::base::Timestamp;
use crate::base::id::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;

/// What every token begins with, so that scanners for leaked secrets find it.
pub const PREFIX: &str = "gf_";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

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
    };
    (token, line)
}

/// What is stored of a token.
pub fn hash_token(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Appends a token to the file, which is made where it is missing, readable by its owner alone.
pub fn append(file: &Path, line: &TokenLine) -> Result<(), ConfigError> {
    let failed =
        |error: std::io::Error| ConfigError::at(file.display().to_string(), format!("cannot be written: {error}"));
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // JSON is YAML, and quotes whatever a label may hold.
    let text = serde_json::to_string(line).expect("texts and a time become JSON");
    let mut open = options.open(file).map_err(failed)?;
    open.write_all(format!("- {text}\n").as_bytes()).map_err(failed)?;
    open.sync_all().map_err(failed)
}

/// Reads the file; one that is missing holds no token.
pub fn read(file: &Path) -> Result<Vec<TokenLine>, ConfigError> {
    let Some(text) = text_of(file)? else {
        return Ok(Vec::new());
    };
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let lines: Vec<TokenLine> = strict(file, &text)?;
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
