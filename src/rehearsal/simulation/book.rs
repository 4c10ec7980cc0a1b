//! What has happened in a run and in those that its steps have started, read once and kept as lines.

use super::super::canned::Sent;
use super::super::stage::Stage;
use super::calendar::{self, Line, What, all_of};
use crate::base::calendar::{after, before};
use crate::base::id::{MailId, RunId, ShareId};
use crate::base::{Period, Timestamp, Value};
use crate::engine::EventRecord;
use crate::engine::event::{Event, Expected, TimerKind, Timers};
use crate::host::HostError;
use crate::host::runs::RunView;
use crate::plan::{Plan, PlanStep, PlanVerb, Reminder};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Lines of a journal that are read at once.
const PAGE: usize = 1_000;

/// A run of the family.
pub struct Kin {
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// How it stands.
    pub view: RunView,
    /// Waits by step, with what has not come.
    pub waits: BTreeMap<String, Vec<Expected>>,
    /// By step, when it opened and its timers.
    timers: BTreeMap<String, (Timestamp, Timers)>,
    /// By task: the step, and what it asks about.
    tasks: BTreeMap<String, (String, String)>,
    /// What is acquired, by id.
    things: BTreeMap<String, String>,
    /// Until when a step waits, and why until then.
    because: BTreeMap<String, (Timestamp, String)>,
    /// When failed calls are tried again.
    retries: BTreeMap<String, Timestamp>,
    parent: Option<(usize, String)>,
    unread: VecDeque<EventRecord>,
    seq: u64,
}

/// The run that is simulated, those that it started, and the calendar of all of them.
pub struct Book {
    /// The runs; the one that is simulated first.
    pub kin: Vec<Kin>,
    lines: Vec<Line>,
    mails: usize,
    /// Steps with the outcomes that they came to.
    pub outcomes: Vec<(String, String)>,
}

impl Book {
    /// Nothing has been read yet of `run`.
    pub async fn of(stage: &Stage<'_>, run: RunId) -> Result<Self, HostError> {
        let mut book = Self {
            kin: Vec::new(),
            lines: Vec::new(),
            mails: 0,
            outcomes: Vec::new(),
        };
        book.add(stage, run, None).await?;
        Ok(book)
    }

    /// The calendar so far.
    pub fn into_lines(mut self) -> Vec<Line> {
        // what was read later may have happened before: the order in which it was read decides between the same moments
        self.lines.sort_by_key(|line| line.at);
        self.lines
    }

    /// The run that is simulated.
    pub fn root(&self) -> &Kin {
        &self.kin[0]
    }

    /// The place of a run of the family.
    pub fn place(&self, run: &RunId) -> Option<usize> {
        self.kin.iter().position(|kin| kin.run == *run)
    }

    /// What people call a step of the run at `place`.
    pub fn step_name(&self, place: usize, step: &str) -> String {
        match place {
            0 => step.to_owned(),
            _ => format!("{}/{step}", self.kin[place].plan.flow),
        }
    }

    async fn add(&mut self, stage: &Stage<'_>, run: RunId, parent: Option<(usize, String)>) -> Result<(), HostError> {
        let plan = stage.host.plan_of_run(&run).await?;
        let view = stage.host.run_view(&run).await?;
        self.kin.push(Kin {
            run,
            plan,
            view,
            waits: BTreeMap::new(),
            timers: BTreeMap::new(),
            tasks: BTreeMap::new(),
            things: BTreeMap::new(),
            because: BTreeMap::new(),
            retries: BTreeMap::new(),
            parent,
            unread: VecDeque::new(),
            seq: 0,
        });
        Ok(())
    }

    /// Reads what happened since it was read last.
    pub async fn read(&mut self, stage: &Stage<'_>) -> Result<(), HostError> {
        let mut place = 0;
        while place < self.kin.len() {
            for child in self.read_journal(stage, place).await? {
                if self.place(&child.0).is_none() && stage.store.run(&child.0).await?.is_some() {
                    self.add(stage, child.0, Some((place, child.1))).await?;
                }
            }
            place += 1;
        }
        self.write(stage, 0).await?;
        for place in 1..self.kin.len() {
            self.write(stage, place).await?;
        }
        self.write_mails(stage).await
    }

    /// Reads the journal of one run; the runs that it has started meanwhile, with their steps.
    async fn read_journal(&mut self, stage: &Stage<'_>, place: usize) -> Result<Vec<(RunId, String)>, HostError> {
        let kin = &mut self.kin[place];
        let mut children = Vec::new();
        loop {
            let page = stage.host.journal(&kin.run, kin.seq, PAGE).await?;
            let Some(last) = page.last() else { break };
            kin.seq = last.seq;
            for record in &page {
                if let Event::ChildStarted { child, step, .. } = &record.event {
                    children.push((child.clone(), step.clone()));
                }
            }
            kin.unread.extend(page);
        }
        kin.view = stage.host.run_view(&kin.run).await?;
        for reason in &kin.view.why.reasons {
            if let (Some(until), Some(because)) = (reason.until, &reason.because) {
                kin.because.insert(reason.step.clone(), (until, because.clone()));
            }
        }
        Ok(children)
    }

