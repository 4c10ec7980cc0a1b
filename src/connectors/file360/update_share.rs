//! `file360.update_share`.

use super::support::{access, check_follow, ends_at, own_share, permanent};
use super::{Done, Space, SpaceAction};
use crate::audit::{AccessEntry, AccessKind};
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::{Follow, names};
use crate::spec::Effect;
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to change in a share. A share that is over cannot be changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The share's id.
    share: String,
    /// What people call it from now on.
    name: Option<String>,
    /// After how long, from now, it ends by itself, as `30 days`.
    #[schemars(extend("format" = "period"))]
    expires_in: Option<String>,
    /// When it ends by itself: a timestamp, or a date whose end is meant.
    #[schemars(extend("format" = "moment"))]
    expires_at: Option<String>,
    /// Which versions of its files the share shows from now on. `exact`: the versions that were
    /// shared and those uploaded through it. `newest`: the newest version at each access, no matter
    /// who stored it.
    follow: Option<Follow>,
}

/// The share as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The share's id.
    share: String,
    /// What people call it.
    name: String,
    /// When it ends by itself.
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
}

pub(super) struct UpdateShare;

impl Action for UpdateShare {
    const NAME: &'static str = "file360.update_share";
    const SUMMARY: &'static str = "Rename a share, move its end, or say which versions it shows. Links stay the same.";
    const EFFECT: Effect = Effect::Write;
    type Input = Input;
    type Output = Output;
}

#[async_trait::async_trait]
impl SpaceAction for UpdateShare {
    async fn call(_: &Space, cx: &CallContext, store: &dyn Store, input: Input) -> Result<Done<Output>, ActionError> {
        let mut share = own_share(cx, store, &input.share).await?;
        let expires_at = ends_at(cx, input.expires_in.as_deref(), input.expires_at.as_deref())?;
        if input.name.is_none() && expires_at.is_none() && input.follow.is_none() {
            return Err(permanent(
                "there is nothing to change: give name, expires_in, expires_at or follow",
            ));
        }
        if let Some(name) = input.name {
            names::check_title(&name).map_err(|error| permanent(error.of("`name`")))?;
            share.name = name;
        }
        if let Some(expires_at) = expires_at {
            share.expires_at = expires_at;
        }
        if let Some(follow) = input.follow {
            check_follow(cx, follow)?;
            share.follow = follow;
        }
        let entry = AccessEntry {
            share: Some(share.id.to_string()),
            ..access(cx, AccessKind::Administer)
        };
        Ok(Done {
            output: Output {
                share: share.id.to_string(),
                name: share.name.clone(),
                expires_at: share.expires_at.to_string(),
            },
            writes: vec![Write::Access(entry), Write::PutShare(share)],
        })
    }
}
