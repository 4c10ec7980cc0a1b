//! What people do to the run: they answer, do something else about a task, give values, look after
//! incidents.

use super::super::deeds::{Act, Seen};
use super::super::generate::PEOPLE;
use super::super::pool::Flow;
use super::super::schedule::{COME_BACK_MS, OPERATOR_MS, Standing, Vote, filled};
use super::{Happening, Sim, With};
use gatefold::base::Value;
use gatefold::base::id::TaskId;
use gatefold::engine::{Decision, Input, Members, Refusal, Reply, RunMachine};

impl Sim<'_> {
    /// Somebody hears of a task.
    pub(super) fn ask(&mut self, task: TaskId, version: u64, person: String) {
        let vote = self.schedule.vote(self.votes, &task, version, &person);
        self.votes += 1;
        for act in self.schedule.acts(&task, version, &person) {
            let (task, person) = (task.clone(), person.clone());
            self.push(self.now_ms + act.delay_ms, Happening::Act { task, person, act });
        }
        self.push(self.now_ms + vote.delay_ms, Happening::Decide { task, person, vote });
    }

    /// Somebody does something else about a task.
    pub(super) fn act(&mut self, task: TaskId, person: String, act: Act) {
        let found = self.machine.as_ref().and_then(|machine| machine.task(&task));
        let found = found.expect("somebody was asked");
        let seen = Seen {
            form: &found.form,
            thread: &found.thread,
        };
        let reply = self.give(Input::Act(act.acting(&task, &person, &seen)));
        self.commit(With::Nothing);
        if self.machine.is_none() {
            // Nobody told them that it was taken: they come again.
            return self.push(self.now_ms + COME_BACK_MS, Happening::Act { task, person, act });
        }
        self.mark(match reply {
            Ok(Reply::Accepted) => act.deed.mark(),
            Ok(Reply::AlreadyDone) => "act done before",
            Err(_) => "act refused",
        });
        if let Some((person, act)) = act.then(&person, reply.as_ref().err()) {
            self.push(self.now_ms + act.delay_ms, Happening::Act { task, person, act });
        }
    }

    /// Somebody outside gives the value of the run, whether it has one or not.
    pub(super) fn change(&mut self, given: Value) {
        let values = [("v".to_owned(), given)].into_iter().collect();
        let (by, reason) = ("user:b".to_owned(), "so".to_owned());
        let reply = self.give(Input::Change { values, by, reason });
        self.mark_if(reply == Ok(Reply::Accepted), "value given from outside");
        self.commit(With::Nothing);
    }

    pub(super) fn decide(&mut self, task: TaskId, person: String, vote: Vote) {
        let found = self.machine.as_ref().and_then(|machine| machine.task(&task));
        let answers = found.as_ref().map(|found| found.decisions.clone()).unwrap_or_default();
        let form = found.as_ref().map(|found| filled(&found.form)).unwrap_or_default();
        let document = found.and_then(|found| found.document).filter(|_| vote.current);
        let reply = self.give(Input::Decide(Decision {
            task: task.clone(),
            by: person.clone(),
            on_behalf_of: None,
            decision: vote.answer(&answers),
            reason: Some("so".to_owned()),
            sha256: Some(document.map(|document| document.sha256).unwrap_or_default()),
            form,
            via: None,
        }));
        self.commit(With::Nothing);
        if self.machine.is_none() {
            // Nobody told them that it counts: they come again.
            self.mark("decision without an answer");
            return self.push(self.now_ms + COME_BACK_MS, Happening::Decide { task, person, vote });
        }
        match &reply {
            Err(Refusal::OtherVersion { .. } | Refusal::NotYourTurn) => self.mark("decision refused"),
            Err(Refusal::AlreadyDecided(_)) => self.mark("second decision refused"),
            Err(Refusal::Taken) => self.mark("decision on what somebody else has taken"),
            Err(Refusal::Suspended { .. }) => self.mark("decision on what rests"),
            // They are asked again if it comes back to them.
            Err(Refusal::NoSuchTask | Refusal::NoLongerAsked) => {
                self.asked.retain(|(of, _, one)| *of != task || *one != person);
            }
            _ => {}
        }
        let again = vote.then(reply.as_ref().err());
        if let Some(vote) = again {
            self.push(self.now_ms + vote.delay_ms, Happening::Decide { task, person, vote });
        }
    }

    /// How a person stands in the directory.
    pub(super) fn stands(&self, person: &str) -> Standing {
        self.standings.get(person).copied().unwrap_or(Standing::Member)
    }

    /// Tells every open task what the directory says now.
    pub(super) fn follow_people(&mut self) {
        if self.standings.is_empty() {
            return;
        }
        let tasks = self.machine.as_ref().map(RunMachine::open_task_ids).unwrap_or_default();
        for task in tasks {
            let asked = self.machine.as_ref().and_then(|machine| machine.members_asked(&task));
            let Some(asked) = asked else { continue };
            let members: Vec<String> = PEOPLE
                .iter()
                .filter(|person| self.stands(person) == Standing::Member)
                .map(|person| (*person).to_owned())
                .filter(|person| !asked.exclude.contains(person))
                .collect();
            let is_away = |person: &&String| self.stands(person) == Standing::Away;
            let members = Members {
                veto: members.iter().filter(|person| *person == PEOPLE[3]).cloned().collect(),
                escalated: if asked.escalated.is_empty() {
                    Vec::new()
                } else {
                    members.clone()
                },
                people: members,
                absent: asked.persons.iter().filter(is_away).cloned().collect(),
                exclude: asked.exclude,
                only: None,
                weights: Vec::new(),
            };
            let _ = self.give(Input::Members { task, members });
            self.commit(With::Nothing);
        }
    }

    /// A person answers the first incident: looks whether an effect happened, then decides.
    pub(super) fn operate(&mut self) {
        self.operator_called = false;
        let Some(machine) = self.machine.as_ref().filter(|machine| machine.incident()) else {
            return;
        };
        if self.promised.contains(&Flow::key_of_incident(machine)) {
            // Nobody can say yet whether it happened.
            self.operator_called = true;
            return self.push(self.now_ms + OPERATOR_MS, Happening::Operate);
        }
        let wanted = self.schedule.wanted(self.incidents);
        let input = self.flow.answer(machine, &self.world, wanted);
        self.incidents += 1;
        self.mark("incident");
        let by_hand = matches!(input, Input::Set { .. });
        let reply = self.give(input);
        self.mark_if(by_hand && reply == Ok(Reply::Accepted), "outcome by hand");
        self.commit(With::Nothing);
    }
}
