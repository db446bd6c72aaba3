# SPDX-License-Identifier: MIT
"""Fifty clients that ask for much and never read, and an honest one beside them.

    deaf.py SOCKET DAEMON_PID

The daemon's memory must stay within the documented bound, the honest client must be served as before
(an eighth of the throughput, on a busy machine), and at the end the others are cut off.
"""
import os
import socket
import sys
import time

import msgpack

MIB = 1 << 20
CLIENTS, ASKED = 50, 64
# What may lie unread for each: unread_bytes, and one result for each worker that was under way.
BOUND = CLIENTS * (1 + 2 * 1) * MIB + 64 * MIB


class Client:
    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(sys.argv[1])
        self.unpacker = msgpack.Unpacker(raw=False)
        self.id = 0

    def send(self, method, *params):
        self.id += 1
        self.sock.sendall(msgpack.packb([0, self.id, method, params]))

    def read(self):
        while True:
            for message in self.unpacker:
                assert message[2] is None, message[2]
                return message[3]
            data = self.sock.recv(65536)
            assert data, "the connection was closed"
            self.unpacker.feed(data)


def memory():
    with open(f"/proc/{sys.argv[2]}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def throughput(client, seconds=0.5):
    done, end = 0, time.monotonic() + seconds
    for _ in range(64):
        client.send("cube", 3)
    while time.monotonic() < end:
        assert client.read() == 27
        client.send("cube", 3)
        done += 1
    for _ in range(64):
        client.read()
    return done


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


honest = Client()
before, start = throughput(honest), memory()
deaf = [Client() for _ in range(CLIENTS)]
for client in deaf:
    client.sock.sendall(b"".join(msgpack.packb([0, i, "test.big", [MIB]]) for i in range(ASKED)))


def status():
    honest.send("ruche.status")
    return honest.read()


until(lambda: status()["unread_bytes"] > CLIENTS * MIB)
beside = max(throughput(honest) for _ in range(3))
grown = memory() - start
print(f"throughput beside them: {beside / before:.2f} of before; memory: {grown >> 20} MiB", file=sys.stderr)
assert grown < BOUND, f"memory grew by {grown >> 20} MiB, over {BOUND >> 20}"
assert beside >= before / 8, (before, beside)
until(lambda: status()["clients"] == 1)
assert status()["unread_bytes"] == 0
until(lambda: status()["open"] == 0)
assert throughput(honest) > 0
print("good")
