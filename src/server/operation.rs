//! What a handler takes and gives, read from its own signature, so that the description of the
//! API cannot differ from the code.

use super::Server;
use super::problem::Problem;
use crate::base::Value;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{Schema, SchemaGenerator};
use serde_json::json;
use std::sync::Arc;

/// What a handler takes and gives.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Query and header parameters, as the OpenAPI has them.
    pub parameters: Vec<Value>,
    /// The body: media type and schema.
    pub body: Option<(String, Value)>,
    /// Status of success.
    pub status: u16,
    /// The answer: media type and schema.
    pub answer: Option<(String, Value)>,
}

impl Shape {
    /// Takes a body.
    pub fn body(&mut self, media_type: &str, schema: Value) {
        self.body = Some((media_type.to_owned(), schema));
    }

    /// Gives an answer.
    pub fn answer(&mut self, status: StatusCode, media_type: &str, schema: Value) {
        self.status = status.as_u16();
        self.answer = Some((media_type.to_owned(), schema));
    }

    /// Takes every property of an object's schema as a query parameter.
    pub fn query_of(&mut self, object: &Schema) {
        let required: Vec<&str> = object
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let properties = object.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            self.parameters.push(json!({
                "name": name,
                "in": "query",
                "required": required.contains(&name.as_str()),
                "description": description,
                "schema": schema,
            }));
        }
    }
}

/// Something that handlers take or give.
pub trait Described {
    /// Writes itself into the shape.
    fn describe(shape: &mut Shape, schemas: &mut SchemaGenerator);
}

/// A handler that describes itself. `A` tells its arguments.
pub trait Endpoint<A>: Sized {
    /// What it takes and gives.
    fn shape(schemas: &mut SchemaGenerator) -> Shape;
    /// It, answering to one method.
    fn mount(self, method: MethodFilter) -> MethodRouter<Arc<Server>>;
}

macro_rules! endpoint {
    ($($argument:ident),*) => {
        impl<F, Fut, Given, M, $($argument,)*> Endpoint<(M, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Handler<(M, $($argument,)*), Arc<Server>>,
            Fut: Future<Output = Result<Given, Problem>>,
            Given: Described,
            M: 'static,
            $($argument: Described + 'static,)*
        {
            fn shape(schemas: &mut SchemaGenerator) -> Shape {
                let mut shape = Shape::default();
                $($argument::describe(&mut shape, schemas);)*
                Given::describe(&mut shape, schemas);
                shape
            }

            fn mount(self, method: MethodFilter) -> MethodRouter<Arc<Server>> {
                on(method, self)
            }
        }
    };
}

endpoint!(A1);
endpoint!(A1, A2);
endpoint!(A1, A2, A3);
endpoint!(A1, A2, A3, A4);
endpoint!(A1, A2, A3, A4, A5);
endpoint!(A1, A2, A3, A4, A5, A6);
