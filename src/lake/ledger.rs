//! The ledger: what was ingested before, by content, so that no line is ever ingested twice or lost.
//!
//! A run's accounts lie in a file of their own that is durable before the commit; the commit names the file's hash.
//! So the accounts count exactly if the rows do.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::disk::Disk;
use super::layout::Layout;
use super::log::RunInfo;
use crate::account::{Account, Outcome};
use crate::error::{Error, Result};

/// The accounts of all committed runs, the latest first.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: Vec<Account>,
    by_content: HashMap<(String, u64), usize>,
    by_state: HashMap<(String, u64, i64), usize>,
    by_head: BTreeMap<u64, HashMap<String, Vec<usize>>>,
}

impl Ledger {
    /// Reads the accounts of `runs`, which are in the order of their commits.
    pub(super) fn read(layout: &Layout, disk: &Disk, runs: &[RunInfo]) -> Result<Self> {
        let mut ledger = Self::default();
        let runs: Vec<_> = runs.iter().rev().filter_map(|info| info.run.map(|run| (run, info))).collect();
        let accounts = disk.each(&runs, |(run, info)| read_accounts(disk, &layout.ledger(*run), info))?;
        accounts.into_iter().flatten().for_each(|account| ledger.push(account));
        Ok(ledger)
    }

    /// Adds an account that is older than those before it.
    fn push(&mut self, account: Account) {
        let at = self.accounts.len();
        if counts(account.outcome) {
            let content = (account.content_hash.clone(), account.content_bytes);
            self.by_content.entry(content).or_insert(at);
            // without a time of modification, a file of that name and size could be any
            if account.modified_ns != 0 {
                let state = (account.source.clone(), account.file_bytes, account.modified_ns);
                self.by_state.entry(state).or_insert(at);
            }
            if account.head_bytes > 0 {
                let heads = self.by_head.entry(account.head_bytes).or_default();
                heads.entry(account.head_hash.clone()).or_default().push(at);
            }
        }
        self.accounts.push(account);
    }

    /// Whether this content was ingested, under whatever name and compression.
    ///
    /// `content_hash` is BLAKE3 in hexadecimal, `content_bytes` the decompressed length.
    #[must_use]
    pub fn knows(&self, content_hash: &str, content_bytes: u64) -> bool {
        self.by_content.contains_key(&(content_hash.to_owned(), content_bytes))
    }

    /// The accounts of content that begins as `head` does, the latest first: what a source that begins with `head` may
    /// have grown from. `head` is the decompressed start of a source, as much of it as there is.
    #[must_use]
    pub fn candidates(&self, head: &[u8]) -> Vec<&Account> {
        let mut hasher = blake3::Hasher::new();
        let mut done = 0;
        let mut found: Vec<usize> = Vec::new();
        for (bytes, heads) in &self.by_head {
            let Some(piece) = usize::try_from(*bytes).ok().and_then(|end| head.get(done..end)) else { break };
            hasher.update(piece);
            done += piece.len();
            found.extend(heads.get(hasher.finalize().to_hex().as_str()).into_iter().flatten());
        }
        found.sort_unstable();
        found.into_iter().map(|at| &self.accounts[at]).collect()
    }

    /// The account of a source that was seen in this very state, so that it need not be hashed again. States without a
    /// time of modification (0) are never known.
    #[must_use]
    pub fn same_state(&self, source: &str, file_bytes: u64, modified_ns: i64) -> Option<&Account> {
        self.by_state.get(&(source.to_owned(), file_bytes, modified_ns)).map(|at| &self.accounts[*at])
    }

    /// All accounts, the latest first.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }
}

/// Whether an account means that the lake has the content's rows.
fn counts(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Ingested | Outcome::Known | Outcome::Grown => true,
        Outcome::Shrunk | Outcome::Skipped | Outcome::Refused => false,
    }
}

/// Whether an account's rows were committed with it.
pub(super) fn brings_rows(account: &Account) -> bool {
    matches!(account.outcome, Outcome::Ingested | Outcome::Grown)
}

