# SPDX-License-Identifier: MIT
"""What the daemon knows before an upgrade, it knows afterwards.

    upgrade.py SOCKET FOLDER TIMES COMMAND…

Each scene gets something under way, waits for the upgrades, of which each is COMMAND…, and then sees how it ends. The daemon has the pools
default and second, each with the test plugin.
"""
import os
import subprocess
import sys
import threading
import time

from rpc import PATIENCE, SLOW, Client, until

path, folder, times, command = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
LONG = 1000


def connect():
    return Client(path)


def submit(client, function, args, **options):
    return client.good("ruche.submit", function, args, options)


def result(client, task):
    error, value = client.call("ruche.result", task, {"timeout": PATIENCE})
    return error["code"] if error else value


class Gate:
    """Tasks that run until it is opened."""
    count = 0

    def __init__(self):
        Gate.count += 1
        self.path = f"{folder}/gate{Gate.count}"

    def task(self, client, **options):
        task = submit(client, "test.mixed", [self.path, 1, "wait"], **options)
        until(lambda: client.good("ruche.task", task)["state"] == "running")
        return task

    def open(self):
        with open(self.path + ".go", "w", encoding="ascii"):
            pass

    def wait(self):
        until(lambda: os.path.exists(self.path + ".go"))


# ---- scenes: up to their yield before the upgrades, then after them ------------------------------------


def running():
    client, gate = connect(), Gate()
    task = gate.task(client)
    call = client.send("test.mixed", gate.path, 2, "wait")
    yield
    assert client.good("ruche.task", task)["state"] == "running"
    gate.open()
    assert result(client, task) == 1 and client.wait(call) == [None, 2]


def queued_in_order():
    """One worker, which is busy; then by priority, by turns of the clients, in their order."""
    client, other, gate = connect(), connect(), Gate()
    journal = f"{folder}/order"
    gate.task(client, pool="second")
    for i in range(300):
        client.send("ruche.call", "test.journal", [journal, i], {"pool": "second"})
    last = client.send("ruche.call", "test.journal", [journal, 300], {"pool": "second"})
    for i in range(1000, 1010):
        other.send("ruche.call", "test.journal", [journal, i], {"pool": "second"})
    first = other.send("ruche.call", "test.journal", [journal, 5000], {"pool": "second", "priority": 5})
    until(lambda: client.good("ruche.pools")[1]["queued"] >= 312)
    yield
    gate.open()
    other.wait(first)
    client.wait(last)
    with open(journal, encoding="ascii") as file:
        order = [int(line) for line in file]
    assert len(order) == 312 and order[0] == 5000, order
    assert [i for i in order if i < 1000] == list(range(301)), order
    assert [i for i in order if 1000 <= i < 5000] == list(range(1000, 1010)), order
    assert order.index(1009) < order.index(290), order


def delayed():
    client = connect()
    soon = submit(client, "cube", [3], delay=0.3 * SLOW)
    never = submit(client, "cube", [3], delay=LONG, tag="never")
    yield
    assert result(client, soon) == 27
    task = client.good("ruche.task", never)
    assert task["state"] == "delayed" and task["tag"] == "never", task
    assert client.good("ruche.cancel_task", never) == "cancelled" and result(client, never) == "cancelled"


def kept():
    client = connect()
    task = submit(client, "cube", [4], detach=True, key="kept", tag="a tag")
    assert result(client, task) == 64
    before = client.good("ruche.task", task)
    yield
    assert result(client, task) == 64 and client.good("ruche.task", task) == before
    assert submit(client, "cube", [5], key="kept") == task
    assert submit(client, "cube", [5]) > task


def gone():
    """A client that has detached its task and left."""
    client, gate = connect(), Gate()
    task = gate.task(client, detach=True)
    client.sock.close()
    yield
    gate.open()
    assert result(connect(), task) == 1


