//! What identities were seen with on the days before: the rows of the view `baseline`, kept for each day of a lake.
//!
//! A day's file bears a hash of the parts that it was made from and of the SQL that made it. So it needs no bookkeeping:
//! a file of that name is right, whoever wrote it and whenever; late events, a changed view or a lost file give another
//! name or none, and the day is made anew. A run that is interrupted leaves whole days.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta};
use object_store::ObjectStore;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::detection::{NEED, Pack, View as PackView};
use crate::engine::{Events, Period, Session, Settings, View};
use crate::error::{Error, Result};
use crate::lake::{Lake, Snapshot};
use crate::limits::BASELINE_DAYS_MAX;
use crate::part::{Part, Stored};
use crate::schema::DATE_OUTLIER;

/// The view whose rows are kept.
const VIEW: &str = "baseline";

/// The days that a run knows.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// Where the files are.
    store: Option<Arc<dyn ObjectStore>>,
    /// Their names and sizes in bytes; empty where no detection can use them yet.
    files: Vec<(String, u64)>,
    /// How many days the log goes back from its last one within the time under examination.
    pub days: i64,
}

/// What a day is made from.
pub struct Source<'a> {
    /// The lake.
    pub lake: &'a Lake,
    /// The version of it.
    pub snapshot: &'a Snapshot,
    /// The views.
    pub pack: &'a Pack,
    /// The fewest days that are of use; `None`: nobody asks for any. See [`needed`].
    pub least: Option<i64>,
    /// The lists of the configuration.
    pub lists: &'a BTreeMap<String, Vec<String>>,
    /// For the queries.
    pub settings: &'a Settings,
}

impl Baseline {
    /// How many days are kept in files.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.files.len()
    }

    /// The session with these days as its view `baseline`.
    pub fn join(&self, session: Session) -> Result<Session> {
        match &self.store {
            Some(store) => session.with_rows_of(VIEW, Arc::clone(store), &self.files),
            None => Ok(session),
        }
    }
}

/// The fewest days that some detection of the pack asks for.
#[must_use]
pub fn needed(pack: &Pack) -> Option<i64> {
    pack.detections.iter().filter_map(|detection| detection.header.params.get(NEED)).min().copied()
}

/// Brings the days up to `period`'s end that are not yet kept into the lake's folder, unless they are too few. `before` is called before each day and may end the run.
pub fn update(source: &Source<'_>, period: Period, mut before: impl FnMut() -> Result<()>) -> Result<Baseline> {
    let days = days_of(source.snapshot.parts(), period);
    let (Some(first), Some(last)) = (days.keys().next(), days.keys().next_back()) else {
        return Ok(Baseline::default());
    };
    let span = (*last - *first).num_days();
    if source.least.is_none_or(|least| span < least) {
        return Ok(Baseline { days: span, ..Baseline::default() });
    }
    let salt = sql_of(&source.pack.views);
    let named = |(date, parts): (NaiveDate, Vec<Part>)| (format!("{date}-{}.parquet", key(&salt, &parts)), parts);
    let days: BTreeMap<_, _> = days.into_iter().map(named).collect();
    let mut kept = source.lake.baselines()?;
    let missing: Vec<_> = days.iter().filter(|(name, _)| !kept.contains_key(*name)).collect();
    for (name, parts) in &missing {
        before()?;
        source.lake.keep_baseline(name, &make(source, (*parts).clone())?)?;
    }
    if !missing.is_empty() {
        kept = source.lake.baselines()?;
    }
    // one that is gone again was taken by `lake baseline --rebuild`; without it the view would be short
    let size = |name: String| match kept.get(&name) {
        Some(bytes) => Ok((name, *bytes)),
        None => Err(Error::Busy(format!("{name}: another run forgets baselines now: try again"))),
    };
    let files = days.into_keys().map(size).collect::<Result<_>>()?;
    Ok(Baseline { store: Some(source.lake.baseline_store()?), files, days: span })
}

