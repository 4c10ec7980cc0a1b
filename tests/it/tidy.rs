//! What keeps the house in order: layers, sizes, words that must not stay.
//!
//! The layer table is the one in the documentation of `src/lib.rs`; this file reads it from there,
//! so that the tour and the law cannot differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file, in lines, of tests and benches too.
const FILE_LINES_MAX: usize = 800;
/// Longest function, in lines from its name to its closing brace, tests aside.
const FUNCTION_LINES_MAX: usize = 70;
/// Ports are for everybody who may use their module; adapters only for who puts things together.
const ADAPTERS: [&str; 2] = ["store::sqlite", "store::memory"];
/// Who may name an adapter.
const COMPOSERS: [&str; 3] = ["cli", "rehearsal", "store"];

/// One source file below `src`.
struct Source {
    /// Path below the package, for people.
    path: PathBuf,
    /// Module path, as `["host", "runs"]`; `mod.rs` is its folder.
    module: Vec<String>,
    /// The text without comments and without its test module.
    code: String,
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` file below `folder`, in a fixed order.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text without comments and without what follows `#[cfg(test)] mod …`.
fn code_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'))
        .unwrap_or(lines.len());
    let mut code = String::new();
    for line in &lines[..end] {
        if !line.trim_start().starts_with("//") {
            code.push_str(line);
        }
        code.push('\n');
    }
    code
}

/// Files below `src` that are compiled outside tests.
fn sources() -> Vec<Source> {
    let root = package().join("src");
    rust_files(&root)
        .into_iter()
        .filter_map(|path| {
            let below = path.strip_prefix(&root).expect("it lies below");
            let mut module: Vec<String> = below
                .with_extension("")
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            if module.iter().any(|part| part == "tests") {
                return None;
            }
            if module.last().is_some_and(|last| last == "mod") {
                module.pop();
            }
            let text = fs::read_to_string(&path).expect("it can be read");
            Some(Source {
                path: Path::new("src").join(below),
                module,
                code: code_of(&text),
            })
        })
        .collect()
}

/// Module → what it may use, from the table in `src/lib.rs`.
fn layer_table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(package().join("src/lib.rs")).expect("src/lib.rs can be read");
    let rows: Vec<Vec<String>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .map(|row| {
            row.trim_end_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect();
    let names: Vec<String> = rows[1..]
        .iter()
        .map(|row| row[0].trim_matches(['[', ']', '`']).to_owned())
        .collect();
    let mut table = BTreeMap::new();
    for (name, row) in names.iter().zip(&rows[1..]) {
        let may: BTreeSet<String> = match row[2].as_str() {
            "–" => BTreeSet::new(),
            "everything" => names.iter().cloned().collect(),
            list => list.split(", ").map(str::to_owned).collect(),
        };
        for used in &may {
            assert!(
                names.contains(used),
                "src/lib.rs: {name} may use {used:?}, which is no module of the table"
            );
        }
        table.insert(name.clone(), may);
    }
    table
}

/// What follows every `crate::` in `code`, braces opened: `crate::{a::{b, c}, d}` gives
/// `a::b`, `a::c` and `d`.
fn crate_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("crate::") {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + "crate::".len()..];
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            expand(rest, "", &mut paths);
        }
    }
    paths
}

/// Reads one path, or a group of them, at the beginning of `text`; returns what is left.
fn expand<'t>(text: &'t str, prefix: &str, paths: &mut Vec<String>) -> &'t str {
    let text = text.trim_start();
    let Some(mut inner) = text.strip_prefix('{') else {
        let end = text
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(text.len());
        let name = format!("{prefix}{}", &text[..end]);
        if let Some(deeper) = text[end..].strip_prefix("::") {
            return expand(deeper, &format!("{name}::"), paths);
        }
        paths.push(name);
        return &text[end..];
    };
    loop {
        inner = inner.trim_start().trim_start_matches([',', '*']).trim_start();
        if let Some(rest) = inner.strip_prefix('}') {
            return rest;
        }
        if inner.is_empty() {
            return inner;
        }
        let left = expand(inner, prefix, paths).trim_start();
        // `as name` after a path.
        inner = left.strip_prefix("as ").map_or(left, |alias| {
            alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
        });
        if !inner.starts_with([',', '}']) {
            return inner;
        }
    }
}

#[test]
fn a_nested_group_of_paths_is_opened() {
    let paths =
        crate_paths("use crate::{base::{Span, id::{RunId, TaskId}}, plan as p, lint};\nlet x = crate::host::f();");
    assert_eq!(
        paths,
        [
            "base::Span",
            "base::id::RunId",
            "base::id::TaskId",
            "plan",
            "lint",
            "host::f"
        ]
    );
}

