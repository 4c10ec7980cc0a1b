//! Values that nobody has given: made up from a seed, by type, and by what the flow reads of them.

use super::chance::Chance;
use crate::base::{Semantics, Value};
use crate::people::Directory;
use crate::spec::values::check_value;
use crate::spec::{InputKind, InputSpec};
use jiff::ToSpan;
use jiff::civil::Date;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, json};

/// Most characters of a text that is made up to match a pattern.
const LONGEST: usize = 1_000;
/// Letters of a class that are chosen from.
const LETTERS: usize = 128;
/// How far ahead days lie at most, in days.
const DAYS: usize = 60;

/// Makes values up.
pub struct Maker<'m> {
    /// Where chance comes from.
    pub chance: &'m mut Chance,
    /// Who there is.
    pub directory: &'m Directory,
    /// The day today.
    pub today: Date,
}

impl Maker<'_> {
    /// A value for the input or field `name`. What no made-up value meets is told when it is given.
    pub fn input(&mut self, name: &str, spec: &InputSpec) -> Value {
        if spec.kind != InputKind::List {
            return self.of_kind(name, spec.kind, spec);
        }
        let fewest = spec.min.map_or(1, whole).clamp(1, 20);
        let most = spec.max.map_or(fewest + 2, whole).max(fewest);
        let count = fewest + self.chance.below((most - fewest).min(2) + 1);
        let kind = spec.of.unwrap_or(InputKind::Text);
        let plain = InputSpec {
            min: None,
            max: None,
            ..spec.clone()
        };
        let element = |number: usize| self.of_kind(&format!("{name}-{number}"), kind, &plain);
        Value::Array((1..=count).map(element).collect())
    }

    fn of_kind(&mut self, name: &str, kind: InputKind, spec: &InputSpec) -> Value {
        match kind {
            InputKind::Text => self.text(name, spec),
            InputKind::Number | InputKind::Integer => self.number(spec),
            InputKind::Boolean => json!(self.chance.below(2) == 1),
            InputKind::Date => json!(self.day()),
            InputKind::Duration => json!(self.chance.pick(&["2 days", "5 days", "10 days"])),
            InputKind::Email => json!(format!("{}@example.com", slug(name))),
            InputKind::Person => {
                let users: Vec<&String> = self.directory.users.keys().collect();
                json!(self.chance.pick(&users).map(|user| format!("user:{user}")))
            }
            InputKind::Choice => json!(self.chance.pick(&spec.options)),
            InputKind::File => {
                let ending = spec
                    .accept
                    .first()
                    .map_or("pdf", |ending| ending.trim_start_matches('.'));
                json!({ "name": format!("{}.{ending}", slug(name)) })
            }
            InputKind::List => json!([]),
            InputKind::Object => json!({}),
        }
    }

    /// A day that lies ahead.
    pub fn day(&mut self) -> Date {
        let ahead = i64::try_from(self.chance.below(DAYS) + 1).unwrap_or(1);
        self.today.checked_add(ahead.days()).unwrap_or(self.today)
    }

    fn text(&mut self, name: &str, spec: &InputSpec) -> Value {
        let title = spec.title.as_deref().unwrap_or(name).to_owned();
        let fewest = spec.min.map_or(0, whole).min(10_000);
        let padding = "x".repeat(fewest.saturating_sub(title.chars().count()));
        let most = spec.max.map_or(usize::MAX, whole);
        let fitted: String = format!("{title}{padding}").chars().take(most).collect();
        let fitted = json!(fitted);
        let matching = spec
            .pattern
            .as_ref()
            .filter(|_| check_value(spec, &fitted, Semantics::CURRENT).is_err());
        matching
            .and_then(|pattern| self.matching(pattern))
            .map_or(fitted, Value::String)
    }

    /// A text that matches a pattern, where that can be found without trying.
    fn matching(&mut self, pattern: &str) -> Option<String> {
        let parsed = regex_syntax::parse(pattern).ok()?;
        let mut text = String::new();
        self.follow(&parsed, &mut text)?;
        Some(text)
    }

    /// Adds a text that matches; nothing where it becomes too long.
    fn follow(&mut self, pattern: &Hir, text: &mut String) -> Option<()> {
        match pattern.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
            HirKind::Class(Class::Unicode(class)) => {
                let letters = class
                    .ranges()
                    .iter()
                    .flat_map(|range| (range.start()..=range.end()).take(LETTERS));
                let mut letters: Vec<char> = letters.take(LETTERS).collect();
                if letters.iter().any(char::is_ascii_alphanumeric) {
                    letters.retain(char::is_ascii_alphanumeric);
                }
                text.push(*self.chance.pick(&letters)?);
            }
            HirKind::Class(Class::Bytes(_)) => return None,
            HirKind::Repetition(repeated) => {
                let fewest = usize::try_from(repeated.min).ok()?;
                let once = usize::from(repeated.max.is_none_or(|most| most > 0));
                for _ in 0..fewest.max(once) {
                    self.follow(&repeated.sub, text)?;
                }
            }
            HirKind::Capture(group) => self.follow(&group.sub, text)?,
            HirKind::Concat(parts) => {
                for part in parts {
                    self.follow(part, text)?;
                }
            }
            HirKind::Alternation(choices) => {
                let at = self.chance.below(choices.len());
                self.follow(choices.get(at)?, text)?;
            }
        }
        (text.len() <= LONGEST).then_some(())
    }

    fn number(&mut self, spec: &InputSpec) -> Value {
        let least = spec
            .min
            .unwrap_or_else(|| spec.max.map_or(1.0, |max| max.min(1.0)))
            .ceil();
        let span = spec.max.map_or(1_000, |max| whole(max - least)).min(1_000);
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
        let drawn = least + self.chance.below(span + 1) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole")]
        let number = drawn as i64;
        json!(number)
    }

    /// `made`, with every path that a flow reads of it filled in where nothing is there. `read` is what
    /// stands behind the name in the flow, as `mentions` finds it.
    pub fn with_mentioned(&mut self, made: Value, read: &[Mention]) -> Value {
        let mut made = made;
        for mention in read {
            let value = match &mention.compared {
                Compared::With(values) => self.chance.pick(values).cloned().unwrap_or_default(),
                Compared::Counted => Value::Array(vec![json!("made up"); self.chance.below(3)]),
                Compared::Asked => json!(self.chance.below(2) == 1),
                Compared::Not => json!("made up"),
            };
            put(&mut made, &mention.path, value);
        }
        made
    }
}

