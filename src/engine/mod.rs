//! The engine: DataFusion behind a synchronous door. Nothing outside this module names it.
//!
//! A [`Session`] holds one set of events (parts of the lake, or batches in memory), the views over them and the
//! functions that SQL has here; it answers read-only SQL ([`Session::query`]) and runs detections
//! ([`Session::detect`]). What a statement may do is decided in `guard`, before it is planned; what it may use, in
//! `session`; whose fault a failure is, in `fault`.
//!
//! Call it from a thread that runs no Tokio task: it waits for its own.

mod answers;
mod check;
mod compact;
mod detect;
mod empty;
mod facts;
mod fault;
mod functions;
mod guard;
mod inventory;
mod parts;
mod requests;
mod richest;
mod rows;
mod run;
mod session;
#[cfg(test)]
mod tests;
mod views;

pub use answers::{Answer, Planned, Question, Value, Values};
pub use check::{Checker, Flaw};
pub use detect::{Detected, Run, run_detection};
pub use facts::Extent;
pub use requests::{Evidence, Requests};
pub use run::QueryResult;
pub use session::{Events, Period, Session, Settings};
pub use views::View;
