//! Bytes of files on their way out: always as a download, never shown on this origin. While they
//! flow, the guard looks again whether they may.

use super::Problem;
use super::operation::{Described, Shape};
use super::range::{Part, part};
use super::sent::FilePart;
use crate::base::FileRef;
use crate::host::files::OpenFile;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

/// Bytes read at once.
const PIECE_BYTES: usize = 256 << 10;
/// What a browser may do with a file: nothing, in a place of its own.
const POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// A file on its way out.
pub struct Transfer(Response);

impl IntoResponse for Transfer {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Described for Transfer {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        let header = |name: &str, description: &str| {
            serde_json::json!({
                "name": name, "in": "header", "description": description, "schema": { "type": "string" },
            })
        };
        shape.parameters.push(header(
            "Range",
            "One range of bytes; several are answered with the whole file. A download counts once every byte was sent to \
             its last one, in one answer or in several to the same holder of a link, all asked for by the same method; a \
             restart of the server and an `anyone` link add nothing up. Each attempt is in the access log.",
        ));
        shape
            .parameters
            .push(header("If-Range", "The ETag that the range belongs to."));
        shape
            .parameters
            .push(header("If-None-Match", "The ETag that is there already."));
        shape.answer(StatusCode::OK, "application/octet-stream", serde_json::json!({}));
    }
}

/// What `headers` ask for of a version; nothing where they say that it is there already.
fn asked_for(headers: &HeaderMap, document: &FileRef) -> Option<Part> {
    let etag = etag(document);
    let asked = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if asked(header::IF_NONE_MATCH).is_some_and(|tags| names(tags, &etag)) {
        return None;
    }
    // A range of another version than this one would make a mixture.
    let range = asked(header::RANGE).filter(|_| asked(header::IF_RANGE).is_none_or(|tag| tag == etag));
    Some(part(range, document.size))
}

fn etag(document: &FileRef) -> String {
    format!("\"{}\"", document.sha256)
}

/// Sends `open`, or the part that `headers` ask for.
pub async fn send(headers: &HeaderMap, mut open: OpenFile) -> Result<Transfer, Problem> {
    let size = open.document.size;
    let (status, first, length) = match asked_for(headers, &open.document) {
        None => (StatusCode::NOT_MODIFIED, 0, 0),
        Some(Part::Whole) => (StatusCode::OK, 0, size),
        Some(Part::Bytes { first, last }) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Some(Part::Outside) => return Err(outside(size)),
    };
    if length > 0 {
        open.begin_at(first).await?;
    }
    let OpenFile {
        document,
        bytes,
        download,
    } = open;
    let pieces = ReaderStream::with_capacity(bytes.take(length), PIECE_BYTES);
    let mut response = (status, Body::from_stream(pieces)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::ETAG, value(&etag(&document)));
    if status == StatusCode::NOT_MODIFIED {
        return Ok(Transfer(response));
    }
    headers.insert(header::CONTENT_TYPE, value(&document.media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_DISPOSITION, value(&attachment(&document.name)));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        headers.insert(header::CONTENT_RANGE, value(&range));
    }
    response.extensions_mut().insert(FilePart {
        first,
        length,
        size,
        download,
    });
    Ok(Transfer(response))
}

fn outside(size: u64) -> Problem {
    let detail = format!("the range lies past the end of the file, which has {size} bytes");
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range", detail)
        .with_header(header::CONTENT_RANGE, value(&format!("bytes */{size}")))
}

/// Whether a list of entity tags names `etag`.
fn names(tags: &str, etag: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// `Content-Disposition` of a file called `name`, as RFC 6266 has it: plain ASCII for old
/// programs, and the name itself in UTF-8.
fn attachment(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            ' ' | '!'..='~' if !matches!(c, '"' | '\\' | '%' | '/') => c,
            _ => '_',
        })
        .collect();
    let exact = name.bytes().fold(String::new(), |mut exact, byte| {
        use std::fmt::Write;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            exact.push(char::from(byte));
        } else {
            write!(exact, "%{byte:02X}").expect("writing to a string succeeds");
        }
        exact
    });
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_header() {
        assert_eq!(
            attachment("a b.pdf"),
            "attachment; filename=\"a b.pdf\"; filename*=UTF-8''a%20b.pdf"
        );
        let hostile = attachment("x\"\r\nSet-Cookie: a=b\\ñ\u{202e}.pdf");
        assert!(hostile.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{hostile}");
        assert_eq!(hostile.matches('"').count(), 2, "{hostile}");
        assert!(HeaderValue::try_from(hostile).is_ok());
    }

    #[test]
    fn tags_are_compared_one_by_one() {
        assert!(names("\"a\", W/\"b\"", "\"b\"") && names("*", "\"b\""));
        assert!(!names("\"bb\"", "\"b\"") && !names("", "\"b\""));
    }
}
