//! A wait for something that a share cannot bring: it is over before, nobody may put anything into it, or it has fewer
//! files than are to be downloaded.

use super::reminder_after_due::at_least;
use crate::base::source::escape;
use crate::base::{Code, Diagnostic, Period, Value};
use crate::lint::rule::{Check, Context, Report, Rule, StepView};
use crate::spec::min_files::{FILE_DOWNLOADED, MinFiles};
use crate::spec::step::WaitSpec;
use crate::spec::{DeadlineSpec, Verb};

const CODE: Code = Code {
    id: "GF607",
    name: "wait-in-vain",
};

/// What an upload is told as.
const UPLOAD: &str = "file360.file_uploaded";
/// Roles with which nobody can upload.
const NO_UPLOAD: [&str; 3] = ["view", "comment", "download"];

/// The rule.
pub const RULE: Rule = Rule {
    code: CODE,
    check: Check::Whole(check),
};

fn check(cx: &Context<'_>, report: &mut Report) {
    for step in &cx.steps {
        let Some(Verb::Wait(wait)) = step.spec.verb() else {
            continue;
        };
        for counted in counted(step, wait) {
            too_many(cx, step, &counted, report);
        }
        for (event, share) in awaited(wait) {
            let Some(room) = cx.step(share) else { continue };
            too_short(cx, step, room, report);
            if event == UPLOAD {
                closed(cx, step, room, report);
            }
        }
    }
}

/// The events that are waited for, with the steps whose share they are about.
fn awaited(wait: &WaitSpec) -> Vec<(&str, &str)> {
    let alone = wait.event.as_deref().zip(wait.on.as_deref());
    let several = wait.any.values().chain(wait.all.values());
    let several = several.filter_map(|one| Some((one.event.as_str(), one.on.as_deref()?)));
    let all = alone.into_iter().chain(several);
    let mut found: Vec<(&str, &str)> = all.filter_map(|(event, on)| Some((event, share_of(on)?))).collect();
    found.dedup();
    found
}

/// A `min_files` of a wait.
struct Counted<'a> {
    /// The path of the key in the flow.
    place: String,
    event: &'a str,
    on: Option<&'a str>,
    min: MinFiles,
}

fn counted<'a>(step: &StepView<'_>, wait: &'a WaitSpec) -> Vec<Counted<'a>> {
    let mut found = Vec::new();
    if let (Some(event), Some(min)) = (&wait.event, wait.min_files) {
        let (place, on) = (step.at("wait/min_files"), wait.on.as_deref());
        found.push(Counted { place, event, on, min });
    }
    for (group, several) in [("any", &wait.any), ("all", &wait.all)] {
        for (name, one) in several {
            let Some(min) = one.min_files else { continue };
            found.push(Counted {
                place: step.at(&format!("wait/{group}/{}/min_files", escape(name))),
                event: &one.event,
                on: one.on.as_deref(),
                min,
            });
        }
    }
    found
}

/// More files are to be downloaded than there will be, or the event is no download.
fn too_many(cx: &Context<'_>, step: &StepView<'_>, counted: &Counted<'_>, report: &mut Report) {
    let span = cx.value(&counted.place);
    if counted.event != FILE_DOWNLOADED || counted.on.is_none() {
        let message = format!(
            "step {} has `min_files`, but does not wait for downloads of a share",
            step.title()
        );
        let help = "use it with `event: file360.file_downloaded` and a share under `on`";
        report.push(Diagnostic::warning(CODE, message, span).with_help(help));
        return;
    }
    let room = counted.on.and_then(share_of).and_then(|share| cx.step(share));
    let (Some(room), MinFiles::Count(count)) = (room, counted.min) else {
        return;
    };
    let Some(Verb::Uses("file360.create_share", Some(with))) = room.spec.verb() else {
        return;
    };
    let files = with
        .get("files")
        .map_or(Some(0), |files| files.as_array().map(Vec::len));
    let Some(files) = files.filter(|files| (*files as u64) < u64::from(count) && nobody_uploads(cx, room)) else {
        return;
    };
    let message = format!(
        "step {} waits until {count} files are downloaded, but the share of step {} has {files}",
        step.title(),
        room.title()
    );
    report.push(Diagnostic::warning(CODE, message, span).with_help("leave `min_files` out to wait for all of them"));
}

