//! A dossier as sections of sentences and tables, the same for every format that people read.

use std::collections::{BTreeMap, BTreeSet};

use super::super::grid;
use super::super::human::{count, few, plural, seconds};
use super::{Access, Dossier, Rotate, Subject, Token, rights};

/// The title of what a dossier cannot tell.
pub(in crate::report) const NOTES: &str = "what could not be seen";

/// Identities that a heading names; of more it tells the number.
const ACTORS_NAMED_MAX: u64 = 5;
/// How the titles of what is told of one identity begin: what its rights were, and what would be enough.
pub(in crate::report) const NEEDED: &str = "was it needed?";
/// See [`NEEDED`].
pub(in crate::report) const LEAST: &str = "the least rights";

/// A heading with what stands below it.
#[derive(Debug, Clone)]
pub(in crate::report) struct Section {
    pub(in crate::report) title: String,
    /// Sentences.
    pub(in crate::report) lines: Vec<String>,
    /// Lines that stay as they are.
    pub(in crate::report) code: Vec<String>,
    pub(in crate::report) columns: Vec<Column>,
    pub(in crate::report) rows: Vec<Vec<String>>,
    /// Rows that are left out.
    pub(in crate::report) more: usize,
}

impl Section {
    pub(in crate::report) fn has_any(&self) -> bool {
        !self.lines.is_empty() || !self.code.is_empty() || !self.rows.is_empty()
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Column {
    pub(super) title: &'static str,
    /// The share of the room that it may claim; 0: it is never cut.
    weight: usize,
    pub(super) right: bool,
}

impl Column {
    pub(super) fn grid(&self) -> grid::Column {
        let ends = self.weight > 1;
        grid::Column { title: self.title.to_owned(), weight: self.weight, ends, right: self.right }
    }
}

pub(super) const fn fixed(title: &'static str) -> Column {
    Column { title, weight: 0, right: false }
}

pub(super) const fn number(title: &'static str) -> Column {
    Column { title, weight: 0, right: true }
}

pub(super) const fn wide(title: &'static str, weight: usize) -> Column {
    Column { title, weight, right: false }
}

/// All sections, each table with at most `most` rows. The first is the verdict.
pub(super) fn all(dossier: &Dossier, most: usize) -> Vec<Section> {
    let mut sections = vec![verdict(dossier)];
    sections.extend(rotate_tables(&dossier.rotate, most));
    sections.extend(evidence(dossier, most));
    sections.retain(Section::has_any);
    sections
}

/// What the list of what to replace rests on, whether the rights were needed, and what could not be seen.
pub(in crate::report) fn evidence(dossier: &Dossier, most: usize) -> Vec<Section> {
    let mut sections = vec![
        accesses(dossier, most),
        entries(dossier, most),
        presences(dossier, most),
        others(dossier, most),
        minted(dossier, most),
        steps(dossier, most),
        used(dossier, most),
    ];
    sections.extend(dossier.rights.iter().flat_map(|rights| rights::sections(rights, most)));
    sections.push(gaps(dossier, most));
    let notes = dossier.rotate.notes.iter().chain(&dossier.notes).cloned().collect();
    sections.push(prose(NOTES, notes));
    sections.retain(Section::has_any);
    sections
}

/// The list of what to replace, by itself.
pub(super) fn rotate(rotate: &Rotate, most: usize) -> Vec<Section> {
    let mut sections = rotate_tables(rotate, most);
    sections.push(prose(NOTES, rotate.notes.clone()));
    sections.retain(Section::has_any);
    if sections.is_empty() {
        sections
            .push(prose("secrets to rotate", vec!["none: no secret came into these hands in this time".to_owned()]));
    }
    sections
}

pub(super) fn prose(title: &str, lines: Vec<String>) -> Section {
    Section { title: title.to_owned(), lines, code: Vec::new(), columns: Vec::new(), rows: Vec::new(), more: 0 }
}

/// A table of the columns that have anything in them.
pub(super) fn table(title: &str, mut columns: Vec<Column>, mut rows: Vec<Vec<String>>, most: usize) -> Section {
    for index in (0..columns.len()).rev() {
        if rows.iter().all(|row| row[index].is_empty()) {
            columns.remove(index);
            rows.iter_mut().for_each(|row| drop(row.remove(index)));
        }
    }
    let more = rows.len().saturating_sub(most);
    rows.truncate(most);
    Section { title: title.to_owned(), lines: Vec::new(), code: Vec::new(), columns, rows, more }
}

fn some(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

/// `namespace/name`, with `*` for what was not named.
fn object(namespace: Option<&String>, name: Option<&String>) -> String {
    let part = |text: Option<&String>| text.map_or("*", String::as_str).to_owned();
    format!("{}/{}", part(namespace), part(name))
}

fn resource(resource: Option<&String>, subresource: Option<&String>) -> String {
    match (resource, subresource) {
        (Some(resource), Some(subresource)) => format!("{resource}/{subresource}"),
        (resource, _) => some(resource),
    }
}

/// Who it is about, in a line.
pub(super) fn who(subject: &Subject) -> String {
    let named = |word: &str, names: &[String]| match names {
        [] => None,
        names => Some(format!("{word}{}", names.join(", "))),
    };
    let nobody = subject.actors.is_empty().then(|| "requests".to_owned());
    let actors = match subject.actors.len() as u64 {
        n if n > ACTORS_NAMED_MAX => Some(plural(n, "identity", "identities")),
        _ => named("", &subject.actors),
    };
    let from_findings = !subject.origins.is_empty();
    let parts = [
        nobody,
        actors,
        from_findings.then(|| "from the addresses of their findings".to_owned()),
        named("from ", &subject.addresses),
        named("with ", &subject.credentials),
        subject.cluster.as_ref().map(|cluster| format!("in {cluster}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The summary in a paragraph.
pub(in crate::report) fn verdict(dossier: &Dossier) -> Section {
    let requests: u64 = dossier.presences.iter().map(|one| one.requests).sum();
    let title = format!("dossier of {}", who(&dossier.subject));
    if requests == 0 {
        return prose(&title, vec!["the log has no request of it in this time".to_owned()]);
    }
    let denied: u64 = dossier.presences.iter().map(|one| one.denied).sum();
    let first = dossier.presences.iter().map(|one| one.first_seen).min().unwrap_or_default();
    let last = dossier.presences.iter().map(|one| one.last_seen).max().unwrap_or_default();
    let addresses: BTreeSet<_> = dossier.presences.iter().filter_map(|one| one.client_ip.as_ref()).collect();
    let secrets = &dossier.rotate.secrets;
    let by = |how: &[&str]| {
        let fits = |reader: &super::Reader| reader.how.iter().any(|one| how.contains(&one.as_str()));
        secrets.iter().filter(|secret| secret.readers.iter().any(fits)).count() as u64
    };
    let ways = [
        (by(&["read", "patched"]), "read by name"),
        (by(&["listed", "watched", "deleted"]), "by listing or watching"),
        (by(&["mounted"]), "mounted"),
        (by(&["entered"]), "in pods that were entered"),
        (by(&["node"]), "on nodes that were taken over"),
    ];
    let ways: Vec<_> = ways.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{n} {how}")).collect();
    let own = dossier.entries.iter().filter(|entry| entry.by_subject).count() as u64;
    let whose = if dossier.subject.actors.len() == 1 { "its" } else { "their" };
    let mut line = format!(
        "{} from {} between {} and {} UTC, {} of them denied; ",
        plural(requests, "request", "requests"),
        plural(addresses.len() as u64, "address", "addresses"),
        seconds(first),
        seconds(last),
        count(denied)
    );
    line += &match secrets.len() as u64 {
        0 => format!("no secret came into {whose} hands"),
        n => format!("{} came into {whose} hands ({})", plural(n, "secret", "secrets"), ways.join(", ")),
    };
    for (n, one, many) in [
        (own, "way into pods", "ways into pods"),
        (dossier.minted.len() as u64, "token minted", "tokens minted"),
        (dossier.gaps.len() as u64, "gap in the log", "gaps in the log"),
    ] {
        line += &if n > 0 { format!("; {}", plural(n, one, many)) } else { String::new() };
    }
    prose(&title, vec![line + "."])
}

pub(in crate::report) fn rotate_tables(rotate: &Rotate, most: usize) -> Vec<Section> {
    let columns = vec![
        number("risk"),
        wide("secret", 3),
        wide("type", 1),
        wide("keys", 1),
        wide("why", 3),
        wide("readers", 2),
        fixed("first (UTC)"),
        fixed("last (UTC)"),
        wide("restart", 2),
    ];
    let rows = rotate.secrets.iter().map(|secret| {
        let gone = secret.gone.map(|at| format!(" (deleted {})", seconds(at))).unwrap_or_default();
        let unsure = if secret.certain { "" } else { " (only referred to)" };
        vec![
            secret.risk.to_string(),
            format!("{}/{}{gone}{unsure}", secret.namespace, secret.name),
            some(secret.kind.as_ref()),
            secret.keys.join(" "),
            secret.why.join("; "),
            few(secret.readers.iter().map(|reader| reader.actor.as_str())),
            seconds(secret.first_seen),
            seconds(secret.last_seen),
            few(secret.workloads.iter().map(String::as_str)),
        ]
    });
    let title = format!("secrets to rotate: {}", count(rotate.secrets.len() as u64));
    let secrets = table(&title, columns, rows.collect(), most);
    let columns = vec![
        fixed("kind"),
        wide("id", 3),
        wide("of", 2),
        fixed("why"),
        wide("from", 2),
        wide("addresses", 1),
        number("requests"),
        fixed("first (UTC)"),
        wide("how", 2),
    ];
    let rows = rotate.tokens.iter().map(|token| {
        vec![
            token.kind.to_owned(),
            token.id.clone(),
            token.owner.clone(),
            token.why.to_owned(),
            some(token.from.as_ref()),
            few(token.addresses.iter().map(String::as_str)),
            token.requests.to_string(),
            seconds(token.first_seen),
            revoke(token).to_owned(),
        ]
    });
    let title = format!("credentials to revoke: {}", count(rotate.tokens.len() as u64));
    vec![secrets, table(&title, columns, rows.collect(), most)]
}

/// How a credential is taken away.
pub(super) fn revoke(token: &Token) -> &'static str {
    match (token.kind, token.why) {
        ("certificate", _) => "cannot be revoked: take its rights away, or replace the CA",
        ("token", "minted") => "delete and recreate the account, or the object that it is bound to",
        ("token", _) if token.owner.starts_with("system:serviceaccount:") => {
            "delete the pod that it is bound to, or recreate the account"
        }
        ("account", _) => "delete the pod, and recreate the account if its token was read",
        _ => "revoke it where it was issued",
    }
}

/// Lists and watches as one row each; the list of secrets has the names.
fn accesses(dossier: &Dossier, most: usize) -> Section {
    type Key<'a> = (i64, &'a str, &'a Access);
    let same = |a: &Access| {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        (a.how.clone(), of(&a.actor), of(&a.client_ip), of(&a.credential_id), of(&a.user_agent), of(&a.through))
    };
    let mut rows: Vec<Key<'_>> = Vec::new();
    let mut collections: BTreeMap<_, (i64, i64, u64, BTreeSet<String>, &Access)> = BTreeMap::new();
    for access in &dossier.accesses {
        if matches!(access.how.as_str(), "listed" | "watched" | "deleted") {
            let group = collections
                .entry(same(access))
                .or_insert_with(|| (access.first_seen, access.last_seen, 0, BTreeSet::new(), access));
            group.0 = group.0.min(access.first_seen);
            group.1 = group.1.max(access.last_seen);
            group.2 = group.2.max(access.requests);
            group.3.insert(object(access.namespace.as_ref(), access.name.as_ref()));
        } else {
            rows.push((access.first_seen, "", access));
        }
    }
    let row = |access: &Access, what: String, requests: u64, first: i64, last: i64| {
        let (actor, username) = (some(access.actor.as_ref()), some(access.username.as_ref()));
        vec![
            seconds(first),
            if first == last { String::new() } else { seconds(last) },
            count(requests),
            access.how.clone(),
            what,
            some(access.verb.as_ref()),
            some(access.outcome.as_ref()),
            if actor == username { actor } else { format!("{actor} (by {username})") },
            some(access.client_ip.as_ref()),
            some(access.user_agent.as_ref()),
            some(access.pod_name.as_ref()),
            some(access.credential_id.as_ref()),
            some(access.through.as_ref()),
        ]
    };
    let mut cells: Vec<(i64, Vec<String>)> = rows
        .iter()
        .map(|(first, _, access)| {
            let what = object(access.namespace.as_ref(), access.name.as_ref());
            (*first, row(access, what, access.requests, access.first_seen, access.last_seen))
        })
        .collect();
    cells.extend(collections.into_values().map(|(first, last, requests, names, access)| {
        let what = plural(names.len() as u64, "secret", "secrets");
        (first, row(access, what, requests, first, last))
    }));
    cells.sort();
    let columns = vec![
        fixed("first (UTC)"),
        fixed("last"),
        number("n"),
        fixed("how"),
        wide("secret", 3),
        fixed("verb"),
        fixed("outcome"),
        wide("actor", 2),
        fixed("address"),
        wide("agent", 2),
        wide("pod", 1),
        wide("credential", 1),
        wide("through", 1),
    ];
    table("secrets accessed", columns, cells.into_iter().map(|(_, row)| row).collect(), most)
}

fn entries(dossier: &Dossier, most: usize) -> Section {
    let rows = dossier.entries.iter().map(|entry| {
        let by = if entry.by_subject { "" } else { "someone else: " };
        vec![
            seconds(entry.ts),
            some(entry.pod.as_ref()),
            entry.kind.clone(),
            format!("{by}{}", some(entry.actor.as_ref())),
            some(entry.client_ip.as_ref()),
            some(entry.outcome.as_ref()),
            some(entry.command.as_ref()),
            some(entry.secrets.as_ref()),
            some(entry.known_by.as_ref()),
        ]
    });
    let columns = vec![
        fixed("time (UTC)"),
        wide("pod", 2),
        fixed("way"),
        wide("actor", 2),
        fixed("address"),
        fixed("outcome"),
        wide("command", 3),
        wide("secrets of the pod", 3),
        fixed("known by"),
    ];
    table("ways into pods that handle the secrets", columns, rows.collect(), most)
}

fn presences(dossier: &Dossier, most: usize) -> Section {
    let rows = dossier.presences.iter().map(|one| {
        vec![
            some(one.actor.as_ref()),
            some(one.client_ip.as_ref()),
            some(one.user_agent.as_ref()),
            some(one.credential_id.as_ref()),
            count(one.requests),
            count(one.denied),
            seconds(one.first_seen),
            seconds(one.last_seen),
        ]
    });
    let columns = vec![
        wide("actor", 3),
        fixed("address"),
        wide("agent", 2),
        wide("credential", 2),
        number("requests"),
        number("denied"),
        fixed("first (UTC)"),
        fixed("last (UTC)"),
    ];
    table("from where, with what", columns, rows.collect(), most)
}

fn others(dossier: &Dossier, most: usize) -> Section {
    let rows = dossier.others.iter().map(|other| {
        let one = &other.presence;
        let actor = match &one.actor {
            Some(actor) => actor.clone(),
            None if other.link == "impersonation" => format!("acted as {} identities", other.sharing),
            None => format!("{} identities share this address", other.sharing),
        };
        vec![
            other.link.to_owned(),
            actor,
            some(one.username.as_ref()),
            some(one.client_ip.as_ref()),
            some(one.credential_id.as_ref()),
            count(one.requests),
            count(one.secret_requests),
            seconds(one.first_seen),
            seconds(one.last_seen),
        ]
    });
    let columns = vec![
        fixed("same"),
        wide("actor", 3),
        wide("authenticated as", 2),
        fixed("address"),
        wide("credential", 2),
        number("requests"),
        number("secrets"),
        fixed("first (UTC)"),
        fixed("last (UTC)"),
    ];
    table("who else is this?", columns, rows.collect(), most)
}

fn minted(dossier: &Dossier, most: usize) -> Section {
    let rows = dossier.minted.iter().map(|one| {
        let id = some(one.issued_credential_id.as_ref());
        let used = dossier.rotate.tokens.iter().find(|token| token.why == "minted" && token.id == id);
        vec![
            seconds(one.ts),
            some(one.actor.as_ref()),
            some(one.credential_id.as_ref()),
            id,
            object(one.namespace.as_ref(), one.name.as_ref()),
            used.map(|token| count(token.requests)).unwrap_or_default(),
            used.map(|token| token.addresses.join(" ")).unwrap_or_default(),
        ]
    });
    let columns = vec![
        fixed("time (UTC)"),
        wide("by", 2),
        wide("with", 2),
        wide("issued", 2),
        wide("account", 2),
        number("requests with it"),
        wide("from", 1),
    ];
    table("tokens minted, and where they were used", columns, rows.collect(), most)
}

fn steps(dossier: &Dossier, most: usize) -> Section {
    let rows = dossier.steps.iter().map(|step| {
        let name = match step.names {
            0 => object(step.namespace.as_ref(), None),
            1 => object(step.namespace.as_ref(), step.name.as_ref()),
            n => format!("{}/({n} names)", step.namespace.as_deref().unwrap_or("*")),
        };
        let issued = || step.issued.as_ref().map(|id| format!("issued {id}"));
        let with = || if step.kind == "other" { None } else { step.credential_id.clone() };
        let agent = || if step.verb.is_none() { step.user_agent.clone() } else { None };
        let detail = step.command.clone().or_else(issued).or_else(agent).or_else(with);
        let name = if step.resource.is_none() { String::new() } else { name };
        vec![
            seconds(step.first_seen),
            step.kind.replace('_', " "),
            format!("{} {}", some(step.verb.as_ref()), resource(step.resource.as_ref(), step.subresource.as_ref())),
            name,
            count(step.requests),
            some(step.outcome.as_ref()),
            some(step.actor.as_ref()),
            some(step.client_ip.as_ref()),
            detail.unwrap_or_default(),
        ]
    });
    let columns = vec![
        fixed("time (UTC)"),
        fixed("what"),
        fixed("request"),
        wide("object", 3),
        number("n"),
        fixed("outcome"),
        wide("actor", 2),
        fixed("address"),
        wide("detail", 2),
    ];
    table("timeline", columns, rows.collect(), most)
}

/// Rights by verb, resource and namespace; the names are in the JSON document.
fn used(dossier: &Dossier, most: usize) -> Section {
    type Sums = (u64, u64, u64, BTreeSet<String>, i64, i64);
    let mut groups: BTreeMap<[String; 4], Sums> = BTreeMap::new();
    for one in &dossier.used {
        let what = match (&one.resource, &one.path) {
            (None, Some(path)) => path.clone(),
            _ => resource(one.resource.as_ref(), one.subresource.as_ref()),
        };
        let key = [
            some(one.verb.as_ref()),
            some(one.api_group.as_ref()),
            what,
            one.namespace.clone().unwrap_or_else(|| "*".to_owned()),
        ];
        let sums = groups.entry(key).or_insert((0, 0, 0, BTreeSet::new(), one.first_seen, one.last_seen));
        let denied = one.outcome.as_deref() == Some("denied");
        sums.0 += one.requests;
        sums.1 += one.own;
        sums.2 += if denied { one.requests } else { 0 };
        sums.3.extend(one.name.clone());
        sums.4 = sums.4.min(one.first_seen);
        sums.5 = sums.5.max(one.last_seen);
    }
    let mut rows: Vec<_> = groups.into_iter().collect();
    rows.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
    let rows = rows.into_iter().map(|([verb, group, what, namespace], (all, own, denied, names, first, last))| {
        let names = match names.len() {
            0 => String::new(),
            1 => names.into_iter().next().unwrap_or_default(),
            n => format!("{n} names"),
        };
        let numbers = [all, own, denied].map(count);
        let [all, own, denied] = numbers;
        vec![verb, group, what, namespace, names, all, own, denied, seconds(first), seconds(last)]
    });
    let columns = vec![
        fixed("verb"),
        wide("group", 1),
        wide("resource", 2),
        wide("namespace", 2),
        wide("name", 2),
        number("requests"),
        number("here"),
        number("denied"),
        fixed("first (UTC)"),
        fixed("last (UTC)"),
    ];
    table("rights used, in all of the time that was looked at", columns, rows.collect(), most)
}

fn gaps(dossier: &Dossier, most: usize) -> Section {
    let several = dossier.gaps.iter().map(|gap| &gap.cluster).collect::<BTreeSet<_>>().len() > 1;
    let rows = dossier.gaps.iter().map(|gap| {
        let cluster = if several { gap.cluster.clone() } else { String::new() };
        let hours = (gap.until - gap.since) / 3_600_000_000;
        vec![seconds(gap.since), seconds(gap.until), hours.to_string(), cluster]
    });
    let columns = vec![fixed("from (UTC)"), fixed("until (UTC)"), number("hours"), fixed("cluster")];
    table("gaps: hours of which the log has nothing", columns, rows.collect(), most)
}
