//! A believable cluster's audit log with labelled attacks, the same for the same seed: for demonstrations, for
//! benchmarks, and to measure what the detections find and what they raise in vain.
//!
//! The log is made in slices of time. Each slice is generated from the seed and its number alone, by any thread; what
//! a slice's requests leave behind for later (a watch that ends minutes afterwards) waits in a heap until its time has
//! come. Attacks are generated first and merged in like that.

mod actor;
mod attack;
mod body;
mod call;
mod cluster;
mod dice;
mod folder;
mod rights;
mod tape;
mod traffic;
mod wrap;
mod write;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::mpsc::{self, Receiver, TryRecvError};

use serde::Serialize;

pub use attack::{Attack, Reader, Theft};
pub use folder::{Compression, FolderOptions, Written, write_folder, write_stream, write_wrapped};
pub use rights::Granted;
pub use wrap::{Wrapper, Wrapping, wrap};

use crate::error::{Error, Result};
use crate::limits::{GENERATED_SLICE_EVENTS, GENERATED_SLICES_PER_WORKER};
use cluster::{Cluster, DAY, SECOND};
use rights::Rights;
use tape::Tape;

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many events, attacks included.
    pub events: u64,
    /// The seed: the same seed and options give the same bytes.
    pub seed: u64,
    /// The attacks to hide in the log.
    pub attacks: Vec<Attack>,
    /// When the log begins, in microseconds since 1970, UTC.
    pub start: i64,
    /// How long it runs, in microseconds; at least a second.
    pub span: i64,
}

impl Default for Options {
    /// A million events of 2026-01-15, UTC, with every attack.
    fn default() -> Self {
        let start = 1_768_435_200 * SECOND;
        Self { events: 1_000_000, seed: 1, attacks: Attack::ALL.to_vec(), start, span: DAY }
    }
}

/// What an event of an attack is: one line of `labels.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The attack.
    pub attack: Attack,
    /// The audit id of the request. (One attack reuses the id of a harmless request.)
    pub audit_id: String,
    /// What the attacker does.
    pub step: String,
    /// Whether the request alone would alarm nobody.
    pub noisy: bool,
}

/// What was generated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Events, one line each.
    pub events: u64,
    /// Their size in bytes, line feeds included.
    pub bytes: u64,
    /// Labels.
    pub labels: u64,
}

/// What an identity was granted, and what of it was never used: one line of `_rights.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The identity.
    pub identity: String,
    /// Its rules, each with the place where it holds.
    pub granted: Vec<Granted>,
}

/// What is true of a log, whatever it tells.
#[derive(Debug, Clone)]
pub struct Truth {
    /// What the attacks gained.
    pub thefts: Vec<Theft>,
    /// The rights of those whom the attackers came as, and of the build system.
    pub holders: Vec<Holder>,
    /// All roles and bindings when the log ends, as `kubectl get` prints them in YAML.
    pub rbac: String,
}

/// Generates the log: calls `label` for each request of an attack, by time, then `sink` for each event with its line,
/// line feed included, in the order in which an API server writes them.
///
/// Memory is bounded by the threads of the current rayon pool, not by the number of events.
pub fn generate(
    options: &Options,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    label: &mut dyn FnMut(&Label) -> Result<()>,
) -> Result<Totals> {
    run(&world(options)?, options, sink, label).map(|run| run.0)
}

/// Generates the log as [`generate`] does, and tells what is true of it.
pub fn generate_with_truth(
    options: &Options,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    label: &mut dyn FnMut(&Label) -> Result<()>,
) -> Result<(Totals, Truth)> {
    let rights = Rights::of(&options.attacks);
    let cluster = world(options)?.counting(&rights);
    let (totals, counts, thefts) = run(&cluster, options, sink, label)?;
    let mut identities: BTreeSet<&str> = thefts.iter().flat_map(|theft| &theft.actors).map(String::as_str).collect();
    identities.insert(&cluster.deployer.name);
    let holder = |identity: &str| {
        let granted = cluster.ledger.granted(identity, &counts)?;
        Some(Holder { identity: identity.to_owned(), granted })
    };
    let holders = identities.into_iter().filter_map(holder).collect();
    let rbac = rights.yaml(&cluster);
    Ok((totals, Truth { thefts, holders, rbac }))
}

/// The log; gives also how often each right was used, and what the attacks gained.
fn run(
    cluster: &Cluster,
    options: &Options,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    label: &mut dyn FnMut(&Label) -> Result<()>,
) -> Result<(Totals, Vec<u64>, Vec<Theft>)> {
    let (waiting, counts) = (BinaryHeap::new(), cluster.ledger.blank());
    let mut log = Log { waiting, arrivals: 0, sink, totals: Totals::default(), counts };
    let (mut labels, mut thefts) = (Vec::new(), Vec::new());
    for attack in attacks(options) {
        let (tape, labelled, theft) = attack::raid(cluster, attack);
        labels.extend(labelled);
        thefts.push(theft);
        log.keep(&tape);
    }
    labels.sort_by_key(|(at, _)| *at);
    for (_, labelled) in &labels {
        label(labelled)?;
        log.totals.labels += 1;
    }
    let ordinary = options.events.saturating_sub(log.waiting.len() as u64);
    let slices = Slices::new(options.start, options.span, ordinary);
    in_order(
        slices.count,
        |number| slices.generate(cluster, number),
        |number, tape| log.merge(&tape, slices.bounds(number).1),
    )?;
    log.flush(i64::MAX)?;
    Ok((log.totals, log.counts, thefts))
}

