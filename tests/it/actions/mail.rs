//! Mails to a server that speaks real SMTP, and to one that stops at the worst moment.

use super::{Installation, call_outside};
use gatefold::connect::{ActionError, Mailer, OutgoingMail};
use gatefold::connectors::mail::{MAX_RECIPIENTS, MAX_TEXT_BYTES, SmtpMailer};
use mailin::{Action, Handler, Response, SessionBuilder, response};
use secrecy::SecretString;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// What it should.
    Fine,
    /// Hangs up on `DATA`.
    GoneBeforeData,
    /// Takes the text and hangs up.
    GoneAfterData,
    /// Takes the text and says nothing.
    SilentAfterData,
    /// Takes the text and refuses it for now.
    BusyAfterData,
    /// Knows nobody.
    NoMailbox,
    /// Says nothing from the beginning.
    Silent,
}

/// A mail as it arrived.
#[derive(Clone, Debug, Default)]
struct Arrived {
    from: String,
    to: Vec<String>,
    text: String,
}

#[derive(Clone)]
struct Mailbox {
    mood: Mood,
    open: Arrived,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Handler for Mailbox {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        self.open = Arrived {
            from: from.to_owned(),
            ..Arrived::default()
        };
        response::OK
    }
    fn rcpt(&mut self, to: &str) -> Response {
        if self.mood == Mood::NoMailbox {
            return response::NO_MAILBOX;
        }
        self.open.to.push(to.to_owned());
        response::OK
    }
    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.open.text.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }
    fn data_end(&mut self) -> Response {
        if self.mood == Mood::BusyAfterData {
            return Response::custom(451, "try again later".to_owned());
        }
        self.arrived.lock().unwrap().push(std::mem::take(&mut self.open));
        response::OK
    }
}

struct Server {
    address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Server {
    async fn start(mood: Mood) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrived = Arc::<Mutex<Vec<Arrived>>>::default();
        let mailbox = Mailbox {
            mood,
            open: Arrived::default(),
            arrived: Arc::clone(&arrived),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, mailbox.clone()));
            }
        });
        Self { address, arrived }
    }

    fn mailer(&self, timeout_ms: u64) -> SmtpMailer {
        let url = SecretString::from(format!("smtp://{}?tls=none", self.address));
        SmtpMailer::new(&url, "Gatefold <gatefold@example.com>", timeout_ms).unwrap()
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

/// One conversation. Ends when either side hangs up.
async fn serve(stream: TcpStream, mailbox: Mailbox) -> std::io::Result<()> {
    let mood = mailbox.mood;
    let mut session = SessionBuilder::new("mail.example.com").build(IpAddr::V4(Ipv4Addr::LOCALHOST), mailbox);
    let mut stream = BufReader::new(stream);
    if mood == Mood::Silent {
        std::future::pending::<()>().await;
    }
    answer(&mut stream, &session.greeting()).await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        if mood == Mood::GoneBeforeData && line.eq_ignore_ascii_case(b"DATA\r\n") {
            return Ok(());
        }
        let reply = session.process(&line);
        if line == b".\r\n" && mood == Mood::GoneAfterData {
            return Ok(());
        }
        if line == b".\r\n" && mood == Mood::SilentAfterData {
            std::future::pending::<()>().await;
        }
        match reply.action {
            Action::NoReply => {}
            Action::Close => return answer(&mut stream, &reply).await,
            Action::Reply | Action::UpgradeTls => answer(&mut stream, &reply).await?,
        }
    }
}

async fn answer(stream: &mut BufReader<TcpStream>, response: &Response) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    response.write_to(&mut bytes)?;
    stream.get_mut().write_all(&bytes).await
}

fn mail() -> OutgoingMail {
    OutgoingMail {
        id: "mal_1".into(),
        to: vec!["anna@corp.example".into(), "eve@example.org".into()],
        subject: "Prüfung".into(),
        text: "First line\n.\n..\nQUIT\nLast line\n".into(),
    }
}

/// Long enough for every answer that comes.
const PATIENT_MS: u64 = 30_000;
/// Short enough to wait for an answer that does not come.
const IMPATIENT_MS: u64 = 200;

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = Server::start(Mood::Fine).await;
    server.mailer(PATIENT_MS).send(&mail()).await.unwrap();
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].from, "gatefold@example.com");
    assert_eq!(arrived[0].to, ["anna@corp.example", "eve@example.org"]);
    let (headers, body) = arrived[0].text.split_once("\r\n\r\n").unwrap();
    assert!(headers.contains("Message-ID: <mal_1@example.com>"), "{headers}");
    assert!(headers.contains("Subject: =?utf-8?b?UHLDvGZ1bmc=?="), "{headers}");
    assert!(
        body.starts_with("First line\r\n.\r\n..\r\nQUIT\r\nLast line"),
        "dots do not end the text: {body:?}"
    );
}

#[tokio::test]
async fn before_the_text_nothing_was_taken() {
    for mood in [Mood::GoneBeforeData, Mood::Silent] {
        let server = Server::start(mood).await;
        let error = server.mailer(IMPATIENT_MS).send(&mail()).await.unwrap_err();
        assert!(matches!(error, ActionError::Transient(_)), "{mood:?}: {error:?}");
    }
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let url = SecretString::from(format!("smtp://user:secret@127.0.0.1:{}?tls=none", nobody.port()));
    let error = SmtpMailer::new(&url, "gatefold@example.com", PATIENT_MS)
        .unwrap()
        .send(&mail())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ActionError::Transient(text) if !text.contains("secret")),
        "{error:?}"
    );
}

