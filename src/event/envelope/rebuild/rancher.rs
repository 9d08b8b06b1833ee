//! Rancher's API audit log: requests to its proxy, by the user of Rancher who asks, before they reach a cluster.
//!
//! A request for `/k8s/clusters/CLUSTER/…` becomes the event that the API server of that cluster would write of it. What
//! is for Rancher's own API keeps its path and is no resource; its bodies, which may hold credentials that nobody knows
//! how to redact, are left out.

use chrono::DateTime;
use serde_json::Value;

use super::draft::{Draft, Response, User};
use super::field::{body, code, is_address, moment, moment_of, text, text_at, texts};
use super::request;
use super::{Rebuilt, Refusal};

/// Rebuilds the event of a record of Rancher's.
pub(in crate::event) fn rancher(record: &Value) -> Result<Rebuilt, Refusal> {
    let method = text_at(record, "/method").or_else(|| text_at(record, "/verb"));
    let (Some(id), Some(uri)) = (text_at(record, "/auditID"), text_at(record, "/requestURI")) else {
        return Err(Refusal::NotAudit);
    };
    let method = method.ok_or(Refusal::Broken("no method"))?;
    let mut draft = Draft { audit_id: Some(id), ..Draft::default() };
    for field in ["user.uid", "annotations"] {
        draft.lose(field);
    }
    let (cluster, uri) = behind_proxy(&uri);
    let (verb, object) = request::verb(&method, &uri);
    draft.cluster = cluster;
    draft.object = object;
    draft.verb = Some(verb);
    draft.uri = Some(uri);
    who(&mut draft, record);
    answer(&mut draft, record);
    let is_resource = draft.object.is_some();
    for (field, key) in [("requestObject", "requestBody"), ("responseObject", "responseBody")] {
        let value = record.get(key).filter(|value| !value.is_null());
        let found = if is_resource { draft.take(field, value, body) } else { None };
        if value.is_some() && found.is_none() {
            draft.lose(field);
        }
        if field == "requestObject" { draft.request_object = found } else { draft.response_object = found }
    }
    draft.level_of_bodies();
    draft.finish()
}

/// The cluster that a URI goes to through the proxy, and the URI that it gets.
fn behind_proxy(uri: &str) -> (Option<String>, String) {
    let Some(rest) = uri.strip_prefix("/k8s/clusters/") else { return (None, uri.to_owned()) };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (cluster, inner) = rest.split_at(end);
    if cluster.is_empty() {
        return (None, uri.to_owned());
    }
    let root = if inner.starts_with('/') { "" } else { "/" };
    (Some(cluster.to_owned()), format!("{root}{inner}"))
}

fn who(draft: &mut Draft, record: &Value) {
    let user = record.get("user").unwrap_or(&Value::Null);
    let username = text_at(user, "/name");
    if username.is_none() {
        draft.lose("user.username");
    }
    let groups = user.get("group").or_else(|| user.get("groups"));
    let groups = draft.take("user.groups", groups, texts).unwrap_or_default();
    let extra = user.get("extra").and_then(Value::as_object).into_iter().flatten();
    let extra = extra.filter_map(|(key, value)| Some((key.clone(), texts(value)?)));
    let mut extra: Vec<_> = extra.collect();
    extra.sort_unstable();
    draft.user = username.map(|name| User { username: Some(name), uid: None, groups, extra });
    let header = |name: &str| {
        let members = record.get("requestHeader")?.as_object()?;
        let (_, value) = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        text(value).or_else(|| value.get(0).and_then(text))
    };
    draft.user_agent = header("User-Agent");
    if draft.user_agent.is_none() {
        draft.lose("userAgent");
    }
    draft.source_ips = addresses(record, header("X-Forwarded-For"), header("X-Real-Ip"));
    if draft.source_ips.is_empty() {
        draft.lose("sourceIPs");
    }
}

/// The addresses in the order in which an API server lists them: those that were forwarded, then the peer's own.
fn addresses(record: &Value, forwarded: Option<String>, real: Option<String>) -> Vec<String> {
    if let Some(told) = record.get("sourceIPs").and_then(texts) {
        return told; // Rancher before 2.6
    }
    let forwarded = forwarded.unwrap_or_default();
    let mut addresses: Vec<String> =
        forwarded.split(',').map(str::trim).filter(|address| is_address(address)).map(str::to_owned).collect();
    if let Some(real) = real.filter(|real| is_address(real) && !addresses.contains(real)) {
        addresses.push(real);
    }
    let remote = text_at(record, "/remoteAddr").unwrap_or_default();
    let peer = match remote.parse::<std::net::SocketAddr>() {
        Ok(peer) => Some(peer.ip().to_string()),
        Err(_) => is_address(&remote).then_some(remote),
    };
    if let Some(peer) = peer.filter(|peer| addresses.last() != Some(peer)) {
        addresses.push(peer);
    }
    addresses
}

