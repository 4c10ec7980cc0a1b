//! `file360.set_permissions`.

use super::grants::{Invitation, invite};
use super::support::own_share;
use super::{Done, Space, SpaceAction};
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::Role;
use crate::spec::Effect;
use crate::store::Store;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may do what in a share. Said again for the same party, it changes what they may do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The share's id.
    share: String,
    /// The recipient: `user:NAME`, `role:NAME`, `group:NAME`, a mail address, or `anyone` for
    /// anybody who has the link. Each member of a role or group gets their own link, which works as
    /// long as they have the role or group.
    #[schemars(extend("format" = "principal"))]
    to: String,
    /// What they may do; each role includes the ones before it.
    role: Role,
    /// A password that they have to know besides the link. Only its hash is kept.
    #[schemars(extend("format" = "password"))]
    password: Option<String>,
    /// Whether the link goes out by mail.
    #[serde(default = "yes")]
    notify: bool,
    /// A few words for that mail.
    message: Option<String>,
}

const fn yes() -> bool {
    true
}

/// The permission as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The grant's id, which is the same for the same share and party. For a role or group, the id
    /// of the first member's grant.
    grant: String,
    /// The ids of all grants; for a role or group, one for each member.
    grants: Vec<String>,
    /// The share's id.
    share: String,
    /// Who, in the form `user:NAME`, `role:NAME`, `group:NAME`, `email:ADDRESS` or `anyone`.
    to: String,
    /// What they may do.
    role: Role,
}

pub(super) struct SetPermissions;

impl Action for SetPermissions {
    const NAME: &'static str = "file360.set_permissions";
    const SUMMARY: &'static str = "Let somebody into a share, or change what they may do in it. Ends with the share.";
    const EFFECT: Effect = Effect::Share;
    type Input = Input;
    type Output = Output;
}

#[async_trait::async_trait]
impl SpaceAction for SetPermissions {
    async fn call(
        space: &Space,
        cx: &CallContext,
        store: &dyn Store,
        input: Input,
    ) -> Result<Done<Output>, ActionError> {
        let share = own_share(cx, store, &input.share).await?;
        let role = input.role;
        let invitation = Invitation {
            to: input.to,
            role,
            password: input.password,
            notify: input.notify,
            message: input.message,
            code_by_mail: false,
        };
        let invited = invite(space, cx, store, &share, invitation).await?;
        let grants: Vec<String> = invited.grants.iter().map(|grant| grant.id.to_string()).collect();
        Ok(Done {
            output: Output {
                grant: grants.first().cloned().unwrap_or_default(),
                grants,
                share: share.id.to_string(),
                to: invited.to.to_string(),
                role,
            },
            writes: invited.writes,
        })
    }
}
