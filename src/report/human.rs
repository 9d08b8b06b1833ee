//! Numbers and times: for machines in RFC 3339, for people in three digits and a unit.

use chrono::{DateTime, SecondsFormat, Utc};

/// Names that a sentence or a cell shows; of more it tells the number.
const NAMES_SHOWN_MAX: usize = 3;

/// Microseconds since 1970 as RFC 3339 in UTC, always with six decimals: `2024-05-01T12:00:00.000000Z`.
#[must_use]
pub fn rfc3339(micros: i64) -> String {
    // past the year 262000 there is no calendar, and the number says more than nothing
    utc(micros).map_or_else(|| micros.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// Microseconds since 1970 in UTC, in a `strftime` format; the number itself where no calendar reaches.
pub(super) fn time(micros: i64, format: &str) -> String {
    utc(micros).map_or_else(|| micros.to_string(), |time| time.format(format).to_string())
}

/// To the second: `2024-05-01 12:00:00`.
pub(super) fn seconds(micros: i64) -> String {
    time(micros, "%Y-%m-%d %H:%M:%S")
}

fn utc(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

/// A count: in full to 9999, then `12.3 k`, `1.2 M`.
#[must_use]
pub fn count(n: u64) -> String {
    if n < 10_000 { n.to_string() } else { scaled(n, ["", "k", "M", "G", "T"]) }
}

/// A size in bytes, by thousands: `812 B`, `340 MB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    scaled(n, ["B", "kB", "MB", "GB", "TB"])
}

/// The first of some names, and how many more there are: `a, b, c and 4 more`.
#[must_use]
pub fn few<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMES_SHOWN_MAX) as u64;
    let shown = names.take(NAMES_SHOWN_MAX).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {} more", count(more)) }
}

/// "1 file", "2 files", "1.2 M lines".
#[must_use]
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

fn scaled(n: u64, units: [&str; 5]) -> String {
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && value < 99.95);
    format!("{value:.decimals$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_at_their_edges() {
        assert_eq!(
            [0, 1, 9_999, 10_000, 99_949, 99_950, 999_499, 999_500, 1_234_567].map(count),
            ["0", "1", "9999", "10.0 k", "99.9 k", "100 k", "999 k", "1.0 M", "1.2 M"]
        );
        assert_eq!(
            [0, 812, 1_000, 340_000_000, 1_500_000_000].map(bytes),
            ["0 B", "812 B", "1.0 kB", "340 MB", "1.5 GB"]
        );
        assert_eq!(count(u64::MAX), "18446744 T");
    }

    #[test]
    fn times_are_utc_with_six_decimals_and_never_panic() {
        assert_eq!(rfc3339(1_714_564_800_000_001), "2024-05-01T12:00:00.000001Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339(i64::MIN), i64::MIN.to_string());
        assert_eq!(seconds(i64::MAX), i64::MAX.to_string());
    }
}
