//! Roles and bindings as the audit log tells them: what was written, what was read, what was deleted, and when.
//!
//! How much it tells depends on the audit level. Whole objects come with answers (`RequestResponse`) and with the
//! bodies of `create` and `update` (`Request`); of a patch without an answer the outcome is worked out where it is
//! certain. Whatever cannot be told leaves a doubt on the object, which its grants carry.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::model::{GROUP, Key, Kind, Object, Raw};
use super::patch;
use super::snapshot::Snapshot;
use super::state::State;
use crate::limits::{RBAC_CHANGES_MAX, RBAC_NOTES_MAX};

/// One request about RBAC objects, as the lake has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row<'a> {
    /// When, in microseconds since 1970.
    pub ts: i64,
    /// The verb.
    pub verb: &'a str,
    /// The API group; rows of another than that of RBAC are passed over.
    pub api_group: &'a str,
    /// The resource: `roles`, `clusterrolebindings` and so on; others are passed over.
    pub resource: &'a str,
    /// The namespace, or empty.
    pub namespace: &'a str,
    /// The name, or empty.
    pub name: &'a str,
    /// `allowed`, `denied`, `failed` or `unknown`.
    pub outcome: &'a str,
    /// The request URI, or empty: tells dry runs, and collections that are deleted as a whole.
    pub request_uri: &'a str,
    /// The body of the request as JSON.
    pub request: Option<&'a str>,
    /// The body of the answer as JSON.
    pub response: Option<&'a str>,
}

/// What the log tells of every role and binding over time.
#[derive(Debug, Clone, Default)]
pub struct History {
    entries: HashMap<Key, Vec<Entry>>,
    /// Collections that were deleted, in order of time.
    sweeps: HashMap<(Kind, String), Vec<Sweep>>,
    changes: usize,
    unreadable: u64,
    unnamed: u64,
    passed_over: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    ts: i64,
    how: How,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Seen,
    Created,
    Written,
}

#[derive(Debug, Clone)]
enum What {
    Known(Arc<Object>),
    Gone,
    Unclear(&'static str),
}

#[derive(Debug, Clone, Copy)]
struct Sweep {
    ts: i64,
    /// Whether all objects went, or some that are not known.
    is_whole: bool,
}

/// What is known of one object at a moment.
enum Answer {
    Absent,
    Known(Arc<Object>, Option<String>),
    Unknown,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DeleteOptions {
    dry_run: Vec<String>,
}

impl History {
    /// Reads rows in order of time. One that is older than the one before it counts as if it came at that one's time.
    #[must_use]
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = Row<'a>>) -> Self {
        let mut history = Self::default();
        let mut latest = i64::MIN;
        for mut row in rows {
            latest = latest.max(row.ts);
            row.ts = latest;
            if let Some(kind) = Kind::from_resource(row.resource).filter(|_| row.api_group == GROUP) {
                history.read(&row, kind);
            }
        }
        history
    }

    /// How many objects it knows of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows of none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn read(&mut self, row: &Row<'_>, kind: Kind) {
        let is_write = matches!(row.verb, "create" | "update" | "patch" | "delete" | "deletecollection");
        match row.outcome {
            "allowed" => {}
            "unknown" if is_write && !row.name.is_empty() => {
                self.put(row, Key::new(kind, row.namespace, row.name), How::Written, What::Unclear(CUT_OFF));
                return;
            }
            _ => return,
        }
        if is_write && is_dry_run(row) {
            return;
        }
        let answer = row.response.and_then(|body| self.parse(body));
        match row.verb {
            "delete" => self.put(row, Key::new(kind, row.namespace, row.name), How::Written, What::Gone),
            "deletecollection" => self.sweep(row, kind, answer),
            "create" => self.write(row, kind, answer, How::Created),
            "update" | "patch" => self.write(row, kind, answer, How::Written),
            _ => {
                let objects = answer.into_iter().flat_map(|raw| objects_of(raw, kind, row)).collect::<Vec<_>>();
                objects.into_iter().for_each(|object| self.put_object(row, How::Seen, object));
            }
        }
    }

