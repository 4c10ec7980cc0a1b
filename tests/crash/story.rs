//! A story that is played by clients who try again for as long as the server comes back, and by an
//! administrator who looks after what is in doubt.

use super::patience::Patience;
use super::process::Server;
use super::sink::Sink;
use gatefold::base::Value;
use gatefold::cli::client::{Answer, CallError, Client, escaped};
use gatefold::engine::event::Event;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

/// Longest time that a story may take, restarts included.
const TIME_MAX: Duration = Duration::from_mins(2);

/// A story. Each act looks first whether it has already had its effect, as a careful client does.
pub trait Story: Sync {
    /// How it ended, in everything that must be the same whatever happened on the way.
    type Ending: PartialEq + Debug + Send + Sync;

    /// The administrator's token.
    fn admin(&self) -> &str;

    /// Does what can be done now; the ending if it is over.
    fn advance(&self, url: &str, sink: &Sink) -> impl Future<Output = Answer<Option<Self::Ending>>>;
}

/// What came of a story that was played.
#[derive(Debug)]
pub struct Played<E> {
    pub ending: E,
    /// Whether the fault happened.
    pub died: bool,
    /// How many mails and calls were in doubt, each counted once.
    pub doubts: usize,
}

/// Plays a story on `data`, with a fault armed in the first server.
pub async fn play<S: Story>(story: &S, data: &Path, fault: Option<&str>) -> Played<S::Ending> {
    let sink = Sink::start().await;
    std::fs::write(data.join("gatefold.toml"), sink.config()).expect("it can be written");
    let patience = Patience::new(TIME_MAX, format!("{fault:?}: the story did not come to its end"));
    let (mut died, mut doubts) = (false, BTreeSet::new());
    let mut server = Server::start(data, fault);
    loop {
        let Some(running) = server.as_mut() else {
            died = true;
            server = Some(Server::start_sound(data));
            continue;
        };
        let done = async {
            look_after(&running.client(story.admin()), &sink, &mut doubts).await?;
            story.advance(&running.url, &sink).await
        };
        match done.await {
            Ok(Some(ending)) => {
                let doubts = doubts.len();
                return Played { ending, died, doubts };
            }
            Ok(None) => patience.pause().await,
            Err(CallError::Unreachable { .. }) => {
                running.wait_until_dead();
                server = None;
            }
            Err(error) => panic!("{fault:?}: {error}"),
        }
        if server.as_mut().is_some_and(Server::is_dead) {
            server = None;
        }
    }
}

/// The administrator looks into the mail server's ledger for what is in doubt: what is there has
/// happened, what is not is done again.
async fn look_after(admin: &Client, sink: &Sink, doubts: &mut BTreeSet<String>) -> Answer<()> {
    let mails = admin.get("/api/v1/mails").await?;
    for mail in mails["items"].as_array().into_iter().flatten() {
        let id = mail["id"].as_str().unwrap_or_default();
        assert_eq!(mail["state"], "in_doubt", "{mail}");
        doubts.insert(id.to_owned());
        if sink.mails().iter().all(|sent| sent.id() != id) {
            let path = format!("/api/v1/mails/{}/retry", escaped(id));
            forgiving(admin.post(&path, &json!({})).await)?;
        }
    }
    let runs = admin.get("/api/v1/runs?incident=true").await?;
    for run in runs["items"].as_array().into_iter().flatten() {
        let run = run["id"].as_str().unwrap_or_default();
        answer_incidents(admin, sink, run, doubts).await?;
    }
    Ok(())
}

/// The steps that these stories leave in doubt send a mail each, with the id of the step as its subject.
async fn answer_incidents(admin: &Client, sink: &Sink, run: &str, doubts: &mut BTreeSet<String>) -> Answer<()> {
    let view = admin.run(run).await?;
    let steps = view["steps"].as_array().into_iter().flatten();
    for step in steps.filter(|step| step["state"] == "incident") {
        let id = step["id"].as_str().unwrap_or_default();
        doubts.insert(format!("{run} {id}"));
        let sent = sink.mails().into_iter().find(|mail| mail.subject() == id);
        let reason = "I looked into the ledger of the mail server";
        let (act, body) = match sent {
            Some(mail) => {
                let output = json!({ "mail": mail.id(), "to": ["role:legal-lead"] });
                ("set", json!({ "reason": reason, "output": output }))
            }
            None => ("retry", json!({ "reason": reason })),
        };
        let path = format!("/api/v1/runs/{}/steps/{}/{act}", escaped(run), escaped(id));
        forgiving(admin.post(&path, &body).await)?;
    }
    Ok(())
}

/// That somebody was faster is as good.
pub fn forgiving(answer: Answer) -> Answer<()> {
    match answer {
        Err(error) if error.status() == Some(409) => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Somebody gives `decision` to every task of theirs. That it was done before is as good.
pub async fn decide_all(person: &Client, decision: &str) -> Answer<()> {
    let page = person.get("/api/v1/tasks").await?;
    for task in page["items"].as_array().into_iter().flatten() {
        let path = format!(
            "/api/v1/tasks/{}/decision",
            escaped(task["id"].as_str().unwrap_or_default())
        );
        let body = json!({ "decision": decision, "sha256": task["document"]["sha256"] });
        forgiving(person.post(&path, &body).await)?;
    }
    Ok(())
}

/// Recipient and subject of every mail.
pub fn envelopes(sink: &Sink) -> Vec<String> {
    let mails = sink.mails();
    let mut envelopes: Vec<String> = mails
        .iter()
        .map(|mail| format!("{} {}", mail.to(), mail.subject()))
        .collect();
    envelopes.sort();
    envelopes
}

/// The journal of a run without what differs from one time to the next. What a person looked after did not
/// change what came of it.
pub async fn essence(client: &Client, run: &str) -> Answer<Vec<String>> {
    let journal = client.journal(run, 0).await?;
    let looked_after = |event: &Event| matches!(event, Event::IncidentRaised { .. } | Event::IncidentResolved { .. });
    let events = journal.iter().map(|record| &record.event);
    Ok(events.filter(|event| !looked_after(event)).map(words).collect())
}

fn words(event: &Event) -> String {
    let data: Value = serde_json::to_value(event).expect("an event becomes JSON");
    let words = ["type", "step", "item", "outcome", "decision", "kind", "state", "status"];
    let words: Vec<&str> = words.into_iter().filter_map(|key| data[key].as_str()).collect();
    words.join(" ")
}
