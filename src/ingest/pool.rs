//! Readers shared by the workers: a worker takes a reader, reads one chunk from it, gives it back and then parses. Many
//! files are so read in parallel, each by its own worker, and one large file is parsed by all workers while its bytes
//! are decoded in order. So are the members of a packed archive, one after the other: two readers would unpack it twice.
//! No chunk waits in a queue, so memory is one chunk a worker.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::input::Lines;

/// A source that is being read.
pub(super) struct Reader {
    /// The position among the steps.
    pub(super) step: usize,
    pub(super) lines: Lines,
}

/// What a worker is to do next.
pub(super) enum Task {
    /// Open the source of this step.
    Open(usize),
    /// Read on.
    Read(Box<Reader>),
}

pub(super) struct Pool {
    state: Mutex<State>,
    changed: Condvar,
    /// The stream of each step, where it shares one with others.
    streams: Vec<Option<usize>>,
    open_max: usize,
}

#[derive(Default)]
struct State {
    idle: VecDeque<Box<Reader>>,
    next_step: usize,
    /// Steps whose readers are open, idle ones included.
    open: Vec<usize>,
    stopped: bool,
}

impl State {
    /// The reader that a worker used before, whose buffers its core has at hand, or else any.
    fn idle_reader(&mut self, last: Option<usize>) -> Option<Box<Reader>> {
        let own = self.idle.iter().position(|reader| Some(reader.step) == last);
        self.idle.swap_remove_back(own.unwrap_or(self.idle.len().saturating_sub(1)))
    }
}

impl Pool {
    /// A pool for as many steps as there are `streams`; those with the same number are read one after the other.
    pub(super) fn new(streams: Vec<Option<usize>>, open_max: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), streams, open_max }
    }

    /// The next task for a worker that read of the step `last`; `None` when all is read or the run was stopped. Waits while
    /// all readers are in use.
    pub(super) fn take(&self, last: Option<usize>) -> Option<Task> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped {
                return None;
            }
            if self.may_open(&state) {
                let step = state.next_step;
                state.open.push(step);
                state.next_step += 1;
                return Some(Task::Open(step));
            }
            if let Some(reader) = state.idle_reader(last) {
                return Some(Task::Read(reader));
            }
            if state.open.is_empty() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn may_open(&self, state: &State) -> bool {
        let Some(stream) = self.streams.get(state.next_step) else { return false };
        let is_in_use = stream.is_some() && state.open.iter().any(|step| self.streams[*step] == *stream);
        state.open.len() < self.open_max && !is_in_use
    }

    /// Gives a reader back that has more.
    pub(super) fn give_back(&self, reader: Box<Reader>) {
        self.change(|state| state.idle.push_back(reader));
    }

    /// The reader of a step came to its end, or could not be opened.
    pub(super) fn closed(&self, step: usize) {
        self.change(|state| state.open.retain(|open| *open != step));
    }

    /// Ends the work of all workers.
    pub(super) fn stop(&self) {
        self.change(|state| state.stopped = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(pool: &Pool) -> usize {
        match pool.take(None) {
            Some(Task::Open(step)) => step,
            _ => panic!("nothing was to be opened"),
        }
    }

    fn may_open(pool: &Pool) -> bool {
        pool.may_open(&pool.state.lock().unwrap())
    }

    #[test]
    fn members_of_one_stream_are_opened_one_after_the_other() {
        let pool = Pool::new(vec![None, Some(7), Some(7), Some(8)], 3);
        assert_eq!((opened(&pool), opened(&pool)), (0, 1));
        assert!(!may_open(&pool), "the stream of step 2 is in use");
        pool.closed(0);
        assert!(!may_open(&pool));
        pool.closed(1);
        assert_eq!((opened(&pool), opened(&pool)), (2, 3));
    }

    #[test]
    fn sources_of_their_own_are_opened_up_to_the_limit() {
        let pool = Pool::new(vec![None; 3], 2);
        assert_eq!((opened(&pool), opened(&pool)), (0, 1));
        assert!(!may_open(&pool));
        pool.closed(1);
        assert_eq!(opened(&pool), 2);
        pool.closed(0);
        pool.closed(2);
        assert!(pool.take(None).is_none());
    }
}