/// What is read of something, and what it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    /// The names behind it.
    pub path: Vec<String>,
    compared: Compared,
}

#[derive(Clone, Debug, PartialEq)]
enum Compared {
    /// With one of these, or with something that they lie around.
    With(Vec<Value>),
    /// It has a length.
    Counted,
    /// It is true or false.
    Asked,
    /// With nothing.
    Not,
}

/// Where `text` reads something of `name`, as `body.hits` of `steps.query.`.
pub fn mentions(text: &str, name: &str) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find(name).map(|next| at + next) {
        at = next + name.len();
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let end = text[at..].find(|c| !is_name(c)).map_or(text.len(), |end| at + end);
        let path: Vec<String> = text[at..end].split('.').map(str::to_owned).collect();
        let is_whole = path.iter().all(|part| !part.is_empty()) && !text[end..].starts_with('(');
        let is_new = found.iter().all(|mention| mention.path != path);
        if is_whole && is_new {
            let compared = compared(&text[..next], &text[end..]);
            found.push(Mention { path, compared });
        }
    }
    found
}

/// What the words around a mention say of it.
fn compared(before: &str, after: &str) -> Compared {
    let after = after.trim_start_matches(' ');
    if let Some(filter) = after.strip_prefix('|') {
        return match filter.trim_start() {
            filter if filter.starts_with("length") => Compared::Counted,
            _ => Compared::Not,
        };
    }
    let operators = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/"];
    if let Some(operand) = operators.iter().find_map(|operator| after.strip_prefix(operator)) {
        let operand = operand.trim_start();
        let digits = operand.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        if let Ok(number) = digits.parse::<i64>() {
            return Compared::With(vec![json!(number - 1), json!(number), json!(number + 1)]);
        }
        let quoted = operand.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
        return match quoted {
            Some((text, _)) => Compared::With(vec![json!(text), json!("made up")]),
            None if operand.starts_with("true") || operand.starts_with("false") => Compared::Asked,
            None => Compared::With(vec![json!(1)]),
        };
    }
    let asks = ["if:", "when:", "that:", "where:", " not", " and", " or"];
    if asks
        .iter()
        .any(|word| before.trim_end_matches([' ', '"', '\'', '(']).ends_with(word))
    {
        return Compared::Asked;
    }
    Compared::Not
}

