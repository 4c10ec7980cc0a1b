//! What must be so, held against what is so.

use super::codes;
use super::facts::{Facts, fits, parties, party};
use super::file::{ExpectSpec, MailSpec, NeverSpec, OneOrMany};
use super::line::LineSpec;
use super::setting::Setting;
use crate::base::source::escape;
use crate::base::{Diagnostic, Document, Value};
use serde_json::json;
use std::collections::BTreeSet;

/// Mails that a finding shows at most.
const MAILS_SHOWN: usize = 12;

/// Holds expectations against facts; what does not fit is kept as findings in the test.
pub struct Judge<'j> {
    /// The test.
    pub document: &'j Document,
    /// What the cases share.
    pub setting: &'j Setting,
    /// What is so.
    pub facts: &'j Facts,
    /// What does not fit.
    pub findings: Vec<Diagnostic>,
}

impl Judge<'_> {
    pub(super) fn wrong(&mut self, pointer: &str, message: String, label: String, help: String) {
        let span = super::first_line(&self.document.text, self.document.spans.value(pointer));
        let finding = Diagnostic::error(codes::NOT_AS_EXPECTED, message, span)
            .with_label(label)
            .with_help(help);
        self.findings.push(finding);
    }

    /// Judges an `expect` at `at`.
    pub fn expect(&mut self, at: &str, expect: &ExpectSpec) {
        if let Some(wanted) = &expect.outcome {
            self.outcome(&format!("{at}/outcome"), wanted);
        }
        if let Some(wanted) = expect.runs.filter(|wanted| *wanted != self.facts.runs) {
            let found = self.facts.runs;
            let message = format!("the number of runs of the flow must be {wanted}, and it is {found}");
            let help = self.facts.excerpt(None);
            self.wrong(&format!("{at}/runs"), message, format!("{found} found"), help);
        }
        for (step, wanted) in &expect.steps {
            self.step(&format!("{at}/steps/{}", escape(step)), step, wanted);
        }
        for (step, wanted) in &expect.tasks {
            self.asked(&format!("{at}/tasks/{}", escape(step)), step, wanted);
        }
        for (person, wanted) in &expect.inbox {
            self.inbox(&format!("{at}/inbox/{}", escape(person)), person, wanted);
        }
        self.lists(at, expect);
        for (index, wanted) in expect.mails.iter().enumerate() {
            self.mail(&format!("{at}/mails/{index}"), wanted);
        }
        for (index, step) in expect.released.iter().enumerate() {
            self.released(&format!("{at}/released/{index}"), step);
        }
        for (name, wanted) in &expect.outputs {
            self.output(&format!("{at}/outputs/{}", escape(name)), name, wanted);
        }
        for (index, wanted) in expect.events.iter().enumerate() {
            if !self.happened(wanted) {
                let message = "the journal has no such line".to_owned();
                let help = self.facts.excerpt(wanted.word("step"));
                self.wrong(
                    &format!("{at}/events/{index}"),
                    message,
                    "it never happened".to_owned(),
                    help,
                );
            }
        }
    }

    fn outcome(&mut self, at: &str, wanted: &str) {
        let found = self.facts.outcome();
        if found.as_deref() == Some(wanted) {
            return;
        }
        let (message, label) = match found.as_deref() {
            None => (
                "no run of the flow was started".to_owned(),
                "there is no run".to_owned(),
            ),
            Some(found @ ("waiting" | "incident")) => (
                format!("the run has not ended as `{wanted}`"),
                format!("it is `{found}`"),
            ),
            Some(found) if ["waiting", "incident"].contains(&wanted) => {
                ("the run has ended".to_owned(), format!("it ended as `{found}`"))
            }
            Some(found) => (
                format!("the run ended as `{found}`, not as `{wanted}`"),
                format!("it was `{found}`"),
            ),
        };
        let help = self.facts.excerpt(None);
        self.wrong(at, message, label, help);
    }

    fn step(&mut self, at: &str, id: &str, wanted: &OneOrMany) {
        match wanted {
            OneOrMany::One(wanted) => {
                let (state, outcome) = match self.facts.step(id) {
                    // the run closed before it came to this step
                    Some(step) if step.state == "cancelled" && !self.facts.has_begun(id) => ("not_reached", None),
                    Some(step) => (shown(&step.state), step.outcome.clone()),
                    // a step of an element that is over
                    None => ("pending", self.facts.outcomes(id).pop()),
                };
                let found = outcome.unwrap_or_else(|| state.to_owned());
                if found != *wanted && state != wanted {
                    let message = format!("`{id}` came to `{found}`, not to `{wanted}`");
                    let help = self.facts.excerpt(Some(id));
                    self.wrong(at, message, format!("it was `{found}`"), help);
                }
            }
            OneOrMany::Many(wanted) => {
                let found = self.facts.outcomes(id);
                if found != *wanted {
                    let found = found.join("`, `");
                    let message = format!("round by round, `{id}` did not come to these");
                    let help = self.facts.excerpt(Some(id));
                    self.wrong(at, message, format!("it was `{found}`"), help);
                }
            }
        }
    }

    fn asked(&mut self, at: &str, step: &str, wanted: &[String]) {
        let directory = &self.setting.directory;
        let everybody = wanted
            .iter()
            .flat_map(|text| parties(directory, text).unwrap_or_default());
        let wanted: BTreeSet<String> = everybody.collect();
        let found = self.facts.asked(step);
        if found.as_ref() == Some(&wanted) || (found.is_none() && wanted.is_empty()) {
            return;
        }
        let label = match &found {
            None => "nobody is asked".to_owned(),
            Some(people) => format!("asked are {}", listed(people)),
        };
        let help = self.facts.excerpt(Some(step));
        self.wrong(at, format!("`{step}` asks other people"), label, help);
    }

    fn inbox(&mut self, at: &str, person: &str, wanted: &[String]) {
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        let found = self.facts.inbox_of(&party(&self.setting.directory, person));
        if found == wanted {
            return;
        }
        let label = match found.as_slice() {
            [] => "the list is empty".to_owned(),
            found => format!("on the list are `{}`", found.join("`, `")),
        };
        let help = self.facts.excerpt(None);
        self.wrong(at, format!("{person} has other tasks"), label, help);
    }

    fn mail(&mut self, at: &str, wanted: &MailSpec) {
        let found = self.matching(wanted);
        let is_right = wanted.count.map_or(found > 0, |count| count == found);
        if is_right {
            return;
        }
        let message = match wanted.count {
            Some(count) => format!("the number of such mails must be {count}, and it is {found}"),
            None => "no such mail went".to_owned(),
        };
        let help = self.all_mails();
        self.wrong(at, message, format!("{found} found"), help);
    }

    fn matching(&self, wanted: &MailSpec) -> usize {
        let directory = &self.setting.directory;
        let addresses: Option<BTreeSet<String>> = wanted.to.as_ref().map(|to| {
            let people = parties(directory, to).unwrap_or_default();
            people.iter().filter_map(|person| directory.email_of(person)).collect()
        });
        let has = |text: &str, part: Option<&String>| part.is_none_or(|part| text.contains(part.as_str()));
        let mails = self.facts.mails.iter().filter(|sent| {
            let to = |addresses: &BTreeSet<String>| sent.mail.to.iter().any(|address| addresses.contains(address));
            addresses.as_ref().is_none_or(to)
                && has(&sent.mail.subject, wanted.subject.as_ref())
                && has(&sent.mail.text, wanted.contains.as_ref())
        });
        mails.count()
    }

    fn all_mails(&self) -> String {
        if self.facts.mails.is_empty() {
            return "no mail went at all".to_owned();
        }
        let mails = self.facts.mails.iter().take(MAILS_SHOWN).map(|sent| {
            let at = sent.at.strftime("%Y-%m-%d %H:%M");
            format!("{at}  to {}  {}", sent.mail.to.join(", "), sent.mail.subject)
        });
        let mut lines: Vec<String> = mails.collect();
        if let Some(more) = self.facts.mails.len().checked_sub(MAILS_SHOWN).filter(|more| *more > 0) {
            lines.push(format!("and {more} more"));
        }
        format!("the mails that went:\n{}", lines.join("\n"))
    }

    fn released(&mut self, at: &str, step: &str) {
        let (acquired, released) = self.facts.acquired(&self.setting.plan, step);
        if !acquired.is_empty() && acquired.len() == released.len() {
            return;
        }
        let label = if acquired.is_empty() {
            "it has not made anything"
        } else {
            "it is still there"
        };
        let message = format!("what `{step}` made has not been taken back");
        let help = self.facts.excerpt(Some(step));
        self.wrong(at, message, label.to_owned(), help);
    }

    fn output(&mut self, at: &str, name: &str, wanted: &Value) {
        let found = self.facts.outputs.as_ref().map(|outputs| outputs.get(name));
        match found {
            Some(Some(found)) if fits(found, wanted) => {}
            Some(Some(found)) => {
                let message = format!("the output `{name}` is another");
                let help = format!("the run gave {}", self.facts.outputs.clone().unwrap_or_default());
                self.wrong(at, message, format!("it is {found}"), help);
            }
            Some(None) => {
                let help = format!("the run gave {}", self.facts.outputs.clone().unwrap_or_default());
                self.wrong(
                    at,
                    format!("the run gave no output `{name}`"),
                    "there is none".to_owned(),
                    help,
                );
            }
            None => {
                let help = self.facts.excerpt(None);
                self.wrong(
                    at,
                    "the run has not ended".to_owned(),
                    "there is none yet".to_owned(),
                    help,
                );
            }
        }
    }

    fn happened(&self, wanted: &LineSpec) -> bool {
        let wanted = json!(wanted.0);
        let mut records = self.facts.journal.iter();
        records.any(|record| serde_json::to_value(record).is_ok_and(|found| fits(&found, &wanted)))
    }

    /// Judges an entry of `never` at `at`.
    pub fn never(&mut self, at: &str, never: &NeverSpec) {
        if let Some(step) = &never.step {
            self.never_step(at, step, never.outcome.as_deref());
        }
        if let Some(action) = never
            .action
            .as_ref()
            .filter(|action| self.facts.was_called(&self.setting.plan, action))
        {
            let message = format!("`{action}` was called");
            let help = self.facts.excerpt(None);
            self.wrong(&format!("{at}/action"), message, "it must not be".to_owned(), help);
        }
        if let Some(mail) = &never.mail {
            let found = self.matching(mail);
            if found > mail.count.unwrap_or(0) {
                let help = self.all_mails();
                self.wrong(
                    &format!("{at}/mail"),
                    "such a mail went".to_owned(),
                    "they must not".to_owned(),
                    help,
                );
            }
        }
        if let Some(step) = &never.share {
            let (acquired, _) = self.facts.acquired(&self.setting.plan, step);
            if acquired.iter().any(|share| self.facts.open_shares.contains(share)) {
                let message = format!("the share that `{step}` made is still open");
                let help = self.facts.excerpt(Some(step));
                self.wrong(&format!("{at}/share"), message, "it must not be".to_owned(), help);
            }
        }
        if let Some(event) = never.event.as_ref().filter(|event| self.happened(event)) {
            let help = self.facts.excerpt(event.word("step"));
            let message = "the journal has such a line".to_owned();
            self.wrong(&format!("{at}/event"), message, "it must not happen".to_owned(), help);
        }
    }

    fn never_step(&mut self, at: &str, step: &str, outcome: Option<&str>) {
        let came = match outcome {
            Some(outcome) => self.facts.outcomes(step).iter().any(|found| found == outcome),
            None => self.facts.has_begun(step),
        };
        if !came {
            return;
        }
        let (place, message) = match outcome {
            Some(outcome) => ("outcome", format!("`{step}` came to `{outcome}`")),
            None => ("step", format!("`{step}` was begun")),
        };
        let help = self.facts.excerpt(Some(step));
        self.wrong(&format!("{at}/{place}"), message, "it must not".to_owned(), help);
    }
}

/// How a step stands, in the words of a test.
fn shown(state: &str) -> &str {
    match state {
        "active" => "waiting",
        other => other,
    }
}

pub(super) fn listed(people: &BTreeSet<String>) -> String {
    if people.is_empty() {
        return "nobody".to_owned();
    }
    let short = |person: &String| {
        let (_, name) = person.split_once(':').unwrap_or(("", person));
        name.to_owned()
    };
    people.iter().map(short).collect::<Vec<_>>().join(", ")
}
