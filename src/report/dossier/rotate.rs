//! The list of what to replace: a table on a terminal, CSV and JSON for a ticket system.

use std::io::Write;

use super::super::csv::{csv_error, writer};
use super::super::escape::csv_cell;
use super::super::human::rfc3339;
use super::super::io_error;
use super::{Rotate, document, sections, text};
use crate::error::{Error, Result};

/// The names that [`write_rotate`] knows.
pub const ROTATE_FORMATS: [&str; 3] = ["table", "csv", "json"];

/// Writes the list. `width` is that of the terminal, for a table.
pub fn write_rotate(rotate: &Rotate, format: &str, width: Option<u16>, out: &mut dyn Write) -> Result<()> {
    let text = match format {
        "table" => text::sections(&sections::rotate(rotate, usize::MAX), width),
        "json" => document::rotate(rotate)?,
        "csv" => return csv(rotate, out),
        _ => {
            let known = ROTATE_FORMATS.join(", ");
            return Err(Error::usage(format!("unknown format {format:?} for a rotate list; use one of {known}")));
        }
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(io_error)
}

/// One row a Secret, then one a credential: a ticket each.
fn csv(rotate: &Rotate, out: &mut dyn Write) -> Result<()> {
    let mut csv = writer(out);
    csv.write_record([
        "what",
        "risk",
        "cluster",
        "namespace",
        "name",
        "type",
        "keys",
        "readers",
        "addresses",
        "first_seen",
        "last_seen",
        "why",
        "restart",
        "certain",
    ])
    .map_err(csv_error)?;
    let joined = |parts: &mut dyn Iterator<Item = &str>| csv_cell(&parts.collect::<Vec<_>>().join(" ")).into_owned();
    for secret in &rotate.secrets {
        let addresses = secret.readers.iter().flat_map(|reader| &reader.addresses);
        let addresses: std::collections::BTreeSet<&str> = addresses.map(String::as_str).collect();
        let row = [
            "secret".to_owned(),
            secret.risk.to_string(),
            csv_cell(&secret.cluster).into_owned(),
            csv_cell(&secret.namespace).into_owned(),
            csv_cell(&secret.name).into_owned(),
            csv_cell(secret.kind.as_deref().unwrap_or_default()).into_owned(),
            joined(&mut secret.keys.iter().map(String::as_str)),
            joined(&mut secret.readers.iter().map(|reader| reader.actor.as_str())),
            joined(&mut addresses.into_iter()),
            rfc3339(secret.first_seen),
            rfc3339(secret.last_seen),
            csv_cell(&secret.why.join(", ")).into_owned(),
            csv_cell(&secret.workloads.join(", ")).into_owned(),
            secret.certain.to_string(),
        ];
        csv.write_record(&row).map_err(csv_error)?;
    }
    for token in &rotate.tokens {
        let row = [
            token.kind.to_owned(),
            String::new(),
            csv_cell(&token.cluster).into_owned(),
            String::new(),
            csv_cell(&token.id).into_owned(),
            String::new(),
            String::new(),
            csv_cell(&token.owner).into_owned(),
            joined(&mut token.addresses.iter().map(String::as_str)),
            rfc3339(token.first_seen),
            rfc3339(token.last_seen),
            token.why.to_owned(),
            sections::revoke(token).to_owned(),
            "true".to_owned(),
        ];
        csv.write_record(&row).map_err(csv_error)?;
    }
    csv.flush().map_err(io_error)
}
