//! Moving runs to another deployed version of their flow.

use super::by_hand::check_given;
use super::drive::{Stop, TRIES};
use super::slots::{Loaded, Slot};
use super::{Host, HostError};
use crate::base::id::RunId;
use crate::base::{Actor, Value};
use crate::engine::{Migration, Moved, Obstacle, RunPhase};
use crate::plan::Plan;
use crate::store::settings::setting;
use serde_json::Map;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a run is to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// The version; without it, the one that new runs take.
    pub to: Option<String>,
    /// Steps that are called otherwise there: old name, new name.
    pub steps: BTreeMap<String, String>,
    /// Who moves it.
    pub by: Actor,
    /// Why; it goes into the journal.
    pub reason: String,
}

/// What becomes, or would become, of a run that is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveReport {
    /// The version that it went by.
    pub from: String,
    /// The other version.
    pub to: String,
    /// Whether it went by that very version already: there is nothing to do.
    pub same: bool,
    /// Every reason why it cannot.
    pub obstacles: Vec<Obstacle>,
    /// Steps that begin at once.
    pub begins: Vec<String>,
}

impl Host {
    /// Lets a run go on by another version of its flow. When this returns, that is durable, or nothing is
    /// changed.
    ///
    /// # Errors
    /// [`HostError::Incompatible`] with every reason why it cannot.
    pub async fn migrate_run(self: &Arc<Self>, run: &RunId, to: Move) -> Result<MoveReport, HostError> {
        check_given(&to.reason)?;
        let (host, run) = (Arc::clone(self), run.clone());
        self.to_its_end(format!("run {run}"), async move {
            let place = host.slots.of(&run);
            let moved = host.migrate_in(&run, &mut *place.lock().await, &to).await;
            drop(place);
            host.slots.put_back(&run);
            moved
        })
        .await
    }

    /// What would become of a run that is moved. Nothing is changed.
    pub async fn try_migration(&self, run: &RunId, to: &Move) -> Result<MoveReport, HostError> {
        let place = self.slots.of(run);
        let report = {
            let mut slot = place.lock().await;
            let loaded = self.load(run, &mut slot).await?;
            let report = self.moved(run, loaded, to).await.map(|(report, _)| report);
            if matches!(loaded.machine.status(), RunPhase::Ended { .. }) {
                slot.loaded = None;
            }
            report
        };
        drop(place);
        self.slots.put_back(run);
        report
    }

    async fn migrate_in(self: &Arc<Self>, run: &RunId, slot: &mut Slot, to: &Move) -> Result<MoveReport, HostError> {
        for _ in 0..TRIES {
            match self.migrate_once(run, slot, to).await {
                Ok(report) => {
                    self.follow_up(run, slot);
                    let report = report?;
                    if report.obstacles.is_empty() {
                        return Ok(report);
                    }
                    return Err(HostError::Incompatible {
                        run: run.clone(),
                        version: report.to,
                        obstacles: report.obstacles,
                    });
                }
                Err(Stop::Conflict | Stop::Duplicate(_)) => {}
                Err(Stop::Host(error)) => {
                    self.take_up_again(run, &error).await;
                    return Err(error);
                }
            }
        }
        self.timers.set_again(run, self.now());
        Err(HostError::Conflict(format!(
            "run {run} is being changed by many at once: repeat"
        )))
    }

    /// Brings the run to rest as it is, and moves it then.
    async fn migrate_once(
        self: &Arc<Self>,
        run: &RunId,
        slot: &mut Slot,
        to: &Move,
    ) -> Result<Result<MoveReport, HostError>, Stop> {
        self.bring_to_rest(run, slot).await?;
        let mut loaded = slot.loaded.take().expect("it was brought to rest just now");
        let report = match self.moved(run, &loaded, to).await {
            Ok((report, None)) => Ok(report),
            Err(error) => Err(error),
            Ok((report, Some(moved))) => {
                loaded.machine = moved.machine;
                loaded.machine.note_via(0, to.by.via.clone());
                let mut durable = false;
                match self.settle(run, &mut loaded, Vec::new(), &mut || durable = true).await {
                    Ok(()) => {}
                    // it has moved; what follows from that is taken up again
                    Err(stop) if durable => {
                        self.go_on(run, stop).await;
                        return Ok(Ok(report));
                    }
                    Err(stop) => return Err(stop),
                }
                Ok(report)
            }
        };
        slot.loaded = Some(loaded);
        Ok(report)
    }

    /// What becomes of a run that is at rest, and the run by the other version where it can go on so.
    async fn moved(&self, run: &RunId, loaded: &Loaded, to: &Move) -> Result<(MoveReport, Option<Moved>), HostError> {
        let plan = self.version_of(&loaded.row.flow, to.to.as_deref()).await?;
        let mut report = MoveReport {
            from: loaded.row.version.clone(),
            to: plan.version.clone(),
            same: plan.hash == loaded.row.plan,
            obstacles: Vec::new(),
            begins: Vec::new(),
        };
        if report.same {
            return Ok((report, None));
        }
        let migration = Migration {
            settings: self.settings_there_are(&plan).await?,
            to: plan,
            steps: to.steps.clone(),
            by: to.by.principal.clone(),
            reason: to.reason.clone(),
        };
        let journal = self.whole_journal(run).await?;
        match loaded.machine.migrate(self.now(), &journal, &migration) {
            Ok(moved) => {
                report.begins.clone_from(&moved.begins);
                Ok((report, Some(moved)))
            }
            Err(obstacles) => {
                report.obstacles = obstacles;
                Ok((report, None))
            }
        }
    }

    /// The plan of a deployed version; without one, of that which new runs take.
    async fn version_of(&self, flow: &str, version: Option<&str>) -> Result<Arc<Plan>, HostError> {
        let Some(version) = version else {
            return self.latest_plan(flow).await;
        };
        let deployments = self.parts().store.deployments_of(flow).await?;
        match deployments.iter().find(|one| one.version == version) {
            Some(deployment) => self.plan(&deployment.hash).await,
            None => {
                let known: Vec<&str> = deployments.iter().map(|one| one.version.as_str()).collect();
                Err(HostError::Invalid(format!(
                    "version {version} of flow {flow} is not deployed; there are {}",
                    known.join(", ")
                )))
            }
        }
    }

    /// What runs of the flow share now, as far as it was given or has a default.
    async fn settings_there_are(&self, plan: &Plan) -> Result<Map<String, Value>, HostError> {
        let mut settings = Map::new();
        for (name, spec) in &plan.settings {
            let given = setting(&*self.parts().store, &plan.flow, name).await?;
            let value = given.map(|given| given.value).or_else(|| spec.default.clone());
            settings.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(settings)
    }
}
