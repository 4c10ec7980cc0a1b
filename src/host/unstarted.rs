//! Triggers that could start no run: there is no run that shows it, so people are told.

use super::words::looked_after_by;
use super::{Host, HostError};
use crate::base::id::RunId;
use crate::plan::Plan;
use crate::store::{OutboxMail, Write};
use jiff::tz::TimeZone;

impl Host {
    /// What tells whoever looks after the flow that it was not started, and counts it. One mail a day of each
    /// flow: what fails once fails often.
    pub(super) async fn tell_unstarted(
        &self,
        plan: &Plan,
        by: &str,
        error: &HostError,
    ) -> Result<Vec<Write>, HostError> {
        self.metrics().runs_not_started.add(1);
        let now = self.now();
        let key = format!("unstarted:{}:{}", plan.flow, now.to_zoned(TimeZone::UTC).date());
        let subject = format!("A flow could not be started: {}", plan.title);
        let text = format!(
            "{subject}\n\n{error}\n\nFlow: {} {}\nBy:   {by}\n\nNo run was started, and it is not tried again: mend the flow \
             or what starts it, and start what is missing by hand. Further ones of today are counted as \
             runs_not_started in /metrics, and are in the log.\n",
            plan.flow, plan.version
        );
        let people = looked_after_by(plan);
        let mut writes = Vec::new();
        for mail in self.mail_each(&RunId::from(""), &key, &people, &subject, &text, now) {
            if self.parts().store.mail(&mail.id).await?.is_none() {
                writes.push(Write::PutMail(OutboxMail { run: None, ..mail }));
            }
        }
        Ok(writes)
    }
}
