//! `file360.add_comment`.

use super::support::{access, access_to, actor, event, own_share, permanent, referenced};
use super::{Done, Space, SpaceAction};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::FileRef;
use crate::base::id::CommentId;
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::events::{CommentAdded, CommentRef};
use crate::space::{Comment, names};
use crate::spec::Effect;
use crate::store::{Store, Write};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be said, and about what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The share's id.
    share: String,
    /// The file of the share that it is about, if about one.
    file: Option<FileRef>,
    /// The words, as plain text.
    text: String,
}

/// The new comment.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The comment's id.
    comment: String,
    /// The share's id.
    share: String,
}

pub(super) struct AddComment;

impl Action for AddComment {
    const NAME: &'static str = "file360.add_comment";
    const SUMMARY: &'static str = "Write a comment for everybody in a share.";
    const EFFECT: Effect = Effect::Write;
    type Input = Input;
    type Output = Output;
}

#[async_trait::async_trait]
impl SpaceAction for AddComment {
    async fn call(_: &Space, cx: &CallContext, store: &dyn Store, input: Input) -> Result<Done<Output>, ActionError> {
        let share = own_share(cx, store, &input.share).await?;
        names::check_comment(&input.text).map_err(|error| permanent(error.of("`text`")))?;
        let file = match &input.file {
            Some(reference) => {
                let (file, version) = referenced(store, reference).await?;
                if !share.holds(&file.id) {
                    return Err(permanent(format!("{} is not in the share", file.name)));
                }
                Some(file.reference_to(&version))
            }
            None => None,
        };
        let comment = Comment {
            id: CommentId::derived(&cx.key),
            share: share.id.clone(),
            file: file.as_ref().map(|file| file.id.as_str().into()),
            text: input.text,
            by: actor(cx),
            at: cx.now,
        };
        let entry = match &file {
            Some(file) => access_to(cx, AccessKind::Comment, Some(&share.id), file),
            None => AccessEntry {
                share: Some(share.id.to_string()),
                ..access(cx, AccessKind::Comment)
            },
        };
        let added = CommentAdded {
            share: share.id.to_string(),
            comment: CommentRef {
                id: comment.id.to_string(),
                text: comment.text.clone(),
            },
            file,
            by: comment.by.clone(),
            at: cx.now,
        };
        Ok(Done {
            output: Output {
                comment: comment.id.to_string(),
                share: share.id.to_string(),
            },
            writes: vec![Write::Access(entry), Write::AddComment(comment), event(cx, &added)],
        })
    }
}
