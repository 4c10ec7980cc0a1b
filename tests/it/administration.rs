//! The page for administrators: its examples are what the program reads, and its table of doors is
//! the table of routes.

use gatefold::config::{self, Environment, Sources, people};
use gatefold::server::{Access, routes, signature};
use secrecy::SecretString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- doors: UPDATE=1 cargo test --test it doors -->\n";
const END: &str = "<!-- end of doors -->";

fn page() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/administration.md");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// The example that begins with a line of three backticks and `name`.
fn example(name: &str) -> String {
    let (_, text) = page();
    let (_, rest) = text.split_once(&format!("```{name}\n")).expect(name);
    rest.split_once("```").expect("an example ends").0.to_owned()
}

#[test]
fn the_doors_are_those_of_the_table_of_routes() {
    let mut doors = String::from("\n| route | what it does | who may call it |\n|---|---|---|\n");
    for route in routes() {
        let who = match route.access {
            Access::Token([]) => "`PERSON`".to_owned(),
            other => other.describe(),
        };
        let summary = route.summary;
        writeln!(doors, "| `{} {}` | {summary} | {who} |", route.method, route.path).unwrap();
    }
    doors.push('\n');
    let (path, text) = page();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE").is_some() && found != doors {
        std::fs::write(&path, format!("{before}{BEGIN}{doors}{END}{after}")).unwrap();
        return;
    }
    assert!(found == doors, "write it anew with UPDATE=1 cargo test --test it doors");
}

#[test]
fn the_signature_on_the_page_is_right() {
    let block = example("text webhook");
    let value = |name: &str| {
        let line = block.lines().find(|line| line.starts_with(name)).expect(name);
        line.split_once(':').unwrap().1.trim().to_owned()
    };
    let secret = SecretString::from(value("secret"));
    let at = value("time").parse().unwrap();
    let signed = signature::sign(
        &secret,
        at,
        &value("flow"),
        Some(&value("delivery")),
        value("body").as_bytes(),
    );
    assert_eq!(value("signature"), signed);
}

#[test]
fn the_files_on_the_page_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    };
    let file = write("gatefold.toml", example("toml gatefold.toml"));
    let resolved = config::load(&Sources {
        file: Some(file),
        environment: Environment::default(),
        ..Sources::default()
    });
    assert_eq!(resolved.unwrap().base_url, "https://files.example.com");
    let directory = people::read(&write("people.yaml", example("yaml people.yaml"))).unwrap();
    assert_eq!(directory.users["dora"].manager.as_deref(), Some("anna"));
    write("calendars/corporate.yaml", example("yaml calendar"));
    let calendars = config::calendars(&folder.path().join("calendars")).unwrap();
    assert_eq!(calendars["corporate"].zone, "Europe/Madrid");
}
