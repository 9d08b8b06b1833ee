//! A part: one Parquet file of events, as the lake's log names it. The lake hands parts out, the engine reads them.

use std::path::PathBuf;

/// One Parquet file of the `events` table in one pinned version of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Absolute path of the file.
    pub path: PathBuf,
    /// Its size in bytes, as committed.
    pub bytes: u64,
    /// Its rows, as committed.
    pub rows: u64,
    /// The partition, `YYYY-MM-DD`.
    pub date: String,
    /// The earliest `ts` in it, microseconds since 1970.
    pub ts_min: i64,
    /// The latest `ts` in it, microseconds since 1970.
    pub ts_max: i64,
}
