//! Sessions over a lake that know the days before.

use std::collections::BTreeMap;

use crate::baseline::{self, Baseline, Source};
use crate::config::Config;
use crate::detect::Known;
use crate::detection::Pack;
use crate::engine::{Events, Period, Session, Settings, View};
use crate::error::Result;
use crate::ingest::Watch;
use crate::lake::{Lake, Snapshot};
use crate::part::Stored;

/// What is run, and who may stop it.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// The detections, and the views that they read.
    pub pack: &'a Pack,
    /// Lists, thresholds and suppressions.
    pub config: &'a Config,
    /// Asked between one step and the next.
    pub watch: &'a Watch,
}

/// A session over one version of a lake that knows of the days before, and what a run knows.
pub fn session(
    lake: &Lake,
    snapshot: &Snapshot,
    work: &Work<'_>,
    settings: &Settings,
    period: Period,
) -> Result<(Session, Known)> {
    session_of(lake, snapshot, work, settings, period, None)
}

/// As [`session`], over the parts of one date (`YYYY-MM-DD`) where it is given.
pub(super) fn session_of(
    lake: &Lake,
    snapshot: &Snapshot,
    work: &Work<'_>,
    settings: &Settings,
    period: Period,
    date: Option<&str>,
) -> Result<(Session, Known)> {
    let lists = work.config.lists_with(&work.pack.lists);
    let mut stored = snapshot.stored()?;
    let mut days = 0;
    let mut baseline = Baseline::default();
    if let Some(date) = date {
        stored.parts.retain(|part| part.date == date);
    } else {
        let least = baseline::needed(work.pack);
        let source = Source { lake, snapshot, pack: work.pack, least, lists: &lists, settings };
        baseline = baseline::update(&source, period, || work.watch.check())?;
        days = baseline.days;
    }
    let known = Known { today: chrono::Utc::now().date_naive(), days };
    let views: Vec<View> = work.pack.views.iter().map(View::from).collect();
    let session = baseline.join(Session::open(settings, Events::Parts(stored), views, &lists, period)?)?;
    Ok((session, known))
}

/// A session that knows nothing but the findings that a lake keeps.
pub fn findings_session(settings: &Settings, kept: Stored) -> Result<Session> {
    let (none, lists) = (Events::Batches(Vec::new()), BTreeMap::new());
    Session::open(settings, none, Vec::new(), &lists, Period::default())?.with_findings(Some(kept))
}
