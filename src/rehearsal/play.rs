//! One case, played from its beginning to the end of the run.

use super::codes;
use super::doings::{Actor, Fault};
use super::expect::Judge;
use super::facts::Facts;
use super::file::{CaseSpec, EntrySpec, TestSpec};
use super::moment::When;
use super::read::DOINGS;
use super::setting::{BEGINNING, Setting};
use super::stage::{Stage, StageError};
use crate::base::id::RunId;
use crate::base::{Diagnostic, Document, Timestamp};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// What came of a case.
#[derive(Debug, Default)]
pub struct Played {
    /// What is wrong, in the test; nothing where the case passed.
    pub findings: Vec<Diagnostic>,
    /// Steps with the outcomes that they came to.
    pub outcomes: BTreeSet<(String, String)>,
    /// How long it took in virtual time.
    pub passed: SignedDuration,
}

/// A case that is being played.
struct Scene<'s> {
    document: &'s Document,
    setting: &'s Setting,
    case: &'s CaseSpec,
    /// Its pointer in the test.
    at: String,
    stage: Stage<'s>,
    began: Timestamp,
    findings: Vec<Diagnostic>,
}

/// That the case cannot go on; what is wrong was kept.
struct Over;

/// Plays the case at `index` of `test`.
pub async fn play(setting: &Setting, document: &Document, test: &TestSpec, index: usize) -> Played {
    let case = &test.cases[index];
    let at = format!("/cases/{index}");
    setting.world.begin(vec![case.actions.clone(), test.actions.clone()]);
    let calendar = setting.plan.calendar.as_ref();
    let clock = case.clock.as_ref().or(test.clock.as_ref());
    let begins = clock.map_or(BEGINNING, String::as_str);
    let beginning: Timestamp = BEGINNING.parse().expect("it is a moment");
    let began = When::parse(begins).and_then(|when| when.resolve(beginning, calendar));
    let opened = match began {
        Ok(began) => Stage::open(setting, began)
            .await
            .map(|stage| (stage, began))
            .map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    let (stage, began) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let span = document.spans.value(&format!("{at}/name"));
            return Played {
                findings: vec![Diagnostic::error(codes::CANNOT_BE_PLAYED, error, span)],
                ..Played::default()
            };
        }
    };
    let mut scene = Scene {
        document,
        setting,
        case,
        at,
        stage,
        began,
        findings: Vec::new(),
    };
    let _ = scene.play().await;
    scene.finish().await
}