    /// Writes down what was read of a run, with what its children did where it stands in the story.
    async fn write(&mut self, stage: &Stage<'_>, place: usize) -> Result<(), HostError> {
        while let Some(record) = self.kin[place].unread.pop_front() {
            let child = self.child_at(place, &record.event);
            if let (Some(child), Event::StepFinished { .. }) = (child, &record.event) {
                Box::pin(self.write(stage, child)).await?;
            }
            self.write_record(stage, place, &record).await?;
            if let (Some(child), Event::ChildStarted { .. }) = (child, &record.event) {
                Box::pin(self.write(stage, child)).await?;
            }
        }
        Ok(())
    }

    /// The run that the step of an event has started last.
    fn child_at(&self, place: usize, event: &Event) -> Option<usize> {
        match event {
            Event::ChildStarted { child, .. } => self.place(child),
            Event::StepFinished { step, .. } => {
                let is_it = |kin: &Kin| kin.parent.as_ref().is_some_and(|(of, at)| *of == place && at == step);
                self.kin.iter().rposition(is_it)
            }
            _ => None,
        }
    }

    async fn write_record(&mut self, stage: &Stage<'_>, place: usize, record: &EventRecord) -> Result<(), HostError> {
        let kin = &mut self.kin[place];
        let mut lines: Vec<Line> = kin.line_of(record).into_iter().collect();
        if let Event::StepFinished {
            step, outcome, output, ..
        } = &record.event
        {
            let bare = super::super::facts::bare(step).to_owned();
            let name = if place == 0 {
                bare
            } else {
                format!("{}/{bare}", kin.plan.flow)
            };
            self.outcomes.push((name, outcome.clone()));
            if let Some(line) = kin.opened(stage, record, step, output).await? {
                lines.push(line);
            }
        }
        let flow = (place > 0).then(|| self.kin[place].plan.flow.clone());
        for line in &mut lines {
            line.flow.clone_from(&flow);
        }
        self.lines.extend(lines);
        Ok(())
    }

    async fn write_mails(&mut self, stage: &Stage<'_>) -> Result<(), HostError> {
        let all = stage.setting.world.mails();
        let mut lines = Vec::new();
        for sent in &all[self.mails..] {
            let id = MailId(sent.mail.id.clone());
            let queued = stage.store.mail(&id).await?.and_then(|mail| mail.run);
            let by = sent.by.as_ref();
            let run = queued.or_else(|| by.map(|(run, _)| run.clone()));
            if let Some(place) = run.as_ref().and_then(|run| self.place(run)) {
                let mut line = mail(sent);
                line.step = by.map(|(_, step)| step.clone());
                line.flow = (place > 0).then(|| self.kin[place].plan.flow.clone());
                lines.push(line);
            }
        }
        self.mails = all.len();
        lines.sort_by(|one, other| (one.at, &one.text).cmp(&(other.at, &other.text)));
        self.lines.extend(lines);
        Ok(())
    }

    /// What is due at a moment, in words.
    pub fn due_at(&self, at: Timestamp) -> Option<String> {
        self.kin.iter().enumerate().find_map(|(place, kin)| {
            let active = kin.active().find_map(|step| {
                let (_, timers) = kin.timers.get(&step.id)?;
                let what = timers.what(at)?;
                Some(format!("{what} of {}", self.step_name(place, &step.id)))
            });
            let again = kin.retries.iter().find(|(_, again)| **again == at);
            active.or_else(|| again.map(|(step, _)| format!("another try of {}", self.step_name(place, step))))
        })
    }
}

impl Kin {
    /// Its steps that are being done or waited for.
    pub fn active(&self) -> impl Iterator<Item = &crate::host::runs::StepView> {
        self.view.steps.iter().filter(|step| step.state == "active")
    }

