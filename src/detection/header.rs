//! The head of a `.sql` file: its leading `--` lines are TOML, the rest is one select. Reads detections; what views
//! share with them is here too.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use super::document::{at, did_you_mean, line_of, read};
use super::token::{Kind, Token, tokens};
use super::{Detection, Header, Level, Status, attack};
use crate::error::Result;
use crate::finding::Severity;
use crate::limits::SQL_BYTES_MAX;

/// The header as written; spans lead an error to its line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    title: Spanned<String>,
    status: Status,
    severity: Severity,
    attack: Vec<Spanned<String>>,
    needs: Level,
    #[serde(default)]
    resources: Vec<String>,
    describe: Spanned<String>,
    #[serde(default)]
    benign: Vec<String>,
    #[serde(default)]
    blind: Vec<String>,
    #[serde(default)]
    triage: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    params: BTreeMap<Spanned<String>, i64>,
}

impl Detection {
    /// Reads a detection file. `path` names it in messages, and its stem is the id.
    pub fn parse(path: &str, text: &str) -> Result<Self> {
        let id = stem(path)?;
        let (head, sql) = split(path, text)?;
        let written: Written = read(path, &head)?;
        check_texts(path, &head, &written)?;
        check_attack(path, &head, &written.attack)?;
        check_params(path, &head, &written.params, &statement(path, &sql)?)?;
        let header = Header {
            title: written.title.into_inner(),
            status: written.status,
            severity: written.severity,
            attack: written.attack.into_iter().map(Spanned::into_inner).collect(),
            needs: written.needs,
            resources: written.resources,
            describe: written.describe.into_inner(),
            benign: written.benign,
            blind: written.blind,
            triage: written.triage,
            references: written.references,
            params: written.params.into_iter().map(|(name, value)| (name.into_inner(), value)).collect(),
        };
        Ok(Self { id, path: path.to_owned(), header, sql })
    }
}

/// The file stem, which is the name of what the file holds.
pub(super) fn stem(path: &str) -> Result<String> {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    if is_id(stem) {
        Ok(stem.to_owned())
    } else {
        Err(at(path, 1, format!("{stem:?} is no id; name the file with 3 to 64 of a-z, 0-9 and _")))
    }
}

/// Whether `text` may be an id: `[a-z0-9_]{3,64}`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (3..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Cuts a file into the TOML of its leading `--` lines and the SQL, each with its line numbers unchanged.
pub(super) fn split(path: &str, text: &str) -> Result<(String, String)> {
    let lines = text.lines().take_while(|line| line.starts_with("--")).count();
    if lines == 0 {
        return Err(at(path, 1, "the header is missing; begin the file with lines like `-- title = \"...\"`"));
    }
    let head: Vec<&str> = text.lines().take(lines).map(|line| &line[2..]).collect();
    let body: Vec<&str> = text.lines().skip(lines).collect();
    Ok((head.join("\n"), "\n".repeat(lines) + &body.join("\n")))
}

/// The tokens of `sql`, once it is clear that it is one select.
pub(super) fn statement(path: &str, sql: &str) -> Result<Vec<Token>> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(at(path, 1, format!("the query has {} bytes; the most is {SQL_BYTES_MAX}", sql.len())));
    }
    let tokens = tokens(sql);
    match tokens.first() {
        Some(first) if first.is("select") || first.is("with") => {}
        Some(first) => return Err(at(path, first.line, "the query must begin with select or with")),
        None => return Err(at(path, sql.lines().count().max(1), "the query is missing below the header")),
    }
    match tokens.iter().find(|token| token.is_symbol(';')) {
        Some(end) => Err(at(path, end.line, "write one statement, without a semicolon")),
        None => Ok(tokens),
    }
}

