//! Whom a dossier is about, as the arguments say it, and the session that answers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{args, detect, place, say, signals, snapshots};
use crate::config::Config;
use crate::dossier::{self, Suspects};
use crate::engine::{Period, Session};
use crate::error::{Error, Result};
use crate::explain;
use crate::finding::{Finding, Severity};
use crate::ingest::Watch;
use crate::lake::{Lake, Snapshot};
use crate::report::dossier::Subject;

/// Whom to look for.
#[derive(Debug, clap::Args)]
pub(super) struct Whom {
    /// The identity: whose rights were used, or who was authenticated
    #[arg(value_name = "IDENTITY")]
    identity: Vec<String>,
    /// The lake's folder
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,
    /// Whoever this finding is about, from the addresses of its requests: its id, or the first six digits or more
    #[arg(long, value_name = "FINDING_ID", conflicts_with = "identity")]
    finding: Option<String>,
    /// Whoever findings are about: from any address
    #[arg(long)]
    everywhere: bool,
    /// The detection that found it, so that only this one is run again
    #[arg(long, value_name = "ID", requires = "finding", conflicts_with = "findings")]
    detection: Option<String>,
    /// Findings that `detect` wrote as NDJSON or JSON, so that none is run again
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// Only requests from this address
    #[arg(long, value_name = "IP")]
    address: Vec<String>,
    /// Only requests with this credential, like JTI=... or X509SHA256=...
    #[arg(long, value_name = "ID")]
    credential: Vec<String>,
    /// Only this cluster
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
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
}

impl Whom {
    /// The commands that ask for the same dossier, with the flag `rbac`, and for its list of what to replace, for a shell.
    pub(super) fn commands(&self, subject: &Subject, rbac: &str) -> Vec<String> {
        // what cannot be shown as it is, is left to a variable of whoever pastes the command
        let shell = |text: &str| match explain::word(Path::new(text)).as_str() {
            "\"$LAKE\"" => "\"$NAME\"".to_owned(),
            word => word.to_owned(),
        };
        let mut words = vec!["--lake".to_owned(), explain::word(&place::shown(&self.lake))];
        let mut add = |flag: &str, text: Option<String>| {
            words.extend(text.into_iter().flat_map(|text| [flag.to_owned(), shell(&text)]));
        };
        add("--since", subject.since.map(crate::report::human::rfc3339));
        add("--until", subject.until.map(crate::report::human::rfc3339));
        add("--cluster", subject.cluster.clone());
        subject.addresses.iter().for_each(|address| add("--address", Some(address.clone())));
        subject.credentials.iter().for_each(|id| add("--credential", Some(id.clone())));
        words.extend(self.pods.words());
        words.extend(self.history.words().into_iter().flatten());
        let mut whom: Vec<String> = subject.actors.iter().map(|actor| shell(actor)).collect();
        // a name that looks like a flag
        if whom.iter().any(|name| name.starts_with('-')) {
            whom.insert(0, "--".to_owned());
        }
        let (words, whom) =
            (words.join(" "), if whom.is_empty() { String::new() } else { format!(" {}", whom.join(" ")) });
        vec![format!("kubesift investigate {words}{rbac}{whom}"), format!("kubesift rotate {words} --format csv{whom}")]
    }
}

/// All whom findings of this severity or more are about, from the addresses of these findings or from everywhere, and
/// how many identities are left out. Without such a finding nobody is.
pub(super) fn of_findings(
    session: &Session,
    findings: &[Finding],
    least: Severity,
    everywhere: bool,
    subject: Subject,
) -> Result<(Subject, usize)> {
    let loud: Vec<&Finding> = findings.iter().filter(|finding| finding.severity >= least).collect();
    if loud.is_empty() {
        return Ok((subject, 0));
    }
    let Suspects { subject: found, left_out } = dossier::suspects(session, &loud)?;
    let origins = if everywhere { Vec::new() } else { found.origins };
    Ok((Subject { actors: found.actors, origins, ..subject }, left_out))
}

/// What a dossier is made with.
pub(super) struct Case {
    pub(super) session: Session,
    pub(super) subject: Subject,
    /// What the answer should say of what it rests on.
    pub(super) notes: Vec<String>,
    pub(super) watch: Arc<Watch>,
}

