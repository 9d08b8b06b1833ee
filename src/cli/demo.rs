//! `kubesift demo`: the whole road on a sample of its own, for whoever has no log at hand.

use std::path::{Path, PathBuf};

use super::output::Output;
use super::{Ending, args, ingest, say, triage};
use crate::config::Config;
use crate::detection::Pack;
use crate::engine::Period;
use crate::error::{Error, Result};
use crate::generate::{Attack, FolderOptions, Options, write_folder};
use crate::input;
use crate::store::Stores;

/// Events of the sample: a few seconds even in an unoptimised build.
const EVENTS: u64 = 20_000;
const HOURS: i64 = 6;

/// Arguments of `kubesift demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder for the sample and the report, made anew
    #[arg(long, value_name = "DIR", default_value = "kubesift-demo")]
    out: PathBuf,
    #[command(flatten)]
    limits: args::Limits,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let logs = args.out.join("logs");
    clear(&args.out, &logs)?;
    let options =
        Options { events: EVENTS, attacks: Attack::ALL.to_vec(), span: HOURS * 3_600_000_000, ..Options::default() };
    let written = write_folder(&options, &logs, &FolderOptions::default())?;
    say(&format!(
        "{EVENTS} events of a made-up cluster, {} of them part of {} attacks, lie in {}",
        written.totals.labels,
        Attack::ALL.len(),
        logs.display()
    ));
    let report = args.out.join("report.html");
    let found = input::find(&written.files, &Stores::default())?;
    let intake = ingest::Intake::of_cluster("demo");
    let output = Output::with_report(report.clone());
    let job = triage::Job { found: &found, intake: &intake, limits: &args.limits, output: &output };
    let ending = triage::triage(&job, &Pack::embedded()?, &Config::default(), Period::default())?;
    say(&format!("\nthe report: {}", report.display()));
    say(&format!("which events were attacks: {}", written.labels.display()));
    say("the same on your own logs: kubesift triage YOUR-LOGS/ --report report.html");
    Ok(ending)
}

/// Removes the sample of an earlier demo, and nothing else.
fn clear(out: &Path, logs: &Path) -> Result<()> {
    if out.exists()
        && !logs.join("labels.jsonl").is_file()
        && std::fs::read_dir(out).is_ok_and(|mut all| all.next().is_some())
    {
        return Err(Error::usage(format!(
            "{}: the folder is not empty and no earlier demo; name another with --out",
            out.display()
        )));
    }
    if logs.exists() {
        std::fs::remove_dir_all(logs).map_err(|error| Error::storage(logs, error))?;
    }
    std::fs::create_dir_all(out).map_err(|error| Error::storage(out, error))
}
