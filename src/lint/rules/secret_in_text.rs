//! A password, key or token written into the flow, where everybody who may read it has it.
//!
//! Looks for shapes that nothing else has, and for words that name a secret beside a literal
//! value. Never repeats what it found.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Document, Value};
use crate::lint::rule::{Check, Report, Rule};
use crate::lint::rules::expression_as_text::is_slip;

const CODE: Code = Code {
    id: "GF701",
    name: "secret-in-text",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Data(check),
};

/// Keys under `with` whose value is a secret.
const SECRET_KEYS: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "client_secret",
    "token",
    "access_token",
    "api_token",
    "api_key",
    "apikey",
    "private_key",
    "authorization",
    "x-api-key",
];

/// Fewest characters of a token.
const SHORTEST_TOKEN: usize = 16;

/// What a token of a well-known service begins with, and how many more characters follow at least.
const TOKENS: [(&str, usize, &str); 14] = [
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("ghp_", 36, "a GitHub token"),
    ("gho_", 36, "a GitHub token"),
    ("ghs_", 36, "a GitHub token"),
    ("github_pat_", 22, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("sk_live_", 16, "a Stripe key"),
    ("rk_live_", 16, "a Stripe key"),
    ("AIza", 35, "a Google key"),
    ("SG.", 40, "a SendGrid key"),
    ("npm_", 36, "an npm token"),
];

fn check(document: &Document, report: &mut Report) {
    let mut walk = Walk {
        document,
        pointer: String::new(),
        report,
    };
    walk.value(&document.value, None, false);
    defaults(document, report);
}

/// Inputs that are called as secrets are, with a value for everybody.
fn defaults(document: &Document, report: &mut Report) {
    let inputs = document.value.get("inputs").and_then(Value::as_object);
    for (name, input) in inputs.into_iter().flatten().filter(|(name, _)| is_secret_key(name)) {
        let default = input.get("default").and_then(Value::as_str);
        if default.is_some_and(|text| is_literal(text) && shape(text).is_none()) {
            let pointer = format!("/inputs/{}/default", escape(name));
            let message = format!("the default of `{name}` stands in the flow for everybody to read");
            report.push(
                Diagnostic::error(CODE, message, document.spans.value(&pointer))
                    .with_help("leave the default out, and use `${{ secrets.NAME }}` where it is wanted")
                    .with_secret(),
            );
        }
    }
}

struct Walk<'a> {
    document: &'a Document,
    /// Where the walk is: grown and cut, since most flows have nothing to report.
    pointer: String,
    report: &'a mut Report,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, key: Option<&str>, under_with: bool) {
        let here = self.pointer.len();
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.pointer.push('/');
                    self.pointer.push_str(&escape(name));
                    self.value(field, Some(name), under_with || name == "with");
                    self.pointer.truncate(here);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.pointer.push('/');
                    self.pointer.push_str(&index.to_string());
                    self.value(item, key, under_with);
                    self.pointer.truncate(here);
                }
            }
            Value::String(text) => self.text(text, key.filter(|_| under_with)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str, key: Option<&str>) {
        let named = || key.filter(|key| is_secret_key(key) && is_literal(text));
        let what = shape(text)
            .map(str::to_owned)
            .or_else(|| Some(format!("the value of `{}`", named()?)));
        if let Some(what) = what {
            let message = format!("{what} stands in the flow for everybody to read");
            self.report.push(
                Diagnostic::error(CODE, message, self.document.spans.value(&self.pointer))
                    .with_help(
                        "store it as a secret and write `${{ secrets.NAME }}`; treat this one as known to others and replace it",
                    )
                    .with_secret(),
            );
        }
    }
}

pub(super) fn is_secret_key(key: &str) -> bool {
    let is_same = |secret: &str| {
        let letters = key.bytes().zip(secret.bytes());
        let fits = |(one, other): (u8, u8)| one.eq_ignore_ascii_case(&other) || (one, other) == (b'-', b'_');
        key.len() == secret.len() && letters.into_iter().all(fits)
    };
    SECRET_KEYS.iter().any(|secret| is_same(secret))
}

fn is_literal(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains("${{") && !is_slip(text)
}

/// What kind of secret the text has in it, by its shape alone.
fn shape(text: &str) -> Option<&'static str> {
    // One look for a byte each spares most texts the search.
    let has = |byte: u8| text.as_bytes().contains(&byte);
    if has(b'@') && has_address_with_password(text) {
        return Some("a password inside an address");
    }
    // Everything below is longer than most texts of a flow, and in one piece.
    if has(b'-') && text.contains("-----BEGIN ") && text.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    if longest_piece(text) < SHORTEST_TOKEN {
        return None;
    }
    if let Some(what) = token(text) {
        return Some(what);
    }
    if has_web_token(text) {
        return Some("a signed token");
    }
    ["Bearer ", "Basic "]
        .iter()
        .any(|scheme| follows(text, scheme, SHORTEST_TOKEN))
        .then_some("a credential")
}

