"""Times Kubesift and its peers at the same work in one run, prints a table of ratios and keeps the run.

    python3 benches/peers/peers.py --kubesift target/release/kubesift --events 1000000

What the peers do is told in jobs.py; how to read the figures, in ../README.md.
"""

import argparse
import datetime
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PEERS = {"duckdb": "DuckDB", "clickhouse": "ClickHouse", "polars": "Polars"}
# Kubesift writes its parts with this level; so must they
ZSTD_LEVEL = 1
SECRETS = "where resource = 'secrets' group by actor order by requests desc, actor limit 20"
HUNT = f"select actor, count(*) as requests from {{events}} {SECRETS}"
COUNTS = "select count(*), count({request}), count({response}), count(annotations), count({extra}) from EVENTS"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubesift", type=Path, default=ROOT / "target/release/kubesift", help="a release binary")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--venv", type=Path, default=ROOT / "target/peers", help="made where it is missing")
    parser.add_argument("--temp", type=Path, help="folder for the log and what is written from it")
    parser.add_argument("--runs", type=Path, default=HERE.parent / "runs", help="where the run is kept")
    parser.add_argument("--no-keep", action="store_true", help="print only")
    parser.add_argument("--note", action="append", default=[], help="what a reader of the run should know")
    return parser.parse_args()


def peers_python(venv):
    python = venv / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    requirements = ["-r", HERE / "requirements.txt"]
    install = ["install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", *install, *requirements], check=True)
    return python


def run(command):
    """Runs a child: wall seconds, peak MiB and standard output."""
    begun = time.perf_counter()
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        # short outputs: neither pipe fills before the other is read
        out, complaint = child.stdout.read(), child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if child.returncode != 0:
        raise RuntimeError(complaint.decode(errors="replace").strip()[-2000:])
    return seconds, usage.ru_maxrss / 1024, out


class Bench:
    def __init__(self, args, temp):
        self.args, self.temp = args, temp
        self.python = peers_python(args.venv)
        self.results = {}

    def note(self, job, who, seconds, mib, size=None):
        result = self.results.setdefault(job, {}).setdefault(who, {"seconds": [], "peak_mib": 0.0, "bytes": size})
        result["seconds"].append(round(seconds, 4))
        result["peak_mib"] = round(max(result["peak_mib"], mib), 1)

    def fail(self, job, who, error):
        self.results.setdefault(job, {})[who] = {"failed": str(error).splitlines()[-1][:300]}

    def generate(self, compression):
        folder = self.temp / compression
        options = ["--events", self.args.events, "--compression", compression, "--out", folder]
        run([self.args.kubesift, "generate", *options])
        return f"{folder}/audit-*"

    def ingest(self, job, source):
        """One round; each peer, one after the other, so that a busy moment of the machine strikes them all."""
        lake = self.temp / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        seconds, mib, _ = run([self.args.kubesift, "ingest", "--quiet", "--lake", lake, source])
        self.note(job, "Kubesift", seconds, mib, sum(part.stat().st_size for part in lake.glob("events/*/*.parquet")))
        for peer, name in PEERS.items():
            target = self.temp / f"{peer}.parquet"
            target.unlink(missing_ok=True)
            if "failed" in self.results[job].get(name, {}):
                continue
            try:
                _, mib, out = run([self.python, HERE / "jobs.py", peer, "ingest", source, target, ZSTD_LEVEL])
                done = json.loads(out)
                self.note(job, name, done["seconds"], mib, done["bytes"])
            except RuntimeError as error:
                self.fail(job, name, error)

    def check(self, job):
        """That all wrote the same events, groups, bodies: counted in what they wrote last."""
        own = COUNTS.format(request="request_object", response="response_object", extra="user_extra")
        theirs = COUNTS.format(request="requestObject", response="responseObject", extra="user_extra")
        counts = {"Kubesift": self.query(f"{self.temp}/lake/events/*/*.parquet", own)[2]}
        for peer, name in PEERS.items():
            if "failed" not in self.results[job][name]:
                counts[name] = self.query(self.temp / f"{peer}.parquet", theirs)[2]
        for name, count in counts.items():
            self.results[job][name]["counts"] = count[0]
            self.results[job][name]["same_columns"] = count == counts["Kubesift"]

    def query(self, source, sql):
        _, mib, out = run([self.python, HERE / "jobs.py", "duckdb", "query", source, sql])
        done = json.loads(out)
        return done["seconds"], mib, done["rows"]

    def hunt(self, job):
        """One question to the lake that was written last, and to DuckDB on its Parquet files."""
        lake = self.temp / "lake"
        seconds, mib, own = run(
            [self.args.kubesift, "sql", "--lake", lake, "--format", "ndjson", HUNT.format(events="events")]
        )
        self.note(job, "Kubesift", seconds, mib)
        seconds, mib, theirs = self.query(f"{lake}/events/*/*.parquet", HUNT.format(events="EVENTS"))
        self.note(job, "DuckDB", seconds, mib)
        own = [(row["actor"], row["requests"]) for row in map(json.loads, own.splitlines())]
        same = own == [(row[0], row[1]) for row in theirs]
        for result in self.results[job].values():
            result["same_answer"] = same

    def all(self):
        text_bytes = 0
        for job, compression in (("ingest, plain", "none"), ("ingest, .gz", "gzip")):
            source = self.generate(compression)
            if compression == "none":
                text_bytes = sum(file.stat().st_size for file in (self.temp / compression).glob("audit-*"))
            for number in range(self.args.rounds):
                print(f"{job}: round {number + 1} of {self.args.rounds}", file=sys.stderr)
                self.ingest(job, source)
            self.check(job)
            shutil.rmtree(self.temp / compression)
        for _ in range(self.args.rounds):
            self.hunt("hunt: actors on secrets")
        return text_bytes


