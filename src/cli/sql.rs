//! `kubesift sql`: one question to a lake, in read-only SQL over the views.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::{Ending, args, output, place};
use crate::baseline::Source;
use crate::engine::{Events, QueryResult, Session};
use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::report::rows::{ROW_FORMATS, RowsWriter};

/// Arguments of `kubesift sql`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One select over the views (`kubesift rules views` lists them)
    query: String,
    /// The lake's folder or URL
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    /// Format of the rows
    #[arg(long, value_name = "FORMAT", value_parser = ROW_FORMATS, default_value = "table")]
    format: String,
    /// Write the rows to this file or URL instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    time: args::Time,
    #[command(flatten)]
    knowledge: args::Knowledge,
    #[command(flatten)]
    limits: args::Limits,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    if let Some(path) = &args.out {
        place::check(path)?;
    } else if args.format == "parquet" && std::io::stdout().is_terminal() {
        return Err(Error::usage("parquet is not for a terminal; add --out FILE"));
    }
    let pack = crate::detection::Pack::embedded_views()?;
    let config = args.knowledge.config()?;
    let lake = Lake::open(place::lake(&args.lake)?)?;
    let snapshot = lake.snapshot()?;
    let events = Events::Parts(snapshot.stored()?);
    let settings = args.limits.settings(&lake.spill_folder())?;
    let lists = config.lists_with(&pack.lists);
    let period = args.time.period()?;
    let session = Session::open(&settings, events, args::views(&pack), &lists, period)?;
    // else the views compute them from the events, of which a period leaves out the days before
    let asks = ["baseline", "first_times"].iter().any(|view| args.query.to_lowercase().contains(view));
    let source = Source {
        lake: &lake,
        snapshot: &snapshot,
        pack: &pack,
        least: asks.then_some(0),
        lists: &lists,
        settings: &settings,
    };
    let session = crate::baseline::update(&source, period, || Ok(()))?.join(session)?;
    let session = session.with_findings(lake.findings()?)?;
    let result = session.query(&args.query)?;
    if let Some(path) = &args.out {
        place::write(path, |out| write(result, &args.format, out, None))?;
    } else {
        let width = if std::io::stdout().is_terminal() { output::width() } else { None };
        write(result, &args.format, std::io::stdout(), width)?;
    }
    Ok(Ending::Complete)
}

fn write(result: QueryResult<'_>, format: &str, out: impl std::io::Write + Send, width: Option<u16>) -> Result<()> {
    let mut rows = RowsWriter::new(format, &result.schema(), out)?.width(width);
    for batch in result {
        rows.write(&batch?)?;
    }
    rows.finish()
}
