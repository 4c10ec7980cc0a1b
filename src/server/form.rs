//! Forms sent by browsers.

use super::extract::{Piece, UPLOAD_PACE, Upload, bytes_of, in_time};
use super::operation::{Described, Shape};
use super::{Problem, Server};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use futures_util::{Stream, StreamExt};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};

/// Name of the field that carries a file.
pub const FILE_FIELD: &str = "file";
/// Name of the field that carries the day until which a document is valid; it comes before the file.
pub const DAY_FIELD: &str = "valid_until";
/// Name of the hidden field with the idempotency key; it comes before the file.
pub const KEY_FIELD: &str = "key";
/// Name of the field that carries the id of the file that this one replaces; it comes before the file.
pub const REPLACES_FIELD: &str = "replaces";
/// Name of the field that only a person fills in, beside a button that ends, removes or sends something.
pub const CONFIRM_FIELD: &str = "confirm";
/// Value of the ticked checkbox.
pub const CONFIRMED: &str = "yes";
/// Maximum length of a day or a key, in bytes.
const FIELD_BYTES: u64 = 64;
/// Maximum size of a form before its file begins, in bytes.
pub const FORM_HEAD_BYTES: usize = 64 << 10;

/// A form whose only field is the confirmation checkbox. Mail scanners submit forms that need no
/// input.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ConfirmForm {
    /// `yes` if the box is ticked.
    #[serde(default)]
    confirm: String,
}

impl ConfirmForm {
    /// Refuses the form if the box is not ticked.
    pub fn check(&self) -> Result<(), Problem> {
        confirmed(&self.confirm)
    }
}

/// Refuses a form whose confirmation box is not ticked.
pub fn confirmed(confirm: &str) -> Result<(), Problem> {
    if confirm == CONFIRMED {
        return Ok(());
    }
    let detail = "nothing was done: tick the box beside the button first";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not-confirmed", detail))
}

/// The fields of a form without files, at most `limits.body_bytes` long.
#[derive(Clone, Debug)]
pub struct TextForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Server>> for TextForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<Server>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bytes_of(state, &parts.headers, body).await?;
        let request = Request::from_parts(parts, Body::from(bytes));
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(why) => Err(Problem::new(why.status(), "form", why.body_text())),
        }
    }
}

impl<T: JsonSchema> Described for TextForm<T> {
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        let schema = schemas.subschema_for::<T>().into();
        shape.body("application/x-www-form-urlencoded", schema);
    }
}

/// A form with files, which are read as they come in, one after the other.
pub struct FileForm {
    parts: multer::Multipart<'static>,
    /// Whether the first file has begun.
    has_begun: Arc<AtomicBool>,
    fields: Fields,
    /// How many files were given.
    files: usize,
}

/// The fields that stand before the files.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// What makes each file count once.
    pub key: Option<String>,
    /// The day until which the files are valid.
    pub day: Option<String>,
    /// The file that the first one replaces.
    pub replaces: Option<String>,
}

/// A file of a form.
pub struct FormFile {
    /// The fields before it.
    pub fields: Fields,
    /// The file's name.
    pub name: String,
    /// Its bytes.
    pub upload: Upload,
    /// How many files of the form came before it.
    pub before: usize,
}

impl FormFile {
    /// A refusal of this file, which says what became of those before it.
    pub fn refused(name: &str, before: usize, mut problem: Problem) -> Problem {
        if before > 0 {
            let (were, files) = if before == 1 {
                ("was", "file")
            } else {
                ("were", "files")
            };
            problem.detail = format!(
                "{name}: {} The {before} {files} before it {were} received.",
                problem.detail
            );
        }
        problem
    }
}

impl FromRequest<Arc<Server>> for FileForm {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Server>) -> Result<Self, Problem> {
        Self::of(request)
    }
}

