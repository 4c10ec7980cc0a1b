//! A checklist whose link asks for a code by mail: a link that was passed on is not enough.

use crate::harness::{Answer, Ask, Harness};
use axum::http::StatusCode;
use gatefold::host::throttle::{CODES, PASSWORDS};
use gatefold::host::turns::TRY_PACE;
use gatefold::host::visit::PASS_MINUTES;
use gatefold::space::Role;
use gatefold::space::code::{
    CODE_MINUTES, CODE_PAUSE_SECONDS, MAX_CODE_TRIES, MAX_QUICK_CODES, SLOW_CODE_PAUSE_SECONDS,
};
use gatefold::store::MailState;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const PAPERS: &str = "flow: papers
version: 1.0.0
inputs: { from: { type: text, default: email:rosa@outside.example } }
steps:
  - id: papers
    title: Your papers
    collect:
      from: ${{ inputs.from }}
      code_by_mail: true
      items: { tax: { title: Tax form } }
    deadline: { due: 10 days }
    outcomes: { incomplete: { end: incomplete }, withdrawn: { end: withdrawn } }
";
const ROSA: &str = "rosa@outside.example";

/// A run that asks Rosa, and the token of her link.
struct Asked {
    harness: Harness,
    run: String,
    token: String,
}

impl Asked {
    async fn new() -> Self {
        let harness = Harness::new().await;
        harness.deploy(PAPERS).await;
        let run = harness.begin("papers", json!({})).await.to_string();
        let text = settled(|| harness.mails.lock().unwrap().pop()).await.text;
        assert!(
            text.contains("It asks for a code, which is then sent to this address."),
            "{text}"
        );
        let mut words = text.split_whitespace();
        let token = words.find_map(|word| word.strip_prefix("http://gatefold.test/s/"));
        let token = token.expect("the link is in the mail").to_owned();
        Self { harness, run, token }
    }

    fn api(&self, rest: &str) -> String {
        format!("/api/v1/links/{}{rest}", self.token)
    }

    fn page(&self, rest: &str) -> String {
        format!("/s/{}{rest}", self.token)
    }

    async fn ask_for_code(&self) {
        let answer = self.harness.post(&self.api("/code")).send().await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NO_CONTENT, ""));
    }

    /// The codes that were sent since this was last asked.
    async fn codes(&self) -> Vec<String> {
        while !self.harness.store.mails(MailState::Queued, 1).await.unwrap().is_empty()
            || !self
                .harness
                .store
                .mails(MailState::Sending, 1)
                .await
                .unwrap()
                .is_empty()
        {
            crate::turn::turn().await;
        }
        let mails = std::mem::take(&mut *self.harness.mails.lock().unwrap());
        let code = |text: &str| {
            let is_code = |word: &&str| word.len() == 8 && word.bytes().all(|digit| digit.is_ascii_digit());
            text.split_whitespace()
                .find(is_code)
                .expect("a code is in the mail")
                .to_owned()
        };
        assert!(mails.iter().all(|mail| mail.to == [ROSA]), "{mails:?}");
        mails.iter().map(|mail| code(&mail.text)).collect()
    }

    async fn code(&self) -> String {
        self.ask_for_code().await;
        let codes = self.codes().await;
        assert_eq!(codes.len(), 1);
        codes[0].clone()
    }

    async fn ask_for_code_from(&self, address: &str) {
        let answer = self.harness.post(&self.api("/code")).from(address).send().await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NO_CONTENT, ""));
    }

    async fn give_code(&self, code: &str) -> Answer {
        self.give_code_from("203.0.113.1", code).await
    }

    async fn give_code_from(&self, address: &str, code: &str) -> Answer {
        let ask = self.harness.post(&self.api("/pass")).header("x-share-password", code);
        ask.from(address).send().await
    }

    async fn view(&self, pass: &str) -> StatusCode {
        self.harness
            .get(&self.api(""))
            .header("x-share-pass", pass)
            .send()
            .await
            .status
    }
}

/// What comes once everything that was begun is done.
async fn settled<T>(look: impl Fn() -> Option<T>) -> T {
    loop {
        if let Some(found) = look() {
            return found;
        }
        crate::turn::turn().await;
    }
}

async fn later(seconds: i64) {
    tokio::time::advance(Duration::from_secs(seconds.unsigned_abs())).await;
}

/// Another code than this.
fn other(code: &str) -> String {
    format!("{:08}", (code.parse::<u64>().unwrap() + 1) % 100_000_000)
}

