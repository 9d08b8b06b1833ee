"""Growth: ten times the events in how many times the time, from a stream, so that no disk holds the text.

What counts is the CPU time of `kubesift ingest` alone, since the generator shares the cores. The floor is the generator
writing to `wc`, which also tells the size of the text.
"""

import shutil

from children import pipe

SMALLEST = 1_000_000


def measure(bench):
    largest = int(bench.args.growth * 1_000_000)
    sizes = [largest // 100, largest // 10, largest] if largest > SMALLEST * 10 else [largest // 10, largest]
    before = None
    for events in sizes:
        step = one_size(bench, events)
        if before:
            factor = events / before["events"]
            what = f"growth: {name(before['events'])} to {name(events)} events"
            bench.results.claim(f"{what}, CPU time of ingest", step["cpu"] / before["cpu"], f"{1.05 * factor:.1f}x")
            bench.results.claim(f"{what}, peak memory", step["peak_mib"] / before["peak_mib"], "flat")
        before = step


def one_size(bench, events):
    job = f"growth: {name(events)} events"
    lake = bench.temp / "growing"
    generate = [bench.args.kubesift, "generate", "--events", events, "--compression", "none", "--out", "-"]
    bench.say(f"{job}: the generator alone")
    ran, counted = pipe(generate, ["wc", "-c"])
    text_bytes = int(counted.out)
    bench.results.note(job, "floor: the generator alone", ran, remark=f"{text_bytes / 1e9:.1f} GB of text")
    bench.say(f"{job}: the generator and ingest")
    shutil.rmtree(lake, ignore_errors=True)
    _, ran = pipe(generate, [bench.args.kubesift, "ingest", "--quiet", "--lake", lake, "-"])
    size = sum(part.stat().st_size for part in lake.glob("events/date=*/*.parquet"))
    shutil.rmtree(lake)
    remark = f"lake {size / events:.1f} bytes an event, the text {text_bytes / size:.1f}x"
    bench.results.note(job, "Kubesift", ran, remark=remark, bytes=size, text_bytes=text_bytes)
    return {"events": events, "cpu": ran.cpu, "peak_mib": ran.peak_mib}


def name(events):
    return f"{events / 1e6:g} M"
