//! Every kind of record, made into the very event that it tells of; and records that nobody should trust.

use serde_json::{Value, json};

use super::*;

/// The event that a record becomes, and what is lost of it.
fn rebuilt(rebuild: fn(&Value) -> Result<Rebuilt, Refusal>, record: &str) -> Rebuilt {
    let record = parse(record.as_bytes()).unwrap();
    let made = rebuild(&record).unwrap();
    let event: Value = serde_json::from_str(&made.json).unwrap();
    assert_eq!(event["kind"], "Event");
    made
}

/// `rebuilt` says exactly this.
#[track_caller]
fn assert_is(rebuilt: &Rebuilt, json: &[&str], lost: &[&str], cluster: Option<&str>) {
    assert_eq!(rebuilt.json, json.concat());
    assert_eq!(rebuilt.lost, lost);
    assert_eq!(rebuilt.cluster.as_deref(), cluster);
}

const HEAD: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"#;
/// What an entry of Google's never tells.
const GKE: [&str; 8] = [
    "impersonatedUser",
    "objectRef.resourceVersion",
    "objectRef.uid",
    "requestURI",
    "stageTimestamp",
    "user.extra",
    "user.groups",
    "user.uid",
];

#[test]
fn gke_a_write_keeps_its_bodies_and_its_labels() {
    let entry = r#"{
      "insertId": "x1", "logName": "projects/shop-1/logs/cloudaudit.googleapis.com%2Factivity",
      "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "shop", "location": "europe-west1"}},
      "timestamp": "2026-01-15T08:30:00.123456789Z", "receiveTimestamp": "2026-01-15T08:30:02Z",
      "labels": {"authorization.k8s.io/reason": "", "authorization.k8s.io/decision": "allow"},
      "operation": {"id": "6a1e", "producer": "k8s.io", "first": true, "last": true},
      "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "k8s.io",
        "methodName": "io.k8s.authorization.rbac.v1.rolebindings.create",
        "resourceName": "rbac.authorization.k8s.io/v1/namespaces/web/rolebindings/ops",
        "authenticationInfo": {"principalEmail": "ada@example.com"},
        "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "kubectl/v1.33.1"},
        "status": {},
        "request": {"kind": "RoleBinding",  "subjects": [{"name": "a b"}]},
        "response": {"metadata": {"uid": "u-1"}}
      }
    }"#;
    let expected = [
        HEAD,
        r#""RequestResponse","auditID":"6a1e","stage":"ResponseComplete","verb":"create","#,
        r#""user":{"username":"ada@example.com"},"sourceIPs":["203.0.113.7"],"userAgent":"kubectl/v1.33.1","#,
        r#""objectRef":{"resource":"rolebindings","namespace":"web","name":"ops","apiGroup":"rbac.authorization.k8s.io","apiVersion":"v1"},"#,
        r#""responseStatus":{"metadata":{},"code":201},"#,
        r#""requestObject":{"kind":"RoleBinding","subjects":[{"name":"a b"}]},"responseObject":{"metadata":{"uid":"u-1"}},"#,
        r#""requestReceivedTimestamp":"2026-01-15T08:30:00.123456Z","#,
        r#""annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}"#,
    ];
    assert_is(&rebuilt(gke, entry), &expected, &GKE, Some("shop"));
}

fn gke_entry(method: &str, resource: &str, more: &Value) -> Value {
    let mut entry = json!({
        "insertId": "x2", "timestamp": "2026-01-15T08:30:00Z",
        "protoPayload": {"serviceName": "k8s.io", "methodName": method, "resourceName": resource,
            "authenticationInfo": {"principalEmail": "ada@example.com"}}
    });
    for (key, value) in more.as_object().unwrap() {
        entry["protoPayload"][key] = value.clone();
    }
    entry
}

fn gke_event(method: &str, resource: &str, more: &Value) -> (Value, Vec<&'static str>) {
    let rebuilt = gke(&gke_entry(method, resource, more)).unwrap();
    (serde_json::from_str(&rebuilt.json).unwrap(), rebuilt.lost)
}

