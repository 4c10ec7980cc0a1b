//! Reading in a process of its own: `gatefold read`, which is not for people.

use super::{MAX_FILE_BYTES, MAX_HEADER_BYTES, MAX_TEXT_BYTES, MAX_TIME, Reading, Why};
use crate::base::file_type::Readable;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout};

/// Most memory that a process may take which reads a file, in bytes, where the system can be told.
pub const MAX_MEMORY: u64 = 512 << 20;
/// What a reader finds in its environment, and nothing else: its allocator shall take memory in small portions, as what it
/// reserves counts as taken (<https://microsoft.github.io/mimalloc/environment.html>; the first portion is 1 GiB otherwise).
pub const ENVIRONMENT: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "32MiB");
/// Longest answer, in bytes: a character takes six at most as JSON writes it.
const MAX_ANSWER_BYTES: u64 = 6 * (MAX_TEXT_BYTES + MAX_HEADER_BYTES) as u64 + 4_096;

/// The words of the command line.
const KINDS: [(&str, Readable); 3] = [
    ("pdf", Readable::Pdf),
    ("table", Readable::Table),
    ("plain", Readable::Plain),
];

/// Runs `program` on these bytes and waits for it. Call this on a thread that may block.
pub(super) fn read(program: &Path, bytes: Vec<u8>, kind: Readable) -> io::Result<Reading> {
    let word = KINDS
        .iter()
        .find(|(_, known)| *known == kind)
        .map_or("", |(word, _)| word);
    let mut reader = Command::new(program);
    reader.args(["read", word]);
    hear(reader, bytes, MAX_TIME)
}

/// Runs a reader on these bytes for at most `most`. Uses its own clock, which runs even while the
/// clock of a rehearsal stands still.
fn hear(reader: Command, bytes: Vec<u8>, most: Duration) -> io::Result<Reading> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut process = tokio::process::Command::from(reader)
            .env_clear()
            .envs([ENVIRONMENT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut stdin = process.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let give = async move {
            // a reader may stop before the end
            let _ = stdin.write_all(&bytes).await;
            drop(stdin);
        };
        let both = async { tokio::join!(give, to_the_end(&mut process, stdout)).1 };
        let ended = tokio::time::timeout(most, both).await;
        let Ok(ended) = ended else {
            process.kill().await?;
            return Ok(Why::TooSlow.into());
        };
        let (status, said) = ended?;
        Ok(if status.success() {
            serde_json::from_slice(&said).unwrap_or_else(|_| Why::Damaged.into())
        } else {
            Why::Damaged.into()
        })
    })
}

/// How a process ended, and what it had said. One that has said everything need not have ended.
async fn to_the_end(process: &mut Child, stdout: ChildStdout) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut said = Vec::new();
    stdout.take(MAX_ANSWER_BYTES).read_to_end(&mut said).await?;
    Ok((process.wait().await?, said))
}

/// Reads a file of this kind from `bytes` and writes what stands in it: what the process does that
/// was started for it.
///
/// # Errors
/// Where the kind is none, or the bytes cannot be read, or what stands in them not written; where the process has taken
/// more memory already than it may.
pub fn answer(kind: &str, bytes: impl Read, mut to: impl Write) -> io::Result<()> {
    take_little()?;
    let kind = KINDS.iter().find(|(word, _)| *word == kind).map(|(_, kind)| *kind);
    let kind = kind.ok_or(io::ErrorKind::InvalidInput)?;
    let mut read = Vec::new();
    bytes.take(MAX_FILE_BYTES + 1).read_to_end(&mut read)?;
    let reading = if read.len() as u64 > MAX_FILE_BYTES {
        Why::TooLarge.into()
    } else {
        super::read(kind, read)
    };
    to.write_all(&serde_json::to_vec(&reading)?)
}

/// Takes no more memory and time from now on than reading a file may.
#[cfg(unix)]
fn take_little() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = |what: Resource, most: u64| {
        // whoever started the server may have bounded it more already, which cannot be taken back
        let most = getrlimit(what).maximum.map_or(most, |maximum| maximum.min(most));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(what, limit)
    };
    // Not every system knows the first; the last ends what nobody waits for any more.
    match limit(Resource::As, MAX_MEMORY) {
        Err(error) if cfg!(target_os = "linux") => return Err(error.into()),
        _ => {}
    }
    limit(Resource::Core, 0)?;
    limit(Resource::Cpu, MAX_TIME.as_secs())?;
    if taken()? < MAX_MEMORY {
        Ok(())
    } else {
        let (name, value) = ENVIRONMENT;
        let why = format!("too much memory is taken already to bound it: begin with {name}={value}");
        Err(io::Error::new(io::ErrorKind::OutOfMemory, why))
    }
}

/// Memory that this process has taken, in bytes, be it only to have it.
#[cfg(target_os = "linux")]
fn taken() -> io::Result<u64> {
    let sizes = std::fs::read_to_string("/proc/self/statm")?;
    let pages = sizes
        .split_whitespace()
        .next()
        .and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or(io::ErrorKind::InvalidData)?;
    Ok(pages.saturating_mul(rustix::param::page_size() as u64))
}

/// Where the system does not say, nothing is known to be taken.
#[cfg(all(unix, not(target_os = "linux")))]
#[expect(clippy::unnecessary_wraps, reason = "the other one may fail")]
fn taken() -> io::Result<u64> {
    Ok(0)
}

/// Where the system cannot be told so, the limits of the reader are all there are.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other one may fail")]
fn take_little() -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::host::reading::Why;

    /// What comes of a reader that does this.
    fn read_by(script: &str, most: Duration) -> io::Result<Reading> {
        let mut reader = Command::new("/bin/sh");
        reader.args(["-c", script]);
        hear(reader, Vec::new(), most)
    }

    #[test]
    fn a_reader_is_heard_only_where_it_ends_well_and_in_time() {
        let text = Reading {
            text: Some("words".to_owned()),
            ..Reading::default()
        };
        let said = r#"printf '{"text":"words"}'"#;
        assert_eq!(read_by(said, MAX_TIME).unwrap(), text);
        assert_eq!(
            read_by(&format!("{said}; exit 1"), MAX_TIME).unwrap(),
            Why::Damaged.into()
        );
        assert_eq!(read_by("kill -9 $$", MAX_TIME).unwrap(), Why::Damaged.into());
        assert_eq!(read_by("echo nonsense", MAX_TIME).unwrap(), Why::Damaged.into());
        // one that has said everything and does not end is as late as one that says nothing
        for late in ["exec cat /dev/zero >/dev/null", "exec sleep 1000"] {
            let most = Duration::from_millis(200);
            assert_eq!(read_by(&format!("{said}; {late}"), most).unwrap(), Why::TooSlow.into());
        }
        assert!(
            read_by("exit 0", MAX_TIME).unwrap().why.is_some(),
            "silence is no answer"
        );
    }

    #[test]
    fn a_reader_has_nothing_of_the_server() {
        let reading = read_by(r#"printf '{"text":"%s"}' "$HOME$CARGO_MANIFEST_DIR""#, MAX_TIME).unwrap();
        assert_eq!(reading.text.as_deref(), Some(""));
    }

    #[test]
    fn a_reader_that_is_not_there_is_no_fault_of_the_file() {
        assert!(read(Path::new("/nowhere/gatefold"), Vec::new(), Readable::Pdf).is_err());
    }
}
