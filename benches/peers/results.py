"""The figures of a run: who took what for which job, and the ratios that are claimed from them."""


class Results:
    """Jobs in the order in which they were first noted; of each, who did it, and how."""

    def __init__(self):
        self.jobs = {}
        self.ratios = []

    def note(self, job, who, ran, **more):
        """One round. `more` is of the last round; see `FLAGS` and `table` for the names that are read."""
        result = self.jobs.setdefault(job, {}).setdefault(who, {"seconds": [], "cpu_seconds": [], "peak_mib": 0.0})
        result["seconds"].append(round(ran.seconds, 4))
        result["cpu_seconds"].append(round(ran.cpu, 3))
        result["peak_mib"] = round(max(result["peak_mib"], ran.peak_mib), 1)
        result.update(more)

    def fail(self, job, who, error):
        self.jobs.setdefault(job, {})[who] = {"failed": str(error).splitlines()[-1][:300]}

    def failed(self, job, who):
        return "failed" in self.jobs.get(job, {}).get(who, {})

    def best(self, job, who="Kubesift", figure="seconds"):
        """The least of all rounds, or None where there is none."""
        return min(self.jobs.get(job, {}).get(who, {}).get(figure, []), default=None)

    def fastest_peer(self, job):
        """Of those who did the same work: name and seconds, or None."""
        fair = {name: min(result["seconds"]) for name, result in self.jobs[job].items() if is_fair(name, result)}
        return min(fair.items(), key=lambda item: item[1], default=None)

    def claim(self, what, value, goal, unit="x", places=2):
        """A ratio, with the goal that it is held against."""
        if value is not None:
            self.ratios.append({"what": what, "value": round(value, 4), "unit": unit, "places": places, "goal": goal})

    def claim_beside_peers(self, job, goal):
        """How many times as fast as the fastest peer."""
        peer = self.fastest_peer(job)
        if peer:
            self.claim(f"{job}: beside the fastest peer, {peer[0]}", peer[1] / self.best(job), goal)

    def claim_of_floor(self, job, floor, goal):
        """Which share of the floor's speed."""
        if self.best(job, floor):
            share = 100 * self.best(job, floor) / self.best(job)
            self.claim(f"{job}: of the speed of {floor.removeprefix('floor: ')}", share, goal, " %", 0)


def is_floor(name):
    return name.startswith("floor")


def is_fair(name, result):
    """Whether a result counts as a peer's: another's, of the same work."""
    return name != "Kubesift" and not is_floor(name) and "failed" not in result and result.get("same", True)


def ratio_table(results):
    lines = ["| what | is | goal |", "|---|--:|--:|"]
    for ratio in results.ratios:
        lines.append(f"| {ratio['what']} | **{ratio['value']:.{ratio['places']}f}{ratio['unit']}** | {ratio['goal']} |")
    return "\n".join(lines)


def job_table(job, who):
    """One job: everybody beside Kubesift. The remark of a result says what it did differently."""
    own = min(who["Kubesift"]["seconds"])
    lines = [f"### {job}", "", "| | best, s | CPU, s | Kubesift is | peak, MiB | |", "|---|--:|--:|--:|--:|---|"]
    for name, result in who.items():
        if "failed" in result:
            lines.append(f"| {name} | | | | | failed: {result['failed']} |")
            continue
        best = min(result["seconds"])
        ratio = "" if name == "Kubesift" else f"{best / own:.2f}x as fast"
        remark = result.get("remark", "") if result.get("same", True) else f"**{result.get('remark', 'other answer')}**"
        cpu = min(result["cpu_seconds"])
        lines.append(f"| {name} | {best:.3f} | {cpu:.2f} | {ratio} | {result['peak_mib']:.0f} | {remark} |")
    return "\n".join([*lines, ""])


def tables(results):
    return "\n".join(job_table(job, who) for job, who in results.jobs.items() if "Kubesift" in who)
