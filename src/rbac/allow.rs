//! The API server's question: does one of these grants allow this request?

use percent_encoding::percent_decode_str;

use super::model::Rule;
use super::state::Grant;

/// What a request asked for, as its event tells it. A request without a resource is for a URL outside of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Asked<'a> {
    /// The verb.
    pub verb: &'a str,
    /// The API group, empty for the core group.
    pub api_group: &'a str,
    /// The resource, empty for URLs outside of the resources.
    pub resource: &'a str,
    /// The subresource, or empty.
    pub subresource: &'a str,
    /// The namespace, empty for the whole cluster.
    pub namespace: &'a str,
    /// The object's name, or the one that a `metadata.name` selector of `list` or `watch` asks for, or empty.
    pub name: &'a str,
    /// The path of the URL, decoded, without the query ([`path_of`]); only looked at without a resource.
    pub path: &'a str,
}

impl<'a> Asked<'a> {
    /// Whether it is for a URL outside of the resources.
    #[must_use]
    pub fn is_path(&self) -> bool {
        self.resource.is_empty()
    }

    /// The name that the authorizer saw. The event of `create` has the name out of the body, which the authorizer had
    /// not read, unless the URL had it too, as for subresources; `deletecollection` never has one.
    #[must_use]
    pub fn name_seen(&self) -> &'a str {
        match self.verb {
            "create" if self.subresource.is_empty() => "",
            "deletecollection" => "",
            _ => self.name,
        }
    }

    /// `pods` or `pods/exec`.
    #[must_use]
    pub fn combined(&self) -> String {
        combined(self.resource, self.subresource)
    }
}

pub(super) fn combined(resource: &str, subresource: &str) -> String {
    if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") }
}

/// The path of a request URI as the authorizer sees it: without the query, percent escapes decoded.
#[must_use]
pub fn path_of(uri: &str) -> String {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The first grant that allows the request. Time grows with the grants; [`super::Matcher`] answers for many requests.
#[must_use]
pub fn allows<'g>(grants: &'g [Grant], asked: &Asked<'_>) -> Option<&'g Grant> {
    let combined = asked.combined();
    grants.iter().find(|grant| {
        let reaches = grant.namespace.as_deref().is_none_or(|namespace| namespace == asked.namespace);
        reaches && rule_allows(&grant.rule, asked, &combined, grant.namespace.is_some())
    })
}

fn rule_allows(rule: &Rule, asked: &Asked<'_>, combined: &str, is_namespaced: bool) -> bool {
    let verb = rule.verbs.iter().any(|verb| verb == "*" || verb == asked.verb);
    if asked.is_path() {
        // such requests have no namespace, so what is granted in one never reaches them
        return verb && !is_namespaced && rule.non_resource_urls.iter().any(|url| url_matches(url, asked.path));
    }
    let name = asked.name_seen();
    verb && rule.api_groups.iter().any(|group| group == "*" || group == asked.api_group)
        && rule.resources.iter().any(|resource| resource_matches(resource, combined, asked.subresource))
        && (rule.resource_names.is_empty() || rule.resource_names.iter().any(|granted| granted == name))
}

/// `*` stands for all and, before a slash, for every resource; `pods/*` is no pattern.
fn resource_matches(pattern: &str, combined: &str, subresource: &str) -> bool {
    pattern == "*"
        || pattern == combined
        || !subresource.is_empty() && pattern.strip_prefix("*/").is_some_and(|rest| rest == subresource)
}

fn url_matches(pattern: &str, path: &str) -> bool {
    pattern == path || pattern.ends_with('*') && path.starts_with(pattern.trim_end_matches('*'))
}
