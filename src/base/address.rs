//! Mail addresses.

/// Longest mail address, in bytes (RFC 5321: 64 for the part before `@`, 255 for the domain).
pub const MAX_ADDRESS_BYTES: usize = 254;

/// `text` as a mail address in the form that is compared and stored (lower case), or `None` where
/// it is none. Strict on purpose: what it accepts can stand in a mail header, a log line and a
/// link without escaping.
pub fn mail_address(text: &str) -> Option<String> {
    if text.len() > MAX_ADDRESS_BYTES {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    let local_is_fine = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .chars()
            .all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c));
    let domain_is_fine = domain.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    });
    (local_is_fine && domain_is_fine).then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_in_lower_case() {
        assert_eq!(mail_address("Anna@Example.com").as_deref(), Some("anna@example.com"));
        assert_eq!(mail_address("a.b+c@x-y.example").as_deref(), Some("a.b+c@x-y.example"));
        assert_eq!(
            mail_address("jürgen@münchen.example").as_deref(),
            Some("jürgen@münchen.example")
        );
        assert_eq!(mail_address("root@localhost").as_deref(), Some("root@localhost"));
    }

    #[test]
    fn what_could_break_out_of_a_header_is_refused() {
        for text in [
            "",
            "anna",
            "@example.com",
            "anna@",
            "a b@example.com",
            "anna@example.com\r\nBcc: x@y.example",
            "anna@example.com,eve@example.com",
            "<anna@example.com>",
            "anna@exa mple.com",
            "anna@-x.example",
            "anna@x..example",
            ".anna@example.com",
            "an..na@example.com",
            "a@b@c.example\0",
            "\"a b\"@example.com",
        ] {
            assert_eq!(mail_address(text), None, "{text:?}");
        }
    }

    #[test]
    fn length_is_bounded() {
        let domain = format!("{}.{}.{}", "d".repeat(63), "d".repeat(63), "d".repeat(63));
        let at_limit = format!("{}@{domain}", "l".repeat(MAX_ADDRESS_BYTES - domain.len() - 1));
        assert_eq!(at_limit.len(), MAX_ADDRESS_BYTES);
        assert!(mail_address(&at_limit).is_some());
        assert!(mail_address(&format!("l{at_limit}")).is_none());
    }
}
