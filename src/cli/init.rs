//! `gatefold init`: a folder with everything that a first flow needs. Nothing is overwritten.

use super::exit::{Failure, Outcome};
use super::output;
use clap::Args;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Make a folder with a first flow.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gatefold init\n  gatefold init processes")]
pub struct InitArgs {
    /// The folder; it may exist
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// What is made: path and text.
const FILES: [(&str, &str); 6] = [
    ("gatefold.toml", include_str!("init/gatefold.toml")),
    ("people.yaml", include_str!("init/people.yaml")),
    (
        "calendars/corporate.yaml",
        include_str!("../../definitions/calendars/corporate.yaml"),
    ),
    ("definitions/hello.flow.yaml", include_str!("init/hello.flow.yaml")),
    ("definitions/hello.test.yaml", include_str!("init/hello.test.yaml")),
    (".gitignore", include_str!("init/gitignore")),
];

/// The schema that the first line of a flow points editors to.
const SCHEMA: &str = "schema/flow.schema.json";

/// Runs the command.
pub fn run(args: &InitArgs) -> Outcome {
    let schema = format!("{:#}\n", crate::spec::schema::flow_schema());
    for (path, text) in FILES.iter().chain([&(SCHEMA, schema.as_str())]) {
        let was_made = make(&args.folder.join(path), text)?;
        output::say(&format!("{} {path}", if was_made { "made" } else { "kept" }));
    }
    let folder = match args.folder.to_str() {
        Some(".") => String::new(),
        _ => format!("  cd {}\n", args.folder.display()),
    };
    output::say(&format!(
        "\nNext:\n{folder}  gatefold lint\n  gatefold test\n  gatefold run definitions/hello.flow.yaml --input document=@people.yaml --as dora\n  \
         gatefold tasks list --as anna"
    ));
    Ok(())
}

/// Writes a new file; `false` where there is one.
fn make(path: &Path, text: &str) -> Result<bool, Failure> {
    let failed = |error: std::io::Error| Failure::Environment(format!("{} cannot be written: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match std::fs::File::create_new(path) {
        Ok(mut file) => std::io::Write::write_all(&mut file, text.as_bytes())
            .map(|()| true)
            .map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}
