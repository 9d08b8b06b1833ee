//! The pack: the files of `sql/` that are part of the binary, joined by a user's own folder of detections.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use walkdir::WalkDir;

use super::document::{at, did_you_mean, line_of, read};
use super::header::is_id;
use super::view::in_order;
use super::{Detection, View};
use crate::error::{Error, Result};

/// The path and the text of each view, detection, list and file of coverage in the binary, sorted by path.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sql.rs"));

const DETECTIONS: &str = "sql/detections/";

/// All that a run of detections needs beside the events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pack {
    /// The detections, by path; those of a user's folder last.
    pub detections: Vec<Detection>,
    /// The views, each after those that it reads.
    pub views: Vec<View>,
    /// Known-good identities by the name of their list; under [`ROUTINE`], what each is known to do.
    pub lists: BTreeMap<String, Vec<String>>,
}

/// The list of all that known identities do as a matter of course, each entry a [`routine_key`].
pub const ROUTINE: &str = "routine";

/// One list of a file in `sql/lists`: the identities and why they are known. With verbs and resources it says what
/// they do, and knows them for nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(rename = "describe")]
    _describe: String,
    identities: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    resources: Vec<String>,
}

/// What stands in the list [`ROUTINE`] for one user, verb and `resource` or `resource/subresource`, exactly.
#[must_use]
pub fn routine_key(user: &str, verb: &str, resource: &str) -> String {
    // no name can hold a NUL
    [user, verb, resource].join("\0")
}

impl Pack {
    /// The pack of the binary.
    pub fn embedded() -> Result<Self> {
        Self::from_files(FILES.iter().copied())
    }

    /// The pack of the binary without its detections, whose reading takes longer than many a question.
    pub fn embedded_views() -> Result<Self> {
        Self::from_files(FILES.iter().copied().filter(|(path, _)| !path.starts_with(DETECTIONS)))
    }

    /// A pack of files, whose paths tell what they are: `sql/views/`, `sql/detections/` or `sql/lists/`. Others, such as
    /// those of coverage, are none of its business.
    fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut pack = Self::default();
        let mut views = Vec::new();
        for (path, text) in files {
            if path.starts_with("sql/views/") {
                views.push(View::parse(path, text)?);
            } else if path.starts_with("sql/lists/") {
                pack.add_lists(path, text)?;
            } else if path.starts_with(DETECTIONS) {
                pack.add(Detection::parse(path, text)?)?;
            }
        }
        pack.views = in_order(views)?;
        Ok(pack)
    }

    /// The pack in a folder that is laid out as `sql/` is: `views/`, `detections/` and `lists/`.
    pub fn read(dir: &Path) -> Result<Self> {
        let mut pack = Self::default();
        let mut views = Vec::new();
        for (path, text) in texts(&dir.join("views"), ".sql")? {
            views.push(View::parse(&path, &text)?);
        }
        for (path, text) in texts(&dir.join("lists"), ".toml")? {
            pack.add_lists(&path, &text)?;
        }
        for (path, text) in texts(&dir.join("detections"), ".sql")? {
            pack.add(Detection::parse(&path, &text)?)?;
        }
        pack.views = in_order(views)?;
        Ok(pack)
    }

    /// Adds each `.sql` file under `dir` as a detection. Hidden files and folders are passed over, so that a mounted
    /// `ConfigMap` (whose files are links into a hidden folder) is read once.
    pub fn with_folder(&mut self, dir: &Path) -> Result<()> {
        let mut added = 0_usize;
        for (path, text) in texts(dir, ".sql")? {
            self.add(Detection::parse(&path, &text)?)?;
            added += 1;
        }
        if added == 0 {
            return Err(Error::usage(format!("{}: no .sql file in the rules folder", dir.display())));
        }
        Ok(())
    }

    /// The detection with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Detection> {
        self.detections.iter().find(|detection| detection.id == id)
    }

    /// Keeps the detections with these ids only. An id that is in no pack is an error.
    pub fn only(&mut self, ids: &[String]) -> Result<()> {
        if let Some(id) = ids.iter().find(|id| self.get(id).is_none()) {
            let hint = did_you_mean(id, self.detections.iter().map(|detection| detection.id.as_str()));
            return Err(Error::usage(format!("no detection has the id {id:?}{hint}")));
        }
        self.detections.retain(|detection| ids.contains(&detection.id));
        Ok(())
    }

    fn add(&mut self, detection: Detection) -> Result<()> {
        if let Some(other) = self.get(&detection.id) {
            let message =
                format!("{}: {} is a detection of the same id; rename one of the files", detection.path, other.path);
            return Err(Error::usage(message));
        }
        self.detections.push(detection);
        Ok(())
    }

    fn add_lists(&mut self, path: &str, text: &str) -> Result<()> {
        let lists: BTreeMap<toml::Spanned<String>, List> = read(path, text)?;
        for (name, list) in lists {
            let line = line_of(text, &name.span());
            let name = name.into_inner();
            if !is_id(&name) {
                return Err(at(path, line, format!("{name:?} is no name of a list; use 3 to 64 of a-z, 0-9 and _")));
            }
            // a name with a blank at its end never matches, and nobody sees why
            let mut words = list.identities.iter().chain(&list.verbs).chain(&list.resources);
            if let Some(bad) = words.find(|text| text.is_empty() || text.trim() != *text) {
                return Err(at(path, line, format!("{bad:?} in {name} is empty or has blanks around it")));
            }
            if name == ROUTINE || list.verbs.is_empty() != list.resources.is_empty() {
                let message =
                    format!("{name} needs both verbs and resources, or neither, and another name than routine");
                return Err(at(path, line, message));
            }
            if self.lists.contains_key(&name) {
                return Err(at(path, line, format!("the list {name} is in another file too; rename one")));
            }
            let routine = list.identities.iter().flat_map(|user| {
                let pairs = list.verbs.iter().flat_map(|verb| list.resources.iter().map(move |on| (verb, on)));
                pairs.map(move |(verb, on)| routine_key(user, verb, on))
            });
            self.lists.entry(ROUTINE.to_owned()).or_default().extend(routine);
            self.lists.insert(name, list.identities);
        }
        Ok(())
    }
}

