//! Lines that were written in pieces, joined again: container runtimes cut at 16 KiB, terminals at their width.
//!
//! The joined line stands where its last piece stood, and the lines of the others are left empty, so that every line
//! keeps its number. Pieces of stdout and stderr that alternate are kept apart. What is held back is bounded by
//! [`limits::LINE_BYTES_MAX`]; a longer line is given out in pieces, as it was.

use std::io::{self, Read};

use memchr::{memchr, memchr2, memmem};

use crate::limits;

const BLOCK_BYTES: usize = 64 << 10;

/// How lines were cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cutter {
    /// containerd and CRI-O: `TIME stdout P TEXT`, and `F` for the last.
    Cri,
    /// Docker's json-file: all but the last lack the line break within the text.
    Docker,
    /// A terminal that `aws logs tail` wrote to: all but the first lack time and stream.
    Tail,
}

/// How the lines of a source may have been cut that begins with `head`.
#[must_use]
pub fn cutter(head: &[u8]) -> Option<Cutter> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        if cri(line).is_some() {
            Some(Cutter::Cri)
        } else if docker(line).is_some() {
            Some(Cutter::Docker)
        } else {
            tail(line).map(|_| Cutter::Tail)
        }
    })
}

/// Joins the pieces of lines.
pub struct JoinReader<R> {
    inner: R,
    cutter: Cutter,
    block: Vec<u8>,
    /// The beginning of a line whose end was not read yet.
    line: Vec<u8>,
    /// Whether the line is too long to be held, so that it is given out as it comes.
    is_long: bool,
    /// The pieces so far, of stdout and of stderr.
    held: [Vec<u8>; 2],
    /// How far the JSON of the held line has come, where a terminal cut it.
    balance: Balance,
    ready: Vec<u8>,
    /// How much of the ready bytes was read.
    at: usize,
    ended: bool,
}

impl<R: Read> JoinReader<R> {
    /// Joins the lines that `inner` gives.
    pub fn new(inner: R, cutter: Cutter) -> Self {
        Self {
            inner,
            cutter,
            block: vec![0; BLOCK_BYTES],
            line: Vec::new(),
            is_long: false,
            held: [Vec::new(), Vec::new()],
            balance: Balance::default(),
            ready: Vec::new(),
            at: 0,
            ended: false,
        }
    }

    /// What is read from.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    fn feed(&mut self, length: usize) {
        let block = std::mem::take(&mut self.block);
        let mut rest = &block[..length];
        while let Some(end) = memchr(b'\n', rest) {
            let (piece, behind) = (&rest[..end], &rest[end + 1..]);
            rest = behind;
            if self.is_long {
                self.is_long = false;
                self.ready.extend_from_slice(piece);
                self.ready.push(b'\n');
            } else if self.line.is_empty() {
                self.take(piece);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(piece);
                self.take(&line);
                line.clear();
                self.line = line;
            }
        }
        if self.is_long {
            self.ready.extend_from_slice(rest);
        } else {
            self.line.extend_from_slice(rest);
            if self.line.len() > limits::LINE_BYTES_MAX {
                self.is_long = true;
                self.ready.append(&mut self.line);
            }
        }
        self.block = block;
    }

    /// Takes a whole line, without its end.
    fn take(&mut self, line: &[u8]) {
        match self.cutter {
            Cutter::Cri => self.take_cri(line),
            Cutter::Docker => self.take_docker(line),
            Cutter::Tail => self.take_tail(line),
        }
    }

    fn put(&mut self, line: &[u8]) {
        self.ready.extend_from_slice(line);
        self.ready.push(b'\n');
    }

    /// Holds a piece, and leaves its line empty; what becomes too long goes out.
    fn hold(&mut self, stream: usize, piece: &[u8]) {
        let held = &mut self.held[stream];
        held.extend_from_slice(piece);
        if held.len() > limits::LINE_BYTES_MAX {
            self.ready.append(held);
        }
        self.ready.push(b'\n');
    }

    fn take_cri(&mut self, line: &[u8]) {
        let Some((stream, tag, text)) = cri(line) else { return self.put(line) };
        let is_first = self.held[stream].is_empty();
        if line[tag] == b'P' {
            if is_first {
                let head = &mut self.held[stream];
                head.extend_from_slice(&line[..tag]);
                head.extend_from_slice(b"F ");
            }
            self.hold(stream, &line[text..]);
        } else if is_first {
            self.put(line);
        } else {
            self.ready.append(&mut self.held[stream]);
            self.put(&line[text..]);
        }
    }

    fn take_docker(&mut self, line: &[u8]) {
        let Some((start, end)) = docker(line) else { return self.put(line) };
        let is_error = memmem::find(&line[end..], b"stderr").is_some();
        let stream = usize::from(is_error);
        let is_first = self.held[stream].is_empty();
        let from = if is_first { 0 } else { start };
        if ends_line(&line[start..end]) {
            self.ready.append(&mut self.held[stream]);
            self.put(&line[from..]);
        } else {
            self.hold(stream, &line[from..end]);
        }
    }

    /// The empty line of a piece is written when the next one comes, so that an unfinished line has a place.
    fn take_tail(&mut self, line: &[u8]) {
        let begins = tail(line);
        if begins.is_some() && !self.held[0].is_empty() {
            let held = std::mem::take(&mut self.held[0]);
            self.put(&held);
        }
        let text = match begins {
            Some(text) if line.get(text) == Some(&b'{') => {
                self.balance = Balance::default();
                &line[text..]
            }
            None if !self.held[0].is_empty() => {
                self.ready.push(b'\n');
                line
            }
            _ => return self.put(line),
        };
        let is_whole = self.balance.feed(text);
        let mut held = std::mem::take(&mut self.held[0]);
        held.extend_from_slice(line);
        if is_whole || held.len() > limits::LINE_BYTES_MAX {
            self.put(&held);
        } else {
            self.held[0] = held;
        }
    }

    /// The source is over: what is incomplete goes out, a cut line without its end.
    fn finish(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() && !self.is_long {
            self.take(&line);
            self.ready.pop();
        }
        for stream in 0..self.held.len() {
            if self.held[stream].is_empty() {
                continue;
            }
            if self.ready.last().is_some_and(|last| *last != b'\n') {
                self.ready.push(b'\n');
            }
            self.ready.append(&mut self.held[stream]);
            if self.cutter == Cutter::Docker {
                let name = ["stdout", "stderr"][stream];
                self.ready.extend_from_slice(format!("\",\"stream\":\"{name}\",\"time\":\"\"}}").as_bytes());
            }
        }
    }
}

