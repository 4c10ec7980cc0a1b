//! Mails as files, where no mail server is configured: `OUTBOX/ID.eml`, readable by every mail
//! program. One mail leaves one file, however often it is sent.

use super::{MailConfigError, message};
use crate::connect::{ActionError, Mailer, OutgoingMail};
use crate::space::names;
use lettre::message::Mailbox;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes mails into a folder.
#[derive(Debug)]
pub struct OutboxFolderMailer {
    folder: PathBuf,
    from: Mailbox,
}

impl OutboxFolderMailer {
    /// Into `folder`, which is made where it is missing.
    pub fn new(folder: &Path, from: &str) -> Result<Self, MailConfigError> {
        let from = message::sender(from)?;
        std::fs::create_dir_all(folder)
            .map_err(|error| MailConfigError(format!("the outbox {} cannot be made: {error}", folder.display())))?;
        tracing::warn!(folder = %folder.display(), "no mail server is configured: mails become files");
        Ok(Self {
            folder: folder.to_owned(),
            from,
        })
    }
}

#[async_trait::async_trait]
impl Mailer for OutboxFolderMailer {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), ActionError> {
        names::check_name(&mail.id).map_err(|error| ActionError::Permanent(format!("the mail's id: {error}")))?;
        let bytes = message::build(mail, &self.from)?.formatted();
        let (folder, name) = (self.folder.clone(), format!("{}.eml", mail.id));
        let path = folder.join(&name);
        let written = tokio::task::spawn_blocking(move || write_once(&folder, &name, &bytes)).await;
        match written {
            Ok(Ok(())) => {
                tracing::info!(mail = mail.id, path = %path.display(), "mail written: no mail server is configured");
                Ok(())
            }
            Ok(Err(error)) => Err(ActionError::Transient(format!(
                "the mail cannot be written to the outbox: {error}"
            ))),
            Err(error) => Err(ActionError::Transient(format!("writing the mail broke off: {error}"))),
        }
    }

    fn is_idempotent(&self) -> bool {
        true
    }
}

/// The file has its name only when all its bytes are durable. One that is there is left alone.
fn write_once(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(folder.join(name)) {
        Ok(_) => std::fs::File::open(folder)?.sync_all(),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(id: &str, text: &str) -> OutgoingMail {
        OutgoingMail {
            id: id.into(),
            to: vec!["eve@example.com".into()],
            subject: "Hello".into(),
            text: text.into(),
        }
    }

    #[tokio::test]
    async fn a_mail_leaves_one_file_however_often_it_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = OutboxFolderMailer::new(&folder.path().join("outbox"), "gatefold@example.com").unwrap();
        mailer.send(&mail("mal_1", "first")).await.unwrap();
        mailer.send(&mail("mal_1", "second")).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path().join("outbox"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(files, ["mal_1.eml"]);
        let text = std::fs::read_to_string(folder.path().join("outbox/mal_1.eml")).unwrap();
        assert!(text.contains("first") && text.contains("To: eve@example.com"), "{text}");
    }

    #[tokio::test]
    async fn an_id_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = OutboxFolderMailer::new(folder.path(), "gatefold@example.com").unwrap();
        assert!(matches!(
            mailer.send(&mail("../evil", "x")).await,
            Err(ActionError::Permanent(_))
        ));
    }

    #[tokio::test]
    async fn a_folder_that_went_away_is_a_passing_failure() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = OutboxFolderMailer::new(&folder.path().join("outbox"), "gatefold@example.com").unwrap();
        std::fs::remove_dir(folder.path().join("outbox")).unwrap();
        assert!(matches!(
            mailer.send(&mail("mal_1", "x")).await,
            Err(ActionError::Transient(_))
        ));
    }

    #[test]
    fn a_sender_that_is_none_is_refused_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let error = OutboxFolderMailer::new(folder.path(), "Gatefold").unwrap_err();
        assert!(error.to_string().contains("mail.from"), "{error}");
    }
}
