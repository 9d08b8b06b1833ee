//! The picture of the findings over time: where each mark lies and what the axis says. Positions are percent of the
//! width, so that the picture fits a phone without shrinking its letters.

use super::escape::{cut, terminal};
use super::human;
use crate::finding::{Finding, Severity};

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;
/// Hours between ticks that people find easy to read; beyond the last it is doubled.
const STEPS_HOURS: [i64; 9] = [1, 2, 3, 6, 12, 24, 48, 96, 168];
/// Ticks that a phone has room for.
const TICKS_MAX: i64 = 6;
/// Percent kept free on either side, for the marks at the ends and the letters below them.
const MARGIN: f64 = 4.0;
/// Characters of a name in a mark's title.
const TITLE_CHARS: usize = 80;

/// The whole picture.
pub(super) struct Timeline {
    /// The severities that have findings, loudest first: one lane each.
    pub(super) lanes: Vec<Severity>,
    pub(super) ticks: Vec<Tick>,
    pub(super) marks: Vec<Mark>,
}

/// A line across the lanes with the time below it.
pub(super) struct Tick {
    pub(super) x: String,
    /// `14:00`; empty where the ticks are whole days.
    pub(super) hour: String,
    /// `May 1`, where it is not that of the tick before; else empty.
    pub(super) day: String,
}

/// A finding: a dot where it began, a line to where it ended.
pub(super) struct Mark {
    pub(super) lane: usize,
    pub(super) severity: Severity,
    pub(super) x: String,
    pub(super) end: String,
    pub(super) title: String,
}

/// The picture of these findings; `None` where there is nothing to draw.
pub(super) fn timeline(findings: &[Finding]) -> Option<Timeline> {
    let first = findings.iter().map(|finding| finding.first_seen).min()?;
    let last = findings.iter().map(|finding| finding.last_seen.max(finding.first_seen)).max()?;
    let step = step(last.saturating_sub(first));
    let start = first.saturating_sub(first.rem_euclid(step));
    let end = last.saturating_sub(last.rem_euclid(step)).saturating_add(step);
    let span = end.saturating_sub(start).max(1) as f64;
    let x = |time: i64| {
        let share = time.saturating_sub(start) as f64 / span;
        format!("{:.2}%", MARGIN + share * (100.0 - 2.0 * MARGIN))
    };
    let lanes: Vec<_> =
        Severity::ALL.into_iter().rev().filter(|s| findings.iter().any(|finding| finding.severity == *s)).collect();
    let marks = findings.iter().map(|finding| Mark {
        lane: lanes.iter().position(|severity| *severity == finding.severity).unwrap_or(0),
        severity: finding.severity,
        x: x(finding.first_seen),
        end: x(finding.last_seen.max(finding.first_seen)),
        title: title(finding),
    });
    Some(Timeline { marks: marks.collect(), ticks: ticks(start, end, step, x), lanes })
}

fn step(span: i64) -> i64 {
    let fits = |step: &i64| span / step < TICKS_MAX - 1;
    let mut steps = STEPS_HOURS.iter().map(|hours| hours * HOUR);
    steps.find(fits).unwrap_or_else(|| {
        let mut step = STEPS_HOURS[STEPS_HOURS.len() - 1] * HOUR;
        while !fits(&step) {
            step *= 2;
        }
        step
    })
}

fn ticks(start: i64, end: i64, step: i64, x: impl Fn(i64) -> String) -> Vec<Tick> {
    let mut ticks = Vec::new();
    let mut shown = String::new();
    let mut time = start;
    loop {
        let day = human::time(time, "%b %-d");
        let hour = if step < 24 * HOUR { human::time(time, "%H:%M") } else { String::new() };
        ticks.push(Tick { x: x(time), hour, day: if day == shown { String::new() } else { day.clone() } });
        shown = day;
        match time.checked_add(step) {
            Some(next) if next <= end => time = next,
            _ => return ticks,
        }
    }
}

fn title(finding: &Finding) -> String {
    let name = |text| terminal(&cut(text, TITLE_CHARS)).into_owned();
    format!(
        "{} · {} · {} · {} → {}",
        human::seconds(finding.first_seen),
        finding.severity,
        name(&finding.detection),
        name(&finding.actor),
        name(&finding.object)
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::finding;
    use super::*;

    fn at(times: &[i64]) -> Timeline {
        let findings: Vec<_> = times
            .iter()
            .map(|time| Finding { first_seen: *time, last_seen: *time, ..finding("d", Severity::High) })
            .collect();
        timeline(&findings).unwrap()
    }

    #[test]
    fn one_finding_lies_between_the_hours_around_it() {
        let picture = at(&[1_714_564_800_000_000 + HOUR / 2]);
        let ticks: Vec<_> = picture.ticks.iter().map(|t| (t.x.as_str(), t.hour.as_str(), t.day.as_str())).collect();
        assert_eq!(ticks, [("4.00%", "12:00", "May 1"), ("96.00%", "13:00", "")]);
        assert_eq!(picture.marks[0].x, "50.00%");
    }

    #[test]
    fn every_span_of_time_has_a_few_ticks() {
        for span in [0, 1, HOUR, 5 * HOUR, 24 * HOUR, 1_000 * HOUR, 1_000_000 * HOUR] {
            let ticks = at(&[1_714_564_800_000_000, 1_714_564_800_000_000 + span]).ticks.len();
            assert!((2..=7).contains(&ticks), "{span}: {ticks}");
        }
    }

    #[test]
    fn times_at_the_ends_of_the_world_do_not_panic() {
        assert!(!at(&[i64::MIN, i64::MAX]).marks.is_empty());
        assert!(!at(&[i64::MAX]).marks.is_empty());
        assert!(!at(&[i64::MIN]).marks.is_empty());
        assert!(timeline(&[]).is_none());
    }
}
