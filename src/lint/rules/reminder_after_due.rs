//! A reminder or an escalation that can never happen: it lies past the deadline or before the
//! step begins.

use crate::base::{Code, Diagnostic, Period};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::spec::{DeadlineSpec, EscalationSpec};

const CODE: Code = Code {
    id: "GF402",
    name: "reminder-after-due",
};

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Flow(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(DeadlineSpec::Due(deadline)) = &step.spec.deadline else {
            continue;
        };
        let Ok(due) = Period::parse(&deadline.due) else {
            continue;
        };
        for (index, reminder) in deadline.remind.iter().enumerate() {
            let pointer = step.at(&format!("deadline/remind/{index}"));
            reminder_of(cx, step, reminder, &due, &pointer, report);
        }
        for (place, escalate) in deadline.escalate.iter().flat_map(EscalationSpec::each) {
            let late = Period::parse(&escalate.after).is_ok_and(|after| at_least(&after, &due));
            if late {
                let message = format!(
                    "step {} is escalated {} after its start, and its deadline is {} after its start",
                    step.title(),
                    escalate.after,
                    deadline.due
                );
                let span = cx.value(&step.at(&format!("deadline/escalate{place}/after")));
                report.push(Diagnostic::error(CODE, message, span).with_help("escalate before the deadline"));
            }
        }
    }
}

fn reminder_of(cx: &Context<'_>, step: &StepView<'_>, text: &str, due: &Period, pointer: &str, report: &mut Report) {
    let message = if let Some(before) = text.strip_suffix("before") {
        match Period::parse(before.trim()) {
            Ok(period) if at_least(&period, due) => {
                format!(
                    "reminder \"{text}\" of step {} lies before the step begins: the deadline is {due}",
                    step.title()
                )
            }
            _ => return,
        }
    } else if let Some(after) = text.strip_suffix("after") {
        match Period::parse(after.trim()) {
            Ok(period) if at_least(&period, due) => {
                format!(
                    "reminder \"{text}\" of step {} comes when the deadline of {due} is over",
                    step.title()
                )
            }
            _ => return,
        }
    } else {
        return;
    };
    report.push(
        Diagnostic::error(CODE, message, cx.value(pointer)).with_help("shorten the reminder or lengthen the deadline"),
    );
}

/// Whether `a` is surely at least as long as `b`, wherever and whenever both begin. A month lasts 28 to 31 days. Calendar
/// days are of 24 hours but for clocks that change: by an hour for a single day, by two at most for however many. Working
/// time takes at least as long as it counts in hours; how long a working day takes depends on the calendar.
pub(super) fn at_least(a: &Period, b: &Period) -> bool {
    let no_working_time = b.business_days == 0 && b.business_minutes == 0;
    let elapsed = shortest(a) >= longest(b) && no_working_time;
    let same_kind = (a.months, a.days, a.seconds) == (0, 0, 0) || (a.business_days, a.business_minutes) == (0, 0);
    let by_parts = a.months >= b.months && a.days >= b.days && a.seconds >= b.seconds;
    let by_working_parts = a.business_days >= b.business_days && a.business_minutes >= b.business_minutes;
    elapsed || (same_kind && by_parts && by_working_parts)
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// How much clocks that change take from so many days, or give to them, in seconds.
fn slack(days: u64) -> u64 {
    days.min(2) * HOUR
}

fn shortest(period: &Period) -> u64 {
    let days = u64::from(period.months) * 28 + u64::from(period.days);
    days * DAY - slack(days) + period.seconds + u64::from(period.business_minutes) * 60
}

fn longest(period: &Period) -> u64 {
    let days = u64::from(period.months) * 31 + u64::from(period.days);
    days * DAY + slack(days) + period.seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_compared() {
        let days = |days| Period {
            days,
            ..Period::default()
        };
        let hours = |hours: u64| Period {
            seconds: hours * 3_600,
            ..Period::default()
        };
        let business = |business_days| Period {
            business_days,
            ..Period::default()
        };
        assert!(at_least(&days(3), &days(3)));
        assert!(!at_least(&days(2), &days(3)));
        assert!(!at_least(&hours(24), &days(1)), "the day may have 25 hours");
        assert!(at_least(&hours(25), &days(1)));
        assert!(at_least(&days(3), &hours(70)) && at_least(&hours(74), &days(3)));
        assert!(!at_least(&days(3), &hours(71)) && !at_least(&hours(73), &days(3)));
        assert!(at_least(&business(5), &business(5)));
        assert!(!at_least(&days(5), &business(3)), "it depends on the calendar");
        assert!(!at_least(&business(5), &business(6)));
        let worked = |business_minutes| Period {
            business_minutes,
            ..Period::default()
        };
        assert!(at_least(&worked(120), &hours(2)), "it takes two hours at least");
        assert!(!at_least(&worked(119), &hours(2)));
        assert!(!at_least(&hours(200), &worked(60)), "it depends on the calendar");
    }
}
