//! What happens on a time line, done through the host as the doors of the product do it.

use super::facts::{fits, parties, party};
use super::file::{
    CommentSpec, DownloadSpec, EntrySpec, EventSpec, FileSpec, LookSpec, PutSpec, UploadSpec, VisitSpec, WebhookSpec,
};
use super::material::{self, Material};
use super::stage::Stage;
use crate::audit::Origin;
use crate::base::id::{EventId, FileId, RunId, WorkspaceId, hex};
use crate::base::network::Network;
use crate::base::{FileRef, Timestamp, Value};
use crate::engine::{InboundEvent, SENT_BY};
use crate::host::HostError;
use crate::host::files::Visitor;
use crate::host::runs::StartRun;
use crate::space::{Grant, Workspace};
use crate::spec::InputKind;
use indexmap::IndexMap;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

/// Where files lie that a test gives without a folder.
const FOLDER: &str = "/rehearsal";

/// Why something did not happen.
#[derive(Debug)]
pub enum Fault {
    /// The product refused it, in a sentence.
    Refused(String),
    /// The test does not make sense here, in a sentence.
    Wrong(String),
    /// What was found is not what the test says, in a sentence; and what was found.
    Other(String, Value),
    /// Something around the rehearsal failed.
    Broken(String),
}

impl From<HostError> for Fault {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Store(_) | HostError::Damaged { .. } | HostError::ShuttingDown => {
                Self::Broken(error.to_string())
            }
            refused => Self::Refused(refused.to_string()),
        }
    }
}

/// Does things on a stage.
pub struct Actor<'a, 's> {
    /// Where.
    pub stage: &'a Stage<'s>,
    /// The run that the case is about, once there is one.
    pub run: Option<RunId>,
    /// What makes the ids of this entry its own.
    pub key: String,
}

pub(super) type Done = Result<(), Fault>;

impl Actor<'_, '_> {
    /// Does what an entry says; what concerns the stage itself is done elsewhere.
    pub async fn perform(&self, entry: &EntrySpec) -> Done {
        if let Some(upload) = &entry.upload {
            return self.upload(upload).await;
        }
        if let Some(comment) = &entry.comment {
            return self.comment(comment).await;
        }
        if let Some(open) = &entry.open {
            return self.open(open).await;
        }
        if let Some(download) = &entry.download {
            return self.download(download).await;
        }
        if let Some(revoke) = &entry.revoke {
            let by = party(&self.stage.setting.directory, &revoke.by);
            let grant = self.grant_of(&revoke.from).await?;
            self.stage.host.revoke_grant(&grant.id, &by).await?;
            return Ok(());
        }
        if let Some(put) = &entry.put {
            return self.put(put).await;
        }
        if let Some(event) = &entry.event {
            return self.event(event).await;
        }
        if let Some(webhook) = &entry.webhook {
            return self.webhook(webhook).await;
        }
        if let Some(done) = self.about_papers(entry).await {
            return done;
        }
        if let Some(done) = self.about_a_task(entry).await {
            return done;
        }
        self.by_hand(entry).await
    }

    async fn by_hand(&self, entry: &EntrySpec) -> Done {
        let host = &self.stage.host;
        let directory = &self.stage.setting.directory;
        if let Some(fail) = &entry.fail {
            self.stage.setting.world.fail(fail.clone());
        }
        if let Some(cancel) = &entry.cancel {
            let by = party(directory, &cancel.by);
            host.cancel_run(self.run()?, &by, &cancel.reason).await?;
        }
        if let Some(change) = &entry.change {
            let by = party(directory, &change.by);
            let values: Map<String, Value> = change.values.clone().into_iter().collect();
            host.set_values(self.run()?, values, &by, &change.reason).await?;
        }
        if let Some(configure) = &entry.configure {
            let by = party(directory, &configure.by);
            self.configure(&by, &configure.settings).await?;
        }
        if let Some(look) = &entry.look {
            self.look(look).await?;
        }
        if let Some(retry) = &entry.retry {
            let by = party(directory, &retry.by);
            host.retry_step(self.run()?, &retry.step, &by, &retry.reason).await?;
        }
        if let Some(skip) = &entry.skip {
            let by = party(directory, &skip.by);
            host.skip_step(self.run()?, &skip.step, &by, &skip.reason).await?;
        }
        if let Some(set) = &entry.set {
            host.set_step(self.run()?, set.of(party(directory, &set.by))).await?;
        }
        Ok(())
    }

    /// Gives settings of the flow under test.
    pub async fn configure(&self, by: &str, settings: &IndexMap<String, Value>) -> Done {
        let settings: Map<String, Value> = settings.clone().into_iter().collect();
        let flow = &self.stage.setting.plan.flow;
        self.stage
            .host
            .set_settings(flow, &settings, by, Origin::default())
            .await?;
        Ok(())
    }

