//! Response bodies that record a download when their last byte was sent.

use super::wire::Wire;
use crate::host::Host;
use crate::host::files::Download;
use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Marks a response that holds a whole file.
#[derive(Clone, Debug)]
pub struct WholeFile {
    /// Its length in bytes.
    pub length: u64,
    /// The download to record.
    pub download: Download,
}

/// Makes the response record its whole file as downloaded once the socket of `wire` has taken the
/// last byte, or, without a socket, once the body has been read. No layer between this body and the
/// connection may buffer data.
pub fn recorded(mut response: Response, host: &Arc<Host>, wire: Option<Arc<Wire>>) -> Response {
    let Some(WholeFile { length, download }) = response.extensions_mut().remove() else {
        return response;
    };
    let host = Arc::clone(host);
    let record = Recording {
        left: length,
        wire,
        record: Some(Box::new(move || host.record_download_beside(download))),
    };
    response.map(|body| record.over(body))
}

struct Recording {
    left: u64,
    wire: Option<Arc<Wire>>,
    record: Option<Box<dyn FnOnce() + Send>>,
}

impl Recording {
    fn over(mut self, body: Body) -> Body {
        if self.left == 0 {
            self.is_given();
        }
        Body::new(RecordedBody { body, recording: self })
    }

    /// Called when the connection has received the last byte.
    fn is_given(&mut self) {
        match (self.record.take(), &self.wire) {
            (Some(record), Some(wire)) => wire.after_flush(record),
            (Some(record), None) => record(),
            (None, _) => {}
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
            self.recording.left = self.recording.left.saturating_sub(length);
            if self.recording.left == 0 {
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
