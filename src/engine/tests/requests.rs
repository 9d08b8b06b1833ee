//! The views that join stages and name who did what: requests, sensitive, secrets, pods, addresses; and functions.

use serde_json::json;

use super::Bench;

#[test]
fn the_stages_of_a_request_become_its_richest_row() {
    let bench = Bench::new(&[
        json!({"stage": "RequestReceived", "verb": "create", "outcome": "unknown"}),
        json!({"stage": "ResponseStarted", "verb": "create", "response_code": 101, "stage_ts": "2026-03-01T10:00:01Z"}),
        json!({"stage": "ResponseComplete", "verb": "create", "response_code": 101, "name": "web-0",
               "stage_ts": "2026-03-01T10:09:00Z"}),
    ]);
    let rows = bench.rows("select stage, name, response_code, date from requests");
    assert_eq!(
        rows,
        [json!({"stage": "ResponseComplete", "name": "web-0", "response_code": 101, "date": "2026-03-01"})]
    );
}

#[test]
fn a_request_that_never_ended_is_kept() {
    let bench = Bench::new(&[
        json!({"stage": "ResponseStarted", "subresource": "exec"}),
        json!({"stage": "RequestReceived", "subresource": "exec"}),
        json!({"stage": "RequestReceived", "audit_id": "a2"}),
        json!({"stage": "Panic", "audit_id": "a3", "response_code": 500}),
        json!({"stage": null, "audit_id": "a4"}),
    ]);
    assert_eq!(
        bench.column("select audit_id || ' ' || coalesce(stage, '-') from requests order by 1"),
        ["a1 ResponseStarted", "a2 RequestReceived", "a3 Panic", "a4 -"]
    );
}

#[test]
fn a_stage_without_impersonation_belongs_to_the_request_with_it() {
    let bench = Bench::new(&[
        json!({"stage": "RequestReceived", "verb": "get"}),
        json!({"stage": "ResponseComplete", "verb": "get", "impersonated_username": "admin", "actor": "admin"}),
    ]);
    assert_eq!(bench.column("select actor from requests"), ["admin"]);
}

#[test]
fn a_reused_audit_id_hides_no_request() {
    let base = json!({"verb": "get", "request_uri": "/healthz", "client_ip": "192.0.2.1"});
    for (column, value) in [
        ("request_uri", json!("/api/v1/secrets")),
        ("verb", json!("list")),
        ("username", json!("mallory")),
        ("username", json!(null)),
        ("cluster", json!("c2")),
        ("ts", json!("2026-03-01T10:00:00.000001Z")),
        ("client_ip", json!("192.0.2.2")),
        ("request_object", json!({"kind": "Pod"})),
    ] {
        let mut other = base.clone();
        other[column] = value;
        // the other is poorer where stages differ, and equal in rank where only the body does
        other["stage"] = if column == "request_object" { json!("ResponseComplete") } else { json!("RequestReceived") };
        assert_eq!(Bench::new(&[base.clone(), other]).rows("select * from requests").len(), 2, "{column}");
    }
}

#[test]
fn exact_duplicates_collapse_even_without_a_user() {
    let denied = json!({"stage": "ResponseStarted", "username": null, "audit_id": null, "response_code": 401,
                        "sensitivity": "denied"});
    let bench = Bench::new(&[denied.clone(), denied.clone(), denied]);
    assert_eq!(bench.rows("select * from requests").len(), 1);
    assert_eq!(bench.column("select response_code from sensitive"), ["401"]);
}

#[test]
fn sensitive_leaves_out_what_is_other() {
    let bench = Bench::new(&[
        json!({"stage": "RequestReceived", "sensitivity": "other"}),
        json!({"stage": "ResponseComplete", "sensitivity": "denied"}),
        json!({"audit_id": "a2"}),
    ]);
    assert_eq!(bench.column("select stage from sensitive"), ["ResponseComplete"]);
}

