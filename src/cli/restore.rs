//! `gatefold restore`: copies a backup into an empty data folder and verifies the result.
//!
//! Invariant: the database is put in place last, so that no server starts on an interrupted
//! restore.

use super::backup::{MANIFEST_FORMAT, Manifest, cannot};
use super::data_folder::{
    self, BLOBS, DATABASE, MANIFEST, UNFINISHED, Verified, copy_blobs, copy_file, copy_files, hash_file, on_disk,
    private_folder, sync_folder, verify,
};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, with_runtime};
use crate::store::sqlite::check::{Inspection, inspect};
use crate::store::sqlite::copy::settle;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// Put a backup into an empty data folder.
#[derive(Debug, Args)]
#[command(
    after_help = "Accepts a folder that `gatefold backup` made, and also a copy made by hand: the database, blobs, key \
                  and secrets in one folder. Stop the server first, and start it after the restore has succeeded.\n\n\
                  Example:\n  gatefold restore /backups/2026-11-30 --data /var/lib/gatefold"
)]
pub struct RestoreArgs {
    /// The backup
    src: PathBuf,
    /// The data folder; it must be empty or not exist
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

/// Runs the command.
pub fn run(args: &RestoreArgs, settings: Settings) -> Outcome {
    let data = settings.with("data", args.data.as_deref()).load()?.data;
    let src = args.src.clone();
    check_places(&src, &data)?;
    with_runtime(async move {
        let (from, into) = (src.clone(), data.clone());
        let inspection = on_disk(move || begin(&from, &into)).await?;
        let verified = finish(&src, &data, &inspection)
            .await
            .map_err(|failure| match failure {
                Failure::Environment(why) => {
                    Failure::Environment(format!("{why}. Empty {} before you try again", data.display()))
                }
                other => other,
            })?;
        output::say(&format!("{} is restored into {}.", src.display(), data.display()));
        data_folder::report("It", &verified)
    })
}

fn check_places(src: &Path, data: &Path) -> Outcome {
    if src.join(UNFINISHED).exists() {
        return Err(Failure::Usage(format!(
            "{} is not complete, because the command that made it was interrupted: use another backup",
            src.display()
        )));
    }
    if !src.join(DATABASE).is_file() {
        return Err(Failure::Usage(format!(
            "{} has no {DATABASE}, so it is no backup: name the folder that `gatefold backup` made",
            src.display()
        )));
    }
    let is_empty = match fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(cannot("read", data, &error)),
    };
    if is_empty {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} is not empty, and a restore overwrites nothing: move what is there away, or name another folder with --data",
        data.display()
    )))
}

/// Verifies the backup against its manifest, and copies the database under a temporary name.
fn begin(src: &Path, data: &Path) -> Result<Inspection, Failure> {
    check_manifest(src)?;
    let copying = |error: std::io::Error| cannot("copy to", data, &error);
    private_folder(data).map_err(copying)?;
    #[cfg(unix)]
    fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(copying)?;
    for suffix in ["", "-wal"] {
        let path = PathBuf::from(format!("{DATABASE}{suffix}"));
        if src.join(&path).exists() {
            copy_file(src, data, path).map_err(copying)?;
        }
    }
    let (copied, unfinished) = (data.join(DATABASE), data.join(UNFINISHED));
    settle(&copied)?;
    fs::rename(&copied, &unfinished).map_err(copying)?;
    Ok(inspect(&unfinished)?)
}

/// Refuses a backup that differs from its manifest. Copies made by hand have no manifest.
fn check_manifest(src: &Path) -> Outcome {
    let path = src.join(MANIFEST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot("read", &path, &error)),
    };
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|error| Failure::Negative(format!("{} is damaged: {error}; use another backup", path.display())))?;
    if manifest.format > MANIFEST_FORMAT {
        return Err(Failure::Environment(format!(
            "{} was made by gatefold {}: restore it with that version",
            src.display(),
            manifest.gatefold
        )));
    }
    for file in &manifest.files {
        let path = src.join(&file.path);
        let is_same = hash_file(src, &file.path).is_ok_and(|found| found.sha256 == file.sha256);
        if !is_same {
            return Err(Failure::Negative(format!(
                "{} is missing or has changed since the backup was made: use another backup",
                path.display()
            )));
        }
    }
    Ok(())
}

async fn finish(src: &Path, data: &Path, inspection: &Inspection) -> Result<Verified, Failure> {
    let damaged = copy_blobs(src, data, &inspection.blobs).await?;
    let (from, into) = (src.to_owned(), data.to_owned());
    on_disk(move || {
        copy_files(&from, &into)
            .and_then(|_| sync_folder(&into.join(BLOBS)))
            .and_then(|()| fs::rename(into.join(UNFINISHED), into.join(DATABASE)))
            .and_then(|()| sync_folder(&into))
            .map_err(|error| cannot("copy to", &into, &error))
    })
    .await?;
    verify(data, &damaged).await
}