def left():
    """And one that has not: its task is stopped, with the grace that is left to it."""
    client, watcher = connect(), connect()
    task = submit(client, "sleep", [LONG])
    until(lambda: watcher.good("ruche.task", task)["state"] == "running")
    yield
    client.sock.close()
    # Whoever waits for it would keep it.
    until(lambda: watcher.good("ruche.task", task)["state"] == "finished")
    assert result(watcher, task) == "cancelled"


def waited_for():
    client, gate = connect(), Gate()
    tasks = [gate.task(client), submit(client, "cube", [3])]
    result(client, tasks[1])
    everything = client.send("ruche.wait", tasks, {})
    in_time = client.send("ruche.wait", tasks, {"timeout": 0.3 * SLOW})
    answer = client.send("ruche.result", tasks[0])
    yield
    assert client.wait(in_time) == [None, tasks[1:]]
    assert everything not in client.answers and answer not in client.answers
    gate.open()
    assert client.wait(everything) == [None, tasks] and client.wait(answer) == [None, 1]


def followed():
    client, gate = connect(), Gate()
    script = f"echo before; until [ -e {gate.path}.go ]; do sleep 0.01; done; echo after"
    task = submit(client, "ruche.run", [["sh", "-c", script], {"stream": True}])
    log = client.send("ruche.log", task, {"follow": True})
    until(lambda: client.call("ruche.ping") and client.notes)
    yield
    gate.open()
    assert client.wait(log) == [None, {"bytes": 13, "cut": 0}], client.answers
    assert b"".join(note[1][2] for note in client.notes) == b"before\nafter\n", client.notes
    assert client.good("ruche.log", task)["bytes"] == 13


def fed():
    client = connect()
    call = client.send("ruche.run", ["cat"], {"stream_input": True, "stream": True})
    heard = lambda what: client.call("ruche.ping") and any(note[0] == what for note in client.notes)
    until(lambda: heard("ruche.input"))
    client.send_note("ruche.input", call, b"one ")
    until(lambda: heard("ruche.output"))
    yield
    client.send_note("ruche.input", call, b"two")
    client.send_note("ruche.input", call, None)
    assert client.wait(call)[0] is None
    assert b"".join(n[1][2] for n in client.notes if n[0] == "ruche.output") == b"one two", client.notes


def half_said():
    client = connect()
    client.good("ruche.ping")
    client.send_bytes(b"\x94\x00\x09\xa4cu")
    yield
    client.send_bytes(b"be\x91\x03")
    assert client.wait(9) == [None, 27]


def unread():
    """A client that reads nothing: the answers are there when it does."""
    client, watcher = connect(), connect()
    calls = [client.send("test.big", 30000) for _ in range(60)]
    until(lambda: watcher.good("ruche.status")["unread_bytes"] > 1 << 20)
    yield
    for call in calls:
        assert client.wait(call) == [None, b"x" * 30000]


def timed():
    client = connect()
    task = submit(client, "sleep", [LONG], timeout=1 * SLOW)
    late = submit(client, "cube", [3], delay=LONG, expires=0.5 * SLOW)
    yield
    assert result(client, task) == "timeout" and result(client, late) == "timeout"


def stopped():
    """It was asked to stop and does not: it is killed all the same."""
    client = connect()
    task = submit(client, "crash.stop", [])
    until(lambda: client.good("ruche.task", task)["state"] == "running")
    time.sleep(0.05 * SLOW)
    assert client.good("ruche.cancel_task", task) == "stopping"
    yield
    assert result(client, task) == "cancelled"


def tried_again():
    client = connect()
    task = submit(client, "crash.segv", [], attempts=2, backoff=0.6 * SLOW)
    until(lambda: client.good("ruche.task", task)["state"] == "delayed")
    yield
    assert result(client, task) == "crashed" and client.good("ruche.task", task)["attempts"] == 2


def quarantined():
    client = connect()
    for _ in range(3):
        client.call("crash.abort")
    before = client.good("ruche.quarantine")
    assert len(before) == 1, before
    yield
    assert client.good("ruche.quarantine") == before
    assert client.call("crash.abort")[0]["code"] == "quarantined"


