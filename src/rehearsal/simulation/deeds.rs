//! What was chosen is done, through the host as the doors of the product do it.

use super::super::doings::Fault;
use super::super::stage::Stage;
use super::book::Book;
use super::made::{Maker, mentions};
use super::moves::Deed;
use super::player::{Blank, CODE, Player};
use crate::base::id::{EventId, FileId};
use crate::base::network::Network;
use crate::base::{FileRef, Semantics, Timestamp, Value};
use crate::connect::ActionError;
use crate::engine::event::Expected;
use crate::engine::{Decision, InboundEvent};
use crate::host::HostError;
use crate::host::files::Visitor;
use crate::plan::PlanVerb;
use crate::space::Grant;
use crate::space::request::{Item, Need};
use crate::spec::values::check_value;
use crate::spec::{InputKind, InputSpec};
use crate::store::TaskRow;
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// Whoever does what only administrators do.
const ADMINISTRATOR: &str = "role:admin";
/// Why people do things in a simulation.
const REASON: &str = "it is a simulation";

/// How often something is asked that is filled in wrongly: at random, it would be filled in so again.
const TRIES: usize = 10;

/// Does what is chosen.
pub(super) struct Doer<'d, 's> {
    pub(super) stage: &'d Stage<'s>,
    pub(super) book: &'d Book,
    pub(super) maker: Maker<'d>,
    pub(super) player: &'d mut dyn Player,
    /// Makes what is sent now another thing than what was sent before.
    pub(super) count: usize,
    /// Who started the run.
    pub(super) starter: &'d str,
    /// What those keep who have typed the code of their link, by grant.
    pub(super) passes: &'d mut BTreeMap<String, String>,
}

impl Doer<'_, '_> {
    pub(super) async fn perform(&mut self, deed: &Deed) -> Result<(), Fault> {
        let host = &self.stage.host;
        match deed {
            Deed::Decide { task, by, decision } => self.decide(task, by, decision).await,
            Deed::Detour { task, by, course } => self.detour(task, by, *course).await,
            Deed::Comment(grant) => {
                let visitor = self.enter(grant).await?;
                host.comment(&visitor, None, REASON).await?;
                Ok(())
            }
            Deed::Open(grant) => {
                let visitor = self.enter(grant).await?;
                host.view_share(&visitor).await?;
                Ok(host.open_share(&visitor).await?)
            }
            Deed::Upload(grant) => self.upload(grant).await,
            Deed::Download { grant, file } => self.download(grant, file).await,
            Deed::Give { grant, item } => self.give(grant, item).await,
            Deed::NotApplicable { grant, item } => {
                let because = self.reason("because");
                let visitor = self.enter(grant).await?;
                Ok(host.not_applicable(&visitor, item, &because).await?)
            }
            Deed::Withdraw(grant) => {
                let reason = self.reason("reason");
                let visitor = self.enter(grant).await?;
                Ok(host.withdraw(&visitor, &reason).await?)
            }
            Deed::Put { file } => self.put(file).await,
            Deed::Event { place, step, expected } => self.event(*place, step, expected).await,
            Deed::Answer(call) => {
                let place = self.book.place(&call.run).unwrap_or_default();
                let made_up = self.read_of(place, &call.step, call.made_up.clone(), None);
                let output = self.blank("output", "data", made_up);
                self.stage.setting.world.answer_call(call.number, Ok(output));
                Ok(())
            }
            Deed::Fail { call, may_pass } => {
                let error = match may_pass {
                    true => ActionError::Transient(REASON.to_owned()),
                    false => ActionError::Permanent(REASON.to_owned()),
                };
                self.stage.setting.world.answer_call(call.number, Err(error));
                Ok(())
            }
            Deed::Change { run, place, name } => {
                let spec = self.book.kin[*place].plan.values.get(name).cloned();
                let spec = spec.ok_or_else(|| Fault::Wrong(format!("there is no value {name}")))?;
                let value = self.of_spec(name, &spec, true);
                let values = value.map(|value| (name.clone(), value)).into_iter().collect();
                host.set_values(run, values, ADMINISTRATOR, REASON).await?;
                Ok(())
            }
            Deed::Retry { run, step } => Ok(host.retry_step(run, step, ADMINISTRATOR, REASON).await?),
            Deed::Skip { run, step } => Ok(host.skip_step(run, step, ADMINISTRATOR, REASON).await?),
            Deed::Cancel { run } => Ok(host.cancel_run(run, ADMINISTRATOR, REASON).await?),
        }
    }

    /// Fills something in that must be there.
    pub(super) fn blank(&mut self, name: &str, hint: &str, made_up: Value) -> Value {
        let blank = Blank {
            name: name.to_owned(),
            hint: hint.to_owned(),
            made_up: Some(made_up),
            is_needed: true,
            spec: None,
        };
        self.player.fill(&blank).unwrap_or_default()
    }

