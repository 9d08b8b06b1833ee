//! `kubesift ingest`: log files into a lake.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::progress::Progress;
use super::{Ending, args, output, place, say, signals};
use crate::account::{Account, Outcome};
use crate::detection::readiness::Readiness;
use crate::error::Result;
use crate::event::Envelope;
use crate::ingest::{Options, Watch, ingest};
use crate::input::{self, Found};
use crate::lake::Lake;
use crate::limits;
use crate::report::metrics::{self, Metrics};
use crate::report::{Report, Summary, file, summary};
use crate::risk::Risk;
use crate::schema::check_cluster;

/// Arguments of `kubesift ingest`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Log files, folders, globs, s3:// gs:// az:// https:// URLs, or `-` for stdin; plain, gzip or zstd
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The lake's folder or URL; made if it is not there
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    #[command(flatten)]
    intake: Intake,
    /// Threads [default: the cores of the machine]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Write numbers of the run for Prometheus to this file
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// No progress and no summary
    #[arg(long, short)]
    quiet: bool,
}

/// How lines are taken in.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Intake")]
pub(super) struct Intake {
    /// The cluster that the logs are of [default: what their envelopes name, else default]
    #[arg(long, value_name = "NAME", value_parser = cluster)]
    cluster: Option<String>,
    /// What the events are wrapped in, like eks-subscription or gke [default: told by content]
    #[arg(long, value_name = "NAME", value_parser = envelope)]
    envelope: Option<Envelope>,
    /// More rejected lines than this refuse a file
    #[arg(long, value_name = "N", default_value_t = limits::REJECTS_MAX)]
    max_rejects: u64,
    /// A larger share of rejected lines than this refuses a file (of more than ten)
    #[arg(long, value_name = "SHARE", default_value_t = limits::REJECT_RATIO_MAX)]
    max_reject_ratio: f64,
}

impl Intake {
    /// As when nothing is given.
    pub(super) fn of_cluster(cluster: &str) -> Self {
        Self {
            cluster: Some(cluster.to_owned()),
            envelope: None,
            max_rejects: limits::REJECTS_MAX,
            max_reject_ratio: limits::REJECT_RATIO_MAX,
        }
    }

    pub(super) fn options(&self, threads: usize) -> Options {
        Options {
            cluster: self.cluster.clone(),
            envelope: self.envelope,
            threads,
            rejects_max: self.max_rejects,
            reject_ratio_max: self.max_reject_ratio,
        }
    }
}

/// The name of a cluster, as an argument.
fn cluster(text: &str) -> Result<String, String> {
    check_cluster(text).map(|()| text.to_owned())
}

/// The name of an envelope, as an argument.
fn envelope(text: &str) -> Result<Envelope, String> {
    text.parse()
}

/// The accounts, and a note for each path that was passed over.
pub(super) fn with_skipped(found: &Found, mut accounts: Vec<Account>) -> Vec<Account> {
    accounts.extend(found.skipped.iter().map(|(path, why)| Account {
        source: path.to_string_lossy().into_owned(),
        outcome: Outcome::Skipped,
        notes: vec![why.clone()],
        ..Account::default()
    }));
    accounts
}

/// What there is to read, in bytes, as it lies on disk.
pub(super) fn file_bytes(found: &Found) -> u64 {
    found.sources.iter().map(|source| source.bytes).sum()
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let begun = Instant::now();
    let (mut accounts, mut size) = (Vec::new(), None);
    let done = take_in(args, &mut accounts, &mut size);
    output::with_metrics(args.metrics.as_deref(), done, |exit_code| Metrics {
        command: "ingest",
        exit_code,
        phases: vec![("ingest", begun.elapsed())],
        accounts: Some(&accounts),
        lake: size,
        ..Metrics::default()
    })
}

fn take_in(args: &Args, accounts: &mut Vec<Account>, size: &mut Option<metrics::Lake>) -> Result<Ending> {
    args.metrics.as_deref().map_or(Ok(()), file::check)?;
    let found = input::find(&args.paths, &place::stores())?;
    let lake = Lake::create_or_open(place::lake(&args.lake)?)?;
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let threads = args::threads(args.threads);
    let ingested = {
        let _progress = Progress::of_reading(&watch, file_bytes(&found), args.quiet);
        ingest(&lake, &found.sources, &args.intake.options(threads), &watch)?
    };
    *accounts = with_skipped(&found, ingested.accounts);
    if args.metrics.is_some() {
        *size = Some(output::size_of(&lake.status()?));
    }
    if !args.quiet {
        tell(accounts, ingested.version);
    }
    if ingested.unchecked > 0 && !args.quiet {
        say(&format!("{} events were kept without a search for duplicates: too many at one time", ingested.unchecked));
    }
    Ok(output::ending_of(accounts))
}

/// Says what was read and what became of it.
pub(super) fn tell(accounts: &[Account], version: Option<u64>) {
    let mut totals = Account::default();
    accounts.iter().for_each(|account| totals.add(account));
    let summary = Summary {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lake_version: version,
        clusters: totals.clusters.keys().cloned().collect(),
        first_ts: totals.first_ts,
        last_ts: totals.last_ts,
        totals,
        started_at: None,
    };
    let readiness = Readiness::default();
    let report = Report {
        findings: &[],
        headers: &[],
        accounts,
        suppressions: &[],
        outcomes: &[],
        readiness: &readiness,
        risk: &Risk::default(),
        summary,
    };
    say(summary::summary(&report).trim_end());
    match version {
        Some(version) => say(&format!("committed as version {version}")),
        None => say("nothing new: the lake is unchanged"),
    }
}
