//! `kubesift report`: what was found, whom it is about, what they took, and what to do about it, to hand over.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Ending, args, detect, output, place, review, risk, signals, snapshots, subject};
use crate::account::Account;
use crate::config::Config;
use crate::detect::Detected;
use crate::detection::Pack;
use crate::dossier;
use crate::engine::{Period, Session, Settings};
use crate::error::Result;
use crate::explain;
use crate::finding::{Finding, Severity};
use crate::ingest::Watch;
use crate::lake::{Lake, Snapshot};
use crate::limits::REPORT_EXPLAINED_MAX;
use crate::report::answer::{ANSWER_FORMATS, Answer, write};
use crate::report::dossier::{Dossier, Subject};
use crate::report::explanation::Explanation;
use crate::report::{Report, human};
use crate::review::{Brief, Facts};

/// Arguments of `kubesift report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The lake's folder or URL
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    /// Look into findings of this severity or more
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity, default_value = "medium")]
    min_severity: Severity,
    /// Exit with 10 if there is a finding of this severity or more
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity)]
    fail_on: Option<Severity>,
    /// Whoever findings are about: all that they did, from any address
    #[arg(long)]
    everywhere: bool,
    /// Format of the report [default: by the name of --out, else markdown]
    #[arg(long, value_name = "FORMAT", value_parser = ANSWER_FORMATS)]
    format: Option<String>,
    /// Write the report to this file or URL instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    rbac: snapshots::Rbac,
    #[command(flatten)]
    pods: snapshots::Pods,
    #[command(flatten)]
    history: args::History,
    #[command(flatten)]
    time: args::Time,
    #[command(flatten)]
    rules: args::Rules,
    #[command(flatten)]
    knowledge: args::Knowledge,
    #[command(flatten)]
    limits: args::Limits,
    #[command(flatten)]
    review: review::Review,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let format = place::format(args.format.as_deref(), args.out.as_deref(), &ANSWER_FORMATS, "markdown")?;
    args.out.iter().try_for_each(|path| place::check(path))?;
    let (rbac, pods) = (args.rbac.read()?, args.pods.read()?);
    let (pack, config) = (args.rules.pack()?, args.knowledge.config()?);
    crate::detect::check_params(&pack, &config)?;
    let endpoint = args.review.endpoint(&config)?;
    let lake = Lake::open(place::lake(&args.lake)?)?;
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)?;
    let (snapshot, period) = (lake.snapshot()?, args.time.period()?);
    let settings = args.limits.settings(&lake.spill_folder())?;
    let work = Work { args, pack: &pack, config: &config, watch: &watch, period };

    let run = detect::Work { pack: &pack, config: &config, watch: &watch, accounts: &[] };
    let (session, known) = detect::session(&lake, &snapshot, &run, &settings, period)?;
    let detected = crate::detect::detect(&session, &pack, &config, &known, |_| watch.check())?;
    // of what a model would be sent they are no part
    let explanations = if args.review.is_dry_run { Vec::new() } else { work.explanations(&session, &detected)? };
    let subject = Subject { since: period.since, until: period.until, ..Subject::default() };
    let (subject, left_out) =
        subject::of_findings(&session, &detected.findings, args.min_severity, args.everywhere, subject)?;
    let subject = Some(subject).filter(|subject| !subject.actors.is_empty());
    // its caches make room for those of the next one
    drop(session);
    let dossier = subject.map(|subject| work.dossier(&subject, &snapshot, &settings, (rbac, pods))).transpose()?;
    let dossier = dossier.map(|dossier| with_note(dossier, left_out));

    let accounts: Vec<Account> = snapshot.ledger()?.accounts().cloned().collect();
    let risk = risk::of(&detected.findings, &pack);
    let summary = detect::summary(&detected.extent, &accounts, Some(snapshot.version()));
    let report = Report {
        findings: &detected.findings,
        headers: &pack.detections,
        accounts: &accounts,
        suppressions: &detected.suppressions,
        outcomes: &detected.outcomes,
        readiness: &detected.readiness,
        risk: &risk,
        summary,
    };
    let facts = Facts {
        findings: &detected.findings,
        headers: &pack.detections,
        dossier: dossier.as_ref(),
        readiness: Some(&detected.readiness),
    };
    if args.review.is_dry_run {
        output::print(&args.review.dry_run(&Brief::new(&facts), &config))?;
        return Ok(Ending::Complete);
    }
    let review = endpoint.map(|endpoint| review::read(&endpoint, &Brief::new(&facts), &watch)).transpose()?;
    let commands = args.commands(period, &detected.findings);
    let answer = Answer { report, least: args.min_severity, explanations, dossier, review, commands };
    match &args.out {
        Some(path) => place::write(path, |out| write(&answer, format, out))?,
        None => write(&answer, format, &mut std::io::stdout())?,
    }
    let loudest = detected.findings.iter().map(|finding| finding.severity).max();
    let ending = if detected.is_complete() { Ending::Complete } else { Ending::Limited };
    Ok(ending.unless_found(loudest, args.fail_on))
}

