//! What may happen at a moment at which a run waits.

use super::super::canned::Asked;
use super::super::stage::Stage;
use super::book::{Book, Kin};
use super::calendar::who;
use super::detours::{self, Course};
use crate::base::Timestamp;
use crate::base::id::{FileId, RunId};
use crate::engine::event::Expected;
use crate::host::HostError;
use crate::plan::PlanVerb;
use crate::space::access::Right;
use crate::space::events::{CommentAdded, FileDownloaded, FileUploaded, ShareOpened};
use crate::space::{Grant, Share, SpaceEvent, State};
use crate::spec::{Catalog, InputKind};
use crate::store::TaskRow;

/// One thing that may happen.
#[derive(Clone, Debug)]
pub struct Move {
    /// In words; each at a moment has its own.
    pub label: String,
    /// How likely it is beside others.
    pub weight: usize,
    /// Whether it happens at this moment or not at all, as the answer of a call does.
    pub is_at_once: bool,
    /// What is to be done.
    pub(super) deed: Deed,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Decide {
        task: Box<TaskRow>,
        by: String,
        decision: String,
    },
    Detour {
        task: Box<TaskRow>,
        by: String,
        course: Course,
    },
    Upload(Box<Grant>),
    Comment(Box<Grant>),
    Open(Box<Grant>),
    Download {
        grant: Box<Grant>,
        file: String,
    },
    Give {
        grant: Box<Grant>,
        item: Box<crate::space::request::Item>,
    },
    NotApplicable {
        grant: Box<Grant>,
        item: String,
    },
    Withdraw(Box<Grant>),
    Put {
        file: String,
    },
    Event {
        place: usize,
        step: String,
        expected: Box<Expected>,
    },
    Answer(Box<Asked>),
    Fail {
        call: Box<Asked>,
        may_pass: bool,
    },
    Change {
        run: RunId,
        place: usize,
        name: String,
    },
    Retry {
        run: RunId,
        step: String,
    },
    Skip {
        run: RunId,
        step: String,
    },
    Cancel {
        run: RunId,
    },
}

impl Move {
    pub(super) fn new(label: String, weight: usize, deed: Deed) -> Self {
        let is_at_once = matches!(deed, Deed::Answer(_) | Deed::Fail { .. });
        Self {
            label,
            weight,
            is_at_once,
            deed,
        }
    }
}

/// Everything that may happen now, in an order that follows from the flow.
pub(super) async fn moves(stage: &Stage<'_>, book: &Book) -> Result<Vec<Move>, HostError> {
    let mut moves = Vec::new();
    let asked = of_tasks(stage, book, &mut moves).await?;
    for (place, kin) in book.kin.iter().enumerate() {
        let mut shares = stage.host.shares_of(&kin.run).await?;
        shares.retain(|(share, _)| share.state == State::Live && share.expires_at > stage.now());
        for (share, grants) in &shares {
            of_share(stage, book, place, (share, grants), &mut moves);
            of_newer(stage, book, &asked, (share, grants), &mut moves);
        }
        of_waits(book, place, &shares, &mut moves);
        of_values(book, place, &mut moves);
    }
    of_calls(stage, book, &mut moves);
    of_incidents(book, &mut moves);
    let mut labels = std::collections::BTreeSet::new();
    moves.retain(|one| labels.insert(one.label.clone()));
    Ok(moves)
}

/// What people may answer. Gives the tasks that they are asked, with the places of their runs.
async fn of_tasks(stage: &Stage<'_>, book: &Book, moves: &mut Vec<Move>) -> Result<Vec<(usize, TaskRow)>, HostError> {
    let mut tasks: Vec<(usize, TaskRow)> = Vec::new();
    for task in stage.host.open_tasks(None).await? {
        if let Some(place) = book.place(&task.run) {
            tasks.push((place, task));
        }
    }
    tasks.sort_by(|(one, a), (other, b)| {
        (one, a.opened_at, &a.step, &a.title).cmp(&(other, b.opened_at, &b.step, &b.title))
    });
    for (place, task) in &tasks {
        let place = *place;
        let is_free = |person: &&String| task.claimed_by.as_ref().is_none_or(|taker| taker == *person);
        let is_open = |person: &&String| task.decided.iter().all(|record| record.by != **person);
        let deputies = task.deputies.iter().map(|one| &one.by);
        let mut people: Vec<&String> = task
            .people
            .iter()
            .chain(deputies)
            .filter(is_free)
            .filter(is_open)
            .collect();
        people.dedup();
        let weight = 12 / (people.len() * task.decisions.len()).clamp(1, 12);
        let step = book.step_name(place, &task.step);
        let about = if task.title.is_empty() || task.title == task.step {
            String::new()
        } else {
            format!(" ({})", task.title)
        };
        for person in people.into_iter().filter(|_| task.suspended.is_none()) {
            for decision in &task.decisions {
                let deed = Deed::Decide {
                    task: Box::new(task.clone()),
                    by: person.clone(),
                    decision: decision.clone(),
                };
                let label = format!("{step}: {} answers {decision}{about}", who(person));
                moves.push(Move::new(label, weight, deed));
            }
        }
        detours::of_task(task, &step, &about, moves);
    }
    Ok(tasks)
}

