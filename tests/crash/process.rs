//! A server as a process of its own, on a folder of its own.

use gatefold::base::Timestamp;
use gatefold::cli::client::Client;
use gatefold::config::tokens;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Longest time to become ready.
const READY_TIME_MAX: Duration = Duration::from_mins(1);

/// A running server. Dropping it kills it.
pub struct Server {
    /// The process.
    pub child: Child,
    /// Where it answers.
    pub url: String,
    /// What it said of how long it took to be ready, in milliseconds.
    pub ready_ms: u64,
}

/// Writes people, calendars and a token for each of `users` into a data folder.
pub fn furnish(data: &Path, users: &[&str]) -> Vec<String> {
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("definitions");
    fs::create_dir_all(data.join("calendars")).expect("the folder can be made");
    for file in ["people.yaml", "calendars/corporate.yaml"] {
        fs::copy(definitions.join(file), data.join(file)).expect("the example is there");
    }
    fs::write(data.join("gatefold.toml"), "").expect("it can be written");
    let mut made = Vec::new();
    for user in users {
        let (token, line) = tokens::new_token(user, None, Timestamp::now());
        tokens::append(&data.join("tokens.yaml"), &line).expect("it can be written");
        made.push(token);
    }
    made
}

impl Server {
    /// Starts it; `None` if it died before it was ready, as an armed fault point may have it.
    pub fn start(data: &Path, fault: Option<&str>) -> Option<Self> {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_gatefold")), data, fault)
    }

    /// Starts it with a file size limit (`ulimit -f`) of `blocks` blocks of 512 bytes.
    pub fn start_with_small_files(data: &Path, blocks: u64) -> Self {
        let mut shell = Command::new("/bin/sh");
        let limited = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited, env!("CARGO_BIN_EXE_gatefold")]);
        Self::start_by(shell, data, None).expect("a server without a fault becomes ready")
    }

    fn start_by(mut command: Command, data: &Path, fault: Option<&str>) -> Option<Self> {
        command
            .arg("--config")
            .arg(data.join("gatefold.toml"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("GATEFOLD_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let Some(fault) = fault {
            command.env("GATEFOLD_FAULT", fault);
        }
        let mut child = command.spawn().expect("the binary starts");
        let lines = lines_of(&mut child);
        loop {
            match lines.recv_timeout(READY_TIME_MAX) {
                Ok(line) => {
                    if let Some((url, ready_ms)) = announced(&line) {
                        return Some(Self { child, url, ready_ms });
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = child.wait();
                    return None;
                }
                Err(RecvTimeoutError::Timeout) => panic!("the server is not ready after {READY_TIME_MAX:?}"),
            }
        }
    }

    /// Starts it without a fault.
    pub fn start_sound(data: &Path) -> Self {
        Self::start(data, None).expect("a server without a fault becomes ready")
    }

    /// A caller.
    pub fn client(&self, token: &str) -> Client {
        Client::new(&self.url, Some(token))
    }

    /// Whether the process is gone.
    pub fn is_dead(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Waits until the process is gone.
    pub fn wait_until_dead(&mut self) {
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL: the process gets no chance to tidy up.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines of stderr as they come; the pipe is read to its end, so that it never fills.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

/// Address and milliseconds of the line that tells that the server is ready.
fn announced(line: &str) -> Option<(String, u64)> {
    let rest = line.strip_prefix("gatefold serves ")?;
    let url = rest.split(' ').next()?.to_owned();
    let ready_ms = rest.split("ready after ").nth(1)?.split(' ').next()?.parse().ok()?;
    Some((url, ready_ms))
}
