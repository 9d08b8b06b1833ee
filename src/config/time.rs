//! Times and spans as people write them: `2026-11-20`, `yesterday`, `7d`.

use chrono::{DateTime, NaiveDate};

/// A day in microseconds.
pub const DAY: i64 = 86_400_000_000;

/// Microseconds of a span like `90m`, `6h`, `2d` or `1w`.
pub fn duration(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no span of time; write it like 90m, 6h, 2d or 1w");
    let unit = match text.as_bytes().last() {
        Some(b's') => DAY / 86_400,
        Some(b'm') => DAY / 1_440,
        Some(b'h') => DAY / 24,
        Some(b'd') => DAY,
        Some(b'w') => 7 * DAY,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    i64::from(number).checked_mul(unit).ok_or_else(wrong)
}

/// Microseconds since 1970 of a date, an RFC 3339 time, `today` or `yesterday` (their midnights, UTC), `now`, or a span
/// that ends at `now`, like `7d`.
pub fn moment(text: &str, now: i64) -> Result<i64, String> {
    match text {
        "now" => return Ok(now),
        "today" => return Ok(now - now.rem_euclid(DAY)),
        "yesterday" => return Ok(now - now.rem_euclid(DAY) - DAY),
        _ => {}
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(midnight);
    let time = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros());
    let ago = || duration(text).ok().map(|span| now.saturating_sub(span));
    date.or_else(time).or_else(ago).ok_or_else(|| {
        format!("{text:?} is no time; write it like 2026-11-20, 2026-11-20T08:00:00Z, yesterday, today or 7d (ago)")
    })
}

/// The first moment of a date, in microseconds since 1970; none where no calendar reaches.
#[must_use]
pub fn midnight(date: NaiveDate) -> Option<i64> {
    date.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp_micros())
}

/// The UTC date of a moment in microseconds since 1970; none where no calendar reaches.
#[must_use]
pub fn day_of(micros: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(micros).map(|time| time.date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 20 * DAY + DAY / 2;

    #[test]
    fn moments_are_utc_and_may_be_told_from_now() {
        assert_eq!(moment("1970-01-02", NOON), Ok(DAY));
        assert_eq!(moment("1970-01-01T01:00:00+01:00", NOON), Ok(0));
        assert_eq!(moment("now", NOON), Ok(NOON));
        assert_eq!(moment("today", NOON), Ok(20 * DAY));
        assert_eq!(moment("yesterday", NOON), Ok(19 * DAY));
        assert_eq!(moment("7d", NOON), Ok(NOON - 7 * DAY));
        assert_eq!(moment("36h", NOON), Ok(19 * DAY));
        for wrong in ["tomorrow", "2026-13-01", "d", "-1d", "7", "7 d", "99999999999d", ""] {
            assert!(moment(wrong, NOON).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_have_units() {
        let spans = ["90m", "6h", "2d", "1w", "0s"].map(|text| duration(text).unwrap());
        assert_eq!(spans, [DAY / 16, DAY / 4, 2 * DAY, 7 * DAY, 0]);
        for wrong in ["", "6", "h", "6 h", "1.5h", "-6h", "6y", "6\u{e9}"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
