//! The port to a mail server.

use super::ActionError;

/// A mail, ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMail {
    /// The id, which becomes the Message-ID.
    pub id: String,
    /// Mail addresses.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// Sends mails.
#[async_trait::async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one. `InDoubt` where the server may have taken it.
    async fn send(&self, mail: &OutgoingMail) -> Result<(), ActionError>;
    /// Whether sending a mail of the same id twice leaves one.
    fn is_idempotent(&self) -> bool;
}
