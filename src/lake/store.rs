//! What `deltalake` writes the log through: for reading the folder as it lies, but durable and private for writing, which
//! `object_store` 0.13 is not on local files (it never syncs, and creates files with the umask).
//!
//! Nothing of an append-only table is ever deleted or copied, so those operations are refused.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::disk::{Disk, DiskFile, folder_of};
use super::layout::{STAGING, version_of_entry};

/// A folder of the lake as an object store.
#[derive(Debug)]
pub(super) struct FolderStore {
    disk: Disk,
    folder: PathBuf,
    staging: PathBuf,
    inner: Arc<dyn ObjectStore>,
}

impl FolderStore {
    /// The store of a folder that exists, where the lake has folders.
    pub(super) fn new(disk: &Disk, folder: &std::path::Path) -> crate::error::Result<Self> {
        let staging = folder_of(folder).join(STAGING);
        Ok(Self { disk: disk.clone(), folder: folder.to_owned(), staging, inner: disk.raw_store(folder)? })
    }

    fn path(&self, location: &Path) -> PathBuf {
        self.folder.join(location.as_ref())
    }
}

impl fmt::Display for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lake at {}", self.folder.display())
    }
}

const DONE: PutResult = PutResult { e_tag: None, version: None };

fn failed(error: crate::error::Error) -> Error {
    Error::Generic { store: "lake", source: Box::new(error) }
}

fn refused<T>(operation: &str) -> Result<T> {
    Err(Error::NotSupported { source: format!("{operation} in an append-only lake").into() })
}

/// A log entry ends with a newline, which `deltalake` leaves out: without it a cut entry could look whole.
fn ending(location: &Path, payload: &PutPayload) -> &'static [u8] {
    let is_entry = location.filename().is_some_and(|name| version_of_entry(name).is_some());
    let ends = payload.iter().last().is_some_and(|piece| piece.ends_with(b"\n"));
    if is_entry && !ends { b"\n" } else { b"" }
}

#[async_trait]
impl ObjectStore for FolderStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let to = self.path(location);
        let mut pieces: Vec<&[u8]> = payload.iter().map(AsRef::as_ref).collect();
        pieces.push(ending(location, &payload));
        match options.mode {
            PutMode::Create => {
                if !self.disk.publish(&self.staging, &to, &pieces).map_err(failed)? {
                    return Err(Error::AlreadyExists { path: location.to_string(), source: "it is there".into() });
                }
            }
            PutMode::Overwrite => self.disk.replace(&self.staging, &to, &pieces).map_err(failed)?,
            PutMode::Update(_) => return refused("conditional update"),
        }
        Ok(DONE)
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let to = self.path(location);
        let file = self.disk.create_staged(&self.staging).map_err(failed)?;
        Ok(Box::new(Upload { file, to, disk: self.disk.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { refused("delete") }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        refused("copy")
    }
}

/// A file that comes in pieces: a large checkpoint.
#[derive(Debug)]
struct Upload {
    file: DiskFile,
    to: PathBuf,
    disk: Disk,
}

#[async_trait]
impl MultipartUpload for Upload {
    // written at once: pieces are put in order, but their futures may be awaited in any
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let written = data.iter().try_for_each(|piece| self.file.write_all(piece));
        let written = written.map_err(|error| failed(crate::error::Error::storage(self.file.path(), error)));
        futures::future::ready(written).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.file.sync().map_err(failed)?;
        self.disk.rename(self.file.path(), &self.to).map_err(failed)?;
        self.disk.sync_folder(folder_of(&self.to)).map_err(failed)?;
        Ok(DONE)
    }

    async fn abort(&mut self) -> Result<()> {
        self.disk.remove(self.file.path()).map_err(failed)
    }
}
