//! An endpoint of the test's own on loopback, which answers with whatever bytes it was told, good HTTP or not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// What to do with one connection, after its request was read.
pub(crate) enum Reply {
    /// Write these bytes and close.
    Bytes(Vec<u8>),
    /// Write these bytes and say no more, with the connection open.
    Silence(&'static str),
    /// Write these bytes, then `x` for as long as anybody reads.
    Endless(&'static str),
    /// Write these bytes to whatever was said, which is no HTTP.
    NoHttp(&'static str),
}

/// A request as it came.
#[derive(Default)]
pub(crate) struct Request {
    pub(crate) line: String,
    /// Lowercase names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The streams are in it to stay open.
    requests: Receiver<(Request, TcpStream)>,
}

impl Server {
    /// Answers one connection with each of the replies, in their order, and then no more.
    pub(crate) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for reply in replies {
                let (mut stream, _) = listener.accept().unwrap();
                let request = if let Reply::NoHttp(_) = reply {
                    let _ = stream.read(&mut [0; 64]).unwrap();
                    Request::default()
                } else {
                    read(&stream)
                };
                // the test may have seen enough
                if sender.send((request, stream.try_clone().unwrap())).is_ok() {
                    answer(&mut stream, &reply);
                }
            }
        });
        Self { address, requests }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.try_iter().map(|(request, _)| request).collect()
    }
}

/// Whoever is at the other end may have gone at any time.
fn answer(stream: &mut TcpStream, reply: &Reply) {
    match reply {
        Reply::Bytes(bytes) => drop(stream.write_all(bytes)),
        Reply::NoHttp(text) => drop(stream.write_all(text.as_bytes())),
        Reply::Silence(start) => return drop(stream.write_all(start.as_bytes())),
        Reply::Endless(start) => {
            drop(stream.write_all(start.as_bytes()));
            while stream.write_all(&[b'x'; 1 << 13]).is_ok() {}
        }
    }
    drop(stream.shutdown(Shutdown::Both));
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut request = Request::default();
    reader.read_line(&mut request.line).unwrap();
    request.line.truncate(request.line.trim_end().len());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.body = String::from_utf8(body).unwrap();
    request
}
