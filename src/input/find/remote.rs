//! Sources on object stores: an object, a folder of them, or a glob over keys, by the rules that files have.

use std::path::PathBuf;

use super::{Finder, GLOB, Place, Source, is_ours_or_hidden};
use crate::error::{Error, Result};
use crate::input::archive;
use crate::store::{self, Entry, Location};
use glob::Pattern;

impl Finder<'_> {
    /// Takes what a URL names. That a store cannot be asked ends the run: nobody knows what it holds.
    pub(super) fn url(&mut self, url: &str) -> Result<()> {
        let (bucket, key) = self.stores.bucket(url)?;
        if let Some((place, entry)) = self.named_object(&bucket, url, &key)? {
            self.object(&place, entry, true);
            return Ok(());
        }
        let shown = store::shown(url);
        let is_glob = key.contains(['*', '?', '[']);
        if bucket.is_web() {
            return Err(Error::usage(format!("{shown}: no such file, and folders and globs are for buckets")));
        }
        let entries = if is_glob { globbed(&bucket, &key, &shown)? } else { below(&bucket, &key)? };
        if entries.is_empty() && !is_glob {
            return Err(Error::usage(format!("{shown}: no such object, and none in a folder of that name")));
        }
        if entries.is_empty() {
            self.skip(shown.as_ref(), "no object matches");
        }
        entries.into_iter().for_each(|entry| self.object(&bucket, entry, false));
        Ok(())
    }

    /// The object of that very key, unless it is the marker of a folder.
    fn named_object(&self, bucket: &Location, url: &str, key: &str) -> Result<Option<(Location, Entry)>> {
        if key.is_empty() || key.ends_with('/') {
            return Ok(None);
        }
        let place = self.stores.location(url)?;
        let Some(entry) = place.head()? else { return Ok(None) };
        let is_marker = entry.bytes == 0 && !bucket.is_web() && !below(bucket, key)?.is_empty();
        Ok(Some((place, entry)).filter(|_| !is_marker))
    }

    fn object(&mut self, bucket: &Location, entry: Entry, named: bool) {
        let name = bucket.url_of(&entry.path);
        if self.seen.insert(PathBuf::from(&name)) {
            let (bytes, modified_ns) = (entry.bytes, entry.modified_ns);
            let place = Place::Object { bucket: bucket.clone(), entry };
            archive::take(
                Source { name, place, bytes, modified_ns, named, cluster: None, envelope: None },
                &mut self.found,
            );
        }
    }
}

/// The objects below a folder that no part of their names hides.
fn below(bucket: &Location, folder: &str) -> Result<Vec<Entry>> {
    let folder = folder.trim_end_matches('/');
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let length = prefix.len();
    bucket.list_where(&prefix, move |key| key.get(length..).is_some_and(is_open))
}

/// The objects that a pattern matches, and those below the folders that it matches.
fn globbed(bucket: &Location, key: &str, shown: &str) -> Result<Vec<Entry>> {
    let pattern = Pattern::new(key.trim_end_matches('/')).map_err(|error| Error::usage(format!("{shown}: {error}")))?;
    let only_folders = key.ends_with('/');
    let literal = key.find(['*', '?', '[']).map_or(key, |end| &key[..end]).to_owned();
    bucket.list_where(&literal, move |key| {
        let is_match = |name: &str| pattern.matches_with(name, GLOB);
        let mut folders = key.match_indices('/').map(|(at, _)| key.split_at(at));
        !only_folders && is_match(key) || folders.any(|(folder, rest)| is_match(folder) && is_open(&rest[1..]))
    })
}

