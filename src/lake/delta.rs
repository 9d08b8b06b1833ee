//! The one place that talks to `deltalake`: creating the table, replaying its log, adding a commit.
//!
//! `deltalake` is asynchronous and the lake is not. Each call gets a runtime on a thread of its own, so that it works
//! wherever it is called from, within another runtime too.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType as ArrowType;
use chrono::{DateTime, SecondsFormat};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{
    Action, Add, ArrayType, DataType, EagerSnapshot, Metadata, MetadataExt, StructField, StructType, Transaction,
};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTableError, TableProperty};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::disk::{Disk, os_error};
use super::layout::{Layout, Which};
use super::log::RunInfo;
use super::store::FolderStore;
use crate::error::{Error, Result};
use crate::schema::DATE;

/// A file of the table, as its `add` action names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableFile {
    /// Path within the table.
    pub(super) path: String,
    /// Size in bytes.
    pub(super) bytes: u64,
    /// Rows in it.
    pub(super) rows: u64,
    /// Its partition.
    pub(super) date: String,
    /// The earliest time in it ([`Which::time`]), microseconds since 1970.
    pub(super) ts_min: i64,
    /// The latest, likewise.
    pub(super) ts_max: i64,
}

/// A table of one lake.
#[derive(Debug)]
pub(super) struct Table<'a> {
    layout: &'a Layout,
    disk: &'a Disk,
    which: Which,
}

impl<'a> Table<'a> {
    pub(super) fn new(layout: &'a Layout, disk: &'a Disk, which: Which) -> Self {
        Self { layout, disk, which }
    }

    /// Commits version 0, unless another process does so at the same time.
    pub(super) fn create(&self) -> Result<()> {
        let which = self.which;
        let info = RunInfo { schema_version: which.schema_version(), actions: 3, ..RunInfo::default() };
        let columns = columns(which)?;
        let created = self.wait(async |log| {
            CreateBuilder::new()
                .with_log_store(log)
                .with_table_name(which.name())
                .with_columns(columns)
                .with_partition_columns([DATE])
                .with_configuration_property(TableProperty::AppendOnly, Some("true"))
                // the log is the lake's memory of what was ingested
                .with_configuration_property(TableProperty::EnableExpiredLogCleanup, Some("false"))
                .with_configuration_property(TableProperty::DataSkippingStatsColumns, Some(which.time()))
                .with_save_mode(SaveMode::Ignore)
                .with_commit_properties(CommitProperties::default().with_max_retries(0).with_metadata(metadata(&info)))
                .await
                .map(|_| ())
        });
        match created? {
            // another writer was first, which deltalake has several errors for
            Err(_) if self.disk.has(&self.layout.log_entry(which, 0))? => Ok(()),
            other => other.map_err(|error| self.error(&error)),
        }
    }

    /// The files of the table at `version`, ordered by path.
    pub(super) fn files(&self, version: u64) -> Result<Vec<TableFile>> {
        let adds = self.wait(async |log| {
            let snapshot = EagerSnapshot::try_new(log.as_ref(), Some(version)).await?;
            let files = snapshot.try_log_data()?.into_iter().map(|file| {
                let date = file.partition_values_map().remove(DATE).flatten();
                (file.path().into_owned(), file.size(), date, file.stats())
            });
            Ok(files.collect::<Vec<_>>())
        })?;
        let adds = adds.map_err(|error| self.error(&error))?;
        let mut files = Vec::with_capacity(adds.len());
        for (path, size, date, stats) in adds {
            let file = table_file(self.which.time(), &path, size, date, stats.as_deref());
            files.push(file.ok_or_else(|| {
                let reason =
                    format!("the log names {path:?} without size, date, rows or times: restore the lake from a backup");
                Error::integrity(self.layout.log(self.which), reason)
            })?);
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Adds a commit on top of `version`, which brings the table the columns that it lacks. None if another writer
    /// committed meanwhile.
    pub(super) fn append(&self, version: u64, run: Uuid, info: &RunInfo, files: &[TableFile]) -> Result<Option<u64>> {
        let mut actions: Vec<_> = files.iter().map(|file| Action::Add(add(self.which.time(), file))).collect();
        let columns = columns(self.which)?;
        let properties = CommitProperties::default()
            // the caller tries again, because it has to look at what the winner ingested
            .with_max_retries(0)
            .with_cleanup_expired_logs(Some(false))
            .with_application_transaction(Transaction::new(format!("kubesift/{run}"), 0));
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![DATE.to_owned()]),
            predicate: None,
        };
        let committed = self.wait(async |log| {
            let snapshot = EagerSnapshot::try_new(log.as_ref(), Some(version)).await?;
            actions.extend(grown(&snapshot, columns)?.map(Action::Metadata));
            // commitInfo and txn are the others
            let info = RunInfo { actions: actions.len() + 2, ..info.clone() };
            let properties = properties.with_metadata(metadata(&info));
            let commit = CommitBuilder::from(properties).with_actions(actions).build(Some(&snapshot), log, operation);
            let commit = commit.into_prepared_commit_future().await?.await?;
            let version = commit.version;
            // a checkpoint only saves time: that it failed must not make the commit look failed
            let _ = commit.await;
            Ok(version)
        });
        match committed? {
            Ok(version) => Ok(Some(version)),
            Err(
                DeltaTableError::VersionAlreadyExists(_)
                | DeltaTableError::Transaction { source: TransactionError::MaxCommitAttempts(_) },
            ) => Ok(None),
            Err(error) => Err(self.error(&error)),
        }
    }

