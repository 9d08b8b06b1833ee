"""Times Kubesift and its peers at the same work in one run, prints tables of ratios and keeps the run.

    python3 benches/peers/peers.py --kubesift target/release/kubesift --only ingest,hunt

The parts are a module each; what the peers do is told in jobs.py; how to read the figures, in ../README.md.
"""

import argparse
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import detect
import growth
import hunt
import ingest
import start
from children import Ran, pipe, run
from results import Results, ratio_table, tables

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = {
    "ingest": lambda bench: ingest.measure(bench, "ingest"),
    "gz": lambda bench: ingest.measure(bench, "gz"),
    "one-gz": lambda bench: ingest.measure(bench, "one-gz"),
    "detect": detect.measure,
    "hunt": hunt.measure,
    "growth": growth.measure,
    "start": start.measure,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas: %(default)s")
    parser.add_argument("--kubesift", type=Path, default=ROOT / "target/release/kubesift", help="a release binary")
    parser.add_argument("--floors", type=Path, help="binary of the bench ingest, for the floors of ingestion")
    parser.add_argument("--events", type=int, default=1_000_000, help="of the log that is ingested")
    parser.add_argument("--lake-events", type=int, default=10_000_000, help="of the lake for detect and hunt")
    parser.add_argument("--lake", type=Path, help="a lake of so many events that is there already")
    parser.add_argument("--growth", type=float, default=10, help="the largest stream, in millions of events")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--detect-rounds", type=int, default=1, help="the same for detect, which takes minutes")
    parser.add_argument("--venv", type=Path, default=ROOT / "target/peers", help="made where it is missing")
    parser.add_argument("--temp", type=Path, help="folder for logs, lakes and what is written from them")
    parser.add_argument("--runs", type=Path, default=HERE.parent / "runs", help="where the run is kept")
    parser.add_argument("--no-keep", action="store_true", help="print only")
    parser.add_argument("--note", action="append", default=[], help="what a reader of the run should know")
    args = parser.parse_args()
    args.parts = args.only.split(",")
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return args


def peers_python(venv):
    python = venv / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    requirements = ["-r", HERE / "requirements.txt"]
    install = ["install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", *install, *requirements], check=True)
    return python


class Bench:
    """What the parts share: the arguments, a folder for what they write, the peers' Python and the results."""

    def __init__(self, args, temp):
        self.args, self.temp = args, temp
        self.python = peers_python(args.venv) if set(args.parts) - {"growth", "start"} else None
        self.results = Results()
        self.text_bytes = 0

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def peer(self, peer, job, *arguments):
        """Runs a job of jobs.py; what it took by its own clock, and what it says."""
        ran = run(self.python, HERE / "jobs.py", peer, job, *arguments)
        done = json.loads(ran.out.splitlines()[-1])
        return Ran(done["seconds"], ran.cpu, ran.peak_mib), done

    def lake(self):
        """The lake for detect and hunt, made once from a stream."""
        if not self.args.lake:
            self.args.lake = self.temp / "events"
            self.say(f"a lake of {self.args.lake_events:,} events")
            kubesift = self.args.kubesift
            generate = [kubesift, "generate", "--events", self.args.lake_events, "--compression", "none", "--out", "-"]
            pipe(generate, [kubesift, "ingest", "--quiet", "--lake", self.args.lake, "-"])
        for file in self.args.lake.glob("events/date=*/*.parquet"):
            file.read_bytes()  # into the page cache, for whoever comes first
        return self.args.lake


def versions(args, python):
    def output(*command):
        return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text().splitlines()[0].split()[1]
    source = output("git", "log", "-1", "--format=%h", "--", "src", "sql")
    lines = [
        f"{output(args.kubesift, '--version')}, source of commit {source}",
        f"{output('rustc', '--version')}",
        f"python {platform.python_version()}",
        *(output(python, "-m", "pip", "freeze").splitlines() if python else []),
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
        + (f", {model[0].split(':')[1].strip()}" if model else "")
        + f", {int(memory) >> 20} GiB",
    ]
    return "\n".join(lines) + "\n"


def command(args):
    """What was asked, not where this machine has it."""
    words = ["python3", "benches/peers/peers.py", "--only", args.only]
    words += ["--events", args.events, "--lake-events", args.lake_events, "--growth", f"{args.growth:g}"]
    words += ["--rounds", args.rounds, "--detect-rounds", args.detect_rounds]
    words += ["--floors", "FLOORS"] if args.floors else []
    return shlex.join(str(word) for word in words) + "\n"


def keep(args, bench, notes, markdown):
    day = datetime.datetime.now(datetime.timezone.utc).date()
    number = 1
    while (folder := args.runs / f"{day}-{os.cpu_count()}core-{number}").exists():
        number += 1
    folder.mkdir(parents=True)
    (folder / "command.txt").write_text(command(args))
    (folder / "versions.txt").write_text(versions(args, bench.python))
    results = {"notes": notes, "ratios": bench.results.ratios, "jobs": bench.results.jobs}
    text = json.dumps(results, indent=1).replace(str(bench.temp), "TEMP").replace(str(args.lake), "LAKE")
    (folder / "results.json").write_text(text + "\n")
    (folder / "table.md").write_text(markdown)
    print(f"kept as {folder.name}", file=sys.stderr)


def main():
    args = arguments()
    args.kubesift = args.kubesift.resolve()
    load = f"load average %s {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    notes = [load % "at the start", *args.note]
    with tempfile.TemporaryDirectory(dir=args.temp, prefix="kubesift-peers-") as temp:
        bench = Bench(args, Path(temp))
        for part in args.parts:
            try:
                PARTS[part](bench)
            except RuntimeError as error:
                bench.say(f"{part}: {error}")
                notes.append(f"**{part} failed: {str(error).splitlines()[0][:200]}**")
        notes.append(f"load average at the end {os.getloadavg()[0]:.1f}, our own work included")
        if bench.text_bytes:
            notes.append(f"{args.events:,} events of {bench.text_bytes / 1e9:.2f} GB of text are ingested")
        notes.append(f"best of {args.rounds} rounds, of detect {args.detect_rounds}")
        listed = "\n".join(f"- {note}" for note in notes)
        markdown = "\n\n".join([listed, ratio_table(bench.results), tables(bench.results)])
        print(markdown)
        if not args.no_keep:
            keep(args, bench, notes, markdown)


if __name__ == "__main__":
    main()
