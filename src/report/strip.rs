//! The findings by tactic and technique of MITRE ATT&CK, in the order of the matrix: how far somebody came at a glance.

use std::collections::BTreeMap;

use crate::detection::attack;
use crate::finding::{Finding, Severity};

/// Techniques that one tactic lists; the rest are in the findings.
const TECHNIQUES_MAX: usize = 6;

/// A tactic with what was found of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tactic {
    pub(super) name: &'static str,
    pub(super) findings: u64,
    /// The loudest of them.
    pub(super) loudest: Option<Severity>,
    /// Name with id, and the number of findings; the most first.
    pub(super) techniques: Vec<(String, u64)>,
}

/// All tactics, those with nothing found too; none where no finding names a tactic.
pub(super) fn tactics(findings: &[Finding]) -> Vec<Tactic> {
    let all: Vec<Tactic> = attack::TACTICS.iter().filter_map(|id| tactic(id, findings)).collect();
    if all.iter().all(|tactic| tactic.findings == 0) { Vec::new() } else { all }
}

fn tactic(id: &str, findings: &[Finding]) -> Option<Tactic> {
    let mut tactic = Tactic { name: attack::name(id)?, findings: 0, loudest: None, techniques: Vec::new() };
    let mut techniques: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in findings {
        let pairs = finding.attack.iter().filter_map(|pair| pair.split_once('/'));
        let of: Vec<&str> = pairs.filter(|(tactic, _)| *tactic == id).map(|(_, technique)| technique).collect();
        if of.is_empty() {
            continue;
        }
        tactic.findings += 1;
        tactic.loudest = tactic.loudest.max(Some(finding.severity));
        for technique in of {
            *techniques.entry(technique).or_default() += 1;
        }
    }
    let mut techniques: Vec<_> = techniques.into_iter().collect();
    techniques.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let named =
        |(id, n): (&str, u64)| (attack::name(id).map_or_else(|| id.to_owned(), |name| format!("{name} ({id})")), n);
    tactic.techniques = techniques.into_iter().take(TECHNIQUES_MAX).map(named).collect();
    Some(tactic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::finding;

    #[test]
    fn findings_stand_under_their_tactics_in_the_order_of_the_matrix() {
        let with = |attack: &[&str], severity| Finding {
            attack: attack.iter().map(|id| (*id).to_owned()).collect(),
            ..finding("d", severity)
        };
        let found = [
            with(&["TA0006/T1552.007", "TA0002/T1609"], Severity::Low),
            with(&["TA0006/T1552.007", "TA0006/T1528"], Severity::High),
            with(&["nonsense", "TA0999/T1"], Severity::Critical),
        ];
        let all = tactics(&found);
        let seen: Vec<_> = all.iter().filter(|tactic| tactic.findings > 0).collect();
        assert_eq!(
            seen.iter().map(|tactic| (tactic.name, tactic.findings)).collect::<Vec<_>>(),
            [("Execution", 1), ("Credential Access", 2)]
        );
        assert_eq!(seen[1].loudest, Some(Severity::High));
        assert_eq!(seen[1].techniques.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [2, 1]);
        assert!(seen[1].techniques[0].0.contains("T1552.007"), "{seen:?}");
        assert_eq!(tactics(&found[2..]), []);
    }
}
