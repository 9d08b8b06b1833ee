//! Holds detections to the cases beside them: raw events through the real parser, the real views and the real engine.
//! The tests of the pack and `kubesift rules test` are both this. With the tricks of [`mutate`] the attacks of the cases
//! must still be found.

pub mod mutate;
mod survive;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::config::Config;
use crate::detection::cases::{self, Case};
use crate::detection::lint::lint;
use crate::detection::{Detection, Pack};
use crate::engine::{self, View};
use crate::error::{Error, Result};
use crate::event;
use crate::finding::Finding;

pub use survive::{survive, trials};

/// What became of one case, or of a detection's cases as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The detection's id.
    pub detection: String,
    /// The case's name, or what was looked at.
    pub case: String,
    /// What is wrong; `None`: it holds.
    pub fault: Option<String>,
}

/// Holds each of `detections` to its lint and its cases, and if asked to the tricks of [`mutate`], several at a time;
/// the verdicts are in their order.
#[must_use]
pub fn prove(pack: &Pack, detections: &[&Detection], with_tricks: bool) -> Vec<Verdict> {
    let verdicts: Vec<Vec<Verdict>> =
        detections.to_vec().into_par_iter().map(|one| prove_one(pack, one, with_tricks)).collect();
    verdicts.into_iter().flatten().collect()
}

fn prove_one(pack: &Pack, detection: &Detection, with_tricks: bool) -> Vec<Verdict> {
    let verdict = |case: &str, fault| Verdict { detection: detection.id.clone(), case: case.to_owned(), fault };
    let faults = lint(detection);
    let mut verdicts = vec![verdict("lint", (!faults.is_empty()).then(|| faults.join("\n")))];
    match read_cases(Path::new(&detection.path)) {
        Err(error) => verdicts.push(verdict("cases", Some(error.to_string()))),
        Ok(cases) => {
            verdicts.push(verdict("has a hit and a miss", both_ways(&cases).err()));
            let tried = cases.iter().map(|case| verdict(&case.name, check(pack, detection, case).err()));
            verdicts.extend(tried);
            if with_tricks {
                verdicts.extend(survive(pack, detection, &cases));
            }
        }
    }
    verdicts
}

/// The file of cases beside the `.sql` file at `path`.
#[must_use]
pub fn cases_file(path: &Path) -> PathBuf {
    path.with_extension("test.toml")
}

/// Reads the cases beside the `.sql` file at `path`.
pub fn read_cases(path: &Path) -> Result<Vec<Case>> {
    let path = cases_file(path);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Error::usage(format!("{}: {error}; put at least one hit and one miss there", path.display()))
    })?;
    cases::parse(&path.to_string_lossy(), &text)
}

/// Whether the cases say both what is found and what is not; what to do if they do not.
pub fn both_ways(cases: &[Case]) -> Result<(), String> {
    let (hits, misses) = (cases.iter().any(|case| !case.hit.is_empty()), cases.iter().any(|case| case.hit.is_empty()));
    if hits && misses {
        return Ok(());
    }
    Err("add a case with a hit, and one that is nearly a hit and is none".to_owned())
}

/// Finds what a case holds with `detection`.
pub fn run(pack: &Pack, detection: &Detection, case: &Case) -> Result<Vec<Finding>, String> {
    let batches = event::parse_text(&case.events, "test")?;
    let views: Vec<View> = pack.views.iter().map(View::from).collect();
    let lists = Config { lists: case.lists.clone(), ..Config::default() }.lists_with(&pack.lists);
    engine::run_detection(&views, detection, batches, &lists, &case.params).map_err(|error| error.to_string())
}

/// Fails, saying how, unless the findings are about the expected events, no more and no fewer.
pub fn check(pack: &Pack, detection: &Detection, case: &Case) -> Result<(), String> {
    let findings = run(pack, detection, case)?;
    let expected: BTreeSet<&str> = case.hit.iter().map(String::as_str).collect();
    let found: BTreeSet<&str> = findings.iter().map(|finding| finding.audit_id.as_str()).collect();
    if found == expected {
        return Ok(());
    }
    let mut fault = format!("expected {expected:?}, found {found:?}");
    for finding in findings {
        let Finding { audit_id, actor, object, events, evidence, .. } = finding;
        fault += &format!("\n  {audit_id}: {actor} -> {object}, {events} events, {evidence}");
    }
    Err(fault)
}
