//! RFC 3339 times to microseconds since 1970, UTC. Audit events carry exactly six fractional digits and a `Z`
//! (`metav1.MicroTime`), which has a path of its own.

use chrono::{DateTime, Datelike, NaiveDate, Timelike};

const DAY_MICROS: i64 = 86_400_000_000;

/// Parses an RFC 3339 time; `None` if it is none, or not a time that exists.
pub(super) fn micros(text: &str) -> Option<i64> {
    fast(text.as_bytes()).or_else(|| slow(text))
}

fn fast(text: &[u8]) -> Option<i64> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'.', rest @ ..] = text
    else {
        return None;
    };
    let [f0, f1, f2, f3, f4, f5, b'Z'] = rest else { return None };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0_i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(*digit - b'0')))
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[n0, n1])?, number(&[s0, s1])?);
    if year < 2 || !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None; // rare or wrong: let chrono judge
    }
    let fraction = number(&[f0, f1, f2, f3, f4, f5])?;
    let seconds = (days_from_civil(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + fraction)
}

/// Reads the times of a log, of which most lie in the minute of the one before.
#[derive(Default)]
pub(super) struct Clock {
    /// The last time up to its minutes, `2026-01-15T10:00:`, and what it is.
    minute: Option<([u8; 17], i64)>,
}

impl Clock {
    /// A time as an API server writes it; `None` for any other.
    pub(super) fn micros(&mut self, text: &[u8]) -> Option<i64> {
        let (minute, rest) = text.split_first_chunk::<17>()?;
        let Some((_, base)) = self.minute.filter(|(known, _)| known == minute) else {
            let micros = fast(text)?;
            self.minute = Some((*minute, micros - micros.rem_euclid(60_000_000)));
            return Some(micros);
        };
        let [s0, s1, b'.', f0, f1, f2, f3, f4, f5, b'Z'] = rest else { return None };
        let micros = eight_digits([*s0, *s1, *f0, *f1, *f2, *f3, *f4, *f5])?;
        (*s0 < b'6').then_some(base + micros)
    }
}

/// The number that eight digits are, all at once.
fn eight_digits(digits: [u8; 8]) -> Option<i64> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let text = u64::from_be_bytes(digits);
    let values = text ^ (ONES * u64::from(b'0'));
    // of a byte above nine the high bit is set, or is when 118 is added
    let is_above = ((values & !HIGH) + ONES * 118) | values;
    if is_above & HIGH != 0 {
        return None;
    }
    // to pairs of digits, pairs of pairs, all
    let pairs = (values >> 8 & 0x00ff_00ff_00ff_00ff) * 10 + (values & 0x00ff_00ff_00ff_00ff);
    let fours = (pairs >> 16 & 0x0000_ffff_0000_ffff) * 100 + (pairs & 0x0000_ffff_0000_ffff);
    let number = (fours >> 32) * 10_000 + (fours & 0xffff_ffff);
    i64::try_from(number).ok()
}

fn slow(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    // a leap second, `:60`, is written by no API server
    (time.nanosecond() < 1_000_000_000 && time.year() > 1).then(|| time.timestamp_micros())
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The UTC date of a time, `YYYY-MM-DD`; `None` outside the years that chrono knows.
#[must_use]
pub fn date(micros: i64) -> Option<String> {
    let days = i32::try_from(micros.div_euclid(DAY_MICROS)).ok()?;
    let date = NaiveDate::from_epoch_days(days)?;
    Some(date.format("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_path_agrees_with_chrono_on_every_day_of_400_years() {
        for day in -100_000..100_000_i64 {
            let date = NaiveDate::from_epoch_days(i32::try_from(day).unwrap()).unwrap();
            let text = format!("{}T12:34:56.789012Z", date.format("%Y-%m-%d"));
            let expected = day * DAY_MICROS + 45_296_789_012;
            assert_eq!(micros(&text), Some(expected), "{text}");
        }
    }

    #[test]
    fn eight_digits_are_a_number_and_nothing_else_is() {
        for number in [0, 1, 9, 10, 12_345_678, 59_999_999, 90_909_090, 99_999_999] {
            assert_eq!(eight_digits(format!("{number:08}").into_bytes().try_into().unwrap()), Some(number));
        }
        for place in 0..8 {
            for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
                let mut text = *b"12345678";
                text[place] = byte;
                assert_eq!(eight_digits(text), None, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn offsets_and_other_fractions_are_read() {
        assert_eq!(micros("1970-01-01T05:30:00+05:30"), Some(0));
        assert_eq!(micros("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(micros("1970-01-01T00:00:00.000000001Z"), Some(0));
    }

    #[test]
    fn times_that_do_not_exist_are_refused() {
        for text in ["2026-02-30T00:00:00.000000Z", "2026-01-01T24:00:00.000000Z", "2026-13-01T00:00:00Z", "now", ""] {
            assert_eq!(micros(text), None, "{text}");
        }
        assert_eq!(micros("2026-06-30T23:59:60.000000Z"), None);
        assert_eq!(micros("0001-01-01T00:00:00Z"), None);
    }

    #[test]
    fn dates_change_at_midnight_utc() {
        assert_eq!(date(DAY_MICROS - 1).as_deref(), Some("1970-01-01"));
        assert_eq!(date(DAY_MICROS).as_deref(), Some("1970-01-02"));
        assert_eq!(date(-1).as_deref(), Some("1969-12-31"));
    }
}
