//! People who leave the directory, or lose or get a role, while tasks are open.

use super::world::{Process, World};
use gatefold::base::id::{FileId, RunId};
use gatefold::engine::{Acting, Decision, Event, Refusal, TaskAct};
use gatefold::host::HostError;
use gatefold::host::runs::StartRun;
use gatefold::people::{Directory, Person};
use gatefold::store::TaskRow;
use serde_json::json;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// A process whose directory can be changed.
struct Place {
    world: World,
    process: Process,
    directory: Arc<RwLock<Arc<Directory>>>,
}

impl Place {
    async fn new(task: &str) -> (Self, RunId, TaskRow) {
        let world = World::new();
        let parts = world.parts();
        let directory = Arc::clone(&parts.directory);
        let process = world.start_with(parts).await;
        let place = Self {
            world,
            process,
            directory,
        };
        place.change(admin);
        let flow = format!(
            "flow: left\nversion: 1.0.0\nowner: owner@example.com\ninputs: {{ document: {{ type: file }} }}\nsteps:\n  - id: ask\n    {task}\n    \
             deadline: {{ due: 9 days }}\n"
        );
        place.process.deploy(&flow).await;
        let document = place
            .process
            .host
            .put_file("user:anna", "/in", "a.pdf", &b"a"[..])
            .await
            .unwrap();
        let run = place.process.begin("left", json!({ "document": document.id })).await;
        let task = place.process.host.open_tasks(None).await.unwrap().remove(0);
        (place, run, task)
    }

    fn change(&self, change: impl FnOnce(&mut Directory)) {
        let mut directory = self.directory.write().unwrap();
        let mut people = (**directory).clone();
        change(&mut people);
        *directory = Arc::new(people);
    }

    /// Restarts the process, as after a crash, with the current directory.
    async fn again(self) -> Self {
        let Self {
            world,
            process,
            directory,
        } = self;
        process.kill();
        let mut parts = world.parts();
        parts.directory = Arc::clone(&directory);
        let process = world.start_with(parts).await;
        Self {
            world,
            process,
            directory,
        }
    }

    async fn decide(&self, task: &TaskRow, by: &str, decision: &str) -> Result<(), HostError> {
        let decision = Decision {
            task: task.id.clone(),
            by: by.to_owned(),
            on_behalf_of: None,
            decision: decision.to_owned(),
            reason: Some("because".to_owned()),
            sha256: task.document.as_ref().map(|document| document.sha256.clone()),
            form: serde_json::Map::new(),
            via: None,
        };
        self.process.host.decide(decision).await.map(|_| ())
    }

    async fn act(&self, task: &TaskRow, by: &str, act: TaskAct) -> Result<(), HostError> {
        let acting = Acting {
            task: task.id.clone(),
            by: by.to_owned(),
            admin: by == "user:admin",
            act,
        };
        self.process.host.act(acting).await.map(|_| ())
    }

    async fn listed(&self, person: &str) -> usize {
        self.process.host.open_tasks(Some(person)).await.unwrap().len()
    }

    async fn incidents(&self, run: &RunId) -> Vec<String> {
        let view = self.process.host.run_view(run).await.unwrap();
        view.incidents.into_iter().map(|incident| incident.error).collect()
    }
}

/// Runs until nothing more happens without time passing.
async fn rest() {
    let nothing = std::future::pending::<()>();
    assert!(tokio::time::timeout(Duration::from_secs(1), nothing).await.is_err());
}

fn admin(people: &mut Directory) {
    let person = Person {
        name: "Admin".to_owned(),
        email: "admin@example.com".to_owned(),
        roles: ["admin".to_owned()].into(),
        ..Person::default()
    };
    people.users.insert("admin".to_owned(), person);
}

fn leaves(user: &str) -> impl FnOnce(&mut Directory) {
    let user = user.to_owned();
    move |people| {
        let _ = people.users.remove(&user);
    }
}

fn loses(user: &str, role: &str) -> impl FnOnce(&mut Directory) {
    let (user, role) = (user.to_owned(), role.to_owned());
    move |people| {
        let _ = people.users.get_mut(&user).unwrap().roles.remove(&role);
    }
}

