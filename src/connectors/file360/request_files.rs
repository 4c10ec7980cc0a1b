//! `file360.request_files`.

use super::grants::{Invitation, invite};
use super::support::{access, actor, check_folder, ends_at, folder, permanent, workspace, write};
use super::{Done, Space, SpaceAction};
use crate::audit::{AccessEntry, AccessKind};
use crate::base::id::ShareId;
use crate::base::{ItemState, Period, Timestamp};
use crate::connect::{ActionError, CallContext};
use crate::connectors::action::Action;
use crate::space::request::{Item, ItemCheck, Need};
use crate::space::{Follow, Request, Role, Share, State, names};
use crate::spec::limits::{MAX_BRANCHES, MAX_ITEM_FILES, MAX_ITEM_LABELS, MAX_ITEMS};
use crate::spec::shape::is_label;
use crate::spec::values::bytes;
use crate::spec::{Acquires, Effect};
use crate::store::{Store, Write};
use indexmap::IndexMap;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// After how many days a request ends by itself that was given no end. It ends with its run before.
const LONGEST_DAYS: i64 = 3_650;

/// What somebody is asked for. The verb `collect` does this, and follows what comes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What people call the request.
    name: String,
    /// Who is asked: `user:NAME`, `role:NAME`, `group:NAME`, a mail address, or `anyone`.
    #[schemars(extend("format" = "principal"))]
    to: String,
    /// What is asked for, by name.
    #[schemars(extend("minProperties" = 1, "maxProperties" = MAX_ITEMS))]
    items: IndexMap<String, ItemInput>,
    /// Where the files go: a folder of the main workspace, as `/suppliers`, or a workspace. Each
    /// request has a folder of its own there.
    into: Option<String>,
    /// After how long the request ends by itself, as `30 days`; with the run if nothing is said.
    #[schemars(extend("format" = "period"))]
    expires_in: Option<String>,
    /// When the request ends by itself: a timestamp, or a date whose end is meant.
    #[schemars(extend("format" = "moment"))]
    expires_at: Option<String>,
    /// A few words for the mail that brings the link.
    message: Option<String>,
    /// Whether whoever opens the link enters a code that is sent to them by mail. Then one person is asked.
    #[serde(default)]
    code_by_mail: bool,
}

/// One item.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemInput {
    /// What people call it.
    title: String,
    /// What to send, and how.
    instructions: Option<String>,
    /// Types of files that are taken, as `pdf`; any where there is none.
    #[serde(default)]
    accept: Vec<String>,
    /// Largest file, in bytes.
    max_bytes: Option<u64>,
    /// The same as people read it, as `50 MB`.
    max_size: Option<String>,
    /// Fewest files; 1 if nothing is said.
    #[schemars(range(min = 1, max = MAX_ITEM_FILES))]
    min: Option<u32>,
    /// Most files; `min` if nothing is said.
    #[schemars(range(min = 1, max = MAX_ITEM_FILES))]
    max: Option<u32>,
    /// Whether the request is complete without it.
    #[serde(default)]
    optional: bool,
    /// Whether it may be said why it does not apply.
    #[serde(default)]
    or_because: bool,
    /// Whether a day until which it is valid is entered.
    valid_until: Option<Need>,
    /// How far ahead that day has to lie at least, as `30 days`.
    #[schemars(extend("format" = "period"))]
    at_least: Option<String>,
    /// How long before that day the document is due for renewal, as `30 days`.
    #[schemars(extend("format" = "period"))]
    renew_before: Option<String>,
    /// Words that are kept with each file, as `confidential`.
    #[serde(default)]
    #[schemars(length(max = MAX_ITEM_LABELS))]
    label: Vec<String>,
    /// What must hold of each file.
    #[serde(default)]
    #[schemars(length(max = MAX_BRANCHES))]
    checks: Vec<ItemCheck>,
    /// For the verb `collect` alone, which asks those who look at it.
    #[serde(default)]
    #[schemars(skip)]
    reviewed: bool,
}

/// The new request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The request's id, which is that of a share.
    request: String,
    /// What people call it.
    name: String,
    /// When it ends by itself.
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
    /// The workspace that the files go to.
    workspace: String,
    /// The folder that they go to.
    folder: String,
}

pub(super) struct RequestFiles;

impl Action for RequestFiles {
    const NAME: &'static str = "file360.request_files";
    const SUMMARY: &'static str = "Ask somebody for documents, item by item. The request ends with the run.";
    const EFFECT: Effect = Effect::Share;
    type Input = Input;
    type Output = Output;

    fn acquires() -> Option<Acquires> {
        Some(Acquires {
            kind: "request".to_owned(),
            output: "request".to_owned(),
            release: "file360.revoke_share".to_owned(),
            with: "share".to_owned(),
        })
    }
}