impl Scene<'_> {
    async fn play(&mut self) -> Result<(), Over> {
        self.configure().await?;
        self.start().await?;
        let mut before = self.began;
        for (index, entry) in self.case.timeline.iter().enumerate() {
            let at = format!("{}/timeline/{index}", self.at);
            before = self.go_on_to(&at, entry, before).await?;
            self.entry(&at, index, entry).await?;
            before = before.max(self.stage.now());
        }
        let gone_on = self.stage.go_on_to_the_end().await;
        self.on_stage(&format!("{}/name", self.at), gone_on)?;
        let facts = self.facts(&format!("{}/name", self.at)).await?;
        self.judge_the_end(&facts);
        Ok(())
    }

    fn judge_the_end(&mut self, facts: &Facts) {
        let (at, case) = (self.at.clone(), self.case);
        let mut judge = self.judge(facts);
        if let Some(expect) = &case.expect {
            judge.expect(&format!("{at}/expect"), expect);
        }
        for (index, never) in case.never.iter().enumerate() {
            judge.never(&format!("{at}/never/{index}"), never);
        }
        let findings = std::mem::take(&mut judge.findings);
        self.findings.extend(findings);
        let says = case
            .expect
            .as_ref()
            .is_some_and(|expect| expect.outcome.is_some() || expect.runs == Some(0));
        let is_refused = case.start.as_ref().is_some_and(|start| start.refused.is_some());
        if !says && !is_refused {
            self.unsaid_end(facts);
        }
    }

    /// A run that the test says nothing about must at least have ended.
    fn unsaid_end(&mut self, facts: &Facts) {
        let span = self.document.spans.value(&format!("{}/name", self.at));
        let (message, say) = match facts.outcome().as_deref() {
            None => ("no run of the flow was started".to_owned(), "runs: 0".to_owned()),
            Some(state @ ("waiting" | "incident")) => (
                format!("the run has not ended: it is `{state}`"),
                format!("outcome: {state}"),
            ),
            Some(_) => return,
        };
        let help = format!(
            "{}\nif that is how it must be, say so: `expect: {{ {say} }}`",
            facts.excerpt(None)
        );
        self.findings
            .push(Diagnostic::error(codes::NOT_AS_EXPECTED, message, span).with_help(help));
    }

    fn judge<'j>(&'j self, facts: &'j Facts) -> Judge<'j> {
        Judge {
            document: self.document,
            setting: self.setting,
            facts,
            findings: Vec::new(),
        }
    }

    fn actor(&self, run: Option<RunId>, key: &str) -> Actor<'_, '_> {
        Actor {
            stage: &self.stage,
            run,
            key: key.to_owned(),
        }
    }

    /// What was set before the case begins.
    async fn configure(&mut self) -> Result<(), Over> {
        if self.case.settings.is_empty() {
            return Ok(());
        }
        let at = format!("{}/settings", self.at);
        let given = self
            .actor(None, "settings")
            .configure("role:admin", &self.case.settings)
            .await;
        self.stage.settle().await;
        self.came_out(&at, "settings", None, given)
    }

    async fn start(&mut self) -> Result<(), Over> {
        let Some(start) = &self.case.start else { return Ok(()) };
        let at = format!("{}/start", self.at);
        let started = self.actor(None, "start").start(&start.by, &start.inputs).await;
        self.stage.settle().await;
        self.came_out(&at, "start", start.refused.as_deref(), started.map(|_| ()))
    }

    /// Lets time go on to the moment of an entry, which it returns.
    async fn go_on_to(&mut self, at: &str, entry: &EntrySpec, before: Timestamp) -> Result<Timestamp, Over> {
        let calendar = self.setting.plan.calendar.as_ref();
        let (key, moment) = match (&entry.at, &entry.after) {
            (Some(text), _) => (
                "at",
                When::parse(text).and_then(|when| when.resolve(self.began, calendar)),
            ),
            (None, Some(text)) => (
                "after",
                When::length(text).and_then(|when| when.resolve(before, calendar)),
            ),
            (None, None) => return Ok(before),
        };
        let pointer = format!("{at}/{key}");
        let moment = moment.and_then(|moment| {
            let is_ahead = moment >= before;
            is_ahead.then_some(moment).ok_or_else(|| {
                format!("time does not go back: the entry before is at {before}, and this one would be at {moment}")
            })
        });
        let moment = moment.map_err(|error| self.cannot(&pointer, error))?;
        let gone_on = self.stage.go_on_to(moment).await;
        self.on_stage(&pointer, gone_on)?;
        Ok(moment)
    }

    async fn entry(&mut self, at: &str, index: usize, entry: &EntrySpec) -> Result<(), Over> {
        if let Some(expect) = &entry.expect {
            let facts = self.facts(at).await?;
            let mut judge = self.judge(&facts);
            judge.expect(&format!("{at}/expect"), expect);
            let findings = std::mem::take(&mut judge.findings);
            self.findings.extend(findings);
            return Ok(());
        }
        if entry.crash {
            let crashed = self.stage.crash().await.map_err(StageError::from);
            return self.on_stage(at, crashed);
        }
        if let Some(length) = &entry.down {
            let at = format!("{at}/down");
            let calendar = self.setting.plan.calendar.as_ref();
            let until = When::length(length).and_then(|when| when.resolve(self.stage.now(), calendar));
            let until = until.map_err(|error| self.cannot(&at, error))?;
            let back = self.stage.down_until(until).await.map_err(StageError::from);
            return self.on_stage(&at, back);
        }
        let run = self.stage.runs().await.map_err(StageError::from);
        let run = self.on_stage(at, run)?.into_iter().next().map(|run| run.id);
        let done = self.actor(run, &index.to_string()).perform(entry).await;
        self.stage.settle().await;
        let map = self.document.value.pointer(at);
        let doing = DOINGS
            .into_iter()
            .find(|doing| map.is_some_and(|map| map.get(doing).is_some()));
        let doing = doing.unwrap_or_default();
        self.came_out(&format!("{at}/{doing}"), doing, entry.refused.as_deref(), done)
    }

    /// Holds what came of a doing against what the test says of it.
    fn came_out(&mut self, at: &str, doing: &str, refused: Option<&str>, done: Result<(), Fault>) -> Result<(), Over> {
        let span = self.document.spans.key(at);
        let finding = match (done, refused) {
            (Ok(()), None) => return Ok(()),
            (Err(Fault::Refused(why)), Some(words)) if why.contains(words) => return Ok(()),
            (Ok(()), Some(words)) => {
                let message = format!("`{doing}` was not refused");
                Diagnostic::error(codes::NOT_AS_EXPECTED, message, span)
                    .with_label(format!("it must be refused because of \"{words}\""))
            }
            (Err(Fault::Refused(why)), Some(words)) => {
                let message = format!("`{doing}` was refused for another reason: {why}");
                Diagnostic::error(codes::NOT_AS_EXPECTED, message, span)
                    .with_label(format!("it must be refused because of \"{words}\""))
            }
            (Err(Fault::Refused(why)), None) => {
                let message = format!("`{doing}` was refused: {why}");
                let help = "if that is how it must be, say so beside it: `refused: WORDS OF THE REASON`";
                Diagnostic::error(codes::NOT_AS_EXPECTED, message, span).with_help(help)
            }
            (Err(Fault::Other(message, found)), _) => {
                Diagnostic::error(codes::NOT_AS_EXPECTED, message, span).with_help(format!("what is there: {found}"))
            }
            (Err(Fault::Wrong(why) | Fault::Broken(why)), _) => Diagnostic::error(codes::CANNOT_BE_PLAYED, why, span),
        };
        self.findings.push(finding);
        Err(Over)
    }

    async fn facts(&mut self, at: &str) -> Result<Facts, Over> {
        let gathered = Facts::gather(&self.stage).await.map_err(StageError::from);
        self.on_stage(at, gathered)
    }

    fn on_stage<T>(&mut self, at: &str, result: Result<T, StageError>) -> Result<T, Over> {
        result.map_err(|error| self.cannot(at, error.to_string()))
    }

    fn cannot(&mut self, at: &str, why: String) -> Over {
        let span = self.document.spans.value(at);
        let span = super::first_line(&self.document.text, span);
        self.findings
            .push(Diagnostic::error(codes::CANNOT_BE_PLAYED, why, span));
        Over
    }

    async fn finish(mut self) -> Played {
        for call in self.setting.world.unanswered() {
            let span = self.document.spans.value(&format!("{}/name", self.at));
            let message = format!(
                "the test does not say what `{}` gives at step `{}`",
                call.action, call.step
            );
            let help = format!(
                "write `actions: {{ {}: {{ gives: {{ … }} }} }}`, or `made_up: true`",
                call.step
            );
            self.findings
                .push(Diagnostic::error(codes::NO_ANSWER_GIVEN, message, span).with_help(help));
        }
        let outcomes = match Facts::gather(&self.stage).await {
            Ok(facts) => facts.all_outcomes(),
            Err(_) => BTreeSet::new(),
        };
        Played {
            outcomes,
            passed: self.stage.now().duration_since(self.began),
            findings: super::in_order(self.document, self.findings),
        }
    }
}
