//! Signatures of webhook calls: `Gatefold-Signature: t=UNIX,v1=HEX` over `t.body`, or over
//! `t.delivery.body` where a `Gatefold-Delivery` header names the delivery.
//!
//! Invariant: whatever makes two calls the same call is under the signature. A delivery id has no
//! character that a JSON object could begin with, so one signature never fits both forms.

use crate::base::Timestamp;
use crate::base::id::hex;
use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Header with time and signature.
pub const SIGNATURE_HEADER: &str = "gatefold-signature";
/// Header with the sender's id of the delivery; the same through its retries.
pub const DELIVERY_HEADER: &str = "gatefold-delivery";
/// How far the sender's clock may be off, in seconds.
pub const TOLERANCE_SECONDS: u64 = 300;
/// Longest delivery id, in characters.
const DELIVERY_LENGTH_MAX: usize = 200;

/// A call whose signature is right and fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The delivery: the sender's id, or the signature where none was sent.
    pub delivery: String,
}

/// Signs a call, as a sender does. `delivery` is empty where none is sent.
pub fn sign(secret: &SecretString, at: i64, delivery: Option<&str>, body: &[u8]) -> String {
    let signature = mac(secret, &at.to_string(), delivery, body).finalize().into_bytes();
    format!("t={at},v1={}", hex(&signature))
}

/// The delivery, if the signature is right and fresh. Without a secret nothing is, which takes as
/// long to find out, so that the time of an answer does not tell which flows have a webhook.
pub fn check(headers: &HeaderMap, body: &[u8], secret: Option<&SecretString>, now: Timestamp) -> Option<Signed> {
    let (at, signature) = parts(one(headers, SIGNATURE_HEADER)?)?;
    let delivery = if headers.contains_key(DELIVERY_HEADER) {
        Some(one(headers, DELIVERY_HEADER).filter(|id| is_delivery(id))?)
    } else {
        None
    };
    let seconds: i64 = at.parse().ok()?;
    if now.as_second().abs_diff(seconds) > TOLERANCE_SECONDS {
        return None;
    }
    let expected = bytes(signature)?;
    let secret = secret.filter(|secret| !secret.expose_secret().is_empty());
    let nothing = SecretString::default();
    let is_right = mac(secret.unwrap_or(&nothing), at, delivery, body)
        .verify_slice(&expected)
        .is_ok();
    (is_right && secret.is_some()).then(|| Signed {
        delivery: delivery.unwrap_or(signature).to_owned(),
    })
}

fn mac(secret: &SecretString, at: &str, delivery: Option<&str>, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("a key of any length fits");
    mac.update(at.as_bytes());
    mac.update(b".");
    if let Some(delivery) = delivery {
        mac.update(delivery.as_bytes());
        mac.update(b".");
    }
    mac.update(body);
    mac
}

/// The header's value, if it was sent exactly once.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    let (first, second) = (all.next()?, all.next());
    first.to_str().ok().filter(|_| second.is_none())
}

/// Time and signature. Other fields are left alone, so that a `v2` can be added one day.
fn parts(header: &str) -> Option<(&str, &str)> {
    let field = |name: &str| {
        header
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
    };
    Some((field("t")?, field("v1")?))
}

fn is_delivery(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !id.is_empty() && id.len() <= DELIVERY_LENGTH_MAX && id.bytes().all(fits)
}

/// The bytes of lower-case hexadecimal; one signature has one spelling, as replays are told by it.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex || text.len() != 64 {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"a":1.5}"#;

    fn headers(signature: &str, delivery: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
        if let Some(delivery) = delivery {
            headers.insert(DELIVERY_HEADER, delivery.parse().unwrap());
        }
        headers
    }

    fn secret() -> SecretString {
        SecretString::from("whsec".to_owned())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_right_and_fresh_signature_is_taken_with_and_without_delivery() {
        let signature = sign(&secret(), 1000, None, BODY);
        let signed = check(&headers(&signature, None), BODY, Some(&secret()), at(1000)).unwrap();
        assert!(signature.ends_with(&signed.delivery));

        let signature = sign(&secret(), 1000, Some("d-1"), BODY);
        let signed = check(&headers(&signature, Some("d-1")), BODY, Some(&secret()), at(1000)).unwrap();
        assert_eq!(signed.delivery, "d-1");
    }

    #[test]
    fn the_tolerance_holds_at_its_limit_in_both_directions_and_not_past_it() {
        let headers = headers(&sign(&secret(), 1000, None, BODY), None);
        for now in [700, 1300] {
            assert!(check(&headers, BODY, Some(&secret()), at(now)).is_some());
        }
        for now in [699, 1301] {
            assert!(check(&headers, BODY, Some(&secret()), at(now)).is_none());
        }
    }

    #[test]
    fn nothing_can_be_changed_added_or_left_out() {
        let plain = sign(&secret(), 1000, None, BODY);
        let named = sign(&secret(), 1000, Some("d-1"), BODY);
        let check = |headers: &HeaderMap, body: &[u8]| check(headers, body, Some(&secret()), at(1000));
        assert_eq!(check(&headers(&plain, None), br#"{"a":1.6}"#), None, "another body");
        assert_eq!(
            check(&headers(&plain, Some("d-2")), BODY),
            None,
            "a delivery that was not signed"
        );
        assert_eq!(check(&headers(&named, Some("d-2")), BODY), None, "another delivery");
        assert_eq!(check(&headers(&named, None), BODY), None, "the delivery left out");
        assert_eq!(
            check(&headers(&named, None), br#"d-1.{"a":1.5}"#).map(|_| ()),
            Some(()),
            "which is no JSON"
        );
        assert_eq!(
            check(&headers(&plain, Some(r#"{"a":1"#)), b"5}"),
            None,
            "a piece of the body as delivery"
        );
        assert_eq!(
            check(&headers(&plain.replace("t=1000", "t=1001"), None), BODY),
            None,
            "another time"
        );
        assert_eq!(
            check(&headers(&plain.to_uppercase(), None), BODY),
            None,
            "another spelling"
        );
        assert_eq!(check(&headers("t=1000", None), BODY), None);
        assert_eq!(check(&HeaderMap::new(), BODY), None);
    }

    #[test]
    fn without_a_secret_nothing_is_right() {
        let empty = SecretString::from(String::new());
        let headers = headers(&sign(&empty, 1000, None, BODY), None);
        assert_eq!(check(&headers, BODY, Some(&empty), at(1000)), None);
        assert_eq!(check(&headers, BODY, None, at(1000)), None);
    }
}
