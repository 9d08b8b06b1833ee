//! The lake: append-only Delta tables of events and of findings in a folder, written durably and read by pinned version.
//!
//! # What it promises
//!
//! - A run that was acknowledged is there after a loss of power; one that was not is absent or complete.
//! - Readers pin a version: the same version gives the same answer, whatever is written meanwhile.
//! - What was ingested is remembered in the same commit as its rows ([`Ledger`]), what was examined in the same commit
//!   as what was found ([`Examination`]).
//! - Whatever the disk says otherwise than the log, a torn entry above all, is an error that names the file.
//! - Folders are 0700 and files 0600 from the moment of their creation.
//!
//! On an object store (`remote`) objects are durable once they are there, who may read them is the bucket's to say, and
//! there is no lock: of two runs that commit at once one wins, and the other finds its sources ingested
//! ([`Error::Busy`]) or commits on top.
//!
//! # Who does what
//!
//! Kubesift writes the Parquet parts ([`PartWriter`]) and decides the order of a commit (`draft`); the `deltalake`
//! crate replays the log, writes its entries (through `store`) and makes checkpoints. `deltalake` is named in `delta`
//! alone, and its asynchrony ends there. Where everything lies is told in `layout`.

mod chunks;
mod columns;
mod commit;
mod delta;
mod disk;
mod draft;
mod kept;
mod layout;
mod ledger;
mod lock;
mod log;
mod read;
mod remote;
mod store;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;

pub use self::commit::{Commit, Run};
pub use self::kept::{Examination, Kept};
pub use self::ledger::Ledger;
pub use self::log::Repair;
pub use self::read::{KeptStatus, Snapshot, Status};
pub use self::write::{FinishedPart, PartWriter};

use self::delta::Table;
use self::disk::{Disk, STAGED, folder_of};
use self::layout::{Layout, Marker, Which, check_schema_version};
use self::lock::Lock;
use self::log::Listing;
use self::remote::Remote;
use crate::error::{Error, Result};
use crate::schema::SCHEMA_VERSION;
use crate::store::Location;

/// Where a lake is.
#[derive(Debug, Clone)]
pub enum Root {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// On an object store.
    Store(Location),
}

impl From<PathBuf> for Root {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Root {
    fn from(folder: &P) -> Self {
        Self::Folder(folder.as_ref().to_owned())
    }
}

impl From<Location> for Root {
    fn from(home: Location) -> Self {
        Self::Store(home)
    }
}

fn no_lake(root: &Path) -> Error {
    let reason = "there is no lake: name another folder, or ingest something into it";
    Error::usage(format!("{}: {reason}", root.display()))
}

/// A lake in a folder, or on an object store.
#[derive(Debug, Clone)]
pub struct Lake {
    layout: Layout,
    disk: Disk,
}

impl Lake {
    /// Opens the lake at `root`, or makes one of a folder that is empty or not there yet. Other folders are refused.
    pub fn create_or_open(root: impl Into<Root>) -> Result<Self> {
        match root.into() {
            Root::Folder(root) => Self::create_with(&root, Disk::default()),
            Root::Store(home) => Self::on_store(home)?.completed(),
        }
    }

    /// Opens the lake at `root`.
    pub fn open(root: impl Into<Root>) -> Result<Self> {
        let lake = match root.into() {
            Root::Folder(root) => match std::fs::canonicalize(&root) {
                Ok(path) => Self { layout: Layout::new(path), disk: Disk::default() },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(no_lake(&root)),
                Err(error) => return Err(Error::storage(root, error)),
            },
            Root::Store(home) => Self::on_store(home)?,
        };
        if !lake.disk.has(&lake.layout.marker())? {
            return Err(no_lake(lake.root()));
        }
        lake.check_marker()?;
        if !lake.disk.has(&lake.layout.key())? && lake.listing()?.is_new() {
            let reason = "its creation was interrupted: ingest something into it to complete it";
            return Err(Error::usage(format!("{}: {reason}", lake.root().display())));
        }
        Ok(lake)
    }

    fn on_store(home: Location) -> Result<Self> {
        if home.is_web() {
            let reason = "a lake needs folders, which web servers do not have: use s3://, gs:// or az://";
            return Err(Error::usage(format!("{}: {reason}", home.url())));
        }
        let remote = Remote::new(home)?;
        Ok(Self { layout: Layout::new(remote.root().to_owned()), disk: Disk::remote(remote) })
    }

    fn create_with(root: &Path, disk: Disk) -> Result<Self> {
        let root = std::path::absolute(root).map_err(|error| Error::storage(root, error))?;
        let missing: Vec<_> = root.ancestors().take_while(|folder| !folder.exists()).collect();
        for folder in missing.into_iter().rev() {
            disk.folder(folder)?;
            disk.sync_folder(folder_of(folder))?;
        }
        let path = std::fs::canonicalize(&root).map_err(|error| Error::storage(&root, error))?;
        if path.parent().is_none() {
            return Err(Error::usage("/: a lake cannot be the root folder: name a folder in it"));
        }
        Self { layout: Layout::new(path), disk }.completed()
    }

    /// The lake with all that a lake needs.
    fn completed(self) -> Result<Self> {
        if !self.disk.has(&self.layout.marker())? {
            self.mark()?;
        }
        self.check_marker()?;
        if !self.disk.has(&self.layout.key())? {
            self.complete()?;
        }
        Ok(self)
    }

