//! The cluster: which node, pod, token and person exists at which time. All of it is a function of the seed and the
//! time, so that slices of the log generated apart from each other agree.

pub(crate) mod catalog;
mod plan;

use std::sync::Arc;

use uuid::Uuid;

use super::actor::{Actor, Credential, Rotation};
use super::dice::{self, Dice};
use super::rights::{Ledger, Rights};
use catalog::{CONTROLLERS, Form, OTHER_SECRETS, PEOPLE, Spec, WORKLOADS};
pub(crate) use plan::Errand;

/// Microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// How long a rollout takes until the new pods do the work.
pub(crate) const SETTLE: i64 = 45 * SECOND;
/// A kubelet renews a token of 3607 seconds after four fifths of that.
const TOKEN_PERIOD: i64 = 2_886 * SECOND;
/// The share of the events that may be token renewals, in thousandths: a short log of a long time renews less often.
const RENEWALS_PER_MILLE: i64 = 10;

const CONTROL_PLANE_NODES: usize = 3;
const NODES: usize = 12;
const KUBERNETES: &str = "v1.34.2 (linux/amd64) kubernetes/8cc511e";

/// A machine.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) uid: Uuid,
    pub(crate) ip: String,
}

/// The place of one replica, taken by one pod after the other.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) spec: &'static Spec,
    /// Its workload's index in the catalog.
    pub(crate) workload: usize,
    ordinal: usize,
    /// The number of the slot among those with an address of their own.
    address: usize,
}

impl Slot {
    /// Whether it is the first of its workload, which leads where one must.
    pub(crate) fn is_first(&self) -> bool {
        self.ordinal == 0
    }
}

/// A pod.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) spec: &'static Spec,
    pub(crate) name: String,
    pub(crate) uid: Uuid,
    pub(crate) ip: String,
    pub(crate) node: usize,
}

/// The whole cluster.
pub(crate) struct Cluster {
    pub(crate) seed: u64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) kubelets: Vec<Actor>,
    pub(crate) manager: Actor,
    pub(crate) controllers: Vec<Actor>,
    pub(crate) scheduler: Actor,
    pub(crate) apiserver: Actor,
    pub(crate) people: Vec<Actor>,
    pub(crate) deployer: Actor,
    /// Whose rights are counted.
    pub(crate) ledger: Arc<Ledger>,
    /// Every secret, as namespace and name.
    pub(crate) secrets: Vec<(&'static str, &'static str)>,
    token_period: i64,
    /// For each workload the times at which a rollout has settled.
    settled: Vec<Vec<i64>>,
    plan: Vec<(i64, Errand)>,
}

impl Cluster {
    /// The cluster of a seed while a log of so many events runs from `start` to `end`.
    pub(crate) fn new(seed: u64, start: i64, end: i64, events: u64) -> Self {
        let nodes: Vec<_> = (0..NODES).map(|index| node(seed, index)).collect();
        let slots = slots();
        let holders = i64::try_from(slots.len() + CONTROLLERS.len()).unwrap_or(1);
        let renewals = (i64::try_from(events).unwrap_or(i64::MAX) / 1000).saturating_mul(RENEWALS_PER_MILLE).max(1);
        let token_period = TOKEN_PERIOD.max(holders.saturating_mul((end - start) / renewals));
        let plan = plan::plan(seed, start, end, events);
        let mut settled = vec![Vec::new(); WORKLOADS.len()];
        for (at, errand) in &plan {
            if let Errand::Rollout { workload, .. } = errand {
                settled[*workload].push(at + SETTLE);
            }
        }
        let kubelets = nodes.iter().map(|node| kubelet(seed, node)).collect();
        let manager = component(seed, "kube-controller-manager", &nodes[0]);
        let scheduler = component(seed, "kube-scheduler", &nodes[1]);
        let controllers = CONTROLLERS.iter().map(|name| controller(seed, name, &nodes[0], token_period)).collect();
        let mut secrets: Vec<_> = WORKLOADS
            .iter()
            .flat_map(|spec| spec.secrets.iter().map(|name| (spec.namespace, *name)))
            .chain(OTHER_SECRETS.iter().copied())
            .collect();
        secrets.sort_unstable();
        secrets.dedup();
        let people = PEOPLE.iter().map(|person| human(seed, person)).collect();
        let (apiserver, deployer) = (apiserver(seed), deployer(seed));
        Self {
            seed,
            start,
            end,
            nodes,
            slots,
            kubelets,
            manager,
            controllers,
            scheduler,
            apiserver,
            people,
            deployer,
            ledger: Arc::default(),
            secrets,
            token_period,
            settled,
            plan,
        }
    }

