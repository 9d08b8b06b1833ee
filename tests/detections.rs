//! Every detection of the binary's pack, held to its header, to the lints and to the cases beside it: one named trial
//! each, so that `cargo test --test detections pod_exec` runs what concerns one. See `tests/README.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::{fs, io};

use kubesift::config::Config;
use kubesift::detection::cases::{self, Case};
use kubesift::detection::lint::lint;
use kubesift::detection::{Detection, FILES, Pack, View};
use kubesift::error::Result;
use kubesift::finding::Finding;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let pack = Pack::embedded().map(Arc::new).map_err(|error| error.to_string());
    let mut trials = vec![
        Trial::test("pack::loads", {
            let loaded = pack.as_ref().map(|_| ()).map_err(Failed::from);
            move || loaded
        }),
        Trial::test("pack::each case file has its detection", no_case_file_is_alone),
    ];
    for (path, text) in FILES {
        if path.starts_with("sql/views/") {
            trials.push(Trial::test(format!("{}::header", stem(path)), || held(View::parse(path, text))));
        } else if path.starts_with("sql/detections/") {
            trials.extend(detection_trials(&pack, path, text));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Finds what `case` holds with the detection `id`: the real parser, the real views, the real engine.
fn run_case(pack: &Pack, id: &str, case: &Case) -> Result<Vec<Finding>, String> {
    let detection = pack.get(id).ok_or_else(|| format!("there is no detection {id}"))?;
    let batches = kubesift::event::parse_text(&case.events, "test")?;
    let views: Vec<_> = pack.views.iter().map(kubesift::engine::View::from).collect();
    let lists = Config { lists: case.lists.clone(), ..Config::default() }.lists_with(&pack.lists);
    kubesift::engine::run_detection(&views, detection, batches, &lists, &case.params).map_err(|error| error.to_string())
}

/// The trials of one detection: header, lint, its cases, and whether these cases say enough.
fn detection_trials(pack: &Result<Arc<Pack>, String>, path: &'static str, text: &'static str) -> Vec<Trial> {
    let id = stem(path);
    let mut trials = vec![
        Trial::test(format!("{id}::header"), move || held(Detection::parse(path, text))),
        Trial::test(format!("{id}::lint"), move || {
            // a broken header is told by its own trial
            let messages = Detection::parse(path, text).map_or(Vec::new(), |detection| lint(&detection));
            if messages.is_empty() { Ok(()) } else { Err(messages.join("\n").into()) }
        }),
    ];
    let cases = match read_cases(path) {
        Ok(cases) => cases,
        Err(message) => {
            trials.push(Trial::test(format!("{id}::cases"), || Err(message.into())));
            return trials;
        }
    };
    let both_ways = cases.iter().any(|case| case.hit.is_empty()) && cases.iter().any(|case| !case.hit.is_empty());
    trials.push(Trial::test(format!("{id}::has a hit and a miss"), move || {
        if both_ways { Ok(()) } else { Err("add a case with a hit, and one that is nearly a hit and is none".into()) }
    }));
    for case in cases {
        let pack = pack.clone();
        trials.push(Trial::test(format!("{id}::{}", case.name), move || {
            let pack = pack.map_err(|error| format!("the pack does not load: {error}"))?;
            check_case(&pack, id, &case)
        }));
    }
    trials
}

/// Passes if the findings are about the expected events, no more and no fewer.
fn check_case(pack: &Pack, id: &str, case: &Case) -> Result<(), Failed> {
    let findings = run_case(pack, id, case)?;
    let expected: BTreeSet<&str> = case.hit.iter().map(String::as_str).collect();
    let found: BTreeSet<&str> = findings.iter().map(|finding| finding.audit_id.as_str()).collect();
    if found == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, found {found:?}\n{findings:#?}\nin\n{}", case.events).into())
}

fn held<T>(parsed: Result<T>) -> Result<(), Failed> {
    parsed.map(|_| ()).map_err(|error| error.to_string().into())
}

/// The id that a file's name gives.
fn stem(path: &'static str) -> &'static str {
    path.rsplit('/').next().and_then(|file| file.strip_suffix(".sql")).unwrap_or(path)
}

/// Reads the cases from the disk: they are not part of the binary.
fn read_cases(path: &str) -> Result<Vec<Case>, String> {
    let path = path.replace(".sql", ".test.toml");
    let text = fs::read_to_string(root().join(&path)).map_err(|error| format!("{path}: {error}"))?;
    cases::parse(&path, &text).map_err(|error| error.to_string())
}

/// A case file whose detection was renamed would pass by never running.
fn no_case_file_is_alone() -> Result<(), Failed> {
    let mut alone = Vec::new();
    let mut folders = vec![root().join("sql/detections")];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let sql = path.to_string_lossy().replace(".test.toml", ".sql");
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") && !PathBuf::from(sql).is_file() {
                alone.push(path.display().to_string());
            }
        }
    }
    if alone.is_empty() { Ok(()) } else { Err(format!("no detection beside {}", alone.join(", ")).into()) }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
