//! Tasks: opened, assigned, decided, voided, closed.

use super::super::collect::review_name;
use super::super::decide::rule::votes;
use super::super::event::{Draft, Event, Remark, StandIn, Started, Suspension, TaskAct, Timers};
use super::super::frame::Slot;
use super::super::members::Membership;
use super::super::state::{Joining, Phase, Task};
use super::super::view::TaskPhase;
use super::{Applier, Impossible};
use crate::base::Timestamp;
use crate::base::id::TaskId;
use crate::plan::{Plan, PlanAsk};
use std::collections::VecDeque;

impl Applier<'_> {
    pub(super) fn task(&mut self, event: &Event) -> Result<(), Impossible> {
        let task = match event {
            Event::TaskOpened { .. } => return self.task_opened(event),
            Event::TaskAssigned { task, .. } => {
                self.task_assigned(event)?;
                task
            }
            Event::TaskMembersChanged { task, .. } => {
                self.members_changed(event)?;
                task
            }
            Event::TaskActed { task, by, act } => {
                self.task_acted(task, by, act)?;
                task
            }
            Event::DecisionRecorded { task, record } => {
                let (_, open) = self.open_task(task)?;
                open.decisions.push(record.clone());
                self.touch(task);
                task
            }
            Event::DecisionsVoided { task, .. } => {
                self.voided(event)?;
                task
            }
            _ => return Err("it is no event of a task".to_owned()),
        };
        self.hear(task, event);
        Ok(())
    }

    fn task_acted(&mut self, id: &TaskId, by: &str, act: &TaskAct) -> Result<(), Impossible> {
        if let TaskAct::Redo { .. } = act {
            let at = self.state.task_index.get(id).copied();
            let at = at.ok_or_else(|| format!("there is no task {id}"))?;
            return self.redone(at);
        }
        let (plan, at) = (self.plan, self.at);
        let (slot, open) = self.open_task(id)?;
        acted(plan, open, by, at, act);
        open.acts += 1;
        self.touch(id);
        if let TaskAct::Skip { .. } = act {
            self.skip(slot);
        }
        Ok(())
    }

    fn task_assigned(&mut self, event: &Event) -> Result<(), Impossible> {
        let Event::TaskAssigned {
            task,
            people,
            veto,
            deputies,
            weights,
            exclude,
            only,
            assigned_to,
            escalated,
        } = event
        else {
            return Err("it assigns no task".to_owned());
        };
        let (plan, at) = (self.plan, self.at);
        let (slot, open) = self.open_task(task)?;
        if *escalated {
            open.joined.extend_from_slice(people);
            open.members.resolved.extend_from_slice(people);
            let to = open.joining.pop_front().map(|joining| joining.to);
            open.members.escalated_to.extend(to.unwrap_or_default());
            open.deputies.extend_from_slice(deputies);
        } else {
            open.people.clone_from(people);
            // whoever joined before these were known has one voice
            open.joined.retain(|person| !people.contains(person));
            open.veto.clone_from(veto);
            open.deputies.clone_from(deputies);
            open.weights.clone_from(weights);
            open.only.clone_from(only);
            open.members.forget_people();
            open.members.resolved = [&people[..], veto].concat();
            open.members.asked_votes = votes(people, weights);
            open.claimed_by.clone_from(assigned_to);
            if assigned_to.is_some() {
                open.given_to.clone_from(assigned_to);
            }
            open.unassigned = false;
            open.started.clear();
            let starts = open.asked(plan).and_then(|ask| ask.reach.starts);
            if let (Some(person), Some(_)) = (assigned_to, starts) {
                open.start(person, at);
            }
        }
        open.exclude.extend_from_slice(exclude);
        self.touch(task);
        self.list_task(slot);
        Ok(())
    }

    fn task_opened(&mut self, event: &Event) -> Result<(), Impossible> {
        let Event::TaskOpened {
            step,
            round,
            task,
            item,
            document,
            title,
            ask,
            by,
            veto,
            exclude,
            only,
            visible,
            priority,
            timers,
        } = event
        else {
            return Err("it opens no task".to_owned());
        };
        let (slot, name) = self.asked_slot(step, *round, item.as_deref())?;
        let at = self.state.tasks.len();
        if self.state.task_index.insert(task.clone(), at).is_some() {
            return Err(format!("task {task} was opened before"));
        }
        self.state.tasks.push(Task {
            id: task.clone(),
            slot,
            place: (self.state.frame(slot.frame).body, slot.step),
            step: step.clone(),
            round: *round,
            item: item.clone(),
            name,
            document: document.clone(),
            title: title.clone(),
            ask: ask.clone(),
            by: by.clone(),
            veto_by: veto.clone(),
            exclude: exclude.clone(),
            timers: timers.clone(),
            opened_at: self.at,
            people: Vec::new(),
            joined: Vec::new(),
            veto: Vec::new(),
            deputies: Vec::new(),
            weights: Vec::new(),
            members: Membership::default(),
            thread: Vec::new(),
            claimed_by: None,
            heard: Vec::new(),
            given_to: None,
            suspended: None,
            started: Vec::new(),
            draft: None,
            only_by: only.clone(),
            only: None,
            visible: visible.clone(),
            priority: priority.unwrap_or_default(),
            held: timers.tell.is_some(),
            acts: 0,
            decisions: Vec::new(),
            voided: Vec::new(),
            questions: 1,
            unassigned: true,
            joining: VecDeque::new(),
            phase: TaskPhase::Open,
            changed: self.state.seq,
        });
        self.ask_people(slot, at, item.as_deref(), timers)
    }

    /// The step at `slot` asks people by the task at `at` from now on, about an item if it is of one.
    fn ask_people(&mut self, slot: Slot, at: usize, item: Option<&str>, timers: &Timers) -> Result<(), Impossible> {
        self.touch_at(at);
        if timers.tell.is_none() {
            self.state.working.insert(slot);
        }
        if let Some(item) = item {
            return self.review_opened(slot, item, at);
        }
        self.state.step_mut(slot).phase = Phase::Asking(at);
        self.state.asking.insert(slot);
        self.start_timers(slot, timers);
        self.fresh.opened.push_back(slot);
        Ok(())
    }

    /// The step that asks, about an item if it is of one, and how questions to the directory name that.
    fn asked_slot(&mut self, step: &str, round: u32, item: Option<&str>) -> Result<(Slot, String), Impossible> {
        match item {
            None => Ok((self.ready_slot(step, round)?, step.to_owned())),
            Some(item) => self.reviewed_slot(step, round, item),
        }
    }

    /// The step whose item is to be looked at, and how that is named.
    fn reviewed_slot(&mut self, step: &str, round: u32, item: &str) -> Result<(Slot, String), Impossible> {
        let slot = self.live_slot(step, round)?;
        let collecting = self.state.collecting(slot);
        match collecting.and_then(|collecting| collecting.items.get(item)) {
            Some(found) if found.review.is_none() => Ok((slot, review_name(step, item, found.change))),
            Some(_) => Err(format!("{item} of step {step} is being looked at already")),
            None => Err(format!("step {step} does not ask for {item}")),
        }
    }

    /// The task called `id`, if people are still asked.
    pub(super) fn open_task(&mut self, id: &TaskId) -> Result<(Slot, &mut Task), Impossible> {
        let at = self.state.task_index.get(id).copied();
        match at.and_then(|at| self.state.tasks.get_mut(at)) {
            Some(task) if task.phase == TaskPhase::Open => Ok((task.slot, task)),
            Some(_) => Err(format!("task {id} is closed")),
            None => Err(format!("there is no task {id}")),
        }
    }

    /// Whether the directory is still to be asked.
    pub(super) fn list_task(&mut self, slot: Slot) {
        let tasks = self.state.tasks_at(slot).into_iter();
        let mut tasks = tasks.map(|at| &self.state.tasks[at]);
        let asks = tasks.any(|task| task.asks_directory() || !task.joining.is_empty());
        if asks {
            self.state.working.insert(slot);
        } else {
            self.state.working.remove(&slot);
        }
    }

    fn voided(&mut self, event: &Event) -> Result<(), Impossible> {
        let Event::DecisionsVoided {
            task: id,
            document,
            exclude,
            decided,
            cause,
        } = event
        else {
            return Err("it makes no decision void".to_owned());
        };
        let (slot, task) = self.open_task(id)?;
        if task.suspended.is_some() {
            // they hear that they are asked again once it goes on
            task.heard.retain(|(person, _)| !decided.contains(person));
        }
        task.voided.append(&mut task.decisions);
        task.vacate_all();
        task.document = Some(document.clone());
        if task.exclude != *exclude {
            // Who may decide depends on who uploaded: the directory is asked anew.
            task.exclude.clone_from(exclude);
            task.heard.clear();
            task.people.clear();
            task.members.forget_people();
            task.veto.clear();
            task.deputies.clear();
            task.claimed_by = None;
            task.started.clear();
            task.joined.retain(|person| !exclude.contains(person));
            task.questions += 1;
            task.unassigned = true;
        }
        self.touch(id);
        self.list_task(slot);
        // Several tasks may be bound to one file; the first of them uses the event up.
        self.state.kept.retain(|kept| kept.id != *cause);
        Ok(())
    }

    /// The directory is asked again.
    pub(super) fn ask_again(&mut self, slot: Slot) {
        if let Phase::Asking(at) = self.state.step(slot).phase {
            let task = &mut self.state.tasks[at];
            task.questions += 1;
            task.unassigned = true;
            self.list_task(slot);
        }
    }

    /// People are to hear of the task from now on.
    pub(super) fn tell_task(&mut self, slot: Slot) {
        if let Phase::Asking(at) = self.state.step(slot).phase {
            self.state.tasks[at].held = false;
            self.touch_at(at);
            self.list_task(slot);
        }
    }

    /// More people are to join the task.
    pub(super) fn join_task(&mut self, slot: Slot, position: u32, to: &[String]) {
        if let Phase::Asking(at) = self.state.step(slot).phase {
            self.state.tasks[at].joining.push_back(Joining {
                position,
                to: to.to_vec(),
            });
            self.list_task(slot);
        }
    }

    pub(super) fn close_task(&mut self, at: usize, phase: TaskPhase) {
        let task = &mut self.state.tasks[at];
        task.phase = phase;
        task.unassigned = false;
        task.joining.clear();
        self.touch_at(at);
    }

    /// Takes down that the task changed now.
    pub(super) fn touch(&mut self, id: &TaskId) {
        if let Some(at) = self.state.task_index.get(id) {
            self.touch_at(*at);
        }
    }

    pub(super) fn touch_at(&mut self, at: usize) {
        let (seq, task) = (self.state.seq, &mut self.state.tasks[at]);
        self.state.task_changes.remove(&(task.changed, at));
        self.state.task_changes.insert((seq, at));
        task.changed = seq;
    }
}

