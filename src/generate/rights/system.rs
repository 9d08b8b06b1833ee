//! What comes with Kubernetes: the roles of its components, and those that people are given.

use super::{Kind, Rights, Role, Rule, Subject, rule, urls};
use crate::generate::cluster::catalog::{ADMINS, CONTROLLERS, DEVELOPERS};

const READ: &str = "get list watch";
const WRITE: &str = "create delete deletecollection patch update";

/// Adds them.
pub(super) fn add(rights: &mut Rights) {
    for_everybody(rights);
    for_people(rights);
    components(rights);
    for name in CONTROLLERS {
        let subject = Subject::Account("kube-system", (*name).to_owned());
        let mut rules = controller(name);
        rules.push(rule("create patch update", "core events.k8s.io", "events"));
        rights.cluster_wide(&format!("system:controller:{name}"), rules, subject);
    }
}

fn for_everybody(rights: &mut Rights) {
    let all = vec![rule("*", "*", "*"), urls("*", "*")];
    rights.cluster_role("cluster-admin", all);
    let role = (Kind::ClusterRole, "cluster-admin");
    rights.bind("", "cluster-admin", role, vec![Subject::Group("system:masters")]);
    rights.cluster_role(
        "system:basic-user",
        vec![
            rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
            rule("create", "authentication.k8s.io", "selfsubjectreviews"),
        ],
    );
    let paths = "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/";
    rights.cluster_role("system:discovery", vec![urls("get", paths)]);
    for name in ["system:basic-user", "system:discovery"] {
        rights.bind("", name, (Kind::ClusterRole, name), vec![Subject::Group("system:authenticated")]);
    }
    let name = "system:public-info-viewer";
    rights.cluster_role(name, vec![urls("get", "/healthz /livez /readyz /version /version/")]);
    let subjects = vec![Subject::Group("system:authenticated"), Subject::Group("system:unauthenticated")];
    rights.bind("", name, (Kind::ClusterRole, name), subjects);
    let reviews = vec![
        rule("create", "authentication.k8s.io", "tokenreviews"),
        rule("create", "authorization.k8s.io", "subjectaccessreviews"),
    ];
    rights.cluster_role("system:auth-delegator", reviews);
    // a dashboard was once shown to the whole world
    let shown = "configmaps namespaces nodes pods secrets services";
    rights.cluster_role("view-everything", vec![rule(READ, "core", shown)]);
    let role = (Kind::ClusterRole, "view-everything");
    rights.bind("", "dashboard-public", role, vec![Subject::Group("system:unauthenticated")]);
}

fn for_people(rights: &mut Rights) {
    let mut collected: Vec<Rule> = Vec::new();
    // who may edit may also view, and who administers may also edit
    for (role, part_of, parts) in [
        ("view", "edit", vec![("system:aggregate-to-view", view()), ("system:aggregated-metrics-reader", metrics())]),
        ("edit", "admin", vec![("system:aggregate-to-edit", edit())]),
        ("admin", "", vec![("system:aggregate-to-admin", admin())]),
    ] {
        for (name, rules) in parts {
            collected.extend(rules.iter().cloned());
            rights.roles.push(Role { namespace: "", name: name.to_owned(), rules, part_of: role, collects: false });
        }
        let rules = collected.clone();
        rights.roles.push(Role { namespace: "", name: role.to_owned(), rules, part_of, collects: true });
    }
    let admins = (Kind::ClusterRole, "cluster-admin");
    rights.bind("", ADMINS, admins, vec![Subject::Group(ADMINS)]);
    let developers = || vec![Subject::Group(DEVELOPERS)];
    rights.bind("", "developers-view", (Kind::ClusterRole, "view"), developers());
    let edit = (Kind::ClusterRole, "edit");
    for namespace in ["dev", "staging"] {
        rights.bind(namespace, "developers-edit", edit, developers());
    }
    // given for a day, and never taken back
    rights.bind("payments", "incident-4711", edit, developers());
    rights.bind("data", "developers-debug", edit, developers());
    rights.bind("web", "web-team-edit", edit, vec![Subject::Group("web-team")]);
}

fn view() -> Vec<Rule> {
    let own = "configmaps endpoints persistentvolumeclaims pods replicationcontrollers serviceaccounts services";
    let told = "events limitranges namespaces pods/log pods/status resourcequotas";
    vec![
        rule(READ, "core", own),
        rule(READ, "core", told),
        rule(READ, "apps", "controllerrevisions daemonsets deployments replicasets statefulsets"),
        rule(READ, "batch", "cronjobs jobs"),
        rule(READ, "discovery.k8s.io", "endpointslices"),
        rule(READ, "networking.k8s.io", "ingresses networkpolicies"),
    ]
}

fn metrics() -> Vec<Rule> {
    vec![rule(READ, "metrics.k8s.io", "nodes pods")]
}

