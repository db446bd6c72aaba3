# SPDX-License-Identifier: MIT
"""beside.py SOCKET WHAT: somebody who calls one thing at a time is served, whatever others do."""
import sys
import threading
import time

from rpc import Client, SLOW

CALLS = 200
ENOUGH = 15 * SLOW  # seconds, for what takes a tenth of one
path = sys.argv[1]


def is_served(client):
    begun = time.monotonic()
    for _ in range(CALLS):
        assert client.good("cube", 3) == 27
        assert time.monotonic() - begun < ENOUGH, "kept waiting"


def noise():
    """Workers that write to stderr without a pause."""
    noisy, client = Client(path), Client(path)
    for _ in range(4):
        noisy.send("crash.noise")
    is_served(client)


class Flood:
    """A client that has always more than there is room for."""

    def __init__(self):
        self.client, self.ends = Client(path), False
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.ends:
            self.client.send("sleep", 0.001)

    def receive(self):
        while not self.ends or len(self.client.answers) < self.client.id:
            self.client.read()

    def end(self):
        self.ends = True
        for thread in self.threads:
            thread.join()


def older():
    """He came before the flood."""
    client = Client(path)
    client.good("cube", 3)
    flood = Flood()
    is_served(client)
    flood.end()


def newer():
    """And after it."""
    flood = Flood()
    while len(flood.client.answers) < 200:
        time.sleep(0.01)
    is_served(Client(path))
    flood.end()


globals()[sys.argv[2]]()
print("good")
