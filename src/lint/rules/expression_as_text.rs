//! Text that was meant as an expression: one brace too few, or none.

use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Document, Span, Value};
use crate::lint::rule::{Check, Report, Rule};
use crate::plan::Locator;

const CODE: Code = Code {
    id: "GF211",
    name: "expression-as-text",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Data(check),
};

/// What expressions begin with.
const ROOTS: [&str; 6] = ["steps", "inputs", "run", "event", "secrets", "item"];

/// Keys whose text is no template, outside of what an author names freely.
const NO_TEMPLATE: [&str; 14] = [
    "title",
    "description",
    "pattern",
    "if",
    "when",
    "where",
    "that",
    "after",
    "back_to",
    "prefer",
    "guarantees",
    "labels",
    "owner",
    "because",
];

/// Keys whose text may be one that nobody evaluates: most keys are none of them.
const PLAIN: [&str; 8] = [
    "default",
    "title",
    "event",
    "else",
    "keep",
    "because",
    "owner",
    "description",
];

/// Keys below which every text may be a template, whatever it is called.
const FREE: [&str; 2] = ["with", "outputs"];

fn check(document: &Document, report: &mut Report) {
    let mut walk = Walk {
        document,
        pointer: String::new(),
        report,
    };
    walk.value(&document.value, false);
}

