//! Mails over SMTP.
//!
//! The exchange is driven command by command, because what a failure means depends on where it
//! happens: before the text was sent nothing was taken and the mail can be sent again; after
//! that, only the server's answer tells. Without one the mail is in doubt, and a person looks.

use super::{MailConfigError, message};
use crate::connect::{ActionError, Mailer, OutgoingMail};
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error, authentication::Mechanism};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// How the connection is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Privacy {
    /// From the first byte.
    Tls,
    /// After STARTTLS, which the server must offer.
    StartTls,
    /// Not at all.
    None,
}

/// Sends mails to one mail server.
pub struct SmtpMailer {
    host: String,
    port: u16,
    privacy: Privacy,
    login: Option<Credentials>,
    from: Mailbox,
    timeout: Duration,
}

impl SmtpMailer {
    /// To the server at `url`: `smtps://…` for TLS from the first byte (port 465), `smtp://…` for
    /// STARTTLS (port 587), which the server must offer. `smtp://…?tls=none` sends in the clear;
    /// with a login that is only taken for this machine itself.
    pub fn new(url: &SecretString, from: &str, timeout_ms: u64) -> Result<Self, MailConfigError> {
        let refused = |what: &str| MailConfigError(format!("mail.smtp_url: {what}"));
        let url: reqwest::Url = url
            .expose_secret()
            .parse()
            .map_err(|_| refused("it is no address, as smtps://user:password@mail.example.com"))?;
        let clear = url.query_pairs().any(|(key, value)| key == "tls" && value == "none");
        let (privacy, port) = match (url.scheme(), clear) {
            ("smtps", false) => (Privacy::Tls, 465),
            ("smtp", false) => (Privacy::StartTls, 587),
            ("smtp", true) => (Privacy::None, 25),
            _ => {
                return Err(refused(
                    "it must begin with smtps:// or smtp://; only smtp:// can have ?tls=none",
                ));
            }
        };
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| refused("there is no host in it"))?;
        let login = login(&url).map_err(|_| refused("the user or the password is not in percent-encoding"))?;
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if login.is_some() && privacy == Privacy::None && !is_here {
            return Err(refused("a login would be sent in the clear; leave ?tls=none out"));
        }
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(port),
            privacy,
            login,
            from: message::sender(from)?,
            timeout: Duration::from_millis(timeout_ms),
        })
    }

    /// Everything before the text: when this fails, the server has taken nothing.
    async fn open(&self, mail: &lettre::Message, is_ascii: bool) -> Result<AsyncSmtpConnection, ActionError> {
        let hello = ClientId::default();
        let tls = match self.privacy {
            Privacy::None => None,
            Privacy::Tls | Privacy::StartTls => {
                Some(TlsParameters::new(self.host.clone()).map_err(|e| self.failed(&e))?)
            }
        };
        let at_once = tls.clone().filter(|_| self.privacy == Privacy::Tls);
        let address = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(address, Some(self.timeout), &hello, at_once, None)
            .await
            .map_err(|error| self.failed(&error))?;
        if let Some(tls) = tls.filter(|_| self.privacy == Privacy::StartTls) {
            connection
                .starttls(tls, &hello)
                .await
                .map_err(|error| self.failed(&error))?;
        }
        if let Some(login) = &self.login {
            let mechanisms: &[Mechanism] = DEFAULT_MECHANISMS;
            connection
                .auth(mechanisms, login)
                .await
                .map_err(|error| self.failed(&error))?;
        }
        let parameters = self.parameters(&connection, mail, is_ascii)?;
        let envelope = mail.envelope();
        let refused = |error: Error| self.refused(&error);
        connection
            .command(Mail::new(envelope.from().cloned(), parameters))
            .await
            .map_err(refused)?;
        for recipient in envelope.to() {
            connection
                .command(Rcpt::new(recipient.clone(), Vec::new()))
                .await
                .map_err(refused)?;
        }
        connection.command(Data).await.map_err(refused)?;
        Ok(connection)
    }

    fn parameters(
        &self,
        connection: &AsyncSmtpConnection,
        mail: &lettre::Message,
        is_ascii: bool,
    ) -> Result<Vec<MailParameter>, ActionError> {
        let needs = |extension: Extension, what: &str| {
            if connection.server_info().supports_feature(extension) {
                Ok(())
            } else {
                Err(ActionError::Permanent(format!(
                    "the mail server {} cannot take {what}",
                    self.host
                )))
            }
        };
        let mut parameters = Vec::new();
        let envelope = mail.envelope();
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        if !addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
            needs(Extension::SmtpUtfEight, "addresses with letters beyond ASCII")?;
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !is_ascii {
            needs(Extension::EightBitMime, "letters beyond ASCII")?;
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(parameters)
    }

    /// A failure that says nothing about this mail: the connection, the login, the configuration.
    fn failed(&self, error: &Error) -> ActionError {
        ActionError::Transient(format!("the mail server {}: {}", self.host, told(error)))
    }

    /// The server's answer about this mail.
    fn refused(&self, error: &Error) -> ActionError {
        let message = format!("the mail server {}: {}", self.host, told(error));
        if error.is_permanent() {
            ActionError::Permanent(message)
        } else {
            ActionError::Transient(message)
        }
    }
}

