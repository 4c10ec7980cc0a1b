//! Words that a test expects or forbids, and that can never be found: a step without its element, somebody no mail
//! goes to, a status that no run ends with.

use super::check::Checker;
use super::facts::party;
use crate::base::diagnostic::nearest;
use crate::base::{Document, Value};
use crate::plan::{Body, Disposition, Plan, PlanStep, PlanVerb};
use crate::spec::RunSpec;

/// How a run stands that has not ended.
const STANDS: [&str; 2] = ["waiting", "incident"];

impl Checker<'_> {
    /// The step that the journal calls so: of a step inside an `each`, that of one element. Under `never` the id alone
    /// stands for it in every element.
    pub(super) fn exact(&mut self, at: &str, is_key: bool, in_all: bool, name: &str) -> Option<PlanStep> {
        let found = if is_key {
            self.step_by_key(at, name)
        } else {
            self.step(at, name)
        }?;
        let plan = std::sync::Arc::clone(&self.setting.plan);
        let around = around(&plan, &found.id);
        if in_element(name, &around) || (in_all && name == found.id) {
            return Some(found);
        }
        let right: String = around.iter().map(|each| format!("{each}[0].")).collect();
        let right = format!("{right}{}", found.id);
        let (message, help) = match around.last() {
            Some(each) => (
                format!(
                    "`{name}` is no step by itself: `{}` is done for each element of `{each}`",
                    found.id
                ),
                format!("name the element, counted from 0, as `{right}`"),
            ),
            None => (
                format!("`{name}` is no step: `{}` is done once, for no element", found.id),
                format!("write `{right}`"),
            ),
        };
        self.wrong_with(at, is_key, message, help);
        None
    }

    /// The person whose list is looked at.
    pub(super) fn one_person(&mut self, at: &str, is_key: bool, text: &str) {
        let directory = &self.setting.directory;
        let found = party(directory, text);
        let is_one = match found.split_once(':') {
            Some(("user", name)) => directory.users.contains_key(name),
            Some(("email", _)) => true,
            _ => false,
        };
        if !is_one {
            let near = nearest(text, directory.users.keys().map(String::as_str)).map(str::to_owned);
            let message = self.no_person(text);
            if is_key {
                self.wrong_key(at, message, near);
            } else {
                self.wrong(at, message, near);
            }
        }
    }

    /// Whom a mail would go to: somebody of the directory, or an address that the test or a flow tells.
    pub(super) fn recipient(&mut self, at: &str, to: &str) {
        self.person(at, to);
        let address = to.trim().trim_start_matches("email:").to_lowercase();
        let is_theirs = party(&self.setting.directory, to).starts_with("user:");
        if !address.contains('@') || is_theirs || self.is_told(&address) {
            return;
        }
        let message = format!("no mail can go to `{address}`: neither the test nor a flow tells this address");
        let mut known = addresses(&said(self.document));
        known.extend(
            self.setting
                .directory
                .users
                .values()
                .map(|person| person.email.to_lowercase()),
        );
        let near = nearest(&address, known.iter().map(String::as_str)).map(str::to_owned);
        self.wrong(at, message, near);
    }

    /// Whether an address may come up in the cases: it stands in what the test gives or in a flow, or a flow puts
    /// addresses together, or the test gives files whose content is not known here.
    fn is_told(&self, address: &str) -> bool {
        let said = said(self.document);
        let flows = || self.setting.flows.iter().map(|flow| flow.text.to_lowercase());
        said.contains(address)
            || said.contains("\"path\":")
            || flows().any(|text| text.contains(address) || puts_addresses_together(&text))
    }

    /// A status that the run may end with, or how it stands.
    pub(super) fn status(&mut self, at: &str, status: &str) {
        let plan = std::sync::Arc::clone(&self.setting.plan);
        let mut known = ends(plan.bodies().filter(|body| body.outer.is_none()));
        known.extend(STANDS);
        self.word(at, "no run of the flow ends as", status, &known);
    }

    /// A flow that is deployed in the cases.
    pub(super) fn flow(&mut self, at: &str, name: &str) {
        let names: Vec<String> = self
            .setting
            .flows
            .iter()
            .filter_map(|flow| name_of(&flow.text))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.word(at, "the test has no flow", name, &names);
    }
}

