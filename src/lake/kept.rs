//! The findings that a lake keeps: each once, with the memory of what was examined for them in the same commit.
//!
//! A finding's id tells when it was first seen, so that whether it is known is asked of its own date alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use bytes::Bytes;
use chrono::DateTime;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::Lake;
use super::commit::busy;
use super::delta::Table;
use super::disk::Disk;
use super::draft::{Draft, recover};
use super::layout::{Layout, Which, is_date};
use super::lock::Lock;
use super::log::{Log, RunInfo};
use super::read::{KeptStatus, parts_of};
use super::write::{FinishedPart, RowsFile};
use crate::error::{Error, Result};
use crate::finding::{self, Finding};
use crate::limits::COMMIT_RETRIES_MAX;
use crate::part::Stored;
use crate::schema::DATE_OUTLIER;

const TABLE: Which = Which::Findings;

/// What one run examined and found.
#[derive(Debug, Clone, Copy)]
pub struct Examination<'a> {
    /// What it found; findings that are kept already are left out.
    pub findings: &'a [Finding],
    /// The dates that it examined (`YYYY-MM-DD`), each with a key of what they were examined from. Other dates keep
    /// the keys that they have.
    pub examined: &'a BTreeMap<String, String>,
    /// The version of the events that it looked at.
    pub lake_version: u64,
    /// A hash of the pack.
    pub pack: &'a str,
    /// When, in microseconds since 1970.
    pub at: i64,
}

/// What [`Lake::keep_findings`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The version of the findings that it made; None where there was nothing new to keep or to remember.
    pub version: Option<u64>,
    /// The ids of the findings that are new, in the order given.
    pub new: Vec<String>,
    /// Those of them whose last event is of a date that earlier runs had examined.
    pub late: Vec<String>,
    /// How many were kept before, or given twice.
    pub known: u64,
}

impl Lake {
    /// The dates that were examined for findings, each with the key that its latest run gave.
    pub fn examined(&self) -> Result<BTreeMap<String, String>> {
        Ok(Log::read_if_made(&self.layout, &self.disk, TABLE)?.map(|log| examined(&log)).unwrap_or_default())
    }

    /// Keeps the findings that the lake has not, and that their dates were examined, in one commit. [`Error::Busy`] at
    /// once if another run holds the lake.
    pub fn keep_findings(&self, examination: &Examination<'_>) -> Result<Kept> {
        let _lock = Lock::take(&self.layout, &self.disk)?;
        recover(&self.layout, &self.disk)?;
        self.keep(examination)
    }

    /// As [`Self::keep_findings`]. Tests leave the lock out to have two at once.
    pub(super) fn keep(&self, examination: &Examination<'_>) -> Result<Kept> {
        for _ in 0..=COMMIT_RETRIES_MAX {
            let log = Log::read_if_made(&self.layout, &self.disk, TABLE)?;
            let news = News::of(self, examination, log.as_ref())?;
            if news.rows.is_empty() && news.examined.is_empty() {
                return Ok(news.told(None));
            }
            let Some(log) = log else {
                self.make_table()?;
                continue;
            };
            let mut draft = Draft::begin(&self.layout, &self.disk, TABLE)?;
            let files = draft.place(news.write(&self.disk, &draft, examination)?)?;
            let info = RunInfo {
                run: Some(draft.id()),
                schema_version: TABLE.schema_version(),
                rows: news.kept.new.len() as u64,
                examined: news.examined.clone(),
                ..RunInfo::default()
            };
            if let Some(version) = draft.append(log.version, &info, &files)? {
                return Ok(news.told(Some(version)));
            }
        }
        Err(busy(&self.layout))
    }

    /// The findings that are kept, for whoever reads their rows; None before the first run that keeps some.
    pub fn findings(&self) -> Result<Option<Stored>> {
        let Some(log) = Log::read_if_made(&self.layout, &self.disk, TABLE)? else { return Ok(None) };
        let parts = parts_of(&self.layout, &self.disk, TABLE, log.version)?;
        Ok(Some(Stored { parts, store: self.disk.store(&self.layout.table(TABLE))? }))
    }

