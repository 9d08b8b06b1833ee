//! Kubesift finds who took the secrets of a Kubernetes cluster, from its archived audit logs.
//!
//! # The road
//!
//! ```text
//! archived logs --> input --> event --> lake --> engine --> finding --> report
//!  files, URLs,     find,     unwrap,   Parquet  session,   one row     table, CSV,
//!  .gz .xz .tar     decode,   parse,    + Delta  views,     one         NDJSON, Parquet,
//!                   chunk     redact,   log      detections finding     HTML ...
//!                             columns
//! ```
//!
//! Two programs share it: the way in ([`ingest`]) and the way out ([`detect`]). The lake between them is the only
//! thing they share. [`run`] does both for the nights of an archive.
//!
//! # Who may import whom
//!
//! Downward only; siblings on one floor do not know each other.
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`error`], [`limits`], [`schema`] |
//! | 1 | [`account`], [`block`], [`part`], [`finding`], [`manifest`], [`store`] |
//! | 2 | [`input`], [`event`], [`lake`], [`detection`], [`config`], [`rbac`], [`risk`] |
//! | 3 | [`engine`], [`report`] (which may import only [`detection`] and [`risk`] of floor 2) |
//! | 4 | [`ingest`], [`baseline`], [`detect`], [`explain`], [`dossier`], [`prove`], [`generate`], [`review`] |
//! | 5 | [`run`] |
//! | 6 | [`cli`], then `main` |
//!
//! # Invariants
//!
//! Each is checked in `tests/tidy.rs` or by the tests that it names.
//!
//! - Only [`event`] names simd-json; only [`engine`] names DataFusion; only [`lake`] names Delta; only [`review`] names
//!   reqwest.
//! - Only [`cli`] and `main` print, and only they read arguments and the environment; stdout carries data, stderr
//!   everything else.
//! - A bad line is a row among the rejects, never an error and never silence: for every input file, lines seen = rows
//!   committed + rejects + blank lines + exact duplicates + lines of other logs ([`account`]).
//! - [`report`] receives findings, headers and accounts and knows no engine.
//! - No global mutable state; every queue, buffer and batch has a bound with a name in [`limits`].
//! - Detections read views only; views alone read the lake's table.
//! - The fast way of [`event`] gives the rows that its slow way gives, and both those of a plain reader
//!   (`tests/reference`).
//! - Nothing that a log says is trusted on its way to a terminal, a CSV cell, an HTML page, a path or a query.

pub mod error;
pub mod limits;
pub mod schema;

pub mod account;
pub mod block;
pub mod finding;
pub mod manifest;
pub mod part;
pub mod store;

pub mod config;
pub mod detection;
pub mod event;
pub mod input;
pub mod lake;
pub mod rbac;
pub mod risk;

pub mod engine;
pub mod report;

pub mod baseline;
pub mod detect;
pub mod dossier;
pub mod explain;
pub mod generate;
pub mod ingest;
pub mod prove;
pub mod review;

pub mod run;

pub mod cli;
