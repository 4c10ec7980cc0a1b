//! What starts a flow. Inputs and conditions of triggers are evaluated by the host; here they are
//! only read.

use super::Compiler;
use crate::base::source::escape;
use crate::base::{Calendar, Diagnostic, Period, Schedule, Value};
use crate::plan::codes;
use crate::spec::FlowSpec;
use crate::spec::flow::ScheduleTrigger;
use indexmap::IndexMap;

impl Compiler<'_> {
    /// Reads the triggers; returns when the flow starts by itself, if it does.
    pub(super) fn triggers(&mut self, spec: &FlowSpec, calendar: Option<&Calendar>) -> Option<Schedule> {
        if let Some(event) = &spec.on.event {
            self.trigger_parts("event", event.filter.as_deref(), &event.inputs);
        }
        if let Some(webhook) = &spec.on.webhook {
            self.trigger_parts("webhook", None, &webhook.inputs);
        }
        if let Some(flow) = &spec.on.flow {
            self.trigger_parts("flow", flow.filter.as_deref(), &flow.inputs);
            self.not_itself(spec, &flow.name);
        }
        let schedule = spec.on.schedule.as_ref()?;
        self.trigger_parts("schedule", None, &schedule.inputs);
        self.schedule(spec, schedule, calendar)
    }

    /// Reads what starts the flow before a document expires; returns how long before, if it says so.
    pub(super) fn document_trigger(&mut self, spec: &FlowSpec) -> Option<Period> {
        let trigger = spec.on.document.as_ref()?;
        self.trigger_parts("document", trigger.filter.as_deref(), &trigger.inputs);
        self.period("/on/document/expires_within", trigger.expires_within.as_deref()?)
    }

    fn trigger_parts(&mut self, trigger: &str, filter: Option<&str>, inputs: &IndexMap<String, Value>) {
        if let Some(filter) = filter {
            self.condition(&format!("/on/{trigger}/where"), filter);
        }
        for (name, value) in inputs {
            self.tree(&format!("/on/{trigger}/inputs/{}", escape(name)), value);
        }
    }

    fn schedule(
        &mut self,
        spec: &FlowSpec,
        trigger: &ScheduleTrigger,
        calendar: Option<&Calendar>,
    ) -> Option<Schedule> {
        let Some(zone) = trigger.zone.as_ref().or(calendar.map(|calendar| &calendar.zone)) else {
            // a calendar that is named and missing is a finding of its own
            if spec.calendar.is_none() {
                let place = self.document.spans.key("/on/schedule");
                let finding = Diagnostic::error(
                    codes::BAD_SCHEDULE,
                    "nobody can tell in which zone this is meant",
                    place,
                );
                self.report(finding.with_help("add `zone: Europe/Madrid`, or give the flow a `calendar`"));
            }
            return None;
        };
        match Schedule::parse(&trigger.cron, zone) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                let place = match (error.of_zone, &trigger.zone) {
                    (true, Some(_)) => self.document.spans.value("/on/schedule/zone"),
                    _ => self.document.spans.value("/on/schedule/cron"),
                };
                let finding = Diagnostic::error(codes::BAD_SCHEDULE, error.message, place);
                self.report(finding.with_help(
                    "write minute, hour, day of month, month and day of week, as `0 8 * * MON-FRI` for eight o'clock \
                     on working days",
                ));
                None
            }
        }
    }

    fn not_itself(&mut self, spec: &FlowSpec, name: &str) {
        if name != spec.flow {
            return;
        }
        let place = self.document.spans.value("/on/flow/name");
        let message = format!("`{name}` starts itself each time it ends");
        let finding = Diagnostic::error(codes::STARTS_ITSELF, message, place);
        self.report(
            finding.with_help("name another flow, use `schedule` for what recurs, or `back_to` for another round"),
        );
    }
}
