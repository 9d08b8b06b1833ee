//! Content packed in every way that is read.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

pub(in crate::input) fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::input) fn zst(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::input) fn bz2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::input) fn xz(content: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::input) fn lzma(content: &[u8]) -> Vec<u8> {
    let options = liblzma::stream::LzmaOptions::new_preset(1).unwrap();
    let stream = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::input) fn lz4(content: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new().content_checksum(true).block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::input) fn snappy(content: &[u8]) -> Vec<u8> {
    // the encoder writes nothing at all for no content
    if content.is_empty() {
        return b"\xff\x06\0\0sNaPpY".to_vec();
    }
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(content).unwrap();
    encoder.into_inner().unwrap()
}

pub(in crate::input) fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::input) type Pack = fn(&[u8]) -> Vec<u8>;

pub(in crate::input) const ALL: [Pack; 8] = [gz, zst, bz2, xz, lzma, lz4, snappy, zlib];

/// Those that say where they end; a snappy stream is over when the file is.
pub(in crate::input) const ENDED: [Pack; 7] = [gz, zst, bz2, xz, lzma, lz4, zlib];
