//! The text that `--audit-log-format=legacy` writes: one line an event, after Go's `%q`
//! (`k8s.io/apiserver/pkg/audit`, `EventString`).

use serde_json::Value;

use super::Rebuilt;
use super::draft::{Draft, Response, User};
use super::field::moment;
use super::request::object;

/// The fields in their order; older API servers leave out the user agent.
const FIELDS: [&str; 12] =
    ["id", "stage", "ip", "method", "user", "groups", "as", "asgroups", "user-agent", "namespace", "uri", "response"];
const AGENT: usize = 8;

/// Rebuilds the event of a line; `None` if it is not exactly such a line.
pub(in crate::event) fn legacy(line: &str) -> Option<Rebuilt> {
    let (time, mut rest) = line.trim_end().split_once(" AUDIT: ")?;
    let received = moment(&Value::from(time))?;
    let mut told: [String; 12] = Default::default();
    for (index, field) in FIELDS.iter().enumerate() {
        let Some(value) = rest.strip_prefix(field).and_then(|rest| rest.strip_prefix('=')) else {
            if index == AGENT {
                continue;
            }
            return None;
        };
        let (text, after) = quoted(value)?;
        told[index] = text;
        rest = if index + 1 < FIELDS.len() { after.strip_prefix(' ')? } else { after };
    }
    if !rest.is_empty() {
        return None;
    }
    let [id, stage, ip, method, user, groups, impersonated, as_groups, agent, namespace, uri, response] = told;
    let mut draft = Draft { received: Some(received), ..Draft::default() };
    // of the addresses only the first is written, which the client may have made up
    for field in
        ["annotations", "sourceIPs", "stageTimestamp", "user.extra", "user.uid", "requestObject", "responseObject"]
    {
        draft.lose(field);
    }
    draft.audit_id = Some(id);
    draft.stage = Some(stage);
    draft.verb = Some(method);
    let known = |text: String, unknown: &str| (text != unknown).then_some(text);
    let name = known(user, "<none>");
    draft.user = Some(User { username: name, groups: list(&groups, "<none>")?, ..User::default() });
    draft.impersonated = match known(impersonated, "<self>") {
        Some(name) => Some(User { username: Some(name), groups: list(&as_groups, "<lookup>")?, ..User::default() }),
        None => None,
    };
    draft.source_ips.extend(known(ip, "<unknown>"));
    draft.user_agent = (!agent.is_empty()).then_some(agent);
    if draft.user_agent.is_none() {
        draft.lose("userAgent");
    }
    draft.object = object(&uri);
    if let Some(object) = &mut draft.object
        && object.namespace.is_none()
    {
        object.namespace = known(namespace, "<none>");
    }
    draft.uri = Some(uri);
    if let Some(code) = known(response, "<deferred>") {
        draft.response = Some(Response { code: Some(code.parse().ok()?), ..Response::default() });
    }
    draft.lose_reason();
    draft.level_of_bodies();
    draft.finish().ok()
}

/// A list of quoted texts, or none.
fn list(text: &str, none: &str) -> Option<Vec<String>> {
    let (mut texts, mut rest) = (Vec::new(), text);
    if text == none || text.is_empty() {
        return Some(texts);
    }
    loop {
        let (text, after) = quoted(rest)?;
        texts.push(text);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.is_empty().then_some(texts),
        }
    }
}

/// The text that Go quoted at the beginning of `text`, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let (mut bytes, mut chars) = (Vec::new(), inner.char_indices());
    while let Some((at, found)) = chars.next() {
        match found {
            '"' => return Some((String::from_utf8_lossy(&bytes).into_owned(), &inner[at + 1..])),
            '\\' => {
                let (_, escape) = chars.next()?;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                if digits > 0 {
                    let number = (0..digits).try_fold(0, |sum, _| Some(sum * 16 + chars.next()?.1.to_digit(16)?))?;
                    match u8::try_from(number).ok().filter(|_| digits == 2) {
                        Some(byte) => bytes.push(byte),
                        None => push(&mut bytes, char::from_u32(number)?),
                    }
                    continue;
                }
                push(
                    &mut bytes,
                    match escape {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'a' => '\u{7}',
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'v' => '\u{b}',
                        '"' | '\\' => escape,
                        _ => return None,
                    },
                );
            }
            plain => push(&mut bytes, plain),
        }
    }
    None
}

fn push(bytes: &mut Vec<u8>, found: char) {
    bytes.extend_from_slice(found.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = concat!(
        r#"2026-01-15T09:30:00.123456789+01:00 AUDIT: id="a-1" stage="ResponseComplete" ip="203.0.113.7" method="get" "#,
        r#"user="ada" groups="\"ops\",\"a\\\"b\"" as="root" asgroups="\"system:masters\"" user-agent="curl/8 \"x\"" "#,
        r#"namespace="web" uri="/api/v1/namespaces/web/secrets/db?a=1&b=\u00e9" response="200""#,
    );

    #[test]
    fn a_line_becomes_its_event() {
        let made = legacy(LINE).unwrap();
        let expected = [
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-1","stage":"ResponseComplete","#,
            r#""requestURI":"/api/v1/namespaces/web/secrets/db?a=1\u0026b=é","verb":"get","#,
            r#""user":{"username":"ada","groups":["ops","a\"b"]},"#,
            r#""impersonatedUser":{"username":"root","groups":["system:masters"]},"sourceIPs":["203.0.113.7"],"#,
            r#""userAgent":"curl/8 \"x\"","objectRef":{"resource":"secrets","namespace":"web","name":"db","apiVersion":"v1"},"#,
            r#""responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-01-15T08:30:00.123456Z"}"#,
        ];
        assert_eq!(made.json, expected.concat());
        let lost =
            ["annotations", "requestObject", "responseObject", "sourceIPs", "stageTimestamp", "user.extra", "user.uid"];
        assert_eq!(made.lost, lost);
    }

    #[test]
    fn what_was_unknown_to_the_api_server_is_left_out() {
        let line = r#"2026-01-15T08:30:00Z AUDIT: id="a-2" stage="RequestReceived" ip="<unknown>" method="get" user="<none>" groups="<none>" as="<self>" asgroups="<lookup>" namespace="<none>" uri="/version" response="<deferred>""#;
        let made = legacy(line).unwrap();
        let expected = [
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-2","stage":"RequestReceived","#,
            r#""requestURI":"/version","verb":"get","user":{},"requestReceivedTimestamp":"2026-01-15T08:30:00.000000Z"}"#,
        ];
        assert_eq!(made.json, expected.concat());
        assert!(made.lost.contains(&"userAgent"));
    }

    #[test]
    fn only_whole_lines_are_taken() {
        for end in (0..LINE.len()).filter(|end| LINE.is_char_boundary(*end)) {
            assert_eq!(legacy(&LINE[..end]), None, "{end}");
        }
        for line in [
            LINE.replace("AUDIT", "audit"),
            LINE.replace("ip=", "IP="),
            LINE.replace("\"200\"", "\"ok\""),
            LINE.replace("2026-01-15T", "2026-01-45T"),
            format!("{LINE} more=\"1\""),
            LINE.replace("curl", "\\q"),
            LINE.replace("curl", "\\ud800"),
            r#"2026-01-15T08:30:00Z AUDIT: id="a-2" response="200""#.to_owned(),
        ] {
            assert_eq!(legacy(&line), None, "{line}");
        }
    }
}
