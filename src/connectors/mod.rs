//! The actions that are built in: one file or folder each, listed here.

mod action;
pub mod data;
pub mod file360;
pub mod http;
pub mod mail;
pub mod workflow;

use crate::base::Value;
use crate::connect::{ActionError, Links, Mailer, Registry};
use crate::people::Directory;
use crate::store::Blobs;
use std::sync::{Arc, RwLock};

/// What the actions need to know of the installation.
#[derive(Clone)]
pub struct Settings {
    /// How far `http.request` may reach.
    pub http: http::HttpSettings,
    /// Sends mails; see [`mail::mailer`].
    pub mailer: Arc<dyn Mailer>,
    /// Who there is; replaced as a whole when people.yaml changes.
    pub directory: Arc<RwLock<Arc<Directory>>>,
    /// Derives links.
    pub links: Links,
    /// Bytes of files.
    pub blobs: Blobs,
}

/// Every action and event that is built in, in the order of the reference.
pub fn registry(settings: &Settings) -> Registry {
    let space = file360::Space {
        blobs: settings.blobs.clone(),
        links: settings.links.clone(),
        directory: Arc::clone(&settings.directory),
    };
    let mut registry = Registry::default();
    for action in file360::actions(&space) {
        registry.add(action);
    }
    registry.add(mail::action(&settings.mailer, &settings.directory));
    registry.add(http::action(&settings.http));
    for action in data::actions() {
        registry.add(action);
    }
    for action in workflow::actions() {
        registry.add(action);
    }
    for event in workflow::events() {
        registry.add_event(event);
    }
    for event in file360::events() {
        registry.add_event(event);
    }
    registry
}

/// An action's output as data.
fn output<T: serde::Serialize>(output: T) -> Result<Value, ActionError> {
    serde_json::to_value(output).map_err(|error| ActionError::Permanent(format!("the output is no JSON: {error}")))
}