    pub(super) fn kept_status(&self) -> Result<Option<KeptStatus>> {
        let Some(log) = Log::read_if_made(&self.layout, &self.disk, TABLE)? else { return Ok(None) };
        let parts = parts_of(&self.layout, &self.disk, TABLE, log.version)?;
        Ok(Some(KeptStatus {
            version: log.version,
            parts: parts.len(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
            findings: parts.iter().map(|part| part.rows).sum(),
            examined: examined(&log).len(),
        }))
    }

    fn make_table(&self) -> Result<()> {
        let (layout, disk) = (&self.layout, &self.disk);
        disk.folder(&layout.table(TABLE))?;
        disk.folder(&layout.log(TABLE))?;
        disk.sync_folder(&layout.table(TABLE))?;
        disk.sync_folder(layout.root())?;
        Table::new(layout, disk, TABLE).create()
    }
}

fn examined(log: &Log) -> BTreeMap<String, String> {
    log.runs.iter().flat_map(|info| info.examined.clone()).collect()
}

/// What of an examination the table has not.
struct News<'a> {
    /// The new findings by date, each with whether it is late.
    rows: BTreeMap<String, Vec<(&'a Finding, bool)>>,
    examined: BTreeMap<String, String>,
    kept: Kept,
}

impl<'a> News<'a> {
    fn of(lake: &Lake, examination: &Examination<'a>, log: Option<&Log>) -> Result<Self> {
        let before = log.map(examined).unwrap_or_default();
        let dates: BTreeSet<_> = examination.findings.iter().map(date_of).collect();
        let mut seen = match log {
            Some(log) => known_ids(&lake.layout, &lake.disk, log.version, &dates)?,
            None => BTreeSet::new(),
        };
        let mut news = Self { rows: BTreeMap::new(), examined: examination.examined.clone(), kept: Kept::default() };
        news.examined.retain(|date, key| before.get(date) != Some(key));
        for finding in examination.findings {
            if !seen.insert(finding.finding_id.clone()) {
                news.kept.known += 1;
                continue;
            }
            let date = date_of(finding);
            // what begins before a midnight and ends after it could not be seen before
            let is_late = before.contains_key(&day(finding.last_seen));
            news.kept.new.push(finding.finding_id.clone());
            if is_late {
                news.kept.late.push(finding.finding_id.clone());
            }
            news.rows.entry(date).or_default().push((finding, is_late));
        }
        Ok(news)
    }

    /// Writes a part for each date.
    fn write(&self, disk: &Disk, draft: &Draft, examination: &Examination<'_>) -> Result<Vec<FinishedPart>> {
        let run = draft.id().to_string();
        let write = |(date, rows): (&String, &Vec<(&Finding, bool)>)| {
            let name = draft.part_name();
            let path = draft.folder().join(&name);
            let mut file = RowsFile::create(disk, &path, finding::kept_schema())?;
            file.write(&to_batch(rows, &run, examination)?)?;
            let times = || rows.iter().map(|(finding, _)| finding.first_seen);
            Ok(FinishedPart {
                bytes: file.close()?,
                path,
                date: date.clone(),
                name,
                rows: rows.len() as u64,
                ts_min: times().min().unwrap_or_default(),
                ts_max: times().max().unwrap_or_default(),
            })
        };
        self.rows.iter().map(write).collect()
    }

    fn told(self, version: Option<u64>) -> Kept {
        Kept { version, ..self.kept }
    }
}

/// The UTC date of `first_seen`, which names a folder.
fn date_of(finding: &Finding) -> String {
    day(finding.first_seen)
}

fn day(micros: i64) -> String {
    let time = DateTime::from_timestamp_micros(micros);
    let date = time.map(|time| time.format("%Y-%m-%d").to_string()).filter(|date| is_date(date));
    date.unwrap_or_else(|| DATE_OUTLIER.to_owned())
}

/// One batch of [`finding::kept_schema`].
fn to_batch(rows: &[(&Finding, bool)], run: &str, examination: &Examination<'_>) -> Result<RecordBatch> {
    let findings: Vec<Finding> = rows.iter().map(|(finding, _)| (*finding).clone()).collect();
    let count = findings.len();
    let version = i64::try_from(examination.lake_version).unwrap_or(i64::MAX);
    let late: BooleanArray = rows.iter().map(|(_, is_late)| Some(*is_late)).collect();
    let mut columns = finding::to_batch(&findings)?.columns().to_vec();
    columns.extend([
        Arc::new(TimestampMicrosecondArray::from(vec![examination.at; count]).with_timezone("UTC")) as ArrayRef,
        Arc::new(StringArray::from(vec![run; count])),
        Arc::new(Int64Array::from(vec![version; count])),
        Arc::new(late),
        Arc::new(StringArray::from(vec![examination.pack; count])),
    ]);
    RecordBatch::try_new(finding::kept_schema(), columns)
        .map_err(|error| Error::Internal(format!("findings batch: {error}")))
}

/// The ids of the findings that are kept of some dates.
fn known_ids(layout: &Layout, disk: &Disk, version: u64, dates: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    if dates.is_empty() {
        return Ok(ids);
    }
    for part in parts_of(layout, disk, TABLE, version)?.iter().filter(|part| dates.contains(&part.date)) {
        let damaged = |what: String| {
            Error::integrity(&part.path, format!("it cannot be read ({what}): restore this file from a backup"))
        };
        let bytes = disk.read(&part.path)?.ok_or_else(|| damaged("it is missing".to_owned()))?;
        ids.extend(ids_in(bytes).map_err(|error| damaged(error.to_string()))?);
    }
    Ok(ids)
}

fn ids_in(file: Bytes) -> Result<Vec<String>, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let column = ProjectionMask::columns(builder.parquet_schema(), ["finding_id"]);
    let mut ids = Vec::new();
    for batch in builder.with_projection(column).build()? {
        let batch = batch?;
        let column = batch.columns().first().and_then(|column| column.as_string_opt::<i32>());
        let column = column.ok_or_else(|| ParquetError::General("it lacks finding_id".to_owned()))?;
        ids.extend(column.iter().flatten().map(ToOwned::to_owned));
    }
    Ok(ids)
}
