//! A request to the API server as a scenario tells it: verb, resource, name, outcome, bodies. The request line, the
//! object reference and the audit level follow from these.

use std::borrow::Cow;

use uuid::Uuid;

/// A kind of object: its API group (empty: core), version and resource.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) name: &'static str,
}

const fn core(name: &'static str) -> Resource {
    Resource { group: "", version: "v1", name }
}

const fn v1(group: &'static str, name: &'static str) -> Resource {
    Resource { group, version: "v1", name }
}

const RBAC: &str = "rbac.authorization.k8s.io";

pub(crate) const CONFIGMAPS: Resource = core("configmaps");
pub(crate) const ENDPOINTS: Resource = core("endpoints");
pub(crate) const EVENTS: Resource = core("events");
pub(crate) const NAMESPACES: Resource = core("namespaces");
pub(crate) const NODES: Resource = core("nodes");
pub(crate) const PODS: Resource = core("pods");
pub(crate) const SECRETS: Resource = core("secrets");
pub(crate) const SERVICEACCOUNTS: Resource = core("serviceaccounts");
pub(crate) const SERVICES: Resource = core("services");
pub(crate) const DAEMONSETS: Resource = v1("apps", "daemonsets");
pub(crate) const DEPLOYMENTS: Resource = v1("apps", "deployments");
pub(crate) const REPLICASETS: Resource = v1("apps", "replicasets");
pub(crate) const STATEFULSETS: Resource = v1("apps", "statefulsets");
pub(crate) const CRONJOBS: Resource = v1("batch", "cronjobs");
pub(crate) const JOBS: Resource = v1("batch", "jobs");
pub(crate) const LEASES: Resource = v1("coordination.k8s.io", "leases");
pub(crate) const ENDPOINTSLICES: Resource = v1("discovery.k8s.io", "endpointslices");
pub(crate) const INGRESSES: Resource = v1("networking.k8s.io", "ingresses");
pub(crate) const ROLES: Resource = v1(RBAC, "roles");
pub(crate) const ROLEBINDINGS: Resource = v1(RBAC, "rolebindings");
pub(crate) const CLUSTERROLES: Resource = v1(RBAC, "clusterroles");
pub(crate) const CLUSTERROLEBINDINGS: Resource = v1(RBAC, "clusterrolebindings");
pub(crate) const CRDS: Resource = v1("apiextensions.k8s.io", "customresourcedefinitions");
pub(crate) const CSRS: Resource = v1("certificates.k8s.io", "certificatesigningrequests");
pub(crate) const CSINODES: Resource = v1("storage.k8s.io", "csinodes");
pub(crate) const CSIDRIVERS: Resource = v1("storage.k8s.io", "csidrivers");
pub(crate) const RUNTIMECLASSES: Resource = v1("node.k8s.io", "runtimeclasses");
pub(crate) const MUTATING_WEBHOOKS: Resource = v1("admissionregistration.k8s.io", "mutatingwebhookconfigurations");
pub(crate) const VALIDATING_WEBHOOKS: Resource = v1("admissionregistration.k8s.io", "validatingwebhookconfigurations");
pub(crate) const ACCESS_REVIEWS: Resource = v1("authorization.k8s.io", "subjectaccessreviews");
pub(crate) const SELF_ACCESS_REVIEWS: Resource = v1("authorization.k8s.io", "selfsubjectaccessreviews");
pub(crate) const SELF_RULES_REVIEWS: Resource = v1("authorization.k8s.io", "selfsubjectrulesreviews");
pub(crate) const TOKEN_REVIEWS: Resource = v1("authentication.k8s.io", "tokenreviews");
pub(crate) const APPLICATIONS: Resource = Resource { group: "argoproj.io", version: "v1alpha1", name: "applications" };
pub(crate) const CERTIFICATES: Resource = v1("cert-manager.io", "certificates");
pub(crate) const EXTERNAL_SECRETS: Resource = v1("external-secrets.io", "externalsecrets");
pub(crate) const POD_METRICS: Resource = Resource { group: "metrics.k8s.io", version: "v1beta1", name: "pods" };

/// What the API server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome<'a> {
    /// 200, 201 for a create, 101 for an upgraded connection.
    Done,
    /// 101: the connection now carries a stream.
    Upgraded,
    /// 403 from the authorizer.
    Forbidden,
    /// 403 from admission or from the escalation check, with its message: authorization itself said yes.
    Refused(&'a str),
    /// 404.
    NotFound,
    /// 409: someone else changed the object first.
    Conflict,
    /// 410: the watch began too far in the past.
    Expired,
    /// 401: nobody knows who asked.
    Unauthorized,
}

/// The level at which the audit policy of this cluster records a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Metadata,
    Request,
    RequestResponse,
}

/// One request. Texts are unescaped, bodies are JSON.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) verb: &'a str,
    /// None for a path that is not a resource.
    pub(crate) resource: Option<&'static Resource>,
    /// The path of a request without a resource.
    pub(crate) path: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) subresource: &'a str,
    /// What follows the subresource in the path of a proxy request, with its slash.
    pub(crate) rest: &'a str,
    pub(crate) query: Cow<'a, str>,
    pub(crate) uid: Option<Uuid>,
    /// The resource version that an update was based on; 0 for none.
    pub(crate) version: u64,
    pub(crate) outcome: Outcome<'a>,
    pub(crate) request: Cow<'a, str>,
    pub(crate) response: Cow<'a, str>,
    /// Why the authorizer allowed it, where that is not the actor's usual reason.
    pub(crate) reason: Option<&'a str>,
    /// The credential id of the token that the request minted.
    pub(crate) issued: Option<Uuid>,
    /// A further annotation; its key sorts after the authorizer's.
    pub(crate) annotation: Option<(&'a str, &'a str)>,
    /// The impersonated user as JSON.
    pub(crate) impersonated: &'a str,
    /// How long a long-running request stays open, in microseconds; 0 for one that is answered at once.
    pub(crate) open: i64,
}

