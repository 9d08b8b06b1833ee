"""Runs a program in a process of its own: what it took, and what it said."""

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass


@dataclass
class Ran:
    """Wall and CPU seconds, the most memory that the process held, and its standard output."""

    seconds: float
    cpu: float
    peak_mib: float
    out: bytes = b""
    code: int = 0


def wait(child, begun, complaint, out=b"", accept=(0,)):
    """Waits for a started child. The kernel counts its time and memory, its own children's not included."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if child.returncode not in accept:
        complaint.seek(0)
        said = complaint.read().decode(errors="replace").strip()[-2000:]
        raise RuntimeError(f"{child.args[0]} ended with {child.returncode}: {said}")
    return Ran(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out, child.returncode)


def run(*command, accept=(0,)):
    """Runs a program to its end, which is to be one of the accepted exit codes."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile() as complaint:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaint)
        out = child.stdout.read()
        return wait(child, begun, complaint, out, accept)


def pipe(writer, reader):
    """Runs `writer | reader`; gives both. The seconds of each last until both have ended."""
    with tempfile.TemporaryFile() as complaint:
        begun = time.perf_counter()
        first = subprocess.Popen([str(part) for part in writer], stdout=subprocess.PIPE, stderr=complaint)
        second = subprocess.Popen(
            [str(part) for part in reader], stdin=first.stdout, stdout=subprocess.PIPE, stderr=complaint
        )
        first.stdout.close()
        out = second.stdout.read()
        read = wait(second, begun, complaint, out)
        return wait(first, begun, complaint), read


def median(rounds, *command):
    """The median of the wall seconds of many runs, and one of them."""
    runs = [run(*command) for _ in range(rounds)]
    return statistics.median(ran.seconds for ran in runs), runs[0]