fn gets(user: &str, role: &str) -> impl FnOnce(&mut Directory) {
    let (user, role) = (user.to_owned(), role.to_owned());
    move |people| {
        let _ = people.users.get_mut(&user).unwrap().roles.insert(role);
    }
}

fn approve(by: &str, more: &str) -> String {
    format!(
        "approve: {{ document: \"${{{{ inputs.document }}}}\", by: [{by}], decisions: [approved, rejected]{more} }}\n    \
         outcomes: {{ rejected: {{ end: rejected }}, expired: {{ end: late }} }}"
    )
}

const TODO: &str = "task: { to: [role:legal], title: Look at it }\n    outcomes: { declined: { end: declined }, expired: { end: late } }";

#[tokio::test(start_paused = true)]
async fn whoever_lost_the_role_can_no_longer_do_anything_about_the_task() {
    let named = "task: { to: [user:ben, user:anna], only: [role:legal], title: Look }\n    outcomes: { declined: { end: declined }, expired: { end: late } }";
    for (what, task) in [("the role of `to`", TODO), ("the role of `only`", named)] {
        let (place, run, task) = Place::new(task).await;
        place.change(loses("ben", "legal"));
        let refused = place.decide(&task, "user:ben", "done").await;
        assert!(
            matches!(refused, Err(HostError::Refused(Refusal::NoLongerAsked))),
            "{what}: {refused:?}"
        );
        let form = serde_json::Map::new();
        for act in [
            TaskAct::Claim,
            TaskAct::Start,
            TaskAct::Save { form },
            TaskAct::Release { reason: None },
        ] {
            let refused = place.act(&task, "user:ben", act).await;
            assert!(
                matches!(refused, Err(HostError::Refused(Refusal::NoLongerAsked))),
                "{what}: {refused:?}"
            );
        }
        assert_eq!(
            (place.listed("user:ben").await, place.listed("user:anna").await),
            (0, 1),
            "{what}"
        );
        place.decide(&task, "user:anna", "done").await.unwrap();
        assert_eq!(place.process.end(&run).await, "completed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claimed_task_is_released_when_its_claimant_leaves() {
    let (place, run, task) = Place::new(TODO).await;
    place.act(&task, "user:ben", TaskAct::Claim).await.unwrap();
    assert_eq!(place.listed("user:anna").await, 0);
    place.change(leaves("ben"));
    place.process.host.people_changed().await.unwrap();
    assert_eq!(place.listed("user:anna").await, 1);
    let place = place.again().await;
    place.decide(&task, "user:anna", "done").await.unwrap();
    assert_eq!(place.process.end(&run).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn new_members_of_a_role_see_and_answer_what_was_open() {
    let (place, run, task) = Place::new(&approve("role:legal", ", rule: any")).await;
    assert_eq!(place.listed("user:dan").await, 0);
    place.change(gets("dan", "legal"));
    place.process.host.people_changed().await.unwrap();
    assert_eq!(place.listed("user:dan").await, 1);
    let told = place.process.journal(&run).await;
    let changes = told
        .iter()
        .filter(|one| matches!(one.event, Event::TaskMembersChanged { .. }))
        .count();
    place.process.host.people_changed().await.unwrap();
    assert_eq!(
        (changes, place.process.journal(&run).await.len()),
        (1, told.len()),
        "nothing is recorded twice"
    );
    let place = place.again().await;
    place.decide(&task, "user:dan", "approved").await.unwrap();
    assert_eq!(place.process.end(&run).await, "completed");
    rest().await;
    let mails = place.world.mails.lock().unwrap();
    assert_eq!(
        mails
            .iter()
            .filter(|mail| mail.to.iter().any(|to| to == "dan@example.com"))
            .count(),
        1
    );
}

/// The result of a run when some people answer, ben leaves, dan comes, and then others answer.
async fn comes_to(rule: &str, before: &[(&str, &str)], change: fn(&Place), after: &[(&str, &str)]) -> String {
    let (place, run, task) = Place::new(&approve("role:legal", rule)).await;
    for (by, decision) in before {
        place.decide(&task, by, decision).await.unwrap();
    }
    change(&place);
    place.process.host.people_changed().await.unwrap();
    let place = place.again().await;
    for (by, decision) in after {
        place.decide(&task, by, decision).await.unwrap();
    }
    let view = place.process.host.run_view(&run).await.unwrap();
    match view.incidents.first() {
        Some(incident) => incident.error.split(':').next().unwrap().to_owned(),
        None => view.run.outcome.unwrap_or_else(|| "open".to_owned()),
    }
}

#[tokio::test(start_paused = true)]
async fn the_number_of_answers_is_fixed_except_under_all() {
    let ben_leaves: fn(&Place) = |place| place.change(leaves("ben"));
    let dan_comes: fn(&Place) = |place| place.change(gets("dan", "legal"));
    let (anna, ben, dan) = ("user:anna", "user:ben", "user:dan");
    let stuck = "Too few of the people who were asked are left";
    for (rule, before, change, after, end) in [
        (", rule: all", vec![], ben_leaves, vec![(anna, "approved")], "completed"),
        (", rule: all", vec![(anna, "approved")], ben_leaves, vec![], "completed"),
        (
            ", rule: in_order",
            vec![(anna, "approved")],
            ben_leaves,
            vec![],
            "completed",
        ),
        (
            ", rule: in_order",
            vec![],
            ben_leaves,
            vec![(anna, "approved")],
            "completed",
        ),
        (", rule: 2", vec![], ben_leaves, vec![], stuck),
        (", rule: 2", vec![(anna, "approved")], ben_leaves, vec![], stuck),
        // what ben answered before he left counts
        (
            ", rule: 2",
            vec![(ben, "approved")],
            ben_leaves,
            vec![(anna, "approved")],
            "completed",
        ),
        (", rule: any", vec![], ben_leaves, vec![(anna, "approved")], "completed"),
        // decisions settle the step as before
        (", rule: all", vec![], ben_leaves, vec![(anna, "rejected")], "rejected"),
        (", rule: 2", vec![], dan_comes, vec![(anna, "approved")], "open"),
        (
            ", rule: 2",
            vec![],
            dan_comes,
            vec![(anna, "approved"), (dan, "approved")],
            "completed",
        ),
        (
            ", rule: all",
            vec![],
            dan_comes,
            vec![(anna, "approved"), (dan, "approved")],
            "completed",
        ),
        (", rule: all", vec![], dan_comes, vec![(dan, "rejected")], "rejected"),
        (", rule: all", vec![], dan_comes, vec![(anna, "rejected")], "rejected"),
        (", rule: 2", vec![], dan_comes, vec![(anna, "rejected")], "open"),
        (
            ", rule: 2",
            vec![],
            dan_comes,
            vec![(anna, "rejected"), (ben, "rejected")],
            "rejected",
        ),
    ] {
        let what = format!("{rule} {before:?} {after:?}");
        assert_eq!(comes_to(rule, &before, change, &after).await, end, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_settles_if_only_people_who_left_could_outvote_it() {
    let (place, run, task) = Place::new(&approve("role:legal", ", rule: 2")).await;
    place.decide(&task, "user:ben", "approved").await.unwrap();
    place.decide(&task, "user:anna", "rejected").await.unwrap();
    assert_eq!(place.process.end(&run).await, "rejected");
}

#[tokio::test(start_paused = true)]
async fn the_place_of_somebody_who_left_goes_to_somebody_else() {
    let hand_on: [fn() -> TaskAct; 2] = [
        || TaskAct::Reassign {
            of: "user:ben".to_owned(),
            to: "user:dan".to_owned(),
            reason: Some("Ben has left.".to_owned()),
            afresh: false,
        },
        || TaskAct::Delegate {
            of: "user:ben".to_owned(),
            to: "user:dan".to_owned(),
            reason: Some("Ben has left.".to_owned()),
        },
    ];
    let asks = [
        ("task: { to: [user:ben], title: Look }\n    outcomes: { declined: { end: declined }, expired: { end: late } }".to_owned(), "done"),
        (approve("user:ben", ", rule: any"), "approved"),
        (approve("user:ben", ", rule: all"), "approved"),
    ];
    for (ask, answer) in &asks {
        for act in hand_on {
            let (place, run, task) = Place::new(ask).await;
            place.change(leaves("ben"));
            place.process.host.people_changed().await.unwrap();
            let incidents = place.incidents(&run).await;
            assert!(incidents[0].contains("user:ben can no longer answer"), "{incidents:?}");
            place.act(&task, "user:admin", act()).await.unwrap();
            assert_eq!(place.incidents(&run).await, [""; 0], "{ask}");
            // ben is still missing from the directory, but the place that went to dan stays
            place.process.host.people_changed().await.unwrap();
            let place = place.again().await;
            assert_eq!(place.listed("user:dan").await, 1);
            place.decide(&task, "user:dan", answer).await.unwrap();
            assert_eq!(place.process.end(&run).await, "completed", "{ask}");
            rest().await;
            let mails = place.world.mails.lock().unwrap();
            for told in ["admin@example.com", "owner@example.com"] {
                let about = mails
                    .iter()
                    .filter(|mail| mail.to.iter().any(|to| to == told) && mail.text.contains("user:ben"));
                assert_eq!(about.count(), 1, "{told} hears of it once");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_has_their_place_again() {
    let (place, run, task) = Place::new(&approve("role:legal", ", rule: 2")).await;
    place.change(loses("ben", "legal"));
    place.process.host.people_changed().await.unwrap();
    assert_eq!(place.incidents(&run).await.len(), 1);
    place.change(gets("ben", "legal"));
    let place = place.again().await;
    place.process.host.people_changed().await.unwrap();
    assert_eq!(place.incidents(&run).await, [""; 0]);
    place.decide(&task, "user:anna", "approved").await.unwrap();
    place.decide(&task, "user:ben", "approved").await.unwrap();
    assert_eq!(place.process.end(&run).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn a_new_member_makes_up_for_somebody_who_left() {
    let (place, run, task) = Place::new(&approve("role:legal", ", rule: 2")).await;
    place.change(leaves("ben"));
    place.process.host.people_changed().await.unwrap();
    place.change(gets("eve", "legal"));
    place.process.host.people_changed().await.unwrap();
    assert_eq!(place.incidents(&run).await, [""; 0]);
    place.decide(&task, "user:anna", "approved").await.unwrap();
    place.decide(&task, "user:eve", "approved").await.unwrap();
    assert_eq!(place.process.end(&run).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn why_says_who_is_gone() {
    let (place, run, _) = Place::new(&approve("role:legal", ", rule: any")).await;
    place.change(leaves("ben"));
    place.process.host.people_changed().await.unwrap();
    let why = place.process.host.run_view(&run).await.unwrap().why.reasons[0].to_string();
    assert!(
        why.contains("from user:anna (user:ben, who was asked, can no longer answer)"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_address_of_a_person_who_left_is_not_asked_as_somebody_outside() {
    let (place, run, task) = Place::new(&approve("\"email:ben@example.com\", user:anna", ", rule: all")).await;
    assert_eq!(task.people, ["user:ben", "user:anna"]);
    rest().await;
    place.world.mails.lock().unwrap().clear();
    place.change(leaves("ben"));
    place.process.host.people_changed().await.unwrap();
    rest().await;
    let task = place.process.host.task(&task.id).await.unwrap();
    assert_eq!(task.people, ["user:anna"]);
    let mails = place.world.mails.lock().unwrap().clone();
    assert!(mails.iter().all(|mail| mail.to != ["ben@example.com"]), "{mails:?}");
    place.decide(&task, "user:anna", "approved").await.unwrap();
    assert_eq!(place.process.end(&run).await, "completed");
}

/// Whether a person reads the document of a task, is shown the file in their list, and is shown the task: all three or none.
async fn reads(place: &Place, person: &str, task: &TaskRow) -> bool {
    let host = &place.process.host;
    let file = FileId(task.document.clone().unwrap().id);
    let opens = host.open_file(person, &file, None).await.is_ok();
    let lists = host.files_below(person, "/", None, 10).await.unwrap().len() == 1;
    let is_shown = host.task_shown_to(person, &task.id).await.unwrap().is_some();
    assert_eq!((opens, lists), (is_shown, is_shown), "{person}");
    is_shown
}

async fn readers(place: &Place, task: &TaskRow) -> Vec<&'static str> {
    let mut found = Vec::new();
    for person in ["user:ben", "user:carla", "user:dan", "user:eve"] {
        if reads(place, person, task).await {
            found.push(person);
        }
    }
    found
}

fn asks_ben() -> String {
    approve(
        "user:ben, user:eve",
        ", rule: all, allow: [delegate, reassign, suspend]",
    )
}

#[tokio::test(start_paused = true)]
async fn the_document_of_a_task_is_read_by_the_people_of_the_task_now() {
    let (place, _, task) = Place::new(&asks_ben()).await;
    assert_eq!(readers(&place, &task).await, ["user:ben", "user:eve"]);
    let hand = |to: &str| (to.to_owned(), Some("because".to_owned()));
    let (to, reason) = hand("user:dan");
    let of = "user:ben".to_owned();
    let reassign = TaskAct::Reassign {
        of,
        to,
        reason,
        afresh: false,
    };
    place.act(&task, "user:ben", reassign).await.unwrap();
    assert_eq!(readers(&place, &task).await, ["user:dan", "user:eve"], "handed over");
    let (to, reason) = hand("user:carla");
    let of = "user:eve".to_owned();
    let delegate = TaskAct::Delegate { of, to, reason };
    place.act(&task, "user:eve", delegate).await.unwrap();
    assert_eq!(
        readers(&place, &task).await,
        ["user:carla", "user:dan", "user:eve"],
        "who delegates stays accountable"
    );
    let reason = "because".to_owned();
    place
        .act(&task, "user:admin", TaskAct::Suspend { reason })
        .await
        .unwrap();
    assert_eq!(
        readers(&place, &task).await,
        ["user:carla", "user:dan", "user:eve"],
        "a task that rests is still theirs"
    );
    place.change(|people| _ = people.users.remove("dan"));
    assert_eq!(
        readers(&place, &task).await,
        ["user:carla", "user:eve"],
        "who left reads nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_role_of_a_task_loses_its_document_before_the_task_has_followed() {
    let (place, _, task) = Place::new(&approve("role:records", "")).await;
    // carla is away, and dan stands in for her
    assert_eq!(readers(&place, &task).await, ["user:carla", "user:dan", "user:eve"]);
    place.change(|people| _ = people.users.get_mut("eve").unwrap().roles.remove("records"));
    assert!(!reads(&place, "user:eve", &task).await, "nobody told the task yet");
    place.change(|people| _ = people.users.get_mut("ben").unwrap().roles.insert("records".to_owned()));
    place.process.host.people_changed().await.unwrap();
    assert!(reads(&place, "user:ben", &task).await);
    assert!(!reads(&place, "user:eve", &task).await);
    place.change(|people| _ = people.users.get_mut("eve").unwrap().roles.insert("records".to_owned()));
    place.process.host.people_changed().await.unwrap();
    assert!(reads(&place, "user:eve", &task).await, "and in again");
}

#[tokio::test(start_paused = true)]
async fn a_file_can_be_given_to_a_run_only_by_those_who_read_it_now() {
    let (place, _, task) = Place::new(&asks_ben()).await;
    let flow = "flow: given\nversion: 1.0.0\ninputs: { document: { type: file } }\nsteps:\n  - { id: done, uses: probe.compute, with: {} }\n";
    place.process.deploy(flow).await;
    let document = task.document.clone().unwrap().id;
    let start = async || {
        let start = StartRun {
            flow: "given".to_owned(),
            inputs: json!({ "document": document }),
            initiator: "user:ben".to_owned(),
            trigger: "manual".to_owned(),
            ..StartRun::default()
        };
        place.process.host.start_run(start).await.is_ok()
    };
    assert!(start().await);
    place.change(|people| _ = people.users.remove("ben"));
    assert!(!start().await);
}
