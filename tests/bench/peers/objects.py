#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The peer multiprocessing, without its pool: Value, Lock, Queue, Pipe and Manager().Lock.

Where there are two ways to write something, both are measured, and the faster one is the figure.
"""

import multiprocessing
import time

import peer

FORK = multiprocessing.get_context("fork")


class Crew:
    """Processes that work at the same time as this one: `work` is called in each of them."""

    def __init__(self, count, work, *args):
        self.barrier = FORK.Barrier(count + 1)
        self.processes = [FORK.Process(target=self._run, args=(work, *args)) for _ in range(count)]
        for process in self.processes:
            process.start()
        self.pids = [process.pid for process in self.processes]

    def _run(self, work, *args):
        peer.die_with_parent()
        self.barrier.wait()
        work(*args)
        self.barrier.wait()  # what is done
        self.barrier.wait()  # what it has cost has been read

    def __enter__(self):
        return self

    def await_all(self):
        """Lets all of them begin; or waits until all are done."""
        self.barrier.wait()

    def __exit__(self, kind, *_):
        if kind is None:
            self.barrier.wait()
            for process in self.processes:
                process.join()


def each_of(cost, count, side):
    """What each took, and for how much of that `side` was on a processor."""
    busy = cost.columns["cpu"][side]
    return {"seconds": cost.seconds / count, "busy": busy / count} | cost.columns


# ---- a shared value ---------------------------------------------------------------------------


def increment_with_its_lock(value, _, count):
    for _ in range(count):
        with value.get_lock():
            value.value += 1


def increment_with_a_lock(value, lock, count):
    for _ in range(count):
        with lock:
            value.value += 1


def increment_between_calls(value, lock, count):
    for _ in range(count):
        lock.acquire()
        value.value += 1
        lock.release()


def time_increments(args, work, value):
    """In one way: what each of them took, and what all of it cost."""
    count, processes = args["count"], args["processes"]
    with Crew(processes, work, value, FORK.Lock(), count) as crew:
        with peer.Cost(crew.pids) as cost:
            crew.await_all()
            crew.await_all()
    assert value.value == count * processes
    return each_of(cost, count * processes, "workers")


def lock(args):
    """way=1: `with value.get_lock()`; 2: `with lock`; 3: acquire() and release(); 4: these beside a
    Value without a lock inside; absent: the fastest of the first three."""
    args = {"processes": 1, "way": 0} | args
    ways = [
        (increment_with_its_lock, {}),
        (increment_with_a_lock, {}),
        (increment_between_calls, {}),
        (increment_between_calls, {"lock": False}),
    ]
    chosen = ways[args["way"] - 1 : args["way"]] or ways[:3]
    times = [time_increments(args, work, FORK.Value("q", 0, **how)) for work, how in chosen]
    return min(times, key=lambda way: way["seconds"])


def acquire(args):
    """A lock that belongs to another process, as ruche's belong to the daemon."""
    with FORK.Manager() as manager:
        held = manager.Lock()
        held.acquire()
        held.release()
        with peer.Cost([manager._process.pid]) as cost:
            for _ in range(args["count"]):
                held.acquire()
                held.release()
    return each_of(cost, args["count"], "client")


# ---- a queue ------------------------------------------------------------------------------------


def produce(queue, item, count):
    for _ in range(count):
        queue.put(item)


def queue(args):
    items = FORK.Queue()
    with Crew(1, produce, items, b"x" * args["bytes"], args["count"]) as crew:
        with peer.Cost(crew.pids) as cost:
            crew.await_all()
            for _ in range(args["count"]):
                item = items.get()
        assert len(item) == args["bytes"] and items.empty()
        crew.await_all()
    return {"rate": args["count"] / cost.seconds} | cost.columns


# ---- a pipe -------------------------------------------------------------------------------------


def answer_objects(end, count):
    for _ in range(count):
        end.send(end.recv())


def answer_bytes(end, count):
    for _ in range(count):
        end.send_bytes(end.recv_bytes())


def chat_objects(end, count):
    for n in range(count):
        start = time.perf_counter()
        end.send(n)
        answer = end.recv()
        yield time.perf_counter() - start
        assert answer == n


def chat_bytes(end, count):
    for n in range(count):
        message = n.to_bytes(8, "little")
        start = time.perf_counter()
        end.send_bytes(message)
        answer = end.recv_bytes()
        yield time.perf_counter() - start
        assert answer == message


def time_chat(chat, answer, count):
    ours, theirs = FORK.Pipe()
    with Crew(1, answer, theirs, count) as crew:
        crew.await_all()
        with peer.Cost(crew.pids) as cost:
            taken = list(chat(ours, count))
        crew.await_all()
    return {
        "p50": peer.percentile(taken, 0.5),
        "p99": peer.percentile(taken, 0.99),
    } | cost.columns


def pipe(args):
    ways = [
        time_chat(chat_objects, answer_objects, args["count"]),
        time_chat(chat_bytes, answer_bytes, args["count"]),
    ]
    return min(ways, key=lambda way: way["p50"])


if __name__ == "__main__":
    peer.main({"lock": lock, "acquire": acquire, "queue": queue, "pipe": pipe})
