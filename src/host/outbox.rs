//! Mails: written in the transaction of what they tell of, sent afterwards.
//!
//! A mail is marked as being sent before the mail server hears of it. Where the process stops in
//! between and the server cannot tell a repeat from a new mail, it is left to a person.

use super::{Host, HostError};
use crate::base::Timestamp;
use crate::base::id::MailId;
use crate::connect::{ActionError, OutgoingMail};
use crate::store::{MailState, OutboxMail, Write, fault};
use std::sync::Arc;
use std::time::Duration;

/// Mails read at once.
const BATCH: usize = 64;
/// Tries before a mail is given up: four hours of ever longer pauses, then three days of long ones.
pub const TRIES: u32 = 26;
/// Pause after the first try that failed, in seconds; after each more, twice as long.
const FIRST_PAUSE_SECONDS: i64 = 30;
/// Longest pause between two tries, in seconds.
const LONGEST_PAUSE_SECONDS: i64 = 4 * 60 * 60;
/// Pause before mails are looked for while some are to be tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// Pause before mails are looked for where nobody said that there are some.
const LOOK: Duration = Duration::from_mins(5);
/// Pause before the store is asked again to keep what became of a mail.
const KEEP: Duration = Duration::from_secs(5);

/// When a mail is tried again of which so many tries failed: a whole second.
fn again_at(now: Timestamp, attempts: u32) -> Option<Timestamp> {
    let doubled = FIRST_PAUSE_SECONDS << attempts.saturating_sub(1).min(16);
    Timestamp::from_second(now.as_second() + 1 + doubled.min(LONGEST_PAUSE_SECONDS)).ok()
}

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
                match self
                    .commit_alone(vec![Write::PutMail(OutboxMail { state, ..mail })])
                    .await
                {
                    // its end was being stored when the process stopped, and is stored now: it is looked at again
                    Ok(()) | Err(HostError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Sends everything whose time has come. `false` where something is to be tried again.
    async fn send_queued(self: &Arc<Self>) -> Result<bool, HostError> {
        loop {
            let mails = self.parts().store.mails_due(self.now(), BATCH).await?;
            if mails.is_empty() {
                return Ok(self.parts().store.mails(MailState::Queued, 1).await?.is_empty());
            }
            for mail in mails {
                if self.stop.is_cancelled() {
                    return Ok(false);
                }
                self.send(mail).await?;
            }
        }
    }

    /// Sends one mail, and keeps what became of it.
    async fn send(&self, mail: OutboxMail) -> Result<(), HostError> {
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
        let next_at = again_at(self.now(), attempts).filter(|_| state == MailState::Queued);
        self.keep_outcome(OutboxMail {
            state,
            next_at,
            error,
            rev,
            ..mail
        })
        .await
    }

    /// Stores what became of a mail. While the store fails it is offered again: forgetting it would
    /// make a mail in doubt of one that went.
    async fn keep_outcome(&self, mail: OutboxMail) -> Result<(), HostError> {
        loop {
            match self.commit_alone(vec![Write::PutMail(mail.clone())]).await {
                Err(HostError::Store(error)) => {
                    tracing::error!(mail = %mail.id, %error, "what became of a mail could not be stored; it is tried again");
                }
                done => return done,
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(HostError::ShuttingDown),
                () = tokio::time::sleep(KEEP) => {}
            }
        }
    }

    /// Mails in any of these states, oldest first, at most `limit`.
    pub async fn mails_in(&self, states: &[MailState], limit: usize) -> Result<Vec<OutboxMail>, HostError> {
        let mut mails = Vec::new();
        for state in states {
            mails.extend(self.parts().store.mails(*state, limit).await?);
        }
        mails.sort_by_key(|mail| mail.at);
        mails.truncate(limit);
        Ok(mails)
    }

    /// Queues a mail anew that was given up, or of which nobody knows whether it went.
    pub async fn retry_mail(&self, id: &MailId) -> Result<(), HostError> {
        let mail = self.parts().store.mail(id).await?;
        let mail = mail.ok_or_else(|| HostError::NotFound(format!("mail {id}")))?;
        if !matches!(mail.state, MailState::Failed | MailState::InDoubt) {
            return Err(HostError::Conflict(format!(
                "the mail is {}: only one that failed or is in doubt is queued anew",
                mail.state.as_str()
            )));
        }
        let queued = OutboxMail {
            state: MailState::Queued,
            attempts: 0,
            next_at: None,
            ..mail
        };
        self.commit_alone(vec![Write::PutMail(queued)]).await?;
        self.mails_queued.notify_one();
        Ok(())
    }

    /// The mail as it goes out: the link, or the code, is put in now and stored nowhere.
    fn outgoing(&self, mail: &OutboxMail) -> OutgoingMail {
        let text = match &mail.grant {
            Some(grant) => {
                let (links, grant) = (&self.parts().links, grant.as_str().into());
                // The code of this moment: what somebody else wrote into a mail gets no code that was sent.
                with_secrets(&mail.text, &links.url(&grant), &links.code(&grant, mail.at))
            }
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

/// The text of a mail with the link and the code in their places. What people wrote into it is left as it is.
fn with_secrets(text: &str, link: &str, code: &str) -> String {
    let is_marked = text.contains(OutboxMail::LINK) || text.contains(OutboxMail::CODE);
    let places = if is_marked {
        [OutboxMail::LINK, OutboxMail::CODE]
    } else {
        OutboxMail::EARLIER
    };
    text.replace(places[0], link).replace(places[1], code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_no_place_for_a_link_or_a_code() {
        let text = format!(
            "A file called {{link}}.pdf and {{code}}\n{}\n{}\n",
            OutboxMail::LINK,
            OutboxMail::CODE
        );
        let sent = with_secrets(&text, "https://x/s/1", "123456");
        assert_eq!(sent, "A file called {link}.pdf and {code}\nhttps://x/s/1\n123456\n");
        let earlier = with_secrets("Open it here: {link}\n", "https://x/s/1", "123456");
        assert_eq!(earlier, "Open it here: https://x/s/1\n");
    }

    #[test]
    fn tries_are_further_and_further_apart_and_go_on_for_days() {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let pause = |attempts| again_at(start, attempts).unwrap().as_second() - 1_000_001;
        assert_eq!(
            [1, 2, 3, 9, 10, 11, 25].map(pause),
            [30, 60, 120, 7680, 14_400, 14_400, 14_400]
        );
        let all: i64 = (1..TRIES).map(pause).sum();
        assert!((3 * 86_400 - 14_400..4 * 86_400).contains(&all), "{all}");
        assert_eq!(
            again_at(start, u32::MAX),
            again_at(start, 10),
            "no pause is too long to write"
        );
    }
}
