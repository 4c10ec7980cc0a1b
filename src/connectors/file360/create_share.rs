//! `file360.create_share`.

use super::grants::{Invitation, invite};
use super::support::{
    access, actor, check_folder, check_follow, ends_at, folder, permanent, referenced, workspace, write,
};
use super::{Done, Space, SpaceAction};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::FileRef;
use crate::base::id::ShareId;
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::{Follow, Role, Share, SharedVersion, State, names};
use crate::spec::{Acquires, Effect};
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most files of a new share.
pub const MAX_FILES: usize = crate::space::life::MAX_SHARE_FILES;

/// What a new share is to be. It needs an end: `expires_in` or `expires_at`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What people call the share.
    name: String,
    /// The files to share, each at the exact version that is given. If empty, the share only
    /// accepts uploads.
    #[serde(default)]
    #[schemars(length(max = MAX_FILES))]
    files: Vec<FileRef>,
    /// Which versions of these files the share shows. `exact` (default): the given versions and
    /// those uploaded through the share. `newest`: the newest version at each access, no matter who
    /// stored it.
    #[serde(default)]
    follow: Follow,
    /// The workspace that uploads go to; the main one if none is given.
    workspace: Option<String>,
    /// The folder that uploads go to, as `/reviews`; a folder of the share's own if none is given.
    #[schemars(extend("format" = "folder"))]
    folder: Option<String>,
    /// After how long the share ends by itself, as `30 days`.
    #[schemars(extend("format" = "period"))]
    expires_in: Option<String>,
    /// When the share ends by itself: a timestamp, or a date whose end is meant.
    #[schemars(extend("format" = "moment"))]
    expires_at: Option<String>,
    /// Somebody to let in at once: `user:NAME`, `role:NAME`, `group:NAME`, a mail address, or
    /// `anyone`. For more people use `file360.set_permissions`.
    #[schemars(extend("format" = "principal"))]
    to: Option<String>,
    /// What they may do; `download` if nothing is said.
    role: Option<Role>,
    /// A password that they have to know besides the link. Only its hash is kept.
    #[schemars(extend("format" = "password"))]
    password: Option<String>,
    /// A few words for the mail that brings the link.
    message: Option<String>,
}

/// The new share.
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
    /// The workspace that uploads go to.
    workspace: String,
    /// The folder that uploads go to.
    folder: String,
}

pub(super) struct CreateShare;

impl Action for CreateShare {
    const NAME: &'static str = "file360.create_share";
    const SUMMARY: &'static str = "Share files for a while. The share ends with the run, or at its own time.";
    const EFFECT: Effect = Effect::Share;
    type Input = Input;
    type Output = Output;

    fn acquires() -> Option<Acquires> {
        Some(Acquires {
            kind: "share".to_owned(),
            output: "share".to_owned(),
            release: "file360.revoke_share".to_owned(),
            with: "share".to_owned(),
        })
    }
}

#[async_trait::async_trait]
impl SpaceAction for CreateShare {
    async fn call(
        space: &Space,
        cx: &CallContext,
        store: &dyn Store,
        input: Input,
    ) -> Result<Done<Output>, ActionError> {
        let share = new_share(cx, store, &input).await?;
        let output = Output {
            share: share.id.to_string(),
            name: share.name.clone(),
            expires_at: share.expires_at.to_string(),
            workspace: share.workspace.to_string(),
            folder: share.folder.clone(),
        };
        let entry = AccessEntry {
            share: Some(share.id.to_string()),
            ..access(cx, AccessKind::Administer)
        };
        let mut writes = vec![Write::Access(entry), Write::PutShare(share.clone())];
        if let Some(to) = input.to {
            let invitation = Invitation {
                to,
                role: input.role.unwrap_or(Role::Download),
                password: input.password,
                notify: true,
                message: input.message,
                code_by_mail: false,
            };
            writes.extend(invite(space, cx, store, &share, invitation).await?.writes);
        } else if input.role.is_some() || input.password.is_some() || input.message.is_some() {
            return Err(permanent(
                "role, password and message are for whoever `to` names, and `to` is missing",
            ));
        }
        Ok(Done { output, writes })
    }
}

async fn new_share(cx: &CallContext, store: &dyn Store, input: &Input) -> Result<Share, ActionError> {
    names::check_title(&input.name).map_err(|error| permanent(error.of("`name`")))?;
    if input.files.len() > MAX_FILES {
        return Err(permanent(format!(
            "files: there are {}, at most {MAX_FILES} can be shared at once",
            input.files.len()
        )));
    }
    let expires_at = ends_at(cx, input.expires_in.as_deref(), input.expires_at.as_deref())?
        .ok_or_else(|| permanent("a share needs an end: give expires_in, as `30 days`, or expires_at"))?;
    let mut files: Vec<SharedVersion> = Vec::with_capacity(input.files.len());
    for reference in &input.files {
        let (file, version) = referenced(store, reference).await?;
        let shared = SharedVersion::new(&file, &version);
        if !files.contains(&shared) {
            files.push(shared);
        }
    }
    check_follow(cx, input.follow)?;
    let id = ShareId::derived(&cx.key);
    let is_placed = input.folder.is_some() || input.workspace.is_some();
    let workspace = workspace(store, input.workspace.as_deref()).await?;
    let folder = match &input.folder {
        Some(text) => folder("folder", text)?,
        None => format!("/shares/{id}"),
    };
    if is_placed {
        check_folder(cx, store, &workspace, &folder, write).await?;
    }
    Ok(Share {
        name: input.name.clone(),
        workspace,
        folder,
        files,
        follow: input.follow,
        expires_at,
        state: State::Live,
        downloaded: Vec::new(),
        has_ended_with_run: false,
        created_by: actor(cx),
        created_at: cx.now,
        run: Some(cx.run.clone()),
        request: None,
        rev: 0,
        id,
    })
}
