# SPDX-License-Identifier: MIT
"""What clients and tasks should not do: abuse.py CASE SOCKET PID.

Each case prints "good" when nobody but the one who did it has suffered.
"""
import os
import select
import signal
import socket
import sys
import time

import msgpack

PATIENCE = 30


class Client:
    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[2])
        self.unpacker = msgpack.Unpacker(max_buffer_size=1 << 30)
        self.answers, self.notes, self.last = {}, [], 0

    def send(self, method, *params):
        self.last += 1
        self.sock.sendall(msgpack.packb([0, self.last, method, list(params)]))
        return self.last

    def notify(self, method, *params):
        self.sock.sendall(msgpack.packb([2, method, list(params)]))

    def read(self, seconds):
        """Takes what comes; False at the end."""
        if not select.select([self.sock], [], [], max(0, seconds))[0]:
            return True
        data = self.sock.recv(1 << 16)
        self.unpacker.feed(data)
        for message in self.unpacker:
            if message[0] == 1:
                assert message[1] not in self.answers, "two answers"
                self.answers[message[1]] = message[2:]
            else:
                self.notes.append(message)
        return bool(data)

    def wait(self, *ids):
        end = time.time() + PATIENCE
        while not all(i in self.answers for i in ids):
            assert time.time() < end, "no answer"
            assert self.read(end - time.time()), "the connection was closed"
        return [self.answers[i] for i in ids]

    def call(self, method, *params):
        error, result = self.wait(self.send(method, *params))[0]
        assert error is None, error
        return result


def until(condition):
    end = time.time() + PATIENCE
    while not condition():
        assert time.time() < end, "waited in vain"
        time.sleep(0.02)


def memory():
    with open(f"/proc/{sys.argv[3]}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def full_client_that_leaves():
    """It has more open than it may, is not read any more, and closes: that must be noticed."""
    me, other = Client(), Client()
    calls = b"".join(msgpack.packb([0, i, "sleep", [1000]]) for i in range(70000))
    other.sock.sendall(calls)
    until(lambda: me.call("ruche.status")["accepted"] >= 65536)
    other.sock.close()

    def is_clean():
        status = me.call("ruche.status")
        return (status["clients"], status["queued"], status["running"]) == (1, 0, 0)

    until(is_clean)


def plenty_at_once():
    """All of it is answered, also if no more can be asked; and what comes behind it is heard while no task ends."""
    me, other = Client(), Client()
    count = 20000
    other.sock.sendall(b"".join(msgpack.packb([0, i, "cube", [i]]) for i in range(count)))
    other.sock.shutdown(socket.SHUT_WR)
    while other.read(PATIENCE):
        pass
    assert other.answers == {i: [None, i ** 3] for i in range(count)}
    count = 6000
    calls = b"".join(msgpack.packb([0, i, "sleep", [1000]]) for i in range(count))
    me.sock.sendall(calls + b"".join(msgpack.packb([2, "ruche.cancel", [i]]) for i in range(count)))
    assert all(error["code"] == "cancelled" for error, _ in me.wait(*range(count)))


def stream_that_nobody_reads():
    """Its worker stands still; what had been handed to that worker goes elsewhere."""
    size = 4 << 20
    me, deaf = Client(), Client()
    long = me.send("sleep", 1000)
    stream = deaf.send("ruche.run", ["head", "-c", str(size), "/dev/zero"], {"stream": True})
    until(lambda: me.call("ruche.status")["running"] == 2)
    others = [me.send("cube", i) for i in range(20)]
    me.notify("ruche.cancel", long)
    assert me.wait(*others) == [[None, i ** 3] for i in range(20)]
    assert deaf.wait(stream)[0][1]["exit_status"] == 0
    assert sum(len(note[2][2]) for note in deaf.notes) == size


def input_by_any_name():
    """A command is fed however it was called; what was not granted is refused."""
    me = Client()
    for call in (
        ("ruche.run", ["cat"], {"stream_input": True}),
        ("default/ruche.run", ["cat"], {"stream_input": True}),
        ("ruche.call", "ruche.run", [["cat"], {"stream_input": True}]),
    ):
        cat = me.send(*call)
        until(lambda: me.read(0.01) and me.notes)
        me.notes.clear()
        me.notify("ruche.input", cat, b"text")
        me.notify("ruche.input", cat, None)
        assert me.wait(cat)[0][1]["stdout"] == b"text"
    hasty = Client()
    busy = [hasty.send("sleep", 1000) for _ in range(2)]
    cat = hasty.send("ruche.run", ["cat"], {"stream_input": True})
    hasty.notify("ruche.input", cat, None)
    until(lambda: hasty.read(0.01) and hasty.notes)
    assert hasty.notes[0][1] == "ruche.error" and busy


def stopped_workers():
    """They take nothing, so little may be kept for them."""
    me = Client()
    pids = [worker["pid"] for worker in me.call("ruche.workers")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    start = memory()
    for _ in range(150):
        call = me.send("echo", b"x" * (1 << 20))
        me.notify("ruche.cancel", call)
        me.wait(call)
    grown = memory() - start
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    assert grown < 32 << 20, grown
    assert me.call("cube", 3) == 27


def function_that_returns_twice():
    """It forks and both come back; its neighbours must not pay."""
    me = Client()
    ids = [me.send(*(("crash.fork",) if i % 5 == 0 else ("cube", i))) for i in range(500)]
    answers = me.wait(*ids)
    assert all(error is None for error, _ in answers), answers
    assert [a[1] for i, a in enumerate(answers) if i % 5] == [i ** 3 for i in range(500) if i % 5]


def no_descriptor_left():
    """Clients take all there are while workers die; when they have gone all is well again."""
    crowd, me = [], Client()
    try:
        while len(crowd) < 100:
            crowd.append(Client())
            crowd[-1].call("ruche.ping")
    except (AssertionError, OSError):
        pass  # this one was turned away
    assert len(crowd) < 100
    for _ in range(8):
        error, _ = me.wait(me.send("crash.segv"))[0]
        assert error["code"] == "crashed", error
    for client in crowd:
        client.sock.close()
    assert me.call("cube", 3) == 27
    until(lambda: all(w["state"] == "idle" for w in me.call("ruche.workers")))


globals()[sys.argv[1]]()
print("good")
