//! `kubesift.toml`: what the user knows of the cluster and the program cannot, and what a night's run reads and writes.
//! All of it is optional.

mod night;
mod pattern;
mod reviewer;
mod time;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use ipnet::IpNet;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::is_url;

pub use self::night::{Export, LogSource, Night, Only, format_of};
pub use self::pattern::{Named, Pattern};
pub use self::reviewer::Reviewer;
pub use self::time::{DAY, day_of, duration, midnight, moment};

/// Lists of networks: each entry an address or a CIDR.
pub const NETWORK_LISTS: [&str; 7] = [
    "trusted_networks",
    "cluster_networks",
    "pod_networks",
    "node_networks",
    "threat_networks",
    "tor_networks",
    "proxy_networks",
];
/// Lists of names, of identities but for the last: each entry an exact name, or a beginning followed by `*`.
pub const IDENTITY_LISTS: [&str; 5] = ["operators", "secret_readers", "known_users", "admin_users", "image_registries"];

/// The configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Networks and identities, by the name of the list.
    #[serde(default)]
    pub lists: BTreeMap<String, Vec<String>>,
    /// Files whose lines are further entries of a list, by its name: `list_files.tor_networks = ["tor.txt"]`. Blank
    /// lines and those that begin with `#` are left out; a relative path starts at the configuration's folder.
    #[serde(default)]
    pub list_files: BTreeMap<String, Vec<PathBuf>>,
    /// Thresholds and windows of detections: `params.secret_sweep.secrets = 30`.
    #[serde(default)]
    pub params: BTreeMap<String, BTreeMap<String, i64>>,
    /// Findings that someone decided not to be shown.
    #[serde(default)]
    pub suppress: Vec<Suppression>,
    /// The lake of `kubesift run`: a folder or a URL. A relative path, here and below, starts at the configuration's
    /// folder.
    pub lake: Option<String>,
    /// The logs of `kubesift run`.
    #[serde(default, rename = "source")]
    pub sources: Vec<LogSource>,
    /// How `kubesift run` runs.
    #[serde(default, rename = "run")]
    pub night: Night,
    /// The files of findings that `kubesift run` writes.
    #[serde(default, rename = "export")]
    pub exports: Vec<Export>,
    /// The language model that reviews a report, where it is asked to.
    #[serde(rename = "review")]
    pub reviewer: Option<Reviewer>,
}

/// A decision not to be shown certain findings. All fields that are given must match.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// The detection's id.
    pub detection: String,
    /// The exact actor.
    pub actor: Option<String>,
    /// The exact object.
    pub object: Option<String>,
    /// The exact cluster.
    pub cluster: Option<String>,
    /// Why it is harmless.
    pub reason: String,
    /// Who decided it and answers for it.
    pub owner: String,
    /// The last day on which it counts, `YYYY-MM-DD`.
    pub expires: String,
}

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .map_err(|error| Error::usage(format!("{}: the configuration cannot be read: {error}", path.display())))?;
        let at = |reason| Error::usage(format!("{}: {reason}", path.display()));
        let mut config = Self::parse(&text).map_err(at)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.read_lists(folder).map_err(at)?;
        config.start_at(folder);
        config.check().map_err(at)?;
        Ok(config)
    }

    /// Adds the lines of [`Config::list_files`] to their lists.
    fn read_lists(&mut self, folder: &Path) -> Result<(), String> {
        for (list, files) in &self.list_files {
            let entries = self.lists.entry(list.clone()).or_default();
            for file in files {
                let path = folder.join(file);
                let text = fs::read_to_string(&path)
                    .map_err(|error| format!("list_files.{list}: {}: {error}", path.display()))?;
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                entries.extend(lines.map(ToOwned::to_owned));
            }
        }
        Ok(())
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// Lets the relative paths of a night's run start at `folder`.
    fn start_at(&mut self, folder: &Path) {
        let sources = self.sources.iter_mut().map(|source| &mut source.path);
        let exports = self.exports.iter_mut().map(|export| &mut export.path);
        let night = [&mut self.night.report, &mut self.night.metrics, &mut self.night.rules];
        let outputs = night.into_iter().chain([&mut self.lake]).filter_map(Option::as_mut);
        for path in sources.chain(exports).chain(outputs) {
            if !is_url(path) {
                *path = folder.join(&*path).to_string_lossy().into_owned();
            }
        }
    }

    /// Checks what the types do not: names of lists, networks, dates, paths.
    pub fn check(&self) -> Result<(), String> {
        night::check(self)?;
        self.reviewer.as_ref().map_or(Ok(()), Reviewer::check)?;
        for (list, entries) in &self.lists {
            if NETWORK_LISTS.contains(&list.as_str()) {
                entries.iter().try_for_each(|entry| network(entry).map(drop))?;
            } else if !IDENTITY_LISTS.contains(&list.as_str()) {
                let known = [&NETWORK_LISTS[..], &IDENTITY_LISTS[..]].concat().join(", ");
                return Err(format!("unknown list {list:?}; the lists are {known}"));
            }
        }
        for rule in &self.suppress {
            date(&rule.expires)?;
            for (key, text) in [("reason", &rule.reason), ("owner", &rule.owner)] {
                if text.trim().is_empty() {
                    return Err(format!("the suppression of {:?} has an empty {key}", rule.detection));
                }
            }
            if rule.actor.is_none() && rule.object.is_none() && rule.cluster.is_none() {
                return Err(format!(
                    "the suppression of {:?} names no actor, object or cluster; leave the detection out instead",
                    rule.detection
                ));
            }
        }
        Ok(())
    }

    /// The lists of a pack joined by those of the configuration; the ones that nobody filled are there and empty, and
    /// the controllers of all platforms are one list.
    #[must_use]
    pub fn lists_with(&self, pack: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
        let mut lists = pack.clone();
        let of_platforms: Vec<String> =
            pack.iter().filter(|(name, _)| name.ends_with("_controllers")).flat_map(|(_, list)| list.clone()).collect();
        lists.insert("cluster_controllers".to_owned(), of_platforms);
        for name in NETWORK_LISTS.iter().chain(&IDENTITY_LISTS) {
            lists.entry((*name).to_owned()).or_default();
        }
        for (name, entries) in &self.lists {
            lists.entry(name.clone()).or_default().extend(entries.iter().cloned());
        }
        lists
    }
}

