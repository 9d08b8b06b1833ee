//! The examination of one date: the day itself, and the midnights that bound it. See the module above for why.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::plan::Due;
use super::reach::reach;
use super::session::{Work, findings_session, session_of};
use super::told::{Midnight, Told};
use crate::config::{DAY, midnight};
use crate::detect::{self, Detected};
use crate::detection::Pack;
use crate::engine::{Period, Settings};
use crate::error::{Error, Result};
use crate::finding::{self, Finding};
use crate::lake::{Examination, Kept, Lake, Snapshot};
use crate::report::{Outcome, State, human};
use crate::schema::DATE_OUTLIER;

/// What a date gave.
#[derive(Debug)]
pub struct Examined {
    /// The date, and why it was examined.
    pub due: Due,
    /// All that was found, also what was told before.
    pub detected: Detected,
    /// The ids of the findings that no run told before.
    pub new: BTreeSet<String>,
}

impl Examined {
    /// The findings that no run told before, in order.
    pub fn fresh(&self) -> impl Iterator<Item = &Finding> {
        self.detected.findings.iter().filter(|finding| self.new.contains(&finding.finding_id))
    }
}

/// Examines dates of one version of a lake.
pub struct Examiner<'a> {
    lake: &'a Lake,
    snapshot: &'a Snapshot,
    work: Work<'a>,
    settings: &'a Settings,
    /// The detections that look over midnight, and how far.
    related: Pack,
    reaches: BTreeMap<String, i64>,
}

impl<'a> Examiner<'a> {
    /// An examiner of a version of a lake.
    pub fn new(lake: &'a Lake, snapshot: &'a Snapshot, work: Work<'a>, settings: &'a Settings) -> Result<Self> {
        let mut reaches = BTreeMap::new();
        for detection in &work.pack.detections {
            if let Some(reach) = reach(&detection.sql)? {
                reaches.insert(detection.id.clone(), reach);
            }
        }
        let mut related = work.pack.clone();
        related.detections.retain(|detection| reaches.contains_key(&detection.id));
        Ok(Self { lake, snapshot, work, settings, related, reaches })
    }

    /// Examines one of the dates that are `all` due, and keeps nothing yet. Those before it must be kept already.
    pub fn examine(&self, due: &Due, all: &[Due], examined: &BTreeMap<String, String>) -> Result<Examined> {
        let mut told = self.told(due)?;
        let mut detected = self.day(due)?;
        let new = detected.findings.iter().filter(|one| !told.knows(one, None));
        let mut new: BTreeSet<String> = new.map(|finding| finding.finding_id.clone()).collect();
        detected.findings.iter().for_each(|finding| told.add(finding));
        if !due.is_outlier() {
            for date in self.midnights(due, all, examined) {
                let mut found = self.over_midnight(date, &told)?;
                // what an earlier examination of its midnight told is still one of the date's findings
                found.known.retain(|_| date == due.date);
                add(found, &mut told, &mut detected, &mut new);
            }
        }
        detected.findings.sort_by(Finding::order);
        Ok(Examined { due: due.clone(), detected, new })
    }

    /// Keeps the new findings of a date and that it was examined; `at` is the time of the run in microseconds since 1970.
    pub fn keep(&self, examined: &Examined, pack: &str, at: i64) -> Result<Kept> {
        let findings: Vec<Finding> = examined.fresh().cloned().collect();
        let due = &examined.due;
        let key = if examined.detected.is_complete() { due.key.clone() } else { due.unfinished() };
        self.lake.keep_findings(&Examination {
            findings: &findings,
            examined: &BTreeMap::from([(due.date.to_string(), key)]),
            lake_version: self.snapshot.version(),
            pack,
            at,
        })
    }

    /// What the lake keeps of the findings around a date.
    fn told(&self, due: &Due) -> Result<Told> {
        let mut told = Told::default();
        let Some(kept) = self.lake.findings()? else { return Ok(told) };
        let session = findings_session(self.settings, kept)?;
        let around = if due.is_outlier() {
            String::new()
        } else {
            let at = start(due.date)?;
            let moment = |micros| format!("timestamp '{}'", human::rfc3339(micros));
            format!(" where first_seen >= {} and first_seen < {}", moment(at - 2 * DAY), moment(at + 2 * DAY))
        };
        for batch in session.query(&format!("select * from findings{around}"))? {
            finding::from_batch(&batch?)?.iter().for_each(|finding| told.add(finding));
        }
        Ok(told)
    }

