//! Bodies of requests that were refused before they were read to their end.
//!
//! A browser sends a whole form before it reads the answer, and shows an error of its own where the connection is closed
//! before that. So what still comes is read and dropped before a refusal is sent, within bounds.

use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::future::poll_fn;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Most bytes that are read and dropped for one refusal.
pub const DRAIN_BYTES_MAX: u64 = 100_000_000;
/// Longest time for it.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest time in which nothing comes.
const DRAIN_PAUSE_MAX: Duration = Duration::from_secs(3);

/// The body of a request on loan: whoever drops it gives back what was not read.
pub struct Lent<B> {
    body: Option<B>,
    was_read: bool,
    rest: Rest<B>,
}

/// What comes back of a body.
pub struct Rest<B>(Arc<Mutex<Option<Returned<B>>>>);

struct Returned<B> {
    body: B,
    /// Whether anything of it was asked for.
    was_read: bool,
}

impl<B> Clone for Rest<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Lends a body.
pub fn lend<B>(body: B) -> (Lent<B>, Rest<B>) {
    let rest = Rest(Arc::new(Mutex::new(None)));
    let lent = Lent {
        body: Some(body),
        was_read: false,
        rest: rest.clone(),
    };
    (lent, rest)
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        let was_read = self.was_read;
        let returned = self.body.take().map(|body| Returned { body, was_read });
        *self.rest.0.lock().unwrap_or_else(PoisonError::into_inner) = returned;
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Lent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.was_read = true;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Rest<B> {
    /// Reads what still comes of the body and drops it, where `status` refuses the request. Not where the client `asks_first`
    /// whether it may send and was not told so, sends far too much, or is too slow already.
    pub async fn drain(&self, status: StatusCode, asks_first: bool) {
        let returned = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Returned { mut body, was_read }) = returned else {
            return;
        };
        let is_refusal = status.is_client_error() || status.is_server_error();
        let is_hurried = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE);
        let waits = asks_first && !was_read;
        let is_over = body.is_end_stream() || body.size_hint().lower() > DRAIN_BYTES_MAX;
        if !is_refusal || is_hurried || waits || is_over {
            return;
        }
        let reading = read_away(&mut body);
        // Whatever comes of it, the answer is sent.
        let _ = tokio::time::timeout(DRAIN_TIME_MAX, reading).await;
    }
}

/// Reads until the end, until nothing comes for a while, or until enough has come. Gives how many bytes came.
async fn read_away<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> u64 {
    let mut taken = 0;
    while taken <= DRAIN_BYTES_MAX {
        let next = poll_fn(|cx| {
            let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
            Poll::Ready(frame.and_then(Result::ok))
        });
        match tokio::time::timeout(DRAIN_PAUSE_MAX, next).await {
            Ok(Some(frame)) => taken += frame.data_ref().map_or(0, |data| data.len() as u64),
            Ok(None) | Err(_) => break,
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes are read away of a body that sends pieces of this size for ever.
    async fn read_of(pieces: usize, piece: usize) -> u64 {
        let bytes = Bytes::from(vec![0; piece]);
        let pieces = (0..pieces).map(move |_| Ok::<_, std::io::Error>(bytes.clone()));
        let mut body = axum::body::Body::from_stream(futures_util::stream::iter(pieces));
        read_away(&mut body).await
    }

    #[tokio::test]
    async fn so_much_is_read_away_and_not_more() {
        let piece = 1_000_000;
        let most = usize::try_from(DRAIN_BYTES_MAX).unwrap() / piece;
        assert_eq!(read_of(most, piece).await, DRAIN_BYTES_MAX);
        let more = read_of(most * 2, piece).await;
        assert_eq!(
            more,
            DRAIN_BYTES_MAX + 1_000_000,
            "it stops with the piece that passes the limit"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_not_waited_for() {
        let pieces = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let (lent, rest) = lend(axum::body::Body::from_stream(pieces));
        drop(lent);
        let began = tokio::time::Instant::now();
        rest.drain(StatusCode::NOT_FOUND, false).await;
        assert_eq!(began.elapsed(), DRAIN_PAUSE_MAX);
    }
}
