//! Checklists: opened, filled, looked at, complete, given up.

use super::kit::Run;
use gatefold::base::ItemState;
use gatefold::engine::FailureKind::Permanent;
use gatefold::engine::{Decision, Input, Refusal, Reply, RunPhase, StepPhase, TaskPhase};
use serde_json::{Value, json};

const PAPERS: &str = "\
outputs: { tax: '${{ steps.papers.items.tax.file }}', until: '${{ steps.papers.items.cover.valid_until }}' }
steps:
  - id: papers
    title: Your papers
    collect:
      from: ${{ inputs.who }}
      items:
        tax: { title: Tax form, instructions: 'For ${{ run.flow }}', accept: [pdf], max_size: 10 MB, review: [role:tax] }
        cover: { title: Cover, valid_until: required, at_least: 30 days }
        iso: { title: ISO certificate, optional: true }
    deadline: { due: 10 days, remind: [2 days before] }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
  - { id: after, uses: t.call }
";

fn papers() -> Run {
    let mut run = Run::of(PAPERS);
    run.done("papers:1", json!({ "request": "shr_9" }));
    run
}

fn file(id: &str) -> Value {
    json!({ "id": id, "name": format!("{id}.pdf"), "version": 1, "sha256": format!("{id}-sha"), "size": 7,
        "media_type": "application/pdf", "by": "email:eve@example.com" })
}

impl Run {
    /// Something came for an item, or went; nothing of it is there where `files` is empty.
    pub fn item(&mut self, item: &str, state: &str, files: &[&str], change: u64) -> Reply {
        let files: Vec<Value> = files
            .iter()
            .map(|id| json!({ "file": file(id), "valid_until": "2027-01-01" }))
            .collect();
        let kind = if files.is_empty() {
            "file360.item_removed"
        } else {
            "file360.item_received"
        };
        let data = json!({ "request": "shr_9", "item": item, "state": state, "files": files, "change": change });
        self.event(kind, &["shr_9"], data)
    }

    fn states(&self) -> Vec<(String, ItemState)> {
        let open = self.machine.checklist("papers").expect("the checklist is open");
        open.items.into_iter().map(|item| (item.name, item.state)).collect()
    }

    fn state_of(&self, item: &str) -> ItemState {
        let states = self.states();
        states
            .iter()
            .find(|(name, _)| name == item)
            .expect("there is such an item")
            .1
    }
}

#[test]
fn the_request_is_opened_with_what_is_asked_for_and_until_when() {
    let run = Run::of(PAPERS);
    let (_, _, input) = run.call("papers:1");
    assert_eq!(input["name"], "Your papers");
    assert_eq!(input["to"], "role:legal");
    assert_eq!(input["expires_at"], "2026-12-03T09:00:00Z");
    let tax = &input["items"]["tax"];
    assert_eq!(tax["instructions"], "For t");
    assert_eq!(tax["max_bytes"], 10_000_000);
    assert_eq!(tax["reviewed"], true);
    assert!(
        !input.to_string().contains("role:tax"),
        "who looks at it is told to nobody outside"
    );
    assert_eq!(input["items"]["iso"]["optional"], true);
    assert_eq!(input["items"]["cover"]["at_least"], "30 days");
}

#[test]
fn it_is_complete_when_everything_wanted_counts_and_its_request_closes_at_once() {
    let mut run = papers();
    assert_eq!(run.machine.owned()[0].id, "shr_9");
    run.item("cover", "accepted", &["fil_c"], 1);
    run.item("tax", "received", &["fil_t"], 2);
    assert_eq!(run.state_of("tax"), ItemState::InReview);
    assert_eq!(run.work(), ["papers/tax/2:1:assign:1"]);
    run.assign(&["tom"]);
    let task = run.task("papers");
    assert_eq!((task.title.as_str(), task.ask.as_deref()), ("Tax form", Some("For t")));
    assert_eq!(task.decisions, ["accepted", "sent_back"]);
    assert_eq!(
        task.due.map(|due| due.to_string()).as_deref(),
        Some("2026-12-03T09:00:00Z")
    );
    run.decide("tom", "accepted").expect("it counts");
    assert_eq!(run.outcome("papers").as_deref(), Some("complete"));
    assert_eq!(
        run.work(),
        ["after:1", ":release:shr_9"],
        "it closes while the run goes on"
    );
    let output = run.output("papers");
    assert_eq!(output["items"]["tax"]["file"]["id"], "fil_t");
    assert_eq!(output["items"]["cover"]["valid_until"], "2027-01-01");
    assert_eq!(output["items"]["iso"], json!({ "state": "missing", "files": [] }));
    run.done(":release:shr_9", json!({}));
    run.done("after:1", json!({}));
    assert_eq!(run.ended().as_deref(), Some("completed"));
    let outputs = run.machine.outputs().expect("it ended").clone();
    assert_eq!(
        (&outputs["tax"]["id"], &outputs["until"]),
        (&json!("fil_t"), &json!("2027-01-01"))
    );
}

