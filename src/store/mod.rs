//! Object stores (S3, Google Cloud Storage, Azure Blob Storage) and files on web servers, for whoever reads or writes
//! bytes and does not want to know where they lie.
//!
//! ```text
//! URL --> address --> cloud --> Location --> head, get, list, put, delete
//!         bucket,     client    one place    read   (ranges, one ahead)
//!         key,        and its                write  (parts, whole or not at all)
//!         secrets     credentials
//! ```
//!
//! [`Stores`] is made once and cheap to clone. All network work runs on its own small runtime; the calls here wait for
//! it, from any thread, within another runtime too. Every wait, retry and buffer has a bound in [`limits`].
//!
//! What a URL or the environment holds of secrets is in no error, no `Debug` and no [`Location::url`].

mod address;
mod cloud;
mod env;
mod fault;
mod list;
mod profile;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;

use self::address::{Address, Cloud};
use self::cloud::Client;
use self::env::Env;
pub use self::fault::ReadFault;
use self::fault::{Fault, Secrets, told};
pub use self::read::Reader;
pub use self::write::Writer;
use crate::error::{Error, Result};
use crate::limits;

/// Whether a text names an object by URL, rather than a file by path.
#[must_use]
pub fn is_url(text: &str) -> bool {
    address::is_url(text)
}

/// A URL for people: without user, password, signature or token.
#[must_use]
pub fn shown(url: &str) -> String {
    address::shown(url)
}

/// All object stores that a run talks to. Threads and connections begin with the first use. By default those that need
/// no variables: web servers.
#[derive(Clone, Default)]
pub struct Stores(Arc<Inner>);

#[derive(Default)]
struct Inner {
    env: Env,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    runtime: Option<Runtime>,
    /// By root and secret: two signatures for one bucket are two clients.
    clients: HashMap<(String, Option<String>), Client>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = state.runtime.take() {
            // to wait for it is not allowed within another runtime
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stores")
    }
}

impl Stores {
    /// Stores that are reached as these variables say: those that the tools of AWS, Google Cloud and Azure read.
    #[must_use]
    pub fn new(env: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(Arc::new(Inner { env: Env::new(env), state: Mutex::default() }))
    }

    /// Lets `memory://name/...` lead to a store that the caller brings, as tests do.
    pub fn bring(&self, name: &str, store: Arc<dyn ObjectStore>) {
        let key = (format!("memory://{name}"), None);
        self.state().clients.insert(key, Client { store, pages: None });
    }

    /// The place that a URL names: an object, or a folder of objects. Nothing is asked over the network yet.
    ///
    /// A usage error where the URL, or what the environment says about its store, is not usable.
    pub fn location(&self, url: &str) -> Result<Location> {
        let (bucket, key) = self.bucket(url)?;
        let path = Path::parse(&key).map_err(|_| {
            let what = "empty parts, `.`, `..` and control bytes are no names of objects";
            Error::usage(format!("{}: {what}", address::shown(url)))
        })?;
        Ok(Location { path, ..bucket })
    }

    /// The bucket that a URL names, and the rest of the URL, which may be a pattern.
    pub fn bucket(&self, url: &str) -> Result<(Location, String)> {
        let address = Address::parse(url)?;
        if address.cloud == Cloud::Http && address.key.is_empty() {
            return Err(Error::usage(format!("{}: name a file of the server", address::shown(url))));
        }
        let runtime = self.runtime()?;
        let id = (address.root.clone(), address.secret.clone());
        let known = self.state().clients.get(&id).cloned();
        let client = if let Some(client) = known {
            client
        } else {
            let client = cloud::open(&address, &self.0.env, &runtime)?;
            self.state().clients.entry(id).or_insert(client).clone()
        };
        let bucket = Bucket {
            stores: self.clone(),
            secrets: self.0.env.secrets(address.secret.as_deref()),
            root: address.root,
            is_web: address.cloud == Cloud::Http,
            client,
            runtime,
        };
        Ok((Location { bucket: Arc::new(bucket), path: Path::ROOT }, address.key))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runtime(&self) -> Result<Handle> {
        let mut state = self.state();
        if let Some(runtime) = &state.runtime {
            return Ok(runtime.handle().clone());
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits::REMOTE_THREADS)
            .thread_name("remote")
            .enable_all()
            .build()
            .map_err(|error| Error::Limit(format!("threads for object stores could not be started: {error}")))?;
        Ok(state.runtime.insert(runtime).handle().clone())
    }
}

/// An object as a listing or its head tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key within the bucket.
    pub path: Path,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was written, in nanoseconds since 1970; 0 where the store does not tell.
    pub modified_ns: i64,
    /// What the store calls this very content, where it does.
    pub e_tag: Option<String>,
}

