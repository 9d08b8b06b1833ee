//! The command line: one file for each subcommand, each with its arguments and its `run`. Only here is anything printed
//! and are arguments, environment and signals read. Stdout carries data, stderr everything else.

mod args;
mod demo;
mod detect;
mod explain;
mod findings;
mod generate;
mod ingest;
mod init;
mod investigate;
mod lake;
mod output;
mod place;
mod probe;
mod progress;
mod report;
mod review;
mod risk;
mod rotate;
mod rules;
mod run;
mod schema;
mod signals;
mod snapshots;
mod sql;
mod subject;
mod triage;

use std::io::{ErrorKind, Write};

use clap::{Parser, Subcommand};

use crate::error::{Error, Result};
use crate::finding::Severity;

/// Finds who took the secrets of a Kubernetes cluster, from its archived audit logs.
#[derive(Debug, Parser)]
#[command(name = "kubesift", version, about, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 2 usage, configuration or rule error; 3 done, but some lines were rejected or a file was cut off; \
4 a file was refused; 5 a limit was hit (memory, time, disk); 6 the lake is damaged; 7 the lake is in use; \
10 findings, with --fail-on; 130, 143 stopped by a signal; 1 a bug.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a labelled sample log, triage it, and show the findings and where the report lies
    Demo(demo::Args),
    /// Findings straight from log files: no lake, no configuration
    Triage(triage::Args),
    /// Read audit logs into a lake
    Ingest(ingest::Args),
    /// What log files are: how they are packed and wrapped, and the first event
    Probe(probe::Args),
    /// Run the detections over a lake
    Detect(detect::Args),
    /// A night as kubesift.toml says: read, detect, tell what is new, keep it
    Run(run::Args),
    /// Write a commented kubesift.toml, and files that run it every night
    Init(init::Args),
    /// Show the findings that a lake keeps
    Findings(findings::Args),
    /// One finding with its reasons, the requests behind it, and what to ask next
    Explain(explain::Args),
    /// Which secrets an identity reached, who else it is, and what to replace
    Investigate(investigate::Args),
    /// The secrets and credentials to replace after what somebody did
    Rotate(rotate::Args),
    /// What was found, whom it is about, what they took and what to do now, as a page to hand over
    Report(report::Args),
    /// What speaks against each identity, and for the loss of each secret
    Risk(risk::Args),
    /// Ask a lake a question in SQL
    Sql(sql::Args),
    /// Look after a lake
    Lake(lake::Args),
    /// List, show and check detections
    Rules(rules::Args),
    /// Write a believable audit log with labelled attacks
    Generate(generate::Args),
    /// Print the columns of the events table
    Schema(schema::Args),
}

/// How a run that did not fail ended. Ordered from the quietest to the one that counts when several apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// Everything was done and every line is accounted for.
    Complete,
    /// Something was rejected, cut off or skipped.
    Partial,
    /// Findings at or above `--fail-on`.
    Findings,
    /// A file was refused.
    Refused,
    /// A limit left a detection incomplete.
    Limited,
}

impl Ending {
    /// This ending, where the loudest finding is quieter than `fail_on` or nobody asked.
    fn unless_found(self, loudest: Option<Severity>, fail_on: Option<Severity>) -> Self {
        if fail_on.is_some() && loudest >= fail_on { self.max(Self::Findings) } else { self }
    }

    fn exit_code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Partial => 3,
            Self::Findings => 10,
            Self::Refused => 4,
            Self::Limited => 5,
        }
    }
}

/// Runs the command that the arguments name; returns the exit code.
#[must_use]
pub fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::from(error.use_stderr()) * 2;
            return if error.print().is_ok() { code } else { 2 };
        }
    };
    match dispatch(cli.command) {
        Ok(ending) => ending.exit_code(),
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            say(&format!("kubesift: {}", output::safe(&error.to_string())));
            error.exit_code()
        }
    }
}

fn dispatch(command: Command) -> Result<Ending> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Triage(args) => triage::run(&args),
        Command::Ingest(args) => ingest::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Detect(args) => detect::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Findings(args) => findings::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Investigate(args) => investigate::run(&args),
        Command::Rotate(args) => rotate::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Risk(args) => risk::run(&args),
        Command::Sql(args) => sql::run(&args),
        Command::Lake(args) => lake::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Schema(args) => schema::run(&args),
    }
}

/// Someone piped the output into `head`: not an error.
fn is_closed_pipe(error: &Error) -> bool {
    matches!(error, Error::Storage { source, .. } if source.kind() == ErrorKind::BrokenPipe)
}

/// A line for the user, on stderr. If even that is closed there is nobody to tell.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
