//! Names of steps in journals, and what a later version calls them.

use super::super::event::{Event, EventRecord};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What steps are called from now on, by what they were called; others keep their names.
pub(in super::super) type Renamed = BTreeMap<String, String>;

/// A journal as the version sees it by which its run goes last: pinned to that version, with the names that
/// it has for steps.
pub(in super::super) fn translated(journal: &[EventRecord]) -> Cow<'_, [EventRecord]> {
    let last = journal.iter().rev().find_map(|record| match &record.event {
        Event::Migrated { to, .. } => Some(to.clone()),
        _ => None,
    });
    let Some(last) = last else {
        return Cow::Borrowed(journal);
    };
    let mut journal = journal.to_vec();
    let mut later = Renamed::new();
    for record in journal.iter_mut().rev() {
        match &mut record.event {
            Event::Migrated { steps, .. } => later = joined(steps, &later),
            Event::RunStarted {
                version,
                plan,
                semantics,
                ..
            } => {
                version.clone_from(&last.version);
                plan.clone_from(&last.plan);
                *semantics = last.semantics;
            }
            event => rename(event, &later),
        }
    }
    Cow::Owned(journal)
}

/// What `first` and then `second` make of names.
fn joined(first: &Renamed, second: &Renamed) -> Renamed {
    let mut both = second.clone();
    both.extend(first.iter().map(|(old, new)| {
        let new = second.get(new).unwrap_or(new);
        (old.clone(), new.clone())
    }));
    both
}

fn rename(event: &mut Event, steps: &Renamed) {
    if steps.is_empty() {
        return;
    }
    for name in names(event) {
        *name = renamed(name, steps);
    }
}

/// What a step, or something about one, is called from now on: `departments[3].sign`, `abandoned:sign:1`.
pub(in super::super) fn renamed(name: &str, steps: &Renamed) -> String {
    if name.starts_with("release:") {
        return name.to_owned();
    }
    if let Some((step, round)) = name.strip_prefix("abandoned:").and_then(|rest| rest.rsplit_once(':')) {
        return format!("abandoned:{}:{round}", renamed(step, steps));
    }
    let parts: Vec<String> = name.split('.').map(|part| renamed_part(part, steps)).collect();
    parts.join(".")
}

fn renamed_part(part: &str, steps: &Renamed) -> String {
    let (id, rest) = part.split_at(part.find(['#', '[']).unwrap_or(part.len()));
    format!("{}{rest}", steps.get(id).map_or(id, String::as_str))
}

/// The ids of the step that a journal calls so and of every `each` around it.
pub(super) fn ids(name: &str) -> impl Iterator<Item = &str> {
    let name = match name.strip_prefix("abandoned:").and_then(|rest| rest.rsplit_once(':')) {
        Some((step, _)) => step,
        None => name,
    };
    let parts = name.split('.').filter(|_| !name.starts_with("release:"));
    parts
        .map(|part| &part[..part.find(['#', '[']).unwrap_or(part.len())])
        .filter(|id| !id.is_empty())
}

/// The ids of all steps that an event is about.
pub(super) fn ids_in(event: &Event) -> Vec<String> {
    let mut event = event.clone();
    let names = names(&mut event);
    let found = names.iter().flat_map(|name| ids(name));
    found.map(str::to_owned).collect()
}

/// Where an event names steps.
fn names(event: &mut Event) -> Vec<&mut String> {
    match event {
        Event::ActionScheduled { step, .. }
        | Event::AttemptFailed { step, .. }
        | Event::WaitOpened { step, .. }
        | Event::TaskOpened { step, .. }
        | Event::AlternativeMet { step, .. }
        | Event::TimerFired { step, .. }
        | Event::StepFinished { step, .. }
        | Event::CallAbandoned { step, .. }
        | Event::CollectOpened { step, .. }
        | Event::ItemChanged { step, .. }
        | Event::ChildStarted { step, .. }
        | Event::EachOpened { step, .. }
        | Event::EachPassed { step, .. }
        | Event::ElementEnded { step, .. }
        | Event::StepSkipped { step, .. }
        | Event::IncidentRaised { step, .. }
        | Event::IncidentResolved { step, .. }
        | Event::ValuesSet { step: Some(step), .. } => vec![step],
        Event::WentBack { from, to, .. } => vec![from, to],
        Event::RunStarted { .. }
        | Event::TaskAssigned { .. }
        | Event::TaskMembersChanged { .. }
        | Event::TaskActed { .. }
        | Event::DecisionRecorded { .. }
        | Event::DecisionsVoided { .. }
        | Event::EventReceived { .. }
        | Event::ValuesSet { step: None, .. }
        | Event::Migrated { .. }
        | Event::RunClosing { .. }
        | Event::Released { .. }
        | Event::RunEnded { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Renamed, ids, joined, renamed};

    fn map(pairs: &[(&str, &str)]) -> Renamed {
        let pairs = pairs.iter();
        pairs.map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect()
    }

    #[test]
    fn every_part_of_a_name_is_renamed_and_nothing_else() {
        let steps = map(&[("sign", "seal"), ("teams", "groups"), ("shr", "x")]);
        for (old, new) in [
            ("sign", "seal"),
            ("signs", "signs"),
            ("teams[3].sign", "groups[3].seal"),
            ("teams#2[3].sign", "groups#2[3].seal"),
            ("teams[3].", "groups[3]."),
            ("a[1].teams[2].b", "a[1].groups[2].b"),
            ("abandoned:teams[1].sign:2", "abandoned:groups[1].seal:2"),
            ("release:shr", "release:shr"),
        ] {
            assert_eq!(renamed(old, &steps), new);
        }
    }

    #[test]
    fn a_name_tells_every_step_that_it_goes_through() {
        let all = |name| ids(name).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(all("teams#2[3].sign"), ["teams", "sign"]);
        assert_eq!(all("abandoned:sign:2"), ["sign"]);
        assert_eq!(all("release:shr.x"), Vec::<String>::new());
    }

    #[test]
    fn two_maps_one_after_the_other_are_one() {
        let both = joined(&map(&[("a", "b"), ("x", "y")]), &map(&[("b", "c"), ("m", "n")]));
        assert_eq!(both, map(&[("a", "c"), ("b", "c"), ("m", "n"), ("x", "y")]));
    }
}