/// Times, stage and answer: a record is written when the answer is complete, by old versions when it is asked for too.
fn answer(draft: &mut Draft, record: &Value) {
    draft.received = record.get("requestTimestamp").and_then(time);
    draft.staged = record.get("responseTimestamp").or_else(|| record.get("stageTimestamp")).and_then(time);
    let code = ["responseCode", "responseStatus"].iter().find_map(|key| record.get(key)).and_then(code);
    draft.response = code.map(|code| Response { code: Some(code), ..Response::default() });
    draft.lose_reason();
    draft.stage = text_at(record, "/stage").or_else(|| code.map(|_| "ResponseComplete".to_owned()));
    let told = [
        ("stage", draft.stage.is_some()),
        ("responseStatus", draft.response.is_some() || draft.stage.as_deref() == Some("RequestReceived")),
        ("requestReceivedTimestamp", draft.received.is_some()),
        ("stageTimestamp", draft.staged.is_some()),
    ];
    told.into_iter().filter(|(_, is_told)| !is_told).for_each(|(field, _)| draft.lose(field));
}

fn time(value: &Value) -> Option<String> {
    moment(value).or_else(|| {
        let time = DateTime::parse_from_str(value.as_str()?, "%Y-%m-%d %H:%M:%S %z").ok()?;
        moment_of(time.timestamp_micros())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Rebuilt, parse};
    use super::*;

    fn made(record: &str) -> Rebuilt {
        rancher(&parse(record.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_request_through_the_proxy_is_the_event_of_its_cluster() {
        let made = made(
            r#"{"auditID":"a-1","requestURI":"/k8s/clusters/c-m-1/api/v1/namespaces/web/secrets/db?x=1",
            "user":{"name":"u-1","group":["ops"],"extra":{"username":["ada"],"principalid":["local://u-1"]}},
            "method":"PUT","remoteAddr":"192.0.2.9:50514","responseCode":200,"requestTimestamp":"2026-01-15T08:30:00Z",
            "responseTimestamp":"2026-01-15T08:30:01Z","requestBody":{"kind":"Secret", "data":{"k":"djE="}},
            "requestHeader":{"User-Agent":["kubectl/v1.33.1"],"X-Forwarded-For":["203.0.113.7, x"]}}"#,
        );
        let expected = [
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"a-1","stage":"ResponseComplete","#,
            r#""requestURI":"/api/v1/namespaces/web/secrets/db?x=1","verb":"update","#,
            r#""user":{"username":"u-1","groups":["ops"],"extra":{"principalid":["local://u-1"],"username":["ada"]}},"#,
            r#""sourceIPs":["203.0.113.7","192.0.2.9"],"userAgent":"kubectl/v1.33.1","#,
            r#""objectRef":{"resource":"secrets","namespace":"web","name":"db","apiVersion":"v1"},"#,
            r#""responseStatus":{"metadata":{},"code":200},"requestObject":{"kind":"Secret","data":{"k":"djE="}},"#,
            r#""requestReceivedTimestamp":"2026-01-15T08:30:00.000000Z","stageTimestamp":"2026-01-15T08:30:01.000000Z"}"#,
        ];
        assert_eq!(made.json, expected.concat());
        assert_eq!(made.lost, ["annotations", "user.uid"]);
        assert_eq!(made.cluster.as_deref(), Some("c-m-1"));
    }

    #[test]
    fn what_is_for_rancher_itself_has_no_object_and_no_bodies() {
        let made = made(
            r#"{"auditID":"a-2","requestURI":"/v3/clusters/c-1?action=generateKubeconfig","user":{"name":"u-1"},"method":"POST",
            "remoteAddr":"[2001:db8::1]:443","responseCode":200,"requestTimestamp":"2026-01-15T08:30:00Z",
            "responseBody":{"config":"token: kubeconfig-u-1:abc"}}"#,
        );
        let expected = [
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-2","stage":"ResponseComplete","#,
            r#""requestURI":"/v3/clusters/c-1?action=generateKubeconfig","verb":"post","user":{"username":"u-1"},"#,
            r#""sourceIPs":["2001:db8::1"],"responseStatus":{"metadata":{},"code":200},"#,
            r#""requestReceivedTimestamp":"2026-01-15T08:30:00.000000Z"}"#,
        ];
        assert_eq!(made.json, expected.concat());
        assert_eq!(made.lost, ["annotations", "responseObject", "stageTimestamp", "user.uid", "userAgent"]);
        assert_eq!(made.cluster, None);
    }

    #[test]
    fn records_of_old_versions_are_read() {
        let made = made(
            r#"{"auditID":"a-3","requestURI":"/k8s/clusters/local","sourceIPs":["203.0.113.7"],"user":{"name":"u-1"},
            "verb":"GET","stage":"RequestReceived","stageTimestamp":"2026-01-15 16:30:00 +0800"}"#,
        );
        assert!(made.json.contains(r#""stage":"RequestReceived","requestURI":"/","verb":"get""#), "{}", made.json);
        assert!(made.json.ends_with(r#""stageTimestamp":"2026-01-15T08:30:00.000000Z"}"#), "{}", made.json);
        assert_eq!(made.cluster.as_deref(), Some("local"));
    }

    #[test]
    fn other_records_are_refused() {
        for record in
            [json!({"auditID": "a"}), json!({"requestURI": "/"}), json!([]), json!({"auditID": 1, "requestURI": {}})]
        {
            assert_eq!(rancher(&record), Err(Refusal::NotAudit), "{record}");
        }
        let record = json!({"auditID": "a", "requestURI": "/", "user": 7, "requestHeader": [], "method": "GET"});
        assert_eq!(rancher(&record), Err(Refusal::Broken("no time that could be read")));
    }
}
