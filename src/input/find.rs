//! From what a user names (files, folders, globs, URLs, `-`) to the list of sources to read.
//!
//! Only regular files are ever opened: a FIFO would block, a device never ends. What is left out is listed with the
//! reason, since a log that is silently skipped is a night that nobody looked at.

mod remote;

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, FileType, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use glob::MatchOptions;
use walkdir::{DirEntry, WalkDir};

use super::archive::{self, Member};
use crate::error::{Error, Result};
use crate::limits;
use crate::store::{self, Entry, Location, Stores};

/// What `kubesift generate` writes beside its logs.
const LABELS: &[u8] = b"labels.jsonl";
/// How the wild cards of a glob match: as in a shell, `*` finds no hidden files.
const GLOB: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// One log to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, or its URL without what is secret in it, for people and for the lake; lossy where it is not UTF-8;
    /// `-` for stdin; `archive.tar!/audit.log` for the member of an archive.
    pub name: String,
    /// Where its bytes are.
    pub place: Place,
    /// Size in bytes when it was found, still compressed; 0 for stdin.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970; 0 where unknown. For a member it is that of the archive, since a
    /// member may change and keep its own.
    pub modified_ns: i64,
    /// Whether the user named it, rather than a folder or an archive that holds it.
    pub named: bool,
    /// The cluster that it is of, where that is told apart from its content.
    pub cluster: Option<String>,
    /// The name of what its events are wrapped in, where that is not to be told by content.
    pub envelope: Option<String>,
}

impl Source {
    /// Sources with the same number lie in one packed archive, and are best read one after the other.
    #[must_use]
    pub fn stream(&self) -> Option<usize> {
        match &self.place {
            Place::Member(member) => member.stream(),
            _ => None,
        }
    }
}

/// Where the bytes of a source are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A regular file.
    File(PathBuf),
    /// An object of a store, or a file of a web server.
    Object {
        /// The bucket, or any place in it.
        bucket: Location,
        /// The object as it was found.
        entry: Entry,
    },
    /// The standard input, which can be read once.
    Stdin,
    /// A file within an archive.
    Member(Arc<Member>),
    /// Nowhere, for this reason: what is lost of a damaged archive.
    Unreadable(Arc<str>),
}

/// What the named patterns lead to.
#[derive(Debug, Default)]
pub struct Found {
    /// The sources, in the order of the patterns and by name within a folder or glob.
    pub sources: Vec<Source>,
    /// What was left out, and why.
    pub skipped: Vec<(PathBuf, String)>,
    /// How often each reason was given in the folder or archive that is looked at.
    reasons: Reasons,
}

/// Counts by the reason for which files are left out.
pub(super) type Reasons = BTreeMap<String, usize>;

impl Found {
    /// Lists what is left out, or counts it where a folder or archive holds many of the kind.
    pub(super) fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        let reason = reason.into();
        let count = self.reasons.entry(reason.clone()).or_default();
        *count += 1;
        if *count <= limits::SKIPPED_LISTED_MAX {
            self.skipped.push((path.to_path_buf(), reason));
        }
    }

    /// Begins to count anew; gives the counts so far.
    pub(super) fn begin_folder(&mut self) -> Reasons {
        std::mem::take(&mut self.reasons)
    }

    /// Says what was only counted below `folder`, and goes on with the counts of `outer`.
    pub(super) fn end_folder(&mut self, folder: &Path, outer: Reasons) {
        for (reason, count) in std::mem::replace(&mut self.reasons, outer) {
            if let Some(more) = count.checked_sub(limits::SKIPPED_LISTED_MAX).filter(|more| *more > 0) {
                self.skipped.push((folder.to_path_buf(), format!("{more} more files in it: {reason}")));
            }
        }
    }
}

/// Finds the sources behind `patterns`.
///
/// A pattern is a file, a folder (all regular files below it but `labels.jsonl`, those that are hidden or begin with `_`, and no
/// links), a glob (where no file has that very name), a URL of the same on an object store, or `-` for stdin. A file that
/// is named twice is found once. An archive, told by its content, gives its members, of which those are left out that
/// are in a folder; of objects, only those that are called archives are looked into. Members, and files of a folder,
/// that are plainly no logs are skipped. A path that does not exist is a usage error, and so is finding nothing at all.
pub fn find(patterns: &[PathBuf], stores: &Stores) -> Result<Found> {
    let found = search(patterns, stores)?;
    if found.sources.is_empty() {
        return Err(nothing(patterns, &found.skipped));
    }
    Ok(found)
}

/// As [`find`], but finding nothing is no error; a path without wild cards that does not exist still is.
pub fn search(patterns: &[PathBuf], stores: &Stores) -> Result<Found> {
    let mut finder = Finder { stores, found: Found::default(), seen: HashSet::new() };
    for pattern in patterns {
        finder.pattern(pattern)?;
    }
    Ok(finder.found)
}

