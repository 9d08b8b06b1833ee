//! What an API server takes a request for: object and verb by path and method, by the rules of its request info
//! (`k8s.io/apiserver/pkg/endpoints/request`).

use percent_encoding::percent_decode_str;

use super::draft::ObjectRef;
use crate::event::derive::{query_values, selected_name};

/// The object that the path of a URI asks for; none if it is not the path of a resource.
pub(super) fn object(uri: &str) -> Option<ObjectRef> {
    let path = uri.split('?').next().unwrap_or(uri);
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let group = match *parts.first()? {
        "api" if parts.len() >= 3 => "",
        "apis" if parts.len() >= 4 => parts.remove(1),
        _ => return None,
    };
    object_of(group, parts[1], &parts[2..])
}

/// The object of a path that continues with `parts` after group and version.
pub(super) fn object_of(group: &str, version: &str, mut parts: &[&str]) -> Option<ObjectRef> {
    let mut namespace = None;
    if let ["watch" | "proxy", rest @ ..] = parts {
        parts = rest; // ways of asking that old clients still know
    }
    if let ["namespaces", name, rest @ ..] = parts {
        namespace = Some(*name);
        if !matches!(rest, [] | ["status" | "finalize", ..]) {
            parts = rest;
        }
    }
    let owned = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    let resource = parts.first().and_then(owned)?;
    Some(ObjectRef {
        resource: Some(resource),
        namespace: namespace.as_ref().and_then(owned),
        name: parts.get(1).and_then(owned),
        group: owned(&group),
        version: owned(&version),
        subresource: parts.get(2).and_then(owned),
        ..ObjectRef::default()
    })
}

/// The verb of a request, with the object that it asks for.
pub(super) fn verb(method: &str, uri: &str) -> (String, Option<ObjectRef>) {
    let method = method.to_ascii_lowercase();
    let Some(mut object) = object(uri) else { return (method, None) };
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let is_named = object.name.is_some();
    let is_true = |value: String| !matches!(value.as_str(), "" | "0" | "f" | "F" | "false" | "False" | "FALSE");
    let verb = match method.as_str() {
        "post" => "create",
        "put" => "update",
        "delete" if !is_named => "deletecollection",
        "get" | "head" if is_named => "get",
        "get" | "head" if query_values(query, "watch").next().is_some_and(is_true) => "watch",
        "get" | "head" => "list",
        other => other,
    };
    if matches!(verb, "list" | "watch" | "deletecollection") {
        object.name = selected_name(query);
    }
    (verb.to_owned(), Some(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(object: &ObjectRef) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let parts = [&object.group, &object.version, &object.namespace, &object.resource, &object.name];
        parts.map(text).join(" ") + " " + &text(&object.subresource)
    }

    #[test]
    fn objects_are_those_that_an_api_server_logs() {
        for (uri, expected) in [
            ("/api/v1/namespaces/shop/secrets/db?x=/a", " v1 shop secrets db "),
            ("/api/v1/secrets", " v1  secrets  "),
            ("/api/v1/namespaces", " v1  namespaces  "),
            ("/api/v1/namespaces/shop", " v1 shop namespaces shop "),
            ("/api/v1/namespaces/shop/finalize", " v1 shop namespaces shop finalize"),
            ("/api/v1/namespaces/shop/pods/web-0/exec?command=id", " v1 shop pods web-0 exec"),
            ("/api/v1/nodes/n1/proxy/metrics", " v1  nodes n1 proxy"),
            ("/apis/apps/v1/namespaces/shop/deployments/web/scale", "apps v1 shop deployments web scale"),
            ("/apis/apps/v1/deployments", "apps v1  deployments  "),
            ("/api/v1/namespaces/shop/services/http%3Aweb%3A80/proxy/", " v1 shop services http:web:80 proxy"),
            ("/api/v1/watch/namespaces/shop/pods", " v1 shop pods  "),
        ] {
            assert_eq!(object(uri).map(|object| told(&object)).as_deref(), Some(expected), "{uri}");
        }
        for uri in ["", "/", "/api", "/api/v1", "/apis/apps/v1", "/healthz", "/v3/tokens/a", "/api/v1/%ff", "//////"] {
            assert_eq!(object(uri), None, "{uri}");
        }
    }

    #[test]
    fn verbs_follow_from_method_and_path() {
        for (method, uri, expected) in [
            ("GET", "/api/v1/secrets", "list"),
            ("GET", "/api/v1/secrets?watch=true", "watch"),
            ("GET", "/api/v1/secrets?watch=false", "list"),
            ("GET", "/api/v1/namespaces/a/secrets/b", "get"),
            ("HEAD", "/api/v1/namespaces/a/secrets/b", "get"),
            ("DELETE", "/api/v1/namespaces/a/secrets", "deletecollection"),
            ("DELETE", "/api/v1/namespaces/a/secrets/b", "delete"),
            ("POST", "/api/v1/namespaces/a/secrets", "create"),
            ("PUT", "/api/v1/namespaces/a/secrets/b", "update"),
            ("PATCH", "/api/v1/namespaces/a/secrets/b", "patch"),
            ("GET", "/healthz", "get"),
            ("POST", "/v3/tokens", "post"),
        ] {
            assert_eq!(verb(method, uri).0, expected, "{method} {uri}");
        }
        let (_, selected) = verb("GET", "/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Ddb");
        assert_eq!(selected.unwrap().name.as_deref(), Some("db"));
    }
}
