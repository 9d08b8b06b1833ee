//! Writing YAML so that every parser reads it back the same.

use super::model::{Body, GROUP, Kind, Object, Rule, Subject, SubjectKind};

/// Objects as YAML documents that `kubectl apply` takes.
pub(super) fn write<'a>(objects: impl IntoIterator<Item = &'a Object>) -> String {
    let mut out = String::new();
    for object in objects {
        if !out.is_empty() {
            out.push_str("---\n");
        }
        out.push_str(&format!("apiVersion: {GROUP}/v1\nkind: {}\nmetadata:\n", object.key.kind.name()));
        out.push_str(&format!("  name: {}\n", scalar(&object.key.name)));
        if object.key.kind.is_namespaced() {
            out.push_str(&format!("  namespace: {}\n", scalar(&object.key.namespace)));
        }
        if !object.labels.is_empty() {
            out.push_str("  labels:\n");
            object.labels.iter().for_each(|(key, value)| {
                out.push_str(&format!("    {}: {}\n", scalar(key), scalar(value)));
            });
        }
        match &object.body {
            Body::Role { rules, .. } => write_rules(&mut out, rules.iter().map(AsRef::as_ref)),
            Body::Binding { role, subjects } => {
                let kind =
                    Kind::from_name(&role.kind).map_or_else(|| scalar(&role.kind), |kind| kind.name().to_owned());
                out.push_str(&format!(
                    "roleRef:\n  apiGroup: {GROUP}\n  kind: {kind}\n  name: {}\n",
                    scalar(&role.name)
                ));
                write_subjects(&mut out, subjects);
            }
        }
    }
    out
}

fn write_rules<'a>(out: &mut String, rules: impl Iterator<Item = &'a Rule>) {
    let mut is_first = true;
    for rule in rules {
        out.push_str(if is_first { "rules:\n" } else { "" });
        is_first = false;
        let lists = [
            ("apiGroups", &rule.api_groups),
            ("resources", &rule.resources),
            ("resourceNames", &rule.resource_names),
            ("nonResourceURLs", &rule.non_resource_urls),
            ("verbs", &rule.verbs),
        ];
        for (index, (key, values)) in lists.iter().filter(|(_, values)| !values.is_empty()).enumerate() {
            out.push_str(if index == 0 { "- " } else { "  " });
            let values: Vec<String> = values.iter().map(|value| scalar(value)).collect();
            out.push_str(&format!("{key}: [{}]\n", values.join(", ")));
        }
    }
    if is_first {
        out.push_str("rules: []\n");
    }
}

fn write_subjects(out: &mut String, subjects: &[Subject]) {
    out.push_str(if subjects.is_empty() { "subjects: []\n" } else { "subjects:\n" });
    for subject in subjects {
        let (kind, group) = match subject.kind {
            SubjectKind::ServiceAccount => ("ServiceAccount", None),
            SubjectKind::Group => ("Group", Some(GROUP)),
            SubjectKind::User | SubjectKind::Other => ("User", Some(GROUP)),
        };
        out.push_str(&format!("- kind: {kind}\n"));
        group.iter().for_each(|group| out.push_str(&format!("  apiGroup: {group}\n")));
        out.push_str(&format!("  name: {}\n", scalar(&subject.name)));
        if subject.kind == SubjectKind::ServiceAccount && !subject.namespace.is_empty() {
            out.push_str(&format!("  namespace: {}\n", scalar(&subject.namespace)));
        }
    }
}

/// Words that some YAML parser takes for something else than text.
const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];

/// A text as a YAML scalar, for block and flow context alike: plain only where no parser of any version could take it
/// for something else.
pub(super) fn scalar(text: &str) -> String {
    let is_tame = |letter: char| letter.is_ascii_alphanumeric() || "-._/".contains(letter);
    let is_plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(is_tame)
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes, printable ASCII only.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(letter),
            _ if u32::from(letter) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push_str(&format!("\\U{:08x}", u32::from(letter))),
        }
    }
    out.push('"');
    out
}
