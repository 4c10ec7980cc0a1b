//! Deadlines, reminders, escalation and pauses.

use super::{Compiler, Known};
use crate::base::moment::NotRead;
use crate::base::{Diagnostic, Period, Semantics, Timestamp, moment};
use crate::expr::{Part, Template};
use crate::plan::{Deadline, Escalation, Reminder, Retry, codes};
use crate::spec::step::DueSpec;
use crate::spec::{DeadlineSpec, EscalationSpec, FlowSpec, InputKind, RetrySpec, Verb};

impl Compiler<'_> {
    /// The deadline of a step that can have one.
    pub(super) fn deadline(&mut self, known: &Known<'_>) -> Option<Deadline> {
        let DeadlineSpec::Due(due) = known.spec.deadline.as_ref()? else {
            return None;
        };
        let pointer = format!("{}/deadline", known.pointer);
        if !matches!(
            known.verb,
            Verb::Wait(_) | Verb::Approve(_) | Verb::Task(_) | Verb::Collect(_)
        ) {
            self.report(
                Diagnostic::error(
                    codes::DEADLINE_OUT_OF_PLACE,
                    format!("`{}` waits for nobody, so it has no deadline", known.spec.id),
                    self.document.spans.key(&pointer),
                )
                .with_help(
                    "put the deadline at a `wait`, an `approve`, a `task` or a `collect`; a call is bounded by its connection and `retry`",
                ),
            );
            return None;
        }
        Some(self.due(&pointer, due))
    }

    fn due(&mut self, pointer: &str, due: &DueSpec) -> Deadline {
        let moment = self.moment(&format!("{pointer}/due"), &due.due);
        if self.read_moment(&due.due).is_ok() {
            let place = self.document.spans.value(&format!("{pointer}/due"));
            let message = "this moment is the same for every run: one that gets here later has missed it";
            self.report(
                Diagnostic::warning(codes::BAD_DURATION, message, place)
                    .with_help("write a length of time, as `10 days`, or let an input say the day"),
            );
        }
        let mut remind = Vec::with_capacity(due.remind.len());
        for (at, text) in due.remind.iter().enumerate() {
            remind.extend(self.reminder(&format!("{pointer}/remind/{at}"), text));
        }
        let written = due.escalate.iter().flat_map(EscalationSpec::each);
        let escalate = written.filter_map(|(place, escalate)| {
            let to = self.templates(&format!("{pointer}/escalate{place}/to"), &escalate.to);
            let at = format!("{pointer}/escalate{place}/after");
            let after = self.period(&at, &escalate.after)?;
            self.some_time(&at, &escalate.after, after, "they would be asked as the step begins");
            Some(Escalation { after, to })
        });
        let escalate = escalate.collect();
        Deadline {
            due: moment,
            remind,
            escalate,
        }
    }

    fn reminder(&mut self, pointer: &str, text: &str) -> Option<Reminder> {
        let text = text.trim();
        if let Some(length) = text.strip_suffix(" before") {
            let period = self.period(pointer, length)?;
            self.some_time(pointer, length, period, "the reminder would come as the time is over");
            return Some(Reminder::Before(period));
        }
        if let Some(length) = text.strip_suffix(" after") {
            let period = self.period(pointer, length)?;
            self.some_time(pointer, length, period, "the reminder would come as the step begins");
            return Some(Reminder::After(period));
        }
        let help = "write `3 business days before` (the due moment) or `2 days after` (the step's start)";
        self.bad_duration(
            pointer,
            format!("`{text}` does not say `before` or `after`"),
            Some(help),
        );
        None
    }

    /// A length of time or a moment: text, or `${{ }}` of either.
    pub(super) fn moment(&mut self, pointer: &str, text: &str) -> Template {
        let template = self.template(pointer, text);
        let literal = template.parts.iter().all(|part| matches!(part, Part::Text(_)));
        if literal && let Err(error) = self.read_moment(text) {
            if !matches!(error, NotRead::Form | NotRead::Day) {
                self.bad_duration(pointer, format!("`{text}` {error}"), None);
            } else if let Some(period) = self.period(pointer, text) {
                self.some_time(pointer, text, period, "the step would be over as it begins");
            }
        } else if !literal && text.contains("business") {
            self.needs_calendar(pointer);
        }
        template
    }

    /// Tells of a length of time that is none, with what would come of it.
    fn some_time(&mut self, pointer: &str, text: &str, period: Period, then: &str) {
        if period.is_zero() {
            let message = format!("`{}` is no time at all: {then}", text.trim());
            self.bad_duration(pointer, message, Some("say how long it is, as `5 days`"));
        }
    }

    /// A length of time.
    pub(super) fn period(&mut self, pointer: &str, text: &str) -> Option<Period> {
        match Period::parse(text) {
            Ok(period) => {
                if period.needs_calendar() {
                    self.needs_calendar(pointer);
                }
                Some(period)
            }
            Err(error) => {
                self.bad_duration(pointer, error.to_string(), None);
                None
            }
        }
    }

    pub(super) fn bad_duration(&mut self, pointer: &str, message: String, help: Option<&str>) {
        let place = self.document.spans.value(pointer);
        let mut finding = Diagnostic::error(codes::BAD_DURATION, message, place);
        finding.help = help.map(str::to_owned);
        self.report(finding);
    }

    fn needs_calendar(&mut self, pointer: &str) {
        if self.calendar == Some(false) {
            let place = self.document.spans.value(pointer);
            let message = "working time is counted here, and the flow names no calendar";
            self.report(
                Diagnostic::error(codes::CALENDAR_MISSING, message, place)
                    .with_help("add `calendar: NAME` at the top of the flow, or count in days and hours"),
            );
        }
    }

    /// Inputs that stand for a length of time may need a calendar too.
    pub(super) fn input_defaults(&mut self, spec: &FlowSpec) {
        for (name, input) in &spec.inputs {
            let business = input.default_period().is_some_and(|period| period.needs_calendar());
            if input.kind == InputKind::Duration && business {
                self.needs_calendar(&format!("/inputs/{name}/default"));
            }
        }
    }

    /// The moment that `text` means in the zone of the flow.
    fn read_moment(&self, text: &str) -> Result<Timestamp, NotRead> {
        moment::read(text, &self.zone, Semantics::CURRENT)
    }

    /// How to try again.
    pub(super) fn retry(&mut self, step: &str, retry: &RetrySpec) -> Retry {
        let usual = Retry::default();
        let mut pause = |key: &str, text: &Option<String>, usual: u64| {
            let Some(text) = text else {
                return usual;
            };
            let pointer = format!("{step}/retry/{key}");
            let period = match Period::parse(text) {
                Ok(period) => period,
                Err(error) => {
                    self.bad_duration(&pointer, error.to_string(), None);
                    return usual;
                }
            };
            milliseconds(&period).unwrap_or_else(|| {
                let message = format!("`{text}` is no pause that is the same every time");
                self.bad_duration(
                    &pointer,
                    message,
                    Some("write seconds, minutes, hours or days, as `10 s`"),
                );
                usual
            })
        };
        let backoff_ms = pause("backoff", &retry.backoff, usual.backoff_ms);
        let max_ms = pause("max", &retry.max, usual.max_ms);
        Retry {
            attempts: retry.attempts.max(1),
            backoff_ms,
            factor: retry
                .factor
                .filter(|factor| factor.is_finite())
                .unwrap_or(usual.factor)
                .max(1.0),
            max_ms: max_ms.max(backoff_ms),
        }
    }
}

/// The length in milliseconds, if it is the same every time.
fn milliseconds(period: &Period) -> Option<u64> {
    if period.months > 0 || period.needs_calendar() {
        return None;
    }
    let seconds = u64::from(period.days) * 86_400 + period.seconds;
    seconds.checked_mul(1_000)
}
