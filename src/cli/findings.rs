//! `kubesift findings`: the findings that a lake keeps, as its nightly runs told them.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::{Ending, args, output, place, say};
use crate::error::{Error, Result};
use crate::finding::Severity;
use crate::lake::Lake;
use crate::report::human;
use crate::report::rows::{ROW_FORMATS, RowsWriter};
use crate::run::findings_session;

/// What a table shows; other formats have every column.
const COLUMNS: &str =
    "first_seen, severity, detection, cluster, actor, object, events, finding_id as id, late, kept_at as told";

/// Arguments of `kubesift findings`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The lake's folder
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    /// Only those that came late: their date had been examined before
    #[arg(long)]
    late: bool,
    /// Only those of this severity or more
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity, default_value = "info")]
    min_severity: Severity,
    /// Only those of these detections
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Format of the findings
    #[arg(long, value_name = "FORMAT", value_parser = ROW_FORMATS, default_value = "table")]
    format: String,
    /// Write the findings to this file or URL instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    time: args::Time,
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
    let query = query(args)?;
    let lake = Lake::open(&args.lake)?;
    let Some(kept) = lake.findings()? else {
        say("the lake keeps no findings; `kubesift run` keeps those of every night");
        return Ok(Ending::Complete);
    };
    let session = findings_session(&args.limits.settings(&lake.spill_folder())?, kept)?;
    let result = session.query(&query)?;
    let write = |out: &mut (dyn std::io::Write + Send), width| {
        let mut rows = RowsWriter::new(&args.format, &result.schema(), out)?.width(width);
        for batch in result {
            rows.write(&batch?)?;
        }
        rows.finish()
    };
    if let Some(path) = &args.out {
        place::write(path, |out| write(out, None))?;
    } else {
        let width = if std::io::stdout().is_terminal() { output::width() } else { None };
        write(&mut std::io::stdout(), width)?;
    }
    Ok(Ending::Complete)
}

fn query(args: &Args) -> Result<String> {
    let period = args.time.period()?;
    let moment = |micros| format!("timestamp '{}'", human::rfc3339(micros));
    let severities: Vec<String> = Severity::ALL
        .into_iter()
        .filter(|severity| *severity >= args.min_severity)
        .map(|severity| format!("'{severity}'"))
        .collect();
    let mut wanted = vec![format!("severity in ({})", severities.join(", "))];
    wanted.extend(period.since.map(|since| format!("last_seen >= {}", moment(since))));
    wanted.extend(period.until.map(|until| format!("first_seen < {}", moment(until))));
    if args.late {
        wanted.push("late".to_owned());
    }
    if !args.only.is_empty() {
        let ids: Vec<String> = args.only.iter().map(|id| format!("'{}'", id.replace('\'', "''"))).collect();
        wanted.push(format!("detection in ({})", ids.join(", ")));
    }
    let columns = if args.format == "table" { COLUMNS } else { "*" };
    Ok(format!("select {columns} from findings where {} order by first_seen, finding_id", wanted.join(" and ")))
}
