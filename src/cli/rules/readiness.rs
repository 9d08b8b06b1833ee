//! `kubesift rules readiness`: which detections could not see anything in a lake, and what would change it.

use std::path::PathBuf;

use super::super::{args, output, place};
use crate::baseline::Source;
use crate::detection::Pack;
use crate::engine::{Events, Session};
use crate::error::Result;
use crate::lake::Lake;
use crate::report::readiness;

/// The width of lines where there is no terminal.
const WIDTH: usize = 100;

/// Arguments of `kubesift rules readiness`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The lake's folder or URL
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    /// Format
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
    format: String,
    #[command(flatten)]
    time: args::Time,
    #[command(flatten)]
    knowledge: args::Knowledge,
    #[command(flatten)]
    limits: args::Limits,
}

/// Counts, judges and prints.
pub(super) fn run(args: &Args, pack: &Pack) -> Result<()> {
    let config = args.knowledge.config()?;
    let lake = Lake::open(place::lake(&args.lake)?)?;
    let snapshot = lake.snapshot()?;
    let events = Events::Parts(snapshot.stored()?);
    let settings = args.limits.settings(&lake.spill_folder())?;
    let lists = config.lists_with(&pack.lists);
    let period = args.time.period()?;
    let session = Session::open(&settings, events, args::views(pack), &lists, period)?;
    // how far the log goes back, without making what is kept of each day
    let source = Source { lake: &lake, snapshot: &snapshot, pack, least: None, lists: &lists, settings: &settings };
    let days = crate::baseline::update(&source, period, || Ok(()))?.days;
    let (found, _) = crate::detect::readiness(&session, pack, &config, days)?;
    if args.format == "json" {
        return readiness::json(&found, &mut std::io::stdout());
    }
    let width = output::width().map_or(WIDTH, usize::from);
    output::print(&output::safe(&readiness::text(&found, width)))
}
