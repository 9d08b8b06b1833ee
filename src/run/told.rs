//! What was told: whether a finding is one that the lake keeps, though late events changed its counts or its id.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::finding::Finding;
use crate::limits::TOLD_MAX;

/// A midnight that lies within the time under examination, and how far events around it may be apart and still need
/// each other; microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Midnight {
    pub(super) at: i64,
    pub(super) reach: i64,
}

/// Findings that were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    ids: HashSet<String>,
    /// At most [`TOLD_MAX`]; of more, only the ids are known.
    by_actor: HashMap<(String, String, String), Vec<One>>,
}

#[derive(Debug)]
struct One {
    id: String,
    kind: String,
    audit_ids: BTreeSet<String>,
    first_seen: i64,
    last_seen: i64,
    events: i64,
}

impl Told {
    /// Remembers a finding.
    pub(super) fn add(&mut self, finding: &Finding) {
        if self.ids.insert(finding.finding_id.clone()) && self.ids.len() <= TOLD_MAX {
            self.by_actor.entry(actor(finding)).or_default().push(One {
                id: finding.finding_id.clone(),
                kind: kind(&finding.object),
                audit_ids: audit_ids(finding).map(ToOwned::to_owned).collect(),
                first_seen: finding.first_seen,
                last_seen: finding.last_seen,
                events: finding.events,
            });
        }
    }

    /// Whether this very finding was told.
    pub(super) fn has(&self, finding: &Finding) -> bool {
        self.ids.contains(&finding.finding_id)
    }

    /// Whether this very finding was told because of a midnight that lies within it, and not by the day before alone.
    pub(super) fn has_over(&self, finding: &Finding, at: i64) -> bool {
        let earlier = self.by_actor.get(&actor(finding)).into_iter().flatten();
        let same = earlier.filter(|one| one.id == finding.finding_id);
        same.into_iter().any(|one| one.first_seen < at && one.last_seen >= at)
    }

    /// Whether the finding, or what it grew from, was told. For what was found in the two days around a midnight: also
    /// whether each of the days told it.
    pub(super) fn knows(&self, finding: &Finding, midnight: Option<Midnight>) -> bool {
        if self.has(finding) {
            return true;
        }
        let kind = kind(&finding.object);
        let earlier = self.by_actor.get(&actor(finding)).into_iter().flatten();
        let sharing: Vec<&One> = earlier.filter(|one| one.kind == kind && one.shares(finding)).collect();
        let straddled =
            midnight.filter(|midnight| finding.first_seen < midnight.at && finding.last_seen >= midnight.at);
        let Some(Midnight { at, reach }) = straddled else { return !sharing.is_empty() };
        // what ended long before midnight, or began long after it, is another attack of the same actor
        let near = |one: &&One| one.last_seen >= at.saturating_sub(reach) && one.first_seen <= at.saturating_add(reach);
        sharing.iter().any(near) || sharing.iter().map(|one| one.events).sum::<i64>() >= finding.events
    }
}

impl One {
    /// Whether they have an event in common, as far as can be told: clients choose audit ids, so the times must overlap.
    fn shares(&self, finding: &Finding) -> bool {
        let overlaps = self.first_seen <= finding.last_seen && finding.first_seen <= self.last_seen;
        overlaps && (self.first_seen == finding.first_seen || audit_ids(finding).any(|id| self.audit_ids.contains(id)))
    }
}

fn actor(finding: &Finding) -> (String, String, String) {
    (finding.detection.clone(), finding.cluster.clone(), finding.actor.clone())
}

fn audit_ids(finding: &Finding) -> impl Iterator<Item = &str> {
    let all = std::iter::once(&finding.audit_id).chain(&finding.audit_ids);
    all.map(String::as_str).filter(|id| !id.is_empty())
}

