//! Links to shares. A link's token is an HMAC of the grant's id under the installation's key, so
//! it can be put into a mail at any time without being stored anywhere; only its SHA-256 is.

use crate::base::id::GrantId;

/// Derives tokens and addresses of links.
#[derive(Clone)]
pub struct Links {
    key: [u8; 32],
    base_url: String,
}

impl Links {
    /// With the installation's key, and the address under which people reach this server, as
    /// `https://files.example.com`.
    pub fn new(key: [u8; 32], base_url: impl Into<String>) -> Self {
        Self {
            key,
            base_url: base_url.into(),
        }
    }

    /// The token of a grant's link: 256 bits in hexadecimal.
    pub fn token(&self, grant: &GrantId) -> String {
        let _ = (&self.key, grant);
        todo!()
    }

    /// What is stored of a token: its SHA-256 in hexadecimal.
    pub fn hash(token: &str) -> String {
        let _ = token;
        todo!()
    }

    /// The address to send to a grant's holder: `BASE/s/TOKEN`.
    pub fn url(&self, grant: &GrantId) -> String {
        format!("{}/s/{}", self.base_url, self.token(grant))
    }
}
