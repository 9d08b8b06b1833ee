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


def wait(child, begun, what, complaint, out=b""):
    """Waits for a started child. The kernel counts its time and memory, its own children's not included."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if child.returncode != 0:
        complaint.seek(0)
        raise RuntimeError(f"{what}: {complaint.read().decode(errors='replace').strip()[-2000:]}")
    return Ran(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out)


def run(*command, env=None):
    """Runs a program to its end."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile() as complaint:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaint, env=env)
        out = child.stdout.read()
        return wait(child, begun, command[0], complaint, out)


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
        read = wait(second, begun, reader[0], complaint, out)
        return wait(first, begun, writer[0], complaint), read


def median(rounds, *command):
    """The median of the wall seconds of many runs, and one of them."""
    runs = [run(*command) for _ in range(rounds)]
    return statistics.median(ran.seconds for ran in runs), runs[0]