#[tokio::test]
async fn after_the_text_only_the_answer_tells() {
    for (mood, timeout_ms) in [(Mood::GoneAfterData, PATIENT_MS), (Mood::SilentAfterData, 2_000)] {
        let server = Server::start(mood).await;
        let error = server.mailer(timeout_ms).send(&mail()).await.unwrap_err();
        assert!(matches!(error, ActionError::InDoubt(_)), "{mood:?}: {error:?}");
        assert_eq!(server.arrived().len(), 1, "{mood:?}: it was taken, and nobody knows");
    }
    let server = Server::start(Mood::BusyAfterData).await;
    let error = server.mailer(PATIENT_MS).send(&mail()).await.unwrap_err();
    assert!(
        matches!(&error, ActionError::Transient(text) if text.contains("451")),
        "{error:?}"
    );
    assert_eq!(server.arrived().len(), 0);
}

#[tokio::test]
async fn a_refused_recipient_is_final() {
    let server = Server::start(Mood::NoMailbox).await;
    let error = server.mailer(PATIENT_MS).send(&mail()).await.unwrap_err();
    assert!(
        matches!(&error, ActionError::Permanent(text) if text.contains("550")),
        "{error:?}"
    );
    assert_eq!(server.arrived().len(), 0, "nobody gets it where one cannot");
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing_unless_that_is_said() {
    let server = Server::start(Mood::Fine).await;
    for scheme in ["smtp", "smtps"] {
        let url = SecretString::from(format!("{scheme}://{}", server.address));
        let error = SmtpMailer::new(&url, "gatefold@example.com", 2_000)
            .unwrap()
            .send(&mail())
            .await
            .unwrap_err();
        assert!(matches!(error, ActionError::Transient(_)), "{scheme}: {error:?}");
    }
    assert_eq!(server.arrived().len(), 0);
}

#[tokio::test]
async fn the_action_finds_people_in_the_directory() {
    let server = Server::start(Mood::Fine).await;
    let mut installation = Installation::new();
    installation.settings.mailer = Arc::new(server.mailer(PATIENT_MS));
    let registry = installation.registry();
    assert!(
        !registry.get("mail.send").unwrap().info.idempotent,
        "a mail server cannot tell a repeat"
    );
    let input =
        json!({"to": ["role:legal", "Eve@example.org", "anna@corp.example"], "subject": "Late", "text": "words"});
    let output = call_outside(&registry, "mail.send", input).await.unwrap();
    assert_eq!(output["to"], json!(["user:anna", "user:ben", "email:eve@example.org"]));
    let arrived = server.arrived();
    assert_eq!(
        arrived[0].to,
        ["anna@corp.example", "ben@corp.example", "eve@example.org"]
    );
    assert!(arrived[0].text.contains(output["mail"].as_str().unwrap()));
}

#[tokio::test]
async fn the_action_refuses_what_is_no_mail() {
    let registry = Installation::new().registry();
    for (input, why) in [
        (
            json!({"to": "role:leagl", "subject": "x", "text": "y"}),
            "did you mean \"legal\"",
        ),
        (json!({"to": [], "subject": "x", "text": "y"}), "0 persons"),
        (
            json!({"to": "anna@corp.example\r\nBcc: eve@example.org", "subject": "x", "text": "y"}),
            "names nobody",
        ),
        (
            json!({"to": "user:anna", "subject": "x\r\nBcc: eve@example.org", "text": "y"}),
            "`subject` must not",
        ),
        (
            json!({"to": "user:anna", "subject": "", "text": "y"}),
            "`subject` must not",
        ),
        (
            json!({"to": "user:anna", "subject": "x", "text": "a\u{0}"}),
            "`text` must not",
        ),
        (json!({"to": "user:anna", "subject": "x"}), "text"),
    ] {
        let error = call_outside(&registry, "mail.send", input.clone()).await.unwrap_err();
        assert!(
            matches!(&error, ActionError::Permanent(text) if text.contains(why)),
            "{input}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_mail_may_be_so_long_and_go_to_so_many_and_not_more() {
    let registry = Installation::new().registry();
    let mail = |people: usize, bytes: usize| {
        let to: Vec<String> = (0..people).map(|n| format!("p{n}@example.org")).collect();
        json!({"to": to, "subject": "x", "text": "t".repeat(bytes)})
    };
    call_outside(&registry, "mail.send", mail(MAX_RECIPIENTS, MAX_TEXT_BYTES))
        .await
        .unwrap();
    for (input, why) in [
        (mail(MAX_RECIPIENTS + 1, 1), "to: "),
        (mail(1, MAX_TEXT_BYTES + 1), "text: "),
    ] {
        let error = call_outside(&registry, "mail.send", input).await.unwrap_err();
        assert!(
            matches!(&error, ActionError::Permanent(text) if text.starts_with(why)),
            "{error:?}"
        );
    }
}
