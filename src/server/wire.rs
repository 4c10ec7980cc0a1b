//! The socket of one connection: how far its requests were read and its answers written.
//!
//! Invariants: bytes after a request are handed to the HTTP parser only once that request is known to have ended; a
//! [`Receipt`] is given only after the socket has taken every byte that was written before it.

use super::head::{Head, HeadFault};
use bytes::BytesMut;
use std::io::Result;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;

/// Bytes that are read at once while a head is looked for.
const AHEAD_BYTES: usize = 8 << 10;

/// What to do once the socket has taken everything that was written so far.
pub type Receipt = Box<dyn FnOnce() + Send>;

/// What a connection knows of itself. Its socket, its requests and the table of connections share it.
pub struct Wire(Mutex<State>);

struct State {
    reading: Reading,
    /// Whether a request is being answered.
    is_serving: bool,
    /// Whether the answer has ended and is still to be taken by the socket.
    is_ending: bool,
    /// Whether no other request may follow.
    is_last: bool,
    idle_since: Instant,
    receipts: Vec<Receipt>,
}

/// What the next bytes belong to.
enum Reading {
    /// The head of a request.
    Head(Head),
    /// Nothing yet: the head has ended, and its request has not been looked at.
    Between(Head),
    /// The body of a request, of which so many bytes are to come.
    Body(u64),
    /// A body of unknown length; no request follows it.
    Rest,
}

impl Default for Wire {
    fn default() -> Self {
        Self(Mutex::new(State {
            reading: Reading::Head(Head::default()),
            is_serving: false,
            is_ending: false,
            is_last: false,
            idle_since: Instant::now(),
            receipts: Vec::new(),
        }))
    }
}

impl Wire {
    /// A request begins, with a body of so many bytes; of unknown length without. Gives what is wrong with its head: what
    /// was found in its bytes, or else what is `known` to be.
    pub fn begin(&self, body_length: Option<u64>, known: Option<HeadFault>) -> Option<HeadFault> {
        let mut state = self.state();
        state.is_serving = true;
        state.is_ending = false;
        let fault = match &state.reading {
            Reading::Head(head) | Reading::Between(head) => head.fault(),
            Reading::Body(_) | Reading::Rest => None,
        };
        let fault = fault.or(known);
        state.is_last |= fault.is_some() || body_length.is_none();
        state.reading = match body_length {
            _ if state.is_last => Reading::Rest,
            Some(0) | None => Reading::Head(Head::default()),
            Some(length) => Reading::Body(length),
        };
        fault
    }

    /// The answer has ended; the connection is idle once the socket has taken it.
    pub fn end(&self) {
        self.state().is_ending = true;
    }

    /// Whether no other request may follow the current one.
    pub fn is_last(&self) -> bool {
        self.state().is_last
    }

