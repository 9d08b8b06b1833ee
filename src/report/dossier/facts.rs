//! What a dossier holds: plain rows, as the questions in `sql/dossier` answer them and as the formats write them.

use serde::{Deserialize, Serialize, Serializer};

use super::super::human::rfc3339;

/// Whom a dossier is about: whoever fits all that is named. Nothing named under a heading fits everybody there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Subject {
    /// Identities: whose rights were used, or who was authenticated.
    pub actors: Vec<String>,
    /// Addresses that the API server saw.
    pub addresses: Vec<String>,
    /// Identities each with an address that it was seen at; of the identities in `actors`.
    pub origins: Vec<Origin>,
    /// Ids of credentials.
    pub credentials: Vec<String>,
    /// The cluster; `None`: any.
    pub cluster: Option<String>,
    /// The first moment, microseconds since 1970.
    #[serde(serialize_with = "some_time")]
    pub since: Option<i64>,
    /// The first moment after it, microseconds since 1970.
    #[serde(serialize_with = "some_time")]
    pub until: Option<i64>,
}

/// An identity and where it was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Origin {
    /// The cluster.
    pub cluster: String,
    /// Whose rights were used, or who was authenticated.
    pub actor: String,
    /// The peer that the API server saw; `None`: the log tells none.
    pub address: Option<String>,
}

/// A way in which a Secret was reached, or not: the requests that have all else in common.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Access {
    /// The cluster.
    pub cluster: String,
    /// The Secret's namespace; `None`: all of them.
    pub namespace: Option<String>,
    /// Its name; `None`: all of the namespace.
    pub name: Option<String>,
    /// `read`, `patched`, `listed`, `watched`, `deleted`, `mounted`, `entered`, or what exposed nothing: `written`,
    /// `removed`, `denied`, `failed`.
    pub how: String,
    /// Whose rights were used.
    pub actor: Option<String>,
    /// Who was authenticated.
    pub username: Option<String>,
    /// The peer that the API server saw.
    pub client_ip: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The credential that was used.
    pub credential_id: Option<String>,
    /// The pod that the credential belongs to.
    pub pod_name: Option<String>,
    /// The verb.
    pub verb: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// The pod, workload or selector.
    pub through: Option<String>,
    /// Whether the log itself names the Secret; else something only refers to it.
    pub certain: bool,
    /// How many requests there were.
    pub requests: u64,
    /// When the first was received.
    #[serde(serialize_with = "time")]
    pub first_seen: i64,
    /// When the last was received.
    #[serde(serialize_with = "time")]
    pub last_seen: i64,
    /// The audit id of the first.
    pub audit_id: Option<String>,
}

impl Access {
    /// Whether whoever did this is taken to hold the Secret's values.
    #[must_use]
    pub fn exposes(&self) -> bool {
        !matches!(self.how.as_str(), "written" | "removed" | "denied" | "failed")
    }
}

/// A way into a pod or a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Entry {
    /// The cluster.
    pub cluster: String,
    /// When it was received.
    #[serde(serialize_with = "time")]
    pub ts: i64,
    /// The audit id.
    pub audit_id: Option<String>,
    /// `namespace/name` of the pod, else the node or service.
    pub pod: Option<String>,
    /// `exec`, `attach`, `portforward` and so on, as in the view `pod_access`.
    pub kind: String,
    /// The container.
    pub container: Option<String>,
    /// The command.
    pub command: Option<String>,
    /// Whose rights were used.
    pub actor: Option<String>,
    /// Who was authenticated.
    pub username: Option<String>,
    /// The peer that the API server saw.
    pub client_ip: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The credential that was used.
    pub credential_id: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// The service account of the pod, where its spec is known.
    pub pod_account: Option<String>,
    /// Whether the spec of the `pod` is known, or that of its `template`.
    pub known_by: Option<String>,
    /// Whether the subject did it.
    pub by_subject: bool,
    /// The Secrets of the pod, `namespace/name`, separated by blanks.
    pub secrets: Option<String>,
    /// The workload that the pod belongs to.
    pub workload: Option<String>,
}

/// With what, and from where, somebody came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Presence {
    /// The cluster.
    pub cluster: String,
    /// The credential that was used.
    pub credential_id: Option<String>,
    /// Whose rights were used.
    pub actor: Option<String>,
    /// Who was authenticated.
    pub username: Option<String>,
    /// The peer that the API server saw.
    pub client_ip: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// How many requests there were.
    pub requests: u64,
    /// How many of them were denied, where that was asked for.
    pub denied: u64,
    /// How many of them were for Secrets and not denied, where that was asked for.
    pub secret_requests: u64,
    /// When the first was received.
    #[serde(serialize_with = "time")]
    pub first_seen: i64,
    /// When the last was received.
    #[serde(serialize_with = "time")]
    pub last_seen: i64,
}

