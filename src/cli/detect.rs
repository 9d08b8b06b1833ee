//! `kubesift detect`: the pack over a lake.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::output::Output;
use super::{Ending, args, output, place, signals};
use crate::account::Account;
use crate::config::Config;
use crate::detect::Known;
use crate::detection::Pack;
use crate::engine::{Events, Extent, Period, Session, Settings};
use crate::error::Result;
use crate::ingest::Watch;
use crate::lake::{Lake, Snapshot};
use crate::report::metrics::{self, Metrics};
use crate::report::{Outcome, State, Summary, file};
use crate::run;

/// Arguments of `kubesift detect`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The lake's folder or URL
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    #[command(flatten)]
    rules: args::Rules,
    #[command(flatten)]
    time: args::Time,
    #[command(flatten)]
    knowledge: args::Knowledge,
    #[command(flatten)]
    limits: args::Limits,
    /// Write numbers of the run for Prometheus to this file
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let begun = Instant::now();
    let (mut numbers, mut size) = (Numbers::default(), None);
    let done = detect(args, &mut numbers, &mut size);
    output::with_metrics(args.metrics.as_deref(), done, |exit_code| Metrics {
        command: "detect",
        exit_code,
        phases: vec![("detect", begun.elapsed())],
        findings: Some(numbers.findings.clone()),
        detections: numbers.detections.clone(),
        lake: size,
        ..Metrics::default()
    })
}

fn detect(args: &Args, numbers: &mut Numbers, size: &mut Option<metrics::Lake>) -> Result<Ending> {
    args.output.check()?;
    args.metrics.as_deref().map_or(Ok(()), file::check)?;
    let pack = args.rules.pack()?;
    let config = args.knowledge.config()?;
    let lake = Lake::open(place::lake(&args.lake)?)?;
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let work = Work { pack: &pack, config: &config, watch: &watch, accounts: &[] };
    let settings = args.limits.settings(&lake.spill_folder())?;
    if args.metrics.is_some() {
        *size = Some(output::size_of(&lake.status()?));
    }
    over(&lake, &work, &settings, args.time.period()?, &args.output, true, numbers)
}

/// What is run, and on what it rests.
pub(super) struct Work<'a> {
    pub(super) pack: &'a Pack,
    pub(super) config: &'a Config,
    pub(super) watch: &'a Watch,
    /// What was read in this run; empty: all that the lake ever read.
    pub(super) accounts: &'a [Account],
}

/// A session over one version of a lake that knows nothing of the days before.
pub(super) fn plain_session(
    snapshot: &Snapshot,
    pack: &Pack,
    config: &Config,
    settings: &Settings,
    period: Period,
) -> Result<Session> {
    let lists = config.lists_with(&pack.lists);
    Session::open(settings, Events::Parts(snapshot.stored()?), args::views(pack), &lists, period)
}

/// A session over one version of a lake that knows of the days before, and what a run knows.
pub(super) fn session(
    lake: &Lake,
    snapshot: &Snapshot,
    work: &Work<'_>,
    settings: &Settings,
    period: Period,
) -> Result<(Session, Known)> {
    let work = run::Work { pack: work.pack, config: work.config, watch: work.watch };
    run::session(lake, snapshot, &work, settings, period)
}

/// What a run found, in numbers.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) findings: metrics::Counts,
    /// Detections by what became of them.
    pub(super) detections: BTreeMap<&'static str, u64>,
}

impl Numbers {
    /// Adds what became of detections.
    pub(super) fn add(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let state = match outcome.state {
                State::Ran { .. } => "ran",
                State::Incomplete(_) => "incomplete",
                State::NotEvaluable(_) => "blind",
            };
            *self.detections.entry(state).or_default() += 1;
        }
    }
}

/// A run over events of this extent, which rest on these accounts.
pub(super) fn summary(extent: &Extent, accounts: &[Account], lake_version: Option<u64>) -> Summary {
    let mut totals = Account::default();
    accounts.iter().for_each(|account| totals.add(account));
    Summary {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lake_version,
        clusters: extent.clusters.clone(),
        first_ts: extent.first_ts,
        last_ts: extent.last_ts,
        totals,
        started_at: None,
    }
}

/// Runs the pack over a lake and writes what it found.
pub(super) fn over(
    lake: &Lake,
    work: &Work<'_>,
    settings: &Settings,
    period: Period,
    output: &Output,
    is_kept: bool,
    numbers: &mut Numbers,
) -> Result<Ending> {
    crate::detect::check_params(work.pack, work.config)?;
    let snapshot = lake.snapshot()?;
    let (session, known) = session(lake, &snapshot, work, settings, period)?;
    let detected = crate::detect::detect(&session, work.pack, work.config, &known, |_| work.watch.check())?;
    numbers.findings = metrics::counts(&detected.findings);
    numbers.add(&detected.outcomes);
    let from_ledger: Vec<Account> = if is_kept { snapshot.ledger()?.accounts().cloned().collect() } else { Vec::new() };
    let accounts = if is_kept { &from_ledger } else { work.accounts };
    let summary = summary(&detected.extent, accounts, is_kept.then(|| snapshot.version()));
    let ending = output.write(work.pack, detected, accounts, summary)?;
    // rejects of earlier nights were told when they were ingested
    Ok(if is_kept && matches!(ending, Ending::Partial | Ending::Refused) { Ending::Complete } else { ending })
}