impl Whom {
    /// The subject and a session that looks further back than it. `suspects`: all whom a finding of this severity or
    /// more is about.
    pub(super) fn case(&self, suspects: Option<Severity>) -> Result<Case> {
        let (config, pods) = (self.knowledge.config()?, self.pods.read()?);
        let lake = Lake::open(place::lake(&self.lake)?)?;
        let watch = Arc::new(Watch::default());
        signals::listen(&watch)?;
        let (snapshot, period) = (lake.snapshot()?, self.time.period()?);
        if self.everywhere && self.finding.is_none() && suspects.is_none() {
            return Err(Error::usage("--everywhere widens what a finding is about: it goes with --finding or --all"));
        }
        let mut subject = Subject {
            actors: self.identity.clone(),
            addresses: self.address.clone(),
            credentials: self.credential.clone(),
            origins: Vec::new(),
            cluster: self.cluster.clone(),
            since: period.since,
            until: period.until,
        };
        if self.finding.is_some() || suspects.is_some() {
            let (session, findings) = self.findings(&lake, &snapshot, &config, period, &watch)?;
            if let Some(id) = &self.finding {
                self.about(&session, &findings, id, &mut subject)?;
            } else if let Some(least) = suspects {
                let left_out;
                (subject, left_out) = of_findings(&session, &findings, least, self.everywhere, subject)?;
                if left_out > 0 {
                    say(&format!(
                        "{left_out} identities of quieter findings are left out; raise --min-severity, or name them"
                    ));
                }
                if subject.actors.is_empty() {
                    return Err(Error::usage(format!(
                        "no finding of severity {least} or more names an identity; name one, or lower --min-severity"
                    )));
                }
            }
            watch.check()?;
        }
        let pack = self.rules.pack()?;
        let settings = self.limits.settings(&lake.spill_folder())?;
        let session = detect::plain_session(&snapshot, &pack, &config, &settings, self.history.around(period))?;
        let (session, notes) = snapshots::with_pods(session, pods, subject.cluster.as_deref())?;
        Ok(Case { session, subject, notes, watch })
    }

    /// The findings, from a file or found again, and the session that has their requests.
    fn findings(
        &self,
        lake: &Lake,
        snapshot: &Snapshot,
        config: &Config,
        period: Period,
        watch: &Watch,
    ) -> Result<(Session, Vec<Finding>)> {
        let mut pack = self.rules.pack()?;
        if let Some(detection) = &self.detection {
            pack.only(std::slice::from_ref(detection))?;
        }
        let settings = self.limits.settings(&lake.spill_folder())?;
        if let Some(path) = &self.findings {
            return Ok((
                detect::plain_session(snapshot, &pack, config, &settings, period)?,
                super::explain::findings(path)?,
            ));
        }
        let id = self.finding.as_deref().map(explain::id).transpose()?;
        let kept = id.map_or(Ok(None), |id| super::explain::kept(lake, &settings, &id))?;
        if let Some(findings) = kept.filter(|_| self.detection.is_none()) {
            return Ok((detect::plain_session(snapshot, &pack, config, &settings, period)?, findings));
        }
        crate::detect::check_params(&pack, config)?;
        // what a suppression hides can be looked into too
        let unsuppressed = Config { suppress: Vec::new(), ..config.clone() };
        let work = detect::Work { pack: &pack, config: &unsuppressed, watch, accounts: &[] };
        let (session, known) = detect::session(lake, snapshot, &work, &settings, period)?;
        let detected = crate::detect::detect(&session, &pack, &unsuppressed, &known, |_| watch.check())?;
        Ok((session, detected.findings))
    }

    /// Makes the subject of whoever a finding is about.
    fn about(&self, session: &Session, findings: &[Finding], id: &str, subject: &mut Subject) -> Result<()> {
        let id = explain::id(id)?;
        let Some(finding) = explain::pick(findings, &id)? else {
            return Err(Error::usage(format!(
                "no finding begins with {id}; give the same --since, --until, --rules, --pack and --config as the run \
                 that showed it, or name its file with --findings"
            )));
        };
        let found = dossier::suspects(session, &[finding])?.subject;
        let named = Some(finding.actor.clone()).filter(|actor| !actor.is_empty());
        subject.actors.extend(named.map_or(found.actors, |actor| vec![actor]));
        subject.cluster =
            subject.cluster.take().or_else(|| Some(finding.cluster.clone()).filter(|name| !name.is_empty()));
        if self.everywhere || !subject.addresses.is_empty() {
            return Ok(());
        }
        let addresses: BTreeSet<String> = found.origins.into_iter().filter_map(|origin| origin.address).collect();
        subject.addresses.extend(addresses);
        Ok(())
    }
}
