//! The report as one HTML page: what its parts show.

use std::io::Write;

use minijinja::context;
use minijinja::value::Value;

use super::explanation::{Explanation, Question};
use super::human::{bytes, count, plural, seconds};
use super::timeline::{Timeline, timeline};
use super::{Format, Report, evidence, io_error, pages, risk, strip, summary};
use crate::account::{self, Account};
use crate::detection::readiness::{Fix, Sight};
use crate::detection::{Detection, attack};
use crate::error::Result;
use crate::finding::{Finding, Severity};
use crate::limits::{EXPLAINED_REQUESTS_MAX, HTML_AUDIT_IDS_MAX, HTML_FINDINGS_MAX, HTML_SOURCES_MAX};
use crate::risk::Risk;

/// Findings up to which all of them are drawn open.
const OPEN_FINDINGS_MAX: usize = 12;
/// Height of a lane of the timeline, in pixels; the style sheet knows it too.
const LANE: usize = 30;

/// Findings and what they rest on as one HTML page.
#[derive(Debug, Clone, Copy)]
pub struct Html;

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
        let page = pages::page("report.html", values(report, &[]))?;
        out.write_all(page.as_bytes()).and_then(|()| out.flush()).map_err(io_error)
    }
}

/// What the parts of the page show. `explanations`: of some of the findings.
pub(super) fn values(report: &Report<'_>, explanations: &[Explanation<'_>]) -> Value {
    let drawn = &report.findings[..report.findings.len().min(HTML_FINDINGS_MAX)];
    let severities = report.tally().into_iter().map(|(severity, n)| {
        let groups = groups(report, drawn, severity, explanations);
        context! { name => severity.as_str(), count => count(n), groups }
    });
    context! {
        verdict => verdict(report),
        lines => Vec::<Value>::new(),
        contents => Vec::<Value>::new(),
        caveats => caveats(report),
        facts => facts(report),
        severities => severities.collect::<Vec<_>>(),
        open => drawn.len() <= OPEN_FINDINGS_MAX,
        drawn => drawn.len(),
        total => report.findings.len(),
        timeline => timeline(drawn).as_ref().map(picture),
        tactics => strip::tactics(report.findings).iter().map(tactic).collect::<Vec<_>>(),
        sources => report.accounts.iter().take(HTML_SOURCES_MAX).map(source).collect::<Vec<_>>(),
        sources_total => report.accounts.len(),
        risks => risks(report.risk),
        silent => silent(report),
        fixes => report.readiness.fixes.iter().map(fix).collect::<Vec<_>>(),
    }
}

/// The drawn findings of one severity, grouped by detection so that what a detection says of itself is said once.
fn groups(report: &Report<'_>, drawn: &[Finding], severity: Severity, explanations: &[Explanation<'_>]) -> Vec<Value> {
    let mut groups: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in drawn.iter().filter(|finding| finding.severity == severity) {
        match groups.iter_mut().find(|(id, _)| *id == finding.detection) {
            Some((_, findings)) => findings.push(finding),
            None => groups.push((&finding.detection, vec![finding])),
        }
    }
    let header = |id: &str| report.headers.iter().find(|detection| detection.id == id);
    groups.into_iter().map(|(id, findings)| group(id, header(id), &findings, explanations)).collect()
}

