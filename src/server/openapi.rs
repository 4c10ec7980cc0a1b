//! The description of the API, OpenAPI 3.1, made from the table of routes.

use super::access::{Access, PASS_HEADER, PASSWORD_HEADER, PASSWORD_IN_WORDS};
use super::operation::Shape;
use super::page::PASS_COOKIE;
use super::routes::{Route, routes};
use super::{problem, signature};
use crate::base::Value;
use crate::host::visit::PASS_MINUTES;
use schemars::generate::SchemaSettings;
use serde_json::{Map, json};

/// The description of every route of the table.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let refusal = problem::media(&mut schemas);
    let mut paths = Map::new();
    for route in routes() {
        let shape = route.shape(&mut schemas);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation(&route, shape, &refusal);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gatefold",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Document processes: flows, runs, tasks, files, shares. Refusals are problem documents (RFC 9457).",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "gatefold token new USER" },
                "sharePassword": {
                    "type": "apiKey", "in": "header", "name": PASSWORD_HEADER,
                    "description": format!("The password of the link. {PASSWORD_IN_WORDS}."),
                },
                "sharePass": {
                    "type": "apiKey", "in": "header", "name": PASS_HEADER,
                    "description": format!("What the right password of the link gave, for {PASS_MINUTES} minutes."),
                },
                "sharePassKept": {
                    "type": "apiKey", "in": "cookie", "name": PASS_COOKIE,
                    "description": "The same, as a browser keeps it on the page.",
                },
                "signature": { "type": "apiKey", "in": "header", "name": signature::SIGNATURE_HEADER },
            },
        },
    })
}

fn operation(route: &Route, shape: Shape, refusal: &Value) -> Value {
    let mut parameters = path_parameters(route.path);
    parameters.extend(shape.parameters);
    let mut success = json!({ "description": "Done" });
    if let Some((media_type, schema)) = shape.answer {
        success["content"] = json!({ media_type: { "schema": schema } });
    }
    let mut responses = Map::new();
    responses.insert(shape.status.to_string(), success);
    responses.insert(
        "default".to_owned(),
        json!({ "description": "Refused, or failed", "content": refusal }),
    );
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.summary,
        "description": format!("For {}.", route.access.describe()),
        "security": security(route),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some((media_type, schema)) = shape.body {
        operation["requestBody"] = json!({ "required": true, "content": { media_type: { "schema": schema } } });
    }
    operation
}

/// What is between braces in a path.
fn path_parameters(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect()
}

fn security(route: &Route) -> Value {
    // a try of a password is counted, and a GET counts nothing
    let mut ways = vec![json!({}), json!({ "sharePass": [] })];
    if !route.method.is_safe() {
        ways.push(json!({ "sharePassword": [] }));
    }
    match route.access {
        Access::Public | Access::Health => json!([]),
        Access::Metrics => json!([{}, { "token": [] }]),
        Access::Link => Value::Array(ways),
        Access::Page => {
            ways.push(json!({ "sharePassKept": [] }));
            Value::Array(ways)
        }
        Access::LinkDoor | Access::PageDoor => json!([]),
        Access::Token(needed) => json!([{ "token": needed }]),
        Access::WebhookSignature => json!([{ "signature": [] }]),
    }
}