/// The task after somebody did something about it.
fn acted(plan: &Plan, task: &mut Task, by: &str, at: Timestamp, act: &TaskAct) {
    match act {
        TaskAct::Claim => {
            task.claimed_by = Some(by.to_owned());
            if task.asked(plan).is_some_and(|ask| ask.reach.starts.is_some()) {
                task.start(by, at);
            }
        }
        TaskAct::Start => {
            if task.asked(plan).is_some_and(PlanAsk::settles_alone) {
                task.claimed_by = Some(by.to_owned());
            }
            task.start(by, at);
        }
        TaskAct::Save { form } => {
            let mut kept = task.draft.take().map(|draft| draft.form).unwrap_or_default();
            kept.extend(form.clone());
            task.draft = Some(Draft {
                by: by.to_owned(),
                at,
                form: kept,
            });
        }
        TaskAct::Release { .. } => {
            task.claimed_by = None;
            task.started.clear();
        }
        TaskAct::Suspend { reason } => {
            task.suspended = Some(Suspension {
                by: by.to_owned(),
                at,
                reason: reason.clone(),
            });
        }
        TaskAct::Resume { .. } => task.suspended = None,
        // what follows is the step's
        TaskAct::Skip { .. } | TaskAct::Redo { .. } => {}
        TaskAct::Remark { text, to, answers } => task.thread.push(Remark {
            by: by.to_owned(),
            at,
            text: text.clone(),
            to: to.clone(),
            answers: *answers,
        }),
        TaskAct::Delegate { of, to, .. } => {
            pass_on(task, of, to);
            task.takes_place_of(of, of);
            task.members.placed.push(to.clone());
            task.deputies.push(StandIn {
                by: to.clone(),
                on_behalf_of: of.clone(),
            });
        }
        TaskAct::Reassign { of, to, afresh, .. } => hand_over(task, of, to, *afresh),
    }
}

