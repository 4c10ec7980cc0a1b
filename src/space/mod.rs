//! Rules of the governed file space: workspaces, files with versions, shares, grants, links,
//! comments. Pure: types and decisions, no storage.
//!
//! Invariant: a share or grant that is revoked or expired never lives again.

pub mod access;
pub mod code;
pub mod events;
pub mod invitation;
pub mod life;
pub mod media;
pub mod model;
pub mod names;
pub mod not_taken;
pub mod paper;
pub mod principal;
pub mod reach;
pub mod request;
#[cfg(test)]
pub(crate) mod testing;

pub use access::{Denial, Right, Role};
pub use events::SpaceEvent;
pub use life::{Content, Locked};
pub use model::{
    Announcement, Comment, File, Follow, Grant, Principal, Share, SharedVersion, State, Version, Workspace,
};
pub use paper::{Expiry, GivenFor, Paper};
pub use reach::StaffReader;
pub use request::{Given, Item, Request};
