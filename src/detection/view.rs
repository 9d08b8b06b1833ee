//! Views: named queries over the lake's table or other views, which detections read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::document::{at, did_you_mean, read};
use super::header::{split, statement, stem};
use super::token::Kind;
use crate::error::{Error, Result};

/// The lake's table, which views alone read.
pub const TABLE: &str = "events";
/// The table of one row, `since` and `until`: the time that a run looks at, NULL where it is open.
pub const PERIOD: &str = "period";
/// The table of pods and workloads that a snapshot shows; without one it has no rows.
pub const INVENTORY: &str = "inventory";
/// The tables that every session has, which views may read and detections may not.
pub const TABLES: [&str; 3] = [TABLE, PERIOD, INVENTORY];
/// The table of what was found before, which queries may read and views and detections may not.
pub const FINDINGS: &str = "findings";

/// One view: a file `sql/views/NAME.sql` whose leading `--` lines are its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The file stem, as detections name it.
    pub name: String,
    /// Where it was read from, for messages.
    pub path: String,
    /// What one row is.
    pub describe: String,
    /// The views, or [`TABLES`], that it reads.
    pub reads: Vec<String>,
    /// Whether the engine computes it once per run and keeps its rows.
    pub materialise: bool,
    /// Whether the engine keeps, of the rows of each request, only the richest stage, as the view `requests` does.
    pub richest: bool,
    /// One `select`; line numbers are those of the file, as for [`super::Detection::sql`].
    pub sql: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    describe: String,
    reads: Vec<String>,
    #[serde(default)]
    materialise: bool,
    #[serde(default)]
    richest: bool,
}

impl View {
    /// Reads a view file. `path` names it in messages, and its stem is the name.
    pub fn parse(path: &str, text: &str) -> Result<Self> {
        let name = stem(path)?;
        let (head, sql) = split(path, text)?;
        let Written { describe, reads, materialise, richest } = read(path, &head)?;
        if TABLES.contains(&name.as_str()) || name == FINDINGS {
            return Err(at(path, 1, format!("{name:?} is a table of every run; give the view another name")));
        }
        for token in statement(path, &sql)? {
            if let Kind::Param(param) = token.kind {
                return Err(at(path, token.line, format!("a view has no params, so ${param} has no value")));
            }
        }
        if richest && !materialise {
            return Err(at(path, 1, "richest needs materialise = true; a view that is not keeps its stages in SQL"));
        }
        Ok(Self { name, path: path.to_owned(), describe, reads, materialise, richest, sql })
    }
}

/// Orders views so that each comes after all that it reads; otherwise by path.
pub(super) fn in_order(views: Vec<View>) -> Result<Vec<View>> {
    let mut names = BTreeMap::from(TABLES.map(|table| (table, "")));
    for view in &views {
        if let Some(other) = names.insert(&view.name, &view.path) {
            return Err(Error::usage(format!("{}: {other} is a view of the same name; rename one", view.path)));
        }
    }
    for view in &views {
        if let Some(read) = view.reads.iter().find(|read| !names.contains_key(read.as_str())) {
            let hint = did_you_mean(read, names.keys().copied());
            return Err(at(&view.path, 1, format!("reads {read:?}, which is no view{hint}")));
        }
    }
    let mut done = BTreeSet::from(TABLES.map(ToOwned::to_owned));
    let mut ordered = Vec::with_capacity(views.len());
    let mut waiting = views;
    waiting.sort_by(|a, b| a.path.cmp(&b.path));
    while !waiting.is_empty() {
        let (ready, rest): (Vec<View>, Vec<View>) =
            waiting.into_iter().partition(|view| view.reads.iter().all(|read| done.contains(read)));
        if ready.is_empty() {
            let circle: Vec<&str> = rest.iter().map(|view| view.name.as_str()).collect();
            return Err(at(
                &rest[0].path,
                1,
                format!("these views read each other in a circle: {}", circle.join(", ")),
            ));
        }
        done.extend(ready.iter().map(|view| view.name.clone()));
        ordered.extend(ready);
        waiting = rest;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str, reads: &[&str]) -> View {
        let text = format!("-- describe = \"rows\"\n-- reads = {reads:?}\n\nselect 1\n");
        View::parse(&format!("sql/views/{name}.sql"), &text).unwrap()
    }

    fn order(views: Vec<View>) -> Vec<String> {
        in_order(views).unwrap().into_iter().map(|view| view.name).collect()
    }

    #[test]
    fn a_view_has_its_header_and_query() {
        let text = "-- describe = \"one row per request\"\n-- reads = [\"events\"]\n-- materialise = true\nselect 1";
        let view = View::parse("sql/views/requests.sql", text).unwrap();
        assert_eq!((view.name.as_str(), view.materialise), ("requests", true));
        assert_eq!(view.describe, "one row per request");
        assert_eq!(view.reads, ["events"]);
        assert_eq!(view.sql, "\n\n\nselect 1");
    }

    #[test]
    fn views_are_not_materialised_unless_asked() {
        assert!(!view("requests", &["events"]).materialise);
    }

    #[test]
    fn the_richest_stage_is_kept_only_where_rows_are() {
        let text = "-- describe = \"x\"\n-- reads = [\"events\"]\n-- richest = true\n";
        let error = View::parse("sensitive.sql", &format!("{text}select 1")).unwrap_err().to_string();
        assert!(error.contains("richest needs materialise = true"), "{error}");
        let view = View::parse("sensitive.sql", &format!("{text}-- materialise = true\nselect 1")).unwrap();
        assert!(view.richest);
    }

    #[test]
    fn a_view_needs_its_keys_and_takes_no_params() {
        let error = |text: &str| View::parse("requests.sql", text).unwrap_err().to_string();
        assert_eq!(error("-- describe = \"x\"\nselect 1"), r#"requests.sql:1: missing key "reads""#);
        assert!(error("-- reads = []\n-- describe = \"x\"\n-- title = \"x\"\nselect 1").contains("unknown key"));
        let text = "-- describe = \"x\"\n-- reads = []\nselect $a";
        assert_eq!(error(text), "requests.sql:3: a view has no params, so $a has no value");
        assert!(View::parse("events.sql", "-- describe = \"x\"\n-- reads = []\nselect 1").is_err());
    }

    #[test]
    fn each_view_comes_after_what_it_reads() {
        let views = vec![
            view("addresses", &["sensitive", "requests"]),
            view("requests", &["events"]),
            view("sensitive", &["requests"]),
            view("pod_access", &["sensitive"]),
        ];
        assert_eq!(order(views), ["requests", "sensitive", "addresses", "pod_access"]);
    }

    #[test]
    fn a_circle_is_named() {
        let error = in_order(vec![view("aaa", &["bbb"]), view("bbb", &["aaa"]), view("ccc", &["events"])]).unwrap_err();
        assert_eq!(error.to_string(), "sql/views/aaa.sql:1: these views read each other in a circle: aaa, bbb");
        assert!(in_order(vec![view("aaa", &["aaa"])]).is_err());
    }

    #[test]
    fn an_unknown_or_doubled_view_is_named() {
        let error = in_order(vec![view("requests", &["event"])]).unwrap_err().to_string();
        assert!(error.contains(r#"reads "event", which is no view; did you mean "events"?"#), "{error}");
        assert!(in_order(vec![view("aaa", &[]), view("aaa", &[])]).unwrap_err().to_string().contains("same name"));
    }
}
