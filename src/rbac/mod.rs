//! What Kubernetes' roles grant, what of it was used, and the least that would have been enough.
//!
//! Answers "was it needed?" without asking a cluster: roles and bindings come from a snapshot ([`Snapshot`]) or out of
//! the audit log itself ([`History`]), are put together as they stood at one moment ([`State`]), and are evaluated by
//! the API server's own rules ([`allows`]). Nothing here reads a file or a lake; callers bring texts and rows.

mod aggregate;
mod allow;
mod compare;
mod diff;
mod history;
mod matcher;
mod model;
mod patch;
mod proposal;
mod reason;
mod snapshot;
mod state;
mod tighten;
mod validate;
mod yaml;

#[cfg(test)]
mod tests;

pub use allow::{Asked, allows, path_of};
pub use compare::{Cell, Comparison, Concrete, GrantUse, Tally, Used, compare};
pub use diff::{BindingChange, Change, Diff, Line};
pub use history::{History, Row};
pub use matcher::Matcher;
pub use model::{Body, Key, Kind, Object, Requirement, RoleRef, Rule, Selector, Subject, SubjectKind};
pub use proposal::{Breadth, LeftOut, Proposal, StillAllowed, Unnamed};
pub use reason::{Reason, reason};
pub use snapshot::Snapshot;
pub use state::{Grant, State, Via, Who};
pub use tighten::{Options, tighten};
pub use validate::validate;
