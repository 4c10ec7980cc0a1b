//! The handlers, by what they are about. Each does one thing: reads the request, asks the host,
//! writes the answer. Who may call is not their business.

pub mod access_log;
pub mod deployments;
pub mod events;
pub mod files;
pub mod flows;
pub mod grants;
pub mod hooks;
pub mod items;
pub mod links;
pub mod mails;
pub mod meta;
pub mod page;
pub mod page_items;
pub mod people;
pub mod runs;
pub mod settings;
pub mod tasks;
pub mod tokens;
