//! Parts and batches, periods, materialised views, limits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use super::detecting::detection;
use super::{Bench, Events, Period, batch, part, settings, stored, views};
use crate::detection::Level;
use crate::detection::readiness::Class;
use crate::engine::{Extent, Session};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::part::{Part, Stored};

fn days() -> [Vec<Value>; 2] {
    let row = |day: u32, id: &str, sensitivity: &str| {
        json!({"ts": format!("2026-03-0{day}T10:00:00Z"), "audit_id": id, "sensitivity": sensitivity,
               "resource": "secrets", "source_ips": ["192.0.2.1", "192.0.2.2"], "request_object": {"kind": "X"}})
    };
    [vec![row(1, "a", "secret"), row(1, "b", "other")], vec![row(2, "c", "secret"), row(2, "d", "denied")]]
}

fn parts(folder: &std::path::Path) -> Events {
    let [first, second] = days();
    stored(folder, vec![part(folder, "a.parquet", &batch(&first)), part(folder, "b.parquet", &batch(&second))])
}

fn batches() -> Events {
    Events::Batches(days().iter().map(|day| batch(day)).collect())
}

fn open(events: Events, period: Period, view_bytes_max: usize) -> Bench {
    Bench::open(events, &BTreeMap::new(), period, view_bytes_max)
}

#[test]
fn parts_and_batches_give_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let filed = open(parts(folder.path()), Period::default(), usize::MAX);
    let held = open(batches(), Period::default(), usize::MAX);
    for (view, rows) in [("events", 4), ("requests", 4), ("sensitive", 3), ("secret_access", 3), ("addresses", 1)] {
        let sql = format!("select * from {view} order by audit_id");
        let expected = held.rows(&sql);
        assert_eq!(expected.len(), rows, "{view}");
        assert_eq!(filed.rows(&sql), expected, "{view}");
    }
}

#[test]
fn a_spilled_view_gives_the_same_rows() {
    let kept = open(batches(), Period::default(), usize::MAX);
    let spilled = open(batches(), Period::default(), 0);
    let sql = "select * from sensitive where resource = 'secrets' order by audit_id";
    let rows = spilled.rows(sql);
    assert_eq!(rows, kept.rows(sql));
    assert_eq!(rows.len(), 3);
    let files = walkdir::WalkDir::new(spilled.folder.path())
        .into_iter()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".parquet"));
    assert_eq!(files.count(), 1);
}

#[test]
fn nothing_stays_on_disk_after_a_session() {
    use std::os::unix::fs::PermissionsExt;
    let bench = open(batches(), Period::default(), 0);
    bench.rows("select * from sensitive");
    let Bench { session, folder } = bench;
    let spill = folder.path().join("spill");
    assert_eq!(std::fs::metadata(&spill).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(&spill).unwrap().count(), 1);
    drop(session);
    assert_eq!(std::fs::read_dir(&spill).unwrap().count(), 0);
}

#[test]
fn a_period_bounds_every_view() {
    let folder = tempfile::tempdir().unwrap();
    let at = |text: &str| Some(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros());
    let second_day = at("2026-03-02T10:00:00Z");
    for events in [parts(folder.path()), batches()] {
        let since = open(events.clone(), Period { since: second_day, until: None }, usize::MAX);
        assert_eq!(since.column("select audit_id from sensitive order by 1"), ["c", "d"]);
        let until = open(events, Period { since: None, until: second_day }, usize::MAX);
        assert_eq!(until.column("select audit_id from requests order by 1"), ["a", "b"]);
    }
}

#[test]
fn parts_outside_the_filter_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let Events::Parts(stored) = parts(folder.path()) else { unreachable!() };
    std::fs::remove_file(&stored.parts[0].path).unwrap();
    let bench = open(Events::Parts(stored), Period::default(), usize::MAX);
    for filter in ["date = '2026-03-02'", "ts > timestamp '2026-03-02T00:00:00Z'"] {
        let sql = format!("select audit_id from requests where {filter} order by 1");
        assert_eq!(bench.column(&sql), ["c", "d"], "{filter}");
    }
    let error = bench.try_rows("select * from requests").unwrap_err();
    assert!(matches!(error, Error::Integrity { .. }), "{error}");
}

#[test]
fn no_parts_are_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let bench = open(stored(folder.path(), Vec::new()), Period::default(), usize::MAX);
    assert_eq!(bench.rows("select * from requests"), Vec::<Value>::new());
    assert_eq!(bench.column("select count(*) from events"), ["0"]);
}

#[test]
fn facts_count_what_is_alike_in_one_pass() {
    let bench = Bench::new(&[
        json!({"level": "Metadata", "resource": "secrets", "verb": "list", "truncated": true}),
        json!({"level": "Metadata", "resource": "secrets", "verb": "get", "client_ip": null}),
        json!({"level": "Request", "resource": "pods", "verb": "create", "user_agent": "kubectl"}),
        json!({"level": "'--", "resource": "whatever-a-client-asks-for", "verb": "brew"}),
    ]);
    let seen = bench.session.facts(&["secrets", "pods"].map(ToOwned::to_owned).into()).unwrap();
    let mut counts: Vec<_> = seen.iter().map(|s| (s.level, s.resource.as_deref(), s.class, s.rows)).collect();
    counts.sort_by_key(|count| count.1);
    assert_eq!(
        counts,
        [
            (None, None, Class::Other, 1),
            (Some(Level::Request), Some("pods"), Class::Write, 1),
            (Some(Level::Metadata), Some("secrets"), Class::Read, 2),
        ]
    );
    let secrets = seen.iter().find(|seen| seen.resource.as_deref() == Some("secrets")).unwrap();
    assert_eq!(secrets.truncated, 1);
    let extent = Extent::of(&seen);
    assert_eq!((extent.clusters.len(), extent.first_ts.is_some()), (1, true));
    assert_eq!(bench.session.facts(&BTreeSet::new()).unwrap().iter().map(|seen| seen.rows).sum::<u64>(), 4);
    let hostile = ["x') or (resource in ('secrets".to_owned()].into();
    assert!(bench.session.facts(&hostile).unwrap().iter().all(|seen| seen.resource.is_none()));
}

