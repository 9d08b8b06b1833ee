//! The part of the configuration that `kubesift run` reads: sources, times, reports and exports.

use std::path::Path;

use serde::Deserialize;

use super::Config;
use super::pattern::Pattern;
use super::time::{DAY, duration};
use crate::finding::Severity;
use crate::schema::check_cluster;
use crate::store::is_url;

/// Formats of an export.
const FORMATS: [&str; 7] = ["csv", "html", "json", "markdown", "ndjson", "parquet", "table"];
/// Without `grace`.
const GRACE_DEFAULT: i64 = DAY;
/// Without `again_days`.
const AGAIN_DAYS_DEFAULT: u32 = 7;

/// Where logs lie.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSource {
    /// A file, a folder, a glob or a URL with the placeholders of [`Pattern`].
    pub path: String,
    /// The cluster that the logs are of, where the path does not say it.
    pub cluster: Option<String>,
    /// The envelope that the events lie in, where it is not to be told by content.
    pub envelope: Option<String>,
}

/// The table `[run]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Night {
    /// How long files of a date may come late, and how far a file's name may be from the times of its events: `6h`.
    pub grace: Option<String>,
    /// Dates before now that are examined again when the pack or its thresholds changed.
    pub again_days: Option<u32>,
    /// The quietest finding that ends the run with exit code 10, if it is new.
    pub fail_on: Option<Severity>,
    /// The quietest finding that is shown.
    pub min_severity: Option<Severity>,
    /// A page for each date that was examined.
    pub report: Option<String>,
    /// Numbers of the run for Prometheus.
    pub metrics: Option<String>,
    /// A folder with detections of the user's own.
    pub rules: Option<String>,
    /// Ids of the only detections to run.
    #[serde(default)]
    pub only: Vec<String>,
}

/// A file of findings, one for each date that was examined.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// Where it is written; `{date}` is the date, `{time}` when the run began.
    pub path: String,
    /// The format; without it the name tells.
    pub format: Option<String>,
    /// The quietest finding in it.
    pub min_severity: Option<Severity>,
    /// Which findings.
    #[serde(default)]
    pub only: Only,
}

/// Which findings are exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// Those that no earlier run told. A file of that name is not replaced: the next one has `.2` in its name.
    #[default]
    New,
    /// All of the date; a later run of the same date replaces the file.
    All,
}

impl Night {
    /// How long files may come late, in microseconds.
    pub fn grace(&self) -> Result<i64, String> {
        self.grace.as_deref().map_or(Ok(GRACE_DEFAULT), duration)
    }

    /// How many dates a changed pack examines again.
    #[must_use]
    pub fn again_days(&self) -> u32 {
        self.again_days.unwrap_or(AGAIN_DAYS_DEFAULT)
    }
}

impl Export {
    /// The name of its format.
    pub fn format(&self) -> Result<&'static str, String> {
        if let Some(name) = &self.format {
            let found = FORMATS.iter().find(|format| *format == name).copied();
            return found.ok_or_else(|| format!("unknown format {name:?}; use one of {}", FORMATS.join(", ")));
        }
        let found = format_of(Path::new(&self.path), &FORMATS);
        found.ok_or_else(|| format!("{:?} does not tell the format; add format", self.path))
    }
}