    /// Counts from now on what these rights are used for, by everybody who has any.
    pub(crate) fn counting(mut self, rights: &Rights) -> Self {
        let pods = (0..self.slots.len()).filter(|slot| self.slots[*slot].is_first());
        let mut actors: Vec<Actor> = pods.map(|slot| self.pod_actor(slot, self.start)).collect();
        actors.extend(self.people.iter().chain(&self.controllers).cloned());
        actors.extend([&self.manager, &self.scheduler, &self.deployer].map(Actor::clone));
        actors.push(anonymous());
        let identities = actors.iter().map(|actor| (actor.name.clone(), actor.groups()));
        self.ledger = Arc::new(Ledger::new(rights, identities));
        self
    }

    /// What is due from `from` to before `until`.
    pub(crate) fn errands(&self, from: i64, until: i64) -> &[(i64, Errand)] {
        let first = self.plan.partition_point(|(at, _)| *at < from);
        let behind = self.plan.partition_point(|(at, _)| *at < until);
        &self.plan[first..behind]
    }

    /// How often the pods of this slot's workload were replaced by this time.
    pub(crate) fn generation(&self, slot: &Slot, at: i64) -> usize {
        self.settled[slot.workload].partition_point(|&settled| settled <= at)
    }

    /// The pod in this slot at this time.
    pub(crate) fn pod(&self, slot: usize, at: i64) -> Pod {
        self.pod_of(slot, self.generation(&self.slots[slot], at))
    }

    /// The pod in this slot after so many rollouts.
    pub(crate) fn pod_of(&self, slot: usize, generation: usize) -> Pod {
        let place = &self.slots[slot];
        let spec = place.spec;
        let number = (slot * 10_000 + generation) as u64;
        let node = match spec.form {
            Form::DaemonSet => place.ordinal,
            _ => CONTROL_PLANE_NODES + (slot + generation) % (NODES - CONTROL_PLANE_NODES),
        };
        let end = dice::suffix(self.seed, "pod", number, 5);
        let name = match spec.form {
            Form::Deployment => format!("{}-{end}", self.replicaset(place.workload, generation)),
            Form::StatefulSet => format!("{}-{}", spec.name, place.ordinal),
            Form::DaemonSet => format!("{}-{end}", spec.name),
        };
        let ip = if spec.host {
            self.nodes[node].ip.clone()
        } else {
            format!("10.244.{node}.{}", 2 + place.address * 2 + generation % 2)
        };
        Pod { spec, name, uid: dice::uuid(self.seed, "pod uid", number), ip, node }
    }

    /// The name of the replica set of a deployment after so many rollouts.
    pub(crate) fn replicaset(&self, workload: usize, generation: usize) -> String {
        let number = (workload * 10_000 + generation) as u64;
        format!("{}-{}", WORKLOADS[workload].name, dice::suffix(self.seed, "replicaset", number, 10))
    }

    /// The tokens of the pod in this slot.
    pub(crate) fn rotation(&self, slot: usize, pod: &Pod) -> Rotation {
        let phase = self.phase("slot", slot);
        Rotation { holder: pod.uid, phase, period: self.token_period }
    }

    fn phase(&self, purpose: &str, number: usize) -> i64 {
        let drawn = dice::low(dice::hash(self.seed, purpose, number as u64)) >> 1;
        drawn.cast_signed() % self.token_period
    }

