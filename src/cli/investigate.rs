//! `kubesift investigate`: which secrets an identity reached, who else it is, and what to replace.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::subject::Whom;
use super::{Ending, output, place};
use crate::dossier;
use crate::error::{Error, Result};
use crate::rbac::Snapshot;
use crate::report::dossier::{DOSSIER_FORMATS, write};

/// Arguments of `kubesift investigate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// Roles and bindings of the cluster, for what the log does not tell of them: the output of
    /// `kubectl get clusterroles,roles,clusterrolebindings,rolebindings -A -o yaml`
    #[arg(long, value_name = "FILE")]
    rbac: Option<PathBuf>,
    /// Format of the dossier [default: by the name of --out, else text]
    #[arg(long, value_name = "FORMAT", value_parser = DOSSIER_FORMATS)]
    format: Option<String>,
    /// Write the dossier to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let format = args.format_name()?;
    args.out.iter().try_for_each(|path| place::check(path))?;
    let snapshot = args.rbac.as_deref().map(snapshot).transpose()?;
    let case = args.whom.case(None)?;
    let mut dossier = dossier::investigate(&case.session, &case.subject, snapshot.as_ref(), || case.watch.check())?;
    dossier.commands = args.whom.commands(&case.subject);
    if let Some(path) = &args.out {
        place::write(path, |out| write(&dossier, format, None, out))?;
    } else {
        let width = if std::io::stdout().is_terminal() { output::width() } else { None };
        write(&dossier, format, width, &mut std::io::stdout())?;
    }
    Ok(Ending::Complete)
}

/// The roles and bindings of a file.
pub(super) fn snapshot(path: &Path) -> Result<Snapshot> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::storage(path, error))?;
    Snapshot::parse(&path.display().to_string(), &text)
}

impl Args {
    fn format_name(&self) -> Result<&str> {
        let Some(out) = self.out.as_ref().filter(|_| self.format.is_none()) else {
            return Ok(self.format.as_deref().unwrap_or("text"));
        };
        match out.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
            "html" => Ok("html"),
            "json" => Ok("json"),
            "md" => Ok("markdown"),
            "txt" => Ok("text"),
            _ => Err(Error::usage(format!("{}: the name does not tell the format; add --format", out.display()))),
        }
    }
}