/// Somebody who may be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Other {
    /// What both have in common: `credential`, `address`, or `impersonation`.
    pub link: &'static str,
    /// Who, with what and from where.
    #[serde(flatten)]
    pub presence: Presence,
    /// How many identities came from this address.
    pub sharing: usize,
}

/// A token that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Minted {
    /// The cluster.
    pub cluster: String,
    /// When it was asked for.
    #[serde(serialize_with = "time")]
    pub ts: i64,
    /// The audit id.
    pub audit_id: Option<String>,
    /// Whose rights were used.
    pub actor: Option<String>,
    /// Who was authenticated.
    pub username: Option<String>,
    /// The peer that the API server saw.
    pub client_ip: Option<String>,
    /// The credential that was used to ask.
    pub credential_id: Option<String>,
    /// The credential that was issued.
    pub issued_credential_id: Option<String>,
    /// The namespace of the account that it is of.
    pub namespace: Option<String>,
    /// The account.
    pub name: Option<String>,
}

/// A credential to take away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// `token`, `certificate`, `account` (of an entered pod) or `credential`.
    pub kind: &'static str,
    /// The cluster.
    pub cluster: String,
    /// Its id, as in the log; of a certificate its fingerprint.
    pub id: String,
    /// Whom it speaks for.
    pub owner: String,
    /// Why: `used`, `minted` or `entered`.
    pub why: &'static str,
    /// The credential or identity that it was got with, where it was minted.
    pub from: Option<String>,
    /// From where it was used.
    pub addresses: Vec<String>,
    /// Requests that it was used for.
    pub requests: u64,
    /// When it was first used or issued.
    #[serde(serialize_with = "time")]
    pub first_seen: i64,
    /// When it was last used.
    #[serde(serialize_with = "time")]
    pub last_seen: i64,
}

/// Who had a Secret in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reader {
    /// Whose rights were used; empty where nobody is named.
    pub actor: String,
    /// Who was authenticated, where that was somebody else.
    pub username: Option<String>,
    /// In which ways, as [`Access::how`].
    pub how: Vec<String>,
    /// From which addresses.
    pub addresses: Vec<String>,
    /// How many requests there were.
    pub requests: u64,
    /// When the first was received.
    #[serde(serialize_with = "time")]
    pub first_seen: i64,
    /// When the last was received.
    #[serde(serialize_with = "time")]
    pub last_seen: i64,
}

/// A Secret whose contents must be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// How pressing it is, 0 to 100.
    pub risk: u32,
    /// The cluster.
    pub cluster: String,
    /// The Secret's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its type, where a body was logged.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The keys of its data, where a body was logged.
    pub keys: Vec<String>,
    /// Who had it in hand, of the subject.
    pub readers: Vec<Reader>,
    /// When it was first exposed.
    #[serde(serialize_with = "time")]
    pub first_seen: i64,
    /// When it was last exposed.
    #[serde(serialize_with = "time")]
    pub last_seen: i64,
    /// Why it counts as exposed, in words.
    pub why: Vec<String>,
    /// What uses it and so must be restarted, `resource namespace/name`.
    pub workloads: Vec<String>,
    /// Whether the log itself names it; else something only refers to it.
    pub certain: bool,
    /// When it was deleted, where it was and did not come back.
    #[serde(serialize_with = "some_time")]
    pub gone: Option<i64>,
}

/// What to replace and what to take away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Rotate {
    /// The Secrets, the most pressing first.
    pub secrets: Vec<Rotation>,
    /// The credentials.
    pub tokens: Vec<Token>,
    /// What could not be seen, in sentences.
    pub notes: Vec<String>,
}

/// A use of a right.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Use {
    /// The cluster.
    pub cluster: String,
    /// Whose right it was.
    pub actor: Option<String>,
    /// The verb.
    pub verb: Option<String>,
    /// The API group; `None`: the core group.
    pub api_group: Option<String>,
    /// The resource.
    pub resource: Option<String>,
    /// The subresource.
    pub subresource: Option<String>,
    /// The namespace; `None`: none, or all.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: Option<String>,
    /// The path of a request without a resource.
    pub path: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// Why the authorizer allowed it.
    pub reason: Option<String>,
    /// How many requests there were.
    pub requests: u64,
    /// How many of them the subject made, from its addresses and in its time.
    pub own: u64,
    /// How many of them made the object.
    pub created: u64,
    /// When the first was received.
    #[serde(serialize_with = "time")]
    pub first_seen: i64,
    /// When the last was received.
    #[serde(serialize_with = "time")]
    pub last_seen: i64,
}

