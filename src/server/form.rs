//! What the forms of a browser send.

use super::extract::{Upload, bytes_of, in_time};
use super::operation::{Described, Shape};
use super::{Problem, Server};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Name of the field that carries a file.
pub const FILE_FIELD: &str = "file";
/// Name of the field that carries the day until which a document is valid; it comes before the file.
pub const DAY_FIELD: &str = "valid_until";
/// Longest such day, in bytes.
const DAY_BYTES: u64 = 64;

/// The fields of a form without files, at most `limits.body_bytes` long.
#[derive(Clone, Debug)]
pub struct TextForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Server>> for TextForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<Server>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bytes_of(&parts.headers, body, state.settings.body_bytes).await?;
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

/// A form with one file, which is read as it comes in.
pub struct FileForm(multer::Multipart<'static>);

impl FromRequest<Arc<Server>> for FileForm {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Server>) -> Result<Self, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(media_type).map_err(|_| {
            let detail = "a form with a file is needed: Content-Type: multipart/form-data";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail)
        })?;
        let limit = multer::SizeLimit::new().for_field(DAY_FIELD, DAY_BYTES);
        let limits = multer::Constraints::new().size_limit(limit);
        let body = in_time(request.into_body());
        Ok(Self(multer::Multipart::with_constraints(body, boundary, limits)))
    }
}

impl FileForm {
    /// The name and the bytes of the first file.
    pub async fn file(self) -> Result<(String, Upload), Problem> {
        let (_, name, upload) = self.dated_file().await?;
        Ok((name, upload))
    }

    /// The same, and the day that was entered before it, if one was.
    async fn dated_file(mut self) -> Result<(Option<String>, String, Upload), Problem> {
        let mut day = None;
        let broken = |_| Problem::bad_request("form", "the form broke off or makes no sense");
        let missing = || Problem::bad_request("file", "no file was chosen");
        loop {
            let field = self.0.next_field().await.map_err(broken)?;
            let Some(field) = field else { return Err(missing()) };
            if field.name() == Some(DAY_FIELD) {
                day = Some(field.text().await.map_err(broken)?).filter(|day| !day.is_empty());
                continue;
            }
            if field.name() != Some(FILE_FIELD) {
                continue;
            }
            let name = field
                .file_name()
                .filter(|name| !name.is_empty())
                .ok_or_else(missing)?
                .to_owned();
            let pieces = field.map(|piece| piece.map_err(std::io::Error::other));
            return Ok((day, name, Upload::of(pieces)));
        }
    }
}

impl Described for FileForm {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        let file = serde_json::json!({ "type": "string", "format": "binary" });
        let schema = serde_json::json!({
            "type": "object", "properties": { FILE_FIELD: file }, "required": [FILE_FIELD],
        });
        shape.body("multipart/form-data", schema);
    }
}

/// A [`FileForm`] with the day until which the file is valid before the file.
pub struct DatedForm(FileForm);

impl DatedForm {
    /// The day, if one was entered, and the name and the bytes of the first file.
    pub async fn dated_file(self) -> Result<(Option<String>, String, Upload), Problem> {
        self.0.dated_file().await
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
        let file = serde_json::json!({ "type": "string", "format": "binary" });
        let schema = serde_json::json!({
            "type": "object", "properties": { DAY_FIELD: day, FILE_FIELD: file }, "required": [FILE_FIELD],
        });
        shape.body("multipart/form-data", schema);
    }
}