/// Newer versions of what people are asked about just now.
fn of_newer(
    stage: &Stage<'_>,
    book: &Book,
    asked: &[(usize, TaskRow)],
    (share, grants): (&Share, &Vec<Grant>),
    moves: &mut Vec<Move>,
) {
    let is_about = |task: &TaskRow| {
        let document = task.document.as_ref();
        document.is_some_and(|document| share.holds(&FileId(document.id.clone())))
    };
    for (place, task) in asked
        .iter()
        .filter(|(_, task)| share.request.is_none() && is_about(task))
    {
        for grant in grants {
            if stage
                .host
                .decide_access(share, grant, Right::Upload, stage.now())
                .is_ok()
            {
                let visitor = grant.to.to_string();
                let step = book.step_name(*place, &task.step);
                let label = format!("{step}: {} uploads a new version", who(&visitor));
                moves.push(Move::new(label, 1, Deed::Upload(Box::new(grant.clone()))));
            }
        }
    }
}

/// What those may do who were let into a share.
fn of_share(
    stage: &Stage<'_>,
    book: &Book,
    place: usize,
    (share, grants): (&Share, &Vec<Grant>),
    moves: &mut Vec<Move>,
) {
    let now = stage.now();
    for grant in grants.iter().filter(|grant| grant.state == State::Live) {
        let may = |right| stage.host.decide_access(share, grant, right, now).is_ok();
        let visitor = who(&grant.to.to_string()).to_owned();
        if let Some(request) = &share.request {
            if may(Right::Upload) && request.withdrawn.is_none() {
                of_request(book, place, share, grant, moves);
            }
            continue;
        }
        let kin = &book.kin[place];
        for (step, expected) in awaited(kin).filter(|(_, expected)| is_about(expected, share)) {
            let step = book.step_name(place, step);
            let mut add = |label: String, deed| moves.push(Move::new(format!("{step}: {visitor} {label}"), 6, deed));
            let boxed = || Box::new(grant.clone());
            match expected.event.as_str() {
                FileUploaded::KIND if may(Right::Upload) => {
                    add("uploads a new version".to_owned(), Deed::Upload(boxed()));
                }
                CommentAdded::KIND if may(Right::Comment) => add("writes a comment".to_owned(), Deed::Comment(boxed())),
                ShareOpened::KIND if may(Right::List) => add("opens the share".to_owned(), Deed::Open(boxed())),
                FileDownloaded::KIND if may(Right::Download) => {
                    let file = expected
                        .on
                        .clone()
                        .filter(|on| *on != share.id.as_str())
                        .unwrap_or_default();
                    add(
                        "fetches the document".to_owned(),
                        Deed::Download { grant: boxed(), file },
                    );
                }
                _ => {}
            }
        }
    }
}

fn of_request(book: &Book, place: usize, share: &Share, grant: &Grant, moves: &mut Vec<Move>) {
    let visitor = who(&grant.to.to_string()).to_owned();
    let flow = match place {
        0 => String::new(),
        _ => format!("{}/", book.kin[place].plan.flow),
    };
    let items = share.request.iter().flat_map(|request| &request.items);
    let wanted: Vec<_> = items.filter(|item| item.state.is_wanted()).collect();
    for item in &wanted {
        let deed = Deed::Give {
            grant: Box::new(grant.clone()),
            item: Box::new((*item).clone()),
        };
        let label = format!("{flow}{}: {visitor} gives {}", share.name, item.title);
        moves.push(Move::new(label, 6, deed));
        if item.optional || item.or_because {
            let deed = Deed::NotApplicable {
                grant: Box::new(grant.clone()),
                item: item.name.clone(),
            };
            let label = format!(
                "{flow}{}: {visitor} says that {} does not apply",
                share.name, item.title
            );
            moves.push(Move::new(label, 1, deed));
        }
    }
    if !wanted.is_empty() {
        let label = format!("{flow}{}: {visitor} gives nothing at all", share.name);
        moves.push(Move::new(label, 1, Deed::Withdraw(Box::new(grant.clone()))));
    }
}

/// The events that the steps of a run wait for now.
fn awaited(kin: &Kin) -> impl Iterator<Item = (&str, &Expected)> {
    let open = kin
        .active()
        .filter_map(|step| Some((step.id.as_str(), kin.waits.get(&step.id)?)));
    open.flat_map(|(step, expected)| expected.iter().map(move |one| (step, one)))
}

