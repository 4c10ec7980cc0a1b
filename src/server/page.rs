//! The page behind a link: plain HTML without scripts, for people whose browser is all they have.
//!
//! Invariant: all text from people is escaped, and the page loads nothing from elsewhere. Viewing
//! the page changes nothing, because its buttons send POST requests. Each form that changes
//! something has a field that only a person fills in.

mod items;

use super::access::LINK_TOKEN_LENGTH;
use super::dto::SharedView;
use super::form::{CONFIRM_FIELD, CONFIRMED, KEY_FIELD};
use super::operation::{Described, Shape};
use super::problem::Problem;
use crate::base::moment;
use crate::base::size::in_words as size;
use crate::space::access::Right;
use crate::space::code::CODE_MINUTES;
use crate::space::names::MAX_COMMENT_BYTES;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use std::fmt::Write;

/// The cookie in which a browser keeps that the password was right.
pub const PASS_COOKIE: &str = "gatefold_pass";
/// How the page looks.
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}\
                     li,blockquote{margin:0 0 1rem}ul{padding:0;list-style:none}blockquote p{white-space:pre-wrap}\
                     code{font-size:.8rem;overflow-wrap:anywhere}textarea,input[type=password]{width:100%;\
                     font:inherit;box-sizing:border-box}";

/// What is added to the address of the page after files were sent that were there already.
pub const UNCHANGED_QUERY: &str = "?note=unchanged";

/// What the page says for the note in its address.
pub fn note(name: &str) -> Option<&'static str> {
    (name == "unchanged")
        .then_some("This is the same file as before. It was received already, and nothing has changed.")
}

/// Whether a page is wanted rather than data.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accepts = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|one| {
        let media_type = one.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("text/html")
    })
}

/// The pass that a browser has kept.
pub fn pass_in(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(PASS_COOKIE)?.strip_prefix('='))
}

/// A share as a page, or as data for who wants that.
pub enum Shared {
    /// HTML.
    Page(Response),
    /// JSON.
    Data(SharedView),
}

impl IntoResponse for Shared {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page,
            Self::Data(view) => axum::Json(view).into_response(),
        }
    }
}

impl Described for Shared {
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        let schema = schemas.subschema_for::<SharedView>().into();
        shape.answer(StatusCode::OK, "application/json", schema);
    }
}

/// Back to the page, which then shows what was changed.
pub struct BackToPage {
    /// The page.
    pub path: String,
    /// What the browser shall keep.
    pub cookie: Option<String>,
}

