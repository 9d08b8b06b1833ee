//! Computed views: whom they are computed for, which stages they keep, and that no switch and no thread changes a row.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::TimestampMicrosecondType;
use serde_json::{Value, json};

use super::detecting::detection;
use super::{Bench, Events, Period, SWITCHES, batch, part, settings, stored, views};
use crate::detection::Detection;
use crate::engine::{Detected, Session};

/// A small log with stages, exact duplicates, reused audit ids, NULLs and all groups that rows are kept in.
fn log() -> Vec<Value> {
    let mut dice = 7_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    (0..10_000)
        .map(|_| {
            let audit_id = (roll(50) > 0).then(|| format!("a{}", roll(400)));
            let mut pick =
                |from: &[Option<&str>]| from[usize::try_from(roll(from.len() as u64)).unwrap()].map(str::to_owned);
            json!({
                "ts": pick(&[Some("2026-03-01T10:00:00Z"), Some("2026-03-01T10:00:00.000001Z"), Some("2026-03-02T00:00:00Z")]),
                "audit_id": audit_id,
                "stage": pick(&[Some("ResponseComplete"), Some("ResponseStarted"), Some("RequestReceived"), Some("Panic"), None]),
                "verb": pick(&[Some("get"), Some("create"), None]),
                "username": pick(&[Some("anna"), None]),
                "resource": pick(&[[Some("secrets"); 10].as_slice(), &[Some("pods"), None]].concat()),
                "sensitivity": pick(&[[Some("secret"); 10].as_slice(), &[Some("workload"), Some("other")]].concat()),
                "client_ip": pick(&[Some("192.0.2.1"), Some("192.0.2.2")]),
                "outcome": pick(&[Some("allowed"), Some("unknown")]),
                "request_object": pick(&[None, None, Some("x")]).map(|_| json!({"kind": "Pod", "spec": {"hostNetwork": true, "containers": [{"name": "c"}]}})),
            })
        })
        .collect()
}

static BATCH: LazyLock<RecordBatch> = LazyLock::new(|| batch(&log()));

fn open(events: Events, view_bytes_max: usize) -> Bench {
    Bench::open(events, &BTreeMap::new(), Period::default(), view_bytes_max)
}

fn in_memory() -> Events {
    // groups of rows are made of small and large batches
    let (log, mut batches, mut at) = (&*BATCH, Vec::new(), 0);
    for rows in [300, 6_000, 40, 3_000, 660] {
        batches.push(log.slice(at, rows));
        at += rows;
    }
    assert_eq!(at, log.num_rows());
    Events::Batches(batches)
}

fn in_files(folder: &std::path::Path) -> Events {
    let times = BATCH.column(crate::schema::index_of("ts").unwrap()).as_primitive::<TimestampMicrosecondType>();
    let second_day = times.values().iter().max().unwrap();
    let is_first: BooleanArray = times.values().iter().map(|time| Some(time < second_day)).collect();
    let write = |name: &str, mask| part(folder, name, &filter_record_batch(&BATCH, &mask).unwrap());
    stored(folder, vec![write("a.parquet", is_first.clone()), write("b.parquet", not(&is_first).unwrap())])
}

/// Detections that share views, one that shares none, and one that fails.
fn detections() -> Vec<(Detection, BTreeMap<String, i64>)> {
    let by = |from: &str, filter: &str| {
        format!(
            "select min(audit_id) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, resource as object, \
             count(*) as events, array_agg(distinct verb) as verbs from {from} where {filter} group by actor, resource"
        )
    };
    let sql = [
        by("sensitive", "sensitivity = 'secret'"),
        by("sensitive", "resource is null or sensitivity in ('secret', 'denied')"),
        by("secret_access", "reads"),
        by("pod_specs", "json_get_bool(spec, 'hostNetwork')"),
        by("pod_containers", "image is null"),
        by("requests", "verb = 'get'"),
        by("sensitive s", "exists (select 1 from addresses a where a.client_ip = s.client_ip)"),
        by("addresses", "nope = 1"),
    ];
    let sql = sql.map(|sql| sql.replace("count(*) as events", "count(*) + 0 * $least as events"));
    sql.iter().map(|sql| (detection(sql), BTreeMap::new())).collect()
}