#[test]
fn gke_codes_of_grpc_become_those_of_http() {
    let code = |method: &str, resource: &str, more: Value| {
        gke_event(&format!("io.k8s.core.v1.{method}"), resource, &more).0["responseStatus"]["code"].clone()
    };
    let (pod, secret) = ("core/v1/namespaces/web/pods/w", "core/v1/namespaces/web/secrets/s");
    let status = |code: i64| json!({"status": {"code": code}});
    assert_eq!(code("secrets.get", secret, json!({})), 200);
    assert_eq!(code("secrets.create", secret, status(0)), 201);
    for (grpc, http) in [(3, 400), (5, 404), (6, 409), (7, 403), (10, 409), (16, 401), (2, 500), (13, 500)] {
        assert_eq!(code("secrets.get", secret, status(grpc)), http, "{grpc}");
    }
    for sub in ["exec", "attach", "portforward"] {
        let resource = format!("{pod}/{sub}");
        assert_eq!(code(&format!("pods.{sub}.create"), &resource, status(2)), 101);
        let denied = json!({"status": {"code": 7}, "authorizationInfo": [{"granted": false}]});
        assert_eq!(code(&format!("pods.{sub}.create"), &resource, denied), 403);
    }
    assert_eq!(code("pods.proxy.create", &format!("{pod}/proxy"), status(2)), Value::Null);
    for unknown in [json!({"status": {"code": 77}}), json!({"status": "x"}), json!({"status": {"code": "x"}})] {
        assert_eq!(code("secrets.get", secret, unknown), Value::Null);
    }
    let body = json!({"status": {"code": 3, "message": "invalid"}, "response": {"kind": "Status", "status": "Failure",
        "reason": "Invalid", "message": "spec.x: Required", "code": 422}});
    let (event, _) = gke_event("io.k8s.core.v1.secrets.create", secret, &body);
    let expected =
        json!({"metadata": {}, "status": "Failure", "message": "spec.x: Required", "reason": "Invalid", "code": 422});
    assert_eq!(event["responseStatus"], expected);
}