struct Walk<'a> {
    document: &'a Document,
    /// Where the walk is: grown and cut, since most flows have nothing to report.
    pointer: String,
    report: &'a mut Report,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, is_free: bool) {
        let here = self.pointer.len();
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    if !is_free && self.is_plain_text(name, field) {
                        self.pointer.push('/');
                        self.pointer.push_str(&escape(name));
                        self.never_evaluated(field);
                        self.pointer.truncate(here);
                    }
                    let is_text = NO_TEMPLATE.contains(&name.as_str()) && !self.pointer.ends_with("/task");
                    if !is_free && (is_text || name.starts_with("x-")) {
                        continue;
                    }
                    self.pointer.push('/');
                    self.pointer.push_str(&escape(name));
                    self.value(field, is_free || FREE.contains(&name.as_str()));
                    self.pointer.truncate(here);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.pointer.push('/');
                    self.pointer.push_str(&index.to_string());
                    self.value(item, is_free);
                    self.pointer.truncate(here);
                }
            }
            Value::String(text) => self.text(text, is_free),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Whether what stands under the key `name` here is read by people, or compared, as it is written.
    fn is_plain_text(&self, name: &str, field: &Value) -> bool {
        if !PLAIN.contains(&name) {
            return false;
        }
        let here = self.pointer.as_str();
        // what is given there is named by the author or by somebody else
        let is_given = here.starts_with("/on/")
            || ["/set", "/add", "/each"].iter().any(|verb| here.ends_with(verb))
            || ["/set/", "/add/item", "/each/in"]
                .iter()
                .any(|data| here.contains(data));
        let is_item = here
            .rsplit_once('/')
            .is_some_and(|(list, _)| list.ends_with("/collect/items"));
        let is_wait = here.ends_with("/wait") || here.contains("/wait/any/") || here.contains("/wait/all/");
        match name {
            "default" => field.is_string() || field.is_array() || !here.ends_with("/items"),
            "title" => field.is_string() && !is_given && !is_item && !here.ends_with("/task"),
            "event" => field.is_string() && is_wait,
            "else" | "keep" | "because" | "owner" | "description" => field.is_string() && !is_given,
            _ => false,
        }
    }

    /// Tells of every expression in `value`, which nobody evaluates.
    fn never_evaluated(&mut self, value: &Value) {
        let here = self.pointer.len();
        match value {
            Value::String(text) => {
                let Some(at) = text.find("${{") else { return };
                let message = "`${{ }}` is taken as it stands: nothing is evaluated here";
                let place = Locator::new(self.document).place(&self.pointer, Span::new(at, at + 3));
                let finding = Diagnostic::error(CODE, message, place)
                    .with_help("write what people shall read; for the sign itself, leave out its braces");
                self.report.push(finding);
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.pointer.push_str(&format!("/{index}"));
                    self.never_evaluated(item);
                    self.pointer.truncate(here);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.pointer.push('/');
                    self.pointer.push_str(&escape(name));
                    self.never_evaluated(field);
                    self.pointer.truncate(here);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str, is_free: bool) {
        let is_meant = |slip: &Slip| slip.in_braces || !is_free && self.is_in_step() || self.is_known(&slip.expression);
        let Some(slip) = slip(text).filter(is_meant) else {
            return;
        };
        let locator = Locator::new(self.document);
        let right = format!("${{{{ {} }}}}", slip.expression);
        let message = format!(
            "`{}` is taken as it stands, not as an expression",
            &text[slip.span.start..slip.span.end]
        );
        let mut finding = Diagnostic::error(CODE, message, locator.place(&self.pointer, slip.span))
            .with_help(format!("write `{right}`"));
        if slip.in_braces
            && let Some(place) = locator.exact(&self.pointer, slip.span)
        {
            finding = finding.with_fix(place, right);
        }
        self.report.push(finding);
    }

    /// Whether the text stands in a step, where no file is named outside of what is free.
    fn is_in_step(&self) -> bool {
        ["/steps/", "/always/"]
            .iter()
            .any(|list| self.pointer.starts_with(list))
    }

    /// Whether the path names something that can be there: a file may well be called `inputs.pdf`.
    fn is_known(&self, path: &str) -> bool {
        let mut names = path.split('.');
        let (root, name, more) = (names.next(), names.next().unwrap_or_default(), names.next());
        match root {
            Some("steps") => more.is_some(),
            Some("inputs") => self
                .document
                .value
                .get("inputs")
                .is_some_and(|inputs| inputs.get(name).is_some()),
            Some("item") => self.pointer.contains("/each/steps/"),
            Some("run") => ["id", "flow", "version", "initiator", "started_at", "now"].contains(&name),
            Some("secrets") => name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'),
            _ => false,
        }
    }
}

/// Something that looks like an expression.
struct Slip {
    /// Where it stands in its text.
    span: Span,
    /// The expression.
    expression: String,
    /// Whether it stands in braces of the wrong kind, and not alone.
    in_braces: bool,
}

/// Whether a text looks like an expression that lacks its braces: what else is wrong with it then
/// is no news.
pub(super) fn is_slip(text: &str) -> bool {
    slip(text).is_some()
}

fn slip(text: &str) -> Option<Slip> {
    if !text.contains('{') {
        let path = text.trim();
        let span = Span::new(0, text.len());
        return is_path(path).then(|| Slip {
            span,
            expression: path.to_owned(),
            in_braces: false,
        });
    }
    let mut at = 0;
    while let Some(found) = text[at..].find('{') {
        let open = at + found;
        let dollar = text[..open].ends_with('$');
        let braces = text[open..].bytes().take_while(|byte| *byte == b'{').count();
        if dollar && braces >= 2 {
            // An expression as it should be, or one that the parser tells of.
            at = text[open..].find("}}").map(|end| open + end + 2)?;
            continue;
        }
        let inner = &text[open + braces..];
        let close = inner.find('}')?;
        if (dollar || braces == 2) && begins_with_root(inner[..close].trim()) {
            let begin = open - usize::from(dollar);
            let closing = inner[close..]
                .bytes()
                .take_while(|byte| *byte == b'}')
                .count()
                .min(braces);
            return Some(Slip {
                span: Span::new(begin, open + braces + close + closing),
                expression: inner[..close].trim().to_owned(),
                in_braces: true,
            });
        }
        at = open + braces;
    }
    None
}

fn begins_with_root(text: &str) -> bool {
    let rest = ROOTS.iter().find_map(|root| text.strip_prefix(root));
    rest.is_some_and(|rest| rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Whether the text is one dotted path and nothing else.
fn is_path(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    begins_with_root(text)
        && text
            .split('.')
            .all(|name| !name.is_empty() && name.chars().all(is_word))
}

#[cfg(test)]
mod tests {
    use super::slip;

    fn found(text: &str) -> Option<(&str, String)> {
        slip(text).map(|slip| (&text[slip.span.start..slip.span.end], slip.expression))
    }

    #[test]
    fn braces_that_are_missing_are_seen_and_other_text_is_not() {
        for (text, part, expression) in [
            ("${ inputs.a }", "${ inputs.a }", "inputs.a"),
            ("x {{ steps.a.file }}.", "{{ steps.a.file }}", "steps.a.file"),
            ("${{ inputs.a }} and ${inputs.b}", "${inputs.b}", "inputs.b"),
            ("steps.a.document", "steps.a.document", "steps.a.document"),
            (
                "${steps.a.file or inputs.b}",
                "${steps.a.file or inputs.b}",
                "steps.a.file or inputs.b",
            ),
        ] {
            assert_eq!(found(text), Some((part, expression.to_owned())), "{text}");
        }
        for text in [
            "${{ inputs.a }}",
            "${{ '${ inputs.a }' }}",
            "${HOME} and {inputs.a}",
            "See inputs.a",
            "stepson.a",
            "{\"a\": {\"inputs\": 1}}",
            "steps.",
            "${{ inputs.a",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
