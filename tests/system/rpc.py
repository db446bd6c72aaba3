# SPDX-License-Identifier: MIT
"""A client of the daemon for tests: what it sends, and every answer and notification that comes."""
import os
import socket
import time

import msgpack

SLOW = 10 if os.environ.get("RUCHE_TEST_VALGRIND") else 1
PATIENCE = 20 * SLOW


class Gone(Exception):
    """The connection has ended."""


class Client:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.connect(path)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
        self.answers = {}
        self.notes = []
        self.id = 0

    def connect(self, path):
        self.sock.connect(path)

    def send_bytes(self, data):
        self.sock.sendall(data)

    def send(self, method, *params):
        self.id += 1
        self.send_bytes(msgpack.packb([0, self.id, method, params]))
        return self.id

    def send_note(self, method, *params):
        self.send_bytes(msgpack.packb([2, method, params]))

    def read(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Gone
        self.unpacker.feed(data)
        for message in self.unpacker:
            if message[0] == 1:
                assert message[1] not in self.answers, "two answers"
                self.answers[message[1]] = message[2:]
            elif message[0] == 2:
                self.notes.append(message[1:])

    def wait(self, msgid):
        while msgid not in self.answers:
            self.read()
        return self.answers[msgid]

    def call(self, method, *params):
        return self.wait(self.send(method, *params))

    def good(self, method, *params):
        error, result = self.call(method, *params)
        assert error is None, error
        return result


def until(condition):
    end = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