#[test]
fn gke_what_is_not_told_is_left_out_and_lost() {
    let told = json!({"requestMetadata": {"callerIp": "private"}, "authorizationInfo": [{"granted": true}, {"granted": false}],
        "authenticationInfo": {"principalEmail": "ada@example.com", "authoritySelector": "root@example.com"}});
    let (event, lost) = gke_event("io.k8s.core.v1.secrets.list", "core/v1/secrets", &told);
    assert_eq!(event["objectRef"], json!({"resource": "secrets", "apiVersion": "v1"}));
    assert_eq!(event["annotations"], json!({"authorization.k8s.io/decision": "forbid"}));
    assert_eq!(event["impersonatedUser"], json!({"username": "root@example.com"}));
    assert_eq!((&event["auditID"], &event["level"]), (&json!("x2"), &json!("Metadata")));
    for absent in ["stage", "sourceIPs", "requestURI", "userAgent", "stageTimestamp"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    for field in ["annotations", "sourceIPs", "stage", "userAgent", "responseStatus.code"] {
        assert!(lost.contains(&field), "{field}: {lost:?}");
    }
    assert!(!lost.contains(&"impersonatedUser"), "{lost:?}");
    let (event, _) = gke_event("io.k8s.get", "readyz", &json!({}));
    assert!(event.get("objectRef").is_none(), "{event}");
    let (event, lost) =
        gke_event("com.example.v1.widgets.delete", "example.com/v1/widgets/w", &json!({"status": {"code": 5}}));
    let widget = json!({"resource": "widgets", "name": "w", "apiGroup": "example.com", "apiVersion": "v1"});
    assert_eq!((&event["verb"], &event["objectRef"]), (&json!("delete"), &widget));
    assert!(lost.contains(&"responseStatus.reason"), "{lost:?}");
}

#[test]
fn gke_entries_of_other_services_are_no_audit() {
    let of =
        |service: Value| json!({"protoPayload": {"serviceName": service, "methodName": "io.k8s.core.v1.pods.get"}});
    for entry in [
        of(json!("container.googleapis.com")),
        of(json!(["k8s.io"])),
        of(Value::Null),
        json!({"textPayload": "started"}),
        json!({"jsonPayload": {"serviceName": "k8s.io"}}),
        json!({"protoPayload": "k8s.io"}),
        json!([]),
        json!("k8s.io"),
        Value::Null,
    ] {
        assert_eq!(gke(&entry), Err(Refusal::NotAudit), "{entry}");
    }
    let mut entry = gke_entry("io.k8s.core.v1.pods.get", "core/v1/namespaces/web/pods/w", &json!({}));
    entry["timestamp"] = json!("yesterday");
    assert_eq!(gke(&entry), Err(Refusal::Broken("no time that could be read")));
}

#[test]
fn gke_entries_of_the_client_library_are_read_too() {
    let payload = r#"{"serviceName":"k8s.io","methodName":"io.k8s.core.v1.configmaps.patch","resourceName":"core/v1/namespaces/web/configmaps/c","authenticationInfo":{"principalEmail":"ada@example.com"},"requestMetadata":{"callerIp":"203.0.113.7","callerSuppliedUserAgent":"curl/8"},"request":{"data":{"k":"v"}}}"#;
    let entry = json!({"AuditPayload": payload, "Entry": {"Timestamp": "2026-01-15T08:30:00Z", "Labels": {"a/b": "c"},
        "InsertID": "i1", "Operation": {"id": "o1", "first": true}, "Resource": {"labels": {"cluster_name": "shop"}}}});
    let expected = [
        HEAD,
        r#""Request","auditID":"o1","stage":"ResponseStarted","verb":"patch","user":{"username":"ada@example.com"},"#,
        r#""sourceIPs":["203.0.113.7"],"userAgent":"curl/8","#,
        r#""objectRef":{"resource":"configmaps","namespace":"web","name":"c","apiVersion":"v1"},"#,
        r#""responseStatus":{"metadata":{},"code":200},"requestObject":{"data":{"k":"v"}},"#,
        r#""requestReceivedTimestamp":"2026-01-15T08:30:00.000000Z","annotations":{"a/b":"c"}}"#,
    ];
    assert_is(&gke(&entry).unwrap(), &expected, &GKE, Some("shop"));
}

#[test]
fn ocsf_becomes_an_event_with_the_object_of_its_path() {
    let record = r#"{"class_uid":6003,"message":"ResponseComplete","start_time":1768465800000,"time_dt":"2026-01-15 08:30:00.250000+00:00",
      "metadata":{"log_level":"Metadata","product":{"name":"Amazon EKS","version":"audit.k8s.io/v1"}},
      "actor":{"user":{"name":"ada","uid":"aws:1","groups":[{"name":"ops"},{"name":"system:authenticated"}]},
               "session":{"issuer":"arn:aws:iam::111122223333:role/ops"}},
      "api":{"operation":"create","request":{"uid":"a-1"},"response":{"code":101}},
      "http_request":{"url":{"path":"/api/v1/namespaces/web/pods/w/exec?command=id"},"user_agent":"kubectl/v1.33.1"},
      "resources":[{"name":"w","namespace":null,"type":"pods"}],"src_endpoint":{"ip":"203.0.113.7"},
      "unmapped":{"eks_cluster_name":"shop","annotations.authorization.k8s.io/decision":"allow","kind":"Event"}}"#;
    let expected = [
        HEAD,
        r#""Metadata","auditID":"a-1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/web/pods/w/exec?command=id","#,
        r#""verb":"create","user":{"username":"ada","uid":"aws:1","groups":["ops","system:authenticated"],"#,
        r#""extra":{"canonicalArn":["arn:aws:iam::111122223333:role/ops"]}},"sourceIPs":["203.0.113.7"],"#,
        r#""userAgent":"kubectl/v1.33.1","objectRef":{"resource":"pods","namespace":"web","name":"w","apiVersion":"v1","subresource":"exec"},"#,
        r#""responseStatus":{"metadata":{},"code":101},"requestReceivedTimestamp":"2026-01-15T08:30:00.000000Z","#,
        r#""stageTimestamp":"2026-01-15T08:30:00.250000Z","annotations":{"authorization.k8s.io/decision":"allow"}}"#,
    ];
    let lost = ["impersonatedUser", "objectRef.resourceVersion", "sourceIPs", "user.extra"];
    assert_is(&rebuilt(ocsf, record), &expected, &lost, Some("shop"));
    for other in [
        r#"{"class_uid":6003,"metadata":{"product":{"name":"CloudTrail"}},"api":{"operation":"GetObject"}}"#,
        r#"{"class_uid":4002,"metadata":{"product":{"name":"Amazon EKS"}}}"#,
        r#"{"class_uid":"6003","metadata":[]}"#,
    ] {
        assert_eq!(ocsf(&parse(other.as_bytes()).unwrap()), Err(Refusal::NotAudit), "{other}");
    }
}