/// A rule that an identity had, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// The namespace that it held in; `None`: everywhere.
    pub namespace: Option<String>,
    /// What it allows: `get, list on secrets`.
    pub rule: String,
    /// Through which binding and role, and for which subject.
    pub via: String,
    /// Requests that it allowed and that were not refused.
    pub requests: u64,
    /// When the last of them was received.
    #[serde(serialize_with = "some_time")]
    pub last_seen: Option<i64>,
    /// What of it was never used: `list secrets`.
    pub unused: Vec<String>,
    /// How much more of it was never used.
    pub more: u64,
}

/// Whether an identity needed its rights, and the least that would have been enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rights {
    /// The identity.
    pub actor: String,
    /// The moment whose roles and bindings were looked at.
    #[serde(serialize_with = "time")]
    pub at: i64,
    /// What it was granted, as far as that is known.
    pub grants: Vec<Granted>,
    /// Requests that were allowed by no grant that is known.
    pub unexplained: usize,
    /// The bindings that the API server named as the reason why it allowed requests.
    pub reasons: Vec<String>,
    /// The least roles and bindings, as YAML for `kubectl apply -f`.
    pub yaml: String,
    /// What changes with them.
    pub diff: String,
    /// What to know before they are applied.
    pub warnings: Vec<String>,
}

/// A step of the story: the same thing from the same place within ten minutes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Step {
    /// The cluster.
    pub cluster: String,
    /// The sensitivity of the requests, or `denied` or `minted`; `first_seen` for an address that the subject was not
    /// seen at before, `token_used` for the first use of a token that it had issued, `gap` for a silent log.
    pub kind: String,
    /// The verb.
    pub verb: Option<String>,
    /// The resource.
    pub resource: Option<String>,
    /// The subresource.
    pub subresource: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// Whose rights were used.
    pub actor: Option<String>,
    /// The peer that the API server saw.
    pub client_ip: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The credential that was used.
    pub credential_id: Option<String>,
    /// How many requests there were.
    pub requests: u64,
    /// How many names they had.
    pub names: u64,
    /// One of the names.
    pub name: Option<String>,
    /// A command, where one was run.
    pub command: Option<String>,
    /// The credential that was issued.
    pub issued: Option<String>,
    /// When the first was received.
    #[serde(serialize_with = "time")]
    pub first_seen: i64,
    /// When the last was received.
    #[serde(serialize_with = "time")]
    pub last_seen: i64,
    /// The audit id of the first.
    pub audit_id: Option<String>,
}

/// An hour of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Hour {
    /// The cluster.
    pub cluster: String,
    /// Its beginning.
    #[serde(serialize_with = "time")]
    pub hour: i64,
    /// Events of anybody.
    pub events: u64,
    /// Events of the subject.
    pub own: u64,
    /// Those of them that were denied.
    pub denied: u64,
    /// Those of them that were for Secrets.
    pub secrets: u64,
}

/// A time without any event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The cluster.
    pub cluster: String,
    /// Its beginning.
    #[serde(serialize_with = "time")]
    pub since: i64,
    /// Its end.
    #[serde(serialize_with = "time")]
    pub until: i64,
}

/// Everything that the log tells of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Dossier {
    /// Whom it is about.
    pub subject: Subject,
    /// The Secrets that it reached or tried to.
    pub accesses: Vec<Access>,
    /// What to replace and what to take away.
    pub rotate: Rotate,
    /// Ways into pods: its own, and those of anybody into pods that use the Secrets to replace.
    pub entries: Vec<Entry>,
    /// With what and from where it came.
    pub presences: Vec<Presence>,
    /// Who may be the same.
    pub others: Vec<Other>,
    /// The tokens that it had issued, and those that these had issued in turn.
    pub minted: Vec<Minted>,
    /// What its rights were used for, over all of the time that was looked at.
    pub used: Vec<Use>,
    /// Whether it needed them.
    pub rights: Vec<Rights>,
    /// Its story.
    pub steps: Vec<Step>,
    /// The hours of the log.
    pub hours: Vec<Hour>,
    /// Hours without any event between the first and the last.
    pub gaps: Vec<Gap>,
    /// What could not be seen or is not all, in sentences.
    pub notes: Vec<String>,
    /// Commands that give it again.
    pub commands: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn time<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*micros))
}

#[expect(clippy::ref_option, reason = "serde asks for a reference")]
fn some_time<S: Serializer>(micros: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    micros.map(rfc3339).serialize(serializer)
}
