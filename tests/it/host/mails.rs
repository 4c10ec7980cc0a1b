//! Mails that the mail server does not take at once.

use super::store::{Orders, Told};
use super::world::{Behaviour, Process, World};
use gatefold::engine::{Acting, Decision, Event, TaskAct};
use gatefold::host::HostError;
use gatefold::host::outbox::TRIES;
use gatefold::store::MailState;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const ASKS: &str = "flow: asks
version: 1.0.0
inputs: { document: { type: file } }
steps:
  - id: sign
    approve: { document: \"${{ inputs.document }}\", by: [user:anna], reason: [rejected] }
    deadline: { due: 30 days }
    outcomes: { changes_requested: { end: changes }, rejected: { end: rejected }, expired: { end: expired } }
";

/// Lets virtual time pass, and what is due in it happen.
async fn pass(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

/// A process in which anna is asked, by a mail that fails so often.
async fn asked(failures: u32) -> (World, Process) {
    asked_in(World::new(), failures).await
}

async fn asked_in(world: World, failures: u32) -> (World, Process) {
    world.script("mail", &vec![Behaviour::FailTransiently; failures as usize]);
    let process = world.start().await;
    process.deploy(ASKS).await;
    let file = process
        .host
        .put_file("user:anna", "/in", "a.txt", &b"x"[..])
        .await
        .unwrap();
    process.begin("asks", json!({ "document": file.id })).await;
    (world, process)
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_is_away_for_hours_costs_no_mail() {
    let (world, _process) = asked(12).await;
    let sent = async {
        while world.mails.lock().unwrap().is_empty() {
            pass(Duration::from_mins(1)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_hours(24), sent).await;
    assert!(in_time.is_ok(), "the mail was given up");
    let sent = world.store.mails(MailState::Sent, 9).await.unwrap();
    assert_eq!((sent.len(), sent[0].attempts), (1, 13));
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_was_given_up_goes_when_somebody_says_so() {
    let (world, process) = asked(TRIES).await;
    pass(Duration::from_hours(24 * 5)).await;
    let failed = process.host.mails_in(&[MailState::Failed], 9).await.unwrap();
    assert_eq!((failed.len(), failed[0].attempts), (1, TRIES));
    assert_eq!(failed[0].error.as_deref(), Some("the mail server is away"));
    assert!(world.mails.lock().unwrap().is_empty());

    process.host.retry_mail(&failed[0].id).await.unwrap();
    pass(Duration::from_secs(1)).await;
    assert_eq!(world.mails.lock().unwrap().len(), 1);
    let again = process.host.retry_mail(&failed[0].id).await;
    assert!(matches!(again, Err(HostError::Conflict(_))), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_went_is_not_in_doubt_because_the_store_failed_to_keep_it() {
    let told = Arc::new(Told::default());
    told.order(Orders {
        forget_sent: 3,
        ..Orders::default()
    });
    let (world, _process) = asked_in(World::over(told), 0).await;
    pass(Duration::from_mins(1)).await;
    let sent = world.store.mails(MailState::Sent, 9).await.unwrap();
    assert_eq!((sent.len(), sent[0].attempts), (1, 1));
    assert_eq!(world.mails.lock().unwrap().len(), 1, "it goes once");
}

#[tokio::test(start_paused = true)]
async fn a_mail_about_a_task_says_who_asks_what_and_how_to_answer() {
    let (world, _process) = asked(0).await;
    pass(Duration::from_secs(1)).await;
    let mail = world.mails.lock().unwrap().remove(0);
    let task = world.store.open_tasks(None).await.unwrap().remove(0).id;
    for part in [
        "Document: a.txt, version 1".to_owned(),
        "Asked by: anna".to_owned(),
        "Due:      Wednesday, 23 December 2026, 09:00 UTC".to_owned(),
        format!("gatefold tasks document {task} --output FILE --server http://gatefold.test"),
        format!("gatefold tasks decide ANSWER --task {task} --file FILE --server http://gatefold.test"),
        "ANSWER is approved or changes_requested or rejected (with --reason).".to_owned(),
    ] {
        assert!(mail.text.contains(&part), "{part}:\n{}", mail.text);
    }
    assert!(
        !mail.text.contains("gatefold.test/"),
        "there is no page to lead to:\n{}",
        mail.text
    );
}

#[tokio::test(start_paused = true)]
async fn an_incident_is_told_once_to_the_owner_with_what_can_be_done() {
    let world = World::new();
    world.script("a", &[Behaviour::Leak]);
    let process = world.start().await;
    process
        .deploy("flow: breaks\nversion: 1.0.0\nowner: boss@example.com\nsteps:\n  - id: a\n    title: Post it\n    uses: probe.effect\n    with: {}\n")
        .await;
    let run = process.begin("breaks", json!({})).await;
    pass(Duration::from_hours(24)).await;
    let mails = world.mails.lock().unwrap().clone();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].to, ["boss@example.com"]);
    assert_eq!(mails[0].subject, "A run needs a person: Post it");
    for part in [
        format!("gatefold runs retry {run} a "),
        "refused: ".to_owned(),
        "breaks 1.0.0".to_owned(),
    ] {
        assert!(mails[0].text.contains(&part), "{part}:\n{}", mails[0].text);
    }
    assert_eq!(process.host.standing().await.unwrap().incidents, 1);
}

#[tokio::test(start_paused = true)]
async fn somebody_who_left_keeps_nobody_else_from_being_told() {
    let world = World::new();
    let process = world.start().await;
    process
        .deploy("flow: waits\nversion: 1.0.0\nsteps:\n  - id: signed\n    wait: { event: crm.signed, key: never }\n    deadline: { due: 9 days, escalate: { after: 1 day, to: [user:gone, user:ben] } }\n    outcomes: { expired: { end: expired } }\n")
        .await;
    process.begin("waits", json!({})).await;
    pass(Duration::from_hours(48)).await;
    let mails = world.mails.lock().unwrap().clone();
    let told: Vec<&str> = mails.iter().flat_map(|mail| &mail.to).map(String::as_str).collect();
    assert_eq!(told, ["ben@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn who_can_veto_is_told_as_well() {
    let world = World::new();
    let process = world.start().await;
    process
        .deploy(&ASKS.replace("by: [user:anna]", "by: [user:anna], veto: [user:anna, user:ben]"))
        .await;
    let file = process
        .host
        .put_file("user:anna", "/in", "a.txt", &b"x"[..])
        .await
        .unwrap();
    process.begin("asks", json!({ "document": file.id })).await;
    pass(Duration::from_mins(5)).await;
    let mut told: Vec<String> = world
        .mails
        .lock()
        .unwrap()
        .iter()
        .flat_map(|mail| mail.to.clone())
        .collect();
    told.sort();
    assert_eq!(told, ["anna@example.com", "ben@example.com"]);
    assert_eq!(process.host.open_tasks(Some("user:ben")).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_had_decided_hears_of_a_newer_version_also_after_a_restart() {
    let world = World::new();
    let process = world.start().await;
    process
        .deploy(&ASKS.replace("by: [user:anna]", "by: [user:anna, user:ben], rule: all"))
        .await;
    let put = async |process: &Process, text: &'static str| {
        let put = process.host.put_file("user:anna", "/in", "a.txt", text.as_bytes());
        put.await.unwrap()
    };
    let file = put(&process, "one").await;
    let run = process.begin("asks", json!({ "document": file.id })).await;
    let task = process.host.open_tasks(None).await.unwrap().remove(0);
    let decision = Decision {
        task: task.id,
        by: "user:anna".to_owned(),
        on_behalf_of: None,
        decision: "approved".to_owned(),
        reason: None,
        sha256: Some(file.sha256),
        form: serde_json::Map::new(),
        via: None,
    };
    process.host.decide(decision).await.unwrap();
    process.shut_down().await;
    let process = world.start().await;
    for text in ["two", "three"] {
        put(&process, text).await;
        pass(Duration::from_mins(1)).await;
    }
    process
        .until(&run, |event| matches!(event, Event::DecisionsVoided { .. }))
        .await;
    pass(Duration::from_mins(1)).await;
    let mails = world.mails.lock().unwrap().clone();
    let about = |words: &str| {
        let found = mails.iter().filter(|mail| mail.subject.starts_with(words));
        found.map(|mail| mail.to.concat()).collect::<Vec<_>>()
    };
    assert_eq!(about("There is a newer version"), ["anna@example.com"], "{mails:?}");
    assert_eq!(mails.len(), 3, "nobody is told twice: {mails:?}");
    let told = mails.last().unwrap();
    assert!(told.text.contains("Document: a.txt, version 2"), "{}", told.text);
    assert!(
        !told.text.contains("ben"),
        "nobody is told of the others: {}",
        told.text
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_is_in_its_mail_with_the_command_that_answers_it() {
    let (world, process) = asked(0).await;
    let task = process.host.open_tasks(None).await.unwrap().remove(0).id;
    let say = async |by: &str, text: &str, to: Option<&str>, answers| {
        let act = TaskAct::Remark {
            text: text.to_owned(),
            to: to.map(str::to_owned),
            answers,
        };
        let acting = Acting {
            task: task.clone(),
            by: by.to_owned(),
            admin: false,
            act,
        };
        process.host.act(acting).await
    };
    say("user:anna", "I look at it now", None, None).await.unwrap();
    let question = "Is the date right?\nPlease look at page 2.";
    say("user:anna", question, Some("user:ben"), None).await.unwrap();
    for bad in ["red \u{1b}[31m", "fdp.\u{202e}exe", "a\u{200b}b"] {
        let refused = say("user:anna", bad, Some("user:ben"), None).await;
        assert!(matches!(refused, Err(HostError::Invalid(_))), "{bad:?}: {refused:?}");
    }
    pass(Duration::from_secs(1)).await;
    let mails = world.mails.lock().unwrap().clone();
    assert_eq!(mails.len(), 2, "{mails:?}");
    let (mail, text) = (&mails[1], &mails[1].text);
    assert_eq!(
        (&*mail.to.concat(), &*mail.subject),
        ("ben@example.com", "You are asked a question: sign")
    );
    for part in [
        format!("anna asks:\n{question}\n"),
        "Document: a.txt, version 1".to_owned(),
        format!("gatefold tasks show {task} --server http://gatefold.test"),
        format!("gatefold tasks remark {task} TEXT --answers 2 --server http://gatefold.test"),
    ] {
        assert!(text.contains(&part), "{part}:\n{text}");
    }
    assert!(!text.contains("tasks decide"), "they do not decide it:\n{text}");
    say("user:ben", "Yes", None, Some(2)).await.unwrap();
}