fn world(options: &Options) -> Result<Cluster> {
    if options.span < SECOND {
        return Err(Error::usage("a log must run for at least a second; use a longer span"));
    }
    let end = options.start.checked_add(options.span).filter(|end| *end < 4_102_444_800 * SECOND && options.start >= 0);
    let end = end.ok_or_else(|| Error::usage("a log must lie between 1970 and 2100; use another start or span"))?;
    Ok(Cluster::new(options.seed, options.start, end, options.events))
}

/// The attacks, each once.
fn attacks(options: &Options) -> Vec<Attack> {
    let mut attacks = options.attacks.clone();
    attacks.sort_unstable();
    attacks.dedup();
    attacks
}

/// The division of the log into slices of equal time and, but for one, equal events.
struct Slices {
    start: i64,
    span: i64,
    events: u64,
    count: u64,
}

impl Slices {
    fn new(start: i64, span: i64, events: u64) -> Self {
        // a slice lasts at least a millisecond, so that it has room for its times
        let most = (span / 1_000).unsigned_abs().max(1);
        Self { start, span, events, count: events.div_ceil(GENERATED_SLICE_EVENTS).min(most) }
    }

    /// The share of `whole` that lies before this slice.
    fn before(&self, number: u64, whole: u64) -> u64 {
        let share = u128::from(whole) * u128::from(number) / u128::from(self.count);
        u64::try_from(share).unwrap_or(whole)
    }

    fn bounds(&self, number: u64) -> (i64, i64) {
        let at = |number| self.start + self.before(number, self.span.unsigned_abs()).cast_signed();
        (at(number), at(number + 1))
    }

    fn generate(&self, cluster: &Cluster, number: u64) -> Tape {
        let events = self.before(number + 1, self.events) - self.before(number, self.events);
        traffic::slice(cluster, number, self.bounds(number), events)
    }
}

/// Makes `count` pieces on the threads of the pool and takes them in order; few are made ahead of what was taken.
fn in_order<T: Send>(
    count: u64,
    make: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(u64, T) -> Result<()>,
) -> Result<()> {
    let ahead = (rayon::current_num_threads() * GENERATED_SLICES_PER_WORKER) as u64;
    let make = &make;
    rayon::in_place_scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let mut early = BTreeMap::new();
        let mut begun = 0;
        for wanted in 0..count {
            while begun < count && begun < wanted + ahead {
                let (sender, number) = (sender.clone(), begun);
                // the receiver is gone only after an error, when nobody wants the piece
                scope.spawn(move |_| drop(sender.send((number, make(number)))));
                begun += 1;
            }
            let piece = loop {
                if let Some(piece) = early.remove(&wanted) {
                    break piece;
                }
                let (number, piece) = receive(&receiver)?;
                early.insert(number, piece);
            };
            take(wanted, piece)?;
        }
        Ok(())
    })
}

/// The next piece. A caller that is itself a thread of the pool works meanwhile, because nobody else may be there to.
fn receive<T>(receiver: &Receiver<T>) -> Result<T> {
    let gone = || Error::Internal("a slice of the log was lost".to_owned());
    loop {
        match receiver.try_recv() {
            Ok(piece) => return Ok(piece),
            Err(TryRecvError::Disconnected) => return Err(gone()),
            Err(TryRecvError::Empty) => match rayon::yield_now() {
                Some(_) => std::thread::yield_now(),
                None => return receiver.recv().map_err(|_| gone()),
            },
        }
    }
}

/// An event that waits for its time: time, arrival (so that ties have an order), line.
type Waiting = Reverse<(i64, u64, Box<[u8]>)>;

/// The log as it is put together.
struct Log<'a> {
    waiting: BinaryHeap<Waiting>,
    arrivals: u64,
    sink: &'a mut dyn FnMut(&[u8]) -> Result<()>,
    totals: Totals,
    counts: Vec<u64>,
}

impl Log<'_> {
    fn put(&mut self, line: &[u8]) -> Result<()> {
        self.totals.events += 1;
        self.totals.bytes += line.len() as u64;
        (self.sink)(line)
    }

    /// Keeps all events of a tape until their time has come.
    fn keep(&mut self, tape: &Tape) {
        self.add_counts(tape);
        for mark in tape.marks() {
            self.wait(mark.key, tape.line(mark));
        }
    }

    fn add_counts(&mut self, tape: &Tape) {
        self.counts.iter_mut().zip(tape.counts()).for_each(|(sum, count)| *sum += count);
    }

    fn wait(&mut self, key: i64, line: &[u8]) {
        self.waiting.push(Reverse((key, self.arrivals, line.into())));
        self.arrivals += 1;
    }

    /// Puts the events of a slice that ends at `until`, and what has waited until then; keeps what is later.
    fn merge(&mut self, tape: &Tape, until: i64) -> Result<()> {
        self.add_counts(tape);
        for mark in tape.marks() {
            if mark.key < until {
                self.flush(mark.key)?;
                self.put(tape.line(mark))?;
            } else {
                self.wait(mark.key, tape.line(mark));
            }
        }
        self.flush(until)
    }

    /// Puts what has waited for a time before `until`.
    fn flush(&mut self, until: i64) -> Result<()> {
        while self.waiting.peek().is_some_and(|Reverse((key, ..))| *key < until) {
            if let Some(Reverse((_, _, line))) = self.waiting.pop() {
                self.put(&line)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
