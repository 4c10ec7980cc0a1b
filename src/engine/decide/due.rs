//! When a wait or a task is due, reminded of and escalated.

use super::super::event::Timers;
use super::super::frame::Slot;
use super::super::scope::RunScope;
use super::super::state::{Alarm, RunState, Timer, TimerOf, alarms};
use super::ask::texts;
use super::branch::text_of;
use super::step_scope;
use crate::base::calendar::{after, before};
use crate::base::moment::NotRead;
use crate::base::{Calendar, Period, Semantics, Timestamp, Value, moment};
use crate::expr::Template;
use crate::plan::{Escalation, Plan, PlanVerb, PlanWait, Reminder};
use jiff::civil::Date;

/// The timers of the step at `slot`, counted from when it became ready. `until` is the moment that
/// a wait is for: whichever is earlier, it or the deadline, ends the wait.
pub(super) fn timers(
    plan: &Plan,
    state: &RunState,
    slot: Slot,
    until: Option<&Template>,
    scope: &RunScope<'_>,
) -> Result<Timers, String> {
    let calendar = plan.calendar.as_ref();
    let start = scope.now;
    let deadline = state.planned(plan, slot).deadline.as_ref();
    let mut timers = Timers::default();
    let at = |template: &Template| {
        let value = template.eval(scope).map_err(|error| error.message)?;
        meant(&value, start, calendar, state.semantics)
    };
    let until = until.map(at).transpose()?;
    let due = deadline.map(|deadline| at(&deadline.due)).transpose()?;
    timers.due = match (until, due) {
        (Some(until), Some(due)) => {
            timers.until = Some(until);
            Some(until.min(due))
        }
        (until, due) => until.or(due),
    };
    let Some(deadline) = deadline else {
        return Ok(timers);
    };
    for reminder in &deadline.remind {
        let at = match (reminder, timers.due) {
            (Reminder::Before(period), Some(due)) => before(due, period, calendar),
            (Reminder::Before(_), None) => continue,
            (Reminder::After(period), _) => after(start, period, calendar),
        };
        timers.remind.push(at.map_err(|error| error.0)?);
    }
    // What would be reminded of before it began, or after it is over, is not.
    timers
        .remind
        .retain(|at| *at > start && timers.due.is_none_or(|due| *at < due));
    timers.remind.sort_unstable();
    timers.remind.dedup();
    escalate(&mut timers, &deadline.escalate, start, calendar)?;
    Ok(timers)
}

/// When it is escalated: none before the one above it, whatever working time makes of both, and none
/// after it is over.
fn escalate(
    timers: &mut Timers,
    written: &[Escalation],
    start: Timestamp,
    calendar: Option<&Calendar>,
) -> Result<(), String> {
    let mut earliest = start;
    let mut moments = Vec::with_capacity(written.len());
    for escalation in written {
        let at = after(start, &escalation.after, calendar).map_err(|error| error.0)?;
        earliest = earliest.max(at);
        moments.push(earliest);
    }
    moments.retain(|at| timers.due.is_none_or(|due| *at < due));
    let mut moments = moments.into_iter();
    timers.escalate = moments.next();
    timers.onwards = moments.collect();
    Ok(())
}

/// Why the step at `slot` is due at the moment `due`, in words for the end of a sentence: what the flow
/// says, and the holidays on the way. Nothing where what the flow says means another moment by now.
pub(in super::super) fn because(plan: &Plan, state: &RunState, slot: Slot, due: Timestamp) -> Option<String> {
    let planned = state.planned(plan, slot);
    let written = match (&planned.verb, &planned.deadline) {
        (PlanVerb::Wait(PlanWait { until: Some(until), .. }), _) => until,
        (_, Some(deadline)) => &deadline.due,
        (_, None) => return None,
    };
    let (calendar, since) = (plan.calendar.as_ref(), state.step(slot).since);
    let value = written.eval(&step_scope(plan, state, slot)).ok()?;
    if meant(&value, since, calendar, state.semantics).ok()? != due {
        return None;
    }
    let text = text_of(&value);
    match (Period::parse(&text), moment::day(&text, state.semantics)) {
        (Ok(period), _) => Some(format!(
            "{text} after it began{}",
            rest_days(&period, since, due, calendar)
        )),
        (_, Ok(day)) => Some(format!("the end of {day}")),
        _ => None,
    }
}

