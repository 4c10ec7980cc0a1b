//! Documents that will not be valid much longer: runs that start before, and the event that tells of it.

use super::store::{Orders, Told};
use super::world::{Process, World};
use gatefold::base::Calendar;
use gatefold::host::HostError;
use gatefold::host::runs::RunView;
use gatefold::store::{RunFilter, Store};
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// A flow that starts before documents expire. The tests begin on 2026-11-23 at nine.
fn renew(version: &str, trigger: &str) -> String {
    format!(
        "flow: renew\nversion: {version}\non:\n  document: {{ {trigger}inputs: {{ file: '${{{{ event.file }}}}', \
         until: '${{{{ event.valid_until }}}}' }} }}\ninputs: {{ file: {{ type: file }}, until: {{ type: date }} }}\n\
         steps:\n  - {{ id: act, uses: probe.compute, with: {{ n: 1 }} }}\n"
    )
}

async fn put(process: &Process, folder: &str, name: &str, valid_until: &str) {
    let bytes = format!("{name} until {valid_until}");
    let put = process
        .host
        .put_file_once("user:anna", folder, name, bytes.as_bytes(), None, Some(valid_until));
    put.await.expect("it is taken");
}

/// Lets virtual time pass, and everything happen that is due until then.
async fn pass(days: u32) {
    let nothing = std::future::pending::<()>();
    let moment = DAY * days + Duration::from_secs(1);
    assert!(tokio::time::timeout(moment, nothing).await.is_err());
}

async fn runs(process: &Process, flow: &str) -> Vec<RunView> {
    let filter = RunFilter {
        flow: Some(flow.to_owned()),
        limit: 1_000,
        ..RunFilter::default()
    };
    let mut views = Vec::new();
    for row in process.host.list_runs(&filter).await.unwrap().into_iter().rev() {
        views.push(process.host.run_view(&row.id).await.unwrap());
    }
    views
}

/// What started, as name, version and when.
async fn started(process: &Process) -> Vec<String> {
    let views = runs(process, "renew").await;
    let told = views.iter().map(|view| {
        let file = &view.inputs["file"];
        format!(
            "{} {} {}",
            file["name"].as_str().unwrap(),
            file["version"],
            view.run.started_at
        )
    });
    told.collect()
}