/// The counts of all accounts that brought rows.
pub(super) fn totals<'a>(accounts: impl Iterator<Item = &'a Account>) -> Account {
    accounts.filter(|account| brings_rows(account)).fold(Account::default(), |mut totals, account| {
        totals.add(account);
        totals
    })
}

/// The bytes of a ledger file.
pub(super) fn to_ndjson(accounts: &[&Account]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for account in accounts {
        serde_json::to_writer(&mut bytes, account).map_err(|error| Error::Internal(error.to_string()))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn read_accounts(disk: &Disk, path: &Path, info: &RunInfo) -> Result<Vec<Account>> {
    let damaged = |what: String| Error::integrity(path, format!("{what}: restore this file from a backup"));
    let bytes = disk.read(path)?.ok_or_else(|| damaged("the ledger of a committed run is missing".to_owned()))?;
    if blake3::hash(&bytes).to_hex().as_str() != info.ledger {
        return Err(damaged("the ledger is not the one that was committed".to_owned()));
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    lines
        .map(|(at, line)| serde_json::from_slice(line).map_err(|error| damaged(format!("line {}: {error}", at + 1))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(source: &str, content: &str, outcome: Outcome) -> Account {
        let head = &content[..content.len().min(4)];
        Account {
            source: source.to_owned(),
            outcome,
            file_bytes: content.len() as u64,
            modified_ns: 1,
            content_bytes: content.len() as u64,
            content_hash: hash(content),
            head_bytes: head.len() as u64,
            head_hash: hash(head),
            ..Account::default()
        }
    }

    fn hash(text: &str) -> String {
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    fn ledger(latest_first: &[Account]) -> Ledger {
        let mut ledger = Ledger::default();
        latest_first.iter().cloned().for_each(|account| ledger.push(account));
        ledger
    }

    fn sources(accounts: &[&Account]) -> Vec<String> {
        accounts.iter().map(|account| account.source.clone()).collect()
    }

    #[test]
    fn content_is_known_by_hash_and_length_whatever_its_name() {
        let ledger = ledger(&[account("a", "abcdefg", Outcome::Ingested)]);
        assert!(ledger.knows(&hash("abcdefg"), 7));
        assert!(!ledger.knows(&hash("abcdefg"), 8));
        assert!(!ledger.knows(&hash("abcdefh"), 7));
    }

    #[test]
    fn refused_and_shrunk_sources_are_not_known() {
        for outcome in [Outcome::Refused, Outcome::Shrunk] {
            let ledger = ledger(&[account("a", "abcdefg", outcome)]);
            assert!(!ledger.knows(&hash("abcdefg"), 7));
            assert!(ledger.same_state("a", 7, 1).is_none());
            assert!(ledger.candidates(b"abcdefg").is_empty());
        }
    }

    #[test]
    fn candidates_begin_alike_and_come_latest_first() {
        let ledger = ledger(&[
            account("new", "abcdXXX", Outcome::Grown),
            account("tiny", "ab", Outcome::Ingested),
            account("other", "zzzz", Outcome::Ingested),
            account("old", "abcd", Outcome::Ingested),
            account("empty", "", Outcome::Ingested),
        ]);
        assert_eq!(sources(&ledger.candidates(b"abcdefg")), ["new", "tiny", "old"]);
        assert_eq!(sources(&ledger.candidates(b"abc")), ["tiny"]);
        assert_eq!(sources(&ledger.candidates(b"")), [""; 0]);
    }

    #[test]
    fn a_state_without_time_is_never_the_same() {
        let mut timeless = account("a", "abcdefg", Outcome::Ingested);
        timeless.modified_ns = 0;
        let ledger = ledger(&[timeless, account("b", "abcdefg", Outcome::Ingested)]);
        assert!(ledger.same_state("a", 7, 0).is_none());
        assert_eq!(ledger.same_state("b", 7, 1).unwrap().source, "b");
        assert!(ledger.same_state("b", 7, 2).is_none());
        assert!(ledger.same_state("b", 8, 1).is_none());
    }
}