#[test]
fn filters_on_shared_columns_reach_the_scan() {
    let folder = tempfile::tempdir().unwrap();
    let part = super::part(folder.path(), "a.parquet", &super::batch(&[json!({"resource": "pods"})]));
    let events = super::stored(folder.path(), vec![part]);
    let bench = Bench::open(events, &std::collections::BTreeMap::new(), super::Period::default(), usize::MAX);
    for filter in [
        "resource = 'pods'",
        "username = 'anna'",
        "verb in ('get', 'list')",
        "ts >= timestamp '2026-01-01T00:00:00Z'",
        "date = '2026-03-01'",
        "client_ip = '192.0.2.1'",
    ] {
        let plan = bench.plan(&format!("select audit_id from requests where {filter}"));
        let scan = plan.lines().find(|line| line.contains("DataSourceExec")).unwrap();
        assert!(scan.contains("predicate="), "{filter}\n{plan}");
        let window = plan.find("WindowAggExec").unwrap();
        // above the window only the choice of the stage is left
        assert_eq!(plan[..window].matches("FilterExec").count(), 1, "{filter}\n{plan}");
    }
}

#[test]
fn the_window_sorts_once() {
    let bench = Bench::new(&[json!({})]);
    let plan = bench.plan("select * from requests");
    assert_eq!(plan.matches("SortExec").count(), 1, "{plan}");
}

#[test]
fn secret_access_says_what_was_asked_and_whether_it_reads() {
    let secret = |verb: &str, namespace: Option<&str>, name: Option<&str>| json!({"sensitivity": "secret", "resource": "secrets", "verb": verb, "namespace": namespace, "name": name});
    let bench = Bench::new(&[
        secret("get", Some("shop"), Some("db")),
        secret("list", Some("shop"), None),
        secret("watch", None, None),
        secret("deletecollection", Some("a"), None),
        secret("delete", Some("a"), Some("b")),
        secret("patch", Some("a"), Some("c")),
        json!({"sensitivity": "secret", "resource": "secrets", "verb": null, "audit_id": "odd"}),
        json!({"sensitivity": "config", "resource": "configmaps", "verb": "get"}),
    ]);
    assert_eq!(
        bench.column("select secret || ' ' || reads from secret_access order by 1"),
        ["*/* true", "*/* true", "a/* true", "a/b false", "a/c false", "shop/* true", "shop/db true"]
    );
}

#[test]
fn pod_access_knows_every_way_in() {
    let way = |resource: &str, subresource: &str, uri: &str| {
        json!({"sensitivity": "exec", "resource": resource, "subresource": subresource, "request_uri": uri,
               "verb": "get", "namespace": "shop", "name": "web-0", "exec_command": "id"})
    };
    let node = |uri: &str| {
        json!({"sensitivity": "node_proxy", "resource": "nodes", "subresource": "proxy", "request_uri": uri,
               "verb": "get", "name": "n1"})
    };
    let bench = Bench::new(&[
        way("pods", "exec", "/api/v1/namespaces/shop/pods/web-0/exec?command=id&container=app"),
        way("pods", "portforward", "/b"),
        way("pods", "ephemeralcontainers", "/a-read"),
        json!({"sensitivity": "exec", "resource": "pods", "subresource": "ephemeralcontainers", "verb": "patch",
               "request_uri": "/c"}),
        way("services", "proxy", "/d"),
        way("pods", "log", "/e"),
        node("/api/v1/nodes/n1/proxy/exec/kube-system/etcd/uid-1/etcd?command=cat"),
        node("/api/v1/nodes/n1/proxy//%72un/kube-system/proxy/main"),
        node("/api/v1/proxy/nodes/n1/portForward/shop/web-0"),
        node("/api/v1/nodes/n1/proxy/metrics?x=exec"),
    ]);
    let rows = bench.column(
        "select concat_ws(' ', kind, coalesce(pod, '-'), coalesce(container, '-'), coalesce(command, '-'), \
         coalesce(kubelet_path, '-')) from pod_access order by 1",
    );
    assert_eq!(
        rows,
        [
            "ephemeralcontainers */* - - -",
            "exec shop/web-0 app id -",
            "node_exec kube-system/etcd etcd - /exec/kube-system/etcd/uid-1/etcd",
            "node_portforward shop/web-0 - - /portForward/shop/web-0",
            "node_proxy - - - /metrics",
            "node_run kube-system/proxy main - /run/kube-system/proxy/main",
            "portforward shop/web-0 - id -",
            "proxy - - id -",
        ]
    );
}

