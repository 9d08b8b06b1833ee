"""Start: how long until there is an answer at all. These goals are times, since nobody waits for a ratio."""

from children import Ran, median, run

ROUNDS = 20


def measure(bench):
    folder = bench.temp / "event"
    run(bench.args.kubesift, "generate", "--events", 1, "--attacks", "none", "--compression", "none", "--out", folder)
    (event,) = folder.glob("audit-*")
    empty = {"what": "a process of nothing, the floor", "command": ["true"], "goal": ""}
    version = {"what": "kubesift --version", "command": [bench.args.kubesift, "--version"], "goal": "20 ms"}
    triage = {
        "what": "triage of one event, all detections",
        "command": [bench.args.kubesift, "triage", "--quiet", "--format", "ndjson", event],
        "goal": "1000 ms",
    }
    for case in (empty, version, triage):
        seconds, ran = median(ROUNDS, *case["command"])
        who = "floor" if case is empty else "Kubesift"
        bench.results.note(f"start: {case['what']}", who, Ran(seconds, ran.cpu, ran.peak_mib), remark="median of 20")
        bench.results.claim(f"start: {case['what']}", seconds * 1e3, case["goal"], " ms", 0)
