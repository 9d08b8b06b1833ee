//! What runs in the cluster: namespaces, workloads, their secrets, their habits, and the people who work on it.

use crate::generate::call::{
    APPLICATIONS, CERTIFICATES, CLUSTERROLEBINDINGS, CLUSTERROLES, CONFIGMAPS, CRDS, DEPLOYMENTS, ENDPOINTS,
    ENDPOINTSLICES, EXTERNAL_SECRETS, INGRESSES, MUTATING_WEBHOOKS, NAMESPACES, NODES, PODS, ROLEBINDINGS, ROLES,
    Resource, SECRETS, SERVICEACCOUNTS, SERVICES, STATEFULSETS, VALIDATING_WEBHOOKS,
};

/// What keeps the pods of a workload alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Deployment,
    StatefulSet,
    DaemonSet,
}

/// A workload and what its pods do all day.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) replicas: usize,
    /// Whether its pods share their node's address.
    pub(crate) host: bool,
    /// How its client calls itself.
    pub(crate) agent: &'static str,
    /// The cluster role that its account is bound to.
    pub(crate) role: &'static str,
    /// Secrets of its namespace that its pods mount.
    pub(crate) secrets: &'static [&'static str],
    /// The config map of its namespace that its pods mount.
    pub(crate) config: &'static str,
    /// Its leader election lease; empty for none.
    pub(crate) lease: &'static str,
    /// What its informers watch in the whole cluster.
    pub(crate) watches: &'static [&'static Resource],
    /// What it reads by name again and again.
    pub(crate) reads: &'static [Read],
    /// How often it asks the API server, compared with the others; 0 for never.
    pub(crate) chatter: usize,
    /// How often it is rolled out, in a day.
    pub(crate) rollouts: i64,
}