fn group(id: &str, detection: Option<&Detection>, findings: &[&Finding], explanations: &[Explanation<'_>]) -> Value {
    let first = findings[0];
    let header = detection.map(|detection| {
        let header = &detection.header;
        context! {
            describe => &header.describe,
            triage => &header.triage,
            benign => &header.benign,
            blind => &header.blind,
            references => &header.references,
        }
    });
    // several rows may share an id, but a finding is in one place only
    let explained = |finding: &Finding| explanations.iter().find(|one| std::ptr::eq(one.finding, finding));
    context! {
        id,
        title => &first.title,
        attack => first.attack.iter().map(|id| attack_name(id)).collect::<Vec<_>>(),
        header,
        count => count(findings.len() as u64),
        findings => findings.iter().map(|one| finding(one, explained(one))).collect::<Vec<_>>(),
    }
}

/// What MITRE calls a `tactic/technique`, with the id.
fn attack_name(id: &str) -> String {
    let names = id.split_once('/').and_then(|(tactic, technique)| attack::name(tactic).zip(attack::name(technique)));
    names.map_or_else(|| id.to_owned(), |(tactic, technique)| format!("{tactic}: {technique} ({id})"))
}

fn tactic(tactic: &strip::Tactic) -> Value {
    let technique = |(name, n): &(String, u64)| context! { name, count => count(*n) };
    context! {
        name => tactic.name,
        count => (tactic.findings > 0).then(|| count(tactic.findings)),
        severity => tactic.loudest.map(Severity::as_str),
        techniques => tactic.techniques.iter().map(technique).collect::<Vec<_>>(),
    }
}

fn finding(finding: &Finding, explanation: Option<&Explanation<'_>>) -> Value {
    let ids = &finding.audit_ids;
    let evidence = evidence::pairs(&finding.evidence);
    context! {
        when => seconds(finding.first_seen),
        until => (finding.last_seen != finding.first_seen).then(|| seconds(finding.last_seen)),
        actor => &finding.actor,
        object => &finding.object,
        events => plural(u64::try_from(finding.events).unwrap_or(0), "request", "requests"),
        cluster => &finding.cluster,
        audit_id => &finding.audit_id,
        audit_ids => ids.iter().take(HTML_AUDIT_IDS_MAX).map(Value::from).collect::<Vec<_>>(),
        more_ids => ids.len().saturating_sub(HTML_AUDIT_IDS_MAX),
        finding_id => &finding.finding_id,
        evidence => evidence.into_iter().map(|(name, value)| context! { name, value }).collect::<Vec<_>>(),
        explanation => explanation.map(explained),
    }
}

/// The requests behind a finding, and what to ask next.
fn explained(explanation: &Explanation<'_>) -> Value {
    let (titles, rows) = explanation.requests(EXPLAINED_REQUESTS_MAX);
    let question = |question: &Question| context! { ask => &question.ask, command => pages::whole(&question.command) };
    context! {
        shown => explanation.shown(rows.len()),
        unread => &explanation.unread,
        titles,
        rows,
        questions => explanation.questions.iter().map(question).collect::<Vec<_>>(),
    }
}

/// What the run says in one line. Never "all clear": it says only what was looked at.
fn verdict(report: &Report<'_>) -> String {
    let loudest = report.findings.iter().map(|finding| finding.severity).max();
    match loudest {
        None if report.ran() == 0 => "Nothing was looked for: no detection ran".to_owned(),
        None => format!("{} ran and found nothing", plural(report.ran(), "detection", "detections")),
        Some(_) => plural(report.findings.len() as u64, "finding", "findings"),
    }
}

/// What speaks against relying on the verdict.
fn caveats(report: &Report<'_>) -> Vec<String> {
    let sum = |groups: std::collections::BTreeMap<&str, Vec<&str>>| groups.values().map(|ids| ids.len() as u64).sum();
    let sources = |outcome| report.accounts.iter().filter(|account| account.outcome == outcome).count() as u64;
    let refused = sources(account::Outcome::Refused);
    let shrunk = sources(account::Outcome::Shrunk);
    let rejected = report.summary.totals.rejected();
    let (silent, incomplete): (u64, u64) = (sum(report.not_evaluable()), sum(report.incomplete()));
    let all = [
        (
            silent,
            format!("{} could not be evaluated; silence there means nothing", {
                plural(silent, "detection", "detections")
            }),
        ),
        (
            incomplete,
            format!("{} did not finish; there may be more findings", { plural(incomplete, "detection", "detections") }),
        ),
        (refused, format!("{} refused and not searched", plural(refused, "source was", "sources were"))),
        (shrunk, format!("{} shorter than when first read", plural(shrunk, "source is", "sources are"))),
        (rejected, format!("{} could not be read", plural(rejected, "line", "lines"))),
        (report.suppressed(), format!("{} suppressed", plural(report.suppressed(), "finding was", "findings were"))),
    ];
    all.into_iter().filter(|(n, _)| *n > 0).map(|(_, text)| text).collect()
}

fn facts(report: &Report<'_>) -> Vec<Value> {
    let summary = &report.summary;
    let range = summary.first_ts.zip(summary.last_ts);
    let all = [
        (if summary.clusters.len() == 1 { "Cluster" } else { "Clusters" }, summary.clusters.join(", ")),
        (
            "Time",
            range.map_or_else(String::new, |(first, last)| format!("{} to {} UTC", seconds(first), seconds(last))),
        ),
        ("Events", if summary.totals.rows > 0 { count(summary.totals.rows) } else { String::new() }),
        ("Audit levels", summary::counted(summary.totals.levels.iter())),
        ("Lake version", summary.lake_version.map_or_else(String::new, |version| version.to_string())),
        ("Run", summary.started_at.map_or_else(String::new, |time| format!("{} UTC", seconds(time)))),
        ("Kubesift", summary.version.clone()),
    ];
    let known = all.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| context! { name, value }).collect()
}

