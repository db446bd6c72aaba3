# SPDX-License-Identifier: MIT
"""upgrade_objects.py SOCKET COMMAND...: objects of each kind, held, waited for and full, are what they were after the command."""
import os
import subprocess
import sys
import time

from rpc import Client

path, command = sys.argv[1], sys.argv[2:]
a, b, c = clients = [Client(path) for _ in range(3)]
daemon = a.good("ruche.status")["pid"]

kinds = {
    "L": ("lock", {}), "R": ("rlock", {}), "S": ("semaphore", {"value": 2}), "Q": ("queue", {"maxsize": 3}),
    "C": ("condition", {}), "B": ("barrier", {"parties": 3}), "E": ("event", {}), "T": ("event", {}), "gone": ("queue", {}),
}
for client in clients:
    for name, (kind, options) in kinds.items():
        client.good("ruche.open", kind, name, options)
c.good("ruche.remove", "gone")
c.good("ruche.open", "queue", "gone")

a.good("ruche.lock.acquire", "L")
a.good("ruche.lock.acquire", "R")
a.good("ruche.lock.acquire", "R")
a.good("ruche.lock.acquire", "S")
b.good("ruche.lock.acquire", "S")
waits = {
    "lock": b.send("ruche.lock.acquire", "L"),
    "rlock": c.send("ruche.lock.acquire", "R", {"timeout": 1000}),
    "semaphore": c.send("ruche.lock.acquire", "S"),
    "event": b.send("ruche.event.wait", "E"),
    "barrier": b.send("ruche.barrier.wait", "B"),
    "late": c.send("ruche.event.wait", "T", {"timeout": 0.5}),
}
a.good("ruche.queue.put_many", "Q", [1, 2, b"x" * 100])
waits["put"] = b.send("ruche.queue.put", "Q", [4])
assert c.good("ruche.queue.get_many", "Q", 2, {"ack": True}) == [[1, 1], [2, 2]]
b.good("ruche.lock.acquire", "C")
waits["condition"] = b.send("ruche.condition.wait", "C")
a.good("ruche.open", "value", "V", {"type": "double", "count": 10})
a.good("ruche.open", "pipe", "P", {"end": 0})


def objects():
    """All but how long somebody has waited, and where a time may be up at any moment."""
    everything = [one for one in a.good("ruche.objects") if one["name"] != "T"]
    for one in everything:
        for waiter in one["waiters"]:
            del waiter["seconds"]
    return everything


def descriptors():
    return len(os.listdir(f"/proc/{daemon}/fd"))


def has_as_many(fds):
    """The connection of the command may last a moment longer than that."""
    for _ in range(200):
        if descriptors() == fds:
            return True
        time.sleep(0.05)
    return False


before, fds = objects(), descriptors()
for _ in range(3):
    subprocess.run(command, check=True)
assert objects() == before, (before, objects())
assert has_as_many(fds) or "RUCHE_TEST_VALGRIND" in os.environ, (descriptors(), fds)

assert b.wait(waits["put"]) == [None, None]
assert c.wait(waits["late"])[0]["code"] == "timeout"
assert c.good("ruche.queue.ack", "Q", [1]) == 1
assert c.good("ruche.queue.give_back", "Q", [2]) == 1
assert a.good("ruche.queue.get_many", "Q", 10) == [2, b"x" * 100, [4]]
a.good("ruche.lock.release", "L")
assert b.wait(waits["lock"]) == [None, "acquired"]
a.good("ruche.lock.release", "R")
assert waits["rlock"] not in c.answers
a.good("ruche.lock.release", "R")
assert c.wait(waits["rlock"]) == [None, "acquired"]
b.good("ruche.lock.release", "S")
assert c.wait(waits["semaphore"]) == [None, "acquired"]
a.good("ruche.event.set", "E")
assert b.wait(waits["event"]) == [None, None]
passed = [client.send("ruche.barrier.wait", "B") for client in (a, c)]
assert b.wait(waits["barrier"])[1] == 0
assert {a.wait(passed[0])[1], c.wait(passed[1])[1]} == {1, 2}  # whichever is read first
a.good("ruche.lock.acquire", "C")
assert a.good("ruche.condition.notify", "C") == 1
a.good("ruche.lock.release", "C")
assert b.wait(waits["condition"]) == [None, "notified"]
assert a.call("ruche.queue.put", "gone", 1)[0]["code"] == "removed"
c.good("ruche.queue.put", "gone", 1)
d = Client(path)
assert d.good("ruche.open", "value", "V")["count"] == 10
for client in (b, c, d):
    client.sock.close()
for name in [*kinds, "V", "P"]:
    a.good("ruche.close", name)
