//! `kubesift rules coverage`: what others look for, and who of ours answers.

use std::path::Path;

use serde_json::{Value, json};

use super::super::output;
use crate::detection::Pack;
use crate::detection::coverage::{Answer, Coverage, Entry, Section};
use crate::error::{Error, Result};

/// The width of lines where there is no terminal.
const WIDTH: usize = 100;
/// Ids up to this long share a line with what they are.
const ID_SHORT_MAX: usize = 9;

/// Arguments of `kubesift rules coverage`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to look at it through
    #[arg(long, value_name = "VIEW", value_enum, default_value_t = View::Rows)]
    view: View,
    /// Format
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "csv", "json"], default_value = "table")]
    format: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum View {
    /// Rules of other packs, findings of cloud products
    Rows,
    /// The Containers matrix of MITRE ATT&CK
    Attack,
    /// Microsoft's Threat Matrix for Kubernetes
    ThreatMatrix,
}

/// The text of the command. What is not answered fails after it was printed.
pub(super) fn run(args: &Args, pack: &Pack, folder: Option<&Path>) -> Result<()> {
    let coverage = match folder {
        Some(folder) => Coverage::read(folder)?,
        None => Coverage::embedded()?,
    };
    let sections = match args.view {
        View::Rows => coverage.rows(),
        View::Attack => coverage.attack(pack),
        View::ThreatMatrix => coverage.threat_matrix(),
    };
    let text = match args.format.as_str() {
        "csv" => csv(&sections, pack)?,
        "json" => json(&sections, pack),
        _ => table(&sections, pack, output::width().map_or(WIDTH, usize::from)),
    };
    output::print(&output::safe(&text))?;
    let faults = coverage.faults(pack);
    if faults.is_empty() { Ok(()) } else { Err(Error::Usage(faults.join("\n"))) }
}

/// How many entries are answered, and how many are not and why not is known.
fn count(section: &Section) -> (usize, usize) {
    let of = |is: fn(&Answer) -> bool| section.entries.iter().filter(|entry| is(&entry.answer)).count();
    (of(|answer| matches!(answer, Answer::By(_))), of(|answer| matches!(answer, Answer::Not(_))))
}

/// "132 rows: 128 answered, 4 not".
fn totals(section: &Section) -> String {
    let (all, (by, not)) = (section.entries.len(), count(section));
    let mut text = format!("{all}: {by} answered");
    if not > 0 {
        text += &format!(", {not} not, with the reason");
    }
    if all > by + not {
        text += &format!(", {} without a word", all - by - not);
    }
    text
}

fn table(sections: &[Section], pack: &Pack, width: usize) -> String {
    let mut text = String::new();
    for section in sections.iter().filter(|section| !section.entries.is_empty()) {
        text += &format!("{}\n", section.title.to_uppercase());
        section.entries.iter().for_each(|entry| text += &lines(entry, &section.id, pack, width));
        text.push('\n');
    }
    let wide = sections.iter().map(|section| section.title.len()).max().unwrap_or(0);
    for section in sections.iter().filter(|section| !section.entries.is_empty()) {
        text += &format!("{:<wide$}  {}\n", section.title, totals(section));
    }
    text
}

/// An entry on two lines or more: what it is, and who answers.
fn lines(entry: &Entry, section: &str, pack: &Pack, width: usize) -> String {
    let id = entry.id.strip_prefix(&format!("{section}:")).unwrap_or(&entry.id);
    let mut text = if id.len() <= ID_SHORT_MAX {
        format!("  {id:<ID_SHORT_MAX$} {}\n", entry.says)
    } else {
        format!("  {id}\n{}", wrapped(&entry.says, width))
    };
    text += &match &entry.answer {
        Answer::By(by) => wrapped(&by.iter().map(|id| with_severity(id, pack)).collect::<Vec<_>>().join(", "), width),
        Answer::Not(why) => wrapped(&format!("none: {why}"), width),
        Answer::Missing => wrapped("no answer", width),
    };
    if let Some(note) = &entry.note {
        text += &wrapped(&format!("({note})"), width);
    }
    text
}

/// `secret_sweep (high)`.
fn with_severity(id: &str, pack: &Pack) -> String {
    match pack.get(id) {
        Some(detection) => format!("{id} ({})", detection.header.severity),
        None => id.to_owned(),
    }
}

/// The text in lines of at most `width` columns, below what short ids are.
fn wrapped(text: &str, width: usize) -> String {
    let indent = " ".repeat(ID_SHORT_MAX + 3);
    let mut lines = vec![indent.clone()];
    // a detection and its severity stay together
    let bound = text.replace(" (", "\u{a0}(");
    for word in bound.split(' ').filter(|word| !word.is_empty()) {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line + word.chars().count() > width && line > indent.len() {
            lines.push(indent.clone());
        }
        let line = lines.last_mut().expect("there is a first line");
        line.push_str(word);
        line.push(' ');
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end().replace('\u{a0}', " "))).collect()
}

fn csv(sections: &[Section], pack: &Pack) -> Result<String> {
    let fail = |error| Error::Internal(format!("writing CSV: {error}"));
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["source", "id", "says", "state", "detections", "reason", "note"]).map_err(fail)?;
    for section in sections {
        for entry in &section.entries {
            let (state, by, why) = parts(&entry.answer);
            let by: Vec<String> = by.iter().map(|id| with_severity(id, pack)).collect();
            let note = entry.note.as_deref().unwrap_or_default();
            let cells = [&section.id, &entry.id, &entry.says, state, &by.join("; "), why, note];
            out.write_record(cells).map_err(fail)?;
        }
    }
    let bytes = out.into_inner().map_err(|error| fail(error.into_error().into()))?;
    String::from_utf8(bytes).map_err(|error| Error::Internal(format!("writing CSV: {error}")))
}

fn parts(answer: &Answer) -> (&'static str, &[String], &str) {
    match answer {
        Answer::By(by) => ("answered", by, ""),
        Answer::Not(why) => ("not", &[], why),
        Answer::Missing => ("missing", &[], ""),
    }
}

/// A line for each entry, so that two versions can be compared with `diff`.
fn json(sections: &[Section], pack: &Pack) -> String {
    let entry = |entry: &Entry| {
        let (state, by, why) = parts(&entry.answer);
        let severity = |id: &String| pack.get(id).map(|detection| detection.header.severity.as_str());
        let by: Vec<Value> = by.iter().map(|id| json!({"id": id, "severity": severity(id)})).collect();
        let why = (!why.is_empty()).then_some(why);
        json!({
            "id": entry.id, "says": entry.says, "state": state, "detections": by, "reason": why, "note": entry.note,
        })
    };
    let section = |section: &Section| {
        let (by, not) = count(section);
        let entries: Vec<String> = section.entries.iter().map(|one| entry(one).to_string()).collect();
        format!(
            "{{\"id\":{},\"title\":{},\"total\":{},\"answered\":{by},\"not\":{not},\"entries\":[\n{}\n]}}",
            json!(section.id),
            json!(section.title),
            section.entries.len(),
            entries.join(",\n")
        )
    };
    format!("[{}]\n", sections.iter().map(section).collect::<Vec<_>>().join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_between_words_and_a_severity_stays_with_its_detection() {
        let text = wrapped("secret_sweep (high), pod_exec (medium)", 34);
        assert_eq!(text, "            secret_sweep (high),\n            pod_exec (medium)\n");
        assert_eq!(wrapped("a-word-that-is-too-long", 10), "            a-word-that-is-too-long\n");
    }
}
