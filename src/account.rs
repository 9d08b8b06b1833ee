//! Accounts: what was read of each source and what became of every line, so that a run can be believed.
//!
//! The law that every account keeps: `lines = rows + rejects + blanks + duplicates + not_audit`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happened to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Read, and its rows committed.
    #[default]
    Ingested,
    /// Its content was ingested before; nothing was read anew.
    Known,
    /// It grew since it was ingested; only the tail was read.
    Grown,
    /// It is shorter than when it was ingested and otherwise the same: evidence was cut. Nothing was read anew.
    Shrunk,
    /// Passed over: not a regular file, or plainly no log where nobody named it.
    Skipped,
    /// Refused: too many rejects, or unreadable. Nothing of it was committed.
    Refused,
}

/// The account of one source in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Account {
    /// The source as the user named it (lossy where it is not UTF-8).
    pub source: String,
    /// What happened to it.
    pub outcome: Outcome,
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// Modification time in nanoseconds since 1970, 0 where unknown.
    pub modified_ns: i64,
    /// Decompressed bytes of the whole source, the part that was known before included.
    pub content_bytes: u64,
    /// BLAKE3 of those bytes, hexadecimal.
    pub content_hash: String,
    /// Length of the head that [`Self::head_hash`] covers.
    pub head_bytes: u64,
    /// BLAKE3 of the first [`Self::head_bytes`] decompressed bytes, hexadecimal.
    pub head_hash: String,
    /// Decompressed bytes skipped because they were ingested before.
    pub skipped_bytes: u64,
    /// Lines seen (items, for an `EventList`).
    pub lines: u64,
    /// Rows committed.
    pub rows: u64,
    /// Blank lines.
    pub blanks: u64,
    /// Exact duplicates of an event that the lake or the run already has.
    pub duplicates: u64,
    /// Lines that are a log's, but of no audit event: another component's message in a mixed stream.
    #[serde(default)]
    pub not_audit: u64,
    /// Rejected lines by reason.
    pub rejects: BTreeMap<String, u64>,
    /// The earliest event time, microseconds since 1970.
    pub first_ts: Option<i64>,
    /// The latest event time, microseconds since 1970.
    pub last_ts: Option<i64>,
    /// Rows by audit level.
    pub levels: BTreeMap<String, u64>,
    /// Rows by cluster.
    #[serde(default)]
    pub clusters: BTreeMap<String, u64>,
    /// Rows by what the events were wrapped in.
    #[serde(default)]
    pub envelopes: BTreeMap<String, u64>,
    /// What a user should know of it: truncation, shrinking, why it was refused.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Account {
    /// All rejects.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejects.values().sum()
    }

    /// Whether the law holds.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.lines == self.rows + self.rejected() + self.blanks + self.duplicates + self.not_audit
    }

    /// Adds the counts of `other`, for totals over sources. Names and hashes stay.
    pub fn add(&mut self, other: &Self) {
        self.file_bytes += other.file_bytes;
        self.content_bytes += other.content_bytes;
        self.skipped_bytes += other.skipped_bytes;
        self.lines += other.lines;
        self.rows += other.rows;
        self.blanks += other.blanks;
        self.duplicates += other.duplicates;
        self.not_audit += other.not_audit;
        let counts = [
            (&mut self.rejects, &other.rejects),
            (&mut self.levels, &other.levels),
            (&mut self.clusters, &other.clusters),
            (&mut self.envelopes, &other.envelopes),
        ];
        for (sums, others) in counts {
            others.iter().for_each(|(name, count)| *sums.entry(name.clone()).or_default() += count);
        }
        self.first_ts = [self.first_ts, other.first_ts].into_iter().flatten().min();
        self.last_ts = [self.last_ts, other.last_ts].into_iter().flatten().max();
    }
}
