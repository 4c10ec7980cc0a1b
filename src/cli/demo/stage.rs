//! What the story needs before it begins: an installation of its own, with people and a calendar.

use crate::cli::client::Client;
use crate::cli::compose::OUTBOX;
use crate::cli::embedded::Embedded;
use crate::cli::exit::Failure;
use crate::cli::settings::Settings;
use crate::config::Environment;
use std::path::{Path, PathBuf};

/// Files of the installation. It has a configuration file of its own, so that none of the folder
/// that the demo is started in is read.
const FILES: [(&str, &str); 3] = [
    (
        "gatefold.toml",
        "# Serve this folder again: gatefold serve --data FOLDER\n",
    ),
    ("people.yaml", include_str!("../../../definitions/people.yaml")),
    (
        "calendars/corporate.yaml",
        include_str!("../../../definitions/calendars/corporate.yaml"),
    ),
];

/// A running installation with its people.
pub struct Stage {
    /// The server.
    pub server: Embedded,
    /// Where its mails are.
    pub outbox: PathBuf,
    // Removed when the story is over, if it is ours.
    _temporary: Option<tempfile::TempDir>,
}

impl Stage {
    /// Sets it up in `data`, or in a temporary folder.
    pub async fn set(data: Option<&Path>) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Environment(format!("the data folder cannot be made: {error}"));
        let (folder, temporary) = match data {
            Some(folder) => (folder.to_owned(), None),
            None => {
                let made = tempfile::Builder::new()
                    .prefix("gatefold-demo-")
                    .tempdir()
                    .map_err(failed)?;
                (made.path().to_owned(), Some(made))
            }
        };
        std::fs::create_dir_all(folder.join("calendars")).map_err(failed)?;
        for (path, text) in FILES {
            std::fs::write(folder.join(path), text).map_err(failed)?;
        }
        let resolved = Settings::of_file_alone(folder.join("gatefold.toml"))
            .with("data", Some(&folder.display().to_string()))
            .with("listen", Some("127.0.0.1:0"))
            .load()?;
        let server = Embedded::start(resolved, &Environment::default()).await?;
        Ok(Self {
            server,
            outbox: folder.join(OUTBOX),
            _temporary: temporary,
        })
    }

    /// A caller for a person of the directory.
    pub fn caller(&self, user: &str) -> Result<Client, Failure> {
        self.server.client_of(Some(user), None)
    }

    /// A caller without a token, as somebody outside is.
    pub fn outsider(&self) -> Client {
        Client::new(&self.server.url, None)
    }
}
