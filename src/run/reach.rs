//! Which detections relate events to each other, and how far apart those may be.

use regex::Regex;

use crate::config::DAY;
use crate::error::{Error, Result};

/// How far apart in time, in microseconds, the events of one finding of this query may be and still need each other;
/// none where each event, or each group of a date, is judged alone. A query that joins and names no span reaches a day.
pub fn reach(sql: &str) -> Result<Option<i64>> {
    let bug = |error| Error::Internal(format!("the expression for intervals: {error}"));
    let interval = Regex::new(r"(?i)\binterval\s+'(\d{1,6})\s+(second|minute|hour|day)s?'").map_err(bug)?;
    let related = Regex::new(r"(?i)\b(interval|join|over|lag|lead|exists)\b").map_err(bug)?;
    let code: String = sql.lines().map(|line| line.split("--").next().unwrap_or(line).to_owned() + "\n").collect();
    let micros = |found: regex::Captures<'_>| {
        let number: i64 = found[1].parse().unwrap_or(0);
        number
            * match found[2].to_ascii_lowercase().as_str() {
                "second" => DAY / 86_400,
                "minute" => DAY / 1_440,
                "hour" => DAY / 24,
                _ => DAY,
            }
    };
    let longest = interval.captures_iter(&code).map(micros).max();
    Ok(longest.or_else(|| related.is_match(&code).then_some(DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::Pack;

    #[test]
    fn the_longest_span_counts() {
        let of = |sql: &str| reach(sql).unwrap();
        assert_eq!(of("select 1 from secret_access -- a join, over an interval '1 hour'"), None);
        assert_eq!(
            of("range between INTERVAL '30 minutes' preceding and interval '2 hours' following"),
            Some(DAY / 12)
        );
        assert_eq!(of("select 1 from a join b on a.x = b.x"), Some(DAY));
        assert_eq!(of("interval '1 day'"), Some(DAY));
    }

    #[test]
    fn sweeps_and_chains_of_the_pack_look_over_midnight_and_single_events_do_not() {
        let pack = Pack::embedded().unwrap();
        let of = |id: &str| reach(&pack.get(id).unwrap().sql).unwrap();
        assert_eq!(of("secret_sweep"), Some(DAY / 48));
        assert_eq!(of("compromised_cluster"), Some(DAY));
        assert_eq!(of("audit_id_reused"), Some(DAY));
        assert_eq!(of("pod_exec"), None);
    }
}
