//! Answers of which it is recorded how far they were sent.

use super::wire::Wire;
use crate::host::Host;
use crate::host::files::{Download, SentBytes};
use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Marks an answer that holds a file or a part of one.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// Offset of its first byte in the file.
    pub first: u64,
    /// Its length in bytes.
    pub length: u64,
    /// How many bytes the file has.
    pub size: u64,
    /// What to record once the whole file was sent.
    pub download: Download,
}

/// The answer, which takes down how far the socket of `wire` has taken it; without a socket, how far somebody has read
/// it. Nothing may come between this body and the connection that could hold a piece back.
pub fn recorded(mut response: Response, host: &Arc<Host>, wire: Option<Arc<Wire>>) -> Response {
    let Some(part) = response.extensions_mut().remove::<FilePart>() else {
        return response;
    };
    let recording = Recording {
        given: 0,
        wire,
        host: Arc::clone(host),
        part: Arc::new(part),
        is_over: Arc::default(),
    };
    response.map(|body| {
        if recording.part.length == 0 {
            recording.is_given();
        }
        Body::new(RecordedBody { body, recording })
    })
}

struct Recording {
    part: Arc<FilePart>,
    /// How many bytes of it the connection was given.
    given: u64,
    host: Arc<Host>,
    wire: Option<Arc<Wire>>,
    /// Whether the download was recorded.
    is_over: Arc<AtomicBool>,
}

impl Recording {
    /// The connection was given more bytes.
    fn is_given(&self) {
        let (host, part, is_over) = (
            Arc::clone(&self.host),
            Arc::clone(&self.part),
            Arc::clone(&self.is_over),
        );
        let sent = SentBytes {
            part: part.first..part.first + self.given,
            size: part.size,
        };
        let note = move || {
            if !is_over.load(Ordering::Relaxed) && host.note_sent(&part.download, sent) {
                is_over.store(true, Ordering::Relaxed);
            }
        };
        match &self.wire {
            Some(wire) => wire.after_flush(Box::new(note)),
            None => note(),
        }
    }
}

struct RecordedBody {
    body: Body,
    recording: Recording,
}

impl HttpBody for RecordedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            self.recording.given += length;
            if length > 0 {
                self.recording.is_given();
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