#[test]
fn ocsf_without_bodies_says_that_they_are_lost() {
    let record = r#"{"class_uid":6003,"time":1768465800000,"metadata":{"log_level":"RequestResponse","product":{"name":"Amazon EKS"}},
      "api":{"operation":"create","request":{"uid":"a-1","data":"{\"kind\": \"Pod\"}"}},"actor":{"user":{"name":"ada"}},
      "http_request":{"url":{"path":"/api/v1/namespaces/web/pods"}}}"#;
    let made = rebuilt(ocsf, record);
    assert!(made.json.contains(r#","requestObject":{"kind":"Pod"},"stageTimestamp":"#), "{}", made.json);
    for field in ["annotations", "requestURI.query", "responseObject", "responseStatus.code", "stage", "userAgent"] {
        assert!(made.lost.contains(&field), "{field}: {:?}", made.lost);
    }
}

/// An event as an API server writes it, which several kinds of record hold in full.
const NATIVE: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a-1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/web/secrets?fieldManager=x\u0026y=1","verb":"create","user":{"username":"ada","uid":"u-1","groups":["ops"],"extra":{"k/x":["1"]}},"impersonatedUser":{"username":"root"},"sourceIPs":["203.0.113.7","198.51.100.2"],"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"secrets","namespace":"web","name":"db","apiVersion":"v1","resourceVersion":"7"},"responseStatus":{"metadata":{},"status":"Failure","message":"it is there","reason":"AlreadyExists","details":{"name":"db","kind":"secrets"},"code":409},"requestObject":{"z":1,"a":{"y":2.50}},"responseObject":{"kind":"Status"},"requestReceivedTimestamp":"2026-01-15T08:30:00.000001Z","stageTimestamp":"2026-01-15T08:30:00.000250Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}"#;

/// The native event with other names.
fn renamed(names: &[(&str, &str)]) -> String {
    names
        .iter()
        .fold(NATIVE.to_owned(), |text, (from, to)| text.replacen(&format!("\"{from}\":"), &format!("\"{to}\":"), 1))
}