fn name_of(text: &str) -> Option<String> {
    let document = Document::parse("", text).0;
    document.value.get("flow").and_then(Value::as_str).map(str::to_owned)
}

/// The statuses that lists of steps end with, and those that a run has by itself.
pub(super) fn ends<'p>(bodies: impl Iterator<Item = Body<'p>>) -> Vec<&'p str> {
    let mut ends = RunSpec::ENDS.to_vec();
    for step in bodies.flat_map(|body| body.steps) {
        if let PlanVerb::End { status, .. } = &step.verb {
            ends.push(status);
        }
        for leads in step.outcomes.values() {
            let mut leads = leads;
            while let Disposition::BackTo { then, .. } = leads {
                leads = then;
            }
            if let Disposition::End(status) = leads {
                ends.push(status);
            }
        }
    }
    ends
}

/// The `each` that a step stands in, the outermost first.
fn around<'p>(plan: &'p Plan, id: &str) -> Vec<&'p str> {
    let mut found = Vec::new();
    let mut outer = plan.find(id).and_then(|(body, _)| plan.body(body).outer);
    while let Some((body, each)) = outer {
        let body = plan.body(body);
        found.insert(0, body.step(each).id.as_str());
        outer = body.outer;
    }
    found
}

/// Whether a name names one element of each `each` around: `departments[3].rows#2[0].sign`.
fn in_element(name: &str, around: &[&str]) -> bool {
    let mut parts: Vec<&str> = name.split('.').collect();
    parts.pop();
    let is_one_of = |(part, each): (&&str, &&str)| {
        let Some((head, index)) = part.strip_suffix(']').and_then(|part| part.split_once('[')) else {
            return false;
        };
        let (id, round) = head.split_once('#').unwrap_or((head, "2"));
        id == *each && index.parse::<u32>().is_ok() && round.parse::<u32>().is_ok_and(|round| round > 1)
    };
    parts.len() == around.len() && parts.iter().zip(around).all(is_one_of)
}

/// What a test gives, as text: all of it but for what it expects and forbids.
fn said(document: &Document) -> String {
    fn without(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let kept = map
                    .iter()
                    .filter(|(key, _)| !["expect", "never"].contains(&key.as_str()));
                Value::Object(kept.map(|(key, value)| (key.clone(), without(value))).collect())
            }
            Value::Array(list) => list.iter().map(without).collect(),
            other => other.clone(),
        }
    }
    without(&document.value).to_string().to_lowercase()
}

/// Whether some `@` stands beside what is computed, or alone, so that any address may come of it.
fn puts_addresses_together(text: &str) -> bool {
    let is_of_address = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    text.match_indices('@')
        .any(|(at, _)| !is_of_address(text[..at].chars().next_back()) || !is_of_address(text[at + 1..].chars().next()))
}

/// The addresses that stand in a text.
fn addresses(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !(letter.is_alphanumeric() || "@.-_+".contains(letter)));
    words.filter(|word| word.contains('@')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{in_element, puts_addresses_together};

    #[test]
    fn a_step_of_an_element_is_named_with_all_elements_around_it() {
        for (name, around, is_right) in [
            ("sign", &[][..], true),
            ("parts[0].sign", &["parts"], true),
            ("parts#2[10].sign", &["parts"], true),
            ("parts[0].rows[1].sign", &["parts", "rows"], true),
            ("sign", &["parts"], false),
            ("parts.sign", &["parts"], false),
            ("parts[x].sign", &["parts"], false),
            ("parts#1[0].sign", &["parts"], false),
            ("rows[0].sign", &["parts"], false),
            ("rows[1].sign", &["parts", "rows"], false),
            ("parts[0].sign", &[], false),
        ] {
            assert_eq!(in_element(name, around), is_right, "{name}");
        }
    }

    #[test]
    fn an_address_that_is_written_out_is_not_put_together() {
        for (text, is_put_together) in [
            ("to: rosa@example.com", false),
            ("to: \"${{ inputs.name }}@example.com\"", true),
            ("to: ${{ inputs.name ~ '@' ~ inputs.host }}", true),
            ("to: rosa@${{ inputs.host }}", true),
        ] {
            assert_eq!(puts_addresses_together(text), is_put_together, "{text}");
        }
    }
}