def nested():
    client, gate = connect(), Gate()
    call = client.send("ruche.run", [os.environ["RUCHE"], "call", "test.mixed", gate.path, "7", "wait"], {"stream": True})
    until(lambda: client.good("ruche.pools")[0]["lending"] == 1)
    yield
    assert client.good("ruche.pools")[0]["lending"] == 1
    gate.open()
    assert client.wait(call)[0] is None
    assert b"".join(note[1][2] for note in client.notes) == b"7\n", client.notes


def resized():
    client = connect()
    client.good("ruche.resize", "third", 3, 3)
    client.good("ruche.pause", "third")
    call = client.send("third/cube", 2)
    yield
    pool = client.good("ruche.pools")[2]
    assert pool["max"] == 3 and pool["state"] == "paused" and pool["queued"] == 1, pool
    client.good("ruche.resume", "third")
    assert client.wait(call) == [None, 8]


def drained():
    client, waiter, gate = connect(), connect(), Gate()
    gate.task(client, pool="fourth")
    drain = waiter.send("ruche.drain", "fourth")
    until(lambda: client.good("ruche.pools")[3]["state"] == "draining")
    yield
    assert client.call("fourth/cube", 2)[0]["code"] == "unavailable"
    gate.open()
    assert waiter.wait(drain) == [None, None]
    client.good("ruche.resume", "fourth")


SCENES = [running, queued_in_order, delayed, kept, gone, left, waited_for, followed, fed, half_said, unread, timed, stopped,
    tried_again, quarantined, nested, resized, drained]

# ---- meanwhile: calls without end ---------------------------------------------------------------------


class Caller(threading.Thread):
    def __init__(self):
        super().__init__()
        self.client, self.count, self.fault, self.ends = connect(), 0, None, False

    def run(self):
        try:
            while not self.ends:
                calls = [(n, self.client.send("cube", n)) for n in range(self.count, self.count + 50)]
                for n, call in calls:
                    assert self.client.wait(call) == [None, n ** 3]
                self.count += 50
        except Exception as fault: # whatever it is
            self.fault = fault


def workers():
    return {(w["pool"], w["worker"], w["pid"]) for w in connect().good("ruche.workers")}


def upgrade():
    before = connect().good("ruche.status")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done
    after = connect().good("ruche.status")
    assert after["pid"] == before["pid"] and after["upgrades"] == before["upgrades"] + 1, (before, after)
    assert after["accepted"] >= before["accepted"] and after["uptime"] > before["uptime"], (before, after)


def play_scenes():
    scenes = [(scene.__name__, scene()) for scene in SCENES]
    bad = 0
    for _, scene in scenes:
        next(scene)
    upgrade()
    upgrade()
    for name, scene in scenes:
        try:
            next(scene, None)
            print(f"ok {name}", flush=True)
        except Exception as fault: # whatever it is
            bad += 1
            print(f"not ok {name}: {fault!r}", flush=True)
    return bad


def descriptors():
    """Of the daemon, once there is no connection but ours."""
    client = connect()
    until(lambda: client.good("ruche.status")["clients"] == 1)
    return len(os.listdir(f"/proc/{client.good('ruche.status')['pid']}/fd"))


def upgrade_under_load():
    # Those that took the place of others go home after a while.
    until(lambda: all(p["idle"] == p["max"] == p["workers"] for p in connect().good("ruche.pools")))
    before, open_before, callers = workers(), descriptors(), [Caller() for _ in range(2)]
    for caller in callers:
        caller.start()
    for _ in range(times):
        upgrade()
    for caller in callers:
        caller.ends = True
        caller.join()
        caller.client.sock.close()
        if caller.fault:
            raise caller.fault
        assert caller.count > 0
    assert workers() == before, (workers(), before)
    # Valgrind has some of its own, and more after each exec.
    if "RUCHE_TEST_VALGRIND" not in os.environ:
        until(lambda: descriptors() == open_before)
    print(f"ok {times} upgrades under load")


bad = play_scenes()
upgrade_under_load()
sys.exit(1 if bad else 0)
