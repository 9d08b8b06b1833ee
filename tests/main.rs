//! Everything that is tested from outside the crate, in one binary, since each test binary links all of DataFusion.

// a test says what is wrong by failing; clippy knows that of `#[test]` functions, but not of what they call
#![allow(clippy::unwrap_used)]

mod cli;
mod coverage;
mod envelopes;
mod formats;
mod hostile;
mod ingest;
mod nights;
mod properties;
mod reference;
mod remote;
mod review;
mod rig;
mod tidy;
