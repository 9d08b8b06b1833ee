//! Records that tell an audit event in other words, made into the event again: pure functions, one file each.
//!
//! Nothing is guessed. What a record does not tell is left out of the event and named among what is [lost](Rebuilt::lost).
//! Two conclusions are allowed, because an API server draws them itself: object and verb follow from path and method
//! ([`request`]), and where no level is told, the bodies that are there show it.

mod ack_sls;
mod aks_table;
mod draft;
mod elastic;
mod field;
mod gke;
mod go_names;
mod json;
mod legacy;
mod ocsf;
mod rancher;
mod request;
mod viaq;
mod yandex;

pub(in crate::event) use ack_sls::ack_sls;
pub(in crate::event) use aks_table::aks_table;
pub(in crate::event) use elastic::elastic;
pub(in crate::event) use gke::gke;
pub(in crate::event) use go_names::go_names;
pub(in crate::event) use json::{Refused, parse};
pub(in crate::event) use legacy::legacy;
pub(in crate::event) use ocsf::ocsf;
pub(in crate::event) use rancher::rancher;
pub(in crate::event) use viaq::viaq;
pub(in crate::event) use yandex::yandex;

/// An event in canonical JSON, and what its source did not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::event) struct Rebuilt {
    /// One `audit.k8s.io` `Event` as an API server writes it: keys in the order of Go's `audit.Event`, no blanks.
    pub(in crate::event) json: String,
    /// Fields of the event that the record does not tell or does not tell in full, by their names in the event, sorted.
    pub(in crate::event) lost: Vec<&'static str>,
    /// The cluster that the record names, where it does, as it stands there.
    pub(in crate::event) cluster: Option<String>,
}

/// Why a record is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::event) enum Refusal {
    /// It tells of something else than a request to a Kubernetes API.
    NotAudit,
    /// It looks like an event but lacks what one needs; says what.
    Broken(&'static str),
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