fn picture(timeline: &Timeline) -> Value {
    let middle = |lane: usize| lane * LANE + LANE / 2;
    let mark = |mark: &super::timeline::Mark| {
        context! {
            x => &mark.x,
            end => (mark.end != mark.x).then_some(&mark.end),
            y => middle(mark.lane),
            severity => mark.severity.as_str(),
            title => &mark.title,
        }
    };
    let tick = |tick: &super::timeline::Tick| context! { x => &tick.x, hour => &tick.hour, day => &tick.day };
    context! {
        lanes => timeline.lanes.iter().map(|severity| severity.as_str()).collect::<Vec<_>>(),
        ticks => timeline.ticks.iter().map(tick).collect::<Vec<_>>(),
        marks => timeline.marks.iter().map(mark).collect::<Vec<_>>(),
        bottom => timeline.lanes.len() * LANE,
        lane => LANE,
    }
}

fn source(account: &Account) -> Value {
    let outcome = match account.outcome {
        account::Outcome::Ingested => "ingested",
        account::Outcome::Known => "known before",
        account::Outcome::Grown => "grown",
        account::Outcome::Shrunk => "shrunk",
        account::Outcome::Skipped => "passed over",
        account::Outcome::Refused => "refused",
    };
    let range = account.first_ts.zip(account.last_ts);
    context! {
        name => &account.source,
        hash => &account.content_hash,
        outcome,
        wrong => matches!(account.outcome, account::Outcome::Shrunk | account::Outcome::Refused),
        bytes => bytes(account.file_bytes),
        lines => account.lines,
        rows => account.rows,
        rejected => account.rejected(),
        rejects => summary::counted(account.rejects.iter()),
        duplicates => account.duplicates,
        blanks => account.blanks,
        not_audit => account.not_audit,
        first => range.map(|(first, _)| seconds(first)),
        last => range.map(|(_, last)| seconds(last)),
        notes => &account.notes,
        balances => account.balances(),
    }
}

/// The identities and secrets that something medium or louder speaks about.
fn risks(risk: &Risk) -> Vec<Value> {
    let clusters = risk::clusters(risk);
    let one = |sort, score: &crate::risk::Score| {
        let term = |term: &crate::risk::Term| context! { name => term.kind.as_str(), points => term.points, why => risk::why(term) };
        context! {
            of => sort,
            name => risk::name(score, clusters),
            score => score.score,
            loudest => score.loudest.as_str(),
            terms => score.terms.iter().map(term).collect::<Vec<_>>(),
        }
    };
    risk::loud(risk).map(|(sort, score)| one(sort, score)).collect()
}

fn silent(report: &Report<'_>) -> Vec<Value> {
    let groups = |state: &'static str, groups: std::collections::BTreeMap<&str, Vec<&str>>| {
        let group = move |(why, ids): (&str, Vec<&str>)| {
            context! { state, why, ids => ids.into_iter().map(Value::from).collect::<Vec<_>>() }
        };
        groups.into_iter().map(group).collect::<Vec<_>>()
    };
    let mut all = groups("not evaluable", report.not_evaluable());
    all.extend(groups("did not finish", report.incomplete()));
    for (sight, state) in [(Sight::Partly, "partly blind"), (Sight::Unseen, "unseen")] {
        let group = |(why, ids): (&str, Vec<&str>)| {
            context! { state, why, ids => ids.into_iter().map(Value::from).collect::<Vec<_>>() }
        };
        all.extend(report.readiness.reasons(sight).into_iter().map(group));
    }
    all
}

fn fix(fix: &Fix) -> Value {
    context! { what => &fix.what, detections => fix.detections.len(), policy => &fix.policy }
}
