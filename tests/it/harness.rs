//! A whole installation in one process: host, real connectors, people with tokens, router. Tests
//! speak to it as HTTP clients do.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use gatefold::base::id::{FileId, GrantId, RunId, ShareId, WorkspaceId};
use gatefold::base::{Calendar, Calendars, FileRef, Timestamp, Value};
use gatefold::config::{Accounts, tokens};
use gatefold::connect::{ActionError, Links, Mailer, OutgoingMail, passwords};
use gatefold::connectors;
use gatefold::host::reading::{Reader, Where};
use gatefold::host::{Clock, Host, Limits, Parts, Policy, Secrets};
use gatefold::server::connections::Room;
use gatefold::server::flight::Most;
use gatefold::server::remote::Remote;
use gatefold::server::{Server, Settings};
use gatefold::space::{Follow, Grant, Principal, Role, Share, SharedVersion, State, Workspace};
use gatefold::store::memory::MemoryStore;
use gatefold::store::{Blobs, Store, UnitOfWork, Write};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Largest upload of the installation, in bytes.
pub const UPLOAD_BYTES: u64 = 1 << 20;
/// Largest other request, in bytes.
pub const BODY_BYTES: usize = 64 << 10;
/// The secret `HOOK_SECRET`.
pub const HOOK_SECRET: &str = "hook secret of the tests";

/// The secret `ERP_TOKEN`.
pub const ERP_TOKEN: &str = "sekret-erp-value-4711";

/// Who there is: one person a role of the product, two lawyers, and one without any role.
const PEOPLE: &str = "users:
  admin: { name: Admin, email: admin@example.com, roles: [admin] }
  author: { name: Author, email: author@example.com, roles: [author] }
  operator: { name: Operator, email: operator@example.com, roles: [operator] }
  anna: { name: Anna, email: anna@example.com, roles: [legal] }
  ben: { name: Ben, email: ben@example.com, roles: [legal] }
  nobody: { name: Nobody, email: nobody@example.com }
";

/// Tokio's clock, from the moment at which every test begins.
fn tests_clock() -> Clock {
    Clock::tokio_from("2026-11-23T09:00:00Z".parse().unwrap())
}

/// An installation.
pub struct Harness {
    pub host: Arc<Host>,
    pub store: Arc<dyn Store>,
    pub server: Arc<Server>,
    pub router: Router,
    pub links: Links,
    pub mails: Arc<Mutex<Vec<OutgoingMail>>>,
    pub data: tempfile::TempDir,
    pub stop: CancellationToken,
    tokens: BTreeMap<String, String>,
}

/// A share with one file and one link.
#[derive(Clone, Debug)]
pub struct Link {
    pub token: String,
    pub share: ShareId,
    pub grant: GrantId,
    pub file: FileId,
    pub sha256: String,
}

impl Link {
    /// The path of the link, followed by `rest`.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/links/{}{rest}", self.token)
    }

    /// The path of its file.
    pub fn file_path(&self) -> String {
        self.path(&format!("/files/{}", self.file))
    }
}

impl Harness {
    /// Takes up what is stored, with people as they are.
    async fn recover(&self) {
        self.host.recover().await.unwrap();
        self.host.note_followed(self.host.directory());
    }

    /// An installation over a store in memory, under tokio's clock, recovered and serving.
    pub async fn new() -> Self {
        let harness = Self::not_recovered(Arc::new(MemoryStore::default()));
        harness.recover().await;
        tokio::spawn(Arc::clone(&harness.host).serve(harness.stop.clone(), Duration::from_secs(1)));
        harness
    }

    /// An installation over `store` that has recovered, without its background work: events, mails
    /// and timers stay where they are recorded.
    pub async fn at_rest(store: Arc<dyn Store>) -> Self {
        let harness = Self::not_recovered(store);
        harness.recover().await;
        harness
    }

    /// An installation as an administrator finds it who has set nothing: risky deployments wait.
    pub async fn careful() -> Self {
        Self::with_policy(Policy::default()).await
    }

    /// An installation with this policy, recovered and serving.
    pub async fn with_policy(policy: Policy) -> Self {
        let harness = Self::put_together(Arc::new(MemoryStore::default()), policy, tests_clock());
        harness.recover().await;
        tokio::spawn(Arc::clone(&harness.host).serve(harness.stop.clone(), Duration::from_secs(1)));
        harness
    }

    /// An installation over `store` that has not recovered yet.
    pub fn not_recovered(store: Arc<dyn Store>) -> Self {
        Self::put_together(store, Policy::open(), tests_clock())
    }

    /// An installation over `store` and under a clock of its own, recovered and serving.
    pub async fn under(store: Arc<dyn Store>, clock: Clock) -> Self {
        let harness = Self::put_together(store, Policy::open(), clock);
        harness.recover().await;
        tokio::spawn(Arc::clone(&harness.host).serve(harness.stop.clone(), Duration::from_secs(1)));
        harness
    }

