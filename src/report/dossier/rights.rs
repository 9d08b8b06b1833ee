//! Whether an identity needed its rights, as sections.

use super::super::human::{count, plural, seconds};
use super::Rights;
use super::sections::{LEAST, NEEDED, Section, fixed, number, prose, table, wide};

/// The sections about one identity.
pub(super) fn sections(rights: &Rights, most: usize) -> [Section; 2] {
    let mut granted = granted(rights, most);
    let used = rights.grants.iter().filter(|grant| grant.requests > 0).count() as u64;
    granted.lines.push(match rights.grants.len() as u64 {
        0 => format!(
            "which roles and bindings it had at {} UTC is not known: the log has none that are its own, and no \
             snapshot was given (--rbac)",
            seconds(rights.at)
        ),
        all => format!(
            "at {} UTC it had {}, of which {} used",
            seconds(rights.at),
            plural(all, "rule", "rules"),
            if used == 1 { "1 was".to_owned() } else { format!("{} were", count(used)) }
        ),
    });
    if rights.unexplained > 0 {
        let n = rights.unexplained as u64;
        granted.lines.push(format!(
            "{} allowed by no grant that is known",
            plural(n, "kind of request was", "kinds of request were")
        ));
    }
    if !rights.reasons.is_empty() {
        granted.lines.push(format!("the API server allowed requests by: {}", rights.reasons.join("; ")));
    }
    let mut least = prose(&format!("{LEAST} that would be enough for {}", rights.actor), rights.warnings.clone());
    least.code = rights.yaml.lines().map(ToOwned::to_owned).collect();
    if !rights.diff.is_empty() {
        least.code.push(String::new());
        least.code.extend(rights.diff.lines().map(|line| format!("# {line}")));
    }
    [granted, least]
}

fn granted(rights: &Rights, most: usize) -> Section {
    let rows = rights.grants.iter().map(|grant| {
        let mut unused = grant.unused.join(", ");
        if grant.more > 0 {
            unused += &format!(" and {} more", grant.more);
        }
        vec![
            grant.rule.clone(),
            grant.namespace.clone().unwrap_or_else(|| "everywhere".to_owned()),
            grant.via.clone(),
            count(grant.requests),
            grant.last_seen.map(seconds).unwrap_or_default(),
            unused,
        ]
    });
    let columns = vec![
        wide("granted", 3),
        wide("in", 1),
        wide("through", 2),
        number("requests"),
        fixed("last (UTC)"),
        wide("never used", 3),
    ];
    table(&format!("{NEEDED} rights of {}", rights.actor), columns, rows.collect(), most)
}
