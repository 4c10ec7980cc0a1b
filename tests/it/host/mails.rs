//! Mails that the mail server does not take at once.

use super::store::{Orders, Told};
use super::world::{Behaviour, Process, World};
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
    approve: { document: \"${{ inputs.document }}\", by: [user:anna] }
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
