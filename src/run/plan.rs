//! What a night has to do: the window of time whose logs are read, and the dates that are examined.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{NaiveDate, TimeDelta};

use crate::config::{Config, DAY, day_of, midnight};
use crate::detection::Pack;
use crate::engine::Period;
use crate::part::Part;
use crate::schema::DATE_OUTLIER;

/// The end of the key of a date that was examined, but not to the end.
const UNFINISHED: char = '!';

/// The time whose logs are read: those of which a name speaks of `since <= ts < until`, microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The first moment; none: from the beginning.
    pub since: Option<i64>,
    /// The first moment after it.
    pub until: i64,
    /// Where it comes from, for people.
    pub why: String,
}

/// Why a date is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It was not examined yet.
    New,
    /// It has other events than when it was examined.
    Changed,
    /// The pack or its thresholds are others than when it was examined.
    Pack,
    /// Some detection did not come to its end.
    Unfinished,
    /// The user asked for it.
    Asked,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "not examined yet",
            Self::Changed => "it has other events than when it was examined",
            Self::Pack => "the detections changed since it was examined",
            Self::Unfinished => "some detections did not finish",
            Self::Asked => "asked for",
        })
    }
}

/// A date to examine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The date.
    pub date: NaiveDate,
    /// Why.
    pub why: Why,
    /// Its key, once it was examined.
    pub key: String,
}

impl Due {
    /// Whether an earlier run examined it, so that what is new now is late.
    #[must_use]
    pub fn was_examined(&self) -> bool {
        self.why != Why::New
    }

    /// Its key where some detection did not come to its end.
    #[must_use]
    pub fn unfinished(&self) -> String {
        format!("{}{UNFINISHED}", self.key)
    }

    /// Whether it stands for events whose clock was wrong, which have no date.
    #[must_use]
    pub fn is_outlier(&self) -> bool {
        self.date.to_string() == DATE_OUTLIER
    }
}

/// The window of a run that begins at `now`. `asked` is what the user named, `examined` the lake's memory and `parts` its
/// keys of dates; `grace` is in microseconds.
#[must_use]
pub fn window(
    asked: Period,
    examined: &BTreeMap<String, String>,
    parts: &BTreeMap<String, String>,
    grace: i64,
    now: i64,
) -> Window {
    if asked.since.is_some() || asked.until.is_some() {
        let until = asked.until.map_or(now, |until| until.saturating_add(grace));
        return Window {
            since: asked.since.map(|since| since - grace),
            until,
            why: "asked for, and the grace".to_owned(),
        };
    }
    let is_day = |date: &&String| date.as_str() != DATE_OUTLIER;
    let Some(last) = examined.keys().rfind(is_day).and_then(|date| date.parse::<NaiveDate>().ok()) else {
        return Window { since: None, until: now, why: "no date was examined yet".to_owned() };
    };
    let today = day_of(now).unwrap_or_default();
    let unexamined = parts.keys().filter(is_day).find(|date| !examined.contains_key(*date));
    let unexamined = unexamined.and_then(|date| date.parse::<NaiveDate>().ok());
    let oldest = [last.succ_opt(), unexamined, Some(today)].into_iter().flatten().min().unwrap_or(today);
    let why = format!("{oldest} is the oldest date that was not examined; the grace lies before it");
    Window { since: midnight(oldest).map(|since| since - grace), until: now, why }
}

/// For each date with events, a hash of what it is made of. A part's name is never used twice.
#[must_use]
pub fn keys(parts: &[Part]) -> BTreeMap<String, String> {
    let mut names: BTreeMap<&str, Vec<&[u8]>> = BTreeMap::new();
    for part in parts {
        let name = part.key.rsplit('/').next().unwrap_or_default().as_bytes();
        names.entry(&part.date).or_default().push(name);
    }
    let key = |(date, mut names): (&str, Vec<&[u8]>)| {
        names.sort_unstable();
        (date.to_owned(), hash(&names))
    };
    names.into_iter().map(key).collect()
}

/// A hash of the detections, what they read, and their thresholds. The lists of the configuration are left out: those
/// from feeds change every day.
#[must_use]
pub fn pack_key(pack: &Pack, config: &Config) -> String {
    let mut texts = vec![env!("CARGO_PKG_VERSION").to_owned()];
    texts.extend(pack.views.iter().flat_map(|view| [view.name.clone(), view.sql.clone()]));
    for detection in &pack.detections {
        let header = &detection.header;
        let params = config.params.get(&detection.id);
        texts.push(format!("{} {} {:?} {params:?}", detection.id, header.severity, header.params));
        texts.push(detection.sql.clone());
    }
    texts.extend(pack.lists.iter().map(|(name, list)| format!("{name}\0{}", list.join("\0"))));
    hash(&texts.iter().map(String::as_bytes).collect::<Vec<_>>())
}

