//! Input files of a run: resolves them to exact versions and checks the rights of the giver.

use super::triggers::BY_RUN;
use super::{Host, HostError};
use crate::base::Value;
use crate::base::id::{FileId, RunId};
use crate::plan::Plan;
use crate::space::{File, SharedVersion, Version};
use crate::spec::{InputKind, InputSpec};
use serde_json::json;
use std::sync::Arc;

/// Prefix of the initiator if neither a person nor a run started the run.
const TRIGGER: &str = "trigger:";
/// Reason for refusing a file; the same whether or not the file exists.
const NO_SUCH_FILE: &str = "names a file that does not exist, or that you may not open";
/// Reason for refusing a version that does not exist.
const NO_SUCH_VERSION: &str = "names a version that does not exist";
/// Reason for refusing a file that no person gave.
const NOT_FOR_THE_FLOW: &str = "names a file that this flow may not use";

/// The giver of the input files; determines which files are allowed.
pub(super) enum Giver<'g> {
    /// A person: files to which they have access.
    Person(&'g str),
    /// A step of another run: files that the other run has, as complete references.
    Step(&'g RunId),
    /// An event of another run: files that the other run has, or that the flow may read.
    Run(RunId),
    /// A trigger without rights of its own: files that the flow may read.
    Flow,
    /// The sender of an event: files to which they have access if the event's data names them, and
    /// otherwise files that the flow may read. The trigger's author can name files too and must not
    /// use the sender's rights.
    Sender {
        /// The sender.
        person: &'g str,
        /// The data.
        data: &'g Value,
    },
}

impl<'g> Giver<'g> {
    /// The giver of the files of a run with this initiator.
    pub(super) fn of(initiator: &'g str) -> Self {
        match initiator.strip_prefix(BY_RUN) {
            Some(run) => Self::Run(RunId::from(run)),
            None if initiator.starts_with(TRIGGER) => Self::Flow,
            None => Self::Person(initiator),
        }
    }
}

/// Whether the data of an event contains this text.
fn names(data: &Value, id: &str) -> bool {
    match data {
        Value::String(text) => text == id,
        Value::Array(elements) => elements.iter().any(|element| names(element, id)),
        Value::Object(fields) => fields.values().any(|field| names(field, id)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn wrong(name: &str, why: &str) -> HostError {
    HostError::BadInputs {
        problems: vec![(name.to_owned(), why.to_owned())],
    }
}

impl Host {
    /// Returns the inputs with every file resolved to the given version or the newest one. A
    /// default file from the flow's text needs the right of the flow, whoever starts it.
    pub(super) async fn with_documents(
        self: &Arc<Self>,
        plan: &Plan,
        inputs: &Value,
        giver: &Giver<'_>,
    ) -> Result<Value, HostError> {
        let mut given = inputs.clone();
        if given.is_null() {
            given = json!({});
        }
        let Some(fields) = given.as_object_mut() else {
            return Ok(given);
        };
        for (name, spec) in plan.inputs.iter().filter(|(_, spec)| is_of_files(spec)) {
            let written = spec
                .default
                .as_ref()
                .filter(|_| fields.get(name).is_none_or(Value::is_null));
            if let Some(default) = written {
                fields.insert(name.clone(), default.clone());
            }
            let giver = if written.is_some() { &Giver::Flow } else { giver };
            match fields.get_mut(name) {
                Some(Value::Array(elements)) if spec.kind == InputKind::List => {
                    for element in elements {
                        *element = self.document(plan, name, element, giver).await?;
                    }
                }
                Some(value) if spec.kind == InputKind::File => {
                    *value = self.document(plan, name, value, giver).await?;
                }
                _ => {}
            }
        }
        Ok(given)
    }

    async fn document(
        self: &Arc<Self>,
        plan: &Plan,
        name: &str,
        value: &Value,
        giver: &Giver<'_>,
    ) -> Result<Value, HostError> {
        let id = value.as_str().or_else(|| value.get("id").and_then(Value::as_str));
        let id = id.ok_or_else(|| wrong(name, "must be a file of the file space, by its id"))?;
        let giver = match giver {
            Giver::Sender { person, data } if names(data, id) => &Giver::Person(person),
            Giver::Sender { .. } => &Giver::Flow,
            other => other,
        };
        let file = self.parts().store.file(&FileId::from(id)).await?;
        let file = file.ok_or_else(|| wrong(name, NO_SUCH_FILE))?;
        let given = self.given_version(plan, giver, &file, value).await?;
        given
            .map(|version| json!(file.reference_to(version)))
            .map_err(|why| wrong(name, why))
    }

    /// The version that `value` names, or the newest one that may be given; or why nobody with the right to it gives it.
    /// Whoever may not use a file does not learn which versions it has.
    async fn given_version<'f>(
        self: &Arc<Self>,
        plan: &Plan,
        giver: &Giver<'_>,
        file: &'f File,
        value: &Value,
    ) -> Result<Result<&'f Version, &'static str>, HostError> {
        let asked = value.get("version").and_then(Value::as_u64);
        let is_asked = |version: &&Version| asked.is_none_or(|asked| asked == version.number);
        let there = || file.versions.iter().rev().find(is_asked);
        match giver {
            Giver::Person(person) => {
                let reader = self.reader_of(person, file).await?;
                let is_missing = there().is_none() && reader.version_of(file, None).is_some();
                let why = if is_missing { NO_SUCH_VERSION } else { NO_SUCH_FILE };
                Ok(reader.version_of(file, asked).ok_or(why))
            }
            // a text that names a file may come from anybody; who has the file itself knows what is in it
            Giver::Step(run) => {
                let given = value.get("sha256").and_then(Value::as_str);
                let named = there().filter(|version| asked.is_some() && given == Some(version.sha256.as_str()));
                let Some(version) = named else {
                    return Ok(Err("must be a file of the run that gives it, not only an id"));
                };
                let has = self
                    .stored_run_has_file(run, &SharedVersion::new(file, version))
                    .await?;
                Ok(has.then_some(version).ok_or(NO_SUCH_FILE))
            }
            Giver::Run(run) if !self.flow_reads(plan, &file.id).await? => {
                for version in file.versions.iter().rev().filter(is_asked) {
                    if self
                        .stored_run_has_file(run, &SharedVersion::new(file, version))
                        .await?
                    {
                        return Ok(Ok(version));
                    }
                }
                Ok(Err(NOT_FOR_THE_FLOW))
            }
            Giver::Flow | Giver::Sender { .. } if !self.flow_reads(plan, &file.id).await? => Ok(Err(NOT_FOR_THE_FLOW)),
            Giver::Run(_) | Giver::Flow | Giver::Sender { .. } => Ok(there().ok_or(NO_SUCH_VERSION)),
        }
    }

    async fn flow_reads(&self, plan: &Plan, file: &FileId) -> Result<bool, HostError> {
        let rights = self.rights(plan).await?;
        self.is_readable(&rights, file).await
    }
}

fn is_of_files(spec: &InputSpec) -> bool {
    spec.kind == InputKind::File || (spec.kind == InputKind::List && spec.of == Some(InputKind::File))
}
