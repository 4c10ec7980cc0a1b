//! Signatures of webhook calls: `Gatefold-Signature: t=UNIX,v2=HEX` over `v2.t.FLOW.DELIVERY.BODY`.
//! DELIVERY is the `Gatefold-Delivery` header, or empty.
//!
//! Invariant: everything that identifies a call is signed, including the flow. Flow names and
//! delivery ids contain no dot and no character with which a JSON object can begin, so the parts
//! cannot be confused.
//!
//! The earlier form, `v1` over `t.BODY` or `t.DELIVERY.BODY`, does not name the flow, so a call of
//! one flow could be replayed to another flow with the same secret. It is accepted only if no other
//! flow has the secret.

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

/// The keys for verifying signatures of a flow's calls.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// The secret.
    pub current: SecretString,
    /// The previous secret, while senders change to the new one.
    pub previous: Option<SecretString>,
    /// Whether another flow also has the secret.
    pub is_shared: bool,
}

/// Signs a call of `flow`, as a sender does. `delivery` is empty if none is sent.
pub fn sign(secret: &SecretString, at: i64, flow: &str, delivery: Option<&str>, body: &[u8]) -> String {
    let signature = mac(secret, &at.to_string(), flow, delivery, body)
        .finalize()
        .into_bytes();
    format!("t={at},v2={}", hex(&signature))
}

/// Signs a call in the earlier form `v1`, without the flow.
pub fn sign_v1(secret: &SecretString, at: i64, delivery: Option<&str>, body: &[u8]) -> String {
    let signature = mac_v1(secret, &at.to_string(), delivery, body).finalize().into_bytes();
    format!("t={at},v1={}", hex(&signature))
}

/// The delivery, if the signature is right and fresh. Without keys nothing is, which takes as
/// long to find out, so that the time of an answer does not tell which flows have a webhook.
pub fn check(headers: &HeaderMap, flow: &str, body: &[u8], keys: Option<&Keys>, now: Timestamp) -> Option<Signed> {
    let Parts { at, v2, v1 } = parts(one(headers, SIGNATURE_HEADER)?)?;
    let delivery = if headers.contains_key(DELIVERY_HEADER) {
        Some(one(headers, DELIVERY_HEADER).filter(|id| is_delivery(id))?)
    } else {
        None
    };
    let seconds: i64 = at.parse().ok()?;
    if now.as_second().abs_diff(seconds) > TOLERANCE_SECONDS {
        return None;
    }
    let nothing = Keys::default();
    let known = keys.filter(|keys| !keys.current.expose_secret().is_empty());
    let keys = known.unwrap_or(&nothing);
    // both secrets are always tried, so that the time does not reveal whether there are two
    let secrets = [&keys.current, keys.previous.as_ref().unwrap_or(&keys.current)];
    let is_right = match (v2, v1) {
        (Some(signature), _) => {
            let expected = bytes(signature)?;
            any(secrets.map(|secret| mac(secret, at, flow, delivery, body).verify_slice(&expected).is_ok()))
        }
        (None, Some(signature)) => {
            let expected = bytes(signature)?;
            let fits = secrets.map(|secret| mac_v1(secret, at, delivery, body).verify_slice(&expected).is_ok());
            any(fits) && !keys.is_shared
        }
        (None, None) => return None,
    };
    // the id of a delivery does not depend on the form of the signature or on the secret
    let own = || hex(&mac_v1(&keys.current, at, None, body).finalize().into_bytes());
    (is_right && known.is_some()).then(|| Signed {
        delivery: delivery.map_or_else(own, str::to_owned),
    })
}

fn any(fits: [bool; 2]) -> bool {
    fits[0] | fits[1]
}

fn keyed(secret: &SecretString) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("a key of any length fits")
}

fn mac(secret: &SecretString, at: &str, flow: &str, delivery: Option<&str>, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = keyed(secret);
    for part in ["v2", at, flow, delivery.unwrap_or_default()] {
        mac.update(part.as_bytes());
        mac.update(b".");
    }
    mac.update(body);
    mac
}

fn mac_v1(secret: &SecretString, at: &str, delivery: Option<&str>, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = keyed(secret);
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

/// Time and signatures of a header.
struct Parts<'h> {
    at: &'h str,
    v2: Option<&'h str>,
    v1: Option<&'h str>,
}

