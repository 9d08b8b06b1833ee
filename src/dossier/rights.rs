//! Was it needed? What an identity was granted, held against what it used, and the least that would have been enough.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::limits::REASONS_SHOWN_MAX;
use crate::rbac::{self, Asked, Grant, History, Row, Rule, Snapshot, Used, Who};
use crate::report::dossier::{Granted, Rights, Use};

const DAY: f64 = 86_400_000_000.0;

/// A request about a role or a binding.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RoleRow {
    ts: i64,
    verb: String,
    api_group: Option<String>,
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
    outcome: String,
    request_uri: Option<String>,
    request: Option<String>,
    response: Option<String>,
}

/// A group that an identity is in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Membership {
    actor: Option<String>,
    group: String,
}

/// Whose rights are looked at.
pub(super) struct Case<'a> {
    pub(super) actor: &'a str,
    /// The moment whose roles count.
    pub(super) at: Option<i64>,
    /// Whether the requests of the subject are a part of all that the identity did, and not needed.
    pub(super) is_narrow: bool,
    pub(super) groups: &'a [Membership],
}

/// Roles and bindings over time.
pub(super) fn history(rows: &[RoleRow]) -> History {
    History::from_rows(rows.iter().map(|row| Row {
        ts: row.ts,
        verb: &row.verb,
        api_group: row.api_group.as_deref().unwrap_or_default(),
        resource: &row.resource,
        namespace: row.namespace.as_deref().unwrap_or_default(),
        name: row.name.as_deref().unwrap_or_default(),
        outcome: &row.outcome,
        request_uri: row.request_uri.as_deref().unwrap_or_default(),
        request: row.request.as_deref(),
        response: row.response.as_deref(),
    }))
}

/// The answer for one identity; `None` where it used nothing.
pub(super) fn rights(case: &Case<'_>, uses: &[Use], history: &History, base: Option<&Snapshot>) -> Option<Rights> {
    let of: Vec<&Use> = uses.iter().filter(|one| one.actor.as_deref() == Some(case.actor)).collect();
    let (first, last) = (of.iter().map(|one| one.first_seen).min()?, of.iter().map(|one| one.last_seen).max()?);
    let at = case.at.unwrap_or(last);
    let groups = case.groups.iter().filter(|one| one.actor.as_deref() == Some(case.actor));
    let groups: Vec<&str> = groups.map(|one| one.group.as_str()).collect();
    let who = Who { name: case.actor, groups: &groups };
    let state = history.state_at(at, base);
    let grants = state.grants(&who);
    let all: Vec<Used<'_>> = of.iter().map(|one| used(one, one.requests)).collect();
    let comparison = rbac::compare(&grants, &all);
    // what the subject did is the theft, where that is told apart; a request that others made too was needed
    let needed: Vec<Used<'_>> = of
        .iter()
        .map(|one| used(one, if case.is_narrow { one.requests.saturating_sub(one.own) } else { one.requests }))
        .filter(|one| one.count > 0)
        .collect();
    let theft: Vec<Used<'_>> =
        of.iter().filter(|one| case.is_narrow && one.own > 0).map(|one| used(one, one.own)).collect();
    let kept: Vec<Grant> = grants.iter().filter(|grant| grant.is_shared()).cloned().collect();
    let options = rbac::Options {
        within: (!grants.is_empty()).then_some(&grants),
        kept: &kept,
        days: Some(last.saturating_sub(first) as f64 / DAY),
        ..rbac::Options::default()
    };
    let proposal = rbac::tighten(&who, &needed, &theft, &options);
    let mut warnings = proposal.warnings();
    warnings.extend(state.unknown_for(&who));
    if !case.is_narrow {
        warnings.push(
            "all that it did counts as needed, a theft too: narrow it with --address, --credential or --since"
                .to_owned(),
        );
    }
    Some(Rights {
        actor: case.actor.to_owned(),
        at,
        grants: comparison.grants.iter().filter_map(|one| granted(one, &grants)).collect(),
        unexplained: if grants.is_empty() { 0 } else { comparison.unexplained.len() },
        reasons: reasons(&of),
        yaml: proposal.yaml(),
        diff: if grants.is_empty() { String::new() } else { proposal.diff(&state, &who).text() },
        warnings,
    })
}

fn used(one: &Use, count: u64) -> Used<'_> {
    fn text(text: Option<&String>) -> &str {
        text.map_or("", String::as_str)
    }
    let is = |outcome: &str| one.outcome.as_deref() == Some(outcome);
    Used {
        asked: Asked {
            verb: text(one.verb.as_ref()),
            api_group: text(one.api_group.as_ref()),
            resource: text(one.resource.as_ref()),
            subresource: text(one.subresource.as_ref()),
            namespace: text(one.namespace.as_ref()),
            name: text(one.name.as_ref()),
            path: text(one.path.as_ref()),
        },
        count,
        denied: if is("denied") { count } else { 0 },
        succeeded: if is("allowed") { count } else { 0 },
        created: one.created.min(count),
        first: one.first_seen,
        last: one.last_seen,
    }
}

fn granted(one: &rbac::GrantUse<'_>, grants: &[Grant]) -> Option<Granted> {
    let grant = grants.get(*one.grants.first()?)?;
    let via = &grant.via;
    let through = match (&via.binding, &via.role) {
        (Some(binding), Some(role)) => format!("{binding} to {role}"),
        _ => "system:masters".to_owned(),
    };
    let doubt = via.doubt.as_ref().map(|doubt| format!(" ({doubt})")).unwrap_or_default();
    let unused = one.cells.iter().filter(|cell| cell.tally.count == 0).map(|cell| {
        let name = cell.name.map(|name| format!(" named {name}")).unwrap_or_default();
        format!("{} {}{name}", cell.verb, cell.target)
    });
    Some(Granted {
        namespace: grant.namespace.as_ref().map(ToString::to_string),
        rule: words(&grant.rule),
        via: format!("{through}, as {} {}{doubt}", kind(via.subject.kind), via.subject.name),
        requests: one.tally.count,
        last_seen: one.tally.last,
        unused: unused.collect(),
        more: one.left_out,
    })
}

fn kind(kind: rbac::SubjectKind) -> &'static str {
    match kind {
        rbac::SubjectKind::ServiceAccount => "account",
        rbac::SubjectKind::Group => "group",
        _ => "user",
    }
}

/// `get, list on secrets of ""`.
fn words(rule: &Rule) -> String {
    let targets = if rule.resources.is_empty() { &rule.non_resource_urls } else { &rule.resources };
    let mut words = format!("{} on {}", rule.verbs.join(", "), targets.join(", "));
    let groups: Vec<&str> = rule.api_groups.iter().map(String::as_str).filter(|group| !group.is_empty()).collect();
    if !groups.is_empty() {
        words += &format!(" of {}", groups.join(", "));
    }
    if !rule.resource_names.is_empty() {
        words += &format!(" named {}", rule.resource_names.join(", "));
    }
    words
}

/// The bindings that the API server named, the busiest first.
fn reasons(uses: &[&Use]) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for one in uses.iter().filter(|one| one.outcome.as_deref() != Some("denied")) {
        if let Some(reason) = one.reason.as_deref().and_then(rbac::reason) {
            *counts.entry(format!("{} of {}", reason.binding, reason.role)).or_default() += one.requests;
        }
    }
    let mut reasons: Vec<(String, u64)> = counts.into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    reasons.into_iter().take(REASONS_SHOWN_MAX).map(|(reason, n)| format!("{reason} ({n} requests)")).collect()
}
