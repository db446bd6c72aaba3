# SPDX-License-Identifier: MIT
"""What was measured, for people (a table), for programs (JSON), and as a chart (gnuplot)."""
import json
import os
import shutil
import statistics
import subprocess

SIDES = ("client", "server", "workers")


class Result:
    """One metric of one system in one workload: a value for each round, None where there is none."""

    def __init__(self, workload, system, metric, unit, values, floor):
        self.workload, self.system, self.metric, self.unit = workload, system, metric, unit
        good = [value for value in values if value is not None]
        self.median, self.min, self.max = statistics.median(good), min(good), max(good)
        self.ratio = paired_ratio(values, floor)


def paired_ratio(values, others):
    """The median of the ratios within each round, so that what drifts cancels out."""
    pairs = [a / b for a, b in zip(values, others) if a is not None and b]
    return statistics.median(pairs) if pairs else None


def amount(value, unit):
    if unit == "s":
        for factor, name in ((1, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns")):
            if value * factor >= 1 or name == "ns":
                return f"{value * factor:.3g} {name}"
    for factor, name in ((1e6, "M"), (1e3, "k"), (1, "")):
        if value >= factor and unit.endswith("/s"):
            return f"{value / factor:.3g} {name}/s"
    return f"{value:.4g} {unit}"


def cost(workload, run, what, factor, form):
    """Of one task, on each side."""
    sides = (run or {}).get(what)
    if not sides or not workload.tasks:
        return ""
    return " ".join(form.format(max(sides[side], 0) * factor / workload.tasks) for side in SIDES)


def print_workload(workload, results, runs, counted):
    """Ratios are to the floor (or to ruche where there is none); costs are a task's, by client, server, workers."""
    print(f"\n{workload.name}: {workload.title}")
    print(f"  {'':15} {'metric':15} {'median':>10} {'min - max':>22} {'x floor':>8} {'x ruche':>8}"
          f"   {'CPU us':18} {'switches':18} {'system calls':18}")
    for result in results:
        ruche = next((r for r in results if r.system == "ruche" and r.metric == result.metric), None)
        ratio = f"{result.ratio:.3g}" if result.ratio else "-"
        against = f"{result.median / ruche.median:.3g}" if ruche else "-"
        own = result.system in ("floor", "ruche")
        print(f"  {result.system:15} {result.metric:15} {amount(result.median, result.unit):>10} "
              f"{amount(result.min, result.unit) + ' - ' + amount(result.max, result.unit):>22} {ratio:>8} {against:>8}   "
              f"{cost(workload, runs.get(result.system) if own else None, 'cpu', 1e6, '{:.2f}'):18} "
              f"{cost(workload, runs.get(result.system) if own else None, 'switches', 1, '{:.3f}'):18} "
              f"{cost(workload, counted.get(result.system), 'calls', 1, '{:.3f}'):18}".rstrip(), flush=True)


def write_json(path, results):
    with open(path, "w", encoding="utf-8") as file:
        for r in results:
            file.write(json.dumps({"workload": r.workload.name, "system": r.system, "metric": r.metric, "unit": r.unit,
                "median": r.median, "min": r.min, "max": r.max, "ratio_to_floor": r.ratio}) + "\n")


# ---- the chart: how fast each system is, ruche being 1

CHARTED = ("one", "flood", "clients-8x1", "clients-64x16", "map", "echo-64K", "primes-long", "commands", "startup",
    "lock", "queue", "pipe")
SYSTEMS = ("floor", "ruche", "pool", "executor", "zeromq", "nats", "gearman", "beanstalkd", "xargs", "multiprocessing")

GNUPLOT = """set terminal svg size 1000,460 font 'sans,11' background 'white'
set output '{output}'
set title 'How fast, against ruche = 1 (logarithmic; more is better)'
set style data histograms
set style histogram clustered gap 2
set style fill solid 0.9 noborder
set logscale y
set yrange [0.001:20]
set grid y
set key outside right
set linetype 1 lc rgb '#999999'
set linetype 2 lc rgb '#d4a017'
set linetype 3 lc rgb '#3573a6'
set linetype 4 lc rgb '#7fb2d9'
set linetype 5 lc rgb '#b2473e'
set linetype 6 lc rgb '#3e8e5a'
set linetype 7 lc rgb '#7d5ba6'
set linetype 8 lc rgb '#4a4a4a'
set linetype 9 lc rgb '#c98bb9'
set linetype 10 lc rgb '#5d9c9c'
set xtics rotate by -25
plot for [i=2:{columns}] '{data}' using i:xtic(1) title columnheader
"""


def speed(results, name, system):
    mine = {r.system: r for r in results if r.workload.name == name and r.metric == list(r.workload.metrics)[0]}
    ours = mine.get("ruche") or mine.get("ruche map")
    if system == "ruche":
        return 1 if ours else None
    if system not in mine or not ours:
        return None
    ratio = mine[system].median / ours.median
    return 1 / ratio if ours.unit == "s" else ratio


def draw_chart(output, results):
    """False if there is no gnuplot."""
    if not shutil.which("gnuplot"):
        return False
    output = os.path.abspath(output)
    data = output + ".data"
    with open(data, "w", encoding="utf-8") as file:
        file.write("workload " + " ".join(SYSTEMS) + "\n")
        for name in CHARTED:
            speeds = [speed(results, name, system) for system in SYSTEMS]
            if any(speeds):
                file.write(name + " " + " ".join("-" if s is None else f"{s:.5g}" for s in speeds) + "\n")
    script = GNUPLOT.format(output=output, data=data, columns=len(SYSTEMS) + 1)
    subprocess.run(["gnuplot"], input="set datafile missing '-'\n" + script, text=True, check=True)
    os.unlink(data)
    return True
