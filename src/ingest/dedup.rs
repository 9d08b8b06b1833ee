//! Exact duplicates: the same whole event met twice, in one file, in copies of a file from several nodes, or in a night
//! that is already in the lake.
//!
//! Hashes are kept by window of event time. Logs are nearly in time order, so few windows are in use at once: the one
//! used longest ago is spilled when the memory is full, and read again should an event of its time come late. An event
//! counts as a duplicate only if its 128-bit hash of the whole text was seen; never because of its audit id, which the
//! client chooses.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use foldhash::fast::RandomState;

use crate::error::{Error, Result};
use crate::limits;

const WINDOW_MICROS: i64 = 600_000_000;
/// What one hash costs in a set: 16 bytes, a control byte, and the free slots of a table that has just grown.
const BYTES_PER_HASH: usize = 34;

/// The window that an event time belongs to.
pub(super) fn window_of(ts: i64) -> i64 {
    ts.div_euclid(WINDOW_MICROS)
}

/// The hashes met so far.
pub(super) struct Dedup {
    windows: HashMap<i64, Window, RandomState>,
    folder: PathBuf,
    hashes_held: usize,
    hashes_max: usize,
    clock: u64,
    /// Events of windows that were full: kept, though they may be duplicates.
    pub(super) unchecked: u64,
}

/// The hashes are mixed once more with a seed of this process, since who writes a log may choose them.
type Hashes = HashSet<u128, RandomState>;

#[derive(Default)]
struct Window {
    hashes: Hashes,
    spilled: bool,
    used: u64,
}

impl Dedup {
    /// Hashes beyond the memory's bound are spilled below `folder`, which must be private.
    pub(super) fn new(folder: &Path) -> Self {
        Self::with_bound(folder, limits::DEDUP_BYTES_MAX / BYTES_PER_HASH)
    }

    fn with_bound(folder: &Path, hashes_max: usize) -> Self {
        Self {
            windows: HashMap::default(),
            folder: folder.to_owned(),
            hashes_held: 0,
            hashes_max,
            clock: 0,
            unchecked: 0,
        }
    }

    /// Adds hashes that the lake has already.
    pub(super) fn add_known(&mut self, ts: i64, hash: u128) -> Result<()> {
        self.is_new(ts, hash).map(drop)
    }

    /// Whether the event is met for the first time.
    pub(super) fn is_new(&mut self, ts: i64, hash: u128) -> Result<bool> {
        let key = window_of(ts);
        self.clock += 1;
        if self.windows.get(&key).is_some_and(|window| window.spilled) {
            self.load(key)?;
        }
        let window = self.windows.entry(key).or_default();
        window.used = self.clock;
        if window.hashes.len() >= limits::DEDUP_WINDOW_EVENTS_MAX.min(self.hashes_max) {
            let known = window.hashes.contains(&hash);
            self.unchecked += u64::from(!known);
            return Ok(!known);
        }
        let is_new = window.hashes.insert(hash);
        self.hashes_held += usize::from(is_new);
        if self.hashes_held > self.hashes_max {
            self.spill(key)?;
        }
        Ok(is_new)
    }

    fn path(&self, key: i64) -> PathBuf {
        self.folder.join(format!("hashes-{key}"))
    }

    /// Spills the window used longest ago, other than the one in use.
    fn spill(&mut self, in_use: i64) -> Result<()> {
        let oldest = self
            .windows
            .iter()
            .filter(|(key, window)| **key != in_use && !window.hashes.is_empty())
            .min_by_key(|(_, window)| window.used);
        let Some((&key, _)) = oldest else { return Ok(()) };
        let path = self.path(key);
        let hashes = self.windows.get_mut(&key).map(|window| {
            window.spilled = true;
            std::mem::take(&mut window.hashes)
        });
        let hashes = hashes.unwrap_or_default();
        self.hashes_held -= hashes.len();
        let write = || -> std::io::Result<()> {
            let mut file = BufWriter::new(File::create(&path)?);
            hashes.iter().try_for_each(|hash| file.write_all(&hash.to_le_bytes()))?;
            file.flush()
        };
        write().map_err(|error| Error::storage(&path, error))
    }

    fn load(&mut self, key: i64) -> Result<()> {
        let path = self.path(key);
        let read = || -> std::io::Result<Hashes> {
            let mut file = BufReader::new(File::open(&path)?);
            let mut hashes = Hashes::default();
            let mut bytes = [0; 16];
            while file.read_exact(&mut bytes).is_ok() {
                hashes.insert(u128::from_le_bytes(bytes));
            }
            Ok(hashes)
        };
        let hashes = read().map_err(|error| Error::storage(&path, error))?;
        self.hashes_held += hashes.len();
        self.windows.insert(key, Window { hashes, spilled: false, used: self.clock });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dedup(bound: usize) -> (Dedup, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Dedup::with_bound(folder.path(), bound), folder)
    }

    #[test]
    fn an_event_is_new_once() {
        let (mut dedup, _folder) = dedup(100);
        assert!(dedup.is_new(5, 1).unwrap());
        assert!(!dedup.is_new(5, 1).unwrap());
        assert!(dedup.is_new(5, 2).unwrap());
    }

    #[test]
    fn windows_that_were_spilled_are_still_known() {
        let (mut dedup, _folder) = dedup(10);
        for window in 0..50 {
            for hash in 0..5 {
                assert!(dedup.is_new(window * WINDOW_MICROS, hash).unwrap(), "{window} {hash}");
            }
        }
        assert!(dedup.hashes_held <= 15);
        for window in (0..50).rev() {
            for hash in 0..5 {
                assert!(!dedup.is_new(window * WINDOW_MICROS, hash).unwrap(), "{window} {hash}");
            }
        }
        assert_eq!(dedup.unchecked, 0);
    }

    #[test]
    fn a_window_that_is_full_keeps_its_events_and_counts_them() {
        let (mut dedup, _folder) = dedup(3);
        let fresh: Vec<bool> = (0..5).map(|hash| dedup.is_new(0, hash).unwrap()).collect();
        assert_eq!(fresh, [true; 5]);
        assert_eq!(dedup.unchecked, 2);
        assert!(!dedup.is_new(0, 1).unwrap());
    }
}