fn check_texts(path: &str, head: &str, written: &Written) -> Result<()> {
    for (key, text) in [("title", &written.title), ("describe", &written.describe)] {
        if text.get_ref().trim().is_empty() {
            return Err(at(path, line_of(head, &text.span()), format!("{key} is empty")));
        }
    }
    let title = written.title.get_ref();
    let possible = title.starts_with("Possible ");
    let wrong = match written.severity {
        _ if title.contains('\n') => Some("a title has one line"),
        Severity::Info | Severity::Low if possible => Some("the title of an info or low detection states a fact"),
        Severity::Medium if !possible => Some("the title of a medium detection begins with \"Possible \""),
        Severity::High | Severity::Critical if possible => {
            Some("the title of a high or critical detection names the threat, without \"Possible\"")
        }
        _ => None,
    };
    wrong.map_or(Ok(()), |wrong| Err(at(path, line_of(head, &written.title.span()), wrong)))
}

fn check_attack(path: &str, head: &str, ids: &[Spanned<String>]) -> Result<()> {
    for id in ids {
        let known = id.get_ref().split_once('/').is_some_and(|(tactic, technique)| {
            tactic.starts_with("TA")
                && !technique.starts_with("TA")
                && attack::name(tactic).is_some()
                && attack::name(technique).is_some()
        });
        if !known {
            let message = format!(
                "unknown ATT&CK id {:?}; write tactic/technique, as in \"TA0006/T1552.007\", \
                 and add a new id to src/detection/attack.rs",
                id.get_ref()
            );
            return Err(at(path, line_of(head, &id.span()), message));
        }
    }
    Ok(())
}