#[test]
fn what_is_sent_back_needs_a_reason_and_comes_again() {
    let mut run = papers();
    run.item("tax", "received", &["fil_t"], 1);
    run.assign(&["tom"]);
    let mut back = run.decision("tom", "sent_back");
    back.reason = None;
    assert_eq!(
        run.handle(Input::Decide(back.clone())),
        Err(Refusal::ReasonMissing("sent_back".to_owned()))
    );
    back.sha256 = None;
    assert_eq!(run.handle(Input::Decide(back)), Err(Refusal::VersionMissing));
    run.decide("tom", "sent_back").expect("it counts");
    assert_eq!(run.state_of("tax"), ItemState::SentBack);
    let open = run.machine.checklist("papers").expect("it is open");
    assert_eq!(open.items[0].reason.as_deref(), Some("because"));
    assert!(run.machine.open_tasks().is_empty());
    run.item("cover", "accepted", &["fil_c"], 2);
    assert_eq!(run.phase("papers"), StepPhase::Active);
    run.item("tax", "received", &["fil_u"], 3);
    assert_eq!(
        run.work(),
        ["papers/tax/3:1:assign:1"],
        "a task of its own for what came then"
    );
    run.assign(&["tom"]);
    run.decide("tom", "accepted").expect("it counts");
    assert_eq!(run.outcome("papers").as_deref(), Some("complete"));
}

#[test]
fn a_newer_file_voids_the_review_of_the_one_before() {
    let mut run = papers();
    run.item("tax", "received", &["fil_t"], 1);
    run.assign(&["tom"]);
    let old = run.decision("tom", "accepted");
    run.item("tax", "received", &["fil_u"], 2);
    assert_eq!(
        run.handle(Input::Decide(old)),
        Err(Refusal::TaskClosed("withdrawn".to_owned()))
    );
    run.assign(&["tom"]);
    let phases: Vec<_> = run.machine.tasks().into_iter().map(|task| task.phase).collect();
    assert_eq!(phases, [TaskPhase::Withdrawn, TaskPhase::Open]);
    run.item("tax", "missing", &[], 3);
    assert!(
        run.machine.open_tasks().is_empty(),
        "what was taken back is looked at by nobody"
    );
    assert_eq!(run.state_of("tax"), ItemState::Missing);
}

#[test]
fn news_that_come_late_or_twice_change_nothing() {
    let mut run = papers();
    run.item("cover", "accepted", &["fil_2"], 5);
    run.item("cover", "missing", &[], 4);
    run.item("cover", "missing", &[], 5);
    assert_eq!(run.state_of("cover"), ItemState::Accepted);
    let twice = run.inbound("file360.item_removed", &["shr_9"], json!({}));
    assert_eq!(run.handle(Input::Event(twice.clone())), Ok(Reply::Accepted));
    assert_eq!(run.handle(Input::Event(twice)), Ok(Reply::AlreadyDone));
    let odd = json!({ "request": "shr_9", "item": "other", "state": "accepted", "files": [], "change": 9 });
    run.event("file360.item_received", &["shr_9"], odd);
    let data = json!({ "item": "cover", "state": "missing", "files": [], "change": 9 });
    run.event("file360.item_removed", &["shr_other"], data);
    assert_eq!(run.state_of("cover"), ItemState::Accepted, "of another request");
}

#[test]
fn what_does_not_apply_is_not_waited_for() {
    let mut run = papers();
    run.item("tax", "received", &["fil_t"], 1);
    run.assign(&["tom"]);
    run.decide("tom", "accepted").expect("it counts");
    let data = json!({ "item": "cover", "state": "not_applicable", "files": [], "because": "No risk.", "change": 2 });
    run.event("file360.item_not_applicable", &["shr_9"], data);
    assert_eq!(run.outcome("papers").as_deref(), Some("complete"));
    let cover = json!({ "state": "not_applicable", "files": [], "because": "No risk." });
    assert_eq!(run.output("papers")["items"]["cover"], cover);
}

#[test]
fn an_optional_item_that_is_looked_at_is_waited_for() {
    let steps = PAPERS.replace("optional: true", "optional: true, review: [role:tax]");
    let mut run = Run::of(&steps.replace("review: [role:tax] }\n        cover", "}\n        cover"));
    run.done("papers:1", json!({ "request": "shr_9" }));
    run.item("iso", "received", &["fil_i"], 1);
    run.item("tax", "accepted", &["fil_t"], 2);
    run.item("cover", "accepted", &["fil_c"], 3);
    assert_eq!(run.phase("papers"), StepPhase::Active);
    run.assign(&["tom"]);
    run.decide("tom", "sent_back").expect("it counts");
    assert_eq!(run.outcome("papers").as_deref(), Some("complete"), "it can be left out");
}

#[test]
fn the_deadline_comes_first() {
    let mut run = papers();
    run.item("tax", "received", &["fil_t"], 1);
    run.assign(&["tom"]);
    let late = run.decision("tom", "accepted");
    run.wake_after("8 days");
    assert_eq!(run.count("timer_fired"), 1);
    run.wake_after("2 days");
    assert_eq!(run.outcome("papers").as_deref(), Some("incomplete"));
    assert_eq!(run.output("papers")["items"]["tax"]["state"], "in_review");
    assert!(run.machine.open_tasks().is_empty());
    assert!(matches!(run.handle(Input::Decide(late)), Err(Refusal::TaskClosed(_))));
    run.done(":release:shr_9", json!({}));
    assert_eq!(run.ended().as_deref(), Some("incomplete"));
}

