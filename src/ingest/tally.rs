//! The running account of one source, added to by all workers that parse parts of it.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;

use super::Options;
use crate::account::Account;
use crate::event::{Batch, Reject};
use crate::limits;

/// Rejects of one file that are forgiven before the ratio counts: a cut last line must not refuse a small file.
const REJECTS_SPARED: u64 = 10;

#[derive(Default)]
pub(super) struct Tally {
    pub(super) account: Account,
    pub(super) rejects: Vec<Reject>,
    /// Why the source is refused, once it is.
    pub(super) refused: Option<String>,
}

impl Tally {
    /// Counts one parsed chunk, of which `kept` remains after duplicates were taken out.
    pub(super) fn add(&mut self, batch: &Batch, kept: &RecordBatch) {
        let account = &mut self.account;
        account.lines += batch.lines;
        account.blanks += batch.blanks;
        account.rows += kept.num_rows() as u64;
        account.duplicates += (batch.rows.num_rows() - kept.num_rows()) as u64;
        if let Some(column) = kept.column_by_name("level") {
            for level in column.as_string::<i32>() {
                let level = level.unwrap_or("unknown");
                match account.levels.get_mut(level) {
                    Some(count) => *count += 1,
                    None => drop(account.levels.insert(level.to_owned(), 1)),
                }
            }
        }
        let times = batch.rows.column_by_name("ts").map(AsArray::as_primitive::<TimestampMicrosecondType>);
        if let Some(times) = times.filter(|times| !times.is_empty()) {
            let (first, last) = (arrow::compute::min(times), arrow::compute::max(times));
            account.first_ts = [account.first_ts, first].into_iter().flatten().min();
            account.last_ts = [account.last_ts, last].into_iter().flatten().max();
        }
    }

    /// Counts rejects and keeps the first of them.
    pub(super) fn reject(&mut self, rejects: Vec<Reject>) {
        for reject in rejects {
            *self.account.rejects.entry(reject.reason.as_str().to_owned()).or_default() += 1;
            if self.rejects.len() < limits::REJECTS_KEPT_MAX {
                self.rejects.push(reject);
            }
        }
    }

    /// Refuses the source if it has too many rejects. While it is being read only the absolute bound counts.
    pub(super) fn judge(&mut self, options: &Options, at_end: bool) {
        let account = &self.account;
        let (rejected, lines) = (account.rejected(), account.lines);
        if self.refused.is_some() || rejected == 0 {
            return;
        }
        let ratio = rejected as f64 / lines.max(1) as f64;
        let too_many = rejected > options.rejects_max;
        let too_large_a_share = at_end && rejected > REJECTS_SPARED && ratio > options.reject_ratio_max;
        let nothing_else = at_end && account.rows + account.duplicates == 0;
        if too_many || too_large_a_share || nothing_else {
            let most = account.rejects.iter().max_by_key(|(_, count)| **count);
            let reason = most.map_or("", |(reason, _)| reason);
            let first = self.rejects.iter().map(|reject| reject.line).min().unwrap_or(1);
            self.refused = Some(format!(
                "{rejected} of {lines} lines are no audit events (mostly {reason}, the first is line {first}); nothing of \
                 it was taken (see --max-rejects and --max-reject-ratio)"
            ));
        }
    }
}