/// Whether no part of a name below a folder is hidden.
fn is_open(name: &str) -> bool {
    !name.split('/').any(|part| is_ours_or_hidden(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::super::{Found, find};
    use super::*;
    use crate::store::Stores;

    /// A bucket with the given keys, each with its own name as content, or nothing where it ends with `!`.
    fn bucket(keys: &[&str]) -> Stores {
        let stores = Stores::default();
        stores.bring("logs", Arc::new(InMemory::new()));
        for key in keys {
            let (name, text) = key.strip_suffix('!').map_or((*key, *key), |name| (name, ""));
            stores.location(&format!("memory://logs/{name}")).unwrap().put(text.to_owned()).unwrap();
        }
        stores
    }

    fn found(stores: &Stores, patterns: &[&str]) -> Result<Found> {
        find(&patterns.iter().map(|pattern| format!("memory://logs/{pattern}").into()).collect::<Vec<_>>(), stores)
    }

    fn names(found: &Found) -> Vec<&str> {
        found.sources.iter().map(|source| source.name.trim_start_matches("memory://logs/")).collect()
    }

    #[test]
    fn a_folder_gives_its_objects_without_hidden_ones() {
        let stores = bucket(&["a/2.log", "a/1.log", "a/b/3.log", "a/_tmp/x", "a/.git/x", "a/labels.jsonl", "ab.log"]);
        for folder in ["a", "a/"] {
            assert_eq!(names(&found(&stores, &[folder]).unwrap()), ["a/1.log", "a/2.log", "a/b/3.log"], "{folder}");
        }
        let all = found(&stores, &[""]).unwrap();
        assert_eq!(names(&all), ["a/1.log", "a/2.log", "a/b/3.log", "ab.log"]);
        assert_eq!(all.sources[0].bytes, 7);
        assert!(all.sources[0].modified_ns > 0);
        assert_eq!(names(&found(&stores, &["a/_tmp"]).unwrap()), ["a/_tmp/x"]);
    }

    #[test]
    fn an_object_is_taken_by_its_very_name_and_once() {
        let stores = bucket(&["a[1].log", "a1.log", "_x"]);
        assert_eq!(names(&found(&stores, &["a[1].log", "a[1].log", "_x"]).unwrap()), ["a[1].log", "_x"]);
    }

    #[test]
    fn a_glob_matches_keys_and_folders_as_it_does_on_a_disk() {
        let keys = [
            "prod/2026-11-20/a.gz",
            "prod/2026-11-21/a.gz",
            "prod/2026-11-21/x/b.gz",
            "test/2026-11-21/a.log",
            "prod/.x/2026-11-21/a.gz",
            "prod/2026-11-21/_tmp/a.gz",
        ];
        let stores = bucket(&keys);
        for (pattern, expected) in [
            ("*/2026-11-21/*.gz", &[keys[2 - 1]][..]),
            ("*/2026-11-2?/**/*.gz", &[keys[0], keys[5], keys[1], keys[2]]),
            ("*/2026-11-21", &[keys[1], keys[2], keys[3]]),
            ("*/2026-11-21/", &[keys[1], keys[2], keys[3]]),
            ("prod/2026-11-2[0]/*", &[keys[0]]),
            ("**/b.gz", &[keys[2]]),
            ("*.gz", &[]),
        ] {
            let taken = found(&stores, &[pattern, "test/2026-11-21/a.log"]).unwrap();
            let mut expected = expected.to_vec();
            if !expected.contains(&keys[3]) {
                expected.push(keys[3]);
            }
            assert_eq!(names(&taken), expected, "{pattern}");
            assert_eq!(taken.skipped.len(), usize::from(pattern == "*.gz"));
        }
    }

    #[test]
    fn objects_that_are_called_archives_give_their_members() {
        let stores = bucket(&["a/1.log", "a/b.tar"]);
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(8);
        archive.append_data(&mut header, "audit.log", &b"{\"a\":1}\n"[..]).unwrap();
        let archive = archive.into_inner().unwrap();
        stores.location("memory://logs/a/2.tgz").unwrap().put(crate::input::tests::pack::gz(&archive)).unwrap();
        stores.location("memory://logs/a/3.tar").unwrap().put(archive).unwrap();
        let found = found(&stores, &["a"]).unwrap();
        assert_eq!(names(&found), ["a/1.log", "a/2.tgz!/audit.log", "a/3.tar!/audit.log"]);
        assert_eq!(found.skipped.len(), 1, "a file that is called an archive and is plain text");
        for source in &found.sources[1..] {
            assert_eq!(crate::input::head(source, 100).unwrap(), b"{\"a\":1}\n");
            assert_eq!(crate::input::prefix_hashes(source, &[]).unwrap(), [(8, blake3::hash(b"{\"a\":1}\n"))]);
        }
    }

    #[test]
    fn a_marker_of_a_folder_is_not_taken_for_an_empty_log() {
        let stores = bucket(&["a!", "a/1.log", "empty!"]);
        assert_eq!(names(&found(&stores, &["a", "empty"]).unwrap()), ["a/1.log", "empty"]);
    }

    #[test]
    fn what_is_not_there_is_a_usage_error_that_names_it() {
        let stores = bucket(&["a/1.log"]);
        for pattern in ["b", "a/", "a/2.log", "a/*.gz", "[", "a//1.log"] {
            let Err(error) = found(&stores, &[pattern]) else {
                assert_eq!(pattern, "a/");
                continue;
            };
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(&format!("memory://logs/{pattern}")), "{error}");
        }
    }
}
