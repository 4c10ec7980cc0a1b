//! How much memory plans need, held against what the host takes them to need. A program of its own, because its
//! allocator counts what the whole process has.

use cap::Cap;
use gatefold::base::{Calendar, Calendars};
use gatefold::host::plans::BYTES_A_TEXT_BYTE;
use gatefold::lint::{Surroundings, check};
use gatefold::spec::Catalog;
use std::alloc::System;
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// How far the estimate may be above what the largest needs: an estimate that is too high drops plans for nothing.
const FACTOR: usize = 2;

fn flows_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            flows_below(&path, found);
        } else if path.to_string_lossy().ends_with(".flow.yaml") {
            found.push(path);
        }
    }
}

fn calendars() -> Calendars {
    let calendar = Calendar {
        zone: "Europe/Madrid".into(),
        hours: vec!["09:00-17:00".into()],
        week: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        holidays: Vec::new(),
    };
    let names = ["corporate", "madrid", "office", "lisbon"];
    names
        .into_iter()
        .map(|name| (name.to_owned(), calendar.clone()))
        .collect()
}

/// Bytes of the plan of a flow; nothing where it does not compile here.
fn plan_bytes(text: &str, calendars: &Calendars) -> Option<usize> {
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        calendars,
        people: None,
        flows: None,
        secrets: None,
    };
    let compile = || check("a.flow.yaml", text, surroundings).plan;
    // makes what is kept for all plans
    compile()?;
    let before = ALLOCATOR.allocated();
    let plan = compile()?;
    let bytes = ALLOCATOR.allocated().saturating_sub(before);
    drop(plan);
    Some(bytes)
}

#[test]
fn a_plan_needs_no_more_memory_than_it_is_taken_to_need() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut flows = Vec::new();
    for folder in ["definitions", "tests/patterns", "tests/pains"] {
        flows_below(&package.join(folder), &mut flows);
    }
    let calendars = calendars();
    let mut ratios = Vec::new();
    for path in flows {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        if let Some(bytes) = plan_bytes(&text, &calendars) {
            ratios.push((bytes.div_ceil(text.len()), bytes, path.display().to_string()));
        }
    }
    ratios.sort();
    println!("{} flows; least {:?}", ratios.len(), ratios.first());
    println!(
        "middle {:?}; most {:?}",
        ratios[ratios.len() / 2],
        &ratios[ratios.len() - 5..]
    );
    assert!(ratios.len() > 20, "flows are found");
    let (most, _, path) = ratios.last().expect("flows are found");
    assert!(*most <= BYTES_A_TEXT_BYTE, "{path} needs {most}");
    assert!(most * FACTOR >= BYTES_A_TEXT_BYTE, "no flow needs more than {most}");
}
