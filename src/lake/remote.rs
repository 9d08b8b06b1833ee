//! A lake on an object store: its files are objects, which are there whole or not at all and durable once they are.
//!
//! There are no folders and no lock. A run says by an object of its own that it has not ended; one that stays so for
//! [`limits::REMOTE_RUN_HOURS_MAX`] is taken for dead. What a run writes waits in a private folder of this machine
//! until it is complete; its rows are redacted already.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::limits;
use crate::store::{Entry, Location};

/// The object of a run that has not ended, in the folder of the run.
const OPEN: &str = "open";

/// A folder of an object store, and what stands for it on this machine.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    home: Location,
    /// Its URL, which the paths of the lake begin with.
    root: PathBuf,
    /// For what is being written, and for what queries spill.
    temp: Arc<TempDir>,
    dead_after: TimeDelta,
}

impl Remote {
    pub(super) fn new(home: Location) -> Result<Self> {
        let private = std::fs::Permissions::from_mode(0o700);
        let temp = tempfile::Builder::new().prefix("kubesift-").permissions(private).tempdir();
        let temp = temp.map_err(|error| Error::storage("the folder for temporary files", error))?;
        let root = home.url().into();
        let dead_after = TimeDelta::hours(limits::REMOTE_RUN_HOURS_MAX);
        Ok(Self { home, root, temp: Arc::new(temp), dead_after })
    }

    /// The same, with little patience for runs that do not end.
    #[cfg(test)]
    pub(super) fn impatient(self) -> Self {
        Self { dead_after: TimeDelta::zero(), ..self }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where on this machine stands what is not yet there.
    pub(super) fn temp(&self) -> &Path {
        self.temp.path()
    }

    /// The place that a path of the lake means; None for a path of this machine.
    pub(super) fn place(&self, path: &Path) -> Option<Location> {
        let inside = path.strip_prefix(&self.root).ok()?.to_str()?;
        Some(self.home.join(inside))
    }

    /// What a folder lies in as a store, and how its keys begin.
    pub(super) fn store(folder: &Location) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(folder.store(), folder.path().clone()))
    }

    /// All objects below a folder, each by its path in it.
    pub(super) fn list(folder: &Location) -> Result<BTreeMap<String, Entry>> {
        let depth = folder.path().parts().count();
        let inside = |entry: &Entry| {
            let parts: Vec<_> = entry.path.parts().skip(depth).map(|part| part.as_ref().to_owned()).collect();
            parts.join("/")
        };
        Ok(folder.list()?.into_iter().map(|entry| (inside(&entry), entry)).collect())
    }

    /// The names in a folder.
    pub(super) fn names(folder: &Location) -> Result<Vec<String>> {
        let paths = Self::list(folder)?.into_keys();
        let names: BTreeSet<_> = paths.map(|path| path.split('/').next().unwrap_or_default().to_owned()).collect();
        Ok(names.into_iter().collect())
    }

    /// Puts a file of this machine into its place.
    pub(super) fn upload(from: &Path, to: &Location) -> Result<()> {
        let mut file = File::open(from).map_err(|error| Error::storage(from, error))?;
        let mut writer = to.writer()?;
        std::io::copy(&mut file, &mut writer).map_err(|error| Error::storage(to.url(), error))?;
        writer.finish()
    }

    /// Removes all objects below a folder.
    pub(super) fn remove_all(folder: &Location) -> Result<()> {
        Self::list(folder)?.into_values().try_for_each(|entry| folder.at(entry.path).delete())
    }

    /// Says that a run has not ended.
    pub(super) fn say_open(run: &Location) -> Result<()> {
        run.join(OPEN).put(Bytes::from(Utc::now().to_rfc3339()))
    }

    /// Whether a run said long ago for the last time that it has not ended.
    pub(super) fn is_dead(&self, run: &Location) -> Result<bool> {
        let Some(entry) = run.join(OPEN).head()? else { return Ok(true) };
        let now = Utc::now().timestamp_nanos_opt().unwrap_or_default();
        Ok(TimeDelta::nanoseconds(now.saturating_sub(entry.modified_ns)) >= self.dead_after)
    }
}
