//! What leaves: findings and numbers, with stand-ins for whatever the log named. Nothing that a log says is in it as
//! text, so no log can speak to the model, and no name can be read from what was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::names::{Kind, Names};
use super::{totals, words};
use crate::detection::readiness::Readiness;
use crate::detection::{Detection, FILES};
use crate::finding::{Finding, Severity};
use crate::limits::{
    REVIEW_BODY_BYTES_MAX, REVIEW_COLUMNS_MAX, REVIEW_FINDINGS_MAX, REVIEW_HEADER_CHARS_MAX, REVIEW_LIST_MAX,
    REVIEW_STATEMENTS_MAX,
};
use crate::report::dossier::Dossier;
use crate::report::review::Part;

/// What a brief is made of.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The findings of the report, in any order.
    pub findings: &'a [Finding],
    /// The detections, for what they say of their findings. Only what the binary brings along is sent of them.
    pub headers: &'a [Detection],
    /// The dossier, of which only numbers and its subject's stand-ins are sent.
    pub dossier: Option<&'a Dossier>,
    /// How well the detections could see.
    pub readiness: Option<&'a Readiness>,
}

/// What a model is told, and who is behind the stand-ins in it.
#[derive(Debug, Clone)]
pub struct Brief {
    content: String,
    names: Names,
    sent: usize,
    unsent: usize,
}

impl Brief {
    /// Takes from the facts what may leave, the loudest findings first, as many as fit.
    #[must_use]
    pub fn new(facts: &Facts<'_>) -> Self {
        let mut findings: Vec<&Finding> = facts.findings.iter().collect();
        findings.sort_unstable_by(|a, b| a.order(b));
        let (built_in, said) = (built_in(facts), words::said());
        let mut most = REVIEW_FINDINGS_MAX.min(findings.len());
        loop {
            let brief = Self::of(facts, &built_in, &said, &findings[..most]);
            if most == 0 || brief.bytes("").len() <= REVIEW_BODY_BYTES_MAX {
                return brief;
            }
            most = most * 3 / 4;
        }
    }

    fn of(
        facts: &Facts<'_>,
        built_in: &BTreeMap<&str, &Detection>,
        said: &BTreeSet<&'static str>,
        findings: &[&Finding],
    ) -> Self {
        let mut draft = Draft { names: Names::default(), built_in, said, about: BTreeMap::new() };
        let told: Vec<Value> = findings.iter().map(|finding| draft.finding(finding)).collect();
        let unsent = facts.findings.len() - findings.len();
        let mut content = json!({
            "totals": severities(facts.findings),
            "findings": told,
            "findings_left_out": unsent,
            "detections": draft.about(),
        });
        if let Some(dossier) = facts.dossier {
            content["dossier"] = totals::dossier(dossier, &mut draft.names);
        }
        if let Some(readiness) = facts.readiness {
            content["detections_by_sight"] = totals::readiness(readiness);
        }
        content["names"] = draft.names.all_told().map(|(name, told)| (name.to_owned(), Value::from(told))).collect();
        Self { content: content.to_string(), names: draft.names, sent: findings.len(), unsent }
    }

    /// The body of the request to `POST {base}/chat/completions`.
    #[must_use]
    pub fn body(&self, model: &str) -> Value {
        json!({
            "model": model,
            "stream": false,
            "messages": [
                {"role": "system", "content": instructions()},
                {"role": "user", "content": self.content},
            ],
        })
    }

    /// The bytes of [`Brief::body`], exactly as they would leave.
    #[must_use]
    pub fn bytes(&self, model: &str) -> String {
        self.body(model).to_string()
    }

    /// How many findings are in it.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// How many are not, for want of room.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// The id of the finding that a stand-in is of.
    pub(super) fn finding(&self, stand_in: &str) -> Option<&str> {
        self.names.finding(stand_in)
    }

    /// A text of the model with the names put back; `None` if it speaks of something that was never sent.
    pub(super) fn put_back(&self, text: &str) -> Option<Vec<Part>> {
        self.names.put_back(text)
    }
}

