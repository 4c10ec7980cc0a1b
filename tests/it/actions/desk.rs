//! A desk at which the actions of the file space are called, and what they have written is looked at.

use super::{Installation, at, context, fits};
use gatefold::audit::AccessEntry;
use gatefold::base::Value;
use gatefold::connect::{ActionError, CallContext, Handler, Registry};
use gatefold::engine::InboundEvent;
use gatefold::space::{Content, File, Grant, Share, Workspace};
use gatefold::spec::Catalog;
use gatefold::store::memory::MemoryStore;
use gatefold::store::{CommitError, MailState, OutboxMail, Store, UnitOfWork, Write};

/// The actions, and a store that holds what they write.
pub struct Desk {
    pub installation: Installation,
    pub registry: Registry,
    pub catalog: Catalog,
    pub store: MemoryStore,
}

impl Desk {
    pub fn new() -> Self {
        let installation = Installation::new();
        let registry = installation.registry();
        Self {
            catalog: registry.catalog(),
            registry,
            installation,
            store: MemoryStore::default(),
        }
    }

    /// What an action wants written, not yet written.
    pub async fn decide(
        &self,
        cx: &CallContext,
        action: &str,
        input: Value,
    ) -> Result<(Value, Vec<Write>), ActionError> {
        let registered = self.registry.get(action).unwrap();
        let Handler::Local(handler) = &registered.handler else {
            panic!("{action} is not local")
        };
        let effect = handler.call(cx, &self.store, input).await?;
        fits(&registered.info.output, &effect.output);
        assert!(
            effect.writes.is_empty() || effect.writes.iter().any(|write| matches!(write, Write::Access(_))),
            "{action} leaves no line in the access log"
        );
        Ok((effect.output, effect.writes))
    }

    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        self.store.commit(UnitOfWork { run: None, writes }).await
    }

    pub async fn act_as(&self, cx: &CallContext, action: &str, input: Value) -> Result<Value, ActionError> {
        let (output, writes) = self.decide(cx, action, input).await?;
        self.commit(writes).await.unwrap();
        Ok(output)
    }

    pub async fn act(&self, step: &str, action: &str, input: Value) -> Result<Value, ActionError> {
        self.act_as(&context(step), action, input).await
    }

    pub async fn refused(&self, action: &str, input: Value) -> String {
        let before = self.log().await.len();
        match self.act("refused", action, input.clone()).await {
            Err(ActionError::Permanent(message)) => {
                assert_eq!(self.log().await.len(), before);
                message
            }
            other => panic!("{action} {input}: {other:?}"),
        }
    }

    /// A contract that Anna has put into the main workspace.
    pub async fn contract(&self) -> Value {
        let content = Content {
            sha256: "aa".repeat(32),
            size: 10,
            media_type: "application/pdf".into(),
        };
        let file = File::create(
            "fil_c".into(),
            Workspace::MAIN.into(),
            "/in".into(),
            "contract.pdf".into(),
            content,
            "user:anna",
            at(-10),
        );
        self.commit(vec![Write::PutFile(file)]).await.unwrap();
        self.reference("fil_c").await
    }

    pub async fn reference(&self, id: &str) -> Value {
        serde_json::to_value(self.store.file(&id.into()).await.unwrap().unwrap().reference()).unwrap()
    }

    pub async fn share(&self, id: &Value) -> Share {
        self.store.share(&id.as_str().unwrap().into()).await.unwrap().unwrap()
    }

    pub async fn grant(&self, id: &Value) -> Grant {
        self.store.grant(&id.as_str().unwrap().into()).await.unwrap().unwrap()
    }

    pub async fn log(&self) -> Vec<AccessEntry> {
        self.store
            .access_log(None, 0, 1000)
            .await
            .unwrap()
            .into_iter()
            .map(|(_, entry)| entry)
            .collect()
    }

    pub async fn mails(&self) -> Vec<OutboxMail> {
        self.store.mails(MailState::Queued, 100).await.unwrap()
    }

    /// Recorded events; each fits the catalogue.
    pub async fn events(&self) -> Vec<InboundEvent> {
        let pending = self.store.pending_events(at(0), 100).await.unwrap();
        let events: Vec<InboundEvent> = pending.into_iter().map(|pending| pending.event).collect();
        for event in &events {
            fits(&self.catalog.event(&event.kind).unwrap().data, &event.data);
        }
        events
    }
}