/// 16 hexadecimal digits.
fn hash(texts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text);
    }
    let mut hash = hasher.finalize().to_hex().to_string();
    hash.truncate(16);
    hash
}

/// What a run is to look at.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// What the user named.
    pub asked: Period,
    /// Whether dates are examined even where nothing changed.
    pub again: bool,
    /// Dates before `now` for which another pack counts as a change.
    pub again_days: u32,
    /// When the run began, microseconds since 1970.
    pub now: i64,
}

/// The dates to examine, oldest first. `parts` are the [`keys`] of the lake, `pack` that of the pack.
#[must_use]
pub fn due(parts: &BTreeMap<String, String>, pack: &str, examined: &BTreeMap<String, String>, wish: &Wish) -> Vec<Due> {
    let today = day_of(wish.now).unwrap_or_default();
    let recent = today.checked_sub_signed(TimeDelta::days(i64::from(wish.again_days))).unwrap_or_default();
    let mut dues = Vec::new();
    for (text, parts) in parts {
        let Ok(date) = text.parse::<NaiveDate>() else { continue };
        let key = format!("{parts}:{pack}");
        let is_recent = date >= recent || text == DATE_OUTLIER;
        let why = match examined.get(text) {
            None => Some(Why::New),
            Some(_) if wish.again => Some(Why::Asked),
            Some(old) if *old == key => None,
            Some(old) if !old.starts_with(&format!("{parts}:")) => Some(Why::Changed),
            Some(_) if !is_recent => None,
            Some(old) if old.ends_with(UNFINISHED) => Some(Why::Unfinished),
            Some(_) => Some(Why::Pack),
        };
        if let Some(why) = why.filter(|_| is_wanted(date, text == DATE_OUTLIER, today, wish.asked)) {
            dues.push(Due { date, why, key });
        }
    }
    dues
}

