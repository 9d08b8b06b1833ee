//! The dossier as JSON: one line for each member's element, so that two dossiers can be compared with `diff`.

use serde::Serialize;
use serde_json::json;

use super::super::ndjson::text;
use super::{Dossier, Rotate};
use crate::error::Result;

/// The document.
pub(in crate::report) fn json(dossier: &Dossier) -> Result<String> {
    let members = [
        ("secrets", list(&dossier.rotate.secrets)?),
        ("tokens", list(&dossier.rotate.tokens)?),
        ("accesses", list(&dossier.accesses)?),
        ("entries", list(&dossier.entries)?),
        ("presences", list(&dossier.presences)?),
        ("others", list(&dossier.others)?),
        ("minted", list(&dossier.minted)?),
        ("used", list(&dossier.used)?),
        ("rights", list(&dossier.rights)?),
        ("steps", list(&dossier.steps)?),
        ("hours", list(&dossier.hours)?),
        ("gaps", list(&dossier.gaps)?),
        ("notes", list(&dossier.notes)?),
        ("commands", list(&dossier.commands)?),
    ];
    let members: String = members.iter().map(|(name, list)| format!(",\n\"{name}\":{list}")).collect();
    Ok(format!("{{\"subject\":{}{members}}}\n", text(&json!(dossier.subject))?))
}

/// The list of what to replace.
pub(super) fn rotate(rotate: &Rotate) -> Result<String> {
    let (secrets, tokens, notes) = (list(&rotate.secrets)?, list(&rotate.tokens)?, list(&rotate.notes)?);
    Ok(format!("{{\"secrets\":{secrets},\n\"tokens\":{tokens},\n\"notes\":{notes}}}\n"))
}

fn list<T: Serialize>(items: &[T]) -> Result<String> {
    let lines = items.iter().map(text).collect::<Result<Vec<_>>>()?;
    Ok(if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}]", lines.join(",\n")) })
}
