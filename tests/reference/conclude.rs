//! What is concluded from an event, once more: each column by its words in `schema::COLUMNS`, from the columns that the
//! event fills itself.

use super::event::Row;

/// Fills the derived columns. `uri` is the request URI as it came into the lake, since it is redacted before anything is
/// concluded from it.
pub(super) fn conclude(row: &mut Row, uri: &str) {
    let get = |column: &str| row[column].clone();
    let filled = |column: &str| get(column).filter(|text| !text.is_empty());
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));

    let actor = get("impersonated_username").or_else(|| get("username")).filter(|name| !name.is_empty());
    let account = actor.as_deref().and_then(service_account);
    let kind = actor_kind(actor.as_deref());
    let node = get("node_name").or_else(|| get("username")?.strip_prefix("system:node:").map(str::to_owned));
    let name = filled("name").or_else(|| selected(query));
    let verb = get("verb").unwrap_or_default();
    let scope = match (filled("resource"), &name, filled("namespace")) {
        (None, _, _) => "non_resource",
        (_, Some(_), _) => "named",
        _ if verb == "create" => "named",
        (_, _, Some(_)) => "namespace",
        _ => "cluster",
    };
    let outcome = outcome(row);
    let command = command(row, path, query);
    let sensitivity = sensitivity(row, &verb, kind, outcome, path);
    let disagree = get("source_ips_disagree").unwrap_or_else(|| "false".to_owned());

    row.insert("actor", actor);
    row.insert("actor_kind", Some(kind.to_owned()));
    row.insert("service_account_namespace", account.as_ref().map(|(namespace, _)| namespace.clone()));
    row.insert("service_account_name", account.map(|(_, name)| name));
    row.insert("node_name", node);
    row.insert("name", name);
    row.insert("scope", Some(scope.to_owned()));
    row.insert("outcome", Some(outcome.to_owned()));
    row.insert("exec_command", command);
    row.insert("sensitivity", Some(sensitivity.to_owned()));
    row.insert("source_ips_disagree", Some(disagree));
}

fn service_account(actor: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = actor.splitn(4, ':').collect();
    match parts[..] {
        ["system", "serviceaccount", namespace, name] if !namespace.is_empty() && !name.is_empty() => {
            Some((namespace.to_owned(), name.to_owned()))
        }
        _ => None,
    }
}

fn actor_kind(actor: Option<&str>) -> &'static str {
    let Some(actor) = actor else { return "unauthenticated" };
    match actor {
        "system:anonymous" | "system:unauthenticated" => "anonymous",
        "system:apiserver" | "system:kube-controller-manager" | "system:kube-proxy" | "system:kube-scheduler" => {
            "control_plane"
        }
        _ if service_account(actor).is_some() => "service_account",
        _ if actor.starts_with("system:node:") => "node",
        _ => "human",
    }
}

/// As Go's `url.QueryUnescape`, but that what is no escape stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut plain, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high * 16 + low).unwrap());
                at += 2;
            }
            (b'+', _, _) => plain.push(b' '),
            (byte, _, _) => plain.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The values of a parameter of a query, decoded.
fn values(query: &str, name: &str) -> Vec<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| decoded(key) == name).map(|(_, value)| decoded(value)).collect()
}

/// The name that the first field selector asks for.
fn selected(query: &str) -> Option<String> {
    let selector = values(query, "fieldSelector").into_iter().next()?;
    let name = selector.split(',').find_map(|term| term.strip_prefix("metadata.name="))?;
    let name = name.trim_start_matches('='); // `==` means the same
    (!name.is_empty()).then(|| name.to_owned())
}

fn outcome(row: &Row) -> &'static str {
    let code: i32 = row["response_code"].as_ref().map_or(0, |code| code.parse().unwrap());
    let message = row["response_message"].clone().unwrap_or_default();
    if row["auth_decision"].as_deref() == Some("forbid") || code == 401 || code == 403 {
        "denied"
    } else if code >= 400 {
        "failed"
    } else if (200..300).contains(&code) && message.starts_with("Connection closed early") {
        "unknown"
    } else if code >= 100 {
        "allowed"
    } else {
        "unknown"
    }
}

fn command(row: &Row, path: &str, query: &str) -> Option<String> {
    let is_exec = matches!(row["subresource"].as_deref(), Some("exec" | "attach"));
    let is_kubelet = path.contains("/proxy/") && query.contains('=');
    let words = [values(query, "command"), values(query, "cmd")].concat();
    ((is_exec || is_kubelet) && !words.is_empty()).then(|| words.join(" "))
}

const READS: &[&str] = &["get", "list", "watch", "head", "options"];
const RBAC: &[&str] = &["roles", "clusterroles", "rolebindings", "clusterrolebindings"];
const ADMISSION: &[&str] = &[
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "apiservices",
    "customresourcedefinitions",
];
const WORKLOADS: &[&str] = &[
    "pods",
    "deployments",
    "daemonsets",
    "statefulsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
    "podtemplates",
];
const CONFIGS: &[&str] = &[
    "configmaps",
    "namespaces",
    "serviceaccounts",
    "services",
    "ingresses",
    "networkpolicies",
    "nodes",
    "persistentvolumes",
];
const INTO_PODS: &[&str] = &["exec", "attach", "portforward", "ephemeralcontainers", "proxy"];
const OF_KUBELETS: &[&str] = &["proxy", "log", "stats", "metrics", "configz", "pods", "checkpoint"];

/// The first rule that fits.
fn sensitivity(row: &Row, verb: &str, kind: &str, outcome: &str, path: &str) -> &'static str {
    let get = |column: &str| row[column].as_deref().unwrap_or_default();
    let (resource, sub) = (get("resource"), get("subresource"));
    let is_read = READS.contains(&verb);
    let written = !is_read && sub != "status" && sub != "scale";
    let rules = [
        (resource == "secrets" && get("api_group").is_empty(), "secret"),
        (resource == "pods" && INTO_PODS.contains(&sub), "exec"),
        (resource == "services" && sub == "proxy", "exec"),
        (resource == "nodes" && OF_KUBELETS.contains(&sub), "node_proxy"),
        (["nodes", "pods", "services"].contains(&resource) && verb == "proxy", "node_proxy"),
        (resource == "serviceaccounts" && sub == "token", "token"),
        (RBAC.contains(&resource) && written, "rbac"),
        (resource == "certificatesigningrequests" && !is_read, "certificate"),
        (ADMISSION.contains(&resource) && written, "admission"),
        (WORKLOADS.contains(&resource) && ["", "resize"].contains(&sub) && written, "workload"),
        (["selfsubjectaccessreviews", "selfsubjectrulesreviews"].contains(&resource), "review"),
        (resource == "events" && sub.is_empty() && ["delete", "deletecollection"].contains(&verb), "config"),
        (CONFIGS.contains(&resource) && ["", "finalize"].contains(&sub) && written, "config"),
        (row["impersonated_username"].is_some(), "impersonation"),
        (kind == "anonymous" && !(is_read && is_health(path)), "anonymous"),
        (outcome == "denied", "denied"),
    ];
    rules.iter().find(|(fits, _)| *fits).map_or("other", |(_, class)| class)
}

fn is_health(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    ["/healthz", "/livez", "/readyz"].iter().any(|health| path == *health || path.starts_with(&format!("{health}/")))
        || path == "/version"
}
