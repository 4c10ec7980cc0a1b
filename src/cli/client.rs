//! A caller of the API, as any program with a token is one.

use super::exit::Failure;
use super::output;
use crate::base::Value;
use crate::engine::EventRecord;
use futures_util::{Stream, StreamExt};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Header that makes a request count once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server answered that it will not.
    #[error("{}", explained(*status, problem))]
    Refused {
        /// The status.
        status: StatusCode,
        /// The problem document, or what came instead.
        problem: Value,
    },
    /// There was no answer, or half of one.
    #[error("{server} does not answer: {why}")]
    Unreachable {
        /// The server.
        server: String,
        /// Why.
        why: String,
    },
    /// There was an answer, and it cannot be read.
    #[error("{server} answers what cannot be read; is it newer than this program? {why}")]
    Unreadable {
        /// The server.
        server: String,
        /// Why.
        why: String,
    },
    /// A file of this side.
    #[error("{0}")]
    Local(String),
}

/// The sentence of a problem document.
fn explained(status: StatusCode, problem: &Value) -> String {
    let sentence = problem["detail"].as_str().or_else(|| problem["title"].as_str());
    let mut text = sentence.map_or_else(|| format!("the server answered {status}"), str::to_owned);
    for finding in problem["findings"].as_array().into_iter().flatten() {
        let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!(
            "\n  line {}: {} [{}]",
            finding["span"]["line"],
            word("message"),
            word("code")
        ));
    }
    text
}

impl CallError {
    /// The status that the server refused with.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        match error {
            CallError::Refused { status, .. } if status.is_server_error() => Self::Environment(message),
            CallError::Refused {
                status: StatusCode::UNAUTHORIZED,
                ..
            } => Self::Usage(format!("{message}; give a token with --token or GATEFOLD_TOKEN")),
            CallError::Refused { .. } => Self::Negative(message),
            CallError::Unreachable { .. } | CallError::Unreadable { .. } => Self::Environment(message),
            CallError::Local(_) => Self::Usage(message),
        }
    }
}

/// What a call gives.
pub type Answer<T = Value> = Result<T, CallError>;

/// Calls one server as one person, or as nobody.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    server: String,
    token: Option<String>,
}

impl Client {
    /// For the server at `server`, as `http://127.0.0.1:8080`.
    pub fn new(server: &str, token: Option<&str>) -> Self {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("gatefold/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("the settings of the client fit together");
        Self {
            http,
            server: server.trim_end_matches('/').to_owned(),
            token: token.map(str::to_owned),
        }
    }

    /// The same server for somebody else.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same server for somebody without a token.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.server)
        };
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> CallError {
        let mut why = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            why = inner.to_string();
            source = inner.source();
        }
        CallError::Unreachable {
            server: self.server.clone(),
            why,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Answer<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let problem = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Err(CallError::Refused { status, problem })
    }

    async fn data(&self, request: RequestBuilder) -> Answer {
        let response = self.send(request).await?;
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Asks for data.
    pub async fn get(&self, path: &str) -> Answer {
        self.data(self.request(Method::GET, path)).await
    }

    /// All entries of a list, page by page; `cursor` is what says where the next one begins.
    pub async fn all(&self, path: &str, cursor: &str) -> Answer<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut from = String::new();
        loop {
            let mut page = self.get(&format!("{path}{from}")).await?;
            items.append(page["items"].as_array_mut().unwrap_or(&mut Vec::new()));
            match page["next"].as_str() {
                Some(next) => from = format!("{joint}{cursor}={}", escaped(next)),
                None => return Ok(items),
            }
        }
    }