/// When the step at `slot` is escalated next and to whom, as far as what the flow says has a value now.
pub(in super::super) fn escalated_next(plan: &Plan, state: &RunState, slot: Slot) -> Option<(Timestamp, Vec<String>)> {
    let is_ahead = |at: &(Timestamp, Alarm)| {
        let timer = Timer {
            at: at.0,
            of: TimerOf::Step(slot),
            alarm: at.1,
        };
        matches!(at.1, Alarm::Escalate(_)) && state.timers.contains(&timer)
    };
    let (at, alarm) = alarms(state.timers_of(slot)?).find(is_ahead)?;
    let Alarm::Escalate(position) = alarm else {
        return None;
    };
    let deadline = state.planned(plan, slot).deadline.as_ref()?;
    let escalation = deadline.escalate.get(position as usize)?;
    let to = texts(&escalation.to, &step_scope(plan, state, slot)).ok()?;
    (!to.is_empty()).then_some((at, to))
}

/// The holidays that working time leaves out, as an insertion; nothing where there are none.
fn rest_days(period: &Period, since: Timestamp, due: Timestamp, calendar: Option<&Calendar>) -> String {
    let Some(calendar) = calendar.filter(|_| period.needs_calendar()) else {
        return String::new();
    };
    let days: Vec<String> = calendar
        .holidays_between(since, due)
        .iter()
        .map(Date::to_string)
        .collect();
    match days.as_slice() {
        [] => String::new(),
        [one] => format!(", without the holiday {one}"),
        [first @ .., last] => format!(", without the holidays {} and {last}", first.join(", ")),
    }
}

/// The moment that `value` means: so long after `start`, a moment, or the end of a day.
fn meant(
    value: &Value,
    start: Timestamp,
    calendar: Option<&Calendar>,
    semantics: Semantics,
) -> Result<Timestamp, String> {
    let text = text_of(value);
    if let Ok(period) = Period::parse(&text) {
        return after(start, &period, calendar).map_err(|error| error.0);
    }
    let zone = calendar.map_or("UTC", |calendar| calendar.zone.as_str());
    moment::read(&text, zone, semantics).map_err(|error| match error {
        NotRead::Form | NotRead::Day => format!("{text:?} is no length of time, no moment and no day"),
        other => format!("{text:?} {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_moment_is_a_length_of_time_a_timestamp_or_the_end_of_a_day() {
        let of = |text: &str| meant(&json!(text), START, None, Semantics::CURRENT).map(|at| at.to_string());
        assert_eq!(of("90 minutes").as_deref(), Ok("1970-01-01T01:30:00Z"));
        assert_eq!(of("2026-11-23T10:00:00+01:00").as_deref(), Ok("2026-11-23T09:00:00Z"));
        assert_eq!(of("2026-11-23").as_deref(), Ok("2026-11-24T00:00:00Z"));
        assert!(of("soon").is_err());
        assert!(meant(&json!(5), START, None, Semantics::CURRENT).is_err());
    }

    #[test]
    fn a_day_ends_in_the_zone_of_the_calendar() {
        let calendar = Calendar {
            zone: "Europe/Madrid".into(),
            hours: vec!["09:00-17:00".into()],
            week: vec!["mon".into()],
            holidays: Vec::new(),
        };
        let at = meant(&json!("2026-11-23"), START, Some(&calendar), Semantics::CURRENT);
        assert_eq!(at.map(|at| at.to_string()).as_deref(), Ok("2026-11-23T23:00:00Z"));
    }
}
