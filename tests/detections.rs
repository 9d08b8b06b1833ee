//! Every detection of the binary's pack, held to its header, to the lints and to the cases beside it: one named trial
//! each, so that `cargo test --test detections pod_exec` runs what concerns one. See `tests/README.md`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::{fs, io};

use kubesift::config::Config;
use kubesift::detection::lint::lint;
use kubesift::detection::{Detection, FILES, Pack, View};
use kubesift::engine::{self, Checker, Flaw};
use kubesift::error::Result;
use kubesift::prove;
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
    trials.extend(plan_trials(&pack));
    libtest_mimic::run(&arguments, trials).exit_code()
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
    let cases = match prove::read_cases(&root().join(path)) {
        Ok(cases) => cases,
        Err(error) => {
            trials.push(Trial::test(format!("{id}::cases"), move || Err(error.to_string().into())));
            return trials;
        }
    };
    let both_ways = prove::both_ways(&cases);
    trials.push(Trial::test(format!("{id}::has a hit and a miss"), || both_ways.map_err(Failed::from)));
    for case in cases {
        let pack = pack.clone();
        trials.push(Trial::test(format!("{id}::{}", case.name), move || {
            let pack = pack.map_err(|error| format!("the pack does not load: {error}"))?;
            let detection = pack.get(id).ok_or_else(|| format!("there is no detection {id}"))?;
            prove::check(&pack, detection, &case).map_err(|fault| format!("{fault}\nin\n{}", case.events).into())
        }));
    }
    trials
}

/// Whether each detection runs over the views, and loses no rows to a NULL that it does not mean to.
fn plan_trials(pack: &Result<Arc<Pack>, String>) -> Vec<Trial> {
    let Ok(pack) = pack else { return Vec::new() };
    let views: Vec<engine::View> = pack.views.iter().map(engine::View::from).collect();
    let checker = Checker::open(&views, &Config::default().lists_with(&pack.lists)).map_err(|error| error.to_string());
    let checker = Arc::new(Mutex::new(checker));
    let trial = |index: usize| {
        let (pack, checker) = (Arc::clone(pack), Arc::clone(&checker));
        Trial::test(format!("{}::plan", pack.detections[index].id), move || {
            let (checker, detection) = (checker.lock().map_err(|error| error.to_string())?, &pack.detections[index]);
            let flaws = checker.as_ref()?.check(detection).map_err(|error| error.to_string())?;
            let line = |flaw: &Flaw| format!("{}:{}: {}", detection.path, flaw.line.unwrap_or(1), flaw.message);
            let lines: Vec<String> = flaws.iter().map(line).collect();
            if lines.is_empty() { Ok(()) } else { Err(lines.join("\n").into()) }
        })
    };
    (0..pack.detections.len()).map(trial).collect()
}

fn held<T>(parsed: Result<T>) -> Result<(), Failed> {
    parsed.map(|_| ()).map_err(|error| error.to_string().into())
}

/// The id that a file's name gives.
fn stem(path: &'static str) -> &'static str {
    path.rsplit('/').next().and_then(|file| file.strip_suffix(".sql")).unwrap_or(path)
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
