//! The optional review: a language model that the user names reads the findings, and its reading is added to the report,
//! marked as such. Off unless asked for; without it nothing here runs.
//!
//! - [`Brief`] is all that leaves: numbers, closed words, and stand-ins for names (`names`, `words`, `totals`).
//! - [`Endpoint`] says to whom, [`ask`] sends it, `answer` takes from the answer what cites findings.
//! - [`ReviewFault`] is every way in which there is no review. None of them ends the run.

mod answer;
mod ask;
mod brief;
mod endpoint;
mod fault;
mod names;
mod totals;
mod words;

#[cfg(test)]
mod tests;

pub use self::ask::{Patience, ask};
pub use self::brief::{Brief, Facts};
pub use self::endpoint::{Endpoint, Key};
pub use self::fault::ReviewFault;
