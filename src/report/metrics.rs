//! The numbers of a run as Prometheus reads them: its text format, for the textfile collector of a node exporter.
//!
//! All are gauges of the last run, since nothing runs between two of them. Names of clusters, detections and reasons are
//! labels; what a log says freely (actors, objects, paths) never is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use super::io_error;
use crate::account::{Account, Outcome};
use crate::error::Result;
use crate::finding::{Finding, Severity};

/// The numbers of one run.
#[derive(Debug, Clone, Default)]
pub struct Metrics<'a> {
    /// The subcommand.
    pub command: &'a str,
    /// When it ended, microseconds since 1970.
    pub ended_at: i64,
    /// The exit code.
    pub exit_code: u8,
    /// How long each part of the work took.
    pub phases: Vec<(&'static str, Duration)>,
    /// What was read; none where nothing is read by this command.
    pub accounts: Option<&'a [Account]>,
    /// What was found, of a night's run what no run told before; none where the command does not detect.
    pub findings: Option<Counts>,
    /// How many of them are of dates that earlier runs had examined.
    pub late: u64,
    /// Detections by what became of them: `ran`, `incomplete`, `blind`.
    pub detections: BTreeMap<&'static str, u64>,
    /// Dates that were examined.
    pub dates: Option<u64>,
    /// The lake after the run.
    pub lake: Option<Lake>,
}

/// How many findings there are of each severity, detection and cluster.
pub type Counts = BTreeMap<(Severity, String, String), u64>;

/// Counts findings.
#[must_use]
pub fn counts<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Counts {
    let mut counts = Counts::new();
    for finding in findings {
        let key = (finding.severity, finding.detection.clone(), finding.cluster.clone());
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// The size of a lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lake {
    /// The newest version of the events.
    pub version: u64,
    /// Bytes of its parts.
    pub bytes: u64,
    /// Rows in them.
    pub rows: u64,
    /// The latest event, microseconds since 1970.
    pub last_ts: Option<i64>,
}

/// Exit codes of runs that did what they were to do, findings and rejects included.
const SUCCESS: [u8; 3] = [0, 3, 10];

/// Writes the text.
pub fn write(metrics: &Metrics<'_>, out: &mut (impl Write + ?Sized)) -> Result<()> {
    out.write_all(text(metrics).as_bytes()).map_err(io_error)
}

/// The text.
#[must_use]
pub fn text(metrics: &Metrics<'_>) -> String {
    let mut page = Page { text: String::new(), command: metrics.command };
    let success = SUCCESS.contains(&metrics.exit_code);
    page.one("last_run_timestamp_seconds", "When the last run ended.", seconds(metrics.ended_at));
    page.one("last_run_success", "Whether it did what it was to do (exit codes 0, 3 and 10).", u8::from(success));
    page.one("last_run_exit_code", "Its exit code.", metrics.exit_code);
    let phases = metrics.phases.iter().map(|(phase, time)| (vec![("phase", *phase)], time.as_secs_f64()));
    page.family("last_run_duration_seconds", "How long each part of it took.", phases);
    if let Some(accounts) = metrics.accounts {
        page.reading(accounts);
    }
    if let Some(findings) = &metrics.findings {
        page.findings(findings, metrics.late);
        let states = ["ran", "incomplete", "blind"];
        let states = states.map(|state| (vec![("state", state)], metrics.detections.get(state).copied().unwrap_or(0)));
        page.family(
            "detections",
            "Detections by what became of them, added over the dates; blind ones could see nothing.",
            states,
        );
    }
    if let Some(dates) = metrics.dates {
        page.one("dates_examined", "Dates that were examined.", dates);
    }
    if let Some(lake) = &metrics.lake {
        page.lake(lake, metrics.ended_at);
    }
    page.text
}

struct Page<'a> {
    text: String,
    command: &'a str,
}

