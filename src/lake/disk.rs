//! The file operations that the lake's promises rest on: private from the moment of creation, and durable when they
//! say so. The paths of a lake on an object store begin with its URL; they mean objects, and what is done to a folder
//! there is done to nothing.
//!
//! They pass through one place so that tests can fail or stop the program at each of them, and can take away what was
//! never synced, as a loss of power does.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use uuid::Uuid;

use super::chunks::Chunks;
use super::remote::Remote;
use super::store::FolderStore;
use crate::error::{Error, Result};
use crate::limits::REMOTE_READS_AT_ONCE;
use crate::store::Location;

/// How the names of half-written files begin; nothing but a rename or link to another name makes them count.
pub(super) const STAGED: &str = "put-";

/// What link(2) answers on file systems without hard links, among others.
const EPERM: i32 = 1;

/// One operation, as a [`Watch`] sees it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "read by the tests' Watch"))]
pub(super) enum Step<'a> {
    /// Create a folder.
    Folder(&'a Path),
    /// Create a file.
    Create(&'a Path),
    /// Write to a file.
    Write(&'a Path),
    /// Sync a file.
    Sync(&'a Path),
    /// Sync the names in a folder.
    SyncFolder(&'a Path),
    /// Move a file.
    Rename(&'a Path, &'a Path),
    /// Give a file a second name, this one.
    Link(&'a Path),
    /// Remove a file or folder.
    Remove,
    /// Put an object into its place, which makes it durable.
    Put,
}

/// Sees every operation before and after; an error before it is the operation's error.
pub(super) trait Watch: Debug + Send + Sync {
    /// Called before the operation.
    fn before(&self, step: Step<'_>) -> io::Result<()>;
    /// Called after it, if it did not fail.
    fn after(&self, step: Step<'_>);
}

/// The lake's hand on the disk, or on the object store that it lies in.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    remote: Option<Remote>,
    watch: Option<Arc<dyn Watch>>,
}

impl Disk {
    /// A disk whose every operation `watch` sees.
    #[cfg(test)]
    pub(super) fn watched(watch: Arc<dyn Watch>) -> Self {
        Self { remote: None, watch: Some(watch) }
    }

    /// As [`Self::watched`], of this lake.
    #[cfg(test)]
    pub(super) fn with_watch(&self, watch: Arc<dyn Watch>) -> Self {
        Self { remote: self.remote.clone(), watch: Some(watch) }
    }

    /// The hand on a lake in an object store.
    pub(super) fn remote(remote: Remote) -> Self {
        Self { remote: Some(remote), watch: None }
    }

    /// Whether the lake lies in an object store.
    pub(super) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// The object that a path means, or the folder of objects; None for a path of this machine.
    fn object(&self, path: &Path) -> Option<Location> {
        self.remote.as_ref()?.place(path)
    }

    /// The folder of this machine that stands for a folder of the lake while something is made in it.
    pub(super) fn local(&self, folder: PathBuf) -> PathBuf {
        match (&self.remote, folder.file_name()) {
            (Some(remote), Some(name)) => remote.temp().join(name),
            _ => folder,
        }
    }

    /// Says that a run has not ended, by its folder. It must outlive a loss of power that the run's parts outlive.
    pub(super) fn open_run(&self, folder: &Path) -> Result<()> {
        let local = self.local(folder.to_owned());
        self.folder(&local)?;
        match self.object(folder) {
            Some(run) => self.put(folder, || Remote::say_open(&run)),
            None => self.sync_folder(folder_of(folder)),
        }
    }

    /// Says so again: what is done next is not done by a dead run.
    pub(super) fn touch_run(&self, folder: &Path) -> Result<()> {
        self.object(folder).map_or(Ok(()), |run| self.put(folder, || Remote::say_open(&run)))
    }

    /// Whether a run that has not ended never will. Where there is a lock, who holds it knows that.
    pub(super) fn is_dead(&self, folder: &Path) -> Result<bool> {
        match (&self.remote, self.object(folder)) {
            (Some(remote), Some(run)) => remote.is_dead(&run),
            _ => Ok(true),
        }
    }

    /// An operation on an object store.
    fn put<T>(&self, path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(watch) = &self.watch else { return work() };
        watch.before(Step::Put).map_err(|error| Error::storage(path, error))?;
        let done = work()?;
        watch.after(Step::Put);
        Ok(done)
    }

    /// Does `work` for each item, for several at a time where each waits for an answer over a network.
    pub(super) fn each<I: Sync, T: Send>(&self, items: &[I], work: impl Fn(&I) -> Result<T> + Sync) -> Result<Vec<T>> {
        if !self.is_remote() {
            return items.iter().map(work).collect();
        }
        let mut done = Vec::with_capacity(items.len());
        for some in items.chunks(REMOTE_READS_AT_ONCE) {
            let results: Vec<Result<T>> = std::thread::scope(|scope| {
                let threads: Vec<_> = some.iter().map(|item| scope.spawn(|| work(item))).collect();
                let lost = |_| Err(Error::Internal("a reader of the lake's objects died".to_owned()));
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(lost)).collect()
            });
            for result in results {
                done.push(result?);
            }
        }
        Ok(done)
    }

    fn run<T>(&self, step: Step<'_>, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(watch) = &self.watch else { return work() };
        watch.before(step)?;
        let done = work()?;
        watch.after(step);
        Ok(done)
    }

    /// Whether there is a file.
    pub(super) fn has(&self, path: &Path) -> Result<bool> {
        match self.object(path) {
            Some(object) => Ok(object.head()?.is_some()),
            None => path.try_exists().map_err(|error| Error::storage(path, error)),
        }
    }

    /// A whole file; None where there is none.
    pub(super) fn read(&self, path: &Path) -> Result<Option<Bytes>> {
        match self.object(path) {
            Some(object) => object.get(),
            None => Ok(there(path, std::fs::read(path))?.map(Bytes::from)),
        }
    }

    /// The first line of a file with its newline, which may be missing; None where there is no file.
    pub(super) fn first_line(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        if let Some(object) = self.object(path) {
            let bytes = object.get()?;
            return Ok(bytes.and_then(|bytes| bytes.split_inclusive(|byte| *byte == b'\n').next().map(<[u8]>::to_vec)));
        }
        let mut line = Vec::new();
        let read = File::open(path).and_then(|file| BufReader::new(file).read_until(b'\n', &mut line));
        Ok(there(path, read)?.map(|_| line))
    }

    /// A file's size in bytes; None where there is none.
    pub(super) fn size(&self, path: &Path) -> Result<Option<u64>> {
        match self.object(path) {
            Some(object) => Ok(object.head()?.map(|entry| entry.bytes)),
            None => Ok(there(path, std::fs::metadata(path))?.map(|metadata| metadata.len())),
        }
    }

    /// The sizes of all files below a folder, where one question tells them; None where each is asked for by
    /// [`Self::size`].
    pub(super) fn sizes_below(&self, folder: &Path) -> Result<Option<BTreeMap<String, u64>>> {
        let Some(folder) = self.object(folder) else { return Ok(None) };
        let entries = Remote::list(&folder)?;
        Ok(Some(entries.into_iter().map(|(path, entry)| (path, entry.bytes)).collect()))
    }

    /// A file for a reader of Parquet; None where there is none.
    pub(super) fn chunks(&self, path: &Path) -> Result<Option<Chunks>> {
        match self.object(path) {
            Some(object) => Ok(object.head()?.map(|entry| Chunks::of_object(&object, &entry))),
            None => Ok(there(path, File::open(path))?.map(Chunks::of_file)),
        }
    }

    /// The names in a folder, in order, so that the same operations come in the same order every time. None of ours is
    /// other than UTF-8; a folder that is not there has none.
    pub(super) fn names(&self, folder: &Path) -> Result<Vec<String>> {
        if let Some(folder) = self.object(folder) {
            return Remote::names(&folder);
        }
        let Some(entries) = there(folder, std::fs::read_dir(folder))? else { return Ok(Vec::new()) };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
        let names = names.collect::<Result<Vec<_>, _>>().map_err(|error| Error::storage(folder, error))?;
        let mut names: Vec<_> = names.into_iter().flatten().collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The files in a folder, each with its size in bytes.
    pub(super) fn sizes(&self, folder: &Path) -> Result<BTreeMap<String, u64>> {
        if let Some(sizes) = self.sizes_below(folder)? {
            return Ok(sizes);
        }
        let mut sizes = BTreeMap::new();
        for name in self.names(folder)? {
            if let Some(bytes) = self.size(&folder.join(&name))? {
                sizes.insert(name, bytes);
            }
        }
        Ok(sizes)
    }

    /// The folders in a folder whose names begin with `prefix`, each with the names in it.
    pub(super) fn folders(&self, folder: &Path, prefix: &str) -> Result<BTreeMap<String, Vec<String>>> {
        if let Some(sizes) = self.sizes_below(folder)? {
            let mut folders = BTreeMap::<String, Vec<String>>::new();
            let paths = sizes.keys().filter(|path| path.starts_with(prefix)).filter_map(|path| path.split_once('/'));
            paths.for_each(|(name, inside)| folders.entry(name.to_owned()).or_default().push(inside.to_owned()));
            return Ok(folders);
        }
        let names = self.names(folder)?.into_iter().filter(|name| name.starts_with(prefix));
        names.map(|name| self.names(&folder.join(&name)).map(|inside| (name, inside))).collect()
    }

    /// What lies in a folder as a store, for those who read through one.
    pub(super) fn store(&self, folder: &Path) -> Result<Arc<dyn ObjectStore>> {
        if self.is_remote() {
            return FolderStore::new(self, folder).map(|store| Arc::new(store) as Arc<dyn ObjectStore>);
        }
        self.raw_store(folder)
    }

    /// As [`Self::store`], for [`FolderStore`] alone.
    pub(super) fn raw_store(&self, folder: &Path) -> Result<Arc<dyn ObjectStore>> {
        if let Some(folder) = self.object(folder) {
            return Ok(Remote::store(&folder));
        }
        let store = LocalFileSystem::new_with_prefix(folder);
        let store = store.map_err(|error| {
            let cause = os_error(&error).unwrap_or_else(|| io::Error::other(error.to_string()));
            Error::storage(folder, cause)
        })?;
        Ok(Arc::new(store))
    }

    /// Creates a folder that only its owner may enter, unless there is one. Its name is durable when the folder that
    /// holds it has been synced.
    pub(super) fn folder(&self, path: &Path) -> Result<()> {
        if self.object(path).is_some() {
            return Ok(());
        }
        match self.run(Step::Folder(path), || DirBuilder::new().mode(0o700).create(path)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other.map_err(|error| Error::storage(path, error)),
        }
    }

    /// Creates a file that only its owner may read; it must not be there yet.
    pub(super) fn create(&self, path: &Path) -> Result<DiskFile> {
        let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = self.run(Step::Create(path), create).map_err(|error| Error::storage(path, error))?;
        Ok(DiskFile { file, path: path.to_owned(), disk: self.clone() })
    }

    /// Makes the names in a folder durable.
    pub(super) fn sync_folder(&self, path: &Path) -> Result<()> {
        if self.object(path).is_some() {
            return Ok(());
        }
        self.run(Step::SyncFolder(path), || File::open(path)?.sync_all()).map_err(|error| Error::storage(path, error))
    }

    /// Moves a file, from this machine into a lake elsewhere too.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        if let Some(place) = self.object(to) {
            return self.put(to, || match self.object(from) {
                Some(object) => match object.get()? {
                    Some(bytes) => place.put(bytes).and_then(|()| object.delete()),
                    None => Err(Error::storage(from, ErrorKind::NotFound.into())),
                },
                None => Remote::upload(from, &place),
            });
        }
        self.run(Step::Rename(from, to), || std::fs::rename(from, to)).map_err(|error| Error::storage(to, error))
    }

    /// Gives a file a second name; false where that name is taken.
    fn link(&self, from: &Path, to: &Path) -> Result<bool> {
        match self.run(Step::Link(to), || std::fs::hard_link(from, to)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) if error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(EPERM) => {
                Err(Error::usage(format!(
                    "{}: the file system has no hard links ({error}), which commits need: put the lake on a local one",
                    to.display()
                )))
            }
            Err(error) => Err(Error::storage(to, error)),
        }
    }

    /// Removes a file; it may be gone already.
    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        if let Some(object) = self.object(path) {
            return self.put(path, || object.delete());
        }
        self.removed(path, self.run(Step::Remove, || std::fs::remove_file(path)))
    }

    /// Removes a folder and all that is in it; it may be gone already.
    pub(super) fn remove_folder(&self, path: &Path) -> Result<()> {
        if let Some(folder) = self.object(path) {
            self.put(path, || Remote::remove_all(&folder))?;
            return self.remove_folder(&self.local(path.to_owned()));
        }
        self.removed(path, self.run(Step::Remove, || std::fs::remove_dir_all(path)))
    }

    /// Removes a folder if nothing is in it.
    pub(super) fn remove_empty_folder(&self, path: &Path) -> Result<()> {
        if self.object(path).is_some() {
            return Ok(());
        }
        match self.run(Step::Remove, || std::fs::remove_dir(path)) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
            other => self.removed(path, other),
        }
    }

    #[expect(clippy::unused_self, reason = "the last step of the methods above")]
    fn removed(&self, path: &Path, outcome: io::Result<()>) -> Result<()> {
        match outcome {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::storage(path, error)),
            _ => Ok(()),
        }
    }

    /// Writes a whole file at `to`, durably and at once, unless there is one: then it answers false. The bytes are
    /// written in `staging` first, which is on the same file system.
    pub(super) fn publish(&self, staging: &Path, to: &Path, bytes: &[&[u8]]) -> Result<bool> {
        if let Some(object) = self.object(to) {
            return self.put(to, || object.put_new(bytes.concat()));
        }
        let staged = self.stage(staging, bytes)?;
        let linked = self.link(&staged, to);
        // one that stays is removed by the next run
        let _ = self.remove(&staged);
        let linked = linked?;
        if linked {
            self.sync_folder(folder_of(to))?;
        }
        Ok(linked)
    }

    /// As [`Self::publish`], but replaces what is there.
    pub(super) fn replace(&self, staging: &Path, to: &Path, bytes: &[&[u8]]) -> Result<()> {
        if let Some(object) = self.object(to) {
            return self.put(to, || object.put(bytes.concat()));
        }
        let staged = self.stage(staging, bytes)?;
        self.rename(&staged, to)?;
        self.sync_folder(folder_of(to))
    }

    fn stage(&self, staging: &Path, bytes: &[&[u8]]) -> Result<PathBuf> {
        let mut file = self.create_staged(staging)?;
        let path = file.path.clone();
        let written = bytes.iter().try_for_each(|piece| file.write_all(piece));
        let synced = written.map_err(|error| Error::storage(&path, error)).and_then(|()| file.sync());
        if let Err(error) = synced {
            // the first error is the one to tell
            let _ = self.remove(&path);
            return Err(error);
        }
        Ok(path)
    }

    /// Creates a file of a new name in `staging`, or in what stands for it on this machine.
    pub(super) fn create_staged(&self, staging: &Path) -> Result<DiskFile> {
        let staging = self.remote.as_ref().map_or(staging, Remote::temp);
        self.create(&staging.join(format!("{STAGED}{}", Uuid::now_v7())))
    }
}