    /// The lines of one event that need nothing but what is known.
    fn line_of(&mut self, record: &EventRecord) -> Option<Line> {
        match &record.event {
            Event::RunStarted { .. } | Event::RunEnded { .. } => calendar::line(record, ""),
            Event::ActionScheduled { step, .. } => self.called(record, step),
            Event::WaitOpened { .. } => self.wait_opened(record),
            Event::CollectOpened { .. } => self.papers_asked(record),
            Event::TaskOpened { .. } => {
                self.task_opened(record);
                None
            }
            Event::AlternativeMet { step, name, .. } => {
                if let Some(open) = self.waits.get_mut(step) {
                    open.retain(|expected| expected.name != *name);
                }
                Some(Line::of(record.at, What::Event, step, format!("{name} has come")))
            }
            Event::StepFinished { .. } => self.finished(record),
            Event::Released { id, .. } => {
                let thing = self.things.get(id)?;
                Some(Line::of(
                    record.at,
                    What::Released,
                    "",
                    format!("{thing} is taken back"),
                ))
            }
            Event::AttemptFailed { step, retry_at, .. } => {
                self.retries.insert(step.clone(), *retry_at);
                let due = Some(*retry_at);
                calendar::line(record, step).map(|line| Line { due, ..line })
            }
            Event::TimerFired { step, timer, .. } => {
                let because = self.told(step, record);
                if *timer == TimerKind::Retry {
                    self.retries.remove(step);
                }
                calendar::line(record, step).map(|line| Line { because, ..line })
            }
            other => {
                let step = self.step_of(other);
                calendar::line(record, &step).map(|line| self.asked(line, other))
            }
        }
    }

    fn wait_opened(&mut self, record: &EventRecord) -> Option<Line> {
        let Event::WaitOpened {
            step, expected, timers, ..
        } = &record.event
        else {
            return None;
        };
        self.waits.insert(step.clone(), expected.clone());
        self.timers.insert(step.clone(), (record.at, timers.clone()));
        let line = Line::of(record.at, What::Waits, step, self.awaited(step, expected));
        Some(self.due(line, timers.due))
    }

    fn papers_asked(&mut self, record: &EventRecord) -> Option<Line> {
        let Event::CollectOpened {
            step, request, timers, ..
        } = &record.event
        else {
            return None;
        };
        self.timers.insert(step.clone(), (record.at, timers.clone()));
        self.things.insert(request.clone(), format!("the request of {step}"));
        let mut reasons = self.view.why.reasons.iter();
        let open = reasons.find(|reason| reason.step == *step);
        let asked = open.map_or("papers are asked for".to_owned(), |reason| {
            format!("{} is asked for {}", all_of(&reason.whom), reason.what)
        });
        let line = Line::of(record.at, What::Papers, step, asked);
        Some(self.due(line, timers.due))
    }

    fn finished(&mut self, record: &EventRecord) -> Option<Line> {
        let Event::StepFinished {
            step, outcome, output, ..
        } = &record.event
        else {
            return None;
        };
        let has_expired = self.timers.get(step).and_then(|(_, timers)| timers.due) == Some(record.at);
        let what = if has_expired { What::Deadline } else { What::Outcome };
        let said = output["message"].as_str().or_else(|| output["error"].as_str());
        let said = said.map_or(String::new(), |said| format!(": {said}"));
        let mut line = Line::of(record.at, what, step, format!("{outcome}{said}"));
        if has_expired {
            line = self.due(line, Some(record.at));
            line.due = None;
        }
        self.waits.remove(step);
        self.retries.remove(step);
        Some(line)
    }

    /// The step that an event is about.
    fn step_of(&self, event: &Event) -> String {
        let fields = serde_json::to_value(event).unwrap_or_default();
        let of_task = fields["task"].as_str().and_then(|task| self.tasks.get(task));
        let of_step = fields["step"].as_str().or_else(|| fields["from"].as_str());
        of_step
            .or(of_task.map(|(step, _)| step.as_str()))
            .unwrap_or_default()
            .to_owned()
    }

    fn task_opened(&mut self, record: &EventRecord) {
        let Event::TaskOpened {
            step,
            task,
            item,
            document,
            timers,
            ..
        } = &record.event
        else {
            return;
        };
        let about = document
            .as_ref()
            .map(|one| format!("{}, version {}", one.name, one.version));
        let about = about.map_or(String::new(), |about| format!(" about {about}"));
        let item = item.as_ref().map_or(String::new(), |item| format!(", {item}"));
        self.tasks
            .insert(task.to_string(), (step.clone(), format!("{item}{about}")));
        if item.is_empty() {
            self.timers.insert(step.clone(), (record.at, timers.clone()));
        }
    }

    /// A line about people who are asked, with what about and until when.
    fn asked(&self, mut line: Line, event: &Event) -> Line {
        if let Event::TaskAssigned { task, .. } = event {
            let (step, about) = self.tasks.get(task.as_str()).cloned().unwrap_or_default();
            line.text.push_str(&about);
            let due = self.timers.get(&step).and_then(|(_, timers)| timers.due);
            return self.due(line, due);
        }
        line
    }

    fn due(&self, mut line: Line, due: Option<Timestamp>) -> Line {
        line.due = due;
        let known = line.step.as_ref().and_then(|step| self.because.get(step));
        line.because = known
            .filter(|(until, _)| Some(*until) == due)
            .map(|(_, because)| because.clone());
        line
    }

    fn planned(&self, step: &str) -> Option<&PlanStep> {
        self.plan.step(step)
    }

