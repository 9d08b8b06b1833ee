//! `kubesift report`: what was found, whom it is about, what they took, and what to do about it, to hand over.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Ending, args, detect, investigate, output, place, review, risk, signals};
use crate::account::Account;
use crate::config::Config;
use crate::detect::Detected;
use crate::detection::Pack;
use crate::dossier::{self, Suspects};
use crate::engine::{Period, Session, Settings};
use crate::error::{Error, Result};
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

const DAY: i64 = 86_400_000_000;

/// Arguments of `kubesift report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The lake's folder or URL
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    /// Look into findings of this severity or more
    #[arg(long, value_name = "SEVERITY", value_parser = args::severity, default_value = "medium")]
    min_severity: Severity,
    /// Whoever findings are about: all that they did, from any address
    #[arg(long)]
    everywhere: bool,
    /// How many days before --since are looked at for what was there, and which rights were used
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    history: u32,
    /// Roles and bindings of the cluster, for what the log does not tell of them: the output of
    /// `kubectl get clusterroles,roles,clusterrolebindings,rolebindings -A -o yaml`
    #[arg(long, value_name = "FILE")]
    rbac: Option<PathBuf>,
    /// Format of the report [default: by the name of --out, else markdown]
    #[arg(long, value_name = "FORMAT", value_parser = ANSWER_FORMATS)]
    format: Option<String>,
    /// Write the report to this file or URL instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
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
    let format = args.format_name()?;
    args.out.iter().try_for_each(|path| place::check(path))?;
    let rbac = args.rbac.as_deref().map(investigate::snapshot).transpose()?;
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
    let explanations = work.explanations(&session, &detected)?;
    let (subject, left_out) = work.subject(&session, &detected.findings)?;
    // its caches make room for those of the next one
    drop(session);
    let dossier = subject.map(|subject| work.dossier(&subject, &snapshot, &settings, rbac.as_ref())).transpose()?;
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
    Ok(if detected.is_complete() { Ending::Complete } else { Ending::Limited })
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

    /// Whom loud findings are about, and how many identities are left out.
    fn subject(&self, session: &Session, findings: &[Finding]) -> Result<(Option<Subject>, usize)> {
        let loud: Vec<&Finding> =
            findings.iter().filter(|finding| finding.severity >= self.args.min_severity).collect();
        if loud.is_empty() {
            return Ok((None, 0));
        }
        let Suspects { subject: found, left_out } = dossier::suspects(session, &loud)?;
        let origins = if self.args.everywhere { Vec::new() } else { found.origins };
        let subject = Subject {
            actors: found.actors,
            origins,
            since: self.period.since,
            until: self.period.until,
            ..Subject::default()
        };
        Ok((Some(subject).filter(|subject| !subject.actors.is_empty()), left_out))
    }

    fn dossier(
        &self,
        subject: &Subject,
        snapshot: &Snapshot,
        settings: &Settings,
        rbac: Option<&crate::rbac::Snapshot>,
    ) -> Result<Dossier> {
        let history = i64::from(self.args.history) * DAY;
        let before = Period { since: self.period.since.map(|since| since - history), until: None };
        let session = detect::plain_session(snapshot, self.pack, self.config, settings, before)?;
        dossier::investigate(&session, subject, rbac, || self.watch.check())
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
    fn format_name(&self) -> Result<&str> {
        let Some(out) = self.out.as_deref().filter(|_| self.format.is_none()) else {
            return Ok(self.format.as_deref().unwrap_or("markdown"));
        };
        let shown = place::shown(out);
        match shown.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
            "html" => Ok("html"),
            "md" => Ok("markdown"),
            "json" => Ok("json"),
            _ => Err(Error::usage(format!("{}: the name does not tell the format; add --format", shown.display()))),
        }
    }

    /// The commands that give the report again, and what to run next.
    fn commands(&self, period: Period, findings: &[Finding]) -> Vec<String> {
        let mut words = vec!["--lake".to_owned(), explain::word(&place::shown(&self.lake))];
        let times = [("--since", period.since), ("--until", period.until)];
        for (flag, time) in times {
            words.extend(time.into_iter().flat_map(|time| [flag.to_owned(), human::rfc3339(time)]));
        }
        let words = words.join(" ");
        let least = self.min_severity;
        let mut commands = vec![format!("kubesift report {words} --min-severity {least} --out report.html")];
        if findings.iter().any(|finding| finding.severity >= least) {
            commands.push(format!("kubesift rotate {words} --all --min-severity {least} --format csv"));
        }
        let loudest = findings.first().filter(|finding| finding.severity >= least);
        commands
            .extend(loudest.map(|finding| format!("kubesift investigate {words} --finding {}", finding.finding_id)));
        commands
    }
}