#[async_trait::async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), ActionError> {
        let message = message::build(mail, &self.from)?;
        let bytes = message.formatted();
        let opened = tokio::time::timeout(self.timeout, self.open(&message, bytes.is_ascii())).await;
        let mut connection = opened
            .map_err(|_| ActionError::Transient(format!("the mail server {} did not answer in time", self.host)))??;
        let in_doubt = || {
            let id = &mail.id;
            ActionError::InDoubt(format!(
                "the mail server {} got mail {id} and did not say whether it took it",
                self.host
            ))
        };
        let answer = tokio::time::timeout(self.timeout, connection.message(&bytes))
            .await
            .map_err(|_| in_doubt())?;
        match answer {
            Ok(_) => {
                // The mail is taken; how the server says goodbye does not matter.
                let _ = tokio::time::timeout(self.timeout, connection.quit()).await;
                Ok(())
            }
            Err(error) if error.is_permanent() || error.is_transient() => Err(self.refused(&error)),
            Err(_) => Err(in_doubt()),
        }
    }

    fn is_idempotent(&self) -> bool {
        false
    }
}

fn login(url: &reqwest::Url) -> Result<Option<Credentials>, std::str::Utf8Error> {
    if url.username().is_empty() {
        return Ok(None);
    }
    let decode = |text: &str| percent_decode(text);
    Ok(Some(Credentials::new(
        decode(url.username())?,
        decode(url.password().unwrap_or_default())?,
    )))
}

fn percent_decode(text: &str) -> Result<String, std::str::Utf8Error> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let pair = bytes
            .get(index + 1..index + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[index], pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                index += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                index += 1;
            }
        }
    }
    std::str::from_utf8(&decoded).map(str::to_owned)
}

/// The library's words, fit for one line.
fn told(error: &Error) -> String {
    error
        .to_string()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer(url: &str) -> Result<SmtpMailer, MailConfigError> {
        SmtpMailer::new(&SecretString::from(url), "gatefold@example.com", 1_000)
    }

    #[test]
    fn the_address_tells_how_private_it_is() {
        for (url, privacy, port) in [
            ("smtps://mail.example.com", Privacy::Tls, 465),
            ("smtp://mail.example.com", Privacy::StartTls, 587),
            ("smtp://mail.example.com:2525?tls=none", Privacy::None, 2525),
            ("smtp://user:secret@127.0.0.1:25?tls=none", Privacy::None, 25),
        ] {
            let mailer = mailer(url).map_err(|error| error.to_string()).unwrap();
            assert_eq!((mailer.privacy, mailer.port), (privacy, port), "{url}");
        }
    }

    #[test]
    fn a_login_is_never_sent_in_the_clear_nor_shown() {
        let error = mailer("smtp://user:secret@mail.example.com?tls=none")
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("in the clear") && !error.contains("secret"), "{error}");
        for url in [
            "mail.example.com",
            "https://user:secret@mail.example.com",
            "smtps://x:secret@h?tls=none",
            "",
        ] {
            let error = mailer(url).err().unwrap().to_string();
            assert!(
                error.starts_with("mail.smtp_url: ") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn logins_may_hold_any_character() {
        assert_eq!(percent_decode("p%40ss%20w%C3%B6rd%"), Ok("p@ss wörd%".to_owned()));
        assert!(percent_decode("%ff").is_err());
    }
}
