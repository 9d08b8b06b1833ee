//! Trials that every format passes: hostile text in every field, closed pipes, the same bytes twice.

use arrow::array::RecordBatch;
use bytes::Bytes;
use serde_json::Value;

use super::*;
use crate::account;
use crate::detection::readiness::{Fix, Sight, Verdict};
use crate::detection::{Header, Level, Status};
use crate::finding;
use crate::risk::{Kind, Score, Term};

pub(super) const NOON: i64 = 1_714_564_800_000_000;

pub(super) fn finding(detection: &str, severity: Severity) -> Finding {
    Finding {
        detection: detection.to_owned(),
        title: "Secrets listed in every namespace".to_owned(),
        severity,
        attack: vec!["TA0006/T1552.007".to_owned()],
        audit_id: "6f1c2a52-0001".to_owned(),
        audit_ids: vec!["6f1c2a52-0001".to_owned(), "6f1c2a52-0002".to_owned()],
        first_seen: NOON,
        last_seen: NOON + 60_000_001,
        actor: "system:serviceaccount:shop:cart".to_owned(),
        object: "secrets in all namespaces".to_owned(),
        events: 3,
        cluster: "prod".to_owned(),
        finding_id: "9b2f00c1".to_owned(),
        evidence: r#"{"source_ip":"198.51.100.7","user_agent":"curl/8.5.0","code":200}"#.to_owned(),
    }
}

/// A report that owns what it shows.
pub(super) struct Sample {
    pub(super) findings: Vec<Finding>,
    headers: Vec<Detection>,
    accounts: Vec<Account>,
    suppressions: Vec<Suppression>,
    pub(super) outcomes: Vec<Outcome>,
    readiness: Readiness,
    risk: Risk,
    summary: Summary,
}

fn suppression(effect: Effect, findings: u64) -> Suppression {
    Suppression {
        detection: "pod_exec".into(),
        actor: Some("alice@example.com".into()),
        object: None,
        cluster: Some("prod".into()),
        reason: "on call".into(),
        owner: "bob@example.com".into(),
        expires: "2024-12-31".into(),
        effect,
        findings,
    }
}

impl Sample {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        let accounts = vec![account()];
        let totals = accounts[0].clone();
        let outcomes = vec![
            Outcome { detection: "secret_sweep".into(), state: State::Ran { findings: 1, millis: 7 }, suppressed: 2 },
            Outcome { detection: "pod_escape".into(), state: State::NotEvaluable("no bodies".into()), suppressed: 0 },
            Outcome { detection: "csr_signed".into(), state: State::NotEvaluable("no bodies".into()), suppressed: 0 },
            Outcome { detection: "slow".into(), state: State::Incomplete("stopped after 300 s".into()), suppressed: 0 },
        ];
        let summary = Summary {
            version: "0.1.0".into(),
            lake_version: Some(4),
            clusters: vec!["prod".into()],
            first_ts: totals.first_ts,
            last_ts: totals.last_ts,
            totals,
            started_at: None,
        };
        let risk = crate::risk::assess(&findings, |detection| detection.starts_with("secret"));
        let suppressions = Vec::new();
        Self { findings, headers: vec![], accounts, suppressions, outcomes, readiness: readiness(), risk, summary }
    }

    pub(super) fn report(&self) -> Report<'_> {
        Report {
            findings: &self.findings,
            headers: &self.headers,
            accounts: &self.accounts,
            suppressions: &self.suppressions,
            outcomes: &self.outcomes,
            readiness: &self.readiness,
            risk: &self.risk,
            summary: self.summary.clone(),
        }
    }

    /// Every text of the report is `text`.
    pub(super) fn hostile(text: &str) -> Self {
        let all = || vec![text.to_owned(), text.to_owned()];
        let finding = Finding {
            detection: text.into(),
            title: text.into(),
            severity: Severity::High,
            attack: all(),
            audit_id: text.into(),
            audit_ids: all(),
            actor: text.into(),
            object: text.into(),
            cluster: text.into(),
            finding_id: text.into(),
            evidence: serde_json::json!({ text: text, "b": [text], "c": {text: [text]} }).to_string(),
            ..finding("", Severity::High)
        };
        let no_json = Finding { evidence: text.into(), ..finding.clone() };
        let mut sample = Self::new(vec![finding, no_json]);
        sample.headers = vec![Detection { id: text.into(), ..detection(text) }];
        sample.suppressions = vec![Suppression {
            detection: text.into(),
            actor: Some(text.into()),
            object: Some(text.into()),
            reason: text.into(),
            owner: text.into(),
            ..suppression(Effect::Hid, 2)
        }];
        let counts = BTreeMap::from([(text.to_owned(), 1)]);
        let account =
            Account { source: text.into(), rejects: counts.clone(), levels: counts, notes: all(), ..account() };
        sample.summary = Summary { version: text.into(), clusters: all(), totals: account.clone(), ..sample.summary };
        sample.accounts = vec![account];
        for outcome in &mut sample.outcomes {
            outcome.detection = text.into();
        }
        for verdict in &mut sample.readiness.verdicts {
            *verdict = Verdict { detection: text.into(), reasons: all(), ..verdict.clone() };
        }
        sample.readiness.fixes = vec![Fix { what: text.into(), detections: all(), policy: all() }];
        let term = |kind| Term { kind, points: 10, why: text.into(), findings: all() };
        let score = Score {
            cluster: text.into(),
            name: text.into(),
            score: 60,
            loudest: Severity::High,
            findings: 2,
            terms: Kind::ALL.map(term).into(),
            weight: 1,
        };
        sample.risk = Risk { identities: vec![score.clone()], secrets: vec![score] };
        sample.outcomes[1].state = State::NotEvaluable(text.into());
        sample.outcomes[2].state = State::Incomplete(text.into());
        sample
    }
}