/// Time and signatures. Unknown fields are ignored, so that a `v3` can be added later.
fn parts(header: &str) -> Option<Parts<'_>> {
    let field = |name: &str| {
        header
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
    };
    Some(Parts {
        at: field("t")?,
        v2: field("v2"),
        v1: field("v1"),
    })
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

    fn secret(word: &str) -> SecretString {
        SecretString::from(word.to_owned())
    }

    fn keys() -> Keys {
        Keys {
            current: secret("whsec"),
            ..Keys::default()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Whether a call of `flow` is accepted at second 1000.
    fn taken(headers: &HeaderMap, flow: &str, body: &[u8], keys: &Keys) -> bool {
        check(headers, flow, body, Some(keys), at(1000)).is_some()
    }

    #[test]
    fn a_right_and_fresh_signature_is_taken_with_and_without_delivery() {
        let signature = sign(&secret("whsec"), 1000, "a", None, BODY);
        assert!(taken(&headers(&signature, None), "a", BODY, &keys()));
        let signature = sign(&secret("whsec"), 1000, "a", Some("d-1"), BODY);
        let signed = check(&headers(&signature, Some("d-1")), "a", BODY, Some(&keys()), at(1000)).unwrap();
        assert_eq!(signed.delivery, "d-1");
    }

    #[test]
    fn a_call_of_one_flow_is_none_of_another() {
        let signature = sign(&secret("whsec"), 1000, "a", None, BODY);
        assert!(!taken(&headers(&signature, None), "b", BODY, &keys()));
        let signature = sign(&secret("whsec"), 1000, "a", Some("b"), BODY);
        assert!(!taken(&headers(&signature, Some("a")), "b", BODY, &keys()));
    }

    #[test]
    fn the_earlier_form_is_taken_where_one_flow_alone_has_the_secret() {
        let signature = sign_v1(&secret("whsec"), 1000, Some("d-1"), BODY);
        let headers = headers(&signature, Some("d-1"));
        assert!(taken(&headers, "a", BODY, &keys()));
        let shared = Keys {
            is_shared: true,
            ..keys()
        };
        assert!(!taken(&headers, "a", BODY, &shared));
    }

    #[test]
    fn both_secrets_are_taken_while_senders_change_and_no_third_one() {
        let both = Keys {
            previous: Some(secret("before")),
            ..keys()
        };
        for (word, is_taken) in [("whsec", true), ("before", true), ("other", false), ("", false)] {
            let signature = sign(&secret(word), 1000, "a", None, BODY);
            assert_eq!(taken(&headers(&signature, None), "a", BODY, &both), is_taken, "{word}");
        }
        let signature = sign(&secret("before"), 1000, "a", None, BODY);
        assert!(
            !taken(&headers(&signature, None), "a", BODY, &keys()),
            "once it is gone"
        );
    }

    #[test]
    fn one_call_is_one_delivery_however_it_was_signed() {
        let both = Keys {
            previous: Some(secret("before")),
            ..keys()
        };
        let delivery = |signature: &str| {
            let signed = check(&headers(signature, None), "a", BODY, Some(&both), at(1000));
            signed.unwrap().delivery
        };
        let first = delivery(&sign(&secret("whsec"), 1000, "a", None, BODY));
        let v1 = sign_v1(&secret("whsec"), 1000, None, BODY);
        assert!(v1.ends_with(&first), "as before the flow was part of it");
        assert_eq!(delivery(&v1), first);
        assert_eq!(delivery(&sign(&secret("before"), 1000, "a", None, BODY)), first);
    }

    #[test]
    fn the_tolerance_holds_at_its_limit_in_both_directions_and_not_past_it() {
        let headers = headers(&sign(&secret("whsec"), 1000, "a", None, BODY), None);
        for now in [700, 1300] {
            assert!(check(&headers, "a", BODY, Some(&keys()), at(now)).is_some());
        }
        for now in [699, 1301] {
            assert!(check(&headers, "a", BODY, Some(&keys()), at(now)).is_none());
        }
    }

    #[test]
    fn nothing_can_be_changed_added_or_left_out() {
        let key = secret("whsec");
        for (plain, named) in [
            (
                sign(&key, 1000, "a", None, BODY),
                sign(&key, 1000, "a", Some("d-1"), BODY),
            ),
            (sign_v1(&key, 1000, None, BODY), sign_v1(&key, 1000, Some("d-1"), BODY)),
        ] {
            let taken = |headers: &HeaderMap, body: &[u8]| taken(headers, "a", body, &keys());
            assert!(!taken(&headers(&plain, None), br#"{"a":1.6}"#), "another body");
            assert!(
                !taken(&headers(&plain, Some("d-2")), BODY),
                "a delivery that was not signed"
            );
            assert!(!taken(&headers(&named, Some("d-2")), BODY), "another delivery");
            assert!(!taken(&headers(&named, None), BODY), "the delivery left out");
            let piece = headers(&plain, Some(r#"{"a":1"#));
            assert!(!taken(&piece, b"5}"), "a piece of the body as delivery");
            assert!(
                !taken(&headers(&plain.replace("t=1000", "t=1001"), None), BODY),
                "another time"
            );
            assert!(!taken(&headers(&plain.to_uppercase(), None), BODY), "another spelling");
        }
        assert!(!taken(&headers("t=1000", None), "a", BODY, &keys()));
        assert!(!taken(&HeaderMap::new(), "a", BODY, &keys()));
    }

    #[test]
    fn without_a_secret_nothing_is_right() {
        for signature in [
            sign(&secret(""), 1000, "a", None, BODY),
            sign_v1(&secret(""), 1000, None, BODY),
        ] {
            let headers = headers(&signature, None);
            assert_eq!(check(&headers, "a", BODY, Some(&Keys::default()), at(1000)), None);
            assert_eq!(check(&headers, "a", BODY, None, at(1000)), None);
        }
    }
}
