//! `kubesift triage`: log files in, findings out. The files go through a lake of their own in a private temporary
//! folder, so that memory is bounded and the answer is that of `ingest` and `detect`.

use std::path::PathBuf;
use std::sync::Arc;

use super::output::Output;
use super::progress::Progress;
use super::{Ending, args, detect, ingest, place, signals};
use crate::config::Config;
use crate::detection::Pack;
use crate::engine::Period;
use crate::error::{Error, Result};
use crate::ingest::Watch;
use crate::input::{self, Found};
use crate::lake::Lake;

/// Arguments of `kubesift triage`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Log files, folders, globs, s3:// gs:// az:// https:// URLs, or `-` for stdin; plain, gzip or zstd
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    intake: ingest::Intake,
    #[command(flatten)]
    rules: args::Rules,
    #[command(flatten)]
    time: args::Time,
    #[command(flatten)]
    knowledge: args::Knowledge,
    #[command(flatten)]
    limits: args::Limits,
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    args.output.check()?;
    let (pack, config) = (args.rules.pack()?, args.knowledge.config()?);
    let found = input::find(&args.paths, &place::stores())?;
    let job = Job { found: &found, intake: &args.intake, limits: &args.limits, output: &args.output };
    triage(&job, &pack, &config, args.time.period()?)
}

/// What is read and how.
pub(super) struct Job<'a> {
    pub(super) found: &'a Found,
    pub(super) intake: &'a ingest::Intake,
    pub(super) limits: &'a args::Limits,
    pub(super) output: &'a Output,
}

/// Ingests into a lake that lives as long as this call, and runs the pack over it.
pub(super) fn triage(job: &Job<'_>, pack: &Pack, config: &Config, period: Period) -> Result<Ending> {
    let folder = tempfile::Builder::new()
        .prefix("kubesift-")
        .tempdir()
        .map_err(|error| Error::storage(std::env::temp_dir(), error))?;
    let lake = Lake::create_or_open(folder.path().join("lake"))?;
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let options = job.intake.options(job.limits.threads());
    let ingested = {
        let _progress = Progress::of_reading(&watch, ingest::file_bytes(job.found), job.output.quiet);
        crate::ingest::ingest(&lake, &job.found.sources, &options, &watch)?
    };
    let accounts = ingest::with_skipped(job.found, ingested.accounts);
    let work = detect::Work { pack, config, watch: &watch, accounts: &accounts };
    let settings = job.limits.settings(&folder.path().join("spill"))?;
    detect::over(&lake, &work, &settings, period, job.output, false, &mut detect::Numbers::default())
}