impl Page<'_> {
    /// A family of one sample without labels of its own.
    fn one(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, help, [(Vec::new(), value)]);
    }

    /// A family of samples, each with its labels. One without samples is left out.
    fn family<'a, V: std::fmt::Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'static str, &'a str)>, V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let text = &mut self.text;
        let command = ("command", self.command);
        let _ = write!(text, "# HELP kubesift_{name} {help}\n# TYPE kubesift_{name} gauge\n");
        for (labels, value) in samples {
            let all = std::iter::once(&command).chain(&labels);
            let all: Vec<String> = all.map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let _ = writeln!(text, "kubesift_{name}{{{}}} {value}", all.join(","));
        }
    }

    fn reading(&mut self, accounts: &[Account]) {
        let mut totals = Account::default();
        accounts.iter().for_each(|account| totals.add(account));
        let of = |outcome| accounts.iter().filter(|account| account.outcome == outcome).count();
        let outcomes = [
            ("ingested", Outcome::Ingested),
            ("known", Outcome::Known),
            ("grown", Outcome::Grown),
            ("shrunk", Outcome::Shrunk),
            ("skipped", Outcome::Skipped),
            ("refused", Outcome::Refused),
        ];
        let outcomes = outcomes.map(|(word, outcome)| (vec![("outcome", word)], of(outcome)));
        self.family("sources", "Sources by what happened to them.", outcomes);
        self.one("lines", "Lines that were read.", totals.lines);
        self.one("rows", "Rows that were committed.", totals.rows);
        self.one("duplicates", "Exact duplicates of events that were known.", totals.duplicates);
        self.one("blanks", "Blank lines.", totals.blanks);
        self.one("not_audit", "Lines of logs that are no audit events.", totals.not_audit);
        let rejects = totals.rejects.iter().map(|(reason, count)| (vec![("reason", reason.as_str())], *count));
        self.family("rejects", "Rejected lines by reason.", rejects);
        let clusters = totals.clusters.iter().map(|(cluster, rows)| (vec![("cluster", cluster.as_str())], *rows));
        self.family("cluster_rows", "Rows that were committed, by cluster.", clusters);
        self.one("file_bytes", "Bytes of the sources as they lie in the archive.", totals.file_bytes);
        self.one("content_bytes", "Bytes of the sources unpacked.", totals.content_bytes);
    }

    fn findings(&mut self, counts: &Counts, late: u64) {
        let of =
            |severity| counts.iter().filter(|((one, ..), _)| *one == severity).map(|(_, count)| count).sum::<u64>();
        let severities = Severity::ALL.map(|severity| (vec![("severity", severity.as_str())], of(severity)));
        self.family("findings", "Findings by severity; of a night's run, those that no run told before.", severities);
        let samples = counts.iter().map(|((severity, detection, cluster), count)| {
            let labels = [("detection", detection.as_str()), ("cluster", cluster), ("severity", severity.as_str())];
            (labels.to_vec(), *count)
        });
        self.family("detection_findings", "The same by detection and cluster.", samples);
        self.one("findings_late", "Findings that came late: earlier runs had examined their dates.", late);
    }

    fn lake(&mut self, lake: &Lake, now: i64) {
        self.one("lake_version", "The newest version of the lake's events.", lake.version);
        self.one("lake_bytes", "Bytes of its parts.", lake.bytes);
        self.one("lake_rows", "Events in it.", lake.rows);
        if let Some(last) = lake.last_ts {
            self.one("lake_last_event_timestamp_seconds", "When its latest event was received.", seconds(last));
            let lag = now.saturating_sub(last);
            self.one("lake_lag_seconds", "How far its latest event lay behind the end of the run.", seconds(lag));
        }
    }
}

/// Microseconds as seconds with three decimals.
fn seconds(micros: i64) -> String {
    let millis = micros.div_euclid(1_000);
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!("{sign}{}.{:03}", millis / 1_000, millis % 1_000)
}

