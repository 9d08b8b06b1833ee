//! Readers shared by the workers: a worker takes a reader, reads one chunk from it, gives it back and then parses. Many
//! files are so read in parallel, each by its own worker, and one large file is parsed by all workers while its bytes
//! are decoded in order. No chunk waits in a queue, so memory is one chunk a worker.

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
    steps: usize,
    open_max: usize,
}

#[derive(Default)]
struct State {
    idle: VecDeque<Box<Reader>>,
    next_step: usize,
    /// Readers that are open, idle ones included.
    open: usize,
    stopped: bool,
}

impl Pool {
    pub(super) fn new(steps: usize, open_max: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), steps, open_max }
    }

    /// The next task; `None` when all is read or the run was stopped. Waits while all readers are in use.
    pub(super) fn take(&self) -> Option<Task> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped {
                return None;
            }
            if state.next_step < self.steps && state.open < self.open_max {
                state.open += 1;
                state.next_step += 1;
                return Some(Task::Open(state.next_step - 1));
            }
            if let Some(reader) = state.idle.pop_back() {
                return Some(Task::Read(reader));
            }
            if state.open == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives a reader back that has more.
    pub(super) fn give_back(&self, reader: Box<Reader>) {
        self.change(|state| state.idle.push_back(reader));
    }

    /// A reader came to its end, or could not be opened.
    pub(super) fn closed(&self) {
        self.change(|state| state.open -= 1);
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