    /// Holds what somebody finds against what they must find.
    async fn look(&self, look: &LookSpec) -> Done {
        let found = if let Some(step) = &look.step {
            let by = party(&self.stage.setting.directory, &look.by);
            let task = self.task(&by, Some(step), None).await?;
            if !task.is_shown_to(&by, None) {
                return Err(Fault::Refused("there is no such task for you".to_owned()));
            }
            json!(task)
        } else if look.settings {
            let views = self.stage.host.settings_of(&self.stage.setting.plan.flow).await?;
            let found = views.into_iter().map(|view| (view.name, json!(view.value)));
            Value::Object(found.collect())
        } else {
            json!(self.stage.host.run_view(self.run()?).await?)
        };
        if fits(&found, &look.finds) {
            return Ok(());
        }
        let keys = look.finds.as_object().into_iter().flatten().map(|(key, _)| key);
        let seen: Map<String, Value> = keys
            .filter_map(|key| Some((key.clone(), found.get(key)?.clone())))
            .collect();
        let message = format!("{} finds something else", look.by);
        Err(Fault::Other(message, Value::Object(seen)))
    }

    pub(super) fn run(&self) -> Result<&RunId, Fault> {
        let missing = || Fault::Wrong("no run of the flow has begun at this moment".to_owned());
        self.run.as_ref().ok_or_else(missing)
    }

    /// Starts the flow under test by hand.
    pub async fn start(&self, by: &str, inputs: &IndexMap<String, Value>) -> Result<RunId, Fault> {
        let initiator = party(&self.stage.setting.directory, by);
        let inputs = self.inputs(&initiator, inputs).await?;
        let start = StartRun {
            flow: self.stage.setting.plan.flow.clone(),
            inputs,
            initiator,
            trigger: "manual".to_owned(),
            ..StartRun::default()
        };
        Ok(self.stage.host.start_run(start).await?)
    }

    /// The inputs, with every file put where the host finds it.
    async fn inputs(&self, by: &str, given: &IndexMap<String, Value>) -> Result<Value, Fault> {
        let mut inputs = Map::new();
        for (name, value) in given {
            let spec = self.stage.setting.plan.inputs.get(name);
            let kind = spec.map(|spec| (spec.kind, spec.of));
            let value = match (kind, value) {
                (Some((InputKind::File, _)), value) => self.given_file(name, by, value).await?,
                (Some((InputKind::List, Some(InputKind::File))), Value::Array(files)) => {
                    let mut documents = Vec::with_capacity(files.len());
                    for file in files {
                        documents.push(self.given_file(name, by, file).await?);
                    }
                    Value::Array(documents)
                }
                (_, value) => value.clone(),
            };
            inputs.insert(name.clone(), value);
        }
        Ok(Value::Object(inputs))
    }

    async fn given_file(&self, input: &str, by: &str, value: &Value) -> Result<Value, Fault> {
        let file: FileSpec = serde_path_to_error::deserialize(value).map_err(|error| {
            let why = if value.is_object() {
                format!(" ({})", error.inner())
            } else {
                String::new()
            };
            Fault::Wrong(format!(
                "input `{input}` is a file: write `{{ name: contract.pdf, text: … }}`{why}"
            ))
        })?;
        let by = file
            .by
            .as_ref()
            .map_or_else(|| by.to_owned(), |by| party(&self.stage.setting.directory, by));
        let bytes = self.bytes(file.material())?;
        let folder = file.folder.as_deref().unwrap_or(FOLDER);
        if let Some(same) = self.put_before(folder, &file.name, &bytes).await? {
            return Ok(same);
        }
        let host = &self.stage.host;
        let document = host.put_file(&by, folder, &file.name, bytes.as_slice()).await?;
        Ok(json!({ "id": document.id, "version": document.version }))
    }