fn put(into: &mut Value, path: &[String], value: Value) {
    let [name, rest @ ..] = path else {
        return;
    };
    if into.is_null() || *into == json!("made up") {
        *into = Value::Object(Map::new());
    }
    let Some(fields) = into.as_object_mut() else { return };
    let field = fields.entry(name.clone()).or_insert(Value::Null);
    if !rest.is_empty() {
        put(field, rest, value);
    } else if field.is_null() || *field == json!("made up") {
        *field = value;
    }
}

/// A name that can stand in an address and in the name of a file.
fn slug(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is cut to what fits"
)]
fn whole(number: f64) -> usize {
    number.clamp(0.0, 1e9) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> InputSpec {
        serde_json::from_value(crate::base::Document::parse("x", text).0.value).expect("an input")
    }

    fn made(name: &str, text: &str) -> Value {
        let directory = Directory::default();
        let mut maker = Maker {
            chance: &mut Chance::new(3),
            directory: &directory,
            today: jiff::civil::date(2026, 3, 2),
        };
        maker.input(name, &spec(text))
    }

    #[test]
    fn what_is_made_up_fits_what_is_wanted() {
        for text in [
            "type: text",
            "{ type: text, min: 40 }",
            "{ type: text, max: 3 }",
            "{ type: text, pattern: '[A-Z][0-9]+' }",
            "{ type: text, pattern: '(ES|FR)-\\d{4,}(-[a-z])?' }",
            "{ type: text, pattern: '.+@[^@ ]*x?' }",
            "{ type: number, min: 0.5, max: 2 }",
            "{ type: integer, min: 5 }",
            "{ type: integer, max: -3 }",
            "type: boolean",
            "type: date",
            "type: duration",
            "type: email",
            "{ type: choice, options: [a, b] }",
            "{ type: list, of: email, min: 2, max: 2 }",
            "{ type: list, of: text }",
            "type: object",
        ] {
            let made = made("what_it_is", text);
            assert!(
                check_value(&spec(text), &made, Semantics::CURRENT).is_ok(),
                "{text}: {made}"
            );
        }
        assert_eq!(
            made("paper", "{ type: file, accept: [docx] }"),
            json!({ "name": "paper.docx" })
        );
    }

    #[test]
    fn what_a_flow_reads_is_filled_in() {
        let text = "when: steps.q.body.hits > 3\nwhen: steps.q.body.list | length > 0\n${{ steps.q.body.ticket }}\n\
                    if: steps.q.body.sure and steps.other.x == 'a'\nwhen: steps.q.status == 200";
        let read = mentions(text, "steps.q.");
        let paths: Vec<String> = read.iter().map(|mention| mention.path.join(".")).collect();
        assert_eq!(paths, ["body.hits", "body.list", "body.ticket", "body.sure", "status"]);
        let directory = Directory::default();
        let mut maker = Maker {
            chance: &mut Chance::new(3),
            directory: &directory,
            today: jiff::civil::date(2026, 3, 2),
        };
        let made = maker.with_mentioned(json!({ "status": 204, "body": null }), &read);
        assert!(
            made["body"]["hits"]
                .as_i64()
                .is_some_and(|hits| (2..=4).contains(&hits)),
            "{made}"
        );
        assert!(
            made["body"]["list"].is_array() && made["body"]["sure"].is_boolean(),
            "{made}"
        );
        assert_eq!(
            (&made["body"]["ticket"], &made["status"]),
            (&json!("made up"), &json!(204))
        );
    }
}