#[test]
fn rows_of_aks_are_the_native_event_whether_columns_are_text_or_not() {
    let names = [
        ("level", "Level"),
        ("auditID", "AuditId"),
        ("stage", "Stage"),
        ("requestURI", "RequestUri"),
        ("verb", "Verb"),
        ("user", "User"),
        ("impersonatedUser", "ImpersonatedUser"),
        ("sourceIPs", "SourceIps"),
        ("userAgent", "UserAgent"),
        ("objectRef", "ObjectRef"),
        ("responseStatus", "ResponseStatus"),
        ("requestObject", "RequestObject"),
        ("responseObject", "ResponseObject"),
        ("requestReceivedTimestamp", "RequestReceivedTime"),
        ("stageTimestamp", "StageReceivedTime"),
        ("annotations", "Annotations"),
    ];
    let id = r#"{"_ResourceId":"/subscriptions/0/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/shop","#;
    let row = renamed(&names).replacen('{', id, 1);
    assert_is(&rebuilt(aks_table, &row), &[NATIVE], &[], Some("shop"));
    let mut flat = parse(row.as_bytes()).unwrap();
    for value in flat.as_object_mut().unwrap().values_mut().filter(|value| !value.is_string()) {
        *value = json!(value.to_string());
    }
    assert_is(&aks_table(&flat).unwrap(), &[NATIVE], &[], Some("shop"));
    for (column, value, field) in [
        ("User", json!("{\"username\":\"a\",\"username\":\"b\"}"), "user"),
        ("SourceIps", json!({"0": "1"}), "sourceIPs"),
        ("RequestObject", json!("{"), "requestObject"),
        ("RequestReceivedTime", json!("now"), "requestReceivedTimestamp"),
        ("RequestUri", json!(7), "requestURI"),
    ] {
        flat[column] = value;
        let made = aks_table(&flat).unwrap();
        assert!(made.lost.contains(&field), "{field}: {:?}", made.lost);
        let event: Value = serde_json::from_str(&made.json).unwrap();
        assert!(event.get(field).is_none(), "{event}");
    }
}

#[test]
fn rows_of_ack_are_the_native_event_whether_parts_have_columns_or_not() {
    let mut row = parse(NATIVE.as_bytes()).unwrap();
    let columns = row.as_object_mut().unwrap();
    for value in columns.values_mut().filter(|value| !value.is_string()) {
        *value = json!(value.to_string());
    }
    columns.insert("__topic__".into(), json!(""));
    assert_is(&ack_sls(&row).unwrap(), &[NATIVE], &[], None);
    let columns = row.as_object_mut().unwrap();
    for (field, parts) in [
        (
            "objectRef",
            &[
                ("resource", "secrets"),
                ("namespace", "web"),
                ("name", "db"),
                ("apiVersion", "v1"),
                ("resourceVersion", "7"),
            ][..],
        ),
        ("user", &[("username", "ada"), ("uid", "u-1"), ("groups", "[\"ops\"]"), ("extra", "{\"k/x\":[\"1\"]}")]),
        ("annotations", &[("authorization.k8s.io/decision", "allow"), ("authorization.k8s.io/reason", "")]),
    ] {
        columns.remove(field);
        columns.extend(parts.iter().map(|(part, text)| (format!("{field}.{part}"), json!(text))));
    }
    assert_is(&ack_sls(&row).unwrap(), &[NATIVE], &[], None);
}

