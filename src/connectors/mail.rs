//! `mail`: mails to people of the directory and to people outside.

mod message;
pub mod outbox;
pub mod smtp;

pub use outbox::OutboxFolderMailer;
pub use smtp::SmtpMailer;

use super::action::{Action, info};
use crate::base::id::MailId;
use crate::base::{FlowRight, Reach, Value};
use crate::connect::{ActionError, CallContext, Handler, Mailer, OutgoingMail, OutsideAction, Registered, read_input};
use crate::people::Directory;
use crate::space::names;
use crate::spec::Effect;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// Longest text of a mail, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 << 10;
/// Most persons that one mail goes to.
pub const MAX_RECIPIENTS: usize = 100;

/// Where mails go.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The mail server, as `smtps://user:password@mail.example.com`; see [`smtp::SmtpMailer::new`].
    /// Without one, mails become files in `outbox`.
    pub smtp_url: Option<SecretString>,
    /// The sender, as `Gatefold <gatefold@example.com>`.
    pub from: String,
    /// The folder that mails go to where there is no mail server.
    pub outbox: PathBuf,
    /// Longest exchange with the mail server, in milliseconds.
    pub timeout_ms: u64,
}

/// Why mails cannot be sent as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MailConfigError(pub String);

/// What sends mails: a mail server if one is configured, else a folder.
pub fn mailer(settings: &MailSettings) -> Result<Arc<dyn Mailer>, MailConfigError> {
    match &settings.smtp_url {
        Some(url) => Ok(Arc::new(SmtpMailer::new(url, &settings.from, settings.timeout_ms)?)),
        None => Ok(Arc::new(OutboxFolderMailer::new(&settings.outbox, &settings.from)?)),
    }
}

/// A mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// To whom: `user:NAME`, `role:NAME`, `group:NAME`, `manager_of:NAME` or a mail address, or a
    /// list of these. They see each other's addresses.
    to: OneOrMany,
    /// The subject, one line.
    subject: String,
    /// The text, plain.
    text: String,
}

/// One or several parties.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    /// One party.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The mail's id, which is also in its Message-ID.
    mail: String,
    /// Who it went to, as `user:NAME` or `email:ADDRESS`.
    to: Vec<String>,
}

struct Send;

impl Action for Send {
    const NAME: &'static str = "mail.send";
    const SUMMARY: &'static str = "Send a mail.";
    const EFFECT: Effect = Effect::Notify;
    type Input = Input;
    type Output = Output;
}

/// The action of `mail`.
pub(super) fn action(mailer: &Arc<dyn Mailer>, directory: &Arc<RwLock<Arc<Directory>>>) -> Registered {
    let handler = MailSend {
        mailer: Arc::clone(mailer),
        directory: Arc::clone(directory),
    };
    Registered {
        info: info::<Send>(mailer.is_idempotent(), false),
        handler: Handler::Outside(Arc::new(handler)),
    }
}

struct MailSend {
    mailer: Arc<dyn Mailer>,
    directory: Arc<RwLock<Arc<Directory>>>,
}

#[async_trait::async_trait]
impl OutsideAction for MailSend {
    async fn call(&self, cx: &CallContext, input: Value) -> Result<Value, ActionError> {
        let input: Input = read_input(input)?;
        let directory = Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner));
        let (mail, to) = compose(&directory, &cx.key, input)?;
        for address in to.iter().filter_map(|person| person.strip_prefix("email:")) {
            let who = Reach::only(address);
            cx.check(&FlowRight::Recipient { who })?;
        }
        self.mailer.send(&mail).await?;
        super::output(Output { mail: mail.id, to })
    }
}

fn compose(directory: &Directory, key: &str, input: Input) -> Result<(OutgoingMail, Vec<String>), ActionError> {
    let permanent = |message: String| ActionError::Permanent(message);
    names::check_title(&input.subject).map_err(|error| permanent(error.of("`subject`")))?;
    names::check_text(&input.text).map_err(|error| permanent(error.of("`text`")))?;
    if input.text.len() > MAX_TEXT_BYTES {
        return Err(permanent(format!("text: it is longer than {MAX_TEXT_BYTES} bytes")));
    }
    let parties = match input.to {
        OneOrMany::One(party) => vec![party],
        OneOrMany::Many(parties) => parties,
    };
    let people = directory
        .resolve(&parties, &[])
        .map_err(|unknown| permanent(format!("to: {unknown}")))?;
    if people.is_empty() || people.len() > MAX_RECIPIENTS {
        let found = people.len();
        return Err(permanent(format!(
            "to: these are {found} persons, a mail goes to 1 to {MAX_RECIPIENTS}"
        )));
    }
    let address = |person: &String| {
        let address = directory.email_of(person);
        address.ok_or_else(|| {
            permanent(format!(
                "to: {person} has no mail address: give them one in people.yaml"
            ))
        })
    };
    let to = people.iter().map(address).collect::<Result<_, _>>()?;
    let mail = OutgoingMail {
        id: MailId::derived(key).0,
        to,
        subject: input.subject,
        text: input.text,
    };
    Ok((mail, people))
}
