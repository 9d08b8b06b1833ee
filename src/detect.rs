//! The way out: the pack over one set of events, honest about what could not be evaluated.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use chrono::NaiveDate;

use crate::config::{self, Config};
use crate::detection::readiness::{self, Readiness, Sight};
use crate::detection::{Detection, NEED, Pack};
use crate::engine::{self, Extent, Run, Session};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::report::{Effect, Outcome, State, Suppression};

/// What the pack found.
#[derive(Debug, Default)]
pub struct Detected {
    /// All findings, sorted by [`Finding::order`], without the suppressed ones.
    pub findings: Vec<Finding>,
    /// What each suppression of the configuration did, in its order.
    pub suppressions: Vec<Suppression>,
    /// What became of each detection, in the order of the pack.
    pub outcomes: Vec<Outcome>,
    /// How well each could see.
    pub readiness: Readiness,
    /// What the events are of.
    pub extent: Extent,
}

impl Detected {
    /// The first limit or fault that left a detection incomplete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.outcomes.iter().any(|outcome| matches!(outcome.state, State::Incomplete(_)))
    }
}

/// What a run knows beside the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The day, for suppressions that expire.
    pub today: NaiveDate,
    /// How many days the log goes back from its last one.
    pub days: i64,
}

/// Runs every detection of `pack`, as many at a time as there are threads. One that fails is marked incomplete and the
/// others still run; `before` is called with each detection's id and may end the run.
pub fn detect(
    session: &Session,
    pack: &Pack,
    config: &Config,
    known: &Known,
    mut before: impl FnMut(&str) -> Result<()> + Send,
) -> Result<Detected> {
    let today = known.today;
    let (readiness, extent) = readiness(session, pack, config, known.days)?;
    // also those that cannot see anything, as far as counts tell: it costs little, and a finding would prove it wrong
    let runs = |one: &&Detection| readiness.events > 0 && !learns(one, config, known.days);
    let wanted: Vec<_> = pack.detections.iter().filter(runs).map(|one| (one, params(one, config))).collect();
    let run = session.prepare(&wanted)?;
    let mut found = run_all(&run, &wanted, &mut before)?.into_iter();

    let mut detected = Detected { readiness, extent, ..Detected::default() };
    let mut sieve = Sieve::new(config, today);
    for detection in &pack.detections {
        let (state, suppressed) = if wanted.iter().any(|(one, _)| one.id == detection.id) {
            let (found, millis) = found.next().ok_or_else(|| Error::Internal("a detection was left out".into()))?;
            judge(found, millis, &mut sieve, &mut detected.findings)?
        } else {
            (State::Ran { findings: 0, millis: 0 }, 0)
        };
        let state = blind(&detection.id, state, suppressed, &mut detected.readiness);
        detected.outcomes.push(Outcome { detection: detection.id.clone(), state, suppressed });
    }
    detected.findings.sort_by(Finding::order);
    detected.suppressions = sieve.finish(&detected.outcomes);
    Ok(detected)
}

/// How well the detections of `pack` can see where the log goes back so many days, and of what the events are.
pub fn readiness(session: &Session, pack: &Pack, config: &Config, days: i64) -> Result<(Readiness, Extent)> {
    let seen = session.facts(&readiness::resources(pack))?;
    Ok((Readiness::of(pack, &seen, days, |detection| params(detection, config)), Extent::of(&seen)))
}

/// The state of a detection that ran, once it is known whether it could have seen anything.
fn blind(id: &str, state: State, suppressed: u64, readiness: &mut Readiness) -> State {
    let is_blind = readiness.get(id).is_some_and(|verdict| verdict.sight == Sight::Blind);
    match state {
        State::Ran { findings: 0, .. } if is_blind && suppressed == 0 => {
            let why = readiness.get(id).and_then(|verdict| verdict.reasons.first());
            State::NotEvaluable(why.cloned().unwrap_or_default())
        }
        State::Incomplete(_) => state,
        state => {
            if !matches!(state, State::Ran { findings: 0, .. }) || suppressed > 0 {
                readiness.found(id);
            }
            state
        }
    }
}

/// What a detection found, and how many milliseconds it took.
type Found = (Result<engine::Detected>, u64);

/// What each of them found, in their order, whichever ended first.
fn run_all(
    run: &Run<'_>,
    wanted: &[(&Detection, BTreeMap<String, i64>)],
    before: &mut (impl FnMut(&str) -> Result<()> + Send),
) -> Result<Vec<Found>> {
    let queue = Mutex::new((wanted.iter().enumerate(), before));
    let work = || {
        let mut found = Vec::new();
        loop {
            let index = {
                let mut queue = queue.lock().map_err(|_| Error::Internal("a detection panicked".into()))?;
                let (waiting, before) = &mut *queue;
                let Some((index, (detection, _))) = waiting.next() else { return Ok(found) };
                // none begins after the run was ended
                before(&detection.id).inspect_err(|_| waiting.by_ref().for_each(drop))?;
                index
            };
            let begun = Instant::now();
            let result = run.find(index);
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            found.push((index, (result, millis)));
        }
    };
    let mut found = Vec::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..run.workers()).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            found.extend(worker.join().map_err(|_| Error::Internal("a detection panicked".into()))??);
            Ok::<_, Error>(())
        })
    })?;
    found.sort_unstable_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// Adds to `findings` what a detection found; says how it went, and how many findings were suppressed.