#[test]
fn addresses_count_and_keep_the_unknown() {
    let bench = Bench::new(&[
        json!({"client_ip": "192.0.2.1", "audit_id": "b"}),
        json!({"client_ip": "192.0.2.1", "audit_id": "a", "ts": "2026-03-02T00:00:00Z"}),
        json!({"client_ip": null, "audit_id": "c"}),
    ]);
    let rows = bench.rows("select client_ip, events, audit_id, last_seen from addresses order by events desc");
    assert_eq!(
        rows,
        [
            json!({"client_ip": "192.0.2.1", "events": 2, "audit_id": "a", "last_seen": "2026-03-02T00:00:00Z"}),
            json!({"events": 1, "audit_id": "c", "last_seen": "2026-03-01T10:00:00Z"}),
        ]
    );
}

#[test]
fn functions_answer_null_with_false_or_null() {
    let lists: [(&str, &[&str]); 2] = [("trusted_networks", &["198.51.100.0/24"]), ("admins", &["anna", "ci:*"])];
    let bench = Bench::with_lists(
        &[
            json!({"client_ip": "198.51.100.7", "request_uri": "/a/b?x=1", "username": "ci:build"}),
            json!({"client_ip": null, "request_uri": null, "username": null, "audit_id": "a2"}),
        ],
        &lists,
    );
    let rows = bench.rows(
        "select cidr_contains('198.51.100.0/24', client_ip) as a, is_public_ip(client_ip) as b, \
         ip_class(client_ip) as c, in_networks('trusted_networks', client_ip) as d, in_identities('admins', actor) as e, \
         uri_path(request_uri) as f, uri_query(request_uri, 'x') as g, uri_segment(request_uri, 2) as h, \
         json_texts(request_uri, 'x') as i, json_written(request_uri) as j \
         from events order by audit_id",
    );
    assert_eq!(
        rows,
        [
            json!({"a": true, "b": true, "c": "trusted", "d": true, "e": true, "f": "/a/b", "g": "1", "h": "b",
                   "j": "/a/b?x=1"}),
            json!({"a": false, "b": false, "d": false, "e": false}),
        ]
    );
    assert_eq!(
        bench.column("select in_identities('admins', 'anna') and not in_identities('admins', 'annabel')"),
        ["true"]
    );
}

#[test]
fn a_slip_in_a_constant_is_an_error() {
    let bench = Bench::with_lists(&[json!({"client_ip": "192.0.2.1"})], &[("admins", &[])]);
    for sql in [
        "select * from events where cidr_contains('10.0.0/8', client_ip)",
        "select * from events where in_networks('trusted', client_ip)",
        "select * from events where in_identities('admin', actor)",
    ] {
        let error = bench.try_rows(sql).unwrap_err().to_string();
        assert!(error.contains("that is no network") || error.contains("no list"), "{error}");
    }
}

#[test]
fn json_arrows_work_and_come_out_as_text() {
    let bench = Bench::new(&[json!({"request_object": {"spec": {"n": 7, "s": "x"}}})]);
    let rows = bench.rows(
        "select request_object->'spec'->'n' as n, request_object->'spec'->>'s' as s from events \
         where request_object->'spec'->>'s' = 'x'",
    );
    assert_eq!(rows, [json!({"n": "7", "s": "x"})]);
}
