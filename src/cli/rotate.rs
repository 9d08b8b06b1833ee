//! `kubesift rotate`: the secrets and credentials to replace after what somebody did.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::subject::Whom;
use super::{Ending, args, output, place};
use crate::dossier;
use crate::error::Result;
use crate::finding::Severity;
use crate::report::dossier::{ROTATE_FORMATS, write_rotate};

/// Arguments of `kubesift rotate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// Everybody whom a finding is about
    #[arg(long, conflicts_with_all = ["identity", "finding"])]
    all: bool,
    /// With --all: only findings of this severity or more
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity, default_value = "medium", requires = "all")]
    min_severity: Severity,
    /// Format of the list [default: by the name of --out, else table]
    #[arg(long, value_name = "FORMAT", value_parser = ROTATE_FORMATS)]
    format: Option<String>,
    /// Write the list to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let format = place::format(args.format.as_deref(), args.out.as_deref(), &ROTATE_FORMATS, "table")?;
    args.out.iter().try_for_each(|path| place::check(path))?;
    let case = args.whom.case(args.all.then_some(args.min_severity))?;
    let mut rotate = dossier::rotate(&case.session, &case.subject, || case.watch.check())?;
    rotate.notes.extend(case.notes);
    if let Some(path) = &args.out {
        place::write(path, |out| write_rotate(&rotate, format, None, out))?;
    } else {
        let width = if std::io::stdout().is_terminal() { output::width() } else { None };
        write_rotate(&rotate, format, width, &mut std::io::stdout())?;
    }
    Ok(Ending::Complete)
}
