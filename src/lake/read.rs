//! Reading the lake: a pinned version, the parts in it, and the event hashes that find duplicates.

use std::path::{Component, Path};

use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::chunks::Chunks;
use super::delta::{Table, TableFile};
use super::disk::{Disk, os_error};
use super::layout::{Layout, Which, is_date};
use super::ledger::{Ledger, totals};
use super::log::{Log, RunInfo};
use crate::account::Account;
use crate::error::{Error, Result};
use crate::part::{Part, Stored};
use crate::schema::DATE_OUTLIER;

/// One version of the lake. What it answers never changes, whatever is committed meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    layout: Layout,
    disk: Disk,
    version: u64,
    parts: Vec<Part>,
    runs: Vec<RunInfo>,
}

/// What a lake holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The version that this is about.
    pub version: u64,
    /// Parquet files.
    pub parts: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Rows in them.
    pub rows: u64,
    /// The earliest event, microseconds since 1970, clock errors ([`DATE_OUTLIER`]) left out.
    pub first_ts: Option<i64>,
    /// The latest event, likewise.
    pub last_ts: Option<i64>,
    /// The dates that have events, in order.
    pub dates: Vec<String>,
    /// Runs that committed.
    pub runs: usize,
    /// Accounts that brought rows: sources, and the later growth of sources.
    pub sources: usize,
    /// What those accounts add up to.
    pub totals: Account,
    /// What is kept of findings; None before the first run that keeps some.
    pub findings: Option<KeptStatus>,
}

/// What a lake holds of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptStatus {
    /// The version of the table.
    pub version: u64,
    /// Parquet files.
    pub parts: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Findings in them.
    pub findings: u64,
    /// Dates that were examined.
    pub examined: usize,
}

impl Snapshot {
    pub(super) fn open(layout: &Layout, disk: &Disk) -> Result<Self> {
        let Log { version, runs } = Log::read(layout, disk, Which::Events)?;
        let parts = parts_of(layout, disk, Which::Events, version)?;
        Ok(Self { layout: layout.clone(), disk: disk.clone(), version, parts, runs })
    }

    /// The pinned version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The Parquet files, ordered by path.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The Parquet files and the store that they lie in, for whoever reads their rows.
    pub fn stored(&self) -> Result<Stored> {
        let store = self.disk.store(&self.layout.table(Which::Events))?;
        Ok(Stored { parts: self.parts.clone(), store })
    }

    /// Calls `each` with the time and the event hash (big-endian) of every row of `parts` of this snapshot whose `ts` is
    /// from `ts_from` up to and including `ts_to`, in microseconds since 1970.
    ///
    /// Only `ts` and `event_hash` are read, and only in row groups that overlap the window.
    pub fn event_hashes(
        &self,
        parts: &[Part],
        ts_from: i64,
        ts_to: i64,
        each: impl FnMut(i64, u128) -> Result<()>,
    ) -> Result<()> {
        event_hashes(&self.disk, parts, ts_from, ts_to, each)
    }

    /// Reads what was ingested up to this version.
    pub fn ledger(&self) -> Result<Ledger> {
        Ledger::read(&self.layout, &self.disk, &self.runs)
    }

    /// Sums up what this version holds.
    pub fn status(&self) -> Result<Status> {
        let ledger = self.ledger()?;
        let timely = || self.parts.iter().filter(|part| part.date != DATE_OUTLIER);
        let mut dates: Vec<_> = self.parts.iter().map(|part| part.date.clone()).collect();
        dates.sort_unstable();
        dates.dedup();
        Ok(Status {
            version: self.version,
            parts: self.parts.len(),
            bytes: self.parts.iter().map(|part| part.bytes).sum(),
            rows: self.parts.iter().map(|part| part.rows).sum(),
            first_ts: timely().map(|part| part.ts_min).min(),
            last_ts: timely().map(|part| part.ts_max).max(),
            dates,
            runs: self.runs.iter().filter(|info| info.run.is_some()).count(),
            sources: ledger.accounts().filter(|account| super::ledger::brings_rows(account)).count(),
            totals: totals(ledger.accounts()),
            findings: None,
        })
    }
}

