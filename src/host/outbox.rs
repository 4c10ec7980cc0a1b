//! Mails: written in the transaction of what they tell of, sent afterwards.
//!
//! A mail is marked as being sent before the mail server hears of it. Where the process stops in
//! between and the server cannot tell a repeat from a new mail, it is left to a person.

use super::{Host, HostError};
use crate::connect::{ActionError, OutgoingMail};
use crate::store::{MailState, OutboxMail, Write, fault};
use std::sync::Arc;
use std::time::Duration;

/// Mails read at once.
const BATCH: usize = 64;
/// Tries before a mail is given up.
const TRIES: u32 = 10;
/// Pause after a try that failed.
const AGAIN: Duration = Duration::from_secs(30);
/// Pause before mails are looked for where nobody said that there are some.
const LOOK: Duration = Duration::from_mins(5);

impl Host {
    /// Sends mails until the host stops.
    pub(super) async fn run_outbox(self: Arc<Self>) {
        loop {
            let pause = match self.send_queued().await {
                Ok(true) => LOOK,
                Ok(false) => AGAIN,
                Err(error) => {
                    tracing::error!(%error, "the outbox could not be read; it is tried again");
                    AGAIN
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.mails_queued.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Takes up mails whose sending was cut off.
    pub(super) async fn recover_mails(&self) -> Result<(), HostError> {
        loop {
            let mails = self.parts().store.mails(MailState::Sending, BATCH).await?;
            if mails.is_empty() {
                return Ok(());
            }
            for mail in mails {
                let state = if self.parts().mailer.is_idempotent() {
                    MailState::Queued
                } else {
                    MailState::InDoubt
                };
                if state == MailState::InDoubt {
                    tracing::warn!(mail = %mail.id, "the process stopped while this mail was sent: it may or may not have gone");
                }
                self.commit_alone(vec![Write::PutMail(OutboxMail { state, ..mail })])
                    .await?;
            }
        }
    }

    /// Sends everything that is queued. `false` where something is to be tried again.
    async fn send_queued(self: &Arc<Self>) -> Result<bool, HostError> {
        loop {
            let mails = self.parts().store.mails(MailState::Queued, BATCH).await?;
            if mails.is_empty() {
                return Ok(true);
            }
            let mut progress = false;
            for mail in mails {
                if self.stop.is_cancelled() {
                    return Ok(false);
                }
                progress |= self.send(mail).await?;
            }
            if !progress {
                return Ok(false);
            }
        }
    }

    /// Sends one mail. Whether it is off the queue.
    async fn send(&self, mail: OutboxMail) -> Result<bool, HostError> {
        let attempts = mail.attempts + 1;
        let mail = OutboxMail {
            state: MailState::Sending,
            attempts,
            ..mail
        };
        self.commit_alone(vec![Write::PutMail(mail.clone())]).await?;
        fault::point("mail-before-send");
        let result = self.parts().mailer.send(&self.outgoing(&mail)).await;
        fault::point("mail-after-send");
        let (state, error) = match result {
            Ok(()) => (MailState::Sent, None),
            Err(ActionError::Transient(why)) if attempts < TRIES => (MailState::Queued, Some(why)),
            Err(ActionError::InDoubt(why)) => (MailState::InDoubt, Some(why)),
            Err(ActionError::Transient(why) | ActionError::Permanent(why)) => (MailState::Failed, Some(why)),
        };
        if let Some(why) = &error {
            tracing::warn!(mail = %mail.id, attempts, error = why, "a mail was not sent");
        }
        let counter = match state {
            MailState::Sent => Some(&self.metrics().mails_sent),
            MailState::Failed | MailState::InDoubt => Some(&self.metrics().mails_failed),
            MailState::Queued | MailState::Sending => None,
        };
        if let Some(counter) = counter {
            counter.add(1);
        }
        let rev = mail.rev + 1;
        self.commit_alone(vec![Write::PutMail(OutboxMail {
            state,
            error,
            rev,
            ..mail
        })])
        .await?;
        Ok(state != MailState::Queued)
    }

    /// The mail as it goes out: the link is put in now and stored nowhere.
    fn outgoing(&self, mail: &OutboxMail) -> OutgoingMail {
        let text = match &mail.grant {
            Some(grant) => mail
                .text
                .replace("{link}", &self.parts().links.url(&grant.as_str().into())),
            None => mail.text.clone(),
        };
        OutgoingMail {
            id: mail.id.to_string(),
            to: mail.to.clone(),
            subject: mail.subject.clone(),
            text,
        }
    }
}
