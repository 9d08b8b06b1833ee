//! Paths with placeholders: what the names of archived logs say of their date and their cluster.
//!
//! A pattern is a path or a URL in which `{date}` (`2026-11-20`), `{year}`, `{month}`, `{day}`, `{hour}` and `{cluster}`
//! stand for themselves and `*`, `?`, `[...]` and `**` mean what they mean in a shell. It is read in two ways: as globs
//! that find names, and as an expression that takes the names that were found apart. What lies in a folder that fits
//! fits too.

use chrono::{Datelike, Months, NaiveDate};
use regex::Regex;

use super::time::{DAY, day_of, midnight};
use crate::limits::PATTERN_DATES_MAX;

/// The placeholders: what each looks like in a glob, and in an expression.
const FIELDS: [(&str, &str, &str); 6] = [
    ("date", "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]", "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    ("year", "[0-9][0-9][0-9][0-9]", "[0-9]{4}"),
    ("month", "[0-9][0-9]", "[0-9]{2}"),
    ("day", "[0-9][0-9]", "[0-9]{2}"),
    ("hour", "[0-9][0-9]", "[0-9]{2}"),
    ("cluster", "*", "[A-Za-z0-9][A-Za-z0-9._-]*"),
];

/// A path with placeholders.
#[derive(Debug, Clone)]
pub struct Pattern {
    pieces: Vec<Piece>,
    expression: Regex,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Text of the path, wild cards included.
    Text(String),
    /// A placeholder, by its place in [`FIELDS`].
    Field(usize),
}

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// The time that it speaks of, `since <= ts < until` in microseconds since 1970; none where it has no date.
    pub span: Option<(i64, i64)>,
    /// The cluster that it names, as it stands there.
    pub cluster: Option<String>,
}

impl Piece {
    /// What it is in a glob for any date.
    fn glob(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Field(at) => FIELDS[*at].1,
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pieces = pieces(text.strip_prefix("./").unwrap_or(text).trim_end_matches('/'))?;
        let has = |name: &str| pieces.contains(&Piece::Field(field(name)));
        let parts: Vec<_> = ["year", "month", "day", "hour"].into_iter().map(|name| (name, has(name))).collect();
        if let Some(pair) = parts.windows(2).find(|pair| pair[1].1 && !pair[0].1) {
            // {date} stands for the three before {hour}
            if !(has("date") && pair[1].0 == "hour") {
                return Err(format!("{{{}}} says nothing without {{{}}}", pair[1].0, pair[0].0));
            }
        }
        check_borders(&pieces)?;
        let glob: String = pieces.iter().map(Piece::glob).collect();
        glob::Pattern::new(&glob).map_err(|error| format!("{text:?} is no pattern: {error}"))?;
        let expression =
            Regex::new(&expression(&pieces)).map_err(|error| format!("{text:?} is no pattern: {error}"))?;
        Ok(Self { pieces, expression })
    }

