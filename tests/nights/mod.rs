//! `kubesift run`, night after night: what is read, what is examined, what is told, and that it is told once.

mod around;
mod week;

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use crate::rig::{Ran, Scratch};

/// An archive, a configuration and a lake.
pub(super) struct Archive(pub(super) Scratch);

/// Two detections: one of single days, one that counts over half an hour.
const CONFIG: &str = r#"
lake = "lake"
[[source]]
path = "logs/{cluster}/audit-{date}*"
[run]
grace = "2d"
only = ["pod_exec", "secret_sweep"]
metrics = "night.prom"
[[export]]
path = "new/{date}.ndjson"
[[export]]
path = "all/{date}.csv"
only = "all"
"#;

impl Archive {
    pub(super) fn new() -> Self {
        Self::with("")
    }

    /// An archive whose configuration has more lines.
    pub(super) fn with(more: &str) -> Self {
        let scratch = Scratch::new();
        scratch.write("kubesift.toml", format!("{CONFIG}{more}"));
        Self(scratch)
    }

    /// Writes the log of a cluster for a day of January 2026.
    pub(super) fn log(&self, cluster: &str, day: u32, suffix: &str, bytes: impl AsRef<[u8]>) {
        self.0.write(&format!("logs/{cluster}/audit-2026-01-{day:02}{suffix}"), bytes);
    }

    /// The run at two in the night of a day of January 2026.
    pub(super) fn night(&self, day: u32, more: &str) -> Ran {
        self.0.run(&format!("run --now 2026-01-{day:02}T02:00:00Z {more}"))
    }

    /// What the lake keeps: detection, actor, cluster, first date and whether it came late, in order.
    pub(super) fn kept(&self) -> Vec<String> {
        let ran = self.0.run("findings --lake lake --format ndjson").done();
        let mut kept: Vec<String> = ran.lines().map(line_of).collect();
        kept.sort();
        kept
    }

    /// The ids in each file of a folder of exports, in the order of their names.
    pub(super) fn exported(&self, folder: &str) -> Vec<(String, usize)> {
        let Ok(entries) = fs::read_dir(self.0.path(folder)) else { return Vec::new() };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let lines = |path: &std::path::PathBuf| fs::read_to_string(path).unwrap().lines().count();
        files.iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), lines(path))).collect()
    }
}

fn line_of(line: &str) -> String {
    let finding: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| finding[key].as_str().unwrap().to_owned();
    let late = if finding["late"] == true { " late" } else { "" };
    format!("{} {} {} {}{late}", &text("first_seen")[..10], text("cluster"), text("detection"), text("actor"))
}

/// Somebody reads a secret at a time of January 2026, `05T10:00:00`.
pub(super) fn read(actor: &str, secret: &str, time: &str) -> String {
    event(actor, time, "get", &json!({"resource": "secrets", "namespace": "shop", "name": secret, "apiVersion": "v1"}))
}

/// Somebody runs a command in a pod.
pub(super) fn exec(actor: &str, pod: &str, time: &str) -> String {
    let object =
        json!({"resource": "pods", "subresource": "exec", "namespace": "shop", "name": pod, "apiVersion": "v1"});
    event(actor, time, "create", &object)
}

fn event(actor: &str, time: &str, verb: &str, object: &Value) -> String {
    let time = format!("2026-01-{time}.000000Z");
    let (kind, name) = (object["resource"].as_str().unwrap(), object["name"].as_str().unwrap());
    let (uri, code) = match verb {
        "create" => (format!("/api/v1/namespaces/shop/{kind}/{name}/exec?command=sh"), 101),
        _ => (format!("/api/v1/namespaces/shop/{kind}/{name}"), 200),
    };
    let event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
        "auditID": format!("{actor}-{name}-{time}"), "verb": verb, "requestURI": uri,
        "user": {"username": actor, "groups": ["system:authenticated"]}, "sourceIPs": ["198.51.100.4"],
        "userAgent": "kubectl/v1.34.0", "objectRef": object, "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": time, "stageTimestamp": time,
        "annotations": {"authorization.k8s.io/decision": "allow"},
    });
    format!("{event}\n")
}

/// Somebody reads `count` secrets, one a second, from a time on that ends with a minute: `05T10:00`.
pub(super) fn sweep(actor: &str, count: usize, minute: &str) -> String {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(
            text,
            "{}",
            read(actor, &format!("{}-{number}", &minute[3..].replace(':', "-")), &format!("{minute}:{number:02}"))
        );
    }
    text
}

/// What people do on a quiet day: ten reads, each of a secret of the reader's own.
pub(super) fn quiet(cluster: &str, day: u32) -> String {
    let one =
        |hour| read(&format!("user{hour}@{cluster}.example.com"), "own", &format!("{day:02}T{:02}:30:00", hour + 8));
    (0..10).map(one).collect()
}