impl<R: Read> Read for JoinReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() && !self.ended {
            self.ready.clear();
            self.at = 0;
            let n = self.inner.read(&mut self.block)?;
            if n == 0 {
                self.ended = true;
                self.finish();
            } else {
                self.feed(n);
            }
        }
        let ready = &self.ready[self.at..];
        let n = into.len().min(ready.len());
        into[..n].copy_from_slice(&ready[..n]);
        self.at += n;
        Ok(n)
    }
}

/// The stream, and where the tag and the text begin, of `TIME stdout F TEXT`.
fn cri(line: &[u8]) -> Option<(usize, usize, usize)> {
    let space = memchr(b' ', &line[..line.len().min(40)])?;
    if !is_time(&line[..space]) {
        return None;
    }
    let rest = &line[space + 1..];
    let stream = match rest.get(..7)? {
        b"stdout " => 0,
        b"stderr " => 1,
        _ => return None,
    };
    let tag = space + 8;
    let end = memchr(b' ', &line[tag..]).map_or(line.len(), |end| tag + end + 1);
    matches!(line.get(tag)?, b'F' | b'P').then_some((stream, tag, end))
}

/// Whether a word begins as RFC 3339 does.
fn is_time(word: &[u8]) -> bool {
    word.len() >= 19
        && word[..19].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b'T',
            13 | 16 => *byte == b':',
            _ => byte.is_ascii_digit(),
        })
}

/// Where the text begins and ends, both within its quotes, of `{"log":"TEXT",...`.
fn docker(line: &[u8]) -> Option<(usize, usize)> {
    let rest = line.strip_prefix(b"{\"log\":")?;
    let start = line.len() - rest.trim_ascii_start().len() + 1;
    if line.get(start - 1) != Some(&b'"') {
        return None;
    }
    let mut at = start;
    loop {
        at += memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            break;
        }
        at += 2;
    }
    let is_it = memmem::find(&line[at..], b"\"stream\"").is_some() && memmem::find(&line[at..], b"\"time\"").is_some();
    is_it.then_some((start, at))
}

/// Whether the content of a JSON string ends with a line break.
fn ends_line(content: &[u8]) -> bool {
    let Some(rest) = content.strip_suffix(b"n") else { return false };
    let slashes = rest.iter().rev().take_while(|byte| **byte == b'\\').count();
    slashes % 2 == 1
}

/// How the names of the streams of an EKS control plane begin.
const STREAMS: [&[u8]; 4] = [b"kube-", b"authenticator-", b"cloud-controller-manager-", b"eks-"];

/// Where the text begins of `TIME STREAM TEXT`, the stream being one of an EKS control plane.
fn tail(line: &[u8]) -> Option<usize> {
    let space = memchr(b' ', &line[..line.len().min(40)])?;
    if !is_time(&line[..space]) {
        return None;
    }
    let stream = &line[space + 1..];
    let is_stream = STREAMS.iter().any(|name| stream.starts_with(name));
    let end = memchr(b' ', stream)?;
    is_stream.then_some(space + 1 + end + 1)
}

/// How far a JSON text has come that is read in pieces.
#[derive(Debug, Clone, Copy, Default)]
struct Balance {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Balance {
    /// Whether the object that the text began is closed at the end of this piece.
    fn feed(&mut self, piece: &[u8]) -> bool {
        for byte in piece {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.depth == 0
    }
}

#[cfg(test)]
mod tests;