    fn day(&self, due: &Due) -> Result<Detected> {
        if due.is_outlier() {
            return self.detect(self.work.pack, Period::default(), Some(DATE_OUTLIER));
        }
        let since = start(due.date)?;
        self.detect(self.work.pack, Period { since: Some(since), until: Some(since + DAY) }, None)
    }

    /// Runs detections over a period, and over the parts of one date only where it is given.
    fn detect(&self, pack: &Pack, period: Period, date: Option<&str>) -> Result<Detected> {
        let work = Work { pack, ..self.work };
        let (session, known) = session_of(self.lake, self.snapshot, &work, self.settings, period, date)?;
        detect::detect(&session, pack, work.config, &known, |_| work.watch.check())
    }

    /// The midnights to examine with a date, each by the date that it begins: the one before it, and the one after it
    /// unless the next date is examined too. Both days must have events.
    fn midnights(&self, due: &Due, all: &[Due], examined: &BTreeMap<String, String>) -> Vec<NaiveDate> {
        let has = |date: Option<NaiveDate>| {
            date.is_some_and(|date| self.snapshot.parts().iter().any(|part| part.date == date.to_string()))
        };
        let next = due.date.succ_opt();
        let before = has(due.date.pred_opt()).then_some(due.date);
        let is_left = |next: &NaiveDate| {
            has(Some(*next)) && examined.contains_key(&next.to_string()) && !all.iter().any(|one| one.date == *next)
        };
        let after = next.filter(is_left);
        before.into_iter().chain(after).collect()
    }

    /// What only both days around a midnight show.
    fn over_midnight(&self, date: NaiveDate, told: &Told) -> Result<Over> {
        let mut over = Over::default();
        if self.related.detections.is_empty() {
            return Ok(over);
        }
        let at = start(date)?;
        let found = self.detect(&self.related, Period { since: Some(at - DAY), until: Some(at + DAY) }, None)?;
        for outcome in found.outcomes {
            if let State::Incomplete(why) = outcome.state {
                over.incomplete.push((outcome.detection, format!("over the midnight before {date}: {why}")));
            }
        }
        for finding in found.findings {
            let reach = self.reaches.get(&finding.detection).copied().unwrap_or(DAY);
            if !told.knows(&finding, Some(Midnight { at, reach })) {
                over.fresh.push(finding);
            } else if told.has_over(&finding, at) {
                over.known.push(finding);
            }
        }
        Ok(over)
    }
}

/// What was found over a midnight.
#[derive(Default)]
struct Over {
    /// What no run told before.
    fresh: Vec<Finding>,
    /// What an earlier examination of this midnight told.
    known: Vec<Finding>,
    /// Detections whose findings are not all, and why.
    incomplete: Vec<(String, String)>,
}

/// Adds to what a day gave what was found over its midnights.
fn add(over: Over, told: &mut Told, detected: &mut Detected, new: &mut BTreeSet<String>) {
    for (detection, why) in over.incomplete {
        mark(&mut detected.outcomes, &detection, why);
    }
    for finding in &over.fresh {
        told.add(finding);
        new.insert(finding.finding_id.clone());
    }
    for finding in over.fresh.into_iter().chain(over.known) {
        count(&mut detected.outcomes, &finding.detection);
        detected.readiness.found(&finding.detection);
        detected.findings.push(finding);
    }
}

fn start(date: NaiveDate) -> Result<i64> {
    midnight(date).ok_or_else(|| Error::Internal(format!("{date} has no first moment")))
}

/// Says of a detection that its findings are not all.
fn mark(outcomes: &mut [Outcome], detection: &str, why: String) {
    if let Some(outcome) = outcomes.iter_mut().find(|outcome| outcome.detection == detection)
        && !matches!(outcome.state, State::Incomplete(_))
    {
        outcome.state = State::Incomplete(why);
    }
}

/// Counts one more finding of a detection.
fn count(outcomes: &mut [Outcome], detection: &str) {
    if let Some(outcome) = outcomes.iter_mut().find(|outcome| outcome.detection == detection) {
        match &mut outcome.state {
            State::Ran { findings, .. } => *findings += 1,
            State::NotEvaluable(_) => outcome.state = State::Ran { findings: 1, millis: 0 },
            State::Incomplete(_) => {}
        }
    }
}
