//! `kubesift generate`: a believable log with labelled attacks.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{Ending, args, say};
use crate::error::{Error, Result};
use crate::generate::{
    Attack, Compression, FolderOptions, Options, Wrapper, write_folder, write_stream, write_wrapped,
};
use crate::report::human;

/// Arguments of `kubesift generate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many events, attacks included
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    events: u64,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Attacks to plant: all, none, or names separated by commas
    #[arg(long, value_name = "NAMES", default_value = "all", value_parser = attacks)]
    attacks: Attacks,
    /// The first moment
    #[arg(long, value_name = "TIME", value_parser = args::moment, default_value = "2026-01-15")]
    start: i64,
    /// The time that the events spread over, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    hours: u32,
    /// Folder to write to, labels.jsonl included; `-` writes plain lines to stdout, without labels
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Compression of the files: none, gzip or zstd
    #[arg(long, value_name = "NAME", default_value = "gzip", value_parser = ["none", "gzip", "zstd"])]
    compression: String,
    /// What to wrap the events in, as clouds and collectors do: eks-subscription, aks-records, gke, cri ...
    #[arg(long, value_name = "NAME", value_parser = Wrapper::from_str)]
    envelope: Option<Wrapper>,
}

#[derive(Debug, Clone)]
struct Attacks(Vec<Attack>);

fn attacks(text: &str) -> Result<Attacks, String> {
    match text {
        "all" => Ok(Attacks(Attack::ALL.to_vec())),
        "none" => Ok(Attacks(Vec::new())),
        names => {
            let parse = |name| Attack::from_str(name).map_err(|error| error.to_string());
            names.split(',').map(parse).collect::<Result<_, _>>().map(Attacks)
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let options = Options {
        events: args.events,
        seed: args.seed,
        attacks: args.attacks.0.clone(),
        start: args.start,
        span: i64::from(args.hours) * 3_600_000_000,
    };
    if args.out == Path::new("-") {
        let fail = |error| Error::storage("stdout", error);
        let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
        match args.envelope {
            Some(wrapper) => write_wrapped(&options, wrapper, &mut out)?,
            None => write_stream(&options, &mut out)?,
        };
        out.flush().map_err(fail)?;
        return Ok(Ending::Complete);
    }
    let compression = match args.compression.as_str() {
        "none" => Compression::None,
        "zstd" => Compression::Zstd,
        _ => Compression::Gzip,
    };
    let written = write_folder(
        &options,
        &args.out,
        &FolderOptions { compression, envelope: args.envelope, ..FolderOptions::default() },
    )?;
    let (events, bytes, labels) = (written.totals.events, written.totals.bytes, written.totals.labels);
    say(&format!(
        "{} events ({} of text) in {} files, {labels} of them labelled as attacks in {}",
        human::count(events),
        human::bytes(bytes),
        written.files.len(),
        written.labels.display()
    ));
    Ok(Ending::Complete)
}