    fn parse(&mut self, body: &str) -> Option<Raw> {
        let raw = serde_json::from_str::<Raw>(body).ok();
        self.unreadable += u64::from(raw.is_none());
        raw.filter(|raw| raw.kind != "Status" && raw.kind != "Table")
    }

    /// A create, an update or a patch: the answer's object, else the request's.
    fn write(&mut self, row: &Row<'_>, kind: Kind, answer: Option<Raw>, how: How) {
        if let Some(object) = answer.and_then(|raw| objects_of(raw, kind, row).pop()) {
            return self.put_object(row, how, object);
        }
        if row.verb == "patch" {
            return self.patch(row, kind);
        }
        let asked = row.request.and_then(|body| self.parse(body));
        if let Some(object) = asked.and_then(|raw| objects_of(raw, kind, row).pop()) {
            self.put_object(row, how, object);
        } else if row.name.is_empty() {
            self.unnamed += 1;
        } else {
            self.put(row, Key::new(kind, row.namespace, row.name), how, What::Unclear(NO_BODY));
        }
    }

    fn patch(&mut self, row: &Row<'_>, kind: Kind) {
        let key = Key::new(kind, row.namespace, row.name);
        let known = match self.entries.get(&key).and_then(|entries| entries.last()) {
            Some(Entry { what: What::Known(object), ts, .. }) if !self.is_swept(&key, *ts) => Some(Arc::clone(object)),
            _ => None,
        };
        let what = match (row.request, known) {
            (None, _) => What::Unclear(NO_BODY),
            (Some(body), Some(object)) => match patch::apply(&object, body) {
                Ok(object) => What::Known(Arc::new(object)),
                Err(doubt) => What::Unclear(doubt),
            },
            // what is applied as a whole needs no object before it
            (Some(body), None) => match self.parse(body).filter(is_whole).map(|raw| objects_of(raw, kind, row)) {
                Some(mut objects) if objects.len() == 1 => What::Known(Arc::new(objects.remove(0))),
                _ => What::Unclear("it was patched, and what it said before is not known"),
            },
        };
        self.put(row, key, How::Written, what);
    }

    fn is_swept(&self, key: &Key, since: i64) -> bool {
        let sweeps = self.sweeps.get(&(key.kind, key.namespace.clone()));
        sweeps.and_then(|sweeps| sweeps.last()).is_some_and(|sweep| sweep.ts > since)
    }

    fn sweep(&mut self, row: &Row<'_>, kind: Kind, answer: Option<Raw>) {
        let deleted = answer.map(|raw| objects_of(raw, kind, row)).unwrap_or_default();
        let query = row.request_uri.split_once('?').map_or("", |(_, query)| query);
        let is_whole = row.request_uri.starts_with('/') && !query.contains("elector=") && !query.contains("limit=");
        if is_whole || deleted.is_empty() {
            let sweeps = self.sweeps.entry((kind, Key::new(kind, row.namespace, "").namespace)).or_default();
            if sweeps.len() < RBAC_CHANGES_MAX {
                sweeps.push(Sweep { ts: row.ts, is_whole });
            }
        }
        deleted.into_iter().for_each(|object| self.put(row, object.key, How::Written, What::Gone));
    }

    fn put_object(&mut self, row: &Row<'_>, how: How, object: Object) {
        let last = self.entries.get(&object.key).and_then(|entries| entries.last());
        if how != How::Created
            && let Some(Entry { what: What::Known(known), ts, .. }) = last
            && **known == object
            && !self.is_swept(&object.key, *ts)
        {
            return;
        }
        self.put(row, object.key.clone(), how, What::Known(Arc::new(object)));
    }