/// Each `$name` of the query has a param, and each param is used.
fn check_params(path: &str, head: &str, params: &BTreeMap<Spanned<String>, i64>, query: &[Token]) -> Result<()> {
    let mut used = BTreeSet::new();
    for token in query {
        let Kind::Param(name) = &token.kind else { continue };
        if !params.contains_key(name.as_str()) {
            let hint = did_you_mean(name, params.keys().map(|key| key.get_ref().as_str()));
            return Err(at(path, token.line, format!("${name} is not among the header's params{hint}")));
        }
        used.insert(name.as_str());
    }
    match params.keys().find(|key| !used.contains(key.get_ref().as_str())) {
        Some(key) => {
            let message = format!("param {:?} is not used; the query must name ${0}", key.get_ref());
            Err(at(path, line_of(head, &key.span()), message))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD_EXEC: &str = r#"-- title      = "Possible command run inside a pod"
-- status     = "stable"              # experimental, test, stable
-- severity   = "medium"
-- attack     = ["TA0002/T1609"]
-- needs      = "Metadata"
-- describe   = "Someone opened exec on a pod."
-- benign     = [
--   "Operators debugging with kubectl exec",
-- ]
-- params     = { events_min = 3 }

select audit_id from requests -- a comment; with $no param
where count > $events_min
"#;

    fn parse(text: &str) -> Result<Detection> {
        Detection::parse("sql/detections/pods/pod_exec.sql", text)
    }

    /// The message for [`POD_EXEC`] with `from` replaced by `to`.
    fn error(from: &str, to: &str) -> String {
        assert!(POD_EXEC.contains(from), "{from}");
        let message = parse(&POD_EXEC.replace(from, to)).unwrap_err().to_string();
        message.strip_prefix("sql/detections/pods/pod_exec.sql:").expect(&message).to_owned()
    }

    #[test]
    fn a_detection_has_the_file_stem_as_id_and_its_header() {
        let detection = parse(POD_EXEC).unwrap();
        assert_eq!(detection.id, "pod_exec");
        assert_eq!(detection.header.title, "Possible command run inside a pod");
        assert_eq!(detection.header.severity, Severity::Medium);
        assert_eq!(detection.header.needs, Level::Metadata);
        assert_eq!(detection.header.benign, ["Operators debugging with kubectl exec"]);
        assert_eq!(detection.header.params, BTreeMap::from([("events_min".to_owned(), 3)]));
        assert!(detection.header.triage.is_empty());
    }

    #[test]
    fn a_line_of_the_query_is_a_line_of_the_file() {
        let detection = parse(POD_EXEC).unwrap();
        let in_file = POD_EXEC.lines().position(|line| line.starts_with("select"));
        assert_eq!(detection.sql.lines().position(|line| line.starts_with("select")), in_file);
        assert!(detection.sql.starts_with("\n\n"));
    }

    #[test]
    fn windows_line_ends_change_nothing() {
        let detection = parse(&POD_EXEC.replace('\n', "\r\n")).unwrap();
        assert_eq!(detection, parse(POD_EXEC).unwrap());
    }

    #[test]
    fn an_unknown_key_fails_with_its_line() {
        assert_eq!(error("-- benign ", "-- beningn "), r#"7: unknown key "beningn"; did you mean "benign"?"#);
    }

    #[test]
    fn a_missing_key_fails() {
        assert_eq!(error("-- needs      = \"Metadata\"\n", ""), r#"1: missing key "needs""#);
    }

    #[test]
    fn unknown_words_fail_with_their_line() {
        assert_eq!(error("\"stable\"", "\"stabl\""), r#"2: unknown value "stabl"; did you mean "stable"?"#);
        assert!(error("\"medium\"", "\"urgent\"").starts_with(r#"3: unknown value "urgent"; use info, low"#));
        assert!(error("\"Metadata\"", "\"metadata\"").starts_with("5: unknown value"));
    }

    #[test]
    fn attack_ids_must_be_known_pairs() {
        for id in ["TA0002/T9999", "TA0999/T1609", "T1609", "T1609/TA0002", "TA0002/TA0002", "TA0002/T1609.999"] {
            let message = error("TA0002/T1609", id);
            assert!(message.starts_with(&format!("4: unknown ATT&CK id {id:?}")), "{message}");
        }
    }

    #[test]
    fn the_title_follows_the_severity() {
        assert!(error("Possible command", "Command").starts_with("1: the title of a medium"));
        for severity in ["info", "low", "high", "critical"] {
            assert!(error("\"medium\"", &format!("{severity:?}")).starts_with("1: the title of"), "{severity}");
            let fact = POD_EXEC.replace("\"medium\"", &format!("{severity:?}")).replace("Possible command", "Command");
            assert!(parse(&fact).is_ok(), "{severity}");
        }
        assert_eq!(error("Possible command run inside a pod", " "), "1: title is empty");
    }

    #[test]
    fn params_and_placeholders_match_both_ways() {
        assert_eq!(
            error("$events_min", "$event_min"),
            r#"13: $event_min is not among the header's params; did you mean "events_min"?"#
        );
        assert_eq!(error("$events_min", "3"), r#"10: param "events_min" is not used; the query must name $events_min"#);
        assert!(error("= 3 }", "= \"3\" }").starts_with("10: invalid type"));
    }

    #[test]
    fn only_one_select_is_a_query() {
        assert!(error("select audit_id", "delete").starts_with("12: the query must begin with select"));
        assert!(error("$events_min\n", "$events_min;\n").starts_with("13: write one statement"));
        let head = POD_EXEC.split_once("\nselect").unwrap().0;
        assert!(parse(head).unwrap_err().to_string().contains("the query is missing"));
        assert!(parse("select 1").unwrap_err().to_string().contains("the header is missing"));
        assert!(error("count >", &format!("{} >", "x".repeat(SQL_BYTES_MAX))).contains("the most is"));
    }

    #[test]
    fn a_file_name_that_is_no_id_fails() {
        for path in ["a/Pod_Exec.sql", "a/pe.sql", "a/pod-exec.sql", "a/.sql"] {
            let message = Detection::parse(path, POD_EXEC).unwrap_err().to_string();
            assert!(message.contains("is no id"), "{message}");
        }
    }
}