    /// Runs `work` to its end on a thread of its own. The outer error is that it could not be run.
    fn wait<T: Send>(
        &self,
        work: impl AsyncFnOnce(LogStoreRef) -> Result<T, DeltaTableError> + Send,
    ) -> Result<Result<T, DeltaTableError>> {
        let log = self.log_store()?;
        let at = |error| Error::storage(self.layout.log(self.which), error);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(at)?;
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("lake".to_owned());
            let thread = thread.spawn_scoped(scope, move || runtime.block_on(work(log))).map_err(at)?;
            thread.join().map_err(|_| Error::Internal("the table's log could not be handled".to_owned()))
        })
    }

    fn log_store(&self) -> Result<LogStoreRef> {
        let store = Arc::new(FolderStore::new(self.disk, &self.layout.table(self.which))?);
        // the store begins at the table's folder, so that nothing outside of it can be reached, whatever the log says
        let root = "file:///".parse().expect("a constant URL");
        Ok(default_logstore(store.clone(), store, &root, &StorageConfig::default()))
    }

    fn error(&self, error: &(dyn std::error::Error + 'static)) -> Error {
        match os_error(error) {
            Some(cause) => Error::storage(self.layout.log(self.which), cause),
            None => {
                Error::integrity(self.layout.log(self.which), format!("the log cannot be read or written: {error}"))
            }
        }
    }
}

/// The table's columns, the partition column last.
fn columns(which: Which) -> Result<Vec<StructField>> {
    let schema = which.schema();
    let field = |field: &arrow::datatypes::FieldRef| {
        let kind = data_type(field.data_type())
            .ok_or_else(|| Error::Internal(format!("the column {} has no type in Delta", field.name())))?;
        Ok(StructField::new(field.name(), kind, field.is_nullable()))
    };
    let date = StructField::new(DATE, DataType::STRING, false);
    schema.fields().iter().map(field).chain([Ok(date)]).collect()
}

fn data_type(kind: &ArrowType) -> Option<DataType> {
    Some(match kind {
        ArrowType::Utf8 => DataType::STRING,
        ArrowType::List(item) => ArrayType::new(data_type(item.data_type())?, item.is_nullable()).into(),
        ArrowType::Timestamp(..) => DataType::TIMESTAMP,
        ArrowType::Int32 => DataType::INTEGER,
        ArrowType::Int64 => DataType::LONG,
        ArrowType::Boolean => DataType::BOOLEAN,
        ArrowType::Binary => DataType::BINARY,
        _ => return None,
    })
}

/// The table's metadata with the columns of today, if it was made by an earlier version that had fewer.
fn grown(snapshot: &EagerSnapshot, columns: Vec<StructField>) -> Result<Option<Metadata>, DeltaTableError> {
    let before = snapshot.schema();
    if columns.iter().all(|column| before.field(column.name()).is_some()) {
        return Ok(None);
    }
    let others = before.fields().filter(|field| !columns.iter().any(|column| column.name() == field.name()));
    let others: Vec<_> = others.cloned().collect();
    let schema = StructType::try_new(columns.into_iter().chain(others))?;
    Ok(Some(snapshot.metadata().clone().with_schema(&schema)?))
}

fn metadata(info: &RunInfo) -> [(String, Value); 1] {
    [("kubesift".to_owned(), json!(info))]
}

fn add(time: &str, file: &TableFile) -> Add {
    let stats = json!({
        "numRecords": file.rows,
        "minValues": {time: stamp(file.ts_min)},
        "maxValues": {time: stamp(file.ts_max)},
        "nullCount": {time: 0},
    });
    Add {
        path: file.path.clone(),
        partition_values: HashMap::from([(DATE.to_owned(), Some(file.date.clone()))]),
        size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        modification_time: chrono::Utc::now().timestamp_millis(),
        data_change: true,
        stats: Some(stats.to_string()),
        ..Add::default()
    }
}

/// The years that RFC 3339 can write, in microseconds since 1970. No audit event is outside: its times are RFC 3339.
const YEAR_0_US: i64 = -62_167_219_200_000_000;
const YEAR_9999_END_US: i64 = 253_402_300_799_999_999;

fn stamp(ts: i64) -> String {
    let time = DateTime::from_timestamp_micros(ts.clamp(YEAR_0_US, YEAR_9999_END_US)).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    num_records: u64,
    min_values: Map<String, Value>,
    max_values: Map<String, Value>,
}

fn micros(values: &Map<String, Value>, time: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(values.get(time)?.as_str()?).ok().map(|time| time.timestamp_micros())
}

fn table_file(time: &str, path: &str, size: i64, date: Option<String>, stats: Option<&str>) -> Option<TableFile> {
    let stats: Stats = serde_json::from_str(stats?).ok()?;
    Some(TableFile {
        path: path.to_owned(),
        bytes: size.try_into().ok()?,
        rows: stats.num_records,
        date: date?,
        ts_min: micros(&stats.min_values, time)?,
        ts_max: micros(&stats.max_values, time)?,
    })
}