impl Entry {
    fn new(meta: ObjectMeta) -> Self {
        let modified_ns = meta.last_modified.timestamp_nanos_opt().unwrap_or(0);
        Self { path: meta.location, bytes: meta.size, modified_ns, e_tag: meta.e_tag }
    }
}

/// An object, or a folder of objects. Keeps the stores alive; whoever takes [`Self::store`] out of it should keep it.
#[derive(Clone)]
pub struct Location {
    bucket: Arc<Bucket>,
    path: Path,
}

struct Bucket {
    /// Keeps the runtime.
    stores: Stores,
    secrets: Secrets,
    root: String,
    /// One file of a web server: no folders, no writing.
    is_web: bool,
    client: Client,
    runtime: Handle,
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.bucket.root == other.bucket.root
    }
}

impl Eq for Location {}

impl Location {
    /// Its URL for people and for the lake: no secret is in it, and no slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(&self.path)
    }

    /// The URL of an object of the same bucket.
    #[must_use]
    pub fn url_of(&self, path: &Path) -> String {
        if path.is_root() { self.bucket.root.clone() } else { format!("{}/{path}", self.bucket.root) }
    }

    /// The place `name` below this one; `name` may hold slashes. Characters that stores do not take in keys are
    /// percent-encoded.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let parts = name.split('/').filter(|part| !part.is_empty());
        let path = parts.fold(self.path.clone(), Path::join);
        Self { bucket: self.bucket.clone(), path }
    }

    /// The same bucket, at another key.
    #[must_use]
    pub fn at(&self, path: Path) -> Self {
        Self { bucket: self.bucket.clone(), path }
    }

    /// Its key within the bucket; empty for the bucket itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bucket, for engines that read and write it themselves, from any runtime. Its keys begin at the bucket's root.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.bucket.client.store.clone()
    }

    /// The stores that it came from.
    #[must_use]
    pub fn stores(&self) -> &Stores {
        &self.bucket.stores
    }

    /// Whether it is a file of a web server, which has no folders and is not written to.
    #[must_use]
    pub fn is_web(&self) -> bool {
        self.bucket.is_web
    }

    /// What the store says of the object; `None` where there is none.
    pub fn head(&self) -> Result<Option<Entry>> {
        let (store, path, is_web) = (self.store(), self.path.clone(), self.bucket.is_web);
        let answer = self.bucket.wait(async move {
            if is_web {
                // a signed URL is good for GET only
                store.get_opts(&path, GetOptions::default()).await.map(|found| found.meta)
            } else {
                store.head(&path).await
            }
        })?;
        self.found(answer.map(Entry::new))
    }

    /// The object's bytes, of which there may be [`limits::OBJECT_BYTES_MAX`]; `None` where there is none.
    pub fn get(&self) -> Result<Option<Bytes>> {
        let (store, path) = (self.store(), self.path.clone());
        let answer = self.bucket.wait(async move {
            let found = store.get(&path).await?;
            if found.meta.size > limits::OBJECT_BYTES_MAX {
                return Ok(None);
            }
            found.bytes().await.map(Some)
        })?;
        match self.found(answer)? {
            Some(None) => {
                Err(Error::Limit(format!("{}: more than {} bytes in one piece", self.url(), limits::OBJECT_BYTES_MAX)))
            }
            found => Ok(found.flatten()),
        }
    }

    /// Writes the object, over whatever is there. It is there whole or not at all.
    pub fn put(&self, bytes: impl Into<Bytes>) -> Result<()> {
        self.put_as(bytes.into(), PutMode::Overwrite).and_then(|answer| self.told(answer))
    }

    /// Writes the object unless there is one: false if there is, and of several writers at most one is told true.
    ///
    /// An answer may be lost after the store did what it was asked, and the second try then meets its own work: an
    /// object that has these very bytes counts as written by this call. Whoever needs to win alone writes bytes that no
    /// other would.
    pub fn put_new(&self, bytes: impl Into<Bytes>) -> Result<bool> {
        let bytes = bytes.into();
        match self.put_as(bytes.clone(), PutMode::Create)? {
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(self.get()?.is_some_and(|there| there == bytes))
            }
            answer => self.told(answer).map(|()| true),
        }
    }

    fn put_as(&self, bytes: Bytes, mode: PutMode) -> Result<object_store::Result<()>> {
        let (store, path) = (self.writable()?, self.path.clone());
        self.bucket.wait(async move { store.put_opts(&path, PutPayload::from(bytes), mode.into()).await.map(|_| ()) })
    }

    /// Removes the object. That there is none is fine.
    pub fn delete(&self) -> Result<()> {
        let (store, path) = (self.writable()?, self.path.clone());
        let answer = self.bucket.wait(async move { store.delete(&path).await })?;
        self.found(answer).map(|_| ())
    }

    /// Begins to write the object. It takes its place, over whatever is there, with [`Writer::finish`].
    pub fn writer(&self) -> Result<Writer> {
        self.writable().map(|_| Writer::new(self.clone()))
    }

    /// Fails where [`Self::writer`] would in the end: no such bucket, no permission, no way to it. Nothing is written.
    pub fn check_writable(&self) -> Result<()> {
        self.writer()?.try_out()
    }

    /// Reads an object of this bucket, as it was when it was listed: one that was replaced since is an error.
    #[must_use]
    pub fn reader(&self, entry: &Entry) -> Reader {
        Reader::new(self.at(entry.path.clone()), entry.clone())
    }

    fn writable(&self) -> Result<Arc<dyn ObjectStore>> {
        if self.bucket.is_web {
            return Err(Error::usage(format!("{}: a web server is only read; use s3://, gs:// or az://", self.url())));
        }
        Ok(self.store())
    }

    /// An answer, where that there is no such object is one.
    fn found<T>(&self, answer: object_store::Result<T>) -> Result<Option<T>> {
        match answer {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            answer => self.told(answer).map(Some),
        }
    }

    fn told<T>(&self, answer: object_store::Result<T>) -> Result<T> {
        told(&self.url(), answer, &self.bucket.secrets)
    }

    fn fault(&self, error: &object_store::Error) -> Fault {
        Fault::of(error, &self.bucket.secrets)
    }
}

impl Bucket {
    /// Begins work on the stores' runtime.
    fn begin<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Pending<T> {
        let (sender, result) = sync_channel(1);
        let task = self.runtime.spawn(async move {
            // nobody may wait for it any more
            let _ = sender.send(work.await);
        });
        Pending { result, task: task.abort_handle() }
    }

    fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T> {
        self.begin(work).wait()
    }
}

/// Work on the stores' runtime. It ends when nobody waits for it any more.
struct Pending<T> {
    result: Receiver<T>,
    task: AbortHandle,
}

impl<T> Pending<T> {
    fn wait(self) -> Result<T> {
        self.result.recv().map_err(|_| Error::Internal("a request to an object store was dropped".to_owned()))
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
