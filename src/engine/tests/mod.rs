//! Tests of the engine over rows built by hand.
#![allow(clippy::needless_pass_by_value, reason = "json!(...) reads best as an argument by value")]

mod computing;
mod detecting;
mod guarding;
mod reading;
mod requests;
mod workloads;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::session::SWITCHES;
use super::{Events, Period, Session, Settings, View};
use crate::error::Result;
use crate::schema;

/// The views of `sql/views/`, in an order in which each reads only those before it.
macro_rules! views {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../sql/views/", $name, ".sql")))),*]
    };
}

const VIEWS: [(&str, &str); 11] = views!(
    "requests" "sensitive" "secret_access" "pod_access" "rbac_rules" "rbac_bindings" "pod_specs" "pod_containers"
    "pod_volumes" "pod_secrets" "addresses"
);

fn views() -> Vec<View> {
    let view = |(name, text): (&str, &str)| View {
        name: name.to_owned(),
        sql: text.to_owned(),
        materialise: text.contains("-- materialise = true"),
        richest: text.contains("-- richest = true"),
    };
    VIEWS.map(view).into()
}

/// Rows of `events`: the columns given, plausible values for those that must not be NULL, NULL for the rest.
fn batch(rows: &[Value]) -> RecordBatch {
    let mut lines = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut full = json!({
            "cluster": "c1", "ts": "2026-03-01T10:00:00Z", "audit_id": "a1", "stage": "ResponseComplete",
            "username": "anna", "actor_kind": "human", "source_ips_disagree": false, "scope": "named",
            "outcome": "allowed", "sensitivity": "other", "truncated": false, "source": "audit.log", "line": index + 1,
        });
        for (key, value) in row.as_object().unwrap() {
            assert!(schema::index_of(key).is_some(), "{key} is no column");
            let body = key.ends_with("_object") && !value.is_null();
            full[key] = if body { value.to_string().into() } else { value.clone() };
        }
        full["actor"] = row.get("actor").cloned().unwrap_or_else(|| full["username"].clone());
        let mut hashed = full.clone();
        hashed["line"] = Value::Null;
        full["event_hash"] = blake3::hash(hashed.to_string().as_bytes()).to_hex()[..32].to_owned().into();
        lines += &full.to_string();
        lines.push('\n');
    }
    let reader = ReaderBuilder::new(schema::events()).build(lines.as_bytes()).unwrap();
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    arrow::compute::concat_batches(&schema::events(), &batches).unwrap()
}

fn settings(folder: &TempDir) -> Settings {
    Settings {
        memory_bytes: 512 << 20,
        spill_dir: folder.path().join("spill"),
        timeout: Duration::from_mins(2),
        threads: 2,
    }
}

/// A session over batches, and the folder that it spills to.
struct Bench {
    session: Session,
    folder: TempDir,
}

impl Bench {
    fn new(rows: &[Value]) -> Self {
        Self::with_lists(rows, &[])
    }

    fn with_lists(rows: &[Value], lists: &[(&str, &[&str])]) -> Self {
        let lists = lists
            .iter()
            .map(|(name, entries)| ((*name).to_owned(), entries.iter().map(ToString::to_string).collect()))
            .collect();
        Self::open(Events::Batches(vec![batch(rows)]), &lists, Period::default(), usize::MAX)
    }

    fn open(events: Events, lists: &BTreeMap<String, Vec<String>>, period: Period, view_bytes_max: usize) -> Self {
        Self::open_switched(events, lists, period, view_bytes_max, &SWITCHES)
    }

    fn open_switched(
        events: Events,
        lists: &BTreeMap<String, Vec<String>>,
        period: Period,
        view_bytes_max: usize,
        switches: &[(&str, bool)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder);
        let session = Session::open_with(&settings, events, views(), lists, period, view_bytes_max, switches).unwrap();
        Self { session, folder }
    }

    fn try_rows(&self, sql: &str) -> Result<Vec<Value>> {
        let result = self.session.query(sql)?;
        let mut writer = LineDelimitedWriter::new(Vec::new());
        for batch in result {
            writer.write(&batch?).unwrap();
        }
        writer.finish().unwrap();
        let text = String::from_utf8(writer.into_inner()).unwrap();
        Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// The rows of a query; NULLs are left out.
    fn rows(&self, sql: &str) -> Vec<Value> {
        self.try_rows(sql).unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }

    /// The first column of each row as text, "NULL" where it is.
    fn column(&self, sql: &str) -> Vec<String> {
        let rows = self.rows(sql);
        rows.iter()
            .map(|row| match row.as_object().unwrap().values().next() {
                None => "NULL".to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            })
            .collect()
    }

    /// The physical plan of a query.
    fn plan(&self, sql: &str) -> String {
        let plan = self.rows(&format!("explain format indent {sql}"));
        plan.iter().find(|row| row["plan_type"] == "physical_plan").unwrap()["plan"].as_str().unwrap().to_owned()
    }
}

/// Parts of a lake at `folder`.
fn stored(folder: &std::path::Path, parts: Vec<crate::part::Part>) -> Events {
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder).unwrap();
    Events::Parts(crate::part::Stored { parts, store: Arc::new(store) })
}

/// A Parquet file of rows as a part of a lake below `folder`.
fn part(folder: &std::path::Path, name: &str, batch: &RecordBatch) -> crate::part::Part {
    use arrow::array::AsArray;
    use arrow::datatypes::TimestampMicrosecondType;
    let times = batch.column(schema::index_of("ts").unwrap()).as_primitive::<TimestampMicrosecondType>();
    let ts_min = arrow::compute::min(times).unwrap();
    let date = chrono::DateTime::from_timestamp_micros(ts_min).unwrap().format("%Y-%m-%d").to_string();
    let path = folder.join(format!("date={date}")).join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, Arc::clone(&batch.schema()), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    crate::part::Part {
        key: path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(),
        bytes: std::fs::metadata(&path).unwrap().len(),
        path,
        rows: batch.num_rows() as u64,
        date,
        ts_min,
        ts_max: arrow::compute::max(times).unwrap(),
    }
}
