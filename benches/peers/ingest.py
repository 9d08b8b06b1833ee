"""Ingestion: logs to Parquet, beside peers that write the same columns and beside the floor of the same bytes.

The floors are those of the bench `ingest` (../ingest.rs), whose binary measures one at a time:
`--measure tape FOLDER` parses every line to a bare simd-json tape, `--measure inflate FOLDER` only decompresses.
"""

import json
import shutil
import subprocess

from children import Ran, run

PEERS = {"duckdb": "DuckDB", "clickhouse": "ClickHouse", "polars": "Polars"}
# Kubesift writes its parts with this level; so must they
ZSTD_LEVEL = 1
COUNTS = "select count(*), count({request}), count({response}), count(annotations), count({extra}) from EVENTS"
# part: (job, compression of the log, floor, its name, goal beside peers, goal of the floor)
JOBS = {
    "ingest": ("ingest, plain lines", "none", "tape", "floor: bare simd-json tape", "4x", "60 %"),
    "gz": ("ingest, many .gz", "gzip", "inflate", "floor: decompression alone", "4x", "60 %"),
    "one-gz": ("ingest, one large .gz", "one", "inflate", "floor: decompression alone", "", "90 %"),
}


def measure(bench, part):
    job, compression, floor, floor_name, goal, floor_goal = JOBS[part]
    folder = generate(bench, compression)
    text_bytes = bench.text_bytes
    for number in range(bench.args.rounds):
        bench.say(f"{job}: round {number + 1} of {bench.args.rounds}")
        one_round(bench, job, f"{folder}/audit-*")
        if bench.args.floors:
            floor_round(bench, job, floor, floor_name, folder)
    check(bench, job)
    shutil.rmtree(folder)
    results = bench.results
    results.claim_beside_peers(job, goal)
    results.claim_of_floor(job, floor_name, floor_goal)
    own = results.jobs[job]["Kubesift"]
    results.claim(f"{job}: peak memory", own["peak_mib"] / 1024, "1 GiB", " GiB")
    if part == "ingest":
        results.claim("lake: size beside the text's", text_bytes / own["bytes"], "9x smaller", "x smaller", 1)


def generate(bench, compression):
    """Writes the log and gives its folder. One large .gz is one member, compressed by gzip like a shipped file."""
    folder = bench.temp / compression
    packing = "none" if compression == "one" else compression
    options = ["--events", bench.args.events, "--compression", packing, "--out", folder]
    run(bench.args.kubesift, "generate", *options)
    if packing == "none":
        files = sorted(folder.glob("audit-*"))
        bench.text_bytes = sum(file.stat().st_size for file in files)
        if compression == "one":
            with open(folder / "audit-all.log.gz", "wb") as target:
                cat = subprocess.Popen(["cat", *files], stdout=subprocess.PIPE)
                subprocess.run(["gzip", "-5"], stdin=cat.stdout, stdout=target, check=True)
                cat.wait()
            for file in files:
                file.unlink()
    return folder


def one_round(bench, job, source):
    """Everybody once, one after the other, so that a busy moment of the machine strikes them all."""
    lake = bench.temp / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    ran = run(bench.args.kubesift, "ingest", "--quiet", "--lake", lake, source)
    bench.results.note(job, "Kubesift", ran, **written(bench, lake.glob("events/date=*/*.parquet")))
    for peer, name in PEERS.items():
        target = bench.temp / f"{peer}.parquet"
        target.unlink(missing_ok=True)
        if bench.results.failed(job, name):
            continue
        try:
            ran, _ = bench.peer(peer, "ingest", source, target, ZSTD_LEVEL)
            bench.results.note(job, name, ran, **written(bench, [target]))
        except RuntimeError as error:
            bench.results.fail(job, name, error)


def written(bench, files):
    size = sum(file.stat().st_size for file in files)
    return {"bytes": size, "remark": f"{size / bench.args.events:.1f} bytes an event"}


def floor_round(bench, job, floor, name, folder):
    ran = run(bench.args.floors, "--measure", floor, folder)
    measured = json.loads(ran.out)
    # its CPU time has the reading in it, its seconds have not
    bench.results.note(job, name, Ran(measured["seconds"], ran.cpu, measured["peak_mib"]), remark="no output")


def check(bench, job):
    """That all wrote the same events, groups, bodies: counted in what they wrote last."""
    own = COUNTS.format(request="request_object", response="response_object", extra="user_extra")
    theirs = COUNTS.format(request="requestObject", response="responseObject", extra="user_extra")
    counts = {"Kubesift": count(bench, f"{bench.temp}/lake/events/date=*/*.parquet", own)}
    for peer, name in PEERS.items():
        if not bench.results.failed(job, name):
            counts[name] = count(bench, bench.temp / f"{peer}.parquet", theirs)
    for name, found in counts.items():
        result = bench.results.jobs[job][name]
        result["counts"], result["same"] = found[0], found == counts["Kubesift"]
        if not result["same"]:
            result["remark"] = "less work, or other rows"


def count(bench, source, sql):
    return bench.peer("duckdb", "query", source, sql)[1]["rows"]