    /// Sends data, gets data.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.data(self.request(Method::POST, path).json(body)).await
    }

    /// Asks for bytes.
    pub async fn download(&self, path: &str) -> Answer<Vec<u8>> {
        let response = self.send(self.request(Method::GET, path)).await?;
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        Ok(bytes.to_vec())
    }

    /// Writes bytes to `out` as they come.
    pub async fn pour(&self, path: &str, out: &mut impl Write) -> Result<(), Failure> {
        let response = self.send(self.request(Method::GET, path)).await?;
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| self.unreachable(&error))?;
            out.write_all(&piece).map_err(output::broken)?;
        }
        out.flush().map_err(output::broken)
    }

    /// Writes bytes to a new file, piece by piece; a file that is there already is left alone.
    pub async fn save(&self, path: &str, file: &Path) -> Answer<()> {
        let failed = |error: std::io::Error| CallError::Local(format!("{} cannot be written: {error}", file.display()));
        let response = self.send(self.request(Method::GET, path)).await?;
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut incoming = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| self.unreachable(&error))?;
            incoming.write_all(&piece).map_err(failed)?;
        }
        incoming.persist_noclobber(file).map_err(|error| match error.error {
            error if error.kind() == std::io::ErrorKind::AlreadyExists => CallError::Local(format!(
                "{} is there already and is left as it is: name another file with --output, or move it away",
                file.display()
            )),
            error => failed(error),
        })?;
        Ok(())
    }

    /// Sends bytes.
    pub async fn upload(&self, method: Method, path: &str, bytes: Vec<u8>) -> Answer {
        let request = self
            .request(method, path)
            .header("content-type", "application/octet-stream")
            .body(bytes);
        self.data(request).await
    }

    /// Deploys a flow.
    pub async fn deploy(&self, name: &str, source: &str) -> Answer {
        let path = format!("/api/v1/flows?name={}", escaped(name));
        let request = self
            .request(Method::POST, &path)
            .header("content-type", "application/yaml")
            .body(source.to_owned());
        self.data(request).await
    }

    /// Starts a run; gives its id.
    pub async fn start(&self, flow: &str, inputs: &Value, once: Option<&str>) -> Answer<String> {
        let path = format!("/api/v1/flows/{}/runs", escaped(flow));
        let mut request = self
            .request(Method::POST, &path)
            .json(&serde_json::json!({ "inputs": inputs }));
        if let Some(key) = once {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let started = self.data(request).await?;
        Ok(started["run"].as_str().unwrap_or_default().to_owned())
    }

    /// One run with its steps.
    pub async fn run(&self, run: &str) -> Answer {
        self.get(&format!("/api/v1/runs/{}", escaped(run))).await
    }

    /// The journal of a run after a position.
    pub async fn journal(&self, run: &str, after: u64) -> Answer<Vec<EventRecord>> {
        let mut records: Vec<EventRecord> = Vec::new();
        loop {
            let after = records.last().map_or(after, |record| record.seq);
            let page = self
                .get(&format!("/api/v1/runs/{}/journal?after={after}", escaped(run)))
                .await?;
            let items = page["items"].as_array().cloned().unwrap_or_default();
            if items.is_empty() {
                return Ok(records);
            }
            for item in items {
                records.push(self.record(item)?);
            }
        }
    }

    fn record(&self, line: Value) -> Answer<EventRecord> {
        serde_json::from_value(line).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &serde_json::Error) -> CallError {
        CallError::Unreadable {
            server: self.server.clone(),
            why: format!("a line of the journal: {error}"),
        }
    }

    /// The events of a run after a position, then those that happen, until the run ends or the
    /// connection does.
    pub async fn watch(&self, run: &str, after: u64) -> Answer<impl Stream<Item = Answer<EventRecord>> + use<>> {
        let path = format!("/api/v1/runs/{}/events", escaped(run));
        let request = self
            .request(Method::GET, &path)
            .header("accept", "text/event-stream")
            .header("last-event-id", after.to_string());
        let response = self.send(request).await?;
        let this = self.clone();
        let mut lines = EventLines::default();
        let chunks = response.bytes_stream().map(move |chunk| match chunk {
            Ok(bytes) => lines
                .take(&bytes)
                .into_iter()
                .map(|data| match serde_json::from_str(&data) {
                    Ok(line) => this.record(line),
                    Err(error) => Err(this.unreadable(&error)),
                })
                .collect::<Vec<_>>(),
            Err(error) => vec![Err(this.unreachable(&error))],
        });
        Ok(chunks.flat_map(futures_util::stream::iter))
    }

    /// Puts a file of this machine into a folder of the file space; gives the document. With a key, a
    /// repeat gives the document of the first time.
    pub async fn put_file(&self, folder: &str, file: &Path, once: Option<&str>) -> Answer {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = tokio::fs::File::open(file)
            .await
            .map_err(|error| CallError::Local(format!("{} cannot be read: {error}", file.display())))?;
        let stream = tokio_util::io::ReaderStream::new(bytes);
        let mut request = self.request(Method::POST, &file_path(folder, &name));
        if let Some(key) = once {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        self.data(request.body(reqwest::Body::wrap_stream(stream))).await
    }
}

/// Where files are put.
pub fn file_path(folder: &str, name: &str) -> String {
    format!("/api/v1/files?folder={}&name={}", escaped(folder), escaped(name))
}

/// Everything but letters, digits and `-._~` as `%XX`.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Data of server-sent events, put together from chunks that break anywhere.
#[derive(Default)]
struct EventLines {
    rest: Vec<u8>,
    data: String,
}

impl EventLines {
    /// The data of every event that is complete with `bytes`.
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let mut complete = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.trim_start());
            } else if line.is_empty() && !self.data.is_empty() {
                complete.push(std::mem::take(&mut self.data));
            }
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::{EventLines, escaped};

    #[test]
    fn events_are_whole_wherever_the_chunks_break() {
        let text = "id: 1\ndata: {\"a\":\"é\"}\n\n: still there\n\ndata: {\"b\":2}\r\n\r\n";
        for at in 0..text.len() {
            let mut lines = EventLines::default();
            let mut found = lines.take(&text.as_bytes()[..at]);
            found.extend(lines.take(&text.as_bytes()[at..]));
            assert_eq!(found, ["{\"a\":\"é\"}", "{\"b\":2}"], "broken at {at}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_an_address() {
        assert_eq!(escaped("a b/../ü?&"), "a%20b%2F..%2F%C3%BC%3F%26");
    }
}