    /// The account of the pod in this slot as it asks from inside its pod.
    pub(crate) fn pod_actor(&self, slot: usize, at: i64) -> Actor {
        let pod = self.pod(slot, at);
        let spec = pod.spec;
        let reason = if spec.role == "config-reader" {
            format!(
                r#"RBAC: allowed by RoleBinding "{name}-config-reader/{ns}" of Role "config-reader" to ServiceAccount "{name}/{ns}""#,
                name = spec.name,
                ns = spec.namespace
            )
        } else {
            format!(
                r#"RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" to ServiceAccount "{}/{}""#,
                spec.name,
                spec.namespace,
                role = spec.role
            )
        };
        let node = &self.nodes[pod.node];
        Actor::account(spec.namespace, spec.name, self.account_uid(spec.namespace, spec.name))
            .holding(Credential::Rotating(self.rotation(slot, &pod)))
            .bound((&node.name, node.uid), (&pod.name, pod.uid))
            .from(pod.ip)
            .using(spec.agent)
            .allowed(reason)
    }

    /// The uid of a service account.
    pub(crate) fn account_uid(&self, namespace: &str, name: &str) -> Uuid {
        dice::uuid(self.seed, &format!("account {namespace}/{name}"), 0)
    }

    /// The uid of any object that is named in a log.
    pub(crate) fn object_uid(&self, kind: &str, namespace: &str, name: &str) -> Uuid {
        dice::uuid(self.seed, &format!("{kind} {namespace}/{name}"), 0)
    }

    /// The first slot of a workload.
    ///
    /// # Panics
    ///
    /// If there is no such workload, which the tests of the attacks would show.
    pub(crate) fn slot(&self, namespace: &str, name: &str) -> usize {
        let found = self.slots.iter().position(|slot| slot.spec.namespace == namespace && slot.spec.name == name);
        found.expect("scenarios name workloads of the catalog")
    }

    /// The slots of a workload.
    pub(crate) fn slots_of(&self, workload: usize) -> impl Iterator<Item = usize> {
        self.slots.iter().enumerate().filter(move |(_, slot)| slot.workload == workload).map(|(index, _)| index)
    }

    /// One of the controllers, by the name of its account.
    ///
    /// # Panics
    ///
    /// If there is no such controller, which the tests would show.
    pub(crate) fn controller(&self, name: &str) -> &Actor {
        let found = CONTROLLERS.iter().position(|controller| *controller == name);
        &self.controllers[found.expect("traffic names controllers of the catalog")]
    }

    /// A worker node's index.
    pub(crate) fn worker(&self, dice: &mut Dice) -> usize {
        CONTROL_PLANE_NODES + dice.below(self.nodes.len() - CONTROL_PLANE_NODES)
    }

    /// The resource version of the cluster at this time: it only grows.
    pub(crate) fn version(&self, at: i64) -> u64 {
        8_400_000 + ((at - self.start).max(0) / 37_000).unsigned_abs()
    }
}

fn slots() -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut address = 0;
    for (workload, spec) in WORKLOADS.iter().enumerate() {
        let replicas = if spec.form == Form::DaemonSet { NODES } else { spec.replicas };
        for ordinal in 0..replicas {
            slots.push(Slot { spec, workload, ordinal, address });
            address += usize::from(!spec.host);
        }
    }
    slots
}

fn node(seed: u64, index: usize) -> Node {
    let name = match index.checked_sub(CONTROL_PLANE_NODES) {
        None => format!("control-{:02}", index + 1),
        Some(worker) => format!("worker-{:02}", worker + 1),
    };
    Node { uid: dice::uuid(seed, "node", index as u64), ip: format!("10.10.0.{}", index + 10), name }
}

fn kubelet(seed: u64, node: &Node) -> Actor {
    let user = format!("system:node:{}", node.name);
    Actor::user(&user, None, &["system:nodes", "system:authenticated"])
        .certified(seed, &user)
        .from(&node.ip)
        .using(format!("kubelet/{KUBERNETES}"))
}