fn readiness() -> Readiness {
    let verdict = |id: &str, sight, why: &str| Verdict {
        detection: id.into(),
        sight,
        reasons: if why.is_empty() { vec![] } else { vec![why.into()] },
    };
    let fix = Fix {
        what: "log the writes".into(),
        detections: vec!["pod_escape".into(), "csr_signed".into()],
        policy: vec!["- level: Request".into(), "  verbs: [\"create\"]".into()],
    };
    Readiness {
        events: 1_234_550,
        verdicts: vec![
            verdict("secret_sweep", Sight::Ready, ""),
            verdict("pod_escape", Sight::Blind, "no bodies"),
            verdict("csr_signed", Sight::Blind, "no bodies"),
            verdict("slow", Sight::Partly, "addresses are missing"),
        ],
        fixes: vec![fix],
    }
}

fn account() -> Account {
    Account {
        source: "audit-2024-05-01.log.gz".into(),
        file_bytes: 340_000_000,
        lines: 1_234_567,
        rows: 1_234_550,
        blanks: 1,
        duplicates: 14,
        rejects: BTreeMap::from([("not_json".into(), 2)]),
        first_ts: Some(NOON - 3_600_000_000),
        last_ts: Some(NOON + 3_600_000_000),
        levels: BTreeMap::from([("Metadata".into(), 1_234_000), ("RequestResponse".into(), 550)]),
        notes: vec!["the last line was cut short".into()],
        ..Account::default()
    }
}

fn detection(text: &str) -> Detection {
    let all = || vec![text.to_owned()];
    Detection {
        id: "secret_sweep".into(),
        path: text.into(),
        header: Header {
            title: text.into(),
            status: Status::Stable,
            severity: Severity::High,
            attack: all(),
            needs: Level::Metadata,
            resources: all(),
            describe: text.into(),
            benign: all(),
            blind: all(),
            triage: all(),
            references: all(),
            params: BTreeMap::new(),
        },
        sql: text.into(),
    }
}