fn nothing(patterns: &[PathBuf], skipped: &[(PathBuf, String)]) -> Error {
    let named: Vec<_> = patterns.iter().map(|pattern| store::shown(&pattern.to_string_lossy())).collect();
    let named = named.join(" ");
    match skipped.first() {
        Some((path, reason)) => Error::usage(format!("no input matched {named} ({}: {reason})", path.display())),
        None => Error::usage(format!("no input matched {named}")),
    }
}

struct Finder<'a> {
    stores: &'a Stores,
    found: Found,
    seen: HashSet<PathBuf>,
}

impl Finder<'_> {
    fn pattern(&mut self, pattern: &Path) -> Result<()> {
        if pattern == Path::new("-") {
            if self.seen.insert(pattern.to_path_buf()) {
                let (name, place) = ("-".into(), Place::Stdin);
                self.found.sources.push(Source {
                    name,
                    place,
                    bytes: 0,
                    modified_ns: 0,
                    named: true,
                    cluster: None,
                    envelope: None,
                });
            }
            return Ok(());
        }
        if let Some(url) = pattern.to_str().filter(|text| store::is_url(text)) {
            return self.url(url);
        }
        match fs::symlink_metadata(pattern) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.glob(pattern),
            Err(error) => {
                self.skip(pattern, error.to_string());
                Ok(())
            }
            Ok(_) => {
                self.named(pattern);
                Ok(())
            }
        }
    }

    fn glob(&mut self, pattern: &Path) -> Result<()> {
        let Some(text) = pattern.to_str().filter(|text| text.contains(['*', '?', '['])) else {
            return Err(Error::usage(format!("{}: no such file or folder", pattern.display())));
        };
        let matches = glob::glob_with(text, GLOB).map_err(|error| Error::usage(format!("{text}: {error}")))?;
        let mut any = false;
        for path in matches {
            any = true;
            match path {
                Ok(path) => self.named(&path),
                Err(error) => self.skip(error.path(), error.error().to_string()),
            }
        }
        if !any {
            self.skip(pattern, "no file matches");
        }
        Ok(())
    }

    /// Takes a path that the user means: links are followed.
    fn named(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(metadata) => self.file(path, &metadata, true),
            Err(error) if error.kind() == ErrorKind::NotFound => self.skip(path, "a link to a file that is not there"),
            Err(error) => self.skip(path, error.to_string()),
        }
    }

    fn folder(&mut self, folder: &Path) {
        let outer = self.found.begin_folder();
        let wanted = |entry: &DirEntry| entry.depth() == 0 || !is_ours_or_hidden(entry.file_name().as_encoded_bytes());
        for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(wanted) {
            match entry.and_then(|entry| Ok((entry.metadata()?, entry))) {
                Ok((metadata, _)) if metadata.is_dir() => {}
                // the root itself, where the user named a link to a folder
                Ok((_, entry)) if entry.depth() == 0 => {}
                Ok((metadata, entry)) => self.file(entry.path(), &metadata, false),
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_path_buf();
                    let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    self.skip(&path, reason);
                }
            }
        }
        self.found.end_folder(folder, outer);
    }

    fn file(&mut self, path: &Path, metadata: &Metadata, named: bool) {
        if !metadata.is_file() {
            self.skip(path, irregular(metadata.file_type()));
            return;
        }
        match fs::canonicalize(path) {
            Ok(canonical) => {
                if self.seen.insert(canonical) {
                    let source = Source {
                        name: path.to_string_lossy().into_owned(),
                        place: Place::File(path.to_path_buf()),
                        bytes: metadata.len(),
                        modified_ns: modified_ns(metadata),
                        named,
                        cluster: None,
                        envelope: None,
                    };
                    archive::take(source, &mut self.found);
                }
            }
            Err(error) => self.skip(path, error.to_string()),
        }
    }

    fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.found.skipped.push((path.to_path_buf(), reason.into()));
    }
}

/// Hidden files are editors' and transfers' leftovers; `_` marks folders that belong to a table, not to its data.
pub(super) fn is_ours_or_hidden(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'.' | b'_')) && name != b"." && name != b".." || name == LABELS
}

fn irregular(kind: FileType) -> &'static str {
    if kind.is_symlink() {
        return "a link inside a folder is not followed; name it to read it";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a FIFO is not read; pipe it in and name it -";
        }
        if kind.is_socket() {
            return "a socket is not read";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device is not read";
        }
    }
    "not a regular file"
}