    fn put(&mut self, row: &Row<'_>, key: Key, how: How, what: What) {
        if key.name.is_empty() {
            self.unnamed += 1;
        } else if self.changes >= RBAC_CHANGES_MAX {
            self.passed_over += 1;
        } else {
            self.changes += 1;
            self.entries.entry(key).or_default().push(Entry { ts: row.ts, how, what });
        }
    }

    /// Roles and bindings at `ts` (microseconds since 1970). What the log does not tell comes from `base`, unless the
    /// log shows that it was different then.
    #[must_use]
    pub fn state_at(&self, ts: i64, base: Option<&Snapshot>) -> State {
        let keys: HashSet<&Key> =
            self.entries.keys().chain(base.into_iter().flat_map(|base| base.objects.keys())).collect();
        let mut objects = Vec::new();
        let mut unknown = Vec::new();
        for key in keys {
            let shown = base.and_then(|base| base.objects.get(key));
            let taken = base.and_then(|base| base.taken).unwrap_or(i64::MAX);
            match self.answer(key, ts, shown, taken) {
                Answer::Absent => {}
                Answer::Known(object, doubt) => {
                    objects.push((object, doubt.map(|doubt| format!("{key}: {doubt}"))));
                }
                Answer::Unknown => unknown.push(format!("{key} existed, but nothing shows what it said")),
            }
        }
        unknown.sort_unstable();
        if unknown.len() > RBAC_NOTES_MAX {
            let more = unknown.len() - RBAC_NOTES_MAX;
            unknown.truncate(RBAC_NOTES_MAX);
            unknown.push(format!("{more} more roles and bindings existed, but nothing shows what they said"));
        }
        self.note_losses(&mut unknown);
        State::build(objects, unknown)
    }