    pub(super) fn reason(&mut self, name: &str) -> String {
        let blank = Blank {
            name: name.to_owned(),
            hint: "a text".to_owned(),
            made_up: Some(json!(REASON)),
            is_needed: true,
            spec: Some(of_kind(InputKind::Text)),
        };
        match self.player.fill(&blank) {
            Some(Value::String(text)) => text,
            other => other.unwrap_or_default().to_string(),
        }
    }

    fn of_spec(&mut self, name: &str, spec: &InputSpec, is_needed: bool) -> Option<Value> {
        let blank = Blank {
            name: name.to_owned(),
            hint: hint(spec),
            made_up: Some(self.maker.input(name, spec)),
            is_needed,
            spec: Some(spec.clone()),
        };
        for _ in 1..TRIES {
            let value = self.player.fill(&blank)?;
            match check_value(spec, &value, Semantics::CURRENT) {
                Ok(value) => return Some(value),
                Err(why) => self.player.refused(&format!("{name} {why}")),
            }
        }
        self.player.fill(&blank)
    }

    async fn decide(&mut self, task: &TaskRow, by: &str, decision: &str) -> Result<(), Fault> {
        let mut form = Map::new();
        for field in &task.form {
            let is_needed = field.required_for.iter().any(|one| one == decision);
            if let Some(value) = self.of_spec(&field.name, &field.input, is_needed) {
                form.insert(field.name.clone(), value);
            }
        }
        let is_reasoned = task.reason.iter().any(|one| one == decision);
        let reason = is_reasoned.then(|| self.reason("reason"));
        let decision = Decision {
            task: task.id.clone(),
            by: by.to_owned(),
            on_behalf_of: None,
            decision: decision.to_owned(),
            reason,
            sha256: task.document.as_ref().map(|document| document.sha256.clone()),
            form,
            via: None,
        };
        self.stage.host.decide(decision).await?;
        Ok(())
    }

