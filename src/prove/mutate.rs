//! Tricks: what an attacker, or the log's way to us, changes in the events of an attack that stays the same attack.
//!
//! A trick changes an event only where the changed request would still do what the event did, and where it changes
//! anything at all. What makes a request that request (verb, object, body) is never taken away; what a log may lack or
//! an attacker may choose is. An API server writes `sourceIPs` always: a detection that is about addresses declares
//! that it is blind without them, so that whoever reads a log that has none is told.

use serde_json::{Map, Value, json};

/// One way to tell an attack otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Trick {
    /// What a detection's `blind` calls it, with what is special about it after a dot: `null_columns.sourceIPs`.
    pub name: &'static str,
    /// The events in place of one event of the attack; `None` where it does not apply.
    pub change: fn(&Value) -> Option<Vec<Value>>,
    /// Whether the log holds more of it afterwards and the attack no more: then the findings stay the very same.
    pub adds_only: bool,
}

impl Trick {
    /// The name up to the dot.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }
}

/// All tricks.
pub const TRICKS: [Trick; 14] = [
    trick("get_for_create", get_for_create),
    trick("watch_for_list", watch_for_list),
    trick("spoofed_address", spoofed_address),
    trick("foreign_agent", foreign_agent),
    Trick { name: "other_stage.RequestReceived", change: also_received, adds_only: true },
    trick("other_stage.ResponseStarted", still_open),
    trick("impersonation", impersonation),
    trick("reused_audit_id", beside_a_decoy),
    trick("null_columns.userAgent", |event| without(event, "userAgent")),
    trick("null_columns.annotations", without_annotations),
    trick("null_columns.sourceIPs", |event| without(event, "sourceIPs")),
    trick("null_columns.responseStatus", without_status),
    trick("null_columns.groups", |event| without_of_user(event, "groups")),
    trick("null_columns.uid", |event| without_of_user(event, "uid")),
];

const fn trick(name: &'static str, change: fn(&Value) -> Option<Vec<Value>>) -> Trick {
    Trick { name, change, adds_only: false }
}

/// Who impersonates; a name that no case has.
const IMPERSONATOR: &str = "impersonator@example.net";
/// What a component says that it is.
const FOREIGN_AGENT: &str = "kubelet/v1.34.0 (linux/amd64) kubernetes/f28b4c9";
/// Requests whose answer goes on: the API server writes them once more when it begins.
const LONG_SUBRESOURCES: [&str; 5] = ["exec", "attach", "portforward", "proxy", "log"];
/// Requests that a WebSocket opens as well, whose handshake is a GET.
const CONNECT_SUBRESOURCES: [&str; 4] = ["exec", "attach", "portforward", "proxy"];

/// A copy of the event, once `change` says that it changed it.
fn changed(event: &Value, change: impl FnOnce(&mut Map<String, Value>) -> Option<()>) -> Option<Vec<Value>> {
    let mut event = event.clone();
    change(event.as_object_mut()?)?;
    Some(vec![event])
}

fn verb_of(event: &Value) -> &str {
    event["verb"].as_str().unwrap_or_default()
}

fn subresource_of(event: &Value) -> &str {
    event["objectRef"]["subresource"].as_str().unwrap_or_default()
}

/// exec and its like over WebSocket, and a proxy asked by GET.
fn get_for_create(event: &Value) -> Option<Vec<Value>> {
    let subresource = subresource_of(event);
    let connects = CONNECT_SUBRESOURCES.contains(&subresource) && verb_of(event) != "get";
    // the kubelet runs a command at /run by POST only
    let by_post_only = event["requestURI"].as_str().is_some_and(|uri| uri.contains("/proxy/run/"));
    let code = event["responseStatus"]["code"].as_i64();
    (connects && !by_post_only).then_some(())?;
    changed(event, |event| {
        event.insert("verb".to_owned(), json!("get"));
        if subresource != "proxy" && code.is_some_and(|code| code < 300) {
            event.insert("responseStatus".to_owned(), json!({"metadata": {}, "code": 101}));
        }
        Some(())
    })
}

