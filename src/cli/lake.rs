//! `kubesift lake`: what a lake holds, the repair of a torn log, and the days that baselines know.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Ending, args, output, place, signals};
use crate::baseline::Source;
use crate::config::Config;
use crate::detection::Pack;
use crate::engine::Period;
use crate::error::Result;
use crate::ingest::Watch;
use crate::lake::{Lake, Repair};
use crate::report::human;

/// Arguments of `kubesift lake`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Version, size, events, time range and sources
    Status(Place),
    /// Drop the newest log entry if it is torn, and nothing else
    Repair(Place),
    /// Bring what is known of identities up to the last day; `detect` does so too
    Baseline {
        #[command(flatten)]
        place: Place,
        /// Forget what is kept and make every day anew
        #[arg(long)]
        rebuild: bool,
        #[command(flatten)]
        limits: args::Limits,
    },
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The lake's folder or URL
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    match &args.action {
        Action::Status(place) => status(&place.lake)?,
        Action::Repair(place) => repair(&place.lake)?,
        Action::Baseline { place, rebuild, limits } => baseline(&place.lake, *rebuild, limits)?,
    }
    Ok(Ending::Complete)
}

fn status(root: &Path) -> Result<()> {
    let status = Lake::open(place::lake(root)?)?.status()?;
    let time = |ts: Option<i64>| ts.map_or_else(|| "-".to_owned(), human::rfc3339);
    let totals = &status.totals;
    let findings = status.findings.as_ref().map_or_else(
        || "none kept".to_owned(),
        |kept| {
            let dates = human::plural(kept.examined as u64, "date", "dates");
            format!("{} kept, {dates} examined, version {}", human::count(kept.findings), kept.version)
        },
    );
    let lines = [
        ("lake", place::shown(root).display().to_string()),
        ("version", status.version.to_string()),
        ("events", human::count(status.rows)),
        ("size", format!("{} in {} parts", human::bytes(status.bytes), status.parts)),
        ("time", format!("{} to {}", time(status.first_ts), time(status.last_ts))),
        ("dates", status.dates.len().to_string()),
        ("runs", status.runs.to_string()),
        ("sources", status.sources.to_string()),
        ("findings", findings),
        (
            "lines",
            format!(
                "{} read: {} rows, {} rejected, {} duplicates, {} blank, {} of other logs",
                human::count(totals.lines),
                human::count(totals.rows),
                human::count(totals.rejected()),
                human::count(totals.duplicates),
                human::count(totals.blanks),
                human::count(totals.not_audit)
            ),
        ),
    ];
    let text: String = lines.iter().map(|(name, value)| format!("{name:<8} {}\n", output::safe(value))).collect();
    output::print(&text)
}

fn repair(root: &Path) -> Result<()> {
    let repairs = Lake::open(place::lake(root)?)?.repair()?;
    let told = |repair: Repair| {
        format!(
            "the log entry of version {} of {} was torn and is dropped; the lake shows version {}; the torn entry lies in {}\n",
            repair.dropped,
            repair.table,
            repair.last_good,
            output::safe(&repair.kept.display().to_string())
        )
    };
    if repairs.is_empty() {
        return output::print("the logs are whole; nothing was changed\n");
    }
    output::print(&repairs.into_iter().map(told).collect::<String>())
}

fn baseline(root: &Path, rebuild: bool, limits: &args::Limits) -> Result<()> {
    let lake = Lake::open(place::lake(root)?)?;
    if rebuild {
        lake.forget_baseline()?;
    }
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let (pack, config) = (Pack::embedded()?, Config::default());
    let (snapshot, lists) = (lake.snapshot()?, config.lists_with(&pack.lists));
    let settings = limits.settings(&lake.spill_folder())?;
    let source =
        Source { lake: &lake, snapshot: &snapshot, pack: &pack, least: Some(0), lists: &lists, settings: &settings };
    let mut made = 0_u64;
    let known = crate::baseline::update(&source, Period::default(), || {
        made += 1;
        watch.check()
    })?;
    let days = human::plural(known.kept() as u64, "day", "days");
    output::print(&format!("{days} known, {} of them made now\n", human::count(made)))
}
