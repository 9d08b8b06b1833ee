//! `kubesift run --dry-run`: what would be read and examined, and why.

use super::super::{Ending, output};
use super::Job;
use crate::error::Result;
use crate::report::human;
use crate::run;

/// Prints the plan.
pub(super) fn show(job: &Job<'_>) -> Result<Ending> {
    let lake = job.open()?;
    let (window, logs) = job.logs(lake.as_ref())?;
    let mut lines = Vec::new();
    let version = match &lake {
        Some(lake) => format!("version {}", lake.snapshot()?.version()),
        None => "not there yet: the run would make it".to_owned(),
    };
    lines.push(("lake", format!("{}, {version}", job.lake.display())));
    let since = window.since.map_or_else(|| "the beginning".to_owned(), human::rfc3339);
    lines.push(("logs of", format!("{since} to {}: {}", human::rfc3339(window.until), window.why)));
    let ledger = lake.as_ref().map(|lake| lake.snapshot()?.ledger()).transpose()?;
    for listed in &logs.listed {
        let source = &listed.source;
        let same = ledger.as_ref().and_then(|all| all.same_state(&source.name, source.bytes, source.modified_ns));
        let cluster = source.cluster.as_ref().map(|name| format!(", cluster {name}")).unwrap_or_default();
        let known = if same.is_some() { "; unchanged since it was read" } else { "" };
        let size = human::bytes(source.bytes);
        lines.push(("read", format!("{} ({size}{cluster}): {}{known}", source.name, listed.why)));
    }
    lines.extend(logs.empty.iter().map(|path| ("no log", path.clone())));
    for trouble in &logs.troubles {
        let word = if super::is_refused(trouble) { "fails" } else { "pass over" };
        lines.push((word, format!("{}: {}", trouble.source, trouble.notes.join("; "))));
    }
    if let Some(lake) = &lake {
        let parts = run::keys(lake.snapshot()?.parts());
        lines.extend(job.dues(lake, &parts)?.iter().map(|due| ("examine", format!("{}: {}", due.date, due.why))));
    }
    if !logs.listed.is_empty() {
        lines.push(("examine", "then each date that is over and has other events after the reading".to_owned()));
    }
    let text: String = lines.iter().map(|(word, line)| format!("{word:<9} {}\n", output::safe(line))).collect();
    output::print(&text)?;
    Ok(Ending::Complete)
}