fn found(session: &Session, order: impl Iterator<Item = usize>) -> Vec<(usize, Result<Detected, String>)> {
    let detections = detections();
    let wanted: Vec<_> = detections.iter().map(|(detection, params)| (detection, params.clone())).collect();
    let run = session.prepare(&wanted).unwrap();
    std::thread::scope(|scope| {
        let run = &run;
        let find = |index| scope.spawn(move || (index, run.find(index).map_err(|error| error.to_string())));
        let running: Vec<_> = order.map(find).collect();
        let mut found: Vec<_> = running.into_iter().map(|thread| thread.join().unwrap()).collect();
        found.sort_by_key(|(index, _)| *index);
        found
    })
}

fn one_thread(events: Events) -> Session {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&folder);
    settings.threads = 1;
    Session::open(&settings, events, views(), &BTreeMap::new(), Period::default()).unwrap()
}

#[test]
fn of_a_request_the_richest_stage_is_kept_as_the_window_keeps_it() {
    let columns = "ts, audit_id, stage, verb, username, resource, sensitivity, client_ip, outcome, request_object";
    let window = super::VIEWS[0].1.replace("from events", "from events where sensitivity <> 'other'");
    let by_window = format!("select {columns} from ({window}) order by {columns}, event_hash");
    let computed = format!("select {columns} from sensitive order by {columns}, event_hash");
    let folder = tempfile::tempdir().unwrap();
    let expected = open(in_memory(), usize::MAX).rows(&by_window);
    assert!((3_000..8_000).contains(&expected.len()), "{}", expected.len());
    for (events, bytes) in [(in_memory(), usize::MAX), (in_memory(), 0), (in_files(folder.path()), usize::MAX)] {
        assert_eq!(open(events, bytes).rows(&computed), expected, "{bytes}");
    }
}

#[test]
fn of_exact_duplicates_the_first_line_is_kept() {
    let row = json!({"sensitivity": "secret"});
    let bench = Bench::new(&[row.clone(), row.clone(), row]);
    assert_eq!(bench.column("select line from sensitive"), ["1"]);
}

#[test]
fn a_filter_on_what_stages_share_reaches_the_files_below_a_computed_view() {
    let folder = tempfile::tempdir().unwrap();
    let Events::Parts(stored) = in_files(folder.path()) else { unreachable!() };
    std::fs::remove_file(&stored.parts[1].path).unwrap();
    let bench = open(Events::Parts(stored), usize::MAX);
    assert!(!bench.rows("select verb from sensitive where date = '2026-03-01'").is_empty());
    // a filter on what differs between stages must not choose among them
    assert!(bench.try_rows("select verb from sensitive where stage = 'ResponseStarted'").is_err());
    let all = open(in_memory(), usize::MAX);
    let filtered = all.rows("select count(*) as n from sensitive where outcome = 'unknown'");
    assert_eq!(
        filtered,
        all.rows("select count(*) as n from (select * from sensitive order by ts) where outcome = 'unknown'")
    );
}

#[test]
fn a_view_is_computed_once_for_a_run_that_shares_it() {
    let bench = open(in_memory(), usize::MAX);
    let found = found(&bench.session, 0..8);
    assert_eq!(found.iter().filter(|(_, found)| found.is_ok()).count(), 7);
    // sensitive and pod_specs; addresses and pod_containers have one reader, who computes them for itself
    assert_eq!(bench.session.views.computed(), 4);
}

