//! `kubesift rules check`: detections held to what a reader of their text and a planner of their SQL can see.

use std::path::Path;

use super::super::args;
use crate::config::Config;
use crate::detection::lint::lint;
use crate::detection::{Detection, Pack};
use crate::engine::Checker;
use crate::error::{Error, Result};

/// Checks the detections that lie in a folder of the user's, else all; fails with a line for each fault.
pub(super) fn run(pack: &Pack, has_folder: bool) -> Result<String> {
    let is_wanted = |one: &&Detection| !has_folder || Path::new(&one.path).is_file();
    let wanted: Vec<&Detection> = pack.detections.iter().filter(is_wanted).collect();
    let checker = Checker::open(&args::views(pack), &Config::default().lists_with(&pack.lists))?;
    let mut faults = Vec::new();
    for detection in &wanted {
        faults.extend(of(&checker, detection)?);
    }
    if faults.is_empty() {
        return Ok(format!("{} detections are in order\n", wanted.len()));
    }
    let count = if faults.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", faults.len()) };
    Err(Error::Usage(format!("{}\n{count}", faults.join("\n"))))
}

/// The faults of one detection, as `path:line: message`.
fn of(checker: &Checker, detection: &Detection) -> Result<Vec<String>> {
    let mut faults = lint(detection);
    let first = detection.sql.lines().position(|line| !line.trim().is_empty()).map_or(1, |index| index + 1);
    for flaw in checker.check(detection)? {
        faults.push(format!("{}:{}: {}", detection.path, flaw.line.unwrap_or(first), flaw.message));
    }
    Ok(faults)
}