#[tokio::test(start_paused = true)]
async fn a_link_alone_opens_nothing_and_a_code_opens_it_once() {
    let asked = Asked::new().await;
    for ask in [
        asked.harness.get(&asked.api("")),
        asked.harness.post(&asked.api("/items/tax?name=a.txt")).body("x"),
    ] {
        let answer = ask.send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "code-needed")
        );
        assert!(
            answer.text().contains("/code") && !answer.text().contains("rosa"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(asked.codes().await.len(), 0, "looking sends nothing");
    let code = asked.code().await;
    let answer = asked.give_code(&code).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let pass = answer.json()["pass"].as_str().unwrap().to_owned();
    let again = asked.give_code(&code).await;
    assert_eq!(
        (again.status, again.problem().as_str()),
        (StatusCode::UNAUTHORIZED, "code-wrong")
    );
    assert_eq!(asked.view(&pass).await, StatusCode::OK);
    let give = asked
        .harness
        .post(&asked.api("/items/tax?name=a.txt"))
        .header("x-share-pass", &pass);
    assert_eq!(give.body("x").send().await.status, StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn a_code_and_what_it_gave_are_good_for_a_while() {
    let asked = Asked::new().await;
    let code = asked.code().await;
    later(CODE_MINUTES * 60 - 1).await;
    let pass = asked.give_code(&code).await.json()["pass"].as_str().unwrap().to_owned();
    later(PASS_MINUTES * 60 - 2).await;
    assert_eq!(asked.view(&pass).await, StatusCode::OK);
    later(2).await;
    assert_eq!(asked.view(&pass).await, StatusCode::UNAUTHORIZED);
    let code = asked.code().await;
    later(CODE_MINUTES * 60).await;
    assert_eq!(asked.give_code(&code).await.problem(), "code-wrong");
}

#[tokio::test(start_paused = true)]
async fn a_code_stays_good_however_many_wrong_ones_are_tried() {
    let asked = Asked::new().await;
    let code = asked.code().await;
    // from several networks, each of which makes as many tries as it may
    for number in 0..MAX_CODE_TRIES {
        let from = format!("192.0.2.{}", number / PASSWORDS.failures + 1);
        let wrong = asked.give_code_from(&from, &other(&code)).await;
        assert_eq!(wrong.problem(), "code-wrong");
    }
    let began = tokio::time::Instant::now();
    // the first to take a turn has it at once, the next one after a while
    asked.give_code_from("198.51.100.1", &other(&code)).await;
    assert_eq!(began.elapsed().as_secs(), 0);
    assert_eq!(asked.give_code(&code).await.status, StatusCode::OK);
    assert_eq!(began.elapsed().as_secs(), TRY_PACE.as_secs());
    later(CODE_PAUSE_SECONDS).await;
    let began = tokio::time::Instant::now();
    let anew = asked.code().await;
    asked.give_code_from("198.51.100.1", &other(&anew)).await;
    assert_eq!(asked.give_code(&anew).await.status, StatusCode::OK);
    assert_eq!(began.elapsed().as_secs(), 0, "the right code ends the turns");
}

/// Lets so much time pass, and everything happen that happens meanwhile.
async fn rest(time: Duration) {
    let nothing = std::future::pending::<()>();
    assert!(tokio::time::timeout(time, nothing).await.is_err());
}

/// Forty networks guess for eight minutes, as fast as they are let; then the rightful user enters the code.
#[tokio::test(start_paused = true)]
async fn many_networks_guess_slowly_and_keep_nobody_out() {
    let asked = Arc::new(Asked::new().await);
    let code = asked.code().await;
    let guesses = Arc::<AtomicU64>::default();
    let mut crowd = tokio::task::JoinSet::new();
    for network in 0..40 {
        let (asked, wrong, guesses) = (Arc::clone(&asked), other(&code), Arc::clone(&guesses));
        crowd.spawn(async move {
            loop {
                let answer = asked.give_code_from(&format!("192.0.2.{network}"), &wrong).await;
                if answer.status == StatusCode::TOO_MANY_REQUESTS {
                    let seconds = answer.header("retry-after").parse().unwrap();
                    rest(Duration::from_secs(seconds)).await;
                } else {
                    guesses.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    let minutes = 8;
    rest(Duration::from_mins(minutes)).await;
    let guessed = guesses.load(Ordering::Relaxed);
    let most = u64::from(MAX_CODE_TRIES) + minutes * 60 / TRY_PACE.as_secs() + 2;
    assert!(guessed > 40 && guessed <= most, "{guessed} guesses, at most {most}");
    let began = tokio::time::Instant::now();
    let mut answer = asked.give_code(&code).await;
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        // all forty came at the same moment, and a link takes so many requests at once
        rest(Duration::from_secs(answer.header("retry-after").parse().unwrap())).await;
        answer = asked.give_code(&code).await;
    }
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let waited = began.elapsed().as_secs();
    assert!(waited <= 2 * TRY_PACE.as_secs(), "it took {waited} seconds");
    println!("forty networks made {guessed} guesses in {minutes} minutes; the right code took {waited} seconds");
}

#[tokio::test(start_paused = true)]
async fn somebody_with_the_link_alone_does_not_lock_out_its_rightful_user() {
    let asked = Asked::new().await;
    let code = asked.code().await;
    for _ in 0..PASSWORDS.failures {
        let wrong = asked.give_code_from("192.0.2.1", &other(&code)).await;
        assert_eq!(wrong.problem(), "code-wrong");
    }
    let locked = asked.give_code_from("192.0.2.1", &code).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    // nor by asking for other codes
    for _ in 0..CODES.failures + 2 {
        later(CODE_PAUSE_SECONDS).await;
        asked.ask_for_code_from("192.0.2.1").await;
    }
    assert_eq!(asked.codes().await.len(), CODES.failures as usize);
    assert_eq!(asked.give_code(&code).await.status, StatusCode::OK);
    later(SLOW_CODE_PAUSE_SECONDS).await;
    let own = asked.code().await;
    assert_eq!(asked.give_code(&own).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn so_many_codes_are_sent_and_who_asks_is_not_told() {
    let asked = Asked::new().await;
    asked.ask_for_code().await;
    asked.ask_for_code().await;
    assert_eq!(asked.codes().await.len(), 1, "whoever asks twice gets one");
    // many networks ask every minute for an hour
    let mut sent = Vec::new();
    for minute in 1..60 {
        later(CODE_PAUSE_SECONDS).await;
        asked.ask_for_code_from(&format!("192.0.2.{minute}")).await;
        sent.push(asked.codes().await.len());
    }
    let quick = MAX_QUICK_CODES - 1;
    assert_eq!(sent[..quick], [1; MAX_QUICK_CODES - 1]);
    let slow: usize = sent[quick..].iter().sum();
    let minutes = usize::try_from(SLOW_CODE_PAUSE_SECONDS / 60).unwrap();
    assert_eq!(slow, (59 - quick) / minutes, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_asks_for_none_sends_none_and_says_the_same() {
    let harness = Harness::new().await;
    let link = harness.share(Role::View).await;
    let answer = harness.post(&link.path("/code")).send().await;
    assert_eq!((answer.status, answer.text()), (StatusCode::NO_CONTENT, ""));
    assert!(harness.store.mails(MailState::Queued, 9).await.unwrap().is_empty());
}

fn browser(ask: Ask) -> Ask {
    ask.header("accept", "text/html")
}

#[tokio::test(start_paused = true)]
async fn a_browser_has_a_code_sent_and_enters_it() {
    let asked = Asked::new().await;
    let form = |rest: &str, body: String| {
        let ask = asked.harness.post(&asked.page(rest)).body(body);
        browser(ask)
            .header("content-type", "application/x-www-form-urlencoded")
            .send()
    };
    let door = browser(asked.harness.get(&asked.page(""))).send().await;
    assert_eq!(door.status, StatusCode::UNAUTHORIZED);
    let text = door.text();
    assert!(
        text.contains("Send me a code") && text.contains("one-time-code") && !text.contains("<script"),
        "{text}"
    );
    assert!(!text.contains("Your papers") && !text.contains("rosa"), "{text}");
    let sent = form("/code", "confirm=yes".to_owned()).await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (StatusCode::SEE_OTHER, asked.page("").as_str())
    );
    let code = asked.codes().await.remove(0);
    let wrong = form("/password", format!("password={}", other(&code))).await;
    assert!(wrong.text().contains("The code is wrong") && wrong.header("set-cookie").is_empty());
    let right = form("/password", format!("password=+{}+{}", &code[..4], &code[4..])).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text());
    let cookie = right.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = browser(asked.harness.get(&asked.page("")))
        .header("cookie", cookie)
        .send()
        .await;
    assert!(
        page.status == StatusCode::OK && page.text().contains("Tax form"),
        "{}",
        page.text()
    );
}

#[tokio::test(start_paused = true)]
async fn a_code_stands_nowhere_but_in_its_mail() {
    let asked = Asked::new().await;
    let code = asked.code().await;
    asked.give_code(&other(&code)).await;
    assert_eq!(asked.give_code(&code).await.status, StatusCode::OK);
    let mut kept = format!("{:?}", asked.harness.store.mails(MailState::Sent, 9).await.unwrap());
    kept += &format!(
        "{:?}",
        asked.harness.store.access_log(None, 0, usize::MAX).await.unwrap()
    );
    for (_, grants) in asked.harness.host.shares_of(&asked.run.as_str().into()).await.unwrap() {
        kept += &format!("{grants:?}");
    }
    for path in [
        "/api/v1/mails?state=sent".to_owned(),
        format!("/api/v1/runs/{}/journal", asked.run),
    ] {
        let answer = asked.harness.get(&path).by("admin").send().await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        kept += answer.text();
    }
    assert!(
        kept.contains(&format!("{:?}", gatefold::store::OutboxMail::CODE).replace('"', "")) && !kept.contains(&code),
        "{kept}"
    );
    assert!(!kept.contains(&other(&code)), "what was tried is kept nowhere either");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_one_person_gets_no_code() {
    let harness = Harness::new().await;
    harness.deploy(PAPERS).await;
    let run = harness.begin("papers", json!({ "from": "role:legal" })).await;
    let path = format!("/api/v1/runs/{run}");
    let view = loop {
        let view = harness.get(&path).by("admin").send().await.text().to_owned();
        if view.contains("code_by_mail") {
            break view;
        }
        crate::turn::turn().await;
    };
    assert!(view.contains("role:legal is not one person"), "{view}");
    let run = harness.begin("papers", json!({ "from": "user:anna" })).await;
    let mail = settled(|| harness.mails.lock().unwrap().pop()).await;
    assert_eq!(mail.to, ["anna@example.com"], "{run}");
}
