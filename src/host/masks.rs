//! Secrets taken out of what an action gives, in every form that services and errors repeat them in.

use super::drive::failure;
use crate::base::Value;
use crate::connect::ActionError;
use crate::engine::Failure;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Shortest form beside the secret as written that is looked for, in characters: what is shorter stands
/// anywhere by chance.
const SHORTEST: usize = 4;

/// The output of an action without any of the secrets that it was given.
pub(super) fn hidden(mut output: Value, used: &[&SecretString]) -> Value {
    if !used.is_empty() {
        hide_in(&mut output, &forms(used));
    }
    output
}

/// The failure of an action without any of the secrets that it was given.
pub(super) fn hidden_failure(error: &ActionError, used: &[&SecretString]) -> Failure {
    let mut failed = failure(error);
    failed.message = hide(&failed.message, &forms(used));
    failed
}

/// The secrets as written, and as URLs, forms, JSON and base64 write them; the longest first, so that no
/// part of one is left.
fn forms(secrets: &[&SecretString]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for secret in secrets {
        let text = secret.expose_secret();
        if text.is_empty() {
            continue;
        }
        let quoted = serde_json::Value::from(text).to_string();
        let mut others = vec![quoted[1..quoted.len() - 1].to_owned()];
        for is_upper in [true, false] {
            let percent = percent_encoded(text, is_upper);
            others.push(percent.replace("%20", "+"));
            others.push(percent);
        }
        for before in 0..3 {
            let plain = base64_inside(text.as_bytes(), before);
            others.push(plain.replace('+', "-").replace('/', "_"));
            others.push(percent_encoded(&plain, true));
            others.push(plain);
        }
        found.extend(others.into_iter().filter(|form| form.chars().count() >= SHORTEST));
        found.insert(text.to_owned());
    }
    let mut found: Vec<String> = found.into_iter().collect();
    found.sort_by_key(|form| std::cmp::Reverse(form.len()));
    found
}

fn percent_encoded(text: &str, is_upper: bool) -> String {
    let of = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        byte if is_upper => format!("%{byte:02X}"),
        byte => format!("%{byte:02x}"),
    };
    text.as_bytes().iter().map(of).collect()
}

/// What base64 makes of `bytes` where so many bytes of a group of three stand before them: the signs that
/// depend on nothing but them.
fn base64_inside(bytes: &[u8], before: usize) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |byte: &u8| (0..8).rev().map(|bit| byte >> bit & 1).collect::<Vec<u8>>();
    let all: Vec<u8> = bytes.iter().flat_map(bits).collect();
    // the first sign that holds nothing of what stands before
    let skipped = (6 - before * 8 % 6) % 6;
    let sign = |six: &[u8]| char::from(SIGNS[six.iter().fold(0, |sum, bit| sum * 2 + usize::from(*bit))]);
    all[skipped.min(all.len())..].chunks_exact(6).map(sign).collect()
}

/// The text without any of the secrets.
fn hide(text: &str, forms: &[String]) -> String {
    forms.iter().fold(text.to_owned(), |text, form| {
        if text.contains(form.as_str()) {
            text.replace(form.as_str(), MASK)
        } else {
            text
        }
    })
}

/// Takes the secrets out of every text in `value`.
fn hide_in(value: &mut Value, forms: &[String]) {
    match value {
        Value::String(text) => *text = hide(text, forms),
        Value::Array(elements) => elements.iter_mut().for_each(|element| hide_in(element, forms)),
        Value::Object(fields) => fields.values_mut().for_each(|field| hide_in(field, forms)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(text: &str) -> String {
        let secret = SecretString::from("p&ss \"wörd\"/+9");
        hidden(json!({ "x": [text] }), &[&secret])["x"][0]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn no_form_of_a_secret_is_left() {
        for (form, left) in [
            ("p&ss \"wörd\"/+9", "***"),
            // in an address, in a form, in JSON
            ("?q=p%26ss%20%22w%C3%B6rd%22%2F%2B9&", "?q=***&"),
            ("q=p%26ss+%22w%c3%b6rd%22%2f%2b9", "q=***"),
            (r#"{"key": "p&ss \"wörd\"/+9"}"#, r#"{"key": "***"}"#),
            // alone in base64; whole signs of it alone are taken out
            ("cCZzcyAid8O2cmQiLys5", "***"),
            ("something else", "something else"),
        ] {
            assert_eq!(seen(form), left, "{form}");
        }
        // `a:` and `ab:` before it, as in a header
        for form in ["YTpwJnNzICJ3w7ZyZCIvKzk=", "YWI6cCZzcyAid8O2cmQiLys5"] {
            let left = seen(form);
            assert!(left.contains("***") && left.len() < 12, "{form}: {left}");
        }
    }

    #[test]
    fn a_short_secret_is_taken_out_as_it_is_written_alone() {
        let secret = SecretString::from("ab");
        let output = hidden(json!({ "a": "ab", "b": "YWI= QUI" }), &[&secret]);
        assert_eq!(output, json!({ "a": "***", "b": "YWI= QUI" }));
    }
}