    fn put_together(store: Arc<dyn Store>, policy: Policy, clock: Clock) -> Self {
        let data = tempfile::tempdir().unwrap();
        let people = data.path().join("people.yaml");
        std::fs::write(&people, PEOPLE).unwrap();
        let tokens = issue_tokens(data.path());
        let accounts = Arc::new(Accounts::open(&people).unwrap());
        let mails = Arc::default();
        let links = Links::new([7; 32], "http://gatefold.test");
        let blobs = Blobs::open(data.path().join("blobs")).unwrap();
        let mailer: Arc<dyn Mailer> = Arc::new(Postbox(Arc::clone(&mails)));
        let registry = connectors::registry(&connectors::Settings {
            http: connectors::http::HttpSettings::default(),
            mailer: Arc::clone(&mailer),
            directory: accounts.directory(),
            links: links.clone(),
            blobs: blobs.clone(),
        });
        let host = Host::new(Parts {
            store: Arc::clone(&store),
            blobs,
            // as an installation does: by the program itself, in a process of its own
            reader: Reader::new(Where::Apart(env!("CARGO_BIN_EXE_gatefold").into())),
            registry,
            mailer,
            links: links.clone(),
            directory: accounts.directory(),
            calendars: Calendars::from([("madrid".to_owned(), madrid())]),
            secrets: Secrets::from([
                ("HOOK_SECRET".to_owned(), SecretString::from(HOOK_SECRET)),
                ("ERP_TOKEN".to_owned(), SecretString::from(ERP_TOKEN)),
            ]),
            clock,
            seed: None,
            limits: Limits {
                upload_bytes: UPLOAD_BYTES,
                ..Limits::default()
            },
            policy,
        });
        let settings = Settings {
            upload_bytes: UPLOAD_BYTES,
            body_bytes: BODY_BYTES,
            request_timeout: Duration::from_secs(30),
            room: Room {
                all: 16,
                per_address: 16,
            },
            most: Most {
                per_address: 256,
                per_person: 64,
                streams_per_person: 16,
                per_link: 32,
                body_memory_bytes: 8 << 20,
            },
            trusted_proxies: Vec::new(),
            metrics_public: false,
            behind_tls: false,
        };
        let stop = CancellationToken::new();
        let server = Server::new(Arc::clone(&host), accounts, settings, stop.clone());
        Self {
            router: server.router(),
            host,
            store,
            server,
            links,
            mails,
            data,
            stop,
            tokens,
        }
    }

    /// The API token of a person.
    pub fn token(&self, user: &str) -> &str {
        &self.tokens[user]
    }

    /// Makes another token, as the command line does.
    pub fn issue(&self, user: &str, change: impl FnOnce(&mut tokens::TokenLine)) -> (String, tokens::TokenLine) {
        let (token, mut line) = tokens::new_token(user, Some("of a test"), Timestamp::UNIX_EPOCH);
        change(&mut line);
        self.write_token(&line);
        (token, line)
    }