/// Whether the user wants a date: it is over, or its end was asked for.
fn is_wanted(date: NaiveDate, is_outlier: bool, today: NaiveDate, asked: Period) -> bool {
    let Some(since) = midnight(date) else { return false };
    if is_outlier {
        return asked == Period::default();
    }
    let begins_before = asked.until.is_none_or(|until| since < until);
    let ends_after = asked.since.is_none_or(|first| since + DAY > first);
    begins_before && ends_after && (date < today || asked.until.is_some())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn at(text: &str) -> i64 {
        midnight(text.parse().unwrap()).unwrap()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(date, key)| ((*date).to_owned(), (*key).to_owned())).collect()
    }

    /// When the runs of these tests begin: the 20th, at two in the night.
    fn night() -> i64 {
        at("2026-11-20") + DAY / 12
    }

    fn wish() -> Wish {
        Wish { asked: Period::default(), again: false, again_days: 7, now: night() }
    }

    fn dates(parts: &[(&str, &str)], pack: &str, examined: &[(&str, &str)], wish: &Wish) -> Vec<(String, Why)> {
        let due = due(&map(parts), pack, &map(examined), wish);
        due.into_iter().map(|due| (due.date.to_string(), due.why)).collect()
    }

    fn opens(examined: &[(&str, &str)], parts: &[(&str, &str)]) -> Option<i64> {
        window(Period::default(), &map(examined), &map(parts), DAY / 4, night()).since
    }

    #[test]
    fn a_window_begins_with_the_oldest_date_that_was_not_examined_less_the_grace() {
        assert_eq!(opens(&[], &[]), None);
        assert_eq!(opens(&[("2026-11-19", "k")], &[]), Some(at("2026-11-20") - DAY / 4));
        // the runs of two nights did not happen
        assert_eq!(opens(&[("2026-11-17", "k")], &[]), Some(at("2026-11-18") - DAY / 4));
        // a run was killed between reading and examining
        let examined = [("2026-11-16", "k"), ("2026-11-19", "k")];
        assert_eq!(opens(&examined, &[("2026-11-17", "p"), ("2026-11-19", "p")]), Some(at("2026-11-17") - DAY / 4));
        // clocks that were wrong hold nothing up
        assert_eq!(opens(&[(DATE_OUTLIER, "k")], &[]), None);
        assert_eq!(opens(&[("2026-11-21", "k")], &[(DATE_OUTLIER, "p")]), Some(at("2026-11-20") - DAY / 4));
    }

    #[test]
    fn a_window_that_was_asked_for_is_widened_by_the_grace() {
        let asked = Period { since: Some(at("2026-11-03")), until: Some(at("2026-11-04")) };
        let window = window(asked, &map(&[("2026-11-19", "k")]), &map(&[]), DAY / 4, night());
        assert_eq!((window.since, window.until), (Some(at("2026-11-03") - DAY / 4), at("2026-11-04") + DAY / 4));
    }

    #[test]
    fn only_dates_that_are_over_and_changed_are_examined() {
        let parts = [("2026-11-18", "a"), ("2026-11-19", "b"), ("2026-11-20", "c")];
        let none: [(&str, &str); 0] = [];
        let both = [("2026-11-18".to_owned(), Why::New), ("2026-11-19".to_owned(), Why::New)];
        assert_eq!(dates(&parts, "p", &none, &wish()), both);
        let done = [("2026-11-18", "a:p"), ("2026-11-19", "b:p")];
        assert_eq!(dates(&parts, "p", &done, &wish()), []);
        let grown = [("2026-11-18", "x:p"), ("2026-11-19", "b:p")];
        assert_eq!(dates(&parts, "p", &grown, &wish()), [("2026-11-18".to_owned(), Why::Changed)]);
        let asked = Period { since: None, until: Some(night()) };
        let now = dates(&parts, "p", &done, &Wish { asked, ..wish() });
        assert_eq!(now, [("2026-11-20".to_owned(), Why::New)]);
        let again = Wish { again: true, asked: Period { since: Some(at("2026-11-19")), until: None }, ..wish() };
        assert_eq!(dates(&parts, "p", &done, &again), [("2026-11-19".to_owned(), Why::Asked)]);
    }

    #[test]
    fn another_pack_examines_the_last_days_only_and_a_changed_date_always() {
        let parts = [("2026-01-01", "a"), ("2026-11-12", "b"), ("2026-11-13", "c")];
        let done = [("2026-01-01", "x:old"), ("2026-11-12", "b:old"), ("2026-11-13", "c:old")];
        let found = dates(&parts, "p", &done, &wish());
        assert_eq!(found, [("2026-01-01".to_owned(), Why::Changed), ("2026-11-13".to_owned(), Why::Pack)]);
        let unfinished = [("2026-01-01", "a:p"), ("2026-11-12", "b:p!"), ("2026-11-13", "c:p!")];
        assert_eq!(dates(&parts, "p", &unfinished, &wish()), [("2026-11-13".to_owned(), Why::Unfinished)]);
    }

    #[test]
    fn events_with_a_wrong_clock_are_a_day_of_their_own() {
        let outlier = [(DATE_OUTLIER, "a")];
        assert_eq!(dates(&outlier, "p", &[], &wish()), [(DATE_OUTLIER.to_owned(), Why::New)]);
        let asked = Period { since: Some(0), until: None };
        assert_eq!(dates(&outlier, "p", &[], &Wish { asked, ..wish() }), []);
    }

    #[test]
    fn a_key_changes_with_the_parts_of_its_date_and_with_thresholds() {
        let part = |date: &str, name: &str| Part {
            path: PathBuf::new(),
            key: format!("date={date}/{name}"),
            bytes: 0,
            rows: 0,
            date: date.to_owned(),
            ts_min: 0,
            ts_max: 0,
        };
        let (a, b, c) = (part("2026-11-18", "a"), part("2026-11-18", "b"), part("2026-11-19", "c"));
        let before = keys(&[a.clone(), c.clone()]);
        let after = keys(&[b.clone(), c, a.clone()]);
        assert_ne!(before["2026-11-18"], after["2026-11-18"]);
        assert_eq!(before["2026-11-19"], after["2026-11-19"]);
        assert_eq!(keys(&[a.clone(), b.clone()]), keys(&[b, a]));

        let pack = Pack::embedded().unwrap();
        let mut config = Config::default();
        let one = pack_key(&pack, &config);
        config.lists.insert("operators".to_owned(), vec!["alice@example.com".to_owned()]);
        assert_eq!(pack_key(&pack, &config), one);
        config.params.insert("secret_sweep".to_owned(), BTreeMap::from([("secrets".to_owned(), 3)]));
        assert_ne!(pack_key(&pack, &config), one);
    }
}
