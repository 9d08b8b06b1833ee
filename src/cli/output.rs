//! Where findings go: stdout or a file, in the format asked for, and the summary to stderr.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Ending, args, place, risk, say};
use crate::account::{Account, Outcome as SourceOutcome};
use crate::detect::Detected;
use crate::detection::Pack;
use crate::error::{Error, Result};
use crate::finding::Severity;
use crate::lake::Status;
use crate::report::metrics::{self, Metrics};
use crate::report::{self, FORMATS, Format, Html, Report, Summary, Table, escape, file, summary};

/// Where findings go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Output {
    /// Format of the findings [default: by the name of --out, else table]
    #[arg(long, value_name = "FORMAT", value_parser = FORMATS)]
    format: Option<String>,
    /// Write the findings to this file or URL instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write an HTML page with findings, timeline and accounts as well, to a file or URL
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Show findings of this severity or more [default: low in a table, else info]
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity)]
    min_severity: Option<Severity>,
    /// Exit with 10 if there is a finding of this severity or more
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity)]
    fail_on: Option<Severity>,
    /// No progress and no summary
    #[arg(long, short)]
    pub(super) quiet: bool,
}

impl Output {
    /// A table on stdout and the page in `report`.
    pub(super) fn with_report(report: PathBuf) -> Self {
        Self { format: None, out: None, report: Some(report), min_severity: None, fail_on: None, quiet: false }
    }

    fn format_name(&self) -> Result<&str> {
        place::format(self.format.as_deref(), self.out.as_deref(), &FORMATS, "table")
    }

    /// The quietest severity that is shown.
    fn least(&self) -> Result<Severity> {
        let default = if self.format_name()? == "table" { Severity::Low } else { Severity::Info };
        Ok(self.min_severity.unwrap_or(default))
    }

    /// Fails on what would fail at the end, before any work begins.
    pub(super) fn check(&self) -> Result<()> {
        if self.format_name()? == "parquet" && self.out.is_none() && std::io::stdout().is_terminal() {
            return Err(Error::usage("parquet is not for a terminal; add --out FILE"));
        }
        [&self.out, &self.report].into_iter().flatten().try_for_each(|path| place::check(path))
    }

    /// Writes the findings, the page, and the summary; says how the run ended.
    pub(super) fn write(
        &self,
        pack: &Pack,
        mut detected: Detected,
        accounts: &[Account],
        summary: Summary,
    ) -> Result<Ending> {
        let complete = detected.is_complete();
        let loudest = detected.findings.first().map(|finding| finding.severity);
        let risk = risk::of(&detected.findings, pack);
        let least = self.least()?;
        let all = detected.findings.len();
        detected.findings.retain(|finding| finding.severity >= least);
        let hidden = all - detected.findings.len();
        let report = Report {
            findings: &detected.findings,
            headers: &pack.detections,
            accounts,
            suppressions: &detected.suppressions,
            outcomes: &detected.outcomes,
            readiness: &detected.readiness,
            risk: &risk,
            summary,
        };
        self.write_findings(&report)?;
        if let Some(page) = &self.report {
            place::write(page, |out| Html.write(&report, out))?;
        }
        if !self.quiet {
            say(summary::summary(&report).trim_end());
            if hidden > 0 {
                say(&format!("{hidden} quieter findings are not shown; --min-severity info shows all"));
            }
        }
        let ending = ending_of(accounts).unless_found(loudest, self.fail_on);
        Ok(if complete { ending } else { ending.max(Ending::Limited) })
    }

    fn write_findings(&self, report: &Report<'_>) -> Result<()> {
        let name = self.format_name()?;
        let unknown = || Error::usage(format!("unknown format {name:?}; use one of {}", FORMATS.join(", ")));
        let format: Box<dyn Format> = match name {
            "table" if self.out.is_none() => Box::new(table()),
            name => report::format(name).ok_or_else(unknown)?,
        };
        match &self.out {
            Some(path) => place::write(path, |out| format.write(report, out)),
            None => format.write(report, &mut std::io::stdout()),
        }
    }
}

/// The table as this terminal can show it.
pub(super) fn table() -> Table {
    let terminal = std::io::stdout().is_terminal();
    let color = terminal && std::env::var_os("NO_COLOR").is_none();
    Table { width: terminal.then(width).flatten(), color }
}

/// The width of the terminal in columns.
pub(super) fn width() -> Option<u16> {
    let wanted = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    wanted.or_else(|| terminal_size::terminal_size().map(|(width, _)| width.0))
}

/// Writes the numbers of a run to a file, where one is named, also of a run that failed; only one that found the lake in
/// use leaves the file to who uses it. `fill` is given the exit code.
pub(super) fn with_metrics<'a>(
    path: Option<&Path>,
    done: Result<Ending>,
    fill: impl FnOnce(u8) -> Metrics<'a>,
) -> Result<Ending> {
    let Some(path) = path.filter(|_| !matches!(done, Err(Error::Busy(_)))) else { return done };
    let exit_code = done.as_ref().map_or_else(Error::exit_code, |ending| ending.exit_code());
    let numbers = Metrics { ended_at: chrono::Utc::now().timestamp_micros(), ..fill(exit_code) };
    let written = file::write_public_file(path, |out| metrics::write(&numbers, out));
    done.and_then(|ending| written.map(|()| ending))
}

/// The size of a lake for the metrics.
pub(super) fn size_of(status: &Status) -> metrics::Lake {
    let Status { version, bytes, rows, last_ts, .. } = *status;
    metrics::Lake { version, bytes, rows, last_ts }
}

/// How reading the sources ended. Where all of them are logs of something else, nobody wanted that.
pub(super) fn ending_of(accounts: &[Account]) -> Ending {
    let mut all = Account::default();
    accounts.iter().for_each(|account| all.add(account));
    let is_new = |account: &Account| matches!(account.outcome, SourceOutcome::Ingested | SourceOutcome::Skipped);
    if all.not_audit > 0 && all.not_audit + all.blanks == all.lines && accounts.iter().all(is_new) {
        let lines = all.not_audit;
        say(&format!("no audit events among {lines} lines of logs; kubesift probe FILE shows what they are"));
        return Ending::Refused;
    }
    if accounts.iter().any(|account| account.outcome == SourceOutcome::Refused) {
        Ending::Refused
    } else if accounts.iter().any(|account| account.rejected() > 0 || !account.notes.is_empty()) {
        Ending::Partial
    } else {
        Ending::Complete
    }
}

/// Log text on its way to the terminal.
pub(super) fn safe(text: &str) -> String {
    text.split('\n').map(|line| escape::terminal(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// Writes lines to stdout.
pub(super) fn print(text: &str) -> Result<()> {
    let fail = |error| Error::storage(Path::new("stdout"), error);
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(fail)
}
