//! What to ask next, each question as a command that answers it.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, SecondsFormat};

use super::quote::{literal, word};
use crate::finding::{Finding, Request};
use crate::limits::QUESTION_NAMES_MAX;
use crate::report::explanation::Question;

const SECOND: i64 = 1_000_000;
const HALF_AN_HOUR: i64 = 1_800 * SECOND;
const DAY: i64 = 86_400 * SECOND;

/// What the questions are about.
struct Subject<'a> {
    finding: &'a Finding,
    requests: &'a [Request],
    lake: String,
    /// ` and cluster = '...'` where there are several; `None` where its name cannot be said.
    cluster: Option<String>,
    /// The identity, as the one whose rights were used or as the one who was authenticated.
    who: Option<String>,
}

/// Names in a question.
struct List {
    /// `('a', 'b')`
    sql: String,
    said: usize,
    all: usize,
}

impl List {
    /// The question, with how many of the names it asks for where that is not all.
    fn ask(&self, question: &str) -> String {
        if self.said == self.all { question.to_owned() } else { format!("{question} ({} of {})", self.said, self.all) }
    }
}

/// The questions about a finding and the requests behind it.
pub(super) fn questions(
    finding: &Finding,
    requests: &[Request],
    lake: &Path,
    has_several_clusters: bool,
) -> Vec<Question> {
    let cluster = if has_several_clusters && !finding.cluster.is_empty() {
        literal(&finding.cluster).map(|name| format!(" and cluster = {name}"))
    } else {
        Some(String::new())
    };
    let mut subject = Subject { finding, requests, lake: word(lake), cluster, who: None };
    subject.who = subject.who();
    [
        subject.around(),
        subject.same_address(),
        subject.same_credential(),
        subject.issued_credential(),
        subject.same_secrets(),
        subject.same_pods(),
        subject.rights(),
        subject.day_before(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Subject<'_> {
    /// The condition for what the identity did, or, where nobody is named, what came from its addresses.
    fn who(&self) -> Option<String> {
        if self.finding.actor.is_empty() {
            let addresses = self.list(|request| request.client_ip.clone())?;
            return Some(format!("actor is null and client_ip in {}", addresses.sql));
        }
        let actor = literal(&self.finding.actor)?;
        Some(format!("(actor = {actor} or username = {actor})"))
    }

    /// Everything within half an hour.
    fn around(&self) -> Option<Question> {
        let who = self.who.as_ref()?;
        let sql = format!(
            "select ts, verb, resource, subresource, namespace, name, outcome, client_ip, user_agent \
             from requests where {who}{} order by ts",
            self.cluster.as_ref()?
        );
        let time = self.time(-HALF_AN_HOUR, HALF_AN_HOUR)?;
        Some(self.question("What else did this identity do within half an hour?", &time, &sql))
    }

    fn same_address(&self) -> Option<Question> {
        let addresses = self.list(|request| request.client_ip.clone())?;
        // several requests for one audit id: the table has a row for each stage
        let sql = format!(
            "select client_ip, actor, user_agent, min(ts) as first_seen, max(ts) as last_seen, \
             count(distinct audit_id) as requests from activity where client_ip in {}{}{} \
             group by client_ip, actor, user_agent order by requests desc",
            addresses.sql,
            self.someone_else(),
            self.cluster.as_ref()?
        );
        let time = self.time(-DAY, DAY)?;
        Some(self.question(
            &addresses.ask("Who else came from the same address, the day before to the day after?"),
            &time,
            &sql,
        ))
    }

    fn same_credential(&self) -> Option<Question> {
        let credentials = self.list(|request| request.credential_id.clone())?;
        self.credentials("Where else was the same credential used?", &credentials)
    }

    fn issued_credential(&self) -> Option<Question> {
        let credentials = self.list(|request| request.issued_credential_id.clone())?;
        self.credentials("What was done with the credential that was issued?", &credentials)
    }

    fn credentials(&self, ask: &str, credentials: &List) -> Option<Question> {
        let sql = format!(
            "select credential_id, actor, client_ip, user_agent, min(ts) as first_seen, max(ts) as last_seen, \
             count(distinct audit_id) as requests from activity where credential_id in {}{} \
             group by credential_id, actor, client_ip, user_agent order by first_seen",
            credentials.sql,
            self.cluster.as_ref()?
        );
        Some(self.question(&credentials.ask(ask), "", &sql))
    }

    fn same_secrets(&self) -> Option<Question> {
        let is_secret = |request: &&Request| request.resource.as_deref() == Some("secrets");
        let name = |request: &Request| {
            let part = |text: &Option<String>| text.as_deref().unwrap_or("*").to_owned();
            is_secret(&request).then(|| format!("{}/{}", part(&request.namespace), part(&request.name)))
        };
        let secrets = self.list(name)?;
        let sql = format!(
            "select secret, actor, client_ip, min(ts) as first_seen, max(ts) as last_seen, count(*) as requests \
             from secret_access where secret in {} and reads and outcome <> 'denied'{}{} \
             group by secret, actor, client_ip order by requests",
            secrets.sql,
            self.someone_else(),
            self.cluster.as_ref()?
        );
        Some(self.question(&secrets.ask("Who else read the same secrets?"), "", &sql))
    }

    fn same_pods(&self) -> Option<Question> {
        const WAYS_IN: [&str; 5] = ["exec", "attach", "portforward", "proxy", "ephemeralcontainers"];
        let is_way_in = |request: &Request| {
            request.resource.as_deref() == Some("pods")
                && request.subresource.as_deref().is_some_and(|way| WAYS_IN.contains(&way))
        };
        let pods = self.list(|request| {
            let (namespace, name) = (request.namespace.as_deref()?, request.name.as_deref()?);
            is_way_in(request).then(|| format!("{namespace}/{name}"))
        })?;
        let sql = format!(
            "select ts, pod, kind, actor, command, outcome, client_ip from pod_access where pod in {}{} order by ts",
            pods.sql,
            self.cluster.as_ref()?
        );
        Some(self.question(&pods.ask("Who entered the same pods?"), "", &sql))
    }

    fn rights(&self) -> Option<Question> {
        if self.finding.actor.is_empty() {
            return None;
        }
        let sql = format!(
            "select ts, verb, resource, namespace, name, outcome, client_ip from requests \
             where resource in ('roles', 'rolebindings', 'clusterroles', 'clusterrolebindings') \
             and verb in ('create', 'update', 'patch', 'delete', 'deletecollection') and {}{} order by ts",
            self.who.as_ref()?,
            self.cluster.as_ref()?
        );
        Some(self.question("Which rights did this identity give or take?", "", &sql))
    }

    fn day_before(&self) -> Option<Question> {
        let sql = format!(
            "select verb, resource, subresource, namespace, outcome, client_ip, min(ts) as first_seen, \
             max(ts) as last_seen, count(distinct audit_id) as requests from activity where {}{} \
             group by verb, resource, subresource, namespace, outcome, client_ip order by requests desc",
            self.who.as_ref()?,
            self.cluster.as_ref()?
        );
        let first = self.finding.first_seen;
        let time = format!(" --since {} --until {}", moment(first.checked_sub(DAY)?)?, moment(first)?);
        Some(self.question("What did this identity do on the day before?", &time, &sql))
    }

    /// Leaves this identity out.
    fn someone_else(&self) -> String {
        let actor = Some(self.finding.actor.as_str()).filter(|actor| !actor.is_empty()).and_then(literal);
        actor.map_or_else(String::new, |actor| format!(" and (actor is distinct from {actor})"))
    }

    /// The different values of the requests; `None` where there is none that can be said.
    fn list(&self, value: impl Fn(&Request) -> Option<String>) -> Option<List> {
        let mut known = BTreeSet::new();
        let values = self.requests.iter().filter_map(&value).filter(|value| known.insert(value.clone()));
        let literals: Vec<String> = values.filter_map(|value| literal(&value)).take(QUESTION_NAMES_MAX).collect();
        // the iterator ends early where there are too many
        let all = self.requests.iter().filter_map(&value).collect::<BTreeSet<_>>().len();
        (!literals.is_empty()).then(|| List { sql: format!("({})", literals.join(", ")), said: literals.len(), all })
    }

    /// The flags for the time of the finding and what lies around it.
    fn time(&self, before: i64, after: i64) -> Option<String> {
        let last = self.finding.last_seen.max(self.finding.first_seen);
        let since = moment(self.finding.first_seen.checked_add(before)?)?;
        // `moment` cuts the second off
        let until = moment(last.checked_add(after)?.checked_add(SECOND)?)?;
        Some(format!(" --since {since} --until {until}"))
    }

    fn question(&self, ask: &str, time: &str, sql: &str) -> Question {
        debug_assert!(!sql.contains(['"', '\\', '$', '`', '!']), "{sql}");
        let command = format!("kubesift sql --lake {}{time} \"{sql}\"", self.lake);
        Question { ask: ask.to_owned(), command }
    }
}

/// A time as an argument, to the second.
fn moment(micros: i64) -> Option<String> {
    Some(DateTime::from_timestamp_micros(micros)?.to_rfc3339_opts(SecondsFormat::Secs, true))
}
