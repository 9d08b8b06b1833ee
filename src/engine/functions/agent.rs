//! User agents: what kind of program says it is at the other end. The client chooses the text, so a class can make a
//! finding louder but must never excuse one alone.

use super::Function;

/// Command line tools and consoles that people type into.
const CLI: &[&str] =
    &["kubectl", "oc", "k9s", "kubelogin", "Lens", "headlamp", "openlens", "kubens", "kubectx", "k8slens"];
/// Bare HTTP clients and language defaults, which a script brings.
const SCRIPT: &[&str] = &[
    "curl",
    "wget",
    "python",
    "python-requests",
    "python-urllib",
    "openapi-generator",
    "okhttp",
    "java",
    "go-http-client",
    "httpie",
    "node",
    "node-fetch",
    "axios",
    "undici",
    "perl",
    "libwww-perl",
    "php",
    "ruby",
    "postmanruntime",
    "powershell",
];

/// `agent_class`.
pub(super) fn functions() -> Vec<Function> {
    vec![Function::text("agent_class", 1, |row| row[0].map(|agent| class(agent).into()))]
}

/// `cli`, `script` or `component`, by the program's name: what stands before the first `/`, space or bracket.
fn class(agent: &str) -> &'static str {
    let program = agent.split(['/', ' ', '(']).next().unwrap_or_default();
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(program));
    if is(CLI) || program.starts_with("kubectl-") {
        "cli"
    } else if program.is_empty() || is(SCRIPT) {
        "script"
    } else {
        "component"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_classed_by_the_name_of_the_program() {
        for (agent, expected) in [
            ("kubectl/v1.33.4 (linux/amd64) kubernetes/74cdb42", "cli"),
            ("kubectl-dispatcher/v1.0 (linux/amd64)", "cli"),
            ("curl/8.5.0", "script"),
            ("Python-urllib/3.11", "script"),
            ("Go-http-client/2.0", "script"),
            ("OpenAPI-Generator/29.0.0/python", "script"),
            ("", "script"),
            ("cert-manager/v1.15 (linux/amd64) kubernetes/74cdb42", "component"),
            ("curly/1.0", "component"),
        ] {
            assert_eq!(class(agent), expected, "{agent:?}");
        }
    }
}
