# SPDX-License-Identifier: MIT
"""Runs ruche, the floor and the peers, by turns, and prints medians and ratios.

    bench.py [--quick] [--only WORKLOAD]... [--rounds N] [--json FILE] [--chart FILE] [--without-peers]

It is started by contrib/bench or `make bench`, which set BUILD_DIR, where the programs are.
"""
import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

from report import Result, draw_chart, print_workload, write_json
from workloads import WORKLOADS

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD_DIR", ".")
PYTHON = os.environ.get("PYTHON3") or "/usr/bin/python3"
RUN_LIMIT = 60
COMMON = "peer.c child.c cost.c feed.c load.c".split()

# Peers in C: the files beside the common ones, and pkg-config's name of the library.
COMPILED = {"zeromq": (["zeromq.c"], "libzmq"), "gearman": (["gearman.c"], "gearmand"),
    "nats": (["nats.c", "lines.c"], None), "beanstalkd": (["beanstalkd.c", "lines.c"], None)}


# ---- programs ---------------------------------------------------------------------------------


def pkg_config(module):
    got = subprocess.run(["pkg-config", "--cflags", "--libs", module], capture_output=True, text=True, check=False)
    return got.stdout.split() if got.returncode == 0 else None


def compile_peer(name, folder):
    """The program; None if its library is not there."""
    sources, module = COMPILED[name]
    flags = pkg_config(module) if module else []
    if flags is None:
        return None
    program = os.path.join(folder, "peer-" + name)
    command = [os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-O2",
        *(os.path.join(HERE, "peers", source) for source in sources + COMMON), "-o", program, *flags, "-pthread"]
    return program if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0 else None


def find_programs(folder, with_peers):
    """What begins the command of each system."""
    own = os.path.join(BUILD, "tests", "bench")
    programs = {"floor": [own + "/floor"], "ruche": [own + "/ruche-bench"]}
    programs["sequential"] = programs["memcpy"] = programs["floor"]
    if not with_peers:
        return programs
    for name in ("pool", "executor"):
        programs[name] = [PYTHON, "-B", f"{HERE}/peers/{name}.py"]
    for name in ("multiprocessing", "get_lock", "with_lock", "raw"):
        programs[name] = [PYTHON, "-B", f"{HERE}/peers/objects.py"]
    for name in ("xargs", "parallel"):
        programs[name] = ["bash", f"{HERE}/peers/{name}.sh"]
    for name in COMPILED:
        program = compile_peer(name, folder)
        if program:
            programs[name] = [program]
        else:
            print(f"{name} is left out: it cannot be compiled here", file=sys.stderr)
    return programs


# ---- one run ------------------------------------------------------------------------------------


def end(process):
    """With all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run_program(command, shell=False):
    """What it printed; None, after a line that says why, if it did not go well."""
    with subprocess.Popen(command, shell=shell, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=RUN_LIMIT)
        except subprocess.TimeoutExpired:
            end(process)
            out, err = "", f"not done after {RUN_LIMIT} s"
        if process.returncode == 0:
            return out
    shown = command if shell else shlex.join(command)
    print(f"  failed: {shown}: {err.strip()[-300:]}", file=sys.stderr)
    return None


def run_pipeline(words, daemon):
    """A pipeline of the shell with the command-line tool."""
    start = time.monotonic()
    if run_program(words.format(ruche=daemon.tool), shell=True) is None:
        return {}
    return {"seconds": time.monotonic() - start}


def run_once(programs, daemon, system, words, extra=""):
    """The figures of one run; {} if there are none."""
    if not isinstance(words, str):
        return {"seconds": words}  # a constant
    if "{ruche}" in words:
        return run_pipeline(words, daemon)
    if system not in programs:
        return {}
    out = run_program(programs[system] + words.split() + extra.split())
    figures = json.loads(out) if out else {}
    if "skip" in figures:
        return {}
    if system not in ("floor", "ruche", "memcpy", "sequential") and words.startswith("echo") and "seconds" in figures:
        figures["seconds"] /= int(words.rsplit("=", 1)[1])  # peers say it of all calls
    return figures


class Daemon:
    """For pipelines: one that is there already, as on any machine that has it installed."""

    def __init__(self, folder):
        self.socket = os.path.join(folder, "sock")
        self.tool = f"{BUILD}/ruche --socket {self.socket}"
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([os.environ["RUCHE_DAEMON"], "--socket", self.socket, "--workers", "2"],
                stderr=log, start_new_session=True)
        while subprocess.run(shlex.split(self.tool) + ["ping"], capture_output=True, check=False).returncode != 0:
            if self.process.poll() is not None:
                raise SystemExit("ruched does not start")
            time.sleep(0.01)

    def stop(self):
        self.process.terminate()
        self.process.wait()


# ---- a workload -----------------------------------------------------------------------------------


def measure(workload, programs, daemon, rounds):
    """Its results; prints them as well."""
    runs = {system: [] for system in workload.systems}
    for i in range(rounds):
        turns = list(workload.systems.items())
        for system, words in turns[i % len(turns):] + turns[:i % len(turns)]:
            runs[system].append(run_once(programs, daemon, system, words))
    counted = {system: run_once(programs, daemon, system, workload.systems[system], "calls=1")
        for system in ("floor", "ruche") if system in workload.systems and workload.tasks}
    results = []
    for system, figures in runs.items():
        for metric, unit in workload.metrics.items():
            values = [run.get(metric) for run in figures]
            if any(value is not None for value in values):
                floor = [run.get(metric) for run in runs.get("floor", [])]
                results.append(Result(workload, system, metric, unit, values, floor))
    print_workload(workload, results, {system: figures[-1] for system, figures in runs.items()}, counted)
    return results


def read_arguments():
    parser = argparse.ArgumentParser(prog="contrib/bench", description="Measures ruche against the floor and its peers.")
    parser.add_argument("--quick", action="store_true", help="ends within three minutes: fewer rounds, no slow workloads")
    parser.add_argument("--only", action="append", metavar="WORKLOAD", help="this one; may be repeated; "
        + ", ".join(workload.name for workload in WORKLOADS))
    parser.add_argument("--rounds", type=int, help="how often each is run (7, or 2 with --quick)")
    parser.add_argument("--json", metavar="FILE", help="write one object a line for each result")
    parser.add_argument("--chart", metavar="FILE", help="draw a chart (SVG; needs gnuplot)")
    parser.add_argument("--without-peers", action="store_true", help="only the floor and ruche")
    args = parser.parse_args()
    unknown = set(args.only or []) - {workload.name for workload in WORKLOADS}
    if unknown:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    return args


def chosen(args):
    for workload in WORKLOADS:
        if (workload.name in args.only) if args.only else not (args.quick and workload.slow):
            yield workload


def main():
    args = read_arguments()
    rounds = args.rounds or (2 if args.quick else 7)
    results = []
    with tempfile.TemporaryDirectory(prefix="ruche-bench.") as folder:
        programs = find_programs(folder, not args.without_peers)
        daemon = Daemon(folder)
        try:
            for workload in chosen(args):
                results += measure(workload, programs, daemon, rounds)
        finally:
            daemon.stop()
    if args.json:
        write_json(args.json, results)
    if args.chart and not draw_chart(args.chart, results):
        print("no chart: gnuplot is not installed", file=sys.stderr)


main()