impl FileForm {
    fn of(request: Request) -> Result<Self, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(media_type).map_err(|_| {
            let detail = "a form with a file is needed: Content-Type: multipart/form-data";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail)
        })?;
        let limit = multer::SizeLimit::new()
            .for_field(DAY_FIELD, FIELD_BYTES)
            .for_field(REPLACES_FIELD, FIELD_BYTES)
            .for_field(KEY_FIELD, FIELD_BYTES);
        let limits = multer::Constraints::new().size_limit(limit);
        let has_begun = Arc::new(AtomicBool::new(false));
        let body = bounded(in_time(request.into_body(), UPLOAD_PACE), Arc::clone(&has_begun));
        let parts = multer::Multipart::with_constraints(body, boundary, limits);
        Ok(Self {
            parts,
            has_begun,
            fields: Fields::default(),
            files: 0,
        })
    }
}

/// Limits the bytes of a form before its file begins. The pieces are passed on one at a time,
/// because otherwise everything available would be read into memory.
fn bounded(pieces: impl Stream<Item = Piece> + Send, has_begun: Arc<AtomicBool>) -> impl Stream<Item = Piece> + Send {
    let mut pieces = Box::pin(pieces);
    let (mut taken, mut has_given) = (0, false);
    futures_util::stream::poll_fn(move |cx| {
        if std::mem::take(&mut has_given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if taken > FORM_HEAD_BYTES && !has_begun.load(Ordering::Relaxed) {
            return Poll::Ready(Some(Err(std::io::ErrorKind::FileTooLarge.into())));
        }
        let piece = ready!(pieces.as_mut().poll_next(cx));
        if let Some(Ok(piece)) = &piece {
            (taken, has_given) = (taken.saturating_add(piece.len()), true);
        }
        Poll::Ready(piece)
    })
}

/// The error for a malformed form.
fn unreadable(error: &multer::Error) -> Problem {
    let io = match error {
        multer::Error::StreamReadFailed(error) => error.downcast_ref::<std::io::Error>(),
        _ => None,
    };
    match io.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::FileTooLarge) => {
            Problem::too_large("part of the form before its file", FORM_HEAD_BYTES as u64)
        }
        Some(std::io::ErrorKind::TimedOut) => Problem::too_slow(),
        _ => Problem::bad_request("form", "the form is incomplete or malformed: send it again"),
    }
}

impl FileForm {
    /// The next file with the fields before it; `None` after the last one. A form without any file is refused.
    pub async fn next_file(&mut self) -> Result<Option<FormFile>, Problem> {
        loop {
            let field = self.parts.next_field().await.map_err(|error| unreadable(&error))?;
            let Some(field) = field else { break };
            let place = match field.name() {
                Some(DAY_FIELD) => &mut self.fields.day,
                Some(KEY_FIELD) => &mut self.fields.key,
                Some(REPLACES_FIELD) => &mut self.fields.replaces,
                Some(FILE_FIELD) => {
                    // A browser sends a nameless one where none was chosen.
                    let Some(name) = field.file_name().filter(|name| !name.is_empty()) else {
                        continue;
                    };
                    self.has_begun.store(true, Ordering::Relaxed);
                    let name = name.to_owned();
                    let before = self.files;
                    self.files += 1;
                    let mut fields = self.fields.clone();
                    // one file takes the place of another, and those after it come beside it
                    self.fields.replaces = None;
                    fields.replaces = fields.replaces.filter(|_| before == 0);
                    let pieces = field.map(|piece| piece.map_err(std::io::Error::other));
                    return Ok(Some(FormFile {
                        fields,
                        name,
                        upload: Upload::of(pieces),
                        before,
                    }));
                }
                _ => continue,
            };
            let text = field.text().await.map_err(|error| unreadable(&error))?;
            *place = Some(text).filter(|text| !text.is_empty());
        }
        if self.files == 0 {
            return Err(Problem::bad_request("file", "Choose a file first."));
        }
        Ok(None)
    }
}