impl IntoResponse for BackToPage {
    fn into_response(self) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        let headers = [(header::LOCATION, Some(self.path)), (header::SET_COOKIE, self.cookie)];
        for (name, value) in headers {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

impl Described for BackToPage {
    fn describe(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.status = StatusCode::SEE_OTHER.as_u16();
    }
}

/// The page of a share at `path`, for a visitor known as `own` in it.
pub fn share(view: &SharedView, path: &str, own: &str, note: Option<&str>) -> Response {
    let may = |right| view.role.includes(right);
    let key = &random();
    let mut body = String::new();
    let ends = moment::in_words(view.expires_at, &view.zone);
    put(
        &mut body,
        format_args!("<h1>{}</h1><p>It ends on {ends}.</p>", Safe(&view.name)),
    );
    if let Some(note) = note {
        put(&mut body, format_args!("<p><strong>{}</strong></p>", Safe(note)));
    }
    if view.is_request() {
        items::checklist(&mut body, view, path, key);
        comments(&mut body, view, path, own, may(Right::Comment).then_some(key));
        return html(StatusCode::OK, &view.name, &body);
    }
    body.push_str("<h2>Files</h2><ul>");
    for file in &view.files {
        put(
            &mut body,
            format_args!(
                "<li><strong>{}</strong>, version {}, {}<br><code>SHA-256 {}</code>",
                Safe(&file.name),
                file.version,
                size(file.size),
                Safe(&file.sha256)
            ),
        );
        if may(Right::Download) {
            put(
                &mut body,
                format_args!(
                    "<form method=\"post\" action=\"{path}/files/{}\">{}<button>Download {}</button></form>",
                    Safe(&file.id),
                    Confirm("Yes, I want this file"),
                    Safe(&file.name)
                ),
            );
        }
        body.push_str("</li>");
    }
    body.push_str("</ul>");
    if view.files.is_empty() {
        body.push_str("<p>There is no file yet.</p>");
    }
    if may(Right::Upload) {
        put(
            &mut body,
            format_args!(
                "<h2>Add a file</h2><form method=\"post\" enctype=\"multipart/form-data\" action=\"{path}/files\">\
             {}<p><label>Files <input type=\"file\" name=\"file\" multiple required></label></p><p>A file with the name of one \
             above becomes its next version.</p><button>Upload files</button></form>",
                Key(key)
            ),
        );
    }
    comments(&mut body, view, path, own, may(Right::Comment).then_some(key));
    html(StatusCode::OK, &view.name, &body)
}

/// The comments and, if its idempotency key is given, the form for a new one.
fn comments(body: &mut String, view: &SharedView, path: &str, own: &str, key: Option<&String>) {
    if view.comments.is_empty() && key.is_none() {
        return;
    }
    body.push_str("<h2>Comments</h2>");
    for comment in &view.comments {
        let by = if comment.by == own { "you" } else { comment.by.as_str() };
        let at = moment::in_words(comment.at, &view.zone);
        put(
            body,
            format_args!(
                "<blockquote><p>{}</p><footer>{}, {at}</footer></blockquote>",
                Safe(&comment.text),
                Safe(by)
            ),
        );
    }
    if let Some(key) = key {
        put(
            body,
            format_args!(
                "<form method=\"post\" action=\"{path}/comments\">{}<p><label>Comment <textarea name=\"text\" rows=\"5\" \
             maxlength=\"{MAX_COMMENT_BYTES}\" required></textarea></label></p><button>Send comment</button></form>",
                Key(key)
            ),
        );
    }
}

/// A refusal as a page where there is a problem document in `response`; the form for the password
/// where that is what is missing.
pub fn refusal(response: Response, path: &str) -> Response {
    let Some(problem) = response.extensions().get::<Problem>() else {
        return response;
    };
    let status = response.status();
    let wants_password = ["/problems/password-needed", "/problems/password-wrong"].contains(&problem.kind.as_str());
    let page = if let Some(form) = code_form(problem, path) {
        html(status, "Code", &form)
    } else if problem.kind == "/problems/complete" {
        let body = "<h1>This checklist is complete</h1><p>Thank you: nothing more is needed of you.</p>";
        html(status, "Complete", body)
    } else if problem.kind == "/problems/withdrawn" {
        let body = "<h1>You have said that you give nothing</h1><p>Nothing more is needed of you.</p>";
        html(status, "Withdrawn", body)
    } else if wants_password {
        let wrong = if problem.kind.ends_with("wrong") {
            "<p>The password is wrong.</p>"
        } else {
            ""
        };
        let body = format!(
            "<h1>This link has a password</h1>{wrong}<p>Whoever sent you the link can tell it to you.</p>\
             <form method=\"post\" action=\"{path}/password\"><p><label>Password <input type=\"password\" name=\"password\" \
             autocomplete=\"off\" required></label></p><button>Open</button></form>"
        );
        html(status, "Password", &body)
    } else {
        let is_over = matches!(status, StatusCode::GONE | StatusCode::FORBIDDEN) || names_no_link(problem);
        let back = if is_over {
            String::new()
        } else {
            format!("<p><a href=\"{path}\">Back to the page</a></p>")
        };
        let heading = heading(problem, status);
        let body = format!("<h1>{heading}</h1><p>{}</p>{back}", Safe(&explained(problem, status)));
        html(status, heading, &body)
    };
    let (mut parts, body) = page.into_parts();
    for (name, value) in response.headers() {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH, header::WWW_AUTHENTICATE].contains(name) {
            parts.headers.insert(name, value.clone());
        }
    }
    Response::from_parts(parts, body)
}

/// Whether the address leads to no share, rather than to something missing within one.
fn names_no_link(problem: &Problem) -> bool {
    problem.kind == "/problems/not-found"
        && ["no such share", "no such link"]
            .iter()
            .any(|what| problem.detail.contains(what))
}

/// What a person reads above a refusal.
fn heading(problem: &Problem, status: StatusCode) -> &'static str {
    match problem.kind.trim_start_matches("/problems/") {
        "too-large" => "The file is too large",
        "empty" => "The file is empty",
        "file" => "No file was chosen",
        "not-confirmed" => "Nothing was done yet",
        "conflict" => "This is not possible now",
        "revoked" | "expired" => "This link has ended",
        "role" => "Your link does not allow this",
        "not-found" if names_no_link(problem) => "This link leads nowhere",
        "too-many-tries" | "too-many-requests" => "Please wait a moment",
        "invalid" => "This was not accepted",
        _ if status.is_server_error() => "Something went wrong here",
        _ => "This did not work",
    }
}