fn modified_ns(metadata: &Metadata) -> i64 {
    let Ok(modified) = metadata.modified() else { return 0 };
    match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the given files; those that end with `/` are folders.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            if file.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, r#"{"":0}"#).unwrap();
            }
        }
        root
    }

    /// What is found below `root` for patterns relative to it.
    fn found(root: &Path, patterns: &[&str]) -> Result<Found> {
        find(&patterns.iter().map(|pattern| root.join(pattern)).collect::<Vec<_>>(), &Stores::default())
    }

    fn names(root: &Path, found: &Found) -> Vec<String> {
        let prefix = format!("{}/", root.display());
        found.sources.iter().map(|source| source.name.replace(&prefix, "")).collect()
    }

    #[test]
    fn a_folder_gives_its_files_by_name_without_hidden_ones() {
        let root = folder(&["b/2.log", "b/1.log", "a.log", ".hidden", "_tmp/x.log", "b/.git/x", "c/"]);
        let found = found(root.path(), &[""]).unwrap();
        assert_eq!(names(root.path(), &found), ["a.log", "b/1.log", "b/2.log"]);
        assert!(found.skipped.is_empty());
        assert_eq!(found.sources[0].bytes, 6);
        assert!(found.sources[0].modified_ns > 0);
    }

    #[test]
    fn a_named_folder_may_itself_be_hidden() {
        let root = folder(&[".logs/a.log"]);
        assert_eq!(names(root.path(), &found(root.path(), &[".logs"]).unwrap()), [".logs/a.log"]);
    }

    #[test]
    fn patterns_keep_their_order_and_a_file_named_twice_is_taken_once() {
        let root = folder(&["b.log", "a.log", "sub/c.log"]);
        let found = found(root.path(), &["sub/../b.log", "*.log", "b.log", "", "."]).unwrap();
        assert_eq!(names(root.path(), &found), ["sub/../b.log", "a.log", "sub/c.log"]);
    }

    #[test]
    fn a_name_with_wild_cards_that_exists_is_taken_literally() {
        let root = folder(&["a[1].log", "a1.log"]);
        assert_eq!(names(root.path(), &found(root.path(), &["a[1].log"]).unwrap()), ["a[1].log"]);
    }

    #[test]
    fn a_missing_path_is_a_usage_error_that_names_it() {
        let root = folder(&["a.log"]);
        let error = found(root.path(), &["a.log", "nope.log"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("nope.log"));
    }

    #[test]
    fn nothing_at_all_is_a_usage_error() {
        let root = folder(&["empty/"]);
        for pattern in ["empty", "*.log"] {
            let error = found(root.path(), &[pattern]).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().starts_with("no input matched "), "{error}");
        }
    }

    #[test]
    fn a_glob_without_matches_beside_one_with_matches_is_reported() {
        let root = folder(&["a.log"]);
        let found = found(root.path(), &["*.log", "*.gz"]).unwrap();
        assert_eq!(names(root.path(), &found), ["a.log"]);
        assert_eq!(found.skipped, [(root.path().join("*.gz"), "no file matches".to_owned())]);
    }

    #[test]
    fn stdin_is_taken_once() {
        let found = find(&["-".into(), "-".into()], &Stores::default()).unwrap();
        assert_eq!(found.sources.len(), 1);
        assert_eq!(found.sources[0].place, Place::Stdin);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_folder_are_reported_and_named_links_followed() {
        use std::os::unix::fs::symlink;
        let root = folder(&["in/a.log", "out/b.log"]);
        symlink(root.path().join("out/b.log"), root.path().join("in/link.log")).unwrap();
        symlink("nowhere", root.path().join("in/dangling.log")).unwrap();
        symlink("in", root.path().join("in/loop")).unwrap();

        let walked = found(root.path(), &["in"]).unwrap();
        assert_eq!(names(root.path(), &walked), ["in/a.log"]);
        assert_eq!(walked.skipped.len(), 3);

        let named = found(root.path(), &["in/link.log", "in/dangling.log", "out"]).unwrap();
        assert_eq!(names(root.path(), &named), ["in/link.log"]);
        assert!(named.skipped[0].1.contains("not there"));
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_sockets_are_never_sources() {
        let root = folder(&["a.log"]);
        let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
        let found = find(&["/dev/zero".into(), root.path().to_path_buf()], &Stores::default()).unwrap();
        assert_eq!(names(root.path(), &found), ["a.log"]);
        let reasons: Vec<_> = found.skipped.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(reasons, ["a device is not read", "a socket is not read"]);
        assert!(find(&["/dev/zero".into()], &Stores::default()).unwrap_err().to_string().contains("device"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_not_utf8_is_kept_exactly() {
        use std::os::unix::ffi::OsStrExt;
        let root = folder(&[]);
        let path = root.path().join(std::ffi::OsStr::from_bytes(b"a\xff\n.log"));
        fs::write(&path, "").unwrap();
        let found = find(&[root.path().to_path_buf()], &Stores::default()).unwrap();
        assert_eq!(found.sources[0].place, Place::File(path));
        assert!(found.sources[0].name.ends_with("a\u{fffd}\n.log"));
    }
}