    fn note_losses(&self, notes: &mut Vec<String>) {
        let losses = [
            (self.unreadable, "bodies of requests about roles and bindings could not be read"),
            (self.unnamed, "changes of roles and bindings do not say which object they made"),
            (self.passed_over, "changes of roles and bindings were too many to follow"),
        ];
        notes.extend(losses.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    }

    fn answer(&self, key: &Key, ts: i64, shown: Option<&Arc<Object>>, taken: i64) -> Answer {
        let entries = self.entries.get(key).map_or(&[][..], Vec::as_slice);
        let sweeps = self.sweeps.get(&(key.kind, key.namespace.clone())).map_or(&[][..], Vec::as_slice);
        let past = &entries[..entries.partition_point(|entry| entry.ts <= ts)];
        let after = entries.get(past.len());
        let told = told(past, &sweeps[..sweeps.partition_point(|sweep| sweep.ts <= ts)]);
        let is_swept_later = sweeps.last().is_some_and(|sweep| sweep.ts > ts);
        if let Some(object) = shown
            && taken <= ts
        {
            // the snapshot is older: it holds unless the log tells of something later
            return match past.last() {
                Some(last) if last.ts > taken => match told {
                    Told::Doubtful(None, doubt) => Answer::Known(Arc::clone(object), Some(doubt.to_owned())),
                    told => told.into_answer(),
                },
                _ => Answer::Known(Arc::clone(object), None),
            };
        }
        match (told, shown, after) {
            (Told::Known(object), _, _) => Answer::Known(object, None),
            (Told::Gone, _, _)
            | (Told::Nothing | Told::Doubtful(None, _), _, Some(Entry { how: How::Created, .. })) => Answer::Absent,
            (Told::Doubtful(..) | Told::Nothing, Some(object), None) if !is_swept_later => {
                Answer::Known(Arc::clone(object), None)
            }
            (told @ Told::Doubtful(Some(_), _), _, _) => told.into_answer(),
            (Told::Nothing, _, Some(Entry { how: How::Seen, what: What::Known(object), .. })) => {
                Answer::Known(Arc::clone(object), None)
            }
            (_, Some(object), _) => {
                let doubt = "it was changed later, and is shown as the snapshot has it";
                Answer::Known(Arc::clone(object), Some(doubt.to_owned()))
            }
            _ => Answer::Unknown,
        }
    }
}

/// What the entries up to a moment tell.
enum Told {
    Nothing,
    Gone,
    Known(Arc<Object>),
    Doubtful(Option<Arc<Object>>, &'static str),
}

impl Told {
    fn into_answer(self) -> Answer {
        match self {
            Self::Gone => Answer::Absent,
            Self::Known(object) => Answer::Known(object, None),
            Self::Doubtful(Some(object), doubt) => Answer::Known(object, Some(doubt.to_owned())),
            Self::Nothing | Self::Doubtful(None, _) => Answer::Unknown,
        }
    }
}

fn told(past: &[Entry], sweeps: &[Sweep]) -> Told {
    let whole = sweeps.iter().rev().find(|sweep| sweep.is_whole).map(|sweep| sweep.ts);
    let some = sweeps.last().filter(|sweep| !sweep.is_whole).map(|sweep| sweep.ts);
    let mut doubt = None;
    for entry in past.iter().rev() {
        if whole.is_some_and(|whole| whole >= entry.ts) {
            break;
        }
        if some.is_some_and(|some| some > entry.ts) {
            doubt = doubt.or(Some(SWEPT));
        }
        match (&entry.what, doubt) {
            (What::Unclear(why), _) => doubt = doubt.or(Some(why)),
            (What::Known(object), None) => return Told::Known(Arc::clone(object)),
            (What::Known(object), Some(doubt)) => return Told::Doubtful(Some(Arc::clone(object)), doubt),
            // a patch after a deletion made it anew; nothing shows as what
            (What::Gone, Some(doubt)) if doubt != SWEPT => return Told::Doubtful(None, doubt),
            (What::Gone, _) => return Told::Gone,
        }
    }
    match doubt {
        Some(doubt) => Told::Doubtful(None, doubt),
        None if whole.is_some() => Told::Gone,
        None => Told::Nothing,
    }
}

const SWEPT: &str = "it may have been deleted together with others";
const CUT_OFF: &str = "a change of it was cut off before its answer";
const NO_BODY: &str = "it was changed, and the log does not show how";

/// Whether a patch that is applied says all that decides anything.
fn is_whole(raw: &Raw) -> bool {
    !raw.api_version.is_empty() && Kind::from_name(&raw.kind).is_some() && raw.names_content()
}

fn is_dry_run(row: &Row<'_>) -> bool {
    let query = row.request_uri.split_once('?').map_or("", |(_, query)| query);
    let is_asked = query.split('&').any(|pair| pair.strip_prefix("dryRun=").is_some_and(|value| !value.is_empty()));
    let is_deletion = row.verb.starts_with("delete");
    is_asked
        || is_deletion
            && row.request.is_some_and(|body| {
                body.contains("dryRun")
                    && serde_json::from_str::<DeleteOptions>(body).is_ok_and(|options| !options.dry_run.is_empty())
            })
}

/// The objects in a body: itself, or the items of a list. What the body leaves out is taken from the request.
fn objects_of(raw: Raw, kind: Kind, row: &Row<'_>) -> Vec<Object> {
    let fill = |mut raw: Raw, name: &str| {
        if raw.metadata.name.is_empty() {
            name.clone_into(&mut raw.metadata.name);
        }
        if !row.namespace.is_empty() {
            row.namespace.clone_into(&mut raw.metadata.namespace);
        }
        raw.into_object(kind)
    };
    let is_list = raw.kind.ends_with("List") || !raw.items.is_empty();
    if is_list {
        let items = raw.items.into_iter().filter(|item| item.kind.is_empty() || item.kind == kind.name());
        return items.filter_map(|item| fill(item, "")).collect();
    }
    if raw.kind != kind.name() {
        return Vec::new();
    }
    fill(raw, row.name).into_iter().collect()
}
