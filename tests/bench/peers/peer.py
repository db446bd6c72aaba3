# SPDX-License-Identifier: MIT
"""What pool.py and executor.py share: arguments, clocks, costs, and the line of JSON.

A program gives main() a table from the names of workloads to functions.  Each takes the
arguments, a dictionary of integers, and returns what it has measured, a dictionary, or raises
Skip.  Whatever it started dies with it: see die_with_parent() and DEADLINE.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time

# Seconds after which a run that hangs is ended by SIGALRM, and its workers with it.
DEADLINE = 30

WARM_UP = 200
DEFAULTS = {"workers": 2, "outstanding": 1}

# Payloads of which a warm-up has only one for each worker.
LARGE = 256 << 10

PR_SET_PDEATHSIG = 1
TICKS = os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None)


class Skip(Exception):
    """The peer cannot do this workload; the message says why."""


def die_with_parent():
    """To be called in each worker, so that none survives a run that was killed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def square(n):
    return n * n


def echo(data):
    return data


def warm_up_tasks(args, argument):
    """How many tasks make all workers start."""
    large = isinstance(argument, bytes) and len(argument) > LARGE
    return args["workers"] * (1 if large else 4)


def percentile(values, share):
    return sorted(values)[int(share * (len(values) - 1))]


def chunk_of(items, workers):
    """The chunk that Pool.map would choose."""
    chunk, extra = divmod(items, workers * 4)
    return max(1, chunk + (extra > 0))


def cpu_clock(pid):
    """The clock of the CPU time of a process, as clock_getcpuclockid(3) makes it: in
    nanoseconds, where /proc/PID/stat only has hundredths of a second."""
    return time.clock_gettime((~pid << 3) | 2)


def cpu_of_commands(pid):
    """The CPU time of the children that a process has waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICKS


def switches_of(pid):
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as status:
            total += sum(int(line.split()[1]) for line in status if "_ctxt_switches" in line)
    return total


class Cost:
    """Counts what the client, this process, and its workers use while a `with` block runs.

    The server of these peers is a few threads of the client, so its own share is nought.
    """

    def __init__(self, pids):
        self.pids = list(pids)

    def _read(self):
        own = resource.getrusage(resource.RUSAGE_SELF)
        return (
            own.ru_utime + own.ru_stime,
            sum(cpu_clock(pid) + cpu_of_commands(pid) for pid in self.pids),
            own.ru_nvcsw + own.ru_nivcsw,
            sum(switches_of(pid) for pid in self.pids),
        )

    def __enter__(self):
        # Processes that are added to `pids` later on began with nothing used.
        self.before = self._read()
        self.start = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.start
        cpu, cpu_workers, switches, switches_workers = (
            after - before for after, before in zip(self._read(), self.before)
        )
        self.columns = {
            "cpu": {"client": cpu, "server": 0.0, "workers": cpu_workers},
            "switches": {"client": switches, "server": 0, "workers": switches_workers},
        }


def time_calls(call, values):
    """Calls one after the other; the seconds each of them took."""
    clock = time.perf_counter
    taken = []
    for value in values:
        start = clock()
        call(value)
        taken.append(clock() - start)
    return taken


def make_hang(pipe):
    """A task that never ends, once it has told which process it keeps busy."""

    def hang():
        os.write(pipe, b"%8d" % os.getpid())
        time.sleep(3600)

    return hang


def read_pid(pipe):
    return int(os.read(pipe, 8))


def parse(words):
    pairs = (word.split("=", 1) for word in words)
    return DEFAULTS | {name: int(value) for name, value in pairs}


def main(workloads):
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(workloads)} [KEY=VALUE...]")
    signal.alarm(DEADLINE)
    # By default Python turns SIGINT into an exception, in the workers as well.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    workload = sys.argv[1]
    try:
        if workload not in workloads:
            raise Skip(f"no workload {workload}")
        answer = workloads[workload](parse(sys.argv[2:]))
    except Skip as skip:
        answer = {"skip": str(skip)}
    print(json.dumps(answer), flush=True)
    # Not sys.exit(): a pool that lost a worker would hang there.  The workers die with us.
    os._exit(0)