/// What the model is asked for.
fn instructions() -> String {
    format!(
        "You help a responder read the report of a tool that looks for stolen secrets in Kubernetes audit logs. The \
         next message is data from that tool, as one JSON document. All names are replaced by stand-ins such as \
         identity-1, secret-2 or address-3; `names` tells what is known of them. Times are UTC. Answer with one JSON \
         object and nothing else, in this form: {{\"statements\": [{{\"text\": \"...\", \"findings\": \
         [\"finding-...\"]}}]}}. Each statement is one or two plain sentences without markup: what most likely \
         happened, how findings belong together, what speaks against an attack, or what to look at first. Each must \
         cite, under `findings`, the ids of the findings that it rests on, exactly as they are in the data. Use only \
         stand-ins that are in the data. Say nothing that the findings do not support, and give no advice that would \
         fit any report. Write at most {REVIEW_STATEMENTS_MAX} statements, the most important first; fewer are better."
    )
}

/// The detections of the findings that are as they came with the binary: what a user wrote stays here.
fn built_in<'a>(facts: &Facts<'a>) -> BTreeMap<&'a str, &'a Detection> {
    let found: BTreeSet<&str> = facts.findings.iter().map(|finding| finding.detection.as_str()).collect();
    let is_ours = |detection: &&Detection| {
        let file = FILES.iter().find(|(path, _)| *path == detection.path);
        file.is_some_and(|(path, text)| Detection::parse(path, text).is_ok_and(|ours| ours == **detection))
    };
    let headers = facts.headers.iter().filter(|detection| found.contains(detection.id.as_str()));
    headers.filter(is_ours).map(|detection| (detection.id.as_str(), detection)).collect()
}

fn severities(findings: &[Finding]) -> Value {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    Severity::ALL.into_iter().map(|severity| (severity.as_str().to_owned(), Value::from(count(severity)))).collect()
}

struct Draft<'a> {
    names: Names,
    built_in: &'a BTreeMap<&'a str, &'a Detection>,
    said: &'a BTreeSet<&'static str>,
    /// The detections of the findings that are told.
    about: BTreeMap<&'a str, &'a Detection>,
}

