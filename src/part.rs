//! A part: one Parquet file, as the lake's log names it. The lake hands parts out, the engine reads them.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;

/// One Parquet file of a table of the lake in one pinned version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Absolute path of the file, or its URL: what messages name.
    pub path: PathBuf,
    /// Its path in the table's store.
    pub key: String,
    /// Its size in bytes, as committed.
    pub bytes: u64,
    /// Its rows, as committed.
    pub rows: u64,
    /// The partition, `YYYY-MM-DD`.
    pub date: String,
    /// The earliest `ts` (of findings: `first_seen`) in it, microseconds since 1970.
    pub ts_min: i64,
    /// The latest `ts` (of findings: `first_seen`) in it, microseconds since 1970.
    pub ts_max: i64,
}

/// Parts of one table and the store that they lie in.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The parts.
    pub parts: Vec<Part>,
    /// The store of their keys.
    pub store: Arc<dyn ObjectStore>,
}
