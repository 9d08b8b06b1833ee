//! `kubesift explain`: one finding with its reasons, and what to ask next.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Ending, args, detect, output, place, signals};
use crate::config::Config;
use crate::detect::Detected;
use crate::engine::{Extent, Settings};
use crate::error::{Error, Result};
use crate::explain;
use crate::finding::{self, Finding};
use crate::ingest::Watch;
use crate::lake::Lake;
use crate::report::explanation::{self, EXPLANATION_FORMATS};
use crate::report::{State, read};
use crate::run::findings_session;

/// Arguments of `kubesift explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The finding's id, or its first six digits or more
    #[arg(value_name = "FINDING_ID")]
    id: String,
    /// The lake's folder or URL
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    /// The detection that found it, so that only this one is run again
    #[arg(long, value_name = "ID", conflicts_with = "findings")]
    detection: Option<String>,
    /// Findings that `detect` wrote as NDJSON or JSON, so that none is run again
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// Format of the explanation
    #[arg(long, value_name = "FORMAT", value_parser = EXPLANATION_FORMATS, default_value = "text")]
    format: String,
    #[command(flatten)]
    rules: args::Rules,
    #[command(flatten)]
    time: args::Time,
    #[command(flatten)]
    knowledge: args::Knowledge,
    #[command(flatten)]
    limits: args::Limits,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let id = explain::id(&args.id)?;
    let mut pack = args.rules.pack()?;
    let config = args.knowledge.config()?;
    crate::detect::check_params(&pack, &config)?;
    if let Some(detection) = &args.detection {
        pack.only(std::slice::from_ref(detection))?;
    }
    let lake = Lake::open(place::lake(&args.lake)?)?;
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let settings = args.limits.settings(&lake.spill_folder())?;
    let written = match &args.findings {
        Some(path) => Some(findings(path)?),
        None => kept(&lake, &settings, &id)?,
    };
    // a suppressed finding can be explained too
    let unsuppressed = Config { suppress: Vec::new(), ..config.clone() };
    let work = detect::Work { pack: &pack, config: &unsuppressed, watch: &watch, accounts: &[] };
    let (snapshot, period) = (lake.snapshot()?, args.time.period()?);
    let (session, all) = if let Some(findings) = written {
        let session = detect::plain_session(&snapshot, &pack, &config, &settings, period)?;
        let extent = Extent::of(&session.facts(&BTreeSet::new())?);
        (session, Detected { findings, extent, ..Detected::default() })
    } else {
        let (session, known) = detect::session(&lake, &snapshot, &work, &settings, period)?;
        let detected = crate::detect::detect(&session, &pack, &unsuppressed, &known, |_| watch.check())?;
        (session, detected)
    };
    let finding = explain::pick(&all.findings, &id)?.ok_or_else(|| not_found(&id, &all, args))?;
    watch.check()?;
    let today = chrono::Utc::now().date_naive();
    let detection = pack.get(&finding.detection);
    let (explanation, fault) =
        explain::explain(&session, finding, detection, &config, today, &args.lake, all.extent.clusters.len())?;
    let width = if std::io::stdout().is_terminal() { output::width() } else { None };
    explanation::write(&explanation, &args.format, width, &mut std::io::stdout())?;
    match fault {
        None => Ok(Ending::Complete),
        Some(Error::Limit(_)) => Ok(Ending::Limited),
        Some(error) => Err(error),
    }
}

/// The findings of a file.
pub(super) fn findings(path: &Path) -> Result<Vec<Finding>> {
    let unread = |error| Error::usage(format!("{}: the findings cannot be read: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(unread)?;
    read::findings(&path.display().to_string(), &text)
}

/// The findings of which the lake keeps one that begins with `id`; none where it keeps none.
pub(super) fn kept(lake: &Lake, settings: &Settings, id: &str) -> Result<Option<Vec<Finding>>> {
    let Some(table) = lake.findings()? else { return Ok(None) };
    let session = findings_session(settings, table)?;
    let mut found = Vec::new();
    // an id is hexadecimal
    for batch in session.query(&format!("select * from findings where starts_with(finding_id, '{id}')"))? {
        found.extend(finding::from_batch(&batch?)?);
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

/// That there is no such finding, what was looked at, and what to try.
fn not_found(id: &str, all: &Detected, args: &Args) -> Error {
    let there = match all.findings.len() {
        0 => "there are no findings at all".to_owned(),
        1 => "there is 1 finding, another one".to_owned(),
        n => format!("there are {n} findings, none of them this"),
    };
    if let Some(path) = &args.findings {
        return Error::usage(format!("no finding begins with {id}: {there} in {}", path.display()));
    }
    let stopped = all.outcomes.iter().filter(|outcome| matches!(outcome.state, State::Incomplete(_))).count();
    let stopped = if stopped > 0 { format!("; {stopped} detections did not finish") } else { String::new() };
    let narrowed = if args.detection.is_some() { "leave --detection out, and " } else { "" };
    Error::usage(format!(
        "no finding begins with {id}: {there}{stopped}; {narrowed}give the same --since, --until, --rules, --pack and \
         --config as the run that showed it, or name its file with --findings; `kubesift detect --lake {} \
         --min-severity info` shows all ids",
        args.lake.display()
    ))
}