    /// Lets somebody in through the link of a grant; where it asks for a code, with the code that they type.
    async fn enter(&mut self, grant: &Grant) -> Result<Visitor, Fault> {
        let (host, links) = (&self.stage.host, &self.stage.setting.links);
        let token = links.token(&grant.id);
        if grant.codes.is_none() {
            return Ok(host.knock(&token).await?);
        }
        let kept = self.passes.get(grant.id.as_str());
        if let (Some(_), Ok(visitor)) = (kept, host.enter_with_pass(&token, kept.map(String::as_str)).await) {
            return Ok(visitor);
        }
        host.send_code(&host.knock(&token).await?, Network::LOCAL).await?;
        self.stage.settle().await;
        loop {
            let codes = host.knock(&token).await?.grant.codes;
            let sent = codes.and_then(|codes| codes.good(self.stage.now()));
            let sent = sent.ok_or_else(|| Fault::Refused("no code is good any more".to_owned()))?;
            let code = self.blank(CODE, "the code in the mail", json!(links.code(&grant.id, sent)));
            let code = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
            match host.enter(&token, Some(&code), Network::LOCAL).await {
                Ok(visitor) => {
                    let pass = host.pass(&visitor).unwrap_or_default();
                    self.passes.insert(grant.id.to_string(), pass);
                    return Ok(visitor);
                }
                Err(error @ HostError::CodeNeeded { wrong: true }) => self.player.refused(&error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn upload(&mut self, grant: &Grant) -> Result<(), Fault> {
        let visitor = self.enter(grant).await?;
        let view = self.stage.host.view_share(&visitor).await?;
        let name = view
            .files
            .first()
            .map_or("document.pdf", |file| file.name.as_str())
            .to_owned();
        let bytes = self.bytes(&name)?;
        self.stage.host.upload(&visitor, &name, bytes.as_slice()).await?;
        Ok(())
    }

    async fn download(&mut self, grant: &Grant, file: &str) -> Result<(), Fault> {
        let visitor = self.enter(grant).await?;
        let view = self.stage.host.view_share(&visitor).await?;
        let is_it = |one: &&FileRef| file.is_empty() || one.id == file;
        let nothing = || Fault::Refused("there is no file in the share".to_owned());
        let id = view
            .files
            .iter()
            .find(is_it)
            .map(|one| FileId(one.id.clone()))
            .ok_or_else(nothing)?;
        let mut open = self.stage.host.download(&visitor, &id, None, true).await?;
        let read = tokio::io::copy(&mut open.bytes, &mut tokio::io::sink()).await;
        read.map_err(|error| Fault::Broken(error.to_string()))?;
        Ok(self.stage.host.record_download(&open.download).await?)
    }

    async fn give(&mut self, grant: &Grant, item: &Item) -> Result<(), Fault> {
        let ending = item
            .accept
            .first()
            .map_or("pdf", |ending| ending.trim_start_matches('.'));
        let name = format!("{}-{}.{ending}", item.name, self.count);
        let day = match item.valid_until {
            None => None,
            Some(need) => {
                let blank = Blank {
                    name: "valid until".to_owned(),
                    hint: "a day, as 2026-11-23".to_owned(),
                    made_up: Some(json!(self.far_day(item))),
                    is_needed: need == Need::Required,
                    spec: Some(of_kind(InputKind::Date)),
                };
                self.player.fill(&blank).and_then(|day| day.as_str().map(str::to_owned))
            }
        };
        let bytes = self.bytes(&name)?;
        let visitor = self.enter(grant).await?;
        let host = &self.stage.host;
        host.give(&visitor, &item.name, &name, day.as_deref(), bytes.as_slice())
            .await?;
        Ok(())
    }

    /// A day that lies as far ahead as an item wants, or further.
    fn far_day(&mut self, item: &Item) -> jiff::civil::Date {
        let start = self.stage.now();
        let period = item
            .at_least
            .as_ref()
            .and_then(|text| crate::base::Period::parse(text).ok());
        let least = period.and_then(|period| crate::base::calendar::after(start, &period, None).ok());
        let ahead = least.map_or(0, |least: Timestamp| least.duration_since(start).as_hours() / 24 + 1);
        let day = self.maker.day();
        day.checked_add(jiff::Span::new().days(ahead)).unwrap_or(day)
    }

    async fn put(&self, file: &str) -> Result<(), Fault> {
        let found = self
            .stage
            .store
            .file(&FileId::from(file))
            .await
            .map_err(HostError::from)?;
        let file = found.ok_or_else(|| Fault::Refused("there is no such file".to_owned()))?;
        let bytes = self.bytes(&file.name)?;
        let host = &self.stage.host;
        host.put_file(self.starter, &file.folder, &file.name, bytes.as_slice())
            .await?;
        Ok(())
    }

    async fn event(&mut self, place: usize, step: &str, expected: &Expected) -> Result<(), Fault> {
        let made_up = self.read_of(place, step, json!({}), Some(expected.name.as_str()));
        let data = self.blank("data", "the fields of the event", made_up);
        let inbound = InboundEvent {
            id: EventId(format!("simulation:{}", self.count)),
            kind: expected.event.clone(),
            subjects: expected.on.iter().cloned().collect(),
            key: expected.key.clone(),
            data,
            at: self.stage.now(),
        };
        Ok(self.stage.host.publish_event(inbound).await?)
    }

    /// `made`, with what the flow reads of what a step gives.
    fn read_of(&mut self, place: usize, step: &str, made: Value, alternative: Option<&str>) -> Value {
        let plan = &self.book.kin[place].plan;
        let line = format!("flow: {}", plan.flow);
        let mut texts = self.stage.setting.flows.iter().map(|flow| flow.text.as_str());
        let text = texts
            .find(|text| text.lines().any(|one| one.trim_end() == line))
            .unwrap_or_default();
        let id = super::super::facts::bare(step);
        let mut read = mentions(text, &format!("steps.{id}."));
        read.retain(|mention| !OWN.contains(&mention.path[0].as_str()));
        if let Some(PlanVerb::Wait(wait)) = plan.step(step).map(|step| &step.verb) {
            if let Some(name) = alternative.filter(|_| wait.all) {
                read.retain(|mention| mention.path.len() > 1 && mention.path[0] == name);
                for mention in &mut read {
                    mention.path.remove(0);
                }
            }
            let alternative = alternative.and_then(|name| wait.alternatives.get(name));
            let filter = alternative.and_then(|one| one.filter.as_ref());
            read.extend(filter.iter().flat_map(|filter| mentions(&filter.source, "event.")));
        }
        self.maker.with_mentioned(made, &read)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let text = format!("version {} of {name}", self.count);
        let given = super::super::material::Material {
            name,
            text: Some(&text),
            size: None,
            path: None,
        };
        super::super::material::bytes(given, &self.stage.setting.shelf).map_err(Fault::Wrong)
    }
}

/// What every step gives beside its own output.
const OWN: [&str; 4] = ["outcome", "round", "rounds", "run"];

/// A value of a kind, and nothing more about it.
pub(super) fn of_kind(kind: InputKind) -> InputSpec {
    serde_json::from_value(json!({ "type": kind })).expect("a kind is enough of an input")
}

/// What a value must be, in short.
fn hint(spec: &InputSpec) -> String {
    let kind = json!(spec.kind);
    let kind = kind.as_str().unwrap_or_default().to_owned();
    match (&spec.options, &spec.pattern) {
        (options, _) if !options.is_empty() => format!("one of {}", options.join(", ")),
        (_, Some(pattern)) => format!("{kind} that matches {pattern}"),
        _ => kind,
    }
}

/// The sentence of what did not happen.
pub(super) fn sentence(fault: Fault) -> String {
    match fault {
        Fault::Refused(why) | Fault::Wrong(why) | Fault::Broken(why) | Fault::Other(why, _) => why,
    }
}
