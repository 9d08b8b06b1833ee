//! Lines as text that can be changed member by member, so that the order of keys, blanks and escapes are a test's own.

use super::event::Object;

/// An event in the order of Go's encoder, with every field that has a column.
pub(super) const FULL: &str = concat!(
    r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"9f0c6a1e-0000-4000-8000-1","#,
    r#""stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/configmaps/web?dryRun=All&fieldManager=kubectl","#,
    r#""verb":"patch","user":{"username":"system:serviceaccount:shop:web","uid":"u-1","groups":["system:authenticated","#,
    r#""dev"],"extra":{"authentication.kubernetes.io/credential-id":["JTI=7"],"authentication.kubernetes.io/node-name":["#,
    r#""n1"],"authentication.kubernetes.io/pod-name":["web-1"],"authentication.kubernetes.io/pod-uid":["p-1"]}},"#,
    r#""impersonatedUser":{"username":"bob","uid":"u-2","groups":["ops"],"extra":{"reason":["on call"]}},"#,
    r#""authenticationMetadata":{"impersonationConstraint":"impersonate:user-info"},"#,
    r#""sourceIPs":["203.0.113.9","10.244.1.5"],"userAgent":"kubectl/v1.33.4 (linux/amd64) kubernetes/abc","#,
    r#""objectRef":{"resource":"configmaps","namespace":"shop","name":"web","uid":"o-1","apiGroup":"g","apiVersion":"v1","#,
    r#""resourceVersion":"17","subresource":"status"},"responseStatus":{"metadata":{},"status":"Failure","#,
    r#""message":"no \"such\" thing","reason":"NotFound","details":{"name":"web","kind":"configmaps"},"code":404},"#,
    r#""requestObject":{"spec":{"a":[1,2.50,null,true],"b":"x\u003cy\"}{"}},"responseObject":{"kind":"Status","n":-0},"#,
    r#""requestReceivedTimestamp":"2026-01-15T10:00:00.123456Z","stageTimestamp":"2026-01-15T10:00:00.654321Z","#,
    r#""annotations":{"audit.k8s.io/truncated":"true","authentication.kubernetes.io/issued-credential-id":"JTI=8","#,
    r#""authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by \"x\""}}"#,
);

/// The least that an API server writes of a request.
pub(super) const PLAIN: &str = concat!(
    r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a","stage":"RequestReceived","#,
    r#""requestURI":"/api/v1/secrets?limit=500","verb":"list","user":{"username":"alice","groups":["dev"]},"#,
    r#""sourceIPs":["198.51.100.4"],"userAgent":"curl/8","objectRef":{"resource":"secrets","apiVersion":"v1"},"#,
    r#""requestReceivedTimestamp":"2026-01-15T10:00:00.000000Z","stageTimestamp":"2026-01-15T10:00:00.000000Z"}"#,
);

/// The objects of an event whose members have columns.
pub(super) const OBJECTS: &[&str] = &[
    "",
    "user",
    "impersonatedUser",
    "authenticationMetadata",
    "objectRef",
    "responseStatus",
    "annotations",
    "user.extra",
];

/// The members of an object: each key with its quotes, each value as it stands.
#[derive(Clone, Debug)]
pub(super) struct Members(pub(super) Vec<(String, String)>);

impl Members {
    /// # Panics
    ///
    /// Where `json` is no object.
    pub(super) fn of(json: &str) -> Self {
        let object = Object::of(json).expect("an object");
        Self(object.0.into_iter().map(|(key, value)| (quoted(&key), value.get().to_owned())).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == quoted(key)).map(|(_, value)| value.as_str())
    }

    /// Replaces the value of a key, or adds it.
    pub(super) fn set(&mut self, key: &str, json: &str) {
        match self.0.iter_mut().find(|(name, _)| *name == quoted(key)) {
            Some((_, value)) => json.clone_into(value),
            None => self.0.push((quoted(key), json.to_owned())),
        }
    }

    pub(super) fn json(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    }
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The object at `path` (fields joined by dots, none for the whole) put through `change`.
pub(super) fn changed(line: &str, path: &str, change: impl FnOnce(&mut Members)) -> String {
    let mut members = Members::of(line);
    match path.split_once('.').unwrap_or((path, "")) {
        ("", _) => change(&mut members),
        (key, rest) => {
            let inner = members.get(key).expect("the path is there").to_owned();
            members.set(key, &changed(&inner, rest, change));
        }
    }
    members.json()
}

/// The line with the value at `path` (object, key) replaced.
pub(super) fn with(line: &str, path: &str, key: &str, json: &str) -> String {
    changed(line, path, |members| members.set(key, json))
}

/// Every object and key of the full event.
pub(super) fn keys() -> Vec<(&'static str, String)> {
    let mut keys = Vec::new();
    for path in OBJECTS {
        changed(FULL, path, |members| {
            let names = members.0.iter().map(|(key, _)| serde_json::from_str(key).expect("a quoted key"));
            keys.extend(names.map(|key: String| (*path, key)));
        });
    }
    keys
}