    /// Adds a line to the file with the tokens, which is read again.
    pub fn write_token(&self, line: &tokens::TokenLine) {
        let file = self.data.path().join("tokens.yaml");
        let mut lines = tokens::read(&file).unwrap();
        lines.push(line.clone());
        std::fs::write(&file, serde_json::to_string(&lines).unwrap()).unwrap();
        self.server.accounts.refresh_now();
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    /// A POST without a body so far.
    pub fn post(&self, path: &str) -> Ask {
        self.ask(Method::POST, path)
    }

    /// Any request.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        Ask {
            router: self.router.clone(),
            tokens: self.tokens.clone(),
            request: Request::builder().method(method).uri(path),
            body: Body::empty(),
        }
    }

    /// Deploys a flow as the author does.
    pub async fn deploy(&self, yaml: &str) {
        let answer = self
            .post("/api/v1/flows")
            .by("author")
            .text(yaml.to_owned())
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }

    /// Starts a run as the operator does.
    pub async fn begin(&self, flow: &str, inputs: Value) -> RunId {
        let path = format!("/api/v1/flows/{flow}/runs");
        let body = serde_json::json!({ "inputs": inputs });
        let answer = self.post(&path).by("operator").json(&body).send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        RunId(answer.json()["run"].as_str().unwrap().to_owned())
    }

    /// Puts a file as the operator does.
    pub async fn put(&self, name: &str, bytes: impl Into<Bytes>) -> FileRef {
        let bytes = bytes.into();
        self.host
            .put_file("user:operator", "/in", name, bytes.as_ref())
            .await
            .unwrap()
    }

    /// A share of a file of its own with somebody outside, for thirty days.
    pub async fn share(&self, role: Role) -> Link {
        self.share_of(role, b"the contract".as_slice(), None).await
    }

    /// A share of a file with these bytes, perhaps behind a password.
    pub async fn share_of(&self, role: Role, bytes: impl Into<Bytes>, password: Option<&str>) -> Link {
        let number = self.store.access_log(None, 0, usize::MAX).await.unwrap().len();
        let document = self.put(&format!("contract-{number}.pdf"), bytes).await;
        let (share, grant) = (ShareId(format!("shr_{number}")), GrantId(format!("grt_{number}")));
        let now = self.host.now();
        let token = self.links.token(&grant);
        let password_hash = match password {
            Some(password) => Some(passwords::hash(password.to_owned()).await.unwrap()),
            None => None,
        };
        let writes = vec![
            Write::PutShare(Share {
                id: share.clone(),
                name: "Review".to_owned(),
                workspace: WorkspaceId::from(Workspace::MAIN),
                folder: format!("/reviews/{number}"),
                files: vec![SharedVersion {
                    file: FileId(document.id.clone()),
                    version: document.version,
                }],
                follow: Follow::Exact,
                expires_at: days_after(now, 30),
                state: State::Live,
                downloaded: Vec::new(),
                has_ended_with_run: false,
                created_by: "user:operator".to_owned(),
                created_at: now,
                run: None,
                request: None,
                rev: 0,
            }),
            Write::PutGrant(Grant {
                id: grant.clone(),
                share: share.clone(),
                to: Principal::Email("rita@outside.example".to_owned()),
                through: None,
                role,
                token_hash: Links::hash(&token),
                password_hash,
                failed_passwords: 0,
                codes: None,
                expires_at: None,
                state: State::Live,
                created_at: now,
                opened_at: None,
                withdrawn: None,
                revocation: None,
                announced: None,
                rev: 0,
            }),
        ];
        self.commit(writes).await;
        Link {
            token,
            share,
            grant,
            file: FileId(document.id),
            sha256: document.sha256,
        }
    }

    /// Ends a share as `revoke_share` does.
    pub async fn revoke(&self, link: &Link) {
        let mut share = self.store.share(&link.share).await.unwrap().unwrap();
        share.state = State::Revoked;
        self.commit(vec![Write::PutShare(share)]).await;
    }

    /// Writes into the store past everything.
    pub async fn commit(&self, writes: Vec<Write>) {
        self.store.commit(UnitOfWork { run: None, writes }).await.unwrap();
    }

    /// Lines of the access log.
    pub async fn access_lines(&self) -> usize {
        self.store.access_log(None, 0, usize::MAX).await.unwrap().len()
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Working time of an office in Madrid.
fn madrid() -> Calendar {
    Calendar {
        zone: "Europe/Madrid".to_owned(),
        hours: vec!["09:00-17:00".to_owned()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        holidays: Vec::new(),
    }
}

/// So many days later.
pub fn days_after(moment: Timestamp, days: i64) -> Timestamp {
    moment + jiff::SignedDuration::from_hours(24 * days)
}

fn issue_tokens(data: &std::path::Path) -> BTreeMap<String, String> {
    let (mut issued, mut lines) = (BTreeMap::new(), Vec::new());
    for user in ["admin", "author", "operator", "anna", "ben", "nobody"] {
        let (token, line) = tokens::new_token(user, None, Timestamp::UNIX_EPOCH);
        lines.push(line);
        issued.insert(user.to_owned(), token);
    }
    std::fs::write(data.join("tokens.yaml"), serde_json::to_string(&lines).unwrap()).unwrap();
    issued
}

/// Keeps mails instead of sending them.
struct Postbox(Arc<Mutex<Vec<OutgoingMail>>>);

#[async_trait::async_trait]
impl Mailer for Postbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), ActionError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }

    fn is_idempotent(&self) -> bool {
        true
    }
}

/// A request that is being put together.
pub struct Ask {
    router: Router,
    tokens: BTreeMap<String, String>,
    request: axum::http::request::Builder,
    body: Body,
}

impl Ask {
    /// With the token of a person.
    pub fn by(self, user: &str) -> Self {
        let value = format!("Bearer {}", self.tokens[user]);
        self.header("authorization", value)
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request = self.request.header(name, value.as_ref());
        self
    }

    /// Over a connection from this address.
    pub fn from(mut self, address: &str) -> Self {
        self.request = self.request.extension(Remote(address.parse().unwrap()));
        self
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// With a text body.
    pub fn text(self, body: String) -> Self {
        self.header("content-type", "application/yaml").body(body)
    }

    /// With any body.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and gives the head of the answer; the body is still to come.
    pub async fn open(self) -> axum::response::Response {
        let request = self
            .request
            .body(self.body)
            .expect("the test writes a request that can be sent");
        self.router.oneshot(request).await.unwrap()
    }

    /// Sends it and waits for the whole answer.
    pub async fn send(self) -> Answer {
        let (parts, body) = self.open().await.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX)
                .await
                .map_err(|error| error.to_string()),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// An error where the answer broke off.
    pub body: Result<Bytes, String>,
}

impl Answer {
    /// The body.
    pub fn bytes(&self) -> &Bytes {
        self.body.as_ref().expect("the answer is whole")
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).expect("the answer is text")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.bytes()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The header's value.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("headers are plain"))
    }

    /// The name of the problem, as `not-found`. Checks that it is a whole problem document.
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        for field in ["title", "detail"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {problem}"
            );
        }
        let kind = problem["type"].as_str().expect("a problem has a type");
        kind.strip_prefix("/problems/")
            .expect("types are below /problems")
            .to_owned()
    }
}