    /// Whether names that fit say of which date they are.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        [field("date"), field("year")].into_iter().any(|field| self.pieces.contains(&Piece::Field(field)))
    }

    /// Whether names that fit say of which cluster they are.
    #[must_use]
    pub fn has_cluster(&self) -> bool {
        self.pieces.contains(&Piece::Field(field("cluster")))
    }

    /// Globs that find every name that fits and may speak of `since <= ts < until` (microseconds since 1970), and
    /// others: [`Self::read`] tells them apart. Where both ends are known and not too far apart there is one for each
    /// date, so that a store need not list what lies under other dates.
    #[must_use]
    pub fn globs(&self, since: Option<i64>, until: i64) -> Vec<String> {
        let first = since.and_then(day_of);
        let last = day_of(until.saturating_sub(1));
        let (Some(first), Some(last)) = (first, last) else { return vec![self.glob(None)] };
        if !self.is_dated() || (last - first).num_days() >= PATTERN_DATES_MAX {
            return vec![self.glob(None)];
        }
        let mut globs: Vec<String> =
            first.iter_days().take_while(|day| *day <= last).map(|day| self.glob(Some(day))).collect();
        globs.dedup();
        globs
    }

    fn glob(&self, day: Option<NaiveDate>) -> String {
        let one = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(at) => match (FIELDS[*at].0, day) {
                ("date", Some(day)) => day.to_string(),
                ("year", Some(day)) => format!("{:04}", day.year()),
                ("month", Some(day)) => format!("{:02}", day.month()),
                ("day", Some(day)) => format!("{:02}", day.day()),
                _ => piece.glob().to_owned(),
            },
        };
        self.pieces.iter().map(one).collect()
    }

    /// What a name that fits says; `Ok(None)` if it does not fit, an error if it fits and says nonsense.
    pub fn read(&self, name: &str) -> Result<Option<Named>, String> {
        let name = name.strip_prefix("./").unwrap_or(name);
        let Some(found) = self.expression.captures(name) else { return Ok(None) };
        let mut values: [Option<&str>; FIELDS.len()] = [None; FIELDS.len()];
        let fields = self.pieces.iter().filter_map(|piece| if let Piece::Field(at) = piece { Some(*at) } else { None });
        for (nth, at) in fields.enumerate() {
            let value = found.name(&format!("f{nth}")).map(|part| part.as_str());
            match values[at] {
                Some(earlier) if value != Some(earlier) => {
                    let (one, other) = (earlier, value.unwrap_or_default());
                    return Err(format!("its name says both {one:?} and {other:?} for {{{}}}", FIELDS[at].0));
                }
                _ => values[at] = value,
            }
        }
        let of = |name: &str| values[field(name)];
        let span = span(of("date"), [of("year"), of("month"), of("day")], of("hour"))?;
        Ok(Some(Named { span, cluster: of("cluster").map(ToOwned::to_owned) }))
    }
}

/// The place of a placeholder in [`FIELDS`].
fn field(name: &str) -> usize {
    FIELDS.iter().position(|(known, ..)| *known == name).unwrap_or(FIELDS.len())
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let known: Vec<String> = FIELDS.iter().map(|(name, ..)| format!("{{{name}}}")).collect();
        let Some((name, after)) = after.split_once('}').filter(|(name, _)| field(name) < FIELDS.len()) else {
            return Err(format!("{text:?} has a {{ that begins none of {}", known.join(" ")));
        };
        pieces.push(Piece::Field(field(name)));
        rest = after;
    }
    if rest.contains('}') {
        return Err(format!("{text:?} has a }} without its {{"));
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    if pieces.is_empty() {
        return Err("the path is empty".to_owned());
    }
    Ok(pieces)
}

/// Where a cluster's name would end must be plain.
fn check_borders(pieces: &[Piece]) -> Result<(), String> {
    let cluster = Piece::Field(field("cluster"));
    for pair in pieces.windows(2).filter(|pair| pair.contains(&cluster)) {
        let is_open = |piece: &Piece| matches!(piece, Piece::Field(_));
        let touches = match pair {
            [first, Piece::Text(text)] if *first == cluster => text.starts_with(['*', '?', '[']),
            [Piece::Text(text), _] => text.ends_with(['*', '?', ']']),
            [first, second] => is_open(first) && is_open(second),
            _ => false,
        };
        if touches {
            return Err("nothing separates {cluster} from what stands beside it; write a - or a / between".to_owned());
        }
    }
    Ok(())
}

/// The pattern as a regular expression, each placeholder in a group of its own: `f0`, `f1` ...
fn expression(pieces: &[Piece]) -> String {
    let mut text = "^".to_owned();
    let mut fields = 0;
    for piece in pieces {
        match piece {
            Piece::Text(part) => text += &translated(part),
            Piece::Field(at) => {
                text += &format!("(?P<f{fields}>{})", FIELDS[*at].2);
                fields += 1;
            }
        }
    }
    text + "(?:/.*)?$"
}

