//! A night whose archive, exports and pages lie on an object store.

use super::program::run;
use super::server::Server;
use crate::nights::{exec, quiet};
use crate::rig::{Scratch, gzip};

const CONFIG: &str = r#"
lake = "lake"
[[source]]
path = "s3://logs/audit/{cluster}/{year}/{month}/{day}/"
[run]
only = ["pod_exec"]
grace = "2d"
report = "s3://logs/pages/{date}.html"
[[export]]
path = "s3://logs/new/{date}.ndjson"
"#;

#[test]
fn a_night_reads_keeps_and_tells_on_an_object_store() {
    let (server, scratch) = (Server::start(), Scratch::new());
    scratch.write("kubesift.toml", CONFIG);
    let night = |day: u32, more: &str| {
        run(&scratch, &server.env(), &format!("run --now 2026-01-{day:02}T02:00:00Z --memory 256M {more}"))
    };
    let text = quiet("prod", 5) + &exec("eve", "web-0", "05T10:00:00");
    server.put("audit/prod/2026/01/05/a.log.gz", gzip(text.as_bytes()));
    server.put("audit/prod/2025/12/05/old.log", quiet("prod", 4));
    let plan = night(6, "--dry-run --since 2026-01-05").done();
    assert!(plan.contains("read      s3://logs/audit/prod/2026/01/05/a.log.gz") && !plan.contains("2025/12"), "{plan}");
    assert!(night(6, "--since 2026-01-01").ends(0).err.contains("1 finding, 1 new"));

    server.put("audit/prod/2026/01/05/late.log", exec("mallory", "web-0", "05T11:00:00"));
    let ran = night(7, "").ends(0);
    assert!(ran.err.contains("late       1 finding of 2026-01-05"), "{ran:?}");
    assert!(night(7, "").ends(0).err.contains("nothing to examine"));
    let keys = server.keys();
    for key in ["new/2026-01-05.ndjson", "new/2026-01-05.2.ndjson", "pages/2026-01-05.html"] {
        assert!(keys.iter().any(|other| other == key), "{key} {keys:?}");
    }
    let kept = run(&scratch, &server.env(), "findings --lake lake --format ndjson").done();
    assert_eq!(kept.lines().count(), 2, "{kept}");

    // a bucket that is not there is no night without logs, and keeps nobody else
    server.put("audit/prod/2026/01/06/a.log", exec("zoe", "web-0", "06T11:00:00"));
    scratch.write("kubesift.toml", format!("{CONFIG}[[source]]\npath = 's3://elsewhere/{{date}}.log'\n"));
    let ran = night(7, "").ends(4);
    assert!(ran.err.contains("s3://elsewhere") && ran.out.contains("zoe"), "{ran:?}");
}