/// What a person reads of a refusal: its own words, unless they are for programs.
fn explained(problem: &Problem, status: StatusCode) -> String {
    match problem.kind.trim_start_matches("/problems/") {
        "not-found" if names_no_link(problem) => {
            "Check that the address is complete, or ask the person who sent it to you for a new one.".to_owned()
        }
        "form" | "path" | "query" | "media-type" | "cut-off" | "head" => {
            "What your browser sent did not arrive as a whole. Go back and try it again.".to_owned()
        }
        _ if status.is_server_error() && status != StatusCode::INSUFFICIENT_STORAGE => {
            "Please try again in a few minutes. If it happens again, tell the person who sent you the link.".to_owned()
        }
        _ => sentence(&problem.detail),
    }
}

/// A text as a sentence: with a capital letter, and one dot at its end.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if text.ends_with(['.', '!', '?', ':']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// The answer to a browser at an address that leads to nothing, or that only a form uses: back to the page of the link, or
/// a page that says so. Nothing where no browser asks.
pub fn elsewhere(request: &Request) -> Option<Response> {
    if !is_wanted(request.headers()) || !request.method().is_safe() {
        return None;
    }
    let rest = request.uri().path().strip_prefix("/s/").unwrap_or_default();
    let token = rest.split('/').next().unwrap_or_default();
    let is_token = token.len() == LINK_TOKEN_LENGTH && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_token && rest.len() > token.len() {
        let path = super::api::page::path_of(token);
        return Some(BackToPage { path, cookie: None }.into_response());
    }
    let body = "<h1>There is nothing at this address</h1><p>Check that the address is complete. A link for you is in the \
                mail that you received.</p>";
    Some(html(StatusCode::NOT_FOUND, "Nothing here", body))
}

/// The forms for having a code sent and for entering it, where one is missing.
fn code_form(problem: &Problem, path: &str) -> Option<String> {
    let wrong = match problem.kind.as_str() {
        "/problems/code-needed" => "",
        "/problems/code-wrong" => "<p>The code is wrong, or good no longer.</p>",
        _ => return None,
    };
    Some(format!(
        "<h1>This link asks for a code</h1>{wrong}<p>The code comes by mail, to the address that was asked, and is good \
         for {CODE_MINUTES} minutes.</p><form method=\"post\" action=\"{path}/code\">{}<button>Send me a code</button></form>\
         <form method=\"post\" action=\"{path}/password\"><p><label>Code <input name=\"password\" inputmode=\"numeric\" \
         autocomplete=\"one-time-code\" required></label></p><button>Open</button></form>",
        Confirm("Yes, send a code to my mail address")
    ))
}

/// A whole page. Only its own style applies, and forms lead nowhere but here.
fn html(status: StatusCode, title: &str, body: &str) -> Response {
    let nonce = random();
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>{}</title>\
         <style nonce=\"{nonce}\">{STYLE}</style></head><body>{body}</body></html>",
        Safe(title)
    );
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (status, headers, page).into_response()
}

/// A new idempotency key: 128 random bits in hexadecimal.
fn random() -> String {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits).expect("the system has random numbers");
    crate::base::id::hex(&bits)
}

/// The hidden field with the form's idempotency key.
struct Key<'k>(&'k str);

impl std::fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<input type=\"hidden\" name=\"{KEY_FIELD}\" value=\"{}\">", self.0)
    }
}

/// The confirmation checkbox for a button that ends, removes or sends something.
struct Confirm(&'static str);

impl std::fmt::Display for Confirm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "<p><label><input type=\"checkbox\" name=\"{CONFIRM_FIELD}\" value=\"{CONFIRMED}\" required> {}</label></p>",
            self.0
        )
    }
}

fn put(body: &mut String, text: std::fmt::Arguments<'_>) {
    body.write_fmt(text).expect("writing to a string succeeds");
}

/// Text that somebody wrote, so that a browser takes it for text.
struct Safe<'t>(&'t str);

impl std::fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
