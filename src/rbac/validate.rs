//! Whether YAML would pass the API server's validation of `rbac.authorization.k8s.io/v1`.

use serde_json::{Map, Value};

use super::model::{GROUP, Kind};
use crate::limits::{MANIFEST_BYTES_MAX, RBAC_NOTES_MAX};
use crate::manifest;

/// Checks every document: fields and their types, names, rules, role references and subjects.
///
/// # Errors
///
/// What the API server would object to, each with the document (from 1) and the field.
pub fn validate(yaml: &str) -> Result<(), Vec<String>> {
    if yaml.len() > MANIFEST_BYTES_MAX {
        return Err(vec!["the text is too long".to_owned()]);
    }
    let documents: Vec<Value> = match manifest::yaml(yaml) {
        Ok(documents) => documents,
        Err(place) => return Err(vec![format!("no valid YAML: {place}")]),
    };
    let mut checker = Checker { faults: Vec::new(), place: String::new() };
    for (index, document) in documents.iter().filter(|document| !document.is_null()).enumerate() {
        checker.place = format!("document {}", index + 1);
        checker.object(document);
    }
    if checker.faults.is_empty() { Ok(()) } else { Err(checker.faults) }
}

struct Checker {
    faults: Vec<String>,
    place: String,
}

/// Fields of `metadata`.
const METADATA: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "uid",
    "resourceVersion",
    "generation",
    "selfLink",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

impl Checker {
    fn fault(&mut self, field: &str, what: impl AsRef<str>) {
        if self.faults.len() < RBAC_NOTES_MAX {
            self.faults.push(format!("{}: {field}: {}", self.place, what.as_ref()));
        }
    }

    fn object(&mut self, document: &Value) {
        let Value::Object(object) = document else { return self.fault("document", "is no object") };
        if object.get("apiVersion").and_then(Value::as_str) != Some(&format!("{GROUP}/v1")) {
            self.fault("apiVersion", format!("must be {GROUP}/v1"));
        }
        let Some(kind) = object.get("kind").and_then(Value::as_str).and_then(Kind::from_name) else {
            return self.fault("kind", "must be Role, ClusterRole, RoleBinding or ClusterRoleBinding");
        };
        let fields: &[&str] = match kind {
            Kind::Role => &["rules"],
            Kind::ClusterRole => &["rules", "aggregationRule"],
            Kind::RoleBinding | Kind::ClusterRoleBinding => &["roleRef", "subjects"],
        };
        let known: Vec<&str> = fields.iter().copied().chain(["apiVersion", "kind", "metadata"]).collect();
        self.known_fields("", object, &known);
        self.metadata(object.get("metadata"), kind);
        if kind.is_binding() {
            self.role_ref(object.get("roleRef"), kind);
            for (index, subject) in self.list("subjects", object.get("subjects")).iter().enumerate() {
                self.subject(&format!("subjects[{index}]"), subject, kind);
            }
        } else {
            for (index, rule) in self.list("rules", object.get("rules")).iter().enumerate() {
                self.rule(&format!("rules[{index}]"), rule, kind);
            }
            self.aggregation(object.get("aggregationRule"));
        }
    }

