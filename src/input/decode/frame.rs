//! One member, frame or stream of a packing. Reading gives no bytes at its end and `UnexpectedEof` where it is cut off.

use std::io::{self, BufRead, ErrorKind, Read};

use bzip2::{Decompress as Bzip2, Status as Bzip2Status};
use flate2::bufread::GzDecoder;
use flate2::{Decompress as Inflate, FlushDecompress, Status as InflateStatus};
use liblzma::stream::{Action, Error as XzError, Status as XzStatus, Stream as Xz};
use lz4_flex::frame::FrameDecoder as Lz4;
use snap::read::FrameDecoder as Snappy;
use zstd::stream::raw::{DParameter, Decoder as Zstd, Operation};

use super::raw::Raw;
use crate::input::sniff::Packing;
use crate::limits;

pub(super) struct Frame {
    packing: Packing,
    form: Form,
}

/// The libraries that pull their input themselves, and those that are handed it.
enum Form {
    Gzip(Box<GzDecoder<Raw>>),
    Lz4(Box<Lz4<Watched>>),
    Snappy(Box<Snappy<Raw>>),
    Pushed { raw: Box<Raw>, engine: Engine, ended: bool },
}

enum Engine {
    Zstd(Zstd<'static>),
    Bzip2(Bzip2),
    Xz(Xz),
    Zlib(Inflate),
}

/// What an engine did with what it was handed.
struct Step {
    read: usize,
    written: usize,
    ended: bool,
}

impl Frame {
    pub(super) fn new(packing: Packing, raw: Raw) -> io::Result<Self> {
        let pushed = |raw: Raw, engine| Form::Pushed { raw: Box::new(raw), engine, ended: false };
        let form = match packing {
            Packing::Gzip => Form::Gzip(Box::new(GzDecoder::new(raw))),
            Packing::Lz4 => Form::Lz4(Box::new(Lz4::new(Watched { raw, met_end: false }))),
            Packing::Snappy => Form::Snappy(Box::new(Snappy::new(raw))),
            Packing::Zstd => {
                let mut decoder = Zstd::new()?;
                decoder.set_parameter(DParameter::WindowLogMax(limits::ZSTD_WINDOW_LOG_MAX))?;
                pushed(raw, Engine::Zstd(decoder))
            }
            Packing::Bzip2 => pushed(raw, Engine::Bzip2(Bzip2::new(false))),
            Packing::Xz => pushed(raw, Engine::Xz(Xz::new_stream_decoder(limits::XZ_MEMORY_MAX, 0)?)),
            Packing::Lzma => pushed(raw, Engine::Xz(Xz::new_lzma_decoder(limits::XZ_MEMORY_MAX)?)),
            Packing::Zlib => pushed(raw, Engine::Zlib(Inflate::new(true))),
        };
        Ok(Self { packing, form })
    }

    pub(super) fn packing(&self) -> Packing {
        self.packing
    }

    /// What lies behind the frame, once it ended.
    pub(super) fn into_raw(self) -> Raw {
        match self.form {
            Form::Gzip(decoder) => decoder.into_inner(),
            Form::Lz4(decoder) => decoder.into_inner().raw,
            Form::Snappy(decoder) => decoder.into_inner(),
            Form::Pushed { raw, .. } => *raw,
        }
    }
}

impl Read for Frame {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.form {
            Form::Gzip(decoder) => decoder.read(into),
            Form::Snappy(decoder) => decoder.read(into),
            Form::Lz4(decoder) => match decoder.read(into) {
                // the decoder takes an end between two blocks for that of the frame
                Ok(0) if decoder.get_ref().met_end => Err(ErrorKind::UnexpectedEof.into()),
                result => result,
            },
            Form::Pushed { raw, engine, ended } => push(raw, engine, ended, into),
        }
    }
}

fn push(raw: &mut Raw, engine: &mut Engine, ended: &mut bool, into: &mut [u8]) -> io::Result<usize> {
    let mut stalled = false;
    while !*ended {
        let input = raw.fill_buf()?;
        let no_more = input.is_empty();
        let step = engine.step(input, into)?;
        raw.consume(step.read);
        *ended = step.ended;
        if step.written > 0 {
            return Ok(step.written);
        }
        if no_more && !*ended {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let stalls = step.read == 0 && !*ended;
        if stalls && stalled {
            return Err(io::Error::new(ErrorKind::InvalidData, "it leads nowhere"));
        }
        stalled = stalls;
    }
    Ok(0)
}

impl Engine {
    fn step(&mut self, input: &[u8], into: &mut [u8]) -> io::Result<Step> {
        match self {
            Self::Zstd(decoder) => {
                let status = decoder.run_on_buffers(input, into)?;
                Ok(Step { read: status.bytes_read, written: status.bytes_written, ended: status.remaining == 0 })
            }
            Self::Bzip2(decoder) => {
                let before = (decoder.total_in(), decoder.total_out());
                let status = decoder.decompress(input, into)?;
                let ended = status == Bzip2Status::StreamEnd;
                Ok(Step::between(before, (decoder.total_in(), decoder.total_out()), ended))
            }
            Self::Xz(stream) => {
                let before = (stream.total_in(), stream.total_out());
                let status = stream.process(input, into, Action::Run).map_err(explain_xz)?;
                Ok(Step::between(before, (stream.total_in(), stream.total_out()), status == XzStatus::StreamEnd))
            }
            Self::Zlib(inflate) => {
                let before = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(input, into, FlushDecompress::None)?;
                let ended = status == InflateStatus::StreamEnd;
                Ok(Step::between(before, (inflate.total_in(), inflate.total_out()), ended))
            }
        }
    }
}

impl Step {
    /// From the totals of bytes read and written before and after it.
    fn between(before: (u64, u64), after: (u64, u64), ended: bool) -> Self {
        let difference = |after: u64, before: u64| usize::try_from(after - before).unwrap_or(usize::MAX);
        Self { read: difference(after.0, before.0), written: difference(after.1, before.1), ended }
    }
}

fn explain_xz(error: XzError) -> io::Error {
    match error {
        XzError::MemLimit => io::Error::other(format!(
            "it asks for too much memory, more than the {} MiB that are allowed",
            limits::XZ_MEMORY_MAX >> 20
        )),
        error => error.into(),
    }
}

/// Remembers whether its end was met.
struct Watched {
    raw: Raw,
    met_end: bool,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.raw.read(into)?;
        self.met_end |= n == 0 && !into.is_empty();
        Ok(n)
    }
}