/// A watch sends all that a list sends, and the log has no body of it.
fn watch_for_list(event: &Value) -> Option<Vec<Value>> {
    (verb_of(event) == "list").then_some(())?;
    changed(event, |event| {
        event.insert("verb".to_owned(), json!("watch"));
        event.remove("responseObject");
        if let Some(uri) = event.get("requestURI").and_then(Value::as_str) {
            let joint = if uri.contains('?') { '&' } else { '?' };
            event.insert("requestURI".to_owned(), json!(format!("{uri}{joint}watch=true")));
        }
        Some(())
    })
}

/// A client may send `X-Forwarded-For`: all but the last address are its own words.
fn spoofed_address(event: &Value) -> Option<Vec<Value>> {
    changed(event, |event| {
        let addresses = event.get_mut("sourceIPs")?.as_array_mut()?;
        addresses.first().filter(|first| *first != "127.0.0.1")?;
        addresses.insert(0, json!("127.0.0.1"));
        Some(())
    })
}

fn foreign_agent(event: &Value) -> Option<Vec<Value>> {
    (event["userAgent"] != FOREIGN_AGENT).then_some(())?;
    changed(event, |event| {
        event.insert("userAgent".to_owned(), json!(FOREIGN_AGENT));
        Some(())
    })
}

/// A policy without `omitStages`: each request is written when it arrives, with what is known then.
fn also_received(event: &Value) -> Option<Vec<Value>> {
    (event["stage"] != "RequestReceived").then_some(())?;
    let mut events = changed(event, |event| {
        for later in ["responseStatus", "responseObject", "requestObject", "annotations", "impersonatedUser"] {
            event.remove(later);
        }
        event.insert("stage".to_owned(), json!("RequestReceived"));
        let received = event.get("requestReceivedTimestamp").cloned()?;
        event.insert("stageTimestamp".to_owned(), received);
        Some(())
    })?;
    events.push(event.clone());
    Some(events)
}

/// A request that lasts, and whose end the log does not have (yet).
fn still_open(event: &Value) -> Option<Vec<Value>> {
    let lasts = verb_of(event) == "watch" || LONG_SUBRESOURCES.contains(&subresource_of(event));
    // what is refused never begins
    let is_refused = event["responseStatus"]["code"].as_i64().is_some_and(|code| code >= 400);
    (lasts && !is_refused && event["stage"] == "ResponseComplete").then_some(())?;
    changed(event, |event| {
        event.insert("stage".to_owned(), json!("ResponseStarted"));
        event.remove("responseObject");
        Some(())
    })
}

/// Someone else does it under the name of who did it.
fn impersonation(event: &Value) -> Option<Vec<Value>> {
    let user = event["user"].as_object()?;
    let username = user.get("username")?.as_str()?;
    (username != "system:anonymous" && event.get("impersonatedUser").is_none()).then_some(())?;
    let mut target = user.clone();
    // these are headers of their own, which one who is in a hurry leaves out
    target.remove("uid");
    target.remove("extra");
    changed(event, |event| {
        event.insert("user".to_owned(), json!({"username": IMPERSONATOR, "groups": ["system:authenticated"]}));
        // the API server writes it down only after it let the request in
        event.insert("impersonatedUser".to_owned(), Value::Object(target));
        Some(())
    })
}

/// The client chooses the audit id, and gives one to a harmless request too.
fn beside_a_decoy(event: &Value) -> Option<Vec<Value>> {
    let mut events = changed(event, |event| {
        for own in ["requestObject", "responseObject", "impersonatedUser"] {
            event.remove(own);
        }
        event.insert("verb".to_owned(), json!("get"));
        event.insert("level".to_owned(), json!("Metadata"));
        event.insert("stage".to_owned(), json!("ResponseComplete"));
        event.insert("requestURI".to_owned(), json!("/api/v1/namespaces/default"));
        let object = json!({"resource": "namespaces", "namespace": "default", "name": "default", "apiVersion": "v1"});
        event.insert("objectRef".to_owned(), object);
        event.insert("responseStatus".to_owned(), json!({"metadata": {}, "code": 200}));
        Some(())
    })?;
    events.push(event.clone());
    Some(events)
}

fn without(event: &Value, member: &str) -> Option<Vec<Value>> {
    changed(event, |event| event.remove(member).map(drop))
}

