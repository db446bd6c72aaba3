# SPDX-License-Identifier: MIT
"""Reloads under load.

    reload.py SOCKET PLUGIN_LINK VERSION_1 VERSION_2 TIMES

Four connections call test.version all the time while the plugin behind PLUGIN_LINK is exchanged and the
daemon reloaded.  No call may fail; each answer is one of the two versions; and a call that is
made after the reload was answered is answered by the new one.
"""
import collections
import os
import sys
import threading
import time

from rpc import Client

path, link, first, second, times = sys.argv[1:5] + [int(sys.argv[5])]
WINDOW = 32


stop, faults, counts = threading.Event(), [], {}


def load():
    client = Client(path)
    waiting = collections.deque(client.send("test.version") for _ in range(WINDOW))
    while waiting:
        error, result = client.wait(waiting.popleft())
        if error is not None:
            faults.append(error)
            return
        counts[result] = counts.get(result, 0) + 1
        if not stop.is_set():
            waiting.append(client.send("test.version"))


def exchange(version):
    os.symlink(version, link + ".new")
    os.rename(link + ".new", link)


threads = [threading.Thread(target=load) for _ in range(4)]
for thread in threads:
    thread.start()
control = Client(path)
seen = {}
for version in first, second:
    exchange(version)
    assert control.call("ruche.reload") == [None, None]
    seen[version] = control.call("test.version")[1]
assert seen[first] != seen[second], seen
began = time.monotonic()
for i in range(times):
    version = (first, second)[i % 2]
    exchange(version)
    answer = control.call("ruche.reload")
    assert answer == [None, None], answer
    for _ in range(20):
        answer = control.call("test.version")
        assert answer == [None, seen[version]], (i, answer, version)
took = time.monotonic() - began
stop.set()
for thread in threads:
    thread.join()
assert not faults, faults[:3]
assert set(counts) == set(seen.values()), counts
print(f"{times} reloads, {sum(counts.values())} calls, no fault", file=sys.stderr)
print(f"{took / times * 1000:.1f} ms for one", file=sys.stderr)
print("good")
