//! `kubesift detect`: the pack over a lake.

use std::path::PathBuf;
use std::sync::Arc;

use super::output::Output;
use super::{Ending, args, place, signals};
use crate::account::Account;
use crate::baseline::Source;
use crate::config::Config;
use crate::detect::Known;
use crate::detection::Pack;
use crate::engine::{Events, Period, Session, Settings};
use crate::error::Result;
use crate::ingest::Watch;
use crate::lake::{Lake, Snapshot};
use crate::report::Summary;

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
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    args.output.check()?;
    let pack = args.rules.pack()?;
    let config = args.knowledge.config()?;
    let lake = Lake::open(place::lake(&args.lake)?)?;
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let work = Work { pack: &pack, config: &config, watch: &watch, accounts: &[] };
    let settings = args.limits.settings(&lake.spill_folder())?;
    over(&lake, &work, &settings, args.time.period()?, &args.output, true)
}

/// What is run, and on what it rests.
pub(super) struct Work<'a> {
    pub(super) pack: &'a Pack,
    pub(super) config: &'a Config,
    pub(super) watch: &'a Watch,
    /// What was read in this run; empty: all that the lake ever read.
    pub(super) accounts: &'a [Account],
}

/// A session over one version of a lake that knows of the days before, and what a run knows.
pub(super) fn session(
    lake: &Lake,
    snapshot: &Snapshot,
    work: &Work<'_>,
    settings: &Settings,
    period: Period,
) -> Result<(Session, Known)> {
    let lists = work.config.lists_with(&work.pack.lists);
    let events = Events::Parts(snapshot.stored()?);
    let least = crate::baseline::needed(work.pack);
    let source = Source { lake, snapshot, pack: work.pack, least, lists: &lists, settings };
    let baseline = crate::baseline::update(&source, period, || work.watch.check())?;
    let known = Known { today: chrono::Utc::now().date_naive(), days: baseline.days };
    let session = baseline.join(Session::open(settings, events, args::views(work.pack), &lists, period)?)?;
    Ok((session, known))
}

/// Runs the pack over a lake and writes what it found.
pub(super) fn over(
    lake: &Lake,
    work: &Work<'_>,
    settings: &Settings,
    period: Period,
    output: &Output,
    is_kept: bool,
) -> Result<Ending> {
    crate::detect::check_params(work.pack, work.config)?;
    let snapshot = lake.snapshot()?;
    let (session, known) = session(lake, &snapshot, work, settings, period)?;
    let detected = crate::detect::detect(&session, work.pack, work.config, &known, |_| work.watch.check())?;
    let from_ledger: Vec<Account> = if is_kept { snapshot.ledger()?.accounts().cloned().collect() } else { Vec::new() };
    let accounts = if is_kept { &from_ledger } else { work.accounts };
    let mut totals = Account::default();
    accounts.iter().for_each(|account| totals.add(account));
    let summary = Summary {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lake_version: is_kept.then(|| snapshot.version()),
        clusters: detected.extent.clusters.clone(),
        first_ts: detected.extent.first_ts,
        last_ts: detected.extent.last_ts,
        totals,
        started_at: None,
    };
    let ending = output.write(work.pack, detected, accounts, summary)?;
    // rejects of earlier nights were told when they were ingested
    Ok(if is_kept && matches!(ending, Ending::Partial | Ending::Refused) { Ending::Complete } else { ending })
}
