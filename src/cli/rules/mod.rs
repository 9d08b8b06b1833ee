//! `kubesift rules`: what is detected, and the words behind each detection.

mod check;
mod coverage;
mod new;
mod readiness;

use std::path::Path;

use super::{Ending, args, output};
use crate::detection::{Detection, Pack, attack};
use crate::error::{Error, Result};
use crate::prove;

/// Arguments of `kubesift rules`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    rules: args::Rules,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// One line for each detection, loudest first
    List,
    /// Everything about one detection, its SQL included
    Show {
        /// The detection's id
        id: String,
    },
    /// The views that detections and queries read
    Views,
    /// Write a detection and its cases to begin with
    New(new::Args),
    /// Check the detections of --rules DIR or --pack DIR, else all: header, plan, types of columns, traps with NULL
    Check,
    /// What other packs, cloud products and threat matrices look for, and who of ours answers
    Coverage(coverage::Args),
    /// Which detections could not see anything in a lake, and the audit policy that would change it
    Readiness(Box<readiness::Args>),
    /// Hold the detections of --rules DIR or --pack DIR to the cases beside them
    Test {
        /// Also change the events of each hit as an attacker would: it must still be found, or `blind` names the trick
        #[arg(long)]
        mutate: bool,
    },
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let pack = args.rules.pack()?;
    let text = match &args.action {
        Action::List => list(&pack),
        Action::Show { id } => {
            let unknown = || Error::usage(format!("there is no detection {id:?}; see `kubesift rules list`"));
            show(pack.get(id).ok_or_else(unknown)?)
        }
        Action::Views => views(&pack),
        Action::Readiness(of) => {
            readiness::run(of, &pack)?;
            return Ok(Ending::Complete);
        }
        Action::Coverage(of) => {
            coverage::run(of, &args.rules.whole()?, args.rules.pack_folder())?;
            return Ok(Ending::Complete);
        }
        Action::New(of) => new::run(of, &pack)?,
        Action::Check => check::run(&pack, args.rules.has_folder())?,
        Action::Test { mutate } => test(&pack, *mutate)?,
    };
    output::print(&output::safe(&text))?;
    Ok(Ending::Complete)
}

fn list(pack: &Pack) -> String {
    let mut detections: Vec<&Detection> = pack.detections.iter().collect();
    detections.sort_by(|a, b| b.header.severity.cmp(&a.header.severity).then_with(|| a.id.cmp(&b.id)));
    let width = detections.iter().map(|detection| detection.id.len()).max().unwrap_or(0);
    detections
        .into_iter()
        .map(|detection| {
            format!("{:<8}  {:<width$}  {}\n", detection.header.severity, detection.id, detection.header.title)
        })
        .collect()
}

fn show(detection: &Detection) -> String {
    let header = &detection.header;
    let mut text = format!(
        "{} ({}, {})\n{}\n\n{}\n",
        detection.id,
        header.severity,
        word(header.status),
        header.title,
        header.describe
    );
    let attack: Vec<String> = header
        .attack
        .iter()
        .map(|id| {
            let names: Vec<&str> = id.split('/').filter_map(attack::name).collect();
            format!("{id} {}", names.join(": "))
        })
        .collect();
    let params: Vec<String> = header.params.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let sections = [
        ("attack", &attack),
        ("first questions", &header.triage),
        ("harmless when", &header.benign),
        ("cannot see", &header.blind),
        ("parameters", &params),
        ("references", &header.references),
    ];
    for (title, lines) in sections.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        text += &format!("\n{title}\n");
        lines.iter().for_each(|line| text += &format!("  {line}\n"));
    }
    text + &format!("\nneeds audit level {:?}\n\n{}\n", header.needs, detection.sql.trim())
}

fn word(status: crate::detection::Status) -> &'static str {
    use crate::detection::Status::{Experimental, Stable, Test};
    match status {
        Experimental => "experimental",
        Test => "test",
        Stable => "stable",
    }
}

fn views(pack: &Pack) -> String {
    let width = pack.views.iter().map(|view| view.name.len()).max().unwrap_or(0);
    pack.views.iter().map(|view| format!("{:<width$}  {}\n", view.name, view.describe)).collect()
}

/// Tries the cases of all detections that lie in a folder; the built-in ones were tried when the program was built.
fn test(pack: &Pack, mutate: bool) -> Result<String> {
    let on_disk: Vec<&Detection> = pack.detections.iter().filter(|one| Path::new(&one.path).is_file()).collect();
    if on_disk.is_empty() {
        return Err(Error::usage("there is nothing to test: name your folder with --rules DIR"));
    }
    let verdicts = prove::prove(pack, &on_disk, mutate);
    let faults: Vec<String> = verdicts
        .iter()
        .filter_map(|verdict| Some((verdict, verdict.fault.as_ref()?)))
        .map(|(verdict, fault)| format!("{}, {}: {fault}", verdict.detection, verdict.case))
        .collect();
    if faults.is_empty() {
        return Ok(format!("{} detections hold in {} trials\n", on_disk.len(), verdicts.len()));
    }
    Err(Error::Usage(format!("{}\n{} of {} trials failed", faults.join("\n"), faults.len(), verdicts.len())))
}
