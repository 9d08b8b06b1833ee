//! Whom findings are about: their identities, each with the addresses that the requests came from, so that what the
//! same account does elsewhere is not laid to the thief.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::engine::{Question, Session, Value, Values};
use crate::error::Result;
use crate::finding::Finding;
use crate::limits::{
    DOSSIER_ROWS_MAX, SUSPECT_FINDING_IDS_MAX, SUSPECT_IDS_ASKED_MAX, SUSPECT_IDS_MAX, SUSPECT_ORIGINS_MAX,
    SUSPECTS_MAX,
};
use crate::report::dossier::{Origin, Subject};

/// A request of a finding.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Sight {
    cluster: String,
    audit_id: String,
    actor: Option<String>,
    username: Option<String>,
    client_ip: Option<String>,
}

/// Whom findings are about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suspects {
    /// All of them, as one subject.
    pub subject: Subject,
    /// How many identities, of the quieter findings, are left out.
    pub left_out: usize,
}

/// The identities that these findings name, in their order, and where their requests came from. A finding that names nobody is about
/// whoever made its requests.
pub fn suspects(session: &Session, findings: &[&Finding]) -> Result<Suspects> {
    let first = findings.iter().map(|finding| finding.first_seen).min().unwrap_or_default();
    let last = findings.iter().map(|finding| finding.last_seen.max(finding.first_seen)).max().unwrap_or_default();
    let mut values = Values::from([
        ("since".to_owned(), Value::Time(first)),
        ("until".to_owned(), Value::Time(last.saturating_add(1))),
    ]);
    let (sql, ids) = (super::sql("suspects")?, ids(findings));
    let mut sights: Vec<Sight> = Vec::new();
    for ids in ids.chunks(SUSPECT_IDS_ASKED_MAX) {
        values.insert("ids".to_owned(), Value::Texts(ids.to_vec()));
        let question = Question { what: "suspects", sql: &sql, values: &values };
        sights.extend(session.ask(&question, None, DOSSIER_ROWS_MAX)?.rows);
    }
    Ok(named(findings, &sights))
}

/// Audit ids to look up: of each finding some from its beginning to its end, fewer where there are many findings.
fn ids(findings: &[&Finding]) -> Vec<String> {
    let each = (SUSPECT_IDS_MAX / findings.len().max(1)).clamp(1, SUSPECT_FINDING_IDS_MAX);
    let mut ids = BTreeSet::new();
    for finding in findings {
        let step = finding.audit_ids.len().div_ceil(each).max(1);
        ids.extend(finding.audit_ids.iter().step_by(step).cloned());
    }
    ids.into_iter().collect()
}

fn named(findings: &[&Finding], sights: &[Sight]) -> Suspects {
    let mut by_id: BTreeMap<&str, Vec<&Sight>> = BTreeMap::new();
    sights.iter().for_each(|sight| by_id.entry(&sight.audit_id).or_default().push(sight));
    let (mut origins, mut known, mut actors) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for finding in findings {
        let in_cluster = |sight: &&&Sight| finding.cluster.is_empty() || sight.cluster == finding.cluster;
        // a client may give a request of its own the audit id of another's
        let own = |sight: &&&Sight| {
            let is = |name: &Option<String>| name.as_deref() == Some(&finding.actor);
            finding.actor.is_empty() || is(&sight.actor) || is(&sight.username)
        };
        let seen = finding.audit_ids.iter().filter_map(|id| by_id.get(id.as_str())).flatten();
        for sight in seen.filter(in_cluster).filter(own) {
            let named = Some(&finding.actor).filter(|actor| !actor.is_empty()).or(sight.actor.as_ref());
            let Some(actor) = named else { continue };
            origins.insert(Origin {
                cluster: sight.cluster.clone(),
                actor: actor.clone(),
                address: sight.client_ip.clone(),
            });
            if known.insert(actor) {
                actors.push(actor.clone());
            }
        }
    }
    let left_out = actors.len().saturating_sub(SUSPECTS_MAX);
    actors.truncate(SUSPECTS_MAX);
    let kept: BTreeSet<&String> = actors.iter().collect();
    origins.retain(|origin: &Origin| kept.contains(&origin.actor));
    let origins = origins.into_iter().take(SUSPECT_ORIGINS_MAX).collect();
    Suspects { subject: Subject { actors, origins, ..Subject::default() }, left_out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    fn finding(actor: &str, ids: &[&str]) -> Finding {
        Finding {
            detection: "d".into(),
            title: "t".into(),
            severity: Severity::High,
            attack: Vec::new(),
            audit_id: ids.first().copied().unwrap_or_default().into(),
            audit_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            first_seen: 1,
            last_seen: 2,
            actor: actor.into(),
            object: "o".into(),
            events: 1,
            cluster: "prod".into(),
            finding_id: "f".into(),
            evidence: "{}".into(),
        }
    }

    fn sight(id: &str, actor: &str, address: &str) -> Sight {
        Sight {
            cluster: "prod".into(),
            audit_id: id.into(),
            actor: Some(actor.into()),
            username: Some(actor.into()),
            client_ip: Some(address.into()),
        }
    }

    #[test]
    fn only_the_findings_own_requests_say_where_it_was() {
        let found = finding("eve", &["a", "b"]);
        let elsewhere = Sight { cluster: "test".into(), ..sight("b", "eve", "192.0.2.9") };
        let sights = [sight("a", "eve", "192.0.2.1"), sight("a", "forger", "192.0.2.2"), elsewhere];
        let subject = named(&[&found], &sights).subject;
        assert_eq!(subject.actors, ["eve"]);
        let addresses: Vec<_> = subject.origins.iter().map(|origin| origin.address.as_deref()).collect();
        assert_eq!(addresses, [Some("192.0.2.1")]);
    }

    #[test]
    fn a_finding_about_nobody_is_about_whoever_asked() {
        let subject = named(&[&finding("", &["a"])], &[sight("a", "eve", "192.0.2.1")]).subject;
        assert_eq!(subject.actors, ["eve"]);
    }

    #[test]
    fn of_too_many_the_loudest_are_kept_and_the_rest_counted() {
        let findings: Vec<Finding> =
            (0..SUSPECTS_MAX + 3).rev().map(|n| finding(&format!("u{n:04}"), &[&format!("a{n}")])).collect();
        let sights: Vec<Sight> =
            findings.iter().map(|finding| sight(&finding.audit_id, &finding.actor, "192.0.2.1")).collect();
        let suspects = named(&findings.iter().collect::<Vec<_>>(), &sights);
        assert_eq!((suspects.subject.actors.len(), suspects.left_out), (SUSPECTS_MAX, 3));
        assert_eq!(suspects.subject.actors[0], findings[0].actor);
        assert_eq!(suspects.subject.origins.len(), SUSPECTS_MAX);
    }

    #[test]
    fn many_findings_share_the_room_and_each_keeps_its_ends_in_sight() {
        let all: Vec<String> = (0..SUSPECT_FINDING_IDS_MAX * 2).map(|n| format!("{n:05}")).collect();
        let texts: Vec<&str> = all.iter().map(String::as_str).collect();
        let long = finding("eve", &texts);
        let found = ids(&[&long]);
        assert!(found.len() <= SUSPECT_FINDING_IDS_MAX && found.contains(&all[0]), "{}", found.len());
        let many: Vec<Finding> = (0..SUSPECT_IDS_MAX).map(|n| finding("eve", &[&format!("a{n}"), "b"])).collect();
        assert_eq!(ids(&many.iter().collect::<Vec<_>>()).len(), SUSPECT_IDS_MAX, "one of each");
    }
}
