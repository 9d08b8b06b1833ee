//! What the cluster itself shows beside its log: files of `kubectl get`, as arguments name them.

use std::path::{Path, PathBuf};

use crate::engine::Session;
use crate::error::{Error, Result};
use crate::explain;
use crate::manifest::Inventory;
use crate::rbac::Snapshot;
use crate::report::human::{few, plural};

/// Roles and bindings.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Snapshots of the cluster")]
pub(super) struct Rbac {
    /// Roles and bindings of the cluster, for what the log does not tell of them: the output of
    /// `kubectl get clusterroles,roles,clusterrolebindings,rolebindings -A -o yaml`
    #[arg(long, value_name = "FILE")]
    rbac: Option<PathBuf>,
}

impl Rbac {
    pub(super) fn read(&self) -> Result<Option<Snapshot>> {
        let read = |path: &PathBuf| Snapshot::parse(&path.display().to_string(), &text(path)?);
        self.rbac.as_ref().map(read).transpose()
    }

    /// The flag again, for a shell, after a blank.
    pub(super) fn words(&self) -> String {
        self.rbac.as_ref().map(|path| format!(" --rbac {}", explain::word(path))).unwrap_or_default()
    }
}

/// Pods and workloads.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Snapshots of the cluster")]
pub(super) struct Pods {
    /// Pods and workloads of the cluster, for which of them use which Secrets: the output of
    /// `kubectl get pods,deployments,daemonsets,statefulsets,replicasets,jobs,cronjobs -A -o yaml`. Of a log of several
    /// clusters, say which one: prod=pods.yaml
    #[arg(long, value_name = "[CLUSTER=]FILE")]
    pods: Vec<String>,
}

/// Pods and workloads of one file.
pub(super) struct Shown {
    cluster: Option<String>,
    path: PathBuf,
    inventory: Inventory,
}

impl Pods {
    pub(super) fn read(&self) -> Result<Vec<Shown>> {
        let read = |argument: &String| {
            let whole = (None, Path::new(argument));
            let (cluster, path) = match argument.split_once('=') {
                Some((cluster, path)) if !whole.1.exists() => (Some(cluster.to_owned()), Path::new(path)),
                _ => whole,
            };
            let inventory = Inventory::parse(&path.display().to_string(), &text(path)?)?;
            Ok(Shown { cluster, path: path.to_owned(), inventory })
        };
        self.pods.iter().map(read).collect()
    }

    /// The flags again, for a shell.
    pub(super) fn words(&self) -> impl Iterator<Item = String> {
        self.pods.iter().flat_map(|argument| ["--pods".to_owned(), explain::word(Path::new(argument))])
    }
}

/// Lets a session know of these pods; says what was added. `cluster`: the one that is looked at, where only one is.
pub(super) fn with_pods(session: Session, shown: Vec<Shown>, cluster: Option<&str>) -> Result<(Session, Vec<String>)> {
    if shown.is_empty() {
        return Ok((session, Vec::new()));
    }
    let known = session.clusters()?;
    let (mut notes, mut inventories) = (Vec::new(), Vec::new());
    for Shown { cluster: named, path, inventory } in shown {
        let path = path.display();
        let cluster = match (named.as_deref().or(cluster), &known[..]) {
            (Some(name), _) => name.to_owned(),
            (None, [only]) => only.clone(),
            (None, _) => {
                let names = few(known.iter().map(String::as_str));
                return Err(Error::usage(format!("{path}: of which cluster? write CLUSTER={path}; there is {names}")));
            }
        };
        if !known.contains(&cluster) {
            let names = few(known.iter().map(String::as_str));
            return Err(Error::usage(format!("{path}: the log is not of the cluster {cluster:?}; there is {names}")));
        }
        let (pods, workloads) = inventory.counts();
        notes.push(format!(
            "which pods use which Secrets is told by {path} too: {} and {} of the cluster {cluster} as it was when that \
             was saved",
            plural(pods as u64, "pod", "pods"),
            plural(workloads as u64, "workload", "workloads"),
        ));
        inventories.push((cluster, inventory));
    }
    Ok((session.with_inventories(&inventories)?, notes))
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Error::storage(path, error))
}
