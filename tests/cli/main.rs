//! Transcripts of the command line: what is typed, what is answered, how it ends.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what is answered now into the transcripts.

use std::fs;
use std::path::Path;

#[test]
fn the_command_line_answers_as_its_transcripts_say() {
    trycmd::TestCases::new()
        .register_bin("gatefold", trycmd::cargo::cargo_bin!("gatefold"))
        .env("NO_COLOR", "1")
        .case("tests/cli/*.md");
}

/// The README is typed into an empty folder, as a reader would.
#[test]
fn the_readme_does_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("README.md");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), &page).expect("the README is there");
    for made in ["README.in", "README.out"] {
        fs::create_dir(folder.path().join(made)).expect("it can be made");
    }
    trycmd::TestCases::new()
        .register_bin("gatefold", trycmd::cargo::cargo_bin!("gatefold"))
        .env("NO_COLOR", "1")
        .case(page.to_str().expect("a path in UTF-8"));
}