/// The parts of a table at `version`, if the disk agrees with the log.
pub(super) fn parts_of(layout: &Layout, disk: &Disk, which: Which, version: u64) -> Result<Vec<Part>> {
    let files = Table::new(layout, disk, which).files(version)?;
    let sizes = disk.sizes_below(&layout.table(which))?;
    let size = |path: &Path, key: &str| match &sizes {
        Some(sizes) => Ok(sizes.get(key).copied()),
        None => disk.size(path),
    };
    files.into_iter().map(|file| check_part(layout, which, file, size)).collect()
}

fn check_part(
    layout: &Layout,
    which: Which,
    file: TableFile,
    size: impl Fn(&Path, &str) -> Result<Option<u64>>,
) -> Result<Part> {
    let inside = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside || !is_date(&file.date) {
        let reason = format!("the log names {:?}, which is no part of a lake: restore it from a backup", file.path);
        return Err(Error::integrity(layout.log(which), reason));
    }
    let path = layout.table(which).join(&file.path);
    let lost = |what: String| Err(Error::integrity(&path, format!("{what}: restore this file from a backup")));
    match size(&path, &file.path)? {
        Some(bytes) if bytes == file.bytes => {}
        Some(bytes) => return lost(format!("it has {bytes} bytes, but {} were committed", file.bytes)),
        None => return lost("it was committed, but is missing".to_owned()),
    }
    let TableFile { path: key, bytes, rows, date, ts_min, ts_max } = file;
    Ok(Part { path, key, bytes, rows, date, ts_min, ts_max })
}

pub(super) fn event_hashes(
    disk: &Disk,
    parts: &[Part],
    ts_from: i64,
    ts_to: i64,
    mut each: impl FnMut(i64, u128) -> Result<()>,
) -> Result<()> {
    let window = Window { from: ts_from, to: ts_to };
    for part in parts.iter().filter(|part| window.overlaps(part.ts_min, part.ts_max)) {
        part_hashes(disk, part, window, &mut each)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Window {
    from: i64,
    to: i64,
}

impl Window {
    fn overlaps(self, min: i64, max: i64) -> bool {
        min <= self.to && max >= self.from
    }
}

fn part_hashes(disk: &Disk, part: &Part, window: Window, each: &mut impl FnMut(i64, u128) -> Result<()>) -> Result<()> {
    let damaged = |what: &(dyn std::error::Error + 'static)| match os_error(what) {
        Some(cause) => Error::storage(&part.path, cause),
        None => Error::integrity(&part.path, format!("it cannot be read ({what}): restore this file from a backup")),
    };
    let odd = || Error::integrity(&part.path, "it lacks ts or event_hash: restore this file from a backup");
    let missing = || Error::integrity(&part.path, "it was committed, but is missing: restore this file from a backup");
    let chunks = disk.chunks(&part.path)?.ok_or_else(missing)?;
    for batch in open_hashes(chunks, window).map_err(|error| damaged(&error))? {
        let batch = batch.map_err(|error| damaged(&error))?;
        let column = |name| batch.column_by_name(name).ok_or_else(odd);
        let ts = column("ts")?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(odd)?;
        let hashes = column("event_hash")?.as_binary_opt::<i32>().ok_or_else(odd)?;
        for (ts, hash) in ts.values().iter().zip(hashes) {
            if window.overlaps(*ts, *ts) {
                each(*ts, u128::from_be_bytes(hash.and_then(|hash| hash.try_into().ok()).ok_or_else(odd)?))?;
            }
        }
    }
    Ok(())
}

fn open_hashes(file: Chunks, window: Window) -> Result<ParquetRecordBatchReader, parquet::errors::ParquetError> {
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())?;
    let file = file.with(metadata.metadata());
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    let columns = ProjectionMask::columns(builder.parquet_schema(), ["ts", "event_hash"]);
    let groups = builder.metadata().row_groups().iter().enumerate();
    let groups = groups.filter(|(_, group)| group_overlaps(group, window)).map(|(at, _)| at).collect();
    builder.with_projection(columns).with_row_groups(groups).build()
}

/// Whether a row group may have rows in the window. One without statistics may.
fn group_overlaps(group: &RowGroupMetaData, window: Window) -> bool {
    let ts = group.columns().iter().find(|column| column.column_path().string() == "ts");
    let Some(Statistics::Int64(range)) = ts.and_then(|column| column.statistics()) else { return true };
    match (range.min_opt(), range.max_opt()) {
        (Some(min), Some(max)) => window.overlaps(*min, *max),
        _ => true,
    }
}