/// What the parts of a report are made with.
struct Work<'a> {
    args: &'a Args,
    pack: &'a Pack,
    config: &'a Config,
    watch: &'a Watch,
    period: Period,
}

impl<'a> Work<'a> {
    /// The loudest findings with the requests behind them.
    fn explanations<'f>(&self, session: &Session, detected: &'f Detected) -> Result<Vec<Explanation<'f>>>
    where
        'a: 'f,
    {
        let today = chrono::Utc::now().date_naive();
        let loud = detected.findings.iter().filter(|finding| finding.severity >= self.args.min_severity);
        let explain = |finding: &'f Finding| {
            self.watch.check()?;
            let (detection, lake) = (self.pack.get(&finding.detection), place::shown(&self.args.lake));
            let clusters = detected.extent.clusters.len();
            // requests that cannot be read are told in the explanation
            explain::explain(session, finding, detection, self.config, today, &lake, clusters).map(|(told, _)| told)
        };
        loud.take(REPORT_EXPLAINED_MAX).map(explain).collect()
    }

    fn dossier(
        &self,
        subject: &Subject,
        snapshot: &Snapshot,
        settings: &Settings,
        (rbac, pods): (Option<crate::rbac::Snapshot>, Vec<snapshots::Shown>),
    ) -> Result<Dossier> {
        let before = self.args.history.around(self.period);
        let session = detect::plain_session(snapshot, self.pack, self.config, settings, before)?;
        let (session, notes) = snapshots::with_pods(session, pods, None)?;
        let mut dossier = dossier::investigate(&session, subject, rbac.as_ref(), || self.watch.check())?;
        dossier.notes.extend(notes);
        Ok(dossier)
    }
}

/// The dossier, which says how many identities it is not about.
fn with_note(mut dossier: Dossier, left_out: usize) -> Dossier {
    if left_out > 0 {
        let n = human::plural(left_out as u64, "identity", "identities");
        dossier.notes.push(format!("{n} of quieter findings were not looked into: raise --min-severity, or name them"));
    }
    dossier
}

impl Args {
    /// The commands that give the report again, and what to run next.
    fn commands(&self, period: Period, findings: &[Finding]) -> Vec<String> {
        let mut words = vec!["--lake".to_owned(), explain::word(&place::shown(&self.lake))];
        let times = [("--since", period.since), ("--until", period.until)];
        for (flag, time) in times {
            words.extend(time.into_iter().flat_map(|time| [flag.to_owned(), human::rfc3339(time)]));
        }
        words.extend(self.pods.words());
        words.extend(self.history.words().into_iter().flatten());
        let (words, rbac) = (words.join(" "), self.rbac.words());
        let least = self.min_severity;
        let mut commands = vec![format!("kubesift report {words}{rbac} --min-severity {least} --out report.html")];
        if findings.iter().any(|finding| finding.severity >= least) {
            commands.push(format!("kubesift rotate {words} --all --min-severity {least} --format csv"));
        }
        let loudest = findings.first().filter(|finding| finding.severity >= least);
        let investigate =
            |finding: &Finding| format!("kubesift investigate {words}{rbac} --finding {}", finding.finding_id);
        commands.extend(loudest.map(investigate));
        commands
    }
}
