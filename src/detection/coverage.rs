//! Coverage: what other rule packs, cloud products and threat matrices look for, each answered by our detections or by
//! the reason why not. Data in `sql/coverage/`; a test holds it complete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::document::{at, did_you_mean, line_of, read};
use super::pack::texts;
use super::{Detection, FILES, Pack, attack};
use crate::error::{Error, Result};

/// The list of what must be answered.
const EXPECTED: &str = "expected.toml";
/// The Containers matrix of ATT&CK.
const ATTACK: &str = "attack.toml";
/// Microsoft's Threat Matrix for Kubernetes.
const THREAT_MATRIX: &str = "threat_matrix.toml";

/// What is answered, as read from a folder of coverage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    sources: Vec<Source>,
    rows: Vec<Row>,
    techniques: Vec<Row>,
    tactics: Vec<Tactic>,
    none: BTreeMap<String, String>,
    once: BTreeMap<String, String>,
}

/// A part of a view: a source of rules, or a tactic of a matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its short name: `union`, `guardduty`, `TA0006`.
    pub id: String,
    /// Its name in words.
    pub title: String,
    /// What is in it, in its order.
    pub entries: Vec<Entry>,
}

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id: `A01`, `etd:GKE_SENSITIVE_HOSTPATH`, `T1609`, `MS-TA9006`.
    pub id: String,
    /// What it is, in a few words; empty where nobody answered.
    pub says: String,
    /// Who looks for it.
    pub answer: Answer,
    /// What the answer leaves out.
    pub note: Option<String>,
}