fn key_schema() -> serde_json::Value {
    let about = "The same key with the same content counts once. It comes before the file.";
    serde_json::json!({ "type": "string", "maxLength": FIELD_BYTES, "description": about })
}

impl Described for FileForm {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        let file = serde_json::json!({ "type": "array", "items": { "type": "string", "format": "binary" } });
        let schema = serde_json::json!({
            "type": "object", "properties": { KEY_FIELD: key_schema(), FILE_FIELD: file }, "required": [FILE_FIELD],
        });
        shape.body("multipart/form-data", schema);
    }
}

/// A [`FileForm`] with the day until which the file is valid before the file.
pub struct DatedForm(FileForm);

impl DatedForm {
    /// The next file with the fields before it; `None` after the last one.
    pub async fn next_file(&mut self) -> Result<Option<FormFile>, Problem> {
        self.0.next_file().await
    }
}

impl FromRequest<Arc<Server>> for DatedForm {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<Server>) -> Result<Self, Problem> {
        FileForm::from_request(request, state).await.map(Self)
    }
}

impl Described for DatedForm {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        let about_day = "The day until which the file is valid, as 2026-11-23, where the item asks for one. It comes before \
                         the file, which is read as it comes in.";
        let day = serde_json::json!({ "type": "string", "format": "date", "description": about_day });
        let about_replaces = "The id of the file of this item that the first file replaces. It comes before the file.";
        let replaces = serde_json::json!({ "type": "string", "description": about_replaces });
        let file = serde_json::json!({ "type": "array", "items": { "type": "string", "format": "binary" } });
        let schema = serde_json::json!({
            "type": "object", "properties": { KEY_FIELD: key_schema(), DAY_FIELD: day, REPLACES_FIELD: replaces, FILE_FIELD: file }, "required": [FILE_FIELD],
        });
        shape.body("multipart/form-data", schema);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;

    /// The result of reading a form, in small pieces, with a field of the given size before its
    /// file.
    async fn sent(field: usize) -> Result<String, u16> {
        let head = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n";
        let file =
            "\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nabc\r\n--b--\r\n";
        let text = format!("{head}{}{file}", "x".repeat(field));
        let cut: Vec<Piece> = text
            .as_bytes()
            .chunks(16)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        let has_begun = Arc::new(AtomicBool::new(false));
        let body = bounded(futures_util::stream::iter(cut), Arc::clone(&has_begun));
        let parts = multer::Multipart::new(body, "b");
        let mut form = FileForm {
            parts,
            has_begun,
            fields: Fields::default(),
            files: 0,
        };
        let file = form.next_file().await.map_err(|problem| problem.status)?;
        Ok(file.expect("there is a file").name)
    }

    /// The result of reading a form with a key of the given length.
    async fn with_key(length: usize) -> Result<usize, u16> {
        let key = "x".repeat(length);
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{key}\r\n--b\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"a.txt\"\r\n\r\nabc\r\n--b--\r\n"
        );
        let request = Request::builder().header("content-type", "multipart/form-data; boundary=b");
        let mut form = FileForm::of(request.body(Body::from(form)).unwrap()).unwrap();
        let file = form.next_file().await.map_err(|problem| problem.status)?;
        Ok(file.and_then(|file| file.fields.key).unwrap_or_default().len())
    }

    #[tokio::test]
    async fn a_field_before_the_file_is_so_long() {
        let longest = usize::try_from(FIELD_BYTES).expect("a field fits into memory");
        assert_eq!(with_key(longest).await, Ok(64));
        assert_eq!(with_key(longest + 1).await, Err(400));
    }

    #[tokio::test]
    async fn so_much_of_a_form_may_come_before_its_file() {
        assert_eq!(sent(FORM_HEAD_BYTES - 256).await, Ok("a.txt".to_owned()));
        assert_eq!(sent(FORM_HEAD_BYTES + 1).await, Err(413));
        assert_eq!(sent(64 << 20).await, Err(413));
    }
}