impl<'a> Call<'a> {
    /// A request for a resource.
    pub(crate) fn new(verb: &'a str, resource: &'static Resource) -> Self {
        Self {
            verb,
            resource: Some(resource),
            path: "",
            namespace: "",
            name: "",
            subresource: "",
            rest: "",
            query: Cow::Borrowed(""),
            uid: None,
            version: 0,
            outcome: Outcome::Done,
            request: Cow::Borrowed(""),
            response: Cow::Borrowed(""),
            reason: None,
            issued: None,
            annotation: None,
            impersonated: "",
            open: 0,
        }
    }

    /// A request for a path that is not a resource, such as `/livez`.
    pub(crate) fn path(verb: &'a str, path: &'a str) -> Self {
        Self { resource: None, path, ..Self::new(verb, &PODS) }
    }

    pub(crate) fn within(mut self, namespace: &'a str) -> Self {
        self.namespace = namespace;
        self
    }

    pub(crate) fn named(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    pub(crate) fn sub(mut self, subresource: &'a str) -> Self {
        self.subresource = subresource;
        self
    }

    pub(crate) fn rest(mut self, rest: &'a str) -> Self {
        self.rest = rest;
        self
    }

    pub(crate) fn query(mut self, query: impl Into<Cow<'a, str>>) -> Self {
        self.query = query.into();
        self
    }

    /// The object's uid and the resource version that the client had read.
    pub(crate) fn object(mut self, uid: Uuid, version: u64) -> Self {
        self.uid = Some(uid);
        self.version = version;
        self
    }

    pub(crate) fn outcome(mut self, outcome: Outcome<'a>) -> Self {
        self.outcome = outcome;
        self
    }

    /// Both bodies.
    pub(crate) fn bodies(mut self, request: impl Into<Cow<'a, str>>, response: impl Into<Cow<'a, str>>) -> Self {
        self.request = request.into();
        self.response = response.into();
        self
    }

    /// The same body both ways: what the server adds does not matter here.
    pub(crate) fn body(self, body: &'a str) -> Self {
        self.bodies(body, body)
    }

    pub(crate) fn reason(mut self, reason: &'a str) -> Self {
        self.reason = Some(reason);
        self
    }

    pub(crate) fn issued(mut self, token: Uuid) -> Self {
        self.issued = Some(token);
        self
    }

    pub(crate) fn annotation(mut self, key: &'a str, value: &'a str) -> Self {
        self.annotation = Some((key, value));
        self
    }

    pub(crate) fn impersonating(mut self, user: &'a str) -> Self {
        self.impersonated = user;
        self
    }

    pub(crate) fn open(mut self, micros: i64) -> Self {
        self.open = micros;
        self
    }

    /// The user whose rights are used, where that is not the one who asks.
    pub(crate) fn acting(&self) -> Option<String> {
        if self.impersonated.is_empty() {
            return None;
        }
        let user = serde_json::from_str::<serde_json::Value>(self.impersonated).unwrap_or_default();
        user["username"].as_str().map(ToOwned::to_owned)
    }

    /// Whether the name stands in the path: a create sends it in the body, a list in a field selector.
    pub(crate) fn name_in_path(&self) -> bool {
        match self.verb {
            "create" => !self.subresource.is_empty(),
            "list" | "watch" | "deletecollection" => false,
            _ => true,
        }
    }

    /// The HTTP status.
    pub(crate) fn code(&self) -> u16 {
        match self.outcome {
            Outcome::Done if self.verb == "create" => 201,
            Outcome::Done => 200,
            Outcome::Upgraded => 101,
            Outcome::Unauthorized => 401,
            Outcome::Forbidden | Outcome::Refused(_) => 403,
            Outcome::NotFound => 404,
            Outcome::Conflict => 409,
            Outcome::Expired => 410,
        }
    }

    /// The audit policy of the cluster: what may hold secret values or comes too often is recorded without bodies,
    /// reads as well, token requests and status patches with the request, all other writes with both bodies.
    pub(crate) fn level(&self) -> Level {
        let Some(resource) = self.resource else { return Level::Metadata };
        match (self.verb, resource.name, self.subresource) {
            ("get" | "list" | "watch", ..)
            | (_, "secrets" | "configmaps" | "tokenreviews" | "leases" | "events", _) => Level::Metadata,
            (_, "serviceaccounts", "token") | (_, "pods" | "nodes", "status") => Level::Request,
            _ => Level::RequestResponse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_may_hold_secret_values_are_not_recorded() {
        for resource in [&SECRETS, &CONFIGMAPS, &TOKEN_REVIEWS] {
            assert_eq!(Call::new("create", resource).level(), Level::Metadata, "{resource:?}");
        }
        assert_eq!(Call::new("create", &SERVICEACCOUNTS).sub("token").level(), Level::Request);
        assert_eq!(Call::new("create", &PODS).level(), Level::RequestResponse);
        assert_eq!(Call::new("get", &PODS).sub("exec").level(), Level::Metadata);
    }
}