/// An object that a workload reads by name: resource, namespace (empty for cluster scope), name.
pub(crate) type Read = (&'static Resource, &'static str, &'static str);

/// An application that its team rolls out and that does not know of Kubernetes.
const APP: Spec = Spec {
    namespace: "",
    name: "",
    form: Form::Deployment,
    replicas: 2,
    host: false,
    agent: "Go-http-client/2.0",
    role: "config-reader",
    secrets: &[],
    config: "settings",
    lease: "",
    watches: &[],
    reads: &[],
    chatter: 0,
    rollouts: 3,
};

/// A part of the platform, which runs as it is for months.
const PLATFORM: Spec = Spec { rollouts: 0, ..APP };

pub(crate) const WORKLOADS: &[Spec] = &[
    Spec { namespace: "shop", name: "storefront", replicas: 3, secrets: &["storefront-session"], ..APP },
    Spec { namespace: "shop", name: "catalog", replicas: 2, secrets: &["catalog-db"], rollouts: 4, ..APP },
    Spec {
        namespace: "shop",
        name: "cart",
        replicas: 3,
        secrets: &["cart-redis", "registry-pull"],
        lease: "cart-sweeper",
        agent: "cart/v0.0.0 (linux/amd64) kubernetes/$Format",
        reads: &[(&CONFIGMAPS, "shop", "cart-flags")],
        chatter: 2,
        ..APP
    },
    Spec { namespace: "shop", name: "search", secrets: &["search-index-key"], rollouts: 2, ..APP },
    Spec {
        namespace: "payments",
        name: "checkout",
        replicas: 3,
        secrets: &["checkout-db", "card-gateway"],
        lease: "checkout-outbox",
        agent: "checkout/v0.0.0 (linux/amd64) kubernetes/$Format",
        reads: &[(&CONFIGMAPS, "payments", "checkout-limits")],
        chatter: 3,
        ..APP
    },
    Spec { namespace: "payments", name: "ledger", secrets: &["ledger-db", "ledger-signing-key"], rollouts: 1, ..APP },
    Spec { namespace: "payments", name: "fraud-score", secrets: &["fraud-model-token"], rollouts: 2, ..APP },
    Spec { namespace: "web", name: "frontend", replicas: 4, secrets: &["frontend-oauth"], rollouts: 5, ..APP },
    Spec { namespace: "web", name: "blog", secrets: &["blog-admin"], rollouts: 1, ..APP },
    Spec { namespace: "web", name: "mailer", secrets: &["smtp-relay"], rollouts: 1, ..APP },
    Spec { namespace: "dev", name: "sandbox-api", secrets: &["sandbox-db"], rollouts: 6, ..APP },
    Spec { namespace: "staging", name: "checkout", secrets: &["checkout-db"], rollouts: 4, ..APP },
    Spec {
        namespace: "data",
        name: "postgres",
        form: Form::StatefulSet,
        replicas: 3,
        agent: "Patroni/4.0.6 Python/3.12.4 (Linux)",
        secrets: &["postgres-superuser", "postgres-replication"],
        reads: &[(&ENDPOINTS, "data", "postgres"), (&CONFIGMAPS, "data", "postgres-config")],
        chatter: 5,
        ..PLATFORM
    },
    Spec {
        namespace: "data",
        name: "kafka",
        form: Form::StatefulSet,
        replicas: 3,
        secrets: &["kafka-tls"],
        ..PLATFORM
    },
    Spec { namespace: "data", name: "redis", form: Form::StatefulSet, secrets: &["redis-auth"], ..PLATFORM },
    Spec {
        namespace: "monitoring",
        name: "prometheus",
        form: Form::StatefulSet,
        agent: "Prometheus/3.5.0",
        role: "prometheus-k8s",
        secrets: &["prometheus-remote-write"],
        watches: &[&PODS, &SERVICES, &ENDPOINTSLICES, &NODES],
        reads: &[(&SECRETS, "monitoring", "prometheus-remote-write"), (&SECRETS, "monitoring", "prometheus-tls")],
        chatter: 3,
        ..PLATFORM
    },
    Spec {
        namespace: "monitoring",
        name: "kube-state-metrics",
        replicas: 1,
        agent: "kube-state-metrics/v2.16.0 (linux/amd64) kube-state-metrics/f3b1c07",
        role: "kube-state-metrics",
        watches: &[&PODS, &DEPLOYMENTS, &STATEFULSETS, &NODES, &CONFIGMAPS, &INGRESSES, &NAMESPACES],
        chatter: 1,
        ..PLATFORM
    },
    Spec {
        namespace: "monitoring",
        name: "grafana",
        replicas: 1,
        agent: "OpenAPI-Generator/33.1.0/python",
        secrets: &["grafana-admin"],
        reads: &[(&CONFIGMAPS, "monitoring", "grafana-dashboards")],
        chatter: 2,
        ..PLATFORM
    },
    Spec { namespace: "monitoring", name: "node-exporter", form: Form::DaemonSet, host: true, ..PLATFORM },
    Spec {
        namespace: "argocd",
        name: "argocd-application-controller",
        form: Form::StatefulSet,
        replicas: 1,
        agent: "argocd-application-controller/v3.1.6 (linux/amd64) kubernetes/$Format",
        role: "argocd-application-controller",
        secrets: &["argocd-redis"],
        watches: &[&SECRETS, &APPLICATIONS, &CONFIGMAPS, &DEPLOYMENTS, &SERVICES, &ROLES, &ROLEBINDINGS, &CRDS],
        reads: &[
            (&SECRETS, "argocd", "argocd-secret"),
            (&SECRETS, "argocd", "cluster-main"),
            (&SECRETS, "argocd", "repo-manifests"),
            (&CONFIGMAPS, "argocd", "argocd-cm"),
            (&CONFIGMAPS, "argocd", "argocd-rbac-cm"),
            (&DEPLOYMENTS, "shop", "storefront"),
            (&DEPLOYMENTS, "web", "frontend"),
            (&DEPLOYMENTS, "payments", "checkout"),
            (&SERVICEACCOUNTS, "shop", "cart"),
            (&SERVICEACCOUNTS, "payments", "checkout"),
            (&ROLEBINDINGS, "shop", "cart-config-reader"),
            (&ROLEBINDINGS, "payments", "checkout-config-reader"),
            (&ROLES, "monitoring", "prometheus-config"),
            (&CLUSTERROLES, "", "cert-manager-controller-certificates"),
            (&CLUSTERROLES, "", "external-secrets-controller"),
            (&CLUSTERROLEBINDINGS, "", "external-secrets-controller"),
            (&CLUSTERROLEBINDINGS, "", "prometheus-k8s"),
            (&NAMESPACES, "", "shop"),
            (&NAMESPACES, "", "payments"),
            (&SERVICES, "web", "frontend"),
            (&CRDS, "", "certificates.cert-manager.io"),
        ],
        chatter: 24,
        ..PLATFORM
    },
    Spec {
        namespace: "argocd",
        name: "argocd-server",
        agent: "argocd-server/v3.1.6 (linux/amd64) kubernetes/$Format",
        role: "argocd-server",
        watches: &[&APPLICATIONS],
        reads: &[(&SECRETS, "argocd", "argocd-secret"), (&CONFIGMAPS, "argocd", "argocd-cm")],
        chatter: 4,
        ..PLATFORM
    },
    Spec { namespace: "argocd", name: "argocd-repo-server", secrets: &["argocd-redis"], ..PLATFORM },
    Spec {
        namespace: "cert-manager",
        name: "cert-manager",
        agent: "cert-manager-controller/v1.18.2 (linux/amd64) cert-manager/a14f6b0",
        role: "cert-manager-controller-certificates",
        lease: "cert-manager-controller",
        watches: &[&SECRETS, &CERTIFICATES, &INGRESSES, &PODS],
        reads: &[
            (&SECRETS, "cert-manager", "letsencrypt-account-key"),
            (&SECRETS, "cert-manager", "route53-credentials"),
            (&SECRETS, "shop", "storefront-tls"),
            (&SECRETS, "web", "frontend-tls"),
            (&SECRETS, "payments", "checkout-tls"),
            (&INGRESSES, "shop", "storefront"),
        ],
        chatter: 7,
        ..PLATFORM
    },
    Spec {
        namespace: "cert-manager",
        name: "cert-manager-cainjector",
        agent: "cainjector/v1.18.2 (linux/amd64) cert-manager/a14f6b0",
        role: "cert-manager-cainjector",
        lease: "cert-manager-cainjector-leader-election",
        watches: &[&SECRETS, &CRDS, &MUTATING_WEBHOOKS, &VALIDATING_WEBHOOKS],
        reads: &[
            (&SECRETS, "cert-manager", "cert-manager-webhook-ca"),
            (&CRDS, "", "issuers.cert-manager.io"),
            (&VALIDATING_WEBHOOKS, "", "cert-manager-webhook"),
        ],
        chatter: 3,
        ..PLATFORM
    },
    Spec {
        namespace: "cert-manager",
        name: "cert-manager-webhook",
        agent: "webhook/v1.18.2 (linux/amd64) cert-manager/a14f6b0",
        role: "cert-manager-webhook:subjectaccessreviews",
        reads: &[(&SECRETS, "cert-manager", "cert-manager-webhook-ca")],
        chatter: 1,
        ..PLATFORM
    },
    Spec {
        namespace: "external-secrets",
        name: "external-secrets",
        agent: "external-secrets/v0.0.0 (linux/amd64) kubernetes/$Format",
        role: "external-secrets-controller",
        lease: "external-secrets-controller",
        watches: &[&SECRETS, &EXTERNAL_SECRETS, &NAMESPACES, &SERVICEACCOUNTS],
        reads: &[
            (&SECRETS, "external-secrets", "vault-approle"),
            (&SECRETS, "external-secrets", "external-secrets-webhook"),
            (&SECRETS, "shop", "catalog-db"),
            (&SECRETS, "payments", "card-gateway"),
            (&SECRETS, "data", "postgres-superuser"),
            (&NAMESPACES, "", "payments"),
        ],
        chatter: 8,
        ..PLATFORM
    },
    Spec {
        namespace: "ingress-nginx",
        name: "ingress-nginx-controller",
        agent: "nginx-ingress-controller/v1.13.2 (linux/amd64) ingress-nginx/1d0c2aa",
        role: "ingress-nginx",
        lease: "ingress-nginx-leader",
        watches: &[&SECRETS, &INGRESSES, &SERVICES, &ENDPOINTSLICES, &CONFIGMAPS],
        reads: &[
            (&SECRETS, "ingress-nginx", "ingress-nginx-admission"),
            (&SECRETS, "ingress-nginx", "default-tls"),
            (&CONFIGMAPS, "ingress-nginx", "ingress-nginx-controller"),
        ],
        chatter: 4,
        ..PLATFORM
    },
    Spec {
        namespace: "kube-system",
        name: "coredns",
        agent: "coredns/v0.0.0 (linux/amd64) kubernetes/$Format",
        role: "system:coredns",
        config: "coredns",
        watches: &[&ENDPOINTSLICES, &SERVICES, &NAMESPACES],
        ..PLATFORM
    },
    Spec {
        namespace: "kube-system",
        name: "metrics-server",
        agent: "metrics-server/v0.8.0 (linux/amd64) metrics-server/53a1f0e",
        role: "system:metrics-server",
        watches: &[&PODS, &NODES],
        reads: &[(&CONFIGMAPS, "kube-system", "extension-apiserver-authentication")],
        chatter: 3,
        ..PLATFORM
    },
    Spec {
        namespace: "kube-system",
        name: "kube-proxy",
        form: Form::DaemonSet,
        host: true,
        agent: "kube-proxy/v1.34.2 (linux/amd64) kubernetes/8cc511e",
        role: "system:node-proxier",
        config: "kube-proxy",
        watches: &[&SERVICES, &ENDPOINTSLICES, &NODES],
        ..PLATFORM
    },
    Spec {
        namespace: "kube-system",
        name: "csi-controller",
        agent: "csi-provisioner/v5.3.0 (linux/amd64) kubernetes/$Format/leader-election",
        role: "csi-provisioner",
        lease: "ebs-csi-aws-com",
        secrets: &["csi-cloud-credentials"],
        watches: &[&NODES],
        reads: &[(&NODES, "", "worker-02"), (&CONFIGMAPS, "kube-system", "csi-settings")],
        chatter: 2,
        ..PLATFORM
    },
    Spec {
        namespace: "logging",
        name: "fluent-bit",
        form: Form::DaemonSet,
        agent: "Fluent-Bit",
        role: "fluent-bit",
        secrets: &["log-store-credentials"],
        reads: &[(&NAMESPACES, "", "shop"), (&NAMESPACES, "", "web"), (&NAMESPACES, "", "payments")],
        chatter: 4,
        ..PLATFORM
    },
    Spec {
        namespace: "backup",
        name: "velero",
        replicas: 1,
        agent: "velero-server/v1.16.2 (linux/amd64) 3d8b0c9",
        role: "velero-server",
        secrets: &["cloud-credentials"],
        reads: &[(&SECRETS, "backup", "cloud-credentials"), (&SECRETS, "backup", "velero-repo-credentials")],
        chatter: 2,
        ..PLATFORM
    },
];

/// What runs by the clock.
pub(crate) const JOBS: &[Spec] = &[
    Spec { namespace: "data", name: "warehouse-load", secrets: &["postgres-replication"], ..APP },
    Spec { namespace: "payments", name: "settlement", secrets: &["ledger-db"], ..APP },
    Spec { namespace: "shop", name: "feed-export", secrets: &["catalog-db"], ..APP },
    Spec { namespace: "backup", name: "database-dump", secrets: &["cloud-credentials"], ..APP },
];

/// The namespaces where applications run.
pub(crate) const APP_NAMESPACES: &[&str] = &["shop", "payments", "web", "data", "dev", "staging"];

/// All namespaces.
pub(crate) const ALL_NAMESPACES: &[&str] = &[
    "shop",
    "payments",
    "web",
    "data",
    "dev",
    "staging",
    "monitoring",
    "argocd",
    "cert-manager",
    "external-secrets",
    "ingress-nginx",
    "kube-system",
    "logging",
    "backup",
    "ci",
    "default",
];

/// Secrets that no pod mounts: certificates, keys, and releases from before the log, whose rollouts make those from v41
/// on.
pub(crate) const OTHER_SECRETS: &[(&str, &str)] = &[
    ("shop", "storefront-tls"),
    ("shop", "sh.helm.release.v1.storefront.v40"),
    ("payments", "checkout-tls"),
    ("payments", "pci-vault-unseal"),
    ("payments", "sh.helm.release.v1.checkout.v40"),
    ("web", "frontend-tls"),
    ("web", "sh.helm.release.v1.frontend.v40"),
    ("data", "backup-encryption-key"),
    ("argocd", "argocd-secret"),
    ("argocd", "argocd-initial-admin-secret"),
    ("cert-manager", "letsencrypt-account-key"),
    ("cert-manager", "route53-credentials"),
    ("external-secrets", "vault-approle"),
    ("kube-system", "cloud-controller-credentials"),
    ("ingress-nginx", "default-tls"),
    ("ci", "deployer-kubeconfig"),
];

/// A person: name, group, address, client.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) group: &'static str,
    pub(crate) ip: &'static str,
    pub(crate) agent: &'static str,
}

