//! The program as a user meets it: commands, exit codes, what goes to stdout and what to stderr.

mod exits;
mod history;
mod output;
mod query;
mod rules;
mod words;
