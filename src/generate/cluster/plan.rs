//! What happens at fixed times: rollouts, and the harmless work that looks like an attack, once or twice a day.

use super::catalog::WORKLOADS;
use super::{DAY, HOUR, MINUTE, SECOND};
use crate::generate::dice::Dice;

/// Something that is done at a planned time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// The build system rolls out a new version of an application.
    Rollout {
        /// Its index in the catalog.
        workload: usize,
        /// The rollout's number, from 1.
        generation: usize,
    },
    /// The informers of the operators start over: list, then watch.
    Informers,
    /// An administrator looks into a pod of `dev` with exec.
    DebugExec,
    /// A developer reads a secret of their own sandbox.
    OwnSecret,
    /// The build system gives a team `edit` in its namespace.
    TeamBinding,
    /// The build system updates the node agent, which mounts host paths.
    NodeAgent,
    /// A kubelet asks for its next client certificate; the controller approves it.
    NodeCertificate,
}

/// How often a day each errand is done, rollouts aside.
const DAILY: &[(Errand, usize)] = &[
    (Errand::Informers, 3),
    (Errand::DebugExec, 2),
    (Errand::OwnSecret, 1),
    (Errand::TeamBinding, 1),
    (Errand::NodeAgent, 1),
    (Errand::NodeCertificate, 3),
];

/// Events of one rollout, roughly.
const ROLLOUT_EVENTS: i64 = 85;
/// The share of the events that rollouts may take, in per cent.
const ROLLOUT_PERCENT: i64 = 3;
/// Rollouts of one workload are at least this far apart.
const ROLLOUT_GAP: i64 = 3 * MINUTE;

/// All errands from `start` to `end`, by time.
pub(super) fn plan(seed: u64, start: i64, end: i64, events: u64) -> Vec<(i64, Errand)> {
    let mut plan = vec![(start + (end - start).min(SECOND) / 2, Errand::Informers)];
    let mut rollouts = vec![0; WORKLOADS.len()];
    let scale = rollout_scale(end - start, events);
    for (number, (from, until)) in working_hours(start, end).into_iter().enumerate() {
        let mut dice = Dice::new(seed, "plan", number as u64);
        for &(errand, times) in DAILY {
            plan.extend((0..times).map(|_| (dice.between(from, until), errand)));
        }
        for (workload, spec) in WORKLOADS.iter().enumerate() {
            let fits = (until - from) / ROLLOUT_GAP / 2;
            let times = ((spec.rollouts * scale + dice.between(0, 999)) / 1_000).min(fits);
            for part in 0..times {
                let length = (until - from) / times;
                let at = from + length * part + dice.between(0, length - ROLLOUT_GAP);
                rollouts[workload] += 1;
                plan.push((at, Errand::Rollout { workload, generation: rollouts[workload] }));
            }
        }
    }
    plan.retain(|(at, _)| (start..end).contains(at));
    plan.sort_by_key(|(at, _)| *at);
    plan
}

/// Thousandths of the usual rollouts that a log of so many events has room for.
fn rollout_scale(span: i64, events: u64) -> i64 {
    let planned: i64 = WORKLOADS.iter().map(|spec| spec.rollouts).sum();
    let room = i64::try_from(events / 100).unwrap_or(i64::MAX).saturating_mul(ROLLOUT_PERCENT);
    let days = (span + DAY - 1) / DAY;
    (room.saturating_mul(1_000) / (planned * ROLLOUT_EVENTS * days)).min(1_000)
}

/// When people work: 07:00 to 18:00 UTC of each day, or most of a log that is shorter than a day.
fn working_hours(start: i64, end: i64) -> Vec<(i64, i64)> {
    if end - start < DAY {
        let margin = (end - start) / 20;
        return vec![(start + margin, end - 2 * margin - 1)];
    }
    let days = start.div_euclid(DAY)..=(end - 1).div_euclid(DAY);
    days.map(|day| (day * DAY + 7 * HOUR, day * DAY + 18 * HOUR))
        .map(|(from, until)| (from.max(start), until.min(end - 1)))
        .filter(|(from, until)| from < until)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_each_look_alike_and_a_short_log_too() {
        for end in [DAY, HOUR] {
            let plan = plan(3, 0, end, 100_000);
            for &(errand, times) in DAILY {
                let found = plan.iter().filter(|(_, planned)| *planned == errand).count();
                assert!(found >= times, "{errand:?} in {end}");
            }
        }
    }

    #[test]
    fn rollouts_are_counted_up_in_order_and_apart() {
        let plan = plan(3, 0, 3 * DAY, 5_000_000);
        for workload in 0..WORKLOADS.len() {
            let mut last = (-ROLLOUT_GAP, 0);
            for &(at, errand) in &plan {
                if let Errand::Rollout { workload: of, generation } = errand
                    && of == workload
                {
                    assert!(at - last.0 >= ROLLOUT_GAP, "{workload}");
                    assert_eq!(generation, last.1 + 1);
                    last = (at, generation);
                }
            }
        }
    }

    #[test]
    fn rollouts_take_a_small_share_of_a_small_log() {
        let rollouts = |events| {
            plan(3, 0, DAY, events).iter().filter(|(_, errand)| matches!(errand, Errand::Rollout { .. })).count()
        };
        assert!(rollouts(10_000) < 10, "{}", rollouts(10_000));
        assert!(rollouts(1_000_000) > 30);
    }
}
