//! `kubesift investigate`: which secrets an identity reached, who else it is, and what to replace.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::subject::Whom;
use super::{Ending, output, place, snapshots};
use crate::dossier;
use crate::error::Result;
use crate::report::dossier::{DOSSIER_FORMATS, write};

/// Arguments of `kubesift investigate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    rbac: snapshots::Rbac,
    /// Format of the dossier [default: by the name of --out, else text]
    #[arg(long, value_name = "FORMAT", value_parser = DOSSIER_FORMATS)]
    format: Option<String>,
    /// Write the dossier to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let format = place::format(args.format.as_deref(), args.out.as_deref(), &DOSSIER_FORMATS, "text")?;
    args.out.iter().try_for_each(|path| place::check(path))?;
    let rbac = args.rbac.read()?;
    let case = args.whom.case(None)?;
    let mut dossier = dossier::investigate(&case.session, &case.subject, rbac.as_ref(), || case.watch.check())?;
    dossier.notes.extend(case.notes);
    dossier.commands = args.whom.commands(&case.subject, &args.rbac.words());
    if let Some(path) = &args.out {
        place::write(path, |out| write(&dossier, format, None, out))?;
    } else {
        let width = if std::io::stdout().is_terminal() { output::width() } else { None };
        write(&dossier, format, width, &mut std::io::stdout())?;
    }
    Ok(Ending::Complete)
}
