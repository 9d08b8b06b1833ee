//! The way out: the pack over one set of events, honest about what could not be evaluated.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::NaiveDate;

use crate::config::Config;
use crate::detection::{Detection, Level, Pack};
use crate::engine::{LevelRows, Session};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::report::{Outcome, State};

/// What the pack found.
#[derive(Debug, Default)]
pub struct Detected {
    /// All findings, sorted by [`Finding::order`], without the suppressed ones.
    pub findings: Vec<Finding>,
    /// What became of each detection, in the order of the pack.
    pub outcomes: Vec<Outcome>,
}

impl Detected {
    /// The first limit or fault that left a detection incomplete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.outcomes.iter().any(|outcome| matches!(outcome.state, State::Incomplete(_)))
    }
}

/// Runs every detection of `pack`. One that fails is marked incomplete and the others still run; `before` is called
/// with each detection's id and may end the run.
pub fn detect(
    session: &Session,
    pack: &Pack,
    config: &Config,
    today: NaiveDate,
    mut before: impl FnMut(&str) -> Result<()>,
) -> Result<Detected> {
    let levels = session.levels()?;
    let mut detected = Detected::default();
    for detection in &pack.detections {
        before(&detection.id)?;
        let run = Run { session, detection, config, today };
        let (state, suppressed) = match unevaluable(detection, &levels) {
            Some(why) => (State::NotEvaluable(why), 0),
            None => run.run(&mut detected.findings)?,
        };
        detected.outcomes.push(Outcome { detection: detection.id.clone(), state, suppressed });
    }
    detected.findings.sort_by(Finding::order);
    Ok(detected)
}

/// One detection and what it is run with.
struct Run<'a> {
    session: &'a Session,
    detection: &'a Detection,
    config: &'a Config,
    today: NaiveDate,
}

impl Run<'_> {
    /// Adds what it finds to `findings`; says how it went, and how many findings were suppressed.
    fn run(&self, findings: &mut Vec<Finding>) -> Result<(State, u64)> {
        let begun = Instant::now();
        let found = match self.session.detect(self.detection, &params(self.detection, self.config)) {
            Ok(found) => found,
            Err(Error::Internal(bug)) => return Err(Error::Internal(bug)),
            Err(error) => return Ok((State::Incomplete(error.to_string()), 0)),
        };
        let (all, before) = (found.findings.len(), findings.len());
        let is_shown = |finding: &Finding| self.config.suppresses(finding, self.today).is_none();
        findings.extend(found.findings.into_iter().filter(is_shown));
        let kept = findings.len() - before;
        let suppressed = (all - kept) as u64;
        if found.omitted > 0 {
            return Ok((State::Incomplete(CUT.to_owned()), suppressed));
        }
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok((State::Ran { findings: kept as u64, millis }, suppressed))
    }
}

const CUT: &str = "it yielded more findings than are kept";

/// The header's defaults, overlaid by the configuration.
fn params(detection: &Detection, config: &Config) -> BTreeMap<String, i64> {
    let mut params = detection.header.params.clone();
    if let Some(changed) = config.params.get(&detection.id) {
        params.extend(changed.iter().map(|(name, value)| (name.clone(), *value)));
    }
    params
}

/// Why a detection could not have found anything: no event of its resources at the level that it needs. Requests that
/// were merely never made count as seen at level Metadata, since a log cannot tell the two apart.
fn unevaluable(detection: &Detection, levels: &[LevelRows]) -> Option<String> {
    let header = &detection.header;
    let concerns = |count: &LevelRows| {
        header.resources.is_empty()
            || count.resource.as_ref().is_some_and(|resource| header.resources.contains(resource))
    };
    if levels.iter().all(|count| count.rows == 0) {
        return Some("there are no events".to_owned());
    }
    if header.needs == Level::Metadata {
        return None;
    }
    let rich = levels.iter().any(|count| concerns(count) && level(count.level.as_deref()) >= Some(header.needs));
    (!rich).then(|| {
        let what = if header.resources.is_empty() { "any resource".to_owned() } else { header.resources.join(", ") };
        format!("no event of {what} at level {:?} or richer", header.needs)
    })
}

fn level(name: Option<&str>) -> Option<Level> {
    Some(match name? {
        "Metadata" => Level::Metadata,
        "Request" => Level::Request,
        "RequestResponse" => Level::RequestResponse,
        _ => return None,
    })
}

/// Refuses parameters that no detection has, which are typing errors.
pub fn check_params(pack: &Pack, config: &Config) -> Result<()> {
    for (id, params) in &config.params {
        let Some(detection) = pack.get(id) else {
            return Err(Error::usage(format!("params: there is no detection {id:?}; see `kubesift rules list`")));
        };
        if let Some(name) = params.keys().find(|name| !detection.header.params.contains_key(*name)) {
            let known: Vec<&str> = detection.header.params.keys().map(String::as_str).collect();
            return Err(Error::usage(format!("params.{id}: unknown {name:?}; it has: {}", known.join(", "))));
        }
    }
    Ok(())
}
