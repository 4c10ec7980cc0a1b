//! Codes by mail: who has a link that asks for one has it sent to the address that the link is for, and
//! enters it. What is right is decided by `space::code`, on what is stored then.

use super::files::share_entry;
use super::visit::Visitor;
use super::{Host, HostError};
use crate::audit::AccessKind;
use crate::base::id::MailId;
use crate::base::network::Network;
use crate::base::{Timestamp, moment};
use crate::space::Grant;
use crate::space::code::{CODE_MINUTES, Codes};
use crate::store::{OutboxMail, Write};
use jiff::SignedDuration;
use std::sync::Arc;

impl Host {
    /// Has a code sent to the address that the link is for, where it asks for one and the last one
    /// is not too new. Who asks is not told which: somebody who only has the link shall learn
    /// nothing. Codes that were sent earlier stay valid, so that somebody who requests more codes
    /// cannot lock out the rightful user.
    pub async fn send_code(self: &Arc<Self>, visitor: &Visitor, from: Network) -> Result<(), HostError> {
        let asking = (visitor.grant.id.as_str(), from);
        if self.codes_asked_for.may_try(asking).is_err() {
            return Ok(());
        }
        let is_sent = self
            .decide_anew("the link", || async move {
                let visitor = self.look_again(visitor).await?;
                let now = self.now();
                let codes = visitor.grant.codes.as_ref().and_then(|codes| codes.sent_anew(now));
                let address = self.directory().email_of(&visitor.grant.to.to_string());
                let Some((codes, address)) = codes.zip(address) else {
                    return Ok((false, Vec::new()));
                };
                let writes = vec![
                    Write::Access(share_entry(AccessKind::Administer, "gatefold", &visitor.share, now)),
                    Write::PutMail(mail(&visitor, address, now)),
                    Write::PutGrant(with_codes(visitor.grant, codes)),
                ];
                Ok((true, writes))
            })
            .await?;
        if is_sent {
            // the limit was already checked above
            let _ = self.codes_asked_for.failed(asking);
            self.mails_queued.notify_one();
        }
        Ok(())
    }

    /// Lets somebody in who gives the right code; it is used then. A wrong one is counted, one after the other.
    pub(super) async fn check_code(
        self: &Arc<Self>,
        visitor: Visitor,
        given: Option<&str>,
        from: Network,
    ) -> Result<Visitor, HostError> {
        let Some(given) = given else {
            let entry = self.entry(&visitor, AccessKind::Open);
            return Err(self.refused(&entry, HostError::CodeNeeded { wrong: false }).await);
        };
        let (_alone, visitor) = self.turn(visitor, from).await?;
        self.count_try_from(&visitor, from).await?;
        let visitor = &visitor;
        let is_right = self
            .decide_anew("the link", || async move {
                let visitor = self.look_again(visitor).await?;
                let codes = visitor.grant.codes.clone().unwrap_or_default();
                let good: Vec<Timestamp> = codes.all_good(self.now()).collect();
                let is_code = |sent: &Timestamp| self.parts().links.is_code(given, &visitor.grant.id, *sent);
                let is_right = good.iter().any(is_code);
                let codes = if is_right {
                    codes.after_right()
                } else {
                    codes.after_wrong()
                };
                // Where no code is good there is nothing to count.
                let write = (!good.is_empty()).then(|| Write::PutGrant(with_codes(visitor.grant, codes)));
                Ok((is_right, write.into_iter().collect()))
            })
            .await?;
        if is_right {
            self.tries.succeeded((visitor.grant.id.as_str(), from));
            let visitor = self.look_again(visitor).await?;
            return Ok(Visitor {
                is_verified: true,
                ..visitor
            });
        }
        let entry = self.entry(visitor, AccessKind::Open);
        Err(self.refused(&entry, HostError::CodeNeeded { wrong: true }).await)
    }
}

fn with_codes(grant: Grant, codes: Codes) -> Grant {
    Grant {
        codes: Some(codes),
        ..grant
    }
}

/// The mail that brings a code.
fn mail(visitor: &Visitor, address: String, now: Timestamp) -> OutboxMail {
    let (grant, share) = (&visitor.grant, &visitor.share);
    let until = now.saturating_add(SignedDuration::from_mins(CODE_MINUTES));
    let until = moment::in_words(until.unwrap_or(Timestamp::MAX), "UTC");
    let text = format!(
        "Your code for “{}”:\n\n{place}\n\nIt is good once, until {until}. Tell it to nobody. If you did not ask for it, \
         somebody else has your link: without this code it opens nothing.\n",
        share.name,
        place = OutboxMail::CODE,
    );
    OutboxMail {
        grant: Some(grant.id.to_string()),
        run: share.run.clone(),
        ..OutboxMail::queued(
            MailId::derived(&format!("code:{}:{now}", grant.id)),
            vec![address],
            format!("Your code for {}", share.name),
            text,
            now,
        )
    }
}
