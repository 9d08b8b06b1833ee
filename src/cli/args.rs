//! Arguments that several subcommands share, checked before any work begins.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::config::{self, Config};
use crate::detection::Pack;
use crate::engine::{Period, Settings, View};
use crate::error::{Error, Result};
use crate::finding::Severity;
use crate::ingest;
use crate::limits;

/// How queries may run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    /// Memory for queries, like 512M or 4G
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "2G")]
    memory: usize,
    /// Time for each query, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = limits::QUERY_SECONDS_DEFAULT)]
    timeout: u64,
    /// Threads [default: the cores of the machine]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

impl Limits {
    pub(super) fn threads(&self) -> usize {
        threads(self.threads)
    }

    pub(super) fn settings(&self, spill_dir: &Path) -> Result<Settings> {
        if self.memory < limits::QUERY_BYTES_MIN {
            let least = limits::QUERY_BYTES_MIN >> 20;
            return Err(Error::usage(format!("--memory: queries need at least {least}M")));
        }
        Ok(Settings {
            memory_bytes: self.memory,
            spill_dir: spill_dir.to_owned(),
            timeout: Duration::from_secs(self.timeout.max(1)),
            threads: self.threads(),
        })
    }
}

/// As many threads as were asked for, else as many as the machine has cores.
pub(super) fn threads(wanted: Option<u16>) -> usize {
    wanted.map_or_else(ingest::cores, usize::from)
}

/// `512M`, `4G`, or plain bytes.
fn size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: usize = digits.parse().map_err(|_| format!("{text:?} is no size; write it like 512M or 4G"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("{text:?} is too large"))
}

/// What the user knows of the cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "What you know of the cluster")]
pub(super) struct Knowledge {
    /// Lists, thresholds and suppressions [default: ./kubesift.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Networks that people and automation work from, like 198.51.100.0/24
    #[arg(long = "trusted-cidr", value_name = "CIDR")]
    trusted_networks: Vec<String>,
    /// Networks of the cluster as a whole
    #[arg(long = "cluster-cidr", value_name = "CIDR")]
    cluster_networks: Vec<String>,
    /// Networks of the pods
    #[arg(long = "pod-cidr", value_name = "CIDR")]
    pod_networks: Vec<String>,
    /// Networks of the nodes
    #[arg(long = "node-cidr", value_name = "CIDR")]
    node_networks: Vec<String>,
    /// Identities that operate the cluster (exact, or a beginning and `*`)
    #[arg(long = "operator", value_name = "NAME")]
    operators: Vec<String>,
    /// Identities that may read secrets (exact, or a beginning and `*`)
    #[arg(long = "secret-reader", value_name = "NAME")]
    secret_readers: Vec<String>,
}

impl Knowledge {
    pub(super) fn config(&self) -> Result<Config> {
        let default = Path::new("kubesift.toml");
        let mut config = match &self.config {
            Some(path) => Config::read(path)?,
            None if default.is_file() => Config::read(default)?,
            None => Config::default(),
        };
        let flags = [
            ("trusted_networks", &self.trusted_networks),
            ("cluster_networks", &self.cluster_networks),
            ("pod_networks", &self.pod_networks),
            ("node_networks", &self.node_networks),
            ("operators", &self.operators),
            ("secret_readers", &self.secret_readers),
        ];
        for (list, entries) in flags.into_iter().filter(|(_, entries)| !entries.is_empty()) {
            config.lists.entry(list.to_owned()).or_default().extend(entries.iter().cloned());
        }
        config.check().map_err(Error::Usage)?;
        Ok(config)
    }
}

/// The views of the pack as the engine takes them.
pub(super) fn views(pack: &Pack) -> Vec<View> {
    pack.views.iter().map(View::from).collect()
}

/// Which detections run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Detections")]
pub(super) struct Rules {
    /// Folder with detections of your own, added to the built-in ones
    #[arg(long = "rules", value_name = "DIR", global = true)]
    folder: Option<PathBuf>,
    /// Folder with a whole pack (views, detections, lists) in place of the built-in one
    #[arg(long = "pack", value_name = "DIR", global = true)]
    pack: Option<PathBuf>,
    /// Run only these detections
    #[arg(long, value_name = "ID", value_delimiter = ',', global = true)]
    only: Vec<String>,
}

impl Rules {
    /// The folder with a whole pack, where one was named.
    pub(super) fn pack_folder(&self) -> Option<&Path> {
        self.pack.as_deref()
    }

    /// Whether a folder with detections was named.
    pub(super) fn has_folder(&self) -> bool {
        self.folder.is_some() || self.pack.is_some()
    }

    /// All detections, also those that are not to run.
    pub(super) fn whole(&self) -> Result<Pack> {
        let mut pack = match &self.pack {
            Some(folder) => Pack::read(folder)?,
            None => Pack::embedded()?,
        };
        if let Some(folder) = &self.folder {
            pack.with_folder(folder)?;
        }
        Ok(pack)
    }

    /// The detections that run where the arguments say nothing but a configuration does.
    pub(super) fn pack_or(&self, folder: Option<&Path>, only: &[String]) -> Result<Pack> {
        let mut pack = self.whole()?;
        if let Some(folder) = folder.filter(|_| self.folder.is_none()) {
            pack.with_folder(folder)?;
        }
        let only = if self.only.is_empty() { only } else { &self.only };
        if !only.is_empty() {
            pack.only(only)?;
        }
        Ok(pack)
    }

    pub(super) fn pack(&self) -> Result<Pack> {
        let mut pack = self.whole()?;
        if !self.only.is_empty() {
            pack.only(&self.only)?;
        }
        Ok(pack)
    }
}

/// Which time is looked at.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub(super) struct Time {
    /// The first moment: a date or an RFC 3339 time (UTC), yesterday, today, or a span before now like 7d
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
    /// The first moment after it
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<i64>,
}

impl Time {
    pub(super) fn period(&self) -> Result<Period> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(Error::usage("--since must lie before --until"));
        }
        Ok(Period { since: self.since, until: self.until })
    }
}

/// Days that questions look back where nobody says how many.
const HISTORY_DAYS: u32 = 90;

/// How far back questions look for what was there.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub(super) struct History {
    /// How many days before --since are looked at for what was there, and which rights were used
    #[arg(long, value_name = "DAYS", default_value_t = HISTORY_DAYS, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    history: u32,
}

impl History {
    /// From so many days before the period, to the end of the log: what was done later tells what was there too.
    pub(super) fn around(&self, period: Period) -> Period {
        Period { since: period.since.map(|since| since - i64::from(self.history) * config::DAY), until: None }
    }

    /// The flag again, for a shell, where it differs from what it is without.
    pub(super) fn words(&self) -> Option<[String; 2]> {
        (self.history != HISTORY_DAYS).then(|| ["--history".to_owned(), self.history.to_string()])
    }
}

/// Microseconds since 1970 of what [`config::moment`] reads.
pub(super) fn moment(text: &str) -> Result<i64, String> {
    config::moment(text, chrono::Utc::now().timestamp_micros())
}

/// A severity, as an argument.
pub(super) fn severity(text: &str) -> Result<Severity, String> {
    text.parse().map_err(|error: Error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("77"), Ok(77));
        for wrong in ["", "M", "1e3", "-1", "99999999999G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
