//! The invariants of `src/lib.rs` that a compiler does not check, held by reading the sources.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// The floors of `src/lib.rs`: a module may import modules of lower floors.
const FLOORS: &[&[&str]] = &[
    &["error", "limits", "schema"],
    &["account", "block", "finding", "manifest", "part", "store"],
    &["config", "detection", "event", "input", "lake", "rbac", "risk"],
    &["engine", "report"],
    &["baseline", "detect", "dossier", "explain", "generate", "ingest", "prove", "review"],
    &["run"],
    &["cli"],
];

struct File {
    /// Relative to the project, with `/`.
    path: String,
    text: String,
}

impl File {
    /// The first folder or file below `src`: the module that the floors speak of.
    fn module(&self) -> &str {
        let inner = self.path.trim_start_matches("src/");
        inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs")
    }

    /// The lines outside of comments, with their numbers, up to the tests of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .take_while(|(_, line)| !line.starts_with("mod tests"))
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn is_test(&self) -> bool {
        self.path.contains("tests")
    }
}

fn rust_files(folder: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                files.push(File { path: relative, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    files
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Faults of every line of `src` that holds one of `words`, unless the file's module is among `allowed`.
fn only_in(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in rust_files("src").iter().filter(|file| !allowed.contains(&file.module()) && !file.is_test()) {
        for (number, line) in file.code() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                faults.push(format!("{}:{number}: {word} belongs in {}", file.path, allowed.join(", ")));
            }
        }
    }
    faults
}

#[test]
fn files_and_functions_are_short() {
    let mut faults = Vec::new();
    for file in ["src", "tests", "benches", "sql"].into_iter().flat_map(rust_files) {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{}: {lines} lines", file.path));
        }
        for (start, length) in functions(&file.text) {
            if length > FUNCTION_LINES_MAX {
                faults.push(format!("{}:{start}: a function of {length} lines", file.path));
            }
        }
    }
    report(&faults);
}

/// The first line and the length of each function of rustfmt's making.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let is_function =
            ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "async fn ", "pub async fn ", "const fn "]
                .iter()
                .any(|start| code.starts_with(start));
        if is_function && !code.ends_with(';') {
            let close = format!("{}}}", " ".repeat(indent));
            let length = lines[index..].iter().position(|line| *line == close);
            found.push((index + 1, length.map_or(1, |length| length + 1)));
        }
    }
    found
}

#[test]
fn every_module_says_what_it_owns() {
    let faults: Vec<String> = ["src", "tests", "benches", "sql"]
        .into_iter()
        .flat_map(rust_files)
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{}: no module documentation", file.path))
        .collect();
    report(&faults);
}

#[test]
fn modules_import_downward_only() {
    let floor_of = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let mut faults = Vec::new();
    for file in rust_files("src") {
        let module = file.module();
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some(floor) = floor_of(module) else {
            faults.push(format!("{}: {module} stands on no floor", file.path));
            continue;
        };
        for (number, line) in file.code() {
            for other in FLOORS.iter().flat_map(|floor| floor.iter()).filter(|other| **other != module) {
                let named = line.contains(&format!("crate::{other}::")) || line.contains(&format!("crate::{other};"));
                let is_above = floor_of(other) >= Some(floor);
                let is_report_on_lake =
                    floor == 3 && floor_of(other) == Some(2) && !["detection", "risk"].contains(other);
                if named && (is_above || is_report_on_lake) {
                    faults.push(format!("{}:{number}: {module} must not import {other}", file.path));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn each_engine_has_one_home() {
    let mut faults = only_in(&["simd_json"], &["event"]);
    faults.extend(only_in(&["datafusion::", "datafusion_"], &["engine"]));
    faults.extend(only_in(&["deltalake::"], &["lake"]));
    faults.extend(only_in(&["reqwest::"], &["review"]));
    report(&faults);
}

#[test]
fn only_the_command_line_prints_and_reads_the_environment() {
    let prints = ["println!", "print!(", "eprintln!", "eprint!(", "io::stdout", "io::stderr", "env::args", "env::var"];
    report(&only_in(&prints, &["cli", "main"]));
}

#[test]
fn there_is_no_global_mutable_state() {
    report(&only_in(&["static mut", "OnceLock", "thread_local!", "lazy_static", "static ref"], &[]));
}

#[test]
fn tests_neither_sleep_nor_are_ignored() {
    let mut faults = Vec::new();
    let words = [concat!("#[", "ignore"), concat!("thread::", "sleep"), concat!("time::", "sleep")];
    for file in ["src", "tests"].into_iter().flat_map(rust_files).filter(|file| file.module() != "cli") {
        for (index, line) in file.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    report(&faults);
}

#[test]
fn no_module_is_a_drawer() {
    let drawers = ["utils", "util", "common", "helpers", "helper", "misc"];
    let faults: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|file| drawers.iter().any(|drawer| file.path.contains(&format!("/{drawer}"))))
        .map(|file| file.path)
        .collect();
    report(&faults);
}

#[test]
fn every_view_and_detection_reads_views_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/detections");
    let mut folders = vec![root];
    let mut faults = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                let text = fs::read_to_string(&path).unwrap();
                let cases = path.with_extension("test.toml");
                if text.contains("from events") || text.contains("join events") {
                    faults.push(format!("{}: reads the table of events", path.display()));
                }
                if !cases.is_file() {
                    faults.push(format!("{}: has no cases beside it", path.display()));
                }
            }
        }
    }
    report(&faults);
}
