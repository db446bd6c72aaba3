#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The peer concurrent.futures.ProcessPoolExecutor: one run of one workload, one line of JSON."""

import contextlib
import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import peer

FORK = multiprocessing.get_context("fork")


def new_executor(args):
    return ProcessPoolExecutor(args["workers"], FORK, initializer=peer.die_with_parent)


def pids_of(executor):
    return list(executor._processes)


@contextlib.contextmanager
def warm_executor(args, task=peer.square, argument=1):
    """An executor whose workers have all run something; the task must return its argument."""
    with new_executor(args) as executor:
        results = executor.map(task, [argument] * peer.warm_up_tasks(args, argument))
        assert all(result == argument for result in results)
        for _ in range(peer.WARM_UP if task is peer.square else 0):
            executor.submit(task, argument).result()
        yield executor


def one(args):
    with warm_executor(args) as executor:
        with peer.Cost(pids_of(executor)) as cost:
            taken = peer.time_calls(
                lambda n: executor.submit(peer.square, n).result(), range(args["calls"])
            )
    return {
        "p50": peer.percentile(taken, 0.5),
        "p99": peer.percentile(taken, 0.99),
    } | cost.columns


def flood(args):
    tasks = args["tasks"]
    with warm_executor(args) as executor:
        with peer.Cost(pids_of(executor)) as cost:
            futures = [executor.submit(peer.square, n) for n in range(tasks)]
            results = [future.result() for future in futures]
    assert len(results) == tasks and results[-1] == (tasks - 1) ** 2
    return {"rate": tasks / cost.seconds} | cost.columns


def clients(_):
    raise peer.Skip("an executor serves one process; threads that share it are measured with Pool")


def map_items(args):
    items = args["items"]
    chunk = peer.chunk_of(items, args["workers"])
    with warm_executor(args) as executor:
        with peer.Cost(pids_of(executor)) as cost:
            results = list(executor.map(peer.square, range(items), chunksize=chunk))
    assert len(results) == items and results[-1] == (items - 1) ** 2
    return {"seconds": cost.seconds} | cost.columns


def echo(args):
    data = os.urandom(args["bytes"])
    with warm_executor(args, peer.echo, data) as executor:
        with peer.Cost(pids_of(executor)) as cost:
            taken = peer.time_calls(
                lambda data: executor.submit(peer.echo, data).result(), [data] * args["count"]
            )
    return {"seconds": cost.seconds, "p50": peer.percentile(taken, 0.5)} | cost.columns


def primes(_):
    raise peer.Skip("trial division in Python would compare languages, not pools")


def startup(args):
    with peer.Cost([]) as cost:
        executor = new_executor(args)
        executor.submit(peer.square, 1).result()
        cost.pids = pids_of(executor)
    executor.shutdown()
    return {"seconds": cost.seconds} | cost.columns


def kill_worker(executor, reading):
    """Kills the worker that runs `hang`; returns when, once the executor has broken."""
    future = executor.submit(hang)
    pid = peer.read_pid(reading)
    start = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    try:
        future.result()
    except BrokenProcessPool:
        return start
    raise AssertionError("the executor survived")


def crash(args):
    """The executor breaks, with all its tasks: how long until a new one gives an answer."""
    global hang
    reading, writing = os.pipe()
    # A task is pickled by name, so it must be one of this module, and be there at the fork.
    hang = peer.make_hang(writing)
    hang.__module__, hang.__qualname__ = __name__, "hang"
    with warm_executor(args) as executor:
        start = kill_worker(executor, reading)
        with new_executor(args) as replacement:
            replacement.submit(peer.square, 1).result()
            return {"seconds": time.perf_counter() - start}


def commands(_):
    raise peer.Skip("measured with Pool, whose workers do the same")


if __name__ == "__main__":
    peer.main(
        {
            "one": one,
            "flood": flood,
            "clients": clients,
            "map": map_items,
            "echo": echo,
            "primes": primes,
            "startup": startup,
            "crash": crash,
            "commands": commands,
        }
    )
