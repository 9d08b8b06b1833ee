//! Which sources are read, and from where on: by the identity of their content, never by name or inode.
//!
//! Hashing a whole source only to learn that it is new would cost as much as reading it, so the hash of its first bytes
//! is asked first: where no source in the lake, and none before it in this run, begins the same way, it is new.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::account::{Account, Outcome};
use crate::error::Result;
use crate::input::{self, Place, Source};
use crate::lake::Ledger;
use crate::limits;

/// What is to be done with one source.
pub(super) struct Step {
    pub(super) source: Source,
    /// Decompressed bytes to pass over, since they were ingested before.
    pub(super) skip: u64,
    /// Whether a longer source that begins the same way is known: if all its events are, it was cut since.
    pub(super) may_be_cut: bool,
    /// Whether another source of this run begins the same way, so that what is done with it may rest on this one.
    pub(super) has_twin: bool,
    /// The account so far: names and hashes.
    pub(super) account: Account,
}

impl Step {
    /// A source that is read from its beginning.
    fn new(source: &Source, account: Account) -> Self {
        Self { source: source.clone(), skip: 0, may_be_cut: false, has_twin: false, account }
    }
}

/// The sources to read, and the accounts of those that need no reading.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) settled: Vec<Account>,
}

/// Content that was ingested, or will be in this run: hash and length.
type Known = (u64, String);

pub(super) fn plan(sources: &[Source], ledger: &Ledger) -> Plan {
    let mut plan = Plan { steps: Vec::new(), settled: Vec::new() };
    let heads = heads(sources, ledger);
    let mut alike: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (index, head) in heads.iter().enumerate() {
        if let Head::Bytes(head) = head {
            alike.entry(short(head)).or_default().push(index);
        }
    }
    let mut seen_in_run: HashMap<Vec<u8>, Vec<Known>> = HashMap::new();
    for (source, head) in sources.iter().zip(&heads) {
        let account = account_of(source);
        match head {
            Head::Unreadable(reason) => plan.settled.push(refused(account, reason)),
            Head::Unrepeatable => plan.steps.push(Step::new(source, account)),
            Head::Known(earlier) => {
                let (head_bytes, head_hash) = (earlier.head_bytes, earlier.head_hash.clone());
                let account = Account { head_bytes, head_hash, ..account };
                plan.settled.push(known(account, earlier.content_bytes, &earlier.content_hash));
            }
            Head::Bytes(head) => {
                let twins = alike.get(short(head)).map_or(0, Vec::len) > 1;
                let run = seen_in_run.entry(short(head).to_vec()).or_default();
                settle(&mut plan, source, account, head, ledger, run, twins);
            }
        }
    }
    plan
}

/// Sources whose first bytes differ have nothing in common; a short head must be comparable with a longer one.
fn short(head: &[u8]) -> &[u8] {
    const COMMON: usize = 256;
    &head[..head.len().min(COMMON)]
}

/// What is known of a source before it is read.
enum Head<'a> {
    /// Its first bytes.
    Bytes(Vec<u8>),
    /// Nothing: it can be read only once.
    Unrepeatable,
    /// That it was ingested in this very state.
    Known(&'a Account),
    Unreadable(String),
}

fn heads<'a>(sources: &[Source], ledger: &'a Ledger) -> Vec<Head<'a>> {
    let head = |source: &Source| head(source, ledger);
    let is_remote = sources.iter().any(|source| matches!(source.place, Place::Object { .. }));
    let build = || rayon::ThreadPoolBuilder::new().num_threads(limits::REMOTE_HEADS_AT_ONCE).build().ok();
    match is_remote.then(build).flatten() {
        // each of them waits for an answer, not for a core
        Some(pool) => pool.install(|| sources.par_iter().map(head).collect()),
        None => sources.iter().map(head).collect(),
    }
}

fn head<'a>(source: &Source, ledger: &'a Ledger) -> Head<'a> {
    let read = || match input::head(source, limits::HEAD_BYTES) {
        Ok(head) => Head::Bytes(head),
        Err(error) => Head::Unreadable(error.to_string()),
    };
    match source.place {
        Place::Stdin => Head::Unrepeatable,
        // the store sets the time of an object, so that no writer can set it back: there is no need to look
        Place::Object { .. } => {
            let earlier = ledger.same_state(&source.name, source.bytes, source.modified_ns);
            earlier.map_or_else(read, Head::Known)
        }
        Place::File(_) | Place::Member(_) | Place::Unreadable(_) => read(),
    }
}

fn account_of(source: &Source) -> Account {
    Account {
        source: source.name.clone(),
        file_bytes: source.bytes,
        modified_ns: source.modified_ns,
        ..Account::default()
    }
}

pub(super) fn refused(account: Account, reason: &str) -> Account {
    Account {
        outcome: Outcome::Refused,
        notes: vec![reason.to_owned()],
        source: account.source,
        file_bytes: account.file_bytes,
        modified_ns: account.modified_ns,
        ..Account::default()
    }
}

fn settle(
    plan: &mut Plan,
    source: &Source,
    mut account: Account,
    head: &[u8],
    ledger: &Ledger,
    run: &mut Vec<Known>,
    twins: bool,
) {
    account.head_bytes = head.len() as u64;
    account.head_hash = blake3::hash(head).to_hex().to_string();
    if let Some(earlier) = ledger.same_state(&source.name, source.bytes, source.modified_ns)
        && earlier.head_hash == account.head_hash
    {
        plan.settled.push(known(account, earlier.content_bytes, &earlier.content_hash));
        return;
    }
    let mut candidates: Vec<Known> = ledger
        .candidates(head)
        .into_iter()
        .filter(|earlier| !earlier.content_hash.is_empty())
        .map(|earlier| (earlier.content_bytes, earlier.content_hash.clone()))
        .collect();
    candidates.append(&mut run.clone());
    if candidates.is_empty() && !twins {
        plan.steps.push(Step::new(source, account));
        return;
    }
    match compare(source, &candidates) {
        Err(reason) => plan.settled.push(refused(account, &reason)),
        Ok(Comparison { skip, total, hash }) => {
            run.push((total, hash.clone()));
            if skip == total && total > 0 {
                plan.settled.push(known(account, total, &hash));
            } else {
                let may_be_cut = candidates.iter().any(|(length, _)| *length > total);
                plan.steps.push(Step { skip, may_be_cut, has_twin: twins, ..Step::new(source, account) });
            }
        }
    }
}

fn known(account: Account, content_bytes: u64, content_hash: &str) -> Account {
    Account {
        outcome: Outcome::Known,
        content_bytes,
        content_hash: content_hash.to_owned(),
        skipped_bytes: content_bytes,
        ..account
    }
}

struct Comparison {
    /// The longest known content that this source begins with.
    skip: u64,
    total: u64,
    hash: String,
}

/// Hashes the source at every length that is known, and whole.
fn compare(source: &Source, candidates: &[Known]) -> Result<Comparison, String> {
    let mut lengths: Vec<u64> = candidates.iter().map(|(length, _)| *length).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let hashes = input::prefix_hashes(source, &lengths).map_err(|error| error.to_string())?;
    let Some((total, whole)) = hashes.last().map(|(length, hash)| (*length, hash.to_hex().to_string())) else {
        return Err("it could not be hashed".to_owned());
    };
    let skip = hashes
        .iter()
        .filter(|(length, hash)| {
            let hash = hash.to_hex();
            candidates.iter().any(|(known, known_hash)| known == length && known_hash == hash.as_str())
        })
        .map(|(length, _)| *length)
        .max()
        .unwrap_or(0);
    Ok(Comparison { skip, total, hash: whole })
}
