//! How much a source may expand, weighed against what was read for it: no bomb is worth more than its file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;

/// What the decompressed bytes of a source, or of all members of an archive together, are charged to.
#[derive(Debug, Clone)]
pub(in crate::input) struct Allowance {
    /// Compressed bytes that stand against it.
    paid: Arc<AtomicU64>,
    /// The most that one layer of this source gave so far. Reading a source again costs nothing.
    most: Arc<AtomicU64>,
    /// The sum of that over all sources that share the allowance.
    spent: Arc<AtomicU64>,
    /// Decompressed bytes that are allowed whatever was paid.
    free: u64,
}

impl Allowance {
    /// For a source of its own; `read` counts its compressed bytes.
    pub(in crate::input) fn of_file(read: Arc<AtomicU64>) -> Self {
        Self { paid: read, most: Arc::default(), spent: Arc::default(), free: limits::RATIO_FREE_BYTES }
    }

    /// For the members of an archive of `bytes` compressed bytes.
    pub(in crate::input) fn of_archive(bytes: u64) -> Self {
        Self::of_file(Arc::new(AtomicU64::new(bytes)))
    }

    /// A further source that shares it.
    pub(in crate::input) fn share(&self) -> Self {
        Self { most: Arc::default(), ..self.clone() }
    }

    /// The same with other `free` bytes.
    #[cfg(test)]
    pub(in crate::input) fn with_free(self, free: u64) -> Self {
        Self { free, ..self }
    }

    /// Charges a layer that gave `out` bytes since its beginning; whether that is allowed.
    pub(in crate::input) fn covers(&self, out: u64) -> bool {
        let before = self.most.fetch_max(out, Ordering::Relaxed);
        let more = out.saturating_sub(before);
        let spent = self.spent.fetch_add(more, Ordering::Relaxed) + more;
        spent <= self.free || spent / limits::RATIO_MAX <= self.paid.load(Ordering::Relaxed)
    }
}