    /// Since when nothing is being answered; nothing while something is.
    pub fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (!state.is_serving).then_some(state.idle_since)
    }

    /// Has `receipt` called once the socket has taken everything that was written before it.
    pub fn after_flush(&self, receipt: Receipt) {
        self.state().receipts.push(receipt);
    }

    /// The socket has taken everything.
    fn flushed(&self) {
        let mut state = self.state();
        let receipts = std::mem::take(&mut state.receipts);
        if std::mem::take(&mut state.is_ending) {
            state.is_serving = false;
            state.idle_since = Instant::now();
        }
        drop(state);
        for receipt in receipts {
            receipt();
        }
    }

    /// How many of `bytes` may be handed on now.
    fn take(&self, bytes: &[u8]) -> usize {
        let mut state = self.state();
        let (taken, next) = match &mut state.reading {
            Reading::Head(head) => match head.read(bytes) {
                Some(end) => (end, Some(Reading::Between(std::mem::take(head)))),
                None => (bytes.len(), None),
            },
            Reading::Between(_) => (0, None),
            Reading::Body(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                (taken, (*left == 0).then(|| Reading::Head(Head::default())))
            }
            Reading::Rest => (bytes.len(), None),
        };
        if let Some(next) = next {
            state.reading = next;
        }
        taken
    }

    /// Whether so many bytes surely belong to the body that is being read.
    fn is_all_body(&self, count: usize) -> bool {
        match &self.state().reading {
            Reading::Body(left) => *left >= count as u64,
            Reading::Rest => true,
            Reading::Head(_) | Reading::Between(_) => false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that keeps its [`Wire`] up to date.
pub struct Socket<S> {
    inner: S,
    wire: Arc<Wire>,
    /// What was read and not yet handed on.
    ahead: BytesMut,
}

impl<S> Socket<S> {
    /// `socket`, whose connection is known as `wire`.
    pub fn new(socket: S, wire: Arc<Wire>) -> Self {
        Self {
            inner: socket,
            wire,
            ahead: BytesMut::new(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        if this.ahead.is_empty() {
            if this.wire.is_all_body(buffer.remaining()) {
                let before = buffer.filled().len();
                ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
                this.wire.take(&buffer.filled()[before..]);
                return Poll::Ready(Ok(()));
            }
            this.ahead.reserve(AHEAD_BYTES);
            if ready!(poll_read_buf(Pin::new(&mut this.inner), cx, &mut this.ahead))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        let offered = this.ahead.len().min(buffer.remaining());
        match this.wire.take(&this.ahead[..offered]) {
            // The request before is looked at first; whoever does that reads again.
            0 => Poll::Pending,
            taken => {
                buffer.put_slice(&this.ahead.split_to(taken));
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// The HTTP layer flushes its socket only when its own buffer is empty, so everything it was given is written then.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.wire.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const HEAD: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";

    /// What is read at once, as text.
    async fn read(socket: &mut Socket<tokio::io::DuplexStream>) -> String {
        let mut buffer = [0; 1024];
        let count = socket.read(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    #[tokio::test]
    async fn each_request_is_handed_on_after_the_one_before_it_was_looked_at() {
        let (near, mut far) = tokio::io::duplex(4096);
        let wire = Arc::new(Wire::default());
        let mut socket = Socket::new(near, Arc::clone(&wire));
        let second = "GET / HTTP/1.1\r\nHost: x\n\r\n";
        far.write_all(format!("{HEAD}abc{second}").as_bytes()).await.unwrap();
        assert_eq!(read(&mut socket).await, HEAD);
        let mut buffer = [0; 8];
        let more = futures_util::FutureExt::now_or_never(socket.read(&mut buffer));
        assert!(more.is_none(), "the body waits for its request");
        assert_eq!(wire.begin(Some(3), None), None);
        assert_eq!(read(&mut socket).await, "abc");
        assert_eq!(read(&mut socket).await, second);
        assert_eq!(wire.begin(Some(0), None), Some(HeadFault::BareLineFeed));
        assert!(wire.is_last());
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_the_last_thing_that_is_read() {
        let (near, mut far) = tokio::io::duplex(4096);
        let wire = Arc::new(Wire::default());
        let mut socket = Socket::new(near, Arc::clone(&wire));
        far.write_all(HEAD.as_bytes()).await.unwrap();
        assert_eq!(read(&mut socket).await, HEAD);
        assert_eq!(wire.begin(None, None), None);
        assert!(wire.is_last());
        far.write_all(b"3\r\nabc\r\n").await.unwrap();
        assert_eq!(read(&mut socket).await, "3\r\nabc\r\n");
    }

    #[tokio::test]
    async fn a_receipt_is_given_and_the_connection_idle_once_everything_was_taken() {
        let (near, mut far) = tokio::io::duplex(4);
        let wire = Arc::new(Wire::default());
        let mut socket = Socket::new(near, Arc::clone(&wire));
        assert!(wire.idle_since().is_some());
        wire.begin(Some(0), None);
        let is_sent = Arc::new(AtomicBool::new(false));
        let sent = Arc::clone(&is_sent);
        wire.after_flush(Box::new(move || sent.store(true, Ordering::Relaxed)));
        wire.end();
        let writing = tokio::spawn(async move {
            socket.write_all(b"123456").await.unwrap();
            socket.flush().await.unwrap();
        });
        tokio::task::yield_now().await;
        assert!(!is_sent.load(Ordering::Relaxed) && wire.idle_since().is_none());
        far.read_exact(&mut [0; 6]).await.unwrap();
        writing.await.unwrap();
        assert!(is_sent.load(Ordering::Relaxed) && wire.idle_since().is_some());
    }
}