/// An object without its counts: `17 secrets` and `23 secrets` are of one kind.
fn kind(object: &str) -> String {
    let is_count = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    object.split(' ').map(|word| if is_count(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    /// What someone did from one minute to another, with events named by their minutes.
    fn sweep(from: i64, to: i64, events: i64) -> Finding {
        Finding {
            detection: "secret_sweep".to_owned(),
            title: String::new(),
            severity: Severity::High,
            attack: Vec::new(),
            audit_id: format!("e{from}"),
            audit_ids: (from..=to).map(|minute| format!("e{minute}")).collect(),
            first_seen: from,
            last_seen: to,
            actor: "eve".to_owned(),
            object: format!("{events} secrets"),
            events,
            cluster: "prod".to_owned(),
            finding_id: format!("{from}-{events}"),
            evidence: "{}".to_owned(),
        }
    }

    fn told(findings: &[Finding]) -> Told {
        let mut told = Told::default();
        findings.iter().for_each(|finding| told.add(finding));
        told
    }

    /// Minute 0 is the midnight.
    const MIDNIGHT: Option<Midnight> = Some(Midnight { at: 0, reach: 30 });

    #[test]
    fn what_grew_is_not_new_and_what_only_looks_alike_is() {
        let told = told(&[sweep(10, 30, 20)]);
        assert!(told.knows(&sweep(10, 30, 20), None));
        assert!(told.knows(&sweep(5, 40, 30), None));
        assert!(!told.knows(&sweep(50, 60, 20), None));
        let copied = Finding { audit_id: "e10".to_owned(), audit_ids: vec!["e10".to_owned()], ..sweep(50, 60, 20) };
        assert!(!told.knows(&copied, None), "an audit id that was used again hides nothing");
        for other in [
            Finding { actor: "bob".to_owned(), ..sweep(5, 40, 30) },
            Finding { detection: "denied_burst".to_owned(), ..sweep(5, 40, 30) },
            Finding { cluster: "test".to_owned(), ..sweep(5, 40, 30) },
            Finding { object: "30 tokens".to_owned(), ..sweep(5, 40, 30) },
        ] {
            assert!(!told.knows(&other, None), "{other:?}");
        }
    }

    #[test]
    fn an_attack_over_midnight_is_told_once() {
        let over = sweep(-10, 10, 20);
        assert!(!told(&[]).knows(&over, MIDNIGHT), "neither day could see it");
        assert!(told(&[sweep(-10, -1, 16)]).knows(&over, MIDNIGHT), "the day before told it");
        assert!(told(&[sweep(1, 10, 16)]).knows(&over, MIDNIGHT), "the day after told it");
        assert!(!told(&[sweep(-600, -500, 20)]).knows(&over, MIDNIGHT));
    }

    #[test]
    fn what_a_midnight_told_is_told_from_what_the_day_before_did() {
        let over = sweep(-10, 10, 20);
        assert!(told(std::slice::from_ref(&over)).has_over(&over, 0));
        let by_the_day = Finding { last_seen: -1, ..over.clone() };
        assert!(!told(&[by_the_day]).has_over(&over, 0));
    }

    #[test]
    fn two_attacks_far_from_midnight_do_not_add_up_to_a_third_and_hide_none() {
        let days = [sweep(-600, -550, 20), sweep(700, 720, 20)];
        assert!(told(&days).knows(&sweep(-600, 720, 40), MIDNIGHT));
        assert!(!told(&days).knows(&sweep(-600, 720, 60), MIDNIGHT), "20 more came around midnight");
        // of one day alone: whatever it found was told
        assert!(told(&days).knows(&sweep(-600, -500, 22), MIDNIGHT));
    }

    #[test]
    fn counts_in_an_object_do_not_make_another() {
        assert_eq!(kind("17 secrets"), kind("230 secrets"));
        assert_eq!(kind("secrets in 5 places"), kind("secrets in 15 places"));
        assert_ne!(kind("shop/web-1"), kind("shop/web-2"));
    }
}