/// The step in `${{ steps.ID.share }}`.
fn share_of(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?;
    inner.trim().strip_prefix("steps.")?.strip_suffix(".share")
}

/// What stands as it is under `with` of an action.
fn literal<'a>(step: &StepView<'a>, action: &str, key: &str) -> Option<&'a str> {
    let Some(Verb::Uses(name, Some(with))) = step.spec.verb() else {
        return None;
    };
    let text = with.get(key).and_then(Value::as_str)?;
    (name == action && !text.contains("${{")).then_some(text)
}

/// The share ends by itself while it is still waited on.
fn too_short(cx: &Context<'_>, step: &StepView<'_>, room: &StepView<'_>, report: &mut Report) {
    let Some(DeadlineSpec::Due(deadline)) = &step.spec.deadline else {
        return;
    };
    let Some(expires) = literal(room, "file360.create_share", "expires_in") else {
        return;
    };
    let (Ok(due), Ok(period)) = (Period::parse(&deadline.due), Period::parse(expires)) else {
        return;
    };
    // A working day is never shorter than a day.
    let counted = Period {
        days: due.days + due.business_days,
        business_days: 0,
        ..due
    };
    let is_over = at_least(&due, &period) || at_least(&counted, &period);
    // As long as the wait is what people write; the share is the older one by moments.
    if is_over && period != due && period != counted {
        let message = format!(
            "step {} waits {} for the share of step {}, which is over after {expires}",
            step.title(),
            deadline.due,
            room.title()
        );
        report.push(
            Diagnostic::warning(CODE, message, cx.value(&step.at("deadline/due")))
                .with_related(cx.value(&room.at("with/expires_in")), "the share ends here")
                .with_help("let the share live longer than the wait on it"),
        );
    }
}

/// Everybody who is let in can look at most.
fn closed(cx: &Context<'_>, step: &StepView<'_>, room: &StepView<'_>, report: &mut Report) {
    if !nobody_uploads(cx, room) {
        return;
    }
    let message = format!(
        "step {} waits for an upload, and nobody who is let into the share of step {} may upload",
        step.title(),
        room.title()
    );
    report.push(
        Diagnostic::warning(CODE, message, cx.key(&step.at("wait")))
            .with_help("let somebody in with `role: contribute`"),
    );
}

/// Whether somebody is let into the share of `room`, and nobody of them may upload.
fn nobody_uploads(cx: &Context<'_>, room: &StepView<'_>) -> bool {
    let share = format!("steps.{}.share", room.spec.id);
    let lets_in = |other: &&StepView<'_>| {
        let Some(Verb::Uses("file360.set_permissions", Some(with))) = other.spec.verb() else {
            return false;
        };
        with.get("share")
            .and_then(Value::as_str)
            .is_none_or(|text| text.contains(&share) || share_of(text).is_none())
    };
    let grants: Vec<&StepView<'_>> = cx.steps.iter().filter(lets_in).collect();
    let of_room = match room.spec.verb() {
        Some(Verb::Uses("file360.create_share", Some(with))) if with.get("to").is_some() => {
            Some(with.get("role").map_or(Some("download"), Value::as_str))
        }
        Some(Verb::Uses("file360.create_share", _)) => None,
        _ => return false,
    };
    let of_grants = grants
        .iter()
        .map(|grant| literal(grant, "file360.set_permissions", "role"));
    let mut roles = of_grants.chain(of_room).peekable();
    // Whoever is let in nowhere may get the link by other ways.
    roles.peek().is_some() && roles.all(|role| role.is_some_and(|role| NO_UPLOAD.contains(&role)))
}

#[cfg(test)]
mod tests {
    use super::share_of;

    #[test]
    fn only_a_share_that_is_named_alone_is_known() {
        assert_eq!(share_of("${{ steps.room.share }}"), Some("room"));
        for other in ["steps.room.share", "${{ inputs.share }}", "${{ steps.room.name }}"] {
            assert_eq!(share_of(other), None, "{other}");
        }
    }
}
