//! Links to shares. A link's token is an HMAC of the grant's id under the installation's key, so
//! it can be put into a mail at any time without being stored anywhere; only its SHA-256 is.
//!
//! A token is looked up by its hash in an index. That needs no comparison in constant time: what
//! an attacker could measure is how much of a *hash* matches, and nobody can choose a token so
//! that its SHA-256 begins as another's does.

use crate::base::Timestamp;
use crate::base::id::{GrantId, hex};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What is hashed before the id, so that the key can serve other purposes without two of them
/// ever giving the same bytes.
const PURPOSE: &[u8] = b"gatefold share link v1\0";

/// The same for what a browser keeps of a right password.
const PASS_PURPOSE: &[u8] = b"gatefold share pass v1\0";

/// The same for codes by mail.
const CODE_PURPOSE: &[u8] = b"gatefold share code v1\0";
/// How many codes there are: eight digits.
const CODES: u64 = 100_000_000;

/// Derives tokens and addresses of links.
#[derive(Clone)]
pub struct Links {
    key: [u8; 32],
    base_url: String,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl Links {
    /// With the installation's key, and the address under which people reach this server, as
    /// `https://files.example.com`.
    ///
    /// # Panics
    /// If the key is all zeros: that is a key nobody drew, and everybody could derive the links.
    pub fn new(key: [u8; 32], base_url: impl Into<String>) -> Self {
        assert_ne!(key, [0; 32], "the installation's key was never drawn");
        let base_url: String = base_url.into();
        Self {
            key,
            base_url: base_url.trim_end_matches('/').to_owned(),
        }
    }

    /// The address under which people reach this server.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The token of a grant's link: 256 bits in hexadecimal.
    pub fn token(&self, grant: &GrantId) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(PURPOSE);
        mac.update(grant.as_str().as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// Whether `token` is the one of the grant's link under this key; compared in constant time.
    pub fn is_of(&self, token: &str, grant: &GrantId) -> bool {
        bool::from(self.token(grant).as_bytes().ct_eq(token.as_bytes()))
    }

    /// What a browser keeps of a right password, until a moment: it proves nothing for another
    /// grant, nor once the password is another one.
    pub fn pass(&self, grant: &GrantId, password_hash: &str, until: Timestamp) -> String {
        format!(
            "{}.{}",
            until.as_second(),
            self.proof(grant, password_hash, until.as_second())
        )
    }

    /// Whether `pass` is one for this grant and password that is good at `now`.
    pub fn is_pass(&self, pass: &str, grant: &GrantId, password_hash: &str, now: Timestamp) -> bool {
        let Some((until, proof)) = pass.split_once('.') else {
            return false;
        };
        let Ok(until) = until.parse::<i64>() else {
            return false;
        };
        let expected = self.proof(grant, password_hash, until);
        now.as_second() < until && bool::from(expected.as_bytes().ct_eq(proof.as_bytes()))
    }

    fn proof(&self, grant: &GrantId, password_hash: &str, until: i64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(PASS_PURPOSE);
        mac.update(format!("{grant}\0{password_hash}\0{until}").as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// The code by mail that was sent for a grant at that moment.
    pub fn code(&self, grant: &GrantId, sent: Timestamp) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(CODE_PURPOSE);
        mac.update(grant.as_str().as_bytes());
        mac.update(b"\0");
        mac.update(sent.as_nanosecond().to_string().as_bytes());
        let drawn = mac.finalize().into_bytes();
        let number = drawn
            .iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        format!("{:08}", number % CODES)
    }

    /// Whether `given`, blanks aside, is the code that was sent at that moment; compared in constant time.
    pub fn is_code(&self, given: &str, grant: &GrantId, sent: Timestamp) -> bool {
        let given: String = given.chars().filter(|letter| !letter.is_whitespace()).collect();
        bool::from(self.code(grant, sent).as_bytes().ct_eq(given.as_bytes()))
    }

    /// What is stored of a token: its SHA-256 in hexadecimal.
    pub fn hash(token: &str) -> String {
        hex(&Sha256::digest(token.as_bytes()))
    }

    /// The address to send to a grant's holder: `BASE/s/TOKEN`.
    pub fn url(&self, grant: &GrantId) -> String {
        format!("{}/s/{}", self.base_url, self.token(grant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_for_ever_and_another_for_every_grant_and_key() {
        let links = Links::new([7; 32], "https://files.example.com/");
        let token = links.token(&GrantId::from("grt_a"));
        assert_eq!(token.len(), 64);
        assert_eq!(token, links.token(&GrantId::from("grt_a")));
        assert_ne!(token, links.token(&GrantId::from("grt_b")));
        assert_ne!(token, Links::new([8; 32], "").token(&GrantId::from("grt_a")));
        // Links in mails that were sent must keep working: this value may not change.
        assert_eq!(
            token,
            "e30aec1d87750b9e9268ab7e8e4c229151c61ed69bed7fa9bd98eec64ba90d35"
        );
    }

    #[test]
    fn the_stored_hash_does_not_give_the_token_away() {
        let links = Links::new([7; 32], "https://files.example.com");
        let token = links.token(&GrantId::from("grt_a"));
        let hash = Links::hash(&token);
        assert_ne!(hash, token);
        assert_eq!(hash, Links::hash(&token));
        assert_eq!(
            Links::hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_pass_is_for_one_grant_one_password_and_a_while() {
        let links = Links::new([7; 32], "");
        let (grant, other) = (GrantId::from("grt_a"), GrantId::from("grt_b"));
        let at = |second| Timestamp::from_second(second).unwrap();
        let pass = links.pass(&grant, "hash", at(100));
        assert!(links.is_pass(&pass, &grant, "hash", at(99)));
        assert!(!links.is_pass(&pass, &grant, "hash", at(100)), "its time is over");
        assert!(!links.is_pass(&pass, &other, "hash", at(99)));
        assert!(!links.is_pass(&pass, &grant, "another", at(99)));
        assert!(!Links::new([8; 32], "").is_pass(&pass, &grant, "hash", at(99)));
        let longer = pass.replacen("100.", "999.", 1);
        for wrong in ["", ".", "999.", "x.y", &longer, &links.token(&grant)] {
            assert!(!links.is_pass(wrong, &grant, "hash", at(99)), "{wrong}");
        }
    }

    #[test]
    fn a_code_is_for_one_grant_and_moment() {
        let links = Links::new([7; 32], "");
        let (grant, other) = (GrantId::from("grt_a"), GrantId::from("grt_b"));
        let at = |second| Timestamp::from_second(second).unwrap();
        let code = links.code(&grant, at(100));
        assert!(
            code.len() == 8 && code.bytes().all(|digit| digit.is_ascii_digit()),
            "{code}"
        );
        assert!(links.is_code(&code, &grant, at(100)));
        let spaced = format!(" {} {}\n", &code[..4], &code[4..]);
        assert!(links.is_code(&spaced, &grant, at(100)));
        assert!(!links.is_code(&code, &other, at(100)));
        assert!(!links.is_code(&code, &grant, at(101)));
        assert!(!Links::new([8; 32], "").is_code(&code, &grant, at(100)));
        for wrong in ["", &code[..7], &format!("{code}0"), &links.token(&grant)] {
            assert!(!links.is_code(wrong, &grant, at(100)), "{wrong}");
        }
    }

    #[test]
    fn a_token_of_another_key_or_grant_is_not_of_this_one() {
        let links = Links::new([7; 32], "");
        let (grant, other) = (GrantId::from("grt_a"), GrantId::from("grt_b"));
        assert!(links.is_of(&links.token(&grant), &grant));
        assert!(!links.is_of(&links.token(&other), &grant));
        assert!(!Links::new([8; 32], "").is_of(&links.token(&grant), &grant));
    }

    #[test]
    fn addresses_have_one_slash() {
        let links = Links::new([7; 32], "https://files.example.com/");
        let url = links.url(&GrantId::from("grt_a"));
        assert!(url.starts_with("https://files.example.com/s/"), "{url}");
    }

    #[test]
    fn the_key_is_not_shown() {
        assert!(!format!("{:?}", Links::new([7; 32], "")).contains('7'));
    }

    #[test]
    #[should_panic(expected = "never drawn")]
    fn an_empty_key_is_refused() {
        Links::new([0; 32], "");
    }
}