#[async_trait::async_trait]
impl SpaceAction for RequestFiles {
    async fn call(
        space: &Space,
        cx: &CallContext,
        store: &dyn Store,
        input: Input,
    ) -> Result<Done<Output>, ActionError> {
        let share = new_request(cx, store, &input).await?;
        let output = Output {
            request: share.id.to_string(),
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
        let invitation = Invitation {
            to: input.to,
            role: Role::Contribute,
            password: None,
            notify: true,
            message: input.message,
            code_by_mail: input.code_by_mail,
        };
        writes.extend(invite(space, cx, store, &share, invitation).await?.writes);
        Ok(Done { output, writes })
    }
}

async fn new_request(cx: &CallContext, store: &dyn Store, input: &Input) -> Result<Share, ActionError> {
    names::check_title(&input.name).map_err(|error| permanent(error.of("`name`")))?;
    if input.items.is_empty() || input.items.len() > MAX_ITEMS {
        let count = input.items.len();
        return Err(permanent(format!(
            "items: there are {count}; a request has 1 to {MAX_ITEMS}"
        )));
    }
    let expires_at = ends_at(cx, input.expires_in.as_deref(), input.expires_at.as_deref())?.unwrap_or(latest(cx.now));
    let items = input.items.iter().map(|(name, item)| new_item(name, item));
    let id = ShareId::derived(&cx.key);
    let (place, within) = match input.into.as_deref() {
        Some(path) if path.starts_with('/') => (None, folder("into", path)?),
        other => (other, "/requests".to_owned()),
    };
    let workspace = workspace(store, place).await?;
    // The request gets its own folder, so that nobody sees other files with the same name.
    let folder = folder("into", &format!("{}/{id}", within.trim_end_matches('/')))?;
    if input.into.is_some() {
        check_folder(cx, store, &workspace, &folder, write).await?;
    }
    Ok(Share {
        name: input.name.clone(),
        workspace,
        folder,
        files: Vec::new(),
        follow: Follow::Exact,
        expires_at,
        state: State::Live,
        downloaded: Vec::new(),
        has_ended_with_run: false,
        created_by: actor(cx),
        created_at: cx.now,
        run: Some(cx.run.clone()),
        request: Some(Request {
            zone: cx.calendar.as_ref().map_or("UTC", |calendar| &calendar.zone).to_owned(),
            semantics: cx.semantics,
            items: items.collect::<Result<_, _>>()?,
            changes: 0,
            withdrawn: None,
            complete: false,
        }),
        rev: 0,
        id,
    })
}

fn latest(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * LONGEST_DAYS))
        .unwrap_or(Timestamp::MAX)
}

fn new_item(name: &str, input: &ItemInput) -> Result<Item, ActionError> {
    let wrong = |why: String| permanent(format!("items.{name}: {why}"));
    let is_name = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if name.is_empty() || !is_name {
        return Err(permanent("items: a name has letters, digits and _"));
    }
    names::check_title(&input.title).map_err(|error| wrong(format!("title: {error}")))?;
    if let Some(size) = &input.max_size
        && bytes(size) != input.max_bytes
    {
        return Err(wrong(format!("max_size: {size} is not max_bytes in words")));
    }
    let min = input.min.unwrap_or(1);
    let max = input.max.unwrap_or(min);
    if min == 0 || max < min || max > MAX_ITEM_FILES {
        return Err(wrong(format!(
            "there are at least {min} and at most {max} files: give 1 to {MAX_ITEM_FILES}, the fewer first"
        )));
    }
    for (key, text) in [("at_least", &input.at_least), ("renew_before", &input.renew_before)] {
        let Some(text) = text else { continue };
        let period = Period::parse(text).map_err(|error| wrong(format!("{key}: {error}")))?;
        if period.needs_calendar() {
            return Err(wrong(format!(
                "{key}: {text} counts working time, and a day is entered"
            )));
        }
    }
    if input.label.len() > MAX_ITEM_LABELS || !input.label.iter().all(|word| is_label(word)) {
        return Err(wrong(format!(
            "label: give at most {MAX_ITEM_LABELS} words of small letters, digits, - and _"
        )));
    }
    Ok(Item {
        name: name.to_owned(),
        title: input.title.clone(),
        instructions: input.instructions.clone(),
        accept: input.accept.clone(),
        max_bytes: input.max_bytes,
        max_size: input.max_size.clone(),
        min,
        max,
        optional: input.optional,
        or_because: input.or_because,
        valid_until: input.valid_until,
        at_least: input.at_least.clone(),
        renew_before: input.renew_before.clone(),
        label: input.label.clone(),
        reviewed: input.reviewed,
        checks: input.checks.clone(),
        state: ItemState::Missing,
        files: Vec::new(),
        reason: None,
        change: 0,
        unchanged: false,
    })
}