#[test]
fn viaq_gets_its_audit_level_back() {
    let record = NATIVE
        .replacen(r#""level":"RequestResponse""#, r#""level":"default","k8s_audit_level":"RequestResponse""#, 1)
        .replacen(
            '{',
            r#"{"@timestamp":"2026-01-15T08:30:01Z","log_type":"audit","openshift":{"cluster_id":"c-1"},"#,
            1,
        );
    assert_is(&rebuilt(viaq, &record), &[NATIVE], &[], Some("c-1"));
    let other = record.replace("k8s_audit_level", "openshift_audit_level");
    assert_is(&rebuilt(viaq, &other), &[NATIVE], &[], Some("c-1"));
    let none = rebuilt(viaq, &record.replace("k8s_audit_level", "x"));
    assert_eq!(none.lost, ["level"]);
    assert!(!none.json.contains("default"), "{}", none.json);
}

#[test]
fn elastic_gets_its_dots_back() {
    let audit = NATIVE.replace("authorization.k8s.io/", "authorization_k8s_io/");
    let hit =
        format!(r#"{{"_source":{{"kubernetes":{{"audit":{audit}}},"orchestrator":{{"cluster":{{"name":"shop"}}}}}}}}"#);
    let lost = ["requestObject.metadata", "responseObject.metadata"];
    assert_is(&rebuilt(elastic, &hit), &[NATIVE], &lost, Some("shop"));
    assert_is(&rebuilt(elastic, &format!(r#"{{"kubernetes.audit":{audit}}}"#)), &[NATIVE], &lost, None);
    assert_eq!(elastic(&json!({"_source": {"kubernetes": {"audit": "x"}}})), Err(Refusal::NotAudit));
}

#[test]
fn yandex_holds_the_native_event() {
    let of = |kind: &str, key: &str| {
        let native = NATIVE.replace(r#""code":409"#, r#""code":"409""#);
        format!(r#"{{"event_type":"yandex.cloud.audit.{kind}","details":{{"{key}":{native},"cluster_id":"c-1"}}}}"#)
    };
    let record = of("k8s.apiserver.ApiServerCreate", "native_api_server_event");
    assert_is(&rebuilt(yandex, &record), &[NATIVE], &[], Some("c-1"));
    let other = parse(of("k8s.UpdateCluster", "native_api_server_event").as_bytes()).unwrap();
    assert_eq!(yandex(&other), Err(Refusal::NotAudit));
    let without = parse(of("k8s.apiserver.ApiServerCreate", "event").as_bytes()).unwrap();
    assert_eq!(yandex(&without), Err(Refusal::Broken("no native event")));
}

#[test]
fn names_of_go_become_those_of_the_event() {
    let names = [
        ("level", "Level"),
        ("auditID", "AuditID"),
        ("stage", "Stage"),
        ("requestURI", "RequestURI"),
        ("verb", "Verb"),
        ("user", "User"),
        ("username", "Username"),
        ("uid", "UID"),
        ("groups", "Groups"),
        ("extra", "Extra"),
        ("sourceIPs", "SourceIPs"),
        ("objectRef", "ObjectRef"),
        ("resource", "Resource"),
        ("name", "Name"),
        ("requestObject", "RequestObject"),
        ("responseObject", "ResponseObject"),
        ("annotations", "Annotations"),
    ];
    let record =
        renamed(&names).replacen(r#""Name":"db","#, r#""Name":"db","UID":"","APIGroup":"","Subresource":"","#, 1);
    assert_is(&rebuilt(go_names, &record), &[NATIVE], &[], None);
    let nulls = r#"{"Level":"Metadata","AuditID":"a","Stage":"RequestReceived","RequestURI":"/version","Verb":"get","User":{"Username":"","UID":"","Groups":null,"Extra":null},"ImpersonatedUser":null,"SourceIPs":null,"ObjectRef":null,"ResponseStatus":null,"RequestObject":null,"ResponseObject":null,"RequestReceivedTimestamp":"2026-01-15T08:30:00Z","StageTimestamp":"2026-01-15T08:30:00Z","Annotations":null}"#;
    let expected = [
        HEAD,
        r#""Metadata","auditID":"a","stage":"RequestReceived","requestURI":"/version","verb":"get","user":{},"#,
        r#""requestReceivedTimestamp":"2026-01-15T08:30:00.000000Z","stageTimestamp":"2026-01-15T08:30:00.000000Z"}"#,
    ];
    assert_eq!(rebuilt(go_names, nulls).json, expected.concat());
    let twice = parse(nulls.replacen('{', r#"{"verb":"list","#, 1).as_bytes()).unwrap();
    assert_eq!(go_names(&twice), Err(Refusal::Broken("a key that stands twice but for case")));
}

#[test]
fn a_record_in_which_a_key_stands_twice_is_refused_before_anybody_reads_it() {
    let entry = gke_entry("io.k8s.core.v1.pods.get", "core/v1/namespaces/web/pods/w", &json!({})).to_string();
    let twice = entry.replacen(r#""methodName""#, r#""methodName":"io.k8s.core.v1.pods.list","methodName""#, 1);
    assert!(parse(entry.as_bytes()).is_ok());
    assert_eq!(parse(twice.as_bytes()), Err(Refused::DuplicateKey));
}
