"""What each peer does, in a process of its own: python jobs.py PEER JOB SOURCE ...

Jobs: ingest SOURCE TARGET LEVEL, query SOURCE SQL, detect SOURCE views|tables ID... Prints the seconds of the work and
what came of it as JSON. The start of Python and the import of the peer do not count.

The columns are those that Kubesift writes from an event's own fields: every scalar, groups, source IPs, user.extra,
annotations, and the bodies as JSON text. What Kubesift adds (derived columns, redaction, hashes, the search for
duplicates, the commit) nobody else is asked for.
"""

import json
import os
import sys
import time

USER = ("username", "uid", "groups", "extra")
OBJECT = ("resource", "subresource", "namespace", "name", "apiGroup", "apiVersion", "uid", "resourceVersion")
STATUS = ("code", "status", "reason", "message", "details")

# (column, field of the event, inner field)
COLUMNS = (
    [(name, name, None) for name in ("level", "auditID", "stage", "requestURI", "verb", "userAgent")]
    + [(name, name, None) for name in ("requestReceivedTimestamp", "stageTimestamp", "sourceIPs")]
    + [(f"user_{name}", "user", name) for name in USER]
    + [(f"impersonated_{name}", "impersonatedUser", name) for name in USER]
    + [(f"object_{name}", "objectRef", name) for name in OBJECT]
    + [(f"response_{name}", "responseStatus", name) for name in STATUS]
    + [(name, name, None) for name in ("annotations", "requestObject", "responseObject")]
)
JSON_TEXT = {"extra", "details", "annotations", "requestObject", "responseObject"}
LISTS = {"groups", "sourceIPs"}
TIMES = {"requestReceivedTimestamp", "stageTimestamp"}


def kind(field):
    """text, json, list, time or int."""
    for name, fields in (("json", JSON_TEXT), ("list", LISTS), ("time", TIMES), ("int", {"code"})):
        if field in fields:
            return name
    return "text"


def fields():
    """The fields of the event in order: name to None or the list of its inner fields."""
    result = {}
    for _, field, inner in COLUMNS:
        result.setdefault(field, [] if inner else None)
        if inner:
            result[field].append(inner)
    return result


def duckdb_ingest(source, target, level):
    import duckdb

    types = {"text": "VARCHAR", "json": "JSON", "list": "VARCHAR[]", "time": "TIMESTAMPTZ", "int": "INTEGER"}

    def of(field, inner):
        if inner is None:
            return types[kind(field)]
        return "STRUCT(" + ", ".join(f'"{name}" {types[kind(name)]}' for name in inner) + ")"

    columns = ", ".join(f"{field}: '{of(field, inner)}'" for field, inner in fields().items())

    def select(name, field, inner):
        path = f'"{field}"."{inner}"' if inner else f'"{field}"'
        return f'{path}::VARCHAR AS "{name}"' if kind(inner or field) == "json" else f'{path} AS "{name}"'

    selected = ", ".join(select(*column) for column in COLUMNS)
    begun = time.perf_counter()
    connection = duckdb.connect()
    # the fastest that its manual offers
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(
        f"COPY (SELECT {selected} FROM read_json('{source}', format = 'newline_delimited', "
        f"maximum_object_size = 16777216, columns = {{{columns}}})) "
        f"TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {level})"
    )
    return time.perf_counter() - begun


def clickhouse_ingest(source, target, level):
    import chdb

    types = {
        "text": "Nullable(String)",
        "json": "Nullable(String)",
        "list": "Array(String)",
        "time": "Nullable(DateTime64(6, \\'UTC\\'))",
        "int": "Nullable(Int32)",
    }

    def of(field, inner):
        if inner is None:
            return types[kind(field)]
        return "Tuple(" + ", ".join(f"{name} {types[kind(name)]}" for name in inner) + ")"

    columns = ", ".join(f"{field} {of(field, inner)}" for field, inner in fields().items())
    selected = ", ".join(f"{field}.{inner} AS {name}" if inner else field for name, field, inner in COLUMNS)
    begun = time.perf_counter()
    chdb.query(
        f"INSERT INTO FUNCTION file('{target}', Parquet) SELECT {selected} "
        f"FROM file('{source}', JSONEachRow, '{columns}') "
        "SETTINGS date_time_input_format = 'best_effort', input_format_json_read_objects_as_strings = 1, "
        f"output_format_parquet_compression_method = 'zstd', output_format_compression_level = {level}"
    )
    return time.perf_counter() - begun


def polars_ingest(source, target, level):
    import polars

    types = {"text": polars.String, "json": polars.String, "list": polars.List(polars.String), "time": polars.String}
    types["int"] = polars.Int32

    def of(field, inner):
        return types[kind(field)] if inner is None else polars.Struct({name: types[kind(name)] for name in inner})

    def select(name, field, inner):
        column = polars.col(field)
        column = column.struct.field(inner) if inner else column
        if kind(inner or field) == "time":
            column = column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us")
        return column.alias(name)

    schema = {field: of(field, inner) for field, inner in fields().items()}
    begun = time.perf_counter()
    frame = polars.scan_ndjson(source, schema=schema).select([select(*column) for column in COLUMNS])
    frame.sink_parquet(target, compression="zstd", compression_level=level)
    return time.perf_counter() - begun


def duckdb_query(source, sql):
    import duckdb

    begun = time.perf_counter()
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    rows = connection.execute(sql.replace("EVENTS", f"read_parquet('{source}')")).fetchall()
    return {"seconds": time.perf_counter() - begun, "rows": rows}


def clickhouse_query(source, sql):
    import chdb

    begun = time.perf_counter()
    answer = chdb.query(
        sql.replace("EVENTS", f"file('{source}', Parquet)")
        + " settings session_timezone = 'UTC', output_format_json_quote_64bit_integers = 0",
        "JSONCompact",
    )
    return {"seconds": time.perf_counter() - begun, "rows": json.loads(str(answer))["data"]}


def ingest(peer, source, target, level):
    work = {"duckdb": duckdb_ingest, "clickhouse": clickhouse_ingest, "polars": polars_ingest}[peer]
    return {"seconds": work(source, target, int(level)), "bytes": os.path.getsize(target)}


def query(peer, source, sql):
    return {"duckdb": duckdb_query, "clickhouse": clickhouse_query}[peer](source, sql)


def detect(_peer, source, keep, *ids):
    import duckdb
    from detect import duckdb_detect

    return duckdb_detect(duckdb.connect(), source, keep, ids)


def main():
    peer, job, *rest = sys.argv[1:]
    done = {"ingest": ingest, "query": query, "detect": detect}[job](peer, *rest)
    print(json.dumps(done, default=str))


if __name__ == "__main__":
    main()
