//! The logs of a night: what the configured paths lead to, of which time and which cluster each is, and why it is read.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::plan::Window;
use crate::account::{Account, Outcome};
use crate::config::{LogSource, Named, Pattern, day_of};
use crate::error::{Error, Result};
use crate::event::Envelope;
use crate::input::{self, Found, Source};
use crate::schema::check_cluster;
use crate::store::{self, Stores};

/// One log to read.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Where it is.
    pub source: Source,
    /// Why it is read.
    pub why: String,
}

/// What the configured sources lead to.
#[derive(Debug, Default)]
pub struct Logs {
    /// What is read, in the order of the configuration.
    pub listed: Vec<Listed>,
    /// Sources that could not be looked at, and files that were passed over, each with the reason.
    pub troubles: Vec<Account>,
    /// Configured paths without any file, as they stand in the configuration.
    pub empty: Vec<String>,
}

impl Logs {
    /// The sources alone.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        self.listed.iter().map(|listed| listed.source.clone()).collect()
    }
}

/// Looks where the configuration says for logs of the window. A source that cannot be looked at is among the troubles,
/// and the others are found all the same.
pub fn find(sources: &[LogSource], window: &Window, stores: &Stores) -> Result<Logs> {
    let mut logs = Logs::default();
    let mut seen = HashSet::new();
    for (index, configured) in sources.iter().enumerate() {
        if let Some(Err(why)) = configured.envelope.as_deref().map(str::parse::<Envelope>) {
            return Err(Error::usage(format!("source {}: envelope: {why}", index + 1)));
        }
        let pattern = Pattern::parse(&configured.path).map_err(Error::Usage)?;
        let mut any = false;
        for glob in pattern.globs(window.since, window.until) {
            match look(&glob, stores) {
                Ok(found) => {
                    any |= !found.sources.is_empty();
                    sort(found, configured, &pattern, window, &mut seen, &mut logs);
                }
                Err(error) => logs.troubles.push(trouble(&configured.path, Outcome::Refused, error.to_string())),
            }
        }
        if !any {
            logs.empty.push(configured.path.clone());
        }
    }
    Ok(logs)
}

/// What one glob leads to; nothing where nothing is there.
fn look(glob: &str, stores: &Stores) -> Result<Found> {
    let glob = if store::is_url(glob) {
        open_ended(glob)
    } else if is_there(glob)? {
        glob.to_owned()
    } else {
        return Ok(Found::default());
    };
    let mut found = input::search(&[PathBuf::from(&glob)], stores)?;
    if found.sources.is_empty() {
        // that the glob itself matches nothing is told of the configured path
        let shown = store::shown(&glob);
        found.skipped.retain(|(path, _)| path.to_string_lossy() != shown);
    }
    Ok(found)
}

/// A URL in a bucket as a glob, whatever it is: an object that is not there yet is no mistake then.
fn open_ended(url: &str) -> String {
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    match url.chars().last() {
        Some(last) if !is_web && !url.contains(['*', '?', '[']) && last.is_ascii_alphanumeric() => {
            format!("{}[{last}]", &url[..url.len() - 1])
        }
        _ => url.to_owned(),
    }
}

/// Whether a path of this machine leads anywhere.
fn is_there(glob: &str) -> Result<bool> {
    match fs::symlink_metadata(glob) {
        Ok(_) => return Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::storage(glob, error)),
    }
    let mut paths = glob::glob(glob).map_err(|error| Error::usage(format!("{glob}: {error}")))?;
    match paths.next() {
        None => Ok(false),
        Some(Ok(_)) => Ok(true),
        Some(Err(error)) => Err(Error::storage(error.path().to_owned(), error.error().kind().into())),
    }
}

/// Takes what the window wants of what was found.
fn sort(
    found: Found,
    configured: &LogSource,
    pattern: &Pattern,
    window: &Window,
    seen: &mut HashSet<String>,
    logs: &mut Logs,
) {
    for (path, why) in found.skipped {
        logs.troubles.push(trouble(&path.to_string_lossy(), Outcome::Skipped, why));
    }
    for mut source in found.sources {
        let named = match pattern.read(&source.name).and_then(usable) {
            Ok(Some(named)) => named,
            Ok(None) => continue,
            Err(why) => {
                logs.troubles.push(trouble(&source.name, Outcome::Skipped, why));
                continue;
            }
        };
        let Some(why) = wanted(&named, window) else { continue };
        if seen.insert(source.name.clone()) {
            source.cluster = named.cluster.or_else(|| configured.cluster.clone());
            source.envelope.clone_from(&configured.envelope);
            logs.listed.push(Listed { source, why });
        }
    }
}

/// The name, if the cluster in it can be one.
fn usable(named: Option<Named>) -> Result<Option<Named>, String> {
    if let Some(cluster) = named.as_ref().and_then(|named| named.cluster.as_ref()) {
        check_cluster(cluster).map_err(|why| format!("the cluster {cluster:?} in its path cannot be one: {why}"))?;
    }
    Ok(named)
}

/// Why a log of that name is read; none if it is not.
fn wanted(named: &Named, window: &Window) -> Option<String> {
    let Some((since, until)) = named.span else { return Some("its path names no date".to_owned()) };
    let is_inside = since < window.until && window.since.is_none_or(|first| until > first);
    let date = day_of(since).map(|date| date.to_string()).unwrap_or_default();
    is_inside.then(|| format!("its path names {date}"))
}