#[test]
fn a_query_that_takes_too_long_is_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&folder);
    settings.timeout = Duration::from_millis(1_500);
    let rows: Vec<_> = (0..2_000).map(|_| json!({})).collect();
    let events = Events::Batches(vec![batch(&rows)]);
    let session = Session::open(&settings, events, views(), &BTreeMap::new(), Period::default()).unwrap();
    let bench = Bench { session, folder };
    for forever in [
        "with recursive n as (select 1 as i union all select i + 1 from n) select count(*) from n",
        // keeps all threads busy without a pause
        "select count(*) from events a, events b, events c where a.line + b.line + c.line < 0",
    ] {
        let start = std::time::Instant::now();
        let error = bench.try_rows(forever).unwrap_err();
        assert!(matches!(&error, Error::Limit(message) if message.contains("--timeout")), "{error}");
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    }
}

#[test]
fn two_threads_may_ask_at_once() {
    let bench = open(batches(), Period::default(), usize::MAX);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(bench.rows("select * from secret_access").len(), 3));
        }
    });
}

#[test]
fn a_query_that_needs_too_much_memory_is_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&folder);
    settings.memory_bytes = 1 << 20;
    let rows: Vec<_> = (0..2_000).map(|n| json!({"audit_id": format!("{n}"), "name": "x".repeat(500)})).collect();
    let events = Events::Batches(vec![batch(&rows)]);
    let session = Session::open(&settings, events, views(), &BTreeMap::new(), Period::default()).unwrap();
    let bench = Bench { session, folder };
    let error = bench.try_rows("select * from events order by name").unwrap_err();
    assert!(matches!(&error, Error::Limit(message) if message.contains("--memory")), "{error}");
}

#[test]
fn what_a_killed_session_spilled_is_removed_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let spill = folder.path().join("spill");
    let left_behind = spill.join("session-4294967295-x"); // larger than any process number
    let of_others = [spill.join(format!("session-{}-y", std::process::id())), spill.join("notes")];
    for path in of_others.iter().chain([&left_behind]) {
        std::fs::create_dir_all(path).unwrap();
    }
    let settings = settings(&folder);
    let _session =
        Session::open(&settings, Events::Batches(vec![]), views(), &BTreeMap::new(), Period::default()).unwrap();
    assert!(!left_behind.exists());
    assert!(of_others.iter().all(|path| path.exists()));
}

/// A file of two findings of one day, as a lake keeps them.
fn kept(folder: &std::path::Path) -> Stored {
    let finding = |id: &str, first_seen| Finding { finding_id: id.to_owned(), first_seen, ..finding() };
    let day = 1_772_323_200_000_000;
    let rows = crate::finding::to_batch(&[finding("a", day), finding("b", day + 1)]).unwrap();
    let mut columns = rows.columns().to_vec();
    columns.extend([
        Arc::new(TimestampMicrosecondArray::from(vec![0, 0]).with_timezone("UTC")) as ArrayRef,
        Arc::new(StringArray::from(vec!["run", "run"])),
        Arc::new(Int64Array::from(vec![7, 7])),
        Arc::new(BooleanArray::from(vec![false, true])),
        Arc::new(StringArray::from(vec!["pack", "pack"])),
    ]);
    let rows = RecordBatch::try_new(crate::finding::kept_schema(), columns).unwrap();
    let path = folder.join("kept.parquet");
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let bytes = path.metadata().unwrap().len();
    let (key, date) = ("kept.parquet".to_owned(), "2026-03-01".to_owned());
    let part = Part { path, key, bytes, rows: 2, date, ts_min: day, ts_max: day + 1 };
    let Events::Parts(stored) = stored(folder, vec![part]) else { unreachable!() };
    stored
}

#[test]
fn queries_read_kept_findings_and_detections_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let open = |kept| {
        let bench = open(batches(), Period::default(), usize::MAX);
        Bench { session: bench.session.with_findings(kept).unwrap(), folder: bench.folder }
    };
    let sql = "select finding_id from findings where first_seen > timestamp '2026-03-01T00:00:00Z' order by 1";
    assert_eq!(open(None).column(sql), [""; 0]);
    let bench = open(Some(kept(folder.path())));
    assert_eq!(bench.column(sql), ["b"]);
    assert_eq!(bench.column("select count(*) from findings where date = '2026-03-01' and lake_version = 7"), ["2"]);
    assert_eq!(bench.column("select count(*) from findings where date = '2026-03-02'"), ["0"]);
    assert_eq!(bench.column("select attack[1] from findings where late and cluster = 'c1'"), ["TA0006/T1528"]);

    let peeks = detection("select audit_id, first_seen, last_seen, actor, object, events from findings");
    let error = bench.session.detect(&peeks, &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("reads what was found before"), "{error}");
}

fn finding() -> Finding {
    Finding {
        detection: "d".to_owned(),
        title: "t".to_owned(),
        severity: Severity::Low,
        attack: vec!["TA0006/T1528".to_owned()],
        audit_id: "e".to_owned(),
        audit_ids: Vec::new(),
        first_seen: 0,
        last_seen: 0,
        actor: String::new(),
        object: String::new(),
        events: 1,
        cluster: "c1".to_owned(),
        finding_id: String::new(),
        evidence: "{}".to_owned(),
    }
}
