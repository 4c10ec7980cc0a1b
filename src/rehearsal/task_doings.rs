//! What people do about their tasks on a time line.

use super::doings::{Actor, Done, Fault};
use super::facts::{JOURNAL, parties, party};
use super::file::{AnswerTaskSpec, DecideSpec, EntrySpec, HandOverSpec, RemarkSpec};
use crate::base::id::{FileId, TaskId};
use crate::engine::event::{Event, TaskAct};
use crate::engine::{Acting, Decision};
use crate::host::HostError;
use crate::host::tasks::Next;
use crate::people::Directory;
use crate::store::TaskRow;

impl Actor<'_, '_> {
    /// Does what an entry says about a task, if it does.
    pub(super) async fn about_a_task(&self, entry: &EntrySpec) -> Option<Done> {
        if let Some(decide) = &entry.decide {
            return Some(self.decide(decide).await);
        }
        if let Some(answer) = &entry.answer {
            return Some(self.answer(answer).await);
        }
        if let Some(claim) = &entry.claim {
            return Some(self.act(&claim.by, claim.step.as_deref(), TaskAct::Claim).await);
        }
        if let Some(release) = &entry.release {
            let reason = release.reason.clone();
            let step = release.step.as_deref();
            return Some(self.act(&release.by, step, TaskAct::Release { reason }).await);
        }
        if let Some(hand_over) = &entry.delegate {
            let (of, to, reason) = handed_over(&self.stage.setting.directory, hand_over);
            let act = TaskAct::Delegate { of, to, reason };
            return Some(self.act(&hand_over.by, hand_over.step.as_deref(), act).await);
        }
        if let Some(hand_over) = &entry.reassign {
            let (of, to, reason) = handed_over(&self.stage.setting.directory, hand_over);
            let afresh = hand_over.afresh;
            let act = TaskAct::Reassign { of, to, reason, afresh };
            return Some(self.act(&hand_over.by, hand_over.step.as_deref(), act).await);
        }
        if let Some(act) = &entry.act {
            return Some(self.act(&act.by, act.step.as_deref(), act.act()).await);
        }
        let remark = entry.remark.as_ref()?;
        Some(
            self.act(
                &remark.by,
                remark.step.as_deref(),
                said(&self.stage.setting.directory, remark),
            )
            .await,
        )
    }

    async fn act(&self, by: &str, step: Option<&str>, act: TaskAct) -> Done {
        let directory = &self.stage.setting.directory;
        let by = party(directory, by);
        let row = self.task(&by, step, None).await?;
        let admins = parties(directory, "role:admin").unwrap_or_default();
        let acting = Acting {
            task: row.id,
            admin: admins.contains(&by),
            by,
            act,
        };
        self.stage.host.act(acting).await?;
        Ok(())
    }

    async fn decide(&self, decide: &DecideSpec) -> Done {
        let by = party(&self.stage.setting.directory, &decide.by);
        let row = self.task(&by, decide.step.as_deref(), decide.item.as_deref()).await?;
        let sha256 = match (decide.version, &row.document) {
            (Some(version), Some(document)) => Some(self.hash_of(&document.id, version).await?),
            (Some(_), None) => return Err(Fault::Wrong("the task is about no document".to_owned())),
            (None, document) => document.as_ref().map(|document| document.sha256.clone()),
        };
        let decision = Decision {
            task: row.id,
            by,
            on_behalf_of: decide
                .on_behalf_of
                .as_ref()
                .map(|of| party(&self.stage.setting.directory, of)),
            decision: decide.decision.clone(),
            reason: decide.reason.clone(),
            sha256,
            form: decide.form.clone(),
            via: None,
        };
        self.answered(decision, decide.next).await
    }

    async fn answer(&self, answer: &AnswerTaskSpec) -> Done {
        let by = party(&self.stage.setting.directory, &answer.by);
        let row = self.task(&by, answer.step.as_deref(), None).await?;
        let decision = Decision {
            task: row.id,
            by,
            on_behalf_of: None,
            decision: row.decisions.into_iter().next().unwrap_or_default(),
            reason: None,
            sha256: row.document.map(|document| document.sha256),
            form: answer.form.clone(),
            via: None,
        };
        self.answered(decision, answer.next).await
    }

    /// Answers, and takes the next task where that is wanted.
    async fn answered(&self, decision: Decision, next: Option<Next>) -> Done {
        let (task, by) = (decision.task.clone(), decision.by.clone());
        self.stage.host.decide(decision).await?;
        if let Some(next) = next {
            self.stage.host.next_task(&by, &task, next).await;
        }
        Ok(())
    }

    pub(super) async fn task(&self, by: &str, step: Option<&str>, item: Option<&str>) -> Result<TaskRow, Fault> {
        let task = match step {
            Some(step) => self.task_of(step, item).await?,
            None => self.only_task(by).await?,
        };
        Ok(self.stage.host.task(&task).await?)
    }

    /// The task that a step opened last.
    async fn task_of(&self, step: &str, of_item: Option<&str>) -> Result<TaskId, Fault> {
        let journal = self.stage.host.journal(self.run()?, 0, JOURNAL).await?;
        let opened = |event: &Event| match event {
            Event::TaskOpened {
                step: of, task, item, ..
            } if of == step && (of_item.is_none() || item.as_deref() == of_item) => Some(task.clone()),
            _ => None,
        };
        let last = journal.iter().rev().find_map(|record| opened(&record.event));
        last.ok_or_else(|| Fault::Refused(format!("`{step}` has asked nobody so far")))
    }

    async fn only_task(&self, by: &str) -> Result<TaskId, Fault> {
        let tasks = self.stage.host.open_tasks(Some(by)).await?;
        match tasks.as_slice() {
            [one] => Ok(one.id.clone()),
            [] => Err(Fault::Refused(format!("{by} has no task at this moment"))),
            several => {
                let steps: Vec<String> = several.iter().map(|task| format!("`{}`", task.step)).collect();
                Err(Fault::Wrong(format!(
                    "{by} has several tasks: say which with `step:`, one of {}",
                    steps.join(", ")
                )))
            }
        }
    }

    async fn hash_of(&self, file: &str, version: u64) -> Result<String, Fault> {
        let file = self
            .stage
            .store
            .file(&FileId::from(file))
            .await
            .map_err(HostError::from)?;
        let found = file
            .as_ref()
            .and_then(|file| file.version(version).map(|found| file.reference_to(found).sha256));
        found.ok_or_else(|| Fault::Wrong(format!("the document has no version {version}")))
    }
}

/// Whose place is handed to whom, and why.
fn handed_over(directory: &Directory, hand_over: &HandOverSpec) -> (String, String, Option<String>) {
    let of = hand_over.of.as_ref().unwrap_or(&hand_over.by);
    let reason = hand_over.reason.clone();
    (party(directory, of), party(directory, &hand_over.to), reason)
}

fn said(directory: &Directory, remark: &RemarkSpec) -> TaskAct {
    TaskAct::Remark {
        text: remark.text.clone(),
        to: remark.to.as_ref().map(|to| party(directory, to)),
        answers: remark.answers,
    }
}