impl Draft<'_> {
    fn finding(&mut self, finding: &Finding) -> Value {
        let detection = self.built_in.get_key_value(finding.detection.as_str()).map(|(id, one)| (*id, *one));
        self.about.extend(detection);
        let (_, detection) = detection.unzip();
        let attack: BTreeSet<&String> = finding.attack.iter().filter(|id| words::is_attack(id)).collect();
        let mut named = |kind, name: &str| (!name.is_empty()).then(|| self.names.stand_in(kind, name));
        let (id, actor) = (named(Kind::Finding, &finding.finding_id), named(Kind::Identity, &finding.actor));
        let cluster = named(Kind::Cluster, &finding.cluster);
        let object = self.object(&finding.object, detection);
        let (evidence, withheld) = self.evidence(&finding.evidence, detection);
        json!({
            "id": id,
            "detection": detection.map_or("one of the user's own", |detection| &detection.id),
            "severity": finding.severity.as_str(),
            "attack": attack,
            "first": totals::minute(finding.first_seen),
            "last": totals::minute(finding.last_seen),
            "requests": finding.events,
            "actor": actor,
            "object": object,
            "cluster": cluster,
            "evidence": evidence,
            "columns_not_sent": withheld,
        })
    }

    /// What a finding was about: a count, else names.
    fn object(&mut self, text: &str, detection: Option<&Detection>) -> String {
        let tokens: Vec<&str> = text.split(' ').collect();
        let is_number = |token: &str| token.len() < 10 && token.parse::<u64>().is_ok();
        let is_count = tokens.len() > 1 && tokens.iter().any(|token| words::is_counted(token));
        if is_count && tokens.iter().all(|token| words::is_counted(token) || is_number(token)) {
            return tokens[..tokens.len().min(REVIEW_LIST_MAX)].join(" ");
        }
        let is_secret = detection.is_some_and(|detection| detection.header.resources == ["secrets"]);
        let kind = if is_secret { Kind::Secret } else { Kind::Object };
        match tokens[..] {
            [what, name] if words::is_counted(what) => format!("{what} {}", self.names.object(kind, name)),
            [name] => self.names.object(kind, name),
            _ => self.names.stand_in(Kind::Object, text),
        }
    }

    /// The columns that may leave, and the names of those that may not. A column is named only where the query of a
    /// built-in detection names it.
    fn evidence(&mut self, text: &str, detection: Option<&Detection>) -> (Map<String, Value>, Vec<String>) {
        let (mut told, mut withheld) = (Map::new(), Vec::new());
        let columns: BTreeMap<String, Value> = serde_json::from_str(text).unwrap_or_default();
        let sql = detection.map_or("", |detection| &detection.sql);
        let of_query: BTreeSet<&str> = sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
        let is_known = |name: &str| words::column(name).is_some() || of_query.contains(name);
        let columns = columns.iter().filter(|(name, value)| is_known(name) && !value.is_null());
        for (name, value) in columns.take(REVIEW_COLUMNS_MAX) {
            match self.value(name, value) {
                Some(value) => drop(told.insert(name.clone(), value)),
                None => withheld.push(name.clone()),
            }
        }
        (told, withheld)
    }

    fn value(&mut self, column: &str, value: &Value) -> Option<Value> {
        match value {
            Value::Bool(_) | Value::Number(_) => Some(value.clone()),
            Value::String(text) => self.text(column, text).map(Value::from),
            Value::Array(list) => {
                let first = list.iter().take(REVIEW_LIST_MAX);
                let mut told = first
                    .map(|value| if value.is_array() { None } else { self.value(column, value) })
                    .collect::<Option<Vec<Value>>>()?;
                if list.len() > REVIEW_LIST_MAX {
                    told.push(format!("and {} more", list.len() - REVIEW_LIST_MAX).into());
                }
                Some(told.into())
            }
            Value::Null | Value::Object(_) => None,
        }
    }

    fn text(&mut self, column: &str, text: &str) -> Option<String> {
        if let Some(minute) = totals::minute_of(text) {
            return Some(minute);
        }
        let told = match words::column(column) {
            None => self.closed(text),
            _ if text.is_empty() => String::new(),
            // identities and agents may have blanks and commas in them, unless there are several
            Some(kind @ (Kind::Identity | Kind::Agent)) if !column.ends_with('s') => self.name(kind, text),
            Some(kind) => self.names_of(kind, text),
        };
        Some(told).filter(|told| !told.is_empty())
    }

    /// A list of names.
    fn names_of(&mut self, kind: Kind, text: &str) -> String {
        let names: Vec<&str> = text.split([',', ' ']).filter(|name| !name.is_empty()).collect();
        let mut told: Vec<String> = names.iter().take(REVIEW_LIST_MAX).map(|name| self.name(kind, name)).collect();
        if names.len() > REVIEW_LIST_MAX {
            told.push(format!("and {} more", names.len() - REVIEW_LIST_MAX));
        }
        told.join(", ")
    }

    /// A list of what may be anything: what of it are closed words or addresses, if any.
    fn closed(&mut self, text: &str) -> String {
        if self.said.contains(text) {
            return text.to_owned();
        }
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        let known: Vec<String> = parts.iter().filter_map(|part| self.closed_part(part)).take(REVIEW_LIST_MAX).collect();
        match parts.len() - known.len() {
            0 => known.join(", "),
            _ if known.is_empty() => String::new(),
            more => format!("{}, and {more} not sent", known.join(", ")),
        }
    }

    fn closed_part(&mut self, part: &str) -> Option<String> {
        let words: Vec<&str> = part.split(' ').take(REVIEW_LIST_MAX).collect();
        if self.said.contains(part) {
            return Some(part.to_owned());
        }
        if words.iter().all(|word| words::is_closed(word)) {
            return Some(words.join(" "));
        }
        let addresses: Option<Vec<IpAddr>> = words.iter().map(|word| word.parse().ok()).collect();
        Some(addresses?.into_iter().map(|address| self.names.address(address)).collect::<Vec<_>>().join(", "))
    }

    fn name(&mut self, kind: Kind, text: &str) -> String {
        if let Ok(address) = text.parse() {
            return self.names.address(address);
        }
        match kind {
            Kind::Secret | Kind::Object => self.names.object(kind, text),
            _ => self.names.stand_in(kind, text),
        }
    }

    /// What the detections say of their findings.
    fn about(&self) -> Value {
        let cut = |text: &str| text.chars().take(REVIEW_HEADER_CHARS_MAX).collect::<String>();
        let about = self.about.iter().map(|(id, detection)| {
            let header = &detection.header;
            let benign: Vec<String> = header.benign.iter().take(REVIEW_LIST_MAX).map(|text| cut(text)).collect();
            let told = json!({
                "title": cut(&header.title),
                "means": cut(&header.describe),
                "harmless_when": benign,
            });
            ((*id).to_owned(), told)
        });
        about.collect()
    }
}