fn edit() -> Vec<Rule> {
    vec![
        rule(READ, "core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
        rule("impersonate", "core", "serviceaccounts"),
        rule(WRITE, "core", "pods pods/attach pods/exec pods/portforward pods/proxy"),
        rule(WRITE, "core", "configmaps persistentvolumeclaims secrets serviceaccounts services"),
        rule("create", "core", "serviceaccounts/token"),
        rule(WRITE, "apps", "daemonsets deployments deployments/scale replicasets statefulsets"),
        rule(WRITE, "batch", "cronjobs jobs"),
        rule(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
    ]
}

fn admin() -> Vec<Rule> {
    let all = "create delete deletecollection get list patch update watch";
    vec![
        rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
        rule(all, "rbac.authorization.k8s.io", "rolebindings roles"),
    ]
}

/// The control plane. Nodes are not here: another authorizer knows what runs on each.
fn components(rights: &mut Rights) {
    let leases = || rule("create get update", "coordination.k8s.io", "leases");
    let events = || rule("create patch update", "core events.k8s.io", "events");
    let manager = vec![
        events(),
        leases(),
        rule("create get", "core", "configmaps namespaces secrets serviceaccounts"),
        rule("delete", "core", "secrets"),
        rule("update", "core", "secrets serviceaccounts"),
        rule("create", "core", "serviceaccounts/token"),
        rule("create", "authentication.k8s.io", "tokenreviews"),
        rule("create", "authorization.k8s.io", "subjectaccessreviews"),
        rule("list watch", "*", "*"),
    ];
    let scheduler = vec![
        events(),
        leases(),
        rule(READ, "core", "namespaces nodes pods services"),
        rule("delete", "core", "pods"),
        rule("create", "core", "bindings pods/binding"),
        rule("patch update", "core", "pods/status"),
        rule(READ, "apps", "replicasets statefulsets"),
        rule(READ, "storage.k8s.io", "csidrivers csinodes storageclasses"),
    ];
    for (name, rules) in [("system:kube-controller-manager", manager), ("system:kube-scheduler", scheduler)] {
        rights.cluster_wide(name, rules, Subject::User(name.to_owned()));
    }
    let node = vec![
        rule("create get list patch update watch", "core", "nodes"),
        rule("patch update", "core", "nodes/status pods/status"),
        rule("create delete get list watch", "core", "pods"),
        rule(READ, "core", "configmaps secrets services"),
        rule("create", "core", "serviceaccounts/token"),
    ];
    rights.cluster_role("system:node", node);
    rights.bind("", "system:node", (Kind::ClusterRole, "system:node"), Vec::new());
}

/// What a controller has besides the right to tell events.
fn controller(name: &str) -> Vec<Rule> {
    let pods = || rule("create delete get list patch watch", "core", "pods");
    match name {
        "deployment-controller" => vec![
            rule("get list update watch", "apps", "deployments"),
            rule("update", "apps", "deployments/finalizers deployments/status"),
            rule("create delete get list patch update watch", "apps", "replicasets"),
            rule("get list update watch", "core", "pods"),
        ],
        "replicaset-controller" => vec![
            rule("get list update watch", "apps", "replicasets"),
            rule("update", "apps", "replicasets/finalizers replicasets/status"),
            pods(),
        ],
        "statefulset-controller" => vec![
            rule(READ, "apps", "statefulsets"),
            rule("update", "apps", "statefulsets/finalizers statefulsets/status"),
            rule("create delete get list patch update watch", "apps", "controllerrevisions"),
            rule("create get", "core", "persistentvolumeclaims"),
            pods(),
        ],
        "daemon-set-controller" => vec![
            rule(READ, "apps", "daemonsets"),
            rule("update", "apps", "daemonsets/finalizers daemonsets/status"),
            rule("list watch", "core", "nodes"),
            pods(),
        ],
        "job-controller" => vec![
            rule("get list patch update watch", "batch", "jobs"),
            rule("update", "batch", "jobs/finalizers jobs/status"),
            pods(),
        ],
        _ => small_controller(name),
    }
}

/// As [`controller`], of those that look after no pods of their own, and of those that clean up.
fn small_controller(name: &str) -> Vec<Rule> {
    match name {
        "endpointslice-controller" => vec![
            rule(READ, "core", "nodes pods services"),
            rule("create delete get list update", "discovery.k8s.io", "endpointslices"),
        ],
        "cronjob-controller" => vec![
            rule("get list update watch", "batch", "cronjobs"),
            rule("update", "batch", "cronjobs/finalizers cronjobs/status"),
            rule("create delete get list patch update watch", "batch", "jobs"),
        ],
        _ => keeper(name),
    }
}

/// What a controller has that looks after what others made.
fn keeper(name: &str) -> Vec<Rule> {
    match name {
        "horizontal-pod-autoscaler" => vec![
            rule(READ, "autoscaling", "horizontalpodautoscalers"),
            rule("get update", "*", "*/scale"),
            rule("list", "metrics.k8s.io", "pods"),
        ],
        "node-controller" => vec![
            rule("delete get list patch update", "core", "nodes"),
            rule("patch update", "core", "nodes/status pods/status"),
            rule("delete list", "core", "pods"),
        ],
        "namespace-controller" => vec![
            rule("delete get list watch", "core", "namespaces"),
            rule("update", "core", "namespaces/finalize namespaces/status"),
            rule("delete deletecollection get list", "*", "*"),
        ],
        "generic-garbage-collector" => vec![rule("delete get list patch update watch", "*", "*")],
        "resourcequota-controller" => {
            vec![rule("list watch", "*", "*"), rule("update", "core", "resourcequotas/status")]
        }
        "certificate-controller" => vec![
            rule("delete get list watch", "certificates.k8s.io", "certificatesigningrequests"),
            rule(
                "update",
                "certificates.k8s.io",
                "certificatesigningrequests/approval certificatesigningrequests/status",
            ),
            rule("create", "authorization.k8s.io", "subjectaccessreviews"),
        ],
        "pod-garbage-collector" => vec![rule("delete list watch", "core", "pods"), rule("get list", "core", "nodes")],
        "ttl-after-finished-controller" => vec![rule("delete get list watch", "batch", "jobs")],
        _ => Vec::new(),
    }
}
