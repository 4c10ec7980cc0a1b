//! The reviewer's mailbox: mails as files, in the outbox folder of an installation without a mail
//! server.

use std::path::Path;

/// The link in a mail to `address`, if one has come.
pub fn link_for(outbox: &Path, address: &str) -> Option<String> {
    let entries = std::fs::read_dir(outbox).ok()?;
    entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "eml"))
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .filter(|mail| {
            mail.lines()
                .any(|line| line.starts_with("To:") && line.contains(address))
        })
        .find_map(|mail| link_in(&mail))
}

/// The first address of a share in a mail.
fn link_in(mail: &str) -> Option<String> {
    let text = decoded(mail);
    let at = text.find("/s/")?;
    let begin = text[..at].rfind("http")?;
    let end = text[at..].find(char::is_whitespace).map_or(text.len(), |end| at + end);
    Some(text[begin..end].to_owned())
}

/// A text without the line breaks and escapes of quoted-printable; a text that is not
/// quoted-printable stays as it is.
fn decoded(mail: &str) -> String {
    if !mail
        .to_ascii_lowercase()
        .contains("content-transfer-encoding: quoted-printable")
    {
        return mail.to_owned();
    }
    mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")
}

#[cfg(test)]
mod tests {
    use super::link_in;

    #[test]
    fn a_link_is_found_in_plain_and_in_broken_lines() {
        let plain = "To: a@b\r\n\r\nOpen it here: http://127.0.0.1:1/s/abc\r\n";
        assert_eq!(link_in(plain).as_deref(), Some("http://127.0.0.1:1/s/abc"));
        let broken = "Content-Transfer-Encoding: quoted-printable\r\n\r\nhttp://127.0=\r\n.0.1:1/s/ab=\r\nc\r\n";
        assert_eq!(link_in(broken).as_deref(), Some("http://127.0.0.1:1/s/abc"));
        assert_eq!(link_in("no link"), None);
    }
}