    /// Makes an empty folder a lake. The marker comes first, so that a creation that is interrupted can be taken up.
    fn mark(&self) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let root = self.layout.root();
        let mut names = self.disk.names(root)?.into_iter();
        // another process may have made the lake since this one looked
        if names.any(|name| !name.starts_with(STAGED)) && !self.disk.has(&self.layout.marker())? {
            let reason = "the folder is not empty and not a lake: name a new folder for the lake";
            return Err(Error::usage(format!("{}: {reason}", root.display())));
        }
        if !self.disk.is_remote() {
            let private = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(root, private).map_err(|error| Error::storage(root, error))?;
        }
        let marker = Marker { schema_version: SCHEMA_VERSION, created: chrono::Utc::now().to_rfc3339() };
        let marker = serde_json::to_vec(&marker).map_err(|error| Error::Internal(error.to_string()))?;
        // false: another process is creating the same lake
        self.disk.publish(root, &self.layout.marker(), &[&marker, b"\n"]).map(|_| ())
    }

    fn check_marker(&self) -> Result<()> {
        let path = self.layout.marker();
        let bytes = self.need(&path)?;
        let marker: Marker = serde_json::from_slice(&bytes).map_err(|error| {
            Error::integrity(&path, format!("the lake's marker is damaged ({error}): restore it from a backup"))
        })?;
        check_schema_version(&path, Which::Events, marker.schema_version)
    }

    fn listing(&self) -> Result<Listing> {
        Listing::read(&self.layout, &self.disk, Which::Events)
    }

    fn need(&self, path: &Path) -> Result<Bytes> {
        self.disk.read(path)?.ok_or_else(|| Error::storage(path, std::io::ErrorKind::NotFound.into()))
    }

    /// Makes what a lake needs beyond its marker. The key comes last: where it is, everything is.
    fn complete(&self) -> Result<()> {
        let (layout, disk) = (&self.layout, &self.disk);
        if !self.listing()?.is_new() {
            if disk.has(&layout.key())? {
                return Ok(());
            }
            let reason =
                "the redaction key is missing; another would break every fingerprint: restore it from a backup";
            return Err(Error::integrity(layout.key(), reason));
        }
        for folder in layout.folders() {
            disk.folder(&folder)?;
        }
        disk.sync_folder(&layout.table(Which::Events))?;
        Table::new(layout, disk, Which::Events).create()?;
        disk.publish(&layout.tmp(), &layout.key(), &[&rand::random::<[u8; 32]>()]).map(|_| ())
    }

    /// The lake's absolute path, or its URL.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// A private folder for what queries spill: invisible to readers of the table, and always on this machine.
    #[must_use]
    pub fn spill_folder(&self) -> PathBuf {
        self.disk.local(self.layout.tmp().join("spill"))
    }

    /// The files of what is derived from the events of single days, each with its size in bytes.
    pub fn baselines(&self) -> Result<BTreeMap<String, u64>> {
        self.disk.sizes(&self.layout.baseline())
    }

    /// The store that [`Self::baselines`] lie in, once there is one.
    pub fn baseline_store(&self) -> Result<Arc<dyn ObjectStore>> {
        self.disk.store(&self.layout.baseline())
    }

    /// Keeps a file among [`Self::baselines`], durably and at once; one that is there already stays.
    pub fn keep_baseline(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let folder = self.layout.baseline();
        self.disk.folder(&folder)?;
        self.disk.sync_folder(self.layout.root())?;
        self.disk.publish(&self.layout.tmp(), &folder.join(name), &[bytes]).map(|_| ())
    }

    /// Removes all [`Self::baselines`].
    pub fn forget_baseline(&self) -> Result<()> {
        self.disk.remove_folder(&self.layout.baseline())
    }

    /// The key of the fingerprints that stand for redacted values.
    pub fn redaction_key(&self) -> Result<[u8; 32]> {
        let path = self.layout.key();
        let key = self.need(&path)?;
        key[..]
            .try_into()
            .map_err(|_| Error::integrity(path, "the redaction key is not 32 bytes: restore it from a backup"))
    }

    /// Pins the newest version, after a look at the log and at every part that it names.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::open(&self.layout, &self.disk)
    }

    /// Sums up the newest version of both tables.
    pub fn status(&self) -> Result<Status> {
        Ok(Status { findings: self.kept_status()?, ..self.snapshot()?.status()? })
    }

    /// Begins an ingest run: locks the lake ([`Error::Busy`] at once if another run has it), removes what dead runs
    /// left, and pins the version that the run builds on.
    pub fn begin(&self) -> Result<Run> {
        let lock = Lock::take(&self.layout, &self.disk)?;
        draft::recover(&self.layout, &self.disk)?;
        Run::begin(&self.layout, &self.disk, Some(lock))
    }

    /// Drops the newest entry of each log if it is torn, and only then; nothing says that both were whole.
    pub fn repair(&self) -> Result<Vec<Repair>> {
        let _lock = Lock::take(&self.layout, &self.disk)?;
        let repairs = Which::ALL.into_iter().map(|which| log::repair(&self.layout, &self.disk, which));
        repairs.filter_map(Result::transpose).collect()
    }
}
