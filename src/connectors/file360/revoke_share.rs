//! `file360.revoke_share`.

use super::support::{access, actor, check_own, event, share, store_failed};
use super::{Done, Space, SpaceAction};
use crate::audit::{AccessEntry, AccessKind};
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::events::ShareRevoked;
use crate::space::{Share, State};
use crate::spec::Effect;
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which share is to end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The share's id.
    share: String,
}

/// The share as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The share's id.
    share: String,
    /// Whether this call ended it; false where it was over already.
    revoked: bool,
}

pub(super) struct RevokeShare;

impl Action for RevokeShare {
    const NAME: &'static str = "file360.revoke_share";
    const SUMMARY: &'static str = "End a share and every link into it, now and for good. One that is over stays so.";
    const EFFECT: Effect = Effect::Write;
    type Input = Input;
    type Output = Output;
}

#[async_trait::async_trait]
impl SpaceAction for RevokeShare {
    async fn call(_: &Space, cx: &CallContext, store: &dyn Store, input: Input) -> Result<Done<Output>, ActionError> {
        let share = share(store, &input.share).await?;
        check_own(cx, &share)?;
        let id = share.id.to_string();
        let Some(share) = share.revoked() else {
            return Ok(Done {
                output: Output {
                    share: id,
                    revoked: false,
                },
                writes: Vec::new(),
            });
        };
        Ok(Done {
            output: Output {
                share: id,
                revoked: true,
            },
            writes: revocation(cx, store, share).await?,
        })
    }
}

/// The share goes first: from that write on nobody gets in, whatever becomes of the grants.
async fn revocation(cx: &CallContext, store: &dyn Store, share: Share) -> Result<Vec<Write>, ActionError> {
    let revoked = ShareRevoked {
        share: share.id.to_string(),
        by: actor(cx),
        at: cx.now,
    };
    let grants = store.grants_of(&share.id).await.map_err(store_failed)?;
    let entry = AccessEntry {
        share: Some(share.id.to_string()),
        ..access(cx, AccessKind::Administer)
    };
    let mut writes = vec![Write::Access(entry), Write::PutShare(share)];
    writes.extend(
        grants
            .into_iter()
            .filter_map(|grant| grant.ended(State::Revoked))
            .map(Write::PutGrant),
    );
    writes.push(event(cx, &revoked));
    Ok(writes)
}