/// Bytes of the longest piece without anything that no token has in it.
fn longest_piece(text: &str) -> usize {
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~' | b'+' | b'/' | b'=');
    if text.len() < SHORTEST_TOKEN {
        return text.len();
    }
    text.as_bytes()
        .split(|byte| !is_part(byte))
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0)
}

/// What a token in the text belongs to.
fn token(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let mut before = b' ';
    for (at, &byte) in bytes.iter().enumerate() {
        let stands_alone = !before.is_ascii_alphanumeric();
        before = byte;
        if !stands_alone || !matches!(byte, b'A' | b'g' | b'x' | b's' | b'r' | b'S' | b'n') {
            continue;
        }
        let is_it = |(start, length, _): &&(&str, usize, &str)| {
            bytes[at..].strip_prefix(start.as_bytes()).is_some_and(|rest| {
                let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
                rest.iter().take_while(is_part).count() >= *length
            })
        };
        if let Some((_, _, what)) = TOKENS.iter().find(is_it) {
            return Some(what);
        }
    }
    None
}

/// Three parts in base64, the first two of which begin as `{"` does.
fn has_web_token(text: &str) -> bool {
    text.match_indices("eyJ").any(|(at, _)| {
        let token: String = text[at..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c))
            .collect();
        let parts: Vec<&str> = token.split('.').collect();
        parts.len() == 3 && parts[1].starts_with("eyJ") && parts.iter().all(|part| part.len() >= 8)
    })
}

/// A scheme and something long that has a digit in it: words of a sentence do not.
fn follows(text: &str, scheme: &str, length: usize) -> bool {
    text.match_indices(scheme).any(|(at, _)| {
        let rest = &text[at + scheme.len()..];
        let token = &rest[..run_length(rest, |c| c.is_ascii_alphanumeric() || "_-.~+/=".contains(c))];
        token.len() >= length && token.contains(|c: char| c.is_ascii_digit())
    })
}

/// `https://anna:word@host`.
fn has_address_with_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let authority = text[at + 3..]
            .split(['/', '?', '#', ' ', '"'])
            .next()
            .unwrap_or_default();
        let Some((account, host)) = authority.rsplit_once('@') else {
            return false;
        };
        let Some((name, word)) = account.split_once(':') else {
            return false;
        };
        !host.is_empty() && !name.is_empty() && !word.is_empty() && is_literal(account)
    })
}

/// Bytes of the characters at the beginning that `wanted` holds for.
fn run_length(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_secrets_are_known_and_ordinary_text_is_not() {
        for secret in [
            "-----BEGIN RSA PRIVATE KEY-----",
            "key AKIAIOSFODNN7EXAMPLE here",
            "ghp_0123456789abcdefghijABCDEFGHIJ012345",
            "Bearer 0a1b2c3d4e5f60718293a4b5",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWhlcmU",
            "postgres://anna:word@db.example.com/x",
        ] {
            assert!(shape(secret).is_some(), "{secret}");
        }
        for plain in [
            "Bearer ${{ secrets.TOKEN }}",
            "The bearer of this letter and Basic understanding",
            "https://example.com/a:b@c",
            "https://anna@example.com",
            "https://${{ inputs.user }}:${{ secrets.WORD }}@example.com",
            "BAKIA0123456789012345",
            "steps.room.share",
        ] {
            assert_eq!(shape(plain), None, "{plain}");
        }
    }

    #[test]
    fn every_token_is_looked_for() {
        for (start, length, what) in TOKENS {
            let secret = |length| format!("see {start}{}.", "a".repeat(length - 1));
            assert_eq!(shape(&secret(length)), Some(what), "{start}");
            assert_eq!(shape(&secret(length - 1)), None, "{start}");
            assert_eq!(
                shape(&format!("é{}", secret(length).trim_start_matches("see "))),
                Some(what)
            );
        }
    }

    #[test]
    fn words_that_name_a_secret_count_only_with_a_literal() {
        assert!(is_secret_key("Password") && is_secret_key("X-Api-Key") && is_secret_key("client-secret"));
        assert!(!is_secret_key("password_required") && !is_secret_key("tokens"));
        assert!(is_literal("hunter2") && !is_literal("${{ secrets.WORD }}") && !is_literal(" "));
    }
}