#[test]
fn whoever_is_asked_may_give_nothing() {
    let mut run = papers();
    run.item("tax", "received", &["fil_t"], 1);
    run.event(
        "file360.request_withdrawn",
        &["shr_9"],
        json!({ "reason": "We do not sell to you." }),
    );
    assert_eq!(run.outcome("papers").as_deref(), Some("withdrawn"));
    assert_eq!(run.output("papers")["reason"], "We do not sell to you.");
    assert_eq!(
        run.machine.status(),
        RunPhase::Closing {
            status: "withdrawn".to_owned()
        }
    );
}

#[test]
fn a_cancelled_run_closes_the_request_and_withdraws_reviews() {
    let mut run = papers();
    run.item("tax", "received", &["fil_t"], 1);
    run.assign(&["tom"]);
    run.cancel().expect("it runs");
    assert_eq!(run.task("papers").phase, TaskPhase::Withdrawn);
    assert_eq!(run.work(), [":release:shr_9"]);
}

#[test]
fn a_request_that_cannot_be_opened_is_an_incident() {
    let mut run = Run::of(PAPERS);
    run.fail("papers:1", Permanent);
    assert_eq!(run.phase("papers"), StepPhase::Incident);
    run.retry("papers").expect("it has an incident");
    run.done("papers:1", json!({ "request": "shr_9" }));
    assert_eq!(run.phase("papers"), StepPhase::Active);
}

#[test]
fn too_few_reviewers_are_an_incident_and_are_asked_again() {
    let mut run = papers();
    run.item("tax", "received", &["fil_t"], 1);
    run.assign(&[]);
    assert_eq!(run.phase("papers"), StepPhase::Incident);
    run.item("cover", "accepted", &["fil_c"], 2);
    run.retry("papers").expect("it has an incident");
    assert_eq!(run.work(), ["papers/tax/1:1:assign:2"]);
    run.assign(&["tom"]);
    run.decide("tom", "accepted").expect("it counts");
    assert_eq!(run.outcome("papers").as_deref(), Some("complete"));
}

#[test]
fn whoever_gave_it_does_not_look_at_it() {
    let mut run = papers();
    run.item("tax", "received", &["fil_t"], 1);
    run.assign(&["tom"]);
    let task = run.task("papers");
    let own = Decision {
        by: "email:eve@example.com".to_owned(),
        ..run.decision("tom", "accepted")
    };
    assert_eq!(run.handle(Input::Decide(own)), Err(Refusal::NoSuchTask));
    assert!(!task.people.contains(&"email:eve@example.com".to_owned()));
}

#[test]
fn a_way_back_asks_for_all_of_it_again() {
    let steps = PAPERS.replace(
        "  - { id: after, uses: t.call }",
        "  - id: after\n    check: [{ that: inputs.who == 'x', else: Once more. }]\n    outcomes: { failed: { back_to: papers, max_rounds: 2, then: { end: never } } }",
    );
    let mut run = Run::of(&steps);
    run.done("papers:1", json!({ "request": "shr_9" }));
    run.item("tax", "accepted", &["fil_t"], 1);
    run.item("cover", "accepted", &["fil_c"], 2);
    assert_eq!(run.work(), ["papers:2", ":release:shr_9"]);
    run.done("papers:2", json!({ "request": "shr_8" }));
    assert_eq!(run.state_of("tax"), ItemState::Missing);
}

#[test]
fn items_of_an_element_are_asked_for_and_closed_with_it() {
    let steps = "\
steps:
  - id: all
    each:
      in: [a, b]
      join: any
      steps:
        - id: papers
          collect: { from: role:legal, items: { tax: { title: Tax form, review: [role:tax] } } }
          deadline: { due: 10 days }
          outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";
    let mut run = Run::of(steps);
    run.done("all[0].papers:1", json!({ "request": "shr_a" }));
    run.done("all[1].papers:1", json!({ "request": "shr_b" }));
    for (share, change) in [("shr_a", 1), ("shr_b", 1)] {
        let files = json!([{ "file": file("fil_t") }]);
        let data = json!({ "item": "tax", "state": "received", "files": files, "change": change });
        run.event("file360.item_received", &[share], data);
    }
    assert_eq!(
        run.work(),
        ["all[0].papers/tax/1:1:assign:1", "all[1].papers/tax/1:1:assign:1"]
    );
    run.assign(&["tom"]);
    let task = run.task("all[0].papers");
    let decision = Decision {
        task: task.id,
        ..run.decision("tom", "accepted")
    };
    run.handle(Input::Decide(decision)).expect("it counts");
    assert_eq!(run.outcome("all").as_deref(), Some("done"));
    assert!(run.machine.open_tasks().is_empty());
    assert_eq!(run.machine.owned().len(), 2, "both are being closed");
}
