#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The peer multiprocessing.Pool: one run of one workload, one line of JSON."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import threading
import time

import peer

FORK = multiprocessing.get_context("fork")


def new_pool(args):
    return FORK.Pool(args["workers"], initializer=peer.die_with_parent)


def pids_of(pool):
    return [process.pid for process in pool._pool]


@contextlib.contextmanager
def warm_pool(args, task=peer.square, argument=1):
    """A pool whose workers have all run something; the task must return its argument."""
    with new_pool(args) as pool:
        results = pool.map(task, [argument] * peer.warm_up_tasks(args, argument), chunksize=1)
        assert all(result == argument for result in results)
        for _ in range(peer.WARM_UP if task is peer.square else 0):
            pool.apply(task, (argument,))
        yield pool


def one(args):
    with warm_pool(args) as pool:
        with peer.Cost(pids_of(pool)) as cost:
            taken = peer.time_calls(lambda n: pool.apply(peer.square, (n,)), range(args["calls"]))
    return {
        "p50": peer.percentile(taken, 0.5),
        "p99": peer.percentile(taken, 0.99),
    } | cost.columns


def flood(args):
    tasks = args["tasks"]
    with warm_pool(args) as pool:
        with peer.Cost(pids_of(pool)) as cost:
            results = pool.map(peer.square, range(tasks), chunksize=1)
    assert len(results) == tasks and results[-1] == (tasks - 1) ** 2
    return {"rate": tasks / cost.seconds} | cost.columns


def client(pool, start, calls):
    start.wait()
    for n in range(calls):
        pool.apply(peer.square, (n,))


def clients(args):
    if args["outstanding"] != 1:
        raise peer.Skip("Pool.apply waits for its answer: only outstanding=1")
    count = args["clients"]
    share = args["tasks"] // count
    start = threading.Barrier(count + 1)
    with warm_pool(args) as pool:
        threads = [
            threading.Thread(target=client, args=(pool, start, share), daemon=True)
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        with peer.Cost(pids_of(pool)) as cost:
            start.wait()
            for thread in threads:
                thread.join()
    return {"rate": share * count / cost.seconds} | cost.columns


def map_items(args):
    items = args["items"]
    with warm_pool(args) as pool:
        with peer.Cost(pids_of(pool)) as cost:
            results = pool.map(peer.square, range(items))
    assert len(results) == items and results[-1] == (items - 1) ** 2
    return {"seconds": cost.seconds} | cost.columns


def echo(args):
    data = os.urandom(args["bytes"])
    with warm_pool(args, peer.echo, data) as pool:
        with peer.Cost(pids_of(pool)) as cost:
            taken = peer.time_calls(
                lambda data: pool.apply(peer.echo, (data,)), [data] * args["count"]
            )
    return {"seconds": cost.seconds, "p50": peer.percentile(taken, 0.5)} | cost.columns


def primes(_):
    raise peer.Skip("trial division in Python would compare languages, not pools")


def startup(args):
    with peer.Cost([]) as cost:
        pool = new_pool(args)
        pool.apply(peer.square, (1,))
        cost.pids = pids_of(pool)
    pool.terminate()
    return {"seconds": cost.seconds} | cost.columns


def crash(args):
    """All workers hang, one is killed: who answers then is its replacement.

    The lost task itself never ends: its caller would wait for ever.  Nor does terminate() of
    such a pool, which is therefore kept until the process ends.
    """
    global hang, pool
    reading, writing = os.pipe()
    # A task is pickled by name, so it must be one of this module, and be there at the fork.
    hang = peer.make_hang(writing)
    hang.__module__, hang.__qualname__ = __name__, "hang"
    pool = new_pool(args)
    pool.map(peer.square, range(peer.WARM_UP), chunksize=1)
    for _ in range(args["workers"]):
        pool.apply_async(hang)
    pids = [peer.read_pid(reading) for _ in range(args["workers"])]
    start = time.perf_counter()
    os.kill(pids[0], signal.SIGKILL)
    pool.apply(peer.square, (1,))
    return {"seconds": time.perf_counter() - start}


def run_true(_):
    subprocess.run(["/bin/true"], check=True)


def commands(args):
    with warm_pool(args) as pool:
        with peer.Cost(pids_of(pool)) as cost:
            pool.map(run_true, range(args["count"]), chunksize=1)
    return {"seconds": cost.seconds} | cost.columns


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