    fn known_fields(&mut self, field: &str, object: &Map<String, Value>, known: &[&str]) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.fault(&format!("{field}{key}"), "is no field of it");
        }
    }

    fn list<'v>(&mut self, field: &str, value: Option<&'v Value>) -> &'v [Value] {
        match value {
            None | Some(Value::Null) => &[],
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.fault(field, "must be a list");
                &[]
            }
        }
    }

    /// How many texts a list holds.
    fn texts(&mut self, field: &str, value: Option<&Value>) -> usize {
        let list = self.list(field, value);
        if list.iter().any(|value| !value.is_string()) {
            self.fault(field, "must hold texts only");
        }
        // what is no list was told already, and is not also missing
        if value.is_some_and(|value| !value.is_null() && !value.is_array()) { 1 } else { list.len() }
    }

    /// A text, empty where it is missing.
    fn text<'v>(&mut self, field: &str, value: Option<&'v Value>) -> &'v str {
        match value {
            None | Some(Value::Null) => "",
            Some(Value::String(text)) => text,
            Some(_) => {
                self.fault(field, "must be a text");
                ""
            }
        }
    }

    fn metadata(&mut self, metadata: Option<&Value>, kind: Kind) {
        let Some(Value::Object(metadata)) = metadata else { return self.fault("metadata", "is missing") };
        self.known_fields("metadata.", metadata, METADATA);
        let name = self.text("metadata.name", metadata.get("name"));
        let prefix = self.text("metadata.generateName", metadata.get("generateName"));
        if name.is_empty() && prefix.is_empty() {
            self.fault("metadata.name", "is missing");
        }
        self.path_segment("metadata.name", name);
        self.path_segment("metadata.generateName", prefix);
        let namespace = self.text("metadata.namespace", metadata.get("namespace"));
        match (kind.is_namespaced(), namespace) {
            (true, "") => self.fault("metadata.namespace", "is missing"),
            (true, namespace) if !is_dns_label(namespace) => self.fault("metadata.namespace", "is no namespace's name"),
            (false, namespace) if !namespace.is_empty() => {
                self.fault("metadata.namespace", "must not be set, since the kind has none");
            }
            _ => {}
        }
        for (field, is_label) in [("labels", true), ("annotations", false)] {
            match metadata.get(field) {
                None | Some(Value::Null) => {}
                Some(Value::Object(map)) => {
                    map.iter().for_each(|(key, value)| self.label(&format!("metadata.{field}"), key, value, is_label));
                }
                Some(_) => self.fault(&format!("metadata.{field}"), "must be a map of texts"),
            }
        }
    }

    fn label(&mut self, field: &str, key: &str, value: &Value, is_label: bool) {
        if !is_qualified_name(key) {
            self.fault(field, "has a key that is no qualified name");
        }
        match value.as_str() {
            None => self.fault(field, "has a value that is no text"),
            Some(value) if is_label && !is_label_value(value) => {
                self.fault(field, "has a value that no label can have");
            }
            Some(_) => {}
        }
    }

    /// Names of roles and bindings are free but for what a URL could not hold.
    fn path_segment(&mut self, field: &str, name: &str) {
        if name == "." || name == ".." || name.contains(['/', '%']) {
            self.fault(field, "must not be `.` or `..`, nor contain `/` or `%`");
        }
    }

    fn role_ref(&mut self, role: Option<&Value>, binding: Kind) {
        let Some(Value::Object(role)) = role else { return self.fault("roleRef", "is missing") };
        self.known_fields("roleRef.", role, &["apiGroup", "kind", "name"]);
        if self.text("roleRef.apiGroup", role.get("apiGroup")) != GROUP {
            self.fault("roleRef.apiGroup", format!("must be {GROUP}"));
        }
        match (self.text("roleRef.kind", role.get("kind")), binding) {
            ("ClusterRole", _) | ("Role", Kind::RoleBinding) => {}
            (_, Kind::RoleBinding) => self.fault("roleRef.kind", "must be Role or ClusterRole"),
            _ => self.fault("roleRef.kind", "must be ClusterRole"),
        }
        let name = self.text("roleRef.name", role.get("name"));
        if name.is_empty() {
            self.fault("roleRef.name", "is missing");
        }
        self.path_segment("roleRef.name", name);
    }

    fn subject(&mut self, field: &str, subject: &Value, binding: Kind) {
        let Value::Object(subject) = subject else { return self.fault(field, "is no object") };
        self.known_fields(&format!("{field}."), subject, &["apiGroup", "kind", "name", "namespace"]);
        let part = |part: &str| format!("{field}.{part}");
        let name = self.text(&part("name"), subject.get("name"));
        let group = self.text(&part("apiGroup"), subject.get("apiGroup"));
        let namespace = self.text(&part("namespace"), subject.get("namespace"));
        if name.is_empty() {
            self.fault(&part("name"), "is missing");
        }
        match self.text(&part("kind"), subject.get("kind")) {
            "ServiceAccount" => {
                if !name.is_empty() && !is_dns_subdomain(name) {
                    self.fault(&part("name"), "is no service account's name");
                }
                if !group.is_empty() {
                    self.fault(&part("apiGroup"), "must be empty for a service account");
                }
                if binding == Kind::ClusterRoleBinding && namespace.is_empty() {
                    self.fault(&part("namespace"), "is missing");
                }
            }
            // an apiGroup that is left out is filled in
            "User" | "Group" if !group.is_empty() && group != GROUP => {
                self.fault(&part("apiGroup"), format!("must be {GROUP}"));
            }
            "User" | "Group" => {}
            _ => self.fault(&part("kind"), "must be ServiceAccount, User or Group"),
        }
    }

    fn rule(&mut self, field: &str, rule: &Value, kind: Kind) {
        let Value::Object(rule) = rule else { return self.fault(field, "is no object") };
        let fields = ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"];
        self.known_fields(&format!("{field}."), rule, &fields);
        let [verbs, groups, resources, names, urls] =
            fields.map(|part| self.texts(&format!("{field}.{part}"), rule.get(part)));
        if verbs == 0 {
            self.fault(&format!("{field}.verbs"), "must name at least one verb");
        }
        if urls > 0 {
            if kind == Kind::Role {
                self.fault(&format!("{field}.nonResourceURLs"), "cannot be granted in a namespace");
            }
            if groups + resources + names > 0 {
                self.fault(&format!("{field}.nonResourceURLs"), "cannot stand beside resources");
            }
            return;
        }
        if groups == 0 {
            self.fault(&format!("{field}.apiGroups"), "must name at least one group, empty text for the core group");
        }
        if resources == 0 {
            self.fault(&format!("{field}.resources"), "must name at least one resource");
        }
    }

    fn aggregation(&mut self, rule: Option<&Value>) {
        let rule = match rule {
            None | Some(Value::Null) => return,
            Some(Value::Object(rule)) => rule,
            Some(_) => return self.fault("aggregationRule", "is no object"),
        };
        self.known_fields("aggregationRule.", rule, &["clusterRoleSelectors"]);
        let selectors = self.list("aggregationRule.clusterRoleSelectors", rule.get("clusterRoleSelectors"));
        if selectors.is_empty() {
            self.fault("aggregationRule.clusterRoleSelectors", "must name at least one selector");
        }
        for (index, selector) in selectors.iter().enumerate() {
            let field = format!("aggregationRule.clusterRoleSelectors[{index}]");
            match selector.as_object() {
                None => self.fault(&field, "is no object"),
                Some(selector) => self.selector(&field, selector),
            }
        }
    }

    fn selector(&mut self, field: &str, selector: &Map<String, Value>) {
        self.known_fields(&format!("{field}."), selector, &["matchLabels", "matchExpressions"]);
        match selector.get("matchLabels") {
            None | Some(Value::Null) => {}
            Some(Value::Object(labels)) => {
                labels.iter().for_each(|(key, value)| self.label(&format!("{field}.matchLabels"), key, value, true));
            }
            Some(_) => self.fault(&format!("{field}.matchLabels"), "must be a map of texts"),
        }
        let expressions = self.list(&format!("{field}.matchExpressions"), selector.get("matchExpressions"));
        for (index, expression) in expressions.iter().enumerate() {
            let field = format!("{field}.matchExpressions[{index}]");
            let Some(expression) = expression.as_object() else {
                self.fault(&field, "is no object");
                continue;
            };
            self.known_fields(&format!("{field}."), expression, &["key", "operator", "values"]);
            if !is_qualified_name(self.text(&format!("{field}.key"), expression.get("key"))) {
                self.fault(&format!("{field}.key"), "is no qualified name");
            }
            let values = self.texts(&format!("{field}.values"), expression.get("values"));
            match self.text(&format!("{field}.operator"), expression.get("operator")) {
                "In" | "NotIn" if values == 0 => self.fault(&format!("{field}.values"), "must name at least one"),
                "Exists" | "DoesNotExist" if values > 0 => self.fault(&format!("{field}.values"), "must be empty"),
                "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
                _ => self.fault(&format!("{field}.operator"), "must be In, NotIn, Exists or DoesNotExist"),
            }
        }
    }
}

/// RFC 1123 label: the name of a namespace.
pub(super) fn is_dns_label(text: &str) -> bool {
    let is_inner = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// RFC 1123 subdomain: the name of a service account and of most objects.
pub(super) fn is_dns_subdomain(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_inner = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        !part.is_empty() && part.bytes().all(is_inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_part)
}

/// What the part of a label after the slash may be.
fn is_label_name(text: &str) -> bool {
    let is_edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    text.len() <= 63
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
        && is_edge(text.chars().next())
        && is_edge(text.chars().last())
}

fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_label_name(text)
}

fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_label_name(name),
        None => is_label_name(text),
    }
}
