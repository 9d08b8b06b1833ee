//! What is concluded from an event while it is parsed, so that every detection asks the same question the same way.

use percent_encoding::percent_decode_str;

use super::parse::{Event, Object};

/// The conclusions, in the words that `schema::COLUMNS` explains.
pub(super) struct Derived<'a> {
    pub(super) actor: Option<&'a str>,
    pub(super) actor_kind: &'static str,
    pub(super) service_account: Option<(&'a str, &'a str)>,
    pub(super) client_ip: Option<&'a str>,
    pub(super) source_ips_disagree: bool,
    pub(super) node_name: Option<&'a str>,
    pub(super) name: Option<String>,
    pub(super) scope: &'static str,
    pub(super) outcome: &'static str,
    pub(super) exec_command: Option<String>,
    pub(super) sensitivity: &'static str,
}

/// Concludes from the event and its (redacted) request URI.
pub(super) fn derive<'a>(event: &Event<'a>, uri: &str) -> Derived<'a> {
    let actor = event.impersonated.username.or(event.user.username).filter(|name| !name.is_empty());
    let actor_kind = actor_kind(actor);
    let client_ip = event.source_ips.last().copied();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let name = event.object.name.filter(|name| !name.is_empty()).map(str::to_owned).or_else(|| selected_name(query));
    let outcome = outcome(event);
    Derived {
        actor,
        actor_kind,
        service_account: actor.and_then(service_account),
        client_ip,
        source_ips_disagree: event.source_ips.iter().any(|ip| Some(*ip) != client_ip),
        node_name: event.user.node_name.or_else(|| event.user.username?.strip_prefix("system:node:")),
        scope: scope(event, name.as_deref()),
        name,
        outcome,
        exec_command: exec_command(event, path, query),
        sensitivity: sensitivity(event, actor_kind, outcome, path),
    }
}

/// Users that components of an upstream control plane have; the name is set by the certificate that they are given.
const CONTROL_PLANE: &[&str] =
    &["system:apiserver", "system:kube-controller-manager", "system:kube-proxy", "system:kube-scheduler"];

fn actor_kind(actor: Option<&str>) -> &'static str {
    match actor {
        None => "unauthenticated",
        Some("system:anonymous" | "system:unauthenticated") => "anonymous",
        Some(name) if service_account(name).is_some() => "service_account",
        Some(name) if name.starts_with("system:node:") => "node",
        Some(name) if CONTROL_PLANE.contains(&name) => "control_plane",
        Some(_) => "human",
    }
}

/// Namespace and name of `system:serviceaccount:NAMESPACE:NAME`.
fn service_account(actor: &str) -> Option<(&str, &str)> {
    let (namespace, name) = actor.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty()).then_some((namespace, name))
}

/// The one name that a list or watch asks for by `fieldSelector=metadata.name=NAME`.
fn selected_name(query: &str) -> Option<String> {
    let selector = query_values(query, "fieldSelector").next()?;
    let name = selector.split(',').find_map(|term| term.strip_prefix("metadata.name="))?.trim_start_matches('=');
    (!name.is_empty()).then(|| name.to_owned())
}

/// The percent-decoded values of the query parameter `key`; `+` is a space, as Go's `url.ParseQuery` reads it.
pub(super) fn query_values<'a>(query: &'a str, key: &'a str) -> impl Iterator<Item = String> + 'a {
    query.split('&').filter_map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_query(name) == key).then(|| decode_query(value))
    })
}