/// The format among `known` that a file's name tells.
#[must_use]
pub fn format_of(path: &Path, known: &[&'static str]) -> Option<&'static str> {
    let by_name: &[&str] = match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "md" => &["markdown"],
        "jsonl" => &["ndjson"],
        "txt" => &["text", "table"],
        extension => &[extension],
    };
    known.iter().find(|format| by_name.contains(format)).copied()
}

/// Checks what the types do not, and names the key of a mistake.
pub(super) fn check(config: &Config) -> Result<(), String> {
    let empty = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
    if empty(&config.lake) {
        return Err("lake: the path is empty".to_owned());
    }
    for (index, source) in config.sources.iter().enumerate() {
        check_source(source).map_err(|why| format!("source {}: {why}", index + 1))?;
    }
    config.night.grace().map_err(|why| format!("run.grace: {why}"))?;
    let outputs =
        [("report", &config.night.report), ("metrics", &config.night.metrics), ("rules", &config.night.rules)];
    for (key, path) in outputs {
        let dated = key == "report";
        path.as_deref().map_or(Ok(()), |path| check_output(path, dated)).map_err(|why| format!("run.{key}: {why}"))?;
    }
    if config.night.metrics.as_deref().is_some_and(is_url) {
        return Err("run.metrics: write them to a file; a collector on this machine reads it".to_owned());
    }
    for (index, export) in config.exports.iter().enumerate() {
        let at = |why| format!("export {}: {why}", index + 1);
        check_output(&export.path, true).map_err(|why| at(format!("path: {why}")))?;
        export.format().map_err(|why| at(format!("format: {why}")))?;
        if !export.path.contains("{date}") {
            return Err(at("path: it needs {date}, since there is one file for each date".to_owned()));
        }
    }
    Ok(())
}

fn check_source(source: &LogSource) -> Result<(), String> {
    let pattern = Pattern::parse(&source.path).map_err(|why| format!("path: {why}"))?;
    if source.path == "-" {
        return Err("path: a night's run reads no standard input".to_owned());
    }
    match &source.cluster {
        Some(_) if pattern.has_cluster() => Err("cluster: its path says it already, by {cluster}".to_owned()),
        Some(name) => check_cluster(name).map_err(|why| format!("cluster: {why}")),
        None => Ok(()),
    }
}

fn check_output(path: &str, dated: bool) -> Result<(), String> {
    let known: &[&str] = if dated { &["{date}", "{time}"] } else { &[] };
    let rest = known.iter().fold(path.to_owned(), |rest, name| rest.replace(name, ""));
    match (path.trim().is_empty(), rest.contains(['{', '}'])) {
        (true, _) => Err("the path is empty".to_owned()),
        (_, true) if dated => Err(format!("{path:?}: an output knows {{date}} and {{time}} only")),
        (_, true) => Err(format!("{path:?}: there is nothing to put for what stands in braces")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text).unwrap_err()
    }

    #[test]
    fn a_night_is_read_and_has_defaults() {
        let text = r#"
            lake = "s3://bucket/lakes/prod"
            [[source]]
            path = "logs/{cluster}/{date}*.gz"
            [[source]]
            path = "gs://bucket/{year}/{month}/"
            cluster = "prod"
            envelope = "gke"
            [run]
            grace = "6h"
            fail_on = "high"
            report = "reports/{date}-{time}.html"
            [[export]]
            path = "findings/{date}.parquet"
            min_severity = "low"
            only = "all"
            [[export]]
            path = "findings/{date}.txt"
            format = "markdown"
        "#;
        let config = Config::parse(text).unwrap();
        assert_eq!(config.night.grace(), Ok(DAY / 4));
        assert_eq!(config.night.again_days(), AGAIN_DAYS_DEFAULT);
        assert_eq!(
            config.exports.iter().map(|export| export.format().unwrap()).collect::<Vec<_>>(),
            ["parquet", "markdown"]
        );
        assert_eq!(config.exports.iter().map(|export| export.only).collect::<Vec<_>>(), [Only::All, Only::New]);
        assert_eq!(Config::default().night.grace(), Ok(GRACE_DEFAULT));
    }

    #[test]
    fn each_mistake_names_its_key() {
        let source = "[[source]]\npath = 'a/{date}'\n";
        for (text, message) in [
            ("lake = ' '".to_owned(), "lake: the path is empty"),
            (format!("{source}[[source]]\npath = 'a/{{dat}}'"), "source 2: path: "),
            ("[[source]]\npath = '-'".to_owned(), "source 1: path: a night's run reads no standard input"),
            (format!("{source}cluster = 'Prod'"), "source 1: cluster: use up to 63"),
            ("[[source]]\npath = '{cluster}/a'\ncluster = 'a'".to_owned(), "source 1: cluster: its path says it"),
            ("[[source]]\ncluster = 'a'".to_owned(), "missing field `path`"),
            (format!("{source}clutser = 'a'"), "unknown field `clutser`"),
            ("[run]\ngrace = '6 hours'".to_owned(), "run.grace: \"6 hours\" is no span"),
            ("[run]\nfail_on = 'loud'".to_owned(), "fail_on = 'loud'"),
            ("[run]\nmetrics = 'a-{date}.prom'".to_owned(), "run.metrics: "),
            ("[run]\nmetrics = 's3://b/a.prom'".to_owned(), "run.metrics: write them to a file"),
            ("[run]\nreport = 'a-{cluster}.html'".to_owned(), "run.report: "),
            ("[run]\nkeep = 3".to_owned(), "unknown field `keep`"),
            ("[[export]]\npath = 'a.csv'".to_owned(), "export 1: path: it needs {date}"),
            ("[[export]]\npath = '{date}.xls'".to_owned(), "export 1: format: "),
            ("[[export]]\npath = '{date}.csv'\nformat = 'xls'".to_owned(), "unknown format \"xls\"; use one of csv"),
            ("[[export]]\npath = '{date}.csv'\nonly = 'old'".to_owned(), "unknown variant `old`"),
        ] {
            let error = error(&text);
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
