//! The running account of one source, added to by all workers that parse parts of it.

use std::collections::BTreeMap;

use super::Options;
use crate::account::Account;
use crate::block::{Block, Coded, NULL, Vocabulary};
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
    /// Counts one parsed chunk with the events of `all`, of which `kept` remains after duplicates were taken out.
    pub(super) fn add(&mut self, batch: &Batch<()>, all: &Block, kept: &Block, vocabulary: &Vocabulary) {
        let account = &mut self.account;
        account.lines += batch.lines;
        account.blanks += batch.blanks;
        account.not_audit += batch.not_audit;
        account.rows += kept.len() as u64;
        account.duplicates += (all.len() - kept.len()) as u64;
        count(Coded::Level, kept, vocabulary, &mut account.levels);
        count(Coded::Cluster, kept, vocabulary, &mut account.clusters);
        count(Coded::Envelope, kept, vocabulary, &mut account.envelopes);
        if let Some((first, last)) = all.times() {
            account.first_ts = account.first_ts.into_iter().chain([first]).min();
            account.last_ts = account.last_ts.into_iter().chain([last]).max();
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
        let nothing_else = at_end && account.rows + account.duplicates + account.not_audit == 0;
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

/// Adds to `counts` how many rows have which text in `column`.
fn count(column: Coded, rows: &Block, vocabulary: &Vocabulary, counts: &mut BTreeMap<String, u64>) {
    let texts = vocabulary.dictionary(column);
    let mut of_codes = vec![0; texts.len() + 1];
    rows.codes.iter().for_each(|codes| of_codes[codes[column] as usize] += 1);
    for (code, n) in (NULL..).zip(of_codes).filter(|(_, n)| *n > 0) {
        let text = if code == NULL { "unknown".into() } else { String::from_utf8_lossy(texts.text(code)) };
        *counts.entry(text.into_owned()).or_default() += n;
    }
}