/// The value of a label.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The samples of a page, held to the text format: each family is announced once, by HELP and TYPE, before its
    /// samples, and no series stands twice.
    fn samples(page: &str) -> BTreeMap<String, f64> {
        let is_name = |name: &str| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
        };
        let (mut samples, mut families, mut family) = (BTreeMap::new(), BTreeSet::new(), String::new());
        assert!(page.ends_with('\n') && !page.contains('\r'));
        let mut lines = page.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap();
                assert!(is_name(name) && !words.is_empty() && families.insert(name.to_owned()), "{line}");
                assert_eq!(lines.next().unwrap(), format!("# TYPE {name} gauge"));
                name.clone_into(&mut family);
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap();
            assert_eq!(name, family, "{line}");
            check_labels(labels.strip_suffix('}').unwrap());
            assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "{line} stands twice");
        }
        samples
    }

    /// Holds `a="b",c="d"` to the format: in a value, a backslash is followed by one of three characters.
    fn check_labels(labels: &str) {
        let mut rest = labels;
        loop {
            let (name, after) = rest.split_once("=\"").unwrap();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{labels}");
            let mut characters = after.char_indices();
            let end = loop {
                match characters.next().unwrap() {
                    (_, '\\') => assert!(matches!(characters.next().unwrap().1, '\\' | '"' | 'n'), "{labels}"),
                    (at, '"') => break at,
                    (_, character) => assert_ne!(character, '\n'),
                }
            };
            match after[end + 1..].strip_prefix(',') {
                Some(more) => rest = more,
                None => return assert!(after[end + 1..].is_empty(), "{labels}"),
            }
        }
    }

    fn finding(detection: &str, cluster: &str) -> Finding {
        Finding {
            detection: detection.to_owned(),
            title: String::new(),
            severity: Severity::High,
            attack: Vec::new(),
            audit_id: String::new(),
            audit_ids: Vec::new(),
            first_seen: 0,
            last_seen: 0,
            actor: "eve".to_owned(),
            object: "o".to_owned(),
            events: 1,
            cluster: cluster.to_owned(),
            finding_id: "0".to_owned(),
            evidence: "{}".to_owned(),
        }
    }

    #[test]
    fn a_page_holds_to_the_format_whatever_the_names() {
        let evil = "a\"b\\c\nd\u{e9}{},=";
        let account = Account {
            rows: 3,
            lines: 5,
            rejects: BTreeMap::from([(evil.to_owned(), 2)]),
            clusters: BTreeMap::from([(evil.to_owned(), 3)]),
            ..Account::default()
        };
        let findings = [finding("pod_exec", evil), finding("pod_exec", evil), finding("pod_exec", "prod")];
        let metrics = Metrics {
            command: "run",
            ended_at: 1_500_250,
            phases: vec![("ingest", Duration::from_millis(1_250)), ("detect", Duration::ZERO)],
            accounts: Some(std::slice::from_ref(&account)),
            findings: Some(counts(&findings)),
            late: 1,
            detections: BTreeMap::from([("blind", 4)]),
            dates: Some(2),
            lake: Some(Lake { version: 7, bytes: 8, rows: 9, last_ts: Some(500_000) }),
            ..Metrics::default()
        };
        let samples = samples(&text(&metrics));
        let value = |series: &str| samples.get(series).copied();
        assert_eq!(value(r#"kubesift_last_run_timestamp_seconds{command="run"}"#), Some(1.5));
        assert_eq!(value(r#"kubesift_last_run_duration_seconds{command="run",phase="ingest"}"#), Some(1.25));
        assert_eq!(value(r#"kubesift_findings{command="run",severity="high"}"#), Some(3.0));
        assert_eq!(value(r#"kubesift_findings{command="run",severity="low"}"#), Some(0.0));
        let pods = r#"kubesift_detection_findings{command="run",detection="pod_exec",cluster="prod",severity="high"}"#;
        assert_eq!(value(pods), Some(1.0));
        assert_eq!(value(r#"kubesift_detections{command="run",state="blind"}"#), Some(4.0));
        assert_eq!(value(r#"kubesift_lake_lag_seconds{command="run"}"#), Some(1.0));
        let series = "kubesift_cluster_rows{command=\"run\",cluster=\"a\\\"b\\\\c\\nd\u{e9}{},=\"}";
        assert_eq!(value(series), Some(3.0));
    }

    #[test]
    fn a_run_that_failed_says_so_and_rejects_are_no_failure() {
        for (exit_code, success) in [(0, true), (3, true), (10, true), (4, false), (5, false), (7, false), (143, false)]
        {
            let samples = samples(&text(&Metrics { command: "ingest", exit_code, ..Metrics::default() }));
            assert_eq!(samples[r#"kubesift_last_run_success{command="ingest"}"#] > 0.5, success, "{exit_code}");
        }
    }

    #[test]
    fn seconds_are_never_in_scientific_notation() {
        assert_eq!(seconds(1_795_219_200_000_000), "1795219200.000");
        assert_eq!([seconds(-1_500_000), seconds(0), seconds(999)], ["-1.500", "0.000", "0.000"]);
    }
}