/// Percent-decodes a part of a query once.
pub(super) fn decode_query(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn scope(event: &Event<'_>, name: Option<&str>) -> &'static str {
    let verb = event.verb.unwrap_or_default();
    if event.object.resource.is_none_or(str::is_empty) {
        "non_resource"
    } else if name.is_some() || verb == "create" {
        "named" // a create concerns one object, whose name may be generated
    } else if event.object.namespace.is_some_and(|namespace| !namespace.is_empty()) {
        "namespace"
    } else {
        "cluster"
    }
}

/// From code and decision together: an admission 403 has decision `allow`, a failed authentication no decision, and
/// "Connection closed early" is written as code 200 for requests whose end nobody saw (apiserver's audit handler).
fn outcome(event: &Event<'_>) -> &'static str {
    if event.annotations.decision == Some("forbid") {
        return "denied";
    }
    match event.response.code {
        Some(401 | 403) => "denied",
        Some(200..300)
            if event.response.message.is_some_and(|message| message.starts_with("Connection closed early")) =>
        {
            "unknown"
        }
        Some(100..400) => "allowed",
        Some(400..) => "failed",
        _ => "unknown",
    }
}

/// The command line of exec and attach (`command=` once for each word), and of the kubelet's run (`cmd=`).
fn exec_command(event: &Event<'_>, path: &str, query: &str) -> Option<String> {
    let through_kubelet = || path.contains("/proxy/") && query.contains('=');
    if !matches!(event.object.subresource, Some("exec" | "attach")) && !through_kubelet() {
        return None;
    }
    let mut words: Vec<String> = query_values(query, "command").collect();
    words.extend(query_values(query, "cmd"));
    (!words.is_empty()).then(|| words.join(" "))
}

const HEALTH_PATHS: &[&str] = &["/healthz", "/livez", "/readyz", "/version"];

/// The first class that fits, most telling first.
fn sensitivity(event: &Event<'_>, actor_kind: &str, outcome: &str, path: &str) -> &'static str {
    let verb = event.verb.unwrap_or_default();
    let is_read = matches!(verb, "get" | "list" | "watch" | "head" | "options");
    let by_object = by_object(&event.object, verb, is_read);
    let path = path.trim_end_matches('/');
    let is_health = is_read && HEALTH_PATHS.iter().any(|health| path == *health || is_below(path, health));
    match by_object {
        Some(class) => class,
        None if event.impersonated.username.is_some() => "impersonation",
        None if actor_kind == "anonymous" && !is_health => "anonymous",
        None if outcome == "denied" => "denied",
        None => "other",
    }
}

fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/')) && parent != "/version"
}

/// By what is asked for. Resources are matched whatever the verb, less the verbs known to be harmless, since an unknown
/// method arrives as an odd or an empty verb (apiserver's `RequestInfoFactory`).
fn by_object(object: &Object<'_>, verb: &str, is_read: bool) -> Option<&'static str> {
    let resource = object.resource?;
    let subresource = object.subresource.unwrap_or_default();
    let core = object.api_group.is_none_or(str::is_empty);
    let written = !is_read && !matches!(subresource, "status" | "scale");
    Some(match (resource, subresource) {
        ("secrets", _) if core => "secret",
        ("pods", "exec" | "attach" | "portforward" | "ephemeralcontainers" | "proxy") | ("services", "proxy") => "exec",
        ("nodes", "proxy" | "log" | "stats" | "metrics" | "configz" | "pods" | "checkpoint") => "node_proxy",
        ("nodes" | "pods" | "services", _) if verb == "proxy" => "node_proxy", // the proxy path before Kubernetes 1.10
        ("serviceaccounts", "token") => "token",
        ("roles" | "clusterroles" | "rolebindings" | "clusterrolebindings", _) if written => "rbac",
        ("certificatesigningrequests", _) if !is_read => "certificate",
        (
            "mutatingwebhookconfigurations"
            | "validatingwebhookconfigurations"
            | "validatingadmissionpolicies"
            | "validatingadmissionpolicybindings"
            | "mutatingadmissionpolicies"
            | "mutatingadmissionpolicybindings"
            | "apiservices"
            | "customresourcedefinitions",
            _,
        ) if written => "admission",
        (
            "pods"
            | "deployments"
            | "daemonsets"
            | "statefulsets"
            | "replicasets"
            | "replicationcontrollers"
            | "jobs"
            | "cronjobs"
            | "podtemplates",
            "" | "resize",
        ) if written => "workload",
        ("selfsubjectaccessreviews" | "selfsubjectrulesreviews", _) => "review",
        ("events", "") if matches!(verb, "delete" | "deletecollection") => "config",
        (
            "configmaps" | "namespaces" | "serviceaccounts" | "services" | "ingresses" | "networkpolicies" | "nodes"
            | "persistentvolumes",
            "" | "finalize",
        ) if written => "config",
        _ => return None,
    })
}