fn is_about(expected: &Expected, share: &Share) -> bool {
    let about = expected.on.as_deref();
    about == Some(share.id.as_str()) || share.files.iter().any(|shared| about == Some(shared.file.as_str()))
}

/// What others send, and files that are put by people inside.
fn of_waits(book: &Book, place: usize, shares: &[(Share, Vec<Grant>)], moves: &mut Vec<Move>) {
    for (step, expected) in awaited(&book.kin[place]) {
        let name = book.step_name(place, step);
        let key = expected.key.as_ref().map_or(String::new(), |key| format!(" of {key}"));
        if Catalog::builtin().event(&expected.event).is_none() {
            let deed = Deed::Event {
                place,
                step: step.to_owned(),
                expected: Box::new(expected.clone()),
            };
            moves.push(Move::new(format!("{name}: {}{key} comes", expected.event), 6, deed));
        } else if let Some(file) = expected.on.as_ref().filter(|_| expected.event == FileUploaded::KIND)
            && file.starts_with(crate::base::id::FileId::PREFIX)
            && !shares.iter().any(|(share, _)| is_about(expected, share))
        {
            let deed = Deed::Put { file: file.clone() };
            moves.push(Move::new(
                format!("{name}: somebody inside puts a new version"),
                6,
                deed,
            ));
        }
    }
}

fn of_values(book: &Book, place: usize, moves: &mut Vec<Move>) {
    let kin = &book.kin[place];
    let waits_for_values = |step: &crate::host::runs::StepView| {
        let verb = kin.plan.step(&step.id).map(|step| &step.verb);
        matches!(verb, Some(PlanVerb::Wait(wait)) if wait.when.is_some())
    };
    for step in kin.active().filter(|step| waits_for_values(step)) {
        let names = kin.plan.values.iter().filter(|(_, spec)| spec.kind != InputKind::File);
        for (name, _) in names {
            let deed = Deed::Change {
                run: kin.run.clone(),
                place,
                name: name.clone(),
            };
            let label = format!("{}: {name} changes", book.step_name(place, &step.id));
            moves.push(Move::new(label, 3, deed));
        }
    }
}

fn of_calls(stage: &Stage<'_>, book: &Book, moves: &mut Vec<Move>) {
    let mut calls: Vec<(String, Asked)> = Vec::new();
    for call in stage.setting.world.asked() {
        if let Some(place) = book.place(&call.run) {
            calls.push((book.step_name(place, &call.step), call));
        }
    }
    calls.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (step, call) in calls {
        let fail = |may_pass| Deed::Fail {
            call: Box::new(call.clone()),
            may_pass,
        };
        let action = &call.action;
        moves.push(Move::new(
            format!("{step}: {action} is done"),
            8,
            Deed::Answer(Box::new(call.clone())),
        ));
        moves.push(Move::new(
            format!("{step}: {action} fails, and may be tried again"),
            1,
            fail(true),
        ));
        moves.push(Move::new(format!("{step}: {action} fails for good"), 1, fail(false)));
    }
}

fn of_incidents(book: &Book, moves: &mut Vec<Move>) {
    for (place, kin) in book.kin.iter().enumerate().filter(|(_, kin)| kin.view.run.incident) {
        for reason in kin
            .view
            .why
            .reasons
            .iter()
            .filter(|reason| reason.what.starts_with("an administrator: "))
        {
            let step = book.step_name(place, &reason.step);
            let (run, named) = (kin.run.clone(), reason.step.clone());
            let retry = Deed::Retry { run, step: named };
            moves.push(Move::new(format!("{step}: an administrator tries again"), 1, retry));
            let (run, named) = (kin.run.clone(), reason.step.clone());
            let skip = Deed::Skip { run, step: named };
            moves.push(Move::new(format!("{step}: an administrator goes on past it"), 3, skip));
        }
        let run = kin.run.clone();
        let label = format!("{}: an administrator cancels the run", kin.plan.flow);
        moves.push(Move::new(label, 1, Deed::Cancel { run }));
    }
}

/// When the next thing is due in the family.
pub(super) async fn next_moment(stage: &Stage<'_>, book: &Book) -> Result<Option<Timestamp>, HostError> {
    let now = stage.now();
    let wakeups = stage.store.wakeups().await?;
    let mut moments: Vec<Timestamp> = Vec::new();
    moments.extend(
        wakeups
            .into_iter()
            .filter(|(_, run)| book.place(run).is_some())
            .map(|(at, _)| at),
    );
    moments.extend(stage.setting.world.next_given_up(now));
    for kin in &book.kin {
        let shares = stage.host.shares_of(&kin.run).await?;
        let open = shares.iter().filter(|(share, _)| share.state == State::Live);
        moments.extend(open.map(|(share, _)| share.expires_at));
    }
    Ok(moments
        .into_iter()
        .min()
        .map(|at| super::super::stage::not_before(at, now)))
}
