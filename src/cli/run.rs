//! `kubesift run`: a night as the configuration says: read, examine, tell, keep.

mod outputs;
mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::outputs::Outputs;
use super::detect::Numbers;
use super::progress::Progress;
use super::{Ending, args, ingest, output, place, say, signals};
use crate::account::{Account, Outcome};
use crate::config::Config;
use crate::detection::Pack;
use crate::engine::Period;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};
use crate::ingest::Watch;
use crate::input::Source;
use crate::lake::{Kept, Lake};
use crate::report::metrics::{self, Metrics};
use crate::report::{State, file, human};
use crate::run::{self, Due, Examined, Examiner, Logs, Turn, Window, Wish, Work};
use crate::store::Stores;

/// How long findings wait for an ingest that holds the lake, and how often they ask.
const KEEP_WAIT_MAX: Duration = Duration::from_mins(10);
const KEEP_WAIT: Duration = Duration::from_millis(500);

/// Arguments of `kubesift run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration; `kubesift init` writes one
    #[arg(long, value_name = "FILE", default_value = "kubesift.toml")]
    config: PathBuf,
    /// The lake, a folder or URL, in place of the configuration's
    #[arg(long, value_name = "DIR")]
    lake: Option<String>,
    /// Say what would be read and examined, from when to when, and why; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Examine the dates of --since and --until even where nothing changed
    #[arg(long)]
    again: bool,
    /// Run as if it were then: for tests, and to play an archive night by night
    #[arg(long, value_name = "TIME", value_parser = args::moment, hide = true)]
    now: Option<i64>,
    /// Write numbers of the run for Prometheus to this file
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// No progress and no summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    intake: ingest::Intake,
    #[command(flatten)]
    rules: args::Rules,
    #[command(flatten)]
    time: args::Time,
    #[command(flatten)]
    limits: args::Limits,
}

/// What a run was asked to do.
struct Job<'a> {
    args: &'a Args,
    config: Config,
    pack: Pack,
    lake: PathBuf,
    asked: Period,
    grace: i64,
    /// When it began, microseconds since 1970.
    now: i64,
    watch: Arc<Watch>,
    stores: Stores,
}

/// What was done, for the metrics of a run that may have failed half-way.
#[derive(Default)]
struct Tally {
    phases: BTreeMap<&'static str, Duration>,
    accounts: Vec<Account>,
    /// Findings that no run told before.
    fresh: Vec<Finding>,
    late: BTreeMap<String, u64>,
    numbers: Numbers,
    dates: u64,
    lake: Option<metrics::Lake>,
    is_limited: bool,
}

impl Tally {
    /// Runs a part of the work by the clock.
    fn timed<T>(&mut self, phase: &'static str, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let done = work(self);
        *self.phases.entry(phase).or_default() += begun.elapsed();
        done
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let job = Job::new(args)?;
    if args.dry_run {
        return plan::show(&job);
    }
    signals::listen(&job.watch)?;
    let metrics = args.metrics.clone().or_else(|| job.config.night.metrics.as_ref().map(PathBuf::from));
    metrics.as_deref().map_or(Ok(()), file::check)?;
    let mut tally = Tally::default();
    let mut done = job.night(&mut tally);
    // also what was told before a failure
    let told = job.tell(&tally);
    done = done.and_then(|ending| told.map(|()| ending));
    output::with_metrics(metrics.as_deref(), done, |exit_code| tally.metrics(exit_code))
}

impl Tally {
    fn metrics(&self, exit_code: u8) -> Metrics<'_> {
        Metrics {
            command: "run",
            ended_at: 0,
            exit_code,
            phases: self.phases.iter().map(|(phase, time)| (*phase, *time)).collect(),
            accounts: Some(&self.accounts),
            findings: Some(metrics::counts(&self.fresh)),
            late: self.late.values().sum(),
            detections: self.numbers.detections.clone(),
            dates: Some(self.dates),
            lake: self.lake,
        }
    }
}

