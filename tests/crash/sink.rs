//! A mail server that takes everything and keeps it in the order in which it came: a ledger in which a
//! mail that was sent twice stands twice. It outlives the process under test.

use mailin::{Action, Handler, Response, SessionBuilder, response};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

/// What came in.
type Ledger = Arc<Mutex<Vec<String>>>;

/// A mail server on a port of its own. Dropping it stops it.
pub struct Sink {
    address: SocketAddr,
    ledger: Ledger,
    _serving: AbortOnDropHandle<()>,
}

#[derive(Clone)]
struct Mailbox {
    open: String,
    ledger: Ledger,
}

impl Handler for Mailbox {
    fn data_start(&mut self, _: &str, _: &str, _: bool, _: &[String]) -> Response {
        self.open.clear();
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.open.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mail = std::mem::take(&mut self.open);
        self.ledger.lock().expect("nobody panics with it").push(mail);
        response::OK
    }
}

impl Sink {
    /// Starts it in the runtime that this is called in.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let ledger = Ledger::default();
        let mailbox = Mailbox {
            open: String::new(),
            ledger: Arc::clone(&ledger),
        };
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, mailbox.clone()));
            }
        });
        Self {
            address,
            ledger,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// The configuration of a server that sends its mails here.
    pub fn config(&self) -> String {
        format!("[mail]\nsmtp = \"smtp://{}?tls=none\"\n", self.address)
    }

    /// Every mail that came, in order, without those that call for a person where something is in doubt.
    pub fn mails(&self) -> Vec<Mail> {
        let ledger = self.ledger.lock().expect("nobody panics with it");
        let mails = ledger.iter().map(|text| Mail { text: text.clone() });
        mails
            .filter(|mail| !mail.subject().starts_with("A run needs a person"))
            .collect()
    }
}

/// One conversation. Ends when either side hangs up.
async fn serve(stream: TcpStream, mailbox: Mailbox) -> std::io::Result<()> {
    let mut session = SessionBuilder::new("mail.example.com").build(IpAddr::V4(Ipv4Addr::LOCALHOST), mailbox);
    let mut stream = BufReader::new(stream);
    answer(&mut stream, &session.greeting()).await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let reply = session.process(&line);
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

/// A mail as it arrived.
pub struct Mail {
    text: String,
}

impl Mail {
    fn head(&self, name: &str) -> &str {
        let line = self.text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim()
    }

    /// To whom.
    pub fn to(&self) -> &str {
        self.head("To:")
    }

    /// What about.
    pub fn subject(&self) -> &str {
        self.head("Subject:")
    }

    /// The id that the sender knows it by.
    pub fn id(&self) -> &str {
        let id = self.head("Message-ID:").trim_matches(['<', '>']);
        id.split('@').next().unwrap_or_default()
    }

    /// The token of the link in it.
    pub fn link_token(&self) -> Option<String> {
        let text = self.text.replace("=\r\n", "");
        let token = text.split("/s/").nth(1)?;
        Some(token.chars().take_while(char::is_ascii_hexdigit).collect())
    }
}
