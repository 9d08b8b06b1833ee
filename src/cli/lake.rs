//! `kubesift lake`: what a lake holds, and the repair of a torn log.

use std::path::{Path, PathBuf};

use super::{Ending, output};
use crate::error::Result;
use crate::lake::Lake;
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
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The lake's folder
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    match &args.action {
        Action::Status(place) => status(&place.lake)?,
        Action::Repair(place) => repair(&place.lake)?,
    }
    Ok(Ending::Complete)
}

fn status(root: &Path) -> Result<()> {
    let status = Lake::open(root)?.status()?;
    let time = |ts: Option<i64>| ts.map_or_else(|| "-".to_owned(), human::rfc3339);
    let totals = &status.totals;
    let lines = [
        ("lake", root.display().to_string()),
        ("version", status.version.to_string()),
        ("events", human::count(status.rows)),
        ("size", format!("{} in {} parts", human::bytes(status.bytes), status.parts)),
        ("time", format!("{} to {}", time(status.first_ts), time(status.last_ts))),
        ("dates", status.dates.len().to_string()),
        ("runs", status.runs.to_string()),
        ("sources", status.sources.to_string()),
        (
            "lines",
            format!(
                "{} read: {} rows, {} rejected, {} duplicates, {} blank",
                human::count(totals.lines),
                human::count(totals.rows),
                human::count(totals.rejected()),
                human::count(totals.duplicates),
                human::count(totals.blanks)
            ),
        ),
    ];
    let text: String = lines.iter().map(|(name, value)| format!("{name:<8} {}\n", output::safe(value))).collect();
    output::print(&text)
}

fn repair(root: &Path) -> Result<()> {
    let text = match Lake::open(root)?.repair()? {
        None => "the log is whole; nothing was changed\n".to_owned(),
        Some(repair) => format!(
            "the log entry of version {} was torn and is dropped; the lake shows version {}; the torn entry lies in {}\n",
            repair.dropped,
            repair.last_good,
            output::safe(&repair.kept.display().to_string())
        ),
    };
    output::print(&text)
}
