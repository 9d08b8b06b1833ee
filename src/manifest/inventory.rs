//! Which pods and workloads of a cluster use which Secrets, as `kubectl get pods,deployments,... -A -o yaml` shows them.
//!
//! A log tells only what was written while it ran; what was there before is told by a snapshot. Of each object only
//! names stay: the values that a container's environment holds are never kept.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::maybe;
use crate::error::{Error, Result};
use crate::limits::INVENTORY_ROWS_MAX;

/// The command whose output is read.
const COMMAND: &str =
    "kubectl get pods,deployments,daemonsets,statefulsets,replicasets,replicationcontrollers,jobs,cronjobs -A -o yaml";
/// The kinds that hold the spec of a pod, and the resources that they are. (The views name the same ones.)
const KINDS: [(&str, &str); 9] = [
    ("Pod", "pods"),
    ("Deployment", "deployments"),
    ("DaemonSet", "daemonsets"),
    ("StatefulSet", "statefulsets"),
    ("ReplicaSet", "replicasets"),
    ("ReplicationController", "replicationcontrollers"),
    ("Job", "jobs"),
    ("CronJob", "cronjobs"),
    ("PodTemplate", "podtemplates"),
];

/// Where the spec of a pod names Secrets, and the word for each way. A step of `*` goes to every element of an array
/// and every value of an object. (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>)
pub const WAYS: [(&str, &[&str]); 12] = [
    ("volume", &["volumes", "*", "secret", "secretName"]),
    ("projected", &["volumes", "*", "projected", "sources", "*", "secret", "name"]),
    ("driver", &["volumes", "*", "csi", "nodePublishSecretRef", "name"]),
    // CephFS, Cinder, flex volumes, iSCSI, RBD, ScaleIO and StorageOS
    ("driver", &["volumes", "*", "*", "secretRef", "name"]),
    ("driver", &["volumes", "*", "azureFile", "secretName"]),
    ("env", &["containers", "*", "env", "*", "valueFrom", "secretKeyRef", "name"]),
    ("env", &["initContainers", "*", "env", "*", "valueFrom", "secretKeyRef", "name"]),
    ("env", &["ephemeralContainers", "*", "env", "*", "valueFrom", "secretKeyRef", "name"]),
    ("env_from", &["containers", "*", "envFrom", "*", "secretRef", "name"]),
    ("env_from", &["initContainers", "*", "envFrom", "*", "secretRef", "name"]),
    ("env_from", &["ephemeralContainers", "*", "envFrom", "*", "secretRef", "name"]),
    ("image_pull", &["imagePullSecrets", "*", "name"]),
];

/// The pods and workloads of one cluster.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// In the order of the file.
    pub workloads: Vec<Workload>,
    /// Objects of other kinds, and those without a name or a namespace.
    pub ignored: u64,
    rows: usize,
}

/// A pod, or what makes pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// `pods`, `deployments` ...
    pub resource: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// When it was made, in microseconds since 1970.
    pub created: Option<i64>,
    /// The node that a pod runs on.
    pub node: Option<String>,
    /// The service account of its pods.
    pub service_account: Option<String>,
    /// Kind and name of what made it.
    pub owner: Option<(String, String)>,
    /// The Secrets that its pods use, by which way and with what name.
    pub secrets: Vec<(&'static str, String)>,
}

impl Inventory {
    /// Reads YAML or JSON, lists and single objects alike. `name` is what an error calls the text.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] where the text is neither, holds no pod or workload, or is larger than the limits allow.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut inventory = Self::default();
        for object in super::read::<Object>(name, text, "pods and workloads", COMMAND)? {
            inventory.add(object, "").map_err(|reason| Error::input(name, reason))?;
        }
        if inventory.workloads.is_empty() {
            return Err(Error::input(name, format!("no pod and no workload in it; save them with `{COMMAND}`")));
        }
        Ok(inventory)
    }

    /// How many pods it holds, and how many objects that make pods.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let pods = self.workloads.iter().filter(|one| one.resource == "pods").count();
        (pods, self.workloads.len() - pods)
    }

    /// Adds an object, or the items of a list; `list` is the kind of the list around it.
    fn add(&mut self, object: Object, list: &str) -> Result<(), String> {
        // what a typed list such as PodList holds may leave its own kind out
        let kind = if object.kind.is_empty() { list.strip_suffix("List").unwrap_or_default() } else { &object.kind };
        if let Some((_, resource)) = KINDS.iter().find(|(known, _)| *known == kind) {
            let Some(workload) = object.into_workload(resource) else {
                self.ignored += 1;
                return Ok(());
            };
            self.rows += 1 + workload.secrets.len();
            if self.rows > INVENTORY_ROWS_MAX {
                return Err(format!("more than {INVENTORY_ROWS_MAX} pods, workloads and Secrets that they use"));
            }
            self.workloads.push(workload);
        } else if kind.ends_with("List") || !object.items.is_empty() {
            for item in object.items {
                self.add(item, &object.kind)?;
            }
        } else {
            self.ignored += 1;
        }
        Ok(())
    }
}

