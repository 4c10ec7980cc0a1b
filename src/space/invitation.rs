//! The words of the mail that brings a link, and who of a role gets one later.

use super::{Grant, Principal, Request, Share, State};
use crate::base::moment;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a request asks for, as its mail begins.
fn asked_for(name: &str, request: &Request) -> String {
    let mut text = format!("You are asked for documents: {name}\n\n");
    for item in &request.items {
        let optional = if item.optional { " (optional)" } else { "" };
        text.push_str(&format!("- {}{optional}\n", item.title));
    }
    text.push('\n');
    text
}

/// The text of the mail that brings the link of a grant. `link` is the placeholder that becomes the link when the mail is
/// sent; the end of the share is shown in `zone`.
pub fn text(share: &Share, grant: &Grant, message: Option<&str>, zone: &str, link: &str) -> String {
    let mut text = match &share.request {
        Some(request) => asked_for(&share.name, request),
        None => format!("“{}” is shared with you.\n\n", share.name),
    };
    if let Some(message) = message {
        text.push_str(message.trim());
        text.push_str("\n\n");
    }
    writeln!(text, "Open it here: {link}\n").expect("writing to a string succeeds");
    if grant.password_hash.is_some() {
        text.push_str("You also need the password, which comes to you another way.\n");
    }
    if grant.codes.is_some() {
        text.push_str("It asks for a code, which is then sent to this address.\n");
    }
    let end = moment::in_words(share.expires_at, zone);
    writeln!(text, "The link works until {end}. Please do not pass it on.").expect("writing to a string succeeds");
    text
}

/// For each role or group that has a share, the grant after whose pattern a later member gets one: the newest that lives.
/// A role whose grants were all revoked has none.
pub fn patterns(grants: &[Grant]) -> BTreeMap<&Principal, &Grant> {
    let of_members = grants.iter().filter(|grant| grant.state == State::Live);
    let of_members = of_members.filter_map(|grant| Some((grant.through.as_ref()?, grant)));
    let mut patterns: BTreeMap<&Principal, &Grant> = BTreeMap::new();
    for (through, grant) in of_members {
        let newest = patterns.entry(through).or_insert(grant);
        if grant.created_at > newest.created_at {
            *newest = grant;
        }
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::testing::{at, grant};

    #[test]
    fn a_role_has_the_newest_of_its_live_grants_as_a_pattern() {
        let of = |id: &str, role: &str, created: i64, state: State| Grant {
            id: id.into(),
            through: Some(Principal::Role(role.to_owned())),
            created_at: at(created),
            state,
            ..grant()
        };
        let grants = [
            of("grt_1", "legal", 1, State::Live),
            of("grt_2", "legal", 3, State::Live),
            of("grt_3", "legal", 2, State::Live),
            of("grt_4", "legal", 4, State::Revoked),
            of("grt_5", "board", 1, State::Revoked),
            of("grt_6", "board", 1, State::Expired),
            grant(),
        ];
        let patterns = patterns(&grants);
        let found: Vec<(String, &str)> = patterns
            .iter()
            .map(|(through, grant)| (through.to_string(), grant.id.as_str()))
            .collect();
        assert_eq!(found, [("role:legal".to_owned(), "grt_2")]);
    }
}
