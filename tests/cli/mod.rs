//! The program as a user meets it: commands, exit codes, what goes to stdout and what to stderr.

pub(crate) mod dossier;
mod exits;
mod explain;
mod history;
mod nodes;
mod output;
mod query;
mod report;
mod risk;
mod rules;
mod words;