    /// What a wait is for.
    fn awaited(&self, step: &str, expected: &[Expected]) -> String {
        let events: Vec<String> = expected
            .iter()
            .map(|one| match &one.key {
                Some(key) => format!("{} of {key}", one.event),
                None => one.event.clone(),
            })
            .collect();
        let verb = self.planned(step).map(|step| &step.verb);
        match (events.as_slice(), verb) {
            ([], Some(PlanVerb::Wait(wait))) if wait.when.is_some() => "for values".to_owned(),
            ([], _) => "for a moment".to_owned(),
            ([one], _) => format!("for {one}"),
            (_, Some(PlanVerb::Wait(wait))) if wait.all => format!("for {}", calendar::list(&events)),
            _ => format!("for {}", events.join(" or ")),
        }
    }

    /// A call that leaves the process.
    fn called(&self, record: &EventRecord, step: &str) -> Option<Line> {
        let Some(PlanVerb::Uses {
            action, pure: false, ..
        }) = self.planned(step).map(|step| &step.verb)
        else {
            return None;
        };
        let is_local = crate::spec::Catalog::builtin()
            .action(action)
            .is_none_or(|action| action.local);
        (!is_local).then(|| Line::of(record.at, What::Call, step, action.clone()))
    }

    /// What the step has opened that will be taken back.
    async fn opened(
        &mut self,
        stage: &Stage<'_>,
        record: &EventRecord,
        step: &str,
        output: &Value,
    ) -> Result<Option<Line>, HostError> {
        let Some(acquires) = self.planned(step).and_then(PlanStep::acquires) else {
            return Ok(None);
        };
        let Some(id) = output.get(&acquires.output).and_then(Value::as_str) else {
            return Ok(None);
        };
        let kind = acquires.kind.clone();
        let share = match kind.as_str() {
            "share" => stage.store.share(&ShareId::from(id)).await?,
            _ => None,
        };
        let (name, due) = match share {
            Some(share) => (format!("\"{}\"", share.name), Some(share.expires_at)),
            None if kind == "workspace" => (format!("the workspace of {step}"), None),
            None => return Ok(None),
        };
        self.things.insert(id.to_owned(), name.clone());
        let line = Line::of(record.at, What::Opened, step, format!("{name} is open"));
        Ok(Some(Line { due, ..line }))
    }

    /// Why a reminder or an escalation of a step comes when it does.
    fn told(&self, step: &str, record: &EventRecord) -> Option<String> {
        let (start, timers) = self.timers.get(step)?;
        let deadline = self.planned(step)?.deadline.as_ref()?;
        let calendar = self.plan.calendar.as_ref();
        let Event::TimerFired { timer, .. } = &record.event else {
            return None;
        };
        let at = timers.moment(*timer)?;
        let is = |moment: Result<Timestamp, _>| moment.is_ok_and(|moment: Timestamp| moment == at);
        let after_it =
            |period: &Period| is(after(*start, period, calendar)).then(|| format!("{period} after it began"));
        if let Some(position) = timer.as_escalation() {
            return after_it(&deadline.escalate.get(position as usize)?.after);
        }
        deadline.remind.iter().find_map(|reminder| match reminder {
            Reminder::Before(period) => {
                is(before(timers.due?, period, calendar)).then(|| format!("{period} before it is due"))
            }
            Reminder::After(period) => after_it(period),
        })
    }
}

impl Timers {
    /// What comes at a moment.
    fn what(&self, at: Timestamp) -> Option<&'static str> {
        let named = [(self.due, "the deadline"), (self.tell, "the start")];
        let named = named
            .into_iter()
            .find(|(moment, _)| *moment == Some(at))
            .map(|(_, what)| what);
        let escalated = || self.escalations().any(|one| one == at).then_some("the escalation");
        named
            .or_else(escalated)
            .or_else(|| self.remind.contains(&at).then_some("a reminder"))
    }

    /// When a timer is to fire.
    fn moment(&self, timer: TimerKind) -> Option<Timestamp> {
        use TimerKind::{Escalate, Onwards, Remind, Retry, Tell};
        match timer {
            Remind(index) => self.remind.get(usize::try_from(index).ok()?).copied(),
            Escalate | Onwards(_) => self.escalations().nth(timer.as_escalation()? as usize),
            Tell => self.tell,
            Retry => None,
        }
    }
}

fn mail(sent: &Sent) -> Line {
    let text = format!("to {}: {}", sent.mail.to.join(", "), sent.mail.subject);
    Line::of(sent.at, What::Mail, "", text)
}

/// The zone that a flow's moments are told in.
pub fn zone_of(plan: &Plan) -> String {
    plan.calendar
        .as_ref()
        .map_or_else(|| "UTC".to_owned(), |calendar| calendar.zone.clone())
}
