//! The findings that a lake keeps.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::{DAY_1, DAY_2, ingest, lake, tree};
use crate::finding::{Finding, Severity, kept_schema};
use crate::lake::layout::Which;
use crate::lake::{Examination, Kept, Lake};

/// A finding of an id and a time.
pub(super) fn finding(id: &str, first_seen: i64) -> Finding {
    Finding {
        detection: "pod_exec".to_owned(),
        title: "Command run inside a pod".to_owned(),
        severity: Severity::Medium,
        attack: vec!["TA0002/T1609".to_owned()],
        audit_id: format!("audit-{id}"),
        audit_ids: vec![format!("audit-{id}"), "audit-other".to_owned()],
        first_seen,
        last_seen: first_seen + 7,
        actor: "dora".to_owned(),
        object: "shop/web-1".to_owned(),
        events: 2,
        cluster: "prod".to_owned(),
        finding_id: id.to_owned(),
        evidence: "{}".to_owned(),
    }
}

pub(super) fn dates(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(date, key)| ((*date).to_owned(), (*key).to_owned())).collect()
}

pub(super) fn keep(lake: &Lake, findings: &[Finding], examined: &[(&str, &str)]) -> crate::error::Result<Kept> {
    let examined = dates(examined);
    lake.keep_findings(&Examination { findings, examined: &examined, lake_version: 3, pack: "pack-1", at: 42 })
}

/// All findings that a lake keeps, as another reader of its files sees them.
pub(super) fn rows(lake: &Lake) -> RecordBatch {
    let stored = lake.findings().unwrap();
    let batches: Vec<_> =
        stored.iter().flat_map(|stored| &stored.parts).flat_map(|part| super::parquet(&part.path)).collect();
    concat_batches(&kept_schema(), &batches).unwrap()
}

