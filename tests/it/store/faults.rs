//! Fault points are written twice, in the list and where they are passed: the two must agree.

use gatefold::store::fault::{FAILURES, POINTS};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The names with which the code calls one of `functions`.
fn passed(functions: &[&str]) -> BTreeSet<String> {
    let mut passed = BTreeSet::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&path).expect("the file can be read");
        for function in functions {
            for call in text.split(&format!("fault::{function}(\"")).skip(1) {
                let name = call.split('"').next().expect("a split has a first part");
                assert!(passed.insert(name.to_owned()), "{name} is passed at two places");
            }
        }
    }
    passed
}

#[test]
fn the_lists_of_fault_points_are_those_in_the_code() {
    let listed = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!(passed(&["point"]), listed(POINTS));
    assert_eq!(passed(&["fails", "io"]), listed(FAILURES));
}