/// The parts of each day that a run over `period` may look back to.
fn days_of(parts: &[Part], period: Period) -> BTreeMap<NaiveDate, Vec<Part>> {
    let date = |micros: i64| DateTime::from_timestamp_micros(micros).map(|time| time.date_naive());
    let mut days: BTreeMap<NaiveDate, Vec<Part>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.date != DATE_OUTLIER) {
        if let Ok(day) = part.date.parse() {
            days.entry(day).or_default().push(part.clone());
        }
    }
    // the first moment after the period may be a midnight
    if let Some(last) = period.until.and_then(|until| date(until - 1)) {
        days.retain(|day, _| *day <= last);
    }
    let examined = period.since.and_then(date).or_else(|| days.keys().next().copied());
    if let Some(oldest) = examined.and_then(|day| day.checked_sub_signed(TimeDelta::days(BASELINE_DAYS_MAX))) {
        days.retain(|day, _| *day >= oldest);
    }
    days
}

/// The SQL of the view and of all that it reads.
fn sql_of(views: &[PackView]) -> String {
    let mut sql = String::new();
    let mut wanted = vec![VIEW];
    for view in views.iter().rev() {
        if wanted.contains(&view.name.as_str()) {
            wanted.extend(view.reads.iter().map(String::as_str));
            sql += &view.sql;
        }
    }
    sql
}

/// 16 hexadecimal digits of a hash of what a day is made from. A part's name is never used twice.
fn key(salt: &str, parts: &[Part]) -> String {
    let mut names: Vec<_> = parts.iter().filter_map(|part| part.key.rsplit('/').next()).collect();
    names.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    hasher.update(salt.as_bytes());
    for name in names {
        hasher.update(&[0]).update(name.as_bytes());
    }
    let mut key = hasher.finalize().to_hex().to_string();
    key.truncate(16);
    key
}

/// The rows of a day as a Parquet file.
fn make(source: &Source<'_>, parts: Vec<Part>) -> Result<Vec<u8>> {
    let views: Vec<View> = source.pack.views.iter().map(View::from).collect();
    let events = Events::Parts(Stored { parts, store: source.snapshot.stored()?.store });
    let session = Session::open(source.settings, events, views, source.lists, Period::default())?;
    let rows = session.query("select * from baseline order by cluster, feature, actor, value")?;
    let level = ZstdLevel::try_new(3).map_err(internal)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).map_err(internal)?;
    for batch in rows {
        writer.write(&batch?).map_err(internal)?;
    }
    writer.into_inner().map_err(internal)
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn internal(error: ParquetError) -> Error {
    Error::Internal(format!("baseline: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn part(date: &str) -> Part {
        let key = format!("date={date}/part-{date}.parquet");
        Part { path: key.clone().into(), key, bytes: 0, rows: 0, date: date.to_owned(), ts_min: 0, ts_max: 0 }
    }

    fn days(dates: &[&str], period: Period) -> Vec<String> {
        let parts: Vec<Part> = dates.iter().map(|date| part(date)).collect();
        days_of(&parts, period).keys().map(ToString::to_string).collect()
    }

    #[test]
    fn a_period_looks_back_and_not_ahead() {
        let dates = ["1970-01-01", "2026-01-01", "2026-04-15", "2026-04-16", "2026-04-17"];
        assert_eq!(days(&dates, Period::default()), dates[1..]);
        let midnight =
            "2026-04-17".parse::<NaiveDate>().unwrap().signed_duration_since(NaiveDate::default()).num_days();
        let period = Period { since: Some((midnight - 1) * DAY), until: Some(midnight * DAY) };
        assert_eq!(days(&dates, period), dates[2..4]);
        let later = Period { since: None, until: Some(midnight * DAY + 1) };
        assert_eq!(days(&dates, later), dates[1..]);
    }

    #[test]
    fn another_part_or_another_view_gives_another_key() {
        let (one, two) = (part("2026-01-01"), part("2026-01-02"));
        let both = key("a", &[one.clone(), two.clone()]);
        assert_eq!(both, key("a", &[two, one.clone()]));
        let alone = std::slice::from_ref(&one);
        assert_ne!(both, key("a", alone));
        assert_ne!(key("b", alone), key("a", alone));
    }

    #[test]
    fn the_key_covers_what_the_view_reads() {
        let sql = sql_of(&Pack::embedded().unwrap().views);
        for part in ["named_struct('feature', 'network'", "'initContainers'", "sensitivity <> 'other'"] {
            assert!(sql.contains(part), "{part}");
        }
    }
}
