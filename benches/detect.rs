//! The whole pack over a lake, against one scan of the columns that most detections read.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

mod child;
mod figures;

use std::path::Path;
use std::time::{Duration, Instant};

use child::{Measured, best, serve};
use figures::{Figures, ROUNDS, events, seconds};
use kubesift::config::Config;
use kubesift::detection::Pack;
use kubesift::engine::{Events, Period, Session, Settings, View};
use kubesift::error::{Error, Result};
use kubesift::generate::{Compression, FolderOptions, Options, write_folder};
use kubesift::ingest::{self, Watch, ingest};
use kubesift::lake::Lake;
use kubesift::report::State;
use kubesift::{detect, input, limits};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the views of the pack read of every event. An aggregate of each column, so that none is skipped.
const SCAN: &str = "select count(*), min(ts), max(cluster), max(audit_id), max(stage), max(actor), max(actor_kind), \
                    max(client_ip), max(credential_id), max(user_agent), max(verb), max(resource), max(subresource), \
                    max(namespace), max(name), max(outcome), max(sensitivity), max(response_code) from events";

fn main() -> Result<()> {
    if serve(measure) {
        return Ok(());
    }
    let Some(mut figures) = Figures::from_args("detect") else { return Ok(()) };
    let temp = tempfile::tempdir().map_err(|error| Error::storage(std::env::temp_dir(), error))?;
    let options = Options { events: events(1_000_000), ..Options::default() };
    let lake = make_lake(&options, temp.path())?;
    println!("{} events, best of {ROUNDS}, {} threads", options.events, ingest::Options::default().threads);

    let floor = best(ROUNDS, "scan", lake.root())["seconds"];
    let mut pack = best(ROUNDS, "pack", lake.root());
    let mut take = |name: &str| pack.remove(name).expect("measure puts it");
    let (total, findings, incomplete) = (take("total"), take("findings"), take("incomplete"));
    let memory = take("peak_mib");
    // detections run side by side, after the views that they share: these do not add up to the whole
    for (detection, seconds) in &pack {
        figures.put(detection, seconds * 1e3, "ms");
    }
    figures.put("floor: one scan of the columns", floor, "s");
    figures.put("the whole pack", total, "s");
    figures.put("the whole pack / floor", total / floor, "times its time");
    figures.put("findings", findings, "");
    figures.put("incomplete detections", incomplete, "");
    figures.put("peak memory", memory, "MiB");
    figures.save();
    Ok(())
}

fn make_lake(options: &Options, folder: &Path) -> Result<Lake> {
    let logs = folder.join("logs");
    let plain = FolderOptions { compression: Compression::None, ..FolderOptions::default() };
    let written = write_folder(options, &logs, &plain)?;
    let sources = input::find(&written.files, &kubesift::store::Stores::default())?.sources;
    let lake = Lake::create_or_open(folder.join("lake"))?;
    ingest(&lake, &sources, &ingest::Options::default(), &Watch::default())?;
    std::fs::remove_dir_all(&logs).map_err(|error| Error::storage(&logs, error))?;
    Ok(lake)
}

/// What a child does, with a session of its own, so that no view is there yet.
fn measure(what: &str, root: &Path) -> Result<Measured> {
    let (pack, config) = (Pack::embedded()?, Config::default());
    let lake = Lake::open(root)?;
    let settings = Settings {
        memory_bytes: limits::QUERY_BYTES_DEFAULT,
        spill_dir: lake.spill_folder(),
        timeout: Duration::from_secs(limits::QUERY_SECONDS_DEFAULT),
        threads: ingest::Options::default().threads,
    };
    let events = Events::Parts(lake.snapshot()?.stored()?);
    let views = pack.views.iter().map(View::from).collect();
    let session = Session::open(&settings, events, views, &config.lists_with(&pack.lists), Period::default())?;
    if what == "scan" {
        let (seconds, rows) = seconds(|| session.query(SCAN)?.collect::<Result<Vec<_>>>());
        return rows.map(|_| Measured::from([("seconds".to_owned(), seconds)]));
    }
    run_pack(&session, &pack, &config)
}

/// The seconds of each detection by its id, and of all.
fn run_pack(session: &Session, pack: &Pack, config: &Config) -> Result<Measured> {
    let known = detect::Known { today: chrono::Utc::now().date_naive(), days: 0 };
    let begun = Instant::now();
    let detected = detect::detect(session, pack, config, &known, |_| Ok(()))?;
    let total = begun.elapsed().as_secs_f64();
    let (mut measured, mut incomplete) = (Measured::new(), 0);
    for outcome in &detected.outcomes {
        match &outcome.state {
            State::Ran { millis, .. } => {
                measured.insert(outcome.detection.clone(), Duration::from_millis(*millis).as_secs_f64());
            }
            State::Incomplete(why) => {
                eprintln!("{} is incomplete: {why}", outcome.detection);
                incomplete += 1;
            }
            State::NotEvaluable(_) => {}
        }
    }
    measured.insert("total".to_owned(), total);
    measured.insert("findings".to_owned(), detected.findings.len() as f64);
    measured.insert("incomplete".to_owned(), f64::from(incomplete));
    Ok(measured)
}
