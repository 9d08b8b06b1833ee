//! A snapshot: what `kubectl get clusterroles,roles,clusterrolebindings,rolebindings -A -o yaml` prints.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::model::{GROUP, Key, Kind, Object, Raw};
use super::state::State;
use crate::error::{Error, Result};
use crate::limits::RBAC_OBJECTS_MAX;
use crate::manifest;

/// Roles and bindings at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub(super) objects: HashMap<Key, Arc<Object>>,
    pub(super) taken: Option<i64>,
    ignored: BTreeMap<String, u64>,
    incomplete: u64,
}

impl Snapshot {
    /// Reads YAML (one document or several) or JSON (one object or several), lists and single objects alike. Other
    /// kinds are counted and ignored. `name` is what an error calls the text.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] where the text is neither, or larger than the limits allow. The message quotes nothing of the
    /// text.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut snapshot = Self::default();
        let raws: Vec<Raw> = manifest::read(name, text, "roles and bindings", COMMAND)?;
        for raw in raws {
            snapshot.add(raw, "").map_err(|reason| Error::input(name, reason))?;
        }
        Ok(snapshot)
    }

    /// Says when the snapshot was taken, in microseconds since 1970; without it, it is taken to be later than the log.
    #[must_use]
    pub fn taken_at(mut self, ts: i64) -> Self {
        self.taken = Some(ts);
        self
    }

    /// How many roles and bindings it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Objects of other kinds, by kind (`(none)` where none is written).
    #[must_use]
    pub fn ignored(&self) -> &BTreeMap<String, u64> {
        &self.ignored
    }

    /// Roles and bindings without a name, or without the namespace that their kind needs.
    #[must_use]
    pub fn incomplete(&self) -> u64 {
        self.incomplete
    }

    /// The state that it shows.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(self.objects.values().cloned())
    }

    /// Adds an object, or the items of a list; `list` is the kind of the list around it.
    fn add(&mut self, raw: Raw, list: &str) -> Result<(), String> {
        // what a typed list such as RoleList holds may leave its own kind out
        let written = if raw.kind.is_empty() { list.strip_suffix("List").unwrap_or_default() } else { &raw.kind };
        let group = raw.api_version.split_once('/').map_or("", |(group, _)| group);
        let is_ours = group == GROUP || raw.api_version.is_empty() && !list.is_empty();
        if let Some(kind) = Kind::from_name(written).filter(|_| is_ours) {
            if self.objects.len() >= RBAC_OBJECTS_MAX {
                return Err(format!("more than {RBAC_OBJECTS_MAX} roles and bindings"));
            }
            match raw.into_object(kind) {
                Some(object) => drop(self.objects.insert(object.key.clone(), Arc::new(object))),
                None => self.incomplete += 1,
            }
        } else if raw.kind.ends_with("List") || !raw.items.is_empty() {
            for item in raw.items {
                self.add(item, &raw.kind)?;
            }
        } else {
            let kind = if written.is_empty() { "(none)" } else { written };
            if self.ignored.len() < IGNORED_KINDS_MAX || self.ignored.contains_key(kind) {
                *self.ignored.entry(kind.to_owned()).or_default() += 1;
            } else {
                *self.ignored.entry("(others)".to_owned()).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// Kinds that are counted by name; real clusters have a few hundred.
const IGNORED_KINDS_MAX: usize = 1_000;

/// The command whose output is read.
const COMMAND: &str = "kubectl get clusterroles,roles,clusterrolebindings,rolebindings -A -o yaml";
