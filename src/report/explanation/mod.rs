//! Everything about one finding: the words of its detection, its evidence, the requests behind it, and what to ask next.

mod document;
mod markdown;
mod page;
#[cfg(test)]
mod tests;

use std::io::Write;

pub(super) use self::document::json;
pub(super) use self::markdown::{block, reasons, summary};
use super::io_error;
use super::{evidence, human};
use crate::detection::{Detection, attack};
use crate::error::{Error, Result};
use crate::finding::{Finding, Request};

/// The names that [`write`] knows.
pub const EXPLANATION_FORMATS: [&str; 3] = ["text", "json", "markdown"];

/// A finding explained.
#[derive(Debug, Clone)]
pub struct Explanation<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The detection that found it, where the pack has it.
    pub detection: Option<&'a Detection>,
    /// What its query was run with.
    pub params: Vec<Param>,
    /// Why the finding is not shown in a run, where a suppression says so.
    pub suppressed: Option<String>,
    /// The oldest requests behind it.
    pub requests: Vec<Request>,
    /// How many there are.
    pub total: u64,
    /// Why the requests could not be read, where they could not.
    pub unread: Option<String>,
    /// What to ask next.
    pub questions: Vec<Question>,
}

/// A parameter of a detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name, without the dollar.
    pub name: String,
    /// What it was bound to.
    pub value: i64,
    /// What the detection's header says.
    pub default: i64,
}

/// A question and the command that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The question; it quotes nothing of the log.
    pub ask: String,
    /// A command for a shell; it quotes the log only in characters that mean themselves.
    pub command: String,
}

/// Writes the explanation. `width` is that of the terminal, for text.
pub fn write(explanation: &Explanation<'_>, format: &str, width: Option<u16>, out: &mut dyn Write) -> Result<()> {
    let text = match format {
        "text" => page::text(explanation, width),
        "json" => document::json(explanation)?,
        "markdown" => markdown::markdown(explanation),
        _ => {
            let known = EXPLANATION_FORMATS.join(", ");
            return Err(Error::usage(format!("unknown format {format:?} for an explanation; use one of {known}")));
        }
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(io_error)
}

/// Words in the name of a column that tells what was new or unusual.
const NEWS: [&str; 8] = ["why", "new", "novel", "surprise", "unusual", "rare", "rarity", "bits"];

impl Explanation<'_> {
    /// The columns of the evidence; those that tell what was new or unusual come first.
    fn evidence(&self) -> Vec<(String, String)> {
        let (mut first, rest): (Vec<_>, Vec<_>) = evidence::pairs(&self.finding.evidence)
            .into_iter()
            .partition(|(name, _)| name.split('_').any(|word| NEWS.contains(&word)));
        first.extend(rest);
        first
    }

    /// The ATT&CK ids with their names.
    fn attack(&self) -> Vec<String> {
        let named = |id: &String| {
            let names: Vec<&str> = id.split('/').filter_map(attack::name).collect();
            if names.is_empty() { id.clone() } else { format!("{id} {}", names.join(": ")) }
        };
        self.finding.attack.iter().map(named).collect()
    }

    /// What the detection says of its findings.
    fn words(&self) -> Vec<(&'static str, Vec<String>)> {
        let mut words = vec![("ATT&CK", self.attack())];
        if let Some(detection) = self.detection {
            let header = &detection.header;
            words.insert(0, ("what it means", vec![header.describe.clone()]));
            words.extend([
                ("ask first", header.triage.clone()),
                ("harmless when", header.benign.clone()),
                ("cannot see", header.blind.clone()),
                ("sources", header.references.clone()),
            ]);
        }
        words.retain(|(_, lines)| !lines.is_empty());
        words
    }

    /// When it was, as one line.
    fn time(&self) -> String {
        let (first, last) = (self.finding.first_seen, self.finding.last_seen);
        let until = if first == last { String::new() } else { format!(" to {}", human::seconds(last)) };
        format!("{}{until} UTC", human::seconds(first))
    }

    /// The head of the table of requests: "20 of 35 requests".
    pub(super) fn shown(&self, shown: usize) -> String {
        if shown as u64 == self.total {
            format!("the {} behind it", human::plural(self.total, "request", "requests"))
        } else {
            format!("the first {shown} of the {} behind it", human::plural(self.total, "request", "requests"))
        }
    }

    /// The titles and rows of the table of requests. Who it was is told only where it was somebody else.
    pub(super) fn requests(&self, most: usize) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let requests = &self.requests[..self.requests.len().min(most)];
        let others = requests.iter().any(|request| request.actor.as_ref() != Some(&self.finding.actor));
        let mut titles = vec!["time (UTC)", "verb", "what", "object", "answer", "address", "agent"];
        let mut rows: Vec<_> = requests.iter().map(row).collect();
        if others {
            titles.insert(1, "actor");
            for (row, request) in rows.iter_mut().zip(requests) {
                row.insert(1, request.actor.clone().unwrap_or_default());
            }
        }
        (titles, rows)
    }
}

fn row(request: &Request) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let what = match (&request.resource, &request.subresource) {
        (Some(resource), Some(subresource)) => format!("{resource}/{subresource}"),
        (resource, _) => text(resource),
    };
    let object = match (&request.namespace, &request.name) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        (Some(namespace), None) => format!("{namespace}/*"),
        (None, Some(name)) => name.clone(),
        (None, None) if request.resource.is_some() => "*".to_owned(),
        (None, None) => text(&request.request_uri),
    };
    let answer = match request.code {
        Some(code) => code.to_string(),
        None => text(&request.outcome),
    };
    vec![
        human::time(request.ts, "%Y-%m-%d %H:%M:%S%.3f"),
        text(&request.verb),
        what,
        object,
        answer,
        text(&request.client_ip),
        text(&request.user_agent),
    ]
}

/// "15", or "30, changed from 15".
fn bound(param: &Param) -> String {
    if param.value == param.default {
        format!("${} = {} (default)", param.name, param.value)
    } else {
        format!("${} = {} (changed; the default is {})", param.name, param.value, param.default)
    }
}
