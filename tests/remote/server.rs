//! An S3 server of the test's own on loopback, a proxy before it that breaks connections, and a plain web server.

use std::convert::Infallible;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kubesift::store::{Location, Stores};
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::sync::oneshot;

pub(crate) const KEY_ID: &str = "AKIDOFTHETESTS";
pub(crate) const SECRET_KEY: &str = "secret-key-of-the-tests";

/// A server on a port of its own, until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    folder: Option<tempfile::TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// An S3 server with the empty bucket `logs`, which knows [`KEY_ID`] only.
    pub(crate) fn start() -> Self {
        Self::with_s3(true)
    }

    /// One that asks for no credentials.
    pub(crate) fn open_to_all() -> Self {
        Self::with_s3(false)
    }

    fn with_s3(signed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        if signed {
            builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET_KEY));
        }
        let service = builder.build();
        // this server looks and then writes: one write at a time makes a conditional one as exact as S3's
        let writing = Arc::new(tokio::sync::Mutex::new(()));
        let answer = move |request: Request<Incoming>| {
            let (service, writing) = (service.clone(), writing.clone());
            async move {
                let reads = [Method::GET, Method::HEAD].contains(request.method());
                let _guard = if reads { None } else { Some(writing.lock_owned().await) };
                service.call(request.map(Body::from)).await
            }
        };
        let mut server = Self::of(answer);
        server.folder = Some(folder);
        server
    }

    /// A web server with one file, `audit.log`.
    pub(crate) fn of_file(content: &'static [u8], gives_ranges: bool) -> Self {
        let answer = move |request: Request<Incoming>| async move {
            let range = request.headers().get(RANGE).filter(|_| gives_ranges).map(|range| range.to_str().unwrap());
            let answer = Response::builder().header("last-modified", "Fri, 20 Nov 2026 08:00:00 GMT");
            let answer = if request.uri().path() != "/audit.log" {
                answer.status(StatusCode::NOT_FOUND).body(Body::empty())
            } else if let Some(range) = range {
                let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
                let (first, last) = (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap());
                let part = &content[first..=last.min(content.len() - 1)];
                answer
                    .status(StatusCode::PARTIAL_CONTENT)
                    .header(CONTENT_RANGE, format!("bytes {first}-{}/{}", first + part.len() - 1, content.len()))
                    .header(CONTENT_LENGTH, part.len())
                    .body(Body::from(part.to_vec()))
            } else {
                answer.header(CONTENT_LENGTH, content.len()).body(Body::from(content.to_vec()))
            };
            Ok::<_, Infallible>(answer.unwrap())
        };
        Self::of(answer)
    }

    fn of<S, F, E>(answer: S) -> Self
    where
        S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<Response<Body>, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let (started, start) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                started.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = accept(listener, answer) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address: start.recv().unwrap(), folder: None, stop: Some(stop), thread: Some(thread) }
    }

    /// The variables with which the server is reached.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        env_of(self.address)
    }

    pub(crate) fn stores(&self) -> Stores {
        Stores::new(self.env())
    }

    /// An object of the bucket `logs`.
    pub(crate) fn object(&self, key: &str) -> Location {
        self.stores().location(&format!("s3://logs/{key}")).unwrap()
    }

    pub(crate) fn put(&self, key: &str, bytes: impl AsRef<[u8]>) {
        self.object(key).put(bytes.as_ref().to_vec()).unwrap();
    }

    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        self.object(key).get().unwrap().unwrap_or_else(|| panic!("no object {key}")).to_vec()
    }

    /// The keys of the bucket `logs`.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.object("").list().unwrap().into_iter().map(|entry| entry.path.to_string()).collect()
    }

    /// Where the server keeps the objects of the bucket `logs`.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("logs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn accept<S, F, E>(listener: tokio::net::TcpListener, answer: S)
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(answer.clone());
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The variables with which an S3 server is reached. Few tries: a test waits for no network.
pub(crate) fn env_of(address: SocketAddr) -> Vec<(String, String)> {
    let variables = [
        ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_MAX_ATTEMPTS", "3".to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// A way to a server that breaks one connection after so many bytes of answers.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    left: Arc<AtomicI64>,
}

impl Proxy {
    pub(crate) fn cutting_after(server: SocketAddr, bytes: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (left, connections) = (Arc::new(AtomicI64::new(bytes)), Arc::new(AtomicUsize::new(0)));
        let (count, all) = (connections.clone(), left.clone());
        // ends with the process
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(server) else { return };
                count.fetch_add(1, Ordering::SeqCst);
                let left = left.clone();
                let (from_client, to_client) = (client.try_clone().unwrap(), client);
                let (from_server, to_server) = (upstream.try_clone().unwrap(), upstream);
                thread::spawn(move || relay(from_client, to_server, None));
                thread::spawn(move || relay(from_server, to_client, Some(&left)));
            }
        });
        Self { address, connections, left: all }
    }

    /// Whether the connection was cut.
    pub(crate) fn has_cut(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    /// Connections that were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, left: Option<&AtomicI64>) {
    let mut block = [0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut block) {
        let before = left.map_or(i64::MAX, |left| left.fetch_sub(i64::try_from(n).unwrap(), Ordering::SeqCst));
        let cut = (0..i64::try_from(n).unwrap()).contains(&before);
        let n = if cut { usize::try_from(before).unwrap() } else { n };
        if to.write_all(&block[..n]).is_err() || cut {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