impl<'a> Job<'a> {
    fn new(args: &'a Args) -> Result<Self> {
        let config = Config::read(&args.config)?;
        let at = |what: &str| Error::usage(format!("{}: {what}", args.config.display()));
        let lake = args.lake.as_ref().or(config.lake.as_ref());
        let lake = lake.ok_or_else(|| at("it names no lake; add lake = \"lake\", or --lake"))?.into();
        if config.sources.is_empty() {
            return Err(at("it names no logs; add a [[source]] with its path"));
        }
        let night = &config.night;
        let pack = args.rules.pack_or(night.rules.as_deref().map(Path::new), &night.only)?;
        crate::detect::check_params(&pack, &config)?;
        let grace = night.grace().map_err(Error::Usage)?;
        let asked = args.time.period()?;
        let now = args.now.unwrap_or_else(|| chrono::Utc::now().timestamp_micros());
        let (watch, stores) = (Arc::new(Watch::default()), place::stores());
        Ok(Self { args, config, pack, lake, asked, grace, now, watch, stores })
    }

    /// The lake, if there is one yet.
    fn open(&self) -> Result<Option<Lake>> {
        match Lake::open(place::lake(&self.lake)?) {
            Ok(lake) => Ok(Some(lake)),
            // none yet, or one whose creation was interrupted
            Err(Error::Usage(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The window of a lake, and the logs in it.
    fn logs(&self, lake: Option<&Lake>) -> Result<(Window, Logs)> {
        let (examined, parts) = match lake {
            Some(lake) => (lake.examined()?, run::keys(lake.snapshot()?.parts())),
            None => (BTreeMap::new(), BTreeMap::new()),
        };
        let window = run::window(self.asked, &examined, &parts, self.grace, self.now);
        let logs = run::find(&self.config.sources, &window, &self.stores)?;
        Ok((window, logs))
    }

    /// The dates that a lake has due.
    fn dues(&self, lake: &Lake, parts: &BTreeMap<String, String>) -> Result<Vec<Due>> {
        let wish = Wish {
            asked: self.asked,
            again: self.args.again,
            again_days: self.config.night.again_days(),
            now: self.now,
        };
        Ok(run::due(parts, &run::pack_key(&self.pack, &self.config), &lake.examined()?, &wish))
    }

    fn night(&self, tally: &mut Tally) -> Result<Ending> {
        let existing = self.open()?;
        let mut turn = existing.as_ref().map(Turn::take).transpose()?;
        let (_, logs) = tally.timed("find", |_| self.logs(existing.as_ref()))?;
        let lake = match existing {
            Some(lake) => lake,
            None if logs.listed.is_empty() && logs.troubles.is_empty() => return Err(nothing(&logs)),
            None => Lake::create_or_open(place::lake(&self.lake)?)?,
        };
        if turn.is_none() {
            turn = Some(Turn::take(&lake)?);
        }
        tally.timed("ingest", |tally| self.take_in(&lake, &logs, tally))?;
        self.examine(&lake, tally)?;
        tally.lake = Some(output::size_of(&lake.status()?));
        drop(turn);
        Ok(self.ending(tally))
    }

    /// Reads the logs into the lake.
    fn take_in(&self, lake: &Lake, logs: &Logs, tally: &mut Tally) -> Result<()> {
        let sources: Vec<Source> = logs.sources();
        let options = self.args.intake.options(self.args.limits.threads());
        let ingested = {
            let bytes = sources.iter().map(|source| source.bytes).sum();
            let _progress = Progress::of_reading(&self.watch, bytes, self.args.quiet);
            crate::ingest::ingest(lake, &sources, &options, &self.watch)?
        };
        tally.accounts = ingested.accounts;
        tally.accounts.extend(logs.troubles.iter().cloned());
        if self.args.quiet {
            return Ok(());
        }
        ingest::tell(&tally.accounts, ingested.version);
        for path in &logs.empty {
            say(&format!("no log     {}", output::safe(path)));
        }
        Ok(())
    }

    fn examine(&self, lake: &Lake, tally: &mut Tally) -> Result<()> {
        let snapshot = lake.snapshot()?;
        let dues = self.dues(lake, &run::keys(snapshot.parts()))?;
        let work = Work { pack: &self.pack, config: &self.config, watch: &self.watch };
        let settings = self.args.limits.settings(&lake.spill_folder())?;
        let examiner = Examiner::new(lake, &snapshot, work, &settings)?;
        let before = lake.examined()?;
        let pack = run::pack_key(&self.pack, &self.config);
        let outputs = Outputs::new(&self.config, &self.pack, snapshot.version(), self.now);
        for due in &dues {
            self.watch.check()?;
            let date = tally.timed("detect", |_| examiner.examine(due, &dues, &before))?;
            tally.timed("tell", |tally| outputs.write(&date, &tally.accounts))?;
            let kept = tally.timed("keep", |_| self.keep(|| examiner.keep(&date, &pack, self.now)))?;
            self.count(tally, &date, kept.late.len() as u64);
        }
        if dues.is_empty() && !self.args.quiet {
            say("nothing to examine: no date that is over has changed");
        }
        Ok(())
    }

    /// Keeps what was told, as soon as an ingest that began meanwhile is through: given up, it would be told again.
    fn keep(&self, keep: impl Fn() -> Result<Kept>) -> Result<Kept> {
        let begun = Instant::now();
        loop {
            match keep() {
                Err(Error::Busy(_)) if begun.elapsed() < KEEP_WAIT_MAX => std::thread::park_timeout(KEEP_WAIT),
                done => return done,
            }
            self.watch.check()?;
        }
    }

    /// Adds a date that was told and kept.
    fn count(&self, tally: &mut Tally, date: &Examined, late: u64) {
        let outcomes = &date.detected.outcomes;
        tally.numbers.add(outcomes);
        tally.dates += 1;
        tally.is_limited |= !date.detected.is_complete();
        if late > 0 {
            tally.late.insert(date.due.date.to_string(), late);
        }
        tally.fresh.extend(date.fresh().cloned());
        if self.args.quiet {
            return;
        }
        let (all, new) = (date.detected.findings.len() as u64, date.new.len() as u64);
        let found = human::plural(all, "finding", "findings");
        say(&format!("examined   {} ({}): {found}, {} new", date.due.date, date.due.why, human::count(new)));
        if late > 0 {
            say(&format!("late       {} of {}", human::plural(late, "finding", "findings"), date.due.date));
        }
        for outcome in outcomes {
            if let State::Incomplete(why) = &outcome.state {
                say(&format!("incomplete {}: {}", outcome.detection, output::safe(why)));
            }
        }
    }

    /// Prints the findings that no run told before.
    fn tell(&self, tally: &Tally) -> Result<()> {
        let least = self.config.night.min_severity.unwrap_or(Severity::Low);
        let mut fresh: Vec<Finding> = tally.fresh.iter().filter(|one| one.severity >= least).cloned().collect();
        fresh.sort_by(Finding::order);
        if fresh.is_empty() { Ok(()) } else { outputs::print(&fresh, &self.pack) }
    }

    fn ending(&self, tally: &Tally) -> Ending {
        let loudest = tally.fresh.iter().map(|finding| finding.severity).max();
        let ending = output::ending_of(&tally.accounts).unless_found(loudest, self.config.night.fail_on);
        if tally.is_limited { ending.max(Ending::Limited) } else { ending }
    }
}

fn nothing(logs: &Logs) -> Error {
    Error::usage(format!("no log found: {} lead to no file; `kubesift run --dry-run` says more", logs.empty.join(", ")))
}

/// Whether an account is of a source that could not be used.
fn is_refused(account: &Account) -> bool {
    account.outcome == Outcome::Refused
}