pub(super) fn hostile() -> Vec<String> {
    let short = [
        "<script>alert(1)</script>",
        "</script><!--",
        "\"><img src=http://203.0.113.9/x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title></svg></style><style>*{}</style><iframe src=javascript:alert(1)>",
        "{{7*7}}{% for x in y %}",
        "\x1b[2J\x1b]0;title\x07\x1b]52;c;eA==\x1b\\",
        "\u{9b}2J\u{90}x\u{9c}\u{7f}\r",
        "a\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{e0041}\u{2028}",
        "=cmd|'/c calc'!A1",
        "a;=cmd|'/c calc'!A1",
        "@SUM(1+1)*cmd",
        "\t=1",
        "two\nlines\r\n| a | b |\n---",
        "`code` | **bold** [x](javascript:alert(1)) @someone ``` ![i](http://203.0.113.9)",
        "\0",
        "a,\"b\",'c'",
        "日本語 é ✓",
        "",
    ];
    let mut all: Vec<_> = short.map(str::to_owned).to_vec();
    all.push("<b>\u{1b}".repeat(25_000));
    all
}

fn bytes(format: &dyn Format, sample: &Sample) -> Vec<u8> {
    let mut out = Vec::new();
    format.write(&sample.report(), &mut out).unwrap();
    out
}

fn written(name: &str, sample: &Sample) -> String {
    String::from_utf8(bytes(&*format(name).unwrap(), sample)).unwrap()
}

/// What a terminal would obey or not show. Line breaks are the writer's own.
pub(super) fn steers(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || ('\u{200b}'..='\u{200f}').contains(c)
            || ('\u{2028}'..='\u{202e}').contains(c)
            || ('\u{2060}'..='\u{206f}').contains(c)
            || *c == '\u{feff}'
            || ('\u{e0000}'..='\u{e0fff}').contains(c)
    })
}

#[test]
fn every_name_has_its_format() {
    for name in FORMATS {
        assert_eq!(format(name).unwrap().name(), name);
    }
    assert!(format("xls").is_none());
}

#[test]
fn no_text_of_a_log_steers_a_terminal() {
    for text in hostile() {
        let sample = Sample::hostile(&text);
        for name in ["table", "csv", "ndjson", "json", "markdown", "html"] {
            assert_eq!(steers(&written(name, &sample)), None, "{name}: {text:.40?}");
        }
        assert_eq!(steers(&summary::summary(&sample.report())), None, "{text:.40?}");
        for color in [Table { width: Some(80), color: false }, Table { width: Some(200), color: false }] {
            assert_eq!(steers(&String::from_utf8(bytes(&color, &sample)).unwrap()), None, "{text:.40?}");
        }
    }
}

#[test]
fn a_hostile_text_takes_no_more_lines_than_a_tame_one() {
    let lines = |text: &str, name| written(name, &Sample::hostile(text)).lines().count();
    for text in hostile() {
        for name in ["table", "csv", "ndjson", "json", "markdown"] {
            assert_eq!(lines(&text, name), lines("tame", name), "{name}: {text:.40?}");
        }
    }
}