    /// The same file given before: a request that is repeated names the same version.
    async fn put_before(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<Option<Value>, Fault> {
        let workspace = WorkspaceId::from(Workspace::MAIN);
        let found = self.stage.store.file_named(&workspace, folder, name).await;
        let Some(file) = found.map_err(HostError::from)? else {
            return Ok(None);
        };
        let sha256 = hex(&Sha256::digest(bytes));
        let newest = file.reference_to(file.current());
        let same = json!({ "id": newest.id, "version": newest.version });
        Ok((newest.sha256 == sha256).then_some(same))
    }

    pub(super) fn bytes(&self, given: Material<'_>) -> Result<Vec<u8>, Fault> {
        material::bytes(given, &self.stage.setting.shelf).map_err(Fault::Wrong)
    }

    /// The grant of the link that somebody received last.
    async fn grant_of(&self, visitor: &str) -> Result<Grant, Fault> {
        let directory = &self.stage.setting.directory;
        let wanted = parties(directory, visitor).map_err(Fault::Wrong)?;
        let shares = self.stage.host.shares_of(self.run()?).await?;
        let grants = shares.into_iter().flat_map(|(_, grants)| grants);
        let mut theirs = grants.filter(|grant| {
            let to = parties(directory, &grant.to.to_string()).unwrap_or_default();
            to.iter().any(|person| wanted.contains(person))
        });
        theirs
            .next_back()
            .ok_or_else(|| Fault::Refused(format!("nothing has been shared with {visitor}")))
    }

    /// Enters the share as somebody, through the link that they received last.
    pub(super) async fn enter(&self, visitor: &str, password: Option<&str>) -> Result<Visitor, Fault> {
        let grant = self.grant_of(visitor).await?;
        let token = self.stage.setting.links.token(&grant.id);
        if grant.codes.is_some() {
            // People in tests are who they are: they have read their mail.
            return Ok(self.stage.host.knock(&token).await?);
        }
        Ok(self.stage.host.enter(&token, password, Network::LOCAL).await?)
    }

    async fn upload(&self, upload: &UploadSpec) -> Done {
        let bytes = self.bytes(upload.material())?;
        let visitor = self.enter(&upload.visitor, upload.password.as_deref()).await?;
        self.stage.host.upload(&visitor, &upload.name, bytes.as_slice()).await?;
        Ok(())
    }

    async fn comment(&self, comment: &CommentSpec) -> Done {
        let visitor = self.enter(&comment.visitor, comment.password.as_deref()).await?;
        let file = match &comment.file {
            Some(name) => Some(self.shared(&visitor, Some(name)).await?),
            None => None,
        };
        self.stage.host.comment(&visitor, file.as_ref(), &comment.text).await?;
        Ok(())
    }

    async fn open(&self, open: &VisitSpec) -> Done {
        let visitor = self.enter(&open.visitor, open.password.as_deref()).await?;
        self.stage.host.view_share(&visitor).await?;
        self.stage.host.open_share(&visitor).await?;
        Ok(())
    }

    async fn download(&self, download: &DownloadSpec) -> Done {
        let visitor = self.enter(&download.visitor, download.password.as_deref()).await?;
        let file = self.shared(&visitor, download.file.as_ref()).await?;
        let mut open = self
            .stage
            .host
            .download(&visitor, &file, download.version, true)
            .await?;
        let mut bytes = Vec::new();
        let read = open.bytes.read_to_end(&mut bytes).await;
        read.map_err(|error| Fault::Broken(error.to_string()))?;
        Ok(self.stage.host.record_download(&open.download).await?)
    }

    /// The file of this name in the share, or the first one.
    async fn shared(&self, visitor: &Visitor, name: Option<&String>) -> Result<FileId, Fault> {
        let view = self.stage.host.view_share(visitor).await?;
        let is_it = |file: &&FileRef| name.is_none_or(|name| file.name == *name);
        let found = view.files.iter().find(is_it).map(|file| FileId(file.id.clone()));
        found.ok_or_else(|| {
            let names: Vec<&str> = view.files.iter().map(|file| file.name.as_str()).collect();
            Fault::Refused(match name {
                Some(name) => format!("there is no {name} in the share; there is {}", names.join(", ")),
                None => "there is no file in the share".to_owned(),
            })
        })
    }

    async fn put(&self, put: &PutSpec) -> Done {
        let bytes = self.bytes(put.material())?;
        let by = party(&self.stage.setting.directory, &put.by);
        let host = &self.stage.host;
        let day = put.valid_until.as_deref();
        host.put_file_once(&by, &put.folder, &put.name, bytes.as_slice(), None, day)
            .await?;
        Ok(())
    }

    async fn event(&self, event: &EventSpec) -> Done {
        let id = event.id.clone().unwrap_or_else(|| format!("rehearsal:{}", self.key));
        let at: Timestamp = self.stage.now();
        let inbound = InboundEvent {
            id: EventId(id),
            kind: event.kind.clone(),
            subjects: Vec::new(),
            key: event.key.clone(),
            data: self.sent(event),
            at,
        };
        Ok(self.stage.host.publish_event(inbound).await?)
    }

    /// The fields of an outside event, including its sender.
    fn sent(&self, event: &EventSpec) -> Value {
        let mut data: Map<String, Value> = event.data.clone().into_iter().collect();
        let sender = event.by.as_ref().map(|by| party(&self.stage.setting.directory, by));
        data.extend(sender.map(|sender| (SENT_BY.to_owned(), Value::String(sender))));
        Value::Object(data)
    }

    async fn webhook(&self, webhook: &WebhookSpec) -> Done {
        let body = self.inputs("trigger:webhook", &webhook.body).await?;
        let delivery = webhook.delivery.clone().unwrap_or_else(|| self.key.clone());
        let flow = &self.stage.setting.plan.flow;
        self.stage.host.webhook(flow, &delivery, body).await?;
        Ok(())
    }
}
