//! People are asked about the newest version there is.
//!
//! A run hears of new versions of a file while one of its tasks is about it. What came before the
//! task opened was told to nobody, or to another step; so the file space is asked when it opens. A version that was
//! stored before the process began and that nobody gave is not the run's, and is not asked about.

use super::{Host, HostError};
use crate::base::id::FileId;
use crate::engine::{Input, RunMachine, TaskPhase};
use crate::space::SharedVersion;

impl Host {
    /// Tells the run of newer versions of what its tasks are about that opened or changed after the
    /// event at `seq`. Whether that changed anything.
    pub(super) async fn tell_of_newer(&self, machine: &mut RunMachine, seq: u64) -> Result<bool, HostError> {
        let before = machine.seq();
        for task in machine.tasks_since(seq) {
            let Some(known) = task.document.filter(|_| task.phase == TaskPhase::Open) else {
                continue;
            };
            let Some(file) = self.parts().store.file(&FileId(known.id.clone())).await? else {
                continue;
            };
            let newest = file.current();
            let newer = SharedVersion::new(&file, newest);
            if newest.number > known.version && self.may_follow(machine, &known, &newer, newest.at).await? {
                let document = file.reference_to(newest);
                let task = task.id;
                // a task that keeps its version takes no notice
                let _ = machine.handle(self.now(), Input::Newer { task, document });
            }
        }
        Ok(machine.seq() > before)
    }
}
