//! Events: recorded once, delivered once to every run and trigger that they concern.

use super::{Host, HostError};
use crate::base::Value;
use crate::engine::InboundEvent;
use std::sync::Arc;

impl Host {
    /// Records an event from outside and delivers it. One of the same id is recorded once.
    pub async fn publish_event(self: &Arc<Self>, event: InboundEvent) -> Result<(), HostError> {
        let _ = event;
        todo!()
    }

    /// A webhook call for `flow`, already checked: its signature is right and fresh. The same
    /// `delivery` starts one run, however often it is sent.
    pub async fn webhook(
        self: &Arc<Self>,
        flow: &str,
        delivery: &str,
        body: Value,
    ) -> Result<crate::base::id::RunId, HostError> {
        let _ = (flow, delivery, body);
        todo!()
    }

    /// The secret that signs webhook calls for `flow`.
    pub async fn webhook_secret(&self, flow: &str) -> Result<secrecy::SecretString, HostError> {
        let _ = flow;
        todo!()
    }
}