#[test]
fn csv_parses_back_and_no_cell_is_a_formula() {
    for text in hostile() {
        let csv = written("csv", &Sample::hostile(&text));
        let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
        assert_eq!(reader.headers().unwrap().len(), 14);
        for (index, record) in reader.records().enumerate() {
            let record = record.unwrap();
            assert_eq!(&record[8], escape::csv_cell(&text), "whole, however long");
            assert_eq!((&record[2], &record[6], &record[10]), ("high", "2024-05-01T12:00:00.000000Z", "3"));
            for cell in &record {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{index}: {cell:.40}");
            }
        }
    }
    let csv = written("csv", &Sample::new(vec![finding("a", Severity::Low)]));
    for line in csv.lines() {
        assert!(line.starts_with('"') && line.ends_with('"'), "{line}");
    }
    assert!(csv.contains(r#""TA0006/T1552.007","6f1c2a52-0001","6f1c2a52-0001 6f1c2a52-0002","#), "{csv}");
}

#[test]
fn json_parses_back_to_the_same_text() {
    for text in hostile() {
        let sample = Sample::hostile(&text);
        let lines = written("ndjson", &sample);
        let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let document: Value = serde_json::from_str(&written("json", &sample)).unwrap();
        assert_eq!(document["findings"].as_array().unwrap(), &rows);
        assert_eq!(document["accounts"][0]["source"], text.as_str());
        assert_eq!(document["outcomes"][1]["reason"], text.as_str());
        for row in &rows {
            assert_eq!(row["actor"], text.as_str());
            assert_eq!(row["audit_ids"][1], text.as_str());
        }
        assert_eq!(rows[0]["evidence"]["b"][0], text.as_str());
        assert_eq!(rows[1]["evidence"], text.as_str());
    }
}

#[test]
fn ndjson_has_the_fields_of_a_finding_with_readable_times() {
    let sample = Sample::new(vec![finding("secret_sweep", Severity::High)]);
    insta::assert_snapshot!(written("ndjson", &sample), @r#"
    {"detection":"secret_sweep","title":"Secrets listed in every namespace","severity":"high","attack":["TA0006/T1552.007"],"audit_id":"6f1c2a52-0001","audit_ids":["6f1c2a52-0001","6f1c2a52-0002"],"first_seen":"2024-05-01T12:00:00.000000Z","last_seen":"2024-05-01T12:01:00.000001Z","actor":"system:serviceaccount:shop:cart","object":"secrets in all namespaces","events":3,"cluster":"prod","finding_id":"9b2f00c1","evidence":{"source_ip":"198.51.100.7","user_agent":"curl/8.5.0","code":200}}
    "#);
}

#[test]
fn parquet_reads_back_unchanged() {
    for text in hostile() {
        let sample = Sample::hostile(&text);
        let file = Bytes::from(bytes(&*format("parquet").unwrap(), &sample));
        let batches = read_parquet(file);
        assert_eq!(batches, [finding::to_batch(&sample.findings).unwrap()]);
        assert_eq!(batches[0].schema(), finding::schema());
    }
}

pub(super) fn read_parquet(file: Bytes) -> Vec<RecordBatch> {
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 1_024).unwrap();
    reader.map(Result::unwrap).collect()
}

/// The tags of a page. Where log text is escaped, `<` begins nothing else.
pub(super) fn tags(page: &str) -> impl Iterator<Item = &str> {
    page.split('<').skip(1).map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag))
}

#[test]
fn the_page_has_the_same_tags_whatever_the_log_says() {
    let tame: Vec<_> = {
        let page = written("html", &Sample::hostile("tame"));
        tags(&page).map(str::to_owned).collect()
    };
    for text in hostile().into_iter().filter(|text| !text.is_empty()) {
        let page = written("html", &Sample::hostile(&text));
        let tags: Vec<_> = tags(&page).collect();
        assert_eq!(tags, tame, "{text:.40?}");
        assert!(!page.contains("<script") && !page.contains("49{%"), "{text:.40?}");
    }
}

#[test]
fn the_page_runs_and_loads_nothing() {
    let page = written("html", &Sample::hostile("x"));
    assert!(page.contains("default-src 'none'"));
    for tag in tags(&page) {
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
        assert!(!["script", "iframe", "img", "link", "object", "embed", "form", "base"].contains(&name), "{tag}");
        for attribute in tag.split_ascii_whitespace().skip(1).filter_map(|part| part.split_once('=')) {
            assert!(!attribute.0.starts_with("on") && !["src", "style", "srcset"].contains(&attribute.0), "{tag}");
            assert!(attribute.0 != "href" || attribute.1.starts_with("\"#"), "{tag}");
        }
    }
}

#[test]
fn long_cells_are_cut_for_people_only() {
    let sample = Sample::hostile(&"x".repeat(100_000));
    for name in ["table", "markdown", "html"] {
        let text = written(name, &sample);
        assert!(text.contains("… (100000 bytes)"), "{name}");
        assert!(text.len() < 200_000, "{name}: {}", text.len());
    }
    for name in ["csv", "ndjson", "json"] {
        assert!(written(name, &sample).contains(&"x".repeat(100_000)), "{name}");
    }
}

#[test]
fn a_page_of_too_many_findings_says_how_many_there_are() {
    let sample = Sample::new(vec![finding("secret_sweep", Severity::High); 100_000]);
    let page = written("html", &sample);
    assert!(page.contains("the first 1000 of 100000 findings"), "{}", &page[..2_000]);
    assert!(page.len() < 5_000_000, "{}", page.len());
    assert_eq!(page.matches("<details").count(), 1_000 + sample.readiness.fixes.len());
}

