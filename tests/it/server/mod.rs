//! The HTTP side: the table of routes, and the real router over a real host.

mod by_hand;
mod codes;
mod collect;
mod contents;
mod deployments;
mod desk;
mod flow_rights;
mod hooks;
mod links;
mod lists;
mod migrate;
mod odd;
mod page;
mod people;
mod places;
mod privacy;
mod readiness;
mod requests;
mod rules;
mod runs;
mod sockets;
mod table;
mod tasks;
mod tokens;
mod told;
mod transfer;