/// Who looks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Our detections, by id.
    By(Vec<String>),
    /// Nobody, and why.
    Not(String),
    /// Nobody wrote an answer yet.
    Missing,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    source: Vec<Source>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    id: String,
    title: String,
    /// Whether rows may have further ids that begin with this one's and a colon.
    #[serde(default)]
    open: bool,
    rows: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    #[serde(default)]
    row: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Techniques {
    technique: Vec<WrittenTechnique>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    tactic: Vec<Tactic>,
    none: BTreeMap<String, String>,
    /// Ids that a technique bore in earlier versions, which headers may still name.
    #[serde(default)]
    once: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tactic {
    id: String,
    techniques: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    says: String,
    by: Option<Vec<String>>,
    not: Option<String>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTechnique {
    id: Spanned<String>,
    name: String,
    tactic: String,
    by: Option<Vec<String>>,
    not: Option<String>,
    note: Option<String>,
}

/// An entry, where it was read, and for a technique its tactic.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    entry: Entry,
    tactic: String,
    path: String,
    line: usize,
}

impl Coverage {
    /// The coverage of the binary.
    pub fn embedded() -> Result<Self> {
        Self::from_files(FILES.iter().copied().filter(|(path, _)| path.starts_with("sql/coverage/")))
    }

    /// The coverage of a pack in a folder.
    pub fn read(pack: &Path) -> Result<Self> {
        let files = texts(&pack.join("coverage"), ".toml")?;
        Self::from_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut coverage = Self::default();
        for (path, text) in files {
            match path.rsplit(['/', '\\']).next().unwrap_or(path) {
                EXPECTED => coverage.sources = read::<Expected>(path, text)?.source,
                ATTACK => {
                    let matrix: Matrix = read(path, text)?;
                    check_matrix(path, text, &matrix)?;
                    (coverage.tactics, coverage.none, coverage.once) = (matrix.tactic, matrix.none, matrix.once);
                }
                THREAT_MATRIX => {
                    for written in read::<Techniques>(path, text)?.technique {
                        let WrittenTechnique { id, name, tactic, by, not, note } = written;
                        let written = Written { id, says: name, by, not, note };
                        coverage.techniques.push(row(path, text, written, tactic, &coverage.techniques)?);
                    }
                }
                _ => {
                    for written in read::<Rows>(path, text)?.row {
                        coverage.rows.push(row(path, text, written, String::new(), &coverage.rows)?);
                    }
                }
            }
        }
        if coverage.sources.is_empty() {
            return Err(Error::usage(format!("there is no coverage: {EXPECTED} is missing")));
        }
        Ok(coverage)
    }

    /// Each source with its rows in the order in which they are expected, answered or not.
    #[must_use]
    pub fn rows(&self) -> Vec<Section> {
        let section = |source: &Source| {
            let expected = source.rows.iter().map(|id| match self.rows.iter().find(|row| row.entry.id == *id) {
                Some(row) => row.entry.clone(),
                None => Entry { id: id.clone(), says: String::new(), answer: Answer::Missing, note: None },
            });
            let further = self.rows.iter().filter(|row| source.takes(&row.entry.id)).map(|row| row.entry.clone());
            Section { id: source.id.clone(), title: source.title.clone(), entries: expected.chain(further).collect() }
        };
        self.sources.iter().map(section).collect()
    }

    /// The Containers matrix of ATT&CK, answered by the headers of `pack`.
    #[must_use]
    pub fn attack(&self, pack: &Pack) -> Vec<Section> {
        let entry = |tactic: &str, id: &String| {
            let by = by_headers(pack, tactic, &[Some(id), self.once.get(id)]);
            let answer = match self.none.get(id) {
                _ if !by.is_empty() => Answer::By(by),
                Some(why) => Answer::Not(why.clone()),
                None => Answer::Missing,
            };
            let says = attack::name(id).unwrap_or_default().to_owned();
            Entry { id: id.clone(), says, answer, note: None }
        };
        let section = |tactic: &Tactic| Section {
            id: tactic.id.clone(),
            title: attack::name(&tactic.id).unwrap_or_default().to_owned(),
            entries: tactic.techniques.iter().map(|id| entry(&tactic.id, id)).collect(),
        };
        self.tactics.iter().map(section).collect()
    }

    /// Microsoft's Threat Matrix for Kubernetes.
    #[must_use]
    pub fn threat_matrix(&self) -> Vec<Section> {
        let mut sections: Vec<Section> = Vec::new();
        for row in &self.techniques {
            let entry = row.entry.clone();
            match sections.iter_mut().find(|section| section.title == row.tactic) {
                Some(section) => section.entries.push(entry),
                None => sections.push(Section {
                    id: row.tactic.to_lowercase().replace(' ', "-"),
                    title: row.tactic.clone(),
                    entries: vec![entry],
                }),
            }
        }
        sections
    }

    /// What is wrong: ids without an answer or that nothing expects, detections that are not in `pack`, and built-in
    /// detections that no row and no technique names. Empty where all is answered.
    #[must_use]
    pub fn faults(&self, pack: &Pack) -> Vec<String> {
        let mut faults = Vec::new();
        let mut named = BTreeSet::new();
        let ids: Vec<&str> = pack.detections.iter().map(|detection| detection.id.as_str()).collect();
        let expected = || self.sources.iter().flat_map(|source| source.rows.iter().map(String::as_str));
        for row in &self.rows {
            let id = row.entry.id.as_str();
            if !expected().any(|known| known == id) && !self.sources.iter().any(|source| source.takes(id)) {
                let hint = did_you_mean(id, expected());
                faults.push(row.fault(&format!("no source has a row {id:?}{hint}")));
            }
        }
        for row in self.rows.iter().chain(&self.techniques) {
            let Answer::By(by) = &row.entry.answer else { continue };
            for id in by {
                if !ids.contains(&id.as_str()) {
                    faults.push(row.fault(&format!("no detection {id:?}{}", did_you_mean(id, ids.iter().copied()))));
                }
                named.insert(id.as_str());
            }
        }
        for section in self.rows().iter().chain(&self.attack(pack)) {
            let missing = section.entries.iter().filter(|entry| entry.answer == Answer::Missing);
            faults.extend(missing.map(|entry| format!("{}: {} has no answer", section.id, entry.id)));
        }
        let alone = pack.detections.iter().filter(|one| !named.contains(one.id.as_str()) && is_built_in(one));
        faults.extend(
            alone.map(|one| {
                format!("{}: no row of coverage names it; add it to one, or a row ours:... for it", one.path)
            }),
        );
        faults
    }
}

impl Source {
    /// Whether `id` is one of those that this source does not list but takes.
    fn takes(&self, id: &str) -> bool {
        let rest = id.strip_prefix(self.id.as_str()).and_then(|rest| rest.strip_prefix(':'));
        self.open && rest.is_some_and(|rest| !rest.is_empty())
    }
}

impl Row {
    fn fault(&self, message: &str) -> String {
        format!("{}:{}: {message}", self.path, self.line)
    }
}

/// Whether coverage must name a detection: a user's own need no row.
fn is_built_in(detection: &Detection) -> bool {
    FILES.iter().any(|(path, _)| *path == detection.path) || detection.path.contains("sql/detections/")
}

/// The detections whose headers name a technique, by any of its ids, or one of its sub-techniques: those that do so under this tactic,
/// else those that do so under any. The loudest come first.
fn by_headers(pack: &Pack, tactic: &str, technique: &[Option<&String>]) -> Vec<String> {
    let is_of = |id: &str, tactic: Option<&str>| {
        let Some((of, what)) = id.split_once('/') else { return false };
        let what = what.split('.').next();
        tactic.is_none_or(|tactic| tactic == of) && technique.iter().flatten().any(|id| what == Some(id.as_str()))
    };
    let found = |tactic: Option<&str>| -> Vec<String> {
        let detections = pack.detections.iter();
        let mut named: Vec<&Detection> =
            detections.filter(|one| one.header.attack.iter().any(|id| is_of(id, tactic))).collect();
        named.sort_by(|a, b| b.header.severity.cmp(&a.header.severity).then_with(|| a.id.cmp(&b.id)));
        named.into_iter().map(|detection| detection.id.clone()).collect()
    };
    let here = found(Some(tactic));
    if here.is_empty() { found(None) } else { here }
}

/// A row with exactly one answer, whose id no earlier row has.
fn row(path: &str, text: &str, written: Written, tactic: String, earlier: &[Row]) -> Result<Row> {
    let line = line_of(text, &written.id.span());
    let id = written.id.into_inner();
    if let Some(other) = earlier.iter().find(|row| row.entry.id == id) {
        return Err(at(path, line, format!("{id:?} is answered twice, first at {}:{}", other.path, other.line)));
    }
    if written.says.trim().is_empty() {
        return Err(at(path, line, format!("{id:?} does not say what it is")));
    }
    let answer = match (written.by, written.not) {
        (Some(by), None) if !by.is_empty() => Answer::By(by),
        (None, Some(why)) if !why.trim().is_empty() => Answer::Not(why),
        _ => return Err(at(path, line, format!("{id:?} needs either by, with detections, or not, with the reason"))),
    };
    let entry = Entry { id, says: written.says, answer, note: written.note };
    Ok(Row { entry, tactic, path: path.to_owned(), line })
}

/// Each tactic and technique has a name, and a reason is given only for what is in the matrix.
fn check_matrix(path: &str, text: &str, matrix: &Matrix) -> Result<()> {
    let techniques = || matrix.tactic.iter().flat_map(|tactic| &tactic.techniques);
    let line = |id: &str| text.lines().position(|line| line.contains(id)).map_or(1, |index| index + 1);
    for id in matrix.tactic.iter().map(|tactic| &tactic.id).chain(techniques()) {
        if attack::name(id).is_none() {
            return Err(at(path, line(id), format!("unknown ATT&CK id {id:?}; add it to src/detection/attack.rs")));
        }
    }
    match matrix.none.keys().find(|id| !techniques().any(|known| known == *id)) {
        Some(id) => Err(at(path, line(id), format!("{id:?} is not in the matrix above"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED_TOML: &str = "[[source]]\nid = \"union\"\ntitle = \"u\"\nrows = [\"A01\", \"A02\"]\n\
                                 [[source]]\nid = \"ours\"\ntitle = \"o\"\nopen = true\nrows = []\n";
    const MATRIX_TOML: &str =
        "[[tactic]]\nid = \"TA0006\"\ntechniques = [\"T1552\", \"T1110\"]\n[none]\nT1110 = \"because\"\n";

    fn coverage(rows: &str) -> Result<Coverage> {
        Coverage::from_files([
            ("sql/coverage/attack.toml", MATRIX_TOML),
            ("sql/coverage/expected.toml", EXPECTED_TOML),
            ("sql/coverage/secrets.toml", rows),
        ])
    }

    fn pack() -> Pack {
        let text = "-- title = \"t\"\n-- status = \"test\"\n-- severity = \"low\"\n-- attack = [\"TA0006/T1552.007\"]\n\
                    -- needs = \"Metadata\"\n-- describe = \"d\"\nselect 1";
        let detections = vec![Detection::parse("sql/detections/secrets/secret_sweep.sql", text).unwrap()];
        Pack { detections, ..Pack::default() }
    }

    fn row(id: &str, answer: &str) -> String {
        format!("[[row]]\nid = {id:?}\nsays = \"s\"\n{answer}\n")
    }

    const BY: &str = "by = [\"secret_sweep\"]";

    #[test]
    fn what_is_answered_once_and_by_what_exists_has_no_fault() {
        let rows = row("A01", BY) + &row("A02", "not = \"no log has it\"") + &row("ours:new", BY);
        let coverage = coverage(&rows).unwrap();
        assert_eq!(coverage.faults(&pack()), Vec::<String>::new());
        let sections = coverage.rows();
        let ids: Vec<&str> =
            sections.iter().flat_map(|section| &section.entries).map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids, ["A01", "A02", "ours:new"]);
    }

    #[test]
    fn each_gap_is_named() {
        let faults = |rows: &str| coverage(rows).unwrap().faults(&pack());
        assert_eq!(faults(&row("A01", BY)), ["union: A02 has no answer"]);
        let rows = row("A01", "by = [\"secret_swep\"]") + &row("A02", BY);
        assert_eq!(
            faults(&rows),
            ["sql/coverage/secrets.toml:2: no detection \"secret_swep\"; did you mean \"secret_sweep\"?"]
        );
        let rows = row("A01", BY) + &row("A02", BY) + &row("A03", BY);
        assert!(faults(&rows)[0].starts_with("sql/coverage/secrets.toml:10: no source has a row \"A03\""));
        let rows = row("A01", "not = \"n\"") + &row("A02", "not = \"n\"");
        assert_eq!(faults(&rows).len(), 1, "a detection that no row names");
        assert!(faults(&rows)[0].starts_with("sql/detections/secrets/secret_sweep.sql: no row"));
    }

    #[test]
    fn a_row_has_one_answer_and_one_place() {
        let error = |rows: &str| coverage(rows).unwrap_err().to_string();
        for answer in ["", "by = []", "not = \" \"", "by = [\"secret_sweep\"]\nnot = \"n\""] {
            assert!(error(&row("A01", answer)).contains("secrets.toml:2: \"A01\" needs either by"), "{answer}");
        }
        assert!(error(&(row("A01", BY) + &row("A01", BY))).contains("secrets.toml:6: \"A01\" is answered twice"));
        assert!(error("[[row]]\nid = \"A01\"\nsay = \"s\"").contains("secrets.toml:3: unknown key \"say\""));
    }

    #[test]
    fn a_technique_is_answered_by_headers_or_a_reason() {
        let sections = coverage("").unwrap().attack(&pack());
        let answers: Vec<&Answer> = sections[0].entries.iter().map(|entry| &entry.answer).collect();
        assert_eq!(answers, [&Answer::By(vec!["secret_sweep".into()]), &Answer::Not("because".into())]);
        let text = MATRIX_TOML.replace("\nT1110", "\nT1190");
        let error = Coverage::from_files([("sql/coverage/attack.toml", text.as_str())]).unwrap_err().to_string();
        assert_eq!(error, "sql/coverage/attack.toml:5: \"T1190\" is not in the matrix above");
    }

    #[test]
    fn the_files_of_the_binary_are_read_and_all_ids_are_expected() {
        let coverage = Coverage::embedded().unwrap();
        let counts: Vec<(&str, usize)> =
            coverage.sources.iter().map(|source| (source.id.as_str(), source.rows.len())).collect();
        assert_eq!(counts, [("union", 132), ("guardduty", 36), ("etd", 31), ("defender", 22), ("ours", 0)]);
        assert_eq!(coverage.techniques.len(), 40);
        let mut ids: Vec<&String> = coverage.sources.iter().flat_map(|source| &source.rows).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id is expected twice");
    }
}