#[tokio::test(start_paused = true)]
async fn a_document_starts_one_run_before_it_expires_however_often_the_process_starts() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&renew("1.0.0", "expires_within: 30 days, ")).await;
    put(&process, "/a", "b.pdf", "2027-01-31").await;
    put(&process, "/a", "a.pdf", "2027-01-10").await;
    pass(17).await;
    assert_eq!(started(&process).await, [""; 0], "the eleventh has not begun");
    pass(1).await;
    let first = "a.pdf 1 2026-12-11T00:00:00Z";
    assert_eq!(started(&process).await, [first]);
    let view = &runs(&process, "renew").await[0];
    assert_eq!(
        (view.run.initiator.as_str(), view.inputs["until"].as_str()),
        ("trigger:document", Some("2027-01-10"))
    );
    process.kill();
    let process = world.start().await;
    process.deploy(&renew("1.1.0", "expires_within: 31 days, ")).await;
    pass(20).await;
    let both = [first, "b.pdf 1 2026-12-31T00:00:00Z"];
    assert_eq!(started(&process).await, both);
    process.kill();
    let process = world.start().await;
    pass(100).await;
    assert_eq!(
        started(&process).await,
        both,
        "keys that are forgotten start nothing again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_newer_document_takes_the_place_of_the_one_before() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&renew("1.0.0", "expires_within: 30 days, ")).await;
    put(&process, "/a", "a.pdf", "2027-01-10").await;
    pass(5).await;
    put(&process, "/a", "a.pdf", "2028-01-10").await;
    pass(380).await;
    assert_eq!(started(&process).await, ["a.pdf 2 2027-12-11T00:00:00Z"]);
    // one that is in the window as it comes starts at once
    put(&process, "/a", "a.pdf", "2028-01-11").await;
    pass(0).await;
    assert_eq!(started(&process).await.len(), 2);
    // also where the day is before one that was dealt with
    put(&process, "/a", "early.pdf", "2027-12-31").await;
    pass(0).await;
    assert_eq!(started(&process).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_window_at_deployment_starts_and_what_is_long_over_does_not() {
    let world = World::new();
    let process = world.start().await;
    // it is 2026-11-23, 09:00: 31 days before, that day of October had begun
    for (name, day) in [
        ("limit.pdf", "2026-10-24"),
        ("over.pdf", "2026-10-23"),
        ("soon.pdf", "2026-12-01"),
        ("elsewhere.pdf", "2026-12-02"),
    ] {
        let folder = if name == "elsewhere.pdf" { "/ab" } else { "/a/deep" };
        put(&process, folder, name, day).await;
    }
    pass(0).await;
    process
        .deploy(&renew("1.0.0", "expires_within: 10 days, in: /a, "))
        .await;
    pass(0).await;
    let names = |started: Vec<String>| -> Vec<String> {
        let names = started.iter().filter_map(|one| one.split(' ').next());
        names.map(str::to_owned).collect()
    };
    assert_eq!(names(started(&process).await), ["limit.pdf", "soon.pdf"]);
    process.deploy(&renew("1.1.0", "expires_within: 10 days, ")).await;
    pass(0).await;
    assert_eq!(
        names(started(&process).await),
        ["limit.pdf", "soon.pdf", "elsewhere.pdf"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_wanted_starts_nothing_until_it_is() {
    let world = World::new();
    let process = world.start().await;
    let trigger = |name: &str| format!("expires_within: 30 days, where: \"event.file.name == '{name}'\", ");
    process.deploy(&renew("1.0.0", &trigger("b.pdf"))).await;
    put(&process, "/a", "a.pdf", "2026-12-01").await;
    pass(1).await;
    assert_eq!(started(&process).await, [""; 0]);
    process.deploy(&renew("1.1.0", &trigger("a.pdf"))).await;
    pass(0).await;
    assert_eq!(started(&process).await.len(), 1, "a new version looks anew");
}

#[tokio::test(start_paused = true)]
async fn what_came_due_while_nothing_ran_starts_at_the_next_start() {
    let world = World::new();
    let process = world.start().await;
    process.deploy(&renew("1.0.0", "expires_within: 30 days, ")).await;
    put(&process, "/a", "a.pdf", "2027-01-10").await;
    pass(1).await;
    process.kill();
    pass(29).await;
    let process = world.start().await;
    pass(1).await;
    assert_eq!(started(&process).await, ["a.pdf 1 2026-12-23T09:00:02Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_day_is_taken_in_one_form() {
    let world = World::new();
    let process = world.start().await;
    for day in ["24.12.2026", "20261224", "2026-02-30", ""] {
        let put = process
            .host
            .put_file_once("user:anna", "/a", "a.pdf", b"x".as_slice(), None, Some(day));
        assert!(
            matches!(put.await, Err(HostError::Invalid(why)) if why.contains("2026-11-23")),
            "{day}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_the_store_refuses_is_made_up_for_and_happens_once() {
    let told = Arc::new(Told::default());
    let world = World::over(Arc::clone(&told) as Arc<dyn Store>);
    let process = world.start().await;
    process.deploy(&renew("1.0.0", "expires_within: 30 days, ")).await;
    told.order(Orders {
        fail_commit_after: Some(0),
        ..Orders::default()
    });
    put(&process, "/a", "a.pdf", "2026-12-01").await;
    pass(1).await;
    assert_eq!(
        started(&process).await,
        ["a.pdf 1 2026-11-23T09:00:05Z"],
        "tried again after a while"
    );
}

#[tokio::test(start_paused = true)]
async fn working_days_are_counted_by_the_calendar_of_the_flow() {
    let world = World::new();
    let mut parts = world.parts();
    let office = Calendar {
        zone: "Europe/Madrid".to_owned(),
        hours: vec!["09:00-17:00".to_owned()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        holidays: vec!["2026-12-08".parse().unwrap()],
    };
    parts.calendars.insert("office".to_owned(), office);
    let process = world.start_with(parts).await;
    let yaml = renew("1.0.0", "expires_within: 5 business days, ").replace("on:\n", "calendar: office\non:\n");
    process.deploy(&yaml).await;
    put(&process, "/a", "a.pdf", "2026-12-14").await;
    pass(60).await;
    // Monday the 14th; five working days before, with a holiday and a weekend between
    assert_eq!(started(&process).await, ["a.pdf 1 2026-12-04T08:00:00Z"]);
}

/// Asks Anna for two papers, of which one is looked at.
const COLLECTS: &str = "flow: papers
version: 1.0.0
steps:
  - id: papers
    title: Your papers
    collect:
      from: user:anna
      into: /suppliers
      items:
        cover: { title: Insurance, valid_until: required, at_least: 40 days, renew_before: 30 days, label: [confidential], review: [user:ben] }
        iso: { title: ISO certificate, valid_until: required, at_least: 5 days, renew_before: 10 days }
    deadline: { due: 10 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";

/// Starts when a document is due for renewal, by the two ways there are.
const BY_EVENT: &str = "flow: told
version: 1.0.0
on: { event: { type: file360.document_expiring, inputs: { item: \"${{ event.item }}\" } } }
inputs: { item: { type: text } }
steps: [{ id: act, uses: probe.compute, with: { n: 1 } }]
";

mod of_a_request {
    use super::*;
    use gatefold::base::id::RunId;
    use gatefold::engine::{Decision, Event};
    use gatefold::host::files::Visitor;
    use gatefold::space::{State, Workspace};
    use gatefold::store::{UnitOfWork, Write};
    use std::sync::LazyLock;

    /// A run that has asked Anna, and Anna at her link.
    async fn asked(process: &Process) -> (RunId, Visitor) {
        for flow in [COLLECTS, BY_EVENT] {
            process.deploy(flow).await;
        }
        process.deploy(&renew("1.0.0", "")).await;
        let run = process.begin("papers", serde_json::json!({})).await;
        process
            .until(&run, |event| matches!(event, Event::CollectOpened { .. }))
            .await;
        let (share, grants) = process.host.shares_of(&run).await.unwrap().remove(0);
        let visitor = Visitor {
            actor: "user:anna".to_owned(),
            is_verified: false,
            grant: grants[0].clone(),
            share,
        };
        (run, visitor)
    }

    async fn give(process: &Process, visitor: &Visitor, item: &str, name: &str, day: &str) -> String {
        let bytes = format!("%PDF-1.7 {name}");
        let given = process.host.give(visitor, item, name, Some(day), bytes.as_bytes());
        given.await.expect("it is taken").id
    }

    /// Ben looks at the insurance.
    async fn decide(process: &Process, run: &RunId, decision: &str) {
        let is_open = |event: &Event| matches!(event, Event::TaskOpened { .. });
        process.until(run, is_open).await;
        let tasks = process.host.open_tasks(Some("user:ben")).await.unwrap();
        let decision = Decision {
            task: tasks[0].id.clone(),
            by: "user:ben".to_owned(),
            on_behalf_of: None,
            decision: decision.to_owned(),
            reason: (decision == "sent_back").then(|| "page 2 is missing".to_owned()),
            sha256: tasks[0].document.as_ref().map(|document| document.sha256.clone()),
            form: serde_json::Map::new(),
            via: None,
        };
        process.host.decide(decision).await.unwrap();
    }

    async fn told(process: &Process) -> Vec<String> {
        let told = runs(process, "told").await;
        let told = told.iter();
        told.map(|view| format!("{} {}", view.inputs["item"].as_str().unwrap(), view.run.started_at))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_accepted_is_due_as_long_before_as_its_item_says() {
        let world = World::new();
        let process = world.start().await;
        let (run, anna) = asked(&process).await;
        give(&process, &anna, "iso", "iso.pdf", "2027-01-31").await;
        let cover = give(&process, &anna, "cover", "cover.pdf", "2027-01-31").await;
        decide(&process, &run, "accepted").await;
        assert_eq!(process.end(&run).await, "completed");
        let file = process.host.open_file("user:anna", &cover.as_str().into(), None).await;
        assert!(file.is_ok());
        let file = world.store.file(&cover.as_str().into()).await.unwrap().unwrap();
        let paper = file.current().paper.clone().expect("the day is kept with the version");
        assert_eq!(
            (paper.valid_until.as_deref(), paper.label),
            (Some("2027-01-31"), vec!["confidential".to_owned()])
        );
        process.kill();
        let process = world.start().await;
        pass(365).await;
        process.kill();
        let process = world.start().await;
        pass(10).await;
        let due = ["cover.pdf 1 2027-01-01T00:00:00Z", "iso.pdf 1 2027-01-21T00:00:00Z"];
        assert_eq!(started(&process).await, due);
        let due = ["cover 2027-01-01T00:00:00Z", "iso 2027-01-21T00:00:00Z"];
        assert_eq!(told(&process).await, due);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_accepted_or_is_taken_back_is_never_due() {
        let world = World::new();
        let process = world.start().await;
        let (run, anna) = asked(&process).await;
        give(&process, &anna, "cover", "cover.pdf", "2027-01-31").await;
        decide(&process, &run, "sent_back").await;
        let iso = give(&process, &anna, "iso", "old.pdf", "2027-01-31").await;
        process
            .host
            .take_back(&anna, "iso", &iso.as_str().into())
            .await
            .unwrap();
        give(&process, &anna, "iso", "second.pdf", "2027-02-01").await;
        give(&process, &anna, "iso", "third.pdf", "2027-02-02").await;
        assert_eq!(process.end(&run).await, "incomplete");
        pass(365).await;
        assert_eq!(started(&process).await, ["third.pdf 1 2027-01-23T00:00:00Z"]);
        assert_eq!(told(&process).await, ["iso 2027-01-23T00:00:00Z"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_as_it_is_given_is_told_at_once() {
        let world = World::new();
        let process = world.start().await;
        let (_, anna) = asked(&process).await;
        pass(1).await;
        give(&process, &anna, "iso", "iso.pdf", "2026-12-01").await;
        pass(0).await;
        assert_eq!(started(&process).await, ["iso.pdf 1 2026-11-24T09:00:01Z"]);
        assert_eq!(told(&process).await, ["iso 2026-11-24T09:00:01Z"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_lies_in_a_closed_workspace_is_not_due() {
        let world = World::new();
        let process = world.start().await;
        let (run, anna) = asked(&process).await;
        give(&process, &anna, "iso", "iso.pdf", "2027-01-31").await;
        assert_eq!(process.end(&run).await, "incomplete");
        let closed = Workspace {
            id: anna.share.workspace.clone(),
            name: "Main".to_owned(),
            created_by: "user:anna".to_owned(),
            created_at: process.host.now(),
            state: State::Revoked,
            rev: 0,
        };
        let unit = UnitOfWork {
            run: None,
            writes: vec![Write::PutWorkspace(closed)],
        };
        world.store.commit(unit).await.unwrap();
        pass(365).await;
        assert_eq!(started(&process).await, [""; 0]);
        assert_eq!(told(&process).await, [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_waits_for_it_hears_that_its_document_is_due() {
        let world = World::new();
        let process = world.start().await;
        process.deploy(&WATCHES).await;
        let run = process.begin("papers", serde_json::json!({})).await;
        process
            .until(&run, |event| matches!(event, Event::CollectOpened { .. }))
            .await;
        let (share, grants) = process.host.shares_of(&run).await.unwrap().remove(0);
        let anna = Visitor {
            actor: "user:anna".to_owned(),
            is_verified: false,
            grant: grants[0].clone(),
            share,
        };
        give(&process, &anna, "iso", "iso.pdf", "2027-01-31").await;
        assert_eq!(process.end(&run).await, "completed");
        let view = process.host.run_view(&run).await.unwrap();
        assert_eq!(
            view.run.ended_at.map(|at| at.to_string()).as_deref(),
            Some("2027-01-21T00:00:00Z")
        );
    }

    /// Goes on until its paper is due.
    static WATCHES: LazyLock<String> = LazyLock::new(|| {
        let one = COLLECTS.lines().filter(|line| !line.contains("cover:"));
        let one: Vec<&str> = one.collect();
        format!(
            "{}\n  - id: due\n    wait: {{ event: file360.document_expiring, on: \"${{{{ steps.papers.items.iso.file.id }}}}\" }}\n    \
             deadline: {{ due: 100 days }}\n    outcomes: {{ expired: {{ end: never }} }}\n",
            one.join("\n")
        )
    });
}
