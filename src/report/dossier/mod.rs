//! A dossier: all that the log tells of an identity, for people as a page of tables and pictures, for machines as JSON; and the list
//! of what to replace after it, for a ticket system too.

pub(super) mod document;
mod facts;
pub(super) mod markdown;
pub(super) mod page;
mod rights;
mod rotate;
pub(super) mod sections;
mod text;

use std::io::Write;

pub use self::facts::{
    Access, Dossier, Entry, Gap, Granted, Hour, Minted, Origin, Other, Presence, Reader, Rights, Rotate, Rotation,
    Step, Subject, Token, Use,
};
pub use self::rotate::{ROTATE_FORMATS, write_rotate};
use super::io_error;
use crate::error::{Error, Result};

/// The names that [`write`] knows.
pub const DOSSIER_FORMATS: [&str; 4] = ["text", "markdown", "html", "json"];

/// Writes the dossier. `width` is that of the terminal, for text.
pub fn write(dossier: &Dossier, format: &str, width: Option<u16>, out: &mut dyn Write) -> Result<()> {
    let text = match format {
        "text" => text::text(dossier, width),
        "markdown" => markdown::markdown(dossier),
        "html" => page::page(dossier)?,
        "json" => document::json(dossier)?,
        _ => {
            let known = DOSSIER_FORMATS.join(", ");
            return Err(Error::usage(format!("unknown format {format:?} for a dossier; use one of {known}")));
        }
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(io_error)
}