/// What an operation on a file yielded; None where there is no file.
fn there<T>(path: &Path, outcome: io::Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::storage(path, error)),
    }
}

/// The folder that holds `path`.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// A new file.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: File,
    path: PathBuf,
    disk: Disk,
}

impl DiskFile {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes what was written durable. After an error nothing is known of the file: it must be removed, and syncing it
    /// again could lie.
    pub(super) fn sync(&self) -> Result<()> {
        let synced = self.disk.run(Step::Sync(&self.path), || self.file.sync_all());
        synced.map_err(|error| Error::storage(&self.path, error))
    }

    /// Its size in bytes.
    pub(super) fn bytes(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(|error| Error::storage(&self.path, error))?;
        Ok(metadata.len())
    }
}

impl Write for DiskFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let file = &mut self.file;
        self.disk.run(Step::Write(&self.path), || file.write(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The operating system's answer inside an error of a library, which decides the exit code.
pub(super) fn os_error(error: &(dyn StdError + 'static)) -> Option<io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let found = match error.downcast_ref::<Error>() {
            Some(Error::Storage { source, .. }) => Some(source),
            _ => error.downcast_ref::<io::Error>(),
        };
        if let Some(found) = found {
            return Some(match found.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(found.kind(), found.to_string()),
            });
        }
        cause = error.source();
    }
    None
}
