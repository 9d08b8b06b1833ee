//! The tape: events as they are written, each with the time by which it is put in order.

use std::sync::Arc;

use uuid::Uuid;

use super::actor::Actor;
use super::call::{Call, Outcome};
use super::cluster::Cluster;
use super::dice::Dice;
use super::rights::Ledger;
use super::write::{self, Stage, Stamp};

/// One event on the tape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    /// When it reaches the log file, in microseconds since 1970: its stage's time, for a few a little later.
    pub(crate) key: i64,
    from: usize,
    to: usize,
}

/// Events of one slice of time or of one attack.
pub(crate) struct Tape {
    pub(crate) dice: Dice,
    bytes: Vec<u8>,
    marks: Vec<Mark>,
    /// How many more events fit; further ones are dropped.
    left: u64,
    /// When the log ends; nothing completes later.
    end: i64,
    ledger: Arc<Ledger>,
    /// How often each right was used.
    counts: Vec<u64>,
}

impl Tape {
    /// An empty tape of a cluster for at most `left` events.
    pub(crate) fn new(cluster: &Cluster, dice: Dice, left: u64) -> Self {
        let (ledger, end) = (Arc::clone(&cluster.ledger), cluster.end);
        Self { dice, bytes: Vec::new(), marks: Vec::new(), left, end, counts: ledger.blank(), ledger }
    }

    /// Whether no more events fit.
    pub(crate) fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Records a request that arrives at this time; returns its audit id.
    pub(crate) fn record(&mut self, at: i64, actor: &Actor, call: &Call) -> Uuid {
        let id = self.dice.uuid();
        self.record_as(id, at, actor, call);
        id
    }

    /// Records a request under an audit id that the client chose.
    pub(crate) fn record_as(&mut self, id: Uuid, at: i64, actor: &Actor, call: &Call) {
        if !self.is_full() {
            self.ledger.count(&mut self.counts, actor, call);
        }
        let received = at.min(self.end);
        let answered = (received + self.latency(call.verb)).min(self.end);
        let stamp = |stage, staged| Stamp { id, stage, received, staged };
        if call.outcome == Outcome::Unauthorized {
            // the API server writes no ResponseComplete where authentication failed
            self.write(actor, call, &stamp(Stage::Started, answered));
        } else if call.open > 0 {
            self.write(actor, call, &stamp(Stage::Started, answered));
            let closed = answered + call.open;
            if closed <= self.end {
                self.write(actor, call, &stamp(Stage::Complete, closed));
            }
        } else {
            self.write(actor, call, &stamp(Stage::Complete, answered));
        }
    }

    fn write(&mut self, actor: &Actor, call: &Call, stamp: &Stamp) {
        if self.is_full() {
            return;
        }
        self.left -= 1;
        // a few events are overtaken by others between their stage and the file
        let delay = if self.dice.chance(10) { self.dice.between(100, 5_000) } else { 0 };
        let from = self.bytes.len();
        write::event(&mut self.bytes, actor, call, stamp);
        self.marks.push(Mark { key: stamp.staged + delay, from, to: self.bytes.len() });
    }

    /// Microseconds until the answer: a few milliseconds, with a long tail.
    fn latency(&mut self, verb: &str) -> i64 {
        let usual = match verb {
            "get" | "watch" => self.dice.between(700, 5_500),
            "list" => self.dice.between(1_500, 9_000),
            "patch" => self.dice.between(5_000, 28_000),
            _ => self.dice.between(2_800, 9_500),
        };
        match self.dice.below(200) {
            0 => usual * 12,
            1..=9 => usual * 4,
            _ => usual,
        }
    }

    /// The events in the order in which they reach the file.
    pub(crate) fn sort(&mut self) -> &[Mark] {
        self.marks.sort_by_key(|mark| mark.key);
        &self.marks
    }

    /// The events, in the order of [`Self::sort`] once that was called.
    pub(crate) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// How often each right was used.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The line of an event, line feed included.
    pub(crate) fn line(&self, mark: &Mark) -> &[u8] {
        &self.bytes[mark.from..mark.to]
    }
}
