//! Base64, with or without gzip below it, as queues and functions hand log records on.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;

use crate::event::parse::Rejected;
use crate::event::reject::Reason;
use crate::limits;

const GZIP: &[u8] = b"\x1f\x8b";

/// The bytes that `text` stands for. `left` is how many may still come out of one line of the log.
pub(in crate::event) fn unpack(text: &str, left: &mut usize) -> Result<Vec<u8>, Rejected> {
    let bytes = STANDARD.decode(text.trim_ascii()).map_err(|_| (Reason::BadJson, "the data are not base64"))?;
    if !bytes.starts_with(GZIP) {
        *left = left.checked_sub(bytes.len()).ok_or(TOO_LONG)?;
        return Ok(bytes);
    }
    let most = (*left).min(limits::LINE_BYTES_MAX);
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(&bytes[..]).take(most as u64 + 1).read_to_end(&mut unpacked);
    *left = left.saturating_sub(unpacked.len());
    if unpacked.len() > most {
        return Err(TOO_LONG);
    }
    read.map_err(|_| (Reason::BadJson, "the data are a damaged gzip stream"))?;
    Ok(unpacked)
}

const TOO_LONG: Rejected = (Reason::TooLong, "what is packed in the line is longer than a line may be");
