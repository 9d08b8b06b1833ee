"""Detection: the whole pack over a lake, beside DuckDB with a quarter of the same questions, one by one.

DuckDB reads the same Parquet files through views that mean the same (detections/views.sql). It is measured twice: as
the goal has it, each question from the files, and with the two views that most questions read kept as tables first.
"""

import collections
import itertools
import json
import re
import shutil
from pathlib import Path

from children import run

HERE = Path(__file__).resolve().parent
DETECTIONS = HERE / "detections"
PACK = HERE.parent.parent / "sql/detections"
MANY = 150
# the exit code of a run in which a limit left a detection incomplete
LIMITED = 5


def measure(bench):
    lake, rules = bench.lake(), bench.temp / "rules"
    many = copies(rules)
    ids = sorted(file.stem for file in DETECTIONS.glob("*.sql") if file.stem != "views")
    jobs = (
        (f"detect: the pack of {len(pack())}", [], ids),
        (f"detect: {many} detections", ["--rules", rules], list(itertools.islice(itertools.cycle(ids), many // 4))),
    )
    for job, options, asked in jobs:
        for number in range(bench.args.detect_rounds):
            bench.say(f"{job}: round {number + 1} of {bench.args.detect_rounds}")
            one_round(bench, job, lake, options, asked)
        claim(bench, job, len(asked))


def pack():
    return sorted(PACK.glob("*/*.sql"))


def copies(folder):
    """As many more detections as are needed for MANY: the pack's own, again under other ids."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    needed = MANY - len(pack())
    for number, file in enumerate(itertools.islice(itertools.cycle(pack()), needed)):
        (folder / f"{file.stem[:56]}_{number}.sql").write_text(file.read_text())
    return len(pack()) + needed


def one_round(bench, job, lake, options, asked):
    found = bench.temp / "findings.ndjson"
    found.unlink(missing_ok=True)
    command = ["detect", "--quiet", "--lake", lake, "--format", "ndjson", "--out", found, *options]
    ran = run(bench.args.kubesift, *command, accept=(0, LIMITED))
    findings = collections.defaultdict(list)
    for finding in map(json.loads, found.read_text().splitlines()):
        findings[finding["detection"]].append([finding["actor"], finding["object"]])
    is_whole = ran.code != LIMITED
    counts = {id: len(rows) for id, rows in findings.items()}
    remark = f"{sum(counts.values())} findings" + ("" if is_whole else ", a detection incomplete")
    bench.results.note(job, "Kubesift", ran, remark=remark, same=is_whole, findings=counts)
    for name, keep in (("DuckDB", "views"), ("DuckDB, tables kept", "tables")):
        try:
            ran, done = bench.peer("duckdb", "detect", f"{lake}/events/date=*/*.parquet", keep, *asked)
        except RuntimeError as error:
            bench.results.fail(job, name, error)
            continue
        differ = [id for id, rows in done["rows"].items() if sorted(rows, key=str) != sorted(findings[id], key=str)]
        for id in differ:
            own, theirs = findings[id], done["rows"][id]
            strange = [row for row in own if row not in theirs][:2], [row for row in theirs if row not in own][:2]
            bench.say(f"{job}: {id}: Kubesift finds {len(own)}, {name} {len(theirs)}: {strange}")
        remark = f"{len(asked)} of the questions" + (f", other rows in {', '.join(differ)}" if differ else "")
        bench.results.note(job, name, ran, remark=remark, same=not differ, each=done["each"])


def claim(bench, job, asked):
    own = bench.results.best(job)
    for name, goal in (("DuckDB", "1x"), ("DuckDB, tables kept", "")):
        theirs = bench.results.best(job, name)
        if theirs:
            bench.results.claim(f"{job}, beside {asked} of them one by one in {name}", theirs / own, goal)
    bench.results.claim(f"{job}: peak memory", bench.results.jobs[job]["Kubesift"]["peak_mib"] / 1024, "", " GiB")


def duckdb_detect(connection, source, keep, ids):
    """What the peer does, in its own process: seconds of each detection asked for, actor and object of its rows."""
    import time

    views = (DETECTIONS / "views.sql").read_text()
    views = views.replace("CONTROLLERS", ", ".join(f"'{name}'" for name in controllers()))
    views = re.sub(r"\bEVENTS;", f"read_parquet('{source}', hive_partitioning = true);", views)
    if keep == "tables":
        views = re.sub(r"create view (sensitive|addresses) as", r"create temp table \1 as", views)
    connection.execute("set timezone = 'UTC'")
    begun = time.perf_counter()
    connection.execute(views)
    each, rows = {"views": round(time.perf_counter() - begun, 3)}, {}
    for id in ids:
        start = time.perf_counter()
        # whole rows, without what it costs to make them objects of Python
        connection.execute(f"create or replace temp table answer as {(DETECTIONS / f'{id}.sql').read_text()}")
        each[id] = round(time.perf_counter() - start, 3)
        rows[id] = connection.execute("select actor, object from answer").fetchall()
    return {"seconds": time.perf_counter() - begun, "each": each, "rows": rows}


def controllers():
    """What `in_identities('cluster_controllers', ...)` knows: the identities of all platforms."""
    import tomllib

    lists = {}
    for file in (PACK.parent / "lists").glob("*.toml"):
        lists.update(tomllib.loads(file.read_text()))
    return [name for key, known in lists.items() if key.endswith("_controllers") for name in known["identities"]]
