//! `kubesift triage`: log files in, findings out. The files go through a lake of their own in a private temporary
//! folder, so that memory is bounded and the answer is that of `ingest` and `detect`.

use std::path::PathBuf;
use std::sync::Arc;

use super::output::Output;
use super::progress::Progress;
use super::{Ending, args, detect, ingest, signals};
use crate::error::{Error, Result};
use crate::ingest::Watch;
use crate::lake::Lake;

/// Arguments of `kubesift triage`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Log files, folders, globs, or `-` for stdin; plain, gzip or zstd
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
    triage(args)
}

fn triage(args: &Args) -> Result<Ending> {
    args.output.check()?;
    let pack = args.rules.pack()?;
    let config = args.knowledge.config()?;
    let found = ingest::find(&args.paths)?;
    let folder = tempfile::Builder::new()
        .prefix("kubesift-")
        .tempdir()
        .map_err(|error| Error::storage(std::env::temp_dir(), error))?;
    let lake = Lake::create_or_open(folder.path().join("lake"))?;
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let options = args.intake.options(args.limits.threads());
    let ingested = {
        let _progress = Progress::of_reading(&watch, found.file_bytes(), args.output.quiet);
        crate::ingest::ingest(&lake, &found.sources, &options, &watch)?
    };
    let accounts = found.with_skipped(ingested.accounts);
    let work = detect::Work { pack: &pack, config: &config, watch: &watch, accounts: &accounts };
    let settings = args.limits.settings(&folder.path().join("spill"))?;
    detect::over(&lake, &work, &settings, args.time.period()?, &args.output, false)
}
