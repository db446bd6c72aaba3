# SPDX-License-Identifier: MIT
"""Reloads under load.

    reload.py SOCKET PLUGIN_LINK VERSION_1 VERSION_2 TIMES

Four connections call test.version all the time while the plugin behind PLUGIN_LINK is exchanged and the
daemon reloaded.  No call may fail; each answer is one of the two versions; and a call that is
made after the reload was answered is answered by the new one.
"""
import os
import socket
import sys
import threading
import time

import msgpack

path, link, first, second, times = sys.argv[1:5] + [int(sys.argv[5])]
WINDOW = 32


class Client:
    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(path)
        self.unpacker = msgpack.Unpacker(raw=False)
        self.id = 0

    def send(self, method, *params):
        self.id += 1
        self.sock.sendall(msgpack.packb([0, self.id, method, params]))

    def read(self):
        while True:
            for message in self.unpacker:
                if message[0] == 1:
                    return message[2], message[3]
            data = self.sock.recv(65536)
            if not data:
                raise SystemExit("the daemon closed the connection")
            self.unpacker.feed(data)

    def call(self, method, *params):
        self.send(method, *params)
        return self.read()


stop, faults, counts = threading.Event(), [], {}


def load():
    client = Client()
    for _ in range(WINDOW):
        client.send("test.version")
    while not stop.is_set():
        error, result = client.read()
        if error is not None:
            faults.append(error)
            return
        counts[result] = counts.get(result, 0) + 1
        client.send("test.version")
    for _ in range(WINDOW):
        error, result = client.read()
        if error is not None:
            faults.append(error)


def exchange(version):
    os.symlink(version, link + ".new")
    os.rename(link + ".new", link)


threads = [threading.Thread(target=load) for _ in range(4)]
for thread in threads:
    thread.start()
control = Client()
seen = {}
for version in first, second:
    exchange(version)
    assert control.call("ruche.reload") == (None, None)
    seen[version] = control.call("test.version")[1]
assert seen[first] != seen[second], seen
began = time.monotonic()
for i in range(times):
    version = (first, second)[i % 2]
    exchange(version)
    answer = control.call("ruche.reload")
    assert answer == (None, None), answer
    for _ in range(20):
        answer = control.call("test.version")
        assert answer == (None, seen[version]), (i, answer, version)
took = time.monotonic() - began
stop.set()
for thread in threads:
    thread.join()
assert not faults, faults[:3]
assert set(counts) == set(seen.values()), counts
print(f"{times} reloads, {sum(counts.values())} calls, no fault", file=sys.stderr)
print(f"{took / times * 1000:.1f} ms for one", file=sys.stderr)
print("good")