fn trouble(source: &str, outcome: Outcome, why: String) -> Account {
    Account { source: source.to_owned(), outcome, notes: vec![why], ..Account::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DAY;

    fn listed(root: &std::path::Path, path: &str, window: &Window) -> (Vec<(String, Option<String>)>, Logs) {
        let path = format!("{}/{path}", root.display());
        let logs = find(&[LogSource { path, cluster: None, envelope: None }], window, &Stores::default()).unwrap();
        let name = |source: &Source| source.name.replace(&format!("{}/", root.display()), "");
        (logs.listed.iter().map(|one| (name(&one.source), one.source.cluster.clone())).collect(), logs)
    }

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        root
    }

    /// The second and the third of January 1970.
    fn two_days() -> Window {
        Window { since: Some(DAY), until: 3 * DAY, why: String::new() }
    }

    #[test]
    fn the_window_picks_dates_and_the_path_names_clusters() {
        let root = folder(&[
            "prod/a-1970-01-01.log",
            "prod/a-1970-01-02.log",
            "test/a-1970-01-03.log.gz",
            "test/a-1970-01-04.log",
            "test/b.log",
        ]);
        let (found, logs) = listed(root.path(), "{cluster}/a-{date}.log*", &two_days());
        let expected = [("prod/a-1970-01-02.log", "prod"), ("test/a-1970-01-03.log.gz", "test")];
        assert_eq!(found, expected.map(|(name, cluster)| (name.to_owned(), Some(cluster.to_owned()))));
        assert!(logs.troubles.is_empty() && logs.empty.is_empty());
        let all = Window { since: None, ..two_days() };
        assert_eq!(listed(root.path(), "{cluster}/a-{date}.log*", &all).0.len(), 3);
    }

    #[test]
    fn a_folder_of_a_date_gives_all_that_lies_in_it() {
        let root = folder(&["1970-01-02/x/1.log", "1970-01-02/2.log", "1970-01-09/3.log"]);
        let names: Vec<_> = listed(root.path(), "{date}/", &two_days()).0.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["1970-01-02/2.log", "1970-01-02/x/1.log"]);
    }

    #[test]
    fn what_is_not_there_is_told_and_no_error() {
        let root = folder(&["a.log"]);
        for path in ["{date}.log", "b.log", "*.gz"] {
            let (found, logs) = listed(root.path(), path, &two_days());
            assert!(found.is_empty() && logs.troubles.is_empty(), "{path}: {logs:?}");
            assert_eq!(logs.empty, [format!("{}/{path}", root.path().display())]);
        }
    }

    #[test]
    fn a_name_that_says_nonsense_is_passed_over_with_a_word() {
        let root = folder(&["ok-1970-01-02.log", "UP-1970-01-02.log"]);
        let (found, logs) = listed(root.path(), "{cluster}-{date}.log", &two_days());
        assert_eq!(found.len(), 1);
        assert!(logs.troubles[0].notes[0].contains("\"UP\""), "{logs:?}");
        assert_eq!(logs.troubles[0].outcome, Outcome::Skipped);
    }

    #[test]
    fn a_source_that_cannot_be_looked_at_leaves_the_others_alone() {
        let root = folder(&["a.log"]);
        let at = |path: String| LogSource { path, cluster: Some("prod".to_owned()), envelope: None };
        let good = format!("{}/a.log", root.path().display());
        let logs = find(&[at(format!("{good}/below")), at(good)], &two_days(), &Stores::default()).unwrap();
        assert_eq!(logs.listed.len(), 1);
        assert_eq!(logs.troubles[0].outcome, Outcome::Refused);
    }

    #[test]
    fn a_source_may_name_its_envelope_and_it_must_be_one() {
        let root = folder(&["a.log"]);
        let path = format!("{}/a.log", root.path().display());
        let at = |envelope: &str| LogSource { path: path.clone(), cluster: None, envelope: Some(envelope.to_owned()) };
        let found = |envelope: &str| find(&[at(envelope)], &two_days(), &Stores::default());
        assert_eq!(found("gke").unwrap().listed[0].source.envelope.as_deref(), Some("gke"));
        assert!(found("gek").unwrap_err().to_string().starts_with("source 1: envelope: unknown envelope"));
    }

    #[test]
    fn a_bucket_is_looked_through_date_by_date() {
        let stores = Stores::default();
        stores.bring("logs", std::sync::Arc::new(object_store::memory::InMemory::new()));
        for key in ["prod/1970/01/02/a.log", "prod/1970/01/03/b.log", "test/1970/01/04/c.log", "prod/1970-01-03.log"] {
            stores.location(&format!("memory://logs/{key}")).unwrap().put(key.to_owned()).unwrap();
        }
        let at = |path: &str| LogSource { path: format!("memory://logs/{path}"), cluster: None, envelope: None };
        let names = |path: &str| {
            let logs = find(&[at(path)], &two_days(), &stores).unwrap();
            assert!(logs.troubles.is_empty(), "{logs:?}");
            let names = logs.listed.iter().map(|one| one.source.name.replace("memory://logs/", ""));
            (names.collect::<Vec<_>>(), logs.empty.len())
        };
        let both = vec!["prod/1970/01/02/a.log".to_owned(), "prod/1970/01/03/b.log".to_owned()];
        assert_eq!(names("{cluster}/{year}/{month}/{day}/"), (both.clone(), 0));
        assert_eq!(names("prod/{year}/{month}/{day}"), (both, 0));
        assert_eq!(names("prod/{date}.log"), (vec!["prod/1970-01-03.log".to_owned()], 0));
        assert_eq!(names("none/{date}.log"), (Vec::new(), 1));
        assert_eq!(names("none/"), (Vec::new(), 1));
    }
}
