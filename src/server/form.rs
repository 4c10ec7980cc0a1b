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
        Ok(Self(multer::Multipart::new(in_time(request.into_body()), boundary)))
    }
}

impl FileForm {
    /// The name and the bytes of the first file.
    pub async fn file(mut self) -> Result<(String, Upload), Problem> {
        let missing = || Problem::bad_request("file", "no file was chosen");
        loop {
            let field = self.0.next_field().await;
            let field = field.map_err(|_| Problem::bad_request("form", "the form broke off or makes no sense"))?;
            let Some(field) = field else { return Err(missing()) };
            if field.name() != Some(FILE_FIELD) {
                continue;
            }
            let name = field
                .file_name()
                .filter(|name| !name.is_empty())
                .ok_or_else(missing)?
                .to_owned();
            let pieces = field.map(|piece| piece.map_err(std::io::Error::other));
            return Ok((name, Upload::of(pieces)));
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
