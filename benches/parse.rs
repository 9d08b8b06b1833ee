//! Parsing on one thread: `event::Parser` against a bare tape of the same lines, and the same events in envelopes.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

mod figures;
mod tape;

use figures::{Figures, ROUNDS, events, seconds};
use kubesift::error::Result;
use kubesift::event::{Parser, Place, Redactor};
use kubesift::generate::{self, Options};
use tape::{BareParser, Padded, chunks};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let Some(mut figures) = Figures::from_args("parse") else { return Ok(()) };
    let options = Options { events: events(100_000), ..Options::default() };
    let mut text = Vec::new();
    generate::write_stream(&options, &mut text)?;
    let bytes = text.len() as u64;
    println!("{} events, {bytes} bytes, best of {ROUNDS}, one thread", options.events);

    let chunks = chunks(&text);
    let (mut scan, mut floor, mut parse) = (f64::MAX, f64::MAX, f64::MAX);
    // one after the other in each round, so that a busy moment of the machine strikes them all
    for _ in 0..ROUNDS {
        scan = scan.min(seconds(|| memchr::memchr_iter(b'\n', &text).count()).0);
        // simd-json writes into what it parses: a new copy each time, which does not count
        let mut copies: Vec<Padded> = chunks.iter().map(|chunk| Padded::new(chunk)).collect();
        let mut bare = BareParser::new();
        floor = floor.min(seconds(|| copies.iter_mut().map(|chunk| bare.parse(chunk)).sum::<usize>()).0);
        drop(copies);
        let mut parser = Parser::new("bench", Redactor::new([7; 32]));
        parse = parse.min(seconds(|| chunks.iter().map(|chunk| rows(&mut parser, chunk)).sum::<usize>()).0);
    }
    figures.put("newline scan", gigabytes(bytes) / scan, "GB/s");
    figures.put("floor: bare tape of every line", gigabytes(bytes) / floor, "GB/s");
    figures.put("event::Parser", gigabytes(bytes) / parse, "GB/s");
    figures.put("event::Parser / floor", floor / parse, "of its speed");
    figures.put("event::Parser, events", options.events as f64 / parse / 1e6, "M events/s");
    for (name, text) in [("in EKS subscription records", subscription(&text)), ("in container log lines", cri(&text))] {
        let chunks = tape::chunks(&text);
        let mut best = f64::MAX;
        for _ in 0..ROUNDS {
            let mut parser = Parser::new("bench", Redactor::new([7; 32]));
            best = best.min(seconds(|| chunks.iter().map(|chunk| rows(&mut parser, chunk)).sum::<usize>()).0);
        }
        figures.put(&format!("event::Parser, {name}"), options.events as f64 / best / 1e6, "M events/s");
    }
    figures.save();
    Ok(())
}

fn rows(parser: &mut Parser, chunk: &[u8]) -> usize {
    let batch = parser.read(chunk, Place { source: "bench", lines_before: 0, offset: 0, cluster: None });
    assert!(batch.rejects.is_empty(), "a generated line is an event");
    parser.rows().0.len()
}

/// Records of ten events each, as CloudWatch Logs hands them on.
fn subscription(text: &[u8]) -> Vec<u8> {
    const HEAD: &[u8] = b"{\"messageType\":\"DATA_MESSAGE\",\"logGroup\":\"/aws/eks/bench/cluster\",\"logStream\":\"\
        kube-apiserver-audit-0\",\"logEvents\":[";
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let mut wrapped = Vec::new();
    for ten in lines.chunks(10) {
        wrapped.extend_from_slice(HEAD);
        for (index, line) in ten.iter().enumerate() {
            let message = serde_json::Value::from(String::from_utf8_lossy(line));
            let comma = if index == 0 { "" } else { "," };
            let event = format!("{comma}{{\"id\":\"1\",\"timestamp\":1768471200000,\"message\":{message}}}");
            wrapped.extend_from_slice(event.as_bytes());
        }
        wrapped.extend_from_slice(b"]}\n");
    }
    wrapped
}

fn cri(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.flat_map(|line| [&b"2026-01-15T10:00:00.000000001Z stdout F "[..], line, b"\n"].concat()).collect()
}

fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}