#[test]
fn modules_use_only_what_the_layer_table_allows() {
    let table = layer_table();
    let mut wrong = Vec::new();
    for source in sources() {
        let module = &source.module[0];
        if module == "lib" || module == "main" {
            continue;
        }
        let may = table
            .get(module)
            .unwrap_or_else(|| panic!("src/lib.rs: the table has no line for {module}"));
        for path in crate_paths(&source.code) {
            let used = path.split("::").next().expect("a path has a first part");
            if table.contains_key(used) && used != module && !may.contains(used) {
                wrong.push(format!(
                    "{}: {module} may not use {used} (crate::{path})",
                    source.path.display()
                ));
            }
            let adapter = ADAPTERS
                .iter()
                .find(|adapter| path == **adapter || path.starts_with(&format!("{adapter}::")));
            if adapter.is_some() && !COMPOSERS.contains(&module.as_str()) {
                wrong.push(format!(
                    "{}: only cli names an adapter (crate::{path})",
                    source.path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_layer_table_names_every_module() {
    let table = layer_table();
    let modules: BTreeSet<String> = sources()
        .iter()
        .map(|source| source.module[0].clone())
        .filter(|module| module != "lib" && module != "main")
        .collect();
    assert_eq!(modules, table.into_keys().collect());
}

#[test]
fn no_path_climbs_out_of_its_top_level_module() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (index, line) in source.code.lines().enumerate() {
            if line.contains(&"super::".repeat(source.module.len())) {
                wrong.push(format!("{}:{}: {}", source.path.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "say crate:: instead, so that the layer table sees it:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn files_stay_short() {
    let folders = ["src", "tests", "benches"].map(|folder| package().join(folder));
    let wrong: Vec<String> = folders
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|path| (fs::read_to_string(&path).expect("the file can be read"), path))
        .map(|(text, path)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(
        wrong.is_empty(),
        "more than {FILE_LINES_MAX} lines:\n{}",
        wrong.join("\n")
    );
}

/// Name, first line and length of every function; relies on rustfmt's indentation.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let indent = &line[..line.len() - body.len()];
        let mut words = body.split(' ').skip_while(|word| {
            word.starts_with("pub") || ["async", "const", "unsafe", "in"].contains(word) || word.ends_with(')')
        });
        if words.next() != Some("fn") {
            continue;
        }
        let name = words
            .next()
            .unwrap_or_default()
            .split(['(', '<'])
            .next()
            .unwrap_or_default();
        let close = format!("{indent}}}");
        let end = lines[index..]
            .iter()
            .position(|line| *line == close || line.ends_with(';') && !line.contains("    "));
        found.push((name.to_owned(), index + 1, end.map_or(1, |end| end + 1)));
    }
    found
}

#[test]
fn functions_stay_short() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for source in sources() {
        for (name, line, length) in functions(&source.code) {
            count += 1;
            if length > FUNCTION_LINES_MAX {
                wrong.push(format!("{}:{line}: {name} has {length} lines", source.path.display()));
            }
        }
    }
    assert!(count > 500, "only {count} functions were recognised");
    assert!(
        wrong.is_empty(),
        "more than {FUNCTION_LINES_MAX} lines:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_module_says_what_it_owns() {
    let root = package().join("src");
    let wrong: Vec<String> = rust_files(&root)
        .iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .filter(|path| !fs::read_to_string(path).expect("it can be read").starts_with("//! "))
        .map(|path| path.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "no `//!` at the top:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_unfinished_or_flaky_stays() {
    // Written in two halves so that this file does not find itself.
    let everywhere = [
        concat!("dbg", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ig", "nore"),
    ];
    let in_tests = [
        concat!("thread::sl", "eep("),
        concat!("time::sl", "eep"),
        concat!("#[should_", "panic"),
    ];
    // The first waits for another process in real time and says why; the others have nothing but
    // virtual time.
    let may_sleep = ["tests/crash/patience.rs", "tests/sim", "tests/it/host/store.rs"].map(|path| package().join(path));
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        let folder_path = package().join(folder);
        if !folder_path.is_dir() {
            continue;
        }
        for path in rust_files(&folder_path) {
            let text = fs::read_to_string(&path).expect("it can be read");
            for (index, line) in text.lines().enumerate() {
                let found = everywhere.iter().chain(in_tests.iter().filter(|_| folder == "tests"));
                for word in found.filter(|word| line.contains(**word)) {
                    if *word == in_tests[1] && may_sleep.iter().any(|place| path.starts_with(place)) {
                        continue;
                    }
                    wrong.push(format!("{}:{}: {word}", path.display(), index + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every page that people read: those at the top and everything below `docs`.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = ["README.md", "CHANGELOG.md"].map(|name| package().join(name)).into();
    let mut open = vec![package().join("docs")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// A number is a name: two decisions of one number are one too many.
#[test]
fn every_decision_has_a_number_of_its_own() {
    let mut numbers = BTreeSet::new();
    for entry in fs::read_dir(package().join("docs/adr")).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number: usize = name[..4].parse().expect("the name begins with four digits");
        let text = fs::read_to_string(&path).expect("it can be read");
        assert!(
            text.starts_with(&format!("# {number}. ")),
            "{name}: the heading says another number"
        );
        assert!(numbers.insert(number), "{name}: the number is taken");
    }
    assert!(numbers.len() > 10);
}

/// One line per word.
#[test]
fn the_glossary_has_each_word_once() {
    let text = fs::read_to_string(package().join("docs/glossary.md")).expect("it can be read");
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let words: Vec<&str> = rows.collect();
    let mut seen = BTreeSet::new();
    let twice: Vec<&&str> = words.iter().filter(|word| !seen.insert(**word)).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(words.len() > 40);
}

#[test]
fn no_link_on_a_page_is_dead() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("it can be read");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            let is_outside = target.contains("://") || target.starts_with("mailto:");
            if !is_outside && !path.is_empty() && !page.with_file_name(path).exists() {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn nothing_names_a_place_on_somebodys_machine() {
    let places = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];
    let sources = ["src", "tests", "benches"].map(|folder| rust_files(&package().join(folder)));
    let files = sources.into_iter().flatten().chain(pages());
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("it can be read");
        for place in places.iter().filter(|place| text.contains(**place)) {
            wrong.push(format!("{}: {place}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Limits that no test goes to, each with why.
const NOT_GONE_TO: [(&str, &str); 6] = [
    (
        "MAX_ANSWER_BYTES",
        "of a process of this build, which answers with less",
    ),
    (
        "MAX_DESCENDANTS",
        "twenty thousand runs of one run take too long; the bound is gone to where it is set to three",
    ),
    (
        "MAX_FUEL",
        "an expression of 500 tokens is far from it: the second wall behind them",
    ),
    ("MAX_RUNS", "the same bound, of a case of a test: see MAX_DESCENDANTS"),
    ("MAX_MOMENTS", "ten thousand moments of a case take too long to show"),
    (
        "MAX_SCHEMA_DEPTH",
        "types of actions are compiled in, and none is that deep",
    ),
];

#[test]
fn every_limit_is_named_by_a_test() {
    let mut limits = BTreeSet::new();
    let mut tests = String::new();
    for path in rust_files(&package().join("tests")) {
        tests.push_str(&fs::read_to_string(&path).expect("it can be read"));
    }
    for path in rust_files(&package().join("src")) {
        let text = fs::read_to_string(&path).expect("it can be read");
        let is_test = path.iter().any(|part| part == "tests" || part == "tests.rs");
        let at = if is_test {
            Some(0)
        } else {
            text.find("#[cfg(test)]\nmod ")
        };
        let (code, test) = text.split_at(at.unwrap_or(text.len()));
        tests.push_str(test);
        let consts = code.lines().filter_map(|line| line.split_once("const MAX_"));
        limits.extend(consts.filter_map(|(_, rest)| Some(format!("MAX_{}", rest.split_once(':')?.0))));
    }
    assert!(limits.len() > 60, "{limits:?}");
    let words: BTreeSet<&str> = tests
        .split(|char: char| !char.is_alphanumeric() && char != '_')
        .collect();
    let known: BTreeSet<&str> = NOT_GONE_TO.iter().map(|(name, _)| *name).collect();
    // The list above names them all the same.
    let is_named = |limit: &str| words.contains(limit) && !known.contains(limit);
    let never: Vec<&String> = limits
        .iter()
        .filter(|limit| !is_named(limit) && !known.contains(limit.as_str()))
        .collect();
    assert!(never.is_empty(), "no test goes to {never:?}, nor one past");
    let gone: Vec<&&str> = known.iter().filter(|name| !limits.contains(**name)).collect();
    assert!(gone.is_empty(), "there are no limits {gone:?} any more");
}