/// Of a refusal that has no code the annotations are all that says so.
fn without_annotations(event: &Value) -> Option<Vec<Value>> {
    let is_forbidden = event["annotations"]["authorization.k8s.io/decision"] == "forbid";
    let is_refused = event["responseStatus"]["code"].as_i64().is_some_and(|code| code >= 400);
    (!is_forbidden || is_refused).then_some(())?;
    without(event, "annotations")
}

/// A refusal is known by its code alone, so only of what was let in the answer may be lost.
fn without_status(event: &Value) -> Option<Vec<Value>> {
    event["responseStatus"]["code"].as_i64().filter(|code| *code < 400)?;
    without(event, "responseStatus")
}

fn without_of_user(event: &Value, member: &str) -> Option<Vec<Value>> {
    changed(event, |event| event.get_mut("user")?.as_object_mut()?.remove(member).map(drop))
}

/// The events of a case told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// All events of the case, those of the attack as the trick leaves them.
    pub events: Vec<Value>,
    /// Those of them that the trick made or changed.
    pub changed: Vec<Value>,
    /// The audit ids that a finding must bear as evidence.
    pub hits: Vec<String>,
}

impl Trick {
    /// The case's `events` with the trick on those at `attack`; `None` if it changes none of them.
    #[must_use]
    pub fn apply(&self, events: &[Value], attack: &[usize], hits: &[String]) -> Option<Variant> {
        let one_id = hits.first().filter(|_| self.name == "reused_audit_id");
        let mut variant =
            Variant { events: Vec::with_capacity(events.len()), changed: Vec::new(), hits: hits.to_vec() };
        for (index, event) in events.iter().enumerate() {
            let now = if attack.contains(&index) { (self.change)(event) } else { None };
            let Some(mut now) = now else {
                variant.events.push(event.clone());
                continue;
            };
            if let Some(id) = one_id {
                now.iter_mut().for_each(|event| event["auditID"] = json!(id));
            }
            variant.changed.extend_from_slice(&now);
            variant.events.append(&mut now);
        }
        if let Some(id) = one_id {
            variant.hits = vec![id.clone()];
        }
        (!variant.changed.is_empty()).then_some(variant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_on(name: &str, event: &Value) -> Option<Vec<Value>> {
        let trick = TRICKS.iter().find(|trick| trick.name == name).unwrap();
        trick.apply(std::slice::from_ref(event), &[0], &["e1".to_owned()]).map(|variant| variant.events)
    }

    fn exec() -> Value {
        json!({
            "auditID": "e1", "stage": "ResponseComplete", "verb": "create",
            "requestReceivedTimestamp": "2026-01-15T10:00:00Z", "stageTimestamp": "2026-01-15T10:01:00Z",
            "requestURI": "/api/v1/namespaces/shop/pods/web-0/exec?command=id", "sourceIPs": ["203.0.113.7"],
            "user": {"username": "dev@example.com", "uid": "u1", "groups": ["g"], "extra": {"a": ["b"]}},
            "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web-0"},
            "responseStatus": {"code": 200}, "annotations": {"authorization.k8s.io/decision": "allow"},
        })
    }

    fn list() -> Value {
        json!({
            "auditID": "e1", "stage": "ResponseComplete", "verb": "list", "requestURI": "/api/v1/secrets?limit=5",
            "user": {"username": "system:anonymous"}, "objectRef": {"resource": "secrets"},
            "responseObject": {"items": []}, "responseStatus": {"code": 403},
        })
    }

    #[test]
    fn exec_becomes_a_get_that_switches_protocols() {
        let event = try_on("get_for_create", &exec()).unwrap().remove(0);
        assert_eq!((&event["verb"], &event["responseStatus"]["code"]), (&json!("get"), &json!(101)));
        assert_eq!(try_on("get_for_create", &event), None);
        let mut run = exec();
        run["requestURI"] = json!("/api/v1/nodes/node-1/proxy/run/shop/web-0/app?cmd=id");
        assert_eq!(try_on("get_for_create", &run), None);
        assert_eq!(try_on("get_for_create", &list()), None);
    }

    #[test]
    fn a_list_becomes_a_watch_whose_answer_is_not_logged() {
        let event = try_on("watch_for_list", &list()).unwrap().remove(0);
        assert_eq!(
            (&event["verb"], &event["requestURI"]),
            (&json!("watch"), &json!("/api/v1/secrets?limit=5&watch=true"))
        );
        assert!(event.get("responseObject").is_none());
        assert_eq!(try_on("watch_for_list", &exec()), None);
    }

    #[test]
    fn an_address_is_put_before_the_true_one() {
        let event = try_on("spoofed_address", &exec()).unwrap().remove(0);
        assert_eq!(event["sourceIPs"], json!(["127.0.0.1", "203.0.113.7"]));
        assert_eq!(try_on("spoofed_address", &event), None);
        assert_eq!(try_on("spoofed_address", &list()), None);
    }

    #[test]
    fn a_request_is_received_before_anyone_knows_how_it_ends() {
        let events = try_on("other_stage.RequestReceived", &exec()).unwrap();
        assert_eq!(events[1], exec());
        assert_eq!(events[0]["stage"], "RequestReceived");
        assert_eq!(events[0]["stageTimestamp"], events[0]["requestReceivedTimestamp"]);
        assert!(events[0].get("responseStatus").is_none() && events[0].get("annotations").is_none());
    }

    #[test]
    fn only_what_lasts_and_was_let_in_is_still_open() {
        assert_eq!(try_on("other_stage.ResponseStarted", &exec()).unwrap()[0]["stage"], "ResponseStarted");
        assert_eq!(try_on("other_stage.ResponseStarted", &list()), None);
        let refused = try_on("watch_for_list", &list()).unwrap().remove(0);
        assert_eq!(try_on("other_stage.ResponseStarted", &refused), None);
    }

    #[test]
    fn who_acts_under_a_name_leaves_its_credential_behind() {
        let event = try_on("impersonation", &exec()).unwrap().remove(0);
        assert_eq!(event["user"]["username"], IMPERSONATOR);
        assert_eq!(event["impersonatedUser"], json!({"username": "dev@example.com", "groups": ["g"]}));
        assert_eq!(try_on("impersonation", &event), None);
        assert_eq!(try_on("impersonation", &list()), None);
    }

    #[test]
    fn one_audit_id_serves_for_all_and_for_something_harmless() {
        let mut second = exec();
        second["auditID"] = json!("e2");
        let trick = TRICKS.iter().find(|trick| trick.name == "reused_audit_id").unwrap();
        let hits = ["e2".to_owned(), "e1".to_owned()];
        let variant = trick.apply(&[exec(), second], &[0, 1], &hits).unwrap();
        assert!(variant.events.iter().all(|event| event["auditID"] == "e2"));
        let verbs: Vec<&str> = variant.events.iter().map(verb_of).collect();
        assert_eq!((verbs, variant.hits), (vec!["get", "create", "get", "create"], vec!["e2".to_owned()]));
    }

    #[test]
    fn a_member_is_taken_away_where_it_is() {
        assert!(try_on("null_columns.groups", &exec()).unwrap()[0]["user"].get("groups").is_none());
        assert!(try_on("null_columns.sourceIPs", &exec()).unwrap()[0].get("sourceIPs").is_none());
        assert!(try_on("null_columns.responseStatus", &exec()).unwrap()[0].get("responseStatus").is_none());
        // without its code nothing says that it was refused
        assert_eq!(try_on("null_columns.responseStatus", &list()), None);
        assert_eq!(try_on("null_columns.uid", &list()), None);
        let mut forbidden = exec();
        forbidden["annotations"]["authorization.k8s.io/decision"] = json!("forbid");
        assert_eq!(try_on("null_columns.annotations", &forbidden), None);
        forbidden["responseStatus"]["code"] = json!(403);
        assert!(try_on("null_columns.annotations", &forbidden).unwrap()[0].get("annotations").is_none());
    }

    #[test]
    fn what_others_did_stays() {
        let trick = TRICKS.iter().find(|trick| trick.name == "foreign_agent").unwrap();
        let variant = trick.apply(&[list(), exec()], &[1], &["e1".to_owned()]).unwrap();
        assert_eq!(variant.events[0], list());
        assert_eq!(variant.events[1]["userAgent"], FOREIGN_AGENT);
        assert_eq!(trick.apply(&[list()], &[], &["e1".to_owned()]), None);
    }
}
