//! Kubernetes objects as `kubectl get -o yaml` and `-o json` print them: read within bounds, and leniently where Go's
//! encoder writes null.
//!
//! Whoever reads declares the fields that it keeps; all others, and with them every secret value, are dropped by the
//! parser. No message quotes the text.

mod inventory;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

pub use self::inventory::{Inventory, WAYS, Workload};
use crate::error::{Error, Result};
use crate::limits::{MANIFEST_BYTES_MAX, MANIFEST_DEPTH_MAX, MANIFEST_DOCUMENTS_MAX, MANIFEST_NODES_MAX};

/// The objects of a text: YAML (one document or several) or JSON (one object or several). `name` is what an error calls
/// the text, `what` what it should hold, and `command` how to get that.
///
/// # Errors
///
/// [`Error::Input`] where the text is neither, or larger than the limits allow.
pub fn read<T: DeserializeOwned>(name: &str, text: &str, what: &str, command: &str) -> Result<Vec<T>> {
    if text.len() > MANIFEST_BYTES_MAX {
        let mebibytes = MANIFEST_BYTES_MAX >> 20;
        return Err(Error::input(name, format!("larger than {mebibytes} MiB; ask for {what} only")));
    }
    let text = text.trim_start_matches('\u{feff}');
    let read = if text.trim_start().starts_with('{') { json(text) } else { yaml(text) };
    read.map_err(|place| Error::input(name, format!("not {what} as YAML or JSON: {place}; save them with `{command}`")))
}

/// All documents of a text in YAML. Anchors and aliases are refused: nothing that Kubernetes writes has any, and they
/// are how a small text asks for a lot of memory. The error says where.
pub fn yaml<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    let budget = serde_saphyr::budget! {
        max_reader_input_bytes: Some(MANIFEST_BYTES_MAX),
        max_total_scalar_bytes: MANIFEST_BYTES_MAX,
        max_documents: MANIFEST_DOCUMENTS_MAX,
        max_events: 4 * MANIFEST_NODES_MAX,
        max_nodes: MANIFEST_NODES_MAX,
        max_depth: MANIFEST_DEPTH_MAX,
        max_anchors: 0,
        max_aliases: 0,
        max_merge_keys: 0,
    };
    let options = serde_saphyr::options! { budget: budget, with_snippet: false };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| match error.location() {
        Some(place) => format!("line {}, column {}", place.line(), place.column()),
        None => "at an unknown place".to_owned(),
    })
}

/// One object or several, one after the other. The error says where.
fn json<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<T>()
        .collect::<Result<_, _>>()
        .map_err(|error| format!("line {}, column {}", error.line(), error.column()))
}

/// A value that may be written as null, as Go's encoder does; it is then the type's own default.
pub fn maybe<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