fn component(seed: u64, name: &str, node: &Node) -> Actor {
    let user = format!("system:{name}");
    Actor::user(&user, None, &["system:authenticated"])
        .certified(seed, &user)
        .from(&node.ip)
        .using(format!("{name}/{KUBERNETES}"))
        .allowed(format!(r#"RBAC: allowed by ClusterRoleBinding "{user}" of ClusterRole "{user}" to User "{user}""#))
}

fn controller(seed: u64, name: &str, node: &Node, period: i64) -> Actor {
    let holder = dice::uuid(seed, &format!("controller {name}"), 0);
    let phase = dice::low(holder.as_u128()).cast_signed().rem_euclid(period);
    let role = format!("system:controller:{name}");
    let account = dice::uuid(seed, &format!("account kube-system/{name}"), 0);
    Actor::account("kube-system", name, account)
        .holding(Credential::Rotating(Rotation { holder, phase, period }))
        .from(&node.ip)
        .using(format!("kube-controller-manager/{KUBERNETES}/system:serviceaccount:kube-system:{name}"))
        .allowed(format!(
            r#"RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" to ServiceAccount "{name}/kube-system""#
        ))
}

fn apiserver(seed: u64) -> Actor {
    let uid = dice::uuid(seed, "apiserver", 0);
    Actor::user("system:apiserver", Some(uid), &["system:authenticated", "system:masters"])
        .from("::1")
        .using(format!("kube-apiserver/{KUBERNETES}"))
}

fn human(seed: u64, person: &catalog::Person) -> Actor {
    let group = person.group;
    let (binding, role) = if group == catalog::ADMINS { (group, "cluster-admin") } else { ("developers-view", "view") };
    Actor::user(person.name, None, &[group, "system:authenticated"])
        .certified(seed, person.name)
        .from(person.ip)
        .using(person.agent)
        .allowed(format!(
            r#"RBAC: allowed by ClusterRoleBinding "{binding}" of ClusterRole "{role}" to Group "{group}""#
        ))
}

/// Someone who did not say who they are.
pub(crate) fn anonymous() -> Actor {
    Actor::user("system:anonymous", None, &["system:unauthenticated"])
}

/// The account by which the build system deploys, with a token made before the log begins.
fn deployer(seed: u64) -> Actor {
    Actor::account("ci", "deployer", dice::uuid(seed, "account ci/deployer", 0))
        .holding(Credential::Token(dice::uuid(seed, "deployer token", 0)))
        .from("198.51.100.7")
        .using("Helm/3.18.4")
        .allowed(r#"RBAC: allowed by ClusterRoleBinding "ci-deployer" of ClusterRole "deployer" to ServiceAccount "deployer/ci""#)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn cluster() -> Cluster {
        Cluster::new(5, 0, DAY, 1_000_000)
    }

    #[test]
    fn pods_that_live_at_the_same_time_have_names_and_addresses_of_their_own() {
        let cluster = cluster();
        for at in [0, DAY / 2, DAY - 1] {
            let pods: Vec<_> = (0..cluster.slots.len()).map(|slot| cluster.pod(slot, at)).collect();
            let names: HashSet<_> = pods.iter().map(|pod| (pod.spec.namespace, &pod.name)).collect();
            assert_eq!(names.len(), pods.len());
            let own: Vec<_> = pods.iter().filter(|pod| !pod.spec.host).map(|pod| &pod.ip).collect();
            assert_eq!(own.iter().collect::<HashSet<_>>().len(), own.len());
        }
    }

    #[test]
    fn a_rollout_replaces_the_pods_of_its_workload() {
        let cluster = cluster();
        let slot = cluster.slot("web", "frontend");
        let (first, last) = (cluster.pod(slot, 0), cluster.pod(slot, DAY - 1));
        assert_ne!(first.name, last.name);
        assert_ne!(first.uid, last.uid);
        let quiet = cluster.slot("backup", "velero");
        assert_eq!(cluster.pod(quiet, 0).name, cluster.pod(quiet, DAY - 1).name);
    }

    #[test]
    fn a_secret_that_two_workloads_mount_is_one_secret() {
        let secrets = cluster().secrets;
        assert_eq!(secrets.iter().filter(|secret| **secret == ("argocd", "argocd-redis")).count(), 1);
    }
}
