//! Every detection of the binary's pack, held to its header, to the lints and to the cases beside it: one named trial
//! each, so that `cargo test --test detections pod_exec` runs what concerns one. See `tests/README.md`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
use std::{fs, io};

use kubesift::config::Config;
use kubesift::detection::cases::Case;
use kubesift::detection::lint::lint;
use kubesift::detection::{Detection, FILES, Pack, View};
use kubesift::engine::{self, Checker, Flaw};
use kubesift::error::Result;
use kubesift::prove::{self, Verdict};
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
        Trial::test("pack::what headers refer to is there", {
            let pack = pack.clone();
            move || Ok(references(&*pack?)?)
        }),
        Trial::test("pack::lists are exact and in order", lists_are_exact),
    ];
    let mut tricks: Vec<(usize, Trial)> = Vec::new();
    for (path, text) in FILES {
        if path.starts_with("sql/views/") {
            trials.push(Trial::test(format!("{}::header", stem(path)), || held(View::parse(path, text))));
        } else if path.starts_with("sql/detections/") {
            let cases = prove::read_cases(&root().join(path));
            tricks.extend(trick_trials(&pack, stem(path), cases.as_deref().unwrap_or_default()).enumerate());
            trials.extend(detection_trials(&pack, path, text, cases));
        }
    }
    // the first trial of a detection works for the others, so that these would wait for it if they stood beside it
    tricks.sort_by_key(|(index, _)| *index);
    trials.extend(tricks.into_iter().map(|(_, trial)| trial));
    trials.extend(plan_trials(&pack));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The trials of one detection: header, lint, its cases, and whether these cases say enough.
fn detection_trials(
    pack: &Result<Arc<Pack>, String>,
    path: &'static str,
    text: &'static str,
    cases: Result<Vec<Case>>,
) -> Vec<Trial> {
    let id = stem(path);
    let mut trials = vec![
        Trial::test(format!("{id}::header"), move || held(Detection::parse(path, text))),
        Trial::test(format!("{id}::lint"), move || {
            // a broken header is told by its own trial
            let messages = Detection::parse(path, text).map_or(Vec::new(), |detection| lint(&detection));
            if messages.is_empty() { Ok(()) } else { Err(messages.join("\n").into()) }
        }),
    ];
    let cases = match cases {
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

/// One trial for each family of tricks, of which the first that runs tries all: that takes little longer than one.
fn trick_trials(
    pack: &Result<Arc<Pack>, String>,
    id: &'static str,
    cases: &[Case],
) -> impl Iterator<Item = Trial> + use<> {
    let verdicts: Arc<OnceLock<Vec<Verdict>>> = Arc::default();
    let (pack, cases): (_, Arc<[Case]>) = (pack.clone(), cases.into());
    prove::trials().map(move |name| {
        let (pack, verdicts, cases) = (pack.clone(), Arc::clone(&verdicts), Arc::clone(&cases));
        Trial::test(format!("{id}::{name}"), move || {
            let pack = pack.map_err(|error| format!("the pack does not load: {error}"))?;
            let detection = pack.get(id).ok_or_else(|| format!("there is no detection {id}"))?;
            let verdicts = verdicts.get_or_init(|| prove::survive(&pack, detection, &cases));
            let fault = verdicts.iter().find(|verdict| verdict.case == name).and_then(|one| one.fault.clone());
            fault.map_or(Ok(()), |fault| Err(fault.into()))
        })
    })
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

/// A "see `node_proxy_exec`" in a header sends whoever reads it to a detection, which must not have been renamed.
fn references(pack: &Pack) -> Result<(), String> {
    let is_id = |word: &&str| word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let mut lost = Vec::new();
    for detection in &pack.detections {
        let texts = detection.header.blind.iter().chain(&detection.header.triage).chain(&detection.header.benign);
        let referring = texts.filter_map(|text| text.split_once("ee ").map(|(_, rest)| rest));
        let words = referring.flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).take(1));
        let unknown = words.filter(is_id).filter(|word| pack.get(word).is_none());
        lost.extend(unknown.map(|word| format!("{}: {word} is no detection", detection.path)));
    }
    if lost.is_empty() { Ok(()) } else { Err(lost.join("\n")) }
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

/// A pattern would know whoever chooses a name that fits it, and an entry out of order hides its double.
fn lists_are_exact() -> Result<(), Failed> {
    let mut faults = Vec::new();
    for (path, text) in FILES.iter().filter(|(path, _)| path.starts_with("sql/lists/")) {
        let lists: toml::Table = text.parse()?;
        if !text.starts_with("# ") {
            faults.push(format!("{path}: say first of which platform and versions it speaks"));
        }
        for (name, list) in &lists {
            if !says_its_source(text, name) {
                faults.push(format!("{path}: {name}: a comment above it says where the names come from"));
            }
            for key in ["identities", "verbs", "resources"] {
                let entries: Vec<&str> = list
                    .get(key)
                    .and_then(toml::Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|one| one.as_str())
                    .collect();
                if !entries.is_sorted_by(|a, b| a < b) {
                    faults.push(format!("{path}: {name}.{key} is not sorted, or holds an entry twice"));
                }
                if let Some(loose) = entries.iter().find(|entry| entry.contains('*')) {
                    faults.push(format!("{path}: {name}.{key}: {loose:?} is not exact"));
                }
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// Whether the line above a list is a comment.
fn says_its_source(text: &str, list: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let header = lines.iter().position(|line| *line == format!("[{list}]"));
    header.and_then(|at| at.checked_sub(1)).is_some_and(|above| lines[above].starts_with("# "))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
