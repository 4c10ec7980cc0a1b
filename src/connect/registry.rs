//! Every action that is there, as an explicit list in a fixed order.

use super::{ActionError, LocalAction, OutsideAction};
use crate::base::Value;
use crate::spec::{ActionInfo, Catalog, EventInfo};
use indexmap::IndexMap;
use std::sync::Arc;

/// How an action is called.
#[derive(Clone)]
pub enum Handler {
    /// Computes.
    Pure(fn(Value) -> Result<Value, ActionError>),
    /// Writes to the store, in the transaction of the journal.
    Local(Arc<dyn LocalAction>),
    /// Leaves the process.
    Outside(Arc<dyn OutsideAction>),
}

/// One action: what it is, and how it is called.
#[derive(Clone)]
pub struct Registered {
    /// What it is.
    pub info: ActionInfo,
    /// How it is called.
    pub handler: Handler,
}

impl Registered {
    /// Whether a call with `input` may be made again where nobody knows whether it was made.
    pub fn is_repeatable(&self, input: &Value) -> bool {
        match &self.handler {
            Handler::Pure(_) | Handler::Local(_) => true,
            Handler::Outside(action) => self.info.idempotent || action.is_repeatable(input),
        }
    }
}

/// Every action and event that is there.
#[derive(Clone, Default)]
pub struct Registry {
    actions: IndexMap<String, Registered>,
    events: IndexMap<String, EventInfo>,
}

impl Registry {
    /// Adds an action.
    ///
    /// # Panics
    /// If there is one of this name: two lines of the list contradict each other.
    pub fn add(&mut self, action: Registered) {
        let name = action.info.name.clone();
        assert!(
            self.actions.insert(name.clone(), action).is_none(),
            "{name} is registered twice"
        );
    }

    /// Adds an event.
    pub fn add_event(&mut self, event: EventInfo) {
        self.events.insert(event.name.clone(), event);
    }

    /// The action called `name`.
    pub fn get(&self, name: &str) -> Option<&Registered> {
        self.actions.get(name)
    }

    /// The same as data.
    pub fn catalog(&self) -> Catalog {
        Catalog {
            actions: self
                .actions
                .iter()
                .map(|(name, action)| (name.clone(), action.info.clone()))
                .collect(),
            events: self.events.clone(),
        }
    }
}