def table(results, events, text_bytes):
    lines = []
    for job, who in results.items():
        is_ingest = job.startswith("ingest")
        own = min(who["Kubesift"]["seconds"])
        lines += [f"### {job}", "", "| | best, s | text, GB/s | Kubesift is | peak, MiB | Parquet, bytes an event | |"]
        lines += ["|---|--:|--:|--:|--:|--:|---|"]
        for name, result in who.items():
            if "failed" in result:
                lines.append(f"| {name} | | | | | | failed: {result['failed']} |")
                continue
            best = min(result["seconds"])
            speed = f"{text_bytes / best / 1e9:.3f}" if is_ingest else ""
            size = f"{result['bytes'] / events:.1f}" if result.get("bytes") else ""
            same = result.get("same_columns", result.get("same_answer"))
            remark = "" if same else ("**less work, or other rows**" if is_ingest else "**other answer**")
            ratio = "" if name == "Kubesift" else f"{best / own:.2f}x as fast"
            lines.append(f"| {name} | {best:.2f} | {speed} | {ratio} | {result['peak_mib']:.0f} | {size} | {remark} |")
        rivals = {name: min(result["seconds"]) for name, result in who.items() if is_fair(name, result)}
        if rivals:
            fastest = min(rivals, key=rivals.get)
            ratio = rivals[fastest] / own
            lines += ["", f"Beside the fastest, {fastest}, Kubesift is **{ratio:.2f}x** as fast."]
        lines.append("")
    return "\n".join(lines)


def is_fair(name, result):
    """Whether a result counts: another's, of the same work."""
    return name != "Kubesift" and result.get("same_columns", result.get("same_answer", False))


def versions(args, python):
    def output(*command):
        return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text().splitlines()[0].split()[1]
    lines = [
        f"{output(args.kubesift, '--version')}, source of commit {output('git', 'log', '-1', '--format=%h', '--', 'src', 'sql')}",
        f"{output('rustc', '--version')}",
        f"python {platform.python_version()}",
        *output(python, "-m", "pip", "freeze").splitlines(),
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
        + (f", {model[0].split(':')[1].strip()}" if model else "")
        + f", {int(memory) >> 20} GiB",
    ]
    return "\n".join(lines) + "\n"


def keep(args, bench, notes, text_bytes, markdown):
    day = datetime.datetime.now(datetime.timezone.utc).date()
    name = f"{day}-{os.cpu_count()}core"
    number = 1
    while (args.runs / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    folder = args.runs / (name if number == 1 else f"{name}-{number}")
    folder.mkdir(parents=True)
    # what was asked, not where this machine has it
    command = ["python3", "benches/peers/peers.py", "--events", args.events, "--rounds", args.rounds]
    (folder / "command.txt").write_text(shlex.join(str(part) for part in command) + "\n")
    (folder / "versions.txt").write_text(versions(args, bench.python))
    results = {"events": args.events, "text_bytes": text_bytes, "notes": notes, "results": bench.results}
    text = json.dumps(results, indent=1).replace(str(bench.temp), "TEMP")
    (folder / "results.json").write_text(text + "\n")
    (folder / "table.md").write_text(markdown)
    print(f"kept as {folder.name}", file=sys.stderr)


def main():
    args = arguments()
    args.kubesift = args.kubesift.resolve()
    notes = [f"load average at the start {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", *args.note]
    with tempfile.TemporaryDirectory(dir=args.temp, prefix="kubesift-peers-") as temp:
        bench = Bench(args, Path(temp))
        text_bytes = bench.all()
        notes.append(f"load average at the end {os.getloadavg()[0]:.1f}, our own work included")
        head = f"{args.events:,} generated events, {text_bytes / 1e9:.2f} GB of text, best of {args.rounds}.\n"
        markdown = "\n".join([head, *(f"- {note}" for note in notes), "", table(bench.results, args.events, text_bytes)])
        print(markdown)
        if not args.no_keep:
            keep(args, bench, notes, text_bytes, markdown)


if __name__ == "__main__":
    main()