impl Suppression {
    /// Whether it is about `finding`.
    #[must_use]
    pub fn fits(&self, finding: &Finding) -> bool {
        let same = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        self.detection == finding.detection
            && same(&self.actor, &finding.actor)
            && same(&self.object, &finding.object)
            && same(&self.cluster, &finding.cluster)
    }

    /// Whether its last day is over on the day `today`; [`Config::check`] holds that it is a day.
    #[must_use]
    pub fn is_over(&self, today: NaiveDate) -> bool {
        date(&self.expires).map_or(true, |last| last < today)
    }
}

/// A network from `10.0.0.0/8`, or from a single address.
pub fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| single())
        .map_err(|_| format!("{text:?} is no network; write it like 10.0.0.0/8 or 2001:db8::/32"))
}

fn date(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| format!("{text:?} is no date; write it like 2026-12-31"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    fn finding() -> Finding {
        Finding {
            detection: "pod_exec".to_owned(),
            title: String::new(),
            severity: Severity::Medium,
            attack: Vec::new(),
            audit_id: String::new(),
            audit_ids: Vec::new(),
            first_seen: 0,
            last_seen: 0,
            actor: "alice".to_owned(),
            object: "shop/web-1".to_owned(),
            events: 1,
            cluster: "prod".to_owned(),
            finding_id: String::new(),
            evidence: "{}".to_owned(),
        }
    }

    fn day(text: &str) -> NaiveDate {
        date(text).unwrap()
    }

    #[test]
    fn a_suppression_counts_until_its_last_day_and_for_nothing_else() {
        let config = Config::parse(
            r#"
            [[suppress]]
            detection = "pod_exec"
            actor = "alice"
            reason = "on call this week"
            owner = "bob@example.com"
            expires = "2026-12-31"
            "#,
        )
        .unwrap();
        let rule = &config.suppress[0];
        assert!(!rule.is_over(day("2026-12-31")) && rule.is_over(day("2027-01-01")));
        assert!(rule.fits(&finding()));
        assert!(rule.fits(&Finding { object: "shop/web-2".to_owned(), ..finding() }));
        assert!(!rule.fits(&Finding { actor: "alice2".to_owned(), ..finding() }));
        assert!(!rule.fits(&Finding { detection: "pod_attach".to_owned(), ..finding() }));
    }

    #[test]
    fn mistakes_are_named() {
        let mistakes = [
            ("[lists]\nfriends = []", "unknown list \"friends\""),
            ("[lists]\ntrusted_networks = ['10.0.0.0/33']", "\"10.0.0.0/33\" is no network"),
            ("[[suppress]]\ndetection='x'\nactor='a'\nreason='r'\nowner='o'\nexpires='soon'", "\"soon\" is no date"),
            ("[[suppress]]\ndetection='x'\nreason='r'\nowner='o'\nexpires='2026-01-01'", "names no actor"),
            ("[[suppress]]\ndetection='x'\nactor='a'\nreason='r'\nexpires='2026-01-01'", "missing field `owner`"),
            ("[[suppress]]\ndetection='x'\nactor='a'\nreason='r'\nowner=' '\nexpires='2026-01-01'", "an empty owner"),
            ("[list]", "unknown field"),
        ];
        for (text, message) in mistakes {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_list_takes_the_lines_of_its_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tor.txt"), "# exits\n203.0.113.7\n\n  2001:db8::/32\r\n").unwrap();
        let path = folder.path().join("kubesift.toml");
        fs::write(&path, "[lists]\ntor_networks = ['192.0.2.1']\n[list_files]\ntor_networks = ['tor.txt']\n").unwrap();
        assert_eq!(Config::read(&path).unwrap().lists["tor_networks"], ["192.0.2.1", "203.0.113.7", "2001:db8::/32"]);
        fs::write(folder.path().join("tor.txt"), "nonsense\n").unwrap();
        assert!(Config::read(&path).unwrap_err().to_string().contains("\"nonsense\" is no network"));
        fs::remove_file(folder.path().join("tor.txt")).unwrap();
        assert!(Config::read(&path).unwrap_err().to_string().contains("list_files.tor_networks"));
    }

    #[test]
    fn relative_paths_start_at_the_folder_of_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubesift.toml");
        let text = "lake = 'lake'\n[[source]]\npath = './logs/{date}'\n[[source]]\npath = 's3://b/{date}'\n\
                    [run]\nmetrics = '/var/a.prom'\n[[export]]\npath = 'out/{date}.csv'\n";
        fs::write(&path, text).unwrap();
        let config = Config::read(&path).unwrap();
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        assert_eq!(config.lake, Some(at("lake")));
        assert_eq!([&config.sources[0].path, &config.sources[1].path], [&at("./logs/{date}"), "s3://b/{date}"]);
        assert_eq!(config.night.metrics.as_deref(), Some("/var/a.prom"));
        assert_eq!(config.exports[0].path, at("out/{date}.csv"));
    }

    #[test]
    fn a_single_address_is_a_network_of_one() {
        assert_eq!(network("203.0.113.7").unwrap().to_string(), "203.0.113.7/32");
    }
}