#[test]
fn the_page_is_honest_about_what_was_not_looked_at() {
    let page = written("html", &Sample::new(vec![]));
    assert!(page.contains("1 detection ran and found nothing"), "{page}");
    assert!(page.contains("2 detections could not be evaluated; silence there means nothing"), "{page}");
    assert!(page.contains("1 detection did not finish"), "{page}");
    assert!(page.contains("2 lines could not be read"), "{page}");
    for part in ["addresses are missing", "partly blind", "log the writes", "<code>- level: Request</code>"] {
        assert!(page.contains(part), "{part}");
    }
    let nothing = Sample { outcomes: vec![], ..Sample::new(vec![]) };
    assert!(written("html", &nothing).contains("no detection ran"));
}

#[test]
fn techniques_have_the_names_that_they_are_given() {
    let page = written("html", &Sample::new(vec![finding("a", Severity::Low)]));
    assert!(page.contains("Container API (TA0006"), "{page}");
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let findings = || vec![finding("a", Severity::High), finding("b", Severity::Low)];
    let mut later = Sample::new(findings());
    later.outcomes[0].state = State::Ran { findings: 1, millis: 8_000 };
    for name in FORMATS {
        let format = format(name).unwrap();
        assert_eq!(bytes(&*format, &Sample::new(findings())), bytes(&*format, &later), "{name}");
    }
}

