//! What is concluded from an event while it is parsed, so that every detection asks the same question the same way.

use memchr::memchr2;
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
        scope: scope_of(event, name.is_some()),
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
        Some("system:anonymous" | "system:unauthenticated") => ANONYMOUS,
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
pub(super) fn selected_name(query: &str) -> Option<String> {
    let selector = query_values(query, "fieldSelector").next()?;
    let name = selector.split(',').find_map(|term| term.strip_prefix("metadata.name="))?.trim_start_matches('=');
    (!name.is_empty()).then(|| name.to_owned())
}

/// The percent-decoded values of the query parameter `key`; `+` is a space, as Go's `url.ParseQuery` reads it.
pub(super) fn query_values<'a>(query: &'a str, key: &'a str) -> impl Iterator<Item = String> + 'a {
    let is_encoded = |text: &str| memchr2(b'%', b'+', text.as_bytes()).is_some();
    // few queries have it, and that is soon seen
    let pairs = (query.contains(key) || is_encoded(query)).then(|| query.split('&'));
    pairs.into_iter().flatten().filter_map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_key = name == key || is_encoded(name) && decode_query(name) == key;
        is_key.then(|| decode_query(value))
    })
}

/// Percent-decodes a part of a query once.
pub(super) fn decode_query(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn scope_of(event: &Event<'_>, has_name: bool) -> &'static str {
    let is_there = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    // a create concerns one object, whose name may be generated
    let is_named = has_name || event.verb == Some("create");
    scope(is_there(event.object.resource), is_named, is_there(event.object.namespace))
}

/// How much a request asks for.
pub(super) fn scope(is_resource: bool, is_named: bool, is_namespaced: bool) -> &'static str {
    match (is_resource, is_named, is_namespaced) {
        (false, ..) => "non_resource",
        (_, true, _) => "named",
        (.., true) => "namespace",
        _ => "cluster",
    }
}

/// From code and decision together: an admission 403 has decision `allow`, a failed authentication no decision, and
/// "Connection closed early" is written as code 200 for requests whose end nobody saw (apiserver's audit handler).
fn outcome(event: &Event<'_>) -> &'static str {
    if event.annotations.decision == Some("forbid") {
        return DENIED;
    }
    match event.response.code {
        Some(401 | 403) => DENIED,
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

/// The outcome of a request that was not permitted.
pub(super) const DENIED: &str = "denied";
/// The kind of an actor whom nobody asked for a name.
pub(super) const ANONYMOUS: &str = "anonymous";

fn exec_command(event: &Event<'_>, path: &str, query: &str) -> Option<String> {
    let is_exec = event.object.subresource.is_some_and(runs_commands);
    if is_exec || is_through_kubelet(path, query) { command(query) } else { None }
}

/// Whether the URI of a request for a subresource has a command line.
pub(super) fn runs_commands(subresource: &str) -> bool {
    matches!(subresource, "exec" | "attach")
}

/// Whether a request may run something through a kubelet.
pub(super) fn is_through_kubelet(path: &str, query: &str) -> bool {
    path.contains("/proxy/") && query.contains('=')
}

/// The command line of exec and attach (`command=` once for each word), and of the kubelet's run (`cmd=`).
pub(super) fn command(query: &str) -> Option<String> {
    let words: Vec<String> = ["command", "cmd"].into_iter().flat_map(|key| query_values(query, key)).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

const HEALTH_PATHS: &[&str] = &["/healthz", "/livez", "/readyz", "/version"];

/// Whether a path is one that anyone may ask for a cluster's health.
pub(super) fn is_health(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    HEALTH_PATHS.iter().any(|health| path == *health || is_below(path, health))
}

/// Whether a verb changes nothing.
pub(super) fn is_read(verb: &str) -> bool {
    matches!(verb, "get" | "list" | "watch" | "head" | "options")
}

/// The first class that fits, most telling first.
fn sensitivity(event: &Event<'_>, actor_kind: &str, outcome: &str, path: &str) -> &'static str {
    let verb = event.verb.unwrap_or_default();
    let is_anonymous = actor_kind == ANONYMOUS && !(is_read(verb) && is_health(path));
    by_object(&event.object, verb)
        .unwrap_or_else(|| class_of_other(event.impersonated.username.is_some(), is_anonymous, outcome == DENIED))
}

/// The class of a request for nothing that is sensitive by itself.
pub(super) fn class_of_other(is_impersonated: bool, is_anonymous: bool, is_denied: bool) -> &'static str {
    match (is_impersonated, is_anonymous, is_denied) {
        (true, ..) => "impersonation",
        (_, true, _) => "anonymous",
        (.., true) => "denied",
        _ => "other",
    }
}

fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/')) && parent != "/version"
}

/// By what is asked for. Resources are matched whatever the verb, less the verbs known to be harmless, since an unknown
/// method arrives as an odd or an empty verb (apiserver's `RequestInfoFactory`).
pub(super) fn by_object(object: &Object<'_>, verb: &str) -> Option<&'static str> {
    let is_read = is_read(verb);
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
