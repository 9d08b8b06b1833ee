//! `kubesift risk`: what speaks against each identity, and for the loss of each secret.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Ending, args, detect, output, place, say, signals};
use crate::detection::Pack;
use crate::error::Result;
use crate::finding::Finding;
use crate::ingest::Watch;
use crate::lake::Lake;
use crate::report::risk::{self, RISK_FORMATS};
use crate::risk::{Risk, assess};

/// Arguments of `kubesift risk`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The lake's folder or URL
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    /// How many identities, and how many secrets, are shown
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Format of the scores
    #[arg(long, value_name = "FORMAT", value_parser = RISK_FORMATS, default_value = "table")]
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
    let pack = args.rules.pack()?;
    let config = args.knowledge.config()?;
    crate::detect::check_params(&pack, &config)?;
    let lake = Lake::open(place::lake(&args.lake)?)?;
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let settings = args.limits.settings(&lake.spill_folder())?;
    let work = detect::Work { pack: &pack, config: &config, watch: &watch, accounts: &[] };
    let (session, known) = detect::session(&lake, &lake.snapshot()?, &work, &settings, args.time.period()?)?;
    let detected = crate::detect::detect(&session, &pack, &config, &known, |_| watch.check())?;
    let width = if std::io::stdout().is_terminal() { output::width() } else { None };
    let scores = of(&detected.findings, &pack);
    risk::write(&scores, &args.format, args.top, width, &mut std::io::stdout())?;
    if detected.is_complete() {
        return Ok(Ending::Complete);
    }
    say("some detections did not finish: the scores are not all; `kubesift detect` names them");
    Ok(Ending::Limited)
}

/// The scores of findings. The object of a detection that needs only requests for Secrets is a secret.
pub(super) fn of(findings: &[Finding], pack: &Pack) -> Risk {
    assess(findings, |id| pack.get(id).is_some_and(|detection| detection.header.resources == ["secrets"]))
}
