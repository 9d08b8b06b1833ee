//! What a night writes of each date: its page, its exports; and the table of what is new.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::super::{detect, output, place, risk};
use crate::account::Account;
use crate::config::{Config, Export, Only};
use crate::detection::Pack;
use crate::detection::readiness::Readiness;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};
use crate::limits::EXPORTS_NUMBERED_MAX;
use crate::report::{self, Format, Html, Report, Summary};
use crate::risk::Risk;
use crate::run::Examined;
use crate::store;

/// The outputs of a run.
pub(super) struct Outputs<'a> {
    config: &'a Config,
    pack: &'a Pack,
    lake_version: u64,
    /// When the run began, as `{time}`.
    time: String,
}

impl<'a> Outputs<'a> {
    pub(super) fn new(config: &'a Config, pack: &'a Pack, lake_version: u64, now: i64) -> Self {
        let time = chrono::DateTime::from_timestamp_micros(now).unwrap_or_default();
        Self { config, pack, lake_version, time: time.format("%Y%m%dT%H%M%SZ").to_string() }
    }

    /// Writes what is configured for a date.
    pub(super) fn write(&self, date: &Examined, accounts: &[Account]) -> Result<()> {
        for export in &self.config.exports {
            self.export(export, date, accounts)?;
        }
        let Some(page) = &self.config.night.report else { return Ok(()) };
        let least = self.config.night.min_severity.unwrap_or(Severity::Low);
        let findings = at_least(date.detected.findings.iter(), least);
        self.file(&self.path(page, date), &Html, &findings, date, accounts)
    }

    fn export(&self, export: &Export, date: &Examined, accounts: &[Account]) -> Result<()> {
        let least = export.min_severity.unwrap_or(Severity::Info);
        let name = export.format().map_err(Error::Usage)?;
        let format = report::format(name).ok_or_else(|| Error::Internal(format!("format {name} is not known")))?;
        let path = self.path(&export.path, date);
        match export.only {
            Only::All => self.file(&path, &*format, &at_least(date.detected.findings.iter(), least), date, accounts),
            Only::New => {
                let fresh = at_least(date.fresh(), least);
                if fresh.is_empty() { Ok(()) } else { self.file(&free(path)?, &*format, &fresh, date, accounts) }
            }
        }
    }

    /// An output's path for a date.
    fn path(&self, pattern: &str, date: &Examined) -> PathBuf {
        pattern.replace("{date}", &date.due.date.to_string()).replace("{time}", &self.time).into()
    }

    fn file(
        &self,
        path: &Path,
        format: &dyn Format,
        findings: &[Finding],
        date: &Examined,
        accounts: &[Account],
    ) -> Result<()> {
        let is_remote = path.to_str().is_some_and(store::is_url);
        if let Some(folder) = path.parent().filter(|folder| !is_remote && *folder != Path::new("")) {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| Error::storage(folder, error))?;
        }
        let detected = &date.detected;
        let report = Report {
            findings,
            headers: &self.pack.detections,
            accounts,
            suppressions: &detected.suppressions,
            outcomes: &detected.outcomes,
            readiness: &detected.readiness,
            risk: &risk::of(&detected.findings, self.pack),
            summary: detect::summary(&detected.extent, accounts, Some(self.lake_version)),
        };
        place::write(path, |out| format.write(&report, out))
    }
}

fn at_least<'a>(findings: impl Iterator<Item = &'a Finding>, least: Severity) -> Vec<Finding> {
    findings.filter(|finding| finding.severity >= least).cloned().collect()
}

/// The path, or where there is a file or object already, the next with a number: `2026-11-18.2.parquet`.
fn free(path: PathBuf) -> Result<PathBuf> {
    if !place::exists(&path)? {
        return Ok(path);
    }
    let text = path.to_string_lossy();
    let begin = text.rfind('/').map_or(0, |at| at + 1);
    let end = text[begin..].rfind('.').map_or(text.len(), |at| begin + at);
    for number in 2..=EXPORTS_NUMBERED_MAX {
        let next = PathBuf::from(format!("{}.{number}{}", &text[..end], &text[end..]));
        if !place::exists(&next)? {
            return Ok(next);
        }
    }
    Err(Error::usage(format!("{}: too many files of this name; put {{time}} into it", place::shown(&path).display())))
}

/// Prints findings as a table on stdout.
pub(super) fn print(findings: &[Finding], pack: &Pack) -> Result<()> {
    let report = Report {
        findings,
        headers: &pack.detections,
        accounts: &[],
        suppressions: &[],
        outcomes: &[],
        readiness: &Readiness::default(),
        risk: &Risk::default(),
        summary: Summary::default(),
    };
    output::table().write(&report, &mut std::io::stdout())
}