/// `to` has the place of `of` from now on, with what was kept or without.
fn hand_over(task: &mut Task, of: &str, to: &str, afresh: bool) {
    if afresh {
        task.draft = None;
        task.started.clear();
    }
    for one in task.started.iter_mut().filter(|one| one.by == of) {
        to.clone_into(&mut one.by);
    }
    pass_on(task, of, to);
    task.takes_place_of(of, to);
    task.members.placed.push(to.to_owned());
    for list in [&mut task.people, &mut task.joined, &mut task.veto] {
        for person in list.iter_mut().filter(|person| *person == of) {
            to.clone_into(person);
        }
    }
    for weight in task.weights.iter_mut().filter(|weight| weight.person == of) {
        to.clone_into(&mut weight.person);
    }
}

impl Task {
    /// This person works on it from now on, if they do not already.
    fn start(&mut self, person: &str, at: Timestamp) {
        if self.started.iter().all(|one| one.by != person) {
            self.started.push(Started {
                by: person.to_owned(),
                at,
            });
        }
    }

    /// Whether the directory is to be asked who is meant.
    pub(in super::super) fn asks_directory(&self) -> bool {
        self.unassigned && !self.held
    }
}

/// Whoever acted for `of` no longer does; what they had taken is taken by `to`.
fn pass_on(task: &mut Task, of: &str, to: &str) {
    let acting = task.deputies.iter().find(|one| one.on_behalf_of == *of);
    let holders = [Some(of), acting.map(|one| one.by.as_str())];
    let taken = task.claimed_by.is_some() && holders.contains(&task.claimed_by.as_deref());
    if taken {
        task.claimed_by = Some(to.to_owned());
    }
    task.deputies.retain(|one| one.on_behalf_of != *of);
}