/// The group of those who run the cluster; the others develop.
pub(crate) const ADMINS: &str = "platform-admins";
/// The group of those who may edit `dev` and `staging` and look at the rest.
pub(crate) const DEVELOPERS: &str = "developers";

pub(crate) const PEOPLE: &[Person] = &[
    Person {
        name: "anna@example.com",
        group: ADMINS,
        ip: "198.51.100.21",
        agent: "kubectl/v1.34.1 (darwin/arm64) kubernetes/93248f9",
    },
    Person {
        name: "bela@example.com",
        group: ADMINS,
        ip: "198.51.100.34",
        agent: "kubectl/v1.33.4 (linux/amd64) kubernetes/74cdb42",
    },
    Person {
        name: "chidi@example.com",
        group: DEVELOPERS,
        ip: "198.51.100.40",
        agent: "kubectl/v1.34.1 (darwin/arm64) kubernetes/93248f9",
    },
    Person {
        name: "dora@example.com",
        group: DEVELOPERS,
        ip: "198.51.100.52",
        agent: "kubectl/v1.32.9 (windows/amd64) kubernetes/cb1b0f4",
    },
    Person {
        name: "emil@example.com",
        group: DEVELOPERS,
        ip: "198.51.100.66",
        agent: "k9s/v0.50.9 (linux/amd64) kubernetes/$Format",
    },
];

/// The controllers inside kube-controller-manager that have their own account.
pub(crate) const CONTROLLERS: &[&str] = &[
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemon-set-controller",
    "endpointslice-controller",
    "job-controller",
    "cronjob-controller",
    "horizontal-pod-autoscaler",
    "node-controller",
    "namespace-controller",
    "generic-garbage-collector",
    "resourcequota-controller",
    "certificate-controller",
    "pod-garbage-collector",
    "ttl-after-finished-controller",
];