/// An object, or a list of them, as it is written: the fields that are kept.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(deserialize_with = "maybe")]
    kind: String,
    #[serde(deserialize_with = "maybe")]
    metadata: Metadata,
    /// Of a `PodTemplate`.
    template: Option<Spec>,
    #[serde(deserialize_with = "maybe")]
    spec: Spec,
    #[serde(deserialize_with = "maybe")]
    items: Vec<Object>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    creation_timestamp: Option<String>,
    #[serde(deserialize_with = "maybe")]
    owner_references: Vec<Owner>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Owner {
    #[serde(deserialize_with = "maybe")]
    kind: String,
    #[serde(deserialize_with = "maybe")]
    name: String,
}

/// What is kept of the spec of a pod, or of a spec around one.
#[derive(Debug, Default)]
struct Spec {
    node: Option<String>,
    service_account: Option<String>,
    secrets: Vec<(&'static str, String)>,
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // of one object at a time, so that little of the text is in memory
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}

impl Spec {
    fn of(mut spec: &Value) -> Self {
        // the pod's own stands in the template of a workload, and that in the one of a cron job
        while let Some(inner) = ["jobTemplate", "template", "spec"].iter().find_map(|key| spec.get(key)) {
            spec = inner;
        }
        let text = |key: &str| spec.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        let found = WAYS.iter().flat_map(|(via, path)| values(spec, path).into_iter().map(move |value| (via, value)));
        let named = found.filter_map(|(via, value)| Some((*via, value.as_str()?.to_owned())));
        let secrets: BTreeSet<_> = named.collect();
        Self {
            node: text("nodeName"),
            service_account: text("serviceAccountName"),
            secrets: secrets.into_iter().collect(),
        }
    }
}

/// The values at a path; a step of `*` goes to every element of an array and every value of an object.
fn values<'a>(root: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    let step = |found: Vec<&'a Value>, step: &&str| -> Vec<&'a Value> {
        let inner = found.into_iter().map(|value| match (value, *step) {
            (Value::Array(elements), "*") => elements.iter().collect(),
            (Value::Object(members), "*") => members.values().collect(),
            (Value::Object(members), key) => members.get(key).into_iter().collect(),
            _ => Vec::new(),
        });
        inner.flatten().collect()
    };
    path.iter().fold(vec![root], step)
}

impl Object {
    fn into_workload(self, resource: &'static str) -> Option<Workload> {
        let Metadata { name, namespace, creation_timestamp, owner_references } = self.metadata;
        let created = creation_timestamp.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
        let Spec { node, service_account, secrets } = self.template.unwrap_or(self.spec);
        Some(Workload {
            resource,
            namespace: namespace.filter(|text| !text.is_empty())?,
            name: name.filter(|text| !text.is_empty())?,
            created: created.map(|time| time.timestamp_micros()),
            node,
            service_account,
            owner: owner_references.into_iter().next().map(|owner| (owner.kind, owner.name)),
            secrets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_pods_and_workloads_is_read_and_all_else_is_counted() {
        let text = r"
apiVersion: v1
kind: List
items:
- kind: Pod
  metadata: {name: web-0, namespace: shop, creationTimestamp: '2026-01-15T10:00:00Z',
             ownerReferences: [{kind: StatefulSet, name: web}]}
  spec:
    nodeName: worker-1
    serviceAccountName: web
    containers: [{name: c, env: [{name: A, value: hunter2}, {name: B, valueFrom: {secretKeyRef: {name: db, key: k}}}]}]
- kind: CronJob
  metadata: {name: dump, namespace: shop}
  spec: {jobTemplate: {spec: {template: {spec: {volumes: [{name: v, secret: {secretName: backup}}]}}}}}
- {kind: Secret, metadata: {name: db, namespace: shop}, data: {k: aHVudGVyMg==}}
- {kind: Pod, metadata: {name: nowhere}, spec: null}
";
        let read = Inventory::parse("pods.yaml", text).unwrap();
        assert_eq!((read.counts(), read.ignored), ((1, 1), 2));
        let [web, dump] = &read.workloads[..] else { panic!("{read:?}") };
        assert_eq!((web.node.as_deref(), web.service_account.as_deref()), (Some("worker-1"), Some("web")));
        assert_eq!(web.owner, Some(("StatefulSet".to_owned(), "web".to_owned())));
        assert_eq!(web.created, Some(1_768_471_200_000_000));
        assert_eq!(web.secrets, [("env", "db".to_owned())]);
        assert_eq!((dump.resource, &dump.secrets), ("cronjobs", &vec![("volume", "backup".to_owned())]));
        assert!(!format!("{read:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_snapshot_is_refused_without_a_word_of_it() {
        for text in ["{\"kind\": \"Pod\", \"metadata\": \"hunter2\"}", "kind: [hunter2", "kind: Secret", "", "{}"] {
            let error = Inventory::parse("pods.yaml", text).unwrap_err().to_string();
            assert!(error.contains("pods.yaml") && error.contains("kubectl get pods"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
