//! Starts runs at recurring moments.
//!
//! Invariant: a moment starts one run at most, whatever happens: it is used up in the transaction
//! of the start. How far each flow's moments are dealt with is known in memory alone; after a
//! restart they are looked through again from the deployment on, but no further back than
//! `LOOK_BACK`.

use super::once::OnceKey;
use super::retention::key_until;
use super::runs::StartRun;
use super::timers::pause;
use super::triggers::trigger_inputs;
use super::{Host, HostError};
use crate::base::{Schedule, Timestamp};
use crate::plan::Plan;
use crate::spec::flow::{CatchUp, Overlap, ScheduleTrigger};
use crate::store::{RunFilter, RunStatus};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// How long ago a moment may lie that is made up for.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Most moments of a flow that are made up for; of more the newest are.
pub const MOST_MADE_UP: usize = 100;
/// How late a moment may be dealt with and still count as kept, where none is made up for.
const LATE: SignedDuration = SignedDuration::from_secs(60);
/// Pause before a start is tried again that the store refused.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// Who starts these runs.
const INITIATOR: &str = "trigger:schedule";

/// Up to when each flow's moments are dealt with, by name: the hash of the plan and the moment.
type DealtWith = HashMap<String, (String, Timestamp)>;

/// A flow with its schedule, as compiled and as written.
#[derive(Clone, Copy)]
struct Scheduled<'p> {
    plan: &'p Plan,
    schedule: &'p Schedule,
    trigger: &'p ScheduleTrigger,
}

impl Host {
    /// Starts runs as their moments come, until the host stops.
    pub(super) async fn run_schedules(self: Arc<Self>) {
        let mut dealt_with = DealtWith::new();
        loop {
            let started = if self.is_time_held() {
                Ok(None)
            } else {
                self.start_scheduled(&mut dealt_with).await
            };
            let next = match started {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "flows with a schedule could not be looked for; it is tried again");
                    Some(self.now().checked_add(AGAIN).unwrap_or(Timestamp::MAX))
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.flow_deployed.notified() => {}
                () = tokio::time::sleep(pause(&self.parts().clock, next)) => {}
            }
        }
    }

    /// Deals with every moment that has come; tells when the next one comes.
    async fn start_scheduled(self: &Arc<Self>, dealt_with: &mut DealtWith) -> Result<Option<Timestamp>, HostError> {
        let mut next = None;
        for plan in self.plans_triggered(|on| on.schedule.is_some()).await? {
            let (Some(schedule), Some(trigger)) = (&plan.schedule, &plan.triggers.schedule) else {
                continue;
            };
            let scheduled = Scheduled {
                plan: &plan,
                schedule,
                trigger,
            };
            let now = self.now();
            let comes = match self.deal_with_moments(scheduled, dealt_with, now).await {
                Ok(()) => schedule.after(now),
                // one flow does not keep the others from being started
                Err(error) => {
                    tracing::error!(flow = plan.flow, %error, "a recurring moment could not be dealt with; it is tried again");
                    Some(now.checked_add(AGAIN).unwrap_or(Timestamp::MAX))
                }
            };
            if self.stop.is_cancelled() {
                return Ok(None);
            }
            next = [next, comes].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Deals with every moment of one flow that has come.
    async fn deal_with_moments(
        self: &Arc<Self>,
        scheduled: Scheduled<'_>,
        dealt_with: &mut DealtWith,
        now: Timestamp,
    ) -> Result<(), HostError> {
        let plan = scheduled.plan;
        let since = self.dealt_with_until(scheduled, dealt_with, now).await?;
        for moment in due(scheduled, since, now) {
            if self.stop.is_cancelled() {
                return Ok(());
            }
            self.start_at(scheduled, moment).await?;
            dealt_with.insert(plan.flow.clone(), (plan.hash.clone(), moment));
        }
        dealt_with.insert(plan.flow.clone(), (plan.hash.clone(), now.max(since)));
        Ok(())
    }

    /// Up to when the moments of a flow are dealt with. A version begins with its deployment.
    async fn dealt_with_until(
        &self,
        scheduled: Scheduled<'_>,
        dealt_with: &DealtWith,
        now: Timestamp,
    ) -> Result<Timestamp, HostError> {
        let plan = scheduled.plan;
        if let Some((hash, until)) = dealt_with.get(&plan.flow)
            && *hash == plan.hash
        {
            return Ok(*until);
        }
        let deployment = self.parts().store.deployment(&plan.hash).await?;
        let deployed_at = deployment.map_or(now, |deployment| deployment.at);
        Ok(deployed_at.max(now.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN)))
    }

    /// Starts the run of one moment, unless it was started before or is passed over.
    async fn start_at(self: &Arc<Self>, scheduled: Scheduled<'_>, moment: Timestamp) -> Result<(), HostError> {
        let plan = scheduled.plan;
        let once = OnceKey {
            name: "moment",
            scope: format!("schedule:{}", plan.flow),
            key: moment.to_string(),
            digest: None,
        };
        if self.started_before(&once).await?.is_some() {
            return Ok(());
        }
        if scheduled.trigger.overlap == Overlap::Skip && self.goes_on(&plan.flow).await? {
            tracing::warn!(flow = plan.flow, %moment, "passed over: the run of an earlier moment still goes on");
            return self.pass_over(once).await;
        }
        let event = json!({ "scheduled_at": moment, "date": scheduled.schedule.day_of(moment) });
        let started = match trigger_inputs(plan, &scheduled.trigger.inputs, &event, &json!({})) {
            Ok(inputs) => {
                let start = StartRun {
                    flow: plan.flow.clone(),
                    inputs,
                    initiator: INITIATOR.to_owned(),
                    trigger: "schedule".to_owned(),
                    once: Some(once.clone()),
                    ..StartRun::default()
                };
                self.start_run(start).await.map(|_| ())
            }
            Err(error) => Err(error),
        };
        match started {
            Err(error @ (HostError::BadInputs { .. } | HostError::BadSettings { .. } | HostError::Invalid(_))) => {
                tracing::error!(flow = plan.flow, %moment, %error, "the moment could not start a run");
                let writes = self.tell_unstarted(plan, "its schedule", &error).await?;
                self.commit_alone(writes).await?;
                self.mails_queued.notify_one();
                self.pass_over(once).await
            }
            other => other,
        }
    }

    /// Uses a moment up without a run.
    async fn pass_over(self: &Arc<Self>, once: OnceKey) -> Result<(), HostError> {
        self.metrics().moments_passed_over.add(1);
        let until = key_until(self.now());
        self.commit_alone(vec![once.used_for(String::new(), until)]).await
    }

    /// Whether the run of an earlier moment still goes on.
    async fn goes_on(&self, flow: &str) -> Result<bool, HostError> {
        for status in [RunStatus::Running, RunStatus::Closing] {
            let filter = RunFilter {
                flow: Some(flow.to_owned()),
                status: Some(status),
                initiator: Some(INITIATOR.to_owned()),
                limit: 1,
                ..RunFilter::default()
            };
            if !self.parts().store.runs(&filter).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The moments after `since` up to `now` that start a run.
fn due(scheduled: Scheduled<'_>, since: Timestamp, now: Timestamp) -> Vec<Timestamp> {
    let moments = |most| scheduled.schedule.between(since, now, most);
    match scheduled.trigger.catch_up {
        CatchUp::All => moments(MOST_MADE_UP),
        CatchUp::Last => moments(1),
        CatchUp::None => {
            let mut last = moments(1);
            last.retain(|moment| now.duration_since(*moment) <= LATE);
            last
        }
    }
}
