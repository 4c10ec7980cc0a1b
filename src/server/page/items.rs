//! A request on the page behind its link: what is asked for, how it stands, and a form for each thing
//! that can be done about it.

use super::{Confirm, Key, Safe, put, size};
use crate::base::{ItemState, file_type};
use crate::server::dto::SharedView;
use crate::server::form::REPLACES_FIELD;
use crate::server::items::AskedItem;
use crate::space::access::Right;
use crate::space::request::{MAX_REASON_CHARS, Need};
use std::collections::BTreeSet;

/// The checklist of `view`, whose page is at `path`.
pub(super) fn checklist(body: &mut String, view: &SharedView, path: &str, key: &str) {
    if let Some(why) = &view.withdrawn {
        put(
            body,
            format_args!("<p>You have said that you give nothing: {}</p>", Safe(why)),
        );
        return;
    }
    let may_give = view.role.includes(Right::Upload);
    for item in &view.items {
        one(body, item, path);
        if may_give && !item.is_final {
            give(body, item, path, key);
        }
    }
    if may_give {
        put(
            body,
            format_args!("<h2>You cannot give this?</h2><form method=\"post\" action=\"{path}/withdraw\">"),
        );
        reason(body, "reason", "I give nothing, because");
        body.push_str("<button>Decline this request</button></form>");
    }
}

/// The item and what was given for it.
fn one(body: &mut String, item: &AskedItem, path: &str) {
    let optional = if item.optional { " (optional)" } else { "" };
    put(
        body,
        format_args!(
            "<h2>{}{optional}</h2><p><strong>{}</strong></p>",
            Safe(&item.title),
            in_words(item.state)
        ),
    );
    if item.unchanged {
        body.push_str("<p>This is the same file that was already reviewed.</p>");
    }
    for text in item.reason.iter().chain(&item.instructions) {
        put(body, format_args!("<blockquote><p>{}</p></blockquote>", Safe(text)));
    }
    body.push_str("<ul>");
    for given in &item.files {
        let file = &given.file;
        put(
            body,
            format_args!(
                "<li>{}, version {}, {}",
                Safe(&file.name),
                file.version,
                size(file.size)
            ),
        );
        if let Some(day) = &given.valid_until {
            put(body, format_args!(", valid until {}", Safe(day)));
        }
        if !item.is_final {
            put(
                body,
                format_args!(
                    "<form method=\"post\" action=\"{path}/items/{}/remove\"><input type=\"hidden\" name=\"file\" \
                     value=\"{}\">{}<button>Remove {}</button></form>",
                    item.name,
                    Safe(&file.id),
                    Confirm("Yes, remove this file"),
                    Safe(&file.name)
                ),
            );
        }
        body.push_str("</li>");
    }
    body.push_str("</ul>");
}

/// The forms to give something, or to say why not.
fn give(body: &mut String, item: &AskedItem, path: &str, key: &str) {
    let mut wanted: Vec<String> = Vec::new();
    if !item.accept.is_empty() {
        wanted.push(item.accept.join(", "));
    }
    wanted.extend(item.max_size.as_ref().map(|most| format!("{most} at most")));
    if item.max > 1 {
        wanted.push(format!("{} to {} files", item.min, item.max));
    }
    wanted.extend(
        item.at_least
            .as_ref()
            .map(|period| format!("valid for at least {period} from the day you send it")),
    );
    put(
        body,
        format_args!(
            "<form method=\"post\" enctype=\"multipart/form-data\" action=\"{path}/items/{}\">{}<p>{}</p>",
            item.name,
            Key(key),
            Safe(&wanted.join("; "))
        ),
    );
    checked_for(body, &item.checks);
    // The day comes before the file, which is read as it comes in.
    if let Some(need) = item.valid_until {
        let required = if need == Need::Required { " required" } else { "" };
        put(
            body,
            format_args!("<p><label>Valid until <input type=\"date\" name=\"valid_until\"{required}></label></p>"),
        );
    }
    replaces(body, item);
    let (label, multiple) = if item.max > 1 {
        ("Files", " multiple")
    } else {
        ("File", "")
    };
    put(
        body,
        format_args!(
            "<p><label>{label} <input type=\"file\" name=\"file\"{}{multiple} required></label></p>\
             <button>Send {}</button></form>",
            Accept(&item.accept),
            Safe(&item.title)
        ),
    );
    if item.may_not_apply && item.state != ItemState::NotApplicable {
        put(
            body,
            format_args!(
                "<form method=\"post\" action=\"{path}/items/{}/not_applicable\">",
                item.name
            ),
        );
        reason(body, "because", "There is none, because");
        put(
            body,
            format_args!("<button>Mark {} as not applicable</button></form>", Safe(&item.title)),
        );
    }
}

/// The choice of the file that a new one replaces, where an item takes several.
fn replaces(body: &mut String, item: &AskedItem) {
    if item.max == 1 || item.files.is_empty() {
        return;
    }
    put(
        body,
        format_args!(
            "<p><label>This file <select name=\"{REPLACES_FIELD}\"><option value=\"\">is another one</option>"
        ),
    );
    for given in &item.files {
        put(
            body,
            format_args!(
                "<option value=\"{}\">replaces {}</option>",
                Safe(&given.file.id),
                Safe(&given.file.name)
            ),
        );
    }
    body.push_str("</select></label></p>");
}

/// Which files a browser offers to choose, so that a phone converts its pictures to a type that is taken.
struct Accept<'i>(&'i [String]);

impl std::fmt::Display for Accept<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let types: BTreeSet<&str> = self
            .0
            .iter()
            .filter_map(|ending| file_type::of_ending(ending))
            .collect();
        let endings = types
            .iter()
            .flat_map(|one| file_type::endings_of(one))
            .map(|ending| format!(".{ending}"));
        let all: Vec<String> = types.iter().map(|one| (*one).to_owned()).chain(endings).collect();
        if all.is_empty() {
            return Ok(());
        }
        write!(f, " accept=\"{}\"", Safe(&all.join(",")))
    }
}

/// What the file is checked for, in the words of whoever asks.
fn checked_for(body: &mut String, checks: &[String]) {
    if checks.is_empty() {
        return;
    }
    body.push_str("<p>The file is checked as it comes in. One that does not fit is not taken:</p><ul>");
    for check in checks {
        put(body, format_args!("<li>{}</li>", Safe(check)));
    }
    body.push_str("</ul>");
}

fn reason(body: &mut String, name: &str, words: &str) {
    put(
        body,
        format_args!(
            "<p><label>{words} <textarea name=\"{name}\" rows=\"2\" maxlength=\"{MAX_REASON_CHARS}\" required></textarea>\
             </label></p>"
        ),
    );
}

const fn in_words(state: ItemState) -> &'static str {
    match state {
        ItemState::Missing => "Missing",
        ItemState::MoreNeeded => "More files are needed",
        ItemState::Received | ItemState::InReview => "Received, and being looked at",
        ItemState::Accepted => "Accepted",
        ItemState::SentBack => "Sent back: please send it again",
        ItemState::NotApplicable => "Does not apply",
    }
}
