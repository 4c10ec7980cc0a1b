//! `gatefold backup`: a copy of everything that is stored, verified at the end.
//!
//! Invariant: a backup has its name only when it is complete and durable; until then its database has another name too,
//! so that nothing takes it for a backup. The store that is copied stays as it is, also one of an earlier layout.

use super::data_folder::{
    self, BLOBS, CopiedFile, DATABASE, DamagedBlob, MANIFEST, UNFINISHED, Verified, copy_blobs, copy_files,
    create_private, hash_file, on_disk, sync_folder, verify_as,
};
use super::exit::{Failure, Outcome};
use super::settings::Settings;
use super::{output, serve, with_runtime};
use crate::base::{Timestamp, disk};
use crate::host::clock;
use crate::store::sqlite::check::{inspect, lost};
use crate::store::sqlite::copy::copy_database;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Format version of the manifest that this build writes.
pub const MANIFEST_FORMAT: u32 = 1;
/// How the name of the folder of a backup begins until it is complete.
pub const UNFINISHED_FOLDER: &str = ".gatefold-backup-unfinished-";
/// How often an interrupted backup is removed while threads of it still write.
const REMOVALS: usize = 10;

/// Copy everything that is stored, even while the server runs.
#[derive(Debug, Args)]
#[command(
    after_help = "The backup is a new folder: the database, the bytes of every file that it names, the key and the \
                  secrets. Protect it as well as the installation itself.\n\n\
                  Examples:\n  gatefold backup /backups/2026-11-30\n  gatefold backup --data /var/lib/gatefold copy"
)]
pub struct BackupArgs {
    /// The folder to make; it must not exist
    dest: PathBuf,
    /// The data folder
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

/// The manifest of a backup: the list of its contents.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Format version of the manifest.
    pub format: u32,
    /// When the backup was made.
    pub made_at: Timestamp,
    /// The version of the program that made it.
    pub gatefold: String,
    /// Layout of the database.
    pub layout: u32,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Number of blobs.
    pub blobs: usize,
    /// Total size of the blobs in bytes.
    pub blob_bytes: u64,
    /// All files except blobs, which need no entry because their names are their hashes.
    pub files: Vec<CopiedFile>,
    /// Damaged or missing data that was found when the backup was made.
    pub damage: Vec<String>,
}

/// Runs the command.
pub fn run(args: &BackupArgs, settings: Settings) -> Outcome {
    let data = settings.with("data", args.data.as_deref()).load()?.data;
    let place = place(&data, &args.dest)?;
    with_runtime(async move {
        let mut folder = tempfile::Builder::new();
        folder.prefix(UNFINISHED_FOLDER);
        #[cfg(unix)]
        folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let partial = folder
            .tempdir_in(&place)
            .map_err(|error| cannot("make a folder in", &place, &error))?;
        let copied = tokio::select! {
            copied = copy(&data, partial.path()) => Some(copied),
            () = serve::signal() => None,
        };
        let Some(copied) = copied else {
            give_up(partial);
        };
        let verified = copied?;
        fs::rename(partial.path(), &args.dest)
            .and_then(|()| sync_folder(&place))
            .map_err(|error| cannot("make", &args.dest, &error))?;
        // what it would remove has another name now
        drop(partial.keep());
        output::say(&format!("The backup is in {}.", args.dest.display()));
        data_folder::report("It", &verified)
    })
}

/// Removes what was copied and ends the process, which would wait for threads that read otherwise.
fn give_up(partial: TempDir) -> ! {
    let path = partial.keep();
    let is_gone = (0..REMOVALS).any(|_| fs::remove_dir_all(&path).is_ok() || !path.exists());
    let left = if is_gone {
        "nothing of it was kept".to_owned()
    } else {
        format!("remove {}", path.display())
    };
    output::complain(&format!("the backup was interrupted: {left}"));
    std::process::exit(i32::from(super::exit::ENVIRONMENT))
}

/// The folder in which the backup shall lie.
fn place(data: &Path, dest: &Path) -> Result<PathBuf, Failure> {
    if !data.join(DATABASE).is_file() {
        return Err(Failure::Usage(format!(
            "{} has no {DATABASE}, so there is nothing to back up: name the data folder with --data",
            data.display()
        )));
    }
    if fs::symlink_metadata(dest).is_ok() {
        return Err(Failure::Usage(format!(
            "{} exists, and a backup overwrites nothing: name a new folder",
            dest.display()
        )));
    }
    let place = match dest.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let whole = |path: &Path| path.canonicalize().map_err(|error| cannot("find", path, &error));
    if whole(&place)?.starts_with(whole(data)?) {
        return Err(Failure::Usage(format!(
            "{} lies in the data folder: name a folder outside of it",
            dest.display()
        )));
    }
    Ok(place)
}

/// Copies a data folder and verifies the copy. The database is copied first: blobs are stored
/// before the database names them and never change, so every blob that the copied database names
/// exists.
async fn copy(data: &Path, to: &Path) -> Result<Verified, Failure> {
    let (from, into) = (data.join(DATABASE), to.join(UNFINISHED));
    let (lost, inspection) = on_disk(move || {
        let lost = lost(&from)?;
        copy_database(&from, &into)?;
        Ok((lost, inspect(&into)?))
    })
    .await?;
    let damaged: Vec<DamagedBlob> = copy_blobs(data, to, &inspection.blobs).await?;
    let (from, into) = (data.to_owned(), to.to_owned());
    let mut files = on_disk(move || copy_files(&from, &into).map_err(|error| cannot("copy", &from, &error))).await?;
    let database = hash_file(to, Path::new(UNFINISHED)).map_err(|error| cannot("read", to, &error))?;
    files.push(CopiedFile {
        path: PathBuf::from(DATABASE),
        ..database
    });
    let mut verified = verify_as(UNFINISHED, to, &damaged).await?;
    verified.damage.extend(lost);
    write_manifest(to, files, &verified)?;
    fs::rename(to.join(UNFINISHED), to.join(DATABASE))
        .and_then(|()| sync_folder(to))
        .map_err(|error| cannot("write", to, &error))?;
    Ok(verified)
}

fn write_manifest(to: &Path, files: Vec<CopiedFile>, verified: &Verified) -> Outcome {
    let manifest = Manifest {
        format: MANIFEST_FORMAT,
        made_at: clock::system_time()?,
        gatefold: env!("CARGO_PKG_VERSION").to_owned(),
        layout: verified.inspection.layout,
        rows: verified.inspection.rows.clone(),
        blobs: verified.inspection.blobs.len(),
        blob_bytes: verified.blob_bytes,
        files,
        damage: verified.damage.clone(),
    };
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest has text keys");
    let file = to.join(MANIFEST);
    create_private(&file)
        .and_then(|mut written| {
            written.write_all(text.as_bytes())?;
            written.sync_all()
        })
        .and_then(|()| sync_folder(&to.join(BLOBS)))
        .and_then(|()| sync_folder(to))
        .map_err(|error| cannot("write", &file, &error))
}

/// Describes a disk failure.
pub fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Environment(format!("cannot {what} {}: {}", path.display(), disk::in_words(error)))
}