fn judge(
    found: Result<engine::Detected>,
    millis: u64,
    sieve: &mut Sieve<'_>,
    findings: &mut Vec<Finding>,
) -> Result<(State, u64)> {
    let found = match found {
        Ok(found) => found,
        Err(Error::Internal(bug)) => return Err(Error::Internal(bug)),
        Err(error) => return Ok((State::Incomplete(error.to_string()), 0)),
    };
    let (all, before) = (found.findings.len(), findings.len());
    findings.extend(found.findings.into_iter().filter(|finding| sieve.passes(finding)));
    let kept = findings.len() - before;
    let suppressed = (all - kept) as u64;
    if found.omitted > 0 {
        return Ok((State::Incomplete(CUT.to_owned()), suppressed));
    }
    Ok((State::Ran { findings: kept as u64, millis }, suppressed))
}

/// The suppressions of a configuration at work.
struct Sieve<'a> {
    /// Each with whether it is over, and the findings that it fits.
    rules: Vec<(&'a config::Suppression, bool, u64)>,
}

impl<'a> Sieve<'a> {
    fn new(config: &'a Config, today: NaiveDate) -> Self {
        Self { rules: config.suppress.iter().map(|rule| (rule, rule.is_over(today), 0)).collect() }
    }

    /// Whether nobody decided that the finding is not to be shown. Of several rules the first has it, and one that is
    /// over only what no other hides.
    fn passes(&mut self, finding: &Finding) -> bool {
        let mut fitting: Vec<_> = self.rules.iter_mut().filter(|(rule, ..)| rule.fits(finding)).collect();
        fitting.sort_by_key(|(_, is_over, _)| *is_over);
        let Some((_, is_over, findings)) = fitting.into_iter().next() else { return true };
        *findings += 1;
        *is_over
    }

    fn finish(self, outcomes: &[Outcome]) -> Vec<Suppression> {
        let ran = |id: &str| {
            let of = |outcome: &Outcome| outcome.detection == id && matches!(outcome.state, State::Ran { .. });
            outcomes.iter().any(of)
        };
        let told = |(rule, is_over, findings): (&config::Suppression, bool, u64)| {
            let effect = match findings {
                _ if is_over => Effect::Expired,
                0 if ran(&rule.detection) => Effect::Idle,
                0 => Effect::NotRun,
                _ => Effect::Hid,
            };
            let config::Suppression { detection, actor, object, cluster, reason, owner, expires } = rule.clone();
            Suppression { detection, actor, object, cluster, reason, owner, expires, effect, findings }
        };
        self.rules.into_iter().map(told).collect()
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

/// Whether a detection that tells the unusual from the usual cannot do so yet.
fn learns(detection: &Detection, config: &Config, days: i64) -> bool {
    params(detection, config).get(NEED).is_some_and(|needs| days < *needs)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    fn finding(detection: &str, actor: &str) -> Finding {
        Finding {
            detection: detection.to_owned(),
            title: String::new(),
            severity: Severity::Medium,
            attack: Vec::new(),
            audit_id: String::new(),
            audit_ids: Vec::new(),
            first_seen: 0,
            last_seen: 0,
            actor: actor.to_owned(),
            object: String::new(),
            events: 1,
            cluster: String::new(),
            finding_id: String::new(),
            evidence: "{}".to_owned(),
        }
    }

    fn rule(detection: &str, actor: &str, expires: &str) -> config::Suppression {
        config::Suppression {
            detection: detection.to_owned(),
            actor: Some(actor.to_owned()),
            object: None,
            cluster: None,
            reason: "known".to_owned(),
            owner: "bob@example.com".to_owned(),
            expires: expires.to_owned(),
        }
    }

    #[test]
    fn each_suppression_says_what_it_did() {
        let suppress = vec![
            rule("pod_exec", "alice", "2026-01-31"),
            rule("pod_exec", "alice", "2026-12-31"),
            rule("pod_exec", "alice", "2026-12-30"),
            rule("pod_exec", "carol", "2026-01-31"),
            rule("pod_exec", "dave", "2026-12-31"),
            rule("port_forward", "alice", "2026-12-31"),
        ];
        let config = Config { suppress, ..Config::default() };
        let today = NaiveDate::from_ymd_opt(2026, 6, 1).unwrap();
        let mut sieve = Sieve::new(&config, today);
        let shown: Vec<bool> =
            [("pod_exec", "alice"), ("pod_exec", "carol"), ("pod_exec", "eve"), ("pod_exec", "alice")]
                .map(|(detection, actor)| sieve.passes(&finding(detection, actor)))
                .to_vec();
        assert_eq!(shown, [false, true, true, false]);
        let ran = State::Ran { findings: 2, millis: 1 };
        let outcomes = [
            Outcome { detection: "pod_exec".to_owned(), state: ran, suppressed: 2 },
            Outcome { detection: "port_forward".to_owned(), state: State::Incomplete(String::new()), suppressed: 0 },
        ];
        let effects: Vec<_> = sieve.finish(&outcomes).iter().map(|rule| (rule.effect, rule.findings)).collect();
        let expected = [
            (Effect::Expired, 0),
            (Effect::Hid, 2),
            (Effect::Idle, 0),
            (Effect::Expired, 1),
            (Effect::Idle, 0),
            (Effect::NotRun, 0),
        ];
        assert_eq!(effects, expected);
    }
}