#[test]
fn a_table_shows_the_loudest_first_and_fits() {
    let mut long = finding("secret_sweep", Severity::Critical);
    long.actor = "system:serviceaccount:kube-system:a-rather-long-controller-name-of-someone".into();
    let sample = Sample::new(vec![long, finding("pod_exec", Severity::Low)]);
    let table = |width| String::from_utf8(bytes(&Table { width: Some(width), color: false }, &sample)).unwrap();
    insta::assert_snapshot!(table(140), @"
    severity  time (UTC)           detection     actor                        object                     count  id        evidence
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    critical  2024-05-01 12:00:00  secret_sweep  system:servic…me-of-someone  secrets in all namespaces      3  9b2f00c1  source_ip=198.51.100…
    low       2024-05-01 12:00:00  pod_exec      system:servic…unt:shop:cart  secrets in all namespaces      3  9b2f00c1  source_ip=198.51.100…
    ");
    insta::assert_snapshot!(table(120), @"
    severity  time (UTC)        detection     actor                                 object                     count  id
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    critical  2024-05-01 12:00  secret_sweep  system:serviceacco…r-name-of-someone  secrets in all namespaces      3  9b2f00
    low       2024-05-01 12:00  pod_exec      system:serviceaccount:shop:cart       secrets in all namespaces      3  9b2f00
    ");
    insta::assert_snapshot!(table(80), @"
    severity  time (UTC)        detection  actor         object        count  id
    ────────────────────────────────────────────────────────────────────────────────
    critical  2024-05-01 12:00  secr…weep  system…meone  secret…paces      3  9b2f00
    low       2024-05-01 12:00  pod_exec   system…:cart  secret…paces      3  9b2f00
    ");
    let color = String::from_utf8(bytes(&Table { width: Some(80), color: true }, &sample)).unwrap();
    assert!(color.contains("\x1b["));
    assert_eq!(written("table", &Sample::new(vec![])), "no findings\n");
}

#[test]
fn markdown_is_a_table_for_each_severity() {
    let sample = Sample::new(vec![finding("secret_sweep", Severity::High), finding("pod_exec", Severity::Low)]);
    insta::assert_snapshot!(written("markdown", &sample), @r#"
    # Findings

    1 high, 1 low (2 suppressed)

    - Not an all-clear for `pod_escape`, `csr_signed`: no bodies
    - Not an all-clear for `slow`: stopped after 300 s

    ## risk

    | risk | of | name | why |
    |---|---|---|---|
    | 64 | identity | `system:serviceaccount:shop:cart` | severity 23 (1 high, 1 low), success 23 (nothing was refused), scope 18 (the whole cluster) |
    | 62 | secret | `*/*` | severity 22 (1 high), success 22 (nothing was refused), scope 18 (the whole cluster) |

    ## high

    | time (UTC) | detection | actor | object | count | evidence |
    |---|---|---|---|---|---|
    | 2024-05-01 12:00:00 | `secret_sweep` Secrets listed in every namespace | `system:serviceaccount:shop:cart` | `secrets in all namespaces` | 3 | `source_ip=198.51.100.7` `user_agent=curl/8.5.0` `code=200` |

    ## low

    | time (UTC) | detection | actor | object | count | evidence |
    |---|---|---|---|---|---|
    | 2024-05-01 12:00:00 | `pod_exec` Secrets listed in every namespace | `system:serviceaccount:shop:cart` | `secrets in all namespaces` | 3 | `source_ip=198.51.100.7` `user_agent=curl/8.5.0` `code=200` |

    ## Readiness

    1 ready, 1 partly, 2 blind

    - partly, addresses are missing: `slow`

    log the writes

        - level: Request
          verbs: ["create"]
    "#);
}

#[test]
fn the_summary_fits_one_screen_and_hides_nothing() {
    let mut sample = Sample::new(vec![finding("secret_sweep", Severity::High)]);
    let refused = account::Outcome::Refused;
    sample.accounts.push(Account { outcome: refused, source: "bad.log".into(), ..Account::default() });
    insta::assert_snapshot!(summary::summary(&sample.report()), @"
    read        2 sources, 340 MB; 1 refused
                audit-2024-05-01.log.gz: the last line was cut short
                bad.log: refused
    lines       1.2 M = 1.2 M rows + 2 rejected + 14 duplicates + 1 blank
    rejects     not_json 2
    time        2024-05-01 11:00:00 to 2024-05-01 13:00:00 UTC
    clusters    prod
    levels      Metadata 1.2 M, RequestResponse 550
    findings    1 high (2 suppressed)
    riskiest     62  system:serviceaccount:shop:cart: 1 high
    detections  1 ran, 2 could not be evaluated, 1 did not finish
    readiness   1 ready, 1 partly, 2 blind
                blind, no bodies: pod_escape, csr_signed
                partly, addresses are missing: slow
                kubesift rules readiness prints the audit policy that would help
                incomplete, stopped after 300 s: slow
    ");
}

#[test]
fn the_summary_says_what_each_suppression_did() {
    let mut sample = Sample::new(vec![finding("secret_sweep", Severity::High)]);
    sample.suppressions = vec![
        suppression(Effect::Hid, 2),
        suppression(Effect::Expired, 1),
        suppression(Effect::Expired, 0),
        Suppression { object: Some("shop/web-0".into()), ..suppression(Effect::Idle, 0) },
        suppression(Effect::NotRun, 0),
    ];
    let text = summary::summary(&sample.report());
    let from = text.find("suppressed ").unwrap();
    insta::assert_snapshot!(text[from..text.find("riskiest").unwrap()].trim_end(), @"
    suppressed  expired 2024-12-31, 1 shown again: pod_exec, actor alice@example.com, cluster prod (on call; bob@example.com)
                expired 2024-12-31: pod_exec, actor alice@example.com, cluster prod (on call; bob@example.com)
                hid nothing: pod_exec, actor alice@example.com, object shop/web-0, cluster prod (on call; bob@example.com)
                2 until 2024-12-31: pod_exec, actor alice@example.com, cluster prod (on call; bob@example.com)
                its detection did not run: pod_exec, actor alice@example.com, cluster prod (on call; bob@example.com)
    ");
    let json: Value = serde_json::from_str(&written("json", &sample)).unwrap();
    let effects: Vec<&str> =
        json["suppressions"].as_array().unwrap().iter().map(|rule| rule["effect"].as_str().unwrap()).collect();
    assert_eq!(effects, ["hid", "expired", "expired", "hid_nothing", "not_run"]);
    assert_eq!(json["suppressions"][0]["owner"], "bob@example.com");
}

/// A pipe whose reader has gone.
pub(super) struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

pub(super) fn is_broken_pipe(result: Result<()>) -> bool {
    matches!(result, Err(Error::Storage { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe)
}

#[test]
fn a_closed_pipe_keeps_its_kind() {
    let sample = Sample::new(vec![finding("a", Severity::High)]);
    for name in FORMATS {
        assert!(is_broken_pipe(format(name).unwrap().write(&sample.report(), &mut Closed)), "{name}");
    }
}