/// A shell's wild cards as a regular expression.
fn translated(glob: &str) -> String {
    let mut text = String::new();
    let mut rest = glob;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            text += "(?:.*/)?";
            rest = after;
        } else if let Some(after) = rest.strip_prefix("**") {
            text += ".*";
            rest = after;
        } else if let Some((class, after)) = class(rest) {
            text += &class;
            rest = after;
        } else {
            match first {
                '*' => text += "[^/]*",
                '?' => text += "[^/]",
                other => text += &regex::escape(other.encode_utf8(&mut [0; 4])),
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    text
}

/// A `[...]` at the beginning, and what comes after it.
fn class(glob: &str) -> Option<(String, &str)> {
    let inner = glob.strip_prefix('[')?;
    let (is_not, inner) = inner.strip_prefix('!').map_or((false, inner), |inner| (true, inner));
    // a ] that comes first stands for itself
    let end = inner.char_indices().skip(1).find(|(_, character)| *character == ']')?.0;
    let mut text = if is_not { "[^/" } else { "[" }.to_owned();
    for (at, character) in inner[..end].char_indices() {
        let is_range = character == '-' && at > 0 && at + 1 < end;
        if !is_range && !character.is_alphanumeric() {
            text.push('\\');
        }
        text.push(character);
    }
    text.push(']');
    Some((text, &inner[end + 1..]))
}

/// The time of a date, or of as many parts of it as are there, and of an hour.
fn span(date: Option<&str>, parts: [Option<&str>; 3], hour: Option<&str>) -> Result<Option<(i64, i64)>, String> {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let [year, month, day] = parts.map(number);
    let written = || {
        let parts: Vec<&str> = date.into_iter().chain(parts.into_iter().flatten()).collect();
        format!("{:?}, which its name says, is no date", parts.join("-"))
    };
    let first_of = |year: u32| {
        let year = i32::try_from(year).ok()?;
        NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1))
    };
    let first = match (date, year) {
        (Some(text), _) => text.parse::<NaiveDate>().map_err(|_| written())?,
        (None, Some(year)) => first_of(year).ok_or_else(written)?,
        (None, None) => return Ok(None),
    };
    if date.is_some() && year.is_some() && first_of(year.unwrap_or_default()) != Some(first) {
        return Err("its name says two dates".to_owned());
    }
    let after = match (date, month, day) {
        (None, None, _) => first.checked_add_months(Months::new(12)),
        (None, Some(_), None) => first.checked_add_months(Months::new(1)),
        _ => first.succ_opt(),
    };
    let (Some(since), Some(until)) = (midnight(first), after.and_then(midnight)) else { return Err(written()) };
    match number(hour) {
        None => Ok(Some((since, until))),
        Some(hour) if hour < 24 => {
            let since = since + i64::from(hour) * (DAY / 24);
            Ok(Some((since, since + DAY / 24)))
        }
        Some(hour) => Err(format!("its name says hour {hour}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        midnight(text.parse().unwrap()).unwrap()
    }

    fn read(pattern: &str, name: &str) -> Option<Named> {
        Pattern::parse(pattern).unwrap().read(name).unwrap()
    }

    fn cluster(pattern: &str, name: &str) -> Option<String> {
        read(pattern, name)?.cluster
    }

    #[test]
    fn a_name_says_its_date_and_its_cluster() {
        let pattern = "/var/log/{cluster}/audit-{date}*.gz";
        let named = read(pattern, "/var/log/prod-eu.1/audit-2026-11-20.3.log.gz").unwrap();
        assert_eq!(named.cluster.as_deref(), Some("prod-eu.1"));
        assert_eq!(named.span, Some((at("2026-11-20"), at("2026-11-21"))));
        for other in ["/var/log/prod/audit-2026-11-20.log", "/var/log/a/b/audit-2026-11-20.gz", "/var/log/prod/x.gz"] {
            assert_eq!(read(pattern, other), None, "{other}");
        }
    }

    #[test]
    fn hours_months_and_years_are_spans_of_their_own() {
        let hour = read(
            "s3://b/y={year}/m={month}/d={day}/h={hour}/m=00/PT1H.json",
            "s3://b/y=2026/m=11/d=20/h=07/m=00/PT1H.json",
        );
        let seven = at("2026-11-20") + 7 * DAY / 24;
        assert_eq!(hour.unwrap().span, Some((seven, seven + DAY / 24)));
        assert_eq!(read("{year}/{month}", "2026/12/x/y.gz").unwrap().span, Some((at("2026-12-01"), at("2027-01-01"))));
        assert_eq!(read("logs-{year}", "logs-2024").unwrap().span, Some((at("2024-01-01"), at("2025-01-01"))));
        assert_eq!(read("{date}-{hour}.log", "2026-11-20-23.log").unwrap().span.unwrap().1, at("2026-11-21"));
        assert_eq!(read("audit.log", "audit.log").unwrap(), Named::default());
    }

    #[test]
    fn nonsense_in_a_name_is_an_error_and_not_a_miss() {
        let error = |pattern: &str, name: &str| Pattern::parse(pattern).unwrap().read(name).unwrap_err();
        assert!(error("a-{date}", "a-2026-02-30").contains("2026-02-30"));
        assert!(error("{date}/{date}.gz", "2026-11-20/2026-11-21.gz").contains("{date}"));
        assert!(error("{year}/{date}", "2025/2026-11-20").contains("two dates"));
        assert!(error("{date}-{hour}", "2026-11-20-24").contains("hour 24"));
    }

    #[test]
    fn a_clusters_name_ends_where_the_pattern_says() {
        assert_eq!(cluster("{cluster}-audit-*.gz", "prod-eu-audit-1.gz").as_deref(), Some("prod-eu"));
        assert_eq!(cluster("x/{cluster}", "x/prod/2026/a.gz").as_deref(), Some("prod"));
        assert_eq!(cluster("x/{cluster}/*.gz", "x/../a.gz"), None);
        assert_eq!(cluster("x/{cluster}/*.gz", "x/a b/a.gz"), None);
    }

    #[test]
    fn wild_cards_are_those_of_a_shell() {
        for (pattern, fits, fails) in [
            ("a/*.gz", "a/b.gz", "a/b/c.gz"),
            ("a/**/*.gz", "a/b/c/d.gz", "b/a/d.gz"),
            ("a/**/*.gz", "a/d.gz", "a/d.zst"),
            ("a/[0-9a].gz", "a/7.gz", "a/b.gz"),
            ("a/[!0-9].gz", "a/b.gz", "a/7.gz"),
            ("a/[]^\\-]x", "a/^x", "a/bx"),
            ("a/?.gz", "a/b.gz", "a/bc.gz"),
            ("a+(b).{year}", "a+(b).2026", "aa(b).2026"),
        ] {
            assert!(read(pattern, fits).is_some(), "{pattern} {fits}");
            assert!(read(pattern, fails).is_none(), "{pattern} {fails}");
        }
    }

    #[test]
    fn each_date_of_a_window_has_its_glob() {
        let pattern = Pattern::parse("s3://b/{cluster}/{year}/{month}/{day}/*").unwrap();
        let globs = pattern.globs(Some(at("2026-11-30")), at("2026-12-02"));
        assert_eq!(globs, ["s3://b/*/2026/11/30/*", "s3://b/*/2026/12/01/*"]);
        assert_eq!(pattern.globs(None, at("2026-12-02")).len(), 1);
        let open = Pattern::parse("l/{date}.gz").unwrap().globs(Some(0), at("2026-12-02"));
        assert_eq!(open, ["l/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].gz"]);
        let months = Pattern::parse("l/{year}{month}").unwrap().globs(Some(at("2026-11-30")), at("2026-12-02"));
        assert_eq!(months, ["l/202611", "l/202612"]);
        assert_eq!(Pattern::parse("./audit.log").unwrap().globs(None, 0), ["audit.log"]);
    }

    #[test]
    fn mistakes_in_a_pattern_are_named() {
        for (pattern, message) in [
            ("a/{dat}", "begins none of {date} {year}"),
            ("a/{date", "begins none of"),
            ("a/date}", "without its {"),
            ("a/{month}", "{month} says nothing without {year}"),
            ("a/{hour}", "{hour} says nothing without {day}"),
            ("a/{year}/{day}", "{day} says nothing without {month}"),
            ("a/{cluster}*.gz", "nothing separates {cluster}"),
            ("a/{date}{cluster}", "nothing separates {cluster}"),
            ("a/*{cluster}/x", "nothing separates {cluster}"),
            ("a/[x", "is no pattern"),
            ("a/***/b", "is no pattern"),
            ("", "empty"),
        ] {
            let error = Pattern::parse(pattern).unwrap_err();
            assert!(error.contains(message), "{pattern}: {error}");
        }
    }
}