/// The path and the text of each file under `dir` whose name ends so, in the order of their names.
pub(super) fn texts(dir: &Path, ending: &str) -> Result<Vec<(String, String)>> {
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    let walk = WalkDir::new(dir).follow_links(true).sort_by_file_name().into_iter();
    let mut texts = Vec::new();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
        let entry = entry.map_err(|error| Error::usage(format!("cannot read the rules folder: {error}")))?;
        let path = entry.path();
        if entry.file_type().is_file() && entry.file_name().to_string_lossy().ends_with(ending) {
            let text = fs::read_to_string(path).map_err(|error| Error::storage(path, error))?;
            texts.push((path.to_string_lossy().into_owned(), text));
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DETECTION: &str = "-- title = \"Secret read\"\n-- status = \"test\"\n-- severity = \"low\"\n-- attack = []\n\
                             -- needs = \"Metadata\"\n-- describe = \"Someone read a secret.\"\nselect 1\n";
    const VIEW: &str = "-- describe = \"rows\"\n-- reads = [\"events\"]\nselect 1\n";
    const LIST: &str = "[cluster_controllers]\ndescribe = \"known\"\nidentities = [\"system:kube-scheduler\"]\n";

    fn pack() -> Pack {
        Pack::from_files([
            ("sql/detections/pods/pod_exec.sql", DETECTION),
            ("sql/detections/secrets/secret_sweep.sql", DETECTION),
            ("sql/lists/kubernetes.toml", LIST),
            ("sql/views/requests.sql", VIEW),
        ])
        .unwrap()
    }

    fn ids(pack: &Pack) -> Vec<&str> {
        pack.detections.iter().map(|detection| detection.id.as_str()).collect()
    }

    fn rules(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, DETECTION).unwrap();
        }
        dir
    }

    #[test]
    fn the_binary_holds_a_whole_pack() {
        let pack = Pack::embedded().unwrap();
        let controllers = &pack.lists["cluster_controllers"];
        assert!(controllers.contains(&"system:serviceaccount:kube-system:replicaset-controller".to_owned()));
        let sorted = FILES.windows(2).all(|pair| pair[0].0 < pair[1].0);
        assert!(sorted && !FILES.iter().any(|(path, _)| path.ends_with(".test.toml")));
    }

    #[test]
    fn files_are_told_apart_by_their_folder() {
        let pack = pack();
        assert_eq!(ids(&pack), ["pod_exec", "secret_sweep"]);
        assert_eq!(pack.views[0].name, "requests");
        assert_eq!(pack.lists["cluster_controllers"], ["system:kube-scheduler"]);
        assert_eq!(pack.get("pod_exec").unwrap().path, "sql/detections/pods/pod_exec.sql");
        assert!(pack.get("pod_attach").is_none());
    }

    #[test]
    fn a_folder_adds_its_detections_in_order_and_depth() {
        let dir = rules(&["own_rule.sql", "deep/er/another_rule.sql", "notes.txt", "own_rule.test.toml"]);
        let mut pack = pack();
        pack.with_folder(dir.path()).unwrap();
        assert_eq!(ids(&pack), ["pod_exec", "secret_sweep", "another_rule", "own_rule"]);
    }

    #[test]
    fn an_id_in_two_files_names_both() {
        let dir = rules(&["mine/pod_exec.sql"]);
        let error = pack().with_folder(dir.path()).unwrap_err().to_string();
        assert!(error.contains("mine/pod_exec.sql") && error.contains("sql/detections/pods/pod_exec.sql"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_mounted_config_map_is_read_once() {
        let dir = rules(&["..2026_01/own_rule.sql"]);
        std::os::unix::fs::symlink("..2026_01", dir.path().join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/own_rule.sql", dir.path().join("own_rule.sql")).unwrap();
        let mut pack = Pack::default();
        pack.with_folder(dir.path()).unwrap();
        assert_eq!(ids(&pack), ["own_rule"]);
    }

    #[test]
    fn a_folder_without_detections_or_that_is_not_there_is_an_error() {
        let dir = rules(&["notes.txt"]);
        assert!(Pack::default().with_folder(dir.path()).unwrap_err().to_string().contains("no .sql file"));
        assert!(Pack::default().with_folder(&dir.path().join("nowhere")).is_err());
    }

    #[test]
    fn only_keeps_what_is_named_and_knows_the_rest() {
        let mut pack = pack();
        pack.only(&["secret_sweep".to_owned()]).unwrap();
        assert_eq!(ids(&pack), ["secret_sweep"]);
        let error = pack.only(&["secret_swep".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, r#"no detection has the id "secret_swep"; did you mean "secret_sweep"?"#);
    }

    #[test]
    fn a_list_with_verbs_says_what_is_routine() {
        let text =
            "[backup]\ndescribe = \"a\"\nidentities = [\"a\", \"b\"]\nverbs = [\"get\"]\nresources = [\"secrets\"]\n";
        let mut pack = Pack::default();
        pack.add_lists("sql/lists/a.toml", text).unwrap();
        assert_eq!(pack.lists[ROUTINE], [routine_key("a", "get", "secrets"), routine_key("b", "get", "secrets")]);
        let half = text.replace("verbs = [\"get\"]\n", "");
        let error = Pack::default().add_lists("sql/lists/a.toml", &half).unwrap_err().to_string();
        assert!(error.contains("needs both verbs and resources"), "{error}");
    }

    #[test]
    fn lists_are_read_strictly() {
        let error = |text: &str| Pack::default().add_lists("sql/lists/a.toml", text).unwrap_err().to_string();
        assert!(error(&LIST.replace("describe", "descripe")).starts_with("sql/lists/a.toml:2: unknown key"));
        assert!(error(&LIST.replace("describe = \"known\"\n", "")).ends_with("missing key \"describe\""));
        assert!(error(&LIST.replace("scheduler\"", "scheduler \"")).contains("blanks around it"));
        assert!(error(&LIST.replace("cluster_controllers", "Cluster")).starts_with("sql/lists/a.toml:1: \"Cluster\""));
        let twice = Pack::from_files([("sql/lists/a.toml", LIST), ("sql/lists/b.toml", LIST)]).unwrap_err();
        assert!(twice.to_string().starts_with("sql/lists/b.toml:1: the list cluster_controllers is in another file"));
    }
}
