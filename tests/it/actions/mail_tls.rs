//! Mails over TLS, sent by the program as people run it, to a server whose certificate it has to trust.

use mailin::{Action, Handler, Response, Session, SessionBuilder, response};
use serde_json::Value;
use std::io::Result;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const TELLING: &str = "flow: tells
version: 1.0.0
steps:
  - id: tell
    uses: mail.send
    with: { to: [rosa@example.com], subject: Hello, text: How are you? }
    outcomes: { failed: { end: not_sent } }
";
const PEOPLE: &str = "users:\n  dora: { name: Dora, email: dora@example.com, roles: [author, operator] }\n";

/// Whom each mail went to, and whether it came over TLS.
type Arrived = Arc<Mutex<Vec<(String, bool)>>>;

#[derive(Clone, Default)]
struct Mailbox {
    is_private: Arc<AtomicBool>,
    arrived: Arrived,
}

impl Handler for Mailbox {
    fn rcpt(&mut self, to: &str) -> Response {
        let is_private = self.is_private.load(Ordering::Relaxed);
        self.arrived.lock().unwrap().push((to.to_owned(), is_private));
        response::OK
    }
}

fn certificates(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(file)
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(certificates("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificates("localhost.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// A mail server for `localhost`; with TLS from the first byte, or offering STARTTLS.
async fn server(at_once: bool) -> (u16, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tls, arrived) = (acceptor(), Arrived::default());
    let told = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mailbox = Mailbox {
                arrived: Arc::clone(&told),
                ..Mailbox::default()
            };
            tokio::spawn(serve(stream, tls.clone(), at_once, mailbox));
        }
    });
    (port, arrived)
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, at_once: bool, mailbox: Mailbox) -> Result<()> {
    let is_private = Arc::clone(&mailbox.is_private);
    let mut builder = SessionBuilder::new("localhost");
    if !at_once {
        builder.enable_start_tls();
    }
    let mut session = builder.build(IpAddr::V4(Ipv4Addr::LOCALHOST), mailbox);
    let mut stream = BufReader::new(stream);
    if !at_once {
        answer(&mut stream, &session.greeting()).await?;
        if !talk(&mut stream, &mut session).await? {
            return Ok(());
        }
    }
    let mut stream = BufReader::new(tls.accept(stream.into_inner()).await?);
    is_private.store(true, Ordering::Relaxed);
    session.tls_active();
    if at_once {
        answer(&mut stream, &session.greeting()).await?;
    }
    talk(&mut stream, &mut session).await.map(|_| ())
}

/// Answers until the other side goes, or wants TLS from here on.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    session: &mut Session<Mailbox>,
) -> Result<bool> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(false);
        }
        let reply = session.process(&line);
        if reply.action != Action::NoReply {
            answer(stream, &reply).await?;
        }
        match reply.action {
            Action::UpgradeTls => return Ok(true),
            Action::Close => return Ok(false),
            Action::NoReply | Action::Reply => {}
        }
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, reply: &Response) -> Result<()> {
    let mut bytes = Vec::new();
    reply.write_to(&mut bytes)?;
    stream.get_mut().write_all(&bytes).await?;
    stream.get_mut().flush().await
}

/// How a run ends that sends a mail to `server`, by a program that trusts whom `trusted` has signed.
async fn told(server: String, trusted: PathBuf) -> String {
    let outcome = move || {
        let folder = tempfile::tempdir().unwrap();
        let config =
            format!("people = \"people.yaml\"\n[mail]\nsmtp = \"{server}\"\nfrom = \"gatefold@example.com\"\n");
        for (name, text) in [
            ("gatefold.toml", config.as_str()),
            ("people.yaml", PEOPLE),
            ("tells.flow.yaml", TELLING),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let output = Command::new(env!("CARGO_BIN_EXE_gatefold"))
            .args(["run", "tells.flow.yaml", "--watch", "--json", "--as", "dora"])
            .current_dir(folder.path())
            .env("SSL_CERT_FILE", trusted)
            .output()
            .unwrap();
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        let view: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {talk}"));
        view["outcome"].as_str().unwrap_or_default().to_owned()
    };
    tokio::task::spawn_blocking(outcome).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_over_tls_to_a_server_that_is_trusted() {
    for (scheme, at_once) in [("smtps", true), ("smtp", false)] {
        let (port, arrived) = server(at_once).await;
        let address = format!("{scheme}://localhost:{port}");
        assert_eq!(
            told(address.clone(), certificates("ca.pem")).await,
            "completed",
            "{scheme}"
        );
        let expected = [("rosa@example.com".to_owned(), true)];
        assert_eq!(*arrived.lock().unwrap(), expected, "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_vouches_for_gets_no_mail() {
    for (scheme, at_once) in [("smtps", true), ("smtp", false)] {
        let (port, arrived) = server(at_once).await;
        let address = format!("{scheme}://localhost:{port}");
        // a certificate that has signed nothing
        let stranger = certificates("localhost.pem");
        assert_eq!(told(address, stranger).await, "not_sent", "{scheme}");
        assert_eq!(*arrived.lock().unwrap(), [], "{scheme}");
    }
}
