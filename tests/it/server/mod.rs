//! The HTTP side: the table of routes, and the real router over a real host.

mod links;
mod requests;
mod rules;
mod sockets;
mod table;
mod transfer;
