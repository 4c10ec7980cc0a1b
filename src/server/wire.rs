//! Tracks one connection's socket: how far its requests were read and its responses written.
//!
//! Invariants: bytes after a request reach the HTTP parser only when that request is known to have
//! ended. A [`Receipt`] is called only after the socket has taken every byte written before it.

use super::head::{Head, HeadFault};
use bytes::BytesMut;
use std::io::Result;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;

/// Size of a read while looking for a head, in bytes.
const AHEAD_BYTES: usize = 8 << 10;

/// A callback for when the socket has taken everything written so far.
pub type Receipt = Box<dyn FnOnce() + Send>;

/// The state of a connection, shared by its socket, its requests and the table of connections.
pub struct Wire(Mutex<State>);

struct State {
    reading: Reading,
    /// Whether a request is in progress.
    is_serving: bool,
    /// Whether the response has ended but the socket has not taken all of it.
    is_ending: bool,
    /// Whether the connection closes after this request.
    is_last: bool,
    idle_since: Instant,
    receipts: Vec<Receipt>,
}

/// The part of a request to which the next bytes belong.
enum Reading {
    /// The head of a request.
    Head(Head),
    /// Undecided: the head has ended, and the request has not been processed yet.
    Between(Head),
    /// The body of a request, with the number of bytes still to come.
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
    /// Begins a request with a body of `body_length` bytes; `None` means that the length is
    /// unknown. Returns the fault of its head: the one found in its bytes, or else `known`.
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

    /// Marks the response as ended. The connection becomes idle when the socket has taken all of
    /// it.
    pub fn end(&self) {
        self.state().is_ending = true;
    }

    /// Whether the connection closes after the current request.
    pub fn is_last(&self) -> bool {
        self.state().is_last
    }

    /// When the connection became idle; `None` while a request is in progress.
    pub fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (!state.is_serving).then_some(state.idle_since)
    }

    /// Calls `receipt` once the socket has taken everything written before.
    pub fn after_flush(&self, receipt: Receipt) {
        self.state().receipts.push(receipt);
    }

    /// Called when the socket has taken everything.
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

    /// How many of `bytes` may be passed to the HTTP parser now.
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

    /// Whether the next `count` bytes are certain to belong to the current body.
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
    /// Bytes that were read but not yet passed to the HTTP parser.
    ahead: BytesMut,
}

impl<S> Socket<S> {
    /// Wraps `socket` and keeps its state in `wire`.
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
            // the previous request must be processed first; reading continues after that
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

    /// Flushes the socket and runs the receipts. The HTTP layer calls this only when its own buffer
    /// is empty, so the socket has then taken everything.
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

    /// The result of one read, as text.
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
