"""Hunting: ten questions over a lake, each a whole `kubesift sql`, beside DuckDB and ClickHouse on the same files."""

import json
import statistics

from children import run
from hunts import HUNTS

PEERS = {"duckdb": "DuckDB", "clickhouse": "ClickHouse"}


def measure(bench):
    lake = bench.lake()
    ratios = []
    for hunt in HUNTS:
        job = f"hunt: {hunt.name}"
        for number in range(bench.args.rounds):
            bench.say(f"{job}: round {number + 1} of {bench.args.rounds}")
            one_round(bench, job, hunt, lake)
        peer = bench.results.fastest_peer(job)
        if peer:
            ratios.append(peer[1] / bench.results.best(job))
            bench.results.claim(f"{job}: beside the faster peer, {peer[0]}", ratios[-1], "1x")
    if ratios:
        bench.results.claim(f"hunt: median of {len(ratios)}", statistics.median(ratios), "1x")


def one_round(bench, job, hunt, lake):
    ran = run(bench.args.kubesift, "sql", "--lake", lake, "--format", "ndjson", hunt.sql)
    own = normal(list(json.loads(line).values()) for line in ran.out.splitlines())
    bench.results.note(job, "Kubesift", ran, remark=f"{len(own)} rows")
    for peer, name in PEERS.items():
        if bench.results.failed(job, name):
            continue
        try:
            ran, done = bench.peer(peer, "query", f"{lake}/events/date=*/*.parquet", hunt.dialect(peer))
        except RuntimeError as error:
            bench.results.fail(job, name, error)
            continue
        theirs = normal(done["rows"])
        same = theirs == own
        if not same:
            strange = [row for row in own if row not in theirs][:2], [row for row in theirs if row not in own][:2]
            bench.say(f"{job}: {name} answers otherwise: {strange}")
        bench.results.note(job, name, ran, same=same, remark="" if same else "other answer")


def normal(rows):
    """Rows as texts in one order; numbers that are whole are whole in every dialect."""
    return sorted([[text(value) for value in row] for row in rows], key=str)


def text(value):
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)