pub(super) fn ids(lake: &Lake) -> Vec<String> {
    let rows = rows(lake);
    let column = rows.column_by_name("finding_id").unwrap().as_string::<i32>();
    let mut ids: Vec<_> = column.iter().flatten().map(ToOwned::to_owned).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn findings_are_read_back_with_what_they_were_kept_from() {
    let (_folder, lake) = lake();
    assert!(lake.findings().unwrap().is_none());
    let given = [finding("b", DAY_2), finding("a", DAY_1)];
    let kept = keep(&lake, &given, &[("2026-03-01", "k1")]).unwrap();
    let new = ["b", "a"].map(ToOwned::to_owned).to_vec();
    assert_eq!(kept, Kept { version: Some(1), new, late: Vec::new(), known: 0 });

    let rows = rows(&lake);
    assert_eq!(
        rows.project(&(0..14).collect::<Vec<_>>()).unwrap(),
        crate::finding::to_batch(&[given[1].clone(), given[0].clone()]).unwrap()
    );
    let column = |name: &str| rows.column_by_name(name).unwrap();
    assert_eq!(column("kept_at").as_primitive::<TimestampMicrosecondType>().values(), &[42, 42]);
    assert_eq!(column("lake_version").as_primitive::<Int64Type>().values(), &[3, 3]);
    assert_eq!(column("pack").as_string::<i32>().value(0), "pack-1");
    assert_eq!(column("run").as_string::<i32>().value(0).len(), 36);
    assert_eq!(column("late").as_boolean().true_count(), 0);

    let parts = lake.findings().unwrap().unwrap().parts;
    let told: Vec<_> = parts.iter().map(|part| (part.date.as_str(), part.rows, part.ts_min, part.ts_max)).collect();
    assert_eq!(told, [("2026-03-01", 1, DAY_1, DAY_1), ("2026-03-02", 1, DAY_2, DAY_2)]);
    assert!(parts[0].key.starts_with("date=2026-03-01/part-"), "{}", parts[0].key);
}

#[test]
fn a_finding_is_kept_once_however_often_its_day_is_run() {
    let (_folder, lake) = lake();
    let day = [finding("a", DAY_1), finding("b", DAY_1 + 1)];
    keep(&lake, &day, &[("2026-03-01", "k1")]).unwrap();
    let before = tree(lake.root());
    let again = keep(&lake, &day, &[("2026-03-01", "k1")]).unwrap();
    assert_eq!(again, Kept { version: None, new: Vec::new(), late: Vec::new(), known: 2 });
    assert_eq!(tree(lake.root()), before, "nothing was written");
    let twice = [finding("c", DAY_2), finding("c", DAY_2)];
    let kept = keep(&lake, &twice, &[]).unwrap();
    assert_eq!((kept.new.len(), kept.known), (1, 1));
    assert_eq!(ids(&lake), ["a", "b", "c"]);
}

#[test]
fn a_finding_that_ends_on_a_date_that_was_examined_before_is_late() {
    let (_folder, lake) = lake();
    keep(&lake, &[finding("a", DAY_1)], &[("2026-03-01", "k1")]).unwrap();
    let over_midnight = Finding { last_seen: DAY_2, ..finding("b", DAY_1 + 2) };
    let grown = [finding("a", DAY_1), finding("z", DAY_1 + 9), over_midnight];
    let kept = keep(&lake, &grown, &[("2026-03-01", "k2"), ("2026-03-02", "k1")]).unwrap();
    assert_eq!((kept.new, kept.late, kept.known), (vec!["z".to_owned(), "b".to_owned()], vec!["z".to_owned()], 1));
    let rows = rows(&lake);
    let is_late = rows.column_by_name("late").unwrap().as_boolean();
    let id = rows.column_by_name("finding_id").unwrap().as_string::<i32>();
    let marked: Vec<_> = (0..rows.num_rows()).filter(|row| is_late.value(*row)).map(|row| id.value(row)).collect();
    assert_eq!(marked, ["z"]);
}

#[test]
fn examined_dates_are_remembered_without_findings_too() {
    let (_folder, lake) = lake();
    assert_eq!(lake.examined().unwrap(), dates(&[]));
    assert_eq!(keep(&lake, &[], &[]).unwrap(), Kept::default());
    assert!(!lake.layout.table(Which::Findings).exists(), "nothing to keep makes no table");
    assert_eq!(keep(&lake, &[], &[("2026-03-01", "k1"), ("2026-03-02", "k1")]).unwrap().version, Some(1));
    assert_eq!(keep(&lake, &[], &[("2026-03-02", "k2")]).unwrap().version, Some(2));
    assert_eq!(keep(&lake, &[], &[("2026-03-02", "k2")]).unwrap().version, None);
    assert_eq!(lake.examined().unwrap(), dates(&[("2026-03-01", "k1"), ("2026-03-02", "k2")]));
}

#[test]
fn a_time_that_no_calendar_has_lies_with_the_outliers() {
    let (_folder, lake) = lake();
    keep(&lake, &[finding("a", i64::MAX - 7), finding("b", i64::MIN)], &[]).unwrap();
    let parts = lake.findings().unwrap().unwrap().parts;
    assert_eq!(parts.iter().map(|part| part.date.as_str()).collect::<Vec<_>>(), ["1970-01-01"]);
    assert_eq!(keep(&lake, &[finding("a", i64::MAX - 7)], &[]).unwrap().known, 1);
}

#[test]
fn keeping_needs_the_lake_for_itself() {
    let (_folder, lake) = lake();
    let run = lake.begin().unwrap();
    let error = keep(&lake, &[finding("a", DAY_1)], &[]).unwrap_err();
    assert_eq!(error.exit_code(), 7, "{error}");
    drop(run);
    keep(&lake, &[finding("a", DAY_1)], &[]).unwrap();
}

#[test]
fn two_who_keep_the_same_findings_without_a_working_lock_keep_them_once() {
    let (_folder, lake) = lake();
    let findings = [finding("a", DAY_1), finding("b", DAY_2)];
    let examined = dates(&[("2026-03-01", "k1")]);
    let examination = Examination { findings: &findings, examined: &examined, lake_version: 1, pack: "p", at: 0 };
    let kept: Vec<Kept> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| lake.keep(&examination).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids(&lake), ["a", "b"]);
    assert_eq!(kept.iter().map(|kept| kept.new.len()).sum::<usize>(), 2, "{kept:?}");
    assert_eq!(kept.iter().filter_map(|kept| kept.version).count(), 1, "{kept:?}");
    let placed = tree(&lake.layout.table(Which::Findings));
    assert_eq!(placed.iter().filter(|path| path.to_string_lossy().contains("part-")).count(), 2, "{placed:?}");
}

#[test]
fn events_and_findings_do_not_mix() {
    let (_folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    keep(&lake, &[finding("a", DAY_1)], &[("2026-03-01", "k1")]).unwrap();
    ingest(lake.begin().unwrap(), "b.log", 200).unwrap();
    let status = lake.status().unwrap();
    assert_eq!((status.version, status.rows, status.runs), (2, 8, 2));
    let kept = status.findings.unwrap();
    assert_eq!((kept.version, kept.parts, kept.findings, kept.examined), (1, 1, 1, 1));
    super::all_is_private(&lake);
}