#[test]
fn views_that_fit_alone_but_not_together_are_spilled() {
    let roomy = open(in_memory(), usize::MAX);
    let expected = found(&roomy.session, 0..8);
    let tight = open(in_memory(), roomy.session.views.held() - 1);
    assert_eq!(found(&tight.session, 0..8), expected);
    assert!(tight.session.views.held() < roomy.session.views.held());
    let spilled = walkdir::WalkDir::new(tight.folder.path()).into_iter().flatten();
    assert!(spilled.filter(|file| file.path().extension().is_some_and(|end| end == "parquet")).count() > 0);
}

#[test]
fn detections_find_the_same_in_any_order_on_any_number_of_threads() {
    let serial: Vec<(usize, Result<Detected, String>)> = {
        let session = one_thread(in_memory());
        let detections = detections();
        let wanted: Vec<_> = detections.iter().map(|(detection, params)| (detection, params.clone())).collect();
        let run = session.prepare(&wanted).unwrap();
        assert_eq!(run.workers(), 1);
        (0..8).map(|index| (index, run.find(index).map_err(|error| error.to_string()))).collect()
    };
    assert!(serial[..7].iter().all(|(_, found)| !found.as_ref().unwrap().findings.is_empty()), "{serial:?}");
    assert!(serial[7].1.as_ref().unwrap_err().contains("no column named nope"));
    let bench = open(in_memory(), usize::MAX);
    assert_eq!(found(&bench.session, 0..8), serial);
    assert_eq!(found(&bench.session, (0..8).rev()), serial);
    // from files, and with views that do not fit into memory
    assert_eq!(found(&open(in_memory(), 0).session, 0..8), serial);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(found(&open(in_files(folder.path()), usize::MAX).session, 0..8), serial);
}

#[test]
fn each_switch_that_is_turned_for_speed_changes_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let events = in_files(folder.path());
    let with = |switches: &[(&str, bool)]| {
        Bench::open_switched(events.clone(), &BTreeMap::new(), Period::default(), usize::MAX, switches)
    };
    let queries = [
        "select * from events where resource = 'secrets' and verb = 'get' order by event_hash, line",
        "select verb, count(*) as n from events where request_object -> 'spec' is not null group by verb order by verb",
        "select count(*) as n from events e join events s on e.audit_id = s.audit_id and s.stage = 'Panic' \
         where e.resource is null and e.ts < s.ts",
        "select * from requests where username is null order by event_hash, line",
        "select * from sensitive order by event_hash, line",
        "select * from events where stage <> 'Panic' order by ts desc, event_hash, line limit 7",
    ];
    let turned = with(&SWITCHES);
    for (name, on) in SWITCHES {
        let off = with(&[(name, !on)]);
        let value = |bench: &Bench| {
            bench.column(&format!("select value from information_schema.df_settings where name = '{name}'"))
        };
        assert_ne!(value(&turned), value(&off), "{name} is no switch");
        for sql in queries {
            let rows = turned.rows(sql);
            assert!(!rows.is_empty(), "{sql}");
            assert_eq!(off.rows(sql), rows, "{name}: {sql}");
        }
        assert_eq!(found(&off.session, 0..8), found(&turned.session, 0..8), "{name}");
    }
}

#[test]
fn rows_of_more_kinds_than_there_are_groups_are_all_found() {
    let kinds = crate::limits::VIEW_GROUPS_MAX + 40;
    let rows: Vec<_> = (0..kinds)
        .map(|n| json!({"audit_id": n.to_string(), "sensitivity": "config", "resource": format!("r{n}")}))
        .collect();
    let bench = Bench::new(&rows);
    for n in [0, kinds - 1] {
        assert_eq!(bench.column(&format!("select audit_id from sensitive where resource = 'r{n}'")), [n.to_string()]);
    }
    let many: Vec<RecordBatch> = (0..30).map(|_| batch(&rows[..1])).collect();
    let bench = open(Events::Batches(many), usize::MAX);
    assert_eq!(bench.column("select count(*) from sensitive"), ["1"]);
}
