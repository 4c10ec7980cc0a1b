//! A mail as bytes. What people wrote reaches headers only through lettre's encoder and without
//! control characters, so that no text can add a header or a recipient.

use super::MailConfigError;
use crate::connect::{ActionError, OutgoingMail};
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};

/// The sender, read from the configuration.
pub(super) fn sender(from: &str) -> Result<Mailbox, MailConfigError> {
    from.parse().map_err(|_| {
        MailConfigError(format!(
            "mail.from: {from:?} is no mail address, as `Gatefold <gatefold@example.com>`"
        ))
    })
}

/// The mail, complete.
pub(super) fn build(mail: &OutgoingMail, from: &Mailbox) -> Result<Message, ActionError> {
    let domain = from.email.domain();
    let mut builder = Message::builder()
        .from(from.clone())
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .date_now()
        .subject(one_line(&mail.subject))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .raw_header(auto_submitted());
    for address in &mail.to {
        let address = crate::base::address::mail_address(address)
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| ActionError::Permanent(format!("{address:?} is no mail address")))?;
        builder = builder.to(Mailbox::new(None, address));
    }
    builder
        .body(mail.text.clone())
        .map_err(|error| ActionError::Permanent(format!("the mail cannot be written: {error}")))
}

/// RFC 3834: nobody's absence note answers this mail.
fn auto_submitted() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

/// Text for a header: no control character survives.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mail(subject: &str, to: &[&str]) -> OutgoingMail {
        OutgoingMail {
            id: "mal_1".into(),
            to: to.iter().map(ToString::to_string).collect(),
            subject: subject.into(),
            text: "Grüße\n.\n".into(),
        }
    }

    fn headers(mail: &OutgoingMail) -> Result<String, ActionError> {
        let bytes = build(mail, &sender("Gatefold <gatefold@example.com>").unwrap())?.formatted();
        let text = String::from_utf8(bytes).expect("encoded");
        Ok(text.split_once("\r\n\r\n").expect("headers end").0.to_owned())
    }

    #[test]
    fn a_mail_names_its_id_and_its_people() {
        let headers = headers(&mail("Prüfung", &["anna@example.com", "eve@example.org"])).unwrap();
        assert!(headers.contains("Message-ID: <mal_1@example.com>"), "{headers}");
        assert!(headers.contains("To: anna@example.com, eve@example.org"), "{headers}");
        assert!(headers.contains("From: Gatefold <gatefold@example.com>"), "{headers}");
        assert!(headers.contains("Auto-Submitted: auto-generated"), "{headers}");
    }

    #[test]
    fn an_address_cannot_smuggle_another() {
        for address in [
            "anna@example.com\r\nBcc: eve@example.org",
            "a@example.com, b@example.com",
            "a@example.com>",
        ] {
            assert!(headers(&mail("x", &[address])).is_err(), "{address:?}");
        }
    }

    proptest! {
        #[test]
        fn no_subject_adds_a_header(subject in "(\\PC|\r|\n|\t|\0|Bcc: ){0,80}") {
            let headers = headers(&mail(&subject, &["anna@example.com"])).unwrap();
            let names: Vec<&str> = headers.split("\r\n").filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split(':').next().unwrap()).collect();
            let mut sorted = names.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, ["Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "MIME-Version",
                "Message-ID", "Subject", "To"], "{}", headers);
            prop_assert!(!headers.replace("\r\n", "").contains(['\r', '\n']));
        }
    }
}
