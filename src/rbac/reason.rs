//! The annotation `authorization.k8s.io/reason`: which binding and role the API server itself says that it used.

use super::model::{Key, Kind, Subject, SubjectKind};
use crate::limits::RBAC_REASON_BYTES_MAX;

/// A binding and a role, as an authorizer named them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Who decided: `RBAC`, or another authorizer that writes its reasons the same way (`EKS Access Policy`).
    pub authorizer: String,
    /// The binding.
    pub binding: Key,
    /// The role.
    pub role: Key,
    /// The subject that the binding names.
    pub subject: Subject,
}

/// Reads the text of the annotation; None where it names no binding: empty (the group `system:masters`), the words of
/// another authorizer, a refusal.
///
/// The API server writes the name before the namespace: `RoleBinding "reader/web"` lies in namespace `web`.
#[must_use]
pub fn reason(text: &str) -> Option<Reason> {
    if text.len() > RBAC_REASON_BYTES_MAX {
        return None;
    }
    let (authorizer, rest) = text.split_once(": allowed by ")?;
    let (binding_kind, binding_name, rest) = quoted_reference(rest)?;
    let (role_kind, role_name, rest) = quoted_reference(rest.strip_prefix(" of ")?)?;
    let (subject_kind, subject_name, rest) = quoted_reference(rest.strip_prefix(" to ")?)?;
    let binding_kind = Kind::from_name(binding_kind).filter(|kind| kind.is_binding())?;
    let role_kind = Kind::from_name(role_kind).filter(|kind| !kind.is_binding())?;
    if !rest.is_empty() {
        return None;
    }
    let (name, namespace) = match binding_kind {
        Kind::RoleBinding => binding_name.split_once('/').unwrap_or((&binding_name, "")),
        _ => (binding_name.as_str(), ""),
    };
    let subject = match subject_kind {
        "User" => Subject { kind: SubjectKind::User, namespace: String::new(), name: subject_name },
        "Group" => Subject { kind: SubjectKind::Group, namespace: String::new(), name: subject_name },
        "ServiceAccount" => {
            let (name, namespace) = subject_name.split_once('/').unwrap_or((&subject_name, ""));
            Subject { kind: SubjectKind::ServiceAccount, namespace: namespace.to_owned(), name: name.to_owned() }
        }
        _ => return None,
    };
    Some(Reason {
        authorizer: authorizer.to_owned(),
        role: Key::new(role_kind, namespace, &role_name),
        binding: Key::new(binding_kind, namespace, name),
        subject,
    })
}

/// `Kind "name"` at the start of a text: the kind, the name, and what follows.
fn quoted_reference(text: &str) -> Option<(&str, String, &str)> {
    let (kind, rest) = text.split_once(" \"")?;
    let (name, rest) = unquoted(rest)?;
    Some((kind, name, rest))
}

/// The text up to the closing quote, escapes of Go's `%q` undone, and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => {
                let (_, escape) = letters.next()?;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                out.push(match escape {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    '\\' | '"' | '\'' => escape,
                    'x' | 'u' | 'U' => {
                        let code: String = letters.by_ref().take(digits).map(|(_, digit)| digit).collect();
                        // a byte that was no UTF-8 comes as \x..; what it was is not worth an error
                        let code = u32::from_str_radix(&code, 16).ok()?;
                        if escape == 'x' && code > 0x7f { char::REPLACEMENT_CHARACTER } else { char::from_u32(code)? }
                    }
                    _ => return None,
                });
            }
            _ => out.push(letter),
        }
    }
    None
}
